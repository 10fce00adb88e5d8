package wire

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memConn is a connection that only reads.
type memConn struct {
	net.Conn
	r io.Reader
}

func (c *memConn) Read(b []byte) (int, error)  { return c.r.Read(b) }
func (c *memConn) Write(b []byte) (int, error) { return len(b), nil }

// echo is a server whose sessions answer a query with its own text.
type echo struct {
	mu      sync.Mutex
	closed  int
	blocked chan struct{} // receives when the query "block" has begun
}

func (e *echo) Password(user string) (string, bool) {
	p, ok := map[string]string{"root": "", "app": "secret"}[user]
	return p, ok
}

func (e *echo) Open(*Conn) Session { return &echoSession{e: e} }

type echoSession struct{ e *echo }

func (s *echoSession) Use(_ context.Context, db string) error {
	if db == "none" {
		return Errorf(1049, "42000", "Unknown database '%s'", db)
	}
	return nil
}

func (s *echoSession) Query(ctx context.Context, text string, w *Result) error {
	switch {
	case text == "block":
		s.e.blocked <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	case text == "ok":
		return w.OK(300, 0, "info")
	case text == "fail":
		return errors.New("plain error")
	case text == "late":
		if err := w.Columns([]Column{{Name: "c", Type: TypeVarString}}); err != nil {
			return err
		}
		w.BeginRow()
		w.String("one")
		if err := w.EndRow(); err != nil {
			return err
		}
		return Errorf(1317, "70100", "interrupted")
	}
	if err := w.Columns([]Column{{Name: "c", Type: TypeVarString, Charset: CharsetUTF8}}); err != nil {
		return err
	}
	w.BeginRow()
	w.String(text)
	if err := w.EndRow(); err != nil {
		return err
	}
	return w.End()
}

func (s *echoSession) Prepare(context.Context, string) (Prepared, error) {
	return Prepared{Text: "p", Params: 1}, nil
}

func (s *echoSession) Fields(_ context.Context, table string) ([]Column, error) {
	return []Column{{Name: table, Type: TypeLong}}, nil
}

func (s *echoSession) Execute(_ context.Context, _ Prepared, args []Arg, w *Result) error {
	if err := w.Columns([]Column{{Name: "n", Type: TypeLongLong}, {Name: "f", Type: TypeDouble}, {Name: "d", Type: TypeDateTime}, {Name: "x", Type: TypeLong}}); err != nil {
		return err
	}
	w.BeginRow()
	w.Int(-5)
	w.String("1.5")
	w.String("2024-01-02 03:04:05.000006")
	w.Null()
	if err := w.EndRow(); err != nil {
		return err
	}
	return w.End()
}

func (s *echoSession) Reset() {}

func (s *echoSession) Close() {
	s.e.mu.Lock()
	s.e.closed++
	s.e.mu.Unlock()
}

// client speaks the protocol by hand.
type client struct {
	t    *testing.T
	nc   net.Conn
	p    *packets
	salt []byte
}

func start(t *testing.T) (*Server, *echo) {
	t.Helper()
	e := &echo{blocked: make(chan struct{}, 1)}
	s := NewServer(e, "8.0.33")
	if err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, e
}

func dial(t *testing.T, s *Server) *client {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	c := &client{t: t, nc: nc, p: newPackets(nc, 1<<30)}
	hello := c.read()
	f := &fields{b: hello[1:]}
	if v := f.nulString(); v != "8.0.33" {
		t.Fatalf("server version %q", v)
	}
	f.take(4)
	c.salt = append(c.salt, f.take(8)...)
	f.take(1 + 2 + 1 + 2 + 2 + 1 + 10)
	c.salt = append(c.salt, f.take(12)...)
	if f.bad {
		t.Fatal("short greeting")
	}
	return c
}

// login authenticates without a password.
func login4(t *testing.T, s *Server, caps uint32) *client {
	t.Helper()
	c := dial(t, s)
	c.send(loginMessage(caps, "root", nil, "", nativePassword))
	c.wantOK()
	return c
}

func (c *client) read() []byte {
	c.t.Helper()
	msg, err := c.p.read()
	if err != nil {
		c.t.Fatal(err)
	}
	return append([]byte(nil), msg...)
}

func (c *client) send(msg []byte) {
	c.t.Helper()
	if err := c.p.write(msg); err != nil {
		c.t.Fatal(err)
	}
	if err := c.p.flush(); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) command(msg []byte) {
	c.t.Helper()
	c.p.seq = 0
	c.send(msg)
}

func (c *client) wantOK() {
	c.t.Helper()
	if msg := c.read(); msg[0] != 0 {
		c.t.Fatalf("no OK: %q", msg)
	}
}

