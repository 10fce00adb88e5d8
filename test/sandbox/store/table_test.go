package store

import (
	"fmt"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func oneTable(t fataler, s Schema) *Table {
	t.Helper()
	st := New(Options{Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC) }})
	if err := st.CreateDatabase("d"); err != nil {
		t.Fatal(err)
	}
	tab, err := st.CreateTable("d", "t", s)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func read(t *Table) [][]any { return readAll(t.Snapshot(), len(t.Schema().Columns)) }

func readAll(s *Snapshot, width int) [][]any {
	var out [][]any
	row := make([]any, width)
	for c := s.Cursor(nil); c.Next(row); {
		out = append(out, append([]any(nil), row...))
	}
	return out
}

func lines(rows [][]any) string {
	var out []string
	for _, r := range rows {
		var fields []string
		for _, v := range r {
			fields = append(fields, fmt.Sprint(v))
		}
		out = append(out, strings.Join(fields, "|"))
	}
	sort.Strings(out)
	return strings.Join(out, ";")
}

func text(s string) *string { return &s }

func keyed(m Model, aggs ...string) Schema {
	s := Schema{Model: m, Keys: []string{"a", "b"}, Columns: []Column{
		{Name: "a", Type: Type{Kind: Int}, Nullable: m != Primary}, {Name: "b", Type: Type{Kind: Varchar, Length: 5}, Nullable: m != Primary},
		{Name: "x", Type: Type{Kind: Int}, Nullable: true}, {Name: "y", Type: Type{Kind: Varchar, Length: 20}, Nullable: true, Default: text("dflt")},
	}}
	for i, a := range aggs {
		s.Columns[2+i].Agg = a
	}
	return s
}

// A keyed table behaves as a map from key to row, whatever the commits, and a
// snapshot never changes.
func TestKeyedTableIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := rapid.SampledFrom([]Model{Primary, Unique, Aggregate}).Draw(t, "model")
		aggs := []string{}
		if model == Aggregate {
			aggs = []string{rapid.SampledFrom([]string{"SUM", "MIN", "MAX"}).Draw(t, "aggX"),
				rapid.SampledFrom([]string{"REPLACE", "REPLACE_IF_NOT_NULL", "MAX", "MIN"}).Draw(t, "aggY")}
		}
		tab := oneTable(t, keyed(model, aggs...))
		want := map[string][]any{}
		type frozen struct {
			snap *Snapshot
			text string
		}
		var snaps []frozen
		for range rapid.IntRange(1, 6).Draw(t, "commits") {
			partial := model == Primary && rapid.Bool().Draw(t, "partial")
			merge := model == Primary && rapid.Bool().Draw(t, "merge")
			columns := []int{3, 0, 2, 1}
			if partial {
				columns = []int{1, 0, 2}
			}
			b := tab.NewBatch(columns)
			if partial {
				b.SetPartialUpdate()
			}
			if merge {
				b.SetMergeCondition(2)
			}
			for range rapid.IntRange(0, 20).Draw(t, "rows") {
				row := map[int]any{0: rapid.Int64Range(0, 4).Draw(t, "a"), 1: rapid.SampledFrom([]string{"", "p", "q"}).Draw(t, "b"), 2: nil, 3: nil}
				if rapid.Bool().Draw(t, "hasX") {
					row[2] = rapid.Int64Range(-3, 3).Draw(t, "x")
				}
				if rapid.Bool().Draw(t, "hasY") {
					row[3] = rapid.StringMatching(`[a-c]{0,3}`).Draw(t, "y")
				}
				op := Upsert
				if model == Primary && rapid.IntRange(0, 4).Draw(t, "op") == 0 {
					op = Delete
				}
				var vals []any
				for _, c := range columns {
					vals = append(vals, row[c])
				}
				if err := b.Add(vals, op); err != nil {
					t.Fatal(err)
				}
				apply(want, row, op, partial, merge, aggs)
			}
			if err := tab.Commit(b); err != nil {
				t.Fatal(err)
			}
			if got, exp := lines(read(tab)), wantLines(want); got != exp || tab.NumRows() != int64(len(want)) {
				t.Fatalf("%s holds %s (%d rows), want %s", model, got, tab.NumRows(), exp)
			}
			s := tab.Snapshot()
			snaps = append(snaps, frozen{s, lines(readAll(s, 4))})
			if s.NumRows() != int64(len(want)) {
				t.Fatalf("snapshot of %d rows, want %d", s.NumRows(), len(want))
			}
		}
		for _, f := range snaps {
			if got := lines(readAll(f.snap, 4)); got != f.text {
				t.Fatalf("a snapshot changed from %s to %s", f.text, got)
			}
		}
	})
}

func wantLines(want map[string][]any) string {
	var rows [][]any
	for _, r := range want {
		rows = append(rows, r)
	}
	return lines(rows)
}

func apply(want map[string][]any, row map[int]any, op Op, partial, merge bool, aggs []string) {
	key := fmt.Sprint(row[0], "|", row[1])
	old, there := want[key]
	if op == Delete {
		delete(want, key)
		return
	}
	if there && merge && less(row[2], old[2]) {
		return
	}
	fresh := []any{row[0], row[1], row[2], row[3]}
	if partial {
		fresh[3] = "dflt"
		if there {
			fresh[3] = old[3]
		}
	}
	if there {
		for i, agg := range aggs {
			fresh[2+i] = combine(agg, fresh[2+i], old[2+i])
		}
	}
	want[key] = fresh
}

func less(a, b any) bool {
	switch {
	case b == nil:
		return false
	case a == nil:
		return true
	}
	if x, ok := a.(int64); ok {
		return x < b.(int64)
	}
	return a.(string) < b.(string)
}

