package avro_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
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

const order = `{"type":"record","name":"Order","namespace":"shop","fields":[
	{"name":"id","type":"long"},
	{"name":"customer","aliases":["client"],"type":{"type":"record","name":"Customer","fields":[{"name":"name","type":"string"},{"name":"since","type":{"type":"int","logicalType":"date"}}]}},
	{"name":"parent","type":["null","Order"]},
	{"name":"items","type":{"type":"array","items":{"type":"record","name":"Item","fields":[{"name":"sku","type":"string"},{"name":"n","type":"int"}]}}},
	{"name":"tags","type":{"type":"map","values":["null","string","double"]}},
	{"name":"state","type":{"type":"enum","name":"State","symbols":["NEW","PAID"]}},
	{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},
	{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
	{"name":"sum","type":{"type":"fixed","name":"MD","size":2}},
	{"name":"ok","type":"boolean"},{"name":"ratio","type":"float"}]}`

func orderBytes(t testing.TB, parent any) ([]byte, any) {
	t.Helper()
	v := map[string]any{
		"id": int64(7), "customer": map[string]any{"name": "Ada", "since": int32(1)}, "parent": parent,
		"items": []any{map[string]any{"sku": "a", "n": int32(1)}, map[string]any{"sku": "b", "n": int32(2)}},
		"tags":  map[string]any{"x": "y"}, "state": "PAID", "amount": []byte{0x30, 0x39}, "at": int64(1_700_000_000_000_001),
		"sum": []byte{0xab, 0xcd}, "ok": true, "ratio": float32(0.5),
	}
	bare := strings.NewReplacer(`,"logicalType":"date"`, "", `,"logicalType":"decimal","precision":10,"scale":2`, "", `,"logicalType":"timestamp-micros"`, "").Replace(order)
	raw, err := library.MustParse(bare).Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw, v
}

func TestAnOrder(t *testing.T) {
	_, parent := orderBytes(t, nil)
	raw, _ := orderBytes(t, parent)
	schema := &registry.Schema{Type: registry.Avro, Text: order}
	one := `{"id":7,"customer":{"name":"Ada","since":"1970-01-02"},"parent":%s,"items":[{"sku":"a","n":1},{"sku":"b","n":2}],"tags":{"x":"y"},` +
		`"state":"PAID","amount":"123.45","at":"2023-11-14 22:13:20.000001","sum":"q80=","ok":true,"ratio":0.5}`
	rows, err := decodetest.Run(t, avro.Compile(literal.Style{}, nil), schema, decodetest.Wanted(t), raw)
	if want := fmt.Sprintf(one, fmt.Sprintf(one, "null")); err != nil || rows[0].Document != want {
		t.Fatalf("%v %v,\nwant %s", rows, err, want)
	}
	for path, want := range map[string]string{
		"customer.name": `"Ada"`, "client.since": `"1970-01-02"`, "parent.parent": "NULL", "parent.id": "7", "parent.customer.name": `"Ada"`,
		"items[1].sku": `"b"`, "items[2]": "NULL", "tags.x": `"y"`, "tags.z": "NULL", "nothing": "NULL", "id.x": "NULL", "items[0]": `{"sku":"a","n":1}`,
	} {
		rows, err := decodetest.Run(t, avro.Compile(literal.Style{}, nil), schema, decodetest.Wanted(t, path), raw)
		if err != nil || rows[0].Cells[0] != want {
			t.Errorf("%s: %v %v, want %s", path, rows, err, want)
		}
	}
	w := decodetest.Wanted(t, "ID", "Amount")
	w.Fold = true
	if rows, err := decodetest.Run(t, avro.Compile(literal.Style{}, nil), schema, w, raw); err != nil || rows[0].Text() != `7|"123.45"` {
		t.Errorf("%v %v", rows, err)
	}
}

