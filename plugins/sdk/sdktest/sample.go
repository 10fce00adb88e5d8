package sdktest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// sampleColumns are what the suite writes when a case names no columns.
var sampleColumns = []arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "amount", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "flag", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Microsecond}, Nullable: true},
}

// sample is a type with a value of it, in the JSON that arrow-go reads. %d stands for a small number that differs from row
// to row.
type sample struct {
	typ   arrow.DataType
	value string
}

var millis = &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}

// samples has every type that travels. Dictionaries do not: a payload is one schema and one record batch.
var samples = []sample{
	{arrow.Null, `null`},
	{arrow.FixedWidthTypes.Boolean, `true`},
	{arrow.PrimitiveTypes.Int8, `-%d`}, {arrow.PrimitiveTypes.Int16, `-%d`},
	{arrow.PrimitiveTypes.Int32, `-%d`}, {arrow.PrimitiveTypes.Int64, `-%d`},
	{arrow.PrimitiveTypes.Uint8, `%d`}, {arrow.PrimitiveTypes.Uint16, `%d`},
	{arrow.PrimitiveTypes.Uint32, `%d`}, {arrow.PrimitiveTypes.Uint64, `%d`},
	{arrow.FixedWidthTypes.Float16, `%d.5`}, {arrow.PrimitiveTypes.Float32, `%d.5`}, {arrow.PrimitiveTypes.Float64, `%d.25`},
	{&arrow.Decimal32Type{Precision: 9, Scale: 2}, `"%d.25"`}, {&arrow.Decimal64Type{Precision: 18, Scale: 2}, `"%d.25"`},
	{&arrow.Decimal128Type{Precision: 38, Scale: 9}, `"%d.000000001"`}, {&arrow.Decimal256Type{Precision: 76, Scale: 9}, `"-%d.000000001"`},
	{arrow.BinaryTypes.String, `"text %d \u00e9\u4e16"`}, {arrow.BinaryTypes.LargeString, `"large %d"`}, {arrow.BinaryTypes.StringView, `"a view of some text %d"`},
	{arrow.BinaryTypes.Binary, `"Z3g="`}, {arrow.BinaryTypes.LargeBinary, `"Z3g="`}, {arrow.BinaryTypes.BinaryView, `"Z3g="`},
	{&arrow.FixedSizeBinaryType{ByteWidth: 2}, `"Z3g="`},
	{arrow.FixedWidthTypes.Date32, `"2024-02-29"`}, {arrow.FixedWidthTypes.Date64, `"2024-02-29"`},
	{arrow.FixedWidthTypes.Time32s, `"12:34:56"`}, {arrow.FixedWidthTypes.Time32ms, `"12:34:56.789"`},
	{arrow.FixedWidthTypes.Time64us, `"12:34:56.789"`}, {arrow.FixedWidthTypes.Time64ns, `"12:34:56.789"`},
	{&arrow.TimestampType{Unit: arrow.Second}, `"2024-02-29 12:34:56"`}, {millis, `"2024-02-29 12:34:56.789Z"`},
	{&arrow.TimestampType{Unit: arrow.Microsecond}, `"2024-02-29 12:34:56.789"`}, {&arrow.TimestampType{Unit: arrow.Nanosecond}, `"2024-02-29 12:34:56.789"`},
	{arrow.FixedWidthTypes.Duration_s, `"%ds"`}, {arrow.FixedWidthTypes.MonthInterval, `{"months": %d}`},
	{arrow.FixedWidthTypes.DayTimeInterval, `{"days": %d, "milliseconds": 5}`},
	{arrow.FixedWidthTypes.MonthDayNanoInterval, `{"months": 1, "days": %d, "nanoseconds": 5}`},
	{arrow.ListOf(arrow.PrimitiveTypes.Int32), `[%d, null, 3]`}, {arrow.LargeListOf(arrow.BinaryTypes.String), `["%d"]`},
	{arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int16), `[%d, 2]`},
	{arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int32, Nullable: true}), `{"a": %d}`},
	{arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64), `[{"key": "k", "value": %d}]`},
}

func valueOf(f arrow.Field) string {
	if rows.IsJSON(f) {
		return `"eyJhIjoxfQ=="` // {"a":1}
	}
	for _, s := range samples {
		if arrow.TypeEqual(s.typ, f.Type) {
			return s.value
		}
	}
	for _, s := range samples {
		if s.typ.ID() == f.Type.ID() {
			return s.value
		}
	}
	return "null"
}

// batchOf makes n rows whose ids, in the first column, count from first. Every third value of a nullable column is NULL.
func batchOf(t *testing.T, columns []arrow.Field, first, n int) arrow.RecordBatch {
	t.Helper()
	var b strings.Builder
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('{')
		for j, f := range columns {
			if j > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%q:", f.Name)
			switch {
			case j == 0:
				b.WriteString(idText(f, first+i))
			case f.Nullable && (i+j)%3 == 0:
				b.WriteString("null")
			default:
				b.WriteString(strings.ReplaceAll(valueOf(f), "%d", strconv.Itoa(1+i%7)))
			}
		}
		b.WriteByte('}')
	}
	b.WriteByte(']')
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, arrow.NewSchema(columns, nil), strings.NewReader(b.String()))
	if err != nil {
		t.Fatalf("rows for columns %v: %v", columns, err)
	}
	return rec
}

func idText(f arrow.Field, id int) string {
	switch f.Type.ID() {
	case arrow.STRING, arrow.LARGE_STRING, arrow.DECIMAL128:
		return strconv.Quote(strconv.Itoa(id))
	}
	return strconv.Itoa(id)
}
