package convert

import (
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// Entry is one row of the tables in the documentation, made from a rule.
type Entry struct {
	Key    string // as in rule; empty: whatever the document says
	Status Status
	To     string // paths in the job, parted by commas
	Absent string // what the tool does when it is not given, and the job says
	There  string // defaults that differ
	Here   string
	Note   string
	Try    string
}

// Table is all keys of one part of a tool's document.
type Table struct {
	Name string
	Rows []Entry
}

// Tables lists what is known of every tool, from the rules themselves.
func Tables() []Table {
	var out []Table
	for _, t := range []struct {
		name  string
		rules []rule
	}{{"connect", connectRules}, {"flink-sink", flinkSinkRules}, {"flink-source", flinkSourceRules}, {"flink-set", flinkSetRules}, {"spark", sparkRules}} {
		table := Table{Name: t.name}
		for _, r := range t.rules {
			e := Entry{Key: r.key, Status: r.status, Absent: r.absent, There: r.there, Here: r.here, Note: r.note, Try: r.try}
			switch {
			case r.status != "":
			case r.put != nil && r.to == "":
				e.Status, e.To = probe(r)
			default:
				e.Status = Mapped
				if r.to != "" {
					e.To = newDraft(Options{}).set(r.to, options.Text(""))
				}
			}
			table.Rows = append(table.Rows, e)
		}
		out = append(out, table)
	}
	return out
}

// probes are values that a key of a rule with put takes, for finding out where it goes. The others take their default.
var probes = map[string]string{
	"name": "orders", "topics.regex": "orders.*", "topic-pattern": "orders.*", "subscribePattern": "orders.*",
	"starrocks.topic2table.map": "orders:t,other:u", "sink.buffer-flush.max-bytes": "94371840",
	"sink.properties.*": "strict_mode", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
	"consumer.override.*": "client.id", "consumer.*": "client.id", "properties.*": "client.id", "kafka.*": "client.id",
	"errors.deadletterqueue.topic.name": "dead", "execution.checkpointing.interval": "10s", "pipeline.name": "orders",
	"sink.socket.timeout-ms": "60000", "starrocks.write.socket.timeout.ms": "60000", "format": "debezium-json", "value.format": "debezium-json",
	"scan.startup.specific-offsets": "partition:0,offset:1", "scan.bounded.specific-offsets": "partition:0,offset:1",
	"scan.startup.timestamp-millis": "1", "scan.bounded.timestamp-millis": "1", "scan.bounded.mode": "latest-offset",
	"scan.topic-partition-discovery.interval": "10s", "value.json.ignore-parse-errors": "true", "debezium-json.ignore-parse-errors": "true",
	"canal-json.ignore-parse-errors": "true", "maxwell-json.ignore-parse-errors": "true", "csv.field-delimiter": ",", "value.csv.field-delimiter": ",",
	"json.fail-on-missing-field": "false", "value.json.fail-on-missing-field": "false",
	"starrocks.table.identifier": "shop.orders", "starrocks.columns": "a,b", "mode": "append", "trigger": "10 seconds",
	"startingOffsets": "earliest", "endingOffsets": "latest", "transforms": "unwrap", "transforms.*": "unwrap",
	"value.converter.*": "1", "connector": "kafka",
}

// probe follows a rule once and tells where it leads.
func probe(r rule) (Status, string) {
	d := newDraft(Options{})
	d.config = &config{}
	for _, p := range []pair{
		{key: "value.converter", value: "org.apache.kafka.connect.json.JsonConverter"}, {key: "transforms", value: "unwrap"},
		{key: "transforms.unwrap.type", value: "io.debezium.transforms.ExtractNewRecordState"},
	} {
		d.config.add(p)
	}
	for _, side := range []string{"startup", "bounded"} {
		mode := "timestamp"
		if strings.HasSuffix(r.key, "specific-offsets") {
			mode = "specific-offsets"
		}
		d.config.add(pair{key: "scan." + side + ".mode", value: mode})
	}
	value := r.absent
	if v, ok := probes[r.key]; ok {
		value = v
	}
	key := r.key
	for wild, one := range map[string]string{"transforms.*": "transforms.unwrap.type", "sink.properties.*": "sink.properties.*"} {
		if key == wild {
			key = one
		}
	}
	l := Line{Key: key, Value: value, Status: Mapped}
	r.put(d, &l)
	return l.Status, l.To
}
