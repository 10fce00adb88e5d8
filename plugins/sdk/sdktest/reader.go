package sdktest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// ReaderCase is a reader with a source to read from.
type ReaderCase struct {
	Plugin sdk.Plugin
	// Parameters of the step as a JSON object.
	Parameters string
	// Fresh, when set, makes the parameters of each law anew: for sources that remember who has read, such as a group.
	Fresh func(t *testing.T) string
	// Streaming opens the reader for a job that never ends; each law stops it after Rows.
	Streaming bool
	// Lanes is 2 when it is 0.
	Lanes int
	// Peer is what the writer side says.
	Peer sdk.Peer
	// Rows is how many rows the source holds. A streaming reader must say; for others 0 means: as many as come.
	Rows int
	// Want, when set, judges all the rows of the source, in the order in which each shard gave them.
	Want func(t *testing.T, all []Row)
	// Resumes says that Commit is durable at the source: rows before a committed position never come again.
	Resumes bool
	// Skip names laws that this reader does not keep, and why.
	Skip map[string]string
}

// Reader runs the suite.
func Reader(t *testing.T, c ReaderCase) {
	if c.Lanes == 0 {
		c.Lanes = 2
	}
	if c.Streaming && c.Rows == 0 {
		t.Fatal("a streaming case must say how many rows its source holds")
	}
	run(t, []law[ReaderCase]{
		{"describes itself", func(t *testing.T, c *ReaderCase) { describesItself(t, c.subject(t)) }},
		{"accepts its case", func(t *testing.T, c *ReaderCase) { acceptsItsCase(t, c.subject(t)) }},
		{"defaults are valid", func(t *testing.T, c *ReaderCase) { defaultsAreValid(t, c.subject(t)) }},
		{"misses what is required", func(t *testing.T, c *ReaderCase) { missesWhatIsRequired(t, c.subject(t)) }},
		{"refuses unknown keys", func(t *testing.T, c *ReaderCase) { refusesUnknownKeys(t, c.subject(t)) }},
		{"refuses wrong types", func(t *testing.T, c *ReaderCase) { refusesWrongTypes(t, c.subject(t)) }},
		{"is nothing else", func(t *testing.T, c *ReaderCase) { isNothingElse(t, c.subject(t)) }},
		{"waits for open", readerWaitsForOpen},
		{"reads everything", readsEverything},
		{"resumes after half the acks", resumesHalfway},
		{"reads frozen shards alone", readsShardsAlone},
		{"stops when cancelled", readStops},
		{"decides or says so", readerDecides},
		{"keeps positions or says so", readerKeepsPositions},
	}, &c, c.Skip)
}

func (c *ReaderCase) parameters(t *testing.T) string {
	if c.Fresh != nil {
		return c.Fresh(t)
	}
	return c.Parameters
}

func (c *ReaderCase) subject(t *testing.T) subject {
	return subject{plugin: c.Plugin, role: v1.Role_ROLE_READER, parameters: c.parameters(t), streaming: c.Streaming}
}

// enough is when to stop reading: a reader that ends by itself is read to its end.
func (c *ReaderCase) enough(rows int) int {
	if c.Streaming {
		return rows
	}
	return 0
}

// reading is one opened reader with its shards.
type reading struct {
	*core
	c      *ReaderCase
	opened *v1.OpenReply
	shards []*v1.Shard
}

// open opens the reader for a run and splits its source.
func (c *ReaderCase) open(t *testing.T, parameters, run string) *reading {
	t.Helper()
	r := c.openUncut(t, parameters, run)
	split, err := r.reader.Split(within(t), &v1.SplitRequest{Want: uint32(c.Lanes)})
	if err != nil {
		t.Fatalf("split: %v", err)
	}
	r.shards = split.Shards
	names := make(map[string]bool)
	for _, s := range r.shards {
		if s.Name == "" || names[s.Name] {
			t.Fatalf("shards %v: names must be there and differ", r.shards)
		}
		names[s.Name] = true
	}
	return r
}

// openUncut opens the reader for a run.
func (c *ReaderCase) openUncut(t *testing.T, parameters, run string) *reading {
	t.Helper()
	r := &reading{core: start(t, c.Plugin), c: c}
	var err error
	r.opened, err = r.reader.Open(within(t), &v1.OpenRequest{Parameters: []byte(parameters), Job: "conformance", Run: run,
		Mode: mode(c.Streaming), Lanes: uint32(c.Lanes), Memory: budget,
		Peer: &v1.Peer{Plugin: c.Peer.Plugin, Columns: c.Peer.Columns, WantsColumns: c.Peer.WantsColumns,
			WantsDestination: c.Peer.WantsDestination, ColumnTypes: c.Peer.ColumnTypes, Keys: c.Peer.Keys,
			Operations: v1.Operations(c.Peer.Operations), NoOperations: c.Peer.NoOperations}})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return r
}

