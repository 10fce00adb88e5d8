package sqlport

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/ddl"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

const (
	infoSchema = "information_schema"
	collation  = "utf8_general_ci"
)

// newInfoSchema makes information_schema with the tables that loaders and
// readers ask. Column names and order are those of StarRocks.
func newInfoSchema(s *Server) *virtualDB {
	db := &virtualDB{name: infoSchema}
	add := func(name, columns string, rows func() [][]any) {
		db.tables = append(db.tables, &virtualTable{
			name: name, db: infoSchema, cols: columnsOf(columns),
			rows: func(context.Context) ([][]any, error) { return rows(), nil },
		})
	}
	add("schemata", "CATALOG_NAME SCHEMA_NAME DEFAULT_CHARACTER_SET_NAME DEFAULT_COLLATION_NAME SQL_PATH", func() (rows [][]any) {
		for _, name := range append([]string{infoSchema}, s.st.Databases()...) {
			rows = append(rows, []any{"def", name, "utf8", collation, nil})
		}
		return rows
	})
	add("tables", `TABLE_CATALOG TABLE_SCHEMA TABLE_NAME TABLE_TYPE ENGINE VERSION# ROW_FORMAT TABLE_ROWS#
		AVG_ROW_LENGTH# DATA_LENGTH# MAX_DATA_LENGTH# INDEX_LENGTH# DATA_FREE# AUTO_INCREMENT# CREATE_TIME
		UPDATE_TIME CHECK_TIME TABLE_COLLATION CHECKSUM# CREATE_OPTIONS TABLE_COMMENT`, func() (rows [][]any) {
		for _, v := range db.tables {
			rows = append(rows, []any{"def", infoSchema, v.name, "SYSTEM VIEW", "MEMORY", nil, nil, nil, nil, nil, nil, nil,
				nil, nil, nil, nil, nil, collation, nil, nil, ""})
		}
		for t := range s.allTables() {
			rows = append(rows, []any{"def", t.DB(), t.Name(), "BASE TABLE", "StarRocks", nil, nil, t.NumRows(), nil, nil, nil, nil,
				nil, nil, nil, nil, nil, collation, nil, nil, t.Schema().Comment})
		}
		return rows
	})
	add("columns", `TABLE_CATALOG TABLE_SCHEMA TABLE_NAME COLUMN_NAME ORDINAL_POSITION# COLUMN_DEFAULT IS_NULLABLE
		DATA_TYPE CHARACTER_MAXIMUM_LENGTH# CHARACTER_OCTET_LENGTH# NUMERIC_PRECISION# NUMERIC_SCALE#
		DATETIME_PRECISION# CHARACTER_SET_NAME COLLATION_NAME COLUMN_TYPE COLUMN_KEY EXTRA PRIVILEGES
		COLUMN_COMMENT COLUMN_SIZE# DECIMAL_DIGITS# GENERATION_EXPRESSION SRS_ID#`, func() (rows [][]any) {
		for t := range s.allTables() {
			sch := t.Schema()
			for i := range sch.Columns {
				rows = append(rows, columnRow(t, sch, i))
			}
		}
		return rows
	})
	add("tables_config", `TABLE_SCHEMA TABLE_NAME TABLE_ENGINE TABLE_MODEL PRIMARY_KEY PARTITION_KEY DISTRIBUTE_KEY
		DISTRIBUTE_TYPE DISTRIBUTE_BUCKET# SORT_KEY PROPERTIES TABLE_ID#`, func() (rows [][]any) {
		for t := range s.allTables() {
			rows = append(rows, configRow(t))
		}
		return rows
	})
	add("partitions_meta", `DB_NAME TABLE_NAME PARTITION_NAME PARTITION_ID# VISIBLE_VERSION# NEXT_VERSION#
		PARTITION_KEY DISTRIBUTION_KEY BUCKETS# REPLICATION_NUM# IS_TEMP# DATA_SIZE ROW_COUNT#`, func() (rows [][]any) {
		for t := range s.allTables() {
			sch := t.Schema()
			for _, p := range t.Partitions() {
				rows = append(rows, []any{t.DB(), t.Name(), p.Name, p.ID, p.Version, p.Version + 1,
					partitionKey(sch), names(sch.DistributedBy), int64(p.Buckets), int64(1), int64(0), "0B", p.Rows})
			}
		}
		return rows
	})
	add("be_tablets", `BE_ID# TABLE_ID# PARTITION_ID# TABLET_ID# NUM_VERSION# MAX_VERSION# MIN_VERSION# NUM_ROWSET#
		NUM_ROW# DATA_SIZE# STATE TYPE`, func() (rows [][]any) {
		for t := range s.allTables() {
			for _, p := range t.Partitions() {
				for _, b := range p.Tablets {
					rows = append(rows, []any{firstBackendID, t.ID(), p.ID, b.ID, int64(b.Versions), b.Version, int64(1),
						int64(1), b.Rows, b.Bytes, "RUNNING", t.Schema().Model.String()})
				}
			}
		}
		return rows
	})
	return db
}

