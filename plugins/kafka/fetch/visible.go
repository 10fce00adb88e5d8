package fetch

import (
	"encoding/binary"
	"reflect"
	"slices"

	"github.com/IBM/sarama"
)

// contents is what a reader may see of the answer for one partition.
type contents struct {
	batches []*sarama.RecordBatch
	next    int64 // where to fetch next
	epoch   int32
	cut     bool // the first batch did not fit into the answer
}

// visible takes control records and, for readers of committed data, records of aborted transactions out of an answer
// that was asked for from the offset from. Positions move by the last offset of whole batches: what compaction or an
// abort took away leaves gaps that no record would ever fill.
func visible(block *sarama.FetchResponseBlock, from int64, committed bool) contents {
	c := contents{next: from, epoch: -1}
	aborted := slices.Clone(block.AbortedTransactions)
	slices.SortFunc(aborted, func(a, b *sarama.AbortedTransaction) int {
		switch {
		case a.FirstOffset < b.FirstOffset:
			return -1
		case a.FirstOffset > b.FirstOffset:
			return 1
		}
		return 0
	})
	dropping := map[int64]bool{} // producers inside an aborted transaction
	for _, records := range block.RecordsSet {
		batch := records.RecordBatch
		if batch == nil {
			if batch = fromMessageSet(records.MsgSet); batch == nil {
				c.cut = c.next == from
				break
			}
		}
		if batch.PartialTrailingRecord {
			c.cut = c.next == from
			break
		}
		last := batch.LastOffset()
		for len(aborted) > 0 && aborted[0].FirstOffset <= last {
			dropping[aborted[0].ProducerID] = true
			aborted = aborted[1:]
		}
		if batch.Control {
			if isAbort(batch) {
				delete(dropping, batch.ProducerID)
			}
		} else if last >= from && !(committed && batch.IsTransactional && dropping[batch.ProducerID]) {
			c.batches = append(c.batches, batch)
		}
		if last >= c.next {
			c.next, c.epoch = last+1, batch.PartitionLeaderEpoch
		}
	}
	if block.Partial {
		c.cut = true
	}
	if len(block.RecordsSet) == 0 && !block.Partial {
		if next, ok := behindEmptyBatches(block); ok && next > c.next {
			c.next = next
		}
	}
	return c
}

// behindEmptyBatches tells where an answer ends that held nothing but batches without records. Compaction leaves them
// behind to remember a producer's sequence, sarama drops them from RecordsSet, and only this unexported field tells that
// they were there; without it the same answer would come for ever. The field is read, never written.
func behindEmptyBatches(block *sarama.FetchResponseBlock) (int64, bool) {
	f := reflect.ValueOf(block).Elem().FieldByName("recordsNextOffset")
	if !f.IsValid() || f.Kind() != reflect.Pointer || f.IsNil() {
		return 0, false
	}
	return f.Elem().Int(), true
}

// isAbort reads the key of a control record: a version and a type, of which 0 is an abort.
func isAbort(batch *sarama.RecordBatch) bool {
	return len(batch.Records) > 0 && len(batch.Records[0].Key) >= 4 && binary.BigEndian.Uint16(batch.Records[0].Key[2:]) == 0
}

// fromMessageSet puts messages of the formats before Kafka 0.11 into a batch; nil when there is no whole one.
func fromMessageSet(set *sarama.MessageSet) *sarama.RecordBatch {
	if set == nil {
		return nil
	}
	batch := &sarama.RecordBatch{PartitionLeaderEpoch: -1, ProducerID: -1}
	for _, outer := range set.Messages {
		inner := outer.Messages()
		if len(inner) == 0 {
			continue
		}
		base := int64(0)
		if outer.Msg.Version >= 1 && outer.Msg.Set != nil {
			base = outer.Offset - inner[len(inner)-1].Offset // offsets inside a compressed message are relative
		}
		for _, m := range inner {
			offset, at := base+m.Offset, m.Msg.Timestamp
			if outer.Msg.LogAppendTime {
				at = outer.Msg.Timestamp
			}
			if len(batch.Records) == 0 {
				batch.FirstOffset, batch.FirstTimestamp = offset, at
			}
			batch.LastOffsetDelta = int32(offset - batch.FirstOffset)
			batch.Records = append(batch.Records, &sarama.Record{
				OffsetDelta: offset - batch.FirstOffset, TimestampDelta: at.Sub(batch.FirstTimestamp), Key: m.Msg.Key, Value: m.Msg.Value,
			})
		}
	}
	if len(batch.Records) == 0 {
		return nil
	}
	return batch
}
