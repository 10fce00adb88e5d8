package sqlport_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/gx-etl/gx/test/sandbox/release"
	"github.com/gx-etl/gx/test/sandbox/sqlport"
	"github.com/gx-etl/gx/test/sandbox/store"
)

func TestUsers(t *testing.T) {
	st := stored(t, "CREATE DATABASE d")
	st.Users().Add("app", "s3cret")
	addr := serve(t, st).Addr()
	for _, c := range []struct{ login, denied string }{
		{"root", ""},
		{"app:s3cret", ""},
		{"app:wrong", "Access denied for user 'app'@'127.0.0.1' (using password: YES)"},
		{"app", "Access denied for user 'app'@'127.0.0.1' (using password: NO)"},
		{"ghost:x", "Access denied for user 'ghost'@'127.0.0.1' (using password: YES)"},
	} {
		err := openDSN(t, c.login+"@tcp("+addr+")/d").Ping()
		var me *mysql.MySQLError
		if c.denied == "" && err != nil {
			t.Errorf("%s: %v", c.login, err)
		}
		if c.denied != "" && (!errors.As(err, &me) || me.Number != 1045 || me.Message != c.denied) {
			t.Errorf("%s: %v, want error 1045 %q", c.login, err, c.denied)
		}
	}
	var me *mysql.MySQLError
	if err := openDSN(t, "root@tcp("+addr+")/nodb").Ping(); !errors.As(err, &me) || me.Number != 5501 {
		t.Errorf("unknown database at login: %v", err)
	}
}

