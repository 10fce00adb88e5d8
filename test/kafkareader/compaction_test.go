//go:build realkafka

package kafkareader

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What the log cleaner takes away leaves gaps and empty batches; a bounded read ends behind them. Only a real Kafka, at
// GX_TEST_KAFKA, has a log cleaner.
func TestBatchEndsBehindCompaction(t *testing.T) {
	c := newCluster(t, 1)
	text := func(s string) *string { return &s }
	c.topic += "-compact"
	if _, err := c.adm.CreateTopic(t.Context(), 1, 1, map[string]*string{"cleanup.policy": text("compact"), "segment.ms": text("100"),
		"min.cleanable.dirty.ratio": text("0.001")}, c.topic); err != nil {
		t.Fatal(err)
	}
	const n, keys = 250, 5
	for i := range n {
		r := &kgo.Record{Topic: c.topic, Key: fmt.Appendf(nil, "k%d", i%keys), Value: fmt.Appendf(nil, `{"n":%d}`, i)}
		if err := c.kgo.ProduceSync(context.Background(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if i%50 == 49 {
			time.Sleep(200 * time.Millisecond) // the segment grows old, and the next record closes it
		}
	}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(2 * time.Second) {
		s := c.serve(t, false, 1, "compact-"+serial, `,"beginType":"earliest"`)
		readAll(t, s)
		s.commit(s.got.take())
		s.close()
		if at := c.committed("compact-" + serial)[c.topic+"/0"]; at != n {
			t.Fatalf("ended at %d", at)
		}
		for i := n - keys; i < n; i++ {
			if s.got.count[fmt.Sprintf(`{"n":%d}`, i)] != 1 {
				t.Fatalf("the newest record %d is missing", i)
			}
		}
		if s.got.distinct() < n {
			return // compaction took place
		}
		if time.Now().After(deadline) {
			t.Fatal("the log cleaner did nothing")
		}
	}
}
