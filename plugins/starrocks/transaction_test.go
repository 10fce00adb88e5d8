package starrocks

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"google.golang.org/grpc/metadata"
)

// inTransaction opens a lane whose rows belong to the transaction of a name.
func (s *session) inTransaction(ctx context.Context, lane int, name string) *stream {
	return s.laneIn(metadata.AppendToOutgoingContext(ctx, protocol.TransactionKey, name), strconv.Itoa(lane))
}

func (s *session) prepare(name string) error {
	_, err := s.client.Prepare(context.Background(), &v1.PrepareRequest{Transaction: name})
	return err
}

func (s *session) commit(name string) error {
	_, err := s.client.Commit(context.Background(), &v1.CommitRequest{Transaction: name})
	return err
}

func (s *session) abort(name string) error {
	_, err := s.client.Abort(context.Background(), &v1.AbortRequest{Transaction: name})
	return err
}

func (s *session) resolve(name string) string {
	s.t.Helper()
	r, err := s.client.Resolve(context.Background(), &v1.ResolveRequest{Transaction: name})
	if err != nil {
		s.t.Fatalf("resolve: %v", err)
	}
	return strings.TrimPrefix(r.State.String(), "STATE_")
}

func faultOf(err error) protocol.Code {
	if f := protocol.AsFault(err); f != nil {
		return f.Code
	}
	return ""
}

