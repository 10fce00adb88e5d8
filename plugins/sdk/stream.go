package sdk

import (
	"context"
	"fmt"
	"io"
	"sync"
	"unsafe"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"google.golang.org/grpc/mem"
)

// Outgoing is a batch that a reader sends.
type Outgoing struct {
	Shard       string
	Position    []byte // where the shard resumes after this batch
	Rows        int
	Bytes       int64 // at the source
	Destination string
	Dirty       []Dirty
	Filtered    int64
	Lag         int64 // records left in the shard, -1 when unknown
	EventTime   int64 // Unix milliseconds of the newest record, or 0
	// Payload comes from rows.Builder or rows.Encode; Send takes it over. Empty when Rows is 0.
	Payload mem.BufferSlice
}

// Out is where a Read sends its batches. Not for use by several goroutines at once.
type Out struct {
	send func(*wire.Frame) error
	seq  uint64
}

// Send gives one batch to the core. It blocks while the job's channel is full: that is the backpressure.
func (o *Out) Send(b Outgoing) error {
	o.seq++
	f := &wire.Frame{
		Header: wire.Header{
			Sequence: o.seq, Shard: b.Shard, Position: b.Position, Rows: uint32(b.Rows), Bytes: uint64(b.Bytes),
			Destination: b.Destination, Filtered: uint64(b.Filtered), Lag: b.Lag, EventTime: b.EventTime,
		},
		Payload: b.Payload,
	}
	for i := range b.Dirty {
		f.Dirty = append(f.Dirty, dirtyProto(&b.Dirty[i]))
	}
	return o.send(f)
}

// Batch is what a writer receives.
type Batch struct {
	Sequence    uint64
	Shard       string
	Position    []byte
	Rows        int
	Bytes       int64
	Destination string

	payload []byte
	pooled  *[]byte
}

// Payload is the Arrow IPC stream of the batch, 8-byte aligned; decode it with rows.Decoder. It is valid until Release.
func (b *Batch) Payload() []byte { return b.payload }

// Release gives the memory of the batch back. Arrow data decoded from it must not be touched afterwards.
func (b *Batch) Release() {
	if b.pooled != nil {
		payloads.Put(b.pooled)
		b.pooled = nil
	}
	b.payload = nil
}

var payloads sync.Pool // *[]byte, 8-byte aligned

func takePayload(n int) *[]byte {
	if p, _ := payloads.Get().(*[]byte); p != nil && cap(*p) >= n {
		*p = (*p)[:n]
		return p
	}
	words := make([]uint64, (max(n, protocol.BatchBytes+protocol.BatchBytes/4)+7)/8)
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 8*len(words))[:n]
	return &b
}

func received(f *wire.Frame) *Batch {
	b := &Batch{Sequence: f.Sequence, Shard: f.Shard, Position: f.Position, Rows: int(f.Rows), Bytes: int64(f.Bytes),
		Destination: f.Destination}
	b.pooled = takePayload(f.PayloadLen())
	b.payload = *b.pooled
	f.CopyPayload(b.payload)
	f.Free()
	return b
}

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

// Range of sequences, both ends included.
type Range struct{ First, Last uint64 }

// In is one lane of a Writer.
type In struct {
	batches chan *Batch
	flush   chan struct{}
	send    func(*v1.Ack) error

	mu    sync.Mutex // guards the following and the sending side of the stream
	recv  uint64     // highest sequence given to the writer
	acked ranges
	moved chan struct{} // closed and replaced when recv or acked change
}

func newIn(send func(*v1.Ack) error) *In {
	return &In{batches: make(chan *Batch), flush: make(chan struct{}, 1), send: send, moved: make(chan struct{})}
}

// Batches yields the lane's batches in order and is closed when there are no more. The writer releases each of them.
func (in *In) Batches() <-chan *Batch { return in.batches }

// Flush yields a value when the core wants everything gathered so far to be loaded and acked.
func (in *In) Flush() <-chan struct{} { return in.flush }

// Ack tells the core. It may be called by several goroutines.
func (in *In) Ack(a Ack) error {
	p := &v1.Ack{
		Landed: uint64(a.Landed), Filtered: uint64(a.Filtered), DirtyUnnamed: uint64(a.DirtyUnnamed),
		DirtyReason: a.DirtyReason, Loads: uint64(a.Loads), LoadBytes: uint64(a.LoadBytes),
	}
	for _, r := range a.Done {
		p.Done = append(p.Done, &v1.Range{First: r.First, Last: r.Last})
	}
	for i := range a.Dirty {
		p.Dirty = append(p.Dirty, dirtyProto(&a.Dirty[i]))
	}
	if len(a.FlushReasons) > 0 {
		p.FlushReasons = make(map[string]uint64, len(a.FlushReasons))
		for k, n := range a.FlushReasons {
			p.FlushReasons[k] = uint64(n)
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, r := range a.Done {
		if err := in.acked.add(r, in.recv); err != nil {
			return err
		}
	}
	in.wake()
	return in.send(p)
}

func (in *In) wake() {
	close(in.moved)
	in.moved = make(chan struct{})
}

// pump moves batches from the stream to the writer until the stream ends. It alone sends on in.batches and closes it.
func (in *In) pump(ctx context.Context, recv func(*wire.Frame) error) error {
	defer close(in.batches)
	for {
		var f wire.Frame
		if err := recv(&f); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		in.mu.Lock()
		if f.Sequence <= in.recv {
			in.mu.Unlock()
			f.Free()
			return fmt.Errorf("batch %d arrived after batch %d", f.Sequence, in.recv)
		}
		in.acked.skip(in.recv+1, f.Sequence-1) // batches without rows stay in the core
		in.recv = f.Sequence
		in.wake()
		in.mu.Unlock()
		select {
		case in.batches <- received(&f):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// flushTo waits until everything up to seq has arrived, asks the writer to flush, and waits for the acks.
func (in *In) flushTo(ctx context.Context, seq uint64) error {
	asked := false
	for {
		in.mu.Lock()
		moved, recv, safe := in.moved, in.recv, in.acked.safe
		in.mu.Unlock()
		if safe >= seq {
			return nil
		}
		if recv >= seq && !asked {
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

// ranges knows up to which sequence everything is acked.
type ranges struct {
	safe  uint64
	early map[uint64]uint64 // first → last, acked ahead of safe
}

func (r *ranges) add(a Range, recv uint64) error {
	if a.First > a.Last || a.First <= r.safe || a.Last > recv {
		return fmt.Errorf("ack of batches %d to %d, with %d received and all up to %d acked", a.First, a.Last, recv, r.safe)
	}
	r.put(a.First, a.Last)
	return nil
}

func (r *ranges) skip(first, last uint64) {
	if first <= last {
		r.put(first, last)
	}
}

func (r *ranges) put(first, last uint64) {
	if r.early == nil {
		r.early = make(map[uint64]uint64)
	}
	r.early[first] = last
	for {
		last, ok := r.early[r.safe+1]
		if !ok {
			return
		}
		delete(r.early, r.safe+1)
		r.safe = last
	}
}

func dirtyProto(d *Dirty) *v1.Dirty {
	return &v1.Dirty{Sequence: d.Sequence, Row: uint32(d.Row), Place: valid(d.Place), Reason: valid(d.Reason),
		Column: valid(d.Column), Record: d.Record, Key: d.Key}
}
