package starrocks

import (
	"context"
	"io"
	"net"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"
)

// tb is what testing.T and rapid.T have in common.
type tb interface {
	Helper()
	Cleanup(f func())
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// session is a writer behind the real protocol, in this process.
type session struct {
	t      tb
	client v1.WriterClient
	plugin v1.PluginClient
}

func newSession(t tb) *session {
	t.Helper()
	lis := bufconn.Listen(4 << 20)
	srv := sdk.Server([]grpc.ServerOption{grpc.Creds(insecure.NewCredentials())})
	if err := sdk.Service(Plugin("test")).(plugin.GRPCPlugin).GRPCServer(nil, srv); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(lis) }()
	conn, err := grpc.NewClient("passthrough:///writer",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec), grpc.MaxCallRecvMsgSize(protocol.MaxMessage)))
	if err != nil {
		t.Fatal(err)
	}
	s := &session{t: t, client: v1.NewWriterClient(conn), plugin: v1.NewPluginClient(conn)}
	t.Cleanup(func() {
		if _, err := s.client.Close(context.Background(), &v1.CloseRequest{}); err != nil {
			t.Errorf("close: %v", err)
		}
		conn.Close()
		srv.Stop()
		<-done
	})
	return s
}

func (s *session) open(params string, memory uint64) (*v1.OpenReply, error) {
	return s.client.Open(context.Background(), &v1.OpenRequest{Parameters: []byte(params), Job: "job", Run: "r1", Lanes: 1, Memory: memory})
}

func (s *session) mustOpen(params string, memory uint64) *v1.OpenReply {
	s.t.Helper()
	r, err := s.open(params, memory)
	if err != nil {
		s.t.Fatalf("open: %v", protocol.AsFault(err))
	}
	return r
}

// stream is one lane.
type stream struct {
	s    *session
	grpc grpc.BidiStreamingClient[v1.Batch, v1.Ack]
	wg   sync.WaitGroup

	mu    sync.Mutex // guards the following
	total v1.Ack     // sums of what came
	done  map[uint64]int
	err   error
}

func (s *session) lane(n string) *stream {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s.t.Cleanup(cancel)
	return s.laneIn(ctx, n)
}

func (s *session) laneIn(ctx context.Context, n string) *stream {
	s.t.Helper()
	g, err := s.client.Write(metadata.AppendToOutgoingContext(ctx, protocol.LaneKey, n))
	if err != nil {
		s.t.Fatal(err)
	}
	st := &stream{s: s, grpc: g, done: map[uint64]int{}}
	st.total.FlushReasons = map[string]uint64{}
	st.wg.Go(st.receive)
	return st
}

func (st *stream) receive() {
	for {
		a, err := st.grpc.Recv()
		st.mu.Lock()
		if err != nil {
			if err != io.EOF {
				st.err = err
			}
			st.mu.Unlock()
			return
		}
		st.total.Landed += a.Landed
		st.total.Filtered += a.Filtered
		st.total.DirtyUnnamed += a.DirtyUnnamed
		st.total.Loads += a.Loads
		st.total.LoadBytes += a.LoadBytes
		st.total.Dirty = append(st.total.Dirty, a.Dirty...)
		if a.DirtyReason != "" {
			st.total.DirtyReason = a.DirtyReason
		}
		for k, n := range a.FlushReasons {
			st.total.FlushReasons[k] += n
		}
		for _, r := range a.Done {
			for seq := r.First; seq <= r.Last; seq++ {
				st.done[seq]++
			}
		}
		st.mu.Unlock()
	}
}

func (st *stream) send(seq uint64, destination string, rec arrow.RecordBatch) {
	st.s.t.Helper()
	payload, err := rows.Encode(rec)
	if err != nil {
		st.s.t.Fatal(err)
	}
	b := &v1.Batch{Sequence: seq, Shard: "s", Rows: uint32(rec.NumRows()), Destination: destination}
	if rec.NumRows() > 0 {
		b.Arrow = payload.Materialize()
	}
	if err := st.grpc.Send(b); err != nil && err != io.EOF {
		st.s.t.Fatal(err)
	}
}

// finish closes the lane and waits for all answers.
func (st *stream) finish() error {
	_ = st.grpc.CloseSend()
	st.wg.Wait()
	return st.err
}

func (st *stream) mustFinish() *v1.Ack {
	st.s.t.Helper()
	if err := st.finish(); err != nil {
		st.s.t.Fatalf("write: %v, %+v", err, protocol.AsFault(err))
	}
	return &st.total
}

// documents is a batch of whole documents; nil stands for a missing one.
func documents(docs ...string) arrow.RecordBatch {
	b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	for _, d := range docs {
		if d == missing {
			b.AppendNull()
		} else {
			b.AppendString(d)
		}
	}
	return array.NewRecordBatch(rows.DocumentSchema, []arrow.Array{b.NewArray()}, int64(len(docs)))
}

const missing = "\x00missing"

// people is a batch of (id, city).
func people(first, n int, city func(i int) string) arrow.RecordBatch {
	ids := array.NewInt64Builder(memory.DefaultAllocator)
	cities := array.NewStringBuilder(memory.DefaultAllocator)
	for i := first; i < first+n; i++ {
		ids.Append(int64(i))
		cities.Append(city(i))
	}
	s := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "city", Type: arrow.BinaryTypes.String}}, nil)
	return array.NewRecordBatch(s, []arrow.Array{ids.NewArray(), cities.NewArray()}, int64(n))
}
