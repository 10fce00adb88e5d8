package transform

import (
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

type kind uint8

const (
	null    kind = iota
	text         // in bytes
	nested       // JSON text of an object or a list, in bytes
	integer      // in n
	number       // decimal digits, in bytes: fractions, and integers beyond 64 bits
	float        // in f
	truth        // in n, 0 or 1
	instant      // in at
	day          // in at
)

// value is one value of one row. Its bytes point into the batch, or into buf until the next read.
type value struct {
	kind  kind
	bytes []byte
	n     int64
	f     float64
	at    time.Time
	as    string // the layout of at as text
	buf   []byte
}

// column reads the values of one Arrow column.
type column struct {
	name string
	json bool // raw JSON text
	zone *time.Location
	unit arrow.TimeUnit

	dayText, timeText string // layouts of dates as text
}

func columnOf(f arrow.Field, dates *job.Dates) (column, error) {
	c := column{name: f.Name, json: rows.IsJSON(f), zone: time.UTC, dayText: cmp.Or(dates.Day, dateText), timeText: cmp.Or(dates.Instant, timeText)}
	if t, ok := f.Type.(*arrow.TimestampType); ok {
		c.unit = t.Unit
		if t.TimeZone != "" {
			zone, err := t.GetZone()
			if err != nil {
				return c, err
			}
			if c.zone = zone; dates.Zone != nil {
				c.zone = dates.Zone
			}
		}
	}
	return c, nil
}

// read puts the value of a row into v.
func (c *column) read(a arrow.Array, row int, v *value) {
	if a.IsNull(row) {
		v.kind = null
		return
	}
	switch a := a.(type) {
	case *array.String:
		v.buf = append(v.buf[:0], a.Value(row)...)
		v.kind, v.bytes = text, v.buf
	case *array.Binary:
		if v.kind, v.bytes = text, a.Value(row); c.json {
			v.token(v.bytes)
		}
	case *array.Int8:
		v.kind, v.n = integer, int64(a.Value(row))
	case *array.Int16:
		v.kind, v.n = integer, int64(a.Value(row))
	case *array.Int32:
		v.kind, v.n = integer, int64(a.Value(row))
	case *array.Int64:
		v.kind, v.n = integer, a.Value(row)
	case *array.Uint8:
		v.kind, v.n = integer, int64(a.Value(row))
	case *array.Uint16:
		v.kind, v.n = integer, int64(a.Value(row))
	case *array.Uint32:
		v.kind, v.n = integer, int64(a.Value(row))
	case *array.Uint64:
		v.unsigned(a.Value(row))
	case *array.Float32:
		v.buf = strconv.AppendFloat(v.buf[:0], float64(a.Value(row)), 'g', -1, 32)
		v.kind = float
		v.f, _ = strconv.ParseFloat(string(v.buf), 64) // 0.1 stays 0.1
	case *array.Float64:
		v.kind, v.f = float, a.Value(row)
	case *array.Boolean:
		v.kind, v.n = truth, 0
		if a.Value(row) {
			v.n = 1
		}
	case *array.Decimal128:
		v.decimal(a.Value(row), a.DataType().(arrow.DecimalType).GetScale())
	case *array.Date32:
		v.kind, v.as, v.at = day, c.dayText, time.Unix(int64(a.Value(row))*86400, 0).UTC()
	case *array.Timestamp:
		v.kind, v.as, v.at = instant, c.timeText, a.Value(row).ToTime(c.unit).In(c.zone)
	default:
		v.kind, v.bytes = text, []byte(a.ValueStr(row))
	}
}

func (v *value) unsigned(n uint64) {
	if n <= math.MaxInt64 {
		v.kind, v.n = integer, int64(n)
		return
	}
	v.buf = strconv.AppendUint(v.buf[:0], n, 10)
	v.kind, v.bytes = number, v.buf
}

func (v *value) decimal(d decimal128.Num, scale int32) {
	low := int64(d.LowBits())
	small := d.HighBits() == low>>63
	if small && scale == 0 {
		v.kind, v.n = integer, low
		return
	}
	if !small || scale < 0 || low == math.MinInt64 {
		v.kind, v.bytes = number, []byte(d.ToString(scale))
		return
	}
	b := v.buf[:0]
	if low < 0 {
		b = append(b, '-')
		low = -low
	}
	start := len(b)
	b = strconv.AppendInt(b, low, 10)
	for len(b)-start <= int(scale) { // at least one digit before the point
		b = append(b, 0)
		copy(b[start+1:], b[start:])
		b[start] = '0'
	}
	dot := len(b) - int(scale)
	b = append(b, 0)
	copy(b[dot+1:], b[dot:])
	b[dot] = '.'
	v.kind, v.bytes, v.buf = number, b, b
}

// token reads raw JSON text. Text that is no JSON is taken as it is.
func (v *value) token(raw []byte) {
	if len(raw) == 0 {
		return
	}
	switch c := raw[0]; {
	case c == '"':
		v.quoted(raw)
	case c == '{', c == '[':
		v.kind = nested
	case string(raw) == "null":
		v.kind = null
	case string(raw) == "true":
		v.kind, v.n = truth, 1
	case string(raw) == "false":
		v.kind, v.n = truth, 0
	case c == '-', c >= '0' && c <= '9':
		if n, ok := smallInt(raw); ok {
			v.kind, v.n = integer, n
		} else {
			v.kind = number
		}
	}
}

// quoted takes a JSON string apart.
func (v *value) quoted(raw []byte) {
	for i := 1; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			var s string
			if json.Unmarshal(raw, &s) == nil {
				v.buf = append(v.buf[:0], s...)
				v.bytes = v.buf
			}
			return
		case '"':
			if i == len(raw)-1 {
				v.bytes = raw[1:i]
			}
			return
		}
	}
}

// smallInt reads an integer of up to 18 digits in its only spelling.
func smallInt(b []byte) (n int64, ok bool) {
	digits := b
	if digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 18 || (digits[0] == '0' && len(b) > 1) {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if b[0] == '-' {
		n = -n
	}
	return n, true
}

const (
	dateText = "2006-01-02"
	timeText = "2006-01-02 15:04:05.999999999"
)

// appendText adds the value as DataX would print it, except that fractions of a second stay unless common.column says how
// dates are written. NULL adds nothing.
func (v *value) appendText(dst []byte) []byte {
	switch v.kind {
	case text, nested, number:
		return append(dst, v.bytes...)
	case integer:
		return strconv.AppendInt(dst, v.n, 10)
	case float:
		return appendFloat(dst, v.f)
	case truth:
		return strconv.AppendBool(dst, v.n != 0)
	case instant, day:
		return v.at.AppendFormat(dst, v.as)
	}
	return dst
}

// appendFloat writes all digits of a double without an exponent, and one after the point at least.
func appendFloat(dst []byte, f float64) []byte {
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if f == math.Trunc(f) && !math.IsInf(f, 0) {
		dst = append(dst, '.', '0')
	}
	return dst
}
