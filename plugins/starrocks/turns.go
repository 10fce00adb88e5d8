package starrocks

import (
	"slices"
	"sync"
)

// turns hands the closed loads of a lane to those that send them. Loads into one table go one after the other, in the order in
// which they were closed; loads into different tables go side by side.
type turns struct {
	most  int    // loads that are sent at once
	room  int    // loads that may wait for it
	begin func() // makes another sender, which calls next until it has nothing more to do

	mu      sync.Mutex // guards the following
	ready   *sync.Cond // something changed for next
	waiting []*load
	busy    map[tableName]bool // tables into which one is being sent
	senders int
	ended   bool
}

func newTurns(most, room int) *turns {
	t := &turns{most: most, room: room, busy: map[tableName]bool{}}
	t.ready = sync.NewCond(&t.mu)
	return t
}

// offer takes a load, unless it would have to wait and there is no more room.
func (t *turns) offer(ld *load) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	table := ld.target.name()
	now := len(t.busy) < t.most && !t.busy[table] && !slices.ContainsFunc(t.waiting, func(w *load) bool { return w.target.name() == table })
	if !now && len(t.waiting) >= t.room {
		return false
	}
	t.waiting = append(t.waiting, ld)
	t.rouse()
	return true
}

// rouse lets a sender know of a load that can go. The caller holds mu.
func (t *turns) rouse() {
	switch {
	case t.first() < 0:
	case t.senders > len(t.busy): // one waits, or will be back at once
		t.ready.Signal()
	default:
		t.senders++
		t.begin()
	}
}

// first is the first load that can go now; -1: none. The caller holds mu.
func (t *turns) first() int {
	if len(t.busy) >= t.most {
		return -1
	}
	return slices.IndexFunc(t.waiting, func(w *load) bool { return !t.busy[w.target.name()] })
}

// take gives the first load that can go; nil: none. The caller holds mu.
func (t *turns) take() *load {
	i := t.first()
	if i < 0 {
		return nil
	}
	ld := t.waiting[i]
	t.waiting = slices.Delete(t.waiting, i, i+1)
	t.busy[ld.target.name()] = true
	t.rouse()
	return ld
}

// next waits for a load; nil is the end.
func (t *turns) next() *load {
	t.mu.Lock()
	defer t.mu.Unlock()
	for !t.ended {
		if ld := t.take(); ld != nil {
			return ld
		}
		t.ready.Wait()
	}
	return nil
}

// sent ends the turn of a load, and gives the one that can go in its place, if there is one.
func (t *turns) sent(ld *load) *load {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.busy, ld.target.name())
	if t.ended {
		return nil
	}
	return t.take()
}

// end lets no more loads go, such as after one that failed for good: no later row may overtake its rows.
func (t *turns) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	t.ready.Broadcast()
}
