package sqlport

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// grant runs GRANT ... TO and REVOKE ... FROM, of privileges and of roles. toward is
// the word in front of the receiver.
func (ss *session) grant(c *lex.Cursor, w *wire.Result, toward string) error {
	if !ss.server.atLeast(3, 0) {
		return ss.grantOld(c, w, toward)
	}
	on := c.I
	for !c.Peek().Is("on") && !c.Peek().Is(toward) && c.Peek().Kind != lex.EOF {
		c.Next()
	}
	ofPrivileges := c.Peek().Is("on")
	c.I = on
	if !ofPrivileges {
		return ss.grantRoles(c, w, toward)
	}
	privileges, err := privilegeNames(c)
	if err != nil {
		return err
	}
	objects, err := ss.objects(c)
	if err != nil {
		return err
	}
	if err := c.Expect(toward); err != nil {
		return err
	}
	name, isRole, err := receiver(c)
	if err != nil {
		return err
	}
	passOn := c.Try("with", "grant", "option")
	if err := c.End(); err != nil {
		return err
	}
	users := ss.server.st.Users()
	for _, o := range objects {
		g, err := store.Grant{Object: o, Privileges: privileges, WithGrant: passOn}.Expand()
		if err != nil {
			return err
		}
		for _, p := range g.Privileges {
			if ss.conn != nil && !users.CanGrant(ss.user(), ss.roles, p, o) {
				return ss.denied(string(store.GrantPriv), onSystem)
			}
		}
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

func (ss *session) grantRoles(c *lex.Cursor, w *wire.Result, toward string) error {
	roles, err := roleNames(c)
	if err != nil {
		return err
	}
	if err := c.Expect(toward); err != nil {
		return err
	}
	name, isRole, err := receiver(c)
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
		err = users.GrantRoles(roles, name, isRole)
	} else {
		err = users.RevokeRoles(roles, name, isRole)
	}
	return done(c, w, err)
}

// receiver reads [USER] name or ROLE name.
func receiver(c *lex.Cursor) (name string, isRole bool, err error) {
	if c.Try("role") {
		roles, err := roleNames(c)
		if err == nil && len(roles) > 1 {
			err = lex.At(c.Peek(), "one role at a time can be granted to")
		}
		if err != nil {
			return "", true, err
		}
		return roles[0], true, nil
	}
	c.Try("user")
	name, err = userName(c)
	return name, false, err
}

// privilegeNames reads the list in front of ON. The words of a privilege stand
// apart, or joined by an underscore.
func privilegeNames(c *lex.Cursor) ([]store.Privilege, error) {
	var list []store.Privilege
	for {
		var words []string
		for t := c.Peek(); t.IsName() && !t.Is("on"); t = c.Peek() {
			words = append(words, strings.ToUpper(c.Next().Text))
		}
		if words == nil {
			return nil, lex.Unexpected(c.Peek(), "a privilege")
		}
		name := strings.Join(words, " ")
		if name == "ALL PRIVILEGES" {
			name = "ALL"
		}
		list = append(list, store.Privilege(strings.ReplaceAll(name, "_", " ")))
		if !c.Try(",") {
			break
		}
	}
	return list, c.Expect("on")
}

// objects reads what privileges are on: SYSTEM, CATALOG c, DATABASE d, ALL DATABASES,
// [TABLE] d.t, TABLE t IN DATABASE d, ALL TABLES IN ALL DATABASES, and d.* and *.*.
func (ss *session) objects(c *lex.Cursor) ([]store.Object, error) {
	if c.Try("system") {
		return []store.Object{onSystem}, nil
	}
	if c.Try("catalog") {
		name, err := c.Name()
		if err == nil && name.Text != defaultCatalog {
			err = lex.At(name, "Unknown catalog '%s'", name.Text)
		}
		return []store.Object{onCatalog}, err
	}
	if c.Try("all", "databases") {
		return []store.Object{onDatabase(store.All)}, nil
	}
	if c.Try("database") {
		names, err := databaseNames(c)
		var list []store.Object
		for _, n := range names {
			list = append(list, onDatabase(n))
		}
		return list, err
	}
	for _, k := range []struct {
		words []string
		kind  store.ObjectKind
	}{{[]string{"tables"}, store.OnTable}, {[]string{"views"}, store.OnView}, {[]string{"materialized", "views"}, store.OnMaterial}} {
		if c.Try(append([]string{"all"}, k.words...)...) {
			return ss.inDatabases(c, k.kind, []string{store.All})
		}
	}
	kind := store.OnTable
	switch {
	case c.Try("materialized", "view"):
		kind = store.OnMaterial
	case c.Try("view"):
		kind = store.OnView
	default:
		c.Try("table")
	}
	if t := c.Peek(); t.Is("user") || t.Is("function") || t.Is("resource") || t.Is("all") || t.Is("global") || t.Is("pipe") {
		return nil, lex.At(t, "privileges on %s are not supported by this stand-in", strings.ToUpper(t.Text))
	}
	var names []string
	var list []store.Object
	for {
		first, err := pattern(c)
		if err != nil {
			return nil, err
		}
		if !c.Try(".") {
			names = append(names, first)
		} else {
			name, err := pattern(c)
			if err != nil {
				return nil, err
			}
			list = append(list, store.Object{Kind: kind, DB: first, Name: name})
		}
		if !c.Try(",") {
			break
		}
	}
	if names == nil {
		return list, nil
	}
	more, err := ss.inDatabases(c, kind, names)
	return append(list, more...), err
}

// pattern reads a name or *.
func pattern(c *lex.Cursor) (string, error) {
	if c.Try("*") {
		return store.All, nil
	}
	t, err := c.Name()
	return t.Text, err
}

// inDatabases reads IN DATABASE d, IN ALL DATABASES, or takes the current database.
func (ss *session) inDatabases(c *lex.Cursor, kind store.ObjectKind, names []string) ([]store.Object, error) {
	var dbs []string
	switch {
	case c.Try("in", "all", "databases"):
		dbs = []string{store.All}
	case c.Try("in", "database"):
		var err error
		if dbs, err = databaseNames(c); err != nil {
			return nil, err
		}
	default:
		db, err := ss.dbOr("")
		if err != nil {
			return nil, err
		}
		dbs = []string{db}
	}
	var list []store.Object
	for _, db := range dbs {
		for _, n := range names {
			list = append(list, store.Object{Kind: kind, DB: db, Name: n})
		}
	}
	return list, nil
}

func databaseNames(c *lex.Cursor) ([]string, error) {
	var names []string
	for {
		t, err := c.Name()
		if err != nil {
			return nil, err
		}
		names = append(names, t.Text)
		if !c.Try(",") {
			return names, nil
		}
	}
}

// showGrants answers SHOW GRANTS [FOR user | FOR ROLE role].
func (ss *session) showGrants(c *lex.Cursor) (*answer, error) {
	name, isRole := ss.user(), false
	if c.Try("for") {
		var err error
		if name, isRole, err = receiver(c); err != nil {
			return nil, err
		}
	}
	if isRole && !slices.Contains(ss.roles, name) || !isRole && name != ss.user() {
		if err := ss.userAdmin(); err != nil {
			return nil, err
		}
	}
	roles, grants, err := ss.server.st.Users().Granted(name, isRole)
	if err != nil {
		return nil, err
	}
	a, who, to := fixed("UserIdentity Catalog Grants"), store.Identity(name), "USER "+store.Identity(name)
	if isRole {
		a.cols[0].name, who, to = "RoleName", name, "ROLE '"+name+"'"
	}
	if len(roles) > 0 {
		quoted := make([]string, len(roles))
		for i, r := range roles {
			quoted[i] = "'" + r + "'"
		}
		target := who
		if isRole {
			target = " ROLE " + name
		}
		a.add(who, nil, fmt.Sprintf("GRANT %s TO %s", strings.Join(quoted, ", "), target))
	}
	for _, g := range grants {
		words := make([]string, len(g.Privileges))
		for i, p := range g.Privileges {
			words[i] = string(p)
		}
		text := fmt.Sprintf("GRANT %s ON %s TO %s", strings.Join(words, ", "), g.Object, to)
		if g.WithGrant {
			text += " WITH GRANT OPTION"
		}
		var catalog any = "default"
		if g.Object.Kind == store.OnSystem {
			catalog = nil
		}
		a.add(who, catalog, text)
	}
	return a, nil
}

// showUsers answers SHOW USERS.
func (ss *session) showUsers() (*answer, error) {
	if err := ss.userAdmin(); err != nil {
		return nil, err
	}
	a := fixed("User")
	for _, name := range ss.server.st.Users().Names() {
		a.add(store.Identity(name))
	}
	return a, nil
}

// showRoles answers SHOW ROLES.
func (ss *session) showRoles() (*answer, error) {
	if err := ss.userAdmin(); err != nil {
		return nil, err
	}
	a := fixed("Name Builtin Comment")
	for _, name := range ss.server.st.Users().Roles() {
		a.add(name, fmt.Sprint(store.IsBuiltinRole(name)), roleComments[name])
	}
	return a, nil
}

var roleComments = map[string]string{
	store.RoleRoot:    "built-in root role which has all privileges on all objects",
	store.RoleDB:      "built-in database administration role",
	store.RoleCluster: "built-in cluster administration role",
	store.RoleUser:    "built-in user administration role",
	store.RolePublic:  "built-in public role which is owned by any user",
}
