package engine

import (
	"context"
	"fmt"

	"github.com/gx-etl/gx/core/fault"
)

// Explanation is what a run would do, as far as it is known before the first row. Its JSON form is what gx explain --json
// prints.
type Explanation struct {
	Job       string           `json:"job"`
	Mode      string           `json:"mode"`
	Reader    string           `json:"reader"`
	Writer    string           `json:"writer"`
	Columns   []string         `json:"columns,omitempty"` // of the rows, as they leave the reader; empty for documents
	Documents bool             `json:"documents,omitempty"`
	Types     []string         `json:"types,omitempty"` // of the target's columns, in its own words, where it knows them
	Delivery  string           `json:"delivery"`
	Lanes     int              `json:"lanes"`     // that have work
	LanesMost int              `json:"lanesMost"` // that the job allows
	Memory    ExplainedMemory  `json:"memory"`    // bytes of rows on their way
	Shards    []ExplainedShard `json:"shards"`
	Notes     []string         `json:"notes,omitempty"`
}

// ExplainedMemory is setting.memory, shared out.
type ExplainedMemory struct {
	Reader int64 `json:"reader"`
	Core   int64 `json:"core"`
	Writer int64 `json:"writer"`
}

// ExplainedShard is one part of the source.
type ExplainedShard struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`           // -1 when unknown
	Read string `json:"read,omitempty"` // what describes it to its reader, such as a query
}

// Explain opens both sides, lets the reader cut its source, and closes them again. Nothing is read, nothing is written, and
// no position moves.
func (e *Engine) Explain(ctx context.Context) (*Explanation, error) {
	out, err := e.explain(ctx)
	e.close(ctx, err)
	return out, err
}

func (e *Engine) explain(ctx context.Context) (*Explanation, error) {
	p := e.Plan
	source, target, err := e.open(ctx)
	if err != nil {
		return nil, err
	}
	shards, err := e.Reader.Split(ctx, p.Lanes)
	if err != nil {
		return nil, fault.Within(p.Reader.Path, err)
	}
	e.work.frozen = source.Frozen && !p.Streaming
	e.work.keeps = e.work.frozen
	promise, err := e.promise(source, target, len(shards))
	if err != nil {
		return nil, err
	}
	out := &Explanation{Job: p.Job, Mode: "batch", Reader: p.Reader.Plugin, Writer: p.Writer.Plugin, Columns: source.Columns,
		Documents: source.Documents, Types: target.GetSelf().GetColumnTypes(), Delivery: promise.String(), Lanes: min(p.Lanes, len(shards)), LanesMost: p.Lanes,
		Memory: ExplainedMemory{Reader: p.Memory.Reader, Core: p.Memory.Core, Writer: p.Memory.Writer}}
	if p.Streaming {
		out.Mode = "streaming"
	}
	distinct(shards)
	for _, s := range shards {
		out.Shards = append(out.Shards, ExplainedShard{Name: s.Name, Rows: s.Rows, Read: string(s.Descriptor_)})
	}
	if out.Lanes < p.Lanes {
		e.note(fmt.Sprintf("%d lanes asked for, %d can work: the source has no more shards", p.Lanes, out.Lanes))
	}
	e.stats.mu.Lock()
	defer e.stats.mu.Unlock()
	out.Notes = e.stats.notes
	return out, nil
}
