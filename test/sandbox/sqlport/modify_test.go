package sqlport_test

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/store"
)

func TestInsert(t *testing.T) {
	st := stored(t, `CREATE DATABASE d; USE d;
		CREATE TABLE src (k INT, v VARCHAR(20)) DUPLICATE KEY(k);
		CREATE TABLE t (k INT NOT NULL, v VARCHAR(8) NULL, n INT NOT NULL DEFAULT "7", m DATETIME DEFAULT CURRENT_TIMESTAMP) DUPLICATE KEY(k);
		CREATE TABLE auto (id BIGINT NOT NULL AUTO_INCREMENT, v INT) PRIMARY KEY(id);`)
	db := open(t, serve(t, st), "d")

	if n := run(t, db, "INSERT INTO t (k, v) VALUES (1, 'a'), (2, NULL), (1 + 2, UPPER(CONCAT('x', 'y')))"); n != 3 {
		t.Errorf("%d rows affected, want 3", n)
	}
	want(t, db, "SELECT k, v, n, m IS NOT NULL FROM t", "1 | a | 7 | 1 / 2 | NULL | 7 | 1 / 3 | XY | 7 | 1")
	run(t, db, "INSERT INTO TABLE d.t WITH LABEL some_label VALUES (4, DEFAULT, DEFAULT, DEFAULT), (-5, 'it''s', +1, '2024-01-02')")
	want(t, db, "SELECT k, v, n FROM t WHERE k IN (4, -5)", "4 | NULL | 7 / -5 | it's | 1")
	run(t, db, "INSERT INTO src SELECT k, v FROM t WHERE k > 0")
	run(t, db, "INSERT INTO src WITH w AS (SELECT 9 k) SELECT k, 'w' FROM w")
	want(t, db, "SELECT k, v FROM src ORDER BY k", "1 | a / 2 | NULL / 3 | XY / 4 | NULL / 9 | w")
	run(t, db, "INSERT INTO t (k, v, m) VALUES (?, ?, ?)", 6, []byte("bin"), "2024-01-02 03:04:05")
	want(t, db, "SELECT v, m FROM t WHERE k = 6", "bin | 2024-01-02 03:04:05")
	run(t, db, "INSERT INTO auto (v) VALUES (5), (6)")
	run(t, db, "INSERT INTO auto VALUES (100, 7), (DEFAULT, 8)")
	want(t, db, "SELECT COUNT(*), COUNT(DISTINCT id), MIN(id) FROM auto", "4 | 4 | 1")

	before := read(t, db, "SELECT COUNT(*) FROM t")[0]
	for _, c := range []struct {
		statement string
		code      uint16
		text      string
	}{
		{"INSERT INTO t (k) VALUES (1), (NULL)", 1064, "row 2 of table d.t: NULL value in non-nullable column 'k'"},
		{"INSERT INTO t (v) VALUES ('x')", 5002, "'k' must be explicitly mentioned in column permutation"},
		{"INSERT INTO t (k, nope) VALUES (1, 2)", 1064, "line 1, column 18. Detail message: Unknown column 'nope' in 't'"},
		{"INSERT INTO t (k, K) VALUES (1, 2)", 1110, "specified twice"},
		{"INSERT INTO t (k, v) VALUES (1)", 1058, "Column count doesn't match value count, expected 2"},
		{"INSERT INTO t (k, v) VALUES (1, 2, 3)", 1058, "Column count"},
		{"INSERT INTO t (k, v) VALUES (1, 2) 3", 1064, "Unexpected input '3'"},
		{"INSERT INTO t (k, v) VALUES (1, nope)", 1064, "cannot be resolved"},
		{"INSERT INTO t (k, v) VALUES (DEFAULT, 'a')", 1064, "Column has no default value, column=k"},
		{"INSERT INTO t SELECT 1", 1064, "target column count: 4 doesn't match select/value column count: 1"},
		{"INSERT INTO t (k) SELECT 'x'", 1064, "row 1 of table d.t"},
		{"INSERT INTO t (k)", 1064, "most similar input is {VALUES, SELECT"},
		{"INSERT INTO t (k) VALUES (1", 1064, "Unexpected input '<EOF>'"},
		{"INSERT INTO nosuch VALUES (1)", 5502, "Unknown table 'd.nosuch'"},
		{"REPLACE INTO t VALUES (1)", 1064, "Unexpected input 'REPLACE'"},
	} {
		wantError(t, db, c.statement, c.code, c.text)
	}
	want(t, db, "SELECT COUNT(*) FROM t", before)
}

