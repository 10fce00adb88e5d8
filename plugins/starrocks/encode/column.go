package encode

import (
	"fmt"
	"math"
	"strconv"
	"time"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/decimal"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

type kind uint8

const (
	kindText kind = iota // utf8, binary: text for StarRocks
	kindJSON             // a raw JSON token
	kindBool
	kindInt8
	kindInt16
	kindInt32
	kindInt64
	kindUint8
	kindUint16
	kindUint32
	kindUint64
	kindFloat32
	kindFloat64
	kindDecimal
	kindDate
	kindTimestamp
	kindTime
	kindNull // every value is NULL
	kindDecimal256
	kindList
	kindMap
	kindStruct
)

// column reads the values of one Arrow column straight from its buffers.
type column struct {
	name string
	key  []byte // JSON: what stands before the value
	kind kind

	nulls   []byte // validity bitmap; nil: no nulls
	first   int    // offset of row 0 in the bitmaps
	bits    []byte // kindBool
	offsets []int32
	data    []byte
	wide    []int64 // offsets of a large column, in the place of offsets
	view    viewed  // of a column of views, in the place of offsets
	width   int     // of fixed values, in the place of offsets
	i8      []int8
	i16     []int16
	i32     []int32
	i64     []int64
	u8      []uint8
	u16     []uint16
	u32     []uint32
	u64     []uint64
	f32     []float32
	f64     []float64
	f16     []float16.Num
	dec     []decimal128.Num
	dec32   []decimal.Decimal32
	dec64   []decimal.Decimal64
	dec256  []decimal256.Num
	nest    *nest

	scale int32
	unit  arrow.TimeUnit
	zone  *time.Location // of a timestamp that is an instant; nil: wall clock

	hex    bool
	spells bool // texts spell nested values
	must   bool // and those that spell none are refused
	whole  bool // JSON texts keep their quotes in CSV
	dating *dating
}

// viewed is a column of views. What it gives points into the column.
type viewed interface{ ValueString(i int) string }

func newColumn(f arrow.Field, name string) (column, error) {
	c := column{name: name}
	switch t := f.Type.(type) {
	case *arrow.NullType:
		c.kind = kindNull
	case *arrow.BinaryType:
		c.kind = kindText
		if rows.IsJSON(f) {
			c.kind = kindJSON
		}
	case *arrow.StringType, *arrow.LargeStringType, *arrow.LargeBinaryType, *arrow.StringViewType, *arrow.BinaryViewType, *arrow.FixedSizeBinaryType:
		c.kind = kindText
	case *arrow.BooleanType:
		c.kind = kindBool
	case *arrow.Int8Type:
		c.kind = kindInt8
	case *arrow.Int16Type:
		c.kind = kindInt16
	case *arrow.Int32Type:
		c.kind = kindInt32
	case *arrow.Int64Type:
		c.kind = kindInt64
	case *arrow.Uint8Type:
		c.kind = kindUint8
	case *arrow.Uint16Type:
		c.kind = kindUint16
	case *arrow.Uint32Type:
		c.kind = kindUint32
	case *arrow.Uint64Type:
		c.kind = kindUint64
	case *arrow.Float16Type, *arrow.Float32Type:
		c.kind = kindFloat32
	case *arrow.Float64Type:
		c.kind = kindFloat64
	case *arrow.Decimal128Type:
		c.kind, c.scale = kindDecimal, t.Scale
	case *arrow.Decimal32Type:
		c.kind, c.scale = kindDecimal, t.Scale
	case *arrow.Decimal64Type:
		c.kind, c.scale = kindDecimal, t.Scale
	case *arrow.Decimal256Type:
		c.kind, c.scale = kindDecimal256, t.Scale
	case *arrow.Date32Type, *arrow.Date64Type:
		c.kind = kindDate
	case *arrow.Time32Type:
		c.kind, c.unit = kindTime, t.Unit
	case *arrow.Time64Type:
		c.kind, c.unit = kindTime, t.Unit
	case *arrow.TimestampType:
		c.kind, c.unit = kindTimestamp, t.Unit
		if t.TimeZone != "" {
			zone, err := t.GetZone()
			if err != nil {
				return c, fmt.Errorf("column %s: time zone %q is not known", name, t.TimeZone)
			}
			c.zone = zone
		}
	default:
		var err error
		if c.nest, c.kind, err = newNest(f.Type, name); err != nil {
			return c, err
		}
		if c.nest == nil {
			return c, fmt.Errorf("column %s: rows of type %s cannot be written to StarRocks", name, f.Type)
		}
	}
	return c, nil
}

// treat makes the column do what a treatment says.
func (c *column) treat(t Treatment) {
	c.hex = t.Hex && c.kind == kindText
	c.spells, c.must = (t.Nested || t.JSON) && c.kind == kindText, t.Nested
	c.whole = t.JSON && c.kind == kindJSON
	if t.Zone != nil && c.zone != nil {
		c.zone = t.Zone
	}
	if t.Date && (t.Zero != nil || t.Zone != nil) {
		c.dating = &dating{Treatment: t}
	}
}

func (c *column) bind(a arrow.Array) error {
	d := a.Data()
	c.first, c.nulls = d.Offset(), nil
	if a.NullN() > 0 {
		c.nulls = a.NullBitmapBytes()
	}
	switch v := a.(type) {
	case *array.Binary, *array.String:
		c.offsets, c.data = variable(d)
	case *array.LargeBinary, *array.LargeString:
		c.wide, c.data = nil, nil
		if d.Len() > 0 {
			c.wide = arrow.Int64Traits.CastFromBytes(d.Buffers()[1].Bytes())[d.Offset() : d.Offset()+d.Len()+1]
			if b := d.Buffers()[2]; b != nil {
				c.data = b.Bytes()
			}
		}
	case *array.BinaryView:
		c.view = v
	case *array.StringView:
		c.view = textView{v}
	case *array.FixedSizeBinary:
		c.width, c.data = v.DataType().(*arrow.FixedSizeBinaryType).ByteWidth, nil
		if b := d.Buffers()[1]; b != nil {
			c.data = b.Bytes()[d.Offset()*c.width:]
		}
	case *array.Null:
	case *array.Float16:
		c.f16 = v.Values()
	case *array.Decimal32:
		c.dec32 = v.Values()
	case *array.Decimal64:
		c.dec64 = v.Values()
	case *array.Decimal256:
		c.dec256 = v.Values()
	case *array.Date64:
		c.i64 = arrow.Int64Traits.CastFromBytes(arrow.Date64Traits.CastToBytes(v.Date64Values()))
	case *array.Time32:
		c.i32 = arrow.Int32Traits.CastFromBytes(arrow.Time32Traits.CastToBytes(v.Time32Values()))
	case *array.Time64:
		c.i64 = arrow.Int64Traits.CastFromBytes(arrow.Time64Traits.CastToBytes(v.Time64Values()))
	case *array.Boolean:
		c.bits = nil
		if b := d.Buffers()[1]; b != nil {
			c.bits = b.Bytes()
		}
	case *array.Int8:
		c.i8 = v.Int8Values()
	case *array.Int16:
		c.i16 = v.Int16Values()
	case *array.Int32:
		c.i32 = v.Int32Values()
	case *array.Int64:
		c.i64 = v.Int64Values()
	case *array.Uint8:
		c.u8 = v.Uint8Values()
	case *array.Uint16:
		c.u16 = v.Uint16Values()
	case *array.Uint32:
		c.u32 = v.Uint32Values()
	case *array.Uint64:
		c.u64 = v.Uint64Values()
	case *array.Float32:
		c.f32 = v.Float32Values()
	case *array.Float64:
		c.f64 = v.Float64Values()
	case *array.Decimal128:
		c.dec = v.Values()
	case *array.Date32:
		c.i32 = arrow.Int32Traits.CastFromBytes(arrow.Date32Traits.CastToBytes(v.Date32Values()))
	case *array.Timestamp:
		c.i64 = arrow.Int64Traits.CastFromBytes(arrow.TimestampTraits.CastToBytes(v.TimestampValues()))
	default:
		if c.nest == nil {
			return fmt.Errorf("column %s: rows of type %s cannot be written to StarRocks", c.name, a.DataType())
		}
		return c.nest.bind(a)
	}
	return nil
}

// textView is a column of text views.
type textView struct{ *array.StringView }

func (v textView) ValueString(i int) string { return v.Value(i) }

func errType(n *nest, a arrow.Array) error {
	return fmt.Errorf("column %s: a value of type %s has %d parts at most", n.children[0].name, a.DataType(), len(n.children))
}

func errNotUTF8(name string) error {
	return fmt.Errorf("column %s: the name of a field is not valid UTF-8", name)
}

// variable gives the offsets and bytes of a binary or text column as slices that start at its first row.
func variable(d arrow.ArrayData) (offsets []int32, data []byte) {
	if d.Len() == 0 {
		return nil, nil
	}
	bufs := d.Buffers()
	offsets = arrow.Int32Traits.CastFromBytes(bufs[1].Bytes())[d.Offset() : d.Offset()+d.Len()+1]
	if len(bufs) > 2 && bufs[2] != nil {
		data = bufs[2].Bytes()
	}
	return offsets, data
}

func (c *column) null(row int) bool {
	return c.kind == kindNull || c.nulls != nil && !bitutil.BitIsSet(c.nulls, c.first+row)
}

func (c *column) bytes(row int) []byte {
	switch {
	case c.offsets != nil:
		return c.data[c.offsets[row]:c.offsets[row+1]]
	case c.wide != nil:
		return c.data[c.wide[row]:c.wide[row+1]]
	case c.view != nil:
		s := c.view.ValueString(row)
		return unsafe.Slice(unsafe.StringData(s), len(s)) // of the column's own memory
	}
	return c.data[row*c.width : (row+1)*c.width]
}

// appendPlain adds a value that is neither text nor JSON, in the form that CSV and JSON share. quoted tells that a
// JSON writer must put it in quotes. A reason means that the value has no form.
func (c *column) appendPlain(dst []byte, row int) (out []byte, quoted bool, reason string) {
	switch c.kind {
	case kindInt8:
		return strconv.AppendInt(dst, int64(c.i8[row]), 10), false, ""
	case kindInt16:
		return strconv.AppendInt(dst, int64(c.i16[row]), 10), false, ""
	case kindInt32:
		return strconv.AppendInt(dst, int64(c.i32[row]), 10), false, ""
	case kindInt64:
		return strconv.AppendInt(dst, c.i64[row], 10), false, ""
	case kindUint8:
		return strconv.AppendUint(dst, uint64(c.u8[row]), 10), false, ""
	case kindUint16:
		return strconv.AppendUint(dst, uint64(c.u16[row]), 10), false, ""
	case kindUint32:
		return strconv.AppendUint(dst, uint64(c.u32[row]), 10), false, ""
	case kindUint64:
		return strconv.AppendUint(dst, c.u64[row], 10), false, ""
	case kindFloat32:
		if c.f16 != nil {
			out, reason = appendFloat(dst, float64(c.f16[row].Float32()), 32)
			return out, false, reason
		}
		out, reason = appendFloat(dst, float64(c.f32[row]), 32)
		return out, false, reason
	case kindFloat64:
		out, reason = appendFloat(dst, c.f64[row], 64)
		return out, false, reason
	case kindDecimal:
		switch {
		case c.dec32 != nil:
			return appendDecimal(dst, decimal128.FromI64(int64(c.dec32[row])), c.scale), true, ""
		case c.dec64 != nil:
			return appendDecimal(dst, decimal128.FromI64(int64(c.dec64[row])), c.scale), true, ""
		}
		return appendDecimal(dst, c.dec[row], c.scale), true, ""
	case kindDecimal256:
		return appendDecimal256(dst, c.dec256[row], c.scale), true, ""
	case kindTime:
		v := int64(0)
		if c.i32 != nil {
			v = int64(c.i32[row])
		} else {
			v = c.i64[row]
		}
		out, reason = appendClock(dst, v, c.unit)
		return out, true, reason
	case kindDate:
		if c.i64 != nil { // milliseconds
			days, _ := floorDiv(c.i64[row], 1000*secondsPerDay)
			out, reason = appendDate(dst, days)
			return out, true, reason
		}
		out, reason = appendDate(dst, int64(c.i32[row]))
		return out, true, reason
	case kindTimestamp:
		out, reason = appendTimestamp(dst, c.i64[row], c.unit, c.zone)
		return out, true, reason
	}
	panic("encode: appendPlain of a text column")
}

// appendFloat writes the shortest text that reads back as the same number, without an exponent where people would not
// expect one.
func appendFloat(dst []byte, f float64, bits int) ([]byte, string) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, "StarRocks cannot store NaN or infinity"
	}
	form := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		form = 'e'
	}
	return strconv.AppendFloat(dst, f, form, -1, bits), ""
}
