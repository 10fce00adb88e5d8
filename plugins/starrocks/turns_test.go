package starrocks

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	"pgregory.net/rapid"
)

// Whatever comes in whatever order: the loads of a table go one after the other as they were offered, no more at once than may,
// and every load goes.
func TestTurns(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		most, room := rapid.IntRange(1, 4).Draw(rt, "most"), rapid.IntRange(1, 4).Draw(rt, "room")
		turns := newTurns(most, room)
		var mu sync.Mutex
		got, busy, crowd := map[string][]int{}, map[string]bool{}, 0
		free := make(chan struct{}, 1)
		var senders sync.WaitGroup
		started := 0
		turns.begin = func() {
			started++
			senders.Go(func() {
				for ld := turns.next(); ld != nil; {
					mu.Lock()
					if table := ld.target.table; busy[table] {
						t.Errorf("two loads into %s at once", table)
					}
					busy[ld.target.table] = true
					crowd = max(crowd, len(busy))
					got[ld.target.table] = append(got[ld.target.table], ld.rows)
					mu.Unlock()
					mu.Lock()
					delete(busy, ld.target.table)
					mu.Unlock()
					next := turns.sent(ld)
					select {
					case free <- struct{}{}:
					default:
					}
					if ld = next; ld == nil {
						ld = turns.next()
					}
				}
			})
		}
		want := map[string][]int{}
		n := rapid.IntRange(0, 60).Draw(rt, "loads")
		for i := range n {
			table := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(rt, "table")
			want[table] = append(want[table], i)
			for ld := (&load{target: &target{table: table}, rows: i}); !turns.offer(ld); {
				<-free
			}
		}
		landed := func() (k int) {
			mu.Lock()
			defer mu.Unlock()
			for _, loads := range got {
				k += len(loads)
			}
			return k
		}
		for landed() < n {
			<-free
		}
		turns.end()
		senders.Wait()
		if fmt.Sprint(got) != fmt.Sprint(want) || crowd > most || started > most {
			rt.Fatalf("got %v, want %v, %d at once, %d senders", got, want, crowd, started)
		}
	})
}

// Tables do not wait for each other: as many as may are loaded at once, and one load at a time into each.
func TestTablesAtOnce(t *testing.T) {
	for atOnce := 1; atOnce <= 3; atOnce++ {
		f := newFakeCluster(t)
		f.gate = make(chan struct{})
		s := newSession(t)
		s.mustOpen(params(f, fmt.Sprintf(`"maxBatchRows":1,"tablesAtOnce":%d,"flushQueueLength":8`, atOnce)), 64<<20)
		st := s.lane("0")
		for i := range 8 {
			st.send(uint64(i+1), string(rune('u'+i%4)), documents(fmt.Sprintf(`{"id":%d}`, i)))
		}
		flying := func() int {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.flying[""]
		}
		for flying() < atOnce { // a load that is not sent beside the others hangs the test
			time.Sleep(time.Millisecond)
		}
		close(f.gate)
		if a := st.mustFinish(); a.Landed != 8 || a.Loads != 8 {
			t.Errorf("%v", a)
		}
		for path, n := range f.crowds {
			if want := map[bool]int{true: atOnce, false: 1}[path == ""]; n != want {
				t.Errorf("%d at once: %d loads into %q", atOnce, n, path)
			}
		}
	}
}

// A load that fails for good ends the lane, whatever goes on beside it.
func TestAFailureBesideOthers(t *testing.T) {
	f := newFakeCluster(t)
	f.answer = func(l fakeLoad) string {
		if strings.Contains(l.path, "/v/") {
			return `{"Status":"Fail","Message":"too many filtered rows","NumberTotalRows":1,"NumberFilteredRows":1}`
		}
		return ""
	}
	s := newSession(t)
	s.mustOpen(params(f, `"maxBatchRows":1`), 64<<20)
	st := s.lane("0")
	for i := range 9 {
		st.send(uint64(i+1), []string{"u", "v", "w"}[i%3], documents(fmt.Sprintf(`{"id":%d}`, i)))
	}
	if fault := protocol.AsFault(st.finish()); fault == nil || !strings.Contains(fault.What, "d.v") {
		t.Fatalf("%+v", fault)
	}
	n := 0
	for _, l := range f.seen() {
		if strings.Contains(l.path, "/v/") {
			n++
		}
	}
	if n != 1 || st.done[2] != 0 {
		t.Errorf("%d loads into the table that refused one, done %v", n, st.done)
	}
}

// Where there is no more room for rows, the biggest load of all tables goes first, and those that are small gather on.
func TestTheBiggestLoadMakesRoom(t *testing.T) {
	f := newFakeCluster(t)
	s := newSession(t)
	const mem = 4 << 20
	s.mustOpen(params(f, `"maxBatchSize":2000000,"tablesAtOnce":1`), mem)
	st := s.lane("0")
	small, big := `{"id":1}`, `{"pad":"`+strings.Repeat("x", 1<<20)+`"}`
	st.send(1, "small", documents(small))
	st.send(2, "smaller", documents(small))
	for seq := range 6 {
		st.send(uint64(seq+3), []string{"b1", "b2", "b3"}[seq%3], documents(big))
	}
	a := st.mustFinish()
	var order []string
	for _, l := range f.seen() {
		order = append(order, strings.Split(l.path, "/")[3])
	}
	if a.Landed != 8 || a.FlushReasons["memory"] == 0 || slices.Index(order, "small") < 2 || slices.Index(order, "smaller") < 2 {
		t.Errorf("%v, %v", order, a)
	}
	if a.FlushReasons["end"] < 2 {
		t.Errorf("%v", a.FlushReasons)
	}
}
