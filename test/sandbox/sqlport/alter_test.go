package sqlport_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/gx-etl/gx/test/sandbox/clock"
	"github.com/gx-etl/gx/test/sandbox/sqlport"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// fails checks the number and a piece of the text of an error.
func fails(t *testing.T, st *store.Store, statement string, code int, piece string) {
	t.Helper()
	err := sqlport.Exec(t.Context(), st, statement)
	if err == nil || !strings.Contains(err.Error(), piece) {
		t.Errorf("%s\ngot  %v\nwant %d %s", statement, err, code, piece)
		return
	}
	db := open(t, serve(t, st), "d")
	var me *mysql.MySQLError
	if _, err := db.Exec(statement); !errors.As(err, &me) || int(me.Number) != code {
		t.Errorf("%s: %v, want error %d", statement, err, code)
	}
}

const days = `CREATE DATABASE d; USE d;
CREATE TABLE r (dt DATE, n INT) DUPLICATE KEY(dt) PARTITION BY RANGE(dt) (
	PARTITION p1 VALUES LESS THAN ("2024-01-01"), PARTITION p2 VALUES [("2024-01-01"), ("2024-02-01")) ("replication_num" = "1"),
	START ("2024-02-01") END ("2024-02-03") EVERY (INTERVAL 1 DAY)) DISTRIBUTED BY HASH(n) BUCKETS 2;
CREATE TABLE e (dt DATETIME, n INT) DUPLICATE KEY(dt) PARTITION BY date_trunc('day', dt) DISTRIBUTED BY HASH(n) BUCKETS 2;
CREATE TABLE l (n INT, city VARCHAR(20)) DUPLICATE KEY(n) PARTITION BY LIST(city) (PARTITION a VALUES IN ('x', 'y'), PARTITION b VALUES IN (NULL));
CREATE TABLE a (n INT, city VARCHAR(20)) DUPLICATE KEY(n) PARTITION BY (city, n);
INSERT INTO r VALUES ('2023-05-05', 1), ('2024-01-01', 2), ('2024-02-01', 3), ('2024-02-02', 4);
INSERT INTO e VALUES ('2024-01-02 03:04:05', 1), ('2024-01-02', 2), ('2024-01-03', 3);
INSERT INTO l VALUES (1, 'x'), (2, NULL);
INSERT INTO a VALUES (1, 'b'), (-2, 'b');`

