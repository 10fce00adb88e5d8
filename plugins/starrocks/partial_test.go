package starrocks

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"pgregory.net/rapid"
)

// table is what a Primary Key table with the key columns k and n holds, by key.
type table map[string]map[string]string

// apply brings in one document as a load with these columns does.
func (tb table) apply(doc map[string]any, columns []string) {
	number, _ := doc["k"].(json.Number).Float64()
	key := fmt.Sprint(number, "/", doc["n"])
	if slices.Contains(columns, opColumn) && fmt.Sprint(doc[opColumn]) == "1" {
		delete(tb, key)
		return
	}
	if tb[key] == nil {
		tb[key] = map[string]string{}
	}
	for _, c := range columns {
		if c != "k" && c != "n" && c != opColumn {
			tb[key][c] = fmt.Sprint(doc[c])
		}
	}
}

func decode(t tb, text string, into any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatal(err)
	}
}

// drawDocument is a document of one of few keys, in any spelling and order, with any of the other columns. Its members as the
// table understands them come with it.
func drawDocument(rt *rapid.T, n int) (text string, doc map[string]any) {
	k := rapid.SampledFrom([]string{"1", "1", "2", "1.0", "10e-1", "20e-1"}).Draw(rt, "k")
	name := rapid.SampledFrom([]string{`"x"`, `"y"`, `"\u0078"`}).Draw(rt, "n")
	members := []string{`"k":` + k, `"n":` + name}
	for _, c := range []string{"a", "b", "c"} {
		switch rapid.IntRange(0, 3).Draw(rt, c) {
		case 0, 1:
			members = append(members, fmt.Sprintf("%q:%d", c, n))
		case 2:
			members = append(members, fmt.Sprintf("%q:null", c))
		}
	}
	if rapid.IntRange(0, 4).Draw(rt, "op") == 0 {
		members = append(members, fmt.Sprintf("%q:%d", opColumn, rapid.IntRange(0, 1).Draw(rt, "deletes")))
	}
	text = "{" + strings.Join(rapid.Permutation(members).Draw(rt, "members"), ",") + "}"
	doc = map[string]any{}
	decode(rt, text, &doc)
	return text, doc
}

