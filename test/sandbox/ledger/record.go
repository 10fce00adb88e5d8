package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Info describes a transaction. The times are those of the server's clock, and zero
// for what has not happened.
type Info struct {
	TxnID        int64     `json:"txnId"`
	Label        string    `json:"label"`
	Database     string    `json:"database"`
	Table        string    `json:"table"` // of several tables all names, with commas
	Kind         Kind      `json:"kind"`
	Coordinator  int       `json:"coordinator"` // number of the BE, or Frontend
	User         string    `json:"user,omitempty"`
	Client       string    `json:"client,omitempty"` // IP address
	State        State     `json:"state"`
	Reason       string    `json:"reason,omitempty"`
	Rows         int64     `json:"rows"`
	Filtered     int64     `json:"filtered"`
	Unselected   int64     `json:"unselected"`
	Bytes        int64     `json:"bytes"` // body bytes as sent
	ErrorURL     string    `json:"errorUrl,omitempty"`
	RejectedPath string    `json:"rejectedPath,omitempty"`
	Begun        time.Time `json:"time"`
	Prepared     time.Time `json:"prepared,omitzero"`
	Committed    time.Time `json:"committed,omitzero"`
	Ended        time.Time `json:"ended,omitzero"`
	Millis       int64     `json:"ms"`        // from begin to the end, or to now
	TimeoutMs    int64     `json:"timeoutMs"` // as it began
}

func (t *Txn) info(now time.Time) Info {
	end := t.ended
	if end.IsZero() {
		end = now
	}
	return Info{TxnID: t.id, Label: t.label, Database: t.db, Table: strings.Join(t.tables, ","), Kind: t.kind,
		Coordinator: t.coordinator, User: t.user, Client: t.client, State: t.state, Reason: t.reason,
		Rows: t.outcome.Rows, Filtered: t.outcome.Filtered, Unselected: t.outcome.Unselected, Bytes: t.outcome.Bytes,
		ErrorURL: t.outcome.ErrorURL, RejectedPath: t.outcome.RejectedPath,
		Begun: t.begun, Prepared: t.prepared, Committed: t.committed, Ended: t.ended,
		Millis: end.Sub(t.begun).Milliseconds(), TimeoutMs: t.timeout.Milliseconds()}
}

// Loads returns the newest transactions of all databases in the order they began,
// forgotten ones too.
func (l *Ledger) Loads() []Info {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	out := make([]Info, len(l.recent))
	for i, t := range l.recent {
		out[i] = t.info(now)
	}
	return out
}

// Info describes one transaction.
func (l *Ledger) Info(t *Txn) Info {
	l.mu.Lock()
	defer l.mu.Unlock()
	return t.info(l.clock.Now())
}

// Saved is a ledger as a file keeps it.
type Saved struct {
	NextID   int64  `json:"nextId"`
	Finished []Info `json:"finished"` // of all databases, in the order they ended
}

// Save returns what outlives a restart of all servers: the finished transactions,
// whose labels go on to count. The rows of prepared transactions are not part of it,
// so these come back aborted; transactions begun or just committed do not come back.
func (l *Ledger) Save() Saved {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	s := Saved{NextID: l.nextID}
	for _, d := range l.byDB {
		for _, t := range d.finished {
			s.Finished = append(s.Finished, t.info(now))
		}
		for t := range d.running {
			if t.state == Prepared {
				i := t.info(now)
				i.State, i.Ended, i.Rows = Aborted, now, 0
				i.Reason = "prepared rows are not kept over a restart of the stand-in"
				s.Finished = append(s.Finished, i)
			}
		}
	}
	slices.SortStableFunc(s.Finished, func(a, b Info) int { return a.Ended.Compare(b.Ended) })
	return s
}

// Restore puts saved transactions into an empty ledger. The error names what cannot
// be right about them.
func (l *Ledger) Restore(s Saved) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.byDB) > 0 {
		return fmt.Errorf("ledger: transactions have begun already")
	}
	for i := range s.Finished {
		in := &s.Finished[i]
		if in.State != Visible && in.State != Aborted || in.TxnID > s.NextID {
			return fmt.Errorf("ledger: saved transaction %d with state %q", in.TxnID, in.State)
		}
	}
	for i := range s.Finished {
		in := &s.Finished[i]
		t := &Txn{id: in.TxnID, db: in.Database, label: in.Label, kind: in.Kind, coordinator: in.Coordinator,
			user: in.User, client: in.Client, timeout: time.Duration(in.TimeoutMs) * time.Millisecond, tables: strings.Split(in.Table, ","),
			state: in.State, reason: in.Reason, begun: in.Begun, prepared: in.Prepared, committed: in.Committed, ended: in.Ended,
			outcome: Outcome{Rows: in.Rows, Filtered: in.Filtered, Unselected: in.Unselected, Bytes: in.Bytes,
				ErrorURL: in.ErrorURL, RejectedPath: in.RejectedPath}}
		d := l.of(t.db)
		t.in = d
		d.finished = append(d.finished, t)
		if old := d.labels[t.label]; old == nil || old.id < t.id {
			d.labels[t.label] = t
		}
		l.remember(t)
	}
	slices.SortFunc(l.recent, func(a, b *Txn) int { return int(a.id - b.id) })
	l.nextID = max(l.nextID, s.NextID)
	return nil
}
