package stream_test

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"github.com/gx-etl/gx/plugins/stream"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"
)

func serve(t *testing.T, p sdk.Plugin) *grpc.ClientConn {
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
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return conn
}

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// stopAt gives a context that ends soon after so many rows, with room for rows that should not come.
func stopAt(t *testing.T, rows uint64) (context.Context, func(n uint64)) {
	ctx, cancel := context.WithCancel(limited(t))
	t.Cleanup(cancel)
	return ctx, func(n uint64) {
		if n >= rows {
			time.AfterFunc(50*time.Millisecond, cancel)
		}
	}
}

// readRows opens a reader, reads its one shard and returns how many rows came and how it ended.
func readRows(t *testing.T, ctx context.Context, parameters string, arrived func(n int)) (int, error) {
	t.Helper()
	r := v1.NewReaderClient(serve(t, stream.ReaderPlugin("test")))
	if _, err := r.Open(ctx, &v1.OpenRequest{Parameters: []byte(parameters), Run: "r", Lanes: 1}); err != nil {
		t.Fatal(err)
	}
	split, err := r.Split(ctx, &v1.SplitRequest{Want: 1})
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.Read(ctx, &v1.ReadRequest{Shards: split.Shards})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for {
		var f wire.Frame
		if err := s.RecvMsg(&f); err != nil {
			return n, err
		}
		n += int(f.Rows)
		f.Free()
		arrived(n)
	}
}

func TestReaderRehearsesFailures(t *testing.T) {
	const job = `{"column": [{"value": 1}], "sliceRecordCount": 100, "batchRows": 7, `
	n, err := readRows(t, limited(t), job+`"failAfterRows": 20}`, func(int) {})
	if f := protocol.AsFault(err); f == nil || f.Place != "failAfterRows" || n != 20 {
		t.Errorf("%d rows, then %v; want 20 and the failure", n, err)
	}
	ctx, stop := stopAt(t, 20)
	n, err = readRows(t, ctx, job+`"hangAfterRows": 20}`, func(n int) { stop(uint64(n)) })
	if n != 20 || !protocol.IsCanceled(err) {
		t.Errorf("%d rows, then %v; want 20 and silence", n, err)
	}
	if n, err = readRows(t, limited(t), job+`"failAfterRows": 0}`, func(int) {}); n != 100 || err != io.EOF {
		t.Errorf("%d rows, then %v; want all", n, err)
	}
}

func openWriter(t *testing.T, parameters string) (v1.WriterClient, error) {
	w := v1.NewWriterClient(serve(t, stream.WriterPlugin("test")))
	_, err := w.Open(limited(t), &v1.OpenRequest{Parameters: []byte(parameters), Run: "r", Lanes: 1})
	return w, err
}

// write sends batches on lane 0 and returns how many rows landed and how the lane ended.
func write(t *testing.T, ctx context.Context, w v1.WriterClient, batches, each int, acked ...func(landed uint64)) (landed uint64, err error) {
	t.Helper()
	s, err := w.Write(metadata.AppendToOutgoingContext(ctx, protocol.LaneKey, "0"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := rows.NewBuilder(rows.DocumentSchema)
	if err != nil {
		t.Fatal(err)
	}
	for seq := range batches {
		for i := range each {
			b.AppendString(0, `{"n":`+strconv.Itoa(seq*each+i)+`}`)
			b.EndRow()
		}
		f := &wire.Frame{Header: wire.Header{Sequence: uint64(seq) + 1, Rows: uint32(each)}, Payload: b.Finish()}
		if err := s.SendMsg(f); err != nil && err != io.EOF {
			t.Fatal(err)
		}
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for {
		a, err := s.Recv()
		if err == io.EOF {
			return landed, nil
		}
		if err != nil {
			return landed, err
		}
		landed += a.Landed
		for _, f := range acked {
			f(landed)
		}
	}
}

func TestWriterRehearsesFailures(t *testing.T) {
	w, err := openWriter(t, `{"failAfterRows": 20}`)
	if err != nil {
		t.Fatal(err)
	}
	landed, err := write(t, limited(t), w, 4, 7)
	if f := protocol.AsFault(err); f == nil || f.Place != "failAfterRows" || landed != 14 {
		t.Errorf("%d rows, then %v; want 14 and the failure", landed, err)
	}
	w, err = openWriter(t, `{"hangAfterRows": 20}`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := stopAt(t, 14)
	if landed, err = write(t, ctx, w, 4, 7, stop); landed != 14 || err == nil {
		t.Errorf("%d rows, then %v; want 14 and silence", landed, err)
	}
}

// Open looks, Start makes the file, and lines hold what was sent.
func TestWriterFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	file := filepath.Join(dir, "rows.txt")
	w, err := openWriter(t, `{"path": "`+dir+`", "fileName": "rows.txt"}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(dir)); !os.IsNotExist(err) {
		t.Fatalf("open made the folder: %v", err)
	}
	if _, err := w.Start(limited(t), &v1.StartRequest{}); err != nil {
		t.Fatal(err)
	}
	if landed, err := write(t, limited(t), w, 2, 2); err != nil || landed != 4 {
		t.Fatal(landed, err)
	}
	out, err := w.Finish(limited(t), &v1.FinishRequest{})
	if err != nil || len(out.Notes) != 1 || !strings.Contains(out.Notes[0], " 4 rows") {
		t.Errorf("notes %q, %v", out.GetNotes(), err)
	}
	text, err := os.ReadFile(file)
	if want := "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"; err != nil || string(text) != want {
		t.Errorf("the file holds %q, %v, want %q", text, err, want)
	}
}

func TestWriterRefusesAtOpen(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "plain"), []byte("keep me"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for parameters, place := range map[string]string{
		`{"path": "` + dir + `"}`:                          "fileName",
		`{"fileName": "x"}`:                                "path",
		`{"path": "` + dir + `", "fileName": "../x"}`:      "fileName",
		`{"path": "` + dir + `/plain/x", "fileName": "x"}`: "path",
		`{"path": "` + dir + `", "fileName": "folder"}`:    "fileName",
		`{"recordNumBeforeSleep": 5}`:                      "sleepTime",
		`{"sleepTime": 5}`:                                 "recordNumBeforeSleep",
		`{"encoding": "GBK"}`:                              "encoding",
	} {
		_, err := openWriter(t, parameters)
		if f := protocol.AsFault(err); f == nil || !strings.Contains(f.Error(), place) {
			t.Errorf("%s: %v, want it to name %s", parameters, err, place)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "plain")); err != nil || string(text) != "keep me" {
		t.Errorf("the file in the way holds %q, %v", text, err)
	}
}

// A pause comes after so many rows of a lane, and rows before it are acked by then.
func TestWriterPauses(t *testing.T) {
	w, err := openWriter(t, `{"recordNumBeforeSleep": 10, "sleepTime": "1h"}`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := stopAt(t, 10)
	if landed, err := write(t, ctx, w, 4, 5, stop); landed != 10 || err == nil {
		t.Errorf("%d rows, then %v; want 10 and a pause of an hour", landed, err)
	}
}
