package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// run holds the goroutines of one Run: a placer, which gives every cursor to the connection of its leader, and one
// goroutine for each connection. A cursor belongs to exactly one goroutine at a time.
type run struct {
	ctx    context.Context
	fail   context.CancelCauseFunc
	o      Options
	config *sarama.Config

	orphans chan *cursor // cursors without a leader; has room for all
	blocks  chan []Block
	group   sync.WaitGroup

	mu    sync.Mutex // guards the following
	conns map[int32]*conn
}

// cursor is the place in one range up to which was fetched.
type cursor struct {
	index    int
	of       *Range
	next     int64
	epoch    int32 // of the leader, as metadata has it
	maxBytes int32
	replica  int32 // to ask instead of the leader, or -1
	since    time.Time
	tries    int
	err      error // the last one, while there is no answer
}

// conn is one connection. The placer adds to waiting; the connection's goroutine takes from it.
type conn struct {
	id      int32
	addr    string
	waiting []*cursor // guarded by run.mu
}

// replicaLease is how long a nearer replica is asked before the leader is heard again: it may have fallen behind.
const replicaLease = 5 * time.Minute

func newRun(ctx context.Context, fail context.CancelCauseFunc, o Options, ranges []Range) *run {
	return &run{ctx: ctx, fail: fail, o: o, config: Bound(ctx, o.Client.Config()), orphans: make(chan *cursor, len(ranges)),
		blocks: make(chan []Block), conns: map[int32]*conn{}}
}

// Bound is a configuration like config whose connections end with ctx, also those on which somebody waits.
func Bound(ctx context.Context, config *sarama.Config) *sarama.Config {
	c := *config
	c.Net.Proxy.Enable = true // the one way to give sarama a dialer, and so to close its connections from outside
	c.Net.Proxy.Dialer = &dialer{ctx: ctx, dialer: net.Dialer{Timeout: c.Net.DialTimeout, KeepAlive: c.Net.KeepAlive}}
	return &c
}

func newCursor(i int, of *Range, maxBytes int32) *cursor {
	return &cursor{index: i, of: of, next: of.Begin, epoch: -1, maxBytes: maxBytes, replica: -1}
}

func (r *run) start() { r.group.Go(r.place) }

func (r *run) wait() { r.group.Wait() }

// dialer opens connections that end with ctx: a fetch that waits for a silent broker is woken by that.
type dialer struct {
	ctx    context.Context
	dialer net.Dialer
}

// Dial serves proxy.Dialer.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	c, err := d.dialer.DialContext(d.ctx, network, address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(d.ctx, func() { _ = c.Close() })
	return &watchedConn{Conn: c, stop: stop}, nil
}

type watchedConn struct {
	net.Conn
	stop func() bool
}

func (c *watchedConn) Close() error {
	c.stop()
	return c.Conn.Close()
}

// place finds the leaders of cursors until the run ends.
func (r *run) place() {
	for {
		var lost []*cursor
		select {
		case c := <-r.orphans:
			lost = append(lost, c)
		case <-r.ctx.Done():
			return
		}
		for more := true; more; {
			select {
			case c := <-r.orphans:
				lost = append(lost, c)
			default:
				more = false
			}
		}
		if !r.backoff(lost) {
			return
		}
		for _, c := range lost {
			if err := r.settle(c); err != nil && !r.lose(c, err) {
				return
			}
		}
	}
}

// backoff waits before cursors that had no answer are tried again, and looks their leaders up anew.
func (r *run) backoff(lost []*cursor) bool {
	tries := 0
	var topics []string
	for _, c := range lost {
		if c.err != nil {
			tries = max(tries, c.tries)
			topics = append(topics, c.of.Topic)
		}
	}
	if tries == 0 {
		return true
	}
	select {
	case <-time.After(min(100*time.Millisecond<<min(tries-1, 5), 2*time.Second)):
	case <-r.ctx.Done():
		return false
	}
	_ = r.o.Client.RefreshMetadata(topics...) // when this fails, so will the look for the leader, or the next fetch
	return r.ctx.Err() == nil
}

