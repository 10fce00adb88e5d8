package load

import (
	"errors"
	"fmt"
	"time"

	"github.com/gx-etl/gx/test/sandbox/ingest"
	"github.com/gx-etl/gx/test/sandbox/ledger"
)

// runChannel handles an operation on a transaction over several channels.
func (o *feOp) runChannel() (*txnAnswer, *backend, error) {
	s := o.f.s
	if o.op == "begin" {
		a, err := o.beginChannel()
		return a, nil, err
	}
	t := s.tasks.find(o.label)
	if t == nil || t.multi {
		return nil, nil, inWords("stream load task %s does not exist", o.label)
	}
	switch o.op {
	case "load":
		return t.loadChannel(o)
	case "prepare":
		return t.prepareChannel(o), nil, nil
	case "commit":
		return t.commitChannels(o.timeout), nil, nil
	}
	return t.rollbackChannels(), nil, nil
}

func (o *feOp) beginChannel() (*txnAnswer, error) {
	s := o.f.s
	began := time.Now()
	if o.channel.id >= o.channel.num || o.channel.id < 0 {
		return nil, ddl(fmt.Sprintf("Channel ID should be between [0, %d].", o.channel.num-1))
	}
	if !s.store.HasDatabase(o.db) {
		return nil, inWords("Database[%s] does not exist", o.db)
	}
	t, fresh, err := s.tasks.begin(o.label, func() (*task, error) {
		if o.table == "" {
			return nil, wording("Table name must be specified when calling /begin/transaction/ first time")
		}
		if _, err := s.store.Table(o.db, o.table); err != nil {
			return nil, ddl(fmt.Sprintf("Unknown table '%s'", o.table))
		}
		if !s.mayInsert(o.user, o.db, o.table) {
			return nil, wording(noInsert)
		}
		if err := ingest.CheckLabel(o.label); err != nil {
			return nil, err
		}
		tx, err := s.ledger.Begin(ledger.Opening{DB: o.db, Label: o.label, Tables: []string{o.table}, Kind: ledger.Parallel,
			Coordinator: ledger.Frontend, Timeout: o.timeout, User: o.user, Client: clientHost(o.r)})
		if err != nil {
			return nil, err
		}
		return &task{s: s, db: o.db, label: o.label, channels: o.channel.num, tx: tx, timeout: o.timeout, created: s.clock.Now(),
			state: taskBeforeLoad, pipes: map[pipeKey]*pipe{}, begun: map[int]taskState{}}, nil
	})
	if err != nil {
		return nil, err
	}
	if err := t.channelExists(o.channel); err != nil {
		return t.exception(err), nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.passed(); a != nil {
		return a, nil
	}
	if t.begun[o.channel.id] != "" {
		return &txnAnswer{Status: codeOK, Message: fmt.Sprintf("stream load %s channel %d has already begun", t.label, o.channel.id)}, nil
	}
	t.begun[o.channel.id] = taskBeforeLoad
	a := &txnAnswer{Status: codeOK, BeginChannel: ptr(t.channels)}
	if fresh {
		a.Label, a.TxnID, a.BeginTxnTimeMs = t.label, ptr(t.tx.ID()), ptr(time.Since(began).Milliseconds())
	}
	return a, nil
}

func (t *task) channelExists(c *channel) error {
	if c.num != t.channels {
		return inWords("channel num %d does not equal to original channel num %d", c.num, t.channels)
	}
	if c.id < 0 || c.id >= t.channels {
		return inWords("channel id should be between [0, %d].", t.channels-1)
	}
	return nil
}

// passed is the answer of a task that is past its loads: OK, with a message that
// says so. The caller holds mu.
func (t *task) passed() *txnAnswer {
	msg := ""
	switch t.state {
	case taskPrepared:
		msg = "stream load task " + t.label + " has already been prepared"
	case taskCommitted, taskCommitting:
		msg = "stream load task " + t.label + " has already been committed"
	case taskCancelled:
		msg = "stream load task " + t.label + " has already been cancelled: " + t.err
	default:
		return nil
	}
	return &txnAnswer{Status: codeOK, Message: msg}
}

func (t *task) loadChannel(o *feOp) (*txnAnswer, *backend, error) {
	tables := t.s.ledger.Info(t.tx).Table
	switch {
	case t.db != o.db:
		return nil, nil, inWords("Request database %s not equal transaction database %s", o.db, t.db)
	case tables != o.table:
		return nil, nil, inWords("Request table %s not equal transaction table %s", o.table, tables)
	}
	if err := t.channelExists(o.channel); err != nil {
		return t.exception(err), nil, nil
	}
	p, a, err := t.pipeOf(o)
	if err != nil {
		return t.exception(err), nil, nil
	}
	if a != nil {
		return a, nil, nil
	}
	return nil, p.on, nil
}

// pipeOf returns the pipe of a channel, which its first load opens.
func (t *task) pipeOf(o *feOp) (*pipe, *txnAnswer, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.passed(); a != nil {
		return nil, a, nil
	}
	if t.begun[o.channel.id] == taskPreparing {
		return nil, nil, wording("channel state should be BEGIN | BEFORE_LOAD | LOADING when channel is loading")
	}
	key := pipeKey{label: t.label, table: o.table, channel: o.channel.id}
	p := t.pipes[key]
	if p == nil {
		var err error
		if p, err = t.open(key, o.r); err != nil {
			return nil, nil, err
		}
	}
	t.begun[o.channel.id] = taskLoading
	if t.state == taskBeforeLoad {
		t.state = taskLoading
	}
	return p, nil, nil
}

// prepareChannel says that a channel is complete. With the last one the transaction
// is prepared.
func (t *task) prepareChannel(o *feOp) *txnAnswer {
	if err := t.channelExists(o.channel); err != nil {
		return t.exception(err)
	}
	a, last, err := t.closeChannel(o)
	if err != nil {
		return t.exception(err)
	}
	if !last {
		return a
	}
	t.mu.Lock()
	keys := t.keys()
	t.mu.Unlock()
	w, err := t.gather(keys)
	if errors.Is(err, errBusy) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.begun[o.channel.id] = taskLoading
		return refusal(t.label, inProcessing)
	}
	if err == nil && len(keys) == 0 {
		err = wording("No partitions have data available for loading")
	}
	if err == nil {
		err = t.s.promise(w)
	}
	if err == nil {
		keep := o.keep
		if keep == 0 || !t.s.release.AtLeastPatch(3, 5, 4) {
			keep = t.s.Limits().PreparedTimeout
		}
		t.s.keep(t.tx, w)
		if err = t.s.ledger.Prepare(t.tx, keep); err != nil {
			t.s.takePrepared(t.tx)
		}
	}
	if err != nil {
		return t.exception(err)
	}
	t.mu.Lock()
	if t.state.final() { // cancelled in this moment
		defer t.mu.Unlock()
		return t.passed()
	}
	t.state = taskPrepared
	t.mu.Unlock()
	a.Message = "stream load " + t.label + " finish preparing"
	return t.counts(a)
}