func (c *client) wantError(code uint16, text string) {
	c.t.Helper()
	msg := c.read()
	if msg[0] != 0xff || binary.LittleEndian.Uint16(msg[1:]) != code || !strings.Contains(string(msg), text) {
		c.t.Fatalf("want error %d %q, got %q", code, text, msg)
	}
}

func (c *client) wantEnd() {
	c.t.Helper()
	if msg, err := c.p.read(); err == nil {
		c.t.Fatalf("the connection is open and says %q", msg)
	}
}

// scramble answers a salt as a client of mysql_native_password does.
func scramble(salt []byte, password string) []byte {
	if password == "" {
		return nil
	}
	once := sha1.Sum([]byte(password))
	twice := sha1.Sum(once[:])
	reply := sha1.Sum(append(append([]byte(nil), salt...), twice[:]...))
	for i := range reply {
		reply[i] ^= once[i]
	}
	return reply[:]
}

func TestAuthentication(t *testing.T) {
	s, _ := start(t)
	for _, c := range []struct {
		name, user, password, plugin string
		denied                       string
	}{
		{name: "no password", user: "root"},
		{name: "password", user: "app", password: "secret"},
		{name: "other plugin", user: "app", password: "secret", plugin: "caching_sha2_password"},
		{name: "wrong password", user: "app", password: "guess", denied: "Access denied for user 'app'@'127.0.0.1' (using password: YES)"},
		{name: "missing password", user: "app", denied: "Access denied for user 'app'@'127.0.0.1' (using password: NO)"},
		{name: "needless password", user: "root", password: "x", denied: "Access denied for user 'root'"},
		{name: "unknown user", user: "nobody", denied: "Access denied for user 'nobody'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := dial(t, s)
			plugin := nativePassword
			reply := scramble(cl.salt, c.password)
			if c.plugin != "" {
				plugin, reply = c.plugin, []byte("reply to another method")
			}
			cl.send(loginMessage(loginCaps&^capConnectWithDB, c.user, reply, "", plugin))
			if c.plugin != "" {
				ask := cl.read()
				if ask[0] != 0xfe || !bytes.Contains(ask, []byte(nativePassword)) {
					t.Fatalf("no request to switch: %q", ask)
				}
				cl.send(scramble(ask[len(nativePassword)+2:len(ask)-1], c.password))
			}
			if c.denied != "" {
				cl.wantError(1045, c.denied)
				cl.wantEnd()
				return
			}
			cl.wantOK()
			cl.command([]byte{comPing})
			cl.wantOK()
		})
	}
}

func TestHandshakeRefusals(t *testing.T) {
	s, _ := start(t)
	cl := dial(t, s)
	cl.send(loginMessage(capSecureConnection, "root", nil, "", nativePassword))
	cl.wantError(1251, "authentication protocol")
	cl.wantEnd()

	cl = dial(t, s)
	cl.send([]byte{1, 2})
	cl.wantEnd()

	cl = dial(t, s)
	cl.send(loginMessage(loginCaps, "root", nil, "none", nativePassword))
	cl.wantError(1049, "Unknown database 'none'")
	cl.wantEnd()
}

func TestCommands(t *testing.T) {
	s, e := start(t)
	cl := login4(t, s, loginCaps)

	cl.command(append([]byte{comInitDB}, "d"...))
	cl.wantOK()
	cl.command(append([]byte{comInitDB}, "none"...))
	cl.wantError(1049, "Unknown database")
	cl.command([]byte{comSetOption, 0, 0})
	if msg := cl.read(); msg[0] != 0xfe {
		t.Fatalf("set option: %q", msg)
	}
	cl.command([]byte{comSetOption, 7, 0})
	cl.wantError(1047, "Unknown command")
	cl.command([]byte{comResetConn})
	cl.wantOK()
	cl.command([]byte{0x55})
	cl.wantError(1047, "Unknown command")
	cl.command(append([]byte{comQuery}, "ok"...))
	if msg, want := cl.read(), []byte("\x00\xfc\x2c\x01\x00\x02\x00\x00\x00\x04info"); !bytes.Equal(msg, want) {
		t.Fatalf("OK with info: % x", msg)
	}
	cl.command(append([]byte{comQuery}, "fail"...))
	cl.wantError(1105, "plain error")
	cl.command(append([]byte{comStmtReset}, 9, 0, 0, 0))
	cl.wantError(1243, "Unknown prepared statement")
	cl.command(append([]byte{comExecute}, 9, 0, 0, 0, 0, 1, 0, 0, 0))
	cl.wantError(1243, "Unknown prepared statement")

	cl.command(append([]byte{comFieldList}, "t\x00"...))
	if msg := cl.read(); !bytes.Contains(msg, []byte("\x01t")) {
		t.Fatalf("field list: %q", msg)
	}
	if msg := cl.read(); msg[0] != 0xfe {
		t.Fatalf("end of field list: %q", msg)
	}

	// An error behind rows takes the place of their end.
	cl.command(append([]byte{comQuery}, "late"...))
	for range 4 { // count, column, EOF, row
		cl.read()
	}
	cl.wantError(1317, "interrupted")

	change := append([]byte{comChangeUser}, "app\x00\x00d\x00"...)
	cl.command(change)
	ask := cl.read()
	cl.send(scramble(ask[len(nativePassword)+2:len(ask)-1], "secret"))
	cl.wantOK()
	cl.command(change)
	ask = cl.read()
	cl.send(scramble(ask[len(nativePassword)+2:len(ask)-1], "guess"))
	cl.wantError(1045, "Access denied for user 'app'")
	cl.wantEnd()

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if e.closed != 1 {
		t.Errorf("%d sessions closed, want 1", e.closed)
	}
}

