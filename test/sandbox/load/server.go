// Package load is the HTTP half of the StarRocks stand-in: FEs that authenticate,
// redirect and keep transactions, and BEs that receive Stream Loads.
package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gx-etl/gx/test/sandbox/clock"
	"github.com/gx-etl/gx/test/sandbox/expression"
	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/ingest"
	"github.com/gx-etl/gx/test/sandbox/journal"
	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/node"
	"github.com/gx-etl/gx/test/sandbox/release"
	"github.com/gx-etl/gx/test/sandbox/sabotage"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// Options configure a Server. Empty addresses choose a free port, the leader FE on
// 127.0.0.1 and the first BE on 127.0.0.2, so that a client which loses its
// credentials on the redirect fails. Further BEs are on 127.0.0.3 and so on,
// followers on 127.0.1.1 and so on.
type Options struct {
	Store *store.Store
	// FE and BE are listen addresses, host:port.
	FE, BE string
	// Followers is the number of FEs besides the leader, Backends that of all BEs
	// (0 is 1). FollowerAddrs and BackendAddrs give their addresses, host:port;
	// what they leave out is chosen, and a longer list makes more servers.
	Followers, Backends         int
	FollowerAddrs, BackendAddrs []string
	// Discard drains bodies and counts their rows without storing them. Rows
	// are then neither converted nor checked.
	Discard bool
	Limits  Limits
	// Release is the StarRocks release to play, the newest when zero.
	Release release.Release
	// Clock tells the time of all servers; nil is the machine's.
	Clock *clock.Clock
	// Compile prepares the expressions of columns and where headers; without it
	// loads that have some are refused.
	Compile expression.Compiler
	// CompileIn is Compile for a time zone; without it loads with a timezone header
	// and expressions are refused.
	CompileIn func(zone string) expression.Compiler
	// Plan answers _query_plan; without it the FE says that it is not implemented.
	Plan Planner
	// Ledger is the one that others write into as well, INSERT for one; nil is a
	// new one. Close ends it either way.
	Ledger *ledger.Ledger
	// Faults are what is armed, Journal keeps the requests; nil are new ones.
	Faults  *fault.Set
	Journal *journal.Journal
}

// Server is the running HTTP half. All methods are safe for concurrent use.
type Server struct {
	store    *store.Store
	discard  bool
	release  release.Release
	clock    *clock.Clock
	compile  expression.Compiler
	inZone   func(zone string) expression.Compiler
	plan     Planner
	ledger   *ledger.Ledger
	faults   *fault.Set
	journal  *journal.Journal
	saboteur *sabotage.Saboteur
	logs     errorLogs
	rejected rejectedRecords
	tasks    tasks
	merges   merges
	turns    turns

	frontends []*frontend
	backends  []*backend
	leader    atomic.Int32  // index of the leader among frontends
	rounds    atomic.Uint64 // of the BEs, see nextBackend

	ready     chan struct{}   // closed once all servers listen
	ctx       context.Context // ends when Close begins
	cancel    context.CancelFunc
	handling  sync.WaitGroup // requests, late publishes and the upkeep under way
	closeOnce sync.Once
	closeErr  error

	counters counters

	mu        sync.Mutex // guards the following
	limits    Limits
	closed    bool // no handler may start any more
	prepared  map[*ledger.Txn]*work
	discarded map[string]int64 // rows by "db.table"
}

type counters struct {
	redirects, loads, succeeded, failed atomic.Int64
	rows, bytes                         atomic.Int64
}

