package rig

import (
	"context"
	"testing"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/test/bench/message"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestTopicString(t *testing.T) {
	want := Topic{Messages: 5_000_000, Partitions: 4, Seed: 1 << 63}
	got, err := ParseTopic(want.String())
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := ParseTopic("many/4/1"); err == nil {
		t.Error("nonsense was taken for a topic")
	}
}

func TestEnsure(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	addr := cluster.ListenAddrs()[0]
	topic := Topic{Messages: 5001, Partitions: 4, Seed: 3}

	if filled, err := topic.Ensure(t.Context(), addr); err != nil || !filled {
		t.Fatalf("first: filled %v, %v", filled, err)
	}
	check(t, addr, topic)
	if filled, err := topic.Ensure(t.Context(), addr); err != nil || filled {
		t.Fatalf("second: filled %v, %v", filled, err)
	}

	// An interrupted run leaves fewer messages under the same name.
	admin, err := sarama.NewClusterAdmin([]string{addr}, sarama.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	topic.Messages = 77
	if err := admin.CreateTopic(topic.Name(), &sarama.TopicDetail{NumPartitions: 4, ReplicationFactor: 1}, false); err != nil {
		t.Fatal(err)
	}
	if filled, err := topic.Ensure(t.Context(), addr); err != nil || !filled {
		t.Fatalf("after an interrupted run: filled %v, %v", filled, err)
	}
	check(t, addr, topic)
}

// check reads the topic and compares every value with the one that its id gives.
func check(t *testing.T, addr string, topic Topic) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic.Name()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	source := message.Source{Seed: topic.Seed}
	var n int64
	for n < topic.Messages {
		fetches := client.PollFetches(context.Background())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			id := r.Offset*int64(topic.Partitions) + int64(r.Partition)
			if want := string(source.Append(nil, id)); string(r.Value) != want {
				t.Fatalf("partition %d, offset %d holds %s, want %s", r.Partition, r.Offset, r.Value, want)
			}
			n++
		})
	}
}
