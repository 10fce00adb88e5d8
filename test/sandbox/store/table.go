package store

import (
	"fmt"
	"sync"
)

const (
	chunkBits = 16
	chunkRows = 1 << chunkBits
	rowMask   = chunkRows - 1
)

// chunk holds up to chunkRows rows of a table, all columns of them.
type chunk struct {
	rows    int
	columns []vector
	// deleted has a bit for every row that was replaced or removed; nil
	// while there is none. shared means a snapshot reads the same bitmap, so
	// it is copied before the next change.
	deleted []uint64
	shared  bool
}

func (c *chunk) isDeleted(i int) bool {
	return c.deleted != nil && c.deleted[i>>6]&(1<<(i&63)) != 0
}

func (c *chunk) remove(i int) {
	if c.deleted == nil {
		c.deleted = make([]uint64, chunkRows/64)
	} else if c.shared {
		c.deleted = append([]uint64(nil), c.deleted...)
	}
	c.shared = false
	c.deleted[i>>6] |= 1 << (i & 63)
}

// Table is one table. It is safe for concurrent use.
type Table struct {
	store  *Store
	id     int64
	db     string
	name   string
	schema Schema
	cells  []cellType
	keys   []int // positions of the key columns

	mu       sync.Mutex // guards the following
	chunks   []*chunk
	live     int64
	dead     int64
	version  int64
	autoNext int64
	index    keyIndex
	dropped  bool
}

func newTable(s *Store, db, name string, schema Schema) *Table {
	t := &Table{store: s, id: s.nextID.Add(1), db: db, name: name, schema: schema, version: 1, autoNext: 1}
	for i := range schema.Columns {
		t.cells = append(t.cells, newCellType(schema.Columns[i].Type))
	}
	for _, k := range schema.Keys {
		t.keys = append(t.keys, schema.Index(k))
	}
	return t
}

// DB returns the name of the table's database.
func (t *Table) DB() string { return t.db }

// Name returns the table's name.
func (t *Table) Name() string { return t.name }

// ID returns a number no other table or database object of the store has.
func (t *Table) ID() int64 { return t.id }

// Schema returns the table's schema. Its slices belong to the table: read only.
func (t *Table) Schema() Schema { return t.schema }

// Version counts commits, starting at 1 for the empty table.
func (t *Table) Version() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.version
}

// NumRows returns the number of visible rows.
func (t *Table) NumRows() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.live
}

// Truncate removes all rows.
func (t *Table) Truncate() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.chunks, t.live, t.dead = nil, 0, 0
	t.index = keyIndex{}
	t.version++
}

func (t *Table) drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dropped = true
	t.chunks, t.live, t.dead = nil, 0, 0
	t.index = keyIndex{}
}

// keyed says whether rows with equal keys meet in this model.
func (t *Table) keyed() bool { return t.schema.Model != Duplicate }

// tail returns a chunk with room for at least one row.
func (t *Table) tail() *chunk {
	if n := len(t.chunks); n > 0 && t.chunks[n-1].rows < chunkRows {
		return t.chunks[n-1]
	}
	c := &chunk{columns: make([]vector, len(t.cells))}
	for i := range c.columns {
		c.columns[i].kind = t.cells[i].storage
	}
	t.chunks = append(t.chunks, c)
	return c
}

// Snapshot is an immutable view of a table at one moment.
type Snapshot struct {
	table  *Table
	chunks []chunk
	rows   int64
}

// Snapshot returns the rows visible now. Later commits do not change it.
func (t *Table) Snapshot() *Snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &Snapshot{table: t, chunks: make([]chunk, len(t.chunks)), rows: t.live}
	for i, c := range t.chunks {
		c.shared = true
		s.chunks[i] = *c
	}
	if n := len(s.chunks); n > 0 {
		// Only the tail still grows: its headers change with every commit.
		s.chunks[n-1].columns = append([]vector(nil), s.chunks[n-1].columns...)
	}
	return s
}

// NumRows returns the number of rows in the view.
func (s *Snapshot) NumRows() int64 { return s.rows }

// Slice returns part i of n parts of the view, which are disjoint and together
// hold every row once. Part sizes differ when the table is small.
func (s *Snapshot) Slice(i, n int) *Snapshot {
	part := &Snapshot{table: s.table}
	from, to := len(s.chunks)*i/n, len(s.chunks)*(i+1)/n
	part.chunks = s.chunks[from:to]
	for c := range part.chunks {
		part.rows += int64(part.chunks[c].rows)
		for _, w := range part.chunks[c].deleted {
			for ; w != 0; w &= w - 1 {
				part.rows--
			}
		}
	}
	return part
}

// Cursor returns a reader of the given columns (positions in the schema), all
// of them when columns is nil.
func (s *Snapshot) Cursor(columns []int) *Cursor {
	if columns == nil {
		columns = make([]int, len(s.table.cells))
		for i := range columns {
			columns[i] = i
		}
	}
	for _, c := range columns {
		if c < 0 || c >= len(s.table.cells) {
			panic(fmt.Sprintf("store: column %d of table %s.%s", c, s.table.db, s.table.name))
		}
	}
	return &Cursor{snapshot: s, columns: columns, row: -1}
}

// Cursor walks the rows of a snapshot. It is for one goroutine.
type Cursor struct {
	snapshot *Snapshot
	columns  []int
	chunk    int
	row      int
}

// Next fills dst with the canonical values of the next row, in the order of the
// cursor's columns, and reports false after the last row. dst must have room
// for every column. Text and bytes share the table's memory: do not change them.
func (c *Cursor) Next(dst []any) bool {
	for c.chunk < len(c.snapshot.chunks) {
		ch := &c.snapshot.chunks[c.chunk]
		for c.row++; c.row < ch.rows && ch.isDeleted(c.row); {
			c.row++
		}
		if c.row >= ch.rows {
			c.chunk++
			c.row = -1
			continue
		}
		for i, col := range c.columns {
			dst[i] = ch.columns[col].value(&c.snapshot.table.cells[col], c.row)
		}
		return true
	}
	return false
}

// DeleteWhere removes the rows that match and returns how many they were. match
// sees all columns and must not keep the slice; it runs under the table's lock.
func (t *Table) DeleteWhere(match func(row []any) bool) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	row := make([]any, len(t.cells))
	var removed int64
	for _, ch := range t.chunks {
		for i := range ch.rows {
			if ch.isDeleted(i) {
				continue
			}
			for c := range row {
				row[c] = ch.columns[c].value(&t.cells[c], i)
			}
			if match(row) {
				ch.remove(i)
				removed++
			}
		}
	}
	t.live -= removed
	t.dead += removed
	t.version++
	t.compact()
	return removed
}
