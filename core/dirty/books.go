package dirty

import (
	"fmt"
	"sync"

	"github.com/gx-etl/gx/core/engine"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

// books hold every record from Add until it is known to be in the target or to be refused by it.
type books struct {
	changed chan struct{} // something was acked, or the stream failed

	mu      sync.Mutex // guards the following; nothing waits under it
	open    map[uint64]*batch
	refused []engine.DirtyRecord // not passed on yet
	held    int64                // bytes of all records here
	failed  error                // why the stream has ended
	wrong   bool                 // failed is about what the writer says, not about what it left open
	settled uint64               // rows of acked batches
	counted uint64               // rows that the counts of the acks account for
	kept    uint64               // rows that are in the target
	turned  uint64               // records that it refused
}

// batch is a sent batch that is not acked.
type batch struct {
	records []engine.DirtyRecord
	gone    []bool // records that were refused by name
	bytes   int64
}

func (k *books) begin() {
	k.changed = make(chan struct{}, 1)
	k.open = map[uint64]*batch{}
}

// hold counts a record and gives the bytes of all that are held.
func (k *books) hold(n int64) int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held += n
	return k.held
}

func (k *books) sent(sequence uint64, records []engine.DirtyRecord) {
	b := &batch{records: records, gone: make([]bool, len(records))}
	for i := range records {
		b.bytes += int64(records[i].Size())
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open[sequence] = b
}

// acked enters an ack.
func (k *books) acked(a *v1.Ack) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer k.tell()
	err := k.enter(a)
	if err != nil && k.failed == nil {
		k.failed, k.wrong = err, true
	}
	return err
}

// enter is acked under k.mu. Rows that the target refused or left out without saying which may be any of the batches that the ack
// is about, so all of those count as refused: a record is rather kept twice than not at all.
func (k *books) enter(a *v1.Ack) error {
	for _, d := range a.Dirty {
		b := k.open[d.Sequence]
		if b == nil || int(d.Row) >= len(b.records) || b.gone[d.Row] {
			return protocol.Faultf(protocol.PluginFailed, "the writer of dirty records refuses row %d of batch %d, which it does not have", d.Row, d.Sequence)
		}
		b.gone[d.Row] = true
		k.refuse(b, int(d.Row), d.Reason)
	}
	unnamed := ""
	switch {
	case a.DirtyUnnamed > 0:
		unnamed = fmt.Sprintf("%d of its load were refused without saying which: %s", a.DirtyUnnamed, a.DirtyReason)
	case a.Filtered > 0:
		unnamed = fmt.Sprintf("%d of its load were left out by the target without saying which", a.Filtered)
	}
	if unnamed != "" && len(a.Done) == 0 {
		for _, b := range k.open {
			k.refuseRest(b, unnamed)
		}
	}
	for _, r := range a.Done {
		n := 0
		for sequence, b := range k.open { // few: what is held is bounded
			if sequence < r.First || sequence > r.Last {
				continue
			}
			if unnamed != "" {
				k.refuseRest(b, unnamed)
			}
			n++
			k.settled += uint64(len(b.records))
			k.held -= b.bytes
			delete(k.open, sequence)
		}
		if n == 0 || r.Last < r.First {
			return protocol.Faultf(protocol.PluginFailed, "the writer of dirty records acks batches %d to %d, which it does not have", r.First, r.Last)
		}
	}
	k.kept += a.Landed
	k.counted += a.Landed + a.Filtered + uint64(len(a.Dirty)) + a.DirtyUnnamed
	if len(k.open) == 0 && k.settled != k.counted {
		return protocol.Faultf(protocol.PluginFailed, "the writer of dirty records accounts for %d of the %d that it was given", k.counted, k.settled)
	}
	return nil
}

func (k *books) refuse(b *batch, row int, reason string) {
	r := b.records[row]
	r.Refused = reason
	if reason == "" {
		r.Refused = "no reason given"
	}
	k.refused = append(k.refused, r)
	n := int64(b.records[row].Size())
	b.bytes -= n // held until it is passed on, then as long as the refused one
	k.held += int64(r.Size()) - n
}

func (k *books) refuseRest(b *batch, reason string) {
	for i := range b.records {
		if !b.gone[i] {
			b.gone[i] = true
			k.refuse(b, i, reason)
		}
	}
}

// takeRefused hands over what is to be passed on.
func (k *books) takeRefused() []engine.DirtyRecord {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := k.refused
	k.refused = nil
	for i := range out {
		k.held -= int64(out[i].Size())
	}
	return out
}

// unacked is the number of batches that are not acked. A stream that has ended is an error only for what it left open: records
// that are safe stay so.
func (k *books) unacked() (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.open) == 0 && !k.wrong {
		return 0, nil
	}
	return len(k.open), k.failed
}

func (k *books) failure() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failed
}

// atEnd is an error while anything is open: a writer that leaves early must not look like success.
func (k *books) atEnd() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.open) > 0 {
		return protocol.Faultf(protocol.PluginFailed, "the writer of dirty records ended with %d batches unanswered", len(k.open))
	}
	return nil
}

func (k *books) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed == nil {
		k.failed = err
	}
	k.tell()
}

func (k *books) tell() {
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

func (k *books) countRefused() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.turned++
}

// Kept is the number of records that are in the target.
func (k *books) Kept() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return int64(k.kept)
}

// Turned is the number of records that went to the file instead.
func (k *books) Turned() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return int64(k.turned)
}
