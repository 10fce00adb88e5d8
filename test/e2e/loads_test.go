package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// closedPort is an address on host at which nobody listens.
func closedPort(t *testing.T, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// Whatever happens to the answer of a load, its rows are in the table once: the table keeps every copy that it is given.
func TestEveryLoadLandsOnce(t *testing.T) {
	for _, f := range []struct {
		name  string
		fault harness.Fault
	}{
		{"publish timeout", harness.Fault{Kind: "publishTimeout", Millis: 300}},
		{"answer lost after commit", harness.Fault{Kind: "dropAfterCommit"}},
		{"connection lost before commit", harness.Fault{Kind: "dropBeforeCommit"}},
		{"status unknown", harness.Fault{Kind: "answerBody",
			Text: `{"Status":"Fail","Message":"Commit transaction fail cause timeout, Transaction status unknown, you can retry with same label."}`}},
		{"answer is no JSON", harness.Fault{Kind: "answerBody", Text: "<html>502 Bad Gateway</html>"}},
		{"answer is empty", harness.Fault{Kind: "answerBody", Text: " "}},
		{"BE answers 503", harness.Fault{Kind: "status", Status: 503, Text: "busy"}},
		{"FE answers 500", harness.Fault{Kind: "feHttp", Status: 500, Text: `{"status":"FAILED"}`}},
		{"memory limit", harness.Fault{Kind: "memoryLimit"}},
		{"redirect to a dead BE, once", harness.Fault{Kind: "redirectTo"}},
	} {
		t.Run(f.name, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				c.CreateTopic(1)
				c.CreateTable("id INT", "")
				var values, want []string
				for i := range 10 {
					values, want = append(values, fmt.Sprintf(`{"id":%d}`, i)), append(want, fmt.Sprintf("%d|1", i))
				}
				c.Values(values...)
				fault := f.fault
				fault.Table = c.Table
				d := c.Document()
				if fault.Kind == "redirectTo" {
					fault.To = closedPort(t, "127.0.0.2")
					d.Writer["allowedHosts"] = "127.0.0.2"
				}
				world.Sandbox.Arm(t, fault)
				d.Writer["maxBatchRows"] = 5
				r := c.Done(d)
				if world.Sandbox.Hits(t, c.Table) != 1 {
					t.Errorf("the fault has shown %d times, want once", world.Sandbox.Hits(t, c.Table))
				}
				if r.Report.Landed != 10 {
					t.Errorf("landed %d, want 10", r.Report.Landed)
				}
				// A publish timeout promises the rows for later.
				harness.Until(t, "all rows to be visible", func() bool { return c.Count() >= len(want) })
				c.WantRows("SELECT id, COUNT(*) FROM @t GROUP BY id ORDER BY id", want...)
			})
		})
	}
}

// The answer is lost, and the load is sent again under its label: "Label Already Exists" then means that it landed.
func TestARetryKeepsItsLabel(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Values(`{"id":1}`)
		for range 2 {
			world.Sandbox.Arm(t, harness.Fault{Kind: "dropAfterCommit", Table: c.Table})
		}
		c.Done(c.Document())
		c.WantRows("SELECT id, COUNT(*) FROM @t GROUP BY id", "1|1")
		labels := map[string]bool{}
		loads := world.Sandbox.Loads(t, "fe", c.Database, c.Table)
		for _, l := range loads {
			labels[l.Header.Get("Label")] = true
		}
		if len(labels) != 1 || labels[""] {
			t.Errorf("%d requests under the labels %v, want one label", len(loads), labels)
		}
	})
}

// The client gives up waiting while the load goes on: the same label tells it how that ended.
func TestALateAnswerIsNotASecondLoad(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Values(`{"id":1}`)
		world.Sandbox.Arm(t, harness.Fault{Kind: "delayBe", At: "commit", Millis: 2500, Table: c.Table})
		d := c.Document()
		d.Writer["httpTimeoutSec"] = 1
		d.Writer["loadProps"] = harness.Object{"format": "json", "timeout": 1}
		if r := c.Run(d); r.Code != 0 {
			t.Fatalf("exit code %d\n%s", r.Code, r.Said())
		}
		harness.Until(t, "the row", func() bool { return c.Count() > 0 })
		c.WantRows("SELECT id, COUNT(*) FROM @t GROUP BY id", "1|1")
	})
}

