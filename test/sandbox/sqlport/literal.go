package sqlport

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// convert reads text as a value of a column. A number may carry a fraction or an
// exponent that an integer column cuts off.
func convert(col store.Column, text string, number bool) (any, error) {
	switch col.Type.Kind {
	case store.Binary, store.Bitmap, store.HLL, store.Percentile:
		return []byte(text), nil
	}
	if number {
		text = plainNumber(col.Type.Kind, text)
	}
	v, err := store.Convert(col.Type, text, true)
	if err != nil {
		return nil, fmt.Errorf("column '%s': %w", col.Name, err)
	}
	if strings.Contains(col.Type.Text, "map<") {
		return text, nil // a batch reads maps as JSON, and the canonical form need not be that
	}
	return v, nil
}

// maxExponent keeps a literal like 1e999999999 from being written out.
const maxExponent = 400

func plainNumber(k store.Kind, text string) string {
	if !strings.ContainsAny(text, ".eE") || k == store.Float || k == store.Double || k >= store.Char {
		return text
	}
	d, err := decimal.NewFromString(text)
	if err != nil || d.Exponent() > maxExponent || d.Exponent() < -maxExponent {
		return text
	}
	if k <= store.LargeInt && k != store.Boolean {
		d = d.Truncate(0)
	}
	return d.String()
}

// collection turns [1, 'a', [..]] and map{k: v} into JSON text.
func collection(toks []lex.Token) (string, bool) {
	c := &lex.Cursor{Toks: append(slices.Clone(toks), lex.Token{})}
	var b strings.Builder
	ok := collectionItem(c, &b, 0) && c.Peek().Kind == lex.EOF
	return b.String(), ok
}

func collectionItem(c *lex.Cursor, b *strings.Builder, depth int) bool {
	if depth > 16 {
		return false
	}
	t := c.Next()
	switch {
	case t.Kind == lex.String:
		text, _ := json.Marshal(t.Text)
		b.Write(text)
	case t.Kind == lex.Number:
		b.WriteString(t.Text)
	case t.Is("-") && c.Peek().Kind == lex.Number:
		b.WriteString("-" + c.Next().Text)
	case t.Is("null"), t.Is("true"), t.Is("false"):
		b.WriteString(strings.ToLower(t.Text))
	case t.Is("["):
		return collectionItems(c, b, depth, "[", "]", false)
	case t.Is("map") && c.Try("{"), t.Is("{"):
		return collectionItems(c, b, depth, "{", "}", true)
	default:
		return false
	}
	return true
}

func collectionItems(c *lex.Cursor, b *strings.Builder, depth int, open, end string, pairs bool) bool {
	b.WriteString(open)
	for first := true; !c.Try(end); first = false {
		if !first {
			if !c.Try(",") {
				return false
			}
			b.WriteByte(',')
		}
		if pairs {
			key := c.Peek()
			if key.Kind != lex.String && key.Kind != lex.Number {
				return false
			}
			text, _ := json.Marshal(c.Next().Text)
			b.Write(text)
			if !c.Try(":") {
				return false
			}
			b.WriteByte(':')
		}
		if !collectionItem(c, b, depth+1) {
			return false
		}
	}
	b.WriteString(end)
	return true
}
