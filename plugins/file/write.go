package file

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/jsontext"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

func makeFolder(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return fileFault("path", err)
	}
	return nil
}

// pen is one Write: a lane with the file that it has under way.
type pen struct {
	w       *writer
	n       int // of the lane
	in      *sdk.In
	decoder rows.Decoder
	recoder *recoder
	age     *time.Timer

	schema    *arrow.Schema // the following are made for it
	sources   []source
	keys      [][]byte // of JSON: what stands before each value
	top       []byte   // the header, in the encoding of the file
	documents bool

	part  *part
	line  []byte
	value []byte

	// Batches whose every row is in part, or in a file before it, and that are not acked.
	first, last uint64
	waiting     bool
	landed      int64
}

// Write serves sdk.Writer. Batches are acked when the files with their rows have their names.
func (w *writer) Write(ctx context.Context, lane int, in *sdk.In) error {
	if !w.enter() {
		return context.Canceled
	}
	defer w.leave()
	c, _ := charsetOf(w.options.Encoding)
	p := &pen{w: w, n: lane, in: in, recoder: newRecoder(c), age: time.NewTimer(w.options.MaxFileAge)}
	p.age.Stop()
	defer p.age.Stop()
	defer func() {
		if p.part != nil {
			p.part.drop()
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.closing:
			return context.Canceled
		case <-in.Flush():
			if err := p.publish("asked"); err != nil {
				return err
			}
		case <-p.age.C:
			if err := p.publish("age"); err != nil {
				return err
			}
		case b, ok := <-in.Batches():
			if !ok && ctx.Err() != nil {
				return ctx.Err()
			}
			if !ok {
				return p.publish("end")
			}
			if err := p.take(b); err != nil {
				return err
			}
		}
	}
}

func (p *pen) take(b *sdk.Batch) error {
	defer b.Release()
	rec, err := b.Decode(&p.decoder)
	if err != nil {
		return err
	}
	defer rec.Release()
	if err := p.shape(rec.Schema()); err != nil {
		return err
	}
	var dirty []sdk.Dirty
	landed := int64(0)
	for row := range int(rec.NumRows()) {
		column, reason := p.form(rec, row)
		line := p.line
		if reason == "" {
			var known bool
			if line, known = p.recoder.row(p.line); !known {
				reason = "holds letters that " + p.w.options.Encoding + " does not have"
			}
		}
		if reason != "" {
			dirty = append(dirty, sdk.Dirty{Sequence: b.Sequence, Row: row, Place: fmt.Sprintf("row %d of a batch of %s", row, b.Shard),
				Reason: reason, Column: column, Record: shown(rec, row)})
			continue
		}
		if err := p.put(line); err != nil {
			return err
		}
		landed++
	}
	if len(dirty) > 0 {
		if err := p.in.Ack(sdk.Ack{Dirty: dirty}); err != nil {
			return err
		}
	}
	if !p.waiting {
		p.first, p.waiting = b.Sequence, true
	}
	p.last = b.Sequence
	p.landed += landed
	if p.part == nil { // every row of the batch is dirty
		return p.ack(sdk.Ack{})
	}
	return nil
}

// put writes a row to the file under way, or to the next one.
func (p *pen) put(line []byte) error {
	o := &p.w.options
	if f := p.part; f != nil && f.rows > 0 {
		switch {
		case o.MaxFileRows > 0 && f.rows >= o.MaxFileRows:
			if err := p.publish("rows"); err != nil {
				return err
			}
		case o.MaxFileBytes > 0 && f.bytes+int64(len(line)) > o.MaxFileBytes:
			if err := p.publish("bytes"); err != nil {
				return err
			}
		}
	}
	if p.part == nil {
		if err := p.begin(); err != nil {
			return err
		}
	}
	p.part.rows++
	return p.part.write(line)
}

// begin begins a file.
func (p *pen) begin() error {
	f, err := p.w.target.begin(p.w.target.name(p.w.info.Run, p.n, p.w.number(p.n)), p.w.options.Compress)
	if err != nil {
		return err
	}
	p.part = f
	p.age.Reset(p.w.options.MaxFileAge)
	c, _ := charsetOf(p.w.options.Encoding)
	if err := f.write(c.mark); err != nil {
		return err
	}
	return f.write(p.top)
}

// publish gives the file under way its name and acks what it holds.
func (p *pen) publish(why string) error {
	if p.part == nil {
		return nil
	}
	f := p.part
	p.part = nil
	p.age.Stop()
	size, err := f.publish()
	if err != nil {
		return err
	}
	p.w.rows.Add(f.rows)
	p.w.files.Add(1)
	return p.ack(sdk.Ack{Loads: 1, LoadBytes: size, FlushReasons: map[string]int64{why: 1}})
}

func (p *pen) ack(a sdk.Ack) error {
	if p.waiting {
		a.Done, a.Landed = []sdk.Range{{First: p.first, Last: p.last}}, p.landed
		p.waiting, p.landed = false, 0
	}
	return p.in.Ack(a)
}

