package kafka

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opened opens a reader with the given parameters; the error is a fault.
func opened(t *testing.T, parameters string, info sdk.OpenInfo) (*Reader, *protocol.Fault) {
	t.Helper()
	v, wrong := options.Parse([]byte(parameters))
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	r := new(Reader)
	if problems := options.Decode(v, "", r.Config()); options.Failed(problems) {
		t.Fatal(problems)
	}
	_, err := r.Open(t.Context(), info)
	t.Cleanup(func() {
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if err == nil {
		return r, nil
	}
	f := protocol.AsFault(err)
	if f == nil {
		t.Fatalf("no fault but %v", err)
	}
	return r, f
}

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestDeadBrokersAreListed(t *testing.T) {
	a, b := closedPort(t), closedPort(t)
	began := time.Now()
	_, f := opened(t, `{"server":"`+a+`,`+b+`","topic":"t"}`, sdk.OpenInfo{Job: "j", Lanes: 1})
	if f == nil || f.Code != protocol.Unreachable || f.Place != "server" || !strings.Contains(f.What, a+" (") || !strings.Contains(f.What, b+" (") {
		t.Errorf("%+v", f)
	}
	if took := time.Since(began); took > reachBudget+5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// mock is a broker that knows one topic.
func mock(t *testing.T, metadata *sarama.MockMetadataResponse, more map[string]sarama.MockResponse) *sarama.MockBroker {
	t.Helper()
	b := sarama.NewMockBroker(silent{t}, 1)
	t.Cleanup(b.Close)
	if metadata == nil {
		metadata = sarama.NewMockMetadataResponse(t).SetLeader("orders", 0, 1)
	}
	handlers := map[string]sarama.MockResponse{
		"ApiVersionsRequest": sarama.NewMockApiVersionsResponse(t).SetApiKeys([]sarama.ApiVersionsResponseKey{
			{ApiKey: 1, MinVersion: 4, MaxVersion: 11}, {ApiKey: 2, MinVersion: 1, MaxVersion: 5}, {ApiKey: 3, MaxVersion: 9}, {ApiKey: 8, MaxVersion: 7},
			{ApiKey: 9, MinVersion: 1, MaxVersion: 7}, {ApiKey: 10, MaxVersion: 2}, {ApiKey: 15, MaxVersion: 4}, {ApiKey: 18, MaxVersion: 3}}),
		"MetadataRequest": metadata.SetBroker(b.Addr(), 1).SetController(1),
	}
	for k, v := range more {
		handlers[k] = v
	}
	b.SetHandlerByMap(handlers)
	return b
}

// silent lets a mock broker speak of connections that end, which here is no failure.
type silent struct{ testing.TB }

func (silent) Error(...any)          {}
func (silent) Errorf(string, ...any) {}

func TestOpenRefusesWhatIsNotThere(t *testing.T) {
	b := mock(t, nil, nil)
	for _, c := range []struct {
		options string
		info    sdk.OpenInfo
		code    protocol.Code
		place   string
		what    string
		try     string
	}{
		{`"topic":"order"`, sdk.OpenInfo{}, protocol.NotFound, "topic", `topic "order" does not exist on ` + b.Addr(), "orders"},
		{`"topic":"something-else"`, sdk.OpenInfo{}, protocol.NotFound, "topic", `does not exist`, "topics there: orders"},
		{`"topic":"orders","partition":[0,3]`, sdk.OpenInfo{}, protocol.NotFound, "partition", `topic "orders" has no partition 3, it has 0 to 0`, "partitions count from 0"},
		{`"topicsRegex":"x.*"`, sdk.OpenInfo{}, protocol.Config, "topicsRegex", "no topic matches x.*", "the whole name must match"},
		{`"topic":"orders","endOffset":3`, sdk.OpenInfo{Streaming: true}, protocol.Config, "endOffset", "a streaming job has no end", "leave it out, or set setting.mode to batch"},
		{`"topic":"orders","partition":0`, sdk.OpenInfo{Streaming: true}, protocol.Config, "partition", "shares out the partitions", "leave it out, or set setting.mode to batch"},
		{`"topic":"orders","column":["a"]`, sdk.OpenInfo{Peer: sdk.Peer{Columns: []string{"x", "y"}}}, protocol.Config, "column", "1 columns here and 2 at the target", "list one entry"},
		{`"topic":"orders","kafkaConfig":{"security.protocol":"SSL","ssl.truststore.location":"testdata/none"}`, sdk.OpenInfo{}, protocol.Config, "kafkaConfig", "no such file", "ssl.truststore.location and ssl.keystore.location take"},
	} {
		c.info.Lanes = 1
		_, f := opened(t, `{"server":"`+b.Addr()+`",`+c.options+`}`, c.info)
		if f == nil || f.Code != c.code || f.Place != c.place || !strings.Contains(f.What, c.what) || !strings.HasPrefix(f.Try, c.try) {
			t.Errorf("%s: %+v", c.options, f)
		}
	}
}

func TestOpenTellsMissingPrivileges(t *testing.T) {
	forbidden := sarama.NewMockMetadataResponse(t).SetError("orders", sarama.ErrTopicAuthorizationFailed)
	_, f := opened(t, `{"server":"`+mock(t, forbidden, nil).Addr()+`","topic":"orders"}`, sdk.OpenInfo{Lanes: 1})
	if f == nil || f.Code != protocol.Denied || f.Place != "topic" || f.Try == "" {
		t.Errorf("%+v", f)
	}
}

// Brokers that give out addresses which lead nowhere are a classic of containers.
func TestUnreachableLeadersAreNamed(t *testing.T) {
	dead := closedPort(t)
	metadata := sarama.NewMockMetadataResponse(t).SetLeader("orders", 0, 7).SetBroker(dead, 7)
	_, f := opened(t, `{"server":"`+mock(t, metadata, nil).Addr()+`","topic":"orders"}`, sdk.OpenInfo{Lanes: 1})
	if f == nil || f.Code != protocol.Unreachable || f.Place != "server" || !strings.Contains(f.What, "broker 7 at "+dead) || !strings.Contains(f.Try, "advertised.listeners") {
		t.Errorf("%+v", f)
	}
}

func coordinator(t *testing.T, codes map[int32]sarama.KError) *Reader {
	t.Helper()
	commit := sarama.NewMockOffsetCommitResponse(t)
	for id, code := range codes {
		commit.SetError("g", "orders", id, code)
	}
	metadata := sarama.NewMockMetadataResponse(t).SetLeader("orders", 0, 1).SetLeader("orders", 1, 1)
	find := sarama.NewMockFindCoordinatorResponse(t)
	b := mock(t, metadata, map[string]sarama.MockResponse{"FindCoordinatorRequest": find, "OffsetCommitRequest": commit})
	find.SetCoordinator(sarama.CoordinatorGroup, "g", b)
	s, _ := readOptions(t, `{"server":"`+b.Addr()+`","topic":"orders"}`)
	c, err := connect(t.Context(), &s, "g")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.client.Close() })
	return &Reader{settings: s, cluster: c}
}

// Every partition of a commit has a code of its own, and one bad one among good ones counts.
func TestCommitReadsEveryCode(t *testing.T) {
	positions := []sdk.ShardPosition{{Shard: "orders/0", Position: position{Offset: 5, Epoch: -1}.bytes()}, {Shard: "orders/1", Position: position{Offset: 6, Epoch: 2}.bytes()}}
	for code, want := range map[sarama.KError]protocol.Code{
		sarama.ErrNoError: "", sarama.ErrUnknownMemberId: protocol.Refused, sarama.ErrGroupAuthorizationFailed: protocol.Denied,
		sarama.ErrTopicAuthorizationFailed: protocol.Denied,
	} {
		r := coordinator(t, map[int32]sarama.KError{0: sarama.ErrNoError, 1: code})
		_, err := r.Commit(t.Context(), positions)
		if f := protocol.AsFault(err); (want == "") != (err == nil) || (f != nil && f.Code != want) {
			t.Errorf("%v: %v", code, err)
		}
	}
	r := coordinator(t, nil)
	for _, bad := range []sdk.ShardPosition{{Shard: "orders", Position: []byte(`{"offset":1}`)}, {Shard: "orders/0", Position: []byte("x")}} {
		if _, err := r.Commit(t.Context(), []sdk.ShardPosition{bad}); err == nil {
			t.Errorf("%+v was committed", bad)
		}
	}
}

func TestCheckLive(t *testing.T) {
	b := mock(t, nil, nil)
	for options, place := range map[string]string{`"topic":"orders"`: "", `"topic":"order"`: "topic", `"topic":"orders","partition":9`: "partition"} {
		r := new(Reader)
		s, _ := optionsOf(t, `{"server":"`+b.Addr()+`",`+options+`}`)
		r.options = s
		got := r.CheckLive(t.Context())
		if (place == "") != (len(got) == 0) || (len(got) > 0 && got[0].Path != place) {
			t.Errorf("%s: %v", options, got)
		}
	}
}

func optionsOf(t *testing.T, text string) (Options, []options.Problem) {
	t.Helper()
	v, wrong := options.Parse([]byte(text))
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	var o Options
	problems := options.Decode(v, "", &o)
	return o, problems
}
