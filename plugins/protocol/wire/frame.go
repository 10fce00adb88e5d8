// Package wire is the hand-written codec of v1.Batch, the one message of the hot path. A reader's frame is sent from the
// buffers it was built in, the core forwards the buffers it received, and a writer copies the payload once into aligned
// memory. On the wire it is plain protobuf: a plugin in another language uses v1.Batch as generated.
package wire

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"

	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Header is a Batch without its payload. Fields are as in v1.Batch.
type Header struct {
	Sequence    uint64
	Shard       string
	Position    []byte
	Rows        uint32
	Bytes       uint64
	Destination string
	Dirty       []*v1.Dirty
	Filtered    uint64
	Lag         int64
	EventTime   int64
}

// Field numbers of v1.Batch.
const (
	fSequence    protowire.Number = 1
	fShard       protowire.Number = 2
	fPosition    protowire.Number = 3
	fRows        protowire.Number = 4
	fBytes       protowire.Number = 5
	fDestination protowire.Number = 6
	fDirty       protowire.Number = 7
	fFiltered    protowire.Number = 8
	fLag         protowire.Number = 9
	fEventTime   protowire.Number = 10
	fArrow       protowire.Number = 15
)

// Frame is one Batch in either direction. To send, fill Header and Payload; the codec takes the references of Payload
// over. A received frame keeps the transport's buffers until Free, or until it is sent on.
type Frame struct {
	Header
	// Payload is the Arrow bytes of a frame that is to be sent.
	Payload mem.BufferSlice

	raw          mem.BufferSlice // the message as received
	payloadStart int
	payloadLen   int
}

// Size is the length of the received message, or of the payload to be sent, in bytes.
func (f *Frame) Size() int {
	if f.raw != nil {
		return f.raw.Len()
	}
	return f.Payload.Len()
}

// PayloadLen is the length of the Arrow bytes.
func (f *Frame) PayloadLen() int {
	if f.raw != nil {
		return f.payloadLen
	}
	return f.Payload.Len()
}

// CopyPayload copies the Arrow bytes into dst, which must hold PayloadLen bytes.
func (f *Frame) CopyPayload(dst []byte) {
	if f.raw == nil {
		f.Payload.CopyTo(dst)
		return
	}
	skip, want := f.payloadStart, f.payloadLen
	n := 0
	for _, b := range f.raw {
		data := b.ReadOnlyData()
		if skip >= len(data) {
			skip -= len(data)
			continue
		}
		data = data[skip:]
		skip = 0
		if len(data) > want-n {
			data = data[:want-n]
		}
		n += copy(dst[n:], data)
		if n == want {
			return
		}
	}
}

// Free gives the buffers back. A frame that was handed to the codec must not be freed again.
func (f *Frame) Free() {
	if f.raw != nil {
		f.raw.Free()
		f.raw = nil
	}
	if f.Payload != nil {
		f.Payload.Free()
		f.Payload = nil
	}
}

// Copy gives a second frame on the same buffers; each of the two is freed, or sent, on its own.
func (f *Frame) Copy() *Frame {
	c := *f
	if f.raw != nil {
		f.raw.Ref()
		c.raw = slices.Clone(f.raw)
	}
	if f.Payload != nil {
		f.Payload.Ref()
		c.Payload = slices.Clone(f.Payload)
	}
	return &c
}

// Readdress gives the frame another sequence and another shard, which must not be empty. The buffers of a received frame
// stay as they are: a field that comes again at the end of a protobuf message replaces the one before.
func (f *Frame) Readdress(sequence uint64, shard string) {
	f.Sequence, f.Shard = sequence, shard
	if f.raw == nil {
		return
	}
	tail := protowire.AppendVarint(protowire.AppendTag(nil, fSequence, protowire.VarintType), sequence)
	f.raw = append(f.raw, mem.SliceBuffer(appendBytes(tail, fShard, shard)))
}

// Marshal hands the references of the frame's buffers to the caller. The codec calls it once per send.
func (f *Frame) Marshal() (mem.BufferSlice, error) {
	if f.raw != nil {
		out := f.raw
		f.raw = nil
		return out, nil
	}
	head, err := f.appendHeader(make([]byte, 0, 256), f.Payload.Len())
	if err != nil {
		return nil, err
	}
	out := make(mem.BufferSlice, 0, 1+len(f.Payload))
	out = append(out, mem.SliceBuffer(head))
	out = append(out, f.Payload...)
	f.Payload = nil
	return out, nil
}

func (f *Frame) appendHeader(b []byte, payload int) ([]byte, error) {
	b = appendUint(b, fSequence, f.Sequence)
	b = appendBytes(b, fShard, f.Shard)
	b = appendBytes(b, fPosition, f.Position)
	b = appendUint(b, fRows, uint64(f.Rows))
	b = appendUint(b, fBytes, f.Bytes)
	b = appendBytes(b, fDestination, f.Destination)
	for _, d := range f.Dirty {
		enc, err := proto.Marshal(d)
		if err != nil {
			return nil, fmt.Errorf("encode dirty record: %w", err)
		}
		b = protowire.AppendTag(b, fDirty, protowire.BytesType)
		b = protowire.AppendBytes(b, enc)
	}
	b = appendUint(b, fFiltered, f.Filtered)
	b = appendUint(b, fLag, protowire.EncodeZigZag(f.Lag))
	b = appendUint(b, fEventTime, uint64(f.EventTime))
	if payload > 0 {
		b = protowire.AppendTag(b, fArrow, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(payload))
	}
	return b, nil
}

