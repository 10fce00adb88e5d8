package fan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"go.uber.org/goleak"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// process is a plugin that dies when told.
type process struct {
	dead chan struct{}
	err  error
}

func newProcess() *process               { return &process{dead: make(chan struct{})} }
func (p *process) Dead() <-chan struct{} { return p.dead }
func (p *process) Err() error {
	select {
	case <-p.dead:
		return p.err
	default:
		return nil
	}
}

// source gives so many batches of three rows for each shard; a position is the number of the batch.
type source struct {
	*process
	columns   []string
	shards    int
	batches   int
	fail      error // after the batches
	parameter string
	memory    uint64
	committed map[string]string
	closed    bool
}

func (s *source) Open(_ context.Context, in *v1.OpenRequest) (*v1.OpenReply, error) {
	s.parameter, s.memory = string(in.Parameters), in.Memory
	return &v1.OpenReply{Columns: s.columns, Notes: []string{"open"}, Frozen: true}, nil
}

func (s *source) Split(context.Context, int) (out []*v1.Shard, err error) {
	for i := range s.shards {
		out = append(out, &v1.Shard{Name: fmt.Sprintf("a/%d", i), Descriptor_: []byte{byte(i), 0, 'x'}, Rows: 7})
	}
	return out, nil
}

func (s *source) Read(ctx context.Context, _ int, shards []*v1.Shard, after uint64) (func(*wire.Frame) error, error) {
	n := 0
	return func(f *wire.Frame) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if n == len(shards)*s.batches {
			if s.fail != nil {
				return s.fail
			}
			return io.EOF
		}
		shard := shards[n/s.batches]
		if string(shard.Descriptor_[1:]) != "\x00x" {
			return fmt.Errorf("descriptor %q", shard.Descriptor_)
		}
		n++
		b := &v1.Batch{Sequence: after + uint64(n), Shard: shard.Name, Position: fmt.Append(nil, (n-1)%s.batches+1), Rows: 3, Arrow: []byte("abc")}
		enc, err := proto.Marshal(b)
		if err != nil {
			return err
		}
		return f.Unmarshal(mem.BufferSlice{mem.SliceBuffer(enc)})
	}, nil
}

func (s *source) Commit(_ context.Context, ps []*v1.ShardPosition) (lost []string, err error) {
	for _, p := range ps {
		s.committed[p.Shard] = string(p.Position)
	}
	return []string{ps[0].Shard}, nil
}
func (s *source) Close(context.Context) error { s.closed = true; return nil }

func sources(n int) (out []*source, joined engine.Reader) {
	var steps []plan.Step
	var each []engine.Reader
	for i := range n {
		s := &source{process: newProcess(), columns: []string{"id"}, shards: 2, batches: 3, committed: map[string]string{}}
		out = append(out, s)
		each = append(each, s)
		steps = append(steps, plan.Step{Name: fmt.Sprintf("S%d", i), Path: fmt.Sprintf("steps[%d].parameter", i), Parameters: fmt.Append(nil, i), Plugin: "p"})
	}
	return out, Readers(steps, each)
}

