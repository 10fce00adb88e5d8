package plan

import (
	"fmt"

	"github.com/gx-etl/gx/job/options"
)

// sink is the writer of dirty records, nil if a file or standard output takes them.
func (b *builder) sink() *Step {
	d := b.job.Setting.Dirty
	if !d.Plugin() {
		return nil
	}
	if format := d.Parameter.Get("messageFormat"); d.Type == "kafka" && format.Given() && format.Text() != "raw" {
		b.problems = append(b.problems, b.job.Place(options.Problem{Code: options.CodeNotAllowed, Path: b.job.SettingPath("dirty.messageFormat"),
			Seen: fmt.Sprintf("%q: dirty records go as they came", format.Text()), Want: "raw", Try: "leave the key out"}))
	}
	return &Step{Name: "dirty", Type: d.Type, Path: b.job.SettingPath("dirty"), TypePath: b.job.SettingPath("dirty.type"),
		Parameters: forDirty(d.Type, *d.Parameter).JSON()}
}

// DirtyColumns are the columns of a table of dirty records, in their order.
var DirtyColumns = []string{"time", "job", "run", "plugin", "place", "topic", "partition", "offset", "timestamp",
	"reason", "column", "record", "recordBase64", "key", "keyBase64", "headers"}

// forDirty fills in what a writer of dirty records does differently from one of rows, unless the job says it. A load must not
// fail for one record that its table refuses, and no value may be turned into NULL to make it fit: both would lose a record
// where nothing is left to keep it.
//
// A message goes to a topic as it came, with its reasons in headers: that is the Kafka writer's format raw.
func forDirty(typ string, parameter options.Value) options.Value {
	unlessGiven := func(object options.Value, key string, x options.Value) options.Value {
		if object.Get(key).Given() {
			return object
		}
		return object.With(key, x)
	}
	shared := parameter.Get(options.DatasourceKey) // may hold options of its own
	switch typ {
	case "kafka":
		return parameter.With("messageFormat", options.Text("raw"))
	case "starrocks":
	default:
		return parameter
	}
	if !shared.Get("column").Given() {
		var columns []options.Value
		for _, c := range DirtyColumns {
			columns = append(columns, options.Text(c))
		}
		parameter = unlessGiven(parameter, "column", options.List(columns...))
	}
	if !shared.Get("strategyOnError").Given() {
		parameter = unlessGiven(parameter, "strategyOnError", options.Text("rowDirtyData"))
	}
	props := parameter.Get("loadProps")
	if !props.Given() && shared.Get("loadProps").Kind() == options.Object {
		props = shared.Get("loadProps")
	}
	if !props.Given() {
		props = options.Map()
	}
	if props.Kind() == options.Object { // anything else the writer judges
		props = unlessGiven(unlessGiven(props, "format", options.Text("json")), "strict_mode", options.Text("true"))
		parameter = parameter.With("loadProps", props)
	}
	return parameter
}
