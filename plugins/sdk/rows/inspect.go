package rows

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	flatbuffers "github.com/google/flatbuffers/go"
)

// arrow-go trusts the counts and lengths of a record batch: a few bytes make it allocate gigabytes, or hand out arrays that
// panic when they are read. So everything that a batch says of itself is held against its schema and against the bytes
// that are there before arrow-go sees it. The order in which nodes and buffers belong to columns is that of the Arrow
// columnar format, "RecordBatch message"; the numbers of the tables' fields are those of format/Message.fbs.

const (
	versionV5         = 4
	headerRecordBatch = 3
	maxDepth          = 64 // as arrow-go's
	freeRows          = 1 << 16
)

// inspector walks the columns of one record batch.
type inspector struct {
	body     []byte
	nodes    []byte // vector of FieldNode: length, null count
	buffers  []byte // vector of Buffer: offset, length
	variadic []byte // vector of int64
	used     int64  // bytes of body that belong to a buffer
	longest  int64  // that a column may be
	deep     bool   // there are types whose values only arrow-go can judge
}

// inspect judges the record batch in meta and body.
func inspect(schema *arrow.Schema, meta, body []byte) (deep bool, err error) {
	defer recovered(&err)
	batch, err := recordBatch(meta, len(body))
	if err != nil {
		return false, err
	}
	in := &inspector{body: body, longest: max(freeRows, 8*int64(len(body)))}
	rows := batch.GetInt64Slot(4, 0)
	in.nodes = vector(batch, 1, 16)
	in.buffers = vector(batch, 2, 16)
	in.variadic = vector(batch, 4, 8)
	if rows < 0 || rows > in.longest {
		return false, malformed("%d rows in %d bytes", rows, len(body))
	}
	for i, f := range schema.Fields() {
		n, err := in.column(f.Type, maxDepth)
		if err == nil && n != rows {
			err = malformed("%d values, and the batch has %d rows", n, rows)
		}
		if err != nil {
			return false, fmt.Errorf("%w, in column %d", err, i)
		}
	}
	if len(in.nodes)+len(in.buffers) > 0 {
		return false, malformed("%d nodes and %d buffers more than its columns have", len(in.nodes)/16, len(in.buffers)/16)
	}
	return in.deep, nil
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// recovered turns the panic of a flatbuffer that points outside of itself into an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = malformed("%v", p)
	}
}

// recordBatch finds the table RecordBatch in a message.
func recordBatch(meta []byte, body int) (flatbuffers.Table, error) {
	msg := flatbuffers.Table{Bytes: meta, Pos: flatbuffers.GetUOffsetT(meta)}
	version, header := msg.GetInt16Slot(4, 0), msg.GetByteSlot(6, 0)
	if version != versionV5 || header != headerRecordBatch || msg.Offset(8) == 0 {
		return msg, malformed("metadata version %d, header %d: want a record batch of version V5", version+1, header)
	}
	if n := msg.GetInt64Slot(10, 0); n != int64(body) {
		return msg, malformed("a body of %d bytes, %d present", n, body)
	}
	left := int64(len(meta))
	if err := spendPairs(msg, 4, &left); err != nil {
		return msg, err
	}
	batch := flatbuffers.Table{Bytes: meta, Pos: msg.Indirect(msg.Pos + flatbuffers.UOffsetT(msg.Offset(8)))}
	if batch.Offset(10) != 0 { // its few bytes could claim any size once unpacked
		return batch, malformed("compressed buffers are not part of the protocol")
	}
	return batch, nil
}

// vector returns the bytes of field i of a table: a vector of elements of a fixed size. It panics when they are not there.
func vector(t flatbuffers.Table, i flatbuffers.VOffsetT, size int) []byte {
	off := flatbuffers.UOffsetT(t.Offset(4 + 2*i))
	if off == 0 {
		return nil
	}
	start, n := int64(t.Vector(off)), int64(t.VectorLen(off))
	return t.Bytes[start : start+n*int64(size)]
}

// node takes the next FieldNode.
func (in *inspector) node() (length, nulls int64, err error) {
	if len(in.nodes) < 16 {
		return 0, 0, malformed("too few nodes")
	}
	length, nulls = int64(binary.LittleEndian.Uint64(in.nodes)), int64(binary.LittleEndian.Uint64(in.nodes[8:]))
	in.nodes = in.nodes[16:]
	if length < 0 || length > in.longest || nulls < 0 || nulls > length {
		return 0, 0, malformed("%d values, %d of them null, in %d bytes", length, nulls, len(in.body))
	}
	return length, nulls, nil
}

// buffer takes the next Buffer. Buffers do not overlap, so that a batch is never worth more than its bytes.
func (in *inspector) buffer() ([]byte, error) {
	if len(in.buffers) < 16 {
		return nil, malformed("too few buffers")
	}
	off, n := int64(binary.LittleEndian.Uint64(in.buffers)), int64(binary.LittleEndian.Uint64(in.buffers[8:]))
	in.buffers = in.buffers[16:]
	size := int64(len(in.body))
	if off < 0 || n < 0 || off > size || n > size-off || off%8 != 0 || in.used+n > size {
		return nil, malformed("a buffer of %d bytes at %d, in %d", n, off, size)
	}
	in.used += n
	return in.body[off : off+n], nil
}

