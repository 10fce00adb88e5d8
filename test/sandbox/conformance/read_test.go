package conformance

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// wantCode checks the number of an error of the MySQL port.
func (e *env) wantCode(err error, number uint16, message string) {
	e.t.Helper()
	var got *mysql.MySQLError
	if !errors.As(err, &got) || got.Number != number || !strings.Contains(got.Message, message) {
		e.t.Errorf("got %v; want error %d with %q", err, number, message)
	}
}

// preparing is a pool that prepares on the server, as drivers do when left alone.
func (e *env) preparing() *sql.DB {
	e.t.Helper()
	db, err := sql.Open("mysql", "root:@tcp("+e.QueryAddr()+")/"+e.db)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { db.Close() })
	return db
}

func serverSidePrepare(e *env) {
	e.ok(e.load("t", "1\ta\t5\n2\tb\t6\n"))
	db := e.preparing()
	_, err := db.ExecContext(e.t.Context(), "INSERT INTO t VALUES (?, ?, ?)", 1, "x", 2)
	e.wantCode(err, 1295, "")
	var v string
	if err := db.QueryRowContext(e.t.Context(), "SELECT v FROM t WHERE k = ? AND v <> ?", 2, "a'").Scan(&v); err != nil || v != "b" {
		e.t.Errorf("prepared SELECT: %q, %v", v, err)
	}
	e.wantRows("t", "1|a|5", "2|b|6")
}

func noServerSidePrepare(e *env) {
	db := e.preparing()
	_, err := db.ExecContext(e.t.Context(), "INSERT INTO t VALUES (?, ?, ?)", 1, "x", 2)
	e.wantCode(err, 1064, "Unsupported command(COM_STMT_PREPARE)")
	var v string
	err = db.QueryRowContext(e.t.Context(), "SELECT v FROM t WHERE k = ?", 1).Scan(&v)
	e.wantCode(err, 1064, "Unsupported command(COM_STMT_PREPARE)")
	// The client side interpolates, and that works.
	if _, err := e.sql.ExecContext(e.t.Context(), "INSERT INTO "+e.db+".t VALUES (?, ?, ?)", 1, "x", 2); err != nil {
		e.t.Error(err)
	}
	e.wantRows("t", "1|x|2")
}

// shards gives the predicates of a table cut at points: open at both ends, NULLs apart.
func shards(column string, points []string) []string {
	all := []string{column + " IS NULL"}
	for i, p := range points {
		if i == 0 {
			all = append(all, fmt.Sprintf("%s < %s", column, p))
		} else {
			all = append(all, fmt.Sprintf("%s >= %s AND %s < %s", column, points[i-1], column, p))
		}
	}
	if len(points) == 0 {
		return append(all, column+" IS NOT NULL")
	}
	return append(all, fmt.Sprintf("%s >= %s", column, points[len(points)-1]))
}

// evenly cuts low…high into n parts of equal width.
func evenly(low, high string, n int64) []string {
	lo, _ := new(big.Int).SetString(low, 10)
	hi, _ := new(big.Int).SetString(high, 10)
	width := new(big.Int).Sub(hi, lo)
	var points []string
	for i := int64(1); i < n; i++ {
		p := new(big.Int).Mul(width, big.NewInt(i))
		p.Div(p, big.NewInt(n)).Add(p, lo)
		if s := p.String(); !slices.Contains(points, s) {
			points = append(points, s)
		}
	}
	return points
}

const tableSplit = `(k INT NOT NULL, i INT NULL, b BIGINT NULL, l LARGEINT NULL, v VARCHAR(40) NULL, d DATE NULL, t DATETIME NULL, m DECIMAL(20,4) NULL) DUPLICATE KEY(k)`

