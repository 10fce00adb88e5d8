package sandbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/gx-etl/gx/test/sandbox/control"
	"github.com/gx-etl/gx/test/sandbox/load"
	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
)

// desk is what the control endpoint sees of the sandbox.
type desk struct{ s *Sandbox }

// Status implements control.Source.
func (d desk) Status() control.Status {
	s := d.s
	st := control.Status{Addresses: s.addresses(), Version: s.Version(), Discard: s.options.Discard, DataDir: s.options.Data,
		Started: s.started, Tables: []control.Table{}, Loads: s.Load.Loads(), Counters: s.Load.Counters()}
	for _, db := range s.Store.Databases() {
		names, err := s.Store.Tables(db)
		if err != nil { // dropped meanwhile
			continue
		}
		for _, name := range names {
			t, err := s.Store.Table(db, name)
			if err != nil {
				continue
			}
			row := control.Table{Database: db, Table: name, Model: t.Schema().Model.String(), Rows: t.NumRows(), Version: t.Version(), Memory: t.Memory().Total()}
			if s.options.Discard {
				row.Rows = s.Load.Discarded(db, name)
			}
			st.Tables = append(st.Tables, row)
		}
	}
	return st
}

// Nodes implements control.Cluster.
func (d desk) Nodes() []control.Node {
	var out []control.Node
	add := func(role string, list []load.NodeInfo) {
		for i, n := range list {
			out = append(out, control.Node{Node: fmt.Sprintf("%s:%d", role, i), Addr: n.Addr, Up: n.Up, Alive: n.Alive, Leader: n.Leader})
		}
	}
	add("fe", d.s.Load.Frontends())
	add("be", d.s.Load.Backends())
	return out
}

// Do implements control.Cluster.
func (d desk) Do(_ context.Context, role string, index int, verb string) error {
	l := d.s.Load
	switch role + " " + verb {
	case "be stop":
		return l.StopBackend(index)
	case "be start":
		return l.StartBackend(index)
	case "be restart":
		return l.RestartBackend(index)
	case "fe stop":
		return l.StopFrontend(index)
	case "fe start":
		return l.StartFrontend(index)
	case "fe restart":
		return errors.Join(l.StopFrontend(index), l.StartFrontend(index))
	case "fe lead":
		return l.MoveLeader(index)
	}
	return fmt.Errorf("a %s cannot %s", strings.ToUpper(role), verb)
}

// Settings implements control.Config.
func (d desk) Settings() map[string]string {
	all := d.s.Load.Configs(false)
	maps.Copy(all, d.s.Load.Configs(true))
	return all
}

// Set implements control.Config.
func (d desk) Set(name, value string) error { return d.s.Load.SetConfig(name, value) }

// Sweep implements control.Labels.
func (d desk) Sweep() { d.s.Load.Sweep() }

// Forget implements control.Labels.
func (d desk) Forget(db, label string) bool { return d.s.Load.Ledger().Forget(db, label) }

// Query implements control.Querier.
func (d desk) Query(ctx context.Context, text string) ([]control.Result, error) {
	return d.s.Query(ctx, text)
}

// Query runs SQL statements, separated by semicolons, as root on the MySQL port,
// and returns what each gave. Faults aimed at the port show here too. On an error
// the statements before have taken effect.
func (s *Sandbox) Query(ctx context.Context, text string) ([]control.Result, error) {
	statements, err := lex.Split(text)
	if err != nil {
		return nil, err
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User = "tcp", s.QueryAddr(), "root"
	cfg.Passwd, _ = s.Store.Users().Password("root")
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }() // nothing is left on the one connection
	conn, err := db.Conn(ctx)         // one session, so that USE and SET last
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	out := []control.Result{}
	for _, st := range statements {
		r, err := query(ctx, conn, st)
		if err != nil {
			return out, err
		}
		out = append(out, r)
	}
	return out, nil
}

func query(ctx context.Context, conn *sql.Conn, st lex.Statement) (control.Result, error) {
	var r control.Result
	if changes(st) {
		res, err := conn.ExecContext(ctx, st.From(0))
		if err == nil {
			r.Affected, err = res.RowsAffected()
		}
		return r, err
	}
	rows, err := conn.QueryContext(ctx, st.From(0))
	if err != nil {
		return r, err
	}
	defer func() { _ = rows.Close() }()
	if r.Columns, err = rows.Columns(); err != nil {
		return r, err
	}
	cells, targets := make([]sql.NullString, len(r.Columns)), make([]any, len(r.Columns))
	for i := range cells {
		targets[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return r, err
		}
		line := make([]*string, len(cells))
		for i, c := range cells {
			if c.Valid {
				line[i] = &c.String
			}
		}
		r.Rows = append(r.Rows, line)
	}
	return r, rows.Err()
}

// changes says whether a statement answers with a number of rows.
func changes(st lex.Statement) bool {
	for _, verb := range []string{"insert", "update", "delete"} {
		if st.Toks[0].Is(verb) {
			return true
		}
	}
	return false
}
