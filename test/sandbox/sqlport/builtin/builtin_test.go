package builtin

import (
	"strings"
	"testing"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

// evaluate calls a function with literals.
func evaluate(tb testing.TB, name string, args ...any) any {
	tb.Helper()
	list := make([]sql.Expression, len(args))
	for i, a := range args {
		var t sql.Type = types.LongText
		switch a.(type) {
		case nil:
			t = types.Null
		case int64:
			t = types.Int64
		case float64:
			t = types.Float64
		case decimal.Decimal:
			t = types.InternalDecimalType
		case time.Time:
			t = types.DatetimeMaxPrecision
		case []byte:
			t = types.LongBlob
		}
		list[i] = expression.NewLiteral(a, t)
	}
	e, err := Find(Prefix + name).(sql.FunctionN).Fn(list...)
	if err != nil {
		return err
	}
	ctx := sql.NewEmptyContext()
	v, err := e.Eval(ctx, nil)
	if err != nil {
		tb.Fatalf("%s%v: %v", name, args, err)
	}
	return v
}

// odd are values that a function may meet in any place.
var odd = []any{nil, int64(0), int64(-1), int64(1 << 62), int64(-1 << 63), 0.5, -1e300, "", "a", "-7", "漢字", "[1,null,\"x\"]", `{"a":{"b":[1]}}`, "$.a", "2024-02-30",
	"0000-01-01", "9999-12-31 23:59:59.999999", "%Y-%m-%d %H", "(", "day", []byte{0, 255}, decimal.New(-15, -1), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC), time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)}

// TestFunctionsSurvive calls every function with every number of its arguments, drawn
// from values at the edges: each gives a value or NULL, and does not fail.
func TestFunctionsSurvive(t *testing.T) {
	names := make([]string, 0, len(scalars))
	for n := range scalars {
		if n != "sleep" {
			names = append(names, n)
		}
	}
	names = append(names, "+", "-", "*", "/", "%", "~div", "mod")
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(names).Draw(rt, "name")
		low, high := 2, 2
		if f := scalars[name]; f != nil {
			if low, high = f.min, f.max; high < 0 {
				high = 4
			}
		}
		args := make([]any, rapid.IntRange(low, high).Draw(rt, "count"))
		for i := range args {
			args[i] = rapid.SampledFrom(odd).Draw(rt, "argument")
		}
		evaluate(t, name, args...)
	})
}

// TestMomentText: text and time turn into each other.
func TestMomentText(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		micros := rapid.Int64Range(-62167219200e6, 253402300799e6).Draw(rt, "micros")
		at := time.UnixMicro(micros).UTC()
		text := MomentText(at, false)
		if back := ParseMoment(text); !back.Equal(at) {
			rt.Fatalf("%v became %q and %v", at, text, back)
		}
		if got, ok := asMoment(text); !ok || !got.Equal(at) {
			rt.Fatalf("%q was read as %v", text, got)
		}
		format := "%Y-%m-%d %H:%i:%s.%f"
		shown, _ := dateFormat(at, format).(string)
		if back, ok := strToDate(shown, format); !ok || !back.Equal(at) {
			rt.Fatalf("%v was written as %q and read as %v", at, shown, back)
		}
		if y, w := at.ISOWeek(); true {
			if gotY, gotW := weekOf(at, 3); gotY != y || gotW != w {
				rt.Fatalf("%v is in week %d of %d, got %d of %d", at, w, y, gotW, gotY)
			}
		}
	})
}

// TestShift: adding and taking away days and smaller units cancel out, and the
// difference is what was added.
func TestShift(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(0, 4102444800e6).Draw(rt, "micros")).UTC()
		unit := rapid.SampledFrom([]string{"microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "year"}).Draw(rt, "unit")
		n := rapid.Int64Range(-500, 500).Draw(rt, "n")
		moved, ok := shift(at, unit, n).(time.Time)
		if !ok {
			rt.Fatalf("%v plus %d %s is nothing", at, n, unit)
		}
		if unit == "month" || unit == "year" {
			return // the last day of a month moves
		}
		if back := shift(moved, unit, -n); back != at {
			rt.Fatalf("%v plus and minus %d %s is %v", at, n, unit, back)
		}
		if d := difference(moved, at, unit); d != n {
			rt.Fatalf("the difference is %v %s, want %d", d, unit, n)
		}
	})
}

// TestLike compares LIKE with a matcher that tries everything.
func TestLike(t *testing.T) {
	var match func(s, p []rune) bool
	match = func(s, p []rune) bool {
		switch {
		case len(p) == 0:
			return len(s) == 0
		case p[0] == '%':
			return match(s, p[1:]) || len(s) > 0 && match(s[1:], p)
		case p[0] == '\\' && len(p) > 1:
			return len(s) > 0 && s[0] == p[1] && match(s[1:], p[2:])
		}
		return len(s) > 0 && (p[0] == '_' || p[0] == s[0]) && match(s[1:], p[1:])
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.StringOf(rapid.SampledFrom([]rune("ab%_\\ä\n."))).Draw(rt, "text")
		p := rapid.StringOfN(rapid.SampledFrom([]rune("ab%_\\ä\n.")), 0, 8, -1).Draw(rt, "pattern")
		if len(s) > 20 {
			s = strings.ToValidUTF8(s[:20], "")
		}
		want := boolValue(match([]rune(s), []rune(p)))
		if got := evaluate(t, "~like", s, p); got != want {
			rt.Fatalf("%q LIKE %q is %v, want %v", s, p, got, want)
		}
	})
}

// FuzzJSONPath: any path through any text is a value or NULL.
func FuzzJSONPath(f *testing.F) {
	f.Add(`{"a":[1,{"b":"c"}]}`, "$.a[1].b")
	f.Add(`[[1],[2]]`, "$[*][0]")
	f.Add(`{"a b":1}`, `$."a b"`)
	f.Fuzz(func(t *testing.T, doc, path string) {
		for _, name := range []string{"json_query", "get_json_string", "get_json_int", "json_exists", "json_length", "json_keys"} {
			evaluate(t, name, doc, path)
		}
	})
}

// FuzzStrToDate: what reads, writes the same again.
func FuzzStrToDate(f *testing.F) {
	f.Add("2024-01-02 03:04:05", "%Y-%m-%d %H:%i:%s")
	f.Add("3rd Jan 24 PM", "%D %b %y %p")
	f.Fuzz(func(t *testing.T, text, format string) {
		at, ok := strToDate(text, format)
		if ok && (at.Year() < 0 || at.Year() > 9999) {
			t.Errorf("%q by %q is %v", text, format, at)
		}
		dateFormat(at, format)
	})
}
