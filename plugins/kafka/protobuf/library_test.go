package protobuf_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bufbuild/protocompile"
	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/decode/decodetest"
	"github.com/gx-etl/gx/plugins/kafka/literal"
	"github.com/gx-etl/gx/plugins/kafka/project"
	"github.com/gx-etl/gx/plugins/kafka/protobuf"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"pgregory.net/rapid"
)

const everything = `syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";
enum State { NEW = 0; PAID = 1; GONE = -2; }
message Everything {
  double d = 1; float f = 2; int32 i32 = 3; int64 i64 = 4; uint32 u32 = 5; uint64 u64 = 6;
  sint32 s32 = 7; sint64 s64 = 8; fixed32 x32 = 9; fixed64 x64 = 10; sfixed32 y32 = 11; sfixed64 y64 = 12;
  bool b = 13; string s = 14; bytes raw = 15; State state = 16;
  optional int64 maybe = 17; Everything self = 18;
  repeated int32 packed = 19; repeated sint64 loose = 20 [packed = false]; repeated string texts = 21; repeated Everything many = 22;
  map<string, int64> counts = 23; map<int32, Everything> by = 24; map<bool, State> flags = 25; map<fixed64, bytes> blobs = 26;
  oneof pick { string left = 27; Everything right = 28; uint32 middle = 29; }
  google.protobuf.Timestamp at = 30; google.protobuf.Duration took = 31;
  google.protobuf.Int64Value boxed = 32; google.protobuf.StringValue word = 33; google.protobuf.BytesValue blob = 34;
  google.protobuf.Struct open = 35; google.protobuf.Value any = 36; google.protobuf.ListValue list = 37;
  repeated google.protobuf.Timestamp times = 38; string camelCase = 1000; repeated State states = 1001;
}`

func file(t testing.TB, text string) protoreflect.FileDescriptor {
	t.Helper()
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{"a.proto": text}),
	})}
	files, err := c.Compile(t.Context(), "a.proto")
	if err != nil {
		t.Fatal(err)
	}
	return files[0]
}

// want is what gx makes of a message, as the library sees it: a tree for encoding/json with numbers as json.Number.
func want(m protoreflect.Message) any {
	switch m.Descriptor().FullName() {
	case "google.protobuf.Timestamp":
		sec, nanos := m.Get(m.Descriptor().Fields().ByNumber(1)).Int(), m.Get(m.Descriptor().Fields().ByNumber(2)).Int()
		form := "2006-01-02 15:04:05"
		if nanos/1000 != 0 {
			form += ".000000"
		}
		return time.Unix(sec, nanos).UTC().Format(form)
	case "google.protobuf.Duration":
		sec, nanos := m.Get(m.Descriptor().Fields().ByNumber(1)).Int(), m.Get(m.Descriptor().Fields().ByNumber(2)).Int()
		text := strings.TrimRight(fmt.Sprintf("%d.%09d", max(sec, -sec), max(nanos, -nanos)), "0")
		if i := strings.IndexByte(text, '.'); i == len(text)-1 {
			text = text[:i]
		} else {
			text += strings.Repeat("0", (3-(len(text)-i-1)%3)%3)
		}
		if sec < 0 || nanos < 0 {
			text = "-" + text
		}
		return text + "s"
	case "google.protobuf.Int64Value", "google.protobuf.StringValue", "google.protobuf.BytesValue", "google.protobuf.Struct", "google.protobuf.ListValue":
		return wantField(m, m.Descriptor().Fields().Get(0))
	case "google.protobuf.Value":
		if f := m.WhichOneof(m.Descriptor().Oneofs().Get(0)); f != nil && f.Enum() == nil {
			return wantField(m, f)
		}
		return nil
	}
	out := map[string]any{}
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		out[string(f.Name())] = wantField(m, f)
	}
	return out
}

func wantField(m protoreflect.Message, f protoreflect.FieldDescriptor) any {
	if f.HasPresence() && !m.Has(f) && !f.HasDefault() {
		return nil
	}
	v := m.Get(f)
	switch {
	case f.IsMap():
		out := map[string]any{}
		v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			out[k.String()] = wantOne(f.MapValue(), v)
			return true
		})
		return out
	case f.IsList():
		out := []any{}
		for i := range v.List().Len() {
			out = append(out, wantOne(f, v.List().Get(i)))
		}
		return out
	}
	return wantOne(f, v)
}

