package load

import (
	"errors"
	"net/http"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
)

func (b *backend) txnCommit(r *http.Request, l *life, prepare bool) *txnAnswer {
	s := b.s
	h := r.Header
	label := h.Get("label")
	if _, why := b.credentials(r); why != nil {
		return refusal(label, why)
	}
	t := l.find(label)
	switch {
	case t == nil:
		return refusal(label, statusf(codeNotExists, "transaction with label %s not exists", label))
	case t.db != h.Get("db"):
		return refusal(label, statusf(codeInvalidArgument, "request db %s transaction db %s not match", h.Get("db"), t.db))
	}
	keep := time.Duration(0)
	if s.release.AtLeastPatch(3, 5, 4) {
		keep = s.Limits().PreparedTimeout
		if v := h.Get("prepared_timeout"); prepare && v != "" {
			var ok bool
			if keep, ok = wholeSeconds(v); !ok || keep <= 0 {
				return refusal(label, statusf(codeInvalidArgument, "Invalid prepared_timeout: %s", v))
			}
		}
	}
	if !t.op.TryLock() {
		return refusal(label, inProcessing)
	}
	defer t.op.Unlock()
	if l.find(label) != t { // an operation that has just ended took it away
		return refusal(label, statusf(codeNotExists, "transaction with label %s not exists", label))
	}
	committing := time.Now()
	why := b.settle(r, l, t, prepare, keep)
	if l.over() {
		return nil
	}
	if why != nil && why.code != codePublishTimeout {
		why = t.spoil(why)
		s.ledger.SetOutcome(t.tx, t.outcome())
		b.rollback(l, t)
		a := refusal(label, why)
		a.ErrorURL, a.RejectedRecordPath = t.errorURL, t.rejected
		return a
	}
	l.remove(t)
	t.touch(s.clock.Now())
	o := t.outcome()
	a := &txnAnswer{Status: codeOK, Label: label, TxnID: ptr(t.tx.ID()),
		NumberTotalRows: ptr(t.load.Total()), NumberLoadedRows: ptr(o.Rows), NumberFilteredRows: ptr(o.Filtered), NumberUnselectedRows: ptr(o.Unselected),
		LoadBytes: ptr(o.Bytes), LoadTimeMs: ptr(time.Since(t.totals.started).Milliseconds()), StreamLoadPlanTimeMs: ptr(t.totals.plan),
		ReceivedDataTimeMs: ptr(t.totals.received), WriteDataTimeMs: ptr(t.totals.received),
		CommitAndPublishTimeMs: ptr(time.Since(committing).Milliseconds()), ErrorURL: t.errorURL, RejectedRecordPath: t.rejected}
	if why != nil { // a publish timeout is no failure, but no OK either
		return &txnAnswer{Status: why.code, Message: why.msg, ErrorURL: t.errorURL, RejectedRecordPath: t.rejected}
	}
	return a
}

// settle ends the loads of a transaction and prepares or commits it. The caller
// holds op.
func (b *backend) settle(r *http.Request, l *life, t *txn, prepare bool, keep time.Duration) *coded {
	s := b.s
	if t.bad() != nil {
		return statusf(codeAborted, "transaction is aborted")
	}
	if t.load == nil {
		return statusf(codeInternal, "transaction %s hasn't send any data yet", t.brief())
	}
	fail := func(err error) *coded { return statusf(codeInternal, "%s", err.Error()) }
	if err := t.finish(b); err != nil {
		return fail(err)
	}
	op := fault.Commit
	if prepare {
		op = fault.Prepare
	}
	user, _, _ := r.BasicAuth()
	e := b.event(op, t.db, t.table, t.label, user)
	s.delay(r.Context(), fault.AtCommit, e)
	if err := s.decisionFaults(e, t.tab); err != nil {
		if errors.Is(err, errDropped) {
			b.rollback(l, t)
			panic(http.ErrAbortHandler)
		}
		return fail(err)
	}
	if l.over() {
		return nil
	}
	s.ledger.SetOutcome(t.tx, t.outcome())
	w := &work{parts: []part{t.part()}}
	if err := s.promise(w); err != nil {
		return statusf(codeAnalysis, "%s", err.Error())
	}
	if prepare {
		s.keep(t.tx, w)
		if err := s.ledger.Prepare(t.tx, keep); err != nil {
			s.takePrepared(t.tx)
			return statusf(codeAnalysis, "%s", err.Error())
		}
		return nil
	}
	first, err := s.ledger.Commit(t.tx)
	if err != nil {
		return statusf(codeAnalysis, "%s", err.Error())
	}
	if !first {
		return nil
	}
	delay, wait := s.publishFault(e, s.commitWaits(t.tx, t.totals.started))
	visible, err := s.publish(t.tx, w, delay, wait)
	s.delay(r.Context(), fault.AtAnswer, e)
	switch {
	case err != nil:
		return statusf(codeAnalysis, "%s", err.Error())
	case !visible:
		return statusf(codePublishTimeout, "%s", publishLater)
	}
	return nil
}
