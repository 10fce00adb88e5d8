package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func bound(texts ...string) []Bound {
	var list []Bound
	for _, t := range texts {
		list = append(list, Bound{Text: t, Max: t == "MAXVALUE"})
	}
	return list
}

func lessThan(name string, upper ...string) PartitionDef {
	return PartitionDef{Name: name, Upper: bound(upper...)}
}

func byDay(p *Partitioning) Schema {
	return Schema{Partitioning: p, Keys: []string{"dt"}, DistributedBy: []string{"n"}, Buckets: 4, Columns: []Column{
		{Name: "dt", Type: Type{Kind: Date}, Nullable: true}, {Name: "n", Type: Type{Kind: Int}},
		{Name: "city", Type: Type{Kind: Varchar, Length: 40}, Nullable: true},
		{Name: "at", Type: Type{Kind: DateTime}, Nullable: true}}}
}

func put(t fataler, tab *Table, rows ...[]any) (refused []string) {
	t.Helper()
	b := tab.NewBatch(nil)
	for _, r := range rows {
		if err := b.Add(r, Upsert); err != nil {
			var bad *RowError
			if !errors.As(err, &bad) {
				t.Fatal(err)
			}
			refused = append(refused, bad.Reason)
		}
	}
	if err := tab.Commit(b); err != nil {
		t.Fatal(err)
	}
	return refused
}

func inParts(tab *Table) string {
	var out []string
	for _, p := range tab.Partitions() {
		out = append(out, fmt.Sprintf("%s:%d", p.Name, p.Rows))
	}
	return strings.Join(out, " ")
}

const outOfRange = "The row is out of partition ranges. Please add a new partition."

func TestRangePartitions(t *testing.T) {
	tab := oneTable(t, byDay(&Partitioning{Columns: []string{"DT"}, Parts: []PartitionDef{
		lessThan("p1", "2024-01-01"), lessThan("p2", "2024-02-01"),
		{Name: "p4", Lower: bound("2024-03-01"), Upper: bound("2024-04-01")}}}))
	refused := put(t, tab, []any{"2023-12-31", int64(1), nil, nil}, []any{"2024-01-01", int64(2), nil, nil},
		[]any{"2024-01-31", int64(3), nil, nil}, []any{"2024-02-01", int64(4), nil, nil}, []any{nil, int64(5), nil, nil},
		[]any{"2024-03-31", int64(6), nil, nil}, []any{"2024-04-01", int64(7), nil, nil})
	if got := inParts(tab); got != "p1:2 p2:2 p4:1" || !slices.Equal(refused, []string{outOfRange, outOfRange}) {
		t.Errorf("%s, refused %q", got, refused)
	}
	infos := tab.Partitions()
	if want := "[types: [DATE]; keys: [2024-01-01]; ..types: [DATE]; keys: [2024-02-01]; )"; infos[1].Range != want {
		t.Errorf("range %s, want %s", infos[1].Range, want)
	}
	if want := "[types: [DATE]; keys: [0000-01-01]; ..types: [DATE]; keys: [2024-01-01]; )"; infos[0].Range != want {
		t.Errorf("range %s, want %s", infos[0].Range, want)
	}
	want := "RANGE(`dt`)\n(PARTITION p1 VALUES [(\"0000-01-01\"), (\"2024-01-01\")),\nPARTITION p2 VALUES [(\"2024-01-01\"), (\"2024-02-01\")),\nPARTITION p4 VALUES [(\"2024-03-01\"), (\"2024-04-01\")))"
	if got := tab.Schema().Partition; got != want {
		t.Errorf("shown as %s", got)
	}
	// A batch restricted to a partition refuses rows of the others.
	b := tab.NewBatch(nil)
	if err := b.SetPartitions([]string{"P2"}, false); err != nil {
		t.Fatal(err)
	}
	var bad *RowError
	if err := b.Add([]any{"2023-12-31", int64(1), nil, nil}, Upsert); !errors.As(err, &bad) || bad.Reason != outOfRange || b.Len() != 0 {
		t.Error(err)
	}
	if err := b.Add([]any{"2024-01-02", int64(8), nil, nil}, Upsert); err != nil {
		t.Error(err)
	}
	if err := tab.Commit(b); err != nil {
		t.Fatal(err)
	}
	var unknown *UnknownPartition
	if err := tab.NewBatch(nil).SetPartitions([]string{"p2", "zz"}, false); !errors.As(err, &unknown) || err.Error() != "unknown partition zz in table t" {
		t.Error(err)
	}
	only, err := tab.Snapshot().Partitioned([]string{"p2", "p4"}, false)
	if err != nil || only.NumRows() != 4 || len(readAll(only, 4)) != 4 {
		t.Errorf("%v: %d rows", err, only.NumRows())
	}
	versions := []int64{}
	for _, p := range tab.Partitions() {
		versions = append(versions, p.Version)
	}
	if !slices.Equal(versions, []int64{2, 3, 2}) {
		t.Errorf("versions %v: only touched partitions get one", versions)
	}
}

