package starrocks

import (
	"context"
	"sync"
	"time"

	"github.com/gx-etl/gx/plugins/starrocks/streamload"
)

// pace keeps loads into one table apart. It serves all lanes.
type pace struct {
	rest  time.Duration // of a table after a load; 0: none
	now   func() time.Time
	sleep func(ctx context.Context, d time.Duration) error

	mu    sync.Mutex           // guards the following
	ended map[string]time.Time // when the last load into a table ended, by its qualified name
}

func newPace(rest time.Duration) *pace {
	return &pace{rest: rest, now: time.Now, sleep: sleep, ended: map[string]time.Time{}}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wait returns when the table has rested. Another lane's load may end meanwhile, and then it rests anew.
func (p *pace) wait(ctx context.Context, table string) error {
	for p.rest > 0 {
		p.mu.Lock()
		left := p.ended[table].Add(p.rest).Sub(p.now())
		p.mu.Unlock()
		if left <= 0 {
			return nil
		}
		if err := p.sleep(ctx, left); err != nil {
			return err
		}
	}
	return nil
}

// done notes the end of a load.
func (p *pace) done(table string) {
	if p.rest > 0 {
		p.mu.Lock()
		p.ended[table] = p.now()
		p.mu.Unlock()
	}
}

// paced loads into a table when it has rested.
func (l *lane) paced(ctx context.Context, t *target, load func() error) error {
	name := qualified(t.database, t.table)
	if err := l.w.pace.wait(ctx, name); err != nil {
		return err
	}
	defer l.w.pace.done(name)
	return load()
}

// bring sends a load, or a part of one, at the pace of its table, and lets the table learn from how it went.
func (l *lane) bring(ctx context.Context, s *streamload.Sender, t *target, r *streamload.Load) (landed streamload.Landed, err error) {
	err = l.paced(ctx, t, func() error {
		landed, err = s.Send(ctx, r)
		return err
	})
	if t.tide != nil && err == nil {
		if changed := t.tide.learn(landed.Took, landed.Crowded, landed.Strained); changed && (landed.Crowded || landed.Strained) {
			l.w.say("adaptiveFlush: loads into %s now have up to %s", qualified(t.database, t.table), t.tide.most())
		}
	}
	return landed, err
}
