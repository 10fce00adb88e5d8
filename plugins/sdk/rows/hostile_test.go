package rows

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"
)

// rare has the layouts that Builder does not make.
var rare = arrow.NewSchema([]arrow.Field{
	{Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32), Nullable: true},
	{Name: "large", Type: arrow.LargeListOf(arrow.BinaryTypes.LargeString), Nullable: true},
	{Name: "view", Type: arrow.BinaryTypes.StringView, Nullable: true},
	{Name: "views", Type: arrow.ListViewOf(arrow.PrimitiveTypes.Int8), Nullable: true},
	{Name: "pair", Type: arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int16), Nullable: true},
	{Name: "map", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64), Nullable: true},
	{Name: "struct", Type: arrow.StructOf(arrow.Field{Name: "a", Type: arrow.BinaryTypes.Binary, Nullable: true}), Nullable: true},
	{Name: "fixed", Type: &arrow.FixedSizeBinaryType{ByteWidth: 3}, Nullable: true},
	{Name: "null", Type: arrow.Null, Nullable: true},
	{Name: "decimal", Type: &arrow.Decimal128Type{Precision: 10, Scale: 2}, Nullable: true},
	{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Second, TimeZone: "Asia/Shanghai"}, Nullable: true},
}, nil)

const rareRows = `[
	{"list": [1, null, 3], "large": ["a", "bc"], "view": "a text that is longer than twelve bytes", "views": [1, 2], "pair": [1, 2],
	 "map": [{"key": "k", "value": 1}], "struct": {"a": "Z3g="}, "fixed": "YWJj", "decimal": "1.25", "at": "2024-02-29 01:02:03Z"},
	{},
	{"list": [], "large": [], "view": "short", "views": [], "pair": [3, 4], "map": [], "struct": {"a": null}, "fixed": "YWJj"}]`

func rareRecord(t testing.TB) arrow.RecordBatch {
	t.Helper()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, rare, strings.NewReader(rareRows))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// unions has the types whose values arrow-go judges.
func unions(t testing.TB) arrow.RecordBatch {
	t.Helper()
	fields := []arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}}
	codes := []arrow.UnionTypeCode{3, 7}
	sparse, dense := arrow.SparseUnionOf(fields, codes), arrow.DenseUnionOf(fields, codes)
	runs := arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String)
	schema := arrow.NewSchema([]arrow.Field{{Name: "sparse", Type: sparse}, {Name: "dense", Type: dense}, {Name: "runs", Type: runs}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	s, d, r := b.Field(0).(*array.SparseUnionBuilder), b.Field(1).(*array.DenseUnionBuilder), b.Field(2).(*array.RunEndEncodedBuilder)
	for i, code := range []arrow.UnionTypeCode{3, 7, 7} {
		s.Append(code)
		d.Append(code)
		if code == 3 {
			s.Child(0).(*array.Int64Builder).Append(int64(i))
			s.Child(1).(*array.StringBuilder).AppendEmptyValue()
			d.Child(0).(*array.Int64Builder).Append(int64(i))
		} else {
			s.Child(0).(*array.Int64Builder).AppendEmptyValue()
			s.Child(1).(*array.StringBuilder).Append("text")
			d.Child(1).(*array.StringBuilder).Append("text")
		}
	}
	r.Append(3)
	r.ValueBuilder().(*array.StringBuilder).Append("three times")
	return b.NewRecordBatch()
}

// payloadOf encodes, and returns the schema message and what follows it.
func payloadOf(t testing.TB, rec arrow.RecordBatch) (head, batch []byte) {
	t.Helper()
	enc, err := Encode(rec)
	if err != nil {
		t.Fatal(err)
	}
	payload := enc.Materialize()
	_, rest, err := cutMessage(payload)
	if err != nil {
		t.Fatal(err)
	}
	return payload[:len(payload)-len(rest)], rest
}

func TestDecoderReadsEveryLayout(t *testing.T) {
	for _, want := range []arrow.RecordBatch{rareRecord(t), unions(t)} {
		head, batch := payloadOf(t, want)
		var d Decoder
		got, err := d.Decode(append(bytes.Clone(head), batch...))
		if err != nil {
			t.Fatal(err)
		}
		if !array.RecordEqual(want, got) {
			t.Errorf("read %v, want %v", got, want)
		}
		touch(got)
		got.Release()
	}
}

// touch reads every value, as a writer would.
func touch(rec arrow.RecordBatch) {
	for _, col := range rec.Columns() {
		touchArray(col)
	}
}

func touchArray(col arrow.Array) {
	if dense, ok := col.(*array.DenseUnion); ok {
		for i := range min(dense.Len(), 100) {
			_ = dense.Field(dense.ChildID(i)).IsNull(int(dense.ValueOffset(i)))
		}
	}
	for i := range min(col.Len(), 100) {
		if col.IsNull(i) {
			continue
		}
		switch c := col.(type) {
		case *array.Binary:
			_ = bytes.Clone(c.Value(i))
		case *array.String:
			_ = strings.Clone(c.Value(i))
		case *array.LargeString:
			_ = strings.Clone(c.Value(i))
		case *array.StringView:
			_ = strings.Clone(c.Value(i))
		case *array.FixedSizeBinary:
			_ = bytes.Clone(c.Value(i))
		case array.ListLike:
			from, to := c.ValueOffsets(i)
			values := c.ListValues()
			for k := from; k < min(to, from+100); k++ {
				_ = values.IsNull(int(k))
			}
		case *array.RunEndEncoded:
			_ = c.Values().IsNull(c.GetPhysicalIndex(i))
		case *array.Boolean, *array.Int64, *array.Int32, *array.Int16, *array.Int8, *array.Float64, *array.Timestamp, *array.Decimal128:
			_ = col.ValueStr(i)
		}
	}
	switch c := col.(type) {
	case *array.Struct:
		for i := range c.NumField() {
			touchArray(c.Field(i))
		}
	case array.ListLike:
		touchArray(c.ListValues())
	}
}

// bend changes one number of a payload.
func bend(payload []byte, at int, v uint32) []byte {
	out := bytes.Clone(payload)
	binary.LittleEndian.PutUint32(out[at:], v)
	return out
}

// Whatever one number of a payload is changed to, decoding takes a few times the payload of memory at most, ends without
// a panic, and what it gives can be read.
func TestHostileNumbers(t *testing.T) {
	for name, rec := range map[string]arrow.RecordBatch{"rare": rareRecord(t), "unions": unions(t), "plain": reference([]row{{}, {}})} {
		head, batch := payloadOf(t, rec)
		payload := append(bytes.Clone(head), batch...)
		for at := 0; at+4 <= len(payload); at += 4 {
			for _, v := range []uint32{0, 1, 2, 1 << 16, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
				bent := bend(payload, at, v)
				if spent := decodeCost(bent); spent > 1<<20 {
					t.Fatalf("%s: %d at byte %d of %d made decoding take %d bytes", name, v, at, len(payload), spent)
				}
			}
		}
	}
}

func decodeCost(payload []byte) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var d Decoder
	rec, err := d.Decode(payload)
	runtime.ReadMemStats(&after)
	if err == nil {
		touch(rec)
		rec.Release()
	}
	return after.TotalAlloc - before.TotalAlloc
}

