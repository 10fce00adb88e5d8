package kafka

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // machines without zone files read timeZone too

	"github.com/gx-etl/gx/job/options"
)

// boundary is where a partition begins or ends, before the brokers are asked.
type boundary struct {
	at    point
	parts map[string]point // by "3" or "orders/3"; these beat at
	key   string           // the option that says so, "" when none does
}

// point is a place in a partition.
type point struct {
	kind  pointKind
	value int64 // an offset or Unix milliseconds
}

type pointKind uint8

const (
	pointEarliest pointKind = iota
	pointLatest
	pointCommitted
	pointTime
	pointOffset
)

// of is the place in one partition.
func (b *boundary) of(topic string, partition int32) point {
	id := strconv.Itoa(int(partition))
	if p, ok := b.parts[topic+"/"+id]; ok {
		return p
	}
	if p, ok := b.parts[id]; ok {
		return p
	}
	return b.at
}

// reset says what to do about an offset that is not there.
type reset uint8

const (
	resetUnset reset = iota // as none, except where a group has no offset yet: earliest
	resetNone
	resetEarliest
	resetLatest
)

var resetByName = map[string]reset{"none": resetNone, "earliest": resetEarliest, "latest": resetLatest}

func (r *resolver) boundaries() {
	o, s := r.o, &r.s
	s.reset = s.link.reset
	if o.AutoOffsetReset != "" {
		s.reset = resetByName[o.AutoOffsetReset]
		if r.s.link.given["auto.offset.reset"] && s.reset != s.link.reset {
			r.add(options.Problem{Code: options.CodeIgnored, Seen: "has no effect: autoOffsetReset is given too, and counts", Warning: true}, "kafkaConfig", "auto.offset.reset")
		}
	}
	s.zone = time.Local
	if o.TimeZone != "" {
		zone, err := parseZone(o.TimeZone)
		if err != nil {
			r.wrong(options.CodeNotAllowed, "timeZone", err.Error(), "", "Asia/Shanghai, or +08:00")
		} else {
			s.zone = zone
		}
	}
	s.zoneNote = o.TimeZone == "" && (o.BeginDateTime != "" || o.EndDateTime != "")

	begin := r.given("begin", o.BeginDateTime, o.BeginTimestampMillis, o.BeginOffset)
	switch {
	case o.BeginType == "earliest" || o.BeginType == "current":
		if begin != nil {
			r.wrong(options.CodeConflict, "beginType", fmt.Sprintf("%s and %s contradict each other", o.BeginType, begin.key), "", "specific, or leave out "+begin.key)
		}
		s.begin = boundary{key: "beginType"}
		if o.BeginType == "current" {
			s.begin.at.kind = pointCommitted
		}
	case begin != nil:
		s.begin = *begin
	case o.BeginType == "specific":
		r.wrong(options.CodeMissing, "beginType", "specific, and neither beginDateTime nor beginOffset nor beginTimestampMillis is given", "", "beginDateTime")
	default:
		s.begin, s.beginByRule = boundary{at: point{kind: pointCommitted}}, true
	}

	s.end = boundary{at: point{kind: pointLatest}}
	end := r.given("end", o.EndDateTime, o.EndTimestampMillis, o.EndOffset)
	switch {
	case o.EndType == "latest":
		if end != nil {
			r.wrong(options.CodeConflict, "endType", "latest and "+end.key+" contradict each other", "", "specific, or leave out "+end.key)
		}
		s.end.key = "endType"
	case end != nil:
		s.end = *end
	case o.EndType == "specific":
		r.wrong(options.CodeMissing, "endType", "specific, and neither endDateTime nor endOffset nor endTimestampMillis is given", "", "endDateTime")
	}
	b, e := s.begin.at, s.end.at
	if (b.kind == pointTime || b.kind == pointOffset) && b.kind == e.kind && e.value <= b.value && s.end.parts == nil && s.begin.parts == nil {
		r.wrong(options.CodeConflict, s.end.key, "the end is not after the begin; it is exclusive", "", "an end after "+s.begin.key)
	}
}

// given reads whichever of the three options of one side is given; two at once are a problem.
func (r *resolver) given(side, dateTime string, millis *int64, offset options.Value) *boundary {
	var out *boundary
	take := func(key string, b boundary, ok bool) {
		if out != nil {
			r.wrong(options.CodeConflict, side+key, out.key+" is given too", "", "keep one of them")
			return
		}
		b.key = side + key
		out = &b
		if !ok {
			out.at = point{kind: pointEarliest} // the problem is noted; nothing compares with it
		}
	}
	if strings.TrimSpace(dateTime) != "" {
		t, err := parseDateTime(strings.TrimSpace(dateTime), r.s.zone)
		if err != nil {
			r.wrong(options.CodeNotAllowed, side+"DateTime", err.Error(), "yyyymmddhhmmss", "20261121000000")
		}
		take("DateTime", boundary{at: point{kind: pointTime, value: t.UnixMilli()}}, err == nil)
	}
	if millis != nil {
		take("TimestampMillis", boundary{at: point{kind: pointTime, value: *millis}}, true)
	}
	if offset.Given() && (offset.Kind() != options.String || strings.TrimSpace(offset.Text()) != "") {
		b, ok := r.offsets(side, offset)
		take("Offset", b, ok)
	}
	return out
}

