package streamload

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
)

// What get_load_state says of a label.
const (
	LoadOpen      = "PREPARE"  // begun, its rows are coming
	LoadPrepared  = "PREPARED" // complete, kept, invisible
	LoadCommitted = "COMMITTED"
	LoadVisible   = "VISIBLE"
	LoadAborted   = "ABORTED"
	LoadUnknown   = "UNKNOWN" // never begun, or forgotten
)

// doubtPause is Config.Doubt unless given: a frontend that was cut off does not know the label either, for a while.
const doubtPause = 30 * time.Second

// Prepare ends the rows of a transaction and makes StarRocks keep them, invisible. It checks that StarRocks counts the
// rows that were sent. Whatever its error is, nothing of the transaction is visible, and it is rolled back if it can be
// reached. Preparing what is prepared or committed does nothing.
func (c *Client) Prepare(ctx context.Context, t *Transaction, rows int64, loose bool) error {
	h := t.header(t.Lifetime)
	if t.Kept > 0 {
		h["prepared_timeout"] = []string{seconds(t.Kept)}
	}
	var all course
	for {
		a, _ := c.operate(ctx, "prepare", t.Label, h, c.cfg.AnswerTimeout)
		all.attempts++
		switch {
		case a.class == classLanded:
			if n := a.answer; n.counted && (n.differ(rows, loose) || n.Filtered+n.Unselected > 0) {
				c.Undo(ctx, t)
				return protocol.Faultf(protocol.Data,
					"StarRocks counts other rows in transaction %s of %s.%s than were sent, so it is rolled back: %d sent; %d seen, of which %d loaded, %d filtered, %d unselected",
					t.Label, t.Database, t.Table, rows, n.Total, n.Loaded, n.Filtered, n.Unselected).At("table").
					Hint("a setting in loadProps that makes StarRocks cut rows differently, or leave some out, is the usual cause")
			}
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case a.fault != nil:
			c.Undo(ctx, t)
			return a.fault
		case a.class == classRows || a.class == classEmpty:
			reason := c.firstError(ctx, a.answer)
			c.Undo(ctx, t)
			return &RowsRefused{Label: t.Label, Message: clean(a.answer.Message, 400), Reason: reason, Answer: a.answer}
		}
		st, why, err := c.LoadState(ctx, t.Database, t.Label)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil: // not known: ask again
		case st == LoadPrepared, st == LoadCommitted, st == LoadVisible:
			return nil // the answer to an earlier attempt was lost
		case st == LoadAborted, st == LoadUnknown, a.class == classGone:
			if why != "" {
				why = " (" + clean(why, 300) + ")"
			}
			c.Undo(ctx, t)
			return lost(t, fmt.Sprintf("%s; its state is %s%s", a.words(), st, why))
		}
		if c.over(&all, a) {
			c.Undo(ctx, t)
			return exhausted(t.load(), a, all)
		}
		if err := c.sleep(ctx, backoff(all.attempts-1, a.class)); err != nil {
			return err
		}
	}
}

func lost(t *Transaction, why string) error {
	return protocol.Faultf(protocol.Refused, "StarRocks has lost transaction %s of %s.%s: %s; nothing of this shard is in the table", t.Label, t.Database, t.Table, why).
		At("table").Hint("run the job again with --resume: it goes on with the shards that are missing")
}

