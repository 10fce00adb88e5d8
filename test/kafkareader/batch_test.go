package kafkareader

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/gx-etl/gx/plugins/kafka"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/sdktest"
)

func TestConformanceBatch(t *testing.T) {
	const n = 4000
	c := newCluster(t, 4)
	c.produce(4, 0, n)
	c.kgo.Close() // the suite looks for goroutines that are left over
	groups := 0
	sdktest.Reader(t, sdktest.ReaderCase{
		Plugin: kafka.Plugin("test"), Rows: n, Resumes: true,
		Fresh: func(*testing.T) string {
			groups++
			return fmt.Sprintf(`{"server":%q,"topic":%q,"groupId":"conformance-%s-%d","maxPollRecords":100}`, c.addr, c.topic, serial, groups)
		},
	})
}

// Whole messages, as a Kafka writer gets them.
func TestConformanceRaw(t *testing.T) {
	const n = 400
	c := newCluster(t, 4)
	c.produce(4, 0, n)
	c.kgo.Close()
	groups := 0
	sdktest.Reader(t, sdktest.ReaderCase{
		Plugin: kafka.Plugin("test"), Rows: n, Resumes: true, Peer: sdk.Peer{Plugin: "kafka-writer", WantsDestination: true},
		Fresh: func(*testing.T) string {
			groups++
			return fmt.Sprintf(`{"server":%q,"topic":%q,"messageFormat":"raw","groupId":"conformance-r-%s-%d","maxPollRecords":20}`, c.addr, c.topic, serial, groups)
		},
		Want: func(t *testing.T, rows []sdktest.Row) {
			for _, r := range rows {
				if v, _ := r.Get("__value__").([]byte); r.Get("__key__") != nil || len(v) == 0 || string(r.Get("__headers__").([]byte)) != "\x00" || r.Get("__partition__").(int64) > 3 {
					t.Fatalf("%s", r)
				}
			}
		},
	})
}

func TestConformanceStreaming(t *testing.T) {
	const n = 4000
	c := newCluster(t, 4)
	c.produce(4, 0, n)
	c.kgo.Close() // the suite looks for goroutines that are left over
	groups := 0
	sdktest.Reader(t, sdktest.ReaderCase{
		Plugin: kafka.Plugin("test"), Rows: n, Resumes: true, Streaming: true,
		Fresh: func(*testing.T) string {
			groups++
			return fmt.Sprintf(`{"server":%q,"topic":%q,"groupId":"conformance-s-%s-%d","maxPollRecords":100}`, c.addr, c.topic, serial, groups)
		},
	})
}

// readAll reads a batch over two lanes.
func readAll(t *testing.T, s *served) {
	t.Helper()
	var lanes [2][]*v1.Shard
	for i, sh := range s.shards {
		lanes[i%2] = append(lanes[i%2], sh)
	}
	var group sync.WaitGroup
	errs := make([]error, 2)
	for lane := range lanes {
		group.Go(func() { errs[lane] = s.read(t.Context(), lane, lanes[lane], s.got.add) })
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestBatchIsExactAndResumes(t *testing.T) {
	const n = 50_000
	c := newCluster(t, 4)
	c.produce(4, 0, n)
	group := "batch-" + serial
	s := c.serve(t, false, 2, group, "")
	// What comes after Open belongs to the next run.
	c.produce(4, n, 1000)
	readAll(t, s)
	if got := s.got.distinct(); got != n {
		t.Fatalf("%d values, want %d", got, n)
	}
	for v, times := range s.got.count {
		if times != 1 {
			t.Fatalf("%s came %d times", v, times)
		}
	}
	s.commit(s.got.take())
	s.close()
	want := map[string]int64{}
	for p := range 4 {
		want[fmt.Sprintf("%s/%d", c.topic, p)] = n / 4
	}
	if got := c.committed(group); !maps.Equal(got, want) {
		t.Fatalf("committed %v, want %v", got, want)
	}
	again := c.serve(t, false, 2, group, "")
	readAll(t, again)
	if got := again.got.distinct(); got != 1000 {
		t.Fatalf("%d values after a resume, want 1000", got)
	}
	again.commit(again.got.take())
	again.close()
	empty := c.serve(t, false, 2, group, "")
	if len(empty.shards) != 0 {
		t.Fatalf("shards of nothing: %v", empty.shards)
	}
	empty.close()
}

func TestBatchRanges(t *testing.T) {
	c := newCluster(t, 2)
	c.produce(2, 0, 200)
	for options, want := range map[string]int{
		`,"beginOffset":10,"endOffset":60`:                                    100,
		`,"beginType":"earliest","endOffset":{"0":30,"1":5}`:                  35,
		`,"beginOffset":"seekToEnd"`:                                          0,
		`,"beginOffset":"seekToBeginning","partition":1`:                      100,
		`,"beginOffset":{"0":90,"1":"seekToEnd"}`:                             10,
		`,"beginOffset":1000,"autoOffsetReset":"earliest"`:                    200,
		`,"beginOffset":1000,"autoOffsetReset":"latest"`:                      0,
		`,"beginTimestampMillis":0`:                                           200,
		`,"beginTimestampMillis":4102444800000`:                               0,
		`,"beginTimestampMillis":0,"endDateTime":"20200101000000"`:            0,
		`,"beginOffset":0,"endOffset":500,"stopWhenPollEmpty":1,"waitTime":1`: 200,
	} {
		t.Run(options, func(t *testing.T) {
			s := c.serve(t, false, 2, fmt.Sprintf("ranges-%s-%d", serial, len(options)), options)
			readAll(t, s)
			s.close()
			if got := s.got.distinct(); got != want {
				t.Errorf("%d values, want %d; notes %q", got, want, s.opened.Notes)
			}
		})
	}
}

func TestCancelledBatchStops(t *testing.T) {
	c := newCluster(t, 1)
	c.produce(1, 0, 10)
	s := c.serve(t, false, 1, "cancel-"+serial, `,"beginOffset":0,"endOffset":1000`) // waits for what nobody writes
	ctx, cancel := context.WithCancel(t.Context())
	seen := 0
	err := s.read(ctx, 0, s.shards, func(b batch) bool {
		if seen += len(b.values); seen == 10 {
			cancel()
		}
		return true
	})
	if err == nil || seen != 10 {
		t.Fatalf("%d values, %v", seen, err)
	}
	s.close()
}
