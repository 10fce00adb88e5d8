package load

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox/release"
)

func merging(interval string, more ...string) []string {
	return append([]string{"enable_merge_commit: true", "merge_commit_interval_ms: " + interval, "merge_commit_parallel: 2"}, more...)
}

// all sends loads at once and returns their answers in order.
func (b *bench) all(loads ...func() *reply) []*reply {
	out := make([]*reply, len(loads))
	var wg sync.WaitGroup
	for i, l := range loads {
		wg.Go(func() { out[i] = l() })
	}
	wg.Wait()
	return out
}

func TestMergedLoads(t *testing.T) {
	b := start(t, func(o *Options) { o.Backends = 2 })
	to := func(be int, label, body string, headers ...string) func() *reply {
		return func() *reply {
			return b.must("PUT", b.Backends()[be].Addr, loadPath, append(h{"label: " + label}, headers...), strings.NewReader(body))
		}
	}
	got := b.all(to(0, "a", "1\ta\t5\n", merging("500")...), to(1, "b", "2\tb\t5\n", merging("500")...),
		to(0, "c", "3,c,5\n", merging("500", "column_separator: ,")...))
	for i, r := range got {
		b.want(r, "Success", "OK")
		if r.answer.RequestID == nil || *r.answer.RequestID != string("abc"[i]) || r.answer.LeftTimeMs == nil || r.answer.NumberLoadedRows != 0 {
			t.Errorf("%s", r.body)
		}
	}
	if got[0].answer.Label != got[1].answer.Label || got[0].answer.TxnID != got[1].answer.TxnID || got[0].answer.Label == got[2].answer.Label {
		t.Errorf("labels %s, %s, %s", got[0].answer.Label, got[1].answer.Label, got[2].answer.Label)
	}
	b.wantState(got[0].answer.Label, "VISIBLE", "")
	b.wantRows("t", "1|a|5", "2|b|5", "3|c|5")
	if l := b.Loads(); len(l) != 2 {
		t.Errorf("%d transactions", len(l))
	}

	// JSON bodies are documents each, and one that is broken fails them all.
	js := merging("200", "format: json")
	for _, r := range b.all(to(0, "a", `{"k":4,"n":1}`, js...), to(1, "b", `{"k":5,`, js...)) {
		b.want(r, "Fail", "Load is aborted, reason: ")
	}
	// The size of JSON is that of each body.
	if err := b.SetConfig("streaming_load_max_batch_size_mb", "1"); err != nil {
		t.Fatal(err)
	}
	big := `{"k":6,"n":1}` + strings.Repeat(" ", 700<<10)
	for _, r := range b.all(to(0, "a", big, js...), to(1, "b", big, js...)) {
		b.want(r, "Success", "OK")
	}
	// What is wrong with the load as such.
	b.want(to(0, "a", "4\ta\t5\n", append(merging("100"), "format: xml")...)(), "Fail", "unknown data format")
	b.want(to(0, "a", "", merging("100")...)(), "Fail", "The data can not be empty")
	b.want(b.must("PUT", b.BEAddr(), "/api/d/nope/_stream_load", h(merging("100")), strings.NewReader("1\n")), "Fail", `last error: unknown table "d.nope"`)
	b.want(to(0, "a", "1\n", append(merging("100"), "columns: v")...)(), "Fail", "Column has no default value")
	b.want(to(0, "a", "1\ta\t5\n", append(merging("100"), "-Authorization: ")...)(), "Fail", "no valid Basic authorization")
	b.wantRows("t", "1|a|5", "2|b|5", "3|c|5", "6|NULL|1", "6|NULL|1")
}

