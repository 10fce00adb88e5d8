package e2e

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ofCustomers is the job of a Primary Key table that changes come for.
func ofCustomers(c *harness.Case, format string) *harness.Document {
	c.CreateTopic(1)
	c.CreateTable("id INT NOT NULL, first_name STRING, last_name STRING, email STRING", "PRIMARY KEY(id) DISTRIBUTED BY HASH(id)")
	d := c.Document()
	d.Reader["messageFormat"] = format
	return d
}

// debezium is a message of a Debezium connector for PostgreSQL, with its schema or without.
func debezium(schema bool, op, before, after string) string {
	payload := `{"before":` + before + `,"after":` + after + `,"source":{"connector":"postgresql","db":"test","schema":"public","table":"customers"},"op":"` + op + `"}`
	if !schema {
		return payload
	}
	const fields = `"fields":[{"type":"int32","field":"id"},{"type":"string","field":"first_name"},{"type":"string","field":"last_name"},{"type":"string","field":"email"}],"optional":true`
	return `{"schema":{"type":"struct","fields":[{"type":"struct",` + fields + `,"field":"before"},{"type":"struct",` + fields + `,"field":"after"}]},"payload":` + payload + `}`
}

// What the connector tells of an INSERT, an UPDATE of all rows and a DELETE, run by run.
func TestDebeziumInsertUpdateDelete(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		d := ofCustomers(c, "debezium-json")
		d.Reader["beginOffset"] = "seekToLast"
		delete(d.Reader, "beginType")
		d.Reader["autoOffsetReset"] = "earliest"
		run := func(filtered int64, records ...*kgo.Record) {
			t.Helper()
			for _, r := range records {
				r.Topic = c.Topic
			}
			c.Broker.Produce(t, records...)
			if r := c.Done(d); r.Report.Filtered != filtered || r.Report.Dirty != 0 {
				t.Errorf("filtered %d, want %d; %d dirty", r.Report.Filtered, filtered, r.Report.Dirty)
			}
		}
		value := func(schema bool, op, before, after string) *kgo.Record {
			return &kgo.Record{Value: []byte(debezium(schema, op, before, after))}
		}
		one, two := `{"id":1,"first_name":"name1","last_name":"l1","email":"1@x"}`, `{"id":2,"first_name":"name2","last_name":"l2","email":"2@x"}`
		run(0, value(true, "r", "null", one), value(true, "c", "null", two))
		c.WantRows("SELECT * FROM @t ORDER BY id", "1|name1|l1|1@x", "2|name2|l2|2@x")

		oneMore, twoMore := strings.Replace(one, "name1", "both", 1), strings.Replace(two, "name2", "both", 1)
		run(0, value(true, "u", one, oneMore), value(false, "u", "null", twoMore))
		c.WantRows("SELECT * FROM @t ORDER BY id", "1|both|l1|1@x", "2|both|l2|2@x")

		run(1, value(true, "d", twoMore, "null"), &kgo.Record{Key: []byte(`{"id":2}`)})
		c.WantRows("SELECT * FROM @t ORDER BY id", "1|both|l1|1@x")
	})
}

