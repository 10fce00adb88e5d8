// Package builtin holds the functions and operators of StarRocks SQL for the query
// engine: their names, the types they give, and their results where MySQL's differ.
//
// A value that an argument cannot be converted to is NULL, never an error, as in
// StarRocks. Arguments arrive as the engine's Go values: whole numbers in any of
// Go's integer types, decimal.Decimal for DECIMAL and LARGEINT, float64, string,
// []byte and time.Time.
package builtin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/shopspring/decimal"
)

// Prefix stands before the names under which the engine finds the scalar functions
// and operators of this package. No name a client writes can hold it.
const Prefix = "\x01"

// function describes a scalar function.
type function struct {
	min, max int // number of arguments; max -1 for any number
	result   func(args []sql.Type) sql.Type
	eval     func(c *call) any
	nulls    bool // eval sees NULL arguments; without it they make the result NULL
	volatile bool // another result for the same arguments
	// check looks at the arguments when the query is planned.
	check func(args []sql.Expression) error
}

// call is one evaluation. The accessors convert an argument; where that fails the
// result of the call is NULL whatever eval returns.
type call struct {
	ctx    *sql.Context
	args   []any
	types  []sql.Type
	state  any // kept between the rows by functions that prepare something
	failed bool
	err    error
}

func (c *call) null(i int) bool { return c.args[i] == nil }

func (c *call) text(i int) string {
	s, ok := Text(c.types[i], c.args[i])
	c.failed = c.failed || !ok
	return s
}

func (c *call) whole(i int) int64 {
	n, ok := asWhole(c.args[i])
	c.failed = c.failed || !ok
	return n
}

func (c *call) double(i int) float64 {
	f, ok := asDouble(c.args[i])
	c.failed = c.failed || !ok
	return f
}

func (c *call) exact(i int) decimal.Decimal {
	d, ok := asExact(c.args[i])
	c.failed = c.failed || !ok
	return d
}

func (c *call) moment(i int) time.Time {
	t, ok := asMoment(c.args[i])
	c.failed = c.failed || !ok
	return t
}

func (c *call) bytes(i int) []byte {
	if b, ok := c.args[i].([]byte); ok {
		return b
	}
	return []byte(c.text(i))
}

// expr is a call of a scalar function in a query. Its scratch space makes it one
// for a single goroutine, which is how the engine runs a plan.
type expr struct {
	name string
	fn   *function
	args []sql.Expression
	typ  sql.Type
	call call
}

var (
	_ sql.FunctionExpression         = (*expr)(nil)
	_ sql.NonDeterministicExpression = (*volatileExpr)(nil)
)

// volatileExpr keeps the engine from taking one result for another.
type volatileExpr struct{ *expr }

func (volatileExpr) IsNonDeterministic() bool { return true }

func (e volatileExpr) WithChildren(args ...sql.Expression) (sql.Expression, error) {
	return newExpr(e.name, e.fn, args)
}

func newExpr(name string, fn *function, args []sql.Expression) (sql.Expression, error) {
	if len(args) < fn.min || fn.max >= 0 && len(args) > fn.max {
		return nil, noSignature(name, args)
	}
	if fn.check != nil {
		if err := fn.check(args); err != nil {
			return nil, err
		}
	}
	e := &expr{name: name, fn: fn, args: args}
	e.call.types = make([]sql.Type, len(args))
	for i, a := range args {
		e.call.types[i] = a.Type()
	}
	e.call.args = make([]any, len(args))
	e.typ = fn.result(e.call.types)
	if e.typ == nil {
		return nil, noSignature(name, args)
	}
	if fn.volatile {
		return volatileExpr{e}, nil
	}
	return e, nil
}

// SignatureError says that no function has this name and these arguments.
type SignatureError struct {
	Name string
	Args []string // names of types
}

func (e *SignatureError) Error() string {
	return fmt.Sprintf("No matching function with signature: %s(%s)", e.Name, strings.Join(e.Args, ", "))
}

func noSignature(name string, args []sql.Expression) error {
	e := &SignatureError{Name: name}
	for _, a := range args {
		e.Args = append(e.Args, TypeName(a.Type()))
	}
	return e
}

