package sdk

import (
	"context"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

// Positioner is a Reader whose source keeps positions for a job between its runs, such as the offsets of a consumer group.
// Both verbs come in place of Open, on a Reader of their own that is thrown away behind them: they leave nothing open. The
// reader lists protocol.CapPositions.
type Positioner interface {
	// Positions looks and changes nothing.
	Positions(ctx context.Context, info PositionsInfo) (Kept, error)
	// Reposition moves positions of a job that does not run, and refuses when they are in use.
	Reposition(ctx context.Context, info PositionsInfo, to Reposition) (Repositioned, error)
}

// PositionsInfo says whose positions are meant.
type PositionsInfo struct {
	Job       string
	Streaming bool
}

// KeptPosition is what a source keeps of one shard. Offsets count records from the beginning of the shard; -1 where there
// is none, or none is known.
type KeptPosition struct {
	Shard  string
	Offset int64 // of the record that the next run begins with
	Oldest int64 // of the oldest record that is there
	Newest int64 // behind the newest record that is there
}

// Kept is what a source keeps for a job.
type Kept struct {
	Keeper    string // in words: "consumer group gx_orders"
	InUse     string // who uses the positions now, in words; empty when they can be moved
	Positions []KeptPosition
}

// RepositionPlace says what the value of a Reposition means.
type RepositionPlace int

// Where a position can be moved to.
const (
	ToEarliest RepositionPlace = iota
	ToLatest                   // behind the newest record
	ToOffset                   // Value is an offset
	ToTime                     // Value is Unix milliseconds: the first record of that time or later
)

// Reposition says which positions to move, and where to.
type Reposition struct {
	Shards []string // their names, or the parts of these that tell them apart; all when empty
	Place  RepositionPlace
	Value  int64
}

// Repositioned is what became of a Reposition.
type Repositioned struct {
	Keeper    string
	Positions []KeptPosition // as they are now, those that moved alone
	Before    []int64        // offsets of the same shards before
	Notes     []string       // warnings
}

var placeOf = map[v1.RepositionRequest_Place]RepositionPlace{
	v1.RepositionRequest_PLACE_EARLIEST: ToEarliest, v1.RepositionRequest_PLACE_LATEST: ToLatest,
	v1.RepositionRequest_PLACE_OFFSET: ToOffset, v1.RepositionRequest_PLACE_TIME: ToTime,
}

// positioner makes a reader for one call and gives it its parameters.
func (s *readerServer) positioner(verb string, in *v1.OpenRequest) (Positioner, error) {
	r := s.spec.New()
	p, ok := r.(Positioner)
	if !ok {
		return nil, protocol.NotSupported(verb)
	}
	return p, fault(open(in, r.Config()))
}

func (s *readerServer) Positions(ctx context.Context, in *v1.PositionsRequest) (*v1.PositionsReply, error) {
	p, err := s.positioner("Positions", &v1.OpenRequest{Parameters: in.Parameters, Lenient: in.Lenient})
	if err != nil {
		return nil, err
	}
	kept, err := p.Positions(ctx, PositionsInfo{Job: in.Job, Streaming: in.Mode == v1.Mode_MODE_STREAMING})
	if err != nil {
		return nil, fault(err)
	}
	return &v1.PositionsReply{Keeper: valid(kept.Keeper), InUse: valid(kept.InUse), Positions: keptProto(kept.Positions)}, nil
}

func (s *readerServer) Reposition(ctx context.Context, in *v1.RepositionRequest) (*v1.RepositionReply, error) {
	p, err := s.positioner("Reposition", &v1.OpenRequest{Parameters: in.Parameters, Lenient: in.Lenient})
	if err != nil {
		return nil, err
	}
	place, ok := placeOf[in.Place]
	if !ok || place == ToOffset && in.Value < 0 {
		return nil, fault(protocol.Faultf(protocol.Config, "%s %d is no place to move to", in.Place, in.Value))
	}
	out, err := p.Reposition(ctx, PositionsInfo{Job: in.Job, Streaming: in.Mode == v1.Mode_MODE_STREAMING},
		Reposition{Shards: in.Shards, Place: place, Value: in.Value})
	if err != nil {
		return nil, fault(err)
	}
	if len(out.Before) != len(out.Positions) {
		return nil, fault(protocol.Faultf(protocol.Internal, "%d positions moved, and %d were there before", len(out.Positions), len(out.Before)))
	}
	return &v1.RepositionReply{Keeper: valid(out.Keeper), Positions: keptProto(out.Positions), Before: out.Before,
		Notes: validAll(out.Notes)}, nil
}

func keptProto(in []KeptPosition) []*v1.KeptPosition {
	out := make([]*v1.KeptPosition, len(in))
	for i, k := range in {
		out[i] = &v1.KeptPosition{Shard: valid(k.Shard), Offset: k.Offset, Oldest: k.Oldest, Newest: k.Newest}
	}
	return out
}
