package host

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/sdk"
)

// The test binary plays three parts: the tests, a plugin, and a core that is going to be killed.
func TestMain(m *testing.M) {
	if os.Getenv(protocol.Handshake.MagicCookieKey) != "" {
		sdk.Serve(sdk.Plugin{
			Name: "probe-writer", Version: "1",
			Doc:    strings.Join(os.Environ(), "\x1f") + "\x1e" + stdinKind(),
			Writer: &sdk.WriterSpec{Doc: "probe", Capabilities: []string{protocol.CapBatch}, New: func() sdk.Writer { return probe{} }},
		})
		return
	}
	if os.Getenv("GX_TEST_CORE") != "" {
		p, err := Launch(context.Background(), self("probe-writer"), Options{})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(p.Pid())
		select {}
	}
	os.Exit(m.Run())
}

func stdinKind() string {
	st, err := os.Stdin.Stat()
	if err != nil {
		return err.Error()
	}
	if st.Mode()&os.ModeNamedPipe != 0 {
		return "pipe"
	}
	return st.Mode().String()
}

type probeConfig struct {
	Need string `json:"need" gx:"required" doc:"Must be there."`
}

type probe struct{}

func (probe) Config() any { return new(probeConfig) }
func (probe) Open(context.Context, sdk.OpenInfo) (sdk.Opened, error) {
	return sdk.Opened{}, sdk.Faultf(sdk.NotFound, "no table").At("table").Hint("make one")
}
func (probe) Start(context.Context, sdk.StartInfo) ([]string, error) { return nil, nil }
func (probe) Write(context.Context, int, *sdk.In) error              { return nil }
func (probe) Finish(context.Context, bool) ([]string, error)         { return nil, nil }
func (probe) Close(context.Context) error                            { return nil }

func self(name string) Location {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return Location{Name: name, Path: exe}
}

func launch(t *testing.T, o Options) *Plugin {
	t.Helper()
	p, err := Launch(context.Background(), self("probe-writer"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill() })
	return p
}

func TestDescribeCheckAndFaults(t *testing.T) {
	t.Setenv("GX_TEST_SECRET", "hunter2")
	p := launch(t, Options{})
	d, err := p.Describe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	env, stdin, _ := strings.Cut(d.Doc, "\x1e")
	if stdin != "pipe" {
		t.Errorf("standard input of a plugin is %s", stdin)
	}
	for _, kv := range strings.Split(env, "\x1f") {
		key, _, _ := strings.Cut(kv, "=")
		if !slices.Contains(DefaultEnv, key) && !strings.HasPrefix(key, "LC_") && !strings.HasPrefix(key, "PLUGIN_") && !strings.HasPrefix(key, "GX_P") {
			t.Errorf("a plugin sees %s", key)
		}
	}
	answer, err := p.Check(context.Background(), &v1.CheckRequest{Role: v1.Role_ROLE_WRITER, Parameters: []byte(`{"ned": 1}`)})
	if err != nil || len(answer.Problems) != 2 || answer.Lanes != 0 {
		t.Fatalf("%v %v", answer, err)
	}
	if _, err := p.Check(context.Background(), &v1.CheckRequest{Role: v1.Role_ROLE_READER, Parameters: []byte(`{}`)}); fault.Exit(err) != fault.ExitConfig {
		t.Errorf("as a reader: %v", err)
	}
	_, err = p.Writer().Open(context.Background(), &v1.OpenRequest{Parameters: []byte(`{"need":"x"}`)})
	f := protocol.AsFault(err)
	if f == nil || f.Code != protocol.NotFound || f.Place != "table" || f.Try != "make one" {
		t.Errorf("fault crossed the border as %#v", f)
	}
	_, err = p.Reader().Split(context.Background(), 1)
	if err == nil || !strings.Contains(err.Error(), "probe-writer") {
		t.Errorf("a verb that is not served: %v", err)
	}
	if u := p.Kill(); u.MaxRSS == 0 || u.User+u.System == 0 {
		t.Errorf("usage %+v", u)
	}
	if p.Err() != nil {
		t.Errorf("an ordered end counts as death: %v", p.Err())
	}
}

func TestKilledPluginIsNamed(t *testing.T) {
	p := launch(t, Options{})
	pid, _ := strconv.Atoi(p.Pid())
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, p.Dead(), "death")
	if err := p.Err(); !strings.Contains(err.Error(), "probe-writer") || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("%v", err)
	}
	_, err := p.Describe(context.Background())
	if f := protocol.AsFault(err); f == nil || f.Code != protocol.PluginFailed || !strings.Contains(f.What, "killed") {
		t.Fatalf("a call after death: %v", err)
	}
}

func TestStoppedPluginHangs(t *testing.T) {
	p := launch(t, Options{Ping: 20 * time.Millisecond, PingBudget: 200 * time.Millisecond})
	pid, _ := strconv.Atoi(p.Pid())
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	await(t, p.Dead(), "hang")
	if err := p.Err(); !strings.Contains(err.Error(), "probe-writer") || !strings.Contains(err.Error(), "hangs") {
		t.Fatalf("%v", err)
	}
	p.Kill()
	if alive(pid) {
		t.Error("a stopped plugin survived Kill")
	}
}

