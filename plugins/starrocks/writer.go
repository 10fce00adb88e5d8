package starrocks

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/starrocks/streamload"
)

// Writer loads batches into StarRocks. It serves sdk.Writer.
type Writer struct {
	params Params
	set    settings
	// together is set as it holds for rows in a transaction.
	together settings
	info     sdk.OpenInfo
	sql      *frontendSQL // nil without jdbcUrl
	client   *streamload.Client
	budget   int64 // bytes of rows that one lane may hold

	release        string // of StarRocks; "" when unknown
	noTransactions string // why this job cannot use them
	open           transactions

	asking  sync.Mutex         // guards the following; held while the cluster is asked
	targets map[string]*target // by destination
	tides   map[string]*tide   // by table; empty without adaptiveFlush

	pace *pace // of loads into one table

	mu     sync.Mutex                 // guards the following
	stops  map[int]func()             // of the lanes that run; nil before Open and after Close
	lanes  sync.WaitGroup             // those lanes; grows only while stops is there
	labels map[int]*streamload.Labels // by lane: a lane that is opened again goes on where it was
}

// Config serves sdk.Writer.
func (w *Writer) Config() any { return &w.params }

// Open serves sdk.Writer: it reaches the frontends and, with jdbcUrl, looks at the table.
func (w *Writer) Open(ctx context.Context, info sdk.OpenInfo) (sdk.Opened, error) {
	set, problems := w.params.settle("")
	for _, p := range problems {
		if !p.Warning {
			return sdk.Opened{}, protocol.Faultf(protocol.Config, "%s", p.Seen).At(p.Path).Hint("%s", p.Try)
		}
	}
	w.set, w.info, w.targets, w.stops, w.labels = set, info, map[string]*target{}, map[int]func(){}, map[int]*streamload.Labels{}
	w.tides, w.pace = map[string]*tide{}, newPace(time.Duration(w.params.FlushPauseMs)*time.Millisecond)
	w.budget = w.params.TotalBufferBytes
	if info.Memory > 0 {
		w.budget = min(w.budget, info.Memory)
	}
	w.budget /= int64(max(info.Lanes, 1))
	opened, err := w.connect(ctx)
	if err != nil {
		w.letGo()
	}
	return opened, err
}

func (w *Writer) connect(ctx context.Context) (sdk.Opened, error) {
	var notes []string
	hosts := streamload.NewHosts(w.set.frontends)
	for _, entry := range w.params.AllowedHosts {
		if err := hosts.Allow(entry); err != nil {
			return sdk.Opened{}, protocol.Faultf(protocol.Config, "%q %v", shown(entry), err).At("allowedHosts")
		}
	}
	for _, m := range w.set.moves {
		hosts.Move(m.from, m.to)
	}
	if w.set.sameHost {
		hosts.SameHost()
	}
	for _, e := range w.set.backends {
		if err := hosts.Allow(e.String()); err != nil {
			return sdk.Opened{}, protocol.Faultf(protocol.Config, "%s %v", e, err).At("redirect")
		}
	}
	connect := time.Duration(w.params.ConnectTimeoutMs) * time.Millisecond
	if len(w.set.mysql.addrs) > 0 {
		var err error
		if w.sql, err = dialSQL(ctx, &w.set, connect, time.Duration(w.params.QueryTimeoutSec)*time.Second); err != nil {
			return sdk.Opened{}, err
		}
		notes = append(notes, w.look(ctx, hosts)...)
		if err := w.set.updatesIn(w.release); err != nil {
			return sdk.Opened{}, err
		}
	}
	say := func(line string) { fmt.Fprintln(os.Stderr, line) }
	w.open.say = say
	w.client = streamload.New(streamload.Config{
		Frontends: w.set.frontends, Backends: w.set.backends, Hosts: hosts, User: w.set.user, Password: w.set.password,
		ConnectTimeout: connect, AnswerTimeout: w.set.answerTimeout, MaxRetries: w.params.MaxRetries,
		Unreachable: time.Duration(w.params.UnreachableTimeoutSec) * time.Second,
		Lines:       say,
	})
	if err := w.client.Probe(ctx); err != nil {
		return sdk.Opened{}, err
	}
	notes = append(notes, w.flushNotes()...)
	w.noTransactions = w.transactional(ctx, w.release)
	opened := sdk.Opened{Transactions: w.noTransactions == "", NoTransactions: w.noTransactions, Notes: notes, Self: sdk.Peer{Plugin: "starrocks-writer", WantsColumns: w.set.props.format == formatCSV || w.set.dates.asked}}
	if w.set.table == "" {
		t := &target{}
		if err := w.set.arrange(t); err != nil {
			return opened, err
		}
		opened.Self.Columns, opened.Self.WantsDestination = t.sources, true
		w.set.operations(t, &opened.Self)
		return opened, nil
	}
	main, err := w.targetOf(ctx, "")
	if err != nil {
		return opened, err
	}
	opened.Self.Columns, opened.ReplaySafe = main.sources, main.replaySafe()
	main.describe(&opened.Self)
	w.set.operations(main, &opened.Self)
	opened.Notes = append(opened.Notes, w.set.modeNote(main)...)
	if main.model != "" {
		opened.Notes = append(opened.Notes, fmt.Sprintf("table %s.%s is %s", main.database, main.table, main.model))
	}
	return opened, nil
}

