package sqlport

import (
	"slices"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// Before 3.0 privileges had other names and were on d.t, d.* or *.*, whatever that is.
// They are kept as those of 3.0 that allow the same.

// oldPrivileges are the names of 2.5 with what they allow on tables and on databases.
var oldPrivileges = map[string]struct{ onTable, onDatabase []store.Privilege }{
	"SELECT_PRIV": {onTable: []store.Privilege{store.SelectPriv}},
	"LOAD_PRIV":   {onTable: []store.Privilege{store.InsertPriv, store.UpdatePriv, store.DeletePriv}},
	"ALTER_PRIV":  {onTable: []store.Privilege{store.AlterPriv}, onDatabase: []store.Privilege{store.AlterPriv}},
	"CREATE_PRIV": {onDatabase: []store.Privilege{store.CreateTablePriv, store.CreateViewPriv}},
	"DROP_PRIV":   {onTable: []store.Privilege{store.DropPriv}, onDatabase: []store.Privilege{store.DropPriv}},
}

// grantOld runs GRANT and REVOKE of releases before 3.0.
func (ss *session) grantOld(c *lex.Cursor, w *wire.Result, toward string) error {
	start := c.I
	for !c.Peek().Is("on") && !c.Peek().Is(toward) && c.Peek().Kind != lex.EOF {
		c.Next()
	}
	ofPrivileges := c.Peek().Is("on")
	c.I = start
	if !ofPrivileges {
		return ss.grantRoleOld(c, w, toward)
	}
	privileges, err := oldNames(c)
	if err != nil {
		return err
	}
	if t := c.Peek(); t.Is("resource") || privileges[0] == "IMPERSONATE" {
		return lex.At(t, "privileges on resources and users are not supported by this stand-in")
	}
	db, table, err := ss.oldPattern(c)
	if err != nil {
		return err
	}
	grants, err := oldGrants(privileges, db, table)
	if err != nil {
		return err
	}
	if err := c.Expect(toward); err != nil {
		return err
	}
	isRole := c.Try("role")
	name, err := oldReceiver(c, isRole)
	if err != nil {
		return err
	}
	if err := c.End(); err != nil {
		return err
	}
	if err := ss.userAdmin(); err != nil {
		return err
	}
	users := ss.server.st.Users()
	for _, g := range grants {
		if toward == "to" {
			err = users.Grant(g, name, isRole)
		} else {
			err = users.Revoke(g, name, isRole)
		}
		if err != nil {
			return err
		}
	}
	return w.OK(0, 0, "")
}

func oldReceiver(c *lex.Cursor, isRole bool) (string, error) {
	if !isRole {
		return userName(c)
	}
	roles, err := roleNames(c)
	if err == nil && len(roles) > 1 {
		err = lex.At(c.Peek(), "one role at a time can be granted to")
	}
	if err != nil {
		return "", err
	}
	return roles[0], nil
}

func oldNames(c *lex.Cursor) ([]string, error) {
	var list []string
	for {
		t := c.Next()
		name := strings.ToUpper(t.Text)
		_, known := oldPrivileges[name]
		if !known && !slices.Contains([]string{"ALL", "ADMIN_PRIV", "GRANT_PRIV", "NODE_PRIV", "IMPERSONATE"}, name) {
			if t.Kind != lex.Word {
				return nil, lex.Unexpected(t, "a privilege")
			}
			return nil, wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Unknown privilege type: %s.", t.Text)
		}
		list = append(list, name)
		c.Try("privileges")
		if !c.Try(",") {
			return list, c.Expect("on")
		}
	}
}

// oldPattern reads d.t, d.*, *.*, or t in the current database.
func (ss *session) oldPattern(c *lex.Cursor) (db, table string, err error) {
	if db, err = pattern(c); err != nil {
		return "", "", err
	}
	if c.Try(".") {
		table, err = pattern(c)
		if err == nil && db == store.All && table != store.All {
			err = lex.At(c.Peek(), "Do not support specifying table name without database name")
		}
		return db, table, err
	}
	if db == store.All {
		return db, store.All, nil
	}
	table = db
	db, err = ss.dbOr("")
	return db, table, err
}

// oldGrants turns privileges on a pattern into grants of 3.0.
func oldGrants(privileges []string, db, table string) (list []store.Grant, err error) {
	onSystemOnly := func(name string, p store.Privilege) error {
		if db != store.All || table != store.All {
			return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: %s can only be granted on *.*.", name)
		}
		list = append(list, store.Grant{Object: onSystem, Privileges: []store.Privilege{p}})
		return nil
	}
	on := func(o store.Object, privileges []store.Privilege) {
		if privileges != nil {
			list = append(list, store.Grant{Object: o, Privileges: privileges})
		}
	}
	add := func(name string) {
		p := oldPrivileges[name]
		on(onTable(db, table), p.onTable)
		var ofView []store.Privilege
		for _, v := range p.onTable {
			if v == store.SelectPriv || v == store.AlterPriv || v == store.DropPriv {
				ofView = append(ofView, v)
			}
		}
		on(onView(db, table), ofView)
		if table == store.All {
			on(onDatabase(db), p.onDatabase)
		}
		if db == store.All && name == "CREATE_PRIV" {
			on(onCatalog, []store.Privilege{store.CreateDatabasePriv})
		}
	}
	for _, name := range privileges {
		switch name {
		case "NODE_PRIV":
			err = onSystemOnly(name, store.NodePriv)
		case "GRANT_PRIV":
			err = onSystemOnly(name, store.GrantPriv)
		case "ADMIN_PRIV":
			for _, p := range []store.Privilege{store.GrantPriv, store.OperatePriv} {
				if err == nil {
					err = onSystemOnly(name, p)
				}
			}
			fallthrough
		case "ALL":
			for of := range oldPrivileges {
				add(of)
			}
		default:
			add(name)
		}
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// grantRoleOld runs GRANT 'role' TO user. Roles were always active then.
func (ss *session) grantRoleOld(c *lex.Cursor, w *wire.Result, toward string) error {
	roles, err := roleNames(c)
	if err != nil {
		return err
	}
	if err := c.Expect(toward); err != nil {
		return err
	}
	user, err := userName(c)
	if err != nil {
		return err
	}
	if err := c.End(); err != nil {
		return err
	}
	if err := ss.userAdmin(); err != nil {
		return err
	}
	users := ss.server.st.Users()
	if toward == "to" {
		err = users.GrantRoles(roles, user, false)
	} else {
		err = users.RevokeRoles(roles, user, false)
	}
	if err != nil {
		return err
	}
	granted, _, err := users.Granted(user, false)
	if err != nil {
		return err
	}
	return done(c, w, users.SetDefaultRoles(user, granted))
}
