package sqlport_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/sqlport"
	"github.com/gx-etl/gx/test/sandbox/store"
)

const catalog = `
CREATE DATABASE d; CREATE DATABASE other; USE d;
CREATE TABLE p (id BIGINT NOT NULL COMMENT "the id", v VARCHAR(20) DEFAULT "x", big LARGEINT, price DECIMAL(10,2), ok BOOLEAN, a ARRAY<INT>, at DATETIME DEFAULT CURRENT_TIMESTAMP)
	PRIMARY KEY(id) COMMENT "a table" DISTRIBUTED BY HASH(id) BUCKETS 4 ORDER BY(v) PROPERTIES ("replication_num" = "1");
CREATE TABLE agg (k DATE, s BIGINT SUM) AGGREGATE KEY(k) PARTITION BY RANGE(k) (PARTITION p1 VALUES LESS THAN ("2024-01-01")) DISTRIBUTED BY HASH(k);
CREATE TABLE dup (k INT, v INT) DUPLICATE KEY(k);
CREATE TABLE uni (k INT, v INT) UNIQUE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1;
INSERT INTO p (id) VALUES (1), (2);
`

func TestShow(t *testing.T) {
	db := open(t, serve(t, stored(t, catalog)), "d")
	for _, c := range []struct{ query, rows string }{
		{"SHOW DATABASES", "_statistics_ / d / information_schema / other / sys"},
		{"SHOW SCHEMAS LIKE 'oth%'", "other"},
		{"SHOW TABLES", "agg / dup / p / uni"},
		{"SHOW TABLES FROM other", ""},
		{"SHOW TABLES IN d LIKE '%u%'", "dup / uni"},
		{"SHOW FULL TABLES FROM d WHERE Tables_in_d = 'p'", "p | BASE TABLE"},
		{"SHOW TABLES FROM default_catalog.d LIKE 'P'", "p"},
		{"SHOW TABLES FROM information_schema LIKE '%tab%'", "be_tablets / table_constraints / table_privileges / tables / tables_config"},
		{"DESC p", "id | bigint(20) | NO | true | NULL |  / v | varchar(20) | YES | false | x |  / big | largeint(40) | YES | false | NULL |  / " +
			"price | decimal(10, 2) | YES | false | NULL |  / ok | boolean | YES | false | NULL |  / a | array<int(11)> | YES | false | NULL |  / " +
			"at | datetime | YES | false | CURRENT_TIMESTAMP | "},
		{"DESCRIBE d.agg", "k | date | YES | true | NULL |  / s | bigint(20) | YES | false | NULL | SUM"},
		{"SHOW COLUMNS FROM dup FROM d", "k | int(11) | YES | true | NULL |  / v | int(11) | YES | false | NULL | "},
		{"SHOW FULL COLUMNS FROM p LIKE 'id'", "id | bigint(20) | NULL | NO | PRI | NULL |  |  | the id"},
		{"SHOW FIELDS IN dup WHERE Field = 'v'", "v | int(11) | YES | false | NULL | "},
		{"SHOW CREATE DATABASE d", "d | CREATE DATABASE `d`"},
		{"SHOW INDEX FROM p", ""},
		{"SHOW WARNINGS", ""},
		{"SHOW CATALOGS", "default_catalog | Internal | An internal catalog contains this cluster's self-managed tables."},
		{"SHOW BACKENDS", ""},
		{`SELECT COLUMN_NAME, ORDINAL_POSITION, COLUMN_DEFAULT, IS_NULLABLE, DATA_TYPE, COLUMN_TYPE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION,
			NUMERIC_SCALE, COLUMN_KEY, COLUMN_SIZE, DECIMAL_DIGITS, COLUMN_COMMENT
			FROM information_schema.columns WHERE TABLE_SCHEMA = 'd' AND TABLE_NAME = 'p' ORDER BY ORDINAL_POSITION`,
			"id | 1 | NULL | NO | bigint | bigint(20) | NULL | 19 | 0 | PRI | 19 | 0 | the id / " +
				"v | 2 | x | YES | varchar | varchar(20) | 20 | NULL | NULL |  | 20 | NULL |  / " +
				"big | 3 | NULL | YES | bigint unsigned | bigint(20) unsigned | NULL | 39 | 0 |  | 39 | 0 |  / " +
				"price | 4 | NULL | YES | decimal | decimal(10,2) | NULL | 10 | 2 |  | 10 | 2 |  / " +
				"ok | 5 | NULL | YES | tinyint | tinyint(1) | NULL | NULL | NULL |  | NULL | NULL |  / " +
				"a | 6 | NULL | YES | array | array<int(11)> | NULL | NULL | NULL |  | NULL | NULL |  / " +
				"at | 7 | CURRENT_TIMESTAMP | YES | datetime | datetime | NULL | NULL | NULL |  | NULL | NULL | "},
		{"SELECT table_name, COLUMN_KEY FROM INFORMATION_SCHEMA.COLUMNS WHERE column_name = 'k' ORDER BY 1", "agg | AGG / dup | DUP / uni | UNI"},
		{`SELECT TABLE_NAME, TABLE_ENGINE, TABLE_MODEL, PRIMARY_KEY, PARTITION_KEY, DISTRIBUTE_KEY, DISTRIBUTE_TYPE, DISTRIBUTE_BUCKET, SORT_KEY, PROPERTIES
			FROM information_schema.tables_config WHERE TABLE_SCHEMA = 'd' ORDER BY TABLE_NAME`,
			"agg | OLAP | AGG_KEYS |  | `k` | `k` | HASH | 3 | `k` | {} / " +
				"dup | OLAP | DUP_KEYS |  |  |  | RANDOM | 3 | `k` | {} / " +
				"p | OLAP | PRI_KEYS | `id` |  | `id` | HASH | 4 | `v` | {\"replication_num\":\"1\"} / " +
				"uni | OLAP | UNQ_KEYS | `k` |  | `k` | HASH | 1 | `k` | {}"},
		{"SELECT TABLE_TYPE, ENGINE, TABLE_ROWS, TABLE_COMMENT FROM information_schema.tables WHERE TABLE_SCHEMA = 'd' AND TABLE_NAME = 'p'", "BASE TABLE | StarRocks | 2 | a table"},
		{"SELECT PARTITION_NAME, BUCKETS, ROW_COUNT, VISIBLE_VERSION FROM information_schema.partitions_meta WHERE TABLE_NAME = 'p'", "p | 4 | 2 | 2"},
		{"SELECT SCHEMA_NAME FROM information_schema.schemata", "_statistics_ / d / information_schema / other / sys"},
		{"SELECT c.TABLE_NAME FROM information_schema.tables_config c JOIN information_schema.be_tablets b ON c.TABLE_ID = b.TABLE_ID GROUP BY 1 HAVING SUM(b.NUM_ROW) = 2", "p"},
	} {
		want(t, db, c.query, c.rows)
	}
	status := strings.Split(read(t, db, "SHOW TABLE STATUS LIKE 'p'")[0], " | ")
	if len(status) != 18 || status[1] != "StarRocks" || status[4] != "2" || status[6] == "0" || status[14] != "utf8_general_ci" || status[17] != "a table" {
		t.Errorf("SHOW TABLE STATUS: %q", status)
	}
	got := read(t, db, "SHOW CREATE TABLE d.p")[0]
	for _, part := range []string{"p | CREATE TABLE `p` (\n", "`id` bigint(20) NOT NULL COMMENT \"the id\"", "PRIMARY KEY(`id`)\nCOMMENT \"a table\"\n",
		"DISTRIBUTED BY HASH(`id`) BUCKETS 4 \nORDER BY(`v`)\nPROPERTIES (\n\"replication_num\" = \"1\"\n);"} {
		if !strings.Contains(got, part) {
			t.Errorf("SHOW CREATE TABLE lacks %q:\n%s", part, got)
		}
	}
	_, text, _ := strings.Cut(got, " | ")
	if err := sqlport.Exec(context.Background(), stored(t, "CREATE DATABASE d"), "USE d; "+text); err != nil {
		t.Errorf("SHOW CREATE TABLE does not run: %v", err)
	}
	for _, c := range []struct {
		query string
		code  uint16
		text  string
	}{
		{"SHOW NONSENSE", 1064, "Unexpected input 'NONSENSE'"},
		{"SHOW TABLES FROM nodb", 5501, "Unknown database 'nodb'"},
		{"SHOW TABLES FROM hive.d", 1064, "Unknown catalog 'hive'"},
		{"SHOW CREATE TABLE nope", 5502, "Unknown table 'd.nope'"},
		{"SHOW COLUMNS", 1064, "FROM"},
		{"SHOW TABLES LIKE x", 1064, "Unexpected input 'x'"},
		{"SHOW TABLES nonsense", 1064, "Unexpected input 'nonsense'"},
		{"SHOW TABLES WHERE nope = 1", 1064, "cannot be resolved"},
		{"DESC nope", 5502, "Unknown table"},
	} {
		wantError(t, db, c.query, c.code, c.text)
	}
}

