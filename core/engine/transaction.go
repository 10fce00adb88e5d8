package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gx-etl/gx/core/fault"
	"github.com/gx-etl/gx/core/journal"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

// transactions takes shards from the line, each as one transaction of the writer.
func (l *lane) transactions(ctx, reading context.Context) error {
	for reading.Err() == nil {
		p := l.engine.work.line.take()
		if p == nil {
			return nil
		}
		if err := l.transaction(ctx, reading, p); errors.Is(err, errCut) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// transaction brings one shard over. The journal's Decide is the one step that makes it final: before it a crash leaves
// nothing, after it the next run commits.
func (l *lane) transaction(ctx, reading context.Context, p *part) error {
	e := l.engine
	j, path := e.work.journal, e.Plan.Writer.Path
	name, err := j.Open(p.index)
	if err != nil {
		return err
	}
	l.whole = nil
	if err = l.pass(ctx, reading, name, once(p)); err == nil {
		err = l.prepare(ctx, p, name)
	}
	if err != nil {
		l.rollBack(ctx, p, name)
		return err
	}
	if err := j.Decide(p.index); err != nil {
		return err
	}
	if err := e.Writer.Commit(ctx, name); err != nil {
		return fault.Within(path, err)
	}
	if err := j.Done(p.index, nil); err != nil {
		return err
	}
	if l.whole.position != nil {
		e.commits.offer(l.n, []*v1.ShardPosition{{Shard: l.whole.name, Position: l.whole.position}})
	}
	return nil
}

// prepare makes a transaction ready to be decided upon. The dirty records of its shard are durable before it: a prepared
// transaction is complete in every respect, so that the next run may commit it.
func (l *lane) prepare(ctx context.Context, p *part, name string) error {
	e := l.engine
	if l.whole == nil || l.whole.index != p.index {
		return protocol.Faultf(protocol.Internal, "shard %s is not whole after its end", p.shards[0].Name)
	}
	if err := e.syncDirty(ctx); err != nil {
		return err
	}
	if err := e.work.journal.Complete(p.index, l.whole.count.tally()); err != nil {
		return err
	}
	return fault.Within(e.Plan.Writer.Path, e.Writer.Prepare(ctx, name))
}

// rollBackBudget bounds the courtesy of rolling back: what is left open is found by the next run.
const rollBackBudget = 10 * time.Second

// rollBack throws a transaction away that will not be decided upon, unless the job has to end at once.
func (l *lane) rollBack(ctx context.Context, p *part, name string) {
	e := l.engine
	l.mu.Lock()
	lost := l.ledger.drop()
	if l.whole != nil && l.whole.index == p.index {
		lost = append(lost, l.whole.count)
	}
	l.mu.Unlock()
	e.stats.takeBack(lost)
	if f := protocol.AsFault(context.Cause(ctx)); f != nil && f.Code == protocol.Stopped || e.Writer.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollBackBudget)
	defer cancel()
	if e.Writer.Abort(ctx, name) == nil {
		_ = e.work.journal.Aborted(p.index) // if it cannot be noted, the next run finds it aborted
	}
}

// resolved is what the writer says of a transaction that an earlier run left.
type resolved struct {
	index int
	name  string
	phase journal.Phase
	state v1.ResolveReply_State
	empty bool // no row was in it
}

// doubtful tells that rows were to become visible, and nobody knows whether they have.
func (r *resolved) doubtful() bool { return r.phase == journal.Decided && unknown(r.state) && !r.empty }

// resolve asks for the state of all transactions whose end is not on record. It changes nothing.
func (e *Engine) resolve(ctx context.Context, s *journal.State) (out []resolved, err error) {
	for _, i := range s.Unsettled() {
		p := s.Progress[i]
		state, err := e.Writer.Resolve(ctx, p.Transaction)
		if err != nil {
			return nil, fault.Within(e.Plan.Writer.Path, err)
		}
		out = append(out, resolved{index: i, name: p.Transaction, phase: p.Phase, state: state, empty: p.Counted && p.Tally.Landed == 0})
	}
	return out, nil
}

// settle brings the transactions that an earlier run left to an end, before anything else is done. No evidence is never
// turned into an action: a transaction that was decided upon and is not known any more ends the run.
func (e *Engine) settle(ctx context.Context) error {
	s := e.work.journal.State()
	all, err := e.resolve(ctx, &s)
	if err != nil {
		return err
	}
	var doubt []string
	for _, r := range all {
		if r.doubtful() {
			doubt = append(doubt, fmt.Sprintf("shard %d (%s), transaction %s, %d rows", r.index, s.Shards[r.index].Name, r.name, s.Progress[r.index].Tally.Landed))
		}
	}
	if len(doubt) > 0 {
		return protocol.Faultf(protocol.InDoubt, "%s was to be committed, and the target does not know the transaction any more: its rows are all there, or none is",
			strings.Join(doubt, "; ")).At(e.Plan.Writer.Path).
			Hint("look for rows of that shard in the target; then gx state resolve JOB --shard N --committed, or --lost to read it again, and gx run --resume JOB")
	}
	for _, r := range all {
		if err := e.settleOne(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func unknown(s v1.ResolveReply_State) bool {
	return s == v1.ResolveReply_STATE_UNKNOWN || s == v1.ResolveReply_STATE_UNSPECIFIED
}

// settleOne ends one transaction. One that is committed or prepared is complete: the core asks for either only after the last ack.
func (e *Engine) settleOne(ctx context.Context, r resolved) error {
	j, path := e.work.journal, e.Plan.Writer.Path
	if r.phase == journal.Decided && r.empty {
		return j.Done(r.index, nil)
	}
	if r.state == v1.ResolveReply_STATE_COMMITTED || r.state == v1.ResolveReply_STATE_PREPARED {
		if r.phase == journal.Open {
			if err := j.Decide(r.index); err != nil {
				return err
			}
		}
		if r.state == v1.ResolveReply_STATE_PREPARED {
			if err := e.Writer.Commit(ctx, r.name); err != nil {
				return fault.Within(path, err)
			}
		}
		return j.Done(r.index, nil)
	}
	if r.phase == journal.Decided {
		e.note(fmt.Sprintf("transaction %s was to be committed and is gone, by a timeout or an administrator: its shard is read again", r.name))
	}
	if r.state != v1.ResolveReply_STATE_ABORTED {
		if err := e.Writer.Abort(ctx, r.name); err != nil {
			return fault.Within(path, err)
		}
	}
	return j.Aborted(r.index)
}

// giveUp ends what an earlier run left, for a run that begins anew: what was decided upon is committed, the rest is thrown
// away.
func (e *Engine) giveUp(ctx context.Context, target *v1.OpenReply) error {
	old := e.State.Old
	done, _ := old.Done()
	e.note(fmt.Sprintf("run %s was left unfinished, with %d of %d shards done; gx run --resume would go on with it. It is given up, and the job starts over",
		old.Run, done, len(old.Shards)))
	unsettled := old.Unsettled()
	if len(unsettled) == 0 {
		return nil
	}
	if !e.State.Settles || !target.Transactions {
		e.note(fmt.Sprintf("%d transactions of it are left to their timeout: the job had another writer then", len(unsettled)))
		return nil
	}
	all, err := e.resolve(ctx, old)
	if err != nil {
		return err
	}
	for _, r := range all {
		switch {
		case r.state == v1.ResolveReply_STATE_COMMITTED || r.state == v1.ResolveReply_STATE_ABORTED:
		case r.doubtful():
			e.note(fmt.Sprintf("transaction %s of it was to be committed, and the target does not know it any more", r.name))
		case r.phase == journal.Decided && r.state == v1.ResolveReply_STATE_PREPARED:
			err = e.Writer.Commit(ctx, r.name)
		default:
			err = e.Writer.Abort(ctx, r.name)
		}
		if err != nil {
			return fault.Within(e.Plan.Writer.Path, err)
		}
	}
	return nil
}
