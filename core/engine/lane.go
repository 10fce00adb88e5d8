package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/core/flow"
	"github.com/gx-etl/gx/core/transform"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"golang.org/x/sync/errgroup"
)

// lane is one parallel path: Read streams, a queue, Write streams, and three goroutines for each Write stream: pull fills
// the queue, push empties it, and settle takes the acks.
type lane struct {
	engine       *Engine
	n            int
	shards       []*v1.Shard // of a lane that does not take them from the line
	queue        *flow.Queue
	transformers *transform.Runner // nil: rows pass unopened

	mu     sync.Mutex // guards the following
	ledger *ledger
	whole  *shardLine // of which every row is in the transaction of the pass

	lastSent    atomic.Uint64
	lastFlushed uint64 // only the checkpoint clock touches it
	lag         sync.Map
}

// run returns when the lane has read, written and settled everything, or with the first error. Cancelling reading ends
// the reading only.
func (l *lane) run(ctx, reading context.Context) error {
	e := l.engine
	defer l.queue.Drop()
	if e.Plan.Transform != nil {
		l.transformers = e.Plan.Transform.Runner()
	}
	switch {
	case e.work.exactly:
		return l.transactions(ctx, reading)
	case e.work.line != nil:
		return l.pass(ctx, reading, "", e.work.line.take)
	}
	return l.pass(ctx, reading, "", once(&part{shards: l.shards, index: unfrozen}))
}

// once gives one part.
func once(p *part) func() *part {
	return func() *part {
		out := p
		p = nil
		return out
	}
}

// errCut is how a pass into a transaction ends that was stopped in the middle of its shard.
var errCut = errors.New("stopped within a shard")

