package flow

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol/wire"
	"go.uber.org/goleak"
	"google.golang.org/grpc/mem"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func frame(seq uint64, size int) *wire.Frame {
	return &wire.Frame{Header: wire.Header{Sequence: seq, Rows: 1}, Payload: mem.BufferSlice{mem.SliceBuffer(make([]byte, size))}}
}

// Whatever the sizes, frames leave in order, none is lost, and the bound holds but for a single oversized frame.
func TestOrderAndBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(1, 50), 1, 60).Draw(t, "sizes")
		limit := rapid.Int64Range(1, 100).Draw(t, "limit")
		q := NewQueue(limit)
		done := make(chan error, 1)
		go func() {
			defer q.Close()
			for i, n := range sizes {
				if err := q.Put(context.Background(), frame(uint64(i+1), n)); err != nil {
					done <- err
					return
				}
				if l := q.Load(); l.Bytes > limit && l.Frames > 1 {
					done <- errors.New("over the bound")
					return
				}
			}
			done <- nil
		}()
		for i := range sizes {
			f, ok, err := q.Take(context.Background())
			if err != nil || !ok || f.Sequence != uint64(i+1) {
				t.Fatalf("frame %d: %v %v %v", i+1, f, ok, err)
			}
			f.Free()
		}
		if _, ok, _ := q.Take(context.Background()); ok {
			t.Fatal("a frame that was never put")
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestCancelWakesBothSides(t *testing.T) {
	q := NewQueue(1)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := q.Put(ctx, frame(1, 5)); err != nil {
		t.Fatal(err)
	}
	if err := q.Put(ctx, frame(2, 5)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a full queue gave %v", err)
	}
	q.Drop()
	if _, _, err := q.Take(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("an empty queue gave %v", err)
	}
	if w := q.Load().ReaderWaited; w != 0 {
		t.Fatalf("a put that gave up counted %v", w)
	}
}
