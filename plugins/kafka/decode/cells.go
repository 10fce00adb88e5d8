package decode

import (
	"context"
	"unicode/utf8"

	"github.com/gx-etl/gx/plugins/sdk/dialect"
)

// Cells says how values hold one record of cells with a delimiter between them.
type Cells struct {
	Dialect dialect.Dialect
	// Index says which cell of a record, from 0, each cell of a row is. Nil: all cells, in order, and a record must have
	// as many as Width.
	Index []int
	Width int
}

// cellsDecoder reads such values. A cell is plain text; a bare one with the dialect's text for NULL is NULL.
type cellsDecoder struct {
	Cells
	record dialect.Record
	cells  [][]byte
	fresh  bool
}

// NewCells makes a Decoder of records with delimiters.
func NewCells(how Cells) Decoder {
	if how.Index != nil {
		how.Width = len(how.Index)
	}
	return &cellsDecoder{Cells: how, cells: make([][]byte, how.Width)}
}

func (d *cellsDecoder) Open(_ context.Context, value []byte) error {
	d.fresh = false
	if !utf8.Valid(value) {
		return Refusef("the value is not valid UTF-8")
	}
	n, reason := d.Dialect.Parse(value, true, &d.record)
	if reason != "" {
		return Refusef("%s", reason)
	}
	if n < len(value) {
		return Refusef("the value holds more than one record: %d bytes stand behind the first", len(value)-n)
	}
	if d.Index == nil && len(d.record.Cells) != d.Width {
		return Refusef("%d cells where %d are wanted", len(d.record.Cells), d.Width)
	}
	for i := range d.cells {
		at := i
		if d.Index != nil {
			if at = d.Index[i]; at >= len(d.record.Cells) {
				return Refusef("there is no cell %d: the record has %d", at, len(d.record.Cells))
			}
		}
		c := d.record.Cells[at]
		switch {
		case !c.Quoted && d.Dialect.Null != nil && string(c.Text) == string(d.Dialect.Null):
			d.cells[i] = nil
		case c.Text == nil:
			d.cells[i] = []byte{}
		default:
			d.cells[i] = c.Text
		}
	}
	d.fresh = true
	return nil
}

func (d *cellsDecoder) Next(row *Row) bool {
	if !d.fresh {
		return false
	}
	d.fresh, row.Document, row.Cells = false, nil, d.cells
	return true
}
