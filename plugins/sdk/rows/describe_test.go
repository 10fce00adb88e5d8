package rows

import (
	"encoding/json"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

func TestDescribe(t *testing.T) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(mixed.Fields()[:6], nil))
	for _, doc := range []string{`{"a":[1.50]}`, `{"a":`, "\xff"} {
		b.Field(0).(*array.BinaryBuilder).AppendString(doc)
		b.Field(1).(*array.StringBuilder).Append("ä\"")
		b.Field(2).(*array.Int64Builder).Append(-7)
		b.Field(3).AppendNull()
		b.Field(4).(*array.Float64Builder).Append(0.5)
		b.Field(5).(*array.BooleanBuilder).Append(true)
	}
	rec := b.NewRecordBatch()
	const rest = `,"name":"ä\"","n":"-7","i":null,"f":"0.5","b":"true"}`
	for row, doc := range []string{`{"a":[1.50]}`, `"{\"a\":"`, `"0xff"`} {
		got := string(Describe(rec, row))
		if want := `{"doc":` + doc + rest; got != want || !json.Valid([]byte(got)) {
			t.Errorf("row %d is %s, want %s", row, got, want)
		}
	}
}