func TestModelsOnInsert(t *testing.T) {
	st := stored(t, `CREATE DATABASE d; USE d;
		CREATE TABLE p (k INT, v INT) PRIMARY KEY(k);
		CREATE TABLE u (k INT, v INT) UNIQUE KEY(k) DISTRIBUTED BY HASH(k);
		CREATE TABLE a (k INT, s INT SUM, x INT MAX, r INT REPLACE_IF_NOT_NULL) AGGREGATE KEY(k) DISTRIBUTED BY HASH(k);`)
	db := open(t, serve(t, st), "d")
	for _, table := range []string{"p", "u"} {
		run(t, db, "INSERT INTO "+table+" VALUES (1, 1), (1, 2), (2, 1)")
		run(t, db, "INSERT INTO "+table+" VALUES (2, 5)")
		want(t, db, "SELECT k, v FROM "+table+" ORDER BY k", "1 | 2 / 2 | 5")
	}
	run(t, db, "INSERT INTO a VALUES (1, 1, 5, 1), (1, 2, 3, NULL)")
	want(t, db, "SELECT * FROM a", "1 | 3 | 5 | 1")
}

func TestDelete(t *testing.T) {
	st := stored(t, `CREATE DATABASE d; USE d;
		CREATE TABLE p (k INT, j VARCHAR(5), v INT NOT NULL) PRIMARY KEY(k, j);
		INSERT INTO p VALUES (1, 'a', 1), (1, 'b', 2), (2, 'a', 3), (3, 'c', 4);
		CREATE TABLE dup (k BIGINT, v INT) DUPLICATE KEY(k);
		INSERT INTO dup VALUES (1, 1), (1, 2), (2, NULL), (9007199254740993, 4);
		CREATE TABLE u (k INT, v INT) UNIQUE KEY(k) DISTRIBUTED BY HASH(k);
		INSERT INTO u VALUES (1, 1), (2, 2);`)
	db := open(t, serve(t, st), "d")
	if n := run(t, db, "DELETE FROM p WHERE v > 1 AND k IN (SELECT k FROM p WHERE j = 'a')"); n != 2 {
		t.Errorf("%d rows deleted, want 2", n)
	}
	want(t, db, "SELECT k, j FROM p ORDER BY k", "1 | a / 3 | c")
	run(t, db, "INSERT INTO p VALUES (1, 'b', 7)")
	want(t, db, "SELECT k, j, v FROM p WHERE j = 'b'", "1 | b | 7")

	if n := run(t, db, "DELETE FROM d.dup WHERE k = 9007199254740993 AND v > -1 AND v IN (4, 5)"); n != 0 {
		t.Errorf("%d rows counted; the server counts none", n)
	}
	run(t, db, "DELETE FROM d.dup WHERE (v IS NULL)")
	want(t, db, "SELECT k, v FROM dup", "1 | 1 / 1 | 2")
	run(t, db, "DELETE FROM u WHERE k = 1")
	run(t, db, "INSERT INTO u VALUES (1, 3)")
	want(t, db, "SELECT k, v FROM u ORDER BY k", "1 | 3 / 2 | 2")
	wantError(t, db, "DELETE FROM u WHERE v = 2", 1064, "only supports key columns")
	for cond, text := range map[string]string{
		"k IN (SELECT k FROM p)": "Child of in predicate should be value",
		"k = 1 OR v = 2":         "Compound predicate's op should be AND",
		"NOT k = 1":              "Compound predicate's op should be AND",
		"1 = 1":                  "Left expr of binary predicate should be column name",
		"k = v":                  "Right expr of binary predicate should be value",
		"k + 1 = 2":              "Left expr of binary predicate should be column name",
		"abs(k) IS NULL":         "Left expr of is_null predicate should be column name",
		"k BETWEEN 1 AND 2":      "Where clause only supports compound predicate",
		"k LIKE 'x'":             "Where clause only supports compound predicate",
		"nope = 1":               "cannot be resolved",
	} {
		wantError(t, db, "DELETE FROM dup WHERE "+cond, 1064, text)
	}
	wantError(t, db, "DELETE FROM dup", 1064, "Where clause is not set")
	wantError(t, db, "DELETE FROM p", 1064, "Delete must specify where clause to prevent full table delete")
	wantError(t, db, "DELETE FROM p PARTITION(p) WHERE k = 1", 1064, "Delete for primary key table do not support specifying partitions")
	want(t, db, "SELECT COUNT(*) FROM dup", "2")
	run(t, db, "TRUNCATE TABLE p")
	want(t, db, "SELECT COUNT(*) FROM p", "0")
}

