package load

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/ledger"
)

func TestControlEndpoint(t *testing.T) {
	b := start(t)
	ctl := func(method, path, body string) string {
		t.Helper()
		return b.must(method, b.ControlAddr(), path, nil, strings.NewReader(body)).body
	}
	if got := ctl("POST", "/capture", `{"bodies":true}`); !strings.Contains(got, "true") {
		t.Error(got)
	}
	if got := ctl("POST", "/fault", `{"kind":"answerBody","text":"x","table":"t","label":"aim","nth":2}`); !strings.Contains(got, `"id": 1`) {
		t.Error(got)
	}
	for _, bad := range []string{`{"kind":"nope"}`, `{"kind":"delayFe"}`, `{"kind":"status","status":7}`, `{"unknown":1}`, `{`, `{"kind":"delayBe","ms":1,"at":"noon"}`} {
		if r := b.must("POST", b.ControlAddr(), "/fault", nil, strings.NewReader(bad)); r.status != 400 || !strings.Contains(r.body, "error") {
			t.Errorf("%s: HTTP %d %s", bad, r.status, r.body)
		}
	}
	b.want(b.load("t", "1\ta\t5\n", "label: aim-1"), "Success", "")
	b.want(b.load("t", "2\ta\t5\n", "label: other"), "Success", "")
	if r := b.load("t", "3\t\x00a\t5\n", "label: aim-2"); r.body != "x" {
		t.Errorf("%s", r.body)
	}
	b.want(b.load("t", "4\ta\xff\t5\n", "label: aim-3", "max_filter_ratio: 1"), "Fail", "")
	var st Status
	if err := json.Unmarshal([]byte(ctl("GET", "/status", "")), &st); err != nil {
		t.Fatal(err)
	}
	if len(st.Tables) != 1 || st.Tables[0].Rows != 3 || st.Tables[0].Model != "DUP_KEYS" || len(st.Loads) != 4 ||
		st.Loads[2].Label != "aim-2" || st.Loads[2].State != ledger.Visible || st.Loads[2].Rows != 1 || st.Loads[2].Bytes != 7 ||
		st.Counters["loads"] != 4 || st.Addresses["feHttp"] != b.FEAddr() || st.Faults[0].Hits != 1 || st.Faults[0].Seen != 2 {
		t.Errorf("%+v", st)
	}
	var requests []Request
	if err := json.Unmarshal([]byte(ctl("GET", "/requests?body=1", "")), &requests); err != nil {
		t.Fatal(err)
	}
	if len(requests) != 4 || requests[0].Body != "1\ta\t5\n" || requests[2].Body != "3\t\x00a\t5\n" || requests[3].BodyBase64 == "" ||
		requests[0].Header.Get("Label") != "aim-1" || requests[0].Status != 200 {
		t.Errorf("%+v", requests)
	}
	if got := ctl("DELETE", "/fault", ""); !strings.Contains(got, `"cleared": 1`) {
		t.Error(got)
	}
	ctl("DELETE", "/requests", "")
	if got := ctl("GET", "/requests", ""); strings.TrimSpace(got) != "[]" {
		t.Error(got)
	}
}

func TestDiscardCountsExactly(t *testing.T) {
	b := start(t, func(o *Options) { o.Discard = true })
	n := int64(0)
	check := func(want int64, body string, headers ...string) {
		t.Helper()
		r := b.must("PUT", b.BEAddr(), loadPath, headers, &oddPieces{data: []byte(body)})
		if want == 0 {
			b.want(r, "Fail", "No rows were imported")
			return
		}
		b.wantCounts(b.want(r, "Success", ""), want, want, 0)
		if n += want; b.Discarded("d", "t") != n {
			t.Errorf("%d rows counted, want %d", b.Discarded("d", "t"), n)
		}
	}
	check(3, "1\ta\t5\n2\tb\t6\n3\tc\t7")
	check(2, "\n\n1\ta\t5\n\n\n2\tb\t6\n\n")
	check(0, "\n\n\n")
	check(1, "head\n\n1\ta\t5\n", "skip_header: 2")
	check(3, "1||a##2||b##3", "row_delimiter: ##")
	check(3, "a#######b#c###d", "row_delimiter: ##")
	check(2, "\"a\n\"\n\"b\"\"\n\"\n", `enclose: "`)
	check(2, `[{"a":"}{\"[","b":{"c":[{}]}}, {"a":"\\"}]`, "format: json", "strip_outer_array: true")
	check(2, `{"a":"}{\"[","b":{"c":[{}]}}`+"\n"+`{"a":"\\"}`, "format: json")
	var csv, objects strings.Builder
	for i := range 100000 {
		fmt.Fprintf(&csv, "%d\t%s\t1\n", i, strings.Repeat("z", i%9))
		fmt.Fprintf(&objects, `{"k":%d,"v":"%s\\"}`, i, strings.Repeat(`\"{`, i%9))
	}
	check(100000, csv.String())
	check(100000, objects.String(), "format: json")
	b.wantRows("t", "")
	if st := b.Status(); st.Tables[0].Rows != n || !st.Discard {
		t.Errorf("%+v", st.Tables)
	}
}
