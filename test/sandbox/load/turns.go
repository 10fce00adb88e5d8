package load

import (
	"cmp"
	"slices"
	"sync"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// turns let one transaction at a time become visible in each table: versions of a
// table are published in the order of their commits.
type turns struct {
	mu     sync.Mutex // guards tables
	tables map[int64]*turn
}

type turn struct {
	token chan struct{} // holds a value while somebody has the turn
	table int64
	users int // who has it or waits for it; guarded by the lock of the turns
}

// queue is a transaction's place in the turns of its tables.
type queue struct {
	all  *turns
	each []*turn
}

// of enters the tables of a transaction, which leaves them with pass. They are in the
// order of their numbers, so that two transactions never wait for each other.
func (ts *turns) of(w *work) *queue {
	var tables []*store.Table
	for _, p := range w.parts {
		tables = append(tables, p.table)
	}
	slices.SortFunc(tables, func(a, b *store.Table) int { return cmp.Compare(a.ID(), b.ID()) })
	q := &queue{all: ts}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.tables == nil {
		ts.tables = map[int64]*turn{}
	}
	for _, t := range slices.Compact(tables) {
		x := ts.tables[t.ID()]
		if x == nil {
			x = &turn{token: make(chan struct{}, 1), table: t.ID()}
			ts.tables[t.ID()] = x
		}
		x.users++
		q.each = append(q.each, x)
	}
	return q
}

// tryTake takes all turns if nobody has one of them.
func (q *queue) tryTake() bool {
	for i, t := range q.each {
		select {
		case t.token <- struct{}{}:
		default:
			for _, taken := range q.each[:i] {
				<-taken.token
			}
			return false
		}
	}
	return true
}

// take waits for all turns.
func (q *queue) take() {
	for _, t := range q.each {
		t.token <- struct{}{}
	}
}

// pass gives the turns to the next ones.
func (q *queue) pass() {
	for _, t := range q.each {
		<-t.token
	}
	q.all.mu.Lock()
	defer q.all.mu.Unlock()
	for _, t := range q.each {
		if t.users--; t.users == 0 {
			delete(q.all.tables, t.table)
		}
	}
}
