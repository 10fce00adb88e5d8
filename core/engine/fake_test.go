package engine

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"google.golang.org/grpc/mem"
)

// fakeReader is a source of shards with so many batches of ten rows each. A position is the number of the next batch.
type fakeReader struct {
	process
	shards  int
	batches int
	endless bool
	tamper  func(f *wire.Frame) // changes a frame before it is delivered
	open    error
	columns []string
	resumes bool

	mu        sync.Mutex
	committed map[string]uint64
	commitErr error
	lost      []string // what Commit names as lost
	closed    bool
}

type process struct {
	once sync.Once
	dead chan struct{}
	err  error
}

func (p *process) channel() chan struct{} {
	p.once.Do(func() { p.dead = make(chan struct{}) })
	return p.dead
}

func (p *process) Dead() <-chan struct{} { return p.channel() }

func (p *process) Err() error {
	select {
	case <-p.channel():
		return p.err
	default:
		return nil
	}
}

func (p *process) die(err error) {
	ch := p.channel()
	p.err = err
	close(ch)
}

func (r *fakeReader) Open(context.Context, *v1.OpenRequest) (*v1.OpenReply, error) {
	return &v1.OpenReply{Columns: r.columns, Documents: r.columns == nil, Resumes: r.resumes}, r.open
}

func (r *fakeReader) Split(context.Context, int) ([]*v1.Shard, error) {
	var out []*v1.Shard
	for i := range r.shards {
		out = append(out, &v1.Shard{Name: fmt.Sprintf("s%d", i)})
	}
	return out, nil
}

func (r *fakeReader) Read(ctx context.Context, _ int, shards []*v1.Shard, after uint64) (func(*wire.Frame) error, error) {
	seq, batch, at := after, 0, 0
	return func(f *wire.Frame) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if at == len(shards) && !r.endless {
			return io.EOF
		}
		if r.endless {
			time.Sleep(100 * time.Microsecond)
			at %= len(shards)
		}
		seq++
		pos := binary.BigEndian.AppendUint64(nil, uint64(batch+1))
		f.Header = wire.Header{Sequence: seq, Shard: shards[at].Name, Position: pos, Rows: 10, Bytes: 100, Lag: int64(r.batches - batch)}
		f.Payload = mem.BufferSlice{mem.SliceBuffer(make([]byte, 100))}
		if r.endless {
			if at++; at == len(shards) {
				at, batch = 0, batch+1
			}
		} else if batch++; batch == r.batches {
			at, batch = at+1, 0
		}
		if r.tamper != nil {
			r.tamper(f)
		}
		return nil
	}, nil
}

func (r *fakeReader) Commit(_ context.Context, ps []*v1.ShardPosition) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.commitErr != nil {
		return nil, r.commitErr
	}
	if r.committed == nil {
		r.committed = map[string]uint64{}
	}
	for _, p := range ps {
		n := binary.BigEndian.Uint64(p.Position)
		if n < r.committed[p.Shard] {
			return nil, fmt.Errorf("shard %s goes back from %d to %d", p.Shard, r.committed[p.Shard], n)
		}
		r.committed[p.Shard] = n
	}
	return r.lost, nil
}

func (r *fakeReader) Close(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return nil
}

// fakeWriter keeps what it got, by shard, and acks as told.
type fakeWriter struct {
	process
	ack      func(l *fakeLane, f *wire.Frame) []*v1.Ack // nil: ack each frame at once
	hold     chan struct{}                              // while open, nothing is acked
	startErr error

	mu       sync.Mutex
	got      map[string]uint64 // highest batch per shard
	rows     int64
	started  bool
	resumed  bool
	finished bool
	flushes  int
}

func (w *fakeWriter) Open(context.Context, *v1.OpenRequest) (*v1.OpenReply, error) {
	return &v1.OpenReply{Self: &v1.Peer{Columns: []string{"a", "b"}}}, nil
}

func (w *fakeWriter) Start(_ context.Context, resumed bool) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.started, w.resumed = true, resumed
	return nil, w.startErr
}

func (w *fakeWriter) Flush(context.Context, int, uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flushes++
	return nil
}

func (w *fakeWriter) Finish(context.Context, bool) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finished = true
	return nil, nil
}

func (w *fakeWriter) Close(context.Context) error { return nil }

func (w *fakeWriter) Prepare(context.Context, string) error { return protocol.NotSupported("Prepare") }
func (w *fakeWriter) Commit(context.Context, string) error  { return protocol.NotSupported("Commit") }
func (w *fakeWriter) Abort(context.Context, string) error   { return protocol.NotSupported("Abort") }

func (w *fakeWriter) Resolve(context.Context, string) (v1.ResolveReply_State, error) {
	return 0, protocol.NotSupported("Resolve")
}

func (w *fakeWriter) Write(ctx context.Context, _ int, _ string) (Lane, error) {
	return &fakeLane{w: w, ctx: ctx, acks: make(chan *v1.Ack, 1<<16)}, nil
}

type fakeLane struct {
	w    *fakeWriter
	ctx  context.Context
	acks chan *v1.Ack
}

func (l *fakeLane) Send(f *wire.Frame) error {
	l.w.mu.Lock()
	if l.w.got == nil {
		l.w.got = map[string]uint64{}
	}
	l.w.got[f.Shard] = binary.BigEndian.Uint64(f.Position)
	l.w.rows += int64(f.Rows)
	l.w.mu.Unlock()
	if l.w.ack != nil {
		for _, a := range l.w.ack(l, f) {
			l.acks <- a
		}
	} else {
		l.acks <- landed(f)
	}
	f.Free()
	return nil
}

func landed(f *wire.Frame) *v1.Ack {
	return &v1.Ack{Done: []*v1.Range{{First: f.Sequence, Last: f.Sequence}}, Landed: uint64(f.Rows), Loads: 1}
}

func (l *fakeLane) CloseSend() error { close(l.acks); return nil }

func (l *fakeLane) Recv() (*v1.Ack, error) {
	if l.w.hold != nil {
		select {
		case <-l.w.hold:
		case <-l.ctx.Done():
			return nil, l.ctx.Err()
		}
	}
	select {
	case a, ok := <-l.acks:
		if !ok {
			return nil, io.EOF
		}
		return a, nil
	case <-l.ctx.Done():
		return nil, l.ctx.Err()
	}
}

// memoryDirty keeps dirty records and whether they were synced.
type memoryDirty struct {
	records []DirtyRecord
	synced  int
}

func (d *memoryDirty) Add(_ context.Context, r DirtyRecord) error {
	d.records = append(d.records, r)
	return nil
}
func (d *memoryDirty) Sync(context.Context) error { d.synced = len(d.records); return nil }

// newPlan is a plan with two lanes and no tolerance for dirty records.
func newPlan() *plan.Plan {
	zero := int64(0)
	return &plan.Plan{
		Job: "j", Run: "r", Lanes: 2, Memory: plan.Memory{Core: 1 << 20, Reader: 1, Writer: 1},
		Reader:     plan.Step{Plugin: "fake-reader", Path: "steps[0].parameter"},
		Writer:     plan.Step{Plugin: "fake-writer", Path: "steps[1].parameter"},
		ErrorLimit: job.ErrorLimit{Record: &zero},
	}
}
