package compose

import (
	"encoding/base64"
	"encoding/binary"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/tidwall/gjson"
)

// makeHeaders adds constant headers, those of __headers__, and those that are columns.
func (c *Composer) makeHeaders(rec arrow.RecordBatch, row int, b *Buffer) *refusal {
	for i := range c.form.Constants {
		k := &c.form.Constants[i]
		b.header(bytesOf(k.Name), bytesOf(k.Value), false)
	}
	if at := c.headsAt; at >= 0 && !rec.Column(at).IsNull(row) && c.sources[at].typ.ID() != arrow.NULL {
		text, ok := plain(rec.Column(at), row)
		if !ok {
			return refuse(HeadersColumn, "is %s, neither JSON nor the headers of a record", c.sources[at].typ)
		}
		if reason := b.ReadHeaders(text); reason != "" {
			return &refusal{HeadersColumn, reason}
		}
	}
	for i, at := range c.headers {
		from := len(b.Data)
		b.Data = append(b.Data, c.headerLabels[i]...)
		name := b.since(from)
		var value Span
		var r *refusal
		if c.documents {
			value, r = c.text(rec, row, b, at, c.form.Headers[i])
		} else if value, r = c.headerValue(rec, row, b, at); r != nil {
			return r
		}
		if r != nil {
			return r
		}
		b.Headers = append(b.Headers, Header{name, value})
	}
	return nil
}

// headerValue is a column as a header: bytes and texts as they are, JSON texts without their quotes.
func (c *Composer) headerValue(rec arrow.RecordBatch, row int, b *Buffer, at int) (Span, *refusal) {
	if c.sources[at].json {
		return c.text(rec, row, b, at, c.names[at])
	}
	return c.part(rec, row, at, b)
}

// header adds one header.
func (b *Buffer) header(name, value []byte, null bool) {
	h := Header{Value: Null}
	from := len(b.Data)
	b.Data = append(b.Data, name...)
	h.Name = b.since(from)
	if !null {
		from = len(b.Data)
		b.Data = append(b.Data, value...)
		h.Value = b.since(from)
	}
	b.Headers = append(b.Headers, h)
}

// maxHeaders bounds the headers of one message.
const maxHeaders = 100_000

// ReadHeaders adds the headers in one of the forms that the package doc describes. A reason says why it is none of them; b
// may then hold some of the headers.
func (b *Buffer) ReadHeaders(text []byte) (reason string) {
	switch {
	case len(text) == 0:
		return ""
	case text[0] == '[' || text[0] == '{':
		return b.readJSON(text)
	}
	return b.readRecord(text)
}

const badRecord = "holds neither JSON nor the headers of a record as Kafka encodes them"

// readRecord reads Kafka's own encoding.
func (b *Buffer) readRecord(text []byte) (reason string) {
	count, n := binary.Varint(text)
	if n <= 0 || count < 0 || count > maxHeaders || count > int64(len(text)) {
		return badRecord
	}
	text = text[n:]
	take := func() (part []byte, null, ok bool) {
		size, n := binary.Varint(text)
		if n <= 0 || size < -1 || size > int64(len(text)-n) {
			return nil, false, false
		}
		if text = text[n:]; size < 0 {
			return nil, true, true
		}
		part, text = text[:size], text[size:]
		return part, false, true
	}
	for range count {
		name, nameless, ok := take()
		value, null, also := take()
		if !ok || !also || nameless {
			return badRecord
		}
		b.header(name, value, null)
	}
	if len(text) > 0 {
		return badRecord
	}
	return ""
}

// AppendHeader adds one header in Kafka's own encoding; the number of headers, a zigzag varint, stands before the first one.
func AppendHeader(dst, name, value []byte) []byte {
	dst = append(binary.AppendVarint(dst, int64(len(name))), name...)
	if value == nil {
		return binary.AppendVarint(dst, -1)
	}
	return append(binary.AppendVarint(dst, int64(len(value))), value...)
}

// readJSON reads a list of pairs or an object.
func (b *Buffer) readJSON(text []byte) (reason string) {
	if !utf8.Valid(text) {
		return notUTF8
	}
	if !gjson.ValidBytes(text) {
		return notJSON
	}
	all := gjson.ParseBytes(text)
	all.ForEach(func(name, value gjson.Result) bool {
		if all.IsArray() {
			pair := value.Array()
			if !value.IsArray() || len(pair) != 2 {
				reason = "holds " + short(value.Raw) + ", which is no pair of a name and a value"
				return false
			}
			name, value = pair[0], pair[1]
			if name.Type != gjson.String && !name.IsObject() {
				reason = "holds " + short(name.Raw) + " as the name of a header"
				return false
			}
		} else if value.IsArray() {
			for _, one := range value.Array() {
				if reason = b.jsonHeader(name, one); reason != "" {
					return false
				}
			}
			return true
		}
		reason = b.jsonHeader(name, value)
		return reason == ""
	})
	return reason
}

func (b *Buffer) jsonHeader(name, value gjson.Result) (reason string) {
	key, reason := jsonBytes(name)
	if reason != "" {
		return reason
	}
	if value.Type == gjson.Null {
		b.header(key, nil, true)
		return ""
	}
	bytes, reason := jsonBytes(value)
	if reason != "" {
		return reason
	}
	b.header(key, bytes, false)
	return ""
}

// jsonBytes is what a text, a number, a boolean, or an object with the only key base64 stands for.
func jsonBytes(v gjson.Result) (bytes []byte, reason string) {
	switch v.Type {
	case gjson.String:
		return []byte(v.Str), ""
	case gjson.Number, gjson.True, gjson.False:
		return []byte(v.Raw), ""
	}
	members := 0
	if v.IsObject() {
		v.ForEach(func(_, _ gjson.Result) bool { members++; return true })
	}
	if packed := v.Get("base64"); members == 1 && packed.Type == gjson.String {
		bytes, err := base64.StdEncoding.DecodeString(packed.Str)
		if err != nil {
			return nil, "holds base64 that cannot be read: " + short(packed.Str)
		}
		return bytes, ""
	}
	return nil, "holds " + short(v.Raw) + ", which is neither a text, null, nor {\"base64\": …}"
}

// short is the beginning of a text, for a reason.
func short(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