func TestMergedLoadsAnsweredAtOnce(t *testing.T) {
	b := start(t)
	r := b.want(b.load("t", "1\ta\t5\n", merging("300", "merge_commit_async: true", "label: mine")...), "Success", "OK")
	b.wantState(r.answer.Label, "PREPARE", "")
	b.wantState("mine", "UNKNOWN", "")
	b.until("the rows", func() bool { return b.rows("t") == "1|a|5" })
	bad := b.want(b.load("t", "x\ta\t5\n", merging("10", "merge_commit_async: true")...), "Success", "OK")
	b.until("the end", func() bool { return b.LoadsOf(bad.answer.Label) == "ABORTED" })
	b.wantState(bad.answer.Label, "ABORTED", "Tracking URL: http://127.0.0.2:")

	// A BE that goes takes its rows along.
	lost := b.want(b.load("t", "2\ta\t5\n", merging("300", "merge_commit_async: true")...), "Success", "OK")
	b.restart(0)
	b.until("the end", func() bool { return b.LoadsOf(lost.answer.Label) == "ABORTED" })
	b.wantRows("t", "1|a|5")
	// Closing the server ends a window early.
	b.want(b.load("t", "3\ta\t5\n", merging("60000", "merge_commit_async: true")...), "Success", "OK")
	began := time.Now()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("closed after %v", took)
	}
	b.wantRows("t", "1|a|5", "3|a|5")
}

func TestMergedLoadTimesOut(t *testing.T) {
	b := start(t)
	b.want(b.load("t", "1\ta\t5\n", merging("3000", "timeout: 1")...), "Fail", "timeout") // by the BE's patience or the FE's clock
	l := b.Limits()
	l.PublishDelay = 2 * time.Second
	b.SetLimits(l)
	r := b.want(b.load("t", "1\ta\t5\n", merging("10", "timeout: 1")...), "Publish Timeout", "Load has not been published before timeout")
	b.until("the rows", func() bool { return b.LoadsOf(r.answer.Label) == "VISIBLE" })
}

func TestMergeAtTheFE(t *testing.T) {
	b := start(t, func(o *Options) { o.Backends, o.Followers = 3, 1 })
	fe := func(i int, method, path string, headers ...string) *reply {
		t.Helper()
		return b.must(method, b.Frontends()[i].Addr, path, append(h{"Expect: 100-continue"}, headers...), nil)
	}
	r := fe(0, "PUT", loadPath, "enable_merge_commit: true", "merge_commit_parallel: 1", "merge_commit_interval_ms: soon")
	if r.status != 200 || !strings.Contains(r.body, `"code": "INVALID_ARGUMENT"`) || !strings.Contains(r.body, "Batch write interval must be set positive, but is null") {
		t.Errorf("HTTP %d %s", r.status, r.body)
	}
	if r = fe(1, "PUT", loadPath, merging("10")...); r.header.Get("Location") != "http://"+b.FEAddr()+loadPath {
		t.Errorf("HTTP %d %v", r.status, r.header)
	}
	meta := "/api/d/t/_stream_load_meta"
	r = fe(0, "GET", meta+"?type=nodes", merging("10")...)
	two := b.Backends()[0].Addr + "," + b.Backends()[1].Addr
	if !strings.Contains(r.body, `"http": "`+two+`"`) || !strings.Contains(r.body, "127.0.0.2:8060,127.0.0.3:8060") {
		t.Errorf("%s", r.body)
	}
	if r = fe(0, "GET", meta+"?type=nodes&node_service=http", merging("10")...); strings.Contains(r.body, "brpc") {
		t.Errorf("%s", r.body)
	}
	if r = fe(0, "GET", meta, "enable_merge_commit: true"); !strings.Contains(r.body, "must be set positive") {
		t.Errorf("%s", r.body)
	}
	if r = fe(1, "GET", meta, merging("10")...); r.status != 307 {
		t.Errorf("HTTP %d %s", r.status, r.body)
	}
	old := start(t, func(o *Options) { o.Release = release.Release{Major: 3, Minor: 3, Patch: 13} })
	if r = old.must("GET", old.FEAddr(), meta, nil, nil); !strings.Contains(r.body, "Not implemented") {
		t.Errorf("%s", r.body)
	}
}
