package sqlport

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
)

// maxDeleteList is how many items IN may have in the condition of a DELETE.
const maxDeleteList = 10000

// plainCondition refuses what DELETE does not take on tables without a primary key:
// everything but comparisons of a column with a literal, IS NULL and IN, joined by
// AND. from and cond are the texts behind DELETE FROM.
func (ss *session) plainCondition(from, cond string, at lex.Token) error {
	list, err := lex.Split("SELECT 1 FROM " + from + " " + cond)
	if err != nil {
		return err
	}
	text, _, err := ss.rewrite(list[0])
	if err != nil {
		return err
	}
	stmt, err := sqlparser.Parse(text.sql)
	if err != nil {
		return nil // the engine says what is wrong with it
	}
	s, ok := stmt.(*sqlparser.Select)
	if !ok || s.Where == nil {
		return nil
	}
	if why := unplain(s.Where.Expr); why != "" {
		return lex.At(at, "%s", why)
	}
	return nil
}

// unplain says what a condition has that it may not have, or nothing.
func unplain(e sqlparser.Expr) string {
	switch e := e.(type) {
	case *sqlparser.ParenExpr:
		return unplain(e.Expr)
	case *sqlparser.AndExpr:
		if why := unplain(e.Left); why != "" {
			return why
		}
		return unplain(e.Right)
	case *sqlparser.OrExpr, *sqlparser.NotExpr, *sqlparser.XorExpr:
		return "Compound predicate's op should be AND"
	case *sqlparser.IsExpr:
		if op := strings.ToLower(e.Operator); op != sqlparser.IsNullStr && op != sqlparser.IsNotNullStr {
			break
		}
		if !isColumn(e.Expr) {
			return "Left expr of is_null predicate should be column name"
		}
		return ""
	case *sqlparser.ComparisonExpr:
		switch strings.ToLower(e.Operator) {
		case sqlparser.InStr, sqlparser.NotInStr:
			return unplainList(e)
		case "=", "<=>", "<", "<=", ">", ">=", sqlparser.NotEqualStr:
			if !isColumn(e.Left) {
				return "Left expr of binary predicate should be column name"
			}
			if !isValue(e.Right) {
				return "Right expr of binary predicate should be value"
			}
			return ""
		}
	}
	return "Where clause only supports compound predicate, binary predicate, is_null predicate and in predicate"
}

func unplainList(e *sqlparser.ComparisonExpr) string {
	if !isColumn(e.Left) {
		return "Left expr of binary predicate should be column name"
	}
	list, ok := e.Right.(sqlparser.ValTuple)
	if !ok {
		return "Child of in predicate should be value"
	}
	if len(list) > maxDeleteList {
		return "Element num of predicate should not be more than 10000"
	}
	for _, item := range list {
		if !isValue(item) {
			return "Child of in predicate should be value"
		}
	}
	return ""
}

func isColumn(e sqlparser.Expr) bool {
	_, ok := e.(*sqlparser.ColName)
	return ok
}

func isValue(e sqlparser.Expr) bool {
	switch e := e.(type) {
	case *sqlparser.SQLVal, *sqlparser.NullVal, sqlparser.BoolVal:
		return true
	case *sqlparser.UnaryExpr:
		_, ok := e.Expr.(*sqlparser.SQLVal)
		return ok
	case *sqlparser.FuncExpr:
		// A LARGEINT literal is a cast by now.
		return e.Name.String() == "\x01cast"
	}
	return false
}
