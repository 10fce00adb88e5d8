package store

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"math"
	"math/bits"
	"slices"
	"unsafe"
)

type storage uint8

const (
	asInts   storage = iota // whole numbers, booleans, packed dates and times
	asFloats                // FLOAT and DOUBLE
	asWide                  // LARGEINT and unscaled DECIMAL
	asBytes                 // everything that is text or bytes
)

func storageOf(k Kind) storage {
	switch k {
	case Boolean, TinyInt, SmallInt, Int, BigInt, Date, DateTime:
		return asInts
	case Float, Double:
		return asFloats
	case LargeInt, Decimal:
		return asWide
	}
	return asBytes
}

// vector holds the values of one column. Elements below n never change once
// the vector belongs to a table, which is what lets snapshots share them.
type vector struct {
	kind   storage
	n      int
	nulls  []bool // nil while no value is NULL
	ints   []int64
	floats []float64
	wides  []int128
	ends   []int // end of each value in arena
	arena  []byte
}

func (v *vector) added(null bool) {
	v.n++
	if v.nulls != nil {
		v.nulls = append(v.nulls, null)
	} else if null {
		v.nulls = make([]bool, v.n, max(2*v.n, 64))
		v.nulls[v.n-1] = true
	}
}

func (v *vector) addNull() {
	switch v.kind {
	case asInts:
		v.ints = append(v.ints, 0)
	case asFloats:
		v.floats = append(v.floats, 0)
	case asWide:
		v.wides = append(v.wides, int128{})
	default:
		v.ends = append(v.ends, len(v.arena))
	}
	v.added(true)
}

func (v *vector) addInt(x int64) {
	v.ints = append(v.ints, x)
	v.added(false)
}

func (v *vector) addFloat(x float64) {
	v.floats = append(v.floats, x)
	v.added(false)
}

func (v *vector) addWide(x int128) {
	v.wides = append(v.wides, x)
	v.added(false)
}

func (v *vector) addBytes(b []byte) {
	v.arena = append(v.arena, b...)
	v.closeBytes()
}

func (v *vector) addString(s string) {
	v.arena = append(v.arena, s...)
	v.closeBytes()
}

// closeBytes makes what was appended to the arena since the last value the next value.
func (v *vector) closeBytes() {
	v.ends = append(v.ends, len(v.arena))
	v.added(false)
}

func (v *vector) isNull(i int) bool { return v.nulls != nil && v.nulls[i] }

func (v *vector) bytesAt(i int) []byte {
	start := 0
	if i > 0 {
		start = v.ends[i-1]
	}
	return v.arena[start:v.ends[i]:v.ends[i]]
}

