package e2e

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// ids makes the topic and a table for a feed.
func ids(c *harness.Case, partitions int, model string) {
	m := harness.Models[model]
	c.CreateTopic(partitions)
	c.CreateTable(m.Columns, m.Model)
}

func TestRowsAppearWhileTheJobRuns(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		ids(c, 1, "DUPLICATE KEY")
		d := c.Streaming()
		delete(d.Writer, "flushInterval") // the default of a streaming job, 1 s
		r := c.Start(d)
		c.Values(`{"id":0,"v":"row 0"}`)
		r.Until("the first row", func() bool { return c.Count() == 1 })
		var waits []string
		for i := 1; i <= 3; i++ {
			sent := time.Now()
			c.Values(fmt.Sprintf(`{"id":%d,"v":"row %[1]d"}`, i))
			r.Until("the row that was just sent", func() bool { return c.Count() > i })
			waits = append(waits, time.Since(sent).Round(time.Millisecond).String())
		}
		t.Logf("from the message to the row, flushInterval 1 s: %s", strings.Join(waits, ", "))
		r.Signal(syscall.SIGTERM)
		if res := r.Wait(); res.Code != 143 || res.Report == nil || res.Report.Mode != "streaming" || res.Report.Landed != 4 {
			t.Errorf("exit code %d, report %+v\n%s", res.Code, res.Report, res.Said())
		}
	})
}

// An orderly stop takes back nothing and repeats nothing, whichever signal asked for it.
func TestAStopDrainsAndTheNextRunGoesOn(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		ids(c, 3, "DUPLICATE KEY")
		d := c.Streaming()
		d.Setting["speed"] = harness.Object{"concurrent": 2}
		feed := c.Feed(3)
		for _, stop := range []struct {
			signal syscall.Signal
			code   int
		}{{syscall.SIGTERM, 143}, {syscall.SIGINT, 130}, {syscall.SIGTERM, 143}} {
			before := c.Count()
			r := c.Start(d)
			r.Until("300 more rows", func() bool { return c.Count() >= before+300 })
			r.Signal(stop.signal)
			res := r.Wait()
			if res.Code != stop.code {
				t.Fatalf("exit code %d, want %d\n%s", res.Code, stop.code, res.Said())
			}
			if res.Report == nil || res.Report.Outcome != "stopped" || res.Report.Landed != int64(c.Count()-before) {
				t.Errorf("%d rows came, and the report says %+v", c.Count()-before, res.Report)
			}
		}
		n := feed.Stop()
		r := c.Start(d)
		r.Until("all rows", func() bool { return c.Distinct() == n })
		r.Signal(syscall.SIGTERM)
		r.Wait()
		if repeated := c.WantFeed(n); repeated > 0 {
			t.Errorf("%d rows were loaded twice over orderly stops", repeated)
		}
	})
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		ids(c, 1, "DUPLICATE KEY")
		world.Sandbox.Arm(t, harness.Fault{Kind: "delayBe", At: "commit", Millis: 600_000, Times: -1, Table: c.Table})
		r := c.Start(c.Streaming())
		c.Values(`{"id":0,"v":"row 0"}`)
		r.Until("a load that hangs", func() bool { return world.Sandbox.Hits(t, c.Table) > 0 })
		r.Signal(syscall.SIGINT)
		time.Sleep(300 * time.Millisecond) // two signals at the same moment are one
		if !r.Alive() {
			t.Fatalf("the first signal ended the job although a load was open\n%s", r.Stderr())
		}
		r.Signal(syscall.SIGINT)
		res := r.Wait()
		if res.Code != 130 {
			t.Errorf("exit code %d, want 130\n%s", res.Code, res.Said())
		}
		// Whether the load still landed nobody was told, so the group must not be past its row.
		if at := c.Broker.Committed(t, c.Group, c.Topic, 1); at[0] != 0 {
			t.Errorf("the group moved to %v", at)
		}
	})
}

