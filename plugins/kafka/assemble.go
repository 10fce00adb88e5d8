package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/kafka/change"
	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// message is one record, however it was fetched.
type message struct {
	offset     int64
	time       int64 // Unix milliseconds, -1 when unknown
	key, value []byte
	headers    []*sarama.RecordHeader
}

// assembler turns the messages of one partition after the other into batches. Not safe for concurrent use.
type assembler struct {
	*layout
	builder *rows.Builder
	values  decode.Decoder  // nil when rows are not made of what is in a value
	changes *change.Decoder // values, when they are change data
	keys    decode.Decoder  // nil when a key is of a type of bytes
	text    *decode.Text    // nil for UTF-8; likewise the others
	keyText *decode.Text
	headers *decode.Text

	found   decode.Row // the next row of the open message
	ahead   bool       // found is not in the builder yet
	some    bool       // the open message has had a row
	large   bool       // one of its rows was too large
	key     []byte     // of the open message, decoded
	value   []byte     // of the open message, in UTF-8 where it is text
	scratch []byte

	within       bool              // cells are parts of the value, or of the key
	destinations map[string]string // by themselves, so that a name is made once
	destination  string            // of the rows that are gathered, when rows say where they go

	topic     string
	partition int32
	place     string // "topic t, partition 0"

	dirty      []sdk.Dirty
	dirtyBytes int
	filtered   int64
	bytes      int64
	newest     int64
}

// maxRow bounds one value, in bytes, so that its batch stays under protocol.MaxMessage.
const maxRow = decode.MaxText

func newAssembler(l *layout) (*assembler, error) {
	b, err := rows.NewBuilder(l.schema)
	if err != nil {
		return nil, err
	}
	a := &assembler{layout: l, builder: b, values: l.decoder(), keys: l.keyDecoder(), destinations: map[string]string{},
		within: l.value.kind != formatAvro && l.value.kind != formatProtobuf && l.key.kind != formatAvro && l.key.kind != formatProtobuf && !l.changing(),
		text:   l.text.Text(), keyText: l.text.Text(), headers: l.headerText.Text()}
	a.changes, _ = a.values.(*change.Decoder)
	return a, nil
}

// of sets the partition that the next messages come from; nothing may be gathered then.
func (a *assembler) of(topic string, partition int32) {
	if a.topic != topic || a.partition != partition || a.place == "" {
		a.topic, a.partition = topic, partition
		a.place = fmt.Sprintf("topic %s, partition %d", topic, partition)
	}
}

// empty tells whether nothing is gathered.
func (a *assembler) empty() bool {
	return a.builder.Rows() == 0 && len(a.dirty) == 0 && a.filtered == 0
}

// full tells whether the batch should go.
func (a *assembler) full() bool {
	return a.builder.Size()+a.dirtyBytes >= protocol.BatchBytes || (a.maxRows > 0 && a.builder.Rows()+len(a.dirty) >= a.maxRows)
}

// take hands the gathered batch over and begins anew.
func (a *assembler) take(p position, lag int64) sdk.Outgoing {
	out := sdk.Outgoing{
		Shard: shardName(a.topic, a.partition), Position: p.bytes(), Rows: a.builder.Rows(), Bytes: a.bytes,
		Dirty: a.dirty, Filtered: a.filtered, Lag: lag, EventTime: a.newest,
	}
	if a.routed {
		out.Destination = a.topic
		if a.tables() {
			out.Destination = a.destination
		}
	}
	if out.Rows > 0 {
		out.Payload = a.builder.Finish()
	}
	a.dirty, a.dirtyBytes, a.filtered, a.bytes, a.newest = nil, 0, 0, 0, 0
	return out
}

// leaveOut counts a message that is no data.
func (a *assembler) leaveOut(m *message) {
	a.bytes += int64(len(m.key) + len(m.value))
	a.newest = max(a.newest, m.time)
	a.filtered++
}

