package e2e

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// withRegistry runs a test on each broker, when there is a registry: the topic holds what another client wrote.
func withRegistry(t *testing.T, kind, table string, f func(t *testing.T, c *harness.Case, d *harness.Document)) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		r := world.Registry(t)
		if r == nil {
			return // it was said
		}
		c.CreateTopic(1)
		c.CreateTable(table, "")
		r.Write(c, kind)
		d := c.Document()
		d.Reader["messageFormat"] = kind
		d.Reader["valueConverter"] = harness.Object{"schemaRegistryUrl": r.URL}
		d.Reader["keyConverter"] = harness.Object{"type": "avro", "schemaRegistryUrl": r.URL}
		f(t, c, d)
	})
}

// The schema of the values changes in the middle of the topic: each message is read by its own.
func TestAvroFromARegistry(t *testing.T) {
	withRegistry(t, "avro", "id BIGINT, amount DECIMAL(12,2), at DATETIME, customer JSON, tags JSON, city STRING", func(t *testing.T, c *harness.Case, d *harness.Document) {
		d.Reader["valueConverter"].(harness.Object)["timeZone"] = "Asia/Shanghai"
		c.Done(d)
		c.WantRows("SELECT id, amount, at, city, CAST(customer AS STRING), CAST(tags AS STRING) FROM @t ORDER BY id",
			`1|0.25|2026-11-21 18:00:00.123000|NULL|{"name":"name 1","since":"2020-01-01"}|["a","ü"]`,
			`2|0.50|2026-11-21 18:00:00.123000|NULL|{"name":"name 2","since":"2020-01-02"}|["a","ü"]`,
			`3|0.75|2026-11-21 18:00:00.123000|NULL|{"name":"name 3","since":"2020-01-03"}|["a","ü"]`,
			`9007199254740996|-0.01|2026-11-21 18:00:00.123000|Zürich|NULL|NULL`,
			`9007199254740997|-0.01|2026-11-21 18:00:00.123000|Zürich|NULL|NULL`)
	})
}

func TestAvroFieldsAsColumns(t *testing.T) {
	withRegistry(t, "avro", "k STRING, id BIGINT, name STRING, since DATE, tag STRING, city STRING, source STRING, o BIGINT", func(t *testing.T, c *harness.Case, d *harness.Document) {
		d.Reader["column"] = []string{"__key__", "id", "customer.name", "customer.since", "tags[1]", "city", "source", "__offset__"}
		d.Reader["valueConverter"].(harness.Object)["readerSchema"] = c.Topic + "-value"
		d.Writer["column"] = []string{"k", "id", "name", "since", "tag", "city", "source", "o"}
		d.Writer["loadProps"] = harness.Object{"format": "csv"}
		c.Done(d)
		c.WantRows("SELECT * FROM @t ORDER BY id",
			"k1|1|name 1|2020-01-01|ü|NULL|web|0", "k2|2|name 2|2020-01-02|ü|NULL|web|1", "k3|3|name 3|2020-01-03|ü|NULL|web|2",
			"k4|9007199254740996|NULL|NULL|NULL|Zürich|app|3", "k5|9007199254740997|NULL|NULL|NULL|Zürich|app|4")
	})
}

func TestProtobufFromARegistry(t *testing.T) {
	withRegistry(t, "protobuf", "k STRING, id BIGINT, at DATETIME, state STRING, city STRING, sku STRING", func(t *testing.T, c *harness.Case, d *harness.Document) {
		d.Reader["explode"] = "$.items[*]"
		d.Reader["column"] = []string{"__key__", "$.id", "$.at", "$.state", "$.city", "sku"}
		d.Writer["column"] = []string{"k", "id", "at", "state", "city", "sku"}
		r := c.Done(d)
		if r.Report.Landed != 10 {
			t.Errorf("landed %d, want 10", r.Report.Landed)
		}
		var want []string
		for _, row := range []string{"k1|9007199254740993|PAID|NULL", "k2|9007199254740994|NEW|NULL", "k3|9007199254740995|PAID|NULL", "k4|9007199254740996|NEW|Zürich", "k5|9007199254740997|PAID|Zürich"} {
			want = append(want, row+"|s"+row[1:2], row+"|x")
		}
		c.WantRows("SELECT k, id, state, city, sku FROM @t WHERE at = '2026-11-21 10:00:00.123000' ORDER BY k, sku", want...)
	})
}

