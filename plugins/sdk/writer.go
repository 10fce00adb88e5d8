package sdk

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// writerServer serves one Writer to the core. There is one job per process.
type writerServer struct {
	v1.UnimplementedWriterServer
	spec *WriterSpec

	mu      sync.Mutex // guards the following
	writer  Writer
	lanes   map[uint32]*In
	ended   []*In         // earlier streams of the lanes whose pump may still run
	changed chan struct{} // closed and replaced when a lane is opened
}

func (s *writerServer) current() (Writer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writer == nil {
		return nil, protocol.Faultf(protocol.Internal, "called before Open")
	}
	return s.writer, nil
}

func (s *writerServer) Open(ctx context.Context, in *v1.OpenRequest) (*v1.OpenReply, error) {
	if _, err := s.current(); err == nil {
		return nil, fault(protocol.Faultf(protocol.Internal, "opened twice without Close"))
	}
	w := s.spec.New()
	if err := open(in, w.Config()); err != nil {
		return nil, fault(err)
	}
	o, err := w.Open(ctx, openInfo(in))
	if err != nil {
		return nil, fault(err)
	}
	s.mu.Lock()
	s.writer, s.lanes, s.changed = w, make(map[uint32]*In), make(chan struct{})
	s.mu.Unlock()
	return openReply(o), nil
}

func (s *writerServer) Start(ctx context.Context, in *v1.StartRequest) (*v1.StartReply, error) {
	w, err := s.current()
	if err != nil {
		return nil, fault(err)
	}
	notes, err := w.Start(ctx, StartInfo{Resumed: in.Resumed})
	if err != nil {
		return nil, fault(err)
	}
	return &v1.StartReply{Notes: validAll(notes)}, nil
}

func (s *writerServer) Write(stream grpc.BidiStreamingServer[v1.Batch, v1.Ack]) error {
	w, err := s.current()
	if err != nil {
		return fault(err)
	}
	lane, transaction, err := streamOf(stream.Context())
	if err == nil && transaction != "" {
		if _, ok := w.(TwoPhase); !ok {
			return protocol.NotSupported("a transaction")
		}
	}
	if err != nil {
		return fault(err)
	}
	in := newIn(stream.Send)
	in.transaction = transaction
	if !s.take(lane, in) {
		return fault(protocol.Faultf(protocol.Internal, "lane %d is open, or opened after Close", lane))
	}
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	go in.pump(ctx, cancel, func(f *wire.Frame) error { return stream.RecvMsg(f) })
	// Not an errgroup: pump may sit in RecvMsg until this function returns, which is what a failed writer must do at once.
	// Close waits for pump.
	err = w.Write(ctx, int(lane), in)
	incomplete := in.leave()
	switch cause := context.Cause(ctx); {
	case cause != nil && (err == nil || protocol.IsCanceled(err)):
		return fault(cause)
	case err != nil:
		return fault(err)
	}
	return incomplete
}

// take gives a lane to a stream; each lane belongs to one stream at a time, and to none after Close.
func (s *writerServer) take(lane uint32, in *In) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lanes == nil {
		return false
	}
	if before := s.lanes[lane]; before != nil {
		if !before.hasLeft() {
			return false
		}
		s.ended = append(s.ended, before)
	}
	s.ended = slices.DeleteFunc(s.ended, (*In).gone)
	s.lanes[lane] = in
	close(s.changed)
	s.changed = make(chan struct{})
	return true
}

// streamOf reads the metadata of a Write stream.
func streamOf(ctx context.Context) (lane uint32, transaction string, err error) {
	md, _ := metadata.FromIncomingContext(ctx)
	v := md.Get(protocol.LaneKey)
	if len(v) != 1 {
		return 0, "", protocol.Faultf(protocol.Internal, "a Write stream without %s", protocol.LaneKey)
	}
	n, err := strconv.ParseUint(v[0], 10, 32)
	if err != nil {
		return 0, "", protocol.Faultf(protocol.Internal, "%s is %q", protocol.LaneKey, v[0])
	}
	if v = md.Get(protocol.TransactionKey); len(v) > 0 {
		transaction = v[0]
	}
	return uint32(n), transaction, nil
}

