package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/sdk"
)

// member is one lane's membership in the consumer group. It outlives the lane's Read, so that positions that are safe
// late can still be committed, and ends in leave.
type member struct {
	r       *Reader
	lane    int
	group   sarama.ConsumerGroup
	batches chan sdk.Outgoing // from the claims to Read, which alone uses the lane's Out
	failed  chan error        // the first error that the lane cannot live with
	hold    chan struct{}     // closed when Read has ended: claims send nothing more, and stay
	leaving context.Context   // ends in leave
	end     context.CancelFunc
	work    sync.WaitGroup
	holding sync.Once

	leaveErr error

	lastData atomic.Int64 // Unix nanoseconds of the newest message or assignment, 0 before the first assignment

	generation int32 // of the running session, 0 without one; guarded by Reader.mu
	follower   *follower
	over       bool // Read has ended; guarded by Reader.mu

	mu      sync.Mutex // guards the following
	rejoin  context.CancelFunc
	trouble map[string]*trouble // by partition; "" is the group
}

// trouble is a row of errors without success between.
type trouble struct{ since, last time.Time }

// troubleGap is how long errors of one kind may be apart and still count as one row.
const troubleGap = 20 * time.Second

// follow reads as a member of the group until ctx ends, an error, or the end of a catch-up run.
func (r *Reader) follow(ctx context.Context, lane int, out sender) error {
	m, err := r.join(lane)
	if err != nil {
		return err
	}
	defer m.stop()
	var tick <-chan time.Time
	if r.settings.stopEmpty {
		t := time.NewTicker(max(r.settings.wait/20, 20*time.Millisecond))
		defer t.Stop()
		tick = t.C
	}
	for {
		select {
		case b := <-m.batches:
			if err := out.Send(b); err != nil {
				return err
			}
		case err := <-m.failed:
			return err
		case <-tick:
			if m.caughtUp() {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// join makes the lane a member of the group.
func (r *Reader) join(lane int) (*member, error) {
	config, err := r.settings.link.memberConfig(lane, r.info.Lanes)
	if err != nil {
		return nil, sdk.Faultf(sdk.Config, "%w", err).At("kafkaConfig")
	}
	if !r.settings.link.given["metadata.max.age.ms"] {
		config.Metadata.RefreshFrequency = r.settings.refresh
	}
	group, err := sarama.NewConsumerGroup(r.cluster.live, r.cluster.group, config)
	if err != nil {
		return nil, faultOf(err, fmt.Sprintf("join group %q", r.cluster.group))
	}
	m := &member{r: r, lane: lane, group: group, batches: make(chan sdk.Outgoing), failed: make(chan error, 1), hold: make(chan struct{}),
		trouble: map[string]*trouble{}}
	m.leaving, m.end = context.WithCancel(context.Background())
	r.mu.Lock()
	r.members[lane] = m
	r.watchTopics()
	r.startPulser()
	r.mu.Unlock()
	m.work.Go(m.run)
	m.work.Go(m.listen)
	return m, nil
}

// stop tells the claims that nobody takes their batches any more.
func (m *member) stop() {
	m.holding.Do(func() { close(m.hold) })
	m.r.mu.Lock()
	defer m.r.mu.Unlock()
	m.over = true
	m.r.gather()
}

// leave ends the membership; positions that were not committed by now are read again by somebody else.
func (m *member) leave() {
	m.end()
	m.stop()
	m.leaveErr = m.group.Close() // waits for the running session, and ends listen
	m.work.Wait()
}

func (m *member) fail(err error) {
	select {
	case m.failed <- err:
	default:
	}
}

// run takes part in one generation after the other.
func (m *member) run() {
	for m.leaving.Err() == nil {
		ctx, cancel := context.WithCancel(m.leaving)
		m.mu.Lock()
		m.rejoin = cancel // before the topics are read: a change in between must not be missed
		m.mu.Unlock()
		m.r.mu.Lock()
		topics := slices.Clone(m.r.topicsNow)
		m.r.mu.Unlock()
		if len(topics) == 0 { // a topicsRegex that nothing matches yet
			<-ctx.Done()
			cancel()
			continue
		}
		err := m.group.Consume(ctx, topics, m)
		cancel()
		switch {
		case m.leaving.Err() != nil, errors.Is(err, sarama.ErrClosedConsumerGroup):
			return
		case err == nil, errors.Is(err, context.Canceled):
		default:
			if !m.note("", err) {
				return
			}
			select {
			case <-time.After(time.Second):
			case <-m.leaving.Done():
			}
		}
	}
}

// listen hears the errors that sarama meets behind the scenes; most of them it gets over itself.
func (m *member) listen() {
	for err := range m.group.Errors() {
		where := ""
		var of *sarama.ConsumerError
		if errors.As(err, &of) {
			where = shardName(of.Topic, of.Partition)
		}
		if errors.Is(err, sarama.ErrOffsetOutOfRange) {
			continue // the session ends by it, and the next one decides where to go on
		}
		m.note(where, err)
	}
}

// note judges an error: those that stay for longer than the budget, and those that no time heals, fail the lane. It
// returns false then.
func (m *member) note(where string, err error) bool {
	what := fmt.Sprintf("read as a member of group %q", m.r.cluster.group)
	if where != "" {
		what = "read " + where
	}
	fault := faultOf(err, what)
	var f *sdk.Fault
	if errors.As(fault, &f) && f.Code != sdk.Unreachable {
		m.fail(fault)
		return false
	}
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.trouble[where]
	if t == nil || now.Sub(t.last) > troubleGap {
		t = &trouble{since: now}
		m.trouble[where] = t
	}
	if t.last = now; now.Sub(t.since) > awayBudget {
		m.fail(sdk.Faultf(sdk.Unreachable, "%s: nothing but errors for %s, the last: %w", what, awayBudget, err).At("server").
			Hint("the brokers were away for longer than the job waits; run it again when they are back"))
		return false
	}
	return true
}

// well ends a row of errors.
func (m *member) well(where string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.trouble, where)
	delete(m.trouble, "")
}

// Setup serves sarama.ConsumerGroupHandler: it decides where each partition of a new session begins.
func (m *member) Setup(s sarama.ConsumerGroupSession) error {
	parts := s.Claims()
	r := m.r
	var b *bounds
	var err error
	if len(parts) > 0 {
		if b, err = r.cluster.look(s.Context(), &r.settings, parts); err != nil {
			return err
		}
	}
	claims, next := map[string]*claim{}, &follower{m: m}
	for topic, ids := range parts {
		for _, id := range ids {
			name := shardName(topic, id)
			c := &claim{topic: topic, partition: id, name: name, m: m, s: s, highWater: b.newest[spot{topic, id}], moved: make(chan struct{})}
			if !c.inherit(r.previous(name)) {
				begin, err := m.begin(b, topic, id)
				if err != nil {
					return err
				}
				c.sent, c.safe = begin, begin
			}
			// Whatever sarama found, this is what holds: one of the two takes it.
			s.MarkOffset(topic, id, c.sent, "")
			s.ResetOffset(topic, id, c.sent, "")
			claims[name] = c
			next.claims = append(next.claims, c)
		}
	}
	r.mu.Lock()
	next.pulser = r.pulser
	r.serial++
	m.generation, m.follower = s.GenerationID(), next
	for name, c := range claims {
		if c.serial = r.serial; c.since == 0 {
			c.since = r.serial
		}
		r.owned[name] = c
	}
	r.gather()
	r.mu.Unlock()
	m.well("")
	m.lastData.Store(time.Now().UnixNano()) // what was quiet before says nothing of the partitions that came now
	return nil
}

// previous is the last claim of this process on a partition.
func (r *Reader) previous(name string) *claim {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.owned[name]
}

// gather wakes those who wait for the lanes to be together. Reader.mu is held.
func (r *Reader) gather() {
	close(r.gathered)
	r.gathered = make(chan struct{})
}

// together waits until all lanes of this process are in one generation, so that a start with several lanes does not
// begin with rows that the next generation would read again. It waits no longer than it takes to hear of a rebalance.
func (r *Reader) together(session context.Context, generation int32) {
	give := time.NewTimer(millis(r.settings.link.heartbeatMs) + 2*time.Second)
	defer give.Stop()
	for {
		r.mu.Lock()
		missing, wake := r.lanes, r.gathered
		for _, m := range r.members {
			if m.over || m.generation == generation {
				missing--
			}
		}
		r.mu.Unlock()
		if missing <= 0 {
			return
		}
		select {
		case <-wake:
		case <-give.C:
			return
		case <-session.Done():
			return
		}
	}
}

// begin is where a partition goes on.
func (m *member) begin(b *bounds, topic string, id int32) (int64, error) {
	s, sp := &m.r.settings, spot{topic, id}
	if at, ok := b.committed[sp]; ok {
		return b.within(s, sp, at, "the group's offset")
	}
	if begin := s.begin.of(topic, id); begin.kind == pointLatest || (begin.kind == pointCommitted && s.reset == resetLatest) {
		// A partition that came later than the group has nothing that the user wanted to leave out.
		late := !slices.Contains(m.r.parts[topic], id)
		for other := range b.committed {
			late = late || other.topic == topic
		}
		if late {
			return b.oldest[sp], nil
		}
	}
	offset, _, err := b.begin(s, sp)
	return offset, err
}

// Cleanup serves sarama.ConsumerGroupHandler.
func (m *member) Cleanup(s sarama.ConsumerGroupSession) error {
	r := m.r
	r.mu.Lock()
	defer r.mu.Unlock()
	m.generation = 0
	for _, c := range r.owned {
		if c.s == s {
			c.ended = true
		}
	}
	return nil
}

// ConsumeClaim serves sarama.ConsumerGroupHandler. sarama's own consumer is paused; the first claim of a session reads
// for all of them.
func (m *member) ConsumeClaim(s sarama.ConsumerGroupSession, from sarama.ConsumerGroupClaim) error {
	m.group.Pause(map[string][]int32{from.Topic(): {from.Partition()}})
	m.r.mu.Lock()
	f, c := m.follower, m.r.owned[shardName(from.Topic(), from.Partition())]
	m.r.mu.Unlock()
	if c == nil || c.s != s {
		return fmt.Errorf("partition %d of topic %q was assigned and not set up", from.Partition(), from.Topic())
	}
	m.r.together(s.Context(), s.GenerationID())
	f.once.Do(func() { f.run(s.Context()) })
	// Whatever ended it: to return before the session is over would end the session.
	<-s.Context().Done()
	c.settle(m.leaving, millis(m.r.settings.link.sessionMs)/2)
	return nil
}

// caughtUp tells whether a catch-up run is at its end.
func (m *member) caughtUp() bool {
	last := m.lastData.Load()
	if last == 0 || time.Since(time.Unix(0, last)) < m.r.settings.wait {
		return false
	}
	if !m.r.settings.stopAtEnd {
		return true
	}
	m.r.mu.Lock()
	defer m.r.mu.Unlock()
	if m.generation == 0 {
		return false // between two sessions nobody knows what is this lane's
	}
	for _, c := range m.r.owned {
		if c.m == m && !c.ended && c.behind() {
			return false
		}
	}
	return true
}
