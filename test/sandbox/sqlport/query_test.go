package sqlport_test

import (
	"database/sql"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gx-etl/gx/test/sandbox/store"
)

const orders = `
CREATE DATABASE d; USE d;
CREATE TABLE orders (
  id BIGINT NOT NULL, name VARCHAR(40), price DECIMAL(38,9), big LARGEINT, made DATETIME, day DATE, c CHAR(10), f DOUBLE, b BOOLEAN, raw VARBINARY
) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 4;
INSERT INTO orders VALUES
 (1, 'a', '12345678901234567890123456789.123456789', 170141183460469231731687303715884105727, '2024-01-02 03:04:05.1', '2024-01-02', 'x', 0.5, true, X'00'),
 (2, 'B', 1, -5, '2024-01-03 00:00:00', '2024-01-03', 'X', 1.5, false, X'FF'),
 (2, 'b', -1, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (9007199254740993, 'ä', 0.000000001, 0, '9999-12-31 23:59:59.999999', '9999-12-31', 'x ', -2, true, 'ab');
`

func TestSelect(t *testing.T) {
	db := open(t, serve(t, stored(t, orders)), "d")
	for _, c := range []struct{ query, rows string }{
		{"SELECT id, name FROM orders", "1 | a / 2 | B / 2 | b / 9007199254740993 | ä"},
		{"SELECT name AS n, id FROM d.orders o WHERE o.id = 2 AND name > 'a'", "b | 2"},
		{"SELECT id FROM orders WHERE id > 2 OR (name = 'a' AND b)", "1 / 9007199254740993"},
		{"SELECT id FROM orders WHERE id = 9007199254740992", ""},
		{"SELECT id FROM orders WHERE id >= 9007199254740993 AND id < 9223372036854775808", "9007199254740993"},
		{"SELECT id FROM orders WHERE id NOT IN (1, 2)", "9007199254740993"},
		{"SELECT id FROM orders WHERE name IN ('a', 'no', 'a name that is longer than the column itself, and by far')", "1"},
		{"SELECT id FROM orders WHERE name BETWEEN 'B' AND 'a'", "1 / 2"},
		{"SELECT name FROM orders ORDER BY name", "B / a / b / ä"}, // by bytes
		{"SELECT id FROM orders WHERE name = 'A'", ""},
		{"SELECT c FROM orders WHERE c = 'x'", "x"},
		{"SELECT id FROM orders WHERE made >= '2024-01-03' AND made < '2024-01-03 00:00:01'", "2"},
		{"SELECT id FROM orders WHERE made = '9999-12-31 23:59:59.999999'", "9007199254740993"},
		{"SELECT id FROM orders WHERE made > '2024-01-02 03:04:05.099999' AND made <= '2024-01-02 03:04:05.1'", "1"},
		{"SELECT id FROM orders WHERE day = '2024-01-02' OR day IS NULL", "1 / 2"},
		{"SELECT id FROM orders WHERE big >= 170141183460469231731687303715884105727", "1"},
		{"SELECT big FROM orders WHERE big < 0", "-5"},
		{"SELECT id FROM orders WHERE price = 12345678901234567890123456789.123456789", "1"},
		{"SELECT id FROM orders WHERE price > 0 AND price < 0.000000002", "9007199254740993"},
		{"SELECT id FROM orders WHERE f > -2.5 AND f < 0", "9007199254740993"},
		{"SELECT id FROM orders WHERE NOT b", "2"},
		{"SELECT id FROM orders WHERE name LIKE '_' AND name <> 'ä' LIMIT 1 OFFSET 1", "2"},
		{"SELECT id FROM orders LIMIT 1, 1", "2"},
		{"SELECT id FROM orders LIMIT 0", ""},
		{"SELECT id FROM orders WHERE 1 = 0", ""},
		{"SELECT id FROM orders WHERE 1 = 1 LIMIT 1", "1"},
		{"SELECT COUNT(*), COUNT(big), COUNT(DISTINCT id) FROM orders", "4 | 3 | 3"},
		{"SELECT MIN(id), MAX(id) FROM orders WHERE (id > 0 OR name = 'x') AND id IS NOT NULL", "1 | 9007199254740993"},
		{"SELECT MIN(big), MAX(big), SUM(big) FROM orders", "-5 | 170141183460469231731687303715884105727 | 170141183460469231731687303715884105722"},
		{"SELECT SUM(price), MIN(price), MAX(price) FROM orders",
			"12345678901234567890123456789.123456790 | -1.000000000 | 12345678901234567890123456789.123456789"},
		{"SELECT SUM(id) FROM orders", "9007199254740998"},
		{"SELECT AVG(id) FROM orders WHERE id < 3", "1.6666666666666667"},
		{"SELECT AVG(price) FROM orders WHERE id = 2", "0.000000000000"},
		{"SELECT SUM(f), AVG(f) FROM orders", "0 | 0"},
		{"SELECT MIN(made), MAX(day), MIN(name) FROM orders", "2024-01-02 03:04:05.100000 | 9999-12-31 | B"},
		{"SELECT SUM(id) FROM orders WHERE id < 0", "NULL"},
		{"SELECT SUM(id) FROM (SELECT 9223372036854775807 id UNION ALL SELECT 1) x", "-9223372036854775808"}, // wraps, as the server's
		{"SELECT id, SUM(price) s FROM orders GROUP BY id HAVING s > 0 ORDER BY s DESC",
			"1 | 12345678901234567890123456789.123456789 / 9007199254740993 | 0.000000001"},
		{"SELECT s + 1 FROM (SELECT SUM(big) s FROM orders) q", "170141183460469231731687303715884105723"},
		{"SELECT (SELECT SUM(price) FROM orders)", "12345678901234567890123456789.123456790"},
		{"WITH w AS (SELECT id FROM orders WHERE id < 3) SELECT COUNT(*) FROM w", "3"},
		{"SELECT id FROM orders WHERE id = 1 UNION ALL SELECT 7", "1 / 7"},
		{"SELECT SUM(id) OVER (ORDER BY name) FROM orders WHERE id < 3", "3 / 2 / 5"},
		{"SELECT a.id FROM orders a JOIN orders b ON a.id = b.id AND a.name < b.name", "2"},
		{"SELECT HEX(raw) FROM orders WHERE raw = X'FF'", "FF"},
		{`SELECT "double", 'it''s', "a\"b"`, `double | it's | a"b`},
		{"SELECT CAST(id AS STRING), CAST('7' AS BIGINT) + 1, CAST(id AS LARGEINT), CAST(name AS VARCHAR(3)) FROM orders WHERE id = 1", "1 | 8 | 1 | a"},
		{"SELECT 9223372036854775808, -170141183460469231731687303715884105728", "9223372036854775808 | -170141183460469231731687303715884105728"},
		{"SELECT id FROM default_catalog.d.orders WHERE id = 1", "1"},
		{"SELECT /*+ SET_VAR(query_timeout = 5, pipeline_dop = 1) */ id FROM orders WHERE id = 1", "1"},
		{"SELECT `id` FROM `d`.`orders` WHERE `id` = 1 -- end", "1"},
		{"(SELECT 1) UNION ALL (SELECT 2)", "1 / 2"},
		{"SELECT NULL, 1.50, TRUE", "NULL | 1.50 | 1"},
	} {
		want(t, db, c.query, c.rows)
	}
}

