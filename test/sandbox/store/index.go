package store

// keyIndex finds the newest row of a key. It is an open hash table whose slots
// hold the upper half of the hash and the row number plus one; the keys
// themselves stay in the columns. Slots are never emptied: a removed row keeps
// its slot, which the next row of the same key takes over.
type keyIndex struct {
	slots []uint64
	used  int
}

func (x *keyIndex) grow() {
	old := x.slots
	x.slots = make([]uint64, max(1024, 2*len(old)))
	for _, s := range old {
		if s != 0 {
			x.place(s)
		}
	}
}

// home is the first slot to try: the stored half of the hash spread over the table.
func (x *keyIndex) home(half uint32) int {
	return int(uint64(half) * uint64(len(x.slots)) >> 32)
}

func (x *keyIndex) place(s uint64) {
	for i := x.home(uint32(s >> 32)); ; {
		if x.slots[i] == 0 {
			x.slots[i] = s
			return
		}
		if i++; i == len(x.slots) {
			i = 0
		}
	}
}

func slotOf(half uint32, row uint32) uint64 { return uint64(half)<<32 + uint64(row) + 1 }

func (l *layout) hashKey(columns []vector, at []int, i int) uint32 {
	var h uint64
	for _, k := range l.keys {
		h = columns[at[k]].hash(i, h)
	}
	return uint32(h >> 32)
}

// find returns the slot of the key of batch row i, and whether it is taken.
func (p *partition) find(b *Batch, i int, half uint32) (slot int, taken bool) {
	x := &p.index
	if 4*(x.used+1) > 3*len(x.slots) {
		x.grow()
	}
	for slot = x.home(half); ; {
		s := x.slots[slot]
		if s == 0 {
			return slot, false
		}
		if uint32(s>>32) == half && p.sameKey(b, i, uint32(s)-1) {
			return slot, true
		}
		if slot++; slot == len(x.slots) {
			slot = 0
		}
	}
}

func (p *partition) sameKey(b *Batch, i int, row uint32) bool {
	ch := p.chunks[row>>chunkBits]
	at := int(row & rowMask)
	for _, k := range b.layout.keys {
		if b.vectors[b.at[k]].compare(i, &ch.columns[k], at) != 0 {
			return false
		}
	}
	return true
}
