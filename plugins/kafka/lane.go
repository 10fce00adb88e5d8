package kafka

import (
	"context"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/kafka/fetch"
	"github.com/gx-etl/gx/plugins/sdk"
)

// lane assembles what one Read fetches. Rows are gathered from one range at a time.
type lane struct {
	*assembler
	ranges  []fetch.Range
	session uint64 // of the group, 0 without one
	pulses  string // the topic whose heartbeats of gx are left out, "" for none
	send    func(b sdk.Outgoing, next int64) error

	current int      // index of the range that is gathered
	pending position // where it resumes behind what is gathered
	lag     int64
}

// take handles a block. Rows are gathered over blocks as long as these come from one range and bring something.
func (l *lane) take(ctx context.Context, b *fetch.Block) error {
	if b.Range != l.current || len(b.Batches) == 0 {
		if err := l.flush(); err != nil {
			return err
		}
	}
	f := &l.ranges[b.Range]
	l.current = b.Range
	l.of(f.Topic, f.Partition)
	end := f.End
	if b.HighWater >= 0 {
		end = min(end, b.HighWater)
	}
	for _, batch := range b.Batches {
		if err := l.batch(ctx, b, batch, end); err != nil {
			return err
		}
	}
	l.pending, l.lag = position{Offset: b.Next, Epoch: b.Epoch, Session: l.session}, max(0, end-b.Next)
	if b.Done {
		// Also without rows: the position is behind what compaction and transactions left at the end.
		return l.send(l.assembler.take(l.pending, 0), b.Next)
	}
	return nil
}

func (l *lane) batch(ctx context.Context, b *fetch.Block, batch *sarama.RecordBatch, end int64) error {
	base, fixed := batchTime(batch)
	m := message{time: base}
	pulses := l.pulses == l.topic
	for _, rec := range batch.Records {
		m.offset = batch.FirstOffset + rec.OffsetDelta
		if m.offset < b.From || m.offset >= b.To {
			continue
		}
		if !fixed {
			m.time = base + rec.TimestampDelta.Milliseconds()
		}
		m.key, m.value, m.headers = rec.Key, rec.Value, rec.Headers
		if pulses && isPulse(rec.Headers) {
			l.leaveOut(&m)
			continue
		}
		done, err := l.add(ctx, &m)
		if err != nil {
			return err
		}
		for ; !done; done = l.more(&m) {
			// Rows of the message are still to come: the partition resumes at it, not behind it.
			here := position{Offset: m.offset, Epoch: batch.PartitionLeaderEpoch, Session: l.session}
			if err := l.send(l.assembler.take(here, max(0, end-here.Offset)), here.Offset); err != nil {
				return err
			}
		}
		if l.full() {
			next := position{Offset: m.offset + 1, Epoch: batch.PartitionLeaderEpoch, Session: l.session}
			if err := l.send(l.assembler.take(next, max(0, end-next.Offset)), next.Offset); err != nil {
				return err
			}
		}
	}
	return nil
}

// batchTime is the time of a batch in Unix milliseconds, -1 when it has none; fixed tells that it is that of all its
// records, as brokers stamp them.
func batchTime(b *sarama.RecordBatch) (base int64, fixed bool) {
	at := b.FirstTimestamp
	if b.LogAppendTime {
		at = b.MaxTimestamp
	}
	if at.IsZero() || at.UnixMilli() < 0 {
		return -1, true
	}
	return at.UnixMilli(), b.LogAppendTime
}

func (l *lane) flush() error {
	if l.empty() {
		return nil
	}
	return l.send(l.assembler.take(l.pending, l.lag), l.pending.Offset)
}