// add begins a message: it becomes rows, a dirty record, or a filtered one. What it appends to the builder it appends only
// after everything about the message was found good: half a row cannot be taken back. When it answers false, the batch
// is full before all rows of the message are in it; then the batch is to be taken and more to be called. An error ends the job.
func (a *assembler) add(ctx context.Context, m *message) (done bool, err error) {
	a.bytes += int64(len(m.key) + len(m.value))
	a.newest = max(a.newest, m.time)
	if len(m.key)+len(m.value) > maxRow {
		a.refuse(m, fmt.Sprintf("key and value have %d bytes, more than the %d that fit into one batch", len(m.key)+len(m.value), maxRow), "", false)
		return true, nil
	}
	a.some, a.ahead, a.large = false, false, false
	a.key, a.value = m.key, m.value
	if a.text != nil {
		if reason := a.utf8(m); reason != "" {
			a.refuse(m, reason, "", true)
			return true, nil
		}
	}
	if a.values != nil {
		if a.changes != nil {
			a.changes.Key(m.key)
		} else if len(a.value) == 0 {
			a.nothing(m, "the value is empty")
			return true, nil
		}
		if err := a.values.Open(ctx, a.value); err != nil {
			reason, err := refusal(err)
			if reason != "" {
				a.refuse(m, reason, "", true)
				return true, nil
			}
			return false, a.ending(m, err)
		}
	}
	for i := range a.columns {
		c := &a.columns[i]
		if c.kind != columnKey && c.kind != columnValue {
			continue
		}
		reason := ""
		switch {
		case c.kind == columnKey && a.keys != nil:
			if reason, err = a.openKey(ctx, m.key); err != nil {
				return false, err
			}
		case c.kind == columnKey:
			reason = judge("the key", a.keyType, a.key)
		case c.kind == columnValue && !a.decodesValue():
			reason = judge("the value", a.valueType, a.value)
		}
		if reason != "" {
			a.refuse(m, reason, c.name, true)
			return true, nil
		}
	}
	return a.more(m), nil
}

// ending says at which message a job ends.
func (a *assembler) ending(m *message, err error) error {
	f := protocol.AsFault(err)
	if f == nil || a.changes == nil {
		return err
	}
	return sdk.Faultf(f.Code, "%s, offset %d: %s", a.place, m.offset, f.What).At(f.Place).Hint("%s", f.Try)
}

// refusal takes the reason out of an error that makes a message dirty, and leaves others.
func refusal(err error) (reason string, _ error) {
	if err == nil {
		return "", nil
	}
	var r *decode.Refusal
	if errors.As(err, &r) {
		return r.Reason, nil
	}
	return "", err
}

// utf8 turns the texts of a message that has another encoding into UTF-8.
func (a *assembler) utf8(m *message) (reason string) {
	if !a.layout.value.framed() && (a.values != nil || a.valueType == "string") {
		if a.value, reason = a.text.UTF8(m.value); reason != "" {
			return "the value " + reason
		}
	}
	if !a.layout.key.framed() && (a.layout.key.kind != "" || a.keyType == "string") && a.keyed() {
		if a.key, reason = a.keyText.UTF8(m.key); reason != "" {
			return "the key " + reason
		}
	}
	return ""
}

// openKey decodes the key of the open message; one that holds nothing, such as null, is NULL.
func (a *assembler) openKey(ctx context.Context, raw []byte) (reason string, err error) {
	if raw == nil {
		return "", nil
	}
	if len(raw) == 0 {
		return "the key is empty", nil
	}
	if reason, err = refusal(a.keys.Open(ctx, a.key)); reason != "" {
		return "the key: " + reason, nil
	}
	var row decode.Row
	if a.key = nil; err == nil && a.keys.Next(&row) {
		a.key = row.Document
	}
	return "", err
}

// more appends rows of the open message until there are no others, and then answers true, or the batch is full.
func (a *assembler) more(m *message) (done bool) {
	if a.values == nil {
		a.fit(m)
		return true
	}
	for {
		if !a.ahead && !a.values.Next(&a.found) {
			break
		}
		if a.ahead = a.some && a.full() || !a.joins(); a.ahead {
			return false
		}
		a.some = true
		a.fit(m)
	}
	if !a.some && a.changes != nil {
		a.filtered++
	} else if !a.some {
		a.nothing(m, "the value holds no row")
	}
	return true
}

// tables tells whether rows say where they go.
func (a *assembler) tables() bool { return len(a.format.changes.table) > 0 }

// joins tells whether the found row goes where the gathered ones go.
func (a *assembler) joins() bool {
	if !a.routed || !a.tables() || string(a.found.Destination) == a.destination {
		return true
	}
	if a.builder.Rows() > 0 {
		return false
	}
	name, known := a.destinations[string(a.found.Destination)]
	if !known {
		name = string(a.found.Destination)
		a.destinations[name] = name
	}
	a.destination = name
	return true
}

