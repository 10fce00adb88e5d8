package sdk

import (
	"fmt"
	"slices"
)

// Range of sequences, both ends included.
type Range struct{ First, Last uint64 }

// ranges knows which batches of a lane came and which of them are acked. Sequences have gaps: a batch without rows never
// leaves the core, which acks it itself and takes a second ack of it for a broken plugin. So an ack that runs across a gap
// is cut into what really came.
type ranges struct {
	recv  uint64 // highest sequence that came
	safe  uint64 // up to here everything is acked or never came
	acked uint64 // highest sequence up to safe that is acked
	ahead []span // above safe+1, in order, without overlap
}

type span struct {
	Range
	gap bool // never came
}

// receive notes the next batch.
func (r *ranges) receive(seq uint64) error {
	if seq <= r.recv {
		return fmt.Errorf("batch %d arrived after batch %d", seq, r.recv)
	}
	if r.recv+1 < seq {
		r.ahead = append(r.ahead, span{Range{r.recv + 1, seq - 1}, true})
	}
	r.recv = seq
	r.absorb()
	return nil
}

// ack notes that a range is accounted for and returns the parts of it that came.
func (r *ranges) ack(a Range) ([]Range, error) {
	if a.First > a.Last || a.First == 0 || a.Last > r.recv {
		return nil, fmt.Errorf("ack of batches %d to %d, where %d was the last that came", a.First, a.Last, r.recv)
	}
	if a.First <= r.acked {
		return nil, fmt.Errorf("ack of batches %d to %d, and all up to %d are acked already", a.First, a.Last, r.acked)
	}
	var parts []Range
	from := max(a.First, r.safe+1)
	for _, s := range r.ahead {
		if s.Last < from || s.First > a.Last {
			continue
		}
		if !s.gap {
			return nil, fmt.Errorf("ack of batches %d to %d, and %d to %d are acked already", a.First, a.Last, s.First, s.Last)
		}
		if from < s.First {
			parts = append(parts, Range{from, s.First - 1})
		}
		from = s.Last + 1
	}
	if from <= a.Last {
		parts = append(parts, Range{from, a.Last})
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("ack of batches %d to %d, none of which came", a.First, a.Last)
	}
	for _, p := range parts {
		i, _ := slices.BinarySearchFunc(r.ahead, p.First, func(s span, first uint64) int {
			if s.First < first {
				return -1
			}
			return 1
		})
		r.ahead = slices.Insert(r.ahead, i, span{Range: p})
	}
	r.absorb()
	return parts, nil
}

// absorb moves safe over everything that follows it without a hole.
func (r *ranges) absorb() {
	n := 0
	for n < len(r.ahead) && r.ahead[n].First == r.safe+1 {
		r.safe = r.ahead[n].Last
		if !r.ahead[n].gap {
			r.acked = r.safe
		}
		n++
	}
	r.ahead = slices.Delete(r.ahead, 0, n)
}
