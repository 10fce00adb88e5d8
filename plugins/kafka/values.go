package kafka

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/kafka/decode"
)

// judge says why bytes are no value of a type; nothing is null, which every type has. what is what they are called.
func judge(what, typ string, b []byte) string {
	if b == nil {
		return ""
	}
	want := 0
	switch typ {
	case "string":
		if !utf8.Valid(b) {
			return what + " is not valid UTF-8"
		}
		return ""
	case "long", "double":
		want = 8
	case "integer", "float":
		want = 4
	case "short":
		want = 2
	default:
		return ""
	}
	if len(b) != want {
		return fmt.Sprintf("%s has %d bytes, and a %s has %d", what, len(b), typ, want)
	}
	return ""
}

func (a *assembler) typed(i int, typ string, b []byte) {
	if b == nil {
		a.builder.AppendNull(i)
		return
	}
	switch typ {
	case "long":
		a.builder.AppendInt64(i, int64(binary.BigEndian.Uint64(b)))
	case "integer":
		a.builder.AppendInt64(i, int64(int32(binary.BigEndian.Uint32(b))))
	case "short":
		a.builder.AppendInt64(i, int64(int16(binary.BigEndian.Uint16(b))))
	case "double":
		a.builder.AppendFloat64(i, math.Float64frombits(binary.BigEndian.Uint64(b)))
	case "float":
		a.builder.AppendFloat64(i, float64(math.Float32frombits(binary.BigEndian.Uint32(b))))
	default:
		a.builder.AppendBytes(i, b)
	}
}

// appendHeaders writes headers as one JSON object. A key that comes twice gets an array of its values in order; a value
// that is no text becomes {"base64": "…"}; so nothing of a header is lost.
func appendHeaders(dst []byte, headers []*sarama.RecordHeader, text *decode.Text) []byte {
	dst = append(dst, '{')
	first := true
	for i, h := range headers {
		count, before := 0, false
		for j, other := range headers {
			if string(other.Key) == string(h.Key) {
				count++
				before = before || j < i
			}
		}
		if before {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		key := h.Key
		if decoded, reason := text.UTF8(key); reason == "" {
			key = decoded
		}
		dst = appendJSONString(dst, key)
		dst = append(dst, ':')
		if count == 1 {
			dst = appendHeaderValue(dst, h.Value, text)
			continue
		}
		dst = append(dst, '[')
		n := 0
		for _, other := range headers {
			if string(other.Key) == string(h.Key) {
				if n++; n > 1 {
					dst = append(dst, ',')
				}
				dst = appendHeaderValue(dst, other.Value, text)
			}
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

func appendHeaderValue(dst, v []byte, text *decode.Text) []byte {
	if v == nil {
		return append(dst, "null"...)
	}
	if decoded, reason := text.UTF8(v); reason == "" && utf8.Valid(decoded) {
		return appendJSONString(dst, decoded)
	}
	dst = append(dst, `{"base64":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, v)
	return append(dst, `"}`...)
}

// appendJSONString quotes a text; bytes that are no UTF-8 become the replacement character.
func appendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRune(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		i++
	}
	return append(dst, '"')
}
