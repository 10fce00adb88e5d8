package sqlread_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// fake speaks as much of the MySQL protocol as a reader uses: any login, text queries, and results of any type, as the
// stand-in of StarRocks cannot give them. Protocol: "Client/Server Protocol" of the MySQL internals manual.
type fake struct {
	addr       string
	properties string // of the jdbcUrl
	answer     func(query string) result

	mu      sync.Mutex // guards the following
	queries []string
	conns   int
	killed  map[int]chan struct{} // by connection
	wg      sync.WaitGroup
}

// wire is a column of a result as the protocol describes it.
type wire struct {
	name    string
	typ     byte
	flags   uint16
	charset byte // 63 is binary
}

type result struct {
	columns []wire
	rows    [][]any // string or nil
	err     string
	code    uint16
	cut     bool // the connection breaks after the rows
	hang    bool // after the rows nothing comes until the query is killed
}

// Codes of column types and flags.
const (
	tTiny, tShort, tLong, tFloat, tDouble = 1, 2, 3, 4, 5
	tTimestamp, tLongLong, tInt24, tDate  = 7, 8, 9, 10
	tTime, tDateTime, tYear, tBit         = 11, 12, 13, 16
	tJSON, tNewDecimal, tBlob             = 245, 246, 252
	tVarString, tString, tGeometry        = 253, 254, 255
	unsigned                              = 32
	binaryCharset                         = 63
	utf8Charset                           = 45
)

func newFake(t testing.TB, answer func(query string) result) *fake {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{addr: lis.Addr().String(), answer: answer, killed: map[int]chan struct{}{}}
	f.wg.Go(func() {
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			f.wg.Go(func() { defer conn.Close(); f.serve(conn) })
		}
	})
	t.Cleanup(func() { lis.Close(); f.wg.Wait() })
	return f
}

func (f *fake) asked(fragment string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, q := range f.queries {
		if strings.Contains(q, fragment) {
			n++
		}
	}
	return n
}

type packets struct {
	net.Conn
	r   *bufio.Reader
	seq byte
}

func (p *packets) read() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		return nil, err
	}
	b := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	_, err := io.ReadFull(p.r, b)
	p.seq = head[3] + 1
	return b, err
}

func (p *packets) write(b []byte) {
	n := len(b)
	_, _ = p.Write(append([]byte{byte(n), byte(n >> 8), byte(n >> 16), p.seq}, b...))
	p.seq++
}

func (p *packets) fail(code uint16, msg string) {
	p.write(append(append(binary.LittleEndian.AppendUint16([]byte{0xff}, code), "#HY000"...), msg...))
}

func lenenc(s string) []byte {
	if len(s) < 251 {
		return append([]byte{byte(len(s))}, s...)
	}
	return append(binary.LittleEndian.AppendUint16([]byte{0xfc}, uint16(len(s))), s...)
}

var ok, eof = []byte{0, 0, 0, 2, 0, 0, 0}, []byte{0xfe, 0, 0, 2, 0}

func (f *fake) serve(conn net.Conn) {
	f.mu.Lock()
	f.conns++
	id, killed := f.conns, make(chan struct{})
	f.killed[id] = killed
	f.mu.Unlock()
	p := &packets{Conn: conn, r: bufio.NewReader(conn)}
	const caps = 1<<9 | 1<<15 | 1<<3 | 1<<19 // protocol 4.1, secure, with database, auth by plugin
	hello := append([]byte{10}, "8.0.0\x00"...)
	hello = append(hello, byte(id), 0, 0, 0)
	hello = append(append(hello, "12345678"...), 0)
	hello = append(hello, byte(caps&0xff), byte(caps>>8&0xff), 33, 2, 0, byte(caps>>16&0xff), byte(caps>>24), 21)
	hello = append(append(append(hello, make([]byte, 10)...), "123456789012"...), 0)
	p.write(append(hello, "mysql_native_password\x00"...))
	if _, err := p.read(); err != nil {
		return
	}
	p.write(ok)
	for {
		b, err := p.read()
		if err != nil || len(b) == 0 || b[0] == 1 {
			return
		}
		if b[0] != 3 {
			p.fail(1295, fmt.Sprintf("command %d is not supported", b[0]))
			continue
		}
		query := string(b[1:])
		f.mu.Lock()
		f.queries = append(f.queries, query)
		f.mu.Unlock()
		if !f.query(p, id, killed, query) {
			return
		}
	}
}

func (f *fake) query(p *packets, id int, killed chan struct{}, query string) (alive bool) {
	var res result
	var whom int
	switch {
	case query == "SELECT CONNECTION_ID()":
		res = result{columns: []wire{{name: "id", typ: tLongLong}}, rows: [][]any{{fmt.Sprint(id)}}}
	case strings.HasPrefix(query, "SET "):
		p.write(ok)
		return true
	case strings.HasPrefix(query, "KILL QUERY "):
		_, _ = fmt.Sscanf(query, "KILL QUERY %d", &whom)
		f.mu.Lock()
		close(f.killed[whom])
		f.mu.Unlock()
		p.write(ok)
		return true
	default:
		res = f.answer(query)
	}
	if res.err != "" {
		p.fail(res.code, res.err)
		return true
	}
	p.write([]byte{byte(len(res.columns))})
	for _, c := range res.columns {
		var b []byte
		for _, s := range []string{"def", "", "", "", c.name, c.name} {
			b = append(b, lenenc(s)...)
		}
		if c.charset == 0 {
			c.charset = utf8Charset
		}
		p.write(append(b, 0x0c, c.charset, 0, 255, 0, 0, 0, c.typ, byte(c.flags), byte(c.flags>>8), 0, 0, 0))
	}
	p.write(eof)
	if strings.Contains(query, "1 = 0") {
		res.rows, res.hang, res.cut = nil, false, false
	}
	for _, row := range res.rows {
		var b []byte
		for _, v := range row {
			if v == nil {
				b = append(b, 0xfb)
			} else {
				b = append(b, lenenc(v.(string))...)
			}
		}
		p.write(b)
	}
	switch {
	case res.cut:
		return false
	case res.hang:
		<-killed
		p.fail(1317, "Query execution was interrupted")
		return true
	}
	p.write(eof)
	return true
}

// table answers information_schema for one table, and every SELECT from it with the same result.
func table(columns []wire, types []string, rows ...[]any) func(string) result {
	return func(query string) result {
		if !strings.Contains(query, "information_schema") {
			return result{columns: columns, rows: rows}
		}
		res := result{columns: []wire{{name: "n", typ: tVarString}, {name: "t", typ: tVarString}, {name: "y", typ: tVarString}, {name: "s", typ: tVarString}}}
		for i, c := range columns {
			res.rows = append(res.rows, []any{c.name, types[i], "YES", nil})
		}
		return res
	}
}
