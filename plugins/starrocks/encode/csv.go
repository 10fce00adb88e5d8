package encode

import (
	"bytes"
	"unicode/utf8"
)

const (
	holdsDelimiter = `the text holds the column_separator or row_delimiter; choose others in loadProps, such as \x01 and \x02, set enclose, or use format json`
	looksNull      = `the text is \N, which CSV reads as NULL; use format json in loadProps`
	looksBlank     = "a row that is one empty text is a blank line, which CSV skips; use format json in loadProps, or set enclose"
)

func (e *Encoder) appendCSV(dst []byte, row int) ([]byte, bool) {
	d := e.csv
	start := len(dst)
	e.marks = e.marks[:0]
	for i := range e.columns {
		c := &e.columns[i]
		if i > 0 {
			dst = append(dst, d.column...)
		}
		mark := len(dst)
		e.marks = append(e.marks, mark)
		if c.null(row) {
			dst = append(dst, null...)
			continue
		}
		reason := ""
		switch c.kind {
		case kindText:
			dst, reason = d.appendBytes(dst, c, c.bytes(row))
		case kindJSON:
			token := c.bytes(row)
			if s, ok := plainText(token); ok && c.dating != nil {
				dst, reason = d.appendBytes(dst, c, s)
			} else if token = trim(token); c.whole && len(token) > 0 && token[0] == '"' {
				dst, reason = d.appendText(dst, token)
			} else {
				dst, reason = d.appendToken(dst, token)
			}
		case kindList, kindMap, kindStruct:
			var plain []byte
			if plain, reason = c.appendJSONValue(dst, row); reason == "" {
				dst, reason = d.rewrite(plain, mark)
			}
		case kindBool:
			dst = appendBool(dst, c.bit(row), "1", "0")
		default:
			quote := d.numbers && d.encloses
			if quote {
				dst = append(dst, d.enclose)
			}
			dst, _, reason = c.appendPlain(dst, row)
			if quote {
				dst = append(dst, d.enclose)
			} else if d.numbers && d.single && reason == "" && d.held(dst[mark:]) {
				reason = holdsDelimiter
			}
		}
		if reason != "" {
			return dst[:start], e.refuse(c, reason)
		}
	}
	if len(dst) == start {
		return dst, e.refuse(&e.columns[0], looksBlank)
	}
	end := len(dst)
	dst = append(dst, d.row...)
	if !d.single && !d.encloses {
		if i := e.torn(dst, start, end); i >= 0 {
			return dst[:start], e.refuse(&e.columns[i], holdsDelimiter)
		}
	}
	return dst, true
}

// appendBytes writes the value of a text column after its treatment.
func (d *Dialect) appendBytes(dst []byte, c *column, s []byte) ([]byte, string) {
	if c.dating != nil {
		text, isNull, reason := c.dating.apply(s)
		switch {
		case reason != "":
			return dst, reason
		case isNull:
			return append(dst, null...), ""
		}
		s = text
	}
	if c.hex {
		return d.rewrite(appendHex(dst, s), len(dst))
	}
	return d.appendText(dst, s)
}

// rewrite brings the text behind mark into its final form, which is never shorter.
func (d *Dialect) rewrite(plain []byte, mark int) ([]byte, string) {
	text := plain[mark:]
	if !d.encloses {
		if len(text) == 2 && string(text) == null {
			return plain[:mark], looksNull
		}
		if !utf8.Valid(text) {
			return plain[:mark], notUTF8
		}
		if d.single && d.held(text) {
			return plain[:mark], holdsDelimiter
		}
		return plain, ""
	}
	end := len(plain)
	out, reason := d.appendText(plain, text)
	if reason != "" {
		return plain[:mark], reason
	}
	n := copy(out[mark:], out[end:])
	return out[:mark+n], ""
}

// appendText writes a text value, or answers why it cannot be written.
func (d *Dialect) appendText(dst, s []byte) ([]byte, string) {
	switch {
	case len(s) == 2 && string(s) == null:
		return dst, looksNull
	case !utf8.Valid(s):
		return dst, notUTF8
	case d.encloses:
		return d.appendEnclosed(dst, s), ""
	case d.single && d.held(s):
		return dst, holdsDelimiter
	}
	return append(dst, s...), ""
}

// held tells whether s holds a delimiter. Only for single ones.
func (d *Dialect) held(s []byte) bool {
	const short = 24
	if len(s) > short {
		return bytes.IndexByte(s, d.column[0]) >= 0 || bytes.IndexByte(s, d.row[0]) >= 0
	}
	for _, b := range s {
		if d.special[b] {
			return true
		}
	}
	return false
}

// appendEnclosed quotes s: an enclosing character inside is doubled, an escaping one is escaped.
func (d *Dialect) appendEnclosed(dst, s []byte) []byte {
	dst = append(dst, d.enclose)
	from := 0
	for i, b := range s {
		if b == d.enclose || (d.escapes && b == d.escape) {
			dst = append(append(dst, s[from:i]...), b)
			from = i
		}
	}
	return append(append(dst, s[from:]...), d.enclose)
}

// appendToken writes a JSON value: the text of a string, NULL for null, anything else as it stands.
func (d *Dialect) appendToken(dst, token []byte) ([]byte, string) {
	token = trim(token)
	switch {
	case len(token) == 0:
		return dst, "the JSON value is empty"
	case string(token) == "null":
		return append(dst, null...), ""
	case token[0] != '"':
		return d.appendText(dst, token)
	}
	if bytes.IndexByte(token, '\\') < 0 && len(token) >= 2 && token[len(token)-1] == '"' {
		return d.appendText(dst, token[1:len(token)-1])
	}
	plain, reason := appendUnquoted(dst, token)
	if reason != "" {
		return dst, reason
	}
	return d.rewrite(plain, len(dst))
}

// torn finds the field whose bytes, together with what follows, would be cut elsewhere than where they end; -1: none.
// Delimiters of several bytes can arise across the border of a value: a| before || is cut one byte too early.
func (e *Encoder) torn(dst []byte, start, end int) int {
	d := e.csv
	line := dst[start:]
	if at := bytes.Index(line, d.row); at < end-start {
		return e.fieldAt(start + at)
	}
	at := start
	for i := range e.columns {
		next := bytes.Index(dst[at:end], d.column)
		last := i == len(e.columns)-1
		switch {
		case last && next >= 0:
			return i
		case last:
			return -1
		case at+next+len(d.column) != e.marks[i+1]:
			return i
		}
		at = e.marks[i+1]
	}
	return -1
}

func (e *Encoder) fieldAt(at int) int {
	for i := len(e.marks) - 1; i > 0; i-- {
		if e.marks[i] <= at {
			return i
		}
	}
	return 0
}