// A shard is one transaction of several loads: closed as ever, sent one after the other with the same headers, each ending
// with the row delimiter, and invisible until commit.
func TestShardIsATransaction(t *testing.T) {
	f := newFakeCluster(t)
	s := newSession(t)
	if r := s.mustOpen(params(f, `"maxBatchRows":4,"column":["id","city"],"loadProps":{"timeout":60,"warehouse":"w"}`), 64<<20); !r.Transactions || r.NoTransactions != "" {
		t.Fatalf("opened %v", r)
	}
	st := s.inTransaction(t.Context(), 0, "run-1-0")
	for seq := range 3 {
		st.send(uint64(seq+1), "", people(3*seq, 3, func(i int) string { return fmt.Sprint("city ", i) }))
	}
	if a := st.mustFinish(); a.Landed != 9 || a.Loads != 3 || a.FlushReasons["rows"] != 2 || a.FlushReasons["end"] != 1 {
		t.Errorf("%v", a)
	}
	if n := len(f.seen()); n != 0 {
		t.Errorf("%d loads are visible before commit", n)
	}
	if got := s.resolve("run-1-0"); got != "OPEN" {
		t.Errorf("state %s", got)
	}
	for _, step := range []func(string) error{s.prepare, s.prepare, s.commit, s.commit} {
		if err := step("run-1-0"); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.resolve("run-1-0"); got != "COMMITTED" {
		t.Errorf("state %s", got)
	}
	loads := f.seen()
	if len(loads) != 3 {
		t.Fatalf("%d loads", len(loads))
	}
	var all []string
	for _, l := range loads {
		if l.label != "job_run-1-0-t" || l.header.Get("warehouse") != "w" || l.header.Get("format") != "csv" || !strings.HasSuffix(string(l.body), "\x02") {
			t.Errorf("label %s, header %v, body %q", l.label, l.header, l.body)
		}
		all = append(all, rowsOf(l)...)
	}
	for i, row := range all {
		if row != fmt.Sprintf("%d\x01city %d", i, i) {
			t.Errorf("row %d is %q", i, row)
		}
	}
	if err := s.abort("run-1-0"); faultOf(err) != protocol.Refused {
		t.Errorf("abort of what is committed: %v", err)
	}
}

// JSON adds up in a transaction: the server's limit for one body must not hold for all of them.
func TestTransactionOfDocuments(t *testing.T) {
	f := newFakeCluster(t)
	s := newSession(t)
	s.mustOpen(params(f, `"maxBatchRows":2`), 64<<20)
	st := s.inTransaction(t.Context(), 0, "t-1")
	st.send(1, "", documents(`{"id":1}`, `{"id":2}`, `{"id":3}`))
	st.mustFinish()
	if err := s.prepare("t-1"); err != nil {
		t.Fatal(err)
	}
	if err := s.commit("t-1"); err != nil {
		t.Fatal(err)
	}
	for _, l := range f.seen() {
		if l.header.Get("ignore_json_size") != "true" || l.header.Get("strip_outer_array") != "true" {
			t.Errorf("%v", l.header)
		}
	}
	// And a plain load keeps the limit, on the same lane.
	st = s.lane("0")
	st.send(1, "", documents(`{"id":4}`))
	st.mustFinish()
	if l := f.seen()[2]; l.header.Get("ignore_json_size") != "" || l.label != "job-r1-0-3" {
		t.Errorf("%s %v", l.label, l.header)
	}
}

// A row that CSV cannot carry would go as JSON, and cannot in the middle of a transaction: it is named, and the others land.
func TestTransactionStaysCSV(t *testing.T) {
	f := newFakeCluster(t)
	s := newSession(t)
	s.mustOpen(params(f, `"column":["id","city"]`), 64<<20)
	st := s.inTransaction(t.Context(), 0, "t-1")
	st.send(1, "", people(0, 4, func(i int) string { return []string{"a", "b\x01c", `\N`, "d"}[i] }))
	a := st.mustFinish()
	if a.Landed != 2 || len(a.Dirty) != 2 || a.Dirty[0].Row != 1 || a.Dirty[1].Row != 2 || !strings.Contains(a.Dirty[0].Reason, "format json") || a.Loads != 1 {
		t.Errorf("%v", a)
	}
	if err := s.prepare("t-1"); err != nil {
		t.Fatal(err)
	}
	if err := s.commit("t-1"); err != nil {
		t.Fatal(err)
	}
	if l := f.seen(); len(l) != 1 || string(l[0].body) != "0\x01a\x023\x01d\x02" {
		t.Errorf("%v", l)
	}
}

// A shard without rows: no transaction is begun, and any process of the job may commit it or throw it away, as often as it likes.
func TestEmptyTransaction(t *testing.T) {
	f := newFakeCluster(t)
	s := newSession(t)
	s.mustOpen(params(f, ""), 64<<20)
	s.inTransaction(t.Context(), 0, "t-1").mustFinish()
	if err := s.prepare("t-1"); err != nil {
		t.Fatal(err)
	}
	if _, begun := f.states()["job_t-1-t"]; begun {
		t.Error("it was begun")
	}
	other := newSession(t)
	other.mustOpen(params(f, ""), 64<<20)
	if got := other.resolve("t-1"); got != "PREPARED" {
		t.Errorf("state %s", got)
	}
	for range 2 {
		if err := other.prepare("t-1"); err != nil {
			t.Error(err)
		}
		if err := other.commit("t-1"); err != nil {
			t.Error(err)
		}
		if err := other.abort("t-1"); err != nil {
			t.Error(err)
		}
	}
	for label, state := range f.states() {
		if state != "ABORTED" {
			t.Errorf("%s is %s", label, state)
		}
	}
	// An earlier try to prepare it has got half way.
	f.mu.Lock()
	f.transactions["job_t-3-e"], f.labels["job_t-3-e"] = &fakeTransaction{state: "PREPARE"}, "PREPARE"
	f.mu.Unlock()
	s.inTransaction(t.Context(), 0, "t-3").mustFinish()
	if err := s.prepare("t-3"); err != nil || f.states()["job_t-3-e"] != "ABORTED" {
		t.Errorf("%v, %v", err, f.states())
	}
	// One that was opened and never prepared leaves nothing at all.
	s.inTransaction(t.Context(), 0, "t-2").mustFinish()
	if err := s.abort("t-2"); err != nil || len(f.states()) != 2 {
		t.Errorf("%v, %v", err, f.states())
	}
	if got := other.resolve("t-2"); got != "UNKNOWN" {
		t.Errorf("state %s", got)
	}
}

// What another process left: prepared is kept, open is thrown away and cannot be prepared.
func TestTransactionOfAnotherProcess(t *testing.T) {
	f := newFakeCluster(t)
	s, other := newSession(t), newSession(t)
	s.mustOpen(params(f, ""), 64<<20)
	other.mustOpen(params(f, ""), 64<<20)
	for _, name := range []string{"kept", "open"} {
		st := s.inTransaction(t.Context(), 0, name)
		st.send(1, "", documents(`{"id":1}`))
		st.mustFinish()
	}
	if err := s.prepare("kept"); err != nil {
		t.Fatal(err)
	}
	if err := other.prepare("open"); faultOf(err) != protocol.Refused {
		t.Errorf("got %v", err)
	}
	if err := other.prepare("kept"); err != nil {
		t.Error(err)
	}
	if err := other.abort("open"); err != nil || other.resolve("open") != "ABORTED" {
		t.Errorf("%v, %s", err, other.resolve("open"))
	}
	if err := other.commit("kept"); err != nil || len(f.seen()) != 1 {
		t.Errorf("%v, %d loads", err, len(f.seen()))
	}
	if err := other.commit("open"); faultOf(err) != protocol.Refused {
		t.Errorf("commit of what is aborted: %v", err)
	}
}

// A load that is refused, a lane that is cancelled, a writer that is closed: what was open is rolled back at once.
func TestTransactionIsRolledBack(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		f := newFakeCluster(t)
		f.answer = func(l fakeLoad) string {
			if !strings.Contains(string(l.body), "bad") {
				return ""
			}
			return `{"Status":"INTERNAL_ERROR","Message":"too many filtered rows"}`
		}
		s := newSession(t)
		s.mustOpen(params(f, `"maxBatchRows":1`), 64<<20)
		st := s.inTransaction(t.Context(), 0, "t-1")
		st.send(1, "", documents(`{"id":1}`, `{"id":"bad"}`, `{"id":3}`))
		fault := protocol.AsFault(st.finish())
		if fault == nil || fault.Code != protocol.Data || !strings.Contains(fault.What, "no row of this shard is in the table") || f.states()["job_t-1-t"] != "ABORTED" {
			t.Errorf("%+v, %v", fault, f.states())
		}
		if err := s.abort("t-1"); err != nil {
			t.Error(err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		f := newFakeCluster(t)
		s := newSession(t)
		s.mustOpen(params(f, `"maxBatchRows":1`), 64<<20)
		ctx, cancel := context.WithCancel(t.Context())
		st := s.inTransaction(ctx, 0, "t-1")
		st.send(1, "", documents(`{"id":1}`))
		if _, err := s.client.Flush(t.Context(), &v1.FlushRequest{Lane: 0, Sequence: 1}); err != nil {
			t.Fatal(err)
		}
		cancel()
		st.wg.Wait()
		if _, err := s.client.Close(t.Context(), &v1.CloseRequest{}); err != nil { // it waits for the lane
			t.Fatal(err)
		}
		if got := f.states()["job_t-1-t"]; got != "ABORTED" {
			t.Errorf("state %s", got)
		}
	})
	t.Run("closed", func(t *testing.T) {
		f := newFakeCluster(t)
		s := newSession(t)
		s.mustOpen(params(f, ""), 64<<20)
		for _, name := range []string{"open", "prepared"} {
			st := s.inTransaction(t.Context(), 0, name)
			st.send(1, "", documents(`{"id":1}`))
			st.mustFinish()
		}
		if err := s.prepare("prepared"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.client.Close(t.Context(), &v1.CloseRequest{}); err != nil {
			t.Fatal(err)
		}
		if got := f.states(); got["job_open-t"] != "ABORTED" || got["job_prepared-t"] != "PREPARED" {
			t.Errorf("%v", got)
		}
	})
}

// Lanes write transactions side by side, and one lane one after the other; plain rows keep labels of their own.
func TestTransactionsOfLanes(t *testing.T) {
	f := newFakeCluster(t)
	s := newSession(t)
	s.mustOpen(params(f, `"maxBatchRows":2`), 64<<20)
	var want []string
	for round := range 3 {
		var lanes []*stream
		for n := range 3 {
			name := fmt.Sprintf("r-%d-%d", round, n)
			st := s.inTransaction(t.Context(), n, name)
			for seq := range 3 {
				row := fmt.Sprintf(`{"id":%d}`, 100*round+10*n+seq)
				st.send(uint64(seq+1), "", documents(row))
				want = append(want, row)
			}
			lanes = append(lanes, st)
		}
		for n, st := range lanes {
			name := fmt.Sprintf("r-%d-%d", round, n)
			st.mustFinish()
			if err := s.prepare(name); err != nil {
				t.Fatal(err)
			}
			if err := s.commit(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	var got []string
	for _, l := range f.seen() {
		got = append(got, rowsOf(l)...)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
