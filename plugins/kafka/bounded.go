package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/kafka/fetch"
	"github.com/gx-etl/gx/plugins/sdk"
)

// awayBudget is how long brokers may be away while a job runs, before it fails.
const awayBudget = 60 * time.Second

// sender is sdk.Out.
type sender interface{ Send(sdk.Outgoing) error }

// readBounded reads the shards of one lane to their ends.
func (r *Reader) readBounded(ctx context.Context, shards []sdk.Shard, out sender) error {
	ranges := make([]fetch.Range, len(shards))
	for i, s := range shards {
		var d descriptor
		if err := json.Unmarshal(s.Descriptor, &d); err != nil || shardName(d.Topic, d.Partition) != s.Name {
			return fmt.Errorf("shard %q has a descriptor that is not its own: %.100q", s.Name, s.Descriptor)
		}
		ranges[i] = fetch.Range{Topic: d.Topic, Partition: d.Partition, Begin: d.Begin, End: d.End}
	}
	a, err := newAssembler(r.layout)
	if err != nil {
		return err
	}
	l := lane{assembler: a, ranges: ranges, pulses: r.settings.heartbeatTopic, send: func(b sdk.Outgoing, _ int64) error { return out.Send(b) }}
	err = fetch.Run(ctx, r.fetchOptions(ctx), ranges, func(b *fetch.Block) error { return l.take(ctx, b) })
	if err != nil && ctx.Err() == nil {
		return faultOf(err, "read")
	}
	if err == nil {
		err = l.flush()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (r *Reader) fetchOptions(ctx context.Context) fetch.Options {
	s, l := &r.settings, &r.settings.link
	most := r.answerBytes()
	if l.maxBytes > 0 {
		most = l.maxBytes
	}
	o := fetch.Options{
		Client: r.cluster.client, MinBytes: l.minBytes, MaxWaitMs: l.maxWaitMs, MaxBytes: most,
		PartitionBytes: min(l.partitionBytes, most), Committed: !l.uncommitted, Rack: l.rack, Exceed: !s.skipExceed,
		AtEnd: s.stopAtEnd, Budget: awayBudget,
		OutOfRange: func(of fetch.Range, offset int64) (int64, error) { return r.outOfRange(ctx, of, offset) },
	}
	if s.stopEmpty {
		o.Quiet = s.wait
	}
	return o
}

// answerBytes bounds one answer of a broker by the memory of the plugin. Two answers are held at a time, and unpacked:
// one is worked on, the next is on its way.
func (r *Reader) answerBytes() int32 {
	most := int64(16 << 20)
	if r.info.Memory > 0 {
		most = min(most, r.info.Memory/int64(4*max(1, r.info.Lanes)))
	}
	return int32(max(most, 1<<20))
}

// outOfRange decides where to go on when an offset is gone in the middle of a read.
func (r *Reader) outOfRange(ctx context.Context, of fetch.Range, offset int64) (int64, error) {
	sp := spot{of.Topic, of.Partition}
	low, err := r.cluster.listOffsets(ctx, map[spot]int64{sp: oldest}, !r.settings.link.uncommitted)
	if err != nil {
		return 0, err
	}
	high, err := r.cluster.listOffsets(ctx, map[spot]int64{sp: newest}, !r.settings.link.uncommitted)
	if err != nil {
		return 0, err
	}
	return resolveOutOfRange(&r.settings, sp, offset, low[sp], high[sp], "offset")
}

// commitAlone moves the group's offsets to what a bounded read brought to its target.
func (r *Reader) commitAlone(ctx context.Context, positions []sdk.ShardPosition) error {
	q := sarama.NewOffsetCommitRequest(r.cluster.client.Config(), r.cluster.group)
	for _, p := range positions {
		at, err := parsePosition(p.Position)
		if err != nil {
			return err
		}
		topic, id, err := parseShardName(p.Shard)
		if err != nil {
			return err
		}
		q.AddBlockWithLeaderEpoch(topic, id, at.Offset, at.Epoch, 0, "")
	}
	err := r.cluster.sendUnjoined(ctx, q)
	switch {
	case err == nil:
		return nil
	case isAny(err, sarama.ErrUnknownMemberId, sarama.ErrIllegalGeneration, sarama.ErrRebalanceInProgress):
		return busyGroup(r.cluster.group, "got members while the job ran")
	}
	return faultOf(err, fmt.Sprintf("commit offsets of group %q", r.cluster.group))
}

// commitUnjoined moves the group's offsets to where somebody wants them.
func (c *cluster) commitUnjoined(ctx context.Context, to map[spot]int64) error {
	if len(to) == 0 {
		return nil
	}
	q := sarama.NewOffsetCommitRequest(c.client.Config(), c.group)
	for sp, offset := range to {
		q.AddBlockWithLeaderEpoch(sp.topic, sp.partition, offset, -1, 0, "")
	}
	return c.sendUnjoined(ctx, q)
}

// sendUnjoined sends a commit of somebody who is no member of the group, which the coordinator takes while it has none.
func (c *cluster) sendUnjoined(ctx context.Context, q *sarama.OffsetCommitRequest) error {
	return c.coordinated(ctx, awayBudget, func(b *sarama.Broker) error {
		answer, err := b.CommitOffset(q)
		if err != nil {
			return err
		}
		return firstError(answer, nil)
	})
}

// firstError goes over every partition of an answer: each has a code of its own. Codes that skip takes are left to it.
func firstError(answer *sarama.OffsetCommitResponse, skip func(topic string, partition int32, err sarama.KError) bool) error {
	var first error
	for topic, codes := range answer.Errors {
		for id, code := range codes {
			if errors.Is(code, sarama.ErrNoError) || (skip != nil && skip(topic, id, code)) {
				continue
			}
			if first == nil {
				first = fmt.Errorf("%s: %w", spot{topic, id}, code)
			}
		}
	}
	return first
}
