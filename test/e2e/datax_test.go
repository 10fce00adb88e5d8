package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// serverless is a document of DataX that needs no server. core is what stands beside job, with a comma before it.
func serverless(setting, reader, writer, core string) []byte {
	return []byte(`{"job": {"setting": {` + setting + `}, "content": [{"reader": ` + reader + `, "writer": ` + writer + `}]}` + core + `}`)
}

const (
	rows100   = `{"name": "streamreader", "parameter": {"column": [{"type": "long", "incr": "1,1"}], "sliceRecordCount": 100}}`
	endless   = `{"name": "streamreader", "parameter": {"column": [{"type": "long", "incr": "1,1"}], "sliceRecordCount": 1000000000, "rowsPerSecond": 1000}}`
	discarded = `{"name": "streamwriter", "parameter": {"print": false}}`
	oneLane   = `"speed": {"channel": 1}, "errorLimit": {"record": 0}`
)

// Schedulers that ran DataX find its exit codes and the lines that they search for.
func TestExitCodesAndSummaryOfDataX(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	flags := []string{"--datax-exit-codes", "--summary", "datax"}
	r := c.StartFile(c.File("given-done.json", serverless(oneLane, rows100, discarded, "")), flags...).Wait()
	if r.Code != 0 || !regexp.MustCompile(`(?m)^读出记录总数 +: +100\n读写失败总数 +: +0$`).MatchString(r.Stdout) || strings.Contains(r.Stdout, "landed") {
		t.Errorf("exit code %d\n%s", r.Code, r.Said())
	}
	for name, job := range map[string][]byte{
		"failing":  serverless(oneLane, strings.Replace(rows100, `"sliceRecordCount"`, `"failAfterRows": 10, "sliceRecordCount"`, 1), discarded, ""),
		"wrong":    serverless(oneLane, `{"name": "streamreader"}`, discarded, ""),
		"no JSON":  []byte(`{"job"`),
		"no shape": []byte(`{}`),
	} {
		if r := c.StartFile(c.File("given-"+name+".json", job), flags...).Wait(); r.Code != 255 {
			t.Errorf("%s: exit code %d, want 255\n%s", name, r.Code, r.Said())
		}
	}
	if r := c.StartFile("is-not-there.json", flags...).Wait(); r.Code != 255 || !strings.Contains(r.Stderr, "is-not-there.json") {
		t.Errorf("exit code %d\n%s", r.Code, r.Said())
	}
	running := c.StartFile(c.File("given-endless.json", serverless(oneLane, endless, discarded, "")), flags...)
	running.Until("the run", func() bool { return strings.Contains(running.Stderr(), "delivery:") })
	running.Signal(syscall.SIGINT)
	if r := running.Wait(); r.Code != 143 || !strings.Contains(r.Stdout, "读出记录总数") {
		t.Errorf("exit code %d, want 143\n%s", r.Code, r.Said())
	}
	if r := c.StartFile("given-done.json", "--summary", "json").Wait(); r.Code != 2 || !strings.Contains(r.Stderr, "--summary") {
		t.Errorf("exit code %d, want 2\n%s", r.Code, r.Said())
	}
}

// DataX runs the first element of content; gx runs all of them, in order, and stops where one fails.
func TestSeveralContentsRunInOrder(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	element := func(file, more string) string {
		return `{"reader": {"name": "streamreader", "parameter": {` + more + `"column": [{"value": "` + file + `"}], "sliceRecordCount": 3}},
			"writer": {"name": "streamwriter", "parameter": {"path": "` + c.Dir + `", "fileName": "` + file + `"}}}`
	}
	document := func(elements ...string) []byte {
		return []byte(`{"job": {"name": "parts", "setting": {` + oneLane + `}, "content": [` + strings.Join(elements, ", ") + `]}}`)
	}
	r := c.StartFile(c.File("given-two.json", document(element("first", ""), element("second", "")))).Wait()
	if r.Code != 0 || !strings.Contains(r.Stderr, "has 2 elements") || !strings.Contains(r.Stdout, "parts-1 done") ||
		strings.Index(r.Stdout, "parts-1 done") > strings.Index(r.Stdout, "parts-2 done") {
		t.Errorf("exit code %d\n%s", r.Code, r.Said())
	}
	for _, file := range []string{"first", "second"} {
		if got, err := os.ReadFile(filepath.Join(c.Dir, file)); err != nil || string(got) != strings.Repeat(file+"\n", 3) {
			t.Errorf("%s holds %q, %v", file, got, err)
		}
	}
	r = c.StartFile(c.File("given-broken.json", document(element("third", `"failAfterRows": 1, `), element("fourth", "")))).Wait()
	if r.Code != 1 {
		t.Errorf("exit code %d\n%s", r.Code, r.Said())
	}
	if _, err := os.Stat(filepath.Join(c.Dir, "fourth")); err == nil {
		t.Error("the second element ran although the first had failed")
	}
	if r := c.StartFile("given-two.json", "--strict").Wait(); r.Code != 2 || !strings.Contains(r.Stderr, "job.content") {
		t.Errorf("exit code %d\n%s", r.Code, r.Said())
	}
}

