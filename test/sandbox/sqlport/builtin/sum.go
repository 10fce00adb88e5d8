package builtin

import (
	"fmt"
	"math"
	"math/big"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/shopspring/decimal"
)

// sum is SUM, or AVG when average is set. Integers give BIGINT (AVG: DOUBLE),
// LARGEINT gives LARGEINT, DECIMAL keeps its scale at 38 digits (AVG: six digits
// more, at most 12), everything else is added as DOUBLE. A sum that does not fit wraps
// around in 64 or 128 bits without a word, as it does in the server's accumulators.
type sum struct {
	expression.UnaryExpression
	average  bool
	distinct bool
	id       sql.ColumnId
	window   *sql.WindowDefinition
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
func (s *sum) IsDistinct() bool    { return s.distinct }

func (s *sum) String() string {
	if s.distinct {
		return fmt.Sprintf("%s(DISTINCT %s)", s.FunctionName(), s.Child)
	}
	return fmt.Sprintf("%s(%s)", s.FunctionName(), s.Child)
}

func (s *sum) IsNullable() bool { return true }

func (s *sum) Type() sql.Type {
	in := s.Child.Type()
	switch {
	case IsLargeInt(in):
		if s.average {
			return types.Float64
		}
		return LargeInt
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

func newSum(name string, e sql.Expression) *sum {
	return &sum{UnaryExpression: expression.UnaryExpression{Child: e}, average: name == "avg"}
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
	framer, err := framerOf(s.window)
	return &windowSum{sum: s, framer: framer}, err
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
	seen  map[string]bool // of SUM(DISTINCT)
}

func (b *sumBuffer) Dispose() { expression.Dispose(b.sum.Child) }

func (b *sumBuffer) Update(ctx *sql.Context, row sql.Row) error {
	v, err := b.sum.Child.Eval(ctx, row)
	if err != nil || v == nil {
		return err
	}
	if b.sum.distinct {
		key, _ := Text(b.in, v)
		if b.seen[key] {
			return nil
		}
		if b.seen == nil {
			b.seen = map[string]bool{}
		}
		b.seen[key] = true
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
		return wrap64(total.BigInt()), nil
	}
	if IsLargeInt(b.out) {
		return decimal.NewFromBigInt(wrapWide(total.BigInt()), 0), nil
	}
	if b.sum.average {
		scale := int32(b.out.(sql.DecimalType).Scale())
		return total.DivRound(decimal.NewFromInt(b.rows), scale), nil
	}
	if !fitsLargeInt(total.Coefficient()) {
		return decimal.NewFromBigInt(wrapWide(total.Coefficient()), total.Exponent()), nil
	}
	return total, nil
}

// wrap64 keeps the low 64 bits.
func wrap64(i *big.Int) int64 {
	if i.IsInt64() {
		return i.Int64()
	}
	return int64(new(big.Int).And(i, new(big.Int).SetUint64(math.MaxUint64)).Uint64())
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

func (f *windowSum) DefaultFramer() sql.WindowFramer { return f.framer }

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
