package compose

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"pgregory.net/rapid"
)

func field(name string, typ arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: typ, Nullable: true}
}

// made makes rows of JSON objects; binary values are base64.
func made(t testing.TB, columns []arrow.Field, objects ...string) arrow.RecordBatch {
	t.Helper()
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, arrow.NewSchema(columns, nil), strings.NewReader("["+strings.Join(objects, ",")+"]"))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func b64(s string) string { return `"` + base64.StdEncoding.EncodeToString([]byte(s)) + `"` }

// shown is a message as text.
func shownMessage(m Message, b *Buffer) string {
	part := func(s Span) string {
		if s.IsNull() {
			return "NULL"
		}
		return string(s.In(b.Data))
	}
	out := part(m.Key) + " => " + part(m.Value)
	for _, h := range b.Headers[m.First:m.End] {
		out += " " + part(h.Name) + "=" + part(h.Value)
	}
	if m.Time != NoTime {
		out += fmt.Sprint(" @", m.Time)
	}
	if m.Partition != NoPartition {
		out += fmt.Sprint(" #", m.Partition)
	}
	return out
}

// compose1 is what becomes of the first row.
func compose1(t testing.TB, form Form, rec arrow.RecordBatch) string {
	t.Helper()
	c, err := New(&form, rec.Schema())
	if err != nil {
		f := protocol.AsFault(err)
		return fmt.Sprintf("%s at %s: %s", f.Code, f.Place, f.What)
	}
	var b Buffer
	m, column, reason := c.Compose(rec, 0, &b)
	if reason != "" {
		if len(b.Data)+len(b.Headers) > 0 {
			t.Error("a refused row leaves something behind")
		}
		return "dirty " + column + ": " + reason
	}
	return shownMessage(m, &b)
}

