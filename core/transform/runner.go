package transform

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// Runner applies a chain to the batches of one lane. Not safe for concurrent use.
type Runner struct {
	chain   *Chain
	decoder rows.Decoder
	payload []byte // the batch at hand, in one piece

	schema  *arrow.Schema // what the following were made for
	workers []worker
	order   []int         // of the columns that leave; nil: as they come
	out     *arrow.Schema // of the rows that leave

	batch  batch
	keep   []int32
	stores []store
}

// Loss is what became of the rows of a batch that did not leave.
type Loss struct {
	Filtered uint64
	Dirty    []*v1.Dirty // with place and reason
}

// Runner makes the worker of one lane.
func (c *Chain) Runner() *Runner { return &Runner{chain: c} }

// Apply runs the chain over the rows of a frame that was received. The frame it returns takes the place of f: it is f itself
// when nothing changes, and otherwise f is freed. It has the header of f with the rows that are left, maybe none. After
// an error f is still the caller's.
func (r *Runner) Apply(f *wire.Frame) (*wire.Frame, Loss, error) {
	if f.Rows == 0 {
		return f, Loss{}, nil
	}
	n := f.PayloadLen()
	if cap(r.payload) < n {
		r.payload = make([]byte, n)
	}
	r.payload = r.payload[:n]
	f.CopyPayload(r.payload)
	rec, err := r.decoder.Decode(r.payload)
	if err != nil {
		return nil, Loss{}, malformed(f, "%v", err)
	}
	defer rec.Release()
	if rec.NumRows() != int64(f.Rows) {
		return nil, Loss{}, malformed(f, "it says %d rows and holds %d", f.Rows, rec.NumRows())
	}
	if err := r.bind(rec.Schema(), f.Destination); err != nil {
		return nil, Loss{}, err
	}
	b := &r.batch
	b.begin(rec)
	for _, w := range r.workers {
		if err := w.run(b); err != nil {
			return nil, Loss{}, err
		}
	}
	for _, d := range b.dirty {
		d.Place = fmt.Sprintf("shard %s, batch %d, row %d", f.Shard, f.Sequence, d.Row)
	}
	loss := Loss{Filtered: uint64(b.filtered), Dirty: b.dirty}
	if b.left == b.rows && !b.changed && r.order == nil {
		return f, loss, nil
	}
	out := &wire.Frame{Header: f.Header}
	out.Rows = uint32(b.left)
	if b.left > 0 {
		if out.Payload, err = rows.Encode(r.gather()); err != nil {
			return nil, Loss{}, protocol.Faultf(protocol.Internal, "transformers: %w", err)
		}
		if size := out.Payload.Len(); size > protocol.MaxMessage-headroom {
			return nil, Loss{}, protocol.Faultf(protocol.Data, "the transformers made batch %d of shard %q grow from %d to %d bytes, and %d can travel",
				f.Sequence, f.Shard, n, size, protocol.MaxMessage-headroom).Hint("shorter values, or smaller batches of the reader")
		}
	}
	f.Free()
	return out, loss, nil
}

// headroom is left in a message for the header of the batch.
const headroom = 1 << 20

func malformed(f *wire.Frame, format string, args ...any) error {
	return protocol.Faultf(protocol.PluginFailed, "batch %d of shard %q: %s", f.Sequence, f.Shard, fmt.Sprintf(format, args...))
}

// bind prepares for rows of a schema.
func (r *Runner) bind(s *arrow.Schema, destination string) error {
	if r.schema == s || (r.schema != nil && r.schema.Equal(s)) {
		return nil
	}
	if rows.IsDocuments(s) {
		return Documents()
	}
	fields := s.Fields()
	r.schema, r.workers, r.order = nil, nil, nil
	for _, st := range r.chain.steps {
		w, left, err := st.bind(fields)
		if err != nil {
			return err
		}
		r.workers, fields = append(r.workers, w), left
	}
	order, err := r.chain.order(namesOf(fields))
	if err != nil {
		return err
	}
	if order != nil && destination == "" {
		sorted := true
		arranged := make([]arrow.Field, len(fields))
		for i, from := range order {
			arranged[i] = fields[from]
			sorted = sorted && i == from
		}
		if !sorted {
			fields, r.order = arranged, order
		}
	}
	meta := s.Metadata()
	r.schema, r.out = s, arrow.NewSchema(fields, &meta)
	return nil
}

// Documents is the fault of a job whose rows have no columns to work on.
func Documents() error {
	return protocol.Faultf(protocol.Config, "transformers work on columns, and the reader sends whole JSON documents").
		Hint("name the columns in the reader's parameter column")
}

// gather makes the record of the rows that are left, in the order in which the columns leave.
func (r *Runner) gather() arrow.RecordBatch {
	b := &r.batch
	cols := make([]arrow.Array, len(b.cols))
	for i := range cols {
		from := i
		if r.order != nil {
			from = r.order[i]
		}
		cols[i] = b.cols[from]
	}
	if b.left < b.rows {
		r.keep = r.keep[:0]
		for i, s := range b.state {
			if s == alive {
				r.keep = append(r.keep, int32(i))
			}
		}
		for len(r.stores) < len(cols) {
			r.stores = append(r.stores, store{})
		}
		for i := range cols {
			cols[i] = take(&r.stores[i], cols[i], r.keep)
		}
	}
	return array.NewRecordBatch(r.out, cols, int64(b.left))
}
