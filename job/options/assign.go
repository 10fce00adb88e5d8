package options

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// value stores x, which is given, into dst by the type of dst.
func (d *decoder) value(x Value, at string, dst reflect.Value, r rule, def string) {
	switch t := dst.Type(); {
	case t == typeValue:
		dst.Set(reflect.ValueOf(x))
	case t == typeDuration:
		n, wrong := toDuration(x, r.unit)
		if d.fits(x, at, wrong, float64(n)/float64(r.unit), r, def) {
			dst.SetInt(int64(n))
		}
	case t.Kind() == reflect.Pointer:
		p := reflect.New(t.Elem())
		before := len(d.problems)
		d.value(x, at, p.Elem(), r, def)
		if !Failed(d.problems[before:]) {
			dst.Set(p)
		}
	case t.Kind() == reflect.Struct:
		d.object(x, at, dst, r)
	case t.Kind() == reflect.Slice:
		d.slice(x, at, dst, r)
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		x, ok := d.asObject(x, at, r)
		if !ok {
			return
		}
		dst.Set(reflect.MakeMap(t))
		for _, m := range x.members {
			d.entry(dst, m.Key, m.Value, Join(at, m.Key), r)
		}
		d.counted(x, at, len(x.members), "keys", r)
	default:
		d.scalar(x, at, dst, r, def)
	}
}

func (d *decoder) slice(x Value, at string, dst reflect.Value, r rule) {
	items := x.items
	paths := func(i int) string { return At(at, i) }
	if x.kind != Array {
		items, paths = []Value{x}, func(int) string { return at }
		if x.kind == String && strings.TrimSpace(x.text) == "" {
			items = nil
		}
	}
	if r.list {
		items = splitCommas(items)
	}
	element := r
	element.min, element.max, element.required = nil, nil, false
	out := reflect.MakeSlice(dst.Type(), len(items), len(items))
	for i, item := range items {
		if item.Given() {
			d.value(item, paths(i), out.Index(i), element, "")
		} else if out.Index(i).Type() != typeValue {
			d.wrong(item, paths(i), CodeWrongType, "is not a value of a list", r, "")
		}
	}
	dst.Set(out)
	d.counted(x, at, len(items), "elements", r)
}

// splitCommas cuts the texts of a list at their commas and drops blank parts.
func splitCommas(items []Value) []Value {
	var out []Value
	for _, item := range items {
		if item.kind != String {
			out = append(out, item)
			continue
		}
		for part := range strings.SplitSeq(item.text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				y := item
				y.text = part
				out = append(out, y)
			}
		}
	}
	return out
}

func (d *decoder) scalar(x Value, at string, dst reflect.Value, r rule, def string) {
	switch dst.Kind() {
	case reflect.String:
		s, wrong := toText(x)
		switch {
		case wrong != "":
			d.wrong(x, at, CodeWrongType, "is not a text", r, def)
		case r.enum != nil:
			d.enum(x, at, s, dst, r, def)
		default:
			dst.SetString(s)
			d.counted(x, at, len(s), "bytes", r)
		}
	case reflect.Bool:
		b, wrong := toBool(x)
		if wrong != "" {
			d.wrong(x, at, CodeWrongType, wrong, r, def)
			return
		}
		dst.SetBool(b)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, wrong := integer(x, r)
		if wrong == "" && dst.OverflowInt(n) {
			wrong = "is beyond " + strconv.Itoa(dst.Type().Bits()) + " bits"
		}
		if d.fits(x, at, wrong, float64(n), r, def) {
			dst.SetInt(n)
		}
	case reflect.Float64, reflect.Float32:
		n, wrong := toFloat(x)
		if d.fits(x, at, wrong, n, r, def) {
			dst.SetFloat(n)
		}
	default:
		panic(fmt.Sprintf("options: %s: fields of type %s are not supported", at, dst.Type()))
	}
}

func integer(x Value, r rule) (int64, string) {
	switch {
	case r.bytes:
		return toBytes(x)
	case r.unit > 0:
		n, wrong := toDuration(x, r.unit)
		if wrong == "" && n%r.unit != 0 {
			wrong = "is not a whole number of " + r.unitName
		}
		return int64(n / max(r.unit, time.Nanosecond)), wrong
	}
	return toInt(x)
}

func (d *decoder) enum(x Value, at, s string, dst reflect.Value, r rule, def string) {
	for _, e := range r.enum {
		if strings.EqualFold(e, strings.TrimSpace(s)) {
			dst.SetString(e)
			return
		}
	}
	if near, ok := Nearest(s, r.enum); ok {
		def = near
	}
	d.wrong(x, at, CodeNotAllowed, "is not allowed", r, def)
}

// fits reports a number that could not be read or is outside its limits.
func (d *decoder) fits(x Value, at, wrong string, n float64, r rule, def string) bool {
	code := CodeWrongType
	switch {
	case strings.HasPrefix(wrong, "is beyond"):
		code = CodeOutOfRange
	case wrong != "":
	case r.min != nil && n < *r.min:
		code, wrong = CodeOutOfRange, "is too small"
	case r.max != nil && n > *r.max:
		code, wrong = CodeOutOfRange, "is too large"
	default:
		return true
	}
	d.wrong(x, at, code, wrong, r, def)
	return false
}

// counted reports a text, list or map whose length is outside its limits.
func (d *decoder) counted(x Value, at string, n int, what string, r rule) {
	if (r.min != nil && float64(n) < *r.min) || (r.max != nil && float64(n) > *r.max) {
		d.add(x, Problem{Code: CodeOutOfRange, Path: at, Seen: fmt.Sprintf("has %d %s", n, what), Want: r.allowed()})
	}
}
