package sqlport

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
)

// hint is one variable of a SET_VAR hint.
type hint struct {
	name  lex.Token
	value lex.Token
}

// edit replaces a piece of source text.
type edit struct {
	from, to int
	text     string
}

// rewrite turns a StarRocks query into one the engine reads. What it changes:
// hints are taken out and returned; FROM t PARTITION (p) TABLET (ids) becomes a
// table name that carries the tablets; the catalog default_catalog goes; type names
// in CAST become MySQL's; integers past BIGINT become LARGEINT, for the engine
// compares them as floats otherwise; system variables become their values.
func (ss *session) rewrite(stmt lex.Statement) (string, []hint, error) {
	r := &rewriter{Cursor: lex.Cursor{Toks: stmt.Toks}, ss: ss}
	for r.Peek().Kind != lex.EOF {
		if err := r.step(); err != nil {
			return "", nil, err
		}
	}
	start := stmt.Toks[0].Pos
	end := stmt.Toks[len(stmt.Toks)-1].Pos
	var b strings.Builder
	for _, e := range r.edits {
		b.WriteString(stmt.Src[start:e.from])
		b.WriteString(e.text)
		start = e.to
	}
	b.WriteString(stmt.Src[start:end])
	return b.String(), r.hints, nil
}

type rewriter struct {
	lex.Cursor
	ss    *session
	edits []edit // in source order
	hints []hint
	casts []int // depth of parentheses inside each open CAST
}

func (r *rewriter) step() error {
	t := r.Next()
	switch {
	case t.Kind == lex.Hint:
		list, err := parseHint(t)
		if err != nil {
			return err
		}
		r.hints = append(r.hints, list...)
		r.edits = append(r.edits, edit{t.Pos, t.End, " "})
	case t.Kind == lex.Number && isWide(t.Text):
		r.edits = append(r.edits, edit{t.Pos, t.End, "CAST(" + t.Text + " AS " + castTypes["largeint"] + ")"})
	case t.Is("@@"):
		return r.variable(t)
	case t.Is("into"):
		return lex.At(t, "SELECT INTO is not supported by this stand-in")
	case t.Is("load_file") && r.Peek().Is("("):
		return lex.At(t, "No matching function with signature: load_file(varchar)")
	case t.IsName() && strings.ContainsRune(t.Text, 1):
		return lex.At(t, "a name may not hold the byte 0x01")
	case t.Is("default_catalog") && r.Peek().Is("."):
		r.edits = append(r.edits, edit{t.Pos, r.Next().End, ""})
	case t.Kind == lex.Word && (t.Is("cast") || t.Is("try_cast")) && r.Peek().Is("("):
		r.casts = append(r.casts, 0)
	case t.Is("("):
		for i := range r.casts {
			r.casts[i]++
		}
	case t.Is(")"):
		for i := range r.casts {
			r.casts[i]--
		}
		r.casts = slices.DeleteFunc(r.casts, func(depth int) bool { return depth <= 0 })
	case t.Is("as") && len(r.casts) > 0 && r.casts[len(r.casts)-1] == 1:
		r.castType()
	case t.IsName() && r.startsNarrowing():
		return r.narrow(t)
	}
	return nil
}

// isWide reports whether an integer literal is past BIGINT.
func isWide(text string) bool {
	if strings.ContainsAny(text, ".eE") {
		return false
	}
	_, err := strconv.ParseInt(text, 10, 64)
	return err != nil
}

// variable puts the value of @@name in its place.
func (r *rewriter) variable(at lex.Token) error {
	r.I--
	global, name, err := variableName(&r.Cursor)
	if err != nil {
		return err
	}
	deflt, ok := known[strings.ToLower(name.Text)]
	if !ok {
		return wire.Errorf(1193, "HY000", "Unknown system variable '%s'", name.Text)
	}
	set := r.ss.vars
	if global {
		set = r.ss.server.globals
	}
	text := set.shown(name.Text, oneZero)
	if !isNumber(deflt) && deflt != "true" && deflt != "false" {
		text = literal(wire.Arg{Text: []byte(text)})
	}
	r.edits = append(r.edits, edit{at.Pos, name.End, text})
	return nil
}

