package sqlport

import (
	"fmt"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/store"
)

func columnRow(db, table string, s store.Schema, i int) []any {
	c := s.Columns[i]
	dataType, columnType := mysqlNames(c.Type)
	var deflt, maxLen, octets, precision, scale, charset, coll, extra, generation any
	if c.Default != nil {
		deflt = *c.Default
	}
	extra = ""
	if c.AutoIncrement {
		extra = "auto_increment"
	}
	if c.Generated != nil {
		generation = c.Generated.Expression
	}
	switch c.Type.Kind {
	case store.Char, store.Varchar:
		maxLen, octets = int64(c.Type.Length), 3*int64(c.Type.Length)
		charset, coll = "utf8", collation
	case store.Decimal:
		precision, scale = int64(c.Type.Precision), int64(c.Type.Scale)
	default:
		if p, ok := numberDigits[c.Type.Kind]; ok {
			precision = int64(p)
			if c.Type.Kind != store.Float && c.Type.Kind != store.Double {
				scale = int64(0)
			}
		}
	}
	size := precision
	if maxLen != nil {
		size = maxLen
	}
	return []any{"def", db, table, c.Name, int64(i + 1), deflt, yesNo(c.Nullable), dataType, maxLen, octets, precision, scale,
		nil, charset, coll, columnType, columnKey(s.Model, c), extra, "", c.Comment, size, scale, generation, nil}
}

// numberDigits are the decimal digits of the number types. BOOLEAN has none, which
// is how a reader tells it from TINYINT.
var numberDigits = map[store.Kind]int{
	store.TinyInt: 3, store.SmallInt: 5, store.Int: 10, store.BigInt: 19, store.LargeInt: 39, store.Float: 7, store.Double: 15,
}

// mysqlNames are DATA_TYPE and COLUMN_TYPE, which StarRocks words for MySQL
// clients: a BOOLEAN is a tinyint(1), a LARGEINT a bigint(20) unsigned.
func mysqlNames(t store.Type) (dataType, columnType string) {
	switch t.Kind {
	case store.Boolean:
		return "tinyint", "tinyint(1)"
	case store.LargeInt:
		return "bigint unsigned", "bigint(20) unsigned"
	case store.Decimal:
		return "decimal", fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	case store.Binary:
		return "varbinary", t.String()
	}
	full := strings.ReplaceAll(t.String(), "`", "") // fields of a struct are not quoted here
	if i := strings.IndexAny(full, "(<"); i >= 0 {
		return full[:i], full
	}
	return full, full
}

func columnKey(m store.Model, c store.Column) string {
	if !c.Key {
		return ""
	}
	return map[store.Model]string{
		store.Duplicate: "DUP", store.Aggregate: "AGG", store.Unique: "UNI", store.Primary: "PRI",
	}[m]
}

func yesNo(b bool) string {
	if b {
		return "YES"
	}
	return "NO"
}

// systemColumnRow describes a column of a system database.
func systemColumnRow(db, table string, i int, c virtualColumn) []any {
	dataType, columnType, length := "varchar", "varchar(1048576)", any(int64(store.MaxVarchar))
	var octets, precision, scale, charset, coll any = 3 * int64(store.MaxVarchar), nil, nil, "utf8", collation
	if c.number {
		dataType, columnType, length = "bigint", "bigint(20)", nil
		octets, precision, scale, charset, coll = nil, int64(19), int64(0), nil, nil
	}
	size := precision
	if length != nil {
		size = length
	}
	return []any{"def", db, table, c.name, int64(i + 1), nil, "YES", dataType, length, octets, precision, scale,
		nil, charset, coll, columnType, "", "", "", "", size, scale, nil, nil}
}