func (t *task) closeChannel(o *feOp) (a *txnAnswer, last bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.passed(); a != nil {
		return a, false, nil
	}
	if t.begun[o.channel.id] == taskPreparing {
		return nil, false, inWords("channel state should be BEGIN | BEFORE_LOAD | LOADING when channel is ready for prepare, cur state is %s", t.state)
	}
	t.begun[o.channel.id], t.state = taskPreparing, taskPreparing
	n := 0
	for _, s := range t.begun {
		if s == taskPreparing {
			n++
		}
	}
	return &txnAnswer{Status: codeOK, Label: t.label, TxnID: ptr(t.tx.ID()), ChannelID: ptr(o.channel.id), PreparedNum: ptr(n)}, n == t.channels, nil
}

func (t *task) commitChannels(wait time.Duration) *txnAnswer {
	t.mu.Lock()
	switch t.state {
	case taskCancelled:
		defer t.mu.Unlock()
		return &txnAnswer{Status: codeOK, Message: fmt.Sprintf("txn could not be committed because task state is: %s, error_msg: %s", t.state, t.err)}
	case taskCommitted, taskCommitting:
		defer t.mu.Unlock()
		return &txnAnswer{Status: codeOK, Message: fmt.Sprintf("txn could not be committed because task state is: %s", taskCommitted)}
	case taskPrepared:
	default:
		defer t.mu.Unlock()
		return &txnAnswer{Status: codeOK, Message: fmt.Sprintf("stream load task %s state (%s) is not prepared, can not commit", t.label, t.state)}
	}
	t.state = taskCommitting
	t.mu.Unlock()
	_, err := t.s.ledger.Commit(t.tx)
	if err != nil {
		t.mu.Lock()
		t.state = taskPrepared
		t.mu.Unlock()
		return t.exception(err)
	}
	visible, err := t.s.publishKept(t.tx, t.event(t.s.ledger.Info(t.tx).Table), wait)
	t.mu.Lock()
	if err != nil {
		t.end(taskCancelled, err.Error())
	} else {
		t.end(taskCommitted, "")
	}
	t.mu.Unlock()
	switch {
	case err != nil:
		return failed("%s", err.Error())
	case !visible:
		return failed("publish timeout: %d", wait.Milliseconds())
	}
	return t.counts(&txnAnswer{Status: codeOK, Message: "stream load " + t.label + " commit", Label: t.label, TxnID: ptr(t.tx.ID())})
}

func (t *task) rollbackChannels() *txnAnswer {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == taskCommitting {
		return &txnAnswer{Status: codeOK, Message: "txn can not be cancelled because task state is committing"}
	}
	if t.state.final() {
		return &txnAnswer{Status: codeOK, Message: "stream load " + t.label + " abort fail"}
	}
	t.cancelLocked("manual abort")
	t.s.takePrepared(t.tx)
	return &txnAnswer{Status: codeOK, Message: "stream load " + t.label + " abort"}
}
