package starrocks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"pgregory.net/rapid"
)

// rowsOf takes the rows out of a load as it arrived.
func rowsOf(l fakeLoad) (out []string) {
	if l.header.Get("format") == "json" {
		var docs []json.RawMessage
		if json.Unmarshal(l.body, &docs) == nil {
			for _, d := range docs {
				out = append(out, string(d))
			}
		}
		return out
	}
	for row := range strings.SplitSeq(strings.TrimSuffix(string(l.body), "\x02"), "\x02") {
		out = append(out, row)
	}
	return out
}

// However batches fall into loads: per table every good row arrives once and in order, every bad one is named, every batch
// is acked once, and no load exceeds its limits.
func TestEveryRowIsAccountedFor(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFakeCluster(rt)
		csv := rapid.Bool().Draw(rt, "csv")
		maxRows := rapid.IntRange(1, 40).Draw(rt, "maxBatchRows")
		maxBytes := rapid.IntRange(1, 1500).Draw(rt, "maxBatchSize")
		queue := rapid.IntRange(1, 3).Draw(rt, "flushQueueLength")
		mem := rapid.SampledFrom([]uint64{1, 4000, 40000, 64 << 20}).Draw(rt, "memory")
		s := newSession(rt)
		more := fmt.Sprintf(`"maxBatchRows":%d,"maxBatchSize":%d,"flushQueueLength":%d,"tablesAtOnce":%d`, maxRows, maxBytes, queue,
			rapid.IntRange(1, 4).Draw(rt, "tablesAtOnce"))
		if csv {
			more += `,"column":["id","city"],"loadProps":{"format":"csv"}`
		}
		s.mustOpen(params(f, more), mem)
		st := s.lane("0")

		want := map[string][]string{} // by table
		bad, total := 0, 0
		batches := rapid.IntRange(0, 12).Draw(rt, "batches")
		for seq := 1; seq <= batches; seq++ {
			destination := rapid.SampledFrom([]string{"", "", "u", "other.v"}).Draw(rt, "destination")
			table := map[string]string{"": "/api/d/t/", "u": "/api/d/u/", "other.v": "/api/other/v/"}[destination]
			n := rapid.IntRange(0, 60).Draw(rt, "rows")
			total += n
			texts := make([]string, n)
			for i := range texts {
				texts[i] = strings.Repeat("x", rapid.IntRange(0, 120).Draw(rt, "width"))
				spoilt := rapid.IntRange(0, 7).Draw(rt, "spoilt") == 0
				id := total + i
				switch {
				case csv && spoilt:
					texts[i] = "a\x01b"
					bad++
				case csv:
					want[table] = append(want[table], fmt.Sprintf("%d\x01%s", id, texts[i]))
				case spoilt:
					texts[i] = rapid.SampledFrom([]string{"", missing, "[]", "\xff"}).Draw(rt, "spoilt document")
					bad++
				default:
					texts[i] = fmt.Sprintf(`{"id":%d,"city":%q}`, id, texts[i])
					want[table] = append(want[table], texts[i])
				}
			}
			if csv {
				st.send(uint64(seq), destination, people(total, n, func(i int) string { return texts[i-total] }))
			} else {
				st.send(uint64(seq), destination, documents(texts...))
			}
		}
		a := st.mustFinish()

		for path, n := range f.crowds {
			if path != "" && n > 1 {
				rt.Fatalf("%d loads into %s at once", n, path)
			}
		}
		got := map[string][]string{}
		labels := map[string]bool{}
		var bodies, landed int
		for _, l := range f.seen() {
			table := strings.TrimSuffix(l.path, "_stream_load")
			r := rowsOf(l)
			got[table] = append(got[table], r...)
			landed += len(r)
			bodies += len(l.body)
			if labels[l.label] {
				rt.Fatalf("label %s was used twice", l.label)
			}
			labels[l.label] = true
			if len(r) > maxRows || (len(l.body) > maxBytes && len(r) > 1) {
				rt.Fatalf("a load of %d rows and %d bytes, limits %d and %d", len(r), len(l.body), maxRows, maxBytes)
			}
		}
		for _, table := range []string{"/api/d/t/", "/api/d/u/", "/api/other/v/"} {
			if strings.Join(got[table], "\n") != strings.Join(want[table], "\n") {
				rt.Fatalf("%s has\n%q\nwant\n%q", table, got[table], want[table])
			}
		}
		if int(a.Landed) != landed || len(a.Dirty) != bad || landed+bad != total {
			rt.Fatalf("%d landed, %d acked as landed, %d of %d dirty, %d sent", landed, a.Landed, len(a.Dirty), bad, total)
		}
		if int(a.Loads) != len(labels) || int(a.LoadBytes) != bodies {
			rt.Fatalf("acked %d loads of %d bytes, there were %d of %d", a.Loads, a.LoadBytes, len(labels), bodies)
		}
		reasons := uint64(0)
		for _, n := range a.FlushReasons {
			reasons += n
		}
		if reasons != a.Loads {
			rt.Fatalf("%d loads for reasons %v", a.Loads, a.FlushReasons)
		}
		for seq := 1; seq <= batches; seq++ {
			if st.done[uint64(seq)] != 1 {
				rt.Fatalf("batch %d was acked %d times", seq, st.done[uint64(seq)])
			}
		}
	})
}

