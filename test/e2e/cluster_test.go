package e2e

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/gx-etl/gx/test/sandbox/release"
)

// Whatever release stands behind the addresses, the same job brings the same rows, in JSON and in CSV, with updates and
// deletes.
func TestEveryReleaseTakesTheRows(t *testing.T) {
	t.Parallel()
	for _, r := range release.All {
		t.Run(r.Line(), func(t *testing.T) {
			t.Parallel()
			w := world.Beside(t, "--starrocks-version", r.Line())
			for _, format := range []string{"json", "csv"} {
				c := w.Case(t, w.Brokers[0])
				c.CreateTopic(1)
				c.CreateTable("id INT NOT NULL, name STRING", "PRIMARY KEY (id) DISTRIBUTED BY HASH (id)")
				c.Values(`{"id":1,"name":"one","__op":0}`, `{"id":2,"name":"zwölf","__op":0}`, `{"id":3,"name":"a\tb\nc","__op":0}`,
					`{"id":1,"name":null,"__op":1}`, `{"id":2,"name":"two","__op":0}`)
				d := c.Document()
				d.Writer["loadProps"] = harness.Object{"format": format}
				if format == "csv" {
					d.Reader["column"] = []string{"id", "name", "__op"}
					d.Writer["column"] = []string{"id", "name", "__op"}
				}
				d.Writer["preSql"] = []string{"INSERT INTO " + c.Database + "." + c.Table + " VALUES (9, 'before')"}
				c.Done(d)
				c.WantRows("SELECT id, name FROM @t ORDER BY id", "2|two", "3|a\tb\nc", "9|before")
			}
		})
	}
}

// A follower takes loads as well, and sends whoever asks for the state of a label on to the leader.
func TestAFollowerIsAsGoodAsTheLeader(t *testing.T) {
	t.Parallel()
	w := world.Beside(t, "--followers", "2", "--backends", "2")
	for name, fault := range map[string]harness.Fault{
		"answer lost":     {Kind: "dropAfterCommit"},
		"publish timeout": {Kind: "publishTimeout", Millis: 500},
	} {
		t.Run(name, func(t *testing.T) {
			c := w.Case(t, w.Brokers[0])
			c.CreateTopic(1)
			c.CreateTable("id INT", "")
			var values, want []string
			for i := range 10 {
				values, want = append(values, fmt.Sprintf(`{"id":%d}`, i)), append(want, fmt.Sprintf("%d|1", i))
			}
			c.Values(values...)
			fault.Table = c.Table
			w.Sandbox.Arm(t, fault)
			d := c.Document()
			d.Writer["loadUrl"] = w.Sandbox.Followers
			d.Writer["maxBatchRows"] = 2
			if r := c.Done(d); r.Report.Landed != 10 {
				t.Errorf("landed %d, want 10", r.Report.Landed)
			}
			// What became of the load whose answer is missing was asked, not tried.
			if n := len(w.Sandbox.Loads(t, "be", c.Database, c.Table)); n != 5 {
				t.Errorf("%d loads arrived, want 5", n)
			}
			harness.Until(t, "all rows to be visible", func() bool { return c.Count() >= len(want) })
			c.WantRows("SELECT id, COUNT(*) FROM @t GROUP BY id ORDER BY id", want...)
		})
	}
}

// A BE that goes away for a while, and the leader that moves, cost time and no rows.
func TestACloudyClusterLosesNothing(t *testing.T) {
	t.Parallel()
	w := world.Beside(t, "--followers", "1", "--backends", "2")
	c := w.Case(t, w.Brokers[0])
	c.CreateTopic(2)
	c.CreateTable(harness.Models["PRIMARY KEY"].Columns, harness.Models["PRIMARY KEY"].Model)
	feed := c.Feed(2)
	d := c.Streaming()
	d.Writer["loadUrl"] = append([]string{w.Sandbox.FEHTTP}, w.Sandbox.Followers...)
	d.Writer["maxRetries"] = -1
	run := c.Start(d)
	arrived := func(more int) {
		t.Helper()
		n := c.Distinct() + more
		run.Until("more rows", func() bool { return c.Distinct() >= n })
	}
	arrived(100)
	w.Sandbox.Do(t, "be:0", "stop")
	arrived(100)
	w.Sandbox.Do(t, "be:0", "start")
	w.Sandbox.Do(t, "be:1", "restart")
	arrived(100)
	w.Sandbox.Do(t, "fe:1", "lead")
	arrived(100)
	w.Sandbox.Do(t, "fe:0", "restart")
	arrived(100)
	sent := feed.Stop()
	run.Until("all rows", func() bool { return c.Distinct() >= sent })
	run.Signal(syscall.SIGTERM)
	if r := run.Wait(); r.Code != 143 {
		t.Fatalf("exit code %d\n%s", r.Code, r.Said())
	}
	c.WantFeed(sent)
}

// Frontends name backends as the cluster knows them, which is of no use outside of it: the job says how they are to be reached.
func TestBackendsBehindOtherAddresses(t *testing.T) {
	for name, reach := range map[string]func(c *harness.Case, d *harness.Document, wrong string){
		"redirectMap": func(c *harness.Case, d *harness.Document, wrong string) {
			d.Writer["redirectMap"] = harness.Object{wrong: c.World.Sandbox.BEHTTP}
		},
		"redirect be": func(c *harness.Case, d *harness.Document, _ string) {
			d.Writer["redirect"] = "be:" + c.World.Sandbox.BEHTTP
		},
		"loadUrl is the backend": func(c *harness.Case, d *harness.Document, _ string) {
			d.Writer["loadUrl"] = c.World.Sandbox.BEHTTP
		},
	} {
		t.Run(name, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				c.CreateTopic(1)
				c.CreateTable("id INT", "")
				c.Values(`{"id":1}`, `{"id":2}`)
				const wrong = "10.255.255.1:8040"
				c.World.Sandbox.Arm(t, harness.Fault{Kind: "redirectTo", To: wrong, Times: -1, Table: c.Table})
				d := c.Document()
				reach(c, d, wrong)
				c.Done(d)
				c.WantRows("SELECT id, COUNT(*) FROM @t GROUP BY id ORDER BY id", "1|1", "2|1")
			})
		})
	}
}
