package file_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/file"
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

// tester is what these helpers need of a test, or of one try of a property.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// serve serves a plugin in this process; the returned function ends that.
func serve(t tester, p sdk.Plugin) (*grpc.ClientConn, func()) {
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
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec)))
	if err != nil {
		t.Fatal(err)
	}
	return conn, func() {
		_ = conn.Close()
		server.Stop()
		<-served
	}
}

// came is what a reader gave: rows as texts with | between the values and NULL for NULL, and dirty records as "place: column: reason".
type came struct {
	columns  []string
	rows     []string
	dirty    []string
	records  []string // of the dirty ones, as they were
	tokens   []string // the rows as JSON arrays of texts and null
	filtered int
	notes    []string
}

// readAll reads everything, shard by shard.
func readAll(t tester, parameters string, peer ...string) (got came, err error) {
	t.Helper()
	conn, end := serve(t, file.ReaderPlugin("test"))
	defer end()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r := v1.NewReaderClient(conn)
	opened, err := r.Open(ctx, &v1.OpenRequest{Parameters: []byte(parameters), Run: "r", Lanes: 1, Mode: v1.Mode_MODE_BATCH, Peer: &v1.Peer{Columns: peer}})
	if err != nil {
		return got, err
	}
	got.columns, got.notes = opened.Columns, opened.Notes
	split, err := r.Split(ctx, &v1.SplitRequest{Want: 1})
	if err != nil {
		return got, err
	}
	s, err := r.Read(ctx, &v1.ReadRequest{Shards: split.Shards})
	if err != nil {
		return got, err
	}
	var decoder rows.Decoder
	for {
		var f wire.Frame
		if err := s.RecvMsg(&f); err == io.EOF {
			return got, nil
		} else if err != nil {
			return got, err
		}
		got.filtered += int(f.Filtered)
		for _, d := range f.Dirty {
			got.dirty = append(got.dirty, d.Place+": "+d.Column+": "+d.Reason)
			got.records = append(got.records, string(d.Record))
		}
		if f.Rows > 0 {
			payload := make([]byte, f.PayloadLen())
			f.CopyPayload(payload)
			rec, err := decoder.Decode(payload)
			if err != nil {
				return got, err
			}
			got.rows = append(got.rows, texts(rec)...)
			got.tokens = append(got.tokens, tokens(rec)...)
			rec.Release()
		}
		f.Free()
	}
}

// texts writes the rows of a batch.
func texts(rec arrow.RecordBatch) (out []string) {
	for row := range int(rec.NumRows()) {
		var values []string
		for i, col := range rec.Columns() {
			switch {
			case col.IsNull(row):
				values = append(values, "NULL")
			case rec.Schema().Field(i).Type.ID() == arrow.BINARY:
				values = append(values, string(col.(interface{ Value(int) []byte }).Value(row)))
			default:
				values = append(values, col.ValueStr(row))
			}
		}
		out = append(out, strings.Join(values, "|"))
	}
	return out
}

// tokens writes the rows of a batch of texts so that no two different ones look the same.
func tokens(rec arrow.RecordBatch) (out []string) {
	for row := range int(rec.NumRows()) {
		values := make([]*string, rec.NumCols())
		for i, col := range rec.Columns() {
			if !col.IsNull(row) {
				values[i] = new(strings.Clone(col.ValueStr(row)))
			}
		}
		b, _ := json.Marshal(values)
		out = append(out, string(b))
	}
	return out
}

// opening is an opened and started writer.
type opening struct {
	v1.WriterClient
	notes []string
}

func startWriter(t tester, parameters, run string, open ...func(*v1.OpenRequest)) (*opening, func(), error) {
	t.Helper()
	conn, end := serve(t, file.WriterPlugin("test"))
	w := &opening{WriterClient: v1.NewWriterClient(conn)}
	in := &v1.OpenRequest{Parameters: []byte(parameters), Run: run, Lanes: 1, Mode: v1.Mode_MODE_BATCH}
	for _, f := range open {
		f(in)
	}
	if _, err := w.Open(context.Background(), in); err != nil {
		end()
		return nil, nil, err
	}
	started, err := w.Start(context.Background(), &v1.StartRequest{})
	if err != nil {
		end()
		return nil, nil, err
	}
	w.notes = started.Notes
	return w, end, nil
}

// wrote is what became of rows.
type wrote struct {
	landed int
	dirty  []string
}

// write sends batches on lane 0 and ends the lane, unless stop is set: then it is cut when everything was sent.
func (w *opening) write(t tester, stop bool, batches ...arrow.RecordBatch) (out wrote, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s, err := w.Write(metadata.AppendToOutgoingContext(ctx, protocol.LaneKey, "0"))
	if err != nil {
		t.Fatal(err)
	}
	for i, rec := range batches {
		payload, err := rows.Encode(rec)
		if err != nil {
			t.Fatal(err)
		}
		f := &wire.Frame{Header: wire.Header{Sequence: uint64(i) + 1, Shard: "s", Position: []byte(strconv.Itoa(i)), Rows: uint32(rec.NumRows())}, Payload: payload}
		if err := s.SendMsg(f); err != nil && err != io.EOF {
			t.Fatal(err)
		}
	}
	if stop {
		return out, fmt.Errorf("cut: %w", w.cut(ctx, s, len(batches), cancel))
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for {
		a, err := s.Recv()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out.landed += int(a.Landed)
		for _, d := range a.Dirty {
			out.dirty = append(out.dirty, d.Column+": "+d.Reason)
		}
	}
}

// cut waits until the first batches are in the writer's hands (an ack of the first file tells), and then ends the lane.
func (w *opening) cut(_ context.Context, s grpc.BidiStreamingClient[v1.Batch, v1.Ack], _ int, cancel func()) error {
	if _, err := s.Recv(); err != nil {
		return err
	}
	cancel()
	for {
		if _, err := s.Recv(); err != nil {
			return err
		}
	}
}

func (w *opening) finish(t tester, stopped bool) []string {
	t.Helper()
	out, err := w.Finish(context.Background(), &v1.FinishRequest{Stopped: stopped})
	if err == nil {
		_, err = w.Close(context.Background(), &v1.CloseRequest{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Notes
}
