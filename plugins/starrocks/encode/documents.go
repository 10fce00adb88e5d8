package encode

import (
	"fmt"
	"sort"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Documents are the rows of a batch of whole JSON documents. They stay in the batch's memory; what a load needs of them
// is counted from their offsets.
type Documents struct {
	col   column
	clean bool // all documents are valid UTF-8
	name  []byte
}

// NewDocuments takes the document column of a batch.
func NewDocuments(a arrow.Array) (*Documents, error) {
	if _, ok := a.(*array.Binary); !ok {
		return nil, fmt.Errorf("documents are in a column of type %s, want binary", a.DataType())
	}
	d := &Documents{col: column{name: "document"}}
	if err := d.col.bind(a); err != nil {
		return nil, err
	}
	if n := a.Len(); n > 0 {
		d.clean = utf8.Valid(d.col.data[d.col.offsets[0]:d.col.offsets[n]])
	}
	return d, nil
}

// Bad tells why a row must not be joined to others: one such document would fail the whole load. The syntax inside
// the braces is for the reader to vouch for. Empty: the row is good.
func (d *Documents) Bad(row int) string {
	if d.col.null(row) {
		return "the document is missing"
	}
	doc := trim(d.col.bytes(row))
	switch {
	case len(doc) == 0:
		return "the document is empty"
	case len(doc) < 2 || doc[0] != '{' || doc[len(doc)-1] != '}':
		return "the document is not a JSON object"
	case !d.clean && !utf8.Valid(doc):
		return "the document is not valid UTF-8"
	}
	return ""
}

// Bytes is one document.
func (d *Documents) Bytes(row int) []byte { return d.col.bytes(row) }

// Size is the number of bytes of rows first to past-1 with a comma after each.
func (d *Documents) Size(first, past int) int64 {
	return int64(d.col.offsets[past]) - int64(d.col.offsets[first]) + int64(past-first)
}

// Fit is the greatest past ≤ limit such that rows first to past-1 take at most room bytes.
func (d *Documents) Fit(first, limit int, room int64) (past int) {
	return first + sort.Search(limit-first, func(i int) bool { return d.Size(first, first+i+1) > room })
}

// trim cuts the white space that JSON allows around a document.
func trim(b []byte) []byte {
	for len(b) > 0 && blank(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && blank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func blank(b byte) bool { return b == ' ' || b == '\n' || b == '\r' || b == '\t' }
