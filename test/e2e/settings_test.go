package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// made is a job of made-up rows that end nowhere.
func made(c *harness.Case, rows int) *harness.Document {
	d := c.Document()
	d.ReaderType, d.WriterType = "stream", "stream"
	d.Reader = harness.Object{"column": []any{harness.Object{"type": "long", "incr": "1,1"}}, "sliceRecordCount": rows}
	d.Writer = harness.Object{"print": false}
	return d
}

// A plugin whose program is not the one that the job asks for is never started.
func TestPluginsAreThoseThatWereAskedFor(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	d := made(c, 10)
	d.ReaderPlugin = harness.Object{"sha256": strings.Repeat("0", 64)}
	r := c.Run(d)
	found := regexp.MustCompile(`its checksum is ([0-9a-f]{64})`).FindStringSubmatch(r.Stderr)
	if r.Code != 5 || found == nil || !strings.Contains(r.Stderr, "steps[0].plugin.sha256") {
		t.Fatalf("exit code %d, want 5 and the checksum\n%s", r.Code, r.Said())
	}
	if r := c.Gx("check", c.Write(d)).Wait(); r.Code != 5 {
		t.Errorf("gx check: exit code %d, want 5\n%s", r.Code, r.Said())
	}
	d.ReaderPlugin = harness.Object{"sha256": strings.ToUpper(found[1])}
	c.Done(d)
	never := filepath.Join(c.Dir, "started")
	d.ReaderPlugin = harness.Object{"sha256": found[1], "path": c.Program("gx-plugin-other", "#!/bin/sh\ntouch "+never+"\n")}
	if r := c.Run(d); r.Code != 5 {
		t.Errorf("exit code %d, want 5\n%s", r.Code, r.Said())
	}
	if _, err := os.Stat(never); err == nil {
		t.Error("the other program was started")
	}
}

func TestPluginsKeepTheirMemory(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	d := made(c, 1_000_000_000)
	d.Reader["rowsPerSecond"] = 1000
	d.ReaderPlugin = harness.Object{"memoryMb": 16} // less than the process has when it starts
	r := c.Run(d)
	if r.Code != 1 || !strings.Contains(r.Stderr, "plugin stream-reader") || !strings.Contains(r.Stderr, "plugin.memoryMb allows 16") {
		t.Errorf("exit code %d\n%s", r.Code, r.Said())
	}
	d = made(c, 10_000)
	d.ReaderPlugin = harness.Object{"memoryMb": "4096"}
	c.Done(d)
}

// The lock and the dirty records of a job are where the job says.
func TestStateGoesWhereTheJobSays(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	dir := filepath.Join(c.Dir, "of", "the-job")
	d := made(c, 3)
	d.Setting["checkpoint"] = harness.Object{"dir": dir}
	d.Setting["errorLimit"] = harness.Object{"record": 3}
	d.Setting["transformer"] = []any{harness.Object{"name": "dx_substr", "parameter": harness.Object{"columnIndex": 0, "paras": []string{"9", "1"}}}}
	if r := c.Done(d, "--state-dir", filepath.Join(c.Dir, "of-gx")); r.Report.DirtyFile != filepath.Join(dir, c.ID+".dirty.jsonl") {
		t.Errorf("the dirty records are in %q", r.Report.DirtyFile)
	}
	for _, name := range []string{c.ID + ".lock", c.ID + ".dirty.jsonl"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(c.Dir, "of-gx")); err == nil {
		t.Error("the state directory of gx was made, too")
	}
	d.Setting["checkpoint"] = harness.Object{"dir": c.File("a-file", []byte("no folder"))}
	if r := c.Run(d); r.Code != 2 || !strings.Contains(r.Stderr, "setting.checkpoint.dir") {
		t.Errorf("exit code %d\n%s", r.Code, r.Said())
	}
}
