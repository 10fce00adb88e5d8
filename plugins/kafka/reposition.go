package kafka

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/sdk"
)

// Positions serves sdk.Positioner.
func (r *Reader) Positions(ctx context.Context, info sdk.PositionsInfo) (sdk.Kept, error) {
	k, err := r.keeper(ctx, info)
	if err != nil {
		return sdk.Kept{}, err
	}
	defer k.close()
	members, err := k.cluster.members(ctx)
	if err != nil {
		return sdk.Kept{}, faultOf(err, "look at group "+strconv.Quote(k.cluster.group))
	}
	out := sdk.Kept{Keeper: k.name()}
	if members > 0 {
		out.InUse = memberCount(members)
	}
	b, err := k.bounds(ctx)
	if err != nil {
		return sdk.Kept{}, err
	}
	for _, sp := range k.spots {
		out.Positions = append(out.Positions, b.kept(sp))
	}
	return out, nil
}

// Reposition serves sdk.Positioner.
func (r *Reader) Reposition(ctx context.Context, info sdk.PositionsInfo, to sdk.Reposition) (sdk.Repositioned, error) {
	k, err := r.keeper(ctx, info)
	if err != nil {
		return sdk.Repositioned{}, err
	}
	defer k.close()
	if err := k.only(to.Shards); err != nil {
		return sdk.Repositioned{}, err
	}
	switch members, err := k.cluster.members(ctx); {
	case err != nil:
		return sdk.Repositioned{}, faultOf(err, "look at group "+strconv.Quote(k.cluster.group))
	case members > 0:
		return sdk.Repositioned{}, aliveGroup(k.cluster.group, "has "+memberCount(members))
	}
	before, err := k.bounds(ctx)
	if err != nil {
		return sdk.Repositioned{}, err
	}
	out := sdk.Repositioned{Keeper: k.name()}
	target, err := k.target(ctx, before, to, &out.Notes)
	if err != nil {
		return sdk.Repositioned{}, err
	}
	err = k.cluster.commitUnjoined(ctx, target)
	if isAny(err, sarama.ErrUnknownMemberId, sarama.ErrIllegalGeneration, sarama.ErrRebalanceInProgress) {
		return sdk.Repositioned{}, aliveGroup(k.cluster.group, "got members just now")
	}
	if err != nil {
		return sdk.Repositioned{}, faultOf(err, fmt.Sprintf("commit offsets of group %q", k.cluster.group))
	}
	after, err := k.bounds(ctx) // what is there, not what was asked for
	if err != nil {
		return sdk.Repositioned{}, err
	}
	for _, sp := range k.spots {
		now := after.kept(sp)
		if now.Offset != target[sp] {
			return sdk.Repositioned{}, sdk.Faultf(sdk.Refused, "%s was moved to %d, and the group is at %d", sp, target[sp], now.Offset).
				Hint("somebody else moves the offsets of group %q too", k.cluster.group)
		}
		out.Positions = append(out.Positions, now)
		out.Before = append(out.Before, before.kept(sp).Offset)
	}
	if key := r.settings.begin.key; key != "" && r.settings.begin.at.kind != pointCommitted && !info.Streaming {
		out.Notes = append(out.Notes, key+" in the job says where each batch begins; the group's offsets count only without it")
	}
	return out, nil
}

// keeper is the group of a job, and the partitions that the job reads.
type keeper struct {
	r       *Reader
	cluster *cluster
	spots   []spot // in order
}

func (r *Reader) keeper(ctx context.Context, info sdk.PositionsInfo) (*keeper, error) {
	s, problems := resolve(&r.options, "")
	for _, p := range problems {
		if !p.Warning {
			return nil, sdk.Faultf(sdk.Config, "%s", p.Seen).At(p.Path).Hint("%s", p.Try)
		}
	}
	c, err := connect(ctx, &s, s.groupOf(info.Job))
	if err != nil {
		return nil, err
	}
	k := &keeper{r: r, cluster: c}
	r.settings, r.cluster, r.info = s, c, sdk.OpenInfo{Job: info.Job, Streaming: true} // a topicsRegex may take none
	if err := r.locate(); err != nil {
		k.close()
		return nil, err
	}
	for _, topic := range sortedKeys(r.parts) {
		for _, id := range slices.Sorted(slices.Values(r.parts[topic])) {
			k.spots = append(k.spots, spot{topic, id})
		}
	}
	return k, nil
}

