package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/sdk"
)

// cluster is the connection to the brokers that everything but the fetching of records uses.
type cluster struct {
	client  sarama.Client
	servers []string          // as the job names them
	live    []string          // those that answered
	dead    map[string]string // why the others did not
	group   string
	link    *link
}

// reachBudget is how long Open waits for a broker to take a connection.
const reachBudget = 8 * time.Second

// connect finds a broker that answers and asks it nothing yet.
func connect(ctx context.Context, s *settings, group string) (*cluster, error) {
	config, err := s.link.config()
	if err != nil {
		return nil, sdk.Faultf(sdk.Config, "%w", err).At("kafkaConfig").Hint("ssl.truststore.location and ssl.keystore.location take files in PEM, JKS or PKCS12, with ssl.truststore.password, ssl.keystore.password and ssl.key.password")
	}
	live, dead, err := reach(ctx, s.servers)
	if err != nil {
		return nil, err
	}
	client, err := sarama.NewClient(live, config)
	if err != nil {
		return nil, s.link.explain(ctx, err, "connect to "+strings.Join(s.servers, ", "), live...)
	}
	return &cluster{client: client, servers: s.servers, live: live, dead: dead, group: group, link: &s.link}, nil
}

// reach dials all addresses at once and returns those that take a connection, and why the others do not. When none does,
// the fault lists each.
func reach(ctx context.Context, servers []string) (live []string, dead map[string]string, err error) {
	ctx, cancel := context.WithTimeout(ctx, reachBudget)
	defer cancel()
	errs := make([]error, len(servers))
	var group sync.WaitGroup
	for i, addr := range servers {
		group.Go(func() {
			var d net.Dialer
			conn, err := d.DialContext(ctx, "tcp", addr)
			if err == nil {
				err = conn.Close()
			}
			errs[i] = err
		})
	}
	group.Wait()
	var all []string
	dead = map[string]string{}
	for i, addr := range servers {
		if errs[i] == nil {
			live = append(live, addr)
			continue
		}
		dead[addr] = plainDial(errs[i])
		all = append(all, addr+" ("+dead[addr]+")")
	}
	if len(live) == 0 {
		return nil, nil, sdk.Faultf(sdk.Unreachable, "no broker takes a connection: %s", strings.Join(all, ", ")).At("server").
			Hint("check the addresses, the network and whether the brokers run")
	}
	return live, dead, nil
}

// plainDial takes the address, which stands before it already, out of an error of net.
func plainDial(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err.Error()
	}
	return err.Error()
}

// explain says what an error at the first addresses means for the user.
func (c *cluster) explain(err error, what string) error {
	return c.link.explain(context.Background(), err, what, c.live...)
}

// partitions returns the partitions of each topic.
func (c *cluster) partitions(topics []string) (map[string][]int32, error) {
	out := map[string][]int32{}
	for _, t := range topics {
		if err := c.client.RefreshMetadata(t); err != nil {
			return nil, c.topicFault(t, err)
		}
		p, err := c.client.Partitions(t)
		if err != nil {
			return nil, c.topicFault(t, err)
		}
		if len(p) == 0 {
			return nil, c.topicFault(t, sarama.ErrUnknownTopicOrPartition)
		}
		out[t] = p
	}
	return out, nil
}

func (c *cluster) topicFault(topic string, err error) error {
	if !isAny(err, sarama.ErrUnknownTopicOrPartition, sarama.ErrInvalidTopic) {
		return c.explain(err, fmt.Sprintf("look up topic %q on %s", topic, strings.Join(c.servers, ", ")))
	}
	f := sdk.Faultf(sdk.NotFound, "topic %q does not exist on %s", topic, strings.Join(c.servers, ", ")).At("topic")
	all, err := c.topicNames()
	if err != nil || len(all) == 0 {
		return f.Hint("the brokers show this user no topic")
	}
	if near, ok := options.Nearest(topic, all); ok {
		return f.Hint("%s", near)
	}
	if len(all) > 10 {
		all = append(all[:10:10], "…")
	}
	return f.Hint("topics there: %s", strings.Join(all, ", "))
}

