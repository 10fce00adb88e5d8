package conformance

import (
	"context"
	"net/url"
	"strings"
	"sync"
)

const multi = "transaction_type: multi"

// position is a table beside t for a client's place in its input.
const tablePosition = "(k VARCHAR(64) NOT NULL, at BIGINT NOT NULL, label VARCHAR(128) NULL) PRIMARY KEY(k)"

func multiTable(e *env) {
	e.create("pos", tablePosition)
	e.wantTx(e.tx("begin", "m", multi), "OK", "")
	e.wantTx(e.tx("begin", "m", multi), "LABEL_ALREADY_EXISTS", "")
	e.wantTx(e.txLoad("m", "1\ta\t5\n", multi), "OK", "")
	e.wantTx(e.txLoad("m", "2\tb\t6\n", multi), "OK", "")
	e.wantTx(e.txLoad("m", "job\t2\tm\n", multi, "table: pos"), "OK", "")
	e.wantRows("t")
	e.wantRows("pos")
	e.wantState("m", "PREPARE")
	e.wantTx(e.tx("commit", "m", multi), "OK", "")
	e.wantState("m", "VISIBLE")
	e.wantRows("t", "1|a|5", "2|b|6")
	e.wantRows("pos", "job|2|m")
	e.wantTx(e.tx("commit", "m", multi), "OK", "already committed")

	// Killed before the commit: nothing of either table.
	e.wantTx(e.tx("begin", "killed", multi), "OK", "")
	e.wantTx(e.txLoad("killed", "3\tc\t7\n", multi), "OK", "")
	e.wantTx(e.txLoad("killed", "job\t3\tkilled\n", multi, "table: pos"), "OK", "")
	e.notOK(e.tx("prepare", "killed", multi), "Unsupported operation")
	e.wantTx(e.tx("rollback", "killed", multi), "OK", "")
	e.wantState("killed", "ABORTED")
	e.wantRows("t", "1|a|5", "2|b|6")
	e.wantRows("pos", "job|2|m")

	// Tables of one database, and only through an FE.
	for _, op := range []string{"begin", "commit"} {
		r := e.do("POST", e.BEAddr()+"/api/transaction/"+op, nil, "label: direct", "db: "+e.db, multi)
		e.notOK(r, "Multi-statement transaction requests can only be sent to FE nodes, not BE nodes")
	}
	multiTableTogether(e)
}

// multiTableTogether looks at both tables while transactions commit.
func multiTableTogether(e *env) {
	ctx, stop := context.WithCancel(e.t.Context())
	var torn string
	var reader sync.WaitGroup
	reader.Go(func() {
		for ctx.Err() == nil && torn == "" {
			var rows, at int64
			err := e.sql.QueryRowContext(ctx, "SELECT (SELECT COUNT(*) FROM "+e.db+".t), (SELECT MAX(at) FROM "+e.db+".pos)").Scan(&rows, &at)
			if err == nil && rows != at {
				torn = itoa(int(rows)) + " rows at position " + itoa(int(at))
			}
		}
	})
	for i := range 20 {
		label, n := "together"+itoa(i), 3+i
		e.wantTx(e.tx("begin", label, multi), "OK", "")
		e.wantTx(e.txLoad(label, itoa(n)+"\ta\t5\n", multi), "OK", "")
		e.wantTx(e.txLoad(label, "job\t"+itoa(n)+"\tx\n", multi, "table: pos"), "OK", "")
		e.wantTx(e.tx("commit", label, multi), "OK", "")
	}
	stop()
	reader.Wait()
	if torn != "" {
		e.t.Errorf("a statement saw %s: the commit was not one step", torn)
	}
	e.wantCount("t", 22)
}

func multiTableUnknown(e *env) {
	e.create("pos", tablePosition)
	e.notOK(e.tx("begin", "m", multi), "") // the header says nothing, and the table is missing
	e.wantTx(e.begin("m", multi), "OK", "")
	e.wantTx(e.txLoad("m", "1\ta\t5\n", multi), "OK", "")
	e.notOK(e.txLoad("m", "job\t2\tm\n", multi, "table: pos"), "Request table")
	e.wantRows("t")
}

