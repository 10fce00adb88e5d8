package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

func TestVariables(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT, day STRING, hour STRING, who STRING", "")
		c.Values(`{"id":1}`)
		d := c.Document()
		d.Reader["topic"], d.Reader["groupId"] = "${topic}", "$group"
		d.Writer["table"] = "${table}"
		d.Reader["column"] = []string{"id", "'${bizdate}'", "'$[yyyymmddhh24miss-1/24]'", "'${who}'"}
		d.Writer["column"] = []string{"id", "day", "hour", "who"}
		c.Done(d, fmt.Sprintf("-p-Dtopic=%s -Dgroup=%s", c.Topic, c.Group), "-D", "table="+c.Table, "-D", "who=a=b c",
			"--schedule-time", "2026-11-21 00:05:00", "--tz", "Asia/Shanghai")
		c.WantRows("SELECT id, day, hour, who FROM @t", "1|20261120|20261120230500|a=b c")
	})
}

// What the flags of variables cannot mean ends with exit code 2 and their names.
func TestFlagsOfVariablesAreJudged(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	job := c.File("given-plain.json", serverless(oneLane, rows100, discarded, ""))
	for _, x := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--bizdate", "yesterday"}, "--bizdate"},
		{[]string{"--bizdate", "20261301"}, "--bizdate"},
		{[]string{"--schedule-time", "2026-11-21"}, "--schedule-time"},
		{[]string{"--tz", "Nowhere/Here"}, "--tz"},
		{[]string{"-D", "name"}, "-D"},
		{[]string{"-D", "=value"}, "-D"},
		{[]string{"-p", "name=value"}, "-p"},
		{[]string{"--datasources", "is-not-there.json"}, "--datasources"},
	} {
		if r := c.StartFile(job, x.flags...).Wait(); r.Code != 2 || !strings.Contains(r.Stderr, x.want) || r.Report != nil {
			t.Errorf("%q: exit code %d\n%s", x.flags, r.Code, r.Said())
		}
	}
	r := c.StartFile(job, "--bizdate", "2026-11-20", "--schedule-time", "20261121000500", "--tz", "Asia/Shanghai", "-p-Da='x y' -Db= -Dc=1").Wait()
	if r.Code != 0 {
		t.Errorf("exit code %d\n%s", r.Code, r.Said())
	}
}

func TestSecretsByReference(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Values(`{"id":1}`)
		d := c.Document()
		d.Writer["username"] = harness.User
		c.Env = append(c.Env, "GX_E2E_PASSWORD="+harness.Password)
		d.Writer["password"] = "${env:GX_E2E_PASSWORD}"
		c.Done(d)
		d.Writer["password"] = "${file:" + c.File("given-password", []byte(harness.Password+"\n")) + "}"
		c.Done(d)
		c.WantRows("SELECT COUNT(*) FROM @t", "2")
	})
}
