package kafka

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"pgregory.net/rapid"
)

func assemble(t testing.TB, options string, peer sdk.Peer) *assembler {
	t.Helper()
	s, problems := readOptions(t, with(options))
	for _, p := range problems {
		if !p.Warning {
			t.Fatal(p)
		}
	}
	l, _, err := newLayout(&s, peer)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newAssembler(l)
	if err != nil {
		t.Fatal(err)
	}
	a.of("orders", 3)
	return a
}

// put adds a message whose rows fit into the batch.
func put(t testing.TB, a *assembler, m *message) {
	t.Helper()
	if done, err := a.add(t.Context(), m); err != nil || !done {
		t.Fatal(done, err)
	}
}

// table is the rows of a batch as text, null for nulls.
func table(t testing.TB, out sdk.Outgoing) [][]string {
	t.Helper()
	if out.Rows == 0 {
		return nil
	}
	var d rows.Decoder
	rec, err := d.Decode(out.Payload.Materialize())
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	got := make([][]string, rec.NumRows())
	for _, col := range rec.Columns() {
		for i := range got {
			text := "null"
			switch c := col.(type) {
			case *array.Binary:
				if c.IsValid(i) {
					text = string(c.Value(i))
				}
			case *array.String:
				if c.IsValid(i) {
					text = c.Value(i)
				}
			case arrow.TypedArray[int64]:
				if c.IsValid(i) {
					text = fmt.Sprint(c.Value(i))
				}
			case arrow.TypedArray[float64]:
				if c.IsValid(i) {
					text = fmt.Sprint(c.Value(i))
				}
			default:
				t.Fatalf("column of type %T", col)
			}
			got[i] = append(got[i], text)
		}
	}
	return got
}

func values(texts ...string) []message {
	var out []message
	for i, text := range texts {
		m := message{offset: int64(i), time: 1000 + int64(i)}
		if text != "-" {
			m.value = []byte(text)
		}
		out = append(out, m)
	}
	return out
}

func TestDocumentsPassByteForByte(t *testing.T) {
	a := assemble(t, "", sdk.Peer{})
	docs := []string{`{"n":12345678901234567890}`, ` {"a" : 1e400, "a":2} `, `{"ü":"\u00fc"}`}
	for _, m := range values(docs...) {
		put(t, a, &m)
	}
	out := a.take(position{Offset: 3, Epoch: -1}, 7)
	var got []string
	for _, row := range table(t, out) {
		got = append(got, row[0])
	}
	if !slices.Equal(got, docs) || out.Lag != 7 || out.EventTime != 1002 || out.Shard != "orders/3" || string(out.Position) != `{"offset":3,"epoch":-1}` {
		t.Errorf("%q %+v", got, out)
	}
	if want := int64(len(docs[0]) + len(docs[1]) + len(docs[2])); out.Bytes != want {
		t.Errorf("%d bytes, want %d", out.Bytes, want)
	}
	if !a.empty() {
		t.Error("something is left")
	}
}

