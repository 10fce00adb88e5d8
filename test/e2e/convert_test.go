package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gx-etl/gx/test/e2e/built"
	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/twmb/franz-go/pkg/kgo"
)

// convertExample turns a file of an example into one about this case: replaced are addresses and names, two by two.
func convertExample(c *harness.Case, name string, replaced ...string) string {
	c.T.Helper()
	text, err := os.ReadFile(filepath.Join(built.Root(), "examples", filepath.FromSlash(name)))
	if err != nil {
		c.T.Fatal(err)
	}
	for i := 0; i < len(replaced); i += 2 {
		if !strings.Contains(string(text), replaced[i]) {
			c.T.Fatalf("%s does not hold %s", name, replaced[i])
		}
	}
	return c.File(filepath.Base(name), []byte(strings.NewReplacer(replaced...).Replace(string(text))))
}

// The files of a Kafka Connect worker and its connector become a job that does what they did: rows of one topic go to the
// table of the map, those of the other to the table of its name, and the group is the connector's.
func TestAConvertedConnectorMovesItsRows(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		other := "travellers_" + c.ID
		c.CreateTopic(1)
		c.Broker.CreateTopic(t, other, 1)
		c.CreateTable("id INT, city STRING", "DUPLICATE KEY(id)")
		c.Exec("CREATE TABLE " + c.Database + "." + other + " (id INT, name STRING) DUPLICATE KEY(id)")
		c.Values(`{"id":1,"city":"New York"}`, `{"id":2,"city":"Los Angeles"}`, `{"id":3,"city":"Chicago"}`)
		c.Broker.Produce(t, &kgo.Record{Topic: other, Value: []byte(`{"id":7,"name":"Ada"}`)})

		worker := convertExample(c, "kafka-connect/worker.properties", "broker:9092", c.Broker.Addr)
		sink := convertExample(c, "kafka-connect/sink.properties", "fe:8030", c.World.Sandbox.FEHTTP, "topics=cities,travellers", "topics="+c.Topic+","+other,
			"cities:test_tbl", c.Topic+":"+c.Table, "example_db", c.Database, "name=cities", "name="+c.ID)
		job, report := filepath.Join(c.Dir, "converted.json"), filepath.Join(c.Dir, "report.txt")
		if res := c.Gx("convert", worker, sink, "-o", job, "--report", report).Wait(); res.Code != 0 {
			said, _ := os.ReadFile(report)
			t.Fatalf("exit code %d\n%s\n%s", res.Code, res.Said(), said)
		}

		r := c.StartFile(job, "--state-dir", filepath.Join(c.Dir, "state"))
		r.Until("the rows of both topics", func() bool {
			return c.Count() == 3 && len(c.Query("SELECT id FROM "+c.Database+"."+other)) == 1
		})
		c.Values(`{"id":4,"city":"Boston"}`)
		r.Until("a row that came later", func() bool { return c.Count() == 4 })
		r.Signal(syscall.SIGTERM)
		if res := r.Wait(); res.Code != 143 {
			t.Fatalf("exit code %d\n%s", res.Code, res.Said())
		}
		want := []string{"1|New York", "2|Los Angeles", "3|Chicago", "4|Boston"}
		if got := c.Query("SELECT id, city FROM @t ORDER BY id"); !slices.Equal(got, want) {
			t.Errorf("the table holds %v", got)
		}
		if got := c.Query("SELECT id, name FROM " + c.Database + "." + other); !slices.Equal(got, []string{"7|Ada"}) {
			t.Errorf("the table of the other topic holds %v", got)
		}

		// The group remembers: a second run of the job reads nothing again.
		c.Values(`{"id":5,"city":"Denver"}`)
		r = c.StartFile(job, "--state-dir", filepath.Join(c.Dir, "state"))
		r.Until("the next row", func() bool { return c.Count() == 5 })
		r.Signal(syscall.SIGTERM)
		if res := r.Wait(); res.Code != 143 || res.Report == nil || res.Report.Landed != 1 {
			t.Errorf("exit code %d, report %+v\n%s", res.Code, res.Report, res.Said())
		}
	})
}

