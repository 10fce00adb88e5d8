package load

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// running starts a load whose body stays unfinished until finish is called.
func (b *bench) running(label string) (finish func(rest string) *reply) {
	b.t.Helper()
	pr, pw := io.Pipe()
	done := make(chan *reply, 1)
	failed := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		r, err := b.send("PUT", b.BEAddr(), loadPath, h{"label: " + label, "Expect: 100-continue"}, pr)
		if err != nil {
			failed <- err
			return
		}
		done <- r
	})
	b.until("the load to run", func() bool { return b.state(label) == "PREPARE" })
	return func(rest string) *reply {
		b.t.Helper()
		_, err := io.WriteString(pw, rest)
		pw.Close()
		wg.Wait()
		select {
		case r := <-done:
			return r
		case failure := <-failed:
			b.t.Fatalf("write %v, request %v", err, failure)
		}
		return nil
	}
}

func TestCase29LabelRepeated(t *testing.T) {
	b := start(t)
	b.want(b.load("t", "1\ta\t5\n", "label: x"), "Success", "")
	r := b.want(b.load("t", "1\ta\t5\n", "label: x"), "Label Already Exists", "Label [x] has already been used")
	if r.answer.ExistingJobStatus != "FINISHED" {
		t.Errorf("%s", r.body)
	}
	finish := b.running("y")
	r = b.want(b.load("t", "2\tb\t6\n", "label: y"), "Label Already Exists", "has already been used")
	if r.answer.ExistingJobStatus != "RUNNING" {
		t.Errorf("%s", r.body)
	}
	b.want(finish("2\tb\t6\n"), "Success", "")
	b.wantRows("t", "1|a|5", "2|b|6")
}

func TestCase30LabelOfFailedLoad(t *testing.T) {
	b := start(t)
	first := b.want(b.load("t", "x\ta\t5\n", "label: x"), "Fail", "too many filtered rows")
	if got := b.state("x"); got != "ABORTED" {
		t.Errorf("state %s", got)
	}
	second := b.want(b.load("t", "1\ta\t5\n", "label: x"), "Success", "")
	if second.answer.TxnID <= first.answer.TxnID {
		t.Errorf("TxnId %d after %d", second.answer.TxnID, first.answer.TxnID)
	}
	b.wantRows("t", "1|a|5")
}

func TestCase31PublishTimeout(t *testing.T) {
	b := start(t)
	b.arm(fault.Fault{Kind: fault.PublishTimeout, Millis: 300, Label: "late"})
	r := b.want(b.load("t", "1\ta\t5\n", "label: late"), "Publish Timeout", "")
	if got := b.state("late"); got != "COMMITTED" {
		t.Errorf("state %s", got)
	}
	b.wantRows("t", "")
	if r.answer.NumberLoadedRows != 1 {
		t.Errorf("%s", r.body)
	}
	// The next version of the table has to wait for this one.
	b.want(b.load("t", "2\ta\t5\n", "label: next"), "Success", "")
	if got := b.state("late"); got != "VISIBLE" {
		t.Errorf("state %s", got)
	}
	b.wantRows("t", "1|a|5", "2|a|5")
	r = b.want(b.load("t", "1\ta\t5\n", "label: late"), "Label Already Exists", "")
	if r.answer.ExistingJobStatus != "FINISHED" {
		t.Errorf("%s", r.body)
	}
}

func TestCase32AnswerLost(t *testing.T) {
	b := start(t)
	b.arm(fault.Fault{Kind: fault.DropAfterCommit, Table: "t"})
	if r, err := b.send("PUT", b.BEAddr(), loadPath, h{"label: lost"}, strings.NewReader("1\ta\t5\n")); err == nil {
		t.Fatalf("answered: %s", r.body)
	}
	r := b.want(b.load("t", "1\ta\t5\n", "label: lost"), "Label Already Exists", "")
	if r.answer.ExistingJobStatus != "FINISHED" {
		t.Errorf("%s", r.body)
	}
	b.wantRows("t", "1|a|5")

	b.arm(fault.Fault{Kind: fault.DropBeforeCommit})
	if r, err := b.send("PUT", b.BEAddr(), loadPath, h{"label: gone"}, strings.NewReader("2\ta\t5\n")); err == nil {
		t.Fatalf("answered: %s", r.body)
	}
	if got := b.state("gone"); got != "ABORTED" {
		t.Errorf("state %s", got)
	}
	b.want(b.load("t", "2\ta\t5\n", "label: gone"), "Success", "")
	b.wantRows("t", "1|a|5", "2|a|5")
}