// An insert of two rows, an update of one key, and a delete, as each of the other tools tells them.
func TestOtherFormatsEndInTheSameRows(t *testing.T) {
	const row = `"last_name":"l","email":null`
	for format, messages := range map[string][]string{
		"canal-json": {
			`{"type":"INSERT","database":"d","table":"t","pkNames":["id"],"data":[{"id":"1","first_name":"a",` + row + `},{"id":"2","first_name":"b",` + row + `}],"old":null}`,
			`{"type":"UPDATE","database":"d","table":"t","pkNames":["id"],"data":[{"id":"3","first_name":"c",` + row + `}],"old":[{"id":"1","first_name":"a"}]}`,
			`{"type":"DELETE","database":"d","table":"t","pkNames":["id"],"data":[{"id":"2","first_name":"b",` + row + `}]}`,
		},
		"cloudcanal-json": {
			`{"action":"INSERT","entryType":"ROWDATA","data":[{"id":"1","first_name":"a",` + row + `},{"id":"2","first_name":"b",` + row + `}],"before":[]}`,
			`{"action":"UPDATE","entryType":"ROWDATA","data":[{"id":"3","first_name":"c",` + row + `}],"before":[{"id":"1","first_name":"a",` + row + `}]}`,
			`{"action":"DELETE","entryType":"ROWDATA","data":[{"id":"2","first_name":"b",` + row + `}]}`,
		},
		"maxwell-json": {
			`{"type":"insert","data":{"id":1,"first_name":"a",` + row + `}}`, `{"type":"insert","data":{"id":2,"first_name":"b",` + row + `}}`,
			`{"type":"update","data":{"id":3,"first_name":"c",` + row + `},"old":{"id":1,"first_name":"a"}}`,
			`{"type":"delete","data":{"id":2,"first_name":"b",` + row + `}}`,
		},
		"ogg-json": {
			`{"op_type":"I","table":"O.T","after":{"ID":1,"FIRST_NAME":"a","LAST_NAME":"l","EMAIL":null}}`,
			`{"op_type":"I","table":"O.T","after":{"ID":2,"FIRST_NAME":"b","LAST_NAME":"l","EMAIL":null}}`,
			`{"op_type":"U","table":"O.T","before":{"ID":1,"FIRST_NAME":"a","LAST_NAME":"l","EMAIL":null},"after":{"ID":3,"FIRST_NAME":"c"}}`,
			`{"op_type":"D","table":"O.T","before":{"ID":2,"FIRST_NAME":"b"}}`,
		},
	} {
		t.Run(format, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				d := ofCustomers(c, format)
				c.Values(messages...)
				c.Done(d)
				c.WantRows("SELECT * FROM @t", "3|c|l|NULL")
			})
		})
	}
}

// Deletes that a table cannot take end the job, and what came before them has landed.
func TestDeletesOfADuplicateKeyTable(t *testing.T) {
	c := world.Case(t, world.Brokers[0])
	c.CreateTopic(1)
	c.CreateTable("id INT, first_name STRING", "DUPLICATE KEY(id)")
	d := c.Document()
	d.Reader["messageFormat"] = "debezium-json"
	c.Values(debezium(false, "c", "null", `{"id":1,"first_name":"a"}`), debezium(false, "d", `{"id":1,"first_name":"a"}`, "null"))
	r := c.Run(d)
	if r.Code != 1 || !strings.Contains(r.Said(), "is DUPLICATE KEY, deletes cannot be applied") || !strings.Contains(r.Said(), "offset 1") {
		t.Fatalf("exit code %d\n%s", r.Code, r.Said())
	}
	d.Reader["onDelete"] = "ignore"
	if r := c.Done(d); r.Report.Filtered != 1 {
		t.Errorf("filtered %d", r.Report.Filtered)
	}
}

// One topic that tells of two tables; each row goes to its own, and the delete to the right one.
func TestChangesOfSeveralTables(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.Exec("CREATE TABLE " + c.Database + ".a (id INT NOT NULL, v STRING) PRIMARY KEY(id) DISTRIBUTED BY HASH(id)")
		c.Exec("CREATE TABLE " + c.Database + ".b (id INT NOT NULL, w STRING) PRIMARY KEY(id) DISTRIBUTED BY HASH(id)")
		d := c.Document()
		d.Reader["messageFormat"], d.Reader["tableField"] = "maxwell-json", "table"
		delete(d.Writer, "table")
		d.Writer["topic2table"] = harness.Object{"first": "a"}
		c.Values(`{"type":"insert","table":"first","data":{"id":1,"v":"x"}}`, `{"type":"insert","table":"b","data":{"id":1,"w":"y"}}`,
			`{"type":"insert","table":"first","data":{"id":2,"v":"z"}}`, `{"type":"delete","table":"first","data":{"id":1,"v":"x"}}`)
		c.Done(d)
		c.WantRows("SELECT * FROM "+c.Database+".a", "2|z")
		c.WantRows("SELECT * FROM "+c.Database+".b", "1|y")
	})
}
