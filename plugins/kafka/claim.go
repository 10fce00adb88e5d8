package kafka

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/sdk"
)

// claim is a partition while a session owns it.
type claim struct {
	topic     string
	partition int32
	name      string
	m         *member
	s         sarama.ConsumerGroupSession
	serial    uint64 // of the session
	since     uint64 // sessions from this one to serial were this process's without a gap
	ended     bool   // guarded by Reader.mu
	paused    bool   // used by consume alone
	source    atomic.Pointer[sarama.ConsumerGroupClaim]

	mu    sync.Mutex // guards the following
	sent  int64      // offset behind the newest record that was handed to Read
	safe  int64      // offset that the group has
	moved chan struct{}
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

// lingering is how long a message waits for company in a batch.
const lingering = 75 * time.Millisecond

// consume gathers messages into batches and hands them to Read, until the session gives the partition up.
func (c *claim) consume(session context.Context, from sarama.ConsumerGroupClaim, a *assembler) {
	c.source.Store(&from)
	next := position{Offset: c.position(), Epoch: -1, Session: c.serial}
	// Without rows: it shows the lag at once, and makes durable where a group without an offset begins, because what
	// "latest" means must not change with every start.
	if !c.hand(session, a, next, from) {
		return
	}
	linger := time.NewTimer(time.Hour)
	defer linger.Stop()
	var beat <-chan time.Time
	if every := c.m.r.settings.heartbeat; every > 0 {
		t := time.NewTicker(every)
		defer t.Stop()
		beat = t.C
	}
	var m message
	for {
		select {
		case msg, ok := <-from.Messages():
			if !ok {
				return
			}
			if a.empty() {
				linger.Reset(lingering)
			}
			for ok && msg != nil {
				m = message{offset: msg.Offset, time: -1, key: msg.Key, value: msg.Value, headers: msg.Headers}
				if !msg.Timestamp.IsZero() {
					m.time = max(msg.Timestamp.UnixMilli(), -1)
				}
				a.add(&m)
				next.Offset = msg.Offset + 1
				if a.full() {
					break
				}
				select {
				case msg, ok = <-from.Messages():
				default:
					msg = nil
				}
			}
			if a.full() && !c.hand(session, a, next, from) {
				return
			}
		case <-linger.C:
			if !a.empty() && !c.hand(session, a, next, from) {
				return
			}
		case <-beat:
			if a.empty() && c.lag(from, next) <= c.m.r.settings.heartbeatStep && !c.hand(session, a, next, from) {
				return
			}
		case <-c.m.hold:
			// Read is over and the rows are not wanted any more; the partition stays ours for late commits.
			<-session.Done()
			return
		case <-session.Done():
			return
		}
	}
}

func (c *claim) lag(from sarama.ConsumerGroupClaim, at position) int64 {
	return max(0, from.HighWaterMarkOffset()-at.Offset)
}

// waitingBytes is how much of a partition may wait in sarama's channel, which counts messages and not bytes: over it the
// partition is not fetched until half of that is worked off.
const waitingBytes = 4 << 20

// throttle pauses the partition when what waits behind a batch is too much, by the size of the messages in the batch.
func (c *claim) throttle(from sarama.ConsumerGroupClaim, bytes int64, messages int64) {
	waiting := int64(len(from.Messages())) * (bytes / max(messages, 1))
	here := map[string][]int32{c.topic: {c.partition}}
	switch {
	case !c.paused && waiting > waitingBytes:
		c.paused = true
		c.m.group.Pause(here)
	case c.paused && waiting <= waitingBytes/2:
		c.paused = false
		c.m.group.Resume(here)
	}
}

// hand gives the gathered batch to Read. It returns false when the claim is over; the batch was not sent then.
func (c *claim) hand(session context.Context, a *assembler, next position, from sarama.ConsumerGroupClaim) bool {
	if !a.empty() {
		c.m.lastData.Store(time.Now().UnixNano())
		c.m.well(c.name)
		c.throttle(from, a.bytes, int64(a.builder.Rows()+len(a.dirty))+a.filtered)
	}
	b := a.take(next, c.lag(from, next))
	// Before the hand-over: a commit may come back sooner than this goroutine runs again.
	before := c.advance(next.Offset)
	select {
	case c.m.batches <- b:
		return true
	case <-c.m.hold:
		c.discard(b, before)
		<-session.Done()
	case <-session.Done():
		c.discard(b, before)
	}
	return false
}

func (c *claim) discard(b sdk.Outgoing, sent int64) {
	b.Payload.Free()
	c.mu.Lock()
	c.sent = sent
	c.mu.Unlock()
}

func (c *claim) position() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent
}

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
	from := c.source.Load()
	return from == nil || c.position() < (*from).HighWaterMarkOffset()
}
