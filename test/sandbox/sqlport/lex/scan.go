// Package lex cuts StarRocks SQL into tokens that know where they stand in the
// text, and scripts into statements. It decides nothing about grammar.
package lex

import (
	"fmt"
	"strings"
)

// Kind is the class of a token.
type Kind int

// The classes. A Hint is a comment that starts with /*+; other comments are
// white space.
const (
	EOF Kind = iota
	Word
	Quoted // a name in backquotes
	String
	Number
	Symbol
	Hint
)

// Token is one token. Text is its meaning: the name without backquotes, the
// string with its escapes resolved, the inside of a hint. Raw source text is
// src[Pos:End].
type Token struct {
	Kind     Kind
	Text     string
	Pos, End int
	Line     int // from 1
	Col      int // from 0, in bytes, as StarRocks counts
}

// Is reports whether the token is the unquoted word w, in any case, or the
// symbol w.
func (t Token) Is(w string) bool {
	switch t.Kind {
	case Word:
		return strings.EqualFold(t.Text, w)
	case Symbol:
		return t.Text == w
	}
	return false
}

// IsName reports whether the token can stand for a name.
func (t Token) IsName() bool { return t.Kind == Word || t.Kind == Quoted }

// Error is a text that cannot be read, or that reads well and means nothing, with
// its place. The words are those of StarRocks.
type Error struct {
	Line, Col int
	Syntax    bool // the text does not read
	Reason    string
}

func (e *Error) Error() string {
	kind := "analyzing"
	if e.Syntax {
		kind = "syntax"
	}
	return fmt.Sprintf("Getting %s error at line %d, column %d. Detail message: %s.", kind, e.Line, e.Col, strings.TrimSuffix(e.Reason, "."))
}

// At makes an Error at a token that is read but makes no sense.
func At(t Token, format string, args ...any) *Error {
	return &Error{Line: t.Line, Col: t.Col, Reason: fmt.Sprintf(format, args...)}
}

func unreadable(t Token, format string, args ...any) *Error {
	e := At(t, format, args...)
	e.Syntax = true
	return e
}

// Unexpected makes the Error for a token that does not fit, naming what would.
func Unexpected(t Token, wanted ...string) *Error {
	return unreadable(t, "Unexpected input '%s', the most similar input is {%s}", t.shown(), strings.Join(wanted, ", "))
}

// shown is the token as an error message shows it.
func (t Token) shown() string {
	text := t.Text
	switch t.Kind {
	case EOF:
		return "<EOF>"
	case String:
		text = "'" + text + "'"
	case Quoted:
		text = "`" + text + "`"
	}
	if len(text) > 60 {
		text = strings.ToValidUTF8(text[:60], "") + "..."
	}
	return text
}

type scanner struct {
	src       string
	pos       int
	line      int
	lineStart int
}

// Scan returns the tokens of src, ended by an EOF token.
func Scan(src string) ([]Token, error) {
	s := &scanner{src: src, line: 1}
	toks := make([]Token, 0, len(src)/5+1)
	for {
		t, err := s.next()
		if err != nil {
			return nil, err
		}
		toks = append(toks, t)
		if t.Kind == EOF {
			return toks, nil
		}
	}
}

func (s *scanner) peek(n int) byte {
	if s.pos+n < len(s.src) {
		return s.src[s.pos+n]
	}
	return 0
}

// advance moves over n bytes and counts their lines.
func (s *scanner) advance(n int) {
	for range n {
		if s.src[s.pos] == '\n' {
			s.line++
			s.lineStart = s.pos + 1
		}
		s.pos++
	}
}

func (s *scanner) here() Token {
	return Token{Pos: s.pos, Line: s.line, Col: s.pos - s.lineStart}
}

func (s *scanner) skipBlank() error {
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f':
			s.advance(1)
		case c == '-' && s.peek(1) == '-', c == '#':
			for s.pos < len(s.src) && s.src[s.pos] != '\n' {
				s.advance(1)
			}
		case c == '/' && s.peek(1) == '*' && s.peek(2) != '+':
			end := strings.Index(s.src[s.pos+2:], "*/")
			if end < 0 {
				return unreadable(s.here(), "Unterminated comment")
			}
			s.advance(end + 4)
		default:
			return nil
		}
	}
	return nil
}

