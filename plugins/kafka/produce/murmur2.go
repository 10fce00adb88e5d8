package produce

import "encoding/binary"

// Murmur2 is the hash by which clients of Kafka in all languages agree where a key lives: MurmurHash2 of 32 bits, by Austin
// Appleby, with the seed 0x9747b28c.
func Murmur2(key []byte) uint32 {
	const m, r, seed = 0x5bd1e995, 24, 0x9747b28c
	h := seed ^ uint32(len(key))
	for len(key) >= 4 {
		k := binary.LittleEndian.Uint32(key) * m
		h = h*m ^ (k^k>>r)*m
		key = key[4:]
	}
	if len(key) > 0 {
		for i, b := range key {
			h ^= uint32(b) << (8 * i)
		}
		h *= m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}

// PartitionOf is the partition of a key among n of them, as Java's default partitioner picks it: the hash without its sign.
func PartitionOf(key []byte, n int) int32 {
	return int32(Murmur2(key) & 0x7fffffff % uint32(n))
}
