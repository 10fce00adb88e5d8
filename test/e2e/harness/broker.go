package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/e2e/built"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Broker is a Kafka that tests produce to and gx reads from. Tests speak to it through another client than gx does.
type Broker struct {
	Name string // "kfake" or "apache"
	Addr string
	SASL string // address of the listener that wants User and Password; "" when there is none

	dir  string // of the broker that we started
	once sync.Once
	cl   *kgo.Client
	err  error
}

// embedded is the broker inside the sandbox.
func embedded(addr string) (*Broker, error) {
	b := &Broker{Name: "kfake", Addr: addr}
	cl, err := b.connect()
	if err != nil {
		return b, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), brokerPatience)
	defer cancel()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	all := kmsg.NewIncrementalAlterConfigsRequestResource()
	all.ResourceType = kmsg.ConfigResourceTypeBroker
	floor := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	floor.Name, floor.Value = quickGroups, kmsg.StringPtr("500")
	all.Configs = append(all.Configs, floor)
	req.Resources = append(req.Resources, all)
	resp, err := req.RequestWith(ctx, cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.Resources[0].ErrorCode)
	}
	if err != nil {
		return b, fmt.Errorf("%s on the embedded Kafka: %w", quickGroups, err)
	}
	return b, nil
}

// quickGroups lets a group notice soon that a member was killed; the default floor is 6 s.
const quickGroups = "group.min.session.timeout.ms"

// startApache starts a real Kafka. Without its jars there is none, and the tests say so as loudly as they can.
func startApache(dir string) (*Broker, error) {
	if os.Getenv("GX_TEST_KAFKA_HOME") == "" {
		fmt.Fprintln(os.Stderr, "\nLEFT OUT: Apache Kafka, because GX_TEST_KAFKA_HOME is not set; every test runs on the embedded Kafka ONLY\n"+
			"          scripts/e2e.sh sets it, installing Apache Kafka when Java and Maven are here")
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	extra := filepath.Join(dir, "extra.properties")
	if err := os.WriteFile(extra, []byte(quickGroups+"=500\n"), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(script("start.sh"), dir, "0", extra)
	cmd.Env = append(os.Environ(), "KAFKA_SASL_USER="+User+":"+Password, fmt.Sprintf("KAFKA_OWNER_PID=%d", os.Getpid()))
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the real Kafka did not start: %w\n%s", err, out)
	}
	b := &Broker{Name: "apache", dir: dir}
	for file, addr := range map[string]*string{"bootstrap": &b.Addr, "bootstrap-sasl": &b.SASL} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			b.stop()
			return nil, err
		}
		*addr = strings.TrimSpace(string(text))
	}
	return b, nil
}

func script(name string) string { return filepath.Join(built.Root(), "scripts", "kafka", name) }

func (b *Broker) stop() {
	if b.cl != nil {
		b.cl.Close()
	}
	if b.dir == "" {
		return
	}
	if out, err := exec.Command(script("stop.sh"), b.dir, "--kill").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "e2e: %v: %s\n", err, out)
	}
}

// client is shared by all tests of the broker.
func (b *Broker) client(t *testing.T) *kgo.Client {
	t.Helper()
	cl, err := b.connect()
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

func (b *Broker) connect() (*kgo.Client, error) {
	b.once.Do(func() {
		b.cl, b.err = kgo.NewClient(kgo.SeedBrokers(b.Addr), kgo.RecordPartitioner(kgo.ManualPartitioner()),
			kgo.ProducerLinger(0))
	})
	return b.cl, b.err
}

const brokerPatience = 30 * time.Second

// CreateTopic makes a topic.
func (b *Broker) CreateTopic(t *testing.T, name string, partitions int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), brokerPatience)
	defer cancel()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 10000
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, int32(partitions), 1
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, b.client(t))
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatalf("%s: topic %s: %v", b.Name, name, err)
	}
}

// Produce sends records, each to the partition that it names, and waits until the broker has them all.
func (b *Broker) Produce(t *testing.T, records ...*kgo.Record) {
	t.Helper()
	if err := b.send(b.client(t), records); err != nil {
		t.Fatalf("%s: produce: %v", b.Name, err)
	}
}

func (b *Broker) send(cl *kgo.Client, records []*kgo.Record) error {
	ctx, cancel := context.WithTimeout(context.Background(), brokerPatience)
	defer cancel()
	return cl.ProduceSync(ctx, records...).FirstErr()
}

// Committed gives the offsets that a group has committed for a topic, by partition; a partition without one is absent.
func (b *Broker) Committed(t *testing.T, group, topic string, partitions int) map[int32]int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), brokerPatience)
	defer cancel()
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group
	asked := kmsg.NewOffsetFetchRequestTopic()
	asked.Topic = topic
	for p := range partitions {
		asked.Partitions = append(asked.Partitions, int32(p))
	}
	req.Topics = append(req.Topics, asked)
	resp, err := req.RequestWith(ctx, b.client(t))
	for errors.Is(err, kerr.CoordinatorNotAvailable) && ctx.Err() == nil { // the first group of a new broker
		resp, err = req.RequestWith(ctx, b.client(t))
	}
	if err != nil {
		t.Fatalf("%s: offsets of group %s: %v", b.Name, group, err)
	}
	out := map[int32]int64{}
	for _, tp := range resp.Topics {
		for _, p := range tp.Partitions {
			if p.Offset >= 0 {
				out[p.Partition] = p.Offset
			}
		}
	}
	for _, g := range resp.Groups {
		for _, tp := range g.Topics {
			for _, p := range tp.Partitions {
				if p.Offset >= 0 {
					out[p.Partition] = p.Offset
				}
			}
		}
	}
	return out
}
