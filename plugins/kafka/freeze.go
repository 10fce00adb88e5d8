package kafka

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gx-etl/gx/plugins/kafka/fetch"
	"github.com/gx-etl/gx/plugins/sdk"
)

// frozen is what the begins and ends of a bounded read came to.
type frozen struct {
	ranges []fetch.Range
	notes  []string
}

// bounds holds what the brokers say about partitions.
type bounds struct {
	oldest, newest, committed map[spot]int64
	times                     map[int64]map[spot]int64
}

// look asks the brokers for everything that the begins and ends of these partitions need.
func (c *cluster) look(ctx context.Context, s *settings, parts map[string][]int32) (*bounds, error) {
	spots := map[spot]int64{}
	millis := map[int64]bool{}
	for topic, ids := range parts {
		for _, id := range ids {
			spots[spot{topic, id}] = 0
			for _, p := range []point{s.begin.of(topic, id), s.end.of(topic, id)} {
				if p.kind == pointTime {
					millis[p.value] = true
				}
			}
		}
	}
	at := func(t int64) (map[spot]int64, error) {
		ask := make(map[spot]int64, len(spots))
		for sp := range spots {
			ask[sp] = t
		}
		return c.listOffsets(ctx, ask, !s.link.uncommitted)
	}
	b := &bounds{times: map[int64]map[spot]int64{}}
	var err error
	// The end is asked for last: what is written meanwhile belongs to the next run at the latest.
	if b.oldest, err = at(oldest); err != nil {
		return nil, err
	}
	for t := range millis {
		if b.times[t], err = at(t); err != nil {
			return nil, err
		}
	}
	if b.committed, err = c.committed(ctx, parts); err != nil {
		return nil, err
	}
	b.newest, err = at(newest)
	return b, err
}

// begin is the offset at which a partition begins. fallback tells that the group had none.
func (b *bounds) begin(s *settings, sp spot) (offset int64, fallback bool, err error) {
	p := s.begin.of(sp.topic, sp.partition)
	low, high := b.oldest[sp], b.newest[sp]
	switch p.kind {
	case pointEarliest:
		return low, false, nil
	case pointLatest:
		return high, false, nil
	case pointTime:
		if at := b.times[p.value][sp]; at >= 0 {
			return min(max(at, low), high), false, nil
		}
		return high, false, nil
	case pointCommitted:
		at, ok := b.committed[sp]
		if !ok {
			switch s.reset {
			case resetLatest:
				return high, true, nil
			case resetNone:
				return 0, true, sdk.Faultf(sdk.Config, "the group has no offset for %s, and autoOffsetReset is none", sp).At(orKey(s.begin.key, "autoOffsetReset")).
					Hint("autoOffsetReset: earliest, or another beginType")
			}
			return low, true, nil
		}
		offset, err = b.within(s, sp, at, "the group's offset")
		return offset, false, err
	}
	offset, err = b.within(s, sp, p.value, "beginOffset")
	return offset, false, err
}

func orKey(key, other string) string {
	if key == "" {
		return other
	}
	return key
}

// within returns the offset when the partition has it or is about to have it next, and what autoOffsetReset makes of it
// otherwise.
func (b *bounds) within(s *settings, sp spot, at int64, what string) (int64, error) {
	low, high := b.oldest[sp], b.newest[sp]
	if at >= low && at <= high {
		return at, nil
	}
	return resolveOutOfRange(s, sp, at, low, high, what)
}

func resolveOutOfRange(s *settings, sp spot, at, low, high int64, what string) (int64, error) {
	switch s.reset {
	case resetEarliest:
		return low, nil
	case resetLatest:
		return high, nil
	}
	key := orKey(s.begin.key, "autoOffsetReset")
	if at < low {
		return 0, sdk.Faultf(sdk.Refused, "%s: %s %d is gone, the oldest record there is now is %d", sp, what, at, low).At(key).
			Hint("%d records were removed unread; autoOffsetReset: earliest goes on with what is left", low-at)
	}
	return 0, sdk.Faultf(sdk.Refused, "%s: %s %d lies beyond the end of the partition, which is %d", sp, what, at, high).At(key).
		Hint("was the topic created anew? autoOffsetReset: earliest reads all of it")
}

// end is the offset before which a partition ends.
func (b *bounds) end(s *settings, sp spot) int64 {
	p := s.end.of(sp.topic, sp.partition)
	switch p.kind {
	case pointOffset:
		return p.value
	case pointTime:
		if at := b.times[p.value][sp]; at >= 0 {
			return at
		}
	}
	return b.newest[sp]
}

// freeze fixes the begin and the end of every partition: what comes later does not move them.
func (c *cluster) freeze(ctx context.Context, s *settings, parts map[string][]int32) (*frozen, error) {
	b, err := c.look(ctx, s, parts)
	if err != nil {
		return nil, err
	}
	f := &frozen{}
	var fresh, waits []string
	for _, topic := range sortedKeys(parts) {
		for _, id := range parts[topic] {
			sp := spot{topic, id}
			begin, fallback, err := b.begin(s, sp)
			if err != nil {
				return nil, err
			}
			if fallback {
				fresh = append(fresh, shardName(topic, id))
			}
			end := b.end(s, sp)
			if end > b.newest[sp] && end > begin {
				waits = append(waits, fmt.Sprintf("%s (at %d, ends before %d)", shardName(topic, id), b.newest[sp], end))
			}
			f.ranges = append(f.ranges, fetch.Range{Topic: topic, Partition: id, Begin: begin, End: max(begin, end)})
		}
	}
	if len(fresh) > 0 {
		from := "the earliest record"
		if s.reset == resetLatest {
			from = "the present end"
		}
		f.notes = append(f.notes, fmt.Sprintf("group %q has no offset yet for %s: begins at %s", c.group, few(fresh), from))
	}
	if len(waits) > 0 {
		f.notes = append(f.notes, "the end lies ahead of what is written: waits for "+few(waits))
	}
	if t := s.end.at; t.kind == pointTime && t.value > time.Now().UnixMilli() {
		f.notes = append(f.notes, s.end.key+" lies in the future: ends at the newest record of now")
	}
	return f, nil
}

func few(names []string) string {
	slices.Sort(names)
	if n := len(names); n > 6 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:6], ", "), n-6)
	}
	return strings.Join(names, ", ")
}
