package starrocks

import (
	"context"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/sdk"
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

// What the rows hold is shown to those who ask for it.
func TestRowDataInMessages(t *testing.T) {
	for more, shown := range map[string]bool{`"logRowData":true`: true, `"logRowData":false`: false, ``: false} {
		f := newFakeCluster(t)
		f.answer = func(l fakeLoad) string {
			return `{"Status":"Fail","Message":"too many filtered rows","NumberTotalRows":1,"NumberFilteredRows":1,"ErrorURL":"http://` + f.backend + `/api/_load_error_log?file=0"}`
		}
		f.logs = []string{"Error: Value is overflow. column=v, value=\"a secret\". Row: {\"v\":\"a secret\"}\n"}
		s := newSession(t)
		s.mustOpen(params(f, more), 64<<20)
		for i, st := range []*stream{s.lane("0"), s.inTransaction(t.Context(), 1, "t-1")} {
			st.send(1, "", documents(`{"v":"a secret"}`))
			fault := protocol.AsFault(st.finish())
			if fault == nil || !strings.Contains(fault.What, "column=v, value=") || strings.Contains(fault.What, "a secret") != shown {
				t.Errorf("%s, lane %d: %+v", more, i, fault)
			}
		}
	}
}

// What a job gets that says nothing, as the documentation of the tools says which gx stands in for.
func TestDefaults(t *testing.T) {
	p, s, problems := settled(t, "{"+enough+"}")
	if options.Failed(problems) {
		t.Fatal(problems)
	}
	for name, pair := range map[string][2]any{
		"maxBatchRows": {p.MaxBatchRows, 500_000}, "maxBatchSize": {p.MaxBatchSize, int64(5_242_880)}, "totalBufferBytes": {p.TotalBufferBytes, int64(94_371_840)},
		"flushQueueLength": {p.FlushQueueLength, 1}, "flushPauseMs": {p.FlushPauseMs, int64(0)}, "adaptiveFlush": {p.AdaptiveFlush, false},
		"maxRetries": {p.MaxRetries, 3}, "connectTimeoutMs": {p.ConnectTimeoutMs, int64(1000)}, "queryTimeoutSec": {p.QueryTimeoutSec, int64(300)},
		"dataSaveMode": {p.DataSaveMode, "append"}, "schemaSaveMode": {p.SchemaSaveMode, "none"}, "strategyOnError": {p.StrategyOnError, "exit"},
		"redirect": {p.Redirect, "follow"}, "convertTimeZone": {p.ConvertTimeZone, false}, "preSqlOnResume": {p.PreSQLOnResume, false},
		"httpTimeoutSec": {s.answerTimeout, 660 * time.Second}, "zeroDate": {s.dates.zero.Text, "1970-01-01 00:00:00"}, "loadProps": {len(s.props.header), 0},
		"port of loadUrl":                  {s.frontends[0].Port, "8030"},
		"flushInterval of a batch job":     {(&Writer{params: *p}).flushInterval(), 300 * time.Second},
		"flushInterval of a streaming job": {(&Writer{params: *p, info: sdk.OpenInfo{Streaming: true}}).flushInterval(), time.Second},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, want %v", name, pair[0], pair[1])
		}
	}
}

func TestVersions(t *testing.T) {
	for text, want := range map[string]string{"3.3.5-abc": "[3 3 5] true", "3.2": "[3 2 0] true", " 4.0.1 ": "[4 0 1] true", "3.2.7.1": "[3 2 7] true", "main-abc": "[0 0 0] false", "3": "[3 0 0] false", "": "[0 0 0] false", "3.x": "[3 0 0] false", "3.1.rc1": "[3 1 0] true"} {
		if v, ok := parseVersion(text); fmt.Sprint(v, ok) != want {
			t.Errorf("%q: %v %v, want %s", text, v, ok, want)
		}
	}
}

// While one load is under way, as many more may wait as flushQueueLength says; only then does the lane take no further rows. The
// last batch holds no good row, so its ack tells that it was taken.
func TestFlushQueueLength(t *testing.T) {
	for length, least := range map[int]int{1: 2, 8: 0} { // loads that must have landed before the last batch is taken
		f := newFakeCluster(t)
		gate := make(chan struct{})
		f.gate = gate
		s := newSession(t)
		s.mustOpen(params(f, fmt.Sprintf(`"maxBatchRows":1,"flushQueueLength":%d`, length)), 64<<20)
		st := s.lane("0")
		for seq := range 4 {
			st.send(uint64(seq+1), "", documents(`{"id":1}`))
		}
		st.send(5, "", documents(missing))
		if least > 0 {
			close(gate)
		}
		for taken := false; !taken; time.Sleep(time.Millisecond) {
			st.mu.Lock()
			taken = st.done[5] == 1
			st.mu.Unlock()
		}
		if n := len(f.seen()); n < least || (least == 0 && n != 0) {
			t.Errorf("flushQueueLength %d: the last batch was taken after %d loads, want %d or more", length, n, least)
		}
		if least == 0 {
			close(gate)
		}
		if a := st.mustFinish(); a.Landed != 4 || len(a.Dirty) != 1 {
			t.Errorf("%v", a)
		}
	}
}
