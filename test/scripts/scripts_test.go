// Package scripts plays gx as somebody at a prompt would, with no server at hand: what it prints, where, and its exit codes.
// A case is a file of testdata/script.
package scripts

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/gx-etl/gx/test/e2e/built"
	"github.com/rogpeppe/go-internal/testscript"
)

var bin string // folder of the gx under test

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "gx-scripts-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		var gx string
		gx, err = built.Path("gx", dir)
		bin = filepath.Dir(gx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scripts:", err)
		return 1
	}
	return m.Run()
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("GX_UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"gx": gx},
	})
}

// gx CODE ARGS...: runs gx and wants that exit code. A script that says ! gx leaves the code open, which is never meant.
func gx(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: gx CODE ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("usage: gx CODE ARGS...: %v", err)
	}
	code := 0
	if err := ts.Exec("gx", args[1:]...); err != nil {
		exit, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("gx: %v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("gx %q: exit code %d, want %d", args[1:], code, want)
	}
}
