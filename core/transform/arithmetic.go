package transform

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm/runtime"
)

// checked names the functions that stand for operators, by names that no expression can spell. The language's own wrap
// integers round and round them to doubles without a word; these make the row dirty instead.
var checked = map[string]string{"+": "checked +", "-": "checked -", "*": "checked *", "/": "checked /"}

// language is how expressions are read: without the clock, and with checked arithmetic.
var language = func() []expr.Option {
	out := []expr.Option{expr.DisableBuiltin("now"), expr.Patch(arithmetic{})}
	for operator, name := range checked {
		out = append(out, expr.Function(name, func(p ...any) (any, error) { return compute(operator[0], p[0], p[1]) }))
	}
	for name, f := range functions {
		out = append(out, expr.Function(name, func(p ...any) (any, error) {
			if len(p) != 1 {
				return nil, fmt.Errorf("%s takes one value", name)
			}
			return f(plain(p[0]))
		}))
	}
	return out
}()

// functions take the place of those of the language that make up a value: a text of NULL, an integer of what fits none.
var functions = map[string]func(v any) (any, error){
	"string": func(v any) (any, error) {
		if v == nil {
			return nil, errors.New("string() of NULL has no value")
		}
		text, reason := appendString(nil, v)
		if reason != "" {
			return nil, errors.New(reason)
		}
		return string(text), nil
	},
	"int": func(v any) (any, error) {
		switch v := v.(type) {
		case int:
			return v, nil
		case float64:
			if math.Abs(v) < 1<<63 {
				return int(v), nil
			}
		case string:
			if n, err := strconv.Atoi(v); err == nil {
				return n, nil
			}
		}
		return nil, fmt.Errorf("int() of %s has no value", kindOf(v))
	},
}

// arithmetic puts the checked functions in the place of operators.
type arithmetic struct{}

// Visit serves ast.Visitor.
func (arithmetic) Visit(node *ast.Node) {
	if n, ok := (*node).(*ast.BinaryNode); ok && checked[n.Operator] != "" {
		ast.Patch(node, &ast.CallNode{Callee: &ast.IdentifierNode{Value: checked[n.Operator]}, Arguments: []ast.Node{n.Left, n.Right}})
	}
}

var (
	errOverflow = errors.New("the result does not fit an integer of 64 bits")
	errRounded  = fmt.Errorf("an integer beyond %d would be rounded in a fraction", exactInt)
	errZero     = errors.New("division by zero")
)

// exactInt is the largest integer up to which a double holds every one.
const exactInt = 1 << 53

func compute(op byte, a, b any) (any, error) {
	a, b = plain(a), plain(b)
	x, xInt := a.(int)
	y, yInt := b.(int)
	switch {
	case xInt && yInt && op != '/':
		n, ok := whole(op, x, y)
		if !ok {
			return nil, errOverflow
		}
		return n, nil
	case (xInt && (isFloat(b) || op == '/') && !exact(x)) || (yInt && (isFloat(a) || op == '/') && !exact(y)):
		return nil, errRounded
	}
	switch op {
	case '+':
		return runtime.Add(a, b), nil
	case '-':
		return runtime.Subtract(a, b), nil
	case '*':
		return runtime.Multiply(a, b), nil
	}
	if (yInt && y == 0) || b == any(0.0) {
		return nil, errZero
	}
	return runtime.Divide(a, b), nil
}

// plain turns the numbers that functions return into the two kinds that expressions have.
func plain(v any) any {
	switch n := v.(type) {
	case int64:
		return int(n)
	case int32:
		return int(n)
	case uint8:
		return int(n)
	case time.Month:
		return int(n)
	case time.Weekday:
		return int(n)
	case float32:
		return float64(n)
	}
	return v
}

func isFloat(v any) bool {
	_, ok := v.(float64)
	return ok
}

func exact(n int) bool { return n >= -exactInt && n <= exactInt }

// whole computes with integers and tells whether the result fits.
func whole(op byte, x, y int) (int, bool) {
	switch op {
	case '+':
		n := x + y
		return n, (n > x) == (y > 0)
	case '-':
		n := x - y
		return n, (n < x) == (y > 0)
	}
	high, low := bits.Mul64(size(x), size(y))
	negative := (x < 0) != (y < 0)
	switch {
	case high != 0 || low > 1<<63 || (low == 1<<63 && !negative):
		return 0, false
	case negative:
		return int(-low), true
	}
	return int(low), low <= math.MaxInt64
}

func size(n int) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}
