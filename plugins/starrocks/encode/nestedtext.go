package encode

import (
	"bytes"
	"unicode/utf8"
)

// notNested is the reason of a row whose text is no ARRAY, MAP or STRUCT.
const notNested = "the text is not in the form of an ARRAY, MAP or STRUCT, which the column is"

// deepest bounds how far values are nested, like the server's own JSON parser.
const deepest = 64

// appendNestedText writes the text that StarRocks gives of an ARRAY, MAP or STRUCT as JSON: keys that are no texts get quotes,
// control characters in texts are escaped, white space goes. It answers false when the text is neither that nor JSON.
func appendNestedText(dst, s []byte) ([]byte, bool) {
	if !utf8.Valid(s) {
		return dst, false
	}
	t := nestedText{s: trim(s)}
	if len(t.s) == 0 || (t.s[0] != '[' && t.s[0] != '{') {
		return dst, false
	}
	out, ok := t.value(dst, 0)
	if !ok || t.at != len(t.s) {
		return dst, false
	}
	return out, true
}

type nestedText struct {
	s  []byte
	at int
}

func (t *nestedText) space() {
	for t.at < len(t.s) && blank(t.s[t.at]) {
		t.at++
	}
}

// next tells whether b comes next, and passes it.
func (t *nestedText) next(b byte) bool {
	t.space()
	if t.at < len(t.s) && t.s[t.at] == b {
		t.at++
		return true
	}
	return false
}

func (t *nestedText) value(dst []byte, depth int) ([]byte, bool) {
	t.space()
	switch {
	case t.at == len(t.s) || depth > deepest:
		return dst, false
	case t.s[t.at] == '"':
		return t.text(dst)
	case t.next('['):
		return t.list(append(dst, '['), depth, ']')
	case t.next('{'):
		return t.list(append(dst, '{'), depth, '}')
	}
	word := t.word()
	if !literal(word) {
		return dst, false
	}
	return append(dst, word...), true
}

// list reads what stands behind an opening bracket. In braces each value has a key.
func (t *nestedText) list(dst []byte, depth int, end byte) (out []byte, ok bool) {
	if t.next(end) {
		return append(dst, end), true
	}
	for {
		if end == '}' {
			if dst, ok = t.key(dst); !ok {
				return dst, false
			}
		}
		if dst, ok = t.value(dst, depth+1); !ok {
			return dst, false
		}
		switch {
		case t.next(end):
			return append(dst, end), true
		case !t.next(','):
			return dst, false
		}
		dst = append(dst, ',')
	}
}

func (t *nestedText) key(dst []byte) (out []byte, ok bool) {
	t.space()
	if t.at < len(t.s) && t.s[t.at] == '"' {
		if dst, ok = t.text(dst); !ok {
			return dst, false
		}
	} else {
		word := t.word()
		if !literal(word) {
			return dst, false
		}
		dst = append(append(append(dst, '"'), word...), '"')
	}
	return append(dst, ':'), t.next(':')
}

// word reads up to what ends a bare value.
func (t *nestedText) word() []byte {
	from := t.at
	for t.at < len(t.s) && !blank(t.s[t.at]) && bytes.IndexByte([]byte(`,:[]{}"`), t.s[t.at]) < 0 {
		t.at++
	}
	return t.s[from:t.at]
}

// text copies a text in quotes.
func (t *nestedText) text(dst []byte) ([]byte, bool) {
	dst = append(dst, '"')
	for t.at++; t.at < len(t.s); t.at++ {
		switch b := t.s[t.at]; {
		case b == '"':
			t.at++
			return append(dst, '"'), true
		case b == '\\':
			n := 2
			if t.at+1 < len(t.s) && t.s[t.at+1] == 'u' {
				n = 6
			}
			if t.at+n > len(t.s) || bytes.IndexByte([]byte(`"\/bfnrtu`), t.s[t.at+1]) < 0 {
				return dst, false
			}
			if n == 6 {
				if _, ok := hex4(t.s[t.at+2:]); !ok {
					return dst, false
				}
			}
			dst = append(dst, t.s[t.at:t.at+n]...)
			t.at += n - 1
		case b < ' ':
			const digits = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', digits[b>>4], digits[b&15])
		default:
			dst = append(dst, b)
		}
	}
	return dst, false
}

// literal tells whether a bare value is a number, true, false or null.
func literal(w []byte) bool {
	switch string(w) {
	case "true", "false", "null":
		return true
	}
	if len(w) > 0 && w[0] == '-' {
		w = w[1:]
	}
	whole, w := run(w)
	if len(whole) == 0 || (len(whole) > 1 && whole[0] == '0') {
		return false
	}
	if len(w) > 0 && w[0] == '.' {
		var fraction []byte
		if fraction, w = run(w[1:]); len(fraction) == 0 {
			return false
		}
	}
	if len(w) > 0 && (w[0] == 'e' || w[0] == 'E') {
		w = w[1:]
		if len(w) > 0 && (w[0] == '+' || w[0] == '-') {
			w = w[1:]
		}
		var exponent []byte
		if exponent, w = run(w); len(exponent) == 0 {
			return false
		}
	}
	return len(w) == 0
}

// run cuts the digits off the front.
func run(w []byte) (digits, rest []byte) {
	n := 0
	for n < len(w) && w[n] >= '0' && w[n] <= '9' {
		n++
	}
	return w[:n], w[n:]
}
