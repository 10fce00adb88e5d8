package kafkawriter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fake is a cluster in this process, whose answers a test can change.
type fake struct {
	cluster
	kfake *kfake.Cluster
	cut   atomic.Bool // the next answer to a produce request gets lost with its connection
}

func newFake(t *testing.T, partitions int32, options ...kfake.Opt) *fake {
	t.Helper()
	f := &fake{cluster: cluster{t: t, topic: "orders"}}
	f.start(append(options, kfake.NumBrokers(1), kfake.SeedTopics(partitions, f.topic))...)
	return f
}

func (f *fake) start(options ...kfake.Opt) {
	f.t.Helper()
	var err error
	f.kfake, err = kfake.NewCluster(append(options, kfake.ListenFn(func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		return &lossy{l, &f.cut}, err
	}))...)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(f.kfake.Close)
	f.addr = strings.Join(f.kfake.ListenAddrs(), ",")
}

// lossy is a listener whose connections lose an answer when they are told.
type lossy struct {
	net.Listener
	cut *atomic.Bool
}

func (l *lossy) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &lossyConn{c, l.cut}, err
}

type lossyConn struct {
	net.Conn
	cut *atomic.Bool
}

func (c *lossyConn) Write(b []byte) (int, error) {
	if c.cut.CompareAndSwap(true, false) {
		_ = c.Close()
		return 0, errors.New("lost")
	}
	return c.Conn.Write(b)
}

// once answers the next request of a kind.
func (f *fake) once(key int16, respond func(kmsg.Request) kmsg.Response) {
	f.kfake.ControlKey(key, func(q kmsg.Request) (kmsg.Response, error, bool) { return respond(q), nil, true })
}

// always answers every request of a kind.
func (f *fake) always(key int16, respond func(kmsg.Request) kmsg.Response) {
	f.kfake.ControlKey(key, func(q kmsg.Request) (kmsg.Response, error, bool) {
		f.kfake.KeepControl()
		return respond(q), nil, true
	})
}

// answer makes the answer to a produce request that says the same of every partition.
func answer(q kmsg.Request, code *kerr.Error, more func(*kmsg.ProduceResponseTopicPartition)) kmsg.Response {
	out := q.ResponseKind().(*kmsg.ProduceResponse)
	for _, topic := range q.(*kmsg.ProduceRequest).Topics {
		rt := kmsg.NewProduceResponseTopic()
		rt.Topic, rt.TopicID = topic.Topic, topic.TopicID
		for _, p := range topic.Partitions {
			rp := kmsg.NewProduceResponseTopicPartition()
			rp.Partition, rp.ErrorCode, rp.BaseOffset = p.Partition, code.Code, -1
			if more != nil {
				more(&rp)
			}
			rt.Partitions = append(rt.Partitions, rp)
		}
		out.Topics = append(out.Topics, rt)
	}
	return out
}

// values are those that stand in the topic, in order.
func (f *fake) values() string {
	f.t.Helper()
	var out []string
	for _, r := range f.landed(f.topic) {
		out = append(out, string(r.Value))
	}
	return strings.Join(out, " ")
}

func letters(t *testing.T) sending {
	return sheet(t, []arrow.Field{text("v")}, `{"v":"a"}`, `{"v":"b"}`, `{"v":"c"}`)
}

// Every answer that may be another one at the next try is tried again, and every row lands once and in order.
func TestPassingTroublePasses(t *testing.T) {
	for _, code := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend,
		kerr.RequestTimedOut, kerr.UnknownTopicOrPartition, kerr.KafkaStorageError, kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerEpoch} {
		t.Run(code.Message, func(t *testing.T) {
			f := newFake(t, 1)
			var mu sync.Mutex
			asked := 0
			f.kfake.ControlKey(0, func(q kmsg.Request) (kmsg.Response, error, bool) {
				mu.Lock()
				defer mu.Unlock()
				if asked++; asked == 1 || asked == 3 { // of the second load, the first try
					f.kfake.KeepControl()
					return answer(q, code, nil), nil, true
				}
				f.kfake.KeepControl()
				return nil, nil, false
			})
			write(t, f.parameters(`"messageFormat":"text","kafkaConfig":{"linger.ms":0,"retry.backoff.ms":10}`), letters(t), letters(t)).must(t, 6)
			if got := f.values(); got != "a b c a b c" {
				t.Errorf("%q landed", got)
			}
		})
	}
}

