package protobuf_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/decode/decodetest"
	"github.com/gx-etl/gx/plugins/kafka/literal"
	"github.com/gx-etl/gx/plugins/kafka/protobuf"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const old = `syntax = "proto2";
import "kinds.proto";
message Outer {
  required int32 id = 1; optional string name = 2 [default = "nobody"]; optional bytes raw = 3 [default = "xy"];
  optional Kind kind = 4 [default = B]; optional double ratio = 5 [default = inf]; optional float half = 6 [default = 0.5];
  repeated group Part = 7 { optional int32 n = 8; }
  message Inner { optional uint64 n = 1; message Deep { optional bool yes = 1; } }
  optional Inner inner = 9;
}
message Second { optional int32 id = 1; }`

const kinds = `syntax = "proto2"; enum Kind { A = 1; B = 2; }`

func TestDefaultsGroupsAndIndexes(t *testing.T) {
	s := &registry.Schema{Type: registry.Protobuf, Text: old, Parts: []registry.Part{{Name: "kinds.proto", Text: kinds}}}
	index := func(is ...int64) []byte {
		b := binary.AppendVarint(nil, int64(len(is)))
		for _, i := range is {
			b = binary.AppendVarint(b, i)
		}
		return b
	}
	for _, c := range []struct {
		index []byte
		body  string
		paths []string
		want  string
	}{
		{[]byte{0}, "\x08\x07", nil, `{"id":7,"name":"nobody","raw":"eHk=","kind":"B","ratio":null,"half":0.5,"part":[],"inner":null}`},
		{[]byte{0}, "\x3b\x40\x05\x3c\x3b\x3c\x08\x01", []string{"part", "part[0].n", "part[1].n", "inner.n"}, `[{"n":5},{"n":null}]|5|NULL|NULL`},
		{index(0), "\x08\x01\x08\x02", []string{"id", "name"}, `2|"nobody"`},
		{index(1), "\x08\x05", nil, `{"id":5}`},
		{index(0, 1), "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", nil, `{"n":18446744073709551615}`},
		{index(0, 1, 0), "\x08\x01", nil, `{"yes":true}`},
		{index(2), "", nil, "the schema has no message of these indexes"},
		{index(0, 5), "", nil, "the schema has no message of these indexes"},
		{[]byte{8, 0}, "", nil, "the indexes of the message are broken"},
		{[]byte{}, "", nil, "the indexes of the message are broken"},
		{[]byte{0}, "\x08", nil, "field 1 is broken"},
		{[]byte{0}, "\x0f", nil, "field 1 is broken"},
		{[]byte{0}, "\xff", nil, "the tag of a field is broken"},
		{[]byte{0}, "\x12\x02\xffx", nil, "a text is not valid UTF-8"},
		{[]byte{0}, "\x29\x00\x00\x00\x00\x00\x00\xf8\x7f", nil, "a double is NaN, which JSON and StarRocks have not"},
	} {
		rows, err := decodetest.Run(t, protobuf.Compile(literal.Style{}), s, decodetest.Wanted(t, c.paths...), append(c.index, c.body...))
		got := ""
		var refused *decode.Refusal
		switch {
		case errors.As(err, &refused):
			got = refused.Reason
		case err != nil || len(rows) != 1:
			t.Fatal(rows, err)
		default:
			got = rows[0].Text()
		}
		if got != c.want {
			t.Errorf("%x %x: %s, want %s", c.index, c.body, got, c.want)
		}
	}
	for _, text := range []string{"syntax", `syntax = "proto3"; import "absent.proto";`, `syntax = "proto3"; message A { B b = 1; }`} {
		if _, err := protobuf.Compile(literal.Style{})(&registry.Schema{Text: text}, &decode.Wanted{}); err == nil {
			t.Errorf("%s is no schema", text)
		}
	}
}

