package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/kafka/produce"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
)

// WriterPlugin describes the Kafka writer.
func WriterPlugin(version string) sdk.Plugin {
	return sdk.Plugin{
		Name: "kafka-writer", Version: version,
		Doc: "Writes rows to topics of Apache Kafka.",
		Writer: &sdk.WriterSpec{
			Doc:          "Every row becomes a message, and counts as written when the broker has answered for it.",
			Capabilities: []string{protocol.CapBatch, protocol.CapStreaming, protocol.CapDocuments, protocol.CapColumns},
			New:          func() sdk.Writer { return new(Writer) },
		},
	}
}

// Writer implements sdk.Writer.
type Writer struct {
	options WriterOptions
	set     writing
	info    sdk.OpenInfo
	cluster *cluster
	missing bool // the topic is not there yet, and the brokers are to make it

	rows atomic.Int64

	mu    sync.Mutex          // guards the following
	stops map[int]func(error) // of the lanes that run; nil before Open and after Close
	lanes sync.WaitGroup      // those lanes; grows only while stops is there
}

// Config serves sdk.Writer.
func (w *Writer) Config() any { return &w.options }

// Open serves sdk.Writer.
func (w *Writer) Open(ctx context.Context, info sdk.OpenInfo) (sdk.Opened, error) {
	set, problems := w.options.resolve("")
	for _, p := range problems {
		if !p.Warning {
			return sdk.Opened{}, sdk.Faultf(sdk.Config, "%s", p.Seen).At(p.Path).Hint("%s", p.Try)
		}
	}
	c, err := connect(ctx, &set.settings, "")
	if err != nil {
		return sdk.Opened{}, err
	}
	w.set, w.info, w.cluster, w.missing, w.stops = set, info, c, false, map[int]func(error){}
	notes, err := w.locate()
	if err != nil {
		_ = c.client.Close()
		w.cluster, w.stops = nil, nil
		return sdk.Opened{}, err
	}
	columns := w.options.Column
	return sdk.Opened{Notes: append(w.notes(), notes...), Self: sdk.Peer{Plugin: "kafka-writer", Columns: columns, WantsColumns: len(columns) > 0,
		WantsDestination: w.options.Topic == ""}}, nil
}

// locate looks for the topic, its leaders, and the right to write to it.
func (w *Writer) locate() (notes []string, err error) {
	topic := w.options.Topic
	if topic == "" {
		return nil, nil
	}
	parts, err := w.cluster.partitions([]string{topic})
	var f *sdk.Fault
	if errors.As(err, &f) && f.Code == sdk.NotFound && w.options.AllowAutoCreate {
		w.missing = true
		return []string{fmt.Sprintf("topic %s is not there: the brokers will be asked to make it", topic)}, nil
	}
	if errors.As(err, &f) && f.Code == sdk.NotFound {
		return nil, f.Hint("%s; or \"allowAutoCreate\": true where the brokers make topics", f.Try)
	}
	if err != nil {
		return nil, writeFault(err, topic)
	}
	if err := w.cluster.leadersAnswer(parts); err != nil {
		return nil, err
	}
	return nil, w.cluster.mayWrite(topic)
}

// mayWrite asks whether the user has the right to write to a topic, as far as the brokers tell.
func (c *cluster) mayWrite(topic string) error {
	broker := c.client.LeastLoadedBroker()
	if broker == nil {
		return faultOf(sarama.ErrOutOfBrokers, "look at topic "+strconv.Quote(topic))
	}
	q := sarama.NewMetadataRequest(c.client.Config().Version, []string{topic})
	q.IncludeTopicAuthorizedOperations = true
	answer, err := broker.GetMetadata(q)
	if err != nil {
		_ = broker.Close()
		return faultOf(err, "look at topic "+strconv.Quote(topic))
	}
	const write = 1 << 4 // AclOperation WRITE
	for _, t := range answer.Topics {
		// Brokers before Kafka 2.3 do not say, and those without an authorizer may not.
		if ops := t.TopicAuthorizedOperations; t.Name == topic && answer.Version >= 8 && ops != math.MinInt32 && ops&write == 0 {
			return sdk.Faultf(sdk.Denied, "the user may not write to topic %q", topic).At("topic").Hint("give the user WRITE on the topic, or another topic or user")
		}
	}
	return nil
}

