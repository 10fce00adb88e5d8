package stream

import (
	"encoding/base64"
	"encoding/json"
	"math/bits"
	"strconv"
	"time"

	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// mix is the finaliser of SplitMix64: it turns counting into noise. A value depends on the seed, its column and its row
// alone, so a run that resumes makes the rows that it would have made.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (c *column) noise(row uint64) uint64 { return mix(c.seed + row) }

// within picks from lo to hi.
func within(noise uint64, lo, hi int64) int64 {
	span := uint64(hi-lo) + 1
	if span == 0 { // all of int64
		return int64(noise)
	}
	pick, _ := bits.Mul64(noise, span)
	return int64(uint64(lo) + pick)
}

func (c *column) null(row uint64) bool { return c.nullEvery > 0 && (row+1)%c.nullEvery == 0 }

// long is the value of a long or a date.
func (c *column) long(row uint64) int64 {
	switch c.way {
	case counted:
		return c.lo + int64(row)*c.hi
	case random:
		return within(c.noise(row), c.lo, c.hi)
	}
	return c.lo
}

func (c *column) double(row uint64) float64 {
	if c.way == random {
		share := float64(c.noise(row)>>11) / (1<<53 - 1)
		return c.flo*(1-share) + c.fhi*share
	}
	return c.flo
}

func (c *column) bool(row uint64) bool {
	if c.way == random {
		return within(c.noise(row), 1, c.lo+c.hi) > c.lo
	}
	return c.flag
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// appendText appends a string or bytes.
func (c *column) appendText(dst []byte, row uint64) []byte {
	if c.way != random {
		return append(dst, c.text...)
	}
	noise := c.noise(row)
	n := within(noise, c.lo, c.hi)
	for i := int64(0); i < n; i++ {
		if i%10 == 0 { // a word of noise is good for ten letters
			noise = mix(noise)
		}
		dst = append(dst, alphabet[noise%uint64(len(alphabet))])
		noise /= uint64(len(alphabet))
	}
	return dst
}

// append adds the value of a row as column i of b. scratch is memory that may be used; it is returned, perhaps grown.
func (c *column) append(b *rows.Builder, i int, row uint64, scratch []byte) []byte {
	if c.null(row) {
		b.AppendNull(i)
		return scratch
	}
	switch c.kind {
	case "long", "date":
		b.AppendInt64(i, c.long(row))
	case "double":
		b.AppendFloat64(i, c.double(row))
	case "bool":
		b.AppendBool(i, c.bool(row))
	default:
		scratch = c.appendText(scratch[:0], row)
		b.AppendBytes(i, scratch)
	}
	return scratch
}

// appendJSON appends the value of a row as a JSON token.
func (c *column) appendJSON(dst []byte, row uint64) []byte {
	if c.null(row) {
		return append(dst, "null"...)
	}
	switch c.kind {
	case "long":
		return strconv.AppendInt(dst, c.long(row), 10)
	case "double":
		return strconv.AppendFloat(dst, c.double(row), 'g', -1, 64)
	case "bool":
		return strconv.AppendBool(dst, c.bool(row))
	case "date": // javadate lets nothing in that JSON escapes
		dst = append(dst, '"')
		dst = time.UnixMicro(c.long(row)).UTC().AppendFormat(dst, c.layout)
		return append(dst, '"')
	case "bytes":
		return c.appendBase64(dst, row)
	}
	if c.way == random {
		dst = c.appendText(append(dst, '"'), row)
		return append(dst, '"')
	}
	return appendString(dst, string(c.text))
}

func (c *column) appendBase64(dst []byte, row uint64) []byte {
	raw := c.appendText(nil, row)
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, raw)
	return append(dst, '"')
}

func appendString(dst []byte, s string) []byte {
	enc, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always encodes
	}
	return append(dst, enc...)
}
