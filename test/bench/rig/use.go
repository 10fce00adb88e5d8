package rig

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Use is what a process has used.
type Use struct {
	CPU    time.Duration // user and system
	MaxRSS int64         // bytes; 0 when unknown
}

// Used reads the use of a process that has ended. The kernel carries the highest residency over from the process that
// started it, so a starter must itself be small: benchmarks that hold much do that in a child.
func Used(state *os.ProcessState) Use {
	u := Use{CPU: state.UserTime() + state.SystemTime()}
	if ru, ok := state.SysUsage().(*syscall.Rusage); ok {
		u.MaxRSS = ru.Maxrss
		if runtime.GOOS != "darwin" { // kilobytes everywhere else
			u.MaxRSS <<= 10
		}
	}
	return u
}

// CPUOf is the CPU time that a running process has used so far, 0 when it cannot be told.
func CPUOf(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The command's name in parentheses may hold anything; fields 14 and 15 count ticks of 10 ms.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(string(fields[11]), 10, 64)
	system, _ := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// Clock is a reading of the machine's processor time, in ticks of 10 ms.
type Clock struct{ busy, idle, stolen int64 }

// ReadClock reads /proc/stat; elsewhere it returns zeros.
func ReadClock() Clock {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Clock{}
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	var c Clock
	for i, f := range strings.Fields(line) {
		n, err := strconv.ParseInt(f, 10, 64)
		switch {
		case err != nil: // the word cpu
		case i == 4 || i == 5:
			c.idle += n
		case i == 8:
			c.stolen += n
		case i < 8:
			c.busy += n
		}
	}
	return c
}

// Spent is how the machine spent its processor time over a while.
type Spent struct {
	Work   time.Duration // of all cores together
	Busy   float64       // share of 1
	Stolen float64       // share of 1 that the machine's host gave to others
}

// Since is what was spent since c.
func (c Clock) Since() Spent {
	now := ReadClock()
	b, i, s := now.busy-c.busy, now.idle-c.idle, now.stolen-c.stolen
	out := Spent{Work: time.Duration(b) * 10 * time.Millisecond}
	if all := float64(b + i + s); all > 0 {
		out.Busy, out.Stolen = float64(b)/all, float64(s)/all
	}
	return out
}

// quiet is how much work, in cores, a machine may do that counts as quiet, and look how long it is looked at.
const quiet, look = 0.15, 250 * time.Millisecond

// Settle waits until the machine is quiet, at most for the time given; it is no error when it stays busy.
func Settle(ctx context.Context, most time.Duration) error {
	for ends := time.Now().Add(most); time.Now().Before(ends); {
		c := ReadClock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(look):
		}
		if c.Since().Work.Seconds() < quiet*look.Seconds() {
			return nil
		}
	}
	return ctx.Err()
}

// Machine describes where the benchmark ran, in one line.
func Machine() string {
	parts := []string{fmt.Sprintf("%d cores", runtime.NumCPU())}
	if model := firstValue("/proc/cpuinfo", "model name"); model != "" {
		parts = append(parts, model)
	}
	if kb, err := strconv.ParseInt(strings.TrimSuffix(firstValue("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		parts = append(parts, fmt.Sprintf("%d GB", (kb+1<<19)>>20))
	}
	parts = append(parts, runtime.GOOS+"/"+runtime.GOARCH, runtime.Version())
	if out, err := exec.Command("java", "-version").CombinedOutput(); err == nil {
		line, _, _ := strings.Cut(string(out), "\n")
		parts = append(parts, line)
	}
	return strings.Join(parts, ", ")
}

// firstValue is the value of the first "key : value" line of a file of /proc.
func firstValue(path, key string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if k, v, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
