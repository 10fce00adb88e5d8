// Package fault arms the misbehaviour of the stand-in and decides when it shows.
package fault

import (
	"fmt"
	"strings"
	"sync"
)

// Kind names a fault.
type Kind string

// The faults that can be armed.
const (
	// DelayFE makes the FE wait Millis before it answers a load.
	DelayFE Kind = "delayFe"
	// DelayBE makes the BE wait Millis at the point At.
	DelayBE Kind = "delayBe"
	// FEStatus answers at the FE with HTTP Status and Text instead of the redirect.
	FEStatus Kind = "feHttp"
	// FEKeepAlive redirects as older FEs do: the connection stays open and
	// what the client sends on it is read and counted in the request log.
	FEKeepAlive Kind = "feKeepAlive"
	// BEStatus answers at the BE with HTTP Status and Text, before anything began.
	BEStatus Kind = "status"
	// AnswerBody does the whole load, then answers 200 with Text in place of the result.
	AnswerBody Kind = "answerBody"
	// DropBeforeCommit reads the body, aborts and cuts the connection.
	DropBeforeCommit Kind = "dropBeforeCommit"
	// DropAfterCommit commits and cuts the connection: the answer is lost.
	DropAfterCommit Kind = "dropAfterCommit"
	// PublishTimeout commits, answers so, and makes the rows visible Millis later.
	PublishTimeout Kind = "publishTimeout"
	// RedirectTo makes the FE redirect to the address To.
	RedirectTo Kind = "redirectTo"
	// TooManyVersions fails the load as a tablet with too many versions does.
	TooManyVersions Kind = "tooManyVersions"
	// MemoryLimit fails the load as a BE short of memory does.
	MemoryLimit Kind = "memoryLimit"
)

// The points where DelayBE can wait. The default is AtBegin.
const (
	AtBegin  = "begin"  // the transaction has begun, 100 Continue not yet sent
	AtCommit = "commit" // the body is read, nothing committed
	AtAnswer = "answer" // the load is visible, not yet answered
)

// Fault is a misbehaviour to show, and its aim.
type Fault struct {
	ID     int64  `json:"id"`
	Kind   Kind   `json:"kind"`
	Millis int    `json:"ms,omitempty"`
	At     string `json:"at,omitempty"`
	Status int    `json:"status,omitempty"`
	Text   string `json:"text,omitempty"`
	To     string `json:"to,omitempty"` // host:port

	// Table and Label narrow the fault to loads of that table and to labels
	// that contain the text.
	Table string `json:"table,omitempty"`
	Label string `json:"label,omitempty"`
	// Nth lets the first Nth-1 loads in aim pass.
	Nth int `json:"nth,omitempty"`
	// Times is how often the fault shows; 0 means once, -1 until it is cleared.
	Times int `json:"times,omitempty"`

	Seen int `json:"seen"` // loads in aim so far
	Hits int `json:"hits"` // how often it has shown
}

func (f *Fault) check() error {
	needs := func(ok bool, field string) error {
		if ok {
			return nil
		}
		return fmt.Errorf("fault %q needs %q", f.Kind, field)
	}
	if f.Times < -1 || f.Nth < 0 || f.Millis < 0 {
		return fmt.Errorf("fault %q: times must be at least -1, nth and ms at least 0", f.Kind)
	}
	switch f.Kind {
	case DelayFE, DelayBE, PublishTimeout:
		switch f.At {
		case "", AtBegin, AtCommit, AtAnswer:
		default:
			return fmt.Errorf("fault %q: at must be begin, commit or answer, got %q", f.Kind, f.At)
		}
		return needs(f.Millis > 0 || f.Kind == PublishTimeout, "ms")
	case FEStatus, BEStatus:
		return needs(f.Status >= 200 && f.Status <= 599, "status")
	case RedirectTo:
		return needs(f.To != "", "to")
	case AnswerBody, DropBeforeCommit, DropAfterCommit, TooManyVersions, MemoryLimit, FEKeepAlive:
		return nil
	}
	return fmt.Errorf("unknown fault %q; known are delayFe, delayBe, feHttp, feKeepAlive, status, answerBody, dropBeforeCommit, dropAfterCommit, publishTimeout, redirectTo, tooManyVersions, memoryLimit", f.Kind)
}

// Set holds what is armed. The zero value is ready and safe for concurrent use.
type Set struct {
	mu     sync.Mutex // guards the following
	nextID int64
	armed  []*Fault
}

// Arm arms a fault and returns its number. The error says what is wrong with it.
func (s *Set) Arm(f Fault) (int64, error) {
	if err := f.check(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextID++
	f.ID, f.Seen, f.Hits = s.nextID, 0, 0
	s.armed = append(s.armed, &f)
	return f.ID, nil
}

// Clear disarms one fault, or all with id 0, and says how many there were.
func (s *Set) Clear(id int64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.armed)
	kept := s.armed[:0]
	for _, f := range s.armed {
		if id != 0 && f.ID != id {
			kept = append(kept, f)
		}
	}
	s.armed = kept
	return before - len(kept)
}

// List returns what is armed, with how often each fault has shown.
func (s *Set) List() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Fault, len(s.armed))
	for i, f := range s.armed {
		out[i] = *f
	}
	return out
}

// Hit reports the fault of that kind to show now, if any. at matters to DelayBE
// only. Every load in aim counts once per kind and point.
func (s *Set) Hit(kind Kind, at, table, label string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.armed {
		if f.Kind != kind || f.Table != "" && f.Table != table || !strings.Contains(label, f.Label) {
			continue
		}
		if kind == DelayBE && f.At != at && !(f.At == "" && at == AtBegin) {
			continue
		}
		times := f.Times
		if times == 0 {
			times = 1
		}
		if times > 0 && f.Hits >= times {
			continue
		}
		f.Seen++
		if f.Seen < f.Nth {
			continue
		}
		f.Hits++
		shown := *f
		return &shown
	}
	return nil
}