// An answer that gets lost leaves open whether the broker has the records. They are sent again, and an idempotent writer has
// them once.
func TestLostAnswers(t *testing.T) {
	f := newFake(t, 1)
	var first sync.Once
	f.kfake.ControlKey(0, func(kmsg.Request) (kmsg.Response, error, bool) {
		first.Do(func() { f.cut.Store(true) })
		return nil, nil, false
	})
	write(t, f.parameters(`"messageFormat":"text","kafkaConfig":{"retry.backoff.ms":10}`), letters(t)).must(t, 3)
	if got := f.values(); got != "a b c" {
		t.Errorf("%q landed", got)
	}
	if f.cut.Load() {
		t.Error("no answer got lost")
	}
}

func TestTroubleThatStays(t *testing.T) {
	for _, x := range []struct {
		name    string
		key     int16
		respond func(kmsg.Request) kmsg.Response
		code    protocol.Code
		place   string
		what    string
		try     string
	}{
		{"not enough replicas", 0, func(q kmsg.Request) kmsg.Response { return answer(q, kerr.NotEnoughReplicas, nil) }, protocol.Unreachable, "topic",
			`topic "orders", partition 0 took nothing in`, "min.insync.replicas"},
		{"no leader", 0, func(q kmsg.Request) kmsg.Response { return answer(q, kerr.NotLeaderForPartition, nil) }, protocol.Unreachable, "server",
			`topic "orders", partition 0 took nothing in`, "delivery.timeout.ms"},
		{"deleted", 0, func(q kmsg.Request) kmsg.Response { return answer(q, kerr.UnknownTopicOrPartition, nil) }, protocol.NotFound, "topic", "took nothing", "deleted"},
		{"no right to write", 0, func(q kmsg.Request) kmsg.Response { return answer(q, kerr.TopicAuthorizationFailed, nil) }, protocol.Denied, "topic",
			`write to topic "orders", partition 0`, "WRITE"},
		{"policy", 0, func(q kmsg.Request) kmsg.Response {
			return answer(q, kerr.PolicyViolation, func(p *kmsg.ProduceResponseTopicPartition) { p.ErrorMessage = strPtr("not on Sundays") })
		}, protocol.Refused, "topic", "(not on Sundays)", "look at"},
		{"order", 0, func(q kmsg.Request) kmsg.Response { return answer(q, kerr.OutOfOrderSequenceNumber, nil) }, protocol.Refused, "idempotent", "do not accept the order", "run the job again"},
		{"no right to an id", 22, func(q kmsg.Request) kmsg.Response {
			out := q.ResponseKind().(*kmsg.InitProducerIDResponse)
			out.ErrorCode = kerr.ClusterAuthorizationFailed.Code
			return out
		}, protocol.Denied, "idempotent", "ask for the id of a producer", "IDEMPOTENT_WRITE"},
	} {
		t.Run(x.name, func(t *testing.T) {
			f := newFake(t, 1)
			f.always(x.key, x.respond)
			w := write(t, f.parameters(`"messageFormat":"text","kafkaConfig":{"retry.backoff.ms":10,"delivery.timeout.ms":400}`), letters(t))
			if w.err == nil || w.err.Code != x.code || w.err.Place != x.place || !strings.Contains(w.err.What, x.what) || !strings.Contains(w.err.Try, x.try) || w.landed != 0 {
				t.Errorf("%+v, %d landed", w.err, w.landed)
			}
		})
	}
}

