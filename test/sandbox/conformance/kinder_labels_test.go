package conformance

import (
	"strings"

	"github.com/gx-etl/gx/test/sandbox"
)

func labelAge(e *env) {
	e = e.own()
	e.ok(e.load("t", "1\ta\t5\n", "label: old"))
	e.want(e.load("t", "x\ta\t5\n", "label: failed"), "Fail", "")
	e.jump("71h")
	e.ok(e.load("t", "2\tb\t6\n", "label: young"))
	e.wantState("old", "VISIBLE")
	e.want(e.load("t", "1\ta\t5\n", "label: old"), "Label Already Exists", "")
	e.jump("2h")
	e.until("the sweep", func() bool { return e.state("old") == "UNKNOWN" && e.state("failed") == "UNKNOWN" })
	e.wantState("young", "VISIBLE")
	e.ok(e.load("t", "1\ta\t5\n", "label: old")) // the label is free, and the rows are there twice
	e.wantRows("t", "1|a|5", "1|a|5", "2|b|6")
}

func labelCountPerDatabase(e *env) {
	e = e.own(func(o *sandbox.Options) { o.Limits.LabelKeepNum = 2 })
	e.run("CREATE DATABASE other")
	other := *e
	other.db = "other"
	other.create("t", tableT)
	e.ok(e.load("t", "1\ta\t5\n", "label: first"))
	w := e.open("running")
	for _, l := range []string{"a", "b", "c"} {
		other.ok(other.load("t", "1\ta\t5\n", "label: "+l))
	}
	e.until("the sweep", func() bool { return other.state("a") == "UNKNOWN" })
	e.wantState("first", "VISIBLE")
	for _, l := range []string{"a", "b"} {
		e.ok(e.load("t", "1\ta\t5\n", "label: "+l))
	}
	e.until("the sweep", func() bool { return e.state("first") == "UNKNOWN" })
	e.wantState("running", "PREPARE")
	e.ok(w.finish("2\tb\t6\n"))
}

func loadTimeout(e *env) {
	e = e.own()
	w := e.open("slow", "timeout: 30")
	w.send(chunk("1\ta\t5\n"))
	e.wantState("slow", "PREPARE")
	e.jump("1m")
	e.until("the abort", func() bool { return e.state("slow") == "ABORTED" })
	e.want(w.finish("2\tb\t6\n"), "Fail", "")
	e.wantRows("t")
	e.ok(e.load("t", "1\ta\t5\n2\tb\t6\n", "label: slow"))
	e.wantRows("t", "1|a|5", "2|b|6")
}

// FEs and BEs remember where a label began by the label alone, so this one is used nowhere else.
func transactionRequests(e *env) {
	post := func(op string, headers ...string) *reply {
		e.t.Helper()
		return e.redirected("POST", "/api/transaction/"+op, nil, headers...)
	}
	db := "db: " + e.db
	for _, op := range []string{"begin", "prepare", "commit", "rollback"} {
		e.notOK(post(op, "label: asked", "table: t"), "No database selected.")
		e.notOK(post(op, db, "table: t"), "Empty label.")
		e.notOK(post(op, "label: asked", "db: nowhere", "table: t"), "Database[nowhere] does not exist.", "unknown database")
	}
	e.notOK(post("dance", db, "label: asked", "table: t"), "Unknown transaction operation: dance")
	e.notOK(post("begin", db, "label: asked"), "")
	e.notOK(post("begin", db, "label: asked", "table: nowhere"), "unknown table")
	e.notOK(post("begin", db, "label: as ked", "table: t"), "Label format error")
	if r := e.do("POST", e.FEAddr()+"/api/transaction/begin", nil, "-Authorization: ", db, "label: asked", "table: t"); r.code != 401 {
		e.t.Errorf("no credentials: %s", r)
	}
	if r := e.do("POST", e.FEAddr()+"/api/transaction/begin", nil, wrongAuth, db, "label: asked", "table: t"); r.code != 401 {
		e.t.Errorf("wrong credentials: %s", r)
	}
	r := e.do("POST", e.BEAddr()+"/api/transaction/begin", nil, wrongAuth, db, "label: asked", "table: t")
	e.notOK(r, "Access denied")
	e.wantState("asked", "UNKNOWN")
	for _, op := range []string{"prepare", "commit", "rollback"} {
		e.notOK(post(op, db, "label: never", "table: t"), "TXN_NOT_EXISTS", "No transaction found", "Can't find the transaction")
	}
	// A load through the FE needs Expect; a begin does not.
	e.wantTx(post("begin", db, "label: asked", "table: t"), "OK", "")
	r = e.do("PUT", e.FEAddr()+"/api/transaction/load", nil, db, "label: asked", "table: t")
	e.notOK(r, "There is no 100-continue header")
	e.wantTx(e.txLoad("asked", "1\ta\t5\n"), "OK", "")
	e.wantTx(e.tx("commit", "asked"), "OK", "")
	if e.r.AtLeast(3, 0) {
		e.notOK(post("begin", db, "label: c", "table: t", "channel_id: 0"), "Must provide channel_num when stream load begin.")
		e.notOK(post("begin", db, "label: c", "table: t", "channel_num: 2"), "Must provide channel_id when stream load begin.")
	}
	e.wantRows("t", "1|a|5")
}

