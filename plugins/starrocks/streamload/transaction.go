package streamload

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
)

// Transaction is several loads into one table under one label, which become visible together. Until Prepare its rows are in
// the memory of one backend; from then on the frontends keep it, and it outlives this process. Its label is all that another
// process needs to commit it or to throw it away.
type Transaction struct {
	Database, Table, Label string
	// Warehouse chooses the nodes in a shared-data cluster; may be empty.
	Warehouse string
	// Lifetime is from Begin to Prepare, Idle the longest pause between two loads, Kept from Prepare to Commit: StarRocks
	// throws a transaction away that takes longer. Releases that do not know a limit ignore it.
	Lifetime, Idle, Kept time.Duration

	backend *url.URL // that holds the rows
	undone  bool     // Undo was called
}

// TransactionLabel is the label of the transaction that a job with this prefix calls name, which has letters, digits and
// dashes and at most protocol.TransactionName bytes. It depends on nothing else, so that any process of the job finds it,
// and differs from every label of Labels, which end in a digit, and from that of every other prefix and name: name holds no
// underscore.
func TransactionLabel(prefix, name string) string {
	if prefix == "" {
		prefix = "gx"
	}
	return legal(prefix, true, MaxLabel-protocol.TransactionName-len("_-t")) + "_" + name + "-t"
}

// EmptyLabel stands for a transaction that has no rows, by the label of that transaction.
func EmptyLabel(label string) string { return strings.TrimSuffix(label, "-t") + "-e" }

// Open tells whether this process has begun the transaction and not tried to undo it.
func (t *Transaction) Open() bool { return t.backend != nil && !t.undone }

// load is the transaction as the parts of a plain load see it, which judge answers and word faults.
func (t *Transaction) load() *Load {
	return &Load{Database: t.Database, Table: t.Table, Label: t.Label, transaction: true}
}

const transactionPath = "/api/transaction/"

// header is what every operation carries. FE-handled operations take its timeout for their own.
func (t *Transaction) header(timeout time.Duration) http.Header {
	h := http.Header{"label": {t.Label}, "db": {t.Database}, "table": {t.Table}, "timeout": {seconds(timeout)}}
	if t.Warehouse != "" {
		h["warehouse"] = []string{t.Warehouse}
	}
	return h
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// Begin begins the transaction on a backend. A begin whose answer is lost is undone and done again: nothing is in it yet.
func (c *Client) Begin(ctx context.Context, t *Transaction) error {
	h := t.header(t.Lifetime)
	if t.Idle > 0 {
		h["idle_transaction_timeout"] = []string{seconds(t.Idle)}
	}
	var all course
	for {
		a, at := c.operate(ctx, "begin", t.Label, h, c.expect)
		all.attempts++
		switch {
		case a.class == classLanded:
			t.backend, t.undone = at, false
			return nil
		case ctx.Err() != nil:
			if a.reached {
				c.Undo(ctx, t)
			}
			return ctx.Err()
		case a.fault != nil:
			return a.fault
		case a.class == classExists && !all.reached:
			return collision(t.load(), a)
		case a.class == classDenied, a.class == classNotFound, a.class == classSettings, a.class == classQuota:
			return permanent(t.load(), a)
		}
		if a.reached && (a.class == classExists || a.class == classUncertain) {
			all.reached = true
			c.Undo(ctx, t)
		}
		if c.over(&all, a) {
			return exhausted(t.load(), a, all)
		}
		pause := backoff(all.attempts-1, a.class)
		if c.cfg.Lines != nil {
			c.cfg.Lines(fmt.Sprintf("transaction %s of %s cannot begin: %s; attempt %d follows in %.0f s", t.Label, t.Table, a.words(), all.attempts+1, pause.Seconds()))
		}
		if err := c.sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// undoTime bounds a rollback that nobody may wait for.
const undoTime = 5 * time.Second

// Undo tries for a short time to roll the transaction back, also when ctx has ended. What it does not reach, StarRocks
// throws away by its timeouts.
func (c *Client) Undo(ctx context.Context, t *Transaction) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	t.undone = true
	_ = c.Rollback(ctx, t)
}

// Append adds the rows of a load to the transaction. They are sent once: when it cannot be told whether they have arrived,
// sending them again might double them, so the transaction is rolled back and an error says so. Only what certainly did
// nothing is tried again: a backend that was not reached, and one that is still busy with the label.
func (s *Sender) Append(ctx context.Context, t *Transaction, l *Load) error {
	if t.backend == nil {
		return protocol.Faultf(protocol.Internal, "transaction %s has not begun", t.Label)
	}
	header := l.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	for k, v := range t.header(t.Lifetime) {
		header[k] = v
	}
	header["Expect"] = []string{"100-continue"}
	var all course
	for {
		a := s.convey(ctx, t, l, header)
		all.attempts++
		if a.class != classLanded {
			s.drop()
		}
		switch {
		case a.class == classLanded:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case a.fault != nil:
			s.Undo(ctx, t)
			return a.fault
		case !a.silent && a.class != classWorking:
			s.Undo(ctx, t)
			return s.notAppended(ctx, t, l, a)
		case s.over(&all, a):
			s.Undo(ctx, t)
			if a.class == classWorking {
				return s.notAppended(ctx, t, l, a)
			}
			return exhausted(t.load(), a, all)
		}
		pause := backoff(all.attempts-1, a.class)
		if a.class == classWorking {
			pause = workingPause(all.attempts)
		}
		if err := s.sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// convey sends the rows of a load to the server that has answered Begin, and on to where that one redirects.
func (s *Sender) convey(ctx context.Context, t *Transaction, l *Load, header http.Header) attempt {
	const path = transactionPath + "load"
	u := &url.URL{Scheme: t.backend.Scheme, Host: t.backend.Host, Path: path}
	for hop := 0; ; hop++ {
		d := s.carry(ctx, u, l, header)
		if d.err != nil || d.code != http.StatusTemporaryRedirect {
			return judgeOperation(d, t.Label, u.Host)
		}
		s.drop()
		if hop == maxHops {
			return attempt{server: u.Host, fault: refusedRedirect(u.Host, fmt.Errorf("more than %d redirects", maxHops))}
		}
		to, err := s.cfg.Hosts.Vet(d.location, path)
		if err != nil {
			return attempt{server: u.Host, fault: refusedRedirect(u.Host, err)}
		}
		u = to
	}
}

// notAppended is the end of a transaction of which one load was refused or is in doubt.
func (s *Sender) notAppended(ctx context.Context, t *Transaction, l *Load, a attempt) error {
	switch a.class {
	case classRows, classEmpty:
		return &RowsRefused{Label: t.Label, Message: clean(a.answer.Message, 400), Reason: s.firstError(ctx, a.answer), Answer: a.answer}
	case classDenied, classNotFound, classSettings, classQuota:
		return permanent(t.load(), a)
	case classTooLarge:
		return protocol.Faultf(protocol.Refused, "transaction %s of %s.%s: %s", t.Label, t.Database, t.Table, a.words()).At("maxBatchSize").
			Hint("streaming_load_max_mb of the backends bounds all loads of a transaction together: raise it, or cut the source into more shards")
	}
	what := "refused a load"
	if a.class == classUncertain {
		what = "may or may not have taken a load, which must not be sent twice"
	}
	return protocol.Faultf(protocol.Refused, "transaction %s of %s.%s: StarRocks %s of %d rows: %s; the transaction is rolled back, nothing of this shard is in the table",
		t.Label, t.Database, t.Table, what, l.Rows, a.words()).At("table").Hint("run the job again with --resume: it goes on with the shards that are missing")
}