func TestMessages(t *testing.T) {
	text, whole, bin := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.Binary
	two := []arrow.Field{field("a", text), field("n", whole)}
	commas := Form{Format: CSV, Delimiter: []byte(","), Quote: '"'}
	with := func(f Form, change func(*Form)) Form { change(&f); return f }
	document := []arrow.Field{rows.JSONField("document")}
	for i, x := range []struct {
		form    Form
		columns []arrow.Field
		row     string
		want    string
	}{
		{Form{}, two, `{"a":"x\"y\n\u0001é","n":9007199254740993}`, `NULL => {"a":"x\"y\n\u0001é","n":9007199254740993}`},
		{Form{}, two, `{}`, `NULL => {"a":null,"n":null}`},
		{Form{Columns: []string{"k", "v"}}, two, `{"a":"x","n":1}`, `NULL => {"k":"x","v":1}`},
		{Form{Value: []string{"n"}, Key: []string{"a"}}, two, `{"a":"x","n":1}`, `x => {"n":1}`},
		{Form{Key: []string{"n", "a"}, KeyFormat: KeyJSON}, two, `{"a":"x","n":1}`, `{"n":1,"a":"x"} => {"a":"x","n":1}`},
		{Form{Key: []string{"a"}}, two, `{"n":1}`, `NULL => {"a":null,"n":1}`},
		{Form{Key: []string{"a"}, KeyFormat: KeyRaw}, []arrow.Field{field("a", bin), field("n", whole)}, `{"a":` + b64("\xff") + `,"n":1}`, `dirty a: holds bytes that are not UTF-8`},
		{Form{Key: []string{"a"}, KeyFormat: KeyRaw, Value: []string{"n"}}, []arrow.Field{field("a", bin), field("n", whole)}, `{"a":` + b64("\xff") + `,"n":1}`, "\xff => {\"n\":1}"},
		{Form{}, []arrow.Field{rows.JSONField("j"), rows.JSONField("k")}, `{"j":` + b64(` {"x": 1.50, "y":[1e400]} `) + `,"k":` + b64(`"\ud800 \u00e9"`) + `}`,
			`NULL => {"j":{"x": 1.50, "y":[1e400]},"k":"\ud800 \u00e9"}`},
		{Form{}, []arrow.Field{rows.JSONField("j")}, `{"j":` + b64(`{"x":`) + `}`, `dirty j: holds JSON that cannot be read`},
		{Form{}, []arrow.Field{rows.JSONField("j")}, `{"j":` + b64("\"\xff\"") + `}`, `dirty j: holds bytes that are not UTF-8`},
		{Form{}, []arrow.Field{field("u", arrow.PrimitiveTypes.Uint64), field("f", arrow.PrimitiveTypes.Float32), field("b", arrow.FixedWidthTypes.Boolean)},
			`{"u":18446744073709551615,"f":0.1,"b":true}`, `NULL => {"u":18446744073709551615,"f":0.1,"b":true}`},
		{Form{}, []arrow.Field{field("d", &arrow.Decimal128Type{Precision: 38, Scale: 9}), field("l", arrow.ListOf(whole)), field("t", arrow.FixedWidthTypes.Date32)},
			`{"d":"12345678901234567890.000000001","l":[1,null],"t":"2024-02-29"}`, `NULL => {"d":12345678901234567890.000000001,"l":[1,null],"t":"2024-02-29"}`},
		{Form{}, []arrow.Field{field("t", &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "Asia/Shanghai"})}, `{"t":"2024-02-29 12:34:56.700Z"}`,
			`NULL => {"t":"2024-02-29 20:34:56.7"}`},

		{commas, two, `{"a":"x","n":1}`, `NULL => x,1`},
		{commas, two, `{}`, `NULL => ,`},
		{commas, two, `{"a":""}`, `NULL => "",`},
		{commas, two, `{"a":"x,\"y\"\n"}`, "NULL => \"x,\"\"y\"\"\n\","},
		{with(commas, func(f *Form) { f.Null = []byte("NULL") }), two, `{"a":"NULL"}`, `NULL => "NULL",NULL`},
		{with(commas, func(f *Form) { f.Quote = 0 }), two, `{"a":"x,y"}`, `dirty a: holds the delimiter or a line break, and there are no quotes`},
		{with(commas, func(f *Form) { f.Quote = 0 }), two, `{"a":""}`, `dirty a: would read as NULL, and there are no quotes`},
		{with(commas, func(f *Form) { f.Delimiter = []byte("||") }), two, `{"a":"x|","n":1}`, `NULL => "x|"||1`},

		{Form{Format: Text}, []arrow.Field{field("a", text)}, `{"a":"x\n"}`, "NULL => x\n"},
		{Form{Format: Text}, []arrow.Field{field("a", text)}, `{}`, `NULL => NULL`},
		{Form{Format: Text}, []arrow.Field{rows.JSONField("a")}, `{"a":` + b64(`"\u00e9\ud83d\ude00"`) + `}`, `NULL => é😀`},
		{Form{Format: Text}, []arrow.Field{rows.JSONField("a")}, `{"a":` + b64(`"\ud83d"`) + `}`, `dirty a: holds half of a surrogate pair, which is no text`},
		{Form{Format: Text}, []arrow.Field{rows.JSONField("a")}, `{"a":` + b64(`"\ud83d\u0041"`) + `}`, `dirty a: holds half of a surrogate pair, which is no text`},
		{Form{Format: Text}, []arrow.Field{rows.JSONField("a")}, `{"a":` + b64(`null`) + `}`, `NULL => NULL`},
		{Form{Format: Text}, []arrow.Field{field("a", whole), field("__key__", text)}, `{"a":5,"__key__":"k"}`, `k => 5`},

		{Form{Format: Raw}, []arrow.Field{field("__value__", bin), field("__key__", bin), field("__partition__", whole), field("__timestamp__", whole)},
			`{"__value__":` + b64("\xfe") + `,"__partition__":3,"__timestamp__":7}`, "NULL => \xfe @7 #3"},
		{Form{Format: Raw}, []arrow.Field{field("__value__", bin)}, `{}`, `NULL => NULL`},
		{Form{Format: Raw}, []arrow.Field{field("__value__", whole)}, `{"__value__":5}`, `NULL => 5`},
		{Form{Format: Raw}, []arrow.Field{field("__value__", arrow.Null)}, `{"__value__":null}`, `NULL => NULL`},
		{Form{Format: Raw, Headers: []string{"h", "i"}, Constants: []Constant{{"c", "1"}}},
			[]arrow.Field{field("__value__", text), field("h", bin), field("i", whole), field("__headers__", text)},
			`{"__value__":"v","h":` + b64("\xfd") + `,"i":7,"__headers__":"{\"x\":\"y\"}"}`, "NULL => v c=1 x=y h=\xfd i=7"},
		{Form{Format: Raw, Timestamp: "at"}, []arrow.Field{field("__value__", text), field("at", &arrow.TimestampType{Unit: arrow.Second})},
			`{"__value__":"v","at":"2024-02-29 12:34:56"}`, "NULL => v @1709210096000"},
		{Form{Format: Raw, Timestamp: "at"}, []arrow.Field{field("__value__", text), field("at", text)}, `{"__value__":"v","at":"12"}`, "NULL => v @12"},
		{Form{Format: Raw, Timestamp: "at"}, []arrow.Field{field("__value__", text), field("at", text)}, `{"__value__":"v","at":"noon"}`,
			"dirty at: is no time in Unix milliseconds from 1970 on that a message can carry"},
		{Form{Format: Raw}, []arrow.Field{field("__value__", text), field("__timestamp__", whole)}, `{"__value__":"v","__timestamp__":9223372036855}`,
			"dirty __timestamp__: is no time in Unix milliseconds from 1970 on that a message can carry"},
		{Form{Format: Raw}, []arrow.Field{field("__value__", text), field("__partition__", whole)}, `{"__value__":"v","__partition__":2147483648}`, "dirty __partition__: is no number of a partition"},
		{Form{Format: Raw}, []arrow.Field{field("__value__", text), field("__partition__", arrow.PrimitiveTypes.Float64)}, `{}`, "config at column: column __partition__ is float64, not a whole number"},

		{Form{}, document, `{"document":` + b64(`{"a": 1}`) + `}`, `NULL => {"a": 1}`},
		{Form{Key: []string{"a.b"}, Headers: []string{"c"}}, document, `{"document":` + b64(`{"a":{"b":2},"a.b":"k","c":null}`) + `}`, `k => {"a":{"b":2},"a.b":"k","c":null} c=NULL`},
		{Form{Key: []string{"a", "x"}, KeyFormat: KeyJSON, Value: []string{"c"}}, document, `{"document":` + b64(`{"a":1.0,"c":"\u0041"}`) + `}`, `{"a":1.0,"x":null} => {"c":"\u0041"}`},
		{Form{Timestamp: "a"}, document, `{}`, "config at timestampColumn: the reader gives whole documents, and the time of a message cannot be taken from a field"},
		{commas, document, `{}`, "config at messageFormat: the reader gives whole documents, which only messageFormat json writes"},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			if got := compose1(t, x.form, made(t, x.columns, x.row)); got != x.want {
				t.Errorf("%s\n got %s\nwant %s", x.row, got, x.want)
			}
		})
	}
}

