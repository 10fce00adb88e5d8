package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/twmb/franz-go/pkg/kgo"
)

// dirtyTable is the statement that docs/operate.md shows and that gx prints when the table is not there.
const dirtyTable = "CREATE TABLE %s (`time` DATETIME NOT NULL, `job` VARCHAR(512) NOT NULL, `run` VARCHAR(64), `plugin` VARCHAR(256), " +
	"`place` VARCHAR(65533), `topic` VARCHAR(1024), `partition` INT, `offset` BIGINT, `timestamp` DATETIME, `reason` VARCHAR(1048576), `column` VARCHAR(65533), " +
	"`record` VARCHAR(1048576), `recordBase64` VARCHAR(1048576), `key` VARCHAR(1048576), `keyBase64` VARCHAR(1048576), `headers` VARCHAR(1048576)) " +
	"DUPLICATE KEY (`time`, `job`) DISTRIBUTED BY HASH (`job`)"

// dirtyName is the case's table of dirty records.
func dirtyName(c *harness.Case) string { return "dirty_" + c.ID }

func dirtyPlace(c *harness.Case) string { return c.Database + "." + dirtyName(c) }

// toTable sends the dirty records of a job to the case's table of dirty records, which it makes.
func toTable(c *harness.Case, d *harness.Document) {
	c.Exec(fmt.Sprintf(dirtyTable, dirtyPlace(c)))
	d.Setting["dirty"] = tableSink(c)
}

func tableSink(c *harness.Case) harness.Object {
	return harness.Object{"type": "starrocks", "loadUrl": []string{c.World.Sandbox.FEHTTP}, "jdbcUrl": "jdbc:mysql://" + c.World.Sandbox.FEQuery + "/",
		"username": "root", "password": "", "selectedDatabase": c.Database, "table": dirtyName(c)}
}

func dirtyRows(c *harness.Case, columns string) []string {
	return c.Query("SELECT " + columns + " FROM " + dirtyPlace(c) + " ORDER BY `offset`, `record`")
}

func TestDirtyRecordsGoToATable(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(2)
		c.CreateTable("id INT", "")
		var records []*kgo.Record
		var want []string
		for i, bad := range notDocuments {
			records = append(records, &kgo.Record{Topic: c.Topic, Partition: 1, Value: fmt.Appendf(nil, `{"id":%d}`, i)},
				&kgo.Record{Topic: c.Topic, Partition: 1, Key: []byte{0xff, byte(i)}, Value: []byte(bad), Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte{0xfe}}}})
			plain, b64 := bad, "NULL"
			if strings.ToValidUTF8(bad, "") != bad {
				plain, b64 = "NULL", base64.StdEncoding.EncodeToString([]byte(bad))
			}
			want = append(want, fmt.Sprintf(`kafka-reader|%s|1|%d|%s|%s|NULL|%s|[["trace",{"base64":"/g=="}]]`, c.Topic, 2*i+1, plain, b64,
				base64.StdEncoding.EncodeToString([]byte{0xff, byte(i)})))
		}
		c.Broker.Produce(t, records...)
		d := c.Document()
		toTable(c, d)
		d.Setting["errorLimit"] = harness.Object{"record": len(notDocuments)}
		r := c.Done(d)
		if n := int64(len(notDocuments)); r.Report.Dirty != n || r.Report.Landed != n || r.Report.DirtySink == nil ||
			r.Report.DirtySink.Kept != n || r.Report.DirtySink.Refused != 0 || r.Report.DirtyFile != "" {
			t.Errorf("report %+v, sink %+v", r.Report, r.Report.DirtySink)
		}
		if got := dirtyRows(c, "plugin, topic, `partition`, `offset`, record, recordBase64, `key`, keyBase64, headers"); !slices.Equal(got, want) {
			t.Errorf("the table holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if got := dirtyRows(c, "COUNT(*)"); len(got) != 1 {
			t.Errorf("%q", got)
		}
		line := fmt.Sprintf("%d in table %s, by starrocks-writer", len(notDocuments), dirtyPlace(c))
		if !strings.Contains(r.Stdout, line) || len(r.Report.Processes) != 4 {
			t.Errorf("the report does not say %q, or names other than 4 processes\n%s", line, r.Stdout)
		}
	})
}

func TestAJobWithoutDirtyRecordsLeavesTheirTableAlone(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Values(`{"id":1}`)
		d := c.Document()
		toTable(c, d)
		c.Done(d)
		if n := len(c.World.Sandbox.Loads(t, "be", c.Database, dirtyName(c))); n != 0 {
			t.Errorf("%d loads of dirty records, and there were none", n)
		}
	})
}

