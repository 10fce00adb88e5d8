// Package job turns a job document into a Job.
//
// Two shapes of document are read: DataWorks script mode (type, steps, order) and classic DataX (job.content).
// Both end in the same model. The package knows nothing of plugins and engines: it checks what a document can
// tell by itself and keeps every step's parameter raw for the plugin. All problems are reported at once.
package job

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/gx-etl/gx/job/options"
)

// Options is what the surroundings give to a document.
type Options struct {
	Name         string            // of the job when the document has none: the stem of its file
	Vars         map[string]string // -D name=value; blank values count as not given
	ScheduleTime time.Time         // base of $cyctime and $[…]; zero: the midnight after BizDate if that is given, else Now
	BizDate      time.Time         // base of $bizdate and ${yyyymmdd}; zero: the day before ScheduleTime
	TZ           *time.Location    // zone of both; nil: local
	Now          time.Time         // zero: the clock

	Datasources Datasources
	LookupEnv   func(name string) (string, bool)  // for ${env:NAME}; nil: nothing is set
	ReadFile    func(name string) ([]byte, error) // for ${file:NAME}; nil: no file can be read

	AllowUnresolved bool // leave unknown variables as they are
	Lenient         bool // unknown keys are warnings
	Strict          bool // several content elements are an error
}

// Shape names the syntax a job was written in.
type Shape string

// The shapes of a document.
const (
	DataWorks Shape = "dataworks"
	DataX     Shape = "datax"
)

// Job is one job, ready to be planned. Marshalled to JSON it shows *** for every secret.
type Job struct {
	Name         string            `json:"name"`
	Shape        Shape             `json:"shape"`
	Mode         Mode              `json:"mode"`
	Steps        []Step            `json:"steps"`
	Hops         []Hop             `json:"hops"`
	Transformers []Transformer     `json:"transformers,omitempty"` // for every row, in order
	Setting      Setting           `json:"setting"`
	Notes        []options.Problem `json:"notes,omitempty"` // the warnings
	Secrets      []string          `json:"-"`               // resolved and literal secrets, longest first, for Mask

	root options.Value
}

// Category says what a step does.
type Category string

// The categories of steps.
const (
	Reader            Category = "reader"
	Writer            Category = "writer"
	TransformerStep   Category = "transformer"
	processorCategory Category = "processor" // of DataWorks, not run by gx
)

// Step is one reader, writer or transformer.
type Step struct {
	Name     string   `json:"name"`
	Category Category `json:"category"`
	Type     string   `json:"type"`              // plugin name: starrocks, kafka
	Spelled  string   `json:"spelled,omitempty"` // the document's name for it, such as starrockswriter, when it differs
	// Parameter is an object for the plugin. A named data source stands in it as an object under
	// "datasource", which options.Decode reads.
	Parameter  options.Value `json:"parameter"`
	Path       string        `json:"path"` // of Parameter in the document
	Datasource string        `json:"datasource,omitempty"`
	Plugin     *Plugin       `json:"plugin,omitempty"`
}

// Plugin says which program serves a step, when the search path shall not decide.
type Plugin struct {
	Path     string `json:"path" doc:"The plugin's program."`
	SHA256   string `json:"sha256" doc:"The program must have this checksum, in hexadecimal."`
	MemoryMB int64  `json:"memoryMb" gx:"min=16" doc:"Memory limit of the plugin's process in MiB."`
	MTLS     bool   `json:"mtls" doc:"Encrypts the connection to the plugin's process."`
}

// Check verifies the form of the checksum.
func (p *Plugin) Check(at string) []options.Problem {
	if p.SHA256 != "" && (len(p.SHA256) != 64 || strings.Trim(strings.ToLower(p.SHA256), "0123456789abcdef") != "") {
		return []options.Problem{{Code: options.CodeNotAllowed, Path: options.Join(at, "sha256"), Seen: "this is no SHA-256 checksum", Want: "64 hexadecimal digits"}}
	}
	return nil
}

// Hop leads rows from one step to another.
type Hop struct {
	From string `json:"from" gx:"required" doc:"Name of a step."`
	To   string `json:"to" gx:"required" doc:"Name of a step."`
}

// Transformer changes or drops rows, in the manner of DataX.
type Transformer struct {
	Name      string        `json:"name" gx:"required" doc:"dx_substr, dx_filter, expr, …"`
	Parameter options.Value `json:"parameter" doc:"What the transformer needs."`
	Path      string        `json:"-"` // of the parameter in the document
}

