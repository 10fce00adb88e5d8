package sqlport

import (
	"context"
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/gx-etl/gx/test/sandbox/sqlport/builtin"
	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
)

// asSelect finds the AS of CREATE TABLE t .. AS SELECT, outside of all parentheses.
func asSelect(toks []lex.Token) int {
	depth := 0
	for i, t := range toks {
		switch {
		case t.Is("("), t.Is("["):
			depth++
		case t.Is(")"), t.Is("]"):
			depth--
		case depth == 0 && t.Is("as") && i > 2:
			if n := toks[i+1]; n.Is("select") || n.Is("with") || n.Is("(") {
				return i
			}
		}
	}
	return -1
}

// createAs runs CREATE TABLE [IF NOT EXISTS] t [(names)] clauses AS SELECT: the
// statement is turned into a CREATE TABLE with the columns of the query, and an
// INSERT. When the rows do not go in, the table goes as well.
func (ss *session) createAs(ctx context.Context, stmt lex.Statement, as int, w *wire.Result) error {
	c := &lex.Cursor{Toks: stmt.Toks}
	c.Next()
	if err := c.Expect("table"); err != nil {
		return err
	}
	ifNot := c.Try("if", "not", "exists")
	db, name, err := c.Table()
	if err != nil {
		return err
	}
	head := stmt.Between(0, c.I)
	var given []lex.Token
	if c.Peek().Is("(") {
		if given, err = c.Names(); err != nil {
			return err
		}
	}
	clauses := stmt.Between(c.I, as)
	properties := as // where they start
	distributed := false
	for i := c.I; i < as; i++ {
		distributed = distributed || stmt.Toks[i].Is("distributed")
		if stmt.Toks[i].Is("properties") && stmt.Toks[i].Kind == lex.Word {
			properties = i
		}
	}
	if ifNot {
		in, err := ss.dbOr(db.Text)
		if err != nil {
			return err
		}
		if _, err := ss.server.st.Table(in, name.Text); err == nil {
			return w.OK(0, 0, "")
		}
	}
	query := stmt.From(as + 1)
	q, err := ss.planText(ctx, query)
	if err != nil {
		return err
	}
	schema := q.node.Schema()
	if given != nil && len(given) != len(schema) {
		return lex.At(name, "Number of select item is not equal to number of column given, %d and %d", len(schema), len(given))
	}
	var cols []string
	first := ""
	for i, col := range schema {
		n := col.Name
		if given != nil {
			n = given[i].Text
		}
		if i == 0 {
			first = wire.QuoteName(n)
		}
		cols = append(cols, wire.QuoteName(n)+" "+columnType(col.Type))
	}
	// Only in this statement do servers before 3.1 choose the distribution.
	if !distributed && !ss.server.atLeast(3, 1) {
		clauses = stmt.Between(c.I, properties) + " DISTRIBUTED BY HASH(" + first + ") " + stmt.Between(properties, as)
	}
	if err := ss.runText(ctx, head+" ("+strings.Join(cols, ", ")+") "+clauses, wire.Discard()); err != nil {
		return err
	}
	target := wire.QuoteName(name.Text)
	if db.Text != "" {
		target = wire.QuoteName(db.Text) + "." + target
	}
	if err := ss.runText(ctx, "INSERT INTO "+target+" "+query, w); err != nil {
		if dropped := ss.runText(ctx, "DROP TABLE "+target, wire.Discard()); dropped != nil {
			return fmt.Errorf("%w; the empty table stays: %v", err, dropped)
		}
		return err
	}
	return nil
}

// runText runs a statement that was put together here.
func (ss *session) runText(ctx context.Context, text string, w *wire.Result) error {
	list, err := lex.Split(text)
	if err != nil {
		return err
	}
	return ss.run(ctx, list[0], w)
}

// columnType is the type that a column made from a query has. Text gets the longest
// one, for the query does not say how long it becomes.
func columnType(t sql.Type) string {
	if of, ok := builtin.StoreType(t); ok {
		return of.String()
	}
	return "varchar(1048576)"
}
