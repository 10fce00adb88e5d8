package encode

import (
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// nest is a column whose values hold values. They travel as JSON: natively in JSON, as its text in CSV, which is how
// StarRocks reads ARRAY, MAP, STRUCT and JSON there.
type nest struct {
	list     array.ListLike // where a row's elements are; nil for a struct
	children []column       // the element; of a map, key and value; of a struct, its fields
}

// newNest describes the children of a type, or answers nil for a type without any.
func newNest(t arrow.DataType, name string) (*nest, kind, error) {
	var fields []arrow.Field
	k := kindList
	switch t := t.(type) {
	case *arrow.MapType:
		k, fields = kindMap, []arrow.Field{t.KeyField(), t.ItemField()}
	case *arrow.StructType:
		k, fields = kindStruct, t.Fields()
	case arrow.ListLikeType:
		fields = []arrow.Field{t.ElemField()}
	default:
		return nil, 0, nil
	}
	n := &nest{children: make([]column, len(fields))}
	for i, f := range fields {
		c, err := newColumn(f, name)
		if err != nil {
			return nil, 0, err
		}
		if k == kindStruct {
			open := byte(',')
			if i == 0 {
				open = '{'
			}
			key, ok := appendQuoted([]byte{open}, []byte(f.Name))
			if !ok {
				return nil, 0, errNotUTF8(name)
			}
			c.key = append(key, ':')
		}
		n.children[i] = c
	}
	return n, k, nil
}

// bind points at the rows of an array; false: it has another type than the schema says.
func (n *nest) bind(a arrow.Array) error {
	var parts []arrow.Array
	n.list = nil
	switch v := a.(type) {
	case *array.Map:
		n.list, parts = v, []arrow.Array{v.Keys(), v.Items()}
	case *array.Struct:
		for i := range v.NumField() {
			parts = append(parts, v.Field(i))
		}
	case array.ListLike:
		n.list, parts = v, []arrow.Array{v.ListValues()}
	}
	if len(parts) != len(n.children) {
		return errType(n, a)
	}
	for i := range n.children {
		if err := n.children[i].bind(parts[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *column) appendNested(dst []byte, row int) (out []byte, reason string) {
	n := c.nest
	if c.kind == kindStruct {
		if len(n.children) == 0 {
			dst = append(dst, '{')
		}
		for i := range n.children {
			child := &n.children[i]
			dst = append(dst, child.key...)
			if dst, reason = child.appendJSONValue(dst, row); reason != "" {
				return dst, reason
			}
		}
		return append(dst, '}'), ""
	}
	open, end := byte('['), byte(']')
	if c.kind == kindMap {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	from, past := n.list.ValueOffsets(row)
	for i := from; i < past; i++ {
		if i > from {
			dst = append(dst, ',')
		}
		value := &n.children[len(n.children)-1]
		if c.kind == kindMap {
			if dst, reason = n.children[0].appendKey(dst, int(i)); reason != "" {
				return dst, reason
			}
		}
		if dst, reason = value.appendJSONValue(dst, int(i)); reason != "" {
			return dst, reason
		}
	}
	return append(dst, end), ""
}

// appendKey writes the key of a map, which JSON wants to be a text.
func (c *column) appendKey(dst []byte, row int) (out []byte, reason string) {
	switch {
	case c.null(row):
		return dst, "a key of the map is NULL"
	case c.nest != nil:
		return dst, "a key of the map is no plain value"
	}
	mark := len(dst)
	if dst, reason = c.appendJSONValue(dst, row); reason != "" {
		return dst, reason
	}
	if dst[mark] != '"' {
		dst = append(dst, 0)
		copy(dst[mark+1:], dst[mark:])
		dst[mark] = '"'
		dst = append(dst, '"')
	}
	return append(dst, ':'), ""
}

// appendJSONValue writes one value as JSON, or answers why it cannot be written.
func (c *column) appendJSONValue(dst []byte, row int) (out []byte, reason string) {
	if c.null(row) {
		return append(dst, "null"...), ""
	}
	switch c.kind {
	case kindText:
		s := c.bytes(row)
		if c.dating != nil {
			var null bool
			if s, null, reason = c.dating.apply(s); null || reason != "" {
				return append(dst, "null"...), reason
			}
		}
		if c.hex {
			dst = append(dst, '"')
			return append(appendHex(dst, s), '"'), ""
		}
		if c.spells {
			mark := len(dst)
			out, ok := appendNestedText(dst, s)
			switch {
			case ok:
				return out, ""
			case c.must:
				return dst, notNested
			}
			dst = out[:mark]
		}
		out, ok := appendQuoted(dst, s)
		if !ok {
			return dst, notUTF8
		}
		return out, ""
	case kindJSON:
		token := c.bytes(row)
		if len(token) == 0 {
			return dst, "the JSON value is empty"
		}
		if !utf8.Valid(token) {
			return dst, notUTF8
		}
		if s, ok := plainText(token); ok && c.dating != nil {
			text, null, reason := c.dating.apply(s)
			if null || reason != "" {
				return append(dst, "null"...), reason
			}
			return append(append(append(dst, '"'), text...), '"'), ""
		}
		return append(dst, token...), ""
	case kindBool:
		return appendBool(dst, c.bit(row), "true", "false"), ""
	case kindList, kindMap, kindStruct:
		return c.appendNested(dst, row)
	}
	mark := len(dst)
	dst = append(dst, '"')
	out, quoted, reason := c.appendPlain(dst, row)
	switch {
	case reason != "":
		return out, reason
	case quoted:
		return append(out, '"'), ""
	}
	copy(out[mark:], out[mark+1:]) // a number: move it over the quote
	return out[:len(out)-1], ""
}

// plainText is what stands between the quotes of a JSON text without escapes.
func plainText(token []byte) ([]byte, bool) {
	token = trim(token)
	if len(token) < 2 || token[0] != '"' || token[len(token)-1] != '"' {
		return nil, false
	}
	token = token[1 : len(token)-1]
	for _, b := range token {
		if b == '\\' || b == '"' {
			return nil, false
		}
	}
	return token, true
}
