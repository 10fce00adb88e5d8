package sqlport

import (
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

func onView(db, name string) store.Object {
	return store.Object{Kind: store.OnView, DB: db, Name: name}
}

// seesView says whether a view is listed for the session.
func (ss *session) seesView(db, name string) bool {
	return ss == nil || ss.conn == nil || ss.server.st.Users().SeesTable(ss.user(), ss.roles, onView(db, name))
}

// viewsFor walks over the views a session sees by database and name.
func (s *Server) viewsFor(ss *session) func(func(store.View) bool) {
	return func(yield func(store.View) bool) {
		for _, db := range s.st.Databases() {
			for _, v := range s.st.Views(db) {
				if ss.seesView(db, v.Name) && !yield(v) {
					return
				}
			}
		}
	}
}

// showCreateView answers SHOW CREATE VIEW, and SHOW CREATE TABLE of a view. The query
// stands there as the client wrote it; servers before 3.5 (by the nearest statement,
// their manuals show it) write their own form of it.
func (s *Server) showCreateView(v store.View) *answer {
	cols := make([]string, len(v.Columns))
	for i, name := range v.Columns {
		cols[i] = wire.QuoteName(name)
		if i < len(v.Comments) && v.Comments[i] != "" {
			cols[i] += " COMMENT " + doubleQuoted(v.Comments[i])
		}
	}
	text := "CREATE VIEW " + wire.QuoteName(v.Name) + " (" + strings.Join(cols, ", ") + ")"
	if v.Comment != "" {
		text += "\nCOMMENT " + doubleQuoted(v.Comment)
	}
	if s.viewSecurity() {
		text += " SECURITY " + v.Security
	}
	return fixed("View Create_View").named("character_set_client", "collation_connection").
		add(v.Name, text+" AS "+v.Query+";", "utf8", collation)
}

// viewSecurity says whether views have a SECURITY clause: the change that brought it
// dates from the months of 3.3.
func (s *Server) viewSecurity() bool { return s.atLeast(3, 3) }

func doubleQuoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// named appends columns whose names keep their underscores.
func (a *answer) named(names ...string) *answer {
	for _, n := range names {
		a.cols = append(a.cols, virtualColumn{name: n})
	}
	return a
}

// showCreate answers SHOW CREATE TABLE, and SHOW CREATE VIEW with onlyView.
func (ss *session) showCreate(c *lex.Cursor, onlyView bool) (*answer, error) {
	db, name, err := c.Table()
	if err != nil {
		return nil, err
	}
	d, err := ss.find(db.Text, name.Text)
	switch {
	case err != nil:
		return nil, err
	case d.view != nil:
		return ss.server.showCreateView(*d.view), nil
	case onlyView:
		in, err := ss.dbOr(db.Text)
		if err != nil {
			return nil, err
		}
		return nil, wrongObject(in, name.Text, "VIEW")
	}
	return ss.showCreateTable(d)
}

// wrongObject refuses a statement about a table or a view given the other one.
func wrongObject(db, name, kind string) error {
	return wire.Errorf(1347, "HY000", "'%s.%s' is not %s", db, name, kind)
}

func viewRow(v store.View) []any {
	return []any{"def", v.DB, v.Name, v.Query, "NONE", "NO", "", "", "utf8", collation}
}
