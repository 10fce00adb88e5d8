package load

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox/clock"
	"github.com/gx-etl/gx/test/sandbox/release"
)

func TestSettingsByName(t *testing.T) {
	b := start(t)
	for _, backend := range []bool{false, true} {
		for name, value := range b.Configs(backend) {
			if err := b.SetConfig(name, value); err != nil {
				t.Errorf("%s: its own value %q: %v", name, value, err)
			}
			if err := b.SetConfig(name, "x"); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s = x: %v", name, err)
			}
		}
	}
	for name, value := range map[string]string{"label_keep_max_num": "5", "label_keep_max_second": "60", "disable_load_job": "true",
		"transaction_clean_interval_second": "0.25", "streaming_load_max_mb": "7", "load_error_log_reserve_hours": "2", "be_http_num_workers": "3"} {
		if err := b.SetConfig(name, value); err != nil {
			t.Error(err)
		}
		if c, d := b.Configs(false), b.Configs(true); c[name]+d[name] != value {
			t.Errorf("%s is %q and %q after it was set to %s", name, c[name], d[name], value)
		}
	}
	if l := b.Limits(); l.LabelKeepNum != 5 || l.LabelKeepAge != time.Minute || !l.DisableLoads || l.MaxBodyBytes != 7<<20 || l.SweepEvery != 250*time.Millisecond ||
		b.Ledger().Limits().LabelKeepNum != 5 {
		t.Errorf("%+v", l)
	}
	if err := b.SetConfig("nope", "1"); err == nil || !strings.Contains(err.Error(), "'nope' does not exist") {
		t.Errorf("%v", err)
	}
	b.want(b.load("t", "1\ta\t5\n"), "Fail", "disable_load_job is set to true")
	b.SetLimits(Limits{})
	if l := b.Limits(); l.LabelKeepNum != 1000 || l.MaxRunningTxn != 1000 || l.MaxBodyBytes != 100<<30 || l.CommitRPC != time.Minute {
		t.Errorf("%+v", l)
	}
	old := start(t, func(o *Options) { o.Release = release.Release{Major: 2, Minor: 5, Patch: 22} })
	if l := old.Limits(); l.MaxRunningTxn != 100 || l.MaxBodyBytes != 10<<30 || l.CommitRPC != 20*time.Second {
		t.Errorf("%+v", l)
	}
}

func TestSettingsOverHTTP(t *testing.T) {
	b := start(t)
	r := b.must("GET", b.FEAddr(), "/api/_set_config?label_keep_max_num=7&streaming_load_max_mb=1&label_keep_max_second=x", nil, nil)
	var got struct{ Set, Err map[string]string }
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || len(got.Set) != 1 || got.Set["label_keep_max_num"] != "7" || len(got.Err) != 2 {
		t.Errorf("%s, %v", r.body, err)
	}
	if r = b.must("GET", b.FEAddr(), "/api/_set_config?label_keep_max_num=8", h{"-Authorization: "}, nil); r.status != 401 {
		t.Errorf("HTTP %d", r.status)
	}
	for query, want := range map[string]string{"streaming_load_max_mb=1": `"OK"`, "streaming_load_max_mb=x": "expected a whole number", "label_keep_max_num=1": "is not found",
		"": "only support to set a single config"} {
		if r = b.must("POST", b.BEAddr(), "/api/update_config?"+query, nil, nil); !strings.Contains(r.body, want) {
			t.Errorf("%q: %s", query, r.body)
		}
	}
	if l := b.Limits(); l.LabelKeepNum != 7 || l.MaxBodyBytes != 1<<20 {
		t.Errorf("%+v", l)
	}
	r = b.must("GET", b.FEAddr(), "/api/bootstrap", nil, nil)
	if !strings.Contains(r.body, `"status": "OK"`) {
		t.Errorf("%s", r.body)
	}
}

func TestLoadsAreLimited(t *testing.T) {
	b := start(t, func(o *Options) { o.Limits.HTTPWorkers, o.Limits.LimitLoads = 2, true })
	finish := b.running("first")
	b.want(b.load("t", "1\ta\t5\n"), "Fail", "Stream Load exceed http cuncurrent limit 1, please try again later")
	b.want(finish("1\ta\t5\n"), "Success", "")
	b.want(b.load("t", "2\ta\t5\n"), "Success", "")
}

