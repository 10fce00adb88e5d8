package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type setup struct {
	plan  *plan.Plan
	r     *fakeReader
	w     *fakeWriter
	d     *memoryDirty
	drain time.Duration
	notes []string
}

func newSetup() *setup {
	return &setup{plan: newPlan(), r: &fakeReader{shards: 4, batches: 25}, w: &fakeWriter{}, d: &memoryDirty{}}
}

func (s *setup) run(t *testing.T, stop <-chan struct{}) (*Report, error) {
	t.Helper()
	e := &Engine{Plan: s.plan, Reader: s.r, Writer: s.w, Dirty: s.d, DrainBudget: s.drain, Note: func(n string) { s.notes = append(s.notes, n) }}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return e.Run(ctx, stop)
}

func TestBatchMovesEverythingAndCommitsTheEnd(t *testing.T) {
	s := newSetup()
	r, err := s.run(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Read != 1000 || r.Landed != 1000 || r.Outcome != "done" || r.Loads != 100 {
		t.Fatalf("%+v", r)
	}
	for shard, n := range s.w.got {
		if n != 25 || s.r.committed[shard] != 25 {
			t.Errorf("shard %s: written to %d, committed to %d", shard, n, s.r.committed[shard])
		}
	}
	if !s.w.started || !s.w.finished || !s.r.closed {
		t.Errorf("started %v, finished %v, closed %v", s.w.started, s.w.finished, s.r.closed)
	}
}

// Only a streaming job resumes: a batch job begins anew by what its document says.
func TestResumedReachesTheWriter(t *testing.T) {
	for _, c := range []struct{ streaming, resumes, want bool }{{true, true, true}, {true, false, false}, {false, true, false}} {
		s := newSetup()
		s.plan.Streaming, s.r.resumes = c.streaming, c.resumes
		if _, err := s.run(t, nil); err != nil || s.w.resumed != c.want {
			t.Errorf("%+v: resumed %v, %v", c, s.w.resumed, err)
		}
	}
}

func TestNoShardsIsDone(t *testing.T) {
	s := newSetup()
	s.r.shards = 0
	r, err := s.run(t, nil)
	if err != nil || r.Outcome != "done" || !s.w.started || !s.w.finished {
		t.Fatalf("%+v, %v", r, err)
	}
}

// A position moves only when every batch before it in its shard is acked, in whatever order acks come.
func TestPositionsFollowAcks(t *testing.T) {
	s := newSetup()
	s.plan.Lanes, s.r.shards, s.r.batches = 1, 1, 3
	var held []*v1.Ack
	s.w.ack = func(_ *fakeLane, f *wire.Frame) []*v1.Ack {
		if f.Sequence == 1 {
			held = append(held, landed(f)) // never sent
			return nil
		}
		return []*v1.Ack{landed(f)}
	}
	_, err := s.run(t, nil)
	if err == nil || !strings.Contains(err.Error(), "1 batches unanswered") {
		t.Fatalf("an unanswered batch gave %v", err)
	}
	if len(s.r.committed) != 0 || s.w.finished {
		t.Fatalf("committed %v past a batch that was never acked (finished %v)", s.r.committed, s.w.finished)
	}
}

func TestStopDrains(t *testing.T) {
	s := newSetup()
	s.plan.Streaming = true
	s.r.endless = true
	stop := make(chan struct{})
	time.AfterFunc(50*time.Millisecond, func() { close(stop) })
	r, err := s.run(t, stop)
	if err != nil || r.Outcome != "stopped" || !s.w.finished {
		t.Fatalf("%+v, %v", r, err)
	}
	if r.Read == 0 || r.Read != r.Landed || r.Landed != s.w.rows {
		t.Fatalf("read %d, landed %d, written %d", r.Read, r.Landed, s.w.rows)
	}
	for shard, n := range s.w.got {
		if s.r.committed[shard] != n {
			t.Errorf("shard %s: written to %d, committed to %d", shard, n, s.r.committed[shard])
		}
	}
}

func TestDrainHasABudget(t *testing.T) {
	s := newSetup()
	s.plan.Streaming, s.r.endless = true, true
	s.w.hold = make(chan struct{})
	s.drain = 50 * time.Millisecond
	stop := make(chan struct{})
	time.AfterFunc(20*time.Millisecond, func() { close(stop) })
	_, err := s.run(t, stop)
	if f := fault.Of(err); f == nil || f.Code != protocol.Stopped || s.w.finished {
		t.Fatalf("%v", err)
	}
}

func TestCancelEndsAtOnce(t *testing.T) {
	s := newSetup()
	s.plan.Streaming, s.r.endless = true, true
	s.w.hold = make(chan struct{})
	e := &Engine{Plan: s.plan, Reader: s.r, Writer: s.w, Dirty: s.d}
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(20*time.Millisecond, func() { cancel(protocol.Faultf(protocol.Stopped, "second signal")) })
	_, err := e.Run(ctx, nil)
	if err == nil || !strings.Contains(err.Error(), "second signal") {
		t.Fatalf("%v", err)
	}
}

func TestDirtyRecords(t *testing.T) {
	dirty := func(f *wire.Frame) {
		if f.Shard == "s0" && f.Sequence == 1 {
			f.Dirty = []*v1.Dirty{{Place: "offset 7", Reason: "no JSON", Record: []byte("{")}}
		}
	}
	t.Run("over the limit", func(t *testing.T) {
		s := newSetup()
		s.r.tamper = dirty
		_, err := s.run(t, nil)
		if fault.Exit(err) != fault.ExitDirtyLimit || !strings.Contains(fault.Text(err), "offset 7: no JSON") || s.w.finished {
			t.Fatalf("%v", fault.Text(err))
		}
	})
	t.Run("within the limit", func(t *testing.T) {
		s := newSetup()
		s.r.tamper = dirty
		one := int64(1)
		s.plan.ErrorLimit.Record = &one
		r, err := s.run(t, nil)
		if err != nil || r.Dirty != 1 || r.Read != 1001 || len(s.d.records) != 1 || s.d.synced != 1 || string(s.d.records[0].Record) != "{" {
			t.Fatalf("%+v %+v %v", r, s.d, err)
		}
	})
	t.Run("as many in the report as asked for", func(t *testing.T) {
		for _, shown := range []int{0, 3, 10} {
			s := newSetup()
			s.r.tamper = func(f *wire.Frame) { f.Dirty = []*v1.Dirty{{Place: fmt.Sprint(f.Sequence), Reason: "no JSON"}} }
			s.plan.ErrorLimit.Record, s.plan.ShownDirty = nil, shown
			if r, err := s.run(t, nil); err != nil || r.Dirty != 100 || len(r.DirtyKept) != shown || len(s.d.records) != 100 {
				t.Errorf("%d shown: %+v %v", shown, r, err)
			}
			none := int64(0)
			s = newSetup()
			s.r.tamper, s.plan.ErrorLimit.Record, s.plan.ShownDirty = dirty, &none, shown
			if _, err := s.run(t, nil); !strings.Contains(fault.Text(err), "offset 7: no JSON") {
				t.Errorf("%d shown: %v does not name the first", shown, err)
			}
		}
	})
	t.Run("share", func(t *testing.T) {
		s := newSetup()
		s.r.tamper = dirty
		share := 0.0005
		s.plan.ErrorLimit.Record, s.plan.ErrorLimit.Percentage = nil, &share
		_, err := s.run(t, nil)
		if fault.Exit(err) != fault.ExitDirtyLimit {
			t.Fatalf("%v", err)
		}
		share = 0.01
		s2 := newSetup()
		s2.r.tamper = dirty
		s2.plan.ErrorLimit.Record, s2.plan.ErrorLimit.Percentage = nil, &share
		if _, err := s2.run(t, nil); err != nil {
			t.Fatalf("%v", err)
		}
	})
	t.Run("refused by the writer", func(t *testing.T) {
		s := newSetup()
		one := int64(1)
		s.plan.ErrorLimit.Record = &one
		var once sync.Once
		s.w.ack = func(_ *fakeLane, f *wire.Frame) []*v1.Ack {
			a := landed(f)
			once.Do(func() {
				a.Landed--
				a.Dirty = []*v1.Dirty{{Sequence: f.Sequence, Row: 3, Reason: "too long"}}
			})
			return []*v1.Ack{a}
		}
		r, err := s.run(t, nil)
		if err != nil || r.Dirty != 1 || r.Landed != 999 || !strings.Contains(s.d.records[0].Place, "row 3") {
			t.Fatalf("%+v %+v %v", r, s.d.records, err)
		}
	})
}

// A writer that claims fewer rows than it was given must not look like success.
func TestAccountsMustBalance(t *testing.T) {
	s := newSetup()
	s.w.ack = func(_ *fakeLane, f *wire.Frame) []*v1.Ack {
		a := landed(f)
		if f.Sequence == 5 {
			a.Landed--
		}
		return []*v1.Ack{a}
	}
	_, err := s.run(t, nil)
	if err == nil || !strings.Contains(err.Error(), "accounts for") || s.w.finished {
		t.Fatalf("%v", err)
	}
}

func TestProtocolBreachesNameThePlugin(t *testing.T) {
	for name, c := range map[string]struct {
		tamper func(*wire.Frame)
		ack    func(*fakeLane, *wire.Frame) []*v1.Ack
		plugin string
	}{
		"sequence with a gap": {tamper: func(f *wire.Frame) {
			if f.Sequence > 3 {
				f.Sequence++
			}
		}, plugin: "fake-reader"},
		"ack of the future": {ack: func(_ *fakeLane, f *wire.Frame) []*v1.Ack {
			a := landed(f)
			a.Done[0].Last += 1 << 40
			return []*v1.Ack{a}
		}, plugin: "fake-writer"},
		"ack twice": {ack: func(_ *fakeLane, f *wire.Frame) []*v1.Ack { return []*v1.Ack{landed(f), landed(f)} }, plugin: "fake-writer"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetup()
			s.r.tamper, s.w.ack = c.tamper, c.ack
			_, err := s.run(t, nil)
			if f := fault.Of(err); f == nil || f.Code != protocol.PluginFailed || !strings.Contains(err.Error(), c.plugin) {
				t.Fatalf("%v", err)
			}
		})
	}
}

