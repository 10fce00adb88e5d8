// Package sqlport is the MySQL port of the StarRocks stand-in: what a frontend
// answers on its query port, over the tables of a store.
//
// Three parts share the work. Package wire speaks the protocol. Package ddl reads
// StarRocks data definition. Queries run on go-mysql-server, over a table type
// that reads store snapshots in place; statements of administration (SHOW, SET,
// KILL) and writes are read by this package itself.
package sqlport

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox/clock"
	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/release"
	"github.com/gx-etl/gx/test/sandbox/sqlport/builtin"
	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// mysqlVersion is what version() and the greeting say, on every StarRocks of
// the last years.
const mysqlVersion = "8.0.33"

// Node is a frontend or backend as SHOW FRONTENDS and SHOW BACKENDS list it.
type Node struct {
	Host      string
	HTTPPort  int
	QueryPort int  // frontends; 0 means the port of this server
	Leader    bool // frontends
	Down      bool // shown with Alive = false
}

// Options configure a Server. Callbacks may be nil, and may be called from
// several connections at once.
type Options struct {
	// Version is the StarRocks release to play, "3.3" or "3.3.2" (see package
	// release); the newest one without.
	Version string
	// Ledger keeps the labels and transactions of INSERT, UPDATE and DELETE. Loads
	// that share it share the labels. Without one the server has its own.
	Ledger *ledger.Ledger
	// Clock tells the time; without one it is the machine's.
	Clock *clock.Clock
	// Frontends, Backends and ComputeNodes list the nodes of the cluster.
	Frontends, Backends, ComputeNodes func() []Node
	// Hooks make the port misbehave.
	Hooks wire.Hooks
	// Loads lists the transactions of the HTTP side and of INSERT, in any order.
	Loads func() []LoadRow
	// Configs and BackendConfigs return the settings of frontends and backends
	// that steer something, by name, and SetConfig changes one of either. Its
	// error says what is wrong with the value. Without SetConfig none can be
	// changed.
	Configs, BackendConfigs func() map[string]string
	SetConfig               func(name, value string) error
}

// Server is the MySQL port over one store.
type Server struct {
	st      *store.Store
	opts    Options
	engine  *engine
	wire    *wire.Server
	globals *variables
	started time.Time
	ids     queryIDs
	ledger  *ledger.Ledger
	// ownsLedger says that Close ends it.
	ownsLedger bool

	guests    guests
	deadlines *deadlines
	release   release.Release
	system    map[string]*virtualDB
}

// New makes a server that is not listening yet. The error is a Version that
// cannot be read.
func New(st *store.Store, o Options) (*Server, error) {
	played := release.Newest()
	if o.Version != "" {
		var err error
		if played, err = release.Parse(o.Version); err != nil {
			return nil, err
		}
	}
	o.Version = played.String()
	if o.Clock == nil {
		o.Clock = &clock.Clock{}
	}
	s := &Server{st: st, opts: o, release: played, globals: newVariables(), started: o.Clock.Now()}
	s.deadlines = newDeadlines(o.Clock)
	if s.ledger = o.Ledger; s.ledger == nil {
		s.ledger = ledger.New(o.Clock, ledger.Defaults())
		s.ownsLedger = true
	}
	s.ledger.SetQuota(st.CheckQuota)
	s.engine = newEngine(s)
	st.SetCompiler(s.compile)
	s.wire = wire.NewServer(s, mysqlVersion)
	s.wire.Hooks = o.Hooks
	s.wire.Hooks.Login = s.admit
	return s, nil
}

// Listen opens addr (host:port, port 0 for any) and starts to accept clients.
func (s *Server) Listen(addr string) error { return s.wire.Listen(addr) }

// Addr returns the listening address, or nothing before Listen.
func (s *Server) Addr() string { return s.wire.Addr() }

// Close ends all connections and returns when they are gone.
func (s *Server) Close() error {
	err := s.wire.Close()
	if s.ownsLedger {
		s.ledger.Stop()
	}
	return err
}

// Ledger returns where the server keeps its transactions.
func (s *Server) Ledger() *ledger.Ledger { return s.ledger }

// Password implements wire.Handler.
func (s *Server) Password(user string) (string, bool) { return s.st.Users().Password(user) }

// Open implements wire.Handler.
func (s *Server) Open(c *wire.Conn) wire.Session {
	ss := newSession(s, c)
	ss.Reset()
	return ss
}

// Exec runs the statements of a script against a store, without a socket, as
// user root. Results of queries are thrown away. The error names the line of the
// statement that failed; the ones before it have taken effect.
func Exec(ctx context.Context, st *store.Store, script string) error {
	s, err := New(st, Options{})
	if err != nil {
		return err
	}
	defer s.ledger.Stop()
	list, err := lex.Split(script)
	if err != nil {
		return err
	}
	ss := newSession(s, nil)
	ss.Reset()
	for _, stmt := range list {
		if err := ss.run(ctx, stmt, wire.Discard()); err != nil {
			return fmt.Errorf("statement at line %d: %w", stmt.Toks[0].Line, sqlError(err))
		}
	}
	return nil
}

// unknownDatabase is the number of that error; releases before 3.3 (by the nearest
// statement, 3.5 has it) use MySQL's, see session.why.
const unknownDatabase, oldUnknownDatabase = 5501, 1049

// sqlError turns any error of this package into the one a client sees.
func sqlError(err error) *wire.Error {
	var (
		we      *wire.Error
		syntax  *lex.Error
		window  *builtin.WindowError
		unknown *store.UnknownTable
		noDB    *store.UnknownDatabase
		dbThere *store.DatabaseExists
		there   *store.TableExists
	)
	switch {
	case errors.As(err, &we):
		return we
	case errors.As(err, &window):
		return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: %v.", window)
	case errors.As(err, &syntax):
		return wire.Errorf(1064, "42000", "%v", syntax)
	case errors.As(err, &unknown):
		return wire.Errorf(5502, "42602", "Getting analyzing error. Detail message: %v.", unknown)
	case errors.As(err, &noDB):
		return wire.Errorf(unknownDatabase, "3F000", "Getting analyzing error. Detail message: %v.", noDB)
	case errors.As(err, &dbThere):
		return wire.Errorf(1007, "HY000", "%v", dbThere)
	case errors.As(err, &there):
		return wire.Errorf(1050, "42S01", "%v", there)
	case errors.Is(err, errNoDatabase):
		return wire.Errorf(1046, "3D000", "No database selected")
	}
	return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: %s.", strings.TrimSuffix(err.Error(), "."))
}

var errNoDatabase = errors.New("no database selected")
