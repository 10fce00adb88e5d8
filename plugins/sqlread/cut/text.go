package cut

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// texts gives points between two texts. They are cut as numbers of base 256: the eight bytes after the prefix that both
// have in common. A point ends where a character ends, so that it is a text itself, and before any control character,
// which some servers do not take in a statement.
func texts(low, high string, n int) []string {
	if low >= high {
		return nil // by a collation, low may well be the greater of the two
	}
	same := 0
	for same < len(low) && low[same] == high[same] {
		same++
	}
	lo, hi := window(low[same:]), window(high[same:])
	if hi == 0 { // high has nothing but zero bytes there
		return nil
	}
	var out []string
	last := low
	for i := 1; i < n; i++ {
		whole, part := bits.Mul64(hi-lo, uint64(i))
		step, _ := bits.Div64(whole, part, uint64(n))
		var digits [8]byte
		binary.BigEndian.PutUint64(digits[:], lo+step)
		p := legible(high[:same] + string(digits[:]))
		if p > last && p <= high {
			out = append(out, p)
			last = p
		}
	}
	return out
}

// window is the first eight bytes as a number.
func window(s string) uint64 {
	var b [8]byte
	copy(b[:], s)
	return binary.BigEndian.Uint64(b[:])
}

// legible is the longest beginning of s that is valid text without control characters.
func legible(s string) string {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size <= 1 || r < ' ' || r == 0x7f {
			return s[:i]
		}
		i += size
	}
	return s
}
