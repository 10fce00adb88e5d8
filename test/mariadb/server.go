// Package mariadb starts a real MariaDB for tests and benchmarks, and holds the tests of the reader of MySQL on it. The server
// comes from scripts/mariadb, which installs it when it is missing.
package mariadb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Server is a server on 127.0.0.1 whose user is root without a password. It ends with this process.
type Server struct {
	Addr string
	Pid  int

	scripts, dir string
}

// Start starts a server with its files in dir, so that tables that are there already stay. root is the top folder of the
// repository; flags are those of mariadbd.
func Start(ctx context.Context, root, dir string, flags ...string) (*Server, error) {
	s := &Server{scripts: filepath.Join(root, "scripts", "mariadb"), dir: dir}
	start := exec.CommandContext(ctx, filepath.Join(s.scripts, "start.sh"), append([]string{dir, "0"}, flags...)...)
	start.Env = append(os.Environ(), "MARIADB_OWNER_PID="+strconv.Itoa(os.Getpid()))
	start.Stderr = os.Stderr
	out, err := start.Output()
	if err != nil {
		return nil, fmt.Errorf("start.sh: %w", err)
	}
	s.Addr = strings.TrimSpace(string(out))
	pid, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err == nil {
		s.Pid, err = strconv.Atoi(string(bytes.TrimSpace(pid)))
	}
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// Stop stops the server; its data stays.
func (s *Server) Stop() error {
	stop := exec.Command(filepath.Join(s.scripts, "stop.sh"), s.dir)
	stop.Stderr = os.Stderr
	return stop.Run()
}
