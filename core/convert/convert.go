// Package convert turns the job documents of other tools into jobs of gx, and says for every key of the document what
// became of it. It is pure: bytes in, a document and lines out; it asks no file, no server and no plugin.
//
// What a tool's keys become stands in tables of rules (connect.go, flink.go, spark.go). The pages of the documentation
// are written from the same tables.
package convert

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// Tool is a tool whose documents can be read.
type Tool string

// The tools.
const (
	KafkaConnect Tool = "kafka-connect" // the StarRocks sink: .properties files, or the JSON of its REST API
	FlinkSQL     Tool = "flink-sql"     // CREATE TABLE … WITH (…), INSERT INTO, SET
	Spark        Tool = "spark"         // options of the StarRocks connector, as properties, JSON, code or SQL
	DataX        Tool = "datax"
	DataWorks    Tool = "dataworks"
)

// Tools lists all tools.
func Tools() []Tool { return []Tool{KafkaConnect, FlinkSQL, Spark, DataX, DataWorks} }

// Shape is the syntax of the job that comes out.
type Shape string

// The shapes. GX and ToDataWorks are both script mode; the latter tells which keys DataWorks itself would not know.
const (
	GX          Shape = "gx"
	ToDataWorks Shape = "dataworks"
	ToDataX     Shape = "datax"
)

// Shapes lists all shapes.
func Shapes() []Shape { return []Shape{GX, ToDataWorks, ToDataX} }

// Input is one file.
type Input struct {
	Name string // for messages
	Text []byte
}

// Options is what the caller decides.
type Options struct {
	From Tool   // "": found out from the text
	To   Shape  // "": GX
	Name string // of the job when the document has none
}

// Result is the job and what became of every key.
type Result struct {
	From  Tool
	Job   options.Value
	Lines []Line
}

// Lossy tells whether something that was needed has no equivalent.
func (r *Result) Lossy() bool {
	return slices.ContainsFunc(r.Lines, func(l Line) bool { return l.Status == Unsupported })
}

// Convert reads the inputs, which are one document: several only for Kafka Connect, whose worker and connector have a file
// each. When options.Failed(problems), the inputs could not be read and there is no result.
func Convert(inputs []Input, o Options) (*Result, []options.Problem) {
	if len(inputs) == 0 {
		return nil, []options.Problem{{Code: options.CodeMissing, Seen: "nothing to convert"}}
	}
	for i := range inputs {
		inputs[i].Text = bytes.TrimPrefix(inputs[i].Text, []byte("\xef\xbb\xbf"))
	}
	from := o.From
	if from == "" {
		if from = detect(inputs); from == "" {
			return nil, []options.Problem{{Code: options.CodeNotAllowed, Seen: "this is no document of a tool that is known",
				Want: "properties or JSON of the Kafka Connect sink, Flink SQL, Spark options, DataX or DataWorks jobs", Try: "--from " + string(KafkaConnect)}}
		}
	}
	if len(inputs) > 1 && from != KafkaConnect {
		return nil, []options.Problem{{Code: options.CodeConflict, Seen: fmt.Sprintf("%d files, and a job of %s is one", len(inputs), from), Try: "convert one after the other"}}
	}
	if o.To == "" {
		o.To = GX
	}
	var d *draft
	var problems []options.Problem
	switch from {
	case KafkaConnect:
		d, problems = connect(inputs, o)
	case FlinkSQL:
		d, problems = flink(inputs[0], o)
	case Spark:
		d, problems = spark(inputs[0], o)
	case DataX, DataWorks:
		return shapes(inputs[0], from, o)
	default:
		return nil, []options.Problem{{Code: options.CodeNotAllowed, Seen: fmt.Sprintf("%q is no tool that is known", from), Want: fmt.Sprint(Tools())}}
	}
	if options.Failed(problems) {
		return nil, problems
	}
	r := &Result{From: from, Job: d.document(), Lines: d.finished()}
	if o.To == GX {
		return r, problems
	}
	other, more := reshape(r.Job, DataWorks, o.To)
	r.Job = other.document(o.To)
	for _, l := range other.lines {
		if l.Status != Mapped { // what only moves was reported by where it came from
			r.Lines = append(r.Lines, l)
		}
	}
	return r, append(problems, more...)
}

var (
	sqlTable   = regexp.MustCompile(`(?is)\bcreate\s+(temporary\s+)?table\b.*\bwith\s*\(`)
	sparkWords = regexp.MustCompile(`(?m)starrocks\.(fe\.http\.url|fe\.jdbc\.url|table\.identifier|fenodes|write\.)|\.option\(`)
	connectKey = regexp.MustCompile(`(?m)^\s*"?(connector\.class|starrocks\.http\.url|offset\.storage\.file\.filename|key\.converter)"?\s*[=:]`)
)

// detect finds out whose document it is, "" when it is nobody's.
func detect(inputs []Input) Tool {
	all := make([][]byte, len(inputs))
	for i := range inputs {
		all[i] = inputs[i].Text
	}
	text := bytes.Join(all, []byte("\n"))
	if trimmed := strings.TrimSpace(string(text)); len(inputs) == 1 && (strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "/")) {
		if root, problems := options.Parse(text); !options.Failed(problems) && root.Kind() == options.Object {
			switch config := root.Get("config"); {
			case root.Get("job").Kind() == options.Object:
				return DataX
			case root.Get("steps").Given():
				return DataWorks
			case config.Kind() == options.Object || root.Get("connector.class").Given():
				return KafkaConnect
			case sparkWords.Match(text):
				return Spark
			}
		}
	}
	switch {
	case sqlTable.Match(text):
		return FlinkSQL
	case connectKey.Match(text):
		return KafkaConnect
	case sparkWords.Match(text):
		return Spark
	}
	return ""
}
