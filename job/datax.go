package job

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// The document of classic DataX. Its settings may hold what gx adds to those of DataWorks.
type dataxDoc struct {
	Job    dataxJobDoc   `json:"job"`
	Core   options.Value `json:"core"`
	Common options.Value `json:"common"`
	Entry  options.Value `json:"entry" gx:"ignored" doc:"gx has no Java machine; see setting.memory"`
}

type dataxJobDoc struct {
	Name        string        `json:"name"`
	Setting     settingDoc    `json:"setting"`
	Content     options.Value `json:"content" gx:"required" doc:"[{\"reader\": …, \"writer\": …}]"`
	PreHandler  options.Value `json:"preHandler" gx:"ignored" doc:"gx runs no hooks of plugins"`
	PostHandler options.Value `json:"postHandler" gx:"ignored" doc:"gx runs no hooks of plugins"`
}

type contentDoc struct {
	Reader      pluginDoc     `json:"reader" gx:"required" doc:"{\"name\": …, \"parameter\": …}"`
	Writer      pluginDoc     `json:"writer" gx:"required" doc:"{\"name\": …, \"parameter\": …}"`
	Transformer []Transformer `json:"transformer"`
}

type pluginDoc struct {
	Name      string        `json:"name" gx:"required" doc:"name of a plugin, such as kafkareader or starrockswriter"`
	Parameter options.Value `json:"parameter"`
	Plugin    *Plugin       `json:"plugin"`
}

// Core holds the engine settings of DataX that are known.
type Core struct {
	Transport struct {
		Channel struct {
			Speed                 coreSpeed     `json:"speed"`
			ByteCapacity          int64         `json:"byteCapacity,omitempty" gx:"bytes,min=1,emptyIsUnset" doc:"Bytes that the queue of one lane holds at most; setting.memory bounds all of them."`
			Capacity              options.Value `json:"capacity,omitzero" gx:"ignored" doc:"use setting.memory"`
			FlowControlIntervalMs options.Value `json:"flowControlInterval,omitzero" gx:"ignored" doc:"the limits act at once"`
		} `json:"channel"`
		Exchanger struct {
			BufferSize options.Value `json:"bufferSize,omitzero" gx:"ignored" doc:"use setting.memory"`
		} `json:"exchanger"`
	} `json:"transport"`
	Container struct {
		Job struct {
			ReportIntervalMs int64 `json:"reportInterval,omitempty" gx:"min=1,emptyIsUnset" doc:"Time between two lines of progress, in ms; 10000 unless given, on a terminal 1000."`
		} `json:"job"`
		TaskGroup struct {
			Channel options.Value `json:"channel,omitzero" gx:"ignored" doc:"all lanes run at once, use speed.channel"`
		} `json:"taskGroup"`
		Task struct {
			FailOver options.Value `json:"failOver,omitzero" gx:"ignored" doc:"use the writer's maxRetries"`
		} `json:"task"`
	} `json:"container"`
	Statistics struct {
		Collector struct {
			Plugin struct {
				MaxDirtyNumber *int64        `json:"maxDirtyNumber,omitempty" gx:"min=0,max=100000,emptyIsUnset" doc:"Dirty records that the report shows; 10 unless given. The dirty file has all of them."`
				TaskClass      options.Value `json:"taskClass,omitzero" gx:"ignored" doc:"use setting.dirty"`
			} `json:"plugin"`
		} `json:"collector"`
	} `json:"statistics"`
}

// coreSpeed is the limit of one channel; -1 for none.
type coreSpeed struct {
	Byte   int64 `json:"byte" default:"-1" gx:"bytes,emptyIsUnset" doc:"Bytes per second of one channel; with speed.byte it gives the number of lanes, alone it is multiplied by them."`
	Record int64 `json:"record" default:"-1" gx:"emptyIsUnset" doc:"Records per second of one channel, in the same way."`
}

