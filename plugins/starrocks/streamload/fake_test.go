package streamload

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "pa55-word"

// serve runs a handler on an address and returns host:port.
func serve(t testing.TB, addr string, h http.HandlerFunc) string {
	t.Helper()
	lis, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(lis) }()
	t.Cleanup(func() { srv.Close(); <-done })
	return lis.Addr().String()
}

// cluster is a frontend on 127.0.0.1 and a backend on 127.0.0.2 that remember what they saw.
type cluster struct {
	t        testing.TB
	frontend string
	backend  string

	mu      sync.Mutex // guards the following
	fe, be  []seen
	states  []string // of the label, one per question; the last stays
	answers []string // of the backend, one per load; the last stays
	asked   int
	onFE    func(w http.ResponseWriter, r *http.Request) bool // true: answered
	onBE    func(w http.ResponseWriter, r *http.Request) bool
}

type seen struct {
	method, uri, label, body string
	user, pass               string
}

func newCluster(t testing.TB) *cluster {
	c := &cluster{t: t}
	c.backend = serve(t, "127.0.0.2:0", c.serveBE)
	c.frontend = serve(t, "127.0.0.1:0", c.serveFE)
	return c
}

func note(r *http.Request, body string) seen {
	s := seen{method: r.Method, uri: r.URL.RequestURI(), label: r.Header.Get("label"), body: body}
	s.user, s.pass, _ = r.BasicAuth()
	return s
}

func (c *cluster) serveFE(w http.ResponseWriter, r *http.Request) {
	var body []byte
	if r.Header.Get("Expect") == "" || r.ContentLength == 0 { // reading more would ask for it
		body, _ = io.ReadAll(r.Body)
	}
	c.mu.Lock()
	c.fe = append(c.fe, note(r, string(body)))
	on := c.onFE
	c.mu.Unlock()
	if on != nil && on(w, r) {
		return
	}
	if strings.HasSuffix(r.URL.Path, "/get_load_state") {
		c.mu.Lock()
		state := "UNKNOWN"
		if len(c.states) > 0 {
			state = c.states[min(c.asked, len(c.states)-1)]
		}
		c.asked++
		c.mu.Unlock()
		fmt.Fprintf(w, `{"state":%q,"reason":"","status":"OK","code":"0","msg":"Success"}`, state)
		return
	}
	if strings.HasSuffix(r.URL.Path, "/_cancel") {
		fmt.Fprint(w, `{"status":"OK","code":"0","msg":"Success"}`)
		return
	}
	if r.Header.Get("Expect") != "100-continue" {
		fmt.Fprint(w, `{"Status":"FAILED","Message":"There is no 100-continue header"}`)
		return
	}
	w.Header().Set("Location", "http://"+c.backend+r.URL.RequestURI())
	w.WriteHeader(http.StatusTemporaryRedirect)
}

func (c *cluster) serveBE(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	on := c.onBE
	c.mu.Unlock()
	if on != nil && on(w, r) {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.be)
	c.be = append(c.be, note(r, string(body)))
	if len(c.answers) == 0 {
		fmt.Fprint(w, ok3)
		return
	}
	a := c.answers[min(n, len(c.answers)-1)]
	if code, page, found := strings.Cut(a, "!"); found && len(code) == 3 {
		var status int
		fmt.Sscan(code, &status)
		w.WriteHeader(status)
		a = page
	}
	fmt.Fprint(w, a)
}

func (c *cluster) loads() []seen {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]seen(nil), c.be...)
}

func (c *cluster) questions() []seen {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]seen(nil), c.fe...)
}

const ok3 = `{"TxnId":7,"Status":"Success","Message":"OK","NumberTotalRows":3,"NumberLoadedRows":3,"NumberFilteredRows":0,"NumberUnselectedRows":0}`

// pieces is a body of given chunks that counts how often it was opened and read.
type pieces struct {
	chunks []string
	opened int
	read   int
	closed int
}

func (p *pieces) Open() Chunks {
	p.opened++
	return &pieceReader{p: p}
}

type pieceReader struct {
	p  *pieces
	at int
}

func (r *pieceReader) Next() ([]byte, error) {
	if r.at == len(r.p.chunks) {
		return nil, io.EOF
	}
	r.at++
	r.p.read++
	return []byte(r.p.chunks[r.at-1]), nil
}

func (r *pieceReader) Close() { r.p.closed++ }

// sender makes a Sender for the given frontends whose pauses are recorded instead of waited for.
func sender(t testing.TB, retries int, frontends ...string) (*Sender, *[]time.Duration) {
	t.Helper()
	var eps []Endpoint
	for _, f := range frontends {
		e, err := ParseEndpoint(f, DefaultFrontendPort)
		if err != nil {
			t.Fatal(err)
		}
		eps = append(eps, e)
	}
	c := New(Config{Frontends: eps, Hosts: NewHosts(eps), User: "root", Password: secret, ConnectTimeout: time.Second,
		AnswerTimeout: 20 * time.Second, MaxRetries: retries, Unreachable: time.Nanosecond})
	pauses := &[]time.Duration{}
	c.sleep = func(ctx context.Context, d time.Duration) error {
		*pauses = append(*pauses, d)
		return ctx.Err()
	}
	s := c.Sender()
	t.Cleanup(func() { s.Close(); c.Close() })
	return s, pauses
}

func rows3() *Load {
	return &Load{Database: "d", Table: "t", Label: "job-r-0-1", Header: http.Header{"format": {"csv"}},
		Body: &pieces{chunks: []string{"1,a\n", "2,b\n", "3,c\n"}}, Rows: 3}
}

func code(err error) protocol.Code {
	if f := protocol.AsFault(err); f != nil {
		return f.Code
	}
	return ""
}
