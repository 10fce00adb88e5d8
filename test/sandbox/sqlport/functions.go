package sqlport

import (
	"fmt"
	"math"
	"math/big"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/shopspring/decimal"

	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
)

// functions stand before the engine's own. The engine adds integers as floats;
// StarRocks adds them exactly.
var functions = map[string]sql.Function{
	"version": textFunction("version", mysqlVersion),
	"sum": sql.Function1{Name: "sum", Fn: func(e sql.Expression) sql.Expression {
		return &sum{UnaryExpression: expression.UnaryExpression{Child: e}}
	}},
	"avg": sql.Function1{Name: "avg", Fn: func(e sql.Expression) sql.Expression {
		return &sum{UnaryExpression: expression.UnaryExpression{Child: e}, average: true}
	}},
}

func textFunction(name, text string) sql.Function {
	return sql.Function0{Name: name, Fn: func() sql.Expression { return &constant{name: name, text: text} }}
}

// constant is a function without arguments that always says the same.
type constant struct{ name, text string }

var _ sql.FunctionExpression = (*constant)(nil)

func (c *constant) FunctionName() string                                   { return c.name }
func (c *constant) Description() string                                    { return "returns " + c.text }
func (c *constant) Resolved() bool                                         { return true }
func (c *constant) String() string                                         { return c.name + "()" }
func (c *constant) Type() sql.Type                                         { return types.LongText }
func (c *constant) IsNullable() bool                                       { return false }
func (c *constant) Children() []sql.Expression                             { return nil }
func (c *constant) Eval(*sql.Context, sql.Row) (any, error)                { return c.text, nil }
func (c *constant) WithChildren(...sql.Expression) (sql.Expression, error) { return c, nil }

// sum is SUM, or AVG when average is set. Integers give BIGINT (AVG: DOUBLE),
// LARGEINT gives LARGEINT, DECIMAL keeps its scale at 38 digits (AVG: six digits
// more, at most 12), everything else is added as DOUBLE.
type sum struct {
	expression.UnaryExpression
	average bool
	id      sql.ColumnId
	window  *sql.WindowDefinition
}

var (
	_ sql.Aggregation        = (*sum)(nil)
	_ sql.FunctionExpression = (*sum)(nil)
)

func (s *sum) FunctionName() string {
	if s.average {
		return "avg"
	}
	return "sum"
}

func (s *sum) Description() string { return "adds exactly" }
func (s *sum) String() string      { return fmt.Sprintf("%s(%s)", s.FunctionName(), s.Child) }
func (s *sum) IsNullable() bool    { return true }

func (s *sum) Type() sql.Type {
	in := s.Child.Type()
	switch {
	case isLargeInt(in):
		if s.average {
			return types.Float64
		}
		return largeIntType
	case types.IsDecimal(in):
		scale := in.(sql.DecimalType).Scale()
		if s.average {
			scale = averageScale(scale)
		}
		return types.MustCreateDecimalType(38, scale)
	case types.IsInteger(in) && !s.average:
		return types.Int64
	}
	return types.Float64
}

func isLargeInt(t sql.Type) bool {
	d, ok := t.(sql.DecimalType)
	return ok && d.Precision() == largeIntDigits && d.Scale() == 0
}

func averageScale(scale uint8) uint8 {
	switch {
	case scale <= 6:
		return scale + 6
	case scale <= 12:
		return 12
	}
	return scale
}

func (s *sum) Id() sql.ColumnId { return s.id }

func (s *sum) WithId(id sql.ColumnId) sql.IdExpression {
	n := *s
	n.id = id
	return &n
}

func (s *sum) Window() *sql.WindowDefinition { return s.window }

func (s *sum) WithWindow(w *sql.WindowDefinition) sql.WindowAdaptableExpression {
	n := *s
	n.window = w
	return &n
}

// NewWindowFunction serves SUM(..) OVER (..).
func (s *sum) NewWindowFunction() (sql.WindowFunction, error) {
	f := &windowSum{sum: s}
	if s.window != nil && s.window.Frame != nil {
		framer, err := s.window.Frame.NewFramer(s.window)
		if err != nil {
			return nil, err
		}
		f.framer = framer
	}
	return f, nil
}

func (s *sum) Children() []sql.Expression {
	list := []sql.Expression{s.Child}
	if s.window != nil {
		list = append(list, s.window.ToExpressions()...)
	}
	return list
}

func (s *sum) WithChildren(children ...sql.Expression) (sql.Expression, error) {
	if len(children) == 0 {
		return nil, sql.ErrInvalidChildrenNumber.New(s, 0, 1)
	}
	n := *s
	n.Child = children[0]
	if len(children) > 1 && s.window != nil {
		w, err := s.window.FromExpressions(children[1:])
		if err != nil {
			return nil, err
		}
		n.window = w
	}
	return &n, nil
}

