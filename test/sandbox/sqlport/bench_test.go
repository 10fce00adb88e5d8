package sqlport_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/store"
)

const benchRows = 1_000_000

func fillBench(b *testing.B, st *store.Store) {
	b.Helper()
	exec(b, st, `CREATE DATABASE d; CREATE TABLE d.big (k BIGINT NOT NULL, name VARCHAR(64), price DECIMAL(10,2), made DATETIME, n INT, f DOUBLE)
		DUPLICATE KEY(k)`)
	t, err := st.Table("d", "big")
	if err != nil {
		b.Fatal(err)
	}
	batch := t.NewBatch(nil)
	for i := range int64(benchRows) {
		row := []any{i, fmt.Sprintf("name of row %d", i), fmt.Sprintf("%d.%02d", i%100000, i%100), "2024-01-02 03:04:05", i % 1000, float64(i) / 8}
		if err := batch.Add(row, store.Upsert); err != nil {
			b.Fatal(err)
		}
	}
	if err := t.Commit(batch); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSelect reads a million rows of six columns through go-sql-driver, which
// shares the processors with the server.
func BenchmarkSelect(b *testing.B) {
	st := store.New(store.Options{})
	fillBench(b, st)
	db := open(b, serve(b, st), "d")
	for _, q := range []struct{ name, sql string }{
		{"all", "SELECT * FROM big"},
		{"filtered", "SELECT k, name, price FROM big WHERE k >= 250000 AND k < 750000"},
		{"moment", "SELECT * FROM big WHERE made >= '2024-01-02 03:00:00' AND made < '2024-01-03'"},
		{"text", "SELECT * FROM big WHERE name >= 'name of row 5' AND name < 'name of row 6'"},
		{"decimal", "SELECT * FROM big WHERE price >= 100 AND price < 50000.5"},
		{"nothing", "SELECT * FROM big WHERE k < 0 AND f > 0 OR k IS NULL"},
		{"engine", "SELECT k + 1, name FROM big"},
		{"bounds", "SELECT MIN(k), MAX(k) FROM big WHERE (n > 5) AND k IS NOT NULL"},
		{"tablet", "SELECT * FROM big TABLET(" + firstTablet(b, db) + ")"},
	} {
		b.Run(q.name, func(b *testing.B) {
			rows := 0
			for b.Loop() {
				rows += drain(b, db, q.sql)
			}
			b.ReportMetric(float64(benchRows*b.N)/b.Elapsed().Seconds(), "scanned/s")
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func firstTablet(tb testing.TB, db *sql.DB) string {
	tb.Helper()
	var id string
	if err := db.QueryRow("SELECT MIN(TABLET_ID) FROM information_schema.be_tablets").Scan(&id); err != nil {
		tb.Fatal(err)
	}
	return id
}

func drain(tb testing.TB, db *sql.DB, query string) int {
	tb.Helper()
	rows, err := db.Query(query)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		tb.Fatal(err)
	}
	raw, ptr := make([]sql.RawBytes, len(cols)), make([]any, len(cols))
	for i := range raw {
		ptr[i] = &raw[i]
	}
	n := 0
	for rows.Next() {
		if err := rows.Scan(ptr...); err != nil {
			tb.Fatal(err)
		}
		n++
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return n
}
