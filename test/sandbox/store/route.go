package store

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// router finds the partition of a row among those of a table at one moment. It
// never changes.
type router struct {
	layout *layout
	ranges []*partition          // by their ends
	lists  map[string]*partition // by encoded value
}

func newRouter(l *layout, parts []*partition) *router {
	r := &router{layout: l}
	if l.schema.Partitioning.Kind == ListPartitions {
		r.lists = map[string]*partition{}
		for _, p := range parts {
			for _, k := range p.shape.keys {
				r.lists[k] = p
			}
		}
		return r
	}
	r.ranges = slices.Clone(parts)
	sortByRange(r.ranges)
	return r
}

func sortByRange(list []*partition) {
	sort.SliceStable(list, func(i, j int) bool { return list[i].shape.upper.compare(&list[j].shape.upper) < 0 })
}

// find returns nil for a row no partition takes. key is the row in the form of
// appendKey, for lists.
func (r *router) find(cols []*vector, at []int, key []byte) *partition {
	if r.lists != nil {
		return r.lists[string(key)]
	}
	i := sort.Search(len(r.ranges), func(i int) bool { return r.ranges[i].shape.upper.compareRow(cols, at) < 0 })
	if i < len(r.ranges) && r.ranges[i].shape.holds(cols, at) {
		return r.ranges[i]
	}
	return nil
}

// routing says for each row of a batch where it goes.
type routing struct {
	router *router
	create bool // make the partitions that are missing

	cols []*vector // the partition columns, in the batch or among its defaults
	here []bool    // the column is in the batch, not a default
	at   []int     // scratch: row of each of cols

	list []*partition // met so far
	seen map[*partition]uint32
	of   []uint32 // place in list of each row

	splitter *splitter // nil without expressions

	key, lastKey []byte
	last         uint32
}

func (b *Batch) newRouting(r *router, create bool) *routing {
	l := b.layout
	g := &routing{router: r, create: create, at: make([]int, len(l.parts)), seen: map[*partition]uint32{}}
	g.splitter = l.splitter(b.table.store)
	for i, c := range l.parts {
		if l.schema.Partitioning.expression(i) != nil {
			g.cols, g.here = append(g.cols, g.splitter.value(i)), append(g.here, false)
			continue
		}
		if b.at[c] >= 0 {
			g.cols, g.here = append(g.cols, &b.vectors[b.at[c]]), append(g.here, true)
		} else {
			g.cols, g.here = append(g.cols, &b.fill[c]), append(g.here, false)
		}
	}
	return g
}

// route finds the partition of the row the batch is about to keep.
func (b *Batch) route() *RowError {
	g := b.routing
	for i, here := range g.here {
		if here {
			g.at[i] = b.rows
		}
	}
	if g.splitter != nil {
		if err := g.splitter.split(b); err != nil {
			return &RowError{Reason: err.Error()}
		}
	}
	if g.router.lists != nil {
		g.key = appendKey(g.key[:0], g.cols, g.at)
		if len(g.list) > 0 && bytes.Equal(g.key, g.lastKey) {
			g.of = append(g.of, g.last)
			return nil
		}
	} else if len(g.list) > 0 && g.list[g.last].shape.holds(g.cols, g.at) {
		g.of = append(g.of, g.last)
		return nil
	}
	p := g.router.find(g.cols, g.at, g.key)
	if p == nil && g.create {
		var err error
		if p, g.router, err = b.table.makePartition(b.layout, g); err != nil {
			return &RowError{Reason: "The row create partition failed since " + err.Error()}
		}
	}
	if p == nil {
		return &RowError{Reason: "The row is out of partition ranges. Please add a new partition."}
	}
	place, ok := g.seen[p]
	if !ok {
		place = uint32(len(g.list))
		g.list = append(g.list, p)
		g.seen[p] = place
	}
	g.last, g.lastKey = place, append(g.lastKey[:0], g.key...)
	g.of = append(g.of, place)
	return nil
}

// UnknownPartition reports a partition the table does not have.
type UnknownPartition struct{ Table, Name string }

func (e *UnknownPartition) Error() string {
	return fmt.Sprintf("unknown partition %s in table %s", e.Name, e.Table)
}

// SetPartitions restricts the batch to the named partitions, or temporary
// partitions; rows of others are refused. It is called before the first row. The
// error is an *UnknownPartition.
func (b *Batch) SetPartitions(names []string, temporary bool) error {
	t := b.table
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []*partition
	for _, n := range names {
		p := t.partitionNamed(n, temporary)
		if p == nil {
			return &UnknownPartition{Table: t.Name(), Name: n}
		}
		if !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		return nil
	}
	b.only = list
	if b.routing != nil {
		b.routing = b.newRouting(newRouter(b.layout, list), false)
	}
	return nil
}

// partitionNamed wants the table's lock. Names of partitions ignore case.
func (t *Table) partitionNamed(name string, temporary bool) *partition {
	for _, p := range t.partitions {
		if p.temporary == temporary && strings.EqualFold(p.name, name) {
			return p
		}
	}
	return nil
}
