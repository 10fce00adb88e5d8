package kafka

import (
	"fmt"
	"math"
	"strings"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/kafka/produce"
)

// outbound is how to send records: what kafkaConfig says, with defaults.
type outbound struct {
	acks                               sarama.RequiredAcks
	idempotent                         bool
	codec                              sarama.CompressionCodec
	gzipLevel, zstdLevel               int32
	batchBytes, requestBytes, lingerMs int32
	retries, budgetMs                  int32
	partitioner                        produce.Partitioner
}

func defaultOutbound() outbound {
	return outbound{
		acks: sarama.WaitForAll, idempotent: true, gzipLevel: sarama.CompressionLevelDefault, zstdLevel: sarama.CompressionLevelDefault,
		batchBytes: 900 << 10, requestBytes: 16 << 20, lingerMs: 5, retries: math.MaxInt32, budgetMs: 120_000,
	}
}

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy, "lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

const codecNames = "none, gzip, snappy, lz4, zstd"

var partitioners = map[string]produce.Partitioner{
	"hash": produce.Hash, "roundRobin": produce.RoundRobin, "sticky": produce.Sticky, "random": produce.Random, "manual": produce.Manual,
}

// level is the level of the codec in force.
func (o *outbound) level() int {
	switch o.codec {
	case sarama.CompressionGZIP:
		return int(o.gzipLevel)
	case sarama.CompressionZSTD:
		return int(o.zstdLevel)
	}
	return sarama.CompressionLevelDefault
}

// producerProperties are those of the Java producer, with what both sides have in common.
var producerProperties = func() map[string]property {
	m := map[string]property{
		"linger.ms":              {number: func(l *link) *int32 { return &l.out.lingerMs }, max: 600_000},
		"batch.size":             {number: func(l *link) *int32 { return &l.out.batchBytes }, max: 64 << 20},
		"max.request.size":       {number: func(l *link) *int32 { return &l.out.requestBytes }, min: 1, max: 64 << 20},
		"retries":                {number: func(l *link) *int32 { return &l.out.retries }, max: math.MaxInt32},
		"delivery.timeout.ms":    {number: func(l *link) *int32 { return &l.out.budgetMs }, min: 1, max: math.MaxInt32},
		"compression.gzip.level": {number: func(l *link) *int32 { return &l.out.gzipLevel }, min: 1, max: 9},
		"compression.zstd.level": {number: func(l *link) *int32 { return &l.out.zstdLevel }, min: 1, max: 22},
		"compression.lz4.level":  {ignored: "lz4 has one level here"},
		"acks":                   {text: setAcks},
		"compression.type": {text: func(l *link, v string) error {
			codec, ok := codecs[strings.ToLower(v)]
			if !ok {
				return &wrongValue{seen: fmt.Sprintf("%q is not allowed", v), want: codecNames, try: "zstd"}
			}
			l.out.codec = codec
			return nil
		}},
		"enable.idempotence":                    {text: oneOf(func(l *link, v string) { l.out.idempotent = v == "true" }, "true", "false")},
		"partitioner.class":                     {text: setPartitioner},
		"partitioner.ignore.keys":               {text: oneOf(func(l *link, v string) { l.out.ignoreKeys(v == "true") }, "false", "true")},
		"max.in.flight.requests.per.connection": {ignored: "one request is under way at each broker, so that the order of records holds"},
		"buffer.memory":                         {ignored: "setting.memory bounds what is held"},
		"max.block.ms":                          {ignored: "delivery.timeout.ms says how long the brokers may be away"},
		"key.serializer":                        {text: serializer("keyFormat")},
		"value.serializer":                      {text: serializer("messageFormat")},
		"transactional.id":                      {refused: "transactions are not available: rows are written at least once", try: "leave it out"},
	}
	for _, name := range []string{
		"client.id", "request.timeout.ms", "retry.backoff.ms", "metadata.max.age.ms", "socket.connection.setup.timeout.ms", "bootstrap.servers", "interceptor.classes",
	} {
		m[name] = javaProperties[name]
	}
	return withSecurity(m)
}()

func (o *outbound) ignoreKeys(yes bool) {
	if yes {
		o.partitioner = produce.Sticky
	}
}

// acksOf reads a number of acknowledgements.
func acksOf(v string) (sarama.RequiredAcks, *wrongValue) {
	switch strings.ToLower(v) {
	case "all", "-1":
		return sarama.WaitForAll, nil
	case "1":
		return sarama.WaitForLocal, nil
	case "0":
		return 0, &wrongValue{seen: "0 is refused: the broker would not say whether it has a row, and gx tells no reader that a row is safe before it knows",
			want: "all, 1", try: "all"}
	}
	return 0, &wrongValue{seen: fmt.Sprintf("%q is not allowed", v), want: "all, 1", try: "all"}
}

func setAcks(l *link, v string) error {
	acks, wrong := acksOf(v)
	if wrong != nil {
		return wrong
	}
	l.out.acks = acks
	return nil
}

func setPartitioner(l *link, v string) error {
	switch strings.TrimPrefix(v, "org.apache.kafka.clients.producer.") {
	case "internals.DefaultPartitioner":
		l.out.partitioner = produce.Hash
	case "RoundRobinPartitioner":
		l.out.partitioner = produce.RoundRobin
	case "UniformStickyPartitioner":
		l.out.partitioner = produce.Sticky
	default:
		return &wrongValue{seen: fmt.Sprintf("gx is no Java program and cannot load %s", v), want: "the partitioners of Kafka itself", try: "partitioner"}
	}
	return nil
}

func serializer(instead string) func(*link, string) error {
	return func(_ *link, v string) error {
		name := v[strings.LastIndexByte(v, '.')+1:]
		if strings.HasPrefix(v, "org.apache.kafka.common.serialization.") && (name == "StringSerializer" || name == "ByteArraySerializer") {
			return needless("ignored: " + instead + " says what bytes are written")
		}
		return &wrongValue{seen: fmt.Sprintf("gx is no Java program and cannot load %s", v), want: "StringSerializer, ByteArraySerializer of Kafka, or nothing", try: instead}
	}
}
