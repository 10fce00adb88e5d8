package protobuf

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// scan finds the fields in b. It adds as many heads as the message has fields.
func (p *program) scan(m *message, b []byte, emit bool) bool {
	base := len(p.heads)
	for range m.fields {
		p.heads = append(p.heads, head{-1, -1})
	}
	for len(b) > 0 {
		number, wire, at, rest := p.next(b)
		if rest == nil {
			return false
		}
		b = rest
		i := m.field(int32(number))
		if i < 0 {
			continue
		}
		f := &m.fields[i]
		if !emit && !f.live && f.oneof < 0 || !f.takes(wire) {
			continue
		}
		switch wire {
		case protowire.BytesType:
			at, _ = protowire.ConsumeBytes(at)
		case protowire.StartGroupType:
			at, _ = protowire.ConsumeGroup(number, at)
		}
		if f.oneof >= 0 { // the last of them counts
			for other := range m.fields {
				if other != i && m.fields[other].oneof == f.oneof {
					p.heads[base+other] = head{-1, -1}
				}
			}
		}
		p.found = append(p.found, occurrence{wire: wire, at: at, next: -1})
		h := &p.heads[base+i]
		if h.first < 0 {
			h.first = len(p.found) - 1
		} else {
			p.found[h.last].next = len(p.found) - 1
		}
		h.last = len(p.found) - 1
	}
	return true
}

// next reads one field: its number, and its value with whatever frames it. No rest, not even an empty one: it is broken.
func (p *program) next(b []byte) (number protowire.Number, wire protowire.Type, at, rest []byte) {
	number, wire, n := protowire.ConsumeTag(b)
	if n < 0 || number > protowire.MaxValidNumber {
		p.fail("the tag of a field is broken")
		return 0, 0, nil, nil
	}
	b = b[n:]
	if n = protowire.ConsumeFieldValue(number, wire, b); n < 0 {
		p.fail("field %d is broken", number)
		return 0, 0, nil, nil
	}
	return number, wire, b[:n], b[n:]
}

// wireOf is how single values of a kind travel.
func wireOf(k protoreflect.Kind) protowire.Type {
	switch k {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	}
	return protowire.VarintType
}

// takes tells whether what comes in a wire type belongs to the field; otherwise it is unknown, as an unknown number is.
func (f *field) takes(wire protowire.Type) bool {
	want := wireOf(f.kind)
	return wire == want || f.repeated && wire == protowire.BytesType && want != protowire.StartGroupType
}