func TestCase33LoadState(t *testing.T) {
	b := start(t)
	b.want(b.load("t", "1\ta\t5\n", "label: good"), "Success", "")
	b.want(b.load("t", "x\ta\t5\n", "label: bad"), "Fail", "")
	finish := b.running("open")
	for label, want := range map[string]string{"good": "VISIBLE", "bad": "ABORTED", "never": "UNKNOWN", "open": "PREPARE"} {
		if got := b.state(label); got != want {
			t.Errorf("%s: %s, want %s", label, got, want)
		}
	}
	b.want(finish("2\ta\t5\n"), "Success", "")
	for path, want := range map[string]string{
		"/api/nope/get_load_state?label=x": "unknown database, database=nope",
		"/api/d/get_load_state":            "No label selected.",
	} {
		r := b.must("GET", b.FEAddr(), path, nil, nil)
		if r.status != 200 || !strings.Contains(r.body, want) || !strings.Contains(r.body, `"status": "FAILED"`) {
			t.Errorf("%s: HTTP %d %s", path, r.status, r.body)
		}
	}
	if r := b.must("GET", b.FEAddr(), "/api/d/get_load_state?label=good", h{"-Authorization: "}, nil); r.status != 401 {
		t.Errorf("HTTP %d without credentials", r.status)
	}
}

func TestCase35LabelsAreForgotten(t *testing.T) {
	b := start(t, func(o *Options) { o.Limits.LabelKeepNum = 3 })
	b.want(b.load("t", "1\ta\t5\n", "label: old"), "Success", "")
	for _, l := range []string{"a", "b", "c"} {
		b.want(b.load("t", "2\ta\t5\n", "label: "+l), "Success", "")
	}
	if got := b.state("old"); got != "UNKNOWN" {
		t.Errorf("state %s", got)
	}
	b.want(b.load("t", "1\ta\t5\n", "label: old"), "Success", "")
	if got := b.state("b"); got != "VISIBLE" {
		t.Errorf("state %s", got)
	}
}

func TestCase36Limits(t *testing.T) {
	b := start(t, func(o *Options) { o.Limits.MaxRunningTxn = 1 })
	b.arm(fault.Fault{Kind: fault.TooManyVersions, Nth: 2})
	b.want(b.load("t", "1\ta\t5\n", "label: a"), "Success", "")
	b.want(b.load("t", "2\ta\t5\n", "label: b"), "Fail", "too many versions")
	b.want(b.load("t", "2\ta\t5\n", "label: b"), "Success", "")
	b.arm(fault.Fault{Kind: fault.MemoryLimit, Label: "m"})
	b.want(b.load("t", "2\ta\t5\n", "label: mem"), "Fail", "Memory of process exceed limit")
	finish := b.running("open")
	b.want(b.load("t", "3\ta\t5\n", "label: c"), "Fail", "current running txns on db d is 1, larger than limit 1")
	b.want(finish("4\ta\t5\n"), "Success", "")
	b.want(b.load("t", "3\ta\t5\n", "label: c"), "Success", "")
}

