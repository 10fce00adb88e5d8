package fan

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

// target answers each batch by answer and counts the rows that it was given.
type target struct {
	*process
	opened *v1.OpenReply
	answer func(sequence uint64, rows int) *v1.Ack
	silent bool // ends without a word
	start  error

	mu      sync.Mutex // guards the following
	rows    int
	started bool
	flushed uint64
}

func (w *target) Open(context.Context, *v1.OpenRequest) (*v1.OpenReply, error) { return w.opened, nil }
func (w *target) Start(context.Context, bool) ([]string, error) {
	w.started = true
	return []string{"started"}, w.start
}
func (w *target) Flush(_ context.Context, _ int, seq uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flushed = seq
	return nil
}
func (w *target) Finish(context.Context, bool) ([]string, error) { return []string{"finished"}, nil }
func (w *target) Close(context.Context) error                    { return nil }
func (w *target) Prepare(context.Context, string) error          { return nil }
func (w *target) Commit(context.Context, string) error           { return nil }
func (w *target) Abort(context.Context, string) error            { return nil }
func (w *target) Resolve(context.Context, string) (v1.ResolveReply_State, error) {
	return v1.ResolveReply_STATE_UNKNOWN, nil
}
func (w *target) Write(ctx context.Context, _ int, _ string) (engine.Lane, error) {
	return &stream{w: w, ctx: ctx, acks: make(chan *v1.Ack, 1000)}, nil
}

type stream struct {
	w    *target
	ctx  context.Context
	acks chan *v1.Ack
}

func (s *stream) Send(f *wire.Frame) error {
	raw, err := f.Marshal()
	if err != nil {
		return err
	}
	var b v1.Batch
	if err := proto.Unmarshal(raw.Materialize(), &b); err != nil {
		return err
	}
	raw.Free()
	s.w.mu.Lock()
	s.w.rows += int(b.Rows)
	s.w.mu.Unlock()
	if !s.w.silent {
		s.acks <- s.w.answer(b.Sequence, int(b.Rows))
	}
	return nil
}
func (s *stream) CloseSend() error { close(s.acks); return nil }
func (s *stream) Recv() (*v1.Ack, error) {
	select {
	case a, ok := <-s.acks:
		if !ok {
			return nil, io.EOF
		}
		return a, nil
	case <-s.ctx.Done():
		return nil, s.ctx.Err()
	}
}

func landedAll(sequence uint64, rows int) *v1.Ack {
	return &v1.Ack{Done: []*v1.Range{{First: sequence, Last: sequence}}, Landed: uint64(rows), Loads: 1, FlushReasons: map[string]uint64{"end": 1}}
}

func targets(n int) (out []*target, joined engine.Writer) {
	var steps []plan.Step
	var each []engine.Writer
	for i := range n {
		w := &target{process: newProcess(), opened: &v1.OpenReply{ReplaySafe: true, Self: &v1.Peer{}}, answer: landedAll}
		out = append(out, w)
		each = append(each, w)
		steps = append(steps, plan.Step{Name: fmt.Sprintf("T%d", i), Path: fmt.Sprintf("steps[%d].parameter", i+1), Plugin: "p"})
	}
	return out, Writers(steps, each)
}

