package ingest

import (
	"bytes"
	"unicode/utf8"
)

// quotedRows is the reader for dialects with enclose or escape. It works row by
// row and starts a row again when the data ended inside it.
func (r *csvReader) quotedRows(data []byte, last bool) int {
	used := 0
	for used < len(data) {
		n, ok := r.quotedRow(data[used:], last)
		if !ok {
			return used
		}
		row := bytes.TrimSuffix(data[used:used+n], r.q.delimiter)
		used += n
		switch {
		case r.skip > 0:
			r.skip--
		case len(row) == 0:
		case r.sink != nil && !utf8.Valid(row):
			r.sink.filter("Invalid UTF-8 row", row)
		default:
			r.emit(row)
		}
	}
	return used
}

// fieldState is where the reader stands inside a field.
type fieldState int

const (
	bare fieldState = iota
	enclosed
)

// quotedRow cuts the first row of data into r.fields and returns its length with
// the delimiter. ok is false when more data is needed to know where it ends.
func (r *csvReader) quotedRow(data []byte, last bool) (length int, ok bool) {
	sep, del := r.q.separator, r.q.delimiter
	r.fields = r.fields[:0]
	if cap(r.text) < len(data) {
		r.text = make([]byte, 0, len(data)) // never grown below: fields point into it
	}
	text := r.text[:0]
	start := 0
	state := bare
	atStart := true
	quoted := false
	// A delimiter may straddle the end of the data; without all its bytes the
	// bytes at hand cannot be judged.
	reach := max(len(sep), len(del)) + 1
	closeField := func() {
		f := text[start:len(text):len(text)]
		if r.q.trim && !quoted {
			f = trimSpaces(f)
		}
		if len(f) == 2 && f[0] == '\\' && f[1] == 'N' {
			f = nil
		}
		r.fields = append(r.fields, f)
		start, state, atStart, quoted = len(text), bare, true, false
	}
	for i := 0; i < len(data); {
		if !last && len(data)-i < reach+1 {
			return 0, false
		}
		c := data[i]
		switch {
		case r.q.escape != 0 && c == r.q.escape && i+1 < len(data) && !(c == r.q.enclose && state == enclosed):
			n := r.escapedLength(data[i+1:])
			text = append(text, data[i+1:i+1+n]...)
			i += 1 + n
			atStart = false
		case state == enclosed && c == r.q.enclose:
			if i+1 < len(data) && data[i+1] == r.q.enclose {
				text = append(text, c)
				i += 2
				continue
			}
			state = bare
			i++
		case state == enclosed:
			n := r.plainRun(data[i:])
			text = append(text, data[i:i+n]...)
			i += n
		case r.q.enclose != 0 && atStart && c == r.q.enclose:
			state, atStart, quoted = enclosed, false, true
			text = text[:start]
			i++
		case bytes.HasPrefix(data[i:], del):
			closeField()
			return i + len(del), true
		case bytes.HasPrefix(data[i:], sep):
			closeField()
			i += len(sep)
		default:
			if r.q.trim && c == ' ' && atStart {
				text = append(text, c)
				i++
				continue
			}
			atStart = false
			n := r.plainRun(data[i:])
			text = append(text, data[i:i+n]...)
			i += n
		}
	}
	if !last {
		return 0, false
	}
	closeField()
	return len(data), true
}

// escapedLength tells how many bytes after an escape are taken as they are: a
// whole separator or delimiter, otherwise one byte.
func (r *csvReader) escapedLength(next []byte) int {
	switch {
	case bytes.HasPrefix(next, r.q.delimiter):
		return len(r.q.delimiter)
	case bytes.HasPrefix(next, r.q.separator):
		return len(r.q.separator)
	}
	return 1
}

// plainRun tells how many bytes, at least one, are certain to be data: none
// after the first begins a delimiter, an enclose or an escape.
func (r *csvReader) plainRun(data []byte) int {
	n := 1
	for n < len(data) && !r.special[data[n]] {
		n++
	}
	return n
}
