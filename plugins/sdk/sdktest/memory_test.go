package sdktest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// The plugin of this file keeps rows in memory and keeps every law, until a test names the flaw that it shall have.

type memoryOptions struct {
	Table  string         `json:"table" gx:"required" doc:"Name of the table."`
	Size   int            `json:"size" default:"10" gx:"min=1" doc:"How many."`
	Shared options.Secret `json:"password" doc:"A secret."`
}

type looseOptions struct {
	Table string            `json:"table" doc:"Name of the table."`
	Size  string            `json:"size"`
	Rest  map[string]string `gx:"rest" doc:"Everything else."`
}

// table is a target in memory, with its transactions.
type table struct {
	mu      sync.Mutex // guards the following
	rows    [][]string
	pending map[string][][]string // by transaction
	final   map[string]sdk.TransactionState
}

func newTable() *table {
	return &table{pending: make(map[string][][]string), final: make(map[string]sdk.TransactionState)}
}

func (tb *table) landed() ([][]string, error) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return append([][]string{}, tb.rows...), nil
}

func memoryWriter(tb *table, flaw string, twoPhase bool) sdk.Plugin {
	spec := &sdk.WriterSpec{Doc: "Keeps rows.", Capabilities: []string{protocol.CapBatch, protocol.CapColumns}, New: func() sdk.Writer {
		w := &memWriter{table: tb, flaw: flaw}
		if twoPhase {
			return &twoPhaseWriter{w}
		}
		return w
	}}
	if twoPhase || flaw == "boasts" {
		spec.Capabilities = append(spec.Capabilities, protocol.CapTwoPhase)
	}
	return sdk.Plugin{Name: "memory-writer", Version: "1", Doc: "Keeps rows.", Writer: spec}
}

type memWriter struct {
	table   *table
	flaw    string
	options memoryOptions
	loose   looseOptions
}

func (w *memWriter) Config() any {
	if w.flaw == "loose options" {
		return &w.loose
	}
	return &w.options
}

func (w *memWriter) Open(context.Context, sdk.OpenInfo) (sdk.Opened, error) {
	return sdk.Opened{ReplaySafe: true}, nil
}
func (w *memWriter) Start(context.Context, sdk.StartInfo) ([]string, error) { return nil, nil }
func (w *memWriter) Finish(context.Context, bool) ([]string, error)         { return nil, nil }

func (w *memWriter) Close(context.Context) error {
	if w.flaw == "leaks" {
		go time.Sleep(2 * time.Minute)
	}
	return nil
}

func (w *memWriter) Write(ctx context.Context, _ int, in *sdk.In) error {
	var d rows.Decoder
	var held []sdk.Range
	n := int64(0)
	flush := func() error {
		if len(held) == 0 {
			return nil
		}
		a := sdk.Ack{Done: held, Landed: n}
		if w.flaw == "counts wrong" {
			a.Landed--
		}
		if w.flaw == "forgets the last" {
			a.Done = held[:len(held)-1]
		}
		held, n = nil, 0
		return in.Ack(a)
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-in.Flush():
			if w.flaw == "flushes empty" {
				held, n = nil, 0
				continue
			}
			if err := flush(); err != nil {
				return err
			}
		case b, ok := <-in.Batches():
			if !ok {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return flush()
			}
			if err := w.keep(b, &d, in.Transaction()); err != nil {
				return err
			}
			held = append(held, sdk.Range{First: b.Sequence, Last: b.Sequence})
			n += int64(b.Rows)
			b.Release()
		}
	}
}

func (w *memWriter) keep(b *sdk.Batch, d *rows.Decoder, transaction string) error {
	if w.flaw == "never looks" {
		return nil
	}
	var rec arrow.RecordBatch
	var err error
	if w.flaw == "does not count" {
		rec, err = d.Decode(b.Payload())
	} else {
		rec, err = b.Decode(d)
	}
	if err != nil {
		return err
	}
	defer rec.Release()
	w.table.mu.Lock()
	defer w.table.mu.Unlock()
	for i, r := range rowsOf("", rec) {
		if w.flaw == "loses rows" && i == 1 {
			continue
		}
		line := []string{fmt.Sprint(r.Values[0])}
		if transaction != "" {
			w.table.pending[transaction] = append(w.table.pending[transaction], line)
			continue
		}
		w.table.put(line, w.flaw == "doubles")
	}
	return nil
}

func (tb *table) put(line []string, again bool) {
	for _, old := range tb.rows {
		if old[0] == line[0] && !again {
			return
		}
	}
	tb.rows = append(tb.rows, line)
}

type twoPhaseWriter struct{ *memWriter }

func (w *twoPhaseWriter) Open(ctx context.Context, info sdk.OpenInfo) (sdk.Opened, error) {
	o, err := w.memWriter.Open(ctx, info)
	o.Transactions = true
	return o, err
}

func (w *twoPhaseWriter) Prepare(_ context.Context, name string) error {
	tb := w.table
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.final[name] = sdk.TransactionPrepared
	if w.flaw == "commits early" {
		tb.rows = append(tb.rows, tb.pending[name]...)
	}
	return nil
}

