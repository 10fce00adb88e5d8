package kafka

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gx-etl/gx/job/options"
)

// settings is what Options come to.
type settings struct {
	servers    []string
	topics     []string
	regex      *regexp.Regexp
	partitions []int32 // nil: all
	columns    []column
	format     format
	group      string // empty: by the name of the job
	begin, end boundary
	reset      reset
	link       link

	skipExceed            bool
	stopEmpty, stopAtEnd  bool
	wait                  time.Duration
	maxRows               int
	heartbeat             time.Duration
	heartbeatStep         int64
	refresh               time.Duration
	consumeParallel       int
	zoneNote, beginByRule bool
	zone                  *time.Location
}

// format is how keys and values become rows.
type format struct {
	keyType, valueType string
	keyJSON            bool
	envelope           bool // values are {"schema", "payload"}
	guardEnvelope      bool // such values are refused, because nobody said that they come
	emptyDirty         bool
	raw                bool // keys, values and headers are bytes
}

// resolver gathers problems under the path of the parameter object.
type resolver struct {
	o        *Options
	path     string
	s        settings
	problems []options.Problem
}

func resolve(o *Options, path string) (settings, []options.Problem) {
	r := &resolver{o: o, path: path}
	r.s.link = defaultLink()
	r.addresses()
	r.topics()
	r.properties()
	r.formats()
	r.columns()
	r.raw()
	r.group()
	r.boundaries()
	r.flow()
	return r.s, r.problems
}

func (r *resolver) add(p options.Problem, keys ...string) {
	p.Path = r.path
	for _, k := range keys {
		p.Path = options.Join(p.Path, k)
	}
	r.problems = append(r.problems, p)
}

func (r *resolver) wrong(code, key, seen, want, try string) {
	r.add(options.Problem{Code: code, Seen: seen, Want: want, Try: try}, key)
}

func (r *resolver) note(code, key, seen string) {
	r.add(options.Problem{Code: code, Seen: seen, Warning: true}, key)
}

func (r *resolver) addresses() {
	var bad []string
	try := "broker1:9092,broker2:9092"
	for _, s := range r.o.Server {
		host, port, err := net.SplitHostPort(s)
		n, notNumber := strconv.ParseUint(port, 10, 16)
		switch {
		case err != nil && !strings.Contains(s, ":"):
			bad = append(bad, fmt.Sprintf("%q has no port", s))
			try = s + ":9092"
		case err != nil || notNumber != nil || n == 0 || host == "":
			bad = append(bad, fmt.Sprintf("%q is not the address of a broker", s))
		case !slices.Contains(r.s.servers, s):
			r.s.servers = append(r.s.servers, s)
		}
	}
	if len(bad) > 0 {
		r.wrong(options.CodeNotAllowed, "server", strings.Join(bad, ", "), "host:port", try)
	}
}

var legalTopic = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func (r *resolver) topics() {
	o := r.o
	switch {
	case len(o.Topic) == 0 && o.TopicsRegex == "":
		r.wrong(options.CodeMissing, "topic", "neither topic nor topicsRegex is given", "", "the name of a topic")
	case len(o.Topic) > 0 && o.TopicsRegex != "":
		r.wrong(options.CodeConflict, "topicsRegex", "topic and topicsRegex are both given", "", "keep one of them")
	}
	var bad []string
	for _, t := range o.Topic {
		switch {
		case !legalTopic.MatchString(t) || t == "." || t == "..":
			bad = append(bad, strconv.Quote(t))
		case slices.Contains(r.s.topics, t):
			r.note(options.CodeIgnored, "topic", fmt.Sprintf("%q is there twice and read once", t))
		default:
			r.s.topics = append(r.s.topics, t)
		}
	}
	if len(bad) > 0 {
		r.wrong(options.CodeNotAllowed, "topic", strings.Join(bad, ", ")+" cannot be the name of a topic", "up to 249 letters, digits, . _ and -", "")
	}
	if o.TopicsRegex != "" {
		_, err := regexp.Compile(o.TopicsRegex)
		var e *syntax.Error
		switch {
		case err == nil:
			r.s.regex = regexp.MustCompile(`^(?:` + o.TopicsRegex + `)$`)
		case errors.As(err, &e):
			r.wrong(options.CodeNotAllowed, "topicsRegex", fmt.Sprintf("not an RE2 expression: %s: %q at byte %d", e.Code, e.Expr, max(0, strings.Index(o.TopicsRegex, e.Expr))), "", `orders\..*`)
		default:
			r.wrong(options.CodeNotAllowed, "topicsRegex", "not an RE2 expression: "+err.Error(), "", `orders\..*`)
		}
	}
	for _, p := range o.Partition {
		if p < 0 {
			r.wrong(options.CodeOutOfRange, "partition", fmt.Sprintf("%d is not a partition", p), "0 or more", "0")
		}
	}
	r.s.partitions = slices.Compact(slices.Sorted(slices.Values(o.Partition)))
}

