package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/twmb/franz-go/pkg/kgo"
)

// deadTopic makes the case's topic of dirty records and sends those of a job there.
func deadTopic(c *harness.Case, d *harness.Document, partitions int) string {
	name := "dead_" + c.ID
	c.Broker.CreateTopic(c.T, name, partitions)
	d.Setting["dirty"] = harness.Object{"type": "kafka", "server": c.Broker.Addr, "topic": name}
	return name
}

// described is a message as one text, with what differs from run to run told apart from the rest.
func described(r *kgo.Record) string {
	text := func(b []byte) string {
		if b == nil {
			return "none"
		}
		return fmt.Sprintf("%q", b)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "key %s value %s", text(r.Key), text(r.Value))
	for _, h := range r.Headers {
		fmt.Fprintf(&b, " %s=%s", h.Key, text(h.Value))
	}
	return b.String()
}

// What is no document arrives in the topic as it was sent, bytes, headers and all, and says in its headers why it is there. A
// client that is none of gx reads it back.
func TestDirtyRecordsGoToATopic(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(2)
		c.CreateTable("id INT", "")
		d := c.Document()
		d.Reader["emptyValue"] = "dirty"
		dead := deadTopic(c, d, 2)
		sentAt := time.UnixMilli(1700000000123)
		var records []*kgo.Record
		var bad []*kgo.Record
		add := func(key, value []byte, headers ...kgo.RecordHeader) {
			r := &kgo.Record{Topic: c.Topic, Partition: 1, Key: key, Value: value, Headers: headers, Timestamp: sentAt}
			records = append(records, r, &kgo.Record{Topic: c.Topic, Partition: 1, Value: fmt.Appendf(nil, `{"id":%d}`, len(records))})
			bad = append(bad, r)
		}
		for i, value := range notDocuments {
			add([]byte{0xff, byte(i)}, []byte(value))
		}
		add(nil, []byte("no key"))
		add([]byte{}, []byte("an empty key"))
		add([]byte("tombstone"), nil)
		add([]byte("empty"), []byte{})
		add([]byte("h"), []byte("headers"), kgo.RecordHeader{Key: "a", Value: []byte("1")}, kgo.RecordHeader{Key: "a", Value: nil},
			kgo.RecordHeader{Key: "bin", Value: []byte{0, 0xfe}}, kgo.RecordHeader{Key: "", Value: []byte{}}, kgo.RecordHeader{Key: "gx.error", Value: []byte("mine")})
		c.Broker.Produce(t, records...)
		d.Setting["errorLimit"] = harness.Object{"record": len(bad)}
		r := c.Done(d)
		if s := r.Report.DirtySink; s == nil || s.Plugin != "kafka-writer" || s.Place != "topic "+dead || s.Kept != int64(len(bad)) || s.Refused != 0 {
			t.Errorf("sink %+v\n%s", s, r.Said())
		}

		got := c.Broker.ReadTopic(t, dead, len(bad))
		reasons := map[string]string{}
		for _, m := range got {
			own := len(m.Headers)
			for own > 0 && strings.HasPrefix(m.Headers[own-1].Key, "gx.") && string(m.Headers[own-1].Value) != "mine" {
				own--
			}
			head := map[string]string{}
			for _, h := range m.Headers[own:] {
				head[h.Key] = string(h.Value)
			}
			m.Headers = m.Headers[:own]
			text := described(m) + " from offset " + head["gx.source.offset"]
			reasons[text] = head["gx.error"]
			if head["gx.error"] == "" || head["gx.plugin"] != "kafka-reader" || head["gx.job"] != r.Report.Job || head["gx.run"] != r.Report.Run ||
				head["gx.source.topic"] != c.Topic || head["gx.source.partition"] != "1" || head["gx.source.timestamp"] != "1700000000123" {
				t.Errorf("%s has the headers %v", text, head)
			}
		}
		for i, m := range bad {
			want := fmt.Sprintf("%s from offset %d", described(m), 2*i)
			if _, ok := reasons[want]; !ok {
				t.Errorf("not in the topic: %s", want)
			}
			delete(reasons, want)
		}
		if len(reasons) > 0 {
			t.Errorf("nobody sent these: %q", reasons)
		}
	})
}

// A message that is too large for the topic is refused by the broker and goes to the file, headers and all.
func TestWhatTheDirtyTopicRefusesGoesToTheFile(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		d := c.Document()
		dead := deadTopic(c, d, 1)
		sink := d.Setting["dirty"].(harness.Object)
		sink["kafkaConfig"] = harness.Object{"max.request.size": 20000}
		long := strings.Repeat("x", 100_000)
		c.Broker.Produce(t, &kgo.Record{Topic: c.Topic, Value: []byte("bad")},
			&kgo.Record{Topic: c.Topic, Value: []byte(long), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}}, &kgo.Record{Topic: c.Topic, Value: []byte("worse")})
		d.Setting["errorLimit"] = harness.Object{"record": 3}
		r := c.Done(d)
		var values []string
		for _, m := range c.Broker.ReadTopic(t, dead, 2) {
			values = append(values, string(m.Value))
		}
		if !slices.Equal(values, []string{"bad", "worse"}) {
			t.Errorf("the topic holds %q", values)
		}
		lines := dirtyLines(t, r.Report.DirtyFile)
		if len(lines) != 1 || lines[0].Record != long || lines[0].Refused == "" || fmt.Sprint(lines[0].Headers) != "[[h v]]" {
			t.Errorf("%d lines in the file: %.300v", len(lines), lines)
		}
		if s := r.Report.DirtySink; s.Kept != 2 || s.Refused != 1 {
			t.Errorf("sink %+v", s)
		}
	})
}

func TestADirtyTopicThatIsNotThereEndsTheJob(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Values(`bad`)
		d := c.Document()
		d.Setting["dirty"] = harness.Object{"type": "kafka", "server": c.Broker.Addr, "topic": "nowhere_" + c.ID}
		r := c.Run(d)
		if r.Code == 0 || !strings.Contains(r.Said(), "setting.dirty.topic") || !strings.Contains(r.Said(), "nowhere_"+c.ID) {
			t.Errorf("exit code %d\n%s", r.Code, r.Said())
		}
		c.WantNoLoads()
		if got := c.Broker.Committed(t, c.Group, c.Topic, 1); len(got) != 0 {
			t.Errorf("the group moved to %v", got)
		}
	})
}
