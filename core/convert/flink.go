package convert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gx-etl/gx/job/options"
)

// flinkSinkRules are the options of the StarRocks connector as a sink. Defaults are those of its manual.
var flinkSinkRules = []rule{
	{key: "connector", status: Needless, note: "the writer is starrocks"},
	{key: "jdbc-url", to: "writer/jdbcUrl"},
	{key: "load-url", to: "writer/loadUrl", as: asSemicolon},
	{key: "database-name", to: "writer/selectedDatabase"},
	{key: "table-name", to: "writer/table"},
	{key: "username", to: "writer/username"},
	{key: "password", to: "writer/password"},
	{key: "sink.semantic", absent: "at-least-once", put: semantic},
	{key: "sink.version", put: func(_ *draft, l *Line) {
		l.needless("gx uses Stream Load with labels of its own, whatever the version")
	}, note: "gx uses Stream Load with labels of its own, whatever the version"},
	{key: "sink.label-prefix", to: "writer/labelPrefix"},
	{key: "sink.buffer-flush.max-bytes", absent: "94371840", note: "the limit of one load and of all rows in memory", put: bufferBytes},
	{key: "sink.buffer-flush.max-rows", to: "writer/maxBatchRows", as: asWhole, absent: "500000", note: "V2 of the connector does not count rows"},
	{key: "sink.buffer-flush.interval-ms", absent: "300000", put: flushInterval, note: "a checkpoint of Flink loads what is gathered, so the shorter of both counts"},
	{key: "sink.buffer-flush.enqueue-timeout-ms", status: Needless, note: "a full buffer makes the reader wait, without a limit"},
	{key: "sink.max-retries", absent: "3", put: retries, note: "V2 of the connector has no retries of its own"},
	{key: "sink.connect.timeout-ms", to: "writer/connectTimeoutMs", as: asWhole, absent: "1000", note: "newer releases of the connector: 30000"},
	{key: "sink.socket.timeout-ms", put: socketTimeout, there: "-1 (none)", here: "0, which is 660 s", note: "httpTimeoutSec bounds a load and its answer"},
	{key: "sink.wait-for-continue.timeout-ms", status: Needless, note: "connectTimeoutMs and httpTimeoutSec bound a load"},
	{key: "sink.ignore.update-before", put: ignoreBefore, absent: "true", note: "gx always leaves the old row of an update out"},
	{key: "sink.parallelism", to: "setting/speed/concurrent", as: asWhole},
	{key: "sink.chunk-limit", status: Needless, note: "maxBatchSize is the limit of a load"},
	{key: "sink.scan-frequency.ms", status: Needless, note: "gx looks at its buffers at once"},
	{key: "sink.io.thread-count", status: Needless, note: "each lane loads by itself; setting.speed.concurrent"},
	{key: "sink.at-least-once.use-transaction-stream-load", status: Needless, note: "gx uses Stream Load with labels of its own"},
	{key: "sink.metric.*", status: Needless, note: "gx reports by itself"},
	{key: "sink.sanitize-error-log", status: Needless, note: "gx never prints secrets"},
	{key: "sink.properties.format", absent: "csv", put: loadFormat},
	{key: "sink.properties.column_separator", to: "writer/loadProps/column_separator", there: `\t`, here: `\x01`, note: "the rows are the same; gx takes a character that text seldom holds", unless: jsonLoads},
	{key: "sink.properties.row_delimiter", to: "writer/loadProps/row_delimiter", there: `\n`, here: `\x02`, note: "the rows are the same; gx takes a character that text seldom holds", unless: jsonLoads},
	{key: "sink.properties.*", to: "writer/loadProps/*", note: "a property of Stream Load"},
	{key: "scan.*", status: Unsupported, note: "for reading from StarRocks", try: "a job of its own, with a starrocks reader"},
	{key: "lookup.*", status: Unsupported, note: "for joins with StarRocks", try: "a table in StarRocks, joined there"},
}

