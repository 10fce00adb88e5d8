package rows

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	flatbuffers "github.com/google/flatbuffers/go"
	"google.golang.org/grpc/mem"
)

// Builder gathers rows and hands them over as a payload whose buffers are the ones the values were appended to. It makes
// no allocation per row, and its buffers come back from the transport when they are sent. Not safe for concurrent use.
type Builder struct {
	head []byte // the encapsulated schema, the same for every batch
	cols []column
	rows int
	size int
	fb   *flatbuffers.Builder
}

// column holds the buffers of one Arrow column under construction.
type column struct {
	kind    kind
	valid   *[]byte // bitmap; nil while no value was null
	offsets *[]byte // little-endian int32, for kindBytes
	data    *[]byte
	nulls   int
	rows    int
}

type kind uint8

const (
	kindBytes kind = iota // Binary, String
	kind64                // Int64, Uint64, Timestamp, Float64
	kind32                // Int32, Uint32, Date32, Float32
	kind128               // Decimal128
	kindBool
)

// NewBuilder makes a Builder for columns of the types Binary, String, Int64, Int32, their unsigned ones, Float64, Float32,
// Decimal128, Boolean, Timestamp and Date32.
// Rows with other types go through Encode.
func NewBuilder(s *arrow.Schema) (*Builder, error) {
	head, err := schemaMessage(s)
	if err != nil {
		return nil, err
	}
	b := &Builder{head: head, cols: make([]column, s.NumFields()), fb: flatbuffers.NewBuilder(512)}
	for i, f := range s.Fields() {
		switch f.Type.ID() {
		case arrow.BINARY, arrow.STRING:
			b.cols[i].kind = kindBytes
		case arrow.INT64, arrow.UINT64, arrow.TIMESTAMP, arrow.FLOAT64:
			b.cols[i].kind = kind64
		case arrow.INT32, arrow.UINT32, arrow.DATE32, arrow.FLOAT32:
			b.cols[i].kind = kind32
		case arrow.DECIMAL128:
			b.cols[i].kind = kind128
		case arrow.BOOL:
			b.cols[i].kind = kindBool
		default:
			return nil, fmt.Errorf("column %q: type %s has no fast builder, use rows.Encode", f.Name, f.Type)
		}
		b.cols[i].begin()
	}
	return b, nil
}

func (c *column) begin() {
	*c = column{kind: c.kind, data: slabs.take()}
	if c.kind == kindBytes {
		c.offsets = slabs.take()
		*c.offsets = binary.LittleEndian.AppendUint32(*c.offsets, 0)
	}
}

// Rows is the number of finished rows.
func (b *Builder) Rows() int { return b.rows }

// Size is the number of bytes gathered, without framing.
func (b *Builder) Size() int { return b.size }

// AppendBytes adds a value to a Binary or String column.
func (b *Builder) AppendBytes(col int, v []byte) {
	c := &b.cols[col]
	*c.data = append(*c.data, v...)
	b.closeValue(c, len(v))
}

// AppendString adds a value to a String or Binary column.
func (b *Builder) AppendString(col int, v string) {
	c := &b.cols[col]
	*c.data = append(*c.data, v...)
	b.closeValue(c, len(v))
}

func (b *Builder) closeValue(c *column, n int) {
	if len(*c.data) > math.MaxInt32 {
		panic("rows: a column of one batch over 2 GiB; finish batches at protocol.BatchBytes")
	}
	*c.offsets = binary.LittleEndian.AppendUint32(*c.offsets, uint32(len(*c.data)))
	b.size += n + 4
	c.mark(true)
}

// AppendInt64 adds a value to any integer, date or timestamp column.
func (b *Builder) AppendInt64(col int, v int64) {
	c := &b.cols[col]
	if c.kind == kind32 {
		*c.data = binary.LittleEndian.AppendUint32(*c.data, uint32(v))
		b.size += 4
	} else {
		*c.data = binary.LittleEndian.AppendUint64(*c.data, uint64(v))
		b.size += 8
	}
	c.mark(true)
}

// AppendFloat64 adds a value to a Float64 column.
func (b *Builder) AppendFloat64(col int, v float64) {
	b.AppendInt64(col, int64(math.Float64bits(v)))
}

// AppendFloat32 adds a value to a Float32 column.
func (b *Builder) AppendFloat32(col int, v float32) {
	b.AppendInt64(col, int64(math.Float32bits(v)))
}

// AppendDecimal adds a value to a Decimal128 column: the digits without their point, as the scale of the column places it.
func (b *Builder) AppendDecimal(col int, v decimal128.Num) {
	c := &b.cols[col]
	*c.data = binary.LittleEndian.AppendUint64(*c.data, v.LowBits())
	*c.data = binary.LittleEndian.AppendUint64(*c.data, uint64(v.HighBits()))
	b.size += 16
	c.mark(true)
}

// AppendBool adds a value to a Boolean column.
func (b *Builder) AppendBool(col int, v bool) {
	c := &b.cols[col]
	setBit(c.data, c.rows, v)
	b.size++
	c.mark(true)
}

// AppendNull adds a null to any column.
func (b *Builder) AppendNull(col int) {
	c := &b.cols[col]
	switch c.kind {
	case kindBytes:
		*c.offsets = binary.LittleEndian.AppendUint32(*c.offsets, uint32(len(*c.data)))
		b.size += 4
	case kind64:
		*c.data = binary.LittleEndian.AppendUint64(*c.data, 0)
		b.size += 8
	case kind32:
		*c.data = binary.LittleEndian.AppendUint32(*c.data, 0)
		b.size += 4
	case kind128:
		*c.data = binary.LittleEndian.AppendUint64(*c.data, 0)
		*c.data = binary.LittleEndian.AppendUint64(*c.data, 0)
		b.size += 16
	case kindBool:
		setBit(c.data, c.rows, false)
		b.size++
	}
	c.mark(false)
}

