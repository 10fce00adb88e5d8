// Package produce sends lines of text to a Kafka topic, fast. It works against
// kfake and against a real Apache Kafka.
package produce

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Options say where the lines go.
type Options struct {
	Brokers []string
	Topic   string
	// Partitions is how many the topic gets if it has to be created; 0 means 1.
	Partitions int
	// KeySeparator cuts each line into key and value at its first occurrence.
	// A line without it has no key. Empty: no line has a key.
	KeySeparator string
	// Compression is none, gzip, snappy, lz4 or zstd; empty means none.
	Compression string
}

const blockSize = 1 << 20

// Lines sends every line read from in as one message, without its line end; a
// last line without line end counts. Without a KeySeparator messages go round the
// partitions in turn; with one, keyed messages go where Kafka's own producer
// sends them. The count is of messages the broker has acknowledged.
func Lines(ctx context.Context, o Options, in io.Reader) (int64, error) {
	client, err := newClient(o)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	if err := createTopic(ctx, client, o); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := sender{o: o, client: client, cancel: cancel}
	readErr := s.send(ctx, in)
	flushErr := client.Flush(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.first != nil:
		return s.acked.Load(), fmt.Errorf("producing to topic %s: %w", o.Topic, s.first)
	case readErr != nil:
		return s.acked.Load(), readErr
	case flushErr != nil:
		return s.acked.Load(), fmt.Errorf("waiting for the last messages to topic %s: %w", o.Topic, flushErr)
	}
	return s.acked.Load(), nil
}

func newClient(o Options) (*kgo.Client, error) {
	partitioner := kgo.RoundRobinPartitioner()
	if o.KeySeparator != "" {
		partitioner = kgo.StickyKeyPartitioner(nil)
	}
	codecs := map[string]kgo.CompressionCodec{"": kgo.NoCompression(), "none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	codec, ok := codecs[o.Compression]
	if !ok {
		return nil, fmt.Errorf("compression %q is unknown: use none, gzip, snappy, lz4 or zstd", o.Compression)
	}
	return kgo.NewClient(
		kgo.SeedBrokers(o.Brokers...),
		kgo.DefaultProduceTopic(o.Topic),
		kgo.RecordPartitioner(partitioner),
		kgo.ProducerBatchCompression(codec),
		kgo.ProducerBatchMaxBytes(1000000),
		kgo.MaxBufferedRecords(200000),
		kgo.MaxBufferedBytes(256<<20),
		kgo.ProducerLinger(5*time.Millisecond),
		kgo.UnknownTopicRetries(50),
		kgo.RecordDeliveryTimeout(time.Minute),
		kgo.DialTimeout(5*time.Second),
		kgo.RetryTimeout(20*time.Second),
	)
}

func createTopic(ctx context.Context, client *kgo.Client, o Options) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic = o.Topic
	topic.NumPartitions = int32(max(1, o.Partitions))
	topic.ReplicationFactor = 1
	req.Topics = append(req.Topics, topic)
	req.TimeoutMillis = 15000
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("creating topic %s: %w", o.Topic, err)
	}
	for _, t := range res.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("creating topic %s: %w", o.Topic, err)
		}
	}
	return nil
}

type sender struct {
	o      Options
	client *kgo.Client
	cancel context.CancelFunc // ends the sending after the first failure
	acked  atomic.Int64

	mu    sync.Mutex // guards first
	first error
}

func (s *sender) done(_ *kgo.Record, err error) {
	if err == nil {
		s.acked.Add(1)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == nil {
		s.first = err
		s.cancel()
	}
}

// send cuts the input into lines. Messages point into the blocks they were read
// in, so a block is given up, not reused.
func (s *sender) send(ctx context.Context, in io.Reader) error {
	separator := []byte(s.o.KeySeparator)
	var records []kgo.Record // handed out one by one, a slab at a time
	line := func(text []byte) {
		if len(records) == 0 {
			records = make([]kgo.Record, 1024)
		}
		r := &records[0]
		records = records[1:]
		r.Value = text
		if len(separator) > 0 {
			if key, value, ok := bytes.Cut(text, separator); ok {
				r.Key, r.Value = key, value
			}
		}
		s.client.Produce(ctx, r, s.done)
	}
	// kept is the unfinished line, with the unused rest of its block as capacity.
	var kept []byte
	for ctx.Err() == nil {
		if len(kept) == cap(kept) {
			block := make([]byte, max(blockSize, 2*len(kept)))
			kept = block[:copy(block, kept)]
		}
		got, err := in.Read(kept[len(kept):cap(kept)])
		data := kept[: len(kept)+got : cap(kept)]
		for {
			end := bytes.IndexByte(data, '\n')
			if end < 0 {
				break
			}
			line(data[:end:end])
			data = data[end+1:]
		}
		kept = data
		switch {
		case err == io.EOF:
			if len(kept) > 0 {
				line(kept)
			}
			return nil
		case err != nil:
			return fmt.Errorf("reading lines: %w", err)
		}
	}
	return ctx.Err()
}
