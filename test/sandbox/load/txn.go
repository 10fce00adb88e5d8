package load

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gx-etl/gx/test/sandbox/ingest"
	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// txn is what a BE holds of a transaction from begin to prepare or commit: its rows
// so far, in memory. It is also the pipe of one table or channel of a transaction
// that an FE keeps.
type txn struct {
	db, table, label string
	tx               *ledger.Txn
	tab              *store.Table
	id               string
	task             *task // of an FE-kept transaction, nil otherwise
	timeout, idle    time.Duration
	begun            time.Time // by the servers' clock

	// op is held by the operation under way; the fields behind it belong to that.
	op       sync.Mutex
	plan     *ingest.Request // of the first load
	load     *ingest.Load
	declared int64 // bytes that Content-Length headers announced
	failure  error // of the rows, told at prepare or commit
	torn     bool  // a JSON body ended early: what follows cannot be read
	totals   times
	errorURL string
	rejected string

	mu     sync.Mutex // guards the following
	status *coded     // why the transaction cannot go on, nil while it can
	active time.Time  // of the last operation
}

// times are what the answers tell, in milliseconds.
type times struct {
	plan, received int64
	started        time.Time
}

func newTxn(db, table, label string, now time.Time) *txn {
	return &txn{db: db, table: table, label: label, id: newLabel(), begun: now, active: now, totals: times{started: time.Now()}}
}

func (t *txn) bad() *coded {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

// spoil makes the transaction unable to go on; the first reason stays.
func (t *txn) spoil(why *coded) *coded {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.status == nil {
		t.status = why
	}
	return t.status
}

func (t *txn) touch(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.active = now
}

// overdue says why the transaction has lived too long, nil if it has not.
func (t *txn) overdue(now time.Time) *coded {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case now.Sub(t.begun) > t.timeout:
		return statusf(codeAborted, "transaction is aborted by timeout %d seconds.", int(t.timeout/time.Second))
	case t.idle > 0 && now.Sub(t.active) > t.idle:
		return statusf(codeAborted, "transaction is aborted by idle timeout %d seconds.", int(t.idle/time.Second))
	}
	return nil
}

func (t *txn) brief() string {
	return fmt.Sprintf("id=%s, job_id=-1, txn_id: %d, label=%s, db=%s", t.id, t.tx.ID(), t.label, t.db)
}

var inProcessing = &coded{code: codeInProcessing, msg: "Transaction in processing, please retry later"}

// finish ends the rows of all loads and judges them. The caller holds op.
func (t *txn) finish(b *backend) error {
	if t.torn && t.failure == nil {
		t.failure = errors.New("illegal json: a body ended inside of a document")
	}
	if t.failure == nil {
		t.failure = t.load.Finish()
	}
	if t.errorURL == "" && t.load.Filtered() > 0 {
		t.errorURL = b.errorURL(t.load)
		t.rejected = b.rejectedPath(t.db, t.label, t.tx.ID(), t.load)
	}
	if t.failure != nil {
		return t.failure
	}
	return t.load.Judge()
}

func (t *txn) outcome() ledger.Outcome {
	if t.load == nil {
		return ledger.Outcome{}
	}
	return ledger.Outcome{Rows: t.load.Loaded(), Filtered: t.load.Filtered(), Unselected: t.load.Unselected(),
		Bytes: t.load.Bytes(), ErrorURL: t.errorURL, RejectedPath: t.rejected}
}

func (t *txn) part() part { return part{table: t.tab, batch: t.load.Batch(), rows: t.load.Loaded()} }

// find returns an open transaction, nil without one.
func (l *life) find(label string) *txn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.txns[label]
}

// put adds an open transaction; false says that the label has one already.
func (l *life) put(t *txn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.txns[t.label] != nil {
		return false
	}
	l.txns[t.label] = t
	return true
}

func (l *life) remove(t *txn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.txns[t.label] == t {
		delete(l.txns, t.label)
	}
}

func (l *life) findPipe(k pipeKey) *txn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pipes[k]
}

func (l *life) putPipe(k pipeKey, t *txn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pipes[k] = t
}

func (l *life) removePipe(k pipeKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pipes, k)
}

func (l *life) all() []*txn {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]*txn, 0, len(l.txns))
	for _, t := range l.txns {
		out = append(out, t)
	}
	return out
}

// sweep ends the transactions that have lived or slept too long, but for those with
// an operation under way, as the BE does.
func (b *backend) sweep(now time.Time) {
	l := b.life.Load()
	for _, t := range l.all() {
		why := t.overdue(now)
		if why == nil || !t.op.TryLock() {
			continue
		}
		t.spoil(why)
		b.rollback(l, t)
		t.op.Unlock()
	}
}

// rollback gives a transaction up, here and at the FE.
func (b *backend) rollback(l *life, t *txn) {
	why := t.spoil(statusf(codeAborted, "transaction is aborted by system."))
	if l.over() {
		return
	}
	b.s.ledger.Abort(t.tx, why.msg)
	l.remove(t)
}