// move sends batches of so many rows through a lane and gives the sum of the acks.
func move(t *testing.T, w engine.Writer, rows ...int) (sum *v1.Ack, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	lane, err := w.Write(ctx, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range rows {
		enc, err := proto.Marshal(&v1.Batch{Sequence: uint64(i + 1), Shard: "s", Rows: uint32(n), Arrow: []byte("abc")})
		if err != nil {
			t.Fatal(err)
		}
		f := new(wire.Frame)
		if err := f.Unmarshal(mem.BufferSlice{mem.SliceBuffer(enc)}); err != nil {
			t.Fatal(err)
		}
		if err := lane.Send(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := lane.CloseSend(); err != nil {
		t.Fatal(err)
	}
	sum = &v1.Ack{}
	for {
		a, err := lane.Recv()
		if err == io.EOF {
			return sum, nil
		} else if err != nil {
			return sum, err
		}
		proto.Merge(sum, &v1.Ack{Done: a.Done, Dirty: a.Dirty})
		sum.Landed += a.Landed
		sum.Filtered += a.Filtered
		sum.DirtyUnnamed += a.DirtyUnnamed
		sum.Loads += a.Loads
	}
}

func TestWritersGetEveryRow(t *testing.T) {
	ws, w := targets(3)
	defer func() { _ = w.Close(context.Background()) }()
	sum, err := move(t, w, 5, 7, 11)
	if err != nil || sum.Landed != 23 || sum.Loads != 9 || len(sum.Dirty) != 0 {
		t.Fatalf("%v %v", sum, err)
	}
	for i, one := range ws {
		if one.rows != 23 {
			t.Errorf("target %d got %d rows", i, one.rows)
		}
	}
	notes, err := w.Finish(context.Background(), false)
	if err != nil || notes[0] != "T0: 23 rows landed, 0 dirty" || notes[5] != "T2: finished" {
		t.Fatalf("%q %v", notes, err)
	}
	if err := w.Flush(context.Background(), 0, 3); err != nil || ws[2].flushed != 3 {
		t.Fatalf("%v", err)
	}
}

func TestARowRefusedTwiceIsOneDirtyRecord(t *testing.T) {
	ws, w := targets(2)
	defer func() { _ = w.Close(context.Background()) }()
	refuse := func(reason string, rows ...uint32) func(uint64, int) *v1.Ack {
		return func(seq uint64, n int) *v1.Ack {
			a := landedAll(seq, n-len(rows))
			for _, row := range rows {
				a.Dirty = append(a.Dirty, &v1.Dirty{Sequence: seq, Row: row, Reason: reason})
			}
			return a
		}
	}
	ws[0].answer, ws[1].answer = refuse("too long", 1), refuse("no number", 1, 2)
	sum, err := move(t, w, 5)
	if err != nil || sum.Landed != 3 || len(sum.Dirty) != 2 {
		t.Fatalf("%v %v", sum, err)
	}
	for _, d := range sum.Dirty {
		if both := strings.Contains(d.Reason, "T0: too long"); both != (d.Row == 1) || !strings.Contains(d.Reason, "T1: no number") {
			t.Errorf("%v", d)
		}
	}
}

func TestWritersThatMiscountAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*target)
		want  string
	}{
		"too few":    {func(w *target) { w.answer = func(s uint64, n int) *v1.Ack { return landedAll(s, n-1) } }, "accounts for 4 rows of the 5"},
		"silent":     {func(w *target) { w.silent = true }, "with 1 batches unanswered"},
		"never sent": {func(w *target) { w.answer = func(_ uint64, n int) *v1.Ack { return landedAll(9, n) } }, "batch 9 acked twice, or never sent"},
		"no such row": {func(w *target) {
			w.answer = func(s uint64, n int) *v1.Ack {
				a := landedAll(s, n-1)
				a.Dirty = []*v1.Dirty{{Sequence: s, Row: 5}}
				return a
			}
		}, "row 5 of batch 1 refused"},
	} {
		t.Run(name, func(t *testing.T) {
			ws, w := targets(2)
			defer func() { _ = w.Close(context.Background()) }()
			c.spoil(ws[1])
			_, err := move(t, w, 5)
			if f := protocol.AsFault(err); f == nil || f.Code != protocol.PluginFailed || f.Place != "steps[2].parameter" || !strings.Contains(f.What, c.want) {
				t.Fatalf("%v", err)
			}
		})
	}
}

