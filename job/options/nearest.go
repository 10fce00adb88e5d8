package options

import "strings"

// Nearest returns the one of known that name most likely meant: first by letters alone, whatever their case
// and separators (splitPK, split_pk), then by the fewest slips of the hand. ok is false when nothing is close.
func Nearest(name string, known []string) (best string, ok bool) {
	for _, same := range []func(string) string{strings.ToLower, bare} {
		for _, k := range known {
			if same(k) == same(name) {
				return k, true
			}
		}
	}
	lowered := []rune(strings.ToLower(name))
	least := max(1, len(lowered)/3) + 1
	for _, k := range known {
		if d := slips(lowered, []rune(strings.ToLower(k))); d < least {
			best, least, ok = k, d, true
		}
	}
	return best, ok
}

// bare reduces a key to its letters and digits.
func bare(key string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == '.' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(key))
}

// slips counts the letters to add, drop, change or swap with a neighbour to turn a into b.
func slips(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
