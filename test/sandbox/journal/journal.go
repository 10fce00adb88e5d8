// Package journal keeps what clients asked of the servers of the stand-in, as it
// arrived: the truth a client's test compares its own story with.
package journal

import (
	"encoding/base64"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

const (
	keptRequests = 10000
	keptBody     = 1 << 20 // bytes
	keptAnswer   = 64 << 10
	// keptBytes is how much bodies and answers may take together, roughly: the
	// oldest requests lose theirs first.
	keptBytes = 256 << 20
)

// Request is what one request looked like on arrival, and how it was answered.
type Request struct {
	ID     int64       `json:"id"`
	Time   time.Time   `json:"time"`
	Server string      `json:"server"` // "fe", "be" or "sql"
	Node   string      `json:"node"`   // host:port that was asked
	Remote string      `json:"remote"` // host:port of the client
	Method string      `json:"method"`
	Path   string      `json:"path"`
	Query  string      `json:"query,omitempty"`
	Proto  string      `json:"proto"`
	Header http.Header `json:"header"` // Authorization holds "present" or "absent"
	User   string      `json:"user,omitempty"`
	// ContentLength is -1 for a chunked body.
	ContentLength int64 `json:"contentLength"`
	// BodyBytes counts what was read of the body, without chunk framing.
	BodyBytes int64 `json:"bodyBytes"`
	Status    int   `json:"status"`       // of the answer; 0 while there is none
	Millis    int64 `json:"ms,omitempty"` // until the answer was complete
	// Cut says that the connection was cut in place of the rest of the answer.
	Cut bool `json:"cut,omitempty"`
	// Body or BodyBase64 (when it is not UTF-8) holds up to 1 MiB of the body,
	// Answer up to 64 KiB of the answer, if capturing was on.
	Body       string `json:"body,omitempty"`
	BodyBase64 string `json:"bodyBase64,omitempty"`
	Answer     string `json:"answer,omitempty"`
	// Truncated says that the body was longer than what was kept, or that it was
	// dropped because newer ones needed the room.
	Truncated bool `json:"truncated,omitempty"`
}

// Journal keeps the newest requests, about ten thousand of them. The zero value is
// ready and safe for concurrent use.
type Journal struct {
	capture atomic.Bool
	bytes   atomic.Int64 // of bodies and answers that are kept

	mu      sync.Mutex // guards the following
	nextID  int64
	entries []*Entry
	lean    int // so many entries at the front have lost their bodies
}

// Entry is one request of the journal. Methods are safe for concurrent use.
type Entry struct {
	journal   *Journal
	capture   bool
	bodyBytes atomic.Int64
	status    atomic.Int64
	millis    atomic.Int64
	cut       atomic.Bool

	mu        sync.Mutex // guards the following
	req       Request
	body      []byte
	answer    []byte
	truncated bool
	shed      bool // nothing is kept any more
}

// Add records a request that did not come by HTTP and returns its entry. ID and
// time are filled in.
func (j *Journal) Add(r Request) *Entry {
	r.Time = time.Now()
	e := &Entry{journal: j, capture: j.capture.Load(), req: r}
	e.bodyBytes.Store(r.BodyBytes)
	e.status.Store(int64(r.Status))
	j.mu.Lock()
	defer j.mu.Unlock()
	j.nextID++
	e.req.ID = j.nextID
	if j.entries = append(j.entries, e); len(j.entries) > 2*keptRequests {
		j.drop(keptRequests)
	}
	for j.bytes.Load() > keptBytes && j.lean < len(j.entries) {
		j.entries[j.lean].lose()
		j.lean++
	}
	return e
}

// drop forgets the n oldest entries. The caller holds mu.
func (j *Journal) drop(n int) {
	for _, e := range j.entries[:n] {
		e.lose()
	}
	j.entries = append([]*Entry(nil), j.entries[n:]...)
	j.lean = max(0, j.lean-n)
}

// lose gives up what the entry keeps of body and answer.
func (e *Entry) lose() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := len(e.body) + len(e.answer); n > 0 {
		e.journal.bytes.Add(-int64(n))
		e.body, e.answer, e.truncated = nil, nil, true
	}
	e.shed = true
}

// Received adds a piece of the body.
func (e *Entry) Received(p []byte) {
	e.bodyBytes.Add(int64(len(p)))
	if !e.capture {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	room := keptBody - len(e.body)
	if e.shed {
		room = 0
	}
	if len(p) > room {
		p = p[:room]
		e.truncated = true
	}
	e.body = append(e.body, p...)
	e.journal.bytes.Add(int64(len(p)))
}

// Answered notes the status of the answer.
func (e *Entry) Answered(status int) { e.status.Store(int64(status)) }

func (e *Entry) said(p []byte) {
	if !e.capture {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.shed {
		return
	}
	p = p[:min(len(p), keptAnswer-len(e.answer))]
	e.answer = append(e.answer, p...)
	e.journal.bytes.Add(int64(len(p)))
}

// Ended notes that the request is over.
func (e *Entry) Ended(cut bool) {
	e.cut.Store(cut)
	e.millis.Store(time.Since(e.req.Time).Milliseconds())
}

func (e *Entry) request(bodies bool) Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.req
	r.BodyBytes, r.Status, r.Millis, r.Cut, r.Truncated = e.bodyBytes.Load(), int(e.status.Load()), e.millis.Load(), e.cut.Load(), e.truncated
	if !bodies {
		return r
	}
	r.Answer = string(e.answer)
	if utf8.Valid(e.body) {
		r.Body = string(e.body)
	} else {
		r.BodyBase64 = base64.StdEncoding.EncodeToString(e.body)
	}
	return r
}

// Capture turns the keeping of bodies and answers on or off, for requests that
// arrive from now on.
func (j *Journal) Capture(on bool) { j.capture.Store(on) }

// Clear forgets all requests.
func (j *Journal) Clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.drop(len(j.entries))
}

// List returns the requests, oldest first, with bodies when asked for.
func (j *Journal) List(bodies bool) []Request { return j.Newest(1<<31-1, bodies) }

// Newest returns the last n requests, oldest first.
func (j *Journal) Newest(n int, bodies bool) []Request {
	j.mu.Lock()
	kept := j.entries[max(0, len(j.entries)-n):]
	j.mu.Unlock()
	out := make([]Request, len(kept))
	for i, e := range kept {
		out[i] = e.request(bodies)
	}
	return out
}
