package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	plugin "github.com/hashicorp/go-plugin"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dial serves a plugin in memory.
func dial(t *testing.T, p sdk.Plugin) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := sdk.Server(nil)
	if err := sdk.Service(p).(plugin.GRPCPlugin).GRPCServer(nil, server); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:plugin", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec), grpc.MaxCallRecvMsgSize(protocol.MaxMessage)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return conn
}

type noOptions struct{}

// puppet is a writer that does what a test says.
type puppet struct {
	open  func() error
	write func(ctx context.Context, lane int, in *sdk.In) error
}

func (p *puppet) Config() any { return &noOptions{} }
func (p *puppet) Open(context.Context, sdk.OpenInfo) (sdk.Opened, error) {
	if p.open != nil {
		return sdk.Opened{}, p.open()
	}
	return sdk.Opened{}, nil
}
func (p *puppet) Start(context.Context, sdk.StartInfo) ([]string, error) {
	return []string{"not \xff UTF-8"}, nil
}
func (p *puppet) Finish(context.Context, bool) ([]string, error) { return nil, nil }
func (p *puppet) Close(context.Context) error                    { return nil }
func (p *puppet) Write(ctx context.Context, lane int, in *sdk.In) error {
	return p.write(ctx, lane, in)
}

func writerOf(t *testing.T, p *puppet) v1.WriterClient {
	return v1.NewWriterClient(dial(t, sdk.Plugin{Name: "puppet", Version: "1", Doc: "Test.", Writer: &sdk.WriterSpec{New: func() sdk.Writer { return p }}}))
}

