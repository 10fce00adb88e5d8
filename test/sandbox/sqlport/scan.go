package sqlport

import (
	"math/big"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/gx-etl/gx/test/sandbox/sqlport/builtin"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// scan is a query that only reads columns of one table, with or without a filter
// and a limit: what every reader of a whole table sends. Its values go from the
// store to the client as they are; the engine sees no more than what the filter
// needs. Results are those the engine would give.
type scan struct {
	table  *table
	filter sql.Expression // nil without one
	out    []int          // for each result column, its place in table.columns()
	offset int64
	limit  int64 // -1 without one
}

// asScan recognizes such a plan, or returns nil.
func asScan(n sql.Node) *scan {
	s := &scan{limit: -1}
	if l, ok := n.(*plan.Limit); ok && !l.CalcFoundRows {
		if s.limit, ok = literalCount(l.Limit); !ok {
			return nil
		}
		n = l.Child
	}
	if o, ok := n.(*plan.Offset); ok {
		if s.offset, ok = literalCount(o.Offset); !ok {
			return nil
		}
		n = o.Child
	}
	var project []sql.Expression
	if p, ok := n.(*plan.Project); ok {
		project, n = p.Projections, p.Child
	}
	if f, ok := n.(*plan.Filter); ok {
		s.filter, n = f.Expression, f.Child
	}
	if a, ok := n.(*plan.TableAlias); ok {
		n = a.Child
	}
	rt, ok := n.(*plan.ResolvedTable)
	if !ok {
		return nil
	}
	if s.table, ok = sql.GetUnderlyingTable(rt.Table).(*table); !ok {
		return nil
	}
	width := len(s.table.columns())
	if project == nil {
		for i := range width {
			s.out = append(s.out, i)
		}
	}
	for _, e := range project {
		if a, ok := e.(*expression.Alias); ok {
			e = a.Child
		}
		f, ok := e.(*expression.GetField)
		if !ok || f.Index() < 0 || f.Index() >= width {
			return nil
		}
		s.out = append(s.out, f.Index())
	}
	if s.filter != nil && !readsOnly(s.filter, width) {
		return nil
	}
	return s
}

func literalCount(e sql.Expression) (int64, bool) {
	l, ok := e.(*expression.Literal)
	if !ok {
		return 0, false
	}
	switch v := l.Value().(type) {
	case int64:
		return v, v >= 0
	case int8:
		return int64(v), v >= 0
	case int16:
		return int64(v), v >= 0
	case int32:
		return int64(v), v >= 0
	case uint8:
		return int64(v), true
	case uint16:
		return int64(v), true
	case uint32:
		return int64(v), true
	}
	return 0, false
}

// readsOnly reports whether an expression needs nothing but the row itself.
func readsOnly(e sql.Expression, width int) bool {
	ok := true
	transform.InspectExpr(e, func(e sql.Expression) bool {
		switch e := e.(type) {
		case *plan.Subquery, *plan.InSubquery, *plan.ExistsSubquery:
			ok = false
		case *expression.GetField:
			ok = ok && e.Index() >= 0 && e.Index() < width
		}
		return !ok
	})
	return ok
}

// filterPlaces returns the places in table.columns() that the filter reads.
func (s *scan) filterPlaces() []int {
	var places []int
	if s.filter == nil {
		return nil
	}
	transform.InspectExpr(s.filter, func(e sql.Expression) bool {
		if f, ok := e.(*expression.GetField); ok && !slices.Contains(places, f.Index()) {
			places = append(places, f.Index())
		}
		return false
	})
	return places
}

// filterColumns returns the columns of the table that the filter reads.
func (s *scan) filterColumns() []int {
	cols := s.table.columns()
	var list []int
	for _, p := range s.filterPlaces() {
		list = append(list, cols[p])
	}
	return list
}

// matcher returns a test of rows of canonical values, in which place gives the
// position of a column of table.columns(). What the engine is not needed for is
// tested without it.
func (s *scan) matcher(ctx *sql.Context, place func(p int) int) func(raw []any) (bool, error) {
	schema, cols := s.table.snap.Schema(), s.table.columns()
	kind := func(p int) store.Type { return schema.Columns[cols[p]].Type }
	if c, ok := compileCondition(s.filter, kind, place); ok {
		return func(raw []any) (bool, error) { return c(raw) == isTrue, nil }
	}
	row, places := make(sql.Row, len(cols)), s.filterPlaces()
	conv := make([]func(any) any, len(places))
	for i, p := range places {
		conv[i] = builtin.ToEngine(kind(p))
	}
	return func(raw []any) (bool, error) {
		for i, p := range places {
			v := raw[place(p)]
			if v != nil && conv[i] != nil {
				v = conv[i](v)
			}
			row[p] = v
		}
		v, err := sql.EvaluateCondition(ctx, s.filter, row)
		if err != nil {
			return false, engineError(err)
		}
		return sql.IsTrue(v), nil
	}
}

// write sends the rows.
func (s *scan) write(ctx *sql.Context, w *wire.Result) (err error) {
	defer catch(&err)
	if s.limit == 0 {
		return nil
	}
	schema, cols := s.table.snap.Schema(), s.table.columns()
	kinds := make([]store.Type, len(s.out))
	for i, p := range s.out {
		kinds[i] = schema.Columns[cols[p]].Type
	}
	var (
		r       = newReader(ctx, s.table, cols)
		raw     = make([]any, len(cols))
		match   func([]any) (bool, error)
		scratch []byte
		skip    = s.offset
		left    = s.limit
	)
	if s.filter != nil {
		match = s.matcher(ctx, func(p int) int { return p })
	}
	for {
		ok, err := r.next(raw)
		if err != nil || !ok {
			return err
		}
		if match != nil {
			if ok, err = match(raw); err != nil {
				return err
			}
			if !ok {
				continue
			}
		}
		if skip > 0 {
			skip--
			continue
		}
		w.BeginRow()
		for i, p := range s.out {
			switch v := raw[p].(type) {
			case nil:
				w.Null()
			case int64:
				w.Int(v)
			case string:
				w.String(v)
			case []byte:
				if kinds[i].Kind == store.Binary {
					w.Bytes(v)
				} else { // a set of values, which only functions read
					w.Null()
				}
			case *big.Int:
				scratch = v.Append(scratch[:0], 10)
				w.Bytes(scratch)
			default:
				w.String(store.Format(kinds[i], v))
			}
		}
		if err := w.EndRow(); err != nil {
			return err
		}
		if left--; left == 0 {
			return nil
		}
	}
}

// delete removes the rows that the filter picks from t, and counts them. The
// filter is tried on all rows first, so that one it fails on leaves the table whole.
func (s *scan) delete(ctx *sql.Context, t *store.Table) (n int64, err error) {
	defer catch(&err)
	if s.filter == nil { // the engine found the condition to be always true
		return t.DeleteFrom(s.table.snap, func([]any) bool { return true })
	}
	cols := s.table.columns()
	match := s.matcher(ctx, func(p int) int { return cols[p] })
	var failed error
	try := func(raw []any) bool {
		if failed != nil {
			return false
		}
		ok, err := match(raw)
		if err == nil {
			err = ctx.Err()
		}
		failed = err
		return ok && err == nil
	}
	cur := s.table.snap.Cursor(nil)
	raw := make([]any, len(s.table.snap.Schema().Columns))
	for cur.Next(raw) && failed == nil {
		try(raw)
	}
	if failed != nil {
		return 0, failed
	}
	if n, err = t.DeleteFrom(s.table.snap, try); err == nil {
		err = failed
	}
	return n, err
}
