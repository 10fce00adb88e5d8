package store

import (
	"fmt"

	"github.com/gx-etl/gx/test/sandbox/jsonscan"
)

// Op says what a row of a Primary Key batch does.
type Op uint8

// The operations, numbered as __op numbers them.
const (
	Upsert Op = iota
	Delete
)

// Batch gathers rows for one commit. Two ways fill it: Add with canonical
// values, or cell by cell (Text, Token, Null) closed by EndRow. It is for one
// goroutine.
type Batch struct {
	table   *Table
	layout  *layout
	columns []int // schema position of each batch column
	at      []int // batch column of each schema position, -1 when absent
	vectors []vector
	fill    []vector // one value of each column the batch lacks
	ops     []Op     // nil while all rows are upserts
	rows    int
	scratch []byte

	routing *routing     // nil without PARTITION BY
	only    []*partition // that may be written; nil for all of a table with routing

	partial    bool
	onlyStored bool // rows of keys not stored are left out
	negative   bool
	merge      int  // batch column of the merge condition, -1 without one
	opened     bool // its tablets are open for writing
	promised   bool // the commit may not fail any more
	wideKey    bool // the key can be longer than the server takes
	missing    *RowError
	failed     error // of the whole batch
}

// NewBatch returns an empty batch whose rows hold the given columns (positions
// in the schema; nil means all that are not generated). Columns left out get their default, or NULL; the
// default CURRENT_TIMESTAMP is the time of this call.
func (t *Table) NewBatch(columns []int) *Batch {
	t.advance()
	return t.newBatch(t.layout.Load(), columns)
}

// NewBatchFor is NewBatch for positions in a schema that Table.Schema or
// Snapshot.Schema of this table gave, even if the table has another by now.
func (t *Table) NewBatchFor(s Schema, columns []int) *Batch {
	if s.origin == nil {
		return t.NewBatch(columns)
	}
	return t.newBatch(s.origin, columns)
}

func (t *Table) newBatch(l *layout, columns []int) *Batch {
	b := &Batch{table: t, merge: -1}
	if columns == nil {
		for i := range l.schema.Ordinary() {
			columns = append(columns, i)
		}
	}
	b.place(l, columns)
	for _, c := range columns {
		b.vectors = append(b.vectors, vector{kind: l.cells[c].storage})
	}
	b.fill = t.filler(l, b.at)
	for i := range l.schema.Columns {
		if c := &l.schema.Columns[i]; b.at[i] < 0 && !c.Nullable && c.Default == nil && !c.AutoIncrement {
			b.missing = &RowError{Column: c.Name, Reason: "Column has no default value. column: " + c.Name}
			break
		}
	}
	b.wideKey = l.schema.Model == Primary && l.longestKey() > maxKeyBytes
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.router == nil {
		b.only = t.standing()
	} else {
		b.routing = b.newRouting(t.router, l.schema.Partitioning != nil && l.schema.Partitioning.Automatic)
	}
	return b
}

// place sets the layout of the batch and where its columns are in it.
func (b *Batch) place(l *layout, columns []int) {
	b.layout, b.columns, b.at = l, columns, make([]int, len(l.cells))
	for i := range b.at {
		b.at[i] = -1
	}
	for i, c := range columns {
		if b.at[c] >= 0 {
			panic(fmt.Sprintf("store: column %d twice in a batch of %s.%s", c, b.table.DB(), b.table.Name()))
		}
		b.at[c] = i
	}
}

// Schema returns the schema the batch was made for, read only.
func (b *Batch) Schema() Schema { return b.layout.schema }

// SetPartialUpdate makes the commit keep the stored values of the columns the
// batch does not hold. Keys not stored yet get defaults, or the type's zero
// value. Only for the Primary model.
func (b *Batch) SetPartialUpdate() {
	b.partial = true
	b.missing = nil
}

// SetPartialUpdateColumns is SetPartialUpdate in column mode. Servers before 3.3
// do not add rows for keys not stored yet; in which release that came is not
// known for sure.
func (b *Batch) SetPartialUpdateColumns() {
	b.SetPartialUpdate()
	b.onlyStored = !b.table.store.release.AtLeast(3, 3)
}

// SetNegative makes the commit subtract the values of SUM columns, which takes an
// earlier load back. The error says which column cannot be taken back.
func (b *Batch) SetNegative() error {
	if b.layout.schema.Model == Primary {
		return wording("Primary key table does not support negative load")
	}
	for i, c := range b.layout.schema.Columns {
		if !c.Key && c.Agg != "SUM" && b.at[i] >= 0 {
			return inWords("Column is not SUM AggreateType. column:%s", c.Name)
		}
	}
	b.negative = true
	return nil
}

// negate turns the signs of the SUM columns. The smallest integer stays itself.
func (b *Batch) negate() {
	for i := range b.vectors {
		v := &b.vectors[i]
		if b.layout.schema.Columns[b.columns[i]].Agg != "SUM" {
			continue
		}
		for r := range v.ints {
			v.ints[r] = -v.ints[r]
		}
		for r := range v.floats {
			v.floats[r] = -v.floats[r]
		}
		for r := range v.wides {
			v.wides[r] = v.wides[r].neg()
		}
	}
}

// SetMergeCondition makes a row replace a stored one only if its value of the
// column (position in the schema) is not smaller. Only for the Primary model.
func (b *Batch) SetMergeCondition(column int) { b.merge = b.at[column] }

// Len returns the number of rows.
func (b *Batch) Len() int { return b.rows }

// mostReserved bounds Reserve, in bytes: it goes by what a client says of its body.
const mostReserved = 64 << 20

