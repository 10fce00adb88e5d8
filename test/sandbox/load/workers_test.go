package load

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// With one thread, a request waits for the publishing of another, and not for the
// body of one.
func TestRequestsWaitForAWorker(t *testing.T) {
	b := start(t, func(o *Options) { o.Limits.HTTPWorkers, o.Limits.PublishDelay = 1, 300*time.Millisecond })
	finish := b.running("open")
	done := make(chan *reply, 1)
	var sender sync.WaitGroup
	sender.Go(func() { done <- b.load("t", "1\ta\t5\n", "label: slow") })
	b.until("the commit", func() bool { return b.LoadsOf("slow") == "COMMITTED" })
	if r := b.must("GET", b.BEAddr(), "/api/health", nil, nil); r.status != 200 {
		t.Error(r)
	}
	if got := b.LoadsOf("slow"); got != "VISIBLE" {
		t.Errorf("answered while the only thread waits: the load is %s", got)
	}
	sender.Wait()
	b.want(<-done, "Success", "")
	if err := b.SetConfig("be_http_num_workers", "5"); err != nil {
		t.Fatal(err)
	}
	b.want(finish("2\ta\t5\n"), "Success", "")
	// What waits for a thread of a BE that stops is cut.
	if err := b.SetConfig("be_http_num_workers", "1"); err != nil {
		t.Fatal(err)
	}
	l := b.backends[0].life.Load()
	if !l.workers.take(context.Background(), 1) {
		t.Fatal("no thread")
	}
	sender.Go(func() {
		if r, err := b.send("POST", b.BEAddr(), "/api/update_config", nil, nil); err == nil {
			t.Errorf("answered: %s", r.body)
		}
	})
	b.until("the queue", func() bool { return l.workers.queued() == 1 })
	b.restart(0)
	sender.Wait()
	if n := l.workers.queued(); n != 0 {
		t.Errorf("%d still wait", n)
	}
}

func (w *workers) queued() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting)
}

func TestWorkersAreCounted(t *testing.T) {
	var w workers
	var now, most atomic.Int32
	var users sync.WaitGroup
	for i := range 50 {
		users.Go(func() {
			ctx := context.Background()
			if i%3 == 0 {
				var stop context.CancelFunc
				ctx, stop = context.WithTimeout(ctx, time.Duration(i)*20*time.Microsecond)
				defer stop()
			}
			if !w.take(ctx, 3) {
				return
			}
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(50 * time.Microsecond)
			now.Add(-1)
			w.give(3)
		})
	}
	users.Wait()
	if w.busy != 0 || w.queued() != 0 || most.Load() > 3 {
		t.Errorf("%d busy, %d waiting, %d at once", w.busy, w.queued(), most.Load())
	}
}

// The FE reads no more of a request than its HTTP decoder takes; a BE has no limit.
func TestLongRequests(t *testing.T) {
	b := start(t)
	columns := "columns: k,v,n," + strings.TrimSuffix(strings.Repeat("a_name_of_a_column,", 1800), ",")
	r := b.must("PUT", b.FEAddr(), loadPath, h{"Expect: 100-continue", columns}, nil)
	if r.status != 400 || r.body != "Bad Request. <br/> HTTP header is larger than 32768 bytes." || r.header.Get("Content-Type") != "text/html" {
		t.Errorf("HTTP %d: %s", r.status, r.body)
	}
	b.want(b.load("t", "1\ta\t5\n", columns), "Fail", "Duplicate column: a_name_of_a_column")
	r = b.must("GET", b.FEAddr(), "/api/d/get_load_state?label="+strings.Repeat("x", 4096), nil, nil)
	if r.status != 400 || !strings.Contains(r.body, "An HTTP line is larger than 4096 bytes.") {
		t.Errorf("HTTP %d: %s", r.status, r.body)
	}
	if err := b.SetConfig("http_max_header_size", "65536"); err != nil {
		t.Fatal(err)
	}
	if r := b.must("PUT", b.FEAddr(), loadPath, h{"Expect: 100-continue", columns}, nil); r.status != 307 {
		t.Errorf("HTTP %d: %s", r.status, r.body)
	}
}
