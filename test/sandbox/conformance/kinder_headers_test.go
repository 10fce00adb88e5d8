package conformance

import (
	"slices"
	"strings"

	"github.com/gx-etl/gx/test/sandbox"
)

const wrongAuth = "Authorization: Basic cm9vdDp3cm9uZw==" // root:wrong

func feOrder(e *env) {
	if r := e.do("PUT", e.FEAddr()+e.path("t"), nil, wrongAuth); r.code != 401 || !strings.Contains(r.text("msg"), "Access denied for root@") {
		e.t.Errorf("credentials before Expect: %s", r)
	}
	if r := e.do("PUT", e.FEAddr()+e.path("t"), nil); r.code != 200 || r.text("Status") != "FAILED" || !strings.HasPrefix(r.text("Message"), "class com.starrocks.common.DdlException: There is no 100-continue header") {
		e.t.Errorf("no Expect: %s", r)
	}
	// The table is not looked for by the FE's redirect, or refused in the words of begin.
	r := e.do("PUT", e.FEAddr()+e.path("nowhere"), nil, "Expect: 100-continue")
	if r.code != 307 && !strings.Contains(r.body, "unknown table") {
		e.t.Errorf("unknown table: %s", r)
	}
}

func feHTTP10(e *env) {
	w := e.dial(e.FEAddr(), "PUT "+e.path("t")+" HTTP/1.0", "Content-Length: 0")
	r, _ := w.answer()
	if e.r.AtLeast(3, 1) && r.code != 307 {
		e.t.Errorf("%s", r)
	}
	if !e.r.AtLeast(3, 0) && (r.code != 200 || !strings.Contains(r.body, "There is no 100-continue header")) {
		e.t.Errorf("the older FE wants the header of everyone: %s", r)
	}
}

func unknownPaths(e *env) {
	if r := e.do("GET", e.BEAddr()+"/nothing", nil); r.code != 404 || !strings.Contains(r.body, "Not Found") {
		e.t.Errorf("BE: %s", r)
	}
	for _, method := range []string{"POST", "GET", "DELETE"} {
		if r := e.do(method, e.BEAddr()+e.path("t"), strings.NewReader("1\ta\t5\n")); r.code < 400 && r.text("Status") != "Fail" {
			e.t.Errorf("%s at the BE: %s", method, r)
		}
	}
	if r := e.do("POST", e.FEAddr()+"/api/no/such/path", nil); r.code != 200 || r.text("status") != "FAILED" || r.text("msg") != "Not implemented" {
		e.t.Errorf("FE: %s", r)
	}
	e.wantRows("t")
}

func beOrder(e *env) {
	bad := []string{"label: a b", "columns: k,v,n,x=k", "strict_mode: maybe", "column_separator: \\x1"}
	for _, step := range []struct {
		message string
		headers []string
	}{
		{"no valid Basic authorization", []string{"-Authorization: ", "format: xml", "timeout: x"}},
		{"unknown data format, format=xml", []string{wrongAuth, "format: xml", "timeout: x"}},
		{"Invalid timeout format", []string{wrongAuth, "timeout: x"}},
		{"Access denied for root@", append(slices.Clone(bad), wrongAuth)},
		{"Label format error", bad},
	} {
		e.want(e.direct("t", "1\ta\t5\n", step.headers...), "Fail", step.message)
	}
	r := e.do("PUT", e.BEAddr()+"/api/nowhere/t/_stream_load", strings.NewReader("1\ta\t5\n"), "columns: k,v,n,x=k", "strict_mode: maybe")
	e.want(r, "Fail", "unknown database, database=nowhere")
	r = e.do("PUT", e.BEAddr()+e.path("nowhere"), strings.NewReader("1\ta\t5\n"), "columns: k,v,n,x=k", "strict_mode: maybe")
	e.want(r, "Fail", `unknown table "`+e.db+`.nowhere"`)
	// What begins no transaction leaves its label unknown.
	e.want(e.direct("t", "1\ta\t5\n", "label: never", "format: xml"), "Fail", "unknown data format")
	e.wantState("never", "UNKNOWN")
	e.want(e.direct("t", "1\ta\t5\n", "label: begun", "strict_mode: maybe"), "Fail", "Invalid strict mode format")
	e.wantState("begun", "ABORTED")
	e.wantRows("t")

	small := e.own(func(o *sandbox.Options) { o.Limits.MaxBodyBytes, o.Limits.MaxJSONBytes = 100, 30 })
	small.want(small.direct("t", strings.Repeat("1\ta\t5\n", 20), "format: xml"), "Fail", "body size 120 exceed limit: 100")
	small.want(small.direct("t", strings.Repeat(" ", 40), "format: json", "timeout: x"), "Fail", "exceed the max size [30]")
}

