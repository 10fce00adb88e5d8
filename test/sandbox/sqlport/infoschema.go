package sqlport

import (
	"context"
	"slices"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/store"
)

const (
	infoSchema = "information_schema"
	collation  = "utf8_general_ci"
)

// atLeast says whether the server plays the given release or a later one.
func (s *Server) atLeast(major, minor int) bool { return s.release.AtLeast(major, minor) }

// catalogTable describes a table of a system database: its columns in the compact
// form of columnsOf, and its rows, nil for one that is always empty here because
// what it lists does not exist in the stand-in.
type catalogTable struct {
	name, columns string
	rows          func(context.Context) [][]any
}

func virtualTables(db string, list []catalogTable) *virtualDB {
	v := &virtualDB{name: db}
	for _, t := range list {
		v.tables = append(v.tables, &virtualTable{
			name: t.name, db: db, cols: columnsOf(t.columns),
			rows: func(ctx context.Context) ([][]any, error) {
				if t.rows == nil {
					return nil, nil
				}
				return t.rows(ctx), nil
			},
		})
	}
	return v
}

// constantRows are rows that do not depend on anything.
func constantRows(rows ...[]any) func(context.Context) [][]any {
	return func(context.Context) [][]any { return rows }
}

// newInfoSchema makes information_schema. Names of tables and columns and their
// order are those of StarRocks.
func newInfoSchema(s *Server) *virtualDB {
	list := append(s.metadataTables(), s.compatibilityTables()...)
	if s.atLeast(3, 1) {
		list = append(list, catalogTable{"loads", s.loadsColumns(), s.withLoads(s.loadsTable)})
	}
	tracking, logs := "JOB_ID# LABEL DATABASE_NAME TRACKING_LOG", func(l []LoadRow) [][]any { return cut(trackingLogs(l), 1, 5) }
	if s.atLeast(3, 4) {
		tracking, logs = "ID# JOB_ID# LABEL DATABASE_NAME TRACKING_LOG TYPE", trackingLogs
	}
	if s.atLeast(3, 0) {
		list = append(list, catalogTable{"load_tracking_logs", tracking, s.withLoads(logs)})
	}
	// 3.1 by the nearest statement: loads, its neighbour, came with that line.
	if s.atLeast(3, 1) {
		list = append(list, catalogTable{"stream_loads", streamLoadsColumns, s.withLoads(streamLoadsTable)})
	}
	list = slices.DeleteFunc(list, func(t catalogTable) bool {
		switch t.name {
		case "partitions_meta": // came with 3.1.9
			return !s.release.AtLeastPatch(3, 1, 9)
		case "be_tablets", "be_configs": // 3.0 by the nearest statement: the manual of 2.5 lists none of a BE
			return !s.atLeast(3, 0)
		}
		return false
	})
	db := virtualTables(infoSchema, list)
	slices.SortFunc(db.tables, func(a, b *virtualTable) int { return strings.Compare(a.name, b.name) })
	return db
}

// cut keeps the columns from..to of every row.
func cut(rows [][]any, from, to int) [][]any {
	for i := range rows {
		rows[i] = rows[i][from:to]
	}
	return rows
}

