package engine

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
)

// A lane reads no further than its queue has room, of which a job may ask for less.
func TestQueuesAreBounded(t *testing.T) {
	for _, c := range []struct{ lane, core, want int64 }{{300, 1 << 20, 300}, {1 << 20, 1000, 500}, {0, 800, 400}} {
		synctest.Test(t, func(t *testing.T) {
			s := newSetup()
			s.plan.LaneBytes, s.plan.Memory.Core = c.lane, c.core // for two lanes
			blocked := make(chan struct{})
			s.w.ack = func(_ *fakeLane, f *wire.Frame) []*v1.Ack { <-blocked; return []*v1.Ack{landed(f)} }
			e := &Engine{Plan: s.plan, Reader: s.r, Writer: s.w, Dirty: s.d}
			done := make(chan error, 1)
			go func() {
				_, err := e.Run(t.Context(), nil)
				done <- err
			}()
			synctest.Wait() // until everybody waits for the writer
			for i, l := range e.Progress().Lanes {
				if l.Queued != c.want {
					t.Errorf("%+v: lane %d holds %d bytes", c, i, l.Queued)
				}
			}
			close(blocked)
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// The limits hold over the whole job, whatever the lanes, from its first second to its last: 1000 rows of 10 bytes.
func TestLimitsAreExactOverTheJob(t *testing.T) {
	for _, c := range []struct {
		rows, bytes int64
		lanes       int
		want        time.Duration
	}{
		{100, 0, 1, 10 * time.Second},
		{100, 0, 4, 10 * time.Second},
		{0, 2000, 1, 5 * time.Second},
		{0, 2000, 3, 5 * time.Second},
		{400, 2000, 2, 5 * time.Second}, // the tighter one rules
		{100, 5000, 2, 10 * time.Second},
		{1 << 40, 1 << 40, 2, 0},
	} {
		t.Run(fmt.Sprintf("%d rows, %d bytes, %d lanes", c.rows, c.bytes, c.lanes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSetup()
				s.plan.RowsPerSec, s.plan.BytesPerSec, s.plan.Lanes = c.rows, c.bytes, c.lanes
				start := time.Now()
				r, err := s.run(t, nil)
				if err != nil || r.Landed != 1000 {
					t.Fatalf("%+v %v", r, err)
				}
				if took := time.Since(start); took < c.want || took > c.want+200*time.Millisecond {
					t.Errorf("took %v, want %v", took, c.want)
				}
			})
		})
	}
}

// A batch that is larger than a second's worth waits for all of it, and a stop does not wait with it.
func TestRateLimitHoldsBack(t *testing.T) {
	s := newSetup()
	s.plan.RowsPerSec = 10 // a batch is a second's worth: all of them would take minutes
	stop := make(chan struct{})
	time.AfterFunc(50*time.Millisecond, func() { close(stop) })
	r, err := s.run(t, stop)
	if err != nil || r.Outcome != "stopped" || r.Read > 20 || r.Read != r.Landed {
		t.Fatalf("%+v %v", r, err)
	}
}
