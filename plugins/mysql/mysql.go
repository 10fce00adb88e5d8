// Package mysql is the reader of MySQL, MariaDB and what speaks like them: the dialect of package sqlread.
package mysql

import (
	"fmt"
	"time"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sqlread"
	"github.com/gx-etl/gx/plugins/sqlread/cut"
)

// Params are the parameters of the reader.
type Params struct {
	sqlread.Params
	ZeroDates string `json:"zeroDates" default:"dirty" gx:"enum=dirty|null" doc:"What becomes of dates with a month or day of 0, such as 0000-00-00: dirty makes the row a dirty record, null makes the value NULL, as zeroDateTimeBehavior=convertToNull in jdbcUrl does."`
}

// Shared serves sqlread.Config.
func (p *Params) Shared() (*sqlread.Params, sqlread.Extra) {
	return &p.Params, sqlread.Extra{ZeroNulls: p.ZeroDates == "null"}
}

// Check serves options.Checker.
func (p *Params) Check(path string) []options.Problem {
	shared, extra := p.Shared()
	return shared.Problems(path, dialect, extra)
}

// Plugin is the reader, ready for sdk.Serve.
func Plugin(version string) sdk.Plugin {
	return sqlread.Plugin(dialect, version, "Reads tables and queries of MySQL and MariaDB, cut into shards.",
		func() sqlread.Config { return new(Params) })
}

var dialect = &sqlread.Dialect{
	Plugin: "mysql-reader", Product: "MySQL", Port: "3306",
	Column:   column,
	Computed: func(wire string) sqlread.Type { return sqlread.WireType(wire, true) },
	Select:   selected,
	Session:  session,
}

// A server gives up a client that takes no rows for net_write_timeout; a full channel may last longer.
func session(timeout time.Duration, _ bool) []string {
	return []string{fmt.Sprintf("SET SESSION net_write_timeout = %d", int64(timeout.Seconds()))}
}

// selected asks for a FLOAT as the double that it is: on its own it arrives with six digits.
func selected(t sqlread.Type, quoted string) string {
	if t.Kind == sqlread.Float32 {
		return "(" + quoted + " + 0E0)"
	}
	return quoted
}

// column reads COLUMN_TYPE.
func column(columnType string) sqlread.Type {
	name, numbers, unsigned := sqlread.ParseType(columnType)
	t := sqlread.Type{Name: columnType}
	set := func(kind sqlread.Kind, split cut.Kind) { t.Kind, t.Split = kind, split }
	switch name {
	case "tinyint", "smallint", "mediumint", "int", "integer":
		if set(sqlread.Int32, cut.Integer); unsigned {
			t.Kind = sqlread.Int64
		}
	case "bigint":
		if set(sqlread.Int64, cut.Integer); unsigned {
			t.Kind = sqlread.Uint64
		}
	case "year":
		set(sqlread.Int32, cut.Integer)
		t.Compared = "CAST(%s AS UNSIGNED)" // beside a YEAR the number 95 is the year 1995
	case "bit":
		set(sqlread.Bits, cut.None)
	case "float":
		set(sqlread.Float32, cut.None)
	case "double", "real":
		set(sqlread.Float64, cut.None)
	case "decimal", "numeric":
		return sqlread.DecimalType(columnType, numbers)
	case "date":
		set(sqlread.Date, cut.Date)
	case "datetime", "timestamp":
		set(sqlread.DateTime, cut.DateTime)
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		set(sqlread.Text, cut.Text)
	case "time", "enum", "set", "uuid", "inet4", "inet6":
		set(sqlread.Text, cut.None)
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		set(sqlread.Bytes, cut.None)
	case "json":
		set(sqlread.JSON, cut.None)
	case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection":
		t.Try = "ST_AsText(%s)"
	case "vector":
		t.Try = "VECTOR_TO_STRING(%s)"
	}
	return t
}
