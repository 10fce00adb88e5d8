package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Sandbox is a running gx-sandbox.
type Sandbox struct {
	Kafka   string `json:"kafka"`
	FEHTTP  string `json:"feHttp"`
	FEQuery string `json:"feQuery"`
	BEHTTP  string `json:"beHttp"`
	Control string `json:"control"`

	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended and err is set
	err  error
	log  string
}

// Tables is the file with the tables that the jobs of the benchmarks load, in the tree at root.
func Tables(root string) string { return filepath.Join(root, "test", "bench", "rig", "tables.sql") }

// StartSandbox starts the program on free ports, with its files in dir, and waits until it listens. The file initSQL is
// run first. More flags, such as --discard, may follow.
func StartSandbox(ctx context.Context, program, dir, initSQL string, flags ...string) (*Sandbox, error) {
	ready := filepath.Join(dir, "ready.json")
	if err := os.Remove(ready); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	s := &Sandbox{log: filepath.Join(dir, "sandbox.log"), done: make(chan struct{})}
	log, err := os.Create(s.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	args := append([]string{"--kafka", "127.0.0.1:0", "--fe-http", "127.0.0.1:0", "--fe-query", "127.0.0.1:0", "--be-http", "127.0.0.2:0",
		"--control", "127.0.0.1:0", "--ready-file", ready, "--init", initSQL}, flags...)
	s.cmd = exec.Command(program, args...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w; make build makes it", err)
	}
	go func() {
		defer close(s.done)
		s.err = s.cmd.Wait()
	}()
	if err := s.await(ctx, ready); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Sandbox) await(ctx context.Context, ready string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("not ready after a minute"))
	defer cancel()
	for {
		if text, err := os.ReadFile(ready); err == nil && json.Unmarshal(text, s) == nil && s.Control != "" {
			return nil
		}
		select {
		case <-s.done:
			return fmt.Errorf("the sandbox ended while starting (%v); see %s", s.err, s.log)
		case <-ctx.Done():
			return fmt.Errorf("sandbox: %w; see %s", context.Cause(ctx), s.log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Pid is the process number of the sandbox.
func (s *Sandbox) Pid() int { return s.cmd.Process.Pid }

// Rows is how many rows a table holds, or how many were counted for it when the sandbox discards.
func (s *Sandbox) Rows(ctx context.Context, database, table string) (int64, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Control+"/status", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, fmt.Errorf("status of the sandbox: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status of the sandbox: %s", res.Status)
	}
	var status struct {
		Tables []struct {
			Database, Table string
			Rows            int64
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&status); err != nil {
		return 0, fmt.Errorf("status of the sandbox: %w", err)
	}
	for _, t := range status.Tables {
		if t.Database == database && t.Table == table {
			return t.Rows, nil
		}
	}
	return 0, fmt.Errorf("status of the sandbox: no table %s.%s", database, table)
}

// Stop ends the sandbox, by force when it does not end in ten seconds.
func (s *Sandbox) Stop() error {
	select {
	case <-s.done:
		return fmt.Errorf("the sandbox had ended before it was stopped (%v); see %s", s.err, s.log)
	default:
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
	return nil
}
