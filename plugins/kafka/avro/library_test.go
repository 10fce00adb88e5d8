package avro_test

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/kafka/avro"
	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/decode/decodetest"
	"github.com/gx-etl/gx/plugins/kafka/literal"
	"github.com/gx-etl/gx/plugins/kafka/project"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	library "github.com/twmb/avro"
	"pgregory.net/rapid"
)

// sample is a schema drawn by chance, as a tree: with logical types, and without them, which changes no byte of a value. Its
// value is that of the library, its JSON what gx should make of it.
type sample struct {
	logical, bare any
	value         any
	want          any
}

type number struct {
	f    float64
	bits int
}

type drawing struct {
	t     *rapid.T
	names int
}

func (d *drawing) name() string {
	d.names++
	return fmt.Sprintf("N%d", d.names)
}

func (d *drawing) logical(base any, typ string, value, want any, more ...any) sample {
	m := map[string]any{"type": base, "logicalType": typ}
	for i := 0; i < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	return sample{m, base, value, want}
}

func civil(sec, nanos int64, zone *time.Location) string {
	form := "2006-01-02 15:04:05"
	if nanos/1000 != 0 {
		form += ".000000"
	}
	return time.Unix(sec, nanos).In(zone).Format(form)
}

var zone = time.FixedZone("", 8*3600)

// scalar draws a value that holds no others.
func (d *drawing) scalar() sample {
	t := d.t
	same := func(typ string, v, want any) sample { return sample{typ, typ, v, want} }
	switch rapid.IntRange(0, 17).Draw(t, "scalar") {
	case 0:
		return same("null", nil, nil)
	case 1:
		v := rapid.Bool().Draw(t, "bool")
		return same("boolean", v, v)
	case 2:
		v := rapid.Int32().Draw(t, "int")
		return same("int", v, json.Number(strconv.Itoa(int(v))))
	case 3:
		v := rapid.Int64().Draw(t, "long")
		return same("long", v, json.Number(strconv.FormatInt(v, 10)))
	case 4:
		v := rapid.Float32Range(-math.MaxFloat32, math.MaxFloat32).Draw(t, "float")
		return same("float", v, number{float64(v), 32})
	case 5:
		v := rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64).Draw(t, "double")
		return same("double", v, number{v, 64})
	case 6:
		v := rapid.String().Draw(t, "string")
		return same("string", v, v)
	case 7:
		v := rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "bytes")
		return same("bytes", v, hex.EncodeToString(v))
	case 8:
		symbols := []string{"RED", "GREEN", "BLUE"}
		v := rapid.SampledFrom(symbols).Draw(t, "enum")
		s := map[string]any{"type": "enum", "name": d.name(), "symbols": symbols}
		return sample{s, s, v, v}
	case 9:
		v := rapid.Int32Range(-719528, 2932896).Draw(t, "days")
		return d.logical("int", "date", v, time.Unix(int64(v)*86400, 0).UTC().Format(time.DateOnly))
	case 10:
		v := rapid.Int32Range(0, 86399999).Draw(t, "millis")
		return d.logical("int", "time-millis", v, civil(int64(v)/1e3, int64(v)%1e3*1e6, time.UTC)[11:])
	case 11:
		v := rapid.Int64Range(0, 86399999999).Draw(t, "micros")
		return d.logical("long", "time-micros", v, civil(v/1e6, v%1e6*1e3, time.UTC)[11:])
	case 12, 13, 14:
		i := rapid.IntRange(0, 2).Draw(t, "unit")
		per := []int64{1e3, 1e6, 1e9}[i]
		v := rapid.Int64Range(max(-62000000000*per, math.MinInt64), []int64{253000000000e3, 253000000000e6, math.MaxInt64}[i]).Draw(t, "instant")
		if per == 1e9 {
			v = rapid.Int64().Draw(t, "nanos")
		}
		sec, frac := v/per, v%per
		if frac < 0 {
			sec, frac = sec-1, frac+per
		}
		local, in := "", zone
		if rapid.Bool().Draw(t, "local") {
			local, in = "local-", time.UTC
		}
		return d.logical("long", local+"timestamp-"+[]string{"millis", "micros", "nanos"}[i], v, civil(sec, frac*(1e9/per), in))
	case 15:
		v := rapid.SliceOfN(rapid.Byte(), 1, 12).Draw(t, "decimal")
		scale := rapid.IntRange(0, 6).Draw(t, "scale")
		return d.logical("bytes", "decimal", v, decimalText(v, scale), "precision", 28, "scale", scale)
	case 16:
		v := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid")
		fixed := map[string]any{"type": "fixed", "name": d.name(), "size": 16}
		with := map[string]any{"type": "fixed", "name": fixed["name"], "size": 16, "logicalType": "uuid"}
		return sample{with, fixed, v, fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:])}
	}
	v := rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, "duration")
	fixed := map[string]any{"type": "fixed", "name": d.name(), "size": 12}
	with := map[string]any{"type": "fixed", "name": fixed["name"], "size": 12, "logicalType": "duration"}
	part := func(i int) any { return json.Number(strconv.FormatUint(uint64(binary.LittleEndian.Uint32(v[i:])), 10)) }
	return sample{with, fixed, v, map[string]any{"months": part(0), "days": part(4), "milliseconds": part(8)}}
}

func decimalText(b []byte, scale int) string {
	n := new(big.Int).SetBytes(b)
	if b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(scale)
}