// A record that the table of dirty records refuses goes to the file; those beside it stay in the table.
func TestWhatTheDirtyTableRefusesGoesToTheFile(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		long := strings.Repeat("x", 40)
		c.Values("bad", long, "worse")
		c.Exec(strings.Replace(fmt.Sprintf(dirtyTable, dirtyPlace(c)), "`record` VARCHAR(1048576)", "`record` VARCHAR(20)", 1))
		d := c.Document()
		d.Setting["dirty"] = tableSink(c)
		d.Setting["errorLimit"] = harness.Object{"record": 3}
		r := c.Done(d)
		if got := dirtyRows(c, "record"); !slices.Equal(got, []string{"bad", "worse"}) {
			t.Errorf("the table holds %q", got)
		}
		lines := dirtyLines(t, r.Report.DirtyFile)
		if len(lines) != 1 || lines[0].Record != long || lines[0].Refused == "" || lines[0].Reason == "" || lines[0].Topic != c.Topic || lines[0].Offset != 1 {
			t.Errorf("the file holds %+v", lines)
		}
		if s := r.Report.DirtySink; r.Report.Dirty != 3 || s.Kept != 2 || s.Refused != 1 || !strings.Contains(r.Stdout, "1 refused there: "+r.Report.DirtyFile) ||
			!strings.Contains(r.Stderr, "goes to the file") {
			t.Errorf("sink %+v\n%s", s, r.Said())
		}
	})
}

func TestErrorLimitWithATable(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Values(`{"id":1}`, `bad`, `{"id":2}`, `worse`, `{"id":3}`, `{"id":4}`)
		d := c.Document()
		toTable(c, d)
		for _, l := range []struct {
			limit harness.Object
			code  int
		}{{harness.Object{"record": 1}, 3}, {harness.Object{"percentage": 0.33}, 3}, {harness.Object{"record": 2}, 0}, {harness.Object{"percentage": 0.34}, 0}} {
			c.Exec("TRUNCATE TABLE " + dirtyPlace(c))
			d.Setting["errorLimit"] = l.limit
			r := c.Run(d)
			if r.Code != l.code {
				t.Errorf("errorLimit %v: exit code %d, want %d\n%s", l.limit, r.Code, l.code, r.Said())
			}
			if got := dirtyRows(c, "record"); !slices.Equal(got, []string{"bad", "worse"}) {
				t.Errorf("errorLimit %v: the table holds %q", l.limit, got)
			}
		}
	})
}

// No offset moves past a dirty record that is not in its table, and the job ends in the name of the table's writer.
func TestADirtyTableThatTakesNothingEndsTheJob(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Values(`{"id":1}`, `bad`)
		d := c.Document()
		toTable(c, d)
		d.Setting["errorLimit"] = harness.Object{"record": 9}
		c.Exec("DROP TABLE " + dirtyPlace(c))
		r := c.Run(d)
		if r.Code != 1 || !strings.Contains(r.Said(), "setting.dirty.table") || !strings.Contains(r.Said(), "CREATE TABLE `"+c.Database+"`.`"+dirtyName(c)+"` (`time`") {
			t.Errorf("exit code %d\n%s", r.Code, r.Said())
		}
		c.WantNoLoads()

		c.Exec(strings.Replace(fmt.Sprintf(dirtyTable, dirtyPlace(c)), "`headers` VARCHAR(1048576)", "`other` INT", 1))
		r = c.Run(d)
		if r.Code != 2 || !strings.Contains(r.Said(), "has no column headers") || !strings.Contains(r.Said(), "CREATE TABLE ") {
			t.Errorf("exit code %d\n%s", r.Code, r.Said())
		}
		c.WantNoLoads()

		c.Exec("DROP TABLE " + dirtyPlace(c))
		c.Exec(fmt.Sprintf(dirtyTable, dirtyPlace(c)))
		sink := tableSink(c)
		sink["maxRetries"] = 0
		d.Setting["dirty"] = sink
		c.World.Sandbox.Arm(t, harness.Fault{Kind: "answerBody", Table: dirtyName(c), Text: `{"TxnId":1,"Status":"Fail","Message":"disk is full"}`})
		r = c.Run(d)
		if r.Code == 0 || !strings.Contains(r.Said(), "setting.dirty") || !strings.Contains(r.Said(), "disk is full") {
			t.Errorf("exit code %d\n%s", r.Code, r.Said())
		}
		if got := c.Broker.Committed(t, c.Group, c.Topic, 1); len(got) != 0 {
			t.Errorf("the group moved to %v past a record that is nowhere", got)
		}
	})
}

