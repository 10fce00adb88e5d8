package builtin

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
)

// aggregateCarrier is the name under which aggregate functions reach the engine's
// planner, which has a fixed list of names for them: the real name is the first
// argument. StarRocks has no function of this name.
const aggregateCarrier = "first"

// AggregateCarrier returns what the call of an aggregate function is rewritten to: a
// function name, and a text that goes before the arguments. ok is false for
// functions that the engine plans itself, and for scalar ones. A windowed call of SUM
// and AVG stays as it is.
func AggregateCarrier(name string, distinct bool) (carrier, first string, ok bool) {
	name = strings.ToLower(name)
	if _, ok := aggregates[name]; !ok && name != "sum" && name != "avg" {
		return "", "", false
	}
	if distinct {
		name += " distinct"
	}
	return aggregateCarrier, name, true
}

// IsAggregate says whether a name is that of an aggregate function.
func IsAggregate(name string) bool {
	name = strings.ToLower(name)
	_, ours := aggregates[name]
	return ours || slices.Contains(engineAggregates, name)
}

var engineAggregates = []string{"count", "sum", "avg", "min", "max", "any_value", "std", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop",
	"var_samp", "group_concat", "bit_and", "bit_or", "bit_xor", "json_arrayagg", "json_objectagg"}

// aggregator describes an aggregate function.
type aggregator struct {
	min, max int
	result   func(args []sql.Type) sql.Type
	start    func() accumulator
}

// accumulator gathers the values of one group. add sees arguments of which none is NULL.
type accumulator interface {
	add(c *call)
	value() any
}

// aggregates by lower-case name.
var aggregates = map[string]*aggregator{}

func newAggregate(args ...sql.Expression) (sql.Expression, error) {
	var name string
	if len(args) > 0 {
		if l, ok := args[0].(*expression.Literal); ok {
			name, _ = l.Value().(string)
			args = args[1:]
		}
	}
	plain, distinct := strings.CutSuffix(name, " distinct")
	if plain == "sum" || plain == "avg" {
		if len(args) != 1 {
			return nil, noSignature(plain, args)
		}
		s := newSum(plain, args[0])
		s.distinct = distinct
		return s, nil
	}
	def := aggregates[plain]
	if over := windowForms[plain]; over != nil {
		def = over
	}
	if def == nil || len(args) < def.min || def.max >= 0 && len(args) > def.max {
		return nil, noSignature(plain, args)
	}
	a := &aggregate{name: plain, def: def, distinct: distinct, args: args}
	for _, e := range args {
		a.types = append(a.types, e.Type())
	}
	if a.typ = def.result(a.types); a.typ == nil {
		return nil, noSignature(plain, args)
	}
	return a, nil
}

// aggregate is a call of an aggregate function in a query.
type aggregate struct {
	name     string
	def      *aggregator
	distinct bool
	args     []sql.Expression
	types    []sql.Type
	typ      sql.Type
	id       sql.ColumnId
	window   *sql.WindowDefinition
}

var (
	_ sql.Aggregation        = (*aggregate)(nil)
	_ sql.FunctionExpression = (*aggregate)(nil)
)

func (a *aggregate) FunctionName() string          { return a.name }
func (a *aggregate) Description() string           { return "StarRocks aggregate function " + a.name }
func (a *aggregate) Type() sql.Type                { return a.typ }
func (a *aggregate) IsNullable() bool              { return true }
func (a *aggregate) Resolved() bool                { return resolved(a.args) }
func (a *aggregate) Id() sql.ColumnId              { return a.id }
func (a *aggregate) Window() *sql.WindowDefinition { return a.window }

func (a *aggregate) String() string {
	list := make([]string, len(a.args))
	for i, e := range a.args {
		list[i] = e.String()
	}
	distinct := ""
	if a.distinct {
		distinct = "DISTINCT "
	}
	return a.name + "(" + distinct + strings.Join(list, ", ") + ")"
}

func (a *aggregate) WithId(id sql.ColumnId) sql.IdExpression {
	n := *a
	n.id = id
	return &n
}

func (a *aggregate) WithWindow(w *sql.WindowDefinition) sql.WindowAdaptableExpression {
	n := *a
	n.window = w
	return &n
}

// Children are the arguments, and behind them the expressions of the window.
func (a *aggregate) Children() []sql.Expression {
	if a.window == nil {
		return a.args
	}
	return append(slices.Clone(a.args), a.window.ToExpressions()...)
}

func (a *aggregate) WithChildren(list ...sql.Expression) (sql.Expression, error) {
	if len(list) < len(a.args) || a.window == nil && len(list) > len(a.args) {
		return nil, sql.ErrInvalidChildrenNumber.New(a, len(list), len(a.args))
	}
	n := *a
	n.args = list[:len(a.args)]
	if rest := list[len(a.args):]; a.window != nil {
		w, err := a.window.FromExpressions(rest)
		if err != nil {
			return nil, err
		}
		n.window = w
	}
	return &n, nil
}

func (a *aggregate) Eval(*sql.Context, sql.Row) (any, error) {
	return nil, fmt.Errorf("%s is an aggregate function and has no value for one row", a.name)
}

