package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"

	_ "github.com/go-sql-driver/mysql" // registers itself
)

// form is raised when the rows are made in another way, so that a table that is already there can be trusted.
const form = 1

// tableOf names the table of so many rows.
func tableOf(rows int64) string { return fmt.Sprintf("orders_f%d_n%d", form, rows) }

// ensure leaves a table as it is when it holds as many rows as it should, and fills it anew otherwise. The rows are made by
// the server; their numbers decide every value.
func ensure(ctx context.Context, db *sql.DB, rows int64) error {
	table := "bench." + tableOf(rows)
	var n int64
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table).Scan(&n); err == nil && n == rows {
		return nil
	}
	began := time.Now()
	for _, q := range []string{
		"CREATE DATABASE IF NOT EXISTS bench",
		"DROP TABLE IF EXISTS " + table,
		"CREATE TABLE " + table + " (id BIGINT PRIMARY KEY, line INT, price DECIMAL(12,2), name VARCHAR(64), made DATETIME(6), ratio DOUBLE) CHARACTER SET utf8mb4",
		fmt.Sprintf("INSERT INTO "+table+" SELECT seq, seq %% 100000, (seq * 7919 %% 100000000) / 100, CONCAT(ELT(1 + seq %% 4, 'customer ', 'Kundin ', 'клиент ', '客户 '), seq), "+
			"'2024-01-01' + INTERVAL seq * 1234567 MICROSECOND, (seq * 104729 %% 1000003) / 1000003 FROM bench.seq_1_to_%d", rows),
		"ANALYZE TABLE " + table,
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	fmt.Fprintf(os.Stderr, "filled %s in %.1f s\n", table, time.Since(began).Seconds())
	return nil
}
