package sqlport

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/builtin"
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
	title    bool // the names of result columns show the source text instead
}

// rewrite turns a StarRocks query into one the engine reads. What it changes:
// hints are taken out and returned; FROM t PARTITION (p) TABLET (ids) becomes a
// table name that carries the tablets; the catalog default_catalog goes; names of
// scalar functions get the prefix under which the engine finds StarRocks' own, and
// CAST, [1, 2], a[1] and map{..} become such calls; integers past BIGINT become
// LARGEINT, for the engine compares them as floats otherwise; system variables
// become their values.
func (ss *session) rewrite(stmt lex.Statement) (rewritten, []hint, error) {
	r := &rewriter{Cursor: lex.Cursor{Toks: stmt.Toks}, ss: ss, src: stmt.Src}
	for r.Peek().Kind != lex.EOF {
		if err := r.step(); err != nil {
			return rewritten{}, nil, err
		}
	}
	slices.SortStableFunc(r.edits, func(a, b edit) int { return a.from - b.from })
	start := stmt.Toks[0].Pos
	end := stmt.Toks[len(stmt.Toks)-1].Pos
	var b strings.Builder
	var titles []string
	for _, e := range r.edits {
		if e.title {
			titles = append(titles, e.text, stmt.Src[e.from:e.to])
		}
		b.WriteString(stmt.Src[start:e.from])
		b.WriteString(e.text)
		start = e.to
	}
	b.WriteString(stmt.Src[start:end])
	return rewritten{sql: b.String(), titles: titles}, r.hints, nil
}

// rewritten is a query the engine reads.
type rewritten struct {
	sql    string
	titles []string // pairs of a text in sql and what the client wrote for it
}

type rewriter struct {
	lex.Cursor
	ss    *session
	src   string
	edits []edit
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
		r.edits = append(r.edits, edit{from: t.Pos, to: t.End, text: " "})
	case t.Kind == lex.Number && isWide(t.Text):
		return r.wide(t)
	case t.Is("@@"):
		return r.variable(t)
	case t.Is("||") && r.ss.pipesConcat() && r.I >= 2:
		return r.concat(t)
	case t.Is("into"):
		return lex.At(t, "SELECT INTO is not supported by this stand-in")
	case (t.Is("from") || t.Is("join")) && r.Peek().IsName() && r.After(1).Is(".") && r.After(2).IsName() && r.After(3).Is(".") && r.Peek().Text != defaultCatalog:
		return unknownCatalog(r.Peek().Text)
	case t.Kind == lex.Word && r.foreign(t) != nil:
		return r.foreign(t)
	case t.Is("minus") && (r.Peek().Is("select") || r.Peek().Is("(") && r.After(1).Is("select")):
		r.put(t.Pos, t.End, "EXCEPT")
	case t.Is("load_file") && r.Peek().Is("("):
		return lex.At(t, "No matching function with signature: load_file(varchar)")
	case t.IsName() && strings.ContainsRune(t.Text, 1):
		return lex.At(t, "a name may not hold the byte 0x01")
	case t.Is("default_catalog") && r.Peek().Is("."):
		r.edits = append(r.edits, edit{from: t.Pos, to: r.Next().End})
	case t.Kind == lex.Word && (t.Is("cast") || t.Is("try_cast")) && r.Peek().Is("("):
		r.casts = append(r.casts, 0)
		r.put(t.Pos, t.End, "`"+builtin.Prefix+"cast`")
	case t.Kind == lex.Word && r.Peek().Is("(") && builtin.IsScalar(t.Text) && !r.behindDot() && !(t.Is("mod") && r.I > 1 && endsValue(r.Toks[r.I-2])):
		r.put(t.Pos, t.End, "`"+builtin.Prefix+strings.ToLower(t.Text)+"`")
	case t.Kind == lex.Word && r.Peek().Is("(") && !r.behindDot() && r.overWindow():
		return r.windowed(t)
	case t.Kind == lex.Word && slices.Contains(bareFunctions, strings.ToLower(t.Text)) && !r.behindDot():
		r.put(t.Pos, t.End, "`"+builtin.Prefix+strings.ToLower(t.Text)+"`()")
	case t.Kind == lex.Word && isFreeWord(t.Text) && !r.Peek().Is("(") && r.Peek().Kind != lex.String:
		r.edits = append(r.edits, edit{from: t.Pos, to: t.End, text: wire.QuoteName(t.Text), title: true})
	case t.Is("["):
		r.bracket(t)
	case t.Is(".") && r.I >= 2 && (r.Toks[r.I-2].Is("]") || r.Toks[r.I-2].Is(")")) && r.Peek().IsName():
		r.around(fieldWord)
		field := r.Next()
		r.put(t.Pos, field.End, ", "+literal(wire.Arg{Text: []byte(field.Text)})+")")
	case r.startsArrow(t):
		r.arrow(t)
	case t.Is("]"):
		r.put(t.Pos, t.End, ")"+mark("]"))
	case t.Is("map") && r.Peek().Is("{"):
		return r.mapLiteral(t)
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
		return r.castType(t)
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
	r.edits = append(r.edits, edit{from: at.Pos, to: name.End, text: text})
	return nil
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
	r.edits = append(r.edits, edit{from: table.Pos, to: end, text: text})
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
