package kafka

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/sdk"
)

// commitAsMembers moves the group's offsets under the memberships that the records were read with. Partitions that
// those memberships no longer own come back as lost: their new owners read on from the offset that the group has.
func (r *Reader) commitAsMembers(ctx context.Context, positions []sdk.ShardPosition) (lost []string, err error) {
	requests := map[sarama.ConsumerGroupSession]*commitment{}
	r.mu.Lock()
	for _, p := range positions {
		at, err := parsePosition(p.Position)
		if err != nil {
			r.mu.Unlock()
			return nil, err
		}
		c := r.owned[p.Shard]
		if c == nil || c.ended || at.Session < c.since || at.Session > c.serial {
			lost = append(lost, p.Shard)
			continue
		}
		if c.has(at.Offset) {
			continue
		}
		q := requests[c.s]
		if q == nil {
			q = &commitment{q: sarama.NewOffsetCommitRequest(r.cluster.client.Config(), r.cluster.group), at: map[*claim]int64{}}
			q.q.ConsumerID, q.q.ConsumerGroupGeneration = c.s.MemberID(), c.s.GenerationID()
			if id := r.settings.link.instanceOf(c.m.lane, r.info.Lanes); id != "" {
				q.q.GroupInstanceId = &id
			}
			requests[c.s] = q
		}
		q.q.AddBlockWithLeaderEpoch(c.topic, c.partition, at.Offset, at.Epoch, 0, "")
		q.at[c] = at.Offset
	}
	r.mu.Unlock()
	for _, q := range requests {
		gone, err := r.send(ctx, q)
		if err != nil {
			return nil, err
		}
		lost = append(lost, gone...)
	}
	slices.Sort(lost)
	return lost, nil
}

// commitment is what goes to the coordinator under one membership.
type commitment struct {
	q  *sarama.OffsetCommitRequest
	at map[*claim]int64
}

// send sends one commit and reads the code of every partition: a fenced one is lost, not wrong.
func (r *Reader) send(ctx context.Context, q *commitment) (lost []string, err error) {
	err = r.cluster.coordinated(ctx, awayBudget, func(b *sarama.Broker) error {
		lost = nil
		answer, err := b.CommitOffset(q.q)
		if err != nil {
			return err
		}
		return firstError(answer, func(topic string, id int32, code sarama.KError) bool {
			fenced := isAny(code, sarama.ErrIllegalGeneration, sarama.ErrUnknownMemberId, sarama.ErrRebalanceInProgress, sarama.ErrFencedInstancedId)
			if fenced {
				lost = append(lost, shardName(topic, id))
			}
			return fenced
		})
	})
	if err != nil {
		return nil, faultOf(err, fmt.Sprintf("commit offsets of group %q", r.cluster.group))
	}
	for c, offset := range q.at {
		if !slices.Contains(lost, c.name) {
			c.committed(offset)
		}
	}
	return lost, nil
}

// watchTopics looks for new topics of a topicsRegex until Close. Reader.mu is held.
func (r *Reader) watchTopics() {
	if r.settings.regex == nil || r.watching != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	r.watching = func() { cancel(); <-done }
	go func() {
		defer close(done)
		tick := time.NewTicker(r.settings.refresh)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			// An error here is met by the members too, who know for how long.
			if topics, err := r.cluster.matching(r.settings.regex); err == nil {
				r.changeTopics(topics)
			}
		}
	}()
}

// changeTopics makes all members join anew when there are topics that they do not read.
func (r *Reader) changeTopics(topics []string) {
	r.mu.Lock()
	members := make([]*member, 0, len(r.members))
	changed := !slices.Equal(topics, r.topicsNow)
	if changed {
		r.topicsNow = topics
		for _, m := range r.members {
			members = append(members, m)
		}
	}
	r.mu.Unlock()
	for _, m := range members {
		m.mu.Lock()
		if m.rejoin != nil {
			m.rejoin()
		}
		m.mu.Unlock()
	}
}