// validity takes a column's bitmap, which may be left out when nothing is null.
func (in *inspector) validity(length, nulls int64) error {
	bits, err := in.buffer()
	if err != nil || nulls == 0 {
		return err
	}
	if int64(len(bits)) < (length+7)/8 {
		return malformed("a bitmap of %d bytes for %d values", len(bits), length)
	}
	if set := int64(bitutil.CountSetBits(bits, 0, int(length))); set != length-nulls {
		return malformed("%d nulls, and the bitmap has %d", nulls, length-set)
	}
	return nil
}

// column judges one column and the columns in it, and returns its length.
func (in *inspector) column(dt arrow.DataType, depth int) (int64, error) {
	if depth == 0 {
		return 0, malformed("columns nested too deeply")
	}
	if ext, ok := dt.(arrow.ExtensionType); ok {
		return in.column(ext.StorageType(), depth-1)
	}
	length, nulls, err := in.node()
	if err != nil {
		return 0, err
	}
	switch dt.ID() {
	case arrow.NULL:
		return length, nil
	case arrow.SPARSE_UNION, arrow.DENSE_UNION, arrow.RUN_END_ENCODED:
		return length, in.special(dt, length, nulls, depth)
	}
	if err := in.validity(length, nulls); err != nil {
		return 0, err
	}
	switch dt := dt.(type) {
	case *arrow.DictionaryType:
		err = malformed("dictionaries are not part of the protocol")
	case *arrow.BinaryType, *arrow.StringType:
		err = in.binary(length, 4)
	case *arrow.LargeBinaryType, *arrow.LargeStringType:
		err = in.binary(length, 8)
	case arrow.BinaryViewDataType:
		err = in.views(length)
	case *arrow.ListViewType:
		err = in.listViews(dt.Elem(), length, 4, depth)
	case *arrow.LargeListViewType:
		err = in.listViews(dt.Elem(), length, 8, depth)
	case *arrow.FixedSizeListType:
		err = in.children(length*int64(dt.Len()), depth, dt.Elem())
	case *arrow.LargeListType:
		err = in.list(dt.Elem(), length, 8, depth)
	case *arrow.ListType:
		err = in.list(dt.Elem(), length, 4, depth)
	case *arrow.MapType:
		err = in.list(dt.Elem(), length, 4, depth)
	case *arrow.StructType:
		types := make([]arrow.DataType, dt.NumFields())
		for i := range types {
			types[i] = dt.Field(i).Type
		}
		err = in.children(length, depth, types...)
	case arrow.FixedWidthDataType:
		err = in.fixed(length, int64(dt.BitWidth()))
	default:
		err = malformed("type %s is not part of the protocol", dt)
	}
	return length, err
}

func (in *inspector) fixed(length, bits int64) error {
	data, err := in.buffer()
	if err != nil {
		return err
	}
	if bits < 0 || bits > 0 && length > int64(len(data))*8/bits {
		return malformed("%d values of %d bits in %d bytes", length, bits, len(data))
	}
	return nil
}

// binary judges offsets and the values that they cut.
func (in *inspector) binary(length int64, width int) error {
	offsets, err := in.buffer()
	if err != nil {
		return err
	}
	data, err := in.buffer()
	if err != nil {
		return err
	}
	return rising(offsets, length, width, int64(len(data)))
}

// rising judges length+1 offsets: they never fall, and end within size.
func rising(offsets []byte, length int64, width int, size int64) error {
	if length == 0 {
		return nil // then offsets may be left out
	}
	if (length+1)*int64(width) > int64(len(offsets)) {
		return malformed("%d values with %d bytes of offsets", length, len(offsets))
	}
	last := int64(0)
	if width == 4 {
		for _, o := range arrow.Int32Traits.CastFromBytes(offsets)[:length+1] {
			if int64(o) < last {
				return malformed("offsets fall from %d to %d", last, o)
			}
			last = int64(o)
		}
	} else {
		for _, o := range arrow.Int64Traits.CastFromBytes(offsets)[:length+1] {
			if o < last {
				return malformed("offsets fall from %d to %d", last, o)
			}
			last = o
		}
	}
	if last > size {
		return malformed("values end at %d of %d", last, size)
	}
	return nil
}

// list judges offsets into one column of values.
func (in *inspector) list(elem arrow.DataType, length int64, width, depth int) error {
	offsets, err := in.buffer()
	if err != nil {
		return err
	}
	n, err := in.column(elem, depth-1)
	if err != nil {
		return err
	}
	return rising(offsets, length, width, n)
}

// children judges columns that hold at least length values each.
func (in *inspector) children(length int64, depth int, types ...arrow.DataType) error {
	for _, dt := range types {
		n, err := in.column(dt, depth-1)
		if err != nil {
			return err
		}
		if n < length {
			return malformed("%d values in a part of a column that needs %d", n, length)
		}
	}
	return nil
}