func TestRangesOfSeveralColumns(t *testing.T) {
	s := Schema{Keys: []string{"a", "b"}, Columns: []Column{{Name: "a", Type: Type{Kind: Int}}, {Name: "b", Type: Type{Kind: BigInt}, Nullable: true}},
		Partitioning: &Partitioning{Columns: []string{"a", "b"}, Parts: []PartitionDef{
			lessThan("p1", "1", "10"), lessThan("p2", "5"), lessThan("p3", "5", "MAXVALUE"), lessThan("p4", "MAXVALUE")}}}
	tab := oneTable(t, s)
	put(t, tab, []any{int64(1), int64(9)}, []any{int64(1), int64(10)}, []any{int64(4), nil}, []any{int64(5), nil}, []any{int64(5), int64(1 << 62)}, []any{int64(6), nil})
	if got := inParts(tab); got != "p1:1 p2:3 p3:1 p4:1" {
		// 5 with NULL is below the smallest pair that starts with 5.
		t.Error(got)
	}
	if got := tab.Partitions()[2].Range; got != "[types: [INT, BIGINT]; keys: [5, -9223372036854775808]; ..types: [INT, BIGINT]; keys: [5, MAXVALUE]; )" {
		t.Error(got)
	}
}

func TestListPartitions(t *testing.T) {
	v := func(list ...string) [][]*string {
		var rows [][]*string
		for _, s := range list {
			if s == "NULL" {
				rows = append(rows, []*string{nil})
				continue
			}
			rows = append(rows, []*string{text(s)})
		}
		return rows
	}
	tab := oneTable(t, byDay(&Partitioning{Kind: ListPartitions, Columns: []string{"city"}, Parts: []PartitionDef{
		{Name: "north", Values: v("Oslo", "Umeå")}, {Name: "none", Values: v("NULL", "")}}}))
	refused := put(t, tab, []any{nil, int64(1), "Oslo", nil}, []any{nil, int64(1), "Umeå", nil}, []any{nil, int64(1), nil, nil},
		[]any{nil, int64(1), "", nil}, []any{nil, int64(1), "oslo", nil})
	if got := inParts(tab); got != "north:2 none:2" || len(refused) != 1 || refused[0] != outOfRange {
		t.Errorf("%s, %q", got, refused)
	}
	if got := tab.Partitions()[1].Values; got != "(NULL, '')" {
		t.Error(got)
	}
	if err := tab.AddPartitions([]PartitionDef{{Name: "x", Values: v("Oslo")}}, false, false); err == nil || !strings.Contains(err.Error(), "duplicate values") {
		t.Error(err)
	}
}

func TestAutomaticRanges(t *testing.T) {
	for _, c := range []struct {
		grain Grain
		name  string
		upper string
	}{
		{Grain{"date_trunc", "minute", 1}, "p202402290317", "2024-02-29 03:18:00"},
		{Grain{"date_trunc", "hour", 1}, "p2024022903", "2024-02-29 04:00:00"},
		{Grain{"date_trunc", "day", 1}, "p20240229", "2024-03-01 00:00:00"},
		{Grain{"date_trunc", "month", 1}, "p202402", "2024-03-01 00:00:00"},
		{Grain{"date_trunc", "year", 1}, "p2024", "2025-01-01 00:00:00"},
		{Grain{"time_slice", "hour", 2}, "p2024022902", "2024-02-29 04:00:00"},
		{Grain{"time_slice", "month", 2}, "p202401", "2024-03-01 00:00:00"},
		{Grain{"time_slice", "year", 4}, "p2021", "2025-01-01 00:00:00"},
	} {
		tab := oneTable(t, byDay(&Partitioning{Columns: []string{"at"}, Automatic: true, Grain: c.grain}))
		put(t, tab, []any{nil, int64(1), nil, "2024-02-29 03:17:59.9"})
		p := tab.Partitions()
		if len(p) != 1 || p[0].Name != c.name || !strings.HasSuffix(p[0].Range, "keys: ["+c.upper+"]; )") {
			t.Errorf("%v: %+v", c.grain, p)
		}
		if s := tab.Schema(); len(s.Partitioning.Parts) != 0 {
			t.Errorf("the clause shows %v", s.Partitioning.Parts)
		}
	}
	tab := oneTable(t, byDay(&Partitioning{Columns: []string{"dt"}, Automatic: true, Grain: Grain{"date_trunc", "day", 1}}))
	put(t, tab, []any{"9999-12-31", int64(1), nil, nil}, []any{nil, int64(1), nil, nil}, []any{"0000-01-01", int64(1), nil, nil})
	if got := inParts(tab); got != "p00000101:2 p99991231:1" {
		t.Error(got)
	}
}

