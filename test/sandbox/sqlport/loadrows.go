package sqlport

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
)

// LoadRow is one load: a transaction as the ledger of the frontend knows it, in the
// words of this side. information_schema.loads, stream_loads and load_tracking_logs,
// SHOW TRANSACTION, SHOW PROC '/transactions' and SHOW STREAM LOAD are made of them.
type LoadRow struct {
	TxnID     int64
	Label     string
	DB, Table string // of several tables all names, with commas
	User      string // may be empty when nobody remembers
	// Type is what began it: "STREAM_LOAD" for a Stream Load, also in a
	// transaction of its own; "INSERT" for INSERT and other statements.
	Type string
	// State is that of the transaction: PREPARE, PREPARED, COMMITTED, VISIBLE or
	// ABORTED.
	State  string
	Reason string // why it was aborted
	// Loaded, Filtered and Unselected count rows, Bytes the body as sent.
	Loaded, Filtered, Unselected, Bytes int64
	ErrorURL                            string // of the rejected rows, empty without
	ErrorLog                            string // the text behind ErrorURL
	Client                              string // IP address
	Timeout                             time.Duration
	// Begun is always set, the others when the step was reached.
	Begun, Prepared, Committed, Ended time.Time
}

// Done says whether the transaction is over.
func (l *LoadRow) Done() bool { return l.State == "VISIBLE" || l.State == "ABORTED" }

// jobState is the state of the load job, which has other words than the transaction.
func (l *LoadRow) jobState() string {
	switch l.State {
	case "PREPARE":
		return "LOADING"
	case "PREPARED":
		return "PREPARED"
	case "COMMITTED":
		return "COMMITED" // as the server spells it
	case "VISIBLE":
		return "FINISHED"
	case "ABORTED":
		return "CANCELLED"
	}
	return l.State
}

// timeText is a time as the server shows it, or NULL.
func timeText(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Format(time.DateTime)
}

// timeOrNull is for SHOW statements, which have no NULLs.
func timeOrNull(t time.Time) string {
	if t.IsZero() {
		return "NULL"
	}
	return t.Format(time.DateTime)
}

// textOrNull turns an empty text into NULL.
func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// loadRows lists the loads a session may see, oldest first.
func (s *Server) loadRows(ss *session) []LoadRow {
	if s.opts.Loads == nil {
		return nil
	}
	list := slices.DeleteFunc(slices.Clone(s.opts.Loads()), func(l LoadRow) bool {
		return !slices.ContainsFunc(strings.Split(l.Table, ","), func(name string) bool { return ss.seesTable(l.DB, name) })
	})
	slices.SortFunc(list, func(a, b LoadRow) int { return cmp.Compare(a.TxnID, b.TxnID) })
	return list
}

func (l *LoadRow) trackingSQL() any {
	if l.ErrorURL == "" {
		return nil
	}
	return fmt.Sprintf("select tracking_log from information_schema.load_tracking_logs where job_id=%d", l.TxnID)
}

func (l *LoadRow) jobType() string {
	if l.Type == "STREAM_LOAD" {
		return "STREAM"
	}
	return l.Type
}

// jsonText is a JSON object as the server writes it.
func jsonText(m map[string]string) string {
	text, _ := json.Marshal(m) // a map of strings always converts
	return string(text)
}

func (s *Server) progress(l *LoadRow) string {
	done := "0%"
	if l.State == "VISIBLE" {
		done = "100%"
	}
	return "LOAD:" + done
}

// loads3 and loads4 are the columns of information_schema.loads: since 3.4 (by the
// nearest statement, the manual of 4.0) the table has other columns and shows Stream
// Loads; before it had only INSERT and Broker Load.
const (
	loads3 = `JOB_ID# LABEL DATABASE_NAME STATE PROGRESS TYPE PRIORITY SCAN_ROWS# FILTERED_ROWS# UNSELECTED_ROWS# SINK_ROWS#
		ETL_INFO TASK_INFO CREATE_TIME ETL_START_TIME ETL_FINISH_TIME LOAD_START_TIME LOAD_FINISH_TIME JOB_DETAILS ERROR_MSG
		TRACKING_URL TRACKING_SQL REJECTED_RECORD_PATH`
	loads4 = `ID# LABEL PROFILE_ID DB_NAME TABLE_NAME USER WAREHOUSE STATE PROGRESS TYPE PRIORITY SCAN_ROWS# SCAN_BYTES#
		FILTERED_ROWS# UNSELECTED_ROWS# SINK_ROWS# RUNTIME_DETAILS CREATE_TIME LOAD_START_TIME LOAD_COMMIT_TIME
		LOAD_FINISH_TIME PROPERTIES ERROR_MSG TRACKING_SQL REJECTED_RECORD_PATH JOB_ID#`
)

