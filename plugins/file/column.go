package file

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/job/javadate"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// Column is an entry of the reader's column list in its long form.
type Column struct {
	Index  *int64        `json:"index" gx:"min=0,max=65535" doc:"Position of the cell in its record, from 0."`
	Name   string        `json:"name" gx:"emptyIsUnset" doc:"Name of the column in the header, or of the field in a JSON object; beside index or value only the name that the column gets."`
	Value  options.Value `json:"value" doc:"A constant instead."`
	Type   string        `json:"type" gx:"emptyIsUnset,enum=string|long|double|bool|boolean|date" doc:"Type of the values: string when not given; fields of JSON objects then keep theirs. A value that does not fit makes its record dirty."`
	Format string        `json:"format" gx:"emptyIsUnset" doc:"How dates are written, in the letters of Java's SimpleDateFormat. When not given: yyyy-MM-dd HH:mm:ss with or without a fraction or a T, yyyy-MM-dd, yyyyMMdd."`
}

// kind is what the values of a column are.
type kind uint8

const (
	kindText  kind = iota
	kindToken      // raw JSON
	kindLong
	kindDouble
	kindBool
	kindDate // µs since 1970
)

var kinds = map[string]kind{"string": kindText, "long": kindLong, "double": kindDouble, "bool": kindBool, "boolean": kindBool, "date": kindDate}

// column is a Column that was understood.
type column struct {
	name   string // "" until Open finds one
	index  int    // of the cell, -1: by key
	key    string // of the header or field
	fixed  bool
	kind   kind
	layout string // of dates; "": the usual forms
	value  value  // fixed
}

// value is a cell that was understood.
type value struct {
	null bool
	text []byte
	n    int64
	f    float64
}

// columns reads the column list; nil: all cells.
func (o *readerOptions) columns(path string) ([]column, []options.Problem) {
	var problems []options.Problem
	var out []column
	names := make(map[string]int)
	for i, v := range o.Column {
		at := options.At(path, i)
		if v.Text() == "*" {
			if len(o.Column) == 1 {
				return nil, nil
			}
			problems = append(problems, options.Problem{Code: options.CodeConflict, Path: at, Seen: "* stands for all columns and cannot be mixed with others", Try: "keep only *"})
			continue
		}
		spec, wrong := o.long(v, at)
		problems = append(problems, wrong...)
		c, wrong := o.compile(&spec, at)
		problems = append(problems, wrong...)
		if first, twice := names[c.name]; twice && c.name != "" {
			problems = append(problems, options.Problem{Code: options.CodeConflict, Path: at, Seen: strconv.Quote(c.name) + " is the name of column " + strconv.Itoa(first+1) + " too",
				Try: `give one of them another name: {"index": 0, "name": "other"}`})
		}
		names[c.name] = i
		out = append(out, c)
	}
	return out, problems
}

// long is the long form of an entry.
func (o *readerOptions) long(v options.Value, at string) (c Column, problems []options.Problem) {
	if v.Kind() == options.Object {
		problems = options.Decode(v, at, &c)
		return c, problems
	}
	if n, err := strconv.ParseUint(v.Text(), 10, 16); err == nil && o.Format != formatJSONL {
		c.Index = new(int64(n))
	} else {
		c.Name = v.Text()
	}
	if v.Kind() == options.Array || v.Kind() == options.Bool || c.Index == nil && c.Name == "" {
		problems = append(problems, options.Problem{Code: options.CodeWrongType, Path: at, Seen: v.String() + " is no column",
			Want: "a name, a position from 0, or an object"})
	}
	return c, problems
}

