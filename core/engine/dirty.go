package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

// percentFloor is how many records must have been read before a share of them says anything while the job runs.
const percentFloor = 10000

// keep makes calls of the dirty sink come one at a time until the returned function is called.
func (e *Engine) keep() (done func()) {
	e.stats.dirtyMu.Lock()
	e.keeping.Store(time.Now().UnixNano())
	return func() {
		e.keeping.Store(0)
		e.stats.dirtyMu.Unlock()
	}
}

// keepingFor is how long the dirty sink has been at one call.
func (e *Engine) keepingFor() time.Duration {
	since := e.keeping.Load()
	if since == 0 {
		return 0
	}
	return time.Since(time.Unix(0, since))
}

// dirty keeps records that did not become rows and ends the job when there are too many.
func (e *Engine) dirty(ctx context.Context, side string, ds []*v1.Dirty, place string) error {
	defer e.keep()()
	for _, d := range ds {
		rec := DirtyRecord{Side: side, Place: d.Place, Reason: d.Reason, Column: d.Column, Record: d.Record, Key: d.Key, Origin: originOf(d.Origin)}
		if place != "" {
			rec.Place = place
		}
		e.stats.addDirty(rec)
		if err := e.Dirty.Add(ctx, rec); err != nil {
			return e.notKept(err)
		}
	}
	return e.tooDirty(ctx)
}

func originOf(o *v1.Origin) *Origin {
	if o == nil {
		return nil
	}
	out := &Origin{Topic: o.Topic, Partition: o.Partition, Offset: o.Offset, Time: o.Timestamp}
	for _, h := range o.Headers {
		out.Headers = append(out.Headers, Header{Name: string(h.Name), Value: h.Value})
	}
	return out
}

// dirtyUnnamed counts rows that the target refused without saying which.
func (e *Engine) dirtyUnnamed(ctx context.Context, n uint64, reason string) error {
	defer e.keep()()
	rec := DirtyRecord{Side: e.Plan.Writer.Plugin, Place: fmt.Sprintf("%d rows, the target does not say which", n), Reason: reason}
	e.stats.addUnnamed(n, rec)
	if err := e.Dirty.Add(ctx, rec); err != nil {
		return e.notKept(err)
	}
	return e.tooDirty(ctx)
}

func (e *Engine) tooDirty(ctx context.Context) error {
	err := e.stats.dirtyVerdict(e.Plan, false)
	if err != nil {
		_ = e.Dirty.Sync(ctx) // the job fails for a better reason; the caller holds dirtyMu
	}
	return err
}

// syncDirty makes the dirty records durable, before a position behind them moves.
func (e *Engine) syncDirty(ctx context.Context) error {
	defer e.keep()()
	if err := e.Dirty.Sync(ctx); err != nil {
		return e.notKept(err)
	}
	return nil
}

// dirtyVerdict compares the dirty records with setting.errorLimit. A limit by count beats one by share; a share is judged
// while running only once enough was read.
func (s *stats) dirtyVerdict(p *plan.Plan, final bool) error {
	n, read := s.dirtyCount(), s.readCount()
	first := s.firstDirty()
	hint := func(f *protocol.Fault) error {
		if first.Reason != "" {
			f = f.Hint("the first: %s: %s. Mend the source, or raise setting.errorLimit", first.Place, first.Reason)
		}
		return f
	}
	switch l := p.ErrorLimit; {
	case l.Record != nil && n > *l.Record:
		return hint(protocol.Faultf(protocol.DirtyLimit, "%d dirty records, and %d are allowed", n, *l.Record).At("setting.errorLimit.record"))
	case l.Record == nil && l.Percentage != nil && read > 0 && (final || read >= percentFloor):
		if share := float64(n) / float64(read); share > *l.Percentage {
			return hint(protocol.Faultf(protocol.DirtyLimit, "%d dirty records of %d read are a share of %.4f, and %g is allowed", n, read, share, *l.Percentage).
				At("setting.errorLimit.percentage"))
		}
	}
	return nil
}