func (e *expr) FunctionName() string       { return e.name }
func (e *expr) Description() string        { return "StarRocks function " + e.name }
func (e *expr) Type() sql.Type             { return e.typ }
func (e *expr) IsNullable() bool           { return true }
func (e *expr) Resolved() bool             { return resolved(e.args) }
func (e *expr) Children() []sql.Expression { return e.args }

func resolved(list []sql.Expression) bool {
	return !slices.ContainsFunc(list, func(e sql.Expression) bool { return !e.Resolved() })
}

func (e *expr) String() string {
	list := make([]string, len(e.args))
	for i, a := range e.args {
		list[i] = a.String()
	}
	return e.name + "(" + strings.Join(list, ", ") + ")"
}

func (e *expr) WithChildren(args ...sql.Expression) (sql.Expression, error) {
	return newExpr(e.name, e.fn, args)
}

func (e *expr) Eval(ctx *sql.Context, row sql.Row) (any, error) {
	c := &e.call
	c.ctx, c.failed = ctx, false
	for i, a := range e.args {
		v, err := a.Eval(ctx, row)
		if err == nil && v != nil {
			v, err = sql.UnwrapAny(ctx, v)
		}
		if err != nil {
			return nil, err
		}
		if v == nil && !e.fn.nulls {
			return nil, nil
		}
		c.args[i] = v
	}
	v := e.fn.eval(c)
	if c.err != nil {
		err := c.err
		c.err = nil
		return nil, err
	}
	if c.failed {
		return nil, nil
	}
	return v, nil
}

// scalars are all functions of this package by their lower-case names, operators
// included. The files of the package fill it.
var scalars = map[string]*function{}

func register(list map[string]*function) {
	for name, f := range list {
		if scalars[name] != nil {
			panic("function " + name + " is there twice")
		}
		scalars[name] = f
	}
}

// factories make expressions that depend on the types of the arguments.
var factories = map[string]func(name string, args []sql.Expression) (sql.Expression, error){}

// IsScalar says whether StarRocks knows a scalar function of this name, in any case.
func IsScalar(name string) bool {
	name = strings.ToLower(name)
	return scalars[name] != nil || factories[name] != nil
}

// Find returns the function the engine asks for: a scalar one behind Prefix, or an
// aggregate or window function under its own name. Anything else is a function that
// cannot be called, so that no function of the engine is found that StarRocks
// does not have.
func Find(name string) sql.Function {
	plain, marked := strings.CutPrefix(strings.ToLower(name), Prefix)
	if marked || IsScalar(name) {
		return sql.FunctionN{Name: name, Fn: func(args ...sql.Expression) (sql.Expression, error) {
			if f := factories[plain]; f != nil {
				return f(plain, args)
			}
			if f := scalars[plain]; f != nil {
				return newExpr(plain, f, args)
			}
			return nil, noSignature(plain, args)
		}}
	}
	switch name {
	case aggregateCarrier:
		return sql.FunctionN{Name: name, Fn: newAggregate}
	case "sum", "avg":
		return sql.Function1{Name: name, Fn: func(e sql.Expression) sql.Expression { return newSum(name, e) }}
	}
	if slices.Contains(engineFunctions, name) {
		return nil
	}
	return sql.FunctionN{Name: name, Fn: func(args ...sql.Expression) (sql.Expression, error) { return nil, noSignature(name, args) }}
}

// engineFunctions are those the engine's own implementations answer.
var engineFunctions = []string{"count", "min", "max", "any_value", "group_concat", "row_number", "rank", "dense_rank", "percent_rank", "ntile", "lead", "lag", "first_value", "last_value"}

// fixed is the result type that does not depend on the arguments.
func fixed(t sql.Type) func([]sql.Type) sql.Type {
	return func([]sql.Type) sql.Type { return t }
}

// sameAs is the type of argument i.
func sameAs(i int) func([]sql.Type) sql.Type {
	return func(args []sql.Type) sql.Type { return args[i] }
}

var (
	varchar  = fixed(types.LongText)
	bigint   = fixed(types.Int64)
	integer  = fixed(types.Int32)
	double   = fixed(types.Float64)
	boolean  = fixed(types.Boolean)
	date     = fixed(types.Date)
	datetime = fixed(types.DatetimeMaxPrecision)
)
