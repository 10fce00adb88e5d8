package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// passed is what went through in one measurement of a child.
type passed struct {
	Rows    int64   `json:"rows"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

// loads sends bodies of so many rows over connections of their own, each after the other on its connection, straight to
// the backend. A client of an HTTP library would copy the body; this one hands the whole of it to the kernel, so that
// the server is what is measured. The clock runs from the first request to the last answer.
type loads struct {
	backend, table string
	form           *form
	connections    int
	each           int // loads on a connection
	rows           int // of a load
	chunk          int // bytes of a chunk; 0: the body comes with its length
}

// framed gives what goes over the wire for a body, and the header that says how it ends.
func (l *loads) framed(body []byte) (wire []byte, header string) {
	if l.chunk == 0 {
		return body, fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	wire = make([]byte, 0, len(body)+16*(len(body)/l.chunk+2))
	for len(body) > 0 {
		n := min(l.chunk, len(body))
		wire = fmt.Appendf(wire, "%x\r\n", n)
		wire = append(append(wire, body[:n]...), "\r\n"...)
		body = body[n:]
	}
	return append(wire, "0\r\n\r\n"...), "Transfer-Encoding: chunked\r\n"
}

func (l *loads) run(ctx context.Context) (passed, error) {
	body := l.form.body(l.rows)
	wire, header := l.framed(body)
	header += l.form.headers
	conns := make([]*loader, l.connections)
	for i := range conns {
		var dialer net.Dialer
		c, err := dialer.DialContext(ctx, "tcp", l.backend)
		if err != nil {
			return passed{}, err
		}
		defer func() { _ = c.Close() }()
		conns[i] = &loader{conn: c, answers: bufio.NewReader(c)}
	}
	began := time.Now()
	var wg sync.WaitGroup
	failed := make([]error, len(conns))
	for i, c := range conns {
		wg.Go(func() {
			for n := 0; n < l.each && failed[i] == nil; n++ {
				failed[i] = c.load(l.table, header, wire, l.rows)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		return passed{}, err
	}
	n := int64(l.connections * l.each)
	return passed{Rows: n * int64(l.rows), Bytes: n * int64(len(body)), Seconds: time.Since(began).Seconds()}, nil
}

type loader struct {
	conn    net.Conn
	answers *bufio.Reader
}

// load sends one body and checks that the server saw every row of it.
func (l *loader) load(table, headers string, wire []byte, rows int) error {
	head := fmt.Sprintf("PUT /api/bench/%s/_stream_load HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic cm9vdDo=\r\n"+
		"ignore_json_size: true\r\n%s\r\n", table, l.conn.RemoteAddr(), headers)
	if _, err := io.WriteString(l.conn, head); err != nil {
		return err
	}
	if _, err := l.conn.Write(wire); err != nil {
		return err
	}
	res, err := http.ReadResponse(l.answers, nil)
	if err != nil {
		return fmt.Errorf("answer of a load: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("answer of a load: %w", err)
	}
	var answer struct {
		Status           string
		NumberLoadedRows int
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("answer of a load: %w: %s", err, text)
	}
	if answer.Status != "Success" || answer.NumberLoadedRows != rows {
		return fmt.Errorf("%d rows were sent, the answer is %s", rows, text)
	}
	return nil
}
