package sqlreader

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/test/sandbox"
	"pgregory.net/rapid"
)

// kinds are the types that a table can be cut by, each with values of it in the words of SQL.
var kinds = map[string]*rapid.Generator[string]{
	"TINYINT":  number(-128, 127),
	"SMALLINT": number(-32768, 32767),
	"INT":      rapid.OneOf(number(-1<<31, 1<<31-1), number(0, 5)),
	"BIGINT":   rapid.OneOf(number(-1<<63, 1<<63-1), number(1000, 1100)),
	"LARGEINT": rapid.SampledFrom([]string{"-170141183460469231731687303715884105728", "170141183460469231731687303715884105727", "0", "18446744073709551616", "-1"}),
	"DECIMAL(20,4)": rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("%d.%04d", rapid.Int32().Draw(t, "whole"), rapid.IntRange(0, 9999).Draw(t, "part"))
	}),
	"DATE": rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("'%04d-%02d-%02d'", rapid.IntRange(0, 9999).Draw(t, "y"), rapid.IntRange(1, 12).Draw(t, "m"), rapid.IntRange(1, 28).Draw(t, "d"))
	}),
	"DATETIME": rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("'%04d-01-02 03:04:%02d.%06d'", rapid.SampledFrom([]int{0, 1969, 1970, 2024, 9999}).Draw(t, "y"), rapid.IntRange(0, 59).Draw(t, "s"), rapid.IntRange(0, 999999).Draw(t, "us"))
	}),
	"VARCHAR(200)": rapid.Custom(func(t *rapid.T) string {
		s := rapid.OneOf(rapid.StringMatching(`[A-Za-z' \\]{0,6}`), rapid.StringMatching(`user-[0-9]{3}`), rapid.SampledFrom([]string{"", "é", "三", "it's \\", "Ab", "aB", "👩", "\t"})).Draw(t, "text")
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
	}),
	"DOUBLE": rapid.Custom(func(t *rapid.T) string { return fmt.Sprint(rapid.IntRange(-5, 5).Draw(t, "n")) }), // cannot be cut, and is read all the same
}

func number(low, high int64) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string { return fmt.Sprint(rapid.Int64Range(low, high).Draw(t, "n")) })
}

// Random tables, conditions and numbers of shards: the shards together hold every row of the table once.
func TestShardsHoldEveryRowOnce(t *testing.T) {
	s := start(t, "CREATE DATABASE shop;")
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range kinds {
			if !yield(name) {
				return
			}
		}
	})
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		kind := rapid.SampledFrom(names).Draw(rt, "type")
		table := fmt.Sprintf("t%d", run)
		if err := s.Exec(t.Context(), fmt.Sprintf("CREATE TABLE shop.%s (id INT NOT NULL, k %s NULL, x INT) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 4", table, kind)); err != nil {
			rt.Fatal(err)
		}
		n := rapid.IntRange(0, 40).Draw(rt, "rows")
		var values []string
		for id := range n {
			v := "NULL"
			if rapid.IntRange(0, 6).Draw(rt, "null") > 0 {
				v = kinds[kind].Draw(rt, "value")
			}
			values = append(values, fmt.Sprintf("(%d, %s, %d)", id, v, id%5))
		}
		if n > 0 {
			if err := s.Exec(t.Context(), "INSERT INTO shop."+table+" VALUES "+strings.Join(values, ", ")); err != nil {
				rt.Fatal(err)
			}
		}
		where := rapid.SampledFrom([]string{"", "x < 3", "x = 1 OR x = 2 OR k IS NULL", "id > 100", "1 = 1 -- all"}).Draw(rt, "where")
		reader := rapid.SampledFrom([]string{"starrocks", "mysql"}).Draw(rt, "reader")
		more := fmt.Sprintf(`, "table": %q, "column": ["id"], "where": %q`, table, where)
		if reader == "starrocks" && rapid.IntRange(0, 4).Draw(rt, "tablets") == 0 {
			more += `, "splitBy": "tablet"`
		} else {
			more += fmt.Sprintf(`, "splitPk": "k", "splitFactor": %d`, rapid.IntRange(1, 4).Draw(rt, "factor"))
		}
		condition := ""
		if where != "" {
			condition = " WHERE " + where
		}
		want := s.Rows(t, "SELECT id FROM shop."+table+condition)
		got, shards := readIDs(rt, s, reader, more, rapid.IntRange(1, 5).Draw(rt, "lanes"))
		slices.Sort(got)
		var ids []string
		for _, row := range want {
			ids = append(ids, row[0])
		}
		slices.Sort(ids)
		if !slices.Equal(got, ids) {
			rt.Fatalf("%d shards of %s give %q, the table %q", len(shards), kind, got, ids)
		}
		if err := s.Exec(t.Context(), "DROP TABLE shop."+table); err != nil {
			rt.Fatal(err)
		}
	})
}

// readIDs runs the statements of all shards over a connection of its own.
func readIDs(t *rapid.T, s *sandbox.Sandbox, reader, more string, lanes int) (ids []string, shards []sdk.Shard) {
	r := dialects[reader].Reader.New()
	v, problems := options.Parse([]byte(parameters(s, more)))
	if problems = append(problems, options.Decode(v, "", r.Config())...); options.Failed(problems) {
		t.Fatal(problems)
	}
	if _, err := r.Open(context.Background(), sdk.OpenInfo{Lanes: lanes}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close(context.Background()) }()
	shards, err := r.Split(context.Background(), lanes)
	if err != nil {
		t.Fatal(err)
	}
	for _, sh := range shards {
		ids = append(ids, statement(t, s, sh)...)
	}
	return ids, shards
}
