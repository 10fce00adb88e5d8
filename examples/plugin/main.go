// Command gx-plugin-csv-writer is a complete plugin: it writes the rows of a job to a CSV file. Copy it to begin your own;
// plugins/README.md explains it line by line.
package main

import (
	"context"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

func main() {
	sdk.Serve(csvPlugin())
}

func csvPlugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "csv-writer", Version: "1.0.0", Doc: "Writes rows to a CSV file.",
		Writer: &sdk.WriterSpec{
			Doc:          "Writes every row as one record of a CSV file, NULL as an empty value.",
			Capabilities: []string{protocol.CapBatch, protocol.CapColumns},
			New:          func() sdk.Writer { return new(csvWriter) },
		},
	}
}

// csvOptions are the step's parameters. The tags are checked before Open is called, and make the option table of the docs.
type csvOptions struct {
	Path   string `json:"path" gx:"required" doc:"The file; what it holds is lost when the job starts."`
	Header bool   `json:"header" default:"true" doc:"Begins the file with the names of the columns."`
}

type csvWriter struct {
	options csvOptions

	mu     sync.Mutex // guards the following: lanes write side by side
	file   *os.File
	out    *csv.Writer
	headed bool
}

func (w *csvWriter) Config() any { return &w.options }

// Open looks whether the job can work, and changes nothing.
func (w *csvWriter) Open(context.Context, sdk.OpenInfo) (sdk.Opened, error) {
	if _, err := os.Stat(filepath.Dir(w.options.Path)); err != nil {
		return sdk.Opened{}, sdk.Faultf(sdk.NotFound, "%w", err).At("path").Hint("create the folder first")
	}
	return sdk.Opened{}, nil
}

// Start is the first call that may change the target.
func (w *csvWriter) Start(context.Context, sdk.StartInfo) (notes []string, err error) {
	w.file, err = os.Create(w.options.Path)
	if err != nil {
		return nil, sdk.Faultf(sdk.Denied, "%w", err).At("path")
	}
	w.out = csv.NewWriter(w.file)
	return nil, nil
}

// Write takes the batches of one lane. This writer gathers nothing, so there is nothing to do when a flush is asked for.
func (w *csvWriter) Write(ctx context.Context, _ int, in *sdk.In) error {
	var decoder rows.Decoder
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-in.Flush():
		case b, ok := <-in.Batches():
			if !ok {
				return ctx.Err()
			}
			if err := w.batch(b, &decoder); err != nil {
				return err
			}
			ack := sdk.Ack{Done: []sdk.Range{{First: b.Sequence, Last: b.Sequence}}, Landed: int64(b.Rows)}
			b.Release()
			if err := in.Ack(ack); err != nil {
				return err
			}
		}
	}
}

// batch writes one batch, and returns when its records are with the operating system: only then may it be acked.
func (w *csvWriter) batch(b *sdk.Batch, decoder *rows.Decoder) error {
	rec, err := b.Decode(decoder)
	if err != nil {
		return err
	}
	defer rec.Release()
	w.mu.Lock()
	defer w.mu.Unlock()
	record := make([]string, rec.NumCols())
	if !w.headed && w.options.Header {
		for i, f := range rec.Schema().Fields() {
			record[i] = f.Name
		}
		if err := w.out.Write(record); err != nil {
			return sdk.Faultf(sdk.Refused, "%w", err).At("path")
		}
	}
	w.headed = true
	for row := range int(rec.NumRows()) {
		for i, col := range rec.Columns() {
			record[i] = ""
			if !col.IsNull(row) {
				record[i] = col.ValueStr(row)
			}
		}
		if err := w.out.Write(record); err != nil {
			return sdk.Faultf(sdk.Refused, "%w", err).At("path")
		}
	}
	w.out.Flush()
	if err := w.out.Error(); err != nil {
		return sdk.Faultf(sdk.Refused, "%w", err).At("path")
	}
	return nil
}

// Finish comes once, after the last ack of a job that did not fail.
func (w *csvWriter) Finish(context.Context, bool) (notes []string, err error) {
	if err := w.file.Sync(); err != nil {
		return nil, sdk.Faultf(sdk.Refused, "%w", err).At("path")
	}
	return []string{"wrote " + w.options.Path}, nil
}

// Close comes last, whatever went before.
func (w *csvWriter) Close(context.Context) error {
	if w.file == nil {
		return nil
	}
	if err := w.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