func opened(t *testing.T, p *puppet) v1.WriterClient {
	t.Helper()
	w := writerOf(t, p)
	if _, err := w.Open(t.Context(), &v1.OpenRequest{Parameters: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := w.Close(ctx, &v1.CloseRequest{}); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return w
}

func onLane(ctx context.Context, lane string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, protocol.LaneKey, lane)
}

// Every kind of error arrives with its code, its words and its hint, and a Fault keeps what was wrapped around it.
func TestErrorsCrossTheBorder(t *testing.T) {
	full := sdk.Faultf(sdk.NotFound, "topic %q is not there", "t").At("topic").Hint("create it")
	for name, c := range map[string]struct {
		err  error
		want protocol.Fault
	}{
		"fault":    {full, protocol.Fault{Code: sdk.NotFound, Place: "topic", What: `topic "t" is not there`, Try: "create it"}},
		"wrapped":  {fmt.Errorf("look around: %w", full), protocol.Fault{Code: sdk.NotFound, Place: "topic", What: `look around: topic "t" is not there`, Try: "create it"}},
		"in doubt": {sdk.Faultf(sdk.InDoubt, "who knows"), protocol.Fault{Code: sdk.InDoubt, What: "who knows"}},
		"plain":    {errors.New("oops"), protocol.Fault{Code: sdk.Internal, What: "oops"}},
		"canceled": {fmt.Errorf("load: %w", context.Canceled), protocol.Fault{Code: protocol.Stopped, What: "load: context canceled"}},
		"deadline": {fmt.Errorf("dial: %w", context.DeadlineExceeded), protocol.Fault{Code: sdk.Unreachable, What: "dial: context deadline exceeded"}},
		"bytes":    {errors.New("bad \xff byte"), protocol.Fault{Code: sdk.Internal, What: "bad \uFFFD byte"}},
	} {
		w := writerOf(t, &puppet{open: func() error { return c.err }})
		_, err := w.Open(t.Context(), &v1.OpenRequest{Parameters: []byte(`{}`)})
		f := protocol.AsFault(err)
		if f == nil {
			t.Errorf("%s: %v carries no fault", name, err)
			continue
		}
		if f.Code != c.want.Code || f.Place != c.want.Place || f.What != c.want.What || f.Try != c.want.Try {
			t.Errorf("%s: arrived as %+v, want %+v", name, *f, c.want)
		}
	}
}

func TestFaultOfAHugeTextArrives(t *testing.T) {
	w := writerOf(t, &puppet{open: func() error { return sdk.Faultf(sdk.Data, "%s", strings.Repeat("世", 20<<20)) }})
	_, err := w.Open(t.Context(), &v1.OpenRequest{Parameters: []byte(`{}`)})
	if f := protocol.AsFault(err); f == nil || f.Code != sdk.Data {
		t.Fatalf("arrived as %.200v", err)
	}
}

func TestLaneKey(t *testing.T) {
	got := make(chan int, 1)
	w := opened(t, &puppet{write: func(_ context.Context, lane int, in *sdk.In) error {
		got <- lane
		for b := range in.Batches() {
			b.Release()
		}
		return nil
	}})
	for name, ctx := range map[string]context.Context{
		"none": t.Context(), "word": onLane(t.Context(), "one"), "negative": onLane(t.Context(), "-1"),
		"two": onLane(onLane(t.Context(), "1"), "2"), "huge": onLane(t.Context(), "99999999999"),
	} {
		s, err := w.Write(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = s.Recv(); protocol.AsFault(err) == nil {
			t.Errorf("%s: %v, want a fault", name, err)
		}
	}
	s, err := w.Write(onLane(t.Context(), "17"))
	if err != nil {
		t.Fatal(err)
	}
	if lane := <-got; lane != 17 {
		t.Errorf("lane %d, want 17", lane)
	}
	again, err := w.Write(onLane(t.Context(), "17"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Recv(); protocol.AsFault(err) == nil {
		t.Errorf("a lane opened twice: %v, want a fault", err)
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); err != io.EOF {
		t.Errorf("the first stream of the lane: %v, want its orderly end", err)
	}
}

// A writer's error ends the lane at once, also while the core has nothing to send.
func TestWriterErrorEndsAnIdleLane(t *testing.T) {
	w := opened(t, &puppet{write: func(context.Context, int, *sdk.In) error { return sdk.Faultf(sdk.Refused, "no more") }})
	s, err := w.Write(onLane(t.Context(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); protocol.AsFault(err) == nil || protocol.AsFault(err).Code != sdk.Refused {
		t.Fatalf("got %v", err)
	}
}

// A writer that returns early, or without an answer to every batch, is a failure and no success.
func TestWriterThatLeavesEarly(t *testing.T) {
	for name, write := range map[string]func(ctx context.Context, lane int, in *sdk.In) error{
		"at once": func(context.Context, int, *sdk.In) error { return nil },
		"unanswered": func(_ context.Context, _ int, in *sdk.In) error {
			for b := range in.Batches() {
				b.Release()
			}
			return nil
		},
	} {
		w := opened(t, &puppet{write: write})
		s, err := w.Write(onLane(t.Context(), "0"))
		if err != nil {
			t.Fatal(err)
		}
		send(t, s, 1)
		if err := s.CloseSend(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recv(); protocol.AsFault(err) == nil {
			t.Errorf("%s: %v, want a fault", name, err)
		}
	}
}

func send(t *testing.T, s grpc.BidiStreamingClient[v1.Batch, v1.Ack], seq uint64) {
	t.Helper()
	b, err := rows.NewBuilder(rows.DocumentSchema)
	if err != nil {
		t.Fatal(err)
	}
	b.AppendString(0, `{}`)
	b.EndRow()
	err = s.SendMsg(&wire.Frame{Header: wire.Header{Sequence: seq, Rows: 1}, Payload: b.Finish()})
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
}

// A Flush that overtakes the opening of its lane waits for it.
func TestFlushMayOvertakeItsLane(t *testing.T) {
	w := opened(t, &puppet{write: func(_ context.Context, _ int, in *sdk.In) error {
		for b := range in.Batches() {
			seq := b.Sequence
			b.Release()
			if err := in.Ack(sdk.Ack{Done: []sdk.Range{{First: seq, Last: seq}}, Landed: 1}); err != nil {
				return err
			}
		}
		return nil
	}})
	flushed := make(chan error, 1)
	go func() {
		_, err := w.Flush(t.Context(), &v1.FlushRequest{Lane: 3, Sequence: 1})
		flushed <- err
	}()
	s, err := w.Write(onLane(t.Context(), "3"))
	if err != nil {
		t.Fatal(err)
	}
	send(t, s, 1)
	if err := <-flushed; err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Flush(ctx, &v1.FlushRequest{Lane: 9, Sequence: 1}); status.Code(err) != codes.Canceled {
		t.Errorf("flush of a lane that never opens: %v", err)
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := s.Recv(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenTwice(t *testing.T) {
	w := opened(t, &puppet{})
	if _, err := w.Open(t.Context(), &v1.OpenRequest{Parameters: []byte(`{}`)}); protocol.AsFault(err) == nil {
		t.Errorf("opened twice: %v", err)
	}
	if out, err := w.Start(t.Context(), &v1.StartRequest{}); err != nil || out.Notes[0] != "not \uFFFD UTF-8" {
		t.Errorf("notes %v, %v", out.GetNotes(), err)
	}
}

// What a reader may not send is refused where its author sees why.
func TestOutRefusesNonsense(t *testing.T) {
	payload := func(n int) mem.BufferSlice { return mem.BufferSlice{mem.SliceBuffer(make([]byte, n))} }
	for name, b := range map[string]sdk.Outgoing{
		"rows without a payload": {Shard: "s", Rows: 1},
		"a payload without rows": {Shard: "s", Payload: payload(8)},
		"negative":               {Shard: "s", Rows: -1, Payload: payload(8)},
		"too large":              {Shard: "s", Rows: 1, Payload: payload(protocol.MaxMessage)},
	} {
		r := &sender{batch: b}
		conn := dial(t, sdk.Plugin{Name: "sender", Reader: &sdk.ReaderSpec{New: func() sdk.Reader { return r }}})
		c := v1.NewReaderClient(conn)
		if _, err := c.Open(t.Context(), &v1.OpenRequest{Parameters: []byte(`{}`)}); err != nil {
			t.Fatal(err)
		}
		s, err := c.Read(t.Context(), &v1.ReadRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recv(); protocol.AsFault(err) == nil {
			t.Errorf("%s: %v, want a fault", name, err)
		}
	}
}

type sender struct{ batch sdk.Outgoing }

func (s *sender) Config() any { return &noOptions{} }
func (s *sender) Open(context.Context, sdk.OpenInfo) (sdk.Opened, error) {
	return sdk.Opened{}, nil
}
func (s *sender) Split(context.Context, int) ([]sdk.Shard, error)               { return nil, nil }
func (s *sender) Commit(context.Context, []sdk.ShardPosition) ([]string, error) { return nil, nil }
func (s *sender) Close(context.Context) error                                   { return nil }
func (s *sender) Read(_ context.Context, _ int, _ []sdk.Shard, out *sdk.Out) error {
	return out.Send(s.batch)
}