// The snippet of the connectors guide moves the same rows in the shape of DataWorks.
func TestAConvertedDataXJobMovesItsRows(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTable("order_id INT, city STRING", "DUPLICATE KEY(order_id)")
		text, err := os.ReadFile(filepath.Join("testdata", "datax-snippet.json"))
		if err != nil {
			t.Fatal(err)
		}
		in := c.File("datax.json", []byte(strings.NewReplacer("fe_host:9030", c.World.Sandbox.FEQuery, "fe_host:8030", c.World.Sandbox.FEHTTP,
			"example_db", c.Database, `"table": "orders"`, `"table": "`+c.Table+`"`).Replace(string(text))))
		for _, to := range []string{"dataworks", "gx"} {
			c.Exec("TRUNCATE TABLE " + c.Database + "." + c.Table)
			job := filepath.Join(c.Dir, to+".json")
			if res := c.Gx("convert", in, "--to", to, "-o", job).Wait(); res.Code != 0 {
				t.Fatalf("exit code %d\n%s", res.Code, res.Said())
			}
			if res := c.StartFile(job).Wait(); res.Code != 0 {
				t.Fatalf("exit code %d\n%s", res.Code, res.Said())
			}
			if got := c.Query("SELECT order_id, city FROM @t"); len(got) != 10 || got[0] != "7|beijing" {
				t.Errorf("%s: the table holds %v", to, got)
			}
		}
	})
}

// A bounded Flink job and a Spark batch move the rows that they moved there: columns by position, as CSV.
func TestConvertedSQLAndCodeMoveTheirRows(t *testing.T) {
	for name, text := range map[string]string{
		"flink.sql": `
SET 'parallelism.default' = '2';
CREATE TABLE src (id INT, who ROW<city STRING>, part INT METADATA FROM 'partition' VIRTUAL) WITH ('connector' = 'kafka', 'topic' = '@topic',
  'properties.bootstrap.servers' = '@broker', 'properties.group.id' = '@group', 'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset', 'format' = 'json');
CREATE TABLE dst (id INT, city STRING, region STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'starrocks', 'jdbc-url' = 'jdbc:mysql://@query',
  'load-url' = '@http', 'database-name' = '@db', 'table-name' = '@table', 'username' = 'root', 'password' = '');
INSERT INTO dst SELECT id, who.city, 'eu' FROM src;`,
		"spark.py": `
spark.read.format("kafka").option("kafka.bootstrap.servers", "@broker").option("subscribe", "@topic").option("kafka.group.id", "@group").load() \
  .write.format("starrocks").option("starrocks.fe.http.url", "@http").option("starrocks.fe.jdbc.url", "jdbc:mysql://@query") \
  .option("starrocks.table.identifier", "@db.@table").option("starrocks.user", "root").option("starrocks.password", "") \
  .option("starrocks.columns", "id,city,region").mode("append").save()`,
	} {
		t.Run(name, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				c.CreateTopic(1)
				c.CreateTable("id INT NOT NULL, city STRING, region STRING", "PRIMARY KEY(id)")
				c.Values(`{"id":1,"city":"Kyiv","who":{"city":"Kyiv"},"region":"eu"}`, `{"id":2,"city":"Oslo, \t","who":{"city":"Oslo, \t"},"region":"eu"}`)
				in := c.File(name, []byte(strings.NewReplacer("@topic", c.Topic, "@broker", c.Broker.Addr, "@group", c.Group, "@query", c.World.Sandbox.FEQuery,
					"@http", c.World.Sandbox.FEHTTP, "@db", c.Database, "@table", c.Table).Replace(text)))
				job := filepath.Join(c.Dir, "converted.json")
				if res := c.Gx("convert", in, "-o", job).Wait(); res.Code != 0 {
					t.Fatalf("exit code %d\n%s", res.Code, res.Said())
				}
				if res := c.StartFile(job).Wait(); res.Code != 0 {
					t.Fatalf("exit code %d\n%s", res.Code, res.Said())
				}
				c.WantRows("SELECT id, city, region FROM @t ORDER BY id", "1|Kyiv|eu", "2|Oslo, \t|eu")
			})
		})
	}
}
