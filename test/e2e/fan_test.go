package e2e

import (
	"bytes"
	"encoding/json"
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

// flow is a document of several readers and writers, each row going everywhere. The first reader and writer of d are one
// each.
func flow(c *harness.Case, d *harness.Document, readers, writers []harness.Object) string {
	c.T.Helper()
	var steps, hops []any
	name := func(list []harness.Object, category string) (names []string) {
		for i, p := range list {
			n := fmt.Sprintf("%s %d", category, i+1)
			steps = append(steps, harness.Object{"stepType": p["type"], "name": n, "category": category, "parameter": p["parameter"]})
			names = append(names, n)
		}
		return names
	}
	from := name(append([]harness.Object{{"type": d.ReaderType, "parameter": d.Reader}}, readers...), "reader")
	to := name(append([]harness.Object{{"type": d.WriterType, "parameter": d.Writer}}, writers...), "writer")
	for _, f := range from {
		for _, t := range to {
			hops = append(hops, harness.Object{"from": f, "to": t})
		}
	}
	src, err := json.Marshal(harness.Object{"type": "job", "version": "2.0", "steps": steps, "setting": d.Setting, "order": harness.Object{"hops": hops}})
	if err != nil {
		c.T.Fatal(err)
	}
	return c.File(c.ID+".json", src)
}

// Two tables go into a third and into a file. A row that only StarRocks refuses is one dirty record, and stands in the file.
func TestTwoReadersAndTwoWriters(t *testing.T) {
	c := world.Case(t, world.Brokers[0])
	c.CreateTable("id INT NOT NULL, name VARCHAR(5)", "DUPLICATE KEY(id) DISTRIBUTED BY HASH(id)")
	for _, table := range []string{"src", "more"} {
		c.Exec("CREATE TABLE " + c.Database + "." + table + " (id INT, name STRING) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id)")
	}
	c.Exec("INSERT INTO " + c.Database + ".src VALUES (1, 'one'), (2, 'two'), (3, 'far too long')")
	c.Exec("INSERT INTO " + c.Database + ".more VALUES (11, 'ten'), (12, NULL)")
	d := copying(c, 2, "id", "name")
	d.Reader["splitPk"] = "id"
	d.Writer["column"], d.Writer["strategyOnError"] = []string{"id", "name"}, "rowDirtyData"
	d.Writer["loadProps"] = harness.Object{"format": "json", "strict_mode": true}
	d.Setting["errorLimit"] = harness.Object{"record": 1}
	more := harness.Object{}
	for k, v := range d.Reader {
		more[k] = v
	}
	more["table"] = "more"
	out := filepath.Join(c.Dir, "out")
	path := flow(c, d, []harness.Object{{"type": "starrocks", "parameter": more}},
		[]harness.Object{{"type": "file", "parameter": harness.Object{"path": out, "fileName": "rows", "format": "jsonl", "column": []string{"id", "name"}}}})
	res := c.StartFile(path).Wait()
	if res.Code != 0 || res.Report == nil || res.Report.Read != 5 || res.Report.Landed != 4 || res.Report.Dirty != 1 {
		t.Fatalf("exit code %d, report %+v\n%s", res.Code, res.Report, res.Said())
	}
	c.WantRows("SELECT id, name FROM @t ORDER BY id", "1|one", "2|two", "11|ten", "12|NULL")
	var lines []string
	for _, text := range c.Files("out/rows*") {
		lines = append(lines, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)
	}
	slices.Sort(lines)
	want := []string{`{"id":1,"name":"one"}`, `{"id":11,"name":"ten"}`, `{"id":12,"name":null}`, `{"id":2,"name":"two"}`, `{"id":3,"name":"far too long"}`}
	if !slices.Equal(lines, want) {
		t.Errorf("the file has %q", lines)
	}
	for _, say := range []string{"writer 1: 4 rows landed, 1 dirty", "writer 2: 5 rows landed, 0 dirty"} {
		if !strings.Contains(res.Said(), say) {
			t.Errorf("no %q in\n%s", say, res.Said())
		}
	}
	dirty, err := os.ReadFile(res.Report.DirtyFile)
	if err != nil || !bytes.Contains(dirty, []byte("writer 1: ")) || bytes.Count(dirty, []byte("\n")) != 1 {
		t.Errorf("dirty: %s %v", dirty, err)
	}
}

// Two topics with a consumer group each feed one table; each group goes on where it was.
func TestTwoGroupsIntoOneTable(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		ids(c, 2, "DUPLICATE KEY")
		other := c.Topic + "-other"
		c.Broker.CreateTopic(t, other, 1)
		d := c.Streaming()
		d.Setting["speed"] = harness.Object{"concurrent": 2}
		second := harness.Object{}
		for k, v := range d.Reader {
			second[k] = v
		}
		second["topic"], second["groupId"] = other, c.Group+"-other"
		path := flow(c, d, []harness.Object{{"type": "kafka", "parameter": second}}, nil)
		feed := c.Feed(2)
		for round := range 2 {
			before := c.Count()
			r := c.StartFile(path)
			c.Broker.Produce(t, &kgo.Record{Topic: other, Value: fmt.Appendf(nil, `{"id":%d,"v":"other"}`, 1_000_000+round)})
			r.Until("200 more rows, and the one of the other topic", func() bool {
				return c.Count() >= before+200 && c.Query("SELECT COUNT(*) FROM @t WHERE id >= 1000000")[0] == fmt.Sprint(round+1)
			})
			r.Signal(syscall.SIGTERM)
			if res := r.Wait(); res.Code != 143 {
				t.Fatalf("exit code %d\n%s", res.Code, res.Said())
			}
		}
		n := feed.Stop()
		r := c.StartFile(path)
		r.Until("every row", func() bool { return c.Count() >= n+2 })
		r.Signal(syscall.SIGTERM)
		if res := r.Wait(); res.Code != 143 {
			t.Fatalf("exit code %d\n%s", res.Code, res.Said())
		}
		c.WantRows("SELECT COUNT(*), COUNT(DISTINCT id) FROM @t", fmt.Sprintf("%d|%[1]d", n+2))
	})
}
