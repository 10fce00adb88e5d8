package sqlport_test

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/sqlport"
)

// TestTitles: what the columns of a result are called that have no alias.
func TestTitles(t *testing.T) {
	st := stored(t, `CREATE DATABASE d; CREATE TABLE d.t (a INT, b BIGINT, s VARCHAR(20), at DATETIME, arr ARRAY<INT>, m MAP<VARCHAR(5), INT>, j JSON) DUPLICATE KEY(a)`)
	db := open(t, serve(t, st), "d")
	for query, title := range map[string]string{
		"SELECT COUNT(*) FROM t":                          "count(*)",
		"SELECT Max( a ) FROM t":                          "max(a)",
		"SELECT sum(t.a) FROM t":                          "sum(t.a)",
		"SELECT COUNT(DISTINCT a,b) FROM t":               "count(DISTINCT a, b)",
		"SELECT SUM(DISTINCT a) FROM t":                   "sum(DISTINCT a)",
		"SELECT a+1 FROM t":                               "a + 1",
		"SELECT a+b*2 FROM t":                             "a + (b * 2)",
		"SELECT (a+b)*2 FROM t":                           "(a + b) * 2",
		"SELECT count(*)+1 FROM t":                        "(count(*)) + 1",
		"SELECT -a FROM t":                                "-1 * a",
		"SELECT a - -1 FROM t":                            "a - -1",
		"SELECT -1":                                       "-1",
		"SELECT 'it''s'":                                  `'it\'s'`,
		`SELECT "x"`:                                      "'x'",
		"SELECT 1.50, .5":                                 "1.50 | 0.5",
		"SELECT 1e3":                                      "1000.0",
		"SELECT NULL, true":                               "NULL | TRUE",
		"SELECT 170141183460469231731687303715884105727":  "170141183460469231731687303715884105727",
		"SELECT a<>1 OR b = 2 AND s LIKE 'x%' FROM t":     "(a != 1) OR ((b = 2) AND (s LIKE 'x%'))",
		"SELECT a NOT IN (1,2), s NOT LIKE 'x' FROM t":    "a NOT IN (1, 2) | NOT (s LIKE 'x')",
		"SELECT a BETWEEN 1 AND b, a IS NOT NULL FROM t":  "a BETWEEN 1 AND b | a IS NOT NULL",
		"SELECT NOT a FROM t":                             "NOT a",
		"SELECT CASE WHEN a>1 THEN 'x' ELSE s END FROM t": "CASE WHEN (a > 1) THEN 'x' ELSE s END",
		"SELECT case a when 1 then 2 end FROM t":          "CASE a WHEN 1 THEN 2 END",
		"SELECT CAST(a AS bigint), CAST('9.5' AS DECIMAL(10,2)), cast(s as varchar)  FROM t":            "CAST(a AS BIGINT) | CAST('9.5' AS DECIMAL64(10,2)) | CAST(s AS VARCHAR)",
		"SELECT cast('[1,2,3]' as array<int>)":                                                          "CAST('[1,2,3]' AS ARRAY<INT>)",
		"SELECT cast(parse_json('[1]') as array<string>)":                                               "CAST((parse_json('[1]')) AS ARRAY<VARCHAR(65533)>)",
		"SELECT UPPER(s), If(a>1,2,3), concat(s,'x') FROM t":                                            "upper(s) | if(a > 1, 2, 3) | concat(s, 'x')",
		"SELECT [1,2,3], arr[1], m['k'], map{'a':1,'b':2} FROM t":                                       "[1, 2, 3] | arr[1] | m['k'] | map{'a':1,'b':2}",
		"SELECT element_at(arr,1), array_length([1,2]) FROM t":                                          "element_at(arr, 1) | array_length([1, 2])",
		"SELECT j->'$.a' FROM t":                                                                        "j->'$.a'",
		"SELECT DATE_ADD(at, INTERVAL 1 day), at + interval a hour, timestampdiff(day, at, at) FROM t":  "date_add(at, INTERVAL 1 DAY) | at + INTERVAL a HOUR | timestampdiff(DAY, at, at)",
		"SELECT EXTRACT(year FROM at) FROM t":                                                           "year(at)",
		"SELECT database(), USER(), now(), current_timestamp, version()":                                "DATABASE() | USER() | now() | current_timestamp() | version()",
		"SELECT row_number() over(partition by a order by b desc), sum(a) OVER (PARTITION BY b) FROM t": "row_number() OVER (PARTITION BY a ORDER BY b DESC ) | sum(a) OVER (PARTITION BY b )",
		"SELECT group_concat(s), group_concat(distinct s order by a separator '-') FROM t":              "group_concat(s SEPARATOR ',') | group_concat(DISTINCT s ORDER BY a ASC SEPARATOR '-')",
		"SELECT a, t.b, t.a AS `A b`, s x FROM t":                                                       "a | b | A b | x",
		"SELECT `count(*)` FROM (SELECT COUNT(*) FROM t) q":                                             "count(*)",
		"SELECT * FROM (SELECT MAX(a), a%2 FROM t GROUP BY a%2) q":                                      "max(a) | a % 2",
		"SELECT a+1 FROM t GROUP BY a+1 HAVING COUNT(*)>0 ORDER BY a+1, COUNT(*)":                       "a + 1",
		"SELECT COUNT(*) FROM t UNION ALL SELECT 1":                                                     "count(*)",
		"SELECT (SELECT 1)": "(SELECT 1)",
	} {
		rows, err := db.Query(query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		cols, err := rows.Columns()
		rows.Close()
		if got := strings.Join(cols, " | "); err != nil || got != title {
			t.Errorf("%s\n got %s, %v\nwant %s", query, got, err, title)
		}
	}
	old := open(t, serveWith(t, st, sqlport.Options{Version: "2.5"}), "d")
	rows, err := old.Query("SELECT group_concat(s), GROUP_CONCAT(s SEPARATOR '-') FROM t")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if cols, err := rows.Columns(); err != nil || strings.Join(cols, " | ") != "group_concat(s) | group_concat(s, '-')" {
		t.Errorf("%q, %v", cols, err)
	}
}
