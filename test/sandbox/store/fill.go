package store

import "fmt"

// filler holds, for every column the batch lacks, a vector of one value.
func (t *Table) filler(l *layout, at []int) []vector {
	fill := make([]vector, len(l.cells))
	for i := range l.cells {
		if at[i] < 0 {
			l.fillOne(t.store, i, &fill[i])
		}
	}
	return fill
}

// fillOne appends the value of a column that a row does not have.
func (l *layout) fillOne(s *Store, i int, v *vector) {
	c := &l.schema.Columns[i]
	v.kind = l.cells[i].storage
	switch {
	case isNow(c):
		now := s.now()
		y, m, d := now.Date()
		v.addInt(civil{year: y, month: int(m), day: d, hour: now.Hour(), minute: now.Minute(), second: now.Second()}.pack())
	case c.DefaultCall:
		v.addCall(c)
	case c.Default != nil:
		if l.cells[i].readText(v, []byte(*c.Default)) != cellOK {
			panic(fmt.Sprintf("store: the checked default of column %s does not convert", c.Name))
		}
	case c.Nullable || c.AutoIncrement:
		v.addNull()
	default:
		l.cells[i].addZero(v)
	}
}

// addZero appends the value a NOT NULL column without default gets when a
// partial update meets a new key, or when the column is added to stored rows.
func (t *cellType) addZero(v *vector) {
	switch {
	case t.Kind == Date || t.Kind == DateTime:
		v.addInt(civil{year: 1970, month: 1, day: 1}.pack())
	case t.Kind == JSON || t.Kind == Map || t.Kind == Struct:
		v.addString("{}")
	case t.Kind == Array:
		v.addString("[]")
	case unions[t.Kind] != "":
		v.addBytes(emptySketch(t.Kind))
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

// maxKeyBytes is the longest encoded key of a Primary Key table.
const maxKeyBytes = 128

// longestKey is the size the key can have at most, encoded.
func (l *layout) longestKey() int {
	n := 0
	for _, k := range l.keys {
		if l.cells[k].storage == asBytes {
			n += 2*l.cells[k].limit + 2 // every byte may have to be doubled
		} else {
			n += l.cells[k].width()
		}
	}
	return n
}

// keyBytes is the size of a key in the encoding of the server: integers at their
// width, text with two closing bytes and its zero bytes doubled unless it is last.
func (l *layout) keyBytes(columns []vector, at []int, i int) int {
	n := 0
	for p, k := range l.keys {
		if at[k] < 0 {
			continue
		}
		v := &columns[at[k]]
		if v.kind != asBytes {
			n += l.cells[k].width()
			continue
		}
		text := v.bytesAt(i)
		n += len(text)
		if p < len(l.keys)-1 {
			n += 2
			for _, c := range text {
				if c == 0 {
					n++
				}
			}
		}
	}
	return n
}
