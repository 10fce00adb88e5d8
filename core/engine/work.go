package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/core/journal"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

// State is where a job with frozen shards keeps what is done.
type State struct {
	Path     string
	Document json.RawMessage     // of the journal's header
	Mask     func(string) string // hides the secrets of the job
	Old      *journal.State      // what an earlier run left unfinished; nil for nothing
	Resume   bool                // go on with Old; otherwise settle it and begin anew
	// Settles tells that the job's writer is the one that Old's transactions are in.
	Settles bool
}

// work is what a run has to do, and what is done of it.
type work struct {
	shards  []*v1.Shard
	frozen  bool // shards can be read one by one
	keeps   bool // in a journal
	secret  string
	exactly bool
	journal *journal.Journal // nil: nothing is kept
	line    *line            // nil: each lane has its shards from the start
	mask    func(string) string

	runBefore  string // the name that the run has in the journal, when an earlier process began it
	doneBefore int
	before     journal.Tally
}

// begin cuts the source or takes the cut of the run to be resumed, decides on the guarantee, and opens the journal.
func (e *Engine) begin(ctx context.Context, source, target *v1.OpenReply) error {
	w := &e.work
	w.frozen = source.Frozen && !e.Plan.Streaming
	w.keeps = w.frozen && e.State != nil
	if s := e.State; s != nil {
		w.mask = s.Mask
		if s.Old != nil && s.Resume {
			return e.resume(ctx, source, target)
		}
	}
	shards, err := e.Reader.Split(ctx, e.Plan.Lanes)
	if err != nil {
		return fault.Within(e.Plan.Reader.Path, err)
	}
	w.shards = shards
	if w.frozen {
		distinct(shards)
	}
	if w.keeps {
		w.revealing(shards)
	}
	promise, err := e.promise(source, target, len(shards))
	if err != nil {
		return err
	}
	w.exactly = promise.exactly
	if s := e.State; s != nil && s.Old != nil {
		if err := e.giveUp(ctx, target); err != nil {
			return err
		}
	}
	e.note(promise.String())
	if w.secret != "" {
		e.note("no state file, so this run cannot be resumed: " + w.secret)
	}
	if !w.keeps {
		if e.State != nil {
			return journal.Remove(e.State.Path)
		}
		return nil
	}
	h := journal.Header{Job: e.Plan.Job, Run: e.Plan.Run, Begun: time.Now().UTC().Round(time.Second), Document: e.State.Document,
		Transactions: w.exactly, Columns: source.Columns}
	for _, s := range shards {
		h.Shards = append(h.Shards, journal.Shard{Name: s.Name, Descriptor: s.Descriptor_, Rows: s.Rows})
	}
	w.journal, err = journal.Create(e.State.Path, h)
	return err
}

// distinct gives shards of one name a number each: dirty records and batches name their shard.
func distinct(shards []*v1.Shard) {
	seen := make(map[string]bool, len(shards))
	for _, s := range shards {
		name := s.Name
		for n := 2; seen[s.Name]; n++ {
			s.Name = fmt.Sprintf("%s (%d)", name, n)
		}
		seen[s.Name] = true
	}
}

// revealing looks for secrets in what the journal would hold.
func (w *work) revealing(shards []*v1.Shard) {
	for _, s := range shards {
		if text := s.Name + " " + string(s.Descriptor_); w.mask(text) != text {
			w.keeps, w.secret = false, fmt.Sprintf("what describes shard %s holds a secret of the job", w.mask(s.Name))
			return
		}
	}
}

