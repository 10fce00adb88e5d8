package load

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/release"
)

// op runs an operation of the transaction interface at addr, on table t of d.
func (b *bench) op(addr, op, label, body string, headers ...string) *reply {
	b.t.Helper()
	var src io.Reader
	method := "POST"
	if op == "load" {
		src, method = strings.NewReader(body), "PUT"
	}
	return b.must(method, addr, "/api/transaction/"+op, append(h{"Expect: 100-continue", "db: d", "table: t", "label: " + label}, headers...), src)
}

// at is op at the first BE.
func (b *bench) at(op, label, body string, headers ...string) *reply {
	b.t.Helper()
	return b.op(b.BEAddr(), op, label, body, headers...)
}

// via is op through the leader, following its redirect.
func (b *bench) via(op, label, body string, headers ...string) *reply {
	b.t.Helper()
	r := b.op(b.Frontends()[b.leader.Load()].Addr, op, label, "", headers...)
	if r.status != 307 {
		return r
	}
	to, path, _ := strings.Cut(strings.TrimPrefix(r.header.Get("Location"), "http://"), "/")
	if path != "api/transaction/"+op {
		b.t.Fatalf("redirected to %s", r.header.Get("Location"))
	}
	return b.op(to, op, label, body, headers...)
}

func (b *bench) wantTxn(r *reply, status, message string) map[string]any {
	b.t.Helper()
	var a map[string]any
	if err := json.Unmarshal([]byte(r.body), &a); err != nil {
		b.t.Fatalf("HTTP %d, %s: %v", r.status, r.body, err)
	}
	if msg, _ := a["Message"].(string); r.status != 200 || a["Status"] != status || !strings.Contains(msg, message) {
		b.t.Errorf("got HTTP %d, %s; want Status %q with %q", r.status, r.body, status, message)
	}
	return a
}

func (b *bench) wantState(label, want, reason string) {
	b.t.Helper()
	if got, why := b.LabelState("d", label); string(got) != want || !strings.Contains(why, reason) {
		b.t.Errorf("label %s is %s (%s), want %s (%s)", label, got, why, want, reason)
	}
}

func TestTransactionInTwoPhases(t *testing.T) {
	b := start(t)
	a := b.wantTxn(b.via("begin", "x", ""), "OK", "")
	if a["TxnId"] == nil || a["BeginTxnTimeMs"] == nil || a["Label"] != "x" {
		t.Errorf("%v", a)
	}
	// The last row of the first body goes on in the second.
	a = b.wantTxn(b.via("load", "x", "1\ta\t5\n2\tb"), "OK", "")
	if a["LoadBytes"] != 9.0 {
		t.Errorf("%v", a)
	}
	b.wantTxn(b.via("load", "x", "c\t6\nx\ty\tz\n", "max_filter_ratio: 0.5"), "OK", "")
	b.wantState("x", "PREPARE", "")
	b.wantTxn(b.via("prepare", "x", ""), "INTERNAL_ERROR", "too many filtered rows") // the ratio of the first load counts
	b.wantState("x", "ABORTED", "too many filtered rows")
	b.wantTxn(b.via("begin", "x", ""), "OK", "")
	b.wantTxn(b.via("load", "x", "1\ta\t5\n2\tb", "max_filter_ratio: 0.5"), "OK", "")
	b.wantTxn(b.via("load", "x", "c\t6\nx\ty\tz\n"), "OK", "")
	a = b.wantTxn(b.via("prepare", "x", ""), "OK", "")
	if a["NumberTotalRows"] != 3.0 || a["NumberLoadedRows"] != 2.0 || a["NumberFilteredRows"] != 1.0 || a["LoadBytes"] != 19.0 || a["ErrorURL"] == nil {
		t.Errorf("%v", a)
	}
	b.wantState("x", "PREPARED", "")
	b.wantRows("t", "")
	b.restart(0) // what is prepared survives
	b.wantTxn(b.at("prepare", "x", ""), "TXN_NOT_EXISTS", "transaction with label x not exists")
	b.wantTxn(b.via("commit", "x", ""), "OK", "")
	b.wantRows("t", "1|a|5", "2|bc|6")
	b.wantTxn(b.via("commit", "x", ""), "OK", "has already committed, label is x")
	b.wantTxn(b.via("rollback", "x", ""), "FAILED", "Can not abort VISIBLE transaction")
	a = b.wantTxn(b.via("begin", "x", ""), "LABEL_ALREADY_EXISTS", "Label [x] has already been used")
	if a["ExistingJobStatus"] != "FINISHED" {
		t.Errorf("%v", a)
	}
	if l := b.Loads(); l[1].Rows != 2 || l[1].Filtered != 1 || l[1].Bytes != 19 || l[1].User != "root" || l[1].Client != "127.0.0.1" || l[1].Prepared.IsZero() {
		t.Errorf("%+v", l)
	}
}

