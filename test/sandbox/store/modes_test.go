package store

import (
	"errors"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/release"
	"github.com/gx-etl/gx/test/sandbox/sketch"
)

func TestPrimaryKeySize(t *testing.T) {
	tab := oneTable(t, Schema{Model: Primary, Keys: []string{"a", "b", "c"}, Columns: []Column{
		{Name: "a", Type: Type{Kind: Varchar, Length: 200}}, {Name: "b", Type: Type{Kind: Int}}, {Name: "c", Type: Type{Kind: Varchar, Length: 200}},
		{Name: "v", Type: Type{Kind: Varchar}, Nullable: true}}})
	load := func(a, c string) error {
		b := tab.NewBatch(nil)
		if err := b.Add([]any{a, int64(1), c, strings.Repeat("v", 1000)}, Upsert); err != nil {
			t.Fatal("the row is not filtered, the load fails:", err)
		}
		return tab.Commit(b)
	}
	// Two bytes close the first text, four are the number.
	if err := load(strings.Repeat("x", 60), strings.Repeat("y", 62)); err != nil {
		t.Error(err)
	}
	if err := load(strings.Repeat("x", 60), strings.Repeat("y", 63)); err == nil || err.Error() != "primary key size exceed the limit." {
		t.Error(err)
	}
	if err := load(strings.Repeat("\x00", 60), "y"); err != nil {
		t.Error(err)
	}
	if err := load(strings.Repeat("\x00", 61), "y"); err == nil {
		t.Error("zero bytes count twice")
	}
	if tab.NumRows() != 2 {
		t.Errorf("%d rows", tab.NumRows())
	}
	short := oneTable(t, keyed(Primary))
	if b := short.NewBatch(nil); b.wideKey {
		t.Error("a short key is measured row by row")
	}
}

