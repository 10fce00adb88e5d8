package harness

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Report is what gx run --report writes, as far as tests look at it.
type Report struct {
	Job, Run, Mode, Outcome                       string
	Read, Landed, Filtered, Dirty, Loads, Commits int64
	ReadBytes, LoadBytes                          int64
	Seconds                                       float64
	DirtyFile                                     string
	DirtyRecords                                  []struct{ Plugin, Place, Reason, Column string }
	DirtySink                                     *struct {
		Plugin, Place string
		Kept, Refused int64
	}
	Flushes   map[string]int64
	Notes     []string
	Processes []struct {
		Name, Pid        string
		CPUSeconds       float64
		MaxResidentBytes int64
	}
	Error *struct{ Code, Place, What, Try string }
}

// Result is a gx process that has ended.
type Result struct {
	Code   int
	Stdout string
	Stderr string
	Report *Report // nil when none was written
}

// Said is everything that was printed.
func (r *Result) Said() string { return r.Stdout + "\n" + r.Stderr }

// Running is a gx process.
type Running struct {
	c              *Case
	t              *testing.T
	args           []string
	cmd            *exec.Cmd
	stdout, stderr output
	report         string
	exit           chan struct{} // closed when the process is gone
	result         *Result
}

// output is what a process has printed so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// environment is small and the same for everybody, so that no setting of the developer's machine decides a test.
func (c *Case) environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.Dir, "TMPDIR=" + os.TempDir(), "TZ=UTC"}
	return append(env, c.Env...)
}

// Gx starts gx with any arguments.
func (c *Case) Gx(args ...string) *Running {
	c.T.Helper()
	r := &Running{c: c, t: c.T, args: args, exit: make(chan struct{})}
	r.cmd = exec.Command(c.World.gx, args...)
	r.cmd.Dir = c.Dir
	r.cmd.Env = c.environment()
	r.cmd.Stdout, r.cmd.Stderr = &r.stdout, &r.stderr
	r.cmd.SysProcAttr = diesWithUs()
	// A plugin that outlives the core holds these pipes; the wait must not hang on that, a test looks for it.
	r.cmd.WaitDelay = 10 * time.Second
	if err := r.cmd.Start(); err != nil {
		c.T.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.exit)
	}()
	c.T.Cleanup(func() {
		select {
		case <-r.exit:
		default:
			_ = r.cmd.Process.Kill()
			<-r.exit
		}
	})
	return r
}

// Start starts gx run on a document.
func (c *Case) Start(d *Document, flags ...string) *Running {
	c.T.Helper()
	return c.StartFile(c.Write(d), flags...)
}

// StartFile starts gx run on a job file.
func (c *Case) StartFile(path string, flags ...string) *Running {
	c.T.Helper()
	report := filepath.Join(c.Dir, "report.json")
	if err := os.Remove(report); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.T.Fatal(err)
	}
	r := c.Gx(append([]string{"run", path, "--report", report}, flags...)...)
	r.report = report
	return r
}

// Run runs a document to its end.
func (c *Case) Run(d *Document, flags ...string) *Result {
	c.T.Helper()
	return c.Start(d, flags...).Wait()
}

// Done runs a document to its end and fails unless that is a good one.
func (c *Case) Done(d *Document, flags ...string) *Result {
	c.T.Helper()
	r := c.Run(d, flags...)
	if r.Code != 0 || r.Report == nil || r.Report.Outcome != "done" {
		c.T.Fatalf("gx run ended with %d\n%s", r.Code, r.Said())
	}
	return r
}

// Alive tells whether the process is still there.
func (r *Running) Alive() bool {
	select {
	case <-r.exit:
		return false
	default:
		return true
	}
}

// Stderr is what it has said so far.
func (r *Running) Stderr() string { return r.stderr.String() }

// Pid is the process id of the core.
func (r *Running) Pid() int { return r.cmd.Process.Pid }

// Signal sends a signal to the core.
func (r *Running) Signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		r.t.Fatal(err)
	}
}

// Until waits until f is true while the job runs; a job that ends before is a failure.
func (r *Running) Until(what string, f func() bool) {
	r.t.Helper()
	met := false
	defer func() {
		if !met {
			r.t.Logf("gx has said:\n%s%s", r.stdout.String(), r.stderr.String())
		}
	}()
	Until(r.t, what, func() bool {
		if !r.Alive() {
			r.t.Fatalf("gx ended with %d while waiting for: %s", r.cmd.ProcessState.ExitCode(), what)
		}
		met = f()
		return met
	})
}

// Wait waits for the end and judges what every run owes: no trace of a crash, no secret anywhere, no process left, and a
// report whose numbers add up.
func (r *Running) Wait() *Result {
	r.t.Helper()
	select {
	case <-r.exit:
	case <-time.After(2 * time.Minute):
		_ = r.cmd.Process.Signal(syscall.SIGQUIT)
		select {
		case <-r.exit:
		case <-time.After(10 * time.Second):
		}
		r.t.Fatalf("gx %s did not end\n%s%s", strings.Join(r.args, " "), r.stdout.String(), r.stderr.String())
	}
	if r.result != nil {
		return r.result
	}
	r.result = &Result{Code: r.cmd.ProcessState.ExitCode(), Stdout: r.stdout.String(), Stderr: r.stderr.String()}
	r.readReport()
	r.judge()
	return r.result
}

func (r *Running) readReport() {
	if r.report == "" {
		return
	}
	src, err := os.ReadFile(r.report)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		r.result.Report = new(Report)
		err = json.Unmarshal(src, r.result.Report)
	}
	if err != nil {
		r.t.Fatalf("report: %v\n%s", err, src)
	}
}

var traces = regexp.MustCompile(`goroutine \d+|panic:|SIGSEGV|runtime error|fatal error:`)

func (r *Running) judge() {
	r.t.Helper()
	if hit := traces.FindString(r.result.Said()); hit != "" {
		r.t.Errorf("gx %s printed a trace (%q)\n%s", strings.Join(r.args, " "), hit, r.result.Said())
	}
	if strings.Contains(r.result.Said(), Password) {
		r.t.Errorf("gx %s printed the password\n%s", strings.Join(r.args, " "), r.result.Said())
	}
	r.t.Helper()
	if err := r.c.searchSecret(); err != nil {
		r.t.Error(err)
	}
	left := Children(r.Pid())
	Until(r.t, fmt.Sprintf("the end of plugin processes that outlived gx: %v", left), func() bool { return len(Children(r.Pid())) == 0 })
	rep := r.result.Report
	if rep == nil || rep.Outcome != "done" && rep.Outcome != "stopped" {
		return
	}
	if rep.Read != rep.Landed+rep.Filtered+rep.Dirty {
		r.t.Errorf("read %d, and landed %d + filtered %d + dirty %d is %d", rep.Read, rep.Landed, rep.Filtered, rep.Dirty,
			rep.Landed+rep.Filtered+rep.Dirty)
	}
}

// searchSecret looks for the password in everything that gx has left in the case's folder.
func (c *Case) searchSecret() error {
	return filepath.WalkDir(c.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == c.ID+".json" || strings.HasPrefix(d.Name(), "given-") {
			return err // what the test itself has put there may hold it
		}
		src, err := os.ReadFile(path)
		if err == nil && bytes.Contains(src, []byte(Password)) {
			err = fmt.Errorf("%s holds the password", path)
		}
		return err
	})
}
