package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
)

// roles are the processes of a run in the order in which gx names them.
var roles = []string{"core", "reader", "writer"}

// profiler runs Linux perf on the processes of gx. Its measurements cost a few percent.
type profiler struct {
	program string // gx with its symbols
	dir     string
	subject string // being measured

	mu  sync.Mutex // guards the following
	err error
}

// newProfiler builds a gx with symbols: bin/gx is stripped, and perf would see addresses only.
func newProfiler(root, dir string) (*profiler, error) {
	if _, err := exec.LookPath("perf"); err != nil {
		return nil, errors.New("--perf: perf is missing; on Debian it is in the package linux-perf")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("--perf: %w", err)
	}
	p := &profiler{program: filepath.Join(dir, "gx"), dir: dir}
	build := exec.Command("go", "build", "-buildvcs=false", "-o", p.program, "./cmd/gx")
	build.Dir, build.Stderr = root, os.Stderr
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("--perf: go build ./cmd/gx: %w", err)
	}
	return p, nil
}

func (p *profiler) begin(subject string) { p.subject = subject }

func (p *profiler) file(role string) string { return filepath.Join(p.dir, p.subject+"-"+role+".perf") }

// watch is a rig.GX.Watch: one perf for each process, each of which ends with the process it looks at, or with ctx.
func (p *profiler) watch(ctx context.Context, pids []int) {
	var wg sync.WaitGroup
	for i, pid := range pids {
		wg.Go(func() {
			cmd := exec.CommandContext(ctx, "perf", "record", "-q", "-F", "499", "-g", "-p", strconv.Itoa(pid), "-o", p.file(roles[i]))
			cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
			if out, err := cmd.CombinedOutput(); err != nil && ctx.Err() == nil {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.err = errors.Join(p.err, fmt.Errorf("perf record of the %s: %w\n%s", roles[i], err, out))
			}
		})
	}
	wg.Wait()
}

// report writes, beside each profile, a text of where the time went: by function alone, and by function with all that
// it calls.
func (p *profiler) report() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.err
	}
	for _, role := range roles {
		out, err := os.Create(p.file(role) + ".txt")
		if err != nil {
			return err
		}
		for _, children := range []string{"--no-children", "--children"} {
			cmd := exec.Command("perf", "report", "-i", p.file(role), "--stdio", "-g", "none", "--sort", "symbol", "--percent-limit", "0.5", children)
			cmd.Stdout = out
			if err = cmd.Run(); err != nil {
				err = fmt.Errorf("perf report of the %s: %w", role, err)
				break
			}
		}
		if err = errors.Join(err, out.Close()); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "profiles: %s\n", filepath.Join(p.dir, p.subject+"-*.perf.txt"))
	return nil
}
