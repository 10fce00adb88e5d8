package cut_test

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gx-etl/gx/plugins/sqlread/cut"
	"pgregory.net/rapid"
)

// in tells whether a value is in a part, as a server that compares by compare would see it.
func in[T any](p cut.Part, v *T, read func(string) T, compare func(a, b T) int) bool {
	if v == nil || p.Null {
		return v == nil && p.Null
	}
	for _, f := range p.From {
		if compare(*v, read(f)) < 0 {
			return false
		}
	}
	return p.Below == "" || compare(*v, read(p.Below)) < 0
}

// once fails unless every value is in exactly one part.
func once[T any](t *rapid.T, parts []cut.Part, values []*T, read func(string) T, compare func(a, b T) int) {
	for _, v := range values {
		n := 0
		for _, p := range parts {
			if in(p, v, read, compare) {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("a value is in %d of the parts %+v", n, parts)
		}
	}
}

func integer(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		panic(s)
	}
	return n
}

func TestEveryIntegerIsInOnePart(t *testing.T) {
	edge := new(big.Int).Lsh(big.NewInt(1), 127)
	number := rapid.Custom(func(t *rapid.T) *big.Int {
		n := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 15).Draw(t, "bytes"))
		if rapid.Bool().Draw(t, "negative") {
			n.Neg(n)
		}
		if rapid.IntRange(0, 20).Draw(t, "edge") == 0 {
			return new(big.Int).Neg(edge)
		}
		return n
	})
	rapid.Check(t, func(t *rapid.T) {
		lo, hi := number.Draw(t, "low"), number.Draw(t, "high")
		if lo.Cmp(hi) > 0 {
			lo, hi = hi, lo
		}
		n := rapid.IntRange(2, 20).Draw(t, "n")
		parts, err := cut.Parts(cut.Integer, lo.String(), hi.String(), n, true)
		if err != nil {
			t.Fatal(err)
		}
		if parts == nil {
			if lo.Cmp(hi) != 0 {
				t.Fatalf("%s … %s is not cut", lo, hi)
			}
			return
		}
		if len(parts) > n+1 {
			t.Fatalf("%d parts, want at most %d and NULL", len(parts), n)
		}
		values := []**big.Int{nil, &lo, &hi}
		for range 20 {
			v := number.Draw(t, "value")
			values = append(values, &v)
		}
		once(t, parts, values, integer, (*big.Int).Cmp)
		if !in(parts[0], &lo, integer, (*big.Int).Cmp) || in(parts[0], &hi, integer, (*big.Int).Cmp) {
			t.Fatalf("the first part of %s … %s is %+v", lo, hi, parts[0])
		}
	})
}

// A server may compare texts by bytes, or by a collation that sees no case, or in any other order.
func TestEveryTextIsInOnePart(t *testing.T) {
	orders := map[string]func(a, b string) int{
		"bytes":    strings.Compare,
		"no case":  func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) },
		"backward": func(a, b string) int { return strings.Compare(b, a) },
		"length":   func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) },
	}
	read := func(literal string) string {
		s := literal[1 : len(literal)-1]
		return strings.ReplaceAll(strings.ReplaceAll(s, "''", "'"), `\\`, `\`)
	}
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Za-z'\\]{0,8}`), rapid.StringMatching(`user-[0-9]{4}`))
	rapid.Check(t, func(t *rapid.T) {
		values := []*string{nil}
		for range rapid.IntRange(1, 30).Draw(t, "rows") {
			s := text.Draw(t, "value")
			values = append(values, &s)
		}
		for name, order := range orders {
			sorted := slices.Clone(values[1:])
			slices.SortFunc(sorted, func(a, b *string) int { return order(*a, *b) })
			parts, err := cut.Parts(cut.Text, *sorted[0], *sorted[len(sorted)-1], rapid.IntRange(2, 9).Draw(t, name), true)
			if err != nil {
				t.Fatal(err)
			}
			if parts == nil {
				continue
			}
			once(t, parts, values, read, order)
			narrow, err := cut.Parts(cut.NarrowText, *sorted[0], *sorted[len(sorted)-1], 5, true)
			if err != nil {
				t.Fatal(err)
			}
			if narrow != nil {
				once(t, narrow, values, read, order)
			}
			for _, p := range narrow {
				for _, r := range p.Below {
					if r > 0x7f && !strings.ContainsRune(*sorted[0], r) {
						t.Fatalf("the literal %q has a character that the bounds have not", p.Below)
					}
				}
			}
			for _, p := range parts {
				for _, literal := range append(p.From, p.Below) {
					if !utf8.ValidString(literal) || strings.ContainsFunc(literal, func(r rune) bool { return r < ' ' || r == 0x7f }) {
						t.Fatalf("the literal %q has a byte that a statement cannot hold", literal)
					}
				}
			}
		}
	})
}

