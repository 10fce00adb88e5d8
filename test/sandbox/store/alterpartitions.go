package store

import (
	"slices"
	"strings"
)

// SamePartitionName reports a partition that is there already.
type SamePartitionName struct{ Name string }

func (e *SamePartitionName) Error() string { return "Duplicate partition name " + e.Name }

// MissingPartition reports a partition that is not there to be dropped.
type MissingPartition struct{ Name string }

func (e *MissingPartition) Error() string { return "Error in list of partitions to " + e.Name }

// editPartitions runs an ALTER of partitions under the table's lock and gives the
// schema the list of partitions that results.
func (t *Table) editPartitions(edit func(l *layout) error) error {
	t.advance()
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.normal(); err != nil {
		return err
	}
	l := t.layout.Load()
	if l.schema.Partitioning == nil {
		return inWords("Table %s is not partitioned", t.Name())
	}
	before := slices.Clone(t.partitions)
	if err := edit(l); err != nil {
		t.partitions = before
		return err
	}
	t.relist(l)
	return nil
}

// relist gives the table a schema that names the partitions it has now.
func (t *Table) relist(l *layout) {
	s := l.schema.clone()
	list := t.standing()
	if s.Partitioning.Kind == RangePartitions {
		sortByRange(list)
	}
	s.Partitioning.Parts = nil
	for _, p := range list {
		if !p.automatic {
			d := p.def
			d.Name = p.name
			s.Partitioning.Parts = append(s.Partitioning.Parts, d)
		}
	}
	s.Partition = s.Partitioning.String()
	t.install(t.store.newLayout(s, l.ids))
}

// AddPartitions adds partitions, all or none. With ifNotExists those whose names
// are taken are left out; otherwise they are a *SamePartitionName.
func (t *Table) AddPartitions(defs []PartitionDef, temporary, ifNotExists bool) error {
	return t.editPartitions(func(l *layout) error {
		if err := l.byHand(temporary); err != nil {
			return err
		}
		for _, d := range defs {
			if t.partitionNamed(d.Name, temporary) != nil || t.partitionNamed(d.Name, !temporary) != nil {
				if ifNotExists {
					continue
				}
				return &SamePartitionName{Name: d.Name}
			}
			if _, err := t.declare(l, &d, temporary); err != nil {
				return err
			}
		}
		return nil
	})
}

// DropPartitions removes partitions and their rows, all or none. Loads under way
// into them lose those rows. The error is a *MissingPartition.
func (t *Table) DropPartitions(names []string, temporary, ifExists bool) error {
	return t.editPartitions(func(l *layout) error {
		if err := l.byHand(temporary); err != nil {
			return err
		}
		for _, n := range names {
			p := t.partitionNamed(n, temporary)
			switch {
			case p == nil && ifExists:
			case p == nil:
				return &MissingPartition{Name: n}
			default:
				t.partitions = slices.DeleteFunc(slices.Clone(t.partitions), func(o *partition) bool { return o == p })
			}
		}
		return nil
	})
}

// TruncatePartitions removes the rows of partitions, which get new ids.
func (t *Table) TruncatePartitions(names []string) error {
	t.advance()
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.normal(); err != nil {
		return err
	}
	var list []*partition
	for _, n := range names {
		p := t.partitionNamed(n, false)
		if p == nil {
			return inWords("Partition %s does not exist", n)
		}
		list = append(list, p)
	}
	t.truncate(list)
	return nil
}

// RenamePartition gives a partition another name.
func (t *Table) RenamePartition(from, to string) error {
	return t.editPartitions(func(*layout) error {
		p := t.partitionNamed(from, false)
		if p == nil {
			return inWords("Partition[%s] does not exists", from)
		}
		if t.partitionNamed(to, false) != nil || t.partitionNamed(to, true) != nil {
			return &SamePartitionName{Name: to}
		}
		p.name = to
		return nil
	})
}

// ReplacePartitions puts temporary partitions in the place of others. With strict
// their ranges or values must be the same together; otherwise they may only not
// meet those of the partitions that stay. The new ones keep the old names if they
// are as many and temporaryNames is false.
func (t *Table) ReplacePartitions(old, temporary []string, strict, temporaryNames bool) error {
	return t.editPartitions(func(*layout) error {
		var gone, fresh []*partition
		for _, n := range old {
			p := t.partitionNamed(n, false)
			if p == nil {
				return inWords("Partition[%s] does not exist", n)
			}
			gone = append(gone, p)
		}
		for _, n := range temporary {
			p := t.partitionNamed(n, true)
			if p == nil {
				return inWords("Temp partition[%s] does not exist", n)
			}
			fresh = append(fresh, p)
		}
		if strict && !sameExtent(gone, fresh) {
			return wording("2 range lists are not stricly matched. The temporary partitions must cover what the replaced ones do")
		}
		var stay []*partition
		for _, p := range t.standing() {
			if !slices.Contains(gone, p) {
				stay = append(stay, p)
			}
		}
		for _, f := range fresh {
			for _, p := range stay {
				if meets(&f.shape, &p.shape) {
					return inWords("Range %s is intersected with range: %s", f.shape.text, p.shape.text)
				}
			}
		}
		keepNames := !temporaryNames && len(gone) == len(fresh)
		for i, f := range fresh {
			name := f.name
			if keepNames {
				name = gone[i].name
			} else if slices.ContainsFunc(stay, func(p *partition) bool { return strings.EqualFold(p.name, name) }) {
				return &SamePartitionName{Name: name}
			}
			fresh[i].name = name
		}
		t.partitions = slices.DeleteFunc(slices.Clone(t.partitions), func(p *partition) bool { return slices.Contains(gone, p) })
		for _, f := range fresh {
			f.temporary = false
		}
		return nil
	})
}

func meets(a, b *shape) bool {
	if a.list {
		return slices.ContainsFunc(a.keys, func(k string) bool { return slices.Contains(b.keys, k) })
	}
	return a.lower.compare(&b.upper) < 0 && b.lower.compare(&a.upper) < 0
}

// sameExtent says whether two sets of partitions take the same rows: the same
// values, or ranges that join up to the same ends.
func sameExtent(a, b []*partition) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	if a[0].shape.list {
		keys := func(list []*partition) []string {
			var all []string
			for _, p := range list {
				all = append(all, p.shape.keys...)
			}
			slices.Sort(all)
			return all
		}
		return slices.Equal(keys(a), keys(b))
	}
	ends := func(list []*partition) []tuple {
		list = slices.Clone(list)
		sortByRange(list)
		out := []tuple{list[0].shape.lower}
		for i := 1; i < len(list); i++ {
			if list[i].shape.lower.compare(&list[i-1].shape.upper) != 0 {
				out = append(out, list[i-1].shape.upper, list[i].shape.lower)
			}
		}
		return append(out, list[len(list)-1].shape.upper)
	}
	return slices.EqualFunc(ends(a), ends(b), func(x, y tuple) bool { return x.compare(&y) == 0 })
}
