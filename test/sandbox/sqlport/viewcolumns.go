package sqlport

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// resultColumn describes a column of a query as a view has it: a column of a table
// keeps its type, whatever lies between; the rest has the type of its expression.
func resultColumn(n sql.Node, i int) (typ string, nullable bool) {
	if c, ok := origin(n, i); ok {
		return c.Type.String(), c.Nullable
	}
	col := n.Schema()[i]
	return columnType(col.Type), col.Nullable
}

// origin finds the column of a table that is shown, unchanged, as column i of n.
func origin(n sql.Node, i int) (store.Column, bool) {
	field := func(e sql.Expression, below sql.Node) (store.Column, bool) {
		if a, ok := e.(*expression.Alias); ok {
			e = a.Child
		}
		f, ok := e.(*expression.GetField)
		if !ok {
			return store.Column{}, false
		}
		for at, c := range below.Schema() {
			if strings.EqualFold(c.Name, f.Name()) && strings.EqualFold(c.Source, f.Table()) {
				return origin(below, at)
			}
		}
		return store.Column{}, false
	}
	switch n := n.(type) {
	case *plan.ResolvedTable:
		if t, ok := sql.GetUnderlyingTable(n.Table).(*table); ok {
			s := t.snap.Schema()
			return s.Columns[t.columns()[i]], true
		}
	case *plan.Project:
		return field(n.Projections[i], n.Child)
	case *plan.GroupBy:
		return field(n.SelectedExprs[i], n.Child)
	case *plan.JoinNode:
		left, right := n.Left(), n.Right()
		if width := len(left.Schema()); i >= width {
			if len(left.Schema())+len(right.Schema()) == len(n.Schema()) {
				return origin(right, i-width)
			}
			return store.Column{}, false
		}
		return origin(left, i)
	case *plan.TableAlias, *plan.SubqueryAlias, *plan.Filter, *plan.Sort, *plan.TopN, *plan.Limit, *plan.Offset, *plan.Distinct, *plan.Having:
		return origin(n.Children()[0], i)
	}
	return store.Column{}, false
}