func TestPartitionsInSQL(t *testing.T) {
	st := stored(t, days)
	db := open(t, serve(t, st), "d")
	for _, c := range []struct{ query, rows string }{
		{"SELECT n FROM r PARTITION(p2, P20240201) ORDER BY n", "2 / 3"},
		{"SELECT x.n FROM d.r PARTITION (p1) AS x", "1"},
		{"SELECT COUNT(*) FROM e PARTITION(p20240102)", "2"},
		{"SELECT PARTITION_NAME, ROW_COUNT FROM information_schema.partitions_meta WHERE TABLE_NAME = 'a' ORDER BY 1", "pb_1 | 1 / pb__2 | 1"},
		{"SELECT city FROM l PARTITION(b)", "NULL"},
	} {
		want(t, db, c.query, c.rows)
	}
	shown := read(t, db, "SHOW PARTITIONS FROM r")
	if len(shown) != 4 || !strings.Contains(shown[1], " | p2 | 2 | ") ||
		!strings.Contains(shown[1], "dt | [types: [DATE]; keys: [2024-01-01]; ..types: [DATE]; keys: [2024-02-01]; ) | n | 2 | 1 | HDD") {
		t.Errorf("%q", shown)
	}
	if shown := read(t, db, "SHOW PARTITIONS FROM l"); len(shown) != 2 || !strings.Contains(shown[0], "('x', 'y')") {
		t.Errorf("%q", shown)
	}
	if n := len(read(t, db, "SHOW TABLETS FROM r PARTITION (p1, p2)")); n != 4 {
		t.Errorf("%d tablets", n)
	}
	for table, clause := range map[string]string{
		"e": "PARTITION BY date_trunc('day', dt)\n", "a": "PARTITION BY (`city`, `n`)\n",
		"l": "PARTITION BY LIST(`city`)\n(PARTITION a VALUES IN ('x', 'y'),\nPARTITION b VALUES IN (NULL))\n",
		"r": "PARTITION p20240202 VALUES [(\"2024-02-02\"), (\"2024-02-03\")))\n",
	} {
		if text := read(t, db, "SHOW CREATE TABLE "+table); !strings.Contains(text[0], clause) {
			t.Errorf("%s", text[0])
		}
	}
	fails(t, st, "INSERT INTO d.r VALUES ('2024-01-05', 1), ('2024-03-03', 9)", 1064, "The row is out of partition ranges. Please add a new partition.")
	fails(t, st, "INSERT INTO d.r PARTITION(p1) VALUES ('2024-01-05', 1)", 1064, "The row is out of partition ranges")
	fails(t, st, "INSERT INTO d.r PARTITION(zz) VALUES ('2024-01-05', 1)", 1735, "Unknown partition 'zz' in table 'r'")
	want(t, db, "SELECT COUNT(*) FROM r", "4")
	exec(t, st, `USE d; ALTER TABLE r ADD PARTITION p5 VALUES LESS THAN ("2024-06-01"); INSERT INTO r PARTITION(p5) WITH LABEL x (n, dt) VALUES (5, '2024-05-05');
		ALTER TABLE r ADD PARTITION IF NOT EXISTS p5 VALUES LESS THAN ("2025-06-01") DISTRIBUTED BY HASH(n) BUCKETS 7;
		ALTER TABLE r ADD PARTITIONS START ("2024-06-01") END ("2024-09-01") EVERY (INTERVAL 1 MONTH);
		ALTER TABLE r ADD TEMPORARY PARTITION tp VALUES [("2024-01-01"), ("2024-02-01")); INSERT INTO r TEMPORARY PARTITION(tp) VALUES ('2024-01-31', 31)`)
	want(t, db, "SELECT n FROM r TEMPORARY PARTITION(tp)", "31")
	want(t, db, "SELECT COUNT(*) FROM r WHERE n = 31", "0")
	if n := len(read(t, db, "SHOW TEMPORARY PARTITIONS FROM r")); n != 1 {
		t.Errorf("%d temporary partitions", n)
	}
	exec(t, st, `USE d; ALTER TABLE r REPLACE PARTITION (p2) WITH TEMPORARY PARTITION (tp); ALTER TABLE r DROP PARTITION p1;
		TRUNCATE TABLE r PARTITION (p5); ALTER TABLE r RENAME PARTITION p20240202 second; DELETE FROM r PARTITION (p20240201) WHERE n > 0`)
	want(t, db, "SELECT n FROM r ORDER BY n", "4 / 31")
	want(t, db, "SELECT n FROM r PARTITION(second)", "4")
	fails(t, st, "ALTER TABLE d.r ADD PARTITION p5 VALUES LESS THAN (\"2030-01-01\")", 1517, "Duplicate partition name p5")
	fails(t, st, "ALTER TABLE d.r DROP PARTITION zz", 1507, "Error in list of partitions to zz")
	fails(t, st, "CREATE TABLE d.z (dt DATE) PARTITION BY RANGE(dt) (PARTITION p VALUES LESS THAN (\"soon\")) DISTRIBUTED BY HASH(dt)", 1064, "Invalid partition value 'soon'")
	fails(t, st, "CREATE TABLE d.z (dt DATE) PARTITION BY RANGE(str2date(dt)) () DISTRIBUTED BY HASH(dt)", 1064, "No matching function with signature: str2date(date)")
}