func TestFlushReasons(t *testing.T) {
	doc := func(n int) string { return fmt.Sprintf(`{"id":%d,"pad":"%s"}`, n, strings.Repeat("x", 80)) }
	for why, more := range map[string]string{"rows": `"maxBatchRows":2`, "bytes": `"maxBatchSize":250`, "interval": `"flushInterval":1`, "memory": `"totalBufferBytes":500`} {
		t.Run(why, func(t *testing.T) {
			f := newFakeCluster(t)
			s := newSession(t)
			s.mustOpen(params(f, more), 64<<20)
			st := s.lane("0")
			for seq := range 3 {
				st.send(uint64(seq+1), "", documents(doc(2*seq), doc(2*seq+1)))
			}
			for why == "interval" && len(f.seen()) == 0 { // it must come by itself
				time.Sleep(time.Millisecond)
			}
			if a := st.mustFinish(); a.Landed != 6 || a.FlushReasons[why] == 0 {
				t.Errorf("%v", a)
			}
		})
	}
}

func TestFlushOnRequest(t *testing.T) {
	f := newFakeCluster(t)
	s := newSession(t)
	s.mustOpen(params(f, ""), 64<<20)
	st := s.lane("0")
	st.send(1, "", documents(`{"id":1}`))
	st.send(2, "u", documents(`{"id":2}`))
	if _, err := s.client.Flush(context.Background(), &v1.FlushRequest{Lane: 0, Sequence: 2}); err != nil {
		t.Fatal(err)
	}
	if n := len(f.seen()); n != 2 {
		t.Errorf("%d loads after the flush, want 2", n)
	}
	if a := st.mustFinish(); a.FlushReasons["flush"] != 2 || a.Loads != 2 {
		t.Errorf("%v", a)
	}
}

// While the target stands still the lane takes no more than its memory, and goes on when the target does.
func TestBackpressure(t *testing.T) {
	f := newFakeCluster(t)
	f.gate = make(chan struct{})
	s := newSession(t)
	const mem = 4 << 20
	s.mustOpen(params(f, `"maxBatchSize":2097152`), mem)
	st := s.lane("0")
	doc := `{"pad":"` + strings.Repeat("x", 1<<10) + `"}`
	docs := make([]string, 1000)
	for i := range docs {
		docs[i] = doc
	}
	batch := documents(docs...)
	const batches = 48
	sent := make(chan int, batches)
	go func() {
		defer close(sent)
		for seq := 1; seq <= batches; seq++ {
			st.send(uint64(seq), "", batch)
			sent <- seq
		}
	}()
	last, quiet := 0, time.NewTimer(time.Second)
	for stalled := false; !stalled; {
		select {
		case n, ok := <-sent:
			if !ok {
				t.Fatal("all batches went out while the target stood still")
			}
			last = n
			quiet.Reset(time.Second)
		case <-quiet.C:
			stalled = true
		}
	}
	// What is out is in the writer's memory, in the transport's windows and in the pipe of this test.
	if most := (mem+2*protocol.Window+(8<<20))>>20 + 2; last > most {
		t.Errorf("%d MiB are out, want at most %d", last, most)
	}
	close(f.gate)
	for range sent {
	}
	if a := st.mustFinish(); a.Landed != batches*1000 {
		t.Errorf("%d rows landed", a.Landed)
	}
}

