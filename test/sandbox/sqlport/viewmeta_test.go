package sqlport_test

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/sqlport"
)

// TestViewMetadata: a view is listed and described wherever a table is.
func TestViewMetadata(t *testing.T) {
	st := stored(t, `CREATE DATABASE d; USE d;
		CREATE TABLE t (k BIGINT NOT NULL, name VARCHAR(20), price DECIMAL(10, 2), tags ARRAY<INT>, at DATETIME) DUPLICATE KEY(k);
		CREATE VIEW v (id COMMENT 'the "key"', name, cents, tags, n) COMMENT 'some' AS SELECT x.k, x.name, x.price * 100, x.tags, COUNT(*) -- grouped
			FROM (SELECT * FROM t WHERE k > 0) x GROUP BY x.k, x.name, x.price * 100, x.tags;
		CREATE VIEW plain AS SELECT * FROM t;
		CREATE VIEW joined AS SELECT a.k, b.price, b.at FROM t a LEFT JOIN t b ON a.k = b.k;`)
	db := open(t, serve(t, st), "d")
	want(t, db, "SHOW TABLES", "joined / plain / t / v")
	want(t, db, "SHOW FULL TABLES", "joined | VIEW / plain | VIEW / t | BASE TABLE / v | VIEW")
	want(t, db, "SHOW FULL TABLES WHERE Table_type = 'VIEW'", "joined | VIEW / plain | VIEW / v | VIEW")
	want(t, db, "SHOW TABLES LIKE 'v%'", "v")
	want(t, db, "DESC plain", "k | bigint(20) | NO | false | NULL |  / name | varchar(20) | YES | false | NULL |  / price | decimal(10, 2) | YES | false | NULL |  / "+
		"tags | array<int(11)> | YES | false | NULL |  / at | datetime | YES | false | NULL | ")
	want(t, db, "SELECT COLUMN_NAME, COLUMN_TYPE, COLUMN_COMMENT, COLUMN_KEY FROM information_schema.columns WHERE TABLE_NAME = 'v' ORDER BY ORDINAL_POSITION",
		`id | bigint(20) | the "key" |  / name | varchar(20) |  |  / cents | decimal(38,2) |  |  / tags | array<int(11)> |  |  / n | bigint(20) |  | `)
	want(t, db, "SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.columns WHERE TABLE_NAME = 'joined'", "k | bigint(20) / price | decimal(10,2) / at | datetime")
	want(t, db, "SELECT TABLE_NAME, TABLE_TYPE, TABLE_ROWS, TABLE_COMMENT FROM information_schema.tables WHERE TABLE_SCHEMA = 'd'",
		"t | BASE TABLE | 0 |  / joined | VIEW | NULL |  / plain | VIEW | NULL |  / v | VIEW | NULL | some")
	want(t, db, "SELECT * FROM information_schema.views WHERE TABLE_NAME = 'plain'", "def | d | plain | SELECT * FROM t | NONE | NO |  |  | utf8 | utf8_general_ci")
	shown := "v | CREATE VIEW `v` (`id` COMMENT \"the \\\"key\\\"\", `name`, `cents`, `tags`, `n`)\nCOMMENT \"some\" SECURITY NONE AS " +
		"SELECT x.k, x.name, x.price * 100, x.tags, COUNT(*) -- grouped\n\t\t\tFROM (SELECT * FROM t WHERE k > 0) x GROUP BY x.k, x.name, x.price * 100, x.tags; | utf8 | utf8_general_ci"
	want(t, db, "SHOW CREATE VIEW v", shown)
	want(t, db, "SHOW CREATE TABLE d.v", shown)
	// What is shown makes the view again.
	text := strings.Split(read(t, db, "SHOW CREATE VIEW v")[0], " | ")[1]
	run(t, db, "DROP VIEW v")
	run(t, db, text)
	want(t, db, "SHOW CREATE VIEW v", shown)

	for _, c := range []struct {
		stmt string
		code uint16
		text string
	}{
		{"SHOW CREATE VIEW t", 1347, "'d.t' is not VIEW"},
		{"SHOW CREATE VIEW nosuch", 5502, "Unknown table"},
		{"DROP VIEW t", 1347, "'d.t' is not VIEW"},
		{"DROP TABLE v", 1347, "'d.v' is not TABLE"},
		{"ALTER VIEW t AS SELECT 1", 1347, "'d.t' is not VIEW"},
		{"INSERT INTO v VALUES (1)", 1064, "Only support insert into olap table"},
		{"ALTER VIEW v RENAME t", 1064, "Table name[t] is already used"},
		{"ALTER VIEW v RENAME v", 1064, "Same table name v"},
		{"ALTER VIEW v SET SECURITY SOME", 1064, "SOME"},
		{"SHOW TABLETS FROM v", 5503, "is not a OLAP table"},
	} {
		wantError(t, db, c.stmt, c.code, c.text)
	}
	run(t, db, "ALTER VIEW v RENAME w")
	want(t, db, "SELECT COUNT(*) FROM w", "0")
	wantError(t, db, "SELECT * FROM v", 5502, "Unknown table 'd.v'")
	run(t, db, "ALTER VIEW w (one) AS SELECT 1")
	want(t, db, "SELECT one FROM w", "1")

	old := open(t, serveWith(t, st, sqlport.Options{Version: "3.1"}), "d")
	want(t, old, "SHOW CREATE VIEW plain", "plain | CREATE VIEW `plain` (`k`, `name`, `price`, `tags`, `at`) AS SELECT * FROM t; | utf8 | utf8_general_ci")
	wantError(t, old, "CREATE VIEW x SECURITY NONE AS SELECT 1", 1064, "SECURITY")
	wantError(t, old, "ALTER VIEW plain RENAME y", 1064, "RENAME")
}

