// Package literal writes typed values as the JSON text that targets read: dates and times as wall clock, decimals with all
// their digits, bytes as text. It appends and allocates nothing.
package literal

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gx-etl/gx/plugins/sdk/jsontext"
)

// Style is what users may choose. The zero value writes bytes in base64 and instants in UTC.
type Style struct {
	Hex  bool           // bytes as hexadecimal digits
	Zone *time.Location // in which instants are shown; nil is UTC
}

// Text adds a JSON string; false: s is no UTF-8.
func Text(dst, s []byte) ([]byte, bool) {
	if !utf8.Valid(s) {
		return dst, false
	}
	return jsontext.Append(dst, s), true
}

// Bytes adds bytes as a JSON string.
func (s *Style) Bytes(dst, b []byte) []byte {
	dst = append(dst, '"')
	if s.Hex {
		dst = hex.AppendEncode(dst, b)
	} else {
		dst = base64.StdEncoding.AppendEncode(dst, b)
	}
	return append(dst, '"')
}

// Float adds a number with as many digits as bits need; false: it is NaN or infinite, which JSON cannot say.
func Float(dst []byte, f float64, bits int) ([]byte, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, false
	}
	form := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		form = 'e'
	}
	return strconv.AppendFloat(dst, f, form, -1, bits), true
}

// Decimal adds, in quotes, the number whose digits are the two's complement b, most significant byte first, with scale of
// them behind the point.
func Decimal(dst, b []byte, scale int) []byte {
	var digits [20]byte
	var d []byte
	negative := len(b) > 0 && b[0]&0x80 != 0
	if len(b) <= 8 {
		n := uint64(0)
		if negative {
			n = math.MaxUint64
		}
		for _, c := range b {
			n = n<<8 | uint64(c)
		}
		if negative {
			n = -n
		}
		d = strconv.AppendUint(digits[:0], n, 10)
	} else {
		n := new(big.Int).SetBytes(b)
		if negative {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
			n.Neg(n)
		}
		d = n.Append(nil, 10)
	}
	dst = append(dst, '"')
	if negative {
		dst = append(dst, '-')
	}
	whole := len(d) - scale
	if whole <= 0 {
		dst = append(dst, '0')
	} else {
		dst = append(dst, d[:whole]...)
	}
	if scale > 0 {
		dst = append(dst, '.')
		for ; whole < 0; whole++ {
			dst = append(dst, '0')
		}
		dst = append(dst, d[whole:]...)
	}
	return append(dst, '"')
}

// Days since 1970 of 0000-01-01 and of the first day past 9999-12-31.
const (
	firstDay      = -719528
	pastLastDay   = 2932897
	secondsPerDay = 24 * 60 * 60
)

// Date adds the day that is days after 1970-01-01; false: its year is not 0 to 9999.
func Date(dst []byte, days int64) ([]byte, bool) {
	if days < firstDay || days >= pastLastDay {
		return dst, false
	}
	dst = append(dst, '"')
	dst = day(dst, days)
	return append(dst, '"'), true
}

// day writes year, month and day. The arithmetic counts years from March, so that the day added in leap years is the last.
// Method: Howard Hinnant, chrono-Compatible Low-Level Date Algorithms, civil_from_days.
func day(dst []byte, days int64) []byte {
	days -= firstDay + 60 // since 0000-03-01
	era, rest := floor(days, 146097)
	year := (rest - rest/1460 + rest/36524 - rest/146096) / 365
	rest -= 365*year + year/4 - year/100
	m := (5*rest + 2) / 153
	d := rest - (153*m+2)/5 + 1
	year += era * 400
	if m += 3; m > 12 {
		m -= 12
		year++
	}
	dst = append(dst, byte('0'+year/1000), byte('0'+year/100%10))
	dst = two(dst, year%100)
	dst = two(append(dst, '-'), m)
	return two(append(dst, '-'), d)
}

// Clock adds a time of day in units of which perSecond make a second; false: it is not within a day.
func Clock(dst []byte, v, perSecond int64) ([]byte, bool) {
	if v < 0 || v >= secondsPerDay*perSecond {
		return dst, false
	}
	dst = clock(append(dst, '"'), v/perSecond, micros(v%perSecond, perSecond))
	return append(dst, '"'), true
}

// Local adds a wall clock of units since 1970 of which perSecond make a second; false: its year is not 0 to 9999. What is
// finer than a microsecond is cut, as DATETIME has no place for it.
func Local(dst []byte, v, perSecond int64) ([]byte, bool) {
	sec, frac := floor(v, perSecond)
	return moment(dst, sec, micros(frac, perSecond), nil)
}

// Instant adds the wall clock of an instant in the zone of the style, otherwise as Local does.
func (s *Style) Instant(dst []byte, v, perSecond int64) ([]byte, bool) {
	sec, frac := floor(v, perSecond)
	return moment(dst, sec, micros(frac, perSecond), s.Zone)
}

// Seconds adds an instant of seconds and nanoseconds.
func (s *Style) Seconds(dst []byte, sec, nanos int64) ([]byte, bool) {
	return moment(dst, sec, nanos/1000, s.Zone)
}

func moment(dst []byte, sec, micros int64, zone *time.Location) ([]byte, bool) {
	if sec < (firstDay-1)*secondsPerDay || sec >= (pastLastDay+1)*secondsPerDay {
		return dst, false
	}
	if zone != nil && zone != time.UTC {
		_, shift := time.Unix(sec, 0).In(zone).Zone()
		sec += int64(shift)
	}
	days, rest := floor(sec, secondsPerDay)
	if days < firstDay || days >= pastLastDay {
		return dst, false
	}
	dst = day(append(dst, '"'), days)
	dst = clock(append(dst, ' '), rest, micros)
	return append(dst, '"'), true
}

func micros(frac, perSecond int64) int64 {
	if perSecond > 1e6 {
		return frac / (perSecond / 1e6)
	}
	return frac * (1e6 / perSecond)
}

// clock writes hours, minutes and seconds, and six digits of a second when there are any.
func clock(dst []byte, sec, micros int64) []byte {
	dst = two(dst, sec/3600)
	dst = two(append(dst, ':'), sec/60%60)
	dst = two(append(dst, ':'), sec%60)
	if micros == 0 {
		return dst
	}
	dst = two(append(dst, '.'), micros/10000)
	dst = two(dst, micros/100%100)
	return two(dst, micros%100)
}

func two(dst []byte, n int64) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

func floor(v, by int64) (q, r int64) {
	q, r = v/by, v%by
	if r < 0 {
		q, r = q-1, r+by
	}
	return q, r
}

// UUID adds 16 bytes in the usual form.
func UUID(dst, b []byte) []byte {
	dst = append(dst, '"')
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, []byte{c})
	}
	return append(dst, '"')
}
