package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gx-etl/gx/test/sandbox/clock"
	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/journal"
	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stand is a stand-in of which only the endpoint is real.
type stand struct {
	Options
	did []string
}

const hostile = `<script>alert("x")</script>&'`

func (s *stand) Status() Status {
	return Status{Addresses: map[string]string{"feHttp": "127.0.0.1:8030"}, Version: "4.0.1", Started: time.Now(),
		Tables: []Table{{Database: "d", Table: "t", Model: "DUP_KEYS", Rows: 1234567, Version: 3}, {Database: "d", Table: hostile}},
		Loads: []ledger.Info{
			{TxnID: 1, Label: "a", Database: "d", Table: "t", State: ledger.Visible, Rows: 10, Bytes: 95, Begun: time.Now()},
			{TxnID: 2, Label: hostile, Database: "d", Table: "t", State: ledger.Aborted, Reason: hostile, Rows: 5, Bytes: 5, Begun: time.Now()},
			{TxnID: 3, Label: "c", Database: "d", Table: "t", State: ledger.Visible, Rows: 10, Bytes: 105, Begun: time.Now()},
		},
		Counters: map[string]int64{"loads": 3}}
}

func (s *stand) Nodes() []Node {
	return []Node{{Node: "fe:0", Addr: "127.0.0.1:8030", Up: true, Alive: true, Leader: true}, {Node: "be:0", Addr: "127.0.0.2:8040", Alive: true}}
}

func (s *stand) Do(_ context.Context, role string, index int, verb string) error {
	if index > 1 {
		return errors.New("there is no such node")
	}
	s.did = append(s.did, fmt.Sprint(verb, " ", role, " ", index))
	return nil
}

func (s *stand) Settings() map[string]string {
	return map[string]string{"label_keep_max_num": "1000", "on": "x"}
}

func (s *stand) Set(name, value string) error {
	if value == "bad" {
		return errors.New("expected a number")
	}
	s.did = append(s.did, name+"="+value)
	return nil
}

func (s *stand) Sweep() { s.did = append(s.did, "sweep") }

func (s *stand) Forget(db, label string) bool {
	s.did = append(s.did, "forget "+db+"."+label)
	return label == "old"
}

func (s *stand) Query(_ context.Context, text string) ([]Result, error) {
	if text == "" {
		return nil, errors.New("nothing to run")
	}
	one := "1"
	return []Result{{Columns: []string{"a", "b"}, Rows: [][]*string{{&one, nil}}}, {Affected: 2}}, nil
}

func (s *stand) Save() error {
	s.did = append(s.did, "save")
	return nil
}

func newStand(t *testing.T) (*stand, *httptest.Server) {
	t.Helper()
	s := &stand{}
	s.Options = Options{Source: s, Faults: &fault.Set{}, Journal: &journal.Journal{}, Clock: &clock.Clock{}, Cluster: s, Config: s, Labels: s,
		Users: store.NewUsers(), Querier: s, Saver: s}
	srv := httptest.NewServer(Handler(s.Options))
	t.Cleanup(srv.Close)
	return s, srv
}

