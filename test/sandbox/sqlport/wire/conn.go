package wire

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

const (
	comQuit        byte = 0x01
	comInitDB      byte = 0x02
	comQuery       byte = 0x03
	comFieldList   byte = 0x04
	comPing        byte = 0x0e
	comChangeUser  byte = 0x11
	comPrepare     byte = 0x16
	comExecute     byte = 0x17
	comLongData    byte = 0x18
	comStmtClose   byte = 0x19
	comStmtReset   byte = 0x1a
	comSetOption   byte = 0x1b
	comResetConn   byte = 0x1f
	handshakeLimit      = 10 * time.Second
	maxPrepared         = 1024
)

// Conn is one client connection. Its exported fields are set before the
// session opens and do not change, except after COM_CHANGE_USER.
type Conn struct {
	ID     uint32
	User   string
	Remote string

	server *Server
	net    net.Conn
	p      *packets
	caps   uint32

	prepared map[uint32]*statement
	lastStmt uint32

	// mu guards the following.
	mu     sync.Mutex
	cancel context.CancelCauseFunc // of the running command; nil between two
	info   Info
}

// Info is what a process list shows of a connection.
type Info struct {
	ID      uint32
	User    string
	Host    string
	DB      string
	Command string // Query or Sleep
	Since   time.Time
	Text    string
}

// ErrKilled is the cause of a statement's context when KILL ended it.
var ErrKilled = errors.New("killed by a KILL statement")

// SetDB tells the process list which database the session uses.
func (c *Conn) SetDB(db string) {
	c.mu.Lock()
	c.info.DB = db
	c.mu.Unlock()
}

func (c *Conn) send(msg []byte) error {
	if err := c.p.write(msg); err != nil {
		return err
	}
	return c.p.flush()
}

func (c *Conn) ok() error { return c.send(appendOK(nil, 0, 0, 0, statusAutocommit, "")) }

// sendError reports err to the client. The returned error is one of the socket.
func (c *Conn) sendError(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Code: 1105, Message: err.Error()}
	}
	b := append([]byte{0xff, byte(e.Code), byte(e.Code >> 8), '#'}, e.state()...)
	return c.send(append(b, e.Message...))
}

// serve runs the connection until the client leaves or is thrown out.
func (c *Conn) serve(ctx context.Context) {
	defer c.net.Close()
	c.net.SetDeadline(time.Now().Add(handshakeLimit))
	l, err := c.handshake()
	if err != nil {
		if errors.As(err, new(*Error)) {
			c.sendError(err)
		}
		return
	}
	c.net.SetDeadline(time.Time{})
	c.User, c.caps = l.user, l.caps
	c.mu.Lock()
	c.info = Info{ID: c.ID, User: c.User, Host: c.Remote, Command: "Sleep", Since: time.Now()}
	c.mu.Unlock()

	if err := c.login(ctx, l); err != nil {
		c.sendError(err)
		return
	}
	s := c.server.handler.Open(c)
	defer s.Close()
	if l.db != "" {
		if err := s.Use(ctx, l.db); err != nil {
			c.sendError(err)
			return
		}
	}
	if c.ok() != nil {
		return
	}
	for {
		c.p.seq = 0
		msg, err := c.p.read()
		if errors.Is(err, errTooBig) {
			c.sendError(Errorf(1153, "08S01", "Got a packet bigger than 'max_allowed_packet' bytes"))
			return
		}
		if err != nil || len(msg) == 0 || msg[0] == comQuit {
			return
		}
		if c.command(ctx, s, msg) != nil {
			return
		}
	}
}

// begin marks a command as running, so that KILL can end it.
func (c *Conn) begin(ctx context.Context, text string) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	c.mu.Lock()
	c.cancel = cancel
	c.info.Command, c.info.Text, c.info.Since = "Query", text, time.Now()
	c.mu.Unlock()
	return ctx, func() {
		c.mu.Lock()
		c.cancel = nil
		c.info.Command, c.info.Text, c.info.Since = "Sleep", "", time.Now()
		c.mu.Unlock()
		cancel(nil)
	}
}

