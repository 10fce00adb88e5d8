package ddl

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// mostParts is how many partitions one EVERY may make, as on the server.
const mostParts = 4096

// every reads START ("a") END ("b") EVERY (INTERVAL n unit) or EVERY (n).
func (p *parser) every(typ store.Type) ([]store.PartitionDef, error) {
	at := p.Next()
	start, err := p.bounds()
	if err != nil {
		return nil, err
	}
	if err := p.Expect("end"); err != nil {
		return nil, err
	}
	end, err := p.bounds()
	if err != nil {
		return nil, err
	}
	if err := p.Expect("every", "("); err != nil {
		return nil, err
	}
	if len(start) != 1 || len(end) != 1 || start[0].Max || end[0].Max {
		return nil, lex.At(at, "START and END take one value each")
	}
	var defs []store.PartitionDef
	if p.Try("interval") {
		n, unit, err := p.interval()
		if err != nil {
			return nil, err
		}
		defs, err = everyTime(at, typ, start[0].Text, end[0].Text, n, unit)
		if err != nil {
			return nil, err
		}
	} else {
		t := p.Next()
		n, err := strconv.ParseInt(t.Text, 10, 64)
		if err != nil || n < 1 {
			return nil, lex.Unexpected(t, "INTERVAL", "a positive INTEGER_VALUE")
		}
		if defs, err = everyNumber(at, start[0].Text, end[0].Text, n); err != nil {
			return nil, err
		}
	}
	return defs, p.Expect(")")
}

func everyNumber(at lex.Token, start, end string, step int64) ([]store.PartitionDef, error) {
	from, err1 := strconv.ParseInt(start, 10, 64)
	to, err2 := strconv.ParseInt(end, 10, 64)
	if err1 != nil || err2 != nil || from >= to {
		return nil, lex.At(at, "Batch build partition: start value %s should be less than end value %s, both integers", start, end)
	}
	if (to-from)/step > mostParts {
		return nil, lex.At(at, "The number of batch partitions should not exceed:%d", mostParts)
	}
	var defs []store.PartitionDef
	for v := from; v < to; v += step {
		defs = append(defs, rangeDef("p"+strings.ReplaceAll(strconv.FormatInt(v, 10), "-", "_"), strconv.FormatInt(v, 10), strconv.FormatInt(min(v+step, to), 10)))
	}
	return defs, nil
}

func rangeDef(name, lower, upper string) store.PartitionDef {
	return store.PartitionDef{Name: name, Lower: []store.Bound{{Text: lower}}, Upper: []store.Bound{{Text: upper}}}
}

func everyTime(at lex.Token, typ store.Type, start, end string, n int, unit string) ([]store.PartitionDef, error) {
	layout := time.DateOnly
	if typ.Kind == store.DateTime {
		layout = time.DateTime
	}
	from, err := moment(start)
	if err != nil {
		return nil, lex.At(at, "START: %v", err)
	}
	to, err := moment(end)
	if err != nil {
		return nil, lex.At(at, "END: %v", err)
	}
	if !from.Before(to) {
		return nil, lex.At(at, "Batch build partition: start date %s should be earlier than end date %s", start, end)
	}
	var defs []store.PartitionDef
	for begin := from; begin.Before(to); {
		if len(defs) > mostParts {
			return nil, lex.At(at, "The number of batch partitions should not exceed:%d", mostParts)
		}
		next, name := begin, ""
		switch unit {
		case "hour":
			if typ.Kind != store.DateTime {
				return nil, lex.At(at, "Batch build partition: HOUR needs a DATETIME column")
			}
			next, name = begin.Add(time.Duration(n)*time.Hour), begin.Format("p2006010215")
		case "day":
			next, name = begin.AddDate(0, 0, n), begin.Format("p20060102")
		case "week":
			year, week := begin.ISOWeek()
			next, name = begin.AddDate(0, 0, 7*n), fmt.Sprintf("p%d_%02d", year, week)
		case "month":
			next, name = begin.AddDate(0, n, 0), begin.Format("p200601")
		case "year":
			next, name = begin.AddDate(n, 0, 0), begin.Format("p2006")
		default:
			return nil, lex.At(at, "Batch build partition does not support time interval type: %s", unit)
		}
		if next.After(to) {
			next = to
		}
		defs = append(defs, rangeDef(name, begin.Format(layout), next.Format(layout)))
		begin = next
	}
	return defs, nil
}

// moment reads the text of a DATE or DATETIME bound.
func moment(text string) (time.Time, error) {
	v, err := store.Convert(store.Type{Kind: store.DateTime}, text, true)
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.DateTime, v.(string)[:len(time.DateTime)])
}
