package kafkareader

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/twmb/franz-go/pkg/kgo"
)

// beats reads the next n heartbeats of a topic.
func (c *cluster) beats(t *testing.T, topic string, n int) (out []beat) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(c.addr, ",")...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for len(out) < n {
		got := cl.PollFetches(t.Context())
		if err := got.Err(); err != nil {
			t.Fatal(err)
		}
		for _, r := range got.Records() {
			if len(r.Headers) == 0 || r.Headers[0].Key != "gx-heartbeat" {
				continue // data
			}
			b := beat{on: r.Partition}
			if err := json.Unmarshal(r.Value, &b); err != nil {
				t.Fatalf("%q: %v", r.Value, err)
			}
			if b.Group != string(r.Key) {
				t.Errorf("key %q, group %q", r.Key, b.Group)
			}
			out = append(out, b)
		}
	}
	return out
}

type beat struct {
	Job, Group, Topic string
	Partition         int32
	Offset, Lag, Time int64
	on                int32
}

// Heartbeats of quiet partitions go to a topic of their own, and say where the reader is.
func TestHeartbeatsGoToATopic(t *testing.T) {
	c := newCluster(t, 2)
	source, group := c.topic, "beats-"+serial
	c.produce(2, 0, 100)
	beats := source + "-beats"
	if _, err := c.adm.CreateTopic(t.Context(), 1, 1, nil, beats); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	r := c.run(t, 1, group, `,"heartbeatIntervalSec":1,"heartbeatTopic":"`+beats+`"`)
	r.got.wait(t, 100)
	seen := map[int32]int{}
	for _, b := range c.beats(t, beats, 4) {
		seen[b.Partition]++
		if b.Job != "test" || b.Group != group || b.Topic != source || b.Offset != 50 || b.Lag != 0 || b.Time < before.UnixMilli() || b.on != 0 {
			t.Errorf("%+v", b)
		}
	}
	if seen[0] == 0 || seen[1] == 0 {
		t.Errorf("heartbeats by partition: %v", seen)
	}
	r.stop(t, true)
}

// Heartbeats in the very topic that is read move the quiet partitions, and are rows in no target.
func TestHeartbeatsInTheSourceAreLeftOut(t *testing.T) {
	c := newCluster(t, 2)
	c.produce(2, 0, 10)
	group := "selfbeats-" + serial
	r := &running{served: c.serve(t, true, 1, group, `,"heartbeatIntervalSec":1,"heartbeatTopic":"`+c.topic+`"`)}
	var mu sync.Mutex // guards the following
	filtered, rows := map[string]uint64{}, 0
	both := make(chan struct{})
	r.lanes.Go(func() {
		err := r.read(t.Context(), 0, r.shards, func(b batch) bool {
			mu.Lock()
			defer mu.Unlock()
			r.got.add(b)
			rows += len(b.values)
			if before := len(filtered); b.Filtered > 0 {
				if filtered[b.Shard] += b.Filtered; len(filtered) == 2 && before < 2 {
					close(both)
				}
			}
			return len(filtered) < 2
		})
		if err != nil {
			t.Error(err)
		}
	})
	select {
	case <-both:
	case <-time.After(60 * time.Second):
		t.Fatal("no heartbeat came back of both partitions")
	}
	r.lanes.Wait()
	if rows != 10 {
		t.Errorf("%d rows, want the 10 that are data", rows)
	}
	for _, b := range c.beats(t, c.topic, 2) {
		if b.on != b.Partition || b.Offset < 5 {
			t.Errorf("%+v", b)
		}
	}
	if lost := r.commit(r.got.take()); len(lost) > 0 {
		t.Errorf("lost %v", lost)
	}
	r.close()
	for shard, at := range c.committed(group) {
		if at < 6 {
			t.Errorf("%s committed at %d, want it behind a heartbeat", shard, at)
		}
	}
}

func TestAHeartbeatTopicMustBeThere(t *testing.T) {
	c := newCluster(t, 1)
	f := c.refusedStreaming(t, `"heartbeatIntervalSec":1,"heartbeatTopic":"`+c.topic+`s"`)
	if f.Code != protocol.NotFound || f.Place != "heartbeatTopic" || f.Try != c.topic {
		t.Errorf("%+v", f)
	}
}