func TestBadDocumentsSayWhyAndWhere(t *testing.T) {
	a := assemble(t, `"emptyValue":"dirty"`, sdk.Peer{})
	wanted := map[string]string{
		`[1]`:                           "not a JSON object but an array at byte 0",
		`{"a":}`:                        "invalid JSON: a value is missing at byte 5",
		`{"a":1}{"b":2}`:                "invalid JSON: more text behind the object at byte 7",
		"{\"a\":\"\xc3\"}":              "invalid UTF-8 at byte 6",
		"-":                             "the value is empty",
		"\x00\x00\x00\x00\x2a{\"a\":1}": `looks like Confluent wire format (magic byte 0, schema id 42), not like plain JSON: set "type": "jsonschema", "avro" or "protobuf" and schemaRegistryUrl in valueConverter`,
		`{"schema":{"type":"struct"},"payload":{"a":1}}`: `holds exactly the keys schema and payload, as JSON with schemas does: set "valueConverter": {"schemasEnable": true}`,
	}
	texts := make([]string, 0, len(wanted)+1)
	for text := range wanted {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	for _, m := range append(values(texts...), values(`{"good":true}`)...) {
		m.key = []byte("k")
		put(t, a, &m)
	}
	out := a.take(position{}, 0)
	if out.Rows != 1 || len(out.Dirty) != len(wanted) || out.Filtered != 0 {
		t.Fatalf("%d rows, %d dirty, %d filtered", out.Rows, len(out.Dirty), out.Filtered)
	}
	for i, d := range out.Dirty {
		if d.Reason != wanted[texts[i]] || d.Place != fmt.Sprintf("topic orders, partition 3, offset %d", i) || string(d.Key) != "k" {
			t.Errorf("%q: %+v", texts[i], d)
		}
		if texts[i] != "-" && string(d.Record) != texts[i] {
			t.Errorf("the record is %q, was %q", d.Record, texts[i])
		}
	}
}

// A message that is refused keeps all that it was: what is empty differs from what is not there.
func TestRefusedMessagesKeepTheirOrigin(t *testing.T) {
	a := assemble(t, "", sdk.Peer{})
	header := func(key string, value []byte) *sarama.RecordHeader {
		return &sarama.RecordHeader{Key: []byte(key), Value: value}
	}
	value, key := []byte("bad"), []byte{0xff}
	put(t, a, &message{offset: 41, time: 1_700_000_000_123, key: key, value: value,
		headers: []*sarama.RecordHeader{header("h", []byte("1")), header("h", nil), header("", []byte{})}})
	put(t, a, &message{offset: 42, time: -1, key: []byte{}, value: []byte("worse")})
	put(t, a, &message{offset: 43, time: -1, value: []byte("worst")})
	value[0], key[0] = '*', '*' // the buffer of the fetch lives on
	put(t, a, &message{offset: 44, value: []byte("{"), headers: []*sarama.RecordHeader{header("big", make([]byte, maxRow))}})
	got := a.take(position{}, 0).Dirty
	if len(got) != 4 {
		t.Fatalf("%d dirty records", len(got))
	}
	o := got[0].Origin
	if o == nil || o.Topic != "orders" || o.Partition != 3 || o.Offset != 41 || o.Time != 1_700_000_000_123 || string(got[0].Record) != "bad" || got[0].Key[0] != 0xff {
		t.Errorf("%+v %+v", got[0], o)
	}
	if len(o.Headers) != 3 || string(o.Headers[0].Value) != "1" || o.Headers[1].Value != nil || o.Headers[2].Value == nil {
		t.Errorf("headers %q", o.Headers)
	}
	if got[1].Key == nil || got[2].Key != nil || got[1].Origin.Time != -1 {
		t.Errorf("keys %v and %v", got[1].Key, got[2].Key)
	}
	if got[3].Origin.Headers != nil || string(got[3].Record) != "{" {
		t.Errorf("headers that fit into no batch: %d", len(got[3].Origin.Headers))
	}
}

// Twenty messages and an empty one between: all twenty arrive.
func TestAnEmptyMessageHidesNoOther(t *testing.T) {
	for _, empty := range []string{"-", ""} {
		a := assemble(t, "", sdk.Peer{})
		var texts []string
		for i := range 20 {
			if i == 7 {
				texts = append(texts, empty)
			}
			texts = append(texts, fmt.Sprintf(`{"n":%d}`, i))
		}
		for _, m := range values(texts...) {
			put(t, a, &m)
		}
		out := a.take(position{}, 0)
		if out.Rows != 20 || out.Filtered != 1 || len(out.Dirty) != 0 {
			t.Errorf("%d rows, %d filtered, %d dirty", out.Rows, out.Filtered, len(out.Dirty))
		}
	}
}

func TestColumns(t *testing.T) {
	a := assemble(t, `"column":["'c''s'","id","tag.desc","list[1]","__key__","__value__","__partition__","__offset__","__timestamp__","__topic__","__headers__"],"keyType":"long"`, sdk.Peer{})
	header := func(k, v string) *sarama.RecordHeader { return &sarama.RecordHeader{Key: []byte(k), Value: []byte(v)} }
	put(t, a, &message{offset: 9, time: 1_700_000_000_123, key: []byte{0, 0, 0, 0, 0, 0, 1, 0}, value: []byte(`{"id":007e}`)}) // dirty: a row must not be half written
	put(t, a, &message{offset: 10, time: 1_700_000_000_123, key: []byte{0, 0, 0, 0, 0, 0, 1, 0},
		value:   []byte(`{"list":[1,{"x":2}],"id":12345678901234567890,"tag":{"desc":"a\"b"}}`),
		headers: []*sarama.RecordHeader{header("a", `q"`), header("b", "\xff"), header("a", "2"), {Key: []byte("n")}}})
	put(t, a, &message{offset: 11, time: -1, value: []byte(`{"id":null}`)})
	out := a.take(position{}, 0)
	want := [][]string{
		{"c's", "12345678901234567890", `"a\"b"`, `{"x":2}`, "256", `{"list":[1,{"x":2}],"id":12345678901234567890,"tag":{"desc":"a\"b"}}`, "3", "10", "1700000000123", "orders",
			`{"a":["q\"","2"],"b":{"base64":"/w=="},"n":null}`},
		{"c's", "null", "null", "null", "null", `{"id":null}`, "3", "11", "null", "orders", "{}"},
	}
	if got := table(t, out); !slices.EqualFunc(got, want, slices.Equal[[]string]) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if len(out.Dirty) != 1 || !strings.HasPrefix(out.Dirty[0].Reason, "invalid JSON") {
		t.Errorf("%+v", out.Dirty)
	}
}

func TestTypedKeysAndValues(t *testing.T) {
	for _, c := range []struct {
		typ   string
		bytes []byte
		want  string // "!" and a reason when dirty
	}{
		{"long", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe}, "-2"},
		{"integer", []byte{0xff, 0xff, 0xff, 0xfe}, "-2"},
		{"short", []byte{0xff, 0xfe}, "-2"},
		{"double", []byte{0x40, 0x09, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18}, fmt.Sprint(math.Pi)},
		{"float", []byte{0x3f, 0xc0, 0, 0}, "1.5"},
		{"string", []byte("ü"), "ü"},
		{"string", []byte{}, ""},
		{"string", nil, "null"},
		{"bytearray", []byte{0xff, 0}, "\xff\x00"},
		{"long", nil, "null"},
		{"long", []byte{1, 2, 3}, "!has 3 bytes, and a long has 8"},
		{"integer", []byte{}, "!has 0 bytes, and a integer has 4"},
		{"short", []byte{1, 2, 3}, "!has 3 bytes, and a short has 2"},
		{"double", []byte{1}, "!has 1 bytes, and a double has 8"},
		{"float", []byte{1}, "!has 1 bytes, and a float has 4"},
		{"string", []byte{0xff}, "!is not valid UTF-8"},
	} {
		a := assemble(t, `"column":["__key__","__value__"],"keyType":"`+c.typ+`","valueType":"`+c.typ+`"`, sdk.Peer{})
		put(t, a, &message{key: c.bytes, value: c.bytes})
		out := a.take(position{}, 0)
		if reason, dirty := strings.CutPrefix(c.want, "!"); dirty {
			if len(out.Dirty) != 1 || out.Dirty[0].Reason != "the key "+reason || out.Dirty[0].Column != "__key__" || out.Rows != 0 {
				t.Errorf("%s %x: %+v", c.typ, c.bytes, out)
			}
			continue
		}
		if got := table(t, out); len(got) != 1 || got[0][0] != c.want || got[0][1] != c.want {
			t.Errorf("%s %x: %q", c.typ, c.bytes, got)
		}
	}
	a := assemble(t, `"column":["__key__"],"keyConverter":{"type":"json"}`, sdk.Peer{})
	put(t, a, &message{key: []byte(`{"id":1}`)})
	put(t, a, &message{key: []byte(`{"id":`)})
	out := a.take(position{}, 0)
	if got := table(t, out); len(got) != 1 || got[0][0] != `{"id":1}` || len(out.Dirty) != 1 || out.Dirty[0].Reason != "the key: invalid JSON: a value is missing (the text ends too early) at byte 6" {
		t.Errorf("%q %+v", got, out.Dirty)
	}
}

