package registry

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	awayBudget, openBudget, firstPause = 200*time.Millisecond, 100*time.Millisecond, 5*time.Millisecond
	goleak.VerifyTestMain(m)
}

// serve answers paths with "status body" and counts what was asked.
func serve(t *testing.T, answers map[string]string) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		answer, ok := answers[r.URL.Path]
		if !ok {
			answer = `404 {"error_code":40403}`
		}
		var status int
		code, body, _ := strings.Cut(answer, " ")
		if _, err := fmt.Sscan(code, &status); err != nil {
			t.Error(err)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s, &asked
}

func client(t *testing.T, c Config) *Client {
	t.Helper()
	c.Option = "valueConverter"
	cl, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func TestSchemasComeWithTheirParts(t *testing.T) {
	s, asked := serve(t, map[string]string{
		"/schemas/ids/7":              `200 {"schemaType":"PROTOBUF","schema":"top","references":[{"name":"a.proto","subject":"s/a","version":2},{"name":"b.proto","subject":"b","version":1}]}`,
		"/subjects/s/a/versions/2":    `200 {"schema":"A","references":[{"name":"b.proto","subject":"b","version":1}]}`,
		"/subjects/b/versions/1":      `200 {"schema":"B"}`,
		"/schemas/ids/8":              `200 {"schema":"\"int\""}`,
		"/schemas/ids/9":              `200 {"schema":"x","references":[{"name":"c","subject":"c","version":1}]}`,
		"/schemas/ids/10":             `200 {"schema":"x","references":[{"name":"b","subject":"b","version":1},{"name":"b","subject":"s/a","version":2}]}`,
		"/schemas/ids/11":             `200 {"schema":"x","references":[{"name":"r","subject":"r","version":1}]}`,
		"/subjects/r/versions/1":      `200 {"schema":"R","references":[{"name":"r","subject":"r","version":1}]}`,
		"/subjects/other/versions/12": `200 {}`,
	})
	c := client(t, Config{URLs: []string{s.URL}})
	for range 3 {
		got, err := c.Schema(t.Context(), 7)
		if err != nil || got.Type != Protobuf || got.Text != "top" || fmt.Sprint(got.Parts) != "[{b.proto B} {a.proto A}]" {
			t.Fatalf("%+v %v", got, err)
		}
	}
	if asked.Load() != 3 {
		t.Errorf("asked %d times, want once for each of three", asked.Load())
	}
	if got, err := c.Schema(t.Context(), 8); err != nil || got.Type != Avro {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := c.Schema(t.Context(), 11); err != nil || len(got.Parts) != 1 {
		t.Errorf("a schema that refers to itself: %+v %v", got, err)
	}
	for id, want := range map[uint32]string{9: `schema 9: refers to version 1 of "c", which is not there`, 10: `schema 10: "b" means version 1 of b and version 2 of s/a`} {
		var broken *BrokenError
		if _, err := c.Schema(t.Context(), id); !errors.As(err, &broken) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestNewest(t *testing.T) {
	s, _ := serve(t, map[string]string{"/subjects/orders/x/versions/latest": `200 {"schema":"new","id":3}`, "/subjects/torn/versions/latest": `200 {"schema":"x","references":[{"name":"c","subject":"c","version":1}]}`})
	c := client(t, Config{URLs: []string{s.URL}})
	if got, err := c.Newest(t.Context(), "orders/x"); err != nil || got.Text != "new" || got.Type != Avro {
		t.Errorf("%+v %v", got, err)
	}
	for subject, code := range map[string]protocol.Code{"absent": protocol.NotFound, "torn": protocol.Config} {
		_, err := c.Newest(t.Context(), subject)
		if f := protocol.AsFault(err); f == nil || f.Code != code || f.Place != "valueConverter.readerSchema" {
			t.Errorf("%s: %v", subject, err)
		}
	}
}

// An id that is not there is believed after a moment, then kept for a while.
func TestUnknownIDs(t *testing.T) {
	s, asked := serve(t, nil)
	c := client(t, Config{URLs: []string{s.URL}})
	for range 3 {
		var unknown *UnknownError
		if _, err := c.Schema(t.Context(), 5); !errors.As(err, &unknown) || err.Error() != "the schema registry has no schema 5" {
			t.Fatal(err)
		}
	}
	if asked.Load() != doubtRepeats {
		t.Errorf("asked %d times, want %d", asked.Load(), doubtRepeats)
	}
	c.mu.Lock()
	for id := range uint32(doubted) {
		c.absent[100+id] = time.Now()
	}
	c.mu.Unlock()
	if _, err := c.Schema(t.Context(), 6); err == nil || asked.Load() != doubtRepeats+1 {
		t.Errorf("%v, asked %d times: among many unknown ids one answer is enough", err, asked.Load())
	}
}

// One that was missing is found once it is there.
func TestAnIDThatComesLate(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"error_code":40403}`))
			return
		}
		_, _ = w.Write([]byte(`{"schema":"late"}`))
	}))
	t.Cleanup(s.Close)
	if got, err := client(t, Config{URLs: []string{s.URL}}).Schema(t.Context(), 5); err != nil || got.Text != "late" {
		t.Error(got, err)
	}
}

func TestTroubleIsWaitedFor(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n := asked.Add(1); n < 4 {
			w.WriteHeader([]int{500, 503, 429}[n-1])
			return
		}
		_, _ = w.Write([]byte(`{"schema":"good"}`))
	}))
	t.Cleanup(s.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	c := client(t, Config{URLs: []string{gone.URL, s.URL}})
	if got, err := c.Schema(t.Context(), 1); err != nil || got.Text != "good" {
		t.Fatal(got, err)
	}
	before := asked.Load()
	if _, err := c.Schema(t.Context(), 2); err != nil || asked.Load() != before+1 {
		t.Errorf("%v: the address that answered comes first", err)
	}
}

func TestFaults(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	answer := func(text string) string {
		s, _ := serve(t, map[string]string{"/schemas/ids/1": text, "/schemas/types": text, "/subjects": text})
		return s.URL
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(secure.Close)
	for _, c := range []struct {
		url  string
		code protocol.Code
		says string
	}{
		{gone.URL, protocol.Unreachable, "connection refused"},
		{answer("503 busy"), protocol.Unreachable, "503 Service Unavailable"},
		{answer("401 {}"), protocol.Denied, "401 Unauthorized"},
		{answer("403 {}"), protocol.Denied, "403 Forbidden"},
		{answer("404 not here"), protocol.Config, "404"},
		{answer("200 <html>"), protocol.Config, "no answer of a registry"},
		{answer(`422 {"error_code":42201,"message":"odd"}`), protocol.Refused, `"odd"`},
		{secure.URL, protocol.Denied, "certificate"},
	} {
		cl := client(t, Config{URLs: []string{c.url}})
		_, err := cl.Schema(t.Context(), 1)
		for what, err := range map[string]error{"schema": err, "probe": cl.Probe(t.Context())} {
			f := protocol.AsFault(err)
			if f == nil || f.Code != c.code || !strings.Contains(f.What, c.says) || !strings.HasPrefix(f.Place, "valueConverter.schemaRegistry") || f.Try == "" && c.code != protocol.Refused {
				t.Errorf("%s: %+v (%v), want %s %s", what, f, err, c.code, c.says)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client(t, Config{URLs: []string{gone.URL}}).Schema(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestProbe(t *testing.T) {
	for _, answers := range []map[string]string{{"/schemas/types": `200 ["AVRO"]`}, {"/schemas/types": "404 ", "/subjects": "200 []"}} {
		s, _ := serve(t, answers)
		if err := client(t, Config{URLs: []string{s.URL}}).Probe(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestLogins(t *testing.T) {
	var seen atomic.Value
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Header.Get("Authorization"))
		_, _ = w.Write([]byte(`{"schema":"x"}`))
	}))
	t.Cleanup(s.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{}, ""}, {Config{Username: "ada", Password: "pw"}, "Basic YWRhOnB3"}, {Config{Token: "tok"}, "Bearer tok"},
	} {
		c.config.URLs, c.config.CA = []string{s.URL}, ca
		if _, err := client(t, c.config).Schema(t.Context(), 1); err != nil || seen.Load() != c.want {
			t.Errorf("%v %v, want %s", seen.Load(), err, c.want)
		}
	}
	for key, c := range map[string]Config{"ca": {CA: ca + ".absent"}, "certificate": {Certificate: ca, Key: ca}} {
		_, err := New(c)
		if f := protocol.AsFault(err); f == nil || f.Code != protocol.Config || !strings.HasSuffix(f.Place, key) {
			t.Errorf("%s: %v", key, err)
		}
	}
	junk := filepath.Join(t.TempDir(), "junk.pem")
	if err := os.WriteFile(junk, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{CA: junk}); err == nil {
		t.Error("junk is no certificate")
	}
}

// A registry that asks who we are is shown our certificate.
func TestCertificates(t *testing.T) {
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gx"}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var seen atomic.Value
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.TLS.PeerCertificates[0].Subject.CommonName)
		_, _ = w.Write([]byte(`{"schema":"x"}`))
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	c := Config{URLs: []string{s.URL}, CA: file("ca.pem", "CERTIFICATE", s.Certificate().Raw)}
	if _, err := client(t, c).Schema(t.Context(), 1); protocol.AsFault(err) == nil {
		t.Errorf("without a certificate: %v", err)
	}
	c.Certificate, c.Key = file("us.pem", "CERTIFICATE", der), file("key.pem", "PRIVATE KEY", private)
	if _, err := client(t, c).Schema(t.Context(), 1); err != nil || seen.Load() != "gx" {
		t.Errorf("%v, %v", err, seen.Load())
	}
}

func TestParseURL(t *testing.T) {
	for text, want := range map[string]string{
		"http://r:8081/": "http://r:8081||", "https://u:p%40@r/apis/v7": "https://r/apis/v7|u|p@", " http://r ": "http://r||",
		"r:8081": "is not", "ftp://r": "is not", "http://": "is not", "http://r?x": "has a ?", "http://u:canary\x7f@r": "is not a URL",
	} {
		plain, user, password, err := ParseURL(text)
		got := plain + "|" + user + "|" + password
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want) || strings.Contains(got, "canary") {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
