// Package debezium starts a real PostgreSQL and a real Debezium (Kafka Connect with the connectors of PostgreSQL and
// MariaDB) for tests, and holds the test that follows both databases through Debezium, a real Kafka and gx into tables of the
// stand-in. The programs come from scripts/postgres and scripts/debezium.
package debezium

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Worker is a Kafka Connect worker on 127.0.0.1 that has the Debezium connectors. It ends with this process.
type Worker struct {
	Addr string // of its REST interface

	scripts, dir string
}

// StartWorker starts a worker for the Kafka at bootstrap with its files in dir. root is the top folder of the repository.
func StartWorker(ctx context.Context, root, dir, bootstrap string) (*Worker, error) {
	w := &Worker{scripts: filepath.Join(root, "scripts", "debezium"), dir: dir}
	addr, err := start(ctx, w.scripts, "DEBEZIUM_OWNER_PID", dir, bootstrap, "0")
	w.Addr = addr
	return w, err
}

// Stop stops the worker, and with it all connectors.
func (w *Worker) Stop() error { return stop(w.scripts, w.dir) }

// Log is the file that the worker and its connectors write to.
func (w *Worker) Log() string { return filepath.Join(w.dir, "connect.log") }

// Config is what a connector is told, by the names of its documentation.
type Config map[string]string

// Register makes a connector, or gives it another configuration, and waits until its task runs.
func (w *Worker) Register(ctx context.Context, name string, config Config) error {
	body, err := json.Marshal(config)
	if err != nil {
		return err
	}
	if err := w.ask(ctx, http.MethodPut, "/connectors/"+name+"/config", body, nil); err != nil {
		return err
	}
	for {
		running, err := w.Running(ctx, name)
		if running || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("connector %s does not run: %w", name, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Running tells whether a connector's task runs. One that has failed is an error with what it said.
func (w *Worker) Running(ctx context.Context, name string) (bool, error) {
	type state struct{ State, Trace string }
	var status struct {
		Connector state
		Tasks     []state
	}
	if err := w.ask(ctx, http.MethodGet, "/connectors/"+name+"/status", nil, &status); err != nil {
		return false, err
	}
	for _, s := range append(status.Tasks, status.Connector) {
		if s.State == "FAILED" {
			return false, fmt.Errorf("connector %s failed: %s", name, s.Trace)
		}
	}
	return len(status.Tasks) == 1 && status.Tasks[0].State == "RUNNING", nil
}

// Offset is how far a connector is in the log of its database: every change before it has been acknowledged by Kafka. It is
// empty at first.
func (w *Worker) Offset(ctx context.Context, name string) (map[string]any, error) {
	var all struct {
		Offsets []struct{ Offset map[string]any }
	}
	err := w.ask(ctx, http.MethodGet, "/connectors/"+name+"/offsets", nil, &all)
	if err != nil || len(all.Offsets) == 0 {
		return nil, err
	}
	return all.Offsets[0].Offset, nil
}

// ask makes a request. A worker that is about to change its connectors answers 404 or 409 and is asked again.
func (w *Worker) ask(ctx context.Context, method, path string, body []byte, into any) error {
	for {
		req, err := http.NewRequestWithContext(ctx, method, "http://"+w.Addr+path, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return fmt.Errorf("debezium: %w", err)
		}
		said, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		switch code := resp.StatusCode; {
		case err != nil:
			return fmt.Errorf("debezium: %w", err)
		case code == http.StatusNotFound, code == http.StatusConflict:
		case code/100 != 2:
			return fmt.Errorf("debezium: %s %s: %s: %s", method, path, resp.Status, said)
		case into == nil:
			return nil
		default:
			decoder := json.NewDecoder(bytes.NewReader(said))
			decoder.UseNumber()
			return decoder.Decode(into)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("debezium: %s %s: %s: %s", method, path, resp.Status, said)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Postgres is a server on 127.0.0.1 whose user is postgres without a password, with logical decoding. It ends with this process.
type Postgres struct {
	Addr string

	scripts, dir string
}

// StartPostgres starts a server with its files in dir, which another user must be able to reach when we are root. settings
// are those of the server, name=value.
func StartPostgres(ctx context.Context, root, dir string, settings ...string) (*Postgres, error) {
	p := &Postgres{scripts: filepath.Join(root, "scripts", "postgres"), dir: dir}
	args := []string{dir, "0"}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	addr, err := start(ctx, p.scripts, "POSTGRES_OWNER_PID", args...)
	p.Addr = addr
	return p, err
}

// Stop stops the server; its data stays.
func (p *Postgres) Stop() error { return stop(p.scripts, p.dir) }

// start runs a start.sh, which prints an address.
func start(ctx context.Context, scripts, owner string, args ...string) (addr string, err error) {
	cmd := exec.CommandContext(ctx, filepath.Join(scripts, "start.sh"), args...)
	cmd.Env = append(os.Environ(), owner+"="+strconv.Itoa(os.Getpid()))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", cmd.Path, err)
	}
	return strings.TrimSpace(string(out)), nil
}

func stop(scripts, dir string) error {
	cmd := exec.Command(filepath.Join(scripts, "stop.sh"), dir)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}
