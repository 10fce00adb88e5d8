package sabotage

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const good = `{"TxnId": 5, "Label": "l1", "Status": "Success", "Message": "OK", "NumberLoadedRows": 3}`

// node is a server with faults around it: it reads the body and answers well; an FE
// redirects.
type node struct {
	t    *testing.T
	set  fault.Set
	log  journal.Journal
	addr string
	done atomic.Int64 // operations that really happened
	lost atomic.Int64 // bodies that ended early
}

func newNode(t *testing.T, role fault.Role) *node {
	t.Helper()
	n := &node{t: t}
	s := &Saboteur{Faults: &n.set, Closing: t.Context().Done(), Journal: &n.log}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.addr = l.Addr().String()
	is := fault.Node{Role: role, Addr: n.addr}
	srv := httptest.NewUnstartedServer(n.log.Handler(string(role), n.addr, s.Handler(is, http.HandlerFunc(n.work))))
	_ = srv.Listener.Close()
	srv.Listener = s.Listener(is, l)
	srv.Start()
	t.Cleanup(srv.Close)
	return n
}

func (n *node) work(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "_stream_load") && r.Header.Get("From") == "fe" {
		w.Header().Set("Location", "http://127.0.0.2:8040"+r.URL.RequestURI())
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		n.lost.Add(1)
		panic(http.ErrAbortHandler)
	}
	n.done.Add(1)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, good)
}

func (n *node) arm(text string) {
	n.t.Helper()
	n.set.Clear(0)
	n.done.Store(0)
	n.lost.Store(0)
	var f fault.Fault
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		n.t.Fatal(err)
	}
	if _, err := n.set.Arm(f); err != nil {
		n.t.Fatalf("%s: %v", text, err)
	}
}

type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

// ask sends one request over a connection of its own.
func (n *node) ask(method, path, body string, header ...string) reply {
	n.t.Helper()
	req, err := http.NewRequestWithContext(n.t.Context(), method, "http://"+n.addr+path, strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	req.SetBasicAuth("bob", "pw")
	tr := &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: 5 * time.Second}
	defer tr.CloseIdleConnections()
	res, err := tr.RoundTrip(req)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return reply{res.StatusCode, res.Header, string(text), err}
}

const loadPath = "/api/d/t/_stream_load"

func (n *node) load(body string) reply {
	n.t.Helper()
	return n.ask("PUT", loadPath, body, "Expect: 100-continue", "Label: l1", "From: be")
}

func TestAnswersInPlaceOfTheServer(t *testing.T) {
	n := newNode(t, fault.BE)
	for _, c := range []struct {
		fault  string
		status int
		body   string
		done   int64
	}{
		{`{"kind":"http","status":429,"text":"slow down","headers":{"Retry-After":"7"}}`, 429, "slow down", 0},
		{`{"kind":"status","status":503,"text":"<html>busy"}`, 503, "<html>busy", 0},
		{`{"kind":"http","status":500,"text":"late","at":"after"}`, 500, "late", 1},
		{`{"kind":"answer","result":"Fail","text":"no luck with {label} in {db}"}`, 200, "no luck with l1 in d", 0},
		{`{"kind":"runningTxnLimit"}`, 200, "current running txns on db d is 1000, larger than limit 1000", 0},
		{`{"kind":"quota"}`, 200, "Database[d] data size exceeds quota[", 0},
		{`{"kind":"disableLoadJob"}`, 200, "disable_load_job is set to true", 0},
		{`{"kind":"denied"}`, 200, "Access denied for bob@127.0.0.1", 0},
		{`{"kind":"limiter"}`, 200, "exceed http cuncurrent limit", 0},
		{`{"kind":"shuttingDown"}`, 200, "Service is shutting down", 0},
		{`{"kind":"safeMode","at":"after"}`, 200, "safe mode", 1},
		{`{"kind":"commitUnknown","at":"after"}`, 200, "Transaction status unknown", 1},
		{`{"kind":"answerBody","text":"x"}`, 200, "x", 1},
		{`{"kind":"answerBody","at":"before","text":"x","status":201}`, 201, "x", 0},
		{`{"kind":"answerHtml","status":502}`, 502, "502 Bad Gateway", 1},
		{`{"kind":"answerBadJson"}`, 200, `"Label": "`, 1},
		{`{"kind":"answerEmpty"}`, 200, "", 1},
	} {
		n.arm(c.fault)
		r := n.load("1\ta\n")
		if r.err != nil || r.status != c.status || !strings.Contains(r.body, c.body) || n.done.Load() != c.done {
			t.Errorf("%s: %+v, %d done", c.fault, r, n.done.Load())
		}
		if n.set.List()[0].Hits != 1 {
			t.Errorf("%s: has shown %d times", c.fault, n.set.List()[0].Hits)
		}
		if r := n.load("1\ta\n"); r.body != good {
			t.Errorf("%s: stays: %+v", c.fault, r)
		}
	}
	n.arm(`{"kind":"http","status":429,"headers":{"Retry-After":"7"}}`)
	if r := n.load(""); r.header.Get("Retry-After") != "7" {
		t.Errorf("%+v", r)
	}
	n.arm(`{"kind":"commitUnknown","at":"after"}`)
	var a streamLoad
	if err := json.Unmarshal([]byte(n.load("x").body), &a); err != nil || a.TxnID != 5 || a.NumberLoadedRows != 3 || a.Status != "Fail" {
		t.Errorf("%+v, %v", a, err)
	}
}

