package engine

import (
	"context"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
)

// watchStall ends a job whose writer answers nothing while it holds batches: a hang that no connection error shows.
func (e *Engine) watchStall(ctx context.Context, abort context.CancelCauseFunc) {
	limit := e.Plan.Stall
	if limit <= 0 {
		return
	}
	t := time.NewTicker(max(limit/10, 10*time.Millisecond))
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
			if open == 0 || n != acked[i] || since[i].IsZero() {
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