func TestLongMessages(t *testing.T) {
	s, _ := start(t)
	cl := login4(t, s, loginCaps|capDeprecateEOF)
	for _, size := range []int{0, 250, 251, 1 << 16, maxPayload - 1, maxPayload, maxPayload + 1, 2*maxPayload + 5} {
		text := strings.Repeat("x", size)
		cl.command(append([]byte{comQuery}, text...))
		cl.read()
		cl.read()
		row := cl.read()
		f := &fields{b: row}
		if got := f.lenEncBytes(); f.bad || string(got) != text {
			t.Fatalf("%d bytes came back as %d", size, len(got))
		}
		if end := cl.read(); end[0] != 0xfe {
			t.Fatalf("%d bytes: no end but %q", size, end[:1])
		}
	}
	s2, _ := start(t)
	s2.MaxPacket = 1000
	cl = login4(t, s2, loginCaps)
	cl.command(append([]byte{comQuery}, strings.Repeat("x", 1001)...))
	cl.wantError(1153, "max_allowed_packet")
	cl.wantEnd()
}

func TestPreparedStatement(t *testing.T) {
	s, _ := start(t)
	cl := login4(t, s, loginCaps|capDeprecateEOF)
	cl.command(append([]byte{comPrepare}, "SELECT ?"...))
	head := cl.read()
	if want := []byte{0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}; !bytes.Equal(head, want) {
		t.Fatalf("prepare answered % x", head)
	}
	cl.read() // the parameter
	exec := []byte{comExecute, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, TypeLong, 0, 7, 0, 0, 0}
	cl.command(exec)
	for range 5 { // count, four columns
		cl.read()
	}
	row := cl.read()
	want := []byte{0, 1 << 5}
	want = append(want, 0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	want = append(want, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f)
	want = append(want, 11, 0xe8, 7, 1, 2, 3, 4, 5, 6, 0, 0, 0)
	if !bytes.Equal(row, want) {
		t.Errorf("row\n got % x\nwant % x", row, want)
	}
	cl.read()
	exec[5] = 1 // a cursor
	cl.command(exec)
	cl.wantError(1235, "Cursors")
	cl.command([]byte{comStmtClose, 1, 0, 0, 0})
	exec[5] = 0
	cl.command(exec)
	cl.wantError(1243, "Unknown prepared statement")
}

func TestKill(t *testing.T) {
	s, e := start(t)
	cl := login4(t, s, loginCaps)
	cl.command(append([]byte{comQuery}, "block"...))
	<-e.blocked
	list := s.List()
	if len(list) != 1 || list[0].Command != "Query" || list[0].Text != "block" || list[0].User != "root" {
		t.Fatalf("process list: %+v", list)
	}
	if s.Kill(4711, false) {
		t.Error("killed a connection that does not exist")
	}
	if !s.Kill(list[0].ID, false) {
		t.Error("did not find the connection")
	}
	cl.wantError(1105, ErrKilled.Error())
	cl.command([]byte{comPing})
	cl.wantOK()
	cl.command(append([]byte{comQuery}, "block"...))
	<-e.blocked
	s.Kill(list[0].ID, true)
	cl.wantEnd()
}

func TestCloseEndsStatements(t *testing.T) {
	s, e := start(t)
	cl := login4(t, s, loginCaps)
	cl.command(append([]byte{comQuery}, "block"...))
	<-e.blocked
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	cl.wantEnd()
	if e.closed != 1 {
		t.Errorf("%d sessions closed when Close returned, want 1", e.closed)
	}
	if err := s.Listen("127.0.0.1:0"); err == nil {
		t.Error("a closed server listens again")
	}
}
