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
	"github.com/gx-etl/gx/plugins/kafka/msk"
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
	heartbeatTopic        string
	refresh               time.Duration
	consumeParallel       int
	zoneNote, beginByRule bool
	zone                  *time.Location
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
			r.s.link.named = msk.RegionOf(s)
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
	s.heartbeatTopic = o.HeartbeatTopic
	if t := o.HeartbeatTopic; t != "" && (!legalTopic.MatchString(t) || t == "." || t == "..") {
		r.wrong(options.CodeNotAllowed, "heartbeatTopic", fmt.Sprintf("%q cannot be the name of a topic", t), "up to 249 letters, digits, . _ and -", "")
	} else if t != "" && o.HeartbeatIntervalSec == 0 {
		r.note(options.CodeIgnored, "heartbeatTopic", "gets no heartbeats: heartbeatIntervalSec is 0")
	}
	s.refresh = time.Duration(o.MetadataRefreshMs) * time.Millisecond
	s.consumeParallel = o.ConsumeParallel
}
