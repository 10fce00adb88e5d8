package protobuf

import (
	"strconv"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// moment writes a Timestamp or Duration: seconds and nanoseconds.
func (p *program) moment(as form, b []byte) bool {
	var sec, nanos int64
	for len(b) > 0 {
		number, wire, at, rest := p.next(b)
		if rest == nil {
			return false
		}
		b = rest
		if wire == protowire.VarintType {
			u, _ := protowire.ConsumeVarint(at)
			switch number {
			case 1:
				sec = int64(u)
			case 2:
				nanos = int64(int32(u))
			}
		}
	}
	s, ok := p.sheet, true
	if as == timestamp {
		if nanos < 0 || nanos >= 1e9 {
			return p.fail("%d nanoseconds are no part of a second", nanos)
		}
		if s.Text, ok = p.style.Seconds(s.Text, sec, nanos); !ok {
			return p.fail("the date %d is not in the years 0000 to 9999", sec)
		}
		return true
	}
	if nanos <= -1e9 || nanos >= 1e9 || sec > 0 && nanos < 0 || sec < 0 && nanos > 0 {
		return p.fail("%d nanoseconds do not belong to %d seconds", nanos, sec)
	}
	s.Text = append(s.Text, '"')
	if sec < 0 || nanos < 0 {
		s.Text = append(s.Text, '-')
		nanos = -nanos
	}
	if sec < 0 {
		s.Text = strconv.AppendUint(s.Text, -uint64(sec), 10)
	} else {
		s.Text = strconv.AppendUint(s.Text, uint64(sec), 10)
	}
	if nanos > 0 {
		var digits [9]byte
		for i := range digits {
			digits[8-i] = byte('0' + nanos%10)
			nanos /= 10
		}
		end := 9
		for end > 3 && string(digits[end-3:end]) == "000" {
			end -= 3
		}
		s.Text = append(append(s.Text, '.'), digits[:end]...)
	}
	s.Text = append(s.Text, 's', '"')
	return true
}

// fewEntries is how many entries of a map are compared one by one for a key that comes again.
const fewEntries = 16

// entries writes a map. Of a key that comes twice the last entry counts.
func (p *program) entries(f *field, h head, emit bool, depth int) bool {
	if depth > decode.MaxDepth {
		return p.fail("nested deeper than %d levels", decode.MaxDepth)
	}
	count := 0
	for i := h.first; i >= 0; i = p.found[i].next {
		count++
	}
	var last map[string]int // by key, when there are many
	if count > fewEntries {
		last = make(map[string]int, count)
		for i := h.first; i >= 0; i = p.found[i].next {
			key, ok := p.entryKey(f, p.found[i].at)
			if !ok {
				return false
			}
			last[string(key)] = i
		}
	}
	if emit {
		p.sheet.Text = append(p.sheet.Text, '{')
	}
	for i, first := h.first, true; i >= 0; i = p.found[i].next {
		mark := len(p.sheet.Text)
		if emit && !first {
			p.sheet.Text = append(p.sheet.Text, ',')
		}
		from := len(p.sheet.Text)
		key, ok := p.entryKey(f, p.found[i].at)
		if !ok {
			return false
		}
		p.key = append(p.key[:0], key...)
		key = p.key
		again := last != nil && last[string(key)] != i
		if last == nil {
			var err bool
			if again, err = p.comesAgain(f, key, i); err {
				return false
			}
		}
		if again {
			p.sheet.Text = p.sheet.Text[:mark]
			continue
		}
		o := f.op
		for w := range f.wanted {
			if f.wanted[w].key == string(key) {
				o = f.wanted[w].op
			}
		}
		if emit {
			p.sheet.Text = append(append(p.sheet.Text[:from], key...), ':')
		}
		if !p.entryValue(o, p.found[i].at, emit, depth) {
			return false
		}
		first = false
	}
	if emit {
		p.sheet.Text = append(p.sheet.Text, '}')
	}
	return true
}

func (p *program) comesAgain(f *field, key []byte, i int) (again, failed bool) {
	for j := p.found[i].next; j >= 0; j = p.found[j].next {
		other, ok := p.entryKey(f, p.found[j].at)
		if !ok {
			return false, true
		}
		if string(other) == string(key) {
			return true, false
		}
	}
	return false, false
}

// entryKey gives the key of an entry as a JSON string, valid until something is written.
func (p *program) entryKey(f *field, entry []byte) (key []byte, ok bool) {
	wire := wireOf(f.keys.kind)
	at := zero[wire]
	for len(entry) > 0 {
		number, got, part, rest := p.next(entry)
		if rest == nil {
			return nil, false
		}
		if number == 1 && got == wire {
			if at = part; wire == protowire.BytesType {
				at, _ = protowire.ConsumeBytes(at)
			}
		}
		entry = rest
	}
	s, from := p.sheet, len(p.sheet.Text)
	quoted := f.keys.kind == protoreflect.StringKind
	if !quoted {
		s.Text = append(s.Text, '"')
	}
	if !p.value(f.keys, wire, at, true, 0) {
		return nil, false
	}
	if !quoted {
		s.Text = append(s.Text, '"')
	}
	key = s.Text[from:]
	s.Text = s.Text[:from]
	return key, true
}

// zero are the bytes of nothing, by wire type.
var zero = map[protowire.Type][]byte{
	protowire.VarintType: {0}, protowire.Fixed32Type: make([]byte, 4), protowire.Fixed64Type: make([]byte, 8), protowire.BytesType: {},
}

func (p *program) entryValue(o *op, entry []byte, emit bool, depth int) bool {
	wire := wireOf(o.kind)
	at, set := zero[wire], false
	for len(entry) > 0 {
		number, got, part, rest := p.next(entry)
		if rest == nil {
			return false
		}
		if number == 2 && got == wire {
			if wire == protowire.BytesType {
				part, _ = protowire.ConsumeBytes(part)
			}
			if set && o.message != nil {
				part = append(append([]byte(nil), at...), part...)
			}
			at, set = part, true
		}
		entry = rest
	}
	return p.element(o, wire, at, emit, depth)
}
