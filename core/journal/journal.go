// Package journal is the state file of a bounded job: the frozen list of its shards, and what became of each. It is
// append-only, so that a crash at any moment leaves a file that still tells the truth. The package knows nothing of
// plugins: whoever runs the job decides what is written when, and the journal refuses what cannot follow.
package journal

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Format is the version of the file. A file of another version is refused.
const Format = 1

// Header is the first record: what the whole run is bound to.
type Header struct {
	Format   int             `json:"format"`
	Job      string          `json:"job"`
	Run      string          `json:"run"` // stays the same over all resumes
	Begun    time.Time       `json:"begun"`
	Document json.RawMessage `json:"document"` // all of the job that decides which rows go where, without secrets
	// Transactions: each shard is one transaction of the writer. Otherwise a shard is done when its rows are acked, and one
	// that was under way at a crash is read again from its start.
	Transactions bool     `json:"transactions"`
	Columns      []string `json:"columns,omitempty"` // that the reader delivered when the shards were cut
	Shards       []Shard  `json:"shards"`
}

// Shard is a part of the source, as the reader cut it.
type Shard struct {
	Name       string `json:"name"`
	Descriptor []byte `json:"descriptor,omitempty"`
	Rows       int64  `json:"rows"` // -1 when unknown
}

// Tally counts the records of a shard: what was read is landed, filtered or dirty.
type Tally struct {
	Landed   int64 `json:"landed"`
	Filtered int64 `json:"filtered,omitempty"`
	Dirty    int64 `json:"dirty,omitempty"`
}

// Add adds up two tallies.
func (t Tally) Add(o Tally) Tally {
	return Tally{Landed: t.Landed + o.Landed, Filtered: t.Filtered + o.Filtered, Dirty: t.Dirty + o.Dirty}
}

// Read is the number of records.
func (t Tally) Read() int64 { return t.Landed + t.Filtered + t.Dirty }

// Phase is how far a shard has come.
type Phase int

// The phases of a shard. Without transactions there are only Waiting and Done.
const (
	Waiting Phase = iota
	Open          // a transaction has its name, and rows may be in it
	Decided       // the transaction is to be committed, whatever happens
	Done
)

var phases = [...]string{"waiting", "open", "decided", "done"}

func (p Phase) String() string { return phases[p] }

// Progress is what became of one shard.
type Progress struct {
	Phase       Phase
	Attempt     int    // transactions that were named for it so far
	Transaction string // the last of them
	Counted     bool   // Tally holds all of the shard
	Tally       Tally
}

// State is what a file says.
type State struct {
	Header
	Started   bool // what prepares the target (preSql) is done, and not to be done again
	Finishing bool // what closes the job (postSql) has begun
	Ended     bool // nothing is left to do
	Resumes   int
	Failure   string // why the last run ended, "" when it was killed or is running
	Progress  []Progress
}

// Done is the number of finished shards, and what was in them.
func (s *State) Done() (shards int, sum Tally) {
	for _, p := range s.Progress {
		if p.Phase == Done {
			shards++
			sum = sum.Add(p.Tally)
		}
	}
	return shards, sum
}

// Unsettled lists the shards that have a transaction whose end is not on record.
func (s *State) Unsettled() (shards []int) {
	for i, p := range s.Progress {
		if p.Phase == Open || p.Phase == Decided {
			shards = append(shards, i)
		}
	}
	return shards
}

// record is every line after the header.
type record struct {
	Is          string    `json:"is"`
	At          time.Time `json:"at"`
	Shard       int       `json:"shard,omitempty"`
	Transaction string    `json:"transaction,omitempty"`
	Tally       *Tally    `json:"tally,omitempty"`
	Why         string    `json:"why,omitempty"`
}

// The kinds of records.
const (
	isStarted   = "started"
	isResumed   = "resumed"
	isOpen      = "open"     // the transaction's name is taken
	isComplete  = "complete" // all rows are in the transaction; its tally
	isDecided   = "decided"  // the one step after which there is no way back
	isAborted   = "aborted"  // the transaction is gone for certain
	isDone      = "done"     // the rows are in the target
	isFinishing = "finishing"
	isFailed    = "failed"
	isEnded     = "ended"
)

// apply moves the state by one record, and refuses one that cannot follow. What is read and what is written both pass here.
func (s *State) apply(r record) error {
	if s.Ended {
		return fmt.Errorf("a record %q after the end", r.Is)
	}
	switch r.Is {
	case isStarted, isResumed, isFinishing, isFailed, isEnded:
		return s.applyRun(r)
	}
	if r.Shard < 0 || r.Shard >= len(s.Progress) {
		return fmt.Errorf("a record %q of shard %d, and there are %d", r.Is, r.Shard, len(s.Progress))
	}
	p := &s.Progress[r.Shard]
	illegal := func() error { return fmt.Errorf("a record %q of shard %d, which is %s", r.Is, r.Shard, p.Phase) }
	if !s.Started || !s.Transactions && r.Is != isDone {
		return illegal()
	}
	switch r.Is {
	case isOpen:
		if p.Phase != Waiting || r.Transaction != s.name(r.Shard, p.Attempt+1) {
			return illegal()
		}
		p.Phase, p.Attempt, p.Transaction = Open, p.Attempt+1, r.Transaction
	case isComplete:
		if p.Phase != Open || r.Tally == nil {
			return illegal()
		}
		p.Tally, p.Counted = *r.Tally, true
	case isDecided:
		if p.Phase != Open {
			return illegal()
		}
		p.Phase = Decided
	case isAborted:
		if p.Phase != Open && p.Phase != Decided {
			return illegal()
		}
		p.Phase, p.Tally, p.Counted = Waiting, Tally{}, false
	case isDone:
		if s.Transactions && p.Phase != Decided || p.Phase == Done || !s.Transactions && r.Tally == nil {
			return illegal()
		}
		p.Phase = Done
		if r.Tally != nil {
			p.Tally, p.Counted = *r.Tally, true
		}
	default:
		return fmt.Errorf("a record %q, which is not known", r.Is)
	}
	return nil
}

func (s *State) applyRun(r record) error {
	done, _ := s.Done()
	switch {
	case r.Is == isStarted && s.Started, (r.Is == isFinishing || r.Is == isEnded) && (!s.Started || done < len(s.Shards)):
		return fmt.Errorf("a record %q with %d of %d shards done", r.Is, done, len(s.Shards))
	case r.Is == isStarted:
		s.Started = true
	case r.Is == isResumed:
		s.Resumes++
		s.Failure = ""
	case r.Is == isFinishing:
		s.Finishing = true
	case r.Is == isFailed:
		s.Failure = r.Why
	case r.Is == isEnded:
		s.Ended, s.Failure = true, ""
	}
	return nil
}

// name is the name of a shard's transaction: unique over all runs, since the run's is, and never used for two attempts.
func (s *State) name(shard, attempt int) string {
	return s.Run + "-" + strconv.Itoa(shard) + "-" + strconv.Itoa(attempt)
}