func TestUpdate(t *testing.T) {
	st := stored(t, `CREATE DATABASE d; USE d;
		CREATE TABLE p (k INT, v VARCHAR(5) NOT NULL, n DECIMAL(10,2)) PRIMARY KEY(k);
		INSERT INTO p VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', NULL);
		CREATE TABLE dup (k INT, v INT) DUPLICATE KEY(k);`)
	db := open(t, serve(t, st), "d")
	if n := run(t, db, "UPDATE p SET v = CONCAT(v, 'x'), n = n + 0.5 WHERE k < 3"); n != 2 {
		t.Errorf("%d rows updated, want 2", n)
	}
	run(t, db, "UPDATE d.p SET n = (SELECT SUM(n) FROM p), v = IF(k > 2, 'y', 'z') WHERE k = 3")
	want(t, db, "SELECT * FROM p ORDER BY k", "1 | ax | 1.50 / 2 | bx | 2.50 / 3 | y | 4.00")
	run(t, db, "UPDATE p SET n = NULL WHERE k = 1")
	want(t, db, "SELECT n FROM p WHERE k = 1", "NULL")
	wantError(t, db, "UPDATE p SET v = NULL WHERE k = 1", 1064, "NULL value in non-nullable column 'v'")
	wantError(t, db, "UPDATE p SET v = 'too long' WHERE k = 1", 1064, "too long")
	wantError(t, db, "UPDATE p SET k = 2 WHERE k = 1", 1064, "primary key column cannot be updated")
	wantError(t, db, "UPDATE p SET v = 'a', v = 'b' WHERE k = 1", 1064, "assigned twice")
	wantError(t, db, "UPDATE p SET v = 'a'", 1064, "must specify where clause")
	wantError(t, db, "UPDATE p SET nope = 1 WHERE k = 1", 1064, "does not have column 'nope'")
	wantError(t, db, "UPDATE p SET v = WHERE k = 1", 1064, "an expression")
	wantError(t, db, "UPDATE dup SET v = 1 WHERE k = 1", 1064, "is not primary key table and does not support update")
}

func TestDefinitions(t *testing.T) {
	st := store.New(store.Options{})
	db := open(t, serve(t, st), "")
	wantError(t, db, "CREATE TABLE t (k INT)", 1046, "No database selected")
	run(t, db, "CREATE DATABASE IF NOT EXISTS d")
	run(t, db, "CREATE DATABASE IF NOT EXISTS d")
	wantError(t, db, "CREATE DATABASE d", 1007, "database exists")
	run(t, db, "USE d")
	ddl := "CREATE TABLE t (k INT NOT NULL, v STRING COMMENT 'a; b') DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 2 PROPERTIES(\"replication_num\"=\"1\")"
	run(t, db, ddl)
	wantError(t, db, ddl, 1050, "Table 't' already exists")
	run(t, db, strings.Replace(ddl, "TABLE t", "TABLE IF NOT EXISTS t", 1))
	run(t, db, "CREATE TABLE l LIKE t")
	if got, like := read(t, db, "SHOW CREATE TABLE t")[0], read(t, db, "SHOW CREATE TABLE l")[0]; strings.ReplaceAll(got, "`t`", "`l`")[1:] != like[1:] {
		t.Errorf("LIKE made\n%s\nof\n%s", like, got)
	}
	run(t, db, "DROP TABLE l")
	wantError(t, db, "DROP TABLE l", 5502, "Unknown table 'd.l'")
	run(t, db, "DROP TABLE IF EXISTS l")
	wantError(t, db, "CREATE TABLE d.x (\n  k INT,\n  v NUMBER\n)", 1064, "Getting syntax error at line 3, column 4. Detail message: Unexpected input 'NUMBER'")
	wantError(t, db, "CREATE TABLE nodb.t (k INT)", 5501, "Unknown database 'nodb'")
	wantError(t, db, "TRUNCATE TABLE nope", 5502, "Unknown table")
	run(t, db, "DROP DATABASE d")
	wantError(t, db, "DROP DATABASE d", 1008, "Can't drop database 'd'; database doesn't exist")
	run(t, db, "DROP DATABASE IF EXISTS d FORCE")
	wantError(t, db, "SHOW TABLES", 1046, "No database selected")
	wantError(t, db, "USE d", 5501, "Unknown database 'd'")
}

func TestReadOnlyUser(t *testing.T) {
	st := stored(t, orders)
	st.Users().Add("reader", "pw")
	st.Users().SetReadOnly("reader", true)
	db := openDSN(t, "reader:pw@tcp("+serve(t, st).Addr()+")/d?interpolateParams=true")
	want(t, db, "SELECT COUNT(*) FROM orders", "4")
	for q, privilege := range map[string]string{"INSERT INTO orders (id) VALUES (1)": "INSERT", "DELETE FROM orders WHERE id = 1": "DELETE",
		"DROP TABLE orders": "DROP", "TRUNCATE TABLE orders": "DELETE"} {
		wantError(t, db, q, 5203, "Access denied; you need (at least one of) the "+privilege+" privilege(s) on TABLE orders for this operation.")
	}
}
