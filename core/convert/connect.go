package convert

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// sinkClass is the connector that gx stands in for; its V2 has the same keys.
const sinkClass = "com.starrocks.connector.kafka.StarRocksSinkConnector"

// maxJSONLoad is what StarRocks takes as one JSON load.
const maxJSONLoad = 100 << 20

// connectRules are the keys of the StarRocks sink and of the worker it runs in. Defaults are those of the connector's
// manual; where its code has others, the note says so.
var connectRules = []rule{
	{key: "name", note: "the consumer group too: connect-NAME, so that gx goes on where the connector stopped", put: connectName},
	{key: "connector.class", status: Needless, note: "the writer is starrocks"},
	{key: "tasks.max", to: "setting/speed/concurrent", as: asWhole, absent: "1"},
	{key: "topics", to: "reader/topic", as: asList},
	{key: "topics.regex", note: "Java's look-around and back references have no equivalent", put: topicsRegex},
	{key: "starrocks.topic2table.map", note: "with one topic the table stands in table; topics that are not in the map go to the table of their name", put: topic2table},
	{key: "starrocks.http.url", to: "writer/loadUrl", as: asList},
	{key: "starrocks.jdbc.url", to: "writer/jdbcUrl", note: "the connector has no such key; with it gx looks at the table before the first row"},
	{key: "starrocks.database.name", to: "writer/selectedDatabase"},
	{key: "starrocks.table.name", to: "writer/table", note: "the connector has no such key"},
	{key: "starrocks.username", to: "writer/username"},
	{key: "starrocks.password", to: "writer/password"},

	{key: "bufferflush.maxbytes", absent: "94371840", note: "the limit of one load and of all rows in memory; 67108864 in the connector's code", put: bufferBytes, unless: silentWith("sink.buffer-flush.max-bytes")},
	{key: "sink.buffer-flush.max-bytes", note: "the connector has no such key; read as bufferflush.maxbytes", put: bufferBytes},
	{key: "bufferflush.intervalms", to: "writer/flushInterval", as: asWhole, absent: "1000", unless: silentWith("sink.buffer-flush.interval-ms")},
	{key: "sink.buffer-flush.interval-ms", to: "writer/flushInterval", as: asWhole, note: "the connector has no such key; read as bufferflush.intervalms"},
	{key: "sink.buffer-flush.max-rows", to: "writer/maxBatchRows", as: asWhole, note: "the connector has no such key"},
	{to: "writer/maxBatchRows", as: asWhole, absent: "2147483647", note: "the connector does not count the rows of a load", unless: silentOn("maxBatchRows")},
	{key: "connect.timeoutms", to: "writer/connectTimeoutMs", as: asWhole, there: "100 (its manual says 1000)", here: "1000", note: "100 ms are too short for a busy network"},
	{key: "sink.maxretries", absent: "3", note: "gx tries at most 10 times again, or for ever (-1), always under the same label", put: retries},
	{key: "sink.properties.format", absent: "json", put: loadFormat},
	{key: "sink.properties.*", note: "a property of Stream Load", put: func(d *draft, l *Line) {
		name := strings.ToLower(strings.TrimPrefix(l.Key, "sink.properties."))
		d.put(l, "writer/loadProps/"+name, options.Text(l.Value))
	}},

	{key: "value.converter", put: valueConverter, note: "the worker's, when the connector names none"},
	{key: "value.converter.schemas.enable", absent: "true", put: schemasEnable, note: "Java's default is true: without an envelope of schema and payload it fails"},
	{key: "value.converter.schema.registry.url", to: "reader/valueConverter/schemaRegistryUrl"},
	{key: "value.converter.*", put: func(_ *draft, l *Line) {
		l.fail("a setting of the converter", "give what the reader's valueConverter needs by hand")
	}, note: "no equivalent"},
	{key: "key.converter", status: Needless, note: "the connector loads the value only"},
	{key: "key.converter.*", status: Needless, note: "the connector loads the value only"},
	{key: "header.converter*", status: Needless, note: "the connector loads the value only"},
	{key: "transforms", put: transforms, note: "AddOpFieldForDebeziumRecord and Debezium's ExtractNewRecordState become messageFormat debezium-json; others have no equivalent"},
	{key: "transforms.*", put: transformKey, note: "as its transform"},
	{key: "predicates*", status: Unsupported, note: "conditions of transforms", try: "a transformer of gx that filters rows"},

	{key: "errors.tolerance", absent: "none", note: "none ends the job at the first bad message; with all, bad messages go to the dirty file and the job goes on", put: tolerance},
	{key: "errors.deadletterqueue.topic.name", put: deadLetters, note: "dirty records go to a file, with their reason, topic, partition and offset; setting.dirty of type kafka, with the brokers, sends them to this topic"},
	{key: "errors.deadletterqueue.*", status: Needless, note: "the dirty file is the state directory's"},
	{key: "errors.log.*", status: Needless, note: "gx reports dirty records with their reasons"},
	{key: "errors.retry.*", status: Needless, note: "converting is not retried: it fails the same way again"},

	{key: "bootstrap.servers", to: "reader/server", as: asList},
	{key: "offset.flush.interval.ms", to: "setting/checkpoint/intervalMs", as: asWhole, absent: "60000"},
	{key: "consumer.override.*", note: "a property of the consumer", put: func(d *draft, l *Line) {
		consumerProperty(d, l, strings.TrimPrefix(l.Key, "consumer.override."))
	}},
	{key: "consumer.*", note: "a property of the consumer, from the worker's file", put: func(d *draft, l *Line) {
		name := strings.TrimPrefix(l.Key, "consumer.")
		if _, beaten := d.config.get("consumer.override." + name); beaten {
			l.needless("consumer.override." + name + " beats it")
			return
		}
		consumerProperty(d, l, name)
	}},
	{to: "reader/autoOffsetReset", absent: "earliest", note: "Kafka Connect begins a new group at the first message",
		unless: func(d *draft) bool { return d.reader.Get("autoOffsetReset").Given() }},
	{to: "setting/mode", absent: "streaming", note: "a connector has no end"},
	{key: "isolation.level", there: isolation.there, here: isolation.here, note: isolation.note, try: isolation.try, put: workerOnly, unless: isolation.unless},

	{key: "plugin.path", status: Needless, note: "gx holds its plugins; --plugin-path is for others"},
	{key: "offset.storage.*", status: Needless, note: "positions are the consumer group's offsets"},
	{key: "config.storage.*", status: Needless, note: "the job is a file"},
	{key: "status.storage.*", status: Needless, note: "gx run is the job: its exit code and report are the status"},
	{key: "group.id", status: Needless, note: "the group of the workers; the job's own is connect-NAME"},
	{key: "rest.*", status: Needless, note: "gx run has no server"},
	{key: "listeners*", status: Needless, note: "gx run has no server"},
	{key: "admin.*", status: Needless, note: "gx makes no topics"},
	{key: "producer.*", status: Needless, note: "a sink produces nothing"},
	{key: "internal.*", status: Needless, note: "of the worker"},
	{key: "config.providers*", status: Needless, note: "gx knows ${env:NAME} and ${file:/path}"},
	{key: "config.action.reload", status: Needless, note: "secrets are read when the job starts"},
	{key: "task.shutdown.graceful.timeout.ms", status: Needless, note: "--drain-timeout"},
	{key: "security.*", status: Needless, note: "the worker's own connections; those of the sink are consumer.*"},
	{key: "sasl.*", status: Needless, note: "the worker's own connections; those of the sink are consumer.*"},
	{key: "ssl.*", status: Needless, note: "the worker's own connections; those of the sink are consumer.*"},
}