func TestAutomaticLists(t *testing.T) {
	tab := oneTable(t, byDay(&Partitioning{Kind: ListPartitions, Columns: []string{"city", "dt"}, Automatic: true}))
	put(t, tab, []any{"2024-01-02", int64(1), "Los Angeles", nil}, []any{"2024-01-02", int64(1), "LosAngeles", nil},
		[]any{nil, int64(1), "a_é", nil}, []any{nil, int64(2), "Los Angeles", nil}, []any{"2024-01-02", int64(1), "Los Angeles", nil},
		[]any{nil, int64(1), strings.Repeat("long", 15)[:40], nil})
	want := "pLosAngeles_20240102:2 pLosAngeles_20240102_62c1373:1 pa5fe9_NULL:1 pLosAngeles_NULL:1 p" + strings.Repeat("long", 10) + "_NULL:1"
	if got := inParts(tab); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if javaHash("hello") != 99162322 {
		t.Error(javaHash("hello"))
	}
}

// Every row is in exactly one partition and one tablet, whatever the bounds.
func TestEveryRowOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ends := rapid.SliceOfNDistinct(rapid.Int64Range(-20, 20), 1, 6, rapid.ID[int64]).Draw(t, "ends")
		slices.Sort(ends)
		var parts []PartitionDef
		for i, e := range ends {
			parts = append(parts, lessThan(fmt.Sprint("p", i), fmt.Sprint(e)))
		}
		tab := oneTable(t, Schema{Keys: []string{"a"}, Model: Primary, Buckets: rapid.IntRange(1, 5).Draw(t, "buckets"),
			Columns:      []Column{{Name: "a", Type: Type{Kind: Int}}, {Name: "v", Type: Type{Kind: Int}}},
			Partitioning: &Partitioning{Columns: []string{"a"}, Parts: parts}})
		want := map[int64]int64{}
		for range rapid.IntRange(1, 4).Draw(t, "commits") {
			b := tab.NewBatch(nil)
			for range rapid.IntRange(0, 12).Draw(t, "rows") {
				k, v := rapid.Int64Range(-25, 25).Draw(t, "k"), rapid.Int64Range(0, 9).Draw(t, "v")
				err := b.Add([]any{k, v}, Upsert)
				if (err == nil) != (k < ends[len(ends)-1]) {
					t.Fatalf("%d with ends %v: %v", k, ends, err)
				}
				if err == nil {
					want[k] = v
				}
			}
			if err := tab.Commit(b); err != nil {
				t.Fatal(err)
			}
		}
		snap := tab.Snapshot()
		got := map[int64]int64{}
		var inTablets int64
		for i, p := range tab.Partitions() {
			only, err := snap.Partitioned([]string{p.Name}, false)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range readAll(only, 2) {
				k := r[0].(int64)
				if _, twice := got[k]; twice || k >= ends[i] || i > 0 && k < ends[i-1] {
					t.Fatalf("row %v in partition %d of ends %v", r, i, ends)
				}
				got[k] = r[1].(int64)
			}
			for _, tablet := range p.Tablets {
				part, err := snap.Tablets([]int64{tablet.ID})
				if err != nil {
					t.Fatal(err)
				}
				if n := int64(len(readAll(part, 2))); n != tablet.Rows || n != part.NumRows() {
					t.Fatalf("tablet of %d rows says %d", n, tablet.Rows)
				}
				inTablets += tablet.Rows
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || inTablets != int64(len(want)) || tab.NumRows() != inTablets {
			t.Fatalf("%v in %d tablet rows, want %v", got, inTablets, want)
		}
	})
}

