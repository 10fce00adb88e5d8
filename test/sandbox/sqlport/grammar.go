package sqlport

import "github.com/gx-etl/gx/test/sandbox/sqlport/lex"

// foreign refuses what StarRocks reads and the engine does not, by name, when the word
// t that was just passed begins it.
func (r *rewriter) foreign(t lex.Token) error {
	no := func(what, instead string) error {
		return lex.At(t, "%s is not supported by this stand-in; %s", what, instead)
	}
	next, after := r.Peek(), r.After(1)
	switch {
	case (t.Is("semi") || t.Is("anti")) && next.Is("join"):
		return no("SEMI and ANTI JOIN", "use EXISTS and NOT EXISTS")
	case t.Is("qualify") && (next.IsName() || next.Is("(")) && !r.behindDot() && r.afterClause():
		return no("QUALIFY", "use a subquery and WHERE")
	case t.Is("grouping") && next.Is("sets"), (t.Is("rollup") || t.Is("cube")) && next.Is("(") && r.behind("by"):
		return no("GROUP BY ROLLUP, CUBE and GROUPING SETS", "use UNION ALL of several GROUP BY")
	case t.Is("by") && next.Is("all") && r.Toks[max(r.I-2, 0)].Is("group"):
		return no("GROUP BY ALL", "name the columns")
	case t.Is("nulls") && (next.Is("first") || next.Is("last")):
		return no("NULLS FIRST and NULLS LAST", "order by x IS NULL, x")
	case t.Is("lateral") && (next.IsName() || next.Is("unnest")), t.Is("unnest") && next.Is("(") && (r.behind(",") || r.behind("join")):
		return no("UNNEST", "use array functions, or a table with a row for each element")
	case t.Is("table") && next.Is("(") && after.IsName():
		return no("TABLE(function)", "use UNION ALL")
	case t.Is("files") && next.Is("(") && (r.behind("from") || r.behind("join")):
		return no("FILES", "use Stream Load or INSERT")
	case (t.Is("array_map") || t.Is("array_filter") || t.Is("any_match") || t.Is("all_match") || t.Is("array_sortby") || t.Is("map_filter") || t.Is("transform_keys") || t.Is("transform_values") || t.Is("map_apply")) && next.Is("(") && !r.behindDot():
		return no("a function with a lambda", "use plain array functions")
	case t.Is("row") && next.Is("(") && !r.behindDot():
		return no("ROW", "use named_struct")
	case (t.Is("pivot") || t.Is("tablesample") || t.Is("sample")) && next.Is("(") && r.I > 1 && (r.Toks[r.I-2].IsName() || r.Toks[r.I-2].Is(")")) && !r.isFunction():
		return no(t.Text+" of a table", "use a subquery")
	case (t.Is("except") || t.Is("exclude")) && next.Is("(") && after.IsName() && !after.Is("select") && !after.Is("with") && r.behind("*"):
		return no("* EXCEPT", "name the columns")
	}
	return nil
}

// behind says whether the word in front of the current one is w.
func (r *rewriter) behind(w string) bool { return r.I > 1 && r.Toks[r.I-2].Is(w) }

// afterClause says whether the word in front can end a table or a condition.
func (r *rewriter) afterClause() bool {
	if r.I < 2 {
		return false
	}
	t := r.Toks[r.I-2]
	return t.IsName() && !t.Is("select") && !t.Is("by") && !t.Is("where") && !t.Is("and") && !t.Is("or") || t.Is(")") || t.Kind == lex.Number || t.Kind == lex.String
}

// isFunction tells sample(x) behind an operator or SELECT from a clause of a table.
func (r *rewriter) isFunction() bool { return !r.afterClause() }
