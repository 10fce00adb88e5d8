// Package sandbox runs a StarRocks stand-in and, if asked, a Kafka in this process.
// Package load is the HTTP half of StarRocks, package sqlport its MySQL port,
// package control the endpoint through which tests make them misbehave; kfake is
// the Kafka. Tests of any StarRocks client begin with New, programs with Start; the
// command gx-sandbox wraps it for everyone else.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/gx-etl/gx/test/sandbox/clock"
	"github.com/gx-etl/gx/test/sandbox/control"
	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/journal"
	"github.com/gx-etl/gx/test/sandbox/keep"
	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/load"
	"github.com/gx-etl/gx/test/sandbox/produce"
	"github.com/gx-etl/gx/test/sandbox/release"
	"github.com/gx-etl/gx/test/sandbox/sabotage"
	"github.com/gx-etl/gx/test/sandbox/sqlport"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// Sandbox is a running Kafka and StarRocks.
type Sandbox struct {
	// Store holds the tables.
	Store *store.Store
	// Load is the HTTP half.
	Load *load.Server

	options Options
	started time.Time
	clock   *clock.Clock
	faults  fault.Set
	journal journal.Journal
	sql     *sqlport.Server
	control *control.Server
	kafka   *kfake.Cluster

	folder  *keep.Folder // of Options.Data, nil without one
	saving  sync.Mutex   // held while the folder is written
	saveErr atomic.Pointer[error]
	closing chan struct{}
	saver   sync.WaitGroup

	closeOnce sync.Once
	closeErr  error
}

// Start runs the Init statements and opens all listeners. ctx bounds the
// starting, not the life of the sandbox.
func Start(ctx context.Context, o Options) (*Sandbox, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	played, err := o.release()
	if err != nil {
		return nil, err
	}
	if o.Clock == nil {
		o.Clock = &clock.Clock{}
	}
	s := &Sandbox{Store: store.New(store.Options{Now: o.Clock.Now, Release: played}), options: o, started: time.Now(),
		clock: o.Clock, closing: make(chan struct{})}
	open.Add(1)
	if err := s.start(ctx, played); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Sandbox) start(ctx context.Context, played release.Release) error {
	o := &s.options
	s.faults.Seed(o.Seed)
	for _, f := range o.Faults {
		if _, err := s.faults.Arm(f); err != nil {
			return err
		}
	}
	labels, err := s.restore()
	if err != nil {
		return err
	}
	for user, password := range o.Users {
		s.Store.Users().Add(user, password)
	}
	if strings.TrimSpace(o.Init) != "" && s.empty() {
		if err := sqlport.Exec(ctx, s.Store, o.Init); err != nil {
			return fmt.Errorf("init SQL: %w", err)
		}
	}
	if err := s.open(played, labels); err != nil {
		return err
	}
	for name, value := range o.Config {
		if err := s.Load.SetConfig(name, value); err != nil {
			return err
		}
	}
	return s.listen()
}

// open makes the MySQL port first, because loads ask it for expressions; it listens
// only once there are servers that it can tell of.
func (s *Sandbox) open(played release.Release, labels *ledger.Saved) error {
	o := &s.options
	saboteur := &sabotage.Saboteur{Faults: &s.faults, Closing: s.closing, Journal: &s.journal}
	var err error
	s.sql, err = sqlport.New(s.Store, sqlport.Options{
		Version:        played.String(),
		Clock:          s.clock,
		Frontends:      func() []sqlport.Node { return nodes(s.Load.Frontends()) },
		Backends:       func() []sqlport.Node { return nodes(s.Load.Backends()) },
		Hooks:          saboteur.SQL(fault.Node{Role: fault.SQL}),
		Loads:          s.loads,
		Configs:        func() map[string]string { return s.Load.Configs(false) },
		BackendConfigs: func() map[string]string { return s.Load.Configs(true) },
		SetConfig:      func(name, value string) error { return s.Load.SetConfig(name, value) },
	})
	if err != nil {
		return err
	}
	if labels != nil {
		if err := s.sql.Ledger().Restore(*labels); err != nil {
			return fmt.Errorf("%s: %w", s.folder.Path(labelsFile), err)
		}
	}
	s.Load, err = load.Start(load.Options{Store: s.Store, FE: o.FEHTTP, BE: o.BEHTTP,
		Followers: o.Followers, Backends: o.Backends, FollowerAddrs: o.FollowerHTTP, BackendAddrs: o.BackendHTTP,
		Discard: o.Discard, Limits: o.Limits, Release: played, Clock: s.clock, Compile: s.sql.Expressions, CompileIn: s.sql.ExpressionsIn, Plan: s.plan, Ledger: s.sql.Ledger(),
		Faults: &s.faults, Journal: &s.journal})
	return err
}

