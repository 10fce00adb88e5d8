package starrocks

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"pgregory.net/rapid"
)

// clock is a time that only moves when it is told to.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func clockedTide(max limits) (*tide, *clock) {
	c := &clock{at: time.Unix(1_700_000_000, 0)}
	t := newTide(max)
	t.now = c.now
	return t, c
}

// usual allows 2^levels times the least, so that a level doubles.
var usual = limits{rows: leastRows << levels, bytes: leastBytes << levels, wait: leastWait << levels}

func doubled(n int) limits {
	return limits{rows: leastRows << n, bytes: leastBytes << n, wait: leastWait << n}
}

func TestTide(t *testing.T) {
	type load struct {
		after, took       time.Duration
		crowded, strained bool
	}
	quick := load{after: 100 * time.Millisecond, took: 50 * time.Millisecond}
	rare := load{after: time.Minute, took: 10 * time.Millisecond}
	times := func(n int, l load) (out []load) {
		for range n {
			out = append(out, l)
		}
		return out
	}
	join := func(lists ...[]load) (out []load) {
		for _, l := range lists {
			out = append(out, l...)
		}
		return out
	}
	for _, tc := range []struct {
		name  string
		max   limits
		loads []load
		want  limits
	}{
		{"begins low", usual, nil, doubled(0)},
		{"limits below the least stay", limits{10, 1000, 100 * time.Millisecond}, times(5, quick), limits{10, 1000, 100 * time.Millisecond}},
		{"the first load teaches nothing", usual, times(1, quick), doubled(0)},
		{"loads close together grow", usual, times(3, quick), doubled(4)},
		{"and reach what the job allows", usual, times(20, quick), usual},
		{"loads that take as long as rows wait grow", usual, times(3, load{after: time.Hour, took: 20 * time.Second}), doubled(4)},
		{"neither close nor rare: as it was", usual, join(times(4, quick), times(9, load{after: 1500 * time.Millisecond})), doubled(6)},
		{"rare and quick loads shrink", usual, join(times(10, quick), times(3, rare)), doubled(13)},
		{"rare but slow loads do not", usual, join(times(3, quick), times(3, load{after: time.Minute, took: 3 * time.Second})), doubled(4)},
		{"down to the least", usual, join(times(20, quick), times(200, rare)), doubled(0)},
		{"crowding is answered at once", usual, times(1, load{crowded: true}), doubled(4)},
		{"and remembered", usual, join(times(1, load{crowded: true}), times(20, rare)), doubled(4)},
		{"for a while", usual, join(times(1, load{crowded: true}), times(21, rare)), doubled(3)},
		{"lack of memory makes loads smaller", usual, join(times(20, quick), times(1, load{strained: true})), doubled(12)},
		{"and keeps them so", usual, join(times(20, quick), times(1, load{strained: true}), times(20, quick)), doubled(12)},
		{"for a while, too", usual, join(times(20, quick), times(1, load{strained: true}), times(21, quick)), doubled(14)},
		{"the limits move together", limits{16_000, 1 << 20, 2 * time.Second}, join(times(1, quick), times(4, quick)),
			limits{4000, 512 << 10, 1414213562}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tide, clock := clockedTide(tc.max)
			for _, l := range tc.loads {
				clock.at = clock.at.Add(l.after)
				tide.learn(l.took, l.crowded, l.strained)
			}
			if got := tide.most(); got != tc.want {
				t.Errorf("%+v (%s), want %+v", got, got, tc.want)
			}
		})
	}
}

// Whatever happens, the limits stay between their least and what the job allows.
func TestTideStaysInItsBanks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		max := limits{rows: rapid.IntRange(1, 5_000_000).Draw(rt, "rows"), bytes: rapid.Int64Range(1, 1<<34).Draw(rt, "bytes"),
			wait: time.Duration(rapid.Int64Range(1, 3_600_000).Draw(rt, "ms")) * time.Millisecond}
		tide, clock := clockedTide(max)
		for range rapid.IntRange(0, 200).Draw(rt, "loads") {
			clock.at = clock.at.Add(time.Duration(rapid.Int64Range(0, int64(5*time.Second)).Draw(rt, "after")))
			tide.learn(time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(rt, "took")), rapid.Bool().Draw(rt, "crowded"), rapid.Bool().Draw(rt, "strained"))
			m := tide.most()
			if m.rows > max.rows || m.bytes > max.bytes || m.wait > max.wait ||
				m.rows < min(leastRows, max.rows) || m.bytes < min(leastBytes, max.bytes) || m.wait < min(leastWait, max.wait) {
				rt.Fatalf("%+v, the job allows %+v", m, max)
			}
		}
	})
}

