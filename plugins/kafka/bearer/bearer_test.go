package bearer

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// jwt is a token without a signature that ends at a time.
func jwt(ends time.Time) string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return part(`{"alg":"none"}`) + "." + part(fmt.Sprintf(`{"sub":"etl","exp":%d}`, ends.Unix())) + "."
}

func TestParse(t *testing.T) {
	ends := time.Unix(2_000_000_000, 0)
	for text, want := range map[string]time.Time{
		jwt(ends): ends, "opaque": {}, "a.b.c": {}, "a.e30.c": {}, "e30.eyJleHAiOiJ4In0.": {}, "YWJj==": {}, "e30.eyJleHAiOjFlOTl9.": {}, "e30.eyJleHAiOi0xfQ.": {},
	} {
		got, err := Parse(text)
		if err != nil || got.Value != text || !got.Expires.Equal(want) {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "a b", "a\x01b", "a\nb", "=", "ä", "a,b"} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%q passes for a token", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(jwt(time.Unix(1, 0)))
	f.Add("a.e30.c")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := Parse(text); err == nil && strings.ContainsAny(got.Value, "\x01 \r\n") {
			t.Errorf("%q", got.Value)
		}
	})
}

func TestTokensThatEnded(t *testing.T) {
	gone := jwt(time.Now().Add(-time.Minute))
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(gone+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]Source{"sasl.oauthbearer.token ended at": Static(gone), "the token in " + file + " ended at": File(file),
		"no such file": File(file + "x"), "sasl.oauthbearer.token: it is not a token": Static("a b")} {
		_, err := source(t.Context())
		var known *Error
		if !errors.As(err, &known) || !known.Refused || known.Try == "" || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), gone) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCache(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	asked, life, broken := 0, 100*time.Second, false
	now := start
	c := Cache{Factor: 0.8, Buffer: 10 * time.Second, Timeout: time.Second, Source: func(context.Context) (Token, error) {
		if asked++; broken {
			return Token{}, errors.New("down")
		}
		out := Token{Value: fmt.Sprint(asked)}
		if life > 0 {
			out.Expires = now.Add(life)
		}
		return out, nil
	}}
	at := func(after time.Duration, want string) {
		t.Helper()
		now = start.Add(after)
		if got, err := c.Get(now); err != nil || got != want {
			t.Errorf("after %s: %q %v, want %q", after, got, err, want)
		}
	}
	at(0, "1")
	at(79*time.Second, "1")
	at(80*time.Second, "2") // most of its life is over
	broken = true
	at(170*time.Second, "2") // the old one serves until its end, at 180
	if _, err := c.Get(start.Add(180 * time.Second)); err == nil || err.Error() != "down" {
		t.Errorf("after the end: %v", err)
	}
	broken, life = false, 20*time.Second
	at(200*time.Second, "5")
	at(209*time.Second, "5")
	at(210*time.Second, "6") // the buffer before its end
	life = 5 * time.Second   // shorter than the buffer, which then means nothing
	at(220*time.Second, "7")
	at(223*time.Second, "7")
	at(224*time.Second, "8")
	life = 0
	at(300*time.Second, "9")
	at(301*time.Second, "10") // nobody knows its end
}

// endpoint is a token endpoint with a certificate of its own.
func endpoint(t *testing.T, handle http.HandlerFunc) Endpoint {
	t.Helper()
	server := httptest.NewTLSServer(handle)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return Endpoint{URL: server.URL + "/token?tenant=hidden", ID: "the client", Secret: "s3cret:&pw", Scope: "kafka read", Roots: roots,
		Connect: 5 * time.Second, Read: 5 * time.Second, Backoff: time.Millisecond, BackoffMax: 2 * time.Millisecond}
}

func TestEndpoint(t *testing.T) {
	for _, encode := range []bool{false, true} {
		var tries atomic.Int32
		e := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
			id, secret, _ := r.BasicAuth()
			wantID, wantSecret := "the client", "s3cret:&pw"
			if encode {
				wantID, wantSecret = "the+client", "s3cret%3A%26pw"
			}
			if r.Method != http.MethodPost || id != wantID || secret != wantSecret || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "kafka read" {
				t.Errorf("%s %q %q %v", r.Method, id, secret, r.Form)
			}
			if tries.Add(1) < 3 {
				w.WriteHeader(http.StatusServiceUnavailable) // such trouble passes
				return
			}
			_, _ = w.Write([]byte(`{"access_token":"abc","token_type":"Bearer","expires_in":600}`))
		})
		e.URLEncode = encode
		began := time.Now()
		got, err := e.Source()(t.Context())
		if err != nil || got.Value != "abc" || got.Expires.Before(began.Add(590*time.Second)) || got.Expires.After(time.Now().Add(600*time.Second)) || tries.Load() != 3 {
			t.Errorf("%+v %v", got, err)
		}
	}
}

func TestEndpointRefuses(t *testing.T) {
	for _, c := range []struct {
		status     int
		body, want string
		try        string
	}{
		{401, `{"error":"invalid_client","error_description":"no s3cret:&pw\u001b[31m here"}`, "answers 401: invalid_client: no *** [31m here", "compare sasl.oauthbearer.client"},
		{400, `{"error":"invalid_scope"}`, "answers 400: invalid_scope", "sasl.oauthbearer.scope"},
		{404, "<html>", "answers 404: Not Found", "check sasl.oauthbearer.token.endpoint.url"},
		{302, "", "answers 302: Found", "gx sends the secret to no other address"},
		{200, "<html>", "answers without an access_token", "check that sasl.oauthbearer.token.endpoint.url"},
		{200, `{"access_token":"a b"}`, "it is not a token", ""},
	} {
		e := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/token" {
				t.Error("the redirect was followed")
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		})
		_, err := e.Source()(t.Context())
		var known *Error
		if !errors.As(err, &known) || !known.Refused || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(known.Try, c.try) ||
			strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%d %s: %v", c.status, c.body, err)
		}
	}
	e := endpoint(t, func(http.ResponseWriter, *http.Request) {})
	e.Roots = x509.NewCertPool()
	_, err := e.Source()(t.Context())
	var known *Error
	if !errors.As(err, &known) || !known.Refused || !strings.Contains(known.Try, "https.ca.location") {
		t.Errorf("of a strange authority: %v", err)
	}
}

func TestEndpointThatStaysAway(t *testing.T) {
	e := endpoint(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := e.Source()(ctx)
	var known *Error
	if !errors.As(err, &known) || known.Refused {
		t.Errorf("%v", err)
	}
}
