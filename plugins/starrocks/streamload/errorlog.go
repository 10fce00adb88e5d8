package streamload

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

const (
	errorLogPath    = "/api/_load_error_log"
	errorLogTimeout = 5 * time.Second
	errorLogBytes   = 3000    // enough for the first reason
	wholeLogBytes   = 8 << 20 // of a log that is read for its rows
)

// Refusal is one row that StarRocks refused.
type Refusal struct {
	Reason string // fit for one line
	Row    string // as the log quotes it; often, but not always, the row as it was sent
}

// Refusals reads the server's error log: the refused rows that it lists, which are the first 50 or fewer. Best effort: nil
// when there is no log, when it cannot be had, and when it may not be trusted, because a row with line breaks looks like
// more entries than StarRocks counts refused rows. No password is sent.
func (c *Client) Refusals(ctx context.Context, a Answer) []Refusal {
	log, whole := c.errorLog(ctx, a, wholeLogBytes)
	all := refusals(log)
	if !whole && len(all) > 0 {
		all = all[:len(all)-1]
	}
	if int64(len(all)) > min(a.Filtered, mostLogged) {
		return nil
	}
	return all
}

// mostLogged is how many rows StarRocks lists of a load.
const mostLogged = 50

// entryStart begins each entry of the log, "Error: <message>. Row: <row>".
const entryStart = "Error: "

func refusals(log string) (all []Refusal) {
	rest, ok := strings.CutPrefix(log, entryStart)
	for ok {
		var entry string
		entry, rest, ok = strings.Cut(rest, "\n"+entryStart)
		reason, row, found := strings.Cut(entry, ". Row: ")
		if !ok {
			row = strings.TrimSuffix(row, "\n")
		}
		if !found {
			row = ""
		}
		all = append(all, Refusal{Reason: clean(reason, 300), Row: row})
	}
	return all
}

// firstError reads the reason of the first refused row. The log quotes rows: what stands behind the reason is cut off.
func (c *Client) firstError(ctx context.Context, a Answer) string {
	log, _ := c.errorLog(ctx, a, errorLogBytes)
	return firstReason(log)
}

// errorLog gets at most limit bytes of the log of a load.
func (c *Client) errorLog(ctx context.Context, a Answer, limit int64) (log string, whole bool) {
	if a.ErrorURL == "" {
		return "", false
	}
	u, err := c.cfg.Hosts.Vet(a.ErrorURL, errorLogPath)
	if err != nil {
		return "", false
	}
	ctx, cancel := context.WithTimeout(ctx, errorLogTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", false
	}
	req.Close = true
	resp, err := c.control.RoundTrip(req)
	if err != nil {
		return "", false
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", false
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if int64(len(text)) > limit {
		return string(text[:limit]), false
	}
	return string(text), err == nil
}

// reachable is the address of a log where the job says how backends are to be reached: beside the load that it is about,
// which went to host.
func (c *Client) reachable(log, host string) string {
	if u, err := url.Parse(log); log != "" && err == nil && (c.backends != nil || c.cfg.Hosts.same) {
		u.Host = host
		return u.String()
	}
	return log
}

// values are the ways in which StarRocks quotes a refused value in a reason.
var values = regexp.MustCompile(`(value=|Value: ).*|((?:Value|Decimal) ').*(' is out of range)`)

// HideValues takes the values of rows out of a reason, for messages that many people read.
func HideValues(reason string) string { return values.ReplaceAllString(reason, "$1$2…$3") }

// firstReason takes the message of "Error: <message>. Row: <row>". The row may hold line breaks, the message does not.
func firstReason(log string) string {
	for line := range strings.Lines(log) {
		if m, ok := strings.CutPrefix(strings.TrimSpace(line), "Error:"); ok {
			return clean(m, 300)
		}
	}
	return ""
}
