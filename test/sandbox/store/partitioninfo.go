package store

import "time"

// TabletInfo describes one tablet: one bucket of one partition. Ids of tablets
// change when the partition is truncated or replaced and when a schema change
// rewrites the table.
type TabletInfo struct {
	ID    int64
	Rows  int64
	Bytes int64
	// Version is the newest version the tablet holds; Versions counts those not
	// merged by a compaction yet, which is what tablet_max_versions limits.
	Version  int64
	Versions int
}

// PartitionInfo describes one partition. A table without PARTITION BY has one,
// named like the table.
type PartitionInfo struct {
	ID        int64
	Name      string
	Temporary bool
	// Version is the visible version: 1 for a new partition, one more with every
	// commit that touched it, at Changed.
	Version int64
	Changed time.Time
	Rows    int64
	Bytes   int64
	// Range is the text of SHOW PARTITIONS for a range partition, such as
	// "[types: [DATE]; keys: [2024-01-01]; ..types: [DATE]; keys: [2024-01-02]; )";
	// Values the text for a list partition, such as "('a', 'b')". The other one
	// is empty, both are for a table without PARTITION BY.
	Range, Values string
	Buckets       int
	Tablets       []TabletInfo
}

// DefaultBuckets is the number of tablets of a partition when the table names none.
const DefaultBuckets = 3

const maxTablets = 9999

// Partitions lists the partitions in the order of their ranges, or of their making,
// temporary ones last. Counting the rows of tablets reads the distribution columns
// of the whole table.
func (t *Table) Partitions() []PartitionInfo {
	s := t.Snapshot()
	t.mu.Lock()
	now, pace := t.store.now(), t.store.CompactEvery()
	var order []*partition
	if t.router != nil && t.router.lists == nil {
		order = append(order, t.router.ranges...)
	} else {
		order = t.standing()
	}
	for _, p := range t.partitions {
		if p.temporary {
			order = append(order, p)
		}
	}
	infos := make([]PartitionInfo, len(order))
	for i, p := range order {
		p.versions.settle(now, pace)
		info := PartitionInfo{ID: p.id, Name: p.name, Temporary: p.temporary, Version: p.version, Changed: p.changed,
			Rows: p.live, Bytes: p.dataBytes(), Buckets: p.buckets}
		if p.shape.list {
			info.Values = p.shape.text
		} else {
			info.Range = p.shape.text
		}
		for b := range p.buckets {
			info.Tablets = append(info.Tablets, TabletInfo{ID: p.firstTablet + int64(b), Version: p.version, Versions: p.versions.n})
		}
		infos[i] = info
	}
	t.mu.Unlock()
	s.countTablets(infos)
	return infos
}

// Buckets is the number of tablets a new partition of the table gets.
func (t *Table) Buckets() int { return t.layout.Load().buckets() }

func (s *Snapshot) countTablets(infos []PartitionInfo) {
	var scratch []byte
	for i := range infos {
		info := &infos[i]
		for p := range s.parts {
			v := &s.parts[p]
			if v.id != info.ID || v.buckets != info.Buckets {
				continue
			}
			info.Rows = v.rows
			for c := range v.chunks {
				ch := &v.chunks[c]
				for r := range ch.rows {
					if !ch.isDeleted(r) {
						var b int
						b, scratch = s.layout.bucket(ch.columns, r, v.buckets, scratch)
						info.Tablets[b].Rows++
					}
				}
			}
			if v.rows > 0 {
				for b := range info.Tablets {
					info.Tablets[b].Bytes = info.Bytes * info.Tablets[b].Rows / v.rows
				}
			}
		}
	}
}

// dataBytes is the size of the values of the live rows, taking all rows as equally wide.
func (p *partition) dataBytes() int64 {
	var n int64
	for _, ch := range p.chunks {
		for c := range ch.columns {
			n += ch.columns[c].dataBytes()
		}
	}
	if p.live+p.dead == 0 {
		return 0
	}
	return n * p.live / (p.live + p.dead)
}

func (v *vector) dataBytes() int64 {
	return int64(len(v.ints)*8 + len(v.floats)*8 + len(v.wides)*16 + len(v.arena) + len(v.ends)*8 + len(v.nulls))
}
