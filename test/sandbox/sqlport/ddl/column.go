package ddl

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// column is a column definition with what the schema does not keep.
type column struct {
	store.Column
	at       lex.Token // its name
	nullable lex.Token // NULL or NOT, when one was written
	inlineKy bool      // KEY was written behind the type
}

// columns reads the parenthesised list of columns, and behind them indexes, which
// go into s.
func (p *parser) columns(s *store.Schema) ([]column, error) {
	if err := p.Expect("("); err != nil {
		return nil, err
	}
	var list []column
	for {
		if t := p.Peek(); t.Is("index") && p.After(1).IsName() && p.After(2).Is("(") {
			p.Next()
			x, err := p.index()
			if err != nil {
				return nil, err
			}
			s.Indexes = append(s.Indexes, x)
		} else if len(s.Indexes) > 0 {
			return nil, lex.Unexpected(t, "INDEX")
		} else {
			c, err := p.column()
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(list, func(o column) bool { return strings.EqualFold(o.Name, c.Name) }) {
				return nil, lex.At(c.at, "Duplicate column name '%s'", c.Name)
			}
			list = append(list, c)
		}
		if p.Try(")") {
			return list, nil
		}
		if !p.Try(",") {
			return nil, lex.Unexpected(p.Peek(), ")", ",", "NULL", "NOT", "DEFAULT", "COMMENT")
		}
	}
}

// aggregates are the functions that a value column can name.
var aggregates = []string{"SUM", "MIN", "MAX", "REPLACE", "REPLACE_IF_NOT_NULL", "BITMAP_UNION", "HLL_UNION", "PERCENTILE_UNION"}

func (p *parser) column() (column, error) {
	name, err := p.newName("column")
	if err != nil {
		return column{}, err
	}
	c := column{at: name}
	c.Name = name.Text
	if c.Type, err = p.typ(0); err != nil {
		return c, err
	}
	if t := p.Peek(); p.Try("charset") || p.Try("character", "set") || p.Try("char", "set") {
		cs, err := p.Name()
		if err != nil {
			return c, err
		}
		if c.Type.Kind != store.Varchar && c.Type.Kind != store.Char {
			return c, lex.At(t, "character setting is only supported for type varchar in column definition")
		}
		if err := checkCharset(cs, " in column definition"); err != nil {
			return c, err
		}
	}
	c.inlineKy = p.Try("key")
	if t := p.Peek(); t.Kind == lex.Word && slices.Contains(aggregates, strings.ToUpper(t.Text)) {
		c.Agg = strings.ToUpper(p.Next().Text)
	}
	c.Nullable = true
	if t := p.Peek(); p.Try("null") {
		c.nullable = t
	} else if p.Try("not", "null") {
		c.nullable, c.Nullable = t, false
	}
	switch t := p.Peek(); {
	case p.Try("as"):
		err = p.generated(&c, t)
	case p.Try("auto_increment"):
		err = autoIncrement(&c)
	case p.Try("default"):
		err = p.columnDefault(&c)
	}
	if err != nil {
		return c, err
	}
	c.Comment, err = p.comment()
	return c, err
}

func (p *parser) comment() (string, error) {
	if !p.Try("comment") {
		return "", nil
	}
	return p.Str()
}

// unsupported types exist in StarRocks but not here.
var unsupported = []string{"variant", "time"}

const maxDepth = 14

// typ reads a column type. Display widths are read and dropped.
func (p *parser) typ(depth int) (store.Type, error) {
	t := p.Peek()
	if t.Kind != lex.Word {
		return store.Type{}, lex.Unexpected(t, "a type")
	}
	if depth > maxDepth {
		return store.Type{}, lex.At(t, "more than %d levels of nested types", maxDepth)
	}
	p.Next()
	name := strings.ToLower(t.Text)
	switch name {
	case "array", "map", "struct":
		return p.nested(t, name, depth)
	case "signed", "unsigned":
		return store.Type{}, lex.Unexpected(t, "a type")
	}
	if slices.Contains(unsupported, name) {
		return store.Type{}, lex.At(t, "type %s is not supported by this stand-in", strings.ToUpper(name))
	}
	args, err := p.typeArgs()
	if err != nil {
		return store.Type{}, err
	}
	kind, ok := plain[name]
	switch {
	case ok:
		if len(args) > 1 {
			return store.Type{}, lex.At(t, "type %s takes one display width", strings.ToUpper(name))
		}
		return store.Type{Kind: kind}, nil
	case strings.HasPrefix(name, "decimal") || name == "numeric":
		return decimalType(t, name, args)
	}
	return stringType(t, name, args)
}