// listen opens the MySQL port, Kafka and the control endpoint.
func (s *Sandbox) listen() error {
	o := &s.options
	at := func(addr string) string {
		if addr == "" {
			return "127.0.0.1:0"
		}
		return addr
	}
	query := at(o.FEQuery)
	if err := s.sql.Listen(query); err != nil {
		return fmt.Errorf("the MySQL port cannot listen on %s: %w", query, err)
	}
	var err error
	if o.WithKafka {
		if s.kafka, err = startKafka(o.Kafka); err != nil {
			return err
		}
	}
	d := desk{s}
	c := control.Options{Addr: at(o.Control), Source: d, Faults: &s.faults, Journal: &s.journal, Clock: s.clock, Cluster: d, Config: d, Labels: d,
		Users: s.Store.Users(), Querier: d}
	if s.folder != nil {
		c.Saver = s
	}
	if s.control, err = control.Start(c); err != nil {
		return err
	}
	if s.folder != nil && o.SaveEvery > 0 {
		s.saver.Go(func() { s.saveOften(o.SaveEvery) })
	}
	return nil
}

// Clock returns the time of all servers, which a test can make jump.
func (s *Sandbox) Clock() *clock.Clock { return s.clock }

// FEAddr returns host:port of the FE's HTTP server.
func (s *Sandbox) FEAddr() string { return s.Load.FEAddr() }

// BEAddr returns host:port of the BE's HTTP server.
func (s *Sandbox) BEAddr() string { return s.Load.BEAddr() }

// BackendAddrs returns host:port of the HTTP servers of all BEs.
func (s *Sandbox) BackendAddrs() []string {
	out := []string{}
	for _, n := range s.Load.Backends() {
		out = append(out, n.Addr)
	}
	return out
}

// FollowerAddrs returns host:port of the HTTP servers of the FEs but the first.
func (s *Sandbox) FollowerAddrs() []string {
	out := []string{}
	for _, n := range s.Load.Frontends()[1:] {
		out = append(out, n.Addr)
	}
	return out
}

// Version returns the StarRocks release that is played, such as "3.3.13".
func (s *Sandbox) Version() string { return s.Load.Release().String() }

// addresses are those of the status page, by name: the first server of a kind has
// no number.
func (s *Sandbox) addresses() map[string]string {
	all := map[string]string{"feHttp": s.FEAddr(), "beHttp": s.BEAddr(), "feQuery": s.QueryAddr(), "control": s.ControlAddr()}
	for i, addr := range s.FollowerAddrs() {
		all[fmt.Sprintf("feHttp%d", i+1)] = addr
	}
	for i, addr := range s.BackendAddrs()[1:] {
		all[fmt.Sprintf("beHttp%d", i+1)] = addr
	}
	if s.kafka != nil {
		all["kafka"] = s.KafkaAddr()
	}
	return all
}

// Faults returns what is armed, to arm, clear and seed.
func (s *Sandbox) Faults() *fault.Set { return &s.faults }

// Arm arms a fault and returns its number. It panics when the fault is one that
// Faults().Arm would refuse: such a test is wrong as it stands.
func (s *Sandbox) Arm(f fault.Fault) int64 {
	id, err := s.faults.Arm(f)
	if err != nil {
		panic("sandbox: " + err.Error())
	}
	return id
}

// Journal returns the request log.
func (s *Sandbox) Journal() *journal.Journal { return &s.journal }

// ControlAddr returns host:port of the control endpoint.
func (s *Sandbox) ControlAddr() string { return s.control.Addr() }

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

// Close saves to the data folder, if there is one, ends everything and waits for it.
func (s *Sandbox) Close() error {
	s.closeOnce.Do(func() {
		defer open.Add(-1)
		close(s.closing)
		s.saver.Wait()
		var errs []error
		if s.control != nil {
			errs = append(errs, s.control.Close())
		}
		if s.kafka != nil {
			s.kafka.Close()
		}
		if s.Load != nil {
			errs = append(errs, s.Load.Close())
		}
		if s.sql != nil {
			errs = append(errs, s.sql.Close())
		}
		// Only what was up is saved: a sandbox that could not start has no news.
		if s.folder != nil && s.control != nil {
			errs = append(errs, s.Save())
		}
		if err := s.saveErr.Load(); err != nil {
			errs = append(errs, fmt.Errorf("an earlier save: %w", *err))
		}
		if s.folder != nil {
			errs = append(errs, s.folder.Close())
		}
		s.closeErr = errors.Join(errs...)
	})
	return s.closeErr
}