func (k *keeper) close() {
	_ = k.cluster.client.Close()
	k.r.cluster = nil
}

func (k *keeper) name() string { return "consumer group " + k.cluster.group }

// only keeps the partitions that are named: "3" is partition 3 of every topic, "orders/3" that of one.
func (k *keeper) only(names []string) error {
	if len(names) == 0 {
		return nil
	}
	var some []spot
	for _, name := range names {
		found := false
		for _, sp := range k.spots {
			if shard := shardName(sp.topic, sp.partition); name == shard || name == strconv.Itoa(int(sp.partition)) {
				found = true
				if !slices.Contains(some, sp) {
					some = append(some, sp)
				}
			}
		}
		if !found {
			all := make([]string, len(k.spots))
			for i, sp := range k.spots {
				all[i] = shardName(sp.topic, sp.partition)
			}
			return sdk.Faultf(sdk.NotFound, "the job reads no partition %q", name).Hint("it reads %s", few(all))
		}
	}
	k.spots = some
	return nil
}

// bounds asks where the partitions begin and end, and where the group is.
func (k *keeper) bounds(ctx context.Context) (*bounds, error) {
	parts := map[string][]int32{}
	for _, sp := range k.spots {
		parts[sp.topic] = append(parts[sp.topic], sp.partition)
	}
	if len(parts) == 0 {
		return &bounds{}, nil
	}
	s := k.r.settings
	s.begin, s.end = boundary{}, boundary{} // only what is there counts
	return k.cluster.look(ctx, &s, parts)
}

func (b *bounds) kept(sp spot) sdk.KeptPosition {
	out := sdk.KeptPosition{Shard: shardName(sp.topic, sp.partition), Offset: -1, Oldest: b.oldest[sp], Newest: b.newest[sp]}
	if at, ok := b.committed[sp]; ok {
		out.Offset = at
	}
	return out
}

// target is where each partition goes. An offset that is not there becomes the nearest that is, and a time that no record
// has reached the end; notes say so.
func (k *keeper) target(ctx context.Context, b *bounds, to sdk.Reposition, notes *[]string) (map[spot]int64, error) {
	target := make(map[spot]int64, len(k.spots))
	for _, sp := range k.spots {
		target[sp] = to.Value
	}
	if to.Place == sdk.ToTime && len(target) > 0 {
		var err error
		if target, err = k.cluster.listOffsets(ctx, target, !k.r.settings.link.uncommitted); err != nil {
			return nil, err
		}
	}
	for _, sp := range k.spots {
		low, high := b.oldest[sp], b.newest[sp]
		switch at := target[sp]; {
		case to.Place == sdk.ToEarliest:
			target[sp] = low
		case to.Place == sdk.ToLatest:
			target[sp] = high
		case to.Place == sdk.ToTime && (at < 0 || at > high):
			target[sp] = high
			*notes = append(*notes, fmt.Sprintf("%s: no record is of %s or later; goes to the end, %d", sp,
				time.UnixMilli(to.Value).UTC().Format(time.RFC3339Nano), high))
		case at < low:
			target[sp] = low
			*notes = append(*notes, fmt.Sprintf("%s: %d is gone, the oldest record there is now is %d; goes there", sp, at, low))
		case at > high:
			target[sp] = high
			*notes = append(*notes, fmt.Sprintf("%s: %d lies beyond the end, %d; goes to the end", sp, at, high))
		}
	}
	return target, nil
}

func memberCount(n int) string {
	if n == 1 {
		return "1 running member"
	}
	return fmt.Sprintf("%d running members", n)
}

func aliveGroup(group, what string) error {
	return sdk.Faultf(sdk.Refused, "group %q %s, so its offsets cannot be moved", group, what).At("groupId").
		Hint("stop the job everywhere first; a member that was killed counts until its session times out")
}