func combine(agg string, fresh, old any) any {
	switch {
	case agg == "REPLACE":
		return fresh
	case fresh == nil:
		return old
	case old == nil || agg == "REPLACE_IF_NOT_NULL":
		return fresh
	case agg == "SUM":
		return fresh.(int64) + old.(int64)
	case agg == "MIN" && less(old, fresh), agg == "MAX" && less(fresh, old):
		return old
	}
	return fresh
}

func TestDefaultsAndAutoIncrement(t *testing.T) {
	tab := oneTable(t, Schema{Columns: []Column{
		{Name: "id", Type: Type{Kind: BigInt}, AutoIncrement: true},
		{Name: "n", Type: Type{Kind: Int}, Default: text("7")},
		{Name: "at", Type: Type{Kind: DateTime}, Default: text("CURRENT_TIMESTAMP")},
		{Name: "v", Type: Type{Kind: Varchar, Length: 3}, Nullable: true},
	}})
	b := tab.NewBatch([]int{3})
	for _, v := range []any{"a", nil} {
		if err := b.Add([]any{v}, Upsert); err != nil {
			t.Fatal(err)
		}
	}
	if err := tab.Commit(b); err != nil {
		t.Fatal(err)
	}
	b = tab.NewBatch([]int{3, 0})
	for _, row := range [][]any{{"b", int64(50)}, {nil, nil}} {
		if err := b.Add(row, Upsert); err != nil {
			t.Fatal(err)
		}
	}
	if err := tab.Commit(b); err != nil {
		t.Fatal(err)
	}
	got := lines(read(tab))
	want := "1|7|2026-01-02 03:04:05|a;2|7|2026-01-02 03:04:05|<nil>;3|7|2026-01-02 03:04:05|<nil>;50|7|2026-01-02 03:04:05|b"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := tab.NewBatch([]int{0}).Add([]any{nil}, Upsert); err != nil {
		t.Error(err)
	}
}

func TestMissingDefault(t *testing.T) {
	tab := oneTable(t, Schema{Columns: []Column{{Name: "k", Type: Type{Kind: Int}}, {Name: "v", Type: Type{Kind: Int}, Nullable: true}}})
	b := tab.NewBatch([]int{1})
	err := b.Add([]any{nil}, Upsert)
	if err == nil || err.Error() != "Column has no default value. column: k" || b.Len() != 0 {
		t.Errorf("%v, %d rows", err, b.Len())
	}
}

// Many chunks, compaction, slices of a snapshot, and removal by condition.
func TestLargeTables(t *testing.T) {
	const n = 3*chunkRows + 17
	tab := oneTable(t, Schema{Model: Primary, Keys: []string{"k"}, Columns: []Column{
		{Name: "k", Type: Type{Kind: BigInt}}, {Name: "v", Type: Type{Kind: Varchar, Length: 20}, Nullable: true}}})
	fill := func(round int) {
		b := tab.NewBatch(nil)
		for i := range n {
			if err := b.AddText([][]byte{fmt.Append(nil, i), fmt.Append(nil, "r", round)}, true, Upsert); err != nil {
				t.Fatal(err)
			}
		}
		if err := tab.Commit(b); err != nil {
			t.Fatal(err)
		}
	}
	fill(0)
	first := tab.Snapshot()
	fill(1)
	fill(2)
	if tab.NumRows() != n || tab.partitions[0].dead > tab.partitions[0].live {
		t.Errorf("%d rows, %d dead", tab.NumRows(), tab.partitions[0].dead)
	}
	seen := map[int64]bool{}
	for i := range 3 {
		part := tab.Snapshot().Slice(i, 3)
		rows := readAll(part, 2)
		if int64(len(rows)) != part.NumRows() {
			t.Errorf("part %d: %d rows read, %d counted", i, len(rows), part.NumRows())
		}
		for _, r := range rows {
			if seen[r[0].(int64)] || r[1] != "r2" {
				t.Fatalf("row %v", r)
			}
			seen[r[0].(int64)] = true
		}
	}
	if len(seen) != n {
		t.Errorf("%d keys", len(seen))
	}
	if removed := tab.DeleteWhere(func(r []any) bool { return r[0].(int64)%3 == 0 }); removed != n/3+1 || tab.NumRows() != n-removed {
		t.Errorf("%d removed, %d left", removed, tab.NumRows())
	}
	if rows := readAll(first, 2); len(rows) != n || rows[5][1] != "r0" {
		t.Errorf("the old snapshot has %d rows", len(rows))
	}
	tab.Truncate()
	if tab.NumRows() != 0 || len(read(tab)) != 0 {
		t.Error("rows after Truncate")
	}
}

func TestReadersDuringCommits(t *testing.T) {
	tab := oneTable(t, keyed(Primary))
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for tab.Version() < 200 {
				rows := read(tab)
				for _, r := range rows {
					if r[2] != rows[0][2] {
						t.Errorf("rows of two commits: %v and %v", rows[0], r)
						return
					}
				}
			}
		})
	}
	for v := range 200 {
		b := tab.NewBatch(nil)
		for k := range 20 {
			if err := b.Add([]any{int64(k), "b", int64(v), nil}, Upsert); err != nil {
				t.Fatal(err)
			}
		}
		if err := tab.Commit(b); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
}

func BenchmarkPrimaryUpsert(b *testing.B) {
	tab := oneTable(b, keyed(Primary))
	for b.Loop() {
		batch := tab.NewBatch(nil)
		for i := range 100000 {
			if err := batch.AddText([][]byte{fmt.Append(nil, i), []byte("b"), []byte("12"), []byte("text")}, true, Upsert); err != nil {
				b.Fatal(err)
			}
		}
		if err := tab.Commit(batch); err != nil {
			b.Fatal(err)
		}
	}
}
