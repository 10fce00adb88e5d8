package file

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gx-etl/gx/job/javadate"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/dialect"
)

// WriterPlugin is the plugin file-writer.
func WriterPlugin(version string) sdk.Plugin {
	return sdk.Plugin{
		Name: "file-writer", Version: version, Doc: "Writes CSV, delimited text and JSON lines, plain or compressed.",
		Writer: &sdk.WriterSpec{
			Doc:          "Writes files that appear under their names when they are complete and on the disk, never before.",
			Capabilities: []string{protocol.CapBatch, protocol.CapStreaming, protocol.CapDocuments, protocol.CapColumns},
			New:          func() sdk.Writer { return new(writer) },
		},
	}
}

// The ways to treat files that are there.
const (
	modeTruncate    = "truncate"
	modeAppend      = "append"
	modeNonConflict = "nonConflict"
)

type writerOptions struct {
	Path      string `json:"path" gx:"required" doc:"Folder of the files; it is made when the job starts."`
	FileName  string `json:"fileName" gx:"required" doc:"What the files are called: orders.csv becomes orders__RUN_LANE_NUMBER.csv, so that no two files of any runs share a name."`
	WriteMode string `json:"writeMode" default:"nonConflict" gx:"enum=truncate|append|nonConflict,emptyIsUnset" doc:"With files of this fileName in the folder (it itself, or going on with two underscores): nonConflict refuses to start, append leaves them, truncate removes them. A batch job removes them at its end, once the new files are there."`
	textOptions
	Column       []string      `json:"column" doc:"Names of the columns, for the header and as keys of JSON objects; by default those that the reader gives. A reader of documents is asked for the fields of these names."`
	Header       options.Value `json:"header" doc:"true begins each file of csv or text with the names of the columns; a list gives other names for that."`
	DateFormat   string        `json:"dateFormat" gx:"emptyIsUnset" doc:"How dates are written, in the letters of Java's SimpleDateFormat. When not given: yyyy-MM-dd, and HH:mm:ss with a fraction where there is one behind it."`
	Compress     string        `json:"compress" default:"none" gx:"enum=none|gzip|zstd,emptyIsUnset" doc:"Compresses the files; their names then end with .gz or .zst."`
	MaxFileRows  int64         `json:"maxFileRows" default:"0" gx:"min=0" doc:"A file ends after this many rows; 0 is no limit."`
	MaxFileBytes int64         `json:"maxFileBytes" default:"0" gx:"bytes,min=0" doc:"A file ends before it gets larger than this, counted before compression; 0 is no limit. A single row may be larger."`
	MaxFileAge   time.Duration `json:"maxFileAge" default:"300" gx:"duration=s,min=1" doc:"A file ends after this time. Rows count as safe when their file has its name, so a streaming job ends its files at every checkpoint too."`
}

// Check holds what ties options together.
func (o *writerOptions) Check(path string) []options.Problem {
	out := o.check(path)
	bad := func(key, seen, want string) {
		out = append(out, options.Problem{Code: options.CodeNotAllowed, Path: options.Join(path, key), Seen: seen, Want: want})
	}
	if filepath.Base(o.FileName) != o.FileName || o.FileName == "." || o.FileName == ".." || strings.ContainsAny(o.FileName, "\x00\n\r") {
		bad("fileName", strconv.Quote(o.FileName)+" is not the name of a file", "a name without a folder; path says where")
	}
	if o.DateFormat != "" {
		if _, err := javadate.Layout(o.DateFormat); err != nil {
			bad("dateFormat", err.Error(), "yyyy-MM-dd HH:mm:ss")
		}
	}
	seen := make(map[string]bool)
	for i, name := range o.Column {
		if name == "" || name == "*" || seen[name] {
			bad(options.At("column", i), strconv.Quote(name)+" is empty, stands for many, or is there twice", "a name of its own for each column")
		}
		seen[name] = true
	}
	header, names, err := o.header()
	switch {
	case err != nil:
		bad("header", err.Error(), "true, false, or a list of names")
	case header && o.Format == formatJSONL:
		bad("header", "JSON lines have no header", "column names the keys")
	case names != nil && o.Column != nil && len(names) != len(o.Column):
		bad("header", fmt.Sprintf("has %d names, and column has %d", len(names), len(o.Column)), "")
	}
	return out
}

// header tells whether files have a header, and the names in it where the job gives them.
func (o *writerOptions) header() (wanted bool, names []string, err error) {
	switch h := o.Header; h.Kind() {
	case options.Missing, options.Null:
		return false, nil, nil
	case options.Array:
		for _, item := range h.Items() {
			if item.Kind() != options.String {
				return false, nil, fmt.Errorf("%s is no name", item)
			}
			names = append(names, item.Text())
		}
		return len(names) > 0, names, nil
	case options.Bool, options.String:
		if h.Text() == "" {
			return false, nil, nil
		}
		if wanted, err = strconv.ParseBool(strings.ToLower(h.Text())); err == nil {
			return wanted, nil, nil
		}
	}
	return false, nil, fmt.Errorf("%s is neither true nor false", o.Header)
}

