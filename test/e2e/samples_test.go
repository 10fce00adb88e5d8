package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/twmb/franz-go/pkg/kgo"
)

// given reads a document of testdata and replaces nothing but addresses in it.
func given(t *testing.T, name string, addresses ...string) []byte {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(addresses); i += 2 {
		if !strings.Contains(string(src), addresses[i]) {
			t.Fatalf("%s does not hold %q", name, addresses[i])
		}
	}
	return []byte(strings.NewReplacer(addresses...).Replace(string(src)))
}

// A DataX job as people have it: the database at the top, jdbcUrl as one text, a boolean among the load properties.
func TestDataXSnippetRunsAsItStands(t *testing.T) {
	c := world.Case(t, world.Brokers[0])
	c.Exec("DROP DATABASE IF EXISTS example_db")
	c.Exec("CREATE DATABASE example_db")
	c.Exec("CREATE TABLE example_db.orders (order_id BIGINT, city STRING)")
	job := c.File("given-datax.json", given(t, "datax-snippet.json", "fe_host:9030", world.Sandbox.FEQuery, "fe_host:8030", world.Sandbox.FEHTTP))
	r := c.StartFile(job).Wait()
	if r.Code != 0 {
		t.Fatalf("exit code %d\n%s", r.Code, r.Said())
	}
	c.WantRows("SELECT order_id, city, COUNT(*) FROM example_db.orders GROUP BY order_id, city", "7|beijing|10")
}

// A DataWorks script from Kafka to StarRocks: constants, attributes and nested fields, a span of time, a limit.
func TestDataWorksKafkaScriptRunsAsItStands(t *testing.T) {
	for _, b := range world.Brokers {
		t.Run(b.Name, func(t *testing.T) { // one after the other: the document names the database
			c := world.Case(t, b)
			c.CreateTopic(1)
			c.Exec("CREATE DATABASE IF NOT EXISTS didb_kafka")
			c.Exec("DROP TABLE IF EXISTS didb_kafka.events")
			c.Exec("CREATE TABLE didb_kafka.events (k STRING, part INT, pos BIGINT, ts BIGINT, doc STRING, fixed STRING, event_id BIGINT, tag_desc STRING)")
			begin := time.Date(2019, 4, 16, 0, 0, 0, 0, time.FixedZone("", 8*60*60))
			message := func(after time.Duration, value string) *kgo.Record {
				return &kgo.Record{Topic: c.Topic, Timestamp: begin.Add(after), Key: []byte("key"), Value: []byte(value)}
			}
			b.Produce(t, message(-time.Millisecond, `{"event_id":1}`), message(0, `{"event_id":2,"tag":{"desc":"begin counts"}}`),
				message(5999*time.Millisecond, `{"event_id":"3","tag":null}`), message(6*time.Second, `{"event_id":4}`))
			sources := c.File("given-sources.json", fmt.Appendf(nil,
				`{"starrocks_public": {"type": "starrocks", "jdbcUrl": "jdbc:mysql://%s/", "username": %q, "password": %q}}`,
				world.Sandbox.FEQuery, harness.User, harness.Password))
			job := c.File("given-dataworks-kafka.json", given(t, "dataworks-kafka.json", "kafka_host:9092", b.Addr, "topicName", c.Topic, "1.1.X.X:8030", world.Sandbox.FEHTTP))
			r := c.StartFile(job, "--datasources", sources).Wait()
			if r.Code != 0 {
				t.Fatalf("exit code %d\n%s", r.Code, r.Said())
			}
			c.WantRows("SELECT * FROM didb_kafka.events ORDER BY pos",
				fmt.Sprintf(`key|0|1|%d|{"event_id":2,"tag":{"desc":"begin counts"}}|123|2|begin counts`, begin.UnixMilli()),
				fmt.Sprintf(`key|0|2|%d|{"event_id":"3","tag":null}|123|3|NULL`, begin.UnixMilli()+5999))
		})
	}
}

