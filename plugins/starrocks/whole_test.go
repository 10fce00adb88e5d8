package starrocks

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/protocol"
)

// A transaction has one table and one shape of rows.
func TestTransactionHasOneTarget(t *testing.T) {
	f := newFakeCluster(t)
	s := newSession(t)
	s.mustOpen(params(f, `"topic2table":{"same":"d.t"},"column":["id","city"]`), 64<<20)
	st := s.inTransaction(t.Context(), 0, "t-1")
	st.send(1, "same", documents(`{"id":1}`))
	st.send(2, "", documents(`{"id":2}`))
	st.send(3, "elsewhere", documents(`{"id":3}`))
	if fault := protocol.AsFault(st.finish()); fault == nil || fault.Code != protocol.Config || !strings.Contains(fault.What, "elsewhere") {
		t.Errorf("%+v", fault)
	}
	st = s.inTransaction(t.Context(), 1, "t-2")
	st.send(1, "", documents(`{"id":1}`))
	st.send(2, "", people(1, 1, func(int) string { return "x" }))
	if fault := protocol.AsFault(st.finish()); fault == nil || fault.Code != protocol.Data || !strings.Contains(fault.What, "two shapes") {
		t.Errorf("%+v", fault)
	}
	for label, state := range f.states() {
		if state == "PREPARE" {
			t.Errorf("%s is left open", label)
		}
	}
	for _, name := range []string{"a_b", strings.Repeat("x", 65), "ä"} {
		if err := s.commit(name); faultOf(err) != protocol.Internal {
			t.Errorf("%q: %v", name, err)
		}
	}
	st = s.inTransaction(t.Context(), 0, "t-3")
	st.mustFinish()
	if err := s.inTransaction(t.Context(), 1, "t-3").finish(); faultOf(err) != protocol.Internal {
		t.Errorf("a second stream: %v", err)
	}
}

// When a job cannot use transactions it says so at Open, and why.
func TestNoTransactions(t *testing.T) {
	for more, want := range map[string]string{
		`"table":""`:                                                     "table is not given",
		`"strategyOnError":"rowDirtyData"`:                               "strategyOnError",
		`"strategyOnError":"batchDirtyData"`:                             "strategyOnError",
		`"redirect":"sameHost"`:                                          "redirect",
		`"redirect":"be:127.0.0.1:1"`:                                    "redirect",
		`"column":["id","city"],"loadProps":{"partial_update":true}`:     "loadProps.partial_update",
		`"loadProps":{"compression":"zstd"}`:                             "loadProps.compression",
		`"loadProps":{"where":"id > 1"}`:                                 "loadProps.where",
		`"loadProps":{"max_filter_ratio":0.1}`:                           "loadProps.max_filter_ratio",
		`"loadProps":{"max_filter_ratio":0}`:                             "",
		`"loadProps":{"log_rejected_record_num":-1}`:                     "loadProps.log_rejected_record_num",
		`"column":["id"],"loadProps":{"enclose":"'"}`:                    "loadProps.enclose",
		`"loadProps":{"format":"json","enclose":"'"}`:                    "",
		`"column":["id"],"loadProps":{"format":"csv","trim_space":true}`: "loadProps.trim_space",
		`"loadProps":{"format":"json","timeout":30}`:                     "",
		`"table":"tävle"`:                                                "no header carries",
	} {
		f := newFakeCluster(t)
		s := newSession(t)
		p := params(f, more)
		if strings.Contains(more, `"table"`) {
			p = strings.Replace(p, `"table":"t",`, "", 1)
		}
		r := s.mustOpen(p, 64<<20)
		if r.Transactions != (want == "") || !strings.Contains(r.NoTransactions, want) || (want == "") != (r.NoTransactions == "") {
			t.Errorf("%s: %v, %q", more, r.Transactions, r.NoTransactions)
		}
		if want != "" {
			if err := s.prepare("t-1"); faultOf(err) != protocol.Unsupported {
				t.Errorf("%s: prepare: %v", more, err)
			}
			if err := s.inTransaction(t.Context(), 0, "t-1").finish(); faultOf(err) != protocol.Unsupported {
				t.Errorf("%s: a lane: %v", more, err)
			}
		}
	}
	f := newFakeCluster(t)
	f.oldRelease = true
	s := newSession(t)
	if r := s.mustOpen(params(f, ""), 64<<20); r.Transactions || !strings.Contains(r.NoTransactions, "2.4") {
		t.Errorf("%v, %q", r.Transactions, r.NoTransactions)
	}
}

// With jdbcUrl the release decides, and nobody is asked for the interface.
func TestReleaseDecides(t *testing.T) {
	for release, want := range map[string]bool{"2.3.11": false, "2.4.0": true, "2.5.22-abc": true, "3.3.5": true, "no number": true} {
		f := newFakeCluster(t)
		results := tableResults("DUP_KEYS", "id")
		results["current_version()"] = sqlResult{columns: []string{"v"}, rows: [][]string{{release}}}
		q := newFakeSQL(t, results)
		s := newSession(t)
		if r := s.mustOpen(withSQL(f, q, ""), 64<<20); r.Transactions != want || strings.Contains(r.NoTransactions, "2.4") == want {
			t.Errorf("%s: %v, %q", release, r.Transactions, r.NoTransactions)
		}
	}
}

// Many open transactions wear on the cluster: it is said once.
func TestManyTransactions(t *testing.T) {
	var said []string
	ts := transactions{say: func(line string) { said = append(said, line) }}
	for i := range manyTransactions + 3 {
		if err := ts.add(strings.Repeat("x", i+1), &transaction{}); err != nil {
			t.Fatal(err)
		}
		if (len(said) == 1) != (i >= manyTransactions) {
			t.Errorf("%d transactions: %q", i+1, said)
		}
	}
	if err := ts.add("x", &transaction{}); faultOf(err) != protocol.Internal {
		t.Errorf("a name that is there: %v", err)
	}
}
