package sqlport

import (
	"errors"
	"slices"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// accountStatement finds what runs a statement about users, roles, privileges,
// settings or locks, and moves the cursor behind the words that told. It returns nil for
// other statements.
func (ss *session) accountStatement(c *lex.Cursor) func(*lex.Cursor, *wire.Result) error {
	switch {
	case c.Try("create", "user"):
		return ss.createUser
	case c.Try("alter", "user"):
		return ss.alterUser
	case c.Try("drop", "user"):
		return ss.dropUser
	case c.Try("create", "role"):
		return ss.createRole
	case c.Try("drop", "role"):
		return ss.dropRole
	case c.Try("grant"):
		return func(c *lex.Cursor, w *wire.Result) error { return ss.grant(c, w, "to") }
	case c.Try("revoke"):
		return func(c *lex.Cursor, w *wire.Result) error { return ss.grant(c, w, "from") }
	case c.Try("set", "property"):
		return ss.setProperty
	case c.Try("alter", "database"):
		return ss.alterDatabase
	case c.Try("set", "password"):
		return ss.setPassword
	case ss.server.atLeast(3, 0) && c.Try("set", "default", "role"):
		return ss.setDefaultRole
	case ss.server.atLeast(3, 0) && c.Try("set", "role"):
		return ss.setRole
	case c.Try("admin"):
		return ss.admin
	case c.Try("update", infoSchema, ".", "be_configs"), strings.EqualFold(ss.db(), infoSchema) && c.Try("update", "be_configs"):
		return ss.setBackendConfig
	case c.Try("lock", "tables"), c.Try("unlock", "tables"):
		return ss.lockTables
	}
	return nil
}

// lockTables runs LOCK TABLES and UNLOCK TABLES, which the server takes from MySQL
// clients such as mysqldump and which lock nothing.
func (ss *session) lockTables(c *lex.Cursor, w *wire.Result) error {
	for c.Peek().Kind != lex.EOF {
		c.Next()
	}
	return w.OK(0, 0, "")
}

// done ends a statement that gives nothing but success.
func done(c *lex.Cursor, w *wire.Result, err error) error {
	if err != nil {
		return err
	}
	if err := c.End(); err != nil {
		return err
	}
	return w.OK(0, 0, "")
}

// userName reads 'name'@'host', with or without quotes or host.
func userName(c *lex.Cursor) (string, error) {
	t := c.Peek()
	if t.Kind != lex.String && !t.IsName() || t.Text == "" {
		return "", lex.Unexpected(t, "a user name")
	}
	c.Next()
	if !c.Try("@") {
		return t.Text, nil
	}
	host := c.Next()
	if host.Text != "%" {
		return "", lex.At(host, "accounts bound to a host are not supported by this stand-in, use '%s'@'%%'", t.Text)
	}
	return t.Text, nil
}

func (ss *session) userAdmin() error { return ss.may(store.GrantPriv, onSystem) }

// password reads IDENTIFIED BY 'text', IDENTIFIED BY PASSWORD 'hash', or IDENTIFIED
// WITH mysql_native_password [BY 'text' | AS 'hash'], or nothing.
func password(c *lex.Cursor) (text string, err error) {
	if !c.Try("identified") {
		return "", nil
	}
	if c.Try("with") {
		plugin := c.Next()
		if !strings.EqualFold(plugin.Text, "mysql_native_password") {
			return "", lex.At(plugin, "authentication plugin %s is not supported by this stand-in, use mysql_native_password", plugin.Text)
		}
		if c.Try("as") {
			return passwordHash(c)
		}
		if !c.Peek().Is("by") {
			return "", nil
		}
	}
	if err := c.Expect("by"); err != nil {
		return "", err
	}
	if c.Try("password") {
		return passwordHash(c)
	}
	return c.Str()
}

// passwordHash reads what PASSWORD() makes of a password.
func passwordHash(c *lex.Cursor) (string, error) {
	text, err := c.Str()
	if err == nil && text != "" && !store.IsPasswordHash(text) {
		err = wire.Errorf(5201, "HY000", "Password hash should be a 41-digit hexadecimal number")
	}
	return text, err
}

func (ss *session) createUser(c *lex.Cursor, w *wire.Result) error {
	ifNot := c.Try("if", "not", "exists")
	user, err := userName(c)
	if err != nil {
		return err
	}
	text, err := password(c)
	if err != nil {
		return err
	}
	var roles []string
	if c.Try("default", "role") {
		if roles, err = roleNames(c); err != nil {
			return err
		}
	}
	var own map[string]string
	if ss.server.atLeast(3, 3) && c.Try("properties") {
		if own, err = ss.userProperties(c); err != nil {
			return err
		}
	}
	if err := errors.Join(c.End(), ss.userAdmin()); err != nil {
		return err
	}
	if err = ss.server.st.Users().Create(user, text, roles...); err == nil && own != nil {
		err = ss.server.st.Users().SetProperties(user, own)
	}
	if ifNot {
		err = unless[*store.UserExists](err)
	}
	return done(c, w, err)
}

func (ss *session) alterUser(c *lex.Cursor, w *wire.Result) error {
	ifExists := c.Try("if", "exists")
	user, err := userName(c)
	if err != nil {
		return err
	}
	if user != ss.user() {
		if err := ss.userAdmin(); err != nil {
			return err
		}
	}
	users := ss.server.st.Users()
	switch {
	case c.Peek().Is("identified"):
		var text string
		if text, err = password(c); err != nil {
			return err
		}
		err = errors.Join(c.End(), users.SetPassword(user, text))
	case ss.server.atLeast(3, 0) && c.Try("default", "role"):
		err = ss.chooseDefaults(c, user)
	case ss.server.atLeast(3, 3) && c.Try("set", "properties"):
		var own map[string]string
		if own, err = ss.userProperties(c); err == nil {
			err = errors.Join(c.End(), ss.userAdmin())
		}
		if err == nil {
			err = users.SetProperties(user, own)
		}
	default:
		err = lex.Unexpected(c.Peek(), "IDENTIFIED", "DEFAULT ROLE", "SET PROPERTIES")
	}
	if ifExists {
		err = unless[*store.UnknownUser](err)
	}
	return done(c, w, err)
}

func (ss *session) dropUser(c *lex.Cursor, w *wire.Result) error {
	ifExists := c.Try("if", "exists")
	user, err := userName(c)
	if err != nil {
		return err
	}
	if err := errors.Join(c.End(), ss.userAdmin()); err != nil {
		return err
	}
	// Dropping a user that does not exist is no error.
	if err = ss.server.st.Users().Drop(user); ifExists || ss.server.atLeast(3, 0) {
		err = unless[*store.UnknownUser](err)
	}
	return done(c, w, err)
}

func (ss *session) setPassword(c *lex.Cursor, w *wire.Result) error {
	user := ss.user()
	if c.Try("for") {
		var err error
		if user, err = userName(c); err != nil {
			return err
		}
	}
	if err := c.Expect("="); err != nil {
		return err
	}
	var text string
	var err error
	if c.Peek().Kind == lex.String {
		text, err = passwordHash(c)
	} else if err = c.Expect("password", "("); err == nil {
		if text, err = c.Str(); err == nil {
			err = c.Expect(")")
		}
	}
	if err != nil {
		return err
	}
	if user != ss.user() {
		if err := ss.userAdmin(); err != nil {
			return err
		}
	}
	if err := c.End(); err != nil {
		return err
	}
	return done(c, w, ss.server.st.Users().SetPassword(user, text))
}

func (ss *session) createRole(c *lex.Cursor, w *wire.Result) error {
	ifNot := c.Try("if", "not", "exists")
	roles, err := roleNames(c)
	if err != nil {
		return err
	}
	if c.Try("comment") {
		if _, err := c.Str(); err != nil {
			return err
		}
	}
	if err := errors.Join(c.End(), ss.userAdmin()); err != nil {
		return err
	}
	for _, r := range roles {
		if err = ss.server.st.Users().CreateRole(r); ifNot {
			err = unless[*store.RoleExists](err)
		}
		if err != nil {
			return err
		}
	}
	return done(c, w, nil)
}

func (ss *session) dropRole(c *lex.Cursor, w *wire.Result) error {
	ifExists := c.Try("if", "exists")
	roles, err := roleNames(c)
	if err != nil {
		return err
	}
	if err := errors.Join(c.End(), ss.userAdmin()); err != nil {
		return err
	}
	for _, r := range roles {
		if err = ss.server.st.Users().DropRole(r); ifExists {
			err = unless[*store.UnknownRole](err)
		}
		if err != nil {
			return err
		}
	}
	return done(c, w, nil)
}

func roleNames(c *lex.Cursor) ([]string, error) {
	var roles []string
	for {
		t := c.Peek()
		if t.Kind != lex.String && !t.IsName() || t.Text == "" {
			return nil, lex.Unexpected(t, "a role name")
		}
		c.Next()
		roles = append(roles, t.Text)
		if !c.Try(",") {
			return roles, nil
		}
	}
}

// setRole runs SET ROLE: it chooses the roles that are active in this session.
func (ss *session) setRole(c *lex.Cursor, w *wire.Result) error {
	users := ss.server.st.Users()
	granted, _, err := users.Granted(ss.user(), false)
	if err != nil {
		return err
	}
	var roles []string
	switch {
	case c.Try("all"):
		roles = granted
		if c.Try("except") {
			without, err := roleNames(c)
			if err != nil {
				return err
			}
			roles = slices.DeleteFunc(roles, func(r string) bool { return slices.Contains(without, r) })
		}
	case c.Try("default"):
		roles = users.DefaultRoles(ss.user())
	case c.Try("none"):
	default:
		if roles, err = roleNames(c); err != nil {
			return err
		}
		for _, r := range roles {
			if !slices.Contains(granted, r) {
				return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Role %s is not granted to %s.", r, store.Identity(ss.user()))
			}
		}
	}
	if err := c.End(); err != nil {
		return err
	}
	ss.roles = roles
	return w.OK(0, 0, "")
}

func (ss *session) setDefaultRole(c *lex.Cursor, w *wire.Result) error {
	from := c.I
	for !c.Peek().Is("to") && c.Peek().Kind != lex.EOF {
		c.Next()
	}
	if err := c.Expect("to"); err != nil {
		return err
	}
	user, err := userName(c)
	if err != nil {
		return err
	}
	if err := c.End(); err != nil {
		return err
	}
	if user != ss.user() {
		if err := ss.userAdmin(); err != nil {
			return err
		}
	}
	end := *c
	c.I = from
	if err := ss.chooseDefaults(c, user); err != nil {
		return err
	}
	return done(&end, w, nil)
}

// chooseDefaults reads NONE, ALL or a list of roles.
func (ss *session) chooseDefaults(c *lex.Cursor, user string) error {
	users := ss.server.st.Users()
	granted, _, err := users.Granted(user, false)
	if err != nil {
		return err
	}
	switch {
	case c.Try("none"):
		granted = nil
	case c.Try("all"):
	default:
		if granted, err = roleNames(c); err != nil {
			return err
		}
	}
	return users.SetDefaultRoles(user, granted)
}