func TestQueryErrors(t *testing.T) {
	db := open(t, serve(t, stored(t, orders)), "d")
	for _, c := range []struct {
		query string
		code  uint16
		text  string
	}{
		{"SELECT * FROM nosuch", 5502, "Getting analyzing error. Detail message: Unknown table 'd.nosuch'."},
		{"SELECT * FROM Orders", 5502, "Unknown table 'd.Orders'"},
		{"SELECT * FROM nodb.t", 5501, "Unknown database 'nodb'"},
		{"SELECT * FROM information_schema.innodb_trx", 5502, "Unknown table 'information_schema.innodb_trx'"},
		{"SELECT nope FROM orders", 1064, "Column 'nope' cannot be resolved"},
		{"SELECT id FROM orders WHERE", 1064, "Getting syntax error"},
		{"SELEC 1", 1064, "Getting syntax error at line 1, column 0. Detail message: Unexpected input 'SELEC'"},
		{"SELECT 'x", 1064, "Unterminated string"},
		{"SELECT /*+ SET_VAR(query_timout = 5) */ 1", 1193, "Unknown system variable 'query_timout'"},
		{"SELECT /*+ SET_VAR(query_timeout = 'soon') */ 1", 1232, "Incorrect argument type"},
		{"SELECT /*+ SET_VAR(query_timeout) */ 1", 1064, "Unexpected input ')'"},
		{"SELECT /*+ NO_INDEX */ 1", 1064, "SET_VAR"},
		{"SELECT id INTO OUTFILE '/tmp/x' FROM orders", 1064, "SELECT INTO is not supported"},
		{"SELECT LOAD_FILE('/etc/passwd')", 1064, "load_file"},
		{"SELECT id FROM orders TABLET(1)", 1064, "Invalid tablet: 1"},
		{"SELECT id FROM orders TABLET(x)", 1064, "Getting syntax error"},
		{"SELECT id FROM orders PARTITION(p9)", 1735, "Unknown partition 'p9' in table 'orders'"},
		{"SELECT id FROM other.d.orders", 1064, ""},
		{"ALTER TABLE orders ADD ROLLUP x (id)", 1064, "rollups are not supported"},
		{"SELECT 1; SELECT 2", 1064, "CLIENT_MULTI_STATEMENTS"},
	} {
		wantError(t, db, c.query, c.code, c.text)
	}
	nodb := open(t, serve(t, stored(t, orders)), "")
	wantError(t, nodb, "SELECT * FROM orders", 1046, "No database selected")
	want(t, nodb, "SELECT COUNT(*) FROM d.orders", "4")
}

