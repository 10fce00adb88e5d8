package streamload

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	"pgregory.net/rapid"
)

func lines(text string) *Load {
	return &Load{Database: "d", Table: "t", Label: "unused", Header: http.Header{"format": {"csv"}, "timeout": {"600"}},
		Body: &pieces{chunks: strings.SplitAfter(text, "\n")}, Rows: int64(strings.Count(text, "\n"))}
}

// From begin to commit by way of a follower: each operation carries label, table, password and times, rows are sent once, to
// the backend, and nothing is visible before commit.
func TestTransaction(t *testing.T) {
	l := newLedger(t)
	s, _ := sender(t, 0, l.follower)
	x := txn("t-1")
	if err := s.Begin(t.Context(), x); err != nil || !x.Open() {
		t.Fatal(err, x)
	}
	for _, text := range []string{"1,a\n2,b\n", "3,c\n"} {
		if err := s.Append(t.Context(), x, lines(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Prepare(t.Context(), x, 3, false); err != nil {
		t.Fatal(err)
	}
	if l.now() != "PREPARED" || l.body != "1,a\n2,b\n3,c\n" {
		t.Errorf("state %s, body %q", l.now(), l.body)
	}
	for range 2 { // the second finds it done
		if err := s.Commit(t.Context(), x); err != nil || l.now() != "VISIBLE" {
			t.Fatal(err, l.now())
		}
	}
	want := "follower begin, fe begin, be begin, be load, be load, follower prepare, fe prepare, be prepare, " +
		"follower get_load_state, fe get_load_state, follower commit, fe commit, follower get_load_state, fe get_load_state"
	if got := l.did(); got != want {
		t.Errorf("asked\n%s\nwant\n%s", got, want)
	}
	for _, r := range l.seen {
		if strings.HasSuffix(r.URL.Path, "get_load_state") {
			continue
		}
		if h := r.Header; h.Get("label") != "job_t-1-t" || h.Get("db") != "d" || h.Get("table") != "t" || h.Get("timeout") == "" {
			t.Errorf("%s: %v", r.URL.Path, h)
		}
		for op, header := range map[string]string{"begin": "idle_transaction_timeout: 3600", "prepare": "prepared_timeout: 86400", "load": "timeout: 86400"} {
			name, value, _ := strings.Cut(header, ": ")
			if strings.HasSuffix(r.URL.Path, op) && r.Header.Get(name) != value {
				t.Errorf("%s has %s %q, want %s", op, name, r.Header.Get(name), value)
			}
		}
	}
}

// Redirects of the transaction interface lead only where the cluster or the job says.
func TestTransactionGoesToNoStranger(t *testing.T) {
	l := newLedger(t)
	stranger := serve(t, "127.0.0.3:0", func(http.ResponseWriter, *http.Request) { t.Error("the stranger was asked") })
	l.on = func(what string, w http.ResponseWriter, r *http.Request) bool {
		if what == "fe begin" {
			redirect(w, r, stranger)
			return true
		}
		return false
	}
	s, _ := sender(t, 3, l.leader)
	s.cfg.Hosts.Name([]string{l.leader, l.backend})
	if err := s.Begin(t.Context(), txn("t-1")); code(err) != protocol.Refused || !strings.Contains(err.Error(), "no password was sent") {
		t.Errorf("got %v", err)
	}
}

// A frontend that begins by itself sends the rows of each load on to the backend, and gets none of them.
func TestLoadIsRedirected(t *testing.T) {
	l := newLedger(t)
	l.on = func(what string, w http.ResponseWriter, r *http.Request) bool {
		if what != "fe begin" {
			return false
		}
		l.is("PREPARE")
		fmt.Fprint(w, `{"TxnId":7,"Status":"OK","Message":""}`)
		return true
	}
	s, _ := sender(t, 0, l.leader)
	x := txn("t-1")
	body := lines("1,a\n2,b\n")
	if err := errors.Join(s.Begin(t.Context(), x), s.Append(t.Context(), x, body), s.Append(t.Context(), x, lines("3,c\n"))); err != nil {
		t.Fatal(err)
	}
	if p := body.Body.(*pieces); l.body != "1,a\n2,b\n3,c\n" || p.opened != 2 || p.read != 3 { // an empty piece ends the text
		t.Errorf("body %q, opened %d times, %d pieces read", l.body, p.opened, p.read)
	}
	// To a stranger nothing goes, and the transaction is given up.
	stranger := serve(t, "127.0.0.3:0", func(http.ResponseWriter, *http.Request) { t.Error("the stranger was asked") })
	s.cfg.Hosts.Name([]string{l.leader, l.backend})
	l.on = func(what string, w http.ResponseWriter, r *http.Request) bool {
		if what == "fe load" {
			redirect(w, r, stranger)
		}
		return what == "fe load"
	}
	if err := s.Append(t.Context(), x, lines("4,d\n")); code(err) != protocol.Refused || !strings.Contains(err.Error(), "no password was sent") || l.now() != "ABORTED" {
		t.Errorf("%v, state %s", err, l.now())
	}
}

// An answer to begin that is lost: the label is ours, it is undone and begun again, with nothing in it.
func TestBeginLost(t *testing.T) {
	for _, what := range []string{"be begin", "fe begin"} {
		l := newLedger(t)
		l.lost(what)
		s, _ := sender(t, 2, l.leader)
		x := txn("t-1")
		if err := s.Begin(t.Context(), x); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if err := s.Append(t.Context(), x, lines("1,a\n")); err != nil || l.now() != "PREPARE" {
			t.Errorf("%s: %v, %s", what, err, l.now())
		}
	}
	l := newLedger(t)
	l.is("PREPARE")
	s, _ := sender(t, 2, l.leader)
	if err := s.Begin(t.Context(), txn("t-1")); code(err) != protocol.Refused || !strings.Contains(err.Error(), "taken") || l.now() != "PREPARE" {
		t.Errorf("another's label: %v, state %s", err, l.now())
	}
}

// What begin is told decides whether it tries again.
func TestBeginRefused(t *testing.T) {
	for message, want := range map[string]protocol.Code{
		`{"Status":"ANALYSIS_ERROR","Message":"current running txns on db d is 1000, larger than limit 1000"}`:  "",
		`{"Status":"FAILED","Message":"class com.starrocks.common.DdlException: No backend alive."}`:            "",
		`{"Status":"FAILED","Message":"class com.starrocks.common.DdlException: current fe is not master"}`:     "",
		`{"Status":"ANALYSIS_ERROR","Message":"unknown table \"d.t\""}`:                                         protocol.NotFound,
		`{"Status":"NOT_AUTHORIZED","Message":"Access denied for root@127.0.0.1"}`:                              protocol.Denied,
		`{"Status":"INVALID_ARGUMENT","Message":"Invalid timeout format"}`:                                      protocol.Config,
		`{"Status":"ANALYSIS_ERROR","Message":"Database[d] data size exceeds quota[100.000 GB]"}`:               protocol.Refused,
		`{"Status":"FAILED","msg":"something that no release says","message":"something that no release says"}`: "",
	} {
		l := newLedger(t)
		n := 0
		l.on = func(what string, w http.ResponseWriter, _ *http.Request) bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			if what != "fe begin" || n > 0 {
				return false
			}
			n++
			fmt.Fprint(w, message)
			return true
		}
		s, pauses := sender(t, 1, l.leader)
		err := s.Begin(t.Context(), txn("t-1"))
		if code(err) != want || (want == "") != (err == nil) || len(*pauses) > 1 {
			t.Errorf("%s: %v after %d pauses, want code %q", message, err, len(*pauses), want)
		}
	}
}

// While another operation on the label is running the same operation is asked for again; nothing is doubled.
func TestInProcessing(t *testing.T) {
	l := newLedger(t)
	busy := map[string]int{"be load": 3, "be prepare": 2, "fe commit": 2, "be rollback": 2}
	l.on = func(what string, w http.ResponseWriter, r *http.Request) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		if busy[what] == 0 {
			return false
		}
		busy[what]--
		fmt.Fprint(w, `{"Status":"TXN_IN_PROCESSING","Message":"Transaction in processing, please retry later"}`)
		return true
	}
	s, pauses := sender(t, 5, l.leader)
	x := txn("t-1")
	if err := errors.Join(s.Begin(t.Context(), x), s.Append(t.Context(), x, lines("1,a\n")), s.Prepare(t.Context(), x, 1, false), s.Commit(t.Context(), x)); err != nil {
		t.Fatal(err)
	}
	if l.now() != "VISIBLE" || l.body != "1,a\n" || len(*pauses) != 7 {
		t.Errorf("state %s, body %q, pauses %v", l.now(), l.body, *pauses)
	}
	for _, p := range *pauses {
		if p < 50*time.Millisecond || p > 500*time.Millisecond {
			t.Errorf("a pause of %v", p)
		}
	}
}

// A load whose answer is lost may be in the transaction or not: it is never sent again, and the transaction is rolled back.
func TestLoadLost(t *testing.T) {
	l := newLedger(t)
	s, _ := sender(t, 5, l.leader)
	x := txn("t-1")
	if err := errors.Join(s.Begin(t.Context(), x), s.Append(t.Context(), x, lines("1,a\n"))); err != nil {
		t.Fatal(err)
	}
	l.lost("be load")
	err := s.Append(t.Context(), x, lines("2,b\n"))
	if code(err) != protocol.Refused || !strings.Contains(err.Error(), "must not be sent twice") || !strings.Contains(err.Error(), "rolled back") {
		t.Errorf("got %v", err)
	}
	if l.now() != "ABORTED" || x.Open() || strings.Count(l.did(), "be load") != 2 {
		t.Errorf("state %s, asked %s", l.now(), l.did())
	}
}

// A backend that restarts has lost the rows; its transaction is ended at the frontend, so that it holds no slot.
func TestBackendRestart(t *testing.T) {
	l := newLedger(t)
	s, _ := sender(t, 2, l.leader)
	x := txn("t-1")
	if err := s.Begin(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	l.on = func(what string, w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(what, "be ") {
			return false
		}
		fmt.Fprint(w, `{"Status":"TXN_NOT_EXISTS","Message":"Transaction with label x not exists"}`)
		return true
	}
	if err := s.Append(t.Context(), x, lines("1,a\n")); code(err) != protocol.Refused || !strings.Contains(err.Error(), "TXN_NOT_EXISTS") {
		t.Errorf("got %v", err)
	}
	if l.now() != "ABORTED" || !strings.Contains(l.did(), "fe _cancel") {
		t.Errorf("state %s, asked %s", l.now(), l.did())
	}
}

// A backend that is not reached has taken nothing: the load waits for it.
func TestLoadWaitsForTheBackend(t *testing.T) {
	l := newLedger(t)
	s, _ := sender(t, 1, l.leader)
	s.cfg.Unreachable = time.Hour
	x := txn("t-1")
	if err := s.Begin(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	up, down := x.backend.Host, closedPort(t)
	x.backend.Host = down
	n := 0
	s.sleep = func(ctx context.Context, _ time.Duration) error {
		if n++; n == 3 { // it comes back
			x.backend.Host = up
		}
		return ctx.Err()
	}
	if err := s.Append(t.Context(), x, lines("1,a\n")); err != nil || l.body != "1,a\n" || n != 3 {
		t.Errorf("%v after %d pauses, body %q", err, n, l.body)
	}
	x.backend.Host = down
	s.cfg.Unreachable = time.Nanosecond
	if err := s.Append(t.Context(), x, lines("2,b\n")); code(err) != protocol.Unreachable || l.now() != "ABORTED" || l.body != "1,a\n" {
		t.Errorf("got %v, state %s, body %q", err, l.now(), l.body)
	}
}

func TestTransactionsProbe(t *testing.T) {
	for answer, want := range map[string]string{
		`{"Status":"FAILED","Message":"class com.starrocks.common.UserException: No database selected."}`: "",
		`{"status":"FAILED","msg":"Not implemented"}`:                                                     "2.4",
		`{"Status":"INVALID_ARGUMENT","Message":"empty label"}`:                                           "names a backend",
		`<html>`:                       "2.4",
		`{"Status":"OK","Message":""}`: "something else",
	} {
		l := newLedger(t)
		l.on = func(_ string, w http.ResponseWriter, r *http.Request) bool { fmt.Fprint(w, answer); return true }
		s, _ := sender(t, 0, l.leader)
		got, err := s.Transactions(t.Context())
		if err != nil || (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, %v", answer, got, err)
		}
		if l.did() != "fe begin" || l.seen[0].Header.Get("db") != "" {
			t.Errorf("asked %s", l.did())
		}
	}
	s, _ := sender(t, 0, closedPort(t))
	if _, err := s.Transactions(t.Context()); err == nil {
		t.Error("nobody answers, and no error")
	}
}

// Whatever prefix and name hold: StarRocks takes the label, another name or prefix has another one, and no load of any run has it.
func TestTransactionLabels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.OneOf(rapid.String(), rapid.StringMatching(`[-\w.]{0,200}`), rapid.SampledFrom([]string{"", "gx", "a_b", "a-b", "a_b-c"}))
		name := rapid.OneOf(rapid.StringMatching(`[-a-z0-9]{1,64}`), rapid.SampledFrom([]string{"b-c", "c", "b", "1", "0-1"}))
		p1, p2, n1, n2 := prefix.Draw(t, "p1"), prefix.Draw(t, "p2"), name.Draw(t, "n1"), name.Draw(t, "n2")
		a, b := TransactionLabel(p1, n1), TransactionLabel(p2, n2)
		if !labelForm.MatchString(a) || !labelForm.MatchString(EmptyLabel(a)) {
			t.Fatalf("%s is no label", a)
		}
		same := n1 == n2 && (p1 == p2 || (p1 == "" && p2 == "gx") || (p1 == "gx" && p2 == ""))
		if (a == b) != same || EmptyLabel(a) == b || EmptyLabel(a) == a {
			t.Fatalf("%q, %q and %q, %q: %s and %s", p1, n1, p2, n2, a, b)
		}
		if plain := NewLabels(p2, n2, 0).Next(); plain == a || Part(plain, 1) == a || plain == EmptyLabel(a) {
			t.Fatalf("a load has the label %s of a transaction", a)
		}
	})
}
