package sqlport_test

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/release"
	"github.com/gx-etl/gx/test/sandbox/sqlport"
)

// TestSince: a release takes what it knows, and refuses what came later. Each statement
// names the release line it came with, and a piece of the refusal before.
func TestSince(t *testing.T) {
	const rest = " DISTRIBUTED BY HASH(k)"
	cases := []struct {
		statement    string // # is another number for every release
		major, minor int
		refusal      string
	}{
		{"CREATE TABLE t# (k INT, v VARBINARY) DUPLICATE KEY(k)" + rest, 3, 0, "Unexpected input 'VARBINARY'"},
		{"CREATE TABLE t# (k INT, v ARRAY<INT>, j JSON, d DECIMAL(38, 2)) DUPLICATE KEY(k)" + rest, 2, 5, ""},
		{"CREATE TABLE t# (k INT, v MAP<INT, INT>) DUPLICATE KEY(k)" + rest, 3, 1, "Unsupported data type: MAP<"},
		{"CREATE TABLE t# (k INT, v ARRAY<STRUCT<x INT>>) DUPLICATE KEY(k)" + rest, 3, 1, "Unsupported data type: ARRAY<STRUCT<"},
		{"CREATE TABLE t# (k INT, n BIGINT NOT NULL AUTO_INCREMENT) DUPLICATE KEY(k)" + rest, 3, 0, "Unexpected input 'AUTO_INCREMENT'"},
		{"CREATE TABLE t# (k INT) DUPLICATE KEY(k)", 3, 1, "should contain distribution desc"},
		{"CREATE TABLE t# (k INT) PRIMARY KEY(k)", 3, 1, "should contain distribution desc"},
		{"CREATE TABLE t# (k INT) DUPLICATE KEY(k) DISTRIBUTED BY RANDOM", 3, 1, "Unexpected input 'RANDOM'"},
		{"CREATE TABLE t# (k INT, v INT) PRIMARY KEY(k) DISTRIBUTED BY HASH(k) ORDER BY (v)", 3, 0, "Unexpected input 'ORDER'"},
		{"CREATE TABLE t# (k INT, v INT) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) ORDER BY (v)", 3, 3, ""},
		{"CREATE TABLE t# (k INT, d DATE) DUPLICATE KEY(k) PARTITION BY RANGE(d) (PARTITION p VALUES LESS THAN ('2024-01-01'))" + rest, 2, 5, ""},
		{"CREATE TABLE t# (k INT NOT NULL) DUPLICATE KEY(k) PARTITION BY LIST(k) (PARTITION p VALUES IN ('1'))" + rest, 3, 1, "List partition is not supported"},
		{"CREATE TABLE t# (k INT, d DATETIME NOT NULL) DUPLICATE KEY(k) PARTITION BY date_trunc('day', d)" + rest, 3, 0, "Unexpected input 'date_trunc'"},
		{"CREATE TABLE t# (k INT NOT NULL, v INT) DUPLICATE KEY(k) PARTITION BY (k)" + rest, 3, 1, "Unexpected input '('"},
		{"CREATE TABLE t# PROPERTIES ('replication_num' = '1') AS SELECT k + 1 FROM p", 2, 5, ""},
		{"ALTER TABLE fixed ADD COLUMN m# MAP<INT, INT>", 3, 1, "Unsupported data type: MAP<"},
		{"ALTER TABLE fixed COMMENT = 'c'", 3, 1, "Unexpected input 'COMMENT'"},
		{"CREATE OR REPLACE VIEW v AS SELECT 1 one", 2, 5, ""},
		{"CREATE VIEW v# SECURITY NONE AS SELECT 1 one", 3, 3, "Unexpected input 'SECURITY'"},
		{"UPDATE p SET v = x.v FROM p x WHERE x.k = p.k", 3, 0, "Unexpected input 'FROM'"},
		{"DELETE FROM p USING p x WHERE x.k = p.k AND p.k > 100", 3, 0, ""},
		{"INSERT INTO p BY NAME SELECT 5 v, 7 k", 4, 0, "Unexpected input 'BY'"},
		{"SELECT COUNT(*) FROM information_schema.tables_config", 2, 5, ""},
		{"SELECT COUNT(*) FROM information_schema.load_tracking_logs", 3, 0, "Unknown table 'information_schema.load_tracking_logs'"},
		{"SELECT COUNT(*) FROM information_schema.be_tablets", 3, 0, "Unknown table"},
		{"SELECT COUNT(*) FROM information_schema.loads", 3, 1, "Unknown table"},
		{"SELECT COUNT(*) FROM information_schema.partitions_meta", 3, 1, "Unknown table"},
		{"SELECT COUNT(*) FROM sys.role_edges", 3, 0, "Unknown database 'sys'"},
		{"SET ROLE ALL", 3, 0, ""},
		{"GRANT SELECT ON TABLE p TO USER u", 3, 0, "Unknown privilege type: SELECT"},
		{"ALTER USER u SET PROPERTIES ('max_user_connections' = '9')", 3, 3, "Unexpected input 'SET'"},
		{"ALTER TABLE fixed RENAME COLUMN v TO w", 3, 3, "Unexpected input 'COLUMN'"},
	}
	for _, r := range release.All {
		st := stored(t, `CREATE DATABASE d; CREATE USER u; CREATE TABLE d.fixed (k INT, v INT) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k);
			CREATE TABLE d.p (k INT, v INT) PRIMARY KEY(k) DISTRIBUTED BY HASH(k);`)
		db := open(t, serveWith(t, st, sqlport.Options{Version: r.String()}), "d")
		for i, c := range cases {
			stmt := strings.ReplaceAll(c.statement, "#", string(rune('a'+i/26))+string(rune('a'+i%26)))
			_, err := tryRead(db, stmt)
			switch {
			case r.AtLeast(c.major, c.minor):
				if err != nil {
					t.Errorf("%s: %s: %v", r.Line(), stmt, err)
				}
			case err == nil || !strings.Contains(err.Error(), c.refusal):
				t.Errorf("%s: %s\nwant a refusal with %q\n got %v", r.Line(), stmt, c.refusal, err)
			}
		}
	}
	newest := open(t, serve(t, stored(t, "CREATE DATABASE d; CREATE TABLE d.t (k INT, v INT DEFAULT '3', w INT) DUPLICATE KEY(k)")), "d")
	run(t, newest, "INSERT INTO t BY NAME SELECT 2 AS w, 1 AS k")
	run(t, newest, "INSERT INTO t BY NAME WITH c AS (SELECT 5 AS k, 6 AS v) SELECT * FROM c")
	want(t, newest, "SELECT k, v, w FROM t ORDER BY k", "1 | 3 | 2 / 5 | 6 | NULL")
	for stmt, text := range map[string]string{
		"INSERT INTO t BY NAME SELECT 1 AS nosuch":                                      "Unknown column 'nosuch'",
		"INSERT INTO t BY NAME VALUES (1)":                                              "Unexpected input 'VALUES'",
		"INSERT INTO t PROPERTIES ('strict_mode' = 'false') SELECT 1":                   "PROPERTIES of INSERT are not supported by this stand-in",
		"INSERT INTO FILES ('path' = 's3://b/x', 'format' = 'parquet') SELECT * FROM t": "INSERT INTO FILES is not supported by this stand-in",
	} {
		wantError(t, newest, stmt, 1064, text)
	}
}

