package sqlread

const microsPerDay = 24 * 60 * 60 * 1_000_000

// parseTime reads YYYY-MM-DD, perhaps with HH:MM:SS and a fraction behind it: days since 1970-01-01, and microseconds of
// the day. A date that no calendar has, such as 0000-00-00, is not ok.
func parseTime(b []byte) (days, micros int64, ok bool) {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' {
		return 0, 0, false
	}
	y, m, d := digits(b[:4]), digits(b[5:7]), digits(b[8:10])
	if y < 0 || m < 1 || m > 12 || d < 1 || d > monthDays(y, m) {
		return 0, 0, false
	}
	days = dayNumber(y, m, d)
	if len(b) == 10 {
		return days, 0, true
	}
	if len(b) < 19 || b[10] != ' ' && b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return 0, 0, false
	}
	hh, mm, ss := digits(b[11:13]), digits(b[14:16]), digits(b[17:19])
	if hh < 0 || hh > 23 || mm < 0 || mm > 59 || ss < 0 || ss > 59 {
		return 0, 0, false
	}
	micros = (hh*3600 + mm*60 + ss) * 1_000_000
	if len(b) == 19 {
		return days, micros, true
	}
	fraction := b[20:]
	f := digits(fraction)
	if b[19] != '.' || len(fraction) < 1 || len(fraction) > 6 || f < 0 {
		return 0, 0, false
	}
	for range 6 - len(fraction) {
		f *= 10
	}
	return days, micros + f, true
}

// zeroDate tells whether a date has a part that is zero, which MySQL stores and calendars do not know.
func zeroDate(b []byte) bool {
	return len(b) >= 10 && b[4] == '-' && b[7] == '-' && digits(b[:4]) >= 0 && (digits(b[5:7]) == 0 || digits(b[8:10]) == 0)
}

// digits is the number that b spells; -1: none.
func digits(b []byte) (n int64) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

func monthDays(y, m int64) int64 {
	switch {
	case m == 2 && y%4 == 0 && (y%100 != 0 || y%400 == 0):
		return 29
	case m == 2:
		return 28
	case m == 4 || m == 6 || m == 9 || m == 11:
		return 30
	}
	return 31
}

// dayNumber counts the days of the Gregorian calendar, also before it began, from 1970-01-01.
// Method: Howard Hinnant, chrono-Compatible Low-Level Date Algorithms, days_from_civil; years are 0 to 9999.
func dayNumber(y, m, d int64) int64 {
	if m <= 2 {
		y, m = y-1, m+12
	}
	era := y / 400
	if y < 0 {
		era = -1
	}
	yoe := y - era*400
	doe := yoe*365 + yoe/4 - yoe/100 + (153*(m-3)+2)/5 + d - 1
	return era*146097 + doe - 719468
}
