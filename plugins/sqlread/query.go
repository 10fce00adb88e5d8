package sqlread

import (
	"fmt"
	"strings"
)

// hintText is what stands behind SELECT: the hint of the job, and the timeout unless the job sets it itself.
func (s *settings) hintText() string {
	if !s.dialect.Hints {
		return ""
	}
	hint, timeout := s.hint, fmt.Sprintf("query_timeout = %d", int64(s.query.Seconds()))
	lower := strings.ToLower(hint)
	switch at := strings.Index(lower, "set_var("); {
	case strings.Contains(lower, "query_timeout"):
	case at >= 0:
		at += len("set_var(")
		hint = hint[:at] + timeout + ", " + hint[at:]
	default:
		hint = strings.TrimSpace("SET_VAR(" + timeout + ") " + hint)
	}
	return "/*+ " + hint + " */ "
}

// and joins the condition of the job with another one. The line ends before the parenthesis closes, since a condition may
// end with a comment.
func (s *settings) and(condition string) string {
	switch {
	case s.where == "":
		return condition
	case condition == "":
		return "(" + s.where + "\n)"
	}
	return "(" + s.where + "\n) AND (" + condition + ")"
}

// selectFrom is the statement that reads a part of a table; from is the table, perhaps with its tablets.
func (s *settings) selectFrom(outs []output, from, condition string) string {
	var b strings.Builder
	b.WriteString("SELECT " + s.hintText())
	for i, o := range outs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(o.sql)
		if o.column == "" { // it may end with a comment
			b.WriteByte('\n')
		}
	}
	b.WriteString(" FROM " + from)
	if where := s.and(condition); where != "" {
		b.WriteString(" WHERE " + where)
	}
	return b.String()
}

// nothing is a condition that no row meets.
const nothing = "1 = 0"

// probeQuery gives the columns of a query and none of its rows.
func probeQuery(query string) string {
	return "SELECT * FROM (" + query + "\n) gx_query WHERE " + nothing
}
