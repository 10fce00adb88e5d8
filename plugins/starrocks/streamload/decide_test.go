package streamload

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
)

// The rows themselves: StarRocks tells at prepare, and has rolled back.
func TestPrepareRefused(t *testing.T) {
	l := newLedger(t)
	l.on = func(what string, w http.ResponseWriter, r *http.Request) bool {
		if what != "be prepare" {
			return false
		}
		l.is("ABORTED")
		fmt.Fprint(w, `{"Status":"INTERNAL_ERROR","Message":"too many filtered rows","NumberTotalRows":0}`)
		return true
	}
	s, _ := sender(t, 3, l.leader)
	x := txn("t-1")
	if err := errors.Join(s.Begin(t.Context(), x), s.Append(t.Context(), x, lines("1,a\n"))); err != nil {
		t.Fatal(err)
	}
	var refused *RowsRefused
	if err := s.Prepare(t.Context(), x, 1, false); !errors.As(err, &refused) || refused.Label != x.Label {
		t.Errorf("got %v", err)
	}
	if x.Open() || strings.Count(l.did(), "be prepare") != 1 {
		t.Errorf("asked %s", l.did())
	}
}

// StarRocks counts other rows than were sent: nothing of it becomes visible.
func TestPrepareCounts(t *testing.T) {
	l := newLedger(t)
	s, _ := sender(t, 3, l.leader)
	x := txn("t-1")
	if err := errors.Join(s.Begin(t.Context(), x), s.Append(t.Context(), x, lines("1,a\n2,b\n"))); err != nil {
		t.Fatal(err)
	}
	if err := s.Prepare(t.Context(), x, 3, false); code(err) != protocol.Data || !strings.Contains(err.Error(), "3 sent; 2 seen") || l.now() != "ABORTED" {
		t.Errorf("%v, state %s", err, l.now())
	}
}

// The answer to prepare is lost, or there never was one: the state decides.
func TestPrepareLost(t *testing.T) {
	for state, want := range map[string]protocol.Code{"PREPARED": "", "VISIBLE": "", "ABORTED": protocol.Refused, "": protocol.Refused} {
		l := newLedger(t)
		s, _ := sender(t, 3, l.leader)
		x := txn("t-1")
		if err := errors.Join(s.Begin(t.Context(), x), s.Append(t.Context(), x, lines("1,a\n"))); err != nil {
			t.Fatal(err)
		}
		l.on = func(what string, w http.ResponseWriter, r *http.Request) bool {
			if what != "be prepare" {
				return false
			}
			l.is(state)
			return hangUp(w)
		}
		if err := s.Prepare(t.Context(), x, 1, false); code(err) != want || (want == "") != (err == nil) {
			t.Errorf("%s: %v", state, err)
		}
	}
	l := newLedger(t)
	l.lost("be prepare")
	s, _ := sender(t, 0, l.leader)
	x := txn("t-1")
	err := errors.Join(s.Begin(t.Context(), x), s.Append(t.Context(), x, lines("1,a\n")), s.Prepare(t.Context(), x, 1, false), s.Prepare(t.Context(), x, 1, false))
	if err != nil || l.now() != "PREPARED" {
		t.Errorf("%v, %s", err, l.now())
	}
}

// The answer to commit is lost, cut, or words of a release to come: the state decides.
func TestCommitLost(t *testing.T) {
	for _, answer := range []string{"", `{"Status":"FAILED","Message":"class x: publish timeout: 600000"}`, `{"Status":"PUBLISH_TIMEOUT","Message":""}`, `<html>`} {
		l := newLedger(t)
		l.is("PREPARED")
		l.on = func(what string, w http.ResponseWriter, r *http.Request) bool {
			if what != "fe commit" {
				return false
			}
			l.is("COMMITTED")
			if answer == "" {
				return hangUp(w)
			}
			fmt.Fprint(w, answer)
			return true
		}
		s, _ := sender(t, 1, l.leader)
		if err := s.Commit(t.Context(), txn("t-1")); err != nil || strings.Count(l.did(), "commit") != 1 {
			t.Errorf("%s: %v, asked %s", answer, err, l.did())
		}
	}
}

// What is not prepared is never committed, and what nobody knows is in doubt: asked twice, with a pause between.
func TestCommitNeedsEvidence(t *testing.T) {
	for state, want := range map[string]protocol.Code{"PREPARE": protocol.Internal, "ABORTED": protocol.Refused, "": protocol.InDoubt} {
		l := newLedger(t)
		l.is(state)
		s, pauses := sender(t, 3, l.leader)
		err := s.Commit(t.Context(), txn("t-1"))
		if code(err) != want || strings.Contains(l.did(), "commit") {
			t.Errorf("%s: %v, asked %s", state, err, l.did())
		}
		if state == "" && (len(*pauses) != 1 || (*pauses)[0] != doubtPause || l.did() != "fe get_load_state, fe get_load_state") {
			t.Errorf("pauses %v, asked %s", *pauses, l.did())
		}
	}
	// It was sent, and now nobody can be asked.
	l := newLedger(t)
	l.is("PREPARED")
	sent := false
	l.on = func(what string, w http.ResponseWriter, r *http.Request) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		sent = sent || what == "fe commit"
		if sent {
			return hangUp(w)
		}
		return false
	}
	s, _ := sender(t, 1, l.leader)
	if err := s.Commit(t.Context(), txn("t-1")); code(err) != protocol.InDoubt || !strings.Contains(protocol.AsFault(err).Try, "get_load_state?label=job_t-1-t") {
		t.Errorf("got %v", err)
	}
	// It answers no, again and again, and stays prepared.
	stubborn := newLedger(t)
	stubborn.is("PREPARED")
	stubborn.on = func(what string, w http.ResponseWriter, r *http.Request) bool {
		if what == "fe commit" {
			fmt.Fprint(w, `{"Status":"FAILED","Message":"class x: disable_load_job is set to true"}`)
		}
		return what == "fe commit"
	}
	s, _ = sender(t, 2, stubborn.leader)
	if err := s.Commit(t.Context(), txn("t-1")); code(err) != protocol.Refused || strings.Count(stubborn.did(), "fe commit") != 3 {
		t.Errorf("%v, asked %s", err, stubborn.did())
	}
}

func TestRollback(t *testing.T) {
	for state, want := range map[string]protocol.Code{"PREPARE": "", "PREPARED": "", "ABORTED": "", "": "", "COMMITTED": protocol.Refused, "VISIBLE": protocol.Refused} {
		l := newLedger(t)
		l.is(state)
		s, _ := sender(t, 1, l.leader)
		for range 2 {
			if err := s.Rollback(t.Context(), txn("t-1")); code(err) != want || (want == "") != (err == nil) {
				t.Errorf("%s: %v", state, err)
			}
		}
		if after := l.now(); want == "" && state != "" && after != "ABORTED" {
			t.Errorf("%s becomes %s", state, after)
		}
	}
	// The backend is gone, only the frontend is left.
	l := newLedger(t)
	l.is("PREPARE")
	l.backend = closedPort(t)
	s, _ := sender(t, 1, l.leader)
	s.cfg.Unreachable = time.Hour
	if err := s.Rollback(t.Context(), txn("t-1")); err != nil || l.now() != "ABORTED" {
		t.Errorf("%v, %s", err, l.now())
	}
}
