package engine

import (
	"context"
	"sync"
	"time"

	"github.com/gx-etl/gx/core/fault"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

// committer moves the source's positions behind what is safe. Offers that come while a commit is under way are joined
// into the next one, so a busy job commits about as often as the source answers.
type committer struct {
	reader Reader
	sync   func(context.Context) error // makes dirty records durable
	moved  func([]string)              // hears of shards that belong to somebody else now; may be nil
	path   string
	pause  time.Duration // from one commit to the next

	mu      sync.Mutex // guards the following
	pending map[place][]byte
	wake    chan struct{}
	commits int64
	lost    map[string]bool
}

// place is where a position comes from. A shard that moved from one lane to another may have one of each: which of them
// still counts is the reader's to say.
type place struct {
	lane  int
	shard string
}

// commitPause keeps a fast job from asking the source for a commit per load, sinkPause the writer of dirty records from a
// load per commit, which a table may not stand for long.
const (
	commitPause = 200 * time.Millisecond
	sinkPause   = time.Second
)

func newCommitter(r Reader, sync func(context.Context) error, path string) *committer {
	return &committer{reader: r, sync: sync, path: path, pause: commitPause, pending: make(map[place][]byte), wake: make(chan struct{}, 1), lost: make(map[string]bool)}
}

// offer adds positions that became safe. Later offers of a lane's shard replace earlier ones.
func (c *committer) offer(lane int, safe []*v1.ShardPosition) {
	if len(safe) == 0 {
		return
	}
	c.mu.Lock()
	for _, s := range safe {
		c.pending[place{lane, s.Shard}] = s.Position
	}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run commits until done is closed, letting a commit that is under way end; a failed commit aborts the job.
func (c *committer) run(ctx context.Context, done <-chan struct{}, abort context.CancelCauseFunc) error {
	for {
		select {
		case <-c.wake:
		case <-done:
			return nil
		}
		if err := c.flush(ctx); err != nil {
			if ctx.Err() != nil {
				return nil // the final flush says it again
			}
			abort(err)
			return err
		}
		select {
		case <-time.After(c.pause):
		case <-done:
			return nil
		}
	}
}

// flush commits what is pending. On an error it stays pending.
func (c *committer) flush(ctx context.Context) error {
	c.mu.Lock()
	if len(c.pending) == 0 {
		c.mu.Unlock()
		return nil
	}
	batch := c.pending
	c.pending = make(map[place][]byte)
	c.mu.Unlock()

	positions := make([]*v1.ShardPosition, 0, len(batch))
	for at, p := range batch {
		positions = append(positions, &v1.ShardPosition{Shard: at.shard, Position: p})
	}
	err := c.sync(ctx)
	var lost []string
	if err == nil {
		lost, err = c.reader.Commit(ctx, positions)
		err = fault.Within(c.path, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		for at, p := range batch {
			if _, newer := c.pending[at]; !newer {
				c.pending[at] = p
			}
		}
		return err
	}
	c.commits++
	for _, s := range lost {
		c.lost[s] = true
	}
	if c.moved != nil && len(lost) > 0 {
		c.moved(lost)
	}
	return nil
}
