package kafka

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/sdk"
)

// readOptions reads parameters the way the SDK does.
func readOptions(t testing.TB, text string) (settings, []options.Problem) {
	t.Helper()
	v, problems := options.Parse([]byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var o Options
	problems = options.Decode(v, "parameter", &o)
	s, _ := resolve(&o, "parameter")
	return s, problems
}

// with puts options beside the two that every job has.
func with(rest string) string {
	if rest != "" {
		rest = "," + rest
	}
	return `{"server":"b1:9092","topic":"t"` + rest + `}`
}

// problemText is one line for each problem, warnings marked.
func problemText(problems []options.Problem) string {
	var lines []string
	for _, p := range problems {
		if p.Code == options.CodeMapped && strings.HasPrefix(p.Seen, "read as") {
			continue
		}
		mark := "E"
		if p.Warning {
			mark = "W"
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", mark, p.Code, p))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Every first line of a block of the golden files is a set of options, and the rest what gx has to say about it.
func TestProblems(t *testing.T) {
	sameProblems(t, "testdata/problems.txt", func(text string) []options.Problem {
		_, problems := readOptions(t, text)
		return problems
	})
}

func TestWriterProblems(t *testing.T) {
	sameProblems(t, "testdata/writer-problems.txt", func(text string) []options.Problem {
		_, problems := decodeWriter(t, text)
		return problems
	})
}

func sameProblems(t *testing.T, golden string, judge func(parameters string) []options.Problem) {
	t.Helper()
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for part := range strings.SplitSeq(string(text), "\n\n") {
		input, _, _ := strings.Cut(strings.TrimSpace(part), "\n")
		if input == "" {
			continue
		}
		parameters := input
		if !strings.HasPrefix(input, "{") {
			parameters = with(input)
		}
		fmt.Fprintf(&got, "%s\n%s\n\n", input, problemText(judge(parameters)))
	}
	if want := strings.TrimSpace(string(text)); strings.TrimSpace(got.String()) != want {
		if os.Getenv("GX_UPDATE_GOLDEN") != "" {
			if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		t.Errorf("differs from %s (GX_UPDATE_GOLDEN=1 rewrites it):\n%s", golden, got.String())
	}
}

func TestAliases(t *testing.T) {
	for _, text := range []string{
		`{"server":["b1:9092","b2:9093"],"topic":["t","u"],"groupId":"g"}`,
		`{"bootstrap.servers":"b1:9092, b2:9093","topics":"t,u","consumerGroupId":"g"}`,
		`{"bootstrapServers":"b1:9092,b2:9093","topic":"t,u","kafkaConfig":{"group.id":"g"}}`,
		`{"server":"b1:9092,b2:9093","topic":"t,u","customClientProps":"{\"group.id\":\"g\"}"}`,
		`{"server":"b1:9092,b2:9093","topic":"t,u","groupId":"g","kafkaConfig":{"group.id":"other"}}`,
	} {
		s, problems := readOptions(t, text)
		if options.Failed(problems) || !slices.Equal(s.servers, []string{"b1:9092", "b2:9093"}) || !slices.Equal(s.topics, []string{"t", "u"}) || s.group != "g" {
			t.Errorf("%s: %+v %v", text, s, problems)
		}
	}
	s, problems := readOptions(t, with(`"waitTIme":"5","dbHeartbeatIntervalSec":7,"dbHeartbeatToleranceStep":"9"`))
	if options.Failed(problems) || s.wait != 5*time.Second || s.heartbeat != 7*time.Second || s.heartbeatStep != 9 {
		t.Errorf("%+v %v", s, problems)
	}
}

// Each option that changes how data flows has its effect in what the reader works by.
func TestEffects(t *testing.T) {
	for text, holds := range map[string]func(s settings) bool{
		``: func(s settings) bool {
			return s.link.minBytes == 1 && s.link.maxWaitMs == 500 && s.link.sessionMs == 30000 && s.skipExceed && !s.stopEmpty &&
				s.wait == time.Minute && s.reset == resetUnset && s.begin.at.kind == pointCommitted && s.end.at.kind == pointLatest && !s.link.uncommitted
		},
		`"fetchMinBytes":7`:    func(s settings) bool { return s.link.minBytes == 7 },
		`"fetchMaxWaitMs":"9"`: func(s settings) bool { return s.link.maxWaitMs == 9 },
		`"fetchMaxWaitMs":9,"kafkaConfig":{"fetch.max.wait.ms":"11"}`:             func(s settings) bool { return s.link.maxWaitMs == 11 },
		`"sessionTimeoutMs":6000`:                                                 func(s settings) bool { return s.link.sessionMs == 6000 && s.link.heartbeatMs == 1000 },
		`"maxPollRecords":"77"`:                                                   func(s settings) bool { return s.maxRows == 77 },
		`"autoOffsetReset":"LATEST"`:                                              func(s settings) bool { return s.reset == resetLatest },
		`"autoOffsetReset":"none","kafkaConfig":{"auto.offset.reset":"earliest"}`: func(s settings) bool { return s.reset == resetNone },
		`"kafkaConfig":{"auto.offset.reset":"earliest"}`:                          func(s settings) bool { return s.reset == resetEarliest },
		`"skipExceedRecord":"false"`:                                              func(s settings) bool { return !s.skipExceed },
		`"stopWhenPollEmpty":"true","stopWhenReachEndOffset":true`:                func(s settings) bool { return s.stopEmpty && s.stopAtEnd },
		`"partition":3`:                                   func(s settings) bool { return slices.Equal(s.partitions, []int32{3}) },
		`"partition":"2,0,2"`:                             func(s settings) bool { return slices.Equal(s.partitions, []int32{0, 2}) },
		`"emptyValue":"dirty"`:                            func(s settings) bool { return s.format.emptyDirty },
		`"keyType":"BYTEARRAY","valueType":"ByteArray"`:   func(s settings) bool { return s.format.keyType == "bytearray" && s.format.valueType == "bytearray" },
		`"keyType":"LONG","keyConverter":{"type":"json"}`: func(s settings) bool { return s.format.key.kind == formatJSON },
		`"valueConverter":{"schemasEnable":true}`:         func(s settings) bool { return s.format.value.envelope && !s.format.value.guard },
		`"beginType":"earliest"`:                          func(s settings) bool { return s.begin.at.kind == pointEarliest },
		`"beginType":"current"`:                           func(s settings) bool { return s.begin.at.kind == pointCommitted && !s.beginByRule },
		`"beginOffset":12,"endOffset":"20"`: func(s settings) bool {
			return s.begin.at == point{pointOffset, 12} && s.end.at == point{pointOffset, 20}
		},
		`"beginOffset":"seekToLast"`:      func(s settings) bool { return s.begin.at.kind == pointCommitted },
		`"beginOffset":"SEEKTOBEGINNING"`: func(s settings) bool { return s.begin.at.kind == pointEarliest },
		`"beginOffset":"seekToEnd"`:       func(s settings) bool { return s.begin.at.kind == pointLatest },
		`"beginOffset":"{\"0\":5,\"t/1\":\"seekToEnd\"}"`: func(s settings) bool {
			return s.begin.of("t", 0) == point{pointOffset, 5} && s.begin.of("t", 1).kind == pointLatest && s.begin.of("u", 1).kind == pointCommitted
		},
		`"endOffset":{"0":5}`: func(s settings) bool {
			return s.end.of("t", 0) == point{pointOffset, 5} && s.end.of("t", 1).kind == pointLatest
		},
		`"beginDateTime":"20261121080000","timeZone":"+08:00"`: func(s settings) bool {
			return s.begin.at == point{pointTime, time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC).UnixMilli()}
		},
		`"beginTimestampMillis":"5","endTimestampMillis":9`: func(s settings) bool { return s.begin.at == point{pointTime, 5} && s.end.at == point{pointTime, 9} },
		`"metadataRefreshMs":500`:                           func(s settings) bool { return s.refresh == 500*time.Millisecond },
		`"kafkaConfig":{"isolation.level":"READ_UNCOMMITTED","client.rack":"r1","client.id":"me","group.instance.id":"i","max.poll.records":3,"fetch.max.bytes":2048,"max.partition.fetch.bytes":"4096","heartbeat.interval.ms":700,"max.poll.interval.ms":9000,"request.timeout.ms":8000,"retry.backoff.ms":5,"metadata.max.age.ms":1500,"socket.connection.setup.timeout.ms":900}`: func(s settings) bool {
			l := s.link
			return l.uncommitted && l.rack == "r1" && l.clientID == "me" && l.instance == "i" && s.maxRows == 3 && l.maxBytes == 2048 && l.partitionBytes == 4096 &&
				l.heartbeatMs == 700 && l.rebalanceMs == 9000 && l.requestMs == 8000 && l.backoffMs == 5 && l.metadataMs == 1500 && l.dialMs == 900
		},
		`"kafkaConfig":{"partition.assignment.strategy":"org.apache.kafka.clients.consumer.RoundRobinAssignor, sticky"}`: func(s settings) bool {
			return slices.Equal(s.link.strategies, []string{"roundrobin", "sticky"})
		},
		`"kafkaConfig":{"security.protocol":"sasl_ssl","sasl.mechanism":"scram-sha-512","sasl.jaas.config":"org.apache.kafka.common.security.scram.ScramLoginModule required username=\"u\" password=\"p w\";","ssl.endpoint.identification.algorithm":""}`: func(s settings) bool {
			l := s.link
			return l.protocol == "SASL_SSL" && l.mechanism == "SCRAM-SHA-512" && l.user == "u" && l.password == "p w" && l.anyHost
		},
	} {
		s, problems := readOptions(t, with(text))
		if options.Failed(problems) {
			t.Errorf("%s: %v", text, problemText(problems))
		} else if !holds(s) {
			t.Errorf("%s: %+v", text, s)
		}
	}
}

func TestConfigurationOfSarama(t *testing.T) {
	s, _ := readOptions(t, with(`"fetchMinBytes":3,"fetchMaxWaitMs":40,"sessionTimeoutMs":9000,"kafkaConfig":{"client.rack":"r","group.instance.id":"i",`+
		`"max.poll.interval.ms":5000,"max.partition.fetch.bytes":70000,"fetch.max.bytes":80000,"partition.assignment.strategy":"roundrobin","metadata.max.age.ms":2000,`+
		`"security.protocol":"SASL_PLAINTEXT","sasl.mechanism":"SCRAM-SHA-256","sasl.username":"u","sasl.password":"p"}`))
	c, err := s.link.memberConfig(2, 4)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if c.Metadata.AllowAutoTopicCreation || c.Consumer.Offsets.AutoCommit.Enable || c.Consumer.Group.ResetInvalidOffsets {
		t.Error("sarama would do things of its own accord")
	}
	if c.Consumer.Group.Session.Timeout != 9*time.Second || c.RackID != "r" ||
		c.Consumer.Group.InstanceId != "i-2" || c.Consumer.Group.Rebalance.Timeout != 5*time.Second || c.Metadata.RefreshFrequency != 2*time.Second || len(c.Consumer.Group.Rebalance.GroupStrategies) != 1 ||
		c.Consumer.Group.Rebalance.GroupStrategies[0].Name() != "roundrobin" || c.Net.SASL.SCRAMClientGeneratorFunc == nil {
		t.Errorf("%+v", c)
	}
	r := Reader{settings: s, cluster: &cluster{}, info: sdk.OpenInfo{Lanes: 4, Memory: 64 << 20}}
	if o := r.fetchOptions(t.Context()); o.MinBytes != 3 || o.MaxWaitMs != 40 || o.MaxBytes != 80000 || o.PartitionBytes != 70000 || o.Rack != "r" || !o.Committed || o.Exceed {
		t.Errorf("%+v", o)
	}
	r.settings, _ = readOptions(t, with(""))
	if o := r.fetchOptions(t.Context()); o.MaxBytes != 4<<20 || o.PartitionBytes != 1<<20 {
		t.Errorf("%+v", o)
	}
}

// The description of the options, as gx plugin info shows it, has a sentence for each of them.
func TestEveryOptionIsDescribed(t *testing.T) {
	for _, p := range options.Describe(Options{}) {
		if p.Doc == "" || !strings.HasSuffix(p.Doc, ".") {
			t.Errorf("%s: %q", p.Name, p.Doc)
		}
	}
	if _, err := json.Marshal(options.Describe(Options{})); err != nil {
		t.Fatal(err)
	}
}

func TestSecretsStayHidden(t *testing.T) {
	const secret = "hunter2hunter2"
	for _, text := range []string{
		`"kafkaConfig":{"sasl.password":"` + secret + `"}`,
		`"kafkaConfig":{"sasl.jaas.config":"what is password=` + secret + ` here"}`,
		`"kafkaConfig":{"sasl.jaas.config":"PlainLoginModule required username=u password=` + secret + `"}`,
		`"kafkaConfig":{"sasl.jaas.config":"some.Other required password=\"` + secret + `\";"}`,
		`"kafkaConfig":"{\"sasl.password\":\"` + secret + `\",}x"`,
		`"kafkaConfig":{"ssl.key.password":"` + secret + `","ssl.keystore.key":"` + secret + `","ssl.truststore.password":"` + secret + `"}`,
	} {
		_, problems := readOptions(t, with(text))
		if len(problems) == 0 {
			t.Errorf("%s: no problem", text)
		}
		if shown := problemText(problems); strings.Contains(shown, secret) {
			t.Errorf("%s shows the secret: %s", text, shown)
		}
	}
}