// A classic DataX document: limits of the job and of one channel, which beat the channels, and a transformer.
func TestClassicDataXJobRunsAsItStands(t *testing.T) {
	c := world.Case(t, world.Brokers[0])
	c.Exec("DROP DATABASE IF EXISTS datax_classic")
	c.Exec("CREATE DATABASE datax_classic")
	for _, table := range []string{"people", "kept"} {
		c.Exec("CREATE TABLE datax_classic." + table + " (id BIGINT NOT NULL, name STRING, born DATE)")
	}
	c.Exec("INSERT INTO datax_classic.people VALUES (1, 'ada', '1815-12-10'), (2, 'grace', '1906-12-09'), (3, NULL, NULL), (4, 'barbara', '1939-11-07'), (5, 'a', '2000-01-01')")
	job := c.File("given-classic.json", given(t, "datax-classic.json", "fe_host:9030", world.Sandbox.FEQuery, "fe_host:8030", world.Sandbox.FEHTTP))
	r := c.StartFile(job).Wait()
	if r.Code != 0 || r.Report.Read != 5 || r.Report.Landed != 3 || r.Report.Filtered != 2 {
		t.Fatalf("exit code %d, %+v\n%s", r.Code, r.Report, r.Said())
	}
	for _, want := range []string{"ask for 2 channels and beat the 3 given", "record (0) beats percentage (0.02)"} {
		if !strings.Contains(r.Stderr, want) {
			t.Errorf("%q is not in what was said\n%s", want, r.Stderr)
		}
	}
	c.WantRows("SELECT id, name, born FROM datax_classic.kept ORDER BY id", "2|grace|1906-12-09", "3|NULL|NULL", "4|barbara|1939-11-07")
}

// Every key of the DataX plugins for StarRocks, in the form with connection, and the reader's queries.
func TestDataXStarRocksPluginsRunAsTheyStand(t *testing.T) {
	c := world.Case(t, world.Brokers[0])
	c.Exec("DROP DATABASE IF EXISTS datax_both")
	c.Exec("CREATE DATABASE datax_both")
	var want []string
	for i, table := range []string{"orders_00", "orders_01", "orders_9", "orders_more"} {
		c.Exec("CREATE TABLE datax_both." + table + " (id BIGINT, name STRING)")
		var rows []string
		for id := 1; id <= 5; id++ {
			rows = append(rows, fmt.Sprintf("(%d, 'n%d')", 10*i+id, 10*i+id))
			if 10*i+id > 1 {
				want = append(want, fmt.Sprintf("%d|N%d|fixed|NULL", 10*i+id, 10*i+id))
			}
		}
		c.Exec("INSERT INTO datax_both." + table + " VALUES " + strings.Join(rows, ", "))
	}
	c.Exec("CREATE TABLE datax_both.target (id BIGINT, name STRING, source STRING, nothing STRING)")
	c.Exec("INSERT INTO datax_both.target VALUES (99, 'before', 'goes with preSql', NULL)")
	addresses := []string{"fe_host:9030", world.Sandbox.FEQuery, "fe_host:8030", world.Sandbox.FEHTTP}
	r := c.StartFile(c.File("given-both.json", given(t, "datax-starrocks.json", addresses...))).Wait()
	if r.Code != 0 || r.Report.Loads < int64(len(want)/3) {
		t.Fatalf("exit code %d, %+v\n%s", r.Code, r.Report, r.Said())
	}
	c.WantRows("SELECT id, name, source, nothing FROM datax_both.target ORDER BY id", append([]string{"0|after|postSql|x"}, want...)...)
	for _, note := range []string{"selectedDatabase comes before it", `connection[0].selectedDatabase ("datax_both") comes before it`, "fetchSize"} {
		if !strings.Contains(r.Stderr, note) {
			t.Errorf("%q is not in what was said\n%s", note, r.Stderr)
		}
	}
	r = c.StartFile(c.File("given-query.json", given(t, "datax-query.json", addresses[:2]...))).Wait()
	if got := printed(r, "n"); r.Code != 0 || !slices.Equal(got, []string{"2,n2", "21,n21!", "22,n22!", "23,n23!", "24,n24!", "25,n25!", "3,n3", "4,n4", "5,n5"}) {
		t.Errorf("exit code %d, printed %q\n%s", r.Code, got, r.Said())
	}
}

// A job as generators write them, with texts for numbers and nothing special. Of a reader that gx does not have the known ones
// are named.
func TestGeneratedDataXJobRunsAsItStands(t *testing.T) {
	c := world.Case(t, world.Brokers[0])
	c.Exec("DROP DATABASE IF EXISTS datax_gen")
	c.Exec("CREATE DATABASE datax_gen")
	for _, table := range []string{"table1", "table2", "target"} {
		c.Exec("CREATE TABLE datax_gen." + table + " (k1 INT, k2 VARCHAR(20), v1 DECIMAL(10,2))")
	}
	c.Exec("INSERT INTO datax_gen.table1 VALUES (1, 'a', 1.50), (2, NULL, NULL)")
	c.Exec("INSERT INTO datax_gen.table2 VALUES (3, '', -0.01)")
	text := given(t, "datax-generated.json", "mysql_host:3306", world.Sandbox.FEQuery, "fe_host:9030", world.Sandbox.FEQuery, "fe_host:8030", world.Sandbox.FEHTTP)
	if r := c.StartFile(c.File("given-generated.json", text)).Wait(); r.Code != 0 {
		t.Fatalf("exit code %d\n%s", r.Code, r.Said())
	}
	c.WantRows("SELECT k1, k2, v1 FROM datax_gen.target ORDER BY k1", "1|a|1.50", "2|NULL|NULL", "3||-0.01")
	for _, name := range []string{"oraclereader", "postgresqlreader", "hdfsreader"} {
		job := c.File("given-other.json", []byte(strings.Replace(string(text), "mysqlreader", name, 1)))
		if r := c.StartFile(job).Wait(); r.Code != 2 || !strings.Contains(r.Stderr, `job.content[0].reader.name: no such plugin: "`+name+`" (known: `) || !strings.Contains(r.Stderr, "mysql") {
			t.Errorf("%s: exit code %d\n%s", name, r.Code, r.Said())
		}
	}
	c.WantRows("SELECT COUNT(*) FROM datax_gen.target", "3")
}

