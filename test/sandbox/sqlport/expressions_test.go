package sqlport_test

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/expression"
	"github.com/gx-etl/gx/test/sandbox/sqlport"
	"github.com/gx-etl/gx/test/sandbox/store"
)

var text = store.Type{Kind: store.Varchar}

// compile prepares expressions over the inputs a and b (VARCHAR), n (BIGINT),
// w (LARGEINT) and at (DATETIME).
func compile(tb testing.TB, exprs ...string) (expression.Program, error) {
	tb.Helper()
	s, err := sqlport.New(store.New(store.Options{}), sqlport.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	var compiler expression.Compiler = s.Expressions
	return compiler([]expression.Input{{Name: "a", Type: text}, {Name: "b", Type: text}, {Name: "n", Type: store.Type{Kind: store.BigInt}},
		{Name: "w", Type: store.Type{Kind: store.LargeInt}}, {Name: "at", Type: store.Type{Kind: store.DateTime}}}, exprs)
}

func TestExpressions(t *testing.T) {
	row := []any{"5", "x", int64(7), new(big.Int).Lsh(big.NewInt(1), 126), "2024-01-02 03:04:05.100000"}
	for _, c := range []struct {
		expr string
		want any
	}{
		{"a+1", 6.0},
		{"upper(b)", "X"},
		{"B", "x"},
		{"`n` + 1", int64(8)},
		{"n / 2", 3.5},
		{"w + 1", "85070591730234615865843651857942052865"},
		{"CAST(b AS INT)", nil},
		{"CAST(a AS INT)", int64(5)},
		{"case b when 'x' then 1 else 0 end", int64(1)},
		{"(case a when '5' then 'upsert' else 'delete' end)", "upsert"},
		{"if(a > 4, 'big', 'small')", "big"},
		{"ifnull(NULL, 'd')", "d"},
		{"a = 5 and n > 6", int64(1)},
		{"b = 5", nil},
		{"n > 7", int64(0)},
		{"b in ('x', 'y')", int64(1)},
		{"b like 'x%'", int64(1)},
		{"str_to_date('20240102', '%Y%m%d')", "2024-01-02 00:00:00"},
		{"date_format(at, '%Y%m%d')", "20240102"},
		{"date_add(at, INTERVAL 1 DAY)", "2024-01-03 03:04:05.100000"},
		{"timestampdiff(HOUR, '2024-01-02', at)", int64(3)},
		{"'api'", "api"},
		{"1.5", "1.5"},
		{"1 div 0", nil},
		{"CAST('[1,2]' AS ARRAY<INT>)", "[1,2]"},
		{"bitmap_to_string(to_bitmap(a))", "5"},
		{"hll_cardinality(hll_hash(a))", int64(1)},
		{"null", nil},
	} {
		p, err := compile(t, c.expr, "a", c.expr)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		out := make([]any, 3)
		for range 2 {
			if err := p.Eval(row, out); err != nil {
				t.Errorf("%s: %v", c.expr, err)
			}
			if out[0] != c.want || out[2] != c.want || out[1] != "5" {
				t.Errorf("%s: %v (%T), want %v (%T)", c.expr, out[0], out[0], c.want, c.want)
			}
		}
		if err := p.Eval(make([]any, 5), out); err != nil || out[1] != nil {
			t.Errorf("%s of NULLs: %v, %v", c.expr, out, err)
		}
	}
}

func TestExpressionErrors(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{"sum(n)", "Don't support aggregation function in load expression"},
		{"1 + count(*)", "Don't support aggregation function in load expression"},
		{"bitmap_union(n)", "Don't support aggregation function in load expression"},
		{"group_concat(b)", "Don't support aggregation function in load expression"},
		{"sum(n) over ()", "Don't support aggregation function in load expression"},
		{"(select 1)", "Don't support subquery in load expression"},
		{"exists (select 1)", "Don't support subquery in load expression"},
		{"soundex(a)", "No matching function with signature: soundex(varchar)"},
		{"a from x", "Syntax error in load expression"},
		{"a, b", "Syntax error in load expression"},
		{"a) + (b", "Syntax error in load expression"},
		{"a as x", "Syntax error in load expression"},
		{"", "Syntax error in load expression"},
		{"'a", "Unterminated string"},
		{"upper(", "Syntax error in load expression"},
	} {
		_, err := compile(t, "a", c.expr)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.expr, err, c.want)
		}
	}
	var unknown *sqlport.UnknownReference
	if _, err := compile(t, "a", "upper(c) + n"); !errors.As(err, &unknown) || unknown.Reference != "c" || unknown.Index != 1 {
		t.Errorf("%v", err)
	}
	if _, err := compile(t, "t.a"); !errors.As(err, &unknown) {
		t.Errorf("%v", err)
	}
}

