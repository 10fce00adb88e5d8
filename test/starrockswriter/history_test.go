package starrockswriter

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/starrocks/streamload"
	"github.com/gx-etl/gx/test/sandbox"
	"github.com/gx-etl/gx/test/sandbox/fault"
	"pgregory.net/rapid"
)

// history is a random life of a job with several processes, and what its table must hold at the end.
type history struct {
	t    *rapid.T
	s    *sandbox.Sandbox
	c    *streamload.Sender
	ctx  context.Context
	live map[string]*story // not ended
	want []string          // rows of what was committed
	key  int
}

// story is one transaction.
type story struct {
	x        *streamload.Transaction // nil when its process is gone
	rows     []string
	prepared bool
}

func (h *history) name() string {
	return rapid.SampledFrom(slices.Sorted(mapsKeys(h.live))).Draw(h.t, "name")
}

func mapsKeys(m map[string]*story) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (h *history) begin() {
	h.key++
	name := "t-" + strconv.Itoa(h.key)
	x := transaction(name)
	if err := h.c.Begin(h.ctx, x); err != nil {
		h.t.Fatalf("begin: %v", err)
	}
	h.live[name] = &story{x: x}
}

// load may fail when the backend has lost the transaction, or its answer is lost: then it is over.
func (h *history) load() {
	name := h.name()
	st := h.live[name]
	if st.x == nil || st.prepared {
		return
	}
	var body strings.Builder
	var rows []string
	for range rapid.IntRange(1, 4).Draw(h.t, "rows") {
		h.key++
		fmt.Fprintf(&body, "%d,v,1\n", h.key)
		rows = append(rows, strconv.Itoa(h.key))
	}
	if rapid.IntRange(0, 5).Draw(h.t, "trouble") == 0 {
		h.s.Arm(fault.Fault{Kind: rapid.SampledFrom([]fault.Kind{fault.AnswerLost, "answerHtml", "txnInProcessing"}).Draw(h.t, "fault"), Op: fault.Load, Node: "be"})
	}
	if err := h.c.Append(h.ctx, st.x, csv(body.String())); err != nil {
		delete(h.live, name)
		return
	}
	st.rows = append(st.rows, rows...)
}

func (h *history) prepare() {
	name := h.name()
	st := h.live[name]
	if st.x == nil || st.prepared || len(st.rows) == 0 {
		return
	}
	if err := h.c.Prepare(h.ctx, st.x, int64(len(st.rows)), false); err != nil {
		delete(h.live, name)
		return
	}
	st.prepared = true
}

func (h *history) commit() {
	name := h.name()
	st := h.live[name]
	if !st.prepared {
		return
	}
	if rapid.IntRange(0, 39).Draw(h.t, "trouble") == 0 {
		h.s.Arm(fault.Fault{Kind: rapid.SampledFrom([]fault.Kind{fault.AnswerLost, "notLeader", fault.AnswerCut}).Draw(h.t, "fault"), Op: fault.Commit, Node: "fe"})
	}
	if err := h.c.Commit(h.ctx, transaction(name)); err != nil {
		h.t.Fatalf("commit of %s: %v", name, err)
	}
	h.want = append(h.want, st.rows...)
	delete(h.live, name)
}

func (h *history) rollback() {
	name := h.name()
	if err := h.c.Rollback(h.ctx, transaction(name)); err != nil {
		h.t.Fatalf("rollback of %s: %v", name, err)
	}
	delete(h.live, name)
}

// kill is the end of a process: what it held of its transactions is gone, their labels are not.
func (h *history) kill() {
	h.c = client(h.t, h.s)
	for _, st := range h.live {
		st.x = nil
	}
}

// settle is what the next process of the job does: what is prepared is complete, the rest is thrown away.
func (h *history) settle() {
	for name, st := range h.live {
		state, _, err := h.c.LoadState(h.ctx, "d", transaction(name).Label)
		switch {
		case err != nil:
			h.t.Fatalf("state of %s: %v", name, err)
		case (state == streamload.LoadPrepared) != st.prepared:
			h.t.Fatalf("%s is %s, prepared %v", name, state, st.prepared)
		case st.prepared:
			if err := h.c.Commit(h.ctx, transaction(name)); err != nil {
				h.t.Fatalf("commit of %s: %v", name, err)
			}
			h.want = append(h.want, st.rows...)
		default:
			if err := h.c.Rollback(h.ctx, transaction(name)); err != nil {
				h.t.Fatalf("rollback of %s: %v", name, err)
			}
		}
		delete(h.live, name)
	}
}

// Whatever happens in whatever order: the table holds the rows of the transactions that were committed, each once, and no
// transaction is left open.
func TestHistories(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, err := sandbox.Start(t.Context(), sandbox.Options{Init: table})
		if err != nil {
			rt.Fatalf("%v", err)
		}
		defer s.Close()
		h := &history{t: rt, s: s, ctx: t.Context(), live: map[string]*story{}}
		h.c = client(rt, s)
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			step := rapid.SampledFrom([]func(){h.begin, h.load, h.load, h.load, h.prepare, h.commit, h.rollback, h.kill,
				func() { _ = s.Load.RestartBackend(0) }}).Draw(rt, "step")
			if len(h.live) == 0 {
				step = h.begin
			}
			step()
			s.Faults().Clear(0)
		}
		h.kill()
		h.settle()
		var got []string
		for _, r := range s.Rows(t, "SELECT k FROM d.t ORDER BY k") {
			got = append(got, r[0])
		}
		slices.SortFunc(h.want, func(a, b string) int {
			x, _ := strconv.Atoi(a)
			y, _ := strconv.Atoi(b)
			return x - y
		})
		if !slices.Equal(got, h.want) {
			rt.Fatalf("the table has %v, want %v", got, h.want)
		}
		for _, l := range s.Load.Loads() {
			if l.State == "PREPARE" || l.State == "PREPARED" {
				rt.Fatalf("%s is left %s", l.Label, l.State)
			}
		}
	})
}
