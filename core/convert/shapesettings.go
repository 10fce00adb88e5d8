package convert

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/job/options"
)

// settings brings speed and errorLimit from one shape into the other; all else goes on as it is.
func (c *common) settings(in options.Value, at string, from Tool, to Shape, core options.Value) {
	target := "setting"
	if to == ToDataX {
		target = "job.setting"
	}
	out := options.Map()
	if from == DataX && !in.Get("speed").Given() {
		c.say(at+".speed", options.Value{}, Default, options.Join(target, "speed"), "not given, which DataX refuses; one lane", "")
	}
	out = out.With("errorLimit", c.errorLimit(in.Get("errorLimit"), at, target, from, to))
	out = out.With("speed", c.speed(in.Get("speed"), at, target, from, to, core))
	for _, m := range in.Members() {
		path := options.Join(at, m.Key)
		switch m.Key {
		case "speed", "errorLimit":
		case "jvmOption", "locale", "failoverEnable", "keyVersion":
			c.say(path, m.Value, Needless, "", "has no effect in gx", "")
		case "mode", "executeMode":
			if to == ToDataX && !strings.EqualFold(m.Value.Text(), "batch") {
				c.say(path, m.Value, Unsupported, "", "a job of DataX has an end", "--to gx")
				continue
			}
			out = out.With(m.Key, m.Value)
			c.each(path, options.Join(target, m.Key), m.Value)
		default:
			out = out.With(m.Key, m.Value)
			before := len(c.lines)
			c.each(path, options.Join(target, m.Key), m.Value)
			for i := range c.lines[before:] {
				if l := &c.lines[before+i]; to != GX {
					l.Status, l.Note = Differs, "known to gx only"
				}
			}
		}
	}
	c.setting = out
}

// errorLimit: without one DataX and DataWorks let any number of records go, and gx none. An empty text says it to gx and to
// DataWorks, silence to DataX.
func (c *common) errorLimit(in options.Value, at, target string, from Tool, to Shape) options.Value {
	at, target = options.Join(at, "errorLimit"), options.Join(target, "errorLimit")
	record, percentage := in.Get("record"), in.Get("percentage")
	set := func(v options.Value) bool { return v.Given() && v.Text() != "" }
	out := options.Map()
	for _, m := range in.Members() {
		if set(m.Value) {
			out = out.With(m.Key, m.Value)
			c.each(options.Join(at, m.Key), options.Join(target, m.Key), m.Value)
		}
	}
	if set(record) || set(percentage) {
		return out
	}
	c.lines = append(c.lines, Line{Key: options.Join(at, "record"), Status: Default, To: options.Join(target, "record"), There: "no limit", Here: "0",
		Note: "not given: any number of dirty records may be lost, which gx does only when told"})
	if to == ToDataX {
		return options.Value{}
	}
	return options.Map(member("record", options.Text("")))
}

// speed: DataX counts bytes, DataWorks megabytes of 1048576 bytes, which a decimal number says exactly.
func (c *common) speed(in options.Value, at, target string, from Tool, to Shape, core options.Value) options.Value {
	at, target = options.Join(at, "speed"), options.Join(target, "speed")
	lanesKey := "concurrent"
	if to == ToDataX {
		lanesKey = "channel"
	}
	out := options.Map()
	lanes := in.Get("concurrent")
	if !lanes.Given() || lanes.Text() == "" {
		lanes = in.Get("channel")
	}
	bytes, records := positive(in.Get("byte")), positive(in.Get("record"))
	if mbps := in.Get("mbps"); mbps.Given() {
		bytes = megabytes(mbps.Text())
	}
	if in.Get("throttle").Text() == "false" { // no limit counts, nor those of one channel
		bytes, records, core = 0, 0, options.Map()
	}
	derived := int64(0)
	for _, limit := range []struct {
		total *int64
		one   int64
	}{{&bytes, positive(core.Lookup("transport.channel.speed.byte"))}, {&records, positive(core.Lookup("transport.channel.speed.record"))}} {
		if *limit.total > 0 && limit.one > 0 {
			if n := max(1, *limit.total/limit.one); derived == 0 || n < derived {
				derived = n
			}
		}
	}
	if derived > 0 {
		lanes = whole(derived)
	}
	if lanes.Given() && lanes.Text() != "" {
		out = out.With(lanesKey, lanes.Unplaced())
	} else {
		out = out.With(lanesKey, whole(1))
	}
	for _, limit := range []struct {
		total *int64
		key   string
	}{{&bytes, "transport.channel.speed.byte"}, {&records, "transport.channel.speed.record"}} {
		if one := positive(core.Lookup(limit.key)); *limit.total == 0 && one > 0 && one < 1<<40 {
			*limit.total = one * max(1, positive(out.Get(lanesKey)))
		}
	}
	byteTo := options.Join(target, "byte")
	switch {
	case bytes > 0 && to == ToDataX:
		out = out.With("byte", whole(bytes))
	case bytes > 0:
		out = out.With("throttle", literal("true")).With("mbps", options.Text(decimal(bytes)))
		byteTo = options.Join(target, "mbps")
	case to != ToDataX && records == 0: // DataWorks knows throttle with mbps only, and gx takes false for all limits
		out = out.With("throttle", literal("false"))
	}
	if records > 0 {
		out = out.With("record", whole(records))
	}
	for _, m := range in.Members() {
		path := options.Join(at, m.Key)
		switch m.Key {
		case "concurrent", "channel":
			if derived > 0 {
				c.say(path, m.Value, Differs, options.Join(target, lanesKey), fmt.Sprintf("the limits of the job and of one channel ask for %d lanes, and DataX follows them", derived), "")
				continue
			}
			c.say(path, m.Value, Mapped, options.Join(target, lanesKey), "", "")
		case "byte", "mbps":
			if bytes == 0 {
				c.say(path, m.Value, Needless, "", "no limit, or throttle is off", "")
				continue
			}
			c.say(path, m.Value, Mapped, byteTo, "", "")
		case "throttle":
			c.say(path, m.Value, Mapped, byteTo, "", "")
		case "record":
			if records == 0 {
				c.say(path, m.Value, Needless, "", "no limit, or throttle is off", "")
				continue
			}
			if to == ToDataWorks {
				c.say(path, m.Value, Differs, options.Join(target, "record"), "known to gx only", "")
				continue
			}
			c.say(path, m.Value, Mapped, options.Join(target, "record"), "", "")
		case "dmu":
			c.say(path, m.Value, Needless, "", "a resource unit of old DataWorks", "")
		default:
			c.say(path, m.Value, Unknown, "", "no such key", "")
		}
	}
	return out
}

// positive is a number of a document, 0 for none or one that limits nothing.
func positive(v options.Value) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(v.Text()), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// megabytes are bytes of a decimal number of 1048576.
func megabytes(text string) int64 {
	r, ok := new(big.Rat).SetString(strings.TrimSpace(text))
	if !ok || r.Sign() <= 0 || r.Cmp(big.NewRat(1<<40, 1)) > 0 {
		return 0
	}
	r.Mul(r, big.NewRat(1<<20, 1))
	return max(1, new(big.Int).Quo(r.Num(), r.Denom()).Int64())
}

// decimal says bytes in 1048576 exactly: a fraction over a power of two ends.
func decimal(bytes int64) string {
	text := big.NewRat(bytes, 1<<20).FloatString(20)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
