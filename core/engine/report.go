package engine

import (
	"maps"
	"slices"
	"time"

	"github.com/gx-etl/gx/core/fault"
)

// Report is the end of a run. Its JSON form is what --report writes.
type Report struct {
	Job       string           `json:"job"`
	Run       string           `json:"run"`
	Mode      string           `json:"mode"`
	Outcome   string           `json:"outcome"` // done, stopped, failed
	Started   time.Time        `json:"started"`
	Seconds   float64          `json:"seconds"`
	Read      int64            `json:"read"` // records: landed + filtered + dirty when the run is done
	ReadBytes int64            `json:"readBytes"`
	Landed    int64            `json:"landed"`
	Filtered  int64            `json:"filtered"`
	Dirty     int64            `json:"dirty"`
	Loads     int64            `json:"loads"`
	LoadBytes int64            `json:"loadBytes"`
	Flushes   map[string]int64 `json:"flushes,omitempty"` // why loads were closed
	Commits   int64            `json:"commits"`
	Shards    *ShardCount      `json:"shards,omitempty"` // of a job that can be resumed
	Lost      []string         `json:"movedShards,omitempty"`
	RowsPerS  float64          `json:"rowsPerSecond"`
	DirtyKept []DirtyLine      `json:"dirtyRecords,omitempty"`
	DirtyFile string           `json:"dirtyFile,omitempty"`
	DirtySink *DirtyUse        `json:"dirtySink,omitempty"`
	Notes     []string         `json:"notes,omitempty"`
	Processes []ProcessUse     `json:"processes,omitempty"`
	Error     *ErrorLine       `json:"error,omitempty"`
}

// ShardCount is how far a job with a state file has come, over all processes of its run.
type ShardCount struct {
	All     int    `json:"all"`
	Before  int    `json:"doneBefore"` // by earlier processes
	Now     int    `json:"doneNow"`
	Landed  int64  `json:"landedInAll"` // rows of the shards that are done
	Resumes string `json:"resumes,omitempty"`
}

// DirtyLine is a dirty record without its data.
type DirtyLine struct {
	Plugin string `json:"plugin"`
	Place  string `json:"place"`
	Reason string `json:"reason"`
	Column string `json:"column,omitempty"`
}

// DirtyUse says what became of the dirty records that a writer was to keep.
type DirtyUse struct {
	Plugin  string `json:"plugin"`
	Place   string `json:"place"`   // such as "table ops.dirty_records"
	Kept    int64  `json:"kept"`    // records that are there
	Refused int64  `json:"refused"` // records that went to the dirty file instead
}

// ProcessUse is what one process of the job has used.
type ProcessUse struct {
	Name       string  `json:"name"`
	Pid        string  `json:"pid"`
	CPUSeconds float64 `json:"cpuSeconds"`
	MaxRSS     int64   `json:"maxResidentBytes"`
}

// ErrorLine is the error of a failed run.
type ErrorLine struct {
	Code  string `json:"code"`
	Place string `json:"place,omitempty"`
	What  string `json:"what"`
	Try   string `json:"try,omitempty"`
}

func (e *Engine) report(stopped bool, err error) *Report {
	s := &e.stats
	s.mu.Lock()
	defer s.mu.Unlock()
	p := e.Plan
	r := &Report{Job: p.Job, Run: p.Run, Mode: "batch", Outcome: "done", Started: s.started,
		Seconds: time.Since(s.started).Seconds(), Read: s.allRead(), ReadBytes: s.bytes, Landed: s.landed,
		Filtered: s.filtered, Dirty: s.dirtyNum, Loads: s.loads, LoadBytes: s.loadBytes, Flushes: s.reasons,
		Notes: s.notes}
	if p.Streaming {
		r.Mode = "streaming"
	}
	switch {
	case err != nil:
		r.Outcome = "failed"
		f := fault.Of(err)
		r.Error = &ErrorLine{Code: string(f.Code), Place: f.Place, What: f.What, Try: f.Try}
	case stopped && s.overTime:
		r.Outcome = "out of time"
	case stopped:
		r.Outcome = "stopped"
	}
	if r.Seconds > 0 {
		r.RowsPerS = float64(r.Landed) / r.Seconds
	}
	for _, d := range s.kept {
		r.DirtyKept = append(r.DirtyKept, DirtyLine{Plugin: d.Side, Place: d.Place, Reason: d.Reason, Column: d.Column})
	}
	if c := e.commits; c != nil {
		c.mu.Lock()
		r.Commits = c.commits
		r.Lost = slices.Sorted(maps.Keys(c.lost))
		c.mu.Unlock()
	}
	if w := &e.work; w.journal != nil {
		state := w.journal.State()
		done, sum := state.Done()
		r.Shards = &ShardCount{All: len(state.Shards), Before: w.doneBefore, Now: done - w.doneBefore, Landed: sum.Landed, Resumes: w.runBefore}
	}
	return r
}
