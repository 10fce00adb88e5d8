package engine

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/core/journal"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

func TestDecidedAndUnknownIsInDoubt(t *testing.T) {
	r := newResumable(t)
	if err := r.run(false, fails("before commit", 3)); err == nil { // the second is that of a shard without rows
		t.Fatal("no error")
	}
	state, _ := journal.Load(r.path)
	i := slices.IndexFunc(state.Progress, func(p journal.Progress) bool { return p.Phase == journal.Decided })
	name := state.Progress[i].Transaction
	kept := r.target.transactions[name]
	delete(r.target.transactions, name) // the server has forgotten it

	before := r.target.clone()
	err := r.run(true, nil)
	text := fault.Text(err)
	if fault.Exit(err) != fault.ExitInDoubt || !strings.Contains(text, name) || !strings.Contains(text, "gx state resolve") {
		t.Fatalf("%v", text)
	}
	if len(r.writer.starts) > 0 || len(r.source.reads) > 0 || len(before.transactions) != len(r.target.transactions) {
		t.Fatal("a run in doubt touched something")
	}

	// The answer is given from outside: lost, and read again under another name.
	j, err := journal.Continue(r.path)
	if err == nil {
		err = errors.Join(j.Aborted(i), j.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	r.target.transactions[name] = kept
	if err := r.run(true, nil); err != nil {
		t.Fatal(err)
	}
	r.want(1)
}

// Every step is on record before the next one is taken.
func TestRecordsComeBeforeDeeds(t *testing.T) {
	r := newResumable(t)
	points, err := r.moments(false)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, p := range points {
		want := map[string]string{"opened": "is Open, and its transaction begins", "before prepare": "is counted", "before commit": "is Decided", "before start": "", "before finish": ""}
		path := filepath.Join(t.TempDir(), "j.state")
		if err := os.WriteFile(path, p.file, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := journal.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		verb, name, _ := strings.Cut(p.event, " run-")
		if _, ok := want[verb]; !ok {
			continue
		}
		seen++
		holds := slices.ContainsFunc(s.Progress, func(g journal.Progress) bool {
			switch verb {
			case "opened":
				return g.Phase == journal.Open && g.Transaction == "run-"+name
			case "before prepare":
				return g.Phase == journal.Open && g.Counted
			case "before commit":
				return g.Phase == journal.Decided
			}
			return false
		})
		switch verb {
		case "before start":
			holds = !s.Started && len(s.Shards) == len(r.sizes)
		case "before finish":
			holds = s.Finishing && !s.Ended
		}
		if !holds {
			t.Errorf("at %q no shard %s: %+v", p.event, want[verb], s)
		}
	}
	if seen != 2+3*len(r.sizes) {
		t.Errorf("%d moments were looked at", seen)
	}
}

// Of a transaction without rows nothing can be in doubt.
func TestEmptyTransactionIsNeverInDoubt(t *testing.T) {
	r := newResumable(t)
	if err := r.run(false, fails("before commit", 2)); err == nil {
		t.Fatal("no error")
	}
	delete(r.target.transactions, "run-1-1-1")
	if err := r.run(true, nil); err != nil {
		t.Fatal(err)
	}
	r.want(1)
}

// A transaction that was decided upon and thrown away by a timeout is loudly done again.
func TestDecidedAndAbortedIsReadAgain(t *testing.T) {
	r := newResumable(t)
	if err := r.run(false, fails("before commit", 1)); err == nil {
		t.Fatal("no error")
	}
	for _, h := range r.target.transactions {
		if h.state == v1.ResolveReply_STATE_PREPARED {
			h.state = v1.ResolveReply_STATE_ABORTED
		}
	}
	if err := r.run(true, nil); err != nil || !r.said("was to be committed and is gone") {
		t.Fatalf("%v, %q", err, r.notes)
	}
	r.want(1)
}