// A crash of any of the three processes ends the job with words about it, and the next run lacks nothing.
func TestKillNine(t *testing.T) {
	said := map[string]string{"reader": "plugin kafka-reader", "writer": "plugin starrocks-writer"}
	for _, part := range []string{"core", "reader", "writer"} {
		for model := range harness.Models {
			t.Run(part+" "+model, func(t *testing.T) {
				world.Each(t, func(t *testing.T, c *harness.Case) {
					ids(c, 3, model)
					feed := c.Feed(3)
					d := c.Streaming()
					r := c.Start(d)
					r.Until("200 rows", func() bool { return c.Distinct() >= 200 })
					r.Kill(r.Process(part))
					res := r.Wait()
					if want, ok := said[part]; ok && (res.Code != 1 || !strings.Contains(res.Said(), want) || !strings.Contains(res.Said(), "killed")) {
						t.Errorf("exit code %d, want 1 and words about %s\n%s", res.Code, want, res.Said())
					}
					r = c.Start(d)
					before := c.Distinct()
					r.Until("new rows after the crash", func() bool { return c.Distinct() >= before+100 })
					n := feed.Stop()
					r.Until("all rows", func() bool { return c.Distinct() == n })
					r.Signal(syscall.SIGTERM)
					r.Wait()
					repeated := c.WantFeed(n)
					if model == "PRIMARY KEY" && repeated > 0 {
						t.Errorf("%d keys are in the table twice", repeated)
					}
					t.Logf("%d rows, %d of them loaded twice", n, repeated)
				})
			})
		}
	}
}

func TestTheJobOutlivesAnOutageOfItsTarget(t *testing.T) {
	for _, outage := range []harness.Fault{
		{Kind: "feHttp", Status: 500, Text: "down for maintenance"},
		{Kind: "status", Status: 503, Text: "down for maintenance"},
		{Kind: "dropBeforeCommit"},
	} {
		t.Run(outage.Kind, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				ids(c, 2, "DUPLICATE KEY")
				d := c.Streaming()
				d.Writer["maxRetries"] = -1
				feed := c.Feed(2)
				r := c.Start(d)
				r.Until("100 rows", func() bool { return c.Distinct() >= 100 })
				outage.Table, outage.Times = c.Table, -1
				clear := world.Sandbox.Arm(t, outage)
				r.Until("three refusals", func() bool { return world.Sandbox.Hits(t, c.Table) >= 3 })
				held := c.Distinct()
				clear()
				r.Until("rows after the outage", func() bool { return c.Distinct() > held })
				n := feed.Stop()
				r.Until("all rows", func() bool { return c.Distinct() == n })
				r.Signal(syscall.SIGTERM)
				if res := r.Wait(); res.Code != 143 {
					t.Errorf("exit code %d, want 143\n%s", res.Code, res.Said())
				}
				if repeated := c.WantFeed(n); repeated > 0 {
					t.Errorf("%d rows were loaded twice", repeated)
				}
			})
		})
	}
}

// The positions of a streaming job follow its rows without a stop: a crash repeats little.
func TestPositionsFollowTheRows(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		ids(c, 2, "DUPLICATE KEY")
		r := c.Start(c.Streaming())
		n := 0
		for range 3 {
			for p := range int32(2) {
				c.ValuesTo(p, fmt.Sprintf(`{"id":%d,"v":"row %[1]d"}`, n))
				n++
			}
			r.Until("the group to stand behind what was loaded", func() bool {
				at := c.Broker.Committed(t, c.Group, c.Topic, 2)
				return c.Count() == n && at[0]+at[1] == int64(n)
			})
		}
		r.Signal(syscall.SIGTERM)
		r.Wait()
	})
}

// A stopped process answers nothing and breaks no connection; only the core's questions find it out.
func TestAHungPluginIsNamed(t *testing.T) {
	t.Parallel()
	type hung struct {
		c      *harness.Case
		r      *harness.Running
		plugin string
		pid    int
	}
	var all []hung
	for _, b := range world.Brokers {
		for _, part := range []string{"reader", "writer"} {
			c := world.Case(t, b)
			ids(c, 1, "DUPLICATE KEY")
			r := c.Start(c.Streaming())
			c.Values(`{"id":0,"v":"row 0"}`)
			r.Until("the first row", func() bool { return c.Count() == 1 })
			h := hung{c, r, map[string]string{"reader": "kafka-reader", "writer": "starrocks-writer"}[part], r.Process(part)}
			if err := syscall.Kill(h.pid, syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			all = append(all, h)
		}
	}
	for _, h := range all { // side by side, since each takes as long as the core's patience
		res := h.r.Wait()
		if res.Code != 1 || !strings.Contains(res.Said(), fmt.Sprintf("plugin %s (process %d) hangs", h.plugin, h.pid)) {
			t.Errorf("%s on %s: exit code %d, want 1 and the name of the plugin\n%s", h.plugin, h.c.Broker.Name, res.Code, res.Said())
		}
		if slices.ContainsFunc(harness.Children(h.r.Pid()), func(p harness.Plugin) bool { return p.Pid == h.pid }) {
			t.Errorf("%s on %s: the stopped process is still there", h.plugin, h.c.Broker.Name)
		}
	}
}