func TestDeathIsTheReason(t *testing.T) {
	s := newSetup()
	s.plan.Streaming, s.r.endless = true, true
	time.AfterFunc(30*time.Millisecond, func() {
		s.w.die(protocol.Faultf(protocol.PluginFailed, "plugin fake-writer died: signal: killed"))
	})
	_, err := s.run(t, nil)
	if f := fault.Of(err); !strings.Contains(f.What, "signal: killed") || f.Place != "steps[1].parameter" {
		t.Fatalf("%v", err)
	}
}

func TestMaxRunIsAnOrderlyStop(t *testing.T) {
	s := newSetup()
	s.plan.Streaming, s.r.endless = true, true
	s.plan.MaxRun = 30 * time.Millisecond
	r, err := s.run(t, nil)
	if err != nil || r.Outcome != "out of time" || r.Read != r.Landed {
		t.Fatalf("%+v %v", r, err)
	}
}

func TestCheckpointFlushes(t *testing.T) {
	s := newSetup()
	s.plan.Streaming, s.r.endless = true, true
	s.plan.Checkpoint = 5 * time.Millisecond
	s.plan.MaxRun = 60 * time.Millisecond
	if _, err := s.run(t, nil); err != nil || s.w.flushes == 0 {
		t.Fatalf("%d flushes, %v", s.w.flushes, err)
	}
}

