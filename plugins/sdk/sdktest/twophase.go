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
	if works {
		t.Run("commit", func(t *testing.T) { commitsWhatItPrepared(t, c) })
		t.Run("abort", func(t *testing.T) { abortsWhatItPrepared(t, c) })
		return
	}
	w := c.open(t)
	defer w.close(t)
	_, err := w.writer.Prepare(within(t), &v1.PrepareRequest{Lanes: []uint32{0}})
	wantUnsupported(t, "prepare", err)
	_, err = w.writer.Commit(within(t), &v1.CommitTokenRequest{Token: []byte("token")})
	wantUnsupported(t, "commit", err)
	_, err = w.writer.Abort(within(t), &v1.AbortTokenRequest{Token: []byte("token")})
	wantUnsupported(t, "abort", err)
	_, err = w.writer.Resolve(within(t), &v1.ResolveRequest{Token: []byte("token")})
	wantUnsupported(t, "resolve", err)
}

// prepared writes a few rows and prepares them.
func (w *writing) prepared(t *testing.T) (l *laneOut, token []byte) {
	t.Helper()
	l = w.lane(t, 0)
	l.send(t, 1, w.rowsFor(t, w.c.columns(), 6))
	if _, err := w.writer.Flush(within(t), &v1.FlushRequest{Lane: 0, Sequence: 1}); err != nil {
		t.Fatalf("flush: %v", err)
	}
	l.settled(t)
	out, err := w.writer.Prepare(within(t), &v1.PrepareRequest{Lanes: []uint32{0}})
	if err != nil {
		t.Fatalf("prepare: %v", err)
	}
	if len(out.Token) == 0 {
		t.Fatal("prepare: an empty token")
	}
	if n := len(w.landed(t)); n > 0 {
		t.Errorf("%d rows stand at the target before commit", n)
	}
	w.is(t, out.Token, v1.ResolveReply_STATE_PREPARED)
	return l, out.Token
}

func (w *writing) is(t *testing.T, token []byte, want v1.ResolveReply_State) {
	t.Helper()
	got, err := w.writer.Resolve(within(t), &v1.ResolveRequest{Token: token})
	if err != nil {
		t.Errorf("resolve: %v", err)
	} else if got.State != want {
		t.Errorf("resolve: %s, want %s", got.State, want)
	}
}

func commitsWhatItPrepared(t *testing.T, c *WriterCase) {
	w := c.open(t)
	l, token := w.prepared(t)
	for range 2 { // the second changes nothing
		if _, err := w.writer.Commit(within(t), &v1.CommitTokenRequest{Token: token}); err != nil {
			t.Fatalf("commit: %v", err)
		}
		w.arrivedOnce(t, l)
	}
	w.is(t, token, v1.ResolveReply_STATE_COMMITTED)
	l.mustEnd(t)
	w.finish(t)
	w.arrivedOnce(t, l)
	w.close(t)
}

func abortsWhatItPrepared(t *testing.T, c *WriterCase) {
	w := c.open(t)
	l, token := w.prepared(t)
	for range 2 { // the second changes nothing
		if _, err := w.writer.Abort(within(t), &v1.AbortTokenRequest{Token: token}); err != nil {
			t.Fatalf("abort: %v", err)
		}
	}
	w.is(t, token, v1.ResolveReply_STATE_ABORTED)
	l.mustEnd(t)
	if n := len(w.landed(t)); n > 0 {
		t.Errorf("%d rows stand at the target after abort", n)
	}
	w.close(t)
}
