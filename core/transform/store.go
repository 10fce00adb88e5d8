package transform

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// store gathers the values of one column in buffers that it uses again for the next batch: an array that it made is good
// until the next begin.
type store struct {
	valid   []byte
	offsets []byte // little-endian int32
	data    []byte
	rows    int
	nulls   int
}

func (s *store) begin(rows int) {
	n := int(bitutil.BytesForBits(int64(rows)))
	s.valid = slices.Grow(s.valid[:0], n)[:n]
	clear(s.valid)
	s.offsets = binary.LittleEndian.AppendUint32(s.offsets[:0], 0)
	s.data = s.data[:0]
	s.rows, s.nulls = 0, 0
}

func (s *store) mark(valid bool) {
	if valid {
		bitutil.SetBit(s.valid, s.rows)
	} else {
		s.nulls++
	}
	s.rows++
}

// bytes adds a value of a text or binary column; fits must have allowed it.
func (s *store) bytes(v []byte) {
	s.data = append(s.data, v...)
	s.endBytes(true)
}

func (s *store) endBytes(valid bool) {
	s.offsets = binary.LittleEndian.AppendUint32(s.offsets, uint32(len(s.data)))
	s.mark(valid)
}

// fits tells whether a text column has room for so many more bytes.
func (s *store) fits(n int) bool { return n <= math.MaxInt32-len(s.data) }

func (s *store) fixed64(v uint64, valid bool) {
	s.data = binary.LittleEndian.AppendUint64(s.data, v)
	s.mark(valid)
}

func (s *store) bit(v, valid bool) {
	if s.rows%8 == 0 {
		s.data = append(s.data, 0)
	}
	if v {
		bitutil.SetBit(s.data, s.rows)
	}
	s.mark(valid)
}

// array makes the column. Which of the methods above were called must suit the type.
func (s *store) array(dt arrow.DataType) arrow.Array {
	buffers := []*memory.Buffer{nil}
	if s.nulls > 0 {
		buffers[0] = memory.NewBufferBytes(s.valid)
	}
	if dt.ID() == arrow.STRING || dt.ID() == arrow.BINARY {
		buffers = append(buffers, memory.NewBufferBytes(s.offsets))
	}
	buffers = append(buffers, memory.NewBufferBytes(s.data))
	return array.MakeFromData(array.NewData(dt, s.rows, buffers, nil, s.nulls, 0))
}

// take copies the rows of a column that are kept, in their order.
func take(s *store, a arrow.Array, keep []int32) arrow.Array {
	s.begin(len(keep))
	switch v := a.(type) {
	case *array.String:
		for _, row := range keep {
			s.data = append(s.data, v.Value(int(row))...)
			s.endBytes(v.IsValid(int(row)))
		}
		return s.array(a.DataType())
	case *array.Binary:
		for _, row := range keep {
			s.data = append(s.data, v.Value(int(row))...)
			s.endBytes(v.IsValid(int(row)))
		}
		return s.array(a.DataType())
	case *array.Boolean:
		for _, row := range keep {
			s.bit(v.Value(int(row)), v.IsValid(int(row)))
		}
		return s.array(a.DataType())
	}
	if width := widthOf(a.DataType()); width > 0 {
		src := a.Data().Buffers()[1].Bytes()[a.Data().Offset()*width:]
		for _, row := range keep {
			s.data = append(s.data, src[int(row)*width:(int(row)+1)*width]...)
			s.mark(a.IsValid(int(row)))
		}
		return s.array(a.DataType())
	}
	return takeRuns(a, keep)
}

// widthOf is the number of bytes of one value of a plain column, 0 for columns that are not plain.
func widthOf(dt arrow.DataType) int {
	switch dt.ID() {
	case arrow.INT8, arrow.UINT8, arrow.INT16, arrow.UINT16, arrow.INT32, arrow.UINT32, arrow.INT64, arrow.UINT64,
		arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64, arrow.DATE32, arrow.DATE64, arrow.TIME32, arrow.TIME64, arrow.TIMESTAMP,
		arrow.DURATION, arrow.DECIMAL32, arrow.DECIMAL64, arrow.DECIMAL128, arrow.DECIMAL256, arrow.FIXED_SIZE_BINARY:
		return dt.(arrow.FixedWidthDataType).BitWidth() / 8
	}
	return 0
}

// takeRuns is take for columns of every other type, which are rare.
func takeRuns(a arrow.Array, keep []int32) arrow.Array {
	var runs []arrow.Array
	for i := 0; i < len(keep); {
		j := i + 1
		for j < len(keep) && keep[j] == keep[j-1]+1 {
			j++
		}
		runs = append(runs, array.NewSlice(a, int64(keep[i]), int64(keep[j-1])+1))
		i = j
	}
	out, err := array.Concatenate(runs, memory.DefaultAllocator)
	if err != nil {
		panic("transform: " + err.Error()) // slices of one array always fit together
	}
	return out
}
