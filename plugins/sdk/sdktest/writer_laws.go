package sdktest

import (
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
)

func writerWaitsForOpen(t *testing.T, c *WriterCase) {
	w := start(t, c.Plugin).writer
	_, err := w.Start(within(t), &v1.StartRequest{})
	wantFault(t, "start before open", err)
	stream, err := w.Write(metadata.AppendToOutgoingContext(within(t), protocol.LaneKey, "0"))
	if err == nil {
		_, err = stream.Recv()
	}
	wantFault(t, "write before open", err)
	_, err = w.Flush(within(t), &v1.FlushRequest{})
	wantFault(t, "flush before open", err)
	_, err = w.Finish(within(t), &v1.FinishRequest{})
	wantFault(t, "finish before open", err)
	_, err = w.Open(within(t), &v1.OpenRequest{Parameters: []byte(`{"a":`), Run: "broken"})
	wantFault(t, "open with broken parameters", err)
	if _, err := w.Close(within(t), &v1.CloseRequest{}); err != nil {
		t.Errorf("close before open: %v", err)
	}
}

// landed returns, by key, how often each row that was sent stands at the target.
func (w *writing) landed(t *testing.T) map[string]int {
	t.Helper()
	all, err := w.c.Landed()
	if err != nil {
		t.Fatalf("look at the target: %v", err)
	}
	out := make(map[string]int)
	for _, r := range all {
		sent, ok := w.sent[r[0]]
		if !ok {
			continue
		}
		out[r[0]]++
		if w.c.Same != nil && out[r[0]] == 1 {
			if err := w.c.Same(sent, r); err != nil {
				t.Errorf("row %s: %v", r[0], err)
			}
		}
	}
	return out
}

// arrivedOnce compares the target with what the lanes said of it.
func (w *writing) arrivedOnce(t *testing.T, lanes ...*laneOut) {
	t.Helper()
	want := 0
	for _, l := range lanes {
		l.mu.Lock()
		want += l.landed
		l.mu.Unlock()
	}
	got := w.landed(t)
	if len(got) != want {
		t.Errorf("%d of %d rows stand at the target, and the acks said %d", len(got), len(w.sent), want)
	}
	for key, n := range got {
		if n > 1 {
			t.Errorf("row %s stands %d times at the target", key, n)
		}
	}
}

func landsEveryRow(t *testing.T, c *WriterCase) {
	w := c.open(t)
	lanes := []*laneOut{w.lane(t, 0), w.lane(t, 1)}
	for seq := uint64(1); seq <= 3; seq++ {
		for _, l := range lanes {
			l.send(t, seq, w.rowsFor(t, c.columns(), 10))
		}
	}
	for _, l := range lanes {
		l.mustEnd(t)
		if l.landed == 0 {
			t.Error("none of the rows landed")
		}
	}
	w.finish(t)
	w.arrivedOnce(t, lanes...)
	w.close(t)
}

// acksAcrossGaps leaves sequences out, as the core does with batches that have no rows: nobody may ack those.
func acksAcrossGaps(t *testing.T, c *WriterCase) {
	w := c.open(t)
	l := w.lane(t, 0)
	for _, seq := range []uint64{2, 3, 7, 100} {
		l.send(t, seq, w.rowsFor(t, c.columns(), 2))
	}
	l.mustEnd(t)
	w.finish(t)
	w.arrivedOnce(t, l)
	w.close(t)
}

// takesABatchTwice sends the same rows again, as a run does that comes back after a crash. Both are acked, each on its own.
func takesABatchTwice(t *testing.T, c *WriterCase) {
	w := c.open(t)
	l := w.lane(t, 0)
	rec := w.rowsFor(t, c.columns(), 5)
	l.send(t, 1, rec)
	l.send(t, 2, rec)
	l.mustEnd(t)
	w.finish(t)
	got := w.landed(t)
	for key, n := range got {
		if n > 1 && w.opened.ReplaySafe {
			t.Errorf("row %s stands %d times at the target, and the writer calls a replay harmless", key, n)
		}
		if n > 2 {
			t.Errorf("row %s stands %d times at the target, and was sent twice", key, n)
		}
	}
	if len(got) == 0 && l.landed > 0 {
		t.Errorf("no row stands at the target, and the acks said %d", l.landed)
	}
	w.close(t)
}

