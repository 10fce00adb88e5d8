package builtin

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// joda are formats StarRocks takes for DATE_FORMAT beside the % ones.
var joda = map[string]string{"yyyyMMdd": "%Y%m%d", "yyyy-MM-dd": "%Y-%m-%d", "yyyy-MM-dd HH:mm:ss": "%Y-%m-%d %H:%i:%s", "yyyyMMddHHmmss": "%Y%m%d%H%i%s"}

// dateFormat writes a time after a format of % letters; any other letter behind a
// percent sign stands for itself.
func dateFormat(t time.Time, format string) any {
	if f, ok := joda[format]; ok {
		format = f
	}
	if len(format) > 128 { // the server's limit
		return nil
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		writePart(&b, t, format[i])
	}
	return b.String()
}

func writePart(b *strings.Builder, t time.Time, letter byte) {
	hour12 := (t.Hour()+11)%12 + 1
	half := "AM"
	if t.Hour() >= 12 {
		half = "PM"
	}
	switch letter {
	case 'a':
		b.WriteString(t.Weekday().String()[:3])
	case 'b':
		b.WriteString(t.Month().String()[:3])
	case 'c':
		fmt.Fprint(b, int(t.Month()))
	case 'D':
		suffix := "th"
		if d := t.Day(); d/10 != 1 {
			switch d % 10 {
			case 1:
				suffix = "st"
			case 2:
				suffix = "nd"
			case 3:
				suffix = "rd"
			}
		}
		fmt.Fprintf(b, "%d%s", t.Day(), suffix)
	case 'd':
		fmt.Fprintf(b, "%02d", t.Day())
	case 'e':
		fmt.Fprint(b, t.Day())
	case 'f':
		fmt.Fprintf(b, "%06d", t.Nanosecond()/1000)
	case 'H':
		fmt.Fprintf(b, "%02d", t.Hour())
	case 'h', 'I':
		fmt.Fprintf(b, "%02d", hour12)
	case 'i':
		fmt.Fprintf(b, "%02d", t.Minute())
	case 'j':
		fmt.Fprintf(b, "%03d", t.YearDay())
	case 'k':
		fmt.Fprint(b, t.Hour())
	case 'l':
		fmt.Fprint(b, hour12)
	case 'M':
		b.WriteString(t.Month().String())
	case 'm':
		fmt.Fprintf(b, "%02d", int(t.Month()))
	case 'p':
		b.WriteString(half)
	case 'r':
		fmt.Fprintf(b, "%02d:%02d:%02d %s", hour12, t.Minute(), t.Second(), half)
	case 'S', 's':
		fmt.Fprintf(b, "%02d", t.Second())
	case 'T':
		fmt.Fprintf(b, "%02d:%02d:%02d", t.Hour(), t.Minute(), t.Second())
	case 'U', 'u', 'V', 'v':
		_, w := weekOf(t, map[byte]int64{'U': 0, 'u': 1, 'V': 2, 'v': 3}[letter])
		fmt.Fprintf(b, "%02d", w)
	case 'W':
		b.WriteString(t.Weekday().String())
	case 'w':
		fmt.Fprint(b, int(t.Weekday()))
	case 'X', 'x':
		y, _ := weekOf(t, map[byte]int64{'X': 2, 'x': 3}[letter])
		fmt.Fprintf(b, "%04d", y)
	case 'Y':
		fmt.Fprintf(b, "%04d", t.Year())
	case 'y':
		fmt.Fprintf(b, "%02d", t.Year()%100)
	default:
		b.WriteByte(letter)
	}
}

// moments in parts, as a format fills them in.
type parts struct {
	year, month, day, yearDay, hour, minute, second, micro int
	afternoon, morning, hour12                             bool
}

