// Package ledger keeps the transactions and labels of the stand-in: the part of the
// leader FE that decides which load counts.
package ledger

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gx-etl/gx/test/sandbox/clock"
)

// State is the state of a transaction as get_load_state names it.
type State string

// The states of a transaction. Unknown is the answer for a label that was never
// used or is forgotten.
const (
	Prepare   State = "PREPARE"
	Prepared  State = "PREPARED"
	Committed State = "COMMITTED"
	Visible   State = "VISIBLE"
	Aborted   State = "ABORTED"
	Unknown   State = "UNKNOWN"
)

// Kind says which interface a transaction belongs to.
type Kind string

// The kinds of loads, by the names SHOW PROC '/transactions' gives them.
const (
	// Streaming is a Stream Load or a transaction of the transaction interface.
	Streaming Kind = "BACKEND_STREAMING"
	// Parallel is a transaction over channels, or one of merged small loads.
	Parallel Kind = "FRONTEND_STREAMING"
	// Multi is a transaction over several tables.
	Multi Kind = "MULTI_STATEMENT_STREAMING"
	// Insert is a statement that writes, or the transaction around several.
	Insert Kind = "INSERT_STREAMING"
)

// Frontend is the coordinator of transactions that an FE keeps.
const Frontend = -1

// Limits are the settings of the leader FE that concern transactions. A zero
// duration or number means none of its kind is allowed, so start from Defaults.
type Limits struct {
	LabelKeepNum    int           // label_keep_max_num, of one database
	LabelKeepAge    time.Duration // label_keep_max_second
	MaxRunning      int           // max_running_txn_num_per_db
	PreparedTimeout time.Duration // prepared_transaction_default_timeout_second
	// SweepEvery is how often timeouts and old labels are looked for,
	// transaction_clean_interval_second.
	SweepEvery time.Duration
	// LoadsDisabled is disable_load_job: no transaction begins or commits.
	LoadsDisabled bool
}

// Defaults are the server's, but for SweepEvery: the real server sweeps every 30
// seconds, which tests had better not wait for.
func Defaults() Limits {
	return Limits{LabelKeepNum: 1000, LabelKeepAge: 72 * time.Hour, MaxRunning: 1000,
		PreparedTimeout: 24 * time.Hour, SweepEvery: 100 * time.Millisecond}
}

// Ledger holds the transactions of all databases. It is safe for concurrent use.
type Ledger struct {
	clock *clock.Clock

	wake    chan struct{} // a new SweepEvery is there
	closing chan struct{}
	sweeper sync.WaitGroup
	stop    sync.Once

	mu     sync.Mutex // guards the following and every Txn in them
	limits Limits
	nextID int64
	byDB   map[string]*dbLedger
	recent []*Txn // the newest loads of all databases, for the status page
	quota  func(db string) error
}

type dbLedger struct {
	labels   map[string]*Txn // newest transaction of each label
	running  map[*Txn]struct{}
	finished []*Txn // oldest first
}

// recentLoads is how many transactions Loads shows at least, forgotten ones too.
const recentLoads = 20000

// New returns an empty ledger and starts its sweeper, which Stop ends.
func New(c *clock.Clock, limits Limits) *Ledger {
	l := &Ledger{clock: c, limits: limits, nextID: 1000, byDB: map[string]*dbLedger{},
		wake: make(chan struct{}, 1), closing: make(chan struct{})}
	c.Watch(l.Sweep)
	l.sweeper.Add(1)
	go l.sweepOn()
	return l
}

func (l *Ledger) of(db string) *dbLedger {
	d := l.byDB[db]
	if d == nil {
		d = &dbLedger{labels: map[string]*Txn{}, running: map[*Txn]struct{}{}}
		l.byDB[db] = d
	}
	return d
}

// Limits returns the settings in force.
func (l *Ledger) Limits() Limits {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limits
}

