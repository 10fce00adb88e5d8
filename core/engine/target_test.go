package engine

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"sync"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"google.golang.org/grpc/mem"
)

// frozenSource is a reader of shards with so many batches of ten rows each, all of them readable by themselves.
type frozenSource struct {
	process
	sizes   []int // batches of each shard
	columns []string
	prefix  string // of the names of shards
	rows    bool   // the sizes are known
	enter   func(ctx context.Context, lane int, shard string) error
	batch   func(f *wire.Frame)
	dirty   map[string]int // dirty records at the start of a shard

	mu    sync.Mutex
	reads []string // "lane shard" in the order of their start
	split int
}

func (r *frozenSource) Open(context.Context, *v1.OpenRequest) (*v1.OpenReply, error) {
	return &v1.OpenReply{Documents: r.columns == nil, Columns: r.columns, Frozen: true}, nil
}

func (r *frozenSource) Split(context.Context, int) ([]*v1.Shard, error) {
	r.split++
	var out []*v1.Shard
	for i, n := range r.sizes {
		rows := int64(-1)
		if r.rows {
			rows = int64(10 * n)
		}
		out = append(out, &v1.Shard{Name: fmt.Sprintf("%ss%d", r.prefix, i), Descriptor_: []byte{byte(n)}, Rows: rows})
	}
	return out, nil
}

func (r *frozenSource) Read(ctx context.Context, lane int, shards []*v1.Shard, after uint64) (func(*wire.Frame) error, error) {
	shard := shards[0]
	r.mu.Lock()
	r.reads = append(r.reads, fmt.Sprintf("%d %s", lane, shard.Name))
	r.mu.Unlock()
	if r.enter != nil {
		if err := r.enter(ctx, lane, shard.Name); err != nil {
			return nil, err
		}
	}
	n := uint64(0)
	return func(f *wire.Frame) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if n == uint64(shard.Descriptor_[0]) {
			return io.EOF
		}
		n++
		f.Header = wire.Header{Sequence: after + n, Shard: shard.Name, Position: binary.BigEndian.AppendUint64(nil, n), Rows: 10, Bytes: 100}
		f.Payload = mem.BufferSlice{mem.SliceBuffer(make([]byte, 100))}
		if n == 1 {
			for range r.dirty[shard.Name] {
				f.Dirty = append(f.Dirty, &v1.Dirty{Place: shard.Name, Reason: "bad"})
			}
		}
		if r.batch != nil {
			r.batch(f)
		}
		return nil
	}, nil
}

func (r *frozenSource) Commit(context.Context, []*v1.ShardPosition) ([]string, error) {
	return nil, nil
}

func (r *frozenSource) Close(context.Context) error { return nil }

// target is a server with transactions. It outlives the writers that write to it.
type target struct {
	mu           sync.Mutex
	visible      map[string]int // how often each batch is there
	transactions map[string]*held
}

type held struct {
	state v1.ResolveReply_State
	rows  []string
}

func newTarget() *target { return &target{visible: map[string]int{}, transactions: map[string]*held{}} }

// clone copies a target that stands still.
func (t *target) clone() *target {
	out := &target{visible: maps.Clone(t.visible), transactions: map[string]*held{}}
	for name, h := range t.transactions {
		out.transactions[name] = &held{state: h.state, rows: append([]string(nil), h.rows...)}
	}
	return out
}

// twoPhase is a writer into a target. Each event goes through at, before and after its effect.
type twoPhase struct {
	process
	t    *target
	none string // why there are no transactions
	safe bool
	at   func(event string) error
	ack  func(f *wire.Frame) *v1.Ack // nil: everything landed

	mu       sync.Mutex
	starts   []bool // resumed, each
	finished int
}

func (w *twoPhase) event(format string, args ...any) error {
	if w.at == nil {
		return nil
	}
	return w.at(fmt.Sprintf(format, args...))
}

func (w *twoPhase) Open(context.Context, *v1.OpenRequest) (*v1.OpenReply, error) {
	return &v1.OpenReply{Self: &v1.Peer{}, ReplaySafe: w.safe, Transactions: w.none == "", NoTransactions: w.none}, nil
}

