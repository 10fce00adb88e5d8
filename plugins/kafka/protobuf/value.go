package protobuf

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/gx-etl/gx/plugins/kafka/literal"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// value writes a single value.
func (p *program) value(o *op, wire protowire.Type, at []byte, emit bool, depth int) bool {
	if o.message != nil {
		return p.message(o.message, at, emit, depth+1)
	}
	if !emit {
		return true
	}
	s, ok := p.sheet, true
	var u uint64
	switch wire {
	case protowire.VarintType:
		u, _ = protowire.ConsumeVarint(at)
	case protowire.Fixed32Type:
		u = uint64(binary.LittleEndian.Uint32(at))
	case protowire.Fixed64Type:
		u = binary.LittleEndian.Uint64(at)
	}
	switch o.kind {
	case protoreflect.BoolKind:
		s.Text = strconv.AppendBool(s.Text, u != 0)
	case protoreflect.EnumKind:
		p.enum(o, int32(u))
	case protoreflect.Int32Kind, protoreflect.Sfixed32Kind:
		s.Text = strconv.AppendInt(s.Text, int64(int32(u)), 10)
	case protoreflect.Sint32Kind:
		s.Text = strconv.AppendInt(s.Text, protowire.DecodeZigZag(u&math.MaxUint32), 10)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		s.Text = strconv.AppendUint(s.Text, uint64(uint32(u)), 10)
	case protoreflect.Int64Kind, protoreflect.Sfixed64Kind:
		s.Text = strconv.AppendInt(s.Text, int64(u), 10)
	case protoreflect.Sint64Kind:
		s.Text = strconv.AppendInt(s.Text, protowire.DecodeZigZag(u), 10)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		s.Text = strconv.AppendUint(s.Text, u, 10)
	case protoreflect.FloatKind:
		f := float64(math.Float32frombits(uint32(u)))
		if s.Text, ok = literal.Float(s.Text, f, 32); !ok {
			return p.fail("a float is %v, which JSON and StarRocks have not", f)
		}
	case protoreflect.DoubleKind:
		f := math.Float64frombits(u)
		if s.Text, ok = literal.Float(s.Text, f, 64); !ok {
			return p.fail("a double is %v, which JSON and StarRocks have not", f)
		}
	case protoreflect.StringKind:
		return p.text(at)
	case protoreflect.BytesKind:
		s.Text = p.style.Bytes(s.Text, at)
	}
	return true
}

func (p *program) text(b []byte) (ok bool) {
	if p.sheet.Text, ok = literal.Text(p.sheet.Text, b); !ok {
		return p.fail("a text is not valid UTF-8")
	}
	return true
}

// enum writes the name of a number, or the number when the schema has none for it.
func (p *program) enum(o *op, n int32) {
	s := p.sheet
	name := o.names[n]
	switch {
	case o.null:
		s.Text = append(s.Text, "null"...)
	case name != nil:
		s.Text = append(s.Text, name...)
	default:
		s.Text = strconv.AppendInt(s.Text, int64(n), 10)
	}
}
