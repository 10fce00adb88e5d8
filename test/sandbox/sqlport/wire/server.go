package wire

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"
)

// Server listens, and owns every connection it accepted.
type Server struct {
	// Version is what the greeting shows as the server's version.
	Version string
	// MaxPacket is the largest request in bytes.
	MaxPacket int
	// Hooks make it misbehave. Set before Listen.
	Hooks Hooks

	handler Handler
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup

	// mu guards the following.
	mu     sync.Mutex
	l      net.Listener
	conns  map[uint32]*Conn
	nextID uint32
	closed bool
}

// NewServer makes a server that is not listening yet.
func NewServer(h Handler, version string) *Server {
	ctx, stop := context.WithCancel(context.Background())
	return &Server{Version: version, MaxPacket: 64 << 20, handler: h, ctx: ctx, stop: stop, conns: map[uint32]*Conn{}}
}

// Listen opens addr (host:port, port 0 for any) and starts to accept. It may be
// called once.
func (s *Server) Listen(addr string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	if s.l != nil {
		return errors.New("the server listens already on " + s.l.Addr().String())
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if s.Hooks.Listener != nil {
		l = s.Hooks.Listener(l)
	}
	s.l = l
	s.running.Go(func() { s.accept(l) })
	return nil
}

// Addr returns the listening address, or nothing before Listen.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.l == nil {
		return ""
	}
	return s.l.Addr().String()
}

// Close stops listening, ends every connection with its running statement, and
// returns when all of them are gone.
func (s *Server) Close() error {
	s.mu.Lock()
	var err error
	if !s.closed && s.l != nil {
		err = s.l.Close()
	}
	s.closed = true
	s.stop()
	for _, c := range s.conns {
		c.net.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
	return err
}

func (s *Server) accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Out of file descriptors, or the peer left already: the next try
			// may succeed, but not at once.
			select {
			case <-time.After(10 * time.Millisecond):
				continue
			case <-s.ctx.Done():
				return
			}
		}
		if tcp, ok := nc.(*net.TCPConn); ok {
			tcp.SetNoDelay(true)
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			nc.Close()
			return
		}
		s.nextID++
		c := &Conn{ID: s.nextID, Remote: nc.RemoteAddr().String(), server: s, net: nc, p: newPackets(nc, s.MaxPacket)}
		s.conns[c.ID] = c
		s.running.Go(func() {
			c.serve(s.ctx)
			s.mu.Lock()
			delete(s.conns, c.ID)
			s.mu.Unlock()
		})
		s.mu.Unlock()
	}
}

// Kill ends the running statement of a connection, or the connection itself
// when whole is set. It reports whether the connection exists; a connection
// without a running statement survives a Kill that is not whole.
func (s *Server) Kill(id uint32, whole bool) bool {
	s.mu.Lock()
	c := s.conns[id]
	s.mu.Unlock()
	if c == nil {
		return false
	}
	c.mu.Lock()
	if c.cancel != nil {
		c.cancel(ErrKilled)
	}
	c.mu.Unlock()
	if whole {
		c.net.Close()
	}
	return true
}

// List returns the authenticated connections by id.
func (s *Server) List() []Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Info
	for _, c := range s.conns {
		c.mu.Lock()
		if c.info.ID != 0 {
			list = append(list, c.info)
		}
		c.mu.Unlock()
	}
	slices.SortFunc(list, func(a, b Info) int { return int(a.ID) - int(b.ID) })
	return list
}
