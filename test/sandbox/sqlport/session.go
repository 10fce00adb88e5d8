package sqlport

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/gx-etl/gx/test/sandbox/sqlport/builtin"
	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// session is the state of one connection, or of one script.
type session struct {
	server *Server
	conn   *wire.Conn // nil for a script
	base   *sql.BaseSession
	vars   *variables
	txn    *transaction // of BEGIN; nil outside
	// timeout belongs to the statement that runs.
	timeout timeout
	roles   []string     // active, see SET ROLE
	writes  store.Object // the table the running UPDATE or DELETE may read as well
}

func newSession(s *Server, c *wire.Conn) *session { return &session{server: s, conn: c} }

func (ss *session) user() string {
	if ss.conn == nil {
		return "root"
	}
	return ss.conn.User
}

func (ss *session) host() string {
	if ss.conn == nil {
		return "127.0.0.1"
	}
	if host, _, err := net.SplitHostPort(ss.conn.Remote); err == nil {
		return host
	}
	return ss.conn.Remote
}

// Reset implements wire.Session. The current database stays.
func (ss *session) Reset() {
	db := ""
	ss.abandon()
	if ss.base != nil {
		db = ss.base.GetCurrentDatabase()
	}
	var id uint32 = 1
	if ss.conn != nil {
		id = ss.conn.ID
	}
	ss.base = sql.NewBaseSessionWithClientServer("", sql.Client{User: ss.user(), Address: ss.host()}, id)
	ss.base.SetCurrentDatabase(db)
	ss.vars = ss.server.globals.clone()
	ss.ownDefaults()
	ss.roles = ss.server.st.Users().DefaultRoles(ss.user())
}

// Close implements wire.Session.
func (ss *session) Close() {
	ss.abandon()
	ss.server.forgetQueryID(ss)
	if ss.conn != nil {
		ss.server.guests.leave(ss.conn.ID)
	}
}

// env is what the functions of a query see of the session.
func (ss *session) env() *builtin.Env {
	zone, err := builtin.Zone(ss.vars.get("time_zone"))
	if err != nil {
		zone = time.UTC
	}
	return &builtin.Env{Zone: zone, Version: ss.server.opts.Version, MySQLVersion: mysqlVersion, User: "'" + ss.user() + "'@'%'"}
}

// dialect reads a rewritten query. GROUP_CONCAT put a blank behind the comma before 3.1.
func (ss *session) dialect(q rewritten) *dialect {
	d := &dialect{separator: ","}
	if !ss.server.release.AtLeast(3, 1) {
		d.separator = ", "
	}
	if len(q.titles) > 0 {
		d.titles = strings.NewReplacer(q.titles...)
	}
	return d
}

func (ss *session) db() string { return ss.base.GetCurrentDatabase() }

// Use implements wire.Session.
func (ss *session) Use(_ context.Context, db string) error {
	db = strings.TrimPrefix(db, "default_catalog.")
	if !ss.server.hasDatabase(db) {
		if !ss.server.atLeast(3, 3) {
			return wire.Errorf(oldUnknownDatabase, "42000", "Unknown database '%s'", db)
		}
		return wire.Errorf(unknownDatabase, "3F000", "Unknown database '%s'", db)
	}
	if !ss.seesDatabase(db) {
		return ss.denied("ANY", onDatabase(db))
	}
	ss.base.SetCurrentDatabase(db)
	if ss.conn != nil {
		ss.conn.SetDB(db)
	}
	return nil
}

// Query implements wire.Session.
func (ss *session) Query(ctx context.Context, text string, w *wire.Result) error {
	list, err := lex.Split(text)
	if err != nil {
		return sqlError(err)
	}
	if len(list) == 0 {
		return w.OK(0, 0, "")
	}
	if len(list) > 1 && ss.conn != nil && !ss.conn.MultiStatements() {
		return sqlError(lex.At(list[1].Toks[0], "several statements in one request need the client flag CLIENT_MULTI_STATEMENTS"))
	}
	for i, stmt := range list {
		w.More(i < len(list)-1)
		if err := ss.run(ctx, stmt, w); err != nil {
			return sqlError(ss.why(ctx, err))
		}
	}
	return nil
}

// errTimeout ends a statement that ran longer than query_timeout.
var errTimeout = errors.New("query timeout")

// why replaces an error by the reason the statement's context ended, if it did.
func (ss *session) why(ctx context.Context, err error) error {
	var we *wire.Error
	var noDB *store.UnknownDatabase
	if errors.As(err, &noDB) && !ss.server.atLeast(3, 3) {
		return wire.Errorf(oldUnknownDatabase, "42000", "Getting analyzing error. Detail message: %v.", noDB)
	}
	if errors.As(err, &we) && we.Code != 1064 && we.Code != 1105 {
		return err
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, wire.ErrKilled):
		return wire.Errorf(1317, "70100", "Query execution was interrupted: %v", wire.ErrKilled)
	case errors.Is(err, errTimeout):
		return ss.timeout.error()
	case cause != nil:
		return wire.Errorf(1053, "08S01", "Server shutdown in progress")
	}
	return err
}

