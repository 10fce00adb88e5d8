package sqlport_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/gx-etl/gx/test/sandbox/sqlport"
)

const shop = `
CREATE DATABASE d; CREATE DATABASE e; USE d;
CREATE TABLE t (k INT, v VARCHAR(10)) PRIMARY KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1;
CREATE TABLE u (k INT) DUPLICATE KEY(k); CREATE TABLE e.t (k INT) DUPLICATE KEY(k);
INSERT INTO t VALUES (1, 'a'), (2, 'b'); INSERT INTO u VALUES (7);
`

// as connects as a user, with one connection.
func as(t *testing.T, s *sqlport.Server, login string) *sql.DB {
	t.Helper()
	return openDSN(t, login+"@tcp("+s.Addr()+")/?interpolateParams=true")
}

const denied = "Access denied; you need (at least one of) the %s for this operation."

func TestAccounts(t *testing.T) {
	s := serve(t, stored(t, shop))
	root := open(t, s, "d")
	for _, q := range []string{
		"CREATE USER 'ann'@'%' IDENTIFIED BY 'pw'", "CREATE USER IF NOT EXISTS ann IDENTIFIED BY 'other'",
		"CREATE USER bob IDENTIFIED WITH mysql_native_password BY 'b''s'", "GRANT SELECT ON d.t TO 'ann'@'%'",
	} {
		run(t, root, q)
	}
	ann := as(t, s, "ann:pw")
	want(t, ann, "SELECT k, v FROM d.t ORDER BY k", "1 | a / 2 | b")
	want(t, as(t, s, "bob:b's"), "SELECT 1", "1")
	for _, c := range []struct{ statement, lacks string }{
		{"SELECT * FROM d.u", "SELECT privilege(s) on TABLE u"},
		{"SELECT * FROM d.t WHERE k IN (SELECT k FROM d.u)", "SELECT privilege(s) on TABLE u"},
		{"INSERT INTO d.t VALUES (3, 'c')", "INSERT privilege(s) on TABLE t"},
		{"INSERT OVERWRITE d.t VALUES (3, 'c')", "INSERT privilege(s) on TABLE t"},
		{"UPDATE d.t SET v = 'x' WHERE k = 1", "UPDATE privilege(s) on TABLE t"},
		{"DELETE FROM d.t WHERE k = 1", "DELETE privilege(s) on TABLE t"},
		{"TRUNCATE TABLE d.t", "DELETE privilege(s) on TABLE t"},
		{"DROP TABLE IF EXISTS d.t FORCE", "DROP privilege(s) on TABLE t"},
		{"ALTER TABLE d.t ADD COLUMN x INT", "ALTER privilege(s) on TABLE t"},
		{"CREATE TABLE IF NOT EXISTS d.x (k INT)", "CREATE TABLE privilege(s) on DATABASE d"},
		{"CREATE VIEW d.x AS SELECT 1", "CREATE VIEW privilege(s) on DATABASE d"},
		{"CREATE DATABASE IF NOT EXISTS f", "CREATE DATABASE privilege(s) on CATALOG default_catalog"},
		{"DROP DATABASE e", "DROP privilege(s) on DATABASE e"},
		{"USE e", "ANY privilege(s) on DATABASE e"},
		{"SHOW TABLES FROM e", "ANY privilege(s) on DATABASE e"},
		{"DESC d.u", "ANY privilege(s) on TABLE u"},
		{"SHOW CREATE TABLE d.u", "ANY privilege(s) on TABLE u"},
		{"CREATE USER x", "GRANT privilege(s) on SYSTEM"},
		{"DROP USER bob", "GRANT privilege(s) on SYSTEM"},
		{"SET PASSWORD FOR bob = PASSWORD('x')", "GRANT privilege(s) on SYSTEM"},
		{"GRANT SELECT ON d.t TO bob", "GRANT privilege(s) on SYSTEM"},
		{"SHOW GRANTS FOR bob", "GRANT privilege(s) on SYSTEM"},
		{"SHOW USERS", "GRANT privilege(s) on SYSTEM"},
		{"SHOW BACKENDS", "OPERATE OR NODE privilege(s) on SYSTEM"},
		{"SHOW PROC '/dbs'", "OPERATE privilege(s) on SYSTEM"},
		{"ADMIN SHOW FRONTEND CONFIG", "OPERATE privilege(s) on SYSTEM"},
		{"SET GLOBAL query_timeout = 5", "OPERATE privilege(s) on SYSTEM"},
	} {
		wantError(t, ann, c.statement, 5203, strings.Replace(denied, "%s", c.lacks, 1))
	}
	want(t, ann, "SHOW DATABASES", "d / information_schema")
	wantError(t, ann, "SELECT * FROM sys.role_edges", 5203, "SELECT privilege(s) on TABLE role_edges")
	wantError(t, ann, "DESC _statistics_.column_statistics", 5203, "ANY privilege(s) on TABLE column_statistics")
	wantError(t, ann, "USE sys", 5203, "ANY privilege(s) on DATABASE sys")
	want(t, ann, "SHOW TABLES FROM d", "t")
	want(t, ann, "SELECT TABLE_NAME FROM information_schema.tables WHERE TABLE_SCHEMA IN ('d', 'e')", "t")
	want(t, ann, "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.columns WHERE TABLE_SCHEMA = 'd'", "t | k / t | v")
	want(t, root, "SELECT COUNT(*) FROM t", "2")

	// Nor does the prepared statement protocol give what is not granted.
	if _, err := ann.Prepare("SELECT * FROM d.u WHERE k = ?"); err == nil || !strings.Contains(err.Error(), "SELECT privilege(s) on TABLE u") {
		t.Errorf("prepared: %v", err)
	}
	// A condition on the table itself needs no SELECT.
	run(t, root, "REVOKE SELECT ON TABLE d.t FROM USER ann")
	run(t, root, "GRANT UPDATE, DELETE ON TABLE t IN DATABASE d TO USER ann")
	run(t, ann, "UPDATE d.t SET v = 'x' WHERE k = 1")
	run(t, ann, "DELETE FROM d.t WHERE k = 2")
	wantError(t, ann, "SELECT * FROM d.t", 5203, "SELECT privilege(s) on TABLE t")
	wantError(t, ann, "DELETE FROM d.t WHERE k IN (SELECT k FROM d.u)", 5203, "SELECT privilege(s) on TABLE u")
	want(t, root, "SELECT * FROM t", "1 | x")

	run(t, root, "GRANT ALL ON ALL TABLES IN ALL DATABASES TO ann WITH GRANT OPTION")
	run(t, root, "GRANT CREATE TABLE ON DATABASE e TO ann")
	run(t, ann, "CREATE TABLE e.made (k INT) DUPLICATE KEY(k)")
	run(t, ann, "INSERT INTO e.made SELECT k FROM d.u")
	run(t, ann, "GRANT SELECT ON e.made TO bob")
	want(t, as(t, s, "bob:b's"), "SELECT * FROM e.made", "7")
	want(t, ann, "SHOW GRANTS", "'ann'@'%' | default | GRANT CREATE TABLE ON DATABASE e TO USER 'ann'@'%' / "+
		"'ann'@'%' | default | GRANT ALTER, DROP, SELECT, INSERT, UPDATE, DELETE, EXPORT, REFRESH ON ALL TABLES IN ALL DATABASES TO USER 'ann'@'%' WITH GRANT OPTION / "+
		"'ann'@'%' | default | GRANT UPDATE, DELETE ON TABLE d.t TO USER 'ann'@'%'")
	want(t, root, "SHOW USERS", "'ann'@'%' / 'bob'@'%' / 'root'@'%'")
	want(t, root, "SELECT GRANTEE, OBJECT_DATABASE, OBJECT_NAME, PRIVILEGE_TYPE FROM sys.grants_to_users WHERE GRANTEE LIKE '%bob%'", "'bob'@'%' | e | made | SELECT")

	want(t, ann, "SELECT * FROM information_schema.schema_privileges", "'ann'@'%' | def | e | CREATE TABLE | NO")
	want(t, root, "SELECT * FROM information_schema.table_privileges WHERE TABLE_NAME = 'made'", "'bob'@'%' | def | e | made | SELECT | NO")
	run(t, ann, "SET PASSWORD = PASSWORD('new')")
	run(t, root, "ALTER USER bob IDENTIFIED BY ''")
	want(t, as(t, s, "ann:new"), "SELECT 1", "1")
	want(t, as(t, s, "bob"), "SELECT 1", "1")
	run(t, root, "DROP USER ann")
	wantError(t, ann, "SELECT * FROM d.t", 5203, "SELECT privilege(s)")
	var me *mysql.MySQLError
	if err := as(t, s, "ann:new").Ping(); !errors.As(err, &me) || me.Number != 1045 {
		t.Errorf("a dropped user logs in: %v", err)
	}
}

