package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/gx-etl/gx/core/transform"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"pgregory.net/rapid"
)

var ids = arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "s", Type: arrow.BinaryTypes.String}}, nil)

// chain compiles transformers as they stand in a job.
func chain(t testing.TB, list string) *transform.Chain {
	t.Helper()
	v, problems := options.Parse([]byte(list))
	var specs []transform.Spec
	for i, item := range v.Items() {
		at := options.At("setting.transformer", i)
		specs = append(specs, transform.Spec{Name: item.Get("name").Text(), NamePath: at + ".name", Parameter: item.Get("parameter"), Path: at + ".parameter"})
	}
	c, more := transform.Compile(specs, job.Dates{}, false)
	if options.Failed(problems) || options.Failed(more) {
		t.Fatal(problems, more)
	}
	return c
}

// numbered puts ten rows into a frame, with the ids from ten times batch-1 on.
func numbered(f *wire.Frame) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, ids)
	defer b.Release()
	for i := range 10 {
		id := int64(f.Position[7]-1)*10 + int64(i)
		b.Field(0).(*array.Int64Builder).Append(id)
		b.Field(1).(*array.StringBuilder).Append(strings.Repeat("x", int(id%7)))
	}
	payload, err := rows.Encode(b.NewRecordBatch())
	if err != nil {
		panic(err)
	}
	f.Payload = payload
}

// What transformers take out never reaches the writer, is in the books, and holds no position back.
func TestTransformersKeepTheBooks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		from, to := rapid.IntRange(0, 250).Draw(rt, "from"), rapid.IntRange(0, 250).Draw(rt, "to")
		start := rapid.IntRange(0, 8).Draw(rt, "start")
		s := newSetup()
		s.plan.ErrorLimit.Record = nil
		s.r.columns, s.r.tamper = []string{"id", "s"}, numbered
		s.plan.Transform = chain(t, fmt.Sprintf(`[
			{"name": "expr", "parameter": {"where": "id < %d or id >= %d"}},
			{"name": "dx_substr", "parameter": {"columnIndex": 1, "paras": ["%d", "3"]}}]`, from, to, start))
		var filtered, dirty, landed int64
		for id := range 250 {
			switch {
			case id >= from && id < to:
				filtered += 4
			case id%7 < start:
				dirty += 4
			default:
				landed += 4
			}
		}
		r, err := s.run(t, nil)
		if err != nil {
			rt.Fatal(err)
		}
		if r.Read != 1000 || r.Landed != landed || r.Filtered != filtered || r.Dirty != dirty || s.w.rows != landed || int64(len(s.d.records)) != dirty {
			rt.Fatalf("%+v, want %d landed, %d filtered, %d dirty", r, landed, filtered, dirty)
		}
		for shard := range 4 {
			if n := s.r.committed[fmt.Sprintf("s%d", shard)]; n != 25 {
				rt.Errorf("shard %d: committed to %d", shard, n)
			}
		}
		if s.d.synced != len(s.d.records) {
			rt.Errorf("%d of %d dirty records synced", s.d.synced, len(s.d.records))
		}
	})
}

// Rows that are filtered out wait for no load: their positions move although the writer never answers.
func TestFilteredRowsWaitForNobody(t *testing.T) {
	s := newSetup()
	s.r.columns, s.r.tamper = []string{"id", "s"}, numbered
	s.plan.Transform = chain(t, `[{"name": "expr", "parameter": {"where": "false"}}]`)
	s.w.ack = func(*fakeLane, *wire.Frame) []*v1.Ack { return nil }
	r, err := s.run(t, nil)
	if err != nil || r.Read != 1000 || r.Filtered != 1000 || s.w.rows != 0 {
		t.Fatalf("%+v %v", r, err)
	}
	for shard := range 4 {
		if n := s.r.committed[fmt.Sprintf("s%d", shard)]; n != 25 {
			t.Errorf("shard %d: committed to %d", shard, n)
		}
	}
}