// pass moves parts over one Write stream until next has no more.
func (l *lane) pass(ctx, reading context.Context, transaction string, next func() *part) error {
	e := l.engine
	// The streams get a context of their own, so that they can be cut when one side fails.
	g, ctx := errgroup.WithContext(ctx)
	out, err := e.Writer.Write(ctx, l.n, transaction)
	if err != nil {
		return fault.Within(e.Plan.Writer.Path, err)
	}
	readCtx, stopReading := context.WithCancel(ctx)
	defer stopReading()
	defer context.AfterFunc(reading, stopReading)()
	l.queue.Reopen()

	g.Go(func() error {
		err := l.pull(ctx, readCtx, next)
		if err != nil && readCtx.Err() != nil && ctx.Err() == nil {
			if transaction != "" {
				return errCut
			}
			err = nil // stopped from outside: what came is enough
		}
		if err == nil {
			l.queue.Close() // after an error the writer must not take the end of the queue for that of the lane
		}
		return err
	})
	g.Go(func() error { return l.push(ctx, out) })
	g.Go(func() error {
		err := l.settle(ctx, out)
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	return l.balance()
}

// pull reads one part after the other.
func (l *lane) pull(ctx, readCtx context.Context, next func() *part) error {
	for p := next(); p != nil; p = next() {
		if err := readCtx.Err(); err != nil {
			return err
		}
		if err := l.read(ctx, readCtx, p); err != nil {
			return err
		}
	}
	return nil
}

// read moves the frames of one part from the reader into the queue.
func (l *lane) read(ctx, readCtx context.Context, p *part) error {
	e := l.engine
	l.mu.Lock()
	after := l.ledger.last()
	if p.index != unfrozen {
		l.ledger.begin(p.shards[0].Name, p.index)
	}
	l.mu.Unlock()
	recv, err := e.Reader.Read(readCtx, l.n, p.shards, after)
	if err != nil {
		return fault.Within(e.Plan.Reader.Path, err)
	}
	for {
		f := new(wire.Frame)
		if err := recv(f); err == io.EOF {
			break
		} else if err != nil {
			return fault.Within(e.Plan.Reader.Path, err)
		}
		if err := l.take(ctx, readCtx, p, f); err != nil {
			return err
		}
	}
	if p.index == unfrozen {
		return nil
	}
	if err := readCtx.Err(); err != nil {
		return err // the end of a stream that was cancelled is not the end of the shard
	}
	l.lag.Delete(p.shards[0].Name)
	l.mu.Lock()
	done := l.ledger.end(p.shards[0].Name)
	l.mu.Unlock()
	return l.done(ctx, done)
}

// take brings a frame through limits and transformers into the books and the queue. The frame is its own from then on.
func (l *lane) take(ctx, readCtx context.Context, p *part, f *wire.Frame) error {
	e := l.engine
	if err := e.limits.wait(readCtx, int64(f.Rows), int64(f.Bytes)); err != nil {
		f.Free() // nobody has heard of it yet: the next run reads it again
		return err
	}
	var loss transform.Loss
	if l.transformers != nil {
		left, lost, err := l.transformers.Apply(f)
		if err != nil {
			f.Free()
			if what := protocol.AsFault(err); what != nil && what.Place == "" {
				what.At(e.Plan.Reader.Path) // it is not a transformer's
			}
			return err
		}
		f, loss = left, lost
	}
	if err := l.received(ctx, p, f, &loss); err != nil {
		f.Free()
		return err
	}
	if f.Rows == 0 {
		f.Free()
		return nil
	}
	if err := l.queue.Put(ctx, f); err != nil {
		f.Free()
		return err
	}
	return nil
}

// received enters a frame in the books: the ledger, the counts, its dirty records, and the rows that transformers took out.
func (l *lane) received(ctx context.Context, p *part, f *wire.Frame, loss *transform.Loss) error {
	e := l.engine
	l.mu.Lock()
	var err error
	if p.index != unfrozen && f.Shard != p.shards[0].Name {
		err = fmt.Errorf("a batch of shard %q from the reading of %q", f.Shard, p.shards[0].Name)
	} else {
		err = l.ledger.sent(f.Sequence, f.Shard, f.Position, f.Rows)
	}
	var safe []*v1.ShardPosition
	if err == nil {
		c := &l.ledger.shards[f.Shard].count
		c.rows += int64(f.Rows)
		c.bytes += int64(f.Bytes)
		c.left += int64(f.Filtered + loss.Filtered)
		c.refused += int64(len(f.Dirty) + len(loss.Dirty))
		if f.Rows == 0 {
			_, safe, _, err = l.ledger.acked(f.Sequence, f.Sequence)
		}
	}
	l.mu.Unlock()
	if err != nil {
		return protocol.Faultf(protocol.PluginFailed, "plugin %s broke the protocol: %w", e.Plan.Reader.Plugin, err).At(e.Plan.Reader.Path)
	}
	e.stats.read(f, loss)
	l.lag.Store(f.Shard, f.Lag)
	if len(f.Dirty) > 0 {
		if err := e.dirty(ctx, e.Plan.Reader.Plugin, f.Dirty, ""); err != nil {
			return err
		}
	}
	if len(loss.Dirty) > 0 {
		if err := e.dirty(ctx, "transformer", loss.Dirty, ""); err != nil {
			return err
		}
	}
	l.offer(safe)
	return nil
}

// offer gives safe positions to the committer. What is in a transaction is safe only when that is committed.
func (l *lane) offer(safe []*v1.ShardPosition) {
	if !l.engine.work.exactly {
		l.engine.commits.offer(l.n, safe)
	}
}

// push moves frames from the queue to the writer.
func (l *lane) push(ctx context.Context, out Lane) error {
	for {
		f, ok, err := l.queue.Take(ctx)
		if err != nil {
			return err
		}
		if !ok {
			if err := out.CloseSend(); err != nil {
				return fault.Within(l.engine.Plan.Writer.Path, err)
			}
			return nil
		}
		seq := f.Sequence
		if err := out.Send(f); err != nil {
			if errors.Is(err, io.EOF) {
				return nil // the writer ended the stream; settle hears why
			}
			return fault.Within(l.engine.Plan.Writer.Path, err)
		}
		l.lastSent.Store(seq)
	}
}

// settle takes the acks until the writer ends the stream.
func (l *lane) settle(ctx context.Context, out Lane) error {
	e := l.engine
	for {
		ack, err := out.Recv()
		if err == io.EOF {
			return l.endOfAcks()
		}
		if err != nil {
			return fault.Within(e.Plan.Writer.Path, err)
		}
		if err := l.ack(ctx, ack); err != nil {
			return err
		}
	}
}

// endOfAcks is an error while anything is open: a writer that leaves early must not look like success.
func (l *lane) endOfAcks() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ledger.unacked > 0 {
		return protocol.Faultf(protocol.PluginFailed, "plugin %s ended lane %d with %d batches unanswered",
			l.engine.Plan.Writer.Plugin, l.n, l.ledger.unacked).At(l.engine.Plan.Writer.Path)
	}
	return nil
}

func (l *lane) ack(ctx context.Context, a *v1.Ack) error {
	e := l.engine
	// Dirty records first: their batch may be settled by this very ack.
	for _, d := range a.Dirty {
		place := d.Place
		if place == "" {
			place = fmt.Sprintf("shard %s, batch %d, row %d", l.spoilt(d.Sequence), d.Sequence, d.Row)
		} else {
			l.spoilt(d.Sequence)
		}
		if err := e.dirty(ctx, e.Plan.Writer.Plugin, []*v1.Dirty{d}, place); err != nil {
			return err
		}
	}
	if a.DirtyUnnamed > 0 {
		if err := e.dirtyUnnamed(ctx, a.DirtyUnnamed, a.DirtyReason); err != nil {
			return err
		}
	}
	var safe []*v1.ShardPosition
	var ended []*shardLine
	l.mu.Lock()
	if n := len(a.Done); n > 0 {
		if s := l.ledger.shardOf(a.Done[n-1].Last); s != nil {
			s.count.landed += int64(a.Landed)
			s.count.filtered += int64(a.Filtered)
			s.count.spoilt += int64(a.DirtyUnnamed)
		}
	}
	for _, r := range a.Done {
		rows, s, done, err := l.ledger.acked(r.First, r.Last)
		if err != nil {
			l.mu.Unlock()
			return protocol.Faultf(protocol.PluginFailed, "plugin %s broke the protocol: %w", e.Plan.Writer.Plugin, err).At(e.Plan.Writer.Path)
		}
		e.stats.settled(l.n, rows)
		safe, ended = append(safe, s...), append(ended, done...)
	}
	l.mu.Unlock()
	e.stats.acked(l.n, a, time.Now())
	l.offer(safe)
	return l.done(ctx, ended)
}

// spoilt counts a row that the writer refused, and gives the name of its shard.
func (l *lane) spoilt(seq uint64) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.ledger.shardOf(seq)
	if s == nil {
		return ""
	}
	s.count.spoilt++
	return s.name
}

// balance holds the writer to its counts: every row that was sent is landed, filtered or dirty.
func (l *lane) balance() error {
	e := l.engine
	sent, counted := e.stats.balance(l.n)
	if sent != counted {
		return protocol.Faultf(protocol.PluginFailed, "plugin %s accounts for %d rows of the %d it was given on lane %d",
			e.Plan.Writer.Plugin, counted, sent, l.n).At(e.Plan.Writer.Path).
			Hint("compare the target with the source before you trust this run")
	}
	return nil
}