// notes says what the user should know before the first row.
func (w *Writer) notes() []string {
	out := &w.set.link.out
	var notes []string
	if out.acks == sarama.WaitForLocal {
		notes = append(notes, "acks 1: rows count as written when the leader has them; if it dies before a replica has them too, they are lost")
	}
	if !out.idempotent {
		notes = append(notes, "not idempotent: a record that is sent again may stand in its partition twice")
	}
	if w.set.link.anyHost && w.set.link.tls() {
		notes = append(notes, "ssl.endpoint.identification.algorithm is empty: a certificate for any host is taken")
	}
	return notes
}

// Start serves sdk.Writer: it has the brokers make a topic that is not there, where the job allows it.
func (w *Writer) Start(ctx context.Context, _ sdk.StartInfo) ([]string, error) {
	if !w.missing {
		return nil, nil
	}
	if err := w.create(ctx, w.options.Topic); err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("the brokers made topic %s", w.options.Topic)}, nil
}

// createBudget is how long a topic may take from being asked for to having leaders.
const createBudget = 10 * time.Second

// create asks for the metadata of a topic in the way that makes brokers create it, and waits until it is there.
func (w *Writer) create(ctx context.Context, topic string) error {
	ask := func() error {
		broker := w.cluster.client.LeastLoadedBroker()
		if broker == nil {
			return sarama.ErrOutOfBrokers
		}
		q := sarama.NewMetadataRequest(w.cluster.client.Config().Version, []string{topic})
		q.AllowAutoTopicCreation = true
		answer, err := broker.GetMetadata(q)
		if err != nil {
			_ = broker.Close()
			return err
		}
		for _, t := range answer.Topics {
			if t.Name == topic && !errors.Is(t.Err, sarama.ErrNoError) {
				return t.Err
			}
		}
		if err := w.cluster.client.RefreshMetadata(topic); err != nil {
			return err
		}
		open, err := w.cluster.client.WritablePartitions(topic)
		if err == nil && len(open) == 0 {
			err = sarama.ErrLeaderNotAvailable
		}
		return err
	}
	err := retry(ctx, createBudget, ask, func() {})
	if isAny(err, sarama.ErrUnknownTopicOrPartition) {
		return sdk.Faultf(sdk.NotFound, "topic %q does not exist, and the brokers do not make it", topic).At("topic").
			Hint("make it by hand, or set auto.create.topics.enable at the brokers")
	}
	return writeFault(err, topic)
}

// partitionsOf tells the partitions of a topic and those that have a leader.
func (w *Writer) partitionsOf(ctx context.Context, topic string) (all, open []int32, err error) {
	client := w.cluster.client
	all, err = client.Partitions(topic)
	if err == nil && len(all) > 0 {
		open, err = client.WritablePartitions(topic)
		return all, open, writeFault(err, topic)
	}
	if w.options.AllowAutoCreate && isAny(err, sarama.ErrUnknownTopicOrPartition) {
		if err := w.create(ctx, topic); err != nil {
			return nil, nil, err
		}
		return w.partitionsNow(topic)
	}
	if err == nil {
		err = sarama.ErrUnknownTopicOrPartition
	}
	return nil, nil, writeFault(w.cluster.topicFault(topic, err), topic)
}

func (w *Writer) partitionsNow(topic string) (all, open []int32, err error) {
	if all, err = w.cluster.client.Partitions(topic); err == nil {
		open, err = w.cluster.client.WritablePartitions(topic)
	}
	return all, open, writeFault(err, topic)
}