// flushesWhenAsked asks in the middle of a lane: what was sent before is then acked and at the target.
func flushesWhenAsked(t *testing.T, c *WriterCase) {
	w := c.open(t)
	l := w.lane(t, 0)
	flush := func(seq uint64) {
		t.Helper()
		if _, err := w.writer.Flush(within(t), &v1.FlushRequest{Lane: 0, Sequence: seq}); err != nil {
			t.Fatalf("flush up to %d: %v", seq, err)
		}
	}
	last := uint64(0)
	for range 3 {
		for range 2 {
			last += 2 // with gaps
			l.send(t, last, w.rowsFor(t, c.columns(), 3))
		}
		flush(last)
		l.settled(t)
		l.balance(t)
		w.arrivedOnce(t, l)
		flush(last) // there is nothing left to flush
	}
	l.send(t, last+1, w.rowsFor(t, c.columns(), 3))
	l.mustEnd(t)
	w.finish(t)
	w.arrivedOnce(t, l)
	w.close(t)
}

func endsAnEmptyLane(t *testing.T, c *WriterCase) {
	w := c.open(t)
	w.lane(t, 0).mustEnd(t)
	w.finish(t)
	w.close(t)
}

// opensALaneAgain after its stream has ended: rows of the second stream are new rows, whatever the first one was called.
func opensALaneAgain(t *testing.T, c *WriterCase) {
	w := c.open(t)
	var lanes []*laneOut
	for range 3 {
		l := w.lane(t, 0)
		l.send(t, 1, w.rowsFor(t, c.columns(), 5))
		l.mustEnd(t)
		lanes = append(lanes, l)
	}
	w.finish(t)
	w.arrivedOnce(t, lanes...)
	w.close(t)
}

// takesEveryType sends each type with NULLs in between. A target that cannot hold one says so, by a fault or row by row.
func takesEveryType(t *testing.T, c *WriterCase) {
	for _, s := range samples {
		t.Run(s.typ.String(), func(t *testing.T) {
			w := c.open(t)
			defer w.close(t)
			l := w.lane(t, 0)
			columns := []arrow.Field{c.columns()[0], {Name: "v", Type: s.typ, Nullable: true}}
			l.send(t, 1, w.rowsFor(t, columns, 7))
			if err := l.end(t); err != nil {
				if f := protocol.AsFault(err); f == nil || f.Code == protocol.Internal {
					t.Errorf("%v: a fault with a code that fits would help a user", err)
				}
				return
			}
			l.balance(t)
			w.finish(t)
			w.arrivedOnce(t, l)
		})
	}
}

func refusesMalformedPayloads(t *testing.T, c *WriterCase) {
	w := c.open(t)
	defer w.close(t)
	good, err := rows.Encode(batchOf(t, c.columns(), 1, 4))
	if err != nil {
		t.Fatal(err)
	}
	whole := good.Materialize()
	bent := slices.Clone(whole)
	for i := len(bent) / 4; i < len(bent); i += 3 {
		bent[i] ^= 0xff
	}
	for i, bad := range []struct {
		name    string
		rows    int
		payload []byte
	}{
		{"nothing of Arrow", 4, []byte("rows, rows, rows, rows")},
		{"one byte", 4, []byte{0xff}},
		{"cut in half", 4, whole[:len(whole)/2]},
		{"cut at the start of the rows", 4, whole[:len(whole)/8*6]},
		{"bent", 4, bent},
		{"more rows than it says", 3, whole},
		{"fewer rows than it says", 5, whole},
	} {
		l := w.lane(t, i)
		l.sendRaw(t, 1, bad.rows, mem.BufferSlice{mem.SliceBuffer(bad.payload)})
		err := l.end(t)
		wantFault(t, bad.name, err)
	}
}

// writeStops cancels a lane while batches are under way, and closes.
func writeStops(t *testing.T, c *WriterCase) {
	w := c.open(t)
	l := w.lane(t, 0)
	for seq := uint64(1); seq <= 5; seq++ {
		l.send(t, seq, w.rowsFor(t, c.columns(), 4))
	}
	l.cancel()
	if err := l.wait(t); err == nil {
		t.Error("a cancelled lane ended in good order")
	} else if !protocol.IsCanceled(err) {
		t.Errorf("a cancelled lane ended with %v", err)
	}
	w.close(t)
	for key, n := range w.landed(t) {
		if n > 1 {
			t.Errorf("row %s stands %d times at the target", key, n)
		}
	}
}