// Start listens on all addresses and serves until Close.
func Start(o Options) (*Server, error) {
	if o.Store == nil {
		return nil, errors.New("load: Options.Store is required")
	}
	if o.Clock == nil {
		o.Clock = &clock.Clock{}
	}
	if o.Release == (release.Release{}) {
		o.Release = release.Newest()
	}
	if o.Faults == nil {
		o.Faults = &fault.Set{}
	}
	if o.Journal == nil {
		o.Journal = &journal.Journal{}
	}
	orElse(&o.Limits.TabletVersions, o.Store.MaxVersions())
	orElse(&o.Limits.CompactEvery, o.Store.CompactEvery())
	o.Limits.defaults(o.Release)
	if o.Ledger == nil {
		o.Ledger = ledger.New(o.Clock, o.Limits.ledger())
		o.Ledger.SetQuota(o.Store.CheckQuota)
	} else {
		o.Ledger.SetLimits(o.Limits.ledger())
	}
	s := &Server{
		faults: o.Faults, journal: o.Journal,
		store: o.Store, discard: o.Discard, release: o.Release, clock: o.Clock, compile: o.Compile, inZone: o.CompileIn, plan: o.Plan,
		limits: o.Limits, ledger: o.Ledger,
		ready: make(chan struct{}), prepared: map[*ledger.Txn]*work{},
		discarded: map[string]int64{},
	}
	s.apply(&s.limits)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.saboteur = &sabotage.Saboteur{Faults: o.Faults, Closing: s.ctx.Done(), Journal: o.Journal}
	s.logs.clock, s.tasks.byLabel, s.merges.open = o.Clock, map[string]*task{}, map[string]*merge{}
	if err := s.listen(o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	close(s.ready)
	s.clock.Watch(s.lookAfter)
	s.handling.Add(1)
	go s.upkeep()
	return s, nil
}

// listen opens the FEs and the BEs.
func (s *Server) listen(o Options) error {
	at := func(list []string, i int, chosen string) string {
		if i < len(list) && list[i] != "" {
			return list[i]
		}
		return chosen
	}
	leader := append([]string{o.FE}, o.FollowerAddrs...)
	for i := range max(1+o.Followers, len(leader)) {
		chosen := fmt.Sprintf("127.0.1.%d:0", i)
		if i == 0 {
			chosen = "127.0.0.1:0"
		}
		f := &frontend{s: s, index: i}
		n, err := s.open(fault.FE, i, at(leader, i, chosen), f.serve)
		if err != nil {
			return err
		}
		f.node = n
		s.frontends = append(s.frontends, f)
	}
	backends := o.BackendAddrs
	if o.BE != "" {
		backends = append([]string{o.BE}, o.BackendAddrs...)
	}
	for i := range max(1, o.Backends, len(backends)) {
		b := &backend{s: s, index: i}
		b.life.Store(newLife(s.ctx))
		n, err := s.open(fault.BE, i, at(backends, i, fmt.Sprintf("127.0.0.%d:0", 2+i)), b.serve)
		if err != nil {
			return err
		}
		b.node, b.seen.up, b.seen.now = n, true, true
		s.backends = append(s.backends, b)
	}
	return nil
}

// open starts a server, with the request log and the faults in front of its handler.
func (s *Server) open(role fault.Role, i int, addr string, h http.HandlerFunc) (*node.Node, error) {
	is := fault.Node{Role: role, Index: i}
	var whole http.Handler // set before any request gets past ready
	n, err := node.Listen(addr, s.tracked(func(w http.ResponseWriter, r *http.Request) { whole.ServeHTTP(w, r) }),
		func(l net.Listener) net.Listener { return s.saboteur.Listener(is, l) })
	if err != nil {
		return nil, fmt.Errorf("load: %s %d %w", strings.ToUpper(string(role)), i, err)
	}
	is.Addr = n.Addr()
	whole = s.journal.Handler(string(role), is.Addr, s.saboteur.Handler(is, h))
	return n, nil
}

// tracked lets Close wait for the handlers, which wait for all servers to listen.
func (s *Server) tracked(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-s.ready:
		case <-s.ctx.Done():
		}
		if !s.enter() {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		defer s.handling.Done()
		h(w, r)
	}
}

// enter counts work in, unless Close has begun; the caller ends it with handling.Done.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.handling.Add(1)
	return true
}

