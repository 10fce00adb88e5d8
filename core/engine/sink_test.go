package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
)

// sinkPlugin is a DirtyPlugin that notes what happens to it.
type sinkPlugin struct {
	process
	openErr, syncErr error
	onSync, onAdd    func()

	mu     sync.Mutex
	calls  []string
	added  []DirtyRecord
	synced int
}

func (s *sinkPlugin) call(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, name)
}

func (s *sinkPlugin) Open(context.Context, bool) ([]string, error) {
	s.call("open")
	return []string{"kept in a table"}, s.openErr
}

func (s *sinkPlugin) Add(_ context.Context, r DirtyRecord) error {
	if s.onAdd != nil {
		s.onAdd()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.added = append(s.added, r)
	return nil
}

func (s *sinkPlugin) Sync(context.Context) error {
	if s.onSync != nil {
		s.onSync()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.syncErr == nil {
		s.synced = len(s.added)
	}
	return s.syncErr
}

func (s *sinkPlugin) Finish(context.Context, bool) ([]string, error) {
	s.call("finish")
	return nil, nil
}
func (s *sinkPlugin) Leave(context.Context) error { s.call("leave"); return nil }

// withSink runs a job of which one record is dirty and may be.
func (s *setup) withSink(t *testing.T, sink *sinkPlugin) (*Report, error) {
	t.Helper()
	one := int64(1)
	s.plan.ErrorLimit.Record = &one
	s.plan.Sink = &plan.Step{Plugin: "fake-sink", Path: "job.setting.dirty"}
	s.r.tamper = func(f *wire.Frame) {
		if f.Shard == "s0" && f.Sequence == 1 {
			f.Dirty = []*v1.Dirty{{Place: "offset 7", Reason: "no JSON", Record: []byte("{"), Key: []byte{},
				Origin: &v1.Origin{Topic: "t", Partition: 2, Offset: 7, Timestamp: -1, Headers: []*v1.Header{{Name: []byte("h")}}}}}
		}
	}
	e := &Engine{Plan: s.plan, Reader: s.r, Writer: s.w, Dirty: sink, DrainBudget: s.drain, Note: func(n string) { s.notes = append(s.notes, n) }}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return e.Run(ctx, nil)
}

func TestAPluginKeepsDirtyRecords(t *testing.T) {
	s, sink := newSetup(), &sinkPlugin{}
	r, err := s.withSink(t, sink)
	if err != nil || r.Dirty != 1 || len(sink.added) != 1 || sink.synced != 1 || !slices.Equal(sink.calls, []string{"open", "finish", "leave"}) {
		t.Fatalf("%+v %+v %v", r, sink.calls, err)
	}
	d := sink.added[0]
	if o := d.Origin; o == nil || o.Topic != "t" || o.Partition != 2 || o.Offset != 7 || o.Time != -1 || o.Headers[0].Name != "h" || o.Headers[0].Value != nil {
		t.Errorf("%+v", d.Origin)
	}
	if !slices.Contains(r.Notes, "dirty records: kept in a table") {
		t.Errorf("notes %q", r.Notes)
	}
}

// Where dirty records cannot be kept, nothing is started, nothing committed, and the document says where to look.
func TestASinkThatFailsEndsTheJob(t *testing.T) {
	s, sink := newSetup(), &sinkPlugin{openErr: protocol.Faultf(protocol.NotFound, "no such table").At("table")}
	_, err := s.withSink(t, sink)
	if f := fault.Of(err); f.Place != "job.setting.dirty.table" || s.w.started || !slices.Equal(sink.calls, []string{"open", "leave"}) {
		t.Fatalf("%+v, started %v, %q", f, s.w.started, sink.calls)
	}
	for name, given := range map[string]error{"a fault": protocol.Faultf(protocol.Refused, "disk full").At("loadUrl"), "plain": errors.New("disk full")} {
		t.Run(name, func(t *testing.T) {
			s, sink := newSetup(), &sinkPlugin{syncErr: given}
			_, err := s.withSink(t, sink)
			f := fault.Of(err)
			if !strings.HasPrefix(f.Place, "job.setting.dirty") || !strings.Contains(f.What, "disk full") || len(s.r.committed) != 0 || s.w.finished ||
				!slices.Equal(sink.calls, []string{"open", "leave"}) {
				t.Fatalf("%+v, committed %v, %q", f, s.r.committed, sink.calls)
			}
		})
	}
}

// While the acks of the writer wait for the sink, the writer is not the one that stalls.
func TestASlowSinkIsNotTheWritersStall(t *testing.T) {
	s, sink := newSetup(), &sinkPlugin{}
	s.plan.Stall = 300 * time.Millisecond
	sink.onAdd = func() { time.Sleep(4 * s.plan.Stall) }
	var once sync.Once
	s.w.ack = func(_ *fakeLane, f *wire.Frame) []*v1.Ack {
		a := landed(f)
		once.Do(func() {
			a.Landed--
			a.Dirty = []*v1.Dirty{{Sequence: f.Sequence, Row: 3, Reason: "too long"}}
		})
		return []*v1.Ack{a}
	}
	// Two records are dirty and one may be: that is how it ends, and not earlier.
	if r, err := s.withSink(t, sink); fault.Exit(err) != fault.ExitDirtyLimit || r.Dirty != 2 {
		t.Fatalf("%d dirty records, %v", r.Dirty, err)
	}
}

// A sink that dies while the job goes on ends it, with the sink's name.
func TestTheDeathOfASinkEndsTheJob(t *testing.T) {
	s, sink := newSetup(), &sinkPlugin{}
	s.r.endless = true
	died := protocol.Faultf(protocol.PluginFailed, "plugin fake-sink died")
	var once sync.Once
	sink.onSync = func() { once.Do(func() { sink.die(died) }) }
	_, err := s.withSink(t, sink)
	if f := fault.Of(err); f.Place != "job.setting.dirty" || !strings.Contains(f.What, "fake-sink died") || !slices.Contains(sink.calls, "leave") {
		t.Fatalf("%+v %q", f, sink.calls)
	}
}
