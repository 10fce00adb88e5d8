package conformance

import "github.com/gx-etl/gx/test/sandbox"

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
