package sqltext_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/sqlread/sqltext"
	"pgregory.net/rapid"
)

func TestWhole(t *testing.T) {
	for text, want := range map[string]string{
		"a = 'it''s' AND b = \"\\\"\"": "", "f(a, (b))": "", "a -- ) ; '": "", "a # )": "", "a /* ) */ b": "", "`a;b`": "", "'\\''": "", "1--1": "",
		"": "", "(": "not closed", ")": "not open", "1) OR (1": "not open", "'a": "not closed", "`a": "not closed", "/* a": "not closed", "a;b": "semicolon", "( -- )": "not closed", "1 /*! OR 1 */": "is run", "1 /*M! OR 1 */": "is run", "'\\'": "not closed",
	} {
		err := sqltext.Whole(text)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestParts(t *testing.T) {
	if got := slices.Collect(sqltext.Items("a, f(b, c), 'd,e' , `g,h`")); !slices.Equal(got, []string{"a", "f(b, c)", "'d,e'", "`g,h`"}) {
		t.Errorf("items %q", got)
	}
	if got := sqltext.HasWord("a = 'limit' AND (SELECT 1 LIMIT 1) Limit 3", "LIMIT"); got != "Limit" {
		t.Errorf("word %q", got)
	}
	if got := sqltext.HasWord("`limit` = 1 AND limits = 2 -- limit", "LIMIT"); got != "" {
		t.Errorf("word %q", got)
	}
	for text, want := range map[string]string{"a": "", "a AS b": "b", "f(a as b)": "", "concat(a, b) as `c d`": "c d", "1 AS 'x'": "x", "as b": ""} {
		if got := sqltext.Alias(text); got != want {
			t.Errorf("alias of %q: %q", text, got)
		}
	}
	for text, want := range map[string][2]string{"t": {"", "t"}, "d.t": {"d", "t"}, "`a.b`.`c``d`": {"a.b", "c`d"}, " `x` ": {"", "x"}} {
		if db, name := sqltext.Qualified(text); [2]string{db, name} != want {
			t.Errorf("%q: %q and %q", text, db, name)
		}
	}
	for text, want := range map[string]bool{"a": true, "`a b`": true, "größe": true, "1a": false, "a.b": false, "'a'": false, "a b": false, "": false, "`a` + `b`": false} {
		if sqltext.Plain(text) != want {
			t.Errorf("plain %q: %t", text, !want)
		}
	}
	if hint, rest, found := sqltext.Hint(" /*+ SET_VAR(a = 1) */ id "); !found || hint != "SET_VAR(a = 1)" || rest != "id" {
		t.Errorf("%q %q %t", hint, rest, found)
	}
	if _, rest, found := sqltext.Hint("/* no hint */ id"); found || rest != "/* no hint */ id" {
		t.Errorf("%q", rest)
	}
	if got := sqltext.Trim(" a ; ；; "); got != "a" {
		t.Errorf("%q", got)
	}
}

// Whatever a name or a text holds, it is one token of the statement.
func TestQuotedIsOneToken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching("[`'\\\\;)(-]{0,12}")).Draw(t, "text")
		for _, quoted := range []string{sqltext.Name(s), sqltext.Literal(s)} {
			if err := sqltext.Whole("(" + quoted + ")"); err != nil {
				t.Fatalf("%s: %v", quoted, err)
			}
			if got := slices.Collect(sqltext.Items(quoted + ", 1")); len(got) != 2 {
				t.Fatalf("%s is the items %q", quoted, got)
			}
		}
		if got := sqltext.Bare(sqltext.Name(s)); got != s {
			t.Fatalf("%q came back as %q", s, got)
		}
	})
}

func FuzzScan(f *testing.F) {
	for _, s := range []string{"a, 'b''c', `d`", "f(1, (2)) -- x\n, y", "/*+ h */ a", "'\\", "((", "#\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		whole := sqltext.Whole(s) == nil
		joined := strings.Join(slices.Collect(sqltext.Items(s)), ",")
		if whole && strings.Count(joined, ",") < strings.Count(strings.Join(slices.Collect(sqltext.Items(joined)), ""), ",") {
			t.Errorf("%q has other items after it was put together again", s)
		}
		if sqltext.Whole(s) == nil && sqltext.Whole("("+s+"\n)") != nil {
			t.Errorf("%q is whole, and not between parentheses", s)
		}
		_, _, _ = sqltext.Hint(s)
		_ = sqltext.Alias(s)
	})
}
