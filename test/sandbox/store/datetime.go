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
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
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

var pow10 = [...]int{1, 10, 100, 1000, 10000, 100000}

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

// parseCivil reads the date and time forms of the protocol: YYYYMMDD, YYMMDD and
// the same followed by hhmmss, or numbers separated by any punctuation, with
// spaces or a T before the time. Zone suffixes and more than six fraction
// digits are not part of the grammar.
func parseCivil(s []byte) (civil, bool) {
	s = trimBlanks(s)
	var c civil
	run := digitRun(s)
	if run == len(s) || run >= 6 && s[run] == '.' || run == 8 && s[run] == 'T' {
		return parseCompact(s, run)
	}
	p := dateScanner{s: s}
	var width int
	if c.year, width = p.number(4); width == 0 {
		return c, false
	}
	if width <= 2 {
		c.year = expandYear(c.year)
	}
	if !p.punct() {
		return c, false
	}
	if c.month, width = p.number(2); width == 0 || !p.punct() {
		return c, false
	}
	if c.day, width = p.number(2); width == 0 {
		return c, false
	}
	if p.end() {
		return c, c.valid()
	}
	if !p.dateTimeGap() {
		return c, false
	}
	return p.clock(c)
}

func expandYear(y int) int {
	if y < 70 {
		return 2000 + y
	}
	return 1900 + y
}

func digitRun(s []byte) int {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}

func parseCompact(s []byte, run int) (civil, bool) {
	var c civil
	p := dateScanner{s: s}
	switch run {
	case 8, 14:
		c.year, _ = p.number(4)
	case 6, 12:
		c.year, _ = p.number(2)
		c.year = expandYear(c.year)
	default:
		return c, false
	}
	c.month, _ = p.number(2)
	c.day, _ = p.number(2)
	if run > 8 {
		c.hour, _ = p.number(2)
		c.minute, _ = p.number(2)
		c.second, _ = p.number(2)
		if !p.end() && !p.fraction(&c) {
			return c, false
		}
	} else if run == 8 && !p.end() && s[run] == 'T' {
		p.i++
		return p.clock(c)
	}
	return c, p.end() && c.valid()
}

type dateScanner struct {
	s []byte
	i int
}

func (p *dateScanner) end() bool { return p.i == len(p.s) }

func (p *dateScanner) number(most int) (v, width int) {
	for width < most && p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		v = v*10 + int(p.s[p.i]-'0')
		p.i++
		width++
	}
	return v, width
}

func isPunct(b byte) bool {
	return b >= '!' && b <= '/' || b >= ':' && b <= '@' || b >= '[' && b <= '`' || b >= '{' && b <= '~'
}

func (p *dateScanner) punct() bool {
	if p.end() || !isPunct(p.s[p.i]) {
		return false
	}
	p.i++
	return true
}

// dateTimeGap passes the single T or the spaces between a date and a time.
func (p *dateScanner) dateTimeGap() bool {
	if p.s[p.i] == 'T' {
		p.i++
		return true
	}
	start := p.i
	for p.i < len(p.s) && p.s[p.i] == ' ' {
		p.i++
	}
	return p.i > start
}

// clock reads hours, and optionally minutes, seconds and a fraction, to the end.
func (p *dateScanner) clock(c civil) (civil, bool) {
	var width int
	if c.hour, width = p.number(2); width == 0 {
		return c, false
	}
	for _, part := range []*int{&c.minute, &c.second} {
		if p.end() {
			return c, c.valid()
		}
		if !p.punct() {
			return c, false
		}
		if *part, width = p.number(2); width == 0 {
			return c, false
		}
	}
	if !p.end() && !p.fraction(&c) {
		return c, false
	}
	return c, c.valid()
}

func (p *dateScanner) fraction(c *civil) bool {
	if p.s[p.i] != '.' {
		return false
	}
	p.i++
	v, width := p.number(6)
	if width == 0 || !p.end() {
		return false
	}
	c.micro = v * pow10[6-width]
	return true
}