// TestViewPrivileges: who may read a view need not be allowed to read its tables, but
// for those of a view that leaves the question to its reader.
func TestViewPrivileges(t *testing.T) {
	s := serve(t, stored(t, `CREATE DATABASE d; USE d; CREATE TABLE t (k INT) DUPLICATE KEY(k); INSERT INTO t VALUES (1);
		CREATE VIEW v AS SELECT k FROM t; CREATE VIEW asks SECURITY INVOKER AS SELECT k FROM t; CREATE VIEW above AS SELECT k FROM v;
		CREATE VIEW hidden AS SELECT 1; CREATE VIEW overasks SECURITY INVOKER AS SELECT k FROM asks;
		CREATE USER u; GRANT SELECT ON VIEW d.v TO USER u; GRANT SELECT ON VIEW asks TO USER u; GRANT SELECT ON VIEW above TO USER u;
		GRANT SELECT ON VIEW overasks TO USER u;`))
	u := openDSN(t, "u@tcp("+s.Addr()+")/d")
	want(t, u, "SHOW TABLES", "above / asks / overasks / v")
	want(t, u, "SELECT TABLE_NAME FROM information_schema.views", "above / asks / overasks / v")
	want(t, u, "SELECT DISTINCT TABLE_NAME FROM information_schema.columns WHERE TABLE_SCHEMA = 'd'", "above / asks / overasks / v")
	want(t, u, "SELECT v.k, w.k FROM v JOIN above w ON v.k = w.k WHERE v.k IN (SELECT k FROM v)", "1 | 1")
	for _, q := range []string{"SELECT * FROM t", "SELECT * FROM asks", "SELECT * FROM overasks", "SELECT 1 FROM v WHERE EXISTS (SELECT 1 FROM t)",
		"SELECT (SELECT MAX(k) FROM t) FROM v", "WITH c AS (SELECT * FROM t) SELECT * FROM c", "SELECT k FROM v UNION ALL SELECT k FROM t"} {
		wantError(t, u, q, 5203, "the SELECT privilege(s) on TABLE t for")
	}
	wantError(t, u, "SELECT * FROM hidden", 5203, "the SELECT privilege(s) on VIEW hidden for")
	wantError(t, u, "DESC hidden", 5203, "on VIEW hidden")
	wantError(t, u, "DROP VIEW v", 5203, "the DROP privilege(s) on VIEW v for")
	wantError(t, u, "ALTER VIEW v AS SELECT 1", 5203, "the ALTER privilege(s) on VIEW v for")
	root := open(t, s, "d")
	run(t, root, "ALTER VIEW v SET SECURITY INVOKER")
	wantError(t, u, "SELECT * FROM v", 5203, "on TABLE t")
	want(t, u, "SELECT * FROM above", "1")
	run(t, root, "GRANT SELECT ON TABLE t TO USER u")
	want(t, u, "SELECT * FROM v", "1")
}
