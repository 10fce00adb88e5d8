package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What gx asks of Kafka through sarama, asked of the embedded broker. Where one
// of these fails, end-to-end tests on the embedded broker prove nothing.

const messages = 3000

func kafka(t *testing.T) (*Sandbox, *sarama.Config) {
	t.Helper()
	s := start(t, Options{WithKafka: true})
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V3_6_0_0
	cfg.Consumer.Return.Errors = true
	cfg.Consumer.Offsets.Initial = sarama.OffsetOldest
	cfg.Consumer.Offsets.AutoCommit.Enable = false
	var sb strings.Builder
	for i := range messages {
		fmt.Fprintf(&sb, "message %d\n", i)
	}
	if n, err := s.Produce(t.Context(), "topic", 3, strings.NewReader(sb.String())); err != nil || n != messages {
		t.Fatalf("%d messages, %v", n, err)
	}
	return s, cfg
}

func client(t *testing.T, s *Sandbox, cfg *sarama.Config) sarama.Client {
	t.Helper()
	c, err := sarama.NewClient([]string{s.KafkaAddr()}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil && !errors.Is(err, sarama.ErrClosedClient) {
			t.Error(err)
		}
	})
	return c
}

// member hands on what it reads, and commits the end of every partition with a
// fenced request of its own.
type member struct {
	client sarama.Client
	got    chan string
	commit chan error
	metas  string
}

func (m *member) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (m *member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *member) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for {
		select {
		case msg := <-c.Messages():
			if msg == nil {
				return nil
			}
			m.got <- string(msg.Value)
			if msg.Offset == c.HighWaterMarkOffset()-1 {
				m.commit <- commitOffset(m.client, "group", s.MemberID(), s.GenerationID(), c.Partition(), msg.Offset+1, m.metas)
			}
		case <-s.Context().Done():
			return nil
		}
	}
}

func commitOffset(c sarama.Client, group, memberID string, generation, partition int32, offset int64, meta string) error {
	broker, err := c.Coordinator(group)
	if err != nil {
		return err
	}
	req := &sarama.OffsetCommitRequest{Version: 7, ConsumerGroup: group, ConsumerID: memberID, ConsumerGroupGeneration: generation}
	req.AddBlock("topic", partition, offset, 0, meta)
	res, err := broker.CommitOffset(req)
	if err != nil {
		return err
	}
	if code := res.Errors["topic"][partition]; code != sarama.ErrNoError {
		return code
	}
	return nil
}

func committed(t *testing.T, c sarama.Client, group string, partition int32) (int64, string) {
	t.Helper()
	broker, err := c.Coordinator(group)
	if err != nil {
		t.Fatal(err)
	}
	req := &sarama.OffsetFetchRequest{Version: 5, ConsumerGroup: group}
	req.AddPartition("topic", partition)
	res, err := broker.FetchOffset(req)
	if err != nil {
		t.Fatal(err)
	}
	b := res.GetBlock("topic", partition)
	if b == nil || b.Err != sarama.ErrNoError {
		t.Fatalf("partition %d: %+v", partition, b)
	}
	return b.Offset, b.Metadata
}

