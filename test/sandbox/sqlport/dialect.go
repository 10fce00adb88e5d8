package sqlport

import (
	"context"
	"reflect"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/gx-etl/gx/test/sandbox/sqlport/builtin"
)

// dialect reads SQL with the engine's parser, and then puts calls of the functions
// of package builtin in the place of operators and aggregate functions, which the
// engine would otherwise compute as MySQL does.
type dialect struct {
	sql.MysqlParser
	// titles turns pieces of rewritten text back into what the client wrote: the
	// names of result columns show it.
	titles *strings.Replacer
	// scopes are the names under which the SELECTs around have tables.
	scopes [][]string
	// separator of GROUP_CONCAT without one.
	separator string
	// having says that a HAVING is at hand, apart that it is a subquery of one.
	having, apart bool
}

var _ sql.Parser = (*dialect)(nil)

// ParseWithOptions implements sql.Parser.
func (d *dialect) ParseWithOptions(ctx context.Context, query string, delimiter rune, multi bool, o sqlparser.ParserOptions) (sqlparser.Statement, string, string, error) {
	stmt, parsed, rest, err := d.MysqlParser.ParseWithOptions(ctx, query, delimiter, multi, o)
	if err == nil {
		d.rewrite(reflect.ValueOf(&stmt).Elem())
	}
	return stmt, parsed, rest, err
}

var exprType = reflect.TypeFor[sqlparser.Expr]()

// rewrite walks a syntax tree from the leaves up. The tree has no common way to
// replace a child, and a statement is parsed once: reflection it is.
func (d *dialect) rewrite(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		inner := v.Elem()
		if inner.Kind() == reflect.Slice || inner.Kind() == reflect.Struct {
			fresh := reflect.New(inner.Type()).Elem() // what an interface holds cannot be set
			fresh.Set(inner)
			d.rewrite(fresh)
			inner = fresh
			if v.CanSet() {
				v.Set(fresh)
			}
		} else {
			d.rewrite(inner)
		}
		if v.Type() == exprType && v.CanSet() {
			if e := d.replace(v.Interface().(sqlparser.Expr)); e != nil {
				v.Set(reflect.ValueOf(e))
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			defer d.enter(v.Interface())()
			d.rewrite(v.Elem())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range v.Len() {
			d.rewrite(v.Index(i))
		}
	case reflect.Struct:
		switch n := v.Addr().Interface().(type) {
		case *sqlparser.Select:
			d.title(n.SelectExprs)
			d.scopes = append(d.scopes, tablesOf(n.From))
			defer func() { d.scopes = d.scopes[:len(d.scopes)-1] }()
		case *sqlparser.AliasedExpr:
			if d.titles != nil {
				n.InputExpression = d.titles.Replace(n.InputExpression)
			}
		}
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				d.rewrite(f)
			}
		}
	}
}

// title names the columns of a select list that have no alias.
func (d *dialect) title(list sqlparser.SelectExprs) {
	for _, item := range list {
		a, ok := item.(*sqlparser.AliasedExpr)
		if !ok || !a.As.IsEmpty() {
			continue
		}
		if _, column := a.Expr.(*sqlparser.ColName); column {
			continue
		}
		if text, ok := d.titleOf(a.Expr); ok {
			a.InputExpression = text
		}
	}
}

// enter notes where in the statement the walk is, and returns what forgets it again.
func (d *dialect) enter(node any) func() {
	having, apart := d.having, d.apart
	switch n := node.(type) {
	case *sqlparser.Where:
		d.having = n.Type == sqlparser.HavingStr
	case *sqlparser.Subquery:
		d.apart = d.apart || d.having
	}
	return func() { d.having, d.apart = having, apart }
}

// keepApart changes the argument of an aggregate function without changing its value:
// the engine takes aggregates of a HAVING and of a subquery in it for the same one when
// they read alike.
func keepApart(e *sqlparser.FuncExpr) {
	if !builtin.IsAggregate(e.Name.Lowered()) || e.Over != nil || len(e.Exprs) == 0 {
		return
	}
	if a, ok := e.Exprs[0].(*sqlparser.AliasedExpr); ok {
		a.Expr = call("coalesce", a.Expr)
	}
}

