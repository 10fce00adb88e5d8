// Package sandbox runs a Kafka and a StarRocks in one process: kfake for the
// Kafka protocol, package load for the HTTP half of StarRocks and package
// sqlport for its MySQL port. Tests start it in place; the command gx-sandbox
// wraps it for everyone else.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/gx-etl/gx/test/sandbox/clock"
	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/load"
	"github.com/gx-etl/gx/test/sandbox/produce"
	"github.com/gx-etl/gx/test/sandbox/release"
	"github.com/gx-etl/gx/test/sandbox/sqlport"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// Options configure a Sandbox. The zero value starts everything but Kafka on
// free ports, the BE on 127.0.0.2 and the rest on 127.0.0.1.
type Options struct {
	// WithKafka starts the embedded Kafka.
	WithKafka bool
	// Kafka, FEHTTP, FEQuery, BEHTTP and Control are listen addresses,
	// host:port; port 0 chooses one, and so does an empty address.
	Kafka, FEHTTP, FEQuery, BEHTTP, Control string
	// Users are added to root, which has an empty password unless it is listed.
	Users map[string]string
	// Init is SQL to run before the listeners open: databases, tables, rows.
	Init string
	// Discard makes loads count rows without storing them.
	Discard bool
	// Limits lowers limits of the load server.
	Limits load.Limits
	// Version is the StarRocks release to play, "3.3" or "3.3.13" (see package
	// release), the newest when empty.
	Version string
	// Followers is the number of FEs besides the leader, Backends that of all BEs
	// (0 is 1). FollowerHTTP and BackendHTTP give their addresses after FEHTTP and
	// BEHTTP, host:port; what they leave out is chosen.
	Followers, Backends       int
	FollowerHTTP, BackendHTTP []string
	// Clock tells the time of all servers; nil is a new one, see Sandbox.Clock.
	Clock *clock.Clock
}

// Sandbox is a running Kafka and StarRocks.
type Sandbox struct {
	// Store holds the tables.
	Store *store.Store
	// Load is the HTTP half, with its faults and request log.
	Load *load.Server

	clock *clock.Clock
	sql   *sqlport.Server
	kafka *kfake.Cluster

	closeOnce sync.Once
	closeErr  error
}

