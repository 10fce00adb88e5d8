package kafka

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/kafka/project"
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
	builder   *rows.Builder
	projector *project.Projector
	tokens    [][]byte           // by path
	opener    *project.Projector // of the two parts of an envelope
	parts     [2][]byte
	scratch   []byte

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
const maxRow = protocol.MaxMessage - (2 << 20)

var envelopeParts = []project.Path{{{Key: "schema", Index: -1}}, {{Key: "payload", Index: -1}}}

func newAssembler(l *layout) (*assembler, error) {
	b, err := rows.NewBuilder(l.schema)
	if err != nil {
		return nil, err
	}
	a := &assembler{layout: l, builder: b}
	a.projector = project.New(l.paths, l.fold)
	a.tokens = make([][]byte, len(l.paths))
	a.opener = project.New(envelopeParts, false).KeepNulls()
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
	}
	if out.Rows > 0 {
		out.Payload = a.builder.Finish()
	}
	a.dirty, a.dirtyBytes, a.filtered, a.bytes, a.newest = nil, 0, 0, 0, 0
	return out
}

// add turns one message into a row, a dirty record, or a filtered one. What it appends to the builder it appends only
// after everything about the message was found good: half a row cannot be taken back.
func (a *assembler) add(m *message) {
	a.bytes += int64(len(m.key) + len(m.value))
	a.newest = max(a.newest, m.time)
	if len(m.key)+len(m.value) > maxRow {
		a.refuse(m, fmt.Sprintf("key and value have %d bytes, more than the %d that fit into one batch", len(m.key)+len(m.value), maxRow), "", false)
		return
	}
	doc := m.value
	if a.document {
		if len(m.value) == 0 {
			a.emptyValue(m)
			return
		}
		var reason string
		if doc, reason = a.read(m.value); reason != "" {
			a.refuse(m, reason, "", true)
			return
		}
		if doc == nil {
			a.emptyValue(m)
			return
		}
	}
	if a.columns == nil {
		a.builder.AppendBytes(0, doc)
		a.builder.EndRow()
		return
	}
	for i := range a.columns {
		c := &a.columns[i]
		reason := ""
		switch c.kind {
		case columnKey:
			reason = judge(a.keyType, m.key)
		case columnValue:
			reason = judge(a.valueType, m.value)
		}
		if reason != "" {
			a.refuse(m, c.what()+reason, c.name, true)
			return
		}
	}
	a.row(m)
}

func (c *column) what() string {
	if c.kind == columnKey {
		return "the key "
	}
	return "the value "
}

func (a *assembler) emptyValue(m *message) {
	if a.emptyDirty {
		a.refuse(m, "the value is empty", "", true)
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

// read validates a value and finds the wanted fields in it. It returns the document of the row; nil without a reason
// means that an envelope holds none.
func (a *assembler) read(value []byte) (doc []byte, reason string) {
	if value[0] == 0 && len(value) >= 5 {
		return nil, fmt.Sprintf("looks like the Confluent wire format (magic byte 0, schema id %d), not like plain JSON: set a converter that reads it; "+
			"this version has none", binary.BigEndian.Uint32(value[1:5]))
	}
	if a.envelope {
		payload, reason := a.unwrap(value)
		if payload == nil || reason != "" || len(a.tokens) == 0 {
			return payload, reason
		}
		value = payload
	}
	var err error
	if len(a.tokens) > 0 {
		err = a.projector.Project(value, a.tokens)
	} else {
		err = project.Check(value)
	}
	if err != nil {
		return nil, err.Error()
	}
	if a.guardEnvelope && beginsLikeEnvelope(value) && a.isEnvelope(value) {
		return nil, `holds exactly the keys schema and payload, as JSON with schemas does: set "valueConverter": {"schemasEnable": true}`
	}
	return value, ""
}

func (a *assembler) isEnvelope(value []byte) bool {
	return a.opener.Project(value, a.parts[:]) == nil && a.opener.Members() == 2 && a.parts[0] != nil && a.parts[1] != nil
}

// unwrap takes the payload out of an envelope; it is nil when the envelope is good and its payload is null.
func (a *assembler) unwrap(value []byte) (payload []byte, reason string) {
	if err := a.opener.Project(value, a.parts[:]); err != nil {
		return nil, err.Error()
	}
	payload = a.parts[1]
	switch {
	case a.opener.Members() != 2 || a.parts[0] == nil || payload == nil:
		return nil, "not an envelope of schema and payload, which valueConverter.schemasEnable asks for"
	case payload[0] == 'n':
		return nil, ""
	case payload[0] != '{':
		return nil, "the payload of the envelope is not a JSON object"
	}
	return payload, ""
}

func beginsLikeEnvelope(doc []byte) bool {
	for i, c := range doc {
		if c == '"' {
			rest := doc[i+1:]
			return (len(rest) > 6 && string(rest[:7]) == `schema"`) || (len(rest) > 7 && string(rest[:8]) == `payload"`)
		}
		if c != '{' && c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return false
}

// row appends a row of columns. Fields are found in tokens, in the order of the columns.
func (a *assembler) row(m *message) {
	field := 0
	for i := range a.columns {
		c := &a.columns[i]
		switch c.kind {
		case columnField:
			if t := a.tokens[field]; t != nil {
				a.builder.AppendBytes(i, t)
			} else {
				a.builder.AppendNull(i)
			}
			field++
		case columnConstant:
			a.builder.AppendString(i, c.constant)
		case columnKey:
			a.typed(i, a.keyType, m.key)
		case columnValue:
			a.typed(i, a.valueType, m.value)
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
		case columnTopic:
			a.builder.AppendString(i, a.topic)
		case columnRecordHeaders:
			a.scratch = appendRecordHeaders(a.scratch[:0], m.headers)
			a.builder.AppendBytes(i, a.scratch)
		case columnHeaders:
			a.scratch = appendHeaders(a.scratch[:0], m.headers)
			a.builder.AppendBytes(i, a.scratch)
		}
	}
	a.builder.EndRow()
}
