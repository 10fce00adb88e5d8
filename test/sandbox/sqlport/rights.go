package sqlport

import (
	"context"
	"slices"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// sessionKey carries the session of a query in its context, for the catalog to ask
// what the session may read.
type sessionKey struct{}

func sessionOf(ctx context.Context) *session {
	ss, _ := ctx.Value(sessionKey{}).(*session)
	return ss
}

func onTable(db, name string) store.Object {
	return store.Object{Kind: store.OnTable, DB: db, Name: name}
}

func onDatabase(db string) store.Object { return store.Object{Kind: store.OnDatabase, DB: db} }

var (
	onSystem  = store.Object{Kind: store.OnSystem}
	onCatalog = store.Object{Kind: store.OnCatalog, Name: defaultCatalog}
)

const defaultCatalog = "default_catalog"

// can says whether the session has a privilege with its active roles. A script has all.
func (ss *session) can(p store.Privilege, o store.Object) bool {
	return ss == nil || ss.conn == nil || ss.server.st.Users().Can(ss.user(), ss.roles, p, o)
}

// may is can as an error in the server's words.
func (ss *session) may(p store.Privilege, o store.Object) error {
	if ss.can(p, o) {
		return nil
	}
	return ss.denied(string(p), o)
}

// mayAny asks for one of several privileges on the system.
func (ss *session) mayAny(list ...store.Privilege) error {
	var names []string
	for _, p := range list {
		if ss.can(p, onSystem) {
			return nil
		}
		names = append(names, string(p))
	}
	return ss.denied(strings.Join(names, " OR "), onSystem)
}

// denied is the refusal of a privilege. Releases before 3.0, which had another
// system of privileges, say less under another number.
func (ss *session) denied(p string, o store.Object) error {
	if !ss.server.atLeast(3, 0) {
		return wire.Errorf(1227, "42000", "Access denied; you need (at least one of) the %s privilege(s) for this operation", p)
	}
	object := ""
	switch {
	case o.Kind == store.OnDatabase:
		object = " " + o.DB
	case o.Name != "":
		object = " " + o.Name
	}
	granted, _, err := ss.server.st.Users().Granted(ss.user(), false)
	if err != nil { // the user was dropped meanwhile
		granted = nil
	}
	idle := slices.DeleteFunc(granted, func(r string) bool { return slices.Contains(ss.roles, r) })
	return wire.Errorf(5203, "42000", "Access denied; you need (at least one of) the %s privilege(s) on %s%s for this operation. "+
		"Please ask the admin to grant permission(s) or try activating existing roles using <set [default] role>. "+
		"Current role(s): %s. Inactivated role(s): %s.", p, o.Kind, object, rolesText(ss.roles), rolesText(idle))
}

func rolesText(roles []string) string {
	if len(roles) == 0 {
		return "NONE"
	}
	return "[" + strings.Join(roles, ", ") + "]"
}

// seesDatabase says whether a database is listed for the session.
func (ss *session) seesDatabase(db string) bool {
	return ss == nil || ss.conn == nil || isInfoSchema(db) || ss.server.st.Users().SeesDatabase(ss.user(), ss.roles, db)
}

// seesTable says whether a table is listed for the session.
func (ss *session) seesTable(db, name string) bool {
	return ss == nil || ss.conn == nil || isInfoSchema(db) || ss.server.st.Users().SeesTable(ss.user(), ss.roles, onTable(db, name))
}

// mayRead is asked for every table of a query.
func (ss *session) mayRead(db, name string) error {
	if ss.writes == onTable(db, name) {
		return nil
	}
	return ss.may(store.SelectPriv, onTable(db, name))
}

// guard refuses a statement the session lacks the privileges for, and runs the
// statements about accounts and settings. done says that the statement is answered.
func (ss *session) guard(stmt lex.Statement, w *wire.Result) (done bool, err error) {
	c := &lex.Cursor{Toks: stmt.Toks}
	for c.Peek().Kind == lex.Hint {
		c.Next()
	}
	if run := ss.accountStatement(c); run != nil {
		return true, run(c, w)
	}
	if _, i := ss.withClause(stmt); i > 0 {
		c.I = i
	}
	return false, ss.authorize(c)
}

// authorize checks the privileges that follow from the first words of a statement.
// What it cannot read, the statement itself complains about.
func (ss *session) authorize(c *lex.Cursor) error {
	switch {
	case c.Try("insert"):
		skip(c, "into", "overwrite", "table")
		return ss.onTarget(c, store.InsertPriv, false)
	case c.Try("delete", "from"):
		return ss.onTarget(c, store.DeletePriv, true)
	case c.Try("update"):
		return ss.onTarget(c, store.UpdatePriv, true)
	case c.Try("truncate"):
		skip(c, "table")
		return ss.onTarget(c, store.DeletePriv, false)
	case c.Try("alter", "table"), c.Try("cancel", "alter", "table", "column", "from"):
		return ss.onTarget(c, store.AlterPriv, false)
	case c.Peek().Is("create") && c.After(1).Is("index"), c.Peek().Is("drop") && c.After(1).Is("index"):
		for c.Peek().Kind != lex.EOF && !c.Try("on") {
			c.Next()
		}
		return ss.onTarget(c, store.AlterPriv, false)
	case c.Try("drop"):
		skip(c, "temporary", "force")
		switch {
		case c.Try("table"):
			skip(c, "if", "exists")
			return ss.onTarget(c, store.DropPriv, false)
		case c.Try("view"):
			skip(c, "if", "exists")
			return ss.onView(c, store.DropPriv)
		case c.Try("database"), c.Try("schema"):
			skip(c, "if", "exists")
			return ss.onNamedDatabase(c, store.DropPriv)
		}
	case c.Try("create"):
		skip(c, "or", "replace", "external", "temporary")
		switch {
		case c.Try("table"):
			skip(c, "if", "not", "exists")
			return ss.inDatabase(c, store.CreateTablePriv)
		case c.Try("view"):
			skip(c, "if", "not", "exists")
			return ss.inDatabase(c, store.CreateViewPriv)
		case c.Try("database"), c.Try("schema"):
			return ss.newDatabase(c)
		}
	case c.Try("alter", "view"):
		return ss.onView(c, store.AlterPriv)
	case c.Try("alter", "database"):
		return ss.onNamedDatabase(c, store.AlterPriv)
	case c.Try("set", "global"), c.Try("set", "@@", "global"):
		return ss.may(store.OperatePriv, onSystem)
	}
	return nil
}

func skip(c *lex.Cursor, words ...string) {
	for slices.ContainsFunc(words, func(w string) bool { return c.Try(w) }) {
	}
}

// target reads a table's name at the cursor. ok is false for one that does not
// exist: the statement then fails by itself.
func (ss *session) target(c *lex.Cursor) (o store.Object, ok bool) {
	for c.Peek().Kind == lex.Hint {
		c.Next()
	}
	db, name, err := c.Table()
	if err != nil {
		return o, false
	}
	if db.Text == "" {
		db.Text = ss.db()
	}
	return onTable(db.Text, name.Text), ss.server.st.HasDatabase(db.Text)
}

// onTarget checks a privilege on the table at the cursor. reads says that the
// privilege includes reading the table for the statement's own condition.
func (ss *session) onTarget(c *lex.Cursor, p store.Privilege, reads bool) error {
	o, ok := ss.target(c)
	if !ok {
		return nil
	}
	if _, err := ss.server.st.Table(o.DB, o.Name); err != nil {
		return nil
	}
	if reads {
		ss.writes = o
	}
	return ss.may(p, o)
}

func (ss *session) onView(c *lex.Cursor, p store.Privilege) error {
	o, ok := ss.target(c)
	if !ok {
		return nil
	}
	o.Kind = store.OnView
	if _, there := ss.server.st.FindView(o.DB, o.Name); !there {
		return nil
	}
	return ss.may(p, o)
}

func (ss *session) inDatabase(c *lex.Cursor, p store.Privilege) error {
	o, ok := ss.target(c)
	if !ok {
		return nil
	}
	return ss.may(p, onDatabase(o.DB))
}

func (ss *session) onNamedDatabase(c *lex.Cursor, p store.Privilege) error {
	_, db, err := c.Table()
	switch {
	case err != nil:
		return nil
	case isSystemDB(db.Text):
		return wire.Errorf(1044, "42000", "Access denied for user '%s' to database '%s'", ss.user(), db.Text)
	case !ss.server.st.HasDatabase(db.Text):
		return nil
	}
	return ss.may(p, onDatabase(db.Text))
}

func (ss *session) newDatabase(c *lex.Cursor) error {
	ifNot := c.Try("if", "not", "exists")
	_, db, err := c.Table()
	if err != nil {
		return nil
	}
	if isSystemDB(db.Text) && !ifNot {
		return &store.DatabaseExists{Database: db.Text}
	}
	return ss.may(store.CreateDatabasePriv, onCatalog)
}
