package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// gxState runs gx state on a document and returns what it said.
func gxState(c *harness.Case, verb string, d *harness.Document, flags ...string) *harness.Result {
	c.T.Helper()
	return c.Gx(append([]string{"state", verb, c.Write(d), "--state-dir", c.T.TempDir()}, flags...)...).Wait()
}

// A period that was consumed is consumed again, from a time on.
func TestPositionsAreResetAndReadAgain(t *testing.T) {
	start := time.Now().Add(-2 * time.Hour).Truncate(time.Minute)
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		minutes(c, start)
		d := c.Document()
		delete(d.Reader, "beginType")
		readAgain := func(flags []string, from int) {
			t.Helper()
			c.Exec("TRUNCATE TABLE " + c.Database + "." + c.Table)
			if len(flags) > 0 {
				r := gxState(c, "reset", d, flags...)
				if r.Code != 0 || !regexp.MustCompile(fmt.Sprintf(`%s/0 +10 +%d +10 *\n`, regexp.QuoteMeta(c.Topic), from)).MatchString(r.Stdout) {
					t.Fatalf("%q: exit code %d\n%s", flags, r.Code, r.Said())
				}
			}
			c.Done(d)
			var want []string
			for id := from; id < 10; id++ {
				want = append(want, fmt.Sprint(id))
			}
			if got := c.Query("SELECT id FROM @t ORDER BY id"); !slices.Equal(got, want) {
				t.Fatalf("%q: rows %v, want %v", flags, got, want)
			}
		}
		if r := gxState(c, "show", d); r.Code != 0 || !regexp.MustCompile(`/0 +- +0 +10 +-`).MatchString(r.Stdout) {
			t.Errorf("show before the first run: exit code %d\n%s", r.Code, r.Said())
		}
		readAgain(nil, 0)
		if r := gxState(c, "show", d); !regexp.MustCompile(`not in use\n(.|\n)*/0 +10 +0 +10 +0`).MatchString(r.Stdout) {
			t.Errorf("show: exit code %d\n%s", r.Code, r.Said())
		}
		at := start.Add(4 * time.Minute)
		shanghai := at.In(time.FixedZone("", 8*3600))
		readAgain([]string{"--to-timestamp", shanghai.Format(time.RFC3339)}, 4)
		readAgain([]string{"--to-timestamp", shanghai.Format("20060102150405"), "--tz", "Asia/Shanghai"}, 4)
		readAgain([]string{"--to-timestamp", shanghai.Add(-time.Second).Format(time.DateTime), "--tz", "Asia/Shanghai", "--partition", "0"}, 4)
		readAgain([]string{"--to-timestamp", fmt.Sprint(at.Add(time.Millisecond).UnixMilli()), "--partition", c.Topic + "/0"}, 5)
		readAgain([]string{"--to-offset", "7"}, 7)
		readAgain([]string{"--to-earliest"}, 0)
		readAgain([]string{"--to-latest"}, 10)
		// Later than the newest message: the end, and a warning.
		r := gxState(c, "reset", d, "--to-timestamp", time.Now().Add(time.Hour).Format(time.RFC3339))
		if r.Code != 0 || !strings.Contains(r.Stderr, "warning: topic") || !strings.Contains(r.Stderr, "goes to the end, 10") {
			t.Errorf("exit code %d\n%s", r.Code, r.Said())
		}
		r = gxState(c, "reset", d, "--to-offset", "11")
		if r.Code != 0 || !strings.Contains(r.Stderr, "11 lies beyond the end, 10; goes to the end") {
			t.Errorf("exit code %d\n%s", r.Code, r.Said())
		}
	})
}

// Offsets of a group that lives belong to its members.
func TestPositionsOfARunningJobStay(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		ids(c, 2, "DUPLICATE KEY")
		d := c.Streaming()
		r := c.Start(d)
		c.ValuesTo(0, `{"id":0,"v":"row 0"}`)
		r.Until("the first row", func() bool { return c.Count() == 1 })
		harness.Until(t, "its position", func() bool { return c.Broker.Committed(t, c.Group, c.Topic, 2)[0] == 1 })
		if res := gxState(c, "show", d); !strings.Contains(res.Stdout, "in use: 1 running member") {
			t.Errorf("show: exit code %d\n%s", res.Code, res.Said())
		}
		// From a machine that knows nothing of the run, and from one that does.
		if res := gxState(c, "reset", d, "--to-earliest"); res.Code != 1 || !strings.Contains(res.Stderr, "has 1 running member") {
			t.Errorf("exit code %d\n%s", res.Code, res.Said())
		}
		if res := c.Gx("state", "reset", c.Write(d), "--to-earliest").Wait(); res.Code != 2 || !strings.Contains(res.Stderr, "is running already") {
			t.Errorf("exit code %d\n%s", res.Code, res.Said())
		}
		if got := c.Broker.Committed(t, c.Group, c.Topic, 2)[0]; got != 1 {
			t.Errorf("the group is at %d, want 1", got)
		}
		r.Signal(syscall.SIGTERM)
		r.Wait()
		if res := gxState(c, "reset", d, "--to-earliest", "--partition", "0"); res.Code != 0 {
			t.Errorf("exit code %d\n%s", res.Code, res.Said())
		}
		r = c.Start(d)
		r.Until("the first row once more", func() bool { return c.Count() == 2 })
		r.Signal(syscall.SIGTERM)
		r.Wait()
	})
}

func TestStateRefuses(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(2)
		c.CreateTable("id INT", "")
		d := c.Document()
		for _, bad := range []struct {
			flags []string
			code  int
			said  string
		}{
			{nil, 2, "0 places to move to are given"},
			{[]string{"--to-earliest", "--to-latest"}, 2, "2 places to move to are given"},
			{[]string{"--to-earliest=false"}, 2, "0 places to move to are given"},
			{[]string{"--to-offset", "-1"}, 2, "-1 is no offset"},
			{[]string{"--to-timestamp", "yesterday"}, 2, `"yesterday" is no such time`},
			{[]string{"--to-timestamp", "1700000000"}, 2, "is no such time"},
			{[]string{"--to-timestamp", "2026-03-29 02:30:00", "--tz", "Europe/Berlin"}, 2, "its clocks skip it"},
			{[]string{"--to-timestamp", "2026-03-29 02:30:00", "--tz", "Mars/Base"}, 2, "--tz"},
			{[]string{"--to-earliest", "--partition", "7"}, 1, `the job reads no partition "7"`},
			{[]string{"--to-earliest", "--partition", "other/0"}, 1, `the job reads no partition "other/0"`},
		} {
			if r := gxState(c, "reset", d, bad.flags...); r.Code != bad.code || !strings.Contains(r.Stderr, bad.said) {
				t.Errorf("%q: exit code %d, want %d and %q\n%s", bad.flags, r.Code, bad.code, bad.said, r.Said())
			}
		}
		if got := c.Broker.Committed(t, c.Group, c.Topic, 2); got[0] > 0 || got[1] > 0 {
			t.Errorf("the group is at %v", got)
		}
	})
}