// otherFormats are formats that users may know from elsewhere.
const otherFormats = "csv, text, avro, protobuf, jsonschema, debezium-json, debezium-avro, canal-json, cloudcanal-json, maxwell-json, ogg-json, ticdc-canal-json, dts-avro, DEBEZIUM_ENVELOP_JSON_FOR_MQ"

func (r *resolver) formats() {
	o, f := r.o, &r.s.format
	f.keyType, f.valueType = o.KeyType, o.ValueType
	f.emptyDirty = o.EmptyValue == "dirty"
	f.raw = strings.EqualFold(o.MessageFormat, rawFormat)
	if m := o.MessageFormat; m != "" && !f.raw && !strings.EqualFold(m, "json") {
		code, try := options.CodeNotAllowed, ""
		for known := range strings.SplitSeq(otherFormats, ", ") {
			if strings.EqualFold(known, m) {
				code = options.CodeNotSupported
			}
		}
		if code == options.CodeNotSupported {
			try = `json, or attributes such as "column": ["__value__"]`
		}
		r.wrong(code, "messageFormat", fmt.Sprintf("%q is not a format that this version reads", m), "json, raw", try)
	}
	for key, v := range map[string]string{"encoding": o.Encoding, "headerEncoding": o.HeaderEncoding} {
		if !strings.EqualFold(v, "UTF-8") && !strings.EqualFold(v, "UTF8") {
			r.wrong(options.CodeNotSupported, key, fmt.Sprintf("%q is not an encoding that this version reads", v), "UTF-8", "UTF-8")
		}
	}
	r.keyConverter()
	r.valueConverter()
	if o.FieldDelimiter != "" {
		if o.DataFormat == "text" {
			r.wrong(options.CodeNotSupported, "fieldDelimiter", "splitting values at a delimiter is not available yet", "", `"column": ["__value__"]`)
		} else {
			r.note(options.CodeIgnored, "fieldDelimiter", "has no effect with dataFormat json")
		}
	}
}

func (r *resolver) keyConverter() {
	c, f := r.o.KeyConverter, &r.s.format
	switch typ := strings.ToLower(c.Type); typ {
	case "":
	case "json":
		f.keyJSON, f.keyType = true, "json"
	case "string", "bytearray", "long", "integer", "short", "double", "float":
		f.keyType = typ
	default:
		r.add(options.Problem{Code: options.CodeNotSupported, Seen: fmt.Sprintf("%q is not a converter that this version has for keys", c.Type),
			Want: "string, json, bytearray, long, integer, short, double, float"}, "keyConverter", "type")
	}
	if c.SchemasEnable != nil && *c.SchemasEnable {
		r.add(options.Problem{Code: options.CodeNotSupported, Seen: "keys in an envelope of schema and payload are not available yet",
			Want: "false"}, "keyConverter", "schemasEnable")
	}
	if c.Registry != "" {
		r.registry("keyConverter")
	}
}

func (r *resolver) valueConverter() {
	c, f := r.o.ValueConverter, &r.s.format
	if c.Type != "" && !strings.EqualFold(c.Type, "json") {
		r.add(options.Problem{Code: options.CodeNotSupported, Seen: fmt.Sprintf("%q is not a converter that this version has for values", c.Type),
			Want: "json"}, "valueConverter", "type")
	}
	if c.Registry != "" {
		r.registry("valueConverter")
	}
	f.envelope = c.SchemasEnable != nil && *c.SchemasEnable
	f.guardEnvelope = !f.envelope
}

func (r *resolver) registry(converter string) {
	r.add(options.Problem{Code: options.CodeNotSupported, Seen: "schema registries are not available yet",
		Try: "messages without a registry, such as plain JSON"}, converter, "schemaRegistryUrl")
}

