package ddl

import (
	"slices"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/store"
)

func autoIncrement(c *column) error {
	if c.nullable.Is("null") {
		return lex.At(c.nullable, "AUTO_INCREMENT column %s must be NOT NULL", c.Name)
	}
	if c.Type.Kind != store.BigInt {
		return lex.At(c.at, "The AUTO_INCREMENT column must be BIGINT: '%s'", c.Name)
	}
	c.AutoIncrement, c.Nullable = true, false
	return nil
}

// columnDefault reads what follows DEFAULT: a string, NULL, CURRENT_TIMESTAMP, or a
// function without arguments in parentheses. Plain numbers are not in the grammar of
// the releases played here.
func (p *parser) columnDefault(c *column) error {
	t := p.Next()
	switch {
	case t.Kind == lex.String:
		return textDefault(c, t)
	case t.Is("null"):
		if c.nullable.Is("not") {
			return lex.At(t, "Invalid default value for '%s': NULL in a NOT NULL column", c.Name)
		}
		return nil
	case t.Is("current_timestamp"):
		if p.Try("(") && !p.Try(")") {
			n := p.Next()
			if n.Kind != lex.Number {
				return lex.Unexpected(n, "INTEGER_VALUE", ")")
			}
			if n.Text != "0" {
				return lex.At(n, "CURRENT_TIMESTAMP(%s) is not supported by this stand-in, its default has whole seconds", n.Text)
			}
			if err := p.Expect(")"); err != nil {
				return err
			}
		}
		return nowDefault(c, t)
	case t.Is("("):
		name, err := p.Name()
		if err != nil {
			return err
		}
		if err := p.Expect("(", ")", ")"); err != nil {
			return err
		}
		return callDefault(c, name)
	}
	return lex.Unexpected(t, "SINGLE_QUOTED_TEXT", "DOUBLE_QUOTED_TEXT", "NULL", "CURRENT_TIMESTAMP", "(")
}

func textDefault(c *column, t lex.Token) error {
	if err := takesDefault(c, t); err != nil {
		return err
	}
	text := t.Text
	c.Default = &text
	if text == "CURRENT_TIMESTAMP" && c.Type.Kind == store.DateTime { // else it would read back as the call
		return lex.At(t, "Invalid default value for '%s': Invalid date literal %s", c.Name, text)
	}
	if _, err := store.Convert(c.Type, text, true); err != nil {
		return lex.At(t, "Invalid default value for '%s': %v", c.Name, err)
	}
	return nil
}

func takesDefault(c *column, t lex.Token) error {
	switch c.Type.Kind {
	case store.Array, store.Map, store.Struct, store.Bitmap, store.HLL, store.Percentile:
		return lex.At(t, "Invalid default value for '%s': Type '%s' does not support default values", c.Name, c.Type)
	}
	return nil
}

func nowDefault(c *column, t lex.Token) error {
	if c.Type.Kind != store.DateTime {
		return lex.At(t, "Invalid default value for '%s': Default function now() for type %s is not supported", c.Name, c.Type)
	}
	now := "CURRENT_TIMESTAMP"
	c.Default = &now
	return nil
}

// callDefault takes the function in DEFAULT (name()).
func callDefault(c *column, name lex.Token) error {
	switch function := strings.ToLower(name.Text); function {
	case "now", "current_timestamp":
		return nowDefault(c, name)
	case "uuid", "uuid_numeric":
		call := function + "()"
		c.Default, c.DefaultCall = &call, true
		return nil // the store knows which types take it
	default:
		return lex.At(name, "Invalid default value for '%s': Default expr for function %s is not supported", c.Name, name.Text)
	}
}

// generated reads the expression behind AS, up to a comment or the end of the column.
func (p *parser) generated(c *column, at lex.Token) error {
	from := p.I
	g := &store.Generation{}
	for depth := 0; ; p.Next() {
		t := p.Peek()
		if depth == 0 && (t.Is(",") || t.Is(")") || t.Is("comment") && p.After(1).Kind == lex.String || t.Is("first") || t.Is("after")) || t.Kind == lex.EOF {
			break
		}
		switch {
		case t.Is("("), t.Is("["), t.Is("{"):
			depth++
		case t.Is(")"), t.Is("]"), t.Is("}"):
			depth--
		case t.Is("select"):
			return lex.At(t, "Expression can not contain subquery")
		case t.IsName() && !p.After(1).Is("("):
			if name := strings.ToLower(t.Text); !slices.Contains(g.Mentions, name) {
				g.Mentions = append(g.Mentions, name)
			}
		}
	}
	if p.I == from {
		return lex.Unexpected(p.Peek(), "an expression")
	}
	if c.nullable.Is("not") {
		return lex.At(c.nullable, "Generated Column must be nullable column")
	}
	if c.Agg != "" {
		return lex.At(at, "Generated Column does not support AGG table")
	}
	g.Expression = p.src[p.Toks[from].Pos:p.Toks[p.I-1].End]
	c.Generated = g
	return nil
}

// charsets are the names the server knows, and takes only the first of.
var charsets = []string{"utf8", "gbk"}

func checkCharset(t lex.Token, where string) error {
	name := strings.ToLower(t.Text)
	if !slices.Contains(charsets, name) {
		return lex.At(t, "Unknown charset name: %s", t.Text)
	}
	if name != charsets[0] {
		return lex.At(t, "charset name %s is not supported yet%s", t.Text, where)
	}
	return nil
}
