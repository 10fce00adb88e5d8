package kafka

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// position is where a partition resumes; it travels as JSON.
type position struct {
	Offset int64 `json:"offset"` // of the next record
	Epoch  int32 `json:"epoch"`  // of the leader that served the records before, -1 when unknown
	// Session numbers the group membership that the records were read under, from 1. 0: read without one.
	Session uint64 `json:"session,omitempty"`
}

func (p position) bytes() []byte {
	b := append(make([]byte, 0, 64), `{"offset":`...)
	b = strconv.AppendInt(b, p.Offset, 10)
	b = append(b, `,"epoch":`...)
	b = strconv.AppendInt(b, int64(p.Epoch), 10)
	if p.Session > 0 {
		b = append(b, `,"session":`...)
		b = strconv.AppendUint(b, p.Session, 10)
	}
	return append(b, '}')
}

func parsePosition(b []byte) (position, error) {
	p := position{Epoch: -1}
	if err := json.Unmarshal(b, &p); err != nil || p.Offset < 0 {
		return p, fmt.Errorf("%.100q is no position of a partition", b)
	}
	return p, nil
}

// shardName is the name of a partition: topics hold no slash.
func shardName(topic string, partition int32) string {
	return topic + "/" + strconv.Itoa(int(partition))
}

func parseShardName(name string) (topic string, partition int32, err error) {
	topic, id, ok := strings.Cut(name, "/")
	n, bad := strconv.ParseInt(id, 10, 32)
	if !ok || topic == "" || bad != nil || n < 0 {
		return "", 0, fmt.Errorf("%q is no partition of a topic", name)
	}
	return topic, int32(n), nil
}

// descriptor is a bounded shard: a stretch of one partition.
type descriptor struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Begin     int64  `json:"begin"`
	End       int64  `json:"end"`
}
