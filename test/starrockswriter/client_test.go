package starrockswriter

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/starrocks/streamload"
	"github.com/gx-etl/gx/test/sandbox"
	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/load"
	"github.com/gx-etl/gx/test/sandbox/release"
)

func code(err error) protocol.Code {
	if f := protocol.AsFault(err); f != nil {
		return f.Code
	}
	return ""
}

// filled begins a transaction and loads rows into it.
func filled(t *testing.T, c *streamload.Sender, name string, bodies ...string) (x *streamload.Transaction, rows int64) {
	t.Helper()
	x = transaction(name)
	if err := c.Begin(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	for _, b := range bodies {
		l := csv(b)
		rows += l.Rows
		if err := c.Append(t.Context(), x, l); err != nil {
			t.Fatal(err)
		}
	}
	return x, rows
}

func visible(t *testing.T, s *sandbox.Sandbox) string {
	t.Helper()
	var out []string
	for _, r := range s.Rows(t, "SELECT k, v, n FROM d.t ORDER BY k, v") {
		out = append(out, strings.Join(r, "|"))
	}
	return strings.Join(out, " ")
}

func state(t *testing.T, c *streamload.Sender, x *streamload.Transaction) string {
	t.Helper()
	st, _, err := c.LoadState(t.Context(), "d", x.Label)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// Cases 34, 43 and 48: begin, two loads, prepare, commit by way of a follower; nothing is visible before commit, and each
// step may be repeated.
func TestClientCommits(t *testing.T) {
	eachRelease(t, func(t *testing.T, r release.Release) {
		s := sandbox.New(t, sandbox.Options{Init: table, Version: r.Line(), Followers: 1, Backends: 3})
		c := client(t, s, s.FollowerAddrs()[0])
		x, rows := filled(t, c, "t-1", "1,a,5\n2,b,6\n", "3,c,7\n")
		if got := state(t, c, x); got != "PREPARE" || visible(t, s) != "" {
			t.Errorf("state %s, visible %q", got, visible(t, s))
		}
		for range 2 {
			if err := c.Prepare(t.Context(), x, rows, false); err != nil {
				t.Fatal(err)
			}
		}
		if got := state(t, c, x); got != "PREPARED" || visible(t, s) != "" {
			t.Errorf("state %s, visible %q", got, visible(t, s))
		}
		for range 2 {
			if err := c.Commit(t.Context(), x); err != nil {
				t.Fatal(err)
			}
		}
		if got := visible(t, s); got != "1|a|5 2|b|6 3|c|7" {
			t.Errorf("visible %q", got)
		}
		if err := c.Rollback(t.Context(), x); code(err) != protocol.Refused {
			t.Errorf("rollback of what is committed: %v", err)
		}
		again := transaction("t-1")
		if err := c.Begin(t.Context(), again); code(err) != protocol.Refused || !strings.Contains(err.Error(), "taken") {
			t.Errorf("a label that is finished: %v", err)
		}
	})
}

// Case 45: other headers in a later load. Whatever the server says, nothing of the transaction stays.
func TestClientOtherHeaders(t *testing.T) {
	s := sandbox.New(t, sandbox.Options{Init: table})
	c := client(t, s)
	x, _ := filled(t, c, "t-1", "1,a,5\n")
	err := c.Append(t.Context(), x, csv("2,6\n", "columns: k,n"))
	if code(err) != protocol.Refused || !strings.Contains(err.Error(), "load request not equal last") {
		t.Errorf("got %v", err)
	}
	if got := state(t, c, x); got != "ABORTED" || visible(t, s) != "" {
		t.Errorf("state %s, visible %q", got, visible(t, s))
	}
}

// Case 46: while a load is running, prepare waits for it.
func TestClientWaits(t *testing.T) {
	s := sandbox.New(t, sandbox.Options{Init: table})
	c := client(t, s)
	x, rows := filled(t, c, "t-1", "1,a,5\n")
	s.Arm(fault.Fault{Kind: "txnInProcessing", Op: fault.Prepare, Times: 3})
	s.Arm(fault.Fault{Kind: "txnInProcessing", Op: fault.Load, Times: 2})
	l := csv("2,b,6\n")
	if err := errors.Join(c.Append(t.Context(), x, l), c.Prepare(t.Context(), x, rows+l.Rows, false), c.Commit(t.Context(), x)); err != nil {
		t.Fatal(err)
	}
	if got := visible(t, s); got != "1|a|5 2|b|6" {
		t.Errorf("visible %q", got)
	}
}

// Case 47: bad rows are told at prepare, with the server's reason, and the transaction is gone.
func TestClientBadRows(t *testing.T) {
	eachRelease(t, func(t *testing.T, r release.Release) {
		s := sandbox.New(t, sandbox.Options{Init: table, Version: r.Line()})
		c := client(t, s)
		x, rows := filled(t, c, "t-1", "1,a,5\n", "x,b,6\n")
		var refused *streamload.RowsRefused
		err := c.Prepare(t.Context(), x, rows, false)
		if !errors.As(err, &refused) || !strings.Contains(refused.Reason, "non-nullable column") {
			t.Errorf("got %v", err)
		}
		if got := state(t, c, x); got != "ABORTED" || visible(t, s) != "" {
			t.Errorf("state %s, visible %q", got, visible(t, s))
		}
	})
}

// Case 49: a process that is gone after prepare; another one finds the label, and commits it or throws it away.
func TestClientComesBack(t *testing.T) {
	eachRelease(t, func(t *testing.T, r release.Release) {
		s := sandbox.New(t, sandbox.Options{Init: table, Version: r.Line(), Backends: 2})
		first := client(t, s)
		for name, row := range map[string]string{"kept": "1,a,5\n", "left": "2,b,6\n"} {
			x, rows := filled(t, first, name, row)
			if err := first.Prepare(t.Context(), x, rows, false); err != nil {
				t.Fatal(err)
			}
		}
		filled(t, first, "open", "3,c,7\n")
		second := client(t, s)
		if got := state(t, second, transaction("kept")); got != "PREPARED" {
			t.Errorf("state %s", got)
		}
		if err := errors.Join(second.Commit(t.Context(), transaction("kept")), second.Rollback(t.Context(), transaction("left")),
			second.Rollback(t.Context(), transaction("open")), second.Rollback(t.Context(), transaction("never"))); err != nil {
			t.Error(err)
		}
		if err := second.Commit(t.Context(), transaction("left")); code(err) != protocol.Refused {
			t.Errorf("commit of what is thrown away: %v", err)
		}
		if got := visible(t, s); got != "1|a|5" {
			t.Errorf("visible %q", got)
		}
	})
}

// Case 50: a backend that restarts has lost what was not prepared and not what was; a transaction that nobody goes on with is
// thrown away.
func TestClientLosesItsBackend(t *testing.T) {
	s := sandbox.New(t, sandbox.Options{Init: table})
	c := client(t, s)
	kept, rows := filled(t, c, "kept", "1,a,5\n")
	if err := c.Prepare(t.Context(), kept, rows, false); err != nil {
		t.Fatal(err)
	}
	lost, _ := filled(t, c, "lost", "2,b,6\n")
	unprepared, n := filled(t, c, "unprepared", "3,c,7\n")
	if err := s.Load.RestartBackend(0); err != nil {
		t.Fatal(err)
	}
	if err := c.Append(t.Context(), lost, csv("4,d,8\n")); code(err) != protocol.Refused || !strings.Contains(err.Error(), "rolled back") {
		t.Errorf("got %v", err)
	}
	if err := c.Prepare(t.Context(), unprepared, n, false); code(err) != protocol.Refused || !strings.Contains(err.Error(), "lost") {
		t.Errorf("got %v", err)
	}
	for _, x := range []*streamload.Transaction{lost, unprepared} {
		if got := state(t, c, x); got != "ABORTED" {
			t.Errorf("%s is %s", x.Label, got)
		}
	}
	if err := c.Commit(t.Context(), kept); err != nil || visible(t, s) != "1|a|5" {
		t.Errorf("%v, visible %q", err, visible(t, s))
	}

	idle, n := filled(t, c, "idle", "5,e,9\n")
	s.Clock().Jump(2 * time.Minute)
	until(t, "the abort", func() bool { return state(t, c, idle) == "ABORTED" })
	if err := c.Prepare(t.Context(), idle, n, false); code(err) != protocol.Refused {
		t.Errorf("got %v", err)
	}
	if got := visible(t, s); got != "1|a|5" {
		t.Errorf("visible %q", got)
	}
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s does not come", what)
		}
	}
}

