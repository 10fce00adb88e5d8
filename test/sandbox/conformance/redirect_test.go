package conformance

import (
	"io"
	"net"
	"net/url"
	"strings"
)

func noExpectOnFE(e *env) {
	w := e.dial(e.FEAddr(), "PUT "+e.path("t")+" HTTP/1.1", "Content-Length: 6")
	r, closes := w.answer()
	if r.code != 200 || r.text("Status") != "FAILED" || !strings.Contains(r.text("Message"), "There is no 100-continue header") {
		e.t.Errorf("%s", r)
	}
	if !closes {
		e.t.Error("the connection was to be closed")
	}
	w.closed()
	e.wantRows("t")
}

func credentials(e *env) {
	for text, auth := range map[string]string{
		"Need auth information.":           "-Authorization: ",
		"Access denied for root@127.0.0.1": "Authorization: Basic cm9vdDp3cm9uZw==",
		"Access denied for nobody@":        "Authorization: Basic bm9ib2R5Og==",
	} {
		for _, target := range []string{e.path("t"), "/api/" + e.db + "/get_load_state?label=x"} {
			method := "GET"
			if strings.HasSuffix(target, "_stream_load") {
				method = "PUT"
			}
			r := e.do(method, e.FEAddr()+target, nil, auth, "Expect: 100-continue")
			if r.code != 401 || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Basic realm=") ||
				r.text("status") != "FAILED" || r.text("code") != "1" || !strings.Contains(r.text("msg"), text) || r.text("message") != r.text("msg") {
				e.t.Errorf("%s, %s: %s", target, auth, r)
			}
		}
	}
	e.wantRows("t")
}

func redirect(e *env) {
	r := e.do("PUT", e.FEAddr()+e.path("t")+"?x=1&y=a%20b", nil, "Expect: 100-continue")
	if r.code != 307 || r.body != "" {
		e.t.Fatalf("%s", r)
	}
	to, err := url.Parse(r.header.Get("Location"))
	if err != nil {
		e.t.Fatal(err)
	}
	fe, _, err := net.SplitHostPort(e.FEAddr())
	if err != nil {
		e.t.Fatal(err)
	}
	if to.Scheme != "http" || to.User != nil || to.Hostname() == fe || to.Host != e.BEAddr() || to.RequestURI() != e.path("t")+"?x=1&y=a%20b" {
		e.t.Errorf("Location %s", to)
	}
}

func redirectCloses(e *env) {
	w := e.dial(e.FEAddr(), "PUT "+e.path("t")+" HTTP/1.1", "Expect: 100-continue", "Content-Length: 6")
	r, closes := w.answer()
	if r.code != 307 || !closes {
		e.t.Errorf("%s, closes %v", r, closes)
	}
	w.closed()
	if got := e.requests(); len(got) != 1 || got[0].BodyBytes != 0 {
		e.t.Errorf("requests %+v", got)
	}
}

func redirectStays(e *env) {
	w := e.dial(e.FEAddr(), "PUT "+e.path("t")+" HTTP/1.1", "Expect: 100-continue", "Content-Length: 6")
	r, closes := w.answer()
	if r.code != 307 || r.body != "" || closes || r.header.Get("Location") == "" {
		e.t.Fatalf("%s, closes %v", r, closes)
	}
	// What net/http of Go does with such an answer: it sends the body after all.
	w.send("1\ta\t5\n")
	e.until("the older FE to take the body", func() bool { q := e.requests(); return len(q) == 1 && q[0].BodyBytes == 6 })
	e.wantRows("t")
}

func directToBE(e *env) {
	e.counts(e.ok(e.direct("t", "1\ta\t5\n")), 1, 1, 0, 0)
	r := e.want(e.direct("t", "1\ta\t5\n", "Authorization: Basic cm9vdDp3cm9uZw=="), "Fail", "Access denied for root@127.0.0.1")
	if r.text("TxnId") != "-1" {
		e.t.Errorf("TxnId of a load that never began: %s", r.body)
	}
	e.want(e.direct("t", "1\ta\t5\n", "-Authorization: "), "Fail", "no valid Basic authorization")
	e.wantRows("t", "1|a|5")
}

func rejectedAtHeaderTime(e *env) {
	for header, message := range map[string]string{
		"format: xml":            "unknown data format, format=xml",
		`column_separator: \x1`:  "hex length must be a even number",
		"strict_mode: perhaps":   "Invalid strict mode format. Must be bool type",
		"columns: k,v,n,other=k": "Mapping column is not in table. column: other",
	} {
		w := e.dial(e.BEAddr(), "PUT "+e.path("t")+" HTTP/1.1", "label: early", "Expect: 100-continue", "Content-Length: 1000000", header)
		// ReadResponse gives a 100 as an answer of its own, which then has no Status.
		r, _ := w.answer()
		e.want(r, "Fail", message)
		if got := e.state("early"); got != "ABORTED" && got != "UNKNOWN" {
			e.t.Errorf("%s: state %s after the answer", header, got)
		}
	}
	for _, q := range e.requests() {
		if q.Server == "be" && q.BodyBytes != 0 {
			e.t.Errorf("the body was read: %+v", q)
		}
	}
	e.ok(e.load("t", "1\ta\t5\n", "label: early"))

	w := e.dial(e.BEAddr(), "PUT "+e.path("t")+" HTTP/1.1", "Expect: 100-continue", "Content-Length: 6")
	w.goAhead()
	w.send("2\tb\t6\n")
	r, _ := w.answer()
	e.ok(r)
	e.wantRows("t", "1|a|5", "2|b|6")
}

func chunkedBody(e *env) {
	r := e.ok(e.stream("t", struct{ io.Reader }{strings.NewReader("1\ta\t5\n2\tb\t6\n")}))
	e.counts(r, 2, 2, 0, 0)
	if got := r.text("LoadBytes"); got != "12" {
		e.t.Errorf("LoadBytes %s", got)
	}
	if got := e.requests(); got[len(got)-1].ContentLength != -1 || got[len(got)-1].BodyBytes != 12 {
		e.t.Errorf("%+v", got)
	}
	e.ok(e.direct("t", "1\ta\t5\n2\tb\t6\n"))
	e.wantRows("t", "1|a|5", "1|a|5", "2|b|6", "2|b|6")
}

func connectionCut(e *env) {
	w := e.open("cut")
	w.send(chunk("1\ta\t5\n"))
	e.wantState("cut", "PREPARE")
	w.Close()
	e.until("the abort", func() bool { return e.state("cut") == "ABORTED" })
	e.wantRows("t")

	// The same with an announced length.
	w = e.dial(e.BEAddr(), "PUT "+e.path("t")+" HTTP/1.1", "label: cut", "Expect: 100-continue", "Content-Length: 12")
	w.goAhead()
	w.send("1\ta\t5\n")
	e.wantState("cut", "PREPARE")
	w.Close()
	e.until("the abort", func() bool { return e.state("cut") == "ABORTED" })
	e.wantRows("t")

	e.ok(e.load("t", "1\ta\t5\n2\tb\t6\n", "label: cut"))
	e.wantRows("t", "1|a|5", "2|b|6")
}
