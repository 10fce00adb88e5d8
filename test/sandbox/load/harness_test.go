package load

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sort"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a server with the table of the conformance cases,
// d.t(k INT NOT NULL, v VARCHAR(8) NULL, n INT NOT NULL DEFAULT "7").
type bench struct {
	*Server
	t *testing.T
	c *http.Client
}

func text(s string) *string { return &s }

func conformanceColumns() []store.Column {
	return []store.Column{
		{Name: "k", Type: store.Type{Kind: store.Int}},
		{Name: "v", Type: store.Type{Kind: store.Varchar, Length: 8}, Nullable: true},
		{Name: "n", Type: store.Type{Kind: store.Int}, Default: text("7")},
	}
}

func start(t *testing.T, change ...func(*Options)) *bench {
	t.Helper()
	st := store.New(store.Options{})
	o := Options{Store: st}
	for _, c := range change {
		c(&o)
	}
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{ExpectContinueTimeout: 30 * time.Second, DisableCompression: true}
	b := &bench{Server: s, t: t, c: &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := st.CreateDatabase("d"); err != nil {
		t.Fatal(err)
	}
	b.table("t", store.Schema{Columns: conformanceColumns()})
	return b
}

func (b *bench) table(name string, s store.Schema) {
	b.t.Helper()
	if _, err := b.store.CreateTable("d", name, s); err != nil {
		b.t.Fatal(err)
	}
}

// reply is what came back over HTTP.
type reply struct {
	status int
	header http.Header
	body   string
	answer answer
}

// h is a list of header lines, "name: value".
type h []string

func (b *bench) send(method, addr, path string, headers h, body io.Reader) (*reply, error) {
	req, err := http.NewRequest(method, "http://"+addr+path, body)
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth("root", "")
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "-Authorization":
			req.Header.Del("Authorization")
		default:
			req.Header[http.CanonicalHeaderKey(name)] = []string{value}
		}
	}
	res, err := b.c.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	rep := &reply{status: res.StatusCode, header: res.Header, body: string(raw)}
	if strings.Contains(rep.body, `"TxnId"`) {
		if err := json.Unmarshal(raw, &rep.answer); err != nil {
			return nil, fmt.Errorf("answer %q: %w", raw, err)
		}
	}
	return rep, nil
}

func (b *bench) must(method, addr, path string, headers h, body io.Reader) *reply {
	b.t.Helper()
	r, err := b.send(method, addr, path, headers, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// load sends a body straight to the BE.
func (b *bench) load(table, body string, headers ...string) *reply {
	b.t.Helper()
	return b.must("PUT", b.BEAddr(), "/api/d/"+table+"/_stream_load",
		append(h{"Expect: 100-continue"}, headers...), strings.NewReader(body))
}

// rows gives the table as text, one row a line, fields joined by '|', sorted.
func (b *bench) rows(table string) string {
	b.t.Helper()
	t, err := b.store.Table("d", table)
	if err != nil {
		b.t.Fatal(err)
	}
	columns := t.Schema().Columns
	row := make([]any, len(columns))
	var lines []string
	for c := t.Snapshot().Cursor(nil); c.Next(row); {
		var fields []string
		for i, v := range row {
			fields = append(fields, store.Format(columns[i].Type, v))
		}
		lines = append(lines, strings.Join(fields, "|"))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

func (b *bench) wantRows(table string, want ...string) {
	b.t.Helper()
	if got := b.rows(table); got != strings.Join(want, "\n") {
		b.t.Errorf("table %s holds\n%s\nwant\n%s", table, got, strings.Join(want, "\n"))
	}
}

func (b *bench) want(r *reply, status, message string) *reply {
	b.t.Helper()
	if r.status != 200 || r.answer.Status != status || !strings.Contains(r.answer.Message, message) {
		b.t.Errorf("got HTTP %d, %s; want Status %q with %q", r.status, r.body, status, message)
	}
	return r
}

func (b *bench) wantCounts(r *reply, total, loaded, filtered int64) {
	b.t.Helper()
	a := r.answer
	if a.NumberTotalRows != total || a.NumberLoadedRows != loaded || a.NumberFilteredRows != filtered {
		b.t.Errorf("total %d, loaded %d, filtered %d; want %d, %d, %d", a.NumberTotalRows, a.NumberLoadedRows,
			a.NumberFilteredRows, total, loaded, filtered)
	}
}

// errorLog fetches the error log of an answer.
func (b *bench) errorLog(r *reply) string {
	b.t.Helper()
	if r.answer.ErrorURL == "" {
		b.t.Fatalf("no ErrorURL in %s", r.body)
	}
	res, err := b.c.Get(r.answer.ErrorURL)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		b.t.Fatalf("error log: HTTP %d, %v", res.StatusCode, err)
	}
	return string(raw)
}

func (b *bench) state(label string) string {
	b.t.Helper()
	r := b.must("GET", b.FEAddr(), "/api/d/get_load_state?label="+label, nil, nil)
	var got rest
	if err := json.Unmarshal([]byte(r.body), &got); err != nil {
		b.t.Fatalf("%s: %v", r.body, err)
	}
	return string(got.State)
}

// until polls a condition; the test's own deadline is the only clock.
func (b *bench) until(what string, ok func() bool) {
	b.t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// dial opens a raw connection and writes a request head.
func (b *bench) dial(addr, path string, headers h) (net.Conn, *bufio.Reader) {
	b.t.Helper()
	return b.dialAs("HTTP/1.1", addr, path, headers)
}

func (b *bench) dialAs(proto, addr, path string, headers h) (net.Conn, *bufio.Reader) {
	b.t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	head := "PUT " + path + " " + proto + "\r\nHost: x\r\nAuthorization: Basic " +
		base64.StdEncoding.EncodeToString([]byte("root:")) + "\r\n"
	for _, line := range headers {
		head += line + "\r\n"
	}
	if _, err := io.WriteString(c, head+"\r\n"); err != nil {
		b.t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// restart restarts a BE; the client must not come with connections that were cut.
func (b *bench) restart(i int) {
	b.t.Helper()
	if err := b.RestartBackend(i); err != nil {
		b.t.Fatal(err)
	}
	b.c.CloseIdleConnections()
}

func (b *bench) arm(f fault.Fault) {
	b.t.Helper()
	if _, err := b.Arm(f); err != nil {
		b.t.Fatal(err)
	}
}

// discardClient writes bodies in large pieces.
func discardClient() *bench {
	return &bench{c: &http.Client{Transport: &http.Transport{WriteBufferSize: 1 << 20}}}
}
