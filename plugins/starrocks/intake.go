package starrocks

import (
	"context"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"github.com/gx-etl/gx/plugins/starrocks/encode"
)

// intake is where a lane gathers the rows for one table.
type intake struct {
	target  *target
	decoder rows.Decoder
	load    *load // being gathered; nil: none
	loads   int   // how many there were so far

	schema *arrow.Schema // the following are made for it
	names  []string      // of a row's values; nil: unknown
	form                 // of the rows that come now
	main   form          // of the schema
	spare  form          // for rows that main cannot carry; its encoder is nil when there is none
	spared bool          // form is spare, until the load is closed

	sets  *sets              // of a partial update, whose documents go elsewhere; nil: none
	bySet map[string]*intake // where they go
}

func (l *lane) intake(ctx context.Context, destination string) (*intake, error) {
	if in := l.intakes[destination]; in != nil {
		return in, nil
	}
	t, err := l.w.targetOf(ctx, destination)
	if err != nil {
		return nil, err
	}
	if l.transaction != nil && (t.database != l.transaction.Database || t.table != l.transaction.Table) {
		return nil, protocol.Faultf(protocol.Config, "rows for %q go to %s.%s, and a transaction takes rows of one table, %s.%s", destination, t.database, t.table,
			l.transaction.Database, l.transaction.Table).At("topic2table").Hint("map every source to the table of the job, or run the job without --resume, as at-least-once")
	}
	in := &intake{target: t}
	l.intakes[destination], l.places = in, append(l.places, in)
	return in, nil
}

// take lets the rows of a batch join loads.
func (l *lane) take(ctx context.Context, b *sdk.Batch) error {
	a := &arrival{sequence: b.Sequence, open: true}
	if b.Rows == 0 {
		b.Release()
		return l.in.Ack(sdk.Ack{Done: []sdk.Range{{First: b.Sequence, Last: b.Sequence}}})
	}
	in, err := l.intake(ctx, b.Destination)
	if err != nil {
		b.Release()
		return err
	}
	rec, err := in.decoder.Decode(b.Payload())
	if err != nil {
		b.Release()
		return protocol.Faultf(protocol.PluginFailed, "batch %d of shard %q: %v", b.Sequence, b.Shard, err)
	}
	release := func() { rec.Release(); b.Release() }
	if rec.NumRows() != int64(b.Rows) {
		defer release()
		return protocol.Faultf(protocol.PluginFailed, "batch %d of shard %q says %d rows and holds %d", b.Sequence, b.Shard, b.Rows, rec.NumRows())
	}
	if err := l.shape(ctx, in, rec.Schema()); err != nil {
		release()
		return err
	}
	var dirty []sdk.Dirty
	if in.kind == kindDocuments {
		a.memory, a.release = int64(len(b.Payload())), release
		l.held += a.memory
		dirty, err = l.documents(ctx, in, a, rec)
	} else {
		dirty, err = l.encode(ctx, in, a, rec)
		release()
	}
	if err != nil {
		if a.release != nil && a.pending == 0 {
			a.release()
		}
		return err
	}
	a.open = false
	done := l.finished(a, nil)
	if len(dirty) > 0 || len(done) > 0 {
		err = l.in.Ack(sdk.Ack{Done: done, Dirty: dirty})
	}
	l.letGo(a)
	return err
}

// shape prepares for rows of a schema. Rows that travel differently do not share a load.
func (l *lane) shape(ctx context.Context, in *intake, s *arrow.Schema) error {
	if in.schema == s || (in.schema != nil && in.schema.Equal(s)) {
		return nil
	}
	if err := l.close(ctx, in, whyShape); err != nil {
		return err
	}
	for _, own := range in.bySet {
		if err := l.close(ctx, own, whyShape); err != nil {
			return err
		}
	}
	k, err := l.w.kindOf(s)
	if err != nil {
		return err
	}
	names, err := l.w.set.namesFor(in.target, s, k)
	if err != nil {
		return err
	}
	if in.main, err = l.set.formOf(in.target, s, names, k); err != nil {
		return err
	}
	in.spare = form{}
	if l.transaction != nil {
		if err := l.transaction.fits(&in.main); err != nil {
			return err
		}
	} else if pr := &l.w.set.props; k == kindCSV && pr.spare() {
		if in.spare, err = l.w.set.formOf(in.target, s, names, kindJSON); err != nil {
			return err
		}
		// Only releases since 3.2.7 read compressed JSON, and the job asked for no JSON.
		in.spare.codec = ""
		delete(in.spare.header, "compression")
	}
	in.schema, in.names, in.form, in.spared = s, names, in.main, false
	in.sets, in.bySet = l.w.set.setsOf(in.target, k), map[string]*intake{}
	return nil
}

