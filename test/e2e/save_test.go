package e2e

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

func TestDataSaveMode(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	c.CreateTable("id BIGINT", "")
	d := madeUp(c, 3, harness.Object{"type": "long", "incr": "1,1"})
	d.Writer["dataSaveMode"] = "errorIfNotEmpty"
	c.Done(d)
	if r := c.Run(d); r.Code != 1 || !strings.Contains(r.Said(), "dataSaveMode") {
		t.Errorf("exit code %d, want 1\n%s", r.Code, r.Said())
	}
	d.Writer["dataSaveMode"] = "append"
	c.Done(d)
	c.WantRows("SELECT COUNT(*) FROM @t", "6")
	d.Writer["dataSaveMode"] = "truncate"
	c.Done(d)
	c.WantRows("SELECT id FROM @t ORDER BY id", "1", "2", "3")
}

func TestSchemaSaveMode(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	d := madeUp(c, 2, harness.Object{"type": "long", "incr": "1,1"}, harness.Object{"type": "string", "value": "x"})
	if r := c.Run(d); r.Code != 1 || !strings.Contains(r.Said(), "schemaSaveMode") {
		t.Errorf("a missing table: exit code %d, want 1 and what would help\n%s", r.Code, r.Said())
	}
	d.Writer["schemaSaveMode"] = "createIfMissing"
	d.Writer["createTableTemplate"] = "CREATE TABLE @table (id BIGINT NOT NULL, s STRING) PRIMARY KEY (id) DISTRIBUTED BY HASH (id)"
	c.Done(d)
	c.Done(d) // it is there now
	c.WantRows("SELECT * FROM @t ORDER BY id", "1|x", "2|x")

	d.Writer["schemaSaveMode"] = "recreate"
	delete(d.Writer, "createTableTemplate")
	if r := c.Run(d); r.Code != 2 || !strings.Contains(r.Said(), "allowDestructive") {
		t.Errorf("exit code %d, want 2\n%s", r.Code, r.Said())
	}
	c.Exec("INSERT INTO " + c.Database + "." + c.Table + " VALUES (9, 'old')")
	c.Done(d, "--allow-destructive")
	c.WantRows("SELECT * FROM @t ORDER BY id", "1|x", "2|x")
	d.Writer["allowDestructive"] = true
	d.Writer["createTableTemplate"] = "CREATE TABLE @table (id BIGINT, s STRING, more INT)"
	d.Writer["column"] = []string{"id", "s"}
	c.Done(d)
	c.WantRows("SELECT * FROM @t ORDER BY id", "1|x|NULL", "2|x|NULL")
	d.Writer["createTableTemplate"] = "CREATE TABLE @table (id NOSUCHTYPE)"
	if r := c.Run(d); r.Code != 1 || !strings.Contains(r.Said(), "the table is as it was") {
		t.Errorf("exit code %d, want 1\n%s", r.Code, r.Said())
	}
	c.WantRows("SELECT * FROM @t ORDER BY id", "1|x|NULL", "2|x|NULL")
	c.WantRows("SELECT COUNT(*) FROM information_schema.tables WHERE TABLE_SCHEMA = '"+c.Database+"'", "1")
}

func TestNoRawSQL(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	c.CreateTable("id BIGINT", "")
	d := madeUp(c, 1, harness.Object{"type": "long", "incr": "1,1"})
	d.Writer["preSql"], d.Writer["postSql"] = []string{"", " "}, ""
	c.Done(d, "--no-raw-sql") // there is no statement
	d.Writer["postSql"] = "TRUNCATE TABLE @table"
	d.Writer["connection"] = []any{harness.Object{"querySql": []string{"SELECT 1"}}}
	for _, verb := range []string{"run", "check"} {
		r := c.Gx(verb, c.Write(d), "--no-raw-sql").Wait()
		if r.Code != 2 || !strings.Contains(r.Said(), "postSql holds SQL") || !strings.Contains(r.Said(), "querySql holds SQL") || strings.Contains(r.Said(), "preSql holds") {
			t.Errorf("gx %s: exit code %d, want 2\n%s", verb, r.Code, r.Said())
		}
	}
	c.WantRows("SELECT id FROM @t", "1")
}
