package avro_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/kafka/avro"
	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/decode/decodetest"
	"github.com/gx-etl/gx/plugins/kafka/literal"
	"github.com/gx-etl/gx/plugins/kafka/project"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	library "github.com/twmb/avro"
)

const order = `{"type":"record","name":"Order","namespace":"shop","fields":[
	{"name":"id","type":"long"},
	{"name":"customer","aliases":["client"],"type":{"type":"record","name":"Customer","fields":[{"name":"name","type":"string"},{"name":"since","type":{"type":"int","logicalType":"date"}}]}},
	{"name":"parent","type":["null","Order"]},
	{"name":"items","type":{"type":"array","items":{"type":"record","name":"Item","fields":[{"name":"sku","type":"string"},{"name":"n","type":"int"}]}}},
	{"name":"tags","type":{"type":"map","values":["null","string","double"]}},
	{"name":"state","type":{"type":"enum","name":"State","symbols":["NEW","PAID"]}},
	{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},
	{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
	{"name":"sum","type":{"type":"fixed","name":"MD","size":2}},
	{"name":"ok","type":"boolean"},{"name":"ratio","type":"float"}]}`

func orderBytes(t testing.TB, parent any) ([]byte, any) {
	t.Helper()
	v := map[string]any{
		"id": int64(7), "customer": map[string]any{"name": "Ada", "since": int32(1)}, "parent": parent,
		"items": []any{map[string]any{"sku": "a", "n": int32(1)}, map[string]any{"sku": "b", "n": int32(2)}},
		"tags":  map[string]any{"x": "y"}, "state": "PAID", "amount": []byte{0x30, 0x39}, "at": int64(1_700_000_000_000_001),
		"sum": []byte{0xab, 0xcd}, "ok": true, "ratio": float32(0.5),
	}
	bare := strings.NewReplacer(`,"logicalType":"date"`, "", `,"logicalType":"decimal","precision":10,"scale":2`, "", `,"logicalType":"timestamp-micros"`, "").Replace(order)
	raw, err := library.MustParse(bare).Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw, v
}

func TestAnOrder(t *testing.T) {
	_, parent := orderBytes(t, nil)
	raw, _ := orderBytes(t, parent)
	schema := &registry.Schema{Type: registry.Avro, Text: order}
	one := `{"id":7,"customer":{"name":"Ada","since":"1970-01-02"},"parent":%s,"items":[{"sku":"a","n":1},{"sku":"b","n":2}],"tags":{"x":"y"},` +
		`"state":"PAID","amount":"123.45","at":"2023-11-14 22:13:20.000001","sum":"q80=","ok":true,"ratio":0.5}`
	rows, err := decodetest.Run(t, avro.Compile(literal.Style{}, nil), schema, decodetest.Wanted(t), raw)
	if want := fmt.Sprintf(one, fmt.Sprintf(one, "null")); err != nil || rows[0].Document != want {
		t.Fatalf("%v %v,\nwant %s", rows, err, want)
	}
	for path, want := range map[string]string{
		"customer.name": `"Ada"`, "client.since": `"1970-01-02"`, "parent.parent": "NULL", "parent.id": "7", "parent.customer.name": `"Ada"`,
		"items[1].sku": `"b"`, "items[2]": "NULL", "tags.x": `"y"`, "tags.z": "NULL", "nothing": "NULL", "id.x": "NULL", "items[0]": `{"sku":"a","n":1}`,
	} {
		rows, err := decodetest.Run(t, avro.Compile(literal.Style{}, nil), schema, decodetest.Wanted(t, path), raw)
		if err != nil || rows[0].Cells[0] != want {
			t.Errorf("%s: %v %v, want %s", path, rows, err, want)
		}
	}
	w := decodetest.Wanted(t, "ID", "Amount")
	w.Fold = true
	if rows, err := decodetest.Run(t, avro.Compile(literal.Style{}, nil), schema, w, raw); err != nil || rows[0].Text() != `7|"123.45"` {
		t.Errorf("%v %v", rows, err)
	}
}