func TestTransactionInOnePhase(t *testing.T) {
	b := start(t)
	b.wantTxn(b.via("begin", "x", ""), "OK", "")
	b.wantTxn(b.via("commit", "x", ""), "INTERNAL_ERROR", "hasn't send any data yet")
	b.wantTxn(b.via("commit", "x", ""), "FAILED", "Can not commit ABORTED transaction")
	b.wantTxn(b.via("rollback", "x", ""), "OK", "has already aborted, label is x")
	b.wantTxn(b.via("begin", "x", ""), "OK", "")
	b.wantTxn(b.via("load", "x", `[{"k":1,"n":5}]`, "format: json", "strip_outer_array: true"), "OK", "")
	b.wantTxn(b.via("load", "x", `[{"k":2,"n":5}]`, "format: json", "strip_outer_array: true"), "OK", "")
	b.wantTxn(b.via("commit", "x", ""), "OK", "")
	b.wantRows("t", "1|NULL|5", "2|NULL|5")

	b.arm(fault.Fault{Kind: fault.PublishTimeout, Millis: 100, Label: "late"})
	b.wantTxn(b.via("begin", "late", ""), "OK", "")
	b.wantTxn(b.via("load", "late", "3\tc\t5\n"), "OK", "")
	b.wantTxn(b.via("commit", "late", ""), "PUBLISH_TIMEOUT", "will be visible later")
	b.until("the rows", func() bool { return strings.Contains(b.rows("t"), "3|c|5") })
}

func TestTransactionLoadsMustAgree(t *testing.T) {
	b := start(t)
	for _, c := range []struct{ label, status, message string }{
		{"columns", "INTERNAL_ERROR", "load request not equal last."},
		{"format", "INTERNAL_ERROR", "unknown data format, format=xml"},
		{"strict", "INVALID_ARGUMENT", "Invalid strict mode format"},
		{"separator", "ANALYSIS_ERROR", "Invalid delimiter"},
	} {
		b.wantTxn(b.at("begin", c.label, ""), "OK", "")
		b.wantTxn(b.at("load", c.label, "1\ta\t5\n"), "OK", "")
		header := map[string]string{"columns": "columns: k,n,v", "format": "format: xml", "strict": "strict_mode: maybe", "separator": `column_separator: \xZ`}[c.label]
		b.wantTxn(b.at("load", c.label, "1\ta\t5\n", header), c.status, c.message)
		// The error has rolled the transaction back.
		b.wantState(c.label, "ABORTED", c.message)
		b.wantTxn(b.at("load", c.label, "1\ta\t5\n"), "TXN_NOT_EXISTS", "not exists")
	}
	b.wantTxn(b.at("begin", "names", ""), "OK", "")
	b.wantTxn(b.at("load", "names", "1\ta\n", "table: u"), "INVALID_ARGUMENT", "Request table u not equal transaction table t")
	b.wantTxn(b.at("load", "names", "1\ta\n", "db: e"), "INVALID_ARGUMENT", "Request database e not equal transaction database d")
	b.wantTxn(b.at("commit", "names", "", "db: e"), "INVALID_ARGUMENT", "request db e transaction db d not match")
	b.wantTxn(b.at("rollback", "names", "", "db: e"), "INVALID_ARGUMENT", "request db e transaction db d not match")
	b.wantState("names", "PREPARE", "")
	b.wantTxn(b.at("load", "never", "1\ta\n"), "TXN_NOT_EXISTS", "Transaction with label never not exists")
	b.wantTxn(b.at("load", "names", "1\ta\t5\n", "-Authorization: "), "INTERNAL_ERROR", "no valid Basic authorization")
	b.wantTxn(b.at("begin", "names", ""), "LABEL_ALREADY_EXISTS", "")
	b.wantTxn(b.at("begin", "bad label", ""), "ANALYSIS_ERROR", "Label format error")
	b.wantTxn(b.at("begin", "", ""), "INVALID_ARGUMENT", "empty label")
	b.wantTxn(b.at("begin", "z", "", "timeout: soon"), "INVALID_ARGUMENT", "Invalid timeout format")
	b.wantTxn(b.at("begin", "z", "", "timeout: 0"), "ANALYSIS_ERROR", "Timeout should between 1 and 259200 seconds")
	b.wantTxn(b.at("dance", "z", ""), "INVALID_ARGUMENT", "unsupport transaction operation dance")
	b.wantTxn(b.at("prepare", "names", "", "prepared_timeout: x"), "INVALID_ARGUMENT", "Invalid prepared_timeout: x")
}

