package avro

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/gx-etl/gx/plugins/kafka/literal"
)

// scalar writes a value that holds no others.
func (p *program) scalar(o *op, i int) int {
	s := p.sheet
	ok := true
	switch o.kind {
	case kindBoolean:
		if i >= len(p.in) {
			return p.short(i)
		}
		switch p.in[i] {
		case 0:
			s.Text = append(s.Text, "false"...)
		case 1:
			s.Text = append(s.Text, "true"...)
		default:
			return p.fail("a boolean at byte %d behind the header is %d", i, p.in[i])
		}
		return i + 1
	case kindInt, kindLong:
		n, next := p.long(i)
		if next < 0 {
			return -1
		}
		if o.kind == kindInt && n != int64(int32(n)) {
			return p.fail("an int at byte %d behind the header is %d, which has more than 32 bits", i, n)
		}
		return p.number(o, n, next)
	case kindFloat:
		if len(p.in)-i < 4 {
			return p.short(i)
		}
		f := math.Float32frombits(binary.LittleEndian.Uint32(p.in[i:]))
		if s.Text, ok = literal.Float(s.Text, float64(f), 32); !ok {
			return p.fail("a float at byte %d behind the header is %v, which JSON and StarRocks have not", i, f)
		}
		return i + 4
	case kindDouble:
		if len(p.in)-i < 8 {
			return p.short(i)
		}
		f := math.Float64frombits(binary.LittleEndian.Uint64(p.in[i:]))
		if s.Text, ok = literal.Float(s.Text, f, 64); !ok {
			return p.fail("a double at byte %d behind the header is %v, which JSON and StarRocks have not", i, f)
		}
		return i + 8
	case kindString:
		n, next := p.length(i)
		if next < 0 || !p.text(p.in[next:next+n]) {
			return -1
		}
		return next + n
	case kindBytes:
		n, next := p.length(i)
		if next < 0 {
			return -1
		}
		p.bytes(o, p.in[next:next+n])
		return next + n
	case kindFixed:
		if len(p.in)-i < o.size {
			return p.short(i)
		}
		p.bytes(o, p.in[i:i+o.size])
		return i + o.size
	}
	n, next := p.long(i) // an enum
	if next < 0 {
		return -1
	}
	if n < 0 || n >= int64(len(o.symbols)) {
		return p.fail("%s at byte %d behind the header has no symbol %d", o.name, i, n)
	}
	s.Text = append(s.Text, o.symbols[n]...)
	return next
}

func (p *program) number(o *op, n int64, next int) int {
	s, ok := p.sheet, true
	switch o.meaning {
	case date:
		s.Text, ok = literal.Date(s.Text, n)
	case timeOfDay:
		if s.Text, ok = literal.Clock(s.Text, n, o.perSecond); !ok {
			return p.fail("%d is no time of a day", n)
		}
	case instant:
		s.Text, ok = p.style.Instant(s.Text, n, o.perSecond)
	case wallClock:
		s.Text, ok = literal.Local(s.Text, n, o.perSecond)
	default:
		s.Text = strconv.AppendInt(s.Text, n, 10)
	}
	if !ok {
		return p.fail("the date %d is not in the years 0000 to 9999", n)
	}
	return next
}

func (p *program) bytes(o *op, b []byte) {
	s := p.sheet
	switch o.meaning {
	case decimal:
		s.Text = literal.Decimal(s.Text, b, o.scale)
	case uuid:
		s.Text = literal.UUID(s.Text, b)
	case duration:
		s.Text = append(s.Text, `{"months":`...)
		s.Text = strconv.AppendUint(s.Text, uint64(binary.LittleEndian.Uint32(b)), 10)
		s.Text = append(s.Text, `,"days":`...)
		s.Text = strconv.AppendUint(s.Text, uint64(binary.LittleEndian.Uint32(b[4:])), 10)
		s.Text = append(s.Text, `,"milliseconds":`...)
		s.Text = strconv.AppendUint(s.Text, uint64(binary.LittleEndian.Uint32(b[8:])), 10)
		s.Text = append(s.Text, '}')
	default:
		s.Text = p.style.Bytes(s.Text, b)
	}
}

func (p *program) text(s []byte) (ok bool) {
	if p.sheet.Text, ok = literal.Text(p.sheet.Text, s); !ok {
		p.fail("a text is not valid UTF-8")
	}
	return ok
}
