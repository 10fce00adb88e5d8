package conformance

import (
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

func labelFormat(e *env) {
	for _, label := range []string{"a b", "a.b", "a/b", "ä", strings.Repeat("x", 129)} {
		e.want(e.load("t", "1\ta\t5\n", "label: "+label), "Fail", `Label format error. regex: ^[-\w]{1,128}$, label: `+label)
	}
	for _, label := range []string{strings.Repeat("x", 128), "-", "_A-9"} {
		e.ok(e.load("t", "1\ta\t5\n", "label: "+label))
	}
	r := e.ok(e.load("t", "1\ta\t5\n", "label: "))
	if len(r.text("Label")) < 16 {
		e.t.Errorf("generated label %q", r.text("Label"))
	}
	e.wantState(r.text("Label"), "VISIBLE")
	e.wantCount("t", 4)
}

func labelRepeated(e *env) {
	e.ok(e.load("t", "1\ta\t5\n", "label: x"))
	r := e.want(e.load("t", "1\ta\t5\n", "label: x"), "Label Already Exists", "Label [x] has already been used")
	if r.text("ExistingJobStatus") != "FINISHED" {
		e.t.Errorf("%s", r.body)
	}
	w := e.open("y")
	w.send(chunk("2\tb\t"))
	r = e.want(e.load("t", "2\tb\t6\n", "label: y"), "Label Already Exists", "Label [y] has already been used")
	if r.text("ExistingJobStatus") != "RUNNING" {
		e.t.Errorf("%s", r.body)
	}
	e.ok(w.finish("6\n"))
	e.wantRows("t", "1|a|5", "2|b|6")

	// A label belongs to its database, whatever the table and the kind of load.
	e.create("t2", tableT)
	e.want(e.load("t2", "1\ta\t5\n", "label: x"), "Label Already Exists", "Label [x] has already been used")
	e.run("CREATE DATABASE " + e.db + "_other")
	other := *e
	other.db += "_other"
	other.create("t", tableT)
	other.ok(other.load("t", "1\ta\t5\n", "label: x"))
	// Labels are compared with their case.
	e.ok(e.load("t2", "1\ta\t5\n", "label: X"))
}

func labelOfFailedLoad(e *env) {
	first := e.want(e.load("t", "x\ta\t5\n", "label: x"), "Fail", "too many filtered rows")
	e.wantState("x", "ABORTED")
	second := e.ok(e.load("t", "1\ta\t5\n", "label: x"))
	a, errA := strconv.ParseInt(first.text("TxnId"), 10, 64)
	b, errB := strconv.ParseInt(second.text("TxnId"), 10, 64)
	if errA != nil || errB != nil || a < 0 || b <= a {
		e.t.Errorf("TxnId %q, then %q", first.text("TxnId"), second.text("TxnId"))
	}
	e.wantState("x", "VISIBLE")
	e.wantRows("t", "1|a|5")
}

func publishTimeout(e *env) {
	e = e.own()
	e.fault(`{"kind": "publishTimeout", "ms": 1200, "label": "late"}`)
	// A newer BE polls as long as the timeout lasts before it answers so.
	w := e.open("late", "timeout: 1")
	w.send(chunk("1\ta\t5\n") + "0\r\n\r\n")
	e.until("the commit", func() bool {
		rows := e.count("t")
		committed := e.state("late") == "COMMITTED"
		if committed && rows != "0" {
			e.t.Errorf("%s rows of a load that is not visible", rows)
		}
		return committed
	})
	r, _ := w.answer()
	e.want(r, "Publish Timeout", "")
	e.counts(r, 1, 1, 0, 0)
	r = e.want(e.load("t", "1\ta\t5\n", "label: late"), "Label Already Exists", "")
	if r.text("ExistingJobStatus") != "FINISHED" {
		e.t.Errorf("%s", r.body)
	}
	e.until("the rows to be seen", func() bool { return e.state("late") == "VISIBLE" })
	e.wantRows("t", "1|a|5")
	e.ok(e.load("t", "2\ta\t5\n", "label: next"))
	e.wantRows("t", "1|a|5", "2|a|5")
}

func answerLost(e *env) {
	e = e.own()
	e.fault(`{"kind": "dropAfterCommit", "table": "t"}`)
	lost := func(label, body string) {
		e.t.Helper()
		r, err := e.request("PUT", e.BEAddr()+e.path("t"), strings.NewReader(body), "label: "+label)
		if err == nil {
			e.t.Fatalf("answered: %s", r)
		}
	}
	lost("lost", "1\ta\t5\n")
	r := e.want(e.load("t", "1\ta\t5\n", "label: lost"), "Label Already Exists", "Label [lost] has already been used")
	if r.text("ExistingJobStatus") != "FINISHED" {
		e.t.Errorf("%s", r.body)
	}
	e.wantState("lost", "VISIBLE")
	e.wantRows("t", "1|a|5")

	e.fault(`{"kind": "dropBeforeCommit", "table": "t"}`)
	lost("gone", "2\ta\t5\n")
	e.until("the abort", func() bool { return e.state("gone") == "ABORTED" })
	e.ok(e.load("t", "2\ta\t5\n", "label: gone"))
	e.wantRows("t", "1|a|5", "2|a|5")
}

func loadState(e *env) {
	e.ok(e.load("t", "1\ta\t5\n", "label: good"))
	e.want(e.load("t", "x\ta\t5\n", "label: bad"), "Fail", "")
	w := e.open("open")
	e.wantTx(e.begin("begun"), "OK", "")
	e.wantTx(e.begin("ready"), "OK", "")
	e.wantTx(e.txLoad("ready", "3\ta\t5\n"), "OK", "")
	e.wantTx(e.tx("prepare", "ready"), "OK", "")
	for label, want := range map[string]string{"good": "VISIBLE", "bad": "ABORTED", "never": "UNKNOWN", "open": "PREPARE", "begun": "PREPARE", "ready": "PREPARED"} {
		r := e.label(label)
		if r.text("state") != want || r.text("code") != "0" || r.text("msg") != "Success" || r.text("message") != "OK" {
			e.t.Errorf("%s: %s, want %s", label, r.body, want)
		}
	}
	e.ok(w.finish("2\ta\t5\n"))
	if got := e.label("bad").text("reason"); e.r.AtLeast(4, 0) && !strings.Contains(got, "too many filtered rows") {
		e.t.Errorf("reason of the abort: %q", got)
	}
	if e.label("good").has("reason") && !e.r.AtLeast(3, 0) {
		e.t.Error("the older FE gives no reason")
	}
	for path, want := range map[string]string{
		"/api/nope/get_load_state?label=x": "unknown database, database=nope",
		"/api/" + e.db + "/get_load_state": "No label selected.",
	} {
		r := e.do("GET", e.FEAddr()+path, nil)
		if r.code != 200 || !strings.Contains(r.text("msg"), want) || r.text("status") != "FAILED" || r.text("code") != "1" {
			e.t.Errorf("%s: %s", path, r)
		}
	}
}

func cancel(e *env) {
	cancelled := func(path, status string) {
		e.t.Helper()
		if r := e.do("POST", e.FEAddr()+path, nil); r.code != 200 || r.text("status") != status {
			e.t.Errorf("%s: %s, want %s", path, r, status)
		}
	}
	for i, path := range []string{"/api/" + e.db + "/open0/_cancel", "/api/" + e.db + "/t/_cancel?label=open1"} {
		label := "open" + itoa(i)
		w := e.open(label)
		w.send(chunk("9\tx\t9\n"))
		cancelled(path, "OK")
		e.wantState(label, "ABORTED")
		e.want(w.finish("1\ta\t5\n"), "Fail", "")
		e.wantState(label, "ABORTED")
		cancelled(path, "FAILED")
		e.ok(e.load("t", itoa(i)+"\ta\t5\n", "label: "+label))
		cancelled(path, "FAILED")
		e.wantState(label, "VISIBLE")
	}
	cancelled("/api/"+e.db+"/never/_cancel", "FAILED")
	cancelled("/api/nowhere/never/_cancel", "FAILED")
	if r := e.do("POST", e.FEAddr()+"/api/"+e.db+"/never/_cancel", nil, "-Authorization: "); r.code != 401 {
		e.t.Errorf("without credentials: %s", r)
	}
	e.wantRows("t", "0|a|5", "1|a|5")
}
