// Package jsonscan validates JSON in one pass over its bytes, without building
// anything, and cuts values out of it. It checks the whole grammar of RFC 8259
// except that it leaves UTF-8 validity to the caller, who checks a body at once.
package jsonscan

import "fmt"

// MaxDepth is the deepest nesting of arrays and objects that is accepted.
const MaxDepth = 1024

// SyntaxError says where in the input the grammar was broken.
type SyntaxError struct {
	Offset int // byte offset, 0-based
	Want   string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid JSON at byte %d: %s", e.Offset, e.Want)
}

func broken(at int, want string) (int, error) {
	return at, &SyntaxError{Offset: at, Want: want}
}

// Space returns the position of the first byte at or after i that is not JSON
// white space, or len(b).
func Space(b []byte, i int) int {
	for i < len(b) {
		switch b[i] {
		case ' ', '\n', '\t', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

// Value checks the value that starts exactly at i and returns the position
// after it.
func Value(b []byte, i int) (int, error) { return value(b, i, 0) }

func value(b []byte, i, depth int) (int, error) {
	if i >= len(b) {
		return broken(i, "a value was expected, the input ends")
	}
	switch c := b[i]; c {
	case '"':
		return String(b, i)
	case '{':
		return object(b, i, depth)
	case '[':
		return array(b, i, depth)
	case 't':
		return literal(b, i, "true")
	case 'f':
		return literal(b, i, "false")
	case 'n':
		return literal(b, i, "null")
	default:
		if c == '-' || c >= '0' && c <= '9' {
			return number(b, i)
		}
		return broken(i, fmt.Sprintf("a value was expected, got %q", c))
	}
}

func literal(b []byte, i int, word string) (int, error) {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return broken(i, "expected "+word)
	}
	return i + len(word), nil
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}

func number(b []byte, i int) (int, error) {
	if b[i] == '-' {
		i++
	}
	start := i
	i = digits(b, i)
	if i == start {
		return broken(i, "a digit was expected in a number")
	}
	if b[start] == '0' && i > start+1 {
		return broken(start, "a number may not start with 0")
	}
	if i < len(b) && b[i] == '.' {
		frac := digits(b, i+1)
		if frac == i+1 {
			return broken(frac, "a digit was expected after the decimal point")
		}
		i = frac
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		exp := digits(b, i)
		if exp == i {
			return broken(exp, "a digit was expected in the exponent")
		}
		i = exp
	}
	return i, nil
}

// plain marks the bytes that stand for themselves inside a string.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 256; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// String checks the string whose opening quote is at i and returns the position
// after its closing quote.
func String(b []byte, i int) (int, error) {
	if i >= len(b) || b[i] != '"' {
		return broken(i, "a string was expected")
	}
	start := i
	i++
	for {
		for i+4 <= len(b) && plain[b[i]] && plain[b[i+1]] && plain[b[i+2]] && plain[b[i+3]] {
			i += 4
		}
		for i < len(b) && plain[b[i]] {
			i++
		}
		if i >= len(b) {
			return broken(start, "the string is not closed")
		}
		switch {
		case b[i] == '"':
			return i + 1, nil
		case b[i] != '\\':
			return broken(i, fmt.Sprintf("control byte 0x%02x inside a string", b[i]))
		}
		if i+1 >= len(b) {
			return broken(start, "the string is not closed")
		}
		switch b[i+1] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			i += 2
		case 'u':
			if _, ok := hex4(b, i+2); !ok {
				return broken(i, "four hex digits were expected after \\u")
			}
			i += 6
		default:
			return broken(i, fmt.Sprintf("unknown escape \\%c", b[i+1]))
		}
	}
}

func hex4(b []byte, i int) (rune, bool) {
	if i+4 > len(b) {
		return 0, false
	}
	var r rune
	for _, c := range b[i : i+4] {
		r <<= 4
		switch {
		case c >= '0' && c <= '9':
			r |= rune(c - '0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r |= rune(c|0x20-'a') + 10
		default:
			return 0, false
		}
	}
	return r, true
}

func object(b []byte, i, depth int) (int, error) {
	if depth >= MaxDepth {
		return broken(i, "nested too deeply")
	}
	i = Space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return i + 1, nil
	}
	for {
		var err error
		if i, err = Key(b, i); err != nil {
			return i, err
		}
		if i, err = value(b, i, depth+1); err != nil {
			return i, err
		}
		done := false
		if i, done, err = Next(b, i, '}'); err != nil || done {
			return i, err
		}
	}
}

func array(b []byte, i, depth int) (int, error) {
	if depth >= MaxDepth {
		return broken(i, "nested too deeply")
	}
	i = Space(b, i+1)
	if i < len(b) && b[i] == ']' {
		return i + 1, nil
	}
	for {
		var err error
		if i, err = value(b, i, depth+1); err != nil {
			return i, err
		}
		done := false
		if i, done, err = Next(b, i, ']'); err != nil || done {
			return i, err
		}
	}
}

// Key checks an object key at i and the colon after it, and returns the
// position of the value. The key itself is b[i:] up to its closing quote.
func Key(b []byte, i int) (int, error) {
	i, err := String(b, i)
	if err != nil {
		return i, err
	}
	i = Space(b, i)
	if i >= len(b) || b[i] != ':' {
		return broken(i, "':' was expected after an object key")
	}
	return Space(b, i+1), nil
}

// Next reads what follows a member of an array or object that ends with
// closing. done says the container ended; otherwise i is at the next member.
func Next(b []byte, i int, closing byte) (next int, done bool, err error) {
	i = Space(b, i)
	if i >= len(b) {
		next, err = broken(i, fmt.Sprintf("',' or '%c' was expected, the input ends", closing))
		return next, false, err
	}
	switch b[i] {
	case closing:
		return i + 1, true, nil
	case ',':
		return Space(b, i+1), false, nil
	}
	next, err = broken(i, fmt.Sprintf("',' or '%c' was expected, got %q", closing, b[i]))
	return next, false, err
}
