package starrocks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/starrocks/streamload"
)

// Write serves sdk.Writer: one lane.
func (w *Writer) Write(ctx context.Context, number int, in *sdk.In) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	labels, leave, err := w.enter(number, cancel)
	if err != nil {
		return err
	}
	defer leave()
	var t *transaction
	set := &w.set
	if name := in.Transaction(); name != "" {
		if t, err = w.named(name); err == nil {
			err = w.open.add(name, t)
		}
		if err != nil {
			return err
		}
		set = &w.together
	}
	l := &lane{
		w: w, in: in, budget: w.budget, interval: w.flushInterval(),
		labels: labels, set: set, transaction: t,
		intakes: map[string]*intake{},
		timer:   time.NewTimer(time.Hour),
	}
	most := w.params.TablesAtOnce
	if t != nil {
		most = 1
	}
	l.turns = newTurns(most, w.params.FlushQueueLength)
	l.done = make(chan outcome, w.params.FlushQueueLength+most+1)
	var senders sync.WaitGroup
	l.turns.begin = func() { senders.Go(func() { l.send(ctx) }) }
	err = l.run(ctx)
	cancel()
	l.turns.end()
	senders.Wait()
	l.timer.Stop()
	l.abandon()
	if t != nil && err != nil && t.Open() {
		w.client.Undo(ctx, &t.Transaction)
	}
	return err
}

func (w *Writer) labelPrefix() string {
	if w.params.LabelPrefix != "" {
		return w.params.LabelPrefix
	}
	return w.info.Job
}

// lane gathers batches into loads, sends one load at a time into each table, and acks a batch when all its rows are accounted
// for. Everything but send runs on one goroutine.
type lane struct {
	w        *Writer
	in       *sdk.In
	budget   int64
	interval time.Duration
	labels   *streamload.Labels
	set      *settings
	// transaction is what all rows of the lane belong to; nil: each load is one of its own.
	transaction *transaction
	intakes     map[string]*intake // by destination
	places      []*intake          // where loads gather: those, and what they are made of
	held        int64              // bytes of rows in memory
	flying      []*load            // closed, in that order, until their outcome is known
	turns       *turns             // of those loads
	done        chan outcome       // from send
	timer       *time.Timer
}

type outcome struct {
	load   *load
	landed streamload.Landed
	err    error
	sifted *sifted // when the bad rows of a refused load were looked for; err is then nil
}

// send brings loads in, on a goroutine of its own; there are as many as tables are loaded at once. With the first load that
// fails for good all of them stop.
func (l *lane) send(ctx context.Context) {
	s := l.w.client.Sender()
	defer s.Close()
	for ld := l.turns.next(); ld != nil; {
		o := outcome{load: ld}
		if l.transaction != nil {
			o.err = l.paced(ctx, ld.target, func() error { return l.transaction.append(ctx, s, ld) })
		} else {
			o.landed, o.err = l.bring(ctx, s, ld.target, ld.request())
		}
		if l.w.set.dirtyRows {
			o = l.sift(ctx, s, o)
		}
		var refused *streamload.RowsRefused
		if o.err != nil && !(errors.As(o.err, &refused) && l.goesOn(refused)) {
			l.turns.end()
		}
		next := l.turns.sent(ld) // before the lane knows: then there is room again when it does
		select {
		case l.done <- o:
		case <-ctx.Done():
		}
		if ld = next; ld == nil {
			ld = l.turns.next()
		}
	}
}

// goesOn tells whether refused rows become dirty records: by strategyOnError, and always for a row that no load can hold.
func (l *lane) goesOn(r *streamload.RowsRefused) bool {
	return l.transaction == nil && (l.w.set.dirtyBatches || r.TooLarge)
}

