package harness

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ReadTopic gives the n messages that a topic is to hold, as the broker has them, partition by partition; more or fewer are a
// failure.
func (b *Broker) ReadTopic(t *testing.T, topic string, n int) []*kgo.Record {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.Addr), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), brokerPatience)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%s: %d of %d messages in %s: %v", b.Name, len(out), n, topic, err)
		}
		out = append(out, fetches.Records()...)
	}
	if len(out) > n {
		t.Fatalf("%s: %d messages in %s, want %d", b.Name, len(out), topic, n)
	}
	return out
}
