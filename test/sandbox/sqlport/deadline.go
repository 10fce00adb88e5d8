package sqlport

import (
	"context"
	"sync"
	"time"

	"github.com/gx-etl/gx/test/sandbox/clock"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
)

// timeout is the limit a statement runs under, for the error that says so.
type timeout struct{ variable, seconds string }

func (t timeout) error() error {
	verb := "Query"
	if t.variable == "insert_timeout" {
		verb = "Insert"
	}
	return wire.Errorf(5024, "HY000", "%s reached its timeout of %s seconds, please increase the '%s' session variable and retry", verb, t.seconds, t.variable)
}

// deadlines end statements by the time of a clock, which may jump.
type deadlines struct {
	clock *clock.Clock

	mu      sync.Mutex // guards running
	running map[*deadline]struct{}
}

type deadline struct {
	at     time.Time
	cancel context.CancelCauseFunc
}

func newDeadlines(c *clock.Clock) *deadlines {
	d := &deadlines{clock: c, running: map[*deadline]struct{}{}}
	c.Watch(d.jumped)
	return d
}

// start returns a context that ends after limit with the cause errTimeout. The
// function returned frees what belongs to it.
func (d *deadlines) start(ctx context.Context, limit time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	e := &deadline{at: d.clock.Now().Add(limit), cancel: cancel}
	timer := time.AfterFunc(limit, func() { cancel(errTimeout) })
	d.mu.Lock()
	d.running[e] = struct{}{}
	d.mu.Unlock()
	return ctx, func() {
		timer.Stop()
		cancel(nil)
		d.mu.Lock()
		delete(d.running, e)
		d.mu.Unlock()
	}
}

func (d *deadlines) jumped() {
	now := d.clock.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for e := range d.running {
		if !now.Before(e.at) {
			e.cancel(errTimeout)
		}
	}
}
