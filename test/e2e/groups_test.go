package e2e

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/twmb/franz-go/pkg/kgo"
)

// beside starts a job as on a machine of its own: with a state directory that knows nothing of other runs.
func beside(c *harness.Case, d *harness.Document) *harness.Running {
	c.T.Helper()
	return c.Start(d, "--state-dir", c.T.TempDir(), "--log-format", "json")
}

// stopInOrder ends a process in order.
func stopInOrder(t *testing.T, r *harness.Running) {
	t.Helper()
	r.Signal(syscall.SIGTERM)
	if res := r.Wait(); res.Code != 143 {
		t.Errorf("exit code %d, want 143\n%s", res.Code, res.Said())
	}
}

// Processes join a group and leave it, in order and killed, while rows come: partitions move, and no row is lost.
func TestProcessesOfAGroupComeAndGo(t *testing.T) {
	const partitions = 4
	for _, members := range []struct {
		name string
		set  harness.Object // in kafkaConfig
	}{
		{"dynamic", nil},
		{"range", harness.Object{"partition.assignment.strategy": "range"}},
	} {
		t.Run(members.name, func(t *testing.T) {
			world.Each(t, func(t *testing.T, c *harness.Case) {
				ids(c, partitions, "DUPLICATE KEY")
				d := c.Streaming()
				config := d.Reader["kafkaConfig"].(harness.Object)
				for k, v := range members.set {
					config[k] = v
				}
				feed := c.Feed(partitions)
				more := func(r *harness.Running, what string) {
					t.Helper()
					before := c.Distinct()
					r.Until("rows "+what, func() bool { return c.Distinct() >= before+200 })
				}
				first := beside(c, d)
				more(first, "of the first process")
				second := beside(c, d)
				second.Until("two members", func() bool { return len(c.Broker.Members(t, c.Group)) == 2 })
				more(second, "of two processes")
				third := beside(c, d)
				third.Until("three members", func() bool { return len(c.Broker.Members(t, c.Group)) == 3 })
				more(third, "of three processes")
				stopInOrder(t, first)
				more(second, "after an orderly departure")
				third.Kill(third.Pid())
				third.Wait()
				second.Until("the killed one to be given up", func() bool { return len(c.Broker.Members(t, c.Group)) == 1 })
				more(second, "after a death")
				n := feed.Stop()
				second.Until("all rows", func() bool { return c.Distinct() == n })
				stopInOrder(t, second)
				t.Logf("%d rows, %d of them loaded twice", n, c.WantFeed(n))
				left := int64(0)
				for _, at := range c.Broker.Committed(t, c.Group, c.Topic, partitions) {
					left += at
				}
				if left != int64(n) {
					t.Errorf("the group is at %d, want %d", left, n)
				}
			})
		})
	}
}

// A member with a name of its own that comes back within the session goes on with its partitions; nobody else hears of it.
func TestANamedMemberComesBack(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		ids(c, 2, "DUPLICATE KEY")
		d := c.Streaming()
		d.Reader["sessionTimeoutMs"] = 30_000
		d.Reader["kafkaConfig"] = harness.Object{"group.instance.id": c.Group + "-a"}
		feed := c.Feed(2)
		r := c.Start(d)
		r.Until("100 rows", func() bool { return c.Distinct() >= 100 })
		r.Kill(r.Pid())
		r.Wait()
		if got := c.Broker.Members(t, c.Group); !slices.Equal(got, []string{c.Group + "-a"}) {
			t.Fatalf("members %q right after the death, want the named one", got)
		}
		r = c.Start(d)
		before := c.Distinct()
		r.Until("rows after the return", func() bool { return c.Distinct() >= before+100 })
		if got := c.Broker.Members(t, c.Group); !slices.Equal(got, []string{c.Group + "-a"}) {
			t.Errorf("members %q after the return, want the named one", got)
		}
		n := feed.Stop()
		r.Until("all rows", func() bool { return c.Distinct() == n })
		stopInOrder(t, r)
		t.Logf("%d rows, %d of them loaded twice", n, c.WantFeed(n))
	})
}