// SetLimits changes the settings; running transactions keep their deadlines.
func (l *Ledger) SetLimits(limits Limits) {
	l.mu.Lock()
	l.limits = limits
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Txn is one transaction.
type Txn struct {
	id          int64
	db          string
	label       string
	kind        Kind
	coordinator int
	timeout     time.Duration
	user        string
	client      string
	in          *dbLedger // of its database, which may have been dropped since

	// Guarded by the ledger's lock.
	tables    []string
	state     State
	reason    string
	outcome   Outcome
	begun     time.Time
	prepared  time.Time
	committed time.Time
	ended     time.Time
	deadline  time.Time
}

// ID returns the number of the transaction.
func (t *Txn) ID() int64 { return t.id }

// DB returns the database, in which the label counts.
func (t *Txn) DB() string { return t.db }

// Label returns the label.
func (t *Txn) Label() string { return t.label }

// Kind returns the interface the transaction came by.
func (t *Txn) Kind() Kind { return t.kind }

// Coordinator returns the number of the BE that holds the rows until they are
// prepared, or Frontend.
func (t *Txn) Coordinator() int { return t.coordinator }

// Timeout returns how long the transaction may live before it is prepared.
func (t *Txn) Timeout() time.Duration { return t.timeout }

// Outcome is what a load reports about its rows.
type Outcome struct {
	Rows, Filtered, Unselected int64
	Bytes                      int64  // body bytes as sent
	ErrorURL                   string // of the log of refused rows
	RejectedPath               string // of the rejected records
}

// Opening describes a transaction to begin.
type Opening struct {
	DB, Label   string
	Tables      []string
	Kind        Kind
	Coordinator int // number of a BE, or Frontend
	Timeout     time.Duration
	User        string
	Client      string // IP address
}

// LabelUsed reports a label that belongs to a transaction not aborted.
type LabelUsed struct {
	Label string
	ID    int64
	State State
}

func (e *LabelUsed) Error() string { return fmt.Sprintf("Label [%s] has already been used.", e.Label) }

// Job is the word the answer uses for the transaction that holds the label.
func (e *LabelUsed) Job() string {
	if e.State == Committed || e.State == Visible {
		return "FINISHED"
	}
	return "RUNNING"
}

// SetQuota sets what says whether a database may take more; its error refuses a
// transaction. It is called without the ledger's lock.
func (l *Ledger) SetQuota(check func(db string) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quota = check
}

// checkQuota asks for the quota of a database before the lock is taken.
func (l *Ledger) checkQuota(db string) error {
	l.mu.Lock()
	check := l.quota
	l.mu.Unlock()
	if check == nil {
		return nil
	}
	return check(db)
}

const loadsDisabled = wording("disable_load_job is set to true, all load jobs are prevented")

// Begin opens a transaction. The error is a *LabelUsed, or says that too many are
// running, loads are disabled, or the database is full.
func (l *Ledger) Begin(o Opening) (*Txn, error) {
	full := l.checkQuota(o.DB)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limits.LoadsDisabled {
		return nil, loadsDisabled
	}
	d := l.of(o.DB)
	if t := d.labels[o.Label]; t != nil && t.state != Aborted {
		return nil, &LabelUsed{Label: o.Label, ID: t.id, State: t.state}
	}
	if len(d.running) >= l.limits.MaxRunning {
		return nil, inWords("current running txns on db %s is %d, larger than limit %d", o.DB, len(d.running), l.limits.MaxRunning)
	}
	if full != nil {
		return nil, full
	}
	l.nextID++
	now := l.clock.Now()
	t := &Txn{id: l.nextID, db: o.DB, label: o.Label, kind: o.Kind, coordinator: o.Coordinator, timeout: o.Timeout,
		user: o.User, client: o.Client, in: d, tables: slices.Clone(o.Tables), state: Prepare, begun: now, deadline: now.Add(o.Timeout)}
	d.labels[o.Label] = t
	d.running[t] = struct{}{}
	l.remember(t)
	return t, nil
}

func (l *Ledger) remember(t *Txn) {
	if l.recent = append(l.recent, t); len(l.recent) > 2*recentLoads {
		l.recent = slices.Clone(l.recent[recentLoads:])
	}
}

// AddTable notes that the transaction writes to one more table.
func (l *Ledger) AddTable(t *Txn, table string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(t.tables, table) {
		t.tables = append(t.tables, table)
	}
}

// State looks a label up, and says why it was aborted, if it was.
func (l *Ledger) State(db, label string) (State, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.byDB[db]; d != nil && d.labels[label] != nil {
		return d.labels[label].state, d.labels[label].reason
	}
	return Unknown, ""
}

// Find returns the newest transaction of a label and its state, nil and Unknown
// without one.
func (l *Ledger) Find(db, label string) (*Txn, State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.byDB[db]; d != nil && d.labels[label] != nil {
		return d.labels[label], d.labels[label].state
	}
	return nil, Unknown
}

// Status returns the state of a transaction and why it was aborted, if it was.
func (l *Ledger) Status(t *Txn) (State, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return t.state, t.reason
}
