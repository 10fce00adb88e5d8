package sqlreader

import (
	"database/sql"
	"testing"

	_ "github.com/go-sql-driver/mysql" // registers itself
	"github.com/gx-etl/gx/test/sqlreader/cases"
	"pgregory.net/rapid"
)

// kinds are the types that a table of StarRocks can be cut by, and one that it cannot.
var kinds = []cases.Kind{
	{Type: "TINYINT", Values: cases.Whole(-128, 127)},
	{Type: "SMALLINT", Values: cases.Whole(-32768, 32767)},
	{Type: "INT", Values: cases.Whole(-1<<31, 1<<31-1)},
	{Type: "BIGINT", Values: rapid.OneOf(cases.Whole(-1<<63, 1<<63-1), cases.Whole(1000, 1100))},
	{Type: "LARGEINT", Values: rapid.SampledFrom([]string{"-170141183460469231731687303715884105728", "170141183460469231731687303715884105727", "0", "18446744073709551616", "-1"})},
	{Type: "DECIMAL(20,4)", Values: cases.Decimals},
	{Type: "DATE", Values: cases.Dates(0)},
	{Type: "DATETIME", Values: cases.Instants(0, 1969, 1970, 2024, 9999)},
	{Type: "VARCHAR(200)", Values: cases.Texts},
	{Type: "DOUBLE", Values: cases.Small},
}

// Random tables, conditions and numbers of shards: the shards together hold every row of the table once.
func TestShardsHoldEveryRowOnce(t *testing.T) {
	s := start(t, "CREATE DATABASE shop;")
	db, err := sql.Open("mysql", "root:@tcp("+s.QueryAddr()+")/shop")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	server := cases.Server{DB: db, Kinds: kinds, Readers: dialects, Tablets: "starrocks",
		Parameters: func(more string) string { return parameters(s, more) }, Tail: "DUPLICATE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 4"}
	server.EveryRowOnce(t, cases.Count(t, 500))
}
