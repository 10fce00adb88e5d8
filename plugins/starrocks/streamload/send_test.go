package streamload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
)

func TestLoadReachesTheBackendWithCredentials(t *testing.T) {
	c := newCluster(t)
	s, _ := sender(t, 0, c.frontend)
	landed, err := s.Send(t.Context(), rows3())
	if err != nil || !landed.Counted || landed.Answer.Loaded != 3 || landed.Attempts != 1 {
		t.Fatalf("%+v, %v", landed, err)
	}
	fe, be := c.questions(), c.loads()
	if len(fe) != 1 || fe[0].body != "" || fe[0].method != http.MethodPut || fe[0].uri != "/api/d/t/_stream_load" {
		t.Errorf("the frontend saw %+v", fe)
	}
	if len(be) != 1 || be[0].body != "1,a\n2,b\n3,c\n" || be[0].user != "root" || be[0].pass != secret || be[0].label != "job-r-0-1" {
		t.Errorf("the backend saw %+v", be)
	}
}

func TestNamesAreEscaped(t *testing.T) {
	c := newCluster(t)
	s, _ := sender(t, 0, c.frontend)
	l := rows3()
	l.Database, l.Table = "数", "a b?c"
	if _, err := s.Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if got := c.loads()[0].uri; got != "/api/%E6%95%B0/a%20b%3Fc/_stream_load" {
		t.Errorf("uri %s", got)
	}
}

// Nothing but a short list counts as success. Without a success, and with a cluster that does not know the label, Send
// fails; which code it fails with tells the user where to look.
func TestAnswers(t *testing.T) {
	counts := `"NumberTotalRows":3,"NumberLoadedRows":3,"NumberFilteredRows":0,"NumberUnselectedRows":0`
	for _, tc := range []struct {
		name, answer string
		landed       bool
		code         protocol.Code
		tries        int // with two retries
	}{
		{"success", `{"Status":"Success",` + counts + `}`, true, "", 1},
		{"success, field names in other case, numbers as texts", `{"STATUS":"Success","numbertotalrows":"3","numberloadedrows":"3"}`, true, "", 1},
		{"publish timeout", `{"Status":"Publish Timeout",` + counts + `}`, true, "", 1},
		{"fail", `{"Status":"Fail","Message":"something new"}`, false, protocol.Refused, 3},
		{"failed, as frontends say it", `{"Status":"FAILED","Message":"class com.starrocks.common.DdlException: No backend alive."}`, false, protocol.Refused, 3},
		{"unknown status", `{"Status":"Sucess",` + counts + `}`, false, protocol.Refused, 3},
		{"lower case", `{"Status":"success",` + counts + `}`, false, protocol.Refused, 3},
		{"transaction interface", `{"Status":"OK",` + counts + `}`, false, protocol.Refused, 3},
		{"no status", `{` + counts + `}`, false, protocol.Refused, 3},
		{"empty body", ``, false, protocol.Refused, 3},
		{"page", `<html>502 Bad Gateway</html>`, false, protocol.Refused, 3},
		{"array", `[{"Status":"Success"}]`, false, protocol.Refused, 3},
		{"null", `null`, false, protocol.Refused, 3},
		{"two objects", `{"Status":"Success",` + counts + `}{"Status":"Fail"}`, false, protocol.Refused, 3},
		{"two statuses", `{"Status":"Success","status":"Fail"}`, false, protocol.Refused, 3},
		{"http 500", `500!{"Status":"Success",` + counts + `}`, false, protocol.Refused, 3},
		{"http 429", `429!slow down`, false, protocol.Refused, 3},
		{"http 404", `404!Not Found`, false, protocol.Refused, 1},
		{"http 401", `401!{"status":"FAILED","msg":"Access denied for root@1.2.3.4"}`, false, protocol.Denied, 1},
		{"label taken at once", `{"Status":"Label Already Exists","ExistingJobStatus":"FINISHED","Message":"Label [x] has already been used."}`, false, protocol.Refused, 1},
		{"label taken, said otherwise", `{"Status":"Fail","Message":"Label [job] has already been used, relate to txn [1]"}`, false, protocol.Refused, 1},
		{"another label", `{"Status":"Success","Label":"of-somebody-else",` + counts + `}`, false, protocol.Refused, 3},
		{"fewer rows", `{"Status":"Success","NumberTotalRows":2,"NumberLoadedRows":2}`, false, protocol.Data, 1},
		{"sum is wrong", `{"Status":"Success","NumberTotalRows":3,"NumberLoadedRows":2}`, false, protocol.Data, 1},
		{"negative", `{"Status":"Success","NumberTotalRows":3,"NumberLoadedRows":4,"NumberFilteredRows":-1}`, false, protocol.Data, 1},
		{"number is none", `{"Status":"Success","NumberTotalRows":"many"}`, false, protocol.Refused, 3},
		{"access denied", `{"Status":"Fail","Message":"Access denied; you need (at least one of) the INSERT privilege(s)"}`, false, protocol.Denied, 1},
		{"unknown database", `{"Status":"Fail","Message":"unknown database, database=d"}`, false, protocol.NotFound, 1},
		{"unknown table", `{"Status":"Fail","Message":"unknown table \"d.t\""}`, false, protocol.NotFound, 1},
		{"header", `{"Status":"Fail","Message":"Invalid timeout format"}`, false, protocol.Config, 1},
		{"delimiter", `{"Status":"Fail","Message":"Invalid delimiter '\\x1': hex length must be a even number"}`, false, protocol.Config, 1},
		{"too large", `{"Status":"Fail","Message":"body size 5 exceed limit: 4, streaming_load_max_mb in be.conf."}`, false, protocol.Refused, 1},
		{"json too large", `{"Status":"Fail","Message":"The size of this batch exceed the max size [1] of json type data [2]. Set ignore_json_size to skip the check, although it may lead huge memory consuming."}`, false, protocol.Refused, 1},
		{"quota", `{"Status":"Fail","Message":"Database[d] data size exceeds quota[1TB]"}`, false, protocol.Refused, 1},
		{"busy", `{"Status":"Fail","Message":"current running txns on db 1 is 1000, larger than limit 1000"}`, false, protocol.Refused, 3},
		{"versions", `{"Status":"Fail","Message":"Failed to load data into tablet 1, because of too many versions, current/limit: 1002/1000."}`, false, protocol.Refused, 3},
		{"uncertain", `{"Status":"Fail","Message":"Commit transaction fail cause rpc, Transaction status unknown, you can retry with same label."}`, false, protocol.Refused, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCluster(t)
			c.answers = []string{tc.answer}
			s, _ := sender(t, 2, c.frontend)
			landed, err := s.Send(t.Context(), rows3())
			if (err == nil) != tc.landed || code(err) != tc.code {
				t.Fatalf("%+v, %v (%s), want landed %v, code %s", landed, err, code(err), tc.landed, tc.code)
			}
			loads := c.loads()
			if len(loads) != tc.tries {
				t.Errorf("%d tries, want %d", len(loads), tc.tries)
			}
			for _, l := range loads {
				if l.label != "job-r-0-1" || l.body != "1,a\n2,b\n3,c\n" {
					t.Errorf("a retry differs: %+v", l)
				}
			}
			if err != nil && (strings.Contains(err.Error(), secret) || strings.ContainsAny(err.Error(), "\n\r\t")) {
				t.Errorf("error %q", err)
			}
		})
	}
}

