package kafka

import (
	"strconv"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/job/options"
)

// link is how to talk to the brokers: what kafkaConfig says, with defaults.
type link struct {
	given map[string]bool // properties that kafkaConfig names

	clientID, rack, instance, groupID        string
	minBytes, maxWaitMs, maxBytes            int32
	partitionBytes                           int32
	sessionMs, heartbeatMs, rebalanceMs      int32
	requestMs, backoffMs, metadataMs, dialMs int32
	maxPoll                                  int32
	reset                                    reset
	uncommitted                              bool
	strategies                               []string
	protocol                                 string

	login
	secured
	out outbound // of a writer
}

func defaultLink() link {
	return link{
		given: map[string]bool{}, clientID: "gx", minBytes: 1, maxWaitMs: 500, partitionBytes: 1 << 20,
		sessionMs: 30_000, rebalanceMs: 60_000, requestMs: 30_000, backoffMs: 250, metadataMs: 60_000, dialMs: 5_000,
		protocol: "PLAINTEXT", login: defaultLogin(),
	}
}

func (l *link) sasl() bool { return l.protocol == "SASL_PLAINTEXT" || l.protocol == "SASL_SSL" }
func (l *link) tls() bool  { return l.protocol == "SSL" || l.protocol == "SASL_SSL" }

// check looks at properties that belong together; the Path of a problem is the name of a property.
func (l *link) check() []options.Problem {
	var out []options.Problem
	add := func(code, key, seen, want, try string, warning bool) {
		out = append(out, options.Problem{Code: code, Path: key, Seen: seen, Want: want, Try: try, Warning: warning})
	}
	if l.given["sasl.username"] && l.given["sasl.jaas.config"] {
		add(options.CodeConflict, "sasl.username", "sasl.username and sasl.jaas.config both name the user", "", "keep one of them", false)
	}
	if l.sasl() {
		l.checkLogin(add)
	} else if l.mechanism != "" || l.user != "" || l.password != "" || l.jaasModule != "" {
		with := "SASL_PLAINTEXT"
		if l.tls() {
			with = "SASL_SSL"
		}
		add(options.CodeConflict, "security.protocol", l.protocol+" does not log in, yet a user, password or mechanism is given",
			"SASL_PLAINTEXT, SASL_SSL", with, false)
	}
	l.checkTLS(add)
	return out
}

// config is the sarama configuration that all connections of the reader share.
func (l *link) config() (*sarama.Config, error) {
	c := sarama.NewConfig() // brings its MetricRegistry; without one sarama panics
	c.ClientID, c.RackID = l.clientID, l.rack
	c.Net.DialTimeout = millis(l.dialMs)
	c.Net.ReadTimeout, c.Net.WriteTimeout = millis(l.requestMs), millis(l.requestMs)
	c.Metadata.AllowAutoTopicCreation = false
	c.Metadata.Full = false
	c.Metadata.Retry.Backoff = millis(l.backoffMs)
	c.Metadata.RefreshFrequency = millis(l.metadataMs)
	c.Metadata.Timeout = 10 * time.Second
	if l.tls() {
		t, err := l.tlsConfig()
		if err != nil {
			return nil, err
		}
		c.Net.TLS.Enable, c.Net.TLS.Config = true, t
	}
	if l.sasl() {
		if err := l.logIn(c); err != nil {
			return nil, err
		}
	}
	if !l.uncommitted {
		c.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	return c, nil
}

// memberConfig adds what a member of a consumer group needs; every lane is one.
func (l *link) memberConfig(lane, lanes int) (*sarama.Config, error) {
	c, err := l.config()
	if err != nil {
		return nil, err
	}
	// sarama's own consumer is paused as soon as it begins; what it fetched before that is to be little.
	c.ChannelBufferSize, c.Consumer.Fetch.Default, c.Consumer.Fetch.MaxBytes = 16, 1, 1
	c.Consumer.Return.Errors = true
	c.Consumer.Offsets.AutoCommit.Enable = false
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	g := &c.Consumer.Group
	g.Session.Timeout, g.Heartbeat.Interval = millis(l.sessionMs), millis(l.heartbeatMs)
	g.Rebalance.Timeout = millis(l.rebalanceMs)
	g.Rebalance.Retry.Backoff, g.Rebalance.Retry.Max = millis(l.backoffMs), 20
	g.ResetInvalidOffsets = false
	g.InstanceId = l.instanceOf(lane, lanes)
	names := l.strategies
	if len(names) == 0 {
		names = []string{"sticky", "range"} // range is what Java members of the group know by default
	}
	g.Rebalance.GroupStrategies = nil
	for _, name := range names {
		g.Rebalance.GroupStrategies = append(g.Rebalance.GroupStrategies, strategies[name]())
	}
	return c, nil
}

// instanceOf is the group.instance.id of a lane: every member needs one of its own.
func (l *link) instanceOf(lane, lanes int) string {
	if l.instance != "" && lanes > 1 {
		return l.instance + "-" + strconv.Itoa(lane)
	}
	return l.instance
}

var strategies = map[string]func() sarama.BalanceStrategy{
	"range": sarama.NewBalanceStrategyRange, "roundrobin": sarama.NewBalanceStrategyRoundRobin, "sticky": sarama.NewBalanceStrategySticky,
}

func millis(n int32) time.Duration { return time.Duration(n) * time.Millisecond }
