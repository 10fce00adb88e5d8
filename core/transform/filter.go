package transform

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
)

// filterStep takes out the rows whose value passes a test.
type filterStep struct {
	target
	test test
}

func (s *filterStep) bind(fields []arrow.Field) (worker, []arrow.Field, error) {
	i, c, err := s.open(fields)
	if err != nil {
		return nil, nil, err
	}
	w := &filterWorker{test: s.test, col: i, in: c}
	w.test.at, w.test.dated = s.test.instant(c.zone, s.dates)
	return w, fields, nil
}

type filterWorker struct {
	test  test // with the constant as a time in the zone of the column
	col   int
	in    column
	value value
	plain []byte
}

func (w *filterWorker) run(b *batch) error {
	a := b.cols[w.col]
	for row := range b.rows {
		if b.state[row] != alive {
			continue
		}
		w.in.read(a, row, &w.value)
		var match bool
		var reason string
		match, w.plain, reason = w.test.match(&w.value, w.plain[:0])
		switch {
		case reason != "":
			b.refuse(row, w.in.name, "dx_filter: "+reason)
		case match:
			b.filter(row)
		}
	}
	return nil
}

// test compares a value with a constant in the manner of DataX: numbers as numbers, dates as dates, all else as text.
type test struct {
	op      string
	text    []byte
	isNull  bool // the constant is the word null
	pattern *regexp.Regexp
	decimal decimal
	exact   bool // decimal holds the constant
	f       float64
	number  bool // f holds the constant, rounded
	at      time.Time
	dated   bool // at holds the constant
}

// operators in the order in which messages list them.
var operators = []string{"like", "not like", ">", "<", ">=", "<=", "=", "!=", "=="}

// test reads the paras of dx_filter.
func (r *parasReader) test() test {
	r.values[0] = strings.Join(strings.Fields(r.values[0]), " ")
	t := test{op: r.oneOf(0, operators...), text: []byte(r.values[1])}
	if len(t.text) == 0 {
		r.wrong(1, options.CodeMissing, "there is no value to compare with", `a text; "null" stands for NULL with = and !=`)
	}
	t.isNull = strings.EqualFold(r.values[1], "null")
	switch t.op {
	case "==":
		t.op = "="
	case "like", "not like":
		var err error
		if t.pattern, err = regexp.Compile(`\A(?:` + r.values[1] + `)\z`); err != nil {
			r.wrong(1, options.CodeNotAllowed, fmt.Sprintf("%q is no regular expression that gx knows: %v", r.values[1], err),
				"RE2 syntax, which has no look-around and no references back")
		}
		return t
	}
	digits := strings.TrimSpace(r.values[1])
	t.decimal, t.exact = decimalOf([]byte(digits))
	if f, err := strconv.ParseFloat(digits, 64); err == nil && !math.IsNaN(f) {
		t.f, t.number = f, true
	}
	return t
}

// match tells whether a value passes. plain is memory to work in, and comes back. A reason means that the two cannot be
// compared.
func (t *test) match(v *value, plain []byte) (bool, []byte, string) {
	if v.kind == null {
		// NULL is neither like nor unlike, neither more nor less. It equals only the word null.
		switch t.op {
		case "=":
			return t.isNull, plain, ""
		case "!=":
			return !t.isNull, plain, ""
		}
		return false, plain, ""
	}
	if t.pattern != nil {
		plain = v.appendText(plain)
		return t.pattern.Match(plain) == (t.op == "like"), plain, ""
	}
	switch v.kind {
	case integer, number, float, instant, day:
		if t.isNull && (t.op == "=" || t.op == "!=") {
			return t.op == "!=", plain, ""
		}
	}
	switch v.kind {
	case integer, number:
		plain = v.appendText(plain)
		match, reason := t.numeric(plain)
		return match, plain, reason
	case float:
		if !t.number {
			return false, plain, t.noNumber()
		}
		return t.double(v.f), plain, ""
	case instant, day:
		if !t.dated {
			return false, plain, fmt.Sprintf("%q is neither milliseconds nor a date, and the column holds dates", t.text)
		}
		return t.holds(v.at.Compare(t.at)), plain, ""
	}
	plain = v.appendText(plain)
	return t.holds(bytes.Compare(plain, t.text)), plain, ""
}

func (t *test) noNumber() string {
	return fmt.Sprintf("%q is no number, and the column holds numbers", t.text)
}

func (t *test) numeric(digits []byte) (bool, string) {
	if !t.number {
		return false, t.noNumber()
	}
	if d, ok := decimalOf(digits); ok && t.exact {
		return t.holds(d.compare(t.decimal)), ""
	}
	f, err := strconv.ParseFloat(string(digits), 64)
	if err != nil && !math.IsInf(f, 0) {
		return false, "the value is no number"
	}
	return t.double(f), ""
}

// double compares as Java does: NaN is unlike everything.
func (t *test) double(f float64) bool {
	if math.IsNaN(f) {
		return t.op == "!="
	}
	return t.holds(cmp.Compare(f, t.f))
}

// instant reads the constant as the job writes dates, as milliseconds since 1970 as DataX does, or as a date; all in the zone of
// the column.
func (t *test) instant(zone *time.Location, dates *job.Dates) (time.Time, bool) {
	s := strings.TrimSpace(string(t.text))
	for _, layout := range append([]string{dates.Instant, dates.Day}, dates.Also...) {
		if at, err := time.ParseInLocation(layout, s, zone); err == nil && layout != "" {
			return at, true
		}
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.UnixMilli(ms), true
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", dateText} {
		if at, err := time.ParseInLocation(layout, s, zone); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// holds tells whether a comparison of value and constant with this outcome passes.
func (t *test) holds(order int) bool {
	switch t.op {
	case ">":
		return order > 0
	case "<":
		return order < 0
	case ">=":
		return order >= 0
	case "<=":
		return order <= 0
	case "=":
		return order == 0
	default:
		return order != 0
	}
}

// decimal is a number as its digits, so that a comparison loses none. whole has no leading and part no trailing zeros.
type decimal struct {
	negative    bool
	whole, part []byte
}

// decimalOf reads digits with an optional sign and point. It is false for everything else, such as an exponent.
func decimalOf(b []byte) (d decimal, ok bool) {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		d.negative = b[0] == '-'
		b = b[1:]
	}
	whole, part, _ := bytes.Cut(b, []byte{'.'})
	if len(whole)+len(part) == 0 || !digitsOnly(whole) || !digitsOnly(part) {
		return d, false
	}
	d.whole, d.part = bytes.TrimLeft(whole, "0"), bytes.TrimRight(part, "0")
	d.negative = d.negative && len(d.whole)+len(d.part) > 0
	return d, true
}

func digitsOnly(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func (d decimal) compare(e decimal) int {
	if d.negative != e.negative {
		if d.negative {
			return -1
		}
		return 1
	}
	order := cmp.Or(cmp.Compare(len(d.whole), len(e.whole)), bytes.Compare(d.whole, e.whole), bytes.Compare(d.part, e.part))
	if d.negative {
		return -order
	}
	return order
}
