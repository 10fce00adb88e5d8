package load

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gx-etl/gx/test/sandbox/clock"
)

// keptErrorLogs is how many logs are kept, and keptLogBytes how large they may be
// together: the oldest make room.
const (
	keptErrorLogs = 2000
	keptLogBytes  = 256 << 20
)

// errorLogs keeps the newest error logs of all BEs by file name. As files they
// outlive a restart of their BE.
type errorLogs struct {
	clock *clock.Clock

	mu    sync.Mutex // guards the following
	files map[string]errorLog
	order []string
	bytes int // of all texts
}

type errorLog struct {
	backend int
	text    string
	written time.Time
}

// add stores the lines and returns the file name.
func (l *errorLogs) add(backend int, lines []string) string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	name := fmt.Sprintf("error_log_%x_%x", id[:8], id[8:])
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.files == nil {
		l.files = map[string]errorLog{}
	}
	text := strings.Join(lines, "\n") + "\n"
	l.files[name] = errorLog{backend: backend, text: text, written: l.clock.Now()}
	l.order, l.bytes = append(l.order, name), l.bytes+len(text)
	for len(l.order) > keptErrorLogs || l.bytes > keptLogBytes && len(l.order) > 1 {
		l.bytes -= len(l.files[l.order[0]].text)
		delete(l.files, l.order[0])
		l.order = l.order[1:]
	}
	return name
}

// text returns a log by the URL it was announced with, empty when it is gone.
func (l *errorLogs) text(at string) string {
	u, err := url.Parse(at)
	if at == "" || err != nil {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.files[u.Query().Get("file")].text
}

// serve gives out a log of that BE that is not older than age.
func (l *errorLogs) serve(w http.ResponseWriter, r *http.Request, backend int, age time.Duration) {
	l.mu.Lock()
	file, ok := l.files[r.URL.Query().Get("file")]
	l.mu.Unlock()
	if !ok || file.backend != backend || l.clock.Now().Sub(file.written) > age {
		http.Error(w, "file not found", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(file.text))
}

// newLabel makes the label of a load that came without one.
func newLabel() string {
	var id [16]byte
	_, _ = rand.Read(id[:])
	h := hex.EncodeToString(id[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