func TestEnvelopes(t *testing.T) {
	const enable = `"valueConverter":{"type":"json","schemasEnable":true}`
	texts := []string{
		`{"schema":{"type":"struct"},"payload":{"ID":1}}`,
		` {"payload": {"id":2} ,"schema":null}`,
		`{"schema":null,"payload":null}`,
		`{"id":3}`,
		`{"schema":{},"payload":{"id":4},"more":1}`,
		`{"schema":{},"payload":[5]}`,
		`{"schema":{},"other":{"id":6}}`,
		`{"schema":{},"payload":{"id":7}`,
	}
	for name, a := range map[string]*assembler{
		"documents": assemble(t, enable, sdk.Peer{}),
		"columns":   assemble(t, enable, sdk.Peer{WantsColumns: true, Columns: []string{"id"}}),
	} {
		for _, m := range values(texts...) {
			put(t, a, &m)
		}
		out := a.take(position{}, 0)
		var got []string
		for _, row := range table(t, out) {
			got = append(got, row[0])
		}
		want := []string{`{"ID":1}`, `{"id":2}`}
		if name == "columns" {
			want = []string{"1", "2"}
		}
		if !slices.Equal(got, want) || out.Filtered != 1 || len(out.Dirty) != 5 {
			t.Errorf("%s: %q, %d filtered, %+v", name, got, out.Filtered, out.Dirty)
		}
	}
	// A table that has such columns means them.
	a := assemble(t, "", sdk.Peer{Columns: []string{"schema", "payload"}})
	put(t, a, &message{value: []byte(texts[0])})
	if out := a.take(position{}, 0); out.Rows != 1 {
		t.Errorf("%+v", out.Dirty)
	}
}

