package sqlport_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/gx-etl/gx/test/sandbox/sqlport"
	"github.com/gx-etl/gx/test/sandbox/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func exec(tb testing.TB, st *store.Store, script string) {
	tb.Helper()
	if err := sqlport.Exec(context.Background(), st, script); err != nil {
		tb.Fatal(err)
	}
}

// stored makes a store and runs a script on it.
func stored(tb testing.TB, script string) *store.Store {
	tb.Helper()
	st := store.New(store.Options{})
	exec(tb, st, script)
	return st
}

func serve(tb testing.TB, st *store.Store) *sqlport.Server {
	tb.Helper()
	return serveWith(tb, st, sqlport.Options{})
}

func serveWith(tb testing.TB, st *store.Store, o sqlport.Options) *sqlport.Server {
	tb.Helper()
	s, err := sqlport.New(st, o)
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Listen("127.0.0.1:0"); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// open connects as root, with one connection, so that SET and USE last.
func open(tb testing.TB, s *sqlport.Server, db string) *sql.DB {
	tb.Helper()
	return openDSN(tb, "root@tcp("+s.Addr()+")/"+db+"?interpolateParams=true")
}

func openDSN(tb testing.TB, dsn string) *sql.DB {
	tb.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	tb.Cleanup(func() { db.Close() })
	return db
}

// read returns the rows of a query as text: values parted by " | ", NULL for NULL.
func read(tb testing.TB, db *sql.DB, query string, args ...any) []string {
	tb.Helper()
	list, err := tryRead(db, query, args...)
	if err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	return list
}

func tryRead(db *sql.DB, query string, args ...any) ([]string, error) {
	rows, err := db.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	raw, ptr := make([]sql.RawBytes, len(cols)), make([]any, len(cols))
	for i := range raw {
		ptr[i] = &raw[i]
	}
	list := []string{}
	for rows.Next() {
		if err := rows.Scan(ptr...); err != nil {
			return list, err
		}
		parts := make([]string, len(raw))
		for i, v := range raw {
			parts[i] = string(v)
			if v == nil {
				parts[i] = "NULL"
			}
		}
		list = append(list, strings.Join(parts, " | "))
	}
	return list, rows.Err()
}

// want compares the rows of a query with what is expected, rows parted by " / ".
func want(tb testing.TB, db *sql.DB, query, rows string) {
	tb.Helper()
	if got := strings.Join(read(tb, db, query), " / "); got != rows {
		tb.Errorf("%s\n got %s\nwant %s", query, got, rows)
	}
}

func run(tb testing.TB, db *sql.DB, statement string, args ...any) int64 {
	tb.Helper()
	res, err := db.Exec(statement, args...)
	if err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
	n, _ := res.RowsAffected()
	return n
}

// wantError checks the code and a part of the text of a statement's error.
func wantError(tb testing.TB, db *sql.DB, statement string, code uint16, text string) {
	tb.Helper()
	_, err := tryRead(db, statement)
	var me *mysql.MySQLError
	switch {
	case !errors.As(err, &me):
		tb.Errorf("%s\nwant error %d %q, got %v", statement, code, text, err)
	case me.Number != code || !strings.Contains(me.Message, text):
		tb.Errorf("%s\nwant error %d %q\n got error %d %q", statement, code, text, me.Number, me.Message)
	}
}

// mysqlError is the server's error in err, or nil.
func mysqlError(err error) *mysql.MySQLError {
	var me *mysql.MySQLError
	if errors.As(err, &me) {
		return me
	}
	return nil
}
