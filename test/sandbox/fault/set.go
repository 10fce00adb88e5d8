package fault

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultSeed is the seed of a set that was not given one.
const DefaultSeed = 1

// Set holds what is armed. The zero value is ready and safe for concurrent use.
type Set struct {
	armed atomic.Int32 // how many faults there are, for those in a hurry

	mu     sync.Mutex // guards the following
	nextID int64
	seed   uint64
	faults []*state
	now    func() time.Time // the machine's clock, unless a test has its own
}

// state is an armed fault.
type state struct {
	Fault
	info  Info
	since time.Time
	dice  *rand.Rand
}

func (s *Set) clock() time.Time {
	if s.now != nil {
		return s.now()
	}
	return time.Now()
}

func (s *Set) roll(f *state) {
	seed := f.Seed
	if seed == 0 {
		if seed = s.seed; seed == 0 {
			seed = DefaultSeed
		}
	}
	f.dice = rand.New(rand.NewPCG(seed, uint64(f.ID)))
}

// Arm arms a fault and returns its number. The error says what is wrong with it.
func (s *Set) Arm(f Fault) (int64, error) {
	if err := f.prepare(); err != nil {
		return 0, err
	}
	info, _ := Describe(f.Kind)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextID++
	f.ID, f.Seen, f.Hits = s.nextID, 0, 0
	st := &state{Fault: f, info: info, since: s.clock()}
	s.roll(st)
	s.faults = append(s.faults, st)
	s.armed.Store(int32(len(s.faults)))
	return f.ID, nil
}

// Seed sets the seed of the set and starts the draws of every armed fault anew.
// Their counts of seen and shown stay. 0 is DefaultSeed.
func (s *Set) Seed(seed uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seed = seed
	for _, f := range s.faults {
		s.roll(f)
	}
}

// CurrentSeed returns the seed of the set.
func (s *Set) CurrentSeed() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seed == 0 {
		return DefaultSeed
	}
	return s.seed
}

// Clear disarms one fault, or all with id 0, and says how many there were.
func (s *Set) Clear(id int64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.faults)
	kept := make([]*state, 0, before)
	for _, f := range s.faults {
		if id != 0 && f.ID != id {
			kept = append(kept, f)
		}
	}
	s.faults = kept
	s.armed.Store(int32(len(kept)))
	return before - len(kept)
}

// List returns what is armed, with how often each fault has shown.
func (s *Set) List() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Fault, len(s.faults))
	for i, f := range s.faults {
		out[i] = f.Fault
	}
	return out
}

// Show reports the fault of that kind to show now, if any. Every event in aim
// counts once per kind and point; of several faults due the one armed first shows,
// and the others do not count the event.
func (s *Set) Show(kind Kind, e Event) *Fault {
	if s.armed.Load() == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Kind == kind && s.due(f, &e) {
			shown := f.Fault
			return &shown
		}
	}
	return nil
}

// ShowAll reports all that is to show at a phase: at most one fault of each kind
// that only bends the request (slower, shorter), and at most one that ends it,
// which comes last.
func (s *Set) ShowAll(phase Phase, e Event) []Fault {
	if s.armed.Load() == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Fault
	bent := map[Kind]bool{}
	for _, f := range s.faults {
		if f.info.Bends && f.phase() == phase && !bent[f.Kind] && s.due(f, &e) {
			bent[f.Kind] = true
			out = append(out, f.Fault)
		}
	}
	for _, f := range s.faults {
		if !f.info.Bends && f.phase() == phase && s.due(f, &e) {
			return append(out, f.Fault)
		}
	}
	return out
}

// Expects says whether a fault of the phase may show for the event, whatever the
// server will do with it. It counts nothing.
func (s *Set) Expects(phase Phase, e Event) bool {
	if s.armed.Load() == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Redirected, e.Committed = true, true
	for _, f := range s.faults {
		if f.phase() == phase && !f.spent() && f.hits(&e, &f.info) {
			return true
		}
	}
	return false
}

func (f *state) spent() bool {
	return f.Times >= 0 && f.Hits >= max(1, f.Times)
}

// due counts the event if it is in aim and says whether the fault shows.
func (s *Set) due(f *state, e *Event) bool {
	if f.spent() || !f.hits(e, &f.info) {
		return false
	}
	if f.After > 0 || f.For > 0 {
		age := s.clock().Sub(f.since)
		if age < time.Duration(f.After) || f.For > 0 && age-time.Duration(f.After) >= time.Duration(f.For) {
			return false
		}
	}
	f.Seen++
	first := max(1, f.Nth)
	if f.Seen < first || f.Every > 0 && (f.Seen-first)%f.Every != 0 {
		return false
	}
	if f.Probability > 0 && f.dice.Float64() >= f.Probability {
		return false
	}
	f.Hits++
	return true
}