// sending starts a load whose body stays open until end is called.
func (b *bench) sending(addr, label, body string, headers ...string) (end func() (*reply, error), cut func()) {
	b.t.Helper()
	pr, pw := io.Pipe()
	type result struct {
		r   *reply
		err error
	}
	done := make(chan result, 1)
	before := len(b.Requests())
	go func() {
		r, err := b.send("PUT", addr, "/api/transaction/load", append(h{"db: d", "table: t", "label: " + label}, headers...), pr)
		done <- result{r, err}
	}()
	if _, err := io.WriteString(pw, body); err != nil {
		b.t.Fatal(err)
	}
	b.until("the body to arrive", func() bool {
		all := b.Requests()
		return len(all) > before && all[before].BodyBytes == int64(len(body))
	})
	return func() (*reply, error) { pw.Close(); r := <-done; return r.r, r.err },
		func() { pw.CloseWithError(io.ErrUnexpectedEOF); <-done }
}

func TestOneOperationAtATime(t *testing.T) {
	b := start(t)
	b.wantTxn(b.at("begin", "x", ""), "OK", "")
	end, _ := b.sending(b.BEAddr(), "x", "1\ta\t5\n")
	for _, op := range []string{"load", "prepare", "commit"} {
		a := b.wantTxn(b.at(op, "x", "2\tb\t5\n"), "TXN_IN_PROCESSING", "Transaction in processing, please retry later")
		if a["Label"] != "x" {
			t.Errorf("%v", a)
		}
	}
	list := b.must("POST", b.BEAddr(), "/api/transaction/list", nil, nil).body
	if !strings.Contains(list, `"InProcessing": true`) || !strings.Contains(list, `"Label": "x"`) {
		t.Error(list)
	}
	// No timeout ends a transaction with an operation under way, but for the FE's.
	r, err := end()
	if err != nil {
		t.Fatal(err)
	}
	b.wantTxn(r, "OK", "")
	if list = b.must("POST", b.BEAddr(), "/api/transaction/list", nil, nil).body; !strings.Contains(list, `"NumberTotalRows": 1`) {
		t.Error(list)
	}

	// A rollback does not wait.
	end, _ = b.sending(b.BEAddr(), "x", "2\tb\t5\n")
	b.wantTxn(b.at("rollback", "x", ""), "OK", "")
	b.wantState("x", "ABORTED", "transaction is aborted by user.")
	if r, err = end(); err != nil {
		t.Fatal(err)
	}
	b.wantTxn(r, "ABORTED", "transaction is aborted by user.")
	b.wantRows("t", "")
}

// A body that is cut leaves what came of it in the transaction.
func TestBodyCutInsideATransaction(t *testing.T) {
	b := start(t)
	b.wantTxn(b.at("begin", "csv", ""), "OK", "")
	_, cut := b.sending(b.BEAddr(), "csv", "1\ta\t5\n2\tb")
	cut()
	b.until("the operation to end", func() bool { return strings.Contains(b.at("load", "csv", "c\t6\n").body, `"Status": "OK"`) })
	b.wantTxn(b.at("commit", "csv", ""), "OK", "")
	b.wantRows("t", "1|a|5", "2|bc|6")
	b.wantTxn(b.at("begin", "json", ""), "OK", "")
	_, cut = b.sending(b.BEAddr(), "json", `{"k":1,"n":5}{"k":2,`, "format: json")
	cut()
	b.until("the commit", func() bool { return !strings.Contains(b.at("commit", "json", "").body, "TXN_IN_PROCESSING") })
	b.wantState("json", "ABORTED", "illegal json")
}

// LoadsOf is the state of a label as the list of loads has it.
func (b *bench) LoadsOf(label string) string {
	s, _ := b.LabelState("d", label)
	return string(s)
}

