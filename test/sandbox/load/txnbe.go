package load

import (
	"encoding/json"
	"errors"
	"io"
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
