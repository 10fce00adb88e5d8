package convert

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gx-etl/gx/job/options"
)

// sparkRules are the options of the StarRocks connector for Spark, and those of Spark's own Kafka source, for files that hold
// both. Defaults are those of the connector's manual.
var sparkRules = []rule{
	{key: "starrocks.fe.http.url", to: "writer/loadUrl", as: asList},
	{key: "starrocks.fenodes", to: "writer/loadUrl", as: asList, note: "the old name of starrocks.fe.http.url"},
	{key: "starrocks.fe.jdbc.url", to: "writer/jdbcUrl"},
	{key: "starrocks.table.identifier", note: "db.table", put: tableIdentifier},
	{key: "starrocks.user", to: "writer/username"},
	{key: "user", to: "writer/username", note: "the short name of starrocks.user"},
	{key: "starrocks.password", to: "writer/password"},
	{key: "password", to: "writer/password", note: "the short name of starrocks.password"},
	{key: "starrocks.columns", put: sparkColumns, note: "on both sides: the field of the message has the name of the column"},
	{key: "starrocks.column.types", status: Needless, note: "StarRocks knows the types of its columns"},
	{key: "starrocks.write.label.prefix", to: "writer/labelPrefix", there: "spark-", here: "the name of the job"},
	{key: "starrocks.write.enable.transaction-stream-load", status: Needless, note: "gx uses Stream Load with labels of its own"},
	{key: "starrocks.write.buffer.size", absent: "104857600", note: "the limit of one load", put: sparkBuffer},
	{key: "starrocks.write.buffer.rows", to: "writer/maxBatchRows", as: asWhole, absent: "2147483647"},
	{key: "starrocks.write.flush.interval.ms", to: "writer/flushInterval", as: asWhole, absent: "300000"},
	{key: "starrocks.write.max.retries", absent: "3", put: retries},
	{key: "starrocks.write.retry.interval.ms", status: Differs, there: "10000", here: "1 s, doubled up to 10 s", note: "gx waits longer from time to time"},
	{key: "starrocks.write.num.partitions", to: "setting/speed/concurrent", as: asWhole, absent: "1"},
	{key: "starrocks.write.partition.columns", status: Needless, note: "lanes take the partitions of the topic"},
	{key: "starrocks.write.properties.format", absent: "csv", put: loadFormat},
	{key: "starrocks.write.properties.column_separator", to: "writer/loadProps/column_separator", there: `\t`, here: `\x01`, note: "the rows are the same; gx takes a character that text seldom holds", unless: jsonLoads},
	{key: "starrocks.write.properties.row_delimiter", to: "writer/loadProps/row_delimiter", there: `\n`, here: `\x02`, note: "the rows are the same; gx takes a character that text seldom holds", unless: jsonLoads},
	{key: "starrocks.write.properties.*", to: "writer/loadProps/*", note: "a property of Stream Load"},
	{key: "starrocks.write.wait-for-continue.timeout.ms", status: Needless, note: "connectTimeoutMs and httpTimeoutSec bound a load"},
	{key: "starrocks.write.socket.timeout.ms", put: socketTimeout, note: "httpTimeoutSec bounds a load and its answer"},
	{key: "starrocks.write.chunk.limit", status: Needless, note: "maxBatchSize is the limit of a load"},
	{key: "starrocks.write.scan-frequency.ms", status: Needless, note: "gx looks at its buffers at once"},
	{key: "starrocks.write.thread.count", status: Needless, note: "each lane loads by itself; setting.speed.concurrent"},
	{key: "starrocks.timezone", status: Unsupported, note: "gx hands times on as they are in the message", try: "messages whose times are in the zone of the table"},
	{key: "starrocks.filter.*", status: Unsupported, note: "for reading from StarRocks", try: "a job of its own, with a starrocks reader"},
	{key: "starrocks.request.*", status: Needless, note: "connectTimeoutMs and queryTimeoutSec of the writer"},
	{key: "starrocks.exec.mem.limit", status: Needless, note: "for reading from StarRocks"},
	{key: "starrocks.batch.size", status: Needless, note: "for reading from StarRocks"},
	{key: "mode", put: sparkMode, note: "append"},
	{key: "checkpointLocation", status: Needless, note: "positions are the consumer group's offsets"},
	{key: "trigger", put: sparkTrigger, note: "the interval of the loads"},

	{key: "kafka.bootstrap.servers", to: "reader/server", as: asList},
	{key: "subscribe", to: "reader/topic", as: asList},
	{key: "subscribePattern", put: topicsRegex, note: "Java's look-around and back references have no equivalent"},
	{key: "assign", status: Unsupported, note: "partitions by hand", try: "topic and partition of the reader, in batch"},
	{key: "startingOffsets", absent: "earliest", put: sparkStart, note: "a stream begins at the latest",
		unless: func(d *draft) bool {
			return !d.reader.Get("topic").Given() && !d.reader.Get("topicsRegex").Given() || d.config.or("startingTimestamp", "") != ""
		}},
	{key: "endingOffsets", put: sparkEnd},
	{key: "startingTimestamp", to: "reader/beginTimestampMillis", as: asWhole},
	{key: "endingTimestamp", to: "reader/endTimestampMillis", as: asWhole},
	{key: "failOnDataLoss", absent: "true", put: dataLoss},
	{key: "kafka.group.id", to: "reader/groupId"},
	{key: "groupIdPrefix", status: Needless, note: "groupId of the reader"},
	{key: "maxOffsetsPerTrigger", status: Needless, note: "setting.speed.record limits rows per second"},
	{key: "minPartitions", status: Needless, note: "setting.speed.concurrent"},
	{key: "includeHeaders", status: Needless, note: "__headers__ in the reader's column"},
	{key: "kafka.*", note: "a property of the consumer", put: func(d *draft, l *Line) {
		consumerProperty(d, l, strings.TrimPrefix(l.Key, "kafka."))
	}},
	{to: "setting/mode", put: sparkStreaming, absent: "batch", note: "streaming with readStream or writeStream"},
	{to: "setting/errorLimit/record", absent: "0", note: "Spark fails at the first row that it cannot write"},
}

