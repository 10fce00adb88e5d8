package kafkareader

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// running is a streaming reader whose lanes read in the background.
type running struct {
	*served
	cancel context.CancelFunc
	lanes  sync.WaitGroup
	mu     sync.Mutex // guards errs
	errs   []error
}

func (c *cluster) run(t *testing.T, lanes int, group, options string) *running {
	t.Helper()
	r := &running{served: c.serve(t, true, lanes, group, options)}
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(context.Background())
	t.Cleanup(r.cancel)
	for lane := range lanes {
		r.lanes.Go(func() {
			if err := r.read(ctx, lane, r.shards[lane:lane+1], r.got.add); err != nil && ctx.Err() == nil {
				r.mu.Lock()
				r.errs = append(r.errs, err)
				t.Errorf("lane %d: %v", lane, err)
				r.mu.Unlock()
			}
		})
	}
	return r
}

// stop ends the lanes, commits what came, and leaves.
func (r *running) stop(t *testing.T, commit bool) {
	t.Helper()
	r.cancel()
	r.lanes.Wait()
	if commit {
		if lost := r.commit(r.got.take()); len(lost) > 0 {
			t.Errorf("lost %v at the end", lost)
		}
	}
	r.close()
	for _, err := range r.errs {
		t.Error(err)
	}
}

func TestStreamingRestartsWithoutLossOrRepetition(t *testing.T) {
	c := newCluster(t, 4)
	group := "restart-" + serial
	seen := map[string]int{}
	const rounds, each = 3, 2000
	for round := range rounds {
		c.produce(4, round*each, each)
		r := c.run(t, 2, group, "")
		r.got.wait(t, each)
		r.stop(t, true)
		for v, n := range r.got.count {
			seen[v] += n
		}
	}
	if len(seen) != rounds*each {
		t.Fatalf("%d values, want %d", len(seen), rounds*each)
	}
	for v, n := range seen {
		if n != 1 {
			t.Fatalf("%s came %d times", v, n)
		}
	}
}

func TestStreamingWithoutCommitReadsAgain(t *testing.T) {
	c := newCluster(t, 2)
	group := "again-" + serial
	c.produce(2, 0, 500)
	for range 2 {
		r := c.run(t, 1, group, "")
		r.got.wait(t, 500)
		r.stop(t, false)
	}
}

// A second process joins while the first one reads, and leaves again: partitions move, nothing is lost, and what is
// committed is not read again.
func TestRebalanceLosesNothing(t *testing.T) {
	const partitions = 4
	c := newCluster(t, partitions)
	group := "rebalance-" + serial
	stopFeeding := make(chan struct{})
	fed := 0
	var feeder sync.WaitGroup
	feeder.Go(func() {
		for {
			select {
			case <-stopFeeding:
				return
			case <-time.After(20 * time.Millisecond):
				c.produce(partitions, fed, 500)
				fed += 500
			}
		}
	})
	stopCommitting := make(chan struct{})
	var committer sync.WaitGroup
	commitAll := func(r *running) {
		for {
			select {
			case <-stopCommitting:
				return
			case <-time.After(50 * time.Millisecond):
				r.commit(r.got.take())
			}
		}
	}
	first := c.run(t, 2, group, "")
	committer.Go(func() { commitAll(first) })
	first.got.wait(t, 3000)
	second := c.run(t, 1, group, "")
	committer.Go(func() { commitAll(second) })
	second.got.wait(t, 3000)
	third := c.run(t, 1, group, "")
	third.got.wait(t, 1000)
	third.stop(t, true) // its partitions go back to the others
	close(stopFeeding)
	feeder.Wait()

	readers := []*running{first, second, third}
	all := func() (distinct, total int) {
		sum := map[string]int{}
		for _, r := range readers {
			r.got.mu.Lock()
			for v, k := range r.got.count {
				sum[v] += k
				total += k
			}
			r.got.mu.Unlock()
		}
		return len(sum), total
	}
	deadline := time.Now().Add(60 * time.Second)
	for {
		distinct, total := all()
		if distinct == fed {
			t.Logf("%d values, %d of them again", fed, total-fed)
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d values came", distinct, fed)
		}
		time.Sleep(20 * time.Millisecond)
	}
	close(stopCommitting)
	committer.Wait()
	second.stop(t, true)
	first.stop(t, true)
	for shard, at := range c.committed(group) {
		if at != int64(fed/partitions) {
			t.Errorf("%s committed at %d, want %d", shard, at, fed/partitions)
		}
	}
}

