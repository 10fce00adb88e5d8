package harness

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Plugin is a plugin process of a job.
type Plugin struct {
	Pid  int
	Name string // "kafka-reader"
	Args []string
}

// Children lists the processes that a core has started, by the process id that it hands them: a plugin whose core is
// gone has another parent, and still counts.
func Children(core int) (out []Plugin) {
	mark := []byte(fmt.Sprintf("GX_PARENT_PID=%d", core))
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil || !holds(env, mark) || !Exists(pid) {
			continue
		}
		cmdline, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil {
			continue
		}
		p := Plugin{Pid: pid, Args: strings.Split(strings.TrimSuffix(string(cmdline), "\x00"), "\x00")}
		p.Name = p.Args[len(p.Args)-1]
		out = append(out, p)
	}
	return out
}

func holds(env, variable []byte) bool {
	for kv := range bytes.SplitSeq(env, []byte{0}) {
		if bytes.Equal(kv, variable) {
			return true
		}
	}
	return false
}

// stat is a process's state letter and its parent; ok is false when there is no such process.
func stat(pid int) (state byte, parent int, ok bool) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	// The name stands in parentheses and may hold anything, blanks and parentheses too.
	i := bytes.LastIndex(line, []byte(") "))
	if err != nil || i < 0 {
		return 0, 0, false
	}
	fields := strings.Fields(string(line[i+2:]))
	if len(fields) < 2 {
		return 0, 0, false
	}
	parent, err = strconv.Atoi(fields[1])
	return fields[0][0], parent, err == nil
}

// Exists tells whether a process is there and has not ended; one that only waits to be collected has.
func Exists(pid int) bool {
	state, _, ok := stat(pid)
	return ok && state != 'Z' && state != 'X'
}

// ParentOf is the parent of a process, or 0.
func ParentOf(pid int) int {
	_, parent, _ := stat(pid)
	return parent
}

// Plugin waits until the job's plugin of that name runs and gives its process id.
func (r *Running) Plugin(name string) (pid int) {
	r.t.Helper()
	r.Until("the process of plugin "+name, func() bool {
		for _, p := range Children(r.Pid()) {
			if p.Name == name {
				pid = p.Pid
				return true
			}
		}
		return false
	})
	return pid
}

// Process gives the process id of a part of the job: core, reader or writer, the plugins by the name of their step type.
func (r *Running) Process(part string) int {
	r.t.Helper()
	switch part {
	case "reader":
		return r.Plugin("kafka-reader")
	case "writer":
		return r.Plugin("starrocks-writer")
	}
	return r.Pid()
}

// Kill ends a process as a crash would.
func (r *Running) Kill(pid int) {
	r.t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		r.t.Fatal(err)
	}
}
