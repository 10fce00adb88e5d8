package conformance

import (
	"io"
	"slices"
	"strings"
)

// tx runs an operation of the transaction interface without a body.
func (e *env) tx(op, label string, headers ...string) *reply {
	e.t.Helper()
	return e.redirected("POST", "/api/transaction/"+op, nil, append([]string{"label: " + label, "db: " + e.db}, headers...)...)
}

func (e *env) begin(label string, headers ...string) *reply {
	e.t.Helper()
	return e.tx("begin", label, append([]string{"table: t"}, headers...)...)
}

// txLoad sends a body into a transaction, to table t unless a header says otherwise.
func (e *env) txLoad(label, body string, headers ...string) *reply {
	e.t.Helper()
	all := append([]string{"Expect: 100-continue", "label: " + label, "db: " + e.db, "table: t"}, headers...)
	return e.redirected("PUT", "/api/transaction/load", strings.NewReader(body), all...)
}

// wantTx checks the code name and a part of the message. Older servers put the
// code name into Message and FAILED into Status.
func (e *env) wantTx(r *reply, status, message string) *reply {
	e.t.Helper()
	named := r.text("Status") == status || status != "OK" && strings.Contains(r.text("Message"), status)
	if r.code != 200 || !named || !strings.Contains(r.text("Message"), message) {
		e.t.Errorf("got HTTP %d, %s; want Status %q with %q", r.code, r.body, status, message)
	}
	return r
}

// notOK checks that an operation was refused with one of the messages.
func (e *env) notOK(r *reply, messages ...string) *reply {
	e.t.Helper()
	said := r.text("Status") + " " + r.text("Message") + " " + r.text("msg")
	if r.text("Status") == "OK" || r.text("Status") == "Success" || !slices.ContainsFunc(messages, func(m string) bool { return strings.Contains(said, m) }) {
		e.t.Errorf("got HTTP %d, %s; want a refusal with one of %q", r.code, r.body, messages)
	}
	return r
}

func (e *env) wantFields(r *reply, names ...string) {
	e.t.Helper()
	for _, name := range names {
		if !r.has(name) {
			e.t.Errorf("no %s in %s", name, r.body)
		}
	}
}

func transaction(e *env) {
	r := e.wantTx(e.begin("tx", "timeout: 300"), "OK", "")
	e.wantFields(r, "TxnId", "Label", "BeginTxnTimeMs")
	if r.text("Message") != "" || r.text("Label") != "tx" {
		e.t.Errorf("begin: %s", r.body)
	}
	id := r.text("TxnId")
	for _, body := range []string{"1\ta\t5\n2\tb\t6\n", "3\tc\t7\n"} {
		r = e.wantTx(e.txLoad("tx", body), "OK", "")
		e.wantFields(r, "TxnId", "Label", "LoadBytes", "ReceivedDataTimeMs")
		if r.text("TxnId") != id {
			e.t.Errorf("load of transaction %s: %s", id, r.body)
		}
		e.wantState("tx", "PREPARE")
		e.wantRows("t")
	}
	r = e.wantTx(e.tx("prepare", "tx"), "OK", "")
	e.counts(r, 3, 3, 0, 0)
	if r.text("TxnId") != id || r.text("LoadBytes") != "18" {
		e.t.Errorf("prepare: %s", r.body)
	}
	e.wantFields(r, "LoadTimeMs", "ReceivedDataTimeMs", "WriteDataTimeMs", "CommitAndPublishTimeMs")
	e.wantState("tx", "PREPARED")
	e.wantRows("t")
	e.wantTx(e.tx("commit", "tx", "timeout: 300"), "OK", "")
	e.wantState("tx", "VISIBLE")
	e.wantRows("t", "1|a|5", "2|b|6", "3|c|7")

	// Committed in one phase, and with PUT.
	e.wantTx(e.begin("one"), "OK", "")
	e.wantTx(e.txLoad("one", "4\td\t8\n"), "OK", "")
	r = e.redirected("PUT", "/api/transaction/commit", nil, "label: one", "db: "+e.db)
	e.wantTx(r, "OK", "")
	e.wantState("one", "VISIBLE")
	e.wantRows("t", "1|a|5", "2|b|6", "3|c|7", "4|d|8")

	// JSON bodies are complete values, one array each.
	e.wantTx(e.begin("json"), "OK", "")
	for _, body := range []string{`[{"k":5,"v":"x","n":1}]`, `[{"k":6,"v":"y","n":2},{"k":7,"n":3}]`} {
		e.wantTx(e.txLoad("json", body, "format: json", "strip_outer_array: true", "ignore_json_size: true"), "OK", "")
	}
	e.counts(e.wantTx(e.tx("prepare", "json"), "OK", ""), 3, 3, 0, 0)
	e.wantTx(e.tx("commit", "json"), "OK", "")
	e.wantRows("t", "1|a|5", "2|b|6", "3|c|7", "4|d|8", "5|x|1", "6|y|2", "7|NULL|3")
}