// What a DataX document says beside its readers and writers has an effect, a note, or an end with exit code 2.
func TestTheRestOfADataXDocument(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	for name, x := range map[string]struct {
		job  []byte
		code int
		want []string
	}{
		"notes": {[]byte(`{"job": {"setting": {` + oneLane + `}, "preHandler": {"pluginName": "x"}, "postHandler": {"pluginName": "y"},
			"content": {"reader": ` + rows100 + `, "writer": ` + discarded + `}},
			"core": {"container": {"taskGroup": {"channel": 3}}, "unheard": 1}, "common": {"column": {"datetimeFormat": "yyyy"}}, "entry": {"jvm": "-Xms1G"}}`),
			0, []string{"job.preHandler", "job.postHandler", "entry", "core.container.taskGroup.channel", "core.unheard", "common.column: has no effect without transformers"}},
		"dry run":           {serverless(oneLane+`, "dryRun": true`, rows100, discarded, ""), 0, []string{"dry run, nothing was moved"}},
		"encrypted":         {serverless(oneLane, rows100, `{"name": "starrockswriter", "parameter": {"*password": "abc"}}`, ""), 2, []string{"*password", "${env:PASSWORD}"}},
		"other reader":      {serverless(oneLane, `{"name": "oraclereader", "parameter": {"username": "x"}}`, discarded, ""), 2, []string{"job.content[0].reader.name", `no such plugin: "oraclereader" (known: `, "mysql", "starrocks"}},
		"other writer":      {serverless(oneLane, rows100, `{"name": "hdfswriter"}`, ""), 2, []string{"job.content[0].writer.name", `no such plugin: "hdfswriter" (known: `}},
		"throttle alone":    {serverless(`"speed": {"channel": 1, "throttle": true}`, rows100, discarded, ""), 2, []string{"job.setting.speed.throttle", "no limit is given"}},
		"reader for writer": {serverless(oneLane, `{"name": "streamwriter"}`, discarded, ""), 2, []string{"streamwriter stands where a reader belongs"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.StartFile(c.File("given-"+strings.ReplaceAll(name, " ", "-")+".json", x.job)).Wait()
			if r.Code != x.code {
				t.Errorf("exit code %d, want %d", r.Code, x.code)
			}
			for _, w := range x.want {
				if !strings.Contains(r.Said(), w) {
					t.Errorf("%q is not in what was said", w)
				}
			}
			if t.Failed() {
				t.Log(r.Said())
			}
		})
	}
}

// The engine settings of DataX that gx honours, and its limits, which hold over all channels together.
func TestDataXEngineSettingsHaveEffects(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	const limited = `"speed": {"channel": 4, "record": 400}, "errorLimit": {"record": 0}`
	r := c.StartFile(c.File("given-limited.json", serverless(limited, strings.Replace(rows100, `"sliceRecordCount"`, `"batchRows": 10, "sliceRecordCount"`, 1), discarded,
		`, "core": {"container": {"job": {"reportInterval": 20}}, "transport": {"channel": {"speed": {"record": 200}}}}`))).Wait()
	if r.Code != 0 || r.Report == nil {
		t.Fatalf("exit code %d\n%s", r.Code, r.Said())
	}
	// 400 a second at 200 a channel are two channels, whatever channel says; two make 200 rows, which take half a second.
	if r.Report.Read != 200 || r.Report.Seconds < 0.5 {
		t.Errorf("read %d in %g s, want 200 in half a second or more", r.Report.Read, r.Report.Seconds)
	}
	if n := strings.Count(r.Stderr, `"message":"progress"`); n < 2 {
		t.Errorf("%d lines of progress, one is due every 20 ms\n%s", n, r.Stderr)
	}
	const cut = `, "transformer": [{"name": "dx_substr", "parameter": {"columnIndex": 0, "paras": ["9", "1"]}}]`
	for core, want := range map[string]int{"": 10, `, "core": {"statistics": {"collector": {"plugin": {"maxDirtyNumber": 3}}}}`: 3} {
		r := c.StartFile(c.File("given-dirty.json", serverless(`"speed": {"channel": 1}, "errorLimit": {"record": ""}`, rows100, discarded+cut, core))).Wait()
		if got := strings.Count(r.Stdout, "dx_substr"); r.Code != 0 || r.Report.Dirty != 100 || got != want || len(r.Report.DirtyRecords) != want {
			t.Errorf("%q: %d dirty records in the summary, want %d\n%s", core, got, want, r.Said())
		}
	}
}

// common.column says how transformers see dates.
func TestDatesOfDataXColumns(t *testing.T) {
	t.Parallel()
	c := world.Case(t, world.Brokers[0])
	const date = `{"name": "streamreader", "parameter": {"column": [{"type": "date", "value": "2026-11-21 20:00:00"}], "sliceRecordCount": 1}}`
	const written = `{"name": "streamwriter", "parameter": {"print": true}}, "transformer": [{"name": "dx_replace", "parameter": {"columnIndex": 0, "paras": ["0", "0", "seen "]}}]`
	for common, want := range map[string]string{
		"": "seen 2026-11-21 20:00:00",
		`, "common": {"column": {"datetimeFormat": "yyyyMMdd HH.mm", "timeZone": "GMT+8"}}`: "seen 20261121 20.00",
	} {
		r := c.StartFile(c.File("given-dates.json", serverless(oneLane, date, written, common))).Wait()
		if got := printed(r, "seen"); r.Code != 0 || len(got) != 1 || got[0] != want {
			t.Errorf("%s: exit code %d, printed %q, want %q\n%s", common, r.Code, got, want, r.Said())
		}
	}
}
