package avro

import "github.com/gx-etl/gx/plugins/kafka/decode"

// skip goes over a value that nobody wants. It judges where the value ends, not what it says.
func (p *program) skip(o *op, i, depth int) int {
	if depth > decode.MaxDepth {
		return p.fail("nested deeper than %d levels", decode.MaxDepth)
	}
	switch o.kind {
	case kindNull, kindDefault:
		return i
	case kindBoolean:
		return p.over(i, 1)
	case kindFloat:
		return p.over(i, 4)
	case kindDouble:
		return p.over(i, 8)
	case kindFixed:
		return p.over(i, o.size)
	case kindInt, kindLong, kindEnum:
		_, i = p.long(i)
		return i
	case kindString, kindBytes:
		n, next := p.length(i)
		if next < 0 {
			return -1
		}
		return next + n
	case kindUnion:
		b, next := p.branch(o, i)
		if b == nil {
			return -1
		}
		return p.skip(b, next, depth+1)
	case kindRecord:
		for f := range o.fields {
			if i = p.skip(o.fields[f].op, i, depth+1); i < 0 {
				return -1
			}
		}
		return i
	}
	for {
		count, size, next := p.block(i)
		if i = next; i < 0 || count == 0 {
			return i
		}
		if size >= 0 {
			i += int(size)
			continue
		}
		for range count {
			if o.kind == kindMap {
				n, next := p.length(i)
				if next < 0 {
					return -1
				}
				i = next + n
			}
			if i = p.skip(o.item, i, depth+1); i < 0 {
				return -1
			}
		}
	}
}

func (p *program) over(i, n int) int {
	if len(p.in)-i < n {
		return p.short(i)
	}
	return i + n
}
