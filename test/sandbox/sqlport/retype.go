package sqlport

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// retypeSums gives the references to SUM and AVG the type those functions have.
// The engine's planner writes DOUBLE into every such reference whatever the
// function says, and would turn exact sums into floats on their way out. Column
// ids lead from a sum to its references, through aliases and derived tables.
func retypeSums(n sql.Node) (sql.Node, error) {
	kinds := map[sql.ColumnId]sql.Type{}
	retype := func(e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
		if q, ok := e.(*plan.Subquery); ok {
			inner, err := retypeSums(q.Query)
			return q.WithQuery(inner), transform.NewTree, err
		}
		f, ok := e.(*expression.GetField)
		if !ok || f.Type() != types.Float64 {
			return e, transform.SameTree, nil
		}
		t, ok := kinds[f.Id()]
		if !ok || t == types.Float64 {
			return e, transform.SameTree, nil
		}
		g := expression.NewGetFieldWithTable(f.Index(), int(f.TableId()), t, f.Database(), f.Table(), f.Name(), f.IsNullable())
		return g.WithId(f.Id()), transform.NewTree, nil
	}
	n, _, err := transform.NodeWithOpaque(n, func(n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		n, same, err := transform.OneNodeExpressions(n, retype)
		if err != nil {
			return n, same, err
		}
		switch n := n.(type) {
		case *plan.GroupBy:
			for _, e := range n.SelectedExprs {
				if s, ok := e.(*sum); ok {
					kinds[s.Id()] = s.Type()
				}
			}
		case *plan.Project:
			for _, e := range n.Projections {
				if a, ok := e.(*expression.Alias); ok && a.Id() != 0 {
					kinds[a.Id()] = a.Type()
				}
			}
		case *plan.SubqueryAlias:
			schema := n.Schema()
			i := 0
			n.Columns().ForEach(func(id sql.ColumnId) {
				if i < len(schema) {
					kinds[id] = schema[i].Type
				}
				i++
			})
		}
		return n, same, nil
	})
	return n, err
}
