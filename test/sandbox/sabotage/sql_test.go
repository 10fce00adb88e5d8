package sabotage

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/journal"
	"github.com/gx-etl/gx/test/sandbox/sqlport"
	"github.com/gx-etl/gx/test/sandbox/store"
)

type sqlNode struct {
	set fault.Set
	log journal.Journal
	srv *sqlport.Server
}

func newSQL(t *testing.T) *sqlNode {
	t.Helper()
	n := &sqlNode{}
	s := &Saboteur{Faults: &n.set, Closing: t.Context().Done(), Journal: &n.log}
	st := store.New(store.Options{})
	if err := sqlport.Exec(t.Context(), st, "CREATE DATABASE d; CREATE TABLE d.t (k INT, v STRING) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k); "+
		"INSERT INTO d.t VALUES (1,'a'),(2,'b'),(3,'c'),(4,'d')"); err != nil {
		t.Fatal(err)
	}
	srv, err := sqlport.New(st, sqlport.Options{Hooks: s.SQL(fault.Node{Role: fault.SQL})})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	n.srv = srv
	return n
}

func (n *sqlNode) arm(t *testing.T, text string) {
	t.Helper()
	n.set.Clear(0)
	var f fault.Fault
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	if _, err := n.set.Arm(f); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// keys reads the keys of the table over a connection of its own.
func (n *sqlNode) keys(t *testing.T, params string) (got []int, err error) {
	t.Helper()
	db, err := sql.Open("mysql", "root@tcp("+n.srv.Addr()+")/d?"+params)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.Query("SELECT k FROM t WHERE k > ? ORDER BY k", 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var k int
		if err := rows.Scan(&k); err != nil {
			return got, err
		}
		got = append(got, k)
	}
	return got, rows.Err()
}

func TestStatementsOnTheMySQLPort(t *testing.T) {
	n := newSQL(t)
	for _, c := range []struct {
		fault string
		rows  int
		code  uint16 // 0: any other error
		text  string
	}{
		{`{"kind":"sqlError","text":"Memory of query exceed limit","statement":"select k"}`, 0, 1064, "Memory of query"},
		{`{"kind":"sqlError","text":"no","code":5502,"sqlState":"42000"}`, 0, 5502, "no"},
		{`{"kind":"sqlKill","rows":2}`, 2, 1317, "interrupted"},
		{`{"kind":"sqlKill"}`, 0, 1317, "interrupted"},
		{`{"kind":"sqlKill","rows":99}`, 4, 1317, "interrupted"},
		{`{"kind":"sqlCut","rows":3}`, 3, 0, ""},
		{`{"kind":"sqlCut","reset":true}`, 0, 0, ""},
		{`{"kind":"sqlDenied"}`, 0, 1045, "Access denied for user 'root'@'127.0.0.1'"},
		{`{"kind":"sqlMaxConnections"}`, 0, 1064, "connection limit, currentUserMaxConn="},
	} {
		n.arm(t, c.fault)
		got, err := n.keys(t, "interpolateParams=true")
		var my *mysql.MySQLError
		if err == nil || len(got) != c.rows {
			t.Errorf("%s: %v, %v", c.fault, got, err)
		} else if errors.As(err, &my); c.code != 0 && (my == nil || my.Number != c.code || !strings.Contains(my.Message, c.text)) {
			t.Errorf("%s: %v", c.fault, err)
		}
		if got, err := n.keys(t, "interpolateParams=true"); err != nil || fmt.Sprint(got) != "[1 2 3 4]" {
			t.Errorf("%s stays: %v, %v", c.fault, got, err)
		}
	}
}

func TestPreparedStatementsAreInterruptedToo(t *testing.T) {
	n := newSQL(t)
	n.arm(t, `{"kind":"sqlKill","rows":1}`)
	if got, err := n.keys(t, ""); err == nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestSlowResult(t *testing.T) {
	n := newSQL(t)
	n.arm(t, `{"kind":"sqlSlow","bytesPerSecond":1000}`)
	began := time.Now()
	if got, err := n.keys(t, "interpolateParams=true"); err != nil || len(got) != 4 || time.Since(began) < 50*time.Millisecond {
		t.Errorf("%v, %v after %v", got, err, time.Since(began))
	}
	n.arm(t, `{"kind":"sqlDelay","ms":30}`)
	began = time.Now()
	if got, err := n.keys(t, "interpolateParams=true"); err != nil || len(got) != 4 || time.Since(began) < 30*time.Millisecond {
		t.Errorf("%v, %v after %v", got, err, time.Since(began))
	}
}

func TestGreetingAndRefusal(t *testing.T) {
	n := newSQL(t)
	n.arm(t, `{"kind":"sqlGreeting","text":"HTTP/1.1 400 Bad Request\r\n\r\n"}`)
	if got, _ := raw(t, n.srv.Addr(), ""); got != "HTTP/1.1 400 Bad Request\r\n\r\n" {
		t.Errorf("%q", got)
	}
	n.arm(t, `{"kind":"sqlGreeting","times":-1}`)
	if _, err := n.keys(t, "interpolateParams=true&timeout=5s"); err == nil {
		t.Error("the client took nonsense for a greeting")
	}
	n.arm(t, `{"kind":"refuse","node":"sql"}`)
	if got, _ := raw(t, n.srv.Addr(), ""); got != "" {
		t.Errorf("%q", got)
	}
}

func TestLocalInfile(t *testing.T) {
	n := newSQL(t)
	n.arm(t, `{"kind":"sqlInfile","text":"/etc/hostname"}`)
	if _, err := n.keys(t, "interpolateParams=true"); err == nil {
		t.Error("a client that may not send files must not succeed")
	}
	mysql.RegisterReaderHandler("gift", func() io.Reader { return strings.NewReader("contents") })
	defer mysql.DeregisterReaderHandler("gift")
	n.arm(t, `{"kind":"sqlInfile","text":"Reader::gift"}`)
	if _, err := n.keys(t, "interpolateParams=true"); err != nil {
		t.Error(err)
	}
	list := n.log.List(false)
	if len(list) != 2 || list[0].BodyBytes != 0 || list[0].Path != "/etc/hostname" || list[0].Server != "sql" || list[0].User != "root" || list[1].BodyBytes != 8 {
		t.Errorf("%+v", list)
	}
}
