package kafkawriter

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// sheet makes rows of JSON objects.
func sheet(t testing.TB, columns []arrow.Field, objects ...string) sending {
	t.Helper()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, arrow.NewSchema(columns, nil), strings.NewReader("["+strings.Join(objects, ",")+"]"))
	if err != nil {
		t.Fatal(err)
	}
	return sending{rec: rec}
}

func text(name string) arrow.Field {
	return arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}
}

func whole(name string) arrow.Field {
	return arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64, Nullable: true}
}

func binary(name string) arrow.Field {
	return arrow.Field{Name: name, Type: arrow.BinaryTypes.Binary, Nullable: true}
}

// must fails unless everything landed.
func (w written) must(t testing.TB, rows int) {
	t.Helper()
	if w.err != nil || w.landed != rows || len(w.dirty) > 0 {
		t.Fatalf("%d of %d rows landed, %d dirty: %+v %v", w.landed, rows, len(w.dirty), w.err, w.dirty)
	}
}

// A key lives where another client puts it: the topic is written by gx and by franz-go, whose default partitioner follows
// Java's, and no key is in two partitions.
func TestKeysLiveWhereOtherClientsPutThem(t *testing.T) {
	c := newCluster(t, 7, nil)
	var objects []string
	var theirs []*kgo.Record
	for i := range 500 {
		key := strings.Repeat(string(rune('a'+i%26)), i%11) + fmt.Sprint(i)
		objects = append(objects, fmt.Sprintf(`{"k":%q,"v":"gx"}`, key))
		theirs = append(theirs, &kgo.Record{Topic: c.topic, Key: []byte(key), Value: []byte("theirs")})
	}
	write(t, c.parameters(`"keyColumns":["k"],"messageFormat":"text","valueColumns":["v"]`), sheet(t, []arrow.Field{text("k"), text("v")}, objects...)).must(t, 500)
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(c.addr, ",")...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), theirs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	at := map[string]map[int32]int{}
	for _, r := range c.landed(c.topic) {
		if at[string(r.Key)] == nil {
			at[string(r.Key)] = map[int32]int{}
		}
		at[string(r.Key)][r.Partition]++
	}
	used := map[int32]bool{}
	for key, partitions := range at {
		if len(partitions) != 1 {
			t.Errorf("key %s is in partitions %v", key, partitions)
		}
		for p := range partitions {
			used[p] = true
		}
	}
	if len(at) != 500 || len(used) != 7 {
		t.Errorf("%d keys in %d partitions", len(at), len(used))
	}
}

func TestPartitioners(t *testing.T) {
	c := newCluster(t, 4, nil)
	var objects []string
	for i := range 400 {
		objects = append(objects, fmt.Sprintf(`{"__key__":"same","__value__":"%d","__partition__":%d}`, i, i%3))
	}
	rows := sheet(t, []arrow.Field{text("__key__"), text("__value__"), whole("__partition__")}, objects...)
	for partitioner, good := range map[string]func(n [4]int) bool{
		"hash":       func(n [4]int) bool { return slices.Contains(n[:], 400) },
		"roundRobin": func(n [4]int) bool { return n == [4]int{100, 100, 100, 100} },
		"random":     func(n [4]int) bool { return slices.Min(n[:]) > 40 },
		"sticky":     func(n [4]int) bool { return slices.Contains(n[:], 400) },
		"manual":     func(n [4]int) bool { return n == [4]int{134, 133, 133, 0} },
	} {
		topic := c.topic + "-" + partitioner
		c.with(func(adm *kadm.Client) {
			if _, err := adm.CreateTopic(context.Background(), 4, 1, nil, topic); err != nil {
				t.Fatal(err)
			}
		})
		write(t, fmt.Sprintf(`{"server":%q,"topic":%q,"messageFormat":"raw","partitioner":%q}`, c.addr, topic, partitioner), rows).must(t, 400)
		var n [4]int
		for _, r := range c.landed(topic) {
			n[r.Partition]++
		}
		if !good(n) {
			t.Errorf("%s: %v", partitioner, n)
		}
	}
}

// Rows without a key spread as batches fill, also within one load.
func TestKeylessRowsSpread(t *testing.T) {
	c := newCluster(t, 3, nil)
	var objects []string
	for i := range 3000 {
		objects = append(objects, fmt.Sprintf(`{"__value__":"%0100d"}`, i))
	}
	write(t, c.parameters(`"messageFormat":"raw","kafkaConfig":{"batch.size":10000}`), sheet(t, []arrow.Field{text("__value__")}, objects...)).must(t, 3000)
	var n [3]int
	for _, r := range c.landed(c.topic) {
		n[r.Partition]++
	}
	if slices.Min(n[:]) < 200 {
		t.Errorf("%v", n)
	}
}

