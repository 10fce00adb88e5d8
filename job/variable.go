package job

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gx-etl/gx/job/options"
)

// Variables are replaced in the text of a document before it is parsed, so they may stand anywhere, inside
// strings and outside, but not in comments. Three forms exist:
//
//	${name} and $name   given by -D, or built in: bizdate, cyctime, gmtdate, bizmonth
//	${yyyymmdd-1}       a pattern on the business date, precise to the day
//	$[hh24miss-1/24]    a pattern on the schedule time, precise to the second
//
// $name is replaced only for names that exist, so that regular expressions survive. References to secrets,
// ${env:…} and the like, are not variables: see resolve.

// variables holds what the forms stand for in one run.
type variables struct {
	given    map[string]string
	business time.Time
	schedule time.Time

	missing map[string]*miss // the form as written → what is wrong with it
	quoted  map[string]int   // name → offset of its first use
}

// miss is a variable without a value.
type miss struct {
	written string
	reason  string
	pattern bool  // a time pattern that cannot be read
	offsets []int // in the document
}

// maxVariable bounds the bytes of one ${…}, so that a document full of dollar signs is still read in one pass.
const maxVariable = 1024

var (
	secretForm = regexp.MustCompile(`^\$\{(env|file|exec):[^}"\n]*\}`)
	braceForm  = regexp.MustCompile(`^\$\{([^{}"\n]*)\}`)
	squareForm = regexp.MustCompile(`(?i)^\$\[\s*((?:yyyy|yy|mm|dd|hh24|mi|ss|add_months)[^\[\]"\n]*)\]`)
	nameForm   = regexp.MustCompile(`^\$(\w+)`)
)

var builtins = []string{"bizdate", "cyctime", "gmtdate", "bizmonth"}

// expand replaces the variables of a document.
func expand(src []byte, o Options) ([]byte, []options.Problem) {
	v := newVariables(o)
	var out bytes.Buffer
	out.Grow(len(src))
	if len(src) > options.MaxSize {
		return src, nil // refused by options.Parse
	}
	inString := false
	for i := 0; i < len(src); {
		n := 1 // bytes of src done in this round
		switch c := src[i]; {
		case c == '\\' && inString && i+1 < len(src) && src[i+1] != '\n':
			n = 2
		case c == '"':
			inString = !inString
		case c == '/' && !inString:
			n = comment(src[i:])
		case c == '$':
			value, length, ok := v.at(src[i:min(len(src), i+maxVariable)], i)
			n = length
			if ok {
				out.WriteString(value)
				i += n
				continue
			}
		}
		out.Write(src[i : i+n])
		i += n
	}
	return out.Bytes(), v.problems(src, o.AllowUnresolved)
}

// comment returns the length of the comment that text starts with, or 1.
func comment(text []byte) int {
	for _, c := range []struct{ open, end string }{{"//", "\n"}, {"/*", "*/"}} {
		if !bytes.HasPrefix(text, []byte(c.open)) {
			continue
		}
		if i := bytes.Index(text[2:], []byte(c.end)); i >= 0 {
			return 2 + i + len(c.end)
		}
		return len(text)
	}
	return 1
}

func newVariables(o Options) *variables {
	zone := o.TZ
	if zone == nil {
		zone = time.Local
	}
	now := o.Now
	if now.IsZero() {
		now = time.Now()
	}
	v := &variables{given: map[string]string{}, missing: map[string]*miss{}, quoted: map[string]int{}}
	for name, value := range o.Vars {
		if strings.TrimSpace(value) != "" {
			v.given[name] = value
		}
	}
	day := func(t time.Time, add int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day()+add, 0, 0, 0, 0, zone)
	}
	v.business, v.schedule = o.BizDate, o.ScheduleTime
	switch {
	case v.schedule.IsZero() && !v.business.IsZero():
		v.schedule = day(v.business, 1)
	case v.schedule.IsZero():
		v.schedule = now.In(zone)
	default:
		v.schedule = v.schedule.In(zone)
	}
	if v.business.IsZero() {
		v.business = day(v.schedule, -1)
	} else {
		v.business = day(v.business, 0)
	}
	return v
}

