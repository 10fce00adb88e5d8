package stream

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// shape is what a row becomes: typed columns, a document, or the fields of a document that the writer asks for.
type shape struct {
	schema *arrow.Schema
	tokens []*column // columns of JSON tokens; nil where the writer wants a field that rows do not have
	keys   [][]byte  // of a document: `{"id":`, `,"name":` …
}

var arrowTypes = map[string]arrow.DataType{
	"long": arrow.PrimitiveTypes.Int64, "double": arrow.PrimitiveTypes.Float64, "string": arrow.BinaryTypes.String,
	"bool": arrow.FixedWidthTypes.Boolean, "date": &arrow.TimestampType{Unit: arrow.Microsecond}, "bytes": arrow.BinaryTypes.Binary,
}

func newShape(o *readerOptions, cols []column, peer sdk.Peer) shape {
	var s shape
	switch {
	case o.Documents && peer.WantsColumns:
		fields := make([]arrow.Field, len(peer.Columns))
		s.tokens = make([]*column, len(fields))
		for i, name := range peer.Columns {
			fields[i] = rows.JSONField(name)
			for j := range cols {
				if cols[j].name == name {
					s.tokens[i] = &cols[j]
				}
			}
		}
		s.schema = arrow.NewSchema(fields, nil)
	case o.Documents:
		s.schema = rows.DocumentSchema
		for i := range cols {
			key := appendString([]byte{"{,"[min(i, 1)]}, cols[i].name)
			s.keys = append(s.keys, append(key, ':'))
		}
	default:
		fields := make([]arrow.Field, len(cols))
		for i := range cols {
			fields[i] = arrow.Field{Name: cols[i].name, Type: arrowTypes[cols[i].kind], Nullable: true}
		}
		s.schema = arrow.NewSchema(fields, nil)
	}
	return s
}

func (s *shape) documents() bool { return s.keys != nil }

// append adds one row to b.
func (s *shape) append(b *rows.Builder, cols []column, row uint64, scratch []byte) []byte {
	switch {
	case s.tokens != nil:
		for i, c := range s.tokens {
			if c == nil || c.null(row) {
				b.AppendNull(i)
				continue
			}
			scratch = c.appendJSON(scratch[:0], row)
			b.AppendBytes(i, scratch)
		}
	case s.keys != nil:
		scratch = scratch[:0]
		for i := range cols {
			scratch = append(scratch, s.keys[i]...)
			scratch = cols[i].appendJSON(scratch, row)
		}
		scratch = append(scratch, '}')
		b.AppendBytes(0, scratch)
	default:
		for i := range cols {
			scratch = cols[i].append(b, i, row, scratch)
		}
	}
	b.EndRow()
	return scratch
}

// Read serves sdk.Reader.
func (r *reader) Read(ctx context.Context, _ int, shards []sdk.Shard, out *sdk.Out) error {
	b, err := rows.NewBuilder(r.shape.schema)
	if err != nil {
		return err
	}
	p := newPace(float64(r.options.RowsPerSecond) / float64(max(r.info.Lanes, 1)))
	for _, sh := range shards {
		var s slice
		if err := json.Unmarshal(sh.Descriptor, &s); err != nil || s.Step == 0 || s.From < 0 {
			return sdk.Faultf(sdk.Internal, "%q describes no slice", sh.Descriptor).At(sh.Name)
		}
		r.marks.know(r.info.Run, sh.Name) // which an earlier process may have cut
		if err := r.readSlice(ctx, sh.Name, s, b, p, out); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) readSlice(ctx context.Context, name string, s slice, b *rows.Builder, p *pace, out *sdk.Out) error {
	o := &r.options
	var scratch []byte
	for next := s.From; o.SliceRecordCount == 0 || next < o.SliceRecordCount; {
		if err := r.rehearse(ctx, p.spent); err != nil {
			return err
		}
		n, err := p.wait(ctx, r.most(p.spent, next))
		if err != nil {
			return err
		}
		for i := int64(0); i < n && b.Size() < protocol.BatchBytes; i++ {
			scratch = r.shape.append(b, r.columns, s.First+uint64(next)*s.Step, scratch)
			next++
		}
		p.spent += int64(b.Rows())
		lag := int64(-1)
		if o.SliceRecordCount > 0 {
			lag = o.SliceRecordCount - next
		}
		batch := sdk.Outgoing{Shard: name, Position: strconv.AppendInt(nil, next, 10), Rows: b.Rows(), Bytes: int64(b.Size()),
			Lag: lag, EventTime: time.Now().UnixMilli()}
		batch.Payload = b.Finish()
		if err := out.Send(batch); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// most is the number of rows that the next batch may have, after made rows of the lane.
func (r *reader) most(made, next int64) int64 {
	o := &r.options
	n := o.BatchRows
	if o.SliceRecordCount > 0 {
		n = min(n, o.SliceRecordCount-next)
	}
	for _, stop := range []int64{o.FailAfterRows, o.HangAfterRows} {
		if stop > made {
			n = min(n, stop-made)
		}
	}
	return n
}

// rehearse does what failAfterRows and hangAfterRows ask for.
func (r *reader) rehearse(ctx context.Context, made int64) error {
	o := &r.options
	if o.FailAfterRows > 0 && made >= o.FailAfterRows {
		return rehearsed(o.FailAfterRows)
	}
	if o.HangAfterRows > 0 && made >= o.HangAfterRows {
		<-ctx.Done()
	}
	return ctx.Err()
}

func rehearsed(n int64) error {
	return sdk.Faultf(sdk.Refused, "failed after %d rows, as asked for", n).At("failAfterRows").
		Hint("take failAfterRows out of the job when the rehearsal is over")
}

// pace lets rows through at a steady rate, counted from the start, so that a pause is made up for.
type pace struct {
	rate  float64 // rows per second; 0 is no limit
	start time.Time
	spent int64 // rows let through by this lane
}

func newPace(rate float64) *pace { return &pace{rate: rate, start: time.Now()} }

// wait returns how many rows, of want, are due now; at least one.
func (p *pace) wait(ctx context.Context, want int64) (int64, error) {
	if p.rate <= 0 {
		return want, ctx.Err()
	}
	const tick = 10 * time.Millisecond // fewer, larger batches at high rates
	for {
		if due := int64(p.rate*time.Since(p.start).Seconds()) - p.spent; due > 0 {
			return min(due, want), ctx.Err()
		}
		next := p.start.Add(time.Duration(float64(p.spent+1) / p.rate * float64(time.Second)))
		if err := sleep(ctx, max(time.Until(next), tick)); err != nil {
			return 0, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
