// Package dialect holds the ways in which rows stand in text files with delimiters: where a record ends, what its cells
// are, and how a row is written so that it reads back as the same row.
//
// There are two kinds. In csv a cell may be quoted; quoted cells may hold anything, and NULL is a bare cell with the text of
// Null. In plain text (Quote 0) a record is a line, and what would not read back has no form there.
package dialect

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Dialect is one such way. Records end with a newline; a carriage return before it belongs to the end too.
type Dialect struct {
	Delimiter []byte
	Quote     byte   // 0: no quoting
	Escape    byte   // within quotes, makes the next byte plain; 0: a quote is doubled
	Null      []byte // of a bare cell; nil: there is no NULL
}

// New judges the parts of a dialect, as they stand in a job.
func New(delimiter, quote, escape string, null *string) (d Dialect, at string, err error) {
	if d.Delimiter, err = Unescape(delimiter); err != nil {
		return d, "fieldDelimiter", err
	}
	if len(d.Delimiter) == 0 || len(d.Delimiter) > 16 {
		return d, "fieldDelimiter", fmt.Errorf("%q is not 1 to 16 bytes", delimiter)
	}
	if bytes.ContainsAny(d.Delimiter, "\r\n") {
		return d, "fieldDelimiter", errors.New("a line break ends the record, it cannot stand between cells")
	}
	for _, one := range []struct {
		name, text string
		to         *byte
	}{{"quote", quote, &d.Quote}, {"escape", escape, &d.Escape}} {
		b, err := Unescape(one.text)
		switch {
		case err != nil:
			return d, one.name, err
		case len(b) == 0:
		case len(b) > 1 || b[0] == '\n' || b[0] == '\r' || b[0] >= 0x80 || b[0] == 0:
			return d, one.name, fmt.Errorf("%q is not one ASCII character", one.text)
		case bytes.IndexByte(d.Delimiter, b[0]) >= 0:
			return d, one.name, fmt.Errorf("%q is part of the delimiter too", one.text)
		default:
			*one.to = b[0]
		}
	}
	if d.Quote == d.Escape {
		d.Escape = 0 // doubling by another name
	}
	if d.Quote == 0 && escape != "" {
		return d, "escape", errors.New("escapes stand within quotes, and there are none")
	}
	if null != nil {
		d.Null = append([]byte{}, *null...)
		if bytes.ContainsAny(d.Null, "\r\n") || bytes.Contains(d.Null, d.Delimiter) || d.Quote != 0 && bytes.IndexByte(d.Null, d.Quote) == 0 {
			return d, "nullFormat", fmt.Errorf("%q cannot stand in a cell as it is", *null)
		}
	}
	return d, "", nil
}

// Unescape reads \t, \\, \xHH and \uHHHH in a delimiter; a doubled backslash before x or u counts as one, as people write
// it who escape twice.
func Unescape(s string) ([]byte, error) {
	var out []byte
	for s != "" {
		if s[0] != '\\' || len(s) == 1 {
			out, s = append(out, s[0]), s[1:]
			continue
		}
		if len(s) > 2 && s[1] == '\\' && (s[2] == 'x' || s[2] == 'u') {
			s = s[1:]
		}
		digits := 0
		switch s[1] {
		case 't':
			out, s = append(out, '\t'), s[2:]
			continue
		case 'n':
			out, s = append(out, '\n'), s[2:]
			continue
		case 'r':
			out, s = append(out, '\r'), s[2:]
			continue
		case '\\':
			out, s = append(out, '\\'), s[2:]
			continue
		case 'x':
			digits = 2
		case 'u':
			digits = 4
		default:
			return nil, fmt.Errorf("%q is no escape; \\t, \\\\, \\x01 and \\u0001 are", s[:2])
		}
		if len(s) < 2+digits {
			return nil, fmt.Errorf("%q ends too early", s)
		}
		n, err := strconv.ParseUint(s[2:2+digits], 16, 32)
		if err != nil {
			return nil, fmt.Errorf("%q is not hexadecimal", s[2:2+digits])
		}
		if digits == 2 {
			out = append(out, byte(n))
		} else {
			out = append(out, string(rune(n))...)
		}
		s = s[2+digits:]
	}
	return out, nil
}

// Show is a delimiter as people would write it.
func Show(d []byte) string { return strings.Trim(strconv.Quote(string(d)), `"`) }

// EndsInLines tells that every newline ends a record, so that a file can be cut at any of them.
func (d *Dialect) EndsInLines() bool { return d.Quote == 0 }