func TestTargetColumnsByName(t *testing.T) {
	for _, options := range []string{"", `"column":["*"]`} {
		a := assemble(t, options, sdk.Peer{WantsColumns: true, Columns: []string{"id", "userName", "gone"}})
		put(t, a, &message{value: []byte(`{"USERNAME":"x","extra":[1],"Id":7}`)})
		if got := table(t, a.take(position{}, 0)); len(got) != 1 || !slices.Equal(got[0], []string{"7", `"x"`, "null"}) {
			t.Errorf("%q", got)
		}
	}
	s, _ := readOptions(t, with(`"column":["a","b"]`))
	if _, _, err := newLayout(&s, sdk.Peer{Columns: []string{"x", "y", "z"}}); protocol.AsFault(err) == nil || protocol.AsFault(err).Place != "column" ||
		!strings.Contains(err.Error(), "2 columns here and 3 at the target: x, y, z") {
		t.Errorf("%v", err)
	}
	l, names, err := newLayout(&s, sdk.Peer{Columns: []string{"x", "y"}})
	if err != nil || !slices.Equal(names, []string{"x", "y"}) || l.schema.Field(1).Name != "y" {
		t.Errorf("%v %v", names, err)
	}
	s, _ = readOptions(t, with(`"column":["document"]`))
	if l, _, err = newLayout(&s, sdk.Peer{}); err != nil || rows.IsDocuments(l.schema) {
		t.Error("one column looks like whole documents")
	}
}

