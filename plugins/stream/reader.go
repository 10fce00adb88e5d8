// Package stream holds the plugins stream-reader and stream-writer: rows that are made up, and a place where rows end. They
// need no server, so they measure the road between them, try out a job's settings, and rehearse its failures.
package stream

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
)

// ReaderPlugin is the plugin stream-reader.
func ReaderPlugin(version string) sdk.Plugin {
	marks := new(marks)
	return sdk.Plugin{
		Name: "stream-reader", Version: version, Doc: "Makes rows up.",
		Reader: &sdk.ReaderSpec{
			Doc:          "Makes rows of given or random values, the same ones for the same seed.",
			Capabilities: []string{protocol.CapBatch, protocol.CapStreaming, protocol.CapDocuments, protocol.CapColumns},
			New:          func() sdk.Reader { return &reader{marks: marks} },
		},
	}
}

type readerOptions struct {
	Column           []columnOptions `json:"column" gx:"required" doc:"The columns of a row, in order."`
	SliceRecordCount int64           `json:"sliceRecordCount" gx:"required,min=0" doc:"Rows that each lane makes; 0 is without end, in streaming jobs."`
	Documents        bool            `json:"documents" default:"false" doc:"Each row is one JSON document with the columns as its fields; dates are texts, bytes are base64."`
	Seed             int64           `json:"seed" default:"1" doc:"Starting point of everything random: the same seed makes the same rows."`
	RowsPerSecond    int64           `json:"rowsPerSecond" default:"0" gx:"min=0" doc:"Rows per second over all lanes; 0 is as fast as the writer takes them."`
	BatchRows        int64           `json:"batchRows" default:"10000" gx:"min=1,max=1000000" doc:"Rows in a batch at most; a batch also ends at 1 MiB."`
	FailAfterRows    int64           `json:"failAfterRows" default:"0" gx:"min=0" doc:"For rehearsing failures: each lane fails after this many rows; 0 is never."`
	HangAfterRows    int64           `json:"hangAfterRows" default:"0" gx:"min=0" doc:"For rehearsing failures: each lane goes silent after this many rows, until it is stopped; 0 is never."`
}

// Check reads the columns, which Open then has without errors.
func (o *readerOptions) Check(path string) []options.Problem {
	_, problems := o.columns(path, nil)
	return problems
}

func (o *readerOptions) columns(path string, names []string) ([]column, []options.Problem) {
	var problems []options.Problem
	cols := make([]column, len(o.Column))
	seen := make(map[string]int, len(cols))
	for i := range o.Column {
		at := options.At(options.Join(path, "column"), i)
		c, wrong := o.Column[i].compile(at, o.Seed, i)
		problems = append(problems, wrong...)
		switch {
		case c.name != "":
		case len(names) == len(cols):
			c.name = names[i]
		default:
			c.name = "c" + strconv.Itoa(i+1)
		}
		if first, twice := seen[c.name]; twice {
			problems = append(problems, options.Problem{Code: options.CodeConflict, Path: options.Join(at, "name"),
				Seen: strconv.Quote(c.name) + " is the name of column " + strconv.Itoa(first+1) + " too"})
		}
		seen[c.name] = i
		cols[i] = c
	}
	return cols, problems
}

type reader struct {
	options readerOptions
	marks   *marks
	info    sdk.OpenInfo
	columns []column
	shape   shape
}

// Config serves sdk.Reader.
func (r *reader) Config() any { return &r.options }

// Open serves sdk.Reader. Columns without a name take that of the writer's column in their place.
func (r *reader) Open(_ context.Context, info sdk.OpenInfo) (sdk.Opened, error) {
	if r.options.SliceRecordCount == 0 && !info.Streaming {
		return sdk.Opened{}, sdk.Faultf(sdk.Config, "0 is without end, and a batch job has one").At("sliceRecordCount").
			Hint("give the number of rows that each lane makes, or run the job in streaming mode")
	}
	cols, problems := r.options.columns("", info.Peer.Columns)
	for _, p := range problems {
		if !p.Warning {
			return sdk.Opened{}, sdk.Faultf(sdk.Config, "%s", p.String())
		}
	}
	r.info, r.columns = info, cols
	r.shape = newShape(&r.options, cols, info.Peer)
	out := sdk.Opened{Documents: r.shape.documents(), Self: sdk.Peer{Plugin: "stream-reader"}, Frozen: !info.Streaming}
	if !out.Documents {
		for _, f := range r.shape.schema.Fields() {
			out.Columns = append(out.Columns, f.Name)
		}
	}
	return out, nil
}

// slice is a shard: the rows first, first+step, first+2·step … of the run. Its position is the number of its next row,
// counted within the shard.
type slice struct {
	First uint64 `json:"first"`
	Step  uint64 `json:"step"`
	From  int64  `json:"from"`
}

// Split serves sdk.Reader: one shard per lane.
func (r *reader) Split(_ context.Context, want int) ([]sdk.Shard, error) {
	want = max(want, 1)
	shards := make([]sdk.Shard, want)
	for i := range shards {
		name := "slice " + strconv.Itoa(i+1) + " of " + strconv.Itoa(want)
		s := slice{First: uint64(i), Step: uint64(want), From: r.marks.get(r.info.Run, name)}
		d, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		left := int64(-1)
		if r.options.SliceRecordCount > 0 {
			left = max(r.options.SliceRecordCount-s.From, 0)
		}
		shards[i] = sdk.Shard{Name: name, Descriptor: d, Rows: left}
		r.marks.know(r.info.Run, name)
	}
	return shards, nil
}

// Commit serves sdk.Reader. Positions last as long as the process, for the run that they belong to: a second Open for the
// same run goes on where the first one stopped.
func (r *reader) Commit(_ context.Context, positions []sdk.ShardPosition) (lost []string, err error) {
	for _, p := range positions {
		n, err := strconv.ParseInt(string(p.Position), 10, 64)
		if err != nil || n < 0 {
			return nil, sdk.Faultf(sdk.Internal, "%q is no position of a row", p.Position).At(p.Shard)
		}
		if !r.marks.set(r.info.Run, p.Shard, n) {
			lost = append(lost, p.Shard)
		}
	}
	return lost, nil
}

// Close serves sdk.Reader.
func (r *reader) Close(context.Context) error { return nil }

// marks are the committed positions of the newest run.
type marks struct {
	mu   sync.Mutex // guards the following
	run  string
	rows map[string]int64
}

func (m *marks) of(run string) map[string]int64 {
	if m.rows == nil || m.run != run {
		m.run, m.rows = run, make(map[string]int64)
	}
	return m.rows
}

func (m *marks) get(run, shard string) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of(run)[shard]
}

func (m *marks) know(run, shard string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := m.of(run)
	rows[shard] = max(rows[shard], 0)
}

// set moves a mark forward; it is false for a shard that was never given out.
func (m *marks) set(run, shard string, n int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := m.of(run)
	old, known := rows[shard]
	if known {
		rows[shard] = max(old, n)
	}
	return known
}
