package clients

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"

	"github.com/gx-etl/gx/test/sandbox"
)

// goDriver opens the Go driver's pool with one connection.
func goDriver(t *testing.T, s *sandbox.Sandbox, parameters string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", "root@tcp("+s.QueryAddr()+")/shop?"+parameters)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// rows reads a query as Go values, one line for each row.
func rows(ctx context.Context, t *testing.T, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	list, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer list.Close()
	columns, err := list.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for list.Next() {
		values, ptr := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			ptr[i] = &values[i]
		}
		if err := list.Scan(ptr...); err != nil {
			t.Fatal(err)
		}
		parts := make([]string, len(values))
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			parts[i] = fmt.Sprintf("%T %v", v, v)
		}
		got = append(got, strings.Join(parts, " | "))
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestGoDriver(t *testing.T) {
	s := start(t)
	db := goDriver(t, s, "interpolateParams=true")
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"SHOW TABLES", []string{"string everything", "string t"}},
		{"DESC t", []string{"string k | string int(11) | string NO | string true | <nil> <nil> | string ",
			"string v | string varchar(8) | string YES | string false | <nil> <nil> | string ",
			"string n | string int(11) | string NO | string false | string 7 | string "}},
		{"SELECT * FROM everything ORDER BY id", []string{
			"int64 1 | int64 1 | int64 127 | int64 -32768 | int64 2147483647 | int64 -9223372036854775808 | " +
				"string 170141183460469231731687303715884105727 | float32 1.5 | float64 -0.1 | string 1234567890123456789012345678.0123456789 | " +
				"string 2024-02-29 | string 2024-01-02 03:04:05.123456 | string abc | string naïve 😀 | string line\nbreak\ttab | string \x00\xff\x10 | " +
				`string {"a":[1,"x",null]} | string ["a","b"] | string {"k":1} | string {"x":7,"y":"seven"}`,
			"int64 2 | <nil> <nil> | <nil> <nil> | <nil> <nil> | <nil> <nil> | <nil> <nil> | <nil> <nil> | <nil> <nil> | <nil> <nil> | <nil> <nil> | " +
				"<nil> <nil> | <nil> <nil> | <nil> <nil> | string none | <nil> <nil> | <nil> <nil> | <nil> <nil> | <nil> <nil> | <nil> <nil> | <nil> <nil>"}},
	} {
		got := rows(t.Context(), t, db, c.query)
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s\n got %q\nwant %q", c.query, got, c.want)
		}
	}

	// Without interpolation the driver prepares on the server and reads binary rows.
	prepared := goDriver(t, s, "parseTime=true")
	got := rows(t.Context(), t, prepared, "SELECT id, l, big, price, at, bin FROM everything WHERE id = ?", 1)
	want := "int64 1 | int64 -9223372036854775808 | string 170141183460469231731687303715884105727 | string 1234567890123456789012345678.0123456789 | " +
		"time.Time 2024-01-02 03:04:05.123456 +0000 UTC | string \x00\xff\x10"
	if len(got) != 1 || got[0] != want {
		t.Errorf("prepared\n got %q\nwant %q", got, want)
	}
	if _, err := prepared.Exec("INSERT INTO t VALUES (?, ?, ?)", 1, "x", 2); err == nil || !strings.Contains(err.Error(), "Error 1295") {
		t.Errorf("a prepared INSERT gave %v, want error 1295", err)
	}
	if _, err := db.Exec("INSERT INTO t VALUES (?, ?, ?)", 1, "it 😀", 2); err != nil {
		t.Error(err)
	}
	if got := rows(t.Context(), t, db, "SELECT * FROM t"); len(got) != 1 || got[0] != "int64 1 | string it 😀 | int64 2" {
		t.Errorf("got %q", got)
	}
}
