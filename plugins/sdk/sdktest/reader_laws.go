package sdktest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/gx-etl/gx/plugins/sdk"
)

func readerWaitsForOpen(t *testing.T, c *ReaderCase) {
	r := start(t, c.Plugin).reader
	_, err := r.Split(within(t), &v1.SplitRequest{Want: 1})
	wantFault(t, "split before open", err)
	stream, err := r.Read(within(t), &v1.ReadRequest{Shards: []*v1.Shard{{Name: "none"}}})
	if err == nil {
		_, err = stream.Recv()
	}
	wantFault(t, "read before open", err)
	_, err = r.Commit(within(t), &v1.CommitPositionsRequest{})
	wantFault(t, "commit before open", err)
	_, err = r.Open(within(t), &v1.OpenRequest{Parameters: []byte(`{"a":`), Run: "broken"})
	wantFault(t, "open with broken parameters", err)
	if _, err := r.Close(within(t), &v1.CloseRequest{}); err != nil {
		t.Errorf("close before open: %v", err)
	}
}

// asOpened compares the columns of a batch with what Open promised.
func asOpened(o *v1.OpenReply, fields []arrow.Field, documents bool) error {
	if o.Documents != documents {
		return fmt.Errorf("open said documents=%t, and the batch is documents=%t", o.Documents, documents)
	}
	if o.Documents || len(o.Columns) == 0 {
		return nil
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	if !slices.Equal(names, o.Columns) {
		return fmt.Errorf("open promised the columns %q, and the batch has %q", o.Columns, names)
	}
	return nil
}

func readsEverything(t *testing.T, c *ReaderCase) {
	r := c.open(t, c.parameters(t), "everything")
	got := r.read(t, c.enough(c.Rows))
	all := allRows(got)
	if c.Rows > 0 && len(all) != c.Rows {
		t.Errorf("%d rows came, want %d", len(all), c.Rows)
	}
	if c.Want != nil && !t.Failed() {
		// Lanes mix the shards: give each its own stretch.
		slices.SortStableFunc(all, func(a, b Row) int { return strings.Compare(a.Shard, b.Shard) })
		c.Want(t, all)
	}
	r.commit(t, positions(got))
	r.commit(t, positions(got)) // once more is harmless
	r.close(t)
}

// resumesHalfway acks half of what came, goes away, and comes back for the same run: what was not acked comes, and with a
// durable position nothing else does.
func resumesHalfway(t *testing.T, c *ReaderCase) {
	parameters := c.parameters(t)
	total := c.Rows
	if total == 0 {
		r := c.open(t, parameters, "halfway")
		total = len(allRows(r.read(t, 0)))
		r.close(t)
	}
	var acked, open []arrived
	t.Run("first half", func(t *testing.T) {
		r := c.open(t, parameters, "halfway")
		acked, open = halve(r.read(t, total/2+1))
		r.commit(t, positions(acked))
		r.close(t)
	})
	t.Run("second half", func(t *testing.T) {
		r := c.open(t, parameters, "halfway")
		defer r.close(t)
		due := total
		if c.Resumes {
			due -= len(allRows(acked))
		}
		if due == 0 && c.Streaming {
			return
		}
		again := allRows(r.read(t, c.enough(due)))
		got := bag{}.add(again)
		if row, lost := got.lacks(bag{}.add(allRows(open))); lost {
			t.Errorf("a row that was read and not acked does not come again: %s", row)
		}
		if len(again) != due {
			t.Errorf("%d rows came, want %d: %d of %d were acked, and resuming from positions is %t",
				len(again), due, len(allRows(acked)), total, c.Resumes)
		}
	})
}

// readsShardsAlone: a reader that calls its shards frozen gives the same rows when another process reads them one by one,
// in another order, on one lane.
func readsShardsAlone(t *testing.T, c *ReaderCase) {
	parameters := c.parameters(t)
	first := c.open(t, parameters, "frozen-1")
	if !first.opened.Frozen {
		first.close(t)
		return
	}
	want := allRows(first.read(t, 0))
	shards := first.shards
	first.close(t)
	second := c.openUncut(t, parameters, "frozen-2")
	defer second.close(t)
	var got []Row
	last := uint64(0)
	for _, s := range slices.Backward(shards) {
		var err error
		last, err = second.readAfter(within(t), 0, last, []*v1.Shard{s}, func(a arrived) { got = append(got, a.rows...) })
		if err != nil {
			t.Fatalf("shard %s: %v", s.Name, err)
		}
	}
	if row, lacks := (bag{}.add(got)).lacks(bag{}.add(want)); lacks || len(got) != len(want) {
		t.Errorf("%d rows came, want %d; the first that is missing: %s", len(got), len(want), row)
	}
}

// halve takes the first half of each shard's batches.
func halve(got []arrived) (first, second []arrived) {
	count, taken := make(map[string]int), make(map[string]int)
	for _, a := range got {
		count[a.Shard]++
	}
	for _, a := range got {
		if taken[a.Shard]++; taken[a.Shard] <= (count[a.Shard]+1)/2 {
			first = append(first, a)
		} else {
			second = append(second, a)
		}
	}
	return first, second
}

// readStops cancels every lane in the middle, commits what came, and closes.
func readStops(t *testing.T, c *ReaderCase) {
	r := c.open(t, c.parameters(t), "stops")
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	var got []arrived
	for lane, shard := range r.shards {
		if lane == c.Lanes {
			break
		}
		stream, err := r.reader.Read(ctx, &v1.ReadRequest{Lane: uint32(lane), Shards: []*v1.Shard{shard}})
		if err != nil {
			t.Fatal(err)
		}
		var f wire.Frame
		if err := stream.RecvMsg(&f); err != nil {
			continue // a shard may be empty
		}
		got = append(got, arrived{Header: f.Header})
		f.Free()
	}
	cancel()
	r.commit(t, positions(got))
	r.close(t)
}

func readerDecides(t *testing.T, c *ReaderCase) {
	r := c.open(t, c.parameters(t), "decides")
	defer r.close(t)
	if _, ok := c.Plugin.Reader.New().(sdk.Decider); ok {
		if _, err := r.reader.Recover(within(t), &v1.RecoverRequest{}); err != nil {
			t.Errorf("recover with nothing decided: %v", err)
		}
		return
	}
	_, err := r.reader.Decide(within(t), &v1.DecideRequest{Transactions: []string{"conformance-1"}})
	wantUnsupported(t, "decide", err)
	_, err = r.reader.Recover(within(t), &v1.RecoverRequest{})
	wantUnsupported(t, "recover", err)
	if slices.Contains(c.Plugin.Reader.Capabilities, protocol.CapTwoPhase) {
		t.Errorf("it lists %q and cannot decide", protocol.CapTwoPhase)
	}
}
