// Package dirty keeps dirty records in a writer plugin: in a table or a topic, where the records of many jobs can be found,
// and not in a file of each job. What the writer's target refuses goes to the file all the same.
package dirty

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// Sink is an engine.DirtyPlugin. Its calls come one at a time; acks come in on a goroutine of its own, which lives from the
// first record to Leave. Nothing but Open reaches the target before the first record.
type Sink struct {
	engine.Writer
	Plan *plan.Plan
	// Refused takes the records that the target does not. It never ends the job for what is in a record.
	Refused engine.DirtySink
	// Note prints a line for the user.
	Note func(line string)

	layout   layout
	builder  *rows.Builder
	gathered []engine.DirtyRecord // the rows in builder
	most     int64                // bytes of records kept until they are acked
	resumed  bool
	opened   bool

	lane     engine.Lane // nil before the first record
	stream   context.Context
	cut      context.CancelFunc // ends the stream
	ended    chan struct{}      // closed when receive is gone
	sequence uint64
	noted    bool

	books
}

// layout turns records into rows of one shape.
type layout interface {
	builder() (*rows.Builder, error)
	// size bounds the bytes that a record takes as a row.
	size(r *engine.DirtyRecord) int
	add(b *rows.Builder, r *engine.DirtyRecord, now time.Time)
}

// Records are kept until their batch is acked, at most mostKept bytes of them and at least leastKept.
const (
	leastKept = 256 << 10
	mostKept  = 4 << 20
	// mostRow leaves room in a message for the batch that a row is added to.
	mostRow = protocol.MaxMessage - 2*protocol.BatchBytes
)

// Open serves engine.DirtyPlugin.
func (s *Sink) Open(ctx context.Context, resumed bool) ([]string, error) {
	s.resumed = resumed
	s.most = min(max(s.Plan.Memory.Sink/8, leastKept), mostKept)
	mode := v1.Mode_MODE_BATCH
	if s.Plan.Streaming {
		mode = v1.Mode_MODE_STREAMING
	}
	place := placeOf(s.Plan.Sink)
	reply, err := s.Writer.Open(ctx, &v1.OpenRequest{
		// Names of its own: the labels of these loads must differ from those of the job's rows, which may go to the same database.
		Parameters: s.Plan.Sink.Parameters, Job: s.Plan.Job + "-dirty", Run: s.Plan.Run + "-dirty", Mode: mode, Lanes: 1,
		Memory: uint64(max(s.Plan.Memory.Sink-2*s.most, protocol.BatchBytes)), Lenient: s.Plan.Lenient,
	})
	if err != nil {
		return nil, place.explain(err)
	}
	s.opened = true
	self := reply.GetSelf()
	if self.GetWantsDestination() {
		return nil, protocol.Faultf(protocol.Config, "dirty records go to one place, and none is named").At(place.key).Hint("%q: %q", place.key, "dirty_records")
	}
	if s.Plan.Sink.Type == "kafka" {
		s.layout = &messages{job: s.Plan.Job, run: s.Plan.Run}
	} else if s.layout, err = newTable(s.Plan, self.GetColumns()); err != nil {
		return nil, err
	}
	if s.builder, err = s.layout.builder(); err != nil {
		return nil, err
	}
	s.books.begin()
	return append([]string{fmt.Sprintf("kept by %s, %s", s.Plan.Sink.Plugin, place)}, reply.Notes...), nil
}

// Add serves engine.DirtySink. It waits for the target only when the records that are not safe yet are too many to hold.
func (s *Sink) Add(ctx context.Context, r engine.DirtyRecord) error {
	ctx, done := s.patience(ctx)
	defer done()
	if n := s.layout.size(&r); n > mostRow {
		r.Refused = fmt.Sprintf("about %d bytes as a row, more than one batch may have", n)
		return s.refuse(ctx, r)
	}
	s.layout.add(s.builder, &r, time.Now())
	s.gathered = append(s.gathered, r)
	held := s.hold(int64(r.Size()))
	if s.builder.Size() >= protocol.BatchBytes || held > s.most {
		if err := s.send(ctx); err != nil {
			return err
		}
	}
	if held > s.most {
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	return s.passOn(ctx)
}

// Sync serves engine.DirtySink: every record is in the target, or in the file because the target refused it.
func (s *Sink) Sync(ctx context.Context) error {
	ctx, done := s.patience(ctx)
	defer done()
	if err := s.send(ctx); err != nil {
		return err
	}
	if err := s.flush(ctx); err != nil {
		return err
	}
	if err := s.passOn(ctx); err != nil {
		return err
	}
	return s.Refused.Sync(ctx)
}

// patience bounds a call by the time after which the job counts as stalled.
func (s *Sink) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := s.Plan.Stall
	if limit <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, limit, protocol.Faultf(protocol.PluginFailed, "plugin %s has answered nothing for %v", s.Plan.Sink.Plugin, limit).
		Hint("look at the place of the dirty records; setting.stallTimeoutSec grants more time"))
}

