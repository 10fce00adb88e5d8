package ingest

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

const maxLine = 2<<30 + 100<<20 // bytes of one CSV row

// csvReader cuts a CSV stream into rows and fields and feeds them to a sink. The
// stream may come in several bodies.
type csvReader struct {
	q      *Request
	sink   *rowSink
	fields [][]byte
	skip   int
	// special marks the bytes that may end a run of data in a quoted dialect.
	special [256]bool
	// text is where fields that had to be rewritten live until the row ends.
	text    []byte
	dropped []int  // room for quotedRow
	tail    []byte // the unfinished row at the end of the bodies so far
	taken   int64  // bytes of all bodies, decoded
}

func newCSVReader(q *Request, sink *rowSink) *csvReader {
	return &csvReader{q: q, sink: sink, skip: q.skip, fields: make([][]byte, 0, len(sink.mapping.sources)+1)}
}

// read consumes a body but for an unfinished last row. Rows are refused one by
// one; an error means that the load as a whole failed.
func (r *csvReader) read(src io.Reader) error {
	if r.q.quoted() {
		for _, c := range []byte{r.q.enclose, r.q.escape, r.q.separator[0], r.q.delimiter[0]} {
			r.special[c] = true
		}
	}
	pooled := buffers.Get().(*[]byte)
	defer buffers.Put(pooled)
	buf := *pooled
	if len(r.tail) > len(buf) {
		buf = make([]byte, 2*len(r.tail))
	}
	kept := copy(buf, r.tail) // bytes of an unfinished row at the start of buf
	for {
		if kept == len(buf) {
			if len(buf) >= maxLine {
				return wording("CSV line length exceed limit")
			}
			if err := r.q.checkMemory(int64(2 * len(buf))); err != nil {
				return err
			}
			buf = append(buf, make([]byte, len(buf))...)
		}
		n, err := src.Read(buf[kept:])
		filled := kept + n
		r.taken += int64(n)
		if err := r.q.checkMemory(min(r.taken, bufferSize)); err != nil {
			return err
		}
		used := 0
		if n > 0 {
			used = r.rows(buf[:filled], false)
		}
		kept = copy(buf, buf[used:filled])
		if err != nil {
			r.tail = append(r.tail[:0], buf[:kept]...)
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}

// finish ends the last row: no body follows.
func (r *csvReader) finish() error {
	if r.q.quoted() && !bytes.HasSuffix(r.tail, r.q.delimiter) && len(r.tail) > 0 {
		// As the server does, so that a quote left open ends like there.
		r.tail = append(r.tail, r.q.delimiter...)
	}
	r.rows(r.tail, true)
	r.tail = nil
	if r.skip > 0 {
		return tooFewLines(r.q.skip, r.q.skip-r.skip)
	}
	return nil
}

func tooFewLines(skip, lines int) error {
	return inWords("end of file: The parameter 'skip_header' is set to %d, but there are only %d rows in the csv file", skip, lines)
}

// rows handles the complete rows at the start of data, all of it when last is
// set, and returns how many bytes they took.
func (r *csvReader) rows(data []byte, last bool) int {
	if r.q.quoted() {
		return r.quotedRows(data, last)
	}
	delimiter := r.q.delimiter
	whole := data
	if !last {
		whole = data[:bytes.LastIndex(data, delimiter)+1]
	}
	clean := utf8.Valid(whole) // then no row needs a look of its own
	used := 0
	for used < len(data) {
		rest := data[used:]
		var end int
		if len(delimiter) == 1 {
			end = bytes.IndexByte(rest, delimiter[0])
		} else {
			end = bytes.Index(rest, delimiter)
		}
		if end < 0 {
			if !last {
				return used
			}
			r.plainRow(rest, clean)
			return len(data)
		}
		used += end + len(delimiter)
		r.plainRow(rest[:end], clean)
	}
	return used
}

func (r *csvReader) plainRow(row []byte, clean bool) {
	if r.skip > 0 {
		r.skip--
		return
	}
	if len(row) == 0 {
		return
	}
	fields := r.fields[:0]
	separator := r.q.separator
	for rest := row; ; {
		var end int
		if len(separator) == 1 {
			end = bytes.IndexByte(rest, separator[0])
		} else {
			end = bytes.Index(rest, separator)
		}
		if end < 0 {
			fields = append(fields, r.plainField(rest))
			break
		}
		fields = append(fields, r.plainField(rest[:end]))
		rest = rest[end+len(separator):]
	}
	r.fields = fields
	r.emit(row, clean)
}

// plainField gives the cell of a field: nil for NULL, trimmed when asked.
func (r *csvReader) plainField(f []byte) []byte {
	if r.q.trim {
		f = trimSpaces(f)
	}
	if len(f) == 2 && f[0] == '\\' && f[1] == 'N' {
		return nil
	}
	return f
}

// trimSpaces never gives nil, which would mean NULL.
func trimSpaces(f []byte) []byte {
	for len(f) > 0 && f[0] == ' ' {
		f = f[1:]
	}
	for len(f) > 0 && f[len(f)-1] == ' ' {
		f = f[:len(f)-1]
	}
	return f
}

// emit hands a row on, after the checks of a row as a whole.
func (r *csvReader) emit(row []byte, clean bool) {
	if want := len(r.sink.mapping.sources); len(r.fields) != want {
		r.sink.unread(r.q.countMismatch(want, len(r.fields)), row)
		return
	}
	if !clean && !utf8.Valid(row) {
		r.sink.unread("Invalid UTF-8 row", row)
		return
	}
	r.sink.textRow(r.fields, row)
}

func (q *Request) countMismatch(want, got int) string {
	// The paper has both wordings and names no release. Source that backports to
	// release lines before 3.4 has the newer one already.
	if !q.options.Release.AtLeast(3, 3) {
		return fmt.Sprintf("Value count does not match column count. Expect %d, but got %d", want, got)
	}
	return fmt.Sprintf("Target column count: %d doesn't match source value column count: %d. Column separator: '%s', Row delimiter: '%s'",
		want, got, show(q.separator), show(q.delimiter))
}
