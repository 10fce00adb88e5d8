package encode

import (
	"encoding/hex"
	"time"
)

// Treatment says what becomes of the values of a column on their way. The zero value leaves them as they are.
type Treatment struct {
	// Hex writes bytes as hexadecimal digits.
	Hex bool
	// Nested tells that the target is an ARRAY, MAP or STRUCT: a text for it goes into JSON as the value that it spells.
	Nested bool
	// JSON tells that the target is a JSON column: a JSON text keeps its quotes in CSV, and a text that spells an array or an
	// object goes into JSON as that, as it would become one by way of CSV.
	JSON bool
	// Date tells that the target is a DATE or DATETIME: texts are looked at for what follows.
	Date bool
	// DateOnly tells that it is a DATE.
	DateOnly bool
	// Zero is what becomes of a zero date, 0000-00-00 with or without a time of zeros. Nil leaves it to StarRocks.
	Zero *Zero
	// Zone, when set, is where values that carry an instant are shown as wall clock: timestamps of a time zone, and texts
	// with an offset. Those without stay as they are.
	Zone *time.Location
}

// Zero replaces zero dates.
type Zero struct {
	Null   bool
	Refuse bool
	Text   string // YYYY-MM-DD HH:MM:SS
}

// zeroRefused is the reason of a row whose zero date is an error.
const zeroRefused = "the value is a zero date, and zeroDate is error"

// dating is Treatment at work on texts.
type dating struct {
	Treatment
	buf []byte
}

// apply gives the text to write in place of s, or says that it is NULL, or why the row is refused. The result is valid
// until the next call.
func (d *dating) apply(s []byte) (text []byte, null bool, reason string) {
	if d.Zero != nil && zeroDate(s) {
		switch {
		case d.Zero.Null:
			return nil, true, ""
		case d.Zero.Refuse:
			return nil, false, zeroRefused
		}
		d.buf = append(d.buf[:0], d.Zero.Text...)
		if d.DateOnly {
			d.buf = d.buf[:len(time.DateOnly)]
		}
		return d.buf, false, ""
	}
	if d.Zone == nil {
		return s, false, ""
	}
	sec, micros, ok := instant(s)
	if !ok {
		return s, false, ""
	}
	d.buf, reason = appendTimestamp(d.buf[:0], sec*1e6+micros, microseconds, d.Zone)
	if reason == "" && d.DateOnly {
		d.buf = d.buf[:len(time.DateOnly)]
	}
	return d.buf, false, reason
}

// zeroDate tells whether s is 0000-00-00, alone or with a time of zeros.
func zeroDate(s []byte) bool {
	const date, clock = "0000-00-00", "00:00:00"
	if len(s) < len(date) || string(s[:len(date)]) != date {
		return false
	}
	s = s[len(date):]
	if len(s) == 0 {
		return true
	}
	if (s[0] != ' ' && s[0] != 'T') || len(s) < 1+len(clock) || string(s[1:1+len(clock)]) != clock {
		return false
	}
	s = s[1+len(clock):]
	if len(s) == 0 {
		return true
	}
	if s[0] != '.' {
		return false
	}
	for _, b := range s[1:] {
		if b != '0' {
			return false
		}
	}
	return true
}

// instant reads YYYY-MM-DD, a blank or T, hh:mm:ss, perhaps a fraction, and then an offset: Z, ±hh, ±hh:mm or ±hhmm. What is
// finer than a microsecond is cut. Texts without an offset are no instant.
func instant(s []byte) (sec, micros int64, ok bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' || s[7] != '-' || (s[10] != ' ' && s[10] != 'T' && s[10] != 't') || s[13] != ':' || s[16] != ':' {
		return 0, 0, false
	}
	year, ok0 := digits(s[0:4])
	month, ok1 := digits(s[5:7])
	day, ok2 := digits(s[8:10])
	hour, ok3 := digits(s[11:13])
	minute, ok4 := digits(s[14:16])
	second, ok5 := digits(s[17:19])
	if !(ok0 && ok1 && ok2 && ok3 && ok4 && ok5) || hour > 23 || minute > 59 || second > 59 {
		return 0, 0, false
	}
	at := time.Date(int(year), time.Month(month), int(day), int(hour), int(minute), int(second), 0, time.UTC)
	if at.Month() != time.Month(month) || at.Day() != int(day) {
		return 0, 0, false
	}
	rest := s[19:]
	if rest[0] == '.' {
		n := 1
		for unit := int64(100000); n < len(rest) && rest[n] >= '0' && rest[n] <= '9'; n++ {
			micros += int64(rest[n]-'0') * unit
			unit /= 10
		}
		if n == 1 || n == len(rest) {
			return 0, 0, false
		}
		rest = rest[n:]
	}
	if rest[0] == ' ' && len(rest) > 1 {
		rest = rest[1:]
	}
	shift, ok := offset(rest)
	return at.Unix() - shift, micros, ok
}

// offset reads the offset of a zone, in seconds.
func offset(s []byte) (int64, bool) {
	if len(s) == 1 && (s[0] == 'Z' || s[0] == 'z') {
		return 0, true
	}
	if len(s) == 6 && s[3] == ':' {
		s = []byte{s[0], s[1], s[2], s[4], s[5]}
	}
	if (len(s) != 3 && len(s) != 5) || (s[0] != '+' && s[0] != '-') {
		return 0, false
	}
	h, ok := digits(s[1:3])
	m := int64(0)
	if ok && len(s) == 5 {
		m, ok = digits(s[3:5])
	}
	if !ok || h > 15 || m > 59 {
		return 0, false
	}
	if s[0] == '-' {
		return -(h*3600 + m*60), true
	}
	return h*3600 + m*60, true
}

func digits(s []byte) (n int64, ok bool) {
	for _, b := range s {
		if b < '0' || b > '9' {
			return 0, false
		}
		n = n*10 + int64(b-'0')
	}
	return n, true
}

// appendHex writes bytes as digits.
func appendHex(dst, s []byte) []byte { return hex.AppendEncode(dst, s) }