// flinkSetRules are the settings of Flink that a job of gx knows.
var flinkSetRules = []rule{
	{key: "pipeline.name", note: "the name of the job", put: func(d *draft, l *Line) {
		d.name, l.To = strings.NewReplacer("/", "-", `\`, "-").Replace(l.Value), "name"
	}},
	{key: "execution.runtime-mode", absent: "streaming", put: runtimeMode, note: "a source with a bound makes it a batch"},
	{key: "execution.checkpointing.interval", put: checkpointInterval, note: "positions move as often; gx loads by flushInterval"},
	{key: "parallelism.default", to: "setting/speed/concurrent", as: asWhole, absent: "1", note: "sink.parallelism beats it",
		unless: func(d *draft) bool { return d.setting.Get("speed").Given() }},
	{key: "table.local-time-zone", status: Differs, note: "gx hands times on as they are in the message"},
	{key: "*", status: Needless, note: "of Flink's engine"},
}

// flink reads Flink SQL: a sink of the StarRocks connector, and its source when the file has one.
func flink(in Input, o Options) (*draft, []options.Problem) {
	s, err := parseSQL(string(in.Text))
	if err != nil {
		return nil, []options.Problem{{Code: options.CodeSyntax, Seen: in.Name + ": " + err.Error()}}
	}
	f := &flinkJob{draft: newDraft(o), script: s, file: in.Name}
	if !f.choose() {
		return nil, []options.Problem{{Code: options.CodeMissing, Seen: "no CREATE TABLE … WITH ('connector' = 'starrocks', …) that is written to", Try: "the statement that makes the sink"}}
	}
	d := f.draft
	d.apply(flinkSinkRules, f.config(f.sink))
	f.readSource()
	sets := &config{}
	for _, p := range s.sets {
		if p.key == "sink.parallelism" {
			continue
		}
		p.file = in.Name
		sets.add(p)
	}
	if _, ok := f.config(f.sink).get("sink.parallelism"); ok {
		for i := range sets.pairs {
			if p := &sets.pairs[i]; p.key == "parallelism.default" {
				p.claimed = true
				d.lines = append(d.lines, Line{Key: p.key, File: p.file, Line: p.line, Value: p.value, Status: Needless, Note: "sink.parallelism beats it", order: p.order})
			}
		}
	}
	d.apply(flinkSetRules, sets)
	f.columns()
	f.leftover()
	for i := range d.lines { // the order of several lists: that of the file
		if d.lines[i].Line > 0 {
			d.lines[i].order = d.lines[i].Line
		}
	}
	return d, nil
}

// flinkJob is one sink with its source.
type flinkJob struct {
	*draft
	script       *script
	file         string
	sink, source *sqlCreate
	insert       *sqlInsert
	missing      int // values that no key gives
}

func (t *sqlCreate) connector() string {
	for _, p := range t.options {
		if p.key == "connector" {
			return strings.ToLower(p.value)
		}
	}
	return ""
}

// choose finds the INSERT into a StarRocks table, or the first such table, and the source.
func (f *flinkJob) choose() bool {
	find := func(name string) *sqlCreate {
		i := slices.IndexFunc(f.script.tables, func(t *sqlCreate) bool { return strings.EqualFold(t.name, name) })
		if i < 0 {
			return nil
		}
		return f.script.tables[i]
	}
	for _, i := range f.script.inserts {
		if t := find(i.into); t != nil && t.connector() == "starrocks" {
			f.insert, f.sink, f.source = i, t, find(i.from)
			break
		}
	}
	for _, t := range f.script.tables {
		switch kind := t.connector(); {
		case f.sink == nil && kind == "starrocks":
			f.sink = t
		case f.source == nil && f.insert == nil && (kind == "kafka" || kind == "upsert-kafka"):
			f.source = t
		}
	}
	return f.sink != nil
}

func (f *flinkJob) config(t *sqlCreate) *config {
	c := &config{}
	for _, p := range t.options {
		p.file = f.file
		c.add(p)
	}
	return c
}

// leftover names what the script says beside the one sink and its source.
func (f *flinkJob) leftover() {
	add := func(key string, line int, status Status, note, try string) {
		f.lines = append(f.lines, Line{Key: key, File: f.file, Line: line, Status: status, Note: note, Try: try})
	}
	for _, t := range f.script.tables {
		switch {
		case t != f.sink && t != f.source:
			add("CREATE TABLE "+t.name, t.line, Unsupported, "not part of the job", "convert it on its own")
		case len(t.extra) > 0:
			for _, e := range t.extra {
				if e == "LIKE" || e == "AS" {
					add("CREATE TABLE "+t.name+" "+e, t.line, Unsupported, "its options stand elsewhere", "write them out")
				} else {
					add("CREATE TABLE "+t.name+" "+e, t.line, Needless, "rows go on as they come", "")
				}
			}
		}
		if t == f.sink && len(t.primary) > 0 {
			add("PRIMARY KEY", t.line, Needless, "not enforced by Flink either; the key is that of the table in StarRocks", "")
		}
	}
	for _, i := range f.script.inserts {
		if i != f.insert {
			add("INSERT INTO "+i.into, i.line, Unsupported, "a job has one target", "convert it on its own")
		}
	}
	for _, p := range f.script.other {
		status, note, try := Unsupported, "a statement that is not read", "what it does must be done elsewhere"
		for _, harmless := range []string{"USE", "ADD JAR", "SHOW", "CREATE CATALOG", "CREATE DATABASE", "RESET", "LOAD MODULE", "DROP TABLE"} {
			if strings.HasPrefix(strings.ToUpper(p.key), harmless) {
				status, note, try = Needless, "a job of gx needs no catalog", ""
			}
		}
		add(p.key, p.line, status, note, try)
	}
}

func semantic(d *draft, l *Line) {
	switch strings.ToLower(l.Value) {
	case "at-least-once", "exactly-once":
		d.put(l, "setting/deliveryGuarantee", options.Text(strings.ToLower(l.Value)))
	default:
		l.failf("at-least-once", "%q is no semantic", l.Value)
	}
}

func ignoreBefore(_ *draft, l *Line) {
	if strings.EqualFold(l.Value, "false") {
		l.fail("gx always leaves the old row of an update out", "leave it out, unless updates change the key: then a delete must be in the source")
		return
	}
	l.needless("gx leaves the old row of an update out, too")
}

func socketTimeout(d *draft, l *Line) {
	v, why := asWhole.value(l.Value)
	switch {
	case why != "":
		l.fail(why, "")
	case strings.HasPrefix(v.Text(), "-") || v.Text() == "0":
		l.Status, l.There, l.Here = Differs, "none", "0, which is 660 s"
	default:
		ms := must(v)
		d.put(l, "writer/httpTimeoutSec", whole((ms+999)/1000))
	}
}

// must is the number of a value that asWhole made.
func must(v options.Value) (n int64) {
	_, _ = fmt.Sscan(v.Text(), &n)
	return n
}

func runtimeMode(d *draft, l *Line) {
	mode := strings.ToLower(l.Value)
	bounded := d.setting.Get("mode").Text() == "batch"
	switch {
	case mode == "automatic" && bounded, mode == "batch":
		mode = "batch"
	case bounded && l.Status == Default:
		l.Status = "" // the source has said so
		return
	case mode == "automatic" || mode == "streaming":
		mode = "streaming"
	default:
		l.failf("streaming or batch", "%q is no mode", l.Value)
		return
	}
	if bounded && mode == "streaming" {
		l.Status, l.To, l.Note = Differs, "setting.mode", "the source has an end, so the job is a batch"
		return
	}
	d.put(l, "setting/mode", options.Text(mode))
}

// flushInterval loads as often as Flink does: by its own clock, or at checkpoints when those come more often.
func flushInterval(d *draft, l *Line) {
	v, why := asWhole.value(l.Value)
	if why != "" {
		l.fail(why, "300000")
		return
	}
	d.put(l, "writer/flushInterval", v)
}

func checkpointInterval(d *draft, l *Line) {
	every, ok := flinkDuration(l.Value)
	if !ok {
		l.failf("60s", "%q is no duration", l.Value)
		return
	}
	if every <= 0 {
		l.needless("checkpoints are off; gx always keeps its positions")
		return
	}
	d.put(l, "setting/checkpoint/intervalMs", whole(max(100, every)))
	exactly := d.setting.Get("deliveryGuarantee").Text() == "exactly-once"
	if now := d.writer.Get("flushInterval"); exactly || must(now) > every {
		l.To += ", " + d.set("writer/flushInterval", whole(every))
		l.Note = "Flink loads at every checkpoint, which comes before its buffer-flush.interval-ms"
		return
	}
	l.Note = ""
}

// flinkDuration reads what Flink takes as a duration, in ms: 10000, 10s, "10 min", 1 h.
func flinkDuration(text string) (ms int64, ok bool) {
	text = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), " ", ""))
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	var n int64
	if _, err := fmt.Sscan(text[:digits], &n); err != nil || n > 1<<40 {
		return 0, false
	}
	unit := map[string]time.Duration{"": time.Millisecond, "ms": time.Millisecond, "milli": time.Millisecond, "millis": time.Millisecond, "millisecond": time.Millisecond, "milliseconds": time.Millisecond,
		"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
		"m": time.Minute, "min": time.Minute, "minute": time.Minute, "minutes": time.Minute,
		"h": time.Hour, "hour": time.Hour, "hours": time.Hour, "d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour}[text[digits:]]
	if unit == 0 {
		return 0, false
	}
	return n * unit.Milliseconds(), true
}