func transactionMergesRows(e *env) {
	e.wantTx(e.begin("number"), "OK", "")
	e.wantTx(e.txLoad("number", "1\ta\t5"), "OK", "")
	e.wantTx(e.txLoad("number", "6\n2\tb\t6"), "OK", "")
	e.counts(e.wantTx(e.tx("prepare", "number"), "OK", ""), 2, 2, 0, 0)
	e.wantTx(e.tx("commit", "number"), "OK", "")
	e.wantRows("t", "1|a|56", "2|b|6")

	e.wantTx(e.begin("fields"), "OK", "")
	e.wantTx(e.txLoad("fields", "3\ta\t5"), "OK", "")
	e.wantTx(e.txLoad("fields", "4\tb\t6\n"), "OK", "")
	e.notOK(e.tx("prepare", "fields"), "too many filtered rows")
	e.wantRows("t", "1|a|56", "2|b|6")
}

func transactionLoadRules(e *env) {
	e.wantTx(e.begin("cols"), "OK", "")
	e.wantTx(e.txLoad("cols", "1\ta\n", "columns: k,v"), "OK", "")
	e.notOK(e.txLoad("cols", "1\t5\n", "columns: k,n"), "load request not equal last.")

	e.create("t2", tableT)
	e.wantTx(e.begin("table"), "OK", "")
	e.notOK(e.txLoad("table", "1\ta\t5\n", "table: t2"), "Request table")

	e.wantTx(e.begin("base"), "OK", "")
	r := e.do("PUT", e.BEAddr()+"/api/transaction/load", strings.NewReader("1\ta\t5\n"), "label: base", "db: other", "table: t", "Expect: 100-continue")
	e.notOK(r, "Request database other not equal transaction database "+e.db, "TXN_NOT_EXISTS", "unknown database")

	e.notOK(e.txLoad("never", "1\ta\t5\n"), "TXN_NOT_EXISTS", "Can't find the transaction with db", "No transaction found with db")
	for _, op := range []string{"load", "prepare", "commit"} {
		var body io.Reader
		if op == "load" {
			body = strings.NewReader("1\ta\t5\n")
		}
		r := e.do("PUT", e.BEAddr()+"/api/transaction/"+op, body, "label: never", "db: "+e.db, "table: t", "Expect: 100-continue")
		e.wantTx(r, "TXN_NOT_EXISTS", "")
	}
	// What failed was rolled back: the labels are free.
	for _, label := range []string{"cols", "table"} {
		e.tx("rollback", label, "table: t")
		e.wantTx(e.begin(label), "OK", "")
		e.wantTx(e.tx("rollback", label, "table: t"), "OK", "")
	}
	e.wantRows("t")
	e.wantRows("t2")
}

func transactionInProcessing(e *env) {
	e.wantTx(e.begin("busy"), "OK", "")
	w := e.dial(e.BEAddr(), "PUT /api/transaction/load HTTP/1.1", "label: busy", "db: "+e.db, "table: t", "Expect: 100-continue", "Transfer-Encoding: chunked")
	w.goAhead()
	w.send(chunk("1\ta\t"))
	e.wantTx(e.txLoad("busy", "2\tb\t6\n"), "TXN_IN_PROCESSING", "")
	e.wantTx(e.tx("prepare", "busy", "table: t"), "TXN_IN_PROCESSING", "")
	e.wantTx(w.finish("5\n"), "OK", "")
	e.wantTx(e.txLoad("busy", "2\tb\t6\n"), "OK", "")
	e.wantTx(e.tx("commit", "busy"), "OK", "")
	e.wantRows("t", "1|a|5", "2|b|6")
}

func transactionPrepare(e *env) {
	e.wantTx(e.begin("empty"), "OK", "")
	e.notOK(e.tx("prepare", "empty"), "hasn't send any data yet")
	e.tx("rollback", "empty", "table: t")
	e.wantTx(e.begin("empty"), "OK", "")
	e.notOK(e.tx("commit", "empty"), "hasn't send any data yet")

	e.wantTx(e.begin("bad"), "OK", "")
	e.wantTx(e.txLoad("bad", "x\ta\t5\n"), "OK", "") // load says nothing of its rows
	r := e.notOK(e.tx("prepare", "bad"), "too many filtered rows")
	if log := e.errorLog(r); !strings.Contains(log, "NULL value in non-nullable column 'k'") {
		e.t.Errorf("log %q", log)
	}
	e.wantState("bad", "ABORTED")
	e.wantTx(e.begin("bad"), "OK", "")
	e.wantTx(e.txLoad("bad", "x\ta\t5\n2\tb\t6\n", "max_filter_ratio: 0.5"), "OK", "")
	e.counts(e.wantTx(e.tx("prepare", "bad"), "OK", ""), 2, 1, 1, 0)
	e.wantTx(e.tx("commit", "bad"), "OK", "")
	e.wantRows("t", "2|b|6")
}

