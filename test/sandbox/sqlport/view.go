package sqlport

import (
	"context"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

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
	if c.Try("security") {
		t := c.Next()
		if v.Security = strings.ToUpper(t.Text); v.Security != "NONE" && v.Security != "INVOKER" {
			return lex.Unexpected(t, "NONE", "INVOKER")
		}
	}
	if err := c.Expect("as"); err != nil {
		return err
	}
	v.Query = stmt.From(c.I)
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
	seen := map[string]bool{}
	for _, n := range v.Columns {
		if folded := strings.ToLower(n); seen[folded] {
			return wire.Errorf(1060, "42S21", "Duplicate column name '%s'", n)
		} else {
			seen[folded] = true
		}
	}
	if verb == "alter" {
		if _, ok := ss.server.st.FindView(v.DB, v.Name); !ok {
			return &store.UnknownTable{Database: v.DB, Table: v.Name}
		}
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
	err = ss.server.st.DropView(in, name.Text)
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
	if err := ss.may(store.SelectPriv, store.Object{Kind: store.OnView, DB: d.name, Name: name}); err != nil {
		return sql.ViewDefinition{}, false, err
	}
	list, err := lex.Split(v.Query)
	if err != nil {
		return sql.ViewDefinition{}, false, err
	}
	text, _, err := ss.rewrite(list[0])
	if err != nil {
		return sql.ViewDefinition{}, false, err
	}
	create := "CREATE VIEW " + wire.QuoteName(name) + " (" + names(v.Columns) + ")"
	return sql.ViewDefinition{Name: name, TextDefinition: text.sql, CreateViewStatement: create + " AS " + text.sql}, true, nil
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
