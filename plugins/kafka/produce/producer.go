// Package produce sends records to the partitions of Kafka topics, in order and with nothing left open: a load is sent when
// the broker has answered for every record in it. A Producer has one request under way at each broker, so that a record
// that has to be sent again never comes behind the next one of its partition; with an id of its own the broker drops what
// comes twice.
//
// It works on sarama's Broker and not on its producer, because a row must be traced from its batch to the answer for it,
// and a record that a broker refuses must be found among its neighbours: a batch is refused as a whole.
package produce

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/kafka/fetch"
	"github.com/gx-etl/gx/plugins/sdk"
)

// Options says how to send. Sizes are in bytes and before compression.
type Options struct {
	// Client knows the leaders. Its configuration is used for the connections too.
	Client sarama.Client
	Acks   sarama.RequiredAcks
	// Idempotent asks for an id, by which the broker knows what it has.
	Idempotent bool
	Codec      sarama.CompressionCodec
	Level      int
	BatchBytes int // of one record batch; a larger record stands alone in its batch
	// RequestBytes bounds one request, and every record.
	RequestBytes int
	// TimeoutMs is how long a broker may wait for its replicas.
	TimeoutMs int32
	// A batch that finds no broker is sent again after Backoff, which doubles up to a second, at most Retries times and for
	// no longer than Budget.
	Backoff time.Duration
	Retries int
	Budget  time.Duration
}

// Producer sends the loads of one lane. One goroutine uses it.
type Producer struct {
	o       Options
	config  *sarama.Config
	brokers map[int32]*sarama.Broker
	id      int64 // -1: none
	epoch   int16
	ids     int   // how many there were
	resets  int   // of the id, since anything was written
	stamp   int64 // Unix milliseconds for records without a time
	slab    slab
}

// New makes a Producer whose connections end with ctx.
func New(ctx context.Context, o Options) *Producer {
	return &Producer{o: o, config: fetch.Bound(ctx, o.Client.Config()), brokers: map[int32]*sarama.Broker{}, id: -1, epoch: -1}
}

// Close ends the connections.
func (p *Producer) Close() {
	for id, b := range p.brokers {
		_ = b.Close()
		delete(p.brokers, id)
	}
}

// BudgetError says that a partition took nothing for longer than the budget, or more often than there are retries. It wraps
// the last error.
type BudgetError struct {
	Topic     string
	Partition int32
	For       time.Duration
	Tries     int
	Err       error
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("topic %q, partition %d took nothing in %s and %d tries: %v", e.Topic, e.Partition, e.For.Round(time.Millisecond), e.Tries, e.Err)
}

func (e *BudgetError) Unwrap() error { return e.Err }

// PartitionError is an answer of a broker that ends the job. It wraps the answer.
type PartitionError struct {
	Topic     string
	Partition int32
	Err       error
}

func (e *PartitionError) Error() string {
	return fmt.Sprintf("write to topic %q, partition %d: %v", e.Topic, e.Partition, e.Err)
}

func (e *PartitionError) Unwrap() error { return e.Err }

// Sent is what came of a load.
type Sent struct {
	Landed, Requests, Bytes int64
	Dirty                   []sdk.Dirty
}

// line is what a partition has left to send.
type line struct {
	to      *partition
	pending [][]int32 // runs of records, the next one last
	since   time.Time
	tries   int
	err     error // of the last try, while there was none that succeeded
}

// Send sends every record of a load and returns when each is written or refused. Without an error nothing is open.
func (p *Producer) Send(ctx context.Context, l *Load) (Sent, error) {
	var sent Sent
	p.stamp = time.Now().UnixMilli()
	lines := p.lines(l, &sent)
	for len(lines) > 0 {
		if err := p.identify(ctx); err != nil {
			return sent, err
		}
		answers, err := p.wave(ctx, l, lines, &sent)
		if err != nil {
			return sent, err
		}
		failed, reset := false, false
		for i, a := range answers {
			bad, again, err := p.settle(l, lines[i], a, &sent)
			if err != nil {
				return sent, err
			}
			failed, reset = failed || bad, reset || again
		}
		if reset {
			p.id = -1
			if p.resets++; p.resets > 5 {
				return sent, fmt.Errorf("the brokers do not accept the order of records: %w", sarama.ErrOutOfOrderSequenceNumber)
			}
		}
		kept := lines[:0]
		var topics []string
		tries := 0
		for _, ln := range lines {
			if len(ln.pending) > 0 {
				kept = append(kept, ln)
			}
			if ln.err != nil {
				topics, tries = append(topics, ln.to.topic), max(tries, ln.tries)
			}
		}
		lines = kept
		if failed {
			if err := p.backoff(ctx, tries, topics); err != nil {
				return sent, err
			}
		}
	}
	return sent, ctx.Err()
}

// lines cuts a load into what goes to each partition.
func (p *Producer) lines(l *Load, sent *Sent) []*line {
	var out []*line
	for i := range l.slots {
		if s := &l.slots[i]; len(s.records) > 0 {
			if ln := p.cut(l, s.to, s.records, sent); len(ln.pending) > 0 {
				out = append(out, ln)
			}
		}
	}
	return out
}

