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

// lane is one parallel path: a Read stream, a queue, a Write stream, and three goroutines: pull fills the queue, push
// empties it, and settle takes the acks.
type lane struct {
	engine *Engine
	n      int
	shards []*v1.Shard
	queue  *flow.Queue

	mu     sync.Mutex // guards ledger
	ledger *ledger

	lastSent    atomic.Uint64
	lastFlushed uint64 // only the checkpoint clock touches it
	lag         sync.Map
}

// run returns when the lane has read, written and settled everything, or with the first error. Cancelling reading ends
// the reading only.
func (l *lane) run(ctx, reading context.Context) error {
	e := l.engine
	defer l.queue.Drop()
	// The streams get a context of their own, so that they can be cut when one side fails.
	g, ctx := errgroup.WithContext(ctx)
	out, err := e.Writer.Write(ctx, l.n)
	if err != nil {
		return fault.Within(e.Plan.Writer.Path, err)
	}
	readCtx, stopReading := context.WithCancel(ctx)
	defer stopReading()
	defer context.AfterFunc(reading, stopReading)()

	g.Go(func() error {
		defer l.queue.Close()
		err := l.pull(ctx, readCtx)
		if err != nil && readCtx.Err() != nil && ctx.Err() == nil {
			return nil // stopped from outside: what came is enough
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

// pull moves frames from the reader into the queue.
func (l *lane) pull(ctx, readCtx context.Context) error {
	e := l.engine
	recv, err := e.Reader.Read(readCtx, l.n, l.shards)
	if err != nil {
		return fault.Within(e.Plan.Reader.Path, err)
	}
	var transformers *transform.Runner
	if e.Plan.Transform != nil {
		transformers = e.Plan.Transform.Runner()
	}
	for {
		f := new(wire.Frame)
		if err := recv(f); err == io.EOF {
			return nil
		} else if err != nil {
			return fault.Within(e.Plan.Reader.Path, err)
		}
		if err := e.limits.wait(readCtx, int64(f.Rows), int64(f.Bytes)); err != nil {
			f.Free() // nobody has heard of it yet: the next run reads it again
			return err
		}
		var loss transform.Loss
		if transformers != nil {
			left, lost, err := transformers.Apply(f)
			if err != nil {
				f.Free()
				if what := protocol.AsFault(err); what != nil && what.Place == "" {
					what.At(e.Plan.Reader.Path) // it is not a transformer's
				}
				return err
			}
			f, loss = left, lost
		}
		if err := l.received(ctx, f, &loss); err != nil {
			f.Free()
			return err
		}
		if f.Rows == 0 {
			f.Free()
			continue
		}
		if err := l.queue.Put(ctx, f); err != nil {
			f.Free()
			return err
		}
	}
}

// received enters a frame in the books: the ledger, the counts, its dirty records, and the rows that transformers took out.
func (l *lane) received(ctx context.Context, f *wire.Frame, loss *transform.Loss) error {
	e := l.engine
	l.mu.Lock()
	err := l.ledger.sent(f.Sequence, f.Shard, f.Position, f.Rows)
	var safe []*v1.ShardPosition
	if err == nil && f.Rows == 0 {
		_, safe, err = l.ledger.acked(f.Sequence, f.Sequence)
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
	e.commits.offer(l.n, safe)
	return nil
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
		l.mu.Lock()
		shard := l.ledger.shardOf(d.Sequence)
		l.mu.Unlock()
		place := d.Place
		if place == "" {
			place = fmt.Sprintf("shard %s, batch %d, row %d", shard, d.Sequence, d.Row)
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
	l.mu.Lock()
	for _, r := range a.Done {
		rows, s, err := l.ledger.acked(r.First, r.Last)
		if err != nil {
			l.mu.Unlock()
			return protocol.Faultf(protocol.PluginFailed, "plugin %s broke the protocol: %w", e.Plan.Writer.Plugin, err).At(e.Plan.Writer.Path)
		}
		e.stats.settled(l.n, rows)
		safe = append(safe, s...)
	}
	l.mu.Unlock()
	e.stats.acked(l.n, a, time.Now())
	e.commits.offer(l.n, safe)
	return nil
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
