package builtin

import (
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
)

func init() {
	part := func(f func(time.Time) int) *function {
		return &function{min: 1, max: 1, result: integer, eval: func(c *call) any { return int64(f(c.moment(0))) }}
	}
	now := &function{max: 1, result: datetime, eval: func(c *call) any {
		t := c.now(c.zone())
		places := int64(0) // without an argument, whole seconds
		if len(c.args) == 1 {
			places = min(max(c.whole(0), 0), 6)
		}
		step := time.Second
		for range places {
			step /= 10
		}
		return t.Truncate(step)
	}}
	today := &function{result: date, eval: func(c *call) any { return midnight(c.now(c.zone())) }}
	timeOfDay := &function{result: varchar, eval: func(c *call) any { return c.now(c.zone()).Format(time.TimeOnly) }}
	day := part(time.Time.Day)
	toDate := &function{min: 1, max: 1, result: date, eval: func(c *call) any { return midnight(c.moment(0)) }}
	isoWeek := part(func(t time.Time) int { _, w := t.ISOWeek(); return w })
	register(map[string]*function{
		"now": now, "current_timestamp": now, "localtime": now, "localtimestamp": now,
		"utc_timestamp": {result: datetime, eval: func(c *call) any { return c.now(time.UTC).Truncate(time.Second) }},
		"curdate":       today, "current_date": today, "curtime": timeOfDay, "current_time": timeOfDay,
		"year": part(time.Time.Year), "month": part(func(t time.Time) int { return int(t.Month()) }),
		"quarter": part(func(t time.Time) int { return (int(t.Month()) + 2) / 3 }),
		"day":     day, "dayofmonth": day, "dayofyear": part(time.Time.YearDay),
		"hour": part(time.Time.Hour), "minute": part(time.Time.Minute), "second": part(time.Time.Second),
		"microsecond":   part(func(t time.Time) int { return t.Nanosecond() / 1000 }),
		"dayofweek":     part(func(t time.Time) int { return int(t.Weekday()) + 1 }),
		"dayofweek_iso": part(isoDay), "weekday": part(func(t time.Time) int { return isoDay(t) - 1 }),
		"weekofyear": isoWeek, "week_iso": isoWeek,
		"week": {min: 1, max: 2, result: integer, eval: func(c *call) any {
			mode := int64(0)
			if len(c.args) == 2 {
				mode = c.whole(1)
			}
			_, w := weekOf(c.moment(0), mode)
			return int64(w)
		}},
		"yearweek": {min: 1, max: 2, result: integer, eval: func(c *call) any {
			mode := int64(0)
			if len(c.args) == 2 {
				mode = c.whole(1)
			}
			y, w := weekOf(c.moment(0), mode|2)
			return int64(y*100 + w)
		}},
		"dayname":   {min: 1, max: 1, result: varchar, eval: func(c *call) any { return c.moment(0).Weekday().String() }},
		"monthname": {min: 1, max: 1, result: varchar, eval: func(c *call) any { return c.moment(0).Month().String() }},
		"date":      toDate, "to_date": toDate,
		"timestamp": {min: 1, max: 1, result: datetime, eval: func(c *call) any { return c.moment(0) }},
		"last_day": {min: 1, max: 2, result: date, check: wordFrom(1, "month", "quarter", "year"), eval: func(c *call) any {
			t := c.moment(0)
			y, m, _ := t.Date()
			if len(c.args) == 2 {
				switch strings.ToLower(c.text(1)) {
				case "quarter":
					m = (m + 2) / 3 * 3
				case "year":
					m = 12
				}
			}
			return time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC)
		}},
		"to_days":   {min: 1, max: 1, result: integer, eval: func(c *call) any { return dayNumber(c.moment(0)) }},
		"from_days": {min: 1, max: 1, result: date, eval: func(c *call) any { return year0.AddDate(0, 0, int(c.whole(0))) }},
		"makedate": {min: 2, max: 2, result: date, eval: func(c *call) any {
			if d := c.whole(1); d < 1 || d > 366 {
				return nil
			}
			t := time.Date(int(c.whole(0)), 1, int(c.whole(1)), 0, 0, 0, 0, time.UTC)
			if t.Year() != int(c.whole(0)) {
				return nil
			}
			return t
		}},
		"date_trunc":     {min: 2, max: 2, result: sameDate(1), check: wordFrom(0, "microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"), eval: dateTrunc},
		"date_floor":     {min: 3, max: 4, result: datetime, eval: timeSlice},
		"time_slice":     {min: 3, max: 4, result: sameDate(0), eval: timeSlice},
		"convert_tz":     {min: 3, max: 3, result: datetime, eval: convertTZ},
		"date_format":    {min: 2, max: 2, result: varchar, eval: func(c *call) any { return dateFormat(c.moment(0), c.text(1)) }},
		"str_to_date":    {min: 2, max: 2, result: datetime, eval: func(c *call) any { return parsed(c, false) }},
		"str2date":       {min: 2, max: 2, result: date, eval: func(c *call) any { return parsed(c, true) }},
		"unix_timestamp": {max: 2, result: bigint, eval: unixTimestamp},
		"from_unixtime":  {min: 1, max: 2, result: varchar, eval: fromUnixtime},
	})
}