func TestTransformerDirtyRecords(t *testing.T) {
	s := newSetup()
	s.r.columns, s.r.tamper = []string{"id", "s"}, numbered
	s.plan.Transform = chain(t, `[{"name": "expr", "parameter": {"set": [{"column": "id", "value": "id == 57 ? 'no' : id"}]}}]`)
	r, err := s.run(t, nil)
	if f := protocol.AsFault(err); f == nil || f.Code != protocol.DirtyLimit || !strings.Contains(f.Try, "the text is no integer") {
		t.Fatalf("%v", err)
	}
	d := s.d.records[0]
	if d.Side != "transformer" || d.Column != "id" || string(d.Record) != `{"id":"57","s":"x"}` || !strings.HasSuffix(d.Place, "row 7") || r.Dirty == 0 {
		t.Errorf("%+v", d)
	}
}

// openings is a reader that keeps what it was asked when it was opened.
type openings struct {
	*fakeReader
	mu   sync.Mutex
	peer *v1.Peer
}

func (o *openings) Open(ctx context.Context, in *v1.OpenRequest) (*v1.OpenReply, error) {
	o.mu.Lock()
	o.peer = in.Peer
	o.mu.Unlock()
	return o.fakeReader.Open(ctx, in)
}

// A reader is told the writer's columns, unless the transformers make others of its own.
func TestTransformersAtOpen(t *testing.T) {
	for _, c := range []struct {
		list    string
		columns []string
		told    []string
		place   string // of the fault; empty: none
	}{
		{`[{"name": "expr", "parameter": {"where": "true"}}]`, []string{"id", "s"}, []string{"a", "b"}, ""},
		{`[{"name": "expr", "parameter": {"where": "true"}}]`, []string{"id"}, []string{"a", "b"}, "steps[0].parameter.column"},
		{`[{"name": "expr", "parameter": {"rename": {"s": "a", "id": "b"}}}]`, []string{"id", "s"}, nil, ""},
		{`[{"name": "expr", "parameter": {"rename": {"s": "a"}}}]`, []string{"id", "s"}, nil, "setting.transformer[0].parameter"},
		{`[{"name": "dx_filter", "parameter": {"columnIndex": 2, "paras": ["=", "1"]}}]`, []string{"id", "s"}, []string{"a", "b"}, "setting.transformer[0].parameter.columnIndex"},
		{`[{"name": "dx_filter", "parameter": {"columnIndex": 0, "paras": ["=", "1"]}}]`, nil, []string{"a", "b"}, "steps[0].parameter"},
	} {
		s := newSetup()
		s.r.columns, s.r.tamper = c.columns, numbered
		s.plan.Transform = chain(t, c.list)
		reader := &openings{fakeReader: s.r}
		e := &Engine{Plan: s.plan, Reader: reader, Writer: s.w, Dirty: s.d}
		_, err := e.Run(t.Context(), nil)
		if !reader.peer.WantsColumns || !slices.Equal(reader.peer.Columns, c.told) {
			t.Errorf("%s: the reader heard %v", c.list, reader.peer)
		}
		if c.place == "" {
			if err != nil {
				t.Errorf("%s: %v", c.list, err)
			}
			continue
		}
		if f := protocol.AsFault(err); f == nil || f.Code != protocol.Config || f.Place != c.place || s.w.started {
			t.Errorf("%s: %v, started %v", c.list, err, s.w.started)
		}
	}
}

// A payload that cannot be read ends the job, and names the batch.
func TestTransformersRefuseBrokenRows(t *testing.T) {
	s := newSetup()
	s.r.columns = []string{"id", "s"}
	s.plan.Transform = chain(t, `[{"name": "expr", "parameter": {"where": "true"}}]`)
	_, err := s.run(t, nil)
	if f := protocol.AsFault(err); f == nil || f.Code != protocol.PluginFailed || f.Place != "steps[0].parameter" || !strings.Contains(f.What, "batch 1 of shard") {
		t.Fatalf("%v", err)
	}
}
