package dirty

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// messages lays records out as the messages that they were: key, value and headers as they came, and behind those the headers
// gx.… which say why they are here and where they were.
type messages struct {
	job, run string
	scratch  []byte
}

// The columns of a raw message, as the Kafka writer takes them.
const (
	keyColumn = iota
	valueColumn
	headersColumn
)

var messageSchema = arrow.NewSchema([]arrow.Field{
	{Name: "__key__", Type: arrow.BinaryTypes.Binary, Nullable: true},
	{Name: "__value__", Type: arrow.BinaryTypes.Binary, Nullable: true},
	{Name: "__headers__", Type: arrow.BinaryTypes.Binary, Nullable: true},
}, nil)

func (m *messages) builder() (*rows.Builder, error) { return rows.NewBuilder(messageSchema) }

func (m *messages) size(r *engine.DirtyRecord) int {
	return 1024 + len(m.job) + len(r.Side) + len(r.Place) + r.Size()
}

func (m *messages) add(b *rows.Builder, r *engine.DirtyRecord, _ time.Time) {
	for i, v := range [][]byte{keyColumn: r.Key, valueColumn: r.Record} {
		if v == nil {
			b.AppendNull(i)
		} else {
			b.AppendBytes(i, v)
		}
	}
	m.scratch = m.headers(m.scratch[:0], r)
	b.AppendBytes(headersColumn, m.scratch)
	b.EndRow()
}

// headers appends the headers in Kafka's own encoding: their number, then of each the length of its name, the name, the length
// of its value and the value, all lengths as zigzag varints, -1 for a value that is none.
func (m *messages) headers(dst []byte, r *engine.DirtyRecord) []byte {
	var own []engine.Header
	text := func(name, value string) {
		if value != "" {
			own = append(own, engine.Header{Name: name, Value: []byte(value)})
		}
	}
	text("gx.error", r.Reason)
	text("gx.column", r.Column)
	text("gx.plugin", r.Side)
	text("gx.job", m.job)
	text("gx.run", m.run)
	var came []engine.Header
	if o := r.Origin; o != nil {
		came = o.Headers
		text("gx.source.topic", o.Topic)
		text("gx.source.partition", strconv.Itoa(int(o.Partition)))
		text("gx.source.offset", strconv.FormatInt(o.Offset, 10))
		if o.Time >= 0 {
			text("gx.source.timestamp", strconv.FormatInt(o.Time, 10))
		}
	} else {
		text("gx.source.place", r.Place)
	}
	dst = binary.AppendVarint(dst, int64(len(came)+len(own)))
	for _, list := range [][]engine.Header{came, own} {
		for _, h := range list {
			dst = binary.AppendVarint(dst, int64(len(h.Name)))
			dst = append(dst, h.Name...)
			if h.Value == nil {
				dst = binary.AppendVarint(dst, -1)
				continue
			}
			dst = binary.AppendVarint(dst, int64(len(h.Value)))
			dst = append(dst, h.Value...)
		}
	}
	return dst
}
