package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/core/journal"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
)

// resumable is a job with a state file, run by one process after the other.
type resumable struct {
	t         *testing.T
	path      string
	sizes     []int
	lanes     int
	guarantee job.Guarantee
	limit     int64 // of dirty records
	target    *target
	runs      int

	source *frozenSource // of the last run
	writer *twoPhase
	report *Report
	notes  []string
}

func newResumable(t *testing.T) *resumable {
	return &resumable{t: t, path: filepath.Join(t.TempDir(), "j.state"), sizes: []int{2, 0, 3, 1}, lanes: 1, target: newTarget()}
}

// run is one process. setup may change its two ends.
func (r *resumable) run(resume bool, setup func(*frozenSource, *twoPhase)) error {
	r.t.Helper()
	r.runs++
	r.source, r.writer, r.notes = &frozenSource{sizes: r.sizes}, &twoPhase{t: r.target}, nil
	if setup != nil {
		setup(r.source, r.writer)
	}
	p := newPlan()
	p.Run, p.Lanes, p.Guarantee, p.GuaranteePath = fmt.Sprintf("run-%d", r.runs), r.lanes, r.guarantee, "setting.deliveryGuarantee"
	p.ErrorLimit.Record = &r.limit
	old, err := journal.Load(r.path)
	if err != nil {
		return err
	}
	if old != nil && old.Ended {
		old = nil
	}
	e := &Engine{Plan: p, Reader: r.source, Writer: r.writer, Dirty: &memoryDirty{}, Note: func(n string) { r.notes = append(r.notes, n) },
		State: &State{Path: r.path, Document: []byte(`{}`), Mask: func(s string) string { return strings.ReplaceAll(s, "geheim", "***") }, Old: old, Resume: resume, Settles: true}}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r.report, err = e.Run(ctx, nil)
	return err
}

func (r *resumable) said(text string) bool {
	return slices.ContainsFunc(r.notes, func(n string) bool { return strings.Contains(n, text) })
}

// want compares the target with the source: every batch there as often as given.
func (r *resumable) want(times int) {
	r.t.Helper()
	n := 0
	for i, size := range r.sizes {
		for b := 1; b <= size; b++ {
			n++
			if got := r.target.visible[fmt.Sprintf("s%d/%d", i, b)]; got != times {
				r.t.Fatalf("batch %d of shard %d is there %d times, want %d", b, i, got, times)
			}
		}
	}
	if len(r.target.visible) > n {
		r.t.Fatalf("%d batches are there, and the source has %d", len(r.target.visible), n)
	}
}

func TestOneTransactionForEachShard(t *testing.T) {
	r := newResumable(t)
	r.lanes = 3
	if err := r.run(false, nil); err != nil {
		t.Fatal(err)
	}
	r.want(1)
	if len(r.target.transactions) != 4 || r.report.Landed != 60 || r.report.Read != 60 || r.writer.finished != 1 || !r.said("delivery: exactly-once; each of the 4 shards") {
		t.Fatalf("%d transactions, %+v, %q", len(r.target.transactions), r.report, r.notes)
	}
	if s := r.report.Shards; s.All != 4 || s.Now != 4 || s.Before != 0 || s.Landed != 60 {
		t.Fatalf("%+v", s)
	}
	state, err := journal.Load(r.path)
	if err != nil || !state.Ended {
		t.Fatalf("%+v %v", state, err)
	}
}

// crashes runs the job from its beginning and collects, before and after everything that the target sees, what the disk and
// the target hold: that is what a crash at this moment leaves.
type moment struct {
	event  string
	file   []byte
	target *target
}

func (r *resumable) moments(resume bool) (all []moment, err error) {
	err = r.run(resume, func(_ *frozenSource, w *twoPhase) {
		w.at = func(event string) error {
			// The target stands still meanwhile, so that no lane is ahead of what its neighbour has on record.
			r.target.mu.Lock()
			defer r.target.mu.Unlock()
			file, err := os.ReadFile(r.path)
			if err != nil {
				return err
			}
			all = append(all, moment{event, file, r.target.clone()})
			return nil
		}
	})
	return all, err
}

func (r *resumable) at(m moment) *resumable {
	again := *r
	again.target = m.target.clone()
	again.path = filepath.Join(r.t.TempDir(), "j.state")
	if err := os.WriteFile(again.path, m.file, 0o600); err != nil {
		r.t.Fatal(err)
	}
	return &again
}

// Whatever the moment of a crash, and of a second one while the first is mended: in the end each row is there once.
func TestEveryCrashIsMended(t *testing.T) {
	for _, lanes := range []int{1, 2} {
		first := newResumable(t)
		first.lanes, first.sizes = lanes, []int{2, 0, 1}
		if lanes > 1 {
			first.sizes = []int{1, 1}
		}
		points, err := first.moments(false)
		if err != nil || len(points) < 15 {
			t.Fatalf("%d points, %v", len(points), err)
		}
		for _, p := range points {
			r := first.at(p)
			more, err := r.moments(true)
			if err != nil {
				t.Fatalf("resume after a crash at %q: %v", p.event, err)
			}
			r.want(1)
			if r.source.split > 0 {
				t.Fatalf("after a crash at %q the source was cut again", p.event)
			}
			if fin := r.writer.finished; fin != 1 {
				t.Fatalf("after a crash at %q it was finished %d times", p.event, fin)
			}
			for i, q := range more {
				if lanes > 1 && i%4 > 0 {
					continue
				}
				again := r.at(q)
				if err := again.run(true, nil); err != nil {
					t.Fatalf("resume after crashes at %q and %q: %v", p.event, q.event, err)
				}
				again.want(1)
			}
		}
	}
}

