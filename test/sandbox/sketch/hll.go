package sketch

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

const (
	hllBits      = 14
	hllRegisters = 1 << hllBits
	hllExplicit  = 160 // hashes kept as they are before registers take over
)

// HLL estimates how many different values were added. Up to 160 it counts exactly.
// The zero value has seen nothing.
type HLL struct {
	hashes    []uint64 // ascending, while there are few
	registers []byte   // nil before
}

// Add adds a value by its bytes.
func (h *HLL) Add(value []byte) { h.addHash(murmur64(value)) }

func (h *HLL) addHash(hash uint64) {
	if h.registers != nil {
		h.raise(hash)
		return
	}
	at, ok := slices.BinarySearch(h.hashes, hash)
	if ok {
		return
	}
	h.hashes = slices.Insert(h.hashes, at, hash)
	if len(h.hashes) > hllExplicit {
		h.spread()
	}
}

func (h *HLL) spread() {
	h.registers = make([]byte, hllRegisters)
	for _, hash := range h.hashes {
		h.raise(hash)
	}
	h.hashes = nil
}

func (h *HLL) raise(hash uint64) {
	i := hash % hllRegisters
	rest := hash>>hllBits | 1<<(64-hllBits) // a sentinel bounds the zeros
	h.registers[i] = max(h.registers[i], byte(bits.TrailingZeros64(rest)+1))
}

// Merge adds all that o has seen.
func (h *HLL) Merge(o *HLL) {
	for _, hash := range o.hashes {
		h.addHash(hash)
	}
	if o.registers == nil {
		return
	}
	if h.registers == nil {
		h.spread()
	}
	for i, r := range o.registers {
		h.registers[i] = max(h.registers[i], r)
	}
}

// Cardinality returns the estimate.
func (h *HLL) Cardinality() int64 {
	if h.registers == nil {
		return int64(len(h.hashes))
	}
	const m = float64(hllRegisters)
	sum, zeros := 0.0, 0
	for _, r := range h.registers {
		sum += math.Ldexp(1, -int(r))
		if r == 0 {
			zeros++
		}
	}
	estimate := 0.7213 / (1 + 1.079/m) * m * m / sum
	if estimate <= 2.5*m && zeros > 0 {
		estimate = m * math.Log(m/float64(zeros))
	}
	return int64(estimate + 0.5)
}

// Encode returns the sketch as bytes.
func (h *HLL) Encode() []byte {
	if h.registers != nil {
		return append([]byte{'R'}, h.registers...)
	}
	out := make([]byte, 1, 1+8*len(h.hashes))
	out[0] = 'H'
	for _, hash := range h.hashes {
		out = binary.LittleEndian.AppendUint64(out, hash)
	}
	return out
}

// DecodeHLL is the reverse of Encode.
func DecodeHLL(raw []byte) (*HLL, error) {
	if len(raw) == 0 {
		return nil, errDamaged
	}
	h, body := &HLL{}, raw[1:]
	switch {
	case raw[0] == 'R' && len(body) == hllRegisters:
		for _, r := range body {
			if r > 64-hllBits+1 {
				return nil, errDamaged
			}
		}
		h.registers = slices.Clone(body)
	case raw[0] == 'H' && len(body)%8 == 0 && len(body) <= 8*hllExplicit:
		for ; len(body) > 0; body = body[8:] {
			h.addHash(binary.LittleEndian.Uint64(body))
		}
	default:
		return nil, errDamaged
	}
	return h, nil
}

// murmur64 is MurmurHash64A with the seed that StarRocks hashes HLL values with.
func murmur64(b []byte) uint64 {
	const m, r, seed = 0xc6a4a7935bd1e995, 47, 0xadc83b19
	h := uint64(seed) ^ uint64(len(b))*m
	for ; len(b) >= 8; b = b[8:] {
		k := binary.LittleEndian.Uint64(b) * m
		k ^= k >> r
		h = (h ^ k*m) * m
	}
	if len(b) > 0 {
		var k uint64
		for i := len(b) - 1; i >= 0; i-- {
			k = k<<8 | uint64(b[i])
		}
		h = (h ^ k) * m
	}
	h ^= h >> r
	h *= m
	return h ^ h>>r
}

// Hash64 is the hash that BITMAP_HASH64 and HLL_HASH take of a value.
func Hash64(value []byte) uint64 { return murmur64(value) }