// Commit makes a prepared transaction visible, or finds that it is. It asks for the state first and after every answer but
// a good one, so that it never commits what is not complete, and never takes silence for an answer. A label that StarRocks
// does not know is in doubt: it may have been committed and forgotten.
func (c *Client) Commit(ctx context.Context, t *Transaction) error {
	var all course
	sent, unknown := false, false
	for {
		st, why, err := c.LoadState(ctx, t.Database, t.Label)
		var a attempt
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errNotTrusted), errors.Is(err, errNoStates):
			return undecided(t, protocol.InDoubt, err.Error())
		case err != nil:
			a = attempt{silent: true, trouble: clean(err.Error(), 300)}
		case st == LoadCommitted, st == LoadVisible:
			return nil
		case st == LoadAborted:
			return lost(t, "it is aborted; "+clean(why, 300))
		case st == LoadOpen:
			return protocol.Faultf(protocol.Internal, "commit of transaction %s, which is not prepared", t.Label)
		case st == LoadUnknown:
			if unknown {
				return undecided(t, protocol.InDoubt, "no frontend knows it: it may never have begun, or have been committed and forgotten")
			}
			unknown = true
			if err := c.sleep(ctx, c.cfg.Doubt); err != nil {
				return err
			}
			continue
		default:
			sent = true
			if a, _ = c.operate(ctx, "commit", t.Label, t.header(c.cfg.AnswerTimeout*3/4), c.cfg.AnswerTimeout); a.class == classLanded {
				return nil
			}
			if a.fault != nil {
				return a.fault
			}
		}
		all.attempts++
		if c.over(&all, a) {
			code := protocol.Unreachable
			switch {
			case err != nil && sent:
				code = protocol.InDoubt
			case err == nil:
				code = protocol.Refused
			}
			return undecided(t, code, fmt.Sprintf("after %d attempts: %s", all.attempts, a.words()))
		}
		if err := c.sleep(ctx, backoff(all.attempts-1, a.class)); err != nil {
			return err
		}
	}
}

// undecided is the end of a commit of which it is not known that it is done.
func undecided(t *Transaction, code protocol.Code, why string) error {
	return protocol.Faultf(code, "transaction %s of %s.%s could not be committed: %s", t.Label, t.Database, t.Table, why).At("table").
		Hint("look at the label: curl -u <user> 'http://<frontend>:8030/api/%s/get_load_state?label=%s'; while it is PREPARED the job can be run again with --resume", t.Database, t.Label)
}

// Rollback throws a transaction away, prepared or not. One that is aborted, or that StarRocks does not know, is thrown away
// already: nothing of it can become visible any more. One that is committed cannot be thrown away.
func (c *Client) Rollback(ctx context.Context, t *Transaction) error {
	var all course
	for {
		a, _ := c.operate(ctx, "rollback", t.Label, t.header(c.cfg.AnswerTimeout), c.expect)
		all.attempts++
		if a.class == classLanded {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		st, _, err := c.LoadState(ctx, t.Database, t.Label)
		if st == LoadOpen || st == LoadPrepared { // its backend has forgotten it, or does not answer: only the frontend can end it
			c.cancel(ctx, t.load())
			st, _, err = c.LoadState(ctx, t.Database, t.Label)
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && a.fault != nil:
			return a.fault
		case st == LoadAborted, st == LoadUnknown:
			return nil
		case st == LoadCommitted, st == LoadVisible:
			return protocol.Faultf(protocol.Refused, "transaction %s of %s.%s is committed and cannot be thrown away", t.Label, t.Database, t.Table).At("table")
		}
		if c.over(&all, a) {
			return exhausted(t.load(), a, all)
		}
		if err := c.sleep(ctx, backoff(all.attempts-1, a.class)); err != nil {
			return err
		}
	}
}

// LoadState asks the leader what became of a label: one of the Load constants, and for an aborted one the reason, if the
// release tells.
func (c *Client) LoadState(ctx context.Context, database, label string) (state, reason string, err error) {
	path := "/api/" + database + "/get_load_state"
	raw := "/api/" + url.PathEscape(database) + "/get_load_state"
	r, err := c.askAny(ctx, http.MethodGet, path, raw, "label="+url.QueryEscape(label))
	if err != nil {
		return "", "", err
	}
	fields, err := parseObject(r.body)
	if err != nil {
		return "", "", fmt.Errorf("state of label %s: HTTP %d, %w", label, r.code, err)
	}
	switch st := text(fields["state"]); st {
	case LoadOpen, LoadPrepared, LoadCommitted, LoadVisible, LoadAborted, LoadUnknown:
		return st, text(fields["reason"]), nil
	default:
		return "", "", fmt.Errorf("state of label %s: HTTP %d, state %q: %s", label, r.code, clean(st, 40), messageOf(r.body))
	}
}