// The last line may be torn anywhere, and what it said be lost, as long as nothing was done because of it.
func TestTornStateFile(t *testing.T) {
	first := newResumable(t)
	first.sizes = []int{1, 1}
	points, err := first.moments(false)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		for cut := 1; cut < 20; cut += 6 {
			torn := p
			torn.file = append(slices.Clone(p.file), "0badc0de {\"is\":\"decided\",\"shard\":0}"[:cut]...)
			r := first.at(torn)
			if err := r.run(true, nil); err != nil {
				t.Fatalf("torn at %q: %v", p.event, err)
			}
			r.want(1)
		}
	}
}

// fails ends a run at the n-th event of a name.
func fails(event string, n int) func(*frozenSource, *twoPhase) {
	return func(_ *frozenSource, w *twoPhase) {
		w.at = func(e string) error {
			if strings.HasPrefix(e, event) {
				if n--; n == 0 {
					return protocol.Faultf(protocol.Unreachable, "no answer at %s, geheim", event)
				}
			}
			return nil
		}
	}
}

// A writer that answers with an error at any step leaves a run that can be resumed, and the report says what is true.
func TestFailedStepsAreMended(t *testing.T) {
	for _, event := range []string{"before start", "after start", "opened", "sent", "before prepare", "after prepare", "before commit", "after commit", "before finish", "after finish"} {
		for n := 1; n <= 2; n++ {
			r := newResumable(t)
			err := r.run(false, fails(event, n))
			if n == 2 && strings.Contains(event, "start") || n == 2 && strings.Contains(event, "finish") {
				if err != nil {
					t.Fatalf("%s happened twice: %v", event, err)
				}
				continue
			}
			if fault.Exit(err) != fault.ExitUnreachable {
				t.Fatalf("%s: %v", event, err)
			}
			if r.report.Read != r.report.Landed+r.report.Dirty+r.report.Filtered {
				t.Errorf("%s: the report does not add up: %+v", event, r.report)
			}
			before, _ := journal.Load(r.path)
			done, _ := before.Done()
			if !strings.Contains(before.Failure, "no answer at") || strings.Contains(before.Failure, "geheim") {
				t.Errorf("%s: the file says of the failure: %q", event, before.Failure)
			}
			starts := before.Started
			if err := r.run(true, nil); err != nil {
				t.Fatalf("%s: %v", event, err)
			}
			r.want(1)
			if r.writer.starts[0] != starts {
				t.Errorf("%s: started as resumed: %v, want %v", event, r.writer.starts[0], starts)
			}
			if s := r.report.Shards; s.Before < done || s.Before+s.Now != 4 || s.Landed != 60 || s.Resumes != "run-1" {
				t.Errorf("%s: %+v, and %d were done before", event, s, done)
			}
		}
	}
}

// diesAtStart is a writer whose process dies when it has prepared the target.
type diesAtStart struct{ *twoPhase }

func (w *diesAtStart) Start(ctx context.Context, resumed bool) ([]string, error) {
	w.die(protocol.Faultf(protocol.PluginFailed, "plugin fake-writer died: signal: killed"))
	<-ctx.Done()
	return w.twoPhase.Start(context.WithoutCancel(ctx), resumed)
}

// A plugin that dies before the lanes begin is a failure, although no lane has met it.
func TestDeathBeforeTheLanes(t *testing.T) {
	for _, none := range []string{"", "no transactions"} {
		p := newPlan()
		path := filepath.Join(t.TempDir(), "j.state")
		e := &Engine{Plan: p, Reader: &frozenSource{sizes: []int{1, 1}}, Writer: &diesAtStart{&twoPhase{t: newTarget(), none: none}}, Dirty: &memoryDirty{},
			State: &State{Path: path, Document: []byte(`{}`), Mask: func(s string) string { return s }}}
		report, err := e.Run(context.Background(), nil)
		if err == nil || !strings.Contains(err.Error(), "signal: killed") || report.Outcome != "failed" {
			t.Fatalf("%+v, %v", report, err)
		}
	}
}

// What was not decided upon and is unknown was never committed: it is read again, under a name of its own.
func TestUndecidedAndUnknownIsReadAgain(t *testing.T) {
	r := newResumable(t)
	points, err := r.moments(false)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(points, func(m moment) bool { return strings.HasPrefix(m.event, "sent") })
	again := r.at(points[i])
	clear(again.target.transactions)
	if err := again.run(true, nil); err != nil {
		t.Fatal(err)
	}
	again.want(1)
	if again.target.transactions["run-1-0-2"] == nil {
		t.Fatalf("%v", again.target.transactions)
	}
}

