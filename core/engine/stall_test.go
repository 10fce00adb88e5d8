package engine

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
)

func TestStallNamesTheWriter(t *testing.T) {
	s := newSetup()
	s.plan.Streaming, s.r.endless = true, true
	s.plan.Stall = 30 * time.Millisecond
	s.w.hold = make(chan struct{})
	_, err := s.run(t, nil)
	if err == nil || !strings.Contains(err.Error(), "fake-writer has answered nothing") {
		t.Fatalf("%v", err)
	}
}

// A reader that sends nothing is named, once each time, but not while limits or the writer hold the rows back.
func TestQuietReadersAreNamed(t *testing.T) {
	quiet := func(s *setup) (n int) {
		for _, note := range s.notes {
			if strings.Contains(note, "plugin fake-reader has sent nothing for") {
				n++
			}
		}
		return n
	}
	for name, c := range map[string]struct {
		pause     time.Duration // before the batches 5 and 10 of each shard
		rows      int64         // limit
		ack       time.Duration // how long the writer takes for each
		streaming bool
		want      int
	}{
		"at work":       {30 * time.Second, 0, 0, false, 0},
		"quiet":         {5 * time.Minute, 0, 0, false, 2},
		"quiet stream":  {5 * time.Minute, 0, 0, true, 0},
		"limited":       {0, 1, 0, false, 0}, // ten seconds for each batch, and the stall is shorter
		"slow to write": {0, 0, 4 * time.Second, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSetup()
				s.r.shards, s.plan.Lanes, s.plan.Stall, s.plan.RowsPerSec, s.plan.Streaming = 1, 1, time.Minute, c.rows, c.streaming
				if c.pause == 0 {
					s.plan.Stall = 5 * time.Second
				}
				s.r.tamper = func(f *wire.Frame) {
					if n := f.Sequence; n == 5 || n == 10 {
						time.Sleep(c.pause)
					}
				}
				s.w.ack = func(_ *fakeLane, f *wire.Frame) []*v1.Ack { time.Sleep(c.ack); return []*v1.Ack{landed(f)} }
				e := &Engine{Plan: s.plan, Reader: s.r, Writer: s.w, Dirty: s.d, Note: func(n string) { s.notes = append(s.notes, n) }}
				if r, err := e.Run(t.Context(), nil); err != nil || r.Landed != 250 {
					t.Fatalf("%+v %v", r, err)
				}
				if n := quiet(s); n != c.want {
					t.Errorf("named %d times, want %d: %q", n, c.want, s.notes)
				}
			})
		})
	}
}
