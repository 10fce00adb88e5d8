// Package cases draws tables, conditions and numbers of shards at random and holds a reader of SQL tables to its promise on a
// server that evaluates conditions: the shards of a table together hold every row once.
package cases

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/sdk"
	"pgregory.net/rapid"
)

// Kind is a type of columns, with values of it in the words of SQL.
type Kind struct {
	Type   string // as a column is declared, without NULL
	Values *rapid.Generator[string]
}

// Server is where tables are made and read. DB has a database chosen.
type Server struct {
	DB    *sql.DB
	Kinds []Kind
	// Readers are the plugins that are asked for shards, by name, and Parameters those of a step of one of them; more is
	// JSON members behind a comma.
	Readers    map[string]sdk.Plugin
	Parameters func(more string) string
	// Tail is what stands behind the columns of CREATE TABLE.
	Tail string
	// Tablets tells that the reader of that name can read by tablets.
	Tablets string
}

// each is the number of cases of one table.
const each = 50

// Count is how many cases a test draws: that of GX_TEST_SHARD_CASES, or few when it is not set.
func Count(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("GX_TEST_SHARD_CASES")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("GX_TEST_SHARD_CASES=%q is no number of cases", text)
	}
	return n
}

// wheres are conditions that do not name the key.
var wheres = []string{"", "", "x < 3", "x = 1 OR x = 2", "id > 100", "1 = 1 -- all", "NOT (x = 0) OR id < 7", "x IN (0, 4) AND id <> 9"}

// EveryRowOnce draws n cases, many for each table. A check of rapid is a table with its cases: what fails is cut down to a small
// one.
func (s *Server) EveryRowOnce(t *testing.T, n int) {
	checks := flag.Lookup("rapid.checks")
	before := checks.Value.String()
	if err := checks.Value.Set(strconv.Itoa((n + each - 1) / each)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = checks.Value.Set(before) }()
	drawn, shards := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		s.table(rt, t.Context(), func(more int) { drawn++; shards += more })
	})
	t.Logf("%d cases, %d shards", drawn, shards)
	if !t.Failed() && (drawn < n || shards < 2*n) {
		t.Errorf("%d shards in %d cases of %d: hardly a table was cut", shards, drawn, n)
	}
}

// table makes one table with a column of each kind and holds all its cases against it.
func (s *Server) table(t *rapid.T, ctx context.Context, count func(shards int)) {
	columns := []string{"id INT NOT NULL", "x INT"}
	for i, k := range s.Kinds {
		columns = append(columns, fmt.Sprintf("k%d %s NULL", i, k.Type))
	}
	s.exec(t, ctx, "DROP TABLE IF EXISTS cases")
	s.exec(t, ctx, "CREATE TABLE cases ("+strings.Join(columns, ", ")+") "+s.Tail)
	var rows []string
	for id := range rapid.IntRange(0, 40).Draw(t, "rows") {
		row := []string{strconv.Itoa(id), strconv.Itoa(id % 5)}
		for _, k := range s.Kinds {
			v := "NULL"
			if rapid.IntRange(0, 6).Draw(t, "null") > 0 {
				v = k.Values.Draw(t, k.Type)
			}
			row = append(row, v)
		}
		rows = append(rows, "("+strings.Join(row, ", ")+")")
	}
	if len(rows) > 0 {
		s.exec(t, ctx, "INSERT INTO cases VALUES "+strings.Join(rows, ", "))
	}
	whole := map[string][]string{} // ids by condition
	for range each {
		key := rapid.IntRange(0, len(s.Kinds)-1).Draw(t, "key")
		where := rapid.SampledFrom(append(wheres, fmt.Sprintf("x = 1 OR k%d IS NULL", key))).Draw(t, "where")
		want, known := whole[where]
		if !known {
			query := "SELECT id FROM cases"
			if where != "" {
				query += " WHERE " + where
			}
			want = s.ids(t, ctx, query)
			slices.Sort(want)
			whole[where] = want
		}
		names := slices.Sorted(maps.Keys(s.Readers))
		reader := rapid.SampledFrom(names).Draw(t, "reader")
		more := fmt.Sprintf(`, "table": "cases", "column": ["id"], "where": %q`, where)
		if reader == s.Tablets && rapid.IntRange(0, 4).Draw(t, "tablets") == 0 {
			more += `, "splitBy": "tablet"`
		} else {
			more += fmt.Sprintf(`, "splitPk": "k%d", "splitFactor": %d`, key, rapid.IntRange(1, 4).Draw(t, "factor"))
		}
		statements := s.statements(t, ctx, reader, more, rapid.IntRange(1, 5).Draw(t, "lanes"))
		var got []string
		for _, q := range statements {
			got = append(got, s.ids(t, ctx, q)...)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("%d shards by %s give %q, the table %q\n%s", len(statements), s.Kinds[key].Type, got, want, strings.Join(statements, "\n"))
		}
		count(len(statements))
	}
}

func (s *Server) exec(t *rapid.T, ctx context.Context, statement string) {
	if _, err := s.DB.ExecContext(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// statements are those of the shards into which a reader cuts the table.
func (s *Server) statements(t *rapid.T, ctx context.Context, reader, more string, lanes int) (out []string) {
	r := s.Readers[reader].Reader.New()
	v, problems := options.Parse([]byte(s.Parameters(more)))
	if problems = append(problems, options.Decode(v, "", r.Config())...); options.Failed(problems) {
		t.Fatal(problems)
	}
	if _, err := r.Open(ctx, sdk.OpenInfo{Lanes: lanes}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close(ctx) }()
	shards, err := r.Split(ctx, lanes)
	if err != nil {
		t.Fatal(err)
	}
	for _, sh := range shards {
		var part struct{ SQL string }
		if err := json.Unmarshal(sh.Descriptor, &part); err != nil {
			t.Fatal(err)
		}
		out = append(out, part.SQL)
	}
	return out
}

// ids is the first column of a query.
func (s *Server) ids(t *rapid.T, ctx context.Context, query string) (out []string) {
	rows, err := s.DB.QueryContext(ctx, query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		out = append(out, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}
