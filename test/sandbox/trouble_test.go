package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/ledger"
)

// caller sends single requests, each over a connection of its own, and follows no
// redirect.
type caller struct {
	*Sandbox
	t *testing.T
}

func lend(t *testing.T, o Options) *caller {
	t.Helper()
	if o.Init == "" {
		o.Init = initSQL
	}
	return &caller{New(t, o), t}
}

// reply is an answer; err is set when the connection ended before it.
type reply struct {
	code     int
	location string
	body     string
	err      error
}

func (c *caller) send(method, addr, path, body string, headers ...string) reply {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	req.SetBasicAuth("root", "")
	tr := &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: 10 * time.Second}
	res, err := tr.RoundTrip(req)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header.Get("Location"), string(text), err}
}

// load sends rows to a BE.
func (c *caller) load(label, rows string) reply {
	c.t.Helper()
	return c.send("PUT", c.BEAddr(), "/api/d/t/_stream_load", rows, "Expect: 100-continue", "label: "+label)
}

// txn asks an FE for an operation on a transaction, and the BE it names.
func (c *caller) txn(op, label, body string) reply {
	c.t.Helper()
	addr := c.FEAddr()
	for range 3 {
		r := c.send("PUT", addr, "/api/transaction/"+op, body, "Expect: 100-continue", "label: "+label, "db: d", "table: t")
		if r.code != http.StatusTemporaryRedirect {
			return r
		}
		addr, _, _ = strings.Cut(strings.TrimPrefix(r.location, "http://"), "/")
	}
	c.t.Fatal("too many redirects")
	return reply{}
}

func (c *caller) state(label string) string {
	c.t.Helper()
	var a struct{ State string }
	r := c.send("GET", c.FEAddr(), "/api/d/get_load_state?label="+label, "")
	if err := json.Unmarshal([]byte(r.body), &a); err != nil {
		c.t.Fatalf("%+v: %v", r, err)
	}
	return a.State
}

func (c *caller) want(r reply, parts ...string) {
	c.t.Helper()
	for _, p := range parts {
		if r.err != nil || !strings.Contains(r.body, p) {
			c.t.Errorf("got %+v, want %q", r, p)
		}
	}
}

func (c *caller) wantCut(r reply) {
	c.t.Helper()
	if r.err == nil {
		c.t.Errorf("got %+v, want the connection cut", r)
	}
}

// count is the number of rows, of which initSQL has put one there.
func (c *caller) count(want string) {
	c.t.Helper()
	if got := c.Rows(c.t, "SELECT COUNT(*) FROM d.t"); got[0][0] != want {
		c.t.Errorf("%s rows, want %s", got[0][0], want)
	}
}

func (c *caller) control(method, path, body string) string {
	c.t.Helper()
	r := c.send(method, c.ControlAddr(), path, body)
	if r.err != nil || r.code != 200 {
		c.t.Fatalf("%s %s %s: %+v", method, path, body, r)
	}
	return r.body
}

// The truth behind a Stream Load whose client is lied to.
func TestTruthOfStreamLoads(t *testing.T) {
	for _, c := range []struct {
		fault string
		cut   bool
		says  string
		state ledger.State
	}{
		{`{"kind":"cutBody","bytes":3}`, true, "", ledger.Aborted},
		{`{"kind":"dropBeforeCommit"}`, true, "", ledger.Aborted},
		{`{"kind":"dropAfterCommit"}`, true, "", ledger.Visible},
		{`{"kind":"answerLost"}`, true, "", ledger.Visible},
		{`{"kind":"commitUnknown"}`, false, "Transaction status unknown", ledger.Aborted},
		{`{"kind":"commitUnknown","at":"after"}`, false, "Transaction status unknown", ledger.Visible},
		{`{"kind":"diskFull"}`, false, "capacity limit", ledger.Aborted},
		{`{"kind":"loadFails","text":"tablet is not writable"}`, false, "tablet is not writable", ledger.Aborted},
		{`{"kind":"tooManyVersions","node":"be:0"}`, false, "too many versions", ledger.Aborted},
		{`{"kind":"quota"}`, false, "Database[d] data size exceeds quota", ledger.Unknown},
		{`{"kind":"status","status":503,"text":"busy"}`, false, "busy", ledger.Unknown},
		{`{"kind":"answerHtml"}`, false, "<html>", ledger.Visible},
	} {
		s := lend(t, Options{})
		s.control("POST", "/fault", c.fault)
		r := s.load("l1", "5\ta\t5\n6\tb\t6\n")
		if c.cut {
			s.wantCut(r)
		} else {
			s.want(r, c.says)
		}
		deadline := time.Now().Add(10 * time.Second)
		for s.state("l1") != string(c.state) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: state %s, want %s", c.fault, s.state("l1"), c.state)
			}
			time.Sleep(time.Millisecond)
		}
		s.count(map[bool]string{true: "3", false: "1"}[c.state == ledger.Visible])
		if c.state != ledger.Visible { // the label is free again
			s.want(s.load("l1", "5\ta\t5\n6\tb\t6\n"), `"Status": "Success"`)
		}
	}
}

