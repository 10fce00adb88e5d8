package ledger

import "time"

func (l *Ledger) sweepOn() {
	defer l.sweeper.Done()
	for {
		t := time.NewTimer(l.Limits().SweepEvery)
		select {
		case <-t.C:
			l.Sweep()
		case <-l.wake:
		case <-l.closing:
			t.Stop()
			return
		}
		t.Stop()
	}
}

// Stop ends the sweeper and returns when it has ended.
func (l *Ledger) Stop() {
	l.stop.Do(func() { close(l.closing) })
	l.sweeper.Wait()
}

// Sweep aborts the transactions whose time is up and forgets finished ones beyond
// the kept number or age, oldest first. It runs by itself every SweepEvery and
// whenever the clock jumps.
func (l *Ledger) Sweep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	for _, d := range l.byDB {
		for t := range d.running {
			if t.state != Committed && now.After(t.deadline) {
				l.finish(t, Aborted, "timeout by txn manager")
			}
		}
		l.forget(d, now)
	}
}

// forget counts as the real server does: running transactions take up room that
// finished ones have to leave.
func (l *Ledger) forget(d *dbLedger, now time.Time) {
	n := min(len(d.finished), max(0, len(d.running)+len(d.finished)-l.limits.LabelKeepNum))
	for n < len(d.finished) && now.Sub(d.finished[n].ended) > l.limits.LabelKeepAge {
		n++
	}
	for _, t := range d.finished[:n] {
		if d.labels[t.label] == t {
			delete(d.labels, t.label)
		}
	}
	clear(d.finished[:n])
	d.finished = d.finished[n:]
}

// Forget drops a finished label at once, whatever its age, and says whether it was
// there.
func (l *Ledger) Forget(db, label string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.byDB[db]
	if d == nil {
		return false
	}
	t := d.labels[label]
	if t == nil || t.ended.IsZero() {
		return false
	}
	delete(d.labels, label)
	for i, f := range d.finished {
		if f == t {
			d.finished = append(d.finished[:i:i], d.finished[i+1:]...)
			break
		}
	}
	return true
}
