package streamload

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// labelState is what the cluster knows of a label.
type labelState int

const (
	stateUnclear labelState = iota // the cluster could not be asked, or the load is still running
	stateLanded
	stateGone // aborted or never begun: the label may be used again
	stateRunning
)

// settle finds out what became of a load: it waits for a running one, and cancels it when it does not end.
func (s *Sender) settle(ctx context.Context, l *Load) (labelState, error) {
	deadline := time.Now().Add(s.settling)
	asked := time.Now()
	cancelled := false
	pause := 100 * time.Millisecond
	for {
		st, err := s.state(ctx, l)
		switch {
		case ctx.Err() != nil:
			return stateUnclear, ctx.Err()
		case err != nil:
			if time.Since(asked) > s.asking || errors.Is(err, errNoStates) || errors.Is(err, errNotTrusted) {
				return stateUnclear, nil // sending again under the same label is as safe
			}
		case st == stateRunning:
			asked = time.Now()
			if !time.Now().Before(deadline) {
				if cancelled {
					return stateUnclear, nil
				}
				cancelled = true
				s.cancel(ctx, l) // it may lose against the commit: the state decides
				deadline = time.Now().Add(min(s.settling, 10*time.Second))
			}
		default:
			return st, nil
		}
		if err := s.sleep(ctx, pause); err != nil {
			return stateUnclear, err
		}
		pause = min(2*pause, 2*time.Second)
	}
}

// errNoStates: loadUrl names backends only, which do not know labels.
var errNoStates = errors.New("no frontend to ask for the state of a label")

// errNotTrusted: a frontend sends on to a server that may not be asked. Waiting does not change that.
var errNotTrusted = errors.New("the state of a label cannot be asked for")

// state asks get_load_state for what matters to a load that may be sent again.
func (c *Client) state(ctx context.Context, l *Load) (labelState, error) {
	st, _, err := c.LoadState(ctx, l.Database, l.Label)
	switch {
	case err != nil:
		return stateUnclear, err
	case st == LoadVisible, st == LoadCommitted:
		return stateLanded, nil
	case st == LoadOpen, st == LoadPrepared:
		return stateRunning, nil
	}
	return stateGone, nil
}

// cancel asks the cluster to abort a running load, in the form of the server's sources and in that of its own clients.
func (c *Client) cancel(ctx context.Context, l *Load) {
	db := "/api/" + l.Database
	esc := "/api/" + url.PathEscape(l.Database)
	r, err := c.askAny(ctx, http.MethodPost, db+"/"+l.Label+"/_cancel", esc+"/"+url.PathEscape(l.Label)+"/_cancel", "")
	if err == nil {
		if fields, err := parseObject(r.body); err == nil && text(fields["status"]) == "OK" {
			return
		}
	}
	_, _ = c.askAny(ctx, http.MethodPost, db+"/"+l.Table+"/_cancel", esc+"/"+url.PathEscape(l.Table)+"/_cancel",
		"label="+url.QueryEscape(l.Label))
}

// askAny asks the frontends one after the other until one answers, and follows a follower to its leader.
func (c *Client) askAny(ctx context.Context, method, path, raw, query string) (reply, error) {
	err := errNoStates
	for _, i := range c.fronts.round() {
		fe := c.fronts.get(i)
		if fe.backend {
			continue
		}
		u := fe.url(path, raw)
		u.RawQuery = query
		var r reply
		for hop := 0; ; hop++ {
			if r, err = c.ask(ctx, method, u, nil); err != nil || r.code != http.StatusTemporaryRedirect {
				break
			}
			if hop == maxHops {
				err = fmt.Errorf("more than %d redirects", maxHops)
				break
			}
			if u, err = c.cfg.Hosts.Vet(r.location, path); err != nil {
				err = fmt.Errorf("%w: %w", errNotTrusted, err)
				break
			}
		}
		if err == nil {
			return r, nil
		}
		c.fronts.failed(i, err)
		if ctx.Err() != nil {
			return reply{}, ctx.Err()
		}
	}
	return reply{}, err
}
