package starrocks

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func withSQL(f *fakeCluster, q *fakeSQL, more string) string {
	p := `"jdbcUrl":"jdbc:mysql://` + q.addr + `/"`
	if more != "" {
		p += "," + more
	}
	return params(f, p)
}

func TestOpenLooksAtTheTable(t *testing.T) {
	f := newFakeCluster(t)
	for _, tc := range []struct {
		name, model, more string
		columns           string
		replay            bool
		place, what, try  string
	}{
		{name: "all columns", model: "DUP_KEYS", more: `"column":["*"]`, columns: "id,City"},
		{name: "spelling of the table wins", model: "PRI_KEYS", more: "\"column\":[\"`CITY`\",\"ID\"]", columns: "City,id", replay: true},
		{name: "unique", model: "UNQ_KEYS", columns: "id,City", replay: true},
		{name: "operations", model: "PRI_KEYS", more: `"column":["id","__op"]`, columns: "id,__op", replay: true},
		{name: "mapping", model: "AGG_KEYS", more: `"loadProps":{"columns":"a, tmp, id = a + 1"}`, columns: "a,tmp"},
		{name: "unknown column", model: "DUP_KEYS", more: `"column":["id","citty"]`, place: "column[1]", what: "table d.t has no column citty", try: "City"},
		{name: "operations on duplicates", model: "DUP_KEYS", more: `"column":["id","__op"]`, place: "column", what: "table d.t is DUPLICATE KEY, __op works on PRIMARY KEY tables only"},
		{name: "computed operations on duplicates", model: "DUP_KEYS", more: `"loadProps":{"columns":"id, __op='delete'"}`, place: "column", what: "table d.t is DUPLICATE KEY, __op"},
		{name: "partial update of duplicates", model: "DUP_KEYS", more: `"column":["id"],"loadProps":{"partial_update":true}`, place: "loadProps.partial_update", what: "is DUPLICATE KEY"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := newFakeSQL(t, tableResults(tc.model, "id", "City"))
			s := newSession(t)
			r, err := s.open(withSQL(f, q, tc.more), 64<<20)
			if tc.what != "" {
				fault := protocol.AsFault(err)
				if fault == nil || fault.Code != protocol.Config || fault.Place != tc.place || !strings.Contains(fault.What, tc.what) || !strings.Contains(fault.Try, tc.try) {
					t.Fatalf("got %+v", fault)
				}
				return
			}
			if err != nil {
				t.Fatalf("%+v", protocol.AsFault(err))
			}
			if got := strings.Join(r.Self.Columns, ","); got != tc.columns || r.ReplaySafe != tc.replay || r.Self.WantsColumns {
				t.Errorf("columns %s, replay safe %v", got, r.ReplaySafe)
			}
		})
	}
}

func TestOpenFaults(t *testing.T) {
	f := newFakeCluster(t)
	q := newFakeSQL(t, tableResults("DUP_KEYS"))
	dead := closedPort(t)
	for _, tc := range []struct {
		name, params string
		code         protocol.Code
		place, want  string
	}{
		{"wrong password", strings.Replace(withSQL(f, q, ""), "s3cret", "wr0ng-pw", 1), protocol.Denied, "username", "Access denied"},
		{"no such database", strings.Replace(withSQL(f, q, ""), `"selectedDatabase":"d"`, `"selectedDatabase":"nowhere"`, 1), protocol.NotFound, "selectedDatabase", "nowhere"},
		{"no such table", strings.Replace(withSQL(f, q, ""), `"table":"t"`, `"table":"tset_sink"`, 1), protocol.NotFound, "table", "d.tset_sink"},
		{"no MySQL port", params(f, `"jdbcUrl":["`+dead+`"]`), protocol.Unreachable, "jdbcUrl", dead},
		{"no frontend", strings.ReplaceAll(params(f, ""), f.frontend, dead), protocol.Unreachable, "loadUrl", dead},
		{"problem in the parameters", params(f, `"maxBatchRows":0`), protocol.Config, "", "maxBatchRows"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := newSession(t).open(tc.params, 64<<20)
			fault := protocol.AsFault(err)
			if fault == nil || fault.Code != tc.code || (tc.place != "" && fault.Place != tc.place) || !strings.Contains(fault.Error(), tc.want) {
				t.Fatalf("got %+v", fault)
			}
			if s := fault.Error() + fault.Try; strings.Contains(s, "s3cret") || strings.Contains(s, "wr0ng-pw") {
				t.Errorf("the password shows: %s", s)
			}
		})
	}
}

