package streamload

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Hosts decides which servers may get the credentials and the rows. A frontend's word alone is not enough to send them
// anywhere: a redirect must lead to a server that the cluster or the job names.
type Hosts struct {
	frontends map[string]bool     // host, any port: the backend may live beside its frontend
	named     map[string]bool     // host:port that the cluster lists
	allowed   []allowed           // the job's allowedHosts
	rewrite   map[string]Endpoint // redirectMap: host:port or host → server
	moved     map[string]bool     // the targets of rewrite, host:port
	tls       bool                // every frontend speaks https: do not fall back to http
	loopback  bool                // a frontend is on this machine
	listed    bool                // named is complete
	same      bool                // backends are on the host of the frontend that names them
	proxy     func(*http.Request) (*url.URL, error)
	proxies   sync.Map // host:port of what the environment names as proxies; the redirect was vetted before
}

type allowed struct {
	host  string // "" with suffix: any host below it
	below string
	port  string // "": any
	plain bool   // written with http://: may be reached without TLS
}

// NewHosts trusts the given frontends.
func NewHosts(frontends []Endpoint) *Hosts {
	h := &Hosts{frontends: map[string]bool{}, named: map[string]bool{}, rewrite: map[string]Endpoint{}, moved: map[string]bool{}, tls: true,
		proxy: http.ProxyFromEnvironment}
	for _, e := range frontends {
		h.frontends[e.Host] = true
		h.tls = h.tls && e.Scheme == "https"
		if ip, err := netip.ParseAddr(e.Host); (err == nil && ip.IsLoopback()) || e.Host == "localhost" {
			h.loopback = true
		}
	}
	return h
}

// Name adds servers that the cluster itself lists, as host:port, and makes the list the measure of all redirects.
func (h *Hosts) Name(servers []string) {
	h.listed = true
	for _, s := range servers {
		h.named[strings.ToLower(s)] = true
	}
}

// Listed tells whether the cluster has named its servers. Until then, a redirect from a configured frontend may lead to
// any host that is not link-local, unspecified or, unless a frontend is on this machine, loopback.
func (h *Hosts) Listed() bool { return h.listed }

// Allow adds one entry of allowedHosts: host, host:port, *.suffix, each optionally behind http:// or https://.
func (h *Hosts) Allow(entry string) error {
	a := allowed{plain: strings.HasPrefix(strings.ToLower(entry), "http://")}
	e, err := ParseEndpoint(strings.Replace(entry, "*.", "any.", 1), "1")
	if err != nil {
		return err
	}
	if e.Port != "1" {
		a.port = e.Port
	}
	a.host = e.Host
	if strings.Contains(entry, "*.") {
		if !strings.HasPrefix(e.Host, "any.") || strings.Count(entry, "*") > 1 {
			return errors.New("holds a * that is not the first part of a name")
		}
		a.host, a.below = "", strings.TrimPrefix(e.Host, "any")
	} else if strings.Contains(entry, "*") {
		return errors.New("holds a * that is not the first part of a name")
	}
	h.allowed = append(h.allowed, a)
	return nil
}

// Move makes the server that is known to the cluster as from, host or host:port, be reached as to.
func (h *Hosts) Move(from string, to Endpoint) {
	h.rewrite[strings.ToLower(from)] = to
	h.moved[to.Addr()] = true
}

// SameHost makes every redirect of a load lead to the host that it comes from, at the port that it names: one address stands for
// the whole cluster, as behind a NAT.
func (h *Hosts) SameHost() { h.same = true }

// VetLoad is Vet for a load that the server from, a host, sends on.
func (h *Hosts) VetLoad(from, location, path string) (*url.URL, error) {
	if u, err := url.Parse(location); h.same && err == nil && u.Host != "" {
		if port := u.Port(); port != "" {
			from = net.JoinHostPort(from, port)
		}
		u.Host = from
		location = u.String()
	}
	return h.Vet(location, path)
}

