package harness

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Sandbox is a running gx-sandbox.
type Sandbox struct {
	Kafka   string `json:"kafka"`
	FEHTTP  string `json:"feHttp"`
	FEQuery string `json:"feQuery"`
	BEHTTP  string `json:"beHttp"`
	Control string `json:"control"`
	// Followers are the FEs besides the leader.
	Followers []string `json:"followers"`

	DB   *sql.DB // as root
	cmd  *exec.Cmd
	exit chan struct{} // closed when the process is gone
	log  *os.File
}

func startSandbox(program, dir string, flags ...string) (*Sandbox, error) {
	ready := filepath.Join(dir, "ready.json")
	log, err := os.Create(filepath.Join(dir, "sandbox.log"))
	if err != nil {
		return nil, err
	}
	s := &Sandbox{log: log, exit: make(chan struct{})}
	s.cmd = exec.Command(program, append([]string{"--kafka", "127.0.0.1:0", "--fe-http", "127.0.0.1:0", "--fe-query", "127.0.0.1:0",
		"--be-http", "127.0.0.2:0", "--control", "127.0.0.1:0", "--ready-file", ready, "--user", User + ":" + Password}, flags...)...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = diesWithUs()
	if err := s.cmd.Start(); err != nil {
		_ = log.Close()
		return nil, err
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.exit)
	}()
	if err := s.await(ready); err != nil {
		s.stop()
		said, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("gx-sandbox: %w\n%s", err, said)
	}
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.InterpolateParams = "root", "tcp", s.FEQuery, true
	connector, err := mysql.NewConnector(c)
	if err != nil {
		s.stop()
		return nil, err
	}
	s.DB = sql.OpenDB(connector)
	return s, nil
}

func (s *Sandbox) await(ready string) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case <-s.exit:
			return fmt.Errorf("ended while starting: %s", s.cmd.ProcessState)
		default:
		}
		if src, err := os.ReadFile(ready); err == nil && json.Unmarshal(src, s) == nil {
			return nil
		}
	}
	return fmt.Errorf("did not write %s within a minute", ready)
}

func (s *Sandbox) stop() {
	if s.DB != nil {
		_ = s.DB.Close()
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exit:
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.exit
	}
	_ = s.log.Close()
}

// Fault is a misbehaviour of the StarRocks stand-in; see package sandbox/fault for the kinds and what each needs.
type Fault struct {
	Kind   string `json:"kind"`
	Millis int    `json:"ms,omitempty"`
	At     string `json:"at,omitempty"`
	Status int    `json:"status,omitempty"`
	Text   string `json:"text,omitempty"`
	To     string `json:"to,omitempty"`
	Table  string `json:"table,omitempty"`
	Op     string `json:"op,omitempty"`
	Nth    int    `json:"nth,omitempty"`
	Times  int    `json:"times,omitempty"` // 0 is once, -1 until cleared
}

// Arm makes the stand-in misbehave until the returned function is called, at the latest when the test ends.
func (s *Sandbox) Arm(t *testing.T, f Fault) (clear func()) {
	t.Helper()
	var armed struct {
		ID int64 `json:"id"`
	}
	s.control(t, http.MethodPost, "/fault", f, &armed)
	done := false
	clear = func() {
		if done {
			return
		}
		done = true
		s.control(t, http.MethodDelete, fmt.Sprintf("/fault?id=%d", armed.ID), nil, nil)
	}
	t.Cleanup(clear)
	return clear
}

// Hits tells how often armed faults of that table have shown.
func (s *Sandbox) Hits(t *testing.T, table string) (n int) {
	t.Helper()
	var all []struct {
		Table string `json:"table"`
		Hits  int    `json:"hits"`
	}
	s.control(t, http.MethodGet, "/fault", nil, &all)
	for _, f := range all {
		if f.Table == table {
			n += f.Hits
		}
	}
	return n
}

// Do makes the server "be:0", or an FE by its number, stop, start, restart or lead.
func (s *Sandbox) Do(t *testing.T, node, verb string) {
	t.Helper()
	s.control(t, http.MethodPost, "/node", map[string]string{"node": node, "do": verb}, nil)
}

// Request is an HTTP request as the stand-in saw it.
type Request struct {
	Server     string      `json:"server"` // fe or be
	Method     string      `json:"method"`
	Path       string      `json:"path"`
	Header     http.Header `json:"header"`
	BodyBytes  int64       `json:"bodyBytes"`
	Status     int         `json:"status"`
	Body       string      `json:"body"`
	BodyBase64 string      `json:"bodyBase64"`
}

// Capture makes the stand-in keep the bodies of loads from now on.
func (s *Sandbox) Capture(t *testing.T) {
	t.Helper()
	s.control(t, http.MethodPost, "/capture", map[string]bool{"bodies": true}, nil)
}

// Loads lists the load requests for a table that arrived at server ("fe" or "be"), oldest first.
func (s *Sandbox) Loads(t *testing.T, server, database, table string) (out []Request) {
	t.Helper()
	var all []Request
	s.control(t, http.MethodGet, "/requests?body=1", nil, &all)
	for _, r := range all {
		if r.Server == server && r.Method == http.MethodPut && r.Path == "/api/"+database+"/"+table+"/_stream_load" {
			out = append(out, r)
		}
	}
	return out
}

// ForgetCommitted lists the labels of the transactions of a database that were asked to be committed, and makes the server forget
// them, as it does with finished ones after some time.
func (s *Sandbox) ForgetCommitted(t *testing.T, database string) (labels []string) {
	t.Helper()
	var all []Request
	s.control(t, http.MethodGet, "/requests", nil, &all)
	for _, r := range all {
		label := r.Header.Get("label")
		if r.Path != "/api/transaction/commit" || r.Header.Get("db") != database || slices.Contains(labels, label) {
			continue
		}
		labels = append(labels, label)
		s.control(t, http.MethodPost, "/evict", map[string]string{"db": database, "label": label}, nil)
	}
	return labels
}

func (s *Sandbox) control(t *testing.T, method, path string, in, out any) {
	t.Helper()
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, "http://"+s.Control+path, &body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("control endpoint: %v", err)
	}
	defer func() { _ = resp.Body.Close() }()
	said, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %v\n%s", method, path, resp.Status, err, said)
	}
	if out != nil {
		if err := json.Unmarshal(said, out); err != nil {
			t.Fatalf("%s %s: %v\n%s", method, path, err, said)
		}
	}
}
