package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/plugins/protocol"
)

func TestDataXExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
		says string
	}{
		{nil, 0, ""},
		{exitCode(0), 0, ""},
		{exitCode(fault.ExitConfig), 255, ""},
		{exitCode(fault.ExitDirtyLimit), 255, ""},
		{exitCode(fault.ExitInterrupted), 143, ""},
		{exitCode(fault.ExitTerminated), 143, ""},
		{protocol.Faultf(protocol.Config, "no such file").At("job").Hint("another"), 255, "gx: job: no such file\n  try: another\n"},
		{errors.New("plain"), 255, "gx: plain\n"},
	} {
		var said bytes.Buffer
		got := (&app{stderr: &said}).dataxExit(c.err)
		code := 0
		if got != nil {
			var exit exitCode
			if !errors.As(got, &exit) {
				t.Fatalf("%v: %v is no exit code", c.err, got)
			}
			code = int(exit)
		}
		if code != c.want || said.String() != c.says {
			t.Errorf("%v: %d %q, want %d %q", c.err, code, said.String(), c.want, c.says)
		}
	}
}

func TestDataXSummary(t *testing.T) {
	r := &engine.Report{Started: time.Date(2026, 11, 21, 8, 0, 0, 0, time.Local), Seconds: 12.3, Read: 1000003, ReadBytes: 190000570, Dirty: 2}
	want := `
任务启动时刻                    : 2026-11-21 08:00:00
任务结束时刻                    : 2026-11-21 08:00:12
任务总计耗时                    :                 12s
任务平均流量                    :           15.10MB/s
记录写入速度                    :          83333rec/s
读出记录总数                    :             1000003
读写失败总数                    :                   2
`
	if got := dataxSummary(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	r = &engine.Report{Started: time.Unix(0, 0), Seconds: 0.2, Read: 5, ReadBytes: 50}
	if got := dataxSummary(r); !strings.Contains(got, " 5rec/s\n") || !strings.Contains(got, " 50B/s\n") || !strings.Contains(got, " 0s\n") {
		t.Errorf("less than a second: %s", got)
	}
	for n, want := range map[int64]string{0: "0B", 1023: "1023B", 1024: "1.00KB", 1536: "1.50KB", 1 << 20: "1.00MB", 5 << 30: "5.00GB", 3 << 40: "3.00TB"} {
		if got := dataxBytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