func (a *aggregate) NewBuffer() (sql.AggregationBuffer, error) {
	b := &group{of: a, acc: a.def.start()}
	b.call.types, b.call.args = a.types, make([]any, len(a.args))
	if a.distinct {
		b.seen = map[string]bool{}
	}
	return b, nil
}

// group is the state of an aggregate for one group.
type group struct {
	of   *aggregate
	acc  accumulator
	call call
	seen map[string]bool // of a DISTINCT call
}

func (g *group) Dispose() {}

func (g *group) Update(ctx *sql.Context, row sql.Row) error {
	c := &g.call
	c.ctx, c.failed = ctx, false
	for i, e := range g.of.args {
		v, err := e.Eval(ctx, row)
		if err == nil && v != nil {
			v, err = sql.UnwrapAny(ctx, v)
		}
		if err != nil {
			return err
		}
		if v == nil {
			return nil
		}
		c.args[i] = v
	}
	if g.seen != nil {
		key := c.text(0)
		if g.seen[key] {
			return nil
		}
		g.seen[key] = true
	}
	g.acc.add(c)
	return c.err
}

func (g *group) Eval(*sql.Context) (any, error) { return g.acc.value(), nil }

func init() {
	register := func(name string, a *aggregator) { aggregates[name] = a }
	register("array_agg", &aggregator{min: 1, max: 1, result: func(args []sql.Type) sql.Type { return arrayOf(inside(args[0])) }, start: func() accumulator { return &arrayAgg{} }})
	register("max_by", &aggregator{min: 2, max: 2, result: sameAs(0), start: func() accumulator { return &extremeBy{sign: 1} }})
	register("min_by", &aggregator{min: 2, max: 2, result: sameAs(0), start: func() accumulator { return &extremeBy{sign: -1} }})
	register("count_if", &aggregator{min: 1, max: 1, result: bigint, start: func() accumulator { return &countIf{} }})
	for name, root := range map[string]bool{"variance": false, "var_pop": false, "variance_pop": false, "std": true, "stddev": true, "stddev_pop": true} {
		register(name, &aggregator{min: 1, max: 1, result: double, start: func() accumulator { return &spread{root: root} }})
	}
	for name, root := range map[string]bool{"var_samp": false, "variance_samp": false, "stddev_samp": true} {
		register(name, &aggregator{min: 1, max: 1, result: double, start: func() accumulator { return &spread{root: root, sample: true} }})
	}
	bits := func(f func(a, b int64) int64, first int64) func() accumulator {
		return func() accumulator { return &bitFold{f: f, total: first} }
	}
	register("bit_and", &aggregator{min: 1, max: 1, result: bigint, start: bits(func(a, b int64) int64 { return a & b }, -1)})
	register("bit_or", &aggregator{min: 1, max: 1, result: bigint, start: bits(func(a, b int64) int64 { return a | b }, 0)})
	register("bit_xor", &aggregator{min: 1, max: 1, result: bigint, start: bits(func(a, b int64) int64 { return a ^ b }, 0)})
}

type arrayAgg struct{ items []string }

func (a *arrayAgg) add(c *call) { a.items = append(a.items, jsonOf(c.types[0], c.args[0])) }
func (a *arrayAgg) value() any  { return "[" + strings.Join(a.items, ",") + "]" }

// extremeBy keeps the first argument of the row whose second one is largest, or
// smallest.
type extremeBy struct {
	sign int
	best *call
}

func (e *extremeBy) add(c *call) {
	if e.best != nil {
		both := &call{ctx: c.ctx, args: []any{c.args[1], e.best.args[1]}, types: []sql.Type{c.types[1], c.types[1]}}
		if compareValues(both, 0, 1, c.types[1])*e.sign <= 0 {
			return
		}
	}
	e.best = &call{args: slices.Clone(c.args)}
}

func (e *extremeBy) value() any {
	if e.best == nil {
		return nil
	}
	return e.best.args[0]
}

type countIf struct{ n int64 }

func (a *countIf) add(c *call) {
	if is, ok := truth(c.args[0]); ok && is {
		a.n++
	}
}
func (a *countIf) value() any { return a.n }

type bitFold struct {
	f     func(a, b int64) int64
	total int64
	any   bool
}

func (a *bitFold) add(c *call) {
	if n := c.whole(0); !c.failed {
		a.total, a.any = a.f(a.total, n), true
	}
}

func (a *bitFold) value() any {
	if !a.any {
		return nil
	}
	return a.total
}

// spread is the variance, kept as Welford does, or its root.
type spread struct {
	root, sample  bool
	n, mean, sums float64
}

func (s *spread) add(c *call) {
	v := c.double(0)
	if c.failed {
		return
	}
	s.n++
	off := v - s.mean
	s.mean += off / s.n
	s.sums += off * (v - s.mean)
}

func (s *spread) value() any {
	n := s.n
	if s.sample {
		n--
	}
	if n <= 0 {
		return nil
	}
	if s.root {
		return math.Sqrt(s.sums / n)
	}
	return s.sums / n
}
