package load

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox/release"
)

func (b *bench) redirectOf(fe int, headers ...string) *reply {
	b.t.Helper()
	return b.must("PUT", b.Frontends()[fe].Addr, loadPath, append(h{"Expect: 100-continue"}, headers...), nil)
}

func (b *bench) location(fe int) string {
	b.t.Helper()
	r := b.redirectOf(fe)
	return strings.TrimSuffix(strings.TrimPrefix(r.header.Get("Location"), "http://"), loadPath)
}

func TestAddresses(t *testing.T) {
	b := start(t, func(o *Options) {
		o.Backends, o.Followers = 3, 2
		o.BackendAddrs, o.FollowerAddrs = []string{"127.0.0.9:0"}, []string{"", "127.0.1.9:0"}
	})
	want := func(list []NodeInfo, hosts ...string) {
		t.Helper()
		for i, n := range list {
			if !strings.HasPrefix(n.Addr, hosts[i]+":") || strings.HasSuffix(n.Addr, ":0") || !n.Up || !n.Alive {
				t.Errorf("node %d: %+v, want %s", i, n, hosts[i])
			}
		}
		if len(list) != len(hosts) {
			t.Errorf("%d nodes: %+v", len(list), list)
		}
	}
	want(b.Backends(), "127.0.0.9", "127.0.0.3", "127.0.0.4")
	want(b.Frontends(), "127.0.0.1", "127.0.1.1", "127.0.1.9")
	if !b.Frontends()[0].Leader || b.Frontends()[1].Leader {
		t.Errorf("%+v", b.Frontends())
	}
	for _, err := range []error{b.StopBackend(3), b.StartBackend(-1), b.MoveLeader(3), b.StopFrontend(9), b.StartFrontend(9), b.RestartBackend(7)} {
		if err == nil || !strings.Contains(err.Error(), "there is no") {
			t.Errorf("%v", err)
		}
	}
	if _, err := Start(Options{Store: b.store, BE: b.BEAddr()}); err == nil || !strings.Contains(err.Error(), "load: BE 0 cannot listen") {
		t.Errorf("%v", err)
	}
}

func TestLoadsGoRoundTheBackends(t *testing.T) {
	b := start(t, func(o *Options) { o.Backends, o.Limits.Heartbeat = 3, 5*time.Second })
	count := func(n int) map[string]int {
		seen := map[string]int{}
		for range n {
			seen[b.location(0)]++
		}
		return seen
	}
	all := b.Backends()
	for _, n := range all {
		if got := count(6); got[n.Addr] != 2 {
			t.Errorf("%v", got)
		}
	}
	if err := b.StopBackend(1); err != nil {
		t.Fatal(err)
	}
	if n := b.Backends()[1]; n.Up {
		t.Errorf("%+v", n)
	}
	if r, err := b.send("PUT", all[1].Addr, loadPath, nil, strings.NewReader("1\ta\t5\n")); err == nil {
		t.Errorf("a stopped BE answered %s", r.body)
	}
	b.Clock().Jump(6 * time.Second) // a heartbeat later nobody is sent there
	if got := count(6); got[all[1].Addr] != 0 || len(got) != 2 {
		t.Errorf("%v", got)
	}
	r := b.must("GET", b.FEAddr(), "/api/health", nil, nil)
	if !strings.Contains(r.body, `"online_backend_num": 2`) || !strings.Contains(r.body, `"total_backend_num": 3`) {
		t.Errorf("%s", r.body)
	}
	for _, i := range []int{0, 2} {
		if err := b.StopBackend(i); err != nil {
			t.Fatal(err)
		}
	}
	b.Clock().Jump(6 * time.Second)
	if r := b.redirectOf(0); r.status != 200 || !strings.Contains(r.body, `"Status": "FAILED"`) || !strings.Contains(r.body, "No backend alive.") {
		t.Errorf("HTTP %d %s", r.status, r.body)
	}
	b.wantTxn(b.op(b.FEAddr(), "begin", "x", ""), "FAILED", "class com.starrocks.common.DdlException: No backend alive.")
	for i := range all {
		if err := b.StartBackend(i); err != nil {
			t.Fatal(err)
		}
	}
	b.Clock().Jump(6 * time.Second)
	if got := count(3); len(got) != 3 {
		t.Errorf("%v", got)
	}
	b.want(b.load("t", "1\ta\t5\n"), "Success", "")
}

// Until the next heartbeat the FE goes on sending clients to a BE that has gone.
func TestDeadBackendIsNoticedLate(t *testing.T) {
	b := start(t, func(o *Options) { o.Limits.Heartbeat = time.Hour })
	at := b.BEAddr()
	if err := b.StopBackend(0); err != nil {
		t.Fatal(err)
	}
	if got := b.location(0); got != at {
		t.Errorf("sent to %q", got)
	}
	b.Clock().Jump(time.Hour)
	if r := b.redirectOf(0); r.status == 307 {
		t.Errorf("sent to %v", r.header)
	}
}