// An answer that comes before the body leaves the body unread, and no 100 Continue
// is sent.
func TestEarlyAnswerLeavesTheBody(t *testing.T) {
	n := newNode(t, fault.BE)
	n.arm(`{"kind":"http","status":503}`)
	if r := n.load(strings.Repeat("x", 1<<20)); r.status != 503 {
		t.Errorf("%+v", r)
	}
	if list := n.log.List(false); list[0].BodyBytes != 0 || list[0].Status != 503 {
		t.Errorf("%+v", list[0])
	}
}

func TestTransactionAnswers(t *testing.T) {
	for _, role := range []fault.Role{fault.FE, fault.BE} {
		n := newNode(t, role)
		n.arm(`{"kind":"txnInProcessing","op":"commit","times":2}`)
		if r := n.ask("POST", "/api/transaction/prepare", "", "label: l1", "db: d"); r.body != good {
			t.Errorf("prepare is not in aim: %+v", r)
		}
		for i := range 3 {
			r := n.ask("POST", "/api/transaction/commit", "", "label: l1", "db: d")
			if i < 2 != strings.Contains(r.body, `"Status": "TXN_IN_PROCESSING"`) || !strings.Contains(r.body, `"Label": "l1"`) {
				t.Errorf("%d: %+v", i, r)
			}
		}
		n.arm(`{"kind":"answer","result":"INTERNAL_ERROR","text":"timeout","op":"prepare","at":"after"}`)
		if r := n.ask("PUT", "/api/transaction/prepare", "", "label: l1", "db: d"); !strings.Contains(r.body, "INTERNAL_ERROR") || n.done.Load() != 1 {
			t.Errorf("prepare happened %d times: %+v", n.done.Load(), r)
		}
	}
}

func TestFrontendAnswers(t *testing.T) {
	n := newNode(t, fault.FE)
	fe := func() reply { return n.ask("PUT", loadPath, "", "Expect: 100-continue", "From: fe", "Label: l1") }
	for text, want := range map[string]string{
		`{"kind":"redirectTo","to":"127.0.0.9:1"}`:             "http://127.0.0.9:1" + loadPath,
		`{"kind":"redirectDead"}`:                              "http://127.0.0.2:1" + loadPath,
		`{"kind":"redirectLoop"}`:                              "http://" + n.addr + loadPath,
		`{"kind":"redirectHttps"}`:                             "https://127.0.0.2:8040" + loadPath,
		`{"kind":"redirectMetadata"}`:                          "http://169.254.169.254" + loadPath,
		`{"kind":"redirectUserinfo"}`:                          "http://other:secret@127.0.0.2:8040" + loadPath,
		`{"kind":"redirectNowhere"}`:                           "",
		`{"kind":"follower"}`:                                  "http://" + n.addr + loadPath,
		`{"kind":"follower","to":"127.0.1.1:8030"}`:            "http://127.0.1.1:8030" + loadPath,
		`{"kind":"redirectTo","to":"evil.example:80","nth":1}`: "http://evil.example:80" + loadPath,
	} {
		n.arm(text)
		if r := fe(); r.status != 307 || r.header.Get("Location") != want || r.body != "" {
			t.Errorf("%s: %+v", text, r)
		}
	}
	n.arm(`{"kind":"noBackend"}`)
	if r := fe(); r.status != 200 || !strings.Contains(r.body, `"Status": "FAILED"`) || !strings.Contains(r.body, "No backend alive") {
		t.Errorf("%+v", r)
	}
	n.arm(`{"kind":"denied","op":"*"}`)
	if r := n.ask("GET", "/api/d/get_load_state?label=l9", ""); r.status != 401 || r.header.Get("WWW-Authenticate") == "" || !strings.Contains(r.body, `"status": "FAILED"`) {
		t.Errorf("%+v", r)
	}
	n.arm(`{"kind":"labelUnknown","label":"l9"}`)
	if r := n.ask("GET", "/api/d/get_load_state?label=l9", ""); r.status != 200 || !strings.Contains(r.body, `"state": "UNKNOWN"`) || !strings.Contains(r.body, `"status": "OK"`) {
		t.Errorf("%+v", r)
	}
	n.arm(`{"kind":"answer","result":"FAILED","text":"no","op":"cancel","label":"l9"}`)
	if r := n.ask("POST", "/api/d/l9/_cancel", ""); !strings.Contains(r.body, `"status": "FAILED"`) || !strings.Contains(r.body, `"msg": "no"`) {
		t.Errorf("%+v", r)
	}
}

