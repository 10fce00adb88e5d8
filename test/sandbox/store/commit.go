package store

import (
	"cmp"
	"slices"
)

// Commit makes the rows of b visible at once: appended, combined, replaced or
// removed as the model says, in row order. b must come from this table and may
// not be used again. Rows of partitions that were dropped or truncated since the
// batch was made are lost, as they are on the server. Errors: *UnknownTable when
// the table was dropped, *TooManyVersions, and what is wrong with the batch.
func (t *Table) Commit(b *Batch) error {
	t.advance()
	if err := t.fits(b); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.ready(b); err != nil {
		return err
	}
	if !t.dropped {
		t.apply(b)
	}
	return nil
}

// CommitAll commits batches of several tables, or none of them when one fails. The
// errors are those of Commit; batches that Promise has let through do not fail.
// Batches of one table are committed in their order.
func (s *Store) CommitAll(batches []*Batch) error {
	if err := fitAll(batches); err != nil {
		return err
	}
	defer lockTables(batches)()
	for _, b := range batches {
		if err := b.table.ready(b); err != nil {
			return err
		}
	}
	for _, b := range batches {
		if !b.table.dropped {
			b.table.apply(b)
		}
	}
	return nil
}

// Promise says what hinders the commit of the batches, in the errors of Commit. When
// nothing does, CommitAll will succeed, whatever becomes of the tables until then:
// rows of a table, and values of a column, dropped in between are lost, as the rows
// of a transaction are that was committed and is not visible yet. Nothing may be
// added to the batches after it.
func (s *Store) Promise(batches []*Batch) error {
	if err := fitAll(batches); err != nil {
		return err
	}
	defer lockTables(batches)()
	for _, b := range batches {
		if err := b.table.open(b); err != nil {
			return err
		}
		if err := b.fitsLayout(b.table.layout.Load()); err != nil {
			return err
		}
	}
	for _, b := range batches {
		b.opened, b.promised = true, true
	}
	return nil
}

// fitAll is fits for many, and does what the alter jobs of their tables have due.
func fitAll(batches []*Batch) error {
	for _, b := range batches {
		b.table.advance()
		if err := b.table.fits(b); err != nil {
			return err
		}
	}
	return nil
}

// lockTables locks the tables of the batches and returns what unlocks them.
func lockTables(batches []*Batch) (unlock func()) {
	var tables []*Table
	for _, b := range batches {
		if !slices.Contains(tables, b.table) {
			tables = append(tables, b.table)
		}
	}
	// One order for all, so that two callers cannot wait for each other.
	slices.SortFunc(tables, func(a, b *Table) int { return cmp.Compare(a.id, b.id) })
	for _, t := range tables {
		t.mu.Lock()
	}
	return func() {
		for _, t := range tables {
			t.mu.Unlock()
		}
	}
}

// fits says what is wrong with a batch whatever the table holds.
func (t *Table) fits(b *Batch) error {
	if b.table != t {
		return inWords("the batch belongs to table %s.%s, not to %s.%s", b.table.DB(), b.table.Name(), t.DB(), t.Name())
	}
	if b.failed != nil {
		return b.failed
	}
	l := b.layout
	if b.ops != nil && l.schema.Model != Primary {
		return wording("only a primary key table takes deletes")
	}
	if (b.partial || b.merge >= 0) && l.schema.Model != Primary {
		return wording("Only primary key table support partial update")
	}
	for _, k := range l.keys {
		if l.keyed() && b.at[k] < 0 {
			return inWords("key column %s not in the batch", l.schema.Columns[k].Name)
		}
	}
	return b.compute()
}

// open says what hinders writing to the table, whose lock it wants.
func (t *Table) open(b *Batch) error {
	if t.dropped {
		return &UnknownTable{Database: t.DB(), Table: t.Name()}
	}
	if b.rows > 0 && !b.opened {
		return t.checkVersions(b.targets())
	}
	return nil
}

// ready is open, and brings the batch up to the present columns of the table.
func (t *Table) ready(b *Batch) error {
	if b.promised && t.dropped {
		return nil
	}
	if err := t.open(b); err != nil {
		return err
	}
	return b.moveTo(t.layout.Load())
}

// apply cannot fail. It wants the table's lock.
func (t *Table) apply(b *Batch) {
	t.version++
	if b.rows == 0 {
		return
	}
	if b.negative {
		b.negate()
	}
	now, pace := t.store.now(), t.store.CompactEvery()
	targets := b.targets()
	for i, p := range targets {
		if !slices.Contains(t.partitions, p) {
			targets[i] = nil
			continue
		}
		p.bump(now, pace)
	}
	if b.routing == nil {
		t.write(targets[0], b, 0, b.rows)
	} else {
		of := b.routing.of
		for from := 0; from < b.rows; {
			to := from + 1
			for to < b.rows && of[to] == of[from] {
				to++
			}
			t.write(targets[of[from]], b, from, to)
			from = to
		}
	}
	for _, p := range targets {
		if p != nil && b.layout.keyed() {
			p.reclaim(b.layout)
		}
	}
}

// targets lists the partitions the rows go to.
func (b *Batch) targets() []*partition {
	if b.routing == nil {
		return slices.Clone(b.only)
	}
	return slices.Clone(b.routing.list)
}

// write puts rows from..to-1 of the batch into a partition; nil loses them.
func (t *Table) write(p *partition, b *Batch, from, to int) {
	switch {
	case p == nil:
	case b.layout.keyed():
		t.mergeRows(p, b, from, to)
	default:
		t.appendRows(p, b, from, to)
	}
}

