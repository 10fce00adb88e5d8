package sqlport_test

import "testing"

// TestPipes: || is OR, unless sql_mode says that it joins texts.
func TestPipes(t *testing.T) {
	db := open(t, serve(t, stored(t, "CREATE DATABASE d; CREATE TABLE d.t (k INT, s VARCHAR(9)) DUPLICATE KEY(k); INSERT INTO d.t VALUES (1, 'a'), (2, NULL)")), "d")
	want(t, db, "SELECT 1 || 0, 0 || 0, k = 1 || s IS NULL FROM t ORDER BY k", "1 | 0 | 1 / 1 | 0 | 1")
	wantError(t, db, "SELECT MAX_BY(k, s) OVER () FROM t", 1064, "Unsupported analytic function: max_by")
	wantError(t, db, "SELECT NDV(DISTINCT k) OVER () FROM t", 1064, "DISTINCT not allowed in analytic function")
	run(t, db, "SET sql_mode = 'PIPES_AS_CONCAT,ONLY_FULL_GROUP_BY'")
	for _, c := range []struct{ query, rows string }{
		{"SELECT 'a' || 'b'", "ab"},
		{"SELECT s || '-' || k || UPPER('x' || s) FROM t ORDER BY k", "a-1XA / NULL"},
		{"SELECT t.s || (1 + 1) * 2 FROM t WHERE k = 1", "NULL"},
		{"SELECT 'x' || CASE WHEN k = 1 THEN 'y' || 'z' ELSE 'n' END || [7, 8][2] || CAST(k AS VARCHAR) FROM t WHERE s || 'b' = 'ab'", "xyz81"},
		{"SELECT 'n' || -1, k FROM t WHERE k = 1 OR s || s = 'aa'", "n-1 | 1"},
	} {
		want(t, db, c.query, c.rows)
	}
	wantError(t, db, "SELECT 'a' ||", 1064, "Unexpected input '<EOF>'")
}
