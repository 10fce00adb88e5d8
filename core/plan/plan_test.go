package plan

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
)

func parse(t *testing.T, doc string) *job.Job {
	t.Helper()
	jobs, problems := job.Parse([]byte(doc), job.Options{Name: "j"})
	if options.Failed(problems) || len(jobs) != 1 {
		t.Fatalf("%v", problems)
	}
	return jobs[0]
}

const steps = `"steps": [
  {"stepType": "kafka", "name": "R", "category": "reader", "parameter": {"topic": "t"}%s},
  {"stepType": "starrocks", "name": "W", "category": "writer", "parameter": {"table": "x"}}]`

func dataworks(setting, step string) string {
	return `{"type": "job", "version": "2.0", ` + strings.Replace(steps, "%s", step, 1) + `, "setting": {` + setting + `}}`
}

func TestDefaults(t *testing.T) {
	p, problems := Build(parse(t, dataworks("", "")), "run-1", false)
	if len(problems) != 0 {
		t.Fatal(problems)
	}
	if p.Lanes != 1 || p.Streaming || *p.ErrorLimit.Record != 0 || p.Stall != DefaultStall || p.MaxRun != 0 || p.Dirty.Type != "file" {
		t.Errorf("%+v", p)
	}
	if sum := p.Memory.Core + p.Memory.Reader + p.Memory.Writer + 2*protocol.Window; sum != 256<<20 {
		t.Errorf("memory %+v sums to %d with the windows", p.Memory, sum)
	}
	if p.Reader.Path != "steps[0].parameter" || p.Reader.TypePath != "steps[0].stepType" || string(p.Writer.Parameters) != `{"table":"x"}` {
		t.Errorf("%+v %+v", p.Reader, p.Writer)
	}
}

func TestSettingsReachThePlan(t *testing.T) {
	p, problems := Build(parse(t, dataworks(`"mode": "streaming", "speed": {"concurrent": "3", "throttle": true, "mbps": "2", "record": 500},
		"errorLimit": {"percentage": 0.5}, "checkpoint": {"intervalMs": 1500}, "stallTimeoutSec": 7, "maxRunSec": 9, "memory": "1GiB",
		"dirty": {"type": "stdout"}`, "")), "r", true)
	if len(problems) != 0 {
		t.Fatal(problems)
	}
	if !p.Streaming || p.Lanes != 3 || p.BytesPerSec != 2<<20 || p.RowsPerSec != 500 || *p.ErrorLimit.Percentage != 0.5 ||
		p.Checkpoint != 1500*time.Millisecond || p.Stall != 7*time.Second || p.MaxRun != 9*time.Second || p.Memory.Core != 128<<20-3*protocol.Window ||
		p.Dirty.Type != "stdout" || !p.Lenient {
		t.Errorf("%+v", p)
	}
}

// What gx honours of the engine settings of DataX; without them it has its own.
func TestDataXEngineSettings(t *testing.T) {
	const rest = `{"job": {"setting": {"speed": {"channel": 1}}, "content": {"reader": {"name": "kafkareader"}, "writer": {"name": "starrockswriter"}}}`
	for core, want := range map[string]struct {
		shown    int
		lane     int64
		progress time.Duration
	}{
		``:             {DefaultShownDirty, 0, 0},
		`, "core": {}`: {DefaultShownDirty, 0, 0},
		`, "core": {"statistics": {"collector": {"plugin": {"maxDirtyNumber": "3"}}}}`: {3, 0, 0},
		`, "core": {"statistics": {"collector": {"plugin": {"maxDirtyNumber": 0}}}}`:   {0, 0, 0},
		`, "core": {"transport": {"channel": {"byteCapacity": 1048576}}}`:              {DefaultShownDirty, 1 << 20, 0},
		`, "core": {"container": {"job": {"reportInterval": 500}}}`:                    {DefaultShownDirty, 0, 500 * time.Millisecond},
		`, "core": {"container": {"job": {"reportInterval": ""}}}`:                     {DefaultShownDirty, 0, 0},
	} {
		p, problems := Build(parse(t, rest+core+"}"), "r", false)
		if len(problems) != 0 || p.ShownDirty != want.shown || p.LaneBytes != want.lane || p.Progress != want.progress {
			t.Errorf("%s: %d shown, %d bytes, %v; %v", core, p.ShownDirty, p.LaneBytes, p.Progress, problems)
		}
	}
}

