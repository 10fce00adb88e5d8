package options

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"
)

func TestChangesAreCopies(t *testing.T) {
	v := mustParse(t, `{"a":1,"b":{"c":["x",2,true,null]}}`)
	before := string(v.JSON())
	for _, c := range []struct {
		got  Value
		want string
	}{
		{v.With("a", Text("y")), `{"a":"y","b":{"c":["x",2,true,null]}}`},
		{v.With("z", List()), `{"a":1,"b":{"c":["x",2,true,null]},"z":[]}`},
		{v.Without("b"), `{"a":1}`},
		{Value{}.With("k", Text("v")), `{"k":"v"}`},
		{v.Unplaced(), before},
		{v.MapScalars("p", func(path, key string, s Value) Value { return s.WithText(path + " " + key) }),
			`{"a":"p.a a","b":{"c":["p.b.c[0] c","p.b.c[1] c","p.b.c[2] c",null]}}`},
	} {
		if got := string(c.got.JSON()); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	if string(v.JSON()) != before {
		t.Errorf("the original became %s", v.JSON())
	}
	if line, col := v.Unplaced().Locate("b.c[0]"); line != 0 || col != 0 {
		t.Errorf("still placed at %d:%d", line, col)
	}
	if !v.Get("a").AsSecret().IsSecret() || v.Get("a").IsSecret() {
		t.Error("AsSecret marks the original")
	}
	items, members := v.Lookup("b.c").Items(), v.Members()
	if len(items) != 4 || items[1].Text() != "2" || len(members) != 2 || members[1].Key != "b" {
		t.Errorf("got %v and %v", items, members)
	}
}

func TestValueThroughEncodingJSON(t *testing.T) {
	var holder struct{ V Value }
	if err := json.Unmarshal([]byte(`{"V":{"n":1.50}}`), &holder); err != nil {
		t.Fatal(err)
	}
	if got, err := json.Marshal(holder); err != nil || string(got) != `{"V":{"n":1.50}}` {
		t.Errorf("got %s %v", got, err)
	}
}

func TestEqualSeesDifferences(t *testing.T) {
	base := `{"a":[1,{"b":"x"}]}`
	for _, other := range []string{`{"a":[1,{"b":"y"}]}`, `{"a":[1,{"c":"x"}]}`, `{"a":[1]}`, `{"a":[1.0,{"b":"x"}]}`, `{"a":["1",{"b":"x"}]}`, `[]`} {
		if mustParse(t, base).Equal(mustParse(t, other)) {
			t.Errorf("%s equals %s", base, other)
		}
	}
	if !mustParse(t, base).Equal(mustParse(t, " "+base)) {
		t.Error("a value differs from itself elsewhere")
	}
}

func TestScalars(t *testing.T) {
	number := func(s string) Value { return mustParse(t, s) }
	for _, c := range []struct{ got, want any }{
		{first(toInt(Text(" 12 "))), int64(12)},
		{first(toInt(number("5e2"))), int64(500)},
		{first(toInt(number("-9223372036854775808"))), int64(math.MinInt64)},
		{first(toInt(number("1e18"))), int64(1e18)},
		{first(toBytes(Text("64MiB"))), int64(64 << 20)},
		{first(toBytes(Text("64 m"))), int64(64 << 20)},
		{first(toBytes(Text("64MB"))), int64(64e6)},
		{first(toBytes(Text("1.5k"))), int64(1536)},
		{first(toBytes(Text("100"))), int64(100)},
		{first(toBytes(number("1e3"))), int64(1000)},
		{first(toDuration(number("1.5"), time.Second)), 1500 * time.Millisecond},
		{first(toDuration(Text("1h 30m"), time.Second)), 90 * time.Minute},
		{first(toDuration(Text("250"), time.Millisecond)), 250 * time.Millisecond},
		{first(toFloat(Text("1e-3"))), 1e-3},
		{first(toBool(Text("TRUE"))), true},
		{first(toBool(number("0"))), false},
		{first(toText(number("1.50"))), "1.50"},
	} {
		if c.got != c.want {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
	for what, wrong := range map[string]string{
		"bytes of a unit nobody knows":  second(toBytes(Text("5eb"))),
		"more bytes than 64 bits":       second(toBytes(Text("99999999999t"))),
		"a plain number beyond 64 bits": second(toBytes(Text("99999999999999999999"))),
		"half a byte":                   second(toBytes(number("0.5"))),
		"a duration that is a list":     second(toDuration(List(), time.Second)),
		"three centuries":               second(toDuration(number("99999999999"), time.Second)),
		"a part of a nanosecond":        second(toDuration(number("0.1"), time.Nanosecond)),
		"a number beyond all numbers":   second(toFloat(number("1e999"))),
		"hex":                           second(toFloat(Text("0x1p-2"))),
		"infinity":                      second(toFloat(Text("Infinity"))),
		"underscores":                   second(toInt(Text("1_000"))),
		"nothing":                       second(toInt(Text(""))),
		"a list as a boolean":           second(toBool(List())),
	} {
		if wrong == "" {
			t.Errorf("accepted %s", what)
		}
	}
}

func first[T any](v T, wrong string) any {
	if wrong != "" {
		return fmt.Sprint("refused: ", wrong)
	}
	return v
}

func second[T any](_ T, wrong string) string { return wrong }

func TestProblemTexts(t *testing.T) {
	p := Problem{Code: CodeWrongType, Path: "a.b", Seen: `"hunter2" is not an integer`, Want: "1 or more", Try: "5", Line: 3, Col: 4}
	if got := p.String(); got != `a.b: "hunter2" is not an integer (allowed: 1 or more); try: 5` {
		t.Errorf("got %s", got)
	}
	if got := p.Masked([]string{"hunter2"}).Render("f.json"); got != `f.json:3:4: error [wrong-type] a.b: "***" is not an integer (allowed: 1 or more); try: 5` {
		t.Errorf("got %s", got)
	}
	var err error = Problem{Code: CodeSyntax, Seen: "x", Line: 1, Col: 2, Warning: true}
	if err.Error() != "line 1, column 2: x" {
		t.Errorf("got %s", err)
	}
}
