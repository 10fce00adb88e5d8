package conformance

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/gx-etl/gx/test/sandbox"
	"github.com/gx-etl/gx/test/sandbox/release"
)

func TestMain(m *testing.M) {
	// The metrics of the embedded Kafka's client keep one goroutine for the life
	// of the process.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

// server is a stand-in of one release with the clients that talk to it.
type server struct {
	*sandbox.Sandbox
	http *http.Client
	sql  *sql.DB
}

func start(t *testing.T, r release.Release, change ...func(*sandbox.Options)) *server {
	t.Helper()
	o := sandbox.Options{Version: r.String()}
	for _, c := range change {
		c(&o)
	}
	s, err := sandbox.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{ExpectContinueTimeout: 30 * time.Second, DisableCompression: true, DisableKeepAlives: true}
	db, err := sql.Open("mysql", "root:@tcp("+s.QueryAddr()+")/?interpolateParams=true")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxIdleConns(4)
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &server{Sandbox: s, sql: db, http: &http.Client{Transport: tr,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// fleet has one server for each release, started when first asked for.
type fleet struct {
	t       *testing.T // of the parent of all cases: it ends last
	mu      sync.Mutex
	servers map[release.Release]*server
}

func (f *fleet) at(r release.Release) *server {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.servers[r] == nil {
		f.servers[r] = start(f.t, r)
	}
	return f.servers[r]
}

// env is one case under one release: a server and a database of its own with the
// table t(k INT NOT NULL, v VARCHAR(8) NULL, n INT NOT NULL DEFAULT "7").
type env struct {
	*server
	t  *testing.T
	r  release.Release
	db string
	fe string // the FE that helpers talk to, the leader
}

const tableT = `(k INT NOT NULL, v VARCHAR(8) NULL, n INT NOT NULL DEFAULT "7") DUPLICATE KEY(k)`

func newEnv(t *testing.T, r release.Release, s *server, db string) *env {
	t.Helper()
	e := &env{server: s, t: t, r: r, db: db, fe: s.FEAddr()}
	e.run("CREATE DATABASE " + db)
	e.create("t", tableT)
	return e
}

// own gives the case a server to itself, set up by change.
func (e *env) own(change ...func(*sandbox.Options)) *env {
	e.t.Helper()
	return newEnv(e.t, e.r, start(e.t, e.r, change...), "d")
}

// create makes a table of the case's database; definition is columns and model.
func (e *env) create(name, definition string) {
	e.t.Helper()
	e.run(fmt.Sprintf(`CREATE TABLE %s.%s %s DISTRIBUTED BY HASH(k) BUCKETS 2 PROPERTIES ("replication_num" = "1")`, e.db, name, definition))
}

// keyed makes a table like t of another model; aggregates are those of v and n.
func (e *env) keyed(name, model string, aggregates ...string) {
	e.t.Helper()
	v, n := "", ""
	if len(aggregates) == 2 {
		v, n = aggregates[0], aggregates[1]
	}
	e.create(name, fmt.Sprintf(`(k INT NOT NULL, v VARCHAR(8) %s NULL, n INT %s NOT NULL DEFAULT "7") %s(k)`, v, n, model))
}

func (e *env) run(statement string) {
	e.t.Helper()
	if _, err := e.sql.ExecContext(e.t.Context(), statement); err != nil {
		e.t.Fatalf("%s: %v", statement, err)
	}
}

// query gives the rows of a statement as text, fields joined by '|'.
func (e *env) query(statement string) []string {
	e.t.Helper()
	got, err := lines(e.t, e.sql, statement)
	if err != nil {
		e.t.Fatalf("%s: %v", statement, err)
	}
	return got
}

func lines(t *testing.T, db *sql.DB, statement string) ([]string, error) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), statement)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, into := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	var all []string
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		fields := make([]string, len(values))
		for i, v := range values {
			if fields[i] = v.String; !v.Valid {
				fields[i] = "NULL"
			}
		}
		all = append(all, strings.Join(fields, "|"))
	}
	return all, rows.Err()
}

// records gives the rows of a statement by the names of their columns.
func (e *env) records(statement string) []map[string]string {
	e.t.Helper()
	rows, err := e.sql.QueryContext(e.t.Context(), statement)
	if err != nil {
		e.t.Fatalf("%s: %v", statement, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		e.t.Fatal(err)
	}
	var all []map[string]string
	for rows.Next() {
		values, into := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			e.t.Fatal(err)
		}
		record := map[string]string{}
		for i, name := range names {
			record[name] = values[i].String
		}
		all = append(all, record)
	}
	if err := rows.Err(); err != nil {
		e.t.Fatal(err)
	}
	return all
}

// wantRows compares a table with rows in any order.
func (e *env) wantRows(table string, want ...string) {
	e.t.Helper()
	got := e.query("SELECT * FROM " + e.db + "." + table)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		e.t.Errorf("table %s holds\n%q\nwant\n%q", table, got, want)
	}
}

// count gives the number of visible rows.
func (e *env) count(table string) string {
	e.t.Helper()
	return e.query("SELECT COUNT(*) FROM " + e.db + "." + table)[0]
}

func (e *env) wantCount(table string, want int) {
	e.t.Helper()
	if got := e.count(table); got != fmt.Sprint(want) {
		e.t.Errorf("table %s holds %s rows, want %d", table, got, want)
	}
}

// until polls a condition; a generous deadline ends what never comes true.
func (e *env) until(what string, ok func() bool) {
	e.t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(3 * time.Millisecond) {
		if time.Now().After(end) {
			e.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// pieces hands data out in pieces of changing odd lengths, and hides its length.
type pieces struct {
	data []byte
	n    int
}

func (r *pieces) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	r.n = (r.n*7 + 13) % 4093
	n := copy(p[:min(len(p), 1+r.n)], r.data)
	r.data = r.data[n:]
	return n, nil
}
