package kafka

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/kafka/compose"
	"github.com/gx-etl/gx/plugins/kafka/produce"
)

// WriterOptions are the parameters of the Kafka writer.
type WriterOptions struct {
	Server          []string `json:"server" gx:"required,list,alias=bootstrap.servers|bootstrapServers" doc:"Brokers to begin with, host:port each; a comma list or a list."`
	Topic           string   `json:"topic" gx:"emptyIsUnset" doc:"Where all rows go. Without it a row goes to the topic in its column __topic__, or to the one that the reader names for its batch: a Kafka reader names its own topics."`
	AllowAutoCreate bool     `json:"allowAutoCreate" default:"false" doc:"Lets the brokers make a topic that is not there, where they do that (auto.create.topics.enable). Otherwise a missing topic is an error before anything is read."`

	Column        []string `json:"column" doc:"Names of the columns, by position; by default those that the reader gives. A reader of documents is asked for the fields of these names."`
	MessageFormat string   `json:"messageFormat" default:"json" gx:"alias=valueFormat,enum=json|csv|text|raw" doc:"What the value of a message is: a JSON object of the columns, or the document that the reader gives; csv, the texts of the columns with a delimiter; text, the only column; raw, the bytes of the column __value__."`
	ValueColumns  []string `json:"valueColumns" gx:"list" doc:"Columns of the value; by default all but those that stand for a part of the message, such as __key__."`
	KeyColumns    []string `json:"keyColumns" gx:"list" doc:"Columns of the key, which stay in the value too; by default the column __key__ where there is one, else there is no key."`
	KeyFormat     string   `json:"keyFormat" gx:"enum=text|json|raw,emptyIsUnset" doc:"How keyColumns become a key: text or raw bytes of one column, or json, an object of them. By default text for one column, json for several. NULL as text or raw is no key."`

	Headers         map[string]string `json:"headers" doc:"Headers that every message gets, as an object of texts."`
	HeaderColumns   []string          `json:"headerColumns" gx:"list" doc:"Columns that become headers of their name, after those in the column __headers__; NULL is a header without a value."`
	TimestampColumn string            `json:"timestampColumn" gx:"emptyIsUnset" doc:"Column of the time of a message: Unix milliseconds or a timestamp. By default __timestamp__ where there is one; a row without a time gets the present one."`

	FieldDelimiter string `json:"fieldDelimiter" default:"," doc:"Stands between the cells of csv: 1 to 16 bytes, also as \\t or \\x01."`
	Quote          string `json:"quote" default:"\"" doc:"Stands around cells of csv that hold a delimiter, a quote or a line break; doubled within. Empty: no quotes, and such a row is dirty."`
	NullFormat     string `json:"nullFormat" doc:"What stands for NULL in csv; a text that says the same is quoted. By default nothing."`

	Partitioner string `json:"partitioner" gx:"enum=hash|roundRobin|sticky|random|manual,emptyIsUnset" doc:"hash: by the key, as Java's clients do it, and without a key one partition after the other as they fill. sticky: that for all rows. roundRobin and random: row by row. manual: the number in the column __partition__, by hash where it is NULL. Default: hash."`
	Compression string `json:"compression" gx:"enum=none|gzip|snappy|lz4|zstd,emptyIsUnset" doc:"Of the record batches. Default: none."`
	Acks        string `json:"acks" gx:"emptyIsUnset" doc:"Who must have a record before its row counts as written: all replicas that are in sync (all, or -1), or the leader alone (1). Default: all."`
	Idempotent  *bool  `json:"idempotent" doc:"Lets the brokers drop what arrives twice within a run, and keeps the order of a partition when records are sent again. Default: true with acks all."`

	dataWorksWriter

	KafkaConfig map[string]options.Value `json:"kafkaConfig" gx:"secret,alias=customClientProps" doc:"Properties of the Java producer, as an object or a JSON string: linger.ms (5), batch.size (921600), max.request.size (16777216), delivery.timeout.ms (120000), retries, request.timeout.ms (30000), compression levels, security.protocol, sasl.*, ssl.* and more. Unknown ones are ignored with a warning."`
}

// Check reports every problem that can be seen without a broker.
func (o *WriterOptions) Check(path string) []options.Problem {
	_, problems := o.resolve(path)
	return problems
}

// writing is what WriterOptions come to.
type writing struct {
	settings // of which a writer uses the addresses and the link
	form     compose.Form
}

// writerResolver gathers problems under the path of the parameter object.
type writerResolver struct {
	resolver
	o *WriterOptions
	w writing
}

