package rig

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Process is one process of a gx run, as its report names it.
type Process struct {
	Name       string  `json:"name"`
	Pid        string  `json:"pid"`
	CPUSeconds float64 `json:"cpuSeconds"`
	MaxRSS     int64   `json:"maxResidentBytes"`
}

// Report is the part of a gx report that benchmarks look at, and the wall time of the whole command.
type Report struct {
	Outcome   string    `json:"outcome"`
	Seconds   float64   `json:"seconds"`
	Read      int64     `json:"read"`
	ReadBytes int64     `json:"readBytes"`
	Landed    int64     `json:"landed"`
	Dirty     int64     `json:"dirty"`
	Loads     int64     `json:"loads"`
	LoadBytes int64     `json:"loadBytes"`
	Processes []Process `json:"processes"` // core, reader, writer

	Wall time.Duration `json:"-"` // from the start of the command to its end
}

// GX runs jobs with one binary; files of its runs go to Dir.
type GX struct {
	Program, Dir string
	// Watch, when set, is called in a goroutine of its own with the pids of core, reader and writer as soon as a run
	// names them; ctx ends with the run, and Run waits for the call to return.
	Watch func(ctx context.Context, pids []int)
}

// named finds the processes in the line with which gx announces a run.
var named = regexp.MustCompile(`processes: core (\d+), reader (\d+), writer (\d+)`)

// Run runs a job with variables (k=v) and returns its report. A run that does not end with exit code 0 is an error that
// holds the end of what it printed.
func (g GX) Run(ctx context.Context, job string, variables ...string) (*Report, error) {
	path := filepath.Join(g.Dir, "report.json")
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	args := []string{"run", job, "--quiet", "--report", path, "--state-dir", filepath.Join(g.Dir, "state")}
	for _, v := range variables {
		args = append(args, "-D", v)
	}
	cmd := exec.CommandContext(ctx, g.Program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	out := &announced{found: func(pids []int) func() { return g.watch(inner, pids) }}
	cmd.Stdout, cmd.Stderr = out, out

	began := time.Now()
	err := cmd.Run()
	wall := time.Since(began)
	cancel()
	out.wait()
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w; make build makes it", err)
	}
	if err != nil {
		return nil, fmt.Errorf("gx run %s: %w\n%s", job, err, out.tail())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &Report{Wall: wall}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("report of gx run %s: %w", job, err)
	}
	if len(r.Processes) != 3 {
		return nil, fmt.Errorf("report of gx run %s names %d processes, not core, reader and writer", job, len(r.Processes))
	}
	return r, nil
}

// watch starts Watch and returns the function that waits for it.
func (g GX) watch(ctx context.Context, pids []int) func() {
	if g.Watch == nil {
		return func() {}
	}
	var wg sync.WaitGroup
	wg.Go(func() { g.Watch(ctx, pids) })
	return wg.Wait
}

// announced keeps what a run prints and finds its pids in it.
type announced struct {
	found func(pids []int) (wait func())

	mu      sync.Mutex // guards the following
	text    bytes.Buffer
	waiting func()
}

func (a *announced) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.text.Write(p)
	if a.waiting == nil {
		if m := named.FindSubmatch(a.text.Bytes()); m != nil {
			var pids []int
			for _, digits := range m[1:] {
				n, err := strconv.Atoi(string(digits))
				if err != nil {
					return len(p), nil
				}
				pids = append(pids, n)
			}
			a.waiting = a.found(pids)
		}
	}
	return len(p), nil
}

func (a *announced) wait() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting != nil {
		a.waiting()
	}
}

func (a *announced) tail() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var lines []string
	for s := bufio.NewScanner(bytes.NewReader(a.text.Bytes())); s.Scan(); {
		lines = append(lines, "  "+s.Text())
	}
	var out bytes.Buffer
	for _, l := range lines[max(0, len(lines)-15):] {
		_, _ = io.WriteString(&out, l+"\n")
	}
	return out.String()
}