// fit appends a row, or makes it a dirty record when it is too large for a batch: a value can stand in it more than once.
func (a *assembler) fit(m *message) {
	if a.within && (len(a.columns)+1)*(len(a.key)+len(a.value)) <= maxRow {
		a.row(m)
		return
	}
	n := a.found.Size()
	for i := range a.columns {
		switch c := &a.columns[i]; {
		case c.kind == columnKey:
			n += len(a.key)
		case c.kind == columnValue && !a.decodesValue():
			n += len(a.value)
		}
	}
	if n <= maxRow {
		a.row(m)
		return
	}
	a.refuse(m, fmt.Sprintf("the cells of a row have %d bytes, more than the %d that fit into one batch", n, maxRow), "", !a.large)
	a.large = true
}

// nothing handles a message without a row in it.
func (a *assembler) nothing(m *message, reason string) {
	if a.emptyDirty {
		a.refuse(m, reason, "", true)
		return
	}
	a.filtered++
}

func (a *assembler) refuse(m *message, reason, column string, keep bool) {
	d := sdk.Dirty{Place: a.place + ", offset " + strconv.FormatInt(m.offset, 10), Reason: reason, Column: column}
	d.Origin = &sdk.Origin{Topic: a.topic, Partition: a.partition, Offset: m.offset, Time: m.time}
	size := 0
	if keep { // the bytes belong to a fetch buffer that lives no longer than the batch being read
		d.Record, d.Key = bytes.Clone(m.value), bytes.Clone(m.key)
		size = len(d.Record) + len(d.Key)
		d.Origin.Headers, size = keptHeaders(m, size)
	}
	a.dirty = append(a.dirty, d)
	a.dirtyBytes += size + len(d.Place) + len(d.Reason) + 64
}

// keptHeaders copies the headers of a message, unless they and the other size bytes of it are more than one batch may have.
func keptHeaders(m *message, size int) ([]sdk.Header, int) {
	whole := size
	for _, h := range m.headers {
		whole += len(h.Key) + len(h.Value) + 16
	}
	if whole > maxRow || len(m.headers) == 0 {
		return nil, size
	}
	out := make([]sdk.Header, len(m.headers))
	for i, h := range m.headers {
		out[i] = sdk.Header{Name: bytes.Clone(h.Key), Value: bytes.Clone(h.Value)}
	}
	return out, whole
}

// row appends a row. The cells of the decoder are in the order of the columns.
func (a *assembler) row(m *message) {
	if a.columns == nil {
		a.builder.AppendBytes(0, a.found.Document)
		a.builder.EndRow()
		return
	}
	cells := a.found.Cells
	for i := range a.columns {
		c := &a.columns[i]
		switch c.kind {
		case columnField:
			if v := cells[0]; v != nil {
				a.builder.AppendBytes(i, v)
			} else {
				a.builder.AppendNull(i)
			}
			cells = cells[1:]
		case columnConstant:
			a.builder.AppendString(i, c.constant)
		case columnKey:
			if a.keys != nil {
				a.bytesOrNull(i, a.key)
			} else {
				a.typed(i, a.keyType, a.key)
			}
		case columnValue:
			if a.decodesValue() {
				a.bytesOrNull(i, cells[0])
				cells = cells[1:]
			} else {
				a.typed(i, a.valueType, a.value)
			}
		case columnPartition:
			a.builder.AppendInt64(i, int64(a.partition))
		case columnOffset:
			a.builder.AppendInt64(i, m.offset)
		case columnTimestamp:
			if m.time < 0 {
				a.builder.AppendNull(i)
			} else {
				a.builder.AppendInt64(i, m.time)
			}
		case columnOp:
			op := int64(sdk.OpUpsert)
			if a.found.Delete {
				op = sdk.OpDelete
			}
			a.builder.AppendInt64(i, op)
		case columnTopic:
			a.builder.AppendString(i, a.topic)
		case columnRecordHeaders:
			a.scratch = appendRecordHeaders(a.scratch[:0], m.headers)
			a.builder.AppendBytes(i, a.scratch)
		case columnHeaders:
			a.scratch = appendHeaders(a.scratch[:0], m.headers, a.headers)
			a.builder.AppendBytes(i, a.scratch)
		}
	}
	a.builder.EndRow()
}

func (a *assembler) bytesOrNull(i int, b []byte) {
	if b == nil {
		a.builder.AppendNull(i)
		return
	}
	a.builder.AppendBytes(i, b)
}
