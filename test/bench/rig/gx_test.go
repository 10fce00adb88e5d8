package rig

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// program writes a shell script that stands in for gx.
func program(t *testing.T, script string) GX {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "gx")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return GX{Program: path, Dir: dir}
}

// writes prints the announcement of a run, in two pieces, and leaves the report that its flags ask for.
const writes = `printf 'job: kafka → starrocks, processes: co' >&2
echo 're 11, reader 22, writer 33' >&2
while [ "$1" != --report ]; do shift; done
echo "$REPORT" >"$2"
`

func TestRun(t *testing.T) {
	g := program(t, writes)
	t.Setenv("REPORT", `{"outcome":"done","seconds":2.5,"landed":7,"processes":[{"name":"core","cpuSeconds":1},{"name":"r"},{"name":"w","maxResidentBytes":9}]}`)
	seen := make(chan []int, 1)
	g.Watch = func(ctx context.Context, pids []int) {
		<-ctx.Done() // the run's end must end the watch, and Run must wait for it
		seen <- pids
	}
	r, err := g.Run(t.Context(), "job.json", "a=b")
	if err != nil {
		t.Fatal(err)
	}
	if r.Seconds != 2.5 || r.Landed != 7 || r.Processes[2].MaxRSS != 9 || r.Wall <= 0 {
		t.Errorf("report %+v", r)
	}
	select {
	case pids := <-seen:
		if !slices.Equal(pids, []int{11, 22, 33}) {
			t.Errorf("pids %v", pids)
		}
	default:
		t.Error("Run returned before Watch did, or never called it")
	}
}

func TestRunFails(t *testing.T) {
	t.Setenv("REPORT", `{"processes":[]}`)
	for want, script := range map[string]string{
		"no such topic":     "echo 'gx: no such topic' >&2\nexit 1\n",
		"names 0 processes": writes,
		"report.json":       "exit 0\n",
	} {
		if _, err := program(t, script).Run(t.Context(), "job.json"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
}
