package rowcount

import (
	"bytes"
	"math/bits"
)

// Dialect is delimited text whose fields may hold delimiters. It is read as the
// server reads it: an enclose inside a plain field is dropped and makes the byte
// behind it data, and an escape before a byte that needs none ends what is
// enclosed. Enclose and Escape are compared as they are, 0 with a zero byte.
type Dialect struct {
	Separator []byte // of fields, one byte or more, at most 1024
	Delimiter []byte // of rows, one byte or more, at most 1024
	Enclose   byte   // first byte of a field: text up to the next one that is not doubled
	Escape    byte   // the enclose, escape, separator or delimiter behind it is data
	Trim      bool   // spaces do not begin a field
	// LiteralPair makes two encloses at the start of a field an empty field before
	// a separator or delimiter, and data otherwise.
	LiteralPair bool
}

type state uint8

const (
	atStart state = iota
	ordinary
	enclosed
	escaped
	doubled // behind an enclose that makes the next byte data
)

// Quoted counts the rows of a stream in a Dialect; lines without a byte, or with
// nothing but spaces that are trimmed, are no rows. Not safe for concurrent use.
type Quoted struct {
	d       Dialect
	special [4]byte // bytes that may be more than data
	reach   int     // bytes needed to judge a special one

	skip     int
	rows     int64
	inRow    bool   // a field of the current row has ended
	length   int    // bytes of the current row that were taken
	end      []byte // the last of all bytes taken, as many as a delimiter has
	in, back state
	marks    [stretch / blockSize]uint64
}

// stretch is how many bytes are marked before they are walked through.
const stretch = 16 << 10

// NewQuoted returns a counter. The first skip lines are cut at delimiters, without
// a look at what is enclosed, and not counted.
func NewQuoted(d Dialect, skip int) *Quoted {
	return &Quoted{d: d, skip: skip, reach: max(len(d.Separator), len(d.Delimiter)) + 2,
		special: [4]byte{d.Separator[0], d.Delimiter[0], d.Enclose, d.Escape}}
}

// Feed takes the next bytes of the stream and returns how many of them it is done
// with. The others, at most as many as a separator or delimiter and one more, must
// come again at the front of the next call.
func (c *Quoted) Feed(data []byte) (used int) {
	used = c.feed(data)
	c.end = append(c.end, data[max(0, used-len(c.d.Delimiter)):used]...)
	c.end = append(c.end[:0], c.end[max(0, len(c.end)-len(c.d.Delimiter)):]...)
	return used
}

func (c *Quoted) feed(data []byte) (used int) {
	used = c.cut(data)
	if c.skip > 0 {
		kept := min(len(data)-used, len(c.d.Delimiter)-1)
		c.length += len(data) - used - kept
		return len(data) - kept
	}
	for {
		piece := data[used:min(len(data), used+stretch)]
		n := c.walk(piece, false)
		used += n
		if used == len(data) || n < len(piece) && len(piece) < stretch {
			return used
		}
	}
}

// cut takes the lines to be skipped.
func (c *Quoted) cut(data []byte) (used int) {
	for c.skip > 0 {
		end := bytes.Index(data[used:], c.d.Delimiter)
		if end < 0 {
			break
		}
		used += end + len(c.d.Delimiter)
		c.length = 0
		c.skip--
	}
	return used
}

// End says that the stream is over, after the bytes in rest, which are those that
// Feed was not done with. It returns the number of rows, and how many lines there
// were too few to skip. As the server does, it puts a delimiter behind a row that
// does not end with one, so that an escape or an enclose at the end takes it as data.
func (c *Quoted) End(rest []byte) (rows int64, missing int) {
	row := append(c.end[max(0, len(c.end)-c.length):len(c.end):len(c.end)], rest...)
	if len(row) > 0 && !bytes.HasSuffix(row, c.d.Delimiter) {
		rest = append(rest[:len(rest):len(rest)], c.d.Delimiter...)
	}
	if rest = rest[c.cut(rest):]; c.skip == 0 {
		c.walk(rest, true)
		c.endRow()
	}
	return c.rows, c.skip
}

func (c *Quoted) endRow() {
	if c.inRow || c.in != atStart {
		c.rows++
	}
	c.inRow, c.in = false, atStart
}