// TestPlainNamesAreExpressions: nothing but the inputs, in their own order, is an
// answer that an engine need not project.
func TestPlainNamesAreExpressions(t *testing.T) {
	p, err := compile(t, "a", "b", "n", "w", "at")
	if err != nil {
		t.Fatal(err)
	}
	row, out := []any{"5", "x", int64(7), nil, nil}, make([]any, 5)
	if err := p.Eval(row, out); err != nil || out[0] != "5" || out[1] != "x" || out[2] != int64(7) || out[3] != nil {
		t.Errorf("%v, %v", out, err)
	}
}

// Functions of points in time count in the zone asked for, not in the global one.
func TestExpressionsInAZone(t *testing.T) {
	s, err := sqlport.New(store.New(store.Options{}), sqlport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for zone, want := range map[string]string{"Asia/Shanghai": "1970-01-01 08:00:00", "-03:00": "1969-12-31 21:00:00", "UTC": "1970-01-01 00:00:00"} {
		p, err := s.ExpressionsIn(zone)(nil, []string{"from_unixtime(0)", "1.5 * 3", "'1.5'"})
		if err != nil {
			t.Fatal(err)
		}
		out := make([]any, 3)
		if err := p.Eval(nil, out); err != nil || out[0] != want {
			t.Errorf("%s: %v, %v", zone, out[0], err)
		}
		typed, ok := p.(expression.Typed)
		if !ok || !typed.Decimal(1) || typed.Decimal(2) {
			t.Errorf("the types of %v", out)
		}
	}
	if _, err := s.ExpressionsIn("Moon")(nil, []string{"1"}); err == nil {
		t.Error("a zone on the moon")
	}
}

// A condition must be a predicate: numbers and text are none, whatever they are.
func TestPredicates(t *testing.T) {
	s, err := sqlport.New(store.New(store.Options{}), sqlport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	inputs := []expression.Input{{Name: "k", Type: store.Type{Kind: store.Int}}, {Name: "v", Type: store.Type{Kind: store.Varchar}},
		{Name: "b", Type: store.Type{Kind: store.Boolean}}, {Name: "tiny", Type: store.Type{Kind: store.TinyInt}}}
	for text, want := range map[string]bool{
		"k > 1": true, "v like 'a%'": true, "b": true, "not k": true, "k in (1, 2) or b": true, "true": true, "v is null": true, "cast(k as boolean)": true,
		"starts_with(v, 'a')": true, "if(k > 1, b, false)": true, "case when k > 1 then b else k < 3 end": true, "case k when 1 then true end": true,
		"k": false, "v": false, "tiny": false, "1": false, "'true'": false, "null": false, "k + 1": false, "length(v)": false, "case when b then 1 end": false,
		"case when b then true else k end": false, "1.5": false,
	} {
		p, err := s.Expressions(inputs, []string{text})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := p.(expression.Typed).Boolean(0); got != want {
			t.Errorf("%s is a predicate: %v", text, got)
		}
	}
}

// TestVolatileExpressions: a random value is another one in every row.
func TestVolatileExpressions(t *testing.T) {
	p, err := compile(t, "uuid()", "rand()", "unix_timestamp(now()) > 1700000000")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 100 {
		out := make([]any, 3)
		if err := p.Eval(make([]any, 5), out); err != nil {
			t.Fatal(err)
		}
		seen[fmt.Sprint(out[0])], seen[fmt.Sprint(out[1])] = true, true
		if out[2] != int64(1) {
			t.Fatalf("now() is %v", out[2])
		}
	}
	if len(seen) != 200 {
		t.Errorf("%d different values of 200", len(seen))
	}
}

func BenchmarkExpression(b *testing.B) {
	p, err := compile(b, "a + 1", "upper(b)", "if(n > 3, 'x', b)")
	if err != nil {
		b.Fatal(err)
	}
	row, out := []any{"5", "text", int64(7), nil, nil}, make([]any, 3)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Eval(row, out); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzExpression: whatever a client writes is an error or a program that runs.
func FuzzExpression(f *testing.F) {
	for _, s := range []string{"a+1", "upper(b)", "case a when 'D' then 1 else 0 end", "a[1]", "[1,2][1]", "map{1:2}", "cast(a as array<int>)", "interval 1 day"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		p, err := compile(t, strings.ReplaceAll(expr, "sleep", "upper"))
		if err != nil {
			return
		}
		out := make([]any, 1)
		if err := p.Eval([]any{"5", "x", int64(7), nil, nil}, out); err != nil {
			t.Errorf("%s: %v", expr, err)
		}
	})
}