// year0 is where TO_DAYS starts to count.
var year0 = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)

func dayNumber(t time.Time) int64 { return (midnight(t).Unix() - year0.Unix()) / 86400 }

func isoDay(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

// sameDate keeps DATE as it is and makes everything else DATETIME.
func sameDate(i int) func([]sqlType) sqlType {
	return func(args []sqlType) sqlType {
		if types.IsDateType(args[i]) {
			return types.Date
		}
		return types.DatetimeMaxPrecision
	}
}

// wordFrom refuses a literal that is none of the words, when the query is planned.
func wordFrom(i int, words ...string) func([]sql.Expression) error {
	return func(args []sql.Expression) error {
		if i >= len(args) {
			return nil
		}
		l, ok := args[i].(*expression.Literal)
		if !ok || l.Value() == nil {
			return nil
		}
		text, _ := Text(l.Type(), l.Value())
		for _, w := range words {
			if strings.EqualFold(w, text) {
				return nil
			}
		}
		return &ArgumentError{Value: text, Words: words}
	}
}

// ArgumentError is a word that a function does not take.
type ArgumentError struct {
	Value string
	Words []string
}

func (e *ArgumentError) Error() string {
	return "Invalid argument '" + e.Value + "', it must be one of " + strings.Join(e.Words, ", ")
}

// weekOf numbers weeks as MySQL's WEEK does. Bit 0 of mode starts weeks on Monday,
// bit 1 counts from 1 and gives days before week 1 to the year before, bit 2 turns
// around what makes week 1: its first weekday, or four of its days.
func weekOf(t time.Time, mode int64) (year, week int) {
	monday, weekYear, first := mode&1 != 0, mode&2 != 0, mode&4 != 0
	if !monday {
		first = !first
	}
	year = t.Year()
	yday := t.YearDay() - 1
	weekday := func(d time.Time) int {
		if monday {
			return isoDay(d) - 1
		}
		return int(d.Weekday())
	}
	start := weekday(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
	if int(t.Month()) == 1 && t.Day() <= 7-start && (first && start != 0 || !first && start >= 4) {
		if !weekYear {
			return year, 0
		}
		weekYear = true
		year--
		days := time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
		yday += days
		start = (start + 53*7 - days) % 7
	}
	var days int
	if first && start != 0 || !first && start >= 4 {
		days = yday - (7 - start)
	} else {
		days = yday + start
	}
	if weekYear && days >= 52*7 {
		length := time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
		next := (start + length) % 7
		if !first && next < 4 || first && next == 0 {
			return year + 1, 1
		}
	}
	return year, days/7 + 1
}

func dateTrunc(c *call) any {
	t := c.moment(1)
	y, m, d := t.Date()
	switch strings.ToLower(c.text(0)) {
	case "microsecond":
		return t.Truncate(time.Microsecond)
	case "millisecond":
		return t.Truncate(time.Millisecond)
	case "second":
		return t.Truncate(time.Second)
	case "minute":
		return t.Truncate(time.Minute)
	case "hour":
		return t.Truncate(time.Hour)
	case "day":
		return midnight(t)
	case "week":
		return time.Date(y, m, d-isoDay(t)+1, 0, 0, 0, 0, time.UTC)
	case "month":
		return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	case "quarter":
		return time.Date(y, (m-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
	case "year":
		return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return nil
}

// timeSlice rounds to a multiple of an interval since 0001-01-01: arguments are the
// time, a number, its unit, and FLOOR (the default) or CEIL.
func timeSlice(c *call) any {
	t, n, unit := c.moment(0), c.whole(1), strings.ToLower(c.text(2))
	if c.failed || n <= 0 || n > 1<<30 {
		return nil
	}
	origin := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	var from, to time.Time
	switch unit {
	case "month", "quarter", "year":
		months := n
		if unit == "quarter" {
			months *= 3
		} else if unit == "year" {
			months *= 12
		}
		passed := int64(t.Year()-1)*12 + int64(t.Month()) - 1
		passed -= passed % months
		from = origin.AddDate(0, int(passed), 0)
		to = origin.AddDate(0, int(passed+months), 0)
	default:
		step, ok := units[unit]
		if !ok {
			return nil
		}
		// Durations hold 292 years: whole days are counted first.
		if step >= day {
			days := int64(step/day) * n
			passed := (midnight(t).Unix() - origin.Unix()) / 86400
			passed -= passed % days
			from, to = origin.AddDate(0, 0, int(passed)), origin.AddDate(0, 0, int(passed+days))
			break
		}
		micros := int64(step/time.Microsecond) * n
		passed := (t.Unix()-origin.Unix())*1e6 + int64(t.Nanosecond()/1000)
		passed -= passed % micros
		from, to = addMicros(origin, passed), addMicros(origin, passed+micros)
	}
	if len(c.args) == 4 && strings.EqualFold(c.text(3), "ceil") {
		return to
	}
	return from
}

func addMicros(t time.Time, n int64) time.Time {
	return time.Unix(t.Unix()+n/1e6, (n%1e6)*1000).UTC()
}

func convertTZ(c *call) any {
	from, err := zoneNamed(c.text(1))
	if err != nil {
		return nil
	}
	to, err := zoneNamed(c.text(2))
	if err != nil {
		return nil
	}
	return floating(instant(c.moment(0), from).In(to))
}

// maxUnix is the last second of the year 9999.
const maxUnix = 253402300799

func unixTimestamp(c *call) any {
	if len(c.args) == 0 {
		return c.ctx.QueryTime().Unix()
	}
	var t time.Time
	if len(c.args) == 2 {
		v, ok := strToDate(c.text(0), c.text(1))
		if !ok {
			return nil
		}
		t = v
	} else {
		t = c.moment(0)
	}
	n := instant(t, c.zone()).Unix()
	if n < 0 || n > maxUnix {
		return int64(0)
	}
	return n
}

func fromUnixtime(c *call) any {
	n := c.whole(0)
	if n < 0 || n > maxUnix {
		return nil
	}
	format := "%Y-%m-%d %H:%i:%s"
	if len(c.args) == 2 {
		format = c.text(1)
	}
	return dateFormat(floating(time.Unix(n, 0).In(c.zone())), format)
}

func parsed(c *call, dateOnly bool) any {
	t, ok := strToDate(c.text(0), c.text(1))
	if !ok {
		return nil
	}
	if dateOnly {
		return midnight(t)
	}
	return t
}
