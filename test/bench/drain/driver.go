package drain

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"time"

	_ "github.com/go-sql-driver/mysql" // registers itself
)

// Scan is the same as Packets through go-sql-driver, every value taken as bytes.
func Scan(ctx context.Context, addr, query string) (Result, error) {
	db, err := sql.Open("mysql", "root@tcp("+addr+")/")
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = db.Close() }()
	if err := db.PingContext(ctx); err != nil {
		return Result{}, err
	}
	began := time.Now()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return Result{}, err
	}
	values, places := make([]sql.RawBytes, len(names)), make([]any, len(names))
	for i := range values {
		places[i] = &values[i]
	}
	var out Result
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return Result{}, err
		}
		out.Rows++
		for _, v := range values {
			out.Bytes += int64(len(v))
		}
	}
	out.Seconds = time.Since(began).Seconds()
	return out, rows.Err()
}

// Values is the same without database/sql above the driver: each value as the driver makes it.
func Values(ctx context.Context, addr, query string) (out Result, err error) {
	db, err := sql.Open("mysql", "root@tcp("+addr+")/")
	if err != nil {
		return out, err
	}
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return out, err
	}
	defer func() { _ = conn.Close() }()
	began := time.Now()
	err = conn.Raw(func(c any) error {
		rows, err := c.(driver.QueryerContext).QueryContext(ctx, query, nil)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		values := make([]driver.Value, len(rows.Columns()))
		for {
			if err := rows.Next(values); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
			out.Rows++
			for _, v := range values {
				if b, ok := v.([]byte); ok {
					out.Bytes += int64(len(b))
				} else {
					out.Bytes += 8
				}
			}
		}
	})
	out.Seconds = time.Since(began).Seconds()
	return out, err
}
