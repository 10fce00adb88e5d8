package sqlport_test

import (
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox/sqlport"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// TestDataQuota: a database that is full takes no more until it has room.
func TestDataQuota(t *testing.T) {
	st := stored(t, `CREATE DATABASE d; CREATE DATABASE e; USE d; CREATE TABLE t (k INT, v VARCHAR(2000)) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 2; CREATE TABLE p (k INT) PRIMARY KEY(k);
		CREATE TABLE e.t (k INT) DUPLICATE KEY(k);`)
	db := open(t, serve(t, st), "d")
	want(t, db, "SHOW DATA", "p | 0.000  | 3 / t | 0.000  | 2 / Total | 0.000  | 5 / Quota | 8388608.000 TB | 9223372036854775807 / Left | 8388608.000 TB | 9223372036854775802")
	run(t, db, "ALTER DATABASE d SET DATA QUOTA 1KB")
	run(t, db, "ALTER DATABASE d SET REPLICA QUOTA 100")
	run(t, db, "INSERT INTO t VALUES (1, REPEAT('x', 1500))") // looked at when it begins
	const full = "Database[d] data size exceeds quota[1.000 KB]"
	for _, stmt := range []string{"INSERT INTO t VALUES (2, 'y')", "INSERT INTO p VALUES (1)", "DELETE FROM t WHERE k = 9", "CREATE TABLE more (k INT) DUPLICATE KEY(k)"} {
		wantError(t, db, stmt, 1064, full)
	}
	run(t, db, "INSERT INTO e.t VALUES (1)")
	rows := read(t, db, "SHOW DATA")
	if n := len(rows); rows[n-2] != "Quota | 1.000 KB | 100" || rows[n-1] != "Left | 0.000  | 95" {
		t.Errorf("%q", rows)
	}
	if rows := read(t, db, "SHOW PROC '/dbs'"); rows[0][len(rows[0])-3:] != "100" {
		t.Errorf("%q", rows)
	}
	dir := t.TempDir()
	if err := st.Save(dir); err != nil {
		t.Fatal(err)
	}
	again := store.New(store.Options{})
	if err := again.Load(dir); err != nil || again.Quota("d") != st.Quota("d") || again.Quota("e") != store.NoQuota {
		t.Errorf("%v, %v", again.Quota("d"), err)
	}
	run(t, db, "ALTER DATABASE d SET DATA QUOTA 10T")
	run(t, db, "INSERT INTO p VALUES (1)")
	run(t, db, "ALTER DATABASE d SET DATA QUOTA 1")
	wantError(t, db, "BEGIN", 1064, "exceeds quota[1.000 B]")
	run(t, db, "TRUNCATE TABLE t")
	run(t, db, "TRUNCATE TABLE p")
	run(t, db, "INSERT INTO p VALUES (1)")
	for _, c := range []struct {
		stmt string
		code uint16
		text string
	}{
		{"ALTER DATABASE d SET DATA QUOTA 0", 1064, "larger than 0"},
		{"ALTER DATABASE d SET DATA QUOTA much", 1064, "invalid data volumn expression: much"},
		{"ALTER DATABASE d SET DATA QUOTA 9223372036854775807PB", 1064, "Data volumn"},
		{"ALTER DATABASE d SET REPLICA QUOTA -1", 1064, ""},
		{"ALTER DATABASE nosuch SET DATA QUOTA 1", 5501, "Unknown database 'nosuch'"},
		{"ALTER DATABASE d RENAME f", 1064, "not supported by this stand-in"},
		{"ALTER DATABASE d DROP", 1064, "Unexpected input 'DROP'"},
	} {
		wantError(t, db, c.stmt, c.code, c.text)
	}
}

// TestUserConnections: a user has no more connections than its property says.
func TestUserConnections(t *testing.T) {
	st := stored(t, "CREATE DATABASE d; CREATE USER u; CREATE USER other")
	s := serve(t, st)
	root := open(t, s, "")
	want(t, root, "SHOW PROPERTY FOR 'u'", "max_user_connections | 1024")
	run(t, root, "SET PROPERTY FOR 'u' 'max_user_connections' = '2'")
	want(t, root, "SHOW PROPERTY FOR 'u' LIKE 'max%'", "max_user_connections | 2")
	u := openDSN(t, "u@tcp("+s.Addr()+")/")
	u.SetMaxOpenConns(3)
	first, err := u.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := u.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	third := func(text string) {
		t.Helper()
		_, err := tryRead(openDSN(t, "u@tcp("+s.Addr()+")/"), "SELECT 1")
		if e := mysqlError(err); e == nil || e.Number != 1064 || len(e.Message) < len(text) || e.Message[:len(text)] != text {
			t.Errorf("%v", err)
		}
	}
	third("Reach user-level(qualifiedUser: u, currUserIdentity: 'u'@'%') connection limit, currentUserMaxConn=2,")
	want(t, openDSN(t, "other@tcp("+s.Addr()+")/"), "SELECT 1", "1")
	want(t, openDSN(t, "u@tcp("+serveWith(t, st, sqlport.Options{Version: "2.5"}).Addr()+")/"), "SELECT 1", "1") // counted by server
	// Connections that end make room again.
	first.Close()
	second.Close()
	u.Close()
	for deadline := time.Now().Add(10 * time.Second); ; {
		if _, err := tryRead(openDSN(t, "u@tcp("+s.Addr()+")/"), "SELECT 1"); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	run(t, root, `ALTER USER u SET PROPERTIES ("max_user_connections" = "10", "session.query_timeout" = "77")`)
	want(t, root, "SHOW PROPERTY FOR u", "max_user_connections | 10 / session.query_timeout | 77")
	want(t, openDSN(t, "u@tcp("+s.Addr()+")/"), "SELECT @@query_timeout", "77")
	run(t, root, `ALTER USER u SET PROPERTIES ("session.query_timeout" = "")`)
	want(t, root, "SHOW PROPERTY FOR u", "max_user_connections | 10")
	for _, c := range []struct {
		stmt string
		code uint16
		text string
	}{
		{"SET PROPERTY FOR u 'max_user_connections' = '0'", 1064, "must be between 1 and 10000"},
		{"SET PROPERTY FOR u 'max_user_connections' = '5000'", 1064, "must be less than qe_max_connection(4096)"},
		{"SET PROPERTY FOR u 'max_user_connections' = 'x'", 1064, "is not a number"},
		{"SET PROPERTY FOR u 'cpu' = '1'", 1064, "Unknown user property(cpu)"},
		{"SET PROPERTY FOR nosuch 'max_user_connections' = '1'", 1064, "cannot find user 'nosuch'@'%'"},
		{`ALTER USER u SET PROPERTIES ("session.nosuch" = "1")`, 1193, "Unknown system variable 'nosuch'"},
		{`ALTER USER u SET PROPERTIES ("session.query_timeout" = "0")`, 1064, "query_timeout must be equal or greater"},
	} {
		wantError(t, root, c.stmt, c.code, c.text)
	}
	wantError(t, openDSN(t, "other@tcp("+s.Addr()+")/"), "SET PROPERTY FOR other 'max_user_connections' = '9'", 5203, "GRANT privilege")
	old := open(t, serveWith(t, st, sqlport.Options{Version: "3.1"}), "")
	wantError(t, old, `ALTER USER u SET PROPERTIES ("max_user_connections" = "10")`, 1064, "Unexpected input 'SET'")
}