func (t *Table) appendRows(p *partition, b *Batch, from, to int) {
	p.live += int64(to - from)
	whole := from == 0 && to == b.rows // else other ranges of the vectors are still to come
	var taken []int                    // by column, where the arena of a vector has not been taken yet
	for done := from; done < to; {
		ch := p.tail(b.layout)
		n := min(chunkRows-ch.rows, to-done)
		take := whole && ch.rows == 0
		if take && taken == nil {
			taken = make([]int, len(ch.columns))
			for c, at := range b.at {
				if at >= 0 && b.vectors[at].kind == asBytes && done > 0 {
					taken[c] = b.vectors[at].ends[done-1]
				}
			}
		}
		for c := range ch.columns {
			v := &ch.columns[c]
			switch at := b.at[c]; {
			case b.layout.schema.Columns[c].AutoIncrement:
				t.numberRows(v, b, at, done, n)
			case at >= 0 && take:
				taken[c] = v.takeRange(&b.vectors[at], done, done+n, taken[c])
			case at >= 0:
				v.addRange(&b.vectors[at], done, done+n)
			default:
				for range n {
					v.addFrom(&b.fill[c], 0)
				}
			}
		}
		ch.rows += n
		done += n
	}
}

// numberRows gives rows without a value of the auto-increment column the next number.
func (t *Table) numberRows(v *vector, b *Batch, at, from, n int) {
	for i := from; i < from+n; i++ {
		if at >= 0 && !b.vectors[at].isNull(i) {
			v.addFrom(&b.vectors[at], i)
			continue
		}
		v.addInt(t.autoNext)
		t.autoNext++
	}
}

func (t *Table) mergeRows(p *partition, b *Batch, from, to int) {
	for i := from; i < to; i++ {
		half := b.layout.hashKey(b.vectors, b.at, i)
		slot, taken := p.find(b, i, half)
		var old *chunk
		var oldAt int
		if taken {
			row := uint32(p.index.slots[slot]) - 1
			old, oldAt = p.chunks[row>>chunkBits], int(row&rowMask)
			if old.isDeleted(oldAt) {
				old = nil
			}
		}
		if b.op(i) == Delete {
			if old != nil {
				old.remove(oldAt)
				p.live--
				p.dead++
			}
			continue
		}
		if old == nil && b.onlyStored {
			continue
		}
		if old != nil && b.merge >= 0 &&
			b.vectors[b.merge].compare(i, &old.columns[b.columns[b.merge]], oldAt) < 0 {
			continue
		}
		row := t.addMerged(p, b, i, old, oldAt)
		if old != nil {
			old.remove(oldAt)
			p.dead++
		} else {
			p.live++
		}
		if !taken {
			p.index.used++
		}
		p.index.slots[slot] = slotOf(half, row)
	}
}

// addMerged appends what results of batch row i and the stored row, if any.
func (t *Table) addMerged(p *partition, b *Batch, i int, old *chunk, oldAt int) uint32 {
	ch := p.tail(b.layout)
	for c := range ch.columns {
		v := &ch.columns[c]
		src, at := &b.fill[c], 0
		if b.at[c] >= 0 {
			src, at = &b.vectors[b.at[c]], i
		}
		column := &b.layout.schema.Columns[c]
		switch {
		case old != nil && b.partial && b.at[c] < 0:
			v.addFrom(&old.columns[c], oldAt)
		case old != nil && column.Agg != "":
			v.addCombined(column, src, at, &old.columns[c], oldAt)
		case column.AutoIncrement && src.isNull(at):
			v.addInt(t.autoNext)
			t.autoNext++
		case b.at[c] < 0 && column.DefaultCall: // a new row of a partial update
			v.addCall(column)
		default:
			v.addFrom(src, at)
		}
	}
	ch.rows++
	return uint32((len(p.chunks)-1)<<chunkBits + ch.rows - 1)
}

// addCombined appends the aggregate of the new and the stored value.
func (v *vector) addCombined(c *Column, src *vector, at int, old *vector, oldAt int) {
	newNull, oldNull := src.isNull(at), old.isNull(oldAt)
	takeNew := true
	switch c.Agg {
	case "SUM":
		if !newNull && !oldNull {
			v.addSum(c.Type, src, at, old, oldAt)
			return
		}
		takeNew = oldNull
	case "MIN":
		takeNew = oldNull || !newNull && src.compare(at, old, oldAt) < 0
	case "MAX":
		takeNew = oldNull || !newNull && src.compare(at, old, oldAt) > 0
	case "REPLACE_IF_NOT_NULL":
		takeNew = !newNull
	case "BITMAP_UNION", "HLL_UNION", "PERCENTILE_UNION":
		if !newNull && !oldNull {
			v.addUnion(c.Type.Kind, old.bytesAt(oldAt), src.bytesAt(at))
			return
		}
		takeNew = oldNull
	}
	if takeNew {
		v.addFrom(src, at)
	} else {
		v.addFrom(old, oldAt)
	}
}

// addSum wraps integers around at the width of their type.
func (v *vector) addSum(t Type, a *vector, i int, b *vector, j int) {
	switch v.kind {
	case asInts:
		sum := a.ints[i] + b.ints[j]
		switch t.Kind {
		case TinyInt:
			sum = int64(int8(sum))
		case SmallInt:
			sum = int64(int16(sum))
		case Int:
			sum = int64(int32(sum))
		}
		v.addInt(sum)
	case asFloats:
		sum := a.floats[i] + b.floats[j]
		if t.Kind == Float {
			sum = float64(float32(sum))
		}
		v.addFloat(sum)
	default:
		v.addWide(a.wides[i].add(b.wides[j]))
	}
}
