package stream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// WriterPlugin is the plugin stream-writer.
func WriterPlugin(version string) sdk.Plugin {
	return sdk.Plugin{
		Name: "stream-writer", Version: version, Doc: "Counts rows, and prints them when asked.",
		Writer: &sdk.WriterSpec{
			Doc:          "Takes rows of every kind, counts them, and writes them as lines to the log or to a file when asked.",
			Capabilities: []string{protocol.CapBatch, protocol.CapStreaming, protocol.CapDocuments, protocol.CapColumns},
			New:          func() sdk.Writer { return &writer{} },
		},
	}
}

type writerOptions struct {
	Print                bool          `json:"print" default:"false" doc:"Prints every row as a line to the log. DataX prints unless told not to."`
	Path                 string        `json:"path" gx:"emptyIsUnset" doc:"Folder of the file that takes every row as a line; it is made when the job starts."`
	FileName             string        `json:"fileName" gx:"emptyIsUnset" doc:"Name of that file. What it held before is lost when the job starts."`
	FieldDelimiter       string        `json:"fieldDelimiter" default:"\\t" doc:"Stands between the values of a line; \\t is a tab."`
	Encoding             string        `json:"encoding" default:"UTF-8" gx:"emptyIsUnset,enum=UTF-8|UTF8" doc:"Encoding of the lines. UTF-8 is the only one; the file writer has more."`
	RecordNumBeforeSleep int64         `json:"recordNumBeforeSleep" default:"0" gx:"min=0" doc:"Each lane pauses after this many rows; 0 is never."`
	SleepTime            time.Duration `json:"sleepTime" default:"0" gx:"duration=s,min=0" doc:"How long it pauses."`
	FailAfterRows        int64         `json:"failAfterRows" default:"0" gx:"min=0" doc:"For rehearsing failures: refuses the batch that would bring more rows than this, over all lanes; 0 is never."`
	HangAfterRows        int64         `json:"hangAfterRows" default:"0" gx:"min=0" doc:"For rehearsing failures: takes no batch that would bring more rows than this, and stays silent until it is stopped; 0 is never."`
}

// Check holds the options that need each other.
func (o *writerOptions) Check(path string) []options.Problem {
	var out []options.Problem
	missing := func(key, with string) {
		out = append(out, options.Problem{Code: options.CodeMissing, Path: options.Join(path, key), Seen: "not given, and " + with + " is"})
	}
	if o.Path == "" && o.FileName != "" {
		missing("path", "fileName")
	}
	if o.Path != "" && o.FileName == "" {
		missing("fileName", "path")
	}
	if o.FileName != "" && (filepath.Base(o.FileName) != o.FileName || o.FileName == "." || o.FileName == "..") {
		out = append(out, options.Problem{Code: options.CodeNotAllowed, Path: options.Join(path, "fileName"),
			Seen: fmt.Sprintf("%q is not the name of a file", o.FileName), Want: "a name without a folder; path says where"})
	}
	if o.SleepTime > 0 && o.RecordNumBeforeSleep == 0 {
		missing("recordNumBeforeSleep", "sleepTime")
	}
	if o.RecordNumBeforeSleep > 0 && o.SleepTime == 0 {
		missing("sleepTime", "recordNumBeforeSleep")
	}
	return out
}

func (o *writerOptions) file() string {
	if o.FileName == "" {
		return ""
	}
	return filepath.Join(o.Path, o.FileName)
}

type writer struct {
	options   writerOptions
	delimiter string
	sink      sink
	taken     atomic.Int64 // rows let in
	rows      atomic.Int64 // rows landed
	bytes     atomic.Int64
}

// Config serves sdk.Writer.
func (w *writer) Config() any { return &w.options }