func (s *writerServer) Flush(ctx context.Context, in *v1.FlushRequest) (*v1.FlushReply, error) {
	if _, err := s.current(); err != nil {
		return nil, fault(err)
	}
	lane, err := s.lane(ctx, in.Lane)
	if err == nil {
		err = lane.flushTo(ctx, in.Sequence)
	}
	if err != nil {
		return nil, fault(err)
	}
	return &v1.FlushReply{}, nil
}

// laneGrace is how long a Flush waits for its lane: calls may overtake each other on the way, so the Flush of a lane that
// was just opened can be here before the lane.
const laneGrace = 5 * time.Second

func (s *writerServer) lane(ctx context.Context, n uint32) (*In, error) {
	grace := time.NewTimer(laneGrace)
	defer grace.Stop()
	for {
		s.mu.Lock()
		in, changed := s.lanes[n], s.changed
		s.mu.Unlock()
		if in != nil {
			return in, nil
		}
		select {
		case <-changed:
		case <-grace.C:
			return nil, protocol.Faultf(protocol.Internal, "flush of lane %d, which is not open", n)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *writerServer) twoPhase(verb string) (TwoPhase, error) {
	w, err := s.current()
	if err != nil {
		return nil, fault(err)
	}
	if t, ok := w.(TwoPhase); ok {
		return t, nil
	}
	return nil, protocol.NotSupported(verb)
}

func (s *writerServer) Prepare(ctx context.Context, in *v1.PrepareRequest) (*v1.PrepareReply, error) {
	t, err := s.twoPhase("Prepare")
	if err != nil {
		return nil, err
	}
	return &v1.PrepareReply{}, fault(t.Prepare(ctx, in.Transaction))
}

func (s *writerServer) Commit(ctx context.Context, in *v1.CommitRequest) (*v1.CommitReply, error) {
	t, err := s.twoPhase("Commit")
	if err != nil {
		return nil, err
	}
	return &v1.CommitReply{}, fault(t.Commit(ctx, in.Transaction))
}

func (s *writerServer) Abort(ctx context.Context, in *v1.AbortRequest) (*v1.AbortReply, error) {
	t, err := s.twoPhase("Abort")
	if err != nil {
		return nil, err
	}
	return &v1.AbortReply{}, fault(t.Abort(ctx, in.Transaction))
}

func (s *writerServer) Resolve(ctx context.Context, in *v1.ResolveRequest) (*v1.ResolveReply, error) {
	t, err := s.twoPhase("Resolve")
	if err != nil {
		return nil, err
	}
	state, err := t.Resolve(ctx, in.Transaction)
	if err != nil {
		return nil, fault(err)
	}
	out := v1.ResolveReply_STATE_UNKNOWN
	switch state {
	case TransactionOpen:
		out = v1.ResolveReply_STATE_OPEN
	case TransactionPrepared:
		out = v1.ResolveReply_STATE_PREPARED
	case TransactionCommitted:
		out = v1.ResolveReply_STATE_COMMITTED
	case TransactionAborted:
		out = v1.ResolveReply_STATE_ABORTED
	}
	return &v1.ResolveReply{State: out}, nil
}

func (s *writerServer) Finish(ctx context.Context, in *v1.FinishRequest) (*v1.FinishReply, error) {
	w, err := s.current()
	if err != nil {
		return nil, fault(err)
	}
	notes, err := w.Finish(ctx, in.Stopped)
	if err != nil {
		return nil, fault(err)
	}
	return &v1.FinishReply{Notes: validAll(notes)}, nil
}

func (s *writerServer) Close(ctx context.Context, _ *v1.CloseRequest) (*v1.CloseReply, error) {
	s.mu.Lock()
	w, all := s.writer, s.ended
	for _, in := range s.lanes {
		all = append(all, in)
	}
	s.writer, s.lanes, s.ended = nil, nil, nil
	s.mu.Unlock()
	if w == nil {
		return &v1.CloseReply{}, nil
	}
	for _, in := range all {
		if !in.hasLeft() {
			continue // the core closes with a stream open: Close below is what may end it
		}
		select {
		case <-in.pumped:
		case <-ctx.Done():
		}
	}
	return &v1.CloseReply{}, fault(w.Close(ctx))
}
