package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/kafka/compose"
	"github.com/gx-etl/gx/plugins/kafka/produce"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// writeLane is one Write. It fills a load while another goroutine sends the one before; no more than these two exist.
type writeLane struct {
	w       *Writer
	ctx     context.Context
	in      *sdk.In
	decoder rows.Decoder
	topics  produce.Topics
	limit   int // size of a load from which on it is sent, in bytes

	schema   *arrow.Schema
	composer *compose.Composer

	load  *produce.Load
	why   string              // the load should go; "": not yet
	ready chan *produce.Load  // to the sender
	empty chan *produce.Load  // back from it
	timer *time.Timer         // how long the first row of the load waits
	names map[string]struct{} // of topics that rows named and that are legal
	name  string              // of the topic of the row before
}

// most is the size of a load that is not bounded by the memory of the job, in bytes.
const most = 4 << 20

// Write serves sdk.Writer. Batches are acked when the brokers have answered for all of their rows.
func (w *Writer) Write(ctx context.Context, number int, in *sdk.In) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	leave, err := w.enter(number, cancel)
	if err != nil {
		return err
	}
	defer leave()
	out := &w.set.link.out
	l := &writeLane{w: w, ctx: ctx, in: in, limit: most, ready: make(chan *produce.Load), empty: make(chan *produce.Load, 2), timer: time.NewTimer(time.Hour),
		names: map[string]struct{}{}}
	if share := w.info.Memory / int64(max(w.info.Lanes, 1)) / 4; share > 0 {
		l.limit = int(min(share, most))
	}
	l.topics = produce.Topics{Partitioner: out.partitioner, BatchBytes: int(out.batchBytes),
		Partitions: func(topic string) (all, open []int32, err error) { return w.partitionsOf(ctx, topic) }}
	l.empty <- new(produce.Load)
	l.load = new(produce.Load)
	l.timer.Stop()
	defer l.timer.Stop()

	sending := make(chan struct{})
	go func() {
		defer close(sending)
		if err := l.send(); err != nil {
			cancel(err)
		}
	}()
	err = l.fill()
	if err != nil {
		cancel(err)
	}
	close(l.ready)
	<-sending
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// send sends loads until there are no more.
func (l *writeLane) send() error {
	w, out := l.w, &l.w.set.link.out
	p := produce.New(l.ctx, produce.Options{
		Client: w.cluster.client, Acks: out.acks, Idempotent: out.idempotent, Codec: out.codec, Level: out.level(),
		BatchBytes: int(out.batchBytes), RequestBytes: int(out.requestBytes), TimeoutMs: w.set.link.requestMs,
		Backoff: millis(w.set.link.backoffMs), Retries: int(out.retries), Budget: millis(out.budgetMs),
	})
	defer p.Close()
	for load := range l.ready {
		sent, err := p.Send(l.ctx, load)
		if err != nil {
			return writeFault(err, w.options.Topic)
		}
		n := int64(len(load.Dirty) + len(sent.Dirty))
		ack := sdk.Ack{Dirty: append(load.Dirty, sent.Dirty...), Landed: -n, Loads: sent.Requests, LoadBytes: sent.Bytes,
			Done:         []sdk.Range{{First: load.Batches[0].Sequence, Last: load.Batches[len(load.Batches)-1].Sequence}},
			FlushReasons: map[string]int64{load.Why: 1}}
		for _, b := range load.Batches {
			ack.Landed += int64(b.Rows)
		}
		if ack.Landed != sent.Landed {
			return sdk.Faultf(sdk.Internal, "%d rows of a load should have landed, and %d did", ack.Landed, sent.Landed)
		}
		w.rows.Add(ack.Landed)
		if err := l.in.Ack(ack); err != nil {
			return err
		}
		load.Reset()
		l.empty <- load
	}
	return nil
}

