package sqlport_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox/clock"
	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/sqlport"
)

const twoTables = `CREATE DATABASE d; CREATE DATABASE e; USE d;
	CREATE TABLE a (k INT, v VARCHAR(10)) DUPLICATE KEY(k);
	CREATE TABLE p (k INT NOT NULL, v VARCHAR(10)) PRIMARY KEY(k);
	CREATE TABLE e.x (k INT) DUPLICATE KEY(k);
	INSERT INTO p VALUES (1, 'one'), (2, 'two');`

// TestTransactions: what a transaction writes is visible to nobody before COMMIT,
// and then all of it is.
func TestTransactions(t *testing.T) {
	s := serve(t, stored(t, twoTables))
	db, other := open(t, s, "d"), open(t, s, "d")
	run(t, db, "BEGIN WORK")
	run(t, db, "BEGIN")
	if n := run(t, db, "INSERT INTO a VALUES (1, 'x'), (2, 'y')"); n != 2 {
		t.Errorf("%d rows", n)
	}
	run(t, db, "UPDATE p SET v = 'uno' WHERE k = 1")
	for _, c := range []struct {
		stmt string
		code uint16
		text string
	}{
		{"INSERT INTO a VALUES (3, 'z')", 5303, "NOT allowed to read or write tables"},
		{"DELETE FROM p WHERE k = 1", 5303, "NOT allowed"},
		{"INSERT INTO e.x VALUES (1)", 5304, "cross-database"},
		{"INSERT OVERWRITE a VALUES (3, 'z')", 5305, "not supported in an explicit transaction"},
		{"CREATE TABLE c (k INT) DUPLICATE KEY(k)", 5305, "not supported in an explicit transaction"},
		{"TRUNCATE TABLE a", 5305, "not supported in an explicit transaction"},
	} {
		wantError(t, db, c.stmt, c.code, c.text)
	}
	for _, who := range []any{0, 1} {
		conn := db
		if who == 1 {
			conn = other
		}
		want(t, conn, "SELECT COUNT(*) FROM a", "0")
		want(t, conn, "SELECT v FROM p WHERE k = 1", "one")
	}
	run(t, db, "COMMIT")
	want(t, other, "SELECT COUNT(*) FROM a", "2")
	want(t, other, "SELECT v FROM p WHERE k = 1", "uno")

	run(t, db, "START TRANSACTION")
	run(t, db, "DELETE FROM p WHERE k = 2")
	run(t, db, "ROLLBACK WORK")
	want(t, other, "SELECT COUNT(*) FROM p", "2")
	run(t, db, "COMMIT")
	run(t, db, "INSERT INTO a VALUES (9, 'late')")
	want(t, other, "SELECT COUNT(*) FROM a", "3")

	run(t, db, "BEGIN")
	run(t, db, "INSERT INTO a SELECT * FROM a")
	db.Close() // a connection that goes away takes its transaction with it
	want(t, other, "SELECT COUNT(*) FROM a", "3")
}

// TestOldTransactions: 3.5 knows INSERT only, and older servers read BEGIN without
// heeding it.
func TestOldTransactions(t *testing.T) {
	db := open(t, serveWith(t, stored(t, twoTables), sqlport.Options{Version: "3.5"}), "d")
	run(t, db, "BEGIN")
	wantError(t, db, "UPDATE p SET v = 'uno' WHERE k = 1", 5305, "not supported in an explicit transaction")
	run(t, db, "ROLLBACK")
	old := open(t, serveWith(t, stored(t, twoTables), sqlport.Options{Version: "3.3"}), "d")
	run(t, old, "BEGIN")
	run(t, old, "INSERT INTO a VALUES (1, 'x')")
	run(t, old, "ROLLBACK")
	want(t, old, "SELECT COUNT(*) FROM a", "1")
}

// TestLabels: an INSERT's label is used once, in one namespace with the loads.
func TestLabels(t *testing.T) {
	led := ledger.New(&clock.Clock{}, ledger.Defaults())
	defer led.Stop()
	db := open(t, serveWith(t, stored(t, twoTables), sqlport.Options{Ledger: led}), "d")
	run(t, db, "INSERT INTO a WITH LABEL l1 VALUES (1, 'x')")
	wantError(t, db, "INSERT INTO a WITH LABEL l1 VALUES (2, 'y')", 1064, "Label [l1] has already been used")
	wantError(t, db, "INSERT INTO a WITH LABEL `l 2` VALUES (2, 'y')", 1064, "Label format error")
	if state, _ := led.State("d", "l1"); state != ledger.Visible {
		t.Errorf("the label is %s", state)
	}
	if _, err := led.Begin(ledger.Opening{DB: "d", Tables: []string{"a"}, Label: "stream", Timeout: time.Hour}); err != nil {
		t.Fatal(err)
	}
	wantError(t, db, "INSERT INTO a WITH LABEL stream VALUES (2, 'y')", 1064, "Label [stream] has already been used")
	wantError(t, db, "INSERT INTO p WITH LABEL l3 VALUES (NULL, 'y')", 1064, "filtered")
	run(t, db, "INSERT INTO p WITH LABEL l3 VALUES (7, 'y')")
	want(t, db, "SELECT COUNT(*) FROM a", "1")
}