// start prepares the target and opens the stream; it happens with the first record, so that a job without any leaves the
// target as it was.
func (s *Sink) start(ctx context.Context) error {
	notes, err := s.Start(ctx, s.resumed)
	if err != nil {
		return err
	}
	for _, n := range notes {
		s.Note("dirty records: " + n)
	}
	// The stream outlives the call that opened it, and the lane that brought the first record.
	s.stream, s.cut = context.WithCancel(context.WithoutCancel(ctx))
	lane, err := s.Write(s.stream, 0, "")
	if err != nil {
		s.cut()
		return err
	}
	s.lane, s.ended = lane, make(chan struct{})
	go s.receive(lane)
	return nil
}

// receive takes the acks until the stream ends.
func (s *Sink) receive(lane engine.Lane) {
	defer close(s.ended)
	defer s.cut()
	for {
		ack, err := lane.Recv()
		if err == io.EOF {
			if err = s.atEnd(); err == nil {
				return
			}
		} else if err == nil {
			err = s.acked(ack)
		}
		if err != nil {
			s.fail(err)
			return
		}
	}
}

// send gives the gathered rows to the writer.
func (s *Sink) send(ctx context.Context) error {
	if len(s.gathered) == 0 {
		return nil
	}
	if s.lane == nil {
		if err := s.start(ctx); err != nil {
			return err
		}
	}
	s.sequence++
	f := &wire.Frame{Header: wire.Header{Sequence: s.sequence, Shard: "dirty", Rows: uint32(s.builder.Rows()), Bytes: uint64(s.builder.Size())}}
	f.Payload = s.builder.Finish()
	s.sent(s.sequence, s.gathered)
	s.gathered = nil
	defer context.AfterFunc(ctx, s.cut)()
	if err := s.lane.Send(f); err != nil {
		return s.broken(ctx, err)
	}
	return nil
}

// flush returns when every batch is acked.
func (s *Sink) flush(ctx context.Context) error {
	if n, err := s.unacked(); n == 0 {
		return err
	} else if err != nil {
		return s.broken(ctx, err)
	}
	call, done := context.WithCancel(ctx)
	defer done()
	defer context.AfterFunc(s.stream, done)() // a stream that has ended flushes nothing
	if err := s.Flush(call, 0, s.sequence); err != nil {
		return s.broken(ctx, err)
	}
	for { // the answer of the call may overtake the last acks
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		n, err := s.unacked()
		if n == 0 || err != nil {
			return err
		}
		select {
		case <-s.changed:
		case <-s.ended:
			if n, err := s.unacked(); n == 0 || err != nil {
				return err
			}
			return s.left()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// left is what a writer did that ended the stream before it was asked to.
func (s *Sink) left() error {
	return protocol.Faultf(protocol.PluginFailed, "plugin %s ended the stream of dirty records", s.Plan.Sink.Plugin)
}

// broken gives the reason for a call that failed: what ended the stream, if something did. The call may fail a moment before
// the reason comes in.
func (s *Sink) broken(ctx context.Context, err error) error {
	select {
	case <-s.ended:
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	if cause := context.Cause(ctx); cause != nil { // it may have ended the stream itself
		return cause
	}
	if cause := s.failure(); cause != nil {
		return cause
	}
	if errors.Is(err, io.EOF) {
		return s.left()
	}
	return err
}

// passOn gives what the target has refused to the file.
func (s *Sink) passOn(ctx context.Context) error {
	for _, r := range s.takeRefused() {
		if err := s.refuse(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sink) refuse(ctx context.Context, r engine.DirtyRecord) error {
	if !s.noted {
		s.noted = true
		s.Note(fmt.Sprintf("dirty records: %s refused one, which goes to the file: %s", s.Plan.Sink.Plugin, r.Refused))
	}
	s.countRefused()
	return s.Refused.Add(ctx, r)
}

// Finish serves engine.DirtyPlugin.
func (s *Sink) Finish(ctx context.Context, stopped bool) ([]string, error) {
	if err := s.Sync(ctx); err != nil || s.lane == nil {
		return nil, err
	}
	if err := s.lane.CloseSend(); err != nil {
		return nil, s.broken(ctx, err)
	}
	select {
	case <-s.ended:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if err := s.failure(); err != nil {
		return nil, err
	}
	if err := s.passOn(ctx); err != nil {
		return nil, err
	}
	if err := s.Refused.Sync(ctx); err != nil {
		return nil, err
	}
	return s.Writer.Finish(ctx, stopped)
}

// Leave serves engine.DirtyPlugin. Records that were not synced are read again by the next run, for no position has moved
// past them.
func (s *Sink) Leave(ctx context.Context) error {
	if s.lane != nil {
		s.cut()
		<-s.ended
	}
	if !s.opened || s.Err() != nil {
		return nil
	}
	return s.Writer.Close(ctx)
}

// Place says where the records go, for a person.
func (s *Sink) Place() string { return placeOf(s.Plan.Sink).String() }
