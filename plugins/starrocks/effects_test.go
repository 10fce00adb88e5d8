package starrocks

import (
	"context"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

// The cluster knows its backend under an address that is of no use here.
func TestRedirectMap(t *testing.T) {
	f := newFakeCluster(t)
	f.advertise = "10.255.255.1:8040"
	s := newSession(t)
	s.mustOpen(params(f, `"redirectMap":{"10.255.255.1:8040":"`+f.backend+`"}`), 64<<20)
	st := s.lane("0")
	st.send(1, "", documents(`{"id":1}`))
	if a := st.mustFinish(); a.Landed != 1 {
		t.Errorf("%v", a)
	}
}

// The cluster names a backend that cannot be reached by that name; its port can, on the frontend's host.
func TestRedirectToTheSameHost(t *testing.T) {
	for redirect, want := range map[string]protocol.Code{"sameHost": "", "SAMEHOST": "", "follow": protocol.Unreachable} {
		f := newFakeCluster(t)
		beside := f.serve("127.0.0.1:0", f.be)
		_, port, err := net.SplitHostPort(beside)
		if err != nil {
			t.Fatal(err)
		}
		f.advertise = "no-such-host.invalid:" + port
		f.answer = func(l fakeLoad) string {
			if l.rows == 1 {
				return ""
			}
			return `{"Status":"Fail","Message":"too many filtered rows","NumberTotalRows":2,"NumberLoadedRows":1,"NumberFilteredRows":1,"ErrorURL":"http://no-such-host.invalid:` + port + `/api/_load_error_log?file=0"}`
		}
		f.logs = []string{"Error: the value is bad. Row: {\"id\":2}\n"}
		s := newSession(t)
		s.mustOpen(params(f, `"redirect":"`+redirect+`","maxRetries":0,"unreachableTimeoutSec":1,"strategyOnError":"rowDirtyData"`), 64<<20)
		st := s.lane("0")
		st.send(1, "", documents(`{"id":1}`, `{"id":2}`))
		fault := protocol.AsFault(st.finish())
		if (fault == nil) != (want == "") || (fault != nil && fault.Code != want) {
			t.Errorf("%s: %+v", redirect, fault)
		}
		if want == "" && (st.total.Landed != 1 || len(st.total.Dirty) != 1 || st.total.Dirty[0].Reason != "the value is bad" || len(f.seen()) != 2) {
			t.Errorf("%s: %v", redirect, &st.total)
		}
	}
}

// Backends that the job names take the loads in turn, and no frontend is asked for one; one that is dead is passed over.
func TestNamedBackends(t *testing.T) {
	f := newFakeCluster(t)
	f.advertise = "no-such-host.invalid:1"
	second := f.serve("127.0.0.3:0", f.be)
	dead := closedPort(t)
	s := newSession(t)
	s.mustOpen(params(f, `"redirect":"be:`+f.backend+", http://"+second+";"+dead+`","maxBatchRows":1`), 64<<20)
	st := s.lane("0")
	st.send(1, "", documents(`{"id":1}`, `{"id":2}`, `{"id":3}`, `{"id":4}`))
	if a := st.mustFinish(); a.Landed != 4 {
		t.Errorf("%v", a)
	}
	hosts := map[string]int{}
	for _, l := range f.seen() {
		hosts[l.host]++
	}
	if hosts[f.backend] != 2 || hosts[second] != 2 {
		t.Errorf("%v", hosts)
	}
}

// The cluster lists other servers than it redirects to; the job vouches for that one.
func TestAllowedHosts(t *testing.T) {
	f := newFakeCluster(t)
	results := tableResults("DUP_KEYS", "id")
	results["SHOW BACKENDS"] = sqlResult{columns: []string{"IP", "HttpPort"}, rows: [][]string{{"10.255.255.1", "8040"}}}
	results["SHOW COMPUTE NODES"] = sqlResult{columns: []string{"IP", "HttpPort"}}
	q := newFakeSQL(t, results)
	for allowed, want := range map[string]protocol.Code{`["` + f.backend + `"]`: "", `["127.0.0.9"]`: protocol.Refused} {
		s := newSession(t)
		s.mustOpen(withSQL(f, q, `"allowedHosts":`+allowed), 64<<20)
		st := s.lane("0")
		st.send(1, "", documents(`{"id":1}`))
		fault := protocol.AsFault(st.finish())
		if (fault == nil) != (want == "") || (fault != nil && fault.Code != want) {
			t.Errorf("%s: %+v", allowed, fault)
		}
	}
}

// A host that takes no connection and refuses none: the listener's queue is full.
func TestConnectTimeout(t *testing.T) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}).String()
	for full := false; !full; {
		conn, err := net.DialTimeout("tcp", addr, 200*time.Millisecond)
		if full = err != nil; !full {
			defer conn.Close()
		}
	}
	f := newFakeCluster(t)
	_, err = newSession(t).open(strings.ReplaceAll(params(f, `"connectTimeoutMs":100`), f.frontend, addr), 64<<20)
	if fault := protocol.AsFault(err); fault == nil || fault.Code != protocol.Unreachable || !strings.Contains(fault.What, "timeout") || !strings.Contains(fault.Try, "connectTimeoutMs is 100") {
		t.Errorf("%+v", fault)
	}
}

