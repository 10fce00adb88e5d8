package compose

import (
	"bytes"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/tidwall/gjson"

	"github.com/gx-etl/gx/plugins/sdk/jsontext"
)

// Span is a part of Buffer.Data. From is -1 for NULL.
type Span struct{ From, To int32 }

// Null is the span of no value.
var Null = Span{From: -1, To: -1}

// IsNull tells whether there is no value.
func (s Span) IsNull() bool { return s.From < 0 }

// Len is the number of bytes; 0 for NULL.
func (s Span) Len() int { return int(s.To - s.From) }

// In gives the bytes; nil for NULL, and never nil for an empty value.
func (s Span) In(data []byte) []byte {
	switch {
	case s.From < 0:
		return nil
	case s.From == s.To: // data may be nil
		return nothing
	}
	return data[s.From:s.To:s.To]
}

var nothing = []byte{}

// Header is one header of a message.
type Header struct{ Name, Value Span }

// Buffer holds what messages are made of. It is to stay under 2 GiB.
type Buffer struct {
	Data    []byte
	Headers []Header
}

// Reset empties the buffer and keeps its memory.
func (b *Buffer) Reset() { b.Data, b.Headers = b.Data[:0], b.Headers[:0] }

// Message is one message; its bytes and headers stand in a Buffer.
type Message struct {
	Key, Value Span
	First, End int32 // of the headers
	Time       int64 // Unix milliseconds, or NoTime
	Partition  int32 // that the row names, or NoPartition
}

// Size is about what the message takes on the wire before compression, in bytes.
func (m *Message) Size(b *Buffer) int {
	n := 12 + m.Key.Len() + m.Value.Len()
	for _, h := range b.Headers[m.First:m.End] {
		n += 4 + h.Name.Len() + h.Value.Len()
	}
	return n
}

// latest is the last millisecond that a record can carry.
const latest = math.MaxInt64 / 1_000_000

// Compose makes the message of a row and adds its bytes to b. A reason says why there is none; b is then as it was.
func (c *Composer) Compose(rec arrow.RecordBatch, row int, b *Buffer) (m Message, column, reason string) {
	data, heads := len(b.Data), len(b.Headers)
	r := c.compose(rec, row, b, &m)
	if r != nil {
		b.Data, b.Headers = b.Data[:data], b.Headers[:heads]
		return m, r.column, r.reason
	}
	return m, "", ""
}

func (c *Composer) compose(rec arrow.RecordBatch, row int, b *Buffer, m *Message) (r *refusal) {
	if m.Key, r = c.makeKey(rec, row, b); r != nil {
		return r
	}
	if m.Value, r = c.makeValue(rec, row, b); r != nil {
		return r
	}
	m.First = int32(len(b.Headers))
	if r = c.makeHeaders(rec, row, b); r != nil {
		return r
	}
	m.End = int32(len(b.Headers))
	m.Time, m.Partition = NoTime, NoPartition
	if at := c.timeAt; at >= 0 && !rec.Column(at).IsNull(row) {
		n, ok := c.sources[at].count(rec.Column(at), row)
		if !ok || n < 0 || n > latest {
			return refuse(c.names[at], "is no time in Unix milliseconds from 1970 on that a message can carry")
		}
		m.Time = n
	}
	if at := c.partitionAt; at >= 0 && !rec.Column(at).IsNull(row) {
		n, ok := c.sources[at].count(rec.Column(at), row)
		if !ok || n < 0 || n > math.MaxInt32 {
			return refuse(c.names[at], "is no number of a partition")
		}
		m.Partition = int32(n)
	}
	return nil
}

// since is the span of what was added to b after it had from bytes.
func (b *Buffer) since(from int) Span { return Span{int32(from), int32(len(b.Data))} }

// part adds a column that is a part of the message as it is.
func (c *Composer) part(rec arrow.RecordBatch, row, at int, b *Buffer) (Span, *refusal) {
	col := rec.Column(at)
	if col.IsNull(row) || c.sources[at].typ.ID() == arrow.NULL {
		return Null, nil
	}
	from := len(b.Data)
	if own, ok := plain(col, row); ok {
		b.Data = append(b.Data, own...)
		return b.since(from), nil
	}
	var reason string
	if b.Data, _, reason = c.sources[at].append(b.Data, col, row); reason != "" {
		return Null, &refusal{c.names[at], reason}
	}
	return b.since(from), nil
}

func (c *Composer) makeKey(rec arrow.RecordBatch, row int, b *Buffer) (Span, *refusal) {
	switch {
	case c.key == nil && c.keyAt < 0:
		return Null, nil
	case c.key == nil:
		return c.part(rec, row, c.keyAt, b)
	case c.form.KeyFormat == KeyJSON:
		return c.object(rec, row, b, c.key, c.form.Key, c.keyLabels)
	case c.form.KeyFormat == KeyRaw && !c.documents:
		return c.part(rec, row, c.key[0], b)
	}
	return c.text(rec, row, b, c.key[0], c.form.Key[0])
}

