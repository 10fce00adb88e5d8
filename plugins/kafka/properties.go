package kafka

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// property is what gx makes of one property of the Java consumer.
type property struct {
	// number or text takes the value; exactly one of them is set, unless the property is refused or ignored.
	number   func(l *link) *int32
	min, max int64
	text     func(l *link, v string) error
	ignored  string // accepted without effect, and why
	refused  string // an error, and why
	try      string
}

var instanceID = regexp.MustCompile(`^[0-9a-zA-Z._-]{1,249}$`)

// wrongValue is an error of property.text: what is allowed instead of the value. Without a code it is not-allowed.
type wrongValue struct{ code, seen, want, try string }

func (e *wrongValue) Error() string { return e.seen }

// needless is an error of property.text too: the value is right, and nothing comes of it.
type needless string

func (e needless) Error() string { return string(e) }

var javaProperties = withSecurity(map[string]property{
	"fetch.min.bytes":           {number: func(l *link) *int32 { return &l.minBytes }, min: 1, max: 1 << 30},
	"fetch.max.wait.ms":         {number: func(l *link) *int32 { return &l.maxWaitMs }, min: 1, max: 60_000},
	"fetch.max.bytes":           {number: func(l *link) *int32 { return &l.maxBytes }, min: 1024, max: 1 << 30},
	"max.partition.fetch.bytes": {number: func(l *link) *int32 { return &l.partitionBytes }, min: 1024, max: 1 << 30},
	"session.timeout.ms":        {number: func(l *link) *int32 { return &l.sessionMs }, min: 1000, max: 3_600_000},
	"heartbeat.interval.ms":     {number: func(l *link) *int32 { return &l.heartbeatMs }, min: 100, max: 1_200_000},
	"max.poll.interval.ms":      {number: func(l *link) *int32 { return &l.rebalanceMs }, min: 1000, max: 3_600_000},
	"request.timeout.ms":        {number: func(l *link) *int32 { return &l.requestMs }, min: 1000, max: 600_000},
	"retry.backoff.ms":          {number: func(l *link) *int32 { return &l.backoffMs }, min: 1, max: 60_000},
	"metadata.max.age.ms":       {number: func(l *link) *int32 { return &l.metadataMs }, min: 1000, max: 86_400_000},
	"max.poll.records":          {number: func(l *link) *int32 { return &l.maxPoll }, min: 1, max: 1 << 30},
	"socket.connection.setup.timeout.ms": {number: func(l *link) *int32 { return &l.dialMs }, min: 100,
		max: 600_000},

	"group.id":  {text: func(l *link, v string) error { l.groupID = v; return nil }},
	"client.id": {text: setClientID},
	"group.instance.id": {text: func(l *link, v string) error {
		if !instanceID.MatchString(v) {
			return &wrongValue{seen: fmt.Sprintf("%q cannot name an instance", v), want: "letters, digits, . _ and -"}
		}
		l.instance = v
		return nil
	}},
	"client.rack":                   {text: func(l *link, v string) error { l.rack = v; return nil }},
	"auto.offset.reset":             {text: setReset},
	"isolation.level":               {text: oneOf(func(l *link, v string) { l.uncommitted = v == "read_uncommitted" }, "read_committed", "read_uncommitted")},
	"enable.auto.commit":            {text: onlyFalse("gx moves the group's offset after the rows are safe in the target; moving it by the clock would lose rows")},
	"partition.assignment.strategy": {text: setStrategy},

	"key.deserializer":         {text: deserializer("keyType")},
	"value.deserializer":       {text: deserializer("valueType")},
	"bootstrap.servers":        {refused: "the brokers stand in the parameter server", try: "server"},
	"interceptor.classes":      javaClass("no interceptors"),
	"allow.auto.create.topics": {text: onlyFalse("gx never creates a topic that it was asked to read")},
	"check.crcs":               {ignored: "checksums are always checked"},
	"auto.commit.interval.ms":  {ignored: "the group's offset moves when rows are safe; see setting.checkpoint"},
	"exclude.internal.topics":  {ignored: "topicsRegex never matches internal topics"},
	"group.protocol":           {text: oneOf(func(*link, string) {}, "classic")},
})

// withSecurity adds what both sides have in common about logins and certificates.
func withSecurity(m map[string]property) map[string]property {
	maps.Copy(m, securityProperties)
	return m
}

func javaClass(instead string) property {
	return property{refused: "gx is no Java program and loads no class", try: instead}
}

func oneOf(set func(*link, string), values ...string) func(*link, string) error {
	return func(l *link, v string) error {
		for _, known := range values {
			if strings.EqualFold(known, v) {
				set(l, known)
				return nil
			}
		}
		return &wrongValue{seen: fmt.Sprintf("%q is not allowed", v), want: strings.Join(values, ", "), try: values[0]}
	}
}

