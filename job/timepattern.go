package job

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The time expressions of DataWorks. A pattern is made of the units below, in any case, and of separators.
var timeUnits = []struct {
	name   string
	layout string
	unit   string // what N counts in ${…±N} when the unit comes last
}{
	{"yyyy", "2006", "year"}, {"yy", "06", "year"}, {"mm", "01", "month"}, {"dd", "02", "day"},
	{"hh24", "15", "time"}, {"mi", "04", "time"}, {"ss", "05", "time"},
}

var (
	offsetForm = regexp.MustCompile(`^[+-]\s*\d{1,9}(\s*[*/]\s*\d{1,9})*$`)
	monthsForm = regexp.MustCompile(`(?i)^add_months\(\s*([^,()]+?)\s*,\s*([+-]?\s*\d[\d\s*/]*)\)$`)
	hundred    = big.NewRat(100*366, 1) // days: offsets beyond a century are slips
)

const (
	noPattern   = "is not a time pattern"
	farAway     = "leads more than a century away"
	notWhole    = "needs a whole number after + or -"
	onlyDay     = "is precise to the day only; for hours, minutes and seconds write $[…]"
	zeroDivisor = "divides by zero"
)

// startsLikeTime reports whether a name in ${…} is meant as a time pattern when no variable has it.
func startsLikeTime(name string) bool {
	lower := strings.ToLower(name)
	for _, u := range timeUnits {
		if strings.HasPrefix(lower, u.name) {
			return true
		}
	}
	return false
}

// onBusinessDate evaluates ${…}: N counts in the last unit of the pattern, years, months or days.
func onBusinessDate(expr string, base time.Time) (value, wrong string) {
	layout, last, offset, wrong := splitPattern(expr)
	if wrong != "" {
		return "", wrong
	}
	for _, u := range timeUnits {
		if u.unit == "time" && strings.Contains(layout, u.layout) {
			return "", onlyDay
		}
	}
	n, wrong := days(offset)
	if wrong != "" {
		return "", wrong
	}
	if !n.IsInt() {
		return "", notWhole
	}
	count := int(n.Num().Int64())
	switch {
	case last == "year":
		base = addMonths(base, 12*count)
	case last == "month":
		base = addMonths(base, count)
	default:
		base = base.AddDate(0, 0, count)
	}
	return format(base, layout)
}

// onSchedule evaluates $[…]: N counts in days and may be a fraction, add_months counts in months.
func onSchedule(expr string, base time.Time) (value, wrong string) {
	expr = strings.TrimSpace(expr)
	if m := monthsForm.FindStringSubmatch(expr); m != nil {
		layout, _, inner, wrong := splitPattern(m[1])
		if wrong != "" || inner != "" {
			return "", noPattern
		}
		text := m[2]
		if text[0] != '+' && text[0] != '-' {
			text = "+" + text
		}
		if !offsetForm.MatchString(strings.TrimSpace(text)) {
			return "", notWhole
		}
		n, wrong := days(text)
		if wrong != "" {
			return "", wrong
		}
		if !n.IsInt() {
			return "", notWhole
		}
		return format(addMonths(base, int(n.Num().Int64())), layout)
	}
	layout, _, offset, wrong := splitPattern(expr)
	if wrong != "" {
		return "", wrong
	}
	n, wrong := days(offset)
	if wrong != "" {
		return "", wrong
	}
	if n.IsInt() { // by the calendar, so that a day with a clock change is one day
		return format(base.AddDate(0, 0, int(n.Num().Int64())), layout)
	}
	seconds := new(big.Rat).Mul(n, big.NewRat(24*60*60, 1))
	whole, _ := new(big.Float).SetRat(seconds).Int64()
	return format(base.Add(time.Duration(whole)*time.Second), layout)
}

// splitPattern turns a pattern into a Go layout, its last unit, and the offset behind it.
func splitPattern(expr string) (layout, last, offset, wrong string) {
	lower := strings.ToLower(strings.TrimSpace(expr))
	var b strings.Builder
next:
	for i := 0; i < len(lower); {
		if offsetForm.MatchString(lower[i:]) {
			offset = lower[i:]
			break
		}
		for _, u := range timeUnits {
			if strings.HasPrefix(lower[i:], u.name) {
				b.WriteString(u.layout)
				last = u.unit
				i += len(u.name)
				continue next
			}
		}
		if !strings.ContainsRune("-/.:_ ", rune(lower[i])) {
			return "", "", "", noPattern
		}
		b.WriteByte(lower[i])
		i++
	}
	if last == "" {
		return "", "", "", noPattern
	}
	return strings.TrimSpace(b.String()), last, offset, ""
}

// days works out an offset such as -15/24/60; "" is zero.
func days(offset string) (*big.Rat, string) {
	n := new(big.Rat)
	if offset == "" {
		return n, ""
	}
	text := strings.ReplaceAll(offset, " ", "")
	sign, op := text[0], byte('*')
	n.SetInt64(1)
	for text = text[1:]; ; {
		end := strings.IndexAny(text, "*/")
		digits := text
		if end >= 0 {
			digits = text[:end]
		}
		k, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return nil, noPattern
		}
		factor := big.NewRat(k, 1)
		if op == '/' {
			if k == 0 {
				return nil, zeroDivisor
			}
			factor.Inv(factor)
		}
		n.Mul(n, factor)
		if end < 0 {
			break
		}
		op, text = text[end], text[end+1:]
	}
	if n.Cmp(hundred) > 0 {
		return nil, farAway
	}
	if sign == '-' {
		n.Neg(n)
	}
	return n, ""
}

// addMonths stays in the month it leads to: a month after January 31 is the end of February.
func addMonths(t time.Time, n int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), 0, t.Location())
	lastDay := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), lastDay)-1)
}

func format(t time.Time, layout string) (value, wrong string) {
	if t.Year() < 1 || t.Year() > 9999 {
		return "", farAway
	}
	return t.Format(layout), ""
}
