package change

import (
	"encoding/base64"
	"slices"
	"strconv"
	"time"

	"github.com/gx-etl/gx/plugins/kafka/literal"
	"github.com/gx-etl/gx/plugins/kafka/project"
)

// convert adds a value as the target reads it; anew is false when the token is good as it is, and then nothing was added.
// c is what the schema says; without one v counts.
func (d *Decoder) convert(dst []byte, c *conversion, v *Value, token []byte, isDelete bool) (_ []byte, anew bool, reason string) {
	if c == nil {
		return d.suggest(dst, v, token, isDelete)
	}
	if !isDelete && unavailable(token) {
		return dst, false, "the source did not send the value, because the update left it as it was (a large value of PostgreSQL); REPLICA IDENTITY FULL makes it send all"
	}
	ok := false
	switch from := len(dst); c.kind {
	case asIs:
		if v.Type == typeJSON && c.name == "" { // MariaDB's JSON comes as a text that nothing marks
			return d.json(dst, token)
		}
		return dst, false, ""
	case jsonText:
		// A document takes JSON for what it is: a JSON column would keep a text as a JSON string, and a text column takes both.
		if v.Type != typeJSON && !d.Wanted.Document {
			return dst, false, ""
		}
		return d.json(dst, token)
	case binary:
		if !d.Style.Hex {
			return dst, false, ""
		}
		dst, ok = d.bytes(dst, token, func(dst, b []byte) []byte { return d.Style.Bytes(dst, b) })
	case refused:
		return dst, false, "values of type " + c.name + " cannot be read"
	case date, clock, wallClock:
		n, err := strconv.ParseInt(string(token), 10, 64)
		if err != nil {
			return dst, false, string(clip(token)) + " is no whole number, and the schema says " + c.name
		}
		switch c.kind {
		case date:
			dst, ok = literal.Date(dst, n)
		case clock:
			dst, ok = span(dst, n, c.perSecond)
		default:
			dst, ok = literal.Local(dst, n, c.perSecond)
		}
	case zonedText:
		dst, ok = d.zoned(dst, token)
	case unscaled:
		dst, ok = d.bytes(dst, token, func(dst, b []byte) []byte { return literal.Decimal(dst, b, c.scale) })
	case variableScale:
		dst, ok = d.variable(dst, token)
	case bits:
		dst, ok = d.bytes(dst, token, func(dst, b []byte) []byte {
			slices.Reverse(b)                              // the least significant byte stands first
			d.plain = append(append(d.plain[:0], 0), b...) // so that it is not negative
			return literal.Decimal(dst, d.plain, 0)
		})
	case extended:
		return d.extended(dst, token)
	default:
		panic("change: no kind " + strconv.Itoa(int(c.kind)) + " at " + strconv.Itoa(from))
	}
	if !ok {
		return dst, false, string(clip(token)) + " is no value of " + c.name + " that can be written"
	}
	return dst, true, ""
}

// suggest writes a value of a message without schema, as the type of the target's column makes it necessary.
func (d *Decoder) suggest(dst []byte, v *Value, token []byte, isDelete bool) (_ []byte, anew bool, reason string) {
	number := token[0] == '-' || token[0]-'0' <= 9
	text := token[0] == '"'
	if text && !isDelete && d.Format == DebeziumJSON && unavailable(token) {
		return d.convert(dst, new(conversion), v, token, false)
	}
	ok := true
	switch {
	case v.Type == "":
		return dst, false, ""
	case v.Type == typeJSON && text:
		return d.json(dst, token)
	case (v.Type == "date" || v.Type == "datetime") && text:
		if len(token) < 21 || token[11] != 'T' {
			return dst, false, ""
		}
		dst, ok = d.zoned(dst, token)
		return dst, ok, "" // what is no instant is for the target to judge
	case v.Type == "date" && number && v.PerSecond == 0 && d.Format == DebeziumJSON:
		n, err := strconv.ParseInt(string(token), 10, 64)
		if dst, ok = literal.Date(dst, n); err != nil || !ok {
			return dst, false, string(token) + " is no number of days of a date; a date that is a time of day too needs timePrecision"
		}
	case (v.Type == "date" || v.Type == "datetime") && number:
		if v.PerSecond == 0 {
			return dst, false, "a number for a column of type " + v.Type + ", and nothing says what it counts: set timePrecision, or let the source send schemas"
		}
		n, err := strconv.ParseInt(string(token), 10, 64)
		if dst, ok = literal.Local(dst, n, v.PerSecond); err != nil || !ok {
			return dst, false, string(clip(token)) + " is no time within the years 0 to 9999"
		}
	case v.decimal() && text && d.Format == DebeziumJSON:
		switch v.Decimal {
		case DecimalText:
			return dst, false, ""
		case DecimalUnknown:
			return dst, false, "a text for a column of type " + v.Type + ", and nothing says whether it holds digits or bytes: set decimalHandling, or let the source send schemas"
		}
		if v.Scale < 0 {
			return dst, false, "bytes of a decimal, and nothing says its scale: set decimalScales, or let the source send schemas"
		}
		dst, ok = d.bytes(dst, token, func(dst, b []byte) []byte { return literal.Decimal(dst, b, v.Scale) })
		if !ok {
			return dst, false, string(clip(token)) + " is no decimal in base64"
		}
	default:
		return dst, false, ""
	}
	return dst, true, ""
}

