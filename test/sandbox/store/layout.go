package store

import (
	"maps"
	"slices"
	"sync"
)

// layout is everything about a table that a schema change replaces: its columns,
// in the form the readers and writers need. It never changes once a table has it,
// so batches and snapshots keep the one they were made with.
type layout struct {
	schema Schema
	cells  []cellType
	keys   []int // positions of the key columns
	// ids tell columns apart over renames: a column dropped and added again
	// under the same name has another id.
	ids []int64
	// dist holds the positions of the columns that decide over a row's tablet.
	dist []int
	// parts holds the positions of the partition columns, nil without PARTITION BY.
	parts []int
	// partCells are the types of the values of the partition key.
	partCells []cellType
	// programs keeps the compiled expressions of the generated columns for the
	// next batch.
	programs sync.Pool
	// dynamic is nil unless the frontend looks after the partitions.
	dynamic *dynamic
}

// newLayout wants a checked schema. ids is nil for a new table.
func (s *Store) newLayout(schema Schema, ids []int64) *layout {
	l := &layout{schema: schema, ids: ids}
	l.schema.origin = l
	for i := range schema.Columns {
		l.cells = append(l.cells, newCellTypeFor(schema.Columns[i].Type, s.release))
		if len(l.ids) == i {
			l.ids = append(l.ids, s.nextID.Add(1))
		}
	}
	for _, k := range schema.Keys {
		l.keys = append(l.keys, schema.Index(k))
	}
	dist := schema.DistributedBy
	if len(dist) == 0 {
		dist = schema.Keys
	}
	for _, d := range dist {
		l.dist = append(l.dist, schema.Index(d))
	}
	if len(l.dist) == 0 {
		l.dist = []int{0}
	}
	if p := schema.Partitioning; p != nil {
		for i, c := range p.Columns {
			at := schema.Index(c)
			l.parts = append(l.parts, at)
			if e := p.expression(i); e != nil {
				l.partCells = append(l.partCells, newCellTypeFor(e.Type, s.release))
			} else {
				l.partCells = append(l.partCells, l.cells[at])
			}
		}
	}
	l.dynamic, _ = schema.readDynamic() // checked reports what is wrong with it
	return l
}

// keyed says whether rows with equal keys meet in this model.
func (l *layout) keyed() bool { return l.schema.Model != Duplicate }

// buckets is the number of tablets of a new partition.
func (l *layout) buckets() int {
	if l.schema.Buckets <= 0 {
		return DefaultBuckets
	}
	return min(l.schema.Buckets, maxTablets)
}

// placeOf returns the position of the column with an id, or -1.
func (l *layout) placeOf(id int64) int { return slices.Index(l.ids, id) }

// clone copies a schema as far as an ALTER changes it.
func (s *Schema) clone() Schema {
	c := *s
	c.origin = nil
	c.Columns = slices.Clone(s.Columns)
	c.Keys = slices.Clone(s.Keys)
	c.DistributedBy = slices.Clone(s.DistributedBy)
	c.Properties = maps.Clone(s.Properties)
	c.Indexes = slices.Clone(s.Indexes)
	if s.Partitioning != nil {
		p := *s.Partitioning
		p.Columns = slices.Clone(p.Columns)
		p.Parts = slices.Clone(p.Parts)
		p.Expressions = slices.Clone(p.Expressions)
		c.Partitioning = &p
	}
	return c
}
