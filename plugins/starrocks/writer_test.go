package starrocks

import (
	"fmt"
	"strings"
	"testing"
)

func params(f *fakeCluster, more string) string {
	p := fmt.Sprintf(`"loadUrl":[%q],"username":"root","password":"s3cret","selectedDatabase":"d","table":"t"`, f.frontend)
	if more != "" {
		p += "," + more
	}
	return "{" + p + "}"
}

// The sample of the DataWorks page: bytes and headers of its load.
func TestDataWorksSample(t *testing.T) {
	f := newFakeCluster(t)
	s := newSession(t)
	s.mustOpen(params(f, `"loadProps":{"row_delimiter":"\\x02","column_separator":"\\x01"},"column":["id","name"],
		"maxBatchRows":500000,"maxBatchSize":5242880,"preSql":[],"postSql":[],"strategyOnError":"exit"`), 64<<20)
	st := s.lane("0")
	st.send(1, "", people(1, 3, func(i int) string { return []string{"", "New York", "Los\tAngeles", ""}[i] }))
	a := st.mustFinish()
	loads := f.seen()
	if len(loads) != 1 {
		t.Fatalf("%d loads, want 1", len(loads))
	}
	l := loads[0]
	if got, want := string(l.body), "1\x01New York\x022\x01Los\tAngeles\x023\x01\x02"; got != want {
		t.Errorf("body %q, want %q", got, want)
	}
	for k, want := range map[string]string{"column_separator": `\x01`, "row_delimiter": `\x02`, "columns": "`id`,`name`",
		"format": "csv", "label": "job-r1-0-1"} {
		if got := l.header.Get(k); got != want {
			t.Errorf("header %s is %q, want %q", k, got, want)
		}
	}
	if l.path != "/api/d/t/_stream_load" {
		t.Errorf("path %s", l.path)
	}
	if a.Landed != 3 || a.Loads != 1 || a.LoadBytes != uint64(len(l.body)) || a.FlushReasons["end"] != 1 || st.done[1] != 1 {
		t.Errorf("ack %v, done %v", a, st.done)
	}
}

// The sample of the Kafka connector: three messages, joined as they came.
func TestDocuments(t *testing.T) {
	f := newFakeCluster(t)
	s := newSession(t)
	s.mustOpen(params(f, ""), 64<<20)
	st := s.lane("0")
	st.send(1, "", documents(`{"id":1,"city":"New York"}`, `{"id":2,"city":"Los Angeles"}`))
	st.send(2, "", documents(missing, "", `[1]`, " {\"id\":3,\"city\":\"\xc3\"} ", `{"id":3,"city":"Chicago"}`))
	a := st.mustFinish()
	loads := f.seen()
	if len(loads) != 1 {
		t.Fatalf("%d loads, want 1", len(loads))
	}
	if got, want := string(loads[0].body), `[{"id":1,"city":"New York"},{"id":2,"city":"Los Angeles"},{"id":3,"city":"Chicago"}]`; got != want {
		t.Errorf("body %s, want %s", got, want)
	}
	if h := loads[0].header; h.Get("format") != "json" || h.Get("strip_outer_array") != "true" || h.Get("columns") != "" {
		t.Errorf("header %v", h)
	}
	if a.LoadBytes != uint64(len(loads[0].body)) {
		t.Errorf("LoadBytes %d of %d", a.LoadBytes, len(loads[0].body))
	}
	var reasons []string
	for _, d := range a.Dirty {
		reasons = append(reasons, fmt.Sprintf("%d/%d %s", d.Sequence, d.Row, d.Reason))
	}
	want := "2/0 the document is missing;2/1 the document is empty;2/2 the document is not a JSON object;2/3 the document is not valid UTF-8"
	if got := strings.Join(reasons, ";"); got != want {
		t.Errorf("dirty %s, want %s", got, want)
	}
	if a.Landed != 3 || st.done[1] != 1 || st.done[2] != 1 {
		t.Errorf("ack %v, done %v", a, st.done)
	}
}