func call(name string, args ...sqlparser.Expr) sqlparser.Expr {
	f := &sqlparser.FuncExpr{Name: sqlparser.NewColIdent(builtin.Prefix + name)}
	for _, a := range args {
		f.Exprs = append(f.Exprs, &sqlparser.AliasedExpr{Expr: a})
	}
	return f
}

func textValue(s string) sqlparser.Expr { return sqlparser.NewStrVal([]byte(s)) }

// replace returns what stands in the place of e, or nil to keep it.
func (d *dialect) replace(e sqlparser.Expr) sqlparser.Expr {
	switch e := e.(type) {
	case *sqlparser.ColName:
		return d.field(e)
	case *sqlparser.BinaryExpr:
		return binary(e)
	case *sqlparser.UnaryExpr:
		return unary(e)
	case *sqlparser.ComparisonExpr:
		return comparison(e)
	case *sqlparser.RangeCond:
		if !plain(e.Left, e.From, e.To) {
			return nil
		}
		between := &sqlparser.AndExpr{Left: call(">=", e.Left, e.From), Right: call("<=", e.Left, e.To)}
		if strings.EqualFold(e.Operator, sqlparser.NotBetweenStr) {
			return &sqlparser.NotExpr{Expr: between}
		}
		return between
	case *sqlparser.CaseExpr:
		// CASE x WHEN 1 compares as = does.
		if e.Expr != nil && plain(e.Expr) {
			for _, w := range e.Whens {
				w.Cond = call("=", e.Expr, w.Cond)
			}
			e.Expr = nil
		}
	case *sqlparser.FuncExpr:
		if d.apart {
			keepApart(e)
		}
		return function(e)
	case *sqlparser.TimestampFuncExpr:
		return call(e.Name, textValue(e.Unit), e.Expr1, e.Expr2)
	case *sqlparser.ExtractFuncExpr:
		return call(strings.ToLower(e.Unit), e.Expr)
	case *sqlparser.GroupConcatExpr:
		if e.Separator.DefaultSeparator {
			e.Separator = sqlparser.Separator{SeparatorString: d.separator}
		}
	case *sqlparser.SQLVal:
		if e.Type == sqlparser.HexNum {
			return nil
		}
	}
	return nil
}

// plain says that none of the operands is a list or a query, which the engine
// compares by itself.
func plain(list ...sqlparser.Expr) bool {
	for _, e := range list {
		switch e := e.(type) {
		case sqlparser.ValTuple, sqlparser.ListArg, *sqlparser.ExistsExpr, *sqlparser.IntervalExpr:
			return false
		case *sqlparser.ParenExpr:
			if !plain(e.Expr) {
				return false
			}
		}
	}
	return true
}

func binary(e *sqlparser.BinaryExpr) sqlparser.Expr {
	for i, side := range []sqlparser.Expr{e.Right, e.Left} {
		interval, ok := side.(*sqlparser.IntervalExpr)
		if !ok {
			continue
		}
		other, name := []sqlparser.Expr{e.Left, e.Right}[i], "date_add"
		if e.Operator == sqlparser.MinusStr {
			name = "date_sub"
		}
		return call(name, other, interval.Expr, textValue(interval.Unit))
	}
	switch op := strings.ToLower(e.Operator); op {
	case "+", "-", "*", "/", "%", "&", "|", "^":
		return call(op, e.Left, e.Right)
	case sqlparser.IntDivStr:
		return call("~div", e.Left, e.Right)
	case "mod":
		return call("%", e.Left, e.Right)
	case sqlparser.JSONExtractOp:
		return call("->", e.Left, e.Right)
	}
	return nil
}

func unary(e *sqlparser.UnaryExpr) sqlparser.Expr {
	switch e.Operator {
	case sqlparser.MinusStr:
		if v, ok := e.Expr.(*sqlparser.SQLVal); ok && v.Type == sqlparser.IntVal {
			return sqlparser.NewIntVal(append([]byte("-"), v.Val...))
		}
		return call("negate", e.Expr)
	case sqlparser.TildaStr:
		return call("bitnot", e.Expr)
	}
	return nil
}

