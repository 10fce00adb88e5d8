package sqlport_test

import (
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox/sqlport"
)

// TestDrivers sends what drivers and tools say of themselves when they connect.
func TestDrivers(t *testing.T) {
	db := open(t, serve(t, stored(t, "CREATE DATABASE d; CREATE TABLE d.t (k INT) DUPLICATE KEY(k)")), "d")
	for _, stmt := range []string{
		// MySQL Connector/J
		"/* mysql-connector-j-8.3.0 */SELECT @@session.auto_increment_increment AS auto_increment_increment, @@character_set_client AS character_set_client, " +
			"@@character_set_connection AS character_set_connection, @@character_set_results AS character_set_results, @@character_set_server AS character_set_server, " +
			"@@collation_server AS collation_server, @@collation_connection AS collation_connection, @@init_connect AS init_connect, " +
			"@@interactive_timeout AS interactive_timeout, @@license AS license, @@lower_case_table_names AS lower_case_table_names, " +
			"@@max_allowed_packet AS max_allowed_packet, @@net_write_timeout AS net_write_timeout, @@performance_schema AS performance_schema, " +
			"@@query_cache_size AS query_cache_size, @@query_cache_type AS query_cache_type, @@sql_mode AS sql_mode, @@system_time_zone AS system_time_zone, " +
			"@@time_zone AS time_zone, @@transaction_isolation AS transaction_isolation, @@wait_timeout AS wait_timeout",
		"SET character_set_results = NULL", "SET NAMES utf8mb4", "SET autocommit=1", "SET sql_mode='STRICT_TRANS_TABLES'",
		"SET SESSION TRANSACTION READ ONLY", "SELECT @@session.transaction_read_only", "select @@session.tx_isolation", "SET SQL_SELECT_LIMIT=200",
		"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "SELECT 1", "/* ping */ SELECT 1",
		// PyMySQL and SQLAlchemy
		"SET AUTOCOMMIT = 0", "SELECT DATABASE()", "SELECT @@transaction_isolation", "SELECT @@sql_mode", "SELECT @@lower_case_table_names",
		"SHOW VARIABLES LIKE 'sql_mode'", "SELECT VERSION()", "SELECT CAST('test plain returns' AS CHAR(60)) AS anon_1", "ROLLBACK", "COMMIT",
		"SHOW WARNINGS", "SELECT @@version_comment LIMIT 1",
		// go-sql-driver
		"SET NAMES utf8mb4 COLLATE utf8mb4_general_ci", "SELECT @@max_allowed_packet",
		// command lines and tools
		"select @@version_comment limit 1", "select USER()", "SET SQL_SELECT_LIMIT=DEFAULT", "SET net_write_timeout=600", "SELECT @@SESSION.autocommit",
		"SET @a = 1, @b = 'x'", "SELECT @a + 1, @b", "SET GLOBAL query_timeout = 400", "SET @@session.query_timeout = 5", "SET SESSION query_timeout = DEFAULT",
		"SET LOCAL time_zone = '+08:00'", "SET time_zone = 'Asia/Shanghai'", "SET @@sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')",
	} {
		if _, err := tryRead(db, stmt); err != nil {
			t.Errorf("%s: %v", stmt, err)
		}
	}
	want(t, db, "SELECT @@time_zone, @@sql_select_limit", "Asia/Shanghai | 9223372036854775807")
	want(t, db, "SELECT UNIX_TIMESTAMP('1970-01-01 08:00:01')", "1")
	for _, c := range []struct {
		stmt string
		code uint16
		text string
	}{
		{"SET query_timeout = 0", 1064, "query_timeout must be equal or greater than 1"},
		{"SET query_timeout = 259201", 1064, "query_timeout must be equal or smaller than 259200"},
		{"SELECT /*+ SET_VAR(query_timeout = 0) */ 1", 1064, "query_timeout must be equal or greater than 1"},
		{"SELECT /*+ SET_VAR(no_such = 1) */ 1", 1193, "Unknown system variable 'no_such'"},
		{"SET no_such = 1", 1193, "Unknown system variable 'no_such'"},
		{"SELECT @@no_such", 1193, "Unknown system variable 'no_such'"},
		{"SET time_zone = 'Nowhere'", 1298, "Unknown or incorrect time zone: 'Nowhere'"},
		{"SET version = '1'", 1621, "read only"},
		{"SET query_timeout = 'x'", 1232, "Incorrect argument type"},
	} {
		wantError(t, db, c.stmt, c.code, c.text)
	}
}

// TestPreparedParameters: every type of parameter arrives, and a prepared query
// runs again with others.
func TestPreparedParameters(t *testing.T) {
	st := stored(t, `CREATE DATABASE d; CREATE TABLE d.t (k BIGINT, v VARCHAR(20), f DOUBLE, b BOOLEAN, at DATETIME, raw VARBINARY) DUPLICATE KEY(k);
		INSERT INTO d.t VALUES (1, 'it''s', 1.5, true, '2024-01-02 03:04:05.000006', X'00FF'), (9223372036854775807, NULL, -2, false, '0000-01-01', 'x')`)
	s := serve(t, st)
	db := openDSN(t, "root@tcp("+s.Addr()+")/d")
	stmt, err := db.Prepare("SELECT k FROM t WHERE k = ? AND (v = ? OR ? IS NULL) AND f = ? AND b = ? AND at = ? AND raw = ?")
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	for range 2 {
		for _, c := range []struct {
			args []any
			want int64
		}{
			{[]any{int64(1), "it's", 1, 1.5, true, time.Date(2024, 1, 2, 3, 4, 5, 6000, time.UTC), []byte{0, 255}}, 1},
			{[]any{int64(9223372036854775807), "x", nil, float64(-2), false, "0000-01-01 00:00:00", []byte("x")}, 9223372036854775807},
		} {
			var k int64
			if err := stmt.QueryRow(c.args...).Scan(&k); err != nil || k != c.want {
				t.Errorf("%v: %d, %v", c.args, k, err)
			}
		}
	}
	for _, q := range []string{"INSERT INTO t (k) VALUES (?)", "UPDATE t SET k = ?", "DELETE FROM t WHERE k = ?", "SET query_timeout = ?"} {
		_, err := db.Prepare(q)
		if e := mysqlError(err); e == nil || e.Number != 1295 {
			t.Errorf("%s: %v", q, err)
		}
	}
	for _, version := range []string{"2.5", "3.1"} {
		old := openDSN(t, "root@tcp("+serveWith(t, st, sqlport.Options{Version: version}).Addr()+")/d")
		_, err := old.Prepare("SELECT k FROM t WHERE k = ?")
		if e := mysqlError(err); e == nil || e.Number != 1064 || e.Message != "Unsupported command(COM_STMT_PREPARE)" {
			t.Errorf("%s: %v", version, err)
		}
	}
}
