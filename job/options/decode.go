package options

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Checker is a struct of options with rules that tie two options together. Decode calls Check after it has
// filled the struct, unless a field without a default could not be filled: one that could not be read, but has a
// default, holds the default. Check changes nothing and reports every problem with a path built on the one it is given.
type Checker interface {
	Check(path string) []Problem
}

// Option changes how Decode works.
type Option func(*decoder)

// Lenient turns unknown keys into warnings: they have no effect, as in older tools.
func Lenient() Option { return func(d *decoder) { d.lenient = true } }

// Decode fills dst, a pointer to a struct, from the object v and returns everything wrong with v at once.
// path is where v stands in the job. What the tags of a field may say:
//
//	json:"maxBatchRows"     the key; fields without it are left alone, embedded structs lend their fields
//	default:"500000"        the value when the key is not given; for lists separated by commas
//	doc:"One sentence."     for Describe
//	gx:"required"           must be given and not be empty; with emptyOk it may be ""
//	gx:"min=1,max=9"        limits of a number, or of the length of a text, list or map
//	gx:"enum=exit|skip"     the only values, compared without case and stored as spelled here
//	gx:"alias=a|b.c"        other names of the key; using one is noted, using two is a conflict
//	gx:"alias=aSec*1000"    another name that counts in another unit: a bare number under it is multiplied
//	gx:"keyWins"            of two names the one that comes first in key, alias, alias counts, and the others are noted
//	gx:"secret"             never shown in a problem (type Secret implies it)
//	gx:"list"               a text is a comma list: "a,b" and ["a","b"] are the same
//	gx:"bytes"              a number of bytes that may carry a unit: 64MiB, 64MB, 64m
//	gx:"duration=ms"        300s, 1h30m, or a bare number in ms (us, s, min, h); for integers the count of that unit
//	gx:"emptyIsUnset"       "" is the same as not given
//	gx:"prefix=sink.opts."  on a map: takes the keys with that prefix, and cuts it off
//	gx:"rest"               on a map: takes all keys that no other field knows
//	gx:"ignored"            accepted without effect; doc says why
//
// Texts, numbers and booleans may stand for each other; null is the same as not given. An object may also
// come as a text that holds one, and one element where a list belongs. Field types: string, bool, integers,
// float64, time.Duration, Secret, Value, structs, and slices, pointers and map[string] of these; a pointer
// stays nil when the key is not given.
//
// An object under the key "datasource" lends its keys to v wherever v gives neither a key nor an alias of it;
// keys in it that dst does not know are nobody's mistake, since readers and writers share data sources.
func Decode(v Value, path string, dst any, opts ...Option) []Problem {
	d := decoder{}
	for _, o := range opts {
		o(&d)
	}
	p := reflect.ValueOf(dst)
	if p.Kind() != reflect.Pointer || p.IsNil() || p.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("options: Decode into %T, want a pointer to a struct", dst))
	}
	d.object(v, path, p.Elem(), rule{})
	return d.problems
}

// DatasourceKey is the key under which an object lends its keys to the object around it.
const DatasourceKey = "datasource"

type decoder struct {
	lenient  bool
	problems []Problem
}

func (d *decoder) add(v Value, p Problem) {
	if p.Line == 0 {
		p.Line, p.Col = v.Pos()
	}
	d.problems = append(d.problems, p)
}

// wrong reports a value that does not fit its rule.
func (d *decoder) wrong(v Value, path, code, what string, r rule, def string) {
	shown := show(v)
	if r.secret {
		shown = "the value"
	}
	d.add(v, Problem{Code: code, Path: path, Seen: shown + " " + what, Want: r.allowed(), Try: def})
}

