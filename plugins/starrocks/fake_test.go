package starrocks

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fakeCluster is a frontend on 127.0.0.1 and a backend on 127.0.0.2, with labels that work once.
type fakeCluster struct {
	t        tb
	frontend string // host:port
	backend  string

	mu     sync.Mutex // guards the following
	loads  []fakeLoad
	labels map[string]string
	// answer, when set, decides about a load; "" means the ordinary success.
	answer func(l fakeLoad) string
	// gate, when set, is read once before each answer.
	gate chan struct{}
	// logs are the error logs by their number.
	logs []string
	// flying are the loads that have come and are not answered, by path; crowds are the most there were at once, and path "" is
	// all of them.
	flying, crowds map[string]int
	// advertise, when set, is the backend that the frontend names.
	advertise string

	transactions map[string]*fakeTransaction // by label
	// oldRelease has no transactions.
	oldRelease bool
}

type fakeLoad struct {
	path   string
	label  string
	header http.Header
	body   []byte
	rows   int
	at     time.Time // when it had arrived
	host   string    // to which it was sent
}

func newFakeCluster(t tb) *fakeCluster {
	f := &fakeCluster{t: t, labels: map[string]string{}, flying: map[string]int{}, crowds: map[string]int{}}
	f.backend = f.serve("127.0.0.2:0", f.be)
	f.frontend = f.serve("127.0.0.1:0", f.fe)
	return f
}

func (f *fakeCluster) serve(addr string, h http.HandlerFunc) string {
	f.t.Helper()
	lis, err := net.Listen("tcp", addr)
	if err != nil {
		f.t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(lis) }()
	f.t.Cleanup(func() { srv.Close(); <-done })
	return lis.Addr().String()
}

func authorized(w http.ResponseWriter, r *http.Request) bool {
	if u, p, ok := r.BasicAuth(); !ok || u != "root" || p != "s3cret" {
		w.Header().Set("WWW-Authenticate", `Basic realm=""`)
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"status":"FAILED","code":"1","msg":"Access denied for root@127.0.0.1"}`)
		return false
	}
	return true
}

func (f *fakeCluster) fe(w http.ResponseWriter, r *http.Request) {
	if !authorized(w, r) {
		return
	}
	if strings.HasPrefix(r.URL.Path, "/api/transaction/") {
		f.feTransaction(w, r)
		return
	}
	if strings.HasSuffix(r.URL.Path, "/get_load_state") {
		f.mu.Lock()
		state := f.labels[r.URL.Query().Get("label")]
		f.mu.Unlock()
		if state == "" {
			state = "UNKNOWN"
		}
		fmt.Fprintf(w, `{"state":%q,"status":"OK","code":"0","msg":"Success"}`, state)
		return
	}
	if n, _ := io.Copy(io.Discard, r.Body); n != 0 {
		f.t.Errorf("the frontend was sent %d bytes of rows", n)
	}
	to := f.backend
	if f.advertise != "" {
		to = f.advertise
	}
	w.Header().Set("Location", "http://"+to+r.URL.RequestURI())
	w.WriteHeader(http.StatusTemporaryRedirect)
}

func (f *fakeCluster) be(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/_load_error_log" {
		if r.Header.Get("Authorization") != "" {
			f.t.Errorf("the password was sent for an error log")
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if n, err := strconv.Atoi(r.URL.Query().Get("file")); err == nil && n < len(f.logs) {
			fmt.Fprint(w, f.logs[n])
		}
		return
	}
	if !authorized(w, r) {
		return
	}
	if strings.HasPrefix(r.URL.Path, "/api/transaction/") {
		f.beTransaction(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	l := fakeLoad{path: r.URL.Path, label: r.Header.Get("label"), header: r.Header.Clone(), body: body, at: time.Now(), host: r.Host}
	l.rows = countRows(l)
	f.mu.Lock()
	gate := f.gate
	for _, path := range []string{"", l.path} {
		f.flying[path]++
		f.crowds[path] = max(f.crowds[path], f.flying[path])
	}
	f.mu.Unlock()
	gone := false
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
			gone = true
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flying[""]--
	f.flying[l.path]--
	if gone {
		return
	}
	text := ""
	if f.answer != nil {
		text = f.answer(l)
	}
	if text == "" {
		if f.labels[l.label] != "" {
			fmt.Fprintf(w, `{"TxnId":1,"Label":%q,"Status":"Label Already Exists","ExistingJobStatus":"FINISHED","Message":"Label [%s] has already been used."}`, l.label, l.label)
			return
		}
		f.labels[l.label] = "VISIBLE"
		text = success(l.label, l.rows, 0, 0)
	}
	f.loads = append(f.loads, l)
	fmt.Fprint(w, text)
}

func success(label string, loaded, filtered, unselected int) string {
	return fmt.Sprintf(`{"TxnId":7,"Label":%q,"Status":"Success","Message":"OK","NumberTotalRows":%d,"NumberLoadedRows":%d,"NumberFilteredRows":%d,"NumberUnselectedRows":%d}`,
		label, loaded+filtered+unselected, loaded, filtered, unselected)
}

func countRows(l fakeLoad) int {
	if l.header.Get("format") == "json" {
		var docs []json.RawMessage
		if l.header.Get("strip_outer_array") != "true" {
			return 1
		}
		if err := json.Unmarshal(l.body, &docs); err != nil {
			return -1
		}
		return len(docs)
	}
	delimiter := []byte{2}
	if h := l.header.Get("row_delimiter"); h == `\x0A` {
		delimiter = []byte{'\n'}
	}
	return strings.Count(string(l.body), string(delimiter))
}

func (f *fakeCluster) seen() []fakeLoad {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]fakeLoad(nil), f.loads...)
}