// Some registries hand over descriptors in base64 in the place of text.
func TestDescriptorsInBase64(t *testing.T) {
	encode := func(name, text string) string {
		raw, err := proto.Marshal(protodesc.ToFileDescriptorProto(file(t, text)))
		if err != nil {
			t.Fatal(name, err)
		}
		return base64.StdEncoding.EncodeToString(raw)
	}
	s := &registry.Schema{Type: registry.Protobuf, Text: encode("everything", everything)}
	rows, err := decodetest.Run(t, protobuf.Compile(literal.Style{}), s, decodetest.Wanted(t, "i64", "state"), []byte("\x00\x20\x05"))
	if err != nil || rows[0].Text() != `5|"NEW"` {
		t.Error(rows, err)
	}
	// Made by hand, so without JSON names.
	raw, err := proto.Marshal(&descriptorpb.FileDescriptorProto{Name: proto.String("x"), Syntax: proto.String("proto3"), MessageType: []*descriptorpb.DescriptorProto{{
		Name: proto.String("M"), Field: []*descriptorpb.FieldDescriptorProto{
			{Name: proto.String("one_id"), Number: proto.Int32(1), Type: descriptorpb.FieldDescriptorProto_TYPE_INT64.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()},
			{Name: proto.String("two"), Number: proto.Int32(2), Type: descriptorpb.FieldDescriptorProto_TYPE_BOOL.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()},
		}}}})
	if err != nil {
		t.Fatal(err)
	}
	s = &registry.Schema{Type: registry.Protobuf, Text: base64.StdEncoding.EncodeToString(raw)}
	rows, err = decodetest.Run(t, protobuf.Compile(literal.Style{}), s, decodetest.Wanted(t, "oneId", "one_id", "two"), []byte("\x00\x08\x05"))
	if err != nil || rows[0].Text() != `5|5|false` {
		t.Error(rows, err)
	}
	s = &registry.Schema{Type: registry.Protobuf, Text: old, Parts: []registry.Part{{Name: "kinds.proto", Text: encode("kinds", kinds)}}}
	rows, err = decodetest.Run(t, protobuf.Compile(literal.Style{}), s, decodetest.Wanted(t, "kind"), []byte("\x00\x20\x01"))
	if err != nil || rows[0].Text() != `"A"` {
		t.Error(rows, err)
	}
}

// Of a key that a map holds twice the last entry counts, in small maps and in large ones.
func TestKeysThatComeTwice(t *testing.T) {
	w := decodetest.Wanted(t, "counts", "counts.k0")
	for _, n := range []int{2, 40} {
		value := []byte{0}
		for i := range n {
			entry := append(append([]byte{0x0a, 2}, 'k', byte('0'+i%2)), 0x10, byte(i))
			value = protowire.AppendBytes(protowire.AppendTag(value, 23, protowire.BytesType), entry)
		}
		value = protowire.AppendBytes(protowire.AppendTag(value, 23, protowire.BytesType), []byte{0x0a, 2, 'k', '0', 0x10, 99})
		row, err := decode.RunOnce(program(t, w), w, value)
		if want := fmt.Sprintf(`{"k1":%d,"k0":99}`, n-1); err != nil || string(row.Cells[0]) != want || string(row.Cells[1]) != "99" {
			t.Errorf("%d: %q %v, want %s", n, row.Cells, err, want)
		}
	}
}

// A few bytes must not become gigabytes of text, and a nested message no endless depth.
func TestBounds(t *testing.T) {
	w := decodetest.Wanted(t)
	value := append([]byte{0}, bytes.Repeat([]byte{0xb2, 0x01, 0}, 1<<20)...)
	if _, err := decode.RunOnce(program(t, w), w, value); err == nil || err.Error() != "the value has more than 14680064 bytes as text" {
		t.Error(err)
	}
	var deep []byte
	for range 1500 {
		deep = protowire.AppendBytes(protowire.AppendTag(nil, 18, protowire.BytesType), deep)
	}
	if _, err := decode.RunOnce(program(t, w), w, append([]byte{0}, deep...)); err == nil || err.Error() != "nested deeper than 1000 levels" {
		t.Error(err)
	}
}

func sampleValue(t testing.TB) []byte {
	d := file(t, everything).Messages().Get(0)
	m := dynamicpb.NewMessage(d)
	set := func(name string, v any) { m.Set(d.Fields().ByName(protoreflect.Name(name)), protoreflect.ValueOf(v)) }
	set("i64", int64(1234567890123))
	set("s", "some text of ordinary length")
	set("d", 1234.5678)
	set("state", protoreflect.EnumNumber(1))
	set("b", true)
	at := m.Mutable(d.Fields().ByName("at")).Message()
	at.Set(at.Descriptor().Fields().Get(0), protoreflect.ValueOfInt64(1_700_000_000))
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte{0}, raw...)
}

func BenchmarkRun(b *testing.B) {
	value := decodetest.Frame(1, sampleValue(b))
	for name, w := range map[string]decode.Wanted{"document": decodetest.Wanted(b), "cells": decodetest.Wanted(b, "i64", "s", "d", "state", "at")} {
		b.Run(name, func(b *testing.B) {
			d := decodetest.Decoder(b, protobuf.Compile(literal.Style{}), schema, w)
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
	d := decodetest.Decoder(t, protobuf.Compile(literal.Style{}), schema, decodetest.Wanted(t, "i64", "s", "at", "state", "many[0].s"))
	value, ctx := decodetest.Frame(1, sampleValue(t)), t.Context()
	var row decode.Row
	if n := testing.AllocsPerRun(200, func() {
		if err := d.Open(ctx, value); err != nil || !d.Next(&row) {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for a value", n)
	}
}