// A target that stands still holds the reading up; the member stays in its group, for longer than its session.
func TestAMemberStaysWhileItsTargetStandsStill(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		ids(c, 2, "DUPLICATE KEY")
		d := c.Streaming()
		d.Writer["maxRetries"] = -1
		feed := c.Feed(2)
		r := c.Start(d)
		r.Until("100 rows", func() bool { return c.Distinct() >= 100 })
		member := c.Broker.Members(t, c.Group)
		clear := world.Sandbox.Arm(t, harness.Fault{Kind: "feHttp", Status: 500, Text: "down", Table: c.Table, Times: -1})
		r.Until("refusals over three sessions", func() bool { return world.Sandbox.Hits(t, c.Table) >= 5 })
		if got := c.Broker.Members(t, c.Group); !slices.Equal(got, member) {
			t.Errorf("members %q while the target stands still, before %q", got, member)
		}
		clear()
		n := feed.Stop()
		r.Until("all rows", func() bool { return c.Distinct() == n })
		if got := c.Broker.Members(t, c.Group); !slices.Equal(got, member) {
			t.Errorf("members %q after the outage, before %q", got, member)
		}
		stopInOrder(t, r)
		if repeated := c.WantFeed(n); repeated > 0 {
			t.Errorf("%d rows were loaded twice", repeated)
		}
	})
}

// Topics are added and taken away between runs: the others go on where they were, a new one begins at its beginning, and one
// that comes back goes on.
func TestTopicsAreAddedAndTakenAway(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		second := c.Topic + ".second"
		c.CreateTopic(1)
		c.Broker.CreateTopic(t, second, 1)
		c.CreateTable("topic STRING, n INT", "")
		send := func(topic string, n int) {
			c.Broker.Produce(t, &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, `{"n":%d}`, n)})
		}
		d := c.Streaming()
		d.Reader["column"], d.Writer["column"] = []string{"__topic__", "n"}, []string{"topic", "n"}
		rows := []string{}
		run := func(topics []string, want ...string) {
			t.Helper()
			d.Reader["topic"] = topics
			rows = append(rows, want...)
			slices.SortFunc(rows, func(a, b string) int { // by topic, then by number
				return strings.Compare(strings.ReplaceAll(a, "|", "\x00"), strings.ReplaceAll(b, "|", "\x00"))
			})
			r := c.Start(d)
			r.Until("the rows "+strings.Join(want, " "), func() bool { return c.Count() == len(rows) })
			stopInOrder(t, r)
			c.WantRows("SELECT topic, n FROM @t ORDER BY topic, n", rows...)
		}
		send(c.Topic, 1)
		send(second, 1)
		run([]string{c.Topic}, c.Topic+"|1")
		send(c.Topic, 2)
		run([]string{c.Topic, second}, c.Topic+"|2", second+"|1")
		send(c.Topic, 3)
		send(second, 2)
		run([]string{c.Topic}, c.Topic+"|3")
		run([]string{c.Topic, second}, second+"|2")
		if got := c.Broker.Committed(t, c.Group, c.Topic, 1)[0]; got != 3 {
			t.Errorf("the group is at %d of the first topic, want 3", got)
		}
	})
}

// consumeParallel makes lanes where the job's own setting names none, and more lanes than partitions are not used.
func TestConsumeParallelMakesLanes(t *testing.T) {
	const partitions = 4
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(partitions)
		c.CreateTable("id INT", "")
		for p := range int32(partitions) {
			c.ValuesTo(p, fmt.Sprintf(`{"id":%d}`, p))
		}
		for _, run := range []struct {
			parallel, concurrent int
			said                 string
		}{
			{1, 0, ""},
			{3, 0, ""},
			{9, 0, "9 lanes are more than the 4 partitions: the rest stay idle"},
			{9, 2, "consumeParallel 9 is not in force: setting.speed.concurrent gives 2 lanes"},
		} {
			c.Exec("TRUNCATE TABLE " + c.Database + "." + c.Table)
			d := c.Document()
			d.Reader["consumeParallel"] = run.parallel
			delete(d.Setting, "speed")
			want := run.parallel
			if run.concurrent > 0 {
				d.Setting["speed"] = harness.Object{"concurrent": run.concurrent}
				want = run.concurrent
			}
			r := c.Start(d, "--log-format", "json")
			res := r.Wait()
			if res.Code != 0 || c.Count() != partitions || !strings.Contains(res.Said(), run.said) {
				t.Errorf("%+v: exit code %d, %d rows\n%s", run, res.Code, c.Count(), res.Said())
			}
			// A lane sends a load of its own.
			if want = min(want, partitions); int(res.Report.Loads) != want {
				t.Errorf("%+v: %d loads, want %d\n%s", run, res.Report.Loads, want, res.Said())
			}
		}
	})
}
