package sdk

import (
	"context"
	"sync"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"google.golang.org/grpc"
)

// readerServer serves one Reader to the core. There is one job per process.
type readerServer struct {
	v1.UnimplementedReaderServer
	spec *ReaderSpec

	mu     sync.Mutex // guards reader
	reader Reader
}

func (s *readerServer) current() (Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reader == nil {
		return nil, protocol.Faultf(protocol.Internal, "called before Open")
	}
	return s.reader, nil
}

func (s *readerServer) Open(ctx context.Context, in *v1.OpenRequest) (*v1.OpenReply, error) {
	if _, err := s.current(); err == nil {
		return nil, fault(protocol.Faultf(protocol.Internal, "opened twice without Close"))
	}
	r := s.spec.New()
	if err := open(in, r.Config()); err != nil {
		return nil, fault(err)
	}
	o, err := r.Open(ctx, openInfo(in))
	if err != nil {
		return nil, fault(err)
	}
	s.mu.Lock()
	s.reader = r
	s.mu.Unlock()
	return openReply(o), nil
}

func (s *readerServer) Split(ctx context.Context, in *v1.SplitRequest) (*v1.SplitReply, error) {
	r, err := s.current()
	if err != nil {
		return nil, fault(err)
	}
	shards, err := r.Split(ctx, int(in.Want))
	if err != nil {
		return nil, fault(err)
	}
	out := &v1.SplitReply{}
	for _, sh := range shards {
		out.Shards = append(out.Shards, &v1.Shard{Name: valid(sh.Name), Descriptor_: sh.Descriptor, Rows: sh.Rows})
	}
	return out, nil
}

func (s *readerServer) Read(in *v1.ReadRequest, stream grpc.ServerStreamingServer[v1.Batch]) error {
	r, err := s.current()
	if err != nil {
		return fault(err)
	}
	var shards []Shard
	for _, sh := range in.Shards {
		shards = append(shards, Shard{Name: sh.Name, Descriptor: sh.Descriptor_, Rows: sh.Rows})
	}
	out := &Out{send: func(f *wire.Frame) error { return stream.SendMsg(f) }, seq: in.After}
	return fault(r.Read(stream.Context(), int(in.Lane), shards, out))
}

func (s *readerServer) Commit(ctx context.Context, in *v1.CommitPositionsRequest) (*v1.CommitPositionsReply, error) {
	r, err := s.current()
	if err != nil {
		return nil, fault(err)
	}
	lost, err := r.Commit(ctx, positions(in.Positions))
	if err != nil {
		return nil, fault(err)
	}
	return &v1.CommitPositionsReply{Lost: lost}, nil
}

func (s *readerServer) Decide(ctx context.Context, in *v1.DecideRequest) (*v1.DecideReply, error) {
	r, err := s.current()
	if err != nil {
		return nil, fault(err)
	}
	d, ok := r.(Decider)
	if !ok {
		return nil, protocol.NotSupported("Decide")
	}
	return &v1.DecideReply{}, fault(d.Decide(ctx, positions(in.Positions), in.Transactions))
}

func (s *readerServer) Recover(ctx context.Context, _ *v1.RecoverRequest) (*v1.RecoverReply, error) {
	r, err := s.current()
	if err != nil {
		return nil, fault(err)
	}
	d, ok := r.(Decider)
	if !ok {
		return nil, protocol.NotSupported("Recover")
	}
	transactions, err := d.Recover(ctx)
	if err != nil {
		return nil, fault(err)
	}
	return &v1.RecoverReply{Transactions: transactions}, nil
}

func (s *readerServer) Close(ctx context.Context, _ *v1.CloseRequest) (*v1.CloseReply, error) {
	s.mu.Lock()
	r := s.reader
	s.reader = nil
	s.mu.Unlock()
	if r == nil {
		return &v1.CloseReply{}, nil
	}
	return &v1.CloseReply{}, fault(r.Close(ctx))
}

func positions(in []*v1.ShardPosition) []ShardPosition {
	out := make([]ShardPosition, len(in))
	for i, p := range in {
		out[i] = ShardPosition{Shard: p.Shard, Position: p.Position}
	}
	return out
}
