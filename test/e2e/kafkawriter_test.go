package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/twmb/franz-go/pkg/kgo"
)

// toKafka lets a job write to a topic of the case's broker.
func toKafka(c *harness.Case, d *harness.Document, topic string, more harness.Object) *harness.Document {
	d.WriterType = "kafka"
	d.Writer = harness.Object{"server": c.Broker.Addr}
	if topic != "" {
		d.Writer["topic"] = topic
	}
	for k, v := range more {
		d.Writer[k] = v
	}
	return d
}

// anything makes records of every kind: no key, an empty key, tombstones, bytes that are no text, headers that come twice.
func anything(topic string, partitions, n int) []*kgo.Record {
	random := rand.New(rand.NewPCG(7, 11))
	blob := func(most int) []byte {
		if random.IntN(5) == 0 {
			return nil
		}
		b := make([]byte, random.IntN(most))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	out := make([]*kgo.Record, n)
	for i := range out {
		r := &kgo.Record{Topic: topic, Partition: int32(i % partitions), Key: blob(20), Value: blob(300), Timestamp: time.UnixMilli(1_500_000_000_000 + int64(random.IntN(1e9)))}
		for range random.IntN(4) {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: []string{"a", "b", "ünïcode", ""}[random.IntN(4)], Value: blob(30)})
		}
		out[i] = r
	}
	return out
}

// whole is everything of a record that a copy keeps.
func whole(r *kgo.Record) string {
	out := fmt.Sprintf("%q/%t %q/%t %d", r.Key, r.Key == nil, r.Value, r.Value == nil, r.Timestamp.UnixMilli())
	for _, h := range r.Headers {
		out += fmt.Sprintf(" %q=%q/%t", h.Key, h.Value, h.Value == nil)
	}
	return out
}

// sameRecords compares partitions.
func sameRecords(t *testing.T, want, got map[int32][]*kgo.Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d partitions, want %d", len(got), len(want))
	}
	for p, records := range want {
		if len(got[p]) != len(records) {
			t.Fatalf("partition %d has %d records, want %d", p, len(got[p]), len(records))
		}
		for i, r := range records {
			if a, b := whole(r), whole(got[p][i]); a != b {
				t.Fatalf("partition %d, record %d:\n got %s\nwant %s", p, i, b, a)
			}
		}
	}
}

// Raw on both sides is a copy byte for byte, with the partition when that is asked for.
func TestRawCopies(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		const n = 3000
		c.CreateTopic(3)
		c.Broker.Produce(t, anything(c.Topic, 3, n)...)
		want := c.Broker.Landed(t, c.Topic)
		for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
			to := c.Topic + "-" + codec
			c.Broker.CreateTopic(t, to, 3)
			d := toKafka(c, c.Document(), to, harness.Object{"messageFormat": "raw", "partitioner": "manual", "compression": codec})
			d.Reader["messageFormat"], d.Reader["groupId"] = "raw", c.Group+codec
			if r := c.Done(d); r.Report.Read != n || r.Report.Landed != n || r.Report.Dirty != 0 {
				t.Fatalf("read %d, landed %d, dirty %d", r.Report.Read, r.Report.Landed, r.Report.Dirty)
			}
			sameRecords(t, want, c.Broker.Landed(t, to))
		}
	})
}

// Without a topic of its own the writer keeps that of the reader, here on another broker where there is one.
func TestTopicsKeepTheirNames(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	to := world.Brokers[len(world.Brokers)-1]
	topics := []string{c.Topic, c.Topic + ".second"}
	want := map[string]map[int32][]*kgo.Record{}
	for i, topic := range topics {
		c.Broker.CreateTopic(t, topic, 2)
		c.Broker.Produce(t, anything(topic, 2, 300+i)...)
		want[topic] = c.Broker.Landed(t, topic)
		if to != c.Broker {
			to.CreateTopic(t, topic, 2)
		}
	}
	d := toKafka(c, c.Document(), "", harness.Object{"server": to.Addr, "messageFormat": "raw", "partitioner": "manual"})
	d.Reader["messageFormat"], d.Reader["topic"] = "raw", topics
	c.Done(d)
	for _, topic := range topics {
		got := to.Landed(t, topic)
		if to == c.Broker { // the copy stands behind what was copied
			for p := range got {
				got[p] = got[p][len(want[topic][p]):]
			}
		}
		sameRecords(t, want[topic], got)
	}
}

