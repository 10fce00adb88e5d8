package options

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of Parse. Both are far beyond any job that a person or a generator writes.
const (
	MaxSize  = 16 << 20 // bytes
	MaxDepth = 64       // objects and lists inside each other
)

// Parse reads one JSON value. It accepts more than strict JSON: a byte order mark, comments (// and /* */),
// trailing commas, and raw line breaks and tabs inside strings. Numbers stay as they are written.
// A key that comes twice in one object is a problem; its first value is kept. A syntax error ends the
// reading, with Missing as the value.
func Parse(src []byte) (Value, []Problem) {
	if len(src) > MaxSize {
		return Value{}, []Problem{{Code: CodeSyntax, Seen: fmt.Sprintf("the document has %d bytes", len(src)),
			Want: fmt.Sprintf("up to %d", MaxSize), Try: "check that this is the job and not its data"}}
	}
	if bytes.HasPrefix(src, []byte{0xFE, 0xFF}) || bytes.HasPrefix(src, []byte{0xFF, 0xFE}) {
		return Value{}, []Problem{{Code: CodeSyntax, Seen: "the document is UTF-16", Want: "UTF-8", Try: "save it as UTF-8"}}
	}
	r := reader{src: bytes.TrimPrefix(src, []byte("\xEF\xBB\xBF")), line: 1, col: 1}
	v, err := r.document()
	if err != nil {
		return Value{}, append(r.problems, *err)
	}
	return v, r.problems
}

// reader walks the text once. line and col always belong to src[at]; col counts characters.
type reader struct {
	src       []byte
	at        int
	line, col int32
	depth     int
	problems  []Problem
	// longString is where a string began that runs over a line end: the usual sign of a forgotten quote.
	longString int32
}

func (r *reader) document() (Value, *Problem) {
	if err := r.space(); err != nil {
		return Value{}, err
	}
	if r.at == len(r.src) {
		return Value{}, r.fail("the document is empty", "a job document starts with {")
	}
	v, err := r.value()
	if err != nil {
		return Value{}, err
	}
	if err := r.space(); err != nil {
		return Value{}, err
	}
	if r.at < len(r.src) {
		return Value{}, r.fail(r.here()+" follows the end of the document", "remove it, or check the braces before it")
	}
	return v, nil
}

func (r *reader) value() (Value, *Problem) {
	if r.at == len(r.src) {
		return Value{}, r.fail("the document ends where a value belongs", "check that every { and [ is closed")
	}
	line, col := r.line, r.col
	var v Value
	var err *Problem
	switch c := r.src[r.at]; {
	case c == '{':
		v, err = r.object()
	case c == '[':
		v, err = r.array()
	case c == '"':
		var s string
		s, err = r.str()
		v = Value{kind: String, text: s}
	case c == '-' || (c >= '0' && c <= '9'):
		v, err = r.number()
	default:
		v, err = r.word()
	}
	v.line, v.col = line, col
	return v, err
}

func (r *reader) object() (Value, *Problem) {
	if err := r.enter(); err != nil {
		return Value{}, err
	}
	v := Value{kind: Object}
	var seen map[string]int32
	for {
		if err := r.space(); err != nil {
			return v, err
		}
		if r.eat('}') {
			r.depth--
			return v, nil
		}
		line, col := r.line, r.col
		if r.at == len(r.src) {
			return v, r.fail("the document ends inside an object", "close it with }")
		}
		if r.src[r.at] != '"' {
			return v, r.fail(r.here()+" where a key belongs", `write the key in double quotes, such as "name"`)
		}
		key, err := r.str()
		if err == nil {
			err = r.space()
		}
		if err != nil {
			return v, err
		}
		if !r.eat(':') {
			return v, r.fail(fmt.Sprintf("%s after the key %q", r.here(), key), "put a colon between key and value")
		}
		if err := r.space(); err != nil {
			return v, err
		}
		x, err := r.value()
		if err != nil {
			return v, err
		}
		if first, again := seen[key]; again {
			r.problems = append(r.problems, Problem{Code: CodeDuplicateKey, Line: int(line), Col: int(col),
				Seen: fmt.Sprintf("the key %q comes twice in one object, first on line %d", key, first), Try: "keep one of them"})
		} else {
			if seen == nil {
				seen = map[string]int32{}
			}
			seen[key] = line
			v.members = append(v.members, Member{Key: key, Value: x, line: line, col: col})
		}
		if err := r.separator('}', "an object"); err != nil {
			return v, err
		}
	}
}

func (r *reader) array() (Value, *Problem) {
	if err := r.enter(); err != nil {
		return Value{}, err
	}
	v := Value{kind: Array}
	for {
		if err := r.space(); err != nil {
			return v, err
		}
		if r.eat(']') {
			r.depth--
			return v, nil
		}
		if r.at == len(r.src) {
			return v, r.fail("the document ends inside a list", "close it with ]")
		}
		x, err := r.value()
		if err != nil {
			return v, err
		}
		v.items = append(v.items, x)
		if err := r.separator(']', "a list"); err != nil {
			return v, err
		}
	}
}

func (r *reader) enter() *Problem {
	if r.depth == MaxDepth {
		return r.fail(fmt.Sprintf("more than %d levels of objects and lists", MaxDepth), "check the braces")
	}
	r.depth++
	r.step(1)
	return nil
}

