package e2e

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// readsFiles makes a job of the case's document that reads or writes files.
func readsFiles(d *harness.Document, parameters harness.Object) {
	d.ReaderType, d.Reader = "file", parameters
}

func writesFiles(d *harness.Document, parameters harness.Object) {
	d.WriterType, d.Writer = "file", parameters
}

// lines is every line of the files that match a pattern, sorted.
func lines(c *harness.Case, pattern string) (out []string) {
	for _, text := range c.Files(pattern) {
		out = append(out, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)
	}
	slices.Sort(out)
	return out
}

func numbered(n int, line func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(i) + "\n")
	}
	return b.String()
}

// Two files over two lanes, with a bad line in each: the rows are in the table, the lines in the dirty file with their place.
func TestFilesToStarRocks(t *testing.T) {
	c := world.Case(t, world.Brokers[0])
	c.CreateTable("id BIGINT, name STRING, at DATETIME", "")
	good := func(i int) string { return fmt.Sprintf("\"n,%d\",%d,2024-02-29 00:00:%02d", i, i, i%60) }
	for i, name := range []string{"in-a.csv", "in-b.csv"} {
		c.File(name, []byte("name,id,at\n"+numbered(500, func(n int) string { return good(1000*i + n) })+"bad,x,2024-01-01\n"))
	}
	d := c.Document()
	readsFiles(d, harness.Object{"path": "in-*.csv", "skipHeader": true,
		"column": []any{harness.Object{"name": "id", "type": "long"}, "name", harness.Object{"name": "at", "type": "date"}}})
	d.Writer["loadProps"], d.Writer["column"] = harness.Object{"format": "csv", "column_separator": `\x01`, "row_delimiter": `\x02`}, []string{"id", "name", "at"}
	d.Setting["errorLimit"], d.Setting["speed"] = harness.Object{"record": 2}, harness.Object{"concurrent": 2}
	r := c.Done(d)
	c.WantRows("SELECT COUNT(*), COUNT(DISTINCT id), MAX(id), MIN(name) FROM @t", "1000|1000|1499|n,0")
	c.WantRows("SELECT name, at FROM @t WHERE id = 1001", "n,1001|2024-02-29 00:00:41")
	if r.Report.Dirty != 2 || len(r.Report.DirtyRecords) != 2 || !strings.Contains(r.Report.DirtyRecords[0].Place, ".csv line 502") {
		t.Errorf("dirty %d: %+v", r.Report.Dirty, r.Report.DirtyRecords)
	}
}

func TestJSONLinesToStarRocks(t *testing.T) {
	c := world.Case(t, world.Brokers[0])
	c.CreateTable("id BIGINT, big LARGEINT, doc STRING", "")
	c.File("in.jsonl", []byte(`{"id":1,"big":123456789012345678901,"doc":{"a":[1.10]}}`+"\n"+`{"id":2,"doc":null}`+"\n"))
	d := c.Document()
	readsFiles(d, harness.Object{"path": "in.jsonl", "format": "jsonl"})
	c.Done(d)
	c.WantRows("SELECT id, big, doc FROM @t ORDER BY id", `1|123456789012345678901|{"a":[1.10]}`, "2|NULL|NULL")
}

func TestKafkaToFiles(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(2)
		for p := range int32(2) {
			var values []string
			for i := range 300 {
				values = append(values, fmt.Sprintf(`{"id": %d, "t": "x,%d"}`, int(p)*300+i, i))
			}
			c.ValuesTo(p, values...)
		}
		d := c.Document()
		writesFiles(d, harness.Object{"path": "out", "fileName": "docs.jsonl", "format": "jsonl"})
		d.Setting["speed"] = harness.Object{"concurrent": 2}
		c.Done(d)
		if got := lines(c, "out/docs__*"); len(slices.Compact(got)) != 600 || got[0] != `{"id": 0, "t": "x,0"}` {
			t.Errorf("%d lines, the first is %s", len(got), got[0])
		}
		// The fields that column names, as CSV in the same folder.
		d.Reader["groupId"] = c.Group + "_2"
		writesFiles(d, harness.Object{"path": "out", "fileName": "cells.csv", "column": []string{"t", "id"}, "header": true, "maxFileRows": 200, "compress": "none"})
		c.Done(d)
		got := lines(c, "out/cells__*.csv")
		if len(c.Files("out/cells__*.csv")) != 4 || len(slices.Compact(slices.Clone(got))) != 601 || got[len(got)-1] != "t,id" || !slices.Contains(got, `"x,299",599`) {
			t.Errorf("%d files, %d lines: %q …", len(c.Files("out/cells__*.csv")), len(got), got[0])
		}
		// What is there is not written over, and the refusal says what to do.
		if r := c.Run(d); r.Code != 2 || !strings.Contains(r.Said(), "steps[1].parameter.fileName") || !strings.Contains(r.Said(), "append") {
			t.Errorf("exit code %d\n%s", r.Code, r.Said())
		}
	})
}

