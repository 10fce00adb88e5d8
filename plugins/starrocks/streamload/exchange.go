package streamload

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// reply is an answer of a server, read to its end or to maxAnswer.
type reply struct {
	code     int
	location string
	body     []byte
}

// loadPath is the path of a load, plain and with the names escaped.
func loadPath(db, table string) (path, raw string) {
	return "/api/" + db + "/" + table + "/_stream_load",
		"/api/" + url.PathEscape(db) + "/" + url.PathEscape(table) + "/_stream_load"
}

func (e Endpoint) url(path, raw string) *url.URL {
	return &url.URL{Scheme: e.Scheme, Host: e.Addr(), Path: path, RawPath: raw}
}

// ask sends a request without a body and returns the answer as it is, redirects included. Only the caller knows whether
// u may see the credentials; it has to have looked.
func (c *Client) ask(ctx context.Context, method string, u *url.URL, header http.Header) (reply, error) {
	r, _, err := c.request(ctx, method, u, header, c.expect)
	return r, err
}

// request is ask with a time of its own to wait. reached tells that a connection was made: the server may have heard it.
func (c *Client) request(ctx context.Context, method string, u *url.URL, header http.Header, wait time.Duration) (r reply, reached bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, min(wait, c.cfg.AnswerTimeout))
	defer cancel()
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), method, u.String(), nil)
	if err != nil {
		return reply{}, false, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.SetBasicAuth(c.cfg.User, c.cfg.Password)
	// Old frontends keep the connection and read whatever arrives, new ones close it: not worth keeping.
	req.Close = true
	resp, err := c.control.RoundTrip(req)
	if err == nil {
		r, err = readReply(resp)
	}
	return r, connected.Load(), err
}

func readReply(resp *http.Response) (reply, error) {
	defer resp.Body.Close()
	r := reply{code: resp.StatusCode, location: resp.Header.Get("Location")}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return r, fmt.Errorf("the answer broke off: %w", err)
	}
	if len(body) > maxAnswer {
		return r, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	r.body = body
	return r, nil
}

// delivery is one request with the rows.
type delivery struct {
	reply
	reached bool // a connection was made: the server may know the label
	err     error
}

// carry sends the rows to u and waits until the transport has let go of them.
func (s *Sender) carry(ctx context.Context, u *url.URL, l *Load, header http.Header) (d delivery) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.AnswerTimeout)
	defer cancel()
	t := newTransfer(l.Body, s.expect)
	var reached atomic.Bool
	trace := &httptrace.ClientTrace{
		GotConn:         func(httptrace.GotConnInfo) { reached.Store(true) },
		Wait100Continue: func() { t.waiting = time.Now() },
		Got100Continue:  func() { t.continued.Store(true) },
	}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodPut, u.String(), t)
	if err != nil {
		t.Close()
		return delivery{err: err}
	}
	req.ContentLength = -1
	for k, v := range header {
		req.Header[k] = v
	}
	req.SetBasicAuth(s.cfg.User, s.cfg.Password)

	resp, err := s.carrier.RoundTrip(req)
	if err == nil {
		d.reply, err = readReply(resp)
	}
	d.err = err
	d.reached = reached.Load()
	close(t.answered)
	<-t.closed
	return d
}

// drop takes down the lane's connection: after anything but success the server may not have read the rows to their end.
// net/http has put it among the idle ones before the answer was read to its end, or will never do so.
func (s *Sender) drop() { s.carrier.CloseIdleConnections() }