func conditions(parts []cut.Part) (out []string) {
	for _, p := range parts {
		out = append(out, p.Condition("`c`"))
	}
	return out
}

func TestParts(t *testing.T) {
	for _, c := range []struct {
		kind      cut.Kind
		low, high string
		n         int
		nullable  bool
		want      []string
	}{
		{cut.Integer, "1", "100", 1, true, nil},
		{cut.Integer, "5", "5", 4, true, nil},
		{cut.Integer, "1", "100", 2, false, []string{"`c` < 51", "`c` >= 51"}},
		{cut.Integer, "1", "2", 9, true, []string{"`c` < 2", "`c` >= 2", "`c` IS NULL"}},
		{cut.Integer, "-9223372036854775808", "9223372036854775807", 2, false, []string{"`c` < 0", "`c` >= 0"}},
		{cut.Integer, "-170141183460469231731687303715884105728", "170141183460469231731687303715884105727", 4, false, []string{
			"`c` < -85070591730234615865843651857942052864", "`c` >= -85070591730234615865843651857942052864 AND `c` < 0",
			"`c` >= 0 AND `c` < 85070591730234615865843651857942052864", "`c` >= 85070591730234615865843651857942052864"}},
		{cut.Decimal, "-0.05", "0.1", 2, false, []string{"`c` < 0.03", "`c` >= 0.03"}},
		{cut.Decimal, "-1.00", "-0.99", 2, false, []string{"`c` < -0.99", "`c` >= -0.99"}},
		{cut.Date, "0000-01-01", "9999-12-31", 2, false, []string{"`c` < '4999-12-31'", "`c` >= '4999-12-31'"}},
		{cut.Date, "1969-12-31", "1970-01-01", 2, false, []string{"`c` < '1970-01-01'", "`c` >= '1970-01-01'"}},
		{cut.Date, "0000-00-00", "0000-01-03", 3, false, []string{"`c` < '0000-01-02'", "`c` >= '0000-01-02' AND `c` < '0000-01-03'", "`c` >= '0000-01-03'"}},
		{cut.DateTime, "2024-01-01 00:00:00", "2024-01-01 00:00:01.000001", 2, false, []string{"`c` < '2024-01-01 00:00:00.500000'", "`c` >= '2024-01-01 00:00:00.500000'"}},
		{cut.Text, "a", "a", 3, true, nil},
		{cut.Text, "", "", 3, true, nil},
		{cut.Text, "a", "c", 2, false, []string{"`c` < 'b'", "`c` >= 'b'"}},
		{cut.Text, `it's A`, `it's C`, 2, true, []string{"`c` < 'it''s B'", "`c` >= 'it''s B'", "`c` IS NULL"}},
		{cut.Text, "b", "A", 2, false, nil},
		{cut.Text, "\u00e9", "\u0444", 2, false, []string{"`c` < '\u0296'", "`c` >= '\u0296'"}},
		{cut.NarrowText, "\u00e9", "\u0444", 2, false, nil},
		{cut.NarrowText, "\u00e9a", "\u00e9c", 2, false, []string{"`c` < '\u00e9b'", "`c` >= '\u00e9b'"}},
	} {
		t.Run(fmt.Sprintf("%s to %s in %d", c.low, c.high, c.n), func(t *testing.T) {
			got, err := cut.Parts(c.kind, c.low, c.high, c.n, c.nullable)
			if err != nil || !slices.Equal(conditions(got), c.want) {
				t.Errorf("got %q, %v\nwant %q", conditions(got), err, c.want)
			}
		})
	}
}

func TestBoundsThatAreNone(t *testing.T) {
	for kind, bound := range map[cut.Kind]string{cut.Integer: "1.5", cut.Decimal: "x", cut.Date: "soon", cut.DateTime: "2024-01-01 noon", cut.None: "1"} {
		if parts, err := cut.Parts(kind, bound, bound, 3, false); err == nil {
			t.Errorf("%q was cut: %+v", bound, parts)
		}
	}
}
