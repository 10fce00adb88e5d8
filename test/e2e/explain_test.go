package e2e

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// What a job would do is shown: the query of each shard, and how many loads it may come to. Nothing arrives at the target.
func TestExplainShowsAndDoesNothing(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTable("id INT, name STRING", "DUPLICATE KEY(id) DISTRIBUTED BY HASH(id)")
		c.Exec("CREATE TABLE " + c.Database + ".src (id INT NOT NULL, name STRING) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id)")
		c.Exec("INSERT INTO " + c.Database + ".src VALUES (1, 'a'), (2, 'b'), (30, 'c'), (400, 'd')")
		tables := copying(c, 2, "id", "name")
		tables.Reader["splitPk"], tables.Reader["where"] = "id", "id > 1"
		tables.Writer["column"] = []string{"id", "name"}
		tables.Writer["preSql"] = "truncate table @table"
		c.CreateTopic(2)
		topic := c.Streaming()
		topic.Setting["speed"] = harness.Object{"concurrent": 2}
		for _, job := range []struct {
			d    *harness.Document
			want []string
		}{
			{tables, []string{"delivery  exactly-once; each of the ", "WHERE (id > 1 ) AND (`id` >= 41 AND `id` < 81)", "loadProps.format: every column holds a plain value", "2 of 2 have work"}},
			{topic, []string{"delivery  at-least-once", "so up to 600 a minute", "2 shards"}},
		} {
			res := c.Gx("explain", c.Write(job.d)).Wait()
			for _, want := range job.want {
				if res.Code != 0 || !strings.Contains(res.Stdout, want) {
					t.Errorf("exit code %d, no %q in\n%s", res.Code, want, res.Said())
				}
			}
		}
		c.WantNoLoads()
		if got := c.Query("SELECT COUNT(*) FROM @t"); got[0] != "0" {
			t.Errorf("%s rows", got)
		}
	})
}