// A prepared transaction waits as long as it was told, where the release knows that, and is committed as long as it waits.
func TestPreparedTimeout(t *testing.T) {
	s := sandbox.New(t, sandbox.Options{Init: table, Limits: load.Limits{PreparedTimeout: time.Minute}})
	c := client(t, s)
	x, rows := filled(t, c, "t-1", "1,a,5\n")
	late, n := filled(t, c, "t-2", "2,b,6\n")
	if err := errors.Join(c.Prepare(t.Context(), x, rows, false), c.Prepare(t.Context(), late, n, false)); err != nil {
		t.Fatal(err)
	}
	s.Clock().Jump(50 * time.Minute)
	s.Load.Sweep()
	if err := c.Commit(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	s.Clock().Jump(20 * time.Minute)
	until(t, "the abort", func() bool { return state(t, c, late) == "ABORTED" })
	if err := c.Commit(t.Context(), late); code(err) != protocol.Refused || !strings.Contains(err.Error(), "aborted") {
		t.Errorf("got %v", err)
	}
	if got := visible(t, s); got != "1|a|5" {
		t.Errorf("visible %q", got)
	}
}

// A label that StarRocks has forgotten is in doubt, though its rows are there: nothing is done without evidence.
func TestForgottenLabel(t *testing.T) {
	s := sandbox.New(t, sandbox.Options{Init: table})
	c := client(t, s)
	x, rows := filled(t, c, "t-1", "1,a,5\n")
	if err := errors.Join(c.Prepare(t.Context(), x, rows, false), c.Commit(t.Context(), x)); err != nil {
		t.Fatal(err)
	}
	if !s.Load.Ledger().Forget("d", x.Label) {
		t.Fatal("the label was not there")
	}
	if err := c.Commit(t.Context(), x); code(err) != protocol.InDoubt {
		t.Errorf("got %v", err)
	}
	if got := visible(t, s); got != "1|a|5" {
		t.Errorf("visible %q", got)
	}
}

// The leader moves in the middle of everything: what is prepared stays, and what was not is told.
func TestLeaderMoves(t *testing.T) {
	s := sandbox.New(t, sandbox.Options{Init: table, Followers: 1, Backends: 2})
	c := client(t, s, s.FEAddr(), s.FollowerAddrs()[0])
	x, rows := filled(t, c, "t-1", "1,a,5\n")
	if err := c.Prepare(t.Context(), x, rows, false); err != nil {
		t.Fatal(err)
	}
	y, n := filled(t, c, "t-2", "2,b,6\n")
	if err := s.Load.MoveLeader(1); err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	want := "1|a|5"
	if err := c.Prepare(t.Context(), y, n, false); err == nil {
		want += " 2|b|6"
		if err := c.Commit(t.Context(), y); err != nil {
			t.Fatal(err)
		}
	} else if code(err) != protocol.Refused {
		t.Errorf("got %v", err)
	}
	if got := visible(t, s); got != want {
		t.Errorf("visible %q, want %q", got, want)
	}
}

// Transactions side by side are more than a database takes: those that have to wait begin when others have ended.
func TestRunningLimit(t *testing.T) {
	s := sandbox.New(t, sandbox.Options{Init: table, Limits: load.Limits{MaxRunningTxn: 1}})
	c := client(t, s)
	x, rows := filled(t, c, "t-1", "1,a,5\n")
	var ended atomic.Bool
	go func() {
		defer ended.Store(true)
		other := client(t, s)
		y := transaction("t-1")
		if err := errors.Join(c.Prepare(t.Context(), x, rows, false), other.Commit(t.Context(), y)); err != nil {
			t.Error(err)
		}
	}()
	z, n := filled(t, client(t, s), "t-2", "2,b,6\n")
	if err := errors.Join(c.Prepare(t.Context(), z, n, false), c.Commit(t.Context(), z)); err != nil {
		t.Fatal(err)
	}
	until(t, "the end of the first", ended.Load)
	if got := visible(t, s); got != "1|a|5 2|b|6" {
		t.Errorf("visible %q", got)
	}
}

// What is undone holds no place among the running transactions.
func TestUndo(t *testing.T) {
	s := sandbox.New(t, sandbox.Options{Init: table})
	c := client(t, s)
	x, _ := filled(t, c, "t-1", "1,a,5\n")
	c.Undo(t.Context(), x)
	if x.Open() {
		t.Error("it is open")
	}
	for _, l := range s.Load.Loads() {
		if l.State != ledger.Aborted {
			t.Errorf("%s is %s", l.Label, l.State)
		}
	}
}