func headerTexts(e *env) {
	for _, h := range []struct {
		since   [2]int
		header  string
		message string
	}{
		{[2]int{}, "format: ", ""}, // an empty format is CSV
		{[2]int{}, "timeout: soon", "Invalid timeout format"},
		{[2]int{}, "timeout: 1.5", "Invalid timeout format"},
		{[2]int{}, "strict_mode: 1", "Invalid strict mode format. Must be bool type"},
		{[2]int{}, "load_mem_limit: much", "Invalid load mem limit format"},
		{[2]int{}, "load_mem_limit: -1", "load_mem_limit must be equal or greater than 0"},
		{[2]int{}, "partial_update: 1", "Invalid partial update flag format. Must be bool type"},
		{[2]int{}, "partial_update: true", "Only primary key table support partial update"},
		{[2]int{3, 0}, "trim_space: 1", "Invalid trim space format. Must be bool type"},
		{[2]int{3, 0}, "skip_header: -1", "skip_header must be equal or greater than 0"},
		{[2]int{3, 1}, "log_rejected_record_num: -2", "log_rejected_record_num"},
		{[2]int{3, 4}, "enable_merge_commit: 1", "Invalid parameter enable_merge_commit. The value must be bool type, but is 1"},
		{[2]int{}, "columns: k,v,n,v", "Duplicate column: v"},
		{[2]int{}, "columns: k,v,n,x=k", "Mapping column is not in table. column: x"},
		{[2]int{}, "columns: k,,v", "?"},
		{[2]int{}, "columns: k v", "?"},
		{[2]int{}, "columns: k,v,n=(k", "?"},
		{[2]int{}, "where: k >", "?"},
		{[2]int{}, "where: nowhere = 1", "?"},
	} {
		r := e.load("t", "1\ta\t5\n", h.header)
		switch {
		case h.message == "" || !e.r.AtLeast(h.since[0], h.since[1]):
			e.ok(r)
		case h.message == "?": // refused, in words the paper does not give
			e.want(r, "Fail", "")
		default:
			e.want(r, "Fail", h.message)
		}
	}
	r := e.load("t", "1\ta\t5\n", "partitions: t", "temporary_partitions: t")
	e.want(r, "Fail", "Can not specify both partitions and temporary partitions")
	if e.r.AtLeast(3, 3) {
		e.want(e.load("t", `{"k":1}`, "format: json", "compression: gzip", "Content-Encoding: gzip"), "Fail", "Only one of http header content-encoding and compression can be set")
		e.want(e.load("t", `{"k":1}`, "format: json", "compression: rar"), "Fail", "Unsupported compression type: rar")
	}
}

func headerEffects(e *env) {
	e.create("s", tableText)
	e.ok(e.load("s", "1\t a b \n", "trim_space: true"))
	e.ok(e.load("s", "2\t\va\v\n", "trim_space: TRUE"))
	if e.r.AtLeast(3, 0) {
		e.wantRows("s", "1|a b", "2|\va\v") // 0x20 only
		e.ok(e.load("s", "3\t'x\ty'\n", `enclose: '"`))
		e.wantRows("s", "1|a b", "2|\va\v", "3|x\ty") // only the first byte counts
	} else {
		e.wantRows("s", "1| a b ", "2|\va\v")
	}
	e.keyed("p", "PRIMARY KEY")
	e.ok(e.load("p", "1\ta\t5\n"))
	e.ok(e.load("p", "1\tb\n", "partial_update: true", "partial_update_mode: Column", "columns: k,v")) // unknown: row
	e.wantRows("p", "1|b|5")
	// Names of headers have no case.
	e.ok(e.load("p", "9,9,2\n", "COLUMN_SEPARATOR: ,", "Columns: k,n,v"))
	e.wantRows("p", "1|b|5", "9|2|9")
}

func rejectedRecords(e *env) {
	r := e.ok(e.load("t", "1\ta\t5\nx\tb\t6\n", "max_filter_ratio: 0.5", "log_rejected_record_num: -1"))
	if got := r.text("RejectedRecordPath"); (got != "") != e.r.AtLeast(3, 1) {
		e.t.Errorf("RejectedRecordPath %q", got)
	}
	r = e.ok(e.load("t", "2\ta\t5\n", "log_rejected_record_num: 10"))
	if r.has("RejectedRecordPath") || r.has("ErrorURL") {
		e.t.Errorf("nothing was rejected: %s", r.body)
	}
	if r = e.ok(e.load("t", "3\ta\t5\nx\tb\t6\n", "max_filter_ratio: 0.5")); r.has("RejectedRecordPath") {
		e.t.Errorf("nobody asked for the records: %s", r.body)
	}
}

