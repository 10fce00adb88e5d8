package store

import (
	"math/big"
	"math/bits"
)

// int128 is a two's complement 128-bit integer, the storage of LARGEINT and of
// unscaled DECIMAL values.
type int128 struct {
	hi int64
	lo uint64
}

func (a int128) cmp(b int128) int {
	switch {
	case a.hi < b.hi || a.hi == b.hi && a.lo < b.lo:
		return -1
	case a == b:
		return 0
	}
	return 1
}

// add wraps around on overflow, as the aggregate does on the real server.
func (a int128) add(b int128) int128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	return int128{hi: int64(uint64(a.hi) + uint64(b.hi) + carry), lo: lo}
}

func (a int128) neg() int128 {
	return int128{hi: ^a.hi, lo: ^a.lo}.add(int128{lo: 1})
}

// magnitude is an unsigned 128-bit integer under construction from digits.
type magnitude struct{ hi, lo uint64 }

// mulAdd returns m*10+digit; ok is false when it does not fit.
func (m magnitude) mulAdd(digit byte) (magnitude, bool) {
	hiOver, hi := bits.Mul64(m.hi, 10)
	carry, lo := bits.Mul64(m.lo, 10)
	lo, c := bits.Add64(lo, uint64(digit), 0)
	hi, c2 := bits.Add64(hi, carry, c)
	return magnitude{hi, lo}, hiOver == 0 && c2 == 0
}

func (m magnitude) less(o magnitude) bool {
	return m.hi < o.hi || m.hi == o.hi && m.lo < o.lo
}

func (m magnitude) inc() magnitude {
	lo, c := bits.Add64(m.lo, 1, 0)
	return magnitude{m.hi + c, lo}
}

// signed gives the value with its sign; ok is false outside of 128 bits.
func (m magnitude) signed(negative bool) (int128, bool) {
	v := int128{hi: int64(m.hi), lo: m.lo}
	if m.hi>>63 == 0 {
		if negative {
			v = v.neg()
		}
		return v, true
	}
	return v, negative && m.hi == 1<<63 && m.lo == 0
}

func (a int128) abs() (magnitude, bool) {
	if a.hi < 0 {
		n := a.neg()
		return magnitude{uint64(n.hi), n.lo}, true
	}
	return magnitude{uint64(a.hi), a.lo}, false
}

// appendDigits appends the decimal digits of m, at least width of them.
func (m magnitude) appendDigits(dst []byte, width int) []byte {
	var buf [40]byte
	i := len(buf)
	for m.hi != 0 || m.lo != 0 {
		q, r := bits.Div64(0, m.hi, 10)
		lo, rem := bits.Div64(r, m.lo, 10)
		m = magnitude{q, lo}
		i--
		buf[i] = byte('0' + rem)
	}
	for len(buf)-i < width {
		i--
		buf[i] = '0'
	}
	return append(dst, buf[i:]...)
}

// appendDecimal appends the value with scale digits after the point.
func (a int128) appendDecimal(dst []byte, scale int) []byte {
	m, negative := a.abs()
	if negative {
		dst = append(dst, '-')
	}
	dst = m.appendDigits(dst, scale+1)
	if scale == 0 {
		return dst
	}
	dst = append(dst, 0)
	point := len(dst) - 1 - scale
	copy(dst[point+1:], dst[point:len(dst)-1])
	dst[point] = '.'
	return dst
}

func (a int128) bigInt() *big.Int {
	v := new(big.Int).SetInt64(a.hi)
	v.Lsh(v, 64)
	return v.Add(v, new(big.Int).SetUint64(a.lo))
}

var minWide = new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 127))

func wideFromBig(v *big.Int) (int128, bool) {
	if v.BitLen() > 127 && v.Cmp(minWide) != 0 {
		return int128{}, false
	}
	abs := new(big.Int).Abs(v)
	m := magnitude{hi: new(big.Int).Rsh(abs, 64).Uint64(), lo: new(big.Int).And(abs, maxLow).Uint64()}
	return m.signed(v.Sign() < 0)
}

var maxLow = new(big.Int).SetUint64(^uint64(0))

// powersOfTen[i] is 10^i; 10^38 still fits in 127 bits.
var powersOfTen = func() (p [MaxDecimalPrecision + 1]magnitude) {
	p[0] = magnitude{lo: 1}
	for i := 1; i < len(p); i++ {
		p[i], _ = p[i-1].mulAdd(0)
	}
	return p
}()
