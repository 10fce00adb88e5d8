package load

import (
	"container/list"
	"sync"
	"time"
)

// affinity is an FE's memory of which BE a label began on. The least recently used
// label makes room, and labels not used for a while are dropped. The zero value is
// ready and safe for concurrent use.
type affinity struct {
	mu    sync.Mutex // guards the following
	order *list.List // of *bond, most recently used first
	bonds map[string]*list.Element
}

type bond struct {
	label   string
	backend *backend
	used    time.Time
}

func (a *affinity) get(label string, now time.Time, age time.Duration) *backend {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.bonds[label]
	if e == nil {
		return nil
	}
	b := e.Value.(*bond)
	if now.Sub(b.used) >= age {
		a.order.Remove(e)
		delete(a.bonds, label)
		return nil
	}
	b.used = now
	a.order.MoveToFront(e)
	return b.backend
}

func (a *affinity) put(label string, to *backend, now time.Time, capacity int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.bonds == nil {
		a.order, a.bonds = list.New(), map[string]*list.Element{}
	}
	if e := a.bonds[label]; e != nil {
		a.order.Remove(e)
	}
	a.bonds[label] = a.order.PushFront(&bond{label: label, backend: to, used: now})
	for a.order.Len() > capacity {
		last := a.order.Back()
		a.order.Remove(last)
		delete(a.bonds, last.Value.(*bond).label)
	}
}

func (a *affinity) clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.order, a.bonds = nil, nil
}