func TestRefusals(t *testing.T) {
	long, list := `"long"`, `{"type":"array","items":"null"}`
	in := func(typ string) string {
		return `{"type":"record","name":"R","fields":[{"name":"f","type":` + typ + `}]}`
	}
	deep := `{"type":"record","name":"R","fields":[{"name":"f","type":["null","R"]}]}`
	for _, c := range []struct {
		schema string
		value  []byte
		want   string
	}{
		{in(long), nil, "the value ends too early, at byte 0 behind its header"},
		{in(long), []byte{2, 0}, "1 bytes stand behind the value of its schema"},
		{in(long), bytes.Repeat([]byte{0xff}, 11), "a number at byte 0 behind the header has more than 64 bits"},
		{in(`"int"`), []byte{0x80, 0x80, 0x80, 0x80, 0x20}, "an int at byte 0 behind the header is 4294967296, which has more than 32 bits"},
		{in(`"string"`), []byte{4, 'a'}, "the value ends too early, at byte 1 behind its header"},
		{in(`"string"`), []byte{1}, "a length at byte 0 behind the header is negative"},
		{in(`"string"`), []byte{2, 0xff}, "a text is not valid UTF-8"},
		{in(`"boolean"`), []byte{2}, "a boolean at byte 0 behind the header is 2"},
		{in(`"double"`), []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f}, "a double at byte 0 behind the header is NaN, which JSON and StarRocks have not"},
		{in(`"float"`), []byte{0, 0, 0x80, 0x7f}, "a float at byte 0 behind the header is +Inf, which JSON and StarRocks have not"},
		{in(`{"type":"enum","name":"E","symbols":["A"]}`), []byte{2}, "E at byte 0 behind the header has no symbol 1"},
		{in(`["null","int"]`), []byte{4}, "a union at byte 0 behind the header has no branch 2"},
		{in(`{"type":"int","logicalType":"date"}`), []byte{0xfe, 0xff, 0xff, 0xff, 0x0f}, "the date 2147483647 is not in the years 0000 to 9999"},
		{in(`{"type":"int","logicalType":"time-millis"}`), []byte{1}, "-1 is no time of a day"},
		{in(list), append(binary.AppendVarint(nil, 1<<40), 0), "a value of more than 16777216 elements"},
		{in(`{"type":"fixed","name":"F","size":3}`), []byte{1, 2}, "the value ends too early, at byte 0 behind its header"},
		{deep, bytes.Repeat([]byte{2}, 2000), "nested deeper than 1000 levels"},
		{long, []byte{2}, "the value is of type long, not a record"},
		{list, []byte{0}, "the value is an array, not a record"},
	} {
		_, err := decodetest.Run(t, avro.Compile(literal.Style{}, nil), &registry.Schema{Type: registry.Avro, Text: c.schema}, decodetest.Wanted(t), c.value)
		var refused *decode.Refusal
		if !errors.As(err, &refused) || refused.Reason != c.want {
			t.Errorf("%s %x: %v, want %s", c.schema, c.value, err, c.want)
		}
	}
}