func (c *Composer) makeValue(rec arrow.RecordBatch, row int, b *Buffer) (Span, *refusal) {
	switch {
	case c.form.Format == Raw:
		return c.part(rec, row, c.valueAt, b)
	case c.documents && c.value == nil:
		from := len(b.Data)
		b.Data = append(b.Data, documentAt(rec, row)...)
		return b.since(from), nil
	case c.form.Format == JSON:
		return c.object(rec, row, b, c.value, c.form.Value, c.valueLabels)
	case c.form.Format == Text:
		return c.text(rec, row, b, c.value[0], c.names[c.value[0]])
	}
	return c.line(rec, row, b)
}

// field adds the text of a column, or of a field of the document. JSON stays as it came where it becomes a part of JSON.
func (c *Composer) field(dst []byte, rec arrow.RecordBatch, row, at int, name string, whole bool) ([]byte, shape, string) {
	var piece []byte
	switch {
	case c.documents:
		found := gjson.GetBytes(documentAt(rec, row), gjson.Escape(name))
		if !found.Exists() {
			return dst, isNull, ""
		}
		piece = bytesOf(found.Raw)
	case whole && c.sources[at].json && !rec.Column(at).IsNull(row):
		var ok bool
		if piece, ok = plain(rec.Column(at), row); !ok {
			return dst, isNull, notJSON
		}
	default:
		return c.sources[at].append(dst, rec.Column(at), row)
	}
	if whole {
		return rawToken(dst, piece)
	}
	return token(dst, piece)
}

// text adds the text of one column; NULL is no value.
func (c *Composer) text(rec arrow.RecordBatch, row int, b *Buffer, at int, name string) (Span, *refusal) {
	from := len(b.Data)
	data, as, reason := c.field(b.Data, rec, row, at, name, false)
	b.Data = data
	switch {
	case reason != "":
		return Null, &refusal{name, reason}
	case as == isNull:
		return Null, nil
	}
	return b.since(from), nil
}

// object adds a JSON object of columns.
func (c *Composer) object(rec arrow.RecordBatch, row int, b *Buffer, columns []int, names []string, labels [][]byte) (Span, *refusal) {
	from := len(b.Data)
	for n, at := range columns {
		name := c.names[at]
		if c.documents {
			name = names[n]
		}
		b.Data = append(b.Data, labels[n]...)
		value := len(b.Data)
		data, as, reason := c.field(b.Data, rec, row, at, name, true)
		b.Data = data
		switch {
		case reason != "":
			return Null, &refusal{name, reason}
		case as == noNumber:
			return Null, &refusal{name, notANum}
		case as == isNull:
			b.Data = append(b.Data[:value], "null"...)
		case as == isText:
			c.quote(b, value)
		}
	}
	b.Data = append(b.Data, '}')
	return b.since(from), nil
}

// quote puts the text from an offset on between quotes.
func (c *Composer) quote(b *Buffer, from int) {
	text := b.Data[from:]
	for _, ch := range text {
		if ch < ' ' || ch == '"' || ch == '\\' {
			c.scratch = append(c.scratch[:0], text...)
			b.Data = jsontext.Append(b.Data[:from], c.scratch)
			return
		}
	}
	b.Data = append(b.Data, `""`...)
	copy(b.Data[from+1:], b.Data[from:len(b.Data)-2])
	b.Data[from] = '"'
}

// line adds the texts of the columns with a delimiter between them.
func (c *Composer) line(rec arrow.RecordBatch, row int, b *Buffer) (Span, *refusal) {
	from := len(b.Data)
	for n, at := range c.value {
		if n > 0 {
			b.Data = append(b.Data, c.form.Delimiter...)
		}
		cell := len(b.Data)
		data, as, reason := c.field(b.Data, rec, row, at, c.names[at], false)
		b.Data = data
		if reason == "" && as == isNull {
			b.Data = append(b.Data[:cell], c.form.Null...)
			continue
		}
		if reason == "" {
			reason = c.cell(b, cell)
		}
		if reason != "" {
			return Null, &refusal{c.names[at], reason}
		}
	}
	return b.since(from), nil
}

// cell quotes the text from an offset on where it would not read back as itself.
func (c *Composer) cell(b *Buffer, from int) (reason string) {
	f, text := c.form, b.Data[from:]
	null := bytes.Equal(text, f.Null)
	if !null && !bytes.Contains(text, f.Delimiter) && !overlaps(text, f.Delimiter) && bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\r') < 0 &&
		(f.Quote == 0 || bytes.IndexByte(text, f.Quote) < 0) {
		return ""
	}
	if f.Quote == 0 {
		if null {
			return "would read as NULL, and there are no quotes"
		}
		return "holds the delimiter or a line break, and there are no quotes"
	}
	c.scratch = append(c.scratch[:0], text...)
	b.Data = append(b.Data[:from], f.Quote)
	for _, ch := range c.scratch {
		if ch == f.Quote {
			b.Data = append(b.Data, ch)
		}
		b.Data = append(b.Data, ch)
	}
	b.Data = append(b.Data, f.Quote)
	return ""
}

// overlaps tells that the end of a text and a delimiter after it could be read as a delimiter that comes earlier.
func overlaps(text, delimiter []byte) bool {
	for n := 1; n < len(delimiter); n++ {
		if bytes.HasSuffix(text, delimiter[:n]) {
			return true
		}
	}
	return false
}
