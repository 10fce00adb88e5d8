package load

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gx-etl/gx/test/sandbox/node"
)

// backend is one BE.
type backend struct {
	s       *Server
	index   int
	node    *node.Node
	life    atomic.Pointer[life]
	loading atomic.Int32 // Stream Loads under way, for the limiter

	change sync.Mutex // held while the BE starts or stops
	mu     sync.Mutex // guards seen
	seen   heartbeat
}

// life is what a BE process keeps in memory, and loses when it stops.
type life struct {
	ctx context.Context // ends with the process
	end context.CancelFunc

	workers workers

	mu sync.Mutex // guards the following
	// txns are the open transactions of the transaction interface by label: as on
	// the real server, whatever their database.
	txns map[string]*txn
	// pipes are those of the transactions that an FE keeps.
	pipes map[pipeKey]*txn
}

type pipeKey struct {
	label, table string
	channel      int
}

func newLife(ctx context.Context) *life {
	l := &life{txns: map[string]*txn{}, pipes: map[pipeKey]*txn{}}
	l.ctx, l.end = context.WithCancel(ctx)
	return l
}

// over says that the process has ended: it can tell no one anything any more.
func (l *life) over() bool { return l.ctx.Err() != nil }

// heartbeat is what the FE knows of a BE: how it was at the last full interval.
type heartbeat struct {
	up      bool      // whether the BE runs
	changed time.Time // since when
	now     bool      // what the FE takes it for
	told    bool      // the FE has aborted what the BE coordinated
}

// settle moves the FE's knowledge on to now.
func (h *heartbeat) settle(now time.Time, every time.Duration) {
	if h.now != h.up && (every <= 0 || !h.changed.After(now.Truncate(every)) || now.Sub(h.changed) >= every) {
		h.now = h.up
	}
	if h.now {
		h.told = false
	}
}

// alive says whether the FE takes the BE for alive, which lags behind the truth by
// a heartbeat at most.
func (b *backend) alive() bool {
	every, now := b.s.Limits().Heartbeat, b.s.clock.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen.settle(now, every)
	return b.seen.now
}

// lost says once that the FE has found the BE gone.
func (b *backend) lost(now time.Time, every time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen.settle(now, every)
	if b.seen.now || b.seen.told {
		return false
	}
	b.seen.told = true
	return true
}

func (b *backend) note(up bool) {
	every, now := b.s.Limits().Heartbeat, b.s.clock.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen.settle(now, every)
	b.seen.up, b.seen.changed = up, now
}

// StopBackend stops a BE as a crash does: connections are cut, and what it kept in
// memory is gone. The FE notices within a heartbeat.
func (s *Server) StopBackend(i int) error {
	b, err := pick(s.backends, i, "BE")
	if err != nil {
		return err
	}
	b.change.Lock()
	defer b.change.Unlock()
	b.life.Load().end()
	b.note(false)
	return b.node.Stop()
}

// StartBackend starts a stopped BE on its old port, with an empty memory.
func (s *Server) StartBackend(i int) error {
	b, err := pick(s.backends, i, "BE")
	if err != nil {
		return err
	}
	b.change.Lock()
	defer b.change.Unlock()
	if b.node.Up() {
		return nil
	}
	b.life.Store(newLife(s.ctx))
	if err := b.node.Start(); err != nil {
		return fmt.Errorf("BE %d: %w", i, err)
	}
	b.note(true)
	return nil
}

// RestartBackend is StopBackend and StartBackend.
func (s *Server) RestartBackend(i int) error {
	if err := s.StopBackend(i); err != nil {
		return err
	}
	return s.StartBackend(i)
}

// frontend is one FE.
type frontend struct {
	s        *Server
	index    int
	node     *node.Node
	affinity affinity
}

func (f *frontend) isLeader() bool { return int(f.s.leader.Load()) == f.index }

// StopFrontend stops an FE: connections are cut, and transactions that are only in
// its memory are gone if it was the leader. The others do not take over by
// themselves; see MoveLeader.
func (s *Server) StopFrontend(i int) error {
	f, err := pick(s.frontends, i, "FE")
	if err != nil {
		return err
	}
	err = f.node.Stop()
	f.affinity.clear()
	if f.isLeader() {
		s.newLeader()
	}
	return err
}

// StartFrontend starts a stopped FE on its old port.
func (s *Server) StartFrontend(i int) error {
	f, err := pick(s.frontends, i, "FE")
	if err != nil {
		return err
	}
	if err := f.node.Start(); err != nil {
		return fmt.Errorf("FE %d: %w", i, err)
	}
	return nil
}

// MoveLeader makes another FE the leader. Transactions that were begun and not
// prepared are lost, as after a failover of the real FEs; prepared ones stay.
func (s *Server) MoveLeader(i int) error {
	f, err := pick(s.frontends, i, "FE")
	if err != nil {
		return err
	}
	if !f.node.Up() {
		return fmt.Errorf("FE %d is stopped", i)
	}
	if int(s.leader.Swap(int32(i))) == i {
		return nil
	}
	f.affinity.clear()
	s.newLeader()
	return nil
}

func (s *Server) newLeader() {
	s.ledger.LeaderChanged()
	s.tasks.leaderChanged()
}

func pick[T any](list []T, i int, what string) (T, error) {
	if i < 0 || i >= len(list) {
		var none T
		return none, fmt.Errorf("there is no %s %d, only 0 to %d", what, i, len(list)-1)
	}
	return list[i], nil
}

// NodeInfo describes an FE or BE.
type NodeInfo struct {
	Addr   string `json:"addr"` // host:port of its HTTP server
	Up     bool   `json:"up"`
	Alive  bool   `json:"alive"`  // as the leader FE sees it
	Leader bool   `json:"leader"` // FEs
}

// Frontends lists the FEs.
func (s *Server) Frontends() []NodeInfo {
	out := make([]NodeInfo, len(s.frontends))
	for i, f := range s.frontends {
		up := f.node.Up()
		out[i] = NodeInfo{Addr: f.node.Addr(), Up: up, Alive: up, Leader: f.isLeader()}
	}
	return out
}

// Backends lists the BEs.
func (s *Server) Backends() []NodeInfo {
	out := make([]NodeInfo, len(s.backends))
	for i, b := range s.backends {
		out[i] = NodeInfo{Addr: b.node.Addr(), Up: b.node.Up(), Alive: b.alive()}
	}
	return out
}

// nextBackend chooses BEs in turn among those that live, nil when none does.
func (s *Server) nextBackend() *backend {
	from := s.rounds.Add(1) - 1
	for i := range s.backends {
		if b := s.backends[(from+uint64(i))%uint64(len(s.backends))]; b.alive() {
			return b
		}
	}
	return nil
}

// toLeader sends a request on to the leader FE and says whether it did.
func (f *frontend) toLeader(w http.ResponseWriter, r *http.Request) bool {
	if f.isLeader() {
		return false
	}
	f.redirectTo(w, r, f.s.frontends[f.s.leader.Load()].node.Addr())
	return true
}

func (f *frontend) redirectTo(w http.ResponseWriter, r *http.Request, addr string) {
	w.Header().Set("Location", locationAt(addr, r))
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// locationAt is the request's own address at another server, without user info.
func locationAt(addr string, r *http.Request) string {
	location := "http://" + addr + r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		location += "?" + r.URL.RawQuery
	}
	return location
}