// With the cluster's own list of servers, a redirect elsewhere is refused.
func TestOpenLearnsTheServers(t *testing.T) {
	f := newFakeCluster(t)
	host, port, _ := net.SplitHostPort(f.backend)
	for listed, want := range map[string]protocol.Code{port: "", "1": protocol.Refused} {
		results := tableResults("DUP_KEYS", "id", "city")
		results["SHOW BACKENDS"] = sqlResult{columns: []string{"BackendId", "IP", "HeartbeatPort", "BePort", "HttpPort"}, rows: [][]string{{"1", host, "9050", "9060", listed}}}
		results["SHOW COMPUTE NODES"] = sqlResult{columns: []string{"ComputeNodeId", "IP", "HttpPort"}}
		q := newFakeSQL(t, results)
		s := newSession(t)
		s.mustOpen(withSQL(f, q, `"loadProps":{"format":"json"},"maxRetries":0`), 64<<20)
		st := s.lane("0")
		st.send(1, "", documents(`{"id":1}`))
		err := st.finish()
		if fault := protocol.AsFault(err); (want == "") != (err == nil) || (fault != nil && (fault.Code != want || !strings.Contains(fault.Try, "allowedHosts"))) {
			t.Errorf("backend listed with port %s: %+v", listed, fault)
		}
	}
}

func TestRogueServerGetsNoFile(t *testing.T) {
	f := newFakeCluster(t)
	q := newFakeSQL(t, nil)
	q.rogue = true
	_, err := newSession(t).open(withSQL(f, q, ""), 64<<20)
	if err == nil {
		t.Error("opened")
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.leaked) > 0 {
		t.Errorf("%d bytes were sent", len(q.leaked))
	}
}

func TestPreAndPostSQL(t *testing.T) {
	f := newFakeCluster(t)
	results := tableResults("DUP_KEYS", "id", "city")
	results["boom"] = sqlResult{code: 1064, err: "syntax error\nnear boom"}
	q := newFakeSQL(t, results)
	s := newSession(t)
	s.mustOpen(withSQL(f, q, `"preSql":["truncate table @table","  ","delete from x where a='@table'"],"postSql":"boom and more"`), 64<<20)
	if n := count(q.asked(), "truncate"); n != 0 {
		t.Error("Open ran preSql")
	}
	r, err := s.client.Start(context.Background(), &v1.StartRequest{})
	if err != nil || len(r.Notes) != 1 || r.Notes[0] != "preSql: 2 statements" {
		t.Fatalf("%v, %v", r, err)
	}
	if asked := q.asked(); count(asked, "truncate table t") != 1 || count(asked, "where a='t'") != 1 {
		t.Errorf("asked %q", asked)
	}
	_, err = s.client.Finish(context.Background(), &v1.FinishRequest{})
	fault := protocol.AsFault(err)
	if fault == nil || fault.Place != "postSql[0]" || !strings.Contains(fault.What, "data is loaded, postSql failed: postSql: statement 1 (boom and more)") || strings.Contains(fault.What, "\n") {
		t.Errorf("got %+v", fault)
	}
	s2 := newSession(t)
	s2.mustOpen(withSQL(f, q, `"preSql":"boom"`), 64<<20)
	_, err = s2.client.Start(context.Background(), &v1.StartRequest{})
	if fault := protocol.AsFault(err); fault == nil || fault.Place != "preSql[0]" || !strings.Contains(fault.What, "nothing was loaded") {
		t.Errorf("got %+v", fault)
	}
	if _, err := s2.client.Finish(context.Background(), &v1.FinishRequest{Stopped: true}); err != nil {
		t.Errorf("no postSql, yet %v", err)
	}
}

