package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
)

// watchStall ends a job whose writer answers nothing while it holds batches: a hang that no connection error shows.
func (e *Engine) watchStall(ctx context.Context, abort context.CancelCauseFunc) {
	limit := e.Plan.Stall
	if limit <= 0 {
		return
	}
	tick := max(limit/10, 10*time.Millisecond)
	t := time.NewTicker(tick)
	defer t.Stop()
	since := make([]time.Time, len(e.lanes))
	acked := make([]int64, len(e.lanes))
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		for i, l := range e.lanes {
			l.mu.Lock()
			open := l.ledger.unacked
			l.mu.Unlock()
			n := e.stats.acks(i)
			// A lane whose acks wait for the dirty sink is not the writer's to answer for; the sink has a bound of its own.
			waiting := e.keepingFor() > tick
			if open == 0 || n != acked[i] || since[i].IsZero() || waiting {
				since[i], acked[i] = time.Now(), n
				continue
			}
			if time.Since(since[i]) > limit {
				abort(protocol.Faultf(protocol.PluginFailed, "plugin %s has answered nothing for %v on lane %d and holds %d batches",
					e.Plan.Writer.Plugin, limit, i, open).At(e.Plan.Writer.Path).
					Hint("look at the target; setting.stallTimeoutSec grants more time"))
				return
			}
		}
	}
}

// watchSource names the reader of a batch job that sends nothing while nobody else has anything to do. That is no error: a query
// may take its time before the first row.
func (e *Engine) watchSource(ctx context.Context) {
	limit := e.Plan.Stall
	if limit <= 0 || e.Plan.Streaming {
		return
	}
	t := time.NewTicker(max(limit/10, 10*time.Millisecond))
	defer t.Stop()
	since, seen, told := time.Now(), int64(0), false
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		if n := e.stats.readCount(); n != seen || !e.idle() {
			since, seen, told = time.Now(), n, false
			continue
		}
		if quiet := time.Since(since); quiet > limit && !told {
			told = true
			e.note(fmt.Sprintf("plugin %s has sent nothing for %v, and all that came before is written: its source is busy, or hangs",
				e.Plan.Reader.Plugin, quiet.Round(time.Second)))
		}
	}
}

// idle tells whether core and writer have nothing left to do.
func (e *Engine) idle() bool {
	if e.limits.waiting.Load() > 0 {
		return false
	}
	for _, l := range e.lanes {
		l.mu.Lock()
		open := l.ledger.unacked
		l.mu.Unlock()
		if open > 0 {
			return false
		}
	}
	return true
}
