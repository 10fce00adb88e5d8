package load

import (
	"errors"
	"fmt"
	"time"

	"github.com/gx-etl/gx/test/sandbox/ledger"
)

// runMulti handles an operation on a transaction over several tables.
func (o *feOp) runMulti() (*txnAnswer, *backend, error) {
	s := o.f.s
	if o.op == "begin" {
		a, err := o.beginMulti()
		return a, nil, err
	}
	if o.op == "prepare" {
		return nil, nil, inWords("Unsupported operation: TXN_PREPARE")
	}
	t := s.tasks.find(o.label)
	if t == nil || !t.multi {
		return nil, nil, inWords("stream load task %s does not exist", o.label)
	}
	switch o.op {
	case "load":
		if t.db != o.db {
			err := inWords("Request database %s not equal transaction database %s", o.db, t.db)
			t.cancel("LOAD exception: " + err.Error())
			return nil, nil, err
		}
		return t.loadMulti(o)
	case "commit":
		return t.commitMulti(o.timeout), nil, nil
	}
	return t.rollbackMulti(), nil, nil
}

func (o *feOp) beginMulti() (*txnAnswer, error) {
	s := o.f.s
	began := time.Now()
	if !s.store.HasDatabase(o.db) {
		return nil, inWords("Database[%s] does not exist", o.db)
	}
	t, fresh, err := s.tasks.begin(o.label, func() (*task, error) {
		// The real FE tells the transaction manager at the first load; here the
		// label is taken from the begin on, so its state is PREPARE sooner.
		tx, err := s.ledger.Begin(ledger.Opening{DB: o.db, Label: o.label, Kind: ledger.Multi, Coordinator: ledger.Frontend, Timeout: o.timeout,
			User: o.user, Client: clientHost(o.r)})
		if err != nil {
			return nil, err
		}
		return &task{s: s, db: o.db, label: o.label, multi: true, tx: tx, timeout: o.timeout, created: s.clock.Now(),
			state: taskBegin, pipes: map[pipeKey]*pipe{}}, nil
	})
	if err != nil {
		return nil, err
	}
	if fresh {
		return &txnAnswer{Status: codeOK, Label: o.label, TxnID: ptr(t.tx.ID()), BeginTxnTimeMs: ptr(time.Since(began).Milliseconds())}, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	a := &txnAnswer{Status: codeLabelExists, ExistingJobStatus: ptr(string(t.state))}
	if t.state == taskCommitted {
		a.Message = fmt.Sprintf("Label [%s] has already been used.", o.label)
		return a, nil
	}
	a.Message = fmt.Sprintf("Transaction already started with label [%s], txnId: %d", o.label, t.tx.ID())
	a.TxnID = ptr(t.tx.ID())
	return a, nil
}

// loadMulti opens the pipe of the table if this is its first load, and sends the
// load to the pipe's BE. Whatever fails cancels the transaction.
func (t *task) loadMulti(o *feOp) (*txnAnswer, *backend, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.state {
	case taskCancelled:
		return failed("stream load task %s has already been cancelled: %s", t.label, t.err), nil, nil
	case taskCommitted:
		return failed("stream load task %s has already been commited", t.label), nil, nil
	case taskCommitting:
		return failed("stream load task %s is committing, can not accept new loads", t.label), nil, nil
	}
	if !t.s.mayInsert(o.user, o.db, o.table) {
		t.cancelLocked("LOAD exception: " + noInsert)
		return failed("%s", noInsert), nil, nil
	}
	key := pipeKey{label: t.label, table: o.table}
	p := t.pipes[key]
	if p == nil {
		var err error
		if p, err = t.open(key, o.r); err != nil {
			t.cancelLocked("LOAD exception: " + err.Error())
			return failed("%s", err.Error()), nil, nil
		}
	}
	return nil, p.on, nil
}

func (t *task) commitMulti(wait time.Duration) *txnAnswer {
	t.mu.Lock()
	switch t.state {
	case taskCommitted:
		defer t.mu.Unlock()
		return &txnAnswer{Status: codeOK, Message: fmt.Sprintf("Transaction %d has already committed, label is %s", t.tx.ID(), t.label),
			Label: t.label, TxnID: ptr(t.tx.ID())}
	case taskCancelled:
		defer t.mu.Unlock()
		return failed("Can not commit CANCELLED transaction %d, label is %s", t.tx.ID(), t.label)
	case taskCommitting:
		defer t.mu.Unlock()
		return failed("Transaction %d is already committing, label is %s", t.tx.ID(), t.label)
	}
	t.state = taskCommitting
	keys := t.keys()
	t.mu.Unlock()

	w, err := t.gather(keys)
	if errors.Is(err, errBusy) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.state = taskBegin
		return refusal(t.label, inProcessing)
	}
	if err == nil {
		err = t.s.promise(w)
	}
	first := false
	if err == nil {
		first, err = t.s.ledger.Commit(t.tx)
	}
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.s.ledger.Abort(t.tx, "commit failed: "+err.Error())
		t.end(taskCancelled, err.Error())
		return failed("%s", err.Error())
	}
	a := &txnAnswer{Status: codeOK, Label: t.label, TxnID: ptr(t.tx.ID())}
	if first {
		if late := t.publish(w, wait); late != nil {
			a = late
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if state, why := t.s.ledger.Status(t.tx); state == ledger.Aborted {
		t.end(taskCancelled, why)
	} else {
		t.end(taskCommitted, "")
	}
	return a
}

func (t *task) rollbackMulti() *txnAnswer {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.state {
	case taskCommitted:
		return failed("Can not abort VISIBLE transaction %d, label is %s", t.tx.ID(), t.label)
	case taskCancelled:
		return &txnAnswer{Status: codeOK, Message: fmt.Sprintf("Transaction %d has already aborted, label is %s", t.tx.ID(), t.label),
			Label: t.label, TxnID: ptr(t.tx.ID())}
	case taskCommitting:
		return failed("Can not abort transaction %d during committing, label is %s", t.tx.ID(), t.label)
	}
	t.cancelLocked("manual abort")
	return &txnAnswer{Status: codeOK, Message: "stream load " + t.label + " abort", Label: t.label, TxnID: ptr(t.tx.ID())}
}
