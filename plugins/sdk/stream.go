package sdk

import (
	"sync"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/gx-etl/gx/plugins/sdk/rows"
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
	if err := b.check(); err != nil {
		b.Payload.Free()
		return err
	}
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

// frameBytes is room for the header of a batch beside its payload, positions and dirty records.
const frameBytes = 64 << 10

// check finds what the other end would refuse, where the author of the reader can still see why.
func (b *Outgoing) check() error {
	size := b.Payload.Len()
	if b.Rows < 0 || b.Bytes < 0 || b.Filtered < 0 || (b.Rows == 0) != (size == 0) {
		return protocol.Faultf(protocol.Internal, "a batch of %d rows with a payload of %d bytes, %d bytes at the source, %d filtered",
			b.Rows, size, b.Bytes, b.Filtered)
	}
	for i := range b.Dirty {
		size += b.Dirty[i].size()
	}
	if size+len(b.Position) > protocol.MaxMessage-frameBytes {
		return protocol.Faultf(protocol.Data, "a batch of %d rows takes %d bytes, and a message takes %d", b.Rows, size, protocol.MaxMessage).
			At(b.Shard).Hint("a row of that size cannot travel; leave it out, or its largest column")
	}
	return nil
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

// Decode gives the rows of the batch, and an error when they are not as many as the batch says. The rows point into the
// batch: the caller releases them before the batch.
func (b *Batch) Decode(d *rows.Decoder) (arrow.RecordBatch, error) {
	rec, err := d.Decode(b.payload)
	if err != nil {
		return nil, protocol.Faultf(protocol.PluginFailed, "batch %d of %s: %w", b.Sequence, b.Shard, err)
	}
	if n := rec.NumRows(); n != int64(b.Rows) {
		rec.Release()
		return nil, protocol.Faultf(protocol.PluginFailed, "batch %d of %s says %d rows and holds %d", b.Sequence, b.Shard, b.Rows, n)
	}
	return rec, nil
}

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

func dirtyProto(d *Dirty) *v1.Dirty {
	return &v1.Dirty{Sequence: d.Sequence, Row: uint32(d.Row), Place: valid(d.Place), Reason: valid(d.Reason),
		Column: valid(d.Column), Record: d.Record, Key: d.Key, Origin: d.Origin.proto()}
}

func (o *Origin) proto() *v1.Origin {
	if o == nil {
		return nil
	}
	p := &v1.Origin{Topic: valid(o.Topic), Partition: o.Partition, Offset: o.Offset, Timestamp: o.Time}
	for _, h := range o.Headers {
		p.Headers = append(p.Headers, &v1.Header{Name: h.Name, Value: h.Value})
	}
	return p
}

// size is the number of bytes that come from the source.
func (d *Dirty) size() int {
	n := len(d.Record) + len(d.Key)
	if d.Origin != nil {
		for _, h := range d.Origin.Headers {
			n += len(h.Name) + len(h.Value) + 16
		}
	}
	return n
}