func (r *resolver) columns() {
	o := r.o
	if len(o.Column) > 1 && slices.Contains(o.Column, "*") {
		r.wrong(options.CodeConflict, "column", `"*" stands beside other columns`, "", `["*"] alone, or the columns one by one`)
		return
	}
	fields := len(o.Column) == 0 || o.Column[0] == "*"
	if !fields {
		for i, text := range o.Column {
			c, err := parseColumn(text)
			if err != nil {
				p := *err
				p.Path = options.At(options.Join(r.path, "column"), i)
				r.problems = append(r.problems, p)
				continue
			}
			fields = fields || c.kind == columnField
			if c.kind == columnField && len(c.path) == 1 && (c.path[0].Key == "schema" || c.path[0].Key == "payload") {
				r.s.format.guardEnvelope = false
			}
			r.s.columns = append(r.s.columns, c)
		}
	}
	if !fields {
		return
	}
	if o.DataFormat == "text" {
		r.wrong(options.CodeNotSupported, "dataFormat", "values that are no JSON cannot be split into columns yet", "", `json, or "column": ["__value__"]`)
	}
	if o.ValueType != "string" && o.ValueType != "bytearray" {
		r.wrong(options.CodeConflict, "valueType", fmt.Sprintf("values of type %s are no JSON, yet JSON fields are wanted of them", o.ValueType), "string, bytearray",
			`"column": ["__value__"]`)
	}
}

func (r *resolver) group() {
	r.s.group = r.o.GroupID
	if r.s.group == "" {
		r.s.group = r.s.link.groupID
	} else if id := r.s.link.groupID; id != "" && id != r.s.group {
		r.add(options.Problem{Code: options.CodeIgnored, Seen: fmt.Sprintf("%q has no effect: groupId is given too, and counts", id), Warning: true}, "kafkaConfig", "group.id")
	}
	if len(r.s.group) > 249 {
		r.wrong(options.CodeOutOfRange, "groupId", fmt.Sprintf("has %d bytes", len(r.s.group)), "up to 249 bytes", "")
	}
}

// flow settles what has a name of its own and one in kafkaConfig too; kafkaConfig counts.
func (r *resolver) flow() {
	o, s := r.o, &r.s
	pick := func(key, property string, own *int32, dst *int32) {
		if own == nil {
			return
		}
		if s.link.given[property] {
			if *own != *dst {
				r.note(options.CodeIgnored, key, fmt.Sprintf("has no effect: kafkaConfig has %s = %d, which counts", property, *dst))
			}
			return
		}
		*dst = *own
	}
	pick("fetchMinBytes", "fetch.min.bytes", o.FetchMinBytes, &s.link.minBytes)
	pick("fetchMaxWaitMs", "fetch.max.wait.ms", o.FetchMaxWaitMs, &s.link.maxWaitMs)
	pick("sessionTimeoutMs", "session.timeout.ms", o.SessionTimeoutMs, &s.link.sessionMs)
	pick("maxPollRecords", "max.poll.records", o.MaxPollRecords, &s.link.maxPoll)
	if s.link.heartbeatMs == 0 {
		s.link.heartbeatMs = min(1000, s.link.sessionMs/3) // how soon a member hears of a rebalance
	}
	if s.link.heartbeatMs >= s.link.sessionMs {
		r.add(options.Problem{Code: options.CodeConflict, Seen: fmt.Sprintf("heartbeat.interval.ms is %d and session.timeout.ms %d: the group would give up between two heartbeats",
			s.link.heartbeatMs, s.link.sessionMs), Try: strconv.Itoa(int(s.link.sessionMs / 3))}, "kafkaConfig", "heartbeat.interval.ms")
	}
	if s.link.requestMs <= s.link.maxWaitMs {
		r.add(options.Problem{Code: options.CodeConflict, Seen: fmt.Sprintf("request.timeout.ms is %d and fetch.max.wait.ms %d: every quiet fetch would time out",
			s.link.requestMs, s.link.maxWaitMs), Try: "30000"}, "kafkaConfig", "request.timeout.ms")
	}
	s.maxRows = int(s.link.maxPoll)
	s.skipExceed, s.stopEmpty, s.stopAtEnd, s.wait = o.SkipExceedRecord, o.StopWhenPollEmpty, o.StopWhenReachEndOffset, o.WaitTime
	if !s.skipExceed {
		r.note(options.CodeMapped, "skipExceedRecord", "false: records past the end that a fetch brings along are written too, and the group's offset moves past them")
	}
	if s.stopAtEnd && !s.stopEmpty {
		r.note(options.CodeIgnored, "stopWhenReachEndOffset", "has no effect without stopWhenPollEmpty")
	}
	s.heartbeat, s.heartbeatStep = time.Duration(o.HeartbeatIntervalSec)*time.Second, o.HeartbeatToleranceStep
	if o.HeartbeatTopic != "" {
		r.wrong(options.CodeNotSupported, "heartbeatTopic", "writing heartbeats to a topic is not available yet", "", "heartbeatIntervalSec alone")
	}
	s.refresh = time.Duration(o.MetadataRefreshMs) * time.Millisecond
	s.consumeParallel = o.ConsumeParallel
}
