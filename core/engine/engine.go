// Package engine runs a plan: it opens both sides, moves frames from reader to writer over lanes, keeps the ledger of what
// is safe, moves the source's positions, and stops in an orderly way. It looks inside a row only where transformers are.
package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/core/flow"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/core/transform"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"golang.org/x/sync/errgroup"
)

// Reader is what the engine needs of a reader plugin; host.Reader fits through package wiring of cmd/gx.
type Reader interface {
	Open(ctx context.Context, in *v1.OpenRequest) (*v1.OpenReply, error)
	Split(ctx context.Context, want int) ([]*v1.Shard, error)
	// Read returns a function that receives the next frame, io.EOF at the end.
	Read(ctx context.Context, lane int, shards []*v1.Shard) (func(*wire.Frame) error, error)
	Commit(ctx context.Context, positions []*v1.ShardPosition) (lost []string, err error)
	Close(ctx context.Context) error
	Process
}

// Writer is what the engine needs of a writer plugin.
type Writer interface {
	Open(ctx context.Context, in *v1.OpenRequest) (*v1.OpenReply, error)
	Start(ctx context.Context, resumed bool) (notes []string, err error)
	Write(ctx context.Context, lane int) (Lane, error)
	Flush(ctx context.Context, lane int, sequence uint64) error
	Finish(ctx context.Context, stopped bool) (notes []string, err error)
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
	// Note prints a line for the user; never called by two goroutines at once.
	Note func(string)
	// DrainBudget bounds the time from a stop to its end; 0 for none.
	DrainBudget time.Duration

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
	shards, resumed, err := e.open(ctx)
	if err != nil {
		return false, err
	}
	select {
	case <-stop: // before anything was touched
		return true, nil
	default:
	}
	notes, err := e.Writer.Start(ctx, resumed)
	if err != nil {
		return false, fault.Within(e.Plan.Writer.Path, err)
	}
	e.notes(e.Plan.Writer.Plugin, notes)
	if stopped, err = e.move(ctx, stop, shards); err != nil {
		return stopped, err
	}
	notes, err = e.Writer.Finish(ctx, stopped)
	if err != nil {
		return stopped, fault.Within(e.Plan.Writer.Path, err)
	}
	e.notes(e.Plan.Writer.Plugin, notes)
	return stopped, e.finishSink(ctx, stopped)
}

// open connects the writer, then the reader, and cuts the source.
func (e *Engine) open(ctx context.Context) (shards []*v1.Shard, resumed bool, err error) {
	p := e.Plan
	request := func(s plan.Step, memory int64) *v1.OpenRequest {
		mode := v1.Mode_MODE_BATCH
		if p.Streaming {
			mode = v1.Mode_MODE_STREAMING
		}
		return &v1.OpenRequest{Parameters: s.Parameters, Job: p.Job, Run: p.Run, Mode: mode, Lanes: uint32(p.Lanes),
			Memory: uint64(memory), Lenient: p.Lenient}
	}
	target, err := e.Writer.Open(ctx, request(p.Writer, p.Memory.Writer))
	if err != nil {
		return nil, false, fault.Within(p.Writer.Path, err)
	}
	e.notes(p.Writer.Plugin, target.Notes)
	in := request(p.Reader, p.Memory.Reader)
	in.Peer = target.Self
	if in.Peer == nil {
		in.Peer = &v1.Peer{}
	}
	in.Peer.Plugin = p.Writer.Plugin
	wanted := in.Peer.Columns
	if p.Transform != nil {
		in.Peer.WantsColumns = true
		if p.Transform.Reshapes() { // the reader's columns are its own
			in.Peer.Columns = nil
		}
	}
	source, err := e.Reader.Open(ctx, in)
	if err != nil {
		return nil, false, fault.Within(p.Reader.Path, err)
	}
	e.notes(p.Reader.Plugin, source.Notes)
	if p.Transform != nil {
		if source.Documents {
			return nil, false, fault.Within(p.Reader.Path, transform.Documents())
		}
		if err := p.Transform.Arrange(source.Columns, wanted); err != nil {
			return nil, false, err
		}
	}
	if n, m := len(source.Columns), len(wanted); (p.Transform == nil || !p.Transform.Reshapes()) && !source.Documents && n > 0 && m > 0 && n != m {
		return nil, false, protocol.Faultf(protocol.Config, "the reader delivers %d columns (%s) and the writer takes %d (%s)",
			n, strings.Join(source.Columns, ", "), m, strings.Join(wanted, ", ")).
			At(p.Reader.Path + ".column").Hint("name as many columns on both sides, in the same order")
	}
	resumed = p.Streaming && source.Resumes
	if err := e.openSink(ctx, resumed); err != nil {
		return nil, false, err
	}
	e.guarantee(target.ReplaySafe)
	shards, err = e.Reader.Split(ctx, p.Lanes)
	if err != nil {
		return nil, false, fault.Within(p.Reader.Path, err)
	}
	return shards, resumed, nil
}

// guarantee says which promise is in force and why.
func (e *Engine) guarantee(replaySafe bool) {
	if replaySafe {
		e.note("delivery: at-least-once; the target replaces rows by key, so a repeated row changes nothing")
		return
	}
	e.note("delivery: at-least-once; after a crash the loads that were in flight may be repeated")
}

// move runs the lanes, the committer and the clocks until the lanes are done.
func (e *Engine) move(ctx context.Context, stop <-chan struct{}, shards []*v1.Shard) (stopped bool, err error) {
	p := e.Plan
	e.limits = newLimits(p)
	e.commits = newCommitter(e.Reader, e.syncDirty, p.Reader.Path)
	if e.sink() != nil {
		e.commits.pause = sinkPause
	}
	n := min(p.Lanes, len(shards))
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
	for i, s := range shards {
		l := e.lanes[i%n]
		l.shards = append(l.shards, s)
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
	if cause := context.Cause(hard); cause != nil && err != nil && protocol.IsCanceled(err) {
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
