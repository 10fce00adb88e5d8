// Package streamload sends rows to StarRocks over HTTP, one load at a time per Sender, and does not let go of a load until
// its outcome is known. One load is one transaction of StarRocks under one label; a load that has to be sent again keeps
// its label, so that it cannot land twice. Success is what is on a short list; anything else is not.
package streamload

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
)

// Config says where to load and how long to try.
type Config struct {
	Frontends      []Endpoint // in order of preference of no one: they take turns
	Hosts          *Hosts     // who may get the credentials
	Backends       []Endpoint // take the loads in turn, without asking a frontend; nil: those that the frontends name
	User, Password string
	ConnectTimeout time.Duration
	// AnswerTimeout bounds one attempt, from the first byte to the answer. It must exceed the server's own timeout.
	AnswerTimeout time.Duration
	// MaxRetries is the number of attempts after the first; -1: no limit.
	MaxRetries int
	// Unreachable is how long no server may answer at all before a load is given up; MaxRetries 0 means at once.
	Unreachable time.Duration
	// Doubt lies between two questions for a label that nobody knows, before the answer is believed; 0 is 30 s.
	Doubt time.Duration
	// Lines, when set, takes a line for people whenever a load has to be tried again. It may be called from several goroutines.
	Lines func(line string)
}

// Load is one request.
type Load struct {
	Database, Table, Label string
	Header                 http.Header // load properties
	Body                   Body
	Rows                   int64
	// Loose is set when the server may rightly count other rows than were sent, as with json_root.
	Loose bool

	transaction bool // it stands for a whole transaction
}

// Landed says how a load ended that is in the table.
type Landed struct {
	Answer   Answer
	Counted  bool          // the answer came with row counts; otherwise only the state of the label is known
	Attempts int           // 1: at the first try
	Took     time.Duration // of the last attempt
	Crowded  bool          // an attempt found too many versions in the table
	Strained bool          // an attempt found a server short of memory
	Reason   string        // of the first row that was filtered, without the row itself
}

// Client holds what all lanes share: the frontends and what is known of them. Safe for concurrent use.
type Client struct {
	cfg     Config
	fronts  *frontends
	control *http.Transport

	backends *ring // nil: frontends name them

	mu  sync.Mutex           // guards the following
	bad map[string]time.Time // backends that did not answer, host:port → until when to avoid them

	// Times that tests shorten.
	expect   time.Duration // wait for 100 Continue
	settling time.Duration // wait for a running label
	asking   time.Duration // wait for a frontend that knows the state of a label
	sleep    func(ctx context.Context, d time.Duration) error
}

// How long the client waits by itself. Waiting for 100 Continue includes two calls between the servers.
const (
	expectTimeout = 60 * time.Second
	settleTimeout = 60 * time.Second
	stateTimeout  = 20 * time.Second
	avoidBackend  = 60 * time.Second
)

// New makes a Client. It connects to nothing.
func New(cfg Config) *Client {
	c := &Client{cfg: cfg, fronts: newFrontends(cfg.Frontends), bad: map[string]time.Time{},
		expect: expectTimeout, settling: settleTimeout, asking: stateTimeout, sleep: sleep}
	c.control = c.transport()
	if c.cfg.Doubt == 0 {
		c.cfg.Doubt = doubtPause
	}
	if len(cfg.Backends) > 0 {
		c.backends = &ring{list: cfg.Backends}
	}
	return c
}

// Close drops idle connections.
func (c *Client) Close() { c.control.CloseIdleConnections() }

// Sender sends the loads of one lane. It keeps its connection to a backend while loads succeed. Not safe for
// concurrent use.
type Sender struct {
	*Client
	carrier *http.Transport
}

// Sender makes one for a lane; Close it.
func (c *Client) Sender() *Sender { return &Sender{Client: c, carrier: c.transport()} }

// Close drops the lane's connections.
func (s *Sender) Close() { s.carrier.CloseIdleConnections() }

// transport makes connections only where Hosts permits. It is used by RoundTrip, which follows no redirect.
func (c *Client) transport() *http.Transport {
	return &http.Transport{
		Proxy:                 c.cfg.Hosts.Proxy,
		DialContext:           c.cfg.Hosts.Dial(c.cfg.ConnectTimeout),
		TLSHandshakeTimeout:   max(10*time.Second, c.cfg.ConnectTimeout),
		ExpectContinueTimeout: c.expect,
		MaxIdleConnsPerHost:   1,
		IdleConnTimeout:       60 * time.Second,
		DisableCompression:    true,
		// A piece of a body, its length line and its end fit: one system call each.
		WriteBufferSize: pieceBytes + 64<<10,
		ReadBufferSize:  16 << 10,
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// backoff is the pause before attempt n+2: 1 s doubling to 10 s, for version pressure 10 s doubling to 60 s, each with up to
// a fifth more or less so that lanes do not march in step.
func backoff(n int, c class) time.Duration {
	d, most := time.Second, 10*time.Second
	if c == classVersions {
		d, most = 10*time.Second, 60*time.Second
	}
	for ; n > 0 && d < most; n-- {
		d *= 2
	}
	d = min(d, most)
	jitter := 0.8 + 0.4*rand.Float64()
	if c == classVersions { // never below the floor
		jitter = 1 + 0.2*rand.Float64()
	}
	return time.Duration(float64(d) * jitter)
}

// Probe connects to every frontend, or to the proxy before it, and fails when none of them answers, naming each.
func (c *Client) Probe(ctx context.Context) error {
	dial := c.cfg.Hosts.Dial(c.cfg.ConnectTimeout)
	errs := make([]error, len(c.cfg.Frontends))
	var wg sync.WaitGroup
	for i, e := range c.cfg.Frontends {
		wg.Go(func() {
			var conn net.Conn
			if conn, errs[i] = dial(ctx, "tcp", c.via(e)); errs[i] == nil {
				errs[i] = conn.Close()
			} else {
				c.fronts.failed(i, errs[i])
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err == nil {
			return nil
		}
	}
	return c.unreachable()
}

// via is the address to connect to on the way to e.
func (c *Client) via(e Endpoint) string {
	u, err := c.cfg.Hosts.Proxy(&http.Request{URL: &url.URL{Scheme: e.Scheme, Host: e.Addr()}})
	if err != nil || u == nil {
		return e.Addr()
	}
	return proxyAddr(u)
}

func (c *Client) unreachable() error {
	return protocol.Faultf(protocol.Unreachable, "no frontend answers: %s", c.fronts.troubles()).At("loadUrl").
		Hint("check host and HTTP port (default %s) of the frontends and the network in between; connectTimeoutMs is %d",
			DefaultFrontendPort, c.cfg.ConnectTimeout.Milliseconds())
}
