package store

import "time"

const (
	chunkBits = 16
	chunkRows = 1 << chunkBits
	rowMask   = chunkRows - 1
)

// chunk holds up to chunkRows rows of a partition, all columns of them.
type chunk struct {
	rows    int
	columns []vector
	// deleted has a bit for every row that was replaced or removed; nil
	// while there is none. shared means a snapshot reads the same bitmap, so
	// it is copied before the next change.
	deleted []uint64
	shared  bool
}

func (c *chunk) isDeleted(i int) bool {
	return c.deleted != nil && c.deleted[i>>6]&(1<<(i&63)) != 0
}

func (c *chunk) remove(i int) {
	if c.deleted == nil {
		c.deleted = make([]uint64, chunkRows/64)
	} else if c.shared {
		c.deleted = append([]uint64(nil), c.deleted...)
	}
	c.shared = false
	c.deleted[i>>6] |= 1 << (i & 63)
}

// partition holds the rows of one partition. The table's lock guards all of it but
// id, which never changes.
type partition struct {
	id        int64
	name      string
	temporary bool
	automatic bool // made by a load
	shape     shape
	def       PartitionDef

	buckets     int
	firstTablet int64 // the others follow; a schema change gives new ones

	version  int64
	changed  time.Time // when version became visible
	versions versionCount

	chunks []*chunk
	live   int64
	dead   int64
	index  keyIndex
}

func (t *Table) newPartition(l *layout, d PartitionDef, sh shape) *partition {
	p := &partition{id: t.store.nextID.Add(1), name: d.Name, def: d, shape: sh, buckets: l.buckets(), version: 1, changed: t.store.now()}
	if d.Buckets > 0 {
		p.buckets = min(d.Buckets, maxTablets)
	}
	p.versions.reset(p.changed)
	t.newTablets(p)
	return p
}

func (t *Table) newTablets(p *partition) {
	p.firstTablet = t.store.nextID.Add(int64(p.buckets)) - int64(p.buckets) + 1
}

// tail returns a chunk with room for at least one row.
func (p *partition) tail(l *layout) *chunk {
	if n := len(p.chunks); n > 0 && p.chunks[n-1].rows < chunkRows {
		return p.chunks[n-1]
	}
	c := &chunk{columns: make([]vector, len(l.cells))}
	for i := range c.columns {
		c.columns[i].kind = l.cells[i].storage
	}
	p.chunks = append(p.chunks, c)
	return c
}

func (p *partition) empty() {
	p.chunks, p.live, p.dead = nil, 0, 0
	p.index = keyIndex{}
}

// reclaim rewrites the partition once more than half of its rows are dead.
// Snapshots keep the chunks they hold.
func (p *partition) reclaim(l *layout) {
	if p.dead < chunkRows || p.dead <= p.live {
		return
	}
	old := p.chunks
	p.chunks = nil
	p.dead = 0
	p.index = keyIndex{}
	for _, from := range old {
		for i := range from.rows {
			if from.isDeleted(i) {
				continue
			}
			ch := p.tail(l)
			for c := range ch.columns {
				ch.columns[c].addFrom(&from.columns[c], i)
			}
			ch.rows++
		}
	}
	p.reindex(l)
}

// reindex builds the key index anew from the live rows.
func (p *partition) reindex(l *layout) {
	p.index = keyIndex{}
	if !l.keyed() {
		return
	}
	own := make([]int, len(l.cells))
	for i := range own {
		own[i] = i
	}
	for n, ch := range p.chunks {
		for i := range ch.rows {
			if ch.isDeleted(i) {
				continue
			}
			if 4*(p.index.used+1) > 3*len(p.index.slots) {
				p.index.grow()
			}
			p.index.place(slotOf(l.hashKey(ch.columns, own, i), uint32(n<<chunkBits+i)))
			p.index.used++
		}
	}
}