func (v *Value) decimal() bool { return len(v.Type) >= 7 && v.Type[:7] == "decimal" }

// What Debezium writes in place of a value that it was not given, and the same as bytes.
const (
	placeholder      = `"__debezium_unavailable_value"`
	placeholderBytes = `"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="`
)

func unavailable(token []byte) bool {
	return string(token) == placeholder || string(token) == placeholderBytes
}

// bytes decodes base64 and lets write add what is to stand there.
func (d *Decoder) bytes(dst, token []byte, write func(dst, b []byte) []byte) ([]byte, bool) {
	if len(token) < 2 || token[0] != '"' {
		return dst, false
	}
	d.plain = plain(d.plain[:0], token)
	d.raw = slices.Grow(d.raw[:0], base64.StdEncoding.DecodedLen(len(d.plain)))
	n, err := base64.StdEncoding.Decode(d.raw[:cap(d.raw)], d.plain)
	if err != nil {
		return dst, false
	}
	return write(dst, d.raw[:n]), true
}

var variableParts = []project.Path{{{Key: "scale", Index: -1}}, {{Key: "value", Index: -1}}}

// variable writes a VariableScaleDecimal: {"scale", "value"}.
func (d *Decoder) variable(dst, token []byte) ([]byte, bool) {
	if token[0] != '{' {
		return dst, false
	}
	if d.scaled == nil {
		d.scaled = project.New(variableParts, false)
	}
	var parts [2][]byte
	if d.scaled.Project(token, parts[:]) != nil || parts[1] == nil {
		return dst, false
	}
	scale, err := strconv.Atoi(string(parts[0]))
	if err != nil || scale < -1000 || scale > 1000 {
		return dst, false
	}
	return d.bytes(dst, parts[1], func(dst, b []byte) []byte {
		if scale >= 0 {
			return literal.Decimal(dst, b, scale)
		}
		dst = literal.Decimal(dst, b, 0)
		dst = dst[:len(dst)-1]
		for range -scale {
			dst = append(dst, '0')
		}
		return append(dst, '"')
	})
}

// zoned writes a text with an offset as the wall clock of the style's zone, and one without as it is.
func (d *Decoder) zoned(dst, token []byte) ([]byte, bool) {
	if len(token) < 2 || token[0] != '"' {
		return dst, false
	}
	text := token[1 : len(token)-1]
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err == nil {
		return d.Style.Seconds(dst, t.Unix(), int64(t.Nanosecond()))
	}
	if t, err = time.Parse("2006-01-02T15:04:05", string(text)); err != nil {
		return dst, false
	}
	return literal.Local(dst, t.UnixMicro(), 1e6)
}

// typeJSON is the type of columns that take any JSON: a text there would be a JSON string.
const typeJSON = "json"

// json writes a text that holds JSON as that JSON.
func (d *Decoder) json(dst, token []byte) (_ []byte, anew bool, reason string) {
	if token[0] != '"' {
		return dst, false, ""
	}
	d.plain = plain(d.plain[:0], token)
	if project.Value(d.plain) != nil {
		return dst, false, ""
	}
	return append(dst, d.plain...), true, ""
}

// span writes a time of MySQL, which can be negative and longer than a day; false: it is more than MySQL has.
func span(dst []byte, n, perSecond int64) ([]byte, bool) {
	if text, ok := literal.Clock(dst, n, perSecond); ok {
		return text, true
	}
	if most := 1000 * 3600 * perSecond; n <= -most || n >= most {
		return dst, false
	}
	dst = append(dst, '"')
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	sec, frac := n/perSecond, n%perSecond
	if sec < 36000 {
		dst = append(dst, '0')
	}
	dst = strconv.AppendInt(dst, sec/3600, 10)
	for _, part := range []int64{sec / 60 % 60, sec % 60} {
		dst = append(dst, ':', byte('0'+part/10), byte('0'+part%10))
	}
	if frac > 0 {
		digits := strconv.AppendInt(nil, frac+perSecond, 10) // a one, and the digits with their zeros
		dst = append(append(dst, '.'), digits[1:]...)
	}
	return append(dst, '"'), true
}
