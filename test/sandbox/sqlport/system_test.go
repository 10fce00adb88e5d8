package sqlport_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/sqlport"
)

// columnNames returns the titles of a statement's result.
func columnNames(t *testing.T, s *sqlport.Server, statement string) []string {
	t.Helper()
	rows, err := open(t, s, "d").Query(statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return names
}

// TestSystemTables: every table of the system databases can be read, described, and
// is listed with the columns it has.
func TestSystemTables(t *testing.T) {
	s := serve(t, stored(t, shop))
	db := open(t, s, "d")
	for _, system := range []string{"information_schema", "_statistics_", "sys"} {
		for _, table := range read(t, db, "SHOW TABLES FROM "+system) {
			name := system + "." + table
			columns := columnNames(t, s, "SELECT * FROM "+name)
			want(t, db, "SELECT COLUMN_NAME FROM information_schema.columns WHERE TABLE_SCHEMA = '"+system+"' AND TABLE_NAME = '"+table+"' ORDER BY ORDINAL_POSITION",
				strings.Join(columns, " / "))
			var described []string
			for _, l := range read(t, db, "DESC "+name) {
				field, _, _ := strings.Cut(l, " | ")
				described = append(described, field)
			}
			if !slices.Equal(described, columns) {
				t.Errorf("DESC %s\n got %q\nwant %q", name, described, columns)
			}
			for _, l := range read(t, db, "SHOW FULL COLUMNS FROM "+name) {
				if strings.Count(l, " | ") != 8 {
					t.Errorf("SHOW FULL COLUMNS FROM %s: %s", name, l)
				}
			}
		}
	}
	for _, c := range []struct{ query, rows string }{
		{"SELECT PARTITION_NAME, VISIBLE_VERSION, NEXT_VERSION, BUCKETS, REPLICATION_NUM, ROW_COUNT, IS_TEMP FROM information_schema.partitions_meta WHERE DB_NAME = 'd' AND TABLE_NAME = 't'",
			"t | 2 | 3 | 1 | 1 | 2 | 0"},
		{"SELECT NUM_ROW, MAX_VERSION, STATE, TYPE FROM information_schema.be_tablets b JOIN information_schema.tables_config c ON b.TABLE_ID = c.TABLE_ID WHERE c.TABLE_SCHEMA = 'd' AND c.TABLE_NAME = 't'",
			"2 | 2 | RUNNING | PRIMARY"},
		{"SELECT VARIABLE_VALUE FROM information_schema.session_variables WHERE VARIABLE_NAME = 'query_timeout'", "42"},
		{"SELECT VARIABLE_VALUE FROM information_schema.global_variables WHERE VARIABLE_NAME = 'query_timeout'", "300"},
		{"SELECT TABLE_TYPE FROM information_schema.tables WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME = 'loads'", "SYSTEM VIEW"},
		{"SHOW FULL TABLES FROM sys", "grants_to_roles | SYSTEM VIEW / grants_to_users | SYSTEM VIEW / role_edges | SYSTEM VIEW"},
		{"SHOW DATABASES FROM default_catalog LIKE '%sys%'", "sys"},
		{"DESC d.t ALL", "t | PRI_KEYS | k | int(11) | NO | true | NULL |  /  |  | v | varchar(10) | YES | false | NULL | "},
	} {
		run(t, db, "SET query_timeout = 42")
		want(t, db, c.query, c.rows)
	}
	sizes := regexp.MustCompile(`[0-9]+\.[0-9]{3} [A-Z]*`)
	for statement, rows := range map[string]string{
		"SHOW DATA FROM u": "u | u | SIZE | 3 | 1 /  | Total | SIZE | 3 | ",
		"SHOW DATA":        "t | SIZE | 1 / u | SIZE | 3 / Total | SIZE | 4 / Quota | SIZE | 9223372036854775807 / Left | SIZE | 9223372036854775803",
	} {
		if got := sizes.ReplaceAllString(strings.Join(read(t, db, statement), " / "), "SIZE"); got != rows {
			t.Errorf("%s\n got %s\nwant %s", statement, got, rows)
		}
	}
	for statement, text := range map[string]string{
		"SHOW TABLETS FROM information_schema.tables": "is not a OLAP table",
		"CREATE DATABASE sys":                         "database exists",
		"DROP DATABASE information_schema":            "to database 'information_schema'",
		"SHOW DATABASES FROM hive":                    "Unknown catalog 'hive'",
		"DESC sys.nothing":                            "Unknown table 'sys.nothing'",
	} {
		if _, err := tryRead(db, statement); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %q", statement, err, text)
		}
	}
}

// TestShowTitles: SHOW statements have the columns of the real server, in order.
func TestShowTitles(t *testing.T) {
	s := serve(t, stored(t, shop))
	for statement, titles := range map[string]string{
		"SHOW DATABASES":            "Database",
		"SHOW FULL TABLES":          "Tables_in_d Table_type",
		"SHOW CREATE TABLE t":       "Table|Create Table",
		"SHOW CREATE DATABASE d":    "Database|Create Database",
		"SHOW INDEX FROM t":         "Table Non_unique Key_name Seq_in_index Column_name Collation Cardinality Sub_part Packed Null Index_type Comment",
		"SHOW CHARACTER SET":        "Charset|Description|Default collation|Maxlen",
		"SHOW WARNINGS LIMIT 5":     "Level Code Message",
		"SHOW STATUS":               "Variable_name Value",
		"SHOW ENGINES":              "Engine Support Comment Transactions XA Savepoints",
		"SHOW PLUGINS":              "Name Type Description Version JavaVersion ClassName SoName Sources Status Properties",
		"SHOW RESOURCES":            "Name ResourceType Key Value",
		"SHOW WAREHOUSES":           "Id Name State NodeCount CurrentClusterCount MaxClusterCount StartedClusters RunningSql QueuedSql CreatedOn ResumedOn UpdatedOn Property Comment",
		"SHOW ROUTINE LOAD":         "Id Name CreateTime PauseTime EndTime DbName TableName State DataSourceType CurrentTaskNum JobProperties DataSourceProperties CustomProperties Statistic Progress TimestampProgress ReasonOfStateChanged ErrorLogUrls TrackingSQL OtherMsg LatestSourcePosition",
		"SHOW ALTER TABLE OPTIMIZE": "JobId TableName CreateTime FinishTime Operation TransactionId State Msg Progress Timeout",
		"SHOW OPEN TABLES":          "Database Table In_use Name_locked",
		"SHOW PROPERTY":             "Key Value",
		"SHOW PROCEDURE STATUS":     "Db|Name|Type|Definer|Modified|Created|Security_type|Comment|character_set_client|collation_connection|Database Collation",
		"SHOW TRIGGERS FROM d":      "Trigger|Event|Table|Statement|Timing|Created|sql_mode|Definer|character_set_client|collation_connection|Database Collation",
	} {
		sep := " "
		if strings.Contains(titles, "|") {
			sep = "|"
		}
		if got := strings.Join(columnNames(t, s, statement), sep); got != titles {
			t.Errorf("%s\n got %s\nwant %s", statement, got, titles)
		}
	}
}