// stringAt shares the arena: its bytes below the last end are never written again.
func (v *vector) stringAt(i int) string {
	b := v.bytesAt(i)
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// cut drops all values from n on. Only a batch may do this to its own vectors.
func (v *vector) cut(n int) {
	if n >= v.n {
		return
	}
	switch v.kind {
	case asInts:
		v.ints = v.ints[:n]
	case asFloats:
		v.floats = v.floats[:n]
	case asWide:
		v.wides = v.wides[:n]
	default:
		v.ends = v.ends[:n]
		end := 0
		if n > 0 {
			end = v.ends[n-1]
		}
		v.arena = v.arena[:end]
	}
	if v.nulls != nil {
		v.nulls = v.nulls[:n]
	}
	v.n = n
}

func (v *vector) addFrom(o *vector, i int) {
	if o.isNull(i) {
		v.addNull()
		return
	}
	switch v.kind {
	case asInts:
		v.addInt(o.ints[i])
	case asFloats:
		v.addFloat(o.floats[i])
	case asWide:
		v.addWide(o.wides[i])
	default:
		v.addBytes(o.bytesAt(i))
	}
}

// addRange appends values from..to-1 of o.
func (v *vector) addRange(o *vector, from, to int) {
	switch v.kind {
	case asInts:
		v.ints = append(v.ints, o.ints[from:to]...)
	case asFloats:
		v.floats = append(v.floats, o.floats[from:to]...)
	case asWide:
		v.wides = append(v.wides, o.wides[from:to]...)
	default:
		start := 0
		if from > 0 {
			start = o.ends[from-1]
		}
		shift := len(v.arena) - start
		v.arena = append(v.arena, o.arena[start:o.ends[to-1]]...)
		for _, e := range o.ends[from:to] {
			v.ends = append(v.ends, e+shift)
		}
	}
	before := v.n
	v.n += to - from
	if o.nulls != nil && v.nulls == nil {
		v.nulls = make([]bool, before, max(v.n, 64))
	}
	if o.nulls != nil {
		v.nulls = append(v.nulls, o.nulls[from:to]...)
	} else if v.nulls != nil {
		v.nulls = append(v.nulls, make([]bool, to-from)...)
	}
}

// takeRange makes values from..to-1 of o those of v, which has none, without copying
// them. o is given up with it; the range that reaches its end may grow in its memory.
// Ranges are taken in order: start is where the first value begins in the arena, and
// what is returned where the next range does.
func (v *vector) takeRange(o *vector, from, to, start int) (end int) {
	last := to == o.n
	switch v.kind {
	case asInts:
		v.ints = cutOut(o.ints, from, to, last)
	case asFloats:
		v.floats = cutOut(o.floats, from, to, last)
	case asWide:
		v.wides = cutOut(o.wides, from, to, last)
	default:
		end = o.ends[to-1]
		v.arena, v.ends = cutOut(o.arena, start, end, last), cutOut(o.ends, from, to, last)
		for i := range v.ends {
			v.ends[i] -= start
		}
	}
	if o.nulls != nil {
		v.nulls = cutOut(o.nulls, from, to, last)
	}
	v.n = to - from
	return end
}

func cutOut[T any](list []T, from, to int, open bool) []T {
	if open {
		return list[from:to]
	}
	return list[from:to:to]
}

// reserve makes room for rows values in all, of the size of those there are.
func (v *vector) reserve(rows int) {
	more := rows - v.n
	switch v.kind {
	case asInts:
		v.ints = slices.Grow(v.ints, more)
	case asFloats:
		v.floats = slices.Grow(v.floats, more)
	case asWide:
		v.wides = slices.Grow(v.wides, more)
	default:
		v.ends = slices.Grow(v.ends, more)
		v.arena = slices.Grow(v.arena, int(float64(len(v.arena))/float64(v.n)*float64(more)))
	}
	if v.nulls != nil {
		v.nulls = slices.Grow(v.nulls, more)
	}
}

// size is what the values take, in bytes.
func (v *vector) size() int {
	return 8*len(v.ints) + 8*len(v.floats) + 16*len(v.wides) + 8*len(v.ends) + len(v.arena) + len(v.nulls)
}

// compare orders two values of the same column; NULL sorts first.
func (v *vector) compare(i int, o *vector, j int) int {
	a, b := v.isNull(i), o.isNull(j)
	switch {
	case a && b:
		return 0
	case a:
		return -1
	case b:
		return 1
	}
	switch v.kind {
	case asInts:
		return cmp.Compare(v.ints[i], o.ints[j])
	case asFloats:
		return cmp.Compare(v.floats[i], o.floats[j])
	case asWide:
		return v.wides[i].cmp(o.wides[j])
	}
	return bytes.Compare(v.bytesAt(i), o.bytesAt(j))
}

var hashSeed = maphash.MakeSeed()

func mix(h, x uint64) uint64 {
	hi, lo := bits.Mul64(h^x^0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9)
	return hi ^ lo
}

// hash folds value i into h.
func (v *vector) hash(i int, h uint64) uint64 {
	if v.isNull(i) {
		return mix(h, 0x5bd1e995)
	}
	switch v.kind {
	case asInts:
		return mix(h, uint64(v.ints[i]))
	case asFloats:
		return mix(h, math.Float64bits(v.floats[i]))
	case asWide:
		return mix(mix(h, uint64(v.wides[i].hi)), v.wides[i].lo)
	}
	return mix(h, maphash.Bytes(hashSeed, v.bytesAt(i)))
}