const seekWords = "seekToBeginning, seekToLast, seekToEnd"

func (r *resolver) offsets(side string, v options.Value) (boundary, bool) {
	want := "an offset, or an object of offsets by partition"
	if side == "begin" {
		want = "an offset, " + seekWords + ", or an object of these by partition"
	}
	if v.Kind() == options.String && strings.HasPrefix(strings.TrimSpace(v.Text()), "{") {
		if inner, problems := options.Parse([]byte(v.Text())); len(problems) == 0 {
			v = inner
		}
	}
	if v.Kind() != options.Object {
		p, ok := offsetPoint(side, v)
		if !ok {
			r.wrong(options.CodeNotAllowed, side+"Offset", shown(v)+" is no offset", want, "0")
		}
		return boundary{at: p}, ok
	}
	b := boundary{parts: map[string]point{}}
	// Partitions that the object does not name follow the rule for a side that is not given.
	b.at.kind = pointCommitted
	if side == "end" {
		b.at.kind = pointLatest
	}
	ok := true
	for _, m := range v.Members() {
		id := m.Key[strings.LastIndexByte(m.Key, '/')+1:]
		if n, err := strconv.ParseInt(id, 10, 32); err != nil || n < 0 || strconv.Itoa(int(n)) != id {
			r.add(options.Problem{Code: options.CodeNotAllowed, Seen: fmt.Sprintf("%q is no partition", m.Key), Want: `"0" or "topic/0"`}, side+"Offset", m.Key)
			ok = false
			continue
		}
		p, good := offsetPoint(side, m.Value)
		if !good {
			r.add(options.Problem{Code: options.CodeNotAllowed, Seen: shown(m.Value) + " is no offset", Want: want}, side+"Offset", m.Key)
			ok = false
		}
		b.parts[m.Key] = p
	}
	return b, ok
}

func offsetPoint(side string, v options.Value) (point, bool) {
	text := strings.TrimSpace(v.Text())
	if side == "begin" {
		switch strings.ToLower(text) {
		case "seektobeginning":
			return point{kind: pointEarliest}, true
		case "seektolast":
			return point{kind: pointCommitted}, true
		case "seektoend":
			return point{kind: pointLatest}, true
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if (v.Kind() != options.Number && v.Kind() != options.String) || err != nil || n < 0 {
		return point{}, false
	}
	return point{kind: pointOffset, value: n}, true
}

func shown(v options.Value) string {
	switch v.Kind() {
	case options.String:
		return strconv.Quote(v.Text())
	case options.Number, options.Bool:
		return v.Text()
	}
	return v.Kind().String()
}

// parseDateTime reads yyyymmddhhmmss in a zone. A time that the zone's clocks skip is refused, and of one that comes
// twice the earlier is taken.
func parseDateTime(text string, zone *time.Location) (time.Time, error) {
	const layout = "20060102150405"
	if len(text) != len(layout) || strings.Trim(text, "0123456789") != "" {
		return time.Time{}, fmt.Errorf("%q is not 14 digits", text)
	}
	t, err := time.ParseInLocation(layout, text, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no date and time", text)
	}
	if t.Format(layout) != text {
		return time.Time{}, fmt.Errorf("%q does not exist in the zone %s: its clocks skip that hour", text, zone)
	}
	for _, shift := range []time.Duration{time.Hour, 30 * time.Minute} {
		if u := t.Add(-shift); u.Format(layout) == text {
			return u, nil
		}
	}
	return t, nil
}

// parseZone reads the name of a zone, or an offset such as +08:00, GMT+8 or UTC-03:30.
func parseZone(text string) (*time.Location, error) {
	name := strings.TrimSpace(text)
	rest := name
	for _, prefix := range []string{"UTC", "GMT", "utc", "gmt"} {
		rest = strings.TrimPrefix(rest, prefix)
	}
	if rest == "" || rest == "Z" {
		return time.UTC, nil
	}
	if rest[0] == '+' || rest[0] == '-' {
		hours, minutes, colon := strings.Cut(rest[1:], ":")
		if !colon && len(hours) == 4 {
			hours, minutes = hours[:2], hours[2:]
		}
		if minutes == "" && !colon {
			minutes = "00"
		}
		h, err := strconv.ParseUint(hours, 10, 8)
		m, bad := strconv.ParseUint(minutes, 10, 8)
		if err != nil || bad != nil || h > 14 || m > 59 || len(minutes) != 2 || len(hours) > 2 {
			return nil, fmt.Errorf("%q is no time zone", text)
		}
		seconds := int(h)*3600 + int(m)*60
		if rest[0] == '-' {
			seconds = -seconds
		}
		return time.FixedZone(name, seconds), nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%q is no time zone", text)
	}
	return zone, nil
}