func TestAlterTable(t *testing.T) {
	now := &clock.Clock{}
	st := store.New(store.Options{Now: now.Now, AlterTakes: time.Hour})
	exec(t, st, `CREATE DATABASE d; USE d; CREATE TABLE t (k INT, v VARCHAR(5), n INT) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 2;
		INSERT INTO t VALUES (1, 'a', 10)`)
	db := open(t, serve(t, st), "d")
	tablets := read(t, db, "SELECT TABLET_ID FROM information_schema.be_tablets")
	exec(t, st, `USE d; ALTER TABLE t ADD COLUMN x INT NOT NULL DEFAULT "7" AFTER k, ADD COLUMN (y VARCHAR(3), z DATETIME DEFAULT "2024-01-02 03:04:05")`)
	want(t, db, "SELECT * FROM t", "1 | 7 | a | 10 | NULL | 2024-01-02 03:04:05")
	if again := read(t, db, "SELECT TABLET_ID FROM information_schema.be_tablets"); strings.Join(again, ",") != strings.Join(tablets, ",") {
		t.Errorf("a change that rewrites nothing made tablets %v of %v", again, tablets)
	}
	exec(t, st, "ALTER TABLE d.t MODIFY COLUMN n BIGINT COMMENT 'wide'")
	jobs := read(t, db, "SHOW ALTER TABLE COLUMN")
	if len(jobs) != 2 || !strings.Contains(jobs[0], "FINISHED") || !strings.Contains(jobs[1], "PENDING") {
		t.Errorf("%q", jobs)
	}
	fails(t, st, "ALTER TABLE d.t DROP COLUMN y", 1064, "state is not NORMAL")
	now.Jump(30 * time.Minute)
	if jobs := read(t, db, "SHOW ALTER TABLE COLUMN FROM d"); !strings.Contains(jobs[1], "RUNNING") {
		t.Errorf("%q", jobs)
	}
	fails(t, st, "INSERT INTO d.t (k, n) VALUES (2, 5000000000)", 1064, "out of range")
	now.Jump(time.Hour)
	if jobs := read(t, db, "SHOW ALTER TABLE COLUMN"); !strings.Contains(jobs[1], "FINISHED") {
		t.Errorf("%q", jobs)
	}
	exec(t, st, "INSERT INTO d.t (k, n) VALUES (2, 5000000000)")
	want(t, db, "SELECT k, x, n FROM t ORDER BY k", "1 | 7 | 10 / 2 | 7 | 5000000000")
	again := read(t, db, "SELECT TABLET_ID FROM information_schema.be_tablets")
	for _, id := range tablets {
		for _, now := range again {
			if id == now {
				t.Errorf("tablet %s outlived the rewriting", id)
			}
		}
		fails(t, st, "SELECT * FROM d.t TABLET("+id+")", 1064, "Invalid tablet: "+id)
	}
	exec(t, st, `USE d; ALTER TABLE t MODIFY COLUMN v VARCHAR(50); CANCEL ALTER TABLE COLUMN FROM t; ALTER TABLE t DROP COLUMN y, DROP COLUMN z;
		ALTER TABLE t RENAME COLUMN x TO renamed; ALTER TABLE t COMMENT = 'changed'; ALTER TABLE t SET ("replication_num" = "1")`)
	if text := read(t, db, "SHOW CREATE TABLE t")[0]; !strings.Contains(text, "`renamed` int(11) NOT NULL DEFAULT \"7\"") || !strings.Contains(text, "COMMENT \"changed\"") ||
		strings.Contains(text, "`y`") || !strings.Contains(text, "`v` varchar(5)") || !strings.Contains(text, `"replication_num" = "1"`) {
		t.Error(text)
	}
	if jobs := read(t, db, "SHOW ALTER TABLE COLUMN"); !strings.Contains(jobs[2], "CANCELLED | user cancelled") {
		t.Errorf("%q", jobs)
	}
	exec(t, st, "USE d; CREATE TABLE u LIKE t; ALTER TABLE t SWAP WITH u; ALTER TABLE u RENAME w")
	want(t, db, "SELECT COUNT(*) FROM t", "0")
	want(t, db, "SELECT k FROM w PARTITION(w) ORDER BY k", "1 / 2")
	for statement, piece := range map[string]string{
		"MODIFY COLUMN n INT":                 "Can not change BIGINT(20) to INT(11)",
		"MODIFY COLUMN v VARCHAR(2)":          "Cannot shorten string length",
		"MODIFY COLUMN v VARCHAR(5) NOT NULL": "Can not change from nullable to non-nullable",
		"ADD COLUMN K INT":                    "already exists",
		"DROP COLUMN zz":                      "Column does not exists: zz",
		"DROP COLUMN k":                       "Distribution column[k] cannot be dropped",
		"ADD COLUMN q INT FIRST":              "value should be after key",
		"RENAME COLUMN zz TO y":               "Column zz does not exist",
		"ADD COLUMN q INT AFTER zz":           "Column[zz] does not found",
	} {
		fails(t, st, "ALTER TABLE d.w "+statement, 1064, piece)
	}
}

