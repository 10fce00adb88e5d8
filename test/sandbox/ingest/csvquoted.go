package ingest

import "bytes"

// quotedRows is the reader for dialects with enclose or escape, a state machine
// over bytes like the server's, with its peculiarities. It works row by row and
// starts a row again when the data ended inside it.
func (r *csvReader) quotedRows(data []byte, last bool) int {
	used := 0
	for used < len(data) {
		if r.skip > 0 { // header lines are cut without looking at quotes
			end := bytes.Index(data[used:], r.q.delimiter)
			if end < 0 {
				break
			}
			used += end + len(r.q.delimiter)
			r.skip--
			continue
		}
		n, ok := r.quotedRow(data[used:], last)
		if !ok {
			break
		}
		if len(r.fields) > 0 {
			r.emit(bytes.TrimSuffix(data[used:used+n], r.q.delimiter), false)
		}
		used += n
	}
	return used
}

// fieldState is where the reader stands inside a field.
type fieldState int

const (
	atStart fieldState = iota
	ordinary
	enclosed
	escaped
	doubled // behind an enclose that is dropped: the next byte is data
)

// quotedField is the field under way.
type quotedField struct {
	state, back fieldState // back is where escaped and doubled return to
	start       int
	enclosed    bool // its last byte is the closing enclose
	blank       int  // first blank behind the closing enclose, -1 without one
	dropped     []int
}

// quotedRow cuts the first row of data into r.fields, none for a blank line, and
// returns its length with the delimiter. ok is false when more data is needed to
// know where it ends.
//
// The server drops an enclose in the middle of a field and takes the byte behind it
// as data, be it a delimiter. An escape before a byte that needs none ends the
// enclosed part of a field, and what stands between the closing enclose and the
// delimiter, a carriage return say, loses its last byte in place of the enclose
// (StarRocks/starrocks#43613, #51725; mended in main lines after 4.0).
func (r *csvReader) quotedRow(data []byte, last bool) (length int, ok bool) {
	q := r.q
	r.fields, r.text = r.fields[:0], r.text[:0]
	f := quotedField{blank: -1, dropped: r.dropped[:0]}
	defer func() { r.dropped = f.dropped[:0] }()
	// A delimiter may straddle the end of the data; without all its bytes, and
	// the byte behind an enclose, the bytes at hand cannot be judged.
	need := max(len(q.separator), len(q.delimiter)) + 1
	i := 0
	for i < len(data) {
		if !last && len(data)-i <= need {
			return 0, false
		}
		c := data[i]
		switch f.state {
		case atStart:
			if q.trim && c == ' ' {
				i++
				continue
			}
			f.start = i
			if n := r.delimiterAt(data[i:]); n > 0 {
				i += n
				if r.close(data, &f, i, n) {
					return i, true
				}
				continue
			}
			switch c {
			case q.escape:
				f.drop(i, ordinary, escaped)
			case q.enclose:
				i = r.openEnclose(data, i, &f)
				continue
			default:
				f.state = ordinary
			}
			i++
		case enclosed:
			switch c {
			case q.enclose:
				if i+1 < len(data) && data[i+1] == q.enclose {
					f.drop(i, enclosed, doubled)
				} else {
					f.back, f.state = enclosed, ordinary
				}
				i++
			case q.escape:
				f.drop(i, enclosed, escaped)
				i++
			default:
				i += r.plainRun(data[i:])
			}
		case doubled:
			f.state = f.back
			i++
		case escaped:
			if c == q.enclose || c == q.escape {
				f.state = f.back
				i++
				continue
			}
			if n := r.delimiterAt(data[i:]); n > 0 {
				f.state = f.back
				i += n
				continue
			}
			f.state = ordinary
		case ordinary:
			if q.trim && f.back == enclosed && c == ' ' && f.blank < 0 {
				f.blank = i
			}
			f.back = ordinary
			if n := r.delimiterAt(data[i:]); n > 0 {
				i += n
				if r.close(data, &f, i, n) {
					return i, true
				}
				continue
			}
			switch c {
			case q.escape:
				f.drop(i, ordinary, escaped)
				i++
			case q.enclose:
				f.drop(i, ordinary, doubled)
				i++
			default:
				i += r.plainRun(data[i:])
			}
		}
	}
	if !last {
		return 0, false
	}
	if f.state != atStart || len(r.fields) > 0 {
		r.add(data, &f, len(data))
	}
	return len(data), true
}

// drop leaves the byte at i out of the field.
func (f *quotedField) drop(i int, back, next fieldState) {
	f.dropped = append(f.dropped, i)
	f.back, f.state = back, next
}

// openEnclose handles an enclose at the start of a field. Until 3.1.7 two of them
// were an empty field before a delimiter, and otherwise one literal enclose of a
// field that is not enclosed (StarRocks/starrocks#38277, fixed by #37381).
func (r *csvReader) openEnclose(data []byte, i int, f *quotedField) int {
	i++
	f.start = i
	if i == len(data) || data[i] != r.q.enclose || r.q.options.Release.AtLeastPatch(3, 1, 7) {
		f.state, f.enclosed = enclosed, true
		return i
	}
	i++
	if i == len(data) || r.delimiterAt(data[i:]) > 0 {
		f.enclosed = true
	}
	f.state = ordinary
	return i
}

// delimiterAt returns the length of the row delimiter or separator that data
// begins with, or 0.
func (r *csvReader) delimiterAt(data []byte) int {
	q := r.q
	switch {
	case data[0] == q.delimiter[0] && bytes.HasPrefix(data, q.delimiter):
		return len(q.delimiter)
	case data[0] == q.separator[0] && bytes.HasPrefix(data, q.separator):
		return len(q.separator)
	}
	return 0
}

// close ends a field at the delimiter of n bytes that ends at end, and tells
// whether the row ended with it.
func (r *csvReader) close(data []byte, f *quotedField, end, n int) bool {
	row := bytes.HasPrefix(data[end-n:], r.q.delimiter)
	if !row || len(r.fields) > 0 || f.start < end-n || f.enclosed {
		r.add(data, f, end-n)
	}
	*f = quotedField{blank: -1, start: end, dropped: f.dropped[:0]}
	return row
}

// add takes the field that ends at end, without delimiter.
func (r *csvReader) add(data []byte, f *quotedField, end int) {
	if f.blank >= 0 {
		end = f.blank
	}
	field := data[f.start:end]
	if len(f.dropped) > 0 {
		from, begin := f.start, len(r.text)
		if cap(r.text)-begin < len(field) {
			r.text, begin = make([]byte, 0, max(len(data), 2*cap(r.text))), 0 // fields before keep the old memory
		}
		for _, d := range f.dropped {
			if d < end {
				r.text = append(r.text, data[from:d]...)
				from = d + 1
			}
		}
		r.text = append(r.text, data[from:end]...)
		field = r.text[begin:len(r.text):len(r.text)]
	}
	if f.enclosed && len(field) > 0 {
		field = field[:len(field)-1] // whatever it is, the server takes it for the closing enclose
	}
	if len(field) == 2 && field[0] == '\\' && field[1] == 'N' {
		field = nil
	} else if field == nil {
		field = []byte{}
	}
	r.fields = append(r.fields, field)
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
