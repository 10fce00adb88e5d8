package sdktest

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/protocol/wire"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
)

// WriterCase is a writer with a target to write to.
type WriterCase struct {
	Plugin sdk.Plugin
	// Parameters of the step as a JSON object.
	Parameters string
	// Fresh, when set, makes the parameters of each law anew.
	Fresh func(t *testing.T) string
	// Streaming opens the writer for a job that never ends.
	Streaming bool
	// Columns are what the target takes. The first one is the key: whole numbers that the suite never uses twice,
	// unless it sends a batch again. Without columns the suite sends an id and some more, and then rows with every type.
	Columns []arrow.Field
	// Landed returns what stands at the target now: a row each, its values as text. The first one is the key; rows
	// whose key the suite never sent are of no interest.
	Landed func() ([][]string, error)
	// Same, when set, compares a row that landed with the row that was sent.
	Same func(sent Row, landed []string) error
	// Skip names laws that this writer does not keep, and why.
	Skip map[string]string

	nextID int
	opened int
}

// Writer runs the suite.
func Writer(t *testing.T, c WriterCase) {
	if c.Landed == nil {
		t.Fatal("a case needs Landed: the suite must see what arrived")
	}
	c.nextID = 1
	run(t, []law[WriterCase]{
		{"describes itself", func(t *testing.T, c *WriterCase) { describesItself(t, c.subject(t)) }},
		{"accepts its case", func(t *testing.T, c *WriterCase) { acceptsItsCase(t, c.subject(t)) }},
		{"defaults are valid", func(t *testing.T, c *WriterCase) { defaultsAreValid(t, c.subject(t)) }},
		{"misses what is required", func(t *testing.T, c *WriterCase) { missesWhatIsRequired(t, c.subject(t)) }},
		{"refuses unknown keys", func(t *testing.T, c *WriterCase) { refusesUnknownKeys(t, c.subject(t)) }},
		{"refuses wrong types", func(t *testing.T, c *WriterCase) { refusesWrongTypes(t, c.subject(t)) }},
		{"is nothing else", func(t *testing.T, c *WriterCase) { isNothingElse(t, c.subject(t)) }},
		{"waits for open", writerWaitsForOpen},
		{"lands every row", landsEveryRow},
		{"acks across gaps", acksAcrossGaps},
		{"takes a batch twice", takesABatchTwice},
		{"flushes when asked", flushesWhenAsked},
		{"ends an empty lane", endsAnEmptyLane},
		{"opens a lane again", opensALaneAgain},
		{"takes every type", takesEveryType},
		{"refuses malformed payloads", refusesMalformedPayloads},
		{"stops when cancelled", writeStops},
		{"two phases or none", twoPhasesOrNone},
	}, &c, c.Skip)
}

func (c *WriterCase) parameters(t *testing.T) string {
	if c.Fresh != nil {
		return c.Fresh(t)
	}
	return c.Parameters
}

func (c *WriterCase) subject(t *testing.T) subject {
	return subject{plugin: c.Plugin, role: v1.Role_ROLE_WRITER, parameters: c.parameters(t), streaming: c.Streaming}
}

func (c *WriterCase) columns() []arrow.Field {
	if c.Columns != nil {
		return c.Columns
	}
	return sampleColumns
}

// writing is one opened and started writer.
type writing struct {
	*core
	c      *WriterCase
	opened *v1.OpenReply
	sent   map[string]Row // by key
	// transaction is a name for one: no other opened writer of the suite has it.
	transaction string
}

func (c *WriterCase) open(t *testing.T) *writing {
	t.Helper()
	c.opened++
	w := &writing{core: start(t, c.Plugin), c: c, sent: make(map[string]Row),
		transaction: fmt.Sprintf("conformance-%d-%d", time.Now().UnixNano(), c.opened)}
	var err error
	w.opened, err = w.writer.Open(within(t), &v1.OpenRequest{Parameters: []byte(c.parameters(t)), Job: "conformance",
		Run: "run-" + strconv.Itoa(c.nextID), Mode: mode(c.Streaming), Lanes: 2, Memory: budget})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	if _, err := w.writer.Start(within(t), &v1.StartRequest{}); err != nil {
		t.Fatalf("start: %v", err)
	}
	return w
}

func (w *writing) finish(t *testing.T) {
	t.Helper()
	if _, err := w.writer.Finish(within(t), &v1.FinishRequest{}); err != nil {
		t.Errorf("finish: %v", err)
	}
}