// A streaming job that goes on must not truncate what it has loaded.
func TestPreSQLOnResume(t *testing.T) {
	for _, c := range []struct {
		more string
		ran  int
	}{{"", 0}, {`,"preSqlOnResume":true`, 1}} {
		f := newFakeCluster(t)
		q := newFakeSQL(t, tableResults("DUP_KEYS", "id", "city"))
		s := newSession(t)
		s.mustOpen(withSQL(f, q, `"preSql":"truncate table @table"`+c.more), 64<<20)
		r, err := s.client.Start(context.Background(), &v1.StartRequest{Resumed: true})
		if err != nil || len(r.Notes) != 1 {
			t.Fatalf("%v, %v", r, err)
		}
		if n := count(q.asked(), "truncate"); n != c.ran {
			t.Errorf("%q: preSql ran %d times, want %d", c.more, n, c.ran)
		}
	}
}

// Delimiters belong to CSV, so a job that names them and no format means CSV.
func TestDelimitersMeanCSV(t *testing.T) {
	for more, want := range map[string]bool{
		`"loadProps":{"row_delimiter":"\\\\x02","column_separator":"\\\\x01"}`: true,
		`"loadProps":{"enclose":"'"}`:                                          true,
		`"loadProps":{"strict_mode":"true"}`:                                   false,
		`"loadProps":{"format":"json","column_separator":"\\x01"}`:             false,
	} {
		f := newFakeCluster(t)
		q := newFakeSQL(t, tableResults("DUP_KEYS", "id", "city"))
		s := newSession(t)
		if got := s.mustOpen(withSQL(f, q, more), 64<<20).GetSelf().GetWantsColumns(); got != want {
			t.Errorf("%s: csv %v, want %v", more, got, want)
		}
	}
}

func TestLiveCheck(t *testing.T) {
	f := newFakeCluster(t)
	s := newSession(t)
	check := func(p string) []*v1.Problem {
		r, err := s.plugin.Check(context.Background(), &v1.CheckRequest{Role: v1.Role_ROLE_WRITER, Parameters: []byte(p), Live: true})
		if err != nil {
			t.Fatal(err)
		}
		var bad []*v1.Problem
		for _, p := range r.Problems {
			if !p.Warning {
				bad = append(bad, p)
			}
		}
		return bad
	}
	q := newFakeSQL(t, tableResults("DUP_KEYS", "id"))
	if p := check(withSQL(f, q, "")); len(p) != 0 {
		t.Errorf("%v", p)
	}
	if p := check(withSQL(f, q, `"column":["x"]`)); len(p) != 1 || p[0].Path != "column[0]" {
		t.Errorf("%v", p)
	}
}

// What the live check sees and does not mind, it says.
func TestLiveCheckSaysWhatItSees(t *testing.T) {
	f := newFakeCluster(t)
	for more, want := range map[string]string{
		``:                                    "loadProps.strict_mode: is not true",
		`"loadProps":{"strict_mode":"false"}`: "loadProps.strict_mode: is not true",
		`"loadProps":{"strict_mode":"true"}`:  ": table d.t is DUPLICATE KEY",
		`"loadProps":{"compression":"lz4_frame"}`: ": StarRocks 3.2.6-x may refuse compressed JSON",
	} {
		results := tableResults("DUP_KEYS", "id")
		results["current_version()"] = sqlResult{columns: []string{"v"}, rows: [][]string{{"3.2.6-x"}}}
		s := newSession(t)
		r, err := s.plugin.Check(context.Background(), &v1.CheckRequest{Role: v1.Role_ROLE_WRITER, Live: true,
			Parameters: []byte(withSQL(f, newFakeSQL(t, results), more))})
		if err != nil {
			t.Fatal(err)
		}
		found, strict := false, 0
		for _, p := range r.Problems {
			found = found || p.Warning && strings.HasPrefix(p.Path+": "+p.Seen, want)
			strict += strings.Count(p.Path, "strict_mode")
		}
		if !found || (strict == 1) != !strings.Contains(more, `"true"`) {
			t.Errorf("%s: want %s, got %v", more, want, r.Problems)
		}
	}
}

func count(list []string, part string) (n int) {
	for _, s := range list {
		if strings.Contains(s, part) {
			n++
		}
	}
	return n
}

func closedPort(t testing.TB) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	return lis.Addr().String()
}
