package store

import (
	"fmt"
	"slices"
)

// Snapshot is an immutable view of a table at one moment.
type Snapshot struct {
	table  *Table
	layout *layout
	parts  []partView // all of the table's
	chunks []chunk    // of the partitions that are read
	picks  []*pick    // of each chunk: which tablets are read; nil for all
	rows   int64
}

// partView is a partition of a snapshot.
type partView struct {
	id          int64
	name        string
	temporary   bool
	read        bool
	buckets     int
	firstTablet int64
	chunks      []chunk
	rows        int64
}

// Snapshot returns the rows visible now. Later commits do not change it.
func (t *Table) Snapshot() *Snapshot {
	t.advance()
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &Snapshot{table: t, layout: t.layout.Load()}
	for _, p := range t.partitions {
		v := partView{id: p.id, name: p.name, temporary: p.temporary, read: !p.temporary, buckets: p.buckets,
			firstTablet: p.firstTablet, rows: p.live, chunks: make([]chunk, len(p.chunks))}
		for i, c := range p.chunks {
			c.shared = true
			v.chunks[i] = *c
		}
		if n := len(v.chunks); n > 0 {
			// Only the tail still grows: its headers change with every commit.
			v.chunks[n-1].columns = slices.Clone(v.chunks[n-1].columns)
		}
		s.parts = append(s.parts, v)
	}
	s.collect(nil)
	return s
}

// collect gathers the chunks of the partitions that are read.
func (s *Snapshot) collect(picks map[int64]*pick) {
	s.chunks, s.picks, s.rows = nil, nil, 0
	for i := range s.parts {
		v := &s.parts[i]
		if !v.read {
			continue
		}
		s.rows += v.rows
		if s.chunks == nil && picks == nil {
			s.chunks = v.chunks[:len(v.chunks):len(v.chunks)]
			continue
		}
		s.chunks = append(s.chunks, v.chunks...)
		if picks != nil {
			for range v.chunks {
				s.picks = append(s.picks, picks[v.id])
			}
		}
	}
}

func (s *Snapshot) reads(id int64) bool {
	return slices.ContainsFunc(s.parts, func(v partView) bool { return v.id == id && v.read })
}

// Schema returns the schema of the rows in the view, read only.
func (s *Snapshot) Schema() Schema { return s.layout.schema }

// NumRows returns the number of rows in the view.
func (s *Snapshot) NumRows() int64 {
	if s.picks == nil {
		return s.rows
	}
	var n int64
	for c := s.Cursor([]int{}); c.Next(nil); {
		n++
	}
	return n
}

// Slice returns part i of n parts of the view, which are disjoint and together
// hold every row once. Part sizes differ when the table is small.
func (s *Snapshot) Slice(i, n int) *Snapshot {
	part := *s
	from, to := len(s.chunks)*i/n, len(s.chunks)*(i+1)/n
	part.chunks, part.rows = s.chunks[from:to], 0
	if s.picks != nil {
		part.picks = s.picks[from:to]
	}
	for c := range part.chunks {
		part.rows += part.chunks[c].live()
	}
	return &part
}

func (c *chunk) live() int64 {
	n := int64(c.rows)
	for _, w := range c.deleted {
		for ; w != 0; w &= w - 1 {
			n--
		}
	}
	return n
}

// Cursor returns a reader of the given columns (positions in the schema), all
// of them when columns is nil.
func (s *Snapshot) Cursor(columns []int) *Cursor {
	if columns == nil {
		columns = make([]int, len(s.layout.cells))
		for i := range columns {
			columns[i] = i
		}
	}
	for _, c := range columns {
		if c < 0 || c >= len(s.layout.cells) {
			panic(fmt.Sprintf("store: column %d of table %s.%s", c, s.table.DB(), s.table.Name()))
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
	crc      []byte // scratch of the tablet hash
}

// Next fills dst with the canonical values of the next row, in the order of the
// cursor's columns, and reports false after the last row. dst must have room
// for every column. Text and bytes share the table's memory: do not change them.
func (c *Cursor) Next(dst []any) bool {
	s := c.snapshot
	for c.chunk < len(s.chunks) {
		ch := &s.chunks[c.chunk]
		for c.row++; c.row < ch.rows && (ch.isDeleted(c.row) || s.picks != nil && !c.picked(ch)); {
			c.row++
		}
		if c.row >= ch.rows {
			c.chunk++
			c.row = -1
			continue
		}
		for i, col := range c.columns {
			dst[i] = ch.columns[col].value(&s.layout.cells[col], c.row)
		}
		return true
	}
	return false
}

func (c *Cursor) picked(ch *chunk) bool {
	p := c.snapshot.picks[c.chunk]
	if p == nil {
		return true
	}
	var b int
	b, c.crc = c.snapshot.layout.bucket(ch.columns, c.row, len(p.want), c.crc)
	return p.want[b]
}
