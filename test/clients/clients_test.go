// Package clients runs the real clients people have for StarRocks against the
// stand-in, each as a process of its own: the mysql command line, the Go
// driver, PyMySQL, SQLAlchemy with the StarRocks dialect, and curl.
//
// scripts/clients.sh installs what is missing and runs these tests. A client
// that cannot be had makes them fail, for a test that is left out proves nothing.
package clients

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gx-etl/gx/test/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a database with a table that has a column of every type, and a small
// one to load into.
const fixture = `
CREATE DATABASE shop;
USE shop;
CREATE TABLE everything (
	id INT NOT NULL COMMENT "the key", b BOOLEAN, t TINYINT, s SMALLINT, i INT, l BIGINT, big LARGEINT, f FLOAT, d DOUBLE,
	price DECIMAL(38,10), day DATE, at DATETIME, c CHAR(5), v VARCHAR(50) DEFAULT "none" COMMENT "a text", str STRING,
	bin VARBINARY, j JSON, a ARRAY<VARCHAR(20)>, m MAP<VARCHAR(10), INT>, st STRUCT<x INT, y VARCHAR(10)>
) PRIMARY KEY(id) COMMENT "one of each" DISTRIBUTED BY HASH(id) BUCKETS 2 PROPERTIES ("replication_num" = "1");
CREATE TABLE t (k INT NOT NULL, v VARCHAR(8), n INT NOT NULL DEFAULT "7") DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1;
INSERT INTO everything (id) VALUES (2);
`

// one is row 1 of everything, as a JSON load; its VARBINARY follows by UPDATE.
const one = `{"id": 1, "b": true, "t": 127, "s": -32768, "i": 2147483647, "l": -9223372036854775808,
"big": 170141183460469231731687303715884105727, "f": 1.5, "d": -0.1, "price": "1234567890123456789012345678.0123456789",
"day": "2024-02-29", "at": "2024-01-02 03:04:05.123456", "c": "abc", "v": "naïve 😀", "str": "line\nbreak\ttab",
"j": {"a": [1, "x", null]}, "a": ["a", "b"], "m": {"k": 1}, "st": {"x": 7, "y": "seven"}}`

// start runs a sandbox with the fixture.
func start(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.Start(t.Context(), sandbox.Options{Init: fixture, Users: map[string]string{"app": "s3cret"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	load(t, s, "everything", one)
	execute(t, s, "UPDATE shop.everything SET bin = x'00ff10' WHERE id = 1")
	return s
}

func execute(t *testing.T, s *sandbox.Sandbox, statement string) {
	t.Helper()
	if err := s.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// load sends a JSON body straight to the BE.
func load(t *testing.T, s *sandbox.Sandbox, table, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+s.BEAddr()+"/api/shop/"+table+"/_stream_load", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("root", "")
	req.Header.Set("format", "json")
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Contains(text, []byte(`"Success"`)) {
		t.Fatalf("%v: %s", err, text)
	}
}

// result is what a client process gave.
type result struct {
	out, err string
	code     int
}

// patience bounds one client process. It is only ever reached by one that hangs.
const patience = 2 * time.Minute

// run starts a client and waits for it.
func run(t *testing.T, stdin, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errOut
	// No file of the user may change what the client does.
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "MYSQL_HOME=", "LC_ALL=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "PYTHONIOENCODING=utf-8")
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s cannot be run (scripts/clients.sh installs it): %v", name, err)
	}
	if ctx.Err() != nil {
		t.Fatalf("%s %q did not end: %v\n%s\n%s", name, args, ctx.Err(), out.String(), errOut.String())
	}
	return result{out.String(), errOut.String(), cmd.ProcessState.ExitCode()}
}

// python runs a script of testdata in the virtual environment that
// scripts/clients.sh made, with the address of the MySQL port as its arguments.
func python(t *testing.T, s *sandbox.Sandbox, script string) string {
	t.Helper()
	interpreter := os.Getenv("GX_CLIENTS_PYTHON")
	if interpreter == "" {
		interpreter = filepath.Join("..", "..", ".cache", "clients-venv", "bin", "python")
	}
	host, port, _ := strings.Cut(s.QueryAddr(), ":")
	r := run(t, "", interpreter, filepath.Join("testdata", script), host, port)
	if r.code != 0 || r.err != "" {
		t.Fatalf("%s ended with code %d:\n%s\n%s", script, r.code, r.out, r.err)
	}
	return r.out
}

// golden compares a text, line by line, with a file of testdata.
func golden(t *testing.T, got, name string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	want, have := strings.Split(string(text), "\n"), strings.Split(got, "\n")
	for i := range max(len(want), len(have)) {
		w, h := at(want, i), at(have, i)
		if w != h {
			t.Errorf("%s line %d\n got %s\nwant %s", name, i+1, h, w)
		}
	}
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "(no such line)"
}