// Every key of the DataX plugins for made-up rows. sliceRecordCount is for one channel.
func TestDataXStreamPluginsRunAsTheyStand(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	r := c.StartFile(c.File("given-stream.json", given(t, "datax-stream.json", "/tmp/out", filepath.Join(c.Dir, "out")))).Wait()
	if r.Code != 0 || r.Report.Landed != 100 || r.Report.Seconds < 1 { // each lane pauses once, after 40 of its 50 rows
		t.Fatalf("exit code %d, %+v\n%s", r.Code, r.Report, r.Said())
	}
	row := regexp.MustCompile(`^DataX\|19890604\|1989-06-04 00:00:00\|true\|test\|(\d|10)\|[0-9A-Za-z]{3,5}\|(true|false)\|(0\.[5-9]\d*|1(\.[0-5]\d*)?)\|201[456]-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\|.{2}\|no type is a string\n$`)
	lines := strings.SplitAfter(strings.Join(c.Files(filepath.Join("out", "rows")), ""), "\n")
	if len(lines) != 101 {
		t.Errorf("the file has %d lines", len(lines)-1)
	}
	for _, line := range lines[:len(lines)-1] {
		if !row.MatchString(line) {
			t.Fatalf("the line %q", line)
		}
	}
}

// The writer step as DataWorks documents it. The bytes that travel are pinned: \x01 between columns, \x02 after rows.
func TestDataWorksWriterRunsAsItStands(t *testing.T) {
	world.Sandbox.Capture(t)
	for _, b := range world.Brokers {
		t.Run(b.Name, func(t *testing.T) { // one after the other: the document names the database
			c := world.Case(t, b)
			c.CreateTopic(1)
			c.Exec("CREATE DATABASE IF NOT EXISTS didb1")
			c.Exec("DROP TABLE IF EXISTS didb1.table1")
			c.Exec("CREATE TABLE didb1.table1 (id INT, name STRING)")
			c.Exec("INSERT INTO didb1.table1 VALUES (0, 'goes with the truncate')")
			c.Values(`{"id":1,"name":"one, \"two\"\n\tthree"}`, `{"name":null,"id":2}`, `{"id":3,"name":"漢字"}`)
			sources := c.File("given-sources.json", fmt.Appendf(nil,
				`{"starrocks_public": {"type": "starrocks", "jdbcUrl": "jdbc:mysql://%s/", "username": %q, "password": %q}}`,
				world.Sandbox.FEQuery, harness.User, harness.Password))
			job := c.File("given-dataworks.json", given(t, "dataworks-writer.json", "1.1.X.X:8030", world.Sandbox.FEHTTP))
			before := len(world.Sandbox.Loads(t, "be", "didb1", "table1"))
			r := c.StartFile(job, "--datasources", sources, "-D", "kafka="+b.Addr, "-D", "topic="+c.Topic).Wait()
			if r.Code != 0 {
				t.Fatalf("exit code %d\n%s", r.Code, r.Said())
			}
			c.WantRows("SELECT id, name FROM didb1.table1 ORDER BY id", "1|one, \"two\"\n\tthree", "2|NULL", "3|漢字")
			loads := world.Sandbox.Loads(t, "be", "didb1", "table1")[before:]
			if len(loads) != 1 {
				t.Fatalf("%d loads, want 1", len(loads))
			}
			body := loads[0].Body
			if raw, err := base64.StdEncoding.DecodeString(loads[0].BodyBase64); body == "" && err == nil {
				body = string(raw)
			}
			if want := "1\x01one, \"two\"\n\tthree\x022\x01\\N\x023\x01漢字"; strings.TrimSuffix(body, "\x02") != want {
				t.Errorf("body %q\nwant %q", body, want)
			}
			for header, want := range map[string]string{"Column_separator": `\x01`, "Row_delimiter": `\x02`, "Columns": "id,name"} {
				if got := strings.ReplaceAll(loads[0].Header.Get(header), "`", ""); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
		})
	}
}
