package engine

import (
	"strings"
	"testing"

	"github.com/gx-etl/gx/core/plan"
)

// An explanation opens, cuts and closes, and does nothing else.
func TestExplainTouchesNothing(t *testing.T) {
	s := newSetup()
	s.plan.Lanes, s.plan.Memory = 6, plan.Memory{Reader: 1, Core: 2, Writer: 3}
	e := &Engine{Plan: s.plan, Reader: s.r, Writer: s.w, Dirty: s.d}
	x, err := e.Explain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if x.Mode != "batch" || x.Lanes != 4 || x.LanesMost != 6 || len(x.Shards) != 4 || x.Shards[3].Name != "s3" || x.Memory.Core != 2 || !x.Documents {
		t.Errorf("%+v", x)
	}
	if !strings.HasPrefix(x.Delivery, "delivery: at-least-once; ") || !strings.Contains(strings.Join(x.Notes, "\n"), "6 lanes asked for, 4 can work") {
		t.Errorf("%q %q", x.Delivery, x.Notes)
	}
	if s.w.started || s.w.finished || len(s.w.got) > 0 || len(s.r.committed) > 0 || !s.r.closed {
		t.Errorf("started %t, finished %t, written %v, committed %v, closed %t", s.w.started, s.w.finished, s.w.got, s.r.committed, s.r.closed)
	}
}
