package streamload

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
)

// operate does one operation of the transaction interface that has no body: it asks a frontend, and follows it to its
// leader and to the backend of the label. While another operation on the label runs it waits. It goes to the next frontend
// only when a server was not reached, so that nothing has happened yet. at is the server that answered.
func (c *Client) operate(ctx context.Context, op, label string, header http.Header, wait time.Duration) (a attempt, at *url.URL) {
	deadline := time.Now().Add(c.settling)
	for n := 1; ; n++ {
		a, at = c.operateOnce(ctx, op, label, header, wait)
		if a.class != classWorking || !time.Now().Before(deadline) {
			return a, at
		}
		if err := c.sleep(ctx, workingPause(n)); err != nil {
			return a, at
		}
	}
}

// workingPause is the wait after an answer that another operation on the label is running, the n-th in a row.
func workingPause(n int) time.Duration {
	return min(50*time.Millisecond<<min(n-1, 4), 500*time.Millisecond)
}

func (c *Client) operateOnce(ctx context.Context, op, label string, header http.Header, wait time.Duration) (attempt, *url.URL) {
	path := transactionPath + op
	last := attempt{silent: true}
	asked := false
frontends:
	for _, i := range c.fronts.round() {
		fe := c.fronts.get(i)
		if fe.backend {
			continue
		}
		asked = true
		u := fe.url(path, path)
		for hop := 0; ; hop++ {
			d := delivery{}
			d.reply, d.reached, d.err = c.request(ctx, http.MethodPost, u, header, wait)
			if d.err != nil && !d.reached {
				if hop == 0 {
					c.fronts.failed(i, d.err)
				}
				last.trouble = fmt.Sprintf("%s does not answer: %s", u.Host, clean(d.err.Error(), 300))
				if ctx.Err() != nil {
					return last, u
				}
				continue frontends
			}
			if hop == 0 {
				c.fronts.answered(i)
			}
			if d.err != nil || d.code != http.StatusTemporaryRedirect {
				return judgeOperation(d, label, u.Host), u
			}
			if hop == maxHops {
				return attempt{server: u.Host, fault: refusedRedirect(u.Host, fmt.Errorf("more than %d redirects", maxHops))}, u
			}
			to, err := c.cfg.Hosts.Vet(d.location, path)
			if err != nil {
				return attempt{server: u.Host, fault: refusedRedirect(u.Host, err)}, u
			}
			u = to
		}
	}
	if !asked {
		return attempt{fault: protocol.Faultf(protocol.Config, "loadUrl names backends only, and transactions need a frontend").At("loadUrl").
			Hint("use the HTTP port of a frontend, %s by default", DefaultFrontendPort)}, nil
	}
	return last, nil
}

// judgeOperation turns the answer to an operation into an attempt.
func judgeOperation(d delivery, label, server string) attempt {
	a := attempt{server: server, reached: d.reached}
	switch {
	case d.err != nil && !d.reached:
		return attempt{silent: true, trouble: fmt.Sprintf("%s does not answer: %s", server, clean(d.err.Error(), 300))}
	case d.err != nil:
		a.class, a.trouble = classUncertain, "the exchange broke off: "+clean(d.err.Error(), 300)
		return a
	case d.code == http.StatusUnauthorized || d.code == http.StatusForbidden:
		a.class, a.trouble = classDenied, fmt.Sprintf("HTTP %d: %s", d.code, messageOf(d.body))
		return a
	case d.code != http.StatusOK:
		a.class, a.trouble = classUncertain, fmt.Sprintf("HTTP %d: %s", d.code, messageOf(d.body))
		return a
	}
	var err error
	if a.answer, err = ParseAnswer(d.body); err != nil {
		a.class, a.trouble = classUncertain, err.Error()
		return a
	}
	a.class = classOfOperation(a.answer)
	if a.class == classLanded && a.answer.Label != "" && a.answer.Label != label {
		a.class, a.trouble = classUncertain, fmt.Sprintf("it speaks of label %s", clean(a.answer.Label, 140))
	}
	return a
}

// classOfOperation judges an answer of the transaction interface. Old releases put the name of the status into the message.
func classOfOperation(a Answer) class {
	is := func(names ...string) bool {
		for _, name := range names {
			if a.Status == name || (a.Status == "FAILED" && a.Message == name) {
				return true
			}
		}
		return false
	}
	m := strings.ToLower(a.Message)
	switch {
	case is("OK", "PUBLISH_TIMEOUT", "Publish Timeout"):
		return classLanded
	case is("LABEL_ALREADY_EXISTS"), labelUsed.MatchString(a.Message):
		return classExists
	case is("TXN_IN_PROCESSING"):
		return classWorking
	case is("TXN_NOT_EXISTS", "ABORTED"), strings.Contains(m, "transaction is aborted"), strings.Contains(m, "can not commit aborted"),
		strings.Contains(m, "can't find the transaction"), strings.Contains(m, "no transaction found"), strings.Contains(m, "txn_not_exists"):
		return classGone
	case is("NOT_AUTHORIZED"):
		return classDenied
	}
	if c := classOfMessage(a.Message); c != classOther {
		return c
	}
	if is("INVALID_ARGUMENT") {
		return classSettings
	}
	return classOther
}

// Transactions asks whether the servers of loadUrl have the transaction interface; why not is empty when they do. It begins
// none: the request names no database.
func (c *Client) Transactions(ctx context.Context) (whyNot string, err error) {
	const path = transactionPath + "begin"
	r, err := c.askAny(ctx, http.MethodPost, path, path, "")
	switch {
	case errors.Is(err, errNoStates):
		return "loadUrl names backends only, and transactions need a frontend", nil
	case err != nil:
		return "", err
	}
	a, err := ParseAnswer(r.body)
	m := strings.ToLower(a.Message)
	switch {
	case r.code == http.StatusUnauthorized || r.code == http.StatusForbidden:
		return "the transaction interface does not let the user in: " + messageOf(r.body), nil
	case err != nil || r.code == http.StatusNotFound || strings.Contains(m, "not implemented"):
		return "the server has no transaction interface, which came with StarRocks 2.4", nil
	case strings.Contains(m, "empty label"), strings.Contains(m, "invalid label"):
		return "loadUrl names a backend, and transactions need a frontend", nil
	case strings.Contains(m, "no database selected"):
		return "", nil
	}
	return "the transaction interface answers something else than gx knows: " + clean(a.Status+" "+a.Message, 200), nil
}
