package sandbox

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gx-etl/gx/test/sandbox/ledger"
)

// TB is what New needs of a *testing.T.
type TB interface {
	Helper()
	Context() context.Context
	Cleanup(f func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// New starts a sandbox for a test and closes it when the test ends. The test fails
// when it leaves transactions open (unless LeaveOpen allows that), and when a
// goroutine of the sandbox outlives it.
func New(t TB, o Options) *Sandbox {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatalf("sandbox: %v", err)
	}
	t.Cleanup(func() {
		t.Helper()
		for _, l := range s.Load.Loads() {
			if !o.LeaveOpen && (l.State == ledger.Prepare || l.State == ledger.Prepared) {
				t.Errorf("sandbox: transaction %d was left open: label %s of %s.%s is %s", l.TxnID, l.Label, l.Database, l.Table, l.State)
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("sandbox: %v", err)
		}
		if left := leftover(); left != "" {
			t.Errorf("sandbox: still running after Close:\n%s", left)
		}
	})
	return s
}

// Rows runs one query and returns its rows as text, NULL as "NULL". It ends the
// test when the query fails.
func (s *Sandbox) Rows(t TB, query string) [][]string {
	t.Helper()
	results, err := s.Query(t.Context(), query)
	if err != nil || len(results) != 1 {
		t.Fatalf("sandbox: %s: %d results, %v", query, len(results), err)
	}
	out := make([][]string, len(results[0].Rows))
	for i, row := range results[0].Rows {
		for _, cell := range row {
			text := "NULL"
			if cell != nil {
				text = *cell
			}
			out[i] = append(out[i], text)
		}
	}
	return out
}

// open counts the sandboxes of this process that are not closed.
var open atomic.Int32

// patience is how long goroutines that were told to end may take.
const patience = 5 * time.Second

// leftover returns the stacks of goroutines that packages of the sandbox have
// started. While another sandbox is open nobody can tell whose they are.
func leftover() string {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if open.Load() > 0 {
			return ""
		}
		buf := make([]byte, 1<<20)
		var left []string
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			_, by, _ := strings.Cut(g, "\ncreated by github.com/gx-etl/gx/test/sandbox")
			by, _, _ = strings.Cut(by, "\n")
			if by != "" && (by[0] == '/' || by[0] == '.') && !strings.Contains(by, ".Test") {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return ""
		}
		if time.Now().After(end) {
			return strings.Join(left, "\n\n")
		}
	}
}
