package resultset_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/gx-etl/gx/plugins/sqlread/resultset"
	"pgregory.net/rapid"
)

// played is a connection on which the server has already said all that it will ever say; a read gives at most chunk bytes.
type played struct {
	net.Conn
	answer  []byte
	chunk   int
	written bytes.Buffer
	closed  bool
}

func (p *played) Read(b []byte) (int, error) {
	if p.closed {
		return 0, net.ErrClosed
	}
	if len(p.answer) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.chunk)], p.answer)
	p.answer = p.answer[n:]
	return n, nil
}

func (p *played) Write(b []byte) (int, error)      { return p.written.Write(b) }
func (p *played) Close() error                     { p.closed = true; return nil }
func (p *played) SetReadDeadline(time.Time) error  { return nil }
func (p *played) SetWriteDeadline(time.Time) error { return nil }

// Flags of a login.
const (
	protocol41   = 1 << 9
	tls          = 1 << 11
	compress     = 1 << 5
	deprecateEOF = 1 << 24
	cacheMeta    = 1 << 4 // of the extended ones
)

// login is the first packet of a driver.
func login(flags, extended uint32) []byte {
	b := binary.LittleEndian.AppendUint32([]byte{0, 0, 0, 1}, flags)
	b = append(b, make([]byte, 24)...)
	return append(binary.LittleEndian.AppendUint32(b, extended), "root\x00\x00"...)
}

// connected is a connection after a login with the flags.
func connected(t testing.TB, p *played, flags, extended uint32) *resultset.Conn {
	t.Helper()
	c := resultset.New(p)
	if _, err := c.Write(login(flags, extended)); err != nil {
		t.Fatal(err)
	}
	p.written.Reset()
	return c
}

// stream writes packets with the numbers of an answer, cut where they are too long.
type stream struct {
	b   []byte
	seq byte
}

func (s *stream) packet(p []byte) {
	if s.b == nil {
		s.seq = 1
	}
	for {
		n := min(len(p), 1<<24-1)
		s.b = append(append(s.b, byte(n), byte(n>>8), byte(n>>16), s.seq), p[:n]...)
		s.seq++
		if p = p[n:]; n < 1<<24-1 {
			return
		}
	}
}

func lenenc(b []byte, s []byte) []byte {
	switch n := len(s); {
	case s == nil:
		return append(b, 0xfb)
	case n < 251:
		b = append(b, byte(n))
	case n < 1<<16:
		b = append(b, 0xfc, byte(n), byte(n>>8))
	case n < 1<<24:
		b = append(b, 0xfd, byte(n), byte(n>>8), byte(n>>16))
	default:
		b = binary.LittleEndian.AppendUint64(append(b, 0xfe), uint64(n))
	}
	return append(b, s...)
}

// answer is what a server sends for a query with these rows.
func answer(flags, extended uint32, columns int, rows ...[][]byte) []byte {
	var s stream
	head := []byte{byte(columns)}
	if extended&cacheMeta != 0 {
		head = append(head, 1)
	}
	s.packet(head)
	for range columns {
		s.packet([]byte("\x03def\x00\x00\x00\x01c\x00\x0c\x21\x00\x00\x00\x00\x00\xfd\x00\x00\x00\x00\x00"))
	}
	eof := []byte{0xfe, 0, 0, 2, 0}
	if flags&deprecateEOF == 0 {
		s.packet(eof)
	} else {
		eof = []byte{0xfe, 0, 0, 2, 0, 0, 0}
	}
	for _, row := range rows {
		var b []byte
		for _, v := range row {
			b = lenenc(b, v)
		}
		s.packet(b)
	}
	s.packet(eof)
	return s.b
}

