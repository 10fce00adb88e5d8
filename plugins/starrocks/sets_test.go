package starrocks

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/starrocks/encode"
	"pgregory.net/rapid"
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
	st.send(1, "", documents(`{"a":1}`, `{"id":2,"a":2}`, `{}`, `{"id":3,"a":}`, missing))
	a := st.mustFinish()
	var got []string
	for _, d := range a.Dirty {
		got = append(got, fmt.Sprintf("%d %s", d.Row, d.Reason))
	}
	want := []string{"0 the key column id is missing, without which no row can be updated", "2 the key column id is missing, without which no row can be updated",
		"3 the document is not a JSON object", "4 the document is missing"}
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
	sets := s.setsOf(&target{sources: s.columns, keys: map[string]bool{"id": true}}, kindDocuments)
	docs, err := encode.NewDocuments(documents(`{"a":[1,{"id":2}],"id":"1","other":null}`).Column(0))
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, reason := sets.read(docs, 0); reason != "" || !sets.holds(0) || !sets.holds(1) {
			t.Fatal(reason)
		}
	}); n != 0 {
		t.Errorf("%v allocations per document", n)
	}
}

// Whatever documents come in whatever batches and loads: applied in the order in which the loads arrive, each row ends as if
// the documents had been applied one by one.
func TestPartialUpdatesKeepTheOrderOfAKey(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFakeCluster(rt)
		s := newSession(rt)
		sql := rapid.Bool().Draw(rt, "sql")
		more := fmt.Sprintf(`"column":["id","a","b","c"],"loadProps":{"partial_update":true},"maxBatchRows":%d,"maxBatchSize":%d`,
			rapid.IntRange(1, 20).Draw(rt, "maxBatchRows"), rapid.IntRange(20, 400).Draw(rt, "maxBatchSize"))
		if sql {
			s.mustOpen(withSQL(f, newFakeSQL(t, tableResults("PRI_KEYS", "id int PRI", "a", "b", "c")), more), 64<<20)
		} else {
			s.mustOpen(params(f, more), 64<<20)
		}
		st := s.lane("0")
		want := map[string]map[string]any{}
		apply := func(to map[string]map[string]any, doc map[string]any, columns string) {
			key := fmt.Sprint(doc["id"])
			if to[key] == nil {
				to[key] = map[string]any{}
			}
			for _, c := range []string{"id", "a", "b", "c"} {
				if strings.Contains(columns, "`"+c+"`") {
					to[key][c] = fmt.Sprint(doc[c])
				}
			}
		}
		n := 0
		for seq := range rapid.IntRange(1, 6).Draw(rt, "batches") {
			var docs []string
			for range rapid.IntRange(1, 30).Draw(rt, "rows") {
				n++
				doc, columns := map[string]any{"id": rapid.IntRange(1, 5).Draw(rt, "id")}, "`id`"
				for _, c := range []string{"a", "b", "c"} {
					if rapid.Bool().Draw(rt, c) {
						doc[c], columns = n, columns+"`"+c+"`"
					}
				}
				text, _ := json.Marshal(doc)
				docs = append(docs, string(text))
				apply(want, doc, columns)
			}
			st.send(uint64(seq+1), "", documents(docs...))
		}
		a := st.mustFinish()
		got := map[string]map[string]any{}
		for _, l := range f.seen() {
			var docs []map[string]any
			if err := json.Unmarshal(l.body, &docs); err != nil {
				rt.Fatal(err)
			}
			for _, doc := range docs {
				apply(got, doc, l.header.Get("columns"))
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || int(a.Landed) != n {
			rt.Fatalf("got %v\nwant %v\n%v", got, want, a)
		}
	})
}