// A decoder that met a bad payload reads the next good one.
func TestDecoderGoesOn(t *testing.T) {
	head, batch := payloadOf(t, rareRecord(t))
	good := append(bytes.Clone(head), batch...)
	rapid.Check(t, func(t *rapid.T) {
		var d Decoder
		for range 3 {
			at := rapid.IntRange(0, len(good)/4-1).Draw(t, "at") * 4
			if rec, err := d.Decode(bend(good, at, rapid.Uint32().Draw(t, "number"))); err == nil {
				rec.Release()
			} else if !errors.Is(err, ErrMalformed) {
				t.Fatalf("an error of another kind: %v", err)
			}
			rec, err := d.Decode(good)
			if err != nil {
				t.Fatalf("the good payload: %v", err)
			}
			rec.Release()
		}
	})
}

func TestRefusals(t *testing.T) {
	docs, _ := NewBuilder(DocumentSchema)
	docs.AppendString(0, `{}`)
	docs.EndRow()
	payload := docs.Finish().Materialize()
	dictionary := arrow.NewSchema([]arrow.Field{{Name: "d", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}}}, nil)
	head, err := schemaMessage(dictionary)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		payload []byte
		want    string
	}{
		"empty":        {nil, "no continuation mark"},
		"schema only":  {docs.head, "no continuation mark"},
		"two schemas":  {append(bytes.Clone(docs.head), docs.head...), "want a record batch"},
		"batch first":  {payload[len(docs.head):], "no continuation mark"},
		"cut body":     {payload[:len(payload)-len(endOfStream)-8], "body of"},
		"dictionaries": {append(bytes.Clone(head), payload[len(docs.head):]...), "dictionaries are not part"},
	} {
		var d Decoder
		_, err := d.Decode(c.payload)
		if !errors.Is(err, ErrMalformed) || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// heads are the schemas that the fuzzer puts in front of its batches.
func heads(t testing.TB) (heads, batches [][]byte) {
	b, _ := NewBuilder(mixed)
	docs, _ := NewBuilder(DocumentSchema)
	s, n := `{"x":1}`, int64(4)
	docs.AppendString(0, s)
	docs.EndRow()
	heads = [][]byte{b.head, docs.head}
	batches = [][]byte{build(b, []row{{doc: &s, n: &n}, {name: &s}})[len(b.head):], docs.Finish().Materialize()[len(docs.head):]}
	for _, rec := range []arrow.RecordBatch{rareRecord(t), unions(t)} {
		head, batch := payloadOf(t, rec)
		heads, batches = append(heads, head), append(batches, batch)
	}
	return heads, batches
}

// FuzzDecode fuzzes the record batch behind a good schema (0 to 3), or the whole payload.
func FuzzDecode(f *testing.F) {
	heads, batches := heads(f)
	for i := range heads {
		f.Add(uint8(i), batches[i])
		f.Add(uint8(len(heads)), append(bytes.Clone(heads[i]), batches[i]...))
	}
	f.Fuzz(func(t *testing.T, schema uint8, batch []byte) {
		payload := batch
		if int(schema) < len(heads) {
			payload = append(bytes.Clone(heads[schema]), batch...)
		}
		var d Decoder
		rec, err := d.Decode(payload)
		if err != nil {
			return
		}
		if limit := max(freeRows, 8*int64(len(payload))); rec.NumRows() > limit {
			t.Fatalf("%d rows in %d bytes", rec.NumRows(), len(payload))
		}
		touch(rec)
		rec.Release()
	})
}
