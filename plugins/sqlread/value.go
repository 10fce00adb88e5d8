package sqlread

import (
	"database/sql/driver"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"math/bits"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"github.com/tidwall/gjson"
)

// cell is one value on its way from the driver to Arrow. A row is read into cells first, because a row that turns out to be
// dirty must not have touched the builder.
type cell struct {
	null bool
	i    int64
	f    float64
	dec  decimal128.Num
	b    []byte // into the driver's buffer, or into own
	own  []byte
}

// What a binary column becomes.
const (
	binaryRaw    = "raw"
	binaryHex    = "hex"
	binaryBase64 = "base64"
)

// decoding turns the values of one column into cells.
type decoding struct {
	Type
	name      string
	binary    string // binaryRaw …
	zeroNulls bool   // dates that are none become NULL
}

// read fills c. A reason says why the value cannot travel.
func (d *decoding) read(v driver.Value, c *cell) (reason string) {
	if c.null = v == nil; c.null {
		return ""
	}
	switch d.Kind {
	case Bool, Int32, Int64:
		return c.integer(v)
	case Uint64:
		return c.unsigned(v)
	case Bits:
		return c.bits(v)
	case Float32, Float64:
		return c.float(v, d.Kind == Float32)
	}
	b, ok := v.([]byte)
	if !ok {
		b = plain(c.own[:0], v)
		c.own = b
	}
	c.b = b
	switch d.Kind {
	case Decimal:
		if c.dec, ok = parseDecimal(b, d.Precision, d.Scale); !ok {
			return fmt.Sprintf("%q does not fit %s", shorten(b), d.Name)
		}
	case Date, DateTime:
		days, micros, ok := parseTime(b)
		if !ok && d.zeroNulls && zeroDate(b) {
			c.null = true
			return ""
		}
		if !ok {
			return fmt.Sprintf("%q is no date", shorten(b))
		}
		if c.i = days; d.Kind == DateTime {
			c.i = days*microsPerDay + micros
		} else if micros != 0 {
			return fmt.Sprintf("%q has a time of day", shorten(b))
		}
	case JSON:
		if !gjson.ValidBytes(b) {
			return fmt.Sprintf("%q is no JSON", shorten(b))
		}
	case Bytes:
		switch d.binary {
		case binaryHex:
			c.own = hex.AppendEncode(c.own[:0], b)
			c.b = c.own
		case binaryBase64:
			c.own = base64.StdEncoding.AppendEncode(c.own[:0], b)
			c.b = c.own
		}
	}
	return ""
}

// append adds the cell to column i.
func (d *decoding) append(b *rows.Builder, i int, c *cell) {
	switch {
	case c.null:
		b.AppendNull(i)
	case d.Kind == Bool:
		b.AppendBool(i, c.i != 0)
	case d.Kind == Float32:
		b.AppendFloat32(i, float32(c.f))
	case d.Kind == Float64:
		b.AppendFloat64(i, c.f)
	case d.Kind == Decimal:
		b.AppendDecimal(i, c.dec)
	case d.Kind == Text, d.Kind == Bytes, d.Kind == JSON:
		b.AppendBytes(i, c.b)
	default:
		b.AppendInt64(i, c.i)
	}
}

func (c *cell) integer(v driver.Value) (reason string) {
	switch v := v.(type) {
	case int64:
		c.i = v
	case uint64:
		if v > math.MaxInt64 {
			return fmt.Sprintf("%d is too large", v)
		}
		c.i = int64(v)
	default:
		text := plain(c.own[:0], v)
		n, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			return fmt.Sprintf("%q is no whole number", shorten(text))
		}
		c.i, c.own = n, text
	}
	return ""
}

func (c *cell) unsigned(v driver.Value) (reason string) {
	if n, ok := v.(uint64); ok {
		c.i = int64(n)
		return ""
	}
	text := plain(c.own[:0], v)
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return fmt.Sprintf("%q is no whole number without a sign", shorten(text))
	}
	c.i, c.own = int64(n), text
	return ""
}

// bits reads the bytes of a BIT, the highest first.
func (c *cell) bits(v driver.Value) (reason string) {
	b, ok := v.([]byte)
	if !ok || len(b) > 8 {
		return "is no BIT of up to 64 bits"
	}
	c.i = 0
	for _, x := range b {
		c.i = c.i<<8 | int64(x)
	}
	return ""
}

func (c *cell) float(v driver.Value, single bool) (reason string) {
	switch v := v.(type) {
	case float64:
		c.f = v
	case float32:
		c.f = float64(v)
	default:
		width := 64
		if single {
			width = 32
		}
		text := plain(c.own[:0], v)
		f, err := strconv.ParseFloat(string(text), width)
		if err != nil {
			return fmt.Sprintf("%q is no number", shorten(text))
		}
		c.f, c.own = f, text
	}
	return ""
}

// plain appends a value as the server would have written it.
func plain(dst []byte, v driver.Value) []byte {
	switch v := v.(type) {
	case []byte:
		return append(dst, v...)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case uint64:
		return strconv.AppendUint(dst, v, 10)
	case float32:
		return strconv.AppendFloat(dst, float64(v), 'g', -1, 32)
	case float64:
		return strconv.AppendFloat(dst, v, 'g', -1, 64)
	}
	return fmt.Append(dst, v)
}

func shorten(b []byte) []byte {
	const most = 60
	return b[:min(len(b), most)]
}

// parseDecimal reads digits with a point into a number of the scale. ok is false when a digit would be lost.
func parseDecimal(b []byte, precision, scale int32) (n decimal128.Num, ok bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative || len(b) > 0 && b[0] == '+' {
		b = b[1:]
	}
	var hi, lo uint64
	places, digits, point := int32(0), int32(0), false
	push := func(d byte) {
		over, low := bits.Mul64(lo, 10)
		sum, carry := bits.Add64(low, uint64(d), 0)
		hi, lo = hi*10+over+carry, sum
		if digits > 0 || d != 0 {
			digits++
		}
	}
	seen := false
	for _, x := range b {
		switch {
		case x == '.' && !point:
			point = true
		case x < '0' || x > '9':
			return n, false
		case point && places == scale:
			if x != '0' {
				return n, false
			}
			seen = true
		default:
			seen = true
			if push(x - '0'); point {
				places++
			}
		}
		if digits > precision {
			return n, false
		}
	}
	for ; places < scale; places++ {
		push(0)
	}
	if !seen || digits > precision {
		return n, false
	}
	n = decimal128.New(int64(hi), lo)
	if negative {
		n = n.Negate()
	}
	return n, true
}
