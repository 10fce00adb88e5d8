// Package control is the endpoint through which a test, or somebody with curl or a
// browser, sees what happens in the stand-in and makes it misbehave. It knows the
// rest of the stand-in by the small interfaces below only.
package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gx-etl/gx/test/sandbox/clock"
	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/journal"
)

// Options say what the endpoint serves. Source, Faults and Journal are required;
// for anything else that is nil the endpoint answers 501.
type Options struct {
	Addr    string // host:port to listen on
	Source  Source
	Faults  *fault.Set
	Journal *journal.Journal
	Clock   *clock.Clock
	Cluster Cluster
	Config  Config
	Labels  Labels
	Users   Users
	Querier Querier
	Saver   Saver
}

// Source tells what there is.
type Source interface {
	// Status returns everything but the faults, the seed and the clock, which the
	// endpoint adds.
	Status() Status
}

// Cluster is the servers, which can be stopped and started.
type Cluster interface {
	Nodes() []Node
	// Do makes the numbered node of the role ("fe" or "be") stop, start, restart
	// or lead. The error says what cannot be done.
	Do(ctx context.Context, role string, index int, verb string) error
}

// Config is the settings by their names in fe.conf and be.conf.
type Config interface {
	Settings() map[string]string
	// Set changes one. The error says what is wrong with name or value.
	Set(name, value string) error
}

// Labels is the memory of finished loads.
type Labels interface {
	// Sweep does at once what the server does from time to time: it aborts what
	// has timed out and forgets labels that are too old or too many.
	Sweep()
	// Forget drops one finished label and says whether it was there.
	Forget(db, label string) bool
}

// Users is who may log in.
type Users interface {
	// Add adds a user or changes the password.
	Add(name, password string)
	// SetReadOnly takes the INSERT privilege from a user, or gives it back.
	SetReadOnly(name string, readOnly bool)
	// Password returns the user's password; ok is false for an unknown user.
	Password(name string) (password string, ok bool)
}

// Querier runs SQL.
type Querier interface {
	// Query runs the statements of text in one session. Values are nil for NULL.
	Query(ctx context.Context, text string) ([]Result, error)
}

// Result is what one statement gave.
type Result struct {
	Columns  []string    `json:"columns,omitempty"`
	Rows     [][]*string `json:"rows,omitempty"`
	Affected int64       `json:"affected"`
}

// Saver writes the state to the data folder.
type Saver interface {
	Save() error
}

// Server is the running endpoint.
type Server struct {
	o      Options
	l      net.Listener
	http   *http.Server
	served sync.WaitGroup
}

// Start listens and serves until Close.
func Start(o Options) (*Server, error) {
	if o.Source == nil || o.Faults == nil || o.Journal == nil {
		return nil, errors.New("control: Source, Faults and Journal are required")
	}
	l, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("the control endpoint cannot listen on %s: %w", o.Addr, err)
	}
	s := &Server{o: o, l: l}
	// What the HTTP server would log are clients that hung up.
	s.http = &http.Server{Handler: Handler(o), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	s.served.Go(func() { _ = s.http.Serve(l) }) // always ends with an error: that the listener was closed
	return s, nil
}

// Addr returns host:port of the endpoint.
func (s *Server) Addr() string { return s.l.Addr().String() }

// closeWithin is how long running requests may take to end.
const closeWithin = 5 * time.Second

// Close stops listening, lets running requests end, and cuts those that do not.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	s.served.Wait()
	return err
}