// A few bytes must not become gigabytes of text.
func TestLongListsAreBounded(t *testing.T) {
	empty := `{"type":"record","name":"R","fields":[{"name":"f","type":{"type":"array","items":{"type":"record","name":"ANameThatIsRatherLong","fields":[]}}}]}`
	value := append(binary.AppendVarint(nil, 1<<24), 0)
	_, err := decodetest.Run(t, avro.Compile(literal.Style{}, nil), &registry.Schema{Type: registry.Avro, Text: empty}, decodetest.Wanted(t), value)
	if want := "the value has more than 14680064 bytes as text"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// A null at the top is nothing, and parts of a schema come from the registry.
func TestNullAndParts(t *testing.T) {
	s := &registry.Schema{Type: registry.Avro, Text: `["null","shop.Item"]`,
		Parts: []registry.Part{{Name: "shop.Kind", Text: `{"type":"enum","name":"Kind","namespace":"shop","symbols":["A","B"]}`},
			{Name: "shop.Item", Text: `{"type":"record","name":"Item","namespace":"shop","fields":[{"name":"k","type":"Kind"}]}`}}}
	if rows, err := decodetest.Run(t, avro.Compile(literal.Style{}, nil), s, decodetest.Wanted(t), []byte{0}); err != nil || len(rows) != 0 {
		t.Errorf("%v %v", rows, err)
	}
	if rows, err := decodetest.Run(t, avro.Compile(literal.Style{}, nil), s, decodetest.Wanted(t), []byte{2, 2}); err != nil || rows[0].Document != `{"k":"B"}` {
		t.Errorf("%v %v", rows, err)
	}
	for _, text := range []string{`{"type":`, `"elsewhere.Type"`, `{"type":"record","name":"R"}`} {
		if _, err := avro.Compile(literal.Style{}, nil)(&registry.Schema{Text: text}, &decode.Wanted{}); err == nil {
			t.Errorf("%s is no schema", text)
		}
	}
}

// A reader schema gives names and defaults; what it does not know stays.
func TestReaderSchemas(t *testing.T) {
	writer := &registry.Schema{Type: registry.Avro, Text: `{"type":"record","name":"Order","namespace":"shop","fields":[
		{"name":"id","type":"int"},{"name":"old","type":"string"},{"name":"extra","type":"boolean"},
		{"name":"item","type":["null",{"type":"record","name":"Item","fields":[{"name":"sku","type":"string"}]}]},
		{"name":"items","type":{"type":"array","items":"Item"}}]}`}
	reader := &registry.Schema{Type: registry.Avro, Text: `{"type":"record","name":"Order","namespace":"shop","fields":[
		{"name":"id","type":"long"},{"name":"name","type":"string","aliases":["old"]},{"name":"city","type":["null","string"],"default":null},
		{"name":"item","type":["null",{"type":"record","name":"Item","fields":[{"name":"sku","type":"string"},{"name":"n","type":"int","default":1}]}]},
		{"name":"items","type":{"type":"array","items":"Item"}},
		{"name":"since","type":{"type":"int","logicalType":"date"},"default":1},{"name":"sum","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2},"default":"\u0001"},
		{"name":"where","type":{"type":"record","name":"Place","fields":[{"name":"zip","type":"string"}]},"default":{"zip":"8001"}},
		{"name":"needed","type":"string"}]}`}
	raw := []byte("\x0e\x02x\x01\x02\x02a\x02\x02b\x00")
	for _, c := range []struct {
		paths []string
		want  string
	}{
		{nil, `{"id":7,"name":"x","extra":true,"item":{"sku":"a","n":1},"items":[{"sku":"b","n":1}],"city":null,"since":"1970-01-02","sum":"0.01","where":{"zip":"8001"}}`},
		{[]string{"name", "old", "city", "since", "where.zip", "items[0].n", "item.n", "needed", "extra"}, `"x"|"x"|NULL|"1970-01-02"|"8001"|1|1|NULL|true`},
		{[]string{"id"}, `7`},
	} {
		rows, err := decodetest.Run(t, avro.Compile(literal.Style{}, reader), writer, decodetest.Wanted(t, c.paths...), raw)
		if err != nil || rows[0].Text() != c.want {
			t.Errorf("%v %v, want %s", rows, err, c.want)
		}
	}
	if _, err := avro.Compile(literal.Style{}, &registry.Schema{Text: "{"})(writer, &decode.Wanted{}); err == nil {
		t.Error("{ is no schema")
	}
}

// Foreign bytes: what is taken is a JSON document, and the library takes it too.
func FuzzRun(f *testing.F) {
	raw, _ := orderBytes(f, nil)
	f.Add(raw)
	_, parent := orderBytes(f, nil)
	raw, _ = orderBytes(f, parent)
	f.Add(raw)
	f.Add(bytes.Repeat([]byte{0}, 40))
	schema := library.MustParse(order)
	whole, cells := decodetest.Wanted(f), decodetest.Wanted(f, "items[1].sku", "parent.tags.x", "at")
	s := &registry.Schema{Type: registry.Avro, Text: order}
	p, err := avro.Compile(literal.Style{}, nil)(s, &whole)
	if err != nil {
		f.Fatal(err)
	}
	q, err := avro.Compile(literal.Style{}, nil)(s, &cells)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		row, err := decode.RunOnce(p, whole, value)
		if err != nil {
			return
		}
		if err := project.Check(row.Document); err != nil {
			t.Fatalf("%x is %s: %v", value, row.Document, err)
		}
		var v any
		if rest, err := schema.Decode(value, &v); err != nil || len(rest) > 0 {
			t.Fatalf("%x is %s, and the library says %v with %d bytes left", value, row.Document, err, len(rest))
		}
		parts, err := decode.RunOnce(q, cells, value)
		if err != nil {
			t.Fatalf("%x: %v", value, err)
		}
		want := make([][]byte, len(cells.Paths))
		if err := project.New(cells.Paths, false).Project(row.Document, want); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if !bytes.Equal(parts.Cells[i], want[i]) {
				t.Fatalf("%x: %s is %s, want %s", value, cells.Paths[i], parts.Cells[i], want[i])
			}
		}
	})
}

func BenchmarkRun(b *testing.B) {
	raw, _ := orderBytes(b, nil)
	for name, w := range map[string]decode.Wanted{"document": decodetest.Wanted(b), "cells": decodetest.Wanted(b, "id", "customer.name", "amount", "at", "state")} {
		b.Run(name, func(b *testing.B) {
			d := decodetest.Decoder(b, avro.Compile(literal.Style{}, nil), &registry.Schema{Type: registry.Avro, Text: order}, w)
			value := decodetest.Frame(1, raw)
			var row decode.Row
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Open(b.Context(), value); err != nil || !d.Next(&row) {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
		})
	}
}

func TestNoAllocations(t *testing.T) {
	raw, _ := orderBytes(t, nil)
	d := decodetest.Decoder(t, avro.Compile(literal.Style{}, nil), &registry.Schema{Type: registry.Avro, Text: order}, decodetest.Wanted(t, "id", "customer.name", "amount", "tags.x", "at"))
	value := decodetest.Frame(1, raw)
	var row decode.Row
	ctx := t.Context()
	if n := testing.AllocsPerRun(200, func() {
		if err := d.Open(ctx, value); err != nil || !d.Next(&row) {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for a value", n)
	}
}
