package jdbc

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
)

func parse(t testing.TB, src string) options.Value {
	t.Helper()
	v, problems := options.Parse([]byte(src))
	if len(problems) > 0 {
		t.Fatalf("%s: %v", src, problems)
	}
	return v
}

func TestRead(t *testing.T) {
	for src, want := range map[string]string{
		`"jdbc:mysql://h1:9031,h2/db?useSSL=true"`: "[h1:9031 h2:9030] db tls",
		`"JDBC:MySQL://H1/"`:                       "[h1:9030] ",
		`"h1"`:                                     "[h1:9030] ",
		`" h1 : 1 "`:                               "[] : is no address",
		`"h1:1;h2:2,h1:1"`:                         "[h1:1 h2:2] ",
		`["h1","jdbc:starrocks://h2:1/x","jdbc:mariadb://h3"]`:                        "[h1:9030 h2:1 h3:9030] x",
		`"jdbc:mysql:loadbalance://h1:1,h2:2/d?sslMode=VERIFY_CA"`:                    "[h1:1 h2:2] d tls",
		`"jdbc:mysql://h1?a=1,2&sslMode=preferred,jdbc:mysql://h2?requireSSL=true"`:   "[h1:9030 h2:9030]  tls note a",
		`"jdbc:mysql://h1/d?zeroDateTimeBehavior=CONVERT_TO_NULL&useUnicode=true"`:    "[h1:9030] d zero",
		`"jdbc:mysql://h1/d?zeroDateTimeBehavior=round&characterEncoding=utf8&x=%zz"`: "[h1:9030] d note all of them",
		`"[::1]:9031"`:                      "[[::1]:9031] ",
		`"::1"`:                             "[[::1]:9030] ",
		`null`:                              "[] ",
		`""`:                                "[] ",
		`[""," "]`:                          "[] ",
		`"jdbc:mysql:///d"`:                 "[] d: names no host",
		`"jdbc:mysql://"`:                   "[] : names no host",
		`","`:                               "[] : names no host",
		`["h1",","]`:                        "[h1:9030] [1]: names no host",
		`"http://h1:8030"`:                  "[] : is an address of http, the MySQL port is needed",
		`"jdbc:oracle://h1"`:                "[] : is an address of jdbc:oracle, the MySQL port is needed",
		`"h1:0"`:                            "[] : not between 1 and 65535",
		`"h1:65536"`:                        "[] : not between 1 and 65535",
		`":9030"`:                           "[] : is no host:port",
		`"a:b:c"`:                           "[] : is no host:port",
		`"root:hunter2@h1"`:                 "[] : \"***@h1\" holds a user name",
		`"jdbc:mysql://root:hunter2@h1:1/"`: "[] : \"***@h1:1\" holds a user name",
		`"h1(x)"`:                           "[] : is no address",
	} {
		s, problems := Read(parse(t, src), "", "9030")
		got := fmt.Sprintf("%v %s", s.Addrs, s.Database)
		if s.TLS {
			got += " tls"
		}
		if s.ZeroNulls {
			got += " zero"
		}
		for _, p := range problems {
			if p.Warning {
				got += " note " + strings.TrimPrefix(p.Seen, "settings of the Java driver have no effect: ")
			} else {
				got += p.Path + ": " + p.Seen
			}
		}
		head, tail, _ := strings.Cut(want, ": ")
		if !strings.HasPrefix(got, head) || !strings.Contains(got, tail) || strings.Contains(got, "hunter2") || (tail == "" && len(got) > len(want) && !strings.Contains(want, "note")) {
			t.Errorf("%s: %s, want %s", src, got, want)
		}
	}
}

// Whatever a job says, an address that comes out is one, no password shows, and something is said when there is none.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"jdbc:mysql://a:1,b/d?x=y", "u:p@h", "[::1]:1;h", "?,jdbc:mysql://h", "jdbc:mysql://a?b=c,d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, problems := Read(options.Text(text), "jdbcUrl", "9030")
		for _, addr := range s.Addrs {
			if host, port, err := net.SplitHostPort(addr); err != nil || host == "" || port == "" || strings.ContainsAny(addr, " @,;") {
				t.Fatalf("%q: address %q", text, addr)
			}
		}
		if strings.TrimSpace(text) != "" && len(s.Addrs) == 0 && !options.Failed(problems) {
			t.Fatalf("%q names nothing, and that is no problem", text)
		}
	})
}
