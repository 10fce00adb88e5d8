package sqlread

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"github.com/tidwall/gjson"
)

// cell is one value on its way from the server's text to Arrow. A row is read into cells first, because a row that turns
// out to be dirty must not have touched the builder.
type cell struct {
	null bool
	i    int64
	f    float64
	dec  decimal128.Num
	b    []byte // into the buffer of the connection, or into own
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

// read fills c from the bytes of the text protocol; nil is NULL. A reason says why the value cannot travel.
func (d *decoding) read(b []byte, c *cell) (reason string) {
	if c.null = b == nil; c.null {
		return ""
	}
	ok := true
	switch d.Kind {
	case Bool, Int64, Int32:
		if c.i, ok = parseInt(b); !ok {
			return fmt.Sprintf("%q is no whole number of 64 bits", shorten(b))
		}
		if d.Kind == Int32 && int64(int32(c.i)) != c.i {
			return fmt.Sprintf("%q is no whole number of 32 bits", shorten(b))
		}
	case Uint64:
		n, ok := parseUint(b)
		if !ok {
			return fmt.Sprintf("%q is no whole number of 64 bits without a sign", shorten(b))
		}
		c.i = int64(n)
	case Bits:
		return c.bits(b)
	case Float32, Float64:
		return c.float(b, d.Kind == Float32)
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
		if c.b = b; !gjson.ValidBytes(b) {
			return fmt.Sprintf("%q is no JSON", shorten(b))
		}
	case Bytes:
		switch c.b = b; d.binary {
		case binaryHex:
			c.own = hex.AppendEncode(c.own[:0], b)
			c.b = c.own
		case binaryBase64:
			c.own = base64.StdEncoding.AppendEncode(c.own[:0], b)
			c.b = c.own
		}
	default:
		c.b = b
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

// parseInt reads a whole number, perhaps with a sign.
func parseInt(b []byte) (n int64, ok bool) {
	digits := b
	negative := len(b) > 0 && b[0] == '-'
	if negative || len(b) > 0 && b[0] == '+' {
		digits = b[1:]
	}
	u, ok := parseUint(digits)
	switch {
	case !ok:
		return 0, false
	case negative && u <= math.MaxInt64+1:
		return -int64(u), true
	}
	return int64(u), u <= math.MaxInt64
}

// parseUint reads digits.
func parseUint(b []byte) (n uint64, ok bool) {
	if len(b) == 0 {
		return 0, false
	}
	for i, x := range b {
		d := uint64(x - '0')
		if d > 9 {
			return 0, false
		}
		if i >= 18 && (n > math.MaxUint64/10 || n == math.MaxUint64/10 && d > math.MaxUint64%10) {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}

// bits reads the bytes of a BIT, the highest first.
func (c *cell) bits(b []byte) (reason string) {
	if len(b) > 8 {
		return "is no BIT of up to 64 bits"
	}
	c.i = 0
	for _, x := range b {
		c.i = c.i<<8 | int64(x)
	}
	return ""
}

func (c *cell) float(b []byte, single bool) (reason string) {
	width := 64
	if single {
		width = 32
	}
	var err error
	if c.f, err = strconv.ParseFloat(unsafe.String(unsafe.SliceData(b), len(b)), width); err != nil {
		return fmt.Sprintf("%q is no number", shorten(b))
	}
	return ""
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