// look asks the cluster what it is and which servers it has.
func (w *Writer) look(ctx context.Context, hosts *streamload.Hosts) (notes []string) {
	if v, err := w.sql.version(ctx); err == nil {
		w.release = v
		is, ok := parseVersion(v)
		older := func(than ...int) bool { return ok && slices.Compare(is[:], than) < 0 }
		if older(2, 2) {
			notes = append(notes, fmt.Sprintf("StarRocks %s is older than any release that gx knows", oneLine(fmt.Errorf("%s", v))))
		}
		if older(3, 2, 7) && w.set.props.codec != "" && w.set.props.format != formatCSV {
			notes = append(notes, fmt.Sprintf("StarRocks %s may refuse compressed JSON, which came with 3.2.7", oneLine(fmt.Errorf("%s", v))))
		}
	}
	servers, err := w.sql.servers(ctx)
	if err != nil {
		return append(notes, "the servers of the cluster cannot be listed ("+oneLine(err)+"): redirects are followed to any host the frontends name, except link-local ones; allowedHosts and redirectMap say more")
	}
	hosts.Name(servers)
	return notes
}

// targetOf knows the table for a destination; "" is the job's own.
func (w *Writer) targetOf(ctx context.Context, destination string) (*target, error) {
	w.asking.Lock()
	defer w.asking.Unlock()
	if t, ok := w.targets[destination]; ok {
		return t, nil
	}
	db, table := "", w.set.table
	if destination != "" {
		db, table = splitTable(tableFor(w.set.routes, destination))
	}
	if db == "" {
		db = w.set.database
	}
	switch {
	case table == "" && destination == "":
		return nil, protocol.Faultf(protocol.Config, "the reader does not say where its rows go, and table is not given").At("table").Hint("give table")
	case table == "" || hasControl(table) || strings.Contains(table, "/") || hasControl(db) || strings.Contains(db, "/"):
		return nil, protocol.Faultf(protocol.Config, "rows for %q have no legal table name", destination).At("topic2table").Hint("map it to a table")
	}
	t, err := w.set.target(ctx, w.sql, db, table)
	if err != nil {
		return nil, err
	}
	t.tide = w.tideOf(t)
	w.targets[destination] = t
	return t, nil
}

// Start serves sdk.Writer: schemaSaveMode, dataSaveMode, preSql. A resumed job leaves out what may clean away that which the
// run before has loaded.
func (w *Writer) Start(ctx context.Context, info sdk.StartInfo) (notes []string, err error) {
	if notes, err = w.save(ctx, info); err != nil || len(w.set.preSQL) == 0 {
		return notes, err
	}
	if info.Resumed && !w.params.PreSQLOnResume {
		return append(notes, "preSql is left out: the job goes on where an earlier run stopped (preSqlOnResume runs it all the same)"), nil
	}
	if at, err := w.sql.run(ctx, "preSql", w.set.preSQL); err != nil {
		return nil, protocol.Faultf(protocol.Refused, "%w; nothing was loaded", err).At(fmt.Sprintf("preSql[%d]", at))
	}
	return append(notes, fmt.Sprintf("preSql: %s", statements(w.set.preSQL))), nil
}

