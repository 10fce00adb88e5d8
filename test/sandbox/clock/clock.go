// Package clock is the wall clock of the servers of one stand-in, which a test can
// make jump.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time of the machine plus an offset. The zero value tells the
// time of the machine. It is safe for concurrent use, and must not be copied.
type Clock struct {
	mu      sync.Mutex // guards the following
	offset  time.Duration
	watched []func()
}

// Now returns the time, without a monotonic reading once the clock has jumped:
// differences then show the jump, as they do in the real server.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.offset == 0 {
		return time.Now()
	}
	return time.Now().Round(0).Add(c.offset)
}

// Offset returns how far the clock is ahead of the machine's.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// Jump moves the clock by d, which may be negative, and then calls the watchers.
func (c *Clock) Jump(d time.Duration) {
	c.mu.Lock()
	c.offset += d
	watched := c.watched
	c.mu.Unlock()
	for _, f := range watched {
		f()
	}
}

// Watch makes every later Jump call f, which may ask the clock but not make it jump.
func (c *Clock) Watch(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watched = append(c.watched, f)
}
