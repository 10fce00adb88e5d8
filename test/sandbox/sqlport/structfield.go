package sqlport

import (
	"slices"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// tablesOf lists the names that columns of a FROM clause can be qualified with.
func tablesOf(from sqlparser.TableExprs) (names []string) {
	for _, t := range from {
		switch t := t.(type) {
		case *sqlparser.AliasedTableExpr:
			if !t.As.IsEmpty() {
				names = append(names, t.As.String())
			} else if name, ok := t.Expr.(sqlparser.TableName); ok {
				names = append(names, name.Name.String())
			}
		case *sqlparser.JoinTableExpr:
			names = append(names, tablesOf(sqlparser.TableExprs{t.LeftExpr, t.RightExpr})...)
		case *sqlparser.ParenTableExpr:
			names = append(names, tablesOf(t.Exprs)...)
		}
	}
	return names
}

// field reads a.b, where no table is called a, as field b of the struct a; the parts
// in front of the last may be a table, a column and a field of that column.
func (d *dialect) field(c *sqlparser.ColName) sqlparser.Expr {
	if len(d.scopes) == 0 || c.Qualifier.Name.IsEmpty() {
		return nil
	}
	known := func(name string) bool {
		return slices.ContainsFunc(d.scopes, func(s []string) bool {
			return slices.ContainsFunc(s, func(t string) bool { return strings.EqualFold(t, name) })
		})
	}
	column := func(table, name string) sqlparser.Expr {
		return &sqlparser.ColName{Name: sqlparser.NewColIdent(name), Qualifier: sqlparser.TableName{Name: sqlparser.NewTableIdent(table)}}
	}
	first, second := c.Qualifier.DbQualifier.String(), c.Qualifier.Name.String()
	last := textValue(c.Name.String())
	switch {
	case known(second):
		return nil
	case first == "":
		return call(fieldWord, column("", second), last)
	case known(first):
		return call(fieldWord, column(first, second), last)
	}
	return call(fieldWord, call(fieldWord, column("", first), textValue(second)), last)
}
