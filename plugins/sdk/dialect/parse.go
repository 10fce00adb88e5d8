package dialect

import "bytes"

// Cell is one value of a record.
type Cell struct {
	Text   []byte // valid until the next Parse
	Quoted bool
}

// Record is the room that Parse works in; one for all records of a file.
type Record struct {
	Cells []Cell
	plain []byte // cells that had escapes in them
}

// More is the length that Parse answers when data holds the beginning of a record only.
const More = -1

// Parse reads the record that data begins with, and returns its length with the line break. At the end of a file (last)
// a record may end without one. A reason says why the first line of data is no record; its length is then that of the
// line alone, so that one stray quote costs one line and not the rest of the file.
func (d *Dialect) Parse(data []byte, last bool, r *Record) (length int, reason string) {
	r.Cells, r.plain = r.Cells[:0], r.plain[:0]
	line := bytes.IndexByte(data, '\n')
	if line < 0 && !last {
		return More, ""
	}
	next, end := line+1, line
	if line < 0 {
		next, end = len(data), len(data)
	}
	if end > 0 && data[end-1] == '\r' {
		end--
	}
	if d.Quote == 0 || bytes.IndexByte(data[:end], d.Quote) < 0 {
		d.cut(data[:end], r)
		return next, ""
	}
	n, reason := d.quoted(data, last, r)
	if reason != "" {
		r.Cells = r.Cells[:0]
		return next, reason
	}
	return n, ""
}

// cut takes a line without quotes apart.
func (d *Dialect) cut(line []byte, r *Record) {
	if len(d.Delimiter) == 1 {
		for c := d.Delimiter[0]; ; {
			i := bytes.IndexByte(line, c)
			if i < 0 {
				break
			}
			r.Cells = append(r.Cells, Cell{Text: line[:i]})
			line = line[i+1:]
		}
	} else {
		for {
			i := bytes.Index(line, d.Delimiter)
			if i < 0 {
				break
			}
			r.Cells = append(r.Cells, Cell{Text: line[:i]})
			line = line[i+len(d.Delimiter):]
		}
	}
	r.Cells = append(r.Cells, Cell{Text: line})
}

const (
	openQuote = "a quoted value is not closed"
	pastQuote = "text stands behind the closing quote of a value"
)

// quoted reads a record in which there are quotes.
func (d *Dialect) quoted(data []byte, last bool, r *Record) (int, string) {
	for i := 0; ; {
		if i < len(data) && data[i] == d.Quote {
			text, n, reason := d.within(data[i+1:], last, r)
			if n == More || reason != "" {
				return n, reason
			}
			r.Cells = append(r.Cells, Cell{Text: text, Quoted: true})
			i += 1 + n
		} else {
			n := d.bare(data[i:])
			if i+n == len(data) && !last {
				return More, ""
			}
			text := data[i : i+n]
			if n > 0 && text[n-1] == '\r' && (i+n == len(data) || data[i+n] == '\n') {
				text = text[:n-1]
			}
			r.Cells = append(r.Cells, Cell{Text: text})
			i += n
		}
		rest := data[i:]
		switch {
		case bytes.HasPrefix(rest, d.Delimiter):
			i += len(d.Delimiter)
		case len(rest) == 0 && last:
			return i, ""
		case len(rest) == 1 && rest[0] == '\r' && last:
			return i + 1, ""
		case len(rest) > 0 && rest[0] == '\n':
			return i + 1, ""
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return i + 2, ""
		case !last && (bytes.HasPrefix(d.Delimiter, rest) || len(rest) == 1 && rest[0] == '\r'):
			return More, ""
		default:
			return 0, pastQuote
		}
	}
}

// bare is the length of a value without quotes.
func (d *Dialect) bare(data []byte) int {
	n := len(data)
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		n = i
	}
	if i := bytes.Index(data[:n], d.Delimiter); i >= 0 {
		n = i
	}
	return n
}

// within reads up to the closing quote and returns what stands before it, and the length with it.
func (d *Dialect) within(data []byte, last bool, r *Record) (text []byte, n int, reason string) {
	from := len(r.plain) // where the text is gathered once it has escapes
	copied, start := false, 0
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case d.Escape != 0 && c == d.Escape, d.Escape == 0 && c == d.Quote && i+1 < len(data) && data[i+1] == d.Quote:
			if i+1 == len(data) {
				break
			}
			r.plain = append(append(r.plain, data[start:i]...), data[i+1])
			copied, start = true, i+2
			i++
		case c == d.Quote:
			if i+1 == len(data) && !last {
				return nil, More, ""
			}
			if !copied {
				return data[:i], i + 1, ""
			}
			r.plain = append(r.plain, data[start:i]...)
			return r.plain[from:], i + 1, ""
		}
	}
	if !last {
		return nil, More, ""
	}
	return nil, 0, openQuote
}