// Start runs the Init statements and opens all listeners. ctx bounds the
// starting, not the life of the sandbox.
func Start(ctx context.Context, o Options) (*Sandbox, error) {
	played := release.Newest()
	if o.Version != "" {
		var err error
		if played, err = release.Parse(o.Version); err != nil {
			return nil, err
		}
	}
	if o.Clock == nil {
		o.Clock = &clock.Clock{}
	}
	s := &Sandbox{Store: store.New(store.Options{Now: o.Clock.Now, Release: played}), clock: o.Clock}
	for user, password := range o.Users {
		s.Store.Users().Add(user, password)
	}
	if strings.TrimSpace(o.Init) != "" {
		if err := sqlport.Exec(ctx, s.Store, o.Init); err != nil {
			return nil, fmt.Errorf("init SQL: %w", err)
		}
	}
	if err := s.open(o, played); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// open makes the MySQL port first, because loads ask it for expressions; it listens
// only once there are servers that it can tell of.
func (s *Sandbox) open(o Options, played release.Release) error {
	var err error
	s.sql, err = sqlport.New(s.Store, sqlport.Options{
		Version:   played.String(),
		Clock:     s.clock,
		Frontends: func() []sqlport.Node { return nodes(s.Load.Frontends()) },
		Backends:  func() []sqlport.Node { return nodes(s.Load.Backends()) },
		Loads:     s.loads,
		Configs:   func() map[string]string { return s.Load.Configs(false) },
		SetConfig: func(name, value string) error { return s.Load.SetConfig(name, value) },
	})
	if err != nil {
		return err
	}
	s.Load, err = load.Start(load.Options{Store: s.Store, FE: o.FEHTTP, BE: o.BEHTTP, Control: o.Control,
		Followers: o.Followers, Backends: o.Backends, FollowerAddrs: o.FollowerHTTP, BackendAddrs: o.BackendHTTP,
		Discard: o.Discard, Limits: o.Limits, Release: played, Clock: s.clock, Compile: s.sql.Expressions, Plan: s.plan})
	if err != nil {
		return err
	}
	query := o.FEQuery
	if query == "" {
		query = "127.0.0.1:0"
	}
	if err := s.sql.Listen(query); err != nil {
		return fmt.Errorf("the MySQL port cannot listen on %s: %w", query, err)
	}
	s.Load.Describe("feQuery", s.QueryAddr())
	if !o.WithKafka {
		return nil
	}
	if s.kafka, err = startKafka(o.Kafka); err != nil {
		return err
	}
	s.Load.Describe("kafka", s.KafkaAddr())
	return nil
}

// loads tells the MySQL port of the transactions of the HTTP half.
func (s *Sandbox) loads() []sqlport.LoadRow {
	infos := s.Load.Loads()
	rows := make([]sqlport.LoadRow, 0, len(infos))
	for i := range infos {
		l := &infos[i]
		if l.State == ledger.Unknown { // lost with a leader
			continue
		}
		rows = append(rows, sqlport.LoadRow{TxnID: l.TxnID, Label: l.Label, DB: l.Database, Table: l.Table, User: l.User, Client: l.Client,
			Type: "STREAM_LOAD", State: string(l.State), Reason: l.Reason,
			Loaded: l.Rows, Filtered: l.Filtered, Unselected: l.Unselected, Bytes: l.Bytes,
			ErrorURL: l.ErrorURL, ErrorLog: s.Load.ErrorLog(l.ErrorURL), Timeout: time.Duration(l.TimeoutMs) * time.Millisecond,
			Begun: l.Begun, Prepared: l.Prepared, Committed: l.Committed, Ended: l.Ended})
	}
	return rows
}

// nodes are the servers as SHOW FRONTENDS and SHOW BACKENDS list them.
func nodes(list []load.NodeInfo) []sqlport.Node {
	out := make([]sqlport.Node, len(list))
	for i, n := range list {
		out[i] = sqlport.Node{Leader: n.Leader, Down: !n.Alive}
		// The address comes from a listener, so it always has both parts.
		if tcp, err := net.ResolveTCPAddr("tcp", n.Addr); err == nil {
			out[i].Host, out[i].HTTPPort = tcp.IP.String(), tcp.Port
		}
	}
	return out
}

// plan answers _query_plan. Tablets are spread over the BEs in turn.
func (s *Sandbox) plan(ctx context.Context, user, db, table, sql string) ([]load.PlanTablet, error) {
	tablets, err := s.sql.PlanScan(ctx, user, db, table, sql)
	var refused *sqlport.ScanError
	if errors.As(err, &refused) {
		return nil, &load.PlanError{Status: refused.Status, Text: refused.Text}
	}
	out := make([]load.PlanTablet, len(tablets))
	for i, t := range tablets {
		out[i] = load.PlanTablet{ID: t.ID, Version: t.Version, Backend: i}
	}
	return out, err
}

// Clock returns the time of all servers, which a test can make jump.
func (s *Sandbox) Clock() *clock.Clock { return s.clock }

// FEAddr returns host:port of the FE's HTTP server.
func (s *Sandbox) FEAddr() string { return s.Load.FEAddr() }

// BEAddr returns host:port of the BE's HTTP server.
func (s *Sandbox) BEAddr() string { return s.Load.BEAddr() }

// ControlAddr returns host:port of the control endpoint.
func (s *Sandbox) ControlAddr() string { return s.Load.ControlAddr() }

// QueryAddr returns host:port of the MySQL port.
func (s *Sandbox) QueryAddr() string { return s.sql.Addr() }

// KafkaAddr returns host:port of the Kafka broker, empty without one.
func (s *Sandbox) KafkaAddr() string {
	if s.kafka == nil {
		return ""
	}
	return s.kafka.ListenAddrs()[0]
}

// Kafka returns the Kafka cluster for faults of its own, nil without one.
func (s *Sandbox) Kafka() *kfake.Cluster { return s.kafka }

// Exec runs SQL statements, separated by semicolons, as root.
func (s *Sandbox) Exec(ctx context.Context, sql string) error {
	return sqlport.Exec(ctx, s.Store, sql)
}

// Produce sends one message per line of text to a topic, which is created with
// that many partitions if it does not exist. Messages have no key and go round
// the partitions in turn.
func (s *Sandbox) Produce(ctx context.Context, topic string, partitions int, lines io.Reader) (int64, error) {
	return produce.Lines(ctx, produce.Options{Brokers: []string{s.KafkaAddr()}, Topic: topic, Partitions: partitions}, lines)
}

// Close ends everything and waits for it.
func (s *Sandbox) Close() error {
	s.closeOnce.Do(func() {
		if s.kafka != nil {
			s.kafka.Close()
		}
		if s.Load != nil {
			s.closeErr = errors.Join(s.closeErr, s.Load.Close())
		}
		if s.sql != nil {
			s.closeErr = errors.Join(s.closeErr, s.sql.Close())
		}
	})
	return s.closeErr
}
