package main

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts plays gx-sandbox as somebody at a prompt would; a case is a file of
// testdata/script. "gx-sandbox CODE ARGS" wants that exit code. A command line that
// is good starts the servers; it is stopped after a second, or once it is ready.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"gx-sandbox": func(ts *testscript.TestScript, neg bool, args []string) {
			if neg || len(args) < 1 {
				ts.Fatalf("usage: gx-sandbox CODE ARGS...")
			}
			want, err := strconv.Atoi(args[0])
			if err != nil {
				ts.Fatalf("usage: gx-sandbox CODE ARGS...: %v", err)
			}
			for i, a := range args {
				if strings.HasSuffix(a, ".sql") || strings.HasPrefix(a, "data") {
					args[i] = ts.MkAbs(a)
				}
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			var errOut bytes.Buffer
			out := &untilReady{stop: cancel}
			code := run(ctx, args[1:], strings.NewReader(""), out, &errOut)
			if _, err := ts.Stdout().Write(out.Bytes()); err != nil {
				ts.Fatalf("%v", err)
			}
			if _, err := ts.Stderr().Write(errOut.Bytes()); err != nil {
				ts.Fatalf("%v", err)
			}
			if code != want {
				ts.Fatalf("gx-sandbox %q: exit code %d, want %d\n%s%s", args[1:], code, want, out, &errOut)
			}
		}},
	})
}

// untilReady ends the servers as soon as they say that they are ready.
type untilReady struct {
	bytes.Buffer
	stop func()
}

func (u *untilReady) Write(p []byte) (int, error) {
	n, err := u.Buffer.Write(p)
	if bytes.Contains(u.Bytes(), []byte("gx-sandbox is ready")) {
		u.stop()
	}
	return n, err
}
