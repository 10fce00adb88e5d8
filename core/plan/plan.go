// Package plan turns a job into what will run: which plugin reads and which writes, over how many lanes, within which
// limits. It is pure: it asks no server and no plugin. What a job may say and gx cannot do yet is a problem here.
package plan

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"

	"github.com/gx-etl/gx/core/transform"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
)

// Plan is one job, ready for the engine.
type Plan struct {
	Job         string
	Run         string // unique: time and a random part, letters, digits and dashes
	Streaming   bool
	Readers     []Step // rows of each go to each of Writers
	Writers     []Step
	Reader      Step // the one of Readers, or what stands for all of them; see Join
	Writer      Step
	Lanes       int
	Memory      Memory
	memory      int64 // setting.memory, which Memory shares out
	RowsPerSec  int64 // 0 for no limit
	BytesPerSec int64
	ErrorLimit  job.ErrorLimit
	Checkpoint  time.Duration
	Stall       time.Duration // 0: never
	MaxRun      time.Duration // 0: no limit
	Dirty       job.Dirty
	ShownDirty  int           // dirty records in the report
	Sink        *Step         // the writer that keeps dirty records; nil: a file or standard output does
	LaneBytes   int64         // of the queue of one lane, at most; 0: what Memory grants
	Progress    time.Duration // between two lines of progress; 0: the screen's own
	Lenient     bool
	Transform   *transform.Chain // nil: rows pass unopened
	Guarantee   job.Guarantee    // that the job asks for; "" when it leaves the choice
	// GuaranteePath is where the document says so.
	GuaranteePath string
}

// Step is one end of the job, or the writer of its dirty records.
type Step struct {
	Name       string
	Type       string // as in the job: "kafka"
	Plugin     string // name of the plugin that serves it; set by the caller that has found it
	Path       string // of the parameter in the document
	TypePath   string // of the plugin's name in the document
	Parameters []byte // strict JSON, secrets in clear
	Program    *job.Plugin
}

// Memory is the budget of rows on their way, in bytes: setting.memory, shared out.
type Memory struct {
	Core, Reader, Writer int64
	Sink                 int64 // for dirty records; 0 without a writer of their own
}

// Defaults that a document may replace.
const (
	DefaultStall      = 10 * time.Minute
	DefaultShownDirty = 10

	coreMost    = 128 << 20
	leastQueue  = 2 * protocol.BatchBytes // of a lane: one batch in, one out
	leastWriter = 8 << 20
)

// Build makes the plan of a job. now and the random source are the caller's through NewRun.
func Build(j *job.Job, run string, lenient bool) (*Plan, []options.Problem) {
	b := &builder{job: j}
	p := &Plan{
		Job: j.Name, Run: run, Streaming: j.Mode == job.Streaming, Lanes: max(1, j.Setting.Speed.Concurrent),
		RowsPerSec: j.Setting.Speed.RecordsPerSec, BytesPerSec: j.Setting.Speed.BytesPerSec,
		ErrorLimit: j.Setting.ErrorLimit, Checkpoint: time.Duration(j.Setting.Checkpoint.IntervalMs) * time.Millisecond,
		Stall: DefaultStall, MaxRun: time.Duration(j.Setting.MaxRunSec) * time.Second, Dirty: job.Dirty{Type: job.DirtyFile},
		ShownDirty: DefaultShownDirty, Lenient: lenient, Guarantee: j.Setting.Guarantee, GuaranteePath: j.SettingPath("deliveryGuarantee"),
	}
	p.core(j.Setting.Core)
	if s := j.Setting.StallTimeoutSec; s > 0 {
		p.Stall = time.Duration(s) * time.Second
	}
	if d := j.Setting.Dirty; d != nil {
		p.Dirty = *d
	}
	p.Sink = b.sink()
	p.Readers, p.Writers = b.ends()
	p.Join()
	p.memory = j.Setting.Memory
	p.UseLanes(p.Lanes)
	p.Transform = b.transformers(lenient)
	b.unavailable()
	return p, b.problems
}

