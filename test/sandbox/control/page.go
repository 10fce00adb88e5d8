package control

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gx-etl/gx/test/sandbox/fault"
	"github.com/gx-etl/gx/test/sandbox/journal"
	"github.com/gx-etl/gx/test/sandbox/ledger"
)

//go:embed page.html
var pageText string

// shown is how many loads and requests the page shows.
const shown = 50

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"clock":  func(t time.Time) string { return t.Format("15:04:05.000") },
	"number": grouped,
	"size":   size,
	"fault":  faultText,
	"perRow": func(bytes float64) string {
		if bytes == 0 {
			return ""
		}
		return strconv.FormatFloat(bytes, 'f', 1, 64)
	},
}).Parse(pageText))

// view is what the page prints.
type view struct {
	Status
	Nonce      string
	Names      []string // of the addresses, in order
	Counts     []string // names of the counters, in order
	Newest     []ledger.Info
	Requests   []journal.Request
	LoadsTotal int
	Shown      int
	Up         time.Duration
}

func (o *Options) page(w http.ResponseWriter, _ *http.Request) {
	v := view{Status: o.status(), Nonce: rand.Text(), Requests: o.Journal.Newest(shown, false), Shown: shown}
	v.Names, v.Counts = slices.Sorted(maps.Keys(v.Addresses)), slices.Sorted(maps.Keys(v.Counters))
	v.LoadsTotal = len(v.Loads)
	v.Newest = slices.Clone(v.Loads[max(0, len(v.Loads)-shown):])
	slices.Reverse(v.Newest)
	slices.Reverse(v.Requests)
	v.Up = time.Since(v.Started).Truncate(time.Second)
	var b bytes.Buffer
	if err := page.Execute(&b, v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; style-src 'nonce-"+v.Nonce+"'; script-src 'nonce-"+v.Nonce+"'; base-uri 'none'; form-action 'none'")
	_, _ = w.Write(b.Bytes()) // a client that has gone away is seen by the HTTP server
}

// faultText is a fault as one would arm it.
func faultText(f fault.Fault) (string, error) {
	f.ID, f.Seen, f.Hits = 0, 0, 0
	text, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return "", err
	}
	for _, name := range []string{"id", "seen", "hits", "kind"} {
		delete(fields, name)
	}
	text, err = json.Marshal(fields)
	return string(text), err
}

// grouped writes 1234567 as 1 234 567.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

func size(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n), ""
	for _, unit = range []string{"KiB", "MiB", "GiB", "TiB"} {
		if v /= 1024; v < 1024 {
			break
		}
	}
	return fmt.Sprintf("%.1f %s", v, unit)
}
