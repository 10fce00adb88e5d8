package sqlport

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/google/uuid"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// finding is the query that finds the rows a DELETE or an UPDATE is about.
type finding struct {
	table *store.Table
	// text is the query. It gives the key columns, and behind them the values of the
	// columns an UPDATE sets.
	text      string
	positions []int // of those columns in the table
	// where is the condition of a DELETE on a table without a primary key, from the
	// table it is about.
	from, where string
	at          lex.Token // where the condition starts
}

// withClause finds the verb behind the WITH in front of an UPDATE or a DELETE, and
// returns the text of the clause. It is empty, with i 0, for other statements. Releases
// before 3.0 have no such statements.
func (ss *session) withClause(stmt lex.Statement) (with string, i int) {
	if !stmt.Toks[0].Is("with") || !ss.server.atLeast(3, 0) {
		return "", 0
	}
	depth := 0
	for i, t := range stmt.Toks {
		switch {
		case t.Is("("), t.Is("["):
			depth++
		case t.Is(")"), t.Is("]"):
			depth--
		case depth == 0 && t.Is("select"):
			return "", 0
		case depth == 0 && stmt.Toks[i-min(i, 1)].Is(")") && (t.Is("update") || t.Is("delete")):
			return stmt.Between(0, i) + " ", i
		}
	}
	return "", 0
}

// findDeleted reads DELETE FROM t [USING relations] WHERE condition. On a Primary Key
// table the condition may be anything a query may ask, and the rows found go by key. On
// the other models the condition compares columns with literals (see plainCondition);
// for Aggregate and Unique it may name key columns only. The cursor is at DELETE.
func (ss *session) findDeleted(stmt lex.Statement, c *lex.Cursor, with string) (f finding, err error) {
	c.Next()
	if err := c.Expect("from"); err != nil {
		return f, err
	}
	tableAt := c.I
	db, name, err := c.Table()
	if err != nil {
		return f, err
	}
	if f.table, err = ss.table(db.Text, name.Text); err != nil {
		return f, err
	}
	named := stmt.Between(tableAt, c.I)
	only, err := partitionClause(c) // the query that finds the rows reads it
	if err != nil {
		return f, err
	}
	s := f.table.Schema()
	primary := s.Model == store.Primary
	switch {
	case primary && only.partitions != nil:
		return f, lex.At(name, "Delete for primary key table do not support specifying partitions")
	case only.temporary:
		return f, lex.At(name, "Do not support deleting temp partitions")
	}
	f.from = stmt.Between(tableAt, c.I)
	if c.Peek().Is("using") && ss.server.atLeast(3, 0) {
		at := c.Next()
		if !primary {
			return f, lex.At(at, "Delete with USING is only supported for primary key tables")
		}
		from := c.I
		skipTo(c, "where")
		f.from += ", " + stmt.Between(from, c.I)
	} else if with != "" && !primary {
		return f, lex.At(name, "Delete with CTE is only supported for primary key tables")
	}
	if !c.Peek().Is("where") {
		if primary {
			return f, lex.At(name, "Delete must specify where clause to prevent full table delete")
		}
		return f, lex.At(name, "Where clause is not set")
	}
	f.at, f.where = c.Peek(), stmt.From(c.I)
	if primary {
		var keys []string
		for _, k := range s.Keys {
			f.positions = append(f.positions, s.Index(k))
			keys = append(keys, named+"."+wire.QuoteName(k))
		}
		f.text = with + "SELECT " + strings.Join(keys, ", ") + " FROM " + f.from + " " + f.where
	} else {
		f.text = "SELECT * FROM " + f.from + " " + f.where
	}
	return f, nil
}

// skipTo moves to a word outside of all parentheses, or to the end.
func skipTo(c *lex.Cursor, words ...string) {
	for depth := 0; c.Peek().Kind != lex.EOF; c.Next() {
		t := c.Peek()
		if depth == 0 && slices.ContainsFunc(words, t.Is) {
			return
		}
		if t.Is("(") || t.Is("[") {
			depth++
		} else if t.Is(")") || t.Is("]") {
			depth--
		}
	}
}

