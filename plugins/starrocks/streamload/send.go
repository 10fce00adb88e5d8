package streamload

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
)

// attempt is what came of sending a load once.
type attempt struct {
	class   class
	answer  Answer
	trouble string // what went wrong, in words
	server  string // who said so
	reached bool   // the label may be known to the cluster now
	silent  bool   // no server answered at all
	fault   error  // final: no other attempt can be better
}

// course is what has happened to a load so far.
type course struct {
	attempts    int
	failed      int       // attempts that a server answered, one way or the other
	silentSince time.Time // no server has answered since; zero: one did
	reached     bool      // the cluster may know the label from an earlier attempt: it is our own
	open        bool      // an attempt may have landed, and the cluster could not tell

	took              time.Duration // of the last attempt
	crowded, strained bool          // an attempt met too many versions, too little memory
}

// Send returns when the load is in the table (nil), when its rows are refused (*RowsRefused), or when it has failed for
// another reason (*protocol.Fault). The body is free when Send returns.
func (s *Sender) Send(ctx context.Context, l *Load) (Landed, error) {
	var c course
	landed, err := s.bring(ctx, l, &c)
	landed.Took, landed.Crowded, landed.Strained = c.took, c.crowded, c.strained
	return landed, err
}

func (s *Sender) bring(ctx context.Context, l *Load, c *course) (Landed, error) {
	for {
		began := time.Now()
		a := s.once(ctx, l)
		c.attempts++
		c.took = time.Since(began)
		c.crowded = c.crowded || a.class == classVersions
		c.strained = c.strained || a.class == classMemory
		if a.class != classLanded && ctx.Err() != nil {
			return Landed{}, ctx.Err()
		}
		if a.fault != nil {
			return Landed{}, a.fault
		}
		switch a.class {
		case classLanded:
			return s.landed(ctx, l, a, c.attempts)
		case classEmpty:
			return s.empty(ctx, l, a, c.attempts)
		case classRows:
			return Landed{}, &RowsRefused{Label: l.Label, Message: clean(a.answer.Message, 400), Reason: s.firstError(ctx, a.answer), Answer: a.answer}
		case classTooLarge:
			if l.Rows == 1 { // no smaller load can bring it in
				return Landed{}, &RowsRefused{Label: l.Label, Message: clean(a.answer.Message, 400), Answer: a.answer, TooLarge: true}
			}
			return Landed{}, permanent(l, a)
		case classDenied, classNotFound, classSettings, classQuota:
			return Landed{}, permanent(l, a)
		case classExists:
			if !c.reached {
				return Landed{}, collision(l, a)
			}
			if a.answer.ExistingJobStatus == "FINISHED" {
				return Landed{Attempts: c.attempts}, nil
			}
		}
		c.reached = c.reached || a.reached
		if a.reached && (a.class == classExists || a.class == classUncertain) {
			c.open = true
		}
		over := s.over(c, a)
		if c.open && (!a.silent || over) {
			switch st, err := s.settle(ctx, l); {
			case err != nil:
				return Landed{}, err
			case st == stateLanded:
				return Landed{Attempts: c.attempts}, nil
			case st == stateGone:
				c.open = false
			}
		}
		if over {
			return Landed{}, exhausted(l, a, *c)
		}
		pause := backoff(c.attempts-1, a.class)
		if s.cfg.Lines != nil {
			s.cfg.Lines(fmt.Sprintf("load %s of %s: %s; attempt %d follows in %.0f s", l.Label, l.Table, a.words(), c.attempts+1, pause.Seconds()))
		}
		if err := s.sleep(ctx, pause); err != nil {
			return Landed{}, err
		}
	}
}

// over tells whether attempt a was the last. Silence is bounded by time, not by count, so that a cluster may restart.
func (c *Client) over(all *course, a attempt) bool {
	limit := c.cfg.MaxRetries
	if !a.silent {
		all.silentSince = time.Time{}
		all.failed++
		return limit >= 0 && all.failed > limit
	}
	if all.silentSince.IsZero() {
		all.silentSince = time.Now()
	}
	return limit == 0 || (limit > 0 && time.Since(all.silentSince) >= c.cfg.Unreachable)
}

func (a attempt) words() string {
	w := a.trouble
	if w == "" {
		w = a.answer.Status + ": " + clean(a.answer.Message, 300)
	}
	if a.server != "" {
		w = a.server + " answered: " + w
	}
	return w
}