func TestWritersMustAgree(t *testing.T) {
	ws, w := targets(2)
	defer func() { _ = w.Close(context.Background()) }()
	ws[0].opened.Self.Columns, ws[1].opened.Self.Columns = []string{"a"}, []string{"b"}
	_, err := w.Open(context.Background(), &v1.OpenRequest{})
	if f := protocol.AsFault(err); f == nil || f.Place != "steps[2].parameter.column" {
		t.Fatalf("%v", err)
	}
	ws[1].opened.Self = &v1.Peer{WantsDestination: true}
	_, err = w.Open(context.Background(), &v1.OpenRequest{})
	if f := protocol.AsFault(err); f == nil || f.Place != "steps[2].parameter" || !strings.Contains(f.What, "a table of its own") {
		t.Fatalf("%v", err)
	}
	ws[1].opened.Self = &v1.Peer{Operations: v1.Operations_OPERATIONS_APPLIED}
	_, err = w.Open(context.Background(), &v1.OpenRequest{})
	if f := protocol.AsFault(err); f == nil || f.Place != "steps[2].parameter" || !strings.Contains(f.What, "change operations") {
		t.Fatalf("%v", err)
	}
	ws[1].opened = &v1.OpenReply{Self: &v1.Peer{WantsColumns: true}}
	o, err := w.Open(context.Background(), &v1.OpenRequest{})
	if err != nil || o.ReplaySafe || !o.Self.WantsColumns || o.Transactions || o.NoTransactions == "" || !slices.Equal(o.Self.Columns, []string{"a"}) {
		t.Fatalf("%v %v", o, err)
	}
}

func TestTheSecondTargetIsNotTouchedWhenTheFirstFails(t *testing.T) {
	ws, w := targets(2)
	defer func() { _ = w.Close(context.Background()) }()
	ws[0].start = protocol.Faultf(protocol.Refused, "no").At("preSql[0]")
	_, err := w.Start(context.Background(), false)
	if f := protocol.AsFault(err); f == nil || f.Place != "steps[1].parameter.preSql[0]" || ws[1].started {
		t.Fatalf("%v %t", err, ws[1].started)
	}
}

// Whatever writers say, in whatever order, the sum of what is told is the sum of the rows.
func TestBooksBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		writers := rapid.IntRange(1, 3).Draw(t, "writers")
		rows := rapid.SliceOfN(rapid.IntRange(1, 6), 1, 8).Draw(t, "rows")
		b := newBooks(writers)
		total, refused := 0, map[[2]int]bool{}
		var batches []int
		for i, n := range rows {
			b.sent(uint64(i+1), uint32(n))
			batches = append(batches, i)
			total += n
		}
		var todo [][]int // batches that each writer has to answer
		for range writers {
			todo = append(todo, rapid.Permutation(batches).Draw(t, "order"))
		}
		var landed, filtered, unnamed uint64
		named := 0
		done := map[uint64]bool{}
		for left := writers * len(rows); left > 0; left-- {
			var open []int
			for i := range todo {
				if len(todo[i]) > 0 {
					open = append(open, i)
				}
			}
			i := rapid.SampledFrom(open).Draw(t, "who")
			at := todo[i][0]
			todo[i] = todo[i][1:]
			a := &v1.Ack{Done: []*v1.Range{{First: uint64(at + 1), Last: uint64(at + 1)}}}
			for row := range rows[at] {
				switch rapid.IntRange(0, 3).Draw(t, "fate") {
				case 0:
					a.Dirty = append(a.Dirty, &v1.Dirty{Sequence: uint64(at + 1), Row: uint32(row), Reason: "r"})
					refused[[2]int{at, row}] = true
				case 1:
					a.DirtyUnnamed++
				case 2:
					a.Filtered++
				default:
					a.Landed++
				}
			}
			out, err := b.acked(i, "w", a)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range out.GetDone() {
				for s := r.First; s <= r.Last; s++ {
					if done[s] {
						t.Fatalf("batch %d done twice", s)
					}
					done[s] = true
				}
			}
			landed += out.GetLanded()
			filtered += out.GetFiltered()
			unnamed += out.GetDirtyUnnamed()
			named += len(out.GetDirty())
		}
		if len(done) != len(rows) || named != len(refused) {
			t.Fatalf("%d batches done of %d, %d rows dirty of %d", len(done), len(rows), named, len(refused))
		}
		if got := landed + filtered + unnamed + uint64(named); got != uint64(total) {
			t.Fatalf("%d rows told, %d sent", got, total)
		}
		for i := range writers {
			if r, c := b.of(i); r != c || int(r) != total || b.left(i) != 0 {
				t.Fatalf("writer %d: %d rows, %d counted", i, r, c)
			}
		}
	})
}