// writeFault says what an error on the way to a topic means for the user.
func writeFault(err error, topic string) error {
	what := "write"
	if topic != "" {
		what = "write to topic " + strconv.Quote(topic)
	}
	var known *sdk.Fault
	var budget *produce.BudgetError
	var refused *produce.PartitionError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &budget) && isAny(err, sarama.ErrNotEnoughReplicas, sarama.ErrNotEnoughReplicasAfterAppend):
		return sdk.Faultf(sdk.Unreachable, "%w", oneLine{err}).At("topic").Hint("fewer replicas are in sync than min.insync.replicas asks for: look at the brokers")
	case errors.As(err, &budget) && isAny(err, sarama.ErrUnknownTopicOrPartition):
		return sdk.Faultf(sdk.NotFound, "%w", oneLine{err}).At("topic").Hint("was it deleted while the job ran?")
	case errors.As(err, &budget):
		return sdk.Faultf(sdk.Unreachable, "%w", oneLine{err}).At("server").
			Hint("the brokers were away for longer than delivery.timeout.ms or retries allow; run the job again when they are back")
	case isAny(err, sarama.ErrTopicAuthorizationFailed):
		return sdk.Faultf(sdk.Denied, "%w", oneLine{err}).At("topic").Hint("the user needs WRITE and DESCRIBE on the topic")
	case isAny(err, sarama.ErrClusterAuthorizationFailed, sarama.ErrTransactionalIDAuthorizationFailed):
		return sdk.Faultf(sdk.Denied, "%s: %w", what, oneLine{err}).At("idempotent").Hint(`the user needs IDEMPOTENT_WRITE on the cluster, or "idempotent": false`)
	case errors.As(err, &refused):
		return sdk.Faultf(sdk.Refused, "%w", oneLine{err}).At("topic").Hint("look at the configuration of the topic and at the log of the broker")
	case isAny(err, sarama.ErrOutOfOrderSequenceNumber):
		return sdk.Faultf(sdk.Refused, "%w", oneLine{err}).At("idempotent").Hint("run the job again")
	}
	return faultOf(err, what)
}

// enter notes a lane that begins, so that Close can end it; leave is to be called when it is gone.
func (w *Writer) enter(number int, stop func(error)) (leave func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stops == nil {
		return nil, sdk.Faultf(sdk.Internal, "lane %d begins on a writer that is not open", number)
	}
	w.lanes.Add(1)
	w.stops[number] = stop
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.stops, number)
		w.lanes.Done()
	}, nil
}

// Finish serves sdk.Writer.
func (w *Writer) Finish(context.Context, bool) ([]string, error) {
	to := "the topics that the rows name"
	if w.options.Topic != "" {
		to = "topic " + w.options.Topic
	}
	return []string{fmt.Sprintf("wrote %d messages to %s", w.rows.Load(), to)}, nil
}

// Close serves sdk.Writer. Lanes that still run are stopped first.
func (w *Writer) Close(context.Context) error {
	w.mu.Lock()
	stops := w.stops
	w.stops = nil
	for _, stop := range stops {
		stop(context.Canceled)
	}
	w.mu.Unlock()
	w.lanes.Wait()
	if w.cluster == nil {
		return nil
	}
	err := w.cluster.client.Close()
	w.cluster = nil
	if err != nil {
		return fmt.Errorf("close the connections to Kafka: %w", err)
	}
	return nil
}

// CheckLive serves sdk.LiveChecker: every address, login, topic, leaders and rights are looked at, nothing is written.
func (w *Writer) CheckLive(ctx context.Context) []options.Problem {
	set, problems := w.options.resolve("")
	if options.Failed(problems) {
		return nil // Check has told them
	}
	c, err := connect(ctx, &set.settings, "")
	if err != nil {
		return []options.Problem{liveProblem(err)}
	}
	defer func() { _ = c.client.Close() }()
	live := Writer{options: w.options, set: set, cluster: c}
	notes, err := live.locate()
	if err == nil {
		notes = append(live.notes(), notes...)
	}
	var out []options.Problem
	for _, note := range notes {
		out = append(out, options.Problem{Code: options.CodeAssumed, Seen: note, Warning: true})
	}
	return append(out, c.checkListeners(ctx, err)...)
}
