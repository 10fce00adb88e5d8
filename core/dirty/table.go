package dirty

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// table lays records out as rows with the columns of plan.DirtyColumns, or those of them that the job names.
type table struct {
	job, run string
	columns  []int // by column of the row: its place in plan.DirtyColumns
}

var utcMicros = &arrow.TimestampType{Unit: arrow.Microsecond}

// types are those of plan.DirtyColumns.
var types = []arrow.DataType{utcMicros, arrow.BinaryTypes.String, arrow.BinaryTypes.String, arrow.BinaryTypes.String, arrow.BinaryTypes.String,
	arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64, utcMicros,
	arrow.BinaryTypes.String, arrow.BinaryTypes.String, arrow.BinaryTypes.String, arrow.BinaryTypes.String, arrow.BinaryTypes.String, arrow.BinaryTypes.String,
	arrow.BinaryTypes.String}

// newTable takes the columns that the writer wants, all of them when it does not say.
func newTable(p *plan.Plan, wanted []string) (*table, error) {
	t := &table{job: p.Job, run: p.Run}
	if len(wanted) == 0 {
		wanted = plan.DirtyColumns
	}
	for i, name := range wanted {
		at := slices.IndexFunc(plan.DirtyColumns, func(c string) bool { return strings.EqualFold(c, name) })
		if at < 0 {
			return nil, protocol.Faultf(protocol.Config, "a dirty record has no column %s", name).At(fmt.Sprintf("column[%d]", i)).
				Hint("name some of %s", strings.Join(plan.DirtyColumns, ", "))
		}
		t.columns = append(t.columns, at)
	}
	return t, nil
}

func (t *table) builder() (*rows.Builder, error) {
	fields := make([]arrow.Field, len(t.columns))
	for i, at := range t.columns {
		fields[i] = arrow.Field{Name: plan.DirtyColumns[at], Type: types[at], Nullable: true}
	}
	return rows.NewBuilder(arrow.NewSchema(fields, nil))
}

func (t *table) size(r *engine.DirtyRecord) int {
	n := 1024 + len(t.job) + len(r.Side) + len(r.Place) + len(r.Reason) + len(r.Column)
	for _, b := range [][]byte{r.Record, r.Key} {
		if utf8.Valid(b) {
			n += len(b)
		} else {
			n += base64.StdEncoding.EncodedLen(len(b))
		}
	}
	if r.Origin != nil {
		n += len(r.Origin.Topic)
		for _, h := range r.Origin.Headers {
			n += 64 + 6*len(h.Name) + base64.StdEncoding.EncodedLen(len(h.Value))
		}
	}
	return n
}

func (t *table) add(b *rows.Builder, r *engine.DirtyRecord, now time.Time) {
	for i, at := range t.columns {
		if !cell(b, i, at, t, r, now) {
			b.AppendNull(i)
		}
	}
	b.EndRow()
}

// cell appends the value of a column; false: it has none.
func cell(b *rows.Builder, i, at int, t *table, r *engine.DirtyRecord, now time.Time) bool {
	text := func(s string) bool {
		if s == "" {
			return false
		}
		b.AppendString(i, strings.ToValidUTF8(s, "\uFFFD"))
		return true
	}
	bytes := func(v []byte, plain bool) bool {
		switch valid := utf8.Valid(v); {
		case v == nil || valid != plain:
			return false
		case valid:
			b.AppendBytes(i, v)
		default:
			b.AppendString(i, base64.StdEncoding.EncodeToString(v))
		}
		return true
	}
	switch name := plan.DirtyColumns[at]; name {
	case "time":
		b.AppendInt64(i, now.UnixMicro())
		return true
	case "job":
		return text(t.job)
	case "run":
		return text(t.run)
	case "plugin":
		return text(r.Side)
	case "place":
		return text(r.Place)
	case "reason":
		return text(r.Reason)
	case "column":
		return text(r.Column)
	case "record", "recordBase64":
		return bytes(r.Record, name == "record")
	case "key", "keyBase64":
		return bytes(r.Key, name == "key")
	}
	o := r.Origin
	if o == nil {
		return false
	}
	switch plan.DirtyColumns[at] {
	case "topic":
		return text(o.Topic)
	case "partition":
		b.AppendInt64(i, int64(o.Partition))
	case "offset":
		b.AppendInt64(i, o.Offset)
	case "timestamp":
		if o.Time < 0 {
			return false
		}
		b.AppendInt64(i, o.Time*1000)
	case "headers":
		if len(o.Headers) == 0 {
			return false
		}
		b.AppendBytes(i, engine.HeadersJSON(o.Headers))
	}
	return true
}