// settle gives a cursor to the connection that should ask for it.
func (r *run) settle(c *cursor) error {
	broker, epoch, err := r.o.Client.LeaderAndEpoch(c.of.Topic, c.of.Partition)
	if c.replica >= 0 {
		if near, nearErr := r.o.Client.Broker(c.replica); nearErr == nil {
			broker, err = near, nil
		} else {
			c.replica = -1
		}
	}
	if err != nil {
		return fmt.Errorf("its leader is not known: %w", err)
	}
	c.epoch = epoch
	r.mu.Lock()
	defer r.mu.Unlock()
	to := r.conns[broker.ID()]
	if to == nil {
		to = &conn{id: broker.ID(), addr: broker.Addr()}
		r.conns[to.id] = to
		r.group.Go(func() { r.serve(to) })
	}
	to.waiting = append(to.waiting, c)
	return nil
}

// lose notes that a cursor got no answer, and hands it to the placer unless its budget is spent.
func (r *run) lose(c *cursor, err error) bool {
	if c.err == nil {
		c.since, c.tries = time.Now(), 0
	}
	c.err = err
	c.tries++
	if away := time.Since(c.since); away > r.o.Budget {
		r.fail(&BudgetError{Topic: c.of.Topic, Partition: c.of.Partition, For: away, Err: err})
		return false
	}
	r.orphans <- c
	return true
}