func appendUint(b []byte, n protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
}

func appendBytes[T string | []byte](b []byte, n protowire.Number, v T) []byte {
	if len(v) == 0 {
		return b
	}
	b = protowire.AppendTag(b, n, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(v)))
	return append(b, v...)
}

// ErrMalformed is wrapped by every complaint about a received frame.
var ErrMalformed = errors.New("malformed batch")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// Unmarshal parses the header of a received message and keeps data by reference. Free gives it back.
func (f *Frame) Unmarshal(data mem.BufferSlice) error {
	h, start, n, err := parse(data)
	if err != nil {
		return err
	}
	data.Ref()
	*f = Frame{Header: h, raw: data, payloadStart: start, payloadLen: n}
	return nil
}

// parse walks the fields of a message that may lie in many buffers. Payload is only located.
func parse(data mem.BufferSlice) (h Header, payloadStart, payloadLen int, err error) {
	c := cursor{bufs: data, total: data.Len()}
	for c.pos < c.total {
		tag, err := c.uvarint()
		if err != nil {
			return h, 0, 0, err
		}
		if tag>>3 == 0 || tag>>3 > uint64(protowire.MaxValidNumber) {
			return h, 0, 0, malformed("field number %d", tag>>3)
		}
		num, typ := protowire.DecodeTag(tag)
		if num == fArrow && typ == protowire.BytesType {
			n, err := c.length()
			if err != nil {
				return h, 0, 0, err
			}
			payloadStart, payloadLen = c.pos, n
			c.skip(n)
			continue
		}
		if err := h.field(&c, num, typ); err != nil {
			return h, 0, 0, err
		}
	}
	if (h.Rows == 0) != (payloadLen == 0) {
		return h, 0, 0, malformed("%d rows in %d bytes of Arrow", h.Rows, payloadLen)
	}
	return h, payloadStart, payloadLen, nil
}

func (h *Header) field(c *cursor, num protowire.Number, typ protowire.Type) error {
	switch typ {
	case protowire.VarintType:
		v, err := c.uvarint()
		if err != nil {
			return err
		}
		switch num {
		case fSequence:
			h.Sequence = v
		case fRows:
			if v > math.MaxInt32 {
				return malformed("%d rows", v)
			}
			h.Rows = uint32(v)
		case fBytes:
			h.Bytes = v
		case fFiltered:
			h.Filtered = v
		case fLag:
			h.Lag = protowire.DecodeZigZag(v)
		case fEventTime:
			h.EventTime = int64(v)
		}
		return nil
	case protowire.BytesType:
		n, err := c.length()
		if err != nil {
			return err
		}
		switch num {
		case fShard:
			h.Shard = string(c.take(n))
		case fPosition:
			h.Position = c.take(n)
		case fDestination:
			h.Destination = string(c.take(n))
		case fDirty:
			d := new(v1.Dirty)
			if err := proto.Unmarshal(c.take(n), d); err != nil {
				return malformed("dirty record: %v", err)
			}
			h.Dirty = append(h.Dirty, d)
		default:
			c.skip(n)
		}
		return nil
	case protowire.Fixed64Type:
		return c.mustSkip(8)
	case protowire.Fixed32Type:
		return c.mustSkip(4)
	default:
		return malformed("wire type %d of field %d", typ, num)
	}
}

// cursor reads from a slice of buffers as if they were one.
type cursor struct {
	bufs  mem.BufferSlice
	i     int // current buffer
	off   int // offset in it
	pos   int // offset in the whole
	total int
}

func (c *cursor) byte() (byte, bool) {
	for c.i < len(c.bufs) {
		if data := c.bufs[c.i].ReadOnlyData(); c.off < len(data) {
			b := data[c.off]
			c.off++
			c.pos++
			return b, true
		}
		c.i++
		c.off = 0
	}
	return 0, false
}

func (c *cursor) uvarint() (uint64, error) {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		b, ok := c.byte()
		if !ok {
			return 0, malformed("it ends inside a number")
		}
		if bits.Len8(b&0x7f)+shift > 64 {
			return 0, malformed("number over 64 bits")
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v, nil
		}
	}
	return 0, malformed("number over 64 bits")
}

func (c *cursor) length() (int, error) {
	n, err := c.uvarint()
	if err != nil {
		return 0, err
	}
	if n > uint64(c.total-c.pos) {
		return 0, malformed("a field of %d bytes where %d are left", n, c.total-c.pos)
	}
	return int(n), nil
}

func (c *cursor) mustSkip(n int) error {
	if n > c.total-c.pos {
		return malformed("it ends inside a field")
	}
	c.skip(n)
	return nil
}

func (c *cursor) skip(n int) {
	c.pos += n
	for n > 0 {
		left := len(c.bufs[c.i].ReadOnlyData()) - c.off
		if n < left {
			c.off += n
			return
		}
		n -= left
		c.i++
		c.off = 0
	}
}

func (c *cursor) take(n int) []byte {
	out := make([]byte, 0, n)
	for len(out) < n {
		data := c.bufs[c.i].ReadOnlyData()[c.off:]
		if len(data) == 0 { // the buffer before ended with the field before
			c.i++
			c.off = 0
			continue
		}
		if len(data) > n-len(out) {
			data = data[:n-len(out)]
		}
		out = append(out, data...)
		c.skip(len(data))
	}
	return out
}
