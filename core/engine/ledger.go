package engine

import (
	"fmt"

	"github.com/gx-etl/gx/core/journal"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

// ledger answers two questions for a lane: up to which position of each shard is everything safe, and which shards are
// done? Batches are numbered 1, 2, 3 … over the lane; a position is safe when its batch and all earlier ones of the same
// shard are acked, and a shard is done when besides it has no more batches. Acks may come in any order, because loads to
// different tables end in any order. Not safe for concurrent use.
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
	name     string
	index    int // of a frozen shard
	queue    []uint64
	ended    bool   // no more batches come
	position []byte // the last that is safe
	count    count
}

// count is what passed of a shard. Rows that a writer's ack only counts belong to the shard of its last batch.
type count struct {
	rows, bytes      int64 // given to the writer
	left, refused    int64 // left out on purpose, and dirty, before the writer
	landed           int64
	filtered, spoilt int64 // left out on purpose, and dirty, by the writer
}

// tally is the sum for a shard of which everything is acked.
func (c *count) tally() journal.Tally {
	return journal.Tally{Landed: c.rows - c.filtered - c.spoilt, Filtered: c.left + c.filtered, Dirty: c.refused + c.spoilt}
}

func newLedger() *ledger {
	return &ledger{base: 1, shards: make(map[string]*shardLine)}
}

// begin says that batches of a frozen shard will come.
func (l *ledger) begin(shard string, index int) {
	l.shards[shard] = &shardLine{name: shard, index: index}
}

// end says that a frozen shard has no more batches. It gives the shard when it is done by that.
func (l *ledger) end(shard string) (done []*shardLine) {
	s := l.shards[shard]
	s.ended = true
	return l.leave(s, nil)
}

// leave forgets a shard that is done, and adds it to those.
func (l *ledger) leave(s *shardLine, done []*shardLine) []*shardLine {
	if !s.ended || len(s.queue) > 0 {
		return done
	}
	delete(l.shards, s.name)
	return append(done, s)
}

// drop forgets all batches that are open: nobody will ack them. It gives what was counted of their shards.
func (l *ledger) drop() (lost []count) {
	for _, s := range l.shards {
		lost = append(lost, s.count)
	}
	l.base += uint64(len(l.open))
	l.open, l.unacked, l.shards = nil, 0, make(map[string]*shardLine)
	return lost
}

// last is the highest sequence so far.
func (l *ledger) last() uint64 { return l.base + uint64(len(l.open)) - 1 }

// sent notes a batch that is on its way. Sequences must come without a gap.
func (l *ledger) sent(seq uint64, shard string, position []byte, rows uint32) error {
	if want := l.last() + 1; seq != want {
		return fmt.Errorf("batch %d where batch %d is due", seq, want)
	}
	s := l.shards[shard]
	if s == nil {
		s = &shardLine{name: shard, index: unfrozen}
		l.shards[shard] = s
	}
	s.queue = append(s.queue, seq)
	l.open = append(l.open, entry{shard: s, position: position, rows: rows})
	l.unacked++
	return nil
}

// acked notes that a range of batches is accounted for. It returns the rows of these batches, every position that became
// safe by it, and the frozen shards that are done by it.
func (l *ledger) acked(first, last uint64) (rows uint64, safe []*v1.ShardPosition, done []*shardLine, err error) {
	if first > last || last > l.last() {
		return 0, nil, nil, fmt.Errorf("ack of batches %d to %d, and %d was the last sent", first, last, l.last())
	}
	touched := make(map[*shardLine]bool, 1)
	for seq := first; seq <= last; seq++ {
		if seq < l.base || l.open[seq-l.base].done {
			return 0, nil, nil, fmt.Errorf("batch %d acked twice", seq)
		}
		e := &l.open[seq-l.base]
		e.done = true
		rows += uint64(e.rows)
		l.unacked--
		touched[e.shard] = true
	}
	for s := range touched {
		if p := l.advance(s); p != nil {
			s.position = p
			safe = append(safe, &v1.ShardPosition{Shard: s.name, Position: p})
		}
		done = l.leave(s, done)
	}
	l.trim()
	return rows, safe, done, nil
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

// shardOf says where a batch that is still open came from; nil when it is not open.
func (l *ledger) shardOf(seq uint64) *shardLine {
	if seq < l.base || seq >= l.base+uint64(len(l.open)) {
		return nil
	}
	return l.open[seq-l.base].shard
}