// metadataTables are the tables about databases, tables, columns and partitions.
func (s *Server) metadataTables() []catalogTable {
	return []catalogTable{
		{"schemata", "CATALOG_NAME SCHEMA_NAME DEFAULT_CHARACTER_SET_NAME DEFAULT_COLLATION_NAME SQL_PATH", func(ctx context.Context) (rows [][]any) {
			for _, name := range s.databasesFor(sessionOf(ctx)) {
				rows = append(rows, []any{"def", name, "utf8", collation, nil})
			}
			return rows
		}},
		{"tables", `TABLE_CATALOG TABLE_SCHEMA TABLE_NAME TABLE_TYPE ENGINE VERSION# ROW_FORMAT TABLE_ROWS#
			AVG_ROW_LENGTH# DATA_LENGTH# MAX_DATA_LENGTH# INDEX_LENGTH# DATA_FREE# AUTO_INCREMENT# CREATE_TIME
			UPDATE_TIME CHECK_TIME TABLE_COLLATION CHECKSUM# CREATE_OPTIONS TABLE_COMMENT`, s.infoTables},
		{"columns", `TABLE_CATALOG TABLE_SCHEMA TABLE_NAME COLUMN_NAME ORDINAL_POSITION# COLUMN_DEFAULT IS_NULLABLE
			DATA_TYPE CHARACTER_MAXIMUM_LENGTH# CHARACTER_OCTET_LENGTH# NUMERIC_PRECISION# NUMERIC_SCALE#
			DATETIME_PRECISION# CHARACTER_SET_NAME COLLATION_NAME COLUMN_TYPE COLUMN_KEY EXTRA PRIVILEGES
			COLUMN_COMMENT COLUMN_SIZE# DECIMAL_DIGITS# GENERATION_EXPRESSION SRS_ID#`, s.infoColumns},
		{"tables_config", `TABLE_SCHEMA TABLE_NAME TABLE_ENGINE TABLE_MODEL PRIMARY_KEY PARTITION_KEY DISTRIBUTE_KEY
			DISTRIBUTE_TYPE DISTRIBUTE_BUCKET# SORT_KEY PROPERTIES TABLE_ID#`, func(ctx context.Context) (rows [][]any) {
			for t := range s.tablesFor(sessionOf(ctx)) {
				rows = append(rows, configRow(t))
			}
			return rows
		}},
		{"partitions_meta", `DB_NAME TABLE_NAME PARTITION_NAME PARTITION_ID# COMPACT_VERSION# VISIBLE_VERSION# VISIBLE_VERSION_TIME
			NEXT_VERSION# DATA_VERSION# VERSION_EPOCH# VERSION_TXN_TYPE PARTITION_KEY PARTITION_VALUE DISTRIBUTION_KEY BUCKETS#
			REPLICATION_NUM# STORAGE_MEDIUM COOLDOWN_TIME LAST_CONSISTENCY_CHECK_TIME IS_IN_MEMORY# IS_TEMP# DATA_SIZE ROW_COUNT#
			ENABLE_DATACACHE# AVG_CS P50_CS MAX_CS STORAGE_PATH STORAGE_SIZE# METADATA_SWITCH_VERSION#`, s.infoPartitions},
		{"be_tablets", `BE_ID# TABLE_ID# PARTITION_ID# TABLET_ID# NUM_VERSION# MAX_VERSION# MIN_VERSION# NUM_ROWSET#
			NUM_ROW# DATA_SIZE# INDEX_MEM# CREATE_TIME# STATE TYPE DATA_DIR SHARD_ID# SCHEMA_HASH# INDEX_DISK# MEDIUM_TYPE NUM_SEGMENT#`, s.infoTablets},
		{"key_column_usage", `CONSTRAINT_CATALOG CONSTRAINT_SCHEMA CONSTRAINT_NAME TABLE_CATALOG TABLE_SCHEMA TABLE_NAME COLUMN_NAME
			ORDINAL_POSITION# POSITION_IN_UNIQUE_CONSTRAINT# REFERENCED_TABLE_SCHEMA REFERENCED_TABLE_NAME REFERENCED_COLUMN_NAME`, nil},
		{"table_constraints", "CONSTRAINT_CATALOG CONSTRAINT_SCHEMA CONSTRAINT_NAME TABLE_SCHEMA TABLE_NAME CONSTRAINT_TYPE", nil},
		{"referential_constraints", `CONSTRAINT_CATALOG CONSTRAINT_SCHEMA CONSTRAINT_NAME UNIQUE_CONSTRAINT_CATALOG UNIQUE_CONSTRAINT_SCHEMA
			UNIQUE_CONSTRAINT_NAME MATCH_OPTION UPDATE_RULE DELETE_RULE TABLE_NAME REFERENCED_TABLE_NAME`, nil},
		{"statistics", `TABLE_CATALOG TABLE_SCHEMA TABLE_NAME NON_UNIQUE# INDEX_SCHEMA INDEX_NAME SEQ_IN_INDEX# COLUMN_NAME COLLATION
			CARDINALITY# SUB_PART# PACKED NULLABLE INDEX_TYPE COMMENT INDEX_COMMENT`, nil},
		{"views", `TABLE_CATALOG TABLE_SCHEMA TABLE_NAME VIEW_DEFINITION CHECK_OPTION IS_UPDATABLE DEFINER SECURITY_TYPE
			CHARACTER_SET_CLIENT COLLATION_CONNECTION`, func(ctx context.Context) (rows [][]any) {
			for v := range s.viewsFor(sessionOf(ctx)) {
				rows = append(rows, viewRow(v))
			}
			return rows
		}},
		{"materialized_views", `MATERIALIZED_VIEW_ID# TABLE_SCHEMA TABLE_NAME REFRESH_TYPE IS_ACTIVE INACTIVE_REASON PARTITION_TYPE TASK_ID#
			TASK_NAME LAST_REFRESH_START_TIME LAST_REFRESH_FINISHED_TIME LAST_REFRESH_DURATION LAST_REFRESH_STATE LAST_REFRESH_FORCE_REFRESH
			LAST_REFRESH_START_PARTITION LAST_REFRESH_END_PARTITION LAST_REFRESH_BASE_REFRESH_PARTITIONS LAST_REFRESH_MV_REFRESH_PARTITIONS
			LAST_REFRESH_ERROR_CODE LAST_REFRESH_ERROR_MESSAGE TABLE_ROWS# MATERIALIZED_VIEW_DEFINITION EXTRA_MESSAGE
			QUERY_REWRITE_STATUS CREATOR LAST_REFRESH_PROCESS_TIME LAST_REFRESH_JOB_ID`, nil},
	}
}