func TestRefusedLoad(t *testing.T) {
	refuse := func(l fakeLoad) string {
		if !bytes.Contains(l.body, []byte("bad")) {
			return ""
		}
		return `{"Status":"Fail","Message":"too many filtered rows","NumberTotalRows":2,"NumberFilteredRows":1}`
	}
	t.Run("exit", func(t *testing.T) {
		f := newFakeCluster(t)
		f.answer = refuse
		s := newSession(t)
		s.mustOpen(params(f, `"maxBatchRows":2,"flushQueueLength":4`), 64<<20)
		st := s.lane("0")
		st.send(1, "", documents(`{"id":1}`, `{"id":2}`, `{"id":"bad"}`, `{"id":4}`, `{"id":5}`, `{"id":6}`))
		fault := protocol.AsFault(st.finish())
		if fault == nil || fault.Code != protocol.Data || fault.Place != "table" || !strings.Contains(fault.What, "job-r1-0-2") || !strings.Contains(fault.What, "too many filtered rows") {
			t.Fatalf("%+v", fault)
		}
		if n := len(f.seen()); n != 2 {
			t.Errorf("%d loads were sent, the one after the refused must not be", n)
		}
		if st.done[1] != 0 {
			t.Error("the batch was acked")
		}
	})
	for _, columns := range []bool{false, true} {
		t.Run(fmt.Sprintf("batchDirtyData, columns %v", columns), func(t *testing.T) {
			f := newFakeCluster(t)
			f.answer = refuse
			s := newSession(t)
			s.mustOpen(params(f, `"maxBatchRows":2,"strategyOnError":"batchDirtyData","column":["id","city"]`), 64<<20)
			st := s.lane("0")
			if columns {
				st.send(1, "", people(1, 3, func(i int) string { return []string{"", "a", "b", "bad"}[i] }))
				st.send(2, "", people(4, 2, func(int) string { return "c" }))
			} else {
				st.send(1, "", documents(`{"id":1}`, `{"id":2}`, `{"id":"bad"}`))
				st.send(2, "", documents(`{"id":4}`, `{"id":5}`))
			}
			a := st.mustFinish()
			want := []string{"1/2 {\"id\":\"bad\"}", "2/0 {\"id\":4}"}
			if columns {
				want = []string{"1/2 3\x01bad", "2/0 4\x01c"}
			}
			var got []string
			for _, d := range a.Dirty {
				got = append(got, fmt.Sprintf("%d/%d %s", d.Sequence, d.Row, d.Record))
				if d.Reason != "load job-r1-0-2 was refused: too many filtered rows" {
					t.Errorf("reason %s", d.Reason)
				}
			}
			if strings.Join(got, "|") != strings.Join(want, "|") || a.Landed != 3 || st.done[1] != 1 || st.done[2] != 1 {
				t.Errorf("dirty %q, landed %d, done %v", got, a.Landed, st.done)
			}
		})
	}
}