// CoreReference describes the keys under core, for the documentation: each by its whole path.
func CoreReference() (params []options.Param) {
	var walk func(prefix string, list []options.Param)
	walk = func(prefix string, list []options.Param) {
		for _, p := range list {
			p.Name = options.Join(prefix, p.Name)
			if len(p.Children) > 0 {
				walk(p.Name, p.Children)
				continue
			}
			params = append(params, p)
		}
	}
	walk("", options.Describe(Core{}))
	return params
}

func (p *parser) datax() []*Job {
	var doc dataxDoc
	p.decode(p.root, "", &doc)
	raw := p.root.Get("job")
	mode, setting := p.setting(&doc.Job.Setting, raw.Get("setting"), "job.setting")
	if doc.Core.Given() {
		setting.Core = new(Core)
		p.engineSettings(doc.Core, "core", setting.Core)
	}
	setting.Speed = p.dataxSpeed(&doc.Job.Setting.Speed, setting)
	setting.LanesUnsaid = setting.LanesUnsaid && setting.Core == nil // its limits may give a number of lanes
	setting.Column = p.common(doc.Common)
	if limit := raw.Get("setting").Get("errorLimit"); !limit.Get("record").Given() && !limit.Get("percentage").Given() {
		p.add(options.Problem{Code: options.CodeAssumed, Path: "job.setting.errorLimit.record", Warning: true,
			Seen: "not given; gx then allows no dirty record, where DataX allows any number", Try: `"errorLimit": {"record": 0}`})
	}

	contents, paths := []options.Value{doc.Job.Content}, []string{"job.content"}
	switch doc.Job.Content.Kind() {
	case options.Array:
		contents, paths = doc.Job.Content.Items(), nil
		for i := range contents {
			paths = append(paths, options.At("job.content", i))
		}
		p.several(contents)
	case options.Object:
	case options.Missing, options.Null: // reported as missing
		return nil
	default:
		p.add(options.Problem{Code: options.CodeWrongType, Path: "job.content", Seen: doc.Job.Content.Kind().String() + " is neither a list nor an object", Try: `[{"reader": {…}, "writer": {…}}]`})
		return nil
	}

	name := p.name(doc.Job.Name, "job.name")
	var jobs []*Job
	for i, content := range contents {
		j := &Job{Name: name, Shape: DataX, Mode: mode, Setting: setting}
		if len(contents) > 1 {
			j.Name = fmt.Sprintf("%s-%d", name, i+1)
		}
		p.content(j, content, paths[i])
		j.Transformers = append(j.Transformers, p.transformers(doc.Job.Setting.Transformer, "job.setting.transformer")...)
		jobs = append(jobs, j)
	}
	if setting.Column != nil && !slices.ContainsFunc(jobs, func(j *Job) bool { return len(j.Transformers) > 0 }) {
		p.add(options.Problem{Code: options.CodeIgnored, Path: "common.column", Warning: true,
			Seen: "has no effect without transformers: dates reach the writer as dates"})
	}
	return jobs
}

// several judges a list of contents: DataX runs only the first of them and says nothing.
func (p *parser) several(contents []options.Value) {
	switch n := len(contents); {
	case n > 1 && p.Strict:
		p.add(options.Problem{Code: options.CodeNotAllowed, Path: "job.content", Seen: fmt.Sprintf("has %d elements", n), Want: "1, because of --strict", Try: "a document for each"})
	case n > 1:
		p.add(options.Problem{Code: options.CodeAssumed, Path: "job.content", Warning: true,
			Seen: fmt.Sprintf("has %d elements; they run one after the other, where DataX runs only the first", n)})
	}
}

func (p *parser) content(j *Job, content options.Value, path string) {
	var doc contentDoc
	p.decode(content, path, &doc)
	for _, side := range []struct {
		doc      pluginDoc
		category Category
	}{{doc.Reader, Reader}, {doc.Writer, Writer}} {
		if side.doc.Name == "" {
			continue // reported as missing
		}
		at := options.Join(path, string(side.category))
		j.Steps = append(j.Steps, p.step(string(side.category), side.doc.Name, side.category, side.doc.Parameter,
			options.Join(at, "parameter"), options.Join(at, "name"), side.doc.Plugin))
	}
	j.Hops = []Hop{{From: string(Reader), To: string(Writer)}}
	j.Transformers = p.transformers(doc.Transformer, options.Join(path, "transformer"))
}