// The truth behind transactions whose client is lied to.
func TestTruthOfTransactions(t *testing.T) {
	s := lend(t, Options{})
	arm := func(text string) {
		t.Helper()
		s.control("DELETE", "/fault", "")
		s.control("POST", "/fault", text)
	}
	begin := func(label string) {
		t.Helper()
		s.want(s.txn("begin", label, ""), `"Status": "OK"`)
		s.want(s.txn("load", label, "7\tc\t7\n"), `"Status": "OK"`)
	}

	begin("a")
	arm(`{"kind":"answer","op":"prepare","at":"after","result":"INTERNAL_ERROR","text":"timeout","node":"be"}`)
	s.want(s.txn("prepare", "a", ""), `"Status": "INTERNAL_ERROR"`, "timeout")
	if got := s.state("a"); got != "PREPARED" {
		t.Errorf("the prepare that was denied has left %s", got)
	}
	arm(`{"kind":"commitUnknown","op":"commit"}`)
	s.want(s.txn("commit", "a", ""), "Transaction status unknown")
	if got := s.state("a"); got != "PREPARED" {
		t.Errorf("the commit that never arrived has left %s", got)
	}
	arm(`{"kind":"txnInProcessing","op":"commit","times":2}`)
	s.want(s.txn("commit", "a", ""), `"Status": "TXN_IN_PROCESSING"`)
	s.want(s.txn("commit", "a", ""), `"Status": "TXN_IN_PROCESSING"`)
	arm(`{"kind":"answerLost","op":"commit"}`)
	s.wantCut(s.txn("commit", "a", ""))
	s.want(s.txn("commit", "a", ""), "has already committed")
	s.count("2")

	begin("b")
	arm(`{"kind":"txnNotExists","op":"prepare"}`)
	s.want(s.txn("prepare", "b", ""), `"Status": "TXN_NOT_EXISTS"`)
	s.want(s.txn("rollback", "b", ""), `"Status": "OK"`)
	arm(`{"kind":"tooManyVersions"}`)
	begin("c")
	s.want(s.txn("prepare", "c", ""), "too many versions")
	if got := s.state("c"); got != "ABORTED" {
		t.Errorf("state %s", got)
	}
	s.count("2")
}

// What the verbs of the control endpoint do to the servers.
func TestVerbs(t *testing.T) {
	s := lend(t, Options{Backends: 2, Followers: 1, LeaveOpen: true})
	s.want(s.txn("begin", "a", ""), `"Status": "OK"`)
	s.want(s.txn("load", "a", "7\tc\t7\n"), `"Status": "OK"`)
	for _, node := range []string{"be:0", "be:1"} {
		s.control("POST", "/node", `{"node":"`+node+`","do":"restart"}`)
	}
	s.want(s.txn("prepare", "a", ""), "TXN_NOT_EXISTS")

	s.want(s.txn("begin", "b", ""), `"Status": "OK"`)
	s.want(s.txn("load", "b", "7\tc\t7\n"), `"Status": "OK"`)
	s.want(s.txn("prepare", "b", ""), `"Status": "OK"`)
	s.control("POST", "/node", `{"node":"fe:1","do":"lead"}`)
	if got := s.control("GET", "/node", ""); strings.Count(got, `"leader": true`) != 1 || strings.Index(got, `"leader": true`) < strings.Index(got, "fe:1") {
		t.Error(got)
	}
	r := s.send("GET", s.FEAddr(), "/api/d/get_load_state?label=b", "")
	if r.code != 307 || !strings.Contains(r.location, s.FollowerAddrs()[0]) {
		t.Errorf("the old leader: %+v", r)
	}
	s.control("POST", "/node", `{"node":"fe:0","do":"lead"}`)
	if got := s.state("b"); got != "PREPARED" {
		t.Errorf("prepared transactions survive a new leader: %s", got)
	}
	s.control("POST", "/clock", `{"jump":"25h"}`)
	s.control("POST", "/sweep", "")
	if got := s.state("b"); got != "ABORTED" {
		t.Errorf("after a day: %s", got)
	}

	s.want(s.load("c", "8\tc\t7\n"), `"Status": "Success"`)
	s.want(s.load("c", "8\tc\t7\n"), "Label Already Exists")
	s.control("POST", "/evict", `{"db":"d","label":"c"}`)
	if got := s.state("c"); got != "UNKNOWN" {
		t.Errorf("evicted: %s", got)
	}
	s.control("POST", "/config", `{"label_keep_max_num":1}`)
	for _, label := range []string{"d", "e"} {
		s.want(s.load(label, "8\tc\t7\n"), `"Status": "Success"`)
	}
	s.control("POST", "/sweep", "")
	if d, e := s.state("d"), s.state("e"); d != "UNKNOWN" || e != "VISIBLE" {
		t.Errorf("one label is kept: d %s, e %s", d, e)
	}

	s.control("POST", "/user", `{"name":"root","readOnly":true}`)
	s.want(s.load("f", "9\tc\t7\n"), "INSERT privilege")
	s.control("POST", "/user", `{"name":"root","password":"new","readOnly":false}`)
	s.want(s.load("f", "9\tc\t7\n"), "Access denied")
	if got := s.control("POST", "/sql", `{"sql":"SELECT COUNT(*) FROM d.t"}`); !strings.Contains(got, `"2"`) {
		t.Error(got)
	}
}

