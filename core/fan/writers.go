package fan

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"google.golang.org/protobuf/proto"
)

// writers serves engine.Writer.
type writers struct {
	*processes
	each   []engine.Writer
	landed []atomic.Int64
	dirty  []atomic.Int64
}

// Writers joins writers; steps has the parameters of each. Close ends the watching of their processes.
func Writers(steps []plan.Step, each []engine.Writer) engine.Writer {
	all := make([]engine.Process, len(each))
	for i, w := range each {
		all[i] = w
	}
	return &writers{processes: newProcesses(all, steps), each: each, landed: make([]atomic.Int64, len(each)), dirty: make([]atomic.Int64, len(each))}
}

// Open opens all of them. What they ask of the reader must be the same.
func (w *writers) Open(ctx context.Context, in *v1.OpenRequest) (*v1.OpenReply, error) {
	out := &v1.OpenReply{ReplaySafe: true, Self: &v1.Peer{}, NoTransactions: "the rows go to several targets"}
	named := -1 // the first writer with columns of its own
	for i, one := range w.each {
		mine := proto.CloneOf(in)
		mine.Parameters, mine.Memory = w.step[i].Parameters, max(in.Memory/uint64(len(w.each)), 1)
		o, err := one.Open(ctx, mine)
		if err != nil {
			return nil, w.at(i, err)
		}
		out.Notes = w.notes(out.Notes, i, o.Notes)
		self := o.GetSelf()
		if len(self.GetColumns()) > 0 {
			if named >= 0 {
				if err := w.sameColumns("takes", named, i, out.Self.Columns, self.Columns); err != nil {
					return nil, err
				}
			} else {
				named, out.Self.Columns, out.Self.ColumnTypes, out.Self.Keys = i, self.Columns, self.ColumnTypes, self.Keys
			}
		}
		if i > 0 && self.GetOperations() != out.Self.Operations {
			return nil, protocol.Faultf(protocol.Config, "steps %s and %s: one applies change operations, and the other does not", w.step[0].Name, w.step[i].Name).
				At(w.step[i].Path).Hint("a job for each of them")
		}
		out.Self.Operations = self.GetOperations()
		if out.Self.NoOperations == "" {
			out.Self.NoOperations = self.GetNoOperations()
		}
		if i > 0 && self.GetWantsDestination() != out.Self.WantsDestination {
			return nil, protocol.Faultf(protocol.Config, "steps %s and %s: one has a table of its own, and the other lets the reader choose", w.step[0].Name, w.step[i].Name).
				At(w.step[i].Path).Hint("give a table to both, or to none of them")
		}
		out.Self.WantsDestination = self.GetWantsDestination()
		out.Self.WantsColumns = out.Self.WantsColumns || self.GetWantsColumns()
		out.ReplaySafe = out.ReplaySafe && o.ReplaySafe
	}
	return out, nil
}

// Start prepares the targets, one after the other: the second is not touched when the first fails.
func (w *writers) Start(ctx context.Context, resumed bool) (notes []string, err error) {
	for i, one := range w.each {
		lines, err := one.Start(ctx, resumed)
		if err != nil {
			return nil, w.at(i, err)
		}
		notes = w.notes(notes, i, lines)
	}
	return notes, nil
}

// Flush flushes a lane of all of them.
func (w *writers) Flush(ctx context.Context, lane int, sequence uint64) error {
	return w.forAll(func(i int) error { return w.each[i].Flush(ctx, lane, sequence) })
}

// Finish ends the job at the targets, one after the other, and says what each of them has got.
func (w *writers) Finish(ctx context.Context, stopped bool) (notes []string, err error) {
	for i := range w.each {
		notes = append(notes, fmt.Sprintf("%s: %d rows landed, %d dirty", w.step[i].Name, w.landed[i].Load(), w.dirty[i].Load()))
	}
	for i, one := range w.each {
		lines, err := one.Finish(ctx, stopped)
		if err != nil {
			return nil, w.at(i, err)
		}
		notes = w.notes(notes, i, lines)
	}
	return notes, nil
}

// Close says goodbye to all of them.
func (w *writers) Close(ctx context.Context) error {
	return w.close(ctx, func(ctx context.Context, i int) error { return w.each[i].Close(ctx) })
}

