package load

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/ingest"
	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/store"
)

const multiAtBackend = "Multi-statement transaction requests can only be sent to FE nodes, not BE nodes"

// transaction serves /api/transaction/op at a BE.
func (b *backend) transaction(w *answerWriter, r *http.Request, op string) {
	l := b.life.Load()
	label := r.Header.Get("label")
	op = strings.ToLower(op)
	if op == "list" {
		b.list(w, l)
		return
	}
	var a *txnAnswer
	switch {
	case label == "" && op == "load":
		a = refusal(label, statusf(codeInvalidArgument, "Invalid label "))
	case label == "":
		a = refusal(label, statusf(codeInvalidArgument, "empty label"))
	case op == "load":
		a = b.txnLoad(w, r, l)
	case r.Header.Get("transaction_type") != "" && b.s.hasMulti():
		a = refusal(label, statusf(codeInvalidArgument, multiAtBackend))
	case op == "begin":
		a = b.txnBegin(r, l)
	case op == "prepare" || op == "commit":
		a = b.txnCommit(r, l, op == "prepare")
	case op == "rollback":
		a = b.txnRollback(r, l)
	default:
		a = refusal(label, statusf(codeInvalidArgument, "unsupport transaction operation %s", op))
	}
	if a == nil || l.over() {
		panic(http.ErrAbortHandler)
	}
	if a.Status != codeOK {
		hangUp(w)
	}
	writeJSON(w, http.StatusOK, a)
}

// refusal is the answer to an operation that failed.
func refusal(label string, why *coded) *txnAnswer {
	a := &txnAnswer{Status: why.code, Message: why.msg}
	switch why.code {
	case codeLabelExists:
		a.ExistingJobStatus = new(string)
	case codeInProcessing:
		a.Label = label
	}
	return a
}

// credentials checks those of an operation. The real BE looks at them at begin only;
// here every operation needs them, so that a client which loses them on a redirect
// is told.
func (b *backend) credentials(r *http.Request) (user string, why *coded) {
	user, password, ok := r.BasicAuth()
	if !ok {
		return "", statusf(codeInternal, "no valid Basic authorization")
	}
	if !b.s.store.Users().Check(user, password) {
		return "", statusf(codeNotAuthorized, "%s", accessDenied(user, r))
	}
	return user, nil
}

func wholeSeconds(text string) (time.Duration, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31)
	return time.Duration(n) * time.Second, err == nil
}