func TestCatchUpRunEnds(t *testing.T) {
	c := newCluster(t, 2)
	c.produce(2, 0, 1000)
	r := c.run(t, 2, "catchup-"+serial, `,"stopWhenPollEmpty":true,"stopWhenReachEndOffset":true,"waitTime":1`)
	r.lanes.Wait() // by itself
	if got := r.got.distinct(); got != 1000 {
		t.Errorf("%d values", got)
	}
	r.stop(t, true)
	for shard, at := range c.committed("catchup-" + serial) {
		if at != 500 {
			t.Errorf("%s committed at %d", shard, at)
		}
	}
}

func TestNewTopicOfARegexJoins(t *testing.T) {
	c := newCluster(t, 1)
	c.produce(1, 0, 100)
	prefix := c.topic
	topic := c.topic
	c.topic = prefix + ".*"
	s := c.serveRegex(t, "regex-"+serial)
	c.topic = topic
	s.got.wait(t, 100)
	s.commit(s.got.take())
	c.topic = prefix + "-late"
	if _, err := c.adm.CreateTopic(t.Context(), 1, 1, nil, c.topic); err != nil {
		t.Fatal(err)
	}
	c.produce(1, 100, 100)
	s.got.wait(t, 200)
	s.stop(t, true)
}

// Partitions that come while the job runs are read from their beginning, also when the job began at the end of the topic.
func TestNewPartitionsAreRead(t *testing.T) {
	for _, reset := range []string{"earliest", "latest"} {
		t.Run(reset, func(t *testing.T) {
			c := newCluster(t, 1)
			group := "grow-" + reset + "-" + serial
			r := c.run(t, 1, group, `,"metadataRefreshMs":200,"autoOffsetReset":"`+reset+`"`)
			r.begun(t)
			c.produce(1, 0, 100)
			r.got.wait(t, 100)
			r.commit(r.got.take())
			if _, err := c.adm.UpdatePartitions(t.Context(), 3, c.topic); err != nil {
				t.Fatal(err)
			}
			old := c.kgo // it knows of one partition only
			var err error
			if c.kgo, err = kgo.NewClient(old.Opts()...); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.kgo.Close)
			for topics := (kadm.TopicDetails{}); len(topics[c.topic].Partitions) < 3; {
				if topics, err = c.adm.ListTopics(t.Context(), c.topic); err != nil {
					t.Fatal(err)
				}
			}
			c.produce(3, 100, 300)
			for give := time.After(60 * time.Second); r.got.distinct() < 400; {
				r.commit(r.got.take()) // as a job does: a rebalance waits for what is on its way
				select {
				case <-r.got.changed:
				case <-time.After(50 * time.Millisecond):
				case <-give:
					t.Fatalf("%d of 400 values came", r.got.distinct())
				}
			}
			r.stop(t, true)
			for shard, at := range c.committed(group) {
				want := int64(100)
				if shard == c.topic+"/0" {
					want = 200
				}
				if at != want {
					t.Errorf("%s committed at %d, want %d", shard, at, want)
				}
			}
		})
	}
}

// begun waits until the reader has said where its first partition begins.
func (r *running) begun(t *testing.T) {
	t.Helper()
	give := time.After(60 * time.Second)
	for {
		r.got.mu.Lock()
		n := len(r.got.positions)
		r.got.mu.Unlock()
		if n > 0 {
			return
		}
		select {
		case <-r.got.changed:
		case <-give:
			t.Fatal("no partition came")
		}
	}
}

func (c *cluster) serveRegex(t *testing.T, group string) *running {
	t.Helper()
	real := c.topic
	c.topic = ""
	defer func() { c.topic = real }()
	r := c.run(t, 1, group, fmt.Sprintf(`,"topicsRegex":%q,"metadataRefreshMs":200`, real))
	return r
}