func (s *Server) loadsColumns() string {
	if s.atLeast(3, 4) {
		return loads4
	}
	return loads3
}

func (s *Server) loadsTable(list []LoadRow) (rows [][]any) {
	for i := range list {
		l := &list[i]
		scanned := l.Loaded + l.Filtered + l.Unselected
		seconds := strconv.FormatInt(int64(l.Timeout/time.Second), 10)
		if s.atLeast(3, 4) {
			details := jsonText(map[string]string{"txn_id": strconv.FormatInt(l.TxnID, 10), "load_id": l.Label, "client_ip": l.Client, "timeout": seconds})
			rows = append(rows, []any{l.TxnID, l.Label, nil, l.DB, l.Table, l.User, "default_warehouse", l.jobState(), s.progress(l), l.jobType(), "NORMAL",
				scanned, l.Bytes, l.Filtered, l.Unselected, l.Loaded, details, timeText(l.Begun), timeText(l.Begun), timeText(l.Committed),
				timeText(l.Ended), jsonText(map[string]string{"timeout": seconds}), textOrNull(l.Reason), l.trackingSQL(), nil, l.TxnID})
			continue
		}
		if l.Type == "STREAM_LOAD" {
			continue
		}
		rows = append(rows, []any{l.TxnID, l.Label, l.DB, l.jobState(), s.progress(l), l.jobType(), "NORMAL", scanned, l.Filtered, l.Unselected,
			l.Loaded, "", "resource:N/A; timeout(s):" + seconds + "; max_filter_ratio:0.0", timeText(l.Begun), timeText(l.Begun), timeText(l.Begun),
			timeText(l.Begun), timeText(l.Ended), "{}", textOrNull(l.Reason), textOrNull(l.ErrorURL), l.trackingSQL(), nil})
	}
	return rows
}

const streamLoadsColumns = `LABEL ID# LOAD_ID TXN_ID# DB_NAME TABLE_NAME STATE ERROR_MSG TRACKING_URL CHANNEL_NUM# PREPARED_CHANNEL_NUM#
	NUM_ROWS_NORMAL# NUM_ROWS_AB_NORMAL# NUM_ROWS_UNSELECTED# NUM_LOAD_BYTES# TIMEOUT_SECOND# CREATE_TIME_MS BEFORE_LOAD_TIME_MS
	START_LOADING_TIME_MS START_PREPARING_TIME_MS FINISH_PREPARING_TIME_MS END_TIME_MS CHANNEL_STATE TYPE TRACKING_SQL WAREHOUSE`

func streamLoadsTable(list []LoadRow) (rows [][]any) {
	for i := range list {
		l := &list[i]
		if l.Type != "STREAM_LOAD" {
			continue
		}
		rows = append(rows, []any{l.Label, l.TxnID, l.Label, l.TxnID, l.DB, l.Table, l.jobState(), textOrNull(l.Reason), textOrNull(l.ErrorURL),
			int64(1), int64(0), l.Loaded, l.Filtered, l.Unselected, l.Bytes, int64(l.Timeout / time.Second), timeText(l.Begun), timeText(l.Begun),
			timeText(l.Begun), timeText(l.Prepared), timeText(l.Committed), timeText(l.Ended), "", "STREAM_LOAD", l.trackingSQL(), "default_warehouse"})
	}
	return rows
}

func trackingLogs(list []LoadRow) (rows [][]any) {
	for i := range list {
		if l := &list[i]; l.ErrorLog != "" {
			rows = append(rows, []any{l.TxnID, l.TxnID, l.Label, l.DB, l.ErrorLog, l.jobType()})
		}
	}
	return rows
}

// transactionColumns are those of SHOW TRANSACTION and SHOW PROC '/transactions'.
const transactionColumns = `TransactionId Label Coordinator TransactionStatus LoadJobSourceType PrepareTime CommitTime PublishTime FinishTime
	Reason ErrorReplicasCount ListenerId TimeoutMs ErrMsg`

func (l *LoadRow) transaction() []any {
	kind, by := "BACKEND_STREAMING", "BE: "+l.Client
	if l.Type != "STREAM_LOAD" {
		kind, by = "INSERT_STREAMING", "FE: "+l.Client
	}
	return []any{strconv.FormatInt(l.TxnID, 10), l.Label, by, l.State, kind, timeOrNull(l.Begun), timeOrNull(l.Committed), timeOrNull(l.Committed),
		timeOrNull(l.Ended), l.Reason, "0", "-1", strconv.FormatInt(l.Timeout.Milliseconds(), 10), l.Reason}
}

