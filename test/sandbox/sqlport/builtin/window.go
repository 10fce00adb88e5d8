package builtin

import (
	"io"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
)

// windowed are the aggregates of this package that StarRocks computes over a window, too.
var windowed = []string{"ndv", "approx_count_distinct", "bitmap_union_int", "variance", "var_pop", "variance_pop", "var_samp", "variance_samp",
	"std", "stddev", "stddev_pop", "stddev_samp"}

// windowForms are aggregates the engine computes over groups, and over windows with
// other frames than StarRocks. Their names cannot be called.
var windowForms = map[string]*aggregator{
	"min over":   {min: 1, max: 1, result: sameAs(0), start: func() accumulator { return &outermost{sign: -1} }},
	"max over":   {min: 1, max: 1, result: sameAs(0), start: func() accumulator { return &outermost{sign: 1} }},
	"count over": {min: 1, max: 1, result: bigint, start: func() accumulator { return &counter{} }},
}

// WindowCarrier is AggregateCarrier for a call with OVER.
func WindowCarrier(name string, distinct bool) (carrier, first string, ok bool) {
	if windowForms[name+" over"] != nil && !distinct {
		return aggregateCarrier, name + " over", true
	}
	if name == "sum" || name == "avg" {
		return "", "", false
	}
	return AggregateCarrier(name, distinct)
}

// CheckWindow refuses the aggregate functions that have no window form.
func CheckWindow(name string, distinct bool) error {
	name = strings.ToLower(name)
	if aggregates[name] == nil {
		return nil
	}
	if distinct {
		return &WindowError{"DISTINCT not allowed in analytic function: " + name}
	}
	if !slices.Contains(windowed, name) {
		return &WindowError{"Unsupported analytic function: " + name}
	}
	return nil
}

// OnlyHere says whether an aggregate function is one the engine does not know by name.
func OnlyHere(name string) bool {
	name = strings.ToLower(name)
	return aggregates[name] != nil && !slices.Contains(engineAggregates, name)
}

// WindowError refuses a function over a window.
type WindowError struct{ Reason string }

func (e *WindowError) Error() string { return e.Reason }

// outermost keeps the largest value, or the smallest.
type outermost struct {
	sign int
	best any
}

func (e *outermost) add(c *call) {
	if e.best != nil {
		both := &call{ctx: c.ctx, args: []any{c.args[0], e.best}, types: []sql.Type{c.types[0], c.types[0]}}
		if compareValues(both, 0, 1, c.types[0])*e.sign <= 0 {
			return
		}
	}
	e.best = c.args[0]
}

func (e *outermost) value() any { return e.best }

type counter struct{ n int64 }

func (c *counter) add(*call)  { c.n++ }
func (c *counter) value() any { return c.n }

// NewWindowFunction serves f(..) OVER (..).
func (a *aggregate) NewWindowFunction() (sql.WindowFunction, error) {
	framer, err := framerOf(a.window)
	return &windowAggregate{of: a, framer: framer}, err
}

// framerOf finds the frames of a window: those it says, or all of the partition, or with
// an order from the first row up to the last of those that are equal in it.
func framerOf(w *sql.WindowDefinition) (sql.WindowFramer, error) {
	switch {
	case w != nil && w.Frame != nil:
		return w.Frame.NewFramer(w)
	case w == nil || len(w.OrderBy) == 0:
		return aggregation.NewPartitionFramer(), nil
	}
	return &peers{order: w.OrderBy.ToExpressions()}, nil
}

// windowAggregate computes an aggregate over one frame after the other. A frame that
// starts where the last one did only adds its new rows.
type windowAggregate struct {
	of     *aggregate
	framer sql.WindowFramer
	from   int
	upTo   int
	state  sql.AggregationBuffer
}

func (f *windowAggregate) Dispose() {}

func (f *windowAggregate) DefaultFramer() sql.WindowFramer { return f.framer }

func (f *windowAggregate) StartPartition(*sql.Context, sql.WindowInterval, sql.WindowBuffer) error {
	f.state = nil
	return nil
}

// Compute panics with its errors, as that of windowSum does.
func (f *windowAggregate) Compute(ctx *sql.Context, at sql.WindowInterval, rows sql.WindowBuffer) any {
	if f.state == nil || at.Start != f.from || at.End < f.upTo {
		b, err := f.of.NewBuffer()
		if err != nil {
			panic(err)
		}
		f.state, f.from, f.upTo = b, at.Start, at.Start
	}
	for ; f.upTo < at.End; f.upTo++ {
		if err := f.state.Update(ctx, rows[f.upTo]); err != nil {
			panic(err)
		}
	}
	v, err := f.state.Eval(ctx)
	if err != nil {
		panic(err)
	}
	return v
}

// peers frames every row with all from the start of its partition up to the last row
// that is equal to it in the order.
type peers struct {
	order    []sql.Expression
	all      sql.WindowInterval // the partition
	idx, end int
}

var _ sql.WindowFramer = (*peers)(nil)

// NewFramer implements sql.WindowFramer.
func (p *peers) NewFramer(all sql.WindowInterval) (sql.WindowFramer, error) {
	return &peers{order: p.order, all: all, idx: all.Start, end: all.Start}, nil
}

// Next implements sql.WindowFramer.
func (p *peers) Next(ctx *sql.Context, rows sql.WindowBuffer) (sql.WindowInterval, error) {
	if p.idx >= p.all.End {
		return sql.WindowInterval{}, io.EOF
	}
	if p.idx >= p.end {
		for p.end = p.idx + 1; p.end < p.all.End; p.end++ {
			same, err := p.equal(ctx, rows[p.idx], rows[p.end])
			if err != nil {
				return sql.WindowInterval{}, err
			}
			if !same {
				break
			}
		}
	}
	p.idx++
	return p.Interval()
}

func (p *peers) equal(ctx *sql.Context, a, b sql.Row) (bool, error) {
	for _, e := range p.order {
		x, err := e.Eval(ctx, a)
		if err != nil {
			return false, err
		}
		y, err := e.Eval(ctx, b)
		if err != nil {
			return false, err
		}
		if x == nil || y == nil {
			if x != y {
				return false, nil
			}
			continue
		}
		if n, err := e.Type().Compare(ctx, x, y); err != nil || n != 0 {
			return false, err
		}
	}
	return true, nil
}

// FirstIdx implements sql.WindowFramer.
func (p *peers) FirstIdx() int { return p.all.Start }

// LastIdx implements sql.WindowFramer.
func (p *peers) LastIdx() int { return p.end }

// Interval implements sql.WindowFramer.
func (p *peers) Interval() (sql.WindowInterval, error) {
	return sql.WindowInterval{Start: p.all.Start, End: p.end}, nil
}
