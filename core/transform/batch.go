package transform

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// batch is a record on its way through the steps. Rows keep their numbers until the end: a step that takes a row out marks it.
type batch struct {
	rec      arrow.RecordBatch // as it came
	cols     []arrow.Array     // as they are now
	rows     int
	left     int // rows still alive
	state    []state
	filtered int
	dirty    []*v1.Dirty
	changed  bool // a column is not what came
}

type state uint8

const (
	alive state = iota
	gone        // filtered or dirty
)

func (b *batch) begin(rec arrow.RecordBatch) {
	n := int(rec.NumRows())
	b.rec, b.rows, b.left = rec, n, n
	b.cols = append(b.cols[:0], rec.Columns()...)
	b.state = slices.Grow(b.state[:0], n)[:n]
	clear(b.state)
	b.filtered, b.dirty, b.changed = 0, nil, false
}

// filter takes a row out on purpose.
func (b *batch) filter(row int) {
	b.state[row] = gone
	b.left--
	b.filtered++
}

// refuse takes a row out as a dirty record.
func (b *batch) refuse(row int, column, reason string) {
	b.state[row] = gone
	b.left--
	b.dirty = append(b.dirty, &v1.Dirty{Row: uint32(row), Column: column, Reason: reason, Record: rows.Describe(b.rec, row)})
}

// put sets a column to new values.
func (b *batch) put(col int, a arrow.Array) {
	b.cols[col] = a
	b.changed = true
}
