// Package ledger keeps the transactions and labels of the stand-in: the part of the
// leader FE that decides which load counts.
package ledger

import (
	"fmt"
	"sort"
	"sync"
	"time"
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

// Txn is one transaction. Its fields are guarded by the ledger's lock once begun.
type Txn struct {
	id       int64
	label    string
	db       string
	table    string
	state    State
	reason   string
	begun    time.Time
	ended    time.Time
	rows     int64
	filtered int64
	bytes    int64
	deadline *time.Timer
}

// LabelUsed reports a label that belongs to a transaction not aborted.
type LabelUsed struct {
	Label string
	ID    int64
	State State
}

func (e *LabelUsed) Error() string {
	return fmt.Sprintf("Label [%s] has already been used, relate to transaction [%d]", e.Label, e.ID)
}

// Job is the word the answer uses for the transaction that holds the label.
func (e *LabelUsed) Job() string {
	if e.State == Committed || e.State == Visible {
		return "FINISHED"
	}
	return "RUNNING"
}

// Ledger holds the transactions of all databases. It is safe for concurrent use.
type Ledger struct {
	keepCount  int
	keepAge    time.Duration
	maxRunning int

	mu     sync.Mutex // guards the following and every Txn in them
	nextID int64
	byDB   map[string]*dbLedger
	recent []*Txn // the newest loads of all databases, for the status page
}

type dbLedger struct {
	labels   map[string]*Txn // newest transaction of each label
	finished []*Txn          // oldest first
	running  int
}

const recentLoads = 20000

// New returns an empty ledger: it keeps at most keepCount finished labels of a
// database, each no longer than keepAge, and lets maxRunning transactions of a
// database run at once.
func New(keepCount int, keepAge time.Duration, maxRunning int) *Ledger {
	return &Ledger{keepCount: keepCount, keepAge: keepAge, maxRunning: maxRunning, nextID: 1000, byDB: map[string]*dbLedger{}}
}

func (l *Ledger) of(db string) *dbLedger {
	d := l.byDB[db]
	if d == nil {
		d = &dbLedger{labels: map[string]*Txn{}}
		l.byDB[db] = d
	}
	return d
}

// ID returns the number of the transaction.
func (t *Txn) ID() int64 { return t.id }

// Begin opens a transaction, which is aborted when it lives longer than
// timeout. The error is a *LabelUsed or says that too many are running.
func (l *Ledger) Begin(db, table, label string, timeout time.Duration) (*Txn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.of(db)
	l.forget(d)
	if t := d.labels[label]; t != nil && t.state != Aborted {
		return nil, &LabelUsed{Label: label, ID: t.id, State: t.state}
	}
	if d.running >= l.maxRunning {
		return nil, fmt.Errorf("current running txns on db %s is %d, larger than limit %d", db, d.running, l.maxRunning)
	}
	l.nextID++
	t := &Txn{id: l.nextID, label: label, db: db, table: table, state: Prepare, begun: time.Now()}
	d.labels[label] = t
	d.running++
	if l.recent = append(l.recent, t); len(l.recent) > 2*recentLoads {
		l.recent = append([]*Txn(nil), l.recent[recentLoads:]...)
	}
	t.deadline = time.AfterFunc(timeout, func() { l.Abort(t, "timeout by txn manager") })
	return t, nil
}

// forget drops finished transactions beyond the kept count or age, oldest first.
// The real server sweeps twice a minute; here it happens at once, so that tests
// see the same outcome without waiting.
func (l *Ledger) forget(d *dbLedger) {
	n := max(0, len(d.finished)-l.keepCount)
	for n < len(d.finished) && time.Since(d.finished[n].ended) > l.keepAge {
		n++
	}
	for _, t := range d.finished[:n] {
		if d.labels[t.label] == t {
			delete(d.labels, t.label)
		}
	}
	d.finished = d.finished[n:]
}

func (l *Ledger) finish(t *Txn, s State, reason string) {
	t.state, t.reason, t.ended = s, reason, time.Now()
	t.deadline.Stop()
	d := l.of(t.db)
	d.running--
	d.finished = append(d.finished, t)
	l.forget(d)
}

// Abort rolls the transaction back unless it is committed already, and says
// whether it is aborted now.
func (l *Ledger) Abort(t *Txn, reason string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.state == Prepare || t.state == Prepared {
		l.finish(t, Aborted, reason)
	}
	return t.state == Aborted
}

// Commit marks the transaction committed, after which it can only become
// visible. It fails when the transaction was aborted meanwhile.
func (l *Ledger) Commit(t *Txn, rows, filtered, bytes int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.state != Prepare && t.state != Prepared {
		return fmt.Errorf("transaction %d of label %s is %s: %s", t.id, t.label, t.state, t.reason)
	}
	t.state, t.rows, t.filtered, t.bytes = Committed, rows, filtered, bytes
	t.deadline.Stop()
	return nil
}

// Publish makes a committed transaction visible; apply runs first and its error
// is returned after the transaction was aborted.
func (l *Ledger) Publish(t *Txn, apply func() error) error {
	err := apply()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		t.rows = 0
		l.finish(t, Aborted, err.Error())
		return err
	}
	l.finish(t, Visible, "")
	return nil
}

// State looks a label up, and says why it was aborted, if it was.
func (l *Ledger) State(db, label string) (State, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.of(db)
	l.forget(d)
	t := d.labels[label]
	if t == nil {
		return Unknown, ""
	}
	return t.state, t.reason
}

// Cancel aborts the running transaction of a label.
func (l *Ledger) Cancel(db, label string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.of(db).labels[label]
	switch {
	case t == nil:
		return fmt.Errorf("transaction not found, label=%s", label)
	case t.state == Prepare || t.state == Prepared:
		l.finish(t, Aborted, "cancelled by user")
		return nil
	case t.state == Aborted:
		return fmt.Errorf("transaction's state is already ABORTED, could not abort, label=%s", label)
	}
	return fmt.Errorf("transaction's state is already %s, could not abort, label=%s", t.state, label)
}

// Info describes a transaction on the status page.
type Info struct {
	TxnID    int64     `json:"txnId"`
	Label    string    `json:"label"`
	Database string    `json:"database"`
	Table    string    `json:"table"`
	State    State     `json:"state"`
	Reason   string    `json:"reason,omitempty"`
	Rows     int64     `json:"rows"`
	Filtered int64     `json:"filtered"`
	Bytes    int64     `json:"bytes"` // body bytes as sent
	Begun    time.Time `json:"time"`
	Millis   int64     `json:"ms"` // from begin to the end, or to now
}

// Loads returns the newest transactions of all databases in the order they began.
func (l *Ledger) Loads() []Info {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Info, 0, len(l.recent))
	for _, t := range l.recent {
		end := t.ended
		if end.IsZero() {
			end = time.Now()
		}
		out = append(out, Info{TxnID: t.id, Label: t.label, Database: t.db, Table: t.table, State: t.state,
			Reason: t.reason, Rows: t.rows, Filtered: t.filtered, Bytes: t.bytes, Begun: t.begun,
			Millis: end.Sub(t.begun).Milliseconds()})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].TxnID < out[j].TxnID })
	return out
}

// Stop ends the timers of all running transactions.
func (l *Ledger) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.byDB {
		for _, t := range d.labels {
			t.deadline.Stop()
		}
	}
}