// object fills a struct.
func (d *decoder) object(v Value, path string, dst reflect.Value, r rule) {
	v, ok := d.asObject(v, path, r)
	if !ok {
		return
	}
	var shared Value
	if ds := v.Get(DatasourceKey); ds.kind == Object {
		shared, v = ds, v.Without(DatasourceKey)
	}
	fields := fieldsOf(dst.Type())
	taken := make(map[string]bool, len(fields))
	whole := true // no field is left without a value that it should have
	for i := range fields {
		f := &fields[i]
		if f.key == "" {
			continue
		}
		before := len(d.problems)
		d.field(v, shared, path, f, dst, taken)
		whole = whole && (f.hasDef || !slices.ContainsFunc(d.problems[before:], unreadable))
	}
	for i := range fields {
		if f := &fields[i]; f.rule.prefix != "" || f.rule.rest {
			d.gather(v, path, f, dst, taken)
		}
	}
	d.unknown(v, path, fields, taken)
	if c, ok := dst.Addr().Interface().(Checker); ok && whole {
		for _, p := range c.Check(path) {
			if p.Line == 0 {
				p.Line, p.Col = v.Locate(strings.TrimPrefix(p.Path, path))
			}
			// What Check makes of a default that stands in for an unreadable value is noise.
			if !slices.ContainsFunc(d.problems, func(old Problem) bool { return !old.Warning && old.Path == p.Path }) {
				d.problems = append(d.problems, p)
			}
		}
	}
}

func unreadable(p Problem) bool {
	return !p.Warning && p.Code != CodeUnknownKey && p.Code != CodeConflict
}

// asObject accepts an object, nothing at all, or a text that holds an object.
func (d *decoder) asObject(v Value, path string, r rule) (Value, bool) {
	switch {
	case v.kind == Object:
		return v, true
	case !v.Given(), v.kind == String && strings.TrimSpace(v.text) == "":
		return Value{kind: Object, line: v.line, col: v.col}, true
	case v.kind == String && strings.HasPrefix(strings.TrimSpace(v.text), "{"):
		inner, problems := Parse([]byte(v.text))
		if len(problems) == 0 {
			inner = inner.Unplaced()
			inner.line, inner.col = v.line, v.col
			return inner, true
		}
		seen := "the text holds an object that cannot be read"
		if !r.secret {
			seen += ": " + problems[0].Seen
		}
		d.add(v, Problem{Code: problems[0].Code, Path: path, Seen: seen, Try: "write the object itself, without quotes around it"})
	default:
		d.wrong(v, path, CodeWrongType, "is not an object", r, "{ }")
	}
	return v, false
}

// field finds the value of one field under its key, its aliases, or in the data source, and stores it.
func (d *decoder) field(v, shared Value, path string, f *field, dst reflect.Value, taken map[string]bool) {
	at, x := Join(path, f.key), v.Get(f.key)
	taken[f.key] = true
	given := f.key
	if x.kind == Missing {
		given = ""
	}
	for _, alias := range f.aliases {
		taken[alias] = true
		y := v.Get(alias)
		switch {
		case y.kind == Missing:
		case given == "":
			x, at, given = times(y, f.factors[alias]), Join(path, alias), alias
			d.add(y, Problem{Code: CodeMapped, Path: at, Seen: "read as " + f.key + mapped(x, y), Warning: true})
		case f.rule.keyWins:
			d.add(y, Problem{Code: CodeIgnored, Path: Join(path, alias),
				Seen: fmt.Sprintf("has no effect: %s comes before it", given), Try: "keep only " + f.key, Warning: true})
		default:
			d.add(y, Problem{Code: CodeConflict, Path: Join(path, alias),
				Seen: fmt.Sprintf("%s and %s are two names of one setting", alias, given), Try: "keep only " + f.key})
		}
	}
	for _, name := range append([]string{f.key}, f.aliases...) {
		if y := shared.Get(name); !x.Given() && y.Given() {
			x, at = times(y, f.factors[name]), Join(Join(path, DatasourceKey), name)
		}
	}
	d.store(x, v, at, f, dst.FieldByIndex(f.index))
}

