package store

import (
	"errors"
	"fmt"
)

// Commit makes the rows of b visible at once: appended, combined, replaced or
// removed as the model says, in row order. b must come from this table and may
// not be used again. Errors: *UnknownTable when the table was dropped.
func (t *Table) Commit(b *Batch) error {
	if b.table != t {
		return fmt.Errorf("the batch belongs to table %s.%s, not to %s.%s", b.table.db, b.table.name, t.db, t.name)
	}
	if err := b.fits(); err != nil {
		return err
	}
	fill, err := t.filler(b)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dropped {
		return &UnknownTable{Database: t.db, Table: t.name}
	}
	t.version++
	if t.keyed() {
		t.mergeRows(b, fill)
		t.compact()
	} else {
		t.appendRows(b, fill)
	}
	return nil
}

func (b *Batch) fits() error {
	t := b.table
	if b.ops != nil && t.schema.Model != Primary {
		return errors.New("only a primary key table takes deletes")
	}
	if (b.partial || b.merge >= 0) && t.schema.Model != Primary {
		return wording("Only primary key table support partial update")
	}
	for _, k := range t.keys {
		if t.keyed() && b.at[k] < 0 {
			return fmt.Errorf("key column %s not in the batch", t.schema.Columns[k].Name)
		}
	}
	return nil
}

// filler holds, for every column the batch lacks, a vector of one value.
type filler []vector

func (t *Table) filler(b *Batch) (filler, error) {
	fill := make(filler, len(t.cells))
	for i := range t.cells {
		if b.at[i] >= 0 {
			continue
		}
		c := &t.schema.Columns[i]
		v := &fill[i]
		v.kind = t.cells[i].storage
		switch {
		case isNow(c):
			now := t.store.now()
			y, m, d := now.Date()
			v.addInt(civil{year: y, month: int(m), day: d, hour: now.Hour(), minute: now.Minute(), second: now.Second()}.pack())
		case c.Default != nil:
			if t.cells[i].readText(v, []byte(*c.Default)) != cellOK {
				return nil, fmt.Errorf("default of column '%s' does not convert", c.Name)
			}
		case c.Nullable || c.AutoIncrement:
			v.addNull()
		default:
			t.cells[i].addZero(v)
		}
	}
	return fill, nil
}

// addZero appends the value a NOT NULL column without default gets when a
// partial update meets a new key.
func (t *cellType) addZero(v *vector) {
	switch {
	case t.Kind == Date || t.Kind == DateTime:
		v.addInt(civil{year: 1970, month: 1, day: 1}.pack())
	case t.Kind == JSON || t.Kind == Map || t.Kind == Struct:
		v.addString("{}")
	case t.Kind == Array:
		v.addString("[]")
	case v.kind == asInts:
		v.addInt(0)
	case v.kind == asFloats:
		v.addFloat(0)
	case v.kind == asWide:
		v.addWide(int128{})
	default:
		v.addString("")
	}
}

func (t *Table) appendRows(b *Batch, fill filler) {
	for done := 0; done < b.rows; {
		ch := t.tail()
		n := min(chunkRows-ch.rows, b.rows-done)
		for c := range ch.columns {
			v := &ch.columns[c]
			switch at := b.at[c]; {
			case t.schema.Columns[c].AutoIncrement:
				t.numberRows(v, b, at, done, n)
			case at >= 0:
				v.addRange(&b.vectors[at], done, done+n)
			default:
				for range n {
					v.addFrom(&fill[c], 0)
				}
			}
		}
		ch.rows += n
		done += n
	}
	t.live += int64(b.rows)
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

func (t *Table) mergeRows(b *Batch, fill filler) {
	for i := range b.rows {
		half := t.hashKey(b.vectors, b.at, i)
		slot, taken := t.find(b, i, half)
		var old *chunk
		var oldAt int
		if taken {
			row := uint32(t.index.slots[slot]) - 1
			old, oldAt = t.chunks[row>>chunkBits], int(row&rowMask)
			if old.isDeleted(oldAt) {
				old = nil
			}
		}
		if b.op(i) == Delete {
			if old != nil {
				old.remove(oldAt)
				t.live--
				t.dead++
			}
			continue
		}
		if old != nil && b.merge >= 0 &&
			b.vectors[b.merge].compare(i, &old.columns[b.columns[b.merge]], oldAt) < 0 {
			continue
		}
		row := t.addMerged(b, i, fill, old, oldAt)
		if old != nil {
			old.remove(oldAt)
			t.dead++
		} else {
			t.live++
		}
		if !taken {
			t.index.used++
		}
		t.index.slots[slot] = slotOf(half, row)
	}
}

// addMerged appends what results of batch row i and the stored row, if any.
func (t *Table) addMerged(b *Batch, i int, fill filler, old *chunk, oldAt int) uint32 {
	ch := t.tail()
	for c := range ch.columns {
		v := &ch.columns[c]
		src, at := &fill[c], 0
		if b.at[c] >= 0 {
			src, at = &b.vectors[b.at[c]], i
		}
		column := &t.schema.Columns[c]
		switch {
		case old != nil && b.partial && b.at[c] < 0:
			v.addFrom(&old.columns[c], oldAt)
		case old != nil && column.Agg != "":
			v.addCombined(column, src, at, &old.columns[c], oldAt)
		case column.AutoIncrement && src.isNull(at):
			v.addInt(t.autoNext)
			t.autoNext++
		default:
			v.addFrom(src, at)
		}
	}
	ch.rows++
	return uint32((len(t.chunks)-1)<<chunkBits + ch.rows - 1)
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

// compact rewrites the table once more than half of its rows are dead. Snapshots
// keep the chunks they hold.
func (t *Table) compact() {
	if t.dead < chunkRows || t.dead <= t.live {
		return
	}
	old := t.chunks
	t.chunks = nil
	t.dead = 0
	t.index = keyIndex{}
	own := make([]int, len(t.cells))
	for i := range own {
		own[i] = i
	}
	for _, from := range old {
		for i := range from.rows {
			if from.isDeleted(i) {
				continue
			}
			ch := t.tail()
			for c := range ch.columns {
				ch.columns[c].addFrom(&from.columns[c], i)
			}
			ch.rows++
			if !t.keyed() {
				continue
			}
			if 4*(t.index.used+1) > 3*len(t.index.slots) {
				t.index.grow()
			}
			row := uint32((len(t.chunks)-1)<<chunkBits + ch.rows - 1)
			t.index.place(slotOf(t.hashKey(from.columns, own, i), row))
			t.index.used++
		}
	}
}