// What the table and the servers were short of is told with the load that landed in the end.
func TestTroublesOnTheWay(t *testing.T) {
	for answer, want := range map[string]Landed{
		`{"Status":"Fail","Message":"because of too many versions, current/limit: 1002/1000."}`: {Crowded: true},
		`{"Status":"Fail","Message":"too large compaction score"}`:                              {Crowded: true},
		`{"Status":"Fail","Message":"Memory of process exceed limit."}`:                         {Strained: true},
		`{"Status":"Fail","Message":"current running txns on db 1 is 9, larger than limit 9"}`:  {},
	} {
		c := newCluster(t)
		c.answers = []string{answer, `{"Status":"Success","NumberTotalRows":3,"NumberLoadedRows":3}`}
		s, _ := sender(t, 2, c.frontend)
		got, err := s.Send(t.Context(), rows3())
		if err != nil || got.Crowded != want.Crowded || got.Strained != want.Strained || got.Attempts != 2 || got.Took <= 0 {
			t.Errorf("%s: %+v, %v", answer, got, err)
		}
	}
}

func TestRefusedRows(t *testing.T) {
	c := newCluster(t)
	c.onBE = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != errorLogPath {
			return false
		}
		if _, _, ok := r.BasicAuth(); ok {
			t.Error("the error log was asked for with the password")
		}
		fmt.Fprint(w, "Error: NULL value in non-nullable column 'n'. Row: [1, 'secret row']\nError: second. Row: x\n")
		return true
	}
	c.answers = []string{`{"Status":"Fail","Message":"too many filtered rows","NumberTotalRows":3,"NumberFilteredRows":1,"ErrorURL":"http://` + c.backend + errorLogPath + `?file=e"}`}
	s, _ := sender(t, 2, c.frontend)
	_, err := s.Send(t.Context(), rows3())
	var refused *RowsRefused
	if !errors.As(err, &refused) || refused.Reason != "NULL value in non-nullable column 'n'" || refused.Label != "job-r-0-1" {
		t.Fatalf("got %#v", err)
	}
	if len(c.loads()) != 1 {
		t.Errorf("%d tries", len(c.loads()))
	}
	if want := "load job-r-0-1 was refused: too many filtered rows; first bad row: NULL value in non-nullable column 'n'"; err.Error() != want {
		t.Errorf("%s, want %s", err, want)
	}
}