func (o *readerOptions) compile(spec *Column, at string) (column, []options.Problem) {
	c := column{name: spec.Name, key: spec.Name, index: -1, kind: kinds[spec.Type]}
	if o.Format == formatJSONL && spec.Type == "" {
		c.kind = kindToken
	}
	var problems []options.Problem
	wrong := func(key, seen, try string) {
		problems = append(problems, options.Problem{Code: options.CodeNotAllowed, Path: options.Join(at, key), Seen: seen, Try: try})
	}
	if spec.Format != "" {
		layout, err := javadate.Layout(spec.Format)
		switch {
		case err != nil:
			wrong("format", err.Error(), "yyyy-MM-dd HH:mm:ss")
		case c.kind != kindDate:
			wrong("format", "only dates have one", `"type": "date"`)
		}
		c.layout = layout
	}
	switch {
	case spec.Value.Given() && spec.Index != nil:
		wrong("index", "value and index exclude each other", "keep one")
	case spec.Value.Given():
		c.fixed = true
		if k := spec.Value.Kind(); k == options.Array || k == options.Object {
			wrong("value", "is "+k.String()+", not one value", "")
			break
		}
		if c.kind == kindToken {
			c.kind = kindText
		}
		if reason := c.read([]byte(spec.Value.Text()), &c.value); reason != "" {
			wrong("value", reason, "")
		}
	case spec.Index != nil && o.Format == formatJSONL:
		wrong("index", "fields of JSON objects have names", `"name": "id"`)
	case spec.Index != nil:
		c.index = int(*spec.Index)
	case spec.Name == "":
		problems = append(problems, options.Problem{Code: options.CodeMissing, Path: at, Seen: "neither index, name nor value is given", Try: `"index": 0`})
	case o.Format != formatJSONL && !o.SkipHeader:
		wrong("name", strconv.Quote(spec.Name)+" cannot be found: the files have no header", `"skipHeader": true, or "index": 0 beside the name`)
	}
	return c, problems
}

func (c *column) field() arrow.Field {
	f := arrow.Field{Name: c.name, Nullable: true}
	switch c.kind {
	case kindToken:
		return rows.JSONField(c.name)
	case kindLong:
		f.Type = arrow.PrimitiveTypes.Int64
	case kindDouble:
		f.Type = arrow.PrimitiveTypes.Float64
	case kindBool:
		f.Type = arrow.FixedWidthTypes.Boolean
	case kindDate:
		f.Type = &arrow.TimestampType{Unit: arrow.Microsecond}
	default:
		f.Type = arrow.BinaryTypes.String
	}
	return f
}

// read understands text as a value of the column; a reason says why it is none.
func (c *column) read(text []byte, v *value) (reason string) {
	*v = value{text: text}
	if c.kind == kindText || c.kind == kindToken {
		return ""
	}
	s := strings.TrimSpace(unsafe.String(unsafe.SliceData(text), len(text)))
	switch c.kind {
	case kindLong:
		n, err := strconv.ParseInt(s, 10, 64)
		if v.n = n; err != nil {
			return short(s) + " is not an integer of 64 bits"
		}
	case kindDouble:
		f, err := strconv.ParseFloat(s, 64)
		if v.f = f; err != nil || strings.ContainsAny(s, "xX_") {
			return short(s) + " is not a number of 64 bits"
		}
	case kindBool:
		switch {
		case strings.EqualFold(s, "true"), s == "1":
			v.n = 1
		case strings.EqualFold(s, "false"), s == "0":
		default:
			return short(s) + " is neither true nor false"
		}
	case kindDate:
		t, ok := c.date(s)
		switch {
		case !ok:
			return short(s) + " is not a date as format has it"
		case t.Nanosecond()%1000 != 0:
			return short(s) + " is finer than a microsecond"
		}
		v.n = t.UnixMicro()
	}
	return ""
}

func (c *column) date(s string) (time.Time, bool) {
	layout := c.layout
	if layout == "" {
		switch {
		case len(s) == len(time.DateOnly):
			layout = time.DateOnly
		case len(s) == 8:
			layout = "20060102"
		case len(s) > 10 && s[10] == 'T':
			layout = "2006-01-02T15:04:05"
		default:
			layout = time.DateTime
		}
	}
	t, err := time.Parse(layout, s)
	return t, err == nil
}

// short quotes a text for a reason.
func short(s string) string {
	if len(s) > 64 {
		return fmt.Sprintf("%q…", s[:64])
	}
	return strconv.Quote(s)
}

// append adds a value to column i of b.
func (c *column) append(b *rows.Builder, i int, v *value) {
	switch {
	case v.null:
		b.AppendNull(i)
	case c.kind == kindLong, c.kind == kindDate:
		b.AppendInt64(i, v.n)
	case c.kind == kindDouble:
		b.AppendInt64(i, int64(math.Float64bits(v.f)))
	case c.kind == kindBool:
		b.AppendBool(i, v.n == 1)
	default:
		b.AppendBytes(i, v.text)
	}
}
