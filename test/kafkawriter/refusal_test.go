package kafkawriter

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func strPtr(s string) *string { return &s }

// noise is a text that no codec makes much smaller.
func noise(n int) string {
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[random.IntN(64)]
	}
	return string(b)
}

// A record that is too large for the topic is dirty with the broker's reason, whatever stands beside it in its batch, and all
// others land in their order.
func TestTooLargeForTheTopic(t *testing.T) {
	for _, codec := range []string{"none", "zstd"} {
		t.Run(codec, func(t *testing.T) {
			c := newCluster(t, 1, map[string]*string{"max.message.bytes": strPtr("20000")})
			var objects []string
			for i := range 300 {
				value := fmt.Sprintf("%d %s", i, noise(200))
				if i == 0 || i == 70 || i == 71 || i == 299 {
					value = fmt.Sprintf("%d %s", i, noise(40_000))
				}
				objects = append(objects, fmt.Sprintf(`{"v":%q}`, value))
			}
			w := write(t, c.parameters(`"messageFormat":"text","compression":"`+codec+`"`), sheet(t, []arrow.Field{text("v")}, objects...))
			if w.err != nil || w.landed != 296 || len(w.dirty) != 4 {
				t.Fatalf("%d landed, %d dirty, %+v", w.landed, len(w.dirty), w.err)
			}
			for _, d := range w.dirty {
				if !strings.HasPrefix(d.Reason, "the broker refuses the record: MESSAGE_TOO_LARGE: ") || len(d.Record) < 40_000 || d.Place != fmt.Sprintf("row %d of a batch of shard", d.Row) {
					t.Errorf("row %d: %s", d.Row, d.Reason)
				}
			}
			next := 1
			for _, r := range c.landed(c.topic) {
				for next == 70 || next == 71 {
					next++
				}
				if !strings.HasPrefix(string(r.Value), fmt.Sprintf("%d ", next)) {
					t.Fatalf("%.10s where %d belongs", r.Value, next)
				}
				next++
			}
		})
	}
}

func TestTooLargeForARequest(t *testing.T) {
	c := newCluster(t, 2, nil)
	w := write(t, c.parameters(`"messageFormat":"text","kafkaConfig":{"max.request.size":1000}`), sheet(t, []arrow.Field{text("v")},
		`{"v":"a"}`, `{"v":"`+noise(2000)+`"}`, `{"v":"b"}`, `{"v":"`+noise(900)+`"}`, `{"v":"`+noise(900)+`"}`))
	if w.err != nil || w.landed != 4 || len(w.dirty) != 1 || w.dirty[0].Row != 1 || w.dirty[0].Reason != "key, value and headers take 2012 bytes, more than max.request.size 1000" {
		t.Fatalf("%+v", w)
	}
	if n := len(c.landed(c.topic)); n != 4 {
		t.Errorf("%d records", n)
	}
}

// The broker names the records that it refuses, and the others of their batch are sent again without them.
func TestNamedRecordsAreRefused(t *testing.T) {
	f := newFake(t, 1)
	f.once(0, func(q kmsg.Request) kmsg.Response {
		return answer(q, kerr.InvalidRecord, func(p *kmsg.ProduceResponseTopicPartition) {
			for _, i := range []int32{1, 3} {
				e := kmsg.NewProduceResponseTopicPartitionErrorRecord()
				e.RelativeOffset, e.ErrorMessage = i, strPtr("the hook says no")
				p.ErrorRecords = append(p.ErrorRecords, e)
			}
		})
	})
	w := write(t, f.parameters(`"messageFormat":"text"`), sheet(t, []arrow.Field{text("v")}, `{"v":"a"}`, `{"v":"b"}`, `{"v":"c"}`, `{"v":"d"}`, `{"v":"e"}`))
	if w.err != nil || w.landed != 3 || len(w.dirty) != 2 {
		t.Fatalf("%+v", w)
	}
	for i, want := range []string{"b", "d"} {
		if d := w.dirty[i]; string(d.Record) != want || !strings.HasPrefix(d.Reason, "the broker refuses the record: INVALID_RECORD: ") || !strings.HasSuffix(d.Reason, "(the hook says no)") {
			t.Errorf("%+v", d)
		}
	}
	if got := f.values(); got != "a c e" {
		t.Errorf("%q landed", got)
	}
}

