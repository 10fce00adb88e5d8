package sdk

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"google.golang.org/protobuf/proto"
)

// feed is the core's end of a lane, without gRPC.
type feed struct {
	in     *In
	frames chan wire.Frame
	acks   []*v1.Ack
}

func newFeed(t *testing.T, ctx context.Context, cancel context.CancelCauseFunc) *feed {
	f := &feed{frames: make(chan wire.Frame)}
	f.in = newIn(func(a *v1.Ack) error { f.acks = append(f.acks, a); return nil })
	go f.in.pump(ctx, cancel, func(out *wire.Frame) error {
		select {
		case fr, ok := <-f.frames:
			if !ok {
				return io.EOF
			}
			*out = fr
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	t.Cleanup(func() { cancel(nil); <-f.in.pumped })
	return f
}

func frame(seq uint64) wire.Frame { return wire.Frame{Header: wire.Header{Sequence: seq}} }

func lane(t *testing.T, test func(ctx context.Context, cancel context.CancelCauseFunc, f *feed)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		test(ctx, cancel, newFeed(t, ctx, cancel))
	})
}

// A flush waits for the batches that are still under way, asks once, and ends with the last ack.
func TestFlushWaitsForItsBatches(t *testing.T) {
	lane(t, func(ctx context.Context, _ context.CancelCauseFunc, f *feed) {
		flushed := make(chan error, 1)
		go func() { flushed <- f.in.flushTo(ctx, 3) }()
		f.frames <- frame(1)
		<-f.in.Batches()
		synctest.Wait()
		if len(f.in.flush) > 0 {
			t.Fatal("asked before the last batch came")
		}
		f.frames <- frame(3) // 2 had no rows
		synctest.Wait()
		if len(f.in.flush) > 0 {
			t.Fatal("asked while the last batch was still on its way to the writer")
		}
		<-f.in.Batches()
		<-f.in.Flush()
		if err := f.in.Ack(Ack{Done: []Range{{3, 3}}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		select {
		case err := <-flushed:
			t.Fatalf("flushed (%v) with batch 1 unanswered", err)
		default:
		}
		if err := f.in.Ack(Ack{Done: []Range{{1, 2}}}); err != nil {
			t.Fatal(err)
		}
		if err := <-flushed; err != nil {
			t.Fatal(err)
		}
		if got := f.acks[1].Done; len(got) != 1 || got[0].First != 1 || got[0].Last != 1 {
			t.Fatalf("the core hears of %v; batch 2 never came", got)
		}
		if err := f.in.flushTo(ctx, 3); err != nil || len(f.in.flush) > 0 {
			t.Fatalf("a flush of what is flushed: %v, asked %d times", err, len(f.in.flush))
		}
	})
}

func TestFlushEndsWithTheLane(t *testing.T) {
	lane(t, func(ctx context.Context, _ context.CancelCauseFunc, f *feed) {
		f.frames <- frame(1)
		<-f.in.Batches()
		flushed := make(chan error, 1)
		go func() { flushed <- f.in.flushTo(ctx, 1) }()
		synctest.Wait()
		if err := f.in.leave(); err == nil {
			t.Error("leaving before the end is an error")
		}
		if err := <-flushed; err == nil {
			t.Error("flushed, and batch 1 is unanswered")
		}
	})
}

func TestFlushEndsWithItsContext(t *testing.T) {
	lane(t, func(ctx context.Context, _ context.CancelCauseFunc, f *feed) {
		short, stop := context.WithCancel(ctx)
		flushed := make(chan error, 1)
		go func() { flushed <- f.in.flushTo(short, 1) }()
		stop()
		if err := <-flushed; !errors.Is(err, context.Canceled) {
			t.Errorf("flush: %v", err)
		}
	})
}

// Leaving is judged: a writer that forgets batches, or goes before the end, must not look like success.
func TestLeave(t *testing.T) {
	lane(t, func(_ context.Context, _ context.CancelCauseFunc, f *feed) {
		f.frames <- frame(2)
		<-f.in.Batches()
		close(f.frames)
		if _, open := <-f.in.Batches(); open {
			t.Fatal("a batch after the end")
		}
		if err := f.in.leave(); err == nil || !strings.Contains(err.Error(), "unanswered") {
			t.Errorf("left with batch 2 unanswered: %v", err)
		}
		if err := f.in.Ack(Ack{Done: []Range{{2, 2}}}); err != nil {
			t.Fatal(err)
		}
		if err := f.in.leave(); err != nil {
			t.Errorf("left in good order: %v", err)
		}
	})
}

// A writer that sees Batches closed because the stream broke finds its context ended: it must not flush.
func TestBrokenStreamEndsTheContextFirst(t *testing.T) {
	lane(t, func(ctx context.Context, cancel context.CancelCauseFunc, f *feed) {
		f.frames <- frame(5)
		<-f.in.Batches()
		f.frames <- frame(5)
		if _, open := <-f.in.Batches(); open {
			t.Fatal("the same sequence came twice")
		}
		if ctx.Err() == nil {
			t.Fatal("closed, and the context goes on")
		}
		if f := protocol.AsFault(context.Cause(ctx)); f == nil || f.Code != protocol.PluginFailed {
			t.Fatalf("cause: %v", context.Cause(ctx))
		}
	})
}

// More dirty records than a message takes go ahead in messages of their own; the batch is done in the last one.
func TestAckSplitsDirtyRecords(t *testing.T) {
	lane(t, func(_ context.Context, _ context.CancelCauseFunc, f *feed) {
		f.frames <- frame(1)
		<-f.in.Batches()
		a := Ack{Done: []Range{{1, 1}}, Landed: 7}
		for i := range 10 {
			a.Dirty = append(a.Dirty, Dirty{Sequence: 1, Row: i, Reason: "bad \xff", Record: make([]byte, 1<<20)})
		}
		if err := f.in.Ack(a); err != nil {
			t.Fatal(err)
		}
		n := 0
		for i, p := range f.acks {
			n += len(p.Dirty)
			if last := i == len(f.acks)-1; last != (len(p.Done) > 0) || last != (p.Landed == 7) {
				t.Errorf("message %d of %d: done %v, landed %d", i+1, len(f.acks), p.Done, p.Landed)
			}
			size := 0
			for _, d := range p.Dirty {
				size += len(d.Record)
			}
			if size > dirtyBytes {
				t.Errorf("message %d carries %d bytes", i+1, size)
			}
		}
		if n != 10 || len(f.acks) < 2 {
			t.Errorf("%d records in %d messages", n, len(f.acks))
		}
	})
}

// An empty value is not the same as none, on the wire too, and headers count for the size of a message.
func TestDirtyRecordsTravelWhole(t *testing.T) {
	lane(t, func(_ context.Context, _ context.CancelCauseFunc, f *feed) {
		f.frames <- frame(1)
		<-f.in.Batches()
		header := []Header{{Name: []byte{0xff}, Value: []byte{}}, {Name: []byte("none")}, {Name: []byte("big"), Value: make([]byte, dirtyBytes/2)}}
		d := Dirty{Sequence: 1, Reason: "bad", Record: []byte{}, Origin: &Origin{Topic: "t\xff", Partition: 2, Offset: 3, Time: -1, Headers: header}}
		if err := f.in.Ack(Ack{Done: []Range{{1, 1}}, Landed: 8, Dirty: []Dirty{d, d}}); err != nil {
			t.Fatal(err)
		}
		if len(f.acks) != 2 {
			t.Fatalf("%d messages, want 2", len(f.acks))
		}
		wire, err := proto.Marshal(f.acks[0])
		if err != nil {
			t.Fatal(err)
		}
		var back v1.Ack
		if err := proto.Unmarshal(wire, &back); err != nil {
			t.Fatal(err)
		}
		got := back.Dirty[0]
		o := got.Origin
		if got.Record == nil || got.Key != nil || o.Topic != "t\uFFFD" || o.Partition != 2 || o.Offset != 3 || o.Timestamp != -1 {
			t.Errorf("%v", got)
		}
		if len(o.Headers) != 3 || o.Headers[0].Name[0] != 0xff || o.Headers[0].Value == nil || o.Headers[1].Value != nil {
			t.Errorf("%v", o.Headers[:2])
		}
	})
}

func TestAckRefusesNonsense(t *testing.T) {
	lane(t, func(_ context.Context, _ context.CancelCauseFunc, f *feed) {
		f.frames <- frame(1)
		<-f.in.Batches()
		for _, a := range []Ack{
			{Landed: -1},
			{Done: []Range{{1, 2}}},
			{Done: []Range{{0, 1}}},
			{Done: []Range{{2, 1}}},
		} {
			if err := f.in.Ack(a); err == nil {
				t.Errorf("%+v was sent", a)
			}
		}
		if len(f.acks) > 0 {
			t.Errorf("the core heard %v", f.acks)
		}
	})
}
