package encode

import (
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// fiveColumns is a batch of 5000 rows: integer, two texts, decimal, timestamp.
func fiveColumns() (arrow.RecordBatch, []string) {
	const n = 5000
	id := array.NewInt64Builder(memory.DefaultAllocator)
	city := array.NewStringBuilder(memory.DefaultAllocator)
	note := array.NewStringBuilder(memory.DefaultAllocator)
	price := array.NewDecimal128Builder(memory.DefaultAllocator, &arrow.Decimal128Type{Precision: 18, Scale: 2})
	at := array.NewTimestampBuilder(memory.DefaultAllocator, &arrow.TimestampType{Unit: arrow.Microsecond})
	for i := range n {
		id.Append(int64(i) * 1234567)
		city.Append("New York")
		note.Append(fmt.Sprintf("a note of some length, such as people write them, number %d", i))
		price.Append(decimal128.FromI64(int64(i) * 199))
		at.Append(arrow.Timestamp(1.7e15 + int64(i)*1e6 + 1))
	}
	names := []string{"id", "city", "note", "price", "at"}
	cols := []arrow.Array{id.NewArray(), city.NewArray(), note.NewArray(), price.NewArray(), at.NewArray()}
	fields := make([]arrow.Field, len(names))
	for i := range names {
		fields[i] = arrow.Field{Name: names[i], Type: cols[i].DataType()}
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, n), names
}

// One operation is a batch of 5000 rows, so a single allocation per row would show as 5000.
func benchmark(b *testing.B, make func(*arrow.Schema, []string) (*Encoder, error)) {
	rec, names := fiveColumns()
	e, err := make(rec.Schema(), names)
	if err != nil {
		b.Fatal(err)
	}
	if err := e.Bind(rec); err != nil {
		b.Fatal(err)
	}
	dst := []byte{}
	b.ReportAllocs()
	for b.Loop() {
		dst = dst[:0]
		for row := range int(rec.NumRows()) {
			var ok bool
			if dst, ok = e.Append(dst, row); !ok {
				b.Fatal(e.Bad())
			}
		}
	}
	b.SetBytes(int64(len(dst)))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rec.NumRows()), "ns/row")
}

func BenchmarkCSV5Columns(b *testing.B) {
	benchmark(b, func(s *arrow.Schema, names []string) (*Encoder, error) {
		return NewCSV(s, names, dialectOf(b, `\x01`, `\x02`, "", ""))
	})
}

func BenchmarkCSV5ColumnsEnclosed(b *testing.B) {
	benchmark(b, func(s *arrow.Schema, names []string) (*Encoder, error) {
		return NewCSV(s, names, dialectOf(b, `,`, `\n`, `"`, ""))
	})
}

func BenchmarkJSON5Columns(b *testing.B) {
	benchmark(b, func(s *arrow.Schema, names []string) (*Encoder, error) { return NewJSON(s, names) })
}

// Rows are encoded without an allocation of their own.
func TestNoAllocationPerRow(t *testing.T) {
	rec, names := fiveColumns()
	csv, err := NewCSV(rec.Schema(), names, dialectOf(t, `\x01`, `\x02`, "", ""))
	if err != nil {
		t.Fatal(err)
	}
	js, err := NewJSON(rec.Schema(), names)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []*Encoder{csv, js} {
		if err := e.Bind(rec); err != nil {
			t.Fatal(err)
		}
		dst := make([]byte, 0, 4096)
		row := 0
		if n := testing.AllocsPerRun(1000, func() {
			dst, _ = e.Append(dst[:0], row)
			row++
		}); n != 0 {
			t.Errorf("%v allocations per row", n)
		}
	}
}
