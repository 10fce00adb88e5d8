package host

import (
	"context"
	"strconv"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// Budgets of the unary calls. What may wait for a server gets minutes; streams live as long as the job.
const (
	openBudget   = 2 * time.Minute
	commitBudget = time.Minute
	sqlBudget    = 30 * time.Minute // Start and Finish run the user's SQL
	settleBudget = 10 * time.Minute // of a transaction: what was loaded has to become visible
	closeBudget  = 10 * time.Second
)

// Reader is the reading side of a running plugin.
type Reader struct {
	*Plugin
	rpc v1.ReaderClient
}

// Reader gives the reading side; calls fail if the plugin has none.
func (p *Plugin) Reader() *Reader { return &Reader{Plugin: p, rpc: v1.NewReaderClient(p.conn)} }

// Writer is the writing side of a running plugin.
type Writer struct {
	*Plugin
	rpc v1.WriterClient
}

// Writer gives the writing side; calls fail if the plugin has none.
func (p *Plugin) Writer() *Writer { return &Writer{Plugin: p, rpc: v1.NewWriterClient(p.conn)} }

// call runs one unary call within its budget and explains its error.
func call[Q, A any](ctx context.Context, p *Plugin, budget time.Duration, f func(context.Context, Q, ...grpc.CallOption) (A, error), in Q) (A, error) {
	bounded, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	out, err := f(bounded, in)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil && protocol.AsFault(err) == nil {
		err = protocol.Faultf(protocol.PluginFailed, "plugin %s: no answer within %v", p.Name, budget)
	}
	return out, p.explain(err)
}

// Open connects the reader to its source.
func (r *Reader) Open(ctx context.Context, in *v1.OpenRequest) (*v1.OpenReply, error) {
	return call(ctx, r.Plugin, openBudget, r.rpc.Open, in)
}

// Split asks for shards.
func (r *Reader) Split(ctx context.Context, want int) ([]*v1.Shard, error) {
	out, err := call(ctx, r.Plugin, openBudget, r.rpc.Split, &v1.SplitRequest{Want: uint32(want)})
	return out.GetShards(), err
}

// Read opens a stream of one lane, whose frames are numbered from after + 1.
func (r *Reader) Read(ctx context.Context, lane int, shards []*v1.Shard, after uint64) (func(*wire.Frame) error, error) {
	s, err := r.rpc.Read(ctx, &v1.ReadRequest{Lane: uint32(lane), Shards: shards, After: after})
	if err != nil {
		return nil, r.explain(err)
	}
	return func(f *wire.Frame) error { return r.explain(s.RecvMsg(f)) }, nil
}

// Commit moves the source's positions.
func (r *Reader) Commit(ctx context.Context, positions []*v1.ShardPosition) (lost []string, err error) {
	out, err := call(ctx, r.Plugin, commitBudget, r.rpc.Commit, &v1.CommitPositionsRequest{Positions: positions})
	return out.GetLost(), err
}

// Positions shows what the source keeps for a job, in place of Open.
func (r *Reader) Positions(ctx context.Context, in *v1.PositionsRequest) (*v1.PositionsReply, error) {
	return call(ctx, r.Plugin, openBudget, r.rpc.Positions, in)
}

// Reposition moves what the source keeps for a job, in place of Open.
func (r *Reader) Reposition(ctx context.Context, in *v1.RepositionRequest) (*v1.RepositionReply, error) {
	return call(ctx, r.Plugin, openBudget, r.rpc.Reposition, in)
}

// Close leaves the source.
func (r *Reader) Close(ctx context.Context) error {
	_, err := call(ctx, r.Plugin, closeBudget, r.rpc.Close, &v1.CloseRequest{})
	return err
}

// Open connects the writer to its target.
func (w *Writer) Open(ctx context.Context, in *v1.OpenRequest) (*v1.OpenReply, error) {
	return call(ctx, w.Plugin, openBudget, w.rpc.Open, in)
}

// Start prepares the target.
func (w *Writer) Start(ctx context.Context, resumed bool) ([]string, error) {
	out, err := call(ctx, w.Plugin, sqlBudget, w.rpc.Start, &v1.StartRequest{Resumed: resumed})
	return out.GetNotes(), err
}

// Lane is an open Write stream.
type Lane struct {
	w *Writer
	s grpc.BidiStreamingClient[v1.Batch, v1.Ack]
}

// Write opens a stream of one lane, into a transaction if one is named.
func (w *Writer) Write(ctx context.Context, lane int, transaction string) (*Lane, error) {
	if transaction != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, protocol.TransactionKey, transaction)
	}
	ctx = metadata.AppendToOutgoingContext(ctx, protocol.LaneKey, strconv.Itoa(lane))
	s, err := w.rpc.Write(ctx)
	if err != nil {
		return nil, w.explain(err)
	}
	return &Lane{w: w, s: s}, nil
}

// Send forwards a frame and gives its buffers away. io.EOF means that the writer ended the stream; Recv says why.
func (l *Lane) Send(f *wire.Frame) error { return l.s.SendMsg(f) }

// CloseSend says that no more batches come.
func (l *Lane) CloseSend() error { return l.s.CloseSend() }

// Recv gives the next ack, or io.EOF after the last.
func (l *Lane) Recv() (*v1.Ack, error) {
	a, err := l.s.Recv()
	return a, l.w.explain(err)
}

// Flush returns when everything up to sequence is acked. It has no budget of its own: a flush takes what loads take.
func (w *Writer) Flush(ctx context.Context, lane int, sequence uint64) error {
	_, err := w.rpc.Flush(ctx, &v1.FlushRequest{Lane: uint32(lane), Sequence: sequence})
	return w.explain(err)
}

// Prepare makes a transaction durable and leaves it invisible.
func (w *Writer) Prepare(ctx context.Context, transaction string) error {
	_, err := call(ctx, w.Plugin, settleBudget, w.rpc.Prepare, &v1.PrepareRequest{Transaction: transaction})
	return err
}

// Commit makes a prepared transaction visible.
func (w *Writer) Commit(ctx context.Context, transaction string) error {
	_, err := call(ctx, w.Plugin, settleBudget, w.rpc.Commit, &v1.CommitRequest{Transaction: transaction})
	return err
}

// Abort throws a transaction away.
func (w *Writer) Abort(ctx context.Context, transaction string) error {
	_, err := call(ctx, w.Plugin, settleBudget, w.rpc.Abort, &v1.AbortRequest{Transaction: transaction})
	return err
}

// Resolve says what became of a transaction.
func (w *Writer) Resolve(ctx context.Context, transaction string) (v1.ResolveReply_State, error) {
	out, err := call(ctx, w.Plugin, settleBudget, w.rpc.Resolve, &v1.ResolveRequest{Transaction: transaction})
	return out.GetState(), err
}

// Finish ends a job that did not fail.
func (w *Writer) Finish(ctx context.Context, stopped bool) ([]string, error) {
	out, err := call(ctx, w.Plugin, sqlBudget, w.rpc.Finish, &v1.FinishRequest{Stopped: stopped})
	return out.GetNotes(), err
}

// Close leaves the target.
func (w *Writer) Close(ctx context.Context) error {
	_, err := call(ctx, w.Plugin, closeBudget, w.rpc.Close, &v1.CloseRequest{})
	return err
}
