package streamload

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	errorLogPath    = "/api/_load_error_log"
	errorLogTimeout = 5 * time.Second
	errorLogBytes   = 3000
)

// firstError reads the reason of the first refused row from the server's error log. The log quotes rows: what stands
// behind the reason is cut off. Best effort; no password is sent.
func (s *Sender) firstError(ctx context.Context, a Answer) string {
	if a.ErrorURL == "" {
		return ""
	}
	u, err := s.cfg.Hosts.Vet(a.ErrorURL, errorLogPath)
	if err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, errorLogTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return ""
	}
	req.Close = true
	resp, err := s.control.RoundTrip(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return ""
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, errorLogBytes))
	return firstReason(string(text))
}

// firstReason takes the message of "Error: <message>. Row: <row>". The row may hold line breaks, the message does not.
func firstReason(log string) string {
	for line := range strings.Lines(log) {
		if m, ok := strings.CutPrefix(strings.TrimSpace(line), "Error:"); ok {
			return clean(m, 300)
		}
	}
	return ""
}
