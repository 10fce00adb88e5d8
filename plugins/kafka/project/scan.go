package project

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// MaxDepth is how deep a document may nest. Readers of JSON behind gx give up at about the same depth, and a scanner
// without a limit could be made to exhaust its stack.
const MaxDepth = 1000

// Error says what is wrong with a document, and at which byte of it.
type Error struct {
	At   int
	What string
}

func (e *Error) Error() string { return fmt.Sprintf("%s at byte %d", e.What, e.At) }

// scanner reads one document by RFC 8259. Its methods take the index to begin at and return the one behind what they
// read, or -1 after they noted what is wrong.
type scanner struct {
	doc  []byte
	at   int
	what string
}

func (s *scanner) fail(at int, what string) int {
	s.at, s.what = at, what
	return -1
}

func (s *scanner) err() error {
	if s.at >= len(s.doc) {
		return &Error{At: len(s.doc), What: "invalid JSON: " + s.what + " (the text ends too early)"}
	}
	return &Error{At: s.at, What: "invalid JSON: " + s.what}
}

func (s *scanner) space(i int) int {
	for i < len(s.doc) {
		switch s.doc[i] {
		case ' ', '\n', '\t', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

// value reads any value; depth is that of the container around it.
func (s *scanner) value(i, depth int) int {
	if i >= len(s.doc) {
		return s.fail(i, "a value is missing")
	}
	switch c := s.doc[i]; c {
	case '"':
		return s.text(i)
	case '{':
		return s.skipObject(i, depth+1)
	case '[':
		return s.skipArray(i, depth+1)
	case 't':
		return s.word(i, "true")
	case 'f':
		return s.word(i, "false")
	case 'n':
		return s.word(i, "null")
	default:
		if c == '-' || c-'0' <= 9 {
			return s.number(i)
		}
		return s.fail(i, "a value is missing")
	}
}

func (s *scanner) skipObject(i, depth int) int {
	if depth > MaxDepth {
		return s.fail(i, fmt.Sprintf("nested deeper than %d levels", MaxDepth))
	}
	i = s.space(i + 1)
	if i < len(s.doc) && s.doc[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(s.doc) || s.doc[i] != '"' {
			return s.fail(i, "a key in quotes is missing")
		}
		if i = s.text(i); i < 0 {
			return -1
		}
		if i = s.colon(i); i < 0 {
			return -1
		}
		if i = s.value(i, depth); i < 0 {
			return -1
		}
		more, next := s.next(i, '}')
		if !more {
			return next
		}
		i = next
	}
}

func (s *scanner) skipArray(i, depth int) int {
	if depth > MaxDepth {
		return s.fail(i, fmt.Sprintf("nested deeper than %d levels", MaxDepth))
	}
	i = s.space(i + 1)
	if i < len(s.doc) && s.doc[i] == ']' {
		return i + 1
	}
	for {
		if i = s.value(i, depth); i < 0 {
			return -1
		}
		more, next := s.next(i, ']')
		if !more {
			return next
		}
		i = next
	}
}

// colon goes over the : behind a key, to the value.
func (s *scanner) colon(i int) int {
	if i < len(s.doc) && s.doc[i] != ':' {
		i = s.space(i)
	}
	if i >= len(s.doc) || s.doc[i] != ':' {
		return s.fail(i, "a colon is missing")
	}
	i++
	if i < len(s.doc) && s.doc[i] <= ' ' {
		i = s.space(i)
	}
	return i
}

// next goes over what stands behind an element: a comma, to the next element, or the closing bracket.
func (s *scanner) next(i int, closing byte) (more bool, at int) {
	if i < len(s.doc) && s.doc[i] <= ' ' {
		i = s.space(i)
	}
	if i < len(s.doc) {
		switch s.doc[i] {
		case ',':
			i++
			if i < len(s.doc) && s.doc[i] <= ' ' {
				i = s.space(i)
			}
			return true, i
		case closing:
			return false, i + 1
		}
	}
	return false, s.fail(i, fmt.Sprintf("a comma or %c is missing", closing))
}

const ones, highs = 0x0101010101010101, 0x8080808080808080

// text reads a string in quotes, eight bytes at a time while nothing special comes.
func (s *scanner) text(i int) int {
	doc := s.doc
	i++
	for {
		for i+8 <= len(doc) {
			w := binary.LittleEndian.Uint64(doc[i:])
			q := w ^ '"'*ones
			e := w ^ '\\'*ones
			// A zero byte in q or e, or a byte under 0x20 in w. Borrows can only spoil bytes above the first hit.
			hit := ((q - ones) & ^q) | ((e - ones) & ^e) | ((w - ' '*ones) & ^w)
			if hit &= highs; hit != 0 {
				i += bits.TrailingZeros64(hit) >> 3
				break
			}
			i += 8
		}
		for i < len(doc) && doc[i] != '"' && doc[i] != '\\' && doc[i] >= ' ' {
			i++
		}
		if i >= len(doc) {
			return s.fail(i, "a closing quote is missing")
		}
		switch c := doc[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = s.escape(i); i < 0 {
				return -1
			}
		case c < ' ':
			return s.fail(i, fmt.Sprintf("a bare control character 0x%02x in a string", c))
		}
	}
}

func (s *scanner) escape(i int) int {
	if i+1 >= len(s.doc) {
		return s.fail(i+1, "a closing quote is missing")
	}
	switch s.doc[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for j := i + 2; j < i+6; j++ {
			if j >= len(s.doc) || !isHex(s.doc[j]) {
				return s.fail(j, `\u needs four hexadecimal digits`)
			}
		}
		return i + 6
	}
	return s.fail(i, "an unknown escape in a string")
}

func isHex(c byte) bool {
	return c-'0' <= 9 || (c|0x20)-'a' <= 5
}

func (s *scanner) word(i int, word string) int {
	if len(s.doc)-i >= len(word) && string(s.doc[i:i+len(word)]) == word {
		return i + len(word)
	}
	return s.fail(i, "a value is missing")
}

func (s *scanner) number(i int) int {
	doc := s.doc
	if doc[i] == '-' {
		i++
	}
	switch {
	case i < len(doc) && doc[i] == '0':
		i++
	case i < len(doc) && doc[i]-'1' <= 8:
		i = s.digits(i)
	default:
		return s.fail(i, "a digit is missing")
	}
	if i < len(doc) && doc[i] == '.' {
		if i++; i >= len(doc) || doc[i]-'0' > 9 {
			return s.fail(i, "a digit is missing")
		}
		i = s.digits(i)
	}
	if i < len(doc) && doc[i]|0x20 == 'e' {
		i++
		if i < len(doc) && (doc[i] == '+' || doc[i] == '-') {
			i++
		}
		if i >= len(doc) || doc[i]-'0' > 9 {
			return s.fail(i, "a digit is missing")
		}
		i = s.digits(i)
	}
	return i
}

func (s *scanner) digits(i int) int {
	for i < len(s.doc) && s.doc[i]-'0' <= 9 {
		i++
	}
	return i
}
