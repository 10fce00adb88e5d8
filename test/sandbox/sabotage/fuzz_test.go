package sabotage

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/fault"
)

// FuzzEvent reads requests that nobody would send; what comes out can be aimed at.
func FuzzEvent(f *testing.F) {
	f.Add("/api/d/t/_stream_load", "", "l1", "")
	f.Add("/api/transaction/commit", "", "l1", "d")
	f.Add("/api/d/l1/_cancel", "label=%zz", "", "")
	f.Add("/api/%2f/%00/_stream_load", "label=a&label=b", "\xff", "d")
	f.Fuzz(func(t *testing.T, path, query, label, db string) {
		u := &url.URL{Path: path, RawQuery: query}
		e := event(fault.Node{Role: fault.FE}, &http.Request{Method: "PUT", URL: u, Header: http.Header{"Label": {label}, "Db": {db}}})
		if e.Op == "" {
			t.Errorf("%q?%q has no operation", path, query)
		}
		var s fault.Set
		if _, err := s.Arm(fault.Fault{Kind: fault.AnswerLost, Op: fault.AnyOp, LabelRegex: "^a+$"}); err != nil {
			t.Fatal(err)
		}
		s.ShowAll(fault.After, e)
	})
}
