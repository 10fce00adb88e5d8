package sdktest

import (
	"slices"
	"testing"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/sdk"
)

// twoPhasesOrNone: the verbs either work, all of them, or answer honestly that they do not.
func twoPhasesOrNone(t *testing.T, c *WriterCase) {
	_, works := c.Plugin.Writer.New().(sdk.TwoPhase)
	if says := slices.Contains(c.Plugin.Writer.Capabilities, protocol.CapTwoPhase); says != works {
		t.Fatalf("it lists %q: %t, and it has the verbs: %t", protocol.CapTwoPhase, says, works)
	}
	w := c.open(t)
	if works && w.opened.Transactions {
		w.close(t)
		t.Run("commit", func(t *testing.T) { commitsWhatItPrepared(t, c) })
		t.Run("abort", func(t *testing.T) { abortsWhatItPrepared(t, c) })
		t.Run("abort what is open", func(t *testing.T) { abortsWhatIsOpen(t, c) })
		t.Run("another process", func(t *testing.T) { settlesForAnother(t, c) })
		t.Run("nothing in it", func(t *testing.T) { takesAnEmptyTransaction(t, c) })
		return
	}
	defer w.close(t)
	if w.opened.Transactions {
		t.Error("it says that it takes transactions, and has no verbs for them")
	}
	if works {
		if w.opened.NoTransactions == "" {
			t.Error("it has the verbs, takes no transactions here, and does not say why")
		}
		return
	}
	_, err := w.writer.Prepare(within(t), &v1.PrepareRequest{Transaction: "none"})
	wantUnsupported(t, "prepare", err)
	_, err = w.writer.Commit(within(t), &v1.CommitRequest{Transaction: "none"})
	wantUnsupported(t, "commit", err)
	_, err = w.writer.Abort(within(t), &v1.AbortRequest{Transaction: "none"})
	wantUnsupported(t, "abort", err)
	_, err = w.writer.Resolve(within(t), &v1.ResolveRequest{Transaction: "none"})
	wantUnsupported(t, "resolve", err)
	l := w.laneIn(t, 0, "none")
	wantUnsupported(t, "a stream in a transaction", l.wait(t))
}

// prepared writes a few rows in a transaction and prepares it.
func (w *writing) prepared(t *testing.T) *laneOut {
	t.Helper()
	l := w.laneIn(t, 0, w.transaction)
	l.send(t, 1, w.rowsFor(t, w.c.columns(), 6))
	l.send(t, 2, w.rowsFor(t, w.c.columns(), 3))
	l.mustEnd(t)
	if _, err := w.writer.Prepare(within(t), &v1.PrepareRequest{Transaction: w.transaction}); err != nil {
		t.Fatalf("prepare: %v", err)
	}
	if n := len(w.landed(t)); n > 0 {
		t.Errorf("%d rows stand at the target before commit", n)
	}
	w.is(t, v1.ResolveReply_STATE_PREPARED)
	return l
}

func (w *writing) is(t *testing.T, want v1.ResolveReply_State) {
	t.Helper()
	got, err := w.writer.Resolve(within(t), &v1.ResolveRequest{Transaction: w.transaction})
	if err != nil {
		t.Errorf("resolve: %v", err)
	} else if got.State != want {
		t.Errorf("resolve: %s, want %s", got.State, want)
	}
}

func (w *writing) commit(t *testing.T) {
	t.Helper()
	if _, err := w.writer.Commit(within(t), &v1.CommitRequest{Transaction: w.transaction}); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

func (w *writing) abort(t *testing.T) {
	t.Helper()
	if _, err := w.writer.Abort(within(t), &v1.AbortRequest{Transaction: w.transaction}); err != nil {
		t.Fatalf("abort: %v", err)
	}
}

// commitsWhatItPrepared, and goes on with plain rows on the same lane.
func commitsWhatItPrepared(t *testing.T, c *WriterCase) {
	w := c.open(t)
	l := w.prepared(t)
	for range 2 { // the second changes nothing
		w.commit(t)
		w.arrivedOnce(t, l)
	}
	w.is(t, v1.ResolveReply_STATE_COMMITTED)
	plain := w.lane(t, 0)
	plain.send(t, 1, w.rowsFor(t, c.columns(), 4))
	plain.mustEnd(t)
	w.finish(t)
	w.arrivedOnce(t, l, plain)
	w.close(t)
}

func abortsWhatItPrepared(t *testing.T, c *WriterCase) {
	w := c.open(t)
	w.prepared(t)
	for range 2 { // the second changes nothing
		w.abort(t)
	}
	w.is(t, v1.ResolveReply_STATE_ABORTED)
	w.nothing(t)
	w.close(t)
}

func (w *writing) nothing(t *testing.T) {
	t.Helper()
	if n := len(w.landed(t)); n > 0 {
		t.Errorf("%d rows stand at the target after abort", n)
	}
}

// abortsWhatIsOpen: rows were written and nobody prepared them.
func abortsWhatIsOpen(t *testing.T, c *WriterCase) {
	w := c.open(t)
	l := w.laneIn(t, 0, w.transaction)
	l.send(t, 1, w.rowsFor(t, c.columns(), 5))
	l.mustEnd(t)
	w.abort(t)
	w.nothing(t)
	if got, err := w.writer.Resolve(within(t), &v1.ResolveRequest{Transaction: w.transaction}); err != nil ||
		got.State == v1.ResolveReply_STATE_PREPARED || got.State == v1.ResolveReply_STATE_COMMITTED {
		t.Errorf("resolve after abort: %v, %v", got, err)
	}
	w.close(t)
}

// settlesForAnother: what one process prepared, the next one of the job finds and commits.
func settlesForAnother(t *testing.T, c *WriterCase) {
	first := c.open(t)
	l := first.prepared(t)
	first.close(t)
	second := c.open(t)
	second.transaction = first.transaction
	second.is(t, v1.ResolveReply_STATE_PREPARED)
	second.commit(t)
	second.is(t, v1.ResolveReply_STATE_COMMITTED)
	second.sent = first.sent
	second.arrivedOnce(t, l)
	second.close(t)
}

// takesAnEmptyTransaction: a part of the source may hold no rows.
func takesAnEmptyTransaction(t *testing.T, c *WriterCase) {
	w := c.open(t)
	w.laneIn(t, 0, w.transaction).mustEnd(t)
	if _, err := w.writer.Prepare(within(t), &v1.PrepareRequest{Transaction: w.transaction}); err != nil {
		t.Fatalf("prepare: %v", err)
	}
	w.commit(t)
	w.abort(t)
	w.nothing(t)
	w.close(t)
}
