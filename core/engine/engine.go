// Package engine runs a plan: it opens both sides, moves frames from reader to writer over lanes, keeps the ledger of what
// is safe, moves the source's positions, and stops in an orderly way. It looks inside a row only where transformers are.
package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/core/flow"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"golang.org/x/sync/errgroup"
)

// Reader is what the engine needs of a reader plugin; host.Reader fits through package wiring of cmd/gx.
type Reader interface {
	Open(ctx context.Context, in *v1.OpenRequest) (*v1.OpenReply, error)
	Split(ctx context.Context, want int) ([]*v1.Shard, error)
	// Read returns a function that receives the next frame, io.EOF at the end. Frames are numbered from after + 1.
	Read(ctx context.Context, lane int, shards []*v1.Shard, after uint64) (func(*wire.Frame) error, error)
	Commit(ctx context.Context, positions []*v1.ShardPosition) (lost []string, err error)
	Close(ctx context.Context) error
	Process
}

// Writer is what the engine needs of a writer plugin.
type Writer interface {
	Open(ctx context.Context, in *v1.OpenRequest) (*v1.OpenReply, error)
	Start(ctx context.Context, resumed bool) (notes []string, err error)
	// Write opens a lane's stream; what goes over it belongs to the transaction, if one is named.
	Write(ctx context.Context, lane int, transaction string) (Lane, error)
	Flush(ctx context.Context, lane int, sequence uint64) error
	Finish(ctx context.Context, stopped bool) (notes []string, err error)
	// The verbs of transactions. Each may be repeated, and asked of a transaction of an earlier run.
	Prepare(ctx context.Context, transaction string) error
	Commit(ctx context.Context, transaction string) error
	Abort(ctx context.Context, transaction string) error
	Resolve(ctx context.Context, transaction string) (v1.ResolveReply_State, error)
	Close(ctx context.Context) error
	Process
}

// Lane is an open Write stream. Send and CloseSend come from one goroutine, Recv from another.
type Lane interface {
	Send(f *wire.Frame) error
	CloseSend() error
	Recv() (*v1.Ack, error)
}

// Process is how the engine learns that a plugin is gone.
type Process interface {
	Dead() <-chan struct{}
	Err() error
}

// Engine runs one plan once.
type Engine struct {
	Plan   *plan.Plan
	Reader Reader
	Writer Writer
	Dirty  DirtySink
	// State is where a job with frozen shards keeps what is done; nil keeps nothing.
	State *State
	// Note prints a line for the user; never called by two goroutines at once.
	Note func(string)
	// DrainBudget bounds the time from a stop to its end; 0 for none.
	DrainBudget time.Duration

	work    work
	stats   stats
	lanes   []*lane
	commits *committer
	limits  *limits
	noteMu  sync.Mutex
	keeping atomic.Int64 // Unix nanoseconds since when the dirty sink is at work, 0 when it is not
}

// ErrStopped is the cause given to the context when a job is stopped in an orderly way.
var ErrStopped = errors.New("stopped")

// Run moves the rows. It returns when the source is exhausted, when stop is closed and everything read is safe, or with
// an error. When ctx ends, everything ends at once.
func (e *Engine) Run(ctx context.Context, stop <-chan struct{}) (*Report, error) {
	e.stats.begin(time.Now(), e.Plan.ShownDirty)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer e.watch(ctx, cancel)()

	stopped, err := e.run(ctx, stop)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && protocol.AsFault(cause) != nil {
			err = cause // the death of a plugin explains what broke around it
		}
	}
	e.close(ctx, err)
	e.work.close(err)
	return e.report(stopped, err), err
}

// watch ends the run when a plugin dies. The returned function ends the watching.
func (e *Engine) watch(ctx context.Context, cancel context.CancelCauseFunc) func() {
	ctx, done := context.WithCancel(ctx)
	var sinkDead <-chan struct{} // for ever silent without a sink of its own
	if s := e.sink(); s != nil {
		sinkDead = s.Dead()
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-sinkDead:
			cancel(fault.Within(e.dirtyPath(), e.sink().Err()))
		case <-e.Reader.Dead():
			cancel(fault.Within(e.Plan.Reader.Path, e.Reader.Err()))
		case <-e.Writer.Dead():
			cancel(fault.Within(e.Plan.Writer.Path, e.Writer.Err()))
		case <-ctx.Done():
		}
	})
	return func() { done(); wg.Wait() }
}

