package sqlport_test

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// splitType is a type of split column: how its values are drawn, what orders them
// and how they are written in SQL.
type splitType struct {
	ddl     string
	draw    func(rt *rapid.T) any
	compare func(a, b any) int
	literal func(v any) string
}

func compareTexts(a, b any) int { return strings.Compare(a.(string), b.(string)) }
func quotedText(v any) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`).Replace(v.(string)) + "'"
}

func wholeType(ddl string, low, high int64) splitType {
	return splitType{ddl,
		func(rt *rapid.T) any {
			return rapid.OneOf(rapid.SampledFrom([]int64{low, low + 1, -1, 0, 1, high - 1, high}), rapid.Int64Range(low, high)).Draw(rt, "value")
		},
		func(a, b any) int {
			return int(min(max(new(big.Int).Sub(big.NewInt(a.(int64)), big.NewInt(b.(int64))).Sign(), -1), 1))
		},
		func(v any) string { return fmt.Sprint(v) }}
}

var splitTypes = []splitType{
	wholeType("TINYINT", math.MinInt8, math.MaxInt8),
	wholeType("INT", math.MinInt32, math.MaxInt32),
	wholeType("BIGINT", math.MinInt64, math.MaxInt64),
	{"LARGEINT", func(rt *rapid.T) any {
		bits := rapid.SampledFrom([]uint{0, 1, 63, 64, 65, 126, 127}).Draw(rt, "bits")
		n := new(big.Int).Lsh(big.NewInt(1), bits)
		switch n.Sub(n, big.NewInt(rapid.Int64Range(1, 9).Draw(rt, "off"))); {
		case rapid.Bool().Draw(rt, "negative"):
			return n.Neg(n)
		}
		return n
	}, func(a, b any) int { return a.(*big.Int).Cmp(b.(*big.Int)) }, func(v any) string { return v.(*big.Int).String() }},
	{"DECIMAL(38,9)", func(rt *rapid.T) any {
		unscaled := rapid.OneOf(rapid.SampledFrom([]int64{0, 1, -1, 999999999, 1000000000, -1000000001}), rapid.Int64()).Draw(rt, "unscaled")
		return new(big.Rat).SetFrac(big.NewInt(unscaled), big.NewInt(1e9)).FloatString(9)
	}, func(a, b any) int {
		x, _ := new(big.Rat).SetString(a.(string))
		y, _ := new(big.Rat).SetString(b.(string))
		return x.Cmp(y)
	}, func(v any) string { return v.(string) }},
	{"DATE", func(rt *rapid.T) any {
		return rapid.SampledFrom([]string{"0000-01-01", "1969-12-31", "2024-02-29", "2024-03-01", "9999-12-31"}).Draw(rt, "date")
	}, compareTexts, quotedText},
	{"DATETIME", func(rt *rapid.T) any {
		at := rapid.SampledFrom([]string{"0000-01-01 00:00:00", "2024-01-02 00:00:00", "2024-01-02 03:04:05", "9999-12-31 23:59:59"}).Draw(rt, "moment")
		if micro := rapid.SampledFrom([]int{0, 1, 100000, 999999}).Draw(rt, "micro"); micro > 0 {
			at += fmt.Sprintf(".%06d", micro)
		}
		return at
	}, compareTexts, quotedText},
	{"VARCHAR(64)", func(rt *rapid.T) any {
		return rapid.OneOf(rapid.SampledFrom([]string{"", "a", "A", "'", `\`, `\'`, `"`, "ä", "汉字", "a b", "a ", "%", "_", "😀", "\x00", "-- x", "/*+ */"}), rapid.StringN(0, 12, 60)).Draw(rt, "text")
	}, compareTexts, quotedText},
	{"CHAR(20)", func(rt *rapid.T) any { return rapid.SampledFrom([]string{"", "a", "B", "é", "it's"}).Draw(rt, "text") }, compareTexts, quotedText},
}

// TestSplit: the bounds of a column are its extremes, and half-open ranges between
// any values of it, with the rows that have none, hold every row once. The condition
// of the user has an OR in it.
func TestSplit(t *testing.T) {
	for i, typ := range splitTypes {
		st := stored(t, "CREATE DATABASE d; CREATE TABLE d.t (id BIGINT NOT NULL, k "+typ.ddl+") DUPLICATE KEY(id)")
		db := open(t, serve(t, st), "d")
		table, err := st.Table("d", "t")
		if err != nil {
			t.Fatal(err)
		}
		t.Run(fmt.Sprint(i, strings.Fields(typ.ddl)[0]), rapid.MakeCheck(func(rt *rapid.T) {
			table.Truncate()
			batch := table.NewBatch(nil)
			var values []any
			total := rapid.IntRange(0, 10).Draw(rt, "rows")
			for id := range total {
				var v any
				if rapid.IntRange(0, 4).Draw(rt, "filled") > 0 {
					v = typ.draw(rt)
					values = append(values, v)
				}
				if err := batch.Add([]any{int64(id), v}, store.Upsert); err != nil {
					rt.Fatal(err)
				}
			}
			if err := table.Commit(batch); err != nil {
				rt.Fatal(err)
			}
			const where = "(id >= 0 OR k IS NULL)"
			query := func(q string) []string {
				rows, err := tryRead(db, q)
				if err != nil {
					rt.Fatalf("%s: %v", q, err)
				}
				return rows
			}
			slices.SortFunc(values, typ.compare)
			bounds := query("SELECT COUNT(k), MIN(k), MAX(k) FROM t WHERE " + where + " AND k IS NOT NULL")[0]
			expected := "0 | NULL | NULL"
			if n := len(values); n > 0 {
				plain := func(v any) string { return fmt.Sprint(v) }
				expected = fmt.Sprintf("%d | %s | %s", n, plain(values[0]), plain(values[n-1]))
			}
			if bounds != expected {
				rt.Fatalf("bounds are %q, want %q", bounds, expected)
			}
			cuts := slices.Clone(values)
			for range rapid.IntRange(0, 3).Draw(rt, "strangers") {
				cuts = append(cuts, typ.draw(rt))
			}
			slices.SortFunc(cuts, typ.compare)
			shards := []string{"k IS NULL"}
			for i := 0; i <= len(cuts); i++ {
				var parts []string
				if i > 0 {
					parts = append(parts, "k >= "+typ.literal(cuts[i-1]))
				}
				if i < len(cuts) {
					parts = append(parts, "k < "+typ.literal(cuts[i]))
				}
				if len(parts) == 0 {
					parts = []string{"k IS NOT NULL"}
				}
				shards = append(shards, strings.Join(parts, " AND "))
			}
			seen := map[string]string{}
			for _, s := range shards {
				for _, id := range query("SELECT id FROM t WHERE (" + where + ") AND " + s) {
					if first, twice := seen[id]; twice {
						rt.Fatalf("row %s is in %q and in %q", id, first, s)
					}
					seen[id] = s
				}
			}
			if len(seen) != total {
				rt.Fatalf("%d of %d rows in %q", len(seen), total, shards)
			}
			for _, v := range values {
				if got := len(query("SELECT id FROM t WHERE k = " + typ.literal(v))); got != count(values, v, typ.compare) {
					rt.Fatalf("%d rows equal %v", got, v)
				}
			}
		}))
	}
}

func count(values []any, v any, compare func(a, b any) int) (n int) {
	for _, o := range values {
		if compare(o, v) == 0 {
			n++
		}
	}
	return n
}
