package load

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// work is what a transaction is going to write.
type work struct {
	parts []part
	// lenient lets tables dropped meanwhile pass: a prepared transaction commits
	// without them, as the real FE leaves out tables it no longer finds.
	lenient bool
}

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
		return w.commit(&w.parts[0])
	}
	return s.store.Together(func() error {
		for _, p := range w.parts {
			if now, err := s.store.Table(p.table.DB(), p.table.Name()); !w.lenient && (err != nil || now != p.table) {
				return &store.UnknownTable{Database: p.table.DB(), Table: p.table.Name()}
			}
		}
		// A table dropped from here on is as one dropped after the commit.
		w.lenient = true
		for i := range w.parts {
			if err := w.commit(&w.parts[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *work) commit(p *part) error {
	err := p.table.Commit(p.batch)
	var gone *store.UnknownTable
	if w.lenient && errors.As(err, &gone) {
		return nil
	}
	return err
}

// turn returns the token that lets one load of the table at a time become
// visible: versions of a table are published in the order of their commits.
func (s *Server) turn(t *store.Table) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.published[t.ID()]
	if c == nil {
		c = make(chan struct{}, 1)
		s.published[t.ID()] = c
	}
	return c
}

// takeTurns waits for the turns of all tables, in the order of their numbers so
// that two transactions never wait for each other.
func (s *Server) takeTurns(w *work) (pass func()) {
	var turns []chan struct{}
	tables := make([]*store.Table, 0, len(w.parts))
	for _, p := range w.parts {
		tables = append(tables, p.table)
	}
	slices.SortFunc(tables, func(a, b *store.Table) int { return cmp.Compare(a.ID(), b.ID()) })
	for _, t := range slices.Compact(tables) {
		c := s.turn(t)
		c <- struct{}{}
		turns = append(turns, c)
	}
	return func() {
		for _, c := range turns {
			<-c
		}
	}
}

// publish makes a committed transaction visible, after at least the given delay,
// and waits for that up to wait. It says whether the rows are visible; the error is
// that of a transaction that could not become so, and is aborted.
func (s *Server) publish(t *ledger.Txn, w *work, delay, wait time.Duration) (visible bool, err error) {
	finish := func() error {
		err := s.ledger.Publish(t, func() error { return s.write(w) })
		if err == nil {
			s.counters.rows.Add(w.rows())
		}
		return err
	}
	pass := s.takeTurns(w)
	if delay = max(delay, s.Limits().PublishDelay); delay <= 0 || !s.enter() {
		defer pass()
		err := finish()
		return err == nil, err
	}
	done := make(chan error, 1)
	go func() {
		defer s.handling.Done()
		defer pass()
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
	if w == nil { // it was prepared before the stand-in started
		w = &work{}
	}
	delay, wait := s.publishFault(e, wait)
	return s.publish(t, w, delay, wait)
}

// keep holds the rows of a prepared transaction until it is committed.
func (s *Server) keep(t *ledger.Txn, w *work) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.lenient = true
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
