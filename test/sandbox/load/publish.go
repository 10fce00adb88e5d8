package load

import (
	"math"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// work is what a transaction is going to write.
type work struct{ parts []part }

// part is the rows of one load.
type part struct {
	table *store.Table
	batch *store.Batch
	rows  int64
}

func (w *work) rows() int64 {
	n := int64(0)
	for _, p := range w.parts {
		n += p.rows
	}
	return n
}

func (w *work) batches() []*store.Batch {
	list := make([]*store.Batch, len(w.parts))
	for i, p := range w.parts {
		list[i] = p.batch
	}
	return list
}

// promise says what hinders the rows from becoming visible. It comes before the
// transaction is told to be committed or prepared, after which nothing may.
func (s *Server) promise(w *work) error {
	if s.discard {
		return nil
	}
	return s.store.Promise(w.batches())
}

// write makes the rows of all parts visible. Parts of several tables become visible
// together to every statement that begins after or before, none begins between.
func (s *Server) write(w *work) error {
	if s.discard {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, p := range w.parts {
			s.discarded[p.table.DB()+"."+p.table.Name()] += p.rows
		}
		return nil
	}
	if len(w.parts) == 1 {
		return s.store.CommitAll(w.batches())
	}
	return s.store.Together(func() error { return s.store.CommitAll(w.batches()) })
}

// publish makes a committed transaction visible, after at least the given delay and
// after what was committed before it to the same tables. It waits for that up to
// wait, and says whether the rows are visible; the error is that of a transaction
// that could not become so, and is aborted.
func (s *Server) publish(t *ledger.Txn, w *work, delay, wait time.Duration) (visible bool, err error) {
	finish := func() error {
		err := s.ledger.Publish(t, func() error { return s.write(w) })
		if err == nil {
			s.counters.rows.Add(w.rows())
		}
		return err
	}
	turns := s.turns.of(w)
	delay = max(delay, s.Limits().PublishDelay)
	if delay <= 0 && turns.taken() {
		defer turns.pass()
		err := finish()
		return err == nil, err
	}
	if !s.enter() { // nobody waits for an answer any more
		turns.take()
		defer turns.pass()
		err := finish()
		return err == nil, err
	}
	done := make(chan error, 1)
	go func() {
		defer s.handling.Done()
		turns.take()
		defer turns.pass()
		s.pause(s.ctx, delay)
		done <- finish()
	}()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case err := <-done:
		return err == nil, err
	case <-timer.C:
		return false, nil
	case <-s.ctx.Done():
		return false, nil
	}
}

// commitWaits returns how long a BE waits for its commit call to say that the rows
// are visible, and how much longer it asks for the state afterwards: newer BEs do so
// until the transaction's own timeout.
func (s *Server) commitWaits(t *ledger.Txn, begun time.Time) (wait time.Duration) {
	call := max(t.Timeout()/4, min(t.Timeout()/2, s.Limits().CommitRPC))
	// The FE waits for three quarters of the call at most. The paper tells older
	// BEs from newer ones without a release; 3.1 is where the call got longer.
	if !s.release.AtLeast(3, 1) {
		return call * 3 / 4
	}
	return max(call*3/4, t.Timeout()-time.Since(begun))
}

// publishKept makes a prepared transaction visible that has just been committed.
func (s *Server) publishKept(t *ledger.Txn, e fault.Event, wait time.Duration) (visible bool, err error) {
	w := s.takePrepared(t)
	if w == nil {
		return false, s.ledger.Publish(t, func() error { return inWords("the rows of transaction %d are gone", t.ID()) })
	}
	delay, wait := s.publishFault(e, wait)
	return s.publish(t, w, delay, wait)
}

// keep holds the rows of a prepared transaction until it is committed.
func (s *Server) keep(t *ledger.Txn, w *work) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepared[t] = w
}

// takePrepared returns the rows of a prepared transaction and forgets them here.
func (s *Server) takePrepared(t *ledger.Txn) *work {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.prepared[t]
	delete(s.prepared, t)
	return w
}

// forgetPrepared drops the rows of prepared transactions that were aborted.
func (s *Server) forgetPrepared() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := range s.prepared {
		if state, _ := s.ledger.Status(t); state == ledger.Aborted {
			delete(s.prepared, t)
		}
	}
}

// forever is a wait that ends with something else.
const forever = time.Duration(math.MaxInt64)