// TestTablets: the tablets of a table hold every row once, while rows come and go.
func TestTablets(t *testing.T) {
	for _, keys := range []string{"PRIMARY KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 7", "DUPLICATE KEY(k, v) DISTRIBUTED BY RANDOM", "DUPLICATE KEY(k) DISTRIBUTED BY HASH(v, n)"} {
		st := stored(t, "CREATE DATABASE d; CREATE TABLE d.t (k LARGEINT NOT NULL, v VARCHAR(20), n INT) "+keys)
		db := open(t, serve(t, st), "d")
		var script strings.Builder
		for i := range 500 {
			fmt.Fprintf(&script, "INSERT INTO d.t VALUES (%d, %s, %d);", i, []string{"NULL", "'a'", "'b'"}[i%3], i%5)
		}
		exec(t, st, script.String())
		ids := read(t, db, "SELECT TABLET_ID FROM information_schema.be_tablets WHERE NUM_ROW >= 0 ORDER BY 1")
		shown := read(t, db, "SHOW TABLETS FROM t")
		if len(ids) != len(shown) || len(ids) < 3 {
			t.Fatalf("%s: %d tablets in the schema, %d shown", keys, len(ids), len(shown))
		}
		want(t, db, "SELECT SUM(NUM_ROW) FROM information_schema.be_tablets", "500")
		var all, again []string
		for i, id := range ids {
			all = append(all, read(t, db, "SELECT k FROM t TABLET("+id+")")...)
			if i == 0 {
				// Rows loaded between two shards do not move the others.
				exec(t, st, "INSERT INTO d.t VALUES (1000, 'late', 1)")
			}
			again = append(again, read(t, db, "SELECT x.k FROM d.t PARTITION(t) TABLET("+id+") AS x WHERE x.k < 500 AND x.n >= 0")...)
		}
		all = slices.DeleteFunc(all, func(k string) bool { return k == "1000" })
		for _, got := range [][]string{all, again} {
			slices.Sort(got)
			if len(got) != 500 || len(slices.Compact(got)) != 500 {
				t.Errorf("%s: %d rows over all tablets, %d of them different, want 500", keys, len(got), len(slices.Compact(got)))
			}
		}
		want(t, db, "SELECT COUNT(*) FROM t TABLET("+strings.Join(ids, ", ")+")", "501")
	}
}

// TestScanAgreesWithEngine: a predicate picks the same rows on the direct path and in
// the engine (ORDER BY keeps it off the direct path), and bounds count every row once.
func TestScanAgreesWithEngine(t *testing.T) {
	st := stored(t, "CREATE DATABASE d; CREATE TABLE d.r (id INT, a BIGINT, l LARGEINT, s VARCHAR(20), p DECIMAL(20,4), m DATETIME) DUPLICATE KEY(id)")
	db := open(t, serve(t, st), "d")
	table, err := st.Table("d", "r")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		fillRandom(rt, table)
		pred := predicate(rt, 2)
		cols := rapid.SampledFrom([]string{"*", "id", "s, id", "l, p, m", "id, a AS x, a"}).Draw(rt, "columns")
		direct, err := tryRead(db, "SELECT "+cols+" FROM r WHERE "+pred)
		if err != nil {
			rt.Fatalf("%s: %v", pred, err)
		}
		engine, err := tryRead(db, "SELECT "+cols+" FROM r WHERE "+pred+" ORDER BY id")
		if err != nil {
			rt.Fatalf("%s: %v", pred, err)
		}
		if !slices.Equal(direct, engine) {
			rt.Fatalf("%s\ndirect %q\nengine %q", pred, direct, engine)
		}
		parts := 0
		for _, p := range []string{"(" + pred + ")", "NOT (" + pred + ")", "(" + pred + ") IS NULL"} {
			list, err := tryRead(db, "SELECT id FROM r WHERE "+p)
			if err != nil {
				rt.Fatalf("%s: %v", p, err)
			}
			parts += len(list)
		}
		if total := int(table.NumRows()); parts != total {
			rt.Fatalf("%s: true, false and unknown hold %d rows of %d", pred, parts, total)
		}
	})
}

