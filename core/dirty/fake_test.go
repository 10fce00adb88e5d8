package dirty

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/core/plan"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// target is a writer that decodes what it gets and acks as told when it is asked to flush.
type target struct {
	columns   []string
	wantsName bool
	openErr   error
	answer    func(b sent) *v1.Ack // nil: everything landed
	dies      error                // instead of the first ack
	silent    bool
	ahead     bool  // dirty records come in an ack of their own
	flushErr  error // of Flush, which then ends the stream with dies

	mu    sync.Mutex
	calls []string
	got   []sent
	dead  chan struct{}
	lane  *lane
}

// sent is a batch, each row as the texts of its values.
type sent struct {
	sequence uint64
	names    []string
	rows     [][]string
}

func newTarget() *target { return &target{dead: make(chan struct{})} }

func (w *target) call(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, name)
}

func (w *target) Open(_ context.Context, in *v1.OpenRequest) (*v1.OpenReply, error) {
	w.call("open " + in.Job + " " + in.Run)
	return &v1.OpenReply{Self: &v1.Peer{Columns: w.columns, WantsDestination: w.wantsName}}, w.openErr
}

func (w *target) Start(_ context.Context, resumed bool) ([]string, error) {
	w.call(fmt.Sprintf("start %v", resumed))
	return nil, nil
}

func (w *target) Prepare(context.Context, string) error { return protocol.NotSupported("Prepare") }
func (w *target) Commit(context.Context, string) error  { return protocol.NotSupported("Commit") }
func (w *target) Abort(context.Context, string) error   { return protocol.NotSupported("Abort") }

func (w *target) Resolve(context.Context, string) (v1.ResolveReply_State, error) {
	return 0, protocol.NotSupported("Resolve")
}

func (w *target) Write(ctx context.Context, _ int, _ string) (engine.Lane, error) {
	w.call("write")
	w.lane = &lane{w: w, ctx: ctx, acks: make(chan *v1.Ack, 1000), over: make(chan struct{})}
	return w.lane, nil
}

func (w *target) Flush(ctx context.Context, _ int, _ uint64) error {
	w.call("flush")
	if w.silent {
		<-ctx.Done()
		return ctx.Err()
	}
	if w.flushErr != nil {
		close(w.lane.over)
		return w.flushErr
	}
	w.lane.flush()
	return nil
}

func (w *target) Finish(context.Context, bool) ([]string, error) { w.call("finish"); return nil, nil }
func (w *target) Close(context.Context) error                    { w.call("close"); return nil }
func (w *target) Dead() <-chan struct{}                          { return w.dead }
func (w *target) Err() error                                     { return nil }

func (w *target) rows() (out [][]string) {
	for _, b := range w.got {
		out = append(out, b.rows...)
	}
	return out
}

type lane struct {
	w       *target
	ctx     context.Context
	acks    chan *v1.Ack
	waiting []sent
	over    chan struct{}
}

func (l *lane) Send(f *wire.Frame) error {
	if l.ctx.Err() != nil {
		return io.EOF
	}
	payload := make([]byte, f.PayloadLen())
	f.CopyPayload(payload)
	b := sent{sequence: f.Sequence}
	var d rows.Decoder
	rec, err := d.Decode(payload)
	if err != nil {
		return err
	}
	for _, field := range rec.Schema().Fields() {
		b.names = append(b.names, field.Name)
	}
	for r := range int(rec.NumRows()) {
		var row []string
		for c := range int(rec.NumCols()) {
			text := "NULL"
			if !rec.Column(c).IsNull(r) {
				text = rec.Column(c).ValueStr(r)
			}
			row = append(row, text)
		}
		b.rows = append(b.rows, row)
	}
	rec.Release()
	f.Free()
	l.w.got = append(l.w.got, b)
	l.waiting = append(l.waiting, b)
	return nil
}

func (l *lane) flush() {
	for _, b := range l.waiting {
		ack := &v1.Ack{Landed: uint64(len(b.rows))}
		if l.w.answer != nil {
			ack = l.w.answer(b)
		}
		if l.w.ahead { // as large dirty records are
			l.acks <- &v1.Ack{Dirty: ack.Dirty}
			ack.Dirty = nil
		}
		ack.Done = []*v1.Range{{First: b.sequence, Last: b.sequence}}
		l.acks <- ack
	}
	l.waiting = nil
}

func (l *lane) CloseSend() error { l.flush(); close(l.acks); return nil }

func (l *lane) Recv() (*v1.Ack, error) {
	if l.w.flushErr != nil {
		<-l.over
	}
	if l.w.dies != nil {
		return nil, l.w.dies
	}
	select {
	case a, ok := <-l.acks:
		if !ok {
			return nil, io.EOF
		}
		return a, nil
	case <-l.ctx.Done():
		return nil, l.ctx.Err()
	}
}

// file keeps what the target refused.
type file struct {
	records []engine.DirtyRecord
	synced  int
}

func (f *file) Add(_ context.Context, r engine.DirtyRecord) error {
	f.records = append(f.records, r)
	return nil
}
func (f *file) Sync(context.Context) error { f.synced = len(f.records); return nil }

func newSink(t *testing.T, typ string, w *target) (*Sink, *file, *[]string) {
	t.Helper()
	refused, notes := &file{}, &[]string{}
	parameters := `{"selectedDatabase":"ops","table":"bad"}`
	if typ == "kafka" {
		parameters = `{"topic":"dead"}`
	}
	s := &Sink{Writer: w, Refused: refused, Note: func(l string) { *notes = append(*notes, l) }, Plan: &plan.Plan{
		Job: "j", Run: "r-1", Memory: plan.Memory{Sink: 28 << 20},
		Sink: &plan.Step{Type: typ, Plugin: typ + "-writer", Path: "setting.dirty", Parameters: []byte(parameters)},
	}}
	t.Cleanup(func() {
		if err := s.Leave(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s, refused, notes
}

func opened(t *testing.T, typ string, w *target) (*Sink, *file, *[]string) {
	t.Helper()
	s, refused, notes := newSink(t, typ, w)
	if _, err := s.Open(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	return s, refused, notes
}

var errAway = protocol.Faultf(protocol.Unreachable, "no server answers").At("loadUrl")

var errPlain = errors.New("broken pipe")
