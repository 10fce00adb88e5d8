package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/core/transform"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

// open connects the writer, then the reader, and brings their columns together.
func (e *Engine) open(ctx context.Context) (source, target *v1.OpenReply, err error) {
	p := e.Plan
	request := func(s plan.Step, memory int64) *v1.OpenRequest {
		mode := v1.Mode_MODE_BATCH
		if p.Streaming {
			mode = v1.Mode_MODE_STREAMING
		}
		return &v1.OpenRequest{Parameters: s.Parameters, Job: p.Job, Run: p.Run, Mode: mode, Lanes: uint32(p.Lanes),
			Memory: uint64(memory), Lenient: p.Lenient}
	}
	target, err = e.Writer.Open(ctx, request(p.Writer, p.Memory.Writer))
	if err != nil {
		return nil, nil, fault.Within(p.Writer.Path, err)
	}
	e.notes(p.Writer.Plugin, target.Notes)
	in := request(p.Reader, p.Memory.Reader)
	in.Peer = target.Self
	if in.Peer == nil {
		in.Peer = &v1.Peer{}
	}
	in.Peer.Plugin = p.Writer.Plugin
	wanted := in.Peer.Columns
	if p.Transform != nil {
		in.Peer.WantsColumns = true
		if p.Transform.Reshapes() { // the reader's columns are its own
			in.Peer.Columns, in.Peer.ColumnTypes, in.Peer.Keys = nil, nil, nil
		}
	}
	source, err = e.Reader.Open(ctx, in)
	if err != nil {
		return nil, nil, fault.Within(p.Reader.Path, err)
	}
	e.notes(p.Reader.Plugin, source.Notes)
	if p.Transform != nil {
		if source.Documents {
			return nil, nil, fault.Within(p.Reader.Path, transform.Documents())
		}
		if err := p.Transform.Arrange(source.Columns, wanted); err != nil {
			return nil, nil, err
		}
	}
	if n, m := len(source.Columns)-ownOperations(source.Columns, wanted), len(wanted); (p.Transform == nil || !p.Transform.Reshapes()) && !source.Documents && n > 0 && m > 0 && n != m {
		return nil, nil, protocol.Faultf(protocol.Config, "the reader delivers %d columns (%s) and the writer takes %d (%s)",
			n, strings.Join(source.Columns, ", "), m, strings.Join(wanted, ", ")).
			At(strings.TrimPrefix(p.Reader.Path+".column", ".")).Hint("name as many columns on both sides, in the same order")
	}
	resumed := p.Streaming && source.Resumes
	if s := e.State; s != nil && s.Old != nil && s.Resume {
		resumed = s.Old.Started
	}
	if err := e.openSink(ctx, resumed); err != nil {
		return nil, nil, err
	}
	return source, target, nil
}

// ownOperations is 1 when rows end with their operation beyond the columns that the writer names, else 0.
func ownOperations(source, wanted []string) int {
	if n := len(source); n > 0 && source[n-1] == protocol.OpColumn && !slices.Contains(wanted, protocol.OpColumn) {
		return 1
	}
	return 0
}
