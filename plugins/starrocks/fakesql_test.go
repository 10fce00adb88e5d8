package starrocks

import (
	"bufio"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// fakeSQL speaks as much of the MySQL protocol as the writer uses: a password, text queries, errors, and, when it is told
// to be rogue, the wish for a local file.
type fakeSQL struct {
	t    testing.TB
	addr string

	mu      sync.Mutex // guards the following
	results map[string]sqlResult
	queries []string
	created sqlResult // what information_schema.columns answers once a table was created
	rogue   bool
	leaked  []byte // what a rogue server was given
	wg      sync.WaitGroup
}

type sqlResult struct {
	columns []string
	rows    [][]string
	code    uint16
	err     string
}

func newFakeSQL(t testing.TB, results map[string]sqlResult) *fakeSQL {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeSQL{t: t, addr: lis.Addr().String(), results: results}
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

// tableResults describe table d.t as information_schema does.
func tableResults(model string, columns ...string) map[string]sqlResult {
	cols := sqlResult{columns: []string{"COLUMN_NAME", "DATA_TYPE", "COLUMN_KEY"}}
	for _, c := range columns { // "name", "name type" or "name type key"
		name, rest, _ := strings.Cut(c, " ")
		typ, key, _ := strings.Cut(rest, " ")
		if typ == "" {
			typ = "int"
		}
		cols.rows = append(cols.rows, []string{name, typ, key})
	}
	return map[string]sqlResult{
		"information_schema.columns":       cols,
		"information_schema.tables_config": {columns: []string{"TABLE_MODEL"}, rows: [][]string{{model}}},
		"information_schema.tables ":       {columns: []string{"TABLE_NAME"}, rows: [][]string{{"t"}, {"test_sink"}}},
		"current_version()":                {columns: []string{"v"}, rows: [][]string{{"3.3.5-abc"}}},
		"SHOW BACKENDS":                    {code: 5203, err: "Access denied; you need (at least one of) the OPERATE privilege(s)"},
		"SHOW COMPUTE NODES":               {code: 5203, err: "Access denied; you need (at least one of) the OPERATE privilege(s)"},
		"SHOW FRONTENDS":                   {columns: []string{"Name", "IP", "HttpPort"}},
	}
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

func lenenc(s string) []byte { return append([]byte{byte(len(s))}, s...) }

const (
	capProtocol41 = 1 << 9
	capSecure     = 1 << 15
	capWithDB     = 1 << 3
	capLocalFiles = 1 << 7
	capPluginAuth = 1 << 19
)

func (f *fakeSQL) serve(conn net.Conn) {
	p := &packets{Conn: conn, r: bufio.NewReader(conn)}
	salt := []byte("01234567890123456789")
	caps := uint32(capProtocol41 | capSecure | capWithDB | capPluginAuth | capLocalFiles)
	hello := append([]byte{10}, "5.1.0\x00"...)
	hello = append(hello, 1, 0, 0, 0)
	hello = append(append(hello, salt[:8]...), 0)
	hello = append(hello, byte(caps), byte(caps>>8), 33, 2, 0, byte(caps>>16), byte(caps>>24), 21)
	hello = append(hello, make([]byte, 10)...)
	hello = append(append(hello, salt[8:]...), 0)
	hello = append(hello, "mysql_native_password\x00"...)
	p.write(hello)
	login, err := p.read()
	if err != nil {
		return
	}
	user, rest, _ := strings.Cut(string(login[32:]), "\x00")
	n := int(rest[0])
	proof, db, _ := rest[1:1+n], "", 0
	db, _, _ = strings.Cut(rest[1+n:], "\x00")
	if user != "root" || proof != string(scramble(salt, "s3cret")) {
		p.fail(1045, "Access denied for user 'root' (using password: YES)")
		return
	}
	if db == "nowhere" {
		p.fail(1049, "Unknown database 'nowhere'")
		return
	}
	p.write([]byte{0, 0, 0, 2, 0, 0, 0})
	for {
		b, err := p.read()
		if err != nil || len(b) == 0 || b[0] == 1 {
			return
		}
		switch b[0] {
		case 3:
			f.query(p, string(b[1:]))
		case 14:
			p.write([]byte{0, 0, 0, 2, 0, 0, 0})
		default:
			p.fail(1295, fmt.Sprintf("command %d is not supported in the prepared statement protocol", b[0]))
		}
	}
}

func scramble(salt []byte, password string) []byte {
	h1 := sha1.Sum([]byte(password))
	h2 := sha1.Sum(h1[:])
	h3 := sha1.Sum(append(append([]byte{}, salt...), h2[:]...))
	for i := range h3 {
		h3[i] ^= h1[i]
	}
	return h3[:]
}

func (p *packets) fail(code uint16, msg string) {
	b := binary.LittleEndian.AppendUint16([]byte{0xff}, code)
	p.write(append(append(b, "#HY000"...), msg...))
}

func (f *fakeSQL) query(p *packets, q string) {
	f.mu.Lock()
	f.queries = append(f.queries, q)
	rogue := f.rogue
	res, found := sqlResult{}, false
	for fragment, r := range f.results {
		if strings.Contains(q, fragment) {
			res, found = r, true
		}
	}
	if strings.HasPrefix(q, "CREATE TABLE") && res.err == "" {
		f.results["information_schema.columns"] = f.created
	}
	f.mu.Unlock()
	switch {
	case strings.Contains(q, "stall"): // until the client has enough
		_, _ = p.read()
	case rogue:
		p.write(append([]byte{0xfb}, "/etc/passwd"...))
		b, err := p.read()
		if err == nil {
			f.mu.Lock()
			f.leaked = append(f.leaked, b...)
			f.mu.Unlock()
		}
		p.fail(1105, "done")
	case res.err != "":
		p.fail(res.code, res.err)
	case !found || len(res.columns) == 0:
		p.write([]byte{0, 0, 0, 2, 0, 0, 0})
	default:
		p.write([]byte{byte(len(res.columns))})
		for _, c := range res.columns {
			var b []byte
			for _, s := range []string{"def", "", "", "", c, c} {
				b = append(b, lenenc(s)...)
			}
			p.write(append(b, 0x0c, 33, 0, 255, 0, 0, 0, 253, 0, 0, 0, 0, 0))
		}
		p.write([]byte{0xfe, 0, 0, 2, 0})
		for _, row := range res.rows {
			var b []byte
			for _, v := range row {
				b = append(b, lenenc(v)...)
			}
			p.write(b)
		}
		p.write([]byte{0xfe, 0, 0, 2, 0})
	}
}

func (f *fakeSQL) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.queries...)
}