// strToDate reads a text after a format of % letters. Text behind what the format
// asks for is ignored, as the server does.
func strToDate(text, format string) (time.Time, bool) {
	if f, ok := joda[format]; ok {
		format = f
	}
	p := parts{month: 1, day: 1}
	rest := strings.TrimLeft(text, " ")
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c == ' ' {
			rest = strings.TrimLeft(rest, " ")
			continue
		}
		if c != '%' || i+1 == len(format) {
			if rest == "" || rest[0] != c {
				return time.Time{}, false
			}
			rest = rest[1:]
			continue
		}
		i++
		var ok bool
		if rest, ok = p.read(rest, format[i]); !ok {
			return time.Time{}, false
		}
	}
	return p.moment()
}

func (p *parts) read(s string, letter byte) (rest string, ok bool) {
	number := func(into *int, width int) (string, bool) {
		n := 0
		for n < len(s) && n < width && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		if n == 0 {
			return s, false
		}
		*into, _ = strconv.Atoi(s[:n])
		return s[n:], true
	}
	switch letter {
	case 'Y':
		return number(&p.year, 4)
	case 'y':
		rest, ok = number(&p.year, 2)
		if p.year < 70 {
			p.year += 2000
		} else if p.year < 100 {
			p.year += 1900
		}
		return rest, ok
	case 'm', 'c':
		return number(&p.month, 2)
	case 'd', 'e':
		return number(&p.day, 2)
	case 'D':
		if rest, ok = number(&p.day, 2); !ok || len(rest) < 2 {
			return rest, false
		}
		return rest[2:], true
	case 'j':
		return number(&p.yearDay, 3)
	case 'H', 'k':
		return number(&p.hour, 2)
	case 'h', 'I', 'l':
		p.hour12 = true
		return number(&p.hour, 2)
	case 'i':
		return number(&p.minute, 2)
	case 's', 'S':
		return number(&p.second, 2)
	case 'f':
		rest, ok = number(&p.micro, 6)
		for n := len(s) - len(rest); ok && n < 6; n++ {
			p.micro *= 10
		}
		return rest, ok
	case 'p':
		if len(s) < 2 {
			return s, false
		}
		p.morning, p.afternoon = strings.EqualFold(s[:2], "AM"), strings.EqualFold(s[:2], "PM")
		return s[2:], p.morning || p.afternoon
	case 'T':
		return p.each(s, "%H:%i:%s")
	case 'r':
		return p.each(s, "%I:%i:%s %p")
	case 'M', 'b':
		for m := time.January; m <= time.December; m++ {
			name := m.String()
			if letter == 'b' {
				name = name[:3]
			}
			if len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
				p.month = int(m)
				return s[len(name):], true
			}
		}
		return s, false
	case 'W', 'a':
		for d := time.Sunday; d <= time.Saturday; d++ {
			name := d.String()
			if letter == 'a' {
				name = name[:3]
			}
			if len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
				return s[len(name):], true
			}
		}
		return s, false
	case '%':
		if s == "" || s[0] != '%' {
			return s, false
		}
		return s[1:], true
	}
	return s, false
}

func (p *parts) each(s, format string) (string, bool) {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			if s == "" || s[0] != format[i] {
				return s, false
			}
			s = s[1:]
			continue
		}
		i++
		var ok bool
		if s, ok = p.read(s, format[i]); !ok {
			return s, false
		}
	}
	return s, true
}

func (p *parts) moment() (time.Time, bool) {
	if p.hour12 {
		if p.hour < 1 || p.hour > 12 {
			return time.Time{}, false
		}
		p.hour %= 12
		if p.afternoon {
			p.hour += 12
		}
	}
	if p.yearDay > 0 {
		t := time.Date(p.year, 1, p.yearDay, 0, 0, 0, 0, time.UTC)
		if t.Year() != p.year {
			return t, false
		}
		p.month, p.day = int(t.Month()), t.Day()
	}
	if p.month < 1 || p.month > 12 || p.day < 1 || p.hour > 23 || p.minute > 59 || p.second > 59 {
		return time.Time{}, false
	}
	t := time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second, p.micro*1000, time.UTC)
	return t, t.Day() == p.day
}