func TestNegativeLoad(t *testing.T) {
	s := keyed(Aggregate, "SUM", "REPLACE")
	tab := oneTable(t, s)
	if err := tab.NewBatch(nil).SetNegative(); err == nil || err.Error() != "Column is not SUM AggreateType. column:y" {
		t.Error(err)
	}
	for i, want := range []string{"1|k|7|dflt", "1|k|0|dflt"} {
		b := tab.NewBatch([]int{0, 1, 2})
		if i == 1 {
			if err := b.SetNegative(); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(b.Add([]any{int64(1), "k", int64(5)}, Upsert), b.Add([]any{int64(1), "k", int64(2)}, Upsert), tab.Commit(b)); err != nil {
			t.Fatal(err)
		}
		if got := lines(read(tab)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if err := oneTable(t, keyed(Primary)).NewBatch(nil).SetNegative(); err == nil || err.Error() != "Primary key table does not support negative load" {
		t.Error(err)
	}
}

func TestPartialUpdateByColumns(t *testing.T) {
	for _, r := range release.All {
		tab := tableIn(t, Options{Release: r}, keyed(Primary))
		put(t, tab, []any{int64(1), "k", int64(5), "old"})
		b := tab.NewBatch([]int{0, 1, 2})
		b.SetPartialUpdateColumns()
		if err := errors.Join(b.Add([]any{int64(1), "k", int64(6)}, Upsert), b.Add([]any{int64(2), "new", int64(7)}, Upsert), tab.Commit(b)); err != nil {
			t.Fatal(err)
		}
		want := "1|k|6|old"
		if r.AtLeast(3, 3) {
			want += ";2|new|7|dflt"
		}
		if got := lines(read(tab)); got != want {
			t.Errorf("%s: %s, want %s", r, got, want)
		}
	}
}

func TestBinaryTextByRelease(t *testing.T) {
	for _, r := range release.All {
		tab := tableIn(t, Options{Release: r}, Schema{Columns: []Column{{Name: "b", Type: Type{Kind: Binary, Length: 4}, Nullable: true}}})
		b := tab.NewBatch(nil)
		for _, text := range []string{"4142", "zz", ""} {
			if err := b.AddText([][]byte{[]byte(text)}, false, Upsert); err != nil {
				t.Fatal(err)
			}
		}
		if err := tab.Commit(b); err != nil {
			t.Fatal(err)
		}
		want := "<nil>;[65 66];[]"
		if r.AtLeast(3, 3) {
			want = "[122 122];[227 94 54];[]" // base64, or the text itself
		}
		if got := lines(read(tab)); got != want {
			t.Errorf("%s: %s, want %s", r, got, want)
		}
	}
}

func TestSketches(t *testing.T) {
	s := Schema{Model: Aggregate, Keys: []string{"k"}, Columns: []Column{{Name: "k", Type: Type{Kind: Int}},
		{Name: "b", Type: Type{Kind: Bitmap}, Agg: "bitmap_union"}, {Name: "h", Type: Type{Kind: HLL}, Agg: "HLL_UNION", Nullable: true},
		{Name: "p", Type: Type{Kind: Percentile}, Agg: "PERCENTILE_UNION"}}}
	tab := oneTable(t, s)
	row := func(n int) []any {
		var h sketch.HLL
		var p sketch.Percentile
		h.Add([]byte{byte(n)})
		p.Add(float64(n))
		return []any{int64(1), sketch.Bitmap{uint64(n)}.Encode(), h.Encode(), p.Encode()}
	}
	for n := range 300 {
		put(t, tab, row(n))
	}
	b := tab.NewBatch([]int{0, 2})
	b.missing = nil // the other columns get their empty values
	if err := errors.Join(b.Add([]any{int64(1), nil}, Upsert), tab.Commit(b)); err != nil {
		t.Fatal(err)
	}
	got := read(tab)
	bits, err1 := sketch.DecodeBitmap(got[0][1].([]byte))
	h, err2 := sketch.DecodeHLL(got[0][2].([]byte))
	p, err3 := sketch.DecodePercentile(got[0][3].([]byte))
	if err := errors.Join(err1, err2, err3); err != nil || len(got) != 1 {
		t.Fatal(err, len(got))
	}
	median, _ := p.Quantile(0.5)
	if len(bits) != 300 || h.Cardinality() < 250 || h.Cardinality() > 262 || median != 149.5 {
		t.Errorf("%d in the bitmap, %d in the HLL, median %v", len(bits), h.Cardinality(), median)
	}
	for _, bad := range [][]any{{int64(2), []byte("x"), nil, row(1)[3]}, {int64(2), "text", nil, row(1)[3]}, {int64(2), row(1)[3], nil, row(1)[3]}} {
		if refused := put(t, tab, bad); len(refused) != 1 {
			t.Errorf("took %v", bad)
		}
	}
	for i, want := range []string{"", "b=to_bitmap(xxx)", "h=hll_hash(xxx)", "p=percentile_hash(xxx)"} {
		if err := s.Columns[i].DirectLoad(); (err == nil) != (want == "") || err != nil && !strings.HasSuffix(err.Error(), want) {
			t.Error(err)
		}
	}
}

// Several tables change together or not at all.
func TestCommitAll(t *testing.T) {
	st := New(Options{})
	if err := st.CreateDatabase("d"); err != nil {
		t.Fatal(err)
	}
	var tabs []*Table
	var batches []*Batch
	for _, n := range []string{"a", "b"} {
		tab, err := st.CreateTable("d", n, keyed(Primary))
		if err != nil {
			t.Fatal(err)
		}
		b := tab.NewBatch(nil)
		if err := b.Add([]any{int64(1), n, nil, nil}, Upsert); err != nil {
			t.Fatal(err)
		}
		tabs, batches = append(tabs, tab), append(batches, b)
	}
	late := tabs[0].NewBatch(nil)
	if err := late.Add([]any{int64(1), "a", int64(2), nil}, Upsert); err != nil {
		t.Fatal(err)
	}
	if err := st.CommitAll(append(batches, late)); err != nil {
		t.Fatal(err)
	}
	if got := lines(append(read(tabs[0]), read(tabs[1])...)); got != "1|a|2|<nil>;1|b|<nil>|<nil>" {
		t.Error(got)
	}
	again := []*Batch{tabs[0].NewBatch(nil), tabs[1].NewBatch(nil)}
	if err := again[0].Add([]any{int64(5), "x", nil, nil}, Upsert); err != nil {
		t.Fatal(err)
	}
	if err := st.DropTable("d", "b"); err != nil {
		t.Fatal(err)
	}
	var gone *UnknownTable
	if err := st.CommitAll(again); !errors.As(err, &gone) || tabs[0].NumRows() != 1 {
		t.Error(err, tabs[0].NumRows())
	}
}
