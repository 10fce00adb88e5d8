package load

import (
	"slices"
	"sync"
)

// turns let one transaction at a time become visible in each table: versions of a
// table are published in the order of their commits.
type turns struct {
	mu     sync.Mutex         // guards tables
	tables map[int64][]*queue // who waits for a table, by its number; the first one has the turn
}

// queue is a transaction's place in the turns of its tables.
type queue struct {
	all    *turns
	tables []int64
	ready  chan struct{} // closed when the transaction is first in all tables
}

// of lines a transaction up in all of its tables at once, so that two of them never
// wait for each other. It leaves them with pass.
func (ts *turns) of(w *work) *queue {
	q := &queue{all: ts, ready: make(chan struct{})}
	for _, p := range w.parts {
		if id := p.table.ID(); !slices.Contains(q.tables, id) {
			q.tables = append(q.tables, id)
		}
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.tables == nil {
		ts.tables = map[int64][]*queue{}
	}
	for _, t := range q.tables {
		ts.tables[t] = append(ts.tables[t], q)
	}
	ts.call(q)
	return q
}

// call tells a transaction that its turn has come, if it has. The lock is held.
func (ts *turns) call(q *queue) {
	for _, t := range q.tables {
		if ts.tables[t][0] != q {
			return
		}
	}
	close(q.ready)
}

// taken says whether the turn has come.
func (q *queue) taken() bool {
	select {
	case <-q.ready:
		return true
	default:
		return false
	}
}

// take waits for the turn.
func (q *queue) take() { <-q.ready }

// pass gives the turn, which has come, to the next ones.
func (q *queue) pass() {
	ts := q.all
	ts.mu.Lock()
	defer ts.mu.Unlock()
	var next []*queue
	for _, t := range q.tables {
		if ts.tables[t] = ts.tables[t][1:]; len(ts.tables[t]) == 0 {
			delete(ts.tables, t)
			continue
		}
		if first := ts.tables[t][0]; !slices.Contains(next, first) {
			next = append(next, first)
		}
	}
	for _, n := range next {
		ts.call(n)
	}
}