func TestTheDeathOfTheDirtyWriterEndsTheJob(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		d := c.Streaming()
		toTable(c, d)
		d.Setting["errorLimit"] = harness.Object{"record": 9}
		r := c.Start(d)
		c.Values(`{"id":1}`, `bad`)
		r.Until("the first dirty record in the table", func() bool { return len(dirtyRows(c, "record")) == 1 })
		if plugins := harness.Children(r.Pid()); len(plugins) != 3 {
			t.Errorf("plugins %v, want 3", plugins)
		}
		pid := 0
		if _, list, ok := strings.Cut(r.Stderr(), "dirty records "); ok {
			_, _ = fmt.Sscan(list, &pid)
		}
		if pid == 0 {
			t.Fatalf("gx does not say which process keeps dirty records\n%s", r.Stderr())
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		res := r.Wait()
		if res.Code != 1 || !strings.Contains(res.Said(), fmt.Sprintf("setting.dirty: plugin starrocks-writer (process %d) died", pid)) {
			t.Errorf("exit code %d\n%s", res.Code, res.Said())
		}
	})
}

// A stream goes on past its dirty records: they are in the table before the offsets move, and a stop loses none.
func TestAStreamKeepsItsDirtyRecordsInATable(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		d := c.Streaming()
		toTable(c, d)
		d.Setting["errorLimit"] = harness.Object{"record": ""}
		r := c.Start(d)
		c.Values(`{"id":1}`, `bad 1`)
		r.Until("offset 2", func() bool { return c.Broker.Committed(t, c.Group, c.Topic, 1)[0] == 2 })
		if got := dirtyRows(c, "record"); !slices.Equal(got, []string{"bad 1"}) {
			t.Errorf("the offset has moved and the table holds %q", got)
		}
		c.Values(`bad 2`, `{"id":2}`)
		r.Until("the second row", func() bool { return c.Count() == 2 })
		r.Signal(syscall.SIGTERM)
		if res := r.Wait(); res.Code != 143 || res.Report.DirtySink.Kept != 2 {
			t.Errorf("exit code %d\n%s", res.Code, res.Said())
		}
		if got := dirtyRows(c, "record"); !slices.Equal(got, []string{"bad 1", "bad 2"}) {
			t.Errorf("the table holds %q", got)
		}
	})
}

// Rows that the target of the job refuses stand in the table of dirty records with its reason, also in the same database.
func TestRowsThatTheTargetRefusesGoToTheDirtyTable(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Values(`{"id":1}`, `{"id":"no number"}`, `{"id":3}`)
		d := c.Document()
		d.Writer["loadProps"] = harness.Object{"format": "json", "strict_mode": true}
		d.Writer["strategyOnError"] = "rowDirtyData"
		toTable(c, d)
		d.Setting["errorLimit"] = harness.Object{"record": 1}
		c.Done(d)
		c.WantRows("SELECT id FROM @t ORDER BY id", "1", "3")
		got := dirtyRows(c, "plugin, record")
		if len(got) != 1 || !strings.HasPrefix(got[0], "starrocks-writer|") || !strings.Contains(got[0], "no number") {
			t.Errorf("the table holds %q", got)
		}
	})
}

// A data source serves the writer of dirty records like a step, and its password is seen nowhere.
func TestDirtyTableByDataSource(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Values(`bad`)
		c.Exec(fmt.Sprintf(dirtyTable, dirtyPlace(c)))
		sources := filepath.Join(c.Dir, "given-sources.json")
		text := fmt.Sprintf(`{"ops": {"type": "starrocks", "loadUrl": [%q], "jdbcUrl": "jdbc:mysql://%s/", "username": %q, "password": "${env:GX_E2E_PASSWORD}", "selectedDatabase": %q}}`,
			c.World.Sandbox.FEHTTP, c.World.Sandbox.FEQuery, harness.User, c.Database)
		if err := os.WriteFile(sources, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c.Env = append(c.Env, "GX_E2E_PASSWORD="+harness.Password)
		d := c.Document()
		d.Setting["errorLimit"] = harness.Object{"record": 1}
		d.Setting["dirty"] = harness.Object{"type": "starrocks", "datasource": "ops", "table": dirtyName(c)}
		r := c.Done(d, "--datasources", sources)
		if got := dirtyRows(c, "record"); !slices.Equal(got, []string{"bad"}) || r.Report.DirtySink.Place != "table "+dirtyPlace(c) {
			t.Errorf("the table holds %q, %+v", got, r.Report.DirtySink)
		}
	})
}
