package store

import "time"

// Every commit adds a version to the tablets it writes. Compaction merges them;
// where it cannot keep up, the server refuses to open a tablet for writing.

const (
	// DefaultMaxVersions is tablet_max_versions of the real server.
	DefaultMaxVersions = 1000
	// defaultCompactEvery is cumulative_compaction_check_interval_seconds.
	defaultCompactEvery = time.Second
	// A real server publishes a table every 10 ms at best, so this many versions
	// took it a second, however quickly they came about here.
	versionsPerSecond = 100
)

// versionCount counts the versions of a partition's tablets that are not merged.
// All tablets of a partition have the same: those a load has no rows for get an
// empty version.
type versionCount struct {
	n      int
	merged time.Time
}

func (v *versionCount) reset(now time.Time) { v.n, v.merged = 1, now }

// settle runs the compaction that is due by now.
func (v *versionCount) settle(now time.Time, every time.Duration) {
	switch {
	case v.n == 1:
		v.merged = now
	case every < 0:
	case now.Sub(v.merged) >= every, every == defaultCompactEvery && v.n > versionsPerSecond:
		v.reset(now)
	}
}

// SetMaxVersions sets tablet_max_versions; 0 means DefaultMaxVersions.
func (s *Store) SetMaxVersions(n int) { s.maxVersions.Store(int64(n)) }

// MaxVersions returns tablet_max_versions.
func (s *Store) MaxVersions() int {
	if n := s.maxVersions.Load(); n > 0 {
		return int(n)
	}
	return DefaultMaxVersions
}

// SetCompactEvery sets how long versions stay unmerged: 0 means the pace of a
// server that keeps up, a negative duration that only Compact merges.
func (s *Store) SetCompactEvery(d time.Duration) { s.compactEvery.Store(int64(d)) }

// CompactEvery returns what SetCompactEvery set, or the pace it stands for.
func (s *Store) CompactEvery() time.Duration {
	if d := s.compactEvery.Load(); d != 0 {
		return time.Duration(d)
	}
	return defaultCompactEvery
}

// TooManyVersions reports a tablet that holds too many versions to be written.
type TooManyVersions struct {
	Tablet         int64
	Current, Limit int
}

func (e *TooManyVersions) Error() string {
	return string(inWords("Failed to load data into tablet %d, because of too many versions, current/limit: %d/%d. "+
		"You can reduce the loading job concurrency, or increase loading data batch size. "+
		"If you are loading data with Routine Load, you can increase FE configs routine_load_task_consume_second and max_routine_load_batch_size,",
		e.Tablet, e.Current, e.Limit).(wording))
}

// CheckVersions says whether the table's tablets can be opened for writing, which
// a server asks before it reads the data of a load. The error is a *TooManyVersions.
func (t *Table) CheckVersions() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.checkVersions(t.partitions)
}

// CheckVersions is Table.CheckVersions for the partitions this batch may write;
// the commit of the batch then does not ask again, as a server does not.
func (b *Batch) CheckVersions() error {
	t := b.table
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.partitions
	if b.only != nil {
		list = b.only
	}
	if err := t.checkVersions(list); err != nil {
		return err
	}
	b.opened = true
	return nil
}

func (t *Table) checkVersions(list []*partition) error {
	now, pace, limit := t.store.now(), t.store.CompactEvery(), t.store.MaxVersions()
	for _, p := range list {
		p.versions.settle(now, pace)
		if p.versions.n > limit {
			return &TooManyVersions{Tablet: p.firstTablet, Current: p.versions.n, Limit: limit}
		}
	}
	return nil
}

// Compact merges the versions of all tablets.
func (t *Table) Compact() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.store.now()
	for _, p := range t.partitions {
		p.versions.reset(now)
		p.reclaim(t.layout.Load())
	}
}

// bump makes a new version of the partition visible.
func (p *partition) bump(now time.Time, pace time.Duration) {
	p.versions.settle(now, pace)
	p.versions.n++
	p.version++
	p.changed = now
}
