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

// delete runs DELETE FROM t WHERE condition. On a Primary Key table the condition
// may be anything a query may ask, and the rows found go by key. On the other
// models the condition compares columns with literals (see plainCondition); for
// Aggregate and Unique it may name key columns only.
func (ss *session) delete(ctx context.Context, stmt lex.Statement, w *wire.Result) error {
	c := &lex.Cursor{Toks: stmt.Toks}
	c.Next()
	if err := c.Expect("from"); err != nil {
		return err
	}
	tableAt := c.I
	db, name, err := c.Table()
	if err != nil {
		return err
	}
	t, err := ss.table(db.Text, name.Text)
	if err != nil {
		return err
	}
	only, err := partitionClause(c) // the query that finds the rows reads it
	if err != nil {
		return err
	}
	primary := t.Schema().Model == store.Primary
	switch {
	case primary && only.partitions != nil:
		return lex.At(name, "Delete for primary key table do not support specifying partitions")
	case only.temporary:
		return lex.At(name, "Do not support deleting temp partitions")
	}
	from := stmt.Between(tableAt, c.I)
	if !c.Peek().Is("where") {
		if primary {
			return lex.At(name, "Delete must specify where clause to prevent full table delete")
		}
		return lex.At(name, "Where clause is not set")
	}
	at, cond := c.Peek(), stmt.From(c.I)
	s := t.Schema()
	if s.Model == store.Primary {
		return ss.deleteByKey(ctx, t, from, cond, w)
	}
	if err := ss.plainCondition(from, cond, at); err != nil {
		return err
	}
	q, err := ss.planText(ctx, "SELECT * FROM "+from+" "+cond)
	if err != nil {
		return err
	}
	if _, ok := q.node.(*plan.EmptyTable); ok { // the condition is never true
		return ss.deleteRows(t, func() error { return nil }, w)
	}
	sc := asScan(q.node)
	if sc == nil {
		return lex.At(at, "DELETE from a %s table takes a condition on its own columns, without subqueries", s.Model)
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
func (ss *session) deleteByKey(ctx context.Context, t *store.Table, from, cond string, w *wire.Result) error {
	s := t.Schema()
	q, err := ss.planText(ctx, "SELECT "+names(s.Keys)+" FROM "+from+" "+cond)
	if err != nil {
		return err
	}
	positions := make([]int, len(s.Keys))
	for i, k := range s.Keys {
		positions[i] = s.Index(k)
	}
	// A delete row is judged by its key alone: the batch holds all columns and
	// leaves the others NULL.
	batch := t.NewBatchFor(s, nil)
	row := make([]any, len(s.Columns))
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

// update runs UPDATE t SET c = expression, ... WHERE condition on a Primary Key
// table. Only the columns it names change, also in a row that is loaded meanwhile.
func (ss *session) update(ctx context.Context, stmt lex.Statement, w *wire.Result) error {
	c := &lex.Cursor{Toks: stmt.Toks}
	c.Next()
	tableAt := c.I
	db, name, err := c.Table()
	if err != nil {
		return err
	}
	t, err := ss.table(db.Text, name.Text)
	if err != nil {
		return err
	}
	s := t.Schema()
	if s.Model != store.Primary {
		return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: table %s.%s is not primary key table and does not support update.", t.DB(), t.Name())
	}
	from := stmt.Between(tableAt, c.I)
	if err := c.Expect("set"); err != nil {
		return err
	}
	var positions []int
	var exprs []string
	for _, k := range s.Keys {
		positions = append(positions, s.Index(k))
		exprs = append(exprs, wire.QuoteName(k))
	}
	for {
		col, expr, err := assignment(c, stmt, s)
		if err != nil {
			return err
		}
		if slices.Contains(positions, col) {
			return lex.At(c.Peek(), "column '%s' is assigned twice", s.Columns[col].Name)
		}
		positions, exprs = append(positions, col), append(exprs, "("+expr+")")
		if !c.Try(",") {
			break
		}
	}
	if !c.Peek().Is("where") {
		return lex.At(c.Peek(), "must specify where clause to prevent full table update")
	}
	q, err := ss.planText(ctx, "SELECT "+strings.Join(exprs, ", ")+" FROM "+from+" "+stmt.From(c.I))
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
	if err := c.Expect("="); err != nil {
		return 0, "", err
	}
	from := c.I
	for depth := 0; c.Peek().Kind != lex.EOF; c.Next() {
		t := c.Peek()
		if depth == 0 && (t.Is(",") || t.Is("where") || t.Is("from")) {
			break
		}
		if t.Is("(") {
			depth++
		} else if t.Is(")") {
			depth--
		}
	}
	if c.Peek().Is("from") {
		return 0, "", lex.At(c.Peek(), "UPDATE ... FROM is not supported by this stand-in; use a subquery in the assignment")
	}
	if c.I == from {
		return 0, "", lex.Unexpected(c.Peek(), "an expression", "DEFAULT")
	}
	if c.I == from+1 && c.Toks[from].Is("default") {
		return 0, "", lex.At(c.Toks[from], "DEFAULT is not supported in UPDATE by this stand-in")
	}
	return col, stmt.Between(from, c.I), nil
}