// What gx cannot do yet is said, with its place; nothing is dropped in silence.
func TestUnavailable(t *testing.T) {
	for name, c := range map[string]struct{ doc, path string }{
		"exactly once": {dataworks(`"mode": "streaming", "deliveryGuarantee": "exactly-once"`, ""), "setting.deliveryGuarantee"},
		"transformer":  {dataworks(`"transformer": [{"name": "dx_groovy"}]`, ""), "setting.transformer[0].name"},
		"datax": {`{"job": {"setting": {"mode": "streaming", "deliveryGuarantee": "exactly-once"}, "content": [{"reader": {"name": "kafkareader", "parameter": {}},
			"writer": {"name": "starrockswriter", "parameter": {}}}]}}`, "job.setting.deliveryGuarantee"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := Build(parse(t, c.doc), "r", false)
			if len(problems) != 1 || !strings.HasPrefix(problems[0].Path, c.path) || problems[0].Code != options.CodeNotSupported {
				t.Fatalf("%v", problems)
			}
		})
	}
}

func TestTwoReaders(t *testing.T) {
	doc := `{"type": "job", "version": "2.0", "steps": [
	  {"stepType": "kafka", "name": "A", "category": "reader", "parameter": {}},
	  {"stepType": "kafka", "name": "B", "category": "reader", "parameter": {}},
	  {"stepType": "starrocks", "name": "W", "category": "writer", "parameter": {}}],
	  "order": {"hops": [{"from": "A", "to": "W"}, {"from": "B", "to": "W"}]}}`
	p, problems := Build(parse(t, doc), "r", false)
	if len(problems) != 0 || len(p.Readers) != 2 || len(p.Writers) != 1 || p.Reader.Path != "" || p.Reader.Name != "A + B" || p.Writer.Name != "W" {
		t.Fatalf("%v %+v", problems, p)
	}
}

// Rows of every reader go to every writer; anything else is no one flow.
func TestDifferentWays(t *testing.T) {
	steps := `{"type": "job", "version": "2.0", "steps": [
	  {"stepType": "kafka", "name": "A", "category": "reader", "parameter": {}},
	  {"stepType": "kafka", "name": "B", "category": "reader", "parameter": {}},
	  {"stepType": "starrocks", "name": "V", "category": "writer", "parameter": {}},
	  {"stepType": "starrocks", "name": "W", "category": "writer", "parameter": {}}],
	  "order": {"hops": [%s]}}`
	for hops, n := range map[string]int{
		`{"from":"A","to":"V"},{"from":"A","to":"W"},{"from":"B","to":"V"},{"from":"B","to":"W"}`: 0,
		`{"from":"A","to":"V"},{"from":"B","to":"W"}`:                                             1,
		`{"from":"A","to":"V"},{"from":"A","to":"W"},{"from":"B","to":"V"}`:                       1,
	} {
		_, problems := Build(parse(t, fmt.Sprintf(steps, hops)), "r", false)
		if len(problems) != n || n > 0 && problems[0].Path != "order.hops" {
			t.Errorf("%s: %v", hops, problems)
		}
	}
}

func TestManyLanesStillHaveRoom(t *testing.T) {
	m := share(16<<20, 32, 1, 1, false)
	if m.Core < 32*protocol.BatchBytes || m.Writer < leastWriter {
		t.Errorf("%+v", m)
	}
	if m := share(64<<30, 1, 1, 1, false); m.Core > coreMost {
		t.Errorf("%+v", m)
	}
}

func TestRunIDs(t *testing.T) {
	now := time.Date(2026, 11, 21, 1, 2, 3, 0, time.UTC)
	a, b := NewRun(now), NewRun(now)
	if a == b || !regexp.MustCompile(`^20261121-010203-[0-9a-f]{8}$`).MatchString(a) {
		t.Errorf("%s %s", a, b)
	}
}

// A reader may ask for lanes where the job names none; the memory is shared out anew.
func TestLanesOfTheReader(t *testing.T) {
	j := parse(t, dataworks("", ""))
	p, _ := Build(j, "run-1", false)
	if !j.Setting.LanesUnsaid {
		t.Error("the job names lanes")
	}
	p.UseLanes(3)
	if sum := p.Memory.Core + p.Memory.Reader + p.Memory.Writer + 2*3*protocol.Window; p.Lanes != 3 || sum != 256<<20 {
		t.Errorf("%d lanes, memory %+v sums to %d with the windows", p.Lanes, p.Memory, sum)
	}
	for _, speed := range []string{`"concurrent":1`, `"channel":1`, `"tasks.max":"1"`} {
		if parse(t, dataworks(`"speed":{`+speed+`}`, "")).Setting.LanesUnsaid {
			t.Errorf("%s names lanes", speed)
		}
	}
}