// TestOldPrivileges: GRANT and REVOKE before 3.0 name privileges in their own way, and
// roles are always active.
func TestOldPrivileges(t *testing.T) {
	s := serveWith(t, stored(t, shop+"CREATE VIEW d.v AS SELECT k FROM t;"), sqlport.Options{Version: "2.5"})
	root := open(t, s, "d")
	run(t, root, "CREATE USER ann")
	run(t, root, "GRANT SELECT_PRIV ON d.t TO 'ann'@'%'")
	ann := as(t, s, "ann")
	want(t, ann, "SELECT COUNT(*) FROM d.t", "2")
	wantError(t, ann, "SELECT * FROM d.u", 1227, "SELECT privilege")
	wantError(t, ann, "INSERT INTO d.t VALUES (3, 'c')", 1227, "INSERT privilege")
	run(t, root, "GRANT LOAD_PRIV, ALTER_PRIV ON t TO ann")
	run(t, ann, "INSERT INTO d.t VALUES (3, 'c')")
	run(t, ann, "DELETE FROM d.t WHERE k = 3")
	run(t, ann, "ALTER TABLE d.t SET ('in_memory' = 'false')")
	run(t, root, "REVOKE LOAD_PRIV ON d.t FROM ann")
	wantError(t, ann, "INSERT INTO d.t VALUES (3, 'c')", 1227, "INSERT privilege")
	run(t, root, "CREATE ROLE maker")
	run(t, root, "GRANT CREATE_PRIV, DROP_PRIV, SELECT_PRIV ON d.* TO ROLE 'maker'")
	run(t, root, "GRANT 'maker' TO ann")
	again := as(t, s, "ann")
	run(t, again, "CREATE TABLE d.made (k INT) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k)")
	run(t, again, "DROP TABLE d.made")
	want(t, again, "SELECT COUNT(*) FROM d.v, d.u", "2")
	wantError(t, again, "CREATE DATABASE x", 1227, "CREATE DATABASE privilege")
	run(t, root, "CREATE USER boss")
	run(t, root, "GRANT ADMIN_PRIV ON *.* TO boss")
	boss := as(t, s, "boss")
	run(t, boss, "CREATE DATABASE x")
	run(t, boss, "GRANT ALL ON x.* TO ann")
	run(t, boss, "REVOKE 'maker' FROM ann")
	wantError(t, as(t, s, "ann"), "SELECT * FROM d.u", 1227, "SELECT privilege")
	for stmt, text := range map[string]string{
		"GRANT SELECT ON d.t TO ann":                 "Unknown privilege type: SELECT",
		"GRANT NODE_PRIV ON d.* TO ann":              "NODE_PRIV can only be granted on *.*",
		"GRANT SELECT_PRIV ON *.t TO ann":            "",
		"GRANT USAGE_PRIV ON RESOURCE 'r' TO ann":    "",
		"GRANT SELECT_PRIV ON d.t TO nobody":         "cannot find user 'nobody'",
		"GRANT SELECT_PRIV ON d.t TO ROLE 'nosuch'":  "cannot find role nosuch",
		"GRANT SELECT_PRIV ON TABLE d.t TO USER ann": "",
		"SET DEFAULT ROLE ALL TO ann":                "",
	} {
		wantError(t, root, stmt, 1064, text)
	}
}
