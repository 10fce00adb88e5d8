package engine

import (
	"fmt"

	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

// ledger answers one question for a lane: up to which position of each shard is everything safe? Batches are numbered 1,
// 2, 3 … over the lane; a position is safe when its batch and all earlier ones of the same shard are acked. Acks may come
// in any order, because loads to different tables end in any order. Not safe for concurrent use.
type ledger struct {
	base    uint64  // sequence of open[0]
	open    []entry // batches not yet acked or waiting behind such
	shards  map[string]*shardLine
	unacked int
}

type entry struct {
	shard    *shardLine
	position []byte
	rows     uint32
	done     bool
}

// shardLine is the waiting line of one shard: sequences in order of arrival.
type shardLine struct {
	name  string
	queue []uint64
}

func newLedger() *ledger {
	return &ledger{base: 1, shards: make(map[string]*shardLine)}
}

// sent notes a batch that is on its way. Sequences must come without a gap.
func (l *ledger) sent(seq uint64, shard string, position []byte, rows uint32) error {
	if want := l.base + uint64(len(l.open)); seq != want {
		return fmt.Errorf("batch %d where batch %d is due", seq, want)
	}
	s := l.shards[shard]
	if s == nil {
		s = &shardLine{name: shard}
		l.shards[shard] = s
	}
	s.queue = append(s.queue, seq)
	l.open = append(l.open, entry{shard: s, position: position, rows: rows})
	l.unacked++
	return nil
}

// acked notes that a range of batches is accounted for. It returns the rows of these batches and every position that
// became safe by it.
func (l *ledger) acked(first, last uint64) (rows uint64, safe []*v1.ShardPosition, err error) {
	end := l.base + uint64(len(l.open))
	if first > last || last >= end {
		return 0, nil, fmt.Errorf("ack of batches %d to %d, and %d was the last sent", first, last, end-1)
	}
	touched := make(map[*shardLine]bool, 1)
	for seq := first; seq <= last; seq++ {
		if seq < l.base || l.open[seq-l.base].done {
			return 0, nil, fmt.Errorf("batch %d acked twice", seq)
		}
		e := &l.open[seq-l.base]
		e.done = true
		rows += uint64(e.rows)
		l.unacked--
		touched[e.shard] = true
	}
	for s := range touched {
		if p := l.advance(s); p != nil {
			safe = append(safe, &v1.ShardPosition{Shard: s.name, Position: p})
		}
	}
	l.trim()
	return rows, safe, nil
}

// advance takes the acked head off a shard's line and returns the last position in it.
func (l *ledger) advance(s *shardLine) (position []byte) {
	n := 0
	for _, seq := range s.queue {
		e := l.open[seq-l.base]
		if !e.done {
			break
		}
		position = e.position
		n++
	}
	s.queue = s.queue[n:]
	return position
}

// trim forgets batches at the front that are acked and no longer in any line.
func (l *ledger) trim() {
	n := 0
	for n < len(l.open) && l.open[n].done {
		s := l.open[n].shard
		if len(s.queue) > 0 && s.queue[0] <= l.base+uint64(n) {
			break
		}
		n++
	}
	l.open = l.open[n:]
	l.base += uint64(n)
}

// shardOf says where a batch that is still open came from.
func (l *ledger) shardOf(seq uint64) string {
	if seq < l.base || seq >= l.base+uint64(len(l.open)) {
		return ""
	}
	return l.open[seq-l.base].shard.name
}
