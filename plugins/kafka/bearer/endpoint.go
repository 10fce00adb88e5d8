package bearer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Endpoint is where a client gets tokens for its own id and secret (RFC 6749, section 4.4).
type Endpoint struct {
	URL, ID, Secret, Scope string
	// URLEncode encodes id and secret before they are joined, as RFC 6749 asks and many servers do not.
	URLEncode bool
	Roots     *x509.CertPool // nil: those of the system
	Connect   time.Duration
	Read      time.Duration
	// A server that cannot be reached or has trouble is asked again after Backoff, which doubles up to BackoffMax.
	Backoff, BackoffMax time.Duration
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

// Source asks the endpoint. A redirect is not followed: the secret is for this server alone.
func (e Endpoint) Source() Source {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: e.Connect}).DialContext, TLSHandshakeTimeout: e.Connect,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: e.Roots}, ResponseHeaderTimeout: e.Read, DisableKeepAlives: true,
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(ctx context.Context) (Token, error) {
		for wait := max(e.Backoff, time.Millisecond); ; wait = min(2*wait, max(e.BackoffMax, e.Backoff)) {
			t, err := e.ask(ctx, client)
			var known *Error
			if err == nil || errors.As(err, &known) && known.Refused {
				return t, err
			}
			select {
			case <-ctx.Done():
				return Token{}, err
			case <-time.After(wait):
			}
		}
	}
}

func (e *Endpoint) ask(ctx context.Context, client *http.Client) (Token, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if e.Scope != "" {
		form.Set("scope", e.Scope)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return Token{}, &Error{Refused: true, Err: errors.New("the URL of the token endpoint cannot be read"), Try: "https://host/path"}
	}
	id, secret := e.ID, e.Secret
	if e.URLEncode {
		id, secret = url.QueryEscape(id), url.QueryEscape(secret)
	}
	request.SetBasicAuth(id, secret)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	asked := time.Now()
	answer, err := client.Do(request)
	if err != nil {
		return Token{}, e.unreachable(err)
	}
	defer func() { _ = answer.Body.Close() }()
	stop := time.AfterFunc(e.Read, func() { _ = answer.Body.Close() })
	defer stop.Stop()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return Token{}, e.unreachable(err)
	}
	return e.read(answer.StatusCode, body, asked)
}

// read judges an answer (RFC 6749, sections 5.1 and 5.2).
func (e *Endpoint) read(status int, body []byte, asked time.Time) (Token, error) {
	var said struct {
		Token   string  `json:"access_token"`
		Life    float64 `json:"expires_in"`
		Code    string  `json:"error"`
		Because string  `json:"error_description"`
	}
	bad := json.Unmarshal(body, &said)
	if status != http.StatusOK {
		words := http.StatusText(status)
		if said.Code != "" {
			words = strings.TrimSuffix(said.Code+": "+said.Because, ": ")
		}
		out := &Error{Err: fmt.Errorf("the token endpoint %s answers %d: %s", e.place(), status, e.clean(words)), Try: "ask whoever runs it"}
		switch {
		case status == http.StatusUnauthorized, said.Code == "invalid_client", said.Code == "unauthorized_client":
			out.Refused, out.Try = true, "compare sasl.oauthbearer.client.credentials.client.id and .client.secret with what the endpoint knows"
		case said.Code == "invalid_scope":
			out.Refused, out.Try = true, "sasl.oauthbearer.scope"
		case status >= 300 && status < 400:
			out.Refused, out.Try = true, "gx sends the secret to no other address; give the final one as sasl.oauthbearer.token.endpoint.url"
		case status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout:
			out.Refused, out.Try = true, "check sasl.oauthbearer.token.endpoint.url"
		}
		return Token{}, out
	}
	if bad != nil || said.Token == "" {
		return Token{}, &Error{Refused: true, Err: fmt.Errorf("the token endpoint %s answers without an access_token", e.place()),
			Try: "check that sasl.oauthbearer.token.endpoint.url is the endpoint for tokens and not its home page"}
	}
	t, err := Parse(said.Token)
	if err != nil {
		return Token{}, &Error{Refused: true, Err: fmt.Errorf("the access_token of %s: %w", e.place(), err)}
	}
	if said.Life > 0 && said.Life < 1e9 {
		t.Expires = asked.Add(time.Duration(said.Life * float64(time.Second)))
	}
	return t, nil
}

// unreachable words an error of the way to the endpoint without the URL, in which a secret may stand.
func (e *Endpoint) unreachable(err error) error {
	var whole *url.Error
	if errors.As(err, &whole) {
		err = whole.Err
	}
	out := &Error{Err: fmt.Errorf("the token endpoint %s: %w", e.place(), err), Try: "check sasl.oauthbearer.token.endpoint.url and the network"}
	var verify *tls.CertificateVerificationError
	if errors.As(err, &verify) {
		out.Refused, out.Try = true, "https.ca.location names the authority of the token endpoint, in PEM"
	}
	return out
}

// place is the endpoint without what may be secret.
func (e *Endpoint) place() string {
	u, err := url.Parse(e.URL)
	if err != nil {
		return "given"
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// clean makes words of a server fit for one line, without the secret.
func (e *Endpoint) clean(words string) string {
	words = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, words)
	if e.Secret != "" {
		words = strings.ReplaceAll(words, e.Secret, "***")
	}
	if len(words) > 200 {
		words = strings.ToValidUTF8(words[:200], "") + "…"
	}
	return words
}
