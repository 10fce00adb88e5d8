package avro

import (
	"encoding/binary"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/literal"
)

// program is a schema at work. Indexes into the value run ahead as it is read; -1 means that why says what is wrong.
type program struct {
	root   *op
	style  literal.Style
	wanted *decode.Wanted

	in    []byte
	sheet *decode.Sheet
	items int
	why   error
}

// mostItems bounds the elements of one value: those of an empty record have no bytes, and a few bytes could announce any number.
const mostItems = 1 << 24

// Run serves decode.Program.
func (p *program) Run(value []byte, s *decode.Sheet) error {
	p.in, p.sheet, p.items, p.why = value, s, 0, nil
	o, i := p.root, 0
	for o.kind == kindUnion {
		if o, i = p.branch(o, i); o == nil {
			return p.why
		}
	}
	switch {
	case o.kind == kindNull:
		s.None()
	case p.wanted.Any:
	case p.wanted.List && o.kind != kindArray:
		return decode.Refusef("the value is %s, not an array", o.what())
	case !p.wanted.List && o.kind != kindRecord && o.kind != kindMap:
		return decode.Refusef("the value is %s, not a record", o.what())
	}
	if i = p.value(o, i, false, 1); i < 0 {
		return p.why
	}
	if i < len(value) {
		return decode.Refusef("%d bytes stand behind the value of its schema", len(value)-i)
	}
	return nil
}

func (o *op) what() string {
	if o.kind == kindArray || o.kind == kindMap {
		return o.name
	}
	return "of type " + o.name
}

func (p *program) fail(format string, args ...any) int {
	if p.why == nil {
		p.why = decode.Refusef(format, args...)
	}
	return -1
}

func (p *program) short(i int) int {
	return p.fail("the value ends too early, at byte %d behind its header", i)
}

// long reads a number of variable length.
func (p *program) long(i int) (n int64, next int) {
	if i < len(p.in) && p.in[i] < 0x80 {
		u := uint64(p.in[i])
		return int64(u>>1) ^ -int64(u&1), i + 1
	}
	u, size := binary.Uvarint(p.in[i:])
	switch {
	case size == 0:
		return 0, p.short(len(p.in))
	case size < 0:
		return 0, p.fail("a number at byte %d behind the header has more than 64 bits", i)
	}
	return int64(u>>1) ^ -int64(u&1), i + size
}

// length reads the length of bytes and makes sure that they are there.
func (p *program) length(i int) (n, next int) {
	l, next := p.long(i)
	switch {
	case next < 0:
		return 0, -1
	case l < 0:
		return 0, p.fail("a length at byte %d behind the header is negative", i)
	case l > int64(len(p.in)-next):
		return 0, p.short(next)
	}
	return int(l), next
}

func (p *program) branch(o *op, i int) (*op, int) {
	n, next := p.long(i)
	if next < 0 {
		return nil, -1
	}
	if n < 0 || n >= int64(len(o.branches)) {
		return nil, p.fail("a union at byte %d behind the header has no branch %d", i, n)
	}
	return o.branches[n], next
}

// value reads the value at i. It writes it when emit is set or the op fills cells, otherwise it goes over it.
func (p *program) value(o *op, i int, emit bool, depth int) int {
	for o.kind == kindUnion {
		if o, i = p.branch(o, i); o == nil {
			return -1
		}
		if depth++; depth > decode.MaxDepth {
			break
		}
	}
	if depth > decode.MaxDepth {
		return p.fail("nested deeper than %d levels", decode.MaxDepth)
	}
	if !emit && !o.live {
		return p.skip(o, i, depth)
	}
	if o.kind == kindDefault {
		whole := p.in
		p.in = o.bytes
		if p.value(o.item, 0, emit, depth+1) < 0 {
			i = -1
		}
		p.in = whole
		return i
	}
	from := len(p.sheet.Text)
	emit = emit || len(o.slots) > 0
	switch o.kind {
	case kindNull:
		if emit {
			p.sheet.Text = append(p.sheet.Text, "null"...)
		}
		p.sheet.Clear(o.slots)
		return i
	case kindRecord:
		i = p.record(o, i, emit, depth)
	case kindArray, kindMap:
		i = p.list(o, i, emit, depth)
	default:
		i = p.scalar(o, i)
	}
	if i >= 0 && len(o.slots) > 0 {
		p.sheet.Fill(o.slots, from)
	}
	if len(p.sheet.Text) > decode.MaxText {
		return p.fail("the value has more than %d bytes as text", decode.MaxText)
	}
	return i
}

func (p *program) record(o *op, i int, emit bool, depth int) int {
	if !emit {
		for f := range o.fields {
			if i = p.value(o.fields[f].op, i, false, depth+1); i < 0 {
				return -1
			}
		}
		return i
	}
	p.sheet.Text = append(p.sheet.Text, '{')
	for f := range o.fields {
		if f > 0 {
			p.sheet.Text = append(p.sheet.Text, ',')
		}
		p.sheet.Text = append(p.sheet.Text, o.fields[f].key...)
		if i = p.value(o.fields[f].op, i, true, depth+1); i < 0 {
			return -1
		}
	}
	p.sheet.Text = append(p.sheet.Text, '}')
	return i
}

// block reads how many elements follow; 0 is the end. size is their length in bytes, or -1 when it is not told.
func (p *program) block(i int) (count, size int64, next int) {
	count, next = p.long(i)
	size = -1
	if next >= 0 && count < 0 {
		count = -count
		var l int
		l, next = p.length(next)
		size = int64(l)
	}
	if next < 0 {
		return 0, 0, -1
	}
	if count < 0 || count > int64(mostItems-p.items) {
		return 0, 0, p.fail("a value of more than %d elements", mostItems)
	}
	p.items += int(count)
	return count, size, next
}

func (p *program) list(o *op, i int, emit bool, depth int) int {
	opening, closing := byte('['), byte(']')
	if o.kind == kindMap {
		opening, closing = '{', '}'
	}
	if emit {
		p.sheet.Text = append(p.sheet.Text, opening)
	}
	for _, e := range o.wanted {
		p.sheet.Clear(e.op.slots)
	}
	for index := 0; ; {
		count, _, next := p.block(i)
		if i = next; i < 0 {
			return -1
		}
		if count == 0 {
			break
		}
		for range count {
			if emit && index > 0 {
				p.sheet.Text = append(p.sheet.Text, ',')
			}
			of := o.item
			if o.kind == kindMap {
				var n int
				if n, i = p.length(i); i < 0 {
					return -1
				}
				key := p.in[i : i+n]
				i += n
				for w := range o.wanted {
					if o.wanted[w].key == string(key) {
						of = o.wanted[w].op
					}
				}
				if emit && !p.text(key) {
					return -1
				}
				if emit {
					p.sheet.Text = append(p.sheet.Text, ':')
				}
			} else {
				for w := range o.wanted {
					if o.wanted[w].index == index {
						of = o.wanted[w].op
					}
				}
			}
			if i = p.value(of, i, emit, depth+1); i < 0 {
				return -1
			}
			if len(p.sheet.Text) > decode.MaxText {
				return p.fail("the value has more than %d bytes as text", decode.MaxText)
			}
			index++
		}
	}
	if emit {
		p.sheet.Text = append(p.sheet.Text, closing)
	}
	return i
}