func (w *writing) close(t *testing.T) {
	t.Helper()
	for range 2 { // the second finds nothing to do
		if _, err := w.writer.Close(within(t), &v1.CloseRequest{}); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

// laneOut is the core's end of a Write stream, with the books of what is acked.
type laneOut struct {
	w      *writing
	stream grpc.BidiStreamingClient[v1.Batch, v1.Ack]
	cancel context.CancelFunc
	ended  chan struct{} // closed when the writer ended the stream

	mu     sync.Mutex // guards the following
	err    error      // why it ended; nil for an orderly end
	open   map[uint64]int
	all    map[uint64]bool
	rows   int // in acked batches
	landed int
	other  int // filtered or dirty
	more   chan struct{}
}

func (w *writing) lane(t *testing.T, n int) *laneOut { t.Helper(); return w.laneIn(t, n, "") }

// laneIn opens a lane in a transaction, or in none.
func (w *writing) laneIn(t *testing.T, n int, transaction string) *laneOut {
	t.Helper()
	ctx, cancel := context.WithCancel(within(t))
	t.Cleanup(cancel)
	if transaction != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, protocol.TransactionKey, transaction)
	}
	stream, err := w.writer.Write(metadata.AppendToOutgoingContext(ctx, protocol.LaneKey, strconv.Itoa(n)))
	if err != nil {
		t.Fatalf("write: %v", err)
	}
	l := &laneOut{w: w, stream: stream, cancel: cancel, ended: make(chan struct{}), open: make(map[uint64]int),
		all: make(map[uint64]bool), more: make(chan struct{})}
	go l.receive()
	return l
}

func (l *laneOut) receive() {
	defer close(l.ended)
	for {
		a, err := l.stream.Recv()
		if err == nil {
			err = l.book(a)
		}
		if err == nil {
			continue
		}
		l.mu.Lock()
		if err != io.EOF {
			l.err = err
		}
		l.mu.Unlock()
		l.cancel()
		return
	}
}

// book enters an ack. Each batch is acked once, and dirty records belong to batches that are open.
func (l *laneOut) book(a *v1.Ack) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range a.Dirty {
		if _, ok := l.open[d.Sequence]; !ok || d.Reason == "" {
			return fmt.Errorf("the suite: a dirty record of batch %d, reason %q: the batch must be open and the reason given", d.Sequence, d.Reason)
		}
	}
	for _, r := range a.Done {
		for seq := r.First; seq <= r.Last; seq++ {
			n, ok := l.open[seq]
			if !ok {
				return fmt.Errorf("the suite: ack of batch %d, sent=%t: it is not open", seq, l.all[seq])
			}
			delete(l.open, seq)
			l.rows += n
		}
	}
	l.landed += int(a.Landed)
	l.other += int(a.Filtered) + len(a.Dirty) + int(a.DirtyUnnamed)
	close(l.more)
	l.more = make(chan struct{})
	return nil
}

// send sends rows and remembers them.
func (l *laneOut) send(t *testing.T, seq uint64, rec arrow.RecordBatch) {
	t.Helper()
	payload, err := rows.Encode(rec)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rowsOf("shard", rec) {
		l.w.sent[fmt.Sprint(r.Values[0])] = r
	}
	l.sendRaw(t, seq, int(rec.NumRows()), payload)
}

func (l *laneOut) sendRaw(t *testing.T, seq uint64, n int, payload mem.BufferSlice) {
	t.Helper()
	l.mu.Lock()
	l.open[seq], l.all[seq] = n, true
	l.mu.Unlock()
	f := &wire.Frame{Header: wire.Header{Sequence: seq, Shard: "shard", Position: []byte(strconv.FormatUint(seq, 10)),
		Rows: uint32(n), Bytes: uint64(payload.Len())}, Payload: payload}
	if err := l.stream.SendMsg(f); err != nil && err != io.EOF { // io.EOF: receive hears why
		t.Fatalf("send batch %d: %v", seq, err)
	}
}

// rowsFor makes the next n rows of the case.
func (w *writing) rowsFor(t *testing.T, columns []arrow.Field, n int) arrow.RecordBatch {
	t.Helper()
	first := w.c.nextID
	w.c.nextID += n
	return batchOf(t, columns, first, n)
}

// end closes the sending side and waits for the writer to end the lane.
func (l *laneOut) end(t *testing.T) error {
	t.Helper()
	if err := l.stream.CloseSend(); err != nil {
		t.Fatalf("close send: %v", err)
	}
	return l.wait(t)
}

func (l *laneOut) wait(t *testing.T) error {
	t.Helper()
	select {
	case <-l.ended:
	case <-within(t).Done():
		t.Fatalf("the writer does not end the lane within %v", Patience)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// settled waits until every batch that was sent is acked.
func (l *laneOut) settled(t *testing.T) {
	t.Helper()
	for {
		l.mu.Lock()
		n, more := len(l.open), l.more
		l.mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-more:
		case <-l.ended:
			t.Fatalf("the lane ended (%v) with %d batches unanswered", l.wait(t), n)
		case <-within(t).Done():
			t.Fatalf("%d batches are not acked within %v", n, Patience)
		}
	}
}

// balance holds the writer to its counts.
func (l *laneOut) balance(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) > 0 {
		t.Errorf("%d batches are unanswered", len(l.open))
	}
	if l.landed+l.other != l.rows {
		t.Errorf("acked batches have %d rows, and the acks account for %d landed and %d filtered or dirty", l.rows, l.landed, l.other)
	}
}

// mustEnd ends a lane in good order and balances it.
func (l *laneOut) mustEnd(t *testing.T) {
	t.Helper()
	if err := l.end(t); err != nil {
		t.Fatalf("the lane ended with %v", err)
	}
	l.balance(t)
}
