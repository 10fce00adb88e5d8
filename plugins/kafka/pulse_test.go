package kafka

import (
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/plugins/protocol"
)

func TestQuietPartitions(t *testing.T) {
	for _, c := range []struct {
		options string
		since   time.Duration
		lag     int64
		want    bool
	}{
		{``, time.Hour, 0, false},
		{`"heartbeatIntervalSec":10`, 10 * time.Second, 0, true},
		{`"heartbeatIntervalSec":10`, 9 * time.Second, 0, false},
		{`"heartbeatIntervalSec":10`, time.Minute, 100, true},
		{`"heartbeatIntervalSec":10`, time.Minute, 101, false},
		{`"dbHeartbeatIntervalSec":10,"dbHeartbeatToleranceStep":0`, time.Minute, 1, false},
		{`"heartbeatIntervalSec":10,"heartbeatToleranceStep":5000`, time.Minute, 5000, true},
	} {
		s, problems := readOptions(t, with(c.options))
		if len(problems) > 0 {
			for _, p := range problems {
				if !p.Warning {
					t.Errorf("%s: %s", c.options, p)
				}
			}
		}
		if got := s.quiet(c.since, c.lag); got != c.want {
			t.Errorf("{%s}, %v without rows, %d behind: %t, want %t", c.options, c.since, c.lag, got, c.want)
		}
	}
}

// A heartbeat that no later one will better ends the lane; a broker that is away does not.
func TestFailedHeartbeats(t *testing.T) {
	for err, want := range map[error]protocol.Code{
		sarama.ErrTopicAuthorizationFailed:                               protocol.Denied,
		fmt.Errorf("write: %w", sarama.ErrNotLeaderForPartition):         "",
		fmt.Errorf("dial: %w", fmt.Errorf("connection refused")):         "",
		fmt.Errorf("login: %w", sarama.ErrSASLAuthenticationFailed):      protocol.Denied,
		fmt.Errorf("group: %w", sarama.ErrClusterAuthorizationFailed):    protocol.Denied,
		fmt.Errorf("metadata: %w", sarama.ErrLeaderNotAvailable):         "",
		fmt.Errorf("answer: %w", sarama.ErrNotEnoughReplicasAfterAppend): "",
	} {
		m := &member{failed: make(chan error, 1)}
		p := &pulser{r: &Reader{settings: settings{heartbeat: time.Second}}, topic: "beats"}
		p.failed(&pulse{m: m}, err)
		var got protocol.Code
		select {
		case failed := <-m.failed:
			got = protocol.AsFault(failed).Code
		default:
		}
		if got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

func TestPulseHeaders(t *testing.T) {
	h := func(keys ...string) (out []*sarama.RecordHeader) {
		for _, k := range keys {
			out = append(out, &sarama.RecordHeader{Key: []byte(k)})
		}
		return out
	}
	if isPulse(h()) || isPulse(h("gx", "gx-heartbeat-2")) || !isPulse(h("a", pulseHeader)) {
		t.Error("a heartbeat is told by its header alone")
	}
}
