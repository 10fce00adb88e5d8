package load

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/ledger"
)

// defaultFETimeout is how long operations that the FE handles itself may take, and
// transactions that it keeps may live, without a timeout header.
const defaultFETimeout = 20 * time.Second

// feOp is an operation of the transaction interface as the FE reads it.
type feOp struct {
	f         *frontend
	r         *http.Request
	op        string
	db, table string
	label     string
	user      string
	timeout   time.Duration
	keep      time.Duration // prepared_timeout, 0 without one
	multi     bool
	channel   *channel
}

type channel struct{ id, num int }

// feError is an exception of the FE, of a Java class that is not the usual one.
type feError struct {
	class string
	msg   string
}

func (e *feError) Error() string { return e.msg }

func ddl(msg string) error { return &feError{class: javaDDL, msg: msg} }

// transaction serves /api/transaction/op at an FE.
func (f *frontend) transaction(w *answerWriter, r *http.Request, op string) {
	user, ok := f.user(w, r)
	if !ok || f.toLeader(w, r) {
		return
	}
	o := &feOp{f: f, r: r, op: strings.ToLower(op), user: user}
	err := o.read()
	var a *txnAnswer
	var to *backend
	if err == nil {
		a, to, err = o.run()
	}
	switch {
	case err != nil:
		writeJSON(w, http.StatusOK, f.exception(err))
	case a != nil:
		writeJSON(w, http.StatusOK, a)
	default:
		f.redirectTo(w, r, to.node.Addr())
	}
}

// exception is the FE's answer to one.
func (f *frontend) exception(err error) *txnAnswer {
	var used *ledger.LabelUsed
	if errors.As(err, &used) {
		return &txnAnswer{Status: codeLabelExists, ExistingJobStatus: ptr(used.Job()), Message: err.Error()}
	}
	class := javaUser(f.s.release)
	var e *feError
	if errors.As(err, &e) {
		class = e.class
	}
	return &txnAnswer{Status: codeFailed, Message: thrown(class, err)}
}

var feOps = map[string]bool{"begin": true, "load": true, "prepare": true, "commit": true, "rollback": true}

// read takes the headers in, in the order the FE does.
func (o *feOp) read() error {
	h := o.r.Header
	if !feOps[o.op] {
		return inWords("Unknown transaction operation: %s", o.op)
	}
	if o.op == "load" && !o.f.s.expects(o.r) {
		return ddl(string(noContinue))
	}
	o.db, o.table, o.label = h.Get("db"), h.Get("table"), h.Get("label")
	if strings.TrimSpace(o.db) == "" {
		return wording("No database selected.")
	}
	if strings.TrimSpace(o.label) == "" {
		return wording("Empty label.")
	}
	o.timeout = defaultFETimeout
	for _, field := range []struct {
		name string
		into *time.Duration
	}{{"timeout", &o.timeout}, {"prepared_timeout", &o.keep}} {
		if v := h.Get(field.name); v != "" {
			n, err := javaInt(v, 64)
			if err != nil {
				return err
			}
			*field.into = time.Duration(max(0, min(n, 1<<31))) * time.Second
		}
	}
	o.multi = strings.EqualFold(h.Get("transaction_type"), "multi") && o.f.s.hasMulti()
	return o.readChannel()
}

func (o *feOp) readChannel() error {
	h := o.r.Header
	id, num := h.Get("channel_id"), h.Get("channel_num")
	switch {
	case id == "" && num == "":
		return nil
	case id == "":
		return ddl("Must provide channel_id when stream load begin.")
	case num == "":
		return ddl("Must provide channel_num when stream load begin.")
	}
	n, err := javaInt(id, 32)
	if err != nil {
		return err
	}
	m, err := javaInt(num, 32)
	if err != nil {
		return err
	}
	o.channel = &channel{id: int(n), num: int(m)}
	return nil
}

// javaInt reads a number as the FE does, and fails with the FE's exception.
func javaInt(text string, bits int) (int64, error) {
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return 0, &feError{class: "java.lang.NumberFormatException", msg: "For input string: \"" + text + "\""}
	}
	return n, nil
}

