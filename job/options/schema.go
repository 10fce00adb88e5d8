package options

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
)

// field is what the tags of one struct field say.
type field struct {
	index   []int
	typ     reflect.Type
	key     string
	doc     string
	def     string
	hasDef  bool
	aliases []string
	factors map[string]int64 // of aliases that count in another unit than the key
	rule    rule
}

// rule holds the limits that a value must keep to.
type rule struct {
	required, emptyOK, emptyIsUnset bool
	secret, ignored, rest           bool
	list, bytes, keyWins            bool
	unit                            time.Duration // of a duration written as a bare number; 0: not a duration
	unitName                        string
	prefix                          string
	min, max                        *float64
	enum                            []string
}

var (
	schemas      sync.Map // reflect.Type → []field
	typeValue    = reflect.TypeFor[Value]()
	typeSecret   = reflect.TypeFor[Secret]()
	typeDuration = reflect.TypeFor[time.Duration]()
	units        = map[string]time.Duration{"ns": 1, "us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "min": time.Minute, "h": time.Hour}
)

// fieldsOf reads the tags of a struct type; embedded structs lend it their fields. A tag that means nothing
// is a mistake of the programmer and panics, on the first decode of the type.
func fieldsOf(t reflect.Type) []field {
	if known, ok := schemas.Load(t); ok {
		return known.([]field)
	}
	var fields []field
	for i := range t.NumField() {
		sf := t.Field(i)
		key, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if sf.Anonymous && key == "" && sf.Type.Kind() == reflect.Struct {
			for _, f := range fieldsOf(sf.Type) {
				f.index = append([]int{i}, f.index...)
				fields = append(fields, f)
			}
			continue
		}
		r := parseRule(t, sf)
		if key == "-" || !sf.IsExported() || (key == "" && r.prefix == "" && !r.rest) {
			continue
		}
		f := field{index: []int{i}, typ: sf.Type, key: key, doc: sf.Tag.Get("doc"), rule: r}
		f.def, f.hasDef = sf.Tag.Lookup("default")
		f.aliases, f.factors = aliasesOf(t, sf)
		fields = append(fields, f)
	}
	schemas.Store(t, fields)
	return fields
}

// aliasesOf lists the other names of a key, and by how much to multiply what stands under some of them.
func aliasesOf(t reflect.Type, sf reflect.StructField) (names []string, factors map[string]int64) {
	for part := range strings.SplitSeq(sf.Tag.Get("gx"), ",") {
		list, ok := strings.CutPrefix(strings.TrimSpace(part), "alias=")
		if !ok {
			continue
		}
		for alias := range strings.SplitSeq(list, "|") {
			name, by, scaled := strings.Cut(alias, "*")
			if scaled {
				n, err := strconv.ParseInt(by, 10, 64)
				if err != nil || n < 2 {
					panic(fmt.Sprintf("options: %s.%s: alias %q has no factor behind its *", t, sf.Name, alias))
				}
				if factors == nil {
					factors = map[string]int64{}
				}
				factors[name] = n
			}
			names = append(names, name)
		}
	}
	return names, factors
}

func parseRule(t reflect.Type, sf reflect.StructField) (r rule) {
	for part := range strings.SplitSeq(sf.Tag.Get("gx"), ",") {
		name, arg, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "", "alias":
		case "required":
			r.required = true
		case "emptyOk":
			r.emptyOK = true
		case "emptyIsUnset":
			r.emptyIsUnset = true
		case "secret":
			r.secret = true
		case "ignored":
			r.ignored = true
		case "rest":
			r.rest = true
		case "list":
			r.list = true
		case "keyWins":
			r.keyWins = true
		case "bytes":
			r.bytes = true
		case "duration":
			r.unitName = arg
			if arg == "" {
				r.unitName = "ms"
			}
			r.unit = units[r.unitName]
			if r.unit == 0 {
				panic(fmt.Sprintf("options: %s.%s: unknown unit %q", t, sf.Name, arg))
			}
		case "prefix":
			r.prefix = arg
		case "min", "max":
			n, err := strconv.ParseFloat(arg, 64)
			if err != nil {
				panic(fmt.Sprintf("options: %s.%s: %s=%q is not a number", t, sf.Name, name, arg))
			}
			if name == "min" {
				r.min = &n
			} else {
				r.max = &n
			}
		case "enum":
			r.enum = strings.Split(arg, "|")
		default:
			panic(fmt.Sprintf("options: %s.%s: unknown rule %q", t, sf.Name, part))
		}
	}
	base := sf.Type
	for base.Kind() == reflect.Pointer || base.Kind() == reflect.Slice {
		base = base.Elem()
	}
	if base == typeSecret {
		r.secret = true
	}
	if base == typeDuration && r.unit == 0 {
		r.unit, r.unitName = time.Millisecond, "ms"
	}
	return r
}

// allowed says in words what a scalar of this rule may be; "" if anything.
func (r rule) allowed() string {
	if r.enum != nil {
		return strings.Join(r.enum, ", ")
	}
	lo, hi := r.limitText(r.min), r.limitText(r.max)
	switch {
	case lo != "" && hi != "":
		return lo + " to " + hi
	case lo != "":
		return lo + " or more"
	case hi != "":
		return "up to " + hi
	}
	return ""
}

func (r rule) limitText(limit *float64) string {
	if limit == nil {
		return ""
	}
	text := strconv.FormatFloat(*limit, 'f', -1, 64)
	if n := int64(*limit); r.bytes && n >= 1<<20 && n%(1<<20) == 0 {
		return strconv.FormatInt(n>>20, 10) + " MiB"
	}
	if r.unit > 0 && *limit != 0 {
		text += " " + r.unitName
	}
	return text
}
