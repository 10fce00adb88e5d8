package store

import (
	"bytes"
	"strconv"

	"github.com/gx-etl/gx/test/sandbox/jsonscan"
)

// appendJSON appends a checked JSON value as text of the nested type. An element
// that does not convert becomes null; a value of the wrong shape fails.
func (n *nested) appendJSON(dst, value []byte) ([]byte, bool) {
	switch n.Kind {
	case Array:
		return n.appendArray(dst, value)
	case Map, Struct:
		return n.appendObject(dst, value)
	}
	return dst, false
}

func (n *nested) appendArray(dst, value []byte) ([]byte, bool) {
	if value[0] != '[' || len(n.parts) != 1 {
		return dst, false
	}
	dst = append(dst, '[')
	i := jsonscan.Space(value, 1)
	if value[i] == ']' {
		return append(dst, ']'), true
	}
	for {
		end, err := jsonscan.Value(value, i)
		if err != nil {
			return dst, false
		}
		dst = n.parts[0].appendPart(dst, value[i:end])
		next, done, err := jsonscan.Next(value, end, ']')
		if err != nil {
			return dst, false
		}
		if done {
			return append(dst, ']'), true
		}
		dst = append(dst, ',')
		i = next
	}
}

// appendObject serves maps, whose keys are converted, and structs, whose fields
// come out in the declared order whatever their order in the value.
func (n *nested) appendObject(dst, value []byte) ([]byte, bool) {
	if value[0] != '{' {
		return dst, false
	}
	var fields [][]byte
	if n.Kind == Struct {
		fields = make([][]byte, len(n.parts))
	}
	dst = append(dst, '{')
	i := jsonscan.Space(value, 1)
	done := value[i] == '}'
	for first := true; !done; first = false {
		at, err := jsonscan.Key(value, i)
		if err != nil {
			return dst, false
		}
		keyEnd, _ := jsonscan.String(value, i)
		end, err := jsonscan.Value(value, at)
		if err != nil {
			return dst, false
		}
		key, item := value[i:keyEnd], value[at:end]
		if n.Kind == Struct {
			name := jsonscan.Unquote(nil, key)
			for f := range n.names {
				if fields[f] == nil && string(name) == n.names[f] {
					fields[f] = item
				}
			}
		} else {
			if !first {
				dst = append(dst, ',')
			}
			dst = n.parts[0].appendPart(dst, key)
			dst = n.parts[1].appendPart(append(dst, ':'), item)
		}
		if i, done, err = jsonscan.Next(value, end, '}'); err != nil {
			return dst, false
		}
	}
	for f, item := range fields {
		if f > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonscan.Quote(dst, []byte(n.names[f])), ':')
		if item == nil {
			dst = append(dst, "null"...)
		} else {
			dst = n.parts[f].appendPart(dst, item)
		}
	}
	return append(dst, '}'), true
}

// appendPart appends one element, or null when it does not convert.
func (n *nested) appendPart(dst, item []byte) []byte {
	if bytes.Equal(item, []byte("null")) {
		return append(dst, "null"...)
	}
	start := len(dst)
	switch n.Kind {
	case Array, Map, Struct:
		out, ok := n.appendJSON(dst, item)
		if !ok {
			return append(dst[:start], "null"...)
		}
		return out
	}
	var v vector
	var scratch []byte
	ct := newCellType(n.Type)
	v.kind = ct.storage
	if ct.readToken(&v, item, &scratch) != cellOK {
		return append(dst, "null"...)
	}
	switch n.Kind {
	case Boolean, TinyInt, SmallInt, Int, BigInt:
		return strconv.AppendInt(dst, v.ints[0], 10)
	case LargeInt:
		return v.wides[0].appendDecimal(dst, 0)
	case Decimal:
		return v.wides[0].appendDecimal(dst, n.Scale)
	case Float:
		return append(dst, formatFloat(v.floats[0], 32)...)
	case Double:
		return append(dst, formatFloat(v.floats[0], 64)...)
	case Date:
		return jsonscan.Quote(dst, unpack(v.ints[0]).appendDate(nil))
	case DateTime:
		return jsonscan.Quote(dst, unpack(v.ints[0]).appendDateTime(nil))
	case JSON:
		return append(dst, v.bytesAt(0)...)
	}
	return jsonscan.Quote(dst, v.bytesAt(0))
}
