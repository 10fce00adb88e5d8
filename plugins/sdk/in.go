package sdk

import (
	"context"
	"io"
	"sync"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
)

// Ack is what a writer says of batches. Counts are since the last Ack.
type Ack struct {
	Done         []Range // batches whose every row is accounted for
	Landed       int64
	Filtered     int64
	Dirty        []Dirty
	DirtyUnnamed int64 // refused rows that the target only counted
	DirtyReason  string
	Loads        int64
	LoadBytes    int64
	FlushReasons map[string]int64
}

// In is one lane of a Writer.
type In struct {
	batches chan *Batch
	flush   chan struct{}
	send    func(*v1.Ack) error

	transaction string

	mu     sync.Mutex // guards the following and the sending side of the stream
	ranges ranges
	given  uint64        // highest sequence that the writer has in hand
	ended  bool          // the core sent everything
	left   bool          // the writer is done with the lane
	moved  chan struct{} // closed and replaced when any of these change
	pumped chan struct{} // closed when pump is gone
}

func newIn(send func(*v1.Ack) error) *In {
	return &In{batches: make(chan *Batch), flush: make(chan struct{}, 1), send: send,
		moved: make(chan struct{}), pumped: make(chan struct{})}
}

// Batches yields the lane's batches in order. It is closed when there are no more of them, or after the context of Write
// has ended: then nothing is to be flushed. The writer releases each batch.
func (in *In) Batches() <-chan *Batch { return in.batches }

// Transaction is the name of the transaction that the batches belong to, for a TwoPhase writer; empty: none, an ack says
// that the rows are visible.
func (in *In) Transaction() string { return in.transaction }

// Flush yields a value when the core wants everything gathered so far to be loaded and acked.
func (in *In) Flush() <-chan struct{} { return in.flush }

// dirtyBytes is how much of dirty records one message carries; more are sent ahead in messages of their own.
const dirtyBytes = 4 << 20

// Ack tells the core. It may be called by several goroutines. A range may run across sequences that never came; one that
// acks a batch twice, or before it came, is an error.
func (in *In) Ack(a Ack) error {
	if a.Landed < 0 || a.Filtered < 0 || a.DirtyUnnamed < 0 || a.Loads < 0 || a.LoadBytes < 0 {
		return protocol.Faultf(protocol.Internal, "an ack with a negative count: %+v", a)
	}
	p := &v1.Ack{
		Landed: uint64(a.Landed), Filtered: uint64(a.Filtered), DirtyUnnamed: uint64(a.DirtyUnnamed),
		DirtyReason: valid(a.DirtyReason), Loads: uint64(a.Loads), LoadBytes: uint64(a.LoadBytes),
	}
	if len(a.FlushReasons) > 0 {
		p.FlushReasons = make(map[string]uint64, len(a.FlushReasons))
		for k, n := range a.FlushReasons {
			p.FlushReasons[valid(k)] = uint64(n)
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, r := range a.Done {
		parts, err := in.ranges.ack(r)
		if err != nil {
			return protocol.Faultf(protocol.Internal, "%w", err)
		}
		for _, part := range parts {
			p.Done = append(p.Done, &v1.Range{First: part.First, Last: part.Last})
		}
	}
	size := 0
	for i := range a.Dirty {
		d := dirtyProto(&a.Dirty[i])
		if n := a.Dirty[i].size() + len(d.Reason) + len(d.Place) + 64; size+n > dirtyBytes && len(p.Dirty) > 0 {
			if err := in.send(&v1.Ack{Dirty: p.Dirty}); err != nil {
				return err
			}
			p.Dirty, size = nil, n
		} else {
			size += n
		}
		p.Dirty = append(p.Dirty, d)
	}
	if err := in.send(p); err != nil {
		return err
	}
	in.wake()
	return nil
}

func (in *In) wake() {
	close(in.moved)
	in.moved = make(chan struct{})
}

// pump moves batches from the stream to the writer until the stream ends. It alone sends on in.batches and closes it, and
// ends ctx with its error first, so that a writer can tell the end of the lane from the end of the stream.
func (in *In) pump(ctx context.Context, cancel context.CancelCauseFunc, recv func(*wire.Frame) error) {
	defer close(in.pumped)
	defer close(in.batches)
	for {
		var f wire.Frame
		if err := recv(&f); err == io.EOF {
			in.mu.Lock()
			in.ended = true
			in.mu.Unlock()
			return
		} else if err != nil {
			cancel(err)
			return
		}
		in.mu.Lock()
		err := in.ranges.receive(f.Sequence)
		in.mu.Unlock()
		if err != nil {
			f.Free()
			cancel(protocol.Faultf(protocol.PluginFailed, "%w", err))
			return
		}
		b := received(&f)
		seq := b.Sequence // the writer may release b
		select {
		case in.batches <- b:
		case <-ctx.Done():
			b.Release()
			return
		}
		in.mu.Lock()
		in.given = seq
		in.wake()
		in.mu.Unlock()
	}
}

// leave ends the lane for those who wait in flushTo and judges how a writer left that saw no error.
func (in *In) leave() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.left = true
	in.wake()
	switch {
	case !in.ended:
		return protocol.Faultf(protocol.Internal, "the writer left the lane before its end, after batch %d", in.ranges.recv)
	case in.ranges.safe < in.ranges.recv:
		return protocol.Faultf(protocol.Internal, "the writer ended the lane with batch %d unanswered; the last is %d",
			in.ranges.safe+1, in.ranges.recv)
	}
	return nil
}

func (in *In) hasLeft() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.left
}

// gone tells whether nothing of the stream runs any more.
func (in *In) gone() bool {
	select {
	case <-in.pumped:
		return true
	default:
		return false
	}
}

// flushTo waits until the writer has everything up to seq in hand, asks it to flush, and waits for the acks. To ask when
// the batch has only come would be too early: the writer might see the wish first, and then sit on the batch.
func (in *In) flushTo(ctx context.Context, seq uint64) error {
	asked := false
	for {
		in.mu.Lock()
		moved, given, safe, left := in.moved, in.given, in.ranges.safe, in.left
		in.mu.Unlock()
		switch {
		case safe >= seq:
			return nil
		case left:
			return protocol.Faultf(protocol.Internal, "flush up to batch %d of a lane that ended after batch %d", seq, safe)
		case given >= seq && !asked:
			asked = true
			select {
			case in.flush <- struct{}{}:
			default: // one is waiting already
			}
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
