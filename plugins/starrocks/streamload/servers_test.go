package streamload

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
)

// A backend that fails a load by its headers answers without 100 Continue and leaves the connection open: no row is sent.
func TestEarlyAnswer(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() {
		conn, err := lis.Accept()
		if err != nil {
			got <- err.Error()
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		if _, err := http.ReadRequest(r); err != nil {
			got <- err.Error()
			return
		}
		body := `{"Status":"Fail","Message":"unknown data format, format=xml"}`
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		rest, _ := io.ReadAll(r)
		got <- string(rest)
	}()
	c := newCluster(t)
	c.backend = lis.Addr().String()
	s, _ := sender(t, 2, c.frontend)
	l := rows3()
	_, err = s.Send(t.Context(), l)
	if code(err) != protocol.Config || !strings.Contains(err.Error(), "format=xml") {
		t.Errorf("got %v", err)
	}
	if rest := <-got; rest != "" {
		t.Errorf("the backend was sent %q", rest)
	}
	if p := l.Body.(*pieces); p.read != 0 || p.closed != 1 {
		t.Errorf("%d pieces read, closed %d times", p.read, p.closed)
	}
	lis.Close()
}

// A frontend that redirects late, keeps the connection and would read whatever comes gets nothing.
func TestSlowFrontendGetsNoRows(t *testing.T) {
	c := newCluster(t)
	c.onFE = func(http.ResponseWriter, *http.Request) bool { time.Sleep(300 * time.Millisecond); return false }
	s, _ := sender(t, 0, c.frontend)
	l := rows3()
	if _, err := s.Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if fe := c.questions(); len(fe) != 1 || fe[0].body != "" {
		t.Errorf("the frontend saw %+v", fe)
	}
	if p := l.Body.(*pieces); p.opened != 1 || p.read != 3 {
		t.Errorf("opened %d times, %d pieces read", p.opened, p.read)
	}
}

// Connections are kept after success and dropped after anything else.
func TestConnections(t *testing.T) {
	c := newCluster(t)
	fail := `{"Status":"Fail","Message":"something new"}`
	c.answers = []string{ok3, ok3, fail, ok3, ok3}
	conns := map[string]bool{}
	c.onBE = func(_ http.ResponseWriter, r *http.Request) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		conns[r.RemoteAddr] = true
		return false
	}
	s, _ := sender(t, 1, c.frontend)
	for range 4 {
		if _, err := s.Send(t.Context(), rows3()); err != nil {
			t.Fatal(err)
		}
	}
	if len(conns) != 2 {
		t.Errorf("%d connections for five exchanges with one failure, want 2", len(conns))
	}
}

func TestBackendInLoadURL(t *testing.T) {
	var mu sync.Mutex
	var bodies []string
	be := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, string(body))
		if len(body) == 0 {
			fmt.Fprint(w, `{"TxnId":1,"Status":"Fail","Message":"No rows were imported from upstream","NumberTotalRows":0}`)
			return
		}
		fmt.Fprint(w, ok3)
	})
	s, _ := sender(t, 0, be)
	for range 2 {
		if _, err := s.Send(t.Context(), rows3()); err != nil {
			t.Fatal(err)
		}
	}
	if len(bodies) != 3 || bodies[0] != "" {
		t.Errorf("the backend saw %q", bodies)
	}
}

func TestHops(t *testing.T) {
	c := newCluster(t)
	// The follower names the leader, which is a frontend of the list and names the backend.
	leader := c.frontend
	follower := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			t.Errorf("the follower is offered %d bytes", r.ContentLength)
		}
		w.Header().Set("Location", "http://"+leader+r.URL.RequestURI())
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	s, _ := sender(t, 0, follower)
	if _, err := s.Send(t.Context(), rows3()); err != nil {
		t.Fatal(err)
	}
	if be := c.loads(); len(be) != 1 || be[0].pass != secret {
		t.Errorf("the backend saw %+v", be)
	}

	var loop string
	loop = serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://"+loop+r.URL.RequestURI())
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	s, _ = sender(t, 2, loop)
	if _, err := s.Send(t.Context(), rows3()); code(err) != protocol.Refused || !strings.Contains(err.Error(), "redirects") {
		t.Errorf("got %v", err)
	}
}

