package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
)

// pick says which tablets of a partition a view reads.
type pick struct{ want []bool }

// UnknownTablet reports a tablet id the table does not have, or no longer has.
type UnknownTablet struct{ ID int64 }

func (e *UnknownTablet) Error() string { return fmt.Sprintf("Invalid tablet: %d", e.ID) }

// Partitioned narrows the view to the named partitions, or temporary partitions.
// The error is an *UnknownPartition.
func (s *Snapshot) Partitioned(names []string, temporary bool) (*Snapshot, error) {
	n := *s
	n.parts = append([]partView(nil), s.parts...)
	for i := range n.parts {
		n.parts[i].read = false
	}
	for _, name := range names {
		found := false
		for i := range n.parts {
			if v := &n.parts[i]; v.temporary == temporary && strings.EqualFold(v.name, name) {
				v.read, found = true, true
			}
		}
		if !found {
			return nil, &UnknownPartition{Table: s.table.Name(), Name: name}
		}
	}
	n.collect(nil)
	return &n, nil
}

// Tablets narrows the view to tablets. The error is an *UnknownTablet, also for a
// tablet of a partition that is not read.
func (s *Snapshot) Tablets(ids []int64) (*Snapshot, error) {
	n := *s
	n.parts = append([]partView(nil), s.parts...)
	picks := map[int64]*pick{}
	for _, id := range ids {
		found := false
		for i := range n.parts {
			v := &n.parts[i]
			if at := id - v.firstTablet; v.read && at >= 0 && at < int64(v.buckets) {
				p := picks[v.id]
				if p == nil {
					p = &pick{want: make([]bool, v.buckets)}
					picks[v.id] = p
				}
				p.want[at], found = true, true
			}
		}
		if !found {
			return nil, &UnknownTablet{ID: id}
		}
	}
	for i := range n.parts {
		v := &n.parts[i]
		v.read = v.read && picks[v.id] != nil
	}
	n.collect(picks)
	return &n, nil
}

// bucket is the tablet of row i among n: the CRC-32 of the distribution columns'
// values in memory form, times as text, as the real server computes it. Rows of
// a table distributed at random go by its key, so that a row stays where it is.
func (l *layout) bucket(columns []vector, i, n int, scratch []byte) (int, []byte) {
	var h uint32
	for _, c := range l.dist {
		v := &columns[c]
		scratch = scratch[:0]
		t := &l.cells[c]
		switch {
		case v.isNull(i):
			scratch = append(scratch, 0, 0, 0, 0)
		case t.Kind == Date:
			scratch = unpack(v.ints[i]).appendDate(scratch)
		case t.Kind == DateTime:
			scratch = unpack(v.ints[i]).appendDateTime(scratch)
		case v.kind == asInts:
			var word [8]byte
			binary.LittleEndian.PutUint64(word[:], uint64(v.ints[i]))
			scratch = append(scratch, word[:t.width()]...)
		case v.kind == asFloats:
			scratch = binary.LittleEndian.AppendUint64(scratch, math.Float64bits(v.floats[i]))
		case v.kind == asWide:
			var word [16]byte
			binary.LittleEndian.PutUint64(word[:8], v.wides[i].lo)
			binary.LittleEndian.PutUint64(word[8:], uint64(v.wides[i].hi))
			scratch = append(scratch, word[:t.width()]...)
		default:
			scratch = append(scratch, v.bytesAt(i)...)
		}
		h = crc32.Update(h, crc32.IEEETable, scratch)
	}
	return int(h % uint32(n)), scratch
}

// width is the size of a value in the server's memory, in bytes.
func (t *cellType) width() int {
	switch t.Kind {
	case Boolean, TinyInt:
		return 1
	case SmallInt:
		return 2
	case Int:
		return 4
	case LargeInt:
		return 16
	case Decimal:
		switch {
		case t.Precision <= 9:
			return 4
		case t.Precision > 18:
			return 16
		}
	}
	return 8
}