func TestAnswersThatGetLost(t *testing.T) {
	n := newNode(t, fault.BE)
	for _, text := range []string{`{"kind":"answerLost"}`, `{"kind":"answerLost","reset":true}`, `{"kind":"dropAfterCommit"}`} {
		n.arm(text)
		if r := n.load("abc"); r.err == nil || n.done.Load() != 1 {
			t.Errorf("%s: %+v, %d done", text, r, n.done.Load())
		}
	}
	n.arm(`{"kind":"answerCut","bytes":12}`)
	if r := n.load("abc"); r.status != 200 || r.body != good[:12] || !errors.Is(r.err, io.ErrUnexpectedEOF) || n.done.Load() != 1 {
		t.Errorf("%+v", r)
	}
	n.arm(`{"kind":"answerDelay","ms":30}`)
	began := time.Now()
	if r := n.load("abc"); r.body != good || time.Since(began) < 30*time.Millisecond {
		t.Errorf("%+v", r)
	}
	n.arm(`{"kind":"answerHuge","bytes":300000}`)
	if r := n.load("abc"); len(r.body) < 300000 || !json.Valid([]byte(r.body)) {
		t.Errorf("%d bytes, %v", len(r.body), r.err)
	}
	n.arm(`{"kind":"answerHuge"}`)
	if r := n.load("abc"); len(r.body) != 1<<20 {
		t.Errorf("%d bytes, %v", len(r.body), r.err)
	}
	for _, text := range []string{`{"kind":"cutRequest"}`, `{"kind":"cutRequest","reset":true}`} {
		n.arm(text)
		if r := n.load("abc"); r.err == nil || n.done.Load() != 0 {
			t.Errorf("%s: %+v", text, r)
		}
	}
}

func TestBodiesThatAreBent(t *testing.T) {
	n := newNode(t, fault.BE)
	for _, text := range []string{`{"kind":"cutBody","bytes":100}`, `{"kind":"cutBody","bytes":100,"reset":true}`} {
		n.arm(text)
		r := n.load(strings.Repeat("x", 1<<16))
		// The client sees the end of its connection before the server has noted it.
		for deadline := time.Now().Add(10 * time.Second); !n.log.Newest(1, false)[0].Cut && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		if r.err == nil || n.done.Load() != 0 || n.lost.Load() != 1 {
			t.Errorf("%s: %+v, %d done, %d lost", text, r, n.done.Load(), n.lost.Load())
		}
		if list := n.log.Newest(1, false); list[0].BodyBytes != 100 || !list[0].Cut {
			t.Errorf("%s: %+v", text, list[0])
		}
	}
	n.arm(`{"kind":"cutBody","bytes":100}`)
	if r := n.load("short"); r.body != good {
		t.Errorf("a body shorter than the cut passes: %+v", r)
	}
	n.arm(`{"kind":"slowRead","bytesPerSecond":20000}`)
	began := time.Now()
	if r := n.load(strings.Repeat("x", 2000)); r.body != good || time.Since(began) < 90*time.Millisecond {
		t.Errorf("%+v after %v", r, time.Since(began))
	}
	n.arm(`{"kind":"delay","ms":30}`)
	began = time.Now()
	if r := n.load("x"); r.body != good || time.Since(began) < 30*time.Millisecond {
		t.Errorf("%+v", r)
	}
}

// raw speaks on a connection of its own and returns what came until its end.
func raw(t *testing.T, addr, text string) (string, error) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil { // a reset may be quicker than the dialling
		return "", err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		return "", err
	}
	b, err := io.ReadAll(bufio.NewReader(c))
	return string(b), err
}

func TestConnectionsRefused(t *testing.T) {
	n := newNode(t, fault.BE)
	n.arm(`{"kind":"refuse","times":2}`)
	for range 2 {
		if got, _ := raw(t, n.addr, ""); got != "" {
			t.Errorf("%q", got)
		}
	}
	n.arm(`{"kind":"refuse","reset":true,"node":"be"}`)
	if _, err := raw(t, n.addr, ""); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v", err)
	}
	n.arm(`{"kind":"refuse","node":"fe"}`)
	if r := n.load("x"); r.body != good {
		t.Errorf("%+v", r)
	}
}

func TestSilence(t *testing.T) {
	n := newNode(t, fault.BE)
	head := "PUT " + loadPath + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
	n.arm(`{"kind":"continueSilence","ms":20}`)
	if got, _ := raw(t, n.addr, head+"Expect: 100-continue\r\n\r\n"); got != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Errorf("%q", got)
	}
	n.arm(`{"kind":"continueSilence","ms":20}`)
	if got, _ := raw(t, n.addr, head+"\r\nhello"); got != "" {
		t.Errorf("%q", got)
	}
	n.arm(`{"kind":"silence","ms":20,"reset":true}`)
	if got, err := raw(t, n.addr, head+"Expect: 100-continue\r\n\r\n"); got != "" || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%q, %v", got, err)
	}
	if n.done.Load() != 0 {
		t.Error("something was done in silence")
	}
}
