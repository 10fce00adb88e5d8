package convert

import (
	"strconv"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// roomyBuffer is what a writer may gather within the default of setting.memory.
const roomyBuffer = 128 << 20

// bufferBytes: the connector holds up to this many bytes over all tables and loads them when they are reached. A load of gx
// has a limit of its own, which is therefore set as high.
func bufferBytes(d *draft, l *Line) {
	n, err := strconv.ParseInt(strings.TrimSpace(l.Value), 10, 64)
	if err != nil || n <= 0 {
		l.failf("94371840", "%q is no number of bytes", l.Value)
		return
	}
	l.To = d.set("writer/totalBufferBytes", whole(n))
	l.To += ", " + options.Join(writerPath, "maxBatchSize")
	d.set("writer/maxBatchSize", whole(min(n, maxJSONLoad)))
	if n > roomyBuffer {
		l.To += ", " + d.set("setting/memory", whole(2*n))
	}
	if n > maxJSONLoad {
		l.Status, l.Note = Differs, "loads end at 104857600 bytes, the most that StarRocks takes as JSON; the buffer is as asked"
	}
}

func retries(d *draft, l *Line) {
	n, err := strconv.ParseInt(strings.TrimSpace(l.Value), 10, 64)
	if err != nil || n < -1 {
		l.failf("3", "%q is no number of attempts", l.Value)
		return
	}
	l.Note = ""
	if n > 10 {
		l.Status, l.Note = Differs, "gx tries at most 10 times again; -1 is for ever"
		n = 10
	}
	l.To = d.set("writer/maxRetries", whole(n))
}

func loadFormat(d *draft, l *Line) {
	format := strings.ToLower(strings.TrimSpace(l.Value))
	if format != "json" && format != "csv" {
		l.failf("json or csv", "%q is no format of the connector", l.Value)
		return
	}
	d.put(l, "writer/loadProps/format", options.Text(format))
}

// converterClass is the last part of a Java class, without Converter.
func converterClass(class string) string {
	class = strings.TrimSpace(class)
	return strings.TrimSuffix(class[strings.LastIndexByte(class, '.')+1:], "Converter")
}

// isDebezium tells whether the transforms make rows of Debezium's messages.
func isDebezium(c *config) bool {
	for name := range strings.SplitSeq(c.or("transforms", ""), ",") {
		if debeziumTransform(c.or("transforms."+strings.TrimSpace(name)+".type", "")) {
			return true
		}
	}
	return false
}

func debeziumTransform(class string) bool {
	short := class[strings.LastIndexByte(class, '.')+1:]
	return short == "AddOpFieldForDebeziumRecord" || short == "ExtractNewRecordState" || short == "UnwrapFromEnvelope"
}

func valueConverter(d *draft, l *Line) {
	l.Note = ""
	csv := strings.EqualFold(strings.TrimSpace(d.config.or("sink.properties.format", "json")), "csv")
	switch kind := converterClass(l.Value); {
	case kind == "Json":
		d.put(l, "reader/valueConverter/type", options.Text("json"))
	case kind == "Avro" || kind == "Protobuf":
		d.put(l, "reader/valueConverter/type", options.Text(strings.ToLower(kind)))
	case kind == "JsonSchema":
		d.put(l, "reader/valueConverter/type", options.Text("jsonschema"))
	case kind == "String" && csv:
		separator := d.config.or("sink.properties.column_separator", "\t")
		d.set("reader/dataFormat", options.Text("text"))
		d.set("reader/fieldDelimiter", options.Text(separator))
		l.failf("name the fields of a line in "+readerPath+".column and the columns of the table in "+writerPath+".column",
			"the values are lines of CSV, and their columns stand nowhere")
	default:
		l.failf("valueConverter, or messages of JSON", "gx has no converter %s for JSON loads", kind)
	}
}

// schemasEnable concerns JSON only. A connector without a converter takes the worker's, which may be another file.
func schemasEnable(d *draft, l *Line) {
	class, given := d.config.get("value.converter")
	switch {
	case !given && l.Status == Default:
		d.set("reader/valueConverter/type", options.Text("json"))
		d.set("reader/valueConverter/schemasEnable", literal("false"))
		*l = Line{Key: "value.converter", Status: Give, To: options.Join(readerPath, "valueConverter"),
			Note: "not given, so it is the worker's, whose file is not there; taken for JSON without an envelope", Try: "give the worker's file too"}
	case given && converterClass(class) != "Json":
		l.needless("only JSON has an envelope")
	default:
		v, why := asFlag.value(l.Value)
		if why != "" {
			l.fail(why, "true or false")
			return
		}
		d.put(l, "reader/valueConverter/schemasEnable", v)
		l.Note = ""
	}
}

func transforms(d *draft, l *Line) {
	var other []string
	for name := range strings.SplitSeq(l.Value, ",") {
		if name = strings.TrimSpace(name); name != "" && !debeziumTransform(d.config.or("transforms."+name+".type", "")) {
			other = append(other, name)
		}
	}
	l.Note = ""
	if isDebezium(d.config) {
		d.put(l, "reader/messageFormat", options.Text("debezium-json"))
	}
	if len(other) > 0 {
		l.failf("see the lines of each", "gx runs no classes of Java: %s", strings.Join(other, ", "))
	}
}

// instead is what does in gx what a transform of Kafka Connect does.
var instead = map[string]string{
	"RegexRouter":        "topic2table of the writer: {\"/expression/\": \"replacement\"}",
	"TimestampRouter":    "a table of its own for each time, by a job of its own",
	"ReplaceField$Value": "column of reader and writer: name the fields to keep, and the columns they go to",
	"ExtractField$Value": "column of the reader: the field within, such as a.b",
	"InsertField$Value":  "column of the reader: __topic__, __partition__, __offset__, __timestamp__ or a 'constant'",
	"HoistField$Value":   "column of the reader: __value__",
	"Flatten$Value":      "column of the reader: a.b for each field within",
	"ValueToKey":         "leave it out: the key of a row is the table's",
	"Cast$Value":         "leave it out: StarRocks converts to the type of the column",
	"MaskField$Value":    "column of the reader: a 'constant' in place of the field",
	"Filter":             "loadProps.where",
}

func transformKey(d *draft, l *Line) {
	name, key, _ := strings.Cut(strings.TrimPrefix(l.Key, "transforms."), ".")
	class := d.config.or("transforms."+name+".type", "")
	listed := false
	for n := range strings.SplitSeq(d.config.or("transforms", ""), ",") {
		listed = listed || strings.TrimSpace(n) == name
	}
	switch {
	case !listed:
		l.needless("transforms does not name " + name)
	case debeziumTransform(class) && key == "type":
		l.Note = ""
		d.put(l, "reader/messageFormat", options.Text("debezium-json"))
		if strings.HasSuffix(class, "AddOpFieldForDebeziumRecord") { // it is there for Primary Key tables only
			d.put(l, "writer/tableModel", options.Text("primary"))
		}
	case debeziumTransform(class):
		l.needless("the decoder of debezium-json adds __op to rows of Primary Key tables, and drops tombstones")
	case key != "type":
		l.needless("as its transform, which has a line of its own")
	default:
		try := instead[class[strings.LastIndexByte(class, '.')+1:]]
		if try == "" {
			try = "column of the reader, loadProps.columns, or a transformer"
		}
		l.fail("gx runs no classes of Java", try)
	}
}

func tolerance(d *draft, l *Line) {
	l.Note = ""
	switch strings.ToLower(strings.TrimSpace(l.Value)) {
	case "none":
		l.To = d.set("setting/errorLimit/record", options.Text("0"))
		if l.Status == Default {
			l.Value = "0"
		}
	case "all":
		l.To = d.set("setting/errorLimit/record", options.Text(""))
		l.Note = "bad messages become dirty records without a limit; each is kept in the dirty file"
	default:
		l.failf("none or all", "%q is no tolerance", l.Value)
	}
}

func deadLetters(d *draft, l *Line) {
	if strings.TrimSpace(l.Value) == "" {
		l.needless("empty")
		return
	}
	l.Status = Differs
	l.To = d.set("setting/dirty/type", options.Text("file"))
}

// workerOnly answers for a property of the consumer that stands bare in the worker's file.
func workerOnly(_ *draft, l *Line) {
	l.needless("of the worker's own clients; those of the sink are consumer.*")
}