// A plugin that goes beyond its memory is ended, and its runtime knows the limit.
func TestMemoryLimit(t *testing.T) {
	if !memoryLimits {
		if _, err := Launch(t.Context(), self("probe-writer"), Options{Memory: 1 << 30}); fault.Exit(err) != fault.ExitConfig {
			t.Fatalf("%v", err)
		}
		return
	}
	t.Setenv("GOMEMLIMIT", "1TiB")
	within := launch(t, Options{Memory: 1 << 30})
	d, err := within.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	limits := slices.DeleteFunc(strings.Split(strings.Split(d.Doc, "\x1e")[0], "\x1f"), func(kv string) bool { return !strings.HasPrefix(kv, "GOMEMLIMIT=") })
	if want := fmt.Sprintf("GOMEMLIMIT=%d", 1<<30/10*9); len(limits) != 1 || limits[0] != want {
		t.Errorf("the plugin sees %v, want %s", limits, want)
	}
	beyond := launch(t, Options{Memory: 1 << 20}) // no process of Go is that small
	await(t, beyond.Dead(), "end")
	f := protocol.AsFault(beyond.Err())
	if f == nil || f.Code != protocol.PluginFailed || !strings.Contains(f.What, "probe-writer") || !strings.Contains(f.What, "allows 1") {
		t.Errorf("%v", beyond.Err())
	}
	beyond.Kill()
	if pid, _ := strconv.Atoi(beyond.Pid()); alive(pid) {
		t.Error("the plugin lives")
	}
	if within.Err() != nil {
		t.Errorf("within its limit: %v", within.Err())
	}
}

func TestChecksum(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gx-plugin-x")
	if err := os.WriteFile(path, []byte("abc"), 0o755); err != nil {
		t.Fatal(err)
	}
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	for _, sum := range []string{abc, strings.ToUpper(abc)} {
		if err := (Location{Path: path}).Verify(sum); err != nil {
			t.Error(err)
		}
	}
	if err := (Location{Path: path}).Verify(strings.Repeat("0", 64)); fault.Exit(err) != fault.ExitUntrusted || !strings.Contains(err.Error(), abc) {
		t.Errorf("%v", err)
	}
	if err := (Location{Path: path + "y"}).Verify(abc); fault.Exit(err) != fault.ExitConfig {
		t.Errorf("%v", err)
	}
}

func await(t *testing.T, ch <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(20 * time.Second):
		t.Fatalf("no %s seen", what)
	}
}

func TestPluginDiesWithTheCore(t *testing.T) {
	exe, _ := os.Executable()
	core := exec.Command(exe)
	core.Env = append(os.Environ(), "GX_TEST_CORE=1")
	out, err := core.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := core.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || !alive(pid) {
		t.Fatalf("the core said %q", line)
	}
	if err := core.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = core.Wait()
	for range 50 {
		if !alive(pid) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("plugin %d is alive 5 s after its core was killed", pid)
}

// alive is false for zombies too: in a container nobody may reap them.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

func TestNotAPlugin(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, path := range map[string]string{
		"ends at once":  "/bin/true",
		"garbage":       write("garbage", "#!/bin/sh\necho 'welcome to something else'\nsleep 5\n", 0o755),
		"other version": write("other", "#!/bin/sh\necho '1|9|unix|/tmp/x|grpc'\nsleep 5\n", 0o755),
		"no format":     write("noformat", "hello", 0o755),
		"not runnable":  write("plain", "hello", 0o644),
		"not there":     filepath.Join(dir, "absent"),
	} {
		t.Run(name, func(t *testing.T) {
			loc, err := At(path)
			if err == nil {
				_, err = Launch(context.Background(), loc, Options{Handshake: 2 * time.Second})
			}
			if fault.Exit(err) != fault.ExitConfig || !strings.Contains(err.Error(), filepath.Base(path)) {
				t.Fatalf("%v", err)
			}
			if text := fault.Text(err); strings.Contains(text, "goroutine") || strings.Count(text, "\n") > 2 {
				t.Errorf("too much said: %s", text)
			}
		})
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"gx-plugin-csv", "gx-plugin-mine-reader", "gx-plugin-note.txt"} {
		mode := os.FileMode(0o755)
		if strings.HasSuffix(n, ".txt") {
			mode = 0o644
		}
		if err := os.WriteFile(filepath.Join(dir, n), []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	f := &Finder{Self: "/gx", Builtins: []string{"kafka-reader", "starrocks-writer"}, Dirs: []string{dir}}
	for _, c := range []struct{ typ, role, name, says string }{
		{"kafka", "reader", "kafka-reader", ""},
		{"starrocks-writer", "writer", "starrocks-writer", ""},
		{"csv", "reader", "csv", ""},
		{"csv", "writer", "csv", ""},
		{"mine", "reader", "mine-reader", ""},
		{"kafka", "writer", "", "is a reader, and this step needs a writer"},
		{"kafak", "reader", "", `"kafka"`},
		{"nothing", "writer", "", "starrocks"},
	} {
		loc, err := f.Find(c.typ, c.role)
		if c.says == "" && (err != nil || loc.Name != c.name) {
			t.Errorf("%s as %s: %v, %v", c.typ, c.role, loc, err)
		}
		if c.says != "" && (err == nil || !strings.Contains(fault.Text(err), c.says)) {
			t.Errorf("%s as %s: %v", c.typ, c.role, err)
		}
	}
	loc, _ := f.Find("kafka", "reader")
	if got := strings.Join(loc.Args, " "); got != "plugin serve kafka-reader" {
		t.Errorf("arguments %q", got)
	}
}