var (
	sparkCode    = regexp.MustCompile(`(?i)\.options?\s*\(|\bOPTIONS\s*\(|\bTBLPROPERTIES\s*\(`)
	sparkPair    = regexp.MustCompile(`(?:"([^"\n]+)"|'([^'\n]+)')\s*(?:,|=>|->|=|:)\s*(?:"([^"\n]*)"|'([^'\n]*)'|([0-9]+|true|false)\b)`)
	sparkCall    = regexp.MustCompile(`\.mode\(\s*["']([A-Za-z]+)["']\s*\)`)
	sparkClock   = regexp.MustCompile(`\.trigger\(.*?["']([^"']+)["']`)
	sparkStream  = regexp.MustCompile(`\b(readStream|writeStream)\b`)
	sparkComment = regexp.MustCompile(`(?m)^\s*(//|#|--).*$`)
	sparkOwn     = regexp.MustCompile(`^(starrocks\.|kafka\.|user$|password$|subscribe|assign$|startingOffsets$|endingOffsets$|startingTimestamp$|endingTimestamp$|failOnDataLoss$|checkpointLocation$|maxOffsetsPerTrigger$|minPartitions$|includeHeaders$|groupIdPrefix$)`)
)

// spark reads options in any form in which people keep them.
func spark(in Input, o Options) (*draft, []options.Problem) {
	c := &config{}
	var problems []options.Problem
	switch text := strings.TrimSpace(string(in.Text)); {
	case !utf8.Valid(in.Text):
		return nil, []options.Problem{{Code: options.CodeSyntax, Seen: in.Name + " is not UTF-8"}}
	case strings.HasPrefix(text, "{"):
		var root options.Value
		if root, problems = options.Parse(in.Text); !options.Failed(problems) {
			problems = readObject(in.Name, root, c)
		}
	case sparkCode.MatchString(text):
		readSparkCode(in, c)
	default:
		problems = readProperties(in, c)
	}
	if options.Failed(problems) {
		return nil, problems
	}
	d := newDraft(o)
	d.apply(sparkRules, c)
	for _, need := range []struct{ to, variable, from string }{
		{"reader/server", "server", "Spark's source is not in the file: the brokers to read"},
		{"reader/topic", "topic", "Spark's source is not in the file: the topic to read"},
		{"writer/loadUrl", "loadUrl", "the connector does not start without starrocks.fe.http.url"},
		{"writer/table", "table", "the connector does not start without starrocks.table.identifier"},
		{"writer/username", "username", "the connector does not start without starrocks.user"},
	} {
		side, key, _ := strings.Cut(need.to, "/")
		part := d.writer
		if side == "reader" {
			part = d.reader
		}
		if !part.Get(key).Given() && (key != "topic" || !part.Get("topicsRegex").Given()) {
			d.give(need.to, need.variable, need.from)
		}
	}
	return d, nil
}

// readSparkCode finds the options in code or SQL.
func readSparkCode(in Input, c *config) {
	text := sparkComment.ReplaceAllString(string(in.Text), "")
	line := func(at int) int { return 1 + strings.Count(text[:at], "\n") }
	for _, m := range sparkPair.FindAllStringSubmatchIndex(text, -1) {
		group := func(n ...int) string {
			for _, i := range n {
				if m[2*i] >= 0 {
					return text[m[2*i]:m[2*i+1]]
				}
			}
			return ""
		}
		if key := group(1, 2); sparkOwn.MatchString(key) {
			c.add(pair{key: key, value: group(3, 4, 5), file: in.Name, line: line(m[0])})
		}
	}
	if m := sparkCall.FindStringSubmatchIndex(text); m != nil {
		c.add(pair{key: "mode", value: text[m[2]:m[3]], file: in.Name, line: line(m[0])})
	}
	if m := sparkClock.FindStringSubmatchIndex(text); m != nil {
		c.add(pair{key: "trigger", value: text[m[2]:m[3]], file: in.Name, line: line(m[0])})
	}
	c.streaming = sparkStream.MatchString(text)
}

