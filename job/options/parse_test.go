package options

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestParseAcceptsWhatPeoplePaste(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"strict", `{"a":[1,2.50,-0,1e400],"b":{"c":null,"d":true}}`, `{"a":[1,2.50,-0,1e400],"b":{"c":null,"d":true}}`},
		{"comments", "// head\n{/* a */\"a\"/**/:// c\n1}// tail", `{"a":1}`},
		{"trailing commas", `{"a":[1,2,],"b":{"c":1,},}`, `{"a":[1,2],"b":{"c":1}}`},
		{"byte order mark", "\xEF\xBB\xBF[]", `[]`},
		{"key order and huge numbers", `{"z":12345678901234567890.10,"a":0}`, `{"z":12345678901234567890.10,"a":0}`},
		{"escapes", `"\u0001\u00e9\ud83d\ude00\/\\x01\t"`, `"\u0001é😀/\\x01\t"`},
		{"raw controls in a string", "\"a\tb\nc\x01\"", `"a\tb\nc\u0001"`},
		{"two slashes in a string", `{"jdbcUrl":"jdbc:mysql://h:9030/"}`, `{"jdbcUrl":"jdbc:mysql://h:9030/"}`},
		{"duplicate keeps the first", `{"a":1,"b":2,"a":3}`, `{"a":1,"b":2}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, problems := Parse([]byte(c.src))
			if got := string(v.JSON()); got != c.want {
				t.Errorf("got %s, want %s (%v)", got, c.want, problems)
			}
			if !json.Valid(v.JSON()) {
				t.Errorf("%s is not strict JSON", v.JSON())
			}
		})
	}
}

func TestParseExplains(t *testing.T) {
	for _, c := range []struct {
		name, src string
		line, col int
		want      string
	}{
		{"empty", " \n ", 2, 2, "empty"},
		{"single quotes", `{'a':1}`, 1, 2, "double quotes"},
		{"no comma", "{\"a\":1\n \"b\":2}", 2, 2, "put a comma before it"},
		{"no colon", `{"a" 1}`, 1, 6, `after the key "a"`},
		{"open object", `{"a":1`, 1, 7, "close it with }"},
		{"open list", `[1,`, 1, 4, "close it with ]"},
		{"open string", `["abc`, 1, 2, "not closed"},
		{"open comment", `[1] /* x`, 1, 5, "not closed"},
		{"second document", `{} {}`, 1, 4, "follows the end"},
		{"bare word", `{"a": yes}`, 1, 7, "double quotes"},
		{"python", `{"a": True}`, 1, 7, "try: true"},
		{"reference outside quotes", `{"a": ${env:X}}`, 1, 7, "put the reference in double quotes"},
		{"leading zero", `[007]`, 1, 2, "not a JSON number"},
		{"missing value", `{"a":}`, 1, 6, "write the value"},
		{"windows path", `["C:\temp\x"]`, 1, 10, "one backslash"},
		{"half a surrogate", `["\ud83d"]`, 1, 3, "surrogate"},
		{"column counts characters", `{"表":"数据" 1}`, 1, 11, "after a value"},
		{"not UTF-8", "[\"\xff\"]", 1, 3, "not UTF-8"},
		{"wide space", "{\u3000}", 1, 2, "not ASCII"},
		{"forgotten quote lines above", "{\"a\":\"x,\n\"b\":1}", 2, 2, "a string that begins on line 1"},
		{"utf-16", "\xff\xfe{\x00", 0, 0, "UTF-16"},
		{"too deep", strings.Repeat("[", MaxDepth+1), 1, MaxDepth + 1, "levels"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, problems := Parse([]byte(c.src))
			if len(problems) != 1 || v.Kind() != Missing {
				t.Fatalf("got %v and problems %v", v, problems)
			}
			p := problems[0]
			if p.Code != CodeSyntax || p.Line != c.line || p.Col != c.col || !strings.Contains(p.String(), c.want) {
				t.Errorf("%d:%d %s: %s\nwant %d:%d ... %s", p.Line, p.Col, p.Code, p, c.line, c.col, c.want)
			}
		})
	}
}

func TestParseDuplicateKeyIsAProblem(t *testing.T) {
	_, problems := Parse([]byte("{\"a\":1,\n \"a\":2}"))
	if len(problems) != 1 || problems[0].Code != CodeDuplicateKey || problems[0].Line != 2 || problems[0].Col != 2 {
		t.Errorf("got %v", problems)
	}
}

func TestExcerptPointsAndHidesPasswords(t *testing.T) {
	_, problems := Parse([]byte(`{"username":"root","password":"hunter2" "table":"t"}`))
	want := "  {\"username\":\"root\",\"password\":\"*******\" \"table\":\"t\"}\n" + strings.Repeat(" ", 2+40) + "^"
	if problems[0].Excerpt != want {
		t.Errorf("got\n%s\nwant\n%s", problems[0].Excerpt, want)
	}
}

func TestParseRefusesHugeDocuments(t *testing.T) {
	_, problems := Parse(make([]byte, MaxSize+1))
	if len(problems) != 1 || problems[0].Code != CodeSyntax {
		t.Errorf("got %v", problems)
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	v := Map(Member{Key: "password", Value: Text("hunter2").AsSecret()})
	holder := struct {
		P Secret
		V Value
	}{"hunter2", v}
	marshalled, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(verb, holder) + fmt.Sprintf(verb, &holder) + fmt.Sprintf(verb, holder.P); strings.Contains(got, "hunter2") || strings.Contains(got, "68756e746572") {
			t.Errorf("%s shows %s", verb, got)
		}
	}
	if strings.Contains(string(marshalled), "hunter2") {
		t.Errorf("JSON shows %s", marshalled)
	}
	if string(v.JSON()) != `{"password":"hunter2"}` || holder.P.Reveal() != "hunter2" {
		t.Error("the plugin would not get its password")
	}
}

func TestMask(t *testing.T) {
	secrets := []string{"hunter2", "a"}
	if got := Mask("user a with hunter2", secrets); got != "user a with ***" {
		t.Errorf("got %q", got)
	}
	if got := Mask("a", secrets); got != "***" {
		t.Errorf("got %q", got)
	}
}

func TestPaths(t *testing.T) {
	v, _ := Parse([]byte("{\"steps\":[{},\n{\"parameter\":{\"sink.x\":7,\n\"a\":{\"b\":[1,2]}}}]}"))
	path := Join(Join(At("steps", 1), "parameter"), "sink.x")
	if path != `steps[1].parameter["sink.x"]` || v.Lookup(path).Text() != "7" {
		t.Errorf("%s leads to %v", path, v.Lookup(path))
	}
	if got := v.Lookup("steps[1].parameter.a.b[1]"); got.Text() != "2" {
		t.Errorf("got %v", got)
	}
	for _, nowhere := range []string{"steps[9]", "steps[1].x", "a", `steps["0"]`, "steps[1].parameter.a.b[2].c"} {
		if got := v.Lookup(nowhere); got.Kind() != Missing {
			t.Errorf("%s leads to %v", nowhere, got)
		}
	}
	if line, col := v.Locate("steps[1].parameter.a.nothing"); line != 3 || col != 5 {
		t.Errorf("located at %d:%d", line, col)
	}
}

// anyValue draws documents of every kind.
func anyValue(depth int) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		kinds := []Kind{Null, Bool, Number, String}
		if depth > 0 {
			kinds = append(kinds, Array, Object)
		}
		switch rapid.SampledFrom(kinds).Draw(t, "kind") {
		case Bool:
			return Value{kind: Bool, text: rapid.SampledFrom([]string{"true", "false"}).Draw(t, "bool")}
		case Number:
			return Value{kind: Number, text: rapid.StringMatching(`-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?`).Draw(t, "number")}
		case String:
			return Text(rapid.String().Draw(t, "text"))
		case Array:
			return List(rapid.SliceOfN(anyValue(depth-1), 0, 4).Draw(t, "items")...)
		case Object:
			keys := rapid.SliceOfNDistinct(rapid.String(), 0, 4, rapid.ID[string]).Draw(t, "keys")
			members := make([]Member, len(keys))
			for i, k := range keys {
				members[i] = Member{Key: k, Value: anyValue(depth-1).Draw(t, "value")}
			}
			return Map(members...)
		}
		return Value{kind: Null}
	})
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyValue(4).Draw(t, "v")
		src := v.JSON()
		if !json.Valid(src) {
			t.Fatalf("%s is not strict JSON", src)
		}
		back, problems := Parse(src)
		if len(problems) > 0 || !back.Equal(v) {
			t.Fatalf("%s came back as %s %v", src, back.JSON(), problems)
		}
	})
}

func TestPathsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.String(), 1, 4).Draw(t, "keys")
		leaf := Text("leaf")
		path, v := "", leaf
		for i := len(keys) - 1; i >= 0; i-- {
			v = Map(Member{Key: keys[i], Value: List(v)})
		}
		for _, k := range keys {
			path = At(Join(path, k), 0)
		}
		if !v.Lookup(path).Equal(leaf) {
			t.Fatalf("%q does not lead to the leaf of %s", path, v)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,"x",null,true],}`, "// c\n{}", `["\u00e9\ud83d\ude00"]`, "[[[[", `{"a":1,"a":2}`, "\"\xff\"", "[1e5,-0.5]", `{"password":"x`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		v, problems := Parse(src)
		if v.Kind() == Missing {
			if !Failed(problems) {
				t.Fatal("no value and no problem")
			}
			if json.Valid(src) && !bytes.Contains(bytes.ToLower(src), []byte(`\ud`)) && bytes.Count(src, []byte("["))+bytes.Count(src, []byte("{")) <= MaxDepth && utf8.Valid(src) {
				t.Fatalf("strict JSON refused: %v", problems)
			}
			for _, p := range problems {
				_ = p.Render("job.json")
			}
			return
		}
		out := v.JSON()
		if !json.Valid(out) {
			t.Fatalf("%q is not strict JSON", out)
		}
		if back, again := Parse(out); len(again) > 0 || !back.Equal(v) {
			t.Fatalf("%q came back as %q %v", out, back.JSON(), again)
		}
	})
}
