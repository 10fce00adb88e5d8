package ledger

import "time"

// SetOutcome reports the rows of a load, also of one that is going to be aborted.
func (l *Ledger) SetOutcome(t *Txn, o Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.outcome = o
}

// Prepare keeps a transaction for a later Commit: it no longer depends on the BE
// that took the rows in. It may stay so for keep, or with keep 0 until the timeout
// it began with. Prepared and committed transactions stay as they are; the error
// is the reason for which the transaction was aborted meanwhile, or that it is not
// known any more.
func (l *Ledger) Prepare(t *Txn, keep time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.state != Prepare {
		return t.undoneErr()
	}
	t.state, t.prepared = Prepared, l.clock.Now()
	if keep > 0 {
		t.deadline = t.prepared.Add(keep)
	}
	return nil
}

// undoneErr is the error of going on with a transaction that has ended badly.
func (t *Txn) undoneErr() error {
	switch t.state {
	case Aborted:
		return wording(t.reason)
	case Unknown:
		return inWords("transaction not found, txn_id=%d", t.id)
	}
	return nil
}

// Commit marks the transaction committed, after which it can only become visible.
// First is false when it had been committed before. The errors are those of Prepare.
func (l *Ledger) Commit(t *Txn) (first bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.state != Prepare && t.state != Prepared {
		return false, t.undoneErr()
	}
	if l.limits.LoadsDisabled {
		return false, loadsDisabled
	}
	t.state, t.committed = Committed, l.clock.Now()
	return true, nil
}

// Publish makes a committed transaction visible; apply runs first, and its error is
// returned after the transaction was aborted.
func (l *Ledger) Publish(t *Txn, apply func() error) error {
	err := apply()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		t.outcome.Rows = 0
		l.finish(t, Aborted, err.Error())
		return err
	}
	l.finish(t, Visible, "")
	return nil
}

func (l *Ledger) finish(t *Txn, s State, reason string) {
	t.state, t.reason, t.ended = s, reason, l.clock.Now()
	delete(t.in.running, t)
	if s != Unknown {
		t.in.finished = append(t.in.finished, t)
	}
}

// Abort rolls the transaction back unless it is committed already, and says
// whether it is aborted now.
func (l *Ledger) Abort(t *Txn, reason string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.state == Prepare || t.state == Prepared {
		l.finish(t, Aborted, reason)
	}
	return t.state == Aborted
}

// Cancel aborts the running transaction of a label. As in the real server, one that
// is prepared does not count as running.
func (l *Ledger) Cancel(db, label string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var t *Txn
	if d := l.byDB[db]; d != nil {
		t = d.labels[label]
	}
	switch {
	case t == nil:
		return inWords("transaction not found, label=%s", label)
	case t.state != Prepare:
		return inWords("running transaction not found, label=%s", label)
	}
	l.finish(t, Aborted, "user cancel")
	return nil
}

// AbortOf aborts what a BE coordinated and had not prepared.
func (l *Ledger) AbortOf(backend int, reason string) {
	l.eachRunning(func(t *Txn) {
		if t.coordinator == backend && t.state == Prepare {
			l.finish(t, Aborted, reason)
		}
	})
}

// LeaderChanged does what a restart of the leader FE, or a new leader, does: begun
// transactions are not in the journal, so those of BEs are unknown from now on, and
// those that the FE itself keeps are aborted. Prepared ones stay.
func (l *Ledger) LeaderChanged() {
	l.eachRunning(func(t *Txn) {
		if t.state != Prepare {
			return
		}
		if t.coordinator == Frontend {
			l.finish(t, Aborted, "cancelled after FE restart")
			return
		}
		l.finish(t, Unknown, "")
		if t.in.labels[t.label] == t {
			delete(t.in.labels, t.label)
		}
	})
}

// DropDatabase forgets the labels of a database that was dropped: one created under
// its name later is another database. What had not been committed is aborted.
func (l *Ledger) DropDatabase(db string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.byDB[db]
	if d == nil {
		return
	}
	for t := range d.running {
		if t.state != Committed {
			l.finish(t, Aborted, "unknown database, database="+db)
		}
	}
	delete(l.byDB, db)
}

func (l *Ledger) eachRunning(f func(*Txn)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.byDB {
		for t := range d.running {
			f(t)
		}
	}
}