// castTypes maps the type names of StarRocks that MySQL does not cast to.
var castTypes = map[string]string{
	"boolean": "SIGNED", "tinyint": "SIGNED", "smallint": "SIGNED", "int": "SIGNED", "integer": "SIGNED", "bigint": "SIGNED",
	"largeint": "DECIMAL(40,0)", "string": "CHAR", "varchar": "CHAR", "datetime": "DATETIME(6)", "varbinary": "BINARY",
}

func (r *rewriter) castType() {
	t := r.Peek()
	to, ok := castTypes[strings.ToLower(t.Text)]
	if !ok || t.Kind != lex.Word {
		return
	}
	r.Next()
	end := t.End
	if r.Peek().Is("(") && r.After(1).Kind == lex.Number && r.After(2).Is(")") {
		end = r.After(2).End
		r.I += 2 // the closing parenthesis balances the opening one: both are left out
		r.Next()
	}
	r.edits = append(r.edits, edit{t.Pos, end, to})
}

// startsNarrowing reports whether [TEMPORARY] PARTITION (names) or TABLET (ids)
// stands here. The words are plain names elsewhere, so what follows decides.
func (r *rewriter) startsNarrowing() bool {
	n := 0
	if r.Peek().Is("temporary") {
		n = 1
	}
	t := r.After(n)
	if !r.After(n + 1).Is("(") {
		return false
	}
	if t.Is("tablet") {
		return r.After(n+2).Kind == lex.Number
	}
	return (t.Is("partition") || t.Is("partitions")) && r.After(n+2).IsName() && (r.After(n+3).Is(")") || r.After(n+3).Is(","))
}

// narrow reads the clauses behind a table name.
func (r *rewriter) narrow(table lex.Token) error {
	end := table.End
	var n narrowing
	n.temporary = r.Try("temporary")
	if r.Try("partition") || r.Try("partitions") {
		names, err := r.Names()
		if err != nil {
			return err
		}
		for _, name := range names {
			n.partitions = append(n.partitions, name.Text)
		}
		end = r.Toks[r.I-1].End
	}
	if r.Peek().Is("tablet") && r.After(1).Is("(") {
		r.I += 2
		for {
			t := r.Next()
			id, err := strconv.ParseInt(t.Text, 10, 64)
			if err != nil || t.Kind != lex.Number {
				return lex.Unexpected(t, "INTEGER_VALUE")
			}
			n.tablets = append(n.tablets, id)
			if r.Try(")") {
				break
			}
			if !r.Try(",") {
				return lex.Unexpected(r.Peek(), ")", ",")
			}
		}
		end = r.Toks[r.I-1].End
	}
	text := wire.QuoteName(n.tableName(table.Text))
	if !r.hasAlias() {
		text += " AS " + wire.QuoteName(table.Text)
	}
	r.edits = append(r.edits, edit{table.Pos, end, text})
	return nil
}

// afterTable are the words that can follow a table without an alias.
var afterTable = []string{"where", "group", "having", "order", "limit", "union", "except", "minus", "intersect", "join",
	"inner", "left", "right", "cross", "full", "on", "using", "offset", "window", "qualify", "into"}

func (r *rewriter) hasAlias() bool {
	t := r.Peek()
	return t.Is("as") || t.Kind == lex.Quoted || t.Kind == lex.Word && !slices.Contains(afterTable, strings.ToLower(t.Text))
}

// parseHint reads SET_VAR(name = value, ...). StarRocks ignores hints it does not
// know; here they are an error, so that a typing mistake in a client shows.
func parseHint(t lex.Token) ([]hint, error) {
	toks, err := lex.Scan(t.Text)
	if err != nil {
		return nil, lex.At(t, "hint: %v", err)
	}
	for i := range toks {
		toks[i].Line, toks[i].Col = t.Line, t.Col
	}
	c := &lex.Cursor{Toks: toks}
	var list []hint
	for c.Peek().Kind != lex.EOF {
		if !c.Try("set_var") {
			return nil, lex.Unexpected(c.Peek(), "SET_VAR")
		}
		if err := c.Expect("("); err != nil {
			return nil, err
		}
		for {
			name, err := c.Name()
			if err != nil {
				return nil, err
			}
			if err := c.Expect("="); err != nil {
				return nil, err
			}
			value, err := variableValue(c)
			if err != nil {
				return nil, err
			}
			list = append(list, hint{name, value})
			if c.Try(")") {
				break
			}
			if !c.Try(",") {
				return nil, lex.Unexpected(c.Peek(), ")", ",")
			}
		}
	}
	return list, nil
}