var plain = map[string]store.Kind{
	"boolean": store.Boolean, "bool": store.Boolean, "tinyint": store.TinyInt, "smallint": store.SmallInt,
	"int": store.Int, "integer": store.Int, "bigint": store.BigInt, "largeint": store.LargeInt,
	"float": store.Float, "double": store.Double, "date": store.Date, "datetime": store.DateTime,
	"json": store.JSON, "bitmap": store.Bitmap, "hll": store.HLL, "percentile": store.Percentile,
}

// typeArgs reads (n[, m]); a * stands for the largest length and reads as -1.
func (p *parser) typeArgs() ([]int, error) {
	if !p.Try("(") {
		return nil, nil
	}
	var args []int
	for {
		t := p.Next()
		n, err := strconv.Atoi(t.Text)
		if t.Is("*") {
			n, err = -1, nil
		}
		if err != nil || t.Kind != lex.Number && !t.Is("*") {
			return nil, lex.Unexpected(t, "INTEGER_VALUE")
		}
		args = append(args, n)
		if p.Try(")") {
			return args, nil
		}
		if len(args) == 2 || !p.Try(",") {
			return nil, lex.Unexpected(p.Peek(), ")")
		}
	}
}

func decimalType(t lex.Token, name string, args []int) (store.Type, error) {
	limit, typ := store.MaxDecimalPrecision, store.Type{Kind: store.Decimal, Precision: 10}
	switch name {
	case "decimal", "decimalv3", "numeric", "decimal128":
	case "decimalv2":
		limit, typ.Precision = 27, 27
		if len(args) == 0 {
			typ.Scale = 9
		}
	case "decimal32":
		limit, typ.Precision = 9, 9
	case "decimal64":
		limit = 18
	default:
		return typ, lex.Unexpected(t, "a type")
	}
	if len(args) > 0 {
		typ.Precision = args[0]
	}
	if len(args) > 1 {
		typ.Scale = args[1]
	}
	if typ.Precision < 1 || typ.Precision > limit {
		return typ, lex.At(t, "%s's precision should range from 1 to %d, got %d", strings.ToUpper(name), limit, typ.Precision)
	}
	if typ.Scale < 0 || typ.Scale > typ.Precision {
		return typ, lex.At(t, "%s's scale should range from 0 to its precision %d, got %d", strings.ToUpper(name), typ.Precision, typ.Scale)
	}
	return typ, nil
}

func stringType(t lex.Token, name string, args []int) (store.Type, error) {
	typ, limit := store.Type{Kind: store.Varchar, Length: 1}, store.MaxVarchar
	switch name {
	case "varchar":
	case "string", "text":
		if len(args) > 0 {
			return typ, lex.At(t, "type %s takes no length", strings.ToUpper(name))
		}
		typ.Length = store.StringLength
	case "char":
		typ.Kind, limit = store.Char, store.MaxChar
	case "binary", "varbinary":
		typ.Kind, typ.Length = store.Binary, 0
	default:
		return typ, lex.Unexpected(t, "a type")
	}
	if len(args) > 1 {
		return typ, lex.At(t, "type %s takes one length", strings.ToUpper(name))
	}
	if len(args) == 1 {
		typ.Length = args[0]
		if typ.Length == -1 {
			typ.Length = limit
		}
		if typ.Length < 1 || typ.Length > limit {
			return typ, lex.At(t, "%s size must be between 1 and %d bytes, got %d", strings.ToUpper(name), limit, args[0])
		}
	}
	return typ, nil
}

// nested reads the inside of ARRAY<..>, MAP<..,..> and STRUCT<name type, ..>.
func (p *parser) nested(at lex.Token, name string, depth int) (store.Type, error) {
	kind := map[string]store.Kind{"array": store.Array, "map": store.Map, "struct": store.Struct}[name]
	if err := p.Expect("<"); err != nil {
		return store.Type{}, err
	}
	var parts []string
	for {
		field := ""
		if kind == store.Struct {
			f, err := p.Name()
			if err != nil {
				return store.Type{}, err
			}
			if strings.Contains(f.Text, "`") {
				return store.Type{}, lex.At(f, "a struct field name may not hold a backquote")
			}
			p.Try(":")
			field = "`" + f.Text + "` "
		}
		t, err := p.typ(depth + 1)
		if err != nil {
			return t, err
		}
		parts = append(parts, field+t.String())
		if p.Try(">") {
			break
		}
		if !p.Try(",") {
			return t, lex.Unexpected(p.Peek(), ">", ",")
		}
	}
	if kind == store.Array && len(parts) != 1 || kind == store.Map && len(parts) != 2 {
		return store.Type{}, lex.At(at, "%s has %d type(s) between '<' and '>'", strings.ToUpper(name), len(parts))
	}
	typ, err := store.ParseType(name + "<" + strings.Join(parts, ",") + ">")
	if err != nil {
		return typ, lex.At(at, "%v", err)
	}
	return typ, nil
}
