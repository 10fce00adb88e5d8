// Package file holds the plugins file-reader and file-writer: rows in files with delimiters and in JSON lines, so that gx is
// of use without any server.
package file

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/dialect"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// ReaderPlugin is the plugin file-reader.
func ReaderPlugin(version string) sdk.Plugin {
	return sdk.Plugin{
		Name: "file-reader", Version: version, Doc: "Reads CSV, delimited text and JSON lines, plain or compressed.",
		Reader: &sdk.ReaderSpec{
			Doc:          "Reads the files that are there when the job begins, each once.",
			Capabilities: []string{protocol.CapBatch, protocol.CapDocuments, protocol.CapColumns},
			New:          func() sdk.Reader { return new(reader) },
		},
	}
}

type reader struct {
	options readerOptions
	dialect dialect.Dialect
	files   []found
	columns []column
	header  []string // of the first file with one
	all     bool     // every cell of a record is a column
	schema  *arrow.Schema
}

// Config serves sdk.Reader.
func (r *reader) Config() any { return &r.options }

// CheckLive serves sdk.LiveChecker: the files and the header of the first one are looked at.
func (r *reader) CheckLive(ctx context.Context) []options.Problem {
	live := reader{options: r.options}
	_, err := live.Open(ctx, sdk.OpenInfo{})
	if f := protocol.AsFault(err); f != nil {
		return []options.Problem{{Code: string(f.Code), Path: f.Place, Seen: f.What, Try: f.Try}}
	}
	return nil
}

// Open serves sdk.Reader.
func (r *reader) Open(_ context.Context, info sdk.OpenInfo) (sdk.Opened, error) {
	o := &r.options
	if info.Streaming {
		return sdk.Opened{}, sdk.Faultf(sdk.Config, "files have an end, and a streaming job has none").Hint(`"mode": "batch"`)
	}
	var err error
	if r.files, err = find(o); err != nil {
		return sdk.Opened{}, err
	}
	r.columns, _ = o.columns("column") // Check has judged them
	out := sdk.Opened{Self: sdk.Peer{Plugin: "file-reader"}, Notes: []string{r.what()}, Frozen: true}
	if o.Format == formatJSONL {
		r.fields(info.Peer)
	} else {
		if r.dialect, _, err = o.dialect(); err != nil {
			return sdk.Opened{}, sdk.Faultf(sdk.Config, "%w", err)
		}
		note, err := r.cells(info.Peer)
		if err != nil {
			return sdk.Opened{}, err
		}
		if note != "" {
			out.Notes = append(out.Notes, note)
		}
	}
	if r.columns == nil {
		r.schema, out.Documents = rows.DocumentSchema, true
		return out, nil
	}
	r.name(info.Peer)
	fields := make([]arrow.Field, len(r.columns))
	for i := range r.columns {
		fields[i] = r.columns[i].field()
		out.Columns = append(out.Columns, fields[i].Name)
	}
	r.schema = arrow.NewSchema(fields, nil)
	return out, nil
}

// what says what will be read.
func (r *reader) what() string {
	var bytes int64
	for _, f := range r.files {
		bytes += f.Size
	}
	if len(r.files) == 1 {
		return fmt.Sprintf("reads %s, %d bytes", r.files[0].Path, bytes)
	}
	return fmt.Sprintf("reads %d files, %d bytes: %s to %s", len(r.files), bytes, r.files[0].Path, r.files[len(r.files)-1].Path)
}

// fields finds the columns of JSON lines where the job names none: nil for whole documents.
func (r *reader) fields(peer sdk.Peer) {
	if r.columns != nil || !peer.WantsColumns {
		return
	}
	for _, name := range peer.Columns {
		r.columns = append(r.columns, column{name: name, key: name, index: -1, kind: kindToken})
	}
}