func TestRetriesAreCounted(t *testing.T) {
	f := newFake(t, 1)
	var asked atomic.Int32
	f.always(0, func(q kmsg.Request) kmsg.Response {
		asked.Add(1)
		return answer(q, kerr.NotLeaderForPartition, nil)
	})
	w := write(t, f.parameters(`"messageFormat":"text","kafkaConfig":{"retry.backoff.ms":1,"retries":2}`), letters(t))
	if w.err == nil || w.err.Code != protocol.Unreachable || asked.Load() != 3 {
		t.Errorf("%+v after %d tries", w.err, asked.Load())
	}
}

// The brokers are gone when the rows come.
func TestBrokersGoAway(t *testing.T) {
	f := newFake(t, 1)
	w := dial(t)
	if _, err := w.Open(t.Context(), &v1.OpenRequest{Parameters: []byte(f.parameters(`"messageFormat":"text","kafkaConfig":{"retry.backoff.ms":10,"delivery.timeout.ms":500}`)),
		Job: "j", Run: "r", Lanes: 1}); err != nil {
		t.Fatal(err)
	}
	f.kfake.Close()
	err := new(written).lane(t, w, []sending{letters(t)})
	if fault := protocol.AsFault(err); fault == nil || fault.Code != protocol.Unreachable || fault.Place != "server" {
		t.Errorf("%+v", fault)
	}
	if _, err := w.Close(t.Context(), &v1.CloseRequest{}); err != nil {
		t.Error(err)
	}
}

// A broker that takes a request and says nothing does not hold up the end of a run.
func TestCloseWithASilentBroker(t *testing.T) {
	f := newFake(t, 1)
	reached, gone := make(chan struct{}), make(chan struct{})
	f.kfake.ControlKey(0, func(kmsg.Request) (kmsg.Response, error, bool) {
		close(reached)
		f.kfake.SleepControl(func() { <-gone })
		return nil, nil, false
	})
	t.Cleanup(func() { close(gone) })
	w := dial(t)
	if _, err := w.Open(t.Context(), &v1.OpenRequest{Parameters: []byte(f.parameters(`"messageFormat":"text"`)), Job: "j", Run: "r", Lanes: 1}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- new(written).lane(t, w, []sending{letters(t)}) }()
	<-reached
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := w.Close(ctx, &v1.CloseRequest{}); err != nil {
		t.Error(err)
	}
	if err := <-ended; !protocol.IsCanceled(err) {
		t.Errorf("the lane ended with %v", err)
	}
}

func TestMissingTopicsAreMade(t *testing.T) {
	f := newFake(t, 1, kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(3))
	f.topic = "new-one"
	w := write(t, f.parameters(`"messageFormat":"text","allowAutoCreate":true`), letters(t))
	w.must(t, 3)
	if !slices.Contains(w.opened.Notes, "topic new-one is not there: the brokers will be asked to make it") || !slices.Contains(w.notes, "the brokers made topic new-one") {
		t.Errorf("%q %q", w.opened.Notes, w.notes)
	}
	rows := letters(t)
	rows.destination = "newer"
	write(t, fmt.Sprintf(`{"server":%q,"messageFormat":"text","allowAutoCreate":true}`, f.addr), rows).must(t, 3)
	f.topic = "newer"
	if n := len(f.landed("newer")); n != 3 {
		t.Errorf("%d records", n)
	}
}

// A user who may look at a topic and not write to it hears of that before anything is read.
func TestRightsAreLookedAt(t *testing.T) {
	may := func(op kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: "orders", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: op, Allow: true}
	}
	f := newFake(t, 1, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "admin-pw"),
		kfake.User("PLAIN", "looker", "pw", may(kmsg.ACLOperationDescribe)), kfake.User("PLAIN", "writer", "pw", may(kmsg.ACLOperationDescribe), may(kmsg.ACLOperationWrite)))
	as := func(user string) string {
		return f.parameters(`"messageFormat":"text","kafkaConfig":{"security.protocol":"SASL_PLAINTEXT","sasl.mechanism":"PLAIN","sasl.username":"` + user + `","sasl.password":"pw"}`)
	}
	if w := write(t, as("looker"), letters(t)); w.err == nil || w.err.Code != protocol.Denied || w.err.Place != "topic" || w.err.What != `the user may not write to topic "orders"` {
		t.Errorf("%+v", w.err)
	}
	if w := write(t, as("nobody"), letters(t)); w.err == nil || w.err.Code != protocol.Denied && w.err.Code != protocol.Unreachable {
		t.Errorf("%+v", w.err)
	}
	write(t, as("writer"), letters(t)).must(t, 3)
}

