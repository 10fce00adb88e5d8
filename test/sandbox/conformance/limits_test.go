package conformance

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox"
)

func sizes(e *env) {
	e = e.own(func(o *sandbox.Options) { o.Limits.MaxBodyBytes, o.Limits.MaxJSONBytes = 100, 30 })
	w := e.dial(e.BEAddr(), "PUT "+e.path("t")+" HTTP/1.1", "Expect: 100-continue", "Content-Length: 120")
	r, _ := w.answer()
	e.want(r, "Fail", "body size 120 exceed limit: 100")
	body := `{"k":1,"v":"a","n":2}{"k":2,"v":"b","n":3}`
	w = e.dial(e.BEAddr(), "PUT "+e.path("t")+" HTTP/1.1", "Expect: 100-continue", "Content-Length: 42", "format: json")
	r, _ = w.answer()
	e.want(r, "Fail", "The size of this batch exceed the max size [30]  of json type data  data [ 42 ]. Set ignore_json_size to skip the check")
	e.want(e.load("t", body, "format: json", "ignore_json_size: yes"), "Fail", "exceed the max size [30]") // only the word true is true
	e.ok(e.load("t", body, "format: json", "ignore_json_size: true"))
	// Bodies of unknown length meet the same limits.
	e.want(e.stream("t", &pieces{data: []byte(body)}, "format: json"), "Fail", "exceed the max size [30]")
	e.wantRows("t", "1|a|2", "2|b|3")
}

func labelsForgotten(e *env) {
	e = e.own(func(o *sandbox.Options) { o.Limits.LabelKeepNum = 3 })
	e.ok(e.load("t", "1\ta\t5\n", "label: old"))
	for _, l := range []string{"a", "b", "c"} {
		e.ok(e.load("t", "2\ta\t5\n", "label: "+l))
	}
	e.until("the sweep", func() bool { return e.state("old") == "UNKNOWN" })
	e.ok(e.load("t", "1\ta\t5\n", "label: old"))
	e.wantState("c", "VISIBLE")
	e.wantCount("t", 5)
}

func versionLimit(e *env) {
	e = e.own()
	e.Store.SetMaxVersions(3)
	e.Store.SetCompactEvery(time.Hour)
	var refused *reply
	for i := range 10 {
		r := e.load("t", itoa(i)+"\ta\t5\n", "label: l"+itoa(i))
		if r.text("Status") != "Success" {
			refused = r
			break
		}
	}
	if refused == nil {
		e.t.Fatal("10 loads made no version too many")
	}
	e.want(refused, "Fail", "too many versions, current/limit: ")
	e.want(refused, "Fail", "Failed to load data into tablet ")
	e.wantState(refused.text("Label"), "ABORTED")
	before := e.count("t")
	e.jump("2h") // time enough for compaction
	e.ok(e.load("t", "100\ta\t5\n", "label: "+refused.text("Label")))
	if before == e.count("t") {
		e.t.Error("the load after the compaction shows nothing")
	}
}

func runningLimit(e *env) {
	e = e.own(func(o *sandbox.Options) { o.Limits.MaxRunningTxn = 1 })
	w := e.open("open")
	e.want(e.load("t", "3\ta\t5\n", "label: c"), "Fail", "current running txns on db")
	e.ok(w.finish("4\ta\t5\n"))
	e.ok(e.load("t", "3\ta\t5\n", "label: c"))
	e.wantRows("t", "3|a|5", "4|a|5")
}

func unknownTarget(e *env) {
	send := func(path string, headers ...string) *reply {
		return e.redirected("PUT", path, strings.NewReader("1\ta\t5\n"), append(headers, "Expect: 100-continue")...)
	}
	e.want(send("/api/nope/t/_stream_load"), "Fail", "unknown database, database=nope")
	e.want(send("/api/"+e.db+"/nope/_stream_load"), "Fail", `unknown table "`+e.db+`.nope"`)
	// Names travel percent-encoded.
	e.run("CREATE DATABASE `" + e.db + " ä`")
	e.run("CREATE TABLE `" + e.db + " ä`.`t 1` " + tableT + " DISTRIBUTED BY HASH(k) BUCKETS 1")
	e.ok(send("/api/" + e.db + "%20%C3%A4/t%201/_stream_load"))
	// A user who may only look.
	user := e.db + "_reader"
	e.run("CREATE USER '" + user + "'@'%' IDENTIFIED BY 'pw'")
	auth := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":pw"))
	r := send(e.path("t"), auth)
	if r.code != 401 || !strings.Contains(r.text("msg"), "Access denied; you need (at least one of) the ") {
		e.t.Errorf("FE: %s", r)
	}
	e.want(e.direct("t", "1\ta\t5\n", auth), "Fail", "Access denied; you need (at least one of) the ")
	what, to := "INSERT ON TABLE "+e.db+".t", "USER '"+user+"'@'%'"
	if !e.r.AtLeast(3, 0) {
		what, to = "LOAD_PRIV ON "+e.db+".t", "'"+user+"'@'%'"
	}
	e.run("GRANT " + what + " TO " + to)
	e.ok(send(e.path("t"), auth))
	e.run("REVOKE " + what + " FROM " + to)
	e.want(e.direct("t", "1\ta\t5\n", auth), "Fail", "Access denied; you need (at least one of) the ")
	e.wantRows("t", "1|a|5")
}
