package kafka

import (
	"testing"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/kafka/compose"
	"github.com/gx-etl/gx/plugins/kafka/produce"
)

// decodeWriter reads parameters the way the SDK does.
func decodeWriter(t testing.TB, text string) (writing, []options.Problem) {
	t.Helper()
	v, problems := options.Parse([]byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var o WriterOptions
	problems = options.Decode(v, "parameter", &o)
	w, _ := o.resolve("parameter")
	return w, problems
}

// Each option has its effect in what the writer works by.
func TestWriterEffects(t *testing.T) {
	for text, holds := range map[string]func(w writing) bool{
		``: func(w writing) bool {
			o := w.link.out
			return o.acks == sarama.WaitForAll && o.idempotent && o.codec == sarama.CompressionNone && o.batchBytes == 900<<10 && o.requestBytes == 16<<20 && o.lingerMs == 5 &&
				o.budgetMs == 120_000 && o.partitioner == produce.Hash && w.form.Format == compose.JSON && w.form.Quote == '"' && string(w.form.Delimiter) == ","
		},
		`"acks":"-1"`:          func(w writing) bool { return w.link.out.acks == sarama.WaitForAll && w.link.out.idempotent },
		`"acks":1`:             func(w writing) bool { return w.link.out.acks == sarama.WaitForLocal && !w.link.out.idempotent },
		`"idempotent":false`:   func(w writing) bool { return !w.link.out.idempotent },
		`"compression":"ZSTD"`: func(w writing) bool { return w.link.out.codec == sarama.CompressionZSTD },
		`"kafkaConfig":{"compression.type":"lz4","compression.lz4.level":9}`: func(w writing) bool { return w.link.out.codec == sarama.CompressionLZ4 },
		`"compression":"gzip","kafkaConfig":{"compression.gzip.level":3}`:    func(w writing) bool { return w.link.out.level() == 3 },
		`"compression":"zstd","kafkaConfig":{"compression.zstd.level":7}`:    func(w writing) bool { return w.link.out.level() == 7 },
		`"compression":"snappy","kafkaConfig":{"compression.zstd.level":7}`:  func(w writing) bool { return w.link.out.level() == sarama.CompressionLevelDefault },
		`"kafkaConfig":{"linger.ms":"50","batch.size":16384,"retries":3}`: func(w writing) bool {
			o := w.link.out
			return o.lingerMs == 50 && o.batchBytes == 16384 && o.retries == 3
		},
		`"kafkaConfig":{"delivery.timeout.ms":9000,"max.request.size":1048576}`: func(w writing) bool { o := w.link.out; return o.budgetMs == 9000 && o.requestBytes == 1<<20 },
		`"kafkaConfig":{"acks":"1"}`:                                     func(w writing) bool { return w.link.out.acks == sarama.WaitForLocal && !w.link.out.idempotent },
		`"kafkaConfig":{"request.timeout.ms":5000,"retry.backoff.ms":7}`: func(w writing) bool { return w.link.requestMs == 5000 && w.link.backoffMs == 7 },
		`"kafkaConfig":{"partitioner.ignore.keys":"true"}`:               func(w writing) bool { return w.link.out.partitioner == produce.Sticky },
		`"kafkaConfig":{"partitioner.class":"RoundRobinPartitioner"}`:    func(w writing) bool { return w.link.out.partitioner == produce.RoundRobin },
		`"partitioner":"roundrobin"`:                                     func(w writing) bool { return w.link.out.partitioner == produce.RoundRobin },
		`"partitioner":"manual"`:                                         func(w writing) bool { return w.link.out.partitioner == produce.Manual },
		`"keyColumns":"a,b"`:                                             func(w writing) bool { return len(w.form.Key) == 2 && w.form.KeyFormat == compose.KeyJSON },
		`"keyColumns":["a"]`:                                             func(w writing) bool { return len(w.form.Key) == 1 && w.form.KeyFormat == compose.KeyText },
		`"keyColumns":["a"],"keyFormat":"raw"`:                           func(w writing) bool { return w.form.KeyFormat == compose.KeyRaw },
		`"valueFormat":"csv","fieldDelimiter":"\\x01","quote":"","nullFormat":"\\N"`: func(w writing) bool {
			return w.form.Format == compose.CSV && string(w.form.Delimiter) == "\x01" && w.form.Quote == 0 && string(w.form.Null) == `\N`
		},
		`"messageFormat":"csv","fieldDelimiter":"\\t§"`: func(w writing) bool { return string(w.form.Delimiter) == "\t§" },
		`"headers":{"b":"2","a":"1"}`: func(w writing) bool {
			return len(w.form.Constants) == 2 && w.form.Constants[0] == compose.Constant{Name: "a", Value: "1"}
		},
		`"headerColumns":["h"],"timestampColumn":"ts","valueColumns":"v"`: func(w writing) bool {
			return w.form.Headers[0] == "h" && w.form.Timestamp == "ts" && w.form.Value[0] == "v"
		},
	} {
		w, problems := decodeWriter(t, with(text))
		if options.Failed(problems) || !holds(w) {
			t.Errorf("%s: %+v %v", text, w, problems)
		}
	}
}
