package store

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// Loads, schema changes, partition changes, readers and Save at the same time: every
// reader sees whole rows of one schema, and nothing is lost that was committed into
// partitions that stay.
func TestEverythingAtOnce(t *testing.T) {
	s := byDay(&Partitioning{Kind: ListPartitions, Columns: []string{"city"}, Automatic: true})
	tab := tableIn(t, Options{AlterTakes: time.Nanosecond}, s)
	dir := t.TempDir()
	var loaders, others sync.WaitGroup
	done := make(chan struct{})
	const rounds, rows = 60, 20
	for w := range 2 {
		loaders.Go(func() {
			for r := range rounds {
				b := tab.NewBatch([]int{0, 1, 2})
				for i := range rows {
					if err := b.Add([]any{"2024-01-02", int64(r), fmt.Sprintf("c%d_%d", w, i%5)}, Upsert); err != nil {
						t.Error(err)
						return
					}
				}
				if err := tab.Commit(b); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	repeat := func(f func(n int)) {
		others.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
					f(n)
				}
			}
		})
	}
	repeat(func(n int) {
		name := fmt.Sprint("x", n)
		if err := tab.AlterColumns(addInt(name, text("3"))); err != nil {
			t.Error(err)
		}
		if err := tab.AlterColumns(DropColumn{Name: name}); err != nil {
			t.Error(err)
		}
	})
	repeat(func(int) {
		snap := tab.Snapshot()
		width := len(snap.Schema().Columns)
		for _, r := range readAll(snap, width) {
			if r[0] != "2024-01-02" || width == 5 && r[4] != int64(3) {
				t.Errorf("row %v of %d columns", r, width)
				return
			}
		}
		tab.Partitions()
		tab.Memory()
	})
	repeat(func(int) {
		if err := tab.store.Save(dir); err != nil {
			t.Error(err)
		}
	})
	loaders.Wait()
	close(done)
	others.Wait()
	if n := tab.NumRows(); n != 2*rounds*rows || len(tab.Partitions()) != 10 {
		t.Errorf("%d rows in %d partitions", n, len(tab.Partitions()))
	}
}
