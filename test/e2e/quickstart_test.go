package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/twmb/franz-go/pkg/kgo"
)

var cities = []string{`{"id":1,"city":"New York"}`, `{"id":2,"city":"Los Angeles"}`, `{"id":3,"city":"Chicago"}`}

func TestThreeMessagesBecomeThreeRows(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT, city STRING", "")
		c.Values(cities...)
		r := c.Done(c.Document())
		c.WantRows("SELECT id, city FROM @t ORDER BY id", "1|New York", "2|Los Angeles", "3|Chicago")
		if p := r.Report; p.Read != 3 || p.Landed != 3 || p.Dirty != 0 || p.Filtered != 0 || p.Loads != 1 || p.Mode != "batch" {
			t.Errorf("report: %+v", p)
		}
		for _, want := range []string{"delivery: at-least-once", "kafka-reader → starrocks-writer"} {
			if !strings.Contains(r.Stderr, want) {
				t.Errorf("nowhere in the notes: %q\n%s", want, r.Stderr)
			}
		}
		if got := c.Broker.Committed(t, c.Group, c.Topic, 1); got[0] != 3 {
			t.Errorf("the group's offset is %v, want 3", got)
		}
	})
}

func TestFiveColumnsAsCSV(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id BIGINT, name STRING, price DECIMAL(10,2), born DATETIME, good BOOLEAN, note STRING", "")
		c.Values(
			`{"id":1,"name":"plain","price":19.90,"born":"2026-01-02 03:04:05","good":true,"more":{"x":1}}`,
			`{"good":false,"born":"2026-01-02 03:04:05.000006","price":"7.5","name":"back to front","id":"2"}`,
			`{"id":3,"name":"tab\there, line\nthere, \"quotes\", comma","price":null}`,
			`{"id":4}`,
			`{"id":5,"name":"","price":-0.01,"good":1}`,
		)
		d := c.Document()
		d.Reader["column"] = []string{"id", "name", "price", "born", "good"}
		d.Writer["column"] = d.Reader["column"]
		d.Writer["loadProps"] = harness.Object{"format": "csv"}
		r := c.Done(d)
		c.WantRows("SELECT id, name, price, born, good, note FROM @t ORDER BY id",
			"1|plain|19.90|2026-01-02 03:04:05|1|NULL",
			"2|back to front|7.50|2026-01-02 03:04:05.000006|0|NULL",
			"3|tab\there, line\nthere, \"quotes\", comma|NULL|NULL|NULL|NULL",
			"4|NULL|NULL|NULL|NULL|NULL",
			"5||-0.01|NULL|1|NULL")
		if r.Report.Landed != 5 {
			t.Errorf("landed %d, want 5", r.Report.Landed)
		}
		loads := world.Sandbox.Loads(t, "be", c.Database, c.Table)
		if len(loads) == 0 {
			t.Fatal("the stand-in saw no load")
		}
		for _, l := range loads {
			if got := l.Header.Get("Columns"); strings.ReplaceAll(got, "`", "") != "id,name,price,born,good" {
				t.Errorf("columns header %q", got)
			}
		}
	})
}

func TestAttributesAndNestedFields(t *testing.T) {
	for _, format := range []string{"csv", "json"} {
		t.Run(format, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				c.CreateTopic(2)
				columns := []struct{ target, kind, source string }{
					{"k", "STRING", "__key__"}, {"v", "STRING", "__value__"}, {"p", "INT", "__partition__"}, {"o", "BIGINT", "__offset__"},
					{"ts", "BIGINT", "__timestamp__"}, {"tp", "STRING", "__topic__"}, {"h", "STRING", "__headers__"},
					{"fixed", "STRING", "'it''s 1'"}, {"nested", "STRING", "tag.desc"}, {"item", "INT", "a[1].b"},
					{"dotted", "STRING", `x\.y`}, {"missing", "STRING", "tag.none.deeper"}, {"whole", "STRING", "tag"},
				}
				var ddl, source, target []string
				for _, col := range columns {
					ddl = append(ddl, col.target+" "+col.kind)
					source, target = append(source, col.source), append(target, col.target)
				}
				c.CreateTable(strings.Join(ddl, ", "), "")
				value := `{"tag":{"desc":"deep ✓"},"a":[{"b":1},{"b":42}],"x.y":"dot"}`
				at := time.Now().Truncate(time.Millisecond)
				c.Broker.Produce(t,
					&kgo.Record{Topic: c.Topic, Partition: 0, Key: []byte("key-1"), Value: []byte(value), Timestamp: at,
						Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte("abc")}, {Key: "n", Value: nil}}},
					&kgo.Record{Topic: c.Topic, Partition: 1, Value: []byte(`{}`), Timestamp: at.Add(time.Second)})
				d := c.Document()
				d.Reader["column"], d.Writer["column"] = source, target
				d.Writer["loadProps"] = harness.Object{"format": format}
				c.Done(d)
				c.WantRows("SELECT "+strings.Join(target, ", ")+" FROM @t ORDER BY p",
					fmt.Sprintf("key-1|%s|0|0|%d|%s|", value, at.UnixMilli(), c.Topic)+`{"trace":"abc","n":null}|it's 1|deep ✓|42|dot|NULL|{"desc":"deep ✓"}`,
					fmt.Sprintf("NULL|{}|1|0|%d|%s|", at.UnixMilli()+1000, c.Topic)+`{}|it's 1|NULL|NULL|NULL|NULL|NULL`)
			})
		})
	}
}

func TestUpsertsAndDeletesByOp(t *testing.T) {
	t.Run("documents", func(t *testing.T) {
		world.Each(t, func(t *testing.T, c *harness.Case) {
			c.CreateTopic(1)
			c.CreateTable("id INT NOT NULL, v STRING", "PRIMARY KEY (id) DISTRIBUTED BY HASH(id)")
			c.Values(`{"id":1,"v":"old","__op":0}`, `{"id":2,"v":"gone","__op":0}`, `{"id":3,"v":"kept","__op":0}`,
				`{"id":1,"v":"new","__op":0}`, `{"id":2,"__op":1}`, `{"id":4,"__op":1}`)
			d := c.Document()
			r := c.Done(d)
			c.WantRows("SELECT id, v FROM @t ORDER BY id", "1|new", "3|kept")
			if r.Report.Landed != 6 {
				t.Errorf("landed %d, want the 6 operations", r.Report.Landed)
			}
			if !strings.Contains(r.Stderr, "a repeated row changes nothing") {
				t.Errorf("the notes do not say that a replay is harmless here\n%s", r.Stderr)
			}
			// The same operations once more leave the same table.
			c.Done(d)
			c.WantRows("SELECT id, v FROM @t ORDER BY id", "1|new", "3|kept")
		})
	})
	t.Run("columns", func(t *testing.T) {
		world.Each(t, func(t *testing.T, c *harness.Case) {
			c.CreateTopic(1)
			c.CreateTable("id INT NOT NULL, v STRING", "PRIMARY KEY (id) DISTRIBUTED BY HASH(id)")
			c.Values(`{"id":1,"v":"a","kind":0}`, `{"id":2,"v":"b","kind":0}`, `{"id":1,"kind":1}`)
			d := c.Document()
			d.Reader["column"] = []string{"id", "v", "kind"}
			d.Writer["column"] = []string{"id", "v", "__op"}
			d.Writer["loadProps"] = harness.Object{"format": "csv"}
			c.Done(d)
			c.WantRows("SELECT id, v FROM @t ORDER BY id", "2|b")
		})
	})
}
