package job

import (
	"fmt"

	"github.com/gx-etl/gx/job/options"
)

// The document of DataWorks script mode, with the keys that gx adds.
type dataworksDoc struct {
	Type    string     `json:"type" gx:"required" doc:"always \"job\""`
	Version string     `json:"version" default:"2.0" doc:"2.0 or 1.0"`
	Name    string     `json:"name" doc:"Name of the job; default: the name of the file."`
	Steps   []stepDoc  `json:"steps" gx:"required" doc:"Readers and writers."`
	Setting settingDoc `json:"setting" doc:"What holds for the job as a whole."`
	Order   struct {
		Hops []Hop `json:"hops" doc:"From which step to which the rows go."`
	} `json:"order" doc:"The way of the rows."`
	Transform options.Value `json:"transform" gx:"ignored" doc:"a mark of the DataWorks editor"`
}

type stepDoc struct {
	StepType  string        `json:"stepType" gx:"required" doc:"name of a plugin, such as kafka or starrocks"`
	Name      string        `json:"name" gx:"required" doc:"a name that no other step has"`
	Category  string        `json:"category" gx:"required,enum=reader|writer|transformer|processor" doc:"What the step does."`
	Parameter options.Value `json:"parameter" doc:"The options of the plugin."`
	Plugin    *Plugin       `json:"plugin" doc:"The program that serves the step."`
	Copies    options.Value `json:"copies" gx:"ignored" doc:"use setting.speed.concurrent"`
}

func (p *parser) dataworks() []*Job {
	var doc dataworksDoc
	p.decode(p.root, "", &doc)
	if doc.Type != "job" && doc.Type != "" {
		p.add(options.Problem{Code: options.CodeNotAllowed, Path: "type", Seen: fmt.Sprintf("%q is not allowed", doc.Type), Want: "job", Try: "job"})
	}
	switch doc.Version {
	case "2.0", "1.0", "2", "1":
	default:
		p.add(options.Problem{Code: options.CodeNotAllowed, Path: "version", Seen: fmt.Sprintf("%q is not allowed", doc.Version), Want: "2.0, 1.0", Try: "2.0"})
	}

	j := &Job{Name: p.name(doc.Name, "name"), Shape: DataWorks}
	j.Mode, j.Setting = p.setting(&doc.Setting, p.root.Get("setting"), "setting")
	j.Transformers = p.transformers(doc.Setting.Transformer, "setting.transformer")
	g := graph{parser: p, index: map[string]int{}}
	for i, s := range doc.Steps {
		at := options.At("steps", i)
		if g.node(s.Name, Category(s.Category), at) && s.StepType != "" {
			j.Steps = append(j.Steps, p.step(s.Name, s.StepType, Category(s.Category), s.Parameter,
				options.Join(at, "parameter"), options.Join(at, "stepType"), s.Plugin))
		}
	}
	j.Hops = g.connect(doc.Order.Hops)
	return []*Job{j}
}

func (p *parser) transformers(list []Transformer, at string) []Transformer {
	for i := range list {
		list[i].Path = options.Join(options.At(at, i), "parameter")
		list[i].Parameter = p.parameter(list[i].Parameter, list[i].Path)
	}
	return list
}
