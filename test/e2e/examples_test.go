package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/built"
	"github.com/gx-etl/gx/test/e2e/harness"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Every folder of examples/ with a job.json runs as its README says: init.sql makes its tables, messages.jsonl goes to its
// topic, and expected.txt (names, then rows, separated by tabs) is what the table named in init.sql then holds.
func TestExamples(t *testing.T) {
	jobs, err := filepath.Glob(filepath.Join(built.Root(), "examples", "*", "job.json"))
	if err != nil || len(jobs) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, job := range jobs {
		dir := filepath.Dir(job)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			for _, b := range world.Brokers {
				t.Run(b.Name, func(t *testing.T) { example(t, dir, world.Case(t, b)) })
			}
		})
	}
}

var (
	createTable = regexp.MustCompile(`(?i)CREATE TABLE\s+(?:IF NOT EXISTS\s+)?([\w.]+)`)
	createBase  = regexp.MustCompile(`(?i)CREATE DATABASE\s+(?:IF NOT EXISTS\s+)?(\w+)`)
	topicOf     = regexp.MustCompile(`"topic"\s*:\s*"([^"]+)"`)
)

func example(t *testing.T, dir string, c *harness.Case) {
	text := func(name string) string {
		src, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(src)
	}
	setup := text("init.sql")
	for _, m := range createBase.FindAllStringSubmatch(setup, -1) {
		c.Exec("DROP DATABASE IF EXISTS " + m[1])
		t.Cleanup(func() { c.Exec("DROP DATABASE IF EXISTS " + m[1]) })
	}
	for statement := range strings.SplitSeq(setup, ";") {
		if strings.TrimSpace(statement) != "" {
			c.Exec(statement)
		}
	}
	topic := topicOf.FindStringSubmatch(text("job.json"))
	if topic == nil {
		t.Fatal("the job names no topic")
	}
	c.Broker.CreateTopic(t, topic[1], 1)
	for line := range strings.Lines(text("messages.jsonl")) {
		c.Broker.Produce(t, &kgo.Record{Topic: topic[1], Value: []byte(strings.TrimSuffix(line, "\n"))})
	}
	r := c.StartFile(filepath.Join(dir, "job.json"), "--state-dir", filepath.Join(c.Dir, "state"),
		"-D", "kafka="+c.Broker.Addr, "-D", "feHttp="+world.Sandbox.FEHTTP, "-D", "feQuery="+world.Sandbox.FEQuery).Wait()
	if r.Code != 0 {
		t.Fatalf("exit code %d\n%s", r.Code, r.Said())
	}
	want := strings.Split(strings.TrimSpace(strings.ReplaceAll(text("expected.txt"), "\t", "|")), "\n")
	names := strings.Split(want[0], "|")
	table := createTable.FindStringSubmatch(setup)
	if table == nil {
		t.Fatal("init.sql makes no table")
	}
	c.WantRows(fmt.Sprintf("SELECT %s FROM %s ORDER BY %s", strings.Join(names, ", "), table[1], names[0]), want[1:]...)
}
