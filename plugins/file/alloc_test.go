package file

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"github.com/tidwall/gjson"
)

// Nothing is allocated for a row, on either side.
func TestRowsAllocateNothing(t *testing.T) {
	const n = 500
	for format, text := range map[string]string{
		formatCSV:   strings.Repeat(`12,"a ""b"", c",1.5,2024-02-29 12:00:00,true,\N`+"\n", n),
		formatJSONL: strings.Repeat(`{"id":12,"s":"abc","f":1.5,"d":"2024-02-29 12:00:00","b":true,"other":[1,{"x":null}]}`+"\n", n),
	} {
		o := readerOptions{textOptions: textOptions{Format: format, Encoding: "UTF-8"}, MaxLineBytes: 1 << 20, SkipEmpty: true}
		r := &reader{options: o, columns: []column{{name: "id", key: "id", kind: kindLong}, {name: "s", key: "s", index: 1},
			{name: "f", key: "f", index: 2, kind: kindDouble}, {name: "d", key: "d", index: 3, kind: kindDate}, {name: "b", key: "b", index: 4, kind: kindBool}}}
		var fields []arrow.Field
		for i := range r.columns {
			fields = append(fields, r.columns[i].field())
		}
		r.schema = arrow.NewSchema(fields, nil)
		r.dialect, _, _ = o.dialect()
		b, err := rows.NewBuilder(r.schema)
		if err != nil {
			t.Fatal(err)
		}
		l := &lane{r: r, b: b, values: make([]value, 5), raw: make([]gjson.Result, 5), index: []int{0, 1, 2, 3, 4},
			fields: map[string]int{"id": 0, "s": 1, "f": 2, "d": 3, "b": 4}}
		perRun := testing.AllocsPerRun(20, func() {
			s := &scanner{src: strings.NewReader(text), limit: 1 << 20, parse: l.parse}
			for {
				rec, ok, err := s.next()
				if err != nil || !ok {
					break
				}
				l.take(&rec)
			}
			if b.Rows() != n || len(l.dirty) > 0 {
				t.Fatalf("%s: %d rows, dirty %v", format, b.Rows(), l.dirty)
			}
			b.Finish().Free()
		})
		if perRun > n/10 {
			t.Errorf("reading %s: %.0f allocations for %d rows", format, perRun, n)
		}
	}
	typ := &arrow.TimestampType{Unit: arrow.Microsecond}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "s", Type: arrow.BinaryTypes.String}, {Name: "d", Type: typ}, rows.JSONField("j")}, nil))
	for range n {
		b.Field(0).(*array.Int64Builder).Append(7)
		b.Field(1).(*array.StringBuilder).Append("a \"b\", c")
		b.Field(2).(*array.TimestampBuilder).Append(1)
		b.Field(3).(*array.BinaryBuilder).Append([]byte("12.50"))
	}
	rec := b.NewRecordBatch()
	for _, format := range []string{formatCSV, formatJSONL} {
		w := &writer{options: writerOptions{textOptions: textOptions{Format: format, Encoding: "UTF-8"}}}
		w.dialect, _, _ = w.options.dialect()
		p := &pen{w: w}
		if err := p.shape(rec.Schema()); err != nil {
			t.Fatal(err)
		}
		perRun := testing.AllocsPerRun(20, func() {
			for row := range n {
				if _, reason := p.form(rec, row); reason != "" {
					t.Fatal(reason)
				}
			}
		})
		if perRun > n/10 {
			t.Errorf("writing %s: %.0f allocations for %d rows", format, perRun, n)
		}
	}
}