// A backend that takes the rows and never answers.
func TestHTTPTimeout(t *testing.T) {
	f := newFakeCluster(t)
	f.gate = make(chan struct{})
	s := newSession(t)
	s.mustOpen(params(f, `"httpTimeoutSec":1,"maxRetries":0`), 64<<20)
	st := s.lane("0")
	st.send(1, "", documents(`{"id":1}`))
	if fault := protocol.AsFault(st.finish()); fault == nil || fault.Code != protocol.Refused || !strings.Contains(fault.What, "deadline exceeded") {
		t.Errorf("%+v", fault)
	}
}

func TestUnreachableTimeout(t *testing.T) {
	f := newFakeCluster(t)
	f.advertise = closedPort(t)
	s := newSession(t)
	s.mustOpen(params(f, `"unreachableTimeoutSec":1,"maxRetries":10`), 64<<20)
	st := s.lane("0")
	st.send(1, "", documents(`{"id":1}`))
	if fault := protocol.AsFault(st.finish()); fault == nil || fault.Code != protocol.Unreachable || !strings.Contains(fault.What, f.advertise) || !strings.Contains(fault.Try, "redirectMap") {
		t.Errorf("%+v", fault)
	}
}

func TestQueryTimeout(t *testing.T) {
	f := newFakeCluster(t)
	q := newFakeSQL(t, tableResults("DUP_KEYS", "id"))
	s := newSession(t)
	s.mustOpen(withSQL(f, q, `"queryTimeoutSec":1,"preSql":"stall"`), 64<<20)
	_, err := s.client.Start(context.Background(), &v1.StartRequest{})
	if fault := protocol.AsFault(err); fault == nil || fault.Place != "preSql[0]" {
		t.Errorf("%+v", fault)
	}
}

// Streaming jobs do not let a row wait for five minutes.
func TestFlushIntervalOfStreamingJobs(t *testing.T) {
	f := newFakeCluster(t)
	s := newSession(t)
	if _, err := s.client.Open(context.Background(), &v1.OpenRequest{Parameters: []byte(params(f, "")), Job: "job", Run: "r1", Lanes: 1, Mode: v1.Mode_MODE_STREAMING}); err != nil {
		t.Fatal(err)
	}
	st := s.lane("0")
	st.send(1, "", documents(`{"id":1}`))
	for len(f.seen()) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	if a := st.mustFinish(); a.FlushReasons["interval"] != 1 {
		t.Errorf("%v", a)
	}
}
