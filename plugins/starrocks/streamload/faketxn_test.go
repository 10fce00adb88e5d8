package streamload

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// ledger is a cluster of a follower (127.0.1.1), a leader (127.0.0.1) and a backend (127.0.0.2) that keeps one transaction, and
// misbehaves where a test says so.
type ledger struct {
	t                         testing.TB
	follower, leader, backend string

	mu    sync.Mutex // guards the following
	log   []string   // server and operation, in their order
	seen  []*http.Request
	state string // of the label; "" is UNKNOWN
	body  string // of all loads
	rows  int
	// on decides about an operation at a server, "be load" for one; true: it has answered.
	on func(what string, w http.ResponseWriter, r *http.Request) bool
}

func newLedger(t testing.TB) *ledger {
	l := &ledger{t: t}
	l.backend = serve(t, "127.0.0.2:0", l.serveBE)
	l.leader = serve(t, "127.0.0.1:0", l.serveFE)
	l.follower = serve(t, "127.0.1.1:0", func(w http.ResponseWriter, r *http.Request) {
		if !l.note("follower", w, r) {
			redirect(w, r, l.leader)
		}
	})
	return l
}

func redirect(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Location", "http://"+to+r.URL.RequestURI())
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// note books an operation; true: it is answered.
func (l *ledger) note(server string, w http.ResponseWriter, r *http.Request) bool {
	what := server + " " + r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if _, pass, _ := r.BasicAuth(); pass != secret {
		l.t.Errorf("%s came without the password", what)
	}
	l.mu.Lock()
	l.log = append(l.log, what)
	l.seen = append(l.seen, r.Clone(r.Context()))
	on := l.on
	l.mu.Unlock()
	return on != nil && on(what, w, r)
}

func (l *ledger) is(state string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = state
}

func (l *ledger) now() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

func (l *ledger) serveFE(w http.ResponseWriter, r *http.Request) {
	if !l.note("fe", w, r) {
		l.frontend(w, r)
	}
}

func (l *ledger) frontend(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	op := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	ended := map[string]string{"commit": "VISIBLE", "rollback": "ABORTED"}[op]
	switch {
	case op == "get_load_state":
		state := l.state
		if state == "" {
			state = "UNKNOWN"
		}
		fmt.Fprintf(w, `{"state":%q,"reason":"because","status":"OK","code":"0","msg":"Success"}`, state)
	case op == "_cancel":
		l.state = "ABORTED"
		fmt.Fprint(w, `{"status":"OK","code":"0","msg":"Success"}`)
	case r.Header.Get("db") == "":
		fmt.Fprint(w, `{"Status":"FAILED","Message":"class com.starrocks.common.UserException: No database selected."}`)
	case l.state == "" && op != "begin":
		fmt.Fprint(w, `{"Status":"FAILED","Message":"class com.starrocks.common.UserException: No transaction found with db[d] and label[x]"}`)
	case ended != "" && l.state == ended:
		fmt.Fprint(w, `{"Status":"OK","Message":"Transaction 7 has already ended, label is x"}`)
	case ended != "" && l.state == "PREPARED":
		l.state = ended
		fmt.Fprint(w, `{"Status":"OK","Message":""}`)
	case ended != "" && l.state != "PREPARE":
		fmt.Fprintf(w, `{"Status":"FAILED","Message":"Can not %s %s transaction 7, label is x"}`, op, l.state)
	default:
		redirect(w, r, l.backend)
	}
}

func (l *ledger) serveBE(w http.ResponseWriter, r *http.Request) {
	if !l.note("be", w, r) {
		l.atBackend(w, r)
	}
}

func (l *ledger) atBackend(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	op := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	switch {
	case op == "begin" && (l.state == "" || l.state == "ABORTED"):
		l.state, l.body, l.rows = "PREPARE", "", 0
	case op == "begin":
		fmt.Fprint(w, `{"Status":"LABEL_ALREADY_EXISTS","Message":"","ExistingJobStatus":"RUNNING"}`)
		return
	case l.state != "PREPARE":
		fmt.Fprint(w, `{"Status":"TXN_NOT_EXISTS","Message":"Transaction with label x not exists"}`)
		return
	case op == "load":
		l.body += string(body)
		l.rows += strings.Count(string(body), "\n")
	case op == "prepare":
		l.state = "PREPARED"
		fmt.Fprintf(w, `{"TxnId":7,"Status":"OK","Message":"","NumberTotalRows":%d,"NumberLoadedRows":%d,"NumberFilteredRows":0,"NumberUnselectedRows":0}`, l.rows, l.rows)
		return
	case op == "rollback":
		l.state = "ABORTED"
	}
	fmt.Fprintf(w, `{"TxnId":7,"Label":%q,"Status":"OK","Message":""}`, r.Header.Get("label"))
}

// hangUp ends the connection without an answer.
func hangUp(w http.ResponseWriter) bool {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		conn.Close()
	}
	return true
}

// lost lets the operation happen and loses its answer, once.
func (l *ledger) lost(what string) {
	done := false
	l.on = func(now string, w http.ResponseWriter, r *http.Request) bool {
		l.mu.Lock()
		again := done || now != what
		done = done || now == what
		l.mu.Unlock()
		if again {
			return false
		}
		if strings.HasPrefix(now, "be") {
			l.atBackend(&deaf{header: http.Header{}}, r)
		} else {
			l.frontend(&deaf{header: http.Header{}}, r)
		}
		return hangUp(w)
	}
}

// deaf takes an answer that nobody hears.
type deaf struct{ header http.Header }

func (d *deaf) Header() http.Header         { return d.header }
func (d *deaf) Write(b []byte) (int, error) { return len(b), nil }
func (d *deaf) WriteHeader(int)             {}

func (l *ledger) did() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.log, ", ")
}

func txn(name string) *Transaction {
	return &Transaction{Database: "d", Table: "t", Label: TransactionLabel("job", name), Lifetime: 24 * time.Hour, Idle: time.Hour, Kept: 24 * time.Hour}
}