// delete runs DELETE; at is the place of the verb.
func (ss *session) delete(ctx context.Context, stmt lex.Statement, with string, at int, w *wire.Result) error {
	f, err := ss.findDeleted(stmt, &lex.Cursor{Toks: stmt.Toks, I: at}, with)
	if err != nil {
		return err
	}
	t, s := f.table, f.table.Schema()
	if s.Model == store.Primary {
		return ss.deleteByKey(ctx, f, w)
	}
	if err := ss.plainCondition(f.from, f.where, f.at); err != nil {
		return err
	}
	q, err := ss.planText(ctx, f.text)
	if err != nil {
		return err
	}
	if _, ok := q.node.(*plan.EmptyTable); ok { // the condition is never true
		return ss.deleteRows(t, func() error { return nil }, w)
	}
	sc := asScan(q.node)
	if sc == nil {
		return lex.At(f.at, "DELETE from a %s table takes a condition on its own columns, without subqueries", s.Model)
	}
	if s.Model != store.Duplicate {
		for _, i := range sc.filterColumns() {
			if !s.Columns[i].Key {
				return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Where clause only supports key columns of a %s table, column '%s' is not one.", s.Model, s.Columns[i].Name)
			}
		}
	}
	if ss.txn != nil {
		return errTxnModel
	}
	return ss.deleteRows(t, func() error {
		_, err := sc.delete(q.ctx, t)
		return err
	}, w)
}

// deleteRows runs a DELETE by condition as a transaction. The server keeps the
// condition as a version of its own and does not count the rows behind it.
func (ss *session) deleteRows(t *store.Table, remove func() error, w *wire.Result) error {
	gone := &transaction{label: "delete_" + uuid.NewString()}
	if err := ss.register(gone, t.DB(), t.Name()); err != nil {
		return err
	}
	_, err := ss.server.ledger.Commit(gone.txn)
	if err == nil {
		err = ss.server.ledger.Publish(gone.txn, remove)
	}
	if err != nil {
		return err
	}
	return w.OK(0, 0, txnMessage(gone.label, "VISIBLE", gone.txn.ID()))
}

// deleteByKey finds the keys first and then removes them in one commit. A row
// loaded between the two under a found key is removed as well.
func (ss *session) deleteByKey(ctx context.Context, f finding, w *wire.Result) error {
	t, positions := f.table, f.positions
	s := t.Schema()
	q, err := ss.planText(ctx, f.text)
	if err != nil {
		return err
	}
	// A delete row is judged by its key alone: the batch holds all columns and
	// leaves the others NULL.
	batch := t.NewBatchFor(s, nil)
	row := make([]any, s.Ordinary())
	enc := storers(q.node.Schema())
	err = ss.server.engine.each(q, func(found sql.Row) error {
		for i, v := range found {
			text, _, err := enc[i].text(q.ctx, v)
			if err != nil {
				return err
			}
			if row[positions[i]], err = convert(s.Columns[positions[i]], text, false); err != nil {
				return err
			}
		}
		return batch.Add(row, store.Delete)
	})
	if err != nil {
		return err
	}
	return ss.write(change{verb: "delete", table: t, batch: batch, rows: uint64(batch.Len())}, w)
}

// findUpdated reads UPDATE t SET c = expression, ... [FROM relations] WHERE condition. The
// cursor is at UPDATE.
func (ss *session) findUpdated(stmt lex.Statement, c *lex.Cursor, with string) (f finding, err error) {
	c.Next()
	tableAt := c.I
	db, name, err := c.Table()
	if err != nil {
		return f, err
	}
	if f.table, err = ss.table(db.Text, name.Text); err != nil {
		return f, err
	}
	s := f.table.Schema()
	if s.Model != store.Primary {
		return f, wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: table %s.%s is not primary key table and does not support update.", f.table.DB(), f.table.Name())
	}
	f.from = stmt.Between(tableAt, c.I)
	if err := c.Expect("set"); err != nil {
		return f, err
	}
	var exprs []string
	for _, k := range s.Keys {
		f.positions = append(f.positions, s.Index(k))
		exprs = append(exprs, f.from+"."+wire.QuoteName(k))
	}
	for {
		col, expr, err := assignment(c, stmt, s)
		if err != nil {
			return f, err
		}
		if slices.Contains(f.positions, col) {
			return f, lex.At(c.Peek(), "column '%s' is assigned twice", s.Columns[col].Name)
		}
		f.positions, exprs = append(f.positions, col), append(exprs, "("+expr+")")
		if !c.Try(",") {
			break
		}
	}
	for _, i := range s.AlsoRead(f.positions) { // generated columns are computed from whole rows
		f.positions, exprs = append(f.positions, i), append(exprs, f.from+"."+wire.QuoteName(s.Columns[i].Name))
	}
	if c.Peek().Is("from") && ss.server.atLeast(3, 0) {
		c.Next()
		from := c.I
		skipTo(c, "where")
		f.from += ", " + stmt.Between(from, c.I)
	}
	if c.Peek().Kind == lex.EOF {
		return f, lex.At(c.Peek(), "must specify where clause to prevent full table update")
	}
	if !c.Peek().Is("where") {
		return f, lex.Unexpected(c.Peek(), ",", "WHERE")
	}
	f.at = c.Peek()
	f.text = with + "SELECT " + strings.Join(exprs, ", ") + " FROM " + f.from + " " + stmt.From(c.I)
	return f, nil
}

