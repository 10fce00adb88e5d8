// Package alone measures sarama by itself: the same topic, read with the settings of gx's Kafka reader, each message
// touched and dropped. What gx needs beyond that is the price of gx.
package alone

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// Result is what one reading brought.
type Result struct {
	Messages int64   `json:"messages"`
	Bytes    int64   `json:"bytes"`   // of the values
	Seconds  float64 `json:"seconds"` // from before the first connection to after the last message
}

// config holds the settings of gx's reader that matter for speed.
func config() *sarama.Config {
	c := sarama.NewConfig()
	c.ClientID = "gx-bench-alone"
	c.ChannelBufferSize = 4096
	c.Consumer.Fetch.Min, c.Consumer.Fetch.Default = 1, 1<<20
	c.Consumer.MaxWaitTime = 500 * time.Millisecond
	c.Consumer.IsolationLevel = sarama.ReadCommitted
	c.Consumer.Offsets.AutoCommit.Enable = false
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	return c
}

// ends are the offsets behind the last message of each partition.
func ends(client sarama.Client, topic string) (map[int32]int64, error) {
	partitions, err := client.Partitions(topic)
	if err != nil {
		return nil, fmt.Errorf("partitions of %s: %w", topic, err)
	}
	out := make(map[int32]int64, len(partitions))
	for _, p := range partitions {
		if out[p], err = client.GetOffset(topic, p, sarama.OffsetNewest); err != nil {
			return nil, fmt.Errorf("end of %s/%d: %w", topic, p, err)
		}
	}
	return out, nil
}

// Group reads a topic to its present end as the only member of a consumer group.
func Group(ctx context.Context, addr, topic, group string) (Result, error) {
	began := time.Now()
	client, err := sarama.NewClient([]string{addr}, config())
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = client.Close() }()
	h := &handler{read: map[int32]bool{}}
	if h.ends, err = ends(client, topic); err != nil {
		return Result{}, err
	}
	for _, end := range h.ends {
		if end > 0 {
			h.open++
		}
	}
	member, err := sarama.NewConsumerGroupFromClient(group, client)
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = member.Close() }()
	ctx, h.done = context.WithCancelCause(ctx)
	defer h.done(nil)
	if h.open == 0 {
		return Result{}, fmt.Errorf("topic %s is empty", topic)
	}
	for ctx.Err() == nil {
		if err := member.Consume(ctx, []string{topic}, h); err != nil && ctx.Err() == nil {
			return Result{}, fmt.Errorf("consumer group: %w", err)
		}
	}
	if cause := context.Cause(ctx); !errors.Is(cause, errRead) {
		return Result{}, cause
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sum.Seconds = h.last.Sub(began).Seconds()
	return h.sum, nil
}

// errRead ends a group that has read everything.
var errRead = errors.New("everything was read")

type handler struct {
	ends map[int32]int64
	done context.CancelCauseFunc

	mu   sync.Mutex // guards the following
	sum  Result
	read map[int32]bool // partitions that were read to their end
	open int            // partitions that are still to be read
	last time.Time      // set before done(errRead)
}

func (h *handler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (h *handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim must not return before its channel closes, because sarama ends the whole session with the first claim
// that is left. Should there be a rebalance all the same, every partition comes again from its beginning.
func (h *handler) ConsumeClaim(_ sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	end := h.ends[claim.Partition()]
	var messages, bytes int64
	for m := range claim.Messages() {
		messages++
		bytes += int64(len(m.Value))
		if m.Offset+1 == end {
			h.finish(claim.Partition(), messages, bytes)
		}
	}
	return nil
}

func (h *handler) finish(partition int32, messages, bytes int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.read[partition] {
		return
	}
	h.read[partition] = true
	h.sum.Messages += messages
	h.sum.Bytes += bytes
	if h.open--; h.open == 0 {
		h.last = time.Now()
		h.done(errRead)
	}
}

// Fetch reads a topic to its present end with sarama's Broker.Fetch, one connection to each leader and no group.
func Fetch(ctx context.Context, addr, topic string) (Result, error) {
	began := time.Now()
	client, err := sarama.NewClient([]string{addr}, config())
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = client.Close() }()
	all, err := ends(client, topic)
	if err != nil {
		return Result{}, err
	}
	leaders := map[string]map[int32]int64{}
	for p, end := range all {
		leader, err := client.Leader(topic, p)
		if err != nil {
			return Result{}, err
		}
		if leaders[leader.Addr()] == nil {
			leaders[leader.Addr()] = map[int32]int64{}
		}
		leaders[leader.Addr()][p] = end
	}
	results := make([]Result, len(leaders))
	failures := make([]error, len(leaders))
	var wg sync.WaitGroup
	i := 0
	for leader, mine := range leaders {
		at := i
		wg.Go(func() { results[at], failures[at] = fetchAll(ctx, leader, topic, mine) })
		i++
	}
	wg.Wait()
	var sum Result
	for _, r := range results {
		sum.Messages += r.Messages
		sum.Bytes += r.Bytes
	}
	sum.Seconds = time.Since(began).Seconds()
	return sum, errors.Join(failures...)
}

// fetchAll reads partitions, each up to its end, from one broker, one request after the other.
func fetchAll(ctx context.Context, addr, topic string, ends map[int32]int64) (Result, error) {
	c := config()
	b := sarama.NewBroker(addr)
	if err := b.Open(c); err != nil {
		return Result{}, err
	}
	defer func() { _ = b.Close() }()
	next := make(map[int32]int64, len(ends))
	for p, end := range ends {
		if end > 0 {
			next[p] = 0
		}
	}
	var r Result
	for len(next) > 0 && ctx.Err() == nil {
		q := &sarama.FetchRequest{Version: 12, MinBytes: c.Consumer.Fetch.Min, MaxBytes: sarama.MaxResponseSize,
			MaxWaitTime: int32(c.Consumer.MaxWaitTime.Milliseconds()), SessionEpoch: -1, Isolation: c.Consumer.IsolationLevel}
		for p, from := range next {
			q.AddBlock(topic, p, from, c.Consumer.Fetch.Default, -1)
		}
		answer, err := b.Fetch(q)
		if err != nil {
			return r, err
		}
		for p, from := range next {
			block := answer.GetBlock(topic, p)
			if block == nil {
				continue
			}
			if block.Err != sarama.ErrNoError {
				return r, fmt.Errorf("%s/%d: %w", topic, p, block.Err)
			}
			if from = r.take(block, from, ends[p]); from < ends[p] {
				next[p] = from
			} else {
				delete(next, p)
			}
		}
	}
	return r, ctx.Err()
}

// take counts the records from the offset from up to end, and returns where to go on.
func (r *Result) take(block *sarama.FetchResponseBlock, from, end int64) int64 {
	for _, set := range block.RecordsSet {
		if set.RecordBatch == nil || set.RecordBatch.PartialTrailingRecord {
			continue
		}
		for _, m := range set.RecordBatch.Records {
			if at := set.RecordBatch.FirstOffset + m.OffsetDelta; at >= from && at < end {
				r.Messages++
				r.Bytes += int64(len(m.Value))
			}
		}
		from = max(from, set.RecordBatch.LastOffset()+1)
	}
	return from
}
