package builtin

import (
	"math"
	"regexp"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/gx-etl/gx/test/sandbox/store"
)

func init() {
	for _, op := range []string{"=", "<=>", "<>", "<", "<=", ">", ">="} {
		factories[op] = comparison
	}
	factories["~in"] = membership
	factories["~like"] = like
	register(map[string]*function{
		"~regexp": {min: 2, max: 2, result: boolean, eval: func(c *call) any {
			re := c.pattern(1)
			if re == nil {
				return nil
			}
			return boolValue(re.MatchString(c.text(0)))
		}},
	})
}

// comparison leaves to the engine what both compare alike, which lets it join and
// filter by it, and converts the operands where it would convert them otherwise:
// text next to a date becomes a time, text next to a number a number, and what does
// not convert is NULL, not zero.
func comparison(op string, args []sql.Expression) (sql.Expression, error) {
	if len(args) != 2 {
		return nil, noSignature(op, args)
	}
	l, r, err := comparable(args[0], args[1])
	if err != nil {
		return nil, err
	}
	switch op {
	case "=":
		return expression.NewEquals(l, r), nil
	case "<=>":
		return expression.NewNullSafeEquals(l, r), nil
	case "<>":
		return expression.NewNot(expression.NewEquals(l, r)), nil
	case "<":
		return expression.NewLessThan(l, r), nil
	case "<=":
		return expression.NewLessThanOrEqual(l, r), nil
	case ">":
		return expression.NewGreaterThan(l, r), nil
	}
	return expression.NewGreaterThanOrEqual(l, r), nil
}

func comparable(l, r sql.Expression) (sql.Expression, sql.Expression, error) {
	lt, rt := l.Type(), r.Type()
	var err error
	switch {
	case isMoment(lt) && !isMoment(rt) && rt != types.Null:
		r, err = Cast(r, store.Type{Kind: store.DateTime})
	case isMoment(rt) && !isMoment(lt) && lt != types.Null:
		l, err = Cast(l, store.Type{Kind: store.DateTime})
	case isText(lt) && isNumeric(rt):
		l, err = asNumber(l, rt)
	case isText(rt) && isNumeric(lt):
		r, err = asNumber(r, lt)
	case types.IsSigned(lt) && types.IsSigned(rt):
		l, r = likeColumn(l, rt), likeColumn(r, lt)
	}
	return l, r, err
}

func isMoment(t sql.Type) bool  { return types.IsTime(t) }
func isText(t sql.Type) bool    { return types.IsTextOnly(t) && !IsDocument(t) }
func isNumeric(t sql.Type) bool { return types.IsNumber(t) }

// asNumber reads text as a number to compare with one of type other: exactly where
// it stands in the query and both are exact, as DOUBLE otherwise.
func asNumber(e sql.Expression, other sql.Type) (sql.Expression, error) {
	if l, ok := e.(*expression.Literal); ok && familyOf(other) != floatFamily {
		text, _ := Text(types.LongText, l.Value())
		d, ok := exactText(text)
		if !ok {
			return expression.NewLiteral(nil, types.Null), nil
		}
		return expression.NewLiteral(d, types.InternalDecimalType), nil
	}
	return Cast(e, store.Type{Kind: store.Double})
}

// likeColumn gives a whole literal the type of the column beside it, which the
// engine compares faster.
func likeColumn(e sql.Expression, t sql.Type) sql.Expression {
	l, ok := e.(*expression.Literal)
	if !ok || types.IsBoolean(t) {
		return e
	}
	n, ok := whole64(l.Value())
	if !ok {
		return e
	}
	switch {
	case t == types.Int64:
		return expression.NewLiteral(n, t)
	case t == types.Int32 && n >= math.MinInt32 && n <= math.MaxInt32:
		return expression.NewLiteral(int32(n), t)
	}
	return e
}

// membership is IN with a list. A list whose items need conversion becomes a chain
// of comparisons.
func membership(name string, args []sql.Expression) (sql.Expression, error) {
	left, list := args[0], args[1:]
	alike := true
	for _, item := range list {
		lt, it := left.Type(), item.Type()
		alike = alike && (it == types.Null || isText(lt) && isText(it) || isNumeric(lt) && isNumeric(it) || isMoment(lt) && isMoment(it))
	}
	if alike {
		return expression.NewInTuple(left, expression.NewTuple(list...)), nil
	}
	var chain sql.Expression
	for _, item := range list {
		e, err := comparison("=", []sql.Expression{left, item})
		if err != nil {
			return nil, err
		}
		if chain == nil {
			chain = e
		} else {
			chain = expression.NewOr(chain, e)
		}
	}
	return chain, nil
}

// like compares by bytes, whatever the operands' collation.
func like(name string, args []sql.Expression) (sql.Expression, error) {
	f := &function{min: 2, max: 3, result: boolean, eval: func(c *call) any {
		escape := byte('\\')
		if len(c.args) == 3 {
			if e := c.text(2); len(e) == 1 {
				escape = e[0]
			}
		}
		pattern := c.text(1)
		re := c.compiled(pattern, func() string { return likePattern(pattern, escape) })
		return boolValue(re.MatchString(c.text(0)))
	}}
	return newExpr(name, f, args)
}

// likePattern turns the pattern of LIKE into a regular expression.
func likePattern(pattern string, escape byte) string {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	rest := pattern
	for rest != "" {
		switch c := rest[0]; {
		case c == escape && len(rest) > 1:
			_, size := firstRune(rest[1:])
			b.WriteString(regexp.QuoteMeta(rest[1 : 1+size]))
			rest = rest[1+size:]
			continue
		case c == '%':
			b.WriteString(".*")
		case c == '_':
			b.WriteString(".")
		default:
			_, size := firstRune(rest)
			b.WriteString(regexp.QuoteMeta(rest[:size]))
			rest = rest[size:]
			continue
		}
		rest = rest[1:]
	}
	b.WriteString(`\z`)
	return b.String()
}

// lastPattern remembers the regular expression of the last row, mostly that of all rows.
type lastPattern struct {
	text string
	re   *regexp.Regexp
}

// pattern is argument i as a regular expression, nil when it is none.
func (c *call) pattern(i int) *regexp.Regexp {
	text := c.text(i)
	re := c.compiled(text, func() string { return text })
	c.failed = c.failed || re == nil
	return re
}

func (c *call) compiled(key string, source func() string) *regexp.Regexp {
	last, ok := c.state.(*lastPattern)
	if !ok || last.text != key {
		re, err := regexp.Compile(source())
		if err != nil {
			re = nil
		}
		last = &lastPattern{key, re}
		c.state = last
	}
	return last.re
}