// Reserve makes room for so many rows in all, of the size of those there are. It is a
// hint: of a very large batch it makes room for a part.
func (b *Batch) Reserve(rows int) {
	size := 0
	for i := range b.vectors {
		size += b.vectors[i].size()
	}
	if b.rows == 0 || size == 0 {
		return
	}
	if rows = min(rows, mostReserved/(size/b.rows+1)); rows <= b.rows {
		return
	}
	for i := range b.vectors {
		b.vectors[i].reserve(rows)
	}
}

// Reset empties the batch and keeps its memory. Not after Commit, which may
// have taken the memory over.
func (b *Batch) Reset() {
	for i := range b.vectors {
		b.vectors[i].cut(0)
	}
	b.ops, b.rows = nil, 0
	if b.routing != nil {
		b.routing.of = b.routing.of[:0]
	}
}

// Add appends a row of canonical values in the order of the batch's columns.
// The error is a *RowError, and the batch is then unchanged. For a Delete only
// the key columns are checked.
func (b *Batch) Add(values []any, op Op) error {
	if len(values) != len(b.columns) {
		return &RowError{Reason: fmt.Sprintf("the row has %d values for %d columns", len(values), len(b.columns))}
	}
	for i, val := range values {
		c := &b.layout.schema.Columns[b.columns[i]]
		if val == nil && !c.Nullable && !c.AutoIncrement && (op == Upsert || c.Key) {
			b.CancelRow()
			return nullError(c)
		}
		if err := b.vectors[i].addValue(c, &b.layout.cells[b.columns[i]], val); err != nil {
			b.CancelRow()
			return err
		}
	}
	if op == Delete {
		return b.keep(op)
	}
	return b.close(op)
}

// Text appends the cell of batch column col that CSV text stands for. A value
// that does not convert is NULL, or an error in strict mode. The errors of the
// cell methods are *RowError; the caller then ends the row with CancelRow.
func (b *Batch) Text(col int, text []byte, strict bool) error {
	sc := b.columns[col]
	switch b.layout.cells[sc].readText(&b.vectors[col], text) {
	case cellOK:
		return nil
	case cellTooLarge:
		return tooLargeError(&b.layout.schema.Columns[sc], text, len(text))
	}
	c := &b.layout.schema.Columns[sc]
	if strict {
		return &RowError{Column: c.Name, Reason: fmt.Sprintf(
			"The field (name = %s, pos = %d) is out of range. Type: %s, Value length: %d, Value: %s",
			c.Name, col, c.Type, len(text), text)}
	}
	return b.Null(col)
}

// Token appends the cell of batch column col that a checked JSON token stands for.
// A second cell for a column the row holds already is ignored.
func (b *Batch) Token(col int, token []byte, strict bool) error {
	if b.vectors[col].n > b.rows {
		return nil
	}
	if len(token) == 4 && token[0] == 'n' {
		return b.Null(col)
	}
	sc := b.columns[col]
	c := &b.layout.schema.Columns[sc]
	switch b.layout.cells[sc].readToken(&b.vectors[col], token, &b.scratch) {
	case cellOK:
		return nil
	case cellTooLarge:
		text := token
		if token[0] == '"' {
			text = jsonscan.Unquote(nil, token)
		}
		return tooLargeError(c, text, len(text))
	}
	if strict {
		return &RowError{Column: c.Name, Reason: fmt.Sprintf("Value is overflow. column=%s, value=%s", c.Name, token)}
	}
	return b.Null(col)
}

// Null appends NULL; it is an error for a column that forbids it.
func (b *Batch) Null(col int) error {
	c := &b.layout.schema.Columns[b.columns[col]]
	if !c.Nullable && !c.AutoIncrement {
		return nullError(c)
	}
	b.vectors[col].addNull()
	return nil
}

// EndRow closes a row filled cell by cell. Columns without a cell are NULL.
func (b *Batch) EndRow(op Op) error {
	for i := range b.vectors {
		if b.vectors[i].n == b.rows {
			if err := b.Null(i); err != nil {
				b.CancelRow()
				return err
			}
		}
	}
	return b.close(op)
}

// CancelRow drops the cells appended since the last row ended.
func (b *Batch) CancelRow() {
	for i := range b.vectors {
		b.vectors[i].cut(b.rows)
	}
}

// AddText appends a row of CSV cells in the order of the batch's columns; a nil
// cell is NULL. The error is a *RowError, and the batch is then unchanged.
func (b *Batch) AddText(cells [][]byte, strict bool, op Op) error {
	for i, cell := range cells {
		var err error
		if cell == nil {
			err = b.Null(i)
		} else {
			err = b.Text(i, cell, strict)
		}
		if err != nil {
			b.CancelRow()
			return err
		}
	}
	return b.close(op)
}

func (b *Batch) close(op Op) error {
	if b.missing != nil {
		b.CancelRow()
		return b.missing
	}
	return b.keep(op)
}

// keep ends a row whose cells are all there, once its partition is found.
func (b *Batch) keep(op Op) error {
	if b.routing != nil {
		if err := b.route(); err != nil {
			b.CancelRow()
			return err
		}
	}
	if b.wideKey && b.failed == nil && b.layout.keyBytes(b.vectors, b.at, b.rows) > maxKeyBytes {
		// The server finds this when it has taken the row: the whole load fails.
		b.failed = wording("primary key size exceed the limit.")
	}
	b.rows++
	if op != Upsert && b.ops == nil {
		b.ops = make([]Op, b.rows-1, max(b.rows, 64))
	}
	if b.ops != nil {
		b.ops = append(b.ops, op)
	}
	return nil
}

func (b *Batch) op(i int) Op {
	if b.ops == nil {
		return Upsert
	}
	return b.ops[i]
}