func TestErrorLogsAgeAndStayOnTheirBackend(t *testing.T) {
	b := start(t, func(o *Options) { o.Backends = 2 })
	r := b.want(b.load("t", "x\ta\t5\n"), "Fail", "too many filtered rows")
	at := r.answer.ErrorURL
	if !strings.HasPrefix(at, "http://"+b.BEAddr()+"/api/_load_error_log?file=error_log_") || !strings.Contains(b.errorLog(r), "Error: ") || b.ErrorLog(at) != b.errorLog(r) {
		t.Errorf("%s", at)
	}
	status := func(addr string) int {
		t.Helper()
		_, file, _ := strings.Cut(at, "/api")
		return b.must("GET", addr, "/api"+file, h{"-Authorization: "}, nil).status
	}
	if got := status(b.Backends()[1].Addr); got != 404 {
		t.Errorf("another BE answers HTTP %d", got)
	}
	b.Clock().Jump(47 * time.Hour)
	if got := status(b.BEAddr()); got != 200 {
		t.Errorf("HTTP %d after 47 hours", got)
	}
	b.Clock().Jump(2 * time.Hour)
	if got := status(b.BEAddr()); got != 404 {
		t.Errorf("HTTP %d after 49 hours", got)
	}
}

func TestRejectedRecords(t *testing.T) {
	b := start(t)
	r := b.want(b.load("t", "1\ta\t5\nx\tb\t6\n3\n", "max_filter_ratio: 1", "log_rejected_record_num: -1", "label: x"), "Success", "")
	path, ok := strings.CutPrefix(r.answer.RejectedRecordPath, "127.0.0.2:")
	if !ok {
		t.Fatalf("%s", r.body)
	}
	text, err := os.ReadFile(path)
	if lines := strings.Split(strings.TrimSpace(string(text)), "\n"); err != nil || len(lines) != 2 || !strings.HasPrefix(lines[0], "x\tb\t6\t") {
		t.Errorf("%q, %v", text, err)
	}
	if l := b.Loads()[0]; l.RejectedPath != r.answer.RejectedRecordPath {
		t.Errorf("%+v", l)
	}
	for _, header := range []string{"log_rejected_record_num: 0", "x: y"} {
		if r := b.load("t", "x\tb\t6\n", header); r.answer.RejectedRecordPath != "" {
			t.Errorf("%s: %s", header, r.body)
		}
	}
	// The transaction interface does not know the header, but that of several tables does.
	for _, op := range []string{"begin", "load", "commit"} {
		a := b.wantTxn(b.via(op, "m", "x\tb\t6\n2\tc\t7\n", multi, "max_filter_ratio: 1", "log_rejected_record_num: 1"), "OK", "")
		if op == "commit" && a["RejectedRecordPath"] != nil {
			t.Errorf("%v", a)
		}
	}
	if l := b.Loads(); l[len(l)-1].RejectedPath == "" || l[len(l)-1].Rows != 1 {
		t.Errorf("%+v", l[len(l)-1])
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
}

// The BE waits for the rows to become visible, newer ones as long as the load may take.
func TestPublishWait(t *testing.T) {
	b := start(t, func(o *Options) { o.Limits.PublishDelay = 300 * time.Millisecond })
	b.want(b.load("t", "1\ta\t5\n"), "Success", "OK")
	b.wantRows("t", "1|a|5")
	old := start(t, func(o *Options) {
		o.Limits.PublishDelay, o.Limits.CommitRPC = 600*time.Millisecond, time.Millisecond
		o.Release = release.Release{Major: 2, Minor: 5, Patch: 22}
	})
	r := old.want(old.load("t", "1\ta\t5\n", "timeout: 1", "label: x"), "Publish Timeout", "")
	if r.answer.NumberLoadedRows != 1 || old.LoadsOf("x") != "COMMITTED" {
		t.Errorf("%s, %s", r.body, old.LoadsOf("x"))
	}
	old.wantRows("t", "")
	old.until("the rows", func() bool { return old.LoadsOf("x") == "VISIBLE" })
	old.wantRows("t", "1|a|5")
}

func TestAnswersByRelease(t *testing.T) {
	for _, c := range []struct {
		r            release.Release
		put, because bool
	}{{release.All[0], true, false}, {release.Release{Major: 3, Minor: 3, Patch: 13}, false, false}, {release.Newest(), false, true}} {
		b := start(t, func(o *Options) { o.Release = c.r })
		r := b.want(b.load("t", "1\ta\t5\n", "label: x"), "Success", "")
		if strings.Contains(r.body, "StreamLoadPutTimeMs") != c.put || strings.Contains(r.body, "StreamLoadPlanTimeMs") == c.put {
			t.Errorf("%v: %s", c.r, r.body)
		}
		r = b.must("GET", b.FEAddr(), "/api/d/get_load_state?label=x", nil, nil)
		if strings.Contains(r.body, `"reason"`) != c.because {
			t.Errorf("%v: %s", c.r, r.body)
		}
	}
}

func TestVersionLimitComesBeforeTheBody(t *testing.T) {
	b := start(t)
	b.store.SetMaxVersions(2)
	b.store.SetCompactEvery(-1)
	b.want(b.load("t", "1\ta\t5\n"), "Success", "")
	b.want(b.load("t", "2\ta\t5\n"), "Success", "")
	// The refusal comes before the body is asked for.
	c, rd := b.dial(b.BEAddr(), loadPath, h{"Expect: 100-continue", "Content-Length: 6", "label: x"})
	defer c.Close()
	res, err := http.ReadResponse(rd, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var a answer
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil || res.StatusCode != 200 || !strings.Contains(a.Message, "too many versions, current/limit: 3/2") {
		t.Errorf("HTTP %d, %+v, %v", res.StatusCode, a, err)
	}
	b.wantState("x", "ABORTED", "too many versions")
	b.wantTxn(b.at("begin", "y", ""), "OK", "")
	b.wantTxn(b.at("load", "y", "3\ta\t5\n"), "INTERNAL_ERROR", "too many versions")
	table, err := b.store.Table("d", "t")
	if err != nil {
		t.Fatal(err)
	}
	table.Compact()
	b.want(b.load("t", "3\ta\t5\n", "label: x"), "Success", "")
}

func TestQueryPlan(t *testing.T) {
	asked := ""
	b := start(t, func(o *Options) {
		o.Backends = 2
		o.Plan = func(_ context.Context, user, db, table, sql string) ([]PlanTablet, error) {
			asked = fmt.Sprint(user, " ", db, " ", table, " ", sql)
			switch sql {
			case "bad":
				return nil, &PlanError{Status: 400, Text: "no"}
			case "secret":
				return nil, &PlanError{Status: 401, Text: "not yours"}
			}
			return []PlanTablet{{ID: 10, Version: 3}, {ID: 11, Version: 3, Backend: 1}}, nil
		}
	})
	ask := func(path, body string) (int, planAnswer) {
		t.Helper()
		r := b.must("POST", b.FEAddr(), path, nil, strings.NewReader(body))
		var a planAnswer
		if err := json.Unmarshal([]byte(r.body), &a); err != nil && r.status != 401 {
			t.Fatalf("%s: %v", r.body, err)
		}
		if r.status != 401 && r.status != a.Status {
			t.Errorf("HTTP %d with %s", r.status, r.body)
		}
		return r.status, a
	}
	path := "/api/d/t/_query_plan"
	_, a := ask(path, `{"sql":"select k from d.t"}`)
	if asked != "root d t select k from d.t" || a.Status != 200 || a.Plan == "" || len(a.Partitions) != 2 ||
		a.Partitions["11"].Version != 3 || a.Partitions["10"].Routings[0] != "127.0.0.2:9060" || a.Partitions["11"].Routings[0] != "127.0.0.3:9060" {
		t.Errorf("%q, %+v", asked, a)
	}
	for body, want := range map[string]string{"": "must contains [sql]", "{}": "must contains [sql]", "{": "malformed json [ { ]", `{"sql":"bad"}`: "no"} {
		if status, a := ask(path, body); status != 400 || !strings.Contains(a.Exception, want) {
			t.Errorf("%s: HTTP %d %+v", body, status, a)
		}
	}
	for at, want := range map[string]string{"/api/e/t/_query_plan": "Database [e] does not exists", "/api/d/u/_query_plan": "Table [u] does not exists"} {
		if status, a := ask(at, `{"sql":"x"}`); status != 404 || a.Exception != want {
			t.Errorf("%s: HTTP %d %+v", at, status, a)
		}
	}
	if status, _ := ask(path, `{"sql":"secret"}`); status != 401 {
		t.Errorf("HTTP %d", status)
	}
}

// Error logs take no more than their room, whatever rows clients send.
func TestErrorLogsMakeRoom(t *testing.T) {
	l := errorLogs{clock: &clock.Clock{}}
	line := strings.Repeat("x", 8<<20)
	first := l.add(0, []string{line})
	for range keptLogBytes / len(line) {
		l.add(0, []string{line})
	}
	if l.bytes > keptLogBytes || len(l.files) != len(l.order) || l.text("http://be/?file="+first) != "" {
		t.Errorf("%d bytes in %d logs", l.bytes, len(l.files))
	}
	if name := l.add(0, []string{strings.Repeat("x", keptLogBytes+1)}); l.text("http://be/?file="+name) == "" || len(l.files) != 1 {
		t.Errorf("%d logs beside a huge one", len(l.files))
	}
	b := start(t)
	r := b.want(b.load("t", "1\t"+strings.Repeat("y", 9<<20)+"\t5\n2\t"+strings.Repeat("z", 9<<20)+"\t5\n"), "Fail", "too many filtered rows")
	log := b.errorLog(r)
	if len(log) > 17<<20 || strings.Count(log, "Error: ") != 2 || strings.Count(log, "z") < 6<<20 {
		t.Errorf("a log of %d bytes", len(log))
	}
}