// A follower sends the question for a label's state to its leader; the password goes along.
func TestStateAtTheLeader(t *testing.T) {
	c := newCluster(t)
	c.states = []string{"VISIBLE"}
	c.answers = []string{"500!"}
	follower := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://"+c.frontend+r.URL.RequestURI())
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	s, _ := sender(t, 0, follower)
	if _, err := s.Send(t.Context(), rows3()); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, q := range c.questions() {
		if q.method == http.MethodGet {
			asked++
			if q.pass != secret || q.uri != "/api/d/get_load_state?label=job-r-0-1" {
				t.Errorf("asked %+v", q)
			}
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// A leader that neither the job nor the cluster names is not asked for a label, and not waited for: the load goes out
// again under its label, and the password nowhere else.
func TestStateAtAStranger(t *testing.T) {
	c := newCluster(t)
	c.answers = []string{"500!", ok3}
	asked := 0
	follower := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		to := c.frontend
		if r.Method == http.MethodGet {
			asked++
			to = "10.0.0.9:8030"
		}
		w.Header().Set("Location", "http://"+to+r.URL.RequestURI())
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	s, _ := sender(t, 1, follower)
	s.cfg.Hosts.Name([]string{c.backend})
	if _, err := s.Send(t.Context(), rows3()); err != nil {
		t.Fatal(err)
	}
	if be := c.loads(); len(be) != 2 || asked != 1 {
		t.Errorf("%d loads, asked %d times", len(be), asked)
	}
}

func TestFrontendsTakeTurns(t *testing.T) {
	a, b := newCluster(t), newCluster(t)
	dead := closedPort(t)
	s, _ := sender(t, 0, a.frontend, dead, b.frontend)
	for range 6 {
		if _, err := s.Send(t.Context(), rows3()); err != nil {
			t.Fatal(err)
		}
	}
	na, nb := len(a.questions()), len(b.questions())
	if na+nb != 6 || na < 2 || nb < 2 {
		t.Errorf("%d and %d", na, nb)
	}
}

func closedPort(t testing.TB) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	return lis.Addr().String()
}

func TestNobodyAnswers(t *testing.T) {
	a, b := closedPort(t), closedPort(t)
	for _, retries := range []int{0, 3} {
		s, _ := sender(t, retries, a, b)
		_, err := s.Send(t.Context(), rows3())
		if code(err) != protocol.Unreachable || !strings.Contains(err.Error(), a) || !strings.Contains(err.Error(), b) {
			t.Errorf("retries %d: %v", retries, err)
		}
		if err := s.Probe(t.Context()); code(err) != protocol.Unreachable || !strings.Contains(err.Error(), a) || !strings.Contains(err.Error(), b) {
			t.Errorf("probe: %v", err)
		}
	}
	c := newCluster(t)
	s, _ := sender(t, 0, a, c.frontend)
	if err := s.Probe(t.Context()); err != nil {
		t.Errorf("one frontend answers, yet %v", err)
	}
}

// Silence is bounded by time: an outage longer than all counted attempts is survived.
func TestOutage(t *testing.T) {
	c := newCluster(t)
	var up atomic.Bool
	c.onFE = func(w http.ResponseWriter, r *http.Request) bool {
		down := !up.Load()
		if down {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				conn.Close()
			}
		}
		return down
	}
	s, _ := sender(t, 1, c.frontend)
	s.cfg.Unreachable = time.Hour
	n := 0
	s.sleep = func(ctx context.Context, _ time.Duration) error {
		if n++; n == 9 {
			up.Store(true)
		}
		return ctx.Err()
	}
	landed, err := s.Send(t.Context(), rows3())
	if err != nil || landed.Attempts != 10 {
		t.Errorf("%+v, %v", landed, err)
	}
}

// The frontend names a backend that does not answer: next time it is asked until it names another one.
func TestDeadBackendIsAvoided(t *testing.T) {
	c := newCluster(t)
	alive, dead := c.backend, closedPort(t)
	var n atomic.Int32
	c.onFE = func(w http.ResponseWriter, r *http.Request) bool {
		to := dead
		if n.Add(1) == 4 {
			to = alive
		}
		w.Header().Set("Location", "http://"+to+r.URL.RequestURI())
		w.WriteHeader(http.StatusTemporaryRedirect)
		return true
	}
	s, _ := sender(t, 1, c.frontend)
	s.cfg.Unreachable = time.Hour
	landed, err := s.Send(t.Context(), rows3())
	if err != nil || landed.Attempts != 2 || n.Load() != 4 {
		t.Errorf("%+v, %v after %d questions", landed, err, n.Load())
	}
}

// Behind a proxy, the proxy is what is connected to, by whatever name; redirects are judged as ever.
func TestProxy(t *testing.T) {
	proxy := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host == "10.1.1.1:8030" {
			w.Header().Set("Location", "http://10.0.0.5:8040"+r.URL.Path)
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Host != "10.0.0.5:8040" {
			t.Errorf("asked for %s", r.URL)
		}
		fmt.Fprint(w, ok3)
	})
	_, port, _ := net.SplitHostPort(proxy)
	s, _ := sender(t, 0, "10.1.1.1:8030")
	s.cfg.Hosts.proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://localhost:" + port) }
	if err := s.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := s.Send(t.Context(), rows3()); err != nil {
		t.Error(err)
	}
	s.cfg.Hosts.Name([]string{"10.0.0.6:8040"})
	if _, err := s.Send(t.Context(), rows3()); code(err) != protocol.Refused {
		t.Errorf("got %v", err)
	}
}
