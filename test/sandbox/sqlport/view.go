package sqlport

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// viewStatement reads up to the word VIEW of CREATE [OR REPLACE] VIEW, ALTER VIEW and
// DROP VIEW, and puts the cursor back when it is another statement.
func viewStatement(c *lex.Cursor) (verb string, replace, ok bool) {
	at := c.I
	verb = strings.ToLower(c.Next().Text)
	replace = verb == "create" && c.Try("or", "replace")
	if c.Try("view") {
		return verb, replace, true
	}
	c.I = at
	return verb, replace, false
}

// defineView runs such a statement.
func (ss *session) defineView(ctx context.Context, stmt lex.Statement, c *lex.Cursor, verb string, replace bool, w *wire.Result) error {
	if verb == "drop" {
		return ss.dropView(c, w)
	}
	ifNot := verb == "create" && c.Try("if", "not", "exists")
	db, name, err := c.Table()
	if err != nil {
		return err
	}
	if verb == "alter" && (c.Peek().Is("rename") || c.Peek().Is("set")) {
		return ss.alterView(c, db.Text, name, w)
	}
	v := store.View{Name: name.Text, Security: "NONE"}
	if v.DB, err = ss.dbOr(db.Text); err != nil {
		return err
	}
	if c.Peek().Is("(") {
		if err := viewColumns(c, &v); err != nil {
			return err
		}
	}
	if c.Try("comment") {
		if v.Comment, err = c.Str(); err != nil {
			return err
		}
	}
	if ss.server.viewSecurity() && c.Try("security") {
		if v.Security, err = viewSecurity(c); err != nil {
			return err
		}
	}
	if err := c.Expect("as"); err != nil {
		return err
	}
	v.Query, v.Home = stmt.From(c.I), ss.db()
	q, err := ss.planText(ctx, v.Query)
	if err != nil {
		return err
	}
	schema := q.node.Schema()
	if v.Columns == nil {
		for _, col := range schema {
			v.Columns, v.Comments = append(v.Columns, col.Name), append(v.Comments, "")
		}
	}
	if len(v.Columns) != len(schema) {
		return lex.At(name, "Column count %d of the view doesn't match %d of its query", len(v.Columns), len(schema))
	}
	for i := range schema {
		typ, nullable := resultColumn(q.node, i)
		v.Types, v.Nullable = append(v.Types, typ), append(v.Nullable, nullable)
	}
	seen := map[string]bool{}
	for _, n := range v.Columns {
		if folded := strings.ToLower(n); seen[folded] {
			return wire.Errorf(1060, "42S21", "Duplicate column name '%s'", n)
		} else {
			seen[folded] = true
		}
	}
	if verb == "alter" {
		old, err := ss.viewNamed(v.DB, v.Name)
		if err != nil {
			return err
		}
		v.Comment = old.Comment
	}
	err = ss.server.st.CreateView(v, replace || verb == "alter")
	if ifNot {
		err = unless[*store.TableExists](err)
	}
	if err != nil {
		return err
	}
	return w.OK(0, 0, "")
}

// viewNamed finds a view for a statement that takes nothing else.
func (ss *session) viewNamed(db, name string) (store.View, error) {
	v, ok := ss.server.st.FindView(db, name)
	if ok {
		return v, nil
	}
	if _, err := ss.server.st.Table(db, name); err != nil {
		return v, err
	}
	return v, wrongObject(db, name, "VIEW")
}

func viewSecurity(c *lex.Cursor) (string, error) {
	t := c.Next()
	if !t.Is("none") && !t.Is("invoker") {
		return "", lex.Unexpected(t, "NONE", "INVOKER")
	}
	return strings.ToUpper(t.Text), nil
}

// alterView runs ALTER VIEW v RENAME to and ALTER VIEW v SET SECURITY kind.
func (ss *session) alterView(c *lex.Cursor, db string, name lex.Token, w *wire.Result) error {
	in, err := ss.dbOr(db)
	if err != nil {
		return err
	}
	v, err := ss.viewNamed(in, name.Text)
	if err != nil {
		return err
	}
	// 3.3 by the nearest statement: the manual has it since SECURITY came.
	if !ss.server.viewSecurity() {
		return lex.Unexpected(c.Peek(), "(", "AS")
	}
	if c.Try("set") {
		if err := c.Expect("security"); err != nil {
			return err
		}
		if v.Security, err = viewSecurity(c); err != nil {
			return err
		}
		if err := c.End(); err != nil {
			return err
		}
		return done(c, w, ss.server.st.CreateView(v, true))
	}
	c.Next()
	to, err := c.Name()
	if err != nil {
		return err
	}
	if err := c.End(); err != nil {
		return err
	}
	if to.Text == v.Name {
		return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Same table name %s.", to.Text)
	}
	err = ss.server.st.RenameView(in, v.Name, to.Text)
	var taken *store.TableExists
	if errors.As(err, &taken) {
		return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Table name[%s] is already used.", to.Text)
	}
	return done(c, w, err)
}

