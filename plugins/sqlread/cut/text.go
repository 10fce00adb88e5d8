package cut

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// texts gives points between two texts. They are cut as numbers of base 256: the eight bytes after the prefix that both
// have in common. A point ends where a character ends, so that it is a text itself, and before any control character,
// which some servers do not take in a statement. What a point holds behind the common prefix is at most the character most: a
// server may refuse to compare a column with characters that it cannot hold.
func texts(low, high string, n int, most rune) []string {
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
		p := legible(high[:same]+string(digits[:]), same, most)
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

// The last characters of ASCII, and of the plane that character sets of up to three bytes hold.
const (
	lastASCII = 0x7f
	lastBasic = 0xffff
)

// legible is the longest beginning of s that is valid text without control characters, and without characters beyond most
// that end behind the first known bytes.
func legible(s string, known int, most rune) string {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size <= 1 || r < ' ' || r == 0x7f || r > most && i+size > known {
			return s[:i]
		}
		i += size
	}
	return s
}