// connect reads the files of a worker and its connector, or the JSON that makes a connector through REST.
func connect(inputs []Input, o Options) (*draft, []options.Problem) {
	d, c := newDraft(o), &config{}
	connectors := 0
	for _, in := range inputs {
		before := len(c.pairs)
		if problems := readConnect(in, c); options.Failed(problems) {
			return nil, problems
		}
		for _, p := range c.pairs[before:] {
			if p.key == "connector.class" || p.key == "starrocks.http.url" {
				connectors++
				break
			}
		}
	}
	if connectors > 1 {
		return nil, []options.Problem{{Code: options.CodeConflict, Seen: fmt.Sprintf("%d connectors, and a job is one", connectors), Try: "the worker's file and one connector"}}
	}
	if class, ok := c.get("connector.class"); ok && class != sinkClass && class != sinkClass+"V2" && class != "StarRocksSinkConnector" {
		return nil, []options.Problem{{Code: options.CodeUnknownPlugin, Path: "connector.class", Seen: fmt.Sprintf("%q is no connector that gx stands in for", class), Want: sinkClass}}
	}
	workersOwn(c)
	d.apply(connectRules, c)
	if !d.reader.Get("server").Given() {
		d.give("reader/server", "server", "the brokers stand in the worker's file, bootstrap.servers: give that file too, or the address when the job runs")
	}
	_, topics := c.get("topics")
	_, regex := c.get("topics.regex")
	switch {
	case topics && regex:
		d.lines = append(d.lines, Line{Key: "topics.regex", Status: Unsupported, Note: "topics is given too, which Kafka Connect refuses", Try: "keep one"})
	case !topics && !regex:
		d.give("reader/topic", "topic", "no topics are given, which Kafka Connect refuses")
	}
	if !d.reader.Get("groupId").Given() {
		d.lines = append(d.lines, Line{Key: "name", Status: Give, To: "name", Note: "not given: the job is named after its file, and its group begins anew", Try: "--name"})
	}
	d.table()
	for _, need := range []struct{ key, variable, from string }{
		{"loadUrl", "loadUrl", "starrocks.http.url"}, {"selectedDatabase", "database", "starrocks.database.name"}, {"username", "username", "starrocks.username"}} {
		if !d.writer.Get(need.key).Given() {
			d.give("writer/"+need.key, need.variable, "the connector does not start without "+need.from)
		}
	}
	return d, nil
}

