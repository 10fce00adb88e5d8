package sqlport_test

import (
	"testing"

	"github.com/gx-etl/gx/test/sandbox/release"
	"github.com/gx-etl/gx/test/sandbox/sqlport"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// TestOlderSchemas: a release refuses what came after it, and takes it from then on.
func TestOlderSchemas(t *testing.T) {
	for _, c := range []struct{ before, since, statement, text string }{
		{"2.5", "3.1", "CREATE TABLE t (k INT, g BIGINT AS k + 1) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k)", "Unexpected input 'AS'"},
		{"2.5", "3.1", "CREATE TABLE t (k BIGINT AUTO_INCREMENT, v INT) PRIMARY KEY(k) DISTRIBUTED BY HASH(k)", "Unexpected input 'AUTO_INCREMENT'"},
		{"2.5", "3.1", "CREATE TABLE t (k INT, b VARBINARY(3)) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k)", "Unexpected input 'VARBINARY'"},
		{"2.5", "3.1", "CREATE TABLE t (k INT, m MAP<INT, INT>) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k)", "Unsupported data type: MAP<"},
		{"3.1", "3.3", "CREATE TABLE t (k INT, s STRING, INDEX i (s) USING GIN) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k)", "GIN came with 3.3"},
		{"3.1", "3.3", "CREATE TABLE t (k INT, s STRING, INDEX i (s) USING NGRAMBF) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k)", "NGRAMBF came with 3.3"},
		{"3.3", "3.5", `CREATE TABLE t (k INT, a ARRAY<FLOAT> NOT NULL, INDEX i (a) USING VECTOR ("index_type" = "hnsw")) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k)`, "VECTOR came with 3.4"},
		{"2.5", "3.1", `CREATE TABLE t (k INT) DUPLICATE KEY(k) PARTITION BY LIST(k) (PARTITION p VALUES IN ("1")) DISTRIBUTED BY HASH(k)`, "List partition is not supported"},
		{"2.5", "3.1", "CREATE TABLE t (k DATE) DUPLICATE KEY(k) PARTITION BY date_trunc('day', k) DISTRIBUTED BY HASH(k)", "Unexpected input 'date_trunc'"},
		{"3.3", "3.5", "CREATE TABLE t (k DATE, c INT) DUPLICATE KEY(k) PARTITION BY date_trunc('day', k), c DISTRIBUTED BY HASH(k)", "a partition key of expressions came with 3.4"},
		{"3.1", "3.3", `CREATE TABLE t (k STRING) DUPLICATE KEY(k) PARTITION BY RANGE(str2date(k, '%Y')) (PARTITION p VALUES LESS THAN ("2024-01-01")) DISTRIBUTED BY HASH(k)`, "a range of an expression came with 3.3"},
		{"2.5", "3.1", "CREATE TABLE t (k INT) DUPLICATE KEY(k)", "should contain distribution desc"},
		{"3.1", "3.3", "CREATE TABLE t (k INT, v INT) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) ORDER BY (v)", "only primary key support sort key"},
	} {
		for _, version := range []string{c.before, c.since} {
			played, err := release.Parse(version)
			if err != nil {
				t.Fatal(err)
			}
			st := store.New(store.Options{Release: played})
			exec(t, st, "CREATE DATABASE d")
			db := open(t, serveWith(t, st, sqlport.Options{Version: version}), "d")
			if version == c.before {
				wantError(t, db, c.statement, 1064, c.text)
			} else if _, err := db.Exec(c.statement); err != nil {
				t.Errorf("%s on %s: %v", c.statement, version, err)
			}
		}
	}
}

// TestWideSums: sums of decimals have all the digits there are.
func TestWideSums(t *testing.T) {
	st := stored(t, "CREATE DATABASE d; CREATE TABLE d.s (k INT, v DECIMAL(3,1) SUM, m DECIMAL(3,1) MAX) AGGREGATE KEY(k) DISTRIBUTED BY HASH(k); INSERT INTO d.s VALUES (1, 99.9, 1), (1, 99.9, 2)")
	db := open(t, serve(t, st), "d")
	want(t, db, "SELECT * FROM s", "1 | 199.8 | 2.0")
	want(t, db, "SELECT COLUMN_TYPE FROM information_schema.columns WHERE TABLE_NAME = 's' ORDER BY ORDINAL_POSITION", "int(11) / decimal(38,1) / decimal(3,1)")
}

// TestRightsOnViews: metadata shows a view to those who may use it.
func TestRightsOnViews(t *testing.T) {
	st := stored(t, `CREATE DATABASE d; CREATE TABLE d.t (k INT) DUPLICATE KEY(k); CREATE VIEW d.v AS SELECT k FROM d.t;
		CREATE USER app; CREATE USER other; GRANT SELECT ON VIEW d.v TO USER app; GRANT SELECT ON TABLE d.t TO USER app; GRANT SELECT ON TABLE d.t TO USER other`)
	s := serve(t, st)
	app, other := openDSN(t, "app@tcp("+s.Addr()+")/d"), openDSN(t, "other@tcp("+s.Addr()+")/d")
	want(t, app, "SHOW TABLES", "t / v")
	want(t, other, "SHOW TABLES", "t")
	want(t, app, "SELECT TABLE_NAME FROM information_schema.views", "v")
	want(t, other, "SELECT TABLE_NAME FROM information_schema.views", "")
	want(t, app, "SELECT COLUMN_NAME FROM information_schema.columns WHERE TABLE_NAME = 'v'", "k")
	want(t, other, "SELECT COLUMN_NAME FROM information_schema.columns WHERE TABLE_NAME = 'v'", "")
	want(t, app, "DESC v", "k | int(11) | YES | false | NULL | ")
	wantError(t, other, "DESC v", 5203, "Access denied")
	wantError(t, other, "SHOW CREATE VIEW v", 5203, "Access denied")
}