func TestRoles(t *testing.T) {
	s := serve(t, stored(t, shop))
	root := open(t, s, "d")
	for _, q := range []string{
		"CREATE ROLE reader, 'writer'", "CREATE ROLE IF NOT EXISTS reader COMMENT 'reads'", "GRANT SELECT ON d.* TO ROLE reader", "GRANT INSERT ON *.* TO ROLE writer",
		"CREATE USER ann DEFAULT ROLE reader", "GRANT writer, cluster_admin TO USER ann",
	} {
		run(t, root, q)
	}
	ann := as(t, s, "ann")
	want(t, ann, "SELECT * FROM d.u", "7")
	wantError(t, ann, "INSERT INTO d.u VALUES (8)", 5203, "Current role(s): [reader]. Inactivated role(s): [writer, cluster_admin].")
	run(t, ann, "SET ROLE writer")
	run(t, ann, "INSERT INTO d.u VALUES (8)")
	wantError(t, ann, "SELECT * FROM d.u", 5203, "SELECT privilege(s) on TABLE u")
	run(t, ann, "SET ROLE ALL EXCEPT writer")
	want(t, ann, "SELECT COUNT(*) FROM d.u", "2")
	want(t, ann, "SHOW BACKENDS", "")
	run(t, ann, "SET ROLE NONE")
	wantError(t, ann, "SHOW FRONTENDS", 5203, "Current role(s): NONE.")
	run(t, ann, "SET DEFAULT ROLE writer, reader TO ann")
	run(t, ann, "SET ROLE DEFAULT")
	want(t, ann, "SELECT COUNT(*) FROM d.u", "2")
	want(t, ann, "SHOW GRANTS", "'ann'@'%' | NULL | GRANT 'reader', 'writer', 'cluster_admin' TO 'ann'@'%'")
	want(t, root, "SHOW GRANTS", "'root'@'%' | NULL | GRANT 'root' TO 'root'@'%'")
	want(t, root, "SHOW GRANTS FOR ROLE reader", "reader | default | GRANT SELECT ON ALL TABLES IN DATABASE d TO ROLE 'reader'")
	want(t, root, "SELECT FROM_ROLE, TO_USER FROM sys.role_edges WHERE FROM_ROLE = 'writer'", "writer | 'ann'@'%'")
	run(t, root, "REVOKE reader FROM ann")
	wantError(t, ann, "SELECT * FROM d.u", 5203, "SELECT privilege(s) on TABLE u")
	run(t, root, "DROP ROLE reader")
	want(t, root, "SHOW ROLES", "cluster_admin | true | built-in cluster administration role / db_admin | true | built-in database administration role / "+
		"public | true | built-in public role which is owned by any user / root | true | built-in root role which has all privileges on all objects / "+
		"user_admin | true | built-in user administration role / writer | false | ")
	for _, c := range []struct {
		statement, text string
	}{
		{"CREATE USER ann", "Operation CREATE USER failed for 'ann'@'%' : user already exists"},
		{"GRANT SELECT ON d.t TO nobody", "cannot find user 'nobody'@'%'!"},
		{"GRANT nothing TO ann", "cannot find role nothing!"},
		{"GRANT SELECT ON d.t TO ROLE root", "role root is not mutable!"},
		{"GRANT CREATE TABLE ON TABLE d.t TO ann", "Cannot grant CREATE_TABLE to type TABLE"},
		{"DROP USER root", "cannot drop user root"},
		{"CREATE USER x@'10.%'", "accounts bound to a host are not supported by this stand-in"},
		{"CREATE USER x IDENTIFIED WITH authentication_ldap_simple", "is not supported by this stand-in, use mysql_native_password"},
		{"SET ROLE nothing", "Role nothing is not granted to 'root'@'%'"},
		{"GRANT USAGE ON RESOURCE x TO ann", "privileges on RESOURCE are not supported by this stand-in"},
		{"GRANT SELECT ON d.t", "Unexpected input '<EOF>'"},
		{"GRANT", "Unexpected input"},
		{"CREATE USER", "Unexpected input"},
		{"ALTER USER ann", "Unexpected input"},
	} {
		wantError(t, root, c.statement, 1064, c.text)
	}
}

