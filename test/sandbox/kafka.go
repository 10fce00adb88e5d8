package sandbox

import (
	"fmt"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// startKafka runs one broker that listens on addr and says so in its metadata.
func startKafka(addr string) (*kfake.Cluster, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	c, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.AllowAutoTopicCreation(),
		kfake.DefaultNumPartitions(1),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, addr) }),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": "104857600"}),
	)
	if err != nil {
		return nil, fmt.Errorf("kafka cannot listen on %s: %w", addr, err)
	}
	answerFreshGroups(c)
	return c, nil
}

// answerFreshGroups makes OffsetFetch answer as Apache Kafka does for a group
// that never committed: offset -1 and no error. kfake itself refuses a group it
// does not know with GROUP_ID_NOT_FOUND, which no client expects there. A group
// that was deleted after it had committed is still refused.
func answerFreshGroups(c *kfake.Cluster) {
	var mu sync.Mutex // guards committed
	committed := map[string]bool{}
	see := func(group string) {
		mu.Lock()
		defer mu.Unlock()
		committed[group] = true
	}
	c.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
		see(r.(*kmsg.OffsetCommitRequest).Group)
		return nil, nil, false
	})
	c.ControlKey(int16(kmsg.TxnOffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
		see(r.(*kmsg.TxnOffsetCommitRequest).Group)
		return nil, nil, false
	})
	c.ControlKey(int16(kmsg.OffsetFetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := r.(*kmsg.OffsetFetchRequest)
		mu.Lock()
		defer mu.Unlock()
		groups := req.Groups
		if req.Version < 8 {
			groups = []kmsg.OffsetFetchRequestGroup{{Group: req.Group}}
		}
		for _, g := range groups {
			if g.Group == "" || committed[g.Group] {
				return nil, nil, false
			}
		}
		return nothingCommitted(req), nil, true
	})
}

func nothingCommitted(req *kmsg.OffsetFetchRequest) *kmsg.OffsetFetchResponse {
	res := req.ResponseKind().(*kmsg.OffsetFetchResponse)
	for _, t := range req.Topics {
		topic := kmsg.NewOffsetFetchResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			part := kmsg.NewOffsetFetchResponseTopicPartition()
			part.Partition, part.Offset, part.LeaderEpoch = p, -1, -1
			topic.Partitions = append(topic.Partitions, part)
		}
		res.Topics = append(res.Topics, topic)
	}
	for _, g := range req.Groups {
		group := kmsg.NewOffsetFetchResponseGroup()
		group.Group = g.Group
		for _, t := range g.Topics {
			topic := kmsg.NewOffsetFetchResponseGroupTopic()
			topic.Topic, topic.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				part := kmsg.NewOffsetFetchResponseGroupTopicPartition()
				part.Partition, part.Offset, part.LeaderEpoch = p, -1, -1
				topic.Partitions = append(topic.Partitions, part)
			}
			group.Topics = append(group.Topics, topic)
		}
		res.Groups = append(res.Groups, group)
	}
	return res
}
