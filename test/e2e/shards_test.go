package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// sharded makes a table of n rows and the job that copies it into the case's DUPLICATE KEY table, in several shards.
func sharded(c *harness.Case, n int) *harness.Document {
	c.CreateTable("id BIGINT NOT NULL, v STRING", "DUPLICATE KEY (id) DISTRIBUTED BY HASH(id)")
	c.Exec("CREATE TABLE " + c.Database + ".src (id BIGINT NOT NULL, v STRING) DUPLICATE KEY (id) DISTRIBUTED BY HASH(id)")
	var values []string
	for id := range n {
		values = append(values, fmt.Sprintf("(%d, 'row %d')", id, id))
	}
	c.Exec("INSERT INTO " + c.Database + ".src VALUES " + strings.Join(values, ", "))
	d := copying(c, 2, "id", "v")
	d.Reader["splitPk"], d.Reader["splitFactor"] = "id", 4
	d.Writer["column"] = []string{"id", "v"}
	return d
}

// stateOf is what the state file of the case's job holds.
func stateOf(c *harness.Case) string {
	src, _ := os.ReadFile(filepath.Join(c.Dir, ".gx", c.ID+".state")) // none is nothing
	return string(src)
}

// Without being asked, a job of several shards into a table that keeps repeated rows has exactly-once; into a table that
// replaces them it has no need of it.
func TestGuaranteeFollowsTheTable(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]string{"DUPLICATE KEY": "delivery: exactly-once; each of the 8 shards", "PRIMARY KEY": "replaces rows by key"} {
		c := world.Case(t, world.Brokers[0])
		d := sharded(c, 100)
		if model == "PRIMARY KEY" {
			c.Exec("DROP TABLE " + c.Database + "." + c.Table)
			c.CreateTable(harness.Models[model].Columns, harness.Models[model].Model)
		}
		r := c.Done(d)
		if !strings.Contains(r.Stderr, want) {
			t.Errorf("%s: want %q in\n%s", model, want, r.Stderr)
		}
		if n := c.WantFeed(100); n > 0 {
			t.Errorf("%s: %d rows twice", model, n)
		}
	}
}

// An orderly stop leaves nothing of the shards that were under way. The next run reads them again and closes the job.
func TestStoppedShardsAreResumed(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	d := sharded(c, 300)
	d.Setting["speed"] = harness.Object{"concurrent": 2, "record": 100}
	d.Writer["preSql"] = []string{"TRUNCATE TABLE " + c.Database + "." + c.Table}
	d.Writer["postSql"] = []string{"INSERT INTO " + c.Database + ".src VALUES (-1, 'closed')"}
	run := c.Start(d)
	run.Until("a shard that is done", func() bool { return strings.Contains(stateOf(c), `"is":"done"`) })
	if r := c.Gx("state", "reset", c.ID+".json").Wait(); r.Code != 2 || !strings.Contains(r.Stderr, "is running already") {
		t.Errorf("state reset of a running job ended with %d\n%s", r.Code, r.Said())
	}
	run.Signal(syscall.SIGTERM)
	if r := run.Wait(); r.Code != 143 || !strings.Contains(r.Stderr, "gx run --resume goes on with the others") {
		t.Fatalf("exit code %d\n%s", r.Code, r.Said())
	}
	d.Setting["speed"] = harness.Object{"concurrent": 5}
	d.Writer["password"] = "" // as it was; a changed one would do as well
	c.Done(d, "--resume")
	if n := c.WantFeed(300); n > 0 {
		t.Errorf("%d rows are there twice", n)
	}
	if got := c.Query("SELECT COUNT(*) FROM " + c.Database + ".src WHERE id = -1")[0]; got != "1" {
		t.Errorf("postSql ran %s times", got)
	}
}

var inDoubt = regexp.MustCompile(`shard (\d+) \(`)

// A transaction that was to be committed, and that StarRocks has forgotten, is nobody's guess: exit code 4, nothing is
// touched, and a person says what became of it.
func TestForgottenTransactionIsInDoubt(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	d := sharded(c, 200)
	clear := c.World.Sandbox.Arm(t, harness.Fault{Kind: "answerDelay", Op: "commit", Table: c.Table, Millis: 20000, Times: -1})
	run := c.Start(d)
	run.Until("rows of a transaction whose commit is not answered", func() bool { return c.Count() > 0 })
	run.Kill(run.Pid())
	run.Wait()
	clear()
	landed := c.Count()
	if labels := c.World.Sandbox.ForgetCommitted(t, c.Database); len(labels) == 0 {
		t.Fatal("no commit was asked for")
	}
	loads := stateOf(c)

	r := c.Run(d, "--resume")
	if r.Code != 4 || !strings.Contains(r.Stderr, "gx state resolve JOB --shard N --committed") || c.Count() != landed {
		t.Fatalf("exit code %d, %d rows, and %d before\n%s", r.Code, c.Count(), landed, r.Said())
	}
	if now := stateOf(c); !strings.HasPrefix(now, loads) || strings.Contains(now[len(loads):], `"is":"open"`) {
		t.Errorf("something was done:\n%s", now[len(loads):])
	}
	doubts := inDoubt.FindAllStringSubmatch(r.Report.Error.What, -1)
	if len(doubts) == 0 {
		t.Fatalf("no shard is named: %s", r.Report.Error.What)
	}
	for _, m := range doubts {
		if r := c.Gx("state", "resolve", c.ID+".json", "--shard", m[1], "--committed").Wait(); r.Code != 0 {
			t.Fatalf("state resolve ended with %d\n%s", r.Code, r.Said())
		}
	}
	c.Done(d, "--resume")
	if n := c.WantFeed(200); n > 0 {
		t.Errorf("%d rows are there twice", n)
	}
}
