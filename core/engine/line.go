package engine

import (
	"cmp"
	"slices"
	"sync"

	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

// part is what one Read is asked for.
type part struct {
	shards []*v1.Shard
	index  int // of its one shard in the frozen list; unfrozen when there is no such list
}

const unfrozen = -1

// line is where lanes take the next shard. Lanes that meet short shards take more of them, so that all end at about the
// same time.
type line struct {
	mu   sync.Mutex // guards left
	left []*part
}

// newLine lines shards up: the longest first when all sizes are known, else in their order.
func newLine(parts []*part) *line {
	left := slices.Clone(parts)
	if !slices.ContainsFunc(left, func(p *part) bool { return p.shards[0].Rows < 0 }) {
		slices.SortStableFunc(left, func(a, b *part) int { return cmp.Compare(b.shards[0].Rows, a.shards[0].Rows) })
	}
	return &line{left: left}
}

// take gives the next shard; nil when none is left.
func (l *line) take() *part {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.left) == 0 {
		return nil
	}
	p := l.left[0]
	l.left = l.left[1:]
	return p
}
