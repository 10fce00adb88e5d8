// Package kafka is the Kafka reader: bounded reads of partitions in batch jobs, and membership in a consumer group in
// streaming ones. The group's offsets follow what the core says is safe, never the clock.
package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
)

// Plugin describes the Kafka reader.
func Plugin(version string) sdk.Plugin {
	return sdk.Plugin{
		Name: "kafka-reader", Version: version,
		Doc: "Reads topics of Apache Kafka, bounded or for ever.",
		Reader: &sdk.ReaderSpec{
			Doc:          "Messages of JSON, Avro, Protobuf or JSON Schema become whole documents, or columns when the job or the target asks for them; CSV, text and bytes become columns.",
			Capabilities: []string{protocol.CapBatch, protocol.CapStreaming, protocol.CapDocuments, protocol.CapColumns, protocol.CapPositions},
			New:          func() sdk.Reader { return new(Reader) },
		},
	}
}

// Reader implements sdk.Reader.
type Reader struct {
	options  Options
	settings settings
	info     sdk.OpenInfo
	cluster  *cluster
	layout   *layout
	parts    map[string][]int32 // partitions at Open, by topic
	frozen   *frozen            // batch
	resumes  bool               // streaming: the group holds an offset of an earlier run

	pulseParts []int32 // partitions of heartbeatTopic

	mu        sync.Mutex // guards the following
	members   map[int]*member
	owned     map[string]*claim // by shard, the newest of each; an ended one stays until another takes its place
	serial    uint64            // of the newest session
	lanes     int               // that Split gave shards to
	gathered  chan struct{}     // closed and replaced when a lane enters a session or ends
	topicsNow []string
	watching  func() // ends the watch for new topics, and waits for it
	pulser    *pulser
}

// Config serves sdk.Reader.
func (r *Reader) Config() any { return &r.options }

// Lanes serves sdk.Laner.
func (r *Reader) Lanes() int { return r.options.ConsumeParallel }

// Open serves sdk.Reader.
func (r *Reader) Open(ctx context.Context, info sdk.OpenInfo) (sdk.Opened, error) {
	s, problems := resolve(&r.options, "")
	for _, p := range problems {
		if !p.Warning {
			return sdk.Opened{}, sdk.Faultf(sdk.Config, "%s", p.Seen).At(p.Path).Hint("%s", p.Try)
		}
	}
	if err := modeFault(&s, &r.options, info.Streaming); err != nil {
		return sdk.Opened{}, err
	}
	if err := s.rawColumns(info.Peer.Plugin); err != nil {
		return sdk.Opened{}, err
	}
	shape, names, err := newLayout(&s, info.Peer)
	if err != nil {
		return sdk.Opened{}, err
	}
	c, err := connect(ctx, &s, s.groupOf(info.Job))
	if err != nil {
		return sdk.Opened{}, err
	}
	r.settings, r.info, r.cluster, r.layout = s, info, c, shape
	notes, err := r.find(ctx)
	if err == nil {
		err = shape.ask(ctx)
	}
	if err != nil {
		shape.close()
		_ = c.client.Close()
		r.cluster = nil
		return sdk.Opened{}, err
	}
	return sdk.Opened{Notes: append(append(r.notes(), shape.changeNotes()...), notes...), Columns: names, Documents: shape.columns == nil, Resumes: r.resumes}, nil
}

// groupOf is the consumer group of a job: that of its parameters, or else one that its name gives on every run.
func (s *settings) groupOf(job string) string {
	if s.group == "" {
		return "gx_" + job
	}
	return s.group
}

// modeFault refuses what means nothing in the mode of the job.
func modeFault(s *settings, o *Options, streaming bool) error {
	if !streaming {
		return nil
	}
	if s.end.key != "" {
		return sdk.Faultf(sdk.Config, "a streaming job has no end").At(s.end.key).Hint("leave it out, or set setting.mode to batch")
	}
	if len(s.partitions) > 0 {
		return sdk.Faultf(sdk.Config, "in a streaming job the consumer group shares out the partitions").At("partition").
			Hint("leave it out, or set setting.mode to batch")
	}
	return nil
}

// locate looks for topics, partitions and their leaders.
func (r *Reader) locate() (err error) {
	topics := r.settings.topics
	if re := r.settings.regex; re != nil {
		if topics, err = r.cluster.matching(re); err != nil {
			return err
		}
		if len(topics) == 0 && !r.info.Streaming {
			return sdk.Faultf(sdk.Config, "no topic matches %s", r.options.TopicsRegex).At("topicsRegex").Hint("the whole name must match")
		}
	}
	r.topicsNow = topics
	if r.parts, err = r.cluster.partitions(topics); err != nil {
		return err
	}
	if err := r.only(); err != nil {
		return err
	}
	return r.cluster.leadersAnswer(r.parts)
}

// find locates the source, and in batch fixes what will be read.
func (r *Reader) find(ctx context.Context) (notes []string, err error) {
	if err := r.locate(); err != nil {
		return nil, err
	}
	switch n := len(r.topicsNow); {
	case r.settings.regex == nil:
	case n > 0:
		notes = append(notes, fmt.Sprintf("topicsRegex takes %d topics: %s", n, few(slices.Clone(r.topicsNow))))
	default:
		notes = append(notes, "topicsRegex takes no topic yet; waits for one")
	}
	total := 0
	for _, ids := range r.parts {
		total += len(ids)
	}
	if r.info.Lanes > total && total > 0 {
		notes = append(notes, fmt.Sprintf("%d lanes are more than the %d partitions: the rest stay idle", r.info.Lanes, total))
	}
	if err := r.findPulseTopic(); err != nil {
		return nil, err
	}
	if r.info.Streaming {
		// Early word of a missing privilege; the offsets are asked for again when partitions are assigned.
		held, err := r.cluster.committed(ctx, r.parts)
		r.resumes = len(held) > 0
		return notes, err
	}
	if err := r.cluster.idle(ctx); err != nil {
		return nil, faultOf(err, "look at group "+strconv.Quote(r.cluster.group))
	}
	if r.frozen, err = r.cluster.freeze(ctx, &r.settings, r.parts); err != nil {
		return nil, err
	}
	return append(notes, r.frozen.notes...), nil
}