// shape prepares for rows of a schema. Rows of different columns do not share a file.
func (p *pen) shape(s *arrow.Schema) error {
	if p.schema == s || p.schema != nil && p.schema.Equal(s) {
		return nil
	}
	o := &p.w.options
	if err := p.publish("columns"); err != nil {
		return err
	}
	p.documents = rows.IsDocuments(s)
	if p.documents && o.Format != formatJSONL {
		return sdk.Faultf(sdk.Config, "whole documents are no rows of %s", o.Format).At("column").
			Hint(`"format": "jsonl", or name the fields of the documents in column`)
	}
	if p.documents && s.Field(0).Type.ID() != arrow.BINARY {
		return sdk.Faultf(sdk.Data, "documents come as %s, not as binary", s.Field(0).Type)
	}
	names := o.Column
	if names == nil {
		for _, f := range s.Fields() {
			names = append(names, f.Name)
		}
	}
	if len(names) != s.NumFields() && !p.documents {
		return sdk.Faultf(sdk.Config, "rows have %d columns, and column names %d", s.NumFields(), len(names)).At("column").
			Hint("name as many columns as the reader gives")
	}
	p.sources, p.keys, p.top = p.sources[:0], p.keys[:0], p.top[:0]
	for i, f := range s.Fields() {
		src, err := newSource(f, p.w.layout)
		if err != nil {
			return sdk.Faultf(sdk.Config, "column %s: %w", f.Name, err).At("column")
		}
		p.sources = append(p.sources, src)
		if !p.documents {
			p.keys = append(p.keys, append(jsontext.Append([]byte{"{,"[min(i, 1)]}, []byte(names[i])), ':'))
		}
	}
	p.schema = s
	return p.head(names)
}

// head makes the header.
func (p *pen) head(names []string) error {
	wanted, given, _ := p.w.options.header()
	if !wanted {
		return nil
	}
	if given != nil {
		if len(given) != len(names) {
			return sdk.Faultf(sdk.Config, "rows have %d columns, and header names %d", len(names), len(given)).At("header")
		}
		names = given
	}
	for i, name := range names {
		var reason string
		if i > 0 {
			p.top = append(p.top, p.w.dialect.Delimiter...)
		}
		if p.top, reason = p.w.dialect.AppendText(p.top, []byte(name), len(names) == 1); reason != "" {
			return sdk.Faultf(sdk.Config, "the name %q cannot stand in a header: %s", name, reason).At("header").Hint(`"format": "csv"`)
		}
	}
	top, known := p.recoder.row(append(p.top, '\n'))
	if !known {
		return sdk.Faultf(sdk.Config, "the names of the columns hold letters that %s does not have", p.w.options.Encoding).At("header")
	}
	p.top = slices.Clone(top) // the recoder's memory belongs to the row at hand
	return nil
}

// form makes the line of a row; a reason says why it has none.
func (p *pen) form(rec arrow.RecordBatch, row int) (column, reason string) {
	p.line = p.line[:0]
	switch {
	case p.documents:
		p.line, _, reason = oneLine(p.line, rec.Column(0).(*array.Binary).Value(row))
	case p.w.options.Format == formatJSONL:
		column, reason = p.object(rec, row)
	default:
		column, reason = p.cells(rec, row)
	}
	p.line = append(p.line, '\n')
	return column, reason
}

func (p *pen) object(rec arrow.RecordBatch, row int) (column, reason string) {
	for i := range p.sources {
		var as form
		p.line = append(p.line, p.keys[i]...)
		if p.value, as, reason = p.sources[i].append(p.value[:0], rec.Column(i), row); reason != "" {
			return rec.ColumnName(i), reason
		}
		switch as {
		case formNull:
			p.line = append(p.line, "null"...)
		case formPlain:
			p.line = append(p.line, p.value...)
		case formText:
			p.line = jsontext.Append(p.line, p.value)
		case formOdd:
			return rec.ColumnName(i), notANumb
		}
	}
	p.line = append(p.line, '}')
	return "", ""
}

func (p *pen) cells(rec arrow.RecordBatch, row int) (column, reason string) {
	d := &p.w.dialect
	for i := range p.sources {
		if i > 0 {
			p.line = append(p.line, d.Delimiter...)
		}
		var as form
		if p.value, as, reason = p.sources[i].append(p.value[:0], rec.Column(i), row); reason != "" {
			return rec.ColumnName(i), reason
		}
		if as == formNull {
			p.line, _ = d.AppendNull(p.line)
			continue
		}
		if p.line, reason = d.AppendText(p.line, p.value, len(p.sources) == 1); reason != "" {
			return rec.ColumnName(i), reason
		}
	}
	return "", ""
}

// shown is a row as JSON as far as it can be, for a dirty record.
func shown(rec arrow.RecordBatch, row int) []byte {
	var out []byte
	for i, col := range rec.Columns() {
		out = append(out, "{,"[min(i, 1)])
		out = append(jsontext.Append(out, []byte(rec.ColumnName(i))), ':')
		switch {
		case col.IsNull(row):
			out = append(out, "null"...)
		default:
			if b, ok := col.(*array.Binary); ok {
				out = jsontext.Append(out, b.Value(row))
			} else {
				out = jsontext.Append(out, []byte(col.ValueStr(row)))
			}
		}
	}
	return append(slices.Clip(out), '}')
}