// mark counts a value and keeps the bitmap, which only exists once there was a null.
func (c *column) mark(valid bool) {
	if !valid && c.valid == nil {
		c.valid = slabs.take()
		for i := range c.rows {
			setBit(c.valid, i, true)
		}
	}
	if c.valid != nil {
		setBit(c.valid, c.rows, valid)
	}
	if !valid {
		c.nulls++
	}
	c.rows++
}

// setBit writes bit i of a bitmap that grows by whole bytes.
func setBit(p *[]byte, i int, v bool) {
	for len(*p) <= i/8 {
		*p = append(*p, 0)
	}
	if v {
		(*p)[i/8] |= 1 << (i % 8)
	}
}

// EndRow closes a row. Every column must have got exactly one value since the last call.
func (b *Builder) EndRow() {
	b.rows++
	for i := range b.cols {
		if b.cols[i].rows != b.rows {
			panic(fmt.Sprintf("rows: column %d has %d values in row %d", i, b.cols[i].rows, b.rows))
		}
	}
}

// Finish hands the gathered rows over as a payload and begins anew. The receiver of the payload owns the buffers.
func (b *Builder) Finish() mem.BufferSlice {
	if b.rows == 0 {
		return nil
	}
	parts := make([]*[]byte, 0, 3*len(b.cols))
	for i := range b.cols {
		c := &b.cols[i]
		parts = append(parts, c.valid)
		if c.kind == kindBytes {
			parts = append(parts, c.offsets)
		}
		parts = append(parts, c.data)
	}
	framing, bodyLen := b.framing(parts)
	out := make(mem.BufferSlice, 0, len(parts)+2)
	out = append(out, mem.SliceBuffer(framing))
	body := 0
	for _, p := range parts {
		if p == nil {
			continue
		}
		for len(*p)%8 != 0 {
			*p = append(*p, 0)
		}
		body += len(*p)
		if len(*p) == 0 {
			slabs.Put(p)
			continue
		}
		out = append(out, mem.NewBuffer(p, slabs))
	}
	if body != bodyLen {
		panic("rows: body length differs from its framing")
	}
	out = append(out, mem.SliceBuffer(endOfStream))
	for i := range b.cols {
		b.cols[i].begin()
	}
	b.rows, b.size = 0, 0
	return out
}

// framing is the schema message followed by the metadata of the record batch: all that stands before the body.
// Layout: Arrow columnar format, "Encapsulated message format"; tables of format/Message.fbs.
func (b *Builder) framing(parts []*[]byte) (framing []byte, bodyLen int) {
	type span struct{ off, n int }
	spans := make([]span, len(parts))
	for i, p := range parts {
		if p == nil {
			spans[i] = span{bodyLen, 0}
			continue
		}
		spans[i] = span{bodyLen, len(*p)}
		bodyLen += (len(*p) + 7) &^ 7
	}
	fb := b.fb
	fb.Reset()
	fb.StartVector(16, len(spans), 8)
	for i := len(spans) - 1; i >= 0; i-- {
		fb.Prep(8, 16)
		fb.PrependInt64(int64(spans[i].n))
		fb.PrependInt64(int64(spans[i].off))
	}
	buffers := fb.EndVector(len(spans))
	fb.StartVector(16, len(b.cols), 8)
	for i := len(b.cols) - 1; i >= 0; i-- {
		fb.Prep(8, 16)
		fb.PrependInt64(int64(b.cols[i].nulls))
		fb.PrependInt64(int64(b.rows))
	}
	nodes := fb.EndVector(len(b.cols))
	fb.StartObject(4)
	fb.PrependInt64Slot(0, int64(b.rows), 0)
	fb.PrependUOffsetTSlot(1, nodes, 0)
	fb.PrependUOffsetTSlot(2, buffers, 0)
	batch := fb.EndObject()
	fb.StartObject(5)
	fb.PrependInt16Slot(0, versionV5, 0)
	fb.PrependByteSlot(1, headerRecordBatch, 0)
	fb.PrependUOffsetTSlot(2, batch, 0)
	fb.PrependInt64Slot(3, int64(bodyLen), 0)
	fb.Finish(fb.EndObject())
	meta := fb.FinishedBytes()

	padded := (len(meta) + 7) &^ 7
	framing = make([]byte, 0, len(b.head)+8+padded)
	framing = append(framing, b.head...)
	framing = append(framing, 0xff, 0xff, 0xff, 0xff)
	framing = binary.LittleEndian.AppendUint32(framing, uint32(padded))
	framing = append(framing, meta...)
	return framing[:len(b.head)+8+padded], bodyLen
}

// slabs lends the buffers that values are appended to, and takes them back from the transport.
var slabs = new(slabPool)

type slabPool struct{ pool sync.Pool }

func (s *slabPool) take() *[]byte {
	if p, _ := s.pool.Get().(*[]byte); p != nil {
		*p = (*p)[:0]
		return p
	}
	p := make([]byte, 0, 64<<10)
	return &p
}

// Get serves mem.BufferPool.
func (s *slabPool) Get(n int) *[]byte {
	p := s.take()
	if cap(*p) < n {
		*p = make([]byte, n)
	}
	*p = (*p)[:n]
	return p
}

// Put serves mem.BufferPool.
func (s *slabPool) Put(p *[]byte) {
	const tooBig = 16 << 20 // one huge record must not stay in memory for ever
	if cap(*p) <= tooBig {
		s.pool.Put(p)
	}
}