func (w *twoPhase) Start(_ context.Context, resumed bool) ([]string, error) {
	if err := w.event("before start"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.starts = append(w.starts, resumed)
	w.mu.Unlock()
	return nil, w.event("after start")
}

func (w *twoPhase) Flush(context.Context, int, uint64) error { return nil }

func (w *twoPhase) Finish(context.Context, bool) ([]string, error) {
	if err := w.event("before finish"); err != nil {
		return nil, err
	}
	w.finished++
	return nil, w.event("after finish")
}

func (w *twoPhase) Close(context.Context) error { return nil }

func (w *twoPhase) Write(ctx context.Context, _ int, transaction string) (Lane, error) {
	if transaction != "" {
		w.t.mu.Lock()
		known := w.t.transactions[transaction] != nil
		if !known {
			w.t.transactions[transaction] = &held{state: v1.ResolveReply_STATE_OPEN}
		}
		w.t.mu.Unlock()
		if known {
			return nil, protocol.Faultf(protocol.Refused, "the name %s is taken", transaction)
		}
	}
	if err := w.event("opened %s", transaction); err != nil {
		return nil, err
	}
	return &targetLane{w: w, ctx: ctx, name: transaction, acks: make(chan *v1.Ack, 1<<12)}, nil
}

type targetLane struct {
	w    *twoPhase
	ctx  context.Context
	name string
	acks chan *v1.Ack
}

func (l *targetLane) Send(f *wire.Frame) error {
	t := l.w.t
	row := fmt.Sprintf("%s/%d", f.Shard, binary.BigEndian.Uint64(f.Position))
	t.mu.Lock()
	if l.name == "" {
		t.visible[row]++
	} else {
		h := t.transactions[l.name]
		if h.state != v1.ResolveReply_STATE_OPEN {
			t.mu.Unlock()
			return protocol.Faultf(protocol.Refused, "transaction %s is %s", l.name, h.state)
		}
		h.rows = append(h.rows, row)
	}
	t.mu.Unlock()
	ack := landed(f)
	if l.w.ack != nil {
		ack = l.w.ack(f)
	}
	l.acks <- ack
	f.Free()
	return l.w.event("sent %s", row)
}

func (l *targetLane) CloseSend() error { close(l.acks); return nil }

func (l *targetLane) Recv() (*v1.Ack, error) {
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

// move changes the state of a transaction, with an event before and after.
func (w *twoPhase) move(verb, name string, f func(h *held) error) error {
	if err := w.event("before %s", verb); err != nil {
		return err
	}
	w.t.mu.Lock()
	h := w.t.transactions[name]
	var err error
	if h == nil && verb != "abort" {
		err = protocol.Faultf(protocol.Refused, "there is no transaction %s to %s", name, verb)
	} else if h != nil {
		err = f(h)
	}
	w.t.mu.Unlock()
	if err != nil {
		return err
	}
	return w.event("after %s", verb)
}

func (w *twoPhase) Prepare(_ context.Context, name string) error {
	return w.move("prepare", name, func(h *held) error {
		if h.state != v1.ResolveReply_STATE_OPEN {
			return protocol.Faultf(protocol.Refused, "prepare of a transaction that is %s", h.state)
		}
		h.state = v1.ResolveReply_STATE_PREPARED
		return nil
	})
}

func (w *twoPhase) Commit(_ context.Context, name string) error {
	return w.move("commit", name, func(h *held) error {
		switch h.state {
		case v1.ResolveReply_STATE_COMMITTED:
			return nil
		case v1.ResolveReply_STATE_PREPARED:
			h.state = v1.ResolveReply_STATE_COMMITTED
			for _, row := range h.rows {
				w.t.visible[row]++
			}
			return nil
		}
		return protocol.Faultf(protocol.Refused, "commit of a transaction that is %s", h.state)
	})
}

func (w *twoPhase) Abort(_ context.Context, name string) error {
	return w.move("abort", name, func(h *held) error {
		if h.state == v1.ResolveReply_STATE_COMMITTED {
			return protocol.Faultf(protocol.Refused, "abort of a transaction that is committed")
		}
		h.state = v1.ResolveReply_STATE_ABORTED
		return nil
	})
}

func (w *twoPhase) Resolve(_ context.Context, name string) (v1.ResolveReply_State, error) {
	if err := w.event("resolve"); err != nil {
		return 0, err
	}
	w.t.mu.Lock()
	defer w.t.mu.Unlock()
	if h := w.t.transactions[name]; h != nil {
		return h.state, nil
	}
	return v1.ResolveReply_STATE_UNKNOWN, nil
}
