package encode

import (
	"bytes"
	"unicode/utf8"

	"github.com/gx-etl/gx/plugins/sdk/jsontext"
)

func (e *Encoder) appendJSON(dst []byte, row int) ([]byte, bool) {
	start := len(dst)
	for i := range e.columns {
		c := &e.columns[i]
		dst = append(dst, c.key...)
		var reason string
		if dst, reason = c.appendJSONValue(dst, row); reason != "" {
			return dst[:start], e.refuse(c, reason)
		}
	}
	return append(dst, '}'), true
}

const notUTF8 = "the value is not valid UTF-8; map binary data with an expression in loadProps.columns, such as from_base64"

// appendQuoted writes a JSON string. It answers false when s is no UTF-8, for which JSON has no form.
func appendQuoted(dst, s []byte) ([]byte, bool) {
	if !utf8.Valid(s) {
		return dst, false
	}
	return jsontext.Append(dst, s), true
}

func appendBool(dst []byte, v bool, yes, no string) []byte {
	if v {
		return append(dst, yes...)
	}
	return append(dst, no...)
}

func (c *column) bit(row int) bool {
	i := c.first + row
	return c.bits[i/8]>>(i%8)&1 == 1
}

// appendUnquoted writes the text of a JSON string token. It answers a reason when the token is broken or names half
// of a surrogate pair, which is no character.
func appendUnquoted(dst, token []byte) ([]byte, string) {
	const broken = "the JSON text is broken"
	if len(token) < 2 || token[len(token)-1] != '"' {
		return dst, broken
	}
	s := token[1 : len(token)-1]
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...), ""
		}
		dst = append(dst, s[:i]...)
		s = s[i+1:]
		if len(s) == 0 {
			return dst, broken
		}
		b := s[0]
		s = s[1:]
		switch b {
		case '"', '\\', '/':
			dst = append(dst, b)
		case 'n':
			dst = append(dst, '\n')
		case 't':
			dst = append(dst, '\t')
		case 'r':
			dst = append(dst, '\r')
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'u':
			r, ok := hex4(s)
			if !ok {
				return dst, broken
			}
			s = s[4:]
			if r >= 0xd800 && r < 0xe000 {
				low, ok := rune(0), false
				if r < 0xdc00 && len(s) >= 6 && s[0] == '\\' && s[1] == 'u' {
					low, ok = hex4(s[2:])
				}
				if !ok || low < 0xdc00 || low >= 0xe000 {
					return dst, "the JSON text names half of a surrogate pair"
				}
				r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
				s = s[6:]
			}
			dst = utf8.AppendRune(dst, r)
		default:
			return dst, broken
		}
	}
}

func hex4(s []byte) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, b := range s[:4] {
		switch {
		case b >= '0' && b <= '9':
			b -= '0'
		case b >= 'a' && b <= 'f':
			b -= 'a' - 10
		case b >= 'A' && b <= 'F':
			b -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(b)
	}
	return r, true
}
