package engine

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gx-etl/gx/core/plan"
	"golang.org/x/time/rate"
)

// limits holds the job-wide rate limits; nil means none.
type limits struct {
	rows, bytes *rate.Limiter
	waiting     atomic.Int32 // lanes that hold a frame back
}

func newLimits(p *plan.Plan) *limits {
	return &limits{rows: newLimiter(p.RowsPerSec), bytes: newLimiter(p.BytesPerSec)}
}

// newLimiter makes a limiter that begins empty: over the whole job no more passes than the limit grants, from the first
// second on. A job that was idle may catch up on one second.
func newLimiter(perSec int64) *rate.Limiter {
	if perSec <= 0 {
		return nil
	}
	l := rate.NewLimiter(rate.Limit(perSec), int(min(perSec, 1<<30)))
	l.AllowN(time.Now(), l.Burst())
	return l
}

// wait holds a frame back until the job's limits allow it. A frame above a second's worth waits for several.
func (l *limits) wait(ctx context.Context, rows, bytes int64) error {
	l.waiting.Add(1)
	defer l.waiting.Add(-1)
	for _, w := range []struct {
		lim *rate.Limiter
		n   int64
	}{{l.rows, rows}, {l.bytes, bytes}} {
		if w.lim == nil {
			continue
		}
		for n := w.n; n > 0; {
			step := min(n, int64(w.lim.Burst()))
			if err := w.lim.WaitN(ctx, int(step)); err != nil {
				return err
			}
			n -= step
		}
	}
	return nil
}