func TestBrokenBodyIsToldAtTheEnd(t *testing.T) {
	b := start(t)
	b.wantTxn(b.at("begin", "x", ""), "OK", "")
	b.wantTxn(b.at("load", "x", `{"k":1,`, "format: json"), "OK", "")
	b.wantTxn(b.at("load", "x", `{"k":1,"n":1}`, "format: json"), "INTERNAL_ERROR", "")
	b.wantState("x", "ABORTED", "")
	b.wantTxn(b.at("begin", "x", ""), "OK", "")
	b.wantTxn(b.at("load", "x", `{"k":1,`, "format: json"), "OK", "")
	b.wantTxn(b.at("prepare", "x", ""), "INTERNAL_ERROR", "")
	b.wantState("x", "ABORTED", "")
	// Sizes add up over the loads.
	l := b.Limits()
	l.MaxBodyBytes = 20
	b.SetLimits(l)
	b.wantTxn(b.at("begin", "x", ""), "OK", "")
	b.wantTxn(b.at("load", "x", "1\taaaaaa\t5\n"), "OK", "")
	b.wantTxn(b.at("load", "x", "2\taaaaaa\t5\n"), "INTERNAL_ERROR", "body size 22 exceed limit: 20")
	b.wantState("x", "ABORTED", "exceed limit")
}

func TestTransactionTimeouts(t *testing.T) {
	b := start(t, func(o *Options) { o.Limits.SweepEvery = time.Hour })
	for label, header := range map[string]string{"idle": "idle_transaction_timeout: 30", "short": "timeout: 40", "long": "timeout: 1000"} {
		b.wantTxn(b.via("begin", label, "", header), "OK", "")
		b.wantTxn(b.via("load", label, "1\ta\t5\n"), "OK", "")
	}
	b.Clock().Jump(31 * time.Second)
	b.wantState("idle", "ABORTED", "transaction is aborted by idle timeout 30 seconds.")
	b.wantTxn(b.via("load", "idle", "1\ta\t5\n"), "TXN_NOT_EXISTS", "not exists")
	b.wantTxn(b.via("commit", "idle", ""), "FAILED", "Can not commit ABORTED transaction")
	b.wantState("short", "PREPARE", "")
	b.Clock().Jump(10 * time.Second)
	b.wantState("short", "ABORTED", "") // by the BE or by the FE, whoever looks first
	b.wantTxn(b.via("prepare", "long", "", "prepared_timeout: 100"), "OK", "")
	b.Clock().Jump(99 * time.Second)
	b.wantState("long", "PREPARED", "")
	b.Clock().Jump(2 * time.Second)
	b.wantState("long", "ABORTED", "timeout by txn manager")
	b.wantTxn(b.via("commit", "long", ""), "FAILED", "Can not commit ABORTED transaction")
	b.mu.Lock()
	kept := len(b.Server.prepared)
	b.mu.Unlock()
	if kept != 0 {
		t.Errorf("the rows of %d aborted transactions are still kept", kept)
	}
	b.wantRows("t", "")
}

// Before 3.5.4 a prepared transaction has the time it began with, whatever is asked.
func TestPreparedTimeoutByRelease(t *testing.T) {
	for _, c := range []struct {
		r    release.Release
		want string
	}{{release.Release{Major: 3, Minor: 5, Patch: 3}, "ABORTED"}, {release.Release{Major: 3, Minor: 5, Patch: 4}, "PREPARED"}} {
		b := start(t, func(o *Options) { o.Release = c.r })
		b.wantTxn(b.via("begin", "x", "", "timeout: 60"), "OK", "")
		b.wantTxn(b.via("load", "x", "1\ta\t5\n"), "OK", "")
		b.wantTxn(b.via("prepare", "x", "", "prepared_timeout: 1000"), "OK", "")
		b.Clock().Jump(time.Minute + time.Second)
		b.wantState("x", c.want, "")
	}
}