// UseLanes changes the number of lanes, for a reader whose parameters ask for it in a job that names none.
func (p *Plan) UseLanes(n int) {
	p.Lanes = n
	p.Memory = share(p.memory, n, max(len(p.Readers), 1), max(len(p.Writers), 1), p.Sink != nil)
}

// core takes what gx honours of the engine settings of DataX.
func (p *Plan) core(c *job.Core) {
	if c == nil {
		return
	}
	p.LaneBytes = c.Transport.Channel.ByteCapacity
	p.Progress = time.Duration(c.Container.Job.ReportIntervalMs) * time.Millisecond
	if n := c.Statistics.Collector.Plugin.MaxDirtyNumber; n != nil {
		p.ShownDirty = int(*n)
	}
}

// share divides setting.memory. The writer gets the most: it holds rows until their load is known to have landed. What lies
// in the transport's windows, one per hop and lane, counts for the side that receives it.
func share(memory int64, lanes, readers, writers int, sink bool) Memory {
	windows := int64(lanes) * protocol.Window // of one plugin
	m := Memory{Core: memory / 8, Reader: memory / 8}
	m.Writer = memory - m.Core - m.Reader
	if sink {
		m.Sink = max(memory/8-protocol.Window, leastWriter)
		m.Writer -= m.Sink + protocol.Window
	}
	m.Core = min(max(m.Core-int64(readers)*windows, int64(lanes)*leastQueue), coreMost)
	m.Writer = max(m.Writer-int64(writers)*windows, int64(writers)*leastWriter)
	return m
}

// NewRun makes a run id.
func NewRun(now time.Time) string {
	var r [4]byte
	_, _ = rand.Read(r[:]) // never fails, see crypto/rand
	return now.UTC().Format("20060102-150405-") + hex.EncodeToString(r[:])
}

type builder struct {
	job      *job.Job
	problems []options.Problem
}

func (b *builder) add(path, seen, want, try string) {
	b.problems = append(b.problems, b.job.Place(options.Problem{Code: options.CodeNotSupported, Path: path, Seen: seen, Want: want, Try: try}))
}

// Join makes Reader and Writer of Readers and Writers. What stands for several steps has no place in the document: each
// error names the step that it comes from.
func (p *Plan) Join() {
	join := func(steps []Step) Step {
		if len(steps) == 0 {
			return Step{}
		}
		one := steps[0]
		if len(steps) > 1 {
			one = Step{Type: one.Type}
			var names, plugins []string
			for _, s := range steps {
				names, plugins = append(names, s.Name), append(plugins, s.Plugin)
			}
			one.Name, one.Plugin = strings.Join(names, " + "), strings.Join(plugins, " + ")
		}
		return one
	}
	p.Reader, p.Writer = join(p.Readers), join(p.Writers)
}

// ends finds the readers and the writers.
func (b *builder) ends() (readers, writers []Step) {
	for _, s := range b.job.Steps {
		step := Step{Name: s.Name, Type: s.Type, Path: s.Path, TypePath: b.typePath(s), Parameters: s.Parameter.JSON(), Program: s.Plugin}
		switch s.Category {
		case job.Reader:
			readers = append(readers, step)
		case job.Writer:
			writers = append(writers, step)
		}
	}
	return readers, writers
}

func (b *builder) typePath(s job.Step) string {
	parent := strings.TrimSuffix(s.Path, ".parameter")
	if b.job.Shape == job.DataX {
		return parent + ".name"
	}
	return parent + ".stepType"
}

// unavailable names everything that a document may ask for and this version does not do. Nothing is dropped in silence.
func (b *builder) unavailable() {
	j := b.job
	if j.Setting.Guarantee == job.ExactlyOnce && j.Mode == job.Streaming {
		b.add(b.job.SettingPath("deliveryGuarantee"), "exactly-once is not available yet for streaming jobs", "at-least-once",
			"a PRIMARY KEY table, where repeated rows change nothing")
	}
}
