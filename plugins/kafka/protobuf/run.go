package protobuf

import (
	"encoding/binary"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/literal"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// program is a schema at work. The fields of a message come in any order, so each message is gone through twice: once to
// see where its fields are, and once to write them in the order of the schema.
type program struct {
	file   protoreflect.FileDescriptor
	style  literal.Style
	wanted *decode.Wanted
	roots  map[string]*message // by the path of indexes in front of a value

	sheet *decode.Sheet
	heads []head // of the fields of the messages that are open
	found []occurrence
	key   []byte
	why   error
}

// head is what was found of a field: places in program.found, -1 for none.
type head struct{ first, last int }

// occurrence is one value of a field.
type occurrence struct {
	wire protowire.Type
	at   []byte // without its length
	next int
}

// Run serves decode.Program.
func (p *program) Run(value []byte, s *decode.Sheet) error {
	p.sheet, p.heads, p.found, p.why = s, p.heads[:0], p.found[:0], nil
	root, body := p.root(value)
	if root == nil {
		return p.why
	}
	slots := []int(nil)
	if p.wanted.Document {
		slots = []int{len(p.wanted.Paths)}
	}
	for i, path := range p.wanted.Paths {
		if len(path) == 0 {
			slots = append(slots, i)
		}
	}
	p.message(root, body, len(slots) > 0, 1)
	if p.why != nil {
		return p.why
	}
	if len(slots) > 0 {
		switch first := s.Text[0]; {
		case p.wanted.Any:
		case root.form != object && string(s.Text) == "null":
			s.None()
		case p.wanted.List && first != '[':
			return decode.Refusef("the value is not a list")
		case !p.wanted.List && first != '{':
			return decode.Refusef("the value is not a message of fields")
		}
		s.Fill(slots, 0)
	}
	return nil
}

// root finds the type of the message: indexes of it and the types around it stand before the message.
func (p *program) root(value []byte) (*message, []byte) {
	count, n := binary.Varint(value)
	if n <= 0 || count < 0 || count > int64(len(value)) {
		p.fail("the indexes of the message are broken")
		return nil, nil
	}
	at := n
	for range count {
		_, n := binary.Varint(value[at:])
		if n <= 0 {
			p.fail("the indexes of the message are broken")
			return nil, nil
		}
		at += n
	}
	if m := p.roots[string(value[:at])]; m != nil {
		return m, value[at:]
	}
	var d protoreflect.MessageDescriptor
	within := p.file.Messages()
	if count == 0 && within.Len() > 0 {
		d = within.Get(0)
	}
	for rest := value[n:at]; len(rest) > 0; {
		i, n := binary.Varint(rest)
		rest = rest[n:]
		if d = nil; i < 0 || i >= int64(within.Len()) {
			break
		}
		d = within.Get(int(i))
		within = d.Messages()
	}
	if d == nil || d.IsMapEntry() {
		p.fail("the schema has no message of these indexes")
		return nil, nil
	}
	c := compiler{made: map[place]*message{}}
	tree := p.wanted.Tree()
	m := c.message(d, below(tree))
	m.mark(map[*message]bool{})
	p.roots[string(value[:at])] = m
	return m, value[at:]
}

func (p *program) fail(format string, args ...any) bool {
	if p.why == nil {
		p.why = decode.Refusef(format, args...)
	}
	return false
}

// message writes the message b when emit is set, and the cells in it in any case.
func (p *program) message(m *message, b []byte, emit bool, depth int) bool {
	if depth > decode.MaxDepth {
		return p.fail("nested deeper than %d levels", decode.MaxDepth)
	}
	switch {
	case !emit && !m.live:
		return true
	case m.form == timestamp, m.form == duration:
		return p.moment(m.form, b)
	}
	heads, found := len(p.heads), len(p.found)
	defer func() { p.heads, p.found = p.heads[:heads], p.found[:found] }()
	if !p.scan(m, b, emit) {
		return false
	}
	if m.form == transparent {
		return p.only(m, heads, emit, depth)
	}
	if emit {
		p.sheet.Text = append(p.sheet.Text, '{')
	}
	for i := range m.fields {
		f := &m.fields[i]
		if !emit && !f.live {
			continue
		}
		if emit {
			if i > 0 {
				p.sheet.Text = append(p.sheet.Text, ',')
			}
			p.sheet.Text = append(p.sheet.Text, f.key...)
		}
		if !p.field(f, p.heads[heads+i], emit, depth) {
			return false
		}
	}
	if emit {
		p.sheet.Text = append(p.sheet.Text, '}')
	}
	return true
}

// only writes the message as its field: the one that is set, or the only one there is.
func (p *program) only(m *message, heads int, emit bool, depth int) bool {
	for i := range m.fields {
		if h := p.heads[heads+i]; h.first >= 0 || m.fields[i].oneof < 0 {
			return p.field(&m.fields[i], h, emit, depth)
		}
	}
	if emit {
		p.sheet.Text = append(p.sheet.Text, "null"...)
	}
	return true
}

// field writes a field from what was found of it.
func (p *program) field(f *field, h head, emit bool, depth int) bool {
	from := len(p.sheet.Text)
	emit = emit || len(f.slots) > 0
	ok := true
	switch {
	case f.keys != nil:
		ok = p.entries(f, h, emit, depth)
	case f.repeated:
		ok = p.list(f, h, emit, depth)
	case h.first < 0:
		if emit && f.absent == nil {
			p.sheet.Text = p.style.Bytes(p.sheet.Text, f.bytes)
		} else if emit {
			p.sheet.Text = append(p.sheet.Text, f.absent...)
		}
	default:
		last := p.found[h.last]
		if f.op.message != nil && h.first != h.last { // parts of one message
			last.at = p.join(h.first)
		}
		ok = p.value(f.op, last.wire, last.at, emit, depth)
	}
	if ok && len(p.sheet.Text) > decode.MaxText {
		return p.fail("the value has more than %d bytes as text", decode.MaxText)
	}
	if ok {
		p.fill(f.slots, from)
	}
	return ok
}

// fill notes what was written as the value of slots, unless it is null.
func (p *program) fill(slots []int, from int) {
	if len(slots) == 0 {
		return
	}
	if string(p.sheet.Text[from:]) == "null" {
		p.sheet.Clear(slots)
		return
	}
	p.sheet.Fill(slots, from)
}

func (p *program) join(i int) []byte {
	var all []byte
	for ; i >= 0; i = p.found[i].next {
		all = append(all, p.found[i].at...)
	}
	return all
}

// element writes an element of a list or map with the op that it has.
func (p *program) element(o *op, wire protowire.Type, at []byte, emit bool, depth int) bool {
	from := len(p.sheet.Text)
	if !p.value(o, wire, at, emit || len(o.slots) > 0, depth) {
		return false
	}
	if len(p.sheet.Text) > decode.MaxText {
		return p.fail("the value has more than %d bytes as text", decode.MaxText)
	}
	p.fill(o.slots, from)
	return true
}

func (p *program) list(f *field, h head, emit bool, depth int) bool {
	if emit {
		p.sheet.Text = append(p.sheet.Text, '[')
	}
	index := 0
	one := func(wire protowire.Type, at []byte) bool {
		o := f.op
		for w := range f.wanted {
			if f.wanted[w].index == index {
				o = f.wanted[w].op
			}
		}
		if emit && index > 0 {
			p.sheet.Text = append(p.sheet.Text, ',')
		}
		index++
		return p.element(o, wire, at, emit, depth)
	}
	own := wireOf(f.kind)
	for i := h.first; i >= 0; {
		v := p.found[i]
		i = v.next
		if v.wire == own {
			if !one(own, v.at) {
				return false
			}
			continue
		}
		for at := v.at; len(at) > 0; { // packed
			n := protowire.ConsumeFieldValue(1, own, at)
			if n < 0 {
				return p.fail("a packed list is broken")
			}
			if !one(own, at[:n]) {
				return false
			}
			at = at[n:]
		}
	}
	if emit {
		p.sheet.Text = append(p.sheet.Text, ']')
	}
	return true
}
