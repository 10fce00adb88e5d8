package lex

import "strings"

// Cursor walks over the tokens of one statement. The tokens must end with EOF.
type Cursor struct {
	Toks []Token
	I    int
}

// Peek returns the current token.
func (c *Cursor) Peek() Token { return c.Toks[c.I] }

// After returns the token n places behind the current one, or EOF.
func (c *Cursor) After(n int) Token { return c.Toks[min(c.I+n, len(c.Toks)-1)] }

// Next returns the current token and moves on, but never over EOF.
func (c *Cursor) Next() Token {
	t := c.Toks[c.I]
	if t.Kind != EOF {
		c.I++
	}
	return t
}

// Try moves over words, all or none, and reports whether they stood there.
func (c *Cursor) Try(words ...string) bool {
	for i, w := range words {
		if !c.After(i).Is(w) {
			return false
		}
	}
	c.I += len(words)
	return true
}

// Expect moves over words that must stand here.
func (c *Cursor) Expect(words ...string) error {
	for _, w := range words {
		if !c.Peek().Is(w) {
			return Unexpected(c.Peek(), strings.ToUpper(w))
		}
		c.I++
	}
	return nil
}

// Name reads a name, quoted or not.
func (c *Cursor) Name() (Token, error) {
	t := c.Peek()
	if !t.IsName() || t.Text == "" {
		return t, Unexpected(t, "a name")
	}
	c.I++
	return t, nil
}

// Str reads a string literal.
func (c *Cursor) Str() (string, error) {
	t := c.Peek()
	if t.Kind != String {
		return "", Unexpected(t, "SINGLE_QUOTED_TEXT", "DOUBLE_QUOTED_TEXT")
	}
	c.I++
	return t.Text, nil
}

// Table reads a table name with an optional database before it. The catalog
// default_catalog may stand in front of both; another one is an error.
func (c *Cursor) Table() (db, table Token, err error) {
	var parts []Token
	for {
		t, err := c.Name()
		if err != nil {
			return db, table, err
		}
		parts = append(parts, t)
		if !c.Try(".") {
			break
		}
	}
	if len(parts) == 3 {
		if parts[0].Text != "default_catalog" {
			return db, table, At(parts[0], "Unknown catalog '%s'", parts[0].Text)
		}
		parts = parts[1:]
	}
	switch len(parts) {
	case 1:
		return Token{}, parts[0], nil
	case 2:
		return parts[0], parts[1], nil
	}
	return db, table, At(parts[3], "a table name has at most three parts")
}

// Names reads a parenthesised list of names.
func (c *Cursor) Names() ([]Token, error) {
	if err := c.Expect("("); err != nil {
		return nil, err
	}
	var list []Token
	for {
		t, err := c.Name()
		if err != nil {
			return nil, err
		}
		list = append(list, t)
		if c.Try(")") {
			return list, nil
		}
		if !c.Try(",") {
			return nil, Unexpected(c.Peek(), ")", ",")
		}
	}
}

// SkipParens moves from an opening parenthesis over its closing one. Brackets count
// as parentheses: a range of partition values opens with [ and closes with ).
func (c *Cursor) SkipParens() error {
	open := c.Peek()
	if err := c.Expect("("); err != nil {
		return err
	}
	for depth := 1; depth > 0; {
		switch t := c.Next(); {
		case t.Kind == EOF:
			return unreadable(open, "'(' is never closed")
		case t.Is("("), t.Is("["):
			depth++
		case t.Is(")"), t.Is("]"):
			depth--
		}
	}
	return nil
}

// End checks that nothing is left.
func (c *Cursor) End() error {
	if t := c.Peek(); t.Kind != EOF {
		return Unexpected(t, "<EOF>", ";")
	}
	return nil
}