func TestJSONSchemaFromARegistry(t *testing.T) {
	withRegistry(t, "jsonschema", "id BIGINT, city STRING", func(t *testing.T, c *harness.Case, d *harness.Document) {
		d.Reader["valueConverter"].(harness.Object)["validate"] = true
		d.Setting["errorLimit"] = harness.Object{"record": 1}
		r := c.Done(d)
		c.WantRows("SELECT id, city FROM @t ORDER BY id", "1|NULL", "2|NULL", "3|NULL", "4|Zürich", "5|Zürich")
		if r.Report.Dirty != 1 || !strings.Contains(r.Report.DirtyRecords[0].Reason, "does not fit its schema") {
			t.Errorf("%+v", r.Report.DirtyRecords)
		}
		// The same topic as plain JSON: every message is dirty, and says what to set.
		d = c.Document()
		d.Reader["groupId"] = c.Group + "_2"
		d.Setting["errorLimit"] = harness.Object{"record": 10}
		r = c.Done(d)
		if r.Report.Dirty != 6 || !strings.HasPrefix(r.Report.DirtyRecords[0].Reason, "looks like Confluent wire format") {
			t.Errorf("%+v", r.Report.DirtyRecords)
		}
	})
}

// What other formats than JSON become, without a registry.
func TestCellsAndBytes(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("a INT, b STRING, o BIGINT", "")
		c.Values("1\x01\xb6\xab\xbe\xa9\x01x", "2\x01\x01y", "bad")
		d := c.Document()
		d.Reader["messageFormat"], d.Reader["fieldDelimiter"], d.Reader["encoding"] = "text", `\x01`, "GBK"
		d.Reader["nullFormat"] = ""
		d.Reader["column"], d.Writer["column"] = []string{"0", "1", "__offset__"}, []string{"a", "b", "o"}
		d.Setting["errorLimit"] = harness.Object{"record": 1}
		r := c.Done(d)
		c.WantRows("SELECT * FROM @t ORDER BY o", "1|东京|0", "2|NULL|1")
		if r.Report.Dirty != 1 || r.Report.DirtyRecords[0].Reason != "there is no cell 1: the record has 1" {
			t.Errorf("%+v", r.Report.DirtyRecords)
		}
	})
}

// One message with more rows than a batch holds, and one that is no array.
func TestOneMessageBecomesManyRows(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT, pad STRING", "")
		var long strings.Builder
		long.WriteString(`[{"id":0}`)
		for range 2500 {
			long.WriteString(`,{"id":1,"pad":"` + strings.Repeat("x", 300) + `"}`)
		}
		long.WriteString("]")
		c.Values(long.String(), `{"id":2}`, `[]`)
		d := c.Document()
		d.Reader["explode"] = "$[*]"
		d.Setting["errorLimit"] = harness.Object{"record": 1}
		r := c.Done(d)
		c.WantRows("SELECT id, COUNT(*) FROM @t GROUP BY id ORDER BY id", "0|1", "1|2500")
		if r.Report.Read != 2501+1+1 || r.Report.Landed != 2501 || r.Report.Dirty != 1 || r.Report.Filtered != 1 {
			t.Errorf("%+v", r.Report)
		}
		if got := c.Broker.Committed(t, c.Group, c.Topic, 1)[0]; got != 3 {
			t.Errorf("the group is at %d, want 3", got)
		}
	})
}