func TestNoJSONForOddNumbers(t *testing.T) {
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	for _, text := range []string{"NaN", "+Inf"} {
		if err := b.AppendValueFromString(text); err != nil {
			t.Fatal(err)
		}
	}
	rec := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{field("x", arrow.PrimitiveTypes.Float64)}, nil), []arrow.Array{b.NewArray()}, 2)
	if got := compose1(t, Form{}, rec); got != "dirty x: JSON has no NaN and no infinity" {
		t.Error(got)
	}
	if got := compose1(t, Form{Format: CSV, Delimiter: []byte(",")}, rec); got != "NULL => NaN" {
		t.Error(got)
	}
}

// Whatever the texts, JSON and CSV read back as the same row.
func TestValuesReadBack(t *testing.T) {
	columns := []arrow.Field{field("a", arrow.BinaryTypes.String), field("b,\"", arrow.BinaryTypes.String), field("c", arrow.BinaryTypes.String)}
	rapid.Check(t, func(r *rapid.T) {
		cells := rapid.SliceOfN(rapid.StringMatching(`[ab,"|\\\n\t\x00é😀]{0,6}`), 3, 3).Draw(r, "cells")
		null := rapid.IntRange(-1, 2).Draw(r, "null")
		b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(columns, nil))
		for i, cell := range cells {
			if i == null {
				b.Field(i).AppendNull()
			} else {
				b.Field(i).(*array.StringBuilder).Append(cell)
			}
		}
		rec := b.NewRecordBatch()
		read := func(form Form) []byte {
			c, err := New(&form, rec.Schema())
			if err != nil {
				r.Fatal(err)
			}
			var buf Buffer
			m, column, reason := c.Compose(rec, 0, &buf)
			if reason != "" {
				r.Fatalf("%s: %s", column, reason)
			}
			return m.Value.In(buf.Data)
		}
		var object map[string]*string
		if err := json.Unmarshal(read(Form{}), &object); err != nil {
			r.Fatal(err)
		}
		line, err := csv.NewReader(strings.NewReader(string(read(Form{Format: CSV, Delimiter: []byte(","), Quote: '"', Null: []byte("null")})))).Read()
		if err != nil || len(line) != 3 {
			r.Fatalf("%q: %v", line, err)
		}
		for i, f := range columns {
			got := object[f.Name]
			if (got == nil) != (i == null) || got != nil && *got != cells[i] {
				r.Fatalf("JSON: %q reads as %v", cells[i], got)
			}
			if i == null && line[i] != "null" || i != null && line[i] != cells[i] {
				r.Fatalf("CSV: %q reads as %q", cells[i], line[i])
			}
		}
	})
}

func TestComposingAllocatesNothing(t *testing.T) {
	columns := []arrow.Field{field("id", arrow.PrimitiveTypes.Int64), field("name", arrow.BinaryTypes.String), field("x", arrow.PrimitiveTypes.Float64), rows.JSONField("j"),
		field("at", &arrow.TimestampType{Unit: arrow.Microsecond}), field("__headers__", arrow.BinaryTypes.Binary)}
	heads := b64("\x02\x02a\x02b")
	var objects []string
	for i := range 1000 {
		objects = append(objects, fmt.Sprintf(`{"id":%d,"name":"some \"text\"","x":1.5,"j":%s,"at":"2024-02-29 12:34:56","__headers__":%s}`, i, b64(`{"a":1}`), heads))
	}
	rec := made(t, columns, objects...)
	for name, form := range map[string]Form{"json": {Key: []string{"id"}}, "csv": {Format: CSV, Delimiter: []byte(","), Quote: '"', Headers: []string{"name"}}} {
		c, err := New(&form, rec.Schema())
		if err != nil {
			t.Fatal(err)
		}
		var b Buffer
		all := func() {
			b.Reset()
			for row := range 1000 {
				if _, column, reason := c.Compose(rec, row, &b); reason != "" {
					t.Fatal(column, reason)
				}
			}
		}
		all()
		if n := testing.AllocsPerRun(20, all); n > 1 {
			t.Errorf("%s: %v allocations for 1000 rows", name, n)
		}
	}
}
