// Package sabotage stands between the servers of the stand-in and their clients,
// and shows what is armed: it refuses connections, slows and cuts bodies, answers in
// place of the server, and loses, bends or replaces the server's answers. The
// servers themselves know nothing of it, so that what they answer when nothing is
// armed is never touched.
package sabotage

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/journal"
)

// Saboteur shows the faults of one set.
type Saboteur struct {
	Faults *fault.Set
	// Closing ends everything that waits; nil means never.
	Closing <-chan struct{}
	// Journal takes note of what is asked for on the MySQL port; it may be nil.
	Journal *journal.Journal
}

// wait pauses, shorter when the client leaves or the servers close, and says
// whether it waited to the end.
func (s *Saboteur) wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-s.Closing:
	}
	return false
}

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// event reads from the headers what a request is about; nothing of the body is read.
func event(node fault.Node, r *http.Request) fault.Event {
	e := fault.Event{Node: node, Op: fault.Other, Label: r.Header.Get("label"), DB: r.Header.Get("db"), Table: r.Header.Get("table")}
	e.User, _, _ = r.BasicAuth()
	tail, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/")
	if !ok {
		return e
	}
	parts := strings.Split(tail, "/")
	for i, p := range parts {
		if plain, err := url.PathUnescape(p); err == nil {
			parts[i] = plain
		}
	}
	query := func() string { return r.URL.Query().Get("label") }
	switch last := parts[len(parts)-1]; {
	case len(parts) == 2 && parts[0] == "transaction":
		if op := fault.Op(last); transactionOps[op] {
			e.Op = op
		}
	case len(parts) == 3 && last == "_stream_load":
		e.Op, e.DB, e.Table = fault.StreamLoad, parts[0], parts[1]
	case len(parts) == 2 && last == "get_load_state":
		e.Op, e.DB, e.Label = fault.State, parts[0], query()
	case len(parts) == 3 && last == "_cancel":
		e.Op, e.DB, e.Label = fault.Cancel, parts[0], query()
		if e.Label == "" {
			e.Label = parts[1]
		} else {
			e.Table = parts[1]
		}
	case len(parts) == 3 && last == "_query_plan":
		e.Op, e.DB, e.Table = fault.QueryPlan, parts[0], parts[1]
	case len(parts) == 3 && last == "_stream_load_meta":
		e.Op, e.DB, e.Table = fault.Meta, parts[0], parts[1]
	case len(parts) == 1 && last == "_load_error_log":
		e.Op = fault.ErrorLog
	case len(parts) == 1 && last == "health":
		e.Op = fault.Health
	}
	return e
}

var transactionOps = map[fault.Op]bool{fault.Begin: true, fault.Load: true, fault.Prepare: true, fault.Commit: true, fault.Rollback: true, fault.List: true}

// drop cuts a connection, with RST when asked.
func drop(c net.Conn, reset bool) {
	if tcp, ok := c.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0) // without it the peer sees an ordinary end
	}
	_ = c.Close() // it is cut either way
}
