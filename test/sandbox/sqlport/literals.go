package sqlport

import (
	"slices"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/builtin"
	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// bareFunctions are called without parentheses.
var bareFunctions = []string{"current_timestamp", "current_date", "current_time", "localtime", "localtimestamp", "current_user"}

// put replaces source text, and keeps it for the names of result columns.
func (r *rewriter) put(from, to int, text string) {
	r.edits = append(r.edits, edit{from: from, to: to, text: text, title: strings.Contains(text, builtin.Prefix)})
}

// wide makes an integer past BIGINT a LARGEINT, with the sign in front of it: the
// smallest LARGEINT has no positive counterpart.
func (r *rewriter) wide(t lex.Token) error {
	from, text := t.Pos, t.Text
	if r.I >= 2 && r.Toks[r.I-2].Is("-") && (r.I == 2 || !endsValue(r.Toks[r.I-3])) {
		from, text = r.Toks[r.I-2].Pos, "-"+text
	}
	if _, err := store.Convert(store.Type{Kind: store.LargeInt}, text, true); err != nil {
		return lex.At(t, "Numeric overflow %s", text)
	}
	r.put(from, t.End, "`"+builtin.Prefix+wideWord+"`('"+text+"', 'largeint')")
	return nil
}

// behindDot says that the token just read is the last part of a name.
func (r *rewriter) behindDot() bool { return r.I >= 2 && r.Toks[r.I-2].Is(".") }

// castType turns the AS type that ends a CAST into its second argument.
func (r *rewriter) castType(as lex.Token) error {
	from := r.Peek()
	for depth := 0; ; r.Next() {
		t := r.Peek()
		if t.Kind == lex.EOF {
			return lex.Unexpected(t, ")")
		}
		if t.Is("(") || t.Is("<") {
			depth++
		} else if depth > 0 && (t.Is(")") || t.Is(">")) {
			depth--
		} else if t.Is(")") {
			break
		}
	}
	last := r.Toks[r.I-1]
	if last.Pos < from.Pos {
		return lex.Unexpected(r.Peek(), "a type")
	}
	text := r.src[from.Pos:last.End]
	r.put(as.Pos, last.End, ", "+literal(wire.Arg{Text: []byte(text)})+mark(""))
	return nil
}

// bracket reads [ as the start of an array, or of a subscript behind a value.
func (r *rewriter) bracket(t lex.Token) {
	if r.I < 2 || !endsValue(r.Toks[r.I-2]) {
		r.put(t.Pos, t.End, "`"+builtin.Prefix+arrayWord+"`(")
		return
	}
	r.around(subscriptWord)
	r.put(t.Pos, t.End, ","+mark("["))
}

// around opens a call in front of the value that ends before the token just read.
func (r *rewriter) around(name string) {
	at := r.Toks[r.valueStart(r.I-2)].Pos
	r.put(at, at, "`"+builtin.Prefix+name+"`(")
	// Edits at one place come in the order they are made; the call goes around all
	// that starts there, so it goes first.
	for i := len(r.edits) - 1; i > 0 && r.edits[i-1].from >= r.edits[i].from; i-- {
		r.edits[i], r.edits[i-1] = r.edits[i-1], r.edits[i]
	}
}

// startsArrow says whether t begins document->'path'.
func (r *rewriter) startsArrow(t lex.Token) bool {
	return t.Is("-") && r.Peek().Is(">") && r.Peek().Pos == t.End && r.After(1).Kind == lex.String && r.I >= 2 && endsValue(r.Toks[r.I-2])
}

func (r *rewriter) arrow(t lex.Token) {
	r.around("->")
	head := r.Next()
	r.put(t.Pos, head.End, ","+mark("->"))
	path := r.Next()
	r.put(path.End, path.End, ")"+mark(""))
}

// mark is a comment that makes the text of a symbol one of its kind, so that it can
// be found again in the name of a result column.
func mark(of string) string { return "/*" + builtin.Prefix + of + "*/" }

func endsValue(t lex.Token) bool {
	return t.Kind == lex.Quoted || t.Kind == lex.Number || t.Kind == lex.String || t.Is(")") || t.Is("]") || t.Is("}") || t.Kind == lex.Word && !slices.Contains(beforeValue, strings.ToLower(t.Text))
}

// beforeValue are the words behind which a value starts.
var beforeValue = []string{"select", "distinct", "where", "and", "or", "not", "on", "when", "then", "else", "case", "in", "between", "like", "by", "having",
	"values", "as", "return", "limit", "div", "mod", "is", "all"}

// valueStart finds the first token of the value that ends at token i.
func (r *rewriter) valueStart(i int) int {
	for {
		if t := r.Toks[i]; t.Is(")") || t.Is("]") || t.Is("}") {
			for depth := 0; i >= 0; i-- {
				if t := r.Toks[i]; t.Is(")") || t.Is("]") || t.Is("}") {
					depth++
				} else if t.Is("(") || t.Is("[") || t.Is("{") {
					if depth--; depth == 0 {
						break
					}
				}
			}
			i = max(i, 0)
			if i > 0 && endsValue(r.Toks[i-1]) { // the name of the function, or what a subscript is of
				i--
				continue
			}
			return i
		}
		if i >= 2 && r.Toks[i-1].Is(".") {
			i -= 2
			continue
		}
		if i >= 3 && r.Toks[i].Kind == lex.String && r.Toks[i-1].Is(">") && r.Toks[i-2].Is("-") && r.Toks[i-2].End == r.Toks[i-1].Pos {
			i -= 3 // a path behind an arrow
			continue
		}
		return i
	}
}

// mapLiteral turns map{k: v, ...} into a call.
func (r *rewriter) mapLiteral(t lex.Token) error {
	open := r.Next()
	r.put(t.Pos, open.End, "`"+builtin.Prefix+mapWord+"`(")
	for depth := 0; ; {
		if c := r.Peek(); depth == 0 && (c.Is(":") || c.Is("}")) {
			r.Next()
			if c.Is("}") {
				r.put(c.Pos, c.End, ")"+mark("}"))
				return nil
			}
			r.put(c.Pos, c.End, ","+mark(":"))
			continue
		} else if c.Kind == lex.EOF {
			return lex.Unexpected(c, "}")
		} else if c.Is("(") || c.Is("[") {
			depth++
		} else if c.Is(")") || c.Is("]") {
			depth--
		}
		if err := r.step(); err != nil {
			return err
		}
	}
}

// pipesConcat says whether || joins texts in this session; it is OR otherwise.
func (ss *session) pipesConcat() bool {
	return strings.Contains(strings.ToUpper(ss.vars.get("sql_mode")), "PIPES_AS_CONCAT")
}

// concat turns a || b || c into a call. The operator binds closer than any other.
func (r *rewriter) concat(op lex.Token) error {
	r.around("concat")
	for {
		r.put(op.Pos, op.End, ","+mark(""))
		if err := r.operand(); err != nil {
			return err
		}
		if op = r.Peek(); !op.Is("||") {
			break
		}
		r.Next()
	}
	end := r.Toks[r.I-1].End
	r.put(end, end, ")"+mark(""))
	return nil
}

// operand steps over one value: a literal, a name, a call, or something in brackets.
func (r *rewriter) operand() error {
	for depth := 0; ; {
		t := r.Peek()
		switch {
		case t.Kind == lex.EOF:
			return lex.Unexpected(t, "an expression")
		case t.Is("("), t.Is("["), t.Is("case"):
			depth++
		case t.Is(")"), t.Is("]"), t.Is("end"):
			depth--
		}
		if err := r.step(); err != nil {
			return err
		}
		next := r.Peek()
		if depth > 0 || t.Is("-") || t.Is("+") || t.Is(".") || next.Is(".") || next.Is("[") || next.Is("(") && t.IsName() {
			continue
		}
		return nil
	}
}
