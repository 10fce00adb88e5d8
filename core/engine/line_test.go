package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gx-etl/gx/core/journal"
	"github.com/gx-etl/gx/job"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
)

// A lane that is held up by one long shard does not hold up the others: the rest goes over the other lane, whose Write
// stream stays the same, so that a load may span shards.
func TestIdleLaneTakesTheNextShard(t *testing.T) {
	for _, guarantee := range []job.Guarantee{job.AtLeastOnce, job.ExactlyOnce} {
		r := newResumable(t)
		r.sizes, r.lanes, r.guarantee = []int{1, 1, 5, 1, 1, 1}, 2, guarantee
		var others sync.WaitGroup
		others.Add(5)
		err := r.run(false, func(s *frozenSource, w *twoPhase) {
			s.enter = func(ctx context.Context, _ int, shard string) error {
				if shard == "s2" {
					others.Wait() // until the last of the others is being read
				} else {
					others.Done()
				}
				return nil
			}
			s.rows = true
		})
		if err != nil {
			t.Fatal(err)
		}
		r.want(1)
		perLane := map[byte]int{}
		for _, read := range r.source.reads {
			perLane[read[0]]++
		}
		if !slices.Contains([]int{perLane['0'], perLane['1']}, 1) || perLane['0']+perLane['1'] != 6 {
			t.Errorf("%s: %v", guarantee, r.source.reads)
		}
	}
}