// command answers one request. An error means the connection is of no more use.
func (c *Conn) command(ctx context.Context, s Session, msg []byte) error {
	body := msg[1:]
	switch msg[0] {
	case comInitDB:
		return c.reply(s.Use(ctx, string(body)))
	case comPing:
		return c.ok()
	case comQuery:
		return c.query(ctx, s, string(body))
	case comFieldList:
		return c.fieldList(ctx, s, body)
	case comPrepare:
		return c.prepare(ctx, s, string(body))
	case comExecute:
		return c.execute(ctx, s, body)
	case comLongData:
		c.longData(body) // has no answer by definition
		return nil
	case comStmtClose:
		f := &fields{b: body}
		delete(c.prepared, f.uint32())
		return nil
	case comStmtReset:
		f := &fields{b: body}
		st := c.prepared[f.uint32()]
		if st == nil {
			return c.sendError(unknownStatement("mysqld_stmt_reset"))
		}
		st.long = nil
		return c.ok()
	case comSetOption:
		f := &fields{b: body}
		switch f.uint16() {
		case 0:
			c.caps |= capMultiStatements
		case 1:
			c.caps &^= capMultiStatements
		default:
			return c.sendError(Errorf(1047, "08S01", "Unknown command"))
		}
		return c.send([]byte{0xfe, 0, 0, byte(statusAutocommit), 0})
	case comResetConn:
		s.Reset()
		c.prepared = nil
		return c.ok()
	case comChangeUser:
		return c.changeUser(ctx, s, body)
	default:
		return c.sendError(Errorf(1047, "08S01", "Unknown command"))
	}
}

func (c *Conn) reply(err error) error {
	if err != nil {
		return c.sendError(err)
	}
	return c.ok()
}

func (c *Conn) result(binary bool) *Result {
	return &Result{p: c.p, binary: binary, eof: c.caps&capDeprecateEOF == 0}
}

// MultiStatements says whether the client announced that it can take more than
// one result for one request.
func (c *Conn) MultiStatements() bool { return c.caps&capMultiStatements != 0 }

// query runs text. An error after the first row goes to the client in place of
// the end of the rows.
func (c *Conn) query(ctx context.Context, s Session, text string) error {
	qctx, done := c.begin(ctx, text)
	defer done()
	w := c.result(false)
	return c.run(qctx, w, func() error { return s.Query(qctx, text, w) })
}

// fieldList answers the old command that lists a table's columns.
func (c *Conn) fieldList(ctx context.Context, s Session, body []byte) error {
	f := &fields{b: body}
	table := f.nulString()
	if err := f.err(); err != nil {
		return c.sendError(err)
	}
	qctx, done := c.begin(ctx, "")
	defer done()
	cols, err := s.Fields(qctx, table)
	if err != nil {
		return c.sendError(err)
	}
	for _, col := range cols {
		if err := c.p.write(append(col.definition(nil), 0xfb)); err != nil {
			return err
		}
	}
	return c.send([]byte{0xfe, 0, 0, byte(statusAutocommit), 0})
}

// changeUser authenticates again on the open connection.
func (c *Conn) changeUser(ctx context.Context, s Session, body []byte) error {
	f := &fields{b: append([]byte(nil), body...)}
	user := f.nulString()
	f.take(int(f.uint8())) // a reply to the old salt; a fresh one is asked for
	db := f.nulString()
	if err := f.err(); err != nil {
		return c.sendError(err)
	}
	salt := newSalt()
	answer, err := c.switchAuth(salt)
	if err != nil {
		return err
	}
	if err := c.check(user, answer, salt); err != nil {
		c.sendError(err)
		return err
	}
	c.User, c.prepared = user, nil
	c.mu.Lock()
	c.info.User = user
	c.mu.Unlock()
	s.Reset()
	if db != "" {
		return c.reply(s.Use(ctx, db))
	}
	return c.ok()
}

// QuoteName returns an identifier in backquotes.
func QuoteName(name string) string {
	b := make([]byte, 0, len(name)+2)
	b = append(b, '`')
	for i := range len(name) {
		if name[i] == '`' {
			b = append(b, '`')
		}
		b = append(b, name[i])
	}
	return string(append(b, '`'))
}
