package builtin

import (
	"strings"
	"sync"
	"time"

	"github.com/dolthub/go-mysql-server/sql/types"
)

// day as a duration.
const day = 24 * time.Hour

// units of fixed length.
var units = map[string]time.Duration{
	"microsecond": time.Microsecond, "millisecond": time.Millisecond, "second": time.Second, "minute": time.Minute, "hour": time.Hour,
	"day": day, "week": 7 * day,
}

func init() {
	add := &function{min: 2, max: 3, result: datetime, eval: func(c *call) any { return shifted(c, 1) }}
	sub := &function{min: 2, max: 3, result: datetime, eval: func(c *call) any { return shifted(c, -1) }}
	register(map[string]*function{
		"date_add": add, "adddate": add, "date_sub": sub, "subdate": sub,
		"timestampadd":  {min: 3, max: 3, result: datetime, eval: func(c *call) any { return shift(c.moment(2), c.text(0), c.whole(1)) }},
		"timestampdiff": {min: 3, max: 3, result: bigint, eval: func(c *call) any { return difference(c.moment(2), c.moment(1), c.text(0)) }},
		"date_diff":     {min: 3, max: 3, result: bigint, eval: func(c *call) any { return difference(c.moment(1), c.moment(2), c.text(0)) }},
		"datediff":      {min: 2, max: 2, result: integer, eval: func(c *call) any { return dayNumber(c.moment(0)) - dayNumber(c.moment(1)) }},
		"add_months":    {min: 2, max: 2, result: datetime, eval: func(c *call) any { return shift(c.moment(0), "month", c.whole(1)) }},
	})
	for _, unit := range []string{"microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"} {
		register(map[string]*function{
			unit + "s_add":  {min: 2, max: 2, result: datetime, eval: func(c *call) any { return shift(c.moment(0), unit, c.whole(1)) }},
			unit + "s_sub":  {min: 2, max: 2, result: datetime, eval: func(c *call) any { return shift(c.moment(0), unit, -c.whole(1)) }},
			unit + "s_diff": {min: 2, max: 2, result: bigint, eval: func(c *call) any { return difference(c.moment(0), c.moment(1), unit) }},
		})
	}
}

// shifted adds argument 1 in the unit of argument 2, days without one.
func shifted(c *call, sign int64) any {
	unit := "day"
	if len(c.args) == 3 {
		unit = c.text(2)
	}
	if isText(c.types[1]) && c.types[1] != types.Null && c.failed {
		return nil
	}
	return shift(c.moment(0), unit, sign*c.whole(1))
}

// shift moves a moment. A day that the month does not have becomes its last one.
// Outside the years 0 to 9999 there is nothing.
func shift(t time.Time, unit string, n int64) any {
	const most = 9999 * 366 * 24 * 3600 * 1e6 // more than all of time in microseconds
	if n > most || n < -most {
		return nil
	}
	unit = strings.ToLower(unit)
	var out time.Time
	switch unit {
	case "month", "quarter", "year":
		months := n
		if unit == "quarter" {
			months *= 3
		} else if unit == "year" {
			months *= 12
		}
		if months > 120000 || months < -120000 {
			return nil
		}
		y, m, d := t.Date()
		last := time.Date(y, m+time.Month(months)+1, 0, 0, 0, 0, 0, time.UTC).Day()
		out = time.Date(y, m+time.Month(months), min(d, last), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	default:
		step, ok := units[unit]
		if !ok {
			return nil
		}
		if step >= time.Second {
			seconds := n * int64(step/time.Second)
			if seconds > most/1e6 || seconds < -most/1e6 {
				return nil
			}
			out = time.Unix(t.Unix()+seconds, int64(t.Nanosecond())).UTC()
			break
		}
		out = addMicros(t.Truncate(time.Second), n*int64(step/time.Microsecond)+int64(t.Nanosecond()/1000))
	}
	if out.Year() < 0 || out.Year() > 9999 {
		return nil
	}
	return out
}

// difference counts whole units from b to a.
func difference(a, b time.Time, unit string) any {
	unit = strings.ToLower(unit)
	switch unit {
	case "month", "quarter", "year":
		months := int64(a.Year()-b.Year())*12 + int64(a.Month()) - int64(b.Month())
		switch at := b.AddDate(0, int(months), 0); {
		case months > 0 && at.After(a):
			months--
		case months < 0 && at.Before(a):
			months++
		}
		if unit == "quarter" {
			return months / 3
		} else if unit == "year" {
			return months / 12
		}
		return months
	}
	step, ok := units[unit]
	if !ok {
		return nil
	}
	micros := (a.Unix()-b.Unix())*1e6 + int64(a.Nanosecond()-b.Nanosecond())/1000
	return micros / int64(step/time.Microsecond)
}

// zones keeps the time zones that were asked for: loading one reads a file.
var zones sync.Map

// Zone returns the time zone of a name, or of an offset like +08:00.
func Zone(name string) (*time.Location, error) { return zoneNamed(name) }

func zoneNamed(name string) (*time.Location, error) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	z, err := readZone(name)
	if err == nil {
		zones.Store(name, z)
	}
	return z, err
}

func readZone(name string) (*time.Location, error) {
	switch strings.ToUpper(name) {
	case "CST", "PRC":
		return time.LoadLocation("Asia/Shanghai")
	case "UTC", "GMT", "ETC/UTC":
		return time.UTC, nil
	}
	for _, layout := range []string{"-07:00", "-7:00"} {
		if t, err := time.Parse(layout, name); err == nil {
			_, seconds := t.Zone()
			if seconds > 14*3600 || seconds < -12*3600 {
				break
			}
			return time.FixedZone(name, seconds), nil
		}
	}
	return time.LoadLocation(name)
}