// showTransaction answers SHOW TRANSACTION [FROM db] WHERE ID = n.
func (ss *session) showTransaction(c *lex.Cursor) (*answer, error) {
	db, err := ss.fromDB(c)
	if err != nil {
		return nil, err
	}
	if err := c.Expect("where", "id", "="); err != nil {
		return nil, err
	}
	n := c.Next()
	id, err := strconv.ParseInt(n.Text, 10, 64)
	if n.Kind != lex.Number || err != nil {
		return nil, lex.Unexpected(n, "INTEGER_VALUE")
	}
	a := fixed(transactionColumns)
	for _, l := range ss.server.loadRows(ss) {
		if l.TxnID == id && l.DB == db {
			return a.add(l.transaction()...), nil
		}
	}
	return nil, wire.Errorf(1064, "42000", "transaction with id %d does not exist", id)
}

const showLoadColumns = `JobId Label State Progress Type Priority ScanRows FilteredRows UnselectedRows SinkRows EtlInfo TaskInfo ErrorMsg CreateTime
	EtlStartTime EtlFinishTime LoadStartTime LoadFinishTime TrackingSQL JobDetails Warehouse`

// showLoad answers SHOW LOAD, which has INSERT statements but no Stream Loads.
func (ss *session) showLoad(c *lex.Cursor) (*answer, error) {
	db, err := ss.fromDB(c)
	if err != nil {
		return nil, err
	}
	a := &answer{cols: columnsOf(showLoadColumns)}
	for _, l := range ss.server.loadRows(ss) {
		if l.Type == "STREAM_LOAD" || l.DB != db {
			continue
		}
		number := func(n int64) string { return strconv.FormatInt(n, 10) }
		reason, tracking := l.Reason, ""
		if reason == "" {
			reason = "NULL"
		}
		if t, ok := l.trackingSQL().(string); ok {
			tracking = t
		}
		a.add(number(l.TxnID), l.Label, l.jobState(), ss.server.progress(&l), l.jobType(), "NORMAL", number(l.Loaded+l.Filtered+l.Unselected),
			number(l.Filtered), number(l.Unselected), number(l.Loaded), "NULL",
			"resource:N/A; timeout(s):"+number(int64(l.Timeout/time.Second))+"; max_filter_ratio:0.0", reason, timeOrNull(l.Begun), timeOrNull(l.Begun),
			timeOrNull(l.Begun), timeOrNull(l.Begun), timeOrNull(l.Ended), tracking, "{}", "default_warehouse")
	}
	return a, nil
}

const showStreamLoadColumns = `Label Id LoadId TxnId DbName TableName State ErrorMsg TrackingURL ChannelNum PreparedChannelNum NumRowsNormal
	NumRowsAbNormal NumRowsUnselected NumLoadBytes TimeoutSecond CreateTimeMs BeforeLoadTimeMs StartLoadingTimeMs StartPreparingTimeMs
	FinishPreparingTimeMs EndTimeMs ChannelState Type`

// showStreamLoad answers SHOW [ALL] STREAM LOAD [FOR label] [FROM db].
func (ss *session) showStreamLoad(c *lex.Cursor) (*answer, error) {
	label := ""
	if c.Try("for") {
		t := c.Next()
		if t.Kind != lex.String && !t.IsName() {
			return nil, lex.Unexpected(t, "a label")
		}
		label = t.Text
		if c.Try(".") {
			c.I -= 2
			_, name, err := c.Table()
			if err != nil {
				return nil, err
			}
			label = name.Text
		}
	}
	db, err := ss.fromDB(c)
	if err != nil {
		return nil, err
	}
	a := &answer{cols: columnsOf(showStreamLoadColumns)}
	for _, l := range ss.server.loadRows(ss) {
		if l.DB != db || label != "" && l.Label != label {
			continue
		}
		for _, r := range streamLoadsTable([]LoadRow{l}) {
			a.add(r[:len(a.cols)]...)
		}
	}
	return a, nil
}

// withLoads makes the rows of a virtual table of the loads the reader may see.
func (s *Server) withLoads(table func([]LoadRow) [][]any) func(context.Context) [][]any {
	return func(ctx context.Context) [][]any { return table(s.loadRows(sessionOf(ctx))) }
}