// cells finds the columns of delimited files where the job names none.
func (r *reader) cells(peer sdk.Peer) (note string, err error) {
	first, err := r.first()
	if err != nil {
		return "", err
	}
	if r.options.SkipHeader {
		r.header = first
	}
	if r.columns != nil {
		return "", r.known()
	}
	if r.header != nil && r.named(peer.Columns) {
		for _, name := range peer.Columns {
			r.columns = append(r.columns, column{name: name, key: name, index: -1})
		}
		return "takes the columns that the writer names from the header: " + strings.Join(peer.Columns, ", "), nil
	}
	r.all = true
	width := len(first)
	if first == nil { // nothing but empty files
		width = max(len(peer.Columns), 1)
	}
	seen := make(map[string]bool)
	for i := range width {
		c := column{index: i}
		if r.header != nil {
			c.name, c.key, c.index = first[i], first[i], -1
			if c.name == "" || seen[c.name] {
				return "", sdk.Faultf(sdk.Data, "the header of %s has the name %q twice, or an empty one", r.files[0].Path, c.name).At("column").
					Hint("list the columns by their position: [0, 1, …]")
			}
			seen[c.name] = true
		}
		r.columns = append(r.columns, c)
	}
	return "", nil
}

// known fails when the header lacks a column of the job.
func (r *reader) known() error {
	for i, c := range r.columns {
		if r.header != nil && c.index < 0 && !c.fixed && position(r.header, c.key) < 0 {
			return sdk.Faultf(sdk.Config, "there is no column %q in the header of %s (%s)", c.key, r.files[0].Path, short(strings.Join(r.header, ", "))).
				At(options.At("column", i)).Hint("check fieldDelimiter and encoding if the header looks odd")
		}
	}
	return nil
}

// named tells that the header has all of the names.
func (r *reader) named(names []string) bool {
	for _, name := range names {
		if position(r.header, name) < 0 {
			return false
		}
	}
	return len(names) > 0
}

// position finds a name in a header: as it is spelled, or else without looking at case.
func position(header []string, name string) int {
	loose := -1
	for i, h := range header {
		if h == name {
			return i
		}
		if loose < 0 && strings.EqualFold(h, name) {
			loose = i
		}
	}
	return loose
}

// name gives columns without a name that of the writer's column in their place, or c1, c2 …
func (r *reader) name(peer sdk.Peer) {
	taken := make(map[string]bool)
	for _, c := range r.columns {
		taken[c.name] = true
	}
	for i := range r.columns {
		c := &r.columns[i]
		if c.name != "" {
			continue
		}
		if len(peer.Columns) == len(r.columns) && !taken[peer.Columns[i]] {
			c.name = peer.Columns[i]
		}
		for n := i + 1; c.name == "" || taken[c.name]; n += len(r.columns) {
			c.name = fmt.Sprintf("c%d", n)
		}
		taken[c.name] = true
	}
}

// piece is a shard: the records of a file that begin within from and to.
type piece struct {
	found
	From int64 `json:"from"`
	To   int64 `json:"to"` // 0: to the end
}

// Split serves sdk.Reader: one shard per file, and large files in pieces where every line break ends a record.
func (r *reader) Split(context.Context, int) ([]sdk.Shard, error) {
	var out []sdk.Shard
	for _, f := range r.files {
		pieces := []piece{{found: f}}
		if size := r.options.SplitBytes; size > 0 && f.Size > size && r.inLines(f) {
			pieces = pieces[:0]
			for from := int64(0); from < f.Size; from += size {
				pieces = append(pieces, piece{found: f, From: from, To: min(from+size, f.Size)})
			}
		}
		for _, p := range pieces {
			d, err := json.Marshal(p)
			if err != nil {
				return nil, err
			}
			name := f.Path
			if p.To > 0 {
				name = fmt.Sprintf("%s from byte %d", f.Path, p.From)
			}
			out = append(out, sdk.Shard{Name: name, Descriptor: d, Rows: -1})
		}
	}
	return out, nil
}

// inLines tells that a file can be entered at any line break.
func (r *reader) inLines(f found) bool {
	c, _ := charsetOf(r.options.Encoding)
	return c.reads == nil && compressionOf(r.options.Compress, f.Path) == compressNone &&
		(r.options.Format == formatJSONL || r.dialect.EndsInLines())
}

// Commit serves sdk.Reader. Files have no place for positions: a run begins at their beginning.
func (r *reader) Commit(context.Context, []sdk.ShardPosition) ([]string, error) { return nil, nil }

// Close serves sdk.Reader.
func (r *reader) Close(context.Context) error { return nil }
