package e2e

import (
	"strings"
	"syscall"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// diary makes a table into which statements of a job write their names.
func diary(c *harness.Case, d *harness.Document) {
	c.Exec("CREATE TABLE " + c.Database + ".diary (what STRING)")
	d.Writer["preSql"] = []string{"TRUNCATE TABLE @table", "INSERT INTO " + c.Database + ".diary VALUES ('before')"}
	d.Writer["postSql"] = []string{"INSERT INTO " + c.Database + ".diary VALUES ('after')"}
}

func TestPreSqlAndPostSqlRunOnce(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(3)
		c.CreateTable("id INT", "")
		c.Exec("INSERT INTO " + c.Database + "." + c.Table + " VALUES (99)")
		for p := range int32(3) {
			c.ValuesTo(p, `{"id":1}`, `{"id":2}`)
		}
		d := c.Document()
		diary(c, d)
		d.Setting["speed"] = harness.Object{"concurrent": 3}
		c.Done(d)
		c.WantRows("SELECT id, COUNT(*) FROM @t GROUP BY id ORDER BY id", "1|3", "2|3")
		c.WantRows("SELECT what FROM "+c.Database+".diary ORDER BY what", "after", "before")
	})
}

func TestPostSqlDoesNotRunAfterAFailure(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT NOT NULL", "")
		c.Values(`{"id":1}`, `no document`)
		d := c.Document()
		diary(c, d)
		if r := c.Run(d); r.Code != 3 {
			t.Errorf("exit code %d, want 3\n%s", r.Code, r.Said())
		}
		c.WantRows("SELECT what FROM "+c.Database+".diary", "before")
	})
}

func TestAFailingPreSqlLoadsNothing(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Values(`{"id":1}`)
		d := c.Document()
		d.Writer["preSql"] = []string{"TRUNCATE TABLE " + c.Database + ".is_not_there"}
		r := c.Run(d)
		if r.Code != 1 || !strings.Contains(r.Said(), "is_not_there") || !strings.Contains(r.Said(), "preSql") {
			t.Errorf("exit code %d, want 1 and words about preSql\n%s", r.Code, r.Said())
		}
		c.WantNoLoads()
		if got := c.Broker.Committed(t, c.Group, c.Topic, 1); len(got) != 0 {
			t.Errorf("the group moved to %v", got)
		}
	})
}

func TestAFailingPostSqlSaysThatTheRowsAreThere(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Values(`{"id":1}`)
		d := c.Document()
		d.Writer["postSql"] = []string{"TRUNCATE TABLE " + c.Database + ".is_not_there"}
		r := c.Run(d)
		if r.Code != 1 || !strings.Contains(r.Said(), "postSql") || !strings.Contains(r.Said(), "loaded") {
			t.Errorf("exit code %d, want 1 and that the rows are loaded\n%s", r.Code, r.Said())
		}
		c.WantRows("SELECT id FROM @t", "1")
	})
}

// A streaming job runs postSql when it is stopped in order, once, after its last load; @table stands for the table in both.
func TestPostSqlRunsAfterAnOrderlyStop(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Exec("INSERT INTO " + c.Database + "." + c.Table + " VALUES (99)")
		c.Values(`{"id":1}`, `{"id":2}`)
		d := c.Streaming()
		diary(c, d)
		d.Writer["postSql"] = append(d.Writer["postSql"].([]string), "INSERT INTO @table SELECT COUNT(*) + 100 FROM @table")
		r := c.Start(d)
		r.Until("the rows", func() bool { return c.Count() == 2 })
		c.WantRows("SELECT what FROM "+c.Database+".diary", "before")
		r.Signal(syscall.SIGTERM)
		if res := r.Wait(); res.Code != 143 {
			t.Fatalf("exit code %d, want 143\n%s", res.Code, res.Said())
		}
		c.WantRows("SELECT id FROM @t ORDER BY id", "1", "2", "102")
		c.WantRows("SELECT what FROM "+c.Database+".diary ORDER BY what", "after", "before")
	})
}

// With more dirty records than the job allows, postSql does not run, though loads have landed.
func TestPostSqlDoesNotRunBeyondTheErrorLimit(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Values(`{"id":1}`, `{"id":"bad"}`, `{"id":3}`)
		d := c.Document()
		diary(c, d)
		d.Writer["loadProps"], d.Writer["strategyOnError"], d.Writer["maxBatchRows"] = harness.Object{"format": "json", "strict_mode": true}, "rowDirtyData", 1
		if r := c.Run(d); r.Code != 3 {
			t.Errorf("exit code %d, want 3\n%s", r.Code, r.Said())
		}
		c.WantRows("SELECT what FROM "+c.Database+".diary", "before")
	})
}