// Close cuts all connections and waits for everything under way. Transactions
// committed but not yet visible become visible first.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.cancel()
		stop := func(n *node.Node) {
			if n != nil {
				s.closeErr = errors.Join(s.closeErr, n.Stop())
			}
		}
		for _, f := range s.frontends {
			stop(f.node)
		}
		for _, b := range s.backends {
			stop(b.node)
		}
		s.handling.Wait()
		s.ledger.Stop()
		s.closeErr = errors.Join(s.closeErr, s.rejected.close())
	})
	return s.closeErr
}

// upkeep is what the servers do by themselves now and then.
func (s *Server) upkeep() {
	defer s.handling.Done()
	for {
		t := time.NewTimer(s.Limits().SweepEvery)
		select {
		case <-t.C:
			s.lookAfter()
		case <-s.ctx.Done():
			t.Stop()
			return
		}
	}
}

// lookAfter ends what has lived too long, on BEs and at the FE, and takes notice of
// BEs that have gone. It also runs whenever the clock jumps.
func (s *Server) lookAfter() {
	limits, now := s.Limits(), s.clock.Now()
	for _, b := range s.backends {
		b.sweep(now)
		if b.lost(now, limits.Heartbeat) {
			s.ledger.AbortOf(b.index, "coordinate BE is down")
		}
	}
	s.tasks.sweep(s, now, &limits)
	s.forgetPrepared()
}

// Sweep does at once what the servers do now and then: timeouts, labels beyond the
// kept number and age, heartbeats.
func (s *Server) Sweep() {
	s.lookAfter()
	s.ledger.Sweep()
}

// Ledger returns the transactions.
func (s *Server) Ledger() *ledger.Ledger { return s.ledger }

// Clock returns the time of the servers.
func (s *Server) Clock() *clock.Clock { return s.clock }

// Release returns the StarRocks release that is played.
func (s *Server) Release() release.Release { return s.release }

// ingestOptions are those of a load that begins now.
func (s *Server) ingestOptions() ingest.Options {
	l := s.Limits()
	return ingest.Options{Limits: l.Limits, Discard: s.discard, Release: s.release, Compile: s.compile, CompileIn: s.inZone, Now: s.clock.Now}
}

// FEAddr returns the host:port of the first FE, the leader unless that was moved.
func (s *Server) FEAddr() string { return s.frontends[0].node.Addr() }

// BEAddr returns the host:port of the first BE.
func (s *Server) BEAddr() string { return s.backends[0].node.Addr() }

// Arm arms a fault and returns its number.
func (s *Server) Arm(f fault.Fault) (int64, error) { return s.faults.Arm(f) }

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() { s.faults.Clear(0) }

// Faults returns what is armed, with how often each fault has shown.
func (s *Server) Faults() []fault.Fault { return s.faults.List() }

// Requests returns the newest requests to FE and BE, oldest first.
func (s *Server) Requests() []journal.Request { return s.journal.List(true) }

// ClearRequests empties the request log.
func (s *Server) ClearRequests() { s.journal.Clear() }

// Capture turns the keeping of bodies in the request log on or off.
func (s *Server) Capture(on bool) { s.journal.Capture(on) }

// Counters returns how much was asked and done since the start, by name.
func (s *Server) Counters() map[string]int64 {
	c := &s.counters
	return map[string]int64{
		"feRedirects": c.redirects.Load(), "loads": c.loads.Load(), "loadsSucceeded": c.succeeded.Load(), "loadsFailed": c.failed.Load(),
		"rowsLoaded": c.rows.Load(), "bytesReceived": c.bytes.Load(),
	}
}

// Loads returns the newest loads, oldest first.
func (s *Server) Loads() []ledger.Info { return s.ledger.Loads() }

// ErrorLog returns the error log that an ErrorURL names, empty when it is gone.
func (s *Server) ErrorLog(errorURL string) string { return s.logs.text(errorURL) }

// LabelState returns the state of a label and why it was aborted, if it was.
func (s *Server) LabelState(db, label string) (ledger.State, string) {
	return s.ledger.State(db, label)
}

// Discarded returns the rows counted for a table in discard mode.
func (s *Server) Discarded(db, table string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.discarded[db+"."+table]
}

// pause waits; it ends early when ctx ends or the server closes.
func (s *Server) pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
}
