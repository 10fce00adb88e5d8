package sqlport

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// alterDatabase runs ALTER DATABASE d SET DATA QUOTA n and SET REPLICA QUOTA n.
func (ss *session) alterDatabase(c *lex.Cursor, w *wire.Result) error {
	at := *c
	name, err := c.Name()
	if err != nil {
		return err
	}
	if err := ss.onNamedDatabase(&at, store.AlterPriv); err != nil {
		return err
	}
	if t := c.Peek(); t.Is("rename") {
		return lex.At(t, "ALTER DATABASE ... RENAME is not supported by this stand-in; create the database under its new name")
	}
	if err := c.Expect("set"); err != nil {
		return err
	}
	q := ss.server.st.Quota(name.Text)
	switch {
	case c.Try("data", "quota"):
		q.Data, err = dataVolume(c)
	case c.Try("replica", "quota"):
		t := c.Next()
		if q.Replicas, err = strconv.ParseInt(t.Text, 10, 64); err != nil || q.Replicas <= 0 {
			err = wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Invalid replica quota: %s.", t.Text)
		}
	default:
		return lex.Unexpected(c.Peek(), "DATA", "REPLICA")
	}
	if err != nil {
		return err
	}
	if err := c.End(); err != nil {
		return err
	}
	return done(c, w, ss.server.st.SetQuota(name.Text, q))
}

var volumes = map[string]int64{"": 1, "B": 1, "K": 1 << 10, "KB": 1 << 10, "M": 1 << 20, "MB": 1 << 20, "G": 1 << 30, "GB": 1 << 30,
	"T": 1 << 40, "TB": 1 << 40, "P": 1 << 50, "PB": 1 << 50}

// dataVolume reads a size: a number with a unit, apart or not, maybe quoted.
func dataVolume(c *lex.Cursor) (int64, error) {
	text := ""
	for c.Peek().Kind != lex.EOF {
		text += c.Next().Text
	}
	digits := strings.TrimRight(text, "BKMGTPbkmgtp")
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	unit, known := volumes[strings.ToUpper(strings.TrimSpace(text[len(digits):]))]
	switch {
	case err != nil, !known:
		return 0, wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: invalid data volumn expression: %s.", text)
	case n <= 0 || n*unit/unit != n:
		return 0, wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Data volumn must larger than 0.")
	}
	return n * unit, nil
}

// defaultConnections is the limit of a user without one of its own; mostConnections is
// qe_max_connection, which older servers have at 1024.
const (
	defaultConnections = "1024"
	mostConnections    = 4096
)

// setProperty runs SET PROPERTY [FOR user] 'name' = 'value', ...
func (ss *session) setProperty(c *lex.Cursor, w *wire.Result) error {
	user := ss.user()
	if c.Try("for") {
		var err error
		if user, err = userName(c); err != nil {
			return err
		}
	}
	own := map[string]string{}
	for {
		if err := ss.userProperty(c, own); err != nil {
			return err
		}
		if !c.Try(",") {
			break
		}
	}
	if err := c.End(); err != nil {
		return err
	}
	if err := ss.userAdmin(); err != nil {
		return err
	}
	return done(c, w, ss.server.st.Users().SetProperties(user, own))
}

// userProperties reads ("name" = "value", ...).
func (ss *session) userProperties(c *lex.Cursor) (map[string]string, error) {
	if err := c.Expect("("); err != nil {
		return nil, err
	}
	own := map[string]string{}
	for {
		if err := ss.userProperty(c, own); err != nil {
			return nil, err
		}
		if c.Try(")") {
			return own, nil
		}
		if !c.Try(",") {
			return nil, lex.Unexpected(c.Peek(), ")", ",")
		}
	}
}

// userProperty reads 'name' = 'value' and checks them.
func (ss *session) userProperty(c *lex.Cursor, own map[string]string) error {
	name, err := c.Str()
	if err != nil {
		return err
	}
	if err := c.Expect("="); err != nil {
		return err
	}
	value, err := c.Str()
	if err != nil {
		return err
	}
	bad := func(format string, args ...any) error {
		return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: "+format+".", args...)
	}
	variable, ofSession := strings.CutPrefix(strings.ToLower(name), "session.")
	switch {
	case strings.EqualFold(name, store.MaxConnections):
		n, err := strconv.ParseInt(value, 10, 64)
		switch {
		case err != nil:
			return bad("max_user_connections is not a number")
		case n <= 0 || n > 10000:
			return bad("max_user_connections is not valid, the value must be between 1 and 10000")
		case n > mostConnections:
			return bad("max_user_connections is not valid, the value must be less than qe_max_connection(%d)", mostConnections)
		}
		own[store.MaxConnections] = value
	case ofSession && ss.server.release.AtLeastPatch(3, 3, 3):
		if err := newVariables().set(variable, lex.Token{Kind: lex.String, Text: value}); err != nil && value != "" {
			return err
		}
		own["session."+variable] = value
	default:
		return bad("Unknown user property(%s)", name)
	}
	return nil
}

// ownDefaults gives the session the variables its user has as properties.
func (ss *session) ownDefaults() {
	for name, value := range ss.server.st.Users().Properties(ss.user()) {
		if variable, ok := strings.CutPrefix(name, "session."); ok {
			_ = ss.vars.set(variable, lex.Token{Kind: lex.String, Text: value}) // was checked when it was given
		}
	}
}

// guests counts the connections of every user.
type guests struct {
	mu    sync.Mutex // guards users
	users map[uint32]string
}

// enter lets a connection in unless its user has limit others.
func (g *guests) enter(id uint32, user string, limit int) (own, all int, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.users == nil {
		g.users = map[uint32]string{}
	}
	for _, u := range g.users {
		if u == user {
			own++
		}
	}
	if own >= limit {
		return own, len(g.users), false
	}
	g.users[id] = user
	return own, len(g.users), true
}

func (g *guests) leave(id uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.users, id)
}

// admit is the hook that wire calls when a client has proven who it is. Whoever is let
// in gets a session, and leaves when that closes.
func (s *Server) admit(ctx context.Context, who wire.Info) error {
	if hook := s.opts.Hooks.Login; hook != nil {
		if err := hook(ctx, who); err != nil {
			return err
		}
	}
	limit, err := strconv.Atoi(s.st.Users().Properties(who.User)[store.MaxConnections])
	if err != nil {
		limit, _ = strconv.Atoi(defaultConnections)
	}
	own, all, ok := s.guests.enter(who.ID, who.User, limit)
	if ok {
		return nil
	}
	// 3.3 by the nearest statement: the sources of that line say which limit it was.
	text := "Reach limit of connections"
	if s.atLeast(3, 3) {
		text = fmt.Sprintf("Reach user-level(qualifiedUser: %s, currUserIdentity: %s) connection limit, currentUserMaxConn=%d, connectionMap.size=%d, "+
			"connByUser.totConn=%d, user.currConn=%d", who.User, store.Identity(who.User), limit, all, all, own)
	}
	return wire.Errorf(1064, "HY000", "%s", text)
}
