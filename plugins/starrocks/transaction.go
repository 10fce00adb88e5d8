package starrocks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/starrocks/streamload"
)

// Times of a transaction, in which a whole shard is loaded. StarRocks frees the slot of one that nobody ends.
const (
	transactionLifetime = 24 * time.Hour // from its first load to Prepare
	transactionIdle     = time.Hour      // between two loads, at least
	transactionKept     = 24 * time.Hour // from Prepare to Commit
	longestLifetime     = 259200 * time.Second
)

// manyTransactions is how many may be open at once before the writer speaks of it: each holds one of the running
// transactions of a database, and its rows are in the memory of one backend.
const manyTransactions = 32

// transaction is one that a lane of this process writes or has written. One goroutine at a time uses it, but for begun.
type transaction struct {
	streamload.Transaction
	begun  atomic.Bool // StarRocks may know it
	rows   int64
	loose  bool
	header http.Header // of its loads, which all have the same; nil before the first
}

// whole tells why this job cannot use transactions; "" when nothing speaks against it. The table of a transaction is the
// job's own.
func (s *settings) whole() string {
	switch {
	case s.table == "":
		return "table is not given: the rows of one shard could go to several tables, and a transaction takes one"
	case s.dirtyBatches, s.dirtyRows:
		return "strategyOnError goes on after rows that StarRocks refuses, and a transaction is refused as a whole"
	case len(s.backends) > 0, s.sameHost:
		return "redirect changes the way to the backends, and a transaction is found by the way that the frontends name"
	case s.props.partial:
		return "loadProps.partial_update: rows that hold different columns need loads of their own, and all loads of a transaction are alike"
	case s.props.codec != "":
		return "loadProps.compression: it is not known that StarRocks reads several compressed bodies as one"
	case s.props.said("where") != "":
		return "loadProps.where leaves rows out, and a transaction does not tell how many"
	case !ascii(s.table) || !ascii(s.database):
		return "the name of the database or the table has letters that no header carries for sure, where transactions want it"
	}
	for name, given := range map[string]bool{"enclose": s.props.enclose != "", "escape": s.props.escape != "",
		"trim_space": s.props.said("trim_space") != "", "log_rejected_record_num": s.props.said("log_rejected_record_num") != ""} {
		if given {
			return "loadProps." + name + ": StarRocks does not read it in transactions"
		}
	}
	if ratio := s.props.said("max_filter_ratio"); ratio != "" {
		if f, err := strconv.ParseFloat(ratio, 64); err != nil || f > 0 {
			return "loadProps.max_filter_ratio lets StarRocks leave bad rows out, and a transaction does not tell which loads they were in"
		}
	}
	return ""
}

