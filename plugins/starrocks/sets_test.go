package starrocks

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/starrocks/encode"
)

// updates opens a partial update of table d.t (id, a, b, c).
func updates(t *testing.T, f *fakeCluster, sql bool, more string) *session {
	t.Helper()
	more = `"column":["id","a","b","c"],"loadProps":{"partial_update":"TRUE","format":"json"}` + more
	p := params(f, more)
	if sql {
		p = withSQL(f, newFakeSQL(t, tableResults("PRI_KEYS", "id int PRI", "a", "b", "c")), more)
	}
	s := newSession(t)
	s.mustOpen(p, 64<<20)
	return s
}

func TestPartialUpdatesGoByTheirColumns(t *testing.T) {
	docs := []string{`{"id":1,"a":1}`, `{"id":2,"b":2}`, `{"a":3,"id":3,"other":1}`, `{"id":4,"b":null}`, `{"id":1,"b":9}`, `{"id":5,"a":5,"b":5,"c":5}`}
	for _, tc := range []struct {
		name string
		sql  bool
		want []string
	}{
		{"keys are known", true, []string{"`id`,`a`: 1 3", "`id`,`b`: 2 4 1", "`id`,`a`,`b`,`c`: 5"}},
		{"keys are not", false, []string{"`id`,`a`: 1", "`id`,`b`: 2", "`id`,`a`: 3", "`id`,`b`: 4 1", "`id`,`a`,`b`,`c`: 5"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFakeCluster(t)
			st := updates(t, f, tc.sql, "").lane("0")
			st.send(1, "", documents(docs...))
			a := st.mustFinish()
			var got []string
			for _, l := range f.seen() {
				if l.header.Get("partial_update") != "true" {
					t.Errorf("%v", l.header)
				}
				var rows []struct{ ID int }
				if err := json.Unmarshal(l.body, &rows); err != nil {
					t.Fatal(err)
				}
				line := l.header.Get("columns") + ":"
				for _, r := range rows {
					line += fmt.Sprint(" ", r.ID)
				}
				got = append(got, line)
			}
			if strings.Join(got[:1], "") != tc.want[0] { // the others end together, in any order
				t.Errorf("the first load is %s, want %s", got[0], tc.want[0])
			}
			slices.Sort(got)
			slices.Sort(tc.want)
			if strings.Join(got, "\n") != strings.Join(tc.want, "\n") || a.Landed != 6 || st.done[1] != 1 {
				t.Errorf("loads\n%s\nwant\n%s\n%v", strings.Join(got, "\n"), strings.Join(tc.want, "\n"), a)
			}
			if a.FlushReasons["order"] == 0 {
				t.Errorf("%v", a.FlushReasons)
			}
		})
	}
}

func TestPartialUpdatesNeedTheirKey(t *testing.T) {
	f := newFakeCluster(t)
	st := updates(t, f, true, "").lane("0")
	st.send(1, "", documents(`{"a":1}`, `{"id":2,"a":2}`, `{}`, `{"id":3,"a":}`, missing, `{"id":4,"id":4}`))
	a := st.mustFinish()
	var got []string
	for _, d := range a.Dirty {
		got = append(got, fmt.Sprintf("%d %s", d.Row, d.Reason))
	}
	want := []string{"0 the key column id is missing, without which no row can be updated", "2 the key column id is missing, without which no row can be updated",
		"3 the document is not a JSON object", "4 the document is missing", "5 the key column id is there twice, and StarRocks could take either"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || a.Landed != 1 {
		t.Errorf("%q, %v", got, a)
	}
	st = updates(t, f, false, "").lane("0")
	st.send(1, "", documents(`{"other":1}`))
	if a := st.mustFinish(); len(a.Dirty) != 1 || a.Dirty[0].Reason != "the document holds none of the columns" {
		t.Errorf("%v", a)
	}
}

func TestNoAllocationPerDocument(t *testing.T) {
	s := settings{columns: []string{"id", "a"}, props: props{partial: true}}
	sets := s.setsOf(&target{sources: s.columns, keys: map[string]bool{"id": true}, types: map[string]string{"id": "varchar"}}, kindDocuments)
	docs, err := encode.NewDocuments(documents(`{"a":[1,{"id":2}],"id":"1\\u00e4","other":null}`).Column(0))
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, sure, reason := sets.read(docs, 0); reason != "" || !sure || !sets.holds(0) || !sets.holds(1) {
			t.Fatal(reason)
		}
	}); n != 0 {
		t.Errorf("%v allocations per document", n)
	}
}
