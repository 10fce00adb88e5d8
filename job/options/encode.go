package options

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"
)

// JSON returns v as strict JSON on one line, keys in order and numbers as they were written.
// It reveals secrets: hand it to the plugin, never to a log. Missing becomes null.
func (v Value) JSON() []byte { return v.append(nil, true) }

// MarshalJSON is JSON with the values marked by AsSecret shown as ***.
func (v Value) MarshalJSON() ([]byte, error) { return v.append(nil, false), nil }

// UnmarshalJSON reads what JSON wrote.
func (v *Value) UnmarshalJSON(src []byte) error {
	x, problems := Parse(src)
	if Failed(problems) {
		return problems[0]
	}
	*v = x
	return nil
}

// String returns v as JSON with secrets masked.
func (v Value) String() string { return string(v.append(nil, false)) }

// Format keeps secrets masked under every verb, %#v and %+v too.
func (v Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, v.String()) }

func (v Value) append(b []byte, reveal bool) []byte {
	if v.secret && !reveal {
		return appendString(b, mask)
	}
	switch v.kind {
	case Bool, Number:
		return append(b, v.text...)
	case String:
		return appendString(b, v.text)
	case Array:
		b = append(b, '[')
		for i, x := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = x.append(b, reveal)
		}
		return append(b, ']')
	case Object:
		b = append(b, '{')
		for i, m := range v.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, m.Key), ':')
			b = m.Value.append(b, reveal)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

const hexDigits = "0123456789abcdef"

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += size
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// String hides the secret.
func (s Secret) String() string { return mask }

// GoString hides the secret.
func (s Secret) GoString() string { return `"` + mask + `"` }

// Format hides the secret under every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// MarshalJSON hides the secret.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(mask) }

// MarshalText hides the secret where it is a map key or a text value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }
