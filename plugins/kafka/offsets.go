package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/sdk"
)

// spot names a partition.
type spot struct {
	topic     string
	partition int32
}

func (s spot) String() string { return fmt.Sprintf("topic %q, partition %d", s.topic, s.partition) }

// lookBudget is how long questions about offsets are repeated while leaders move.
const lookBudget = 15 * time.Second

// Times that listOffsets takes besides Unix milliseconds.
const (
	newest = sarama.OffsetNewest
	oldest = sarama.OffsetOldest
)

// listOffsets asks the leaders for the offset of each partition at a time; -1 means that no record is that young. The
// newest offset is the one that a reader of committed data can get to when committed is set.
func (c *cluster) listOffsets(ctx context.Context, at map[spot]int64, committed bool) (map[spot]int64, error) {
	found := make(map[spot]int64, len(at))
	err := retry(ctx, lookBudget, func() error {
		requests := map[*sarama.Broker]*sarama.OffsetRequest{}
		asked := map[*sarama.Broker][]spot{}
		for s, t := range at {
			if _, ok := found[s]; ok {
				continue
			}
			leader, err := c.client.Leader(s.topic, s.partition)
			if err != nil {
				return fmt.Errorf("leader of %s: %w", s, err)
			}
			q := requests[leader]
			if q == nil {
				q = sarama.NewOffsetRequest(c.client.Config().Version)
				if committed {
					q.IsolationLevel = sarama.ReadCommitted
				}
				requests[leader] = q
			}
			q.AddBlock(s.topic, s.partition, t, 1)
			asked[leader] = append(asked[leader], s)
		}
		for leader, q := range requests {
			answer, err := leader.GetAvailableOffsets(q)
			if err != nil {
				_ = leader.Close()
				return fmt.Errorf("broker %d at %s: %w", leader.ID(), leader.Addr(), err)
			}
			for _, s := range asked[leader] {
				block := answer.GetBlock(s.topic, s.partition)
				switch {
				case block == nil:
					return sarama.ErrUnknownTopicOrPartition
				case block.Err != sarama.ErrNoError:
					return fmt.Errorf("%s: %w", s, block.Err)
				case len(block.Offsets) == 1:
					found[s] = block.Offsets[0]
				default:
					found[s] = -1
				}
			}
		}
		return nil
	}, func() { _ = c.client.RefreshMetadata(topicsOf(at)...) })
	if err != nil {
		return nil, faultOf(err, "look up offsets")
	}
	return found, nil
}

func topicsOf(at map[spot]int64) []string {
	topics := map[string]bool{}
	for s := range at {
		topics[s.topic] = true
	}
	return sortedKeys(topics)
}

// committed asks the group's coordinator where the group is; partitions without an offset are missing in the answer.
func (c *cluster) committed(ctx context.Context, parts map[string][]int32) (map[spot]int64, error) {
	out := map[spot]int64{}
	err := c.coordinated(ctx, lookBudget, func(b *sarama.Broker) error {
		answer, err := b.FetchOffset(sarama.NewOffsetFetchRequest(c.client.Config().Version, c.group, parts))
		if err != nil {
			return err
		}
		if answer.Err == sarama.ErrGroupIDNotFound {
			return nil
		}
		if answer.Err != sarama.ErrNoError {
			return answer.Err
		}
		for topic, ids := range parts {
			for _, id := range ids {
				block := answer.GetBlock(topic, id)
				switch {
				case block == nil, block.Err == sarama.ErrGroupIDNotFound, block.Err == sarama.ErrUnknownTopicOrPartition:
				case block.Err != sarama.ErrNoError:
					return block.Err
				case block.Offset >= 0:
					out[spot{topic, id}] = block.Offset
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, faultOf(err, fmt.Sprintf("ask for the offsets of group %q", c.group))
	}
	return out, nil
}

// coordinated calls f with the group's coordinator until it succeeds, fails for good, or the budget is spent.
func (c *cluster) coordinated(ctx context.Context, budget time.Duration, f func(*sarama.Broker) error) error {
	return retry(ctx, budget, func() error {
		b, err := c.client.Coordinator(c.group)
		if err != nil {
			return err
		}
		err = f(b)
		var code sarama.KError
		if err != nil && !errors.As(err, &code) && passing(err) {
			_ = b.Close() // the connection is gone; the next call opens another
		}
		return err
	}, func() { _ = c.client.RefreshCoordinator(c.group) })
}

// members counts those who are in the group now.
func (c *cluster) members(ctx context.Context) (n int, err error) {
	err = c.coordinated(ctx, lookBudget, func(b *sarama.Broker) error {
		answer, err := b.DescribeGroups(&sarama.DescribeGroupsRequest{Groups: []string{c.group}})
		if err != nil {
			return err
		}
		n = 0
		for _, g := range answer.Groups {
			if g.Err != sarama.ErrNoError && g.Err != sarama.ErrGroupIDNotFound {
				return g.Err
			}
			n += len(g.Members)
		}
		return nil
	})
	return n, err
}

// idle refuses a group that has members. A bounded read moves the group's offsets without being one, which the
// coordinator refuses while it has.
func (c *cluster) idle(ctx context.Context) error {
	n, err := c.members(ctx)
	if err == nil && n > 0 {
		return busyGroup(c.group, "has "+memberCount(n))
	}
	return err
}

func busyGroup(group, what string) error {
	return sdk.Faultf(sdk.Refused, "group %q %s, so a batch cannot move its offsets", group, what).At("groupId").
		Hint("stop the other consumers of the group, or give this job a groupId of its own")
}
