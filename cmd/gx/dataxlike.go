package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/fault"
)

// Schedulers that ran DataX look for its exit codes and for the lines at the end of its log. Both are given on request.

// The exit codes of datax.py: -1 is 255 for a shell.
const (
	dataxFailed = 255
	dataxKilled = 143
)

// dataxExit turns the end of a command into an exit code of DataX. What an error has to say is said here, since main knows
// only codes of gx.
func (a *app) dataxExit(err error) error {
	if err == nil {
		return nil
	}
	var code exitCode
	if !errors.As(err, &code) {
		_, _ = fmt.Fprintln(a.stderr, "gx: "+a.mask(fault.Text(err)))
		code = exitCode(fault.Exit(err))
	}
	switch code {
	case fault.ExitOK:
		return nil
	case fault.ExitInterrupted, fault.ExitTerminated:
		return exitCode(dataxKilled)
	}
	return exitCode(dataxFailed)
}

// dataxSummary writes the counts of a run under the labels of DataX, which scripts search for: start, end, duration, bytes and
// records per second, records read, and records that failed.
func dataxSummary(r *engine.Report) string {
	took := time.Duration(r.Seconds * float64(time.Second))
	seconds := max(int64(took/time.Second), 1) // DataX counts a part of a second as one
	var b strings.Builder
	b.WriteByte('\n')
	for _, at := range []struct {
		label string
		time  time.Time
	}{{"任务启动时刻", r.Started}, {"任务结束时刻", r.Started.Add(took)}} {
		fmt.Fprintf(&b, "%-26s: %-18s\n", at.label, at.time.Local().Format(time.DateTime))
	}
	for _, line := range [][2]string{
		{"任务总计耗时", fmt.Sprintf("%ds", int64(took/time.Second))},
		{"任务平均流量", dataxBytes(r.ReadBytes/seconds) + "/s"},
		{"记录写入速度", fmt.Sprintf("%drec/s", r.Read/seconds)},
		{"读出记录总数", fmt.Sprint(r.Read)},
		{"读写失败总数", fmt.Sprint(r.Dirty)},
	} {
		fmt.Fprintf(&b, "%-26s: %19s\n", line[0], line[1])
	}
	return b.String()
}

// dataxBytes is an amount in the units of DataX: 0B, 1.50KB, 2.00MB.
func dataxBytes(n int64) string {
	unit := int64(1) << 40
	for _, name := range []string{"TB", "GB", "MB", "KB"} {
		if n >= unit {
			return fmt.Sprintf("%.2f%s", float64(n)/float64(unit), name)
		}
		unit >>= 10
	}
	return fmt.Sprintf("%dB", n)
}