func (r *reading) close(t *testing.T) {
	t.Helper()
	for range 2 { // the second finds nothing to do
		if _, err := r.reader.Close(within(t), &v1.CloseRequest{}); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

// arrived is a batch with its rows.
type arrived struct {
	wire.Header
	rows []Row
}

// read reads all shards over all lanes until they are exhausted, or until enough rows came (0: never enough).
func (r *reading) read(t *testing.T, enough int) []arrived {
	t.Helper()
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	var (
		lanes sync.WaitGroup
		mu    sync.Mutex // guards the following
		got   []arrived
		n     int
		stop  bool
	)
	for lane := range r.c.Lanes {
		var mine []*v1.Shard
		for i, s := range r.shards {
			if i%r.c.Lanes == lane {
				mine = append(mine, s)
			}
		}
		if len(mine) == 0 {
			continue
		}
		lanes.Go(func() {
			err := r.readLane(ctx, lane, mine, func(a arrived) {
				mu.Lock()
				defer mu.Unlock()
				if stop {
					return // it was on its way when the reading was stopped
				}
				got = append(got, a)
				if n += len(a.rows); enough > 0 && n >= enough {
					stop = true
					cancel()
				}
			})
			mu.Lock()
			defer mu.Unlock()
			if err != nil && !stop {
				t.Errorf("read lane %d: %v (%d rows so far)", lane, err, n)
			}
		})
	}
	lanes.Wait()
	return got
}

// readLane holds a Read stream to what the protocol says of batches.
func (r *reading) readLane(ctx context.Context, lane int, shards []*v1.Shard, take func(arrived)) error {
	_, err := r.readAfter(ctx, lane, 0, shards, take)
	return err
}

// readAfter is readLane on a lane that has given some batches already; it returns the number of the last.
func (r *reading) readAfter(ctx context.Context, lane int, after uint64, shards []*v1.Shard, take func(arrived)) (last uint64, err error) {
	stream, err := r.reader.Read(ctx, &v1.ReadRequest{Lane: uint32(lane), Shards: shards, After: after})
	if err != nil {
		return after, err
	}
	var decoder rows.Decoder
	for seq := after + 1; ; seq++ {
		var f wire.Frame
		if err := stream.RecvMsg(&f); err == io.EOF {
			return seq - 1, nil
		} else if err != nil {
			if ctx.Err() != nil && !protocol.IsCanceled(err) {
				return seq, fmt.Errorf("a cancelled read ended with %w", err)
			}
			return seq, err
		}
		if f.Sequence != seq {
			return seq, fmt.Errorf("batch %d, where %d is due", f.Sequence, seq)
		}
		if f.Shard == "" || len(f.Position) == 0 {
			return seq, fmt.Errorf("batch %d: shard %q, position %q: neither may be empty", seq, f.Shard, f.Position)
		}
		a := arrived{Header: f.Header}
		if f.Rows > 0 {
			payload := make([]byte, f.PayloadLen())
			f.CopyPayload(payload)
			rec, err := decoder.Decode(payload)
			if err != nil {
				return seq, fmt.Errorf("batch %d: %w", seq, err)
			}
			if rec.NumRows() != int64(f.Rows) {
				return seq, fmt.Errorf("batch %d says %d rows and holds %d", seq, f.Rows, rec.NumRows())
			}
			if err := asOpened(r.opened, rec.Schema().Fields(), rows.IsDocuments(rec.Schema())); err != nil {
				return seq, fmt.Errorf("batch %d: %w", seq, err)
			}
			a.rows = rowsOf(f.Shard, rec)
			rec.Release()
		}
		f.Free()
		take(a)
	}
}

func allRows(got []arrived) []Row {
	var out []Row
	for _, a := range got {
		out = append(out, a.rows...)
	}
	return out
}

// positions returns, for each shard, where it resumes after the last of its batches.
func positions(got []arrived) []*v1.ShardPosition {
	var out []*v1.ShardPosition
	for _, a := range got {
		i := slices.IndexFunc(out, func(p *v1.ShardPosition) bool { return p.Shard == a.Shard })
		if i < 0 {
			i = len(out)
			out = append(out, &v1.ShardPosition{Shard: a.Shard})
		}
		out[i].Position = a.Position
	}
	return out
}

func (r *reading) commit(t *testing.T, ps []*v1.ShardPosition) {
	t.Helper()
	out, err := r.reader.Commit(within(t), &v1.CommitPositionsRequest{Positions: ps})
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	if len(out.Lost) > 0 {
		t.Errorf("commit lost %q, and nobody else reads here", out.Lost)
	}
}

// Read opens the reader of a case and reads its source once over real gRPC: the rows, and the records that became none.
// It is for tests of what single values become; Reader is the suite.
func Read(t *testing.T, c ReaderCase) (all []Row, dirty []*v1.Dirty) {
	t.Helper()
	if c.Lanes == 0 {
		c.Lanes = 2
	}
	r := c.open(t, c.parameters(t), "1")
	got := r.read(t, c.enough(c.Rows))
	r.close(t)
	for _, a := range got {
		dirty = append(dirty, a.Dirty...)
	}
	return allRows(got), dirty
}
