package fan

import (
	"fmt"
	"sync"

	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

// books are those of one lane: what each writer has answered, and what all of them have.
type books struct {
	mu      sync.Mutex // guards the following
	batches map[uint64]*batch
	writers []account

	rows, dirty               uint64 // of batches that all have answered
	landed, filtered, unnamed uint64 // told so far
	reason                    string // of the last unnamed rows
}

// batch is one that some writer has not answered.
type batch struct {
	rows    uint32
	missing int
	done    []bool // by writer
	dirty   []*v1.Dirty
}

// account is what one writer has said.
type account struct {
	rows              uint64 // of the batches it has answered
	open              int    // batches it has not
	counted           uint64 // rows that its counts account for
	filtered, unnamed uint64
}

func newBooks(writers int) *books {
	return &books{batches: make(map[uint64]*batch), writers: make([]account, writers)}
}

// sent notes a batch that goes to every writer.
func (b *books) sent(sequence uint64, rows uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.writers)
	b.batches[sequence] = &batch{rows: rows, missing: n, done: make([]bool, n)}
	for i := range b.writers {
		b.writers[i].open++
	}
}

// acked enters what one writer says and gives what follows for all of them, or nil. A row that several of them refused is
// one dirty record with all reasons. Rows that a target refused without telling which may be the same rows at two targets:
// then the greater number counts.
func (b *books) acked(writer int, name string, a *v1.Ack) (*v1.Ack, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	acc := &b.writers[writer]
	acc.counted += a.Landed + a.Filtered + uint64(len(a.Dirty)) + a.DirtyUnnamed
	acc.filtered += a.Filtered
	acc.unnamed += a.DirtyUnnamed
	if a.DirtyUnnamed > 0 {
		b.reason = name + ": " + a.DirtyReason
	}
	for _, d := range a.Dirty {
		t := b.batches[d.Sequence]
		if t == nil || t.done[writer] || d.Row >= t.rows {
			return nil, fmt.Errorf("row %d of batch %d refused, which is not under way", d.Row, d.Sequence)
		}
		t.refuse(name, d)
	}
	out := &v1.Ack{Loads: a.Loads, LoadBytes: a.LoadBytes, FlushReasons: a.FlushReasons}
	var complete []uint64
	for _, r := range a.Done {
		for seq := r.First; seq <= r.Last; seq++ {
			t := b.batches[seq]
			if t == nil || t.done[writer] {
				return nil, fmt.Errorf("batch %d acked twice, or never sent", seq)
			}
			t.done[writer] = true
			acc.rows += uint64(t.rows)
			acc.open--
			if t.missing--; t.missing == 0 {
				complete = append(complete, seq)
				b.rows += uint64(t.rows)
				b.dirty += uint64(len(t.dirty))
				out.Dirty = append(out.Dirty, t.dirty...)
				delete(b.batches, seq)
			}
		}
	}
	out.Done = spans(complete)
	b.count(out)
	if len(out.Done) == 0 && out.Loads == 0 && out.Landed == 0 && out.Filtered == 0 && out.DirtyUnnamed == 0 {
		return nil, nil
	}
	return out, nil
}

// count tells the rows of complete batches that were not told yet: each is landed, filtered or dirty.
func (b *books) count(out *v1.Ack) {
	var filtered, unnamed uint64
	for _, acc := range b.writers {
		filtered, unnamed = max(filtered, acc.filtered), max(unnamed, acc.unnamed)
	}
	free := b.rows - b.dirty - b.landed - b.filtered - b.unnamed // not told
	take := func(total uint64, told *uint64) uint64 {
		n := min(total-min(total, *told), free)
		*told += n
		free -= n
		return n
	}
	out.DirtyUnnamed = take(unnamed, &b.unnamed)
	if out.DirtyUnnamed > 0 {
		out.DirtyReason = b.reason
	}
	out.Filtered = take(filtered, &b.filtered)
	out.Landed = free
	b.landed += free
}

// refuse enters a refused row, once for all writers that refuse it.
func (t *batch) refuse(name string, d *v1.Dirty) {
	reason := name + ": " + d.Reason
	for _, known := range t.dirty {
		if known.Row == d.Row {
			known.Reason += "; " + reason
			return
		}
	}
	d.Reason = reason
	t.dirty = append(t.dirty, d)
}

// of gives the rows that a writer has answered, and those that its counts account for.
func (b *books) of(writer int) (rows, counted uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.writers[writer].rows, b.writers[writer].counted
}

// left is how many batches a writer has not answered.
func (b *books) left(writer int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.writers[writer].open
}