// run executes one statement. Each answers with exactly one result.
func (ss *session) run(ctx context.Context, stmt lex.Statement, w *wire.Result) error {
	if done, err := ss.guard(stmt, w); done || err != nil {
		return err
	}
	defer func() { ss.writes = store.Object{} }()
	c := &lex.Cursor{Toks: stmt.Toks}
	for c.Peek().Kind == lex.Hint { // only in front of a statement: nothing to set
		c.Next()
	}
	first := c.Peek()
	verb := strings.ToLower(first.Text)
	if err := ss.inTransaction(verb); err != nil {
		return err
	}
	with, at := "", c.I
	if verb == "with" {
		if text, i := ss.withClause(stmt); i > 0 {
			with, at, verb = text, i, strings.ToLower(stmt.Toks[i].Text)
		}
	}
	switch verb {
	case "select", "with", "(":
		return ss.selectRows(ctx, stmt, w)
	case "insert":
		return ss.limited(ctx, func(ctx context.Context) error { return ss.insert(ctx, stmt, w) })
	case "delete":
		return ss.limited(ctx, func(ctx context.Context) error { return ss.delete(ctx, stmt, with, at, w) })
	case "update":
		return ss.limited(ctx, func(ctx context.Context) error { return ss.update(ctx, stmt, with, at, w) })
	case "create", "drop", "truncate", "alter", "cancel":
		if verb, replace, ok := viewStatement(c); ok {
			return ss.defineView(ctx, stmt, c, verb, replace, w)
		}
		if as := asSelect(stmt.Toks); as > 0 && verb == "create" {
			return ss.limited(ctx, func(ctx context.Context) error { return ss.createAs(ctx, stmt, as, w) })
		}
		return ss.define(stmt, w)
	case "use":
		return ss.use(ctx, c, w)
	case "set":
		return ss.set(ctx, stmt, w)
	case "show":
		return ss.show(ctx, stmt, w)
	case "desc", "describe", "explain":
		if explainable(c) {
			return ss.explain(ctx, stmt, c, w)
		}
		return ss.describe(ctx, c, w)
	case "kill":
		return ss.kill(c, w)
	case "commit", "rollback":
		return ss.endTransaction(c, w)
	case "begin", "start":
		return ss.begin(c, w)
	case "analyze":
		return ss.analyze(c, w)
	case "sync":
		c.Next()
		if err := c.End(); err != nil {
			return err
		}
		return w.OK(0, 0, "")
	}
	if err := absent(c); err != nil {
		return err
	}
	return lex.Unexpected(first, "SELECT", "WITH", "INSERT", "DELETE", "UPDATE", "CREATE", "DROP", "TRUNCATE", "ALTER", "USE", "SET", "SHOW", "DESC", "KILL")
}

func (ss *session) use(ctx context.Context, c *lex.Cursor, w *wire.Result) error {
	c.Next()
	name, err := c.Name()
	if err != nil {
		return err
	}
	if c.Try(".") {
		if name.Text != "default_catalog" {
			return lex.At(name, "Unknown catalog '%s'", name.Text)
		}
		if name, err = c.Name(); err != nil {
			return err
		}
	}
	if err := c.End(); err != nil {
		return err
	}
	if err := ss.Use(ctx, name.Text); err != nil {
		return err
	}
	return w.OK(0, 0, "")
}

// selectRows runs a SELECT: system variables here, everything else in the engine.
func (ss *session) selectRows(ctx context.Context, stmt lex.Statement, w *wire.Result) error {
	if list, ok := variableList(stmt.Toks); ok {
		return ss.selectVariables(list, w)
	}
	vars := ss.vars
	text, hints, err := ss.rewrite(stmt)
	if err != nil {
		return err
	}
	if len(hints) > 0 {
		vars = ss.vars.clone()
		for _, h := range hints {
			if err := vars.set(h.name.Text, h.value); err != nil {
				return err
			}
		}
	}
	ctx, done := ss.limit(ctx, vars, "query_timeout")
	defer done()
	q, err := ss.server.engine.plan(ctx, ss, text)
	if err != nil {
		return ss.timedOut(ctx, err)
	}
	return ss.timedOut(ctx, ss.server.engine.write(q, w))
}

// limit applies the timeout that a variable gives, and registers the statement
// under its custom_query_id if it has one. The time is the server's: when its clock
// jumps past the deadline, the statement ends as well.
func (ss *session) limit(ctx context.Context, vars *variables, variable string) (context.Context, func()) {
	ctx, stop := ss.server.deadlines.start(ctx, time.Duration(vars.number(variable))*time.Second)
	ss.timeout = timeout{variable, vars.get(variable)}
	id := vars.get("custom_query_id")
	if id != "" && ss.conn != nil {
		ss.server.rememberQueryID(id, ss)
	}
	return ctx, func() {
		stop()
		if id != "" {
			ss.server.forgetQueryID(ss)
		}
	}
}

// limited runs a statement that writes under its timeout.
func (ss *session) limited(ctx context.Context, run func(context.Context) error) error {
	ctx, done := ss.limit(ctx, ss.vars, ss.dmlTimeoutVariable())
	defer done()
	return ss.timedOut(ctx, run(ctx))
}

func (ss *session) timedOut(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		return errTimeout
	}
	return err
}