// compatibilityTables are those MySQL clients ask for, and those about the server.
func (s *Server) compatibilityTables() []catalogTable {
	return []catalogTable{
		{"engines", "ENGINE SUPPORT COMMENT TRANSACTIONS XA SAVEPOINTS",
			constantRows([]any{"OLAP", "DEFAULT", "Default storage engine of StarRocks", "NO", "NO", "NO"})},
		{"character_sets", "CHARACTER_SET_NAME DEFAULT_COLLATE_NAME DESCRIPTION MAXLEN#", constantRows([]any{"utf8", collation, "UTF-8 Unicode", int64(3)})},
		{"collations", "COLLATION_NAME CHARACTER_SET_NAME ID# IS_DEFAULT IS_COMPILED SORTLEN#",
			constantRows([]any{collation, "utf8", int64(33), "Yes", "Yes", int64(1)})},
		{"session_variables", "VARIABLE_NAME VARIABLE_VALUE", func(ctx context.Context) [][]any {
			if ss := sessionOf(ctx); ss != nil {
				return ss.vars.variableRows()
			}
			return s.globals.variableRows()
		}},
		{"global_variables", "VARIABLE_NAME VARIABLE_VALUE", func(context.Context) [][]any { return s.globals.variableRows() }},
		{"be_configs", "BE_ID# NAME VALUE TYPE DEFAULT MUTABLE#", s.backendConfigs},
		{"user_privileges", "GRANTEE TABLE_CATALOG PRIVILEGE_TYPE IS_GRANTABLE", s.privilegeRows(store.OnSystem)},
		{"schema_privileges", "GRANTEE TABLE_CATALOG TABLE_SCHEMA PRIVILEGE_TYPE IS_GRANTABLE", s.privilegeRows(store.OnDatabase)},
		{"table_privileges", "GRANTEE TABLE_CATALOG TABLE_SCHEMA TABLE_NAME PRIVILEGE_TYPE IS_GRANTABLE", s.privilegeRows(store.OnTable)},
		{"column_privileges", "GRANTEE TABLE_CATALOG TABLE_SCHEMA TABLE_NAME COLUMN_NAME PRIVILEGE_TYPE IS_GRANTABLE", nil},
		{"routines", `SPECIFIC_NAME ROUTINE_CATALOG ROUTINE_SCHEMA ROUTINE_NAME ROUTINE_TYPE DTD_IDENTIFIER ROUTINE_BODY ROUTINE_DEFINITION
			EXTERNAL_NAME EXTERNAL_LANGUAGE PARAMETER_STYLE IS_DETERMINISTIC SQL_DATA_ACCESS SQL_PATH SECURITY_TYPE CREATED LAST_ALTERED
			SQL_MODE ROUTINE_COMMENT DEFINER CHARACTER_SET_CLIENT COLLATION_CONNECTION DATABASE_COLLATION`, nil},
		{"triggers", `TRIGGER_CATALOG TRIGGER_SCHEMA TRIGGER_NAME EVENT_MANIPULATION EVENT_OBJECT_CATALOG EVENT_OBJECT_SCHEMA
			EVENT_OBJECT_TABLE ACTION_ORDER# ACTION_CONDITION ACTION_STATEMENT ACTION_ORIENTATION ACTION_TIMING ACTION_REFERENCE_OLD_TABLE
			ACTION_REFERENCE_NEW_TABLE ACTION_REFERENCE_OLD_ROW ACTION_REFERENCE_NEW_ROW CREATED SQL_MODE DEFINER CHARACTER_SET_CLIENT
			COLLATION_CONNECTION DATABASE_COLLATION`, nil},
		{"events", `EVENT_CATALOG EVENT_SCHEMA EVENT_NAME DEFINER TIME_ZONE EVENT_BODY EVENT_DEFINITION EVENT_TYPE EXECUTE_AT
			INTERVAL_VALUE INTERVAL_FIELD SQL_MODE STARTS ENDS STATUS ON_COMPLETION CREATED LAST_ALTERED LAST_EXECUTED EVENT_COMMENT
			ORIGINATOR# CHARACTER_SET_CLIENT COLLATION_CONNECTION DATABASE_COLLATION`, nil},
	}
}

// tablesFor walks over the tables a session sees by database and name. A table
// dropped meanwhile is left out.
func (s *Server) tablesFor(ss *session) func(func(*store.Table) bool) {
	return func(yield func(*store.Table) bool) {
		for t := range s.allTables() {
			if ss.seesTable(t.DB(), t.Name()) && !yield(t) {
				return
			}
		}
	}
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

// tablesOf lists the tables and views of a database that a session sees.
func (s *Server) tablesOf(ss *session, db string) ([]string, error) {
	if v := s.systemDB(db); v != nil {
		list, err := v.GetTableNames(nil)
		list = slices.DeleteFunc(list, func(name string) bool { return !ss.seesTable(v.name, name) })
		return slices.Sorted(slices.Values(list)), err
	}
	list, err := s.st.Tables(db)
	list = slices.DeleteFunc(list, func(name string) bool { return !ss.seesTable(db, name) })
	for _, v := range s.st.Views(db) {
		if ss.seesView(db, v.Name) {
			list = append(list, v.Name)
		}
	}
	slices.Sort(list)
	return list, err
}

// neverCooled is the cooldown time of data that stays on its disk.
const neverCooled = "9999-12-31 23:59:59"
