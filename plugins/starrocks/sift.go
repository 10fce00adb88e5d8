package starrocks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/starrocks/streamload"
)

// A refused load is sifted: StarRocks' error log names up to 50 of its bad rows; those that cannot be found by the log are
// found by halving. Whatever is sent again goes in the order of the rows, so that a later row of a key still wins, and each
// part has one label for its content. One bad row costs one load more when the log quotes it as it was sent, and
// 2·log2(n)+2 at most when it does not.

// mostParts bounds how often parts of one load are sent again. Where rows are bad without StarRocks saying how many, the
// search would otherwise take two loads for each row.
const mostParts = 1000

// sifter finds the bad rows of one load. It works on the sending goroutine, which owns the load meanwhile.
type sifter struct {
	lane    *lane
	sender  *streamload.Sender
	load    *load
	records [][]byte // of the load, as they were sent, without what stands between them
	parts   int      // sent so far
	out     *sifted
}

// sifted is what became of the rows of a load.
type sifted struct {
	landed, filtered, unnamed int64
	unnamedReason             string
	bad                       []badRow
	load                      *load
	records                   [][]byte
}

type badRow struct {
	row    int32 // in the load
	reason string
}

// sift looks for the bad rows behind an outcome, when there are any to be found.
func (l *lane) sift(ctx context.Context, s *streamload.Sender, o outcome) outcome {
	var refused *streamload.RowsRefused
	if !errors.As(o.err, &refused) && (o.err != nil || o.landed.Answer.Filtered == 0) {
		return o
	}
	f := &sifter{lane: l, sender: s, load: o.load, out: &sifted{load: o.load}}
	delimiter := l.rowDelimiter()
	all := make([]int32, 0, o.load.rows)
	o.load.each(delimiter, func(_ *arrival, _ int, record []byte) {
		all = append(all, int32(len(f.records)))
		f.records = append(f.records, record)
	})
	if refused != nil {
		o.err = f.resolve(ctx, all, refused)
	} else {
		f.landed(ctx, o.load.label, all, o.landed)
	}
	if o.err == nil {
		f.out.records = f.records
		o.sifted = f.out
	}
	return o
}

// resolve accounts for rows that were refused together.
func (f *sifter) resolve(ctx context.Context, rows []int32, refused *streamload.RowsRefused) error {
	if len(rows) == 1 {
		f.bad(rows[0], reasonOf(refused))
		return nil
	}
	log := f.sender.Refusals(ctx, refused.Answer)
	counted := !f.load.loose && refused.Answer.Total == int64(len(rows)) && refused.Answer.Filtered > 0
	named := f.match(rows, log)
	if counted && int64(len(named)) > refused.Answer.Filtered {
		clear(named) // then the log quotes rows that it does not mean
	}
	if counted && refused.Answer.Filtered == int64(len(rows)) {
		if reason := common(log, len(rows)); reason != "" || len(rows) > len(log) {
			if reason == "" {
				reason = fmt.Sprintf("StarRocks refused all %d rows of load %s; one reason: %s", len(rows), refused.Label, reasonOf(refused))
			}
			f.allBad(rows, named, reason)
			return nil
		}
	}
	rest := make([]int32, 0, len(rows))
	for _, row := range rows {
		if reason, ok := named[row]; ok {
			f.bad(row, reason)
		} else {
			rest = append(rest, row)
		}
	}
	switch {
	case len(rest) == 0:
		return nil
	case f.parts >= mostParts:
		f.allBad(rest, nil, fmt.Sprintf("was in a part of a load with bad rows which gx could not tell apart in %d loads: %s", f.parts, reasonOf(refused)))
		return nil
	case len(rest) == 1, len(named) > 0 && (!counted || refused.Answer.Filtered == int64(len(named))):
		return f.send(ctx, rest)
	}
	half := (len(rest) + 1) / 2
	if err := f.send(ctx, rest[:half]); err != nil {
		return err
	}
	return f.send(ctx, rest[half:])
}

// match finds the rows that the log quotes, with their reasons. Rows of the same text share their fate.
func (f *sifter) match(rows []int32, log []streamload.Refusal) map[int32]string {
	quoted := make(map[string]string, len(log))
	for _, r := range log {
		if r.Row != "" {
			quoted[r.Row] = r.Reason
		}
	}
	if len(quoted) == 0 {
		return nil
	}
	named := map[int32]string{}
	for _, row := range rows {
		if reason, ok := quoted[string(f.records[row])]; ok {
			named[row] = reason
		}
	}
	return named
}

// common is the reason that all listed rows have, when it may be said of all n rows.
func common(log []streamload.Refusal, n int) string {
	if len(log) < n {
		return ""
	}
	for _, r := range log {
		if r.Reason != log[0].Reason {
			return ""
		}
	}
	return log[0].Reason
}

// reasonOf is the server's own reason for a single row, and its message when it gives none.
func reasonOf(r *streamload.RowsRefused) string {
	if r.Reason != "" {
		return r.Reason
	}
	return r.Message
}

func (f *sifter) bad(row int32, reason string) {
	f.out.bad = append(f.out.bad, badRow{row, reason})
}

