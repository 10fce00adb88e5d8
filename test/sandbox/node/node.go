// Package node runs the HTTP server of one FE or BE: on an address of its own, from
// which it can vanish and to which it can come back.
package node

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Node is one HTTP server. It is safe for concurrent use.
type Node struct {
	handler http.Handler
	wrap    func(net.Listener) net.Listener // may be nil
	addr    string

	change  sync.Mutex // held while the node starts or stops
	mu      sync.Mutex // guards srv
	srv     *http.Server
	serving sync.WaitGroup // the accept loop
}

// socketBuffer is asked of the kernel for every connection, in bytes.
const socketBuffer = 4 << 20

// Listen starts a server on addr, host:port; port 0 chooses one, which the node
// keeps for life. wrap, unless it is nil, may change the listener of each start.
func Listen(addr string, h http.Handler, wrap func(net.Listener) net.Listener) (*Node, error) {
	n := &Node{handler: h, addr: addr, wrap: wrap}
	return n, n.Start()
}

// Addr returns host:port, also while the node is stopped.
func (n *Node) Addr() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.addr
}

// Up says whether the node runs.
func (n *Node) Up() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.srv != nil
}

// Start listens on the node's address again. The error of net.Listen comes when
// another process has taken the port meanwhile; a running node stays as it is.
func (n *Node) Start() error {
	n.change.Lock()
	defer n.change.Unlock()
	if n.Up() {
		return nil
	}
	l, err := net.Listen("tcp", n.Addr())
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", n.Addr(), err)
	}
	srv := &http.Server{
		Handler:           n.handler,
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(nowhere{}, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if tcp, ok := c.(*net.TCPConn); ok {
				// A smaller buffer than asked for only costs speed.
				_ = tcp.SetReadBuffer(socketBuffer)
			}
			return ctx
		},
	}
	addr := l.Addr().String()
	if n.wrap != nil {
		l = n.wrap(l)
	}
	n.mu.Lock()
	n.addr, n.srv = addr, srv
	n.mu.Unlock()
	n.serving.Add(1)
	go func() {
		defer n.serving.Done()
		// Serve always ends with an error: that the listener was closed.
		_ = srv.Serve(l)
	}()
	return nil
}

// Stop cuts all connections and closes the port. Handlers may still be running
// when it returns; what they read and write fails.
func (n *Node) Stop() error {
	n.change.Lock()
	defer n.change.Unlock()
	n.mu.Lock()
	srv := n.srv
	n.srv = nil
	n.mu.Unlock()
	if srv == nil {
		return nil
	}
	err := srv.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	n.serving.Wait()
	return err
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
