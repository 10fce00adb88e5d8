package sqlport_test

import (
	"strings"
	"testing"
)

// TestViews: a view answers as its query does, in its own database, with the rows of
// the moment.
func TestViews(t *testing.T) {
	s := serve(t, stored(t, twoTables+`
		CREATE VIEW v AS SELECT k, CONCAT(v, '!') loud, [k, 2][1] FROM p WHERE k > 0;
		CREATE VIEW IF NOT EXISTS v AS SELECT 1 one;
		CREATE VIEW e.w (number COMMENT 'n', total) COMMENT 'sums' SECURITY NONE AS SELECT k, SUM(k) FROM d.p GROUP BY k;`))
	db := open(t, s, "e")
	want(t, db, "SELECT * FROM d.v ORDER BY k", "1 | one! | 1 / 2 | two! | 2")
	want(t, db, "SELECT x.loud FROM d.v AS x WHERE x.k = 2", "two!")
	want(t, db, "SELECT number, total FROM w JOIN d.v ON number = k ORDER BY 1", "1 | 1 / 2 | 2")
	run(t, db, "INSERT INTO d.p VALUES (3, 'three')")
	want(t, db, "SELECT COUNT(*) FROM d.v", "3")
	run(t, db, "CREATE VIEW above AS SELECT loud FROM d.v WHERE k = 3")
	want(t, db, "SELECT * FROM above", "three!")
	run(t, db, "CREATE OR REPLACE VIEW above AS SELECT 7 AS n")
	want(t, db, "SELECT n + 1 FROM above", "8")
	run(t, db, "ALTER VIEW above AS SELECT 8 AS n")
	want(t, db, "SELECT n FROM above", "8")
	run(t, db, "CREATE VIEW d.home AS SELECT COUNT(*) n FROM x") // e.x, for that is where it was made
	want(t, db, "SELECT * FROM d.home", "0")
	nowhere := open(t, s, "")
	want(t, nowhere, "SELECT h.n, v.k FROM d.home h, d.v WHERE v.k < 2", "0 | 1")
	wantError(t, nowhere, "SELECT * FROM d.home, v", 1046, "No database selected")
	want(t, nowhere, "SELECT DATABASE()", "NULL")
	for _, c := range []struct {
		stmt string
		code uint16
		text string
	}{
		{"CREATE VIEW above AS SELECT 1", 1050, "already exists"},
		{"CREATE VIEW x AS SELECT * FROM nosuch", 5502, "Unknown table 'e.nosuch'"},
		{"CREATE VIEW x (a, b) AS SELECT 1", 1064, "Column count"},
		{"CREATE VIEW x AS SELECT 1 a, 2 a", 1060, "Duplicate column name 'a'"},
		{"CREATE TABLE w (k INT) DUPLICATE KEY(k)", 1050, "already exists"},
		{"ALTER VIEW nosuch AS SELECT 1", 5502, "Unknown table"},
		{"DROP VIEW nosuch", 5502, "Unknown table"},
	} {
		wantError(t, db, c.stmt, c.code, c.text)
	}
	run(t, db, "DROP VIEW IF EXISTS nosuch")
	run(t, db, "DROP VIEW above")
	wantError(t, db, "SELECT * FROM above", 5502, "Unknown table 'e.above'")
}

// TestCreateAsSelect: the table has the columns of the query and its rows.
func TestCreateAsSelect(t *testing.T) {
	db := open(t, serve(t, stored(t, twoTables)), "d")
	run(t, db, "CREATE TABLE c PROPERTIES ('replication_num' = '1') AS SELECT k, UPPER(v) u, k / 2 half, CAST(k AS LARGEINT) w, NOW() > '2000-01-01' yes FROM p")
	want(t, db, "SELECT k, u, half, w, yes FROM c ORDER BY k", "1 | ONE | 0.5 | 1 | 1 / 2 | TWO | 1 | 2 | 1")
	run(t, db, "CREATE TABLE e.c2 (a, b) DISTRIBUTED BY HASH(a) BUCKETS 2 AS SELECT k, 1.50 FROM p")
	want(t, db, "SELECT a, b FROM e.c2 ORDER BY a", "1 | 1.50 / 2 | 1.50")
	run(t, db, "CREATE TABLE IF NOT EXISTS c AS SELECT 1 x")
	want(t, db, "SELECT COUNT(*) FROM c", "2")
	wantError(t, db, "CREATE TABLE c AS SELECT 1 x", 1050, "already exists")
	wantError(t, db, "CREATE TABLE c3 (a, b) AS SELECT 1", 1064, "Number of select item")
	wantError(t, db, "CREATE TABLE c3 AS SELECT nope FROM p", 1064, "Column 'nope' cannot be resolved")
	wantError(t, db, "SELECT * FROM c3", 5502, "Unknown table")
}

func TestExplain(t *testing.T) {
	db := open(t, serve(t, stored(t, twoTables)), "d")
	for stmt, parts := range map[string][]string{
		"EXPLAIN SELECT v FROM p WHERE k > 1":                  {"PLAN FRAGMENT 0", "OUTPUT EXPRS:1: v", "OlapScanNode", "TABLE: p", "PREDICATES:", "tabletRatio=", "cardinality=2"},
		"EXPLAIN VERBOSE SELECT k, COUNT(*) FROM a GROUP BY k": {"AGGREGATE", "TABLE: a"},
		"EXPLAIN COSTS SELECT * FROM a JOIN p ON a.k = p.k":    {"HASH JOIN", "TABLE: a", "TABLE: p"},
		"DESC SELECT 1":                         {"PLAN FRAGMENT 0"},
		"EXPLAIN INSERT INTO a SELECT * FROM p": {"OLAP TABLE SINK", "TABLE: p"},
		"EXPLAIN INSERT INTO a VALUES (1, 'x')": {"OLAP TABLE SINK", "UNION"},
	} {
		text := strings.Join(read(t, db, stmt), "\n")
		for _, p := range parts {
			if !strings.Contains(text, p) {
				t.Errorf("%s: no %q in\n%s", stmt, p, text)
			}
		}
	}
	want(t, db, "SELECT COUNT(*) FROM a", "0")
	wantError(t, db, "EXPLAIN SELECT nope FROM a", 1064, "cannot be resolved")
}
