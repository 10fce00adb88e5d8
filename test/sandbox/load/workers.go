package load

import (
	"context"
	"slices"
	"sync"
)

// workers are the HTTP threads of a BE. A request has one while the BE works on it or
// waits for the FE; while a body trickles in, its thread serves others. When all have
// something to wait for - a slow publish, a window of merged loads - the next request
// waits too. (The real server is worse: a connection stays with the thread that has
// accepted it, though others may be idle.) The zero value is ready.
type workers struct {
	mu      sync.Mutex // guards the following
	busy    int
	waiting []chan struct{} // closed when its request has got a thread, oldest first
}

// take waits for a thread among limit and says whether it got one before ctx ended.
func (w *workers) take(ctx context.Context, limit int) bool {
	w.mu.Lock()
	if w.busy < limit && len(w.waiting) == 0 {
		w.busy++
		w.mu.Unlock()
		return true
	}
	mine := make(chan struct{})
	w.waiting = append(w.waiting, mine)
	w.mu.Unlock()
	select {
	case <-mine:
		return true
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.Index(w.waiting, mine); i >= 0 {
		w.waiting = slices.Delete(w.waiting, i, i+1)
		return false
	}
	return true // it came at the same moment
}

// give returns a thread.
func (w *workers) give(limit int) {
	w.mu.Lock()
	w.busy--
	w.mu.Unlock()
	w.serve(limit)
}

// force counts in a request that goes on without a thread, to its end.
func (w *workers) force() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy++
}

// serve gives the threads that are idle to those who wait.
func (w *workers) serve(limit int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.busy < limit && len(w.waiting) > 0 {
		w.busy++
		close(w.waiting[0])
		w.waiting = w.waiting[1:]
	}
}

// working runs f on a thread of the BE. It says false, without f, when the BE ends
// before there is one.
func (l *life) working(s *Server, f func()) bool {
	if !l.workers.take(l.ctx, s.Limits().HTTPWorkers) {
		return false
	}
	defer func() { l.workers.give(s.Limits().HTTPWorkers) }()
	f()
	return true
}

// resting runs f, which takes in a body, without the thread that the caller has, and
// returns its error, or errDropped when the BE ended before there was a thread again.
func (l *life) resting(s *Server, f func() error) error {
	l.workers.give(s.Limits().HTTPWorkers)
	err := f()
	if !l.workers.take(l.ctx, s.Limits().HTTPWorkers) {
		l.workers.force() // which working gives back
		return errDropped
	}
	return err
}
