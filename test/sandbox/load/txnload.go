package load

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox/ingest"
)

// txnLoad takes in one body. It returns nil when the connection has gone.
func (b *backend) txnLoad(w *answerWriter, r *http.Request, l *life) *txnAnswer {
	s := b.s
	h := r.Header
	label, table := h.Get("label"), h.Get("table")
	if _, why := b.credentials(r); why != nil {
		return refusal(label, why)
	}
	t := l.find(label)
	if channel := h.Get("channel_id"); channel != "" {
		n, err := strconv.Atoi(channel)
		if t = nil; err == nil {
			t = l.findPipe(pipeKey{label, table, n})
		}
	} else if t == nil {
		t = l.findPipe(pipeKey{label, table, 0})
	}
	switch {
	case t == nil:
		return refusal(label, statusf(codeNotExists, "Transaction with label %s not exists", label))
	case t.db != h.Get("db"):
		return refusal(label, statusf(codeInvalidArgument, "Request database %s not equal transaction database %s", h.Get("db"), t.db))
	case t.table != table:
		return refusal(label, statusf(codeInvalidArgument, "Request table %s not equal transaction table %s", table, t.table))
	case !t.op.TryLock():
		return refusal(label, inProcessing)
	}
	defer t.op.Unlock()
	if t.task == nil && l.find(label) != t { // an operation that has just ended took it away
		return refusal(label, statusf(codeNotExists, "Transaction with label %s not exists", label))
	}
	t.touch(s.clock.Now())
	defer func() { t.touch(s.clock.Now()) }()
	spoiled := func(why *coded) *txnAnswer {
		why = t.spoil(why)
		if t.task == nil {
			b.rollback(l, t)
		}
		return refusal(label, why)
	}
	if why := b.planLoad(r, t); why != nil {
		return spoiled(why)
	}
	if t.failure != nil {
		return spoiled(statusf(codeInternal, "%s", t.failure.Error()))
	}
	reading := time.Now()
	before := t.load.Bytes()
	err := l.resting(s, func() error { return t.load.Read(r.Body, r.ContentLength, unheard) })
	got := t.load.Bytes() - before
	s.counters.bytes.Add(got)
	received := time.Since(reading).Milliseconds()
	t.totals.received += received
	if errors.Is(err, ingest.ErrBodyCut) || errors.Is(err, errDropped) {
		// What came of the body stays in the pipe, and the transaction open.
		t.torn = strings.EqualFold(h.Get("format"), "json")
		return nil
	}
	t.failure = err
	if why := t.bad(); why != nil { // rolled back meanwhile
		return spoiled(why)
	}
	return &txnAnswer{Status: codeOK, Label: label, TxnID: ptr(t.tx.ID()), LoadBytes: ptr(got),
		StreamLoadPlanTimeMs: ptr(t.totals.plan), ReceivedDataTimeMs: ptr(received)}
}

// planLoad reads the headers of a load before its body, as the real BE does, and on
// the first one plans. The caller holds op.
func (b *backend) planLoad(r *http.Request, t *txn) *coded {
	if t.bad() != nil {
		return statusf(codeAborted, "current transaction is aborted")
	}
	q := ingest.New(b.s.ingestOptions(), t.db, t.table, t.label)
	q.InTransaction = t.task == nil // the FE plans its own with all headers
	// These two have no meaning here and are not even read.
	h := r.Header.Clone()
	h.Del("timeout")
	h.Del("enable_merge_commit")
	length := r.ContentLength
	if length >= 0 {
		t.declared += length
		length = t.declared
	}
	if err := q.Early(h, length); err != nil {
		return statusf(codeInternal, "%s", err.Error())
	}
	if err := q.Late(h); err != nil {
		return headerStatus(q, err)
	}
	if t.plan != nil {
		if !q.Same(t.plan) {
			return statusf(codeInternal, "load request not equal last.")
		}
		return nil
	}
	return t.open(b.s, q)
}

// headerStatus tells what the BE finds wrong with a header from what the FE does.
func headerStatus(q *ingest.Request, err error) *coded {
	if q.Planned() {
		return statusf(codeAnalysis, "%s", err.Error())
	}
	return statusf(codeInvalidArgument, "%s", err.Error())
}

// open plans the loads of the transaction.
func (t *txn) open(s *Server, q *ingest.Request) *coded {
	planning := time.Now()
	if now, err := s.store.Table(t.db, t.table); err != nil || now != t.tab {
		return statusf(codeAnalysis, "unknown table, table=%s", t.table)
	}
	load, err := q.Open(t.tab)
	if err != nil {
		return statusf(codeAnalysis, "%s", err.Error())
	}
	if err := load.Batch().CheckVersions(); err != nil {
		return statusf(codeInternal, "%s", err.Error())
	}
	t.plan, t.load = q, load
	t.totals.plan = time.Since(planning).Milliseconds()
	return nil
}