func TestFilteredRowsOfALandedLoad(t *testing.T) {
	c := newCluster(t)
	c.answers = []string{`{"Status":"Success","NumberTotalRows":3,"NumberLoadedRows":1,"NumberFilteredRows":1,"NumberUnselectedRows":1,"ErrorURL":"http://169.254.169.254` + errorLogPath + `"}`}
	s, _ := sender(t, 0, c.frontend)
	landed, err := s.Send(t.Context(), rows3())
	if err != nil || landed.Answer.Filtered != 1 || landed.Answer.Unselected != 1 || landed.Reason != "" {
		t.Fatalf("%+v, %v", landed, err)
	}
}

func TestLoadOfNoSelectedRow(t *testing.T) {
	for answer, want := range map[string]bool{
		`{"Status":"Fail","Message":"No rows were imported from upstream","NumberTotalRows":3,"NumberLoadedRows":0,"NumberUnselectedRows":3}`:                        true,
		`{"Status":"Fail","Message":"all partitions have no load data","NumberTotalRows":3,"NumberLoadedRows":0,"NumberFilteredRows":2,"NumberUnselectedRows":1}`:    true,
		`{"Status":"Fail","Message":"No rows were imported from upstream","NumberTotalRows":0,"NumberLoadedRows":0,"NumberFilteredRows":0,"NumberUnselectedRows":0}`: false,
		`{"Status":"Fail","Message":"No rows were imported from upstream"}`:                                                                                          false,
	} {
		c := newCluster(t)
		c.answers = []string{answer}
		s, _ := sender(t, 0, c.frontend)
		_, err := s.Send(t.Context(), rows3())
		var refused *RowsRefused
		if (err == nil) != want || (err != nil && !errors.As(err, &refused)) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

// The answer is lost after the commit: the label's state decides, and the rows are there once.
func TestLostAnswer(t *testing.T) {
	for _, tc := range []struct {
		name   string
		states []string
		second string
		tries  int
		code   protocol.Code
	}{
		{"visible", []string{"VISIBLE"}, "", 1, ""},
		{"committed", []string{"COMMITTED"}, "", 1, ""},
		{"running, then visible", []string{"PREPARE", "PREPARED", "VISIBLE"}, "", 1, ""},
		{"aborted", []string{"ABORTED"}, ok3, 2, ""},
		{"never begun", []string{"UNKNOWN"}, ok3, 2, ""},
		{"unclear, then the label answers", []string{"?"}, `{"Status":"Label Already Exists","ExistingJobStatus":"FINISHED"}`, 2, ""},
		{"gone, yet the label is running, then visible", []string{"UNKNOWN", "VISIBLE"}, `{"Status":"Label Already Exists","ExistingJobStatus":"RUNNING"}`, 2, ""},
		{"label used, said in the message only", []string{"UNKNOWN", "VISIBLE"}, `{"Status":"Fail","Message":"Label [job-r-0-1] has already been used"}`, 2, ""},
		{"never clear", []string{"?"}, "500!", 3, protocol.InDoubt},
		{"never ends", []string{"PREPARE"}, `{"Status":"Label Already Exists","ExistingJobStatus":"RUNNING"}`, 3, protocol.InDoubt},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCluster(t)
			c.states = tc.states
			c.answers = []string{"500!lost", tc.second}
			s, _ := sender(t, 2, c.frontend)
			if tc.code != "" {
				s.settling = 0
			}
			s.asking = -1
			landed, err := s.Send(t.Context(), rows3())
			if code(err) != tc.code {
				t.Fatalf("%+v, %v, want code %q", landed, err, tc.code)
			}
			if n := len(c.loads()); n != tc.tries {
				t.Errorf("%d tries, want %d", n, tc.tries)
			}
			for _, l := range c.loads() {
				if l.label != "job-r-0-1" {
					t.Errorf("label %s", l.label)
				}
			}
		})
	}
}