// Columns of sets are filled by functions only, merge as their model says, and show
// NULL to clients.
func TestSketchColumns(t *testing.T) {
	st := stored(t, `CREATE DATABASE d; USE d;
CREATE TABLE agg (k INT, b BITMAP BITMAP_UNION, h HLL HLL_UNION, p PERCENTILE PERCENTILE_UNION) AGGREGATE KEY(k) DISTRIBUTED BY HASH(k);
CREATE TABLE pk (k INT NOT NULL, b BITMAP) PRIMARY KEY(k);
INSERT INTO agg VALUES (1, to_bitmap(7), hll_hash('x'), percentile_hash(1.0)), (1, bitmap_from_string('8,9'), hll_hash('y'), percentile_hash(3.0));
INSERT INTO agg VALUES (1, to_bitmap(7), hll_hash('y'), percentile_hash(5.0)), (2, bitmap_empty(), hll_empty(), NULL);
INSERT INTO pk VALUES (1, to_bitmap(1)), (1, to_bitmap(2)), (3, NULL)`)
	db := open(t, serve(t, st), "d")
	want(t, db, "SELECT k, bitmap_to_string(b), bitmap_count(b), hll_cardinality(h), percentile_approx_raw(p, 0.5) FROM agg ORDER BY k", "1 | 7,8,9 | 3 | 2 | 3 / 2 |  | 0 | 0 | NULL")
	want(t, db, "SELECT * FROM agg ORDER BY k", "1 | NULL | NULL | NULL / 2 | NULL | NULL | NULL")
	want(t, db, "SELECT k, b FROM agg", "1 | NULL / 2 | NULL")
	want(t, db, "SELECT k, bitmap_to_string(b) FROM pk ORDER BY k", "1 | 2 / 3 | NULL")
	want(t, db, "SELECT DATA_TYPE FROM information_schema.columns WHERE TABLE_NAME = 'agg' AND COLUMN_NAME = 'h'", "hll")
	fails(t, st, "INSERT INTO d.pk VALUES (5, 'text')", 1064, "out of range")
	for _, bad := range []string{"b BITMAP SUM", "b BITMAP HLL_UNION", "h HLL MAX", "n INT BITMAP_UNION", "b BITMAP"} {
		fails(t, st, "CREATE TABLE d.z (k INT, "+bad+") AGGREGATE KEY(k) DISTRIBUTED BY HASH(k)", 1064, "aggregat")
	}
	fails(t, st, "CREATE TABLE d.z (b BITMAP, k INT) DUPLICATE KEY(b)", 1064, "Invalid data type of key column 'b'")
	if text := read(t, db, "SHOW CREATE TABLE agg")[0]; !strings.Contains(text, "`b` bitmap BITMAP_UNION NULL") {
		t.Error(text)
	}
}