func TestADeadFrontendIsPassedOver(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Values(`{"id":1}`, `{"id":2}`, `{"id":3}`)
		dead := closedPort(t, "127.0.0.1")
		for i, list := range []any{
			[]string{dead, world.Sandbox.FEHTTP}, dead + "," + world.Sandbox.FEHTTP, dead + ";" + world.Sandbox.FEHTTP,
		} {
			d := c.Document()
			d.Writer["loadUrl"] = list
			d.Writer["jdbcUrl"] = "jdbc:mysql://" + closedPort(t, "127.0.0.1") + "," + world.Sandbox.FEQuery + "/"
			d.Writer["maxBatchRows"] = 1
			d.Reader["groupId"] = fmt.Sprintf("%s_%d", c.Group, i)
			c.Done(d)
			c.WantRows("SELECT COUNT(*) FROM @t", fmt.Sprint(3*(i+1)))
		}
	})
}

func TestLoadsAreCutByRowsAndBytes(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT, v STRING", "")
		var values []string
		for i := range 100 {
			values = append(values, fmt.Sprintf(`{"id":%d,"v":%q}`, i, strings.Repeat("x", 1000)))
		}
		c.Values(values...)
		for i, cut := range []struct {
			key   string
			value int
			loads int64
		}{{"maxBatchRows", 10, 10}, {"maxBatchSize", 20_000, 6}} {
			d := c.Document()
			d.Writer[cut.key] = cut.value
			d.Reader["groupId"] = fmt.Sprintf("%s_%d", c.Group, i)
			r := c.Done(d)
			if r.Report.Loads < cut.loads {
				t.Errorf("%s %d: %d loads, want %d or more", cut.key, cut.value, r.Report.Loads, cut.loads)
			}
			c.WantRows("SELECT COUNT(*), COUNT(DISTINCT id) FROM @t", fmt.Sprintf("%d|100", 100*(i+1)))
		}
		for _, l := range world.Sandbox.Loads(t, "be", c.Database, c.Table) {
			if l.BodyBytes > 20_000 {
				t.Errorf("a load of %d bytes", l.BodyBytes)
			}
		}
	})
}

func TestCompressedLoads(t *testing.T) {
	for _, codec := range []string{"gzip", "lz4_frame", "zstd"} {
		for _, format := range formats {
			t.Run(codec+" "+format, func(t *testing.T) {
				t.Parallel()
				c := world.Case(t, world.Brokers[0])
				c.CreateTopic(1)
				c.CreateTable("id INT, v STRING", "")
				c.Values(`{"id":1,"v":"one"}`, `{"id":2,"v":"two"}`)
				d := c.Document()
				inFormat(d, format, "id", "v")
				d.Writer["loadProps"].(harness.Object)["compression"] = codec
				c.Done(d)
				c.WantRows("SELECT id, v FROM @t ORDER BY id", "1|one", "2|two")
			})
		}
	}
}

// A partial update writes the columns that a document holds and no others, whatever the documents around it hold.
func TestPartialUpdates(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable(`id INT NOT NULL, a INT, b STRING DEFAULT "new", n INT`, "PRIMARY KEY (id) DISTRIBUTED BY HASH(id)")
		c.Exec("INSERT INTO " + c.Database + "." + c.Table + " VALUES (1, 10, 'one', 100), (2, 20, 'two', 200), (3, 30, 'three', 300)")
		c.Values(`{"id":1,"a":11}`, `{"id":2,"b":"TWO"}`, `{"id":1,"b":"ONE"}`, `{"id":3,"a":null}`, `{"id":2,"a":21,"b":"Two"}`, `{"id":2,"b":"zwei"}`, `{"id":4,"a":40}`, `{"a":5}`)
		d := c.Document()
		d.Writer["column"] = []string{"id", "a", "b"}
		d.Writer["loadProps"] = harness.Object{"format": "json", "partial_update": "TRUE"}
		d.Setting["errorLimit"] = harness.Object{"record": 1}
		r := c.Done(d)
		c.WantRows("SELECT * FROM @t ORDER BY id", "1|11|ONE|100", "2|21|zwei|200", "3|NULL|three|300", "4|40|new|NULL")
		if r.Report.Landed != 7 || r.Report.Dirty != 1 {
			t.Errorf("%+v", r.Report)
		}
		// A table that cannot take it says so before the first row.
		c.Exec("CREATE TABLE " + c.Database + ".plain (id INT, a INT) DUPLICATE KEY (id)")
		d.Writer["table"], d.Writer["column"] = "plain", []string{"id", "a"}
		if r := c.Run(d); r.Code != 2 || !strings.Contains(r.Said(), "steps[1].parameter.loadProps.partial_update") || !strings.Contains(r.Said(), "DUPLICATE KEY") {
			t.Errorf("exit code %d, want 2\n%s", r.Code, r.Said())
		}
	})
}

