package store

import (
	"math"
	"strconv"
	"unsafe"
)

func trimBlanks(s []byte) []byte {
	for len(s) > 0 && isBlank(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isBlank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// parseInt reads a decimal integer of at most 64 bits within [low, high].
func parseInt(s []byte, low, high int64) (int64, bool) {
	s = trimBlanks(s)
	negative := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	if len(s) == 0 {
		return 0, false
	}
	var u uint64
	for i, c := range s {
		d := uint64(c - '0')
		if d > 9 {
			return 0, false
		}
		if i >= 18 && u > (math.MaxUint64-d)/10 {
			return 0, false
		}
		u = u*10 + d
	}
	if negative {
		if u > 1<<63 {
			return 0, false
		}
		v := -int64(u)
		return v, v >= low
	}
	if u > uint64(high) {
		return 0, false
	}
	return int64(u), true
}

// bounds returns the range of an integer kind.
func bounds(k Kind) (low, high int64) {
	switch k {
	case TinyInt:
		return math.MinInt8, math.MaxInt8
	case SmallInt:
		return math.MinInt16, math.MaxInt16
	case Int:
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}

// parseFloat reads decimal and exponent notation only; what rounds to infinity fails.
func parseFloat(s []byte, k Kind) (float64, bool) {
	s = trimBlanks(s)
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
		default:
			return 0, false
		}
	}
	size := 64
	if k == Float {
		size = 32
	}
	v, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(s), len(s)), size)
	return v, err == nil
}

// formatFloat gives the shortest decimal text that reads back as the same value.
func formatFloat(v float64, size int) string {
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-4 || a >= 1e16) {
		format = 'e'
	}
	return strconv.FormatFloat(v, format, -1, size)
}

func parseWide(s []byte) (int128, bool) {
	s = trimBlanks(s)
	negative := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	if len(s) == 0 {
		return int128{}, false
	}
	var m magnitude
	for _, c := range s {
		if c < '0' || c > '9' {
			return int128{}, false
		}
		var ok bool
		if m, ok = m.mulAdd(c - '0'); !ok {
			return int128{}, false
		}
	}
	return m.signed(negative)
}

type decimalResult int

const (
	decimalOK decimalResult = iota
	decimalBad
	decimalTooLarge
)

// parseDecimal reads plain or exponent notation into an unscaled value, digits
// beyond the scale rounded half away from zero.
func parseDecimal(s []byte, precision, scale int) (int128, decimalResult) {
	s = trimBlanks(s)
	negative := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	mantissa, exponent := s, 0
	for i, c := range s {
		if c == 'e' || c == 'E' {
			e, ok := parseInt(s[i+1:], -100000, 100000)
			if !ok || i+1 < len(s) && isBlank(s[i+1]) {
				return int128{}, decimalBad
			}
			mantissa, exponent = s[:i], int(e)
			break
		}
	}
	digits, point := 0, -1
	for i, c := range mantissa {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' && point < 0:
			point = i
		default:
			return int128{}, decimalBad
		}
	}
	if digits == 0 {
		return int128{}, decimalBad
	}
	whole := digits // digits before the point
	if point >= 0 {
		whole = point
	}
	keep := whole + exponent + scale // how many digits of the mantissa survive
	var m magnitude
	seen := 0
	roundUp := false
	for _, c := range mantissa {
		if c == '.' {
			continue
		}
		if seen == keep {
			roundUp = c >= '5'
		}
		if seen++; seen > keep {
			break
		}
		var ok bool
		if m, ok = m.mulAdd(c - '0'); !ok {
			return int128{}, decimalTooLarge
		}
	}
	for ; seen < keep && m != (magnitude{}); seen++ {
		var ok bool
		if m, ok = m.mulAdd(0); !ok {
			return int128{}, decimalTooLarge
		}
	}
	if roundUp {
		m = m.inc()
	}
	if !m.less(powersOfTen[precision]) {
		return int128{}, decimalTooLarge
	}
	v, _ := m.signed(negative)
	return v, decimalOK
}