const splitRows = `1,-2147483648,-9223372036854775808,-170141183460469231731687303715884105728,,0001-01-01,1970-01-01 00:00:00,-1234567890123456.7891
2,-1,-1,-1,a,1969-12-31,2024-01-02 03:04:05.000001,-0.0001
3,0,0,0,A,2024-02-29,2024-01-02 03:04:05,0
4,2147483647,9223372036854775807,170141183460469231731687303715884105727,zz,9999-12-31,9999-12-31 23:59:59.999999,1234567890123456.7891
5,\N,\N,\N,\N,\N,\N,\N
6,7,8,9,é,2024-01-01,2024-01-02 03:04:05.5,1.5
7,7,8,9,三,2024-01-01,2024-01-02 03:04:06,1.5
8,8,9,10,it's \,2024-01-01,2024-01-02,2
`

func splitPk(e *env) {
	e.create("s", tableSplit)
	e.counts(e.ok(e.load("s", splitRows, "column_separator: ,")), 8, 8, 0, 0)
	e.create("none", tableSplit)
	e.create("same", tableSplit)
	e.ok(e.load("same", "1,5,5,5,x,2024-01-01,2024-01-01,5\n2,5,5,5,x,2024-01-01,2024-01-01,5\n3,,5,5,x,2024-01-01,2024-01-01,5\n", "column_separator: ,"))
	for column, points := range map[string][]string{
		"i": nil, "b": nil, "l": nil, // from their bounds
		"v": {"'A'", `'a'`, `'it\'s'`, `'it\'s \\'`, "'zz'", "'é'", "'三'"},
		"d": {"'1969-12-31'", "'2024-01-01'", "'2024-02-29'"},
		"t": {"'2024-01-02 00:00:00'", "'2024-01-02 03:04:05.000001'", "'2024-01-02 03:04:05.5'"},
		"m": {"-0.0001", "0", "1.5", "1234567890123456.7891"},
	} {
		for _, table := range []string{"s", "none", "same"} {
			for _, where := range []string{"1 = 1", "k < 3 OR i > 6 OR v IS NULL"} {
				cut := points
				if cut == nil {
					bounds := e.query(fmt.Sprintf("SELECT MIN(%s), MAX(%s) FROM %s.%s WHERE (%s) AND %s IS NOT NULL", column, column, e.db, table, where, column))
					if low, high, _ := strings.Cut(bounds[0], "|"); low != "NULL" {
						cut = evenly(low, high, 5)
					}
				}
				var union []string
				for _, shard := range shards(column, cut) {
					union = append(union, e.query(fmt.Sprintf("SELECT /*+ SET_VAR(query_timeout=3600) */ k, %s FROM %s.%s WHERE (%s) AND (%s)", column, e.db, table, where, shard))...)
				}
				want := e.query(fmt.Sprintf("SELECT k, %s FROM %s.%s WHERE %s", column, e.db, table, where))
				slices.Sort(union)
				slices.Sort(want)
				if !slices.Equal(union, want) {
					e.t.Errorf("%s by %s cut at %v where %s: the shards hold %q, the table %q", table, column, cut, where, union, want)
				}
			}
		}
	}
	if got := e.count("s"); got != "8" {
		e.t.Errorf("%s rows", got)
	}
}

// tablets lists the tablets of a table as SHOW TABLETS does.
func (e *env) tablets(table string) []string {
	e.t.Helper()
	var ids []string
	for _, row := range e.query("SHOW TABLETS FROM " + e.db + "." + table) {
		id, _, _ := strings.Cut(row, "|")
		if !slices.Contains(ids, id) { // one row for each replica
			ids = append(ids, id)
		}
	}
	return ids
}