// said is a property that is sent as it is; "" when it was not given.
func (p *props) said(name string) string {
	if v := p.header[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0
}

// transactional decides whether the job can use transactions, and how rows travel in them. All loads of one have the same
// headers, so there is no going over to JSON for a row that CSV cannot carry: it is a dirty record, as with format csv.
func (w *Writer) transactional(ctx context.Context, release string) (whyNot string) {
	if whyNot = w.set.whole(); whyNot != "" {
		return whyNot
	}
	is, known := parseVersion(release)
	switch {
	case known && slices.Compare(is[:], []int{2, 4}) < 0:
		return fmt.Sprintf("StarRocks %s has no transactions, which came with 2.4", oneLine(fmt.Errorf("%s", release)))
	case !known:
		whyNot, err := w.client.Transactions(ctx)
		if err != nil {
			return "no frontend could be asked whether it has transactions: " + oneLine(err)
		}
		if whyNot != "" {
			return whyNot
		}
	}
	w.together = w.set
	w.together.props.together = true
	return ""
}

// named is the transaction of a name, as any process of the job knows it.
func (w *Writer) named(name string) (*transaction, error) {
	if !transactionName(name) {
		return nil, protocol.Faultf(protocol.Internal, "%q is no name of a transaction", name)
	}
	if w.noTransactions != "" {
		return nil, protocol.Faultf(protocol.Unsupported, "this job cannot use transactions: %s", w.noTransactions)
	}
	pr := &w.set.props
	t := &transaction{loose: pr.loose, Transaction: streamload.Transaction{
		Database: w.set.database, Table: w.set.table, Label: streamload.TransactionLabel(w.labelPrefix(), name),
		Lifetime: min(max(transactionLifetime, 3*pr.timeout), longestLifetime),
		Idle:     min(transactionIdle+3*pr.timeout+w.flushInterval(), longestLifetime),
		Kept:     transactionKept, Warehouse: pr.said("warehouse"),
	}}
	return t, nil
}

func transactionName(s string) bool {
	return s != "" && len(s) <= protocol.TransactionName && strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") == ""
}

// transactions are those that this process writes, by name.
type transactions struct {
	say func(line string) // to people

	mu   sync.Mutex // guards the following
	all  map[string]*transaction
	told bool // that there are many
}

// add notes a transaction that a lane begins to write; each has one stream.
func (ts *transactions) add(name string, t *transaction) error {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.all == nil {
		ts.all = map[string]*transaction{}
	}
	if ts.all[name] != nil {
		return protocol.Faultf(protocol.Internal, "transaction %s is written by another stream", name)
	}
	ts.all[name] = t
	if len(ts.all) > manyTransactions && !ts.told {
		ts.told = true
		ts.say(fmt.Sprintf("more than %d transactions are open at once: each takes one of the transactions that a database may have running (max_running_txn_num_per_db), and memory of a backend; lower setting.speed.concurrent if StarRocks complains", manyTransactions))
	}
	return nil
}

// get gives a transaction that this process wrote, or nil.
func (ts *transactions) get(name string) *transaction {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.all[name]
}

// drop forgets a transaction whose end StarRocks knows.
func (ts *transactions) drop(name string) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	delete(ts.all, name)
}

// take forgets all of them.
func (ts *transactions) take() map[string]*transaction {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	all := ts.all
	ts.all = nil
	return all
}

// append brings a load into the transaction of the lane, which begins with its first load. Whatever its error is, the
// transaction is at its end.
func (t *transaction) append(ctx context.Context, s *streamload.Sender, ld *load) error {
	if t.begun.CompareAndSwap(false, true) {
		if err := s.Begin(ctx, &t.Transaction); err != nil {
			return err
		}
	}
	if err := s.Append(ctx, &t.Transaction, ld.request()); err != nil {
		return err
	}
	t.rows += int64(ld.rows)
	return nil
}

// fits tells whether rows that travel in form f may join the transaction: StarRocks wants the same headers in all loads.
func (t *transaction) fits(f *form) error {
	if t.header == nil {
		t.header = f.header
		return nil
	}
	if maps.EqualFunc(t.header, f.header, slices.Equal[[]string]) {
		return nil
	}
	return protocol.Faultf(protocol.Data, "the rows of one shard come in two shapes, and all loads of a transaction must have one").At("column").
		Hint("name the columns on both sides, or run the job without --resume, as at-least-once")
}

// refusedWhole words the refusal of a transaction by its rows.
func refusedWhole(t *streamload.Transaction, refused *streamload.RowsRefused) error {
	return protocol.Faultf(protocol.Data, "table %s.%s: transaction %s is rolled back, no row of this shard is in the table: %s", t.Database, t.Table, t.Label, refused.Error()).
		At("table").Hint("correct the rows at their source; strategyOnError rowDirtyData goes on without them, but not in transactions")
}

// A transaction into which no row came is never begun: StarRocks prepares none without data. In its place Prepare leaves a
// mark, a label of its own that is begun and rolled back at once. By it every process of the job can tell an empty
// transaction from one that StarRocks has forgotten: it stays prepared for ever, and committing or throwing it away does
// nothing, however often.
func mark(t *streamload.Transaction) *streamload.Transaction {
	m := *t
	m.Label = streamload.EmptyLabel(t.Label)
	return &m
}

// markEmpty leaves the mark, or ends the one that an earlier try has begun.
func (w *Writer) markEmpty(ctx context.Context, t *streamload.Transaction) error {
	m := mark(t)
	if begun, err := w.isEmpty(ctx, t); err != nil || !begun {
		if err := w.client.Begin(ctx, m); err != nil {
			return err
		}
	}
	return w.client.Rollback(ctx, m)
}

