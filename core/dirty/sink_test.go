package dirty

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"pgregory.net/rapid"
)

func record(n int) engine.DirtyRecord {
	return engine.DirtyRecord{Side: "p", Place: fmt.Sprintf("line %d", n), Reason: "no JSON", Record: fmt.Appendf(nil, "r%d", n)}
}

// A run without dirty records opens the place and leaves it, and nothing else happens there.
func TestNothingIsTouchedWithoutRecords(t *testing.T) {
	w := newTarget()
	s, _, _ := opened(t, "starrocks", w)
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Finish(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if err := s.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"open j-dirty r-1-dirty", "close"}; !slices.Equal(w.calls, want) {
		t.Errorf("calls %q, want %q", w.calls, want)
	}
}

func TestSyncMakesRecordsSafe(t *testing.T) {
	w := newTarget()
	s, refused, _ := opened(t, "starrocks", w)
	for i := range 3 {
		if err := s.Add(t.Context(), record(i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.got) != 0 {
		t.Errorf("%d batches before the first sync", len(w.got))
	}
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(w.rows()) != 3 || s.Kept() != 3 || s.held != 0 {
		t.Errorf("%d rows, kept %d, still held %d", len(w.rows()), s.Kept(), s.held)
	}
	if err := s.Add(t.Context(), record(3)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Finish(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	want := []string{"open j-dirty r-1-dirty", "start true", "write", "flush", "flush", "finish"}
	if !slices.Equal(w.calls, want) || s.Kept() != 4 || len(refused.records) != 0 {
		t.Errorf("calls %q, want %q; kept %d", w.calls, want, s.Kept())
	}
}

// What the target refuses goes to the file with its own reason and the target's, and the others stay.
func TestRefusedRecordsGoToTheFile(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(b sent) *v1.Ack
		file   []string
		reason string
		kept   int64
	}{
		"one by name": {func(b sent) *v1.Ack {
			return &v1.Ack{Landed: 2, Dirty: []*v1.Dirty{{Sequence: b.sequence, Row: 1, Reason: "value too long"}}}
		}, []string{"r1"}, "value too long", 2},
		"one of three, without saying which": {func(sent) *v1.Ack { return &v1.Ack{Landed: 2, DirtyUnnamed: 1, DirtyReason: "ratio"} },
			[]string{"r0", "r1", "r2"}, "1 of its load were refused without saying which: ratio", 2},
		"left out by a condition": {func(sent) *v1.Ack { return &v1.Ack{Landed: 2, Filtered: 1} },
			[]string{"r0", "r1", "r2"}, "1 of its load were left out by the target without saying which", 2},
		"one by name, ahead of the others": {func(b sent) *v1.Ack {
			return &v1.Ack{Landed: 2, Dirty: []*v1.Dirty{{Sequence: b.sequence, Row: 2}}}
		}, []string{"r2"}, "no reason given", 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTarget()
			w.answer, w.ahead = c.answer, strings.Contains(name, "ahead")
			s, refused, notes := opened(t, "starrocks", w)
			for i := range 3 {
				if err := s.Add(t.Context(), record(i)); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range refused.records {
				got = append(got, string(r.Record))
				if r.Refused != c.reason || r.Reason != "no JSON" {
					t.Errorf("reasons %q and %q", r.Reason, r.Refused)
				}
			}
			if !slices.Equal(got, c.file) || refused.synced != len(c.file) || s.Kept() != c.kept || s.Turned() != int64(len(c.file)) || s.held != 0 {
				t.Errorf("file %q (synced %d), kept %d, turned %d, held %d", got, refused.synced, s.Kept(), s.Turned(), s.held)
			}
			if len(*notes) != 1 || !strings.Contains((*notes)[0], "goes to the file") {
				t.Errorf("notes %q", *notes)
			}
		})
	}
}

func TestARecordTooLargeForABatchGoesToTheFile(t *testing.T) {
	w := newTarget()
	s, refused, _ := opened(t, "starrocks", w)
	r := record(0)
	r.Record = bytes.Repeat([]byte{0xff}, 12<<20) // as base64 it is 16 MiB
	if err := s.Add(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if len(refused.records) != 1 || !bytes.Equal(refused.records[0].Record, r.Record) || !strings.Contains(refused.records[0].Refused, "more than one batch") {
		t.Errorf("%d in the file", len(refused.records))
	}
	if slices.Contains(w.calls, "start true") {
		t.Error("the target was prepared for nothing")
	}
}

// Memory is bounded: with too much in hand, Add waits for the target.
func TestRecordsInHandAreBounded(t *testing.T) {
	w := newTarget()
	s, _, _ := opened(t, "kafka", w)
	for i := range 200 {
		r := record(i)
		r.Record = bytes.Repeat([]byte("x"), 100<<10)
		if err := s.Add(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if s.held > s.most+200<<10 {
			t.Fatalf("%d bytes in hand, at most %d wanted", s.held, s.most)
		}
	}
	if err := s.Sync(t.Context()); err != nil || len(w.rows()) != 200 {
		t.Fatalf("%d rows, %v", len(w.rows()), err)
	}
}

func TestAFailureOfTheWriterIsTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		dies  error
		words string
	}{"with a fault": {errAway, "no server answers"}, "without one": {errPlain, "broken pipe"}, "by leaving": {io.EOF, "unanswered"}} {
		t.Run(name, func(t *testing.T) {
			w := newTarget()
			w.dies = c.dies
			s, _, _ := opened(t, "starrocks", w)
			err := s.Add(t.Context(), record(0))
			if err == nil {
				err = s.Sync(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), c.words) && !strings.Contains(err.Error(), "ended the stream") {
				t.Fatalf("%v", err)
			}
			if again := s.Sync(t.Context()); again == nil {
				t.Error("the next sync says that all is well")
			}
		})
	}
}

// The call that flushes fails because the lane is gone; why it is gone comes in after it.
func TestTheReasonIsWaitedFor(t *testing.T) {
	w := newTarget()
	w.flushErr, w.dies = errPlain, errAway
	s, _, _ := opened(t, "starrocks", w)
	_ = s.Add(t.Context(), record(0))
	if f := protocol.AsFault(s.Sync(t.Context())); f == nil || f.Place != "loadUrl" {
		t.Fatalf("%+v", f)
	}
}

// What was safe when the writer died stays safe: positions behind it may still move.
func TestTheDeathOfTheWriterLeavesWhatIsSafe(t *testing.T) {
	w := newTarget()
	s, _, _ := opened(t, "starrocks", w)
	_ = s.Add(t.Context(), record(0))
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.cut()
	<-s.ended
	if err := s.Sync(t.Context()); err != nil {
		t.Errorf("with nothing left to do: %v", err)
	}
	_ = s.Add(t.Context(), record(1))
	if err := s.Sync(t.Context()); err == nil {
		t.Error("a record that is nowhere counts as safe")
	}
}

func TestAWriterThatMiscountsIsFoundOut(t *testing.T) {
	for name, answer := range map[string]func(b sent) *v1.Ack{
		"too few":      func(sent) *v1.Ack { return &v1.Ack{} },
		"another row":  func(b sent) *v1.Ack { return &v1.Ack{Dirty: []*v1.Dirty{{Sequence: b.sequence, Row: 9}}} },
		"another one":  func(sent) *v1.Ack { return &v1.Ack{Dirty: []*v1.Dirty{{Sequence: 77}}} },
		"one too many": func(sent) *v1.Ack { return &v1.Ack{Landed: 2} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTarget()
			w.answer = answer
			s, _, _ := opened(t, "starrocks", w)
			_ = s.Add(t.Context(), record(0))
			err := s.Sync(t.Context())
			if f := protocol.AsFault(err); f == nil || f.Code != protocol.PluginFailed {
				t.Fatalf("%v", err)
			}
		})
	}
}

// A place that never answers ends the job in the time after which it counts as stalled; a cancelled job ends at once.
func TestSilenceIsBounded(t *testing.T) {
	w := newTarget()
	w.silent = true
	s, _, _ := opened(t, "starrocks", w)
	s.Plan.Stall = 20 * time.Millisecond
	_ = s.Add(t.Context(), record(0))
	if err := s.Sync(t.Context()); err == nil || !strings.Contains(err.Error(), "starrocks-writer has answered nothing") {
		t.Fatalf("%v", err)
	}
	w = newTarget()
	w.silent = true
	s, _, _ = opened(t, "starrocks", w)
	_ = s.Add(t.Context(), record(0))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Sync(ctx); err == nil || !protocol.IsCanceled(err) {
		t.Fatalf("%v", err)
	}
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		typ   string
		w     *target
		place string
		words []string
	}{
		"column": {"starrocks", &target{openErr: protocol.Faultf(protocol.Config, "table ops.bad has no column offset").At("column[7]").Hint("x")}, "table",
			[]string{"no column offset", "CREATE TABLE `ops`.`bad` (`time` DATETIME NOT NULL, ", "`offset` BIGINT", "DUPLICATE KEY (`time`, `job`)"}},
		"table":      {"starrocks", &target{openErr: protocol.Faultf(protocol.NotFound, "table ops.bad does not exist").At("table").Hint("x")}, "table", []string{"CREATE TABLE `ops`.`bad`"}},
		"server":     {"starrocks", &target{openErr: protocol.Faultf(protocol.Unreachable, "no answer").At("loadUrl").Hint("wait")}, "loadUrl", []string{"no answer", "wait"}},
		"its column": {"starrocks", &target{columns: []string{"time", "recrod"}}, "column[1]", []string{"recrod", "recordBase64"}},
		"no table":   {"starrocks", &target{wantsName: true}, "table", []string{"none is named"}},
		"no topic":   {"kafka", &target{wantsName: true}, "topic", []string{"none is named"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, _ := newSink(t, c.typ, c.w)
			_, err := s.Open(t.Context(), false)
			f := protocol.AsFault(err)
			if f == nil || f.Place != c.place {
				t.Fatalf("%+v", err)
			}
			for _, word := range c.words {
				if !strings.Contains(f.What+"\n"+f.Try, word) {
					t.Errorf("%q is missing in: %s; try: %s", word, f.What, f.Try)
				}
			}
		})
	}
}

// Whatever the target does with whatever records, each of them is kept there or goes to the file.
func TestNoRecordIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newTarget()
		landed := map[string]bool{}
		at := slices.Index(plan.DirtyColumns, "record")
		w.answer = func(b sent) *v1.Ack {
			ack := &v1.Ack{}
			for i, row := range b.rows {
				if rapid.Bool().Draw(rt, "refuse") {
					ack.Dirty = append(ack.Dirty, &v1.Dirty{Sequence: b.sequence, Row: uint32(i), Reason: "no"})
				} else {
					landed[row[at]] = true
					ack.Landed++
				}
			}
			return ack
		}
		s, refused, _ := newSink(t, "starrocks", w)
		if _, err := s.Open(t.Context(), false); err != nil {
			rt.Fatal(err)
		}
		s.most = int64(rapid.IntRange(1, 4000).Draw(rt, "most"))
		n := rapid.IntRange(0, 30).Draw(rt, "records")
		for i := range n {
			if err := s.Add(t.Context(), record(i)); err != nil {
				rt.Fatal(err)
			}
			if rapid.Bool().Draw(rt, "sync") {
				if err := s.Sync(t.Context()); err != nil {
					rt.Fatal(err)
				}
			}
		}
		if _, err := s.Finish(t.Context(), false); err != nil {
			rt.Fatal(err)
		}
		all := len(landed)
		for _, r := range refused.records {
			if landed[string(r.Record)] {
				rt.Fatalf("%s is in both", r.Record)
			}
		}
		if all += len(refused.records); all != n || s.Kept() != int64(len(landed)) || s.held != 0 || refused.synced != len(refused.records) {
			rt.Fatalf("%d records, %d kept (%d counted), %d refused, %d bytes held", n, len(landed), s.Kept(), len(refused.records), s.held)
		}
	})
}