func (s *sum) Eval(*sql.Context, sql.Row) (any, error) {
	return nil, fmt.Errorf("%s is an aggregate function and has no value for one row", s.FunctionName())
}

func (s *sum) NewBuffer() (sql.AggregationBuffer, error) {
	return &sumBuffer{sum: s, out: s.Type(), in: s.Child.Type()}, nil
}

// sumBuffer adds up one group. Integers go into a small sum that moves to the
// exact one before it could overflow.
type sumBuffer struct {
	sum   *sum
	in    sql.Type
	out   sql.Type
	rows  int64
	small int64
	exact decimal.Decimal
	float float64
}

func (b *sumBuffer) Dispose() { expression.Dispose(b.sum.Child) }

func (b *sumBuffer) Update(ctx *sql.Context, row sql.Row) error {
	v, err := b.sum.Child.Eval(ctx, row)
	if err != nil || v == nil {
		return err
	}
	b.rows++
	switch v := v.(type) {
	case int64:
		if v > math.MaxInt64/2 || v < math.MinInt64/2 || b.small > math.MaxInt64/2 || b.small < math.MinInt64/2 {
			b.exact = b.exact.Add(decimal.NewFromInt(b.small))
			b.small = 0
			b.exact = b.exact.Add(decimal.NewFromInt(v))
			return nil
		}
		b.small += v
		return nil
	case decimal.Decimal:
		b.exact = b.exact.Add(v)
		return nil
	case float64:
		b.float += v
		return nil
	case float32:
		b.float += float64(v)
		return nil
	}
	return b.convert(ctx, v)
}

// convert adds a value of an unusual Go type.
func (b *sumBuffer) convert(ctx *sql.Context, v any) error {
	if types.IsInteger(b.in) || types.IsDecimal(b.in) {
		d, _, err := types.InternalDecimalType.Convert(ctx, v)
		if err != nil {
			return err
		}
		b.exact = b.exact.Add(d.(decimal.Decimal))
		return nil
	}
	f, _, err := types.Float64.Convert(ctx, v)
	if err != nil {
		return err
	}
	b.float += f.(float64)
	return nil
}

func (b *sumBuffer) Eval(*sql.Context) (any, error) {
	if b.rows == 0 {
		return nil, nil
	}
	total := b.exact.Add(decimal.NewFromInt(b.small))
	if b.out == types.Float64 {
		f, _ := total.Float64()
		f += b.float
		if b.sum.average {
			f /= float64(b.rows)
		}
		return f, nil
	}
	if b.out == types.Int64 {
		if !total.BigInt().IsInt64() {
			return nil, outOfRange("BIGINT", total)
		}
		return total.IntPart(), nil
	}
	if isLargeInt(b.out) {
		if limit := new(big.Int).Lsh(big.NewInt(1), 127); total.BigInt().CmpAbs(limit) >= 0 && total.BigInt().Cmp(new(big.Int).Neg(limit)) != 0 {
			return nil, outOfRange("LARGEINT", total)
		}
		return total, nil
	}
	if b.sum.average {
		scale := int32(b.out.(sql.DecimalType).Scale())
		return total.DivRound(decimal.NewFromInt(b.rows), scale), nil
	}
	return total, nil
}

func outOfRange(typ string, total decimal.Decimal) error {
	return wire.Errorf(1690, "22003", "SUM overflows %s: the sum is %s; cast the argument to DECIMAL(38,0)", typ, total)
}

// windowSum adds up one frame after the other. A frame that starts where the last
// one did only adds its new rows.
type windowSum struct {
	sum    *sum
	framer sql.WindowFramer
	from   int
	upTo   int
	total  *sumBuffer
}

func (f *windowSum) Dispose() { expression.Dispose(f.sum.Child) }

// DefaultFramer is from the first row of the partition to the current one.
func (f *windowSum) DefaultFramer() sql.WindowFramer {
	if f.framer != nil {
		return f.framer
	}
	return aggregation.NewUnboundedPrecedingToCurrentRowFramer()
}

func (f *windowSum) StartPartition(*sql.Context, sql.WindowInterval, sql.WindowBuffer) error {
	f.total = nil
	return nil
}

// Compute has no way to return an error: it panics with it, and the engine's
// caller (see catch) makes it the statement's error.
func (f *windowSum) Compute(ctx *sql.Context, at sql.WindowInterval, rows sql.WindowBuffer) any {
	if f.total == nil || at.Start != f.from || at.End < f.upTo {
		f.total = &sumBuffer{sum: f.sum, out: f.sum.Type(), in: f.sum.Child.Type()}
		f.from, f.upTo = at.Start, at.Start
	}
	for ; f.upTo < at.End; f.upTo++ {
		if err := f.total.Update(ctx, rows[f.upTo]); err != nil {
			panic(err)
		}
	}
	v, err := f.total.Eval(ctx)
	if err != nil {
		panic(err)
	}
	return v
}
