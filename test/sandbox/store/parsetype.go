package store

import (
	"fmt"
	"strconv"
	"strings"
)

// nested is a parsed type with the types inside it: one for Array, key and
// value for Map, one per field for Struct.
type nested struct {
	Type
	names []string
	parts []nested
}

// ParseType reads a type as DDL spells it, in any case: "int", "VARCHAR(20)",
// "decimal(10, 2)", "array<map<string,int>>", "struct<a int, b string>".
func ParseType(text string) (Type, error) {
	n, err := parseNested(text)
	return n.Type, err
}

func parseNested(text string) (nested, error) {
	p := typeParser{src: text}
	n, err := p.typ(0)
	if err == nil {
		p.space()
		if p.pos < len(p.src) {
			err = fmt.Errorf("unexpected %q", p.src[p.pos:])
		}
	}
	if err != nil {
		return nested{}, fmt.Errorf("type %q: %w", text, err)
	}
	return n, nil
}

type typeParser struct {
	src string
	pos int
}

func (p *typeParser) space() {
	for p.pos < len(p.src) && (p.src[p.pos] == ' ' || p.src[p.pos] == '\t' || p.src[p.pos] == '\n' || p.src[p.pos] == '\r') {
		p.pos++
	}
}

func (p *typeParser) take(c byte) bool {
	p.space()
	if p.pos < len(p.src) && p.src[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *typeParser) word() string {
	p.space()
	if p.pos < len(p.src) && p.src[p.pos] == '`' {
		if end := strings.IndexByte(p.src[p.pos+1:], '`'); end >= 0 {
			w := p.src[p.pos+1 : p.pos+1+end]
			p.pos += end + 2
			return w
		}
	}
	start := p.pos
	for p.pos < len(p.src) && (p.src[p.pos] == '_' || p.src[p.pos] >= '0' && p.src[p.pos] <= '9' ||
		p.src[p.pos]|0x20 >= 'a' && p.src[p.pos]|0x20 <= 'z' || p.src[p.pos] >= 0x80) {
		p.pos++
	}
	return p.src[start:p.pos]
}

// numbers reads "(a[, b])" and returns how many it saw.
func (p *typeParser) numbers() (vals [2]int, count int, err error) {
	if !p.take('(') {
		return vals, 0, nil
	}
	for {
		if count == 2 {
			return vals, count, fmt.Errorf("more than two numbers in parentheses")
		}
		w := p.word()
		v, convErr := strconv.Atoi(w)
		if convErr != nil {
			return vals, count, fmt.Errorf("%q is not a length", w)
		}
		vals[count] = v
		count++
		if p.take(')') {
			return vals, count, nil
		}
		if !p.take(',') {
			return vals, count, fmt.Errorf("a closing parenthesis is missing")
		}
	}
}

var kindsByName = map[string]Kind{
	"boolean": Boolean, "bool": Boolean, "tinyint": TinyInt, "smallint": SmallInt, "int": Int, "integer": Int,
	"bigint": BigInt, "largeint": LargeInt, "float": Float, "double": Double,
	"decimal": Decimal, "decimalv2": Decimal, "decimal32": Decimal, "decimal64": Decimal, "decimal128": Decimal, "numeric": Decimal,
	"date": Date, "datetime": DateTime, "char": Char, "varchar": Varchar, "string": Varchar,
	"binary": Binary, "varbinary": Binary, "json": JSON, "array": Array, "map": Map, "struct": Struct,
	"bitmap": Bitmap, "hll": HLL, "percentile": Percentile,
}

const maxTypeDepth = 14

func (p *typeParser) typ(depth int) (nested, error) {
	if depth > maxTypeDepth {
		return nested{}, fmt.Errorf("more than %d levels of nesting", maxTypeDepth)
	}
	name := strings.ToLower(p.word())
	kind, ok := kindsByName[name]
	if !ok {
		return nested{}, fmt.Errorf("unknown type name %q", name)
	}
	n := nested{Type: Type{Kind: kind}}
	switch kind {
	case Array, Map, Struct:
		return p.parts(n, depth)
	case Bitmap, HLL, Percentile:
		if depth > 0 {
			return n, fmt.Errorf("%s is no type for a part of a nested type", name)
		}
		return n, nil
	}
	vals, count, err := p.numbers()
	if err != nil {
		return n, err
	}
	switch kind {
	case Decimal:
		n.Precision, n.Scale = 10, 0
		if count > 0 {
			n.Precision = vals[0]
		}
		if count > 1 {
			n.Scale = vals[1]
		}
	case Char, Varchar, Binary:
		if count > 1 {
			return n, fmt.Errorf("one length expected")
		}
		n.Length = vals[0]
		if count == 1 && vals[0] < 1 {
			return n, fmt.Errorf("a length must be at least 1")
		}
		if kind == Varchar && count == 0 {
			n.Length = StringLength
			if name == "varchar" {
				n.Length = 1
			}
		}
		if kind == Char && count == 0 {
			n.Length = 1
		}
	default:
		if count > 1 {
			return n, fmt.Errorf("one display width expected")
		}
	}
	return n, n.check()
}

func (p *typeParser) parts(n nested, depth int) (nested, error) {
	if !p.take('<') {
		return n, fmt.Errorf("'<' expected after the name of a nested type")
	}
	for {
		field := ""
		if n.Kind == Struct {
			if field = p.word(); field == "" {
				return n, fmt.Errorf("a struct field needs a name")
			}
			p.take(':')
		}
		part, err := p.typ(depth + 1)
		if err != nil {
			return n, err
		}
		n.names = append(n.names, field)
		n.parts = append(n.parts, part)
		if p.take('>') {
			break
		}
		if !p.take(',') {
			return n, fmt.Errorf("'>' is missing")
		}
	}
	if n.Kind == Array && len(n.parts) != 1 || n.Kind == Map && len(n.parts) != 2 {
		return n, fmt.Errorf("wrong number of types between '<' and '>'")
	}
	n.Text = n.spell()
	return n, nil
}

func (n *nested) spell() string {
	var sb strings.Builder
	switch n.Kind {
	case Array:
		sb.WriteString("array<")
	case Map:
		sb.WriteString("map<")
	case Struct:
		sb.WriteString("struct<")
	default:
		return n.String()
	}
	for i := range n.parts {
		if i > 0 {
			sb.WriteByte(',')
			if n.Kind == Struct {
				sb.WriteByte(' ')
			}
		}
		if n.Kind == Struct {
			sb.WriteString("`" + n.names[i] + "` ")
		}
		sb.WriteString(n.parts[i].spell())
	}
	sb.WriteByte('>')
	return sb.String()
}

// Parts returns the types inside of an Array (one), a Map (key and value) or a Struct
// (its fields, with their names), and nothing for other types.
func (t Type) Parts() (names []string, list []Type) {
	if t.Kind != Array && t.Kind != Map && t.Kind != Struct {
		return nil, nil
	}
	n, err := parseNested(t.Text)
	if err != nil {
		return nil, nil
	}
	for _, p := range n.parts {
		list = append(list, p.Type)
	}
	return n.names, list
}
