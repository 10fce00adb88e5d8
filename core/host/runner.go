package host

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"

	"github.com/hashicorp/go-plugin/runner"
)

// process runs one plugin for go-plugin: in a process group of its own, with standard input a pipe that only the core
// holds, and remembering how it ended. go-plugin's own runner would hand over the user's terminal and kill the one process.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer // our end; its closing is the plugin's sign that the core is gone
	stdout io.ReadCloser
	stderr io.ReadCloser

	done chan struct{} // closed when the process is gone and usage is set

	mu      sync.Mutex // guards the following
	started bool
	pid     int
	state   *os.ProcessState
	asked   bool // the core ended it, so its death is no news
}

func newProcess(spec *exec.Cmd, path string, args []string) (*process, error) {
	cmd := exec.Command(path, args...)
	cmd.Env = spec.Env
	cmd.SysProcAttr = groupAttr()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	return &process{cmd: cmd, stdin: stdin, stdout: stdout, stderr: stderr, done: make(chan struct{})}, nil
}

func (p *process) Start(context.Context) error {
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.mu.Lock()
	p.started, p.pid = true, p.cmd.Process.Pid
	p.mu.Unlock()
	return nil
}

// Wait is called once, by go-plugin, after it has drained the pipes.
func (p *process) Wait(context.Context) error {
	err := p.cmd.Wait()
	p.killGroup() // what the plugin started must not outlive it
	p.mu.Lock()
	p.state = p.cmd.ProcessState
	p.mu.Unlock()
	close(p.done)
	return err
}

func (p *process) Kill(context.Context) error {
	p.mu.Lock()
	p.asked = true
	p.mu.Unlock()
	p.killGroup()
	return nil
}

func (p *process) killGroup() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.started {
		_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	}
}

func (p *process) Stdout() io.ReadCloser { return p.stdout }
func (p *process) Stderr() io.ReadCloser { return p.stderr }
func (p *process) Name() string          { return p.cmd.Path }

func (p *process) ID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strconv.Itoa(p.pid)
}

// Diagnose is asked for when the handshake failed; the caller words that itself.
func (p *process) Diagnose(context.Context) string { return "" }

func (p *process) PluginToHost(network, addr string) (string, string, error) {
	if network != "unix" {
		return "", "", errors.New("plugins are reached over unix sockets only")
	}
	return network, addr, nil
}

func (p *process) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}

var _ runner.Runner = (*process)(nil)
