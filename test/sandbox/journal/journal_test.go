package journal

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t *testing.T, j *Journal, h http.HandlerFunc) func(method, path, body string, auth bool) {
	t.Helper()
	srv := httptest.NewServer(j.Handler("be", "node:1", h))
	t.Cleanup(srv.Close)
	return func(method, path, body string, auth bool) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if auth {
			req.SetBasicAuth("bob", "secret-word")
		}
		req.Header.Set("Label", "l1")
		res, err := srv.Client().Do(req)
		if err != nil {
			return // cut on purpose
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
}

func TestHandlerRecords(t *testing.T) {
	var j Journal
	send := serve(t, &j, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut":
			panic(http.ErrAbortHandler)
		case "/half":
			buf := make([]byte, 4)
			_, _ = io.ReadFull(r.Body, buf)
		case "/all":
			_, _ = io.Copy(io.Discard, r.Body)
			if Of(r) == nil {
				t.Error("the handler does not find its entry")
			}
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "done")
	})
	send("PUT", "/all?x=1", "abc", true)
	j.Capture(true)
	send("PUT", "/all", "ab\xff", false)
	send("PUT", "/half", strings.Repeat("z", 100), true)
	send("POST", "/cut", "", false)
	got := j.List(true)
	if len(got) != 4 {
		t.Fatalf("%+v", got)
	}
	a, b, c, d := got[0], got[1], got[2], got[3]
	if a.BodyBytes != 3 || a.Body != "" || a.Answer != "" || a.Status != 202 || a.User != "bob" || a.Query != "x=1" || a.Server != "be" || a.Node != "node:1" ||
		a.Header.Get("Authorization") != "present" || a.Header.Get("Label") != "l1" || a.ID != 1 || a.ContentLength != 3 || a.Cut {
		t.Errorf("%+v", a)
	}
	if b.BodyBase64 != "YWL/" || b.Body != "" || b.Answer != "done" || b.Header.Get("Authorization") != "absent" {
		t.Errorf("%+v", b)
	}
	if c.BodyBytes != 4 || c.Body != "zzzz" {
		t.Errorf("%+v", c)
	}
	if !d.Cut || d.Status != 0 {
		t.Errorf("%+v", d)
	}
	for _, r := range j.List(false) {
		if r.Body+r.BodyBase64+r.Answer != "" {
			t.Errorf("bodies that nobody asked for: %+v", r)
		}
	}
	if newest := j.Newest(1, false); len(newest) != 1 || newest[0].ID != 4 {
		t.Errorf("%+v", newest)
	}
	if j.Clear(); len(j.List(false)) != 0 {
		t.Error("not empty after Clear")
	}
}

func TestKeepsTheNewestAndCutsLongBodies(t *testing.T) {
	var j Journal
	j.Capture(true)
	e := j.Add(Request{Server: "sql"})
	e.Received(make([]byte, keptBody+5))
	if r := j.List(true)[0]; !r.Truncated || len(r.Body) != keptBody || r.BodyBytes != keptBody+5 {
		t.Errorf("%d bytes kept of %d, truncated %v", len(r.Body), r.BodyBytes, r.Truncated)
	}
	for range 2 * keptRequests {
		j.Add(Request{})
	}
	list := j.List(false)
	if n := len(list); n < keptRequests || n > 2*keptRequests || list[n-1].ID != 2*keptRequests+1 {
		t.Errorf("%d kept, the last is %d", n, list[n-1].ID)
	}
}

// Bodies take no more than their room; of the oldest requests the rest stays.
func TestBodiesMakeRoom(t *testing.T) {
	var j Journal
	j.Capture(true)
	body := make([]byte, keptBody)
	const requests = keptBytes/keptBody + 20
	for range requests {
		j.Add(Request{}).Received(body)
	}
	if n := j.bytes.Load(); n > keptBytes+keptBody {
		t.Errorf("%d bytes are kept", n)
	}
	first, last := j.entries[0], j.entries[requests-1]
	first.Received(body)
	if r := first.request(true); len(r.Body) != 0 || !r.Truncated || r.BodyBytes != 2*keptBody {
		t.Errorf("%d of %d bytes, truncated: %v", len(r.Body), r.BodyBytes, r.Truncated)
	}
	if r := last.request(true); len(r.Body) != keptBody || r.Truncated {
		t.Errorf("the newest request has %d bytes", len(r.Body))
	}
	j.Clear()
	last.Received(body) // of a request still under way
	if n := j.bytes.Load(); n != 0 || len(j.List(true)) != 0 {
		t.Errorf("%d bytes after all were forgotten", n)
	}
}
