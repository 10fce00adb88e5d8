package sqlport

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// A table has one partition, named like the table, and as many tablets as
// buckets. A row's tablet follows from the values of its distribution columns (or
// of its key columns, when the table is distributed at random), so a row stays in
// its tablet whatever is loaded or removed beside it.

const (
	defaultBuckets = 3
	maxTablets     = 9999
)

func numTablets(t *store.Table) int {
	n := t.Schema().Buckets
	if n <= 0 {
		return defaultBuckets
	}
	return min(n, maxTablets)
}

// Ids: the store numbers tables; a table's partition and tablets are numbered
// inside its range.
func partitionID(t *store.Table) int64          { return t.ID() * (maxTablets + 1) }
func tabletID(t *store.Table, bucket int) int64 { return partitionID(t) + int64(bucket) + 1 }

// bucketsOf finds the buckets of tablet ids. An id of another table is an error.
func bucketsOf(t *store.Table, ids []int64) ([]int, error) {
	list := []int{}
	for _, id := range ids {
		b := id - tabletID(t, 0)
		if b < 0 || b >= int64(numTablets(t)) {
			return nil, wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Invalid tablet: %d.", id)
		}
		if !slices.Contains(list, int(b)) {
			list = append(list, int(b))
		}
	}
	return list, nil
}

// tabletMark separates a table's name from its tablet list in the one name the
// engine sees. It cannot be typed in a statement that passed the rewriter.
const tabletMark = "\x01tablet:"

func tabletName(table string, ids []int64) string {
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = strconv.FormatInt(id, 10)
	}
	return table + tabletMark + strings.Join(parts, ",")
}

// splitTabletName undoes tabletName; ids are nil for a plain name.
func splitTabletName(name string) (string, []int64, error) {
	table, list, marked := strings.Cut(name, tabletMark)
	if !marked {
		return name, nil, nil
	}
	ids := []int64{}
	for _, p := range strings.Split(list, ",") {
		id, err := strconv.ParseInt(p, 10, 64)
		if err != nil {
			return table, nil, fmt.Errorf("tablet id %q: %w", p, err)
		}
		ids = append(ids, id)
	}
	return table, ids, nil
}

// distribution returns the columns whose values decide over a row's tablet.
func distribution(t *store.Table) []int {
	s := t.Schema()
	names := s.DistributedBy
	if len(names) == 0 {
		names = s.Keys
	}
	var cols []int
	for _, n := range names {
		cols = append(cols, s.Index(n))
	}
	return cols
}

// bucketFilter picks rows by tablet. It reads the distribution columns behind
// the first skip values of a row.
type bucketFilter struct {
	columns []int
	skip    int
	n       uint64
	want    []bool
	scratch []byte
}

func newBucketFilter(t *store.Table, buckets []int, skip int) *bucketFilter {
	f := &bucketFilter{columns: distribution(t), skip: skip, n: uint64(numTablets(t))}
	f.want = make([]bool, f.n)
	for _, b := range buckets {
		f.want[b] = true
	}
	return f
}

func (f *bucketFilter) has(row []any) bool { return f.want[f.bucket(row)] }

func (f *bucketFilter) bucket(row []any) uint64 {
	h := uint64(fnvOffset)
	for _, v := range row[f.skip:] {
		switch v := v.(type) {
		case nil:
			f.scratch = append(f.scratch[:0], 0)
		case int64:
			f.scratch = strconv.AppendInt(f.scratch[:0], v, 10)
		case string:
			f.scratch = append(f.scratch[:0], v...)
		case []byte:
			f.scratch = append(f.scratch[:0], v...)
		case *big.Int:
			f.scratch = v.Append(f.scratch[:0], 10)
		default:
			f.scratch = fmt.Append(f.scratch[:0], v)
		}
		for _, c := range f.scratch {
			h = (h ^ uint64(c)) * fnvPrime
		}
		h = (h ^ 0xff) * fnvPrime // ends the value
	}
	h ^= h >> 32
	return h % f.n
}

// FNV-1a in 64 bits.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// tabletRows counts the rows of every tablet of a table.
func tabletRows(t *store.Table) []int64 {
	f := newBucketFilter(t, nil, 0)
	counts := make([]int64, f.n)
	cur := t.Snapshot().Cursor(f.columns)
	row := make([]any, len(f.columns))
	for cur.Next(row) {
		counts[f.bucket(row)]++
	}
	return counts
}
