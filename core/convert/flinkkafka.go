package convert

import (
	"fmt"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// flinkSourceRules are the options of Flink's Kafka connector as a source.
var flinkSourceRules = []rule{
	{key: "connector", put: kafkaConnector, note: "the reader is kafka; upsert-kafka has no equivalent"},
	{key: "topic", to: "reader/topic", as: asSemicolon},
	{key: "topic-pattern", note: "Java's look-around and back references have no equivalent", put: topicsRegex},
	{key: "properties.bootstrap.servers", to: "reader/server", as: asList},
	{key: "properties.*", note: "a property of the consumer", put: func(d *draft, l *Line) {
		consumerProperty(d, l, strings.TrimPrefix(l.Key, "properties."))
	}},
	{key: "format", put: valueFormat, note: "json, csv, raw, avro-confluent, debezium-json, canal-json, maxwell-json, ogg-json"},
	{key: "value.format", put: valueFormat, note: "as format"},
	{key: "key.format", status: Needless, note: "__key__ is read as keyType says"},
	{key: "key.fields", status: Unsupported, note: "fields of the key", try: "__key__ in the reader's column"},
	{key: "key.fields-prefix", status: Unsupported, note: "fields of the key", try: "__key__ in the reader's column"},
	{key: "key.*", status: Needless, note: "__key__ is read as keyType says"},
	{key: "value.fields-include", status: Needless, note: "column says which fields are taken"},
	{key: "scan.startup.mode", absent: "group-offsets", put: startupMode},
	{key: "scan.startup.specific-offsets", put: startupOffsets, note: "of the mode specific-offsets"},
	{key: "scan.startup.timestamp-millis", put: startupTime, note: "of the mode timestamp"},
	{key: "scan.bounded.mode", put: boundedMode, note: "unbounded unless given: a streaming job; a bound makes a batch"},
	{key: "scan.bounded.specific-offsets", put: boundedOffsets, note: "of the mode specific-offsets"},
	{key: "scan.bounded.timestamp-millis", put: boundedTime, note: "of the mode timestamp"},
	{key: "scan.topic-partition-discovery.interval", put: discovery},
	{key: "scan.parallelism", status: Needless, note: "reading and writing share the lanes of setting.speed.concurrent"},
	{key: "json.ignore-parse-errors", absent: "false", put: ignoreErrors},
	{key: "value.json.ignore-parse-errors", put: ignoreErrors, note: "as json.ignore-parse-errors"},
	{key: "json.fail-on-missing-field", put: missingField, note: "a missing field is NULL in gx"},
	{key: "value.json.fail-on-missing-field", put: missingField, note: "a missing field is NULL in gx"},
	{key: "json.*", status: Needless, note: "values go on as they are in the message"},
	{key: "value.json.*", status: Needless, note: "values go on as they are in the message"},
	{key: "csv.field-delimiter", put: fieldDelimiter},
	{key: "value.csv.field-delimiter", put: fieldDelimiter},
	{key: "csv.*", status: Unsupported, note: "the dialect of CSV lines", try: "messages of JSON"},
	{key: "value.csv.*", status: Unsupported, note: "the dialect of CSV lines", try: "messages of JSON"},
	{key: "avro-confluent.url", to: "reader/valueConverter/schemaRegistryUrl"},
	{key: "value.avro-confluent.url", to: "reader/valueConverter/schemaRegistryUrl"},
	{key: "debezium-json.schema-include", to: "reader/valueConverter/schemasEnable", as: asFlag},
	{key: "debezium-json.ignore-parse-errors", put: ignoreErrors, note: "as json.ignore-parse-errors"},
	{key: "canal-json.ignore-parse-errors", put: ignoreErrors, note: "as json.ignore-parse-errors"},
	{key: "maxwell-json.ignore-parse-errors", put: ignoreErrors, note: "as json.ignore-parse-errors"},
	{key: "sink.*", status: Needless, note: "the table is read here"},
	{key: "isolation.level", there: isolation.there, here: isolation.here, note: isolation.note, try: isolation.try, unless: isolation.unless, put: notHere},
}

// notHere answers for a key that Flink knows with the prefix properties. only.
func notHere(_ *draft, l *Line) {
	l.Status, l.Note, l.Try = Unknown, "no such key", "properties."+l.Key
}

// readSource reads the Kafka table; without one the job names variables in its place.
func (f *flinkJob) readSource() {
	d := f.draft
	if f.source != nil && f.source.connector() != "kafka" && f.source.connector() != "upsert-kafka" {
		d.lines = append(d.lines, Line{Key: "CREATE TABLE " + f.source.name, File: f.file, Line: f.source.line, Status: Unsupported,
			Note: "the connector " + f.source.connector() + " has no equivalent here", Try: "the topic that its changes go to, read by kafka"})
		f.source = nil
	}
	if f.source != nil {
		d.apply(flinkSourceRules, f.config(f.source))
	} else {
		d.set("setting/errorLimit/record", options.Text("0"))
	}
	if !d.reader.Get("server").Given() {
		d.give("reader/server", "server", "the file has no source table with brokers")
	}
	if !d.reader.Get("topic").Given() && !d.reader.Get("topicsRegex").Given() {
		d.give("reader/topic", "topic", "the file has no source table with a topic")
	}
}

// columns pairs the fields of the message with the columns of the table, as INSERT does: by position.
func (f *flinkJob) columns() {
	var fields, columns []string
	for _, c := range f.sink.fields {
		if !c.computed && c.metadata == "" {
			columns = append(columns, c.name)
		}
	}
	add := func(key string, line int, status Status, to, note, try string) {
		f.lines = append(f.lines, Line{Key: key, File: f.file, Line: line, Status: status, To: to, Note: note, Try: try})
	}
	if f.insert != nil && len(f.insert.columns) > 0 {
		columns = f.insert.columns
	}
	var source []sqlField
	if f.source != nil {
		source = f.source.fields
	}
	if len(columns) == 0 && len(source) == 0 {
		return // rows go by the names in the message
	}
	switch {
	case f.insert == nil:
		for _, c := range columns {
			fields = append(fields, f.field([]string{c}, source))
		}
	case f.insert.rest != "" || f.source == nil && f.insert.from == "":
		add("INSERT INTO "+f.insert.into, f.insert.line, Unsupported, "", "gx moves rows and computes nothing over them: "+f.insert.rest,
			"loadProps.where for a filter, loadProps.columns for expressions; joins and groups in StarRocks")
		fallthrough
	default:
		for _, item := range f.insert.items {
			switch {
			case item.star:
				for _, s := range source {
					fields = append(fields, f.field([]string{s.name}, source))
				}
			case item.text != nil:
				fields = append(fields, "'"+*item.text+"'")
			case item.path != nil:
				path := item.path
				if len(path) > 1 && strings.EqualFold(path[0], f.insert.from) {
					path = path[1:]
				}
				fields = append(fields, f.field(path, source))
			default:
				add(item.source, f.insert.line, Unsupported, "", "gx computes no expressions here", "loadProps.columns of the writer, or a transformer")
				fields = append(fields, f.open())
			}
		}
	}
	switch {
	case len(fields) == 0:
	case len(fields) != len(columns):
		add("INSERT INTO "+f.sink.name, f.sink.line, Unsupported, "", "the statement gives another number of values than the table has columns", "name columns on both sides")
	default:
		f.set("reader/column", list(fields))
		add("columns", f.sink.line, Mapped, f.set("writer/column", list(columns))+", "+options.Join(readerPath, "column"), "", "")
	}
}

// open stands for a value that nothing in the document gives: a variable without a value, so that no job runs without it.
func (f *flinkJob) open() string {
	f.missing++
	return fmt.Sprintf("${expression_%d}", f.missing)
}

// field is a column of the source as the reader names it.
func (f *flinkJob) field(path []string, source []sqlField) string {
	for _, s := range source {
		if len(path) != 1 || !strings.EqualFold(s.name, path[0]) {
			continue
		}
		if s.computed {
			f.lines = append(f.lines, Line{Key: s.name, File: f.file, Line: s.line, Status: Unsupported, Note: "a computed column", Try: "loadProps.columns of the writer"})
			return f.open()
		}
		if s.metadata == "" {
			break
		}
		l := Line{Key: s.name, File: f.file, Line: s.line, Status: Mapped, To: options.Join(readerPath, "column")}
		defer func() { f.lines = append(f.lines, l) }()
		switch name := strings.TrimPrefix(s.metadata, "value."); name {
		case "topic", "partition", "offset", "headers":
			return "__" + name + "__"
		case "timestamp":
			l.Status, l.Note, l.Try = Differs, "milliseconds since 1970, where Flink gives a timestamp", "loadProps.columns: c = from_unixtime(ms / 1000)"
			return "__timestamp__"
		default:
			l.failf("leave the column out", "the reader has no metadata %q", s.metadata)
			return f.open()
		}
	}
	escaped := make([]string, len(path))
	for i, p := range path {
		escaped[i] = strings.NewReplacer(`\`, `\\`, ".", `\.`, "[", `\[`).Replace(p)
	}
	return strings.Join(escaped, ".")
}

func kafkaConnector(_ *draft, l *Line) {
	if strings.EqualFold(l.Value, "upsert-kafka") {
		l.fail("a message without a value deletes the row of its key there; gx leaves it out", "messages of Debezium or Canal, whose deletes gx applies")
		return
	}
	l.needless("the reader is kafka")
}

func valueFormat(d *draft, l *Line) {
	l.Note = ""
	switch format := strings.ToLower(l.Value); format {
	case "json":
		d.put(l, "reader/dataFormat", options.Text("json"))
	case "debezium-json", "canal-json", "maxwell-json", "ogg-json":
		d.put(l, "reader/messageFormat", options.Text(format))
	case "avro-confluent", "debezium-avro-confluent":
		d.put(l, "reader/valueConverter/type", options.Text("avro"))
		if format != "avro-confluent" {
			d.set("reader/messageFormat", options.Text("debezium-avro"))
		}
	case "csv":
		d.put(l, "reader/dataFormat", options.Text("text"))
		if !d.reader.Get("fieldDelimiter").Given() {
			d.set("reader/fieldDelimiter", options.Text(","))
		}
	case "raw":
		l.fail("the value is one column", `"__value__" in the reader's column`)
	default:
		l.failf("json", "gx does not read the format %s", l.Value)
	}
}

func fieldDelimiter(d *draft, l *Line) {
	d.put(l, "reader/fieldDelimiter", options.Text(strings.ReplaceAll(l.Value, `\t`, "\t")))
}

func ignoreErrors(d *draft, l *Line) {
	limit := "0"
	switch strings.ToLower(l.Value) {
	case "true":
		limit, l.Note = "", "messages that cannot be read become dirty records without a limit; each is kept in the dirty file"
	case "false":
		l.Note = ""
	default:
		l.failf("true or false", "%q is neither true nor false", l.Value)
		return
	}
	l.To = d.set("setting/errorLimit/record", options.Text(limit))
	if l.Status == Default {
		l.Value = limit
	}
}

func missingField(_ *draft, l *Line) {
	if strings.EqualFold(l.Value, "true") {
		l.fail("a missing field is NULL in gx", "NOT NULL columns in StarRocks, which refuse such rows")
		return
	}
	l.needless("a missing field is NULL in gx, too")
}

func discovery(d *draft, l *Line) {
	ms, ok := flinkDuration(l.Value)
	if !ok || ms <= 0 {
		l.Status, l.Note, l.There, l.Here = Differs, "new partitions of a topic are always found", "off", "60000"
		return
	}
	d.put(l, "reader/metadataRefreshMs", whole(max(100, ms)))
}

func startupMode(d *draft, l *Line) {
	l.Note = ""
	switch mode := strings.ToLower(l.Value); mode {
	case "earliest-offset":
		d.put(l, "reader/beginType", options.Text("earliest"))
	case "latest-offset":
		d.put(l, "reader/beginOffset", options.Text("seekToEnd"))
	case "group-offsets":
		d.put(l, "reader/beginType", options.Text("current"))
	case "timestamp", "specific-offsets":
		l.needless("said by scan.startup." + map[string]string{"timestamp": "timestamp-millis", "specific-offsets": mode}[mode])
	default:
		l.failf("earliest-offset", "%q is no mode", l.Value)
	}
}

// offsets reads partition:0,offset:42;partition:1,offset:300.
func offsets(text string) (options.Value, bool) {
	out := options.Map()
	for part := range strings.SplitSeq(text, ";") {
		p, o, ok := strings.Cut(strings.TrimSpace(part), ",")
		partition, okP := strings.CutPrefix(strings.TrimSpace(p), "partition:")
		offset, okO := strings.CutPrefix(strings.TrimSpace(o), "offset:")
		n, why := asWhole.value(offset)
		_, whyP := asWhole.value(partition)
		if !ok || !okP || !okO || why != "" || whyP != "" {
			return out, false
		}
		out = out.With(strings.TrimSpace(partition), n)
	}
	return out, true
}

func startupOffsets(d *draft, l *Line) { perPartition(d, l, "startup", "reader/beginOffset") }
func boundedOffsets(d *draft, l *Line) { perPartition(d, l, "bounded", "reader/endOffset") }

func perPartition(d *draft, l *Line, side, to string) {
	if !strings.EqualFold(d.config.or("scan."+side+".mode", ""), "specific-offsets") {
		l.needless("scan." + side + ".mode is another")
		return
	}
	v, ok := offsets(l.Value)
	if !ok {
		l.failf("partition:0,offset:42;partition:1,offset:300", "%q names no offsets", l.Value)
		return
	}
	l.Note = ""
	d.put(l, to, v)
}

func startupTime(d *draft, l *Line) { moment(d, l, "startup", "reader/beginTimestampMillis") }
func boundedTime(d *draft, l *Line) { moment(d, l, "bounded", "reader/endTimestampMillis") }

func moment(d *draft, l *Line, side, to string) {
	v, why := asWhole.value(l.Value)
	switch {
	case !strings.EqualFold(d.config.or("scan."+side+".mode", ""), "timestamp"):
		l.needless("scan." + side + ".mode is another")
	case why != "":
		l.fail(why, "")
	default:
		l.Note = ""
		d.put(l, to, v)
	}
}

func boundedMode(d *draft, l *Line) {
	l.Note = ""
	switch strings.ToLower(l.Value) {
	case "unbounded":
		l.needless("a streaming job has no end")
		return
	case "latest-offset":
		d.put(l, "reader/endType", options.Text("latest"))
	case "timestamp", "specific-offsets":
		l.Note = "its bound stands in a key of its own"
	default:
		l.failf("latest-offset", "a batch of gx cannot end at %q", l.Value)
		return
	}
	to := d.set("setting/mode", options.Text("batch"))
	if l.To != "" {
		to = l.To + ", " + to
	}
	l.To = to
}
