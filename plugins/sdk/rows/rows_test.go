package rows

import (
	"bytes"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"
)

var mixed = arrow.NewSchema([]arrow.Field{
	JSONField("doc"),
	{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "i", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "single", Type: arrow.PrimitiveTypes.Float32, Nullable: true},
	{Name: "dec", Type: &arrow.Decimal128Type{Precision: 38, Scale: 4}, Nullable: true},
}, nil)

type row struct {
	doc, name *string
	n         *int64
	i         *int32
	f         *float64
	b         *bool
	single    *float32
	dec       *decimal128.Num
}

func maybe[T any](t *rapid.T, g *rapid.Generator[T], label string) *T {
	return rapid.Ptr(g, true).Draw(t, label)
}

func drawRows(t *rapid.T) []row {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row {
		return row{maybe(t, rapid.String(), "doc"), maybe(t, rapid.String(), "name"), maybe(t, rapid.Int64(), "n"),
			maybe(t, rapid.Int32(), "i"), maybe(t, rapid.Float64(), "f"), maybe(t, rapid.Bool(), "b"),
			maybe(t, rapid.Float32(), "single"), maybe(t, rapid.Custom(func(t *rapid.T) decimal128.Num {
				return decimal128.New(rapid.Int64Range(-1<<60, 1<<60).Draw(t, "high"), rapid.Uint64().Draw(t, "low"))
			}), "dec")}
	}), 1, 40).Draw(t, "rows")
}

func build(b *Builder, rs []row) []byte {
	for _, r := range rs {
		put(b, 0, r.doc, b.AppendString)
		put(b, 1, r.name, func(c int, s string) { b.AppendBytes(c, []byte(s)) })
		put(b, 2, r.n, b.AppendInt64)
		put(b, 3, r.i, func(c int, v int32) { b.AppendInt64(c, int64(v)) })
		put(b, 4, r.f, b.AppendFloat64)
		put(b, 5, r.b, b.AppendBool)
		put(b, 6, r.single, b.AppendFloat32)
		put(b, 7, r.dec, b.AppendDecimal)
		b.EndRow()
	}
	s := b.Finish()
	defer s.Free()
	return s.Materialize()
}

func put[T any](b *Builder, col int, v *T, add func(int, T)) {
	if v == nil {
		b.AppendNull(col)
	} else {
		add(col, *v)
	}
}

// reference builds the same rows with arrow-go's own builders.
func reference(rs []row) arrow.RecordBatch {
	rb := array.NewRecordBuilder(memory.DefaultAllocator, mixed)
	for _, r := range rs {
		appendTo(rb.Field(0).(*array.BinaryBuilder), r.doc, func(s string) { rb.Field(0).(*array.BinaryBuilder).AppendString(s) })
		appendTo(rb.Field(1), r.name, rb.Field(1).(*array.StringBuilder).Append)
		appendTo(rb.Field(2), r.n, rb.Field(2).(*array.Int64Builder).Append)
		appendTo(rb.Field(3), r.i, rb.Field(3).(*array.Int32Builder).Append)
		appendTo(rb.Field(4), r.f, rb.Field(4).(*array.Float64Builder).Append)
		appendTo(rb.Field(5), r.b, rb.Field(5).(*array.BooleanBuilder).Append)
		appendTo(rb.Field(6), r.single, rb.Field(6).(*array.Float32Builder).Append)
		appendTo(rb.Field(7), r.dec, rb.Field(7).(*array.Decimal128Builder).Append)
	}
	return rb.NewRecordBatch()
}

func appendTo[T any](b array.Builder, v *T, add func(T)) {
	if v == nil {
		b.AppendNull()
	} else {
		add(*v)
	}
}

// The fast builder makes what any Arrow reader reads, batch after batch from the same builder.
func TestBuilderIsArrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, err := NewBuilder(mixed)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			rs := drawRows(t)
			payload := build(b, rs)
			r, err := ipc.NewReader(bytes.NewReader(payload))
			if err != nil {
				t.Fatal(err)
			}
			if !r.Next() {
				t.Fatalf("no batch: %v", r.Err())
			}
			want := reference(rs)
			if !array.RecordEqual(want, r.RecordBatch()) {
				t.Fatalf("built %v, want %v", r.RecordBatch(), want)
			}
			if r.Next() {
				t.Fatal("a second batch")
			}
			r.Release()
		}
	})
}

// The decoder reads the fast builder's payloads and arrow-go's alike, with changing schemas.
func TestDecoderReadsBoth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d Decoder
		b, _ := NewBuilder(mixed)
		docs, _ := NewBuilder(DocumentSchema)
		for range 3 {
			rs := drawRows(t)
			want := reference(rs)
			general, err := Encode(want)
			if err != nil {
				t.Fatal(err)
			}
			for _, payload := range [][]byte{build(b, rs), general.Materialize()} {
				got, err := d.Decode(payload)
				if err != nil {
					t.Fatal(err)
				}
				if !array.RecordEqual(want, got) || IsDocuments(got.Schema()) {
					t.Fatalf("read %v, want %v", got, want)
				}
				got.Release()
			}
			docs.AppendString(0, `{"a":1}`)
			docs.EndRow()
			got, err := d.Decode(docs.Finish().Materialize())
			if err != nil {
				t.Fatal(err)
			}
			if !IsDocuments(got.Schema()) || string(got.Column(0).(*array.Binary).Value(0)) != `{"a":1}` {
				t.Fatalf("read %v", got)
			}
			got.Release()
		}
	})
}

func TestBuilderRefusesOtherTypes(t *testing.T) {
	_, err := NewBuilder(arrow.NewSchema([]arrow.Field{{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int8)}}, nil))
	if err == nil {
		t.Fatal("a list column was taken")
	}
}

func TestEncodeRefusesDictionaries(t *testing.T) {
	dict := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	rb := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "l", Type: arrow.ListOf(dict)}}, nil))
	if _, err := Encode(rb.NewRecordBatch()); err == nil {
		t.Fatal("a dictionary was encoded")
	}
}

func BenchmarkDecode(b *testing.B) {
	doc := bytes.Repeat([]byte("x"), 190)
	bl, _ := NewBuilder(DocumentSchema)
	for range 5000 {
		bl.AppendBytes(0, doc)
		bl.EndRow()
	}
	payload := bl.Finish().Materialize()
	var d Decoder
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		rec, err := d.Decode(payload)
		if err != nil {
			b.Fatal(err)
		}
		rec.Release()
	}
}

func BenchmarkDocuments(b *testing.B) {
	doc := bytes.Repeat([]byte("x"), 190)
	bl, _ := NewBuilder(DocumentSchema)
	b.ReportAllocs()
	b.SetBytes(190)
	for b.Loop() {
		bl.AppendBytes(0, doc)
		bl.EndRow()
		if bl.Size() > 1<<20 {
			bl.Finish().Free()
		}
	}
}
