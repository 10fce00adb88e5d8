package registry

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/gx-etl/gx/plugins/sdk"
)

// Config says where a registry is and how to log in. Every URL is another address of the same registry.
type Config struct {
	URLs []string // http or https, with a path when the registry has one, without a user
	// Username and Password log in by HTTP Basic, Token as a bearer; at most one of the two ways is set.
	Username, Password, Token string
	// CA is a PEM file of the authorities that certificates of the registry may come from; empty: those of the system.
	CA string
	// Certificate and Key are PEM files that show who we are.
	Certificate, Key string
	// Option is where faults say that they come from, such as valueConverter.
	Option string
}

// ParseURL takes an address apart: the URL without user and closing slash, and the user in it. The text of the error holds
// nothing of the address, which may have a password in it.
func ParseURL(text string) (plain, username, password string, err error) {
	u, bad := url.Parse(strings.TrimSpace(text))
	switch {
	case bad != nil:
		return "", "", "", fmt.Errorf("is not a URL")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return "", "", "", fmt.Errorf("is not an http or https URL")
	case u.RawQuery != "" || u.Fragment != "":
		return "", "", "", fmt.Errorf("has a ? or #, which the address of a registry has not")
	}
	username = u.User.Username()
	password, _ = u.User.Password()
	u.User = nil
	return strings.TrimSuffix(u.String(), "/"), username, password, nil
}

// askTimeout bounds one request.
const askTimeout = 10 * time.Second

// client makes the HTTP client; errors are faults.
func (c *Config) client() (*http.Client, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, c.authFault("ca", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, c.authFault("ca", fmt.Errorf("%s holds no certificate in PEM", c.CA))
		}
		t.TLSClientConfig.RootCAs = pool
	}
	if c.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
		if err != nil {
			return nil, c.authFault("certificate", err)
		}
		t.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Transport: t, Timeout: askTimeout}, nil
}

func (c *Config) authFault(key string, err error) error {
	return sdk.Faultf(sdk.Config, "%w", err).At(c.Option + ".schemaRegistryAuth." + key).Hint("the path of a PEM file that the process may read")
}

// login adds the login to a request.
func (c *Config) login(r *http.Request) {
	switch {
	case c.Token != "":
		r.Header.Set("Authorization", "Bearer "+c.Token)
	case c.Username != "":
		r.SetBasicAuth(c.Username, c.Password)
	}
}