func transactionSizes(e *env) {
	e = e.own(func(o *sandbox.Options) { o.Limits.MaxBodyBytes, o.Limits.MaxJSONBytes = 100, 60 })
	row := "1\ta\t5\n"
	e.wantTx(e.begin("csv"), "OK", "")
	e.wantTx(e.txLoad("csv", strings.Repeat(row, 9)), "OK", "")
	e.notOK(e.txLoad("csv", strings.Repeat(row, 9)), "exceed")
	object := `{"k":1,"v":"a","n":5}`
	e.wantTx(e.begin("json"), "OK", "")
	e.wantTx(e.txLoad("json", object+object, "format: json"), "OK", "")
	e.notOK(e.txLoad("json", object+object, "format: json"), "exceed the max size")
	e.wantTx(e.begin("large"), "OK", "")
	e.wantTx(e.txLoad("large", object+object, "format: json", "ignore_json_size: true"), "OK", "")
	e.wantTx(e.txLoad("large", object+object, "format: json", "ignore_json_size: true"), "OK", "")
	e.wantTx(e.tx("commit", "large"), "OK", "")
	e.wantCount("t", 4)
}

func transactionFailures(e *env) {
	e.wantTx(e.begin("x"), "OK", "")
	e.notOK(e.txLoad("x", "1\ta\t5\n", "format: xml"), "unknown data format")
	e.tx("rollback", "x", "table: t")
	e.wantTx(e.begin("x"), "OK", "")
	e.notOK(e.txLoad("x", "1\ta\t5\n", "columns: k,v,n,other=k"), "Mapping column is not in table")
	e.tx("rollback", "x", "table: t")
	e.wantState("x", "ABORTED")

	e.wantTx(e.begin("twice"), "OK", "")
	for range 2 {
		e.wantTx(e.txLoad("twice", "1\ta\t5\n"), "OK", "")
	}
	e.wantTx(e.tx("commit", "twice"), "OK", "")
	e.wantRows("t", "1|a|5", "1|a|5")

	e.wantTx(e.begin("bad"), "OK", "")
	e.wantTx(e.txLoad("bad", "x\ta\t5\n"), "OK", "")
	e.notOK(e.tx("commit", "bad"), "too many filtered rows")
	e.wantState("bad", "ABORTED")

	// Broken JSON is known at the latest when the transaction is prepared.
	e.wantTx(e.begin("json"), "OK", "")
	if r := e.txLoad("json", `{"k":1,`, "format: json", "max_filter_ratio: 1"); r.text("Status") == "OK" {
		e.notOK(e.tx("prepare", "json"), "")
	}
	e.tx("rollback", "json", "table: t")
	e.wantState("json", "ABORTED")
	e.wantCount("t", 2)
}

func transactionLabels(e *env) {
	e.ok(e.load("t", "1\ta\t5\n", "label: load"))
	e.wantTx(e.begin("load"), "LABEL_ALREADY_EXISTS", "")
	e.wantTx(e.begin("open"), "OK", "")
	r := e.want(e.load("t", "1\ta\t5\n", "label: open"), "Label Already Exists", "")
	if r.text("ExistingJobStatus") != "RUNNING" {
		e.t.Errorf("%s", r.body)
	}
	e.wantTx(e.txLoad("open", "2\tb\t6\n"), "OK", "")
	e.wantTx(e.tx("prepare", "open"), "OK", "")
	r = e.want(e.load("t", "1\ta\t5\n", "label: open"), "Label Already Exists", "")
	if r.text("ExistingJobStatus") != "RUNNING" {
		e.t.Errorf("prepared counts as running: %s", r.body)
	}
	// A prepared transaction is none that _cancel looks for; rollback is.
	if r := e.do("POST", e.FEAddr()+"/api/"+e.db+"/open/_cancel", nil); r.text("status") != "FAILED" || !strings.Contains(r.body, "running transaction not found") {
		e.t.Errorf("cancel: %s", r)
	}
	e.wantState("open", "PREPARED")
	e.wantTx(e.tx("rollback", "open"), "OK", "")
	e.wantState("open", "ABORTED")
	e.notOK(e.tx("commit", "open"), "Can not commit ABORTED transaction")
	e.wantRows("t", "1|a|5")
}

func transactionLimit(e *env) {
	e = e.own(func(o *sandbox.Options) { o.Limits.MaxRunningTxn = 1 })
	e.wantTx(e.begin("held"), "OK", "")
	e.wantTx(e.txLoad("held", "1\ta\t5\n"), "OK", "")
	e.notOK(e.begin("more"), "current running txns on db")
	e.wantTx(e.tx("prepare", "held"), "OK", "")
	e.want(e.load("t", "2\tb\t6\n"), "Fail", "current running txns on db")
	e.wantTx(e.tx("commit", "held"), "OK", "")
	e.ok(e.load("t", "2\tb\t6\n"))
	e.wantRows("t", "1|a|5", "2|b|6")
}
