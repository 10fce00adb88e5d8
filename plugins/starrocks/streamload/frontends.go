package streamload

import (
	"strings"
	"sync"
	"time"
)

// frontends takes turns among the configured servers and leaves alone, for a while, those that did not answer.
type frontends struct {
	mu   sync.Mutex // guards the following
	list []frontend
	turn int
}

type frontend struct {
	Endpoint
	deadUntil time.Time
	trouble   string
	backend   bool // it loads by itself: loadUrl names a backend
}

// ring gives servers in turn.
type ring struct {
	mu   sync.Mutex // guards the following
	list []Endpoint
	turn int
}

// next is the next server that is not to be avoided; when all are, the next.
func (r *ring) next(avoid func(addr string) bool) Endpoint {
	r.mu.Lock()
	defer r.mu.Unlock()
	for range r.list {
		e := r.list[r.turn%len(r.list)]
		if r.turn++; !avoid(e.Addr()) {
			return e
		}
	}
	e := r.list[r.turn%len(r.list)]
	r.turn++
	return e
}

// deadFor is how long a frontend that did not answer is skipped while others do.
const deadFor = 30 * time.Second

func newFrontends(endpoints []Endpoint) *frontends {
	f := &frontends{}
	for _, e := range endpoints {
		f.list = append(f.list, frontend{Endpoint: e})
	}
	return f
}

// round is the order in which to try: the living from the one whose turn it is, then the dead.
func (f *frontends) round() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	var alive, dead []int
	for i := range f.list {
		at := (f.turn + i) % len(f.list)
		if f.list[at].deadUntil.After(now) {
			dead = append(dead, at)
		} else {
			alive = append(alive, at)
		}
	}
	f.turn++
	return append(alive, dead...)
}

func (f *frontends) get(i int) frontend {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.list[i]
}

func (f *frontends) failed(i int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list[i].deadUntil = time.Now().Add(deadFor)
	f.list[i].trouble = clean(err.Error(), 200)
}

func (f *frontends) answered(i int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list[i].deadUntil, f.list[i].trouble = time.Time{}, ""
}

func (f *frontends) isBackend(i int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list[i].backend = true
}

// troubles says of each server why it does not answer.
func (f *frontends) troubles() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var parts []string
	for _, e := range f.list {
		trouble := e.trouble
		if trouble == "" {
			trouble = "no answer"
		}
		parts = append(parts, e.Addr()+" ("+trouble+")")
	}
	return strings.Join(parts, ", ")
}