// Made-up rows go to Kafka as JSON, and from there into a table: what the table holds is what the messages say, and every
// message has its key.
func TestRowsTravelThroughKafka(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		const n = 5000
		c.CreateTopic(4)
		d := c.Document()
		d.ReaderType = "stream"
		d.Reader = harness.Object{"sliceRecordCount": n, "column": []harness.Object{
			{"name": "id", "type": "long", "incr": "0,1"}, {"name": "amount", "type": "double", "random": "0,1000"},
			{"name": "name", "type": "string", "random": "0,20", "nullEvery": 7}, {"name": "ok", "type": "bool", "random": "1,1"},
			{"name": "at", "type": "date", "random": "2024-01-01 00:00:00,2024-12-31 23:59:59"}}}
		d.Setting["speed"] = harness.Object{"concurrent": 2}
		toKafka(c, d, c.Topic, harness.Object{"keyColumns": []string{"id"}, "compression": "lz4", "headers": harness.Object{"by": "gx"}})
		if r := c.Done(d); r.Report.Landed != 2*n {
			t.Fatalf("landed %d", r.Report.Landed)
		}
		var want []string
		for p, records := range c.Broker.Landed(t, c.Topic) {
			for _, r := range records {
				var row struct {
					ID     int
					Amount json.Number
					Name   *string
					At     string
				}
				if err := json.Unmarshal(r.Value, &row); err != nil {
					t.Fatalf("%s: %v", r.Value, err)
				}
				if string(r.Key) != strconv.Itoa(row.ID) || len(r.Headers) != 1 || string(r.Headers[0].Value) != "gx" {
					t.Fatalf("partition %d: key %q of %s, headers %v", p, r.Key, r.Value, r.Headers)
				}
				name := "NULL"
				if row.Name != nil {
					name = *row.Name
				}
				if _, fraction, ok := strings.Cut(row.At, "."); ok {
					row.At += strings.Repeat("0", 6-len(fraction))
				}
				want = append(want, fmt.Sprintf("%06d|%s|%s", row.ID, name, row.At))
			}
		}
		c.CreateTable("id INT, name STRING, at DATETIME, amount DOUBLE, ok BOOLEAN", "")
		c.Done(c.Document())
		got := c.Query("SELECT LPAD(CAST(id AS STRING), 6, '0'), name, CAST(at AS STRING) FROM @t")
		slices.Sort(want)
		slices.Sort(got)
		for i := range got {
			got[i] = strings.TrimSuffix(got[i], ".000000")
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d rows, want %d; the first are\n%q\n%q", len(got), len(want), got[:2], want[:2])
		}
	})
}

// A streaming copy hands over what comes, ends in good order, and after a kill goes on without losing anything.
func TestStreamsFromTopicToTopic(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(2)
		to := c.Topic + "-copy"
		c.Broker.CreateTopic(t, to, 2)
		d := toKafka(c, c.Streaming(), to, harness.Object{"messageFormat": "raw", "partitioner": "manual"})
		d.Reader["messageFormat"] = "raw"
		feed := c.Feed(2)
		arrived := func() (n int) {
			for _, records := range c.Broker.Landed(t, to) {
				n += len(records)
			}
			return n
		}
		r := c.Start(d)
		r.Until("the first messages", func() bool { return arrived() > 500 })
		if err := syscall.Kill(r.Pid(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		r.Wait()
		before := arrived()
		r = c.Start(d)
		r.Until("more messages", func() bool { return arrived() > before+500 })
		total := feed.Stop()
		r.Until("all messages", func() bool { return arrived() >= total && len(missing(t, c, to, total)) == 0 })
		r.Signal(syscall.SIGTERM)
		if res := r.Wait(); res.Code != 143 {
			t.Errorf("exit code %d\n%s", res.Code, res.Said())
		}
		if lost := missing(t, c, to, total); len(lost) > 0 {
			t.Errorf("%d of %d messages are lost: %v", len(lost), total, lost[:min(5, len(lost))])
		}
	})
}

