package harness

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Feed produces one message after the other until it is stopped.
type Feed struct {
	c       *Case
	acked   atomic.Int64 // messages that the broker has
	stop    chan struct{}
	stopped sync.Once
	done    chan struct{}
	err     error // to be read after done
}

// Feed produces rows with the ids 0, 1, 2 … to all partitions of the case's topic.
func (c *Case) Feed(partitions int) *Feed {
	c.T.Helper()
	return c.FeedOf(func(n int) (int, []byte) {
		return n % partitions, fmt.Appendf(nil, `{"id":%d,"v":"row %[1]d"}`, n)
	})
}

// FeedOf produces the messages number 0, 1, 2 … to the case's topic, about 500 a second; message says to which partition
// and what, and is called in their order.
func (c *Case) FeedOf(message func(n int) (partition int, value []byte)) *Feed {
	c.T.Helper()
	f := &Feed{c: c, stop: make(chan struct{}), done: make(chan struct{})}
	cl := c.Broker.client(c.T)
	go func() {
		defer close(f.done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for next := 0; ; {
			batch := make([]*kgo.Record, 10)
			for i := range batch {
				partition, value := message(next)
				batch[i] = &kgo.Record{Topic: c.Topic, Partition: int32(partition), Value: value}
				next++
			}
			if f.err = c.Broker.send(cl, batch); f.err != nil {
				return
			}
			f.acked.Store(int64(next))
			select {
			case <-tick.C:
			case <-f.stop:
				return
			}
		}
	}()
	c.T.Cleanup(func() { f.end() })
	return f
}

func (f *Feed) end() {
	f.stopped.Do(func() { close(f.stop) })
	<-f.done
}

// Sent is how many messages there are so far.
func (f *Feed) Sent() int { return int(f.acked.Load()) }

// Stop ends the feed and gives the number of messages.
func (f *Feed) Stop() int {
	f.c.T.Helper()
	f.end()
	if f.err != nil {
		f.c.T.Fatalf("feed: %v", f.err)
	}
	return f.Sent()
}

// Models are the table models that a replay leaves different traces in, for a table of ids.
var Models = map[string]struct{ Columns, Model string }{
	"DUPLICATE KEY": {"id BIGINT NOT NULL, v STRING", "DUPLICATE KEY (id) DISTRIBUTED BY HASH(id)"},
	"PRIMARY KEY":   {"id BIGINT NOT NULL, v STRING", "PRIMARY KEY (id) DISTRIBUTED BY HASH(id)"},
}

// Distinct is how many ids of a feed are in the case's table.
func (c *Case) Distinct() int {
	c.T.Helper()
	var n int
	if _, err := fmt.Sscan(c.Query("SELECT COUNT(DISTINCT id) FROM @t")[0], &n); err != nil {
		c.T.Fatal(err)
	}
	return n
}

// WantFeed compares the case's table with a feed of n ids: none missing, none invented, each with its value. It gives the
// number of rows beyond the first of each id.
func (c *Case) WantFeed(n int) (repeated int) {
	c.T.Helper()
	seen := make([]int, n)
	for _, row := range c.Query("SELECT id, v FROM @t") {
		id, v, _ := strings.Cut(row, "|")
		var i int
		if _, err := fmt.Sscan(id, &i); err != nil || i < 0 || i >= n || v != "row "+id {
			c.T.Errorf("a row that nobody sent: %s", row)
			continue
		}
		if seen[i]++; seen[i] > 1 {
			repeated++
		}
	}
	var missing []string
	for i, times := range seen {
		if times == 0 {
			missing = append(missing, fmt.Sprint(i))
		}
	}
	if len(missing) > 0 {
		c.T.Errorf("%d of %d rows are missing: %s", len(missing), n, strings.Join(missing[:min(len(missing), 20)], " "))
	}
	return repeated
}