// drained reads all rows, copied.
func drained(c *resultset.Conn) (rows [][][]byte, err error) {
	r, err := c.Query("SELECT 1", time.Minute)
	if err != nil {
		return nil, err
	}
	values := make([][]byte, r.Columns())
	for {
		err := r.Next(values)
		if err == io.EOF {
			if again := r.Next(values); again != io.EOF {
				return rows, again
			}
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		row := make([][]byte, len(values))
		for i, v := range values {
			if v != nil {
				row[i] = append([]byte{}, v...)
			}
		}
		rows = append(rows, row)
	}
}

func same(a, b [][][]byte) bool {
	return slices.EqualFunc(a, b, func(x, y [][]byte) bool {
		return slices.EqualFunc(x, y, func(v, w []byte) bool { return (v == nil) == (w == nil) && bytes.Equal(v, w) })
	})
}

// Whatever the values, and however the bytes arrive, the rows are those of the server; then the connection is as it was.
func TestEveryRowComes(t *testing.T) {
	value := rapid.OneOf(rapid.Just([]byte(nil)), rapid.SliceOfN(rapid.Byte(), 0, 12), rapid.Custom(func(t *rapid.T) []byte {
		return bytes.Repeat([]byte{0xfe}, rapid.SampledFrom([]int{1, 250, 251, 252, 65535, 65536}).Draw(t, "length"))
	}))
	rapid.Check(t, func(t *rapid.T) {
		flags, extended := uint32(protocol41), uint32(0)
		if rapid.Bool().Draw(t, "deprecate EOF") {
			flags |= deprecateEOF
		}
		if rapid.Bool().Draw(t, "MariaDB") {
			extended = cacheMeta
		}
		columns := rapid.IntRange(1, 5).Draw(t, "columns")
		var rows [][][]byte
		for range rapid.IntRange(0, 6).Draw(t, "rows") {
			rows = append(rows, rapid.SliceOfN(value, columns, columns).Draw(t, "row"))
		}
		p := &played{answer: answer(flags, extended, columns, rows...), chunk: rapid.SampledFrom([]int{1, 7, 1000, 1 << 20}).Draw(t, "chunk")}
		c := resultset.New(p)
		_, _ = c.Write(login(flags, extended))
		p.written.Reset()
		for range 2 { // the second query finds the connection as the first one did
			got, err := drained(c)
			if err != nil || !same(got, rows) {
				t.Fatalf("%d rows, %v; want %d", len(got), err, len(rows))
			}
			if p.written.String() != "\x09\x00\x00\x00\x03SELECT 1" {
				t.Fatalf("%q was sent", p.written.String())
			}
			p.written.Reset()
			p.answer = answer(flags, extended, columns, rows...)
		}
		if !c.Usable() {
			t.Fatal("the connection was given up")
		}
	})
}

// A row of more than a packet, and one that is exactly a packet long.
func TestLongRows(t *testing.T) {
	for _, n := range []int{1<<24 - 1 - 4, 1 << 24, 2<<24 + 5} {
		long := bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]
		rows := [][][]byte{{[]byte("a"), long}, {long, nil}, {[]byte("b"), []byte("c")}}
		c := connected(t, &played{answer: answer(protocol41|deprecateEOF, 0, 2, rows...), chunk: 1 << 20}, protocol41|deprecateEOF, 0)
		if got, err := drained(c); err != nil || !same(got, rows) {
			t.Errorf("%d bytes: %d rows, %v", n, len(got), err)
		}
	}
}

// What a server refuses is its error, before the first row or behind any, and the connection stays.
func TestRefusals(t *testing.T) {
	refusal := []byte("\xff\x25\x05#70100Query execution was interrupted")
	whole := answer(protocol41, 0, 1, [][]byte{[]byte("x")})
	var first, later stream
	first.packet(refusal)
	later.b, later.seq = whole[:len(whole)-9], 5
	later.packet(refusal)
	for name, b := range map[string][]byte{"first": first.b, "later": later.b} {
		c := connected(t, &played{answer: b, chunk: 100}, protocol41, 0)
		rows, err := drained(c)
		var e *mysql.MySQLError
		if !errors.As(err, &e) || e.Number != 1317 || string(e.SQLState[:]) != "70100" || e.Message != "Query execution was interrupted" || !c.Usable() {
			t.Errorf("%s: %v after %d rows, usable %v", name, err, len(rows), c.Usable())
		}
	}
}

// A server that gives a client up does not always count the packet in which it says so. What it says arrives, and the
// connection is at its end.
func TestRefusalOutOfOrder(t *testing.T) {
	whole := answer(protocol41, 0, 1, [][]byte{[]byte("x")})
	later := stream{b: slices.Clone(whole[:len(whole)-9]), seq: 0}
	later.packet([]byte("\xff\x1d\x04#08S01Server shutdown in progress"))
	for _, chunk := range []int{1, 1 << 20} {
		c := connected(t, &played{answer: later.b, chunk: chunk}, protocol41, 0)
		rows, err := drained(c)
		var e *mysql.MySQLError
		if len(rows) != 1 || !errors.As(err, &e) || e.Number != 1053 || c.Usable() {
			t.Errorf("%d rows, %v, usable %v", len(rows), err, c.Usable())
		}
	}
}