// A table that takes few versions: loads begin small, and are larger from the refusal on.
func TestLoadsGrowWithTheVersionsOfTheTable(t *testing.T) {
	t.Parallel()
	w := world.Beside(t, "--limit", "tablet_max_versions=4", "--limit", "cumulative_compaction_check_interval_seconds=8")
	c := w.Case(t, w.Brokers[0])
	c.CreateTable("id BIGINT", "")
	const rows, most = 200_000, 60_000
	d := madeUp(c, rows, harness.Object{"type": "long", "incr": "1,1"})
	d.Writer["adaptiveFlush"], d.Writer["maxBatchRows"] = true, most
	r := c.Done(d)
	c.WantRows("SELECT COUNT(*), COUNT(DISTINCT id) FROM @t", fmt.Sprintf("%d|%[1]d", rows))
	for _, words := range []string{"adaptiveFlush: loads begin with up to 1000 rows", "too many versions", "adaptiveFlush: loads into"} {
		if !strings.Contains(r.Said(), words) {
			t.Errorf("nothing is said of %q\n%s", words, r.Said())
		}
	}
	loads := w.Sandbox.Loads(t, "be", c.Database, c.Table)
	first, largest := loads[0].BodyBytes, int64(0)
	for _, l := range loads {
		largest = max(largest, l.BodyBytes)
	}
	if first > 1000*7 || largest < 4*first || largest > most*7 || r.Report.Loads > 40 {
		t.Errorf("%d loads, the first of %d bytes, the largest of %d", r.Report.Loads, first, largest)
	}
}

// What a server may answer to a load that it has not taken, other than a plain failure. Each comes with HTTP 200.
var noSuccess = []string{
	`{"Status":"FAILED","Message":"class com.starrocks.common.DdlException: No backend alive."}`,
	`{"Status":"Fail","Message":"something that no release has said so far"}`,
	`{"Status":"Sucess","Message":"OK","NumberTotalRows":1,"NumberLoadedRows":1}`,
	`{"Status":"success","Message":"OK","NumberTotalRows":1,"NumberLoadedRows":1}`,
	`{"Status":"OK","Message":"OK","NumberTotalRows":1,"NumberLoadedRows":1}`,
	`{"Message":"OK","NumberTotalRows":1,"NumberLoadedRows":1}`,
	`{"Status":"Label Already Exists","ExistingJobStatus":"FINISHED","Message":"Label [x] has already been used."}`,
	`{"Status":"Success","Label":"of-another-load","NumberTotalRows":1,"NumberLoadedRows":1}`,
	` `,
	`<html><body>It works!</body></html>`,
	`null`,
	`[{"Status":"Success","NumberTotalRows":1,"NumberLoadedRows":1}]`,
}

// Only what is known to be a success is one: after any other answer the job fails, and its position stays.
func TestOnlySuccessIsSuccess(t *testing.T) {
	for i, body := range noSuccess {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			t.Parallel()
			c := world.Case(t, world.Brokers[0])
			c.CreateTopic(1)
			c.CreateTable("id INT", "")
			c.Values(`{"id":1}`)
			clear := world.Sandbox.Arm(t, harness.Fault{Kind: "answerBody", At: "before", Text: body, Times: -1, Table: c.Table})
			d := c.Document()
			d.Writer["maxRetries"] = 0
			r := c.Run(d)
			if r.Code == 0 || r.Report.Landed != 0 || c.Count() != 0 {
				t.Errorf("exit code %d, %d rows landed, %d are there\n%s", r.Code, r.Report.Landed, c.Count(), r.Said())
			}
			if got := c.Broker.Committed(t, c.Group, c.Topic, 1); len(got) != 0 {
				t.Errorf("the group moved to %v", got)
			}
			clear()
			c.Done(d)
			c.WantRows("SELECT id, COUNT(*) FROM @t GROUP BY id", "1|1")
		})
	}
}
