package sdktest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// Row is a row as it travelled. A value is nil, a bool, an int64, a float64, a string, []byte, a time.Time, a
// json.RawMessage (documents and projected JSON), or for all other Arrow types a string as arrow-go prints them.
type Row struct {
	Shard   string
	Columns []string
	Values  []any
}

// Get returns the value of a column, or nil.
func (r Row) Get(column string) any {
	for i, name := range r.Columns {
		if name == column {
			return r.Values[i]
		}
	}
	return nil
}

// String is the same for equal rows.
func (r Row) String() string {
	var b strings.Builder
	for i, v := range r.Values {
		fmt.Fprintf(&b, "%s=", r.Columns[i])
		switch v := v.(type) {
		case nil:
			b.WriteString("NULL")
		case json.RawMessage:
			b.Write(v)
		default:
			fmt.Fprintf(&b, "%T(%v)", v, v)
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// rowsOf copies the rows out of a record batch.
func rowsOf(shard string, rec arrow.RecordBatch) []Row {
	schema := rec.Schema()
	names := make([]string, schema.NumFields())
	for i, f := range schema.Fields() {
		names[i] = f.Name
	}
	out := make([]Row, rec.NumRows())
	for r := range out {
		out[r] = Row{Shard: shard, Columns: names, Values: make([]any, len(names))}
		for i, col := range rec.Columns() {
			out[r].Values[i] = value(schema.Field(i), col, r)
		}
	}
	return out
}

func value(f arrow.Field, col arrow.Array, row int) any {
	if col.IsNull(row) {
		return nil
	}
	switch c := col.(type) {
	case *array.Binary:
		if rows.IsJSON(f) {
			return json.RawMessage(append([]byte{}, c.Value(row)...))
		}
		return append([]byte{}, c.Value(row)...)
	case *array.String:
		return strings.Clone(c.Value(row))
	case *array.Boolean:
		return c.Value(row)
	case *array.Int64:
		return c.Value(row)
	case *array.Int32:
		return int64(c.Value(row))
	case *array.Int16:
		return int64(c.Value(row))
	case *array.Int8:
		return int64(c.Value(row))
	case *array.Float64:
		return c.Value(row)
	case *array.Float32:
		return float64(c.Value(row))
	case *array.Timestamp:
		return c.Value(row).ToTime(c.DataType().(*arrow.TimestampType).Unit).UTC()
	case *array.Date32:
		return c.Value(row).ToTime().UTC()
	case *array.Date64:
		return c.Value(row).ToTime().UTC()
	}
	return strings.Clone(col.ValueStr(row))
}

// bag counts rows by what they say.
type bag map[string]int

func (b bag) add(rs []Row) bag {
	for _, r := range rs {
		b[r.String()]++
	}
	return b
}

// lacks returns a row of want that b holds less often.
func (b bag) lacks(want bag) (string, bool) {
	for row, n := range want {
		if b[row] < n {
			return row, true
		}
	}
	return "", false
}