// store puts x into a field, or the default if there is no x; around is the object that has or lacks the key.
func (d *decoder) store(x, around Value, at string, f *field, dst reflect.Value) {
	blank := x.kind == String && strings.TrimSpace(x.text) == ""
	if x.Given() && !(blank && f.rule.emptyIsUnset) {
		if f.rule.ignored {
			d.add(x, Problem{Code: CodeIgnored, Path: at, Seen: "has no effect" + explain(f.doc), Warning: true})
			return
		}
		if f.rule.required && !f.rule.emptyOK && (blank || (x.kind == Array && len(x.items) == 0)) {
			d.add(x, Problem{Code: CodeMissing, Path: at, Seen: "required and empty" + explain(f.doc), Want: f.rule.allowed()})
			return
		}
		setDefault(at, f, dst)
		d.value(x, at, dst, f.rule, f.def)
		return
	}
	switch {
	case f.rule.required:
		d.add(around, Problem{Code: CodeMissing, Path: at, Seen: "required and not given" + explain(f.doc), Want: f.rule.allowed()})
	case f.hasDef:
		setDefault(at, f, dst)
	case dst.Kind() == reflect.Struct && f.typ != typeValue:
		d.object(Value{kind: Object, line: around.line, col: around.col}, at, dst, f.rule)
	}
}

// explain turns the doc of a field into the end of a sentence.
func explain(doc string) string {
	doc = strings.TrimSuffix(doc, ".")
	if doc == "" {
		return ""
	}
	if len(doc) > 1 && doc[0] >= 'A' && doc[0] <= 'Z' && (doc[1] == ' ' || doc[1] >= 'a' && doc[1] <= 'z') && !strings.HasPrefix(doc, "StarRocks") {
		doc = string(doc[0]|0x20) + doc[1:]
	}
	return ": " + doc
}

// setDefault stores the default of a field, if it has one; that of a list is written with commas.
func setDefault(at string, f *field, dst reflect.Value) {
	if !f.hasDef {
		return
	}
	r := f.rule
	r.list = r.list || f.typ.Kind() == reflect.Slice
	def := decoder{}
	if def.value(Text(f.def), at, dst, r, ""); len(def.problems) > 0 {
		panic("options: the default of " + at + " is wrong: " + def.problems[0].String())
	}
}

// gather fills a map with the keys that share a prefix, or with all that are left.
func (d *decoder) gather(v Value, path string, f *field, dst reflect.Value, taken map[string]bool) {
	m := dst.FieldByIndex(f.index)
	for _, member := range v.members {
		name, ok := strings.CutPrefix(member.Key, f.rule.prefix)
		if taken[member.Key] || !ok || name == "" {
			continue
		}
		taken[member.Key] = true
		d.entry(m, name, member.Value, Join(path, member.Key), f.rule)
	}
}

// entry sets one key of a map.
func (d *decoder) entry(m reflect.Value, key string, x Value, at string, r rule) {
	if m.IsNil() {
		m.Set(reflect.MakeMap(m.Type()))
	}
	e := reflect.New(m.Type().Elem()).Elem()
	if x.Given() || e.Type() == typeValue {
		d.value(x, at, e, rule{secret: r.secret, enum: r.enum}, "")
	}
	m.SetMapIndex(reflect.ValueOf(key), e)
}

func (d *decoder) unknown(v Value, path string, fields []field, taken map[string]bool) {
	var known []string
	for _, m := range v.members {
		if taken[m.Key] {
			continue
		}
		if known == nil {
			for i := range fields {
				if fields[i].key != "" && !fields[i].rule.ignored {
					known = append(append(known, fields[i].key), fields[i].aliases...)
				}
			}
		}
		p := Problem{Code: CodeUnknownKey, Path: Join(path, m.Key), Seen: "no such key", Line: int(m.line), Col: int(m.col)}
		if near, ok := Nearest(m.Key, known); ok {
			p.Try = near
		} else if len(known) > 0 && len(known) <= 12 {
			p.Want = strings.Join(known, ", ")
		}
		if d.lenient {
			p.Seen, p.Warning = "no such key, ignored", true
		}
		d.problems = append(d.problems, p)
	}
}