func sparkStreaming(d *draft, l *Line) {
	if d.config.streaming {
		l.Value = "streaming"
	}
	l.To = d.set("setting/mode", options.Text(l.Value))
}

func tableIdentifier(d *draft, l *Line) {
	db, table, ok := strings.Cut(strings.ReplaceAll(l.Value, "`", ""), ".")
	if !ok || db == "" || table == "" {
		l.failf("db.table", "%q is no db.table", l.Value)
		return
	}
	l.Note = ""
	l.To = d.set("writer/selectedDatabase", options.Text(db))
	l.To += ", " + d.set("writer/table", options.Text(table))
}

func sparkColumns(d *draft, l *Line) {
	v, _ := asList.value(strings.ReplaceAll(l.Value, "`", ""))
	d.set("reader/column", v)
	d.put(l, "writer/column", v)
}

// sparkBuffer is the limit of one load alone: Spark has such a buffer in each of its tasks.
func sparkBuffer(d *draft, l *Line) {
	n, err := strconv.ParseInt(strings.TrimSpace(l.Value), 10, 64)
	if err != nil || n <= 0 {
		l.failf("104857600", "%q is no number of bytes", l.Value)
		return
	}
	if n > maxJSONLoad {
		l.Status, l.Note = Differs, "loads end at 104857600 bytes, the most that StarRocks takes as JSON"
		n = maxJSONLoad
	}
	l.To = d.set("writer/maxBatchSize", whole(n))
	l.To += ", " + d.set("writer/totalBufferBytes", whole(max(n, 94371840)))
}

func sparkMode(_ *draft, l *Line) {
	switch strings.ToLower(l.Value) {
	case "append":
		l.needless("a job of gx adds rows")
	case "overwrite":
		l.fail("a job of gx adds rows", `"preSql": ["truncate table @table"] in `+writerPath)
	default:
		l.failf("append", "gx has no mode %q", l.Value)
	}
}

func sparkTrigger(d *draft, l *Line) {
	ms, ok := flinkDuration(l.Value)
	if !ok || ms <= 0 {
		l.failf(`"flushInterval"`, "%q is no interval", l.Value)
		return
	}
	l.Note = ""
	d.put(l, "writer/flushInterval", whole(min(ms, 3600000)))
}

func dataLoss(d *draft, l *Line) {
	v, why := asFlag.value(l.Value)
	if why != "" {
		l.fail(why, "true or false")
		return
	}
	l.To = d.set("reader/autoOffsetReset", options.Text(map[string]string{"true": "none", "false": "earliest"}[v.Text()]))
}

func sparkStart(d *draft, l *Line) {
	if l.Status == Default && d.config.streaming {
		l.Value = "latest"
	}
	sparkOffsets(d, l, "reader/beginOffset", "reader/beginType")
}

func sparkEnd(d *draft, l *Line) { sparkOffsets(d, l, "reader/endOffset", "reader/endType") }

// sparkOffsets reads earliest, latest or {"topic":{"0":23,"1":-2}}, where -2 is the first and -1 the last.
func sparkOffsets(d *draft, l *Line, to, kind string) {
	end := strings.HasSuffix(kind, "endType")
	switch word := strings.ToLower(strings.TrimSpace(l.Value)); {
	case word == "earliest" && !end:
		d.put(l, kind, options.Text("earliest"))
	case word == "latest" && end:
		d.put(l, kind, options.Text("latest"))
	case word == "latest":
		d.put(l, to, options.Text("seekToEnd"))
	default:
		root, problems := options.Parse([]byte(l.Value))
		if options.Failed(problems) || root.Kind() != options.Object {
			l.failf(`{"topic":{"0":23}}`, "%q names no offsets", l.Value)
			return
		}
		out := options.Map()
		for _, topic := range root.Members() {
			for _, p := range topic.Value.Members() {
				v := p.Value.Unplaced()
				switch {
				case v.Text() == "-2" && !end:
					v = options.Text("seekToBeginning")
				case v.Text() == "-1" && !end:
					v = options.Text("seekToEnd")
				case v.Text() == "-1": // the present end, which is what a partition without an end has
					continue
				case v.Kind() != options.Number:
					l.failf(`{"topic":{"0":23}}`, "%s is no offset", v)
					return
				}
				out = out.With(topic.Key+"/"+p.Key, v)
			}
		}
		if len(out.Members()) > 0 {
			d.put(l, to, out)
			return
		}
		l.needless("the present end, as without it")
	}
}