// allTables walks over the tables of the store by database and name. A table
// dropped meanwhile is left out.
func (s *Server) allTables() func(func(*store.Table) bool) {
	return func(yield func(*store.Table) bool) {
		for _, db := range s.st.Databases() {
			list, err := s.st.Tables(db)
			if err != nil {
				continue
			}
			for _, name := range list {
				if t, err := s.st.Table(db, name); err == nil && !yield(t) {
					return
				}
			}
		}
	}
}

func names(list []string) string { return strings.Join(quoteAll(list), ", ") }

func quoteAll(list []string) []string {
	quoted := make([]string, len(list))
	for i, n := range list {
		quoted[i] = wire.QuoteName(n)
	}
	return quoted
}

func configRow(t *store.Table) []any {
	s := t.Schema()
	primary, dist := "", "RANDOM"
	if s.Model == store.Primary || s.Model == store.Unique {
		primary = names(s.Keys)
	}
	if len(s.DistributedBy) > 0 {
		dist = "HASH"
	}
	sortKey := ddl.SortKey(s)
	if sortKey == nil {
		sortKey = s.Keys
	}
	props := maps.Clone(s.Properties)
	delete(props, ddl.SortKeyProperty)
	if props == nil {
		props = map[string]string{}
	}
	text, _ := json.Marshal(props) // a map of strings always converts
	return []any{t.DB(), t.Name(), "OLAP", s.Model.String(), primary, partitionKey(s), names(s.DistributedBy), dist,
		int64(numTablets(t)), names(sortKey), string(text), t.ID()}
}

// partitionKey is the list of partition columns.
func partitionKey(s store.Schema) string {
	if s.Partitioning == nil {
		return ""
	}
	return names(s.Partitioning.Columns)
}

func columnRow(t *store.Table, s store.Schema, i int) []any {
	c := s.Columns[i]
	dataType, columnType := mysqlNames(c.Type)
	var deflt, maxLen, octets, precision, scale, charset, coll, extra any
	if c.Default != nil {
		deflt = *c.Default
	}
	extra = ""
	if c.AutoIncrement {
		extra = "auto_increment"
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
	return []any{"def", t.DB(), t.Name(), c.Name, int64(i + 1), deflt, yesNo(c.Nullable), dataType, maxLen, octets, precision, scale,
		nil, charset, coll, columnType, columnKey(s.Model, c), extra, "", c.Comment, size, scale, nil, nil}
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
	full := t.String()
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

// tablesOf lists the tables of a database, also of information_schema.
func (s *Server) tablesOf(db string) ([]string, error) {
	if strings.EqualFold(db, infoSchema) {
		list, err := s.engine.analyzer.Catalog.InfoSchema.GetTableNames(nil)
		return slices.Sorted(slices.Values(list)), err
	}
	return s.st.Tables(db)
}
