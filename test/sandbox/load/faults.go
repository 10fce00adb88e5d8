package load

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// The faults of requests and answers show around the handlers, in package sabotage;
// here are those that only a load itself can show, half-way.

// event is an operation that an FE handles, as faults see it.
func (f *frontend) event(op fault.Op, db, table, label, user string) fault.Event {
	return fault.Event{Node: fault.Node{Role: fault.FE, Index: f.index, Addr: f.node.Addr()}, Op: op, DB: db, Table: table, Label: label, User: user}
}

// event is an operation that a BE handles, as faults see it.
func (b *backend) event(op fault.Op, db, table, label, user string) fault.Event {
	return fault.Event{Node: fault.Node{Role: fault.BE, Index: b.index, Addr: b.node.Addr()}, Op: op, DB: db, Table: table, Label: label, User: user}
}

// event is the end of a transaction that the leader keeps.
func (t *task) event(tables ...string) fault.Event {
	e := t.s.frontends[t.s.leader.Load()].event(fault.Commit, t.db, "", t.label, "")
	e.Tables = tables
	return e
}

// event is the end of a window of merged loads.
func (m *merge) event(s *Server) fault.Event {
	return s.frontends[s.leader.Load()].event(fault.StreamLoad, m.tab.table.DB(), m.tab.table.Name(), m.label, "")
}

// delay waits at a point of the load when a fault says so.
func (s *Server) delay(ctx context.Context, at string, e fault.Event) {
	e.At = at
	if f := s.faults.Show(fault.DelayBE, e); f != nil {
		s.pause(ctx, time.Duration(f.Millis)*time.Millisecond)
	}
}

// decisionFaults is the place of the faults that make a load fail once its rows are
// read.
func (s *Server) decisionFaults(e fault.Event, tab *store.Table) error {
	if all := s.faults.ShowAll(fault.Decision, e); len(all) > 0 {
		f := all[0]
		host, _, err := net.SplitHostPort(e.Node.Addr)
		if err != nil {
			host = e.Node.Addr
		}
		return wording(strings.NewReplacer("{tablet}", strconv.FormatInt(tab.ID(), 10), "{host}", host).Replace(f.Message()))
	}
	if s.faults.Show(fault.DropBeforeCommit, e) != nil {
		return errDropped
	}
	return nil
}

// publishFault returns how long rows stay hidden after their commit, and how long
// the answer waits for them.
func (s *Server) publishFault(e fault.Event, wait time.Duration) (delay, waits time.Duration) {
	if f := s.faults.Show(fault.PublishTimeout, e); f != nil {
		return time.Duration(f.Millis) * time.Millisecond, 0
	}
	return 0, wait
}

// answerWriter notes whether the handler has taken the connection over.
type answerWriter struct {
	http.ResponseWriter
	hijacked bool
}

// Unwrap lets http.ResponseController reach the connection.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// unheard takes the bytes of a body that the request log has counted already.
func unheard([]byte) {}