// A row that alone exceeds what the server takes is dirty, whatever strategyOnError says; a load of several rows says how to
// make it smaller.
func TestRowsBeyondTheLimitOfTheServer(t *testing.T) {
	tooLarge := func(l fakeLoad) string {
		if len(l.body) < 1000 {
			return ""
		}
		return fmt.Sprintf(`{"Status":"Fail","Message":"body size %d exceed limit: 1000, streaming_load_max_mb in be.conf."}`, len(l.body))
	}
	big := `{"pad":"` + strings.Repeat("x", 2000) + `"}`
	for _, strategy := range []string{"exit", "batchDirtyData", "rowDirtyData"} {
		f := newFakeCluster(t)
		f.answer = tooLarge
		s := newSession(t)
		s.mustOpen(params(f, `"maxBatchSize":500,"strategyOnError":"`+strategy+`"`), 64<<20)
		st := s.lane("0")
		st.send(1, "", documents(`{"id":1}`, big, `{"id":3}`))
		a := st.mustFinish()
		if a.Landed != 2 || len(a.Dirty) != 1 || a.Dirty[0].Row != 1 || !strings.Contains(a.Dirty[0].Reason, "exceed limit") || st.done[1] != 1 {
			t.Errorf("%s: %v", strategy, a)
		}
	}
	f := newFakeCluster(t)
	f.answer = tooLarge
	s := newSession(t)
	s.mustOpen(params(f, ""), 64<<20)
	st := s.lane("0")
	st.send(1, "", documents(`{"id":1}`, big, `{"id":3}`))
	if fault := protocol.AsFault(st.finish()); fault == nil || !strings.Contains(fault.Try, "maxBatchSize") {
		t.Errorf("%+v", fault)
	}
}

func TestFilteredRowsAreDirty(t *testing.T) {
	f := newFakeCluster(t)
	f.answer = func(l fakeLoad) string { return success(l.label, 1, 1, 1) }
	s := newSession(t)
	s.mustOpen(params(f, `"loadProps":{"max_filter_ratio":"0.5","where":"id > 1"}`), 64<<20)
	st := s.lane("0")
	st.send(1, "", documents(`{"id":1}`, `{"id":2}`, `{"id":3}`))
	a := st.mustFinish()
	if a.Landed != 1 || a.DirtyUnnamed != 1 || a.Filtered != 1 || a.DirtyReason != "load job-r1-0-1: StarRocks filtered 1 of 3 rows" {
		t.Errorf("%v", a)
	}
	if h := f.seen()[0].header; h.Get("max_filter_ratio") != "0.5" || h.Get("where") != "id > 1" {
		t.Errorf("%v", h)
	}
}

// Lanes share nothing that orders them, and their labels never meet.
func TestLanes(t *testing.T) {
	f := newFakeCluster(t)
	s := newSession(t)
	s.mustOpen(params(f, `"labelPrefix":"nightly","maxBatchRows":1`), 64<<20)
	var lanes []*stream
	for n := range 3 {
		lanes = append(lanes, s.lane(strconv.Itoa(n)))
	}
	for _, st := range lanes {
		st.send(1, "", documents(`{"id":1}`, `{"id":2}`))
	}
	for _, st := range lanes {
		if a := st.mustFinish(); a.Landed != 2 {
			t.Errorf("%v", a)
		}
	}
	labels := map[string]bool{}
	for _, l := range f.seen() {
		labels[l.label] = true
	}
	for _, want := range []string{"nightly-r1-0-1", "nightly-r1-0-2", "nightly-r1-2-2"} {
		if !labels[want] || len(labels) != 6 {
			t.Errorf("labels %v", labels)
		}
	}
}

func TestStoppedLane(t *testing.T) {
	f := newFakeCluster(t)
	f.gate = make(chan struct{})
	s := newSession(t)
	s.mustOpen(params(f, `"maxBatchRows":1,"maxRetries":-1`), 64<<20)
	ctx, cancel := context.WithCancel(context.Background())
	st := s.laneIn(ctx, "0")
	st.send(1, "", documents(`{"id":1}`, `{"id":2}`, `{"id":3}`, `{"id":4}`, `{"id":5}`))
	cancel()
	st.wg.Wait()
	if len(f.seen()) != 0 || st.done[1] != 0 {
		t.Errorf("%d loads, done %v", len(f.seen()), st.done)
	}
	close(f.gate)
}
