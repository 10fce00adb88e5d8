package store

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// Table is one table. It is safe for concurrent use.
type Table struct {
	store *Store
	id    int64
	// named and layout are replaced as a whole, so readers need no lock.
	named  atomic.Pointer[naming]
	layout atomic.Pointer[layout]
	job    atomic.Pointer[alterJob] // the schema change under way, nil without one
	rollAt atomic.Int64             // when dynamic partitions are due, in seconds of Unix time

	mu sync.Mutex // guards the following, and replacing layout
	// partitions holds all of them, temporary ones too; router knows the others.
	partitions []*partition
	router     *router // nil without PARTITION BY
	version    int64
	autoNext   int64
	dropped    bool
	jobs       []*alterJob // finished ones too, oldest first
}

type naming struct{ db, name string }

func newTable(s *Store, db, name string, schema Schema) (*Table, error) {
	t := &Table{store: s, id: s.nextID.Add(1), version: 1, autoNext: 1}
	t.named.Store(&naming{db, name})
	l := s.newLayout(schema, nil)
	if schema.Partitioning == nil {
		t.partitions = []*partition{t.newPartition(l, PartitionDef{Name: name}, shape{})}
	} else {
		parts := slices.Clone(schema.Partitioning.Parts)
		for i := range parts {
			if _, err := t.declare(l, &parts[i], false); err != nil {
				return nil, err
			}
		}
		schema.Partitioning.Parts = parts
		schema.Partition = schema.Partitioning.String()
		l.schema.Partition = schema.Partition
	}
	t.install(l)
	if l.dynamic != nil {
		t.roll(l, s.now(), true)
	}
	return t, nil
}

// declare adds a partition by its definition, whose open ends it fills in.
func (t *Table) declare(l *layout, d *PartitionDef, temporary bool) (*partition, error) {
	if t.partitionNamed(d.Name, temporary) != nil || t.partitionNamed(d.Name, !temporary) != nil {
		return nil, inWords("Duplicate partition name %s", d.Name)
	}
	var others []*partition
	for _, p := range t.partitions {
		if p.temporary == temporary {
			others = append(others, p)
		}
	}
	sh, err := l.newShape(d, others)
	if err != nil {
		return nil, err
	}
	for _, p := range others {
		for _, k := range p.shape.keys {
			if slices.Contains(sh.keys, k) {
				return nil, inWords("The partition %s and %s have duplicate values", d.Name, p.name)
			}
		}
	}
	p := t.newPartition(l, *d, sh)
	p.temporary = temporary
	t.partitions = append(t.partitions, p)
	return p, nil
}

// install makes l the layout of the table. It wants the lock, or a new table.
func (t *Table) install(l *layout) {
	t.layout.Store(l)
	t.router = nil
	if l.schema.Partitioning != nil {
		t.router = newRouter(l, t.standing())
	}
}

func (t *Table) addPartition(p *partition) {
	t.partitions = append(t.partitions, p)
	t.router = newRouter(t.layout.Load(), t.standing())
}

// standing lists the partitions that are not temporary.
func (t *Table) standing() []*partition {
	var list []*partition
	for _, p := range t.partitions {
		if !p.temporary {
			list = append(list, p)
		}
	}
	return list
}

// DB returns the name of the table's database.
func (t *Table) DB() string { return t.named.Load().db }

// Name returns the table's name.
func (t *Table) Name() string { return t.named.Load().name }

// ID returns a number no other table or database object of the store has.
func (t *Table) ID() int64 { return t.id }

// Schema returns the table's schema as it is now. Its slices belong to the table:
// read only. A schema change replaces the schema; use Snapshot.Schema for what
// belongs to rows already read, and NewBatchFor for rows planned by it.
func (t *Table) Schema() Schema {
	t.advance()
	return t.layout.Load().schema
}

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
	var n int64
	for _, p := range t.partitions {
		if !p.temporary {
			n += p.live
		}
	}
	return n
}

// Truncate removes all rows. Partitions get new ids: what loads under way wrote
// into the old ones is lost, as it is on the server.
func (t *Table) Truncate() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.truncate(t.standing())
}

func (t *Table) truncate(list []*partition) {
	l := t.layout.Load()
	for i, p := range t.partitions {
		if !slices.Contains(list, p) {
			continue
		}
		d := p.def
		d.Name, d.Buckets = p.name, p.buckets
		fresh := t.newPartition(l, d, p.shape)
		fresh.temporary, fresh.automatic = p.temporary, p.automatic
		t.partitions[i] = fresh
	}
	t.install(l)
	t.version++
}

func (t *Table) drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dropped = true
	for _, p := range t.partitions {
		p.empty()
	}
}

// DeleteWhere removes the rows that match and returns how many they were. match
// sees all columns and must not keep the slice; it runs under the table's lock.
func (t *Table) DeleteWhere(match func(row []any) bool) int64 {
	n, err := t.deleteWhere(nil, match)
	if err != nil {
		panic(err) // only a snapshot can be out of date
	}
	return n
}

// DeleteFrom is DeleteWhere for the partitions and columns of a snapshot. The
// error says that the table's schema has changed since.
func (t *Table) DeleteFrom(s *Snapshot, match func(row []any) bool) (int64, error) {
	return t.deleteWhere(s, match)
}

func (t *Table) deleteWhere(s *Snapshot, match func(row []any) bool) (int64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.layout.Load()
	if s != nil && !slices.Equal(s.layout.ids, l.ids) {
		return 0, fmt.Errorf("the schema of table %s changed", t.Name())
	}
	now, pace := t.store.now(), t.store.CompactEvery()
	row := make([]any, len(l.cells))
	var removed int64
	for _, p := range t.partitions {
		if p.temporary && s == nil || s != nil && !s.reads(p.id) {
			continue
		}
		before := p.live
		for _, ch := range p.chunks {
			for i := range ch.rows {
				if ch.isDeleted(i) {
					continue
				}
				for c := range row {
					row[c] = ch.columns[c].value(&l.cells[c], i)
				}
				if match(row) {
					ch.remove(i)
					p.live--
					p.dead++
				}
			}
		}
		if n := before - p.live; n > 0 {
			removed += n
			p.bump(now, pace)
			p.reclaim(l)
		}
	}
	t.version++
	return removed, nil
}