func TestAlterPartitions(t *testing.T) {
	tab := oneTable(t, byDay(&Partitioning{Columns: []string{"dt"}, Parts: []PartitionDef{lessThan("p1", "2024-01-01"), lessThan("p2", "2024-02-01")}}))
	put(t, tab, []any{"2023-12-31", int64(1), nil, nil}, []any{"2024-01-05", int64(2), nil, nil})
	add := func(temporary, ifNot bool, d ...PartitionDef) error { return tab.AddPartitions(d, temporary, ifNot) }
	var same *SamePartitionName
	if err := add(false, false, lessThan("P1", "2025-01-01")); !errors.As(err, &same) {
		t.Error(err)
	}
	if err := add(false, true, lessThan("p1", "2025-01-01"), lessThan("p3", "2024-03-01")); err != nil {
		t.Error(err)
	}
	if err := add(false, false, PartitionDef{Name: "px", Lower: bound("2024-02-10"), Upper: bound("2024-05-01")}); err == nil ||
		!strings.Contains(err.Error(), "is intersected with range: [types: [DATE]; keys: [2024-02-01]") {
		t.Error(err)
	}
	planned := tab.NewBatch(nil)
	if err := errors.Join(planned.Add([]any{"2024-01-06", int64(3), nil, nil}, Upsert), planned.Add([]any{"2024-02-06", int64(4), nil, nil}, Upsert)); err != nil {
		t.Fatal(err)
	}
	before := tab.Partitions()[1]
	if err := tab.TruncatePartitions([]string{"p2"}); err != nil {
		t.Fatal(err)
	}
	if after := tab.Partitions()[1]; after.ID == before.ID || after.Tablets[0].ID == before.Tablets[0].ID || after.Rows != 0 {
		t.Errorf("%+v", after)
	}
	if err := tab.Commit(planned); err != nil {
		t.Fatal(err)
	}
	if got := inParts(tab); got != "p1:1 p2:0 p3:1" {
		t.Errorf("%s: the row for the truncated partition is lost", got)
	}
	// A temporary partition is loaded, read and put in the place of another.
	if err := add(true, false, lessThan("tp", "2024-01-15"), lessThan("tq", "2024-02-01")); err != nil {
		t.Fatal(err)
	}
	if got := tab.Partitions()[3].Range; got != "[types: [DATE]; keys: [0000-01-01]; ..types: [DATE]; keys: [2024-01-15]; )" {
		t.Error(got)
	}
	b := tab.NewBatch(nil)
	if err := errors.Join(b.SetPartitions([]string{"tp", "tq"}, true), b.Add([]any{"2024-01-20", int64(9), nil, nil}, Upsert), tab.Commit(b)); err != nil {
		t.Fatal(err)
	}
	if tab.NumRows() != 2 || len(read(tab)) != 2 {
		t.Error("rows of a temporary partition are read")
	}
	if err := tab.ReplacePartitions([]string{"p2"}, []string{"tp", "tq"}, true, false); err == nil {
		t.Error("replaced a range by a wider one")
	}
	if err := tab.ReplacePartitions([]string{"p1", "p2"}, []string{"tp", "tq"}, true, true); err != nil {
		t.Fatal(err)
	}
	if got := inParts(tab); got != "tp:0 tq:1 p3:1" {
		t.Error(got)
	}
	if err := errors.Join(tab.RenamePartition("tq", "q"), tab.DropPartitions([]string{"tp"}, false, false), tab.DropPartitions([]string{"tp"}, false, true)); err != nil {
		t.Error(err)
	}
	var missing *MissingPartition
	if err := tab.DropPartitions([]string{"q", "tp"}, false, false); !errors.As(err, &missing) {
		t.Error(err)
	}
	if got := inParts(tab); got != "q:1 p3:1" || !strings.Contains(tab.Schema().Partition, "PARTITION q VALUES [(\"2024-01-15\"), (\"2024-02-01\"))") {
		t.Error(got, tab.Schema().Partition)
	}
	tab.Truncate()
	if got := inParts(tab); got != "q:0 p3:0" {
		t.Error(got)
	}
}

func TestBadPartitioning(t *testing.T) {
	for name, p := range map[string]*Partitioning{
		"unknown column": {Columns: []string{"zz"}},
		"no column":      {},
		"twice":          {Columns: []string{"dt", "DT"}},
		"text range":     {Columns: []string{"city"}},
		"bad bound":      {Columns: []string{"dt"}, Parts: []PartitionDef{lessThan("p", "soon")}},
		"empty range":    {Columns: []string{"dt"}, Parts: []PartitionDef{{Name: "p", Lower: bound("2024-01-02"), Upper: bound("2024-01-02")}}},
		"same name":      {Columns: []string{"dt"}, Parts: []PartitionDef{lessThan("p", "2024-01-01"), lessThan("P", "2024-02-01")}},
		"list null":      {Kind: ListPartitions, Columns: []string{"n"}, Parts: []PartitionDef{{Name: "p", Values: [][]*string{{nil}}}}},
		"list width":     {Kind: ListPartitions, Columns: []string{"n"}, Parts: []PartitionDef{{Name: "p", Values: [][]*string{{text("1"), text("2")}}}}},
		"grain of text":  {Columns: []string{"city"}, Automatic: true, Grain: Grain{"date_trunc", "day", 1}},
	} {
		st := New(Options{})
		if err := st.CreateDatabase("d"); err != nil {
			t.Fatal(err)
		}
		if _, err := st.CreateTable("d", "t", byDay(p)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	s := byDay(&Partitioning{Columns: []string{"at"}})
	s.Model = Primary
	if _, err := s.checked(); err == nil {
		t.Error("a value column parts a keyed table")
	}
}
