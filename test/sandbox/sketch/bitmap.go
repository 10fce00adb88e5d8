// Package sketch holds the values of StarRocks' BITMAP, HLL and PERCENTILE columns:
// how they are made, merged, asked and kept as bytes. The bytes are of this
// package's own making; clients never see them.
package sketch

import (
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// errDamaged is what Decode functions say of bytes that no Encode wrote.
var errDamaged = errors.New("the bytes are not those of a sketch of this kind")

// Bitmap is a set of numbers, in ascending order.
type Bitmap []uint64

// ParseBitmap reads numbers parted by commas. Anything else in the text, and the
// empty text, is no bitmap.
func ParseBitmap(text string) (Bitmap, bool) {
	var b Bitmap
	for item := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseUint(strings.TrimSpace(item), 10, 64)
		if err != nil {
			return nil, false
		}
		b = append(b, n)
	}
	slices.Sort(b)
	return slices.Compact(b), true
}

// String returns the numbers parted by commas.
func (b Bitmap) String() string {
	var text []byte
	for i, n := range b {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendUint(text, n, 10)
	}
	return string(text)
}

// Has says whether n is in the set.
func (b Bitmap) Has(n uint64) bool {
	_, ok := slices.BinarySearch(b, n)
	return ok
}

// With returns the set with n added; it may change b.
func (b Bitmap) With(n uint64) Bitmap {
	at, ok := slices.BinarySearch(b, n)
	if ok {
		return b
	}
	return slices.Insert(b, at, n)
}

// merge walks two sets and keeps what keep says of (only in b, in both, only in o).
func (b Bitmap) merge(o Bitmap, left, both, right bool) Bitmap {
	var out Bitmap
	take := func(n uint64, keep bool) {
		if keep {
			out = append(out, n)
		}
	}
	for len(b) > 0 && len(o) > 0 {
		switch {
		case b[0] < o[0]:
			take(b[0], left)
			b = b[1:]
		case b[0] > o[0]:
			take(o[0], right)
			o = o[1:]
		default:
			take(b[0], both)
			b, o = b[1:], o[1:]
		}
	}
	if left {
		out = append(out, b...)
	}
	if right {
		out = append(out, o...)
	}
	return out
}

// Or, And, AndNot and Xor combine two sets into a new one.
func (b Bitmap) Or(o Bitmap) Bitmap     { return b.merge(o, true, true, true) }
func (b Bitmap) And(o Bitmap) Bitmap    { return b.merge(o, false, true, false) }
func (b Bitmap) AndNot(o Bitmap) Bitmap { return b.merge(o, true, false, false) }
func (b Bitmap) Xor(o Bitmap) Bitmap    { return b.merge(o, true, false, true) }

// Encode returns the set as bytes: a mark, and the distances between its numbers.
func (b Bitmap) Encode() []byte {
	out := make([]byte, 1, 1+2*len(b))
	out[0] = 'B'
	last := uint64(0)
	for _, n := range b {
		out = binary.AppendUvarint(out, n-last)
		last = n
	}
	return out
}

// DecodeBitmap is the reverse of Encode.
func DecodeBitmap(raw []byte) (Bitmap, error) {
	if len(raw) == 0 || raw[0] != 'B' {
		return nil, errDamaged
	}
	var b Bitmap
	last := uint64(0)
	for raw = raw[1:]; len(raw) > 0; {
		step, size := binary.Uvarint(raw)
		if size <= 0 || len(b) > 0 && (step == 0 || last+step < last) {
			return nil, errDamaged
		}
		last += step
		b = append(b, last)
		raw = raw[size:]
	}
	return b, nil
}
