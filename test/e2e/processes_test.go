package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/e2e/harness"
)

// allowed are the variables that a plugin may see: what it needs of the user's environment, and what go-plugin and the
// core tell it.
var allowed = []string{"PATH", "HOME", "TMPDIR", "TZ", "GX_PLUGIN", "GX_PARENT_PID",
	"PLUGIN_MIN_PORT", "PLUGIN_MAX_PORT", "PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_CLIENT_CERT", "PLUGIN_UNIX_SOCKET_DIR", "PLUGIN_UNIX_SOCKET_GROUP",
	"PLUGIN_MULTIPLEX_GRPC"}

func TestAJobIsThreeProcesses(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		c.Env = append(c.Env, "GX_E2E_SECRET="+harness.Password, "AWS_SECRET_ACCESS_KEY="+harness.Password, "GX_LOG_LEVEL=debug", "MYSQL_PWD=x")
		r := c.Start(c.Streaming())
		c.Values(`{"id":1}`)
		r.Until("the first row", func() bool { return c.Count() == 1 })

		plugins := harness.Children(r.Pid())
		var names []string
		for _, p := range plugins {
			names = append(names, p.Name)
		}
		slices.Sort(names)
		if !slices.Equal(names, []string{"kafka-reader", "starrocks-writer"}) {
			t.Fatalf("the core %d has started %v", r.Pid(), plugins)
		}
		for _, p := range plugins {
			if parent := harness.ParentOf(p.Pid); parent != r.Pid() {
				t.Errorf("%s is a child of %d, not of the core %d", p.Name, parent, r.Pid())
			}
			if !slices.Equal(p.Args[1:], []string{"plugin", "serve", p.Name}) {
				t.Errorf("%s runs as %v", p.Name, p.Args)
			}
			wantFewVariables(t, p)
			wantPipe(t, p, r.Pid())
		}
		// Nothing of the data path is reachable by other users of the machine.
		wantPrivateSockets(t, plugins)

		r.Kill(r.Pid())
		dead := time.Now()
		for len(harness.Children(r.Pid())) > 0 {
			if time.Since(dead) > 5*time.Second {
				t.Fatalf("5 s after the core was killed there are still %v", harness.Children(r.Pid()))
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Logf("no plugin was left %v after the core was killed", time.Since(dead).Round(time.Millisecond))
		r.Wait()
	})
}

func wantFewVariables(t *testing.T, p harness.Plugin) {
	t.Helper()
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for kv := range strings.SplitSeq(strings.TrimSuffix(string(env), "\x00"), "\x00") {
		if name, _, _ := strings.Cut(kv, "="); !slices.Contains(allowed, name) {
			t.Errorf("%s sees the variable %s", p.Name, name)
		}
	}
}

// wantPipe looks at standard input: a pipe of which the core holds the other end, and not the core's own input.
func wantPipe(t *testing.T, p harness.Plugin, core int) {
	t.Helper()
	stdin := func(pid int) string {
		to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/0", pid))
		if err != nil {
			t.Fatal(err)
		}
		return to
	}
	mine := stdin(p.Pid)
	if !strings.HasPrefix(mine, "pipe:") || mine == stdin(core) {
		t.Errorf("standard input of %s is %s", p.Name, mine)
	}
	ends, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", core))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(ends, func(fd string) bool { to, _ := os.Readlink(fd); return to == mine }) {
		t.Errorf("the core does not hold the other end of %s's standard input", p.Name)
	}
}

// wantPrivateSockets looks for the unix sockets that the plugins listen on: each lies in a folder for its owner only.
func wantPrivateSockets(t *testing.T, plugins []harness.Plugin) {
	t.Helper()
	table, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		t.Fatal(err)
	}
	path := map[string]string{} // by inode
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) == 8 && strings.HasPrefix(f[7], "/") {
			path["socket:["+f[6]+"]"] = f[7]
		}
	}
	for _, p := range plugins {
		fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.Pid))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, fd := range fds {
			to, _ := os.Readlink(fd)
			socket, ok := path[to]
			if !ok {
				continue
			}
			found = true
			dir, err := os.Stat(filepath.Dir(socket))
			if err != nil || dir.Mode().Perm() != 0o700 {
				t.Errorf("%s listens on %s, in a folder of mode %v (%v)", p.Name, socket, dir.Mode(), err)
			}
		}
		if !found {
			t.Errorf("%s listens on no unix socket", p.Name)
		}
	}
}

// Two jobs of one name would share a group and a dirty file.
func TestTheSameJobDoesNotRunTwice(t *testing.T) {
	world.Each(t, func(t *testing.T, c *harness.Case) {
		c.CreateTopic(1)
		c.CreateTable("id INT", "")
		d := c.Streaming()
		first := c.Start(d)
		c.Values(`{"id":1}`)
		first.Until("the first row", func() bool { return c.Count() == 1 })
		if r := c.Gx("run", c.Write(d)).Wait(); r.Code != 2 || !strings.Contains(r.Said(), fmt.Sprint(first.Pid())) {
			t.Errorf("exit code %d, want 2 and the process that runs the job, %d\n%s", r.Code, first.Pid(), r.Said())
		}
		first.Signal(syscall.SIGTERM)
		first.Wait()
	})
}
