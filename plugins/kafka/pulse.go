package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
)

// pulse is a heartbeat for heartbeatTopic: a partition is quiet, and this is where its reader is.
type pulse struct {
	m           *member
	topic       string
	partition   int32
	offset, lag int64
	at          time.Time
}

// pulseHeader marks the messages that are heartbeats of gx, so that a job that reads them again leaves them out.
const pulseHeader = "gx-heartbeat"

// pulser sends heartbeats from a goroutine of its own: a broker that is slow to take them holds up no reading.
type pulser struct {
	r          *Reader
	topic      string
	partitions []int32
	line       chan pulse
	end        context.CancelFunc
	done       chan struct{}
}

// pulseBudget is how long one heartbeat is tried; the next one says the same anew.
const pulseBudget = 5 * time.Second

// startPulser does so when the job has a heartbeatTopic. Reader.mu is held.
func (r *Reader) startPulser() {
	if r.settings.heartbeatTopic == "" || r.settings.heartbeat <= 0 || r.pulser != nil {
		return
	}
	p := &pulser{r: r, topic: r.settings.heartbeatTopic, partitions: r.pulseParts, line: make(chan pulse, 256), done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	p.end = cancel
	r.pulser = p
	go p.run(ctx)
}

func (p *pulser) run(ctx context.Context) {
	defer close(p.done)
	for {
		select {
		case b := <-p.line:
			if err := p.send(ctx, &b); ctx.Err() != nil {
				return
			} else if err != nil {
				p.failed(&b, err)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (p *pulser) stop() {
	p.end()
	<-p.done
}

// beat hands a heartbeat over. When many wait already it is dropped: the partition has another one soon.
func (p *pulser) beat(b pulse) {
	select {
	case p.line <- b:
	default:
	}
}

func (p *pulser) send(ctx context.Context, b *pulse) error {
	c := p.r.cluster
	to := p.partitions[int(b.partition)%len(p.partitions)]
	if p.topic == b.topic {
		to = b.partition // it moves the very partition that is quiet
	}
	value, err := json.Marshal(map[string]any{"job": p.r.info.Job, "group": c.group, "topic": b.topic, "partition": b.partition,
		"offset": b.offset, "lag": b.lag, "time": b.at.UnixMilli()})
	if err != nil {
		return fmt.Errorf("describe a heartbeat: %w", err)
	}
	return retry(ctx, pulseBudget, func() error {
		leader, err := c.client.Leader(p.topic, to)
		if err != nil {
			return err
		}
		q := &sarama.ProduceRequest{Version: 8, RequiredAcks: sarama.WaitForAll, Timeout: int32(pulseBudget.Milliseconds())}
		q.AddBatch(p.topic, to, &sarama.RecordBatch{Version: 2, FirstTimestamp: b.at, MaxTimestamp: b.at, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
			Records: []*sarama.Record{{Key: []byte(c.group), Value: value, Headers: []*sarama.RecordHeader{{Key: []byte(pulseHeader), Value: []byte("1")}}}}})
		answer, err := leader.Produce(q)
		if err != nil {
			_ = leader.Close() // the connection is gone; the next call opens another
			return err
		}
		switch block := answer.GetBlock(p.topic, to); {
		case block == nil:
			return sarama.ErrIncompleteResponse
		case block.Err != sarama.ErrNoError:
			return block.Err
		}
		return nil
	}, func() { _ = c.client.RefreshMetadata(p.topic) })
}

// failed ends the lane when no later heartbeat will fare better, and says so otherwise.
func (p *pulser) failed(b *pulse, err error) {
	what := fmt.Sprintf("write a heartbeat to topic %q", p.topic)
	if isAny(err, sarama.ErrTopicAuthorizationFailed) {
		b.m.fail(sdk.Faultf(sdk.Denied, "%s: %w", what, err).At("heartbeatTopic").Hint("the user needs WRITE on the topic"))
		return
	}
	err = faultOf(err, what)
	if f := protocol.AsFault(err); f == nil || f.Code != sdk.Unreachable {
		b.m.fail(err)
		return
	}
	_, _ = fmt.Fprintf(os.Stderr, "%v; the next one follows in %s\n", err, p.r.settings.heartbeat)
}

// isPulse tells whether a message is a heartbeat of gx.
func isPulse(headers []*sarama.RecordHeader) bool {
	for _, h := range headers {
		if string(h.Key) == pulseHeader {
			return true
		}
	}
	return false
}

// findPulseTopic looks for the topic that heartbeats go to.
func (r *Reader) findPulseTopic() error {
	topic := r.settings.heartbeatTopic
	if topic == "" || r.settings.heartbeat <= 0 || !r.info.Streaming {
		return nil
	}
	parts, err := r.cluster.partitions([]string{topic})
	if err != nil {
		if f := protocol.AsFault(err); f != nil && f.Place == "topic" {
			f.At("heartbeatTopic")
		}
		return err
	}
	r.pulseParts = parts[topic]
	return nil
}

// quiet tells whether a partition is due for a heartbeat: nothing came for the interval, and its reader is not far behind.
func (s *settings) quiet(since time.Duration, lag int64) bool {
	return s.heartbeat > 0 && since >= s.heartbeat && lag <= s.heartbeatStep
}