func TestRefusals(t *testing.T) {
	long, list := `"long"`, `{"type":"array","items":"null"}`
	in := func(typ string) string {
		return `{"type":"record","name":"R","fields":[{"name":"f","type":` + typ + `}]}`
	}
	deep := `{"type":"record","name":"R","fields":[{"name":"f","type":["null","R"]}]}`
	for _, c := range []struct {
		schema string
		value  []byte
		want   string
	}{
		{in(long), nil, "the value ends too early, at byte 0 behind its header"},
		{in(long), []byte{2, 0}, "1 bytes stand behind the value of its schema"},
		{in(long), bytes.Repeat([]byte{0xff}, 11), "a number at byte 0 behind the header has more than 64 bits"},
		{in(`"int"`), []byte{0x80, 0x80, 0x80, 0x80, 0x20}, "an int at byte 0 behind the header is 4294967296, which has more than 32 bits"},
		{in(`"string"`), []byte{4, 'a'}, "the value ends too early, at byte 1 behind its header"},
		{in(`"string"`), []byte{1}, "a length at byte 0 behind the header is negative"},
		{in(`"string"`), []byte{2, 0xff}, "a text is not valid UTF-8"},
		{in(`"boolean"`), []byte{2}, "a boolean at byte 0 behind the header is 2"},
		{in(`"double"`), []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f}, "a double at byte 0 behind the header is NaN, which JSON and StarRocks have not"},
		{in(`"float"`), []byte{0, 0, 0x80, 0x7f}, "a float at byte 0 behind the header is +Inf, which JSON and StarRocks have not"},
		{in(`{"type":"enum","name":"E","symbols":["A"]}`), []byte{2}, "E at byte 0 behind the header has no symbol 1"},
		{in(`["null","int"]`), []byte{4}, "a union at byte 0 behind the header has no branch 2"},
		{in(`{"type":"int","logicalType":"date"}`), []byte{0xfe, 0xff, 0xff, 0xff, 0x0f}, "the date 2147483647 is not in the years 0000 to 9999"},
		{in(`{"type":"int","logicalType":"time-millis"}`), []byte{1}, "-1 is no time of a day"},
		{in(list), append(binary.AppendVarint(nil, 1<<40), 0), "a value of more than 16777216 elements"},
		{in(`{"type":"fixed","name":"F","size":3}`), []byte{1, 2}, "the value ends too early, at byte 0 behind its header"},
		{deep, bytes.Repeat([]byte{2}, 2000), "nested deeper than 1000 levels"},
		{long, []byte{2}, "the value is of type long, not a record"},
		{list, []byte{0}, "the value is an array, not a record"},
	} {
		_, err := decodetest.Run(t, avro.Compile(literal.Style{}, nil), &registry.Schema{Type: registry.Avro, Text: c.schema}, decodetest.Wanted(t), c.value)
		var refused *decode.Refusal
		if !errors.As(err, &refused) || refused.Reason != c.want {
			t.Errorf("%s %x: %v, want %s", c.schema, c.value, err, c.want)
		}
	}
}

