package e2e

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// printed are the rows that the stream writer has printed, in order.
func printed(r *harness.Result, holding string) (rows []string) {
	for line := range strings.Lines(r.Said()) {
		if row, ok := strings.CutPrefix(strings.TrimSpace(line), "stream-writer: "); ok && strings.Contains(row, holding) {
			rows = append(rows, row)
		}
	}
	slices.Sort(rows)
	return rows
}

// The reader step as DataWorks documents it.
func TestDataWorksReaderRunsAsItStands(t *testing.T) {
	c := world.Case(t, world.Brokers[0])
	c.Exec("CREATE DATABASE IF NOT EXISTS didb1")
	c.Exec("DROP TABLE IF EXISTS didb1.table1")
	c.Exec("CREATE TABLE didb1.table1 (id INT, name STRING)")
	c.Exec("INSERT INTO didb1.table1 VALUES (99, 'name 99'), (100, 'name 100'), (101, 'name 101'), (5000, 'name 5000'), (NULL, 'name none')")
	sources := c.File("given-sources.json", fmt.Appendf(nil,
		`{"starrocks_public": {"type": "starrocks", "jdbcUrl": "jdbc:mysql://%s/", "loadUrl": ["%s"], "username": %q, "password": %q}}`,
		world.Sandbox.FEQuery, world.Sandbox.FEHTTP, harness.User, harness.Password))
	r := c.StartFile(c.File("given-reader.json", given(t, "dataworks-reader.json")), "--datasources", sources).Wait()
	if r.Code != 0 {
		t.Fatalf("exit code %d\n%s", r.Code, r.Said())
	}
	if got := printed(r, "name "); len(got) != 2 || !strings.Contains(got[0], "name 101") || !strings.Contains(got[1], "name 5000") {
		t.Errorf("printed %q", got)
	}
}

// DataX jobs with a pattern of tables and a server that is not there before the one that is.
func TestDataXReadersRunAsTheyStand(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	c := world.Case(t, world.Brokers[0])
	c.Exec("DROP DATABASE IF EXISTS datax_src")
	c.Exec("CREATE DATABASE datax_src")
	var want []string
	for i := range 3 {
		c.Exec(fmt.Sprintf("CREATE TABLE datax_src.part_%d (id BIGINT NOT NULL, name VARCHAR(20), more INT)", i))
		var rows []string
		for id := range 40 {
			rows = append(rows, fmt.Sprintf("(%d, 'name %d.%02d', 0)", id, i, id))
			want = append(want, fmt.Sprintf("name %d.%02d", i, id))
		}
		c.Exec(fmt.Sprintf("INSERT INTO datax_src.part_%d VALUES %s", i, strings.Join(rows, ", ")))
	}
	for _, reader := range []string{"starrocks", "mysql"} {
		t.Run(reader, func(t *testing.T) {
			job := c.File("given-"+reader+".json", given(t, "datax-"+reader+"reader.json", "bad_host:9030", nobody, "fe_host:9030", world.Sandbox.FEQuery))
			r := c.StartFile(job).Wait()
			if r.Code != 0 {
				t.Fatalf("exit code %d\n%s", r.Code, r.Said())
			}
			got := printed(r, "name ")
			if len(got) != len(want) {
				t.Fatalf("%d rows, want %d\n%s", len(got), len(want), r.Said())
			}
			for _, w := range want {
				if !slices.ContainsFunc(got, func(line string) bool { return strings.Contains(line, w) }) {
					t.Errorf("%s is missing", w)
				}
			}
		})
	}
}

// A job that is stopped leaves no query behind on the server.
func TestStoppedReadsAreKilled(t *testing.T) {
	c := world.Case(t, world.Brokers[0])
	c.CreateTable("id INT, pad VARCHAR(65533)", "")
	c.Exec("CREATE TABLE " + c.Database + ".src (id INT, pad VARCHAR(65533))")
	for range 6 {
		c.Exec("INSERT INTO " + c.Database + ".src VALUES " + strings.TrimSuffix(strings.Repeat("(1, repeat('x', 60000)),", 200), ","))
	}
	d := copying(c, 1, "id", "pad")
	d.Setting["speed"] = harness.Object{"concurrent": 1, "record": 50}
	r := c.Start(d)
	busy := func() int {
		n := 0
		for _, line := range c.Query("SHOW FULL PROCESSLIST") {
			if strings.Contains(line, c.Database+"`.`src") {
				n++
			}
		}
		return n
	}
	r.Until("the query of the reader", func() bool { return busy() > 0 })
	r.Signal(syscall.SIGTERM)
	if res := r.Wait(); res.Code != 143 {
		t.Errorf("exit code %d\n%s", res.Code, res.Said())
	}
	harness.Until(t, "the end of the query", func() bool { return busy() == 0 })
}

// What cannot work is said before anything is read or written.
func TestReadersRefuse(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	c.CreateTable("id INT", "")
	c.Exec("CREATE TABLE " + c.Database + ".src (id INT, b BITMAP BITMAP_UNION) AGGREGATE KEY(id) DISTRIBUTED BY HASH(id)")
	for name, x := range map[string]struct {
		change func(p harness.Object)
		code   int
		want   []string
	}{
		"missing table":     {func(p harness.Object) { p["table"] = "nowhere" }, 1, []string{"nowhere", "does not exist", "table"}},
		"missing column":    {func(p harness.Object) { p["column"] = []string{"idd"} }, 2, []string{"column[0]", "no column idd", "id"}},
		"missing splitPk":   {func(p harness.Object) { p["splitPk"] = "key" }, 2, []string{"splitPk", "no column key"}},
		"unreadable column": {func(p harness.Object) { p["column"] = []string{"*"} }, 2, []string{"column b", "bitmap", "bitmap_to_string(`b`)"}},
		"no column":         {func(p harness.Object) { p["column"] = []string{} }, 2, []string{"parameter.column", "required"}},
		"wrong key":         {func(p harness.Object) { p["splitPK"] = "id" }, 2, []string{"splitPK", "splitPk"}},
		"limit":             {func(p harness.Object) { p["where"] = "id > 1 limit 5" }, 2, []string{"parameter.where", "limit"}},
		"open where":        {func(p harness.Object) { p["where"] = "id > (1" }, 2, []string{"parameter.where", "not closed"}},
		"no database":       {func(p harness.Object) { delete(p, "selectedDatabase") }, 2, []string{"selectedDatabase"}},
		"wrong password":    {func(p harness.Object) { p["password"] = "no" }, 1, []string{"ccess denied"}},
		"hint at the end":   {func(p harness.Object) { p["column"] = []string{"1", "/*+ SET_VAR(a=1) */ id"} }, 2, []string{"column[1]", "hint"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := copying(c, 2, "id")
			x.change(d.Reader)
			r := c.Run(d)
			if r.Code != x.code {
				t.Errorf("exit code %d, want %d", r.Code, x.code)
			}
			for _, w := range x.want {
				if !strings.Contains(r.Said(), w) {
					t.Errorf("%q is not in what was said", w)
				}
			}
			if t.Failed() {
				t.Log(r.Said())
			}
		})
	}
	c.WantRows("SELECT COUNT(*) FROM @t", "0")
}