// Open serves sdk.Writer.
func (w *writer) Open(context.Context, sdk.OpenInfo) (sdk.Opened, error) {
	w.delimiter = strings.ReplaceAll(w.options.FieldDelimiter, `\t`, "\t")
	if file := w.options.file(); file != "" {
		if err := takesFile(w.options.Path, file); err != nil {
			return sdk.Opened{}, err
		}
	}
	return sdk.Opened{Self: sdk.Peer{Plugin: "stream-writer"}}, nil
}

// takesFile looks, changing nothing, whether the file can be made.
func takesFile(folder, file string) error {
	for dir := folder; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			return sdk.Faultf(sdk.Config, "%s is not a folder", dir).At("path")
		case err == nil:
			if info, err := os.Lstat(file); err == nil && !info.Mode().IsRegular() {
				return sdk.Faultf(sdk.Config, "%s is not a plain file", file).At("fileName").Hint("choose another name: it would be emptied")
			}
			return nil
		case !errors.Is(err, fs.ErrNotExist):
			return fileFault("path", err)
		case dir == filepath.Dir(dir):
			return sdk.Faultf(sdk.NotFound, "%s: %w", folder, err).At("path")
		}
	}
}

func fileFault(place string, err error) error {
	code := sdk.Refused
	switch {
	case errors.Is(err, fs.ErrPermission):
		code = sdk.Denied
	case errors.Is(err, fs.ErrNotExist):
		code = sdk.NotFound
	}
	return sdk.Faultf(code, "%w", err).At(place)
}

// Start serves sdk.Writer: it makes the file, empty.
func (w *writer) Start(context.Context, sdk.StartInfo) ([]string, error) {
	return nil, w.sink.open(&w.options)
}

// Write serves sdk.Writer. Every batch is acked on its own, when its lines are with the operating system.
func (w *writer) Write(ctx context.Context, _ int, in *sdk.In) error {
	l := lane{w: w}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-in.Flush(): // nothing is ever gathered
		case b, ok := <-in.Batches():
			if !ok {
				return ctx.Err()
			}
			if err := l.take(ctx, b, in); err != nil {
				return err
			}
		}
	}
}

// Finish serves sdk.Writer.
func (w *writer) Finish(context.Context, bool) ([]string, error) {
	if err := w.sink.sync(); err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("took %d rows, %d bytes at the source", w.rows.Load(), w.bytes.Load())}, nil
}

// Close serves sdk.Writer.
func (w *writer) Close(context.Context) error { return w.sink.close() }

// lane is what one Write keeps between batches.
type lane struct {
	w       *writer
	decoder rows.Decoder
	lines   []byte
	since   int64 // rows since the last pause
}

func (l *lane) take(ctx context.Context, b *sdk.Batch, in *sdk.In) error {
	defer b.Release()
	o := &l.w.options
	n := int64(b.Rows)
	switch total := l.w.taken.Add(n); {
	case o.FailAfterRows > 0 && total > o.FailAfterRows:
		return rehearsed(o.FailAfterRows)
	case o.HangAfterRows > 0 && total > o.HangAfterRows:
		<-ctx.Done()
		return ctx.Err()
	}
	rec, err := b.Decode(&l.decoder)
	if err != nil {
		return err
	}
	defer rec.Release()
	if l.w.sink.wanted() {
		l.lines = appendLines(l.lines[:0], rec, l.w.delimiter)
		if err := l.w.sink.write(l.lines); err != nil {
			return err
		}
	}
	l.w.rows.Add(n)
	l.w.bytes.Add(b.Bytes)
	if err := in.Ack(sdk.Ack{Done: []sdk.Range{{First: b.Sequence, Last: b.Sequence}}, Landed: n, Loads: 1,
		LoadBytes: int64(len(l.lines))}); err != nil {
		return err
	}
	if o.RecordNumBeforeSleep == 0 {
		return nil
	}
	pauses := (l.since + n) / o.RecordNumBeforeSleep
	l.since = (l.since + n) % o.RecordNumBeforeSleep
	for range pauses {
		if err := sleep(ctx, o.SleepTime); err != nil {
			return err
		}
	}
	return nil
}