// common reads common.column, and notes what else is there.
func (p *parser) common(common options.Value) *Column {
	for _, m := range common.Members() {
		if m.Key != "column" {
			p.add(options.Problem{Code: options.CodeIgnored, Path: options.Join("common", m.Key), Seen: "has no effect", Warning: true})
		}
	}
	if !common.Get("column").Given() {
		return nil
	}
	column := new(Column)
	p.engineSettings(common.Get("column"), "common.column", column)
	return column
}

// engineSettings reads what DataX keeps for its engine, where unknown keys are no mistake of the job.
func (p *parser) engineSettings(v options.Value, path string, dst any) {
	for _, problem := range options.Decode(v, path, dst, options.Lenient()) {
		if problem.Code == options.CodeUnknownKey {
			problem.Code, problem.Seen, problem.Want, problem.Try = options.CodeIgnored, "has no effect", "", ""
		}
		p.add(problem)
	}
}

// dataxSpeed applies the precedence of DataX: lanes that follow from a limit of the job and a limit of one
// channel beat the number of channels, and the smaller of both results counts.
func (p *parser) dataxSpeed(doc *speedDoc, s Setting) Speed {
	const at = "job.setting.speed"
	speed := s.Speed
	asked := doc.lanes()
	var perLane coreSpeed
	if s.Core != nil {
		perLane = s.Core.Transport.Channel.Speed
	}
	derived := int64(0)
	for _, limit := range []struct{ total, one int64 }{{speed.BytesPerSec, perLane.Byte}, {speed.RecordsPerSec, perLane.Record}} {
		if limit.total > 0 && limit.one > 0 {
			if n := max(1, limit.total/limit.one); derived == 0 || n < derived {
				derived = n
			}
		}
	}
	note := func(key, seen string) {
		p.add(options.Problem{Code: options.CodeAssumed, Path: options.Join(at, key), Seen: seen, Warning: true})
	}
	switch {
	case derived > 1<<20:
		p.add(options.Problem{Code: options.CodeOutOfRange, Path: "core.transport.channel.speed", Seen: fmt.Sprintf("the limits ask for %d channels", derived), Want: "up to 1048576"})
	case derived > 0:
		speed.Concurrent = int(derived)
		if asked != nil && int64(*asked) != derived {
			note("channel", fmt.Sprintf("the limits of the job and of one channel ask for %d channels and beat the %d given", derived, *asked))
		}
	case asked == nil && speed.BytesPerSec == 0 && speed.RecordsPerSec == 0:
		note("channel", "no speed is given; gx takes 1 channel, where DataX refuses")
	}
	for _, limit := range []struct {
		total *int64
		one   int64
		key   string
	}{{&speed.BytesPerSec, perLane.Byte, "byte"}, {&speed.RecordsPerSec, perLane.Record, "record"}} {
		if *limit.total == 0 && limit.one > 0 && limit.one < 1<<40 && !doc.off() {
			*limit.total = limit.one * int64(speed.Concurrent)
			note(limit.key, fmt.Sprintf("only the limit of one channel is given; the job is limited to %d", *limit.total))
		}
	}
	return speed
}

// encrypted finds the keys that DataX encrypts, marked by a star before their name.
func (p *parser) encrypted(path string, v options.Value) {
	for i, x := range v.Items() {
		p.encrypted(options.At(path, i), x)
	}
	for _, m := range v.Members() {
		at := options.Join(path, m.Key)
		if name, star := strings.CutPrefix(m.Key, "*"); star && name != "" && strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz") == "" {
			p.add(options.Problem{Code: options.CodeNotSupported, Path: at, Seen: "encrypted DataX keys are not supported",
				Try: fmt.Sprintf("%q: %q", name, "${env:"+strings.ToUpper(name)+"}")})
			continue
		}
		p.encrypted(at, m.Value)
	}
}