// resume takes up the run that an earlier process left unfinished.
func (e *Engine) resume(ctx context.Context, source, target *v1.OpenReply) error {
	w, old := &e.work, e.State.Old
	switch {
	case !w.frozen:
		return protocol.Faultf(protocol.Unsupported, "%s cannot read a part of its source again by itself, and could when the job began", e.Plan.Reader.Plugin).
			At(e.Plan.Reader.Path).Hint("run without --resume to start over")
	case !slices.Equal(source.Columns, old.Columns):
		return protocol.Faultf(protocol.Config, "the reader delivers the columns %s, and delivered %s when the job began",
			strings.Join(source.Columns, ", "), strings.Join(old.Columns, ", ")).At(e.Plan.Reader.Path).
			Hint("was the source altered? Run without --resume to start over")
	case old.Transactions && !target.Transactions:
		reason := target.NoTransactions
		if reason == "" {
			reason = fmt.Sprintf("%s has no transactions", e.Plan.Writer.Plugin)
		}
		return protocol.Faultf(protocol.Unsupported, "the run was begun with transactions, and now %s", reason).At(e.Plan.Writer.Path)
	}
	w.exactly = old.Transactions
	for _, s := range old.Shards {
		w.shards = append(w.shards, &v1.Shard{Name: s.Name, Descriptor_: bytes.Clone(s.Descriptor), Rows: s.Rows})
	}
	var err error
	if w.journal, err = journal.Continue(e.State.Path); err != nil {
		return err
	}
	if err := e.settle(ctx); err != nil {
		return err
	}
	if err := w.journal.Resumed(); err != nil {
		return err
	}
	s := w.journal.State()
	w.runBefore = s.Run
	w.doneBefore, w.before = s.Done()
	e.stats.setBefore(w.before)
	e.note(fmt.Sprintf("goes on with run %s: %d of %d shards are done, rows in them: %d", s.Run, w.doneBefore, len(s.Shards), w.before.Landed))
	if w.exactly {
		e.note(promise{exactly: true, why: "each shard is one transaction at the target"}.String())
		return nil
	}
	why := "rows of the shards that were under way may be there twice"
	if target.ReplaySafe {
		why = "the target replaces rows by key, so a repeated row changes nothing"
	}
	e.note(promise{why: why}.String())
	if s.Finishing {
		e.note("an earlier run ended while it closed the job: that (postSql) is done again")
	}
	return nil
}

// todo is what has to be read.
func (w *work) todo() (parts []*part) {
	var progress []journal.Progress
	if w.journal != nil {
		progress = w.journal.State().Progress
	}
	for i, s := range w.shards {
		index := unfrozen
		if w.frozen {
			index = i
		}
		if progress == nil || progress[i].Phase != journal.Done {
			parts = append(parts, &part{shards: []*v1.Shard{s}, index: index})
		}
	}
	return parts
}

// left is the number of shards that are not done, as far as a journal tells.
func (w *work) left() int {
	if w.journal == nil {
		return 0
	}
	s := w.journal.State()
	done, _ := s.Done()
	return len(s.Shards) - done
}

// started tells whether the target has been prepared by an earlier process of the run.
func (w *work) started() bool { return w.journal != nil && w.journal.State().Started }

func (w *work) start() error {
	if w.journal == nil || w.started() {
		return nil
	}
	return w.journal.Started()
}

func (w *work) finishing() error {
	if w.journal == nil {
		return nil
	}
	return w.journal.Finishing()
}

func (w *work) ended() error {
	if w.journal == nil {
		return nil
	}
	return w.journal.Ended()
}

// close notes why a run failed and lets go of the journal. What had to be on disk is there already.
func (w *work) close(failed error) {
	if w.journal == nil {
		return
	}
	if failed != nil {
		_ = w.journal.Fail(w.mask(failed.Error()))
	}
	_ = w.journal.Close()
}

// done notes shards of which every row is safe, or in their transaction.
func (l *lane) done(ctx context.Context, shards []*shardLine) error {
	e := l.engine
	for _, s := range shards {
		if e.work.exactly {
			l.mu.Lock()
			l.whole = s
			l.mu.Unlock()
			continue
		}
		if e.work.journal == nil {
			continue
		}
		if err := e.syncDirty(ctx); err != nil {
			return err
		}
		t := s.count.tally()
		if err := e.work.journal.Done(s.index, &t); err != nil {
			return err
		}
	}
	return nil
}