// TestPasswordHashes: what PASSWORD() makes of a password logs the password in.
func TestPasswordHashes(t *testing.T) {
	st := stored(t, shop)
	s := serve(t, st)
	root, hash := open(t, s, ""), "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19" // of "password"
	for user, how := range map[string]string{"a": "BY PASSWORD '" + hash + "'", "b": "WITH mysql_native_password AS '" + strings.ToLower(hash) + "'"} {
		run(t, root, "CREATE USER "+user+" IDENTIFIED "+how)
		want(t, as(t, s, user+":password"), "SELECT 1", "1")
		for _, wrong := range []string{user, user + ":" + hash, user + ":guess"} {
			var me *mysql.MySQLError
			if err := as(t, s, wrong).Ping(); !errors.As(err, &me) || me.Number != 1045 {
				t.Errorf("%s logs in: %v", wrong, err)
			}
		}
		if !st.Users().Check(user, "password") || st.Users().Check(user, hash) || st.Users().Check(user, "") {
			t.Errorf("%s by HTTP", user)
		}
	}
	run(t, root, "SET PASSWORD FOR a = ''")
	want(t, as(t, s, "a"), "SELECT 1", "1")
	wantError(t, root, "CREATE USER x IDENTIFIED BY PASSWORD '*00'", 5201, "Password hash should be a 41-digit hexadecimal number")
}

// TestOldErrors: older releases say some things with other numbers.
func TestOldErrors(t *testing.T) {
	st := stored(t, shop)
	s := serveWith(t, st, sqlport.Options{Version: "2.5"})
	run(t, open(t, s, ""), "CREATE USER ann")
	wantError(t, as(t, s, "ann"), "SELECT * FROM d.t", 1227, "Access denied; you need (at least one of) the SELECT privilege(s) for this operation")
	wantError(t, as(t, s, "root"), "SELECT * FROM nodb.t", 1049, "Getting analyzing error. Detail message: Unknown database 'nodb'.")
	wantError(t, as(t, s, "root"), "USE nodb", 1049, "Unknown database 'nodb'")
}
