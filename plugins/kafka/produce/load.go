package produce

import (
	"fmt"
	"math/rand/v2"

	"github.com/gx-etl/gx/plugins/kafka/compose"
	"github.com/gx-etl/gx/plugins/sdk"
)

// Partitioner says how a record finds its partition.
type Partitioner uint8

// The partitioners. Hash takes the key's hash as Java does, and for records without a key a partition that changes from
// time to time, which Sticky does for all of them; Manual takes the partition that the record names.
const (
	Hash Partitioner = iota
	RoundRobin
	Sticky
	Random
	Manual
)

// record is a message with where it came from.
type record struct {
	compose.Message
	sequence uint64 // of the batch …
	row      int32  // … and the row in it
}

// Load is what is sent in one go. It is made by one goroutine and then sent by another one.
type Load struct {
	compose.Buffer
	records []record
	slots   []slot // by partition.slot
	size    int

	Batches []Origin
	Dirty   []sdk.Dirty // of rows that found no place in it
	Why     string      // it is sent now
}

// slot is what a load holds for one partition.
type slot struct {
	to      *partition
	records []int32 // indices, in their order
}

// Origin is a batch whose rows are in a load.
type Origin struct {
	Sequence uint64
	Rows     int
	Shard    string
}

// Reset empties the load and keeps its memory.
func (l *Load) Reset() {
	l.Buffer.Reset()
	l.records, l.Batches, l.Dirty, l.Why, l.size = l.records[:0], l.Batches[:0], nil, "", 0
	for i := range l.slots {
		l.slots[i].records = l.slots[i].records[:0]
	}
}

// Size is about what the load takes on the wire before compression, in bytes.
func (l *Load) Size() int { return l.size }

// Empty tells whether the load holds no batch.
func (l *Load) Empty() bool { return len(l.Batches) == 0 }

// Topics knows the partitions that records of one lane may go to. One goroutine asks it.
type Topics struct {
	// Partitions tells all partitions of a topic and those that have a leader now; the error is a fault.
	Partitions  func(topic string) (all, open []int32, err error)
	Partitioner Partitioner
	// BatchBytes is after how many bytes records without a key go to another partition.
	BatchBytes int

	byName map[string]*topic
	last   *topic
	slots  int
}

// topic is one of them.
type topic struct {
	name       string
	open       []int32
	partitions []*partition // by number
	turn       int          // of RoundRobin
	sticky     int32
	stuck      int // bytes that went to sticky
}

// partition is where records go.
type partition struct {
	topic string
	id    int32
	slot  int // in loads

	// The following belong to whoever sends.
	sequence int32 // of the next record …
	under    int   // … under this id of the producer, by Producer.ids
}

// Renew looks at the topics anew: partitions may have come. It is called when a load begins.
func (t *Topics) Renew() error {
	for _, known := range t.byName {
		if err := t.renew(known); err != nil {
			return err
		}
	}
	return nil
}

func (t *Topics) renew(p *topic) error {
	all, open, err := t.Partitions(p.name)
	if err != nil {
		return err
	}
	if p.open = open; len(open) == 0 {
		p.open = all // all of them are without a leader: they may have one by the time of sending
	}
	for len(p.partitions) < len(all) {
		p.partitions = append(p.partitions, &partition{topic: p.name, id: int32(len(p.partitions)), slot: t.slots})
		t.slots++
	}
	p.move()
	return nil
}

// move sends records without a key to another partition.
func (p *topic) move() {
	p.stuck = 0
	next := p.open[rand.IntN(len(p.open))]
	if next == p.sticky && len(p.open) > 1 {
		next = p.open[rand.IntN(len(p.open))]
	}
	p.sticky = next
}

func (t *Topics) of(name string) (*topic, error) {
	if t.last != nil && t.last.name == name {
		return t.last, nil
	}
	p := t.byName[name]
	if p == nil {
		p = &topic{name: name}
		if err := t.renew(p); err != nil {
			return nil, err
		}
		if t.byName == nil {
			t.byName = map[string]*topic{}
		}
		t.byName[name] = p
	}
	t.last = p
	return p, nil
}

// Add gives a message its place. A reason says why it has none; the error is a fault.
func (l *Load) Add(t *Topics, name string, m compose.Message, sequence uint64, row int) (reason string, err error) {
	p, err := t.of(name)
	if err != nil {
		return "", err
	}
	size := m.Size(&l.Buffer)
	id := p.sticky
	switch by := t.Partitioner; {
	case by == Manual && m.Partition != compose.NoPartition:
		if id = m.Partition; int(id) >= len(p.partitions) {
			return fmt.Sprintf("names partition %d, and topic %s has %d", id, name, len(p.partitions)), nil
		}
	case by == RoundRobin:
		id = p.open[p.turn%len(p.open)]
		p.turn++
	case by == Random:
		id = p.open[rand.IntN(len(p.open))]
	case by != Sticky && !m.Key.IsNull():
		id = PartitionOf(m.Key.In(l.Data), len(p.partitions))
	default:
		if p.stuck += size; p.stuck > t.BatchBytes {
			p.move()
		}
	}
	to := p.partitions[id]
	for len(l.slots) <= to.slot {
		l.slots = append(l.slots, slot{})
	}
	l.slots[to.slot].to = to
	l.slots[to.slot].records = append(l.slots[to.slot].records, int32(len(l.records)))
	l.records = append(l.records, record{Message: m, sequence: sequence, row: int32(row)})
	l.size += size
	return "", nil
}
