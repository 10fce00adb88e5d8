package rig

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

// MariaDB is a server that StartMariaDB started, or one that was there. Its user is root without a password.
type MariaDB struct {
	Addr string
	Pid  int // 0 when it was there
	stop func() error
}

// StartMariaDB starts a MariaDB on the data in dir, so that tables filled once are there again. With an address it uses
// the server there instead.
func StartMariaDB(ctx context.Context, root, dir, addr string) (*MariaDB, error) {
	if addr != "" {
		return &MariaDB{Addr: addr, stop: func() error { return nil }}, nil
	}
	scripts := filepath.Join(root, "scripts", "mariadb")
	start := exec.CommandContext(ctx, filepath.Join(scripts, "start.sh"), dir, "0")
	start.Env = append(os.Environ(), "MARIADB_OWNER_PID="+strconv.Itoa(os.Getpid()))
	start.Stderr = os.Stderr
	out, err := start.Output()
	if err != nil {
		return nil, fmt.Errorf("start.sh: %w", err)
	}
	m := &MariaDB{Addr: strings.TrimSpace(string(out)), stop: func() error {
		stop := exec.Command(filepath.Join(scripts, "stop.sh"), dir)
		stop.Stderr = os.Stderr
		return stop.Run()
	}}
	pid, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err == nil {
		m.Pid, err = strconv.Atoi(string(bytes.TrimSpace(pid)))
	}
	if err != nil {
		return nil, errors.Join(err, m.stop())
	}
	return m, nil
}

// Stop stops the server that StartMariaDB started; its data stays.
func (m *MariaDB) Stop() error { return m.stop() }