// isEmpty tells whether the mark of an empty transaction is there.
func (w *Writer) isEmpty(ctx context.Context, t *streamload.Transaction) (bool, error) {
	state, _, err := w.client.LoadState(ctx, t.Database, streamload.EmptyLabel(t.Label))
	return state == streamload.LoadAborted || state == streamload.LoadOpen, err
}

// Prepare serves sdk.TwoPhase. A transaction whose rows this process did not write can only be found prepared.
func (w *Writer) Prepare(ctx context.Context, name string) error {
	t, err := w.named(name)
	if err != nil {
		return err
	}
	own := w.open.get(name)
	if own == nil {
		switch state, err := w.Resolve(ctx, name); {
		case err != nil:
			return err
		case state == sdk.TransactionPrepared, state == sdk.TransactionCommitted:
			return nil
		}
		return protocol.Faultf(protocol.Refused, "transaction %s was not written to its end, or by a process that is gone: it cannot be prepared", t.Label).At("table").
			Hint("run the job again with --resume")
	}
	if own.rows == 0 {
		if err := w.markEmpty(ctx, &own.Transaction); err != nil {
			return err
		}
	} else if err := w.client.Prepare(ctx, &own.Transaction, own.rows, own.loose); err != nil {
		var refused *streamload.RowsRefused
		if errors.As(err, &refused) {
			return refusedWhole(&own.Transaction, w.told(refused))
		}
		return err
	}
	w.open.drop(name)
	return nil
}

// Commit serves sdk.TwoPhase.
func (w *Writer) Commit(ctx context.Context, name string) error {
	t, err := w.named(name)
	if err != nil {
		return err
	}
	if state, _, err := w.client.LoadState(ctx, t.Database, t.Label); err == nil && state == streamload.LoadUnknown {
		if empty, err := w.isEmpty(ctx, &t.Transaction); err == nil && empty {
			return nil
		}
	}
	return w.client.Commit(ctx, &t.Transaction)
}

// Abort serves sdk.TwoPhase.
func (w *Writer) Abort(ctx context.Context, name string) error {
	t, err := w.named(name)
	if err != nil {
		return err
	}
	if own := w.open.get(name); own != nil && !own.begun.Load() {
		w.open.drop(name)
		return nil
	}
	if err := w.client.Rollback(ctx, &t.Transaction); err != nil {
		return err
	}
	w.open.drop(name)
	return nil
}

// Resolve serves sdk.TwoPhase. An empty transaction is prepared for ever.
func (w *Writer) Resolve(ctx context.Context, name string) (sdk.TransactionState, error) {
	t, err := w.named(name)
	if err != nil {
		return sdk.TransactionUnknown, err
	}
	state, _, err := w.client.LoadState(ctx, t.Database, t.Label)
	if err != nil {
		return sdk.TransactionUnknown, protocol.Faultf(protocol.Unreachable, "transaction %s of %s.%s: %s", t.Label, t.Database, t.Table, oneLine(err)).At("loadUrl")
	}
	switch state {
	case streamload.LoadOpen:
		return sdk.TransactionOpen, nil
	case streamload.LoadPrepared:
		return sdk.TransactionPrepared, nil
	case streamload.LoadCommitted, streamload.LoadVisible:
		return sdk.TransactionCommitted, nil
	case streamload.LoadAborted:
		return sdk.TransactionAborted, nil
	}
	if empty, err := w.isEmpty(ctx, &t.Transaction); err == nil && empty {
		return sdk.TransactionPrepared, nil
	}
	return sdk.TransactionUnknown, nil
}

// undoAll rolls back what this process has begun and nobody has prepared, so that it holds no slot of the database.
func (w *Writer) undoAll(ctx context.Context) {
	var all sync.WaitGroup
	for _, t := range w.open.take() {
		if t.Open() {
			all.Go(func() { w.client.Undo(ctx, &t.Transaction) })
		}
	}
	all.Wait()
}
