package stream

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gx-etl/gx/job/javadate"
	"github.com/gx-etl/gx/job/options"
)

type columnOptions struct {
	Name       string        `json:"name" doc:"Name of the column; by default that of the writer's column in the same place, or c1, c2 …"`
	Type       string        `json:"type" default:"string" gx:"emptyIsUnset,enum=long|double|string|bool|date|bytes" doc:"Type of the values."`
	Value      options.Value `json:"value" doc:"The value in every row."`
	Random     string        `json:"random" gx:"emptyIsUnset" doc:"Random values, as \"from,to\" with both ends included: numbers, dates, or the length of texts and bytes; for bool how often false and true come."`
	Incr       string        `json:"incr" gx:"emptyIsUnset" doc:"Counting values of a long, as \"start,step\": no two rows of a run have the same."`
	DateFormat string        `json:"dateFormat" default:"yyyy-MM-dd HH:mm:ss" gx:"emptyIsUnset" doc:"How the dates of this column are written, in the letters of Java's SimpleDateFormat: y M d H h m s S a and texts in single quotes."`
	NullEvery  int64         `json:"nullEvery" default:"0" gx:"min=0" doc:"Every such row holds NULL instead: 3 is the third, the sixth …; 0 is never."`
}

// way is how a column comes to its values.
type way uint8

const (
	fixed way = iota
	counted
	random
)

// column is a columnOptions that was understood.
type column struct {
	name      string
	kind      string
	way       way
	nullEvery uint64
	seed      uint64
	layout    string // of dates, for time.Format

	text   []byte  // fixed string or bytes
	flag   bool    // fixed bool
	lo, hi int64   // long; date in µs; length; weights of false and true. fixed: lo; counted: start and step
	flo    float64 // double. fixed: flo
	fhi    float64
}

// compile understands the options of column i.
func (o *columnOptions) compile(at string, seed int64, i int) (column, []options.Problem) {
	c := column{name: o.Name, kind: o.Type, nullEvery: uint64(o.NullEvery), seed: mix(uint64(seed)) ^ mix(uint64(i)+1<<32)}
	var problems []options.Problem
	wrong := func(key, seen, want string) {
		problems = append(problems, options.Problem{Code: options.CodeNotAllowed, Path: options.Join(at, key), Seen: seen, Want: want})
	}
	layout, err := javadate.Layout(o.DateFormat)
	if err != nil {
		wrong("dateFormat", err.Error(), "letters y M d H h m s S a, and texts in single quotes")
		return c, problems
	}
	c.layout = layout
	switch {
	case o.Random != "":
		c.way = random
		if o.Value.Given() {
			problems = append(problems, options.Problem{Code: options.CodeIgnored, Path: options.Join(at, "value"),
				Seen: "has no effect beside random", Warning: true})
		}
		if err := c.between(o.Random); err != nil {
			wrong("random", err.Error(), wantRandom[c.kind])
		}
	case o.Incr != "":
		c.way = counted
		first, step, err := pair(o.Incr, integer)
		switch {
		case c.kind != "long":
			wrong("incr", "a column of type "+c.kind+" does not count", "type long")
		case err != nil:
			wrong("incr", err.Error(), `"start,step"`)
		}
		c.lo, c.hi = first, step
	case o.Value.Given():
		if err := c.constant(o.Value); err != nil {
			wrong("value", err.Error(), "")
		}
	default:
		problems = append(problems, options.Problem{Code: options.CodeMissing, Path: at,
			Seen: "a column without values", Try: `give value, random or incr, such as "random": "0,10"`})
	}
	return c, problems
}

// constant takes the value of every row.
func (c *column) constant(v options.Value) (err error) {
	if v.Kind() == options.Array || v.Kind() == options.Object {
		return fmt.Errorf("is %s, not one value", v.Kind())
	}
	s := v.Text()
	switch c.kind {
	case "long":
		c.lo, err = integer(s)
	case "double":
		c.flo, err = number(s)
	case "bool":
		if c.flag, err = strconv.ParseBool(strings.ToLower(strings.TrimSpace(s))); err != nil {
			err = fmt.Errorf("%q is neither true nor false", s)
		}
	case "date":
		c.lo, err = c.date(s)
	default:
		c.text = []byte(s)
	}
	return err
}

var wantRandom = map[string]string{
	"long": `"0,10": from 0 to 10`, "double": `"0,10": from 0 to 10`,
	"string": `"0,10": texts of 0 to 10 characters`, "bytes": `"0,10": 0 to 10 bytes`,
	"bool": `"1,3": one false for three true`, "date": `"2020-01-01 00:00:00,2020-12-31 23:59:59", written as dateFormat says`,
}

// between takes the range of random values.
func (c *column) between(s string) (err error) {
	switch c.kind {
	case "long":
		c.lo, c.hi, err = pair(s, integer)
	case "double":
		c.flo, c.fhi, err = pair(s, number)
	case "date":
		c.lo, c.hi, err = pair(s, c.date)
	default:
		if c.lo, c.hi, err = pair(s, integer); err == nil && (c.lo < 0 || c.hi < 0 || max(c.lo, c.hi) > 1<<20) {
			return fmt.Errorf("%q is not within 0 and 1048576", s)
		}
		if c.kind == "bool" && err == nil {
			if c.lo+c.hi == 0 {
				return fmt.Errorf("%q gives neither false nor true", s)
			}
			return nil
		}
	}
	if err == nil && (c.lo > c.hi || c.flo > c.fhi) {
		return fmt.Errorf("%q begins after its end", s)
	}
	return err
}

// pair reads "a,b". The comma may also stand within each half, as in a date: it is cut in the middle.
func pair[T any](s string, read func(string) (T, error)) (a, b T, err error) {
	parts := strings.Split(s, ",")
	if len(parts)%2 != 0 {
		return a, b, fmt.Errorf("%q is not two values with a comma between them", s)
	}
	half := len(parts) / 2
	if a, err = read(strings.TrimSpace(strings.Join(parts[:half], ","))); err != nil {
		return a, b, err
	}
	b, err = read(strings.TrimSpace(strings.Join(parts[half:], ",")))
	return a, b, err
}

func integer(s string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not an integer of 64 bits", s)
	}
	return n, nil
}

func number(s string) (float64, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	return f, nil
}

// date reads a date as the column writes it, in µs since 1970.
func (c *column) date(s string) (int64, error) {
	t, err := time.Parse(c.layout, s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a date as %q writes them", s, time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC).Format(c.layout))
	}
	return t.UnixMicro(), nil
}
