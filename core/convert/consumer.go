package convert

import "strings"

// consumerProperty places a property of the Java consumer, by its bare name.
func consumerProperty(d *draft, l *Line, name string) {
	direct := map[string]struct {
		to string
		as form
	}{
		"bootstrap.servers": {"reader/server", asList}, "group.id": {"reader/groupId", asText},
		"auto.offset.reset": {"reader/autoOffsetReset", asText}, "max.poll.records": {"reader/maxPollRecords", asWhole},
		"fetch.min.bytes": {"reader/fetchMinBytes", asWhole}, "fetch.max.wait.ms": {"reader/fetchMaxWaitMs", asWhole},
		"session.timeout.ms": {"reader/sessionTimeoutMs", asWhole},
	}
	switch place, ok := direct[name]; {
	case ok:
		v, why := place.as.value(l.Value)
		if why != "" {
			l.fail(why, "")
			return
		}
		d.put(l, place.to, v)
	case name == "key.deserializer" || name == "value.deserializer":
		l.needless("gx reads bytes and decodes them as keyConverter and valueConverter say")
	case name == "enable.auto.commit" || name == "auto.commit.interval.ms":
		l.needless("gx moves the group's offsets when the rows are safe in the target, never by the clock")
	default:
		v, _ := asText.value(strings.TrimSpace(l.Value))
		d.put(l, "reader/kafkaConfig/"+name, v)
	}
}

// isolation is what every Java consumer does when it is not told otherwise.
var isolation = rule{key: "isolation.level", there: "read_uncommitted", here: "read_committed",
	note:   "the consumer of Java also reads what aborted transactions wrote; gx leaves that out",
	try:    `"kafkaConfig": {"isolation.level": "read_uncommitted"}`,
	unless: func(d *draft) bool { return d.reader.Get("kafkaConfig").Get("isolation.level").Given() }}