// A streaming job publishes at its checkpoints; killed and started again it loses nothing, and leaves no half file.
func TestKafkaToFilesSurvivesKill(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		d := c.Streaming()
		writesFiles(d, harness.Object{"path": "out", "fileName": "docs", "format": "jsonl", "writeMode": "append"})
		d.Setting["checkpoint"] = harness.Object{"intervalMs": 1000}
		c.Values(`{"id":1}`, `{"id":2}`)
		r := c.Start(d)
		r.Until("the first rows", func() bool { return len(lines(c, "out/docs__*")) == 2 })
		c.Values(`{"id":3}`)
		r.Signal(syscall.SIGKILL)
		r.Wait()
		c.Values(`{"id":4}`)
		r = c.Start(d)
		r.Until("all rows", func() bool { return len(slices.Compact(lines(c, "out/docs__*"))) == 4 })
		r.Signal(syscall.SIGTERM)
		if res := r.Wait(); res.Code != 143 {
			t.Errorf("exit code %d\n%s", res.Code, res.Said())
		}
		if got := strings.Join(slices.Compact(lines(c, "out/docs__*")), ""); got != `{"id":1}{"id":2}{"id":3}{"id":4}` {
			t.Errorf("the files hold %s", got)
		}
		if left := c.Files("out/.*"); len(left) > 0 {
			t.Errorf("%d files under way were left", len(left))
		}
	})
}

// The classic DataX document: text files to text files.
func TestDataXTextFiles(t *testing.T) {
	c := world.Case(t, world.Brokers[0])
	c.File("given-in.txt", []byte("1|a|2024-02-29\n2|\\N|2024-03-01\n"))
	c.File("out__old", []byte("old"))
	job := c.File("job.json", []byte(`{"job": {"setting": {"speed": {"channel": 2}}, "content": [{
		"reader": {"name": "txtfilereader", "parameter": {"path": ["given-in.txt"], "encoding": "UTF-8", "fieldDelimiter": "|", "column": [
			{"index": 0, "type": "long"}, {"index": 1, "type": "string"}, {"type": "string", "value": "x"}, {"index": 2, "type": "date", "format": "yyyy-MM-dd"}]}},
		"writer": {"name": "txtfilewriter", "parameter": {"path": ".", "fileName": "out", "writeMode": "truncate", "dateFormat": "yyyy/MM/dd", "fileFormat": "text",
			"fieldDelimiter": ";", "nullFormat": "-", "header": ["n", "s", "c", "d"]}}}]}}`))
	if r := c.StartFile(job).Wait(); r.Code != 0 || !strings.Contains(r.Said(), "removed 1 older files: out__old") {
		t.Fatalf("exit code %d\n%s", r.Code, r.Said())
	}
	if got := strings.Join(c.Files("out__*"), ""); got != "n;s;c;d\n1;a;x;2024/02/29\n2;-;x;2024/03/01\n" {
		t.Errorf("the file holds %q", got)
	}
}

// A job that fails in the middle leaves the old files and nothing half.
func TestFailedJobLeavesNothing(t *testing.T) {
	c := world.Case(t, world.Brokers[0])
	c.File("given-in.csv", []byte(numbered(2000, func(i int) string { return fmt.Sprint(i) })+"bad\n"))
	c.File("out__old.csv", []byte("old"))
	d := c.Document()
	readsFiles(d, harness.Object{"path": "given-in.csv", "column": []any{harness.Object{"index": 0, "type": "long"}}, "batchRows": 100})
	writesFiles(d, harness.Object{"path": ".", "fileName": "out.csv", "writeMode": "truncate"})
	if r := c.Run(d); r.Code != 3 {
		t.Fatalf("exit code %d, want 3\n%s", r.Code, r.Said())
	}
	if got := strings.Join(c.Files("out*"), "") + strings.Join(c.Files(".out*"), ""); got != "old" {
		t.Errorf("the folder holds %.80q", got)
	}
}
