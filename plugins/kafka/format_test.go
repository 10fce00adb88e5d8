package kafka

import (
	"encoding/binary"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/kafka/decode/decodetest"
	"github.com/gx-etl/gx/plugins/kafka/fetch"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
)

// rowsOf puts messages into an assembler and gives what became of them, one text a row.
func rowsOf(t *testing.T, options string, peer sdk.Peer, messages ...message) (rows []string, dirty []sdk.Dirty, filtered int64) {
	t.Helper()
	a := assemble(t, options, peer)
	for i := range messages {
		put(t, a, &messages[i])
	}
	out := a.take(position{}, 0)
	for _, r := range table(t, out) {
		rows = append(rows, strings.Join(r, "|"))
	}
	return rows, out.Dirty, out.Filtered
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// schemas is a registry that serves one schema of each type.
func schemas(t *testing.T) (url string) {
	t.Helper()
	s := httptest.NewServer(decodetest.Handler(map[uint32]*registry.Schema{
		1: {Type: registry.Avro, Text: `{"type":"record","name":"R","fields":[{"name":"id","type":"long"},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"raw","type":"bytes"}]}`},
		2: {Type: registry.Protobuf, Text: `syntax = "proto3"; message M { int64 id = 1; repeated Item items = 2; message Item { string sku = 1; } }`},
		3: {Type: registry.JSON, Text: `{"type":"object","properties":{"id":{"type":"integer"}}}`},
		4: {Type: registry.Avro, Text: `"string"`},
		6: {Type: registry.Avro, Text: `{"type":"record","name":"R","fields":[{"name":"key","type":"long","aliases":["id"]},{"name":"more","type":"string","default":"none"}]}`},
		5: {Type: registry.Avro, Text: `{"type":"record","name":"R","fields":[{"name":"more","type":"string"},{"name":"id","type":["null","int"]}]}`},
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func framed(id uint32, value string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, id), value...)
}

func TestValuesOfARegistry(t *testing.T) {
	url := schemas(t)
	convert := func(key, typ, more string) string {
		return fmt.Sprintf(`%q:{"type":%q,"schemaRegistryUrl":%q%s}`, key, typ, url, more)
	}
	avro := framed(1, "\x0e\x00\x04\x01\xff")
	rows, dirty, _ := rowsOf(t, convert("valueConverter", "avro", ""), sdk.Peer{}, message{value: avro}, message{value: framed(5, "\x02x\x02\x10")}, message{value: framed(9, "")})
	want(t, rows, `{"id":7,"at":"1970-01-01 00:00:00","raw":"Af8="}`, `{"more":"x","id":8}`)
	if len(dirty) != 1 || dirty[0].Reason != "the schema registry has no schema 9" || string(dirty[0].Record) != string(framed(9, "")) {
		t.Errorf("%+v", dirty)
	}
	// Columns by name, over an evolution of the schema, in the zone and form that the job wants.
	rows, _, _ = rowsOf(t, convert("valueConverter", "avro", `,"timeZone":"+08:00","binary":"hex"`), sdk.Peer{WantsColumns: true, Columns: []string{"ID", "at", "raw", "more"}},
		message{value: avro}, message{value: framed(5, "\x02x\x00")})
	want(t, rows, `7|"1970-01-01 08:00:00"|"01ff"|null`, `null|null|null|"x"`)
	// __value__ is the document, or the bytes when their type is given.
	column := `"column":["__value__","id","__key__"],`
	rows, dirty, _ = rowsOf(t, column+convert("valueConverter", "avro", "")+","+convert("keyConverter", "avro", ""), sdk.Peer{},
		message{value: framed(5, "\x02x\x02\x10"), key: framed(4, "\x04ab")}, message{value: framed(5, "\x02x\x02\x10")}, message{value: framed(5, "\x02x\x02\x10"), key: []byte("plain")},
		message{value: framed(5, "\x02x\x02\x10"), key: []byte{}})
	want(t, rows, `{"more":"x","id":8}|8|"ab"`, `{"more":"x","id":8}|8|null`)
	if len(dirty) != 2 || dirty[0].Reason != "the key: not in Confluent wire format: the first byte is 0x70, not 0" || dirty[1].Reason != "the key is empty" {
		t.Errorf("%+v", dirty)
	}
	rows, _, _ = rowsOf(t, `"valueType":"bytearray",`+column+convert("valueConverter", "avro", ""), sdk.Peer{}, message{value: avro, key: []byte("k")})
	want(t, rows, string(avro)+"|7|k")

	rows, _, _ = rowsOf(t, `"messageFormat":"protobuf",`+fmt.Sprintf(`"valueConverter":{"schemaRegistryUrl":%q}`, url), sdk.Peer{}, message{value: framed(2, "\x00\x08\x07")})
	want(t, rows, `{"id":7,"items":[]}`)
	rows, _, _ = rowsOf(t, `"explode":"$.items[*]","column":["sku","$.id","__value__"],`+convert("valueConverter", "protobuf", ""), sdk.Peer{},
		message{value: framed(2, "\x00\x08\x07\x12\x03\x0a\x01a\x12\x03\x0a\x01b")})
	want(t, rows, `"a"|7|{"id":7,"items":[{"sku":"a"},{"sku":"b"}]}`, `"b"|7|{"id":7,"items":[{"sku":"a"},{"sku":"b"}]}`)

	rows, dirty, _ = rowsOf(t, convert("valueConverter", "jsonschema", `,"validate":true`), sdk.Peer{}, message{value: framed(3, `{"id":7}`)}, message{value: framed(3, `{"id":"x"}`)})
	want(t, rows, `{"id":7}`)
	if len(dirty) != 1 || !strings.Contains(dirty[0].Reason, "does not fit its schema: - at '/id'") {
		t.Errorf("%+v", dirty)
	}
}

func TestReaderSchemasOfSubjects(t *testing.T) {
	url := schemas(t)
	options := func(subject string) string {
		return fmt.Sprintf(`"column":["key","more"],"messageFormat":"avro","valueConverter":{"schemaRegistryUrl":%q,"readerSchema":%q}`, url, subject)
	}
	a := assemble(t, options("6"), sdk.Peer{})
	if err := a.ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, err := newAssembler(a.layout)
	if err != nil {
		t.Fatal(err)
	}
	put(t, a, &message{value: framed(1, "\x0e\x00\x04\x01\xff")})
	put(t, a, &message{value: framed(5, "\x02x\x02\x10")})
	var rows []string
	for _, r := range table(t, a.take(position{}, 0)) {
		rows = append(rows, strings.Join(r, "|"))
	}
	want(t, rows, `7|"none"`, `8|"x"`)
	for subject, code := range map[string]protocol.Code{"absent": protocol.NotFound, "2": protocol.Config} {
		err := assemble(t, options(subject), sdk.Peer{}).ask(t.Context())
		if f := protocol.AsFault(err); f == nil || f.Code != code || f.Place != "valueConverter.readerSchema" {
			t.Errorf("%s: %v", subject, err)
		}
	}
}

func TestCellsBecomeColumns(t *testing.T) {
	peer := sdk.Peer{WantsColumns: true, Columns: []string{"a", "b"}}
	rows, dirty, _ := rowsOf(t, `"messageFormat":"csv"`, peer, message{value: []byte(`1,"x,y"`)}, message{value: []byte(`1`)}, message{value: []byte(`\N,`)})
	want(t, rows, "1|x,y", "null|")
	if len(dirty) != 1 || dirty[0].Reason != "1 cells where 2 are wanted" {
		t.Errorf("%+v", dirty)
	}
	rows, _, _ = rowsOf(t, `"messageFormat":"text","fieldDelimiter":"||","column":["1","'c'","__offset__","0"]`, sdk.Peer{}, message{value: []byte("a||b||c"), offset: 5})
	want(t, rows, "b|c|5|a")
	s, _ := readOptions(t, with(`"messageFormat":"csv"`))
	if _, _, err := newLayout(&s, sdk.Peer{}); protocol.AsFault(err) == nil || protocol.AsFault(err).Place != "column" {
		t.Errorf("cells have no names, so there are no documents: %v", err)
	}
}

func TestRawValues(t *testing.T) {
	rows, _, _ := rowsOf(t, `"messageFormat":"raw","column":["__key__","__value__"]`, sdk.Peer{}, message{key: []byte("k"), value: []byte("\xff\x00")}, message{})
	want(t, rows, "k|\xff\x00", "null|null")
	rows, dirty, _ := rowsOf(t, `"valueConverter":{"type":"string"},"column":["__value__"]`, sdk.Peer{}, message{value: []byte("text")}, message{value: []byte("\xff")})
	want(t, rows, "text")
	if len(dirty) != 1 || dirty[0].Reason != "the value is not valid UTF-8" {
		t.Errorf("%+v", dirty)
	}
}

func TestTextsOfOtherEncodings(t *testing.T) {
	const gbk = "\xb6\xab\xbe\xa9" // 东京
	header := []*sarama.RecordHeader{{Key: []byte(gbk), Value: []byte(gbk)}, {Key: []byte("odd"), Value: []byte{0x81}}}
	rows, dirty, _ := rowsOf(t, `"encoding":"GBK","headerEncoding":"GBK","column":["city","__key__","__value__","__headers__"]`, sdk.Peer{},
		message{key: []byte(gbk), value: []byte(`{"city":"` + gbk + `"}`), headers: header}, message{value: []byte("{\"city\":\"\xff\"}")}, message{key: []byte{0x81}, value: []byte("{}")})
	want(t, rows, `"东京"|东京|{"city":"东京"}|{"东京":"东京","odd":{"base64":"gQ=="}}`)
	if len(dirty) != 2 || dirty[0].Reason != "the value is not valid GBK" || dirty[1].Reason != "the key is not valid GBK" || string(dirty[1].Key) != "\x81" {
		t.Errorf("%+v", dirty)
	}
	// Bytes are no text.
	rows, _, _ = rowsOf(t, `"encoding":"GBK","column":["__key__"],"keyType":"bytearray"`, sdk.Peer{}, message{key: []byte{0x81}})
	want(t, rows, "\x81")
	rows, _, _ = rowsOf(t, `"encoding":"UTF-16","messageFormat":"csv","column":["a","b"]`, sdk.Peer{}, message{value: []byte("\x00x\x00,\x20\xac")})
	want(t, rows, "x|€")
}

func TestAnArrayWithoutExplodeIsDirty(t *testing.T) {
	_, dirty, _ := rowsOf(t, "", sdk.Peer{}, message{value: []byte(`[{"a":1}]`)})
	if len(dirty) != 1 || dirty[0].Reason != "not a JSON object but an array at byte 0" {
		t.Errorf("%+v", dirty)
	}
}

func TestRowsWithoutAnyAreCounted(t *testing.T) {
	for option, refused := range map[string]int{"skip": 0, "dirty": 1} {
		rows, dirty, filtered := rowsOf(t, `"explode":"$.a[*]","emptyValue":"`+option+`"`, sdk.Peer{}, message{value: []byte(`{"a":[]}`)}, message{value: []byte(`{"a":[{}]}`)})
		want(t, rows, `{}`)
		if len(dirty) != refused || filtered != int64(1-refused) {
			t.Errorf("%s: %d dirty, %d filtered", option, len(dirty), filtered)
		}
	}
}

// A message with more rows than a batch takes: the partition resumes at the message until all of its rows are on their way,
// and every row is there once.
func TestAMessageOfManyBatches(t *testing.T) {
	var value strings.Builder
	const n = 3000
	value.WriteByte('[')
	for i := range n {
		if i > 0 {
			value.WriteByte(',')
		}
		fmt.Fprintf(&value, `{"n":%d,"pad":%q}`, i, strings.Repeat("x", 1000))
	}
	value.WriteByte(']')
	a := assemble(t, `"explode":"$[*]","column":["n","pad"]`, sdk.Peer{})
	l := lane{assembler: a, ranges: []fetch.Range{{Topic: "orders", Partition: 3, End: 100}}, current: 0}
	var positions []string
	next := 0
	l.send = func(out sdk.Outgoing, at int64) error {
		for _, r := range table(t, out) {
			if r[0] != fmt.Sprint(next) {
				t.Fatalf("row %s, want %d", r[0], next)
			}
			next++
		}
		positions = append(positions, fmt.Sprintf("%s %d", out.Position, at))
		return nil
	}
	batch := &sarama.RecordBatch{FirstOffset: 7, PartitionLeaderEpoch: 2, Records: []*sarama.Record{{Value: []byte(value.String())}}}
	if err := l.take(t.Context(), &fetch.Block{Batches: []*sarama.RecordBatch{batch}, From: 0, To: 100, Next: 8, Epoch: 2, HighWater: 8, Done: true}); err != nil {
		t.Fatal(err)
	}
	want(t, positions, `{"offset":7,"epoch":2} 7`, `{"offset":7,"epoch":2} 7`, `{"offset":8,"epoch":2} 8`)
	if next != n {
		t.Errorf("%d rows, want %d", next, n)
	}
}

// A value can stand in a row more than once: what is then too large for a batch is dirty, and kept once.
func TestRowsThatAreTooLarge(t *testing.T) {
	big := strings.Repeat("x", maxRow/2)
	for option, n := range map[string]int{`"column":["a","a","a"]`: 1, `"messageFormat":"raw","column":["__value__","__value__","__value__"]`: 1,
		`"explode":"$.items[*]","column":["$.a","$.a","$.a"]`: 2} {
		a := assemble(t, option, sdk.Peer{})
		m := message{value: []byte(`{"items":[{},{}],"a":"` + big + `"}`)}
		done, err := a.add(t.Context(), &m)
		dirty := a.take(position{}, 0).Dirty
		for ; err == nil && !done; done = a.more(&m) {
			dirty = append(dirty, a.take(position{}, 0).Dirty...)
		}
		dirty = append(dirty, a.take(position{}, 0).Dirty...)
		kept := 0
		for _, d := range dirty {
			kept += len(d.Record)
			if !strings.HasPrefix(d.Reason, "the cells of a row have ") {
				t.Errorf("%s: %s", option, d.Reason)
			}
		}
		if len(dirty) != n || kept < len(big) || kept > len(big)+100 {
			t.Errorf("%s: %d dirty, %d bytes kept", option, len(dirty), kept)
		}
	}
}

func TestKeysInAnEnvelope(t *testing.T) {
	rows, dirty, _ := rowsOf(t, `"column":["__key__"],"keyConverter":{"type":"json","schemasEnable":true}`, sdk.Peer{},
		message{key: []byte(`{"schema":{"type":"int64"},"payload":7}`)}, message{key: []byte(`{"schema":null,"payload":null}`)}, message{key: []byte(`7`)})
	want(t, rows, "7", "null")
	if len(dirty) != 1 || !strings.HasPrefix(dirty[0].Reason, "the key: not a JSON object but a number") {
		t.Errorf("%+v", dirty)
	}
	_, dirty, _ = rowsOf(t, `"column":["__key__"],"keyConverter":{"type":"json"}`, sdk.Peer{}, message{key: []byte(`{"schema":{"type":"int64"},"payload":7}`)})
	if len(dirty) != 1 || !strings.Contains(dirty[0].Reason, `set "keyConverter": {"schemasEnable": true}`) {
		t.Errorf("%+v", dirty)
	}
}

// A registry that cannot be asked ends the job; the message is not dirty.
func TestARegistryThatRefusesEndsTheJob(t *testing.T) {
	s := httptest.NewServer(nil) // 404 without a reason: not a registry
	t.Cleanup(s.Close)
	a := assemble(t, fmt.Sprintf(`"messageFormat":"avro","valueConverter":{"schemaRegistryUrl":%q}`, s.URL), sdk.Peer{})
	_, err := a.add(t.Context(), &message{value: framed(1, "")})
	if f := protocol.AsFault(err); f == nil || f.Code != protocol.Config || f.Place != "valueConverter.schemaRegistryUrl" || !a.empty() {
		t.Errorf("%v", err)
	}
	if err := a.ask(t.Context()); protocol.AsFault(err) == nil {
		t.Errorf("opening must tell it: %v", err)
	}
	if err := a.format.probe(t.Context()); protocol.AsFault(err) == nil {
		t.Errorf("gx check --live must tell it: %v", err)
	}
}

func TestLoginsOfRegistries(t *testing.T) {
	for text, want := range map[string]registry.Config{
		`"schemaRegistryUrl":"http://u:p%20w@r:8081/x/,https://r2"`:                                     {URLs: []string{"http://r:8081/x", "https://r2"}, Username: "u", Password: "p w"},
		`"schemaRegistryUrl":["http://r"],"schemaRegistryAuth":{"username":"ada","password":"pw"}`:      {URLs: []string{"http://r"}, Username: "ada", Password: "pw"},
		`"schemaRegistryUrl":"http://r","schemaRegistryAuth":{"token":"tok"}`:                           {URLs: []string{"http://r"}, Token: "tok"},
		`"schemaRegistryUrl":"https://r","schemaRegistryAuth":{"ca":"a","certificate":"b","key":"c"}`:   {URLs: []string{"https://r"}, CA: "a", Certificate: "b", Key: "c"},
		`"schemaRegistryUrl":"https://r","schemaRegistryAuth":{"username":"ada","password":"","ca":""}`: {URLs: []string{"https://r"}, Username: "ada"},
	} {
		want.Option = "valueConverter"
		s, problems := readOptions(t, with(`"valueConverter":{"type":"avro",`+text+`}`))
		if got := s.format.value.registry; fmt.Sprint(got) != fmt.Sprint(want) || len(problems) > 0 {
			t.Errorf("%s: %+v %v", text, got, problems)
		}
	}
}

func TestQuotesAndEscapes(t *testing.T) {
	rows, _, _ := rowsOf(t, `"messageFormat":"csv","fieldDelimiter":";","quote":"'","escape":"\\","nullFormat":"-","column":["a","b","c"]`, sdk.Peer{}, message{value: []byte(`'a;\'b';-;'-'`)})
	want(t, rows, `a;'b|null|-`)
	rows, _, _ = rowsOf(t, `"messageFormat":"csv","quote":"","column":["a","b"]`, sdk.Peer{}, message{value: []byte(`"a,b"`)})
	want(t, rows, `"a|b"`)
}

func BenchmarkAvro5Columns(b *testing.B) {
	s := httptest.NewServer(decodetest.Handler(map[uint32]*registry.Schema{1: {Type: registry.Avro, Text: `{"type":"record","name":"R","fields":[
		{"name":"id","type":"long"},{"name":"user","type":{"type":"record","name":"U","fields":[{"name":"name","type":"string"},{"name":"city","type":"string"}]}},
		{"name":"amount","type":"double"},{"name":"ts","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"tags","type":{"type":"array","items":"string"}},
		{"name":"note","type":"string"},{"name":"ok","type":"boolean"}]}`}}))
	defer s.Close()
	a := assemble(b, fmt.Sprintf(`"messageFormat":"avro","column":["id","user.name","amount","ts","note"],"valueConverter":{"schemaRegistryUrl":%q}`, s.URL), sdk.Peer{})
	m := message{time: 1, value: framed(1, "\xa4\x8b\xb0\x99\x09\x18Ada Lovelace\x0cLondon\xd5\xe7\x6a\x2b\x52\x4a\x93\x40\x80\xc0\x9b\xf4\xb2\xf9\x85\x06\x06\x0aalpha\x08beta\x0agamma\x00\x38some text of ordinary length\x01")}
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
	if len(a.dirty) > 0 {
		b.Fatal(a.dirty[0].Reason)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}