func (e *Engine) run(ctx context.Context, stop <-chan struct{}) (stopped bool, err error) {
	source, target, err := e.open(ctx)
	if err != nil {
		return false, err
	}
	select {
	case <-stop: // before anything was touched
		return true, nil
	default:
	}
	if err := e.begin(ctx, source, target); err != nil {
		return false, err
	}
	notes, err := e.Writer.Start(ctx, e.Plan.Streaming && source.Resumes || e.work.started())
	if err != nil {
		return false, fault.Within(e.Plan.Writer.Path, err)
	}
	e.notes(e.Plan.Writer.Plugin, notes)
	if err := e.work.start(); err != nil {
		return false, err
	}
	if stopped, err = e.move(ctx, stop); err != nil {
		return stopped, err
	}
	return stopped, e.finish(ctx, stopped)
}

// finish ends a job that did not fail. One that was stopped and can go on has not come to its end yet.
func (e *Engine) finish(ctx context.Context, stopped bool) error {
	left := e.work.left()
	if left > 0 && !stopped {
		return protocol.Faultf(protocol.Internal, "%d of %d shards are not done, and nothing went wrong", left, len(e.work.shards)).
			Hint("gx run --resume goes on with them")
	}
	if left > 0 {
		e.note(fmt.Sprintf("%d of %d shards are done; gx run --resume goes on with the others, and then does what closes the job",
			len(e.work.shards)-left, len(e.work.shards)))
		return e.finishSink(ctx, true)
	}
	if err := e.work.finishing(); err != nil {
		return err
	}
	notes, err := e.Writer.Finish(ctx, stopped && e.work.journal == nil)
	if err != nil {
		return fault.Within(e.Plan.Writer.Path, err)
	}
	e.notes(e.Plan.Writer.Plugin, notes)
	if err := e.finishSink(ctx, stopped); err != nil {
		return err
	}
	return e.work.ended()
}

// move runs the lanes, the committer and the clocks until the lanes are done.
func (e *Engine) move(ctx context.Context, stop <-chan struct{}) (stopped bool, err error) {
	p := e.Plan
	parts := e.work.todo()
	e.limits = newLimits(p)
	e.commits = newCommitter(e.Reader, e.syncDirty, p.Reader.Path)
	if e.sink() != nil {
		e.commits.pause = sinkPause
	}
	n := min(p.Lanes, len(parts))
	if n < p.Lanes {
		e.note(fmt.Sprintf("%d lanes asked for, %d can work: the source has no more shards", p.Lanes, n))
	}
	e.commits.moved = e.forgetLag
	e.lanes = make([]*lane, n)
	room := max(p.Memory.Core/max(int64(n), 1), 1)
	if p.LaneBytes > 0 {
		room = min(room, p.LaneBytes)
	}
	for i := range e.lanes {
		e.lanes[i] = &lane{engine: e, n: i, queue: flow.NewQueue(room), ledger: newLedger()}
	}
	if e.work.journal != nil || e.work.frozen {
		e.work.line = newLine(parts)
	} else {
		for i, p := range parts {
			l := e.lanes[i%n]
			l.shards = append(l.shards, p.shards...)
		}
	}
	e.stats.setLanes(e.lanes)

	hard, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	reading, stopReading := context.WithCancelCause(hard)
	defer stopReading(nil)
	clocks, stopClocks := context.WithCancel(hard)
	var side sync.WaitGroup
	defer side.Wait()
	defer stopClocks()

	side.Go(func() { e.awaitStop(clocks, stop, func() { stopReading(ErrStopped) }, abort) })
	side.Go(func() { e.watchStall(clocks, abort) })
	side.Go(func() { e.watchSource(clocks) })
	side.Go(func() { e.checkpoints(clocks, abort) })
	committing := make(chan error, 1)
	side.Go(func() { committing <- e.commits.run(hard, clocks.Done(), abort) })

	lanes, laneCtx := errgroup.WithContext(hard)
	for _, l := range e.lanes {
		lanes.Go(func() error { return l.run(laneCtx, reading) })
	}
	err = lanes.Wait()
	// Reading ends with the job too, and lanes that had nothing under way then see nothing but that.
	if cause := context.Cause(hard); cause != nil && (err == nil || protocol.IsCanceled(err)) {
		err = cause
	}
	stopped = context.Cause(reading) == ErrStopped
	stopClocks()
	if cerr := <-committing; err == nil {
		err = cerr
	}
	// What is safe is told to the source whatever else went wrong: the next run then repeats less.
	last, done := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer done()
	if e.Reader.Err() == nil {
		if cerr := e.commits.flush(last); err == nil {
			err = cerr
		}
	}
	if err == nil {
		err = e.syncDirty(last) // also of a source without positions, and before the job can fail for their number
	}
	if err == nil {
		err = e.stats.dirtyVerdict(p, true)
	}
	return stopped, err
}