func transactionStates(e *env) {
	prepared := func(label string) {
		e.t.Helper()
		e.wantTx(e.begin(label), "OK", "")
		e.wantTx(e.txLoad(label, "1\ta\t5\n"), "OK", "")
		e.wantTx(e.tx("prepare", label), "OK", "")
	}
	prepared("done")
	e.wantTx(e.tx("commit", "done"), "OK", "")
	r := e.wantTx(e.tx("commit", "done"), "OK", "has already committed")
	if !strings.Contains(r.text("Message"), "label is done") {
		e.t.Errorf("%s", r.body)
	}
	e.wantTx(e.tx("rollback", "done"), "FAILED", "Can not abort")
	r = e.wantTx(e.begin("done"), "LABEL_ALREADY_EXISTS", "")
	if got := r.text("ExistingJobStatus"); got != "" && got != "FINISHED" {
		e.t.Errorf("%s", r.body)
	}
	e.wantState("done", "VISIBLE")

	prepared("undone")
	e.wantTx(e.tx("rollback", "undone"), "OK", "")
	e.wantTx(e.tx("commit", "undone"), "FAILED", "Can not commit ABORTED transaction")
	r = e.wantTx(e.tx("rollback", "undone"), "OK", "has already aborted")
	if !strings.Contains(r.text("Message"), "label is undone") {
		e.t.Errorf("%s", r.body)
	}
	e.wantState("undone", "ABORTED")

	// The same of a transaction that was never prepared.
	e.wantTx(e.begin("undone"), "OK", "")
	e.wantTx(e.begin("undone"), "LABEL_ALREADY_EXISTS", "")
	e.wantTx(e.txLoad("undone", "9\ta\t5\n"), "OK", "")
	e.wantTx(e.tx("rollback", "undone"), "OK", "")
	e.wantState("undone", "ABORTED")
	e.wantTx(e.tx("rollback", "undone"), "OK", "has already aborted")
	e.wantRows("t", "1|a|5")
}

func transactionSurvivesClient(e *env) {
	for _, label := range []string{"kept", "left"} {
		e.wantTx(e.begin(label), "OK", "")
		e.wantTx(e.txLoad(label, "1\ta\t5\n"), "OK", "")
		e.wantTx(e.tx("prepare", label), "OK", "")
	}
	// A client that comes back knows the label and nothing else.
	e.wantState("kept", "PREPARED")
	e.wantTx(e.tx("commit", "kept"), "OK", "")
	e.wantRows("t", "1|a|5")
	e.wantState("left", "PREPARED")
	e.wantTx(e.tx("rollback", "left"), "OK", "")
	e.wantState("left", "ABORTED")
	e.wantRows("t", "1|a|5")
}

func transactionLost(e *env) {
	e = e.own()
	e.wantTx(e.begin("lost"), "OK", "")
	e.wantTx(e.txLoad("lost", "1\ta\t5\n"), "OK", "")
	e.wantTx(e.begin("prepared"), "OK", "")
	e.wantTx(e.txLoad("prepared", "2\tb\t6\n"), "OK", "")
	e.wantTx(e.tx("prepare", "prepared"), "OK", "")
	e.control("/node", `{"node": "be:0", "do": "restart"}`)
	e.notOK(e.txLoad("lost", "2\ta\t5\n"), "TXN_NOT_EXISTS", "Can't find the transaction", "No transaction found")
	r := e.do("PUT", e.BEAddr()+"/api/transaction/load", strings.NewReader("1\ta\t5\n"), "label: lost", "db: "+e.db, "table: t", "Expect: 100-continue")
	e.wantTx(r, "TXN_NOT_EXISTS", "")
	// Prepared is a state of the FE and survives the BE.
	e.wantState("prepared", "PREPARED")
	e.wantTx(e.tx("commit", "prepared"), "OK", "")
	e.wantRows("t", "2|b|6")

	e.wantTx(e.begin("idle", "idle_transaction_timeout: 20", "timeout: 600"), "OK", "")
	e.wantTx(e.txLoad("idle", "3\ta\t5\n"), "OK", "")
	e.wantTx(e.begin("slow", "timeout: 30"), "OK", "")
	e.wantTx(e.txLoad("slow", "3\ta\t5\n", "timeout: 30"), "OK", "")
	e.control("/clock", `{"jump": "2m"}`)
	for _, label := range []string{"idle", "slow"} {
		e.until("the abort of "+label, func() bool { return e.state(label) == "ABORTED" })
		e.notOK(e.txLoad(label, "4\ta\t5\n"), "TXN_NOT_EXISTS", "abort", "ABORT", "timeout", "No transaction found", "Can't find the transaction")
	}
	e.wantRows("t", "2|b|6")
}