// A plain run after an unfinished one starts over, and leaves nothing of it open.
func TestPlainRunSettlesAndStartsOver(t *testing.T) {
	r := newResumable(t)
	if err := r.run(false, fails("before commit", 2)); err == nil {
		t.Fatal("no error")
	}
	r.target.transactions["run-1-3-1"] = &held{state: v1.ResolveReply_STATE_OPEN}
	if err := r.run(false, nil); err != nil || !r.said("run run-1 was left unfinished, with 1 of 4 shards done") {
		t.Fatalf("%v, %q", err, r.notes)
	}
	for name, h := range r.target.transactions {
		if h.state != v1.ResolveReply_STATE_COMMITTED && name != "run-1-3-1" {
			t.Errorf("transaction %s is %s", name, h.state)
		}
	}
	if r.writer.starts[0] || r.source.split != 1 {
		t.Error("it did not start over")
	}
}

// Without transactions, shards that were done stay done, and the others are read again.
func TestAtLeastOnceResumes(t *testing.T) {
	r := newResumable(t)
	r.guarantee = job.AtLeastOnce
	points, err := r.moments(false)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		again := r.at(p)
		before, err := journal.Load(again.path)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.run(true, nil); err != nil {
			t.Fatalf("%s: %v", p.event, err)
		}
		if s := again.report.Shards; s.Landed != 60 || s.Before+s.Now != 4 {
			t.Fatalf("%s: %+v", p.event, s)
		}
		for i, size := range again.sizes {
			for b := 1; b <= size; b++ {
				n := again.target.visible[fmt.Sprintf("s%d/%d", i, b)]
				if n < 1 || n > 1 && before.Progress[i].Phase == journal.Done {
					t.Fatalf("%s: batch %d of shard %d is there %d times", p.event, b, i, n)
				}
			}
		}
	}
}

// Every record of a shard is counted once, whoever left it out or refused it, with and without transactions.
func TestTalliesAddUp(t *testing.T) {
	for _, none := range []string{"", "no transactions"} {
		r := newResumable(t)
		setup := func(s *frozenSource, w *twoPhase) {
			w.none, s.dirty = none, map[string]int{"s2": 3}
			s.batch = func(f *wire.Frame) { f.Filtered = 5 }
			w.ack = func(f *wire.Frame) *v1.Ack { // ten rows
				return &v1.Ack{Done: []*v1.Range{{First: f.Sequence, Last: f.Sequence}}, Landed: 4, Filtered: 3, DirtyUnnamed: 1,
					Dirty: []*v1.Dirty{{Sequence: f.Sequence, Reason: "x"}, {Sequence: f.Sequence, Place: "y", Reason: "y"}}}
			}
		}
		if err := r.run(false, setup); fault.Exit(err) != fault.ExitDirtyLimit {
			t.Fatalf("%v", err)
		}
		r.limit = 100
		if err := r.run(true, setup); err != nil {
			t.Fatal(err)
		}
		state, err := journal.Load(r.path)
		if err != nil {
			t.Fatal(err)
		}
		for i, size := range r.sizes {
			n := int64(size)
			want := journal.Tally{Landed: 4 * n, Filtered: 8 * n, Dirty: 3 * n}
			if i == 2 {
				want.Dirty += 3
			}
			if got := state.Progress[i].Tally; got != want {
				t.Errorf("shard %d: %+v, want %+v", i, got, want)
			}
		}
		if r.report.Read != r.report.Landed+r.report.Filtered+r.report.Dirty {
			t.Errorf("%+v", r.report)
		}
	}
}

func TestStateFileWithoutSecrets(t *testing.T) {
	r := newResumable(t)
	if err := r.run(false, func(s *frozenSource, _ *twoPhase) { s.prefix = "geheim" }); err != nil || !r.said("no state file, so this run cannot be resumed") {
		t.Fatalf("%v %q", err, r.notes)
	}
	if _, err := os.Stat(r.path); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("%v", err)
	}
	if r.report.Landed != 60 || r.report.Shards != nil {
		t.Fatalf("%+v", r.report)
	}
}

// Another source than the one that was cut must not be taken for it.
func TestResumeRefusesAnotherSource(t *testing.T) {
	r := newResumable(t)
	columns := func(names ...string) func(*frozenSource, *twoPhase) {
		return func(s *frozenSource, w *twoPhase) {
			s.columns = names
			if len(names) == 1 {
				fails("sent", 2)(s, w)
			}
		}
	}
	if err := r.run(false, columns("a")); err == nil {
		t.Fatal("no error")
	}
	err := r.run(true, columns("a", "b"))
	if fault.Exit(err) != fault.ExitConfig || !strings.Contains(err.Error(), "delivers the columns a, b, and delivered a") || len(r.writer.starts) > 0 {
		t.Fatalf("%v", err)
	}
	err = r.run(true, func(s *frozenSource, w *twoPhase) { s.columns, w.none = []string{"a"}, "the server is too old" })
	if fault.Exit(err) != fault.ExitConfig || !strings.Contains(err.Error(), "begun with transactions, and now the server is too old") {
		t.Fatalf("%v", err)
	}
}
