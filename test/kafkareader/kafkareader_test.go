// Package kafkareader holds the Kafka reader to its promises against a cluster: franz-go's kfake, or the Kafka at
// GX_TEST_KAFKA when that is set.
package kafkareader

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/gx-etl/gx/plugins/kafka"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	plugin "github.com/hashicorp/go-plugin"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// cluster is where a test's topic lives.
type cluster struct {
	t     testing.TB
	addr  string
	topic string
	kgo   *kgo.Client
	adm   *kadm.Client
}

var serial = strconv.FormatInt(time.Now().UnixNano(), 36)

// newCluster makes a topic of its own.
func newCluster(t testing.TB, partitions int32) *cluster {
	t.Helper()
	c := &cluster{t: t, addr: os.Getenv("GX_TEST_KAFKA")}
	c.topic = "gx-" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, t.Name()) + "-" + serial
	if c.addr == "" {
		c.addr = startFake(t, "plain")
	}
	var err error
	c.kgo, err = kgo.NewClient(kgo.SeedBrokers(strings.Split(c.addr, ",")...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kgo.Close)
	c.adm = kadm.NewClient(c.kgo)
	if _, err := c.adm.CreateTopic(context.Background(), partitions, 1, nil, c.topic); err != nil {
		t.Fatal(err)
	}
	return c
}

// serveFake makes the test binary a cluster instead: it prints its addresses and lives until standard input ends.
const serveFake = "GX_TEST_SERVE_KFAKE"

func TestMain(m *testing.M) {
	if os.Getenv(serveFake) == "" {
		os.Exit(m.Run())
	}
	options := []kfake.Opt{kfake.NumBrokers(2)}
	if os.Getenv(serveFake) == "sasl" {
		options = append(options, kfake.EnableSASL())
		for _, mechanism := range mechanisms {
			options = append(options, kfake.Superuser(mechanism, saslUser, saslPassword))
		}
	}
	fake, err := kfake.NewCluster(options...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(strings.Join(fake.ListenAddrs(), ","))
	_, _ = io.Copy(io.Discard, os.Stdin)
	fake.Close()
}

// startFake starts a cluster in a process of its own: goroutines of the cluster must not be taken for the reader's.
func startFake(t testing.TB, kind string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serveFake+"="+kind)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("kfake: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// produce writes n documents, in turns to the partitions, numbered from first.
func (c *cluster) produce(partitions, first, n int) {
	c.t.Helper()
	batch := make([]*kgo.Record, n)
	for i := range batch {
		batch[i] = &kgo.Record{Topic: c.topic, Partition: int32((first + i) % partitions), Value: fmt.Appendf(nil, `{"n":%d,"text":"some text"}`, first+i)}
	}
	if err := c.kgo.ProduceSync(context.Background(), batch...).FirstErr(); err != nil {
		c.t.Fatal(err)
	}
}

// committed is the group's offsets by shard.
func (c *cluster) committed(group string) map[string]int64 {
	c.t.Helper()
	got, err := c.adm.FetchOffsets(context.Background(), group)
	if err != nil {
		c.t.Fatal(err)
	}
	out := map[string]int64{}
	got.Each(func(o kadm.OffsetResponse) { out[fmt.Sprintf("%s/%d", o.Topic, o.Partition)] = o.At })
	return out
}

// served is the reader in a process of its own, as far as gRPC can tell.
type served struct {
	t      testing.TB
	reader v1.ReaderClient
	opened *v1.OpenReply
	shards []*v1.Shard
	got    *rowsGot
}

// batch is what came in one message.
type batch struct {
	wire.Header
	values []string
}

// serve opens the reader; options come behind the ones that every test needs.
func (c *cluster) serve(t testing.TB, streaming bool, lanes int, group, options string) *served {
	t.Helper()
	reader := dial(t)
	params := fmt.Sprintf(`{"server":%q,"topic":%q,"groupId":%q%s}`, c.addr, c.topic, group, options)
	mode := v1.Mode_MODE_BATCH
	if streaming {
		mode = v1.Mode_MODE_STREAMING
	}
	s := &served{t: t, reader: reader, got: newRows()}
	var err error
	s.opened, err = reader.Open(context.Background(), &v1.OpenRequest{Parameters: []byte(params), Job: "test", Run: "run", Mode: mode, Lanes: uint32(lanes), Memory: 64 << 20})
	if err != nil {
		t.Fatalf("open: %v: %+v", err, protocol.AsFault(err))
	}
	split, err := reader.Split(context.Background(), &v1.SplitRequest{Want: uint32(lanes)})
	if err != nil {
		t.Fatal(err)
	}
	s.shards = split.Shards
	return s
}

func dial(t testing.TB) v1.ReaderClient {
	t.Helper()
	dir, err := os.MkdirTemp("", "gx")
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := sdk.Server(nil)
	if err := sdk.Service(kafka.Plugin("test")).(plugin.GRPCPlugin).GRPCServer(nil, server); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec), grpc.MaxCallRecvMsgSize(protocol.MaxMessage)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		<-done
		_ = os.RemoveAll(dir)
	})
	return v1.NewReaderClient(conn)
}

