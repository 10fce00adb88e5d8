package streamload

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gx-etl/gx/plugins/protocol"
)

func endpoints(t testing.TB, list ...string) (out []Endpoint) {
	t.Helper()
	for _, s := range list {
		e, err := ParseEndpoint(s, DefaultFrontendPort)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

const loadOfT = "/api/d/t/_stream_load"

// Where a frontend may send the password: the servers that the cluster or the job names, and nobody else.
func TestVet(t *testing.T) {
	listed := NewHosts(endpoints(t, "fe1.example:8030"))
	listed.Name([]string{"10.0.0.5:8040", "be1.example:8040", "127.0.0.1:8040"})
	for _, a := range []string{"extra.example:8040", "*.pods.svc", "http://plain.example"} {
		if err := listed.Allow(a); err != nil {
			t.Fatal(err)
		}
	}
	listed.Move("be9.internal:8040", Endpoint{"http", "nat.example", "18040"})
	listed.Move("be8.internal", Endpoint{"https", "nat.example", "443"})
	open := NewHosts(endpoints(t, "10.1.1.1:8030"))
	local := NewHosts(endpoints(t, "127.0.0.1:8030"))
	secure := NewHosts(endpoints(t, "https://fe1.example"))
	for _, a := range []string{"http://plain.example:8040", "be.example"} {
		if err := secure.Allow(a); err != nil {
			t.Fatal(err)
		}
	}
	const bad = ""
	for _, tc := range []struct {
		hosts    *Hosts
		location string
		want     string // scheme://host:port; "" refused
	}{
		{listed, "http://10.0.0.5:8040" + loadOfT, "http://10.0.0.5:8040"},
		{listed, "http://BE1.example:8040" + loadOfT, "http://be1.example:8040"},
		{listed, "http://127.0.0.1:8040" + loadOfT, "http://127.0.0.1:8040"},
		{listed, "http://user:pw@10.0.0.5:8040" + loadOfT, "http://10.0.0.5:8040"},
		{listed, "http://10.0.0.5:8040" + loadOfT + "?a=b", "http://10.0.0.5:8040"},
		{listed, "http://fe1.example:8040" + loadOfT, "http://fe1.example:8040"},
		{listed, "http://extra.example:8040" + loadOfT, "http://extra.example:8040"},
		{listed, "http://be-0.pods.svc:8040" + loadOfT, "http://be-0.pods.svc:8040"},
		{listed, "http://be9.internal:8040" + loadOfT, "http://nat.example:18040"},
		{listed, "http://be8.internal:1234" + loadOfT, "https://nat.example:443"},
		{open, "http://be.anywhere:8040" + loadOfT, "http://be.anywhere:8040"},
		{open, "http://[2001:db8::1]:8040" + loadOfT, "http://[2001:db8::1]:8040"},
		{local, "http://127.0.0.2:8040" + loadOfT, "http://127.0.0.2:8040"},
		{secure, "https://fe1.example:8040" + loadOfT, "https://fe1.example:8040"},
		{secure, "http://plain.example:8040" + loadOfT, "http://plain.example:8040"},

		{listed, "", bad},
		{listed, "/api/d/t/_stream_load", bad},
		{listed, "//10.0.0.5:8040" + loadOfT, bad},
		{listed, "http://10.0.0.5:8040", bad},
		{listed, "http://10.0.0.5:8040/", bad},
		{listed, "http://10.0.0.5:8040/api/d/other/_stream_load", bad},
		{listed, "http://10.0.0.5:8040/api/d/t/_stream_load/../x", bad},
		{listed, "http://10.0.0.5:8040//api/d/t/_stream_load", bad},
		{listed, "http://10.0.0.5:8041" + loadOfT, bad},
		{listed, "http://10.0.0.5" + loadOfT, bad},
		{listed, "http://10.0.0.6:8040" + loadOfT, bad},
		{listed, "http://10.0.0.5.evil.example:8040" + loadOfT, bad},
		{listed, "http://be1.example.evil:8040" + loadOfT, bad},
		{listed, "http://xbe1.example:8040" + loadOfT, bad},
		{listed, "http://pods.svc:8040" + loadOfT, bad},
		{listed, "http://evilpods.svc:8040" + loadOfT, bad},
		{listed, "http://10.0.0.5:8040@evil.example" + loadOfT, bad},
		{listed, "http://10.0.0.5:8040#@evil.example" + loadOfT, bad},
		{listed, "http://evil.example:8040" + loadOfT + "#10.0.0.5", bad},
		{listed, "http://10.0.0.5%3A8040" + loadOfT, bad},
		{listed, "http://10.0.0.5:8040\r\nX: y" + loadOfT, bad},
		{listed, "http://10.0.0.5:8040 " + loadOfT, bad},
		{listed, "http://10.0.0.5:0" + loadOfT, bad},
		{listed, "http://10.0.0.5:99999" + loadOfT, bad},
		{listed, "http://:8040" + loadOfT, bad},
		{listed, "ftp://10.0.0.5:8040" + loadOfT, bad},
		{listed, "file://" + loadOfT, bad},
		{listed, "gopher://10.0.0.5:8040" + loadOfT, bad},
		{listed, "javascript:alert(1)", bad},
		{listed, "http://localhost:8040" + loadOfT, bad},
		{listed, "http://169.254.169.254" + loadOfT, bad},
		{listed, "http://metadata.google.internal" + loadOfT, bad},
		{listed, "http://nat.example:18040" + loadOfT, bad},
		{open, "http://169.254.169.254" + loadOfT, bad},
		{open, "http://[fe80::1]:8040" + loadOfT, bad},
		{open, "http://[::ffff:169.254.169.254]:80" + loadOfT, bad},
		{open, "http://0.0.0.0:8040" + loadOfT, bad},
		{open, "http://[::]:8040" + loadOfT, bad},
		{open, "http://224.0.0.1:8040" + loadOfT, bad},
		{open, "http://127.0.0.1:8040" + loadOfT, bad},
		{open, "http://[::1]:8040" + loadOfT, bad},
		{open, "http://[::ffff:127.0.0.1]:8040" + loadOfT, bad},
		{local, "http://169.254.0.1:8040" + loadOfT, bad},
		{secure, "http://fe1.example:8040" + loadOfT, bad},
		{secure, "http://be.example:8040" + loadOfT, bad},
		{secure, "http://elsewhere.example:8040" + loadOfT, bad},
	} {
		u, err := tc.hosts.Vet(tc.location, loadOfT)
		switch {
		case tc.want == bad && err == nil:
			t.Errorf("%q was accepted as %s", tc.location, u)
		case tc.want == bad && strings.Contains(err.Error(), "pw"):
			t.Errorf("%q: the error shows a password: %v", tc.location, err)
		case tc.want != bad && err != nil:
			t.Errorf("%q was refused: %v", tc.location, err)
		case tc.want != bad && (u.Scheme+"://"+u.Host != tc.want || u.User != nil || u.Path != loadOfT || u.Fragment != ""):
			t.Errorf("%q leads to %s, want %s", tc.location, u, tc.want)
		}
	}
}

// A redirect to a server that nobody named: not a byte goes there.
func TestHostileRedirectSendsNothing(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.3:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			conn.Close()
		}
	}()
	for _, code := range []int{301, 302, 303, 307, 308} {
		fe := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://"+lis.Addr().String()+r.URL.RequestURI())
			w.WriteHeader(code)
		})
		s, _ := sender(t, 1, fe)
		s.cfg.Hosts.Name([]string{"10.0.0.5:8040"})
		l := rows3()
		_, err := s.Send(t.Context(), l)
		f := protocol.AsFault(err)
		if f == nil || f.Code != protocol.Refused || f.Place != "loadUrl" || f.Try == "" {
			t.Errorf("HTTP %d: %+v", code, err)
		}
		if l.Body.(*pieces).opened != 0 {
			t.Errorf("HTTP %d: the body was opened", code)
		}
	}
	lis.Close()
	<-done
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// A name is judged again by what it resolves to at the moment of connecting.
func TestNameThatResolvesElsewhere(t *testing.T) {
	_, port, _ := net.SplitHostPort(serve(t, "127.0.0.1:0", func(w http.ResponseWriter, _ *http.Request) { t.Error("reached") }))
	remote := NewHosts(endpoints(t, "10.1.1.1:8030"))
	if _, err := remote.Vet("http://localhost:"+port+loadOfT, loadOfT); err != nil {
		t.Fatal(err) // by its name alone it may be anything
	}
	if conn, err := remote.Dial(1e9)(t.Context(), "tcp", "localhost:"+port); err == nil || !strings.Contains(err.Error(), "this machine") {
		t.Errorf("%v, %v", conn, err)
	}
	if err := remote.Allow("localhost"); err != nil {
		t.Fatal(err)
	}
	conn, err := remote.Dial(1e9)(t.Context(), "tcp4", "localhost:"+port)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestAllow(t *testing.T) {
	h := NewHosts(nil)
	for _, bad := range []string{"", "*", "a*b", "*.*.x", "user@host", "host:0", "ftp://host", "host/path", "*example"} {
		if err := h.Allow(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestParseEndpoint(t *testing.T) {
	for in, want := range map[string]string{
		"fe1": "http://fe1:8030", "FE1:1": "http://fe1:1", "https://fe1": "https://fe1:8030", " http://fe1:8030/ ": "http://fe1:8030",
		"10.0.0.1": "http://10.0.0.1:8030", "[::1]:80": "http://[::1]:80", "[::1]": "http://[::1]:8030", "2001:db8::1": "http://[2001:db8::1]:8030",
	} {
		if e, err := ParseEndpoint(in, DefaultFrontendPort); err != nil || e.String() != want {
			t.Errorf("%q: %s, %v, want %s", in, e, err, want)
		}
	}
	for _, in := range []string{"", ":8030", "a:b", "a:0", "a:70000", "http://", "a/b", "a?b", "u:p@a", "a b", "a:1:2", "http://a:", "a,b"} {
		if e, err := ParseEndpoint(in, DefaultFrontendPort); err == nil {
			t.Errorf("%q was read as %s", in, e)
		}
	}
}

func FuzzVet(f *testing.F) {
	for _, s := range []string{"http://10.0.0.5:8040" + loadOfT, "http://10.0.0.5:8040@evil" + loadOfT, "//x", "http://[::ffff:10.0.0.5]:8040" + loadOfT, "http://10.0.0.5:8040\\@evil" + loadOfT} {
		f.Add(s)
	}
	h := NewHosts([]Endpoint{{"http", "fe1.example", "8030"}})
	h.Name([]string{"10.0.0.5:8040"})
	f.Fuzz(func(t *testing.T, location string) {
		u, err := h.Vet(location, loadOfT)
		if err != nil {
			return
		}
		if (u.Host != "10.0.0.5:8040" && !strings.HasPrefix(u.Host, "fe1.example:")) || u.User != nil || u.Path != loadOfT {
			t.Fatalf("%q leads to %s", location, u)
		}
		req, err := http.NewRequest(http.MethodPut, u.String(), io.NopCloser(strings.NewReader("")))
		if err != nil {
			t.Fatalf("%q: %v", location, err)
		}
		if req.URL.Host != u.Host || req.URL.Path != loadOfT {
			t.Fatalf("%q: a request goes to %s", location, fmt.Sprint(req.URL))
		}
	})
}
