package conformance

import (
	"net/url"

	"github.com/gx-etl/gx/test/sandbox"
)

func followers(e *env) {
	e = e.own(func(o *sandbox.Options) { o.Followers = 1 })
	leader, follower := e.fe, ""
	for _, fe := range e.records("SHOW FRONTENDS") {
		if addr := fe["IP"] + ":" + fe["HttpPort"]; addr != leader {
			follower = addr
		}
	}
	if follower == "" {
		e.t.Fatalf("no follower in %v", e.records("SHOW FRONTENDS"))
	}
	location := func(method, path string, headers ...string) *url.URL {
		e.t.Helper()
		r := e.do(method, follower+path, nil, headers...)
		to, err := url.Parse(r.header.Get("Location"))
		if err != nil || r.code != 307 || r.body != "" || to.User != nil {
			e.t.Fatalf("%s %s: %s, %v", method, path, r, err)
		}
		return to
	}
	tx := []string{"label: tx", "db: d", "table: t"}
	for _, ask := range []struct {
		method, path string
		headers      []string
	}{
		{"GET", "/api/d/get_load_state?label=x", nil},
		{"POST", "/api/d/x/_cancel", nil},
		{"POST", "/api/d/t/_cancel?label=x", nil},
		{"POST", "/api/transaction/begin", tx},
		{"PUT", "/api/transaction/load", append([]string{"Expect: 100-continue"}, tx...)},
		{"POST", "/api/transaction/prepare", tx},
		{"POST", "/api/transaction/commit", tx},
		{"POST", "/api/transaction/rollback", tx},
	} {
		if to := location(ask.method, ask.path, ask.headers...); to.Host != leader || to.RequestURI() != ask.path {
			e.t.Errorf("%s %s went to %s, the leader is %s", ask.method, ask.path, to, leader)
		}
	}
	// An ordinary load stays: the follower chooses the BE itself.
	if to := location("PUT", e.path("t"), "Expect: 100-continue"); to.Host != e.BEAddr() {
		e.t.Errorf("a load went to %s", to)
	}
	merge := location("PUT", e.path("t"), "Expect: 100-continue", "enable_merge_commit: true", "merge_commit_interval_ms: 100", "merge_commit_parallel: 1")
	if e.r.AtLeast(3, 4) && merge.Host != leader || !e.r.AtLeast(3, 4) && merge.Host != e.BEAddr() {
		e.t.Errorf("merge commit went to %s", merge)
	}
	if r := e.do("GET", follower+"/api/d/get_load_state?label=x", nil, "-Authorization: "); r.code != 401 {
		e.t.Errorf("no credentials at the follower: %s", r)
	}

	// All the way: follower, leader, BE.
	beside := *e
	beside.fe = follower
	beside.wantTx(beside.begin("tx"), "OK", "")
	beside.wantTx(beside.txLoad("tx", "1\ta\t5\n"), "OK", "")
	beside.wantTx(beside.tx("prepare", "tx"), "OK", "")
	e.wantState("tx", "PREPARED")
	beside.wantTx(beside.tx("commit", "tx"), "OK", "")
	beside.ok(beside.load("t", "2\tb\t6\n"))
	e.wantRows("t", "1|a|5", "2|b|6")
}

func severalBackends(e *env) {
	e = e.own(func(o *sandbox.Options) { o.Backends = 2 })
	where := func() string {
		e.t.Helper()
		r := e.do("PUT", e.fe+e.path("t"), nil, "Expect: 100-continue")
		to, err := url.Parse(r.header.Get("Location"))
		if err != nil || r.code != 307 {
			e.t.Fatalf("%s, %v", r, err)
		}
		return to.Host
	}
	a, b := where(), where()
	if a == b || where() != a || where() != b {
		e.t.Errorf("not in turn: %s, %s", a, b)
	}
	if got := e.records("SHOW BACKENDS"); len(got) != 2 || got[0]["Alive"] != "true" || got[1]["Alive"] != "true" {
		e.t.Errorf("%v", got)
	}
	// All operations on a label go to the BE it began on.
	for i := range 4 {
		label := "tx" + itoa(i)
		e.wantTx(e.begin(label), "OK", "")
		e.wantTx(e.txLoad(label, itoa(i)+"\ta\t5\n"), "OK", "")
		e.wantTx(e.txLoad(label, itoa(i)+"\tb\t6\n"), "OK", "")
		e.wantTx(e.tx("commit", label), "OK", "")
	}
	e.wantCount("t", 8)

	e.control("/node", `{"node": "be:0", "do": "stop"}`)
	e.jump("1m") // more than any heartbeat
	if c, d := where(), where(); c != d || c == e.BEAddr() {
		e.t.Errorf("with one BE down: %s, %s", c, d)
	}
	e.ok(e.load("t", "9\tx\t9\n"))
	e.control("/node", `{"node": "be:1", "do": "stop"}`)
	e.jump("1m")
	r := e.do("PUT", e.fe+e.path("t"), nil, "Expect: 100-continue")
	if r.text("Status") != "FAILED" {
		e.t.Errorf("%s", r)
	}
	e.notOK(r, "No backend alive", "No backend or compute node alive")
	e.control("/node", `{"node": "be:0", "do": "start"}`)
	e.jump("1m")
	e.ok(e.load("t", "10\tx\t9\n"))
	e.wantCount("t", 10)
}