func wantOne(f protoreflect.FieldDescriptor, v protoreflect.Value) any {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return want(v.Message())
	case protoreflect.EnumKind:
		if d := f.Enum().Values().ByNumber(v.Enum()); d != nil {
			return string(d.Name())
		}
		return json.Number(strconv.Itoa(int(v.Enum())))
	case protoreflect.BytesKind:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	case protoreflect.FloatKind:
		return float32(v.Float())
	case protoreflect.StringKind, protoreflect.BoolKind, protoreflect.DoubleKind:
		return v.Interface()
	}
	return json.Number(fmt.Sprint(v.Interface()))
}

// same compares JSON with what was wanted.
func same(got, want any) bool {
	switch w := want.(type) {
	case float32:
		n, _ := got.(json.Number)
		f, err := strconv.ParseFloat(string(n), 32)
		return err == nil && float32(f) == w
	case float64:
		n, _ := got.(json.Number)
		f, err := strconv.ParseFloat(string(n), 64)
		return err == nil && f == w
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for k := range w {
			if v, there := g[k]; !there || !same(v, w[k]) {
				return false
			}
		}
		return true
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for i := range w {
			if !same(g[i], w[i]) {
				return false
			}
		}
		return true
	}
	return got == want
}

func parse(text []byte) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return v, dec.Decode(&v)
}

// fill draws a message.
func fill(t *rapid.T, m protoreflect.Message, depth int) {
	switch m.Descriptor().FullName() {
	case "google.protobuf.Timestamp":
		m.Set(m.Descriptor().Fields().Get(0), protoreflect.ValueOfInt64(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds")))
		m.Set(m.Descriptor().Fields().Get(1), protoreflect.ValueOfInt32(rapid.Int32Range(0, 999999999).Draw(t, "nanos")))
		return
	case "google.protobuf.Duration":
		sign := rapid.SampledFrom([]int64{1, -1}).Draw(t, "sign")
		m.Set(m.Descriptor().Fields().Get(0), protoreflect.ValueOfInt64(sign*rapid.Int64Range(0, 1e11).Draw(t, "seconds")))
		m.Set(m.Descriptor().Fields().Get(1), protoreflect.ValueOfInt32(int32(sign)*rapid.Int32Range(0, 999999999).Draw(t, "nanos")))
		return
	}
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		if rapid.IntRange(0, 2).Draw(t, "there") > 0 || f.Message() != nil && depth == 0 {
			continue
		}
		switch {
		case f.IsMap():
			for range rapid.IntRange(0, 3).Draw(t, "entries") {
				m.Mutable(f).Map().Set(one(t, m, f.MapKey(), depth).MapKey(), one(t, m, f, depth))
			}
		case f.IsList():
			for range rapid.IntRange(0, 3).Draw(t, "items") {
				m.Mutable(f).List().Append(one(t, m, f, depth))
			}
		default:
			m.Set(f, one(t, m, f, depth))
		}
	}
}

func one(t *rapid.T, m protoreflect.Message, f protoreflect.FieldDescriptor, depth int) protoreflect.Value {
	var sub protoreflect.Message
	switch {
	case f.IsMap():
		if f.MapValue().Message() == nil {
			return one(t, m, f.MapValue(), depth)
		}
		sub = m.NewField(f).Map().NewValue().Message()
	case f.IsList() && f.Message() != nil:
		sub = m.NewField(f).List().NewElement().Message()
	case f.Message() != nil:
		sub = m.NewField(f).Message()
	}
	if sub != nil {
		fill(t, sub, depth-1)
		return protoreflect.ValueOfMessage(sub)
	}
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(rapid.Bool().Draw(t, "bool"))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(rapid.SampledFrom([]int32{0, 0, 1, -2, 77}).Draw(t, "enum")))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(rapid.Int32().Draw(t, "int32"))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(rapid.Int64().Draw(t, "int64"))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(rapid.Uint32().Draw(t, "uint32"))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(rapid.Uint64().Draw(t, "uint64"))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(rapid.Float32Range(-math.MaxFloat32, math.MaxFloat32).Draw(t, "float"))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64).Draw(t, "double"))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(rapid.StringN(0, 4, -1).Draw(t, "string"))
	}
	return protoreflect.ValueOfBytes(rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "bytes"))
}