// readConnect reads one file. A connector's own converters beat the worker's by standing in a later file.
func readConnect(in Input, c *config) []options.Problem {
	if !strings.HasPrefix(strings.TrimSpace(string(in.Text)), "{") {
		return readProperties(in, c)
	}
	root, problems := options.Parse(in.Text)
	if options.Failed(problems) {
		return problems
	}
	body := root
	if config := root.Get("config"); config.Kind() == options.Object {
		if name := root.Get("name"); name.Given() && !config.Get("name").Given() {
			line, _ := name.Pos()
			c.add(pair{key: "name", value: name.Text(), file: in.Name, line: line})
		}
		for _, m := range root.Members() {
			if m.Key != "config" && m.Key != "name" {
				line, _ := m.Value.Pos()
				c.add(pair{key: m.Key, value: m.Value.String(), file: in.Name, line: line})
			}
		}
		body = config
	}
	return readObject(in.Name, body, c)
}

// workersOwn makes the connector's keys count where the worker's file came last.
func workersOwn(c *config) {
	var worker, connector []pair
	file := ""
	for _, p := range c.pairs {
		if p.key == "connector.class" || p.key == "starrocks.http.url" {
			file = p.file
		}
	}
	for _, p := range c.pairs {
		if p.file == file {
			connector = append(connector, p)
		} else {
			worker = append(worker, p)
		}
	}
	c.pairs = nil
	for _, p := range append(worker, connector...) {
		c.add(p)
	}
}

func connectName(d *draft, l *Line) {
	if strings.ContainsAny(l.Value, "/\\") {
		l.Status, l.Note = Differs, "slashes become dashes, since the name names files"
	}
	d.name = strings.NewReplacer("/", "-", `\`, "-").Replace(l.Value)
	d.set("reader/groupId", options.Text("connect-"+l.Value))
	l.To = "name"
}

func topicsRegex(d *draft, l *Line) {
	if _, err := regexp.Compile(l.Value); err != nil {
		l.failf("name the topics, or an expression of RE2", "gx cannot read this expression: %v", err)
		return
	}
	d.put(l, "reader/topicsRegex", options.Text(l.Value))
}

func topic2table(d *draft, l *Line) {
	l.Note = ""
	routes := options.Map()
	for part := range strings.SplitSeq(l.Value, ",") {
		topic, table, ok := strings.Cut(part, ":")
		topic, table = strings.TrimSpace(topic), strings.TrimSpace(table)
		if !ok || topic == "" || table == "" || routes.Get(topic).Given() {
			l.failf("topic:table,topic:table", "%q is no pair of its own; the connector drops the whole map then, and says so in its log only", part)
			return
		}
		routes = routes.With(topic, options.Text(table))
	}
	if topics := d.reader.Get("topic").Items(); len(topics) == 1 && !d.reader.Get("topicsRegex").Given() {
		if table := routes.Get(topics[0].Text()); table.Given() {
			d.put(l, "writer/table", table)
			return
		}
	}
	d.put(l, "writer/topic2table", routes)
}

// table names the table of a single topic, which the connector finds by the topic's name.
func (d *draft) table() {
	topics := d.reader.Get("topic").Items()
	if len(topics) != 1 || d.writer.Get("table").Given() || d.writer.Get("topic2table").Given() {
		return
	}
	topic := topics[0].Text()
	if strings.ContainsAny(topic, ".-") {
		d.lines = append(d.lines, Line{Key: "starrocks.topic2table.map", Status: Unsupported, Note: fmt.Sprintf("the topic %q is no name of a table", topic), Try: topic + ":table"})
		return
	}
	d.lines = append(d.lines, Line{Key: "starrocks.topic2table.map", Status: Default, To: d.set("writer/table", options.Text(topic)), Value: topic, Note: "the table has the name of the topic"})
}