// separator takes a comma, or leaves the closing byte to the caller.
func (r *reader) separator(closing byte, what string) *Problem {
	if err := r.space(); err != nil {
		return err
	}
	if r.eat(',') || (r.at < len(r.src) && r.src[r.at] == closing) {
		return nil
	}
	if r.at == len(r.src) {
		return r.fail("the document ends inside "+what, fmt.Sprintf("close it with %c", closing))
	}
	return r.fail(r.here()+" after a value", fmt.Sprintf("put a comma before it, or close %s with %c", what, closing))
}

func (r *reader) number() (Value, *Problem) {
	start, from := r.at, *r
	digits := func() int {
		n := 0
		for r.at < len(r.src) && r.src[r.at] >= '0' && r.src[r.at] <= '9' {
			r.step(1)
			n++
		}
		return n
	}
	r.eat('-')
	zero := r.at < len(r.src) && r.src[r.at] == '0'
	n := digits()
	ok := n > 0 && (!zero || n == 1)
	if ok && r.eat('.') {
		ok = digits() > 0
	}
	if ok && (r.eat('e') || r.eat('E')) {
		_ = r.eat('+') || r.eat('-')
		ok = digits() > 0
	}
	if ok && r.at < len(r.src) && !bytes.ContainsRune([]byte(" \t\r\n,]}:/"), rune(r.src[r.at])) {
		ok = false
	}
	if !ok {
		*r = from
		return Value{}, r.fail("this is not a JSON number", "write it without leading zeros and signs, or put it in double quotes")
	}
	return Value{kind: Number, text: string(r.src[start:r.at])}, nil
}

func (r *reader) word() (Value, *Problem) {
	end := r.at
	for end < len(r.src) && (r.src[end] >= 'a' && r.src[end] <= 'z' || r.src[end] >= 'A' && r.src[end] <= 'Z') {
		end++
	}
	var v Value
	switch w := string(r.src[r.at:end]); w {
	case "true", "false":
		v = Value{kind: Bool, text: w}
	case "null":
		v = Value{kind: Null}
	default:
		seen, try := r.here()+" where a value belongs", "write texts in double quotes"
		switch c := r.src[r.at]; {
		case c == '$':
			try = "put the reference in double quotes"
		case c == '}' || c == ']' || c == ',':
			try = "write the value, or remove the key or comma before it"
		case strings.EqualFold(w, "true") || strings.EqualFold(w, "false") || strings.EqualFold(w, "null"):
			try = strings.ToLower(w)
		case strings.EqualFold(w, "none") || strings.EqualFold(w, "undefined"):
			try = "null"
		}
		return v, r.fail(seen, try)
	}
	r.step(end - r.at)
	return v, nil
}

// space skips white space and comments.
func (r *reader) space() *Problem {
	for r.at < len(r.src) {
		switch c := r.src[r.at]; {
		case c == '\n':
			r.newline()
		case c == ' ' || c == '\t' || c == '\r':
			r.step(1)
		case c == '/' && bytes.HasPrefix(r.src[r.at:], []byte("//")):
			for r.at < len(r.src) && r.src[r.at] != '\n' {
				if err := r.rune(); err != nil {
					return err
				}
			}
		case c == '/' && bytes.HasPrefix(r.src[r.at:], []byte("/*")):
			open := *r
			r.step(2)
			for !bytes.HasPrefix(r.src[r.at:], []byte("*/")) {
				if r.at == len(r.src) {
					*r = open
					return r.fail("this comment is not closed", "end it with */")
				}
				if r.src[r.at] == '\n' {
					r.newline()
				} else if err := r.rune(); err != nil {
					return err
				}
			}
			r.step(2)
		case bytes.HasPrefix(r.src[r.at:], []byte("\u00a0")) || bytes.HasPrefix(r.src[r.at:], []byte("\u3000")):
			return r.fail("a space that is not ASCII", "replace it by an ordinary space; it often comes with text copied from a web page")
		default:
			return nil
		}
	}
	return nil
}

// step moves over n ASCII bytes of one line.
func (r *reader) step(n int) {
	r.at += n
	r.col += int32(n)
}

func (r *reader) newline() {
	r.at++
	r.line++
	r.col = 1
}

func (r *reader) rune() *Problem {
	c, size := utf8.DecodeRune(r.src[r.at:])
	if c == utf8.RuneError && size <= 1 {
		return r.fail("a byte that is not UTF-8", "save the document as UTF-8")
	}
	r.at += size
	r.col++
	return nil
}

func (r *reader) eat(c byte) bool {
	if r.at < len(r.src) && r.src[r.at] == c {
		r.step(1)
		return true
	}
	return false
}

// here names the character at the reader's position.
func (r *reader) here() string {
	if r.at == len(r.src) {
		return "the end of the document"
	}
	c, _ := utf8.DecodeRune(r.src[r.at:])
	switch c {
	case '\'', '‘', '’', '“', '”':
		return fmt.Sprintf("the quote %c", c)
	}
	return fmt.Sprintf("%q", c)
}

func (r *reader) fail(seen, try string) *Problem {
	if r.longString > 0 && r.longString < r.line {
		try += fmt.Sprintf("; a string that begins on line %d runs over the line end, is its closing quote missing?", r.longString)
	}
	return &Problem{Code: CodeSyntax, Seen: seen, Try: try, Line: int(r.line), Col: int(r.col),
		Excerpt: excerpt(r.src, r.at)}
}