// Loads on the wire: small at first, growing while they come fast, never beyond what the job allows.
func TestAdaptiveFlush(t *testing.T) {
	for _, adaptive := range []bool{false, true} {
		f := newFakeCluster(t)
		s := newSession(t)
		r := s.mustOpen(params(f, fmt.Sprintf(`"adaptiveFlush":%v,"column":["id","city"],"maxBatchRows":4000,"sink.parallelism":3`, adaptive)), 64<<20)
		notes := strings.Join(r.Notes, "\n")
		if strings.Contains(notes, "adaptiveFlush: loads begin with up to 1000 rows, 262144 bytes, and wait 1s; they never exceed 4000 rows") != adaptive ||
			!strings.Contains(notes, "sink.parallelism 3 is not in force: setting.speed.concurrent gives 1 lanes") {
			t.Errorf("notes %q", r.Notes)
		}
		st := s.lane("0")
		seq := uint64(0)
		for range 9 { // the first teaches nothing, eight steps lead to the top
			seq++
			st.send(seq, "", people(0, 10, func(int) string { return "x" }))
			if _, err := s.client.Flush(context.Background(), &v1.FlushRequest{Sequence: seq}); err != nil {
				t.Fatal(err)
			}
			if seq == 1 {
				seq++
				st.send(seq, "", people(0, 3000, func(int) string { return "x" }))
				if _, err := s.client.Flush(context.Background(), &v1.FlushRequest{Sequence: seq}); err != nil {
					t.Fatal(err)
				}
			}
		}
		st.send(seq+1, "", people(0, 9000, func(int) string { return "x" }))
		if a := st.mustFinish(); a.Landed != 12_090 {
			t.Errorf("%v", a)
		}
		var rows []string
		for _, l := range f.seen() {
			rows = append(rows, fmt.Sprint(l.rows))
		}
		got, want := strings.Join(rows, " "), "10 3000 10 10 10 10 10 10 10 10 4000 4000 1000"
		if adaptive {
			want = "10 1000 1000 1000 10 10 10 10 10 10 10 10 4000 4000 1000"
		}
		if got != want {
			t.Errorf("adaptive %v: loads of %s rows, want %s", adaptive, got, want)
		}
	}
}

// A table that has too many versions gets larger loads from then on.
func TestAdaptiveFlushUnderVersions(t *testing.T) {
	t.Parallel() // a table with too many versions is left alone for ten seconds
	f := newFakeCluster(t)
	told := false
	f.answer = func(l fakeLoad) string {
		if told {
			return ""
		}
		told = true
		return `{"Status":"Fail","Message":"Failed to load data into tablet 1, because of too many versions, current/limit: 1002/1000."}`
	}
	s := newSession(t)
	s.mustOpen(params(f, `"adaptiveFlush":true,"column":["id","city"],"maxBatchRows":16000`), 64<<20)
	st := s.lane("0")
	st.send(1, "", people(0, 1000, func(int) string { return "x" }))
	if _, err := s.client.Flush(context.Background(), &v1.FlushRequest{Sequence: 1}); err != nil {
		t.Fatal(err)
	}
	st.send(2, "", people(1000, 3000, func(int) string { return "x" }))
	if a := st.mustFinish(); a.Landed != 4000 {
		t.Errorf("%v", a)
	}
	var rows []int
	for _, l := range f.seen() {
		rows = append(rows, l.rows)
	}
	if got, want := fmt.Sprint(rows), "[1000 1000 2000 1000]"; got != want { // the first twice
		t.Errorf("loads of %s rows, want %s", got, want)
	}
}

func TestPace(t *testing.T) {
	c := &clock{at: time.Unix(1_700_000_000, 0)}
	p := newPace(time.Second)
	var slept []time.Duration
	p.now = c.now
	p.sleep = func(ctx context.Context, d time.Duration) error {
		slept = append(slept, d)
		c.at = c.at.Add(d)
		if len(slept) == 2 { // another lane's load into the table ends meanwhile
			p.done("d.t")
		}
		return ctx.Err()
	}
	wait := func(table string, want ...time.Duration) {
		t.Helper()
		slept = nil
		if err := p.wait(t.Context(), table); err != nil || fmt.Sprint(slept) != fmt.Sprint(want) {
			t.Errorf("%s waited %v, want %v: %v", table, slept, want, err)
		}
	}
	wait("d.t")
	p.done("d.t")
	c.at = c.at.Add(300 * time.Millisecond)
	wait("d.u")
	wait("d.t", 700*time.Millisecond)
	wait("d.t")
	p.done("d.t")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.wait(ctx, "d.t"); err == nil {
		t.Error("a stopped job waits")
	}
}

// On the wire no load begins before the table has rested, over two lanes.
func TestFlushPause(t *testing.T) {
	for _, key := range []string{`"flushPauseMs":150`, `"realFlushPauseSec":"0.15"`} {
		f := newFakeCluster(t)
		s := newSession(t)
		s.mustOpen(params(f, key+`,"maxBatchRows":1`), 64<<20)
		st := s.lane("0")
		st.send(1, "", documents(`{"id":1}`, `{"id":2}`, `{"id":3}`))
		if a := st.mustFinish(); a.Landed != 3 {
			t.Errorf("%v", a)
		}
		loads := f.seen()
		for i := 1; i < len(loads); i++ {
			if gap := loads[i].at.Sub(loads[i-1].at); gap < 150*time.Millisecond {
				t.Errorf("%s: load %d came %s after the one before", key, i+1, gap)
			}
		}
	}
	if newPace(0).wait(context.Background(), "d.t") != nil {
		t.Error("no pause, and yet it waits")
	}
}
