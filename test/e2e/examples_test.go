package e2e

import (
	"encoding/json"
	"fmt"
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

// sample is example.json: what a test needs to know of an example beside its job.
type sample struct {
	Topic      string // empty: the job reads no Kafka
	Partitions int
	Query      string // expected.txt is its answer
	Files      string // or what these files in the folder ${out} hold
	Writes     string // or the messages in this topic: key, tab, value; partition after partition
	Streaming  bool   // the job runs until it is told to stop
}

// Every folder of examples/ with a job.json runs as its README says: init.sql makes its tables, messages.jsonl goes to its
// topic, ${data} is its folder data, and expected.txt (names, then rows, separated by tabs) is what the query of
// example.json then answers, or what its files or its topic hold.
func TestExamples(t *testing.T) {
	jobs, err := filepath.Glob(filepath.Join(built.Root(), "examples", "*", "job.json"))
	if err != nil || len(jobs) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, job := range jobs {
		dir := filepath.Dir(job)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			for _, b := range world.Brokers { // one after the other: the examples name their databases
				t.Run(b.Name, func(t *testing.T) { example(t, dir, world.Case(t, b)) })
			}
		})
	}
}

func example(t *testing.T, dir string, c *harness.Case) {
	text := func(name string) string {
		src, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(src)
	}
	var s sample
	dec := json.NewDecoder(strings.NewReader(text("example.json")))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		t.Fatalf("example.json: %v", err)
	}
	tables := ""
	if s.Query != "" {
		tables = text("init.sql")
	}
	for statement := range strings.SplitSeq(tables, ";") {
		if statement = strings.TrimSpace(statement); statement == "" {
			continue
		}
		if name, ok := strings.CutPrefix(statement, "CREATE DATABASE "); ok {
			c.Exec("DROP DATABASE IF EXISTS " + name)
		}
		c.Exec(statement)
	}
	if s.Topic != "" {
		c.Broker.CreateTopic(t, s.Topic, s.Partitions)
		n := 0
		for line := range strings.Lines(text("messages.jsonl")) {
			value := []byte(strings.TrimSuffix(line, "\n"))
			c.Broker.Produce(t, &kgo.Record{Topic: s.Topic, Partition: int32(n % s.Partitions), Value: value})
			n++
		}
	}
	if s.Writes != "" {
		c.Broker.CreateTopic(t, s.Writes, s.Partitions)
	}
	names, rows, _ := strings.Cut(strings.TrimSpace(text("expected.txt")), "\n")
	want := strings.Split(strings.ReplaceAll(rows, "\t", "|"), "\n")

	r := c.StartFile(filepath.Join(dir, "job.json"), "--state-dir", filepath.Join(c.Dir, "state"),
		"-D", "data="+filepath.Join(dir, "data"), "-D", "out="+filepath.Join(c.Dir, "out"), "-D", "kafka="+c.Broker.Addr, "-D", "feHttp="+world.Sandbox.FEHTTP, "-D", "feQuery="+world.Sandbox.FEQuery)
	code := 0
	if s.Streaming {
		r.Until("the expected rows", func() bool { return slices.Equal(c.Query(s.Query), want) })
		r.Signal(syscall.SIGTERM)
		code = 143
	}
	if res := r.Wait(); res.Code != code {
		t.Fatalf("exit code %d, want %d\n%s", res.Code, code, res.Said())
	}
	if s.Files != "" {
		if got, want := strings.Join(c.Files(filepath.Join("out", s.Files)), ""), text("expected.txt"); got != want {
			t.Errorf("the files hold\n%s\nwant\n%s", got, want)
		}
		return
	}
	if s.Writes != "" {
		var got strings.Builder
		landed := c.Broker.Landed(t, s.Writes)
		for p := range int32(s.Partitions) {
			for _, r := range landed[p] {
				fmt.Fprintf(&got, "%s\t%s\n", r.Key, r.Value)
			}
		}
		if want := text("expected.txt"); got.String() != want {
			t.Errorf("the topic holds\n%s\nwant\n%s", got.String(), want)
		}
		return
	}
	c.WantRows(s.Query, want...)
	if got := strings.Join(c.Names(s.Query), "\t"); got != names {
		t.Errorf("the query names %q, expected.txt %q", got, names)
	}
}