func tabletShards(e *env) {
	var body strings.Builder
	for i := range 500 {
		fmt.Fprintf(&body, "%d\tv\t%d\n", i, i)
	}
	e.ok(e.load("t", body.String()))
	ids := e.tablets("t")
	if len(ids) != 2 {
		e.t.Fatalf("tablets %v of a table of 2 buckets", ids)
	}
	var union []string
	for _, id := range ids {
		part := e.query("SELECT k FROM " + e.db + ".t TABLET(" + id + ")")
		if len(part) == 0 {
			e.t.Errorf("tablet %s is empty", id)
		}
		union = append(union, part...)
	}
	want := e.query("SELECT k FROM " + e.db + ".t")
	slices.Sort(union)
	slices.Sort(want)
	if !slices.Equal(union, want) {
		e.t.Errorf("the tablets hold %d rows, the table %d", len(union), len(want))
	}
	both := e.query("SELECT COUNT(*) FROM " + e.db + ".t TABLET(" + strings.Join(ids, ",") + ") WHERE k < 100")
	if both[0] != "100" {
		e.t.Errorf("both tablets together: %s", both)
	}
	if _, err := lines(e.t, e.sql, "SELECT k FROM "+e.db+".t TABLET(1)"); err == nil {
		e.t.Error("an unknown tablet was read")
	}
}

func queryPlan(e *env) {
	e.ok(e.load("t", "1\ta\t5\n2\tb\t6\n"))
	type plan struct {
		Status     int    `json:"status"`
		Exception  string `json:"exception"`
		Plan       string `json:"opaqued_query_plan"`
		Partitions map[string]struct {
			Routings []string `json:"routings"`
			Version  int64    `json:"version"`
		} `json:"partitions"`
	}
	ask := func(sql string) plan {
		e.t.Helper()
		body, err := json.Marshal(map[string]string{"sql": sql})
		if err != nil {
			e.t.Fatal(err)
		}
		r := e.do("POST", e.FEAddr()+"/api/"+e.db+"/t/_query_plan", strings.NewReader(string(body)))
		var p plan
		if err := json.Unmarshal([]byte(r.body), &p); err != nil {
			e.t.Fatalf("%s: %v", r, err)
		}
		return p
	}
	table := "`" + e.db + "`.`t`"
	good := "select `k`,`v` from " + table + " where `k` > 0"
	before := ask(good)
	var ids []string
	for id, tablet := range before.Partitions {
		ids = append(ids, id)
		if len(tablet.Routings) == 0 || tablet.Version < 2 {
			e.t.Errorf("tablet %s: %+v", id, tablet)
		}
	}
	want := e.tablets("t")
	slices.Sort(ids)
	slices.Sort(want)
	if before.Status != 200 || before.Plan == "" || !slices.Equal(ids, want) {
		e.t.Errorf("%+v; tablets %v", before, want)
	}
	// A shard query sees what was committed meanwhile; a plan has its version.
	e.ok(e.load("t", "3\tc\t7\n"))
	e.wantCount("t", 3)
	if after := ask(good); len(ids) > 0 && after.Partitions[ids[0]].Version <= before.Partitions[ids[0]].Version {
		e.t.Errorf("version %d, and after a load %d", before.Partitions[ids[0]].Version, after.Partitions[ids[0]].Version)
	}
	for _, bad := range []string{"select count(*) from " + table, "select k from " + table + " order by k", "select k from " + table + " limit 1",
		"select a.k from " + table + " a join " + table + " b on a.k = b.k", ""} {
		if p := ask(bad); p.Status != 400 || p.Exception == "" {
			e.t.Errorf("%q: %+v", bad, p)
		}
	}
	if p := ask("select from"); p.Status != 500 || p.Exception != "The Sql is invalid" {
		e.t.Errorf("broken SQL: %+v", p)
	}
	for target, status := range map[string]int{"/api/" + e.db + "/nope/_query_plan": 404, "/api/nope/t/_query_plan": 404} {
		r := e.do("POST", e.FEAddr()+target, strings.NewReader(`{"sql": "select k from nope"}`))
		var p plan
		if err := json.Unmarshal([]byte(r.body), &p); err != nil || p.Status != status && p.Status != 400 || p.Exception == "" {
			e.t.Errorf("%s: %s", target, r)
		}
	}
}