// run handles the operation: with an answer, or by sending it on to a BE.
func (o *feOp) run() (*txnAnswer, *backend, error) {
	switch {
	case o.channel != nil:
		return o.runChannel()
	case o.multi:
		return o.runMulti()
	}
	s := o.f.s
	now, limits := s.clock.Now(), s.Limits()
	known := o.f.affinity.get(o.label, now, limits.AffinityAge)
	t, state := s.ledger.Find(o.db, o.label)
	if o.op != "begin" && o.op != "load" && known == nil && t == nil {
		if !s.store.HasDatabase(o.db) {
			return nil, nil, inWords("Database[%s] does not exist.", o.db)
		}
		return nil, nil, inWords("No transaction found with db[%s] and label[%s]", o.db, o.label)
	}
	if !s.store.HasDatabase(o.db) {
		return nil, nil, inWords("Database[%s] does not exist.", o.db)
	}
	switch o.op {
	case "begin":
		b, err := o.allocate(known, t, state)
		return nil, b, err
	case "commit":
		if a, err := o.commit(t, state); a != nil || err != nil {
			return a, nil, err
		}
	case "rollback":
		if a, err := o.rollback(t, state); a != nil || err != nil {
			return a, nil, err
		}
	}
	if known != nil {
		return nil, known, nil
	}
	b, err := o.coordinator(t)
	return nil, b, err
}

// allocate chooses the BE of a new transaction. A label that began on a BE stays
// there while the BE lives, or still holds its open transaction.
func (o *feOp) allocate(known *backend, t *ledger.Txn, state ledger.State) (*backend, error) {
	s := o.f.s
	if known != nil {
		if known.alive() || t != nil && state == ledger.Prepare && t.Coordinator() == known.index {
			return known, nil
		}
	}
	b := s.nextBackend()
	if b == nil {
		return nil, ddl("No backend alive.")
	}
	o.f.affinity.put(o.label, b, s.clock.Now(), s.Limits().AffinityNum)
	return b, nil
}

// coordinator is the BE that the transaction's state names.
func (o *feOp) coordinator(t *ledger.Txn) (*backend, error) {
	switch {
	case t == nil:
		return nil, inWords("Can't find the transaction with db [%s] and label[%s]. The possible reasons: 1. FE leader is started or switched; 2. The transaction timeouts and is cleaned.", o.db, o.label)
	case t.Coordinator() == ledger.Frontend:
		return nil, inWords("The source type for transaction stream load with db [%s] and label[%s] should be BE, but is FE.", o.db, o.label)
	}
	return o.f.s.backends[t.Coordinator()], nil
}

func (o *feOp) okay(t *ledger.Txn, msg string) *txnAnswer {
	return &txnAnswer{Status: codeOK, Message: msg, Label: o.label, TxnID: ptr(t.ID())}
}

// commit handles what the FE knows the end of; neither answer nor error means that
// the BE has to.
func (o *feOp) commit(t *ledger.Txn, state ledger.State) (*txnAnswer, error) {
	if t == nil {
		return nil, inWords("No transaction found by label %s", o.label)
	}
	switch state {
	case ledger.Prepared:
		return o.commitPrepared(t)
	case ledger.Committed, ledger.Visible:
		return o.okay(t, "Transaction "+strconv.FormatInt(t.ID(), 10)+" has already committed, label is "+o.label), nil
	case ledger.Aborted:
		return nil, inWords("Can not commit %s transaction %d, label is %s", state, t.ID(), o.label)
	}
	return nil, nil
}

func (o *feOp) commitPrepared(t *ledger.Txn) (*txnAnswer, error) {
	s := o.f.s
	e := o.f.event(fault.Commit, o.db, o.table, o.label, o.user)
	e.At = fault.AtBefore
	if f := s.faults.Show(fault.CommitUnknown, e); f != nil {
		return nil, wording(f.Message())
	}
	e.At = ""
	first, err := s.ledger.Commit(t)
	if err != nil {
		return nil, err
	}
	if !first {
		return o.okay(t, ""), nil
	}
	visible, err := s.publishKept(t, e, o.timeout)
	switch {
	case err != nil:
		return nil, err
	case !visible:
		return nil, inWords("publish timeout: %d", o.timeout.Milliseconds())
	}
	return o.okay(t, ""), nil
}

func (o *feOp) rollback(t *ledger.Txn, state ledger.State) (*txnAnswer, error) {
	if t == nil {
		return nil, inWords("No transaction found by label %s", o.label)
	}
	switch state {
	case ledger.Prepared:
		if !o.f.s.ledger.Abort(t, "User Aborted") {
			return nil, inWords("transaction's state is already COMMITTED, could not abort")
		}
		o.f.s.takePrepared(t)
		return o.okay(t, ""), nil
	case ledger.Aborted:
		return o.okay(t, "Transaction "+strconv.FormatInt(t.ID(), 10)+" has already aborted, label is "+o.label), nil
	case ledger.Committed, ledger.Visible:
		return nil, inWords("Can not abort %s transaction %d, label is %s", state, t.ID(), o.label)
	}
	return nil, nil
}
