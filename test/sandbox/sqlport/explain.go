package sqlport

import (
	"context"
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
)

// explainable says whether EXPLAIN is asked for a statement rather than for a table.
func explainable(c *lex.Cursor) bool {
	t := c.After(1)
	for _, word := range []string{"select", "with", "(", "insert", "update", "delete", "verbose", "costs", "logical"} {
		if t.Is(word) {
			return true
		}
	}
	return false
}

// explain shows the plan of a statement in the layout of StarRocks: fragments, nodes
// and what they read. The steps are those of the engine here, not of a cluster.
func (ss *session) explain(ctx context.Context, stmt lex.Statement, c *lex.Cursor, w *wire.Result) error {
	c.Next()
	if t := c.Peek(); t.Is("verbose") || t.Is("costs") || t.Is("logical") {
		c.Next()
	}
	at := c.I
	sink := "RESULT SINK"
	switch t := c.Peek(); {
	case t.Is("insert"):
		sink = "OLAP TABLE SINK"
		for at < len(stmt.Toks) && !stmt.Toks[at].Is("select") && !stmt.Toks[at].Is("with") {
			if stmt.Toks[at].Is("values") || stmt.Toks[at].Kind == lex.EOF {
				return ss.planLines([]string{"PLAN FRAGMENT 0", " OUTPUT EXPRS:", "  PARTITION: UNPARTITIONED", "", "  " + sink, "", "  0:UNION", "     constant exprs: "}, w)
			}
			at++
		}
	}
	text, found, err := ss.explainedWrite(stmt, c)
	if err != nil {
		return err
	}
	if found {
		sink = "OLAP TABLE SINK"
	} else {
		text = stmt.From(at)
	}
	q, err := ss.planText(ctx, text)
	if err != nil {
		return err
	}
	var outputs []string
	for i, col := range q.node.Schema() {
		outputs = append(outputs, fmt.Sprintf("%d: %s", i+1, col.Name))
	}
	lines := []string{"PLAN FRAGMENT 0", " OUTPUT EXPRS:" + strings.Join(outputs, " | "), "  PARTITION: UNPARTITIONED", "", "  " + sink, ""}
	var steps [][]string
	planSteps(q.node, nil, &steps)
	for i, s := range steps {
		lines = append(lines, fmt.Sprintf("  %d:%s", len(steps)-1-i, s[0]))
		for _, detail := range s[1:] {
			lines = append(lines, "  |  "+detail)
		}
		if i < len(steps)-1 {
			lines = append(lines, "  |")
		}
	}
	return ss.planLines(lines, w)
}

// explainedWrite is the query that finds the rows of an explained UPDATE or DELETE.
func (ss *session) explainedWrite(stmt lex.Statement, c *lex.Cursor) (text string, found bool, err error) {
	stmt.Toks = stmt.Toks[c.I:]
	with, i := ss.withClause(stmt)
	c = &lex.Cursor{Toks: stmt.Toks, I: i}
	var f finding
	switch t := c.Peek(); {
	case t.Is("update"):
		f, err = ss.findUpdated(stmt, c, with)
	case t.Is("delete"):
		f, err = ss.findDeleted(stmt, c, with)
	default:
		return "", false, nil
	}
	return f.text, true, err
}

func (ss *session) planLines(lines []string, w *wire.Result) error {
	a := &answer{cols: columnsOf("Explain_String")}
	a.cols[0].name = "Explain String"
	for _, l := range lines {
		a.add(l)
	}
	return a.write(w)
}

// planSteps lists the nodes from the root down. Filters on a table are its scan's.
func planSteps(n sql.Node, filters []string, steps *[][]string) {
	step := func(name string, details ...string) { *steps = append(*steps, append([]string{name}, details...)) }
	switch n := n.(type) {
	case *plan.Filter:
		planSteps(n.Child, append(filters, n.Expression.String()), steps)
		return
	case *plan.TableAlias:
		planSteps(n.Child, filters, steps)
		return
	case *plan.ResolvedTable:
		t, ok := sql.GetUnderlyingTable(n.Table).(*table)
		if !ok {
			step("SCHEMA SCAN", "TABLE: "+n.Name())
			return
		}
		details := []string{"TABLE: " + t.t.Name(), "PREAGGREGATION: ON"}
		if len(filters) > 0 {
			details = append(details, "PREDICATES: "+strings.Join(filters, ", "))
		}
		parts, tablets := 0, 0
		for _, p := range t.t.Partitions() {
			if !p.Temporary {
				parts, tablets = parts+1, tablets+p.Buckets
			}
		}
		details = append(details, fmt.Sprintf("partitions=%d/%d", parts, parts), "rollup: "+t.t.Name(), fmt.Sprintf("tabletRatio=%d/%d", tablets, tablets),
			fmt.Sprintf("cardinality=%d", max(t.snap.NumRows(), 1)))
		step("OlapScanNode", details...)
		return
	case *plan.Project:
		step("Project")
	case *plan.GroupBy:
		step("AGGREGATE (update finalize)", "group by: "+expressions(n.GroupByExprs))
	case *plan.Sort:
		step("SORT", "order by: "+fmt.Sprint(n.SortFields))
	case *plan.TopN:
		step("TOP-N", "order by: "+fmt.Sprint(n.Fields))
	case *plan.Limit:
		step("EXCHANGE", "limit: "+n.Limit.String())
	case *plan.JoinNode:
		step("HASH JOIN", "join op: "+strings.ToUpper(n.Op.String()))
	case *plan.SetOp:
		step("UNION")
	case *plan.Distinct:
		step("AGGREGATE (update finalize)", "group by: all")
	case *plan.Window:
		step("ANALYTIC")
	default:
		if len(n.Children()) == 0 {
			step("EMPTYSET")
		}
	}
	if len(filters) > 0 {
		*steps = append(*steps, []string{"SELECT", "predicates: " + strings.Join(filters, ", ")})
	}
	for _, child := range n.Children() {
		planSteps(child, nil, steps)
	}
}

func expressions(list []sql.Expression) string {
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = e.String()
	}
	return strings.Join(texts, ", ")
}
