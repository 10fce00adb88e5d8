package rows

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
)

// The layouts that few plugins send.

// views judges texts of which each says where it stands; up to 12 bytes stand in the view itself.
func (in *inspector) views(length int64) error {
	var n int64
	if len(in.variadic) >= 8 {
		n = int64(binary.LittleEndian.Uint64(in.variadic))
		in.variadic = in.variadic[8:]
	}
	if n < 0 || n > int64(len(in.buffers)/16) {
		return malformed("%d buffers of views, %d left", n, len(in.buffers)/16)
	}
	views, err := in.buffer()
	if err != nil {
		return err
	}
	if length > int64(len(views))/16 {
		return malformed("%d views in %d bytes", length, len(views))
	}
	sizes := make([]int64, n)
	for i := range sizes {
		data, err := in.buffer()
		if err != nil {
			return err
		}
		sizes[i] = int64(len(data))
	}
	for i := range int(length) {
		v := views[16*i : 16*i+16]
		size := int64(int32(binary.LittleEndian.Uint32(v)))
		if size < 0 {
			return malformed("a text of %d bytes", size)
		}
		if size <= 12 {
			continue
		}
		at, off := int64(int32(binary.LittleEndian.Uint32(v[8:]))), int64(int32(binary.LittleEndian.Uint32(v[12:])))
		if at < 0 || at >= n || off < 0 || off+size > sizes[at] {
			return malformed("a text of %d bytes at %d of buffer %d", size, off, at)
		}
	}
	return nil
}

// listViews judges lists of which each says where it stands and how long it is.
func (in *inspector) listViews(elem arrow.DataType, length int64, width, depth int) error {
	offsets, err := in.buffer()
	if err != nil {
		return err
	}
	sizes, err := in.buffer()
	if err != nil {
		return err
	}
	n, err := in.column(elem, depth-1)
	if err != nil {
		return err
	}
	if need := length * int64(width); need > int64(len(offsets)) || need > int64(len(sizes)) {
		return malformed("%d lists with %d bytes of offsets and %d of sizes", length, len(offsets), len(sizes))
	}
	for i := range int(length) {
		off, size := signed(offsets[i*width:], width), signed(sizes[i*width:], width)
		if off < 0 || size < 0 || off > n || size > n-off {
			return malformed("a list of %d values at %d of %d", size, off, n)
		}
	}
	return nil
}

func signed(b []byte, width int) int64 {
	if width == 4 {
		return int64(int32(binary.LittleEndian.Uint32(b)))
	}
	return int64(binary.LittleEndian.Uint64(b))
}

// special judges the types without a bitmap of their own. What their numbers mean is left to arrow-go's own validation.
func (in *inspector) special(dt arrow.DataType, length, nulls int64, depth int) error {
	in.deep = true
	if nulls != 0 {
		return malformed("%d nulls in a column of type %s", nulls, dt.ID())
	}
	switch dt := dt.(type) {
	case *arrow.RunEndEncodedType:
		return in.children(min(length, 1), depth, dt.RunEnds(), dt.Encoded())
	case arrow.UnionType:
		if err := in.fixed(length, 8); err != nil {
			return err
		}
		need := length
		if dt.Mode() == arrow.DenseMode {
			need = 0
			if err := in.fixed(length, 32); err != nil {
				return err
			}
		}
		types := make([]arrow.DataType, dt.NumFields())
		for i, f := range dt.Fields() {
			types[i] = f.Type
		}
		return in.children(need, depth, types...)
	}
	return malformed("type %s is not part of the protocol", dt)
}