// maxJSON is the most that StarRocks takes of a JSON body unless told otherwise, streaming_load_max_batch_size_mb.
const maxJSON = 100 << 20

// most is how many bytes a load may have, and why it ends there.
func (l *lane) most(in *intake) (int64, string) {
	n, why := in.target.most(l.w).bytes, whyBytes
	if in.kind != kindCSV && !l.w.set.props.anySize {
		n = min(n, maxJSON)
	}
	// Half of the memory, so that one load can be gathered while another is on its way.
	if half := max(l.budget/2, 1); half < n {
		n, why = half, whyMemory
	}
	return n, why
}

func (l *lane) mostRows(in *intake) int {
	if in.kind != kindCSV && l.w.set.props.oneByOne {
		return 1
	}
	return in.target.most(l.w).rows
}

// patience is how long the first row of a load may wait.
func (l *lane) patience(in *intake) time.Duration { return in.target.most(l.w).wait }

// opened is the load that rows join now.
func (l *lane) opened(in *intake) *load {
	if in.load == nil {
		pr := &l.w.set.props
		in.loads++
		in.load = &load{target: in.target, header: in.header, kind: in.kind, codec: in.codec,
			bare: in.kind != kindCSV && pr.oneByOne, loose: in.kind != kindCSV && pr.loose}
		if in.kind == kindDocuments && !in.load.bare {
			in.load.bytes = 1 // the brackets, less the comma after the last document
		}
	}
	return in.load
}

// documents lets whole documents join loads without touching more of them than their ends.
func (l *lane) documents(ctx context.Context, in *intake, a *arrival, rec arrow.RecordBatch) (dirty []sdk.Dirty, err error) {
	if a.docs, err = encode.NewDocuments(rec.Column(0)); err != nil {
		return nil, protocol.Faultf(protocol.PluginFailed, "batch %d: %v", a.sequence, err)
	}
	if in.sets != nil {
		return l.partial(ctx, in, a, rec)
	}
	n := int(rec.NumRows())
	for row := 0; row < n; {
		reason := l.badDocument(a.docs, row)
		if reason != "" {
			dirty = append(dirty, sdk.Dirty{Sequence: a.sequence, Row: row, Reason: reason, Record: a.docs.Bytes(row)})
			row++
			continue
		}
		good := row + 1
		for good < n && l.badDocument(a.docs, good) == "" {
			good++
		}
		for row < good {
			if row, err = l.join(ctx, in, a, row, good); err != nil {
				return nil, err
			}
		}
	}
	return dirty, nil
}

func (l *lane) badDocument(d *encode.Documents, row int) string {
	if reason := d.Bad(row); reason != "" {
		return reason
	}
	if !l.w.set.props.anySize && int64(len(d.Bytes(row)))+2 > maxJSON {
		return tooLong
	}
	return ""
}

const tooLong = "the row exceeds the 100 MiB that StarRocks takes as JSON; set loadProps.ignore_json_size"

// join puts as many of the documents first to past-1 into the current load as fit, and closes it when it is full.
func (l *lane) join(ctx context.Context, in *intake, a *arrival, first, past int) (next int, err error) {
	ld := l.opened(in)
	most, why := l.most(in)
	mostRows := l.mostRows(in)
	limit := min(past, first+mostRows-ld.rows)
	next = a.docs.Fit(first, limit, most-ld.bytes)
	if next == first {
		if ld.rows > 0 {
			return first, l.close(ctx, in, why)
		}
		next = first + 1 // alone, however large
	}
	ld.add(a, first, next-first)
	ld.bytes += a.docs.Size(first, next)
	switch {
	case ld.rows >= mostRows:
		return next, l.close(ctx, in, whyRows)
	case ld.bytes >= most || next < limit:
		return next, l.close(ctx, in, why)
	}
	return next, nil
}

