package fetch

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"pgregory.net/rapid"
)

// log is a partition as a broker would keep it, with what a reader should see.
type log struct {
	batches []*sarama.RecordBatch
	aborted []*sarama.AbortedTransaction
	all     []int64 // offsets of data records
	good    []int64 // of those, the ones that a reader of committed data sees
}

func (l *log) end() int64 {
	if len(l.batches) == 0 {
		return 0
	}
	return l.batches[len(l.batches)-1].LastOffset() + 1
}

// data appends a batch with records at the given deltas; it is span offsets long.
func (l *log) data(producer int64, transactional bool, span int32, deltas ...int64) {
	b := &sarama.RecordBatch{Version: 2, FirstOffset: l.end(), LastOffsetDelta: span - 1, ProducerID: producer, IsTransactional: transactional,
		PartitionLeaderEpoch: 3, FirstTimestamp: time.UnixMilli(1000), MaxTimestamp: time.UnixMilli(1000)}
	for _, d := range deltas {
		b.Records = append(b.Records, &sarama.Record{OffsetDelta: d, Value: fmt.Appendf(nil, `{"n":%d}`, b.FirstOffset+d)})
	}
	l.batches = append(l.batches, b)
}

func (l *log) marker(producer int64, abort bool) {
	key := []byte{0, 0, 0, 1}
	if abort {
		key[3] = 0
	}
	l.batches = append(l.batches, &sarama.RecordBatch{Version: 2, FirstOffset: l.end(), ProducerID: producer, IsTransactional: true, Control: true,
		PartitionLeaderEpoch: 3, Records: []*sarama.Record{{Key: key, Value: []byte{0, 0, 0, 0, 0, 0}}}})
}

// answer is what a broker sends from an offset on: at most so many whole batches, beginning with the one that holds it.
func (l *log) answer(from int64, most int) *sarama.FetchResponseBlock {
	block := &sarama.FetchResponseBlock{HighWaterMarkOffset: l.end(), LastStableOffset: l.end(), PreferredReadReplica: -1}
	for _, b := range l.batches {
		if b.LastOffset() < from || most == 0 {
			continue
		}
		most--
		block.RecordsSet = append(block.RecordsSet, &sarama.Records{RecordBatch: b})
		for _, a := range l.aborted {
			// A broker names the aborted transactions that overlap what it sends.
			if a.FirstOffset <= b.LastOffset() && !slices.Contains(block.AbortedTransactions, a) && l.abortOf(a) >= from {
				block.AbortedTransactions = append(block.AbortedTransactions, a)
			}
		}
	}
	slices.Reverse(block.AbortedTransactions) // their order is not promised
	return block
}

func (l *log) abortOf(a *sarama.AbortedTransaction) int64 {
	for _, b := range l.batches {
		if b.Control && b.ProducerID == a.ProducerID && b.FirstOffset > a.FirstOffset {
			return b.FirstOffset
		}
	}
	return -1
}

func anyLog(t *rapid.T) *log {
	l := &log{}
	open := map[int64][]int64{} // producer → data offsets of its transaction
	first := map[int64]int64{}
	for range rapid.IntRange(1, 25).Draw(t, "steps") {
		producer := int64(rapid.IntRange(1, 3).Draw(t, "producer"))
		_, within := open[producer]
		switch step := rapid.IntRange(0, 3).Draw(t, "step"); {
		case step == 0 && within:
			abort := rapid.Bool().Draw(t, "abort")
			if abort {
				l.aborted = append(l.aborted, &sarama.AbortedTransaction{ProducerID: producer, FirstOffset: first[producer]})
			} else {
				l.good = append(l.good, open[producer]...)
			}
			delete(open, producer)
			l.marker(producer, abort)
		default:
			// Compaction takes records out of batches, which keep their length.
			span := rapid.Int32Range(1, 6).Draw(t, "span")
			var deltas []int64
			for d := range int64(span) {
				if rapid.Bool().Draw(t, "kept") {
					deltas = append(deltas, d)
				}
			}
			if len(deltas) == 0 {
				deltas = []int64{0} // batches without any record never reach RecordsSet
			}
			transactional := within || step > 1
			at := l.end()
			l.data(producer, transactional, span, deltas...)
			for _, d := range deltas {
				l.all = append(l.all, at+d)
			}
			switch {
			case !transactional:
				for _, d := range deltas {
					l.good = append(l.good, at+d)
				}
			default:
				if !within {
					first[producer] = at
				}
				for _, d := range deltas {
					open[producer] = append(open[producer], at+d)
				}
			}
		}
	}
	for producer, offsets := range open { // a reader of committed data would not get this far
		l.good = append(l.good, offsets...)
		l.marker(producer, false)
	}
	slices.Sort(l.good)
	return l
}

func TestVisibleFiltersExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := anyLog(t)
		committed := rapid.Bool().Draw(t, "committed")
		want := l.all
		if committed {
			want = l.good
		}
		from := rapid.Int64Range(0, l.end()).Draw(t, "from")
		want = slices.DeleteFunc(slices.Clone(want), func(o int64) bool { return o < from })
		var got []int64
		for at := from; at < l.end(); {
			c := visible(l.answer(at, rapid.IntRange(1, 4).Draw(t, "batches")), at, committed)
			if c.next <= at || c.cut || c.epoch != 3 {
				t.Fatalf("no way on from %d: %+v", at, c)
			}
			for _, b := range c.batches {
				for _, r := range b.Records {
					if o := b.FirstOffset + r.OffsetDelta; o >= at && o < c.next {
						got = append(got, o)
					}
				}
			}
			at = c.next
		}
		if !slices.Equal(got, want) {
			t.Fatalf("from %d, committed %v: got %v, want %v", from, committed, got, want)
		}
	})
}

func TestVisibleOfACutAnswer(t *testing.T) {
	cut := &sarama.FetchResponseBlock{RecordsSet: []*sarama.Records{{RecordBatch: &sarama.RecordBatch{Version: 2, FirstOffset: 5, LastOffsetDelta: 9, PartialTrailingRecord: true}}}}
	if c := visible(cut, 5, true); !c.cut || c.next != 5 || len(c.batches) != 0 {
		t.Errorf("%+v", c)
	}
	if c := visible(&sarama.FetchResponseBlock{Partial: true}, 5, true); !c.cut || c.next != 5 {
		t.Errorf("%+v", c)
	}
	if c := visible(&sarama.FetchResponseBlock{}, 5, true); c.cut || c.next != 5 {
		t.Errorf("%+v", c)
	}
}

func TestVisibleOfOldMessages(t *testing.T) {
	at := time.UnixMilli(1_500_000_000_000)
	message := func(offset int64, value string) *sarama.MessageBlock {
		return &sarama.MessageBlock{Offset: offset, Msg: &sarama.Message{Version: 1, Value: []byte(value), Timestamp: at}}
	}
	wrapper := &sarama.MessageBlock{Offset: 12, Msg: &sarama.Message{Version: 1, Codec: sarama.CompressionGZIP, Timestamp: at,
		Set: &sarama.MessageSet{Messages: []*sarama.MessageBlock{message(0, "c"), message(1, "d"), message(2, "e")}}}}
	block := &sarama.FetchResponseBlock{RecordsSet: []*sarama.Records{{MsgSet: &sarama.MessageSet{Messages: []*sarama.MessageBlock{message(7, "a"), message(9, "b"), wrapper}}}}}
	c := visible(block, 7, false)
	var got []string
	for _, b := range c.batches {
		for _, r := range b.Records {
			got = append(got, fmt.Sprintf("%d=%s@%d", b.FirstOffset+r.OffsetDelta, r.Value, b.FirstTimestamp.Add(r.TimestampDelta).UnixMilli()))
		}
	}
	want := []string{"7=a@1500000000000", "9=b@1500000000000", "10=c@1500000000000", "11=d@1500000000000", "12=e@1500000000000"}
	if !slices.Equal(got, want) || c.next != 13 {
		t.Errorf("%v, next %d", got, c.next)
	}
}