func TestARowNamesNoSuchPartition(t *testing.T) {
	c := newCluster(t, 2, nil)
	w := write(t, c.parameters(`"messageFormat":"raw","partitioner":"manual"`), sheet(t, []arrow.Field{text("__value__"), whole("__partition__")},
		`{"__value__":"a","__partition__":1}`, `{"__value__":"b","__partition__":2}`, `{"__value__":"c","__partition__":-1}`, `{"__value__":"d"}`))
	if w.err != nil || w.landed != 2 || len(w.dirty) != 2 {
		t.Fatalf("%+v", w)
	}
	if d := w.dirty[0]; d.Reason != "names partition 2, and topic "+c.topic+" has 2" || d.Column != "__partition__" || d.Row != 1 || !strings.Contains(string(d.Record), `"b"`) {
		t.Errorf("%+v", d)
	}
}

// Key, value, headers and time are what the columns say, NULL and nothing told apart.
func TestPartsOfMessages(t *testing.T) {
	c := newCluster(t, 1, nil)
	b64 := base64.StdEncoding.EncodeToString
	rows := sheet(t, []arrow.Field{binary("__key__"), binary("__value__"), text("__headers__"), whole("__timestamp__"), text("trace"), binary("blob")},
		`{"__key__":"`+b64([]byte{0, 0xff})+`","__value__":"`+b64([]byte{1, 0xfe})+`","__headers__":"[[\"b\",\"2\"],[\"a\",{\"base64\":\"/wA=\"}],[\"b\",null]]","__timestamp__":1700000000123,"trace":"t1","blob":"`+b64([]byte{0xfd})+`"}`,
		`{"__key__":"","__value__":null,"__headers__":"{\"x\":[\"1\",null],\"y\":\"\"}","__timestamp__":1600000000000,"trace":null,"blob":null}`,
		`{"__key__":null,"__value__":"","__headers__":null,"__timestamp__":0,"trace":"","blob":""}`)
	write(t, c.parameters(`"messageFormat":"raw","headers":{"by":"gx"},"headerColumns":["trace","blob"]`), rows).must(t, 3)
	var got []string
	for _, r := range c.landed(c.topic) {
		var heads []string
		for _, h := range r.Headers {
			heads = append(heads, fmt.Sprintf("%s=%q/%t", h.Key, h.Value, h.Value == nil))
		}
		got = append(got, fmt.Sprintf("%q/%t %q/%t %d %v", r.Key, r.Key == nil, r.Value, r.Value == nil, r.Timestamp.UnixMilli(), heads))
	}
	want := []string{
		`"\x00\xff"/false "\x01\xfe"/false 1700000000123 [by="gx"/false b="2"/false a="\xff\x00"/false b=""/true trace="t1"/false blob="\xfd"/false]`,
		`""/false ""/true 1600000000000 [by="gx"/false x="1"/false x=""/true y=""/false trace=""/true blob=""/true]`,
		`""/true ""/false 0 [by="gx"/false trace=""/false blob=""/false]`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Without the option topic rows go where they say, or where their batch comes from.
func TestTopicsOfRows(t *testing.T) {
	c := newCluster(t, 1, nil)
	other := c.topic + "-other"
	c.with(func(adm *kadm.Client) {
		if _, err := adm.CreateTopic(context.Background(), 1, 1, nil, other); err != nil {
			t.Fatal(err)
		}
	})
	first := sheet(t, []arrow.Field{text("v"), text("__topic__")}, `{"v":"1","__topic__":"`+other+`"}`, `{"v":"2"}`, `{"v":"3","__topic__":"no/topic"}`, `{"v":"4","__topic__":"`+other+`"}`)
	first.destination = c.topic
	second := sheet(t, []arrow.Field{text("v")}, `{"v":"5"}`)
	second.destination = other
	w := write(t, fmt.Sprintf(`{"server":%q,"messageFormat":"text","valueColumns":["v"]}`, c.addr), first, second)
	if w.err != nil || w.landed != 4 || len(w.dirty) != 1 || w.dirty[0].Column != "__topic__" || !strings.Contains(w.dirty[0].Reason, `"no/topic" cannot be the name of a topic`) {
		t.Fatalf("%+v", w)
	}
	if !w.opened.Self.WantsDestination {
		t.Error("the reader is not asked for topics")
	}
	values := func(topic string) (out string) {
		for _, r := range c.landed(topic) {
			out += string(r.Value)
		}
		return out
	}
	if a, b := values(c.topic), values(other); a != "2" || b != "145" {
		t.Errorf("%q and %q", a, b)
	}

	for destination, code := range map[string]protocol.Code{"": protocol.Config, "gx-not-there": protocol.NotFound} {
		lost := sheet(t, []arrow.Field{text("v")}, `{"v":"6"}`)
		lost.destination = destination
		if w := write(t, fmt.Sprintf(`{"server":%q}`, c.addr), lost); w.err == nil || w.err.Code != code || w.err.Place != "topic" {
			t.Errorf("%q: %+v", destination, w.err)
		}
	}
}