// walk goes from special byte to special byte and stops where it cannot judge
// one for want of what follows. It returns how far it came.
func (c *Quoted) walk(data []byte, last bool) int {
	c.mark(data)
	d := &c.d
	end := len(data)
	if !last {
		end -= c.reach - 1 // special bytes from here on must wait
	}
	begun := -c.length // where the current row begins
	for at := 0; at < len(data); {
		if c.in == doubled {
			c.in = c.back
			at++
			continue
		}
		if next := c.next(at, len(data)); next > at {
			c.plain(data[at:next])
			if at = next; at == len(data) {
				break
			}
		}
		if at >= end {
			c.length = at - begun
			return at
		}
		b, rest := data[at], data[at:]
		switch c.in {
		case enclosed:
			at++
			switch {
			case b == d.Enclose && len(rest) > 1 && rest[1] == b:
				c.back, c.in = enclosed, doubled
			case b == d.Enclose:
				c.in = ordinary
			case b == d.Escape:
				c.back, c.in = enclosed, escaped
			}
			continue
		case escaped:
			switch n := c.delimiterAt(rest); {
			case b == d.Enclose || b == d.Escape:
				c.in = c.back
				at++
			case n > 0:
				c.in = c.back
				at += n
			default:
				c.in = ordinary
			}
			continue
		case atStart:
			if d.Trim && b == ' ' {
				at++
				continue
			}
		}
		switch {
		case begins(rest, d.Delimiter):
			c.endRow()
			at += len(d.Delimiter)
			begun = at
		case begins(rest, d.Separator):
			c.inRow, c.in = true, atStart
			at += len(d.Separator)
		case b == d.Escape:
			c.back, c.in = ordinary, escaped
			at++
		case b == d.Enclose && c.in == ordinary:
			c.back, c.in = ordinary, doubled
			at++
		case b == d.Enclose:
			at++
			c.in = enclosed
			if d.LiteralPair && len(rest) > 1 && rest[1] == b {
				at++
				c.in = ordinary
			}
		default:
			c.in = ordinary
			at++
		}
	}
	c.length = len(data) - begun
	return len(data)
}

// begins is bytes.HasPrefix for a prefix that is mostly one byte long.
func begins(data, prefix []byte) bool {
	return data[0] == prefix[0] && (len(prefix) == 1 || bytes.HasPrefix(data, prefix))
}

// delimiterAt returns the length of the delimiter or separator that data begins
// with, or 0.
func (c *Quoted) delimiterAt(data []byte) int {
	switch {
	case begins(data, c.d.Delimiter):
		return len(c.d.Delimiter)
	case begins(data, c.d.Separator):
		return len(c.d.Separator)
	}
	return 0
}

// plain takes bytes that are none of the special ones.
func (c *Quoted) plain(data []byte) {
	switch c.in {
	case escaped:
		c.in = ordinary
	case atStart:
		if !c.d.Trim || len(bytes.TrimLeft(data, " ")) > 0 {
			c.in = ordinary
		}
	}
}

// mark finds the special bytes of data, which is no longer than a stretch.
func (c *Quoted) mark(data []byte) {
	whole := len(data) / blockSize
	special(data[:whole*blockSize], c.marks[:whole], &c.special)
	if rest := data[whole*blockSize:]; len(rest) > 0 {
		var block [blockSize]byte
		copy(block[:], rest)
		special(block[:], c.marks[whole:whole+1], &c.special)
		c.marks[whole] &= 1<<len(rest) - 1
	}
}

// next is the place of the first special byte at or behind at, or n.
func (c *Quoted) next(at, n int) int {
	if m := c.marks[at/blockSize] >> (at % blockSize); m != 0 {
		return at + bits.TrailingZeros64(m)
	}
	for word := at/blockSize + 1; word*blockSize < n; word++ {
		if m := c.marks[word]; m != 0 {
			return word*blockSize + bits.TrailingZeros64(m)
		}
	}
	return n
}

// specialPlain marks in out, 64 bytes for each, which bytes of data are one of four.
func specialPlain(data []byte, out []uint64, chars *[4]byte) {
	for i := range out {
		words := load(data[i*blockSize:])
		out[i] = equal(&words, chars[0]) | equal(&words, chars[1]) | equal(&words, chars[2]) | equal(&words, chars[3])
	}
}