// encode writes the rows of a batch into the chunks of loads.
func (l *lane) encode(ctx context.Context, in *intake, a *arrival, rec arrow.RecordBatch) (dirty []sdk.Dirty, err error) {
	most, why := l.most(in)
	mostRows := l.mostRows(in)
	ending := int64(0) // the bracket that ends a JSON body
	turn := func(spared bool) error {
		in.turn(spared)
		most, why = l.most(in)
		mostRows, ending = l.mostRows(in), 0
		if in.kind == kindJSON {
			ending = 1
		}
		if err := in.encoder.Bind(rec); err != nil {
			return protocol.Faultf(protocol.PluginFailed, "batch %d: %v", a.sequence, err)
		}
		return nil
	}
	if err := turn(in.spared); err != nil {
		return nil, err
	}
	unclear := l.unclear(in, rec)
	for row := 0; row < int(rec.NumRows()); row++ {
		if i := lacking(rec, unclear, row); i >= 0 {
			dirty = append(dirty, sdk.Dirty{Sequence: a.sequence, Row: row, Reason: lackingReason, Column: rec.ColumnName(i), Record: rows.Describe(rec, row)})
			continue
		}
		if in.spared && in.load == nil { // what could not travel has gone
			if err := turn(false); err != nil {
				return nil, err
			}
		}
		ld := l.opened(in)
		c := ld.tail()
		start := len(c.buf)
		if in.kind == kindJSON && !ld.bare {
			c.buf = append(c.buf, opening(ld))
		}
		var ok bool
		c.buf, ok = in.encoder.Append(c.buf, row)
		size := int64(len(c.buf) - start)
		if !ok && in.encoder.Bad().JSON && in.spare.encoder != nil && !in.spared {
			c.buf = c.buf[:start]
			if start == 0 {
				ld.chunks = ld.chunks[:len(ld.chunks)-1]
			}
			l.count(ld)
			if err := l.close(ctx, in, whyFormat); err != nil {
				return nil, err
			}
			if err := turn(true); err != nil {
				return nil, err
			}
			l.opened(in)
			row-- // again, as JSON
			continue
		}
		if reason := in.encoder.Bad(); !ok || l.tooLong(in.kind, size) {
			c.buf = c.buf[:start]
			if ok {
				reason = encode.Bad{Reason: tooLong}
			}
			dirty = append(dirty, sdk.Dirty{Sequence: a.sequence, Row: row, Reason: reason.Reason, Column: reason.Column,
				Record: rows.Describe(rec, row)})
			continue
		}
		if ld.rows > 0 && ld.bytes+size+ending > most { // the row begins the next load
			text := append([]byte(nil), c.buf[start:]...)
			c.buf = c.buf[:start]
			if start == 0 {
				ld.chunks = ld.chunks[:len(ld.chunks)-1]
			}
			l.count(ld)
			if err := l.close(ctx, in, why); err != nil {
				return nil, err
			}
			most, why = l.most(in)
			mostRows = l.mostRows(in)
			ld = l.opened(in)
			c = ld.tail()
			c.buf = append(c.buf, text...)
			if in.kind == kindJSON && !ld.bare {
				c.buf[0] = opening(ld)
			}
		}
		c.ends = append(c.ends, int32(len(c.buf)))
		ld.add(a, row, 1)
		ld.bytes += size
		if ld.rows >= mostRows || ld.bytes+ending >= most {
			reason := why
			if ld.rows >= mostRows {
				reason = whyRows
			}
			l.count(ld)
			if err := l.close(ctx, in, reason); err != nil {
				return nil, err
			}
			most, why = l.most(in)
			mostRows = l.mostRows(in)
		}
	}
	if in.load != nil {
		l.count(in.load)
	}
	return dirty, nil
}

// opening is what stands before the next JSON object of a load.
func opening(ld *load) byte {
	if ld.rows == 0 {
		return '['
	}
	return ','
}

func (l *lane) tooLong(k kind, size int64) bool {
	return k == kindJSON && !l.w.set.props.anySize && size+2 > maxJSON
}

// count brings the lane's memory up to date with a load's chunks.
func (l *lane) count(ld *load) {
	n := ld.memory()
	l.held += n - ld.held
	ld.held = n
}

func (l *lane) rowDelimiter() []byte {
	if d, err := l.set.props.dialect(); err == nil {
		return d.Row()
	}
	return nil
}