func TestOverwrite(t *testing.T) {
	db := open(t, serve(t, stored(t, twoTables)), "d")
	run(t, db, "INSERT OVERWRITE p SELECT k + 1, CONCAT(v, '!') FROM p WHERE k = 1")
	want(t, db, "SELECT k, v FROM p", "2 | one!")
	run(t, db, "INSERT OVERWRITE p WITH LABEL again VALUES (5, 'five')")
	want(t, db, "SELECT k, v FROM p", "5 | five")
	wantError(t, db, "INSERT OVERWRITE p VALUES (NULL, 'x')", 1064, "filtered")
	want(t, db, "SELECT k, v FROM p", "5 | five")
}

// TestTimeout: a statement ends at its limit, by the server's clock, also while the
// client is slow to read. Writes have a limit of their own from 3.4 on.
func TestTimeout(t *testing.T) {
	st := stored(t, "CREATE DATABASE d; CREATE TABLE d.big (k BIGINT, v VARCHAR(200)) DUPLICATE KEY(k)")
	table, err := st.Table("d", "big")
	if err != nil {
		t.Fatal(err)
	}
	b := table.NewBatch(nil)
	for i := range int64(300_000) {
		if err := b.Add([]any{i, strings.Repeat("x", 150)}, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Commit(b); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		version, stmt, text string
		jump                time.Duration
	}{
		{"4.0", "SELECT SLEEP(600)", "Query reached its timeout of 300 seconds, please increase the 'query_timeout' session variable and retry", 301 * time.Second},
		{"4.0", "SELECT /*+ SET_VAR(query_timeout = 7) */ SLEEP(600)", "Query reached its timeout of 7 seconds", 8 * time.Second},
		{"4.0", "INSERT INTO big SELECT k, SLEEP(600) FROM big", "Insert reached its timeout of 14400 seconds, please increase the 'insert_timeout'", 14401 * time.Second},
		{"3.3", "INSERT INTO big SELECT k, SLEEP(600) FROM big", "Query reached its timeout of 300 seconds, please increase the 'query_timeout'", 301 * time.Second},
	} {
		clk := &clock.Clock{}
		db := open(t, serveWith(t, st, sqlport.Options{Version: c.version, Clock: clk}), "d")
		if err := db.Ping(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { _, err := tryRead(db, c.stmt); done <- err }()
		var err error
		for ended := false; !ended; {
			clk.Jump(c.jump)
			select {
			case err = <-done:
				ended = true
			case <-time.After(10 * time.Millisecond):
			}
		}
		if err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", c.stmt, err)
		}
	}
	clk := &clock.Clock{}
	db := open(t, serveWith(t, st, sqlport.Options{Clock: clk}), "d")
	rows, err := db.Query("SELECT * FROM big")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	clk.Jump(301 * time.Second)
	n := 1
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err == nil || !strings.Contains(err.Error(), "reached its timeout") || n == 300_000 {
		t.Errorf("%d rows, %v", n, err)
	}
	want(t, db, "SELECT 1", "1")
}

// TestKillByQueryID: 3.4 brought KILL QUERY 'id'.
func TestKillByQueryID(t *testing.T) {
	for _, version := range []string{"3.3", "3.5"} {
		s := serveWith(t, stored(t, twoTables), sqlport.Options{Version: version})
		victim, killer := open(t, s, "d"), open(t, s, "d")
		if version == "3.3" {
			wantError(t, killer, "KILL QUERY 'mine'", 1064, "Getting syntax error")
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		done := make(chan error, 1)
		go func() {
			_, err := victim.ExecContext(ctx, "SELECT /*+ SET_VAR(custom_query_id = 'mine') */ SLEEP(600)")
			done <- err
		}()
		for killed := false; !killed; {
			_, err := killer.Exec("KILL QUERY 'mine'")
			killed = err == nil
			if !killed && !strings.Contains(err.Error(), "Unknown query id") {
				t.Fatal(err)
			}
		}
		if err := <-done; err == nil || !strings.Contains(fmt.Sprint(err), "interrupted") {
			t.Error(err)
		}
	}
}
