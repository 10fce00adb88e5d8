// Package expression is where loads and queries meet: the expressions of a
// columns or where header are evaluated by the engine that answers SQL, so that
// both know the same functions.
package expression

import "github.com/gx-etl/gx/test/sandbox/store"

// Input is a name that expressions may refer to, and the type its values have.
type Input struct {
	Name string
	Type store.Type
}

// UnknownReference is a Compiler's error for a name that is none of its inputs. The
// load knows which header the name is in, and says so.
type UnknownReference struct {
	Index     int    // of the expression, from 0
	Reference string // the name
}

func (e *UnknownReference) Error() string {
	return "unknown reference column, reference=" + e.Reference
}

// Compiler prepares expressions that refer to the inputs. Its errors are worded
// as the load's answer gives them: an unknown reference, an aggregate function, a
// syntax error.
type Compiler func(inputs []Input, expressions []string) (Program, error)

// Program evaluates compiled expressions row by row. It is for one goroutine.
type Program interface {
	// Eval takes the canonical values of the inputs (see store.Convert; nil is
	// NULL) and fills out, one value for each expression: nil, int64, float64,
	// string or []byte, ready for store.Convert to the target column's type. An
	// error belongs to the row, not to the load.
	Eval(inputs []any, out []any) error
}

// Typed is a Program that knows the SQL types of its results.
type Typed interface {
	Program
	// Decimal says whether the results of expression i are DECIMAL: like text they
	// come as string, but their casts differ.
	Decimal(i int) bool
	// Boolean says whether expression i is a predicate.
	Boolean(i int) bool
}