// Finish serves sdk.Writer: postSql.
func (w *Writer) Finish(ctx context.Context, _ bool) ([]string, error) {
	if len(w.set.postSQL) == 0 {
		return nil, nil
	}
	if at, err := w.sql.run(ctx, "postSql", w.set.postSQL); err != nil {
		return nil, protocol.Faultf(protocol.Refused, "data is loaded, postSql failed: %w", err).At(fmt.Sprintf("postSql[%d]", at)).
			Hint("run the rest of postSql by hand; loading again would load twice")
	}
	return []string{fmt.Sprintf("postSql: %s", statements(w.set.postSQL))}, nil
}

func statements(list []string) string {
	if len(list) == 1 {
		return "1 statement"
	}
	return fmt.Sprintf("%d statements", len(list))
}

// enter notes a lane that begins, so that Close can end it, and lends it the labels; leave is to be called when it is gone.
func (w *Writer) enter(number int, stop func()) (labels *streamload.Labels, leave func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stops == nil {
		return nil, nil, protocol.Faultf(protocol.Internal, "lane %d begins on a writer that is not open", number)
	}
	if w.labels[number] == nil {
		w.labels[number] = streamload.NewLabels(w.labelPrefix(), w.info.Run, number)
	}
	w.lanes.Add(1)
	w.stops[number] = stop
	return w.labels[number], func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.stops, number)
		w.lanes.Done()
	}, nil
}

// Close serves sdk.Writer. Lanes that still run are stopped first, and transactions that nobody has prepared are rolled back.
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	stops := w.stops
	w.stops = nil
	for _, stop := range stops {
		stop()
	}
	w.mu.Unlock()
	w.lanes.Wait()
	if w.client != nil {
		w.undoAll(ctx)
	}
	w.letGo()
	return nil
}

func (w *Writer) letGo() {
	if w.sql != nil {
		w.sql.Close()
		w.sql = nil
	}
	if w.client != nil {
		w.client.Close()
		w.client = nil
	}
}

// CheckLive serves sdk.LiveChecker: all that Open looks at, without the job.
func (w *Writer) CheckLive(ctx context.Context) (problems []options.Problem) {
	opened, err := w.Open(ctx, sdk.OpenInfo{Job: "check", Run: "check", Lanes: 1})
	defer w.letGo()
	if err != nil {
		p := options.Problem{Code: string(protocol.Internal), Seen: err.Error()}
		if f := protocol.AsFault(err); f != nil {
			p = options.Problem{Code: string(f.Code), Path: f.Place, Seen: f.What, Try: f.Try}
		}
		return []options.Problem{p}
	}
	for _, note := range opened.Notes {
		problems = append(problems, options.Problem{Code: options.CodeAssumed, Seen: note, Warning: true})
	}
	if !w.set.props.strict {
		problems = append(problems, options.Problem{Code: options.CodeAssumed, Path: "loadProps.strict_mode", Seen: lenientMode, Try: `"strict_mode":true`, Warning: true})
	}
	return problems
}

// lenientMode is what loads do without strict_mode.
const lenientMode = "is not true: values that do not fit their column become NULL where it may be, and no row is refused for them"

// flushInterval is how long the first row of a load may wait.
func (w *Writer) flushInterval() time.Duration {
	switch {
	case w.params.FlushInterval != nil:
		return time.Duration(*w.params.FlushInterval) * time.Millisecond
	case w.info.Streaming:
		return time.Second
	}
	return 5 * time.Minute
}

// told is a refusal as it may stand in messages, which many people read: without the values of rows, unless logRowData.
func (w *Writer) told(r *streamload.RowsRefused) *streamload.RowsRefused {
	if w.params.LogRowData {
		return r
	}
	out := *r
	out.Reason = streamload.HideValues(r.Reason)
	return &out
}
