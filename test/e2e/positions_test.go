package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/twmb/franz-go/pkg/kgo"
)

// minutes produces the ids 0 to 9 to partition 0, one a minute from start on. A broker deletes records that are older
// than its retention, so start is not long ago.
func minutes(c *harness.Case, start time.Time) {
	for i := range 10 {
		c.Broker.Produce(c.T, &kgo.Record{Topic: c.Topic, Value: fmt.Appendf(nil, `{"id":%d}`, i), Timestamp: start.Add(time.Duration(i) * time.Minute)})
	}
}

func TestBatchBeginsAndEndsWhereTold(t *testing.T) {
	start := time.Now().Add(-2 * time.Hour).Truncate(time.Minute)
	shanghai := func(after time.Duration) string {
		return start.Add(after).In(time.FixedZone("", 8*3600)).Format("20060102150405")
	}
	ranges := []struct {
		name        string
		set         harness.Object
		first, last int // last is exclusive
	}{
		{"offsets", harness.Object{"beginOffset": 3, "endOffset": 7}, 3, 7},
		{"offset texts", harness.Object{"beginOffset": "3", "endOffset": "7"}, 3, 7},
		{"offsets by partition", harness.Object{"beginOffset": harness.Object{"0": 8}, "endOffset": harness.Object{"0": 9}}, 8, 9},
		{"seekToBeginning", harness.Object{"beginOffset": "seekToBeginning", "endOffset": 2}, 0, 2},
		{"milliseconds", harness.Object{"beginTimestampMillis": start.Add(2 * time.Minute).UnixMilli(), "endTimestampMillis": start.Add(5 * time.Minute).UnixMilli()}, 2, 5},
		{"date times", harness.Object{"beginDateTime": shanghai(150 * time.Second), "endDateTime": shanghai(5 * time.Minute), "timeZone": "Asia/Shanghai"}, 3, 5},
		{"earliest to latest", harness.Object{"beginType": "earliest", "endType": "latest"}, 0, 10},
	}
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		minutes(c, start)
		for i, r := range ranges {
			c.Exec("TRUNCATE TABLE " + c.Database + "." + c.Table)
			d := c.Document()
			delete(d.Reader, "beginType")
			d.Reader["groupId"] = fmt.Sprintf("%s_%d", c.Group, i)
			for k, v := range r.set {
				d.Reader[k] = v
			}
			res := c.Done(d)
			var want []string
			for id := r.first; id < r.last; id++ {
				want = append(want, fmt.Sprint(id))
			}
			if got := c.Query("SELECT id FROM @t ORDER BY id"); !slices.Equal(got, want) {
				t.Errorf("%s: rows %v, want %v", r.name, got, want)
			}
			if int(res.Report.Read) != len(want) {
				t.Errorf("%s: read %d, want %d", r.name, res.Report.Read, len(want))
			}
		}
	})
}

// A job without a begin goes on where its group is.
func TestBatchGoesOnWhereItsGroupIs(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		d := c.Document()
		delete(d.Reader, "beginType")
		c.Values(`{"id":1}`, `{"id":2}`)
		c.Done(d)
		c.WantRows("SELECT id FROM @t ORDER BY id", "1", "2")
		c.Values(`{"id":3}`)
		if r := c.Done(d); r.Report.Read != 1 {
			t.Errorf("the second run read %d, want the one that is new", r.Report.Read)
		}
		c.WantRows("SELECT id FROM @t ORDER BY id", "1", "2", "3")
		if r := c.Done(d); r.Report.Read != 0 || r.Report.Loads != 0 {
			t.Errorf("the third run read %d and sent %d loads, want nothing", r.Report.Read, r.Report.Loads)
		}
	})
}

func TestSeveralTopicsAndPartitions(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		second := c.Topic + ".second"
		c.CreateTopic(3)
		c.Broker.CreateTopic(t, second, 2)
		c.CreateTable("topic STRING, part INT, n INT", "")
		const each = 200
		var records []*kgo.Record
		for topic, partitions := range map[string]int32{c.Topic: 3, second: 2} {
			for p := range partitions {
				for n := range each {
					records = append(records, &kgo.Record{Topic: topic, Partition: p, Value: fmt.Appendf(nil, `{"n":%d}`, n)})
				}
			}
		}
		c.Broker.Produce(t, records...)
		d := c.Document()
		d.Reader["topic"] = []string{c.Topic, second}
		d.Reader["column"], d.Writer["column"] = []string{"__topic__", "__partition__", "n"}, []string{"topic", "part", "n"}
		d.Setting["speed"] = harness.Object{"concurrent": 3}
		r := c.Done(d)
		if r.Report.Landed != 5*each {
			t.Errorf("landed %d, want %d", r.Report.Landed, 5*each)
		}
		var want []string
		for _, at := range []string{c.Topic + "|0", c.Topic + "|1", c.Topic + "|2", second + "|0", second + "|1"} {
			want = append(want, fmt.Sprintf("%s|%d|%d", at, each, each*(each-1)/2))
		}
		c.WantRows("SELECT topic, part, COUNT(DISTINCT n), SUM(n) FROM @t GROUP BY topic, part ORDER BY topic, part", want...)
		if got := c.Broker.Committed(t, c.Group, second, 2); got[0] != each || got[1] != each {
			t.Errorf("the group's offsets are %v, want %d each", got, each)
		}
	})
}

func TestTopicsByExpression(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		for _, suffix := range []string{".a", ".b", ".b.not"} {
			c.Broker.CreateTopic(t, c.Topic+suffix, 1)
			c.Broker.Produce(t, &kgo.Record{Topic: c.Topic + suffix, Value: fmt.Appendf(nil, `{"v":%q}`, suffix)})
		}
		c.CreateTable("v STRING", "")
		d := c.Document()
		delete(d.Reader, "topic")
		d.Reader["topicsRegex"] = c.Topic + `\.[ab]`
		c.Done(d)
		c.WantRows("SELECT v FROM @t ORDER BY v", ".a", ".b")
	})
}