func (s *scanner) next() (Token, error) {
	if err := s.skipBlank(); err != nil {
		return Token{}, err
	}
	t := s.here()
	if s.pos == len(s.src) {
		t.End = s.pos
		return t, nil
	}
	var err error
	switch c := s.src[s.pos]; {
	case c == '\'' || c == '"':
		t.Kind = String
		t.Text, err = s.str(c)
	case c == '`':
		t.Kind = Quoted
		t.Text, err = s.quoted()
	case c == '/' && s.peek(1) == '*': // a hint: skipBlank took the rest
		end := strings.Index(s.src[s.pos+3:], "*/")
		if end < 0 {
			return t, unreadable(t, "Unterminated hint")
		}
		t.Kind, t.Text = Hint, s.src[s.pos+3:s.pos+3+end]
		s.advance(end + 5)
	case isDigit(c), c == '.' && isDigit(s.peek(1)) && !s.behindName():
		t.Kind = s.number()
		t.Text = s.src[t.Pos:s.pos]
	case isWordByte(c):
		for s.pos < len(s.src) && isWordByte(s.src[s.pos]) {
			s.advance(1)
		}
		t.Kind, t.Text = Word, s.src[t.Pos:s.pos]
	default:
		n := 1
		if two := s.src[s.pos:min(s.pos+2, len(s.src))]; two == "@@" || two == ":=" || two == "||" {
			n = 2
		}
		s.advance(n)
		t.Kind, t.Text = Symbol, s.src[t.Pos:s.pos]
	}
	t.End = s.pos
	return t, err
}

// behindName tells the dot of t.2024 from the dot of .5.
func (s *scanner) behindName() bool {
	return s.pos > 0 && (isWordByte(s.src[s.pos-1]) || s.src[s.pos-1] == '`')
}

// number reads 12, 1.5, .5, 1e9 and 1.5e-3; digits that run into letters are a
// name, as in 2024_sales.
func (s *scanner) number() Kind {
	digits := func() {
		for s.pos < len(s.src) && isDigit(s.src[s.pos]) {
			s.pos++
		}
	}
	start := s.pos
	digits()
	whole := s.pos > start
	if s.peek(0) == '.' && (isDigit(s.peek(1)) || whole && !isWordByte(s.peek(1))) {
		s.pos++
		digits()
		whole = false
	}
	if c := s.peek(0); c == 'e' || c == 'E' {
		n := 1
		if sign := s.peek(1); sign == '+' || sign == '-' {
			n = 2
		}
		if isDigit(s.peek(n)) {
			at := s.pos
			s.pos += n
			digits()
			if s.pos < len(s.src) && isWordByte(s.src[s.pos]) {
				s.pos = at
			}
		}
	}
	if whole && s.pos < len(s.src) && isWordByte(s.src[s.pos]) {
		for s.pos < len(s.src) && isWordByte(s.src[s.pos]) {
			s.pos++
		}
		return Word
	}
	return Number
}

func (s *scanner) quoted() (string, error) {
	start := s.here()
	s.advance(1)
	var b strings.Builder
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		if c == '`' {
			if s.peek(1) != '`' {
				s.advance(1)
				return b.String(), nil
			}
			s.advance(1)
		}
		b.WriteByte(c)
		s.advance(1)
	}
	return "", unreadable(start, "Unterminated name, a closing ` is missing")
}

func (s *scanner) str(quote byte) (string, error) {
	start := s.here()
	s.advance(1)
	var b strings.Builder
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		switch {
		case c == quote && s.peek(1) == quote:
			b.WriteByte(c)
			s.advance(2)
		case c == quote:
			s.advance(1)
			return b.String(), nil
		case c == '\\' && s.pos+1 < len(s.src):
			b.WriteString(unescape(s.src[s.pos+1]))
			s.advance(2)
		default:
			b.WriteByte(c)
			s.advance(1)
		}
	}
	return "", unreadable(start, "Unterminated string, a closing %c is missing", quote)
}

// unescape resolves a backslash and the byte after it. \% and \_ keep their
// backslash, for LIKE.
func unescape(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case 'r':
		return "\r"
	case 'b':
		return "\b"
	case '0':
		return "\x00"
	case 'Z':
		return "\x1a"
	case '%', '_':
		return "\\" + string(rune(c))
	}
	return string([]byte{c})
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