func (o *WriterOptions) resolve(path string) (writing, []options.Problem) {
	r := &writerResolver{o: o}
	r.path = path
	r.resolver.o = &Options{Server: o.Server}
	r.s.link = defaultLink()
	r.s.link.out = defaultOutbound()
	r.addresses()
	if o.Topic != "" && (!legalTopic.MatchString(o.Topic) || o.Topic == "." || o.Topic == "..") {
		r.wrong(options.CodeNotAllowed, "topic", strconv.Quote(o.Topic)+" cannot be the name of a topic", "up to 249 letters, digits, . _ and -", "")
	}
	o.refused(r.wrong)
	r.names()
	r.formats()
	r.csv()
	applyProperties(&r.s.link, o.KafkaConfig, producerProperties, "writer", r.add)
	r.sending()
	r.w.settings = r.s
	return r.w, r.problems
}

// names looks at lists of columns.
func (r *writerResolver) names() {
	o, f := r.o, &r.w.form
	for key, list := range map[string][]string{"column": o.Column, "valueColumns": o.ValueColumns, "keyColumns": o.KeyColumns, "headerColumns": o.HeaderColumns} {
		seen := map[string]bool{}
		for i, name := range list {
			if name == "" || name == "*" || seen[name] {
				r.problems = append(r.problems, options.Problem{Code: options.CodeNotAllowed, Path: options.At(options.Join(r.path, key), i),
					Seen: strconv.Quote(name) + " is empty, stands for many, or is there twice", Want: "a name of its own for each column"})
			}
			seen[name] = true
			if key != "column" && o.Column != nil && !slices.Contains(o.Column, name) {
				r.add(options.Problem{Code: options.CodeNotAllowed, Seen: fmt.Sprintf("%q is none of the names in column", name), Want: strings.Join(o.Column, ", ")}, key)
			}
		}
	}
	if t := o.TimestampColumn; t != "" && o.Column != nil && !slices.Contains(o.Column, t) {
		r.wrong(options.CodeNotAllowed, "timestampColumn", fmt.Sprintf("%q is none of the names in column", t), strings.Join(o.Column, ", "), "")
	}
	f.Columns, f.Value, f.Key, f.Headers, f.Timestamp = o.Column, o.ValueColumns, o.KeyColumns, o.HeaderColumns, o.TimestampColumn
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		f.Constants = append(f.Constants, compose.Constant{Name: name, Value: o.Headers[name]})
	}
}

var writtenFormats = map[string]compose.Format{"json": compose.JSON, "csv": compose.CSV, "text": compose.Text, "raw": compose.Raw}

func (r *writerResolver) formats() {
	o, f := r.o, &r.w.form
	f.Format = writtenFormats[o.MessageFormat]
	switch {
	case f.Format == compose.Raw && o.ValueColumns != nil:
		r.wrong(options.CodeConflict, "valueColumns", "with messageFormat raw the value is the column "+compose.ValueColumn, "", "leave it out")
	case f.Format == compose.Text && len(o.ValueColumns) > 1:
		r.wrong(options.CodeConflict, "valueColumns", fmt.Sprintf("messageFormat text writes one column, and there are %d", len(o.ValueColumns)), "", "keep one")
	}
	format := o.KeyFormat
	switch {
	case format == "" && len(o.KeyColumns) > 1:
		format = "json"
	case format != "" && len(o.KeyColumns) == 0:
		r.note(options.CodeIgnored, "keyFormat", "has no effect without keyColumns")
	case format != "" && format != "json" && len(o.KeyColumns) > 1:
		r.wrong(options.CodeConflict, "keyFormat", fmt.Sprintf("%s takes one column, and keyColumns has %d", format, len(o.KeyColumns)), "json", "json")
	}
	f.KeyFormat = map[string]compose.KeyFormat{"": compose.KeyText, "text": compose.KeyText, "json": compose.KeyJSON, "raw": compose.KeyRaw}[format]
}