func TestMovedShardsLeaveTheLag(t *testing.T) {
	for _, c := range []struct {
		lost []string
		want int64
	}{{nil, 4}, {[]string{"s0", "s1"}, 2}} {
		s := newSetup()
		s.r.lost = c.lost
		e := &Engine{Plan: s.plan, Reader: s.r, Writer: s.w, Dirty: s.d}
		r, err := e.Run(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		// The last batch of each of the four shards says that one record is left.
		if lag := e.Progress().Lag; lag != c.want || len(r.Lost) != len(c.lost) {
			t.Errorf("lost %v: lag %d, want %d; report %v", c.lost, lag, c.want, r.Lost)
		}
	}
}

func TestFailedCommitFailsTheJob(t *testing.T) {
	s := newSetup()
	s.r.commitErr = errors.New("coordinator is gone")
	_, err := s.run(t, nil)
	if err == nil || !strings.Contains(err.Error(), "coordinator is gone") || s.w.finished {
		t.Fatalf("%v", err)
	}
}

func TestNothingIsTouchedWhenTheSourceIsMissing(t *testing.T) {
	s := newSetup()
	s.r.open = protocol.Faultf(protocol.NotFound, "topic \"x\" does not exist").At("topic")
	_, err := s.run(t, nil)
	if s.w.started || fault.Of(err).Place != "steps[0].parameter.topic" {
		t.Fatalf("started %v, %v", s.w.started, err)
	}
	s = newSetup()
	s.r.columns = []string{"only one"}
	_, err = s.run(t, nil)
	if s.w.started || fault.Exit(err) != fault.ExitConfig {
		t.Fatalf("started %v, %v", s.w.started, err)
	}
}
