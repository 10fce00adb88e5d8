// Package kafkawriter holds the Kafka writer to its promises against a cluster: franz-go's kfake, or the Kafka at
// GX_TEST_KAFKA when that is set. What stands in the topics is read by franz-go.
package kafkawriter

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
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
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
	"google.golang.org/grpc/metadata"
)

// serveFake makes the test binary a cluster instead: it prints its addresses and lives until standard input ends.
const serveFake = "GX_TEST_SERVE_KFAKE"

func TestMain(m *testing.M) {
	if os.Getenv(serveFake) == "" {
		os.Exit(m.Run())
	}
	fake, err := kfake.NewCluster(kfake.NumBrokers(2))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(strings.Join(fake.ListenAddrs(), ","))
	_, _ = io.Copy(io.Discard, os.Stdin)
	fake.Close()
}

// startFake starts a cluster in a process of its own: goroutines of the cluster must not be taken for the writer's.
func startFake(t testing.TB) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serveFake+"=1")
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

var serial = strconv.FormatInt(time.Now().UnixNano(), 36)

// cluster is where a test's topic lives.
type cluster struct {
	t     testing.TB
	addr  string
	topic string
}

// newCluster makes a topic of its own; config is that of the topic.
func newCluster(t testing.TB, partitions int32, config map[string]*string) *cluster {
	t.Helper()
	c := &cluster{t: t, addr: os.Getenv("GX_TEST_KAFKA"), topic: "gx-" + strings.NewReplacer("/", "-", " ", "-", "_", "-").Replace(t.Name()) + "-" + serial}
	if c.addr == "" {
		c.addr = startFake(t)
	}
	c.with(func(adm *kadm.Client) {
		if _, err := adm.CreateTopic(context.Background(), partitions, 1, config, c.topic); err != nil {
			t.Fatal(err)
		}
	})
	return c
}

// with lends a client for a moment, so that none of its goroutines are left when a suite looks for those.
func (c *cluster) with(f func(*kadm.Client)) {
	c.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(c.addr, ",")...))
	if err != nil {
		c.t.Fatal(err)
	}
	defer client.Close()
	f(kadm.NewClient(client))
}

// landed reads everything that stands in a topic now, partition by partition.
func (c *cluster) landed(topic string) []*kgo.Record {
	c.t.Helper()
	total := int64(0)
	c.with(func(adm *kadm.Client) {
		ends, err := adm.ListEndOffsets(context.Background(), topic)
		if err != nil {
			c.t.Fatal(err)
		}
		ends.Each(func(o kadm.ListedOffset) { total += o.Offset })
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(c.addr, ",")...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		c.t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var out []*kgo.Record
	for int64(len(out)) < total {
		got := client.PollFetches(ctx)
		if err := got.Err(); err != nil {
			c.t.Fatalf("read %d of %d records: %v", len(out), total, err)
		}
		out = append(out, got.Records()...)
	}
	return out
}

// parameters puts options beside those that every test needs.
func (c *cluster) parameters(options string) string {
	if options != "" {
		options = "," + options
	}
	return fmt.Sprintf(`{"server":%q,"topic":%q%s}`, c.addr, c.topic, options)
}

// written is what came of a lane.
type written struct {
	opened *v1.OpenReply
	acks   []*v1.Ack
	landed int
	dirty  []*v1.Dirty
	err    *protocol.Fault
	notes  []string
}

// sending is a batch for a lane.
type sending struct {
	rec         arrow.RecordBatch
	destination string
}

func dial(t testing.TB) v1.WriterClient { return v1.NewWriterClient(connection(t)) }

func dialPlugin(t testing.TB) v1.PluginClient { return v1.NewPluginClient(connection(t)) }

// connection leads to the writer, which is served as in a process of its own.
func connection(t testing.TB) *grpc.ClientConn {
	t.Helper()
	dir, err := os.MkdirTemp("", "gx")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	server := sdk.Server(nil)
	if err := sdk.Service(kafka.WriterPlugin("test")).(plugin.GRPCPlugin).GRPCServer(nil, server); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	conn, err := grpc.NewClient("unix:"+filepath.Join(dir, "s"), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec), grpc.MaxCallRecvMsgSize(protocol.MaxMessage), grpc.MaxCallSendMsgSize(protocol.MaxMessage)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		<-done
		_ = os.RemoveAll(dir)
	})
	return conn
}

// write runs a writer over one lane with these batches.
func write(t testing.TB, parameters string, batches ...sending) (out written) {
	t.Helper()
	w := dial(t)
	var err error
	out.opened, err = w.Open(t.Context(), &v1.OpenRequest{Parameters: []byte(parameters), Job: "test", Run: "run", Lanes: 1, Memory: 64 << 20})
	if err == nil {
		var started *v1.StartReply
		started, err = w.Start(t.Context(), &v1.StartRequest{})
		out.notes = started.GetNotes()
	}
	if err == nil {
		err = out.lane(t, w, batches)
	}
	if err != nil {
		if out.err = protocol.AsFault(err); out.err == nil {
			t.Fatalf("an error without a fault: %v", err)
		}
	} else if done, err := w.Finish(t.Context(), &v1.FinishRequest{}); err != nil {
		t.Fatal(err)
	} else {
		out.notes = append(out.notes, done.Notes...)
	}
	if _, err := w.Close(t.Context(), &v1.CloseRequest{}); err != nil {
		t.Fatal(err)
	}
	return out
}

func (w *written) lane(t testing.TB, client v1.WriterClient, batches []sending) error {
	t.Helper()
	stream, err := client.Write(metadata.AppendToOutgoingContext(t.Context(), protocol.LaneKey, "0"))
	if err != nil {
		return err
	}
	for i, b := range batches {
		payload, err := rows.Encode(b.rec)
		if err != nil {
			t.Fatal(err)
		}
		f := &wire.Frame{Header: wire.Header{Sequence: uint64(i + 1), Shard: "shard", Position: []byte{1}, Rows: uint32(b.rec.NumRows()), Destination: b.destination}, Payload: payload}
		if err := stream.SendMsg(f); err != nil && err != io.EOF {
			t.Fatal(err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for {
		a, err := stream.Recv()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		w.acks = append(w.acks, a)
		w.landed += int(a.Landed)
		w.dirty = append(w.dirty, a.Dirty...)
	}
}