func (l *lane) run(ctx context.Context) error {
	for {
		batches := l.in.Batches()
		if l.full() {
			batches = nil
			if err := l.makeRoom(ctx); err != nil {
				return err
			}
			if len(l.flying) == 0 { // there were dirty rows only, and their room is free again
				continue
			}
		}
		l.wind()
		select {
		case b, ok := <-batches:
			if !ok {
				return l.end(ctx)
			}
			if err := l.take(ctx, b); err != nil {
				return err
			}
		case <-l.in.Flush():
			if err := l.closeAll(ctx, whyFlush); err != nil {
				return err
			}
		case <-l.timer.C:
			if err := l.closeDue(ctx); err != nil {
				return err
			}
		case o := <-l.done:
			if err := l.account(o); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Why a load was closed; the names of a metric's label values.
const (
	whyRows     = "rows"
	whyBytes    = "bytes"
	whyInterval = "interval"
	whyFlush    = "flush"
	whyEnd      = "end"
	whyMemory   = "memory"
	whyFormat   = "format"  // the next row cannot go as CSV
	whyRefused  = "refused" // sent again without rows that were refused
	whyOrder    = "order"   // the next row of a key goes in another load
	whySets     = "sets"    // rows with other columns need the room
	whyShape    = whyEnd    // of the rows of one shape
)

// full tells whether another batch would exceed the lane's memory. A lane that holds nothing always takes one.
func (l *lane) full() bool {
	const next = protocol.BatchBytes + protocol.BatchBytes/4
	return l.held > 0 && l.held+next > l.budget
}

// wind sets the timer to the load that has waited longest.
func (l *lane) wind() {
	first := time.Duration(1<<63 - 1)
	for _, in := range l.places {
		if in.load != nil && in.load.rows > 0 {
			first = min(first, time.Until(in.load.born.Add(l.patience(in))))
		}
	}
	l.timer.Reset(max(first, 0))
}

func (l *lane) closeDue(ctx context.Context) error {
	now := time.Now()
	for _, in := range l.places {
		if in.load != nil && in.load.rows > 0 && now.Sub(in.load.born) >= l.patience(in) {
			if err := l.close(ctx, in, whyInterval); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *lane) closeAll(ctx context.Context, why string) error {
	for _, in := range l.places {
		if err := l.close(ctx, in, why); err != nil {
			return err
		}
	}
	return nil
}

// makeRoom closes the biggest load, and as many after it as tables may be loaded at once. What is on its way into a table
// makes room by itself.
func (l *lane) makeRoom(ctx context.Context) error {
	for len(l.flying) < l.turns.most {
		var biggest *intake
		for _, in := range l.places {
			if in.load != nil && !l.flies(in.target) && (biggest == nil || in.load.size() > biggest.load.size()) {
				biggest = in
			}
		}
		if biggest == nil {
			return nil
		}
		if err := l.close(ctx, biggest, whyMemory); err != nil {
			return err
		}
		if !l.full() {
			return nil
		}
	}
	return nil
}

// flies tells whether a load into the table is on its way, or waits for it.
func (l *lane) flies(t *target) bool {
	return slices.ContainsFunc(l.flying, func(ld *load) bool { return ld.target.name() == t.name() })
}

// close hands the load that an intake gathers to send. While there is no room for it the lane accounts for what has landed.
func (l *lane) close(ctx context.Context, in *intake, why string) error {
	ld := in.load
	if ld == nil {
		return nil
	}
	in.load = nil
	if ld.rows == 0 { // every row that came was dirty
		l.held -= ld.held
		ld.free()
		return nil
	}
	ld.finish()
	ld.why, ld.label = why, l.labels.Next()
	l.flying = append(l.flying, ld)
	for !l.turns.offer(ld) {
		select {
		case o := <-l.done:
			if err := l.account(o); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// end sends what is left and waits for it.
func (l *lane) end(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := l.closeAll(ctx, whyEnd); err != nil {
		return err
	}
	for len(l.flying) > 0 {
		select {
		case o := <-l.done:
			if err := l.account(o); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// account draws the consequences of a load's outcome: what has landed, what is dirty, which batches are done with.
func (l *lane) account(o outcome) error {
	ld := o.load
	a := sdk.Ack{Loads: 1, LoadBytes: ld.bytes, FlushReasons: map[string]int64{ld.why: 1}}
	var refused *streamload.RowsRefused
	switch {
	case o.err == nil && o.sifted != nil:
		o.sifted.tell(&a)
	case o.err == nil && o.landed.Counted:
		a.Landed, a.Filtered, a.DirtyUnnamed = o.landed.Answer.Loaded, o.landed.Answer.Unselected, o.landed.Answer.Filtered
		if a.DirtyUnnamed > 0 {
			a.DirtyReason = filteredReason(ld.label, a.DirtyUnnamed, ld.rows, o.landed.Reason)
		}
	case o.err == nil:
		a.Landed = int64(ld.rows)
	case errors.As(o.err, &refused) && l.goesOn(refused):
		a.Dirty = l.allDirty(ld, refused)
	case refused != nil:
		told := l.w.told(refused)
		if l.transaction != nil {
			return refusedWhole(&l.transaction.Transaction, told)
		}
		return protocol.Faultf(protocol.Data, "table %s.%s: %s", ld.target.database, ld.target.table, told.Error()).At("table").
			Hint("correct the rows at their source, or set strategyOnError rowDirtyData to go on without the bad ones, or batchDirtyData to go on without all %d rows of this load", ld.rows)
	default:
		return o.err
	}
	for _, p := range ld.parts {
		p.batch.pending -= p.n
		a.Done = l.finished(p.batch, a.Done)
	}
	if err := l.in.Ack(a); err != nil {
		return err
	}
	for _, p := range ld.parts {
		l.letGo(p.batch)
	}
	l.held -= ld.held
	ld.free()
	i := slices.Index(l.flying, ld)
	l.flying = slices.Delete(l.flying, i, i+1)
	return nil
}

// filteredReason tells of rows that StarRocks only counted.
func filteredReason(label string, filtered int64, rows int, first string) string {
	reason := fmt.Sprintf("load %s: StarRocks filtered %d of %d rows", label, filtered, rows)
	if first != "" {
		reason += "; the first: " + first
	}
	return reason
}

func (l *lane) allDirty(ld *load, refused *streamload.RowsRefused) []sdk.Dirty {
	dirty := make([]sdk.Dirty, 0, ld.rows)
	reason := refused.Error()
	ld.each(l.rowDelimiter(), func(b *arrival, row int, record []byte) {
		dirty = append(dirty, sdk.Dirty{Sequence: b.sequence, Row: row, Reason: reason, Record: record})
	})
	return dirty
}

// finished adds a batch to done when all its rows are accounted for.
func (l *lane) finished(b *arrival, done []sdk.Range) []sdk.Range {
	if b.open || b.pending > 0 {
		return done
	}
	if n := len(done); n > 0 && done[n-1].Last+1 == b.sequence {
		done[n-1].Last = b.sequence
		return done
	}
	return append(done, sdk.Range{First: b.sequence, Last: b.sequence})
}

// letGo gives back the memory of a batch that no load needs any more.
func (l *lane) letGo(b *arrival) {
	if !b.open && b.pending == 0 && b.release != nil {
		b.release()
		b.release = nil
		l.held -= b.memory
	}
}

// abandon gives back what a lane that ends early still holds.
func (l *lane) abandon() {
	left := l.flying
	for _, in := range l.places {
		if in.load != nil {
			left = append(left, in.load)
		}
	}
	for _, ld := range left {
		for _, p := range ld.parts {
			if p.batch.release != nil {
				p.batch.release()
				p.batch.release = nil
			}
		}
		ld.free()
	}
}