// topicNames lists the topics that the user may see, internal ones left out, in order.
func (c *cluster) topicNames() ([]string, error) {
	broker := c.client.LeastLoadedBroker()
	if broker == nil {
		return nil, c.explain(sarama.ErrOutOfBrokers, "list topics")
	}
	answer, err := broker.GetMetadata(sarama.NewMetadataRequest(c.client.Config().Version, nil))
	if err != nil {
		_ = broker.Close()
		return nil, c.explain(err, "list topics")
	}
	var names []string
	for _, t := range answer.Topics {
		if !t.IsInternal && errors.Is(t.Err, sarama.ErrNoError) {
			names = append(names, t.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// matching lists the topics that a regular expression takes whole.
func (c *cluster) matching(re *regexp.Regexp) ([]string, error) {
	all, err := c.topicNames()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(name string) bool { return !re.MatchString(name) }), nil
}

// leadersAnswer looks whether the leaders of the partitions take a connection: the addresses that brokers give out
// themselves may lead nowhere although the first one did.
func (c *cluster) leadersAnswer(parts map[string][]int32) error {
	leaders := map[int32]*sarama.Broker{}
	for topic, ids := range parts {
		for _, id := range ids {
			b, err := c.client.Leader(topic, id)
			if err != nil {
				return faultOf(err, fmt.Sprintf("look for the leader of topic %q, partition %d", topic, id))
			}
			leaders[b.ID()] = b
		}
	}
	var group sync.WaitGroup
	var mu sync.Mutex // guards dead and first
	var dead []string
	var first error
	var of string // the address to which first belongs
	for _, b := range leaders {
		group.Go(func() {
			if ok, err := b.Connected(); err != nil || !ok {
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					err = sarama.ErrNotConnected
				}
				if dead = append(dead, fmt.Sprintf("broker %d at %s (%s)", b.ID(), b.Addr(), plainDial(err))); first == nil {
					first, of = err, b.Addr()
				}
			}
		})
	}
	group.Wait()
	if len(dead) == 0 {
		return nil
	}
	slices.Sort(dead)
	err := c.link.explain(context.Background(), first, "connect to the leaders", of)
	var f *sdk.Fault
	if errors.As(err, &f) && f.Code == sdk.Unreachable {
		return sdk.Faultf(sdk.Unreachable, "%s answers, but the leaders it names do not: %s", strings.Join(c.live, ", "), strings.Join(dead, ", ")).At("server").
			Hint("brokers give out the addresses in their advertised.listeners; these must lead to them from here")
	}
	return err
}

// retry calls f until it succeeds, fails for good, or the budget is spent. Between the calls refresh is called.
func retry(ctx context.Context, budget time.Duration, f func() error, refresh func()) error {
	began, wait := time.Now(), 100*time.Millisecond
	for {
		err := f()
		if err == nil || !passing(err) || time.Since(began) > budget {
			return err
		}
		select {
		case <-time.After(wait):
			wait = min(2*wait, 2*time.Second)
		case <-ctx.Done():
			return ctx.Err()
		}
		refresh()
	}
}

// passing tells whether an error may be gone at the next try.
func passing(err error) bool {
	var f *sdk.Fault
	var code sarama.KError
	switch {
	case errors.As(err, &f):
		return f.Code == sdk.Unreachable
	case errors.As(err, &code):
		return isAny(code, sarama.ErrNotCoordinatorForConsumer, sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrOffsetsLoadInProgress,
			sarama.ErrNotLeaderForPartition, sarama.ErrLeaderNotAvailable, sarama.ErrUnknownTopicOrPartition, sarama.ErrReplicaNotAvailable,
			sarama.ErrFencedLeaderEpoch, sarama.ErrUnknownLeaderEpoch, sarama.ErrOffsetNotAvailable, sarama.ErrRequestTimedOut,
			sarama.ErrNetworkException, sarama.ErrBrokerNotAvailable, sarama.ErrUnstableOffsetCommit, sarama.ErrKafkaStorageError, sarama.ErrUnknown)
	}
	return !isTLS(err)
}