func ask(t *testing.T, srv *httptest.Server, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestEndpoint(t *testing.T) {
	s, srv := newStand(t)
	for _, c := range []struct {
		ask, body string
		status    int
		want      string
	}{
		{"GET /status", "", 200, `"version": "4.0.1"`},
		{"GET /status", "", 200, `"loadedRows": 20`},
		{"POST /fault", `{"kind":"status","status":503,"table":"orders","times":2}`, 200, `"id": 1`},
		{"POST /fault", `{"kind":"nope"}`, 400, `known are answer`},
		{"POST /fault", `{"kind":"status","status":503,"color":1}`, 400, `color`},
		{"POST /fault", `{`, 400, "error"},
		{"POST /fault", ``, 400, "must be JSON"},
		{"POST /fault", `{"kind":"answerLost"} {}`, 400, "more after"},
		{"GET /fault", "", 200, `"table": "orders"`},
		{"GET /status", "", 200, `"kind": "status"`},
		{"DELETE /fault?id=x", "", 400, "number of a fault"},
		{"DELETE /fault?id=9", "", 200, `"cleared": 0`},
		{"DELETE /fault?id=1", "", 200, `"cleared": 1`},
		{"DELETE /fault", "", 200, `"cleared": 0`},
		{"POST /seed", `{"seed":7}`, 200, `"seed": 7`},
		{"POST /seed", `{}`, 400, "NUMBER"},
		{"GET /requests", "", 200, "[]"},
		{"POST /capture", `{"bodies":true}`, 200, `"bodies": true`},
		{"POST /capture", `{}`, 400, "bodies"},
		{"GET /clock", "", 200, `"offset": "0s"`},
		{"POST /clock", `{"jump":"26h"}`, 200, `"offset": "26h0m0s"`},
		{"POST /clock", `{"jump":"-27h"}`, 200, `"offset": "-1h0m0s"`},
		{"POST /clock", `{"jump":"tomorrow"}`, 400, "26h"},
		{"GET /node", "", 200, `"node": "be:0"`},
		{"POST /node", `{"node":"be:0","do":"restart"}`, 200, `"leader": true`},
		{"POST /node", `{"node":"be:7","do":"stop"}`, 400, "no such node"},
		{"POST /node", `{"node":"cn:0","do":"stop"}`, 400, "fe:N or be:N"},
		{"POST /node", `{"node":"be:0","do":"dance"}`, 400, "stop, start, restart, lead"},
		{"GET /config", "", 200, `"label_keep_max_num": "1000"`},
		{"POST /config", `{"label_keep_max_num":5,"on":true}`, 200, "label_keep"},
		{"POST /config", `{"label_keep_max_num":"bad"}`, 400, "label_keep_max_num: expected a number"},
		{"POST /config", `{"label_keep":5}`, 400, "known are label_keep_max_num, on"},
		{"POST /sweep", "", 200, "OK"},
		{"POST /evict", `{"db":"d","label":"old"}`, 200, "OK"},
		{"POST /evict", `{"db":"d","label":"new"}`, 404, "no finished label"},
		{"POST /user", `{"name":"app","password":"pw","readOnly":true}`, 200, "OK"},
		{"POST /user", `{"name":"app"}`, 400, "without password"},
		{"POST /user", `{"name":"none","readOnly":true}`, 404, "no user"},
		{"POST /sql", `{"sql":"SELECT 1"}`, 200, `null`},
		{"POST /sql", `{"sql":""}`, 400, "nothing to run"},
		{"POST /save", "", 200, "OK"},
		{"GET /help", "", 200, `"kind": "tooManyVersions"`},
		{"GET /nothing", "", 404, "known are"},
		{"PUT /fault", "", 405, "GET, POST, DELETE"},
		{"DELETE /requests", "", 200, "OK"},
	} {
		method, path, _ := strings.Cut(c.ask, " ")
		if status, got := ask(t, srv, method, path, c.body); status != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s %s: HTTP %d %s", c.ask, c.body, status, got)
		}
	}
	if got := strings.Join(s.did, "; "); got != "restart be 0; label_keep_max_num=5; on=true; sweep; forget d.old; forget d.new; save" {
		t.Error(got)
	}
	if password, _ := s.Users.Password("app"); password != "pw" {
		t.Errorf("password %q", password)
	}
}

func TestRequestsAreFiltered(t *testing.T) {
	s, srv := newStand(t)
	for i := range 5 {
		s.Journal.Add(journal.Request{Server: []string{"fe", "be"}[i%2], Path: fmt.Sprint("/", i)})
	}
	var got []journal.Request
	_, text := ask(t, srv, "GET", "/requests?server=fe&n=2", "")
	if err := json.Unmarshal([]byte(text), &got); err != nil || len(got) != 2 || got[0].Path != "/2" || got[1].Path != "/4" {
		t.Errorf("%+v, %v", got, err)
	}
	if status, _ := ask(t, srv, "GET", "/requests?n=x", ""); status != 400 {
		t.Error(status)
	}
}

