package encode

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

func TestNestedTexts(t *testing.T) {
	for in, want := range map[string]string{
		`[]`:                               `[]`,
		` { } `:                            `{}`,
		`[1,-2.50,1e-3, null ,true,false]`: `[1,-2.50,1e-3,null,true,false]`,
		`["a","b\"c\\","\u00e9\n", "漢字 👩‍👩‍👧‍👦"]`: `["a","b\"c\\","\u00e9\n","漢字 👩‍👩‍👧‍👦"]`,
		"[\"tab\tand\x01\"]":                       `["tab\u0009and\u0001"]`,
		`{1:"one",-2:null}`:                        `{"1":"one","-2":null}`,
		`{"k":[{1:{true:[]}}]}`:                    `{"k":[{"1":{"true":[]}}]}`,
		`{"x":1,"y":{"z":"}],:"}}`:                 `{"x":1,"y":{"z":"}],:"}}`,
		`[99999999999999999999999999999999999999]`: `[99999999999999999999999999999999999999]`,
		`[["\\N"],[""]]`:                           `[["\\N"],[""]]`,
		"":                                         "", "1": "", `"a"`: "", "null": "", `[`: "", `[1`: "", `[1,]`: "", `{1}`: "", `{1:}`: "", `{a:1}`: "", `[a]`: "",
		`["a]`: "", `["\x"]`: "", `["\u12"]`: "", `["\`: "", `[01]`: "", `[1.]`: "", `[.5]`: "", `[-]`: "", `[1e]`: "", `[1] 2`: "", `[nulls]`: "",
		"[\"\xff\"]": "", strings.Repeat("[", 100): "",
	} {
		got, ok := appendNestedText([]byte("x"), []byte(in))
		if ok != (want != "") || (ok && string(got) != "x"+want) {
			t.Errorf("%s: %s, %v, want %s", in, got, ok, want)
		}
		if ok && !json.Valid(got[1:]) {
			t.Errorf("%s: %s is no JSON", in, got)
		}
	}
}

// Whatever comes out is JSON, of the same value when JSON came in.
func FuzzNestedText(f *testing.F) {
	for _, s := range []string{`[1,"a",null]`, `{1:"a"}`, `{"a":[{}]}`, "[\"\x01\"]", `["\ud83d\ude00"]`, `[1e5,-0]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		out, ok := appendNestedText(nil, s)
		if !ok {
			if json.Valid(s) && len(trim(s)) > 0 && bytes.IndexByte([]byte("[{"), trim(s)[0]) >= 0 && bytes.Count(s, []byte("["))+bytes.Count(s, []byte("{")) < deepest &&
				bytes.Equal(s, bytes.ToValidUTF8(s, nil)) {
				t.Fatalf("%q is refused", s)
			}
			return
		}
		if !json.Valid(out) {
			t.Fatalf("%q becomes %q", s, out)
		}
		if json.Valid(s) {
			var a, b bytes.Buffer
			if json.Compact(&a, s) != nil || json.Compact(&b, out) != nil || a.String() != b.String() {
				t.Fatalf("%q becomes %q", s, out)
			}
		}
	})
}

// A JSON column gets JSON, so the quotes of a text stay; any other column gets the text.
func TestJSONTextsInCSV(t *testing.T) {
	b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	for _, s := range []string{` "a\"b" `, `{"x":1}`, `null`, `""`} {
		b.AppendString(s)
	}
	schema := arrow.NewSchema([]arrow.Field{rows.JSONField("j")}, nil)
	rec := array.NewRecordBatch(schema, []arrow.Array{b.NewArray()}, 4)
	for whole, want := range map[bool]string{true: `"a\"b";{"x":1};\N;"";`, false: `a"b;{"x":1};\N;;`} {
		column, _ := ParseDelimiter(",")
		row, _ := ParseDelimiter(";")
		d, err := NewDialect(column, row, "'", "")
		if err != nil {
			t.Fatal(err)
		}
		e, err := NewCSV(schema, []string{"j"}, d, Treatment{JSON: whole})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Bind(rec); err != nil {
			t.Fatal(err)
		}
		var out []byte
		for row := range 4 {
			out, _ = e.Append(out, row)
		}
		if got := strings.ReplaceAll(string(out), "'", ""); got != want {
			t.Errorf("%v: %s, want %s", whole, got, want)
		}
	}
}

// A text for a nested column is a text in CSV, and a value in JSON.
func TestTextsForNestedColumns(t *testing.T) {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	for _, s := range []string{`{1:"a"}`, `nothing`} {
		b.Append(s)
	}
	b.AppendNull()
	schema := arrow.NewSchema([]arrow.Field{{Name: "m", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	rec := array.NewRecordBatch(schema, []arrow.Array{b.NewArray()}, 3)
	e, err := NewJSON(schema, []string{"m"}, Treatment{Nested: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Bind(rec); err != nil {
		t.Fatal(err)
	}
	for row, want := range []string{`{"m":{"1":"a"}}`, "", `{"m":null}`} {
		got, ok := e.Append(nil, row)
		if string(got) != want || ok != (want != "") {
			t.Errorf("row %d: %s", row, got)
		}
		if !ok && (e.Bad().Reason != notNested || e.Bad().Column != "m") {
			t.Errorf("%+v", e.Bad())
		}
	}
	if e, err = NewJSON(schema, []string{"m"}, Treatment{JSON: true}); err != nil { // whatever is none is a text
		t.Fatal(err)
	}
	if err := e.Bind(rec); err != nil {
		t.Fatal(err)
	}
	for row, want := range []string{`{"m":{"1":"a"}}`, `{"m":"nothing"}`, `{"m":null}`} {
		if got, ok := e.Append([]byte("x"), row); string(got) != "x"+want || !ok {
			t.Errorf("row %d: %s", row, got)
		}
	}
	buf := make([]byte, 0, 1<<10)
	if n := testing.AllocsPerRun(100, func() { _, _ = e.Append(buf, 0) }); n != 0 {
		t.Errorf("%v allocations per row", n)
	}
}
