package sqlread

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/gx-etl/gx/plugins/sdk"
)

// pool holds the connections to the servers of one source. Statements are never prepared on the server, and the server can
// never ask for a local file.
type pool struct {
	src     *source
	prepare []string
	connect time.Duration // to the end of the login
	timeout time.Duration // for the statements that prepare a connection
	dbs     []*sql.DB     // one for each address
	first   atomic.Int64  // the address to try first: the one that answered last
}

func newPool(s *settings, src *source) (*pool, error) {
	p := &pool{src: src, connect: s.connect, timeout: s.metadata, prepare: append(s.dialect.Session(s.query, s.dialect.Hints && len(src.queries) == 0), s.session...)}
	for _, addr := range src.addrs {
		cfg := mysql.NewConfig()
		cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName = src.user, src.password, "tcp", addr, src.database
		// Reads are bounded by their contexts, which end the query on the server, too; this is for a server that does not answer that.
		cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = s.connect, s.patience(), s.metadata
		cfg.InterpolateParams = true
		cfg.AllowAllFiles, cfg.AllowCleartextPasswords, cfg.AllowFallbackToPlaintext, cfg.AllowOldPasswords = false, false, false, false
		cfg.Logger = log.New(io.Discard, "", 0) // what it would say comes back as an error, too
		if src.tls {
			host, _, _ := net.SplitHostPort(addr)
			cfg.TLS = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
		}
		connector, err := lend(cfg)
		if err != nil {
			p.Close()
			return nil, sdk.Faultf(sdk.Config, "%v", err).At(src.path)
		}
		db := sql.OpenDB(connector)
		db.SetConnMaxIdleTime(time.Minute)
		p.dbs = append(p.dbs, db)
	}
	return p, nil
}

// Close serves io.Closer.
func (p *pool) Close() {
	for _, db := range p.dbs {
		_ = db.Close()
	}
}

// session is one connection, ready for a read.
type session struct {
	conn *sql.Conn
	db   *sql.DB
	id   int64 // of the connection, for KILL
	once sync.Once
}

// acquire connects to the first server that answers.
func (p *pool) acquire(ctx context.Context) (*session, error) {
	var last error
	first := p.first.Load()
	for i := range p.dbs {
		n := (int(first) + i) % len(p.dbs)
		s, err := p.begin(ctx, p.dbs[n])
		if err == nil {
			p.first.Store(int64(n))
			return s, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if fault := p.answered(err, p.src.addrs[n]); fault != nil {
			return nil, fault
		}
		last = errors.Join(last, fmt.Errorf("%s: %w", p.src.addrs[n], err))
	}
	return nil, sdk.Faultf(sdk.Unreachable, "no server answers on its MySQL port: %s", oneLine(last)).At(p.src.path).Hint("check host and port")
}

func (p *pool) begin(ctx context.Context, db *sql.DB) (*session, error) {
	connecting, connected := context.WithTimeout(ctx, p.connect)
	conn, err := db.Conn(connecting)
	connected()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	s := &session{conn: conn, db: db}
	if err = conn.QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&s.id); err == nil {
		for _, q := range p.prepare {
			if _, err = conn.ExecContext(ctx, q); err != nil {
				err = fmt.Errorf("%s: %w", q, err)
				break
			}
		}
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

// Close gives the connection back.
func (s *session) Close() { _ = s.conn.Close() }

// patience is how long a server may stay silent.
func (s *settings) patience() time.Duration { return s.query + 2*killPatience }

// killPatience is how long a server may take to end a query.
const killPatience = 5 * time.Second

// kill ends the query of the session, over another connection: a server may go on for a while when a client is just gone.
func (s *session) kill() { s.once.Do(s.killNow) }

func (s *session) killNow() {
	ctx, cancel := context.WithTimeout(context.Background(), killPatience)
	defer cancel()
	// An error says that there is nothing to kill any more, or that the server is gone: the connection is given up anyhow.
	_, _ = s.db.ExecContext(ctx, fmt.Sprintf("KILL QUERY %d", s.id))
}

// Error numbers of MySQL that StarRocks uses, too.
const (
	errAccessDeniedDB   = 1044
	errAccessDenied     = 1045
	errUnknownDB        = 1049
	errUnknownTable     = 1051
	errTableDenied      = 1142
	errColumnDenied     = 1143
	errNoSuchTable      = 1146
	errServerShutdown   = 1053
	errAborting         = 1152
	errAbortingNew      = 1184
	errConnectionKilled = 1927 // MariaDB
	errSessionKilled    = 3169
	errClientTimeout    = 4031
	errStarRocksDenied  = 5203
	errStarRocksNoTable = 5502
)

// answered turns what a server has said into a fault; nil: it has said nothing, or only that it gives the connection up.
func (p *pool) answered(err error, addr string) error {
	var m *mysql.MySQLError
	if !errors.As(err, &m) {
		return nil
	}
	switch m.Number {
	case errServerShutdown, errAborting, errAbortingNew, errConnectionKilled, errSessionKilled, errClientTimeout:
		return nil
	}
	msg := strings.ToLower(m.Message)
	code, hint := sdk.Refused, "the server has said no; try the statement in a client"
	switch {
	case m.Number == errAccessDenied, m.Number == errAccessDeniedDB, m.Number == errStarRocksDenied, m.Number == errTableDenied,
		m.Number == errColumnDenied, strings.Contains(msg, "access denied"):
		code, hint = sdk.Denied, "check username and password, and that the user may read the tables"
	case m.Number == errUnknownDB, m.Number == errNoSuchTable, m.Number == errUnknownTable, m.Number == errStarRocksNoTable,
		strings.Contains(msg, "unknown database"), strings.Contains(msg, "unknown table"):
		code, hint = sdk.NotFound, "SHOW DATABASES and SHOW TABLES list what exists"
	}
	place := p.src.path
	if code == sdk.Denied {
		place = strings.TrimSuffix(place, "jdbcUrl") + "username"
	}
	return sdk.Faultf(code, "%s: %s", addr, oneLine(err)).At(place).Hint("%s", hint)
}

// said makes a fault of the error of a statement.
func (p *pool) said(err error) error {
	if fault := p.answered(err, p.src.addrs[p.first.Load()]); fault != nil {
		return fault
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return sdk.Faultf(sdk.Unreachable, "the connection to %s broke: %s", p.src.addrs[p.first.Load()], oneLine(err)).At(p.src.path)
}

func oneLine(err error) string {
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, fmt.Sprint(err))
	if len(s) > 600 {
		s = strings.ToValidUTF8(s[:600], "") + "…"
	}
	return s
}