// at replaces the variable that text starts with. length is what it takes of text, at least the dollar sign;
// without ok that much stays as it is.
func (v *variables) at(text []byte, at int) (value string, length int, ok bool) {
	if m := secretForm.Find(text); m != nil {
		return "", len(m), false
	}
	if m := braceForm.FindSubmatch(text); m != nil {
		value, ok = v.braces(strings.TrimSpace(string(m[1])), string(m[0]), at)
		return value, len(m[0]), ok
	}
	if m := squareForm.FindSubmatch(text); m != nil {
		value, wrong := onSchedule(string(m[1]), v.schedule)
		if wrong != "" {
			v.miss(string(m[0]), wrong, true, at)
		}
		return value, len(m[0]), wrong == ""
	}
	if m := nameForm.FindSubmatch(text); m != nil {
		value, ok = v.named(string(m[1]), at)
		return value, len(m[0]), ok
	}
	return "", 1, false
}

func (v *variables) braces(name, written string, at int) (string, bool) {
	if value, ok := v.named(name, at); ok {
		return value, true
	}
	wrong, pattern := "is not given", false
	if startsLikeTime(name) {
		value, problem := onBusinessDate(name, v.business)
		if problem == "" {
			return value, true
		}
		wrong, pattern = problem, true
	}
	v.miss(written, wrong, pattern, at)
	return "", false
}

// named returns the value of a given or built-in name. A given value may itself be one time expression, the
// way DataWorks assigns its scheduling parameters: dt=$[yyyymmdd-1].
func (v *variables) named(name string, at int) (string, bool) {
	value, ok := v.given[name]
	if !ok {
		return v.builtin(name)
	}
	if expr := strings.TrimSpace(value); strings.HasPrefix(expr, "$") {
		if inner, ok := v.expression(expr); ok {
			return inner, true
		}
	}
	if _, seen := v.quoted[name]; !seen && strings.ContainsAny(value, "\"'\\\n\r") {
		v.quoted[name] = at
	}
	return value, true
}

func (v *variables) builtin(name string) (string, bool) {
	switch name {
	case "bizdate":
		return v.business.Format("20060102"), true
	case "cyctime":
		return v.schedule.Format("20060102150405"), true
	case "gmtdate":
		return v.schedule.Format("20060102"), true
	case "bizmonth":
		// DataWorks: the month of the business date, or the one before if that month is not over yet.
		if v.business.Year() == v.schedule.Year() && v.business.Month() == v.schedule.Month() {
			return addMonths(v.business, -1).Format("200601"), true
		}
		return v.business.Format("200601"), true
	}
	return "", false
}

// expression evaluates a text that is one built-in variable or time expression and nothing else.
func (v *variables) expression(text string) (string, bool) {
	if m := squareForm.FindStringSubmatch(text); m != nil && m[0] == text {
		value, wrong := onSchedule(m[1], v.schedule)
		return value, wrong == ""
	}
	name := text[1:]
	if m := braceForm.FindStringSubmatch(text); m != nil && m[0] == text {
		name = strings.TrimSpace(m[1])
		if startsLikeTime(name) {
			value, wrong := onBusinessDate(name, v.business)
			return value, wrong == ""
		}
	}
	return v.builtin(name)
}

func (v *variables) miss(written, reason string, pattern bool, at int) {
	m := v.missing[written]
	if m == nil {
		m = &miss{written: written, reason: reason, pattern: pattern}
		v.missing[written] = m
	}
	m.offsets = append(m.offsets, at)
}

// lines turns ascending offsets into the distinct lines they are on.
func lines(src []byte, offsets []int) (list []int) {
	line, from := 1, 0
	for _, at := range offsets {
		line += bytes.Count(src[from:at], []byte("\n"))
		from = at
		if n := len(list); n == 0 || list[n-1] != line {
			list = append(list, line)
		}
	}
	return list
}

