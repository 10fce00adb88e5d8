package sqlport_test

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/sqlport"
)

// TestModifyByJoin: from 3.0 on UPDATE and DELETE look at other tables and at CTEs.
func TestModifyByJoin(t *testing.T) {
	st := stored(t, `CREATE DATABASE d; USE d;
		CREATE TABLE p (k INT, v INT, s VARCHAR(9)) PRIMARY KEY(k);
		CREATE TABLE o (k INT, n INT) DUPLICATE KEY(k);
		INSERT INTO p VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c'), (4, 4, 'd'); INSERT INTO o VALUES (1, 10), (2, 20), (9, 90);`)
	db := open(t, serve(t, st), "d")
	if n := run(t, db, "UPDATE p SET v = o.n + p.v FROM o WHERE p.k = o.k"); n != 2 {
		t.Errorf("%d rows updated", n)
	}
	want(t, db, "SELECT k, v, s FROM p ORDER BY k", "1 | 11 | a / 2 | 22 | b / 3 | 3 | c / 4 | 4 | d")
	run(t, db, "UPDATE d.p SET s = x.s FROM o JOIN p x ON x.k = 4 WHERE p.k = o.k AND o.n > 15")
	run(t, db, "WITH m AS (SELECT MAX(v) top FROM p) UPDATE p SET v = m.top FROM m WHERE p.v < 4")
	want(t, db, "SELECT k, v, s FROM p ORDER BY k", "1 | 11 | a / 2 | 22 | d / 3 | 22 | c / 4 | 4 | d")
	for stmt, parts := range map[string]string{
		"EXPLAIN UPDATE p SET v = 1 WHERE k = 2":                               "OLAP TABLE SINK,TABLE: p,PREDICATES:",
		"EXPLAIN DELETE FROM p WHERE v IN (SELECT n FROM o)":                   "OLAP TABLE SINK,TABLE: p,TABLE: o",
		"EXPLAIN DELETE FROM o WHERE n = 10":                                   "OLAP TABLE SINK,TABLE: o",
		"EXPLAIN WITH m AS (SELECT 1 k) DELETE FROM p USING m WHERE p.k = m.k": "OLAP TABLE SINK,TABLE: p",
		"EXPLAIN VERBOSE UPDATE p SET v = o.n FROM o WHERE p.k = o.k":          "HASH JOIN,TABLE: p,TABLE: o",
	} {
		text := strings.Join(read(t, db, stmt), "\n")
		for _, part := range strings.Split(parts, ",") {
			if !strings.Contains(text, part) {
				t.Errorf("%s: no %q in\n%s", stmt, part, text)
			}
		}
	}
	if n := run(t, db, "DELETE FROM p USING o WHERE p.k = o.k AND o.n < 15"); n != 1 {
		t.Errorf("%d rows deleted", n)
	}
	run(t, db, "WITH gone AS (SELECT 4 k) DELETE FROM p USING gone WHERE p.k = gone.k")
	want(t, db, "SELECT k FROM p ORDER BY k", "2 / 3")
	want(t, db, "WITH c AS (SELECT 1 x) SELECT x FROM c", "1")
	for _, c := range []struct{ stmt, text string }{
		{"DELETE FROM o USING p WHERE o.k = p.k", "USING"},
		{"UPDATE p SET v = 1 FROM o", "must specify where clause"},
		{"UPDATE p SET v = 1", "must specify where clause"},
		{"DELETE FROM p USING o", "must specify where clause"},
		{"UPDATE p SET v = o.nosuch FROM o WHERE o.k = p.k", "cannot be resolved"},
	} {
		wantError(t, db, c.stmt, 1064, c.text)
	}
	run(t, db, "CREATE TABLE f (k INT, a INT DEFAULT '7', b VARCHAR(9) DEFAULT 'x''y', c INT, n INT NOT NULL) PRIMARY KEY(k)")
	run(t, db, "INSERT INTO f VALUES (1, 1, '1', 1, 1)")
	run(t, db, "UPDATE f SET a = DEFAULT, b = DEFAULT, c = DEFAULT WHERE k = 1")
	want(t, db, "SELECT * FROM f", "1 | 7 | x'y | NULL | 1")
	wantError(t, db, "UPDATE f SET n = DEFAULT WHERE k = 1", 1064, "Column has no default value, column=n")
	old := open(t, serveWith(t, st, sqlport.Options{Version: "2.5"}), "d")
	wantError(t, old, "UPDATE p SET v = o.n FROM o WHERE p.k = o.k", 1064, "Unexpected input 'FROM'")
	wantError(t, old, "DELETE FROM p USING o WHERE p.k = o.k", 1064, "")
	wantError(t, old, "WITH m AS (SELECT 1 k) UPDATE p SET v = 1 WHERE k IN (SELECT k FROM m)", 1064, "")
	run(t, old, "UPDATE p SET v = 100 WHERE k = 3")
	want(t, old, "SELECT v FROM p WHERE k = 3", "100")

	run(t, db, "CREATE USER u")
	run(t, db, "GRANT UPDATE, DELETE ON TABLE p TO USER u")
	u := openDSN(t, "u@tcp("+serve(t, st).Addr()+")/d")
	run(t, u, "UPDATE p SET v = 1 WHERE k = 3")
	wantError(t, u, "UPDATE p SET v = 1 FROM o WHERE p.k = o.k", 5203, "on TABLE o")
	wantError(t, u, "WITH m AS (SELECT k FROM o) DELETE FROM p USING m WHERE p.k = m.k", 5203, "on TABLE o")
}