func comparison(e *sqlparser.ComparisonExpr) sqlparser.Expr {
	op := strings.ToLower(e.Operator)
	not := func(e sqlparser.Expr) sqlparser.Expr { return &sqlparser.NotExpr{Expr: e} }
	switch op {
	case sqlparser.InStr, sqlparser.NotInStr:
		list, ok := e.Right.(sqlparser.ValTuple)
		if !ok || !plain(e.Left) || !plain(list...) {
			return nil
		}
		in := call("~in", append([]sqlparser.Expr{e.Left}, list...)...)
		if op == sqlparser.NotInStr {
			return not(in)
		}
		return in
	}
	if !plain(e.Left, e.Right) {
		return nil
	}
	switch op {
	case "=", "<=>", "<", "<=", ">", ">=":
		return call(op, e.Left, e.Right)
	case sqlparser.NotEqualStr:
		return call("<>", e.Left, e.Right)
	case sqlparser.RegexpStr:
		return call("~regexp", e.Left, e.Right)
	case sqlparser.NotRegexpStr:
		return not(call("~regexp", e.Left, e.Right))
	case sqlparser.LikeStr, sqlparser.NotLikeStr:
		args := []sqlparser.Expr{e.Left, e.Right}
		if e.Escape != nil {
			args = append(args, e.Escape)
		}
		if op == sqlparser.NotLikeStr {
			return not(call("~like", args...))
		}
		return call("~like", args...)
	}
	return nil
}

// function sends aggregate functions through the name the engine's planner has for
// them, and writes INTERVAL n UNIT as two arguments.
func function(e *sqlparser.FuncExpr) sqlparser.Expr {
	unwrapWindow(e)
	name := e.Name.Lowered()
	var args sqlparser.SelectExprs
	for _, a := range e.Exprs {
		aliased, ok := a.(*sqlparser.AliasedExpr)
		if _, star := a.(*sqlparser.StarExpr); star && name == "count" && e.Over != nil {
			aliased, ok = &sqlparser.AliasedExpr{Expr: sqlparser.NewIntVal([]byte("1"))}, true
			a = aliased
		}
		if !ok {
			return nil
		}
		if i, ok := aliased.Expr.(*sqlparser.IntervalExpr); ok {
			args = append(args, &sqlparser.AliasedExpr{Expr: i.Expr}, &sqlparser.AliasedExpr{Expr: textValue(i.Unit)})
			continue
		}
		// FLOOR and CEIL behind the interval of TIME_SLICE are words, not columns.
		if c, ok := aliased.Expr.(*sqlparser.ColName); ok && (name == builtin.Prefix+"time_slice" || name == builtin.Prefix+"date_floor") && c.Qualifier.IsEmpty() {
			if w := c.Name.Lowered(); w == "floor" || w == "ceil" {
				a = &sqlparser.AliasedExpr{Expr: textValue(w)}
			}
		}
		// The units of TIMESTAMPDIFF and its kin are words as well.
		if c, ok := aliased.Expr.(*sqlparser.ColName); ok && len(args) == 0 && c.Qualifier.IsEmpty() && (name == builtin.Prefix+"timestampdiff" || name == builtin.Prefix+"timestampadd") {
			a = &sqlparser.AliasedExpr{Expr: textValue(c.Name.Lowered())}
		}
		args = append(args, a)
	}
	e.Exprs = args
	find := builtin.AggregateCarrier
	if e.Over != nil {
		find = builtin.WindowCarrier
	}
	carrier, first, ok := find(name, e.Distinct)
	if !ok {
		return nil
	}
	return &sqlparser.FuncExpr{Name: sqlparser.NewColIdent(carrier), Over: e.Over, Exprs: append(sqlparser.SelectExprs{&sqlparser.AliasedExpr{Expr: textValue(first)}}, args...)}
}
