package streamload

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Endpoint is the address of an HTTP server of StarRocks.
type Endpoint struct {
	Scheme string // http or https
	Host   string // name or address, without brackets
	Port   string
}

// Default ports of StarRocks.
const (
	DefaultFrontendPort = "8030"
	DefaultBackendPort  = "8040"
)

// ParseEndpoint reads host, host:port or either of them behind http:// or https://. A path, if any, must be empty.
func ParseEndpoint(s, defaultPort string) (Endpoint, error) {
	e := Endpoint{Scheme: "http"}
	rest := strings.TrimSpace(s)
	if scheme, after, ok := strings.Cut(rest, "://"); ok {
		e.Scheme = strings.ToLower(scheme)
		if e.Scheme != "http" && e.Scheme != "https" {
			return e, fmt.Errorf("scheme %q is neither http nor https", scheme)
		}
		rest = after
	}
	rest = strings.TrimSuffix(rest, "/")
	if i := strings.IndexAny(rest, "/?#@"); i >= 0 {
		if rest[i] == '@' {
			return e, errors.New("a user name does not belong here; use username and password")
		}
		return e, errors.New("only host and port belong here")
	}
	host, port, err := splitHostPort(rest, defaultPort)
	if err != nil {
		return e, err
	}
	e.Host, e.Port = host, port
	return e, nil
}

func splitHostPort(s, defaultPort string) (host, port string, err error) {
	host, port = s, defaultPort
	switch {
	case strings.HasPrefix(s, "["), strings.Count(s, ":") == 1:
		if strings.HasSuffix(s, "]") {
			host = s[1 : len(s)-1]
		} else if host, port, err = net.SplitHostPort(s); err != nil {
			return "", "", errors.New("is not host:port")
		}
	case strings.Count(s, ":") > 1 && net.ParseIP(s) == nil:
		return "", "", errors.New("is not host:port")
	}
	if host == "" {
		return "", "", errors.New("has no host")
	}
	for _, b := range []byte(host) {
		if b <= ' ' || b == 0x7f || strings.IndexByte(`"'<>\^`+"`{|}%,;", b) >= 0 {
			return "", "", fmt.Errorf("host %q holds a character that no host has", host)
		}
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", "", fmt.Errorf("port %q is not between 1 and 65535", port)
	}
	return strings.ToLower(host), port, nil
}

// Addr is host:port.
func (e Endpoint) Addr() string { return net.JoinHostPort(e.Host, e.Port) }

// String is scheme://host:port.
func (e Endpoint) String() string { return e.Scheme + "://" + e.Addr() }
