package load

import (
	"encoding/base64"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	keptRequests = 10000
	keptBody     = 1 << 20 // bytes
)

// Request is what one HTTP request to the FE or BE looked like on arrival.
type Request struct {
	ID     int64       `json:"id"`
	Time   time.Time   `json:"time"`
	Server string      `json:"server"` // "fe" or "be"
	Method string      `json:"method"`
	Path   string      `json:"path"`
	Query  string      `json:"query,omitempty"`
	Proto  string      `json:"proto"`
	Header http.Header `json:"header"` // Authorization holds "present" or "absent"
	// ContentLength is -1 for a chunked body.
	ContentLength int64 `json:"contentLength"`
	// BodyBytes counts what was read of the body, without chunk framing.
	BodyBytes int64 `json:"bodyBytes"`
	Status    int   `json:"status"` // of the answer; 0 while there is none
	// Body or BodyBase64 (when it is not UTF-8) holds up to 1 MiB of the body,
	// if capturing was on.
	Body       string `json:"body,omitempty"`
	BodyBase64 string `json:"bodyBase64,omitempty"`
	// Truncated says that the body was longer than what was kept.
	Truncated bool `json:"truncated,omitempty"`
}

// journal keeps the newest requests.
type journal struct {
	mu      sync.Mutex // guards the following and every entry in it
	capture bool
	nextID  int64
	entries []*entry
}

type entry struct {
	journal *journal
	capture bool
	req     Request
	body    []byte
}

func (j *journal) record(server string, r *http.Request) *entry {
	h := r.Header.Clone()
	auth := "absent"
	if h.Get("Authorization") != "" {
		auth = "present"
	}
	h.Set("Authorization", auth)
	e := &entry{journal: j, req: Request{Time: time.Now(), Server: server, Method: r.Method, Path: r.URL.Path,
		Query: r.URL.RawQuery, Proto: r.Proto, Header: h, ContentLength: r.ContentLength}}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.nextID++
	e.req.ID, e.capture = j.nextID, j.capture
	if j.entries = append(j.entries, e); len(j.entries) > 2*keptRequests {
		j.entries = append([]*entry(nil), j.entries[keptRequests:]...)
	}
	return e
}

func (e *entry) received(p []byte) {
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	e.req.BodyBytes += int64(len(p))
	if !e.capture {
		return
	}
	room := keptBody - len(e.body)
	if len(p) > room {
		p = p[:room]
		e.req.Truncated = true
	}
	e.body = append(e.body, p...)
}

func (e *entry) answered(status int) {
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	e.req.Status = status
}

func (j *journal) setCapture(on bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.capture = on
}

func (j *journal) clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = nil
}

// list returns the requests, oldest first, with bodies when asked for.
func (j *journal) list(bodies bool) []Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]Request, len(j.entries))
	for i, e := range j.entries {
		out[i] = e.req
		if !bodies || len(e.body) == 0 {
			continue
		}
		if utf8.Valid(e.body) {
			out[i].Body = string(e.body)
		} else {
			out[i].BodyBase64 = base64.StdEncoding.EncodeToString(e.body)
		}
	}
	return out
}

// statusWriter notes the status of the answer.
type statusWriter struct {
	http.ResponseWriter
	entry    *entry
	wrote    bool
	hijacked bool
}

func (w *statusWriter) WriteHeader(status int) {
	if !w.wrote {
		w.wrote = true
		w.entry.answered(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