// forgetLag takes shards that went elsewhere out of the lag that is shown.
func (e *Engine) forgetLag(shards []string) {
	for _, l := range e.lanes {
		for _, s := range shards {
			l.lag.Delete(s)
		}
	}
}

// awaitStop turns the closing of stop into the soft end, and a drain over its budget into the hard one.
func (e *Engine) awaitStop(ctx context.Context, stop <-chan struct{}, soft func(), hard context.CancelCauseFunc) {
	var limit <-chan time.Time
	if s := e.Plan.MaxRun; s > 0 {
		t := time.NewTimer(s)
		defer t.Stop()
		limit = t.C
	}
	select {
	case <-stop:
	case <-limit:
		e.note(fmt.Sprintf("setting.maxRunSec: %v are over, stopping", e.Plan.MaxRun))
		e.stats.setOverTime()
	case <-ctx.Done():
		return
	}
	soft()
	if e.DrainBudget <= 0 {
		return
	}
	t := time.NewTimer(e.DrainBudget)
	defer t.Stop()
	select {
	case <-t.C:
		hard(protocol.Faultf(protocol.Stopped, "not everything read was safe %v after the stop", e.DrainBudget).
			Hint("what was not confirmed is read again by the next run; --drain-timeout grants more time"))
	case <-ctx.Done():
	}
}

// checkpoints asks the writer to flush every interval, so that positions move even when loads are large and rare.
func (e *Engine) checkpoints(ctx context.Context, abort context.CancelCauseFunc) {
	if !e.Plan.Streaming || e.Plan.Checkpoint <= 0 {
		return
	}
	t := time.NewTicker(e.Plan.Checkpoint)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		for _, l := range e.lanes {
			seq := l.lastSent.Load()
			if seq == 0 || seq == l.lastFlushed {
				continue
			}
			if err := e.Writer.Flush(ctx, l.n, seq); err != nil {
				if ctx.Err() == nil {
					abort(fault.Within(e.Plan.Writer.Path, err))
				}
				return
			}
			l.lastFlushed = seq
		}
	}
}

// close says goodbye to the plugins; after an error that is a courtesy with a short patience.
func (e *Engine) close(ctx context.Context, failed error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	type end struct {
		path  string
		proc  Process
		close func(context.Context) error
	}
	ends := []end{{e.Plan.Reader.Path, e.Reader, e.Reader.Close}, {e.Plan.Writer.Path, e.Writer, e.Writer.Close}}
	sink := e.sink()
	if sink != nil {
		ends = append(ends, end{e.dirtyPath(), sink, sink.Leave})
	}
	for _, s := range ends {
		if s.proc.Err() != nil && s.proc != Process(sink) { // what a sink holds is in the core
			continue
		}
		wg.Go(func() {
			if err := s.close(ctx); err != nil && failed == nil {
				e.note(fmt.Sprintf("%s: closing: %v", s.path, err))
			}
		})
	}
	wg.Wait()
}

func (e *Engine) notes(plugin string, lines []string) {
	for _, l := range lines {
		e.note(plugin + ": " + l)
	}
}

func (e *Engine) note(line string) {
	e.noteMu.Lock()
	defer e.noteMu.Unlock()
	e.stats.addNote(line)
	if e.Note != nil {
		e.Note(line)
	}
}