// read runs one lane until the shards are exhausted, ctx ends, or on returns false.
func (s *served) read(ctx context.Context, lane int, shards []*v1.Shard, on func(batch) bool) error {
	stream, err := s.reader.Read(ctx, &v1.ReadRequest{Lane: uint32(lane), Shards: shards})
	if err != nil {
		return err
	}
	var d rows.Decoder
	for {
		var f wire.Frame
		if err := stream.RecvMsg(&f); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		b := batch{Header: f.Header}
		if f.Rows > 0 {
			payload := make([]byte, f.PayloadLen())
			f.CopyPayload(payload)
			rec, err := d.Decode(payload)
			if err != nil {
				return err
			}
			col := rec.Column(0).(*array.Binary)
			for i := range col.Len() {
				b.values = append(b.values, string(col.Value(i)))
			}
			rec.Release()
		}
		f.Free()
		if !on(b) {
			return nil
		}
	}
}

func (s *served) commit(positions map[string][]byte) []string {
	s.t.Helper()
	in := &v1.CommitPositionsRequest{}
	for shard, p := range positions {
		in.Positions = append(in.Positions, &v1.ShardPosition{Shard: shard, Position: p})
	}
	out, err := s.reader.Commit(context.Background(), in)
	if err != nil {
		s.t.Fatalf("commit: %v: %+v", err, protocol.AsFault(err))
	}
	return out.Lost
}

func (s *served) close() {
	s.t.Helper()
	if _, err := s.reader.Close(context.Background(), &v1.CloseRequest{}); err != nil {
		s.t.Errorf("close: %v", err)
	}
}

// rowsGot counts how often each value came, and where shards resume.
type rowsGot struct {
	mu        sync.Mutex // guards the following
	count     map[string]int
	positions map[string][]byte
	changed   chan struct{}
}

func newRows() *rowsGot {
	return &rowsGot{count: map[string]int{}, positions: map[string][]byte{}, changed: make(chan struct{}, 1)}
}

func (g *rowsGot) add(b batch) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, v := range b.values {
		g.count[v]++
	}
	g.positions[b.Shard] = b.Position
	select {
	case g.changed <- struct{}{}:
	default:
	}
	return true
}

func (g *rowsGot) distinct() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.count)
}

// take hands over the positions that came since the last call.
func (g *rowsGot) take() map[string][]byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.positions
	g.positions = map[string][]byte{}
	return p
}

// wait returns when n different values are there.
func (g *rowsGot) wait(t *testing.T, n int) {
	t.Helper()
	give := time.After(60 * time.Second)
	for g.distinct() < n {
		select {
		case <-g.changed:
		case <-give:
			t.Fatalf("%d of %d values came", g.distinct(), n)
		}
	}
}
