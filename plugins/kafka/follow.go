package kafka

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/gx-etl/gx/plugins/kafka/fetch"
	"github.com/gx-etl/gx/plugins/sdk"
)

// follower reads the partitions of one session, which it has from the group, over connections of its own. sarama's
// consumer is only a member: it counts what it holds in messages instead of bytes, it never tells that it has passed
// the marks of transactions, and it costs half as much again.
type follower struct {
	m      *member
	claims []*claim
	once   sync.Once
	pulser *pulser // nil without a heartbeatTopic
}

// Without other orders a broker gathers a little before it answers: this many bytes, or as many milliseconds. It keeps
// batches from being tiny, and delays no record by more.
const gatherBytes, gatherMs = 64 << 10, 75

// errOver ends a fetch whose rows nobody takes any more.
var errOver = errors.New("the session is over")

// run reads until the session ends. The rows go to Read by way of the member's channel.
func (f *follower) run(session context.Context) {
	r := f.m.r
	ranges := make([]fetch.Range, len(f.claims))
	for i, c := range f.claims {
		next, _ := c.at()
		ranges[i] = fetch.Range{Topic: c.topic, Partition: c.partition, Begin: next, End: math.MaxInt64}
	}
	a, err := newAssembler(r.layout)
	if err != nil {
		f.m.fail(err)
		return
	}
	l := lane{assembler: a, ranges: ranges, session: f.claims[0].serial, pulses: r.settings.heartbeatTopic}
	l.send = func(b sdk.Outgoing, next int64) error { return f.hand(session, f.claims[l.current], next, b) }
	for _, c := range f.claims {
		// Without rows: it shows the lag at once, and makes durable where a group without an offset begins, because
		// what "latest" means must not change with every start.
		next, _ := c.at()
		if f.progress(session, c, next) != nil {
			return
		}
	}
	reached := make([]int64, len(f.claims)) // behind everything that was fetched, marks of transactions included
	o := r.fetchOptions(session)
	o.Quiet = 0
	link := &r.settings.link
	if !link.given["fetch.min.bytes"] && r.options.FetchMinBytes == nil && !link.given["fetch.max.wait.ms"] && r.options.FetchMaxWaitMs == nil {
		o.MinBytes, o.MaxWaitMs = gatherBytes, gatherMs
	}
	o.Answered = func() error {
		if err := l.flush(); err != nil {
			return err
		}
		return f.beat(session, reached)
	}
	err = fetch.Run(session, o, ranges, func(b *fetch.Block) error {
		c := f.claims[b.Range]
		c.heard(b.HighWater)
		if len(b.Batches) > 0 {
			f.m.lastData.Store(time.Now().UnixNano())
		}
		if err := l.take(session, b); err != nil {
			return err
		}
		reached[b.Range] = b.Next
		return nil
	})
	if err != nil && !errors.Is(err, errOver) && session.Err() == nil {
		f.m.fail(faultOf(err, "read"))
	}
}

// beat tells the position of partitions that moved without rows, and now and then of quiet ones.
func (f *follower) beat(session context.Context, reached []int64) error {
	select {
	case <-f.m.hold:
		return errOver
	default:
	}
	for i, c := range f.claims {
		next, lag := c.at()
		quiet := f.m.r.settings.quiet(time.Since(c.handed), lag)
		if reached[i] <= next && !quiet {
			continue
		}
		if quiet && f.pulser != nil {
			f.pulser.beat(pulse{m: f.m, topic: c.topic, partition: c.partition, offset: next, lag: lag, at: time.Now()})
		}
		if err := f.progress(session, c, max(next, reached[i])); err != nil {
			return err
		}
	}
	return nil
}

// progress sends a batch without rows.
func (f *follower) progress(session context.Context, c *claim, next int64) error {
	p := position{Offset: next, Epoch: -1, Session: c.serial}
	return f.hand(session, c, next, sdk.Outgoing{Shard: c.name, Position: p.bytes(), Lag: c.lag(next)})
}

// hand gives a batch to Read, unless the session ends or Read has ended before it takes it.
func (f *follower) hand(session context.Context, c *claim, next int64, b sdk.Outgoing) error {
	before := c.advance(next)
	c.handed = time.Now()
	select {
	case f.m.batches <- b:
		return nil
	case <-f.m.hold:
	case <-session.Done():
	}
	b.Payload.Free()
	c.advance(before)
	return errOver
}
