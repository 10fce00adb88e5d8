package load

import (
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/gx-etl/gx/test/sandbox/ingest"
	"github.com/gx-etl/gx/test/sandbox/ledger"
)

// taskState is how far a transaction is that an FE keeps, in the FE's words.
type taskState string

const (
	taskBegin      taskState = "BEGIN"       // multi: until the commit
	taskBeforeLoad taskState = "BEFORE_LOAD" // channels: no load has come
	taskLoading    taskState = "LOADING"
	taskPreparing  taskState = "PREPARING"
	taskPrepared   taskState = "PREPARED"
	taskCommitting taskState = "COMMITING"
	taskCommitted  taskState = "COMMITED"
	taskCancelled  taskState = "CANCELLED"
)

func (s taskState) final() bool { return s == taskCommitted || s == taskCancelled }

// task is a transaction that an FE keeps: over several tables (multi), or over
// several channels into one table.
type task struct {
	s         *Server
	db, label string
	multi     bool
	channels  int
	tx        *ledger.Txn
	timeout   time.Duration
	created   time.Time // by the servers' clock

	mu    sync.Mutex // guards the following
	state taskState
	err   string    // why it was cancelled
	ended time.Time // zero while it goes on
	pipes map[pipeKey]*pipe
	begun map[int]taskState // of each channel that has begun
}

// pipe is the way of one table, or of one channel, through a BE.
type pipe struct {
	*txn
	key  pipeKey
	on   *backend
	life *life
}

// tasks are those of all databases: their labels share one space, as in the real FE.
type tasks struct {
	mu      sync.Mutex // guards byLabel
	byLabel map[string]*task
}

func (ts *tasks) find(label string) *task {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.byLabel[label]
}

func (ts *tasks) all() []*task {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	out := make([]*task, 0, len(ts.byLabel))
	for _, t := range ts.byLabel {
		out = append(out, t)
	}
	return out
}

// begin returns the task of the label, and whether it is new. make opens one.
func (ts *tasks) begin(label string, make func() (*task, error)) (t *task, fresh bool, err error) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t := ts.byLabel[label]; t != nil {
		return t, false, nil
	}
	if t, err = make(); err != nil {
		return nil, false, err
	}
	ts.byLabel[label] = t
	return t, true, nil
}

// sweep cancels what has lived too long and forgets what ended long ago, or when
// there are too many the oldest ones.
func (ts *tasks) sweep(s *Server, now time.Time, limits *Limits) {
	all := ts.all()
	sort.Slice(all, func(i, j int) bool { return all[i].tx.ID() > all[j].tx.ID() })
	for i, t := range all {
		state, why := s.ledger.Status(t.tx)
		switch {
		case now.Sub(t.created) > t.timeout && state == ledger.Prepare:
			t.cancel("timeout")
		case state == ledger.Aborted || state == ledger.Unknown:
			t.cancel(why)
		}
		t.mu.Lock()
		over := t.state.final() && (i >= limits.TaskKeepNum || now.Sub(t.ended) > limits.TaskKeepAge)
		t.mu.Unlock()
		if over {
			ts.mu.Lock()
			delete(ts.byLabel, t.label)
			ts.mu.Unlock()
		}
	}
}

// leaderChanged cancels what was open: the rows are known to no one any more.
func (ts *tasks) leaderChanged() {
	for _, t := range ts.all() {
		if state, _ := t.s.ledger.Status(t.tx); state == ledger.Aborted {
			t.cancel("cancelled after FE restart")
		}
	}
}

// cancel gives the transaction up unless it has ended, or is committing.
func (t *task) cancel(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cancelLocked(why)
}

func (t *task) cancelLocked(why string) {
	if t.state.final() || t.state == taskCommitting {
		return
	}
	if !t.s.ledger.Abort(t.tx, why) {
		if state, _ := t.s.ledger.Status(t.tx); state == ledger.Committed || state == ledger.Visible {
			t.end(taskCommitted, "") // by a request that named no channel
			return
		}
	}
	t.end(taskCancelled, why)
}

// end closes the pipes. The caller holds mu.
func (t *task) end(state taskState, why string) {
	t.state, t.err, t.ended = state, why, t.s.clock.Now()
	for _, p := range t.pipes {
		p.spoil(statusf(codeAborted, "transaction is aborted by system."))
		p.life.removePipe(p.key)
	}
}

// exception is the error that cancels a task of channels.
func (t *task) exception(err error) *txnAnswer {
	msg := fmt.Sprintf("stream_load_task: %d, label: %s, error_msg: cancel stream task for exception: %s", t.tx.ID(), t.label, err)
	t.cancel(msg)
	return &txnAnswer{Status: codeFailed, Message: msg, Label: t.label}
}