func TestBackendForgetsWhatItHad(t *testing.T) {
	b := start(t, func(o *Options) { o.Backends, o.Limits.Heartbeat = 2, 5*time.Second })
	// Labels stay on the BE they began on.
	for _, want := range []string{"OK", "LABEL_ALREADY_EXISTS", "LABEL_ALREADY_EXISTS"} {
		b.wantTxn(b.via("begin", "x", ""), want, "")
	}
	tx, _ := b.Ledger().Find("d", "x")
	on := tx.Coordinator()
	b.wantTxn(b.via("load", "x", "1\ta\t5\n"), "OK", "")
	finish := b.cutLoad(b.Backends()[on].Addr, "plain")
	b.restart(on)
	finish()
	b.wantState("x", "PREPARE", "") // nobody has told the FE
	b.wantState("plain", "PREPARE", "")
	b.wantTxn(b.via("load", "x", "1\ta\t5\n"), "TXN_NOT_EXISTS", "Transaction with label x not exists")
	b.wantTxn(b.via("commit", "x", ""), "TXN_NOT_EXISTS", "transaction with label x not exists")
	a := b.wantTxn(b.via("begin", "x", ""), "LABEL_ALREADY_EXISTS", "has already been used")
	if a["ExistingJobStatus"] != "RUNNING" {
		t.Errorf("%v", a)
	}
	if r := b.must("POST", b.FEAddr(), "/api/d/x/_cancel", nil, nil); !strings.Contains(r.body, `"status": "OK"`) {
		t.Errorf("%s", r.body)
	}
	b.wantTxn(b.via("begin", "x", ""), "OK", "")
	b.Clock().Jump(601 * time.Second)
	b.wantState("plain", "ABORTED", "timeout by txn manager")

	// A BE that stays away is found out, and its transactions are aborted.
	b.wantTxn(b.via("begin", "y", ""), "OK", "")
	tx, _ = b.Ledger().Find("d", "y")
	if err := b.StopBackend(tx.Coordinator()); err != nil {
		t.Fatal(err)
	}
	b.Clock().Jump(6 * time.Second)
	b.wantState("y", "ABORTED", "coordinate BE is down")
}

// cutLoad starts a load whose connection the BE is going to cut; the function waits
// for that.
func (b *bench) cutLoad(addr, label string) (gone func()) {
	b.t.Helper()
	c, rd := b.dial(addr, loadPath, h{"label: " + label, "Content-Length: 100"})
	b.until("the load to run", func() bool { return b.LoadsOf(label) == "PREPARE" })
	return func() {
		b.t.Helper()
		if _, err := rd.ReadByte(); err == nil {
			b.t.Error("a BE that was stopped answered")
		}
		c.Close()
	}
}

func TestFollowers(t *testing.T) {
	b := start(t, func(o *Options) { o.Followers = 1 })
	follower, leader := b.Frontends()[1].Addr, b.FEAddr()
	for _, c := range []struct{ method, path string }{
		{"GET", "/api/d/get_load_state?label=x"}, {"POST", "/api/d/x/_cancel"}, {"POST", "/api/d/t/_cancel?label=x"},
		{"POST", "/api/transaction/begin"}, {"PUT", "/api/transaction/load"}, {"POST", "/api/transaction/commit"},
	} {
		r := b.must(c.method, follower, c.path, h{"db: d", "table: t", "label: x"}, nil)
		if r.status != http.StatusTemporaryRedirect || r.header.Get("Location") != "http://"+leader+c.path || r.body != "" {
			t.Errorf("%s: HTTP %d %v %s", c.path, r.status, r.header, r.body)
		}
		if r = b.must(c.method, follower, c.path, h{"-Authorization: "}, nil); r.status != 401 {
			t.Errorf("%s: HTTP %d without credentials", c.path, r.status)
		}
	}
	if got := b.location(1); got != b.BEAddr() {
		t.Errorf("an ordinary load was sent to %q", got)
	}
}

