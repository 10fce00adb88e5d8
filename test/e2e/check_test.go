package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// gx check --live, and a job with dryRun, find what only the servers know, and change nothing there.
func TestLiveChecks(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Exec("CREATE TABLE " + c.Database + ".src (id INT)")
		c.Values(`{"id":1}`)
		tables := func(change func(d *harness.Document)) *harness.Document {
			d := copying(c, 1, "id")
			change(d)
			return d
		}
		kafka := func(change func(d *harness.Document)) *harness.Document {
			d := c.Document()
			change(d)
			return d
		}
		for name, x := range map[string]struct {
			d    *harness.Document
			want []string // none: the job is fit
		}{
			"tables":         {tables(func(*harness.Document) {}), nil},
			"topic":          {kafka(func(*harness.Document) {}), nil},
			"missing table":  {tables(func(d *harness.Document) { d.Reader["table"] = "nowhere" }), []string{"steps[0].parameter.table", "nowhere does not exist"}},
			"missing column": {tables(func(d *harness.Document) { d.Reader["column"] = []string{"idd"} }), []string{"steps[0].parameter.column[0]", "try: id"}},
			"missing target": {tables(func(d *harness.Document) { d.Writer["table"] = "nowhere" }), []string{"steps[1].parameter.table", "nowhere"}},
			"wrong password": {tables(func(d *harness.Document) { d.Reader["password"] = "wrong" }), []string{"steps[0].parameter.username", "ccess denied"}},
			"missing topic":  {kafka(func(d *harness.Document) { d.Reader["topic"] = "nowhere" }), []string{"steps[0].parameter.topic", "nowhere"}},
			"both sides": {tables(func(d *harness.Document) { d.Reader["table"], d.Writer["table"] = "no_src", "no_target" }),
				[]string{"no_src", "no_target"}},
		} {
			code := 0
			if len(x.want) > 0 {
				code = 2
			}
			checked := c.Gx("check", "--live", c.Write(x.d)).Wait()
			x.d.Setting["dryRun"] = true
			dry := c.Run(x.d)
			for how, r := range map[string]*harness.Result{"gx check --live": checked, "dryRun": dry} {
				if r.Code != code {
					t.Errorf("%s, %s: exit code %d, want %d\n%s", name, how, r.Code, code, r.Said())
				}
				for _, w := range x.want {
					if !strings.Contains(r.Stderr, w) {
						t.Errorf("%s, %s: %q is not in what was said\n%s", name, how, w, r.Said())
					}
				}
			}
			if code == 0 && (!strings.Contains(checked.Stdout, "the servers were asked") || !strings.Contains(dry.Stdout, "nothing was moved")) {
				t.Errorf("%s: %s%s", name, checked.Stdout, dry.Stdout)
			}
		}
		c.WantRows("SELECT COUNT(*) FROM @t", "0")
		c.WantNoLoads()
		if got := c.Broker.Committed(t, c.Group, c.Topic, 1); len(got) != 0 {
			t.Errorf("the group moved to %v", got)
		}
	})
}

// A document comes from a file, standard input or an address.
func TestDocumentsFromAnAddress(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	document := serverless(oneLane, rows100, discarded, "")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/jobs/nightly.json" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(append([]byte("\xef\xbb\xbf"), document...))
	}))
	defer server.Close()
	if r := c.StartFile(server.URL + "/jobs/nightly.json?version=7").Wait(); r.Code != 0 || r.Report.Job != "nightly" || r.Report.Landed != 100 {
		t.Errorf("exit code %d\n%s", r.Code, r.Said())
	}
	if r := c.StartFile(server.URL + "/jobs/missing.json").Wait(); r.Code != 2 || !strings.Contains(r.Stderr, "404") {
		t.Errorf("exit code %d\n%s", r.Code, r.Said())
	}
}

// Sources spread over several servers, as DataWorks writes them: each element of connection names a data source.
func TestConnectionsNameDataSources(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	c.CreateTable("id INT", "")
	for table, row := range map[string]string{"t1": "(1)", "t2": "(2)", "t3": "(3)"} {
		c.Exec("CREATE TABLE " + c.Database + "." + table + " (id INT)")
		c.Exec("INSERT INTO " + c.Database + "." + table + " VALUES " + row)
	}
	source := `{"type": "starrocks", "jdbcUrl": "jdbc:mysql://` + world.Sandbox.FEQuery + `/", "username": "` + harness.User + `", "password": "` + harness.Password + `", "database": "` + c.Database + `"}`
	sources := c.File("given-sources.json", []byte(`{"ds1": `+source+`, "ds2": `+source+`, "kafka1": {"type": "kafka", "server": "x:1"}}`))
	d := copying(c, 2, "*")
	d.Reader = harness.Object{"column": []string{"*"}, "connection": []any{
		harness.Object{"datasource": "ds1", "table": []string{"t1", "t2"}}, harness.Object{"datasource": "ds2", "table": []string{"t3"}}}}
	c.Done(d, "--datasources", sources)
	c.WantRows("SELECT id FROM @t ORDER BY id", "1", "2", "3")
	d.Reader["connection"] = []any{harness.Object{"datasource": "ds3", "table": "t1"}}
	if r := c.Run(d, "--datasources", sources); r.Code != 2 || !strings.Contains(r.Stderr, `no data source is named "ds3"`) || !strings.Contains(r.Stderr, "ds1, ds2") {
		t.Errorf("exit code %d\n%s", r.Code, r.Said())
	}
	d.Reader["connection"] = []any{harness.Object{"datasource": "kafka1", "table": "t1"}}
	if r := c.Run(d, "--datasources", sources); r.Code != 2 || !strings.Contains(r.Stderr, "of type kafka") {
		t.Errorf("exit code %d\n%s", r.Code, r.Said())
	}
}