func (b *backend) txnBegin(r *http.Request, l *life) *txnAnswer {
	s := b.s
	h := r.Header
	label := h.Get("label")
	if l.find(label) != nil {
		return refusal(label, statusf(codeLabelExists, ""))
	}
	t := newTxn(h.Get("db"), h.Get("table"), label, s.clock.Now())
	t.timeout = s.Limits().DefaultTimeout
	var ok bool
	if v := h.Get("timeout"); v != "" {
		if t.timeout, ok = wholeSeconds(v); !ok {
			return refusal(label, statusf(codeInvalidArgument, "Invalid timeout format"))
		}
	}
	if v := h.Get("idle_transaction_timeout"); v != "" {
		if t.idle, ok = wholeSeconds(v); !ok {
			return refusal(label, statusf(codeInvalidArgument, "Invalid timeout format"))
		}
	}
	user, why := b.credentials(r)
	if why != nil {
		return refusal(label, why)
	}
	began := time.Now()
	tab, err := s.admit(user, t.db, t.table, label)
	if err != nil {
		return refusal(label, statusf(codeAnalysis, "%s", err.Error()))
	}
	if t.timeout < time.Second || t.timeout > 259200*time.Second {
		return refusal(label, statusf(codeAnalysis, "Invalid timeout. Timeout should between 1 and 259200 seconds"))
	}
	t.tab = tab
	t.tx, err = s.ledger.Begin(ledger.Opening{DB: t.db, Label: label, Tables: []string{t.table}, Kind: ledger.Streaming,
		Coordinator: b.index, Timeout: t.timeout, User: user, Client: clientHost(r)})
	if err != nil {
		var used *ledger.LabelUsed
		if errors.As(err, &used) {
			a := refusal(label, statusf(codeLabelExists, "%s", err.Error()))
			*a.ExistingJobStatus = used.Job()
			return a
		}
		return refusal(label, statusf(codeAnalysis, "%s", err.Error()))
	}
	s.delay(r.Context(), fault.AtBegin, b.event(fault.Begin, t.db, t.table, label, user))
	if !l.put(t) { // another begin was quicker; it cannot have the same label at the FE
		s.ledger.Abort(t.tx, "transaction is aborted by system.")
		return refusal(label, statusf(codeLabelExists, ""))
	}
	return &txnAnswer{Status: codeOK, Label: label, TxnID: ptr(t.tx.ID()), BeginTxnTimeMs: ptr(time.Since(began).Milliseconds())}
}

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
	err := t.load.Read(r.Body, r.ContentLength, unheard)
	got := t.load.Bytes() - before
	s.counters.bytes.Add(got)
	received := time.Since(reading).Milliseconds()
	t.totals.received += received
	if errors.Is(err, ingest.ErrBodyCut) {
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
		return headerStatus(err)
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
func headerStatus(err error) *coded {
	for _, planned := range []string{"Invalid delimiter", "The valid bytes length"} {
		if strings.HasPrefix(err.Error(), planned) {
			return statusf(codeAnalysis, "%s", err.Error())
		}
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

// txnRollback takes effect although another operation may be under way.
func (b *backend) txnRollback(r *http.Request, l *life) *txnAnswer {
	label, db := r.Header.Get("label"), r.Header.Get("db")
	if _, why := b.credentials(r); why != nil {
		return refusal(label, why)
	}
	t := l.find(label)
	switch {
	case t == nil:
		return refusal(label, statusf(codeNotExists, "transaction with label %s not exists", label))
	case t.db != db:
		return refusal(label, statusf(codeInvalidArgument, "request db %s transaction db %s not match", db, t.db))
	}
	t.spoil(statusf(codeAborted, "transaction is aborted by user."))
	b.rollback(l, t)
	return &txnAnswer{Status: codeOK, Label: label}
}

// listed is an open transaction as the list operation shows it.
type listed struct {
	Status             string `json:"Status,omitempty"`
	InProcessing       bool
	Label              string
	TxnID              int64 `json:"TxnId"`
	NumberTotalRows    int64
	NumberLoadedRows   int64
	NumberFilteredRows int64
	LoadBytes          int64
	BeginTimestamp     int64
	TimeoutSec         int64 `json:"TransactionTimeoutSec"`
	IdleTimeoutSec     int64 `json:"IdleTransactionTimeoutSec"`
}

// list writes one JSON object after the other, as the BE does.
func (b *backend) list(w http.ResponseWriter, l *life) {
	var sb strings.Builder
	for _, t := range l.all() {
		i := listed{Label: t.label, TxnID: t.tx.ID(), BeginTimestamp: t.begun.Unix(),
			TimeoutSec: int64(t.timeout / time.Second), IdleTimeoutSec: int64(t.idle / time.Second)}
		if i.IdleTimeoutSec == 0 {
			i.IdleTimeoutSec = -1
		}
		if i.InProcessing = !t.op.TryLock(); !i.InProcessing {
			i.Status = codeOK
			if why := t.bad(); why != nil {
				i.Status = why.code
			}
			if t.load != nil {
				i.NumberTotalRows, i.NumberLoadedRows, i.NumberFilteredRows = t.load.Total(), t.load.Loaded(), t.load.Filtered()
				i.LoadBytes = t.load.Bytes()
			}
			t.op.Unlock()
		}
		text, err := json.MarshalIndent(i, "", "    ")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		sb.Write(text)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, sb.String())
}

// admit does the checks of a begin call on the leader FE.
func (s *Server) admit(user, db, table, label string) (*store.Table, error) {
	if !s.mayInsert(user, db, table) {
		return nil, errors.New(noInsert)
	}
	t, err := s.store.Table(db, table)
	var noDatabase *store.UnknownDatabase
	switch {
	case errors.As(err, &noDatabase):
		return nil, errors.New("unknown database, database=" + db)
	case err != nil:
		return nil, inWords("unknown table %q", db+"."+table)
	}
	return t, ingest.CheckLabel(label)
}

// hasMulti says that the release knows transactions over several tables; older ones
// take transaction_type for a header that means nothing.
func (s *Server) hasMulti() bool { return s.release.AtLeast(4, 0) }

// forever is a wait that ends with something else.
const forever = time.Duration(math.MaxInt64)
