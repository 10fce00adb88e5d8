package dialect

import (
	"bytes"
	"fmt"
)

// AppendNull adds a NULL; false: the dialect has none.
func (d *Dialect) AppendNull(dst []byte) ([]byte, bool) {
	return append(dst, d.Null...), d.Null != nil
}

// mark is the byte order mark, which at the begin of a file is no part of the first cell.
var mark = []byte("\ufeff")

// AppendText adds a value. alone tells that it is the only one of its row. A reason says that the value has no form that
// reads back as itself.
func (d *Dialect) AppendText(dst, v []byte, alone bool) (out []byte, reason string) {
	null := d.Null != nil && bytes.Equal(v, d.Null)
	if d.Quote == 0 {
		switch {
		case null:
			return dst, fmt.Sprintf("the text %q would read as NULL", v)
		case bytes.Contains(v, d.Delimiter), overlaps(v, d.Delimiter):
			return dst, fmt.Sprintf("the text holds the delimiter %s, and this format has no quotes", Show(d.Delimiter))
		case bytes.ContainsAny(v, "\r\n"):
			return dst, "the text holds a line break, and this format has no quotes"
		case bytes.HasPrefix(v, mark):
			return dst, "the text begins with a byte order mark, and this format has no quotes"
		}
		return append(dst, v...), ""
	}
	if !null && !(alone && len(v) == 0) && bytes.IndexByte(v, d.Quote) < 0 && !bytes.Contains(v, d.Delimiter) &&
		!overlaps(v, d.Delimiter) && !bytes.ContainsAny(v, "\r\n") && !bytes.HasPrefix(v, mark) {
		return append(dst, v...), ""
	}
	dst = append(dst, d.Quote)
	for _, c := range v {
		switch {
		case d.Escape != 0 && (c == d.Escape || c == d.Quote):
			dst = append(dst, d.Escape)
		case c == d.Quote:
			dst = append(dst, d.Quote)
		}
		dst = append(dst, c)
	}
	return append(dst, d.Quote), ""
}

// overlaps tells that the end of v and the beginning of a delimiter after it could be read as a delimiter that comes too
// early, as in "a|" before "||".
func overlaps(v, delimiter []byte) bool {
	for n := 1; n < len(delimiter); n++ {
		if bytes.HasSuffix(v, delimiter[:n]) {
			return true
		}
	}
	return false
}
