// Package rig is what a benchmark runs against and with: a real Apache Kafka with a filled topic, the sandbox, gx itself,
// and the readings of processes and machine. Child processes belong to the caller of the function that starts them.
package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/test/bench/message"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Root is the top folder of the repository, looked for from the working folder upwards.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "scripts", "kafka", "start.sh")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is not inside the repository of gx: no scripts/kafka/start.sh above it", dir)
		}
	}
}

// Kafka is a broker that StartKafka started, or one that was there.
type Kafka struct {
	Addr string
	Pid  int // 0 when it was there
	stop func() error
}

// StartKafka starts Apache Kafka on the data in dir, so that topics filled once are there again. With an address it
// uses the broker there instead.
func StartKafka(ctx context.Context, root, dir, addr string) (*Kafka, error) {
	if addr != "" {
		return &Kafka{Addr: addr, stop: func() error { return nil }}, nil
	}
	scripts := filepath.Join(root, "scripts", "kafka")
	start := exec.CommandContext(ctx, filepath.Join(scripts, "start.sh"), dir, "0")
	start.Env = append(os.Environ(), "KAFKA_OWNER_PID="+strconv.Itoa(os.Getpid()))
	start.Stderr = os.Stderr
	out, err := start.Output()
	if err != nil {
		return nil, fmt.Errorf("start.sh: %w", err)
	}
	k := &Kafka{Addr: strings.TrimSpace(string(out)), stop: func() error {
		stop := exec.Command(filepath.Join(scripts, "stop.sh"), dir)
		stop.Stderr = os.Stderr
		return stop.Run()
	}}
	pid, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err == nil {
		k.Pid, err = strconv.Atoi(string(bytes.TrimSpace(pid)))
	}
	if err != nil {
		return nil, errors.Join(err, k.stop())
	}
	return k, nil
}

// Stop stops the broker that StartKafka started; its data stays.
func (k *Kafka) Stop() error { return k.stop() }

// Topic says what a topic of a benchmark holds.
type Topic struct {
	Messages   int64
	Partitions int32
	Seed       uint64
}

// Name holds everything that decides the bytes, so that a topic that is already there can be trusted.
func (t Topic) Name() string {
	return fmt.Sprintf("bench-f%d-s%d-p%d-n%d", message.Form, t.Seed, t.Partitions, t.Messages)
}

// String and ParseTopic carry a topic to a child.
func (t Topic) String() string { return fmt.Sprintf("%d/%d/%d", t.Messages, t.Partitions, t.Seed) }

// ParseTopic reads what String wrote.
func ParseTopic(text string) (t Topic, err error) {
	if _, err = fmt.Sscanf(text, "%d/%d/%d", &t.Messages, &t.Partitions, &t.Seed); err != nil {
		err = fmt.Errorf("topic %q: %w", text, err)
	}
	return t, err
}

// Ensure leaves a topic as it is when it holds as many messages as it should, and fills it anew otherwise. It returns
// whether it filled.
func (t Topic) Ensure(ctx context.Context, addr string) (bool, error) {
	config := sarama.NewConfig()
	config.Admin.Timeout = 30 * time.Second
	client, err := sarama.NewClient([]string{addr}, config)
	if err != nil {
		return false, fmt.Errorf("Kafka at %s: %w", addr, err)
	}
	defer func() { _ = client.Close() }()
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return false, err
	}
	topics, err := admin.ListTopics()
	if err != nil {
		return false, err
	}
	if _, there := topics[t.Name()]; there {
		n, err := t.count(client)
		if err != nil || n == t.Messages {
			return false, err
		}
		if err := t.remove(ctx, client, admin); err != nil {
			return false, err
		}
	}
	forever := "-1"
	err = admin.CreateTopic(t.Name(), &sarama.TopicDetail{NumPartitions: t.Partitions, ReplicationFactor: 1,
		ConfigEntries: map[string]*string{"retention.ms": &forever, "retention.bytes": &forever}}, false)
	if err != nil {
		return false, fmt.Errorf("create topic %s: %w", t.Name(), err)
	}
	if err := t.fill(ctx, addr); err != nil {
		return false, fmt.Errorf("fill topic %s: %w", t.Name(), err)
	}
	n, err := t.count(client)
	if err == nil && n != t.Messages {
		err = fmt.Errorf("topic %s holds %d messages after %d were sent", t.Name(), n, t.Messages)
	}
	return true, err
}

func (t Topic) count(client sarama.Client) (int64, error) {
	if err := client.RefreshMetadata(t.Name()); err != nil {
		return 0, err
	}
	partitions, err := client.Partitions(t.Name())
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, p := range partitions {
		first, err := client.GetOffset(t.Name(), p, sarama.OffsetOldest)
		if err != nil {
			return 0, err
		}
		end, err := client.GetOffset(t.Name(), p, sarama.OffsetNewest)
		if err != nil {
			return 0, err
		}
		sum += end - first
	}
	return sum, nil
}

// remove deletes what an interrupted run left and waits until the broker has forgotten the name.
func (t Topic) remove(ctx context.Context, client sarama.Client, admin sarama.ClusterAdmin) error {
	if err := admin.DeleteTopic(t.Name()); err != nil {
		return fmt.Errorf("delete topic %s: %w", t.Name(), err)
	}
	for {
		err := client.RefreshMetadata(t.Name())
		if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// batchBytes is between the 16 KiB that Java producers gather by default and the 64 KiB that busy ones are set to.
const batchBytes = 32 << 10

// inFlight bounds the messages in memory; each slot is used again when its message is safe.
const inFlight = 1 << 16

// fill sends the messages 0 to Messages-1, uncompressed, message i to partition i mod Partitions.
func (t Topic) fill(ctx context.Context, addr string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DefaultProduceTopic(t.Name()), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(batchBytes), kgo.ProducerLinger(50*time.Millisecond),
		kgo.MaxBufferedRecords(2*inFlight))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	free := make(chan *kgo.Record, inFlight)
	for range inFlight {
		free <- &kgo.Record{Value: make([]byte, 0, 256)}
	}
	source := message.Source{Seed: t.Seed}
	for id := range t.Messages {
		var r *kgo.Record
		select {
		case r = <-free:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		*r = kgo.Record{Partition: int32(id % int64(t.Partitions)), Value: source.Append(r.Value[:0], id)}
		client.Produce(ctx, r, func(r *kgo.Record, err error) {
			if err != nil {
				cancel(err)
			}
			free <- r
		})
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	return context.Cause(ctx)
}