// The check looks at the servers, and writes nothing.
func TestLiveCheck(t *testing.T) {
	f := newFake(t, 1)
	for parameters, want := range map[string]string{
		f.parameters(""):                                     "",
		f.parameters(`"acks":"1"`):                           "acks 1: rows count as written",
		f.parameters(`"idempotent":false`):                   "not idempotent: ",
		fmt.Sprintf(`{"server":%q}`, f.addr):                 "",
		`{"server":"127.0.0.1:1","topic":"t"}`:               "no broker takes a connection",
		fmt.Sprintf(`{"server":%q,"topic":"order"}`, f.addr): `topic "order" does not exist`,
	} {
		got, err := dialPlugin(t).Check(t.Context(), &v1.CheckRequest{Role: v1.Role_ROLE_WRITER, Parameters: []byte(parameters), Live: true})
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, p := range got.Problems {
			said += p.Seen + "\n"
		}
		if want == "" && said != "" || !strings.Contains(said, want) {
			t.Errorf("%s: %q", parameters, said)
		}
	}
	if n := len(f.landed(f.topic)); n != 0 {
		t.Errorf("%d records", n)
	}
}

// Leaders move and answers get lost all the while: every row lands once, and those of a key in their order.
func TestOrderInRoughWeather(t *testing.T) {
	const batches, rows = 150, 40
	f := newFake(t, 4)
	for _, id := range []int32{-1, -1} {
		if _, _, err := f.kfake.AddNode(id, 0); err != nil {
			t.Fatal(err)
		}
	}
	f.addr = strings.Join(f.kfake.ListenAddrs(), ",")
	var asked atomic.Int32
	f.kfake.ControlKey(0, func(kmsg.Request) (kmsg.Response, error, bool) {
		f.kfake.KeepControl()
		if asked.Add(1)%5 == 0 {
			f.cut.Store(true)
		}
		return nil, nil, false
	})
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if err := f.kfake.MoveTopicPartition(f.topic, int32(i%4), int32(i%3)); err != nil {
				t.Error(err)
				return
			}
			select {
			case <-time.After(5 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
	var sent []sending
	n := 0
	for range batches {
		var objects []string
		for range rows {
			objects = append(objects, fmt.Sprintf(`{"__key__":"k%d","__value__":"%d"}`, n%17, n))
			n++
		}
		sent = append(sent, sheet(t, []arrow.Field{text("__key__"), text("__value__")}, objects...))
	}
	w := write(t, f.parameters(`"messageFormat":"raw","kafkaConfig":{"linger.ms":0,"retry.backoff.ms":2,"batch.size":2000}`), sent...)
	cancel()
	group.Wait()
	w.must(t, n)
	if asked.Load() < 20 {
		t.Errorf("only %d requests", asked.Load())
	}
	f.cut.Store(false)
	last, seen := map[string]int{}, map[int]bool{}
	for _, r := range f.landed(f.topic) {
		var i int
		if _, err := fmt.Sscan(string(r.Value), &i); err != nil {
			t.Fatal(err)
		}
		if before, ok := last[string(r.Key)]; ok && before >= i {
			t.Fatalf("key %s: %d after %d", r.Key, i, before)
		}
		last[string(r.Key)], seen[i] = i, true
	}
	if len(seen) != n {
		t.Errorf("%d of %d rows", len(seen), n)
	}
}
