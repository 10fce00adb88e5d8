package job

import (
	"slices"

	"github.com/gx-etl/gx/job/options"
)

// Types of Dirty that need no plugin.
const (
	DirtyFile   = "file"
	DirtyStdout = "stdout"
)

// Dirty says where records go that could not be written.
type Dirty struct {
	Type string `json:"type"`           // file, stdout, or the type of a writer
	Path string `json:"path,omitempty"` // of type file; empty: beside the state of the job
	// Parameter is what the writer is to be given, an object like that of a step; nil for file and stdout.
	Parameter *options.Value `json:"parameter,omitempty"`
}

// Plugin tells whether a writer plugin keeps the records.
func (d *Dirty) Plugin() bool { return d != nil && d.Type != DirtyFile && d.Type != DirtyStdout }

type dirtyDoc struct {
	Type      string                   `json:"type" default:"file" gx:"enum=file|stdout|kafka|starrocks" doc:"Where dirty records go."`
	Path      string                   `json:"path" doc:"File for type file; default: beside the state of the job."`
	Parameter map[string]options.Value `gx:"rest" doc:"For kafka and starrocks: the options of that writer, and datasource."`
}

// dirty turns the decoded setting at path into the model; raw is what was decoded. What is not for the setting itself is the
// writer's, which alone can judge it.
func (p *parser) dirty(doc *dirtyDoc, raw options.Value, path string) *Dirty {
	if doc == nil {
		return nil
	}
	if raw.Kind() == options.String { // a text that holds an object
		raw, _ = options.Parse([]byte(raw.Text()))
		raw = raw.Unplaced()
	}
	d := &Dirty{Type: doc.Type, Path: doc.Path}
	if !d.Plugin() {
		p.dirtyRest(d.Type, raw, path)
		return d
	}
	d.Path = ""
	parameter, _ := p.withDatasource(raw.Without("type"), path, d.Type)
	d.Parameter = &parameter
	return d
}

// dirtyRest finds keys that neither a file nor standard output has a use for.
func (p *parser) dirtyRest(typ string, raw options.Value, path string) {
	known := []string{"type", "path"}
	for _, m := range raw.Members() {
		at := options.Join(path, m.Key)
		switch {
		case m.Key == "path" && typ == DirtyStdout && m.Value.Given():
			p.add(options.Problem{Code: options.CodeIgnored, Path: at, Seen: "has no effect: the records go to standard output", Try: `"type": "file"`, Warning: true})
		case !slices.Contains(known, m.Key):
			problem := options.Problem{Code: options.CodeUnknownKey, Path: at, Seen: "no such key for type " + typ, Want: "type, path", Warning: p.Lenient}
			if problem.Try, _ = options.Nearest(m.Key, known); problem.Try == "" {
				problem.Try = `"type": "kafka" or "starrocks", whose writers have more options`
			}
			p.add(problem)
		}
	}
}