func viewColumns(c *lex.Cursor, v *store.View) error {
	c.Next()
	for {
		n, err := c.Name()
		if err != nil {
			return err
		}
		comment := ""
		if c.Try("comment") {
			if comment, err = c.Str(); err != nil {
				return err
			}
		}
		v.Columns, v.Comments = append(v.Columns, n.Text), append(v.Comments, comment)
		if c.Try(")") {
			return nil
		}
		if !c.Try(",") {
			return lex.Unexpected(c.Peek(), ")", ",")
		}
	}
}

func (ss *session) dropView(c *lex.Cursor, w *wire.Result) error {
	ifExists := c.Try("if", "exists")
	db, name, err := c.Table()
	if err != nil {
		return err
	}
	if err := c.End(); err != nil {
		return err
	}
	in, err := ss.dbOr(db.Text)
	if err != nil {
		return err
	}
	if _, err = ss.viewNamed(in, name.Text); err == nil {
		err = ss.server.st.DropView(in, name.Text)
	}
	if ifExists {
		err = unless[*store.UnknownTable](err)
	}
	if err != nil {
		return err
	}
	return w.OK(0, 0, "")
}

var _ sql.ViewDatabase = (*database)(nil)

// GetViewDefinition implements sql.ViewDatabase. The engine reads the query of a view
// anew for every reference, in the database of the view.
func (d *database) GetViewDefinition(ctx *sql.Context, name string) (sql.ViewDefinition, bool, error) {
	v, ok := d.st.FindView(d.name, name)
	ss := sessionOf(ctx)
	if !ok || ss == nil {
		return sql.ViewDefinition{}, false, nil
	}
	list, err := lex.Split(v.Query)
	if err != nil {
		return sql.ViewDefinition{}, false, err
	}
	text, _, err := ss.rewrite(list[0])
	if err != nil {
		return sql.ViewDefinition{}, false, err
	}
	if v.Home != "" {
		d.home = v.Home
	}
	if ss.db() == "" { // which the engine does not expect of a view; see nowhere
		ss.base.SetCurrentDatabase(nowhere)
	}
	query := "SELECT * FROM (" + text.sql + ") AS " + wire.QuoteName(viewMark(v)) + " (" + names(v.Columns) + ")"
	create := "CREATE VIEW " + wire.QuoteName(d.name) + "." + wire.QuoteName(name) + " (" + names(v.Columns) + ") AS " + query
	return sql.ViewDefinition{Name: name, TextDefinition: query, CreateViewStatement: create}, true, nil
}

// viewMark names the query of a view inside of it, for mayReadAll to find. No client
// can write such a name. The engine folds the case of names, so it is in hexadecimal.
func viewMark(v store.View) string {
	return viewPrefix + hex.EncodeToString([]byte(strings.Join([]string{v.DB, v.Name, v.Security}, "\x01")))
}

const viewPrefix = "\x01view\x01"

// mayReadAll asks for SELECT on the tables and views that a query names. covered says
// that it is the query of a view the session may read: its tables need no privilege
// of their own, unless the view leaves them to who asks (SECURITY INVOKER).
func (ss *session) mayReadAll(n sql.Node, covered bool) error {
	switch n := n.(type) {
	case *plan.SubqueryAlias:
		mark, ok := strings.CutPrefix(n.Name(), viewPrefix)
		if !ok {
			break
		}
		text, err := hex.DecodeString(mark)
		of := strings.Split(string(text), "\x01")
		if err != nil || len(of) != 3 {
			return errors.New("the query of a view has a damaged name")
		}
		if !covered {
			if err := ss.may(store.SelectPriv, onView(of[0], of[1])); err != nil {
				return err
			}
		}
		covered = covered || of[2] != "INVOKER"
	case *plan.ResolvedTable:
		if covered {
			return nil
		}
		switch t := sql.GetUnderlyingTable(n.Table).(type) {
		case *table:
			return ss.mayRead(t.t.DB(), t.t.Name())
		case *virtualTable:
			if t.db == sysDB || t.db == statisticsDB {
				return ss.mayRead(t.db, t.name)
			}
		}
		return nil
	}
	var err error
	if x, ok := n.(sql.Expressioner); ok {
		for _, e := range x.Expressions() {
			sql.Inspect(e, func(e sql.Expression) bool {
				if sub, ok := e.(*plan.Subquery); ok && err == nil {
					err = ss.mayReadAll(sub.Query, covered)
				}
				return err == nil
			})
		}
	}
	for _, child := range n.Children() {
		if err == nil {
			err = ss.mayReadAll(child, covered)
		}
	}
	return err
}

// AllViews implements sql.ViewDatabase.
func (d *database) AllViews(ctx *sql.Context) ([]sql.ViewDefinition, error) {
	var list []sql.ViewDefinition
	for _, v := range d.st.Views(d.name) {
		def, ok, err := d.GetViewDefinition(ctx, v.Name)
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, def)
		}
	}
	return list, nil
}

// CreateView implements sql.ViewDatabase. The engine never gets the statement.
func (d *database) CreateView(*sql.Context, string, string, string) error { return errEngineDefines }

// DropView implements sql.ViewDatabase. The engine never gets the statement.
func (d *database) DropView(*sql.Context, string) error { return errEngineDefines }

var errEngineDefines = wire.Errorf(1105, "HY000", "the query engine does not define views")
