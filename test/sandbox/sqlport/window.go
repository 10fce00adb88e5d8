package sqlport

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/gx-etl/gx/test/sandbox/sqlport/builtin"
	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
)

// The engine's grammar has OVER behind some names only. The aggregates that only
// StarRocks has go through it as this one, with their own name in front of the
// arguments; the tree then gets them back.
const windowCarrier = "LAG"

// overWindow says whether OVER follows the call whose parenthesis stands here.
func (r *rewriter) overWindow() bool {
	depth := 0
	for i := r.I; i < len(r.Toks); i++ {
		switch t := r.Toks[i]; {
		case t.Is("("):
			depth++
		case t.Is(")"):
			if depth--; depth == 0 {
				return i+1 < len(r.Toks) && r.Toks[i+1].Is("over")
			}
		}
	}
	return false
}

// windowed rewrites the call of such an aggregate. t is its name.
func (r *rewriter) windowed(t lex.Token) error {
	if err := builtin.CheckWindow(t.Text, r.After(1).Is("distinct")); err != nil {
		return err
	}
	if !builtin.OnlyHere(t.Text) {
		return nil
	}
	r.put(t.Pos, r.Peek().End, windowCarrier+"('"+builtin.Prefix+strings.ToLower(t.Text)+"',")
	r.Next()
	for i := range r.casts { // step has not seen the parenthesis
		r.casts[i]++
	}
	return nil
}

// unwrapWindow gives the call its own name again.
func unwrapWindow(e *sqlparser.FuncExpr) {
	if e.Over == nil || len(e.Exprs) == 0 || !strings.EqualFold(e.Name.String(), windowCarrier) {
		return
	}
	a, ok := e.Exprs[0].(*sqlparser.AliasedExpr)
	if !ok {
		return
	}
	v, ok := a.Expr.(*sqlparser.SQLVal)
	if !ok || v.Type != sqlparser.StrVal {
		return
	}
	if name, ok := strings.CutPrefix(string(v.Val), builtin.Prefix); ok {
		e.Name, e.Exprs = sqlparser.NewColIdent(name), e.Exprs[1:]
	}
}