// An answer that breaks the protocol, or breaks off, is an error, and nobody uses the connection again.
func TestBrokenAnswers(t *testing.T) {
	whole := answer(protocol41, 0, 2, [][]byte{[]byte("x"), nil})
	packet := func(p string) []byte { var s stream; s.packet([]byte(p)); return s.b }
	row := func(p string) []byte {
		s := stream{b: slices.Clone(whole[:len(whole)-9-4-3]), seq: 5}
		s.packet([]byte(p))
		return s.b
	}
	for name, b := range map[string][]byte{
		"nothing":         nil,
		"cut":             whole[:len(whole)-3],
		"an empty packet": packet(""),
		"no result":       packet("\x00\x00\x00\x02\x00\x00\x00"),
		"a local file":    packet("\xfb/etc/passwd"),
		"no columns":      packet("\xfc\x00\x00"),
		"a number":        packet("\xfe\x00"),
		"many columns":    packet("\xfd\xff\xff\xff"),
		"a wrong number":  append([]byte{1, 0, 0, 7}, 1),
		"a value missing": row("\x01x"),
		"a value more":    row("\x01x\xfb\x00"),
		"a long value":    row("\x01x\x05y"),
		"a cut length":    row("\x01x\xfc\x05"),
		"an empty row":    row(""),
		"a short end":     row("\xfe\x00\x00"),
		"a short refusal": row("\xff\x00"),
	} {
		p := &played{answer: b, chunk: 1 << 20}
		c := connected(t, p, protocol41, 0)
		rows, err := drained(c)
		var e *mysql.MySQLError
		if err == nil || errors.As(err, &e) || c.Usable() || !p.closed || len(rows) > 1 {
			t.Errorf("%s: %v after %d rows; usable %v, closed %v", name, err, len(rows), c.Usable(), p.closed)
		}
		if _, err := c.Query("SELECT 1", 0); err == nil {
			t.Errorf("%s: another query was sent", name)
		}
	}
}

// What comes behind the last row is for nobody: the rows count, the connection does not.
func TestMoreThanTheAnswer(t *testing.T) {
	whole := answer(protocol41, 0, 1, [][]byte{[]byte("x")})
	more := slices.Clone(whole)
	more[len(more)-2] |= 8 // another answer follows
	for name, b := range map[string][]byte{"bytes": append(slices.Clone(whole), 1), "an answer": more} {
		c := connected(t, &played{answer: b, chunk: 1 << 20}, protocol41, 0)
		if rows, err := drained(c); err != nil || len(rows) != 1 || c.Usable() {
			t.Errorf("%s: %d rows, %v, usable %v", name, len(rows), err, c.Usable())
		}
	}
}

func TestPlain(t *testing.T) {
	for _, c := range []struct {
		flags uint32
		plain bool
	}{{protocol41, true}, {protocol41 | tls, false}, {protocol41 | compress, false}, {protocol41 | 1<<26, false}, {0, false}} {
		conn := connected(t, new(played), c.flags, 0)
		if conn.Plain() != c.plain {
			t.Errorf("%x: %v", c.flags, conn.Plain())
		}
		if _, err := conn.Query(strings.Repeat("x", 1<<24), 0); err == nil {
			t.Errorf("%x: a statement of 16 MiB was sent", c.flags)
		}
	}
	if resultset.New(new(played)).Plain() {
		t.Error("plain before anything was agreed on")
	}
	conn := connected(t, new(played), protocol41, 0)
	conn.Abort()
	if conn.Plain() || conn.Usable() {
		t.Error("usable after it was given up")
	}
}

// Whatever a server sends: no panic, and the rows and the kind of the end do not depend on how the bytes arrive.
func FuzzAnswer(f *testing.F) {
	f.Add(answer(protocol41, 0, 2, [][]byte{[]byte("a"), nil}, [][]byte{{}, bytes.Repeat([]byte("x"), 300)}), false, false)
	f.Add(answer(protocol41|deprecateEOF, cacheMeta, 1, [][]byte{[]byte("12")}), true, true)
	f.Fuzz(func(t *testing.T, b []byte, ok, mariadb bool) {
		flags, extended := uint32(protocol41), uint32(0)
		if ok {
			flags |= deprecateEOF
		}
		if mariadb {
			extended = cacheMeta
		}
		var first [][][]byte
		var end bool
		for i, chunk := range []int{1 << 20, 1, 7} {
			c := connected(t, &played{answer: b, chunk: chunk}, flags, extended)
			rows, err := drained(c)
			if i == 0 {
				first, end = rows, err == nil
			} else if !same(rows, first) || end != (err == nil) {
				t.Fatalf("in chunks of %d: %d rows, %v; at once %d, end %v", chunk, len(rows), err, len(first), end)
			}
			size := 0
			for _, row := range rows {
				for _, v := range row {
					size += len(v)
				}
			}
			if size > len(b) {
				t.Fatalf("%d bytes of values in %d bytes", size, len(b))
			}
		}
	})
}
