package e2e

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// A job may say everything in the words of another tool: it runs, and gx check tells which of its own words it read each for.
func TestWordsOfOtherTools(t *testing.T) {
	words := map[string]func(c *harness.Case) harness.Object{
		"BladePipe": func(c *harness.Case) harness.Object {
			return harness.Object{"host": c.World.Sandbox.FEQuery, "httpHost": c.World.Sandbox.FEHTTP, "totalDataInMemMb": 64, "asyncFlushIntervalSec": 10,
				"flushBatchMb": 2, "realFlushPauseSec": 0.05, "soTimeoutSec": 30, "httpSoTimeoutSec": 700, "defaultZeroDate": "2000-01-01",
				"enableTimeZoneProcess": true, "timezone": "Asia/Shanghai", "username": "root", "password": "", "database": c.Database, "table": c.Table}
		},
		"Kafka connector": func(c *harness.Case) harness.Object {
			return harness.Object{"starrocks.http.url": c.World.Sandbox.FEHTTP, "starrocks.jdbc.url": "jdbc:mysql://" + c.World.Sandbox.FEQuery,
				"starrocks.username": "root", "starrocks.password": "", "starrocks.database.name": c.Database,
				"starrocks.topic2table.map": c.Topic + ":" + c.Table, "bufferflush.maxbytes": "94371840", "bufferflush.intervalms": 1000,
				"connect.timeoutms": 3000, "sink.maxretries": "3", "sink.properties.format": "json", "sink.properties.strip_outer_array": "true",
				"sink.properties.partial_update": "FALSE"}
		},
		"Flink connector": func(c *harness.Case) harness.Object {
			return harness.Object{"jdbc-url": "jdbc:mysql://" + c.World.Sandbox.FEQuery, "load-url": c.World.Sandbox.FEHTTP, "database-name": c.Database,
				"table-name": c.Table, "username": "root", "password": "", "sink.buffer-flush.max-rows": "64000", "sink.buffer-flush.max-bytes": 94371840,
				"sink.buffer-flush.interval-ms": "300000", "sink.max-retries": 3, "sink.label-prefix": "flink", "sink.semantic": "at-least-once",
				"sink.parallelism": 1, "sink.connect.timeout-ms": 1000, "sink.properties.format": "json"}
		},
	}
	own := map[string]bool{"username": true, "password": true, "table": true, "sink.semantic": true, "sink.parallelism": true}
	for name, writer := range words {
		t.Run(name, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				c.CreateTopic(1)
				c.CreateTable("id INT, at DATETIME", "")
				c.Values(`{"id":1,"at":"2024-01-02 03:04:05"}`, `{"id":2,"at":null}`)
				d := c.Document()
				d.Writer = writer(c)
				r := c.Done(d)
				c.WantRows("SELECT * FROM @t ORDER BY id", "1|2024-01-02 03:04:05", "2|NULL")
				checked := c.Gx("check", c.Write(d)).Wait()
				for key := range d.Writer {
					if own[key] || strings.HasPrefix(key, "sink.properties.") {
						continue
					}
					for _, said := range []string{r.Said(), checked.Said()} {
						if !strings.Contains(said, key) || !strings.Contains(said, "[mapped]") {
							t.Errorf("nothing is said of %s\n%s", key, said)
						}
					}
				}
			})
		})
	}
}