func TestVariables(t *testing.T) {
	s := serve(t, stored(t, orders))
	db, other := open(t, s, "d"), open(t, s, "d")
	want(t, db, "SELECT @@version_comment LIMIT 1", "StarRocks")
	want(t, db, "SELECT current_version(), VERSION(), DATABASE(), CONNECTION_ID() > 0", release.Newest().String()+" | 8.0.33 | d | 1")
	run(t, db, "SET query_timeout = 10, @@session.autocommit = OFF, SESSION sql_mode = '', @x = 1 + 2, NAMES utf8mb4")
	want(t, db, "SELECT @@query_timeout, @@session.autocommit AS ac, @@sql_mode", "10 | 0 | ")
	want(t, db, "SELECT @@query_timeout + @x, @x", "13 | 3")
	want(t, db, "SHOW VARIABLES LIKE 'query\\_timeou_'", "query_timeout | 10")
	want(t, other, "SHOW VARIABLES WHERE Variable_name = 'query_timeout'", "query_timeout | 300")
	run(t, db, "SET GLOBAL query_timeout = 20")
	want(t, db, "SELECT @@global.query_timeout", "20")
	want(t, open(t, s, "d"), "SELECT @@query_timeout", "20")
	want(t, other, "SELECT @@query_timeout", "300")
	run(t, db, "SET query_timeout = DEFAULT")
	want(t, db, "SELECT @@query_timeout", "300")
	run(t, db, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
	for _, c := range []struct {
		statement string
		code      uint16
	}{
		{"SET nosuch = 1", 1193},
		{"SELECT @@nosuch", 1193},
		{"SELECT 1 + @@nosuch", 1193},
		{"SET version = 'x'", 1621},
		{"SET query_timeout = 0", 1064},
		{"SET query_timeout = 'x'", 1232},
		{"SET enable_profile = 'maybe'", 1231},
		{"SET NAMES klingon", 1115},
		{"SET query_timeout", 1064},
		{"SET PASSWORD = 'x'", 5201},
	} {
		wantError(t, db, c.statement, c.code, "")
	}
}

func TestPreparedStatements(t *testing.T) {
	st := stored(t, orders)
	addr := serve(t, st).Addr()
	db := openDSN(t, "root@tcp("+addr+")/d")
	stmt, err := db.Prepare("SELECT id, name, price FROM orders WHERE id >= ? AND name <> ? LIMIT ?")
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	for _, c := range []struct {
		args []any
		want int
	}{{[]any{1, "a", 10}, 3}, {[]any{-1, "no'body\\", 2}, 2}, {[]any{int64(9007199254740993), "a", 5}, 1}} {
		rows, err := stmt.Query(c.args...)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for rows.Next() {
			n++
		}
		if err := rows.Err(); err != nil || n != c.want {
			t.Errorf("%v: %d rows, %v; want %d", c.args, n, err, c.want)
		}
		rows.Close()
	}
	if got := strings.Join(read(t, db, "SELECT ?, ?, ?, ?", -3, "it's", []byte{0xff, 0}, nil), ""); got != "-3 | it's | \xff\x00 | NULL" {
		t.Errorf("parameters came back as %q", got)
	}
	for _, c := range []struct {
		query string
		code  uint16
	}{
		{"INSERT INTO orders (id) VALUES (?)", 1295},
		{"SHOW TABLES", 1295},
		{"SELECT nope FROM orders WHERE id = ?", 1064},
		{"SELECT * FROM nosuch WHERE id = ?", 5502},
	} {
		_, err := db.Prepare(c.query)
		var me *mysql.MySQLError
		if !errors.As(err, &me) || me.Number != c.code {
			t.Errorf("%s: %v, want error %d", c.query, err, c.code)
		}
	}
	old := serveWith(t, st, sqlport.Options{Version: "2.5.13"})
	_, err = openDSN(t, "root@tcp("+old.Addr()+")/d").Prepare("SELECT 1")
	var me *mysql.MySQLError
	if !errors.As(err, &me) || me.Number != 1064 || me.Message != "Unsupported command(COM_STMT_PREPARE)" {
		t.Errorf("prepare on 2.5: %v", err)
	}
	want(t, open(t, old, "d"), "SELECT current_version()", "2.5.13")
	if _, err := sqlport.New(st, sqlport.Options{Version: "newest"}); err == nil {
		t.Error("a version without numbers was accepted")
	}
}

func TestMultiStatements(t *testing.T) {
	s := serve(t, stored(t, orders))
	db := openDSN(t, "root@tcp("+s.Addr()+")/d?interpolateParams=true&multiStatements=true")
	rows, err := db.Query("SET @x = 5; SELECT id FROM orders WHERE id < 3; SELECT 'two;', @x")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for {
		for rows.Next() {
			cols, _ := rows.Columns()
			vals := make([]any, len(cols))
			for i := range vals {
				vals[i] = new(sql.RawBytes)
			}
			if err := rows.Scan(vals...); err != nil {
				t.Fatal(err)
			}
			got = append(got, string(*vals[0].(*sql.RawBytes)))
		}
		if !rows.NextResultSet() {
			break
		}
	}
	if err := rows.Err(); err != nil || strings.Join(got, " ") != "1 2 2 two;" {
		t.Errorf("got %q, %v", got, err)
	}
	wantError(t, db, "SELECT * FROM nosuch; SELECT 1", 5502, "Unknown table")
	want(t, db, "SELECT 1", "1")
}

// slowQuery has the engine join a table with itself often enough to outlast any test.
const slowQuery = "SELECT COUNT(*) FROM n a, n b, n c, n d, n e WHERE a.k + b.k + c.k + d.k + e.k = -1"

func slowStore(t *testing.T) *store.Store {
	t.Helper()
	return stored(t, "CREATE DATABASE d; CREATE TABLE d.n (k INT) DUPLICATE KEY(k); INSERT INTO d.n VALUES (0)"+strings.Repeat(",(1)", 400))
}

func TestKill(t *testing.T) {
	s := serve(t, slowStore(t))
	control := open(t, s, "d")
	for _, how := range []string{"id", "custom id", "connection"} {
		t.Run(how, func(t *testing.T) {
			db := open(t, s, "d")
			id := read(t, db, "SELECT CONNECTION_ID()")[0]
			kill := "KILL QUERY " + id
			query := slowQuery
			switch how {
			case "custom id":
				run(t, db, "SET custom_query_id = 'mine'")
				kill = "KILL QUERY 'mine'"
			case "connection":
				kill = "KILL " + id
			}
			var wg sync.WaitGroup
			var err error
			wg.Go(func() { _, err = tryRead(db, query) })
			for len(read(t, control, "SHOW PROCESSLIST")) > 0 {
				busy := read(t, control, "SHOW FULL PROCESSLIST")
				if strings.Contains(strings.Join(busy, "\n"), id+" | root | ") && strings.Contains(strings.Join(busy, "\n"), "a.k + b.k") {
					if _, kerr := tryRead(control, kill); kerr == nil {
						break
					}
				}
			}
			wg.Wait()
			var me *mysql.MySQLError
			if how == "connection" {
				if err == nil {
					t.Error("the query of a killed connection ended well")
				}
				return
			}
			if !errors.As(err, &me) || me.Number != 1317 {
				t.Errorf("killed query: %v", err)
			}
			want(t, db, "SELECT 1", "1")
		})
	}
	wantError(t, control, "KILL 99999", 1094, "Unknown thread id: 99999")
	wantError(t, control, "KILL QUERY 'nobody'", 1094, "Unknown query id")
	wantError(t, control, "KILL x", 1064, "Unexpected input 'x'")
}

func TestQueryTimeout(t *testing.T) {
	db := open(t, serve(t, slowStore(t)), "d")
	wantError(t, db, strings.Replace(slowQuery, "SELECT", "SELECT /*+ SET_VAR(query_timeout=1) */", 1), 5024, "Query reached its timeout")
	want(t, db, "SELECT @@query_timeout", "300")
}

// TestCloseWithClients: Close ends a statement that is still running.
func TestCloseWithClients(t *testing.T) {
	s := serve(t, slowStore(t))
	db, control := open(t, s, "d"), open(t, s, "d")
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := tryRead(db, slowQuery); err == nil {
			t.Error("the query ended well on a closed server")
		}
	})
	for !strings.Contains(strings.Join(read(t, control, "SHOW FULL PROCESSLIST"), "\n"), "a.k + b.k") {
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

// TestTwoServers: servers of one process share nothing but the store they are given.
func TestTwoServers(t *testing.T) {
	first, second := stored(t, orders), stored(t, "CREATE DATABASE d; CREATE TABLE d.orders (id INT) DUPLICATE KEY(id); INSERT INTO d.orders VALUES (42)")
	a := serveWith(t, first, sqlport.Options{Version: "3.1.0"})
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			b := serveWith(t, second, sqlport.Options{Version: "3.5.0"})
			twin := serve(t, first)
			for range 20 {
				want(t, open(t, a, "d"), "SELECT COUNT(*), current_version() FROM orders", "4 | 3.1.0")
				want(t, open(t, b, "d"), "SELECT id, current_version() FROM orders", "42 | 3.5.0")
				run(t, open(t, b, "d"), fmt.Sprintf("SET GLOBAL query_timeout = %d", 100+n))
				want(t, open(t, twin, "d"), "SELECT SUM(id), @@query_timeout FROM orders", "9007199254740998 | 300")
			}
		})
	}
	wg.Wait()
}

