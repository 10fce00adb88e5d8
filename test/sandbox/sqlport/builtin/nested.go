package builtin

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// Nested is the engine's type of an ARRAY, a MAP or a STRUCT. Values are their JSON
// text; Of tells what is inside of them.
type Nested struct {
	sql.StringType
	Of store.Type
}

var _ sql.StringType = Nested{}

func nestedType(t store.Type) sql.Type { return Nested{types.MediumText, t} }

// Equals implements sql.Type.
func (n Nested) Equals(other sql.Type) bool { return n == other }

// Promote implements sql.Type.
func (n Nested) Promote() sql.Type { return n }

func (n Nested) String() string { return n.Of.String() }

// IsDocument says whether values of the type are JSON text: those of JSON and of
// everything nested.
func IsDocument(t sql.Type) bool {
	if t == JSON {
		return true
	}
	_, ok := t.(Nested)
	return ok
}

// partsOf lists the types inside of a nested type of the given kind, nil for any other.
func partsOf(t sql.Type, kind store.Kind) []store.Type {
	n, ok := t.(Nested)
	if !ok || n.Of.Kind != kind {
		return nil
	}
	_, list := n.Of.Parts()
	return list
}

// StoreType is the type of a column that takes the values of an engine type. ok is
// false for text, which says nothing of its length, and for what no column holds.
func StoreType(t sql.Type) (store.Type, bool) {
	plain := func(k store.Kind) (store.Type, bool) { return store.Type{Kind: k}, true }
	if n, ok := t.(Nested); ok {
		return n.Of, true
	}
	switch {
	case t == types.Null, types.IsBoolean(t):
		return plain(store.Boolean)
	case IsLargeInt(t):
		return plain(store.LargeInt)
	case types.IsDecimal(t):
		d := t.(sql.DecimalType)
		return store.Type{Kind: store.Decimal, Precision: min(int(d.Precision()), store.MaxDecimalPrecision), Scale: int(d.Scale())}, true
	case t == types.Int8:
		return plain(store.TinyInt)
	case t == types.Int16:
		return plain(store.SmallInt)
	case t == types.Int32:
		return plain(store.Int)
	case types.IsInteger(t):
		return plain(store.BigInt)
	case t == types.Float32:
		return plain(store.Float)
	case types.IsFloat(t):
		return plain(store.Double)
	case types.IsDateType(t):
		return plain(store.Date)
	case types.IsTime(t):
		return plain(store.DateTime)
	case t == JSON:
		return plain(store.JSON)
	case t == Bitmap:
		return plain(store.Bitmap)
	case t == HLL:
		return plain(store.HLL)
	case t == Percentile:
		return plain(store.Percentile)
	case types.IsBinaryType(t):
		return plain(store.Binary)
	}
	return store.Type{}, false
}

// inside is StoreType for something nested: text has the length of a STRING.
func inside(t sql.Type) store.Type {
	if s, ok := StoreType(t); ok {
		return s
	}
	return store.Type{Kind: store.Varchar, Length: store.StringLength}
}

func nestedOf(name string, of ...string) sql.Type {
	t, err := store.ParseType(name + "<" + strings.Join(of, ",") + ">")
	if err != nil { // a type that nothing can be nested in, such as BITMAP
		return JSON
	}
	return nestedType(t)
}

func arrayOf(item store.Type) sql.Type { return nestedOf("array", item.String()) }

func mapOf(key, value store.Type) sql.Type { return nestedOf("map", key.String(), value.String()) }

// itemType is the engine's type of the items of an array, or of the values of a map.
func itemType(t sql.Type) sql.Type {
	if p := partsOf(t, store.Array); len(p) == 1 {
		return SQLType(p[0])
	}
	if p := partsOf(t, store.Map); len(p) == 2 {
		return SQLType(p[1])
	}
	return types.LongText
}

// item turns the JSON text of an item into a value of its type.
func (c *call) item(text string, t sql.Type) any {
	if text == "null" {
		return nil
	}
	if n, ok := t.(Nested); ok {
		v, err := store.Convert(n.Of, text, false) // gives the keys of maps their form again
		if err != nil {
			return nil
		}
		return v
	}
	if t == JSON {
		return text
	}
	plain := jsonText(text)
	to, ok := StoreType(t)
	if !ok {
		return plain
	}
	one := call{ctx: c.ctx, args: []any{plain}, types: []sql.Type{types.LongText}}
	v := castValue(&one, to)
	if one.failed {
		return nil
	}
	return v
}

// HoldsMap says whether values of the type hold maps, whose text is not JSON unless
// their keys are text; see QuoteKeys.
func HoldsMap(t sql.Type) bool {
	n, ok := t.(Nested)
	return ok && strings.Contains(n.Of.Text, "map<")
}

// alike is the result type of functions that give an array like the first one.
func alike(args []sql.Type) sql.Type {
	if partsOf(args[0], store.Array) != nil {
		return args[0]
	}
	return JSON
}

// field finds a part of a struct by its name; the name is a literal.
func init() {
	factories["~field"] = func(_ string, args []sql.Expression) (sql.Expression, error) {
		if len(args) != 2 {
			return nil, noSignature("struct field", args)
		}
		n, ok := args[0].Type().(Nested)
		wanted, _ := args[1].Eval(sql.NewEmptyContext(), nil)
		name, isText := wanted.(string)
		if !ok || !isText || n.Of.Kind != store.Struct {
			return nil, &NoField{Name: name}
		}
		names, list := n.Of.Parts()
		for i := range names {
			if !strings.EqualFold(names[i], name) {
				continue
			}
			typ, key := SQLType(list[i]), names[i]
			f := &function{min: 2, max: 2, result: fixed(typ), eval: func(c *call) any {
				doc, ok := c.document(0)
				if !ok {
					return nil
				}
				found := "null"
				members(doc, func(k, v string) bool {
					if k == key {
						found = v
					}
					return true
				})
				return c.item(found, typ)
			}}
			return newExpr("~field", f, args)
		}
		return nil, &NoField{Name: name}
	}
}

// NoField says that a name is neither a column nor a field of a struct.
type NoField struct{ Name string }

func (e *NoField) Error() string { return "Column '" + e.Name + "' cannot be resolved" }

// QuoteKeys makes JSON of the text of a map, whose keys have quotes only when they
// are text.
func QuoteKeys(text string) string {
	var b strings.Builder
	var open []byte // the brackets around
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case '"':
			end := i + 1
			for end < len(text) && text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(text))
			b.WriteString(text[i:end])
			i = end
			continue
		case '[', '{':
			open = append(open, c)
		case ']', '}':
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
		b.WriteByte(text[i])
		starts := text[i] == '{' || text[i] == ',' && len(open) > 0 && open[len(open)-1] == '{'
		i++
		for starts && i < len(text) && strings.IndexByte(" \t\r\n", text[i]) >= 0 {
			b.WriteByte(text[i])
			i++
		}
		if !starts || i >= len(text) || text[i] == '"' || text[i] == '}' {
			continue
		}
		if end := strings.IndexByte(text[i:], ':'); end > 0 {
			b.WriteString(`"` + strings.TrimSpace(text[i:i+end]) + `"`)
			i += end
		}
	}
	return b.String()
}
