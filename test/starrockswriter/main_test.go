// Package starrockswriter holds the transactions of the StarRocks writer against the stand-in: the conformance suite of
// plugins, the cases of the protocol that bind a client, and random histories with crashes.
package starrockswriter

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/starrocks/streamload"
	"github.com/gx-etl/gx/test/sandbox"
	"github.com/gx-etl/gx/test/sandbox/release"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "starrockswriter: goroutines stay behind:", err)
		code = 1
	}
	os.Exit(code)
}

// eachRelease runs a test on every release that the stand-in plays.
func eachRelease(t *testing.T, f func(t *testing.T, r release.Release)) {
	for _, r := range release.All {
		t.Run(r.Line(), func(t *testing.T) { f(t, r) })
	}
}

// table has a key, a text, and a number that must be there.
const table = `CREATE DATABASE d; CREATE TABLE d.t (k INT NOT NULL, v VARCHAR(200) NULL, n INT NOT NULL DEFAULT "7") DUPLICATE KEY(k) DISTRIBUTED BY HASH(k);`

// client is gx's own, as one process of a job has it.
func client(t tb, s *sandbox.Sandbox, frontends ...string) *streamload.Sender {
	t.Helper()
	if len(frontends) == 0 {
		frontends = []string{s.FEAddr()}
	}
	var eps []streamload.Endpoint
	for _, f := range frontends {
		e, err := streamload.ParseEndpoint(f, streamload.DefaultFrontendPort)
		if err != nil {
			t.Fatalf("%v", err)
		}
		eps = append(eps, e)
	}
	c := streamload.New(streamload.Config{Frontends: eps, Hosts: streamload.NewHosts(eps), User: "root", ConnectTimeout: time.Second,
		AnswerTimeout: 20 * time.Second, MaxRetries: 3, Unreachable: time.Second, Doubt: time.Millisecond})
	sender := c.Sender()
	t.Cleanup(func() { sender.Close(); c.Close() })
	return sender
}

// tb is what testing.T and rapid.T have in common.
type tb interface {
	Helper()
	Cleanup(f func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

func transaction(name string) *streamload.Transaction {
	return &streamload.Transaction{Database: "d", Table: "t", Label: streamload.TransactionLabel("job", name), Lifetime: 10 * time.Minute,
		Idle: time.Minute, Kept: time.Hour}
}

// text is the body of a load.
type text string

// Open serves streamload.Body.
func (b text) Open() streamload.Chunks { return &chunks{text: string(b)} }

type chunks struct{ text string }

// Next serves streamload.Chunks.
func (c *chunks) Next() ([]byte, error) {
	if c.text == "" {
		return nil, io.EOF
	}
	b := []byte(c.text)
	c.text = ""
	return b, nil
}

// Close serves streamload.Chunks.
func (c *chunks) Close() {}

// csv is a load of lines with commas; header lines are "name: value".
func csv(rows string, header ...string) *streamload.Load {
	l := &streamload.Load{Database: "d", Table: "t", Label: "unused", Header: http.Header{"column_separator": {","}}, Body: text(rows),
		Rows: int64(strings.Count(rows, "\n"))}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		l.Header[name] = []string{value}
	}
	return l
}
