package produce

import (
	"fmt"
	"slices"
	"testing"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/kafka/compose"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// topicsOf knows topics with n partitions, of which some are open.
func topicsOf(by Partitioner, n int, open ...int32) *Topics {
	return &Topics{Partitioner: by, BatchBytes: 200, Partitions: func(string) (all, now []int32, err error) {
		for i := range n {
			all = append(all, int32(i))
		}
		return all, open, nil
	}}
}

// message puts a message into a load's buffer; a nil key or value is NULL.
func message(l *Load, key, value []byte) compose.Message {
	add := func(b []byte) compose.Span {
		if b == nil {
			return compose.Null
		}
		from := len(l.Data)
		l.Data = append(l.Data, b...)
		return compose.Span{From: int32(from), To: int32(len(l.Data))}
	}
	return compose.Message{Key: add(key), Value: add(value), Time: compose.NoTime, Partition: compose.NoPartition}
}

// Whatever the records and the sizes, cutting a load loses nothing, keeps the order, and no run is larger than a batch may be
// unless it is one record.
func TestCutting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &Producer{o: Options{BatchBytes: rapid.IntRange(0, 300).Draw(t, "batch"), RequestBytes: rapid.IntRange(1, 400).Draw(t, "request")}}
		topics := topicsOf(Sticky, 1, 0)
		l := new(Load)
		n := rapid.IntRange(1, 50).Draw(t, "records")
		l.Batches = []Origin{{Sequence: 9, Rows: n, Shard: "s"}}
		for i := range n {
			value := make([]byte, rapid.IntRange(0, 500).Draw(t, "bytes"))
			if reason, err := l.Add(topics, "t", message(l, nil, value), 9, i); reason != "" || err != nil {
				t.Fatal(reason, err)
			}
		}
		var sent Sent
		lines := p.lines(l, &sent)
		var got []int32
		for _, ln := range lines {
			for i := len(ln.pending) - 1; i >= 0; i-- {
				run, size := ln.pending[i], 0
				for _, n := range run {
					size += l.records[n].Size(&l.Buffer)
				}
				if len(run) == 0 || len(run) > 1 && size > p.o.BatchBytes {
					t.Fatalf("a run of %d records and %d bytes", len(run), size)
				}
				got = append(got, run...)
			}
		}
		if !slices.IsSorted(got) || len(got)+len(sent.Dirty) != n {
			t.Fatalf("%v and %d dirty of %d", got, len(sent.Dirty), n)
		}
		for _, d := range sent.Dirty {
			if d.Sequence != 9 || d.Place != fmt.Sprintf("row %d of a batch of s", d.Row) || slices.Contains(got, int32(d.Row)) {
				t.Fatalf("%+v", d)
			}
		}
	})
}

// However a broker refuses records of a run, each of them is dirty and every other one is sent.
func TestPartingFindsWhatIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, topics := new(Load), topicsOf(Sticky, 1, 0)
		n := rapid.IntRange(1, 60).Draw(t, "records")
		for i := range n {
			if _, err := l.Add(topics, "t", message(l, nil, []byte{1}), 1, i); err != nil {
				t.Fatal(err)
			}
		}
		bad := rapid.SliceOfDistinct(rapid.Int32Range(0, int32(n-1)), func(i int32) int32 { return i }).Draw(t, "bad")
		names := rapid.Bool().Draw(t, "the broker names them")
		p := &Producer{o: Options{BatchBytes: 1 << 20, RequestBytes: 1 << 20}}
		var sent Sent
		pending := p.lines(l, &sent)[0].pending
		var landed []int32
		for len(pending) > 0 {
			run := pending[len(pending)-1]
			pending = pending[:len(pending)-1]
			block := &sarama.ProduceResponseBlock{Err: sarama.ErrInvalidRecord}
			wrong := 0
			for i, r := range run {
				if slices.Contains(bad, r) {
					if wrong++; names {
						block.RecordErrors = append(block.RecordErrors, sarama.ProduceResponseRecordError{BatchIndex: int32(i)})
					}
				}
			}
			if wrong == 0 {
				landed = append(landed, run...)
				continue
			}
			pending = p.part(l, pending, run, block, &sent)
		}
		if !slices.IsSorted(landed) || len(landed)+len(bad) != n || len(sent.Dirty) != len(bad) {
			t.Fatalf("%d landed, %d dirty, %d bad of %d", len(landed), len(sent.Dirty), len(bad), n)
		}
		for _, d := range sent.Dirty {
			if !slices.Contains(bad, int32(d.Row)) {
				t.Fatalf("row %d is dirty", d.Row)
			}
		}
	})
}

// A key has one partition whatever stands beside it, and records without one go to partitions that have a leader.
func TestPlaces(t *testing.T) {
	l, topics := new(Load), topicsOf(Hash, 5, 1, 3)
	for i := range 300 {
		if _, err := l.Add(topics, "t", message(l, nil, make([]byte, 50)), 1, i); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.slots[1].records) < 50 || len(l.slots[3].records) < 50 || len(l.slots[1].records)+len(l.slots[3].records) != 300 {
		t.Errorf("%d and %d", len(l.slots[1].records), len(l.slots[3].records))
	}
	l.Reset()
	if !l.Empty() || l.Size() != 0 || len(l.records) != 0 {
		t.Error("something is left")
	}
	if _, err := l.Add(topics, "t", message(l, []byte("foobar"), nil), 1, 0); err != nil {
		t.Fatal(err)
	}
	if at := PartitionOf([]byte("foobar"), 5); len(l.slots[at].records) != 1 {
		t.Errorf("not in partition %d", at)
	}
	if _, err := l.Add(topics, "another", message(l, []byte{}, nil), 1, 1); err != nil {
		t.Fatal(err)
	}
	if at := 5 + PartitionOf(nil, 5); len(l.slots[at].records) != 1 {
		t.Errorf("an empty key is a key, and has no place of its own")
	}
}

// Partitions that come while a job runs are used from the next load on.
func TestNewPartitions(t *testing.T) {
	n := 1
	topics := &Topics{Partitioner: RoundRobin, Partitions: func(string) (all, open []int32, err error) {
		for i := range n {
			all = append(all, int32(i))
		}
		return all, all, nil
	}}
	l := new(Load)
	for i := range 4 {
		if i == 2 {
			n = 2
			if err := topics.Renew(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.Add(topics, "t", message(l, nil, nil), 1, i); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.slots) != 2 || len(l.slots[1].records) != 1 {
		t.Errorf("%+v", l.slots)
	}
}

func TestSequencesBeginAgain(t *testing.T) {
	p := &Producer{}
	ln := &line{to: &partition{sequence: 1<<31 - 3}, pending: [][]int32{{0, 1, 2, 3}}}
	var sent Sent
	if _, _, err := p.settle(new(Load), ln, answer{block: &sarama.ProduceResponseBlock{}}, &sent); err != nil || ln.to.sequence != 1 {
		t.Errorf("%d, %v", ln.to.sequence, err)
	}
}

func TestAddingAllocatesNothing(t *testing.T) {
	l, topics := new(Load), topicsOf(Hash, 8, 0, 1, 2, 3, 4, 5, 6, 7)
	key, value := []byte("some key"), make([]byte, 200)
	fill := func() {
		l.Reset()
		for i := range 1000 {
			if _, err := l.Add(topics, "orders", message(l, key, value), 1, i); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill()
	if n := testing.AllocsPerRun(20, fill); n > 1 {
		t.Errorf("%v allocations for 1000 records", n)
	}
}
