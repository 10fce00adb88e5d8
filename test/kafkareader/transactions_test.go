package kafkareader

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// transact writes n documents in a transaction of its own and ends it.
func (c *cluster) transact(id string, first, n int, end kgo.TransactionEndTry) {
	c.t.Helper()
	client := c.transactional(id)
	defer client.Close()
	c.begin(client, first, n)
	if err := client.EndTransaction(context.Background(), end); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) transactional(id string) *kgo.Client {
	c.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(c.addr, ",")...), kgo.TransactionalID(id+serial), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		c.t.Fatal(err)
	}
	return client
}

func (c *cluster) begin(client *kgo.Client, first, n int) {
	c.t.Helper()
	if err := client.BeginTransaction(); err != nil {
		c.t.Fatal(err)
	}
	for i := range n {
		r := &kgo.Record{Topic: c.topic, Value: fmt.Appendf(nil, `{"n":%d}`, first+i)}
		if err := client.ProduceSync(context.Background(), r).FirstErr(); err != nil {
			c.t.Fatal(err)
		}
	}
}

// Offsets that no reader ever sees lie everywhere: between records, and at the end, where they must not keep a bounded
// read from ending.
func TestBatchEndsBehindTransactions(t *testing.T) {
	c := newCluster(t, 1)
	c.transact("a", 0, 10, kgo.TryCommit)
	c.transact("b", 100, 10, kgo.TryAbort)
	c.transact("c", 10, 10, kgo.TryCommit)
	c.transact("d", 200, 5, kgo.TryAbort)

	committed := c.serve(t, false, 1, "tx-"+serial, "")
	end := committed.shards[0].Rows
	if end != 10+1+10+1+10+1+5+1 {
		t.Fatalf("the log ends at %d", end)
	}
	readAll(t, committed)
	if got := committed.got.distinct(); got != 20 {
		t.Errorf("%d values, want the 20 of committed transactions: %v", got, committed.got.count)
	}
	for n := range 20 {
		if committed.got.count[fmt.Sprintf(`{"n":%d}`, n)] != 1 {
			t.Errorf("%d came %d times", n, committed.got.count[fmt.Sprintf(`{"n":%d}`, n)])
		}
	}
	committed.commit(committed.got.take())
	committed.close()
	if at := c.committed("tx-" + serial)[c.topic+"/0"]; at != end {
		t.Errorf("the group is at %d, want %d", at, end)
	}

	all := c.serve(t, false, 1, "tx-u-"+serial, `,"kafkaConfig":{"isolation.level":"read_uncommitted"}`)
	readAll(t, all)
	all.close()
	if got := all.got.distinct(); got != 35 {
		t.Errorf("%d values without isolation, want 35", got)
	}
}

func TestBatchEndsBeforeAnOpenTransaction(t *testing.T) {
	c := newCluster(t, 1)
	c.transact("a", 0, 10, kgo.TryCommit)
	open := c.transactional("open")
	defer open.Close()
	c.begin(open, 100, 5)
	s := c.serve(t, false, 1, "open-"+serial, "")
	readAll(t, s)
	s.close()
	if got := s.got.distinct(); got != 10 {
		t.Errorf("%d values, want 10", got)
	}
	if err := open.EndTransaction(context.Background(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
}

func TestStreamingSkipsAbortedTransactions(t *testing.T) {
	c := newCluster(t, 1)
	r := c.run(t, 1, "tx-s-"+serial, "")
	c.transact("sa", 0, 10, kgo.TryCommit)
	c.transact("sb", 100, 10, kgo.TryAbort)
	c.transact("sc", 10, 10, kgo.TryCommit)
	r.got.wait(t, 20)
	r.stop(t, true)
	if got := r.got.distinct(); got != 20 {
		t.Errorf("%d values: %v", got, r.got.count)
	}
}

// A catch-up run gets to the very end, which is the mark of a transaction, and so does the group.
func TestCatchUpRunPassesTheMarksOfTransactions(t *testing.T) {
	c := newCluster(t, 1)
	c.transact("ca", 0, 10, kgo.TryCommit)
	c.transact("cb", 100, 10, kgo.TryAbort)
	group := "tx-c-" + serial
	r := c.run(t, 1, group, `,"stopWhenPollEmpty":true,"stopWhenReachEndOffset":true,"waitTime":1`)
	r.lanes.Wait()
	r.stop(t, true)
	if got, at := r.got.distinct(), c.committed(group)[c.topic+"/0"]; got != 10 || at != 22 {
		t.Errorf("%d values, committed at %d", got, at)
	}
}

// Records before the begin of the log, which retention removed, are gone; what then happens is the user's choice.
func TestRemovedRecords(t *testing.T) {
	c := newCluster(t, 1)
	c.produce(1, 0, 100)
	var to kadm.Offsets = kadm.Offsets{}
	to.AddOffset(c.topic, 0, 40, -1)
	if _, err := c.adm.DeleteRecords(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	s := c.serve(t, false, 1, "removed-"+serial, `,"beginOffset":0,"autoOffsetReset":"earliest"`)
	readAll(t, s)
	s.close()
	if got := s.got.distinct(); got != 60 {
		t.Errorf("%d values, want 60", got)
	}
}

func TestLateRecordsOfAFutureEnd(t *testing.T) {
	c := newCluster(t, 1)
	c.produce(1, 0, 10)
	s := c.serve(t, false, 1, "future-"+serial, `,"beginOffset":0,"endOffset":25`)
	go func() {
		time.Sleep(300 * time.Millisecond)
		c.produce(1, 10, 30)
	}()
	readAll(t, s)
	s.close()
	if got := s.got.distinct(); got != 25 {
		t.Errorf("%d values, want 25", got)
	}
	c2 := c.serve(t, false, 1, "future2-"+serial, `,"beginOffset":0,"endOffset":25,"skipExceedRecord":false`)
	readAll(t, c2)
	c2.close()
	if got := c2.got.distinct(); got < 25 || got > 40 {
		t.Errorf("%d values with those past the end", got)
	}
}