// A part that is not there is an error that says so.
func TestWithoutParts(t *testing.T) {
	s, _ := newStand(t)
	srv := httptest.NewServer(Handler(Options{Source: s, Faults: s.Faults, Journal: s.Journal}))
	defer srv.Close()
	for _, c := range []string{`POST /clock {"jump":"1h"}`, "GET /node ", `POST /node {"node":"be:0","do":"stop"}`, "GET /config ", `POST /config {}`,
		"POST /sweep ", `POST /evict {}`, `POST /user {}`, `POST /sql {}`, "POST /save "} {
		parts := strings.SplitN(c, " ", 3)
		if status, got := ask(t, srv, parts[0], parts[1], parts[2]); status != 501 || !strings.Contains(got, "not available") {
			t.Errorf("%s: HTTP %d %s", c, status, got)
		}
	}
	if status, _ := ask(t, srv, "GET", "/", ""); status != 200 {
		t.Errorf("the page: HTTP %d", status)
	}
}

func TestPageEscapes(t *testing.T) {
	s, srv := newStand(t)
	if _, err := s.Faults.Arm(fault.Fault{Kind: fault.HTTPStatus, Status: 500, Text: hostile}); err != nil {
		t.Fatal(err)
	}
	s.Journal.Add(journal.Request{Server: "fe", Method: "GET", Path: "/" + hostile, Query: hostile, User: hostile, Header: http.Header{"Label": {hostile}}})
	status, got := ask(t, srv, "GET", "/", "")
	if status != 200 || strings.Contains(got, "<script>alert") || strings.Count(got, "<script") != 1 {
		t.Errorf("HTTP %d %s", status, got)
	}
	for _, want := range []string{"1\u202f234\u202f567", "10.0", "DUP_KEYS", "stopped, not noticed yet", "leader", "&lt;script&gt;alert", "127.0.0.1:8030", "ABORTED"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestStartAndClose(t *testing.T) {
	s, _ := newStand(t)
	o := s.Options
	o.Addr = "127.0.0.1:0"
	srv, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	o.Addr = srv.Addr()
	if _, err := Start(o); err == nil || !strings.Contains(err.Error(), "cannot listen") {
		t.Errorf("%v", err)
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Start(Options{Addr: "127.0.0.1:0"}); err == nil {
		t.Error("started without a source")
	}
}

// Every route is documented with a body that it takes.
func TestHelpShowsBodiesThatWork(t *testing.T) {
	_, srv := newStand(t)
	for _, r := range Routes() {
		body := strings.Replace(r.Body, "load-1", "old", 1)
		status, got := ask(t, srv, r.Method, r.Path, body)
		if status != 200 {
			t.Errorf("%s %s %s: HTTP %d %s", r.Method, r.Path, body, status, got)
		}
	}
}

func FuzzEndpoint(f *testing.F) {
	for i, r := range routes {
		f.Add(uint8(i), r.Body)
	}
	s := &stand{}
	s.Options = Options{Source: s, Faults: &fault.Set{}, Journal: &journal.Journal{}, Clock: &clock.Clock{}, Cluster: s, Config: s, Labels: s, Users: store.NewUsers()}
	h := Handler(s.Options)
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		r := routes[int(which)%len(routes)]
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(r.Method, r.Path, strings.NewReader(body)))
		if w.Code != 200 && w.Code != 400 && w.Code != 404 && w.Code != 501 {
			t.Errorf("%s %s %q: HTTP %d", r.Method, r.Path, body, w.Code)
		}
		s.Faults.Clear(0)
	})
}