func TestLineKeepsTheOrderOfUnknownSizes(t *testing.T) {
	sizes := func(rows ...int64) (out []*part) {
		for i, n := range rows {
			out = append(out, &part{shards: []*v1.Shard{{Name: fmt.Sprint(i), Rows: n}}, index: i})
		}
		return out
	}
	for want, parts := range map[string][]*part{"0 1 2": sizes(1, -1, 9), "2 0 3 1": sizes(5, 1, 7, 5), "": nil} {
		l := newLine(parts)
		var got []string
		for p := l.take(); p != nil; p = l.take() {
			got = append(got, p.shards[0].Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

// A stop in the middle of a shard leaves nothing of it; the next run reads it again, and only then the job is finished.
func TestStopWithinAShard(t *testing.T) {
	r := newResumable(t)
	stop := make(chan struct{})
	var once sync.Once
	r.sizes = []int{2, 9, 2}
	p := newPlan()
	p.Run, p.Lanes = "run-1", 1
	s := &frozenSource{sizes: r.sizes}
	s.enter = func(ctx context.Context, _ int, shard string) error {
		if shard == "s1" {
			once.Do(func() { close(stop) })
			<-ctx.Done() // the stop has reached the reading
		}
		return nil
	}
	w := &twoPhase{t: r.target}
	e := &Engine{Plan: p, Reader: s, Writer: w, Dirty: &memoryDirty{}, State: &State{Path: r.path, Document: []byte(`{}`), Mask: func(s string) string { return s }}}
	report, err := e.Run(context.Background(), stop)
	if err != nil || report.Outcome != "stopped" || w.finished > 0 || report.Read != 20 || report.Landed != 20 || report.Shards.Now != 1 {
		t.Fatalf("%+v %v", report, err)
	}
	if len(r.target.visible) != 2 || r.target.transactions["run-1-1-1"].state != v1.ResolveReply_STATE_ABORTED {
		t.Fatalf("%v", r.target)
	}
	r.runs = 1
	if err := r.run(true, nil); err != nil || r.writer.finished != 1 || r.report.Landed != 110 {
		t.Fatalf("%+v, %v", r.report, err)
	}
	r.want(1)
}

// The end of a stream that was cancelled must not pass for the end of its shard.
func TestEarlyEndAfterCancelIsNoEnd(t *testing.T) {
	r := newResumable(t)
	r.sizes, r.guarantee = []int{3, 1}, job.AtLeastOnce
	stop := make(chan struct{})
	s := &frozenSource{sizes: r.sizes}
	p := newPlan()
	p.Run, p.Lanes = "run-1", 1
	polite := &politeEnd{frozenSource: s, stop: stop}
	w := &twoPhase{t: r.target, none: "none"}
	e := &Engine{Plan: p, Reader: polite, Writer: w, Dirty: &memoryDirty{}, State: &State{Path: r.path, Document: []byte(`{}`), Mask: func(s string) string { return s }}}
	if _, err := e.Run(context.Background(), stop); err != nil {
		t.Fatal(err)
	}
	state, err := journal.Load(r.path)
	if err != nil || state.Progress[0].Phase == journal.Done {
		t.Fatalf("%+v %v", state, err)
	}
}

// politeEnd is a reader that ends its stream without an error when it is told to stop.
type politeEnd struct {
	*frozenSource
	stop chan struct{}
	once sync.Once
}

func (r *politeEnd) Read(ctx context.Context, lane int, shards []*v1.Shard, after uint64) (func(*wire.Frame) error, error) {
	recv, err := r.frozenSource.Read(context.WithoutCancel(ctx), lane, shards, after)
	return func(f *wire.Frame) error {
		if f.Sequence == 0 && ctx.Err() == nil {
			r.once.Do(func() { close(r.stop) })
		}
		<-ctx.Done()
		shards[0].Descriptor_ = []byte{0}
		return recv(f)
	}, err
}

// Dirty records are durable before their shard may be committed, and count over all processes of the run.
func TestDirtyRecordsOfShards(t *testing.T) {
	r := newResumable(t)
	bad := func(s *frozenSource, _ *twoPhase) { s.dirty = map[string]int{"s0": 2, "s2": 1} }
	run := func(resume bool, limit int64, n int) (*memoryDirty, *Report, error) {
		r.runs++
		s, w, d := &frozenSource{sizes: r.sizes}, &twoPhase{t: r.target}, &memoryDirty{}
		bad(s, w)
		fails("before commit", n)(s, w)
		fail := w.at
		w.at = func(event string) error {
			if event == "before prepare" && d.synced != len(d.records) {
				t.Errorf("%d of %d dirty records are durable before a prepare", d.synced, len(d.records))
			}
			return fail(event)
		}
		old, err := journal.Load(r.path)
		if err != nil {
			t.Fatal(err)
		}
		p := newPlan()
		p.Run, p.Lanes, p.ErrorLimit.Record = fmt.Sprintf("run-%d", r.runs), 1, &limit
		e := &Engine{Plan: p, Reader: s, Writer: w, Dirty: d, State: &State{Path: r.path, Document: []byte(`{}`), Mask: func(s string) string { return s }, Old: old, Resume: resume}}
		report, err := e.Run(context.Background(), nil)
		return d, report, err
	}
	if _, _, err := run(false, 3, 2); err == nil {
		t.Fatal("no error")
	}
	// s0 with two dirty records is done; the one of s2 is the third.
	if _, report, err := run(true, 2, 0); err == nil || report.Error.Code != "dirty-limit" {
		t.Fatalf("%+v %v", report, err)
	}
	d, report, err := run(true, 3, 0)
	if err != nil || len(d.records) != 1 || report.Read != report.Landed+report.Dirty {
		t.Fatalf("%+v %+v %v", d, report, err)
	}
	r.want(1)
	state, _ := journal.Load(r.path)
	if _, sum := state.Done(); sum != (journal.Tally{Landed: 60, Dirty: 3}) {
		t.Fatalf("%+v", sum)
	}
}

func TestShardsOfOneNameAreTold(t *testing.T) {
	shards := []*v1.Shard{{Name: "a"}, {Name: "a"}, {Name: "a (2)"}, {Name: "a"}}
	distinct(shards)
	names := map[string]bool{}
	for _, s := range shards {
		names[s.Name] = true
	}
	if len(names) != 4 {
		t.Fatalf("%v", shards)
	}
}