// once asks a frontend for a backend and sends the rows there.
func (s *Sender) once(ctx context.Context, l *Load) attempt {
	path, raw := loadPath(l.Database, l.Table)
	header := l.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header["label"] = []string{l.Label}
	header["Expect"] = []string{"100-continue"}

	u, a := s.resolve(ctx, l, path, raw, header)
	if u == nil {
		return a
	}
	for hop := 1; ; hop++ {
		d := s.carry(ctx, u, l, header)
		if d.err == nil && d.code == http.StatusTemporaryRedirect {
			s.drop()
			if hop == maxHops {
				return attempt{server: u.Host, fault: refusedRedirect(u.Host, fmt.Errorf("more than %d redirects", maxHops))}
			}
			to, err := s.cfg.Hosts.VetLoad(u.Hostname(), d.location, path)
			if err != nil {
				return attempt{server: u.Host, fault: refusedRedirect(u.Host, err)}
			}
			u = to
			continue
		}
		a := judge(d, l, u)
		a.answer.ErrorURL = s.reachable(a.answer.ErrorURL, u.Host)
		if a.class != classLanded {
			s.drop()
		}
		if a.silent || a.trouble != "" {
			s.avoid(u.Host)
		}
		return a
	}
}

// maxHops: a follower sends to its leader, the leader to a backend.
const maxHops = 2

// judge turns an exchange with a backend into an attempt.
func judge(d delivery, l *Load, u *url.URL) attempt {
	a := attempt{server: u.Host, reached: d.reached}
	switch {
	case d.err != nil && !d.reached:
		a.silent, a.server = true, ""
		a.trouble = fmt.Sprintf("backend %s does not answer: %s", u.Host, clean(d.err.Error(), 300))
		return a
	case d.err != nil:
		a.class = classUncertain
		a.trouble = "the exchange broke off: " + clean(d.err.Error(), 300)
		return a
	case d.code == http.StatusUnauthorized || d.code == http.StatusForbidden:
		a.class = classDenied
		a.trouble = fmt.Sprintf("HTTP %d: %s", d.code, messageOf(d.body))
		return a
	case d.code == http.StatusNotFound || d.code == http.StatusMethodNotAllowed:
		a.fault = protocol.Faultf(protocol.Refused, "%s answered HTTP %d to a load: it is no server of StarRocks, or a proxy stands before it", u.Host, d.code).At("loadUrl")
		return a
	case d.code != http.StatusOK:
		a.class = classUncertain
		a.trouble = fmt.Sprintf("HTTP %d: %s", d.code, messageOf(d.body))
		return a
	}
	var err error
	if a.answer, err = ParseAnswer(d.body); err != nil {
		a.class, a.trouble = classUncertain, err.Error()
		return a
	}
	a.class = classOf(a.answer)
	switch {
	case a.class == classLanded && a.answer.Label != "" && a.answer.Label != l.Label:
		a.class, a.trouble = classUncertain, fmt.Sprintf("it speaks of label %s", clean(a.answer.Label, 140))
	case a.class == classOther && a.answer.Status != "Fail" && a.answer.Status != "FAILED":
		a.class, a.trouble = classUncertain, fmt.Sprintf("unknown status %q: %s", clean(a.answer.Status, 60), clean(a.answer.Message, 300))
	}
	return a
}

// messageOf digs the message out of an error page.
func messageOf(body []byte) string {
	if a, err := ParseAnswer(body); err == nil && a.Message != "" {
		return clean(a.Message, 300)
	}
	if len(body) == 0 {
		return "no text"
	}
	return clean(string(body), 200)
}

// resolve gives the backend that a frontend names, or the attempt that ends here.
func (s *Sender) resolve(ctx context.Context, l *Load, path, raw string, header http.Header) (*url.URL, attempt) {
	if s.backends != nil {
		return s.backends.next(s.avoided).url(path, raw), attempt{}
	}
	var last attempt
	last.silent = true
	for _, i := range s.fronts.round() {
		fe := s.fronts.get(i)
		if fe.backend {
			return fe.url(path, raw), attempt{}
		}
		u, a := s.redirect(ctx, i, path, raw, header)
		switch {
		case u != nil, a.fault != nil:
			return u, a
		case a.silent:
			if last.silent {
				last = a
			}
			if ctx.Err() != nil {
				return nil, a
			}
		case a.class == classCluster, a.trouble != "" && a.class == classOther:
			last = a // another frontend may know better
		default:
			return nil, a
		}
	}
	if last.silent {
		last.trouble = "no frontend answers: " + s.fronts.troubles()
	}
	return nil, last
}

// redirect asks frontend i. It asks again when the frontend names a backend that did not answer lately.
func (s *Sender) redirect(ctx context.Context, i int, path, raw string, header http.Header) (*url.URL, attempt) {
	fe := s.fronts.get(i)
	var u *url.URL
	for range 4 {
		r, err := s.ask(ctx, http.MethodPut, fe.url(path, raw), header)
		if err != nil {
			s.fronts.failed(i, err)
			return nil, attempt{silent: true, trouble: clean(err.Error(), 300)}
		}
		s.fronts.answered(i)
		if r.code != http.StatusTemporaryRedirect {
			return s.noRedirect(i, r, path, raw)
		}
		if u, err = s.cfg.Hosts.VetLoad(fe.Host, r.location, path); err != nil {
			return nil, attempt{fault: refusedRedirect(fe.Addr(), err)}
		}
		if !s.avoided(u.Host) {
			break
		}
	}
	return u, attempt{}
}