var schema = &registry.Schema{Type: registry.Protobuf, Text: everything}

func program(t testing.TB, w decode.Wanted) decode.Program {
	t.Helper()
	p, err := protobuf.Compile(literal.Style{})(schema, &w)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What the library writes comes out as the library sees it, with the bytes of two messages after each other too, which are
// one message by the rules of the format; and any cell is that part of the document.
func TestValuesOfTheLibrary(t *testing.T) {
	d := file(t, everything).Messages().Get(0)
	whole := decodetest.Wanted(t)
	p := program(t, whole)
	cells := decodetest.Wanted(t, "i64", "self.self.s", "many[1].state", "counts.a", "at", "boxed", "right.u32", "packed[1]", "open.a", "list[0]", "any.b", "camelCase", "by.0.s", "self")
	q := program(t, cells)
	rapid.Check(t, func(r *rapid.T) {
		var raw []byte
		for range rapid.IntRange(1, 2).Draw(r, "messages") {
			m := dynamicpb.NewMessage(d)
			fill(r, m, 2)
			b, err := proto.Marshal(m)
			if err != nil {
				r.Fatal(err)
			}
			raw = append(raw, b...)
		}
		m := dynamicpb.NewMessage(d)
		if err := proto.Unmarshal(raw, m); err != nil {
			r.Fatal(err)
		}
		value := append([]byte{0}, raw...)
		row, err := decode.RunOnce(p, whole, value)
		if err != nil {
			if strings.HasPrefix(err.Error(), "the date") || strings.Contains(err.Error(), "nanoseconds do not belong") {
				return // two of them merged
			}
			r.Fatalf("%x: %v", raw, err)
		}
		if got, err := parse(row.Document); err != nil || !same(got, want(m)) {
			r.Fatalf("%x\n is %s,\nwant %v", raw, row.Document, want(m))
		}
		compareCells(r, q, cells, value, row.Document)
	})
}

func compareCells(t interface{ Fatalf(string, ...any) }, q decode.Program, w decode.Wanted, value, document []byte) {
	parts, err := decode.RunOnce(q, w, value)
	if err != nil {
		t.Fatalf("%x: %v", value, err)
	}
	expected := make([][]byte, len(w.Paths))
	if err := project.New(w.Paths, false).Project(document, expected); err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	for i := range expected {
		if !bytes.Equal(parts.Cells[i], expected[i]) {
			t.Fatalf("%x: %s of %s is %s, want %s", value, w.Paths[i], document, parts.Cells[i], expected[i])
		}
	}
}

// Foreign bytes: what is taken is what the library takes them for.
func FuzzRun(f *testing.F) {
	d := file(f, everything).Messages().Get(0)
	whole := decodetest.Wanted(f)
	p := program(f, whole)
	cells := decodetest.Wanted(f, "i64", "self.self.s", "many[1].state", "counts.a", "by.1.s", "open.a.b", "any[0]")
	q := program(f, cells)
	f.Add([]byte("\x08\x01\x20\x96\x01\x92\x01\x02\x20\x05"))
	f.Add(protowire.AppendBytes(protowire.AppendTag(nil, 23, protowire.BytesType), []byte("\x0a\x01a\x10\x05")))
	f.Add([]byte("\x9a\x01\x03\x01\x02\x03\xda\x01\x01x\xe8\x01\x07"))
	f.Add([]byte("\x9a\x02\x0d\x0a\x0b\x0a\x01a\x12\x06\x1a\x04text\xa2\x02\x02\x20\x01"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		value := append([]byte{0}, raw...)
		row, err := decode.RunOnce(p, whole, value)
		if err != nil {
			return
		}
		m := dynamicpb.NewMessage(d)
		if err := proto.Unmarshal(raw, m); err != nil {
			t.Fatalf("%x is %s, and the library says %v", raw, row.Document, err)
		}
		if got, err := parse(row.Document); err != nil || !same(got, want(m)) {
			t.Fatalf("%x\n is %s,\nwant %v", raw, row.Document, want(m))
		}
		compareCells(t, q, cells, value, row.Document)
	})
}