// only keeps the partitions that the job names.
func (r *Reader) only() error {
	wanted := r.settings.partitions
	if len(wanted) == 0 {
		return nil
	}
	for topic, have := range r.parts {
		for _, id := range wanted {
			if !slices.Contains(have, id) {
				return sdk.Faultf(sdk.NotFound, "topic %q has no partition %d, it has %d to %d", topic, id, have[0], have[len(have)-1]).At("partition").
					Hint("partitions count from 0")
			}
		}
		r.parts[topic] = wanted
	}
	return nil
}

// notes says what the user should know before the first row.
func (r *Reader) notes() []string {
	s := &r.settings
	var out []string
	if s.group == "" {
		out = append(out, fmt.Sprintf("consumer group: %s (groupId is not given)", r.cluster.group))
	}
	if s.zoneNote {
		out = append(out, "date times are read in the zone of the process, "+s.zone.String())
	}
	if !s.skipExceed && !r.info.Streaming {
		out = append(out, "skipExceedRecord is false: records past the end that a fetch brings along are written too")
	}
	if s.consumeParallel > 0 && s.consumeParallel != r.info.Lanes {
		out = append(out, fmt.Sprintf("consumeParallel %d is not in force: setting.speed.concurrent gives %d lanes", s.consumeParallel, r.info.Lanes))
	}
	if s.link.uncommitted {
		out = append(out, "isolation.level read_uncommitted: records of transactions that end in an abort are written too")
	}
	if s.link.anyHost && s.link.tls() {
		out = append(out, "ssl.endpoint.identification.algorithm is empty: a certificate for any host is taken")
	}
	if r.info.Streaming {
		if s.begin.key != "" && s.begin.at.kind != pointCommitted {
			out = append(out, s.begin.key+" holds for partitions without an offset of the group; the others go on where the group is")
		}
		if !s.skipExceed {
			out = append(out, "skipExceedRecord has no effect in a streaming job, which has no end")
		}
	} else if s.heartbeat > 0 {
		out = append(out, "heartbeatIntervalSec has no effect in a batch job")
	}
	return out
}

// Split serves sdk.Reader. Batch: one shard for each partition that has something to read. Streaming: one for each lane,
// named after the group; what it reads comes in batches named after their partitions.
func (r *Reader) Split(_ context.Context, want int) ([]sdk.Shard, error) {
	if r.info.Streaming {
		shards := make([]sdk.Shard, max(1, want))
		r.mu.Lock()
		r.owned, r.members, r.gathered = map[string]*claim{}, map[int]*member{}, make(chan struct{})
		r.lanes = len(shards)
		r.mu.Unlock()
		for i := range shards {
			shards[i] = sdk.Shard{Name: "member-" + strconv.Itoa(i), Rows: -1}
		}
		return shards, nil
	}
	var shards []sdk.Shard
	for _, f := range r.frozen.ranges {
		if f.Begin >= f.End {
			continue
		}
		d, err := json.Marshal(descriptor{Topic: f.Topic, Partition: f.Partition, Begin: f.Begin, End: f.End})
		if err != nil {
			return nil, fmt.Errorf("describe a shard: %w", err)
		}
		// Offsets that hold nothing, as compaction and transactions leave them, make the number an upper bound.
		shards = append(shards, sdk.Shard{Name: shardName(f.Topic, f.Partition), Descriptor: d, Rows: f.End - f.Begin})
	}
	return shards, nil
}

// Read serves sdk.Reader.
func (r *Reader) Read(ctx context.Context, lane int, shards []sdk.Shard, out *sdk.Out) error {
	if r.info.Streaming {
		return r.follow(ctx, lane, out)
	}
	return r.readBounded(ctx, shards, out)
}

// Commit serves sdk.Reader.
func (r *Reader) Commit(ctx context.Context, positions []sdk.ShardPosition) (lost []string, err error) {
	if len(positions) == 0 {
		return nil, nil
	}
	if r.info.Streaming {
		return r.commitAsMembers(ctx, positions)
	}
	return nil, r.commitAlone(ctx, positions)
}

// Close serves sdk.Reader: it leaves the group and ends everything that Read left behind.
func (r *Reader) Close(context.Context) error {
	if r.cluster == nil {
		return nil
	}
	r.mu.Lock()
	members, watching, pulser := r.members, r.watching, r.pulser
	r.members, r.watching, r.pulser = nil, nil, nil
	r.mu.Unlock()
	if watching != nil {
		watching()
	}
	var wrong []string
	var group sync.WaitGroup
	for _, m := range members {
		group.Go(m.leave)
	}
	group.Wait()
	if pulser != nil {
		pulser.stop()
	}
	for _, m := range members {
		if m.leaveErr != nil {
			wrong = append(wrong, m.leaveErr.Error())
		}
	}
	r.layout.close()
	if err := r.cluster.client.Close(); err != nil {
		wrong = append(wrong, err.Error())
	}
	r.cluster = nil
	if len(wrong) > 0 {
		return fmt.Errorf("close the connections to Kafka: %s", strings.Join(wrong, "; "))
	}
	return nil
}
