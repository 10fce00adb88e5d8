package store

import "slices"

// A batch that was planned by an older schema catches up with the table's at its
// commit.

// moveTo brings a batch to the columns the table has by now: values of columns
// that are still there are kept, others that came get their default. The error
// names a column of the batch that is gone; a promised batch goes on without it.
func (b *Batch) moveTo(l *layout) error {
	old := b.layout
	if old == l {
		return nil
	}
	if err := b.fitsLayout(l); err != nil && !b.promised {
		return err
	}
	before, vectors, merge := b.columns, b.vectors, -1
	if b.merge >= 0 {
		merge = before[b.merge]
	}
	var columns, kept []int
	for i, c := range before {
		if at := l.placeOf(old.ids[c]); at >= 0 {
			columns, kept = append(columns, at), append(kept, i)
		}
	}
	fill, was := b.fill, b.at
	b.place(l, columns)
	b.vectors, b.merge = make([]vector, len(columns)), -1
	for i, c := range columns {
		b.vectors[i] = vectors[kept[i]]
		if from, to := &old.cells[before[kept[i]]], &l.cells[c]; from.Type != to.Type {
			b.vectors[i] = convertVector(&b.vectors[i], from, to)
		}
		if before[kept[i]] == merge {
			b.merge = i
		}
	}
	b.fill = b.table.filler(l, b.at)
	for i, id := range l.ids {
		if at := old.placeOf(id); at >= 0 && b.at[i] < 0 && was[at] < 0 && old.cells[at].Type == l.cells[i].Type {
			b.fill[i] = fill[at] // as it was when the load was planned
		}
	}
	b.fillKeys()
	if err := b.compute(); err != nil && !b.promised {
		return err
	}
	return nil
}

// fitsLayout says which column hinders moveTo.
func (b *Batch) fitsLayout(l *layout) error {
	at := make([]int, len(b.columns))
	for i, c := range b.columns {
		if at[i] = l.placeOf(b.layout.ids[c]); at[i] < 0 {
			return inWords("Unknown column '%s': the schema of table %s has changed since the load was planned", b.layout.schema.Columns[c].Name, b.table.Name())
		}
	}
	for _, k := range l.keys {
		if l.keyed() && !slices.Contains(at, k) {
			return inWords("key column %s not in the batch: the schema of table %s has changed since the load was planned", l.schema.Columns[k].Name, b.table.Name())
		}
	}
	return nil
}

// fillKeys gives a promised batch the key columns that the table got since: rows are
// compared by what the batch holds of their keys.
func (b *Batch) fillKeys() {
	for _, k := range b.layout.keys {
		if !b.layout.keyed() || b.at[k] >= 0 {
			continue
		}
		v := vector{kind: b.layout.cells[k].storage}
		for range b.rows {
			v.addFrom(&b.fill[k], 0)
		}
		b.at[k] = len(b.columns)
		b.columns, b.vectors = append(b.columns, k), append(b.vectors, v)
	}
}