// noRedirect judges a frontend that did not redirect. A backend in loadUrl takes the request as a load of nothing, fails
// it and thereby says what it is.
func (s *Sender) noRedirect(i int, r reply, path, raw string) (*url.URL, attempt) {
	fe := s.fronts.get(i)
	a := attempt{server: fe.Addr()}
	var err error
	a.answer, err = ParseAnswer(r.body)
	switch {
	case r.code == http.StatusUnauthorized || r.code == http.StatusForbidden:
		a.class = classDenied
		a.trouble = fmt.Sprintf("HTTP %d: %s", r.code, messageOf(r.body))
	case r.code == http.StatusOK && err != nil:
		a.trouble = err.Error()
	case r.code == http.StatusOK:
		a.class = classOf(a.answer)
		if a.class == classEmpty || (a.class == classExists && a.answer.counted) {
			s.fronts.isBackend(i)
			return fe.url(path, raw), attempt{}
		}
		if a.class == classLanded { // of no rows: nothing of ours
			a.class, a.trouble = classOther, "success without a redirect and without rows"
		}
	case r.code >= 500 || r.code == http.StatusTooManyRequests:
		a.trouble = fmt.Sprintf("HTTP %d: %s", r.code, messageOf(r.body))
	default:
		a.fault = protocol.Faultf(protocol.Refused, "%s answered HTTP %d instead of naming a backend: %s", fe.Addr(), r.code, messageOf(r.body)).
			At("loadUrl").Hint("use the HTTP port of a frontend, %s by default", DefaultFrontendPort)
	}
	return nil, a
}

func (c *Client) avoid(backend string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bad[backend] = time.Now().Add(avoidBackend)
}

func (c *Client) avoided(backend string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bad[backend].After(time.Now())
}

func refusedRedirect(from string, err error) error {
	return protocol.Faultf(protocol.Refused, "%s: %v; no password was sent there", from, err).At("loadUrl").
		Hint("if that server belongs to the cluster, name it in allowedHosts, or say in redirectMap where it is to be reached")
}

// RowsRefused says that StarRocks does not take the rows of a load, and never will.
type RowsRefused struct {
	Label   string
	Message string
	Reason  string // of the first bad row, from the server's error log; may be empty
	Answer  Answer
	// TooLarge tells of a single row that is beyond a limit of the server.
	TooLarge bool
}

// Error serves error.
func (e *RowsRefused) Error() string {
	s := fmt.Sprintf("load %s was refused: %s", e.Label, e.Message)
	if e.Reason != "" {
		s += "; first bad row: " + e.Reason
	}
	return s
}

// landed checks that the server saw as many rows as were sent.
func (s *Sender) landed(ctx context.Context, l *Load, a attempt, attempts int) (Landed, error) {
	done := Landed{Answer: a.answer, Counted: a.answer.counted, Attempts: attempts}
	if !done.Counted {
		return done, nil
	}
	if err := checkCounts(l, a.answer); err != nil {
		return done, err
	}
	if a.answer.Filtered > 0 {
		done.Reason = s.firstError(ctx, a.answer)
	}
	return done, nil
}

// differ tells whether StarRocks counts other rows than were sent, or counts that do not add up.
func (a Answer) differ(rows int64, loose bool) bool {
	sum := a.Loaded + a.Filtered + a.Unselected
	return a.Loaded < 0 || a.Filtered < 0 || a.Unselected < 0 || sum != a.Total || (!loose && a.Total != rows)
}

func checkCounts(l *Load, a Answer) error {
	if a.differ(l.Rows, l.Loose) {
		return protocol.Faultf(protocol.Data,
			"load %s is in %s.%s, but StarRocks counts other rows than were sent: %d sent; %d seen, of which %d loaded, %d filtered, %d unselected",
			l.Label, l.Database, l.Table, l.Rows, a.Total, a.Loaded, a.Filtered, a.Unselected).At("table").
			Hint("compare the rows of this load with the source; a setting in loadProps that makes StarRocks cut rows differently is the usual cause")
	}
	return nil
}

// empty judges a load of which nothing was written. That is in order when every row is accounted for.
func (s *Sender) empty(ctx context.Context, l *Load, a attempt, attempts int) (Landed, error) {
	if a.answer.counted && a.answer.Loaded == 0 && checkCounts(l, a.answer) == nil {
		return s.landed(ctx, l, a, attempts)
	}
	return Landed{}, &RowsRefused{Label: l.Label, Message: strings.TrimSpace(clean(a.answer.Message, 300) +
		fmt.Sprintf(" (%d rows sent, %d seen)", l.Rows, a.answer.Total)), Reason: s.firstError(ctx, a.answer), Answer: a.answer}
}