// Vet judges the Location of a redirect that should lead to path, unescaped. The URL it returns has no user name and no fragment.
func (h *Hosts) Vet(location, path string) (*url.URL, error) {
	u, err := url.Parse(location)
	switch {
	case location == "":
		return nil, fmt.Errorf("redirect without a Location")
	case err != nil:
		return nil, fmt.Errorf("redirect to %q, which is no URL", clean(location, 200))
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("redirect to %q, which is neither http nor https", clean(u.Redacted(), 200))
	case u.Path != path:
		return nil, fmt.Errorf("redirect to another path, %q instead of %q", clean(u.Path, 200), clean(path, 200))
	}
	defaultPort := "80"
	if u.Scheme == "https" {
		defaultPort = "443"
	}
	host, port, err := splitHostPort(u.Host, defaultPort)
	if err != nil {
		return nil, fmt.Errorf("redirect to %q: %v", clean(u.Host, 200), err)
	}
	to := Endpoint{Scheme: u.Scheme, Host: host, Port: port}
	if moved, ok := h.rewriteOf(to); ok {
		to = moved
	} else if err := h.permit(to); err != nil {
		return nil, err
	}
	return &url.URL{Scheme: to.Scheme, Host: to.Addr(), Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}, nil
}

func (h *Hosts) rewriteOf(e Endpoint) (Endpoint, bool) {
	if to, ok := h.rewrite[e.Addr()]; ok {
		return to, true
	}
	to, ok := h.rewrite[e.Host]
	return to, ok
}

func (h *Hosts) permit(e Endpoint) error {
	rule, ok := h.allows(e)
	if h.tls && e.Scheme == "http" && !(ok && rule.plain) {
		return fmt.Errorf("redirect from https to plain %s, which would show the password on the network", e)
	}
	switch {
	case ok, h.named[e.Addr()]:
		return nil
	case h.frontends[e.Host]:
		return nil
	case h.listed:
		return fmt.Errorf("redirect to %s, which is not among the servers that the cluster lists", e.Addr())
	}
	if ip, err := netip.ParseAddr(e.Host); err == nil {
		if reason := h.bad(ip); reason != "" {
			return fmt.Errorf("redirect to %s, %s", e.Addr(), reason)
		}
	}
	return nil
}

func (h *Hosts) allows(e Endpoint) (allowed, bool) {
	for _, a := range h.allowed {
		match := a.host == e.Host || (a.below != "" && strings.HasSuffix(e.Host, a.below))
		if match && (a.port == "" || a.port == e.Port) {
			return a, true
		}
	}
	return allowed{}, false
}

// bad tells why an address that nobody named must not be connected to.
func (h *Hosts) bad(ip netip.Addr) string {
	ip = ip.Unmap()
	switch {
	case ip.IsLinkLocalUnicast(), ip.IsLinkLocalMulticast(), ip.IsMulticast(), ip.IsUnspecified():
		return "an address that no server of a cluster has"
	case ip.IsLoopback() && !h.loopback:
		return "which is this machine, not the cluster"
	}
	return ""
}

// Proxy is http.ProxyFromEnvironment; it remembers proxies, which Dial then connects to wherever they are.
func (h *Hosts) Proxy(r *http.Request) (*url.URL, error) {
	u, err := h.proxy(r)
	if u != nil {
		h.proxies.Store(proxyAddr(u), true)
	}
	return u, err
}

func proxyAddr(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme])
}

func (h *Hosts) isProxy(addr string) bool {
	_, yes := h.proxies.Load(addr)
	return yes
}

// Dial connects like net.Dialer, and looks at the address a name has resolved to at the very moment of connecting, so
// that a name cannot pass as one address and connect to another.
func (h *Hosts) Dial(timeout time.Duration) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		d := net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second}
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		host = strings.ToLower(host)
		if _, literal := netip.ParseAddr(host); literal != nil && !h.frontends[host] && !h.moved[addr] && !h.isProxy(addr) {
			_, listed := h.allows(Endpoint{Host: host, Port: port})
			listed = listed || h.named[strings.ToLower(addr)]
			d.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
				at, err := netip.ParseAddrPort(address)
				if err != nil {
					return err
				}
				if reason := h.bad(at.Addr()); reason != "" && !(listed && at.Addr().IsLoopback()) {
					return fmt.Errorf("%s resolves to %s, %s", host, at.Addr(), reason)
				}
				return nil
			}
		}
		return d.DialContext(ctx, network, addr)
	}
}