func TestLeaderMoves(t *testing.T) {
	b := start(t, func(o *Options) { o.Followers = 1 })
	for _, label := range []string{"open", "prepared", "done"} {
		b.wantTxn(b.via("begin", label, ""), "OK", "")
		b.wantTxn(b.via("load", label, "1\ta\t5\n"), "OK", "")
	}
	b.wantTxn(b.via("begin", "multi", "", multi, "timeout: 100"), "OK", "")
	b.wantTxn(b.via("load", "multi", "1\ta\t5\n", multi), "OK", "")
	b.wantTxn(b.via("prepare", "prepared", ""), "OK", "")
	b.wantTxn(b.via("commit", "done", ""), "OK", "")
	finish := b.running("plain")
	if err := b.MoveLeader(1); err != nil {
		t.Fatal(err)
	}
	if err := b.MoveLeader(1); err != nil || !b.Frontends()[1].Leader || b.Frontends()[0].Leader {
		t.Errorf("%v, %+v", err, b.Frontends())
	}
	b.wantState("open", "UNKNOWN", "")
	b.wantState("prepared", "PREPARED", "")
	b.wantState("done", "VISIBLE", "")
	b.wantState("multi", "ABORTED", "cancelled after FE restart")
	b.want(finish("2\tb\t5\n"), "Fail", "transaction not found")
	b.wantTxn(b.via("commit", "open", ""), "FAILED", "No transaction found with db[d] and label[open]")
	b.wantTxn(b.via("load", "open", "2\tb\t5\n"), "FAILED", "The possible reasons: 1. FE leader is started or switched")
	b.wantTxn(b.at("commit", "open", ""), "ANALYSIS_ERROR", "transaction not found") // the BE still has it
	b.wantTxn(b.via("commit", "multi", "", multi), "FAILED", "Can not commit CANCELLED transaction")
	b.wantTxn(b.via("commit", "prepared", ""), "OK", "")
	b.wantRows("t", "1|a|5", "1|a|5")
	if r := b.must("GET", b.FEAddr(), "/api/d/get_load_state?label=done", nil, nil); r.status != 307 {
		t.Errorf("the old leader answers: HTTP %d %s", r.status, r.body)
	}

	if err := b.StopFrontend(1); err != nil {
		t.Fatal(err)
	}
	if err := b.MoveLeader(1); err == nil || !strings.Contains(err.Error(), "is stopped") {
		t.Errorf("%v", err)
	}
	if err := b.MoveLeader(0); err != nil {
		t.Fatal(err)
	}
	b.wantTxn(b.via("begin", "again", ""), "OK", "")
	if err := b.StartFrontend(1); err != nil || !b.Frontends()[1].Up {
		t.Errorf("%v", err)
	}
}

// Labels that the FE no longer remembers are found by the transaction's state.
func TestAffinity(t *testing.T) {
	b := start(t, func(o *Options) { o.Backends, o.Limits.AffinityNum = 3, 2 })
	for _, label := range []string{"a", "b", "c", "d"} {
		b.wantTxn(b.via("begin", label, "", "timeout: 10000"), "OK", "")
	}
	if n := b.frontends[0].affinity.order.Len(); n != 2 {
		t.Errorf("%d labels remembered", n)
	}
	for _, label := range []string{"a", "d"} {
		b.wantTxn(b.via("load", label, "1\ta\t5\n"), "OK", "")
	}
	b.Clock().Jump(16 * time.Minute)
	b.wantTxn(b.via("commit", "d", ""), "OK", "")
	b.wantTxn(b.via("prepare", "a", ""), "OK", "")
	b.wantTxn(b.via("commit", "a", ""), "OK", "")
	b.wantRows("t", "1|a|5", "1|a|5")
}

func TestExpectByRelease(t *testing.T) {
	for _, c := range []struct {
		version              string
		none, http10, closes bool
	}{
		{"2.5.22", false, false, false},
		{"3.1.15", false, false, false},
		{"3.1.16", false, false, true},
		{"3.1.17", false, true, true},
		{"3.3.6", false, false, true},
		{"4.0.1", false, true, true},
	} {
		played, err := release.Parse(c.version)
		if err != nil {
			t.Fatal(err)
		}
		b := start(t, func(o *Options) { o.Release = played })
		redirects := func(proto string, headers ...string) (ok, closed bool) {
			conn, rd := b.dialAs(proto, b.FEAddr(), loadPath, append(h{"Content-Length: 0"}, headers...))
			defer conn.Close()
			res, err := http.ReadResponse(rd, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			return res.StatusCode == 307, res.Close
		}
		if ok, _ := redirects("HTTP/1.1"); ok != c.none {
			t.Errorf("%s: no Expect header, redirected %v", c.version, ok)
		}
		if ok, _ := redirects("HTTP/1.0"); ok != c.http10 {
			t.Errorf("%s: HTTP/1.0, redirected %v", c.version, ok)
		}
		if ok, closed := redirects("HTTP/1.1", "Expect: 100-continue"); !ok || closed != c.closes {
			t.Errorf("%s: redirected %v, closed %v", c.version, ok, closed)
		}
	}
}
