package store

// Dates and times are packed into one integer that sorts as time does:
// ((((year*13+month)*32+day)*24+hour)*60+minute)*60+second, times a million,
// plus microseconds. A DATE is the same with a time of zero.

type civil struct{ year, month, day, hour, minute, second, micro int }

func (c civil) pack() int64 {
	v := ((int64(c.year)*13+int64(c.month))*32+int64(c.day))*24 + int64(c.hour)
	return ((v*60+int64(c.minute))*60+int64(c.second))*1_000_000 + int64(c.micro)
}

func unpack(v int64) civil {
	var c civil
	take := func(by int64) int {
		r := int(v % by)
		v /= by
		return r
	}
	c.micro = take(1_000_000)
	c.second = take(60)
	c.minute = take(60)
	c.hour = take(24)
	c.day = take(32)
	c.month = take(13)
	c.year = int(v)
	return c
}

func (c civil) valid() bool {
	return c.year <= 9999 && c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= daysIn(c.year, c.month) &&
		c.hour < 24 && c.minute < 60 && c.second < 60
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		// Year 0 has no leap day on the server.
		if year%4 == 0 && (year%100 != 0 || year%400 == 0 && year != 0) {
			return 29
		}
		return 28
	}
	return 31
}

func appendPadded(dst []byte, v, width int) []byte {
	for p := pow10[width-1]; p > 0; p /= 10 {
		dst = append(dst, byte('0'+v/p%10))
	}
	return dst
}

var pow10 = [...]int{1, 10, 100, 1000, 10000, 100000, 1000000}

func (c civil) appendDate(dst []byte) []byte {
	dst = append(appendPadded(dst, c.year, 4), '-')
	dst = append(appendPadded(dst, c.month, 2), '-')
	return appendPadded(dst, c.day, 2)
}

func (c civil) appendDateTime(dst []byte) []byte {
	dst = append(c.appendDate(dst), ' ')
	dst = append(appendPadded(dst, c.hour, 2), ':')
	dst = append(appendPadded(dst, c.minute, 2), ':')
	dst = appendPadded(dst, c.second, 2)
	if c.micro != 0 {
		dst = appendPadded(append(dst, '.'), c.micro, 6)
	}
	return dst
}

// parseCivil reads the date and time forms of the server. Without separators the
// text is YYYYMMDD or YYMMDD, each with hhmmss behind it if wanted, and the number of
// digits tells how long the year is. With separators they are numbers parted by
// punctuation, blanks after the day, or a T there. What follows a whole date or time
// without being part of it (a zone, a seventh digit of a fraction) is ignored.
func parseCivil(s []byte) (civil, bool) {
	s = trimBlanks(s)
	if len(s) == 0 || !isDigit(s[0]) {
		return civil{}, false
	}
	run := 0
	for run < len(s) && (isDigit(s[run]) || s[run] == 'T') {
		run++
	}
	compact := run == len(s) || s[run] == '.'
	width := 4 // digits of the field that comes next, where nothing parts them
	if compact && run != 4 && run != 8 && run < 14 {
		width = 2
	}
	shortYear := width == 2
	var fields [7]int
	n, i := 0, 0
	for n < len(fields) && i < len(s) && isDigit(s[i]) {
		start, v := i, 0
		for i < len(s) && isDigit(s[i]) && (!compact && n != 6 || i-start < width) {
			if v = v*10 + int(s[i]-'0'); v > 999999 {
				return civil{}, false
			}
			i++
		}
		if n == 0 && !compact {
			shortYear = i-start == 2
		}
		if n == 6 {
			v *= pow10[6-(i-start)]
		}
		fields[n] = v
		n++
		width = 2
		switch {
		case i == len(s):
		case n == 3 && s[i] == 'T':
			i++
		case n == 6 && s[i] == '.':
			i++
			width = 6
		case n == 6:
			i = len(s)
		default:
			for i < len(s) && (isPunct(s[i]) || isBlank(s[i])) {
				if isBlank(s[i]) && n != 3 {
					return civil{}, false
				}
				i++
			}
		}
	}
	if n < 3 {
		return civil{}, false
	}
	if shortYear {
		fields[0] = expandYear(fields[0])
	}
	c := civil{year: fields[0], month: fields[1], day: fields[2], hour: fields[3], minute: fields[4], second: fields[5], micro: fields[6]}
	return c, c.valid()
}

func expandYear(y int) int {
	if y < 70 {
		return 2000 + y
	}
	return 1900 + y
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func isPunct(b byte) bool {
	return b >= '!' && b <= '/' || b >= ':' && b <= '@' || b >= '[' && b <= '`' || b >= '{' && b <= '~'
}
