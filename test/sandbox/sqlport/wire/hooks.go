package wire

import (
	"context"
	"net"
	"time"
)

// Hooks let a test make a Server misbehave. They are set before Listen; functions
// that are nil do nothing. They are called from many connections at once.
type Hooks struct {
	// Listener may wrap the listener.
	Listener func(net.Listener) net.Listener
	// Login is asked when a client has proven who it is. Its error is what the
	// client sees, and the connection ends.
	Login func(ctx context.Context, who Info) error
	// Statement is asked before each statement. It may wait, as long as ctx lasts.
	Statement func(ctx context.Context, s Info) *Mishap
}

// Mishap is what goes wrong with one statement.
type Mishap struct {
	// Err is the answer in place of the statement, unless it is nil.
	Err error
	// Infile is the name of a file that the client is asked to send, if it is not
	// empty. InfileGot gets the bytes that came; the statement is then answered OK.
	Infile    string
	InfileGot func(p []byte)
	// AfterRows counts rows of results; when so many have been written, or the
	// results end, RowErr stands in place of the rest or Cut ends the connection.
	AfterRows int64
	RowErr    error
	Cut       func(net.Conn)
	// BytesPerSecond is how fast results leave; 0 means as fast as they can.
	BytesPerSecond int64
}

func (c *Conn) login(ctx context.Context, l login) error {
	if c.server.Hooks.Login == nil {
		return nil
	}
	return c.server.Hooks.Login(ctx, Info{ID: c.ID, User: l.user, Host: c.Remote, DB: l.db})
}

// mishap asks what goes wrong with the running statement, nil for nothing.
func (c *Conn) mishap(ctx context.Context) *Mishap {
	if c.server.Hooks.Statement == nil {
		return nil
	}
	c.mu.Lock()
	info := c.info
	c.mu.Unlock()
	return c.server.Hooks.Statement(ctx, info)
}

// run lets a statement answer into w, with what goes wrong on the way.
func (c *Conn) run(ctx context.Context, w *Result, statement func() error) error {
	m := c.mishap(ctx)
	if m == nil {
		if err := statement(); err != nil {
			return c.sendError(err)
		}
		return c.p.flush()
	}
	switch {
	case m.Err != nil:
		return c.sendError(m.Err)
	case m.Infile != "":
		return c.askForFile(m)
	}
	if m.RowErr != nil || m.Cut != nil {
		w.mishap, w.conn = m, c.net
	}
	if m.BytesPerSecond > 0 {
		c.p.pace.rate, c.p.pace.done = m.BytesPerSecond, c.server.ctx.Done()
		defer func() { c.p.pace.rate = 0 }()
	}
	if err := statement(); err != nil {
		return c.sendError(err)
	}
	return c.p.flush()
}

// askForFile asks the client for a file of its machine, as LOAD DATA LOCAL does.
func (c *Conn) askForFile(m *Mishap) error {
	if err := c.send(append([]byte{0xfb}, m.Infile...)); err != nil {
		return err
	}
	for {
		p, err := c.p.read()
		if err != nil {
			return err
		}
		if len(p) == 0 {
			return c.ok()
		}
		if m.InfileGot != nil {
			m.InfileGot(p)
		}
	}
}

// interrupted says what is to be answered in place of the next row or of the end of
// the rows, nil to go on.
func (r *Result) interrupted(end bool) error {
	if r.mishap == nil || !end && r.total < r.mishap.AfterRows {
		return nil
	}
	if r.mishap.Cut == nil {
		return r.mishap.RowErr
	}
	err := r.p.flush()
	r.mishap.Cut(r.conn)
	if err == nil {
		err = net.ErrClosed
	}
	return err
}

// paced writes to the connection, as slowly as it is told. One goroutine at a time.
type paced struct {
	net.Conn
	rate int64 // bytes a second; 0 is no limit
	done <-chan struct{}
}

func (p *paced) Write(b []byte) (int, error) {
	if p.rate == 0 {
		return p.Conn.Write(b)
	}
	sent := 0
	for sent < len(b) {
		n, err := p.Conn.Write(b[sent:min(len(b), sent+int(max(1, p.rate/20)))])
		sent += n
		if err != nil {
			return sent, err
		}
		t := time.NewTimer(time.Duration(n) * time.Second / time.Duration(p.rate))
		select {
		case <-t.C:
		case <-p.done:
			t.Stop()
			return sent, net.ErrClosed
		}
	}
	return sent, nil
}