func TestSQLFaults(t *testing.T) {
	s := lend(t, Options{})
	s.Arm(fault.Fault{Kind: fault.SQLKill, Statement: "from d.t"})
	if _, err := s.Query(t.Context(), "SELECT k FROM d.t"); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("%v", err)
	}
	s.count("1")
}

func TestFaultsFromTheStart(t *testing.T) {
	s := lend(t, Options{Seed: 3, Faults: []fault.Fault{{Kind: fault.AnswerLost, Node: "be", Probability: 0.5, Times: -1}}})
	pattern := func() string {
		var b bytes.Buffer
		for i := range 16 {
			if s.load(string(rune('a'+i)), "5\ta\t5\n").err != nil {
				b.WriteByte('!')
			} else {
				b.WriteByte('.')
			}
		}
		return b.String()
	}
	first := pattern()
	s.Faults().Seed(3)
	if second := pattern(); first != second || !strings.Contains(first, "!") || !strings.Contains(first, ".") {
		t.Errorf("%s and %s", first, second)
	}
	if _, err := Start(t.Context(), Options{Faults: []fault.Fault{{Kind: "flood"}}}); err == nil {
		t.Error("started with a fault that nobody knows")
	}
	if _, err := Start(t.Context(), Options{Config: map[string]string{"no_such": "1"}}); err == nil {
		t.Error("started with a setting that nobody knows")
	}
}

// complaints is a TB that only listens.
type complaints struct {
	*testing.T
	said    []string
	cleanup []func()
}

func (c *complaints) Cleanup(f func()) { c.cleanup = append(c.cleanup, f) }

func (c *complaints) Errorf(format string, _ ...any) { c.said = append(c.said, format) }

// A database created again under the name of one that was dropped has no labels.
func TestLabelsEndWithTheirDatabase(t *testing.T) {
	c := lend(t, Options{Init: initSQL})
	c.want(c.load("first", "5\ta\t5\n"), `"Status": "Success"`)
	c.want(c.load("first", "5\ta\t5\n"), "Label Already Exists")
	if _, err := c.Query(t.Context(), "DROP DATABASE d;"+initSQL); err != nil {
		t.Fatal(err)
	}
	if got := c.state("first"); got != "UNKNOWN" {
		t.Errorf("state %s", got)
	}
	c.want(c.load("first", "6\ta\t5\n"), `"Status": "Success"`)
	c.count("2")
}

func TestNewTellsOfOpenTransactions(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		c := &complaints{T: t}
		s := &caller{New(c, Options{Init: initSQL, LeaveOpen: allowed}), t}
		s.want(s.txn("begin", "a", ""), `"Status": "OK"`)
		for _, f := range c.cleanup {
			f()
		}
		if got := strings.Join(c.said, " "); strings.Contains(got, "left open") == allowed || strings.Contains(got, "still running") {
			t.Errorf("allowed %v: %q", allowed, c.said)
		}
	}
}