// TestConcurrentWork: readers, writers and definitions at once.
func TestConcurrentWork(t *testing.T) {
	s := serve(t, stored(t, "CREATE DATABASE d; CREATE TABLE d.p (k INT, v INT) PRIMARY KEY(k)"))
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			db := open(t, s, "d")
			for i := range 25 {
				run(t, db, "INSERT INTO p VALUES (?, ?)", n*100+i, i)
				run(t, db, "UPDATE p SET v = v + 1 WHERE k = ?", n*100+i)
				run(t, db, fmt.Sprintf("CREATE TABLE t%d_%d (k INT)", n, i))
				read(t, db, "SELECT COUNT(*), SUM(v) FROM p WHERE k >= ?", n)
				read(t, db, "SELECT TABLE_NAME FROM information_schema.tables")
			}
		})
	}
	wg.Wait()
	want(t, open(t, s, "d"), "SELECT COUNT(*), SUM(v) FROM p", "100 | 1300")
}

func TestExec(t *testing.T) {
	st := store.New(store.Options{})
	ctx := context.Background()
	exec(t, st, `
		-- a comment; with a semicolon
		CREATE DATABASE d; USE d;
		CREATE TABLE t (k INT, v VARCHAR(20) DEFAULT "a;b") DUPLICATE KEY(k); /* ; */
		INSERT INTO t VALUES (1, 'x;y'), (2, DEFAULT);
		SELECT * FROM t;
		SET query_timeout = 5;;
	`)
	db := open(t, serve(t, st), "d")
	want(t, db, "SELECT v FROM t", "x;y / a;b")
	err := sqlport.Exec(ctx, st, "USE d;\nINSERT INTO t VALUES (3, 'z');\n\nINSERT INTO t VALUES (4);\nINSERT INTO t VALUES (5, 'never');")
	if err == nil || !strings.HasPrefix(err.Error(), "statement at line 4: Error 1058") {
		t.Errorf("got %v", err)
	}
	want(t, db, "SELECT COUNT(*) FROM t", "3")
	if err := sqlport.Exec(ctx, st, "CREATE TABLE t (k INT);"); err == nil || !strings.Contains(err.Error(), "No database selected") {
		t.Errorf("got %v", err)
	}
	if err := sqlport.Exec(ctx, st, "SELECT 'open"); err == nil || !strings.Contains(err.Error(), "line 1, column 7") {
		t.Errorf("got %v", err)
	}
	if err := sqlport.Exec(ctx, st, " -- nothing\n;;"); err != nil {
		t.Error(err)
	}
}
