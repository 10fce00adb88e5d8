package store

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Rows are the same whether a commit copied its vectors or gave them away, wherever
// its rows fall on chunks, and later rows do not reach those that a snapshot reads.
func TestVectorsGivenAway(t *testing.T) {
	s := New(Options{})
	if err := s.CreateDatabase("d"); err != nil {
		t.Fatal(err)
	}
	tab, err := s.CreateTable("d", "t", Schema{Columns: []Column{
		{Name: "k", Type: Type{Kind: Int}}, {Name: "v", Type: Type{Kind: Varchar, Length: 20}, Nullable: true},
		{Name: "a", Type: Type{Kind: BigInt}, AutoIncrement: true}, {Name: "f", Type: Type{Kind: Double}, Nullable: true},
		{Name: "w", Type: Type{Kind: LargeInt}, Nullable: true}, {Name: "x", Type: Type{Kind: Varchar, Length: 5}, Default: text("left")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	var snapshots []*Snapshot
	for round, rows := range []int{10, chunkRows - 20, 30, 1, chunkRows - 21, chunkRows, 2*chunkRows + 5, 3, 1100} {
		b := tab.NewBatch([]int{4, 1, 0, 3})
		for range rows {
			cells := [][]byte{fmt.Append(nil, total*3), fmt.Appendf(nil, "v%d", total), fmt.Append(nil, total), fmt.Append(nil, total/2)}
			if total%7 == 0 && round%2 == 0 {
				cells[0], cells[1], cells[3] = nil, nil, nil
			}
			if err := b.AddText(cells, true, Upsert); err != nil {
				t.Fatal(err)
			}
			if total++; b.Len() == 1000 {
				b.Reserve(rows + rows/50)
			}
		}
		if err := tab.Commit(b); err != nil {
			t.Fatal(err)
		}
		snapshots = append(snapshots, tab.Snapshot())
	}
	for round, snap := range snapshots {
		row, i := make([]any, 6), 0
		for c := snap.Cursor(nil); c.Next(row); i++ {
			if round < len(snapshots)-1 && i%101 != 0 && int64(i) < snap.NumRows()-20 {
				continue // the last one shows all
			}
			want := fmt.Sprintf("[%d v%d %d %d %d left]", i, i, i+1, i/2, i*3)
			got := fmt.Sprint(row)
			if row[1] == nil && i%7 == 0 && row[3] == nil && row[4] == nil {
				want = fmt.Sprintf("[%d <nil> %d <nil> <nil> left]", i, i+1)
			}
			if got != want {
				t.Fatalf("snapshot %d has %s, want %s", round, got, want)
			}
		}
		if int64(i) != snap.NumRows() {
			t.Errorf("snapshot %d has %d rows and says %d", round, i, snap.NumRows())
		}
	}
	if n := tab.NumRows(); n != int64(total) {
		t.Errorf("%d rows of %d", n, total)
	}
}

// What a body is said to be long is not believed beyond a bound.
func TestReserveIsBounded(t *testing.T) {
	s := New(Options{})
	if err := s.CreateDatabase("d"); err != nil {
		t.Fatal(err)
	}
	tab, err := s.CreateTable("d", "t", Schema{Columns: []Column{{Name: "k", Type: Type{Kind: Int}}, {Name: "v", Type: Type{Kind: Varchar, Length: 20}, Nullable: true}}})
	if err != nil {
		t.Fatal(err)
	}
	b := tab.NewBatch(nil)
	b.Reserve(1 << 40)
	if err := b.AddText([][]byte{[]byte("1"), []byte("some text")}, true, Upsert); err != nil {
		t.Fatal(err)
	}
	b.Reserve(1 << 40)
	room := int64(0)
	for i := range b.vectors {
		room += b.vectors[i].memory()
	}
	if room < mostReserved/2 || room > 2*mostReserved {
		t.Errorf("%d bytes", room)
	}
	b.Reserve(1)
	if err := tab.Commit(b); err != nil {
		t.Error(err)
	}
}

// A promised batch is committed whatever becomes of its tables.
func TestPromise(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	s := New(Options{Now: func() time.Time { return now }})
	if err := s.CreateDatabase("d"); err != nil {
		t.Fatal(err)
	}
	make2 := func(name string, model Model) *Table {
		t.Helper()
		tab, err := s.CreateTable("d", name, Schema{Model: model, Keys: []string{"k"}, Columns: []Column{
			{Name: "k", Type: Type{Kind: Int}}, {Name: "v", Type: Type{Kind: Int}, Nullable: true}, {Name: "n", Type: Type{Kind: Int}, Nullable: true}}})
		if err != nil {
			t.Fatal(err)
		}
		return tab
	}
	batch := func(tab *Table, values ...any) *Batch {
		t.Helper()
		b := tab.NewBatch(nil)
		if err := b.Add(values, Upsert); err != nil {
			t.Fatal(err)
		}
		return b
	}
	unique, gone, pk := make2("unique", Unique), make2("gone", Duplicate), make2("pk", Primary)
	all := []*Batch{batch(unique, int64(1), int64(2), int64(3)), batch(gone, int64(1), nil, nil), batch(pk, int64(1), int64(2), int64(3)), batch(pk, int64(1), int64(9), int64(4))}
	all[2].SetMergeCondition(2)
	if err := s.Promise(all); err != nil {
		t.Fatal(err)
	}
	if err := s.DropTable("d", "gone"); err != nil {
		t.Fatal(err)
	}
	if err := unique.AlterColumns(AddColumn{Column: Column{Name: "k2", Type: Type{Kind: Int}, Key: true, Default: text("5")}, After: "k"}, DropColumn{Name: "v"}); err != nil {
		t.Fatal(err)
	}
	if err := pk.AlterColumns(DropColumn{Name: "v"}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour) // the change that rewrites rows is done
	s.SetMaxVersions(1)
	s.SetCompactEvery(-1)
	if err := s.CommitAll(all); err != nil {
		t.Fatal(err)
	}
	if got := lines(read(unique)); got != "1|5|3" {
		t.Errorf("unique: %s", got)
	}
	if got := lines(read(pk)); got != "1|4" {
		t.Errorf("pk: %s", got)
	}
	late := batch(unique, int64(7), int64(7), int64(7))
	if err := s.DropTable("d", "unique"); err != nil {
		t.Fatal(err)
	}
	if err := s.Promise([]*Batch{late}); err == nil || !strings.HasPrefix(err.Error(), "Unknown table") {
		t.Error(err)
	}
	if err := s.Promise([]*Batch{batch(pk, int64(2), int64(2))}); err == nil {
		t.Error("promised beyond the limit of versions")
	}
}