type writer struct {
	options writerOptions
	info    sdk.OpenInfo
	dialect dialect.Dialect
	layout  string
	target  target
	old     []string // to be removed when the job has ended well

	rows  atomic.Int64
	files atomic.Int64

	closing chan struct{} // closed when Close is called
	mu      sync.Mutex    // guards the following
	lanes   int           // that have not ended
	begun   map[int]int   // files of each lane
	closed  bool
	empty   chan struct{} // closed when Close was called and there are no lanes
}

// enter counts a lane; it is false once the writer is closed.
func (w *writer) enter() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.lanes++
	return true
}

func (w *writer) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lanes--; w.closed && w.lanes == 0 {
		close(w.empty)
	}
}

// number counts the files of a lane, from 1, over all its streams.
func (w *writer) number(lane int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.begun == nil {
		w.begun = map[int]int{}
	}
	w.begun[lane]++
	return w.begun[lane]
}

// Config serves sdk.Writer.
func (w *writer) Config() any { return &w.options }

// CheckLive serves sdk.LiveChecker: all that Open looks at.
func (w *writer) CheckLive(ctx context.Context) []options.Problem {
	live := writer{options: w.options}
	_, err := live.Open(ctx, sdk.OpenInfo{})
	if f := protocol.AsFault(err); f != nil {
		return []options.Problem{{Code: string(f.Code), Path: f.Place, Seen: f.What, Try: f.Try}}
	}
	return nil
}

// Open serves sdk.Writer.
func (w *writer) Open(_ context.Context, info sdk.OpenInfo) (sdk.Opened, error) {
	o := &w.options
	w.info, w.target = info, newTarget(o)
	w.closing, w.empty = make(chan struct{}), make(chan struct{})
	if err := w.target.check(); err != nil {
		return sdk.Opened{}, err
	}
	files, _, err := w.target.list()
	if err != nil {
		return sdk.Opened{}, err
	}
	if o.WriteMode == modeNonConflict && len(files) > 0 {
		return sdk.Opened{}, sdk.Faultf(sdk.Config, "%s has files of that name: %s", o.Path, some(files)).At("fileName").
			Hint(`another fileName, or "writeMode": "append" to leave them, "truncate" to replace them`)
	}
	if o.Format != formatJSONL {
		if w.dialect, _, err = o.dialect(); err != nil {
			return sdk.Opened{}, sdk.Faultf(sdk.Config, "%w", err)
		}
	}
	if o.DateFormat != "" {
		if w.layout, err = javadate.Layout(o.DateFormat); err != nil {
			return sdk.Opened{}, sdk.Faultf(sdk.Config, "%w", err).At("dateFormat")
		}
	}
	return sdk.Opened{Self: sdk.Peer{Plugin: "file-writer", Columns: o.Column, WantsColumns: len(o.Column) > 0}}, nil
}

// Start serves sdk.Writer: it makes the folder, and clears it as far as writeMode says so.
func (w *writer) Start(_ context.Context, info sdk.StartInfo) (notes []string, err error) {
	t := &w.target
	if err := makeFolder(t.folder); err != nil {
		return nil, err
	}
	files, parts, err := t.list()
	if err != nil {
		return nil, err
	}
	if n, err := t.sweep(parts); err != nil {
		return nil, err
	} else if n > 0 {
		notes = append(notes, fmt.Sprintf("removed %d incomplete files of runs that were killed", n))
	}
	switch {
	case len(files) == 0:
	case w.options.WriteMode != modeTruncate:
		notes = append(notes, fmt.Sprintf("leaves the %d files that are there: %s", len(files), some(files)))
	case info.Resumed:
		notes = append(notes, fmt.Sprintf("truncate: leaves the %d files that are there, since the job goes on where an earlier run stopped", len(files)))
	case w.info.Streaming:
		notes = append(notes, fmt.Sprintf("truncate: removed %d files: %s", len(files), some(files)))
		return notes, t.remove(files)
	default:
		w.old = files
		notes = append(notes, fmt.Sprintf("truncate: %d files will be removed at the end: %s", len(files), some(files)))
	}
	return notes, nil
}

// Finish serves sdk.Writer.
func (w *writer) Finish(_ context.Context, stopped bool) (notes []string, err error) {
	switch {
	case len(w.old) > 0 && stopped:
		notes = append(notes, fmt.Sprintf("truncate: %d older files stay, since the job was stopped before its end", len(w.old)))
	case len(w.old) > 0:
		if err := w.target.remove(w.old); err != nil {
			return nil, err
		}
		notes = append(notes, fmt.Sprintf("truncate: removed %d older files: %s", len(w.old), some(w.old)))
	}
	return append(notes, fmt.Sprintf("wrote %d rows to %d files in %s", w.rows.Load(), w.files.Load(), w.target.folder)), nil
}

// Close serves sdk.Writer. It returns when every lane has removed what it has under way.
func (w *writer) Close(ctx context.Context) error {
	w.mu.Lock()
	w.closed = true
	close(w.closing)
	if w.lanes == 0 {
		close(w.empty)
	}
	w.mu.Unlock()
	select {
	case <-w.empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
