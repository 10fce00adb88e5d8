package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// claim is a partition while a session owns it.
type claim struct {
	topic     string
	partition int32
	name      string
	m         *member
	s         sarama.ConsumerGroupSession
	serial    uint64    // of the session
	since     uint64    // sessions from this one to serial were this process's without a gap
	ended     bool      // guarded by Reader.mu
	handed    time.Time // of the last batch; used by the follower alone

	mu        sync.Mutex // guards the following
	sent      int64      // offset behind the newest record that was handed to Read
	safe      int64      // offset that the group has
	highWater int64      // the newest offset of the partition, as far as heard; -1 before
	moved     chan struct{}
}

// inherit goes on where this lane left the partition in the generation just before, if nobody else can have had it
// between: then nothing is read again, and positions of that time may still be committed. Only the same lane may do
// that: what is safe is counted lane by lane, and a position of one lane says nothing about rows that another one sent.
func (c *claim) inherit(before *claim) bool {
	if before == nil || before.m != c.m || before.s.GenerationID()+1 != c.s.GenerationID() {
		return false
	}
	before.mu.Lock()
	defer before.mu.Unlock()
	c.sent, c.safe, c.since = before.sent, before.safe, before.since
	return true
}

// at is where the next record is read, and how far behind the end of the partition that is.
func (c *claim) at() (next, lag int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent, max(0, c.highWater-c.sent)
}

// lag is how far an offset is behind the end of the partition.
func (c *claim) lag(next int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(0, c.highWater-next)
}

// heard notes the newest offset of the partition.
func (c *claim) heard(highWater int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.highWater = max(c.highWater, highWater)
}

// advance notes that everything before an offset is on its way. It comes before the batch: a commit may be back sooner
// than the sender runs again.
func (c *claim) advance(to int64) (before int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, c.sent = c.sent, to
	return before
}

// committed notes what the group has.
func (c *claim) committed(offset int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if offset > c.safe {
		c.safe = offset
		close(c.moved)
		c.moved = make(chan struct{})
	}
}

// has tells whether the group is past an offset already: it never goes back.
func (c *claim) has(offset int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return offset < c.safe
}

// settle waits until everything that was sent is committed, so that the next owner of the partition does not read it
// again. It gives up after the given time, or when the job leaves the group.
func (c *claim) settle(leaving context.Context, most time.Duration) {
	give := time.NewTimer(most)
	defer give.Stop()
	for {
		c.mu.Lock()
		done, moved := c.safe >= c.sent, c.moved
		c.mu.Unlock()
		if done {
			return
		}
		select {
		case <-moved:
		case <-give.C:
			return
		case <-leaving.Done():
			return
		}
	}
}

// behind tells whether the partition holds records that were not read.
func (c *claim) behind() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.highWater < 0 || c.sent < c.highWater
}
