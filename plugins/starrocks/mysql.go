package starrocks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/gx-etl/gx/plugins/protocol"
)

// frontendSQL is the MySQL port of a frontend: metadata, preSql, postSql. Statements are never prepared on the server,
// which StarRocks does not know for most of them, and the server can never ask for a local file.
type frontendSQL struct {
	db   *sql.DB
	addr string
}

// dialSQL connects to the first server that answers.
func dialSQL(ctx context.Context, s *settings, connect, query time.Duration) (*frontendSQL, error) {
	var last error
	for _, addr := range s.mysql.addrs {
		cfg := mysql.NewConfig()
		cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName = s.user, s.password, "tcp", addr, s.database
		cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = connect, query, query
		cfg.InterpolateParams = true
		cfg.AllowAllFiles, cfg.AllowCleartextPasswords, cfg.AllowFallbackToPlaintext, cfg.AllowOldPasswords = false, false, false, false
		cfg.Logger = log.New(io.Discard, "", 0) // what it would say comes back as an error, too
		if s.mysql.tls {
			cfg.TLSConfig = "true"
		}
		connector, err := mysql.NewConnector(cfg)
		if err != nil {
			return nil, protocol.Faultf(protocol.Config, "%v", err).At("jdbcUrl")
		}
		db := sql.OpenDB(connector)
		db.SetMaxOpenConns(2)
		db.SetConnMaxIdleTime(time.Minute)
		if err = db.PingContext(ctx); err == nil {
			return &frontendSQL{db: db, addr: addr}, nil
		}
		db.Close()
		if fault := deniedFault(err, s, addr); fault != nil {
			return nil, fault
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		last = errors.Join(last, fmt.Errorf("%s: %w", addr, err))
	}
	return nil, protocol.Faultf(protocol.Unreachable, "no frontend answers on its MySQL port: %s", oneLine(last)).At("jdbcUrl").
		Hint("check host and query port (default %s) of the frontends", defaultQueryPort)
}

// Error numbers of MySQL that StarRocks uses.
const (
	errAccessDeniedDB = 1044
	errAccessDenied   = 1045
	errUnknownDB      = 1049
	errNoPrivilege    = 5203
)

// deniedFault turns what no other server would answer differently into a fault; nil: something else.
func deniedFault(err error, s *settings, addr string) error {
	var m *mysql.MySQLError
	if !errors.As(err, &m) {
		return nil
	}
	msg := strings.ToLower(m.Message)
	switch {
	case m.Number == errAccessDenied || m.Number == errAccessDeniedDB || m.Number == errNoPrivilege || strings.Contains(msg, "access denied"):
		return protocol.Faultf(protocol.Denied, "%s: %s", addr, oneLine(err)).At("username").
			Hint("check username and password, and that the user may use database %s", s.database)
	case m.Number == errUnknownDB || strings.Contains(msg, "unknown database"):
		return protocol.Faultf(protocol.NotFound, "database %s does not exist on %s", s.database, addr).At("selectedDatabase").
			Hint("SHOW DATABASES lists those that exist")
	}
	return nil
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

func (f *frontendSQL) Close() { f.db.Close() }

// version is what the server calls itself.
func (f *frontendSQL) version(ctx context.Context) (string, error) {
	var v string
	err := f.db.QueryRowContext(ctx, "SELECT current_version()").Scan(&v)
	return v, err
}

// parseVersion reads "3.3.5-abcdef", major, minor and patch; ok is false for anything else, such as main.
func parseVersion(text string) (v [3]int, ok bool) {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "-")
	for i, part := range strings.SplitN(text, ".", 4) {
		n, err := strconv.Atoi(part)
		if err != nil && i < 2 {
			return v, false
		}
		if i < len(v) {
			v[i] = n
		}
		ok = i > 0
	}
	return v, ok
}

// servers lists host:port of all servers of the cluster: backends and compute nodes, which take loads, and frontends, to
// which a follower sends on who asks for a label. Ordinary users may not see them: then the error says so.
func (f *frontendSQL) servers(ctx context.Context) (servers []string, err error) {
	var errs error
	for _, q := range []string{"SHOW BACKENDS", "SHOW COMPUTE NODES"} {
		found, err := f.column2(ctx, q, "IP", "HttpPort")
		if err != nil {
			errs = errors.Join(errs, err)
		}
		servers = append(servers, found...)
	}
	if len(servers) == 0 && errs == nil {
		errs = errors.New("the cluster lists no backend")
	}
	if len(servers) == 0 {
		return nil, errs
	}
	// Who may not see the frontends still has a list: labels are then asked for where the job says, and nowhere else.
	frontends, _ := f.column2(ctx, "SHOW FRONTENDS", "IP", "HttpPort")
	return append(servers, frontends...), nil
}

// column2 reads two columns of a SHOW statement, whatever other columns the release has, and joins them as host:port.
func (f *frontendSQL) column2(ctx context.Context, query, host, port string) (out []string, err error) {
	rows, err := f.db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values := make([]sql.RawBytes, len(names))
	into := make([]any, len(names))
	h, p := -1, -1
	for i, n := range names {
		into[i] = &values[i]
		switch {
		case strings.EqualFold(n, host):
			h = i
		case strings.EqualFold(n, port):
			p = i
		}
	}
	if h < 0 || p < 0 {
		return nil, fmt.Errorf("%s has no columns %s and %s", query, host, port)
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out = append(out, net.JoinHostPort(string(values[h]), string(values[p])))
	}
	return out, rows.Err()
}

// run executes statements in order and says which one failed.
func (f *frontendSQL) run(ctx context.Context, key string, statements []string) (at int, err error) {
	for i, q := range statements {
		if _, err := f.db.ExecContext(ctx, q); err != nil {
			return i, fmt.Errorf("%s: statement %d (%s): %s", key, i+1, excerpt(q), oneLine(err))
		}
	}
	return 0, nil
}

func excerpt(q string) string {
	q = oneLine(errors.New(strings.Join(strings.Fields(q), " ")))
	if r := []rune(q); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return q
}