func TestBatchesAreCut(t *testing.T) {
	a := assemble(t, `"maxPollRecords":3`, sdk.Peer{})
	for i, m := range values(`{"a":1}`, `[]`, `{"a":1}`) {
		put(t, a, &m)
		if a.full() != (i == 2) {
			t.Errorf("full after %d: %v", i+1, a.full())
		}
	}
	a = assemble(t, "", sdk.Peer{})
	big := []byte(`{"a":"` + strings.Repeat("x", protocol.BatchBytes/2) + `"}`)
	put(t, a, &message{value: big})
	if a.full() {
		t.Error("full at half the size")
	}
	put(t, a, &message{value: []byte("[" + string(big) + "]")}) // dirty records weigh too
	if !a.full() {
		t.Error("not full at the size")
	}
	a = assemble(t, "", sdk.Peer{})
	put(t, a, &message{value: []byte(`{"a":"` + strings.Repeat("x", maxRow) + `"}`)})
	if out := a.take(position{}, 0); len(out.Dirty) != 1 || out.Dirty[0].Record != nil || out.Rows != 0 || !strings.Contains(out.Dirty[0].Reason, "fit into one batch") {
		t.Errorf("%d rows, %d dirty", out.Rows, len(out.Dirty))
	}
}

func TestHeadersAreAlwaysJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var headers []*sarama.RecordHeader
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			headers = append(headers, &sarama.RecordHeader{Key: rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "key"), Value: rapid.SliceOfN(rapid.Byte(), 0, 6).Draw(t, "value")})
		}
		var m map[string]any
		if text := appendHeaders(nil, headers, nil); json.Unmarshal(text, &m) != nil {
			t.Fatalf("%q", text)
		}
	})
}

func FuzzParseColumn(f *testing.F) {
	for _, s := range []string{"a", "'x'", "'it''s'", "__key__", "__nope__", `\__x__`, "a[0].b", "'", "''", "____"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, problem := parseColumn(text)
		switch {
		case problem != nil:
			if problem.Seen == "" {
				t.Error("a problem without words")
			}
		case c.kind == columnField && len(c.path) == 0, c.name != text:
			t.Errorf("%q became %+v", text, c)
		}
	})
}

func TestRowsAllocateNothing(t *testing.T) {
	for name, a := range map[string]*assembler{
		"documents": assemble(t, "", sdk.Peer{}),
		"columns":   assemble(t, `"column":["id","user.name","__offset__","__topic__","'c'"]`, sdk.Peer{}),
	} {
		m := message{value: []byte(`{"id":1,"user":{"name":"Ada"},"x":[1,2]}`)}
		put(t, a, &m)
		if n := testing.AllocsPerRun(1000, func() { put(t, a, &m) }); n > 0.1 { // buffers grow now and then
			t.Errorf("%s: %v allocations per row", name, n)
		}
	}
}

var sample = []byte(`{"id":1234567890,"user":{"name":"Ada Lovelace","city":"London"},"amount":1234.5678,"ts":"2026-11-21 10:00:00.123456",` +
	`"tags":["alpha","beta","gamma"],"note":"some text of ordinary length","ok":true}`)

func benchmark(b *testing.B, options string) {
	a := assemble(b, options, sdk.Peer{})
	m := message{value: sample, time: 1}
	b.SetBytes(int64(len(sample)))
	b.ReportAllocs()
	ctx := b.Context()
	for b.Loop() {
		if done, err := a.add(ctx, &m); err != nil || !done {
			b.Fatal(done, err)
		}
		if a.full() {
			out := a.take(position{Offset: 1}, 0)
			out.Payload.Free()
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

func BenchmarkDocuments(b *testing.B) { benchmark(b, "") }

func BenchmarkProject5Columns(b *testing.B) {
	benchmark(b, `"column":["id","user.name","amount","ts","note"]`)
}

func TestBatchesNameTheirTopicWhenTheTargetHasNoTable(t *testing.T) {
	for _, routed := range []bool{false, true} {
		a := assemble(t, "", sdk.Peer{WantsDestination: routed})
		want := map[bool]string{true: "orders"}[routed]
		put(t, a, &message{value: []byte(`{"id":1}`)})
		if got := a.take(position{Offset: 1}, 0).Destination; got != want {
			t.Errorf("the batch goes to %q, want %q", got, want)
		}
		a.of("returns", 0)
		put(t, a, &message{value: []byte(`{"id":1}`)})
		if got := a.take(position{Offset: 1}, 0).Destination; routed && got != "returns" {
			t.Errorf("a batch of another topic goes to %q", got)
		}
	}
}