func (f *sifter) allBad(rows []int32, named map[int32]string, reason string) {
	for _, row := range rows {
		if own, ok := named[row]; ok {
			f.bad(row, own)
		} else {
			f.bad(row, reason)
		}
	}
}

// send loads some of the rows under a label of their own.
func (f *sifter) send(ctx context.Context, rows []int32) error {
	f.parts++
	part := &portion{load: f.load, records: f.records, rows: rows, delimiter: f.lane.rowDelimiter()}
	r := f.load.request()
	r.Label, r.Rows, r.Body = streamload.Part(f.load.label, f.parts), int64(len(rows)), part
	if f.load.codec != "" {
		r.Body = streamload.Compressed(part, f.load.codec)
	}
	landed, err := f.lane.bring(ctx, f.sender, f.load.target, r)
	var refused *streamload.RowsRefused
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	// Told at once, so that a long search is seen to go on.
	if err := f.lane.in.Ack(sdk.Ack{Loads: 1, LoadBytes: part.bytes(), FlushReasons: map[string]int64{whyRefused: 1}}); err != nil {
		return err
	}
	if refused != nil {
		return f.resolve(ctx, rows, refused)
	}
	f.landed(ctx, r.Label, rows, landed)
	return nil
}

// landed accounts for rows that were taken, but for those that loadProps.max_filter_ratio let StarRocks leave out.
func (f *sifter) landed(ctx context.Context, label string, rows []int32, l streamload.Landed) {
	if !l.Counted {
		f.out.landed += int64(len(rows))
		return
	}
	f.out.landed += l.Answer.Loaded
	f.out.filtered += l.Answer.Unselected
	if l.Answer.Filtered == 0 {
		return
	}
	if named := f.match(rows, f.sender.Refusals(ctx, l.Answer)); int64(len(named)) == l.Answer.Filtered {
		for _, row := range rows {
			if reason, ok := named[row]; ok {
				f.bad(row, reason)
			}
		}
		return
	}
	f.out.unnamed += l.Answer.Filtered
	f.out.unnamedReason = filteredReason(label, l.Answer.Filtered, len(rows), l.Reason)
}

// tell puts the outcome into an ack.
func (s *sifted) tell(a *sdk.Ack) {
	a.Landed, a.Filtered, a.DirtyUnnamed, a.DirtyReason = s.landed, s.filtered, s.unnamed, s.unnamedReason
	slices.SortFunc(s.bad, func(a, b badRow) int { return int(a.row) - int(b.row) })
	part, before := 0, 0 // before: rows of the load in earlier parts
	for _, b := range s.bad {
		for int(b.row)-before >= s.load.parts[part].n {
			before += s.load.parts[part].n
			part++
		}
		p := s.load.parts[part]
		a.Dirty = append(a.Dirty, sdk.Dirty{Sequence: p.batch.sequence, Row: p.row + int(b.row) - before,
			Reason: b.reason, Column: columnIn(b.reason), Record: s.records[b.row]})
	}
}

// blamed are the ways in which StarRocks names a column in a reason.
var blamed = regexp.MustCompile(`non-nullable column '([^']+)'|The field \(name = ([^,]+), pos|The (?:type|max length) of '([^']+)' is|column=([^,]+), value=`)

func columnIn(reason string) string {
	m := blamed.FindStringSubmatch(reason)
	if m == nil {
		return ""
	}
	return m[1] + m[2] + m[3] + m[4] // one of them
}

// portion is some rows of a load as a body of their own.
type portion struct {
	load      *load
	records   [][]byte
	rows      []int32
	delimiter []byte // of CSV rows
}

// bytes is the length of the body, before compression.
func (p *portion) bytes() (n int64) {
	between := 1
	switch {
	case p.load.kind == kindCSV:
		between = len(p.delimiter)
	case p.load.bare:
		between = 0
	default:
		n = 1 // brackets at both ends, and no comma at one
	}
	for _, row := range p.rows {
		n += int64(len(p.records[row]) + between)
	}
	return n
}

// Open serves streamload.Body.
func (p *portion) Open() streamload.Chunks { return &portionChunks{portion: p} }

type portionChunks struct {
	*portion
	at  int
	buf []byte
}

// Next serves streamload.Chunks.
func (c *portionChunks) Next() ([]byte, error) {
	if c.at == len(c.rows) {
		return nil, io.EOF
	}
	b := c.buf[:0]
	array := c.load.kind != kindCSV && !c.load.bare
	for ; c.at < len(c.rows) && len(b) < pieceBytes; c.at++ {
		switch {
		case array && c.at == 0:
			b = append(b, '[')
		case array:
			b = append(b, ',')
		}
		b = append(b, c.records[c.rows[c.at]]...)
		if c.load.kind == kindCSV {
			b = append(b, c.delimiter...)
		}
	}
	if array && c.at == len(c.rows) {
		b = append(b, ']')
	}
	c.buf = b
	return b, nil
}

// Close serves streamload.Chunks.
func (c *portionChunks) Close() { c.at, c.buf = len(c.rows), nil }