// update runs UPDATE on a Primary Key table; at is the place of the verb. Only the
// columns it names change, also in a row that is loaded meanwhile. Of several rows that
// FROM finds for one row of the table any may win.
func (ss *session) update(ctx context.Context, stmt lex.Statement, with string, at int, w *wire.Result) error {
	f, err := ss.findUpdated(stmt, &lex.Cursor{Toks: stmt.Toks, I: at}, with)
	if err != nil {
		return err
	}
	t, s, positions := f.table, f.table.Schema(), f.positions
	q, err := ss.planText(ctx, f.text)
	if err != nil {
		return err
	}
	batch := t.NewBatchFor(s, positions)
	batch.SetPartialUpdate()
	row := make([]any, len(positions))
	enc := storers(q.node.Schema())
	n := 0
	err = ss.server.engine.each(q, func(found sql.Row) error {
		n++
		for i, v := range found {
			text, null, err := enc[i].text(q.ctx, v)
			if err != nil {
				return err
			}
			row[i] = nil
			if null {
				continue
			}
			if row[i], err = convert(s.Columns[positions[i]], text, enc[i].number); err != nil {
				return err
			}
		}
		return batch.Add(row, store.Upsert)
	})
	if err != nil {
		return err
	}
	return ss.write(change{verb: "update", table: t, batch: batch, rows: uint64(n)}, w)
}

// planText plans SQL that was put together from pieces of a statement.
func (ss *session) planText(ctx context.Context, text string) (*query, error) {
	list, err := lex.Split(text)
	if err != nil {
		return nil, err
	}
	if len(list) != 1 {
		return nil, fmt.Errorf("expected one statement, got %d", len(list))
	}
	query, _, err := ss.rewrite(list[0])
	if err != nil {
		return nil, err
	}
	return ss.server.engine.plan(ctx, ss, query)
}

// assignment reads column = expression.
func assignment(c *lex.Cursor, stmt lex.Statement, s store.Schema) (col int, expr string, err error) {
	_, name, err := c.Table()
	if err != nil {
		return 0, "", err
	}
	if col = s.Index(name.Text); col < 0 {
		return 0, "", lex.At(name, "table does not have column '%s'", name.Text)
	}
	if s.Columns[col].Key {
		return 0, "", lex.At(name, "primary key column cannot be updated: %s", name.Text)
	}
	if s.Columns[col].Generated != nil {
		return 0, "", lex.At(name, "generated column cannot be updated: %s", name.Text)
	}
	if err := c.Expect("="); err != nil {
		return 0, "", err
	}
	from := c.I
	skipTo(c, ",", "where", "from")
	if c.I == from {
		return 0, "", lex.Unexpected(c.Peek(), "an expression", "DEFAULT")
	}
	if c.I == from+1 && c.Toks[from].Is("default") {
		expr, err = defaultOf(s.Columns[col], c.Toks[from])
		return col, expr, err
	}
	return col, stmt.Between(from, c.I), nil
}

// defaultOf is the default of a column as an expression.
func defaultOf(c store.Column, at lex.Token) (string, error) {
	switch {
	case c.Default == nil && c.Nullable:
		return "NULL", nil
	case c.Default == nil:
		return "", lex.At(at, "Column has no default value, column=%s", c.Name)
	case *c.Default == "CURRENT_TIMESTAMP" && c.Type.Kind == store.DateTime:
		return "now()", nil
	}
	return literal(wire.Arg{Text: []byte(*c.Default)}), nil
}
