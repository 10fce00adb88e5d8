package store

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
	// commit that touched it.
	Version int64
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

// Partitions lists the partitions in the order of their ranges, or of their making.
// Counting the rows of tablets reads the distribution columns of the whole table.
func (t *Table) Partitions() []PartitionInfo {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.schema.Buckets
	if n <= 0 {
		n = DefaultBuckets
	}
	n = min(n, maxTablets)
	p := PartitionInfo{ID: t.id * (maxTablets + 1), Name: t.name, Version: t.version, Rows: t.live, Buckets: n}
	for i := range n {
		p.Tablets = append(p.Tablets, TabletInfo{ID: p.ID + int64(i) + 1, Version: t.version, Versions: 1})
	}
	return []PartitionInfo{p}
}