func TestTransactionAtTheFE(t *testing.T) {
	b := start(t)
	fe := func(op string, headers ...string) *reply {
		t.Helper()
		return b.must("POST", b.FEAddr(), "/api/transaction/"+op, headers, nil)
	}
	user := "class com.starrocks.common.StarRocksException: "
	b.wantTxn(fe("dance", "db: d", "label: x"), "FAILED", user+"Unknown transaction operation: dance")
	b.wantTxn(fe("begin", "label: x"), "FAILED", user+"No database selected.")
	b.wantTxn(fe("begin", "db: d"), "FAILED", user+"Empty label.")
	b.wantTxn(fe("begin", "db: e", "label: x"), "FAILED", user+"Database[e] does not exist.")
	b.wantTxn(fe("commit", "db: d", "label: x", "timeout: x"), "FAILED", `class java.lang.NumberFormatException: For input string: "x"`)
	b.wantTxn(fe("load", "db: d", "label: x"), "FAILED", "class com.starrocks.common.DdlException: There is no 100-continue header")
	b.wantTxn(fe("load", "db: d", "label: x", "Expect: 100-continue"), "FAILED", "Can't find the transaction with db [d] and label[x]")
	for _, op := range []string{"prepare", "commit", "rollback"} {
		b.wantTxn(fe(op, "db: d", "label: x"), "FAILED", user+"No transaction found with db[d] and label[x]")
	}
	b.wantTxn(fe("begin", "db: d", "label: x", "channel_num: 2"), "FAILED", "Must provide channel_id when stream load begin.")
	b.wantTxn(fe("begin", "db: d", "label: x", "channel_id: 2"), "FAILED", "Must provide channel_num when stream load begin.")
	if r := fe("begin", "db: d", "label: x", "-Authorization: "); r.status != 401 {
		t.Errorf("HTTP %d %s", r.status, r.body)
	}
	// POST and PUT are the same.
	if r := b.must("PUT", b.FEAddr(), "/api/transaction/begin", h{"db: d", "table: t", "label: y"}, nil); r.status != 307 {
		t.Errorf("HTTP %d %s", r.status, r.body)
	}
	old := start(t, func(o *Options) { o.Release = release.Release{Major: 3, Minor: 1, Patch: 17} })
	old.wantTxn(old.op(old.FEAddr(), "commit", "x", ""), "FAILED", "class com.starrocks.common.UserException: No transaction found")
}

// A prepared transaction commits although its table has gone; one that is open fails.
func TestTableDroppedMeanwhile(t *testing.T) {
	b := start(t)
	for _, label := range []string{"prepared", "open"} {
		b.wantTxn(b.via("begin", label, ""), "OK", "")
		b.wantTxn(b.via("load", label, "1\ta\t5\n"), "OK", "")
	}
	b.wantTxn(b.via("begin", "fresh", ""), "OK", "")
	b.wantTxn(b.via("prepare", "prepared", ""), "OK", "")
	finish := b.running("plain")
	if err := b.store.DropTable("d", "t"); err != nil {
		t.Fatal(err)
	}
	b.wantTxn(b.via("commit", "prepared", ""), "OK", "")
	b.wantState("prepared", "VISIBLE", "")
	b.wantTxn(b.via("commit", "open", ""), "ANALYSIS_ERROR", "Unknown table")
	b.wantState("open", "ABORTED", "Unknown table")
	b.wantTxn(b.via("load", "fresh", "1\ta\t5\n"), "ANALYSIS_ERROR", "unknown table, table=t")
	b.want(finish("1\ta\t5\n"), "Fail", "Unknown table")
}

func TestTransactionFaults(t *testing.T) {
	b := start(t)
	b.arm(fault.Fault{Kind: fault.TooManyVersions, Label: "x"})
	b.arm(fault.Fault{Kind: fault.DropAfterCommit, Label: "lost"})
	b.wantTxn(b.at("begin", "x", ""), "OK", "")
	b.wantTxn(b.at("load", "x", "1\ta\t5\n"), "OK", "")
	b.wantTxn(b.at("commit", "x", ""), "INTERNAL_ERROR", "too many versions")
	b.wantState("x", "ABORTED", "too many versions")
	b.wantTxn(b.at("begin", "lost", ""), "OK", "")
	b.wantTxn(b.at("load", "lost", "2\ta\t5\n"), "OK", "")
	if r, err := b.send("POST", b.BEAddr(), "/api/transaction/commit", h{"db: d", "table: t", "label: lost"}, nil); err == nil {
		t.Errorf("answered: %s", r.body)
	}
	b.wantState("lost", "VISIBLE", "")
	b.wantRows("t", "2|a|5")
}

// The BE does not read skip_header here, nor the quoting headers.
func TestTransactionLeavesHeadersUnread(t *testing.T) {
	b := start(t)
	b.wantTxn(b.via("begin", "x", ""), "OK", "")
	b.wantTxn(b.via("load", "x", "1\t'a'\t5\n", "skip_header: 1", "enclose: '", "log_rejected_record_num: -7"), "OK", "")
	b.wantTxn(b.via("load", "x", "2\tb\t5\n"), "OK", "")
	b.wantTxn(b.via("commit", "x", ""), "OK", "")
	b.wantRows("t", "1|'a'|5", "2|b|5")
}