// any draws a value; elements of one list have one schema, and one value too.
func (d *drawing) any(depth int) sample {
	t := d.t
	if depth == 0 {
		return d.scalar()
	}
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0, 1:
		return d.record(depth)
	case 2:
		of := d.any(depth - 1)
		values, want := []any{}, []any{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			values, want = append(values, of.value), append(want, of.want)
		}
		return sample{map[string]any{"type": "array", "items": of.logical}, map[string]any{"type": "array", "items": of.bare}, values, want}
	case 3:
		of := d.any(depth - 1)
		values, want := map[string]any{}, map[string]any{}
		for i := range rapid.IntRange(0, 3).Draw(t, "entries") {
			key := fmt.Sprintf("k%d", i)
			values[key], want[key] = of.value, of.want
		}
		return sample{map[string]any{"type": "map", "values": of.logical}, map[string]any{"type": "map", "values": of.bare}, values, want}
	case 4:
		of := d.any(depth - 1)
		if of.value == nil || isUnion(of.logical) {
			return of
		}
		if rapid.Bool().Draw(t, "null") {
			of.value, of.want = nil, nil
		}
		return sample{[]any{"null", of.logical}, []any{"null", of.bare}, of.value, of.want}
	}
	return d.scalar()
}

func isUnion(schema any) bool { _, is := schema.([]any); return is }

func (d *drawing) record(depth int) sample {
	name := d.name()
	var logical, bare []any
	values, want := map[string]any{}, map[string]any{}
	for i := range rapid.IntRange(0, 4).Draw(d.t, "fields") {
		f := d.any(depth - 1)
		key := fmt.Sprintf("f%d", i)
		logical = append(logical, map[string]any{"name": key, "type": f.logical})
		bare = append(bare, map[string]any{"name": key, "type": f.bare})
		values[key], want[key] = f.value, f.want
	}
	record := func(fields []any) any {
		if fields == nil {
			fields = []any{}
		}
		return map[string]any{"type": "record", "name": name, "fields": fields}
	}
	return sample{record(logical), record(bare), values, want}
}

// same compares JSON with what was wanted.
func same(got, want any) bool {
	switch w := want.(type) {
	case number:
		n, ok := got.(json.Number)
		f, err := strconv.ParseFloat(string(n), w.bits)
		return ok && err == nil && f == w.f
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for k := range w {
			if v, there := g[k]; !there || !same(v, w[k]) {
				return false
			}
		}
		return true
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for i := range w {
			if !same(g[i], w[i]) {
				return false
			}
		}
		return true
	}
	return got == want
}

func parse(t *rapid.T, text string) (v any) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func schemaText(t *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What the library writes comes out as the same document, and any cell of it as that part of the document.
func TestValuesOfTheLibrary(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d := drawing{t: r}
		s := d.record(3)
		bare, err := library.Parse(schemaText(r, s.bare))
		if err != nil {
			r.Fatalf("%s: %v", schemaText(r, s.bare), err)
		}
		raw, err := bare.Encode(s.value)
		if err != nil {
			r.Fatalf("%s: %v", schemaText(r, s.bare), err)
		}
		compile := avro.Compile(literal.Style{Hex: true, Zone: zone}, nil)
		schema := &registry.Schema{Type: registry.Avro, Text: schemaText(r, s.logical)}
		rows := run(r, compile, schema, decode.Wanted{Document: true}, raw)
		if got := parse(r, rows.Document); !same(got, s.want) {
			r.Fatalf("%s\n is %s,\nwant %v", schema.Text, rows.Document, s.want)
		}
		w, parts := paths(r, s.want)
		cells := run(r, compile, schema, w, raw).Cells
		for i, part := range parts {
			if part == nil {
				if cells[i] != "NULL" {
					r.Fatalf("%s is %s, want NULL", w.Paths[i], cells[i])
				}
				continue
			}
			if got := parse(r, cells[i]); !same(got, part) {
				r.Fatalf("%s of %s\n is %s,\nwant %v", w.Paths[i], rows.Document, cells[i], part)
			}
		}
	})
}

// paths draws some ways into a document, and what is there.
func paths(t *rapid.T, doc any) (w decode.Wanted, parts []any) {
	for range rapid.IntRange(1, 4).Draw(t, "paths") {
		var path project.Path
		at := doc
		for range rapid.IntRange(0, 3).Draw(t, "steps") {
			switch v := at.(type) {
			case map[string]any:
				key := rapid.SampledFrom([]string{"f0", "f1", "f2", "k0", "k1"}).Draw(t, "key")
				path, at = append(path, project.Step{Key: key, Index: -1}), v[key]
			case []any:
				i := rapid.IntRange(0, 2).Draw(t, "index")
				path = append(path, project.Step{Index: i})
				if at = nil; i < len(v) {
					at = v[i]
				}
			}
		}
		if isDuration(at) {
			continue
		}
		w.Paths, parts = append(w.Paths, path), append(parts, at)
	}
	if len(w.Paths) == 0 {
		w.Paths, parts = []project.Path{{}}, []any{doc}
	}
	return w, parts
}

// isDuration tells a value that is an object in JSON only: no path leads into it, but one leads to it.
func isDuration(v any) bool {
	m, ok := v.(map[string]any)
	return ok && m["months"] != nil
}

func run(t *rapid.T, compile decode.Compile, s *registry.Schema, w decode.Wanted, raw []byte) decodetest.Row {
	p, err := compile(s, &w)
	if err != nil {
		t.Fatalf("%s: %v", s.Text, err)
	}
	row, err := decode.RunOnce(p, w, raw)
	if err != nil {
		t.Fatalf("%s: %x: %v", s.Text, raw, err)
	}
	out := decodetest.Row{Document: string(row.Document)}
	for _, c := range row.Cells {
		if c == nil {
			out.Cells = append(out.Cells, "NULL")
		} else {
			out.Cells = append(out.Cells, string(c))
		}
	}
	return out
}