func TestCase37UnknownTarget(t *testing.T) {
	b := start(t)
	send := func(path string, headers ...string) *reply {
		return b.must("PUT", b.BEAddr(), path, headers, strings.NewReader("1\ta\t5\n"))
	}
	b.want(send("/api/nope/t/_stream_load"), "Fail", "unknown database, database=nope")
	b.want(send("/api/d/nope/_stream_load"), "Fail", `unknown table "d.nope"`)
	b.store.Users().Add("reader", "")
	b.store.Users().SetReadOnly("reader", true)
	auth := "Authorization: Basic cmVhZGVyOg=="
	b.want(send(loadPath, auth), "Fail", "you need (at least one of) the INSERT privilege(s)")
	if r := b.must("PUT", b.FEAddr(), loadPath, h{auth, "Expect: 100-continue"}, nil); r.status != 401 || !strings.Contains(r.body, "INSERT privilege") {
		t.Errorf("HTTP %d %s", r.status, r.body)
	}
	r := b.must("GET", b.BEAddr(), "/nothing", nil, nil)
	if r.status != 404 || !strings.Contains(r.body, "Not Found") {
		t.Errorf("HTTP %d %s", r.status, r.body)
	}
	// Names travel percent-encoded.
	if err := b.store.CreateDatabase("ä b"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.CreateTable("ä b", "t/1", store.Schema{Columns: conformanceColumns()}); err != nil {
		t.Fatal(err)
	}
	b.want(send("/api/"+url.PathEscape("ä b")+"/t%2F1/_stream_load"), "Success", "")
}

func TestCase38OddAnswers(t *testing.T) {
	b := start(t)
	b.arm(fault.Fault{Kind: fault.BEStatus, Status: 500, Text: "boom"})
	if r := b.load("t", "1\ta\t5\n", "label: x"); r.status != 500 || r.body != "boom" {
		t.Errorf("HTTP %d %s", r.status, r.body)
	}
	b.arm(fault.Fault{Kind: fault.AnswerBody, Text: "<html>"})
	if r := b.load("t", "1\ta\t5\n", "label: x"); r.status != 200 || r.body != "<html>" {
		t.Errorf("HTTP %d %s", r.status, r.body)
	}
	b.arm(fault.Fault{Kind: fault.FEStatus, Status: 200, Text: `{"Status":"FAILED","Message":"No backend alive."}`})
	if r := b.must("PUT", b.FEAddr(), loadPath, h{"Expect: 100-continue"}, nil); !strings.Contains(r.body, "No backend alive.") {
		t.Errorf("HTTP %d %s", r.status, r.body)
	}
	b.arm(fault.Fault{Kind: fault.RedirectTo, To: "127.0.0.9:1"})
	r := b.must("PUT", b.FEAddr(), loadPath, h{"Expect: 100-continue"}, nil)
	if r.header.Get("Location") != "http://127.0.0.9:1"+loadPath {
		t.Errorf("%v", r.header)
	}
	r = b.must("POST", b.FEAddr(), "/api/transaction/begin", nil, nil)
	if r.status != http.StatusOK || !strings.Contains(r.body, `"status": "FAILED"`) || !strings.Contains(r.body, "Not implemented") {
		t.Errorf("HTTP %d %s", r.status, r.body)
	}
}

func TestCase39Operations(t *testing.T) {
	b := start(t)
	b.keyed("p", store.Primary)
	b.want(b.load("p", "1\ta\t1\t0\n2\tb\t2\t0\n1\tx\t9\t1\n3\tc\t3\t0\n3\td\t4\t0\n2\tb\t2\t1\n2\te\t5\t0\n", "columns: k,v,n,__op"), "Success", "")
	b.wantRows("p", "2|e|5", "3|d|4")
	b.want(b.load("p", "2\tb\t2\n", "columns: k,v,n,__op='delete'"), "Success", "")
	b.wantRows("p", "3|d|4")
	b.want(b.load("p", `{"k":3,"v":"x","n":1,"__op":1}{"k":4,"v":"y","n":2}{"k":5,"v":"z","n":2,"__op":0}`, "format: json"), "Success", "")
	b.wantRows("p", "4|y|2", "5|z|2")
	r := b.want(b.load("p", "1\ta\t1\t7\n", "columns: k,v,n,__op"), "Fail", "too many filtered rows")
	if log := b.errorLog(r); !strings.Contains(log, "__op") {
		t.Errorf("log %q", log)
	}
	b.want(b.load("t", "1\ta\t1\t1\n", "columns: k,v,n,__op"), "Fail", "Unknown column '__op'")
	b.want(b.load("p", "1\tI\n", "columns: k,o,__op=(case o when 'D' then 1 else 0 end)"), "Fail", "is not supported by this stand-in")
}

func TestCase40PartialUpdate(t *testing.T) {
	b := start(t)
	b.keyed("p", store.Primary)
	b.want(b.load("p", "1\ta\t1\n2\tb\t2\n"), "Success", "")
	b.want(b.load("p", "1\tx\n3\ty\n", "columns: k,v", "partial_update: true"), "Success", "")
	b.wantRows("p", "1|x|1", "2|b|2", "3|y|7")
	b.want(b.load("t", "1\tx\n", "columns: k,v", "partial_update: true"), "Fail", "Only primary key table support partial update")
	b.want(b.load("p", "x\n", "columns: v", "partial_update: true"), "Fail", "key column k not in partial update columns")
	b.want(b.load("p", "x\n", "columns: v", "partial_update: maybe"), "Fail", "Invalid partial update flag format")
}

func TestCase41ModelsAndMergeCondition(t *testing.T) {
	b := start(t)
	b.keyed("p", store.Primary)
	b.want(b.load("p", "1\ta\t5\n2\ta\t5\n3\ta\t5\n"), "Success", "")
	b.want(b.load("p", "1\tx\t4\n2\tx\t5\n3\tx\t6\n4\tx\t0\n", "merge_condition: n"), "Success", "")
	b.wantRows("p", "1|a|5", "2|x|5", "3|x|6", "4|x|0")
	b.want(b.load("p", "3\tx\t0\n", "merge_condition: n", "columns: k,v,n,__op='delete'"), "Success", "")
	b.wantRows("p", "1|a|5", "2|x|5", "4|x|0")
	b.want(b.load("p", "1\tx\t4\n", "merge_condition: k"), "Fail", "should not be primary key")
	b.want(b.load("t", "1\tx\t4\n", "merge_condition: n"), "Fail", "primary key table")

	b.keyed("agg", store.Aggregate, "REPLACE", "SUM")
	b.keyed("uniq", store.Unique)
	for _, body := range []string{"1\ta\t5\n2\tb\t1\n", "1\tc\t6\n"} {
		b.want(b.load("agg", body), "Success", "")
		b.want(b.load("uniq", body), "Success", "")
	}
	b.wantRows("agg", "1|c|11", "2|b|1")
	b.wantRows("uniq", "1|c|6", "2|b|1")
}

func TestCase42Types(t *testing.T) {
	b := start(t)
	column := func(name, typ string) store.Column {
		parsed, err := store.ParseType(typ)
		if err != nil {
			t.Fatal(err)
		}
		return store.Column{Name: name, Type: parsed, Nullable: true}
	}
	b.table("a", store.Schema{Columns: []store.Column{column("k", "int"), column("dt", "datetime"), column("d", "decimal(10,2)"), column("l", "largeint")}})
	big := "170141183460469231731687303715884105727"
	b.want(b.load("a", "1\t2024-01-02 03:04:05.1\t1.5\t"+big+"\n2\t0000-00-00 00:00:00\t-0.005\t-"+big+"\n"), "Success", "")
	b.wantRows("a", "1|2024-01-02 03:04:05.100000|1.50|"+big, "2|NULL|-0.01|-"+big)
	b.table("j", store.Schema{Columns: []store.Column{column("k", "int"), column("a", "array<varchar(20)>"), column("j", "json")}})
	b.want(b.load("j", `{"k":1,"a":["a","b"],"j":{"x": 1, "y" : [ 1, "é" ]}}`, "format: json"), "Success", "")
	b.wantRows("j", `1|["a","b"]|{"x":1,"y":[1,"é"]}`)
}

func TestCase53Cancel(t *testing.T) {
	b := start(t)
	finish := b.running("open")
	r := b.must("POST", b.FEAddr(), "/api/d/open/_cancel", nil, nil)
	if !strings.Contains(r.body, `"status": "OK"`) || b.state("open") != "ABORTED" {
		t.Errorf("%s, state %s", r.body, b.state("open"))
	}
	b.want(finish("1\ta\t5\n"), "Fail", "ABORTED")
	b.wantRows("t", "")
	b.want(b.load("t", "1\ta\t5\n", "label: open"), "Success", "")
	for _, path := range []string{"/api/d/open/_cancel", "/api/d/t/_cancel?label=open", "/api/d/never/_cancel"} {
		if r := b.must("POST", b.FEAddr(), path, nil, nil); !strings.Contains(r.body, `"status": "FAILED"`) {
			t.Errorf("%s: %s", path, r.body)
		}
	}
}

func TestTimeoutHeaderEndsTheLoad(t *testing.T) {
	b := start(t)
	b.arm(fault.Fault{Kind: fault.DelayBE, At: fault.AtCommit, Millis: 1500})
	b.want(b.load("t", "1\ta\t5\n", "label: slow", "timeout: 1"), "Fail", "timeout by txn manager")
	b.wantRows("t", "")
	b.want(b.load("t", "1\ta\t5\n", "timeout: soon"), "Fail", "Invalid timeout format")
}
