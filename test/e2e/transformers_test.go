package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/twmb/franz-go/pkg/kgo"
)

// dataxJob is a classic document for the case's topic and table, with a list of transformers.
func dataxJob(c *harness.Case, format, limit, transformers string) string {
	return c.File(c.ID+"-datax.json", []byte(fmt.Sprintf(`{"job": {
	  "setting": {"speed": {"channel": 1}, "errorLimit": {"record": %s}},
	  "content": [{
	    "reader": {"name": "kafkareader", "parameter": {"server": %q, "topic": %q, "groupId": %q, "beginType": "earliest", "column": ["id", "v"]}},
	    "writer": {"name": "starrockswriter", "parameter": {"username": "root", "password": "", "database": %q, "table": %q, "column": ["id", "v"],
	      "jdbcUrl": "jdbc:mysql://%s/", "loadUrl": [%q], "preSql": ["TRUNCATE TABLE @table"], "loadProps": {"format": %q}}},
	    "transformer": %s}]}}`, limit, c.Broker.Addr, c.Topic, c.Group, c.Database, c.Table, c.World.Sandbox.FEQuery, c.World.Sandbox.FEHTTP, format, transformers)))
}

// Every transformer of DataX, alone, on the same five messages.
func TestDataXTransformers(t *testing.T) {
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				c.CreateTopic(1)
				c.CreateTable("id INT, v VARCHAR(64)", "")
				c.Values(`{"id":1,"v":"abcdef"}`, `{"id":2,"v":null}`, `{"id":3,"v":"漢字\"\\"}`, `{"id":4,"v":""}`, `{"id":5,"v":12.50}`)
				for _, x := range []struct {
					list            string
					want            []string
					filtered, dirty int64
				}{
					{`[{"name": "dx_substr", "parameter": {"columnIndex": 1, "paras": ["0", "3"]}}]`, []string{"1|abc", "2|NULL", `3|漢字"`, "4|", "5|12."}, 0, 0},
					{`[{"name": "dx_substr", "parameter": {"columnName": "v", "paras": ["1", "2"]}}]`, []string{"1|bc", "2|NULL", `3|字"`, "5|2."}, 0, 1},
					{`[{"name": "dx_pad", "parameter": {"columnIndex": 1, "paras": ["r", "5", "xy"]}}]`, []string{"1|abcde", "2|xyxyx", `3|漢字"\x`, "4|xyxyx", "5|12.50"}, 0, 0},
					{`[{"name": "dx_replace", "parameter": {"columnIndex": 1, "paras": ["0", "2", "-"]}}]`, []string{"1|-cdef", "2|NULL", `3|-"\`, "4|-", "5|-.50"}, 0, 0},
					{`[{"name": "dx_digest", "parameter": {"columnIndex": 1, "paras": ["md5", "toUpperCase"]}}, {"name": "dx_filter", "parameter": {"columnIndex": 0, "paras": ["!=", "2"]}}]`,
						[]string{"2|D41D8CD98F00B204E9800998ECF8427E"}, 4, 0},
					{`[{"name": "dx_filter", "parameter": {"columnIndex": 1, "paras": ["like", "[a-z]*"]}}]`, []string{"2|NULL", `3|漢字"\`, "5|12.50"}, 2, 0},
					{`[{"name": "dx_filter", "parameter": {"columnIndex": 1, "paras": ["=", "null"]}}, {"name": "dx_filter", "parameter": {"columnIndex": 0, "paras": [">", "3"]}}]`,
						[]string{"1|abcdef", `3|漢字"\`}, 3, 0},
					{`[{"name": "dx_filter", "parameter": {"columnIndex": 0, "paras": ["<", "100"]}}]`, nil, 5, 0},
				} {
					path := dataxJob(c, format, fmt.Sprint(x.dirty), x.list)
					r := c.StartFile(path).Wait()
					if r.Code != 0 || r.Report == nil {
						t.Fatalf("%s: exit code %d\n%s", x.list, r.Code, r.Said())
					}
					if got := c.Query(fmt.Sprintf("SELECT id, v FROM %s.%s ORDER BY id", c.Database, c.Table)); !slices.Equal(got, x.want) {
						t.Errorf("%s: rows %q, want %q", x.list, got, x.want)
					}
					if rep := r.Report; rep.Read != 5 || rep.Filtered != x.filtered || rep.Dirty != x.dirty || rep.Landed != int64(len(x.want)) {
						t.Errorf("%s: read %d, landed %d, filtered %d, dirty %d", x.list, rep.Read, rep.Landed, rep.Filtered, rep.Dirty)
					}
					if got := c.Broker.Committed(t, c.Group, c.Topic, 1); got[0] != 5 {
						t.Errorf("%s: the group is at %v, want behind the last record", x.list, got)
					}
				}
			})
		})
	}
}

// The DataX document with each transformer in a row is examples/datax-transformers, which TestExamples runs. Here expr stands
// between the steps of a DataWorks script, over several partitions and lanes.
func TestExprBetweenReaderAndWriter(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(3)
		c.CreateTable("total BIGINT, id INT, name VARCHAR(64)", "")
		const n = 3000
		var records []*kgo.Record
		for i := range n {
			value := fmt.Sprintf(`{"id":%d,"name":"row %d","price":%d,"pieces":3}`, i, i, i)
			if i%500 == 499 {
				value = fmt.Sprintf(`{"id":%d,"name":"row %d","price":"dear","pieces":3}`, i, i)
			}
			records = append(records, &kgo.Record{Topic: c.Topic, Partition: int32(i % 3), Value: []byte(value)})
		}
		c.Broker.Produce(t, records...)
		d := c.Document()
		d.Reader["column"] = []string{"id", "name", "price", "pieces"}
		d.Writer["column"] = []string{"total", "id", "name"}
		d.Setting["errorLimit"] = harness.Object{"record": 6}
		d.Setting["speed"] = harness.Object{"concurrent": 3}
		d.Setting["transformer"] = []any{harness.Object{"name": "expr", "parameter": harness.Object{
			"where": "id % 3 != 1", "add": []any{harness.Object{"column": "total", "value": "price * pieces"}},
			"set": []any{harness.Object{"column": "name", "value": `upper(name)`}}, "drop": []string{"price", "pieces"}}}}
		r := c.Done(d)
		dirty := int64(0)
		for i := 499; i < n; i += 500 {
			if i%3 != 1 {
				dirty++
			}
		}
		if rep := r.Report; rep.Read != n || rep.Filtered != n/3 || rep.Dirty != dirty || rep.Landed != n-n/3-dirty {
			t.Errorf("read %d, landed %d, filtered %d, dirty %d", rep.Read, rep.Landed, rep.Filtered, rep.Dirty)
		}
		c.WantRows("SELECT COUNT(*) FROM @t", fmt.Sprint(n-n/3-dirty))
		c.WantRows("SELECT total, id, name FROM @t WHERE id IN (0, 1, 2, 2000) ORDER BY id", "0|0|ROW 0", "6|2|ROW 2", "6000|2000|ROW 2000")
		for _, l := range dirtyLines(t, r.Report.DirtyFile) {
			if l.Plugin != "transformer" || !strings.Contains(l.Reason, "expr: ") || !strings.Contains(l.Record, `"dear"`) || !strings.Contains(l.Place, "batch ") {
				t.Errorf("dirty line %+v", l)
			}
		}
		if got := c.Broker.Committed(t, c.Group, c.Topic, 3); got[0] != n/3 || got[1] != n/3 || got[2] != n/3 {
			t.Errorf("the group is at %v", got)
		}
	})
}

// What is wrong with transformers is said by gx check and by gx run, with its place, before anything is touched.
func TestTransformersAreChecked(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT, v VARCHAR(64)", "")
		c.Values(`{"id":1,"v":"x"}`)
		for _, x := range []struct {
			list   string
			atRun  bool // only the columns of both sides show it
			expect []string
		}{
			{`[{"name": "dx_groovy", "parameter": {"code": "return record"}}]`, false, []string{"job.content[0].transformer[0].name", "expr"}},
			{`[{"name": "dx_substr", "parameter": {"columnIndex": 1, "paras": ["-1", "2"]}}]`, false, []string{"job.content[0].transformer[0].parameter.paras[0]", "before the text"}},
			{`[{"name": "expr", "parameter": {"where": "id >"}}, {"name": "dx_padd", "parameter": {}}]`, false,
				[]string{"job.content[0].transformer[0].parameter.where", "job.content[0].transformer[1].name", "dx_pad", "2 problems"}},
			{`[{"name": "dx_substr", "parameter": {"columnIndex": 5, "paras": ["0", "2"]}}]`, true, []string{"job.content[0].transformer[0].parameter.columnIndex", "counted from 0: id, v"}},
			{`[{"name": "expr", "parameter": {"where": "idd > 0"}}]`, true, []string{"job.content[0].transformer[0].parameter.where", "idd"}},
			{`[{"name": "expr", "parameter": {"drop": ["v"]}}]`, true, []string{"job.content[0].transformer[0].parameter", "the writer takes id, v"}},
		} {
			path := dataxJob(c, "json", "0", x.list)
			check := c.Gx("check", path).Wait()
			if (check.Code == 2) == x.atRun {
				t.Errorf("%s: gx check ended with %d\n%s", x.list, check.Code, check.Said())
			}
			run := c.StartFile(path, "--state-dir", filepath.Join(c.Dir, "state")).Wait()
			if run.Code != 2 {
				t.Errorf("%s: gx run ended with %d\n%s", x.list, run.Code, run.Said())
			}
			said := run.Said()
			if !x.atRun {
				said = check.Said()
			}
			for _, w := range x.expect {
				if !strings.Contains(said, w) {
					t.Errorf("%s: %q is missing\n%s", x.list, w, said)
				}
			}
		}
		c.WantNoLoads()
		if n := c.Count(); n != 0 {
			t.Errorf("%d rows are in the table", n)
		}
	})
}

// A batch without transformers is what it was before: documents pass unopened. With one, columns are asked for.
func TestTransformersAskForColumns(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT, v VARCHAR(64)", "")
		c.Values(`{"v":"x","id":1}`, `{"id":2,"v":"y"}`)
		d := c.Document()
		d.Setting["transformer"] = []any{harness.Object{"name": "dx_filter", "parameter": harness.Object{"columnName": "id", "paras": []string{"=", "1"}}}}
		c.Done(d)
		c.WantRows("SELECT id, v FROM @t", "2|y")
	})
}