var (
	someInts  = []int64{-9223372036854775808, -1, 0, 1, 7, 200, 9007199254740992, 9007199254740993, 9223372036854775807}
	someTexts = []string{"", "a", "A", "ab", "b", "ä", "漢"}
	someDecs  = []string{"-1.0000", "0.0000", "0.0001", "1.5000", "9999999999999999.9999"}
	someTimes = []string{"0000-01-01 00:00:00", "2024-01-02 03:04:05", "2024-01-02 03:04:05.000001", "9999-12-31 23:59:59.999999"}
)

func fillRandom(rt *rapid.T, table *store.Table) {
	table.Truncate()
	b := table.NewBatch(nil)
	for id := range rapid.IntRange(0, 12).Draw(rt, "rows") {
		row := []any{int64(id), nil, nil, nil, nil, nil}
		if rapid.Bool().Draw(rt, "filled") {
			wide := new(big.Int).Lsh(big.NewInt(1), uint(rapid.IntRange(0, 126).Draw(rt, "bits")))
			row = []any{int64(id), rapid.SampledFrom(someInts).Draw(rt, "a"), wide, rapid.SampledFrom(someTexts).Draw(rt, "s"),
				rapid.SampledFrom(someDecs).Draw(rt, "p"), rapid.SampledFrom(someTimes).Draw(rt, "m")}
		}
		if err := b.Add(row, store.Upsert); err != nil {
			rt.Fatal(err)
		}
	}
	if err := table.Commit(b); err != nil {
		rt.Fatal(err)
	}
}

func predicate(rt *rapid.T, depth int) string {
	if depth > 0 && rapid.Bool().Draw(rt, "nested") {
		return "(" + predicate(rt, depth-1) + rapid.SampledFrom([]string{" AND ", " OR "}).Draw(rt, "op") + predicate(rt, depth-1) + ")"
	}
	op := rapid.SampledFrom([]string{"=", "<>", "<", "<=", ">", ">="}).Draw(rt, "op")
	switch rapid.IntRange(0, 6).Draw(rt, "kind") {
	case 0:
		return fmt.Sprintf("a %s %d", op, rapid.SampledFrom(someInts).Draw(rt, "int"))
	case 1:
		return fmt.Sprintf("l %s %s", op, new(big.Int).Lsh(big.NewInt(1), uint(rapid.IntRange(0, 126).Draw(rt, "bits"))))
	case 2:
		return fmt.Sprintf("s %s '%s'", op, rapid.SampledFrom(someTexts).Draw(rt, "text"))
	case 3:
		return fmt.Sprintf("p %s %s", op, rapid.SampledFrom(someDecs).Draw(rt, "decimal"))
	case 4:
		return fmt.Sprintf("m %s '%s'", op, rapid.SampledFrom(someTimes).Draw(rt, "time"))
	case 5:
		return fmt.Sprintf("a BETWEEN %d AND %d", rapid.SampledFrom(someInts).Draw(rt, "from"), rapid.SampledFrom(someInts).Draw(rt, "to"))
	}
	return rapid.SampledFrom([]string{"a", "l", "s", "p", "m"}).Draw(rt, "column") + rapid.SampledFrom([]string{" IS NULL", " IS NOT NULL"}).Draw(rt, "test")
}

// TestBigResult reads more rows than fit any buffer, and stops in the middle without
// harm to the connection pool.
func TestBigResult(t *testing.T) {
	st := stored(t, "CREATE DATABASE d; CREATE TABLE d.big (k BIGINT, v VARCHAR(100)) DUPLICATE KEY(k)")
	table, err := st.Table("d", "big")
	if err != nil {
		t.Fatal(err)
	}
	const rows = 200_000
	b := table.NewBatch(nil)
	for i := range int64(rows) {
		if err := b.Add([]any{i, fmt.Sprintf("value %d", i)}, store.Upsert); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Commit(b); err != nil {
		t.Fatal(err)
	}
	db := open(t, serve(t, st), "d")
	if n := drain(t, db, "SELECT * FROM big"); n != rows {
		t.Errorf("%d rows, want %d", n, rows)
	}
	result, err := db.Query("SELECT * FROM big")
	if err != nil {
		t.Fatal(err)
	}
	if !result.Next() {
		t.Fatal(result.Err())
	}
	var k, v sql.RawBytes
	if err := result.Scan(&k, &v); err != nil {
		t.Fatal(err)
	}
	result.Close()
	want(t, db, "SELECT COUNT(*), MAX(k) FROM big", "200000 | 199999")
}
