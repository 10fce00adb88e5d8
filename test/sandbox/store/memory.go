package store

// Memory says what the rows of a table hold of the machine's memory, in bytes.
type Memory struct {
	Rows    int64 // visible ones
	Values  int64 // of all columns, with rows replaced or removed and room to grow
	Index   int64 // of the keys
	Removed int64 // bitmaps of rows replaced or removed
}

// Total is all of it.
func (m Memory) Total() int64 { return m.Values + m.Index + m.Removed }

// PerRow is the total over the visible rows, 0 for an empty table.
func (m Memory) PerRow() float64 {
	if m.Rows == 0 {
		return 0
	}
	return float64(m.Total()) / float64(m.Rows)
}

// Memory measures the table, temporary partitions too. What only snapshots still
// hold is not in it.
func (t *Table) Memory() Memory {
	t.mu.Lock()
	defer t.mu.Unlock()
	var m Memory
	for _, p := range t.partitions {
		m.Rows += p.live
		m.Index += int64(8 * cap(p.index.slots))
		for _, ch := range p.chunks {
			m.Removed += int64(8 * cap(ch.deleted))
			for c := range ch.columns {
				m.Values += ch.columns[c].memory()
			}
		}
	}
	return m
}

func (v *vector) memory() int64 {
	return int64(8*cap(v.ints) + 8*cap(v.floats) + 16*cap(v.wides) + 8*cap(v.ends) + cap(v.arena) + cap(v.nulls))
}
