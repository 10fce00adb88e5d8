package harness

import (
	"context"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Landed gives every record that stands in a topic now: partition by partition, in the order of their offsets.
func (b *Broker) Landed(t *testing.T, topic string) map[int32][]*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), brokerPatience)
	defer cancel()
	ends, err := b.ends(ctx, t, topic)
	for errors.Is(err, kerr.UnknownTopicOrPartition) && ctx.Err() == nil { // a topic that was just made
		ends, err = b.ends(ctx, t, topic)
	}
	if err != nil {
		t.Fatalf("%s: topic %s: %v", b.Name, topic, err)
	}
	total := int64(0)
	ends.Each(func(o kadm.ListedOffset) { total += o.Offset })
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.Addr), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	out := map[int32][]*kgo.Record{}
	for n := int64(0); n < total; {
		got := cl.PollFetches(ctx)
		if err := got.Err(); err != nil {
			t.Fatalf("%s: read %d of %d records of topic %s: %v", b.Name, n, total, topic, err)
		}
		for _, r := range got.Records() {
			out[r.Partition] = append(out[r.Partition], r)
			n++
		}
	}
	return out
}

func (b *Broker) ends(ctx context.Context, t *testing.T, topic string) (kadm.ListedOffsets, error) {
	ends, err := kadm.NewClient(b.client(t)).ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	return ends, err
}

// Configure sets a property of a topic.
func (b *Broker) Configure(t *testing.T, topic, name, value string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), brokerPatience)
	defer cancel()
	got, err := kadm.NewClient(b.client(t)).AlterTopicConfigs(ctx, []kadm.AlterConfig{{Name: name, Value: &value}}, topic)
	if err == nil {
		_, err = got.On(topic, func(r *kadm.AlterConfigsResponse) error { return r.Err })
	}
	if err != nil {
		t.Fatalf("%s: %s of topic %s: %v", b.Name, name, topic, err)
	}
}