func TestNodes(t *testing.T) {
	s := serveWith(t, store.New(store.Options{}), sqlport.Options{
		Version: "3.3.2",
		Frontends: func() []sqlport.Node {
			return []sqlport.Node{{Host: "127.0.0.1", HTTPPort: 8030, Leader: true}, {Host: "127.0.0.3", HTTPPort: 8031, QueryPort: 9031, Down: true}}
		},
		Backends: func() []sqlport.Node {
			return []sqlport.Node{{Host: "127.0.0.2", HTTPPort: 8040}, {Host: "127.0.0.4", HTTPPort: 8041, Down: true}}
		},
		ComputeNodes: func() []sqlport.Node { return []sqlport.Node{{Host: "127.0.0.5", HTTPPort: 8042}} },
	})
	db := open(t, s, "")
	_, port, _ := strings.Cut(s.Addr(), ":")
	for _, c := range []struct {
		query string
		names string
		rows  string
	}{
		{"SHOW BACKENDS", "IP HttpPort Alive Version", "127.0.0.2 8040 true 3.3.2 / 127.0.0.4 8041 false 3.3.2"},
		{"SHOW COMPUTE NODES", "IP HttpPort Alive", "127.0.0.5 8042 true"},
		{"SHOW FRONTENDS", "IP HttpPort QueryPort Role Alive", "127.0.0.1 8030 " + port + " LEADER true / 127.0.0.3 8031 9031 FOLLOWER false"},
	} {
		rows, err := db.Query(c.query)
		if err != nil {
			t.Fatal(err)
		}
		cols, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for rows.Next() {
			vals, ptr := make([]string, len(cols)), make([]any, len(cols))
			for i := range vals {
				ptr[i] = &vals[i]
			}
			if err := rows.Scan(ptr...); err != nil {
				t.Fatal(err)
			}
			by := map[string]string{}
			for i, name := range cols {
				by[name] = vals[i]
			}
			var parts []string
			for _, n := range strings.Fields(c.names) {
				parts = append(parts, by[n])
			}
			got = append(got, strings.Join(parts, " "))
		}
		rows.Close()
		if g := strings.Join(got, " / "); g != c.rows {
			t.Errorf("%s\n got %s\nwant %s", c.query, g, c.rows)
		}
	}
}
