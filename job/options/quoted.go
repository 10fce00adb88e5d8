package options

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads a string in double quotes and decodes its escapes.
func (r *reader) str() (string, *Problem) {
	open := *r
	r.step(1)
	var buf []byte
	for start := r.at; ; {
		if r.at == len(r.src) {
			*r = open
			return "", r.fail("this string is not closed", `end it with a double quote`)
		}
		switch c := r.src[r.at]; {
		case c == '"':
			s := r.src[start:r.at]
			if buf != nil {
				s = append(buf, s...)
			}
			r.step(1)
			return string(s), nil
		case c == '\\':
			buf = append(buf, r.src[start:r.at]...)
			text, err := r.escape()
			if err != nil {
				return "", err
			}
			buf = append(buf, text...)
			start = r.at
		case c == '\n':
			if r.longString == 0 {
				r.longString = open.line
			}
			r.newline()
		case c < utf8.RuneSelf:
			r.step(1)
		default:
			if err := r.rune(); err != nil {
				return "", err
			}
		}
	}
}

// escape reads one backslash sequence, two of them for a surrogate pair.
func (r *reader) escape() (string, *Problem) {
	if r.at+1 < len(r.src) {
		c := r.src[r.at+1]
		if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
			r.step(2)
			return "\"\\/\b\f\n\r\t"[i : i+1], nil
		}
		if u, ok := r.hex4(r.at); ok {
			if !utf16.IsSurrogate(u) {
				r.step(6)
				return string(u), nil
			}
			if low, ok := r.hex4(r.at + 6); ok {
				if full := utf16.DecodeRune(u, low); full != utf8.RuneError {
					r.step(12)
					return string(full), nil
				}
			}
			return "", r.fail("half of a surrogate pair", "write the character itself, or both halves")
		}
	}
	return "", r.fail("a backslash that starts no JSON escape", `\\ for one backslash`)
}

// hex4 reads the four digits of a \uXXXX that starts at position i.
func (r *reader) hex4(i int) (rune, bool) {
	if i+6 > len(r.src) || r.src[i] != '\\' || r.src[i+1] != 'u' {
		return 0, false
	}
	var u rune
	for _, c := range r.src[i+2 : i+6] {
		d := strings.IndexByte("0123456789abcdef", c|0x20)
		if c < '0' || d < 0 {
			return 0, false
		}
		u = u<<4 | rune(d)
	}
	return u, true
}
