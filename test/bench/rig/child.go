package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// Whatever is measured by itself, and whatever needs much memory, runs in a child process: the same program with the
// word child before its arguments. The parent stays small (see Used).
const childWord = "child"

// ChildArgs returns what a parent gave to this process, and false when it is not a child.
func ChildArgs() ([]string, bool) {
	if len(os.Args) < 2 || os.Args[1] != childWord {
		return nil, false
	}
	return os.Args[2:], true
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
