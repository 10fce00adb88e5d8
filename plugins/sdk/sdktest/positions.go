package sdktest

import (
	"slices"
	"testing"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/sdk"
)

// readerKeepsPositions: a reader whose source keeps positions shows them and moves them, and what it reads follows. One
// that keeps none says so.
func readerKeepsPositions(t *testing.T, c *ReaderCase) {
	parameters := c.parameters(t)
	show := &v1.PositionsRequest{Parameters: []byte(parameters), Job: "conformance", Mode: mode(c.Streaming)}
	move := func(place v1.RepositionRequest_Place) *v1.RepositionRequest {
		return &v1.RepositionRequest{Parameters: []byte(parameters), Job: "conformance", Mode: mode(c.Streaming), Place: place}
	}
	lists := slices.Contains(c.Plugin.Reader.Capabilities, protocol.CapPositions)
	if _, ok := c.Plugin.Reader.New().(sdk.Positioner); !ok {
		r := start(t, c.Plugin).reader
		_, err := r.Positions(within(t), show)
		wantUnsupported(t, "positions", err)
		_, err = r.Reposition(within(t), move(v1.RepositionRequest_PLACE_EARLIEST))
		wantUnsupported(t, "reposition", err)
		if lists {
			t.Errorf("it lists %q and keeps none", protocol.CapPositions)
		}
		return
	}
	if !lists {
		t.Errorf("it keeps positions and does not list %q", protocol.CapPositions)
	}
	broken := start(t, c.Plugin).reader
	_, err := broken.Positions(within(t), &v1.PositionsRequest{Parameters: []byte(`{"a":`), Job: "conformance"})
	wantFault(t, "positions with broken parameters", err)
	_, err = broken.Reposition(within(t), move(v1.RepositionRequest_PLACE_UNSPECIFIED))
	wantFault(t, "reposition to nowhere", err)
	none := move(v1.RepositionRequest_PLACE_EARLIEST)
	none.Shards = []string{"no such shard/999"}
	_, err = broken.Reposition(within(t), none)
	wantFault(t, "reposition of a shard that is not there", err)

	// Everything is read and committed, and then nothing is left to read.
	r := c.open(t, parameters, "positions-1")
	got := r.read(t, c.enough(c.Rows))
	r.commit(t, positions(got))
	r.close(t)
	rows := len(allRows(got))
	kept, err := start(t, c.Plugin).reader.Positions(within(t), show)
	if err != nil {
		t.Fatalf("positions: %v", err)
	}
	if kept.Keeper == "" || kept.InUse != "" {
		t.Errorf("keeper %q, in use by %q, and nobody reads", kept.Keeper, kept.InUse)
	}
	for _, a := range got {
		if !slices.ContainsFunc(kept.Positions, func(k *v1.KeptPosition) bool { return k.Shard == a.Shard && k.Offset > k.Oldest }) {
			t.Fatalf("shard %s was read and committed, and no position of it is kept: %v", a.Shard, kept.Positions)
		}
	}

	// From the beginning everything comes again; and behind the newest record nothing.
	moved, err := start(t, c.Plugin).reader.Reposition(within(t), move(v1.RepositionRequest_PLACE_EARLIEST))
	if err != nil {
		t.Fatalf("reposition: %v", err)
	}
	if len(moved.Before) != len(moved.Positions) || len(moved.Positions) < len(kept.Positions) {
		t.Errorf("%d positions moved, %d were there before, and %d are kept", len(moved.Positions), len(moved.Before), len(kept.Positions))
	}
	for _, k := range moved.Positions {
		if k.Offset != k.Oldest {
			t.Errorf("%s was moved to the oldest record, %d, and is at %d", k.Shard, k.Oldest, k.Offset)
		}
	}
	again := c.open(t, parameters, "positions-2")
	if n := len(allRows(again.read(t, c.enough(rows)))); n != rows {
		t.Errorf("from the beginning %d rows came, want %d", n, rows)
	}
	again.close(t)
	if _, err := start(t, c.Plugin).reader.Reposition(within(t), move(v1.RepositionRequest_PLACE_LATEST)); err != nil {
		t.Fatalf("reposition: %v", err)
	}
	kept, err = start(t, c.Plugin).reader.Positions(within(t), show)
	if err != nil {
		t.Fatalf("positions: %v", err)
	}
	for _, k := range kept.Positions {
		if k.Offset != k.Newest {
			t.Errorf("%s was moved behind the newest record, %d, and is at %d", k.Shard, k.Newest, k.Offset)
		}
	}
	if c.Streaming {
		return // it would wait for ever
	}
	last := c.open(t, parameters, "positions-3")
	if n := len(allRows(last.read(t, 0))); n != 0 {
		t.Errorf("behind the newest record %d rows came", n)
	}
	last.close(t)
}