func onlyFalse(why string) func(*link, string) error {
	return func(_ *link, v string) error {
		if strings.EqualFold(v, "false") {
			return nil
		}
		return &wrongValue{seen: fmt.Sprintf("%q is refused: %s", v, why), want: "false", try: "leave it out"}
	}
}

func deserializer(instead string) func(*link, string) error {
	return func(_ *link, v string) error {
		name := v[strings.LastIndexByte(v, '.')+1:]
		if strings.HasPrefix(v, "org.apache.kafka.common.serialization.") && (name == "StringDeserializer" || name == "ByteArrayDeserializer") {
			return needless("ignored: " + instead + " says how bytes are read")
		}
		return &wrongValue{seen: fmt.Sprintf("gx is no Java program and cannot load %s", v), want: "StringDeserializer, ByteArrayDeserializer of Kafka, or nothing", try: instead}
	}
}

func setClientID(l *link, v string) error {
	if strings.Trim(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "" || v == "" {
		return &wrongValue{seen: fmt.Sprintf("%q cannot be a client id", v), want: "letters, digits, . _ and -", try: "gx"}
	}
	l.clientID = v
	return nil
}

func setReset(l *link, v string) error {
	return oneOf(func(l *link, v string) { l.reset = resetByName[v] }, "none", "earliest", "latest")(l, v)
}

func setStrategy(l *link, v string) error {
	l.strategies = nil
	for part := range strings.SplitSeq(v, ",") {
		name := strings.ToLower(strings.TrimSpace(part))
		name = strings.TrimPrefix(name, "org.apache.kafka.clients.consumer.")
		switch strings.TrimSuffix(name, "assignor") {
		case "range":
			l.strategies = append(l.strategies, "range")
		case "roundrobin":
			l.strategies = append(l.strategies, "roundrobin")
		case "sticky":
			l.strategies = append(l.strategies, "sticky")
		default:
			return &wrongValue{seen: fmt.Sprintf("%q is not available", part), want: "range, roundrobin, sticky", try: "sticky"}
		}
	}
	return nil
}

// properties applies kafkaConfig.
func (r *resolver) properties() {
	applyProperties(&r.s.link, r.o.KafkaConfig, javaProperties, "reader", r.add)
}

// applyProperties lets properties that are known set parts of a link; add takes what is to be said of them.
func applyProperties(l *link, config map[string]options.Value, known map[string]property, who string, add func(p options.Problem, keys ...string)) {
	for _, name := range sortedKeys(config) {
		v := config[name]
		if !v.Given() {
			continue
		}
		l.given[name] = true
		p, ok := known[name]
		switch {
		case !ok:
			add(unknownProperty(name, known, who), "kafkaConfig", name)
		case p.refused != "":
			add(options.Problem{Code: options.CodeNotSupported, Seen: p.refused, Try: p.try}, "kafkaConfig", name)
		case p.ignored != "":
			add(options.Problem{Code: options.CodeIgnored, Seen: "ignored: " + p.ignored, Warning: true}, "kafkaConfig", name)
		case v.Kind() == options.Array || v.Kind() == options.Object:
			add(options.Problem{Code: options.CodeWrongType, Seen: "is " + v.Kind().String() + ", not a text or a number"}, "kafkaConfig", name)
		case p.number != nil:
			n, err := strconv.ParseInt(strings.TrimSpace(v.Text()), 10, 64)
			if err != nil {
				add(options.Problem{Code: options.CodeWrongType, Seen: fmt.Sprintf("%q is not an integer", v.Text()), Want: rangeText(p.min, p.max)}, "kafkaConfig", name)
			} else if n < p.min || n > p.max {
				add(options.Problem{Code: options.CodeOutOfRange, Seen: fmt.Sprintf("%d is out of range", n), Want: rangeText(p.min, p.max)}, "kafkaConfig", name)
			} else {
				*p.number(l) = int32(n)
			}
		default:
			if err := p.text(l, strings.TrimSpace(v.Text())); err != nil {
				problem := options.Problem{Code: options.CodeNotAllowed, Seen: err.Error()}
				switch e := err.(type) {
				case *wrongValue:
					problem.Want, problem.Try = e.want, e.try
					if e.code != "" {
						problem.Code = e.code
					}
				case needless:
					problem.Code, problem.Warning = options.CodeIgnored, true
				}
				add(problem, "kafkaConfig", name)
			}
		}
	}
	for _, p := range l.check() {
		keys := []string{"kafkaConfig"}
		if p.Path != "" {
			keys = append(keys, p.Path)
		}
		add(p, keys...)
	}
}

func unknownProperty(name string, known map[string]property, who string) options.Problem {
	p := options.Problem{Code: options.CodeIgnored, Seen: "ignored: " + name + " is no property that this " + who + " has a use for", Warning: true}
	if near, ok := options.Nearest(name, sortedKeys(known)); ok {
		p.Try = near
	}
	return p
}

func rangeText(lo, hi int64) string { return fmt.Sprintf("%d to %d", lo, hi) }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