// cut makes runs of a size that fits into one batch. A record that fits into no request is dirty.
func (p *Producer) cut(l *Load, to *partition, all []int32, sent *Sent) *line {
	ln := &line{to: to}
	size, from := 0, 0
	for i, n := range all {
		own := l.records[n].Size(&l.Buffer)
		if own > p.o.RequestBytes {
			l.refuse(n, fmt.Sprintf("key, value and headers take %d bytes, more than max.request.size %d", own, p.o.RequestBytes), sent)
			if i > from {
				ln.pending = append(ln.pending, all[from:i])
			}
			from, size = i+1, 0
			continue
		}
		if size+own > p.o.BatchBytes && i > from {
			ln.pending = append(ln.pending, all[from:i])
			from, size = i, 0
		}
		size += own
	}
	if from < len(all) {
		ln.pending = append(ln.pending, all[from:])
	}
	for i, j := 0, len(ln.pending)-1; i < j; i, j = i+1, j-1 {
		ln.pending[i], ln.pending[j] = ln.pending[j], ln.pending[i]
	}
	return ln
}

// refuse makes a record dirty.
func (l *Load) refuse(n int32, reason string, sent *Sent) {
	r := &l.records[n]
	sent.Dirty = append(sent.Dirty, sdk.Dirty{Sequence: r.sequence, Row: int(r.row), Place: l.place(r), Reason: reason,
		Record: append([]byte(nil), r.Value.In(l.Data)...), Key: append([]byte(nil), r.Key.In(l.Data)...)})
}

func (l *Load) place(r *record) string {
	for i := range l.Batches {
		if l.Batches[i].Sequence == r.sequence {
			return fmt.Sprintf("row %d of a batch of %s", r.row, l.Batches[i].Shard)
		}
	}
	return ""
}

// backoff waits before lines that found no broker are tried again, and looks their leaders up anew.
func (p *Producer) backoff(ctx context.Context, tries int, topics []string) error {
	select {
	case <-time.After(min(p.o.Backoff<<min(max(tries-1, 0), 6), max(time.Second, p.o.Backoff))):
	case <-ctx.Done():
		return ctx.Err()
	}
	_ = p.o.Client.RefreshMetadata(topics...) // when this fails, so will the look for the leader
	return ctx.Err()
}

// identify asks for an id, unless there is one or none is wanted.
func (p *Producer) identify(ctx context.Context) error {
	if !p.o.Idempotent || p.id >= 0 {
		return nil
	}
	began := time.Now()
	for tries := 1; ; tries++ {
		answer, err := p.askID()
		if err == nil && errors.Is(answer.Err, sarama.ErrNoError) {
			p.id, p.epoch = answer.ProducerID, answer.ProducerEpoch
			p.ids++
			return nil
		}
		if err == nil {
			err = answer.Err
			if !passing(answer.Err) {
				return fmt.Errorf("ask for the id of a producer: %w", err)
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if away := time.Since(began); away > p.o.Budget || tries > p.o.Retries {
			return &BudgetError{For: away, Tries: tries, Err: fmt.Errorf("ask for the id of a producer: %w", err)}
		}
		if err := p.backoff(ctx, tries, nil); err != nil {
			return err
		}
	}
}

func (p *Producer) askID() (*sarama.InitProducerIDResponse, error) {
	known := p.o.Client.Brokers()
	if len(known) == 0 {
		return nil, sarama.ErrOutOfBrokers
	}
	var last error
	for _, b := range known {
		to, err := p.open(b)
		if err != nil {
			last = err
			continue
		}
		answer, err := to.InitProducerID(&sarama.InitProducerIDRequest{Version: 1})
		if err == nil {
			return answer, nil
		}
		last = fmt.Errorf("broker %d at %s: %w", b.ID(), b.Addr(), err)
		p.drop(b.ID())
	}
	return nil, last
}

// open gives this producer's own connection to a broker.
func (p *Producer) open(b *sarama.Broker) (*sarama.Broker, error) {
	if own := p.brokers[b.ID()]; own != nil {
		if own.Addr() == b.Addr() {
			return own, nil
		}
		p.drop(b.ID())
	}
	own := sarama.NewBroker(b.Addr())
	if err := own.Open(p.config); err != nil {
		return nil, fmt.Errorf("connect to broker %d at %s: %w", b.ID(), b.Addr(), err)
	}
	p.brokers[b.ID()] = own
	return own, nil
}

func (p *Producer) drop(id int32) {
	if b := p.brokers[id]; b != nil {
		_ = b.Close()
		delete(p.brokers, id)
	}
}

// words is an error of a broker as its protocol calls it.
func words(err sarama.KError) string {
	names := map[sarama.KError]string{
		sarama.ErrMessageSizeTooLarge: "MESSAGE_TOO_LARGE", sarama.ErrInvalidRecord: "INVALID_RECORD", sarama.ErrInvalidMessage: "CORRUPT_MESSAGE",
		sarama.ErrInvalidTimestamp: "INVALID_TIMESTAMP", sarama.ErrMessageSetSizeTooLarge: "RECORD_LIST_TOO_LARGE",
	}
	text := strings.TrimPrefix(err.Error(), "kafka server: ")
	if name := names[err]; name != "" {
		return name + ": " + text
	}
	return text
}