func failed(format string, args ...any) *txnAnswer {
	return &txnAnswer{Status: codeFailed, Message: fmt.Sprintf(format, args...)}
}

// open begins the pipe of a table or channel on a BE, with the headers of the load
// that opens it. The caller holds mu.
func (t *task) open(key pipeKey, r *http.Request) (*pipe, error) {
	s := t.s
	tab, err := s.store.Table(t.db, key.table)
	if err != nil {
		return nil, inWords("Failed to find table %s in db %s", key.table, t.db)
	}
	b := s.nextBackend()
	if b == nil {
		return nil, wording("No backend alive.")
	}
	q := ingest.New(s.ingestOptions(), t.db, key.table, t.label)
	h := r.Header.Clone()
	h.Del("timeout")
	h.Del("enable_merge_commit")
	if err := errors.Join(q.Early(h, -1), q.Late(h)); err != nil {
		return nil, err
	}
	x := newTxn(t.db, key.table, t.label, t.created)
	x.tx, x.tab, x.task, x.timeout = t.tx, tab, t, t.timeout
	if why := x.open(s, q); why != nil {
		return nil, why
	}
	p := &pipe{txn: x, key: key, on: b, life: b.life.Load()}
	t.pipes[key] = p
	p.life.putPipe(key, x)
	s.ledger.AddTable(t.tx, key.table)
	return p, nil
}

// errBusy says that a load is under way. The real FE would end its pipe in the
// middle; here the client is asked to wait, which no sound client has to.
var errBusy = errors.New("a load of the transaction is under way")

// finish ends the rows of a pipe.
func (p *pipe) finish() error {
	if !p.op.TryLock() {
		return errBusy
	}
	defer p.op.Unlock()
	if p.life.over() {
		return inWords("coordinate BE is down")
	}
	err := p.txn.finish(p.on)
	if err != nil && err.Error() == "too many filtered rows" {
		return inWords("abnormal data more than max filter rate, tracking_url: %s", p.errorURL)
	}
	return err
}

// gather ends the rows of all pipes and puts them together.
func (t *task) gather(keys []pipeKey) (*work, error) {
	w, sum := &work{}, ledger.Outcome{}
	for _, k := range keys {
		t.mu.Lock()
		p := t.pipes[k]
		t.mu.Unlock()
		if err := p.finish(); err != nil {
			return nil, err
		}
		if err := t.s.decisionFaults(t.event(p.tab.Name()), p.tab); err != nil {
			return nil, err
		}
		o := p.outcome()
		sum.Rows, sum.Filtered, sum.Unselected, sum.Bytes = sum.Rows+o.Rows, sum.Filtered+o.Filtered, sum.Unselected+o.Unselected, sum.Bytes+o.Bytes
		if o.ErrorURL != "" {
			sum.ErrorURL, sum.RejectedPath = o.ErrorURL, o.RejectedPath
		}
		w.parts = append(w.parts, p.part())
	}
	t.s.ledger.SetOutcome(t.tx, sum)
	return w, nil
}

// keys lists the pipes in the order of their tables and channels. The caller holds
// mu.
func (t *task) keys() []pipeKey {
	keys := make([]pipeKey, 0, len(t.pipes))
	for k := range t.pipes {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		if c := strings.Compare(keys[i].table, keys[j].table); c != 0 {
			return c < 0
		}
		return keys[i].channel < keys[j].channel
	})
	return keys
}

// counts adds the sums of all pipes to an answer.
func (t *task) counts(a *txnAnswer) *txnAnswer {
	i := t.s.ledger.Info(t.tx)
	a.NumberTotalRows = ptr(i.Rows + i.Filtered + i.Unselected)
	a.NumberLoadedRows, a.NumberFilteredRows, a.NumberUnselectedRows = ptr(i.Rows), ptr(i.Filtered), ptr(i.Unselected)
	a.LoadBytes, a.TrackingURL = ptr(i.Bytes), i.ErrorURL
	return a
}

// publish makes the committed rows visible, and says after how long it gave up.
func (t *task) publish(w *work, wait time.Duration) *txnAnswer {
	e := t.event()
	for _, p := range w.parts {
		e.Tables = append(e.Tables, p.table.Name())
	}
	delay, wait := t.s.publishFault(e, wait)
	visible, err := t.s.publish(t.tx, w, delay, wait)
	switch {
	case err != nil:
		return failed("%s", err.Error())
	case !visible:
		return failed("publish timeout: %d", wait.Milliseconds())
	}
	return nil
}