// A topic that is compacted takes no record without a key. Apache Kafka says so, kfake lets them pass.
func TestCompactedTopicsNeedKeys(t *testing.T) {
	c := newCluster(t, 1, map[string]*string{"cleanup.policy": strPtr("compact")})
	w := write(t, c.parameters(`"messageFormat":"raw"`), sheet(t, []arrow.Field{text("__key__"), text("__value__")},
		`{"__key__":"k1","__value__":"a"}`, `{"__value__":"b"}`, `{"__key__":"k2","__value__":"c"}`, `{"__value__":"d"}`))
	if os.Getenv("GX_TEST_KAFKA") == "" {
		w.must(t, 4)
		return
	}
	if w.err != nil || w.landed != 2 || len(w.dirty) != 2 || w.dirty[0].Row != 1 || w.dirty[1].Row != 3 || !strings.Contains(w.dirty[0].Reason, "INVALID_RECORD") {
		t.Errorf("%+v", w)
	}
}

// What rows cannot say as a message is dirty with its column; the others land.
func TestRowsThatAreNoMessages(t *testing.T) {
	c := newCluster(t, 1, nil)
	w := write(t, c.parameters(""), sheet(t, []arrow.Field{whole("id"), {Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true}, binary("b"), text("__headers__"), whole("__timestamp__")},
		`{"id":1,"x":1.5}`, `{"id":2,"b":"/w=="}`, `{"id":3,"__headers__":"[1]"}`, `{"id":4,"__timestamp__":-5}`, `{"id":5,"__headers__":"["}`))
	if w.err != nil || w.landed != 1 || len(w.dirty) != 4 {
		t.Fatalf("%+v", w)
	}
	for i, want := range []string{"b: holds bytes that are not UTF-8", "__headers__: holds 1, which is no pair of a name and a value",
		"__timestamp__: is no time in Unix milliseconds from 1970 on that a message can carry", "__headers__: holds JSON that cannot be read"} {
		if d := w.dirty[i]; d.Column+": "+d.Reason != want || !strings.HasPrefix(string(d.Record), `{"id":"`+fmt.Sprint(i+2)) {
			t.Errorf("%s: %s (%s)", d.Column, d.Reason, d.Record)
		}
	}
	if got := c.landed(c.topic); len(got) != 1 || string(got[0].Value) != `{"id":1,"x":1.5,"b":null}` {
		t.Errorf("%s", got[0].Value)
	}
}

// What can be seen before a row is written is said at Open, and what only rows show ends the lane.
func TestRefusedBeforeARowIsWritten(t *testing.T) {
	c := newCluster(t, 1, nil)
	rows := sheet(t, []arrow.Field{text("a"), text("b")}, `{"a":"1","b":"2"}`)
	for _, x := range []struct {
		parameters, place, what, try string
		code                         protocol.Code
	}{
		{fmt.Sprintf(`{"server":%q,"topic":"%sx"}`, c.addr, c.topic), "topic", "does not exist on ", c.topic, protocol.NotFound},
		{c.parameters(`"messageFormat":"text"`), "messageFormat", `messageFormat text writes one column, and there are 2: "a", "b"`, `"valueColumns": ["a"]`, protocol.Config},
		{c.parameters(`"messageFormat":"raw"`), "messageFormat", `messageFormat raw needs a column __value__, and the rows have "a", "b"`, `"messageFormat": "raw" for the Kafka reader too`, protocol.Config},
		{c.parameters(`"messageFormat":"raw","column":["__value__","b"]`), "messageFormat", `column "b" has no place in a message with messageFormat raw`, "name it in headerColumns", protocol.Config},
		{c.parameters(`"column":["a"]`), "column", "rows have 2 columns, and column names 1", "name as many", protocol.Config},
		{c.parameters(`"column":["__value__","b"]`), "messageFormat", "the rows have a column __value__, which is a whole value", `"messageFormat": "raw"`, protocol.Config},
		{c.parameters(`"column":["__key__","__topic__"]`), "column", `the rows have no column for the value of a message`, "add one", protocol.Config},
		{c.parameters(`"keyColumns":["c"]`), "keyColumns", `the rows have no column "c", only "a", "b"`, "the names are those of the reader", protocol.Config},
		{c.parameters(`"headerColumns":["c"]`), "headerColumns", `the rows have no column "c", only "a", "b"`, "the names are those of the reader", protocol.Config},
		{c.parameters(`"valueColumns":["c"]`), "valueColumns", `the rows have no column "c", only "a", "b"`, "the names are those of the reader", protocol.Config},
		{c.parameters(`"timestampColumn":"c"`), "timestampColumn", `the rows have no column "c", only "a", "b"`, "the names are those of the reader", protocol.Config},
	} {
		w := write(t, x.parameters, rows)
		if w.err == nil || w.err.Code != x.code || w.err.Place != x.place || !strings.Contains(w.err.What, x.what) || !strings.Contains(w.err.Try, x.try) {
			t.Errorf("%s: %+v; try: %+v", x.parameters, w.err, w.err.Try)
		}
	}
	if n := len(c.landed(c.topic)); n != 0 {
		t.Errorf("%d records", n)
	}
}