func mergeCommit(e *env) {
	path, headers := e.path("t"), []string{"Expect: 100-continue", "enable_merge_commit: true", "merge_commit_interval_ms: 700", "merge_commit_parallel: 1"}
	type result struct {
		r   *reply
		err error
	}
	together := func(bodies ...string) []*reply {
		e.t.Helper()
		results := make([]result, len(bodies))
		var all sync.WaitGroup
		for i, body := range bodies {
			all.Go(func() {
				target := "http://" + e.FEAddr() + path
				own := append([]string{"label: client" + itoa(i)}, headers...)
				r, err := e.request("PUT", target, nil, own...)
				for err == nil && r.code == 307 {
					target = r.header.Get("Location")
					to, bad := url.Parse(target)
					if bad != nil {
						err = bad
						break
					}
					if e.isBE(to.Host) {
						r, err = e.request("PUT", target, strings.NewReader(body), own...)
						break
					}
					r, err = e.request("PUT", target, nil, own...)
				}
				results[i] = result{r, err}
			})
		}
		all.Wait()
		replies := make([]*reply, len(bodies))
		for i, got := range results {
			if got.err != nil {
				e.t.Fatal(got.err)
			}
			replies[i] = got.r
		}
		return replies
	}
	got := together("1\ta\t5\n", "2\tb\t6\n")
	for i, r := range got {
		e.ok(r)
		if r.text("Label") != got[0].text("Label") || r.text("TxnId") != got[0].text("TxnId") || r.text("RequestId") != "client"+itoa(i) || r.text("Label") == "client"+itoa(i) {
			e.t.Errorf("request %d: %s beside %s", i, r.body, got[0].body)
		}
	}
	e.wantState(got[0].text("Label"), "VISIBLE")
	e.wantState("client0", "UNKNOWN")
	e.wantRows("t", "1|a|5", "2|b|6")

	// One bad request fails all that it was merged with.
	for _, r := range together("3\ta\t5\n", "x\tb\t6\n") {
		e.want(r, "Fail", "Load is aborted, reason: There is a data quality issue")
		e.wantState(r.text("Label"), "ABORTED")
	}
	e.wantRows("t", "1|a|5", "2|b|6")

	// Asynchronous: the answer comes before the commit.
	r := e.load("t", "4\td\t8\n", append([]string{"label: later", "merge_commit_async: true"}, headers...)...)
	e.want(r, "Success", "")
	e.wantFields(r, "LeftTimeMs", "RequestId")
	e.until("the merged transaction", func() bool { return e.state(r.text("Label")) == "VISIBLE" })
	e.wantRows("t", "1|a|5", "2|b|6", "4|d|8")

	e.want(e.direct("t", "5\te\t9\n", "enable_merge_commit: maybe"), "Fail", "Invalid parameter enable_merge_commit. The value must be bool type, but is maybe")
	// What merging needs is checked by the FE, and again behind the BE.
	for missing, headers := range map[string][]string{
		"Batch write interval must be set positive, but is null": {"enable_merge_commit: true", "merge_commit_parallel: 1"},
		"Batch write parallel must be set positive, but is -1":   {"enable_merge_commit: true", "merge_commit_interval_ms: 100", "merge_commit_parallel: -1"},
	} {
		r := e.do("PUT", e.FEAddr()+path, nil, append([]string{"Expect: 100-continue"}, headers...)...)
		if r.code != 200 || r.text("status") != "FAILED" || r.text("code") != "INVALID_ARGUMENT" || r.text("msg") != missing {
			e.t.Errorf("%s", r)
		}
		e.want(e.direct("t", "5\te\t9\n", headers...), "Fail", missing)
	}
	e.notOK(e.load("t", "5\te\t9\n", "enable_merge_commit: true", "merge_commit_parallel: 1"), "interval")
	e.notOK(e.load("t", "5\te\t9\n", "enable_merge_commit: true", "merge_commit_interval_ms: 100"), "parallel")
	meta := e.do("GET", e.FEAddr()+"/api/"+e.db+"/t/_stream_load_meta?type=nodes", nil,
		"enable_merge_commit: true", "merge_commit_interval_ms: 700", "merge_commit_parallel: 1")
	if meta.code != 200 || meta.text("status") != "OK" || !strings.Contains(meta.body, e.BEAddr()) {
		e.t.Errorf("nodes: %s", meta)
	}
}

func mergeCommitUnknown(e *env) {
	r := e.ok(e.load("t", "1\ta\t5\n", "label: client", "enable_merge_commit: true", "merge_commit_interval_ms: 700", "merge_commit_parallel: 1"))
	if r.text("Label") != "client" || r.has("RequestId") || r.has("LeftTimeMs") {
		e.t.Errorf("%s", r.body)
	}
	e.wantState("client", "VISIBLE")
	e.wantRows("t", "1|a|5")
}
