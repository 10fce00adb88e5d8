package debezium

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// change is what this test looks at in a message, in its envelope of schema and payload or without one.
type change struct {
	Op      string
	Payload *change
}

// replay reads topics to the ends given and tells how many keys are left in each when every message was applied. It knows
// nothing of values, and so no format of theirs: what it finds is there before gx has read anything.
func replay(ctx context.Context, addr string, ends kadm.ListedOffsets) (map[string]int, error) {
	begins := map[string]map[int32]kgo.Offset{}
	missing := 0
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset == 0 {
			return
		}
		if begins[o.Topic] == nil {
			begins[o.Topic] = map[int32]kgo.Offset{}
		}
		begins[o.Topic][o.Partition] = kgo.NewOffset().AtStart()
		missing += int(o.Offset)
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumePartitions(begins))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	live := map[string]map[string]bool{}
	for missing > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if end, _ := ends.Lookup(r.Topic, r.Partition); r.Offset >= end.Offset {
				return
			}
			missing--
			if r.Value == nil || err != nil {
				return // the tombstone behind a delete
			}
			var c change
			if err = json.Unmarshal(r.Value, &c); err != nil {
				return
			}
			if c.Payload != nil {
				c = *c.Payload
			}
			if live[r.Topic] == nil {
				live[r.Topic] = map[string]bool{}
			}
			switch c.Op {
			case "r", "c", "u":
				live[r.Topic][string(r.Key)] = true
			case "d":
				delete(live[r.Topic], string(r.Key))
			default:
				err = fmt.Errorf("%s: operation %q in %.300s", r.Topic, c.Op, r.Value)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	left := map[string]int{}
	for topic, keys := range live {
		left[topic] = len(keys)
	}
	return left, nil
}

// checkTopics fails when the topics do not leave as many keys as the tables of the source have rows: then the fault is not gx's.
func (p *pursuit) checkTopics(t *testing.T, ends kadm.ListedOffsets) {
	t.Helper()
	got, err := replay(t.Context(), p.addr, ends)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for _, f := range p.followers {
		for _, table := range f.tables {
			var n int
			if err := p.source.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+p.source.prefix+table.name).Scan(&n); err != nil {
				t.Fatal(err)
			}
			want[p.topic(f.feed, table.name)] = n
		}
	}
	if !maps.Equal(got, want) {
		t.Fatalf("the messages leave %v keys, and the tables have %v rows", got, want)
	}
}