// A few bytes must not become gigabytes of text.
func TestLongListsAreBounded(t *testing.T) {
	empty := `{"type":"record","name":"R","fields":[{"name":"f","type":{"type":"array","items":{"type":"record","name":"ANameThatIsRatherLong","fields":[]}}}]}`
	value := append(binary.AppendVarint(nil, 1<<24), 0)
	_, err := decodetest.Run(t, avro.Compile(literal.Style{}, nil), &registry.Schema{Type: registry.Avro, Text: empty}, decodetest.Wanted(t), value)
	if want := "the value has more than 14680064 bytes as text"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// A null at the top is nothing, and parts of a schema come from the registry.
func TestNullAndParts(t *testing.T) {
	s := &registry.Schema{Type: registry.Avro, Text: `["null","shop.Item"]`,
		Parts: []registry.Part{{Name: "shop.Kind", Text: `{"type":"enum","name":"Kind","namespace":"shop","symbols":["A","B"]}`},
			{Name: "shop.Item", Text: `{"type":"record","name":"Item","namespace":"shop","fields":[{"name":"k","type":"Kind"}]}`}}}
	if rows, err := decodetest.Run(t, avro.Compile(literal.Style{}, nil), s, decodetest.Wanted(t), []byte{0}); err != nil || len(rows) != 0 {
		t.Errorf("%v %v", rows, err)
	}
	if rows, err := decodetest.Run(t, avro.Compile(literal.Style{}, nil), s, decodetest.Wanted(t), []byte{2, 2}); err != nil || rows[0].Document != `{"k":"B"}` {
		t.Errorf("%v %v", rows, err)
	}
	for _, text := range []string{`{"type":`, `"elsewhere.Type"`, `{"type":"record","name":"R"}`} {
		if _, err := avro.Compile(literal.Style{}, nil)(&registry.Schema{Text: text}, &decode.Wanted{}); err == nil {
			t.Errorf("%s is no schema", text)
		}
	}
}

// A reader schema gives names and defaults; what it does not know stays.
func TestReaderSchemas(t *testing.T) {
	writer := &registry.Schema{Type: registry.Avro, Text: `{"type":"record","name":"Order","namespace":"shop","fields":[
		{"name":"id","type":"int"},{"name":"old","type":"string"},{"name":"extra","type":"boolean"},
		{"name":"item","type":["null",{"type":"record","name":"Item","fields":[{"name":"sku","type":"string"}]}]},
		{"name":"items","type":{"type":"array","items":"Item"}}]}`}
	reader := &registry.Schema{Type: registry.Avro, Text: `{"type":"record","name":"Order","namespace":"shop","fields":[
		{"name":"id","type":"long"},{"name":"name","type":"string","aliases":["old"]},{"name":"city","type":["null","string"],"default":null},
		{"name":"item","type":["null",{"type":"record","name":"Item","fields":[{"name":"sku","type":"string"},{"name":"n","type":"int","default":1}]}]},
		{"name":"items","type":{"type":"array","items":"Item"}},
		{"name":"since","type":{"type":"int","logicalType":"date"},"default":1},{"name":"sum","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2},"default":"\u0001"},
		{"name":"where","type":{"type":"record","name":"Place","fields":[{"name":"zip","type":"string"}]},"default":{"zip":"8001"}},
		{"name":"needed","type":"string"}]}`}
	raw := []byte("\x0e\x02x\x01\x02\x02a\x02\x02b\x00")
	for _, c := range []struct {
		paths []string
		want  string
	}{
		{nil, `{"id":7,"name":"x","extra":true,"item":{"sku":"a","n":1},"items":[{"sku":"b","n":1}],"city":null,"since":"1970-01-02","sum":"0.01","where":{"zip":"8001"}}`},
		{[]string{"name", "old", "city", "since", "where.zip", "items[0].n", "item.n", "needed", "extra"}, `"x"|"x"|NULL|"1970-01-02"|"8001"|1|1|NULL|true`},
		{[]string{"id"}, `7`},
	} {
		rows, err := decodetest.Run(t, avro.Compile(literal.Style{}, reader), writer, decodetest.Wanted(t, c.paths...), raw)
		if err != nil || rows[0].Text() != c.want {
			t.Errorf("%v %v, want %s", rows, err, c.want)
		}
	}
	if _, err := avro.Compile(literal.Style{}, &registry.Schema{Text: "{"})(writer, &decode.Wanted{}); err == nil {
		t.Error("{ is no schema")
	}
}

// Foreign bytes: what is taken is a JSON document, and the library takes it too.
func FuzzRun(f *testing.F) {
	raw, _ := orderBytes(f, nil)
	f.Add(raw)
	_, parent := orderBytes(f, nil)
	raw, _ = orderBytes(f, parent)
	f.Add(raw)
	f.Add(bytes.Repeat([]byte{0}, 40))
	schema := library.MustParse(order)
	whole, cells := decodetest.Wanted(f), decodetest.Wanted(f, "items[1].sku", "parent.tags.x", "at")
	s := &registry.Schema{Type: registry.Avro, Text: order}
	p, err := avro.Compile(literal.Style{}, nil)(s, &whole)
	if err != nil {
		f.Fatal(err)
	}
	q, err := avro.Compile(literal.Style{}, nil)(s, &cells)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		row, err := decode.RunOnce(p, whole, value)
		if err != nil {
			return
		}
		if err := project.Check(row.Document); err != nil {
			t.Fatalf("%x is %s: %v", value, row.Document, err)
		}
		var v any
		if rest, err := schema.Decode(value, &v); err != nil || len(rest) > 0 {
			t.Fatalf("%x is %s, and the library says %v with %d bytes left", value, row.Document, err, len(rest))
		}
		parts, err := decode.RunOnce(q, cells, value)
		if err != nil {
			t.Fatalf("%x: %v", value, err)
		}
		want := make([][]byte, len(cells.Paths))
		if err := project.New(cells.Paths, false).Project(row.Document, want); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if !bytes.Equal(parts.Cells[i], want[i]) {
				t.Fatalf("%x: %s is %s, want %s", value, cells.Paths[i], parts.Cells[i], want[i])
			}
		}
	})
}

func BenchmarkRun(b *testing.B) {
	raw, _ := orderBytes(b, nil)
	for name, w := range map[string]decode.Wanted{"document": decodetest.Wanted(b), "cells": decodetest.Wanted(b, "id", "customer.name", "amount", "at", "state")} {
		b.Run(name, func(b *testing.B) {
			d := decodetest.Decoder(b, avro.Compile(literal.Style{}, nil), &registry.Schema{Type: registry.Avro, Text: order}, w)
			value := decodetest.Frame(1, raw)
			var row decode.Row
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Open(b.Context(), value); err != nil || !d.Next(&row) {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
		})
	}
}

func TestNoAllocations(t *testing.T) {
	raw, _ := orderBytes(t, nil)
	d := decodetest.Decoder(t, avro.Compile(literal.Style{}, nil), &registry.Schema{Type: registry.Avro, Text: order}, decodetest.Wanted(t, "id", "customer.name", "amount", "tags.x", "at"))
	value := decodetest.Frame(1, raw)
	var row decode.Row
	ctx := t.Context()
	if n := testing.AllocsPerRun(200, func() {
		if err := d.Open(ctx, value); err != nil || !d.Next(&row) {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for a value", n)
	}
}