// Whatever documents come in whatever batches and loads: applied in the order in which the loads arrive, each row ends as if
// the documents had been applied one by one.
func TestPartialUpdatesKeepTheOrderOfAKey(t *testing.T) {
	described := newFakeSQL(t, tableResults("PRI_KEYS", "k int PRI", "n varchar PRI", "a", "b", "c"))
	rapid.Check(t, func(rt *rapid.T) {
		f := newFakeCluster(rt)
		s := newSession(rt)
		more := fmt.Sprintf(`"loadProps":{"partial_update":true},"maxBatchRows":%d,"maxBatchSize":%d,"flushQueueLength":%d`,
			rapid.IntRange(1, 20).Draw(rt, "maxBatchRows"), rapid.IntRange(20, 400).Draw(rt, "maxBatchSize"), rapid.IntRange(1, 3).Draw(rt, "flushQueueLength"))
		const named = `,"column":["k","n","a","b","c","__op"]`
		switch rapid.SampledFrom([]string{"table", "table and columns", "columns"}).Draw(rt, "known") {
		case "table":
			s.mustOpen(withSQL(f, described, more), 64<<20)
		case "table and columns":
			s.mustOpen(withSQL(f, described, more+named), 64<<20)
		default:
			s.mustOpen(params(f, more+named), 64<<20)
		}
		st := s.lane("0")
		want, n := table{}, 0
		for seq := range rapid.IntRange(1, 6).Draw(rt, "batches") {
			var docs []string
			for range rapid.IntRange(1, 30).Draw(rt, "rows") {
				n++
				text, doc := drawDocument(rt, n)
				docs = append(docs, text)
				want.apply(doc, slices.Collect(maps.Keys(doc)))
			}
			st.send(uint64(seq+1), "", documents(docs...))
		}
		a := st.mustFinish()
		got := table{}
		for _, l := range f.seen() {
			var docs []map[string]any
			decode(rt, string(l.body), &docs)
			columns := strings.Split(strings.ReplaceAll(l.header.Get("columns"), "`", ""), ",")
			for _, doc := range docs {
				if len(doc) != len(columns) {
					rt.Fatalf("a document with other columns than its load, %v: %v", columns, doc)
				}
				got.apply(doc, columns)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || int(a.Landed) != n {
			rt.Fatalf("got %v\nwant %v\n%v", got, want, a)
		}
	})
}

func TestKeysThatStandForThemselves(t *testing.T) {
	for _, tc := range []struct {
		typ, value, text string
		plain            bool
	}{
		{"int", `1`, "1", true}, {"int", `"1"`, "1", true}, {"bigint", `-12`, "-12", true}, {"bigint unsigned", `0`, "0", true},
		{"int", `1.0`, "", false}, {"int", `"01"`, "", false}, {"int", `-0`, "", false}, {"int", `null`, "", false}, {"int", `""`, "", false}, {"int", `"-"`, "", false},
		{"largeint", `1234567890123456789`, "", false}, {"decimal(10,2)", `7`, "7", true}, {"decimal(10,2)", `"7.00"`, "", false},
		{"varchar(20)", `"a b"`, "a b", true}, {"varchar", `"\u00e4"`, "ä", true}, {"varchar", `"01"`, "01", true}, {"varchar", `12`, "12", true},
		{"varchar", `1.0`, "", false}, {"varchar", `true`, "", false}, {"varchar", `{"a":1}`, "", false}, {"varchar", `"\ud800"`, "", false},
		{"date", `"2024-02-29"`, "2024-02-29", true}, {"date", `"2024-2-29"`, "", false}, {"date", `20240229`, "", false}, {"date", `"2024-02-29 00:00:00"`, "", false},
		{"datetime", `"2024-02-29 23:30:00"`, "2024-02-29 23:30:00", true}, {"datetime", `"2024-02-29 23:30:00.000001"`, "2024-02-29 23:30:00.000001", true},
		{"datetime", `"2024-02-29T23:30:00"`, "", false}, {"datetime", `"2024-02-29 23:30:00.000000"`, "", false}, {"datetime", `"2024-02-29"`, "", false},
		{"boolean", `true`, "true", true}, {"boolean", `1`, "", false}, {"boolean", `"true"`, "", false},
	} {
		text, plain := keyFormOf(tc.typ).plain(nil, []byte(tc.value))
		if plain != tc.plain || (plain && string(text) != tc.text) {
			t.Errorf("%s as %s: %q, %v", tc.value, tc.typ, text, plain)
		}
	}
}

// More sets of columns than may gather side by side: those that wait for longest go out, and none is lost.
func TestManySetsOfColumns(t *testing.T) {
	f := newFakeCluster(t)
	columns := []string{"id int PRI"}
	for i := range 8 {
		columns = append(columns, fmt.Sprintf("c%d", i))
	}
	p := withSQL(f, newFakeSQL(t, tableResults("PRI_KEYS", columns...)), `"loadProps":{"partial_update":true}`)
	s := newSession(t)
	s.mustOpen(p, 64<<20)
	st := s.lane("0")
	var docs []string
	for set := range 256 {
		doc := fmt.Sprintf(`{"id":%d`, set)
		for i := range 8 {
			if set>>i&1 == 1 {
				doc += fmt.Sprintf(`,"c%d":1`, i)
			}
		}
		docs = append(docs, doc+"}")
	}
	st.send(1, "", documents(docs...))
	st.send(2, "", documents(docs...))
	a := st.mustFinish()
	if a.Landed != 512 || st.done[1] != 1 || st.done[2] != 1 || a.FlushReasons["sets"] != 512-mostSets || a.Loads != 512 {
		t.Errorf("%v", a)
	}
}

// Where rows come in columns, a member that a document lacks is NULL like one that is null: neither may be written as NULL.
func TestPartialUpdatesOfRowsInColumns(t *testing.T) {
	ids := array.NewInt64Builder(memory.DefaultAllocator)
	ids.AppendValues([]int64{1, 2, 3}, nil)
	texts := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	texts.AppendString(`"one"`)
	texts.AppendNull()
	texts.AppendString(`"three"`)
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, rows.JSONField("city")}, nil)
	batch := array.NewRecordBatch(schema, []arrow.Array{ids.NewArray(), texts.NewArray()}, 3)
	for typ, dirty := range map[string]int{"varchar": 1, "json": 0} {
		for _, format := range []string{"csv", "json"} {
			f := newFakeCluster(t)
			p := withSQL(f, newFakeSQL(t, tableResults("PRI_KEYS", "id int PRI", "city "+typ)), `"loadProps":{"partial_update":true,"format":"`+format+`"}`)
			s := newSession(t)
			s.mustOpen(p, 64<<20)
			st := s.lane("0")
			st.send(1, "", batch)
			a := st.mustFinish()
			if len(a.Dirty) != dirty || int(a.Landed) != 3-dirty || f.seen()[0].header.Get("columns") != "`id`,`city`" {
				t.Errorf("%s, %s: %v", typ, format, a)
			}
			if dirty == 1 && (a.Dirty[0].Row != 1 || a.Dirty[0].Column != "city" || !strings.Contains(a.Dirty[0].Reason, "must not overwrite what is missing")) {
				t.Errorf("%v", a.Dirty)
			}
		}
	}
}

// Rows in columns may leave columns out as well: each set of columns has loads of its own, in the order in which they came.
func TestPartialUpdatesOfSomeColumns(t *testing.T) {
	f := newFakeCluster(t)
	p := withSQL(f, newFakeSQL(t, tableResults("PRI_KEYS", "id int PRI", "City varchar", "a")), `"loadProps":{"partial_update":true,"format":"json"}`)
	s := newSession(t)
	s.mustOpen(p, 64<<20)
	st := s.lane("0")
	st.send(1, "", people(1, 2, func(int) string { return "x" }))
	ids := array.NewInt64Builder(memory.DefaultAllocator)
	ids.AppendValues([]int64{1, 2}, nil)
	n := ids.NewArray()
	field := func(name string) arrow.Field { return arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64} }
	st.send(2, "", array.NewRecordBatch(arrow.NewSchema([]arrow.Field{field("a"), field("id")}, nil), []arrow.Array{n, n}, 2))
	st.send(3, "", people(1, 1, func(int) string { return "y" }))
	a := st.mustFinish()
	var got []string
	for _, l := range f.seen() {
		got = append(got, l.header.Get("columns")+" "+string(l.body))
	}
	want := []string{"`id`,`City` " + `[{"id":1,"City":"x"},{"id":2,"City":"x"}]`, "`a`,`id` " + `[{"a":1,"id":1},{"a":2,"id":2}]`, "`id`,`City` " + `[{"id":1,"City":"y"}]`}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || a.Landed != 5 {
		t.Errorf("%s\n%v", strings.Join(got, "\n"), a)
	}
	// Without the key it is no row.
	st = s.lane("1")
	st.send(1, "", array.NewRecordBatch(arrow.NewSchema([]arrow.Field{field("a")}, nil), []arrow.Array{n}, 2))
	if fault := protocol.AsFault(st.finish()); fault == nil || fault.Code != protocol.Config || fault.Place != "column" {
		t.Errorf("%+v", fault)
	}
}
