package project

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tidwall/gjson"
	"pgregory.net/rapid"
)

func paths(t testing.TB, texts ...string) []Path {
	t.Helper()
	var out []Path
	for _, text := range texts {
		p, err := ParsePath(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func TestProject(t *testing.T) {
	for _, c := range []struct {
		doc   string
		paths []string
		want  []string // "-" for null or missing
	}{
		{`{"a":1,"b":"x"}`, []string{"b", "a"}, []string{`"x"`, `1`}},
		{`{"a":12345678901234567890,"b":1e400,"c":-0.10}`, []string{"a", "b", "c"}, []string{"12345678901234567890", "1e400", "-0.10"}},
		{`{"a":null}`, []string{"a", "b"}, []string{"-", "-"}},
		{` { "tag" : { "desc" : "d" , "n":[ ] } } `, []string{"tag.desc", "tag", "tag.n", "tag.desc.x"}, []string{`"d"`, `{ "desc" : "d" , "n":[ ] }`, `[ ]`, "-"}},
		{`{"a":[{"b":1},{"b":2}],"c":[[1,2],[3]]}`, []string{"a[0].b", "a[1].b", "a[2].b", "c[1][0]", "c[0]"}, []string{"1", "2", "-", "3", "[1,2]"}},
		{`{"a.b":1,"a":{"b":2}}`, []string{`a\.b`, "a.b"}, []string{"1", "2"}},
		{`{"a":1,"a":2}`, []string{"a"}, []string{"2"}},
		{`{"a":{"b":1},"a":{"c":2}}`, []string{"a.b", "a.c"}, []string{"-", "2"}},
		{`{"a":{"b":1},"a":null}`, []string{"a.b"}, []string{"-"}},
		{`{"\u0061\n":"esc"}`, []string{"a\n"}, []string{`"esc"`}},
		{`{"\ud83d\ude00":1,"\ud800":2}`, []string{"😀", "\uFFFD"}, []string{"1", "2"}},
		{`{"a":"\"}","b":true,"c":false}`, []string{"a", "b", "c"}, []string{`"\"}"`, "true", "false"}},
		{`{}`, []string{"a"}, []string{"-"}},
		{`{"a":[]}`, []string{"a[0]"}, []string{"-"}},
		{`{"k0":0,"k1":1,"k2":2,"k3":3,"k4":4,"k5":5,"k6":6,"k7":7,"k8":8,"k9":9}`,
			[]string{"k9", "k0", "k5", "k3", "k1", "k2", "k4", "k6", "k7", "k8"}, []string{"9", "0", "5", "3", "1", "2", "4", "6", "7", "8"}},
		{`{"Straße":1,"日本語":"語"}`, []string{"Straße", "日本語"}, []string{"1", `"語"`}},
	} {
		p := New(paths(t, c.paths...), false)
		out := make([][]byte, len(c.paths))
		for range 2 { // nothing of the first pass may show in the second
			if err := p.Project([]byte(c.doc), out); err != nil {
				t.Fatalf("%s: %v", c.doc, err)
			}
			for i, want := range c.want {
				got := "-"
				if out[i] != nil {
					got = string(out[i])
				}
				if got != want {
					t.Errorf("%s at %s: got %s, want %s", c.doc, c.paths[i], got, want)
				}
			}
		}
	}
}

func TestFoldedKeys(t *testing.T) {
	p := New([]Path{{{Key: "id", Index: -1}}, {{Key: "userName", Index: -1}}}, true)
	for doc, want := range map[string][2]string{
		`{"ID":1,"username":"x"}`:     {"1", `"x"`},
		`{"id":1,"ID":2}`:             {"1", ""},
		`{"ID":2,"id":1,"Id":3}`:      {"1", ""},
		`{"USERNAME":1,"userName":2}`: {"", "2"},
		`{"userName":2,"USERNAME":1}`: {"", "2"},
		`{"Id":1,"iD":2}`:             {"2", ""},
		`{"\u0049D":7}`:               {"7", ""},
		`{"ıd":7}`:                    {"", ""},
	} {
		out := make([][]byte, 2)
		if err := p.Project([]byte(doc), out); err != nil {
			t.Fatal(err)
		}
		if string(out[0]) != want[0] || string(out[1]) != want[1] {
			t.Errorf("%s: %q", doc, out)
		}
	}
}

func TestWrongDocuments(t *testing.T) {
	deep := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	for doc, want := range map[string]string{
		``:                           "nothing but white space at byte 0",
		`  `:                         "nothing but white space at byte 2",
		`[1]`:                        "not a JSON object but an array at byte 0",
		` "x"`:                       "not a JSON object but a string at byte 1",
		`12`:                         "not a JSON object but a number at byte 0",
		`null`:                       "not a JSON object but null at byte 0",
		`nul`:                        "invalid JSON: a value is missing at byte 0",
		`{"a":1`:                     "a comma or } is missing (the text ends too early) at byte 6",
		`{"a":1} {"b":2}`:            "more text behind the object at byte 8",
		`{"a":1,}`:                   "a key in quotes is missing at byte 7",
		`{"a":01}`:                   "a comma or } is missing at byte 6",
		`{"a":+1}`:                   "a value is missing at byte 5",
		`{"a":1.}`:                   "a digit is missing at byte 7",
		`{"a":"\x"}`:                 "an unknown escape in a string at byte 6",
		`{"a":"\u12g4"}`:             `\u needs four hexadecimal digits at byte 10`,
		"{\"a\":\"b\nc\"}":           "a bare control character 0x0a in a string at byte 7",
		"{\"a\":\"\xff\"}":           "invalid UTF-8 at byte 6",
		`{"a":NaN}`:                  "a value is missing at byte 5",
		`{'a':1}`:                    "a key in quotes is missing at byte 1",
		`{"a" 1}`:                    "a colon is missing at byte 5",
		`{"a":"`:                     "a closing quote is missing (the text ends too early) at byte 6",
		`{"a":` + deep + `}`:         "nested deeper than 1000 levels at byte 1004",
		`{"x":{"y":` + deep + `}}`:   "nested deeper than 1000 levels at byte 1008",
		`{"a":[1 2]}`:                "a comma or ] is missing at byte 8",
		"{\"a\":1}\x00":              "more text behind the object at byte 7",
		`{"a":"0123456789abcdef\q"}`: "an unknown escape in a string at byte 22",
	} {
		p := New(paths(t, "x.y[0]", "a"), false)
		out := make([][]byte, 2)
		for name, err := range map[string]error{"Check": Check([]byte(doc)), "Project": p.Project([]byte(doc), out)} {
			var e *Error
			if !errors.As(err, &e) || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%s of %.40q: %v, want %s", name, doc, err, want)
			}
		}
		if out[0] != nil || out[1] != nil {
			t.Errorf("%.40q leaves values behind: %q", doc, out)
		}
	}
}

// reference looks a path up in what encoding/json makes of a document.
func reference(v any, path Path) any {
	for _, s := range path {
		if s.Index >= 0 {
			list, ok := v.([]any)
			if !ok || s.Index >= len(list) {
				return nil
			}
			v = list[s.Index]
			continue
		}
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[s.Key]
	}
	return v
}

func decode(t interface{ Fatalf(string, ...any) }, text []byte) any {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v
}

var keys = rapid.SampledFrom([]string{"a", "b", "c", "tag", "x.y", "ä", "q\"", "long key with spaces", "\n"})

func anyValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		n := rapid.IntRange(0, 7).Draw(t, "kind")
		if depth <= 0 {
			n = rapid.IntRange(0, 4).Draw(t, "leaf")
		}
		switch n {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return json.Number(rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,5})?([eE][-+]?[0-9]{1,3})?`).Draw(t, "number"))
		case 3, 4:
			return rapid.String().Draw(t, "string")
		case 5:
			return rapid.SliceOfN(anyValue(depth-1), 0, 4).Draw(t, "array")
		default:
			return rapid.MapOfN(keys, anyValue(depth-1), 0, 5).Draw(t, "object")
		}
	})
}

func TestProjectAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := rapid.MapOfN(keys, anyValue(3), 0, 12).Draw(t, "doc")
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "indent") {
			var b bytes.Buffer
			if err := json.Indent(&b, text, "\r", "\t "); err != nil {
				t.Fatal(err)
			}
			text = b.Bytes()
		}
		var wanted []Path
		for range rapid.IntRange(1, 12).Draw(t, "columns") {
			var p Path
			for range rapid.IntRange(1, 3).Draw(t, "depth") {
				if len(p) > 0 && rapid.Bool().Draw(t, "index?") {
					p = append(p, Step{Index: rapid.IntRange(0, 3).Draw(t, "index")})
				} else {
					p = append(p, Step{Key: keys.Draw(t, "key"), Index: -1})
				}
			}
			wanted = append(wanted, p)
		}
		compare(t, text, wanted)
	})
}

func compare(t interface{ Fatalf(string, ...any) }, text []byte, wanted []Path) {
	out := make([][]byte, len(wanted))
	if err := New(wanted, false).Project(text, out); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	whole := decode(t, text)
	for i, p := range wanted {
		want := reference(whole, p)
		if out[i] == nil {
			if want != nil {
				t.Fatalf("%s: nothing at %s, want %v", text, p, want)
			}
			continue
		}
		if got := decode(t, out[i]); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %v at %s, want %v", text, got, p, want)
		}
	}
}

func FuzzProject(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,{"c":"x"}]},"a":2,"\u0062":-1.5e+3}`), "a.b[1].c", "b")
	f.Add([]byte(`{"a":"\ud83d\ude00","日":[[]]} `), "a", "日[0]")
	f.Fuzz(func(t *testing.T, doc []byte, first, second string) {
		var wanted []Path
		for _, text := range []string{first, second} {
			if p, err := ParsePath(text); err == nil {
				wanted = append(wanted, p)
			}
		}
		out := make([][]byte, len(wanted))
		err := New(wanted, false).Project(doc, out)
		if checked := Check(doc); (checked == nil) != (err == nil) || (err != nil && checked.Error() != err.Error()) {
			t.Fatalf("Check says %v, Project says %v", checked, err)
		}
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.At < 0 || e.At > len(doc) {
				t.Fatalf("error %v", err)
			}
			head := bytes.TrimLeft(doc, " \t\r\n")
			if json.Valid(doc) && utf8.Valid(doc) && len(head) > 0 && head[0] == '{' && !strings.Contains(e.What, "nested deeper") {
				t.Fatalf("%q refused: %v", doc, err)
			}
			return
		}
		if !json.Valid(doc) || !gjson.ValidBytes(doc) {
			t.Fatalf("%q accepted", doc)
		}
		compare(t, doc, wanted)
	})
}