func partitions(e *env) {
	e.create("p", `(k INT NOT NULL, v VARCHAR(8)) DUPLICATE KEY(k)
		PARTITION BY RANGE(k) (PARTITION p1 VALUES LESS THAN ("10"), PARTITION p2 VALUES LESS THAN ("20"))`)
	e.counts(e.ok(e.load("p", "1\ta\n11\tb\n21\tc\n", "max_filter_ratio: 0.4")), 3, 2, 1, 0)
	e.want(e.load("p", "21\tc\n2\td\n"), "Fail", "too many filtered rows")
	e.counts(e.ok(e.load("p", "3\ta\n13\tb\n", "partitions: p1", "max_filter_ratio: 0.5")), 2, 1, 1, 0)
	e.want(e.load("p", "3\ta\n", "partitions: p9"), "Fail", "p9")
	e.wantRows("p", "1|a", "11|b", "3|a")
}

func negative(e *env) {
	e.create("agg", "(k INT NOT NULL, n INT SUM NOT NULL, m BIGINT SUM NULL) AGGREGATE KEY(k)")
	e.ok(e.load("agg", "1\t5\t10\n2\t1\t1\n"))
	e.ok(e.load("agg", "1\t2\t3\n", "negative: true"))
	e.wantRows("agg", "1|3|7", "2|1|1")
	e.keyed("p", "PRIMARY KEY")
	e.want(e.load("p", "1\ta\t2\n", "negative: true"), "Fail", "Primary key table does not support negative load")
}

func operationsElsewhere(e *env) {
	for i, model := range []string{"DUPLICATE KEY", "UNIQUE KEY"} {
		table := "m" + itoa(i)
		e.keyed(table, model)
		e.want(e.load(table, "1\ta\t1\t1\n", "columns: k,v,n,__op"), "Fail", "")
		e.want(e.load(table, "1\ta\t1\n", "columns: k,v,n,__op='delete'"), "Fail", "")
		e.want(e.load(table, "1\ta\t1\n", "merge_condition: n"), "Fail", "")
		e.wantRows(table)
	}
	e.keyed("p", "PRIMARY KEY")
	e.want(e.load("p", "1\ta\t1\n", "merge_condition: k"), "Fail", "")
	e.want(e.load("p", "1\ta\t1\n", "merge_condition: nowhere"), "Fail", "")
	e.rejected(e.load("p", "1\ta\t1\t7\n", "columns: k,v,n,__op"), "")
	e.wantRows("p")
}

func keySize(e *env) {
	e.create("p", "(k VARCHAR(200) NOT NULL, n INT) PRIMARY KEY(k)")
	e.ok(e.load("p", strings.Repeat("x", 100)+"\t1\n"))
	e.want(e.load("p", strings.Repeat("y", 180)+"\t1\n"), "Fail", "primary key size exceed the limit")
	e.wantRows("p", strings.Repeat("x", 100)+"|1")
}

func answerShape(e *env) {
	r := e.ok(e.load("t", "1\ta\t5\n2\tb\t6\n3\tc\t7\n", "label: shape"))
	e.wantFields(r, "TxnId", "Label", "Status", "Message", "NumberTotalRows", "NumberLoadedRows", "NumberFilteredRows", "NumberUnselectedRows",
		"LoadBytes", "LoadTimeMs", "BeginTxnTimeMs", "ReadDataTimeMs", "WriteDataTimeMs", "CommitAndPublishTimeMs")
	if r.has("StreamLoadPlanTimeMs") == r.has("StreamLoadPutTimeMs") {
		e.t.Errorf("the plan time under one name: %s", r.body)
	}
	if e.r.AtLeast(4, 0) && !r.has("StreamLoadPlanTimeMs") || !e.r.AtLeast(3, 0) && !r.has("StreamLoadPutTimeMs") {
		e.t.Errorf("the plan time under the name of its release: %s", r.body)
	}
	for _, name := range []string{"ExistingJobStatus", "ErrorURL", "RejectedRecordPath", "RequestId", "LeftTimeMs"} {
		if r.has(name) {
			e.t.Errorf("%s in %s", name, r.body)
		}
	}
	if r.text("LoadBytes") != "18" || r.text("Label") != "shape" {
		e.t.Errorf("%s", r.body)
	}
	res := e.direct("t", "x\ta\t5\n", "label: bad")
	if res.text("NumberLoadedRows") != "0" || res.text("TxnId") == "-1" {
		e.t.Errorf("%s", res.body)
	}
}

func keepAlive(e *env) {
	head := func(extra string) string {
		return "PUT " + e.path("t") + " HTTP/1.1\r\nHost: x\r\nAuthorization: Basic cm9vdDo=\r\nContent-Length: 6\r\n" + extra + "\r\n"
	}
	w := e.dial(e.BEAddr(), "PUT "+e.path("t")+" HTTP/1.1", "Content-Length: 6")
	w.send("1\ta\t5\n")
	r, closes := w.answer()
	if e.ok(r); closes {
		e.t.Fatal("closed after Success")
	}
	w.send(head("format: xml\r\n"))
	w.send("1\ta\t5\n")
	r, closes = w.answer()
	e.want(r, "Fail", "unknown data format")
	if !closes {
		e.t.Error("the connection lives on after Fail")
	}
	e.wantRows("t", "1|a|5")
}