// column returns the column of an offset, in characters from 1.
func column(src []byte, at int) int {
	return utf8.RuneCount(src[bytes.LastIndexByte(src[:at], '\n')+1:at]) + 1
}

func (v *variables) problems(src []byte, allowed bool) (problems []options.Problem) {
	known := slices.Concat(slices.Sorted(maps.Keys(v.given)), builtins)
	for _, m := range v.missing {
		on := lines(src, m.offsets)
		p := options.Problem{Code: options.CodeUnresolvedVariable, Line: on[0], Col: column(src, m.offsets[0]),
			Seen: fmt.Sprintf("the variable %s %s", m.written, m.reason)}
		if len(on) > 1 {
			p.Seen += ", on the lines " + strings.Trim(strings.ReplaceAll(fmt.Sprint(on), " ", ", "), "[]")
		}
		name := strings.Trim(m.written, "${}[] ")
		near, ok := options.Nearest(name, known)
		switch {
		case m.pattern:
			p.Want = "yyyy, yy, mm, dd, and in $[…] also hh24, mi, ss, with separators and ±N"
			p.Try = "${yyyymmdd-1}, $[hh24miss-1/24] or $[add_months(yyyymm,-1)]"
		case ok:
			p.Want, p.Try = strings.Join(known, ", "), near
		case name != "" && nameForm.FindString("$"+name) == "$"+name:
			p.Want, p.Try = strings.Join(known, ", "), "-D "+name+"=…, or --allow-unresolved"
		default:
			p.Want = strings.Join(known, ", ")
		}
		if allowed {
			p.Seen, p.Want, p.Warning = p.Seen+"; it is left as it is", "", true
		}
		problems = append(problems, p)
	}
	for name, at := range v.quoted {
		problems = append(problems, options.Problem{Code: options.CodeQuoteInVariable, Line: lines(src, []int{at})[0], Col: column(src, at), Warning: true,
			Seen: fmt.Sprintf("the value of the variable %q holds a quote, a backslash or a line break and is inserted as it is", name),
			Try:  "check the text around it; write \\\" for a quote inside a JSON string"})
	}
	slices.SortFunc(problems, func(a, b options.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Seen, b.Seen))
	})
	return problems
}

// ParseDFlags reads the value of DataX's -p flag: -Dname=value -Dname2=value2. A value runs to the next -D and
// keeps its quotes; inside quotes that open a value or a word, -D is text. Blank values count as not given,
// and of two values for one name the last counts.
func ParseDFlags(flag string) (map[string]string, []options.Problem) {
	vars := map[string]string{}
	var problems []options.Problem
	rest := strings.TrimSpace(flag)
	for rest != "" {
		end := nextFlag(rest)
		one := strings.TrimSpace(rest[:end])
		rest = strings.TrimSpace(rest[end:])
		definition, ok := strings.CutPrefix(one, "-D")
		name, value, assigned := strings.Cut(definition, "=")
		if !ok || !assigned || nameForm.FindString("$"+name) != "$"+name {
			problems = append(problems, options.Problem{Code: options.CodeSyntax, Path: "-p", Seen: fmt.Sprintf("%q defines no variable", strings.SplitN(one, "=", 2)[0]), Want: "-Dname=value"})
			continue
		}
		delete(vars, name)
		if strings.TrimSpace(value) != "" {
			vars[name] = strings.TrimSpace(value)
		}
	}
	return vars, problems
}

// nextFlag returns where the next -D begins after the one that text starts with.
func nextFlag(text string) int {
	for i := 1; i < len(text); i++ {
		switch before := text[i-1]; {
		case (text[i] == '"' || text[i] == '\'') && (before == '=' || before == ' ' || before == '\t' || before == '\n'):
			if n := strings.IndexByte(text[i+1:], text[i]); n >= 0 {
				i += n + 1
			}
		case (before == ' ' || before == '\t' || before == '\n') && strings.HasPrefix(text[i:], "-D"):
			return i
		}
	}
	return len(text)
}
