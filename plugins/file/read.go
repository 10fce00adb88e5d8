package file

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/dialect"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"github.com/tidwall/gjson"
)

// lane is one Read: what it keeps from file to file.
type lane struct {
	r       *reader
	b       *rows.Builder
	out     *sdk.Out
	charset charset

	cells  dialect.Record
	values []value
	fields map[string]int // of JSON objects: the first column of that name
	raw    []gjson.Result // by column
	index  []int          // of each column's cell in the file at hand
	width  int            // of a record; 0: any

	shard    string
	path     string
	piece    int64 // where the piece begins
	records  int64 // since the last batch
	filtered int64
	dirty    []sdk.Dirty
	dirtied  int   // bytes in dirty
	sent     int64 // offset of the last batch
}

// Read serves sdk.Reader.
func (r *reader) Read(ctx context.Context, _ int, shards []sdk.Shard, out *sdk.Out) error {
	b, err := rows.NewBuilder(r.schema)
	if err != nil {
		return err
	}
	l := &lane{r: r, b: b, out: out, values: make([]value, len(r.columns)), raw: make([]gjson.Result, len(r.columns)),
		index: make([]int, len(r.columns)), fields: make(map[string]int)}
	l.charset, _ = charsetOf(r.options.Encoding)
	for i := range r.columns {
		c := &r.columns[i]
		if _, have := l.fields[c.key]; !have && !c.fixed {
			l.fields[c.key] = i
		}
		l.values[i] = c.value
	}
	for _, sh := range shards {
		var p piece
		if err := json.Unmarshal(sh.Descriptor, &p); err != nil || p.Path == "" || p.From < 0 || p.To < 0 {
			return sdk.Faultf(sdk.Internal, "%q describes no piece of a file", sh.Descriptor).At(sh.Name)
		}
		l.shard, l.path, l.piece = sh.Name, p.Path, p.From
		if err := l.read(ctx, p); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (l *lane) read(ctx context.Context, p piece) error {
	if err := l.bind(p.found); err != nil {
		return err
	}
	s, f, err := l.r.scan(p.found, max(p.From-1, 0), l.parse)
	if err != nil {
		return err
	}
	defer f.close()
	if p.From > 0 { // up to the first record that begins at from or behind
		s.skipping = true
	} else if l.r.options.SkipHeader {
		if _, _, err := s.next(); err != nil {
			return l.broken(s, err)
		}
	}
	l.sent = s.offset
	for {
		if p.To > 0 && s.skipping { // so that offset is that of the next record
			if err := s.skip(); err != nil {
				return l.broken(s, err)
			}
		}
		if p.To > 0 && s.offset >= p.To {
			break
		}
		rec, ok, err := s.next()
		if err != nil {
			return l.broken(s, err)
		}
		if !ok {
			break
		}
		l.take(&rec)
		if l.records++; l.records >= l.r.options.BatchRows || l.b.Size() >= protocol.BatchBytes || l.dirtied >= protocol.BatchBytes {
			if err := l.send(ctx, s.offset); err != nil {
				return err
			}
		}
	}
	return l.send(ctx, s.offset)
}

// scan opens a file for its records.
func (r *reader) scan(f found, offset int64, parse func([]byte, bool) (int, string)) (*scanner, *opened, error) {
	src, err := r.options.open(f, offset)
	if err != nil {
		return nil, nil, err
	}
	s := &scanner{src: src, limit: int(r.options.MaxLineBytes), parse: parse, offset: offset}
	if offset == 0 {
		if err := s.mark(); err != nil {
			src.close()
			return nil, nil, sdk.Faultf(sdk.Data, "%s: %w", f.Path, err).At("path")
		}
	}
	return s, src, nil
}

// mark skips the byte order mark that a file may begin with.
func (s *scanner) mark() error {
	bom := []byte("\ufeff")
	for !s.ended && s.to < len(bom) {
		if err := s.fill(); err != nil {
			return err
		}
	}
	if bytes.HasPrefix(s.buf[:s.to], bom) {
		s.pass(len(bom))
	}
	return nil
}

// broken is an error of reading: what follows in the file cannot be had.
func (l *lane) broken(s *scanner, err error) error {
	return sdk.Faultf(sdk.Data, "%s breaks off in line %d: %w", l.path, s.lines+1, err).At("path").
		Hint("the file may be damaged, or compressed in another way than its name says")
}

func (l *lane) parse(data []byte, last bool) (int, string) {
	if l.r.options.Format == formatJSONL {
		return line(data, last)
	}
	return l.r.dialect.Parse(data, last, &l.cells)
}

// bind finds the cells of the columns in a file.
func (l *lane) bind(f found) error {
	if l.r.options.Format == formatJSONL {
		return nil
	}
	l.width = 0
	if l.r.all {
		l.width = len(l.r.columns)
	}
	var header []string
	if l.r.header != nil {
		var err error
		if header, err = l.r.top(f); err != nil || header == nil {
			return err
		}
		if l.r.all && len(header) != len(l.r.columns) {
			return sdk.Faultf(sdk.Data, "%s has %d columns in its header, and the first file has %d", f.Path, len(header), len(l.r.columns)).At("path").
				Hint("list the columns by name")
		}
	}
	for i := range l.r.columns {
		c := &l.r.columns[i]
		if l.index[i] = c.index; c.index >= 0 || c.fixed {
			continue
		}
		if l.index[i] = position(header, c.key); l.index[i] < 0 {
			return sdk.Faultf(sdk.NotFound, "%s has no column %q in its header (%s)", f.Path, c.key, short(strings.Join(header, ", "))).At("column").
				Hint("check fieldDelimiter and encoding if the header looks odd")
		}
	}
	return nil
}

// top reads the header of a file, or without one a record that shows how many cells there are. nil: there is none.
func (r *reader) top(f found) ([]string, error) {
	var rec dialect.Record
	s, src, err := r.scan(f, 0, func(data []byte, last bool) (int, string) { return r.dialect.Parse(data, last, &rec) })
	if err != nil {
		return nil, err
	}
	defer src.close()
	for range patience {
		got, ok, err := s.next()
		switch {
		case err != nil:
			return nil, sdk.Faultf(sdk.Data, "%s: %w", f.Path, err).At("path")
		case !ok:
			return nil, nil
		case got.reason != "" && r.options.SkipHeader:
			return nil, sdk.Faultf(sdk.Data, "%s has no header: its first line is bad, %s", f.Path, got.reason).At("path")
		case got.reason != "", len(trimBreak(got.text)) == 0 && r.options.SkipEmpty && !r.options.SkipHeader:
			continue
		}
		if r.options.SkipHeader && !utf8.Valid(got.text) {
			return nil, sdk.Faultf(sdk.Data, "the header of %s holds bytes that are not UTF-8", f.Path).At("encoding").Hint("GBK, for example")
		}
		out := make([]string, len(rec.Cells))
		for i, c := range rec.Cells {
			out[i] = string(c.Text)
		}
		return out, nil
	}
	return nil, sdk.Faultf(sdk.Data, "none of the first %d lines of %s is a record", patience, f.Path).At("path").
		Hint("check fieldDelimiter, quote and encoding, or list the columns")
}

// patience is how many lines are looked at for a first record.
const patience = 1000

// first reads the first record of the first file that has one.
func (r *reader) first() ([]string, error) {
	if r.columns != nil && !r.options.SkipHeader {
		return nil, nil
	}
	for _, f := range r.files {
		if top, err := r.top(f); err != nil || top != nil {
			return top, err
		}
	}
	return nil, nil
}

// take makes a row of a record, or a dirty record.
func (l *lane) take(rec *record) {
	text := trimBreak(rec.text)
	column, reason := "", rec.reason
	switch {
	case reason != "":
	case len(text) == 0 && l.r.options.SkipEmpty:
		l.filtered++
		return
	case !utf8.Valid(text):
		reason = "holds bytes that are not UTF-8; encoding names other encodings"
	case l.charset.spoilt(text):
		reason = "holds bytes that are not " + l.r.options.Encoding
	case l.r.options.Format == formatJSONL:
		column, reason = l.object(text)
	default:
		column, reason = l.record()
	}
	if reason == "" {
		return
	}
	if rec.cut {
		reason += "; this is its beginning"
	}
	place := fmt.Sprintf("%s line %d", l.path, rec.line)
	if l.piece > 0 {
		place = fmt.Sprintf("%s byte %d", l.path, rec.offset)
	}
	l.dirty = append(l.dirty, sdk.Dirty{Place: place, Reason: reason, Column: column, Record: slices.Clone(text)})
	l.dirtied += len(text) + 128
}

// record makes a row of the cells at hand.
func (l *lane) record() (column, reason string) {
	cells := l.cells.Cells
	if l.width > 0 && len(cells) != l.width {
		return "", fmt.Sprintf("has %d cells, and %d are due", len(cells), l.width)
	}
	for i := range l.r.columns {
		c := &l.r.columns[i]
		if c.fixed {
			continue
		}
		if l.index[i] >= len(cells) {
			return c.name, fmt.Sprintf("has %d cells, and column %s is cell %d from 0", len(cells), c.name, l.index[i])
		}
		cell := &cells[l.index[i]]
		if d := &l.r.dialect; !cell.Quoted && bytes.Equal(cell.Text, d.Null) {
			l.values[i] = value{null: true}
			continue
		}
		if reason := c.read(cell.Text, &l.values[i]); reason != "" {
			return c.name, reason
		}
	}
	l.row()
	return "", ""
}

func (l *lane) row() {
	for i := range l.r.columns {
		l.r.columns[i].append(l.b, i, &l.values[i])
	}
	l.b.EndRow()
}

// object makes a row of a JSON object.
func (l *lane) object(text []byte) (column, reason string) {
	text = bytes.TrimSpace(text)
	switch {
	case len(text) == 0:
		return "", "is empty, not a JSON object"
	case text[0] != '{' || !gjson.ValidBytes(text):
		return "", "is not a JSON object"
	case l.r.columns == nil:
		l.b.AppendBytes(0, text)
		l.b.EndRow()
		return "", ""
	}
	clear(l.raw)
	gjson.Parse(unsafe.String(unsafe.SliceData(text), len(text))).ForEach(func(key, v gjson.Result) bool {
		if i, wanted := l.fields[key.Str]; wanted {
			l.raw[i] = v // of fields with one name the last one counts
		}
		return true
	})
	for i := range l.r.columns {
		c := &l.r.columns[i]
		if c.fixed {
			continue
		}
		v := l.raw[l.fields[c.key]]
		if v.Type == gjson.Null { // also when it is not there
			l.values[i] = value{null: true}
			continue
		}
		token := v.Raw
		if c.kind != kindToken && v.Type == gjson.String {
			if token = v.Str; unpaired(v) {
				return c.name, "holds half of a surrogate pair, which is no text"
			}
		}
		if reason := c.read(unsafe.Slice(unsafe.StringData(token), len(token)), &l.values[i]); reason != "" {
			return c.name, reason
		}
	}
	l.row()
	return "", ""
}

// unpaired tells that a JSON text has escapes that stand for no letter, which would come as U+FFFD.
func unpaired(v gjson.Result) bool {
	if !strings.Contains(v.Str, "\ufffd") {
		return false
	}
	return strings.Count(v.Str, "\ufffd") > strings.Count(v.Raw, "\ufffd")+strings.Count(strings.ToLower(v.Raw), `\ufffd`)
}

// send hands over what was gathered.
func (l *lane) send(ctx context.Context, offset int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.records == 0 {
		return nil
	}
	batch := sdk.Outgoing{Shard: l.shard, Position: strconv.AppendInt(nil, offset, 10), Rows: l.b.Rows(), Bytes: offset - l.sent,
		Dirty: l.dirty, Filtered: l.filtered, Lag: -1}
	batch.Payload = l.b.Finish()
	l.records, l.filtered, l.dirty, l.dirtied, l.sent = 0, 0, nil, 0, offset
	return l.out.Send(batch)
}
