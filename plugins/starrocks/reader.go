package starrocks

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sqlread"
	"github.com/gx-etl/gx/plugins/sqlread/cut"
)

// ReaderParams are the parameters of the reader.
type ReaderParams struct {
	sqlread.Params
	SplitBy string `json:"splitBy" default:"range" gx:"enum=range|tablet" doc:"How tables are cut into shards: by ranges of splitPk, or by the tablets in which StarRocks stores them, which are disjoint and balanced whatever the key is."`
}

// Shared serves sqlread.Config.
func (p *ReaderParams) Shared() (*sqlread.Params, sqlread.Extra) {
	return &p.Params, sqlread.Extra{SplitBy: p.SplitBy}
}

// Check serves options.Checker.
func (p *ReaderParams) Check(path string) []options.Problem {
	shared, extra := p.Shared()
	return shared.Problems(path, readDialect, extra)
}

// ReaderPlugin is the reader, ready for sdk.Serve.
func ReaderPlugin(version string) sdk.Plugin {
	return sqlread.Plugin(readDialect, version, "Reads tables and queries of StarRocks, cut into shards.",
		func() sqlread.Config { return new(ReaderParams) })
}

var readDialect = &sqlread.Dialect{
	Plugin: "starrocks-reader", Product: "StarRocks", Port: defaultQueryPort,
	Column: columnType,
	// The protocol calls texts and bytes alike; an expression over bytes is for hex or to_base64 to make a text of.
	Computed: func(wire string) sqlread.Type { return sqlread.WireType(wire, false) },
	Select:   func(_ sqlread.Type, quoted string) string { return quoted },
	Hints:    true,
	Session: func(timeout time.Duration, hinted bool) []string {
		if hinted {
			return nil
		}
		return []string{fmt.Sprintf("SET query_timeout = %d", int64(timeout.Seconds()))}
	},
	Tablets: tablets,
}

// columnType reads COLUMN_TYPE, which words types for clients of MySQL: BOOLEAN is a tinyint(1), LARGEINT a bigint without a
// sign. A LARGEINT travels as the text of its digits, since 128 bits do not fit the 38 digits of a decimal.
func columnType(text string) sqlread.Type {
	name, numbers, unsigned := sqlread.ParseType(text)
	t := sqlread.Type{Name: text}
	set := func(kind sqlread.Kind, split cut.Kind) { t.Kind, t.Split = kind, split }
	switch name {
	case "boolean":
		set(sqlread.Bool, cut.None)
	case "tinyint":
		if set(sqlread.Int32, cut.Integer); slices.Equal(numbers, []int32{1}) {
			set(sqlread.Bool, cut.None)
		}
	case "smallint", "int":
		set(sqlread.Int32, cut.Integer)
	case "bigint":
		if set(sqlread.Int64, cut.Integer); unsigned {
			t.Name = "LARGEINT"
			set(sqlread.Text, cut.Integer)
		}
	case "largeint":
		set(sqlread.Text, cut.Integer)
	case "float":
		set(sqlread.Float32, cut.None)
	case "double":
		set(sqlread.Float64, cut.None)
	case "decimal", "decimalv2", "decimal32", "decimal64", "decimal128", "decimal256":
		return sqlread.DecimalType(text, numbers)
	case "date":
		set(sqlread.Date, cut.Date)
	case "datetime":
		set(sqlread.DateTime, cut.DateTime)
	case "char", "varchar", "string":
		set(sqlread.Text, cut.Text)
	case "binary", "varbinary":
		set(sqlread.Bytes, cut.None)
	case "json":
		set(sqlread.JSON, cut.None)
	case "array", "map", "struct":
		set(sqlread.Text, cut.None)
	case "bitmap":
		t.Try = "bitmap_to_string(%s)"
	case "hll":
		t.Try = "hll_cardinality(%s)"
	case "percentile":
		t.Try = "percentile_approx_raw(%s, 0.5)"
	}
	return t
}

// tablets lists a table's tablets; SHOW TABLETS has a row for each replica, and which columns it has depends on the release.
func tablets(ctx context.Context, conn *sql.Conn, table string) (ids []string, err error) {
	rows, err := conn.QueryContext(ctx, "SHOW TABLETS FROM "+table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	at := slices.Index(names, "TabletId")
	if at < 0 {
		return nil, fmt.Errorf("SHOW TABLETS has no column TabletId")
	}
	into := make([]any, len(names))
	for i := range into {
		into[i] = new(sql.RawBytes)
	}
	var id int64
	into[at] = &id
	seen := map[int64]bool{}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, fmt.Sprint(id))
		}
	}
	return ids, rows.Err()
}