func TestReadersGiveEveryBatchInOneLine(t *testing.T) {
	ss, r := sources(3)
	ctx := context.Background()
	o, err := r.Open(ctx, &v1.OpenRequest{Memory: 90})
	if err != nil || !o.Frozen || !slices.Equal(o.Notes, []string{"S0: open", "S1: open", "S2: open"}) || ss[2].parameter != "2" || ss[1].memory != 30 {
		t.Fatalf("%v %v %+v", o, err, ss[2])
	}
	shards, err := r.Split(ctx, 2)
	if err != nil || len(shards) != 6 {
		t.Fatalf("%v %v", shards, err)
	}
	recv, err := r.Read(ctx, 0, shards, 100)
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]string{}
	for seq := uint64(101); ; seq++ {
		var f wire.Frame
		if err := recv(&f); err == io.EOF {
			if seq != 119 {
				t.Fatalf("%d batches", seq-101)
			}
			break
		} else if err != nil {
			t.Fatal(err)
		}
		raw, err := f.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		var b v1.Batch // what the writer's end of the wire sees
		if err := proto.Unmarshal(raw.Materialize(), &b); err != nil || b.Sequence != seq || b.Shard != f.Shard || string(b.Arrow) != "abc" {
			t.Fatalf("%v %v", &b, err)
		}
		last[f.Shard] = string(f.Position)
	}
	if len(last) != 6 || last["S1/a/1"] != "3" {
		t.Fatalf("%v", last)
	}
	var ps []*v1.ShardPosition
	for shard, at := range last {
		ps = append(ps, &v1.ShardPosition{Shard: shard, Position: []byte(at)})
	}
	lost, err := r.Commit(ctx, ps)
	if err != nil || len(lost) != 3 || !strings.HasPrefix(lost[0], "S0/a/") {
		t.Fatalf("%v %v", lost, err)
	}
	for _, s := range ss {
		if len(s.committed) != 2 || s.committed["a/0"] != "3" {
			t.Errorf("%v", s.committed)
		}
	}
	if err := r.Close(ctx); err != nil || !ss[0].closed || !ss[2].closed {
		t.Errorf("%v", err)
	}
}

func TestReadersMustAgreeOnColumns(t *testing.T) {
	ss, r := sources(2)
	defer func() { _ = r.Close(context.Background()) }()
	ss[1].columns = []string{"name"}
	_, err := r.Open(context.Background(), &v1.OpenRequest{})
	f := protocol.AsFault(err)
	if f == nil || f.Code != protocol.Config || f.Place != "steps[1].parameter.column" || f.What != "step S0 gives the columns (id), and step S1 (name)" {
		t.Fatalf("%v", err)
	}
}

func TestShardOfNobodyIsRefused(t *testing.T) {
	_, r := sources(2)
	defer func() { _ = r.Close(context.Background()) }()
	if _, err := r.Read(context.Background(), 0, []*v1.Shard{{Name: "S7/a", Descriptor_: []byte("S7\x00")}}, 0); err == nil {
		t.Error("read")
	}
	if _, err := r.Commit(context.Background(), []*v1.ShardPosition{{Shard: "S7/a"}}); err == nil {
		t.Error("committed")
	}
}

// all receives until the end or an error.
func all(recv func(*wire.Frame) error) error {
	for {
		var f wire.Frame
		if err := recv(&f); err != nil {
			return err
		}
		f.Free()
	}
}

func TestOneReaderFails(t *testing.T) {
	ss, r := sources(2)
	defer func() { _ = r.Close(context.Background()) }()
	ss[1].fail = protocol.Faultf(protocol.Unreachable, "gone").At("table")
	shards, _ := r.Split(context.Background(), 1)
	recv, err := r.Read(context.Background(), 0, shards, 0)
	if err != nil {
		t.Fatal(err)
	}
	if f := protocol.AsFault(all(recv)); f == nil || f.Place != "steps[1].parameter.table" {
		t.Fatalf("%v", f)
	}
}

func TestCancelledReadEnds(t *testing.T) {
	_, r := sources(2)
	defer func() { _ = r.Close(context.Background()) }()
	ctx, cancel := context.WithCancel(context.Background())
	shards, _ := r.Split(ctx, 1)
	recv, err := r.Read(ctx, 0, shards, 100)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := all(recv); !protocol.IsCanceled(err) && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
}

func TestDeathOfOneIsTheDeathOfAll(t *testing.T) {
	ss, r := sources(2)
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	ss[1].err = protocol.Faultf(protocol.PluginFailed, "killed")
	close(ss[1].dead)
	<-r.Dead()
	if f := protocol.AsFault(r.Err()); f == nil || f.Place != "steps[1].parameter" || f.What != "killed" {
		t.Fatalf("%v", r.Err())
	}
	if err := r.Close(context.Background()); err != nil || !ss[0].closed || ss[1].closed {
		t.Fatalf("%v %v %v", err, ss[0].closed, ss[1].closed)
	}
}
