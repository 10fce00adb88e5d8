package job

import (
	"fmt"
	"strconv"

	"github.com/gx-etl/gx/job/options"
)

// Mode says when a job ends.
type Mode string

// The modes of a job: batch ends with its source, streaming when it is told to.
const (
	Batch     Mode = "batch"
	Streaming Mode = "streaming"
)

// Guarantee is what a crash may do to the rows.
type Guarantee string

// The delivery guarantees.
const (
	AtLeastOnce Guarantee = "at-least-once"
	ExactlyOnce Guarantee = "exactly-once"
)

// Setting is what holds for the job as a whole.
type Setting struct {
	ErrorLimit      ErrorLimit `json:"errorLimit"`
	Speed           Speed      `json:"speed"`
	Guarantee       Guarantee  `json:"deliveryGuarantee,omitempty"` // "": the engine's choice
	Checkpoint      Checkpoint `json:"checkpoint"`
	Dirty           *Dirty     `json:"dirty,omitempty"`           // nil: the engine's default
	StallTimeoutSec int64      `json:"stallTimeoutSec,omitempty"` // 0: the engine's default
	MaxRunSec       int64      `json:"maxRunSec,omitempty"`       // 0: no limit
	Memory          int64      `json:"memory"`                    // bytes, for all rows on their way
	DryRun          bool       `json:"dryRun,omitempty"`          // check against the real systems and move nothing
	Core            *Core      `json:"core,omitempty"`            // DataX only
	Column          *Column    `json:"column,omitempty"`          // DataX common.column
	LanesUnsaid     bool       `json:"-"`                         // Speed.Concurrent is a default
}

// ErrorLimit says how many dirty records a job survives. Record rules when both are set.
type ErrorLimit struct {
	Record     *int64   `json:"record"`     // nil: no limit by count
	Percentage *float64 `json:"percentage"` // of the records read, 0 to 1; nil: no limit by share
}

// Speed holds the parallelism and the limits over the whole job.
type Speed struct {
	Concurrent    int   `json:"concurrent"`              // lanes
	BytesPerSec   int64 `json:"bytesPerSec,omitempty"`   // 0: no limit
	RecordsPerSec int64 `json:"recordsPerSec,omitempty"` // 0: no limit
}

// Checkpoint says how often and where positions are kept.
type Checkpoint struct {
	IntervalMs int64  `json:"intervalMs" default:"60000" gx:"duration=ms,min=100,alias=offset.flush.interval.ms" doc:"Time between two checkpoints."`
	Dir        string `json:"dir,omitempty" doc:"Folder of the job's lock, state file and dirty records, from the folder that gx runs in; default: the state directory of gx."`
}

type settingDoc struct {
	Mode            string        `json:"mode" default:"batch" gx:"enum=batch|streaming|stream,alias=executeMode,emptyIsUnset" doc:"batch ends with its source, streaming when it is told to; stream is streaming."`
	Guarantee       string        `json:"deliveryGuarantee" gx:"enum=at-least-once|exactly-once" doc:"What a crash may repeat: at-least-once, rows of what was under way; exactly-once, nothing. Without the key a batch job has exactly-once where reader and writer can do it and the target would keep repeated rows."`
	ErrorLimit      limitDoc      `json:"errorLimit" doc:"Dirty records that the job survives."`
	Speed           speedDoc      `json:"speed" doc:"Parallelism and limits over the whole job."`
	Checkpoint      Checkpoint    `json:"checkpoint" doc:"How often and where positions are kept."`
	Dirty           *dirtyDoc     `json:"dirty" doc:"Where records go that could not be written."`
	StallTimeoutSec int64         `json:"stallTimeoutSec" gx:"duration=s,min=0" doc:"Time without progress, 600 s unless given: a writer that answers nothing for so long ends the job, and a reader of a batch job that sends nothing is named in a note."`
	MaxRunSec       int64         `json:"maxRunSec" gx:"duration=s,min=0" doc:"Time after which the job is stopped; 0 for none."`
	Memory          int64         `json:"memory" default:"256MiB" gx:"bytes,min=16777216" doc:"Memory for rows on their way through the job."`
	DryRun          bool          `json:"dryRun" doc:"Check against the real systems, and move nothing."`
	Transformer     []Transformer `json:"transformer" doc:"Transformers for every row, in order."`

	Locale         options.Value `json:"locale" gx:"ignored" doc:"gx speaks English only"`
	JvmOption      options.Value `json:"jvmOption" gx:"ignored" doc:"gx has no Java machine; see setting.memory"`
	FailoverEnable options.Value `json:"failoverEnable" gx:"ignored" doc:"gx resumes by itself from its checkpoints"`
	KeyVersion     options.Value `json:"keyVersion" gx:"ignored" doc:"encrypted DataX keys are not supported, use ${env:NAME}"`
}

// limitDoc treats "" like a missing key; errorLimit tells them apart.
type limitDoc struct {
	Record     *int64   `json:"record" gx:"min=0,emptyIsUnset" doc:"Number of dirty records; 0 by default, \"\" for no limit."`
	Percentage *float64 `json:"percentage" gx:"min=0,max=1,emptyIsUnset" doc:"Share of dirty records; record rules when both are given."`
}

