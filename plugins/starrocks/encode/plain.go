package encode

import (
	"math/bits"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
)

// appendDecimal writes n × 10^-scale with all digits of the scale: 150 with scale 2 is 1.50.
func appendDecimal(dst []byte, n decimal128.Num, scale int32) []byte {
	hi, lo := uint64(n.HighBits()), n.LowBits()
	if n.HighBits() < 0 {
		dst = append(dst, '-')
		var carry uint64
		lo, carry = bits.Add64(^lo, 1, 0)
		hi = ^hi + carry
	}
	var digits [40]byte // 2^127 has 39
	i := len(digits)
	const group = 1e18
	for hi != 0 {
		var r uint64
		hi, r = bits.Div64(0, hi, group)
		lo, r = bits.Div64(r, lo, group)
		for range 18 {
			i--
			digits[i] = byte('0' + r%10)
			r /= 10
		}
	}
	for lo != 0 {
		i--
		digits[i] = byte('0' + lo%10)
		lo /= 10
	}
	return appendScaled(dst, digits[i:], scale)
}

// appendDecimal256 is appendDecimal for numbers of 256 bits.
func appendDecimal256(dst []byte, n decimal256.Num, scale int32) []byte {
	words := n.Array() // least significant first
	if n.Sign() < 0 {
		dst = append(dst, '-')
		carry := uint64(1)
		for i := range words {
			words[i], carry = bits.Add64(^words[i], 0, carry)
		}
	}
	var digits [5*18 + 1]byte // 2^255 has 77
	i := len(digits)
	const group = 1e18
	for words != [4]uint64{} {
		r := uint64(0)
		for w := len(words) - 1; w >= 0; w-- {
			words[w], r = bits.Div64(r, words[w], group)
		}
		for range 18 {
			i--
			digits[i] = byte('0' + r%10)
			r /= 10
		}
	}
	return appendScaled(dst, digits[i:], scale)
}

// appendScaled puts the point into the digits of a whole number.
func appendScaled(dst, d []byte, scale int32) []byte {
	for len(d) > 1 && d[0] == '0' { // a group may lead with zeros
		d = d[1:]
	}
	if scale < 0 {
		dst = append(dst, d...)
		if len(d) == 0 {
			return append(dst, '0')
		}
		for range -scale {
			dst = append(dst, '0')
		}
		return dst
	}
	whole := len(d) - int(scale)
	if whole <= 0 {
		dst = append(dst, '0')
	} else {
		dst = append(dst, d[:whole]...)
	}
	if scale == 0 {
		return dst
	}
	dst = append(dst, '.')
	for ; whole < 0; whole++ {
		dst = append(dst, '0')
	}
	return append(dst, d[max(whole, 0):]...)
}

const secondsPerDay = 24 * 60 * 60

// Days and seconds since 1970 of 0000-01-01 and of the first instant that is past 9999-12-31.
const (
	firstDay    = -719528
	pastLastDay = 2932897
)

const outOfDates = "StarRocks keeps years 0000 to 9999 only"

func appendDate(dst []byte, days int64) ([]byte, string) {
	if days < firstDay || days >= pastLastDay {
		return dst, outOfDates
	}
	y, m, d := civil(days)
	return appendCivil(dst, y, m, d), ""
}

// appendTimestamp writes YYYY-MM-DD HH:MM:SS, and six digits of a second when there is a fraction. What is finer than
// a microsecond is cut, since DATETIME has no place for it.
func appendTimestamp(dst []byte, v int64, unit arrow.TimeUnit, zone *time.Location) ([]byte, string) {
	perSecond := int64(1)
	switch unit {
	case arrow.Millisecond:
		perSecond = 1e3
	case arrow.Microsecond:
		perSecond = 1e6
	case arrow.Nanosecond:
		perSecond = 1e9
	}
	sec, frac := floorDiv(v, perSecond)
	micros := frac * 1e6 / perSecond
	if unit == arrow.Nanosecond {
		micros = frac / 1e3
	}
	if sec < (firstDay-1)*secondsPerDay || sec >= (pastLastDay+1)*secondsPerDay {
		return dst, outOfDates
	}
	if zone != nil && zone != time.UTC {
		_, shift := time.Unix(sec, 0).In(zone).Zone()
		sec += int64(shift)
	}
	days, rest := floorDiv(sec, secondsPerDay)
	if days < firstDay || days >= pastLastDay {
		return dst, outOfDates
	}
	y, m, d := civil(days)
	dst = appendCivil(dst, y, m, d)
	return appendTime(append(dst, ' '), rest, micros), ""
}

// microseconds is the unit of appendTimestamp for times that were read from text.
const microseconds = arrow.Microsecond

// appendClock writes a time of day, as HH:MM:SS and six digits of a second when there is a fraction.
func appendClock(dst []byte, v int64, unit arrow.TimeUnit) ([]byte, string) {
	perSecond := int64(1)
	for range unit { // second, millisecond, microsecond, nanosecond
		perSecond *= 1000
	}
	sec, frac := floorDiv(v, perSecond)
	if sec < 0 || sec >= secondsPerDay {
		return dst, "the time is outside of a day"
	}
	return appendTime(dst, sec, time.Duration(frac*(int64(time.Second)/perSecond)).Microseconds()), ""
}

func appendTime(dst []byte, sec, micros int64) []byte {
	dst = appendTwo(dst, sec/3600)
	dst = append(dst, ':')
	dst = appendTwo(dst, sec/60%60)
	dst = append(dst, ':')
	dst = appendTwo(dst, sec%60)
	if micros != 0 {
		dst = append(dst, '.')
		for div := int64(100000); div > 0; div /= 10 {
			dst = append(dst, byte('0'+micros/div%10))
		}
	}
	return dst
}

func floorDiv(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}

// civil is the proleptic Gregorian date of a day counted from 1970-01-01.
// Method: Howard Hinnant, chrono-Compatible Low-Level Date Algorithms, civil_from_days.
func civil(days int64) (y, m, d int64) {
	z := days + 719468
	era, doe := floorDiv(z, 146097)
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	m = mp + 3
	if m > 12 {
		m -= 12
	}
	y = yoe + era*400
	if m <= 2 {
		y++
	}
	return y, m, d
}

func appendCivil(dst []byte, y, m, d int64) []byte {
	dst = append(appendTwo(appendTwo(dst, y/100), y%100), '-')
	dst = append(appendTwo(dst, m), '-')
	return appendTwo(dst, d)
}

func appendTwo(dst []byte, n int64) []byte {
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}