// Parse reads a document. Usually it holds one job; a classic DataX document with several content elements
// holds as many, to be run in order. The jobs are fit to run only if options.Failed(problems) is false;
// otherwise they are as complete as the document allows, so that more can be checked, and may be none.
func Parse(src []byte, o Options) ([]*Job, []options.Problem) {
	text, problems := expand(src, o)
	root, syntax := options.Parse(text)
	if root.Kind() == options.Missing && options.Failed(problems) {
		return nil, problems // an unresolved variable is what broke the syntax
	}
	problems = append(problems, syntax...)
	if root.Kind() == options.Missing {
		return nil, problems
	}

	p := &parser{Options: o, root: root, problems: problems}
	p.encrypted("", root)
	p.root = p.resolve("", root)
	var jobs []*Job
	switch p.shape() {
	case DataWorks:
		jobs = p.dataworks()
	case DataX:
		jobs = p.datax()
	}
	return jobs, p.finish(jobs)
}

// parser collects what Parse finds. root has its secrets resolved.
type parser struct {
	Options
	root     options.Value
	problems []options.Problem
	secrets  []string
}

func (p *parser) add(problem options.Problem) { p.problems = append(p.problems, problem) }

func (p *parser) decode(v options.Value, path string, dst any) {
	var opts []options.Option
	if p.Lenient {
		opts = append(opts, options.Lenient())
	}
	p.problems = append(p.problems, options.Decode(v, path, dst, opts...)...)
}

// shape decides which syntax the document is written in, "" if none.
func (p *parser) shape() Shape {
	typ, steps, job := p.root.Get("type"), p.root.Get("steps"), p.root.Get("job")
	switch {
	case p.root.Kind() == options.Object && job.Kind() == options.Object && !steps.Given():
		return DataX
	case p.root.Kind() == options.Object && (steps.Given() || typ.Text() == "job") && !job.Given():
		return DataWorks
	case steps.Given() && job.Given():
		p.add(options.Problem{Code: options.CodeConflict, Path: "job", Seen: "the document has steps and a job", Try: "keep one of the two"})
		return ""
	}
	p.add(options.Problem{Code: options.CodeNotAllowed, Seen: "this is not a job document",
		Want: `DataWorks script mode {"type":"job","version":"2.0","steps":[…]}, or DataX {"job":{"content":[…]}}`})
	return ""
}

// finish gives every problem its place, hides secrets, and hands the warnings to the jobs.
func (p *parser) finish(jobs []*Job) []options.Problem {
	p.secrets = maskable(p.secrets)
	for i := range p.problems {
		p.problems[i] = located(p.root, p.problems[i]).Masked(p.secrets)
	}
	options.Sort(p.problems)
	for _, j := range jobs {
		j.Secrets, j.root = p.secrets, p.root
		for _, problem := range p.problems {
			if problem.Warning {
				j.Notes = append(j.Notes, problem)
			}
		}
	}
	return p.problems
}

func located(root options.Value, problem options.Problem) options.Problem {
	if problem.Line == 0 && problem.Path != "" && !strings.HasPrefix(problem.Path, datasourcesPath) {
		problem.Line, problem.Col = root.Locate(problem.Path)
	}
	return problem
}

// Place returns a problem that a plugin found in a step's parameter with its line and column in the document
// and without secrets.
func (j *Job) Place(problem options.Problem) options.Problem {
	problem.Line, problem.Col = 0, 0
	return located(j.root, problem).Masked(j.Secrets)
}

// SettingPath is where a key of the job's settings stands in a document of its shape.
func (j *Job) SettingPath(key string) string {
	if j.Shape == DataX {
		return "job.setting." + key
	}
	return "setting." + key
}

// Mask takes the secrets of the job out of a text.
func (j *Job) Mask(text string) string { return options.Mask(text, j.Secrets) }

// Step returns the step with this name.
func (j *Job) Step(name string) (Step, bool) {
	i := slices.IndexFunc(j.Steps, func(s Step) bool { return s.Name == name })
	if i < 0 {
		return Step{}, false
	}
	return j.Steps[i], true
}

// String returns the job as JSON without secrets.
func (j *Job) String() string {
	b, err := json.Marshal(j)
	if err != nil {
		return j.Name
	}
	return string(b)
}

// name picks and checks the name of the job. It names lock and state files.
func (p *parser) name(given, at string) string {
	name := given
	if name == "" {
		name = p.Name
	}
	if name == "" {
		return "job"
	}
	if bad := strings.IndexFunc(name, func(r rune) bool { return r < ' ' || r == '/' || r == '\\' || r == 0x7f }); bad >= 0 || len(name) > 128 || name == "." || name == ".." {
		p.add(options.Problem{Code: options.CodeNotAllowed, Path: at, Seen: "the name cannot name a state file", Want: "up to 128 bytes without slashes and control characters"})
	}
	return name
}

// parameter checks that a step's parameter is an object; one that is not given is empty.
func (p *parser) parameter(v options.Value, at string) options.Value {
	switch v.Kind() {
	case options.Object:
		return v
	case options.Missing, options.Null:
	default:
		p.add(options.Problem{Code: options.CodeWrongType, Path: at, Seen: v.Kind().String() + " is not an object", Try: `"parameter": { }`})
	}
	return options.Map()
}
