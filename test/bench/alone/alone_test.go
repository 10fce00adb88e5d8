package alone

import (
	"context"
	"testing"

	"github.com/gx-etl/gx/test/bench/message"
	"github.com/gx-etl/gx/test/bench/rig"
	"github.com/twmb/franz-go/pkg/kfake"
)

func TestBothReadEverythingOnce(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(2))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	addr := cluster.ListenAddrs()[0]
	for _, topic := range []rig.Topic{
		{Messages: 20_011, Partitions: 4, Seed: 5},
		{Messages: 2, Partitions: 4, Seed: 5}, // with empty partitions
	} {
		if _, err := topic.Ensure(t.Context(), addr); err != nil {
			t.Fatal(err)
		}
		var size int64
		for id := range topic.Messages {
			size += int64(len(message.Source{Seed: topic.Seed}.Append(nil, id)))
		}
		for name, read := range map[string]func() (Result, error){
			"group": func() (Result, error) { return Group(t.Context(), addr, topic.Name(), "g-"+topic.Name()) },
			"fetch": func() (Result, error) { return Fetch(t.Context(), addr, topic.Name()) },
		} {
			r, err := read()
			if err != nil || r.Messages != topic.Messages || r.Bytes != size || r.Seconds <= 0 {
				t.Errorf("%s of %s: %+v, %v; want %d messages, %d bytes", name, topic.Name(), r, err, topic.Messages, size)
			}
		}
	}
}

func TestStopped(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	addr := cluster.ListenAddrs()[0]
	topic := rig.Topic{Messages: 10, Partitions: 1}
	if _, err := topic.Ensure(t.Context(), addr); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := Group(ctx, addr, topic.Name(), "g"); err == nil {
		t.Errorf("a stopped reading has the result %+v", r)
	}
	if r, err := Fetch(ctx, addr, topic.Name()); err == nil {
		t.Errorf("a stopped reading has the result %+v", r)
	}
}