// serve asks one broker for the cursors it was given, until it has none left.
func (r *run) serve(to *conn) {
	var mine []*cursor
	broker := sarama.NewBroker(to.addr)
	opened := false
	defer func() {
		if opened {
			_ = broker.Close()
		}
	}()
	leaseEnds := time.Now().Add(replicaLease)
	for {
		r.mu.Lock()
		mine = append(mine, to.waiting...)
		to.waiting = nil
		if len(mine) == 0 {
			delete(r.conns, to.id)
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		if r.ctx.Err() != nil {
			return
		}
		if !opened {
			if err := broker.Open(r.config); err != nil {
				r.fail(fmt.Errorf("connect to broker %d at %s: %w", to.id, to.addr, err))
				return
			}
			opened = true
		}
		answer, err := broker.Fetch(r.request(mine))
		if err != nil {
			if r.ctx.Err() != nil {
				return
			}
			err = fmt.Errorf("broker %d at %s: %w", to.id, to.addr, err)
			if errors.Is(err, sarama.ErrDecompressedBatchTooLarge) {
				r.fail(err)
				return
			}
			for _, c := range mine {
				c.replica = -1
				if !r.lose(c, err) {
					return
				}
			}
			_ = broker.Close()
			broker, opened, mine = sarama.NewBroker(to.addr), false, nil
			continue
		}
		var ok bool
		if mine, ok = r.deliver(to, mine, answer); !ok {
			return
		}
		if time.Now().After(leaseEnds) {
			leaseEnds = time.Now().Add(replicaLease)
			mine = r.leaveReplica(mine)
		}
	}
}

// leaveReplica sends the cursors that ask a nearer replica back to their leader.
func (r *run) leaveReplica(mine []*cursor) []*cursor {
	kept := mine[:0]
	for _, c := range mine {
		if c.replica < 0 {
			kept = append(kept, c)
			continue
		}
		c.replica = -1
		r.orphans <- c
	}
	return kept
}

func (r *run) request(mine []*cursor) *sarama.FetchRequest {
	// Version 12 is the newest that sarama speaks; it goes down to what the broker knows. The session epoch -1 asks
	// for no fetch session.
	q := &sarama.FetchRequest{Version: 12, MinBytes: r.o.MinBytes, MaxWaitTime: r.o.MaxWaitMs, MaxBytes: r.o.MaxBytes, SessionEpoch: -1, RackID: r.o.Rack}
	if r.o.Committed {
		q.Isolation = sarama.ReadCommitted
	}
	for _, c := range mine {
		q.AddBlock(c.of.Topic, c.of.Partition, c.next, c.maxBytes, c.epoch)
	}
	return q
}

// deliver moves the cursors by an answer and hands its blocks to Run. It returns the cursors that stay here, and false
// when the run is over.
func (r *run) deliver(from *conn, mine []*cursor, answer *sarama.FetchResponse) ([]*cursor, bool) {
	var blocks []Block
	var leaving []*cursor
	kept := mine[:0]
	for _, c := range mine {
		block := answer.GetBlock(c.of.Topic, c.of.Partition)
		if block == nil {
			if answer.ErrorCode != 0 {
				if !r.lose(c, sarama.KError(answer.ErrorCode)) {
					return nil, false
				}
				continue
			}
			kept = append(kept, c) // a throttled broker leaves partitions out
			continue
		}
		stays, moved, ok := r.advance(from, c, block, &blocks)
		if !ok {
			return nil, false
		}
		if stays {
			kept = append(kept, c)
		} else if moved {
			leaving = append(leaving, c)
		}
	}
	if len(blocks) > 0 {
		select {
		case r.blocks <- blocks:
		case <-r.ctx.Done():
			return nil, false
		}
	}
	for _, c := range leaving { // after its block, or another connection could be ahead of it
		r.orphans <- c
	}
	return kept, true
}

// advance moves one cursor. It stays with its connection, or moves to the placer, or neither when it is done or lost.
func (r *run) advance(from *conn, c *cursor, block *sarama.FetchResponseBlock, blocks *[]Block) (stays, moved, ok bool) {
	switch err := block.Err; {
	case errors.Is(err, sarama.ErrNoError):
	case errors.Is(err, sarama.ErrOffsetOutOfRange) && c.replica >= 0:
		c.replica = -1 // a replica may lag behind what the leader served
		return false, true, true
	case errors.Is(err, sarama.ErrOffsetOutOfRange):
		next, err := r.o.OutOfRange(*c.of, c.next)
		if err != nil {
			r.fail(err)
			return false, false, false
		}
		c.next, c.err = next, nil
		done := c.next >= c.of.End
		*blocks = append(*blocks, Block{Range: c.index, From: c.next, To: c.of.End, Next: c.next, Epoch: -1, HighWater: -1, Done: done})
		return !done, false, true
	case transient(err):
		c.replica = -1
		return false, false, r.lose(c, err)
	default:
		r.fail(fmt.Errorf("topic %q, partition %d: %w", c.of.Topic, c.of.Partition, err))
		return false, false, false
	}
	c.err = nil
	got := visible(block, c.next, r.o.Committed)
	if got.cut && got.next == c.next {
		c.maxBytes = min(c.maxBytes, 1<<29) * 2 // the next batch is bigger than what was asked for
	} else if got.next > c.next {
		c.maxBytes = r.o.PartitionBytes
	}
	b := Block{Range: c.index, Batches: got.batches, From: c.next, To: c.of.End, Next: got.next, Epoch: got.epoch, HighWater: block.HighWaterMarkOffset}
	if r.o.Exceed {
		b.To = max(c.of.End, got.next)
	} else {
		b.Next = min(b.Next, c.of.End)
	}
	c.next = b.Next
	b.Done = c.next >= c.of.End
	*blocks = append(*blocks, b)
	if !b.Done && block.PreferredReadReplica >= 0 && block.PreferredReadReplica != from.id {
		c.replica = block.PreferredReadReplica
		return false, true, true
	}
	return !b.Done, false, true
}

// transient tells whether another try, at another broker perhaps, may end better.
func transient(err error) bool {
	for _, known := range []sarama.KError{
		sarama.ErrNotLeaderForPartition, sarama.ErrLeaderNotAvailable, sarama.ErrReplicaNotAvailable, sarama.ErrUnknownTopicOrPartition,
		sarama.ErrFencedLeaderEpoch, sarama.ErrUnknownLeaderEpoch, sarama.ErrKafkaStorageError, sarama.ErrOffsetNotAvailable,
		sarama.ErrRequestTimedOut, sarama.ErrNetworkException, sarama.ErrBrokerNotAvailable, sarama.ErrInvalidMessage, sarama.ErrUnknown,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
