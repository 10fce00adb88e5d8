// Package load is the HTTP half of the StarRocks stand-in: an FE that
// authenticates and redirects, a BE that receives Stream Loads, and a control
// endpoint that shows what happened and arms faults.
package load

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gx-etl/gx/test/sandbox/expression"
	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/ingest"
	"github.com/gx-etl/gx/test/sandbox/ledger"
	"github.com/gx-etl/gx/test/sandbox/release"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// Limits are the settings of the server that tests like to lower. A zero field
// takes the server's default.
type Limits struct {
	ingest.Limits
	LabelKeepNum  int           // label_keep_max_num, default 1000
	LabelKeepAge  time.Duration // label_keep_max_second, default 3 days
	MaxRunningTxn int           // max_running_txn_num_per_db, default 1000
}

func (l *Limits) defaults() {
	l.SetDefaults()
	if l.LabelKeepNum == 0 {
		l.LabelKeepNum = 1000
	}
	if l.LabelKeepAge == 0 {
		l.LabelKeepAge = 72 * time.Hour
	}
	if l.MaxRunningTxn == 0 {
		l.MaxRunningTxn = 1000
	}
}

// Options configure a Server. Empty addresses choose a free port, the FE on
// 127.0.0.1 and the BE on 127.0.0.2, so that a client which loses its
// credentials on the redirect fails.
type Options struct {
	Store *store.Store
	// FE, BE and Control are listen addresses, host:port.
	FE, BE, Control string
	// Discard drains bodies and counts their rows without storing them. Rows
	// are then neither converted nor checked.
	Discard bool
	Limits  Limits
	// Release is the StarRocks release to play, the newest when zero.
	Release release.Release
	// Compile prepares the expressions of columns and where headers; without it
	// loads that have some are refused.
	Compile expression.Compiler
}

// Server is the running HTTP half. All methods are safe for concurrent use.
type Server struct {
	store   *store.Store
	discard bool
	limits  Limits
	ingest  ingest.Options
	ledger  *ledger.Ledger
	faults  fault.Set
	journal journal
	logs    errorLogs
	started time.Time

	servers   []*http.Server
	listeners map[string]net.Listener
	serving   sync.WaitGroup // accept loops
	handling  sync.WaitGroup // requests and late publishes under way
	closing   chan struct{}
	closeOnce sync.Once
	closeErr  error

	counters counters

	mu        sync.Mutex // guards the following
	closed    bool       // no handler may start any more
	published map[int64]chan struct{}
	discarded map[string]int64  // rows by "db.table"
	addresses map[string]string // of the whole sandbox, for the status page
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
	o.Limits.defaults()
	s := &Server{
		store: o.Store, discard: o.Discard, limits: o.Limits, started: time.Now(),
		ingest:    ingest.Options{Limits: o.Limits.Limits, Discard: o.Discard, Release: o.Release, Compile: o.Compile},
		ledger:    ledger.New(o.Limits.LabelKeepNum, o.Limits.LabelKeepAge, o.Limits.MaxRunningTxn),
		listeners: map[string]net.Listener{}, closing: make(chan struct{}),
		published: map[int64]chan struct{}{}, discarded: map[string]int64{}, addresses: map[string]string{},
	}
	for _, l := range []struct {
		name, addr, fallback string
		handler              http.HandlerFunc
	}{
		{"feHttp", o.FE, "127.0.0.1:0", s.serveFE},
		{"beHttp", o.BE, "127.0.0.2:0", s.serveBE},
		{"control", o.Control, "127.0.0.1:0", s.serveControl},
	} {
		if l.addr == "" {
			l.addr = l.fallback
		}
		if err := s.listen(l.name, l.addr, l.handler); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// socketBuffer is asked of the kernel for every connection, in bytes.
const socketBuffer = 4 << 20

func (s *Server) listen(name, addr string, handler http.HandlerFunc) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("load: %s cannot listen on %s: %w", name, addr, err)
	}
	s.listeners[name] = l
	s.addresses[name] = l.Addr().String()
	srv := &http.Server{
		Handler:           s.tracked(handler),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(discardLog{}, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if tcp, ok := c.(*net.TCPConn); ok {
				// A smaller buffer than asked for only costs speed.
				_ = tcp.SetReadBuffer(socketBuffer)
			}
			return ctx
		},
	}
	s.servers = append(s.servers, srv)
	s.serving.Add(1)
	go func() {
		defer s.serving.Done()
		// Serve always ends with an error: that the listener was closed.
		_ = srv.Serve(l)
	}()
	return nil
}

type discardLog struct{}

func (discardLog) Write(p []byte) (int, error) { return len(p), nil }

// tracked lets Close wait for the handlers.
func (s *Server) tracked(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
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
		close(s.closing)
		for _, srv := range s.servers {
			if err := srv.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				s.closeErr = errors.Join(s.closeErr, err)
			}
		}
		s.serving.Wait()
		s.handling.Wait()
		s.ledger.Stop()
	})
	return s.closeErr
}

// FEAddr returns the host:port of the FE.
func (s *Server) FEAddr() string { return s.listeners["feHttp"].Addr().String() }

// BEAddr returns the host:port of the BE.
func (s *Server) BEAddr() string { return s.listeners["beHttp"].Addr().String() }

// ControlAddr returns the host:port of the control endpoint.
func (s *Server) ControlAddr() string { return s.listeners["control"].Addr().String() }

// Describe adds the address of another part of the sandbox to the status page.
func (s *Server) Describe(name, addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addresses[name] = addr
}

// Arm arms a fault and returns its number.
func (s *Server) Arm(f fault.Fault) (int64, error) { return s.faults.Arm(f) }

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() { s.faults.Clear(0) }

// Faults returns what is armed, with how often each fault has shown.
func (s *Server) Faults() []fault.Fault { return s.faults.List() }

// Requests returns the newest requests to FE and BE, oldest first.
func (s *Server) Requests() []Request { return s.journal.list(true) }

// ClearRequests empties the request log.
func (s *Server) ClearRequests() { s.journal.clear() }

// Capture turns the keeping of bodies in the request log on or off.
func (s *Server) Capture(on bool) { s.journal.setCapture(on) }

// Loads returns the newest loads, oldest first.
func (s *Server) Loads() []ledger.Info { return s.ledger.Loads() }

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

// pause waits; it ends early when the client leaves or the server closes.
func (s *Server) pause(ctx context.Context, millis int) {
	t := time.NewTimer(time.Duration(millis) * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-s.closing:
	}
}

// turn returns the token that lets one load of the table at a time become
// visible: versions of a table are published in the order of their commits.
func (s *Server) turn(t *store.Table) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.published[t.ID()]
	if c == nil {
		c = make(chan struct{}, 1)
		s.published[t.ID()] = c
	}
	return c
}
