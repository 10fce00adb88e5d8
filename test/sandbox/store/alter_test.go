package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/sandbox/release"
)

// movable is a clock that tests move.
type movable struct{ t time.Time }

func (m *movable) now() time.Time { return m.t }

func startAt() *movable { return &movable{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func tableIn(t fataler, o Options, s Schema) *Table {
	t.Helper()
	st := New(o)
	if err := st.CreateDatabase("d"); err != nil {
		t.Fatal(err)
	}
	tab, err := st.CreateTable("d", "t", s)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestTooManyVersions(t *testing.T) {
	c := startAt()
	tab := tableIn(t, Options{Now: c.now, MaxVersions: 3}, byDay(&Partitioning{Columns: []string{"dt"}, Parts: []PartitionDef{lessThan("p1", "2024-01-01"), lessThan("p2", "2024-02-01")}}))
	load := func(day string) error {
		b := tab.NewBatch(nil)
		if err := b.Add([]any{day, int64(1), nil, nil}, Upsert); err != nil {
			t.Fatal(err)
		}
		return tab.Commit(b)
	}
	for range 3 {
		if err := load("2023-01-01"); err != nil {
			t.Fatal(err)
		}
	}
	var many *TooManyVersions
	err := load("2023-01-01")
	if !errors.As(err, &many) || many.Current != 4 || many.Limit != 3 || many.Tablet != tab.Partitions()[0].Tablets[0].ID {
		t.Fatal(err)
	}
	if !strings.Contains(err.Error(), "because of too many versions, current/limit: 4/3. You can reduce the loading job concurrency") {
		t.Error(err)
	}
	if err := load("2024-01-01"); err != nil {
		t.Error("the other partition has one version:", err)
	}
	if err := tab.CheckVersions(); !errors.As(err, &many) {
		t.Error(err)
	}
	// A load that was open before the limit was reached still commits.
	b := tab.NewBatch(nil)
	if err := b.SetPartitions([]string{"p2"}, false); err != nil {
		t.Fatal(err)
	}
	if err := b.CheckVersions(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := load("2024-01-01"); err != nil {
			t.Fatal(err)
		}
	}
	if err := load("2024-01-01"); err == nil {
		t.Error("a fifth version")
	}
	if err := errors.Join(b.Add([]any{"2024-01-03", int64(1), nil, nil}, Upsert), tab.Commit(b)); err != nil {
		t.Error(err)
	}
	tab.Compact()
	if err := load("2023-01-01"); err != nil || tab.Partitions()[0].Tablets[1].Versions != 2 {
		t.Error(err, tab.Partitions()[0])
	}
	for range 2 {
		if err := load("2023-01-01"); err != nil {
			t.Fatal(err)
		}
	}
	if err := load("2023-01-01"); err == nil {
		t.Error("no limit after a compaction")
	}
	c.t = c.t.Add(time.Second)
	if err := load("2023-01-01"); err != nil {
		t.Error("a second later the versions are merged:", err)
	}
	tab.store.SetCompactEvery(-1)
	tab.store.SetMaxVersions(0)
	c.t = c.t.Add(time.Hour)
	for i := range DefaultMaxVersions + 10 {
		if err := load("2023-01-01"); err != nil {
			if i < DefaultMaxVersions-2 || !strings.Contains(err.Error(), "current/limit: 1001/1000") {
				t.Error(i, err)
			}
			return
		}
	}
	t.Error("no limit")
}

// A server that keeps up with compaction takes any number of loads in a row.
func TestManyLoadsInNoTime(t *testing.T) {
	tab := tableIn(t, Options{Now: startAt().now}, keyed(Primary))
	for i := range 5000 {
		b := tab.NewBatch(nil)
		if err := errors.Join(b.Add([]any{int64(i), "b", nil, nil}, Upsert), tab.Commit(b)); err != nil {
			t.Fatal(i, err)
		}
	}
}

func addInt(name string, def *string) AddColumn {
	return AddColumn{Column: Column{Name: name, Type: Type{Kind: Int}, Nullable: def == nil, Default: def}}
}

func TestBatchesOverASchemaChange(t *testing.T) {
	c := startAt()
	tab := tableIn(t, Options{Now: c.now, AlterTakes: time.Minute}, keyed(Primary))
	early := tab.NewBatch(nil)
	named := tab.NewBatch([]int{0, 1, 2})
	fresh := tab.Schema()
	if err := errors.Join(early.Add([]any{int64(1), "a", int64(11), "text"}, Upsert), named.Add([]any{int64(2), "b", int64(22)}, Upsert)); err != nil {
		t.Fatal(err)
	}
	snap := tab.Snapshot()
	if err := tab.AlterColumns(addInt("z", text("7"))); err != nil {
		t.Fatal(err)
	}
	if err := tab.AlterColumns(DropColumn{Name: "y"}, ModifyColumn{Column: Column{Name: "x", Type: Type{Kind: BigInt}, Nullable: true}}); err != nil {
		t.Fatal(err)
	}
	var busy *NotNormal
	if err := tab.AlterColumns(addInt("more", nil)); !errors.As(err, &busy) {
		t.Error(err)
	}
	if s := tab.Schema(); s.Index("y") < 0 {
		t.Error("the change is done before its time")
	}
	c.t = c.t.Add(time.Minute)
	if s := tab.Schema(); s.Index("y") >= 0 || s.Columns[2].Type.Kind != BigInt {
		t.Errorf("%+v", s.Columns)
	}
	if err := tab.Commit(early); err == nil || !strings.Contains(err.Error(), "Unknown column 'y'") {
		t.Error(err)
	}
	if err := tab.Commit(named); err != nil {
		t.Error(err)
	}
	late := tab.NewBatchFor(fresh, []int{2, 1, 0}) // planned by the schema from before
	if err := errors.Join(late.Add([]any{int64(33), "c", int64(3)}, Upsert), tab.Commit(late)); err != nil {
		t.Error(err)
	}
	if got := lines(read(tab)); got != "2|b|22|7;3|c|33|7" {
		t.Error(got)
	}
	if len(readAll(snap, 4)) != 0 || len(snap.Schema().Columns) != 4 {
		t.Error("the snapshot changed")
	}
	if _, err := tab.DeleteFrom(snap, func([]any) bool { return true }); err == nil {
		t.Error("deleted by the columns of an old snapshot")
	}
	if jobs := tab.AlterJobs(); len(jobs) != 2 || jobs[1].State != AlterFinished || jobs[1].Finished != c.t {
		t.Errorf("%+v", jobs)
	}
	// A column that comes back under its name is another one.
	if err := tab.AlterColumns(addInt("y", nil)); err != nil {
		t.Fatal(err)
	}
	if err := tab.Commit(early); err == nil {
		t.Error("the batch fits a column of the same name")
	}
}

// Snapshots and the key index survive every kind of column change.
func TestSchemaChangeKeepsRows(t *testing.T) {
	for _, model := range []Model{Duplicate, Primary, Unique} {
		s := keyed(model)
		tab := tableIn(t, Options{Now: startAt().now, AlterTakes: time.Nanosecond}, s)
		c := startAt()
		tab.store.now = func() time.Time { c.t = c.t.Add(time.Second); return c.t }
		put(t, tab, []any{int64(1), "p", int64(-5), "one"}, []any{int64(2), "q", nil, nil}, []any{int64(3), "r", int64(7), "x"})
		if model != Duplicate {
			put(t, tab, []any{int64(2), "q", int64(6), "two"})
		}
		old := tab.Snapshot()
		before := lines(readAll(old, 4))
		for _, ch := range [][]ColumnChange{
			{ModifyColumn{Column: Column{Name: "x", Type: Type{Kind: LargeInt}, Nullable: true}, After: "y"}},
			{AddColumn{Column: Column{Name: "d", Type: Type{Kind: Date}, Default: text("2024-01-02")}, After: "b"}},
			{ModifyColumn{Column: Column{Name: "y", Type: Type{Kind: Varchar, Length: 30}, Nullable: true}}, ModifyColumn{Column: Column{Name: "d", Type: Type{Kind: DateTime}}}},
			{AddColumn{Column: Column{Name: "gone", Type: Type{Kind: Double}, Nullable: true}}}, {DropColumn{Name: "gone"}},
		} {
			if err := tab.AlterColumns(ch...); err != nil {
				t.Fatal(model, err)
			}
		}
		want := "1|p|2024-01-02 00:00:00|one|-5;2|q|2024-01-02 00:00:00|two|6;3|r|2024-01-02 00:00:00|x|7"
		if model == Duplicate {
			want = "1|p|2024-01-02 00:00:00|one|-5;2|q|2024-01-02 00:00:00|<nil>|<nil>;3|r|2024-01-02 00:00:00|x|7"
		}
		if got := lines(read(tab)); got != want {
			t.Errorf("%s: %s, want %s", model, got, want)
		}
		if got := lines(readAll(old, 4)); got != before {
			t.Errorf("%s: the snapshot became %s", model, got)
		}
		if model != Duplicate {
			put(t, tab, []any{int64(1), "p", "2025-01-01", "new", nil})
			if tab.NumRows() != 3 {
				t.Errorf("%s: %d rows, a key was not found again", model, tab.NumRows())
			}
		}
	}
}

func TestOldReleasesRewrite(t *testing.T) {
	tab := tableIn(t, Options{Release: release.All[0], AlterTakes: time.Hour}, keyed(Duplicate))
	if err := tab.AlterColumns(addInt("z", nil)); err != nil {
		t.Fatal(err)
	}
	err := tab.AlterColumns(addInt("w", nil))
	if err == nil || err.Error() != "Table[t]'s state is not NORMAL. Do not allow doing ALTER ops" {
		t.Error(err)
	}
	if err := tab.CancelAlter(); err != nil || len(tab.Schema().Columns) != 4 {
		t.Error(err)
	}
	if err := tab.CancelAlter(); err == nil {
		t.Error("cancelled nothing")
	}
}

func TestRefusedColumnChanges(t *testing.T) {
	for name, c := range map[string]struct {
		model  Model
		change ColumnChange
	}{
		"drop key":       {Primary, DropColumn{Name: "a"}},
		"drop unique":    {Unique, DropColumn{Name: "b"}},
		"modify key":     {Primary, ModifyColumn{Column: Column{Name: "a", Type: Type{Kind: BigInt}}}},
		"add key":        {Primary, AddColumn{Column: Column{Name: "c", Type: Type{Kind: Int}, Key: true}}},
		"narrower":       {Duplicate, ModifyColumn{Column: Column{Name: "x", Type: Type{Kind: SmallInt}, Nullable: true}}},
		"shorter":        {Duplicate, ModifyColumn{Column: Column{Name: "y", Type: Type{Kind: Varchar, Length: 5}, Nullable: true}}},
		"not null":       {Duplicate, ModifyColumn{Column: Column{Name: "x", Type: Type{Kind: Int}}}},
		"aggregate":      {Duplicate, AddColumn{Column: Column{Name: "s", Type: Type{Kind: Int}, Agg: "SUM"}}},
		"reserved":       {Duplicate, AddColumn{Column: Column{Name: "__op", Type: Type{Kind: Int}, Nullable: true}}},
		"auto increment": {Duplicate, AddColumn{Column: Column{Name: "s", Type: Type{Kind: BigInt}, AutoIncrement: true}}},
		"bad default":    {Duplicate, addInt("s", text("x"))},
	} {
		tab := tableIn(t, Options{}, keyed(c.model))
		if err := tab.AlterColumns(c.change); err == nil {
			t.Errorf("%s was accepted", name)
		}
		if len(tab.AlterJobs()) != 0 || len(tab.Schema().Columns) != 4 {
			t.Errorf("%s left something behind", name)
		}
	}
}
