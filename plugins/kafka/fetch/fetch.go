// Package fetch reads bounded ranges of Kafka partitions without a consumer group. It talks to each leader over a
// connection of its own, because sarama's Broker holds its lock while it decodes, and keeps one fetch ahead of the
// caller, so that the network and the caller's work overlap.
package fetch

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/rcrowley/go-metrics"
)

// MaxBatch bounds what one compressed record batch may unpack to, in bytes: a few kilobytes could ask for gigabytes.
const MaxBatch = 128 << 20

func init() {
	sarama.MaxDecompressedBatchSize = MaxBatch
	metrics.UseNilMetrics = true // sarama counts a lot that nobody reads, and go-metrics would keep a goroutine for it
}

// Range is a stretch of one partition, from the offset Begin up to but not including End.
type Range struct {
	Topic      string
	Partition  int32
	Begin, End int64
}

// Options says how to read. Sizes are in bytes.
type Options struct {
	// Client knows the leaders. Its configuration is used for the connections too.
	Client sarama.Client
	// MinBytes and MaxWaitMs are how much a broker gathers and how long, MaxBytes bounds one answer and
	// PartitionBytes the part of one partition in it.
	MinBytes, MaxWaitMs, MaxBytes, PartitionBytes int32
	// Committed hides records of aborted and open transactions.
	Committed bool
	// Rack lets brokers name a replica that is nearer than the leader.
	Rack string
	// Exceed hands over records past the end of a range, as far as a fetch brought them along.
	Exceed bool
	// Quiet ends the run although ranges are open, when nothing came for this long; 0 is never. With AtEnd only when
	// each of them was read to the newest offset.
	Quiet time.Duration
	AtEnd bool
	// Budget is how long one partition may be without an answer before the run fails.
	Budget time.Duration
	// Answered, when set, is called after the blocks of one answer were handled, also when they held nothing. An error
	// ends the run.
	Answered func() error
	// OutOfRange is asked when a broker no longer has, or does not yet have, an offset. It returns where to go on.
	OutOfRange func(r Range, offset int64) (int64, error)
}

// Block is what one fetch brought of one range.
type Block struct {
	Range int // index into the ranges
	// Batches hold the records, those outside [From, To) included: a broker answers with whole batches.
	Batches  []*sarama.RecordBatch
	From, To int64
	// Next is where the range goes on: behind everything in Batches, and behind what nobody is to see.
	Next      int64
	Epoch     int32 // of the leader, -1 when unknown
	HighWater int64 // the newest offset, -1 when unknown
	Done      bool
}

// BudgetError says that a partition had no answer for longer than the budget. It wraps the last error.
type BudgetError struct {
	Topic     string
	Partition int32
	For       time.Duration
	Err       error
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("no answer for topic %q, partition %d, in %s: %v", e.Topic, e.Partition, e.For.Round(time.Second), e.Err)
}

func (e *BudgetError) Unwrap() error { return e.Err }

// Run reads the ranges and calls handle with their blocks: for each range in the order of offsets, and for the last time
// with Done set. It returns when all ranges are done, with the first error, or soon after ctx ends; nothing that it
// started is left then.
func Run(ctx context.Context, o Options, ranges []Range, handle func(*Block) error) error {
	inner, cancel := context.WithCancelCause(ctx)
	r := newRun(inner, cancel, o, ranges)
	defer r.wait()
	defer cancel(nil)

	open := len(ranges)
	delivered := make([]Block, len(ranges))
	for i := range ranges {
		delivered[i] = Block{Range: i, Next: ranges[i].Begin, Epoch: -1, HighWater: -1}
		if ranges[i].Begin >= ranges[i].End {
			open--
			if err := handle(&Block{Range: i, From: ranges[i].Begin, Next: ranges[i].Begin, Epoch: -1, HighWater: -1, Done: true}); err != nil {
				return err
			}
			delivered[i].Done = true
			continue
		}
		r.orphans <- newCursor(i, &ranges[i], o.PartitionBytes)
	}
	if open == 0 {
		return ctx.Err()
	}
	r.start()

	quiet := time.NewTimer(max(o.Quiet, time.Hour))
	defer quiet.Stop()
	if o.Quiet > 0 {
		quiet.Reset(o.Quiet)
	}
	for open > 0 {
		select {
		case blocks := <-r.blocks:
			for i := range blocks {
				b := &blocks[i]
				if err := handle(b); err != nil {
					return err
				}
				if o.Quiet > 0 && len(b.Batches) > 0 {
					quiet.Reset(o.Quiet)
				}
				d := &delivered[b.Range]
				d.Next, d.Epoch, d.HighWater, d.Done = b.Next, b.Epoch, b.HighWater, b.Done
				if b.Done {
					open--
				}
			}
			if o.Answered != nil {
				if err := o.Answered(); err != nil {
					return err
				}
			}
		case <-quiet.C:
			if o.Quiet == 0 || (o.AtEnd && !allAtEnd(delivered)) {
				quiet.Reset(max(o.Quiet, time.Second))
				continue
			}
			// What is on its way now stays unread: the ranges end where they were handed over.
			cancel(nil)
			r.wait()
			for i := range delivered {
				if d := &delivered[i]; !d.Done {
					d.Done, d.From = true, d.Next
					if err := handle(d); err != nil {
						return err
					}
				}
			}
			return ctx.Err()
		case <-inner.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return context.Cause(inner)
		}
	}
	return nil
}

func allAtEnd(blocks []Block) bool {
	for i := range blocks {
		if !blocks[i].Done && (blocks[i].HighWater < 0 || blocks[i].Next < blocks[i].HighWater) {
			return false
		}
	}
	return true
}