type speedDoc struct {
	Throttle   *bool         `json:"throttle" doc:"Turns the limits on or off: mbps, and what DataX calls byte and record. Left out, those that are given count."`
	Mbps       *float64      `json:"mbps" gx:"emptyIsUnset" doc:"Megabytes (1048576 bytes) per second."`
	Concurrent *int          `json:"concurrent" gx:"min=1,emptyIsUnset,alias=tasks.max" doc:"Parallel lanes; 1 by default."`
	Channel    *int          `json:"channel" gx:"min=1,emptyIsUnset" doc:"The same, by its DataX name."`
	Byte       *int64        `json:"byte" gx:"bytes,emptyIsUnset" doc:"Bytes per second; 0 or less for no limit."`
	Record     *int64        `json:"record" gx:"emptyIsUnset" doc:"Records per second; 0 or less for no limit."`
	DMU        options.Value `json:"dmu" gx:"ignored" doc:"a resource unit of old DataWorks; use concurrent"`
}

// Check holds the rules that tie speed limits together.
func (s *speedDoc) Check(at string) (problems []options.Problem) {
	add := func(key, code, seen, try string) {
		problems = append(problems, options.Problem{Code: code, Path: options.Join(at, key), Seen: seen, Try: try, Warning: code == options.CodeIgnored || code == options.CodeAssumed})
	}
	if s.Mbps != nil && *s.Mbps <= 0 {
		add("mbps", options.CodeOutOfRange, "the limit must be more than 0", `"throttle": false for no limit`)
	}
	switch on := s.Throttle; {
	case s.Mbps == nil && on != nil && *on && positive(s.Byte) == 0 && positive(s.Record) == 0:
		add("throttle", options.CodeMissing, "throttle is on and no limit is given", `"mbps": 12, or "throttle": false`)
	case s.Mbps != nil && on != nil && !*on:
		add("mbps", options.CodeIgnored, "has no effect, because throttle is off", `"throttle": true`)
	case s.Mbps != nil && on == nil:
		add("mbps", options.CodeAssumed, "throttle is not given; the limit is kept", `"throttle": true`)
	}
	for key, limit := range map[string]*int64{"byte": s.Byte, "record": s.Record} {
		if positive(limit) > 0 && s.off() {
			add(key, options.CodeIgnored, "has no effect, because throttle is off", `"throttle": true`)
		}
	}
	if s.Mbps != nil && positive(s.Byte) > 0 && !s.off() {
		add("byte", options.CodeConflict, "byte and mbps limit the same", "keep one of them")
	}
	if s.Channel != nil && s.Concurrent != nil && *s.Channel != *s.Concurrent {
		add("channel", options.CodeConflict, "channel and concurrent are two names of one setting", "keep concurrent")
	}
	return problems
}

// off tells whether the document turns limits off.
func (s *speedDoc) off() bool { return s.Throttle != nil && !*s.Throttle }

// lanes returns the lanes asked for, nil if the document is silent.
func (s *speedDoc) lanes() *int {
	if s.Concurrent != nil {
		return s.Concurrent
	}
	return s.Channel
}

// speed sets the limits. mbps counts in 1048576 bytes, as DataX does.
func (s *speedDoc) speed() Speed {
	out := Speed{Concurrent: 1}
	if !s.off() {
		out.BytesPerSec, out.RecordsPerSec = positive(s.Byte), positive(s.Record)
	}
	if n := s.lanes(); n != nil {
		out.Concurrent = *n
	}
	if s.Mbps != nil && *s.Mbps > 0 && !s.off() {
		out.BytesPerSec = max(1, int64(min(*s.Mbps, 1<<40)*(1<<20)))
	}
	return out
}

func positive(n *int64) int64 {
	if n == nil || *n < 0 {
		return 0
	}
	return *n
}

// setting turns the decoded settings at path into the model; raw is what was decoded.
func (p *parser) setting(doc *settingDoc, raw options.Value, path string) (Mode, Setting) {
	mode := Batch
	if doc.Mode != string(Batch) {
		mode = Streaming
	}
	return mode, Setting{
		ErrorLimit: p.errorLimit(doc.ErrorLimit, raw.Get("errorLimit"), options.Join(path, "errorLimit")),
		Speed:      doc.Speed.speed(), Guarantee: Guarantee(doc.Guarantee), Checkpoint: doc.Checkpoint,
		Dirty:           p.dirty(doc.Dirty, raw.Get("dirty"), options.Join(path, "dirty")),
		LanesUnsaid:     doc.Speed.lanes() == nil,
		StallTimeoutSec: doc.StallTimeoutSec, MaxRunSec: doc.MaxRunSec, Memory: doc.Memory, DryRun: doc.DryRun,
	}
}

// errorLimit tells a missing limit, which is 0 in gx, from an empty one, which is none.
func (p *parser) errorLimit(doc limitDoc, raw options.Value, path string) ErrorLimit {
	limit := ErrorLimit(doc)
	record := raw.Get("record")
	at := options.Join(path, "record")
	switch {
	case limit.Record != nil && limit.Percentage != nil:
		p.add(options.Problem{Code: options.CodeAssumed, Path: options.Join(path, "percentage"), Warning: true,
			Seen: fmt.Sprintf("record (%d) beats percentage (%s)", *limit.Record, strconv.FormatFloat(*limit.Percentage, 'g', -1, 64)), Try: "keep one of them"})
	case limit.Record != nil || limit.Percentage != nil:
	case record.Given() && record.Text() == "":
		p.add(options.Problem{Code: options.CodeAssumed, Path: at, Warning: true,
			Seen: "an empty limit means that any number of records may be lost", Try: `"record": "0"`})
	default:
		limit.Record = new(int64)
	}
	return limit
}

// Reference describes the keys under setting, for the documentation.
func Reference() []options.Param { return options.Describe(settingDoc{}) }
