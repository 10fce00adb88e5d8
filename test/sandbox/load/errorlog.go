package load

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

const keptErrorLogs = 2000

// errorLogs keeps the newest error logs by file name.
type errorLogs struct {
	mu    sync.Mutex // guards the following
	files map[string]string
	order []string
}

// add stores the lines and returns the file name.
func (l *errorLogs) add(lines []string) string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	name := fmt.Sprintf("error_log_%x_%x", id[:8], id[8:])
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.files == nil {
		l.files = map[string]string{}
	}
	l.files[name] = strings.Join(lines, "\n") + "\n"
	if l.order = append(l.order, name); len(l.order) > keptErrorLogs {
		delete(l.files, l.order[0])
		l.order = l.order[1:]
	}
	return name
}

func (l *errorLogs) serve(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	text, ok := l.files[r.URL.Query().Get("file")]
	l.mu.Unlock()
	if !ok {
		http.Error(w, "file not found", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text))
}

// newLabel makes the label of a load that came without one.
func newLabel() string {
	var id [16]byte
	_, _ = rand.Read(id[:])
	h := hex.EncodeToString(id[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
