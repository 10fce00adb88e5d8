package sqlport_test

import "testing"

// TestNested: the items of arrays and maps and the fields of structs have types of
// their own, in results, comparisons and orders.
func TestNested(t *testing.T) {
	db := open(t, serve(t, stored(t, `CREATE DATABASE d; USE d;
		CREATE TABLE t (k INT, a ARRAY<INT>, m MAP<VARCHAR(5), INT>, n MAP<INT, VARCHAR(5)>, s STRUCT<x INT, y STRUCT<z VARCHAR(9), w ARRAY<DATE>>>,
			aa ARRAY<ARRAY<BIGINT>>, p ARRAY<DECIMAL(10, 2)>, st ARRAY<STRUCT<q INT>>) DUPLICATE KEY(k);
		INSERT INTO t VALUES (1, [9, 100, NULL], map{'k': 10}, map{7: 'x', 8: 'y'}, '{"x": 5, "y": {"z": "deep", "w": ["2024-01-02"]}}', [[1], [2, 3]], [1.50, 0.25], '[{"q": 4}]'),
			(2, [10], map{'k': 9}, map{}, '{"x": 40, "y": null}', [], NULL, '[]');`)), "d")
	for _, c := range []struct{ query, rows string }{
		{"SELECT a[1] + 1, a[1] / 2, a[3], a[9], a[-1] FROM t ORDER BY k", "10 | 4.5 | NULL | NULL | NULL / 11 | 5 | NULL | NULL | 10"},
		{"SELECT k FROM t WHERE m['k'] > 9", "1"},
		{"SELECT m['k'] FROM t ORDER BY m['k']", "9 / 10"},
		{"SELECT a[1] FROM t ORDER BY a[1] DESC", "10 / 9"},
		{"SELECT MAX(a[1]), SUM(m['k']), MIN(s.x) FROM t", "10 | 19 | 5"},
		{"SELECT n[7], map_keys(n), map_values(n), map_size(n), n FROM t WHERE k = 1", `x | [7,8] | ["x","y"] | 2 | {7:"x",8:"y"}`},
		{"SELECT s.x + 1, s.y.z, t.s.x, s.y FROM t ORDER BY k", `6 | deep | 5 | {"z":"deep","w":["2024-01-02"]} / 41 | NULL | 40 | NULL`},
		{"SELECT q.s.x FROM t q WHERE q.s.x < 10", "5"},
		{"SELECT k FROM t WHERE s.x = (SELECT MAX(s.x) FROM t)", "2"},
		{"SELECT aa[2][1] * 2, aa[2] FROM t WHERE k = 1", "4 | [2,3]"},
		{"SELECT p[1], p[1] + p[2], array_sum(p), array_max(p), array_sum(a), array_max(a), array_avg(a) FROM t WHERE k = 1", "1.50 | 1.75 | 1.75 | 1.50 | 109 | 100 | 54.5"},
		{"SELECT st[1].q + 1 FROM t WHERE k = 1", "5"},
		{"SELECT [1, 2, 10][3] > 9, [1.5, 2][2], ['a', 'b'][2], map{1: 'x'}[1], map{'a': 2}['a'] + 1", "1 | 2.0 | b | x | 3"},
		{"SELECT GREATEST(a[1], 9) FROM t ORDER BY k", "9 / 10"},
		{"SELECT array_agg(k)[1] + 1 FROM t", "2"},
		{"SELECT split('a,b', ',')[2]", "b"},
		{"SELECT map_keys(n)[1] + 1 FROM t WHERE k = 1", "8"},
		{"SELECT COALESCE(a, [1]) FROM t WHERE k = 2", "[10]"},
		{"SELECT a FROM t WHERE k = 1 UNION ALL SELECT [3]", "[9,100,null] / [3]"},
		{"SELECT k FROM t WHERE a = [10]", "2"},
	} {
		want(t, db, c.query, c.rows)
	}
	run(t, db, "CREATE TABLE c AS SELECT a[1] first, a, m, s.y inner_y, p[1] price FROM t")
	want(t, db, "SELECT COLUMN_TYPE FROM information_schema.columns WHERE TABLE_NAME = 'c' ORDER BY ORDINAL_POSITION",
		"int(11) / array<int(11)> / map<varchar(5),int(11)> / struct<z varchar(9), w array<date>> / decimal(10,2)")
	want(t, db, "SELECT * FROM c WHERE first = 9", `9 | [9,100,null] | {"k":10} | {"z":"deep","w":["2024-01-02"]} | 1.50`)
	wantError(t, db, "SELECT s.nosuch FROM t", 1064, "cannot be resolved")
	wantError(t, db, "SELECT nosuch.k FROM t", 1064, "cannot be resolved")
}