// Write opens the lane at every writer.
func (w *writers) Write(ctx context.Context, lane int, transaction string) (engine.Lane, error) {
	if transaction != "" {
		return nil, protocol.NotSupported("a transaction")
	}
	ctx, cancel := context.WithCancel(ctx)
	l := &wide{w: w, number: lane, ctx: ctx, cancel: cancel, said: make(chan said), books: newBooks(len(w.each))}
	for i, one := range w.each {
		stream, err := one.Write(ctx, lane, "")
		if err != nil {
			cancel()
			return nil, w.at(i, err)
		}
		l.each = append(l.each, stream)
	}
	l.open = len(l.each)
	for i := range l.each {
		go l.listen(i)
	}
	return l, nil
}

// Prepare serves engine.Writer, like the other verbs of transactions: there is none over several targets.
func (w *writers) Prepare(context.Context, string) error { return protocol.NotSupported("Prepare") }

// Commit serves engine.Writer.
func (w *writers) Commit(context.Context, string) error { return protocol.NotSupported("Commit") }

// Abort serves engine.Writer.
func (w *writers) Abort(context.Context, string) error { return protocol.NotSupported("Abort") }

// Resolve serves engine.Writer.
func (w *writers) Resolve(context.Context, string) (v1.ResolveReply_State, error) {
	return 0, protocol.NotSupported("Resolve")
}

// wide is one lane to several writers. Its goroutines end with the streams, or with the context of the lane.
type wide struct {
	w      *writers
	number int
	ctx    context.Context
	cancel context.CancelFunc
	each   []engine.Lane
	said   chan said
	open   int // writers that have not ended the lane; only Recv touches it
	books  *books
}

type said struct {
	writer int
	ack    *v1.Ack
	err    error
}

func (l *wide) listen(i int) {
	for {
		ack, err := l.each[i].Recv()
		select {
		case l.said <- said{i, ack, err}:
		case <-l.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// Send gives the frame to every writer; the slowest sets the pace.
func (l *wide) Send(f *wire.Frame) error {
	l.books.sent(f.Sequence, f.Rows)
	last := len(l.each) - 1
	for i, one := range l.each {
		mine := f
		if i < last {
			mine = f.Copy()
		}
		if err := one.Send(mine); err != nil {
			if i < last {
				f.Free()
			}
			if err == io.EOF {
				return err // Recv says why
			}
			return l.w.at(i, err)
		}
	}
	return nil
}

// CloseSend tells every writer that no more batches come.
func (l *wide) CloseSend() error {
	return l.w.forAll(func(i int) error { return l.each[i].CloseSend() })
}

// Recv gives the next ack that all writers agree on.
func (l *wide) Recv() (*v1.Ack, error) {
	for l.open > 0 {
		var s said
		select {
		case s = <-l.said:
		case <-l.ctx.Done():
			return nil, l.ctx.Err()
		}
		if s.err == io.EOF {
			if rows, counted := l.books.of(s.writer); rows != counted {
				return nil, l.failed(s.writer, fmt.Errorf("it accounts for %d rows of the %d it was given on lane %d", counted, rows, l.number))
			}
			if n := l.books.left(s.writer); n > 0 {
				return nil, l.failed(s.writer, fmt.Errorf("it ended lane %d with %d batches unanswered", l.number, n))
			}
			l.open--
			continue
		}
		if s.err != nil {
			l.cancel()
			return nil, l.w.at(s.writer, s.err)
		}
		l.w.landed[s.writer].Add(int64(s.ack.Landed))
		l.w.dirty[s.writer].Add(int64(len(s.ack.Dirty)) + int64(s.ack.DirtyUnnamed))
		ack, err := l.books.acked(s.writer, l.w.step[s.writer].Name, s.ack)
		if err != nil {
			return nil, l.failed(s.writer, err)
		}
		if ack != nil {
			return ack, nil
		}
	}
	l.cancel()
	return nil, io.EOF
}

func (l *wide) failed(writer int, err error) error {
	l.cancel()
	step := l.w.step[writer]
	return protocol.Faultf(protocol.PluginFailed, "plugin %s broke the protocol: %w", step.Plugin, err).At(step.Path)
}

// spans turns sequences into ranges.
func spans(seqs []uint64) (out []*v1.Range) {
	slices.Sort(seqs)
	for _, s := range seqs {
		if n := len(out); n > 0 && out[n-1].Last+1 == s {
			out[n-1].Last = s
		} else {
			out = append(out, &v1.Range{First: s, Last: s})
		}
	}
	return out
}
