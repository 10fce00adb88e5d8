package convert

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// word is a token of SQL.
type word struct {
	text   string // without quotes
	quote  byte   // ' for a text, ` for a quoted name, 0 otherwise
	symbol bool   // a single character such as ( or =
	line   int
}

// is compares a word that is not quoted, whatever its case.
func (w word) is(text string) bool { return w.quote == 0 && strings.EqualFold(w.text, text) }

// name tells whether the word can name something.
func (w word) name() bool { return w.quote == '`' || w.quote == 0 && !w.symbol && w.text != "" }

// lex cuts SQL into words and drops comments.
func lex(src string) (words []word, err error) {
	line := 1
	for i := 0; i < len(src); {
		c := src[i]
		switch {
		case c == '\n':
			line++
			i++
		case c == ' ' || c == '\t' || c == '\r' || c == '\f':
			i++
		case strings.HasPrefix(src[i:], "--"):
			end := strings.IndexByte(src[i:], '\n')
			if end < 0 {
				return words, nil
			}
			i += end
		case strings.HasPrefix(src[i:], "/*"):
			end := strings.Index(src[i+2:], "*/")
			if end < 0 {
				return nil, fmt.Errorf("line %d: a comment is not closed", line)
			}
			line += strings.Count(src[i:i+2+end], "\n")
			i += end + 4
		case c == '\'' || c == '`' || c == '"':
			text, n := quoted(src[i:])
			if n == 0 {
				return nil, fmt.Errorf("line %d: %q is not closed", line, c)
			}
			q := c
			if c == '"' {
				q = '\''
			}
			words = append(words, word{text: text, quote: q, line: line})
			line += strings.Count(src[i:i+n], "\n")
			i += n
		default:
			r, size := utf8.DecodeRuneInString(src[i:])
			if !letter(r) {
				words = append(words, word{text: src[i : i+size], symbol: true, line: line})
				i += size
				continue
			}
			start := i
			for i < len(src) {
				r, size = utf8.DecodeRuneInString(src[i:])
				if !letter(r) {
					break
				}
				i += size
			}
			words = append(words, word{text: src[start:i], line: line})
		}
	}
	return words, nil
}

func letter(r rune) bool { return r == '_' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// quoted reads what stands in quotes at the beginning of src; a quote within is doubled. n is 0 when it does not end.
func quoted(src string) (text string, n int) {
	q := src[0]
	var b strings.Builder
	for i := 1; i < len(src); i++ {
		switch {
		case src[i] != q:
			b.WriteByte(src[i])
		case i+1 < len(src) && src[i+1] == q:
			b.WriteByte(q)
			i++
		default:
			return b.String(), i + 1
		}
	}
	return "", 0
}
