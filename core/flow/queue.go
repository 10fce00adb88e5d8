// Package flow is the channel between a reader and a writer: first in, first out, bounded by bytes, and able to say who
// keeps whom waiting.
package flow

import (
	"context"
	"sync"
	"time"

	"github.com/gx-etl/gx/plugins/protocol/wire"
)

// Queue holds frames on their way. One goroutine puts, one takes; Close may come from the putting side only.
type Queue struct {
	limit int64

	mu      sync.Mutex // guards the following
	frames  []*wire.Frame
	bytes   int64
	closed  bool
	changed chan struct{} // closed and replaced at every change

	putWait, takeWait time.Duration
}

// NewQueue makes a Queue that holds up to limit bytes. A single frame above the limit passes when the queue is empty.
func NewQueue(limit int64) *Queue {
	return &Queue{limit: limit, changed: make(chan struct{})}
}

func (q *Queue) signal() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// Put appends a frame; it blocks while the queue is full.
func (q *Queue) Put(ctx context.Context, f *wire.Frame) error {
	size := int64(f.Size())
	var since time.Time
	for {
		q.mu.Lock()
		if q.bytes == 0 || q.bytes+size <= q.limit {
			q.frames = append(q.frames, f)
			q.bytes += size
			if !since.IsZero() {
				q.putWait += time.Since(since)
			}
			q.signal()
			q.mu.Unlock()
			return nil
		}
		changed := q.changed
		q.mu.Unlock()
		if since.IsZero() {
			since = time.Now()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Take removes the oldest frame; ok is false when the queue is closed and empty.
func (q *Queue) Take(ctx context.Context) (f *wire.Frame, ok bool, err error) {
	var since time.Time
	for {
		q.mu.Lock()
		if len(q.frames) > 0 {
			f := q.frames[0]
			q.frames[0] = nil
			q.frames = q.frames[1:]
			q.bytes -= int64(f.Size())
			if !since.IsZero() {
				q.takeWait += time.Since(since)
			}
			q.signal()
			q.mu.Unlock()
			return f, true, nil
		}
		closed, changed := q.closed, q.changed
		q.mu.Unlock()
		if closed {
			return nil, false, nil
		}
		if since.IsZero() {
			since = time.Now()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
}

// Close says that nothing more is put.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		q.signal()
	}
}

// Reopen takes Close back, when both sides are done with what was before.
func (q *Queue) Reopen() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = false
}

// Drop frees what is left after both sides are gone.
func (q *Queue) Drop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, f := range q.frames {
		f.Free()
	}
	q.frames, q.bytes = nil, 0
}

// Load says how full the queue is.
type Load struct {
	Frames int
	Bytes  int64
	// ReaderWaited is how long Put found the queue full, WriterWaited how long Take found it empty.
	ReaderWaited, WriterWaited time.Duration
}

// Load may be called at any time.
func (q *Queue) Load() Load {
	q.mu.Lock()
	defer q.mu.Unlock()
	return Load{Frames: len(q.frames), Bytes: q.bytes, ReaderWaited: q.putWait, WriterWaited: q.takeWait}
}
