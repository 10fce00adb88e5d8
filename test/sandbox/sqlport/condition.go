package sqlport

import (
	"math/big"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/shopspring/decimal"

	"github.com/gx-etl/gx/test/sandbox/sqlport/builtin"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// truth is the value of a condition in SQL.
type truth int8

const (
	isFalse truth = iota
	unknown
	isTrue
)

// condition tests the canonical values of a row without the engine. Together with
// compileCondition it answers what the engine would.
type condition func(row []any) truth

// compileCondition understands comparisons of a column with a literal, IS NULL, and
// AND, OR and NOT over them: the ranges that readers split a table into. place
// maps a column reference to its place in the row. ok is false for everything else.
func compileCondition(e sql.Expression, kind func(field int) store.Type, place func(field int) int) (c condition, ok bool) {
	compile := func(e sql.Expression) (condition, bool) { return compileCondition(e, kind, place) }
	switch e := e.(type) {
	case *expression.And:
		l, okL := compile(e.LeftChild)
		r, okR := compile(e.RightChild)
		return func(row []any) truth {
			if t := l(row); t == isFalse {
				return t
			} else {
				return min(t, r(row))
			}
		}, okL && okR
	case *expression.Or:
		l, okL := compile(e.LeftChild)
		r, okR := compile(e.RightChild)
		return func(row []any) truth {
			if t := l(row); t == isTrue {
				return t
			} else {
				return max(t, r(row))
			}
		}, okL && okR
	case *expression.Not:
		inner, ok := compile(e.Child)
		return func(row []any) truth { return isTrue - inner(row) }, ok
	case *expression.IsNull:
		f, ok := e.Child.(*expression.GetField)
		if !ok {
			return nil, false
		}
		at := place(f.Index())
		return func(row []any) truth {
			if row[at] == nil {
				return isTrue
			}
			return isFalse
		}, true
	case *expression.Equals:
		return compare(e, func(n int) bool { return n == 0 }, kind, place)
	case *expression.LessThan:
		return compare(e, func(n int) bool { return n < 0 }, kind, place)
	case *expression.LessThanOrEqual:
		return compare(e, func(n int) bool { return n <= 0 }, kind, place)
	case *expression.GreaterThan:
		return compare(e, func(n int) bool { return n > 0 }, kind, place)
	case *expression.GreaterThanOrEqual:
		return compare(e, func(n int) bool { return n >= 0 }, kind, place)
	}
	return nil, false
}

// compare tests the sign of a column minus a literal.
func compare(e expression.BinaryExpression, test func(int) bool, kind func(int) store.Type, place func(int) int) (condition, bool) {
	f, ok := e.Left().(*expression.GetField)
	lit, isLit := e.Right().(*expression.Literal)
	turned := 1
	if !ok || !isLit {
		if f, ok = e.Right().(*expression.GetField); !ok {
			return nil, false
		}
		if lit, isLit = e.Left().(*expression.Literal); !isLit {
			return nil, false
		}
		turned = -1
	}
	if lit.Value() == nil {
		return func([]any) truth { return unknown }, true
	}
	order, ok := ordering(kind(f.Index()), lit)
	at := place(f.Index())
	return func(row []any) truth {
		v := row[at]
		switch {
		case v == nil:
			return unknown
		case test(turned * order(v)):
			return isTrue
		}
		return isFalse
	}, ok
}

// ordering compares canonical values of a type with a literal. ok is false where the
// engine would convert one of the two.
func ordering(t store.Type, lit *expression.Literal) (order func(v any) int, ok bool) {
	switch t.Kind {
	case store.TinyInt, store.SmallInt, store.Int, store.BigInt:
		d, ok := exactLiteral(lit)
		if !ok || !d.IsInteger() || !d.BigInt().IsInt64() {
			return nil, false
		}
		n := d.IntPart()
		return func(v any) int {
			x := v.(int64)
			switch {
			case x < n:
				return -1
			case x > n:
				return 1
			}
			return 0
		}, true
	case store.LargeInt:
		d, ok := exactLiteral(lit)
		if !ok || !d.IsInteger() {
			return nil, false
		}
		n := d.BigInt()
		return func(v any) int { return v.(*big.Int).Cmp(n) }, true
	case store.Decimal:
		d, ok := exactLiteral(lit)
		if !ok {
			return nil, false
		}
		text := d.StringFixed(max(-d.Exponent(), 0))
		return func(v any) int { return compareDecimals(v.(string), text) }, true
	case store.Date, store.DateTime:
		moment, ok := lit.Value().(time.Time)
		if !ok {
			return nil, false
		}
		// The texts sort like the times. A date is the prefix of every time of its
		// day, and so sorts in front of them: midnight has to be cut to equal it.
		text := builtin.MomentText(moment, false)
		if t.Kind == store.Date {
			text = strings.TrimSuffix(text, " 00:00:00")
		}
		return func(v any) int { return strings.Compare(v.(string), text) }, true
	case store.Char, store.Varchar:
		text, ok := lit.Value().(string)
		return func(v any) int { return strings.Compare(v.(string), text) }, ok
	}
	return nil, false
}

func exactLiteral(lit *expression.Literal) (decimal.Decimal, bool) {
	switch v := lit.Value().(type) {
	case int8:
		return decimal.NewFromInt(int64(v)), true
	case int16:
		return decimal.NewFromInt(int64(v)), true
	case int32:
		return decimal.NewFromInt(int64(v)), true
	case int64:
		return decimal.NewFromInt(v), true
	case decimal.Decimal:
		return v, true
	}
	return decimal.Decimal{}, false
}

// compareDecimals orders two numbers by their digits. Neither has leading zeros but
// the one before the point.
func compareDecimals(a, b string) int {
	negA, negB := strings.HasPrefix(a, "-"), strings.HasPrefix(b, "-")
	switch {
	case negA && negB:
		return -comparePositive(a[1:], b[1:])
	case negA:
		return -1
	case negB:
		return 1
	}
	return comparePositive(a, b)
}

func comparePositive(a, b string) int {
	wholeA, fractionA, _ := strings.Cut(a, ".")
	wholeB, fractionB, _ := strings.Cut(b, ".")
	switch {
	case len(wholeA) < len(wholeB):
		return -1
	case len(wholeA) > len(wholeB):
		return 1
	}
	if n := strings.Compare(wholeA, wholeB); n != 0 {
		return n
	}
	shared := min(len(fractionA), len(fractionB))
	if n := strings.Compare(fractionA[:shared], fractionB[:shared]); n != 0 {
		return n
	}
	switch {
	case strings.Trim(fractionA[shared:], "0") != "":
		return 1
	case strings.Trim(fractionB[shared:], "0") != "":
		return -1
	}
	return 0
}