// missing are the numbers of fed messages that stand nowhere in a topic.
func missing(t *testing.T, c *harness.Case, topic string, total int) (lost []int) {
	t.Helper()
	seen := make([]bool, total)
	for _, records := range c.Broker.Landed(t, topic) {
		for _, r := range records {
			var row struct{ ID int }
			if err := json.Unmarshal(r.Value, &row); err != nil || row.ID >= total {
				t.Fatalf("%s: %v", r.Value, err)
			}
			seen[row.ID] = true
		}
	}
	for i, ok := range seen {
		if !ok {
			lost = append(lost, i)
		}
	}
	return lost
}

// A message that the topic cannot take is a dirty record with the broker's reason, and the others land.
func TestTooLargeMessagesAreDirty(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		to := c.Topic + "-copy"
		c.Broker.CreateTopic(t, to, 1)
		c.Broker.Configure(t, to, "max.message.bytes", "100000")
		big := make([]byte, 300_000)
		random := rand.New(rand.NewPCG(1, 1))
		for i := range big {
			big[i] = "0123456789abcdef"[random.IntN(16)]
		}
		c.Values(`{"id":1}`, `{"id":2,"a":"`+string(big)+`"}`, `{"id":3}`)
		d := toKafka(c, c.Document(), to, nil)
		d.Setting["errorLimit"] = harness.Object{"record": 1}
		r := c.Done(d)
		if r.Report.Landed != 2 || r.Report.Dirty != 1 {
			t.Fatalf("landed %d, dirty %d", r.Report.Landed, r.Report.Dirty)
		}
		lines := dirtyLines(t, r.Report.DirtyFile)
		if len(lines) != 1 || !strings.HasPrefix(lines[0].Reason, "the broker refuses the record: MESSAGE_TOO_LARGE") || lines[0].Plugin != "kafka-writer" || !bytes.Contains(lines[0].bytes(t), big) {
			t.Errorf("%d lines, the first says %q", len(lines), lines[0].Reason)
		}
		if got := c.Broker.Landed(t, to)[0]; len(got) != 2 || string(got[0].Value) != `{"id":1}` || string(got[1].Value) != `{"id":3}` {
			t.Errorf("%d records", len(got))
		}
	})
}

// What cannot work is said before anything is read.
func TestKafkaWriterRefuses(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.Values(`{"id":1}`)
		for _, x := range []struct {
			change func(d *harness.Document)
			code   int
			said   string
		}{
			{func(d *harness.Document) { d.Writer["topic"] = "nowhere-" + c.ID }, 1, "steps[1].parameter.topic: topic \"nowhere-" + c.ID + "\" does not exist"},
			{func(d *harness.Document) { d.Writer["acks"] = 0 }, 2, "steps[1].parameter.acks: 0 is refused"},
			{func(d *harness.Document) { d.Writer["server"] = "127.0.0.1:1" }, 6, "steps[1].parameter.server: no broker takes a connection"},
			{func(d *harness.Document) { d.Writer["messageFormat"] = "raw" }, 2, "steps[1].parameter.messageFormat: the reader gives whole documents"},
		} {
			d := toKafka(c, c.Document(), c.Topic, nil)
			x.change(d)
			r := c.Run(d)
			if r.Code != x.code || !strings.Contains(r.Said(), x.said) {
				t.Errorf("exit code %d, want %d and %q\n%s", r.Code, x.code, x.said, r.Said())
			}
		}
		d := c.Document()
		d.Reader["messageFormat"] = "raw"
		c.CreateTable("id INT", "")
		if r := c.Run(d); r.Code != 2 || !strings.Contains(r.Said(), "steps[0].parameter.messageFormat: messageFormat raw gives whole messages, which starrocks-writer cannot take") {
			t.Errorf("exit code %d\n%s", r.Code, r.Said())
		}
		d.Reader["column"] = []string{"__value__"}
		c.Exec("CREATE TABLE " + c.Database + ".raw (v STRING)")
		d.Writer["table"], d.Writer["column"] = "raw", []string{"v"}
		delete(d.Writer, "loadProps")
		c.Done(d)
		c.WantRows("SELECT v FROM "+c.Database+".raw", `{"id":1}`)
	})
}
