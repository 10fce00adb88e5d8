package starrocks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
)

// What partial and conditional updates need of the table and of the release is judged before the first row.
func TestUpdatesFitTheTableAndTheRelease(t *testing.T) {
	for _, tc := range []struct {
		model, release, props string
		place, what           string // "" is no fault
	}{
		{"PRI_KEYS", "3.3.5", `"partial_update":true,"partial_update_mode":"column","merge_condition":"v"`, "", ""},
		{"PRI_KEYS", "2.5.0", `"partial_update":true,"partial_update_mode":"row"`, "", ""},
		{"PRI_KEYS", "2.5.0", `"merge_condition":"v"`, "", ""},
		{"PRI_KEYS", "no number", `"partial_update":true,"partial_update_mode":"auto"`, "", ""},
		{"PRI_KEYS", "3.0.9", `"partial_update":true,"partial_update_mode":"column"`, "loadProps.partial_update_mode", "would silently take row"},
		{"PRI_KEYS", "3.0.9", `"partial_update":true,"partial_update_mode":"auto"`, "loadProps.partial_update_mode", "came with 3.1"},
		{"PRI_KEYS", "3.1.2", `"partial_update":true,"merge_condition":"v"`, "loadProps.merge_condition", "came with 3.1.3"},
		{"PRI_KEYS", "2.4.1", `"merge_condition":"v"`, "loadProps.merge_condition", "came with 2.5"},
		{"UNQ_KEYS", "3.3.5", `"merge_condition":"v"`, "loadProps.merge_condition", "is UNIQUE KEY"},
		{"DUP_KEYS", "3.3.5", `"partial_update":true`, "loadProps.partial_update", "is DUPLICATE KEY"},
		{"PRI_KEYS", "3.3.5", `"merge_condition":"id"`, "loadProps.merge_condition", "is a key column"},
		{"PRI_KEYS", "3.3.5", `"merge_condition":"w"`, "loadProps.merge_condition", "there is no column w"},
		{"PRI_KEYS", "3.3.5", `"merge_condition":"s"`, "loadProps.merge_condition", "is of type varchar"},
	} {
		results := tableResults(tc.model, "id int PRI", "v bigint", "s varchar(20)")
		results["current_version()"] = sqlResult{columns: []string{"v"}, rows: [][]string{{tc.release}}}
		p := withSQL(newFakeCluster(t), newFakeSQL(t, results), `"loadProps":{`+tc.props+`}`)
		_, err := newSession(t).open(p, 64<<20)
		fault := protocol.AsFault(err)
		if tc.place == "" {
			if err != nil {
				t.Errorf("%v: %+v", tc, fault)
			}
			continue
		}
		if fault == nil || fault.Code != protocol.Config || fault.Place != tc.place || !strings.Contains(fault.What, tc.what) || fault.Try == "" {
			t.Errorf("%v: %+v", tc, fault)
		}
	}
}

// A condition on a column that a document lacks would fail the whole load.
func TestConditionalPartialUpdates(t *testing.T) {
	f := newFakeCluster(t)
	p := withSQL(f, newFakeSQL(t, tableResults("PRI_KEYS", "id int PRI", "v bigint", "a")), "\"loadProps\":{\"partial_update\":true,\"merge_condition\":\"`V`\"}")
	s := newSession(t)
	s.mustOpen(p, 64<<20)
	st := s.lane("0")
	st.send(1, "", documents(`{"id":1,"v":5,"a":1}`, `{"id":2,"a":1}`, `{"id":3,"v":1}`))
	a := st.mustFinish()
	if a.Landed != 2 || len(a.Dirty) != 1 || a.Dirty[0].Row != 1 || !strings.HasPrefix(a.Dirty[0].Reason, "the column v of merge_condition is missing") {
		t.Errorf("%v", a)
	}
	for _, l := range f.seen() {
		if l.header.Get("merge_condition") != "V" || !strings.Contains(l.header.Get("columns"), "`v`") {
			t.Errorf("%v", l.header)
		}
	}
}

func TestUpdateNotes(t *testing.T) {
	for props, want := range map[string]string{
		`"partial_update_mode":"column"`:                                     "loadProps.partial_update_mode has no effect without partial_update",
		`"partial_update":true,"partial_update_mode":"column_upsert"`:        "loadProps.partial_update_mode column_upsert: a release that does not know it",
		`"partial_update":true,"jsonpaths":["$.id","$.a"]`:                   "loadProps.partial_update with jsonpaths every document is taken to hold all columns",
		`"partial_update":true,"json_root":"$.data"`:                         "loadProps.partial_update with json_root every document",
		`"partial_update":true,"columns":"id,a"`:                             "loadProps.partial_update with loadProps.columns every document",
		`"partial_update":true,"merge_condition":"a","timeout":"30"`:         "",
		`"partial_update":true,"partial_update_mode":"column","timeout":"5"`: "",
	} {
		value, problems := options.Parse([]byte("{" + props + "}"))
		if options.Failed(problems) {
			t.Fatal(problems)
		}
		j := judge{}
		s := settings{columns: []string{"id", "a"}}
		if s.props, problems = readProps(value, nil, ""); options.Failed(problems) {
			t.Fatal(problems)
		}
		s.updates(&j)
		got := ""
		for _, p := range j.problems {
			got += fmt.Sprint(p.Path, " ", p.Seen)
			if !p.Warning {
				t.Errorf("%v is no note", p)
			}
		}
		if (want == "") != (got == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", props, got, want)
		}
	}
}

// Which mode is the faster one is said where the table is known: column for a tenth of its columns, row for more.
func TestModeNote(t *testing.T) {
	columns := []string{"id int PRI"}
	for i := range 20 {
		columns = append(columns, fmt.Sprintf("c%d", i))
	}
	results := tableResults("PRI_KEYS", columns...)
	for _, tc := range []struct{ mode, columns, want string }{
		{"", `"id","c1","c2"`, "partial_update: 2 of 20 columns are written; when loads have many rows, partial_update_mode column is faster than row"},
		{"row", `"id","c1","__op"`, "partial_update: 1 of 20"},
		{"column", `"id","c1","c2","c3"`, "partial_update_mode column: 3 of 20 columns are written"},
		{"column", `"id","c1"`, ""}, {"", `"id","c1","c2","c3"`, ""}, {"auto", `"id","c1"`, ""},
	} {
		more := `"column":[` + tc.columns + `],"loadProps":{"partial_update":true}`
		if tc.mode != "" {
			more = `"column":[` + tc.columns + `],"loadProps":{"partial_update":true,"partial_update_mode":"` + tc.mode + `"}`
		}
		p := withSQL(newFakeCluster(t), newFakeSQL(t, results), more)
		r := newSession(t).mustOpen(p, 64<<20)
		got := ""
		for _, n := range r.Notes {
			if strings.HasPrefix(n, "partial_update") {
				got += n
			}
		}
		if (tc.want == "") != (got == "") || !strings.HasPrefix(got, tc.want) {
			t.Errorf("%v: %q", tc, got)
		}
	}
}