// fill makes loads of batches until there are no more.
func (l *writeLane) fill() error {
	for {
		batches, ready := l.in.Batches(), l.ready
		if l.why == "" {
			ready = nil
		}
		if l.load.Size() >= l.limit {
			batches = nil
		}
		select {
		case <-l.ctx.Done():
			return context.Cause(l.ctx)
		case <-l.in.Flush():
			l.due("asked")
		case <-l.timer.C:
			l.due("linger")
		case ready <- l.load:
			if err := l.begin(); err != nil {
				return err
			}
		case b, ok := <-batches:
			if !ok {
				return l.end()
			}
			if err := l.take(b); err != nil {
				return err
			}
		}
	}
}

// due notes that the load should go.
func (l *writeLane) due(why string) {
	if l.why == "" && !l.load.Empty() {
		l.why, l.load.Why = why, why
	}
}

// begin begins a load, after the one before was handed over.
func (l *writeLane) begin() error {
	l.why = ""
	l.timer.Stop()
	select {
	case l.load = <-l.empty:
		return l.topics.Renew()
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	}
}

// end sends what is left, unless the run is cut.
func (l *writeLane) end() error {
	if err := context.Cause(l.ctx); err != nil {
		return err
	}
	if l.due("end"); l.load.Empty() {
		return nil
	}
	select {
	case l.ready <- l.load:
		return nil
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	}
}

// take puts the rows of a batch into the load.
func (l *writeLane) take(b *sdk.Batch) error {
	defer b.Release()
	rec, err := b.Decode(&l.decoder)
	if err != nil {
		return err
	}
	defer rec.Release()
	if s := rec.Schema(); l.schema == nil || l.schema != s && !l.schema.Equal(s) {
		if l.composer, err = compose.New(&l.w.set.form, s); err != nil {
			return err
		}
		l.schema = s
	}
	load := l.load
	if load.Empty() {
		l.timer.Reset(millis(l.w.set.link.out.lingerMs))
	}
	load.Batches = append(load.Batches, produce.Origin{Sequence: b.Sequence, Rows: b.Rows, Shard: b.Shard})
	for row := range b.Rows {
		name, reason, err := l.topic(rec, row, b)
		if err != nil {
			return err
		}
		column := ""
		if reason != "" {
			column = compose.TopicColumn
		} else {
			var m compose.Message
			if m, column, reason = l.composer.Compose(rec, row, &load.Buffer); reason == "" {
				if reason, err = load.Add(&l.topics, name, m, b.Sequence, row); err != nil {
					return err
				} else if reason != "" {
					column = compose.PartitionColumn
				}
			}
		}
		if reason != "" {
			load.Dirty = append(load.Dirty, sdk.Dirty{Sequence: b.Sequence, Row: row, Place: fmt.Sprintf("row %d of a batch of %s", row, b.Shard), Reason: reason,
				Column: column, Record: l.composer.Shown(rec, row)})
		}
	}
	if load.Size() >= l.limit {
		l.due("size")
	}
	return nil
}

// topic is where a row goes. A reason says why it goes nowhere.
func (l *writeLane) topic(rec arrow.RecordBatch, row int, b *sdk.Batch) (name, reason string, err error) {
	if t := l.w.options.Topic; t != "" {
		return t, "", nil
	}
	if own := l.composer.Topic(rec, row); own != nil {
		if string(own) == l.name && l.name != "" {
			return l.name, "", nil
		}
		name = string(own)
	} else if name = b.Destination; name == l.name && name != "" {
		return name, "", nil
	}
	if name == "" {
		return "", "", sdk.Faultf(sdk.Config, "topic is not given, and rows of %s name none", b.Shard).At("topic").
			Hint("give topic, or have the reader give a column %s", compose.TopicColumn)
	}
	if _, known := l.names[name]; !known {
		if !legalTopic.MatchString(name) || name == "." || name == ".." {
			return "", fmt.Sprintf("%q cannot be the name of a topic", name), nil
		}
		l.names[name] = struct{}{}
	}
	l.name = name
	return name, "", nil
}