func (r *writerResolver) csv() {
	o, f := r.o, &r.w.form
	var err error
	if f.Delimiter, err = unescape(o.FieldDelimiter); err != nil {
		r.wrong(options.CodeNotAllowed, "fieldDelimiter", err.Error(), `1 to 16 bytes, also as \t or \x01`, ",")
		return
	}
	if strings.ContainsAny(string(f.Delimiter), "\r\n") {
		r.wrong(options.CodeNotAllowed, "fieldDelimiter", "a line break cannot stand between cells", "", ",")
	}
	switch q := o.Quote; {
	case q == "":
	case len(q) > 1 || q[0] >= 0x80 || q[0] < ' ':
		r.wrong(options.CodeNotAllowed, "quote", strconv.Quote(q)+" is not one ASCII character", "", `"`)
	case strings.Contains(string(f.Delimiter), q):
		r.wrong(options.CodeConflict, "quote", strconv.Quote(q)+" is part of the delimiter too", "", "")
	default:
		f.Quote = q[0]
	}
	f.Null = []byte(o.NullFormat)
	if n := o.NullFormat; strings.ContainsAny(n, "\r\n") || strings.Contains(n, string(f.Delimiter)) || (f.Quote != 0 && strings.IndexByte(n, f.Quote) >= 0) {
		r.wrong(options.CodeNotAllowed, "nullFormat", strconv.Quote(n)+" cannot stand in a cell as it is", "", `\N`)
	}
	if f.Format != compose.CSV {
		for key, changed := range map[string]bool{"fieldDelimiter": o.FieldDelimiter != ",", "quote": o.Quote != `"`, "nullFormat": o.NullFormat != ""} {
			if changed {
				r.note(options.CodeIgnored, key, "has no effect with messageFormat "+o.MessageFormat)
			}
		}
	}
}

// unescape reads \t, \n, \\ and \xHH.
func unescape(s string) ([]byte, error) {
	if s == "" {
		return nil, errors.New("is empty")
	}
	text := strings.ReplaceAll(s, `\\x`, `\x`)
	out := []byte{}
	for text != "" {
		c, multibyte, rest, err := strconv.UnquoteChar(text, 0)
		if err != nil {
			return nil, fmt.Errorf("%q cannot be read", s)
		}
		if text = rest; multibyte {
			out = append(out, string(c)...)
		} else {
			out = append(out, byte(c))
		}
	}
	if len(out) > 16 {
		return nil, fmt.Errorf("%q has %d bytes", s, len(out))
	}
	return out, nil
}

// sending settles what has a name of its own and one in kafkaConfig too.
func (r *writerResolver) sending() {
	o, l := r.o, &r.s.link
	twice := func(key, property, own, theirs string) {
		if l.given[property] && own != theirs {
			r.wrong(options.CodeConflict, key, fmt.Sprintf("is %s, and kafkaConfig has %s = %s", own, property, theirs), "", "keep one of them")
		}
	}
	if o.Compression != "" {
		twice("compression", "compression.type", o.Compression, l.out.codec.String())
		l.out.codec = codecs[o.Compression]
	}
	if o.Acks != "" {
		acks, wrong := acksOf(o.Acks)
		if wrong != nil {
			r.wrong(options.CodeNotAllowed, "acks", wrong.seen, wrong.want, wrong.try)
		} else {
			twice("acks", "acks", ackNames[acks], ackNames[l.out.acks])
			l.out.acks = acks
		}
	}
	if o.Partitioner != "" {
		if (l.given["partitioner.class"] || l.given["partitioner.ignore.keys"]) && l.out.partitioner != partitioners[o.Partitioner] {
			r.wrong(options.CodeConflict, "partitioner", "is "+o.Partitioner+", and kafkaConfig names another partitioner", "", "keep one of them")
		}
		l.out.partitioner = partitioners[o.Partitioner]
	}
	if o.Idempotent != nil {
		twice("idempotent", "enable.idempotence", strconv.FormatBool(*o.Idempotent), strconv.FormatBool(l.out.idempotent))
		l.out.idempotent = *o.Idempotent
	}
	if l.out.acks != sarama.WaitForAll && l.out.idempotent {
		if o.Idempotent != nil || l.given["enable.idempotence"] {
			r.wrong(options.CodeConflict, "acks", "is 1, and an idempotent writer needs all", "all", `"acks": "all", or "idempotent": false`)
		}
		l.out.idempotent = false
	}
	for codec, property := range map[sarama.CompressionCodec]string{sarama.CompressionGZIP: "compression.gzip.level", sarama.CompressionZSTD: "compression.zstd.level"} {
		if l.given[property] && l.out.codec != codec {
			r.add(options.Problem{Code: options.CodeIgnored, Seen: "has no effect with compression " + l.out.codec.String(), Warning: true}, "kafkaConfig", property)
		}
	}
	if r.w.form.Format != compose.Raw && l.out.partitioner == produce.Manual && o.Column != nil && !slices.Contains(o.Column, compose.PartitionColumn) {
		r.wrong(options.CodeConflict, "partitioner", "manual takes the partition from the column "+compose.PartitionColumn+", which column does not name", "", "hash")
	}
}

var ackNames = map[sarama.RequiredAcks]string{sarama.WaitForAll: "all", sarama.WaitForLocal: "1"}
