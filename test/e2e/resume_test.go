package e2e

import (
	"strings"
	"syscall"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// A streaming job that goes on must not clean away what its earlier run has loaded.
func TestPreSQLRunsOnTheFirstStartOnly(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		ids(c, 1, "DUPLICATE KEY")
		d := c.Streaming()
		d.Writer["preSql"] = []string{"TRUNCATE TABLE @table"}
		for i, row := range []string{`{"id":1,"v":"first run"}`, `{"id":2,"v":"second run"}`} {
			r := c.Start(d)
			c.Values(row)
			r.Until("the row of this run", func() bool { return c.Count() == i+1 })
			r.Signal(syscall.SIGTERM)
			res := r.Wait()
			if res.Code != 143 {
				t.Fatalf("exit code %d\n%s", res.Code, res.Said())
			}
			if left := strings.Contains(res.Said(), "preSql is left out"); left != (i == 1) {
				t.Errorf("run %d says\n%s", i+1, res.Said())
			}
		}
	})
}