// A running label that does not end is cancelled, in both forms, before the state is asked again.
func TestStuckLabelIsCancelled(t *testing.T) {
	c := newCluster(t)
	c.answers = []string{"500!", ok3}
	var cancelled atomic.Int32
	c.onFE = func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, "/_cancel"):
			if cancelled.Add(1) == 1 {
				fmt.Fprint(w, `{"status":"FAILED","msg":"Not implemented"}`)
				return true
			}
		case strings.HasSuffix(r.URL.Path, "/get_load_state"):
			state := "PREPARE"
			if cancelled.Load() == 2 {
				state = "ABORTED"
			}
			fmt.Fprintf(w, `{"state":%q,"status":"OK"}`, state)
			return true
		}
		return false
	}
	s, _ := sender(t, 1, c.frontend)
	s.settling = 0
	if _, err := s.Send(t.Context(), rows3()); err != nil {
		t.Fatal(err)
	}
	var cancels []string
	for _, q := range c.questions() {
		if strings.Contains(q.uri, "_cancel") {
			cancels = append(cancels, q.method+" "+q.uri)
		}
	}
	if got, want := strings.Join(cancels, " "), "POST /api/d/job-r-0-1/_cancel POST /api/d/t/_cancel?label=job-r-0-1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// The connection is cut in the middle of the body: the same bytes go out again under the same label.
func TestCutInTheMiddle(t *testing.T) {
	c := newCluster(t)
	var second atomic.Bool
	c.onBE = func(w http.ResponseWriter, r *http.Request) bool {
		if second.Swap(true) {
			return false
		}
		_, _ = io.ReadFull(r.Body, make([]byte, 4))
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
		return true
	}
	s, pauses := sender(t, 1, c.frontend)
	l := rows3()
	landed, err := s.Send(t.Context(), l)
	if err != nil || landed.Attempts != 2 {
		t.Fatalf("%+v, %v", landed, err)
	}
	p := l.Body.(*pieces)
	if p.opened != 2 || p.closed != 2 {
		t.Errorf("opened %d times, closed %d times", p.opened, p.closed)
	}
	if got := c.loads(); len(got) != 1 || got[0].body != "1,a\n2,b\n3,c\n" {
		t.Errorf("the backend has %+v", got)
	}
	if len(*pauses) == 0 {
		t.Error("no pause before the second attempt")
	}
}

func TestStoppedJob(t *testing.T) {
	c := newCluster(t)
	ctx, cancel := context.WithCancel(t.Context())
	c.onBE = func(_ http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body) // a server notices a lost client only behind the body
		cancel()
		<-r.Context().Done()
		return true
	}
	s, _ := sender(t, -1, c.frontend)
	l := rows3()
	if _, err := s.Send(ctx, l); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if p := l.Body.(*pieces); p.opened != p.closed {
		t.Errorf("opened %d times, closed %d times", p.opened, p.closed)
	}
}

func TestHugeAnswerIsNoSuccess(t *testing.T) {
	c := newCluster(t)
	c.answers = []string{`{"Status":"Success","Message":"` + strings.Repeat("x", maxAnswer) + `"}`}
	s, _ := sender(t, 0, c.frontend)
	if _, err := s.Send(t.Context(), rows3()); err == nil {
		t.Error("accepted")
	}
}

func TestBackoff(t *testing.T) {
	for n := range 20 {
		if d := backoff(n, classOther); d < 800*time.Millisecond || d > 12*time.Second {
			t.Errorf("attempt %d: %v", n, d)
		}
		if d := backoff(n, classVersions); d < 10*time.Second || d > 72*time.Second {
			t.Errorf("versions, attempt %d: %v", n, d)
		}
	}
}

func TestCompressedBody(t *testing.T) {
	c := newCluster(t)
	s, _ := sender(t, 0, c.frontend)
	row := bytes.Repeat([]byte("0123456789,abcdef\n"), 40000)
	for codec, open := range decoders {
		l := rows3()
		l.Body = Compressed(&pieces{chunks: []string{string(row), "", string(row)}}, codec)
		for range 2 { // a second load reuses the compressor
			if _, err := s.Send(t.Context(), l); err != nil {
				t.Fatal(err)
			}
		}
		for _, got := range c.loads()[len(c.loads())-2:] {
			plain, err := open(strings.NewReader(got.body))
			if err != nil || string(plain) != string(row)+string(row) {
				t.Errorf("%s: %d bytes, %v", codec, len(plain), err)
			}
		}
	}
}