func TestKafkaConsumerGroup(t *testing.T) {
	s, cfg := kafka(t)
	c := client(t, s, cfg)
	group, err := sarama.NewConsumerGroupFromClient("group", c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m := &member{client: c, got: make(chan string, messages), commit: make(chan error, 3), metas: `{"label":"gx-1"}`}
	consumed := make(chan error, 1)
	go func() { consumed <- group.Consume(ctx, []string{"topic"}, m) }()
	seen := map[string]bool{}
	for len(seen) < messages {
		select {
		case v := <-m.got:
			seen[v] = true
		case err := <-group.Errors():
			t.Fatal(err)
		case <-ctx.Done():
			t.Fatalf("%d of %d messages", len(seen), messages)
		}
	}
	for range 3 {
		if err := <-m.commit; err != nil {
			t.Errorf("fenced commit: %v", err)
		}
	}
	for p := range int32(3) {
		if off, meta := committed(t, c, "group", p); off != messages/3 || meta != `{"label":"gx-1"}` {
			t.Errorf("partition %d: offset %d, metadata %q", p, off, meta)
		}
	}
	// The fence: while members are there, a stranger's commit is refused.
	if err := commitOffset(c, "group", "", -1, 0, 1, ""); !errors.Is(err, sarama.ErrUnknownMemberId) && !errors.Is(err, sarama.ErrIllegalGeneration) {
		t.Errorf("commit without generation into a live group: %v", err)
	}
	if err := commitOffset(c, "group", "stranger", 1, 0, 1, ""); err == nil {
		t.Error("commit of an unknown member was taken")
	}
	cancel()
	if err := <-consumed; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := group.Close(); err != nil {
		t.Error(err)
	}
}

func TestKafkaCommitWithoutGroupMembers(t *testing.T) {
	s, cfg := kafka(t)
	c := client(t, s, cfg)
	for version := int16(1); version <= 8; version++ {
		broker, err := c.Coordinator("lonely")
		if err != nil {
			t.Fatal(err)
		}
		req := &sarama.OffsetFetchRequest{Version: version, ConsumerGroup: "lonely"}
		req.AddPartition("topic", 0)
		res, err := broker.FetchOffset(req)
		if err != nil {
			t.Fatal(err)
		}
		if b := res.GetBlock("topic", 0); res.Err != sarama.ErrNoError || b == nil || b.Offset != -1 || b.Err != sarama.ErrNoError {
			t.Errorf("version %d before any commit: %v, %+v", version, res.Err, b)
		}
	}
	if err := commitOffset(c, "lonely", "", -1, 0, 42, "meta"); err != nil {
		t.Fatal(err)
	}
	if off, meta := committed(t, c, "lonely", 0); off != 42 || meta != "meta" {
		t.Errorf("offset %d, metadata %q", off, meta)
	}
	// The same offset with new metadata, as the decision of a flush writes it.
	if err := commitOffset(c, "lonely", "", -1, 0, 42, "other"); err != nil {
		t.Fatal(err)
	}
	if off, meta := committed(t, c, "lonely", 0); off != 42 || meta != "other" {
		t.Errorf("offset %d, metadata %q", off, meta)
	}
}

func TestKafkaListOffsets(t *testing.T) {
	s, cfg := kafka(t)
	c := client(t, s, cfg)
	base := time.Now().Add(-time.Hour).Truncate(time.Second)
	producer, err := kgo.NewClient(kgo.SeedBrokers(s.KafkaAddr()), kgo.AllowAutoTopicCreation(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	for i := range 10 {
		r := &kgo.Record{Topic: "times", Value: fmt.Append(nil, i), Timestamp: base.Add(time.Duration(i) * time.Minute)}
		if err := producer.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for at, want := range map[int64]int64{
		sarama.OffsetOldest: 0, sarama.OffsetNewest: 10,
		base.UnixMilli(): 0, base.Add(3 * time.Minute).UnixMilli(): 3, base.Add(3*time.Minute + time.Second).UnixMilli(): 4,
		base.Add(time.Hour).UnixMilli(): -1,
	} {
		got, err := c.GetOffset("times", 0, at)
		if err != nil || got != want {
			t.Errorf("offset at %d: %d, %v; want %d", at, got, err, want)
		}
	}
}

func TestKafkaReadCommitted(t *testing.T) {
	s, cfg := kafka(t)
	cfg.Consumer.IsolationLevel = sarama.ReadCommitted
	tx, err := kgo.NewClient(kgo.SeedBrokers(s.KafkaAddr()), kgo.TransactionalID("tx"), kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic("tx"))
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Close()
	round := func(value string, end kgo.TransactionEndTry) {
		t.Helper()
		if err := tx.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := tx.ProduceSync(t.Context(), kgo.StringRecord(value)).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := tx.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	round("kept 1", kgo.TryCommit)
	round("dropped", kgo.TryAbort)
	round("kept 2", kgo.TryCommit)
	c := client(t, s, cfg)
	consumer, err := sarama.NewConsumerFromClient(c)
	if err != nil {
		t.Fatal(err)
	}
	part, err := consumer.ConsumePartition("tx", 0, sarama.OffsetOldest)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"kept 1", "kept 2"} {
		select {
		case m := <-part.Messages():
			if string(m.Value) != want {
				t.Errorf("%q, want %q", m.Value, want)
			}
		case err := <-part.Errors():
			t.Fatal(err)
		case <-time.After(30 * time.Second):
			t.Fatalf("no %q", want)
		}
	}
	if err := part.Close(); err != nil {
		t.Error(err)
	}
	if err := consumer.Close(); err != nil {
		t.Error(err)
	}
}