func (w *twoPhaseWriter) settle(name string, to sdk.TransactionState) error {
	tb := w.table
	tb.mu.Lock()
	defer tb.mu.Unlock()
	switch was := tb.final[name]; {
	case was != sdk.TransactionCommitted && was != sdk.TransactionAborted:
		tb.final[name] = to
		if to == sdk.TransactionCommitted || w.flaw == "aborts by committing" {
			tb.rows = append(tb.rows, tb.pending[name]...)
		}
	case w.flaw == "commits twice" && to == sdk.TransactionCommitted:
		tb.rows = append(tb.rows, tb.pending[name]...)
	}
	return nil
}

func (w *twoPhaseWriter) Commit(_ context.Context, name string) error {
	return w.settle(name, sdk.TransactionCommitted)
}

func (w *twoPhaseWriter) Abort(_ context.Context, name string) error {
	return w.settle(name, sdk.TransactionAborted)
}

func (w *twoPhaseWriter) Resolve(_ context.Context, name string) (sdk.TransactionState, error) {
	w.table.mu.Lock()
	defer w.table.mu.Unlock()
	return w.table.final[name], nil
}

const memoryRows = 24

func memoryReader(flaw string) sdk.Plugin {
	marks := make(map[string]int)
	capabilities := []string{protocol.CapBatch, protocol.CapPositions}
	if flaw == "hides its positions" {
		capabilities = capabilities[:1]
	}
	return sdk.Plugin{Name: "memory-reader", Version: "1", Doc: "Reads memory.", Reader: &sdk.ReaderSpec{
		Doc: "Reads memory.", Capabilities: capabilities, New: func() sdk.Reader { return &memReader{flaw: flaw, marks: marks} },
	}}
}

// memReader gives the numbers from 0 to memoryRows in two shards, four to a batch.
type memReader struct {
	flaw    string
	split   bool
	options memoryOptions
	mu      sync.Mutex // guards marks
	marks   map[string]int
}

func (r *memReader) Config() any { return &r.options }
func (r *memReader) Open(context.Context, sdk.OpenInfo) (sdk.Opened, error) {
	if r.flaw == "promises more columns" {
		return sdk.Opened{Columns: []string{"n", "m"}}, nil
	}
	return sdk.Opened{Columns: []string{"n"}, Frozen: true}, nil
}

func (r *memReader) Split(context.Context, int) ([]sdk.Shard, error) {
	if r.flaw == "names shards alike" {
		return []sdk.Shard{{Name: "a"}, {Name: "a"}}, nil
	}
	r.split = true
	return []sdk.Shard{{Name: "even"}, {Name: "odd"}}, nil
}

func (r *memReader) Read(ctx context.Context, _ int, shards []sdk.Shard, out *sdk.Out) error {
	b, err := rows.NewBuilder(arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil))
	if err != nil {
		return err
	}
	for _, sh := range shards {
		if r.flaw == "needs its split" && !r.split {
			return sdk.Faultf(sdk.Internal, "shard %s was not split", sh.Name)
		}
		r.mu.Lock()
		from := r.marks[sh.Name]
		r.mu.Unlock()
		for k := from; k < memoryRows/2; {
			for range min(4, memoryRows/2-k) {
				n := 2 * k
				if sh.Name == "odd" {
					n++
				}
				if r.flaw == "repeats a row" && n == 6 {
					n = 4
				}
				b.AppendInt64(0, int64(n))
				b.EndRow()
				k++
			}
			o := sdk.Outgoing{Shard: sh.Name, Position: []byte(strconv.Itoa(k)), Rows: b.Rows(), Payload: b.Finish()}
			switch r.flaw {
			case "leaves positions out":
				o.Position = nil
			case "skips ahead":
				o.Position = []byte(strconv.Itoa(k + 1))
			case "miscounts":
				o.Rows--
			}
			if err := out.Send(o); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (r *memReader) Commit(_ context.Context, ps []sdk.ShardPosition) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range ps {
		n, err := strconv.Atoi(string(p.Position))
		if err != nil {
			return nil, sdk.Faultf(sdk.Internal, "%w", errors.Join(err))
		}
		if r.flaw != "forgets commits" {
			r.marks[p.Shard] = n
		}
	}
	return nil, nil
}

func (r *memReader) Close(context.Context) error { return nil }

func (r *memReader) Positions(context.Context, sdk.PositionsInfo) (sdk.Kept, error) {
	out := sdk.Kept{Keeper: "memory"}
	for _, name := range []string{"even", "odd"} {
		out.Positions = append(out.Positions, sdk.KeptPosition{Shard: name, Offset: int64(r.marks[name]), Newest: memoryRows / 2})
	}
	return out, nil
}

func (r *memReader) Reposition(ctx context.Context, info sdk.PositionsInfo, to sdk.Reposition) (sdk.Repositioned, error) {
	if len(to.Shards) > 0 {
		return sdk.Repositioned{}, sdk.Faultf(sdk.NotFound, "no shard %q", to.Shards[0])
	}
	was, err := r.Positions(ctx, info)
	out := sdk.Repositioned{Keeper: was.Keeper}
	for _, k := range was.Positions {
		out.Before = append(out.Before, k.Offset)
		if k.Offset = 0; to.Place == sdk.ToLatest {
			k.Offset = k.Newest
		}
		if out.Positions = append(out.Positions, k); r.flaw != "stays where it is" {
			r.marks[k.Shard] = int(k.Offset)
		}
	}
	return out, err
}
