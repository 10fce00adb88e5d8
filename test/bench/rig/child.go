package rig

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Whatever is measured by itself, and whatever needs much memory, runs in a child process: the same program with the
// word child before its arguments. The parent stays small (see Used).
const childWord = "child"

// Main is the main function of a benchmark: it runs parent, or child with the arguments that a parent gave, until one
// of them ends or a signal ends its context. An error is printed and becomes exit code 1.
func Main(parent func(context.Context) error, child func(context.Context, []string) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(os.Args) > 1 && os.Args[1] == childWord {
		err = child(ctx, os.Args[2:])
	} else {
		err = parent(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// Programs adds flags that say where the named programs of the project are, gx and gx-sandbox, to the flags of the command
// line. Once those are parsed, the function it returns fills in bin/NAME below the project's root for what was not given.
func Programs(paths map[string]*string) func(root string) {
	for name, path := range paths {
		flag.StringVar(path, strings.TrimPrefix(name, "gx-"), "", fmt.Sprintf("`path` of %s (default bin/%s)", name, name))
	}
	return func(root string) {
		for name, path := range paths {
			if *path == "" {
				*path = filepath.Join(root, "bin", name)
			}
		}
	}
}

// Parse reads the command line, which takes flags and nothing else.
func Parse() error {
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flag.Arg(0))
	}
	return nil
}

// Answer is how a child returns its result.
func Answer(result any) error { return json.NewEncoder(os.Stdout).Encode(result) }

// Child runs this program as a child, decodes its Answer into result, and returns what it used and its wall time.
func Child(ctx context.Context, result any, args ...string) (Use, time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return Use{}, 0, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{childWord}, args...)...)
	cmd.Stderr = os.Stderr
	began := time.Now()
	out, err := cmd.Output()
	wall := time.Since(began)
	if err != nil {
		return Use{}, 0, fmt.Errorf("child %s: %w", args[0], err)
	}
	if err := json.Unmarshal(out, result); err != nil {
		return Use{}, 0, fmt.Errorf("answer of child %s: %w", args[0], err)
	}
	return Used(cmd.ProcessState), wall, nil
}