func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"a", "a.b", `a\.b`, "a[0].b", "a[0][12]", `\[x\]`, "a..b", "[0]", "a[", "a[01]", `a\`, "a]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePath(text)
		if err != nil {
			var e *PathError
			if !errors.As(err, &e) || e.At > len(text) {
				t.Fatalf("error %v", err)
			}
			return
		}
		again, err := ParsePath(p.String())
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("%q became %v, then %q, then %v (%v)", text, p, p.String(), again, err)
		}
	})
}

func TestParsePathRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "a name is missing at byte 0",
		"a.":                       "a name is missing at byte 2",
		".a":                       "a name is missing at byte 0",
		"a..b":                     "a name is missing at byte 2",
		"[0]":                      "a name is missing at byte 0",
		"a[0":                      "a [ without ] at byte 1",
		"a[-1]":                    "an index must be 0 to 1048576, not \"-1\" at byte 2",
		"a[01]":                    "an index must be 0 to 1048576, not \"01\" at byte 2",
		"a[]":                      "an index must be 0 to 1048576, not \"\" at byte 2",
		"a]":                       "a ] without [ at byte 1",
		"a[0]b":                    "a . or [ is missing at byte 4",
		`a\`:                       "a backslash with nothing behind it at byte 2",
		"a[999999999999999999999]": "an index must be 0 to 1048576, not \"999999999999999999999\" at byte 2",
	} {
		if _, err := ParsePath(text); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestProjectAllocatesNothing(t *testing.T) {
	doc := sample
	p := New(paths(t, "id", "user.name", "amount", "tags[1]", "missing"), false)
	out := make([][]byte, 5)
	if n := testing.AllocsPerRun(100, func() {
		if err := p.Project(doc, out); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per document", n)
	}
}

var sample = []byte(`{"id":1234567890,"user":{"name":"Ada Lovelace","city":"London"},"amount":1234.5678,"ts":"2026-11-21 10:00:00.123456",` +
	`"tags":["alpha","beta","gamma"],"note":"some text of ordinary length","ok":true}`)

func BenchmarkProject5Columns(b *testing.B) {
	p := New(paths(b, "id", "user.name", "amount", "ts", "note"), false)
	out := make([][]byte, 5)
	b.SetBytes(int64(len(sample)))
	for b.Loop() {
		if err := p.Project(sample, out); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

func BenchmarkCheck(b *testing.B) {
	b.SetBytes(int64(len(sample)))
	for b.Loop() {
		if err := Check(sample); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

func BenchmarkGJSONValid(b *testing.B) {
	b.SetBytes(int64(len(sample)))
	for b.Loop() {
		if !gjson.ValidBytes(sample) || !utf8.Valid(sample) {
			b.Fatal("invalid")
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}
